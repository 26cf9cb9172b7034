//! The tables of roll calls.

pub(super) mod list;
pub(super) mod marks;
pub(super) mod verify;

use std::collections::{BTreeMap, BTreeSet};

use diesel::{
    prelude::*,
    sql_types::{Integer, Nullable, Text},
};

use super::model::{
    Attendance, NewRollCall, RollCall, RollCallEntry, RollCallRow, RollCallState, RollCallTransition, after, apart, check,
    refuse_uncalling, says_the_same, split,
};
use crate::{
    access::{Action, Actor, Scope},
    clock::Instant,
    db::{
        self, Conn, for_backend,
        types::{Ts, Uid},
    },
    enrollments::{self, EnrollmentId, Expected},
    error::Error,
    http::{Caller, Change, ETag},
    intakes::{self, CohortId, IntakeId, IntakeState},
    journal::NewEntry,
    ledger::{self, Closing, Posting},
    organizations::OrganizationId,
    schedule::{self, SessionId, SessionRow, SessionState},
    schema::{attendances, cohorts, intakes as intake_rows, roll_calls, sessions},
    text::{Code, counted, listed},
    zone::Zone,
};

fn row(conn: &mut Conn, session: &SessionRow) -> Result<RollCallRow, Error> {
    let row = roll_calls::table.find(session.id).select(RollCallRow::as_select()).first(conn).optional()?;
    Ok(row.unwrap_or_else(|| RollCallRow::untouched(session)))
}

fn stored(conn: &mut Conn, session: SessionId) -> Result<Vec<Attendance>, Error> {
    Ok(attendances::table
        .filter(attendances::session_id.eq(session))
        .order(attendances::enrollment_id)
        .select(Attendance::as_select())
        .load(conn)?)
}

/// The minutes that count: as held, or as planned until then.
fn minutes(session: &SessionRow) -> i32 {
    session.held_minutes.unwrap_or(session.minutes)
}

/// Whom the actor calls in this session: everybody expected, or a class adviser's own cohorts.
fn called_by(conn: &mut Conn, actor: &Actor, session: &SessionRow) -> Result<Vec<Expected>, Error> {
    let mut expected = enrollments::expected_of(conn, session.id, session.begins_at())?;
    if let Scope::Adviser(person, _) = actor.scope() {
        let own: Vec<CohortId> = cohorts::table
            .filter(cohorts::intake_id.eq(session.intake_id))
            .filter(cohorts::adviser_id.eq(person))
            .select(cohorts::id)
            .load(conn)?;
        expected.retain(|one| one.cohort_id.is_some_and(|cohort| own.contains(&cohort)));
    }
    Ok(expected)
}

fn provider(conn: &mut Conn, session: &SessionRow) -> Result<OrganizationId, Error> {
    Ok(intake_rows::table.find(session.intake_id).select(intake_rows::provider_id).first(conn)?)
}

/// A session's roll call, with everybody who is expected.
pub fn read(conn: &mut Conn, actor: &Actor, session_id: SessionId) -> Result<RollCall, Error> {
    let session = schedule::find(conn, actor, session_id)?;
    actor.may(Action::ReadRollCall)?;
    let row = row(conn, &session)?;
    let expected = called_by(conn, actor, &session)?;
    let stored = stored(conn, session_id)?;
    Ok(shown(&session, row, expected, &stored))
}

fn shown(session: &SessionRow, row: RollCallRow, expected: Vec<Expected>, stored: &[Attendance]) -> RollCall {
    let called: BTreeMap<EnrollmentId, &Attendance> = stored.iter().map(|attendance| (attendance.enrollment_id, attendance)).collect();
    let entries = expected
        .into_iter()
        .map(|one| {
            let attendance = called.get(&one.enrollment_id);
            RollCallEntry {
                enrollment_id: one.enrollment_id,
                trainee_id: one.trainee_id,
                name: one.name,
                latin_name: one.latin_name,
                unit_id: one.unit_id,
                unit: one.unit,
                cohort_id: one.cohort_id,
                code: attendance.map(|attendance| attendance.code),
                minutes: attendance.and_then(|attendance| attendance.minutes),
                mode: attendance.and_then(|attendance| attendance.mode),
                note: attendance.and_then(|attendance| attendance.note.clone()),
            }
        })
        .collect();
    RollCall {
        session_id: session.id,
        state: row.state,
        minutes: minutes(session),
        closings: row.closings,
        submitted_at: row.submitted_at,
        closed_at: row.closed_at,
        reopen_reason: row.reopen_reason,
        version: row.version,
        entries,
    }
}

/// The session of a roll call that is about to change, as it stands once nobody else changes it. Under the lock of its intake, which
/// whoever holds, moves or cancels a session takes too, and whoever closes moves balances and versions under.
fn changing(conn: &mut Conn, actor: &Actor, session_id: SessionId, action: Action) -> Result<SessionRow, Error> {
    let found = schedule::find(conn, actor, session_id)?;
    actor.may(action)?;
    db::lock(conn, "intake", found.intake_id)?;
    db::lock_row(conn, "SELECT 1 FROM roll_calls WHERE session_id = ? FOR NO KEY UPDATE", session_id)?;
    // Read again: it may have been cancelled or held while this one waited.
    if db::waits(conn) { schedule::find(conn, actor, session_id) } else { Ok(found) }
}

/// Puts the whole class. An equal roll call succeeds without a change. `caller` is none where there is no state to be stale (the demo).
///
/// # Errors
/// 409 if the session is neither published nor held or the roll call is closed or (to those who may not close it) submitted; 422 before
/// the session's start, for a stranger, for minutes that do not fit, for leaving out whom a closed roll call had called.
pub fn put(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    caller: Option<&Caller>,
    session_id: SessionId,
    new: &NewRollCall,
) -> Result<RollCall, Error> {
    let session = changing(conn, actor, session_id, Action::CallRoll)?;
    let before = row(conn, &session)?;
    ready(conn, actor, now, &session, before.state)?;
    let expected = called_by(conn, actor, &session)?;
    let ids: BTreeSet<EnrollmentId> = expected.iter().map(|one| one.enrollment_id).collect();
    check(&new.entries, &ids, minutes(&session))?;
    let mut stored = stored(conn, session_id)?;
    if let Scope::Adviser(..) = actor.scope() {
        // The lines of the other cohorts stay as their own advisers called them.
        stored.retain(|line| ids.contains(&line.enrollment_id));
    }
    refuse_uncalling(&before, &ids, &stored, new)?;
    let alters = before.version == 0 || !says_the_same(&stored, &new.entries);
    // A roll call that nobody has called yet has no state to be stale.
    if let Some(caller) = caller.filter(|_| before.version > 0) {
        caller.check_if_match(&ETag::version(before.version), alters)?;
    }
    if !alters {
        return Ok(shown(&session, before, expected, &stored));
    }
    let state = if before.state == RollCallState::NotOpen { RollCallState::Open } else { before.state };
    let changed = RollCallRow { state, version: before.version + 1, ..before.clone() };
    save(conn, &before, &changed)?;
    let lines = compare(now, session_id, &stored, new);
    replace(conn, session_id, &lines)?;
    let entry = NewEntry::of("roll_call.put", "session", session_id).provider(provider(conn, &session)?).intake(session.intake_id);
    actor.record(entry.from(&lines.gone).to(&lines.fresh));
    Ok(shown(&session, changed, expected, &lines.now))
}

/// Whether the roll of `session` may be called now, by this actor.
fn ready(conn: &mut Conn, actor: &Actor, now: Instant, session: &SessionRow, state: RollCallState) -> Result<(), Error> {
    if !session.is_taking_place() {
        return Err(Error::conflict("session_not_published", format!("the session is {}; its roll cannot be called", session.state)));
    }
    if now < session.begins_at() {
        let zone: Zone = intake_rows::table.find(session.intake_id).select(intake_rows::time_zone).first(conn)?;
        let detail = format!("the session starts at {}; its roll is called from then on", zone.told(session.begins_at()));
        return Err(Error::invalid("", "before_start", detail));
    }
    match state {
        RollCallState::Closed => Err(Error::conflict("roll_call_closed", "the roll call is closed; reopen it with a reason")),
        RollCallState::Submitted if !actor.allows(Action::CloseRollCall) => {
            Err(Error::conflict("roll_call_submitted", "the roll call is submitted; only who may close it changes it now"))
        }
        _ => Ok(()),
    }
}

/// What putting a roll call makes of its lines.
struct Lines {
    now: Vec<Attendance>,
    gone: Vec<Attendance>,
    fresh: Vec<Attendance>,
}

/// Compares the lines; one that says the same as before keeps its time of recording and is not written again.
fn compare(now: Instant, session_id: SessionId, stored: &[Attendance], new: &NewRollCall) -> Lines {
    let mut known: BTreeMap<EnrollmentId, &Attendance> = stored.iter().map(|row| (row.enrollment_id, row)).collect();
    let mut lines = Lines { now: Vec::with_capacity(new.entries.len()), gone: Vec::new(), fresh: Vec::new() };
    for entry in &new.entries {
        let line = Attendance {
            session_id,
            enrollment_id: entry.enrollment_id,
            code: entry.code,
            minutes: entry.minutes,
            mode: entry.mode,
            note: entry.note.clone(),
            recorded_at: now,
        };
        match known.remove(&entry.enrollment_id) {
            Some(old) if (Attendance { recorded_at: old.recorded_at, ..line.clone() }) == *old => lines.now.push(old.clone()),
            old => {
                lines.gone.extend(old.cloned());
                lines.fresh.push(line.clone());
                lines.now.push(line);
            }
        }
    }
    lines.gone.extend(known.into_values().cloned());
    lines
}

/// Replaces the lines that differ.
fn replace(conn: &mut Conn, session_id: SessionId, lines: &Lines) -> Result<(), Error> {
    delete(conn, session_id, &lines.gone)?;
    for chunk in lines.fresh.chunks(500) {
        for_backend!(conn, |c| diesel::insert_into(attendances::table).values(chunk).execute(c))?;
    }
    Ok(())
}

fn delete(conn: &mut Conn, session_id: SessionId, gone: &[Attendance]) -> Result<(), Error> {
    if gone.is_empty() {
        return Ok(());
    }
    let gone: Vec<EnrollmentId> = gone.iter().map(|line| line.enrollment_id).collect();
    let gone = attendances::table.filter(attendances::session_id.eq(session_id)).filter(attendances::enrollment_id.eq_any(gone));
    diesel::delete(gone).execute(conn)?;
    Ok(())
}

/// Writes a roll call over the one before; made first if there was none.
fn save(conn: &mut Conn, before: &RollCallRow, changed: &RollCallRow) -> Result<(), Error> {
    if before.version == 0 {
        // The trigger knows no shortcut: a roll call is made before it is opened.
        let made = RollCallRow { state: RollCallState::NotOpen, ..changed.clone() };
        diesel::insert_into(roll_calls::table).values(&made).execute(conn)?;
    }
    let version = if before.version == 0 { changed.version } else { before.version };
    let updated = db::fixed(
        "UPDATE roll_calls SET state = ?, closings = ?, submitted_at = ?, closed_at = ?, reopen_reason = ?, version = ?
         WHERE session_id = ? AND version = ?",
    )
    .bind::<Text, _>(changed.state)
    .bind::<Integer, _>(changed.closings)
    .bind::<Nullable<Ts>, _>(changed.submitted_at)
    .bind::<Nullable<Ts>, _>(changed.closed_at)
    .bind::<Nullable<Text>, _>(&changed.reopen_reason)
    .bind::<Integer, _>(changed.version)
    .bind::<Uid, _>(before.session_id)
    .bind::<Integer, _>(version)
    .execute(conn)?;
    if updated == 0 { Err(Error::Stale) } else { Ok(()) }
}

/// Submits, closes or reopens a roll call.
pub(super) fn transition(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    session_id: SessionId,
    step: RollCallTransition,
    change: &Change,
) -> Result<RollCall, Error> {
    match step {
        RollCallTransition::Close => close(conn, actor, now, session_id, change),
        RollCallTransition::Submit => submit(conn, actor, now, session_id),
        RollCallTransition::Reopen => reopen(conn, actor, session_id, change),
    }
}

fn submit(conn: &mut Conn, actor: &Actor, now: Instant, session_id: SessionId) -> Result<RollCall, Error> {
    let session = changing(conn, actor, session_id, Action::CallRoll)?;
    let before = row(conn, &session)?;
    let state = after(before.state, RollCallTransition::Submit)?;
    let expected = enrollments::expected_of(conn, session_id, session.begins_at())?;
    let stored = stored(conn, session_id)?;
    complete(&expected, &stored)?;
    let changed = RollCallRow { state, submitted_at: Some(now), version: before.version + 1, ..before.clone() };
    save(conn, &before, &changed)?;
    let entry = NewEntry::of("roll_call.submitted", "session", session_id).provider(provider(conn, &session)?).intake(session.intake_id);
    actor.record(entry.from(&before).to(&changed));
    let expected = called_by(conn, actor, &session)?;
    Ok(shown(&session, changed, expected, &stored))
}

/// Closes a roll call: posts, for each enrollment expected in it, entries that add up to the session's minutes.
///
/// Lines of whoever owes the session no more, having left before it as was told after the roll was called, are taken out and kept in the
/// journal: a closed roll call says who owed it.
///
/// # Errors
/// 409 `session_not_held`, `roll_call_incomplete`, `illegal_transition`, and `minutes_do_not_fit` where the session turned out shorter than
/// somebody's minutes.
pub fn close(conn: &mut Conn, actor: &Actor, now: Instant, session_id: SessionId, change: &Change) -> Result<RollCall, Error> {
    let session = changing(conn, actor, session_id, Action::CloseRollCall)?;
    let before = row(conn, &session)?;
    let state = after(before.state, RollCallTransition::Close)?;
    let whole = session.held_minutes.ok_or_else(|| Error::conflict("session_not_held", "confirm the session as held first"))?;
    let expected = enrollments::expected_of(conn, session_id, session.begins_at())?;
    let (stored, strangers) = apart(&expected, stored(conn, session_id)?);
    complete(&expected, &stored)?;
    let called: BTreeMap<EnrollmentId, &Attendance> = stored.iter().map(|attendance| (attendance.enrollment_id, attendance)).collect();
    let postings = expected.iter().filter_map(|one| called.get(&one.enrollment_id)).map(|attendance| posting(attendance, whole));
    let postings = postings.collect::<Result<Vec<Posting>, Error>>()?;
    let number = before.closings + 1;
    let closing = Closing { session_id, module_id: session.module_id, number };
    let reason = change.reason.as_ref().or(before.reopen_reason.as_ref());
    let posted = ledger::post_closing(conn, actor, now, closing, &postings, reason)?;
    let changed = RollCallRow {
        state,
        closings: number,
        submitted_at: before.submitted_at.or(Some(now)),
        closed_at: Some(now),
        version: before.version + 1,
        ..before.clone()
    };
    // Before it is closed: then the lines are fixed.
    delete(conn, session_id, &strangers)?;
    save(conn, &before, &changed)?;
    enrollments::settle(conn, actor, session_id)?;
    // The open sessions and the open minutes of the cohorts change for everybody.
    intakes::touch_all(conn, session.intake_id)?;
    let entry = NewEntry::of("roll_call.closed", "session", session_id).provider(provider(conn, &session)?).intake(session.intake_id);
    let was = serde_json::json!({ "roll_call": before, "taken_out": strangers });
    let facts = serde_json::json!({ "closing": number, "entries_posted": posted, "roll_call": changed });
    actor.record(entry.from(&was).to(&facts).because(reason.map(|reason| reason.as_str())));
    Ok(shown(&session, changed, expected, &stored))
}

/// The session may have turned out shorter than planned after its roll was called.
fn posting(attendance: &Attendance, whole: i32) -> Result<Posting, Error> {
    let entries = split(attendance.code, attendance.minutes, whole).map_err(|(_, detail)| {
        Error::conflict("minutes_do_not_fit", format!("the attendance of enrollment {} does not fit: {detail}", attendance.enrollment_id))
    })?;
    Ok(Posting { enrollment_id: attendance.enrollment_id, entries })
}

fn complete(expected: &[Expected], stored: &[Attendance]) -> Result<(), Error> {
    let called: BTreeSet<EnrollmentId> = stored.iter().map(|attendance| attendance.enrollment_id).collect();
    let missing = expected.iter().filter(|one| !called.contains(&one.enrollment_id)).count();
    if missing == 0 {
        return Ok(());
    }
    let expected = counted(expected.len(), "expected trainee");
    Err(Error::conflict("roll_call_incomplete", format!("still to be called: {missing} of {expected}")))
}

/// Refuses to end an intake while a session of it was held and its roll call is not closed.
///
/// # Errors
/// 409 `roll_calls_open`, with the codes of the sessions.
pub fn refuse_unclosed(conn: &mut Conn, intake: IntakeId) -> Result<(), Error> {
    let closed = roll_calls::table.filter(roll_calls::intake_id.eq(intake)).filter(roll_calls::state.eq(RollCallState::Closed));
    let open: Vec<Code> = sessions::table
        .filter(sessions::intake_id.eq(intake))
        .filter(sessions::state.eq(SessionState::Held))
        .filter(sessions::id.ne_all(closed.select(roll_calls::session_id)))
        .order((sessions::starts_at, sessions::id))
        .select(sessions::code)
        .load(conn)?;
    if open.is_empty() {
        return Ok(());
    }
    let codes = listed(open.iter().map(Code::as_str));
    Err(Error::conflict("roll_calls_open", format!("close the roll call of {} first: {codes}", counted(open.len(), "held session"))))
}

fn reopen(conn: &mut Conn, actor: &Actor, session_id: SessionId, change: &Change) -> Result<RollCall, Error> {
    let session = changing(conn, actor, session_id, Action::CloseRollCall)?;
    let before = row(conn, &session)?;
    let state = after(before.state, RollCallTransition::Reopen)?;
    let intake: IntakeState = intake_rows::table.find(session.intake_id).select(intake_rows::state).first(conn)?;
    if intake == IntakeState::Completed {
        // Everybody in it was decided by these hours. One that was cancelled is corrected still: what was held counts.
        return Err(Error::conflict("intake_not_live", "the intake is completed; its roll calls stay closed"));
    }
    let reason = change.reason.clone().ok_or_else(|| Error::invalid("/reason", "reason_missing", "reopening needs a reason"))?;
    let changed = RollCallRow {
        state,
        submitted_at: None,
        closed_at: None,
        reopen_reason: Some(reason.clone()),
        version: before.version + 1,
        ..before.clone()
    };
    save(conn, &before, &changed)?;
    intakes::touch_all(conn, session.intake_id)?;
    let entry = NewEntry::of("roll_call.reopened", "session", session_id).provider(provider(conn, &session)?).intake(session.intake_id);
    actor.record(entry.from(&before).to(&changed).because(Some(reason.as_str())));
    let expected = enrollments::expected_of(conn, session_id, session.begins_at())?;
    let stored = stored(conn, session_id)?;
    Ok(shown(&session, changed, expected, &stored))
}
