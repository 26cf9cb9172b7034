//! What a coordinator should think over before sessions are published as proposed: told only, for none of it is wrong by itself.

use std::collections::BTreeSet;

use super::{
    super::conflicts::{Conflict, ConflictKind, Severity, Subject},
    check::{Candidate, Candidates, blocking},
};
use crate::{calendars, db::Conn, error::Error, intakes::Intake};

/// All of it, each with the place of its session.
pub(super) fn advice(conn: &mut Conn, intake: &Intake, candidates: &Candidates) -> Result<Vec<(usize, Conflict)>, Error> {
    holidays(conn, intake, candidates)
}

fn warning(candidate: &Candidate, kind: ConflictKind, subjects: Vec<Subject>, detail: String) -> Conflict {
    Conflict { severity: Severity::Warn, subjects, ..blocking(candidate, kind, detail) }
}

/// Sessions that begin on a day off of the intake's calendar, in the intake's zone.
fn holidays(conn: &mut Conn, intake: &Intake, candidates: &Candidates) -> Result<Vec<(usize, Conflict)>, Error> {
    let Some(calendar) = intake.holiday_calendar_id else {
        return Ok(Vec::new());
    };
    let date = |one: &Candidate| intake.time_zone.date(one.plan.starts_at);
    let (calendar, off) = calendars::days_off(conn, calendar, &candidates.all.iter().map(date).collect::<BTreeSet<_>>())?;
    let subject = Subject { id: calendar.id.cast(), name: calendar.name };
    let conflict = |(index, one): (usize, &Candidate)| {
        let date = date(one);
        let why = off.get(&date)?;
        let detail = format!("session {} is on {date}, which is off: {why}", one.plan.code);
        Some((index, warning(one, ConflictKind::Holiday, vec![subject.clone()], detail)))
    };
    Ok(candidates.all.iter().enumerate().filter_map(conflict).collect())
}
