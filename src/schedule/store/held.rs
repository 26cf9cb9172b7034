//! How a session was held: confirmed once it is over, and corrected until its roll call is closed.

use std::collections::HashMap;

use diesel::prelude::*;

use super::{
    super::candidates::Candidate,
    super::model::{Session, SessionId, SessionRow, SessionState},
    super::plan::{NewHold, Plan},
    super::rules::{Days, added, check_instructors, minutes},
    check::refuse_conflicts,
    find,
    links::{self, whole_one},
    read, save, told,
};
use crate::{
    access::{Action, Actor, Role, Scope},
    attendance::RollCallState,
    clock::Instant,
    db::{self, CHUNK, Conn},
    enrollments::{self, EnrollmentId},
    error::{Error, FieldFault},
    http::{Caller, ETag},
    intakes::{self, Intake, SessionMode},
    journal::NewEntry,
    people::PersonId,
    schema::{guests, journal_entries, roll_calls, sessions, users},
    text::Note,
};

/// Confirms a session as held, as planned or as `new` says: its actual times and breaks and who taught. From then on it occupies its
/// people at these times; the instructors' titles are pinned.
///
/// # Errors
/// 403 for an instructor who does not lead it; 409 `intake_not_open`, `opening_not_approved`, `session_not_over` before its end,
/// `session_conflict` if somebody was elsewhere at the actual times, `illegal_transition`; 422 if anything differs from the plan without a
/// reason.
pub fn hold(conn: &mut Conn, actor: &Actor, now: Instant, id: SessionId, new: NewHold) -> Result<Session, Error> {
    let (intake, stored) = led(conn, actor, id)?;
    intake.check_opened()?;
    if stored.row.state == SessionState::Held {
        let detail = format!(
            "session {} was confirmed as held before; what was said wrongly is corrected with PATCH /sessions/{{id}}/hold",
            stored.row.code
        );
        return Err(Error::conflict("illegal_transition", detail));
    }
    let state = stored.row.after("hold", None)?;
    let plan = stored.plan();
    let taught = Taught::of(&intake, now, &plan, new)?;
    if taught.actual != plan {
        refuse_elsewhere(conn, actor, &intake, id, (&plan, &taught))?;
        take_actual(conn, &intake, id, (&plan, &taught))?;
    }
    let row = save(conn, now, &stored.row, SessionRow { state, ..taught.written_over(&stored.row) })?;
    confirmed(conn, actor, &intake, "session.held", &stored, (row, taught.actual.instructor_ids))
}

/// Corrects how a session was held, under `If-Match`: what `change` leaves out stays as it was confirmed. Its roll call is not closed; what an
/// earlier closing posted stands until the next one, and whoever owes it, or owes it no more, by the corrected times is listed as unsettled.
///
/// # Errors
/// 403 for an instructor who does not lead it; 409 `illegal_transition`, `session_not_over`, `session_conflict`, `roll_call_closed`; 422
/// `reason_missing` if anything differs from what was confirmed without a reason.
pub(in crate::schedule) fn correct(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    caller: &Caller,
    id: SessionId,
    change: NewHold,
) -> Result<Session, Error> {
    let (intake, stored) = led(conn, actor, id)?;
    if stored.row.state != SessionState::Held {
        stored.row.after("correct", None)?;
    }
    let before = Plan {
        starts_at: stored.row.begins_at(),
        ends_at: stored.row.finishes_at(),
        break_minutes: stored.row.held_break_minutes.unwrap_or(stored.row.break_minutes),
        ..stored.plan()
    };
    let explains = change.difference_reason.is_some() && change.difference_reason != stored.row.difference_reason;
    let taught = Taught::of(&intake, now, &before, change)?;
    let alters = taught.actual != before || explains;
    caller.check_if_match(&ETag::version(stored.row.version), alters)?;
    if !alters {
        return told(conn, actor, id);
    }
    let roll_call = roll_calls::table.find(id).filter(roll_calls::state.eq(RollCallState::Closed));
    if diesel::select(diesel::dsl::exists(roll_call)).get_result(conn)? {
        return Err(Error::conflict(
            "roll_call_closed",
            format!("the roll call of session {} is closed; reopen it first", stored.row.code),
        ));
    }
    let state = stored.row.after("correct", taught.difference_reason.as_ref())?;
    refuse_elsewhere(conn, actor, &intake, id, (&before, &taught))?;
    let replanned = [(id, &before, &taught.actual)];
    links::remove_left(conn, &replanned)?;
    let row = save(conn, now, &stored.row, SessionRow { state, ..taught.written_over(&stored.row) })?;
    links::insert_joined(conn, intake.id, &replanned)?;
    // Whoever taught it as was said before keeps the title that was pinned, unless it was on another day.
    let day = |at: Instant| intake.time_zone.date(at);
    let is_new = |person: &PersonId| day(row.begins_at()) != day(before.starts_at) || !before.instructor_ids.contains(person);
    let renamed = taught.actual.instructor_ids.iter().copied().filter(is_new).collect();
    let mut concerned = enrollments::ever_in(conn, &stored.cohort_ids)?;
    // A guest is of no such cohort, and was to be enrolled when it was held.
    concerned.extend(guests::table.filter(guests::session_id.eq(id)).select(guests::enrollment_id).load::<EnrollmentId>(conn)?);
    enrollments::find_unsettled(conn, intake.id, &concerned)?;
    confirmed(conn, actor, &intake, "session.hold_corrected", &stored, (row, renamed))
}

/// A session whose confirmation the actor decides, and its intake, locked: nobody else changes either meanwhile.
fn led(conn: &mut Conn, actor: &Actor, id: SessionId) -> Result<(Intake, Session), Error> {
    let intake_id = find(conn, actor, id)?.intake_id;
    actor.may(Action::HoldSession)?;
    db::lock(conn, "intake", intake_id)?;
    db::lock_row(conn, "SELECT 1 FROM sessions WHERE id = ? FOR NO KEY UPDATE", id)?;
    // Only now, for who leads may have changed while this one waited.
    let stored = read(conn, actor, id)?;
    refuse_unless_leading(actor, &stored)?;
    Ok((intakes::find(conn, actor, intake_id)?, stored))
}

/// How a session was taught: when, for how long, by whom, and why otherwise than it was to be.
struct Taught {
    actual: Plan,
    minutes: i32,
    difference_reason: Option<Note>,
}

impl Taught {
    /// What `new` makes of what stands.
    fn of(intake: &Intake, now: Instant, standing: &Plan, new: NewHold) -> Result<Self, Error> {
        let actual = new.apply(standing, intake.time_zone).map_err(Error::Invalid)?;
        let minutes = check_hold(&new, standing, &actual)?;
        if now < actual.ends_at {
            let ends_at = intake.time_zone.told(actual.ends_at);
            let detail = format!("session {} ends at {ends_at}; it is confirmed once it is over", standing.code);
            return Err(Error::conflict("session_not_over", detail));
        }
        Ok(Self { actual, minutes, difference_reason: new.difference_reason })
    }

    /// The row with it. Whoever subscribed to the session sees other times from now on, if they differ.
    fn written_over(&self, stored: &SessionRow) -> SessionRow {
        let moves = (self.actual.starts_at, self.actual.ends_at) != (stored.begins_at(), stored.finishes_at());
        SessionRow {
            held_starts_at: Some(self.actual.starts_at),
            held_ends_at: Some(self.actual.ends_at),
            held_break_minutes: Some(self.actual.break_minutes),
            held_minutes: Some(self.minutes),
            difference_reason: self.difference_reason.clone(),
            sequence: stored.sequence + i32::from(moves),
            ..stored.clone()
        }
    }
}

/// Pins the titles of these instructors, and tells the journal.
fn confirmed(
    conn: &mut Conn,
    actor: &Actor,
    intake: &Intake,
    action: &'static str,
    stored: &Session,
    (row, titled): (SessionRow, Vec<PersonId>),
) -> Result<Session, Error> {
    links::pin_titles(conn, intake, row.id, (&titled, intake.time_zone.date(row.begins_at())))?;
    intakes::touch_all(conn, intake.id)?;
    let mut held = whole_one(conn, row)?;
    let entry = NewEntry::of(action, "session", held.row.id).provider(intake.provider_id).intake(intake.id);
    actor.record(entry.from(stored).to(&held).because(held.row.difference_reason.as_ref().map(Note::as_str)));
    // The journal has the user itself.
    if let (Some(held), Some(user)) = (&mut held.held, actor.user_id()) {
        held.confirmed_by = Some(users::table.find(user).select(users::name).first(conn)?);
    }
    Ok(held)
}

/// Says of sessions that were held who confirmed it last, to those who are told who posts hours too.
pub(super) fn tell_confirmed(conn: &mut Conn, actor: &Actor, mut sessions: Vec<Session>) -> Result<Vec<Session>, Error> {
    if matches!(actor.role(), Role::Partner | Role::Trainee) {
        return Ok(sessions);
    }
    let held: Vec<SessionId> = sessions.iter().filter(|session| session.held.is_some()).map(|session| session.row.id).collect();
    let mut confirmed: HashMap<SessionId, Option<String>> = HashMap::new();
    for chunk in held.chunks(CHUNK) {
        let told: Vec<(SessionId, Option<String>)> = journal_entries::table
            .left_join(users::table.on(users::id.nullable().eq(journal_entries::user_id)))
            .filter(journal_entries::subject_id.eq_any(chunk.to_vec()))
            .filter(journal_entries::action.eq_any(["session.held", "session.hold_corrected"]))
            .order(journal_entries::seq)
            .select((journal_entries::subject_id, users::name.nullable()))
            .load(conn)?;
        confirmed.extend(told);
    }
    for session in &mut sessions {
        if let Some(held) = &mut session.held {
            held.confirmed_by = confirmed.remove(&session.row.id).flatten();
        }
    }
    Ok(sessions)
}

/// Who taught or learnt longer, or instead of another, was nowhere else.
fn refuse_elsewhere(
    conn: &mut Conn,
    actor: &Actor,
    intake: &Intake,
    id: SessionId,
    (standing, taught): (&Plan, &Taught),
) -> Result<(), Error> {
    Error::unless_valid(Days::of_intake(intake).check(&taught.actual))?;
    links::find_instructors(conn, actor, added(&standing.instructor_ids, &taught.actual.instructor_ids).into_iter().collect())?;
    refuse_conflicts(conn, actor, intake, vec![Candidate::held(id, taught.actual.clone(), taught.minutes)])
}

/// Gives a session, published until then, to those who actually taught it, for the time at which they did.
fn take_actual(
    conn: &mut Conn,
    intake: &Intake,
    id: SessionId,
    (plan, Taught { actual, minutes, .. }): (&Plan, &Taught),
) -> Result<(), Error> {
    if actual.instructor_ids == plan.instructor_ids {
        return Ok(());
    }
    // Whoever stepped in is claimed for the time of the row: for the actual one, and not for the planned one, when they may have taught
    // elsewhere. The plan comes back when the row is held.
    diesel::update(sessions::table.find(id))
        .set((
            sessions::starts_at.eq(actual.starts_at),
            sessions::ends_at.eq(actual.ends_at),
            sessions::break_minutes.eq(actual.break_minutes),
            sessions::minutes.eq(*minutes),
        ))
        .execute(conn)?;
    links::remove_left(conn, &[(id, plan, actual)])?;
    links::insert_joined(conn, intake.id, &[(id, plan, actual)])
}

/// An instructor confirms the sessions they lead, and no others.
fn refuse_unless_leading(actor: &Actor, session: &Session) -> Result<(), Error> {
    let Scope::Teacher(person, _) = actor.scope() else {
        return Ok(());
    };
    let leads = session.instructors.iter().any(|instructor| instructor.lead && instructor.id == person);
    if leads { Ok(()) } else { Err(Error::Forbidden("only who leads a session confirms it as held".to_owned())) }
}

/// The minutes of a session as it was taught.
fn check_hold(new: &NewHold, plan: &Plan, actual: &Plan) -> Result<i32, Error> {
    let mut faults = check_instructors(&actual.instructor_ids);
    let minutes = minutes(actual).unwrap_or_else(|fault| {
        faults.push(fault);
        0
    });
    if plan.mode == SessionMode::Recorded && (plan.starts_at, plan.ends_at) != (actual.starts_at, actual.ends_at) {
        let pointer = if plan.ends_at == actual.ends_at { "/starts_at" } else { "/ends_at" };
        faults.push(FieldFault::new(pointer, "window_fixed", "the window of a recorded session is moved before it is over, or not at all"));
    }
    if actual.instructor_ids.is_empty() && !plan.instructor_ids.is_empty() {
        faults.push(FieldFault::new("/instructor_ids", "instructor_missing", "somebody taught it; name them, or cancel the session"));
    }
    if actual != plan && new.difference_reason.is_none() {
        faults.push(FieldFault::new(
            "/difference_reason",
            "reason_missing",
            "what differs from the plan, or from what was confirmed before, needs a reason",
        ));
    }
    Error::unless_valid(faults).map(|()| minutes)
}
