//! Where a session would fit: its claims, and those of all around the days asked for, loaded once.

use super::{
    super::model::{SessionId, UNHELD},
    super::placements::{PlacementQuery, Placements, PossibleTime},
    super::plan::Plan,
    check::alternatives,
    find,
    links::whole_one,
};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::Conn,
    error::Error,
    intakes::{self, SessionMode},
};

/// Every time asked for, with what would stand in the way of the session there. Stores nothing.
///
/// # Errors
/// 400 for too many days or times; 409 `session_closed` for a session that is held or cancelled, `session_recorded`
/// for one that occupies nobody, and `intake_not_live`.
pub(in crate::schedule) fn placements(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    id: SessionId,
    query: &PlacementQuery,
) -> Result<Placements, Error> {
    let row = find(conn, actor, id)?;
    actor.may(Action::ReadPlacements)?;
    let intake = intakes::find(conn, actor, row.intake_id)?;
    intake.check_live()?;
    if !UNHELD.contains(&row.state) {
        return Err(Error::conflict("session_closed", format!("session {} is {}", row.code, row.state)));
    }
    if row.mode == SessionMode::Recorded {
        let detail = format!("session {} is recorded: it occupies nobody, and so its window is in nobody's way at any time", row.code);
        return Err(Error::conflict("session_recorded", detail));
    }
    let session = whole_one(conn, row)?;
    let plan = session.plan();
    let times = query.times(intake.time_zone, &plan)?;
    let plans = times.iter().map(|(starts_at, ends_at)| Plan { starts_at: *starts_at, ends_at: *ends_at, ..plan.clone() });
    let found = alternatives(conn, actor, now, &intake, &session, plans.collect())?;
    let times = times.into_iter().zip(found).map(|(time, conflicts)| PossibleTime::of(time, conflicts));
    Ok(Placements { session_id: id, times: times.collect() })
}
