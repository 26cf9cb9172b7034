//! Roll calls that close by themselves.

use chrono::TimeDelta;
use diesel::prelude::*;

use super::{
    super::model::{CloseRefused, RollCallRow, RollCallState},
    close, entry, row,
};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::Conn,
    error::Error,
    http::Change,
    ledger,
    schedule::{self, SessionId, SessionRow},
    schema::{intakes, roll_calls},
    text::counted,
};

/// Characters of a refusal that are kept.
const MOST_DETAIL: usize = 2000;

/// The roll calls that were submitted so long before `by` that their intake lets them wait no longer, the longest first.
pub fn due(conn: &mut Conn, actor: &Actor, by: Instant) -> Result<Vec<SessionId>, Error> {
    actor.may(Action::CloseRollCall)?;
    let waiting: Vec<(SessionId, Option<Instant>, i32)> = roll_calls::table
        .inner_join(intakes::table.on(intakes::id.eq(roll_calls::intake_id)))
        .filter(roll_calls::state.eq(RollCallState::Submitted))
        .filter(intakes::close_after_hours.is_not_null())
        .order((roll_calls::submitted_at, roll_calls::session_id))
        .select((roll_calls::session_id, roll_calls::submitted_at, intakes::close_after_hours.assume_not_null()))
        .load(conn)?;
    let is_due = |(_, submitted_at, hours): &(SessionId, Option<Instant>, i32)| {
        submitted_at.is_some_and(|at| at.plus(TimeDelta::hours((*hours).into())) <= by)
    };
    Ok(waiting.into_iter().filter(is_due).map(|(session, ..)| session).collect())
}

/// Closes a roll call that was [`due`], unless somebody did so, changed it or lets it wait longer by now. A correction keeps the reason for
/// which the roll call was opened again.
///
/// # Errors
/// Those of closing it: then it waits for a coordinator, who is told of it with [`keep_refusal`].
pub fn close_due(conn: &mut Conn, actor: &Actor, (now, by): (Instant, Instant), session_id: SessionId) -> Result<(), Error> {
    let Some((_, roll_call, hours)) = still_due(conn, actor, by, session_id)? else { return Ok(()) };
    let by_itself = format!("closed by itself, {} after it was submitted", counted(hours, "hour"));
    let reason = roll_call.reopen_reason.map_or_else(|| by_itself.parse().map_err(Error::internal), Ok)?;
    let change = Change { reason: Some(reason) };
    close(conn, actor, now, session_id, &change).map(drop)
}

/// The session, its roll call and after how many hours this closes by itself, if it is due by then. Nobody else changes it meanwhile.
fn still_due(conn: &mut Conn, actor: &Actor, by: Instant, id: SessionId) -> Result<Option<(SessionRow, RollCallRow, i32)>, Error> {
    let session = schedule::find(conn, actor, id)?;
    actor.may(Action::CloseRollCall)?;
    ledger::hold(conn, session.intake_id)?;
    let hours: Option<i32> = intakes::table.find(session.intake_id).select(intakes::close_after_hours).first(conn)?;
    let roll_call = row(conn, &session)?;
    let is_due = |hours: &i32| {
        let due_at = roll_call.submitted_at.map(|at| at.plus(TimeDelta::hours((*hours).into())));
        roll_call.state == RollCallState::Submitted && due_at.is_some_and(|at| at <= by)
    };
    Ok(hours.filter(is_due).map(|hours| (session, roll_call, hours)))
}

/// Keeps why a roll call that is due was not closed, for whoever lists what is open, until it changes. The same refusal once more is no
/// news; nor is one that passes or is our fault, after which it is tried again.
pub fn keep_refusal(
    conn: &mut Conn,
    actor: &Actor,
    (now, by): (Instant, Instant),
    session_id: SessionId,
    refusal: &Error,
) -> Result<(), Error> {
    let (Error::Conflict { code, .. } | Error::Blocked { code, .. }) = refusal else { return Ok(()) };
    let Some((session, ..)) = still_due(conn, actor, by, session_id)? else { return Ok(()) };
    let detail: String = refusal.to_string().chars().take(MOST_DETAIL).collect();
    let own = roll_calls::table.filter(roll_calls::session_id.eq(session_id));
    let refused = CloseRefused { code: (*code).to_owned(), detail: Some(detail), at: now };
    let (code, detail): (Option<String>, Option<String>) =
        own.select((roll_calls::close_refused_code, roll_calls::close_refused_detail)).first(conn)?;
    if code.as_ref() == Some(&refused.code) && detail == refused.detail {
        return Ok(());
    }
    let columns = (
        roll_calls::close_refused_code.eq(&refused.code),
        roll_calls::close_refused_detail.eq(&refused.detail),
        roll_calls::close_refused_at.eq(now),
    );
    diesel::update(own).set(columns).execute(conn)?;
    actor.record(entry(conn, "roll_call.close_refused", &session)?.to(&refused));
    Ok(())
}
