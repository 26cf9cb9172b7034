//! The tables of passwords, invitations and attempts.

use chrono::TimeDelta;
use diesel::prelude::*;

use super::model::{Account, Attempt, HeldRole, Invitation, IssuedInvitation, PER_ACCOUNT, PER_ADDRESS, WINDOW};
use crate::{
    access::{self, Action, Actor, RoleGrant, RoleGrantId, Secret, Token, TokenId, TokenKind, UserId},
    clock::Instant,
    db::{self, Conn},
    error::Error,
    id::Id,
    journal::NewEntry,
    organizations::OrganizationId,
    people::PersonId,
    schema::{invitations, organizations, passwords, role_grants, sign_in_attempts, tokens, users},
    text::{Code, Name},
};

/// Invites the user who holds a role to set a password, whether for the first time or again. Invitations of before are good no more.
pub fn invite(conn: &mut Conn, actor: &Actor, now: Instant, grant: RoleGrantId, lifetime: TimeDelta) -> Result<IssuedInvitation, Error> {
    actor.may(Action::ManageAccess)?;
    let (user, organization): (UserId, Option<OrganizationId>) =
        role_grants::table.find(grant).select((role_grants::user_id, role_grants::organization_id)).first(conn)?;
    withdraw_invitations(conn, now, user)?;
    let secret = Secret::generate()?;
    let invitation = Invitation {
        id: Id::generate(),
        role_grant_id: grant,
        hash: secret.hash().to_vec(),
        expires_at: now.plus(lifetime),
        created_at: now,
        accepted_at: None,
        withdrawn_at: None,
    };
    diesel::insert_into(invitations::table).values(&invitation).execute(conn)?;
    let Invitation { id, expires_at, .. } = invitation;
    actor.record(access::filed(NewEntry::of("user.invited", "user", user), organization, None).to(&(id, expires_at)));
    Ok(IssuedInvitation { id, secret, expires_at })
}

fn withdraw_invitations(conn: &mut Conn, now: Instant, user: UserId) -> Result<(), Error> {
    let own = role_grants::table.filter(role_grants::user_id.eq(user)).select(role_grants::id);
    let open = invitations::table
        .filter(invitations::role_grant_id.eq_any(own))
        .filter(invitations::accepted_at.is_null())
        .filter(invitations::withdrawn_at.is_null());
    diesel::update(open).set(invitations::withdrawn_at.eq(now)).execute(conn)?;
    Ok(())
}

/// Whom an invitation is for: the user's name, and where the role is held.
///
/// # Errors
/// 409 `invitation_not_good`.
pub(super) fn invited(conn: &mut Conn, now: Instant, secret: &Secret) -> Result<(Name, Option<Code>), Error> {
    invitations::table
        .inner_join(role_grants::table.on(role_grants::id.eq(invitations::role_grant_id)))
        .inner_join(users::table.on(users::id.eq(role_grants::user_id)))
        .left_join(organizations::table.on(organizations::id.nullable().eq(role_grants::organization_id)))
        .filter(invitations::hash.eq(secret.hash().to_vec()))
        .filter(invitations::expires_at.gt(now))
        .filter(invitations::accepted_at.is_null())
        .filter(invitations::withdrawn_at.is_null())
        .select((users::name, organizations::code.nullable()))
        .first(conn)
        .optional()?
        .ok_or_else(not_good)
}

pub(super) fn not_good() -> Error {
    Error::conflict("invitation_not_good", "the invitation was used or withdrawn, or has expired; ask for another one")
}

/// Sets the password of whoever was invited, and ends what they signed in with before.
///
/// # Errors
/// 409 `invitation_not_good` for an invitation that somebody has used meanwhile.
pub(super) fn accept(conn: &mut Conn, actor: &Actor, now: Instant, secret: &Secret, hash: &str) -> Result<(), Error> {
    actor.may(Action::UseAccount)?;
    let user = actor.user_id().ok_or_else(not_good)?;
    let invitation = invitations::table
        .filter(invitations::hash.eq(secret.hash().to_vec()))
        .filter(invitations::accepted_at.is_null())
        .filter(invitations::withdrawn_at.is_null());
    if diesel::update(invitation).set(invitations::accepted_at.eq(now)).execute(conn)? == 0 {
        return Err(not_good());
    }
    let stored = diesel::update(passwords::table.filter(passwords::user_id.eq(user)))
        .set((passwords::hash.eq(hash), passwords::changed_at.eq(now)))
        .execute(conn)?;
    if stored == 0 {
        let first = (passwords::user_id.eq(user), passwords::hash.eq(hash), passwords::changed_at.eq(now));
        diesel::insert_into(passwords::table).values(first).execute(conn)?;
    }
    access::end_sign_ins(conn, actor, now, None)?;
    actor.record(access::filed(NewEntry::of("password.set", "user", user), actor.organization_id(), None));
    Ok(())
}

/// Puts a password in the place of one that was proven, and ends all other sign-ins.
///
/// # Errors
/// [`Error::WrongCredentials`] if it was changed meanwhile.
pub(super) fn change_password(conn: &mut Conn, actor: &Actor, now: Instant, proven: &str, hash: &str) -> Result<(), Error> {
    let (user, sign_in, _) = actor.signed_in()?;
    actor.may(Action::UseAccount)?;
    let own = passwords::table.filter(passwords::user_id.eq(user)).filter(passwords::hash.eq(proven));
    if diesel::update(own).set((passwords::hash.eq(hash), passwords::changed_at.eq(now))).execute(conn)? == 0 {
        return Err(Error::WrongCredentials);
    }
    withdraw_invitations(conn, now, user)?;
    access::end_sign_ins(conn, actor, now, Some(sign_in))?;
    actor.record(access::filed(NewEntry::of("password.changed", "user", user), actor.organization_id(), None));
    Ok(())
}

/// A user with a password, and its hash.
type Known = (UserId, String);

/// Counts an attempt before it is known what it comes to, and finds the user of that name with the hash of the password.
///
/// # Errors
/// [`Error::TooMany`] if too many of this account or from this address failed lately, or are under way.
pub(super) fn count_attempt(conn: &mut Conn, now: Instant, attempt: &Attempt) -> Result<(Id<Attempt>, Option<Known>), Error> {
    let Attempt { name, account, address } = attempt;
    db::lock(conn, "sign_in_account", hex::encode(account))?;
    db::lock(conn, "sign_in_address", hex::encode(address))?;
    let since = now.plus(-WINDOW);
    let recent = || sign_in_attempts::table.filter(sign_in_attempts::attempted_at.gt(since)).order(sign_in_attempts::attempted_at.desc());
    let of_account = recent().filter(sign_in_attempts::account.eq(account.to_vec())).offset(PER_ACCOUNT - 1);
    let of_address = recent().filter(sign_in_attempts::address.eq(address.to_vec())).offset(PER_ADDRESS - 1);
    let full: Vec<Option<Instant>> = vec![
        of_account.select(sign_in_attempts::attempted_at).first(conn).optional()?,
        of_address.select(sign_in_attempts::attempted_at).first(conn).optional()?,
    ];
    // Room again once the first that counts counts no more.
    if let Some(first) = full.into_iter().flatten().max() {
        let wait = first.plus(WINDOW).since(now).num_seconds();
        return Err(Error::TooMany { retry_after: u64::try_from(wait).unwrap_or(0) + 1 });
    }
    let id: Id<Attempt> = Id::generate();
    let counted = (
        sign_in_attempts::id.eq(id),
        sign_in_attempts::account.eq(account.to_vec()),
        sign_in_attempts::address.eq(address.to_vec()),
        sign_in_attempts::attempted_at.eq(now),
    );
    diesel::insert_into(sign_in_attempts::table).values(counted).execute(conn)?;
    let known = users::table.inner_join(passwords::table.on(passwords::user_id.eq(users::id))).filter(users::name.eq(name));
    Ok((id, known.select((users::id, passwords::hash)).first(conn).optional()?))
}

/// An attempt that succeeded counts no more.
pub(super) fn forgive(conn: &mut Conn, attempt: Id<Attempt>) -> Result<(), Error> {
    diesel::delete(sign_in_attempts::table.filter(sign_in_attempts::id.eq(attempt))).execute(conn)?;
    Ok(())
}

/// Forgets the attempts that count no more, and the sign-ins of long ago.
pub fn sweep(conn: &mut Conn, now: Instant) -> Result<(), Error> {
    access::sweep_sign_ins(conn, now)?;
    diesel::delete(sign_in_attempts::table.filter(sign_in_attempts::attempted_at.le(now.plus(-WINDOW)))).execute(conn)?;
    Ok(())
}

/// What the actor signs in with: the name.
pub(super) fn own_name(conn: &mut Conn, actor: &Actor) -> Result<Name, Error> {
    let (user, ..) = actor.signed_in()?;
    actor.may(Action::ReadAccount)?;
    Ok(users::table.find(user).select(users::name).first(conn)?)
}

/// The account as it is by a token of the actor's user.
pub(super) fn account(conn: &mut Conn, actor: &Actor, now: Instant, by: TokenId) -> Result<Account, Error> {
    actor.may(Action::ReadAccount)?;
    let (token, grant, name, person_id) = tokens::table
        .inner_join(role_grants::table.on(role_grants::id.eq(tokens::role_grant_id)))
        .inner_join(users::table.on(users::id.eq(role_grants::user_id)))
        .filter(tokens::id.eq(by))
        .select((Token::as_select(), RoleGrant::as_select(), users::name, users::person_id))
        .first::<(Token, RoleGrant, Name, Option<PersonId>)>(conn)?;
    let roles = access::held_roles(conn, actor, now)?.into_iter();
    let roles = roles.filter(|(held, _)| token.kind == TokenKind::SignIn || held.id == grant.id).map(HeldRole::new);
    Ok(Account {
        user_id: grant.user_id,
        name,
        person_id,
        role: grant.role,
        role_grant_id: grant.id,
        organization_id: grant.organization_id,
        by: token.kind,
        read_only: token.read_only,
        intake_id: token.intake_id,
        expires_at: token.expires_at,
        roles: roles.collect(),
    })
}
