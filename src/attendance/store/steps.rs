//! Who submitted and closed a roll call, and when it closes by itself.

use chrono::TimeDelta;
use diesel::prelude::*;

use super::super::model::{RollCallRow, RollCallState, Steps};
use crate::{
    access::Actor,
    clock::Instant,
    db::Conn,
    error::Error,
    schema::{intakes, journal_entries, users},
};

/// The steps after which a roll call stands as it does: the two last say who submitted and who closed it.
const TAKEN: [&str; 3] = ["roll_call.submitted", "roll_call.closed", "roll_call.reopened"];

/// What is told of the steps of a roll call that the actor has made `row` of `before`, or only read. Of what they did themselves just now
/// the journal says nothing yet.
pub(super) fn told(conn: &mut Conn, actor: &Actor, before: &RollCallRow, row: &RollCallRow) -> Result<Steps, Error> {
    let takes_step = (before.submitted_at, before.closed_at) != (row.submitted_at, row.closed_at);
    let own: Option<String> = match actor.user_id().filter(|_| takes_step) {
        Some(user) => Some(users::table.find(user).select(users::name).first(conn)?),
        None => None,
    };
    let journaled = journaled(conn, before)?;
    let by = |at: fn(&RollCallRow) -> Option<Instant>, journaled: Option<String>| match at(row) {
        None => None,
        same if same == at(before) => journaled,
        Some(_) => own.clone(),
    };
    Ok(Steps {
        submitted_by: by(|row| row.submitted_at, journaled.submitted_by),
        closed_by: by(|row| row.closed_at, journaled.closed_by),
        closes_at: closes_at(conn, row)?,
    })
}

/// Whoever closes what nobody submitted does both.
fn journaled(conn: &mut Conn, row: &RollCallRow) -> Result<Steps, Error> {
    if row.submitted_at.is_none() {
        return Ok(Steps::default());
    }
    let last: Vec<(String, Option<String>)> = journal_entries::table
        .left_join(users::table.on(users::id.nullable().eq(journal_entries::user_id)))
        .filter(journal_entries::subject_id.eq(row.session_id))
        .filter(journal_entries::action.eq_any(TAKEN))
        .order(journal_entries::seq.desc())
        .limit(2)
        .select((journal_entries::action, users::name.nullable()))
        .load(conn)?;
    let mut last = last.into_iter();
    let (_, latest) = last.next().unwrap_or_default();
    if row.closed_at.is_none() {
        return Ok(Steps { submitted_by: latest, ..Steps::default() });
    }
    let submitted = last.next().filter(|(action, _)| action == "roll_call.submitted");
    let submitted_by = submitted.map_or_else(|| latest.clone(), |(_, name)| name);
    Ok(Steps { submitted_by, closed_by: latest, closes_at: None })
}

fn closes_at(conn: &mut Conn, row: &RollCallRow) -> Result<Option<Instant>, Error> {
    let Some(submitted_at) = row.submitted_at.filter(|_| row.state == RollCallState::Submitted) else { return Ok(None) };
    let hours: Option<i32> = intakes::table.find(row.intake_id).select(intakes::close_after_hours).first(conn)?;
    Ok(hours.map(|hours| submitted_at.plus(TimeDelta::hours(hours.into()))))
}
