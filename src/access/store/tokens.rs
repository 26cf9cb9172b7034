//! Tokens for programs.

use std::collections::HashMap;

use chrono::TimeDelta;
use diesel::prelude::*;

use super::{
    super::{Action, Actor, IssuedToken, NewToken, Reach, RoleGrant, RoleGrantId, Secret, Token, TokenId, TokenKind, User},
    grants,
    users::hold_both,
};
use crate::{
    clock::Instant,
    db::{Conn, MultiBackend},
    error::Error,
    id::Id,
    intakes::{self, IntakeId},
    journal::NewEntry,
    organizations::OrganizationId,
    programs::{self, ProgramId},
    schema::{invitations, passwords, role_grants, tokens, users},
    text::Note,
};

/// The tokens in reach, by the grants in which they act.
fn visible(reach: &Reach) -> tokens::BoxedQuery<'static, MultiBackend> {
    let all = tokens::table.into_boxed();
    match *reach {
        Reach::Everything => all,
        Reach::House(house, roles) => all.filter(tokens::role_grant_id.eq_any(grants::held_in(house, roles).select(role_grants::id))),
        Reach::Nothing => all.filter(tokens::id.eq_any(NONE)),
    }
}

const NONE: [TokenId; 0] = [];

/// Tokens with their grants and users, in the order given.
fn with_holders(conn: &mut Conn, tokens: Vec<Token>) -> Result<Vec<(Token, RoleGrant, User)>, Error> {
    let ids: Vec<RoleGrantId> = tokens.iter().map(|token| token.role_grant_id).collect();
    let holders: Vec<(RoleGrant, User)> = role_grants::table
        .inner_join(users::table.on(users::id.eq(role_grants::user_id)))
        .filter(role_grants::id.eq_any(ids))
        .select((RoleGrant::as_select(), User::as_select()))
        .load(conn)?;
    let holders: HashMap<RoleGrantId, (RoleGrant, User)> = holders.into_iter().map(|(grant, user)| (grant.id, (grant, user))).collect();
    let held = |token: Token| {
        let (grant, user) = holders.get(&token.role_grant_id).cloned().ok_or_else(|| Error::internal("a token without a role"))?;
        Ok((token, grant, user))
    };
    tokens.into_iter().map(held).collect()
}

/// A token is good for so long at most: ten years and some days.
const LONGEST: TimeDelta = TimeDelta::days(3660);

/// Notes that a token was used just now, unless it has been revoked since.
pub fn note_use(conn: &mut Conn, token: TokenId, now: Instant) -> Result<(), Error> {
    let good = tokens::table.filter(tokens::id.eq(token)).filter(tokens::revoked_at.is_null());
    diesel::update(good).set(tokens::last_used_at.eq(now)).execute(conn)?;
    Ok(())
}

/// A token in the journal: what it is recognized by, never its hash.
#[derive(serde::Serialize)]
struct Issued<'a> {
    prefix: &'a str,
    role_grant_id: RoleGrantId,
    read_only: bool,
    intake_id: Option<IntakeId>,
    program_id: Option<ProgramId>,
    expires_at: Instant,
}

impl<'a> Issued<'a> {
    fn of(token: &'a Token) -> Self {
        let Token { prefix, role_grant_id, read_only, intake_id, program_id, expires_at, .. } = token;
        let (intake_id, program_id) = (*intake_id, *program_id);
        Self { prefix, role_grant_id: *role_grant_id, read_only: *read_only, intake_id, program_id, expires_at: *expires_at }
    }
}

/// The entry of a token, filed where its role is held and at the intake that it is narrowed to.
fn entry(action: &'static str, token: &Token, organization: Option<OrganizationId>) -> NewEntry {
    let entry = NewEntry::of(action, "token", token.id).held_at(organization);
    match token.intake_id {
        Some(intake) => entry.intake(intake),
        None => entry,
    }
}

/// Makes a token for a grant. The secret is in the answer and nowhere else.
///
/// # Errors
/// 422 for a role out of the actor's reach or that has ended, for narrowing to what the actor does not see, and for an expiry that is past or
/// far; 409 `users_own` for the role of somebody else: what is done by a token is done in its user's name.
pub fn issue_token(conn: &mut Conn, actor: &Actor, now: Instant, new: NewToken) -> Result<IssuedToken, Error> {
    actor.may(Action::ManageAccess)?;
    let found = |conn: &mut Conn| {
        let grants = grants::lasting(&actor.reach(), now).filter(role_grants::id.eq(new.role_grant_id));
        grants.select(RoleGrant::as_select()).first::<RoleGrant>(conn).optional()?.ok_or_else(RoleGrant::unknown)
    };
    let user = found(conn)?.user_id;
    hold_both(conn, actor, now, user)?;
    let grant = found(conn)?;
    check_holder(conn, actor, &grant)?;
    check_terms(conn, actor, now, &new)?;
    let secret = Secret::generate()?;
    let token = Token {
        id: Id::generate(),
        kind: TokenKind::Api,
        role_grant_id: new.role_grant_id,
        name: new.name,
        prefix: secret.prefix(),
        hash: secret.hash().to_vec(),
        read_only: new.read_only,
        intake_id: new.intake_id,
        program_id: new.program_id,
        expires_at: new.expires_at,
        idle_minutes: None,
        last_used_at: None,
        revoked_at: None,
        created_at: now,
    };
    diesel::insert_into(tokens::table).values(&token).execute(conn)?;
    actor.record(entry("token.issued", &token, grant.organization_id).to(&Issued::of(&token)));
    Ok(IssuedToken { id: token.id, token: secret, expires_at: token.expires_at })
}

/// Refuses to act in the name of somebody who signs in, or is invited to: a token is the own one, or of a user who is a program. The operator
/// may.
fn check_holder(conn: &mut Conn, actor: &Actor, grant: &RoleGrant) -> Result<(), Error> {
    if actor.user_id().is_none_or(|own| own == grant.user_id) {
        return Ok(());
    }
    let people = users::table
        .left_join(passwords::table.on(passwords::user_id.eq(users::id)))
        .filter(users::id.eq(grant.user_id))
        .filter(users::person_id.is_not_null().or(passwords::user_id.nullable().is_not_null()));
    let invited = invitations::table
        .inner_join(role_grants::table.on(role_grants::id.eq(invitations::role_grant_id)))
        .filter(role_grants::user_id.eq(grant.user_id))
        .filter(invitations::accepted_at.is_null())
        .filter(invitations::withdrawn_at.is_null());
    if people.count().get_result::<i64>(conn)? == 0 && invited.count().get_result::<i64>(conn)? == 0 {
        return Ok(());
    }
    let detail = "what a token does is done in its user's name: this is somebody who signs in; make a user for the program";
    Err(Error::conflict("users_own", detail))
}

fn check_terms(conn: &mut Conn, actor: &Actor, now: Instant, new: &NewToken) -> Result<(), Error> {
    if new.expires_at <= now {
        return Err(Error::invalid("/expires_at", "expiry_past", "a token must expire in the future"));
    }
    if new.expires_at > now.plus(LONGEST) {
        return Err(Error::invalid("/expires_at", "expiry_far", format!("a token is good for {} days at most", LONGEST.num_days())));
    }
    if new.intake_id.is_some() && new.program_id.is_some() {
        return Err(Error::invalid("/program_id", "narrowed_twice", "a token is narrowed to an intake or to a program, and not to both"));
    }
    let unknown = |pointer, code, what| {
        move |error| match error {
            Error::NotFound => Error::invalid(pointer, code, format!("there is no such {what}")),
            error => error,
        }
    };
    if let Some(intake) = new.intake_id {
        intakes::find(conn, actor, intake).map_err(unknown("/intake_id", "unknown_intake", "intake"))?;
    }
    if let Some(program) = new.program_id {
        programs::find(conn, actor, program).map_err(unknown("/program_id", "unknown_program", "program"))?;
    }
    Ok(())
}

/// The id of the token that is named by its id, by its beginning, which is longer than [`Secret::prefix`] or just that, or by all of it, as
/// whoever holds a leaked one may paste it: that is one token, whatever others begin with.
///
/// # Errors
/// 404 if none that may be revoked is named so; 409 `token_ambiguous` if several begin so.
pub fn named_token(conn: &mut Conn, actor: &Actor, named: &str) -> Result<TokenId, Error> {
    actor.may(Action::ManageAccess)?;
    let good = tokens::table.filter(tokens::revoked_at.is_null()).select(tokens::id).into_boxed::<MultiBackend>();
    let secret = Secret::from(named);
    let named = match named.parse::<TokenId>() {
        Ok(id) => good.filter(tokens::id.eq(id)),
        Err(_) if secret.is_whole() => good.filter(tokens::hash.eq(secret.hash().to_vec())),
        Err(_) => good.filter(tokens::prefix.eq(secret.prefix())),
    };
    let mut named: Vec<TokenId> = named.load(conn)?;
    if named.len() > 1 {
        let detail = format!("{} tokens begin so; name the one by its id or by all of it", named.len());
        return Err(Error::conflict("token_ambiguous", detail));
    }
    named.pop().ok_or(Error::NotFound)
}

/// Ends a token at once; one that was revoked stays so.
///
/// # Errors
/// 404 for one out of the actor's reach.
pub fn revoke_token(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    id: TokenId,
    reason: Option<&Note>,
) -> Result<(Token, RoleGrant, User), Error> {
    let (before, grant, user) = find(conn, actor, id)?;
    actor.may(Action::ManageAccess)?;
    let good = tokens::table.filter(tokens::id.eq(id)).filter(tokens::revoked_at.is_null());
    if diesel::update(good).set(tokens::revoked_at.eq(now)).execute(conn)? == 0 {
        return Ok((before, grant, user));
    }
    let entry = entry("token.revoked", &before, grant.organization_id);
    actor.record(entry.from(&Issued::of(&before)).because(reason.map(Note::as_str)));
    Ok((Token { revoked_at: Some(now), ..before }, grant, user))
}

/// A token in the actor's reach, with its grant and its user; of any kind to the operator, who may name a sign-in by its secret.
pub fn find(conn: &mut Conn, actor: &Actor, id: TokenId) -> Result<(Token, RoleGrant, User), Error> {
    let kinds: &[TokenKind] = if actor.user_id().is_none() { &[TokenKind::Api, TokenKind::SignIn] } else { &[TokenKind::Api] };
    let found = visible(&actor.reach()).filter(tokens::kind.eq_any(kinds.to_vec())).filter(tokens::id.eq(id));
    let token = found.select(Token::as_select()).first(conn)?;
    with_holders(conn, vec![token])?.pop().ok_or(Error::NotFound)
}

/// The tokens for programs in the actor's reach after `cursor`, by id, each with its grant and its user.
pub fn list_tokens(conn: &mut Conn, actor: &Actor, cursor: Option<TokenId>, limit: i64) -> Result<Vec<(Token, RoleGrant, User)>, Error> {
    actor.may(Action::ReadAccess)?;
    let mut rows = visible(&actor.reach()).filter(tokens::kind.eq(TokenKind::Api)).order(tokens::id).limit(limit);
    if let Some(cursor) = cursor {
        rows = rows.filter(tokens::id.gt(cursor));
    }
    let tokens = rows.select(Token::as_select()).load(conn)?;
    with_holders(conn, tokens)
}
