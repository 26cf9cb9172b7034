//! Who asks: tokens, roles and the one policy.
//!
//! Every function of a room takes an [`Actor`], and an `Actor` is made only here, inside the transaction that uses it. What an
//! actor *sees* is its [`Scope`], which the rooms' queries turn into SQL; what it may *do* is [`Actor::may`].

mod actor;
mod model;
mod policy;
mod store;

pub use actor::{Actor, Credentials};
pub use model::{
    BegunSignIn, IssuedToken, NewToken, NewUser, Proof, Role, RoleGrant, RoleGrantId, Scope, Secret, Token, TokenId, TokenKind, User,
    UserId,
};
pub use policy::{Action, allows};
pub(crate) use store::sponsored;
pub use store::{
    advised, begin_sign_in, create_user, current_grant, end_sign_in, end_sign_in_of, end_sign_ins, enrolled_from, grant_role, held_roles,
    hold_account, issue_token, list_sign_ins, list_tokens, list_users, note_use, promised, promised_to_units, provided, resolve,
    revoke_token, rotate_sign_in, set_disabled, sweep_sign_ins, taught, user_by_name,
};
