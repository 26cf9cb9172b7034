//! The users of somebody who is restricted, and what is left of them.

use diesel::prelude::*;
use uuid::Uuid;

use super::{
    super::{Actor, RoleGrantId, TokenId, UserId},
    tokens::revoke_token,
};
use crate::{
    clock::Instant,
    db::Conn,
    error::Error,
    people::PersonId,
    schema::{role_grants, tokens, users},
    text::{ERASED, Name},
};

/// A person's users, with the roles they hold or held and the tokens that they had.
pub struct Keys {
    pub users: Vec<UserId>,
    /// What they are called.
    pub names: Vec<Name>,
    grants: Vec<RoleGrantId>,
    tokens: Vec<TokenId>,
}

impl Keys {
    pub fn ids(&self) -> impl Iterator<Item = Uuid> {
        let users = self.users.iter().map(|id| id.uuid());
        users.chain(self.grants.iter().map(|id| id.uuid())).chain(self.tokens.iter().map(|id| id.uuid()))
    }
}

/// All that a person ever came in by, whoever asks.
pub fn keys_of(conn: &mut Conn, person: PersonId) -> Result<Keys, Error> {
    let rows: Vec<(UserId, Name)> =
        users::table.filter(users::person_id.eq(person)).order(users::id).select((users::id, users::name)).load(conn)?;
    let (users, names): (Vec<UserId>, Vec<Name>) = rows.into_iter().unzip();
    let grants: Vec<RoleGrantId> =
        role_grants::table.filter(role_grants::user_id.eq_any(users.clone())).select(role_grants::id).load(conn)?;
    let tokens: Vec<TokenId> = tokens::table.filter(tokens::role_grant_id.eq_any(grants.clone())).select(tokens::id).load(conn)?;
    Ok(Keys { users, names, grants, tokens })
}

/// Revokes all of their tokens.
pub fn revoke_all(conn: &mut Conn, actor: &Actor, now: Instant, keys: &Keys) -> Result<(), Error> {
    for token in &keys.tokens {
        revoke_token(conn, actor, now, *token, None)?;
    }
    Ok(())
}

/// Takes out what users of somebody who is being erased are called, and what they called their tokens. A user's name is nobody else's, so
/// that the id is in the new one.
pub fn forget(conn: &mut Conn, keys: &Keys) -> Result<(), Error> {
    for user in &keys.users {
        diesel::update(users::table.find(user)).set(users::name.eq(format!("{ERASED} {user}"))).execute(conn)?;
    }
    diesel::update(tokens::table.filter(tokens::id.eq_any(keys.tokens.clone()))).set(tokens::name.eq(ERASED)).execute(conn)?;
    Ok(())
}
