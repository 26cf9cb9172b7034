//! What a closing of a roll call would be refused for.

use std::collections::BTreeMap;

use super::{
    super::{
        explain::{ClosingExplanation, ClosingObstacle},
        guests::Member,
        lines::apart,
        model::{Attendance, RollCallState},
        tally::split,
    },
    called_by, class,
    closing::{as_held, closed, minutes},
    complete,
    lines::stored,
    meanwhile::{Twice, elsewhere},
    row, zone,
};
use crate::{
    access::{Action, Actor},
    db::Conn,
    enrollments::EnrollmentId,
    error::Error,
    ledger::Amount,
    people::PersonId,
    schedule::{self, SessionId, SessionRow},
};

/// Whether the roll call of a session can be closed as it was called, and if not, why: what [`super::close`] asks, in its order.
pub(in crate::attendance) fn explain(conn: &mut Conn, actor: &Actor, session_id: SessionId) -> Result<ClosingExplanation, Error> {
    let session = schedule::find(conn, actor, session_id)?;
    actor.may(Action::ReadRollCall)?;
    let row = row(conn, &session)?;
    let explained = |obstacles| ClosingExplanation::new(session_id, row.state, obstacles);
    if row.state == RollCallState::Closed {
        return Ok(explained(Vec::new()));
    }
    let class = class(conn, &session)?;
    let (lines, _) = apart(&class, stored(conn, session_id)?);
    let seen: BTreeMap<PersonId, EnrollmentId> =
        called_by(conn, actor, &session)?.iter().map(|one| (one.person.trainee_id, one.person.enrollment_id)).collect();
    let mut obstacles = Vec::new();
    obstacles.extend(ClosingObstacle::refused(closed(&row))?);
    obstacles.extend(ClosingObstacle::refused(minutes(&session))?);
    obstacles.extend(ClosingObstacle::refused(complete(actor, &class, &lines))?);
    if let Some(whole) = session.held_minutes {
        let is_seen = |id: &EnrollmentId| seen.values().any(|seen| seen == id);
        obstacles.extend(unfit(&session, &class, lines, whole, is_seen));
        let zone = zone(conn, &session)?;
        let twice = elsewhere(conn, &session)?;
        obstacles.extend(twice.iter().map(|twice| counted_twice(twice, &twice.other.told(zone), seen.get(&twice.person_id).copied())));
    }
    Ok(explained(obstacles))
}

/// The lines that do not fit into the session as it was held.
fn unfit(
    session: &SessionRow,
    class: &[Member],
    lines: Vec<Attendance>,
    whole: i32,
    is_seen: impl Fn(&EnrollmentId) -> bool,
) -> Vec<ClosingObstacle> {
    let unfit = |line: Attendance| {
        let (_, detail) = split(line.code, line.minutes, whole, line.leave_minutes.unwrap_or(0)).err()?;
        let amounts = vec![Amount::new("minutes of the session, as held", whole), Amount::new("present", line.present(whole))];
        Some(ClosingObstacle::new("minutes_do_not_fit", detail).of(Some(line.enrollment_id).filter(&is_seen), amounts))
    };
    as_held(session, class, lines).now.into_iter().filter_map(unfit).collect()
}

fn counted_twice(twice: &Twice, other: &str, enrollment_id: Option<EnrollmentId>) -> ClosingObstacle {
    let amounts = vec![
        Amount::new("present here", twice.excess.one),
        Amount::new("present there", twice.excess.other),
        Amount::new("passed while they can have been in either", twice.excess.passed),
    ];
    ClosingObstacle::new("attended_elsewhere", format!("present in session {other} as well")).of(enrollment_id, amounts)
}
