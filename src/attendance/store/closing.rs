//! Closing a roll call: what was found becomes hours.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::{
        absence::covered,
        evidence,
        guests::Member,
        lines::apart,
        model::{Attendance, LIFE_CYCLE, RollCall, RollCallRow, RollCallState, RollCallTransition, Times},
        tally::split,
    },
    changing, class, complete, corrections, entry, guests,
    lines::{Lines, compare, delete, replace, stored},
    meanwhile::refuse_twice,
    refuse_uncalled, row, save, shown, steps,
};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::Conn,
    enrollments::{self, EnrollmentId, UnsettledKind},
    error::Error,
    http::Change,
    intakes,
    leave::GrantedLeave,
    ledger::{self, Closing, Tally},
    schedule::{SessionId, SessionRow},
    text::Note,
};

/// Closes a roll call: posts, for each enrollment expected in it, entries that add up to the session's minutes.
///
/// Lines of whoever owes the session no more, having left before it as was told after the roll was called, are taken out and kept in the
/// journal: a closed roll call says who owed it.
///
/// # Errors
/// 409 `session_not_held`, `roll_call_incomplete`, `illegal_transition`, `minutes_do_not_fit` where the session turned out shorter than
/// somebody's minutes, and `attended_elsewhere` where another one counted them already.
pub fn close(conn: &mut Conn, actor: &Actor, now: Instant, session_id: SessionId, change: &Change) -> Result<RollCall, Error> {
    let session = changing(conn, actor, session_id, Action::CloseRollCall)?;
    let before = row(conn, &session)?;
    let state = after_closing(&before)?;
    let whole = held_minutes(&session)?;
    let class = class(conn, &session)?;
    let (stored, strangers) = apart(&class, stored(conn, session_id)?);
    complete(actor, &class, &stored)?;
    let lines = as_held(&session, &class, stored);
    replace(conn, session_id, &lines)?;
    delete(conn, session_id, &strangers)?;
    let stored = lines.now;
    let guests: BTreeSet<EnrollmentId> = class.iter().filter(|one| one.is_guest()).map(|one| one.person.enrollment_id).collect();
    // A guest's line has to fit as well, and what it comes to is posted of the session that is made up.
    let mut tallies = stored.iter().map(|line| tally(line, whole)).collect::<Result<Vec<Tally>, Error>>()?;
    tallies.retain(|tally| !guests.contains(&tally.enrollment_id));
    let gone = guests::remove_strangers(conn, session_id, &guests)?;
    refuse_twice(conn, actor, &session)?;
    let number = before.closings + 1;
    let act = entry(conn, "roll_call.closed", &session)?;
    let closing = Closing { act: act.id(), session_id, module_id: session.module_id, number };
    let reason = change.reason.as_ref().or(before.reopen_reason.as_ref());
    let posted = ledger::post_closing(conn, actor, now, closing, &tallies, reason)?;
    let changed = RollCallRow {
        state,
        closings: number,
        posted_starts_at: Some(session.begins_at()),
        posted_ends_at: Some(session.finishes_at()),
        posted_minutes: Some(whole),
        submitted_at: before.submitted_at.or(Some(now)),
        closed_at: Some(now),
        corrections_until: corrections::until(conn, &session, now)?,
        version: before.version + 1,
        ..before.clone()
    };
    save(conn, &before, &changed)?;
    enrollments::settle(conn, actor, session_id, UnsettledKind::ALL)?;
    // The open sessions and the open minutes of the cohorts change for everybody.
    intakes::touch_all(conn, session.intake_id)?;
    let was = serde_json::json!({ "roll_call": before, "taken_out": strangers, "guests_taken_out": gone, "as_called": lines.gone });
    let facts =
        serde_json::json!({ "as_held": lines.fresh, "guests": guests, "closing": number, "entries_posted": posted, "roll_call": changed });
    actor.record(act.from(&was).to(&facts).because(reason.map(Note::as_str)));
    let steps = steps::told(conn, actor, &before, &changed)?;
    Ok(shown(&session, (changed, steps), class, &stored))
}

/// The state of this roll call once it is closed.
pub(super) fn after_closing(roll_call: &RollCallRow) -> Result<RollCallState, Error> {
    refuse_uncalled(roll_call.state)?;
    LIFE_CYCLE.after("the roll call", roll_call.state, RollCallTransition::Close, None)
}

/// The minutes of the session as it was held.
pub(super) fn held_minutes(session: &SessionRow) -> Result<i32, Error> {
    session.held_minutes.ok_or_else(|| Error::conflict("session_not_held", "confirm the session as held first"))
}

/// The lines with what their segments come to in the session as it was held, and with those that were missed within leave; until
/// then that was not known. Guests owe nothing here, so that leave has nothing to cover.
pub(super) fn as_held(session: &SessionRow, class: &[Member], stored: Vec<Attendance>) -> Lines {
    let times = Times::of(session);
    let leave: BTreeMap<EnrollmentId, &[GrantedLeave]> =
        class.iter().filter(|one| !one.is_guest()).map(|one| (one.person.enrollment_id, one.leave.as_slice())).collect();
    let as_held = |line: &Attendance| {
        let line = match &line.segments {
            None => line.clone(),
            Some(segments) => {
                let code = if line.code.is_excused() { line.code } else { evidence::code(segments, times) };
                Attendance { code, minutes: Some(times.within(segments)), ..line.clone() }
            }
        };
        let leave_minutes = leave.get(&line.enrollment_id).map(|leave| covered(times, &line, leave)).filter(|minutes| *minutes > 0);
        Attendance { leave_minutes, ..line }
    };
    let held = stored.iter().map(as_held).collect();
    compare(&stored, held)
}

/// The session may have turned out shorter than planned after its roll was called.
pub(super) fn tally(attendance: &Attendance, whole: i32) -> Result<Tally, Error> {
    let entries = split(attendance.code, attendance.minutes, whole, attendance.leave_minutes.unwrap_or(0)).map_err(|(_, detail)| {
        Error::conflict("minutes_do_not_fit", format!("the attendance of enrollment {} does not fit: {detail}", attendance.enrollment_id))
    })?;
    Ok(Tally { enrollment_id: attendance.enrollment_id, entries })
}
