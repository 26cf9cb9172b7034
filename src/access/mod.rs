//! Who asks: tokens, roles and the one policy.
//!
//! Every function of a room takes an [`Actor`], and an `Actor` is made only here, inside the transaction that uses it. What an
//! actor *sees* is its [`Scope`], which the rooms' queries turn into SQL; what it may *do* is [`Actor::may`].

mod actor;
mod model;
mod policy;
mod store;

pub use actor::{Actor, Credentials};
pub use model::{IssuedToken, NewToken, NewUser, Role, RoleGrant, Scope, Secret, Token, TokenId, User, UserId};
pub use policy::{Action, allows};
pub(crate) use store::sponsored;
pub use store::{
    advised, create_user, current_grant, enrolled_from, grant_role, issue_token, list_tokens, note_use, promised, promised_to_units,
    provided, resolve, revoke_token, taught, user_by_name,
};
