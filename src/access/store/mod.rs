//! Users, grants and tokens in the database.

mod disclosures;
mod grants;
mod resolve;
mod retention;
mod scopes;
mod sign_ins;
mod tokens;
mod users;

pub use disclosures::{disclose, end_disclosure, find_disclosure, list_disclosures};
pub use grants::{current_grant, end_role, grant_role, grant_to_invite};
pub use resolve::resolve;
pub use retention::{Keys, forget, keys_of, revoke_all};
pub use scopes::{advised, disclosed_to, enrolled_from, promised, promised_to_units, provided, shown_in, shown_to, taught};
pub(crate) use scopes::{shown, sponsored};
pub(crate) use sign_ins::end_all as end_all_sign_ins;
pub use sign_ins::{
    begin_sign_in, end_sign_in, end_sign_in_of, end_sign_ins, held_roles, hold_account, list_sign_ins, rotate_sign_in, sweep_sign_ins,
};
pub use tokens::{find as find_token, issue_token, list_tokens, named_token, note_use, revoke_token};
pub use users::{create_user, find_user, hold_managed, list_users, user_by_name};
pub(crate) use users::{set_disabled, set_second_factor};

use super::{Actor, NewRoleGrant, NewUser, User};
use crate::{clock::Instant, db::Conn, error::Error};

/// Makes a user with a first role, without which nobody but administrators would ever see them again.
pub fn create_user_in_role(conn: &mut Conn, actor: &Actor, now: Instant, user: NewUser, role: NewRoleGrant) -> Result<User, Error> {
    let user = users::create_user_at(conn, actor, now, user, role.organization_id)?;
    grants::grant_to(conn, actor, now, user.id, role)?;
    Ok(user)
}
