//! Who comes to a session to make up another one.

use std::collections::BTreeSet;

use diesel::{dsl::sum, prelude::*};

use super::{
    super::{
        guests::{Guest, MakesUp, NewGuest, paired},
        model::{RollCall, RollCallRow, RollCallState},
    },
    answered, changing, entry, row, save, stored, zone,
};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::Conn,
    enrollments::{self, EnrollmentId, enrolled_at},
    error::Error,
    intakes::SessionMode,
    ledger::EntryKind,
    schedule::{self, SessionId, SessionRow, SessionState},
    schema::{attendances, enrollment_periods, guests, hour_entries, roll_calls, session_cohorts, sessions},
    text::{Code, Note},
};

/// The guests of a session who are enrolled when it begins, by enrollment id.
pub(super) fn of(conn: &mut Conn, session: &SessionRow) -> Result<Vec<(enrollments::Expected, MakesUp)>, Error> {
    let makes_up: Vec<(EnrollmentId, MakesUp)> = guests::table
        .inner_join(sessions::table.on(sessions::id.eq(guests::missed_session_id)))
        .filter(guests::session_id.eq(session.id))
        .select((guests::enrollment_id, (sessions::id, sessions::code, guests::note)))
        .load(conn)?;
    let ids: Vec<EnrollmentId> = makes_up.iter().map(|(id, _)| *id).collect();
    let people = enrollments::enrolled(conn, &ids, session.begins_at())?;
    Ok(paired(people, makes_up))
}

/// The session of a roll call to which guests may be added, or from which they may be taken.
fn inviting(conn: &mut Conn, actor: &Actor, session_id: SessionId) -> Result<(SessionRow, RollCallRow), Error> {
    let session = changing(conn, actor, session_id, Action::InviteGuests)?;
    let row = row(conn, &session)?;
    if row.state == RollCallState::Closed {
        return Err(Error::conflict("roll_call_closed", "the roll call is closed; reopen it with a reason"));
    }
    if !session.is_taking_place() {
        return Err(Error::conflict("session_not_published", format!("the session is {}; nobody comes to it", session.state)));
    }
    Ok((session, row))
}

/// Adds a guest to a session: a trainee of the intake who does not owe it and makes up another one of its module there.
///
/// # Errors
/// 409 `already_exists`, `roll_call_closed`, `session_not_published`, `guest_elsewhere` at that time; 422 for a session that is not of the
/// same intake and module or that the enrollment does not owe, and for whoever owes this one, missed nothing, or is not enrolled when it
/// begins.
pub(in crate::attendance) fn invite(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    session_id: SessionId,
    new: NewGuest,
) -> Result<RollCall, Error> {
    let (session, before) = inviting(conn, actor, session_id)?;
    check(conn, actor, &session, &new)?;
    let NewGuest { enrollment_id, missed_session_id, note } = new;
    let own = guests::table.find((session_id, enrollment_id));
    if diesel::select(diesel::dsl::exists(own)).get_result(conn)? {
        return Err(Error::conflict("already_exists", "the enrollment is a guest of this session already"));
    }
    let user_id = actor.user_id();
    let guest = Guest { session_id, enrollment_id, missed_session_id, intake_id: session.intake_id, note, user_id, created_at: now };
    let changed = RollCallRow { version: before.version + 1, ..before.clone() };
    save(conn, &before, &changed)?;
    diesel::insert_into(guests::table).values(&guest).execute(conn)?;
    actor.record(entry(conn, "guest.invited", &session)?.to(&guest).because(guest.note.as_ref().map(Note::as_str)));
    answered(conn, actor, &session, (&before, changed))
}

fn check(conn: &mut Conn, actor: &Actor, session: &SessionRow, new: &NewGuest) -> Result<(), Error> {
    let missed = match schedule::find(conn, actor, new.missed_session_id) {
        Err(Error::NotFound) => return Err(Error::invalid("/missed_session_id", "unknown_session", "there is no such session")),
        found => found?,
    };
    let refused = |code: &str, detail: &str| Err(Error::invalid("/missed_session_id", code, detail));
    if missed.id == session.id {
        return refused("same_session", "nobody makes a session up in itself");
    }
    if (missed.intake_id, missed.module_id) != (session.intake_id, session.module_id) {
        return refused("other_module", "what is made up is of the same intake and module");
    }
    if !missed.is_taking_place() {
        return refused("session_not_published", "the session does not take place; nobody misses it");
    }
    let owes = |expected: Vec<enrollments::Expected>| expected.iter().any(|one| one.enrollment_id == new.enrollment_id);
    if !owes(enrollments::expected_of(conn, missed.id, missed.begins_at())?) {
        return refused("not_owed", "the enrollment does not owe that session");
    }
    if owes(enrollments::expected_of(conn, session.id, session.begins_at())?) {
        return Err(Error::invalid("/enrollment_id", "expected", "the enrollment owes this session; a guest does not"));
    }
    if enrollments::enrolled(conn, &[new.enrollment_id], session.begins_at())?.is_empty() {
        return Err(Error::invalid("/enrollment_id", "not_enrolled", "the enrollment is not enrolled when the session begins"));
    }
    if missed_nothing(conn, new.enrollment_id, missed.id)? {
        return refused("nothing_missed", "the roll call of that session is closed, and the enrollment missed nothing of it");
    }
    match elsewhere(conn, session, new)? {
        Some((code, begins_at, finishes_at)) => {
            let zone = zone(conn, session)?;
            let detail = format!("the enrollment is in session {code} ({} to {})", zone.told(begins_at), zone.told(finishes_at));
            Err(Error::conflict("guest_elsewhere", detail))
        }
        None => Ok(()),
    }
}

/// Whether a closing has posted for an enrollment in a session, and no absence.
fn missed_nothing(conn: &mut Conn, enrollment: EnrollmentId, session: SessionId) -> Result<bool, Error> {
    let sums: Vec<(EntryKind, Option<i64>)> = hour_entries::table
        .inner_join(roll_calls::table.on(roll_calls::session_id.nullable().eq(hour_entries::session_id)))
        .filter(roll_calls::state.eq(RollCallState::Closed))
        .filter(hour_entries::enrollment_id.eq(enrollment))
        .filter(hour_entries::session_id.eq(session))
        .filter(hour_entries::closing.is_not_null())
        .group_by(hour_entries::kind)
        .select((hour_entries::kind, sum(hour_entries::minutes)))
        .load(conn)?;
    let missed = |(kind, minutes): &(EntryKind, Option<i64>)| {
        matches!(kind, EntryKind::AuthorizedAbsence | EntryKind::UnauthorizedAbsence) && minutes.is_some_and(|minutes| minutes > 0)
    };
    Ok(!sums.is_empty() && !sums.iter().any(missed))
}

/// The session in which an enrollment is while this one lasts, as a guest or because it is owed, but for the one that is made up; with when
/// it begins and ends. None while a recorded one can be viewed, which occupies nobody (DOMAIN section 2, rule 3).
fn elsewhere(conn: &mut Conn, session: &SessionRow, new: &NewGuest) -> Result<Option<(Code, Instant, Instant)>, Error> {
    if session.mode == SessionMode::Recorded {
        return Ok(None);
    }
    let meanwhile = || {
        sessions::table
            .filter(sessions::intake_id.eq(session.intake_id))
            .filter(sessions::state.eq_any([SessionState::Published, SessionState::Held]))
            .filter(sessions::mode.ne(SessionMode::Recorded))
            .filter(sessions::id.ne_all([session.id, new.missed_session_id]))
            .filter(schedule::begins_at().lt(session.finishes_at()))
            .filter(schedule::finishes_at().gt(session.begins_at()))
            .select((sessions::code, schedule::begins_at(), schedule::finishes_at()))
            .order((sessions::starts_at, sessions::id))
    };
    let invited = guests::table.filter(guests::enrollment_id.eq(new.enrollment_id)).select(guests::session_id);
    let as_guest = meanwhile().filter(sessions::id.eq_any(invited)).first(conn).optional()?;
    if as_guest.is_some() {
        return Ok(as_guest);
    }
    let placed = session_cohorts::table
        .inner_join(enrollment_periods::table.on(enrollment_periods::cohort_id.eq(session_cohorts::cohort_id.nullable())))
        .filter(session_cohorts::session_id.eq(sessions::id))
        .filter(enrollment_periods::enrollment_id.eq(new.enrollment_id))
        .filter(enrolled_at(schedule::begins_at()));
    Ok(meanwhile().filter(diesel::dsl::exists(placed)).first(conn).optional()?)
}

/// Takes a guest from a session again, with what was called of them. What a closing posted is taken back by the next.
///
/// # Errors
/// 404 for whoever is no guest; 409 `roll_call_closed`.
pub(in crate::attendance) fn dismiss(
    conn: &mut Conn,
    actor: &Actor,
    (session_id, enrollment_id): (SessionId, EnrollmentId),
    reason: &Note,
) -> Result<RollCall, Error> {
    let (session, before) = inviting(conn, actor, session_id)?;
    let guest: Guest = guests::table.find((session_id, enrollment_id)).select(Guest::as_select()).first(conn)?;
    let changed = RollCallRow { version: before.version + 1, ..before.clone() };
    save(conn, &before, &changed)?;
    let mark = stored(conn, session_id)?.into_iter().find(|line| line.enrollment_id == enrollment_id);
    diesel::delete(attendances::table.find((session_id, enrollment_id))).execute(conn)?;
    diesel::delete(guests::table.find((session_id, enrollment_id))).execute(conn)?;
    // Whoever had left before it, as was told later, is listed as long as they are a guest.
    enrollments::find_unsettled(conn, session.intake_id, &[enrollment_id])?;
    let was = serde_json::json!({ "guest": guest, "mark": mark });
    actor.record(entry(conn, "guest.dismissed", &session)?.from(&was).because(Some(reason.as_str())));
    answered(conn, actor, &session, (&before, changed))
}

/// Takes out whoever is no guest any more: having left before the session, or owing it now. Returns who that was.
pub(super) fn remove_strangers(conn: &mut Conn, session_id: SessionId, guests: &BTreeSet<EnrollmentId>) -> Result<Vec<Guest>, Error> {
    let own = || guests::table.filter(guests::session_id.eq(session_id));
    let stored: Vec<Guest> = own().order(guests::enrollment_id).select(Guest::as_select()).load(conn)?;
    let strangers: Vec<Guest> = stored.into_iter().filter(|guest| !guests.contains(&guest.enrollment_id)).collect();
    if !strangers.is_empty() {
        let ids: Vec<EnrollmentId> = strangers.iter().map(|guest| guest.enrollment_id).collect();
        diesel::delete(own().filter(guests::enrollment_id.eq_any(ids))).execute(conn)?;
    }
    Ok(strangers)
}
