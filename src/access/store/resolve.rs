//! Who acts: what a request shows turned into an actor, inside the transaction that will use it.

use std::cell::{Cell, RefCell};

use chrono::TimeDelta;
use diesel::prelude::*;

use super::{
    super::{Action, Actor, Credentials, Proof, Reach, Role, RoleGrant, RoleGrantId, Scope, Secret, Token, TokenKind, UserId},
    grants,
    sign_ins::hold_account,
    users::is_within,
};
use crate::{
    clock::Instant,
    db::Conn,
    error::Error,
    intakes::IntakeId,
    people::PersonId,
    schema::{intakes, invitations, passwords, program_versions, role_grants, sign_in_codes, tokens, users},
};

/// Turns credentials into an actor.
///
/// # Errors
/// [`Error::Unauthenticated`] for a token that is unknown, of the other kind, expired, idle or revoked, an invitation that is not good any
/// more, a user who is disabled and a grant that is not current; [`Error::WrongCredentials`] for a password that is not the user's any more.
pub fn resolve(conn: &mut Conn, credentials: &Credentials, now: Instant) -> Result<Actor, Error> {
    match credentials {
        Credentials::Operator => Ok(operator()),
        Credentials::Bearer(secret) => by_token(conn, secret, TokenKind::Api, now),
        Credentials::Cookie(secret) => by_token(conn, secret, TokenKind::SignIn, now),
        Credentials::Proven(proof) => by_proof(conn, proof, now),
        Credentials::Coded(proof) => by_code(conn, proof, now),
        Credentials::Invited(secret) => by_invitation(conn, secret, now),
    }
}

fn by_token(conn: &mut Conn, secret: &Secret, kind: TokenKind, now: Instant) -> Result<Actor, Error> {
    let (token, grant, holder) = tokens::table
        .inner_join(role_grants::table.on(role_grants::id.eq(tokens::role_grant_id)))
        .inner_join(users::table.on(users::id.eq(role_grants::user_id)))
        .filter(tokens::hash.eq(secret.hash().to_vec()))
        .filter(tokens::kind.eq(kind))
        .select((Token::as_select(), RoleGrant::as_select(), (users::person_id, users::disabled_at)))
        .first::<(Token, RoleGrant, Holder)>(conn)
        .optional()?
        .ok_or(Error::Unauthenticated)?;
    if token.expires_at <= now || token.revoked_at.is_some() || token.is_idle(now) {
        return Err(Error::Unauthenticated);
    }
    let stale_use = token.last_used_at.is_none_or(|used| used.plus(TimeDelta::minutes(5)) <= now);
    let actor = in_role(&grant, holder, now)?;
    Ok(Actor {
        token_id: Some(token.id),
        is_signed_in: kind == TokenKind::SignIn,
        read_only: token.read_only,
        only_intakes: narrowed(conn, &token)?,
        stale_use,
        ..actor
    })
}

/// The intakes that a narrowed token is good for: one, or those of its program.
fn narrowed(conn: &mut Conn, token: &Token) -> Result<Option<Vec<IntakeId>>, Error> {
    let Some(program) = token.program_id else { return Ok(token.intake_id.map(|intake| vec![intake])) };
    let of_program = program_versions::table.filter(program_versions::program_id.eq(program)).select(program_versions::id);
    let run = intakes::table.filter(intakes::program_version_id.eq_any(of_program)).order(intakes::id).select(intakes::id);
    Ok(Some(run.load(conn)?))
}

/// In the role that was chosen, or else the oldest that is held now. Holds the account, as whoever changes its password does.
fn by_proof(conn: &mut Conn, proof: &Proof, now: Instant) -> Result<Actor, Error> {
    hold_account(conn, proof.user_id)?;
    let holder = users::table
        .inner_join(passwords::table.on(passwords::user_id.eq(users::id)))
        .filter(users::id.eq(proof.user_id))
        .filter(passwords::hash.eq(&proof.hash))
        .select((users::person_id, users::disabled_at))
        .first::<Holder>(conn)
        .optional()?
        .ok_or(Error::WrongCredentials)?;
    let grants: Vec<RoleGrant> = role_grants::table
        .filter(role_grants::user_id.eq(proof.user_id))
        .order(role_grants::id)
        .select(RoleGrant::as_select())
        .load(conn)?;
    let mut held: Vec<(RoleGrantId, Actor)> =
        grants.iter().filter_map(|grant| Some((grant.id, in_role(grant, holder, now).ok()?))).collect();
    if held.is_empty() {
        return Err(Error::WrongCredentials);
    }
    let chosen = match proof.role_grant_id {
        None => Some(0),
        Some(chosen) => held.iter().position(|(id, _)| *id == chosen),
    };
    chosen.map(|chosen| held.swap_remove(chosen).1).ok_or_else(RoleGrant::unknown)
}

/// In the role for which a code was given that is good still. Holds the account, as whoever gives another code does.
fn by_code(conn: &mut Conn, proof: &Proof, now: Instant) -> Result<Actor, Error> {
    hold_account(conn, proof.user_id)?;
    let (giver, since, grant, holder) = sign_in_codes::table
        .inner_join(role_grants::table.on(role_grants::id.eq(sign_in_codes::role_grant_id)))
        .inner_join(users::table.on(users::id.eq(role_grants::user_id)))
        .filter(users::id.eq(proof.user_id))
        .filter(sign_in_codes::hash.eq(&proof.hash))
        .filter(sign_in_codes::expires_at.gt(now))
        .filter(sign_in_codes::used_at.is_null())
        .filter(sign_in_codes::withdrawn_at.is_null())
        .select((sign_in_codes::giver_grant_id, sign_in_codes::created_at, RoleGrant::as_select(), (users::person_id, users::disabled_at)))
        .first::<(Option<RoleGrantId>, Instant, RoleGrant, Holder)>(conn)
        .optional()?
        .ok_or(Error::WrongCredentials)?;
    // Whoever has become more than a trainee since is invited.
    let more = grants::lasting(&Reach::Everything, since).filter(role_grants::user_id.eq(grant.user_id));
    if more.filter(role_grants::role.ne(Role::Trainee)).count().get_result::<i64>(conn)? > 0 {
        return Err(Error::WrongCredentials);
    }
    let good = check_given(conn, now, (giver, since), grant.user_id).and_then(|()| in_role(&grant, holder, now));
    good.map_err(|error| if matches!(error, Error::Unauthenticated) { Error::WrongCredentials } else { error })
}

/// Refuses what opens all that a user may, once that is or was more than whoever gave it may give, or they may give nothing.
fn check_given(conn: &mut Conn, now: Instant, (giver, since): (Option<RoleGrantId>, Instant), user: UserId) -> Result<(), Error> {
    let Some(giver) = giver else { return Ok(()) };
    let giver = by_grant(conn, giver, now)?;
    if giver.allows(Action::ManageAccess) && is_within(conn, since, &giver.reach(), user)? { Ok(()) } else { Err(Error::Unauthenticated) }
}

/// While it is good ([`check_given`]).
fn by_invitation(conn: &mut Conn, secret: &Secret, now: Instant) -> Result<Actor, Error> {
    let (inviter, since, grant, holder) = invitations::table
        .inner_join(role_grants::table.on(role_grants::id.eq(invitations::role_grant_id)))
        .inner_join(users::table.on(users::id.eq(role_grants::user_id)))
        .filter(invitations::hash.eq(secret.hash().to_vec()))
        .filter(invitations::expires_at.gt(now))
        .filter(invitations::accepted_at.is_null())
        .filter(invitations::withdrawn_at.is_null())
        .select((invitations::inviter_grant_id, invitations::created_at, RoleGrant::as_select(), (users::person_id, users::disabled_at)))
        .first::<(Option<RoleGrantId>, Instant, RoleGrant, Holder)>(conn)
        .optional()?
        .ok_or(Error::Unauthenticated)?;
    check_given(conn, now, (inviter, since), grant.user_id)?;
    in_role(&grant, holder, now)
}

/// Whoever holds that role, while they do.
pub(super) fn by_grant(conn: &mut Conn, grant: RoleGrantId, now: Instant) -> Result<Actor, Error> {
    let (grant, holder) = role_grants::table
        .inner_join(users::table.on(users::id.eq(role_grants::user_id)))
        .filter(role_grants::id.eq(grant))
        .select((RoleGrant::as_select(), (users::person_id, users::disabled_at)))
        .first::<(RoleGrant, Holder)>(conn)?;
    in_role(&grant, holder, now)
}

/// The person that a user is, and since when the user is disabled.
type Holder = (Option<PersonId>, Option<Instant>);

/// Whoever holds a role, while they do.
fn in_role(grant: &RoleGrant, (person_id, disabled_at): Holder, now: Instant) -> Result<Actor, Error> {
    if disabled_at.is_some() || !grant.is_current(now) {
        return Err(Error::Unauthenticated);
    }
    Ok(Actor {
        user_id: Some(grant.user_id),
        role_grant_id: Some(grant.id),
        person_id,
        role: grant.role,
        organization_id: grant.organization_id,
        manages_access: grant.manages_access,
        role_until: grant.until_at,
        scope: scope(grant, person_id, now)?,
        ..operator()
    })
}

fn operator() -> Actor {
    Actor {
        token_id: None,
        is_signed_in: false,
        user_id: None,
        role_grant_id: None,
        person_id: None,
        role: Role::Operator,
        organization_id: None,
        scope: Scope::Everything,
        read_only: false,
        manages_access: true,
        role_until: None,
        only_intakes: None,
        stale_use: false,
        replay: Cell::new(false),
        refused: Cell::new(None),
        entries: RefCell::default(),
    }
}

/// A role that needs a person or an organization which the grant lacks sees nothing, so it is no valid credential at all.
fn scope(grant: &RoleGrant, person_id: Option<PersonId>, now: Instant) -> Result<Scope, Error> {
    let organization = || grant.organization_id.ok_or(Error::Unauthenticated);
    let person = || person_id.ok_or(Error::Unauthenticated);
    Ok(match grant.role {
        Role::Administrator | Role::Operator => Scope::Everything,
        Role::Coordinator | Role::Auditor => Scope::Provider(organization()?),
        Role::Partner => Scope::Sponsor(organization()?, now),
        Role::ClassAdviser => Scope::Adviser(person()?, organization()?),
        Role::Instructor => Scope::Teacher(person()?, organization()?),
        Role::Trainee => Scope::Own(person()?, organization()?),
    })
}
