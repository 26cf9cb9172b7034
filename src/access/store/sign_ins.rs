//! Sign-ins: tokens that a browser holds as a cookie, which end sooner and by themselves.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use diesel::prelude::*;

use super::super::{Action, Actor, BegunSignIn, RoleGrant, RoleGrantId, Secret, Token, TokenId, TokenKind, UserId};
use crate::{
    clock::Instant,
    db::{self, Conn, MultiBackend},
    error::Error,
    id::Id,
    journal::NewEntry,
    organizations::OrganizationId,
    schema::{organizations, role_grants, tokens},
    text::{Code, Name, Note},
};

/// A sign-in ends so long after it began: a day's work.
const HOURS: i64 = 12;
/// And so long after it was last used.
const IDLE_MINUTES: i32 = 120;

/// A sign-in in the journal: never its secret.
#[derive(serde::Serialize)]
struct Begun {
    sign_in_id: TokenId,
    role_grant_id: RoleGrantId,
}

#[derive(serde::Serialize)]
struct Ended {
    sign_in_ids: Vec<TokenId>,
}

/// Holds what a user signs in with until the transaction ends: of a password that is changed and a sign-in that begins by it, one goes first
/// and the other one sees it.
pub fn hold_account(conn: &mut Conn, user: UserId) -> Result<(), Error> {
    db::lock(conn, "user", user)
}

/// The sign-ins that nobody has ended, also those that have been idle for too long: one that is used at that very moment goes on.
fn unended(now: Instant) -> tokens::BoxedQuery<'static, MultiBackend> {
    let unended = tokens::table.into_boxed().filter(tokens::kind.eq(TokenKind::SignIn));
    unended.filter(tokens::revoked_at.is_null()).filter(tokens::expires_at.gt(now))
}

/// The sign-ins that have not ended, by themselves or before. All of them end idle alike.
fn live(now: Instant) -> tokens::BoxedQuery<'static, MultiBackend> {
    let since = now.plus(-TimeDelta::minutes(IDLE_MINUTES.into()));
    let is_used = tokens::last_used_at.gt(since).or(tokens::last_used_at.is_null().and(tokens::created_at.nullable().gt(since)));
    unended(now).filter(is_used)
}

/// The ids of all grants of a user.
#[diesel::dsl::auto_type]
fn granted(user: UserId) -> _ {
    role_grants::table.filter(role_grants::user_id.eq(user)).select(role_grants::id)
}

/// Begins a sign-in in the actor's role.
pub fn begin_sign_in(conn: &mut Conn, actor: &Actor, now: Instant, device: Name) -> Result<BegunSignIn, Error> {
    actor.may(Action::UseAccount)?;
    let (Some(user), Some(grant)) = (actor.user_id(), actor.role_grant_id()) else {
        return Err(Error::internal("nobody can sign in who is no user"));
    };
    begin(conn, actor, now, (user, grant, actor.organization_id()), device, None)
}

/// Puts a sign-in in the place of the actor's own: in a role of the same user, with a secret of its own, and no longer than that was good for.
///
/// # Errors
/// 422 `unknown_role_grant` for a role that is not the user's now; [`Error::Unauthenticated`] if the own one has ended meanwhile.
pub fn rotate_sign_in(conn: &mut Conn, actor: &Actor, now: Instant, grant: RoleGrantId, device: Name) -> Result<BegunSignIn, Error> {
    let (user, own, _) = actor.signed_in()?;
    actor.may(Action::UseAccount)?;
    hold_account(conn, user)?;
    let held = held_roles(conn, actor, now)?.into_iter().map(|(held, _)| held).find(|held| held.id == grant);
    let held = held.ok_or_else(RoleGrant::unknown)?;
    let until: Instant = tokens::table.find(own).select(tokens::expires_at).first(conn)?;
    if end(conn, actor, now, (user, vec![own]), None)? == 0 {
        return Err(Error::Unauthenticated);
    }
    begin(conn, actor, now, (user, held.id, held.organization_id), device, Some(until))
}

fn begin(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    (user, grant, organization): (UserId, RoleGrantId, Option<OrganizationId>),
    device: Name,
    until: Option<Instant>,
) -> Result<BegunSignIn, Error> {
    let secret = Secret::generate()?;
    let longest = now.plus(TimeDelta::hours(HOURS));
    let token = Token {
        id: Id::generate(),
        kind: TokenKind::SignIn,
        role_grant_id: grant,
        name: device,
        prefix: secret.prefix(),
        hash: secret.hash().to_vec(),
        read_only: false,
        intake_id: None,
        program_id: None,
        expires_at: until.map_or(longest, |until| until.min(longest)),
        idle_minutes: Some(IDLE_MINUTES),
        last_used_at: None,
        revoked_at: None,
        created_at: now,
    };
    diesel::insert_into(tokens::table).values(&token).execute(conn)?;
    let begun = Begun { sign_in_id: token.id, role_grant_id: grant };
    actor.record(NewEntry::of("sign_in.begun", "user", user).held_at(organization).to(&begun));
    Ok(BegunSignIn { id: token.id, secret, expires_at: token.expires_at })
}

/// The roles that the actor's user holds now, the oldest first, with the code of where each is held.
pub fn held_roles(conn: &mut Conn, actor: &Actor, now: Instant) -> Result<Vec<(RoleGrant, Option<Code>)>, Error> {
    actor.may(Action::ReadAccount)?;
    let Some(user) = actor.user_id() else { return Ok(Vec::new()) };
    let grants: Vec<(RoleGrant, Option<Code>)> = role_grants::table
        .left_join(organizations::table.on(organizations::id.nullable().eq(role_grants::organization_id)))
        .filter(role_grants::user_id.eq(user))
        .order(role_grants::id)
        .select((RoleGrant::as_select(), organizations::code.nullable()))
        .load(conn)?;
    Ok(grants.into_iter().filter(|(grant, _)| grant.is_current(now)).collect())
}

/// The sign-ins of the actor's user that have not ended, after `cursor`, by id.
pub fn list_sign_ins(conn: &mut Conn, actor: &Actor, now: Instant, cursor: Option<TokenId>, limit: i64) -> Result<Vec<Token>, Error> {
    let (user, ..) = actor.signed_in()?;
    actor.may(Action::ReadAccount)?;
    let own: granted = granted(user);
    let mut query = live(now).filter(tokens::role_grant_id.eq_any(own)).order(tokens::id).limit(limit).select(Token::as_select());
    if let Some(cursor) = cursor {
        query = query.filter(tokens::id.gt(cursor));
    }
    Ok(query.load(conn)?)
}

/// Ends one sign-in of the actor's user; one that has ended stays as it is.
///
/// # Errors
/// 404 for another's; [`Error::Unauthenticated`] if the actor's own has ended meanwhile.
pub fn end_sign_in(conn: &mut Conn, actor: &Actor, now: Instant, id: TokenId, reason: Option<&Note>) -> Result<Token, Error> {
    let (user, current, _) = actor.signed_in()?;
    let own: granted = granted(user);
    let own = tokens::table.filter(tokens::id.eq(id)).filter(tokens::kind.eq(TokenKind::SignIn)).filter(tokens::role_grant_id.eq_any(own));
    let token: TokenId = own.select(tokens::id).first(conn)?;
    actor.may(Action::UseAccount)?;
    if end(conn, actor, now, (user, vec![token]), reason)? == 0 && token == current {
        return Err(Error::Unauthenticated);
    }
    Ok(tokens::table.find(id).select(Token::as_select()).first(conn)?)
}

/// Ends the sign-in with this secret, whoever's it is: the browser that held it goes on with another one.
pub fn end_sign_in_of(conn: &mut Conn, actor: &Actor, now: Instant, secret: &Secret) -> Result<(), Error> {
    actor.may(Action::UseAccount)?;
    let held: Option<(TokenId, UserId)> = tokens::table
        .inner_join(role_grants::table.on(role_grants::id.eq(tokens::role_grant_id)))
        .filter(tokens::hash.eq(secret.hash().to_vec()))
        .filter(tokens::kind.eq(TokenKind::SignIn))
        .select((tokens::id, role_grants::user_id))
        .first(conn)
        .optional()?;
    match held {
        Some((id, user)) => end(conn, actor, now, (user, vec![id]), None).map(|_| ()),
        None => Ok(()),
    }
}

/// Ends the sign-ins of the actor's user, all or all but one, and says how many.
pub fn end_sign_ins(conn: &mut Conn, actor: &Actor, now: Instant, except: Option<TokenId>) -> Result<usize, Error> {
    actor.may(Action::UseAccount)?;
    let Some(user) = actor.user_id() else { return Ok(0) };
    hold_account(conn, user)?;
    let ids = unended_of(conn, now, user)?.into_iter().filter(|id| Some(*id) != except).collect();
    end(conn, actor, now, (user, ids), None)
}

/// Ends all sign-ins of a user, who is held.
pub(crate) fn end_all(conn: &mut Conn, actor: &Actor, now: Instant, user: UserId) -> Result<usize, Error> {
    let ids = unended_of(conn, now, user)?;
    end(conn, actor, now, (user, ids), None)
}

/// Ends the sign-ins in a role, whose user is held.
pub(super) fn end_in_role(conn: &mut Conn, actor: &Actor, now: Instant, grant: &RoleGrant) -> Result<usize, Error> {
    let ids = unended(now).filter(tokens::role_grant_id.eq(grant.id)).select(tokens::id).load(conn)?;
    end(conn, actor, now, (grant.user_id, ids), None)
}

fn unended_of(conn: &mut Conn, now: Instant, user: UserId) -> Result<Vec<TokenId>, Error> {
    let own: granted = granted(user);
    Ok(unended(now).filter(tokens::role_grant_id.eq_any(own)).select(tokens::id).load(conn)?)
}

/// Ends those that nobody has ended, and says how many. The journal has it where the role of each is held.
fn end(conn: &mut Conn, actor: &Actor, now: Instant, (user, ids): (UserId, Vec<TokenId>), reason: Option<&Note>) -> Result<usize, Error> {
    let unended = tokens::table.filter(tokens::id.eq_any(ids)).filter(tokens::revoked_at.is_null()).filter(tokens::expires_at.gt(now));
    let ended: Vec<Token> = diesel::update(unended).set(tokens::revoked_at.eq(now)).returning(tokens::all_columns).get_results(conn)?;
    let ids: Vec<TokenId> = ended.iter().map(|token| token.id).collect();
    let places: Vec<(Option<OrganizationId>, TokenId)> = tokens::table
        .inner_join(role_grants::table.on(role_grants::id.eq(tokens::role_grant_id)))
        .filter(tokens::id.eq_any(ids))
        .order(tokens::id)
        .select((role_grants::organization_id, tokens::id))
        .load(conn)?;
    let mut by_place: BTreeMap<Option<OrganizationId>, Vec<TokenId>> = BTreeMap::new();
    for (place, id) in places {
        by_place.entry(place).or_default().push(id);
    }
    for (place, sign_in_ids) in by_place {
        let entry = NewEntry::of("sign_in.ended", "user", user).held_at(place);
        actor.record(entry.from(&Ended { sign_in_ids }).because(reason.map(Note::as_str)));
    }
    Ok(ended.len())
}

/// Forgets the sign-ins that would have ended a month ago at the latest; the journal keeps that they were.
pub fn sweep_sign_ins(conn: &mut Conn, now: Instant) -> Result<(), Error> {
    let old = tokens::table.filter(tokens::kind.eq(TokenKind::SignIn)).filter(tokens::expires_at.le(now.plus(-TimeDelta::days(30))));
    diesel::delete(old).execute(conn)?;
    Ok(())
}
