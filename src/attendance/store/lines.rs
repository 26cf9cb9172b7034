//! The lines of a roll call: what it found of each who was called.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::super::model::{Attendance, NewRollCall};
use crate::{
    clock::Instant,
    db::{Conn, for_backend},
    enrollments::EnrollmentId,
    error::Error,
    schedule::SessionId,
    schema::attendances,
};

pub(super) fn stored(conn: &mut Conn, session: SessionId) -> Result<Vec<Attendance>, Error> {
    Ok(attendances::table
        .filter(attendances::session_id.eq(session))
        .order(attendances::enrollment_id)
        .select(Attendance::as_select())
        .load(conn)?)
}

/// What putting a roll call makes of its lines.
pub(super) struct Lines {
    pub(super) now: Vec<Attendance>,
    pub(super) gone: Vec<Attendance>,
    pub(super) fresh: Vec<Attendance>,
}

/// Compares the lines; one that says the same as before keeps its time of recording and is not written again.
pub(super) fn compare(now: Instant, session_id: SessionId, stored: &[Attendance], new: &NewRollCall) -> Lines {
    let mut known: BTreeMap<EnrollmentId, &Attendance> = stored.iter().map(|row| (row.enrollment_id, row)).collect();
    let mut lines = Lines { now: Vec::with_capacity(new.entries.len()), gone: Vec::new(), fresh: Vec::new() };
    for entry in &new.entries {
        let line = Attendance {
            session_id,
            enrollment_id: entry.enrollment_id,
            code: entry.code,
            minutes: entry.minutes,
            mode: entry.mode,
            note: entry.note.clone(),
            recorded_at: now,
        };
        match known.remove(&entry.enrollment_id) {
            Some(old) if (Attendance { recorded_at: old.recorded_at, ..line.clone() }) == *old => lines.now.push(old.clone()),
            old => {
                lines.gone.extend(old.cloned());
                lines.fresh.push(line.clone());
                lines.now.push(line);
            }
        }
    }
    lines.gone.extend(known.into_values().cloned());
    lines
}

/// Replaces the lines that differ.
pub(super) fn replace(conn: &mut Conn, session_id: SessionId, lines: &Lines) -> Result<(), Error> {
    delete(conn, session_id, &lines.gone)?;
    for chunk in lines.fresh.chunks(500) {
        for_backend!(conn, |c| diesel::insert_into(attendances::table).values(chunk).execute(c))?;
    }
    Ok(())
}

pub(super) fn delete(conn: &mut Conn, session_id: SessionId, gone: &[Attendance]) -> Result<(), Error> {
    if gone.is_empty() {
        return Ok(());
    }
    let gone: Vec<EnrollmentId> = gone.iter().map(|line| line.enrollment_id).collect();
    let gone = attendances::table.filter(attendances::session_id.eq(session_id)).filter(attendances::enrollment_id.eq_any(gone));
    diesel::delete(gone).execute(conn)?;
    Ok(())
}
