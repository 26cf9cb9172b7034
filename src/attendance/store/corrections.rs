//! The table of correction requests: asked for of closed roll calls, and accepted by correcting these.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use diesel::prelude::*;
use serde_json::{Map, Value};

use super::{
    super::{
        corrections::{
            CorrectionRequest, CorrectionRequestId, CorrectionRow, CorrectionState, CorrectionTransition, LIFE_CYCLE, NewCorrection,
            check_window, corrected, fits_no_more,
        },
        lines::lines,
        model::{Attendance, NewRollCall, Times},
    },
    changing, class, close, put, refuse_completed, reopen, row, stored, zone,
};
use crate::{
    access::{Action, Actor, Scope, taught},
    clock::Instant,
    db::{self, Conn},
    enrollments::{self, EnrollmentId},
    error::{Error, FieldFault},
    http::Change,
    id::Id,
    intakes::{self, IntakeId},
    journal::{self, NewEntry},
    ledger,
    schedule::{self, SessionId, SessionRow},
    schema::{correction_requests, enrollments as enrolled, intakes as intake_rows, sessions},
    text::{Code, Note, counted},
};

/// Until when corrections of a roll call that is closed `now` may be asked for.
pub(super) fn until(conn: &mut Conn, session: &SessionRow, now: Instant) -> Result<Option<Instant>, Error> {
    let days: Option<i32> = intake_rows::table.find(session.intake_id).select(intake_rows::correction_days).first(conn)?;
    Ok(days.map(|days| now.plus(TimeDelta::days(days.into()))))
}

/// The requests in the actor's scope: of the enrollments that they see, an instructor's of the own sessions. A macro, as a boxed query that is
/// joined has a type that nobody wants to write.
macro_rules! seen {
    ($actor:expr) => {{
        let joined = enrollments::visible($actor)
            .inner_join(correction_requests::table.on(correction_requests::enrollment_id.eq(enrolled::id)))
            .select(CorrectionRow::as_select());
        match $actor.scope() {
            Scope::Teacher(person, provider) => joined.filter(correction_requests::session_id.eq_any(taught(person, provider))),
            _ => joined,
        }
    }};
}

/// The requests of an intake after `cursor`, by id.
pub(in crate::attendance) fn list(
    conn: &mut Conn,
    actor: &Actor,
    intake: IntakeId,
    (state, code): (Option<CorrectionState>, Option<Code>),
    (cursor, limit): (Option<CorrectionRequestId>, i64),
) -> Result<Vec<CorrectionRequest>, Error> {
    intakes::find(conn, actor, intake)?;
    actor.may(Action::ReadCorrections)?;
    let mut query = seen!(actor).filter(correction_requests::intake_id.eq(intake)).order(correction_requests::id).limit(limit);
    if let Some(state) = state {
        query = query.filter(correction_requests::state.eq(state));
    }
    if let Some(code) = code {
        let called = sessions::table.filter(sessions::intake_id.eq(intake)).filter(sessions::code.eq(code)).select(sessions::id);
        query = query.filter(correction_requests::session_id.eq_any(called));
    }
    if let Some(cursor) = cursor {
        query = query.filter(correction_requests::id.gt(cursor));
    }
    let rows: Vec<CorrectionRow> = query.load(conn)?;
    Ok(rows.into_iter().map(|row| shown(actor, row)).collect())
}

/// One request, if the actor sees it.
pub(in crate::attendance) fn read(conn: &mut Conn, actor: &Actor, id: CorrectionRequestId) -> Result<CorrectionRequest, Error> {
    let row = find(conn, actor, id)?;
    actor.may(Action::ReadCorrections)?;
    Ok(shown(actor, row))
}

fn find(conn: &mut Conn, actor: &Actor, id: CorrectionRequestId) -> Result<CorrectionRow, Error> {
    Ok(seen!(actor).filter(correction_requests::id.eq(id)).first(conn)?)
}

fn shown(actor: &Actor, row: CorrectionRow) -> CorrectionRequest {
    row.shown_to(actor.role(), actor.user_id())
}

/// Asks for a correction of one line of a closed roll call.
///
/// # Errors
/// 409 `roll_call_not_closed`, `correction_window_over`, `already_asked`, `intake_not_live`; 422 for whoever was not called there, and for
/// minutes that do not fit.
pub(in crate::attendance) fn ask(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    session_id: SessionId,
    new: NewCorrection,
) -> Result<CorrectionRequest, Error> {
    enrollments::check_own(conn, actor, new.enrollment_id)?;
    let session = changing(conn, actor, session_id, Action::AskCorrection)?;
    check_window(&row(conn, &session)?, now, actor.allows(Action::CloseRollCall))?;
    refuse_completed(conn, &session)?;
    refuse_uncalled(conn, actor, session_id, new.enrollment_id)?;
    let line = checked(conn, &session, now, &new)?;
    let open = correction_requests::table
        .filter(correction_requests::session_id.eq(session_id))
        .filter(correction_requests::enrollment_id.eq(new.enrollment_id))
        .filter(correction_requests::state.eq(CorrectionState::Asked));
    if open.count().get_result::<i64>(conn)? > 0 {
        return Err(Error::conflict("already_asked", "a correction of this line has been asked for and waits to be decided"));
    }
    let row = CorrectionRow {
        id: Id::generate(),
        session_id,
        enrollment_id: new.enrollment_id,
        intake_id: session.intake_id,
        code: line.code,
        minutes: line.minutes,
        segments: line.segments,
        statement: new.statement,
        state: CorrectionState::Asked,
        role: actor.role(),
        user_id: actor.user_id(),
        decided_by: None,
        decided_at: None,
        reason: None,
        version: 1,
        created_at: now,
    };
    diesel::insert_into(correction_requests::table).values(&row).execute(conn)?;
    let entry = entry(conn, actor, &row)?;
    actor.record(entry.to(&row).because(Some(row.statement.as_str())));
    Ok(shown(actor, row))
}

/// An entry of the journal about a request that has just come to its state.
fn entry(conn: &mut Conn, actor: &Actor, row: &CorrectionRow) -> Result<NewEntry, Error> {
    let provider = intakes::find(conn, actor, row.intake_id)?.provider_id;
    Ok(NewEntry::of(row.state.action(), "correction_request", row.id).provider(provider).intake(row.intake_id))
}

fn refuse_uncalled(conn: &mut Conn, actor: &Actor, session: SessionId, enrollment: EnrollmentId) -> Result<(), Error> {
    let is_called = stored(conn, session)?.iter().any(|line| line.enrollment_id == enrollment);
    match enrollments::find(conn, actor, enrollment) {
        Ok(_) if is_called => Ok(()),
        Ok(_) | Err(Error::NotFound) => {
            Err(Error::invalid("/enrollment_id", "not_called", "nobody whom you see was called in the session as this enrollment"))
        }
        Err(error) => Err(error),
    }
}

/// The line that is asked for, if a roll call may say it.
fn checked(conn: &mut Conn, session: &SessionRow, now: Instant, new: &NewCorrection) -> Result<Attendance, Error> {
    let class = class(conn, session)?;
    let one = NewRollCall { entries: vec![new.line()] };
    let own = |fault: FieldFault| FieldFault { pointer: fault.pointer.replacen("/entries/0", "", 1), ..fault };
    let lines = lines(&one, session.id, (&class, &[]), Times::of(session), zone(conn, session)?, now).map_err(|error| match error {
        Error::Invalid(faults) => Error::Invalid(faults.into_iter().map(own).collect()),
        error => error,
    })?;
    lines.into_iter().next().ok_or_else(|| Error::internal("a line is lost"))
}

/// What a step asks for: a coordinator decides; whoever asked may withdraw it.
fn action(actor: &Actor, row: &CorrectionRow, verb: CorrectionTransition) -> Action {
    match verb {
        CorrectionTransition::Withdraw if row.is_of(actor.user_id()) => Action::AskCorrection,
        CorrectionTransition::Accept | CorrectionTransition::Refuse | CorrectionTransition::Withdraw => Action::CloseRollCall,
    }
}

/// Accepts, refuses or withdraws a request. Accepting reopens the roll call, puts the line and closes it again: what was posted is taken back
/// and posted anew, all or nothing.
///
/// # Errors
/// 409 `illegal_transition`, also of a roll call that has been reopened since, `correction_does_not_fit`, and what stands in the way of closing
/// it; 422 `reason_missing`.
pub(in crate::attendance) fn transition(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    id: CorrectionRequestId,
    verb: CorrectionTransition,
    change: Change,
) -> Result<CorrectionRequest, Error> {
    let found = find(conn, actor, id)?;
    actor.may(action(actor, &found, verb))?;
    if verb == CorrectionTransition::Accept {
        ledger::hold(conn, found.intake_id)?
    } else {
        db::lock(conn, "intake", found.intake_id)?
    }
    // Read again: it may have been decided while this one waited.
    let before = if db::waits(conn) { find(conn, actor, id)? } else { found };
    let state = LIFE_CYCLE.after("the correction request", before.state, verb, change.reason.as_ref())?;
    if verb == CorrectionTransition::Accept {
        correct(conn, actor, now, &before, change.reason.as_ref()).map_err(fits_no_more)?;
    }
    let after = CorrectionRow {
        state,
        decided_by: actor.user_id(),
        decided_at: Some(now),
        reason: change.reason,
        version: before.version + 1,
        ..before.clone()
    };
    let own = correction_requests::table.filter(correction_requests::id.eq(id)).filter(correction_requests::version.eq(before.version));
    let decided = (
        correction_requests::state.eq(state),
        correction_requests::decided_by.eq(after.decided_by),
        correction_requests::decided_at.eq(after.decided_at),
        correction_requests::reason.eq(&after.reason),
        correction_requests::version.eq(after.version),
    );
    if diesel::update(own).set(decided).execute(conn)? == 0 {
        return Err(Error::Stale);
    }
    let entry = entry(conn, actor, &after)?;
    actor.record(entry.from(&before).to(&after).because(after.reason.as_ref().map(Note::as_str)));
    Ok(shown(actor, after))
}

fn correct(conn: &mut Conn, actor: &Actor, now: Instant, row: &CorrectionRow, reason: Option<&Note>) -> Result<(), Error> {
    // Not the statement: the reason is told to whoever else the closing concerns, and to whoever calls the roll.
    let asked = || format!("as asked for in the correction request {}", row.id).parse().map_err(Error::internal);
    let change = Change { reason: Some(reason.cloned().map_or_else(asked, Ok)?) };
    reopen(conn, actor, row.session_id, &change).map_err(|error| match error.code() {
        "illegal_transition" => Error::conflict("illegal_transition", "the roll call has been reopened; close it first, then accept"),
        _ => error,
    })?;
    let session = schedule::find(conn, actor, row.session_id)?;
    let class: BTreeSet<EnrollmentId> = class(conn, &session)?.iter().map(|one| one.person.enrollment_id).collect();
    // The closing takes out the others.
    let stored: Vec<Attendance> = stored(conn, row.session_id)?.into_iter().filter(|line| class.contains(&line.enrollment_id)).collect();
    if !stored.iter().any(|line| line.enrollment_id == row.enrollment_id) {
        return Err(Error::conflict("not_called", "this enrollment is not called in the session any more; refuse the request"));
    }
    put(conn, actor, now, None, row.session_id, &NewRollCall { entries: corrected(stored, row) })?;
    close(conn, actor, now, row.session_id, &change).map(drop)
}

/// Refuses to go on while corrections wait to be decided in an intake.
pub(super) fn refuse_waiting(conn: &mut Conn, intake: IntakeId) -> Result<(), Error> {
    let of_intake = correction_requests::table.filter(correction_requests::intake_id.eq(intake));
    let waiting: i64 = of_intake.filter(correction_requests::state.eq(CorrectionState::Asked)).count().get_result(conn)?;
    if waiting == 0 {
        return Ok(());
    }
    Err(Error::conflict("corrections_waiting", format!("accept, refuse or withdraw {} first", counted(waiting, "correction request"))))
}

/// Requests in one look.
const PAGE: i64 = 500;

/// The entries of the journal that say all of a request, as it stood from then on.
const WHOLE: [&str; 4] = ["correction.asked", "correction.accepted", "correction.refused", "correction.withdrawn"];

/// Holds each correction request against the journal's last word about it.
pub fn verify(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let requests = |conn: &mut Conn, after: CorrectionRequestId| {
        let after = correction_requests::table.filter(correction_requests::id.gt(after)).order(correction_requests::id).limit(PAGE);
        after.select((correction_requests::id, CorrectionRow::as_select())).load(conn)
    };
    db::in_pages(
        conn,
        requests,
        |(id, _)| *id,
        |conn, page: Vec<(CorrectionRequestId, CorrectionRow)>| {
            let unlike = journal::unlike::<Map<String, Value>, _>(conn, &page, &WHOLE)?;
            Ok(unlike.into_iter().map(|(id, how)| format!("corrections: request {id} {how}")).collect())
        },
    )
}
