//! The tables of second factors and of the codes for whoever has lost theirs.

use diesel::prelude::*;

use super::withdraw_openings;
use crate::accounts::second_factor::{FactorCode, RECOVERY_CODES, RecoveryCodes, SECRET, SecondFactor, recovery_code, step_of};
use crate::{
    access::{self, Action, Actor, UserId},
    clock::Instant,
    db::Conn,
    error::Error,
    journal::NewEntry,
    schema::{recovery_codes, second_factors, users},
    text::{Name, Note},
    vault::{self, Place, Vault},
};

const WHAT: &str = "second_factors";
const WHAT_CODE: &str = "recovery_codes";

/// The code of the error of a second factor that is wrong.
pub(in crate::accounts) const WRONG: &str = "wrong_second_factor";

fn wrong() -> Error {
    Error::unauthorized(WRONG, "this is no code of the second factor, or it was used before; take the next one")
}

/// A sealed secret with what its owner signs in with.
struct Stored {
    name: Name,
    sealed: Vec<u8>,
    last_step: i64,
    counts_since: Option<Instant>,
}

fn stored(conn: &mut Conn, user: UserId) -> Result<Option<Stored>, Error> {
    let stored = second_factors::table.inner_join(users::table.on(users::id.eq(second_factors::user_id)));
    let stored: Option<(Name, Vec<u8>, i64, Option<Instant>)> = stored
        .filter(second_factors::user_id.eq(user))
        .select((users::name, second_factors::sealed, second_factors::last_step, users::second_factor_at))
        .first(conn)
        .optional()?;
    Ok(stored.map(|(name, sealed, last_step, counts_since)| Stored { name, sealed, last_step, counts_since }))
}

/// A new secret for the actor's own authenticator, which counts once [`confirm`] was shown a code of it.
///
/// # Errors
/// 409 `second_factor_set` where one counts already, and `no_encryption_key`.
pub(in crate::accounts) fn begin(conn: &mut Conn, actor: &Actor, now: Instant, vault: Option<&Vault>) -> Result<SecondFactor, Error> {
    let (user, ..) = actor.signed_in()?;
    actor.may(Action::UseAccount)?;
    access::hold_account(conn, user)?;
    let (name, set_at): (Name, Option<Instant>) = users::table.find(user).select((users::name, users::second_factor_at)).first(conn)?;
    if set_at.is_some() {
        return Err(Error::conflict("second_factor_set", "there is a second factor; remove it first to set another one"));
    }
    let mut secret = [0_u8; SECRET];
    getrandom::fill(&mut secret).map_err(Error::internal)?;
    let sealed = vault.ok_or_else(vault::no_key)?.seal(Place::new(WHAT, user), &secret)?;
    diesel::delete(second_factors::table.find(user)).execute(conn)?;
    let begun = (second_factors::user_id.eq(user), second_factors::sealed.eq(sealed), second_factors::created_at.eq(now));
    diesel::insert_into(second_factors::table).values(begun).execute(conn)?;
    actor.record(NewEntry::of("second_factor.begun", "user", user).held_at(actor.organization_id()));
    SecondFactor::new(&name, &secret)
}

/// Lets the secret count from now on, of which a code was shown; all other sign-ins end, for they went without it, and what others gave to come in
/// by is good no more.
///
/// # Errors
/// 409 `second_factor_set`, `no_second_factor` and `no_encryption_key`; [`WRONG`].
pub(in crate::accounts) fn confirm(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    vault: Option<&Vault>,
    code: &FactorCode,
) -> Result<RecoveryCodes, Error> {
    let (user, sign_in, _) = actor.signed_in()?;
    actor.may(Action::UseAccount)?;
    access::hold_account(conn, user)?;
    let stored = stored(conn, user)?.ok_or_else(none)?;
    if stored.counts_since.is_some() {
        return Err(Error::conflict("second_factor_set", "the second factor counts already"));
    }
    let vault = vault.ok_or_else(vault::no_key)?;
    let step = shown(&stored, vault, user, now, code)?;
    let step = step.ok_or_else(wrong)?;
    diesel::update(second_factors::table.find(user)).set(second_factors::last_step.eq(step)).execute(conn)?;
    let codes = (0..RECOVERY_CODES).map(|_| recovery_code()).collect::<Result<Vec<_>, _>>()?;
    for (_, read) in &codes {
        let hash = vault.hash(WHAT_CODE, read)?.to_vec();
        let given = (recovery_codes::user_id.eq(user), recovery_codes::hash.eq(hash));
        diesel::insert_into(recovery_codes::table).values(given).execute(conn)?;
    }
    access::set_second_factor(conn, user, Some(now))?;
    withdraw_openings(conn, now, user)?;
    access::end_sign_ins(conn, actor, now, Some(sign_in))?;
    actor.record(NewEntry::of("second_factor.set", "user", user).held_at(actor.organization_id()));
    Ok(RecoveryCodes { recovery_codes: codes.into_iter().map(|(told, _)| told).collect() })
}

fn none() -> Error {
    Error::conflict("no_second_factor", "no second factor was begun")
}

/// The step of the code, if it is one of the authenticator's.
fn shown(stored: &Stored, vault: &Vault, user: UserId, now: Instant, code: &FactorCode) -> Result<Option<i64>, Error> {
    let secret = vault.open(Place::new(WHAT, user), &stored.sealed)?;
    let FactorCode::Totp(code) = code else { return Ok(None) };
    step_of(code, &secret, &stored.name, stored.last_step, now)
}

/// Lets whoever has proven the password by, if their second factor is proven, too, or there is none. The account is held.
///
/// # Errors
/// 401 `second_factor_needed` and [`WRONG`]; 409 `no_encryption_key` where the server has lost its key.
pub(in crate::accounts) fn pass(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    vault: Option<&Vault>,
    code: Option<&FactorCode>,
) -> Result<(), Error> {
    let user = actor.user_id().ok_or_else(wrong)?;
    let Some(stored) = stored(conn, user)?.filter(|stored| stored.counts_since.is_some()) else { return Ok(()) };
    let code =
        code.ok_or_else(|| Error::unauthorized("second_factor_needed", "send the code of your authenticator, too, or a recovery code"))?;
    let vault = vault.ok_or_else(vault::no_key)?;
    // Of a secret under another key nothing is right or wrong; so of the codes that were given with it.
    let step = shown(&stored, vault, user, now, code)?;
    if let FactorCode::Recovery(code) = code {
        return recover(conn, actor, now, vault, (user, code));
    }
    let step = step.ok_or_else(wrong)?;
    diesel::update(second_factors::table.find(user)).set(second_factors::last_step.eq(step)).execute(conn)?;
    Ok(())
}

/// How many recovery codes are left, in the journal.
#[derive(serde::Serialize)]
struct Recovered {
    left: i64,
}

fn recover(conn: &mut Conn, actor: &Actor, now: Instant, vault: &Vault, (user, code): (UserId, &str)) -> Result<(), Error> {
    let unused = || recovery_codes::table.filter(recovery_codes::user_id.eq(user)).filter(recovery_codes::used_at.is_null());
    let own = unused().filter(recovery_codes::hash.eq(vault.hash(WHAT_CODE, code)?.to_vec()));
    if diesel::update(own).set(recovery_codes::used_at.eq(now)).execute(conn)? == 0 {
        return Err(wrong());
    }
    let left = unused().count().get_result(conn)?;
    actor.record(NewEntry::of("second_factor.recovered", "user", user).held_at(actor.organization_id()).to(&Recovered { left }));
    Ok(())
}

/// Removes the actor's own second factor, which was proven.
pub(in crate::accounts) fn remove_own(conn: &mut Conn, actor: &Actor) -> Result<(), Error> {
    let (user, ..) = actor.signed_in()?;
    actor.may(Action::UseAccount)?;
    remove(conn, actor, user, None)
}

/// Removes the second factor of a user in the actor's reach, who has lost it; their sign-ins end.
///
/// # Errors
/// As [`access::hold_managed`]; 409 `own_user` for oneself, and `no_second_factor`.
pub(in crate::accounts) fn remove_of(conn: &mut Conn, actor: &Actor, now: Instant, user: UserId, reason: &Note) -> Result<(), Error> {
    access::hold_managed(conn, actor, now, user)?;
    if actor.user_id() == Some(user) {
        return Err(Error::conflict(
            "own_user",
            "the own second factor is removed by POST /account/second-factor/remove, which asks for it",
        ));
    }
    access::end_all_sign_ins(conn, actor, now, user)?;
    remove(conn, actor, user, Some(reason))
}

/// Takes away whatever there is of a user's second factor.
pub(super) fn forget(conn: &mut Conn, user: UserId) -> Result<(), Error> {
    diesel::delete(second_factors::table.find(user)).execute(conn)?;
    access::set_second_factor(conn, user, None)
}

fn remove(conn: &mut Conn, actor: &Actor, user: UserId, reason: Option<&Note>) -> Result<(), Error> {
    if stored(conn, user)?.is_none_or(|stored| stored.counts_since.is_none()) {
        return Err(Error::conflict("no_second_factor", "there is no second factor"));
    }
    forget(conn, user)?;
    let entry = NewEntry::of("second_factor.removed", "user", user).held_at(actor.organization_id());
    actor.record(entry.because(reason.map(Note::as_str)));
    Ok(())
}
