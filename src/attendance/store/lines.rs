//! The lines of a roll call: what it found of each who was called.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::super::model::Attendance;
use crate::{
    db::{CHUNK, Conn, for_backend},
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

impl Lines {
    /// Whether anything is to be written.
    pub(super) fn alter(&self) -> bool {
        !(self.gone.is_empty() && self.fresh.is_empty())
    }
}

/// Compares the lines; one that says the same as before keeps its time of recording and is not written again.
pub(super) fn compare(stored: &[Attendance], new: Vec<Attendance>) -> Lines {
    let mut known: BTreeMap<EnrollmentId, &Attendance> = stored.iter().map(|row| (row.enrollment_id, row)).collect();
    let mut lines = Lines { now: Vec::with_capacity(new.len()), gone: Vec::new(), fresh: Vec::new() };
    for line in new {
        match known.remove(&line.enrollment_id) {
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
    for chunk in lines.fresh.chunks(CHUNK) {
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
