//! The table of one-time codes for whoever has neither e-mail nor a password.

use diesel::prelude::*;

use super::check_no_program;
use crate::{
    access::{self, Action, Actor, Role, RoleGrant, RoleGrantId, UserId},
    accounts::sign_in_code::{Coded, Employee},
    clock::Instant,
    db::Conn,
    error::Error,
    id::Id,
    journal::NewEntry,
    schema::{affiliations, organizations, role_grants, sign_in_codes, users},
    text::Code,
};

/// So many codes of one number are tried, each of them an Argon2id.
const MOST: i64 = 4;

/// A code in the journal: never the code.
#[derive(serde::Serialize)]
struct Given {
    sign_in_code_id: Id<Coded>,
    expires_at: Instant,
}

/// Who signs in with a code: by which number, in which role.
pub(in crate::accounts) struct Holder {
    grant: RoleGrant,
    employee: Employee,
}

/// A trainee in the actor's reach, to be given a code.
///
/// # Errors
/// As [`access::hold_managed`]; 409 `own_user`, `user_disabled`, `is_a_program`, `not_a_trainee` for who holds another role, and
/// `no_employee_number` for who is not known by one.
pub(in crate::accounts) fn holder(conn: &mut Conn, actor: &Actor, now: Instant, user: UserId) -> Result<Holder, Error> {
    let held = access::hold_managed(conn, actor, now, user)?;
    if actor.user_id() == Some(user) {
        return Err(Error::conflict("own_user", "nobody gives a code to themselves"));
    }
    if held.disabled_at.is_some() {
        return Err(Error::conflict("user_disabled", "the user is disabled and cannot sign in"));
    }
    check_no_program(conn, actor, now, user)?;
    let grants: Vec<RoleGrant> = role_grants::table
        .filter(role_grants::user_id.eq(user))
        .filter(role_grants::until_at.is_null().or(role_grants::until_at.gt(now)))
        .order(role_grants::id)
        .select(RoleGrant::as_select())
        .load(conn)?;
    // Whoever signs in may go on in every role of theirs.
    let are_trainees = grants.iter().all(|grant| grant.role == Role::Trainee);
    let grant = grants.into_iter().find(|grant| grant.is_current(now)).filter(|_| are_trainees);
    let detail = "codes are for who is a trainee and nothing else; others are invited to set a password";
    let grant = grant.ok_or_else(|| Error::conflict("not_a_trainee", detail))?;
    let employee: Option<(Code, Code)> = affiliations::table
        .inner_join(organizations::table.on(organizations::id.eq(affiliations::organization_id)))
        .filter(affiliations::person_id.nullable().eq(held.person_id))
        .filter(affiliations::until_date.is_null())
        .filter(affiliations::employee_number.is_not_null())
        .order(affiliations::id)
        .select((organizations::code, affiliations::employee_number.assume_not_null()))
        .first(conn)
        .optional()?;
    let unknown = || Error::conflict("no_employee_number", "the trainee has no employee number to sign in by");
    let (organization_code, employee_number) = employee.ok_or_else(unknown)?;
    Ok(Holder { grant, employee: Employee { organization_code, employee_number } })
}

/// Stores the hash of a code that takes the place of the one before.
pub(in crate::accounts) fn give(
    conn: &mut Conn,
    actor: &Actor,
    (now, expires_at): (Instant, Instant),
    user: UserId,
    hash: &str,
) -> Result<Employee, Error> {
    let Holder { grant, employee } = holder(conn, actor, now, user)?;
    withdraw(conn, now, user)?;
    let id: Id<Coded> = Id::generate();
    let given = (
        sign_in_codes::id.eq(id),
        sign_in_codes::role_grant_id.eq(grant.id),
        sign_in_codes::giver_grant_id.eq(actor.role_grant_id()),
        sign_in_codes::hash.eq(hash),
        sign_in_codes::expires_at.eq(expires_at),
        sign_in_codes::created_at.eq(now),
    );
    diesel::insert_into(sign_in_codes::table).values(given).execute(conn)?;
    let entry = NewEntry::of("sign_in_code.given", "user", user).held_at(grant.organization_id);
    actor.record(entry.to(&Given { sign_in_code_id: id, expires_at }));
    Ok(employee)
}

/// A user's codes are good no more.
pub(super) fn withdraw(conn: &mut Conn, now: Instant, user: UserId) -> Result<(), Error> {
    let own = role_grants::table.filter(role_grants::user_id.eq(user)).select(role_grants::id);
    let open = sign_in_codes::table
        .filter(sign_in_codes::role_grant_id.eq_any(own))
        .filter(sign_in_codes::used_at.is_null())
        .filter(sign_in_codes::withdrawn_at.is_null());
    diesel::update(open).set(sign_in_codes::withdrawn_at.eq(now)).execute(conn)?;
    Ok(())
}

/// Whoever has that employee number and an open code, with the code's hash: the same person may be a user of several houses.
pub(in crate::accounts) fn known(conn: &mut Conn, now: Instant, employee: &Employee) -> Result<Vec<(UserId, String)>, Error> {
    let known = sign_in_codes::table
        .inner_join(role_grants::table.on(role_grants::id.eq(sign_in_codes::role_grant_id)))
        .inner_join(users::table.on(users::id.eq(role_grants::user_id)))
        .inner_join(affiliations::table.on(affiliations::person_id.nullable().eq(users::person_id)))
        .inner_join(organizations::table.on(organizations::id.eq(affiliations::organization_id)))
        .filter(organizations::code.eq(&employee.organization_code))
        .filter(affiliations::employee_number.eq(&employee.employee_number))
        .filter(affiliations::until_date.is_null())
        .filter(sign_in_codes::used_at.is_null())
        .filter(sign_in_codes::withdrawn_at.is_null())
        .filter(sign_in_codes::expires_at.gt(now))
        .order(sign_in_codes::id.desc())
        .limit(MOST)
        .select((users::id, sign_in_codes::hash));
    Ok(known.load(conn)?)
}

/// Uses the code up with which the actor was proven.
///
/// # Errors
/// [`Error::WrongCredentials`] if somebody was faster, or it was withdrawn.
pub(in crate::accounts) fn use_up(conn: &mut Conn, actor: &Actor, now: Instant, hash: &str) -> Result<(), Error> {
    actor.may(Action::UseAccount)?;
    let grant: RoleGrantId = actor.role_grant_id().ok_or(Error::WrongCredentials)?;
    let open = sign_in_codes::table
        .filter(sign_in_codes::role_grant_id.eq(grant))
        .filter(sign_in_codes::hash.eq(hash))
        .filter(sign_in_codes::used_at.is_null())
        .filter(sign_in_codes::withdrawn_at.is_null());
    if diesel::update(open).set(sign_in_codes::used_at.eq(now)).execute(conn)? == 0 {
        return Err(Error::WrongCredentials);
    }
    Ok(())
}
