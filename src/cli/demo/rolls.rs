//! The roll calls of the demo: each session held as planned, its roll called with a plausible spread of absences, and closed.

use chrono::NaiveDate;

use super::{super::Failure, people::Tokens};
use crate::{
    access::Credentials,
    attendance::{self, AttendanceCode, NewAttendance, NewRollCall},
    db::Db,
    http::Change,
    intakes::{self, IntakeId},
    schedule::{self, NewHold, SessionRow, SessionState},
    text::Note,
};

/// Calls the roll of every published session that starts until the end of `until`, as the coordinator; returns how many.
pub(super) fn call(db: &Db, tokens: &Tokens, intake: IntakeId, until: NaiveDate) -> Result<usize, Failure> {
    let coordinator = Credentials::Bearer(tokens.coordinator.clone());
    let sessions = db.read_blocking(&coordinator, |conn, actor, _| {
        let zone = intakes::find(conn, actor, intake)?.time_zone;
        let mut sessions: Vec<SessionRow> = schedule::of_intake(conn, intake)?.into_iter().map(|(session, _, _)| session).collect();
        sessions.retain(|session| session.state == SessionState::Published && zone.date(session.starts_at) <= until);
        sessions.sort_by_key(|session| session.starts_at);
        Ok(sessions)
    })?;
    for (place, session) in sessions.iter().enumerate() {
        let (id, minutes) = (session.id, session.minutes);
        db.write_blocking(coordinator.clone(), move |conn, actor, now| {
            schedule::hold(conn, actor, now, id, NewHold::default())?;
            let roll_call = attendance::read(conn, actor, id)?;
            let found = |(line, entry): (usize, &attendance::RollCallEntry)| {
                let (code, minutes, note) = found(place, line, minutes);
                NewAttendance { enrollment_id: entry.enrollment_id, code, minutes, mode: None, note, segments: None }
            };
            let entries = roll_call.entries.iter().enumerate().map(found).collect();
            attendance::put(conn, actor, now, None, id, &NewRollCall { entries })?;
            attendance::close(conn, actor, now, id, &Change::default())
        })?;
    }
    Ok(sessions.len())
}

/// What the roll call of one session finds in one line: the same at every run. About 93 in 100 are present.
fn found(session: usize, line: usize, minutes: i32) -> (AttendanceCode, Option<i32>, Option<Note>) {
    let draw = scatter(session, line);
    let part = |percent: i32| Some(minutes * percent / 100);
    match draw % 200 {
        0..=3 => (AttendanceCode::Late, part(85), None),
        4..=5 => (AttendanceCode::LeftEarly, part(70), None),
        6..=9 => (AttendanceCode::Absent, None, None),
        10..=12 => (AttendanceCode::Excused, None, "on shift".parse().ok()),
        13 => (AttendanceCode::Excused, part(50), "called to the plant".parse().ok()),
        _ => (AttendanceCode::Present, None, None),
    }
}

/// Scatters a pair of small numbers evenly (the finalizer of SplitMix64, Steele et al. 2014).
fn scatter(session: usize, line: usize) -> u64 {
    let seed = u64::try_from(session * 1_000 + line).unwrap_or(0);
    let mut z = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_are_present_and_some_miss_nothing() {
        let sessions = 28;
        let missed = |line: usize| (0..sessions).filter(|session| found(*session, line, 180).0 != AttendanceCode::Present).count();
        let missed: Vec<usize> = (0..244).map(missed).collect();
        let all: usize = missed.iter().sum();
        assert!((2..=10).contains(&(all * 100 / (244 * sessions))), "{all} of {}", 244 * sessions);
        assert!(missed.contains(&0));
        assert!(missed.iter().any(|times| *times >= 4));
    }
}
