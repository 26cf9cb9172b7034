//! The tables of roll calls.

mod closing;
pub(super) mod corrections;
mod due;
pub(super) mod evidence;
pub(super) mod explain;
pub(super) mod guests;
pub(super) mod leave;
mod lines;
pub(super) mod list;
pub(super) mod marks;
pub(super) mod meanwhile;
pub(super) mod retention;
pub(super) mod said;
pub(super) mod standing;
mod steps;
pub(super) mod verify;

pub use closing::close;
pub use due::{close_due, due, keep_refusal};

use std::collections::{BTreeMap, BTreeSet};

use diesel::{
    prelude::*,
    sql_types::{Integer, Nullable, Text},
};

use self::lines::{compare, replace, stored};
use super::{
    evidence::uncalled,
    guests::Member,
    lines::{keep_leave, keep_source, lines, refuse_uncalling},
    model::{Attendance, LIFE_CYCLE, NewRollCall, RollCall, RollCallEntry, RollCallRow, RollCallState, RollCallTransition, Steps, Times},
};
use crate::{
    access::{Action, Actor, Scope},
    clock::Instant,
    db::{
        self, Conn,
        types::{Ts, Uid},
    },
    enrollments::{self, EnrollmentId, UnsettledKind},
    error::Error,
    http::{Caller, Change, ETag},
    intakes::{self, CohortId, IntakeId, IntakeState},
    journal::NewEntry,
    leave::granted_in,
    ledger,
    organizations::OrganizationId,
    schedule::{self, SessionId, SessionRow, SessionState},
    schema::{cohorts, intakes as intake_rows, roll_calls, sessions},
    text::{Code, Note, counted, listed},
    zone::Zone,
};

fn row(conn: &mut Conn, session: &SessionRow) -> Result<RollCallRow, Error> {
    let row = roll_calls::table.find(session.id).select(RollCallRow::as_select()).first(conn).optional()?;
    Ok(row.unwrap_or_else(|| RollCallRow::untouched(session)))
}

/// Everybody who is called in this session: those who owe it, then its guests; with their leave.
fn class(conn: &mut Conn, session: &SessionRow) -> Result<Vec<Member>, Error> {
    let owing = enrollments::expected_of(conn, session.id, session.begins_at())?;
    let guests = guests::of(conn, session)?;
    Ok(Member::all(owing, guests, granted_in(conn, session)?))
}

/// Whom the actor calls in this session: the class; of it a class adviser's own cohorts, and the guests, who have no adviser there.
fn called_by(conn: &mut Conn, actor: &Actor, session: &SessionRow) -> Result<Vec<Member>, Error> {
    let mut class = class(conn, session)?;
    if let Scope::Adviser(person, _) = actor.scope() {
        let own: Vec<CohortId> = cohorts::table
            .filter(cohorts::intake_id.eq(session.intake_id))
            .filter(cohorts::adviser_id.eq(person))
            .select(cohorts::id)
            .load(conn)?;
        class.retain(|one| one.is_guest() || one.person.cohort_id.is_some_and(|cohort| own.contains(&cohort)));
    }
    Ok(class)
}

/// An entry of the journal about the roll call of a session.
fn entry(conn: &mut Conn, action: &'static str, session: &SessionRow) -> Result<NewEntry, Error> {
    let provider: OrganizationId = intake_rows::table.find(session.intake_id).select(intake_rows::provider_id).first(conn)?;
    Ok(NewEntry::of(action, "session", session.id).provider(provider).intake(session.intake_id))
}

fn zone(conn: &mut Conn, session: &SessionRow) -> Result<Zone, Error> {
    Ok(intake_rows::table.find(session.intake_id).select(intake_rows::time_zone).first(conn)?)
}

/// A session's roll call, with everybody who is expected.
pub fn read(conn: &mut Conn, actor: &Actor, session_id: SessionId) -> Result<RollCall, Error> {
    let session = schedule::find(conn, actor, session_id)?;
    actor.may(Action::ReadRollCall)?;
    let row = row(conn, &session)?;
    let class = called_by(conn, actor, &session)?;
    let stored = stored(conn, session_id)?;
    let steps = steps::told(conn, actor, &row, &row)?;
    Ok(shown(&session, (row, steps), class, &stored))
}

/// A roll call as a change leaves it, with everybody who is expected.
fn answered(conn: &mut Conn, actor: &Actor, session: &SessionRow, (before, row): (&RollCallRow, RollCallRow)) -> Result<RollCall, Error> {
    let class = class(conn, session)?;
    let stored = stored(conn, session.id)?;
    let steps = steps::told(conn, actor, before, &row)?;
    Ok(shown(session, (row, steps), class, &stored))
}

/// A roll call with who is called in it and what was found of them.
fn shown(session: &SessionRow, (row, steps): (RollCallRow, Steps), class: Vec<Member>, stored: &[Attendance]) -> RollCall {
    let called: BTreeMap<EnrollmentId, &Attendance> = stored.iter().map(|attendance| (attendance.enrollment_id, attendance)).collect();
    let entries = class.into_iter().map(|member| {
        let attendance = called.get(&member.person.enrollment_id).copied();
        RollCallEntry::new(member, attendance)
    });
    let entries = entries.collect();
    RollCall {
        session_id: session.id,
        state: row.state,
        minutes: Times::of(session).minutes,
        closings: row.closings,
        submitted_at: row.submitted_at,
        submitted_by: steps.submitted_by,
        closed_at: row.closed_at,
        closed_by: steps.closed_by,
        closes_at: steps.closes_at,
        corrections_until: row.corrections_until,
        reopen_reason: row.reopen_reason,
        version: row.version,
        entries,
    }
}

/// The session of a roll call that is about to change, as it stands once nobody else changes it. Under the lock of its intake, which
/// whoever holds, moves or cancels a session takes too, and whoever closes moves balances and versions under.
fn changing(conn: &mut Conn, actor: &Actor, session_id: SessionId, action: Action) -> Result<SessionRow, Error> {
    let found = schedule::find(conn, actor, session_id)?;
    intakes::check_own(conn, actor, found.intake_id)?;
    actor.may(action)?;
    if action == Action::CloseRollCall {
        ledger::hold(conn, found.intake_id)?
    } else {
        db::lock(conn, "intake", found.intake_id)?
    }
    db::lock_row(conn, "SELECT 1 FROM roll_calls WHERE session_id = ? FOR NO KEY UPDATE", session_id)?;
    // Read again: it may have been cancelled or held while this one waited.
    if db::waits(conn) { schedule::find(conn, actor, session_id) } else { Ok(found) }
}

/// Puts the whole class; who is left out is called by what files say, if they say anything. An equal roll call succeeds without a change.
/// `caller` is none where there is no state to be stale (the demo).
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
    let class = called_by(conn, actor, &session)?;
    let ids: BTreeSet<EnrollmentId> = class.iter().map(|one| one.person.enrollment_id).collect();
    let mut stored = stored(conn, session_id)?;
    let mut new = lines(new, session_id, (&class, &stored), Times::of(&session), zone(conn, &session)?, now)?;
    if let Scope::Adviser(..) = actor.scope() {
        // The lines of the other cohorts stay as their own advisers called them.
        stored.retain(|line| ids.contains(&line.enrollment_id));
    }
    keep_source(&stored, &mut new);
    let said = evidence::standing(conn, session_id)?;
    let heard = uncalled(session_id, &new, said.iter().filter(|(id, _)| ids.contains(id)), Times::of(&session), now);
    evidence::refuse_pieces(&heard)?;
    new.extend(heard);
    refuse_uncalling(&before, &ids, &stored, &new)?;
    keep_leave(&stored, &mut new);
    let is_first = before.state == RollCallState::NotOpen;
    let lines = compare(&stored, new);
    let alters = is_first || lines.alter();
    // A roll call that nobody has called yet has no state to be stale.
    if let Some(caller) = caller.filter(|_| !is_first) {
        caller.check_if_match(&ETag::version(before.version), alters)?;
    }
    let steps = steps::told(conn, actor, &before, &before)?;
    if !alters {
        return Ok(shown(&session, (before, steps), class, &stored));
    }
    let state = if is_first { RollCallState::Open } else { before.state };
    let changed = RollCallRow { state, version: before.version + 1, ..before.clone() };
    save(conn, &before, &changed)?;
    replace(conn, session_id, &lines)?;
    actor.record(entry(conn, "roll_call.put", &session)?.from(&lines.gone).to(&lines.fresh));
    Ok(shown(&session, (changed, steps), class, &lines.now))
}

/// Whether the roll of `session` may be called now, by this actor.
fn ready(conn: &mut Conn, actor: &Actor, now: Instant, session: &SessionRow, state: RollCallState) -> Result<(), Error> {
    refuse_unpublished(session)?;
    if now < session.begins_at() {
        let zone = zone(conn, session)?;
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

/// Refuses to call the roll of a draft, or of what was cancelled.
fn refuse_unpublished(session: &SessionRow) -> Result<(), Error> {
    if session.is_taking_place() {
        return Ok(());
    }
    Err(Error::conflict("session_not_published", format!("the session is {}; its roll cannot be called", session.state)))
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
        "UPDATE roll_calls SET state = ?, closings = ?, posted_starts_at = ?, posted_ends_at = ?, posted_minutes = ?, submitted_at = ?,
            closed_at = ?, corrections_until = ?, reopen_reason = ?, version = ?,
            close_refused_code = NULL, close_refused_detail = NULL, close_refused_at = NULL
         WHERE session_id = ? AND version = ?",
    )
    .bind::<Text, _>(changed.state)
    .bind::<Integer, _>(changed.closings)
    .bind::<Nullable<Ts>, _>(changed.posted_starts_at)
    .bind::<Nullable<Ts>, _>(changed.posted_ends_at)
    .bind::<Nullable<Integer>, _>(changed.posted_minutes)
    .bind::<Nullable<Ts>, _>(changed.submitted_at)
    .bind::<Nullable<Ts>, _>(changed.closed_at)
    .bind::<Nullable<Ts>, _>(changed.corrections_until)
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
    refuse_uncalled(before.state)?;
    let state = LIFE_CYCLE.after("the roll call", before.state, RollCallTransition::Submit, None)?;
    let class = class(conn, &session)?;
    let stored = stored(conn, session_id)?;
    complete(actor, &class, &stored)?;
    let changed = RollCallRow { state, submitted_at: Some(now), version: before.version + 1, ..before.clone() };
    save(conn, &before, &changed)?;
    actor.record(entry(conn, "roll_call.submitted", &session)?.from(&before).to(&changed));
    let class = called_by(conn, actor, &session)?;
    let steps = steps::told(conn, actor, &before, &changed)?;
    Ok(shown(&session, (changed, steps), class, &stored))
}

/// Refuses to end a roll call that nobody has begun.
fn refuse_uncalled(state: RollCallState) -> Result<(), Error> {
    if state == RollCallState::NotOpen {
        return Err(Error::conflict(
            "illegal_transition",
            "nobody has been called yet; call the roll first (PUT /sessions/{id}/roll-call)",
        ));
    }
    Ok(())
}

/// Whether a refusal names the trainees: not to a class adviser, as they may be of other cohorts, nor where a roll call closes by itself, as
/// what kept it from that is stored.
fn is_named(actor: &Actor) -> bool {
    matches!(actor.scope(), Scope::Provider(_) | Scope::Teacher(..))
}

/// Refuses to end a roll call in which somebody was not called.
fn complete(actor: &Actor, class: &[Member], stored: &[Attendance]) -> Result<(), Error> {
    let called: BTreeSet<EnrollmentId> = stored.iter().map(|attendance| attendance.enrollment_id).collect();
    let missing: Vec<&str> =
        class.iter().filter(|one| !called.contains(&one.person.enrollment_id)).map(|one| one.person.name.as_str()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let detail = format!("still to be called: {} of {}", missing.len(), counted(class.len(), "trainee"));
    let names = if is_named(actor) { format!(": {}", listed(missing)) } else { String::new() };
    Err(Error::conflict("roll_call_incomplete", format!("{detail}{names}")))
}

/// Refuses to end an intake while a session of it was held and its roll call is not closed, or a correction waits to be decided: afterwards
/// nobody could.
///
/// # Errors
/// 409 `roll_calls_open`, with the codes of the sessions; `corrections_waiting`.
pub fn refuse_unclosed(conn: &mut Conn, intake: IntakeId) -> Result<(), Error> {
    corrections::refuse_waiting(conn, intake)?;
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

/// Everybody in a completed intake was decided by these hours. One that was cancelled is corrected still: what was held counts.
fn refuse_completed(conn: &mut Conn, session: &SessionRow) -> Result<(), Error> {
    let intake: IntakeState = intake_rows::table.find(session.intake_id).select(intake_rows::state).first(conn)?;
    if intake == IntakeState::Completed {
        return Err(Error::conflict("intake_not_live", "the intake is completed; its roll calls stay closed"));
    }
    Ok(())
}

fn reopen(conn: &mut Conn, actor: &Actor, session_id: SessionId, change: &Change) -> Result<RollCall, Error> {
    let session = changing(conn, actor, session_id, Action::CloseRollCall)?;
    let before = row(conn, &session)?;
    let state = LIFE_CYCLE.after("the roll call", before.state, RollCallTransition::Reopen, change.reason.as_ref())?;
    refuse_completed(conn, &session)?;
    let changed = RollCallRow {
        state,
        submitted_at: None,
        closed_at: None,
        corrections_until: None,
        reopen_reason: change.reason.clone(),
        version: before.version + 1,
        ..before.clone()
    };
    save(conn, &before, &changed)?;
    // The next closing counts leave as it is then.
    enrollments::settle(conn, actor, session_id, &[UnsettledKind::Leave])?;
    intakes::touch_all(conn, session.intake_id)?;
    actor.record(entry(conn, "roll_call.reopened", &session)?.from(&before).to(&changed).because(change.reason.as_ref().map(Note::as_str)));
    answered(conn, actor, &session, (&before, changed))
}
