//! Roll calls that close by themselves.

use chrono::TimeDelta;
use diesel::prelude::*;

use super::{super::model::RollCallState, close, row};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::Conn,
    error::Error,
    http::Change,
    ledger,
    schedule::{self, SessionId},
    schema::{intakes, roll_calls},
    text::counted,
};

/// The roll calls that were submitted longer ago than their intake lets them wait, the longest first.
pub fn due(conn: &mut Conn, actor: &Actor, now: Instant) -> Result<Vec<SessionId>, Error> {
    actor.may(Action::CloseRollCall)?;
    let waiting: Vec<(SessionId, Option<Instant>, i32)> = roll_calls::table
        .inner_join(intakes::table.on(intakes::id.eq(roll_calls::intake_id)))
        .filter(roll_calls::state.eq(RollCallState::Submitted))
        .filter(intakes::close_after_hours.is_not_null())
        .order((roll_calls::submitted_at, roll_calls::session_id))
        .select((roll_calls::session_id, roll_calls::submitted_at, intakes::close_after_hours.assume_not_null()))
        .load(conn)?;
    let is_due = |(_, submitted_at, hours): &(SessionId, Option<Instant>, i32)| {
        submitted_at.is_some_and(|at| at.plus(TimeDelta::hours((*hours).into())) <= now)
    };
    Ok(waiting.into_iter().filter(is_due).map(|(session, ..)| session).collect())
}

/// Closes a roll call that was [`due`], unless somebody did so, changed it or lets it wait longer by now. A correction keeps the reason for
/// which the roll call was opened again.
///
/// # Errors
/// Those of closing it: then it waits for a coordinator.
pub fn close_due(conn: &mut Conn, actor: &Actor, now: Instant, session_id: SessionId) -> Result<(), Error> {
    let session = schedule::find(conn, actor, session_id)?;
    ledger::hold(conn, session.intake_id)?;
    let hours: Option<i32> = intakes::table.find(session.intake_id).select(intakes::close_after_hours).first(conn)?;
    let Some(hours) = hours else { return Ok(()) };
    let delay = TimeDelta::hours(hours.into());
    let roll_call = row(conn, &session)?;
    let is_due = roll_call.state == RollCallState::Submitted && roll_call.submitted_at.is_some_and(|at| at.plus(delay) <= now);
    if !is_due {
        return Ok(());
    }
    let by_itself = format!("closed by itself, {} after it was submitted", counted(hours, "hour"));
    let reason = roll_call.reopen_reason.map_or_else(|| by_itself.parse().map_err(Error::internal), Ok)?;
    let change = Change { reason: Some(reason) };
    close(conn, actor, now, session_id, &change).map(drop)
}
