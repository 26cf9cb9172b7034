//! What a closing of a roll call would be refused for.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::{
        explain::{ClosingExplanation, ClosingObstacle},
        guests::Member,
        lines::apart,
        model::{Attendance, RollCallState},
        tally::split,
    },
    called_by, class,
    closing::{after_closing, as_held, held_minutes, tally},
    complete,
    lines::stored,
    meanwhile::{Twice, elsewhere, told_of},
    refuse_unpublished, row, zone,
};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::Conn,
    enrollments::EnrollmentId,
    error::Error,
    ledger::{self, Amount, Foreseen, Tally, Uncovered},
    people::PersonId,
    schedule::{self, SessionId, SessionRow},
};

/// Whether the roll call of a session can be closed as it was called, and if not, why: what [`super::close`] asks, in its order.
pub(in crate::attendance) fn explain(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    session_id: SessionId,
) -> Result<ClosingExplanation, Error> {
    let session = schedule::find(conn, actor, session_id)?;
    actor.may(Action::ReadRollCall)?;
    let row = row(conn, &session)?;
    let explained = |obstacles| ClosingExplanation::new(session_id, row.state, obstacles);
    if row.state == RollCallState::Closed {
        return Ok(explained(Vec::new()));
    }
    if let Some(obstacle) = ClosingObstacle::refused(refuse_unpublished(&session))? {
        return Ok(explained(vec![obstacle]));
    }
    let class = class(conn, &session)?;
    let (lines, _) = apart(&class, stored(conn, session_id)?);
    let seen: BTreeMap<PersonId, EnrollmentId> =
        called_by(conn, actor, &session)?.iter().map(|one| (one.person.trainee_id, one.person.enrollment_id)).collect();
    let mut obstacles = Vec::new();
    obstacles.extend(ClosingObstacle::refused(after_closing(&row))?);
    obstacles.extend(ClosingObstacle::refused(held_minutes(&session))?);
    obstacles.extend(ClosingObstacle::refused(complete(actor, &class, &lines))?);
    if let Some(whole) = session.held_minutes {
        let is_seen = |id: &EnrollmentId| seen.values().any(|seen| seen == id);
        let held = as_held(&session, &class, lines).now;
        obstacles.extend(unfit(&held, whole, is_seen));
        let zone = zone(conn, &session)?;
        // A line of whoever owes it no more is taken out by the closing.
        let of_class: BTreeSet<PersonId> = class.iter().map(|one| one.person.trainee_id).collect();
        let twice: Vec<Twice> = elsewhere(conn, &session)?.into_iter().filter(|twice| of_class.contains(&twice.person_id)).collect();
        let others: BTreeSet<SessionId> = twice.iter().flat_map(|twice| &twice.others).map(|other| other.session.id).collect();
        let visible = schedule::seen_of(conn, actor, others.into_iter().collect())?;
        obstacles.extend(twice.iter().map(|twice| {
            let is_seen = twice.others.iter().all(|other| visible.contains(&other.session.id));
            let others = is_seen.then(|| told_of(&twice.others, zone));
            counted_twice(twice, others.as_deref()).of_line(seen.get(&twice.person_id).copied())
        }));
        if obstacles.is_empty() {
            let Foreseen { told, others } = foreseen(conn, actor, now, &session, (&class, &held, whole))?;
            obstacles.extend(told.into_iter().map(|(one, detail)| out_of_bounds(&one, detail)));
            obstacles.extend(others.then(withheld));
        }
    }
    Ok(explained(obstacles))
}

/// The lines that do not fit into the session as it was held.
fn unfit(held: &[Attendance], whole: i32, is_seen: impl Fn(&EnrollmentId) -> bool) -> Vec<ClosingObstacle> {
    let unfit = |line: &Attendance| {
        let (_, detail) = split(line.code, line.minutes, whole, line.leave_minutes.unwrap_or(0)).err()?;
        let amounts = vec![Amount::new("minutes of the session, as held", whole), Amount::new("present", line.present(whole))];
        Some(ClosingObstacle::new("minutes_do_not_fit", detail).with(amounts).of_line(Some(line.enrollment_id).filter(&is_seen)))
    };
    held.iter().filter_map(unfit).collect()
}

/// Whose hours would be out of bounds: what was adjusted by hand, or made up, would not fit what the closing posts.
fn foreseen(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    session: &SessionRow,
    (class, held, whole): (&[Member], &[Attendance], i32),
) -> Result<Foreseen, Error> {
    let guests: BTreeSet<EnrollmentId> = class.iter().filter(|one| one.is_guest()).map(|one| one.person.enrollment_id).collect();
    let (came, owed): (Vec<&Attendance>, Vec<&Attendance>) = held.iter().partition(|line| guests.contains(&line.enrollment_id));
    let tallies = owed.into_iter().map(|line| tally(line, whole)).collect::<Result<Vec<Tally>, Error>>()?;
    let came: BTreeMap<EnrollmentId, i32> = came.into_iter().map(|line| (line.enrollment_id, line.present(whole))).collect();
    ledger::foresee(conn, actor, now, (session.id, session.module_id), &tallies, &came)
}

fn out_of_bounds(one: &Uncovered, detail: String) -> ClosingObstacle {
    let amounts = [("attended", one.attended), ("missed", one.missed), ("adjusted or made up", one.credited)];
    let amounts = amounts.map(|(name, minutes)| Amount::new(name, minutes)).to_vec();
    ClosingObstacle::new("hours_out_of_bounds", detail).with(amounts).of_line(Some(one.enrollment_id))
}

/// To whoever does not see the hours, that they are in the way.
fn withheld() -> ClosingObstacle {
    let detail = "what was adjusted by hand or made up would not fit what the closing posts; a coordinator sees whose";
    ClosingObstacle::new("hours_out_of_bounds", detail)
}

/// To whoever does not see the other session, that there is one.
fn counted_twice(twice: &Twice, others: Option<&str>) -> ClosingObstacle {
    let here = Amount::new("present here", twice.excess.one);
    let Some(others) = others else {
        return ClosingObstacle::new("attended_elsewhere", "present in another session meanwhile as well").with(vec![here]);
    };
    let there = Amount::new("present there", twice.excess.others);
    let passed = Amount::new("passed while they can have been in either", twice.excess.passed);
    ClosingObstacle::new("attended_elsewhere", format!("present in session {others} as well")).with(vec![here, there, passed])
}
