//! Who asks: tokens, roles and the one policy.
//!
//! Every function of a room takes an [`Actor`], and an `Actor` is made only here, inside the transaction that uses it. What an
//! actor *sees* is its [`Scope`], which the rooms' queries turn into SQL; what it may *do* is [`Actor::may`].

mod actor;
mod disclosures;
mod http;
mod model;
mod policy;
mod store;

pub use actor::{Actor, Credentials};
pub use disclosures::{Disclosure, DisclosureDocument, DisclosureId, NewDisclosure};
pub use http::{ApiDoc, routes};
pub use model::{
    BegunSignIn, HeldRole, IssuedToken, NewRoleGrant, NewToken, NewUser, Proof, Reach, Role, RoleGrant, RoleGrantId, Scope, Secret, Token,
    TokenDocument, TokenId, TokenKind, User, UserDocument, UserId,
};
pub use policy::{Action, allows};
pub use store::{
    Keys, advised, begin_sign_in, create_user, create_user_in_role, current_grant, disclose, disclosed_to, end_disclosure, end_role,
    end_sign_in, end_sign_in_of, end_sign_ins, enrolled_from, find_disclosure, find_token, find_user, forget, grant_role, grant_to_invite,
    held_roles, hold_account, hold_managed, issue_token, keys_of, list_disclosures, list_sign_ins, list_tokens, list_users, named_token,
    note_use, promised, promised_to_units, provided, resolve, revoke_all, revoke_token, rotate_sign_in, shown_in, shown_to, sweep_sign_ins,
    taught, user_by_name,
};
pub(crate) use store::{end_all_sign_ins, set_disabled, set_second_factor, shown, sponsored};
