//! The tables of passwords, invitations and attempts.

pub(super) mod second_factors;
pub(super) mod sign_in_codes;

use chrono::TimeDelta;
use diesel::prelude::*;

use super::model::{Account, Attempt, Invitation, InvitationId, Invited, IssuedInvitation, PER_ACCOUNT, PER_ADDRESS, WINDOW};
use crate::{
    access::{
        self, Action, Actor, Credentials, HeldRole, Keys, NewRoleGrant, NewUser, Role, RoleGrant, RoleGrantId, Secret, Token, TokenId,
        TokenKind, User, UserId,
    },
    clock::Instant,
    db::{self, Conn},
    error::Error,
    id::Id,
    journal::NewEntry,
    organizations::OrganizationId,
    schema::{invitations, organizations, passwords, people, role_grants, sign_in_attempts, tokens, users},
    text::{Code, Name, Note},
};

/// An invitation in the journal: never its secret.
#[derive(serde::Serialize)]
struct Recorded {
    invitation_id: InvitationId,
    expires_at: Instant,
    /// Those of before, which are good no more.
    withdrawn: Vec<InvitationId>,
}

/// Invites the user who holds a role to set a password, whether for the first time or again. Invitations of before are good no more.
///
/// # Errors
/// As [`access::hold_managed`]; 409 `user_disabled` and `is_a_program`.
pub fn invite(conn: &mut Conn, actor: &Actor, now: Instant, grant: RoleGrantId, lifetime: TimeDelta) -> Result<IssuedInvitation, Error> {
    let (user, organization): (UserId, Option<OrganizationId>) =
        role_grants::table.find(grant).select((role_grants::user_id, role_grants::organization_id)).first(conn)?;
    if access::hold_managed(conn, actor, now, user)?.disabled_at.is_some() {
        return Err(Error::conflict("user_disabled", "the user is disabled and cannot sign in"));
    }
    check_no_program(conn, actor, now, user)?;
    let withdrawn = withdraw_openings(conn, now, user)?;
    let secret = Secret::generate()?;
    let invitation = Invitation {
        id: Id::generate(),
        role_grant_id: grant,
        inviter_grant_id: actor.role_grant_id(),
        hash: secret.hash().to_vec(),
        expires_at: now.plus(lifetime),
        created_at: now,
        accepted_at: None,
        withdrawn_at: None,
    };
    diesel::insert_into(invitations::table).values(&invitation).execute(conn)?;
    let Invitation { id, expires_at, .. } = invitation;
    let recorded = Recorded { invitation_id: id, expires_at, withdrawn };
    actor.record(NewEntry::of("user.invited", "user", user).held_at(organization).to(&recorded));
    Ok(IssuedInvitation { id, secret, expires_at })
}

/// Disables a user, as [`access::set_disabled`] does, with the invitations by which they would come back; or takes that back.
pub fn set_disabled(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    user: UserId,
    is_disabled: bool,
    reason: Option<&Note>,
) -> Result<User, Error> {
    let user = access::set_disabled(conn, actor, now, user, is_disabled, reason)?;
    withdraw_openings(conn, now, user.id)?;
    Ok(user)
}

/// Removes the passwords of users of somebody who is being erased, and that any was tried.
pub fn forget(conn: &mut Conn, keys: &Keys) -> Result<(), Error> {
    diesel::delete(passwords::table.filter(passwords::user_id.eq_any(keys.users.clone()))).execute(conn)?;
    let accounts: Vec<Vec<u8>> = keys.names.iter().map(|name| Attempt::account_of(name).to_vec()).collect();
    diesel::delete(sign_in_attempts::table.filter(sign_in_attempts::account.eq_any(accounts))).execute(conn)?;
    for user in &keys.users {
        second_factors::forget(conn, *user)?;
    }
    Ok(())
}

/// How long whoever sets an installation up has for it.
const SET_UP: TimeDelta = TimeDelta::hours(24);
/// What the first administrator signs in with.
const FIRST: &str = "administrator";

/// The invitation of a first administrator, where nobody is there yet; again, as long as nobody has come by it.
pub fn set_up(conn: &mut Conn, actor: &Actor, now: Instant) -> Result<Option<IssuedInvitation>, Error> {
    actor.may(Action::ManageAccess)?;
    db::lock(conn, "users", "first")?;
    let known: Vec<(UserId, Name, Option<String>)> = users::table
        .left_join(passwords::table.on(passwords::user_id.eq(users::id)))
        .order(users::id)
        .limit(2)
        .select((users::id, users::name, passwords::hash.nullable()))
        .load(conn)?;
    let first = match known.as_slice() {
        [] => {
            let user = NewUser { name: FIRST.parse().map_err(Error::internal)?, person_id: None };
            access::create_user_in_role(conn, actor, now, user, NewRoleGrant::lasting(Role::Administrator, None))?.id
        }
        [(user, name, None)] if name.as_str() == FIRST && is_invited(conn, *user)? => *user,
        _ => return Ok(None),
    };
    let grant = access::grant_to_invite(conn, actor, now, first)?;
    invite(conn, actor, now, grant, SET_UP).map(Some)
}

/// Whether a user is an administrator who was invited, and has no token.
fn is_invited(conn: &mut Conn, user: UserId) -> Result<bool, Error> {
    let administrators = role_grants::table.filter(role_grants::user_id.eq(user)).filter(role_grants::role.eq(Role::Administrator));
    let invited = invitations::table.filter(invitations::role_grant_id.eq_any(administrators.select(role_grants::id)));
    let by_token = tokens::table.filter(tokens::role_grant_id.eq_any(administrators.select(role_grants::id)));
    Ok(invited.count().get_result::<i64>(conn)? > 0 && by_token.count().get_result::<i64>(conn)? == 0)
}

/// Refuses to make somebody of a program: what its tokens do is done in that name. The operator may.
fn check_no_program(conn: &mut Conn, actor: &Actor, now: Instant, user: UserId) -> Result<(), Error> {
    let good = tokens::table
        .inner_join(role_grants::table.on(role_grants::id.eq(tokens::role_grant_id)))
        .filter(role_grants::user_id.eq(user))
        .filter(tokens::kind.eq(TokenKind::Api))
        .filter(tokens::revoked_at.is_null())
        .filter(tokens::expires_at.gt(now));
    let known = passwords::table.find(user);
    if actor.user_id().is_none() || known.count().get_result::<i64>(conn)? > 0 || good.count().get_result::<i64>(conn)? == 0 {
        return Ok(());
    }
    let detail = "this user is a program, with tokens that are good; revoke them first, or make another user for who signs in";
    Err(Error::conflict("is_a_program", detail))
}

/// As [`invite`], for a user in the actor's reach.
///
/// # Errors
/// As that; 409 `own_user` for oneself, who would get by without the password, and `no_role`.
pub(super) fn invite_user(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    user: UserId,
    lifetime: TimeDelta,
) -> Result<IssuedInvitation, Error> {
    if actor.user_id() == Some(user) {
        access::find_user(conn, actor, now, user)?;
        return Err(Error::conflict(
            "own_user",
            "nobody invites themselves; the own password is set by POST /account/password, which asks for it",
        ));
    }
    access::hold_managed(conn, actor, now, user)?;
    let grant = access::grant_to_invite(conn, actor, now, user)?;
    invite(conn, actor, now, grant, lifetime)
}

/// Whom an invitation is for, while it is good.
///
/// # Errors
/// 404 for whatever is not a good invitation; which of the reasons it is, nobody is told.
pub(super) fn invitation(conn: &mut Conn, now: Instant, secret: &Secret) -> Result<Invited, Error> {
    let actor = access::resolve(conn, &Credentials::Invited(secret.clone()), now);
    let actor = actor.map_err(|error| if matches!(error, Error::Unauthenticated) { Error::NotFound } else { error })?;
    let (name, organization_code, expires_at) = invitations::table
        .inner_join(role_grants::table.on(role_grants::id.eq(invitations::role_grant_id)))
        .inner_join(users::table.on(users::id.eq(role_grants::user_id)))
        .left_join(organizations::table.on(organizations::id.nullable().eq(role_grants::organization_id)))
        .filter(invitations::hash.eq(secret.hash().to_vec()))
        .select((users::name, organizations::code.nullable(), invitations::expires_at))
        .first(conn)?;
    Ok(Invited { name, role: actor.role(), organization_code, expires_at })
}

/// Lets what others gave a user to come in by be good no more; says which invitations these were.
fn withdraw_openings(conn: &mut Conn, now: Instant, user: UserId) -> Result<Vec<InvitationId>, Error> {
    let own = role_grants::table.filter(role_grants::user_id.eq(user)).select(role_grants::id);
    let open = invitations::table
        .filter(invitations::role_grant_id.eq_any(own))
        .filter(invitations::accepted_at.is_null())
        .filter(invitations::withdrawn_at.is_null());
    let ids: Vec<InvitationId> = open.select(invitations::id).load(conn)?;
    diesel::update(invitations::table.filter(invitations::id.eq_any(ids.clone()))).set(invitations::withdrawn_at.eq(now)).execute(conn)?;
    sign_in_codes::withdraw(conn, now, user)?;
    Ok(ids)
}

/// Whom an invitation is for: what the user signs in with, and the words that are no password of theirs.
///
/// # Errors
/// 409 `invitation_not_good`.
pub(super) fn invited(conn: &mut Conn, now: Instant, secret: &Secret) -> Result<(Name, Vec<String>), Error> {
    let invited = access::resolve(conn, &Credentials::Invited(secret.clone()), now);
    let invited = invited.map_err(|error| if matches!(error, Error::Unauthenticated) { not_good() } else { error })?;
    words_of(conn, invited.user_id().ok_or_else(not_good)?)
}

pub(super) const NOT_GOOD: &str = "invitation_not_good";

pub(super) fn not_good() -> Error {
    Error::conflict(
        NOT_GOOD,
        "the invitation was used or withdrawn, has expired, or is of somebody who may not sign in; ask for another one",
    )
}

/// The name of a user, and with it what others know of them: the person's names, and the codes and names of where they hold roles.
fn words_of(conn: &mut Conn, user: UserId) -> Result<(Name, Vec<String>), Error> {
    let (name, person): (Name, Option<(Name, Option<Name>)>) = users::table
        .left_join(people::table.on(people::id.nullable().eq(users::person_id)))
        .filter(users::id.eq(user))
        .select((users::name, (people::name, people::latin_name).nullable()))
        .first(conn)?;
    let places: Vec<(Code, Name, Option<Name>)> = role_grants::table
        .inner_join(organizations::table.on(organizations::id.nullable().eq(role_grants::organization_id)))
        .filter(role_grants::user_id.eq(user))
        .select((organizations::code, organizations::name, organizations::latin_name))
        .load(conn)?;
    let mut words = vec![name.to_string()];
    for (one, latin) in person.into_iter().chain(places.iter().map(|(_, name, latin)| (name.clone(), latin.clone()))) {
        words.extend([Some(one), latin].into_iter().flatten().map(|name| name.to_string()));
    }
    words.extend(places.iter().map(|(code, ..)| code.to_string()));
    Ok((name, words))
}

/// Sets the password of whoever was invited, and ends what they signed in with before. Failed attempts of before count no more.
///
/// # Errors
/// [`Error::Unauthenticated`] for an invitation that is good no more.
pub(super) fn accept(conn: &mut Conn, actor: &Actor, now: Instant, secret: &Secret, hash: &str) -> Result<(), Error> {
    actor.may(Action::UseAccount)?;
    let user = actor.user_id().ok_or_else(not_good)?;
    access::hold_account(conn, user)?;
    // Once more, for somebody may have used or withdrawn it before.
    access::resolve(conn, &Credentials::Invited(secret.clone()), now)?;
    let invitation = invitations::table.filter(invitations::hash.eq(secret.hash().to_vec()));
    diesel::update(invitation).set(invitations::accepted_at.eq(now)).execute(conn)?;
    let stored = diesel::update(passwords::table.filter(passwords::user_id.eq(user)))
        .set((passwords::hash.eq(hash), passwords::changed_at.eq(now)))
        .execute(conn)?;
    if stored == 0 {
        let first = (passwords::user_id.eq(user), passwords::hash.eq(hash), passwords::changed_at.eq(now));
        diesel::insert_into(passwords::table).values(first).execute(conn)?;
    }
    let name: Name = users::table.find(user).select(users::name).first(conn)?;
    let failed = sign_in_attempts::table.filter(sign_in_attempts::account.eq(Attempt::account_of(&name).to_vec()));
    diesel::delete(failed).execute(conn)?;
    sign_in_codes::withdraw(conn, now, user)?;
    access::end_sign_ins(conn, actor, now, None)?;
    actor.record(NewEntry::of("password.set", "user", user).held_at(actor.organization_id()));
    Ok(())
}

/// That a password is another one, in the journal.
#[derive(serde::Serialize)]
struct Changed {
    /// Invitations of before, which are good no more.
    withdrawn: Vec<InvitationId>,
}

/// Puts a password in the place of one that was proven, and ends all other sign-ins.
///
/// # Errors
/// [`Error::WrongCredentials`] if it was changed meanwhile.
pub(super) fn change_password(conn: &mut Conn, actor: &Actor, now: Instant, proven: &str, hash: &str) -> Result<(), Error> {
    let (user, sign_in, _) = actor.signed_in()?;
    actor.may(Action::UseAccount)?;
    access::hold_account(conn, user)?;
    let own = passwords::table.filter(passwords::user_id.eq(user)).filter(passwords::hash.eq(proven));
    if diesel::update(own).set((passwords::hash.eq(hash), passwords::changed_at.eq(now))).execute(conn)? == 0 {
        return Err(Error::WrongCredentials);
    }
    let withdrawn = withdraw_openings(conn, now, user)?;
    access::end_sign_ins(conn, actor, now, Some(sign_in))?;
    actor.record(NewEntry::of("password.changed", "user", user).held_at(actor.organization_id()).to(&Changed { withdrawn }));
    Ok(())
}

/// Counts an attempt before it is known what it comes to.
///
/// # Errors
/// [`Error::TooMany`] if too many of this account or from this address failed lately, or are under way.
pub(super) fn count_attempt(conn: &mut Conn, now: Instant, attempt: &Attempt) -> Result<Id<Attempt>, Error> {
    let Attempt { account, address } = attempt;
    db::lock(conn, "sign_in_account", hex::encode(account))?;
    db::lock(conn, "sign_in_address", hex::encode(address))?;
    let since = now.plus(-WINDOW);
    let recent = || sign_in_attempts::table.filter(sign_in_attempts::attempted_at.gt(since)).order(sign_in_attempts::attempted_at.desc());
    let of_account = recent().filter(sign_in_attempts::account.eq(account.to_vec())).offset(PER_ACCOUNT - 1);
    let of_address = recent().filter(sign_in_attempts::address.eq(address.to_vec())).offset(PER_ADDRESS - 1);
    let full: [Option<Instant>; 2] = [
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
    Ok(id)
}

/// The user of that name, with the hash of the password.
pub(super) fn known(conn: &mut Conn, name: &Name) -> Result<Option<(UserId, String)>, Error> {
    let known = users::table.inner_join(passwords::table.on(passwords::user_id.eq(users::id))).filter(users::name.eq(name));
    Ok(known.select((users::id, passwords::hash)).first(conn).optional()?)
}

/// What was not proven, in the journal: of whom, if there is one, or else of an attempt; where that user has held a role for longest.
pub(super) fn record_refusal(conn: &mut Conn, actor: &Actor, attempt: Id<Attempt>, user: Option<UserId>) -> Result<(), Error> {
    // Asked in both cases, so that both take as long.
    let held = role_grants::table.filter(role_grants::user_id.eq(user.unwrap_or(attempt.cast()))).order(role_grants::id);
    let place: Option<Option<OrganizationId>> = held.select(role_grants::organization_id).first(conn).optional()?;
    let entry = match user {
        Some(user) => NewEntry::of("credentials.refused", "user", user).held_at(place.flatten()),
        None => NewEntry::of("credentials.refused", "attempt", attempt),
    };
    actor.record(entry);
    Ok(())
}

/// Attempts that succeeded count no more.
pub(super) fn forgive(conn: &mut Conn, attempts: &[Id<Attempt>]) -> Result<(), Error> {
    diesel::delete(sign_in_attempts::table.filter(sign_in_attempts::id.eq_any(attempts.to_vec()))).execute(conn)?;
    Ok(())
}

/// Forgets the attempts that count no more, and the sign-ins of long ago.
pub fn sweep(conn: &mut Conn, now: Instant) -> Result<(), Error> {
    access::sweep_sign_ins(conn, now)?;
    diesel::delete(sign_in_attempts::table.filter(sign_in_attempts::attempted_at.le(now.plus(-WINDOW)))).execute(conn)?;
    Ok(())
}

/// What the actor signs in with, and the words that are no password of theirs.
pub(super) fn own_words(conn: &mut Conn, actor: &Actor) -> Result<(Name, Vec<String>), Error> {
    let (user, ..) = actor.signed_in()?;
    actor.may(Action::ReadAccount)?;
    words_of(conn, user)
}

/// The account as it is by a token of the actor's user.
pub(super) fn account(conn: &mut Conn, actor: &Actor, now: Instant, by: TokenId) -> Result<Account, Error> {
    actor.may(Action::ReadAccount)?;
    let (token, grant, user) = tokens::table
        .inner_join(role_grants::table.on(role_grants::id.eq(tokens::role_grant_id)))
        .inner_join(users::table.on(users::id.eq(role_grants::user_id)))
        .filter(tokens::id.eq(by))
        .select((Token::as_select(), RoleGrant::as_select(), User::as_select()))
        .first::<(Token, RoleGrant, User)>(conn)?;
    let roles = access::held_roles(conn, actor, now)?.into_iter();
    let roles = roles.filter(|(held, _)| token.kind == TokenKind::SignIn || held.id == grant.id).map(HeldRole::new);
    Ok(Account {
        user_id: grant.user_id,
        name: user.name,
        person_id: user.person_id,
        role: grant.role,
        role_grant_id: grant.id,
        organization_id: grant.organization_id,
        by: token.kind,
        read_only: token.read_only,
        intake_id: token.intake_id,
        program_id: token.program_id,
        expires_at: token.expires_at,
        second_factor_at: user.second_factor_at,
        roles: roles.collect(),
    })
}
