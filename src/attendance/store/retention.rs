//! What an erasure takes out of roll calls: notes and what was asked for, and no mark.

use diesel::prelude::*;

use super::super::corrections::CorrectionRequestId;
use crate::{
    db::{CHUNK, Conn},
    enrollments::EnrollmentId,
    error::Error,
    schedule::SessionId,
    schema::{attendances, correction_requests, enrollments, guests, roll_calls},
    text::{ERASED, Note},
};

/// A correction that was asked for, of which session, and what was said about it.
pub struct Said {
    pub id: CorrectionRequestId,
    pub session_id: SessionId,
    pub statement: Note,
    pub reason: Option<Note>,
}

/// The corrections that were asked for these enrollments, whoever asks now.
pub fn said_of(conn: &mut Conn, enrollments: &[EnrollmentId]) -> Result<Vec<Said>, Error> {
    let mut said = Vec::new();
    for chunk in enrollments.chunks(CHUNK) {
        let own = correction_requests::table.filter(correction_requests::enrollment_id.eq_any(chunk.to_vec()));
        let columns =
            (correction_requests::id, correction_requests::session_id, correction_requests::statement, correction_requests::reason);
        let rows: Vec<(CorrectionRequestId, SessionId, Note, Option<Note>)> = own.select(columns).load(conn)?;
        said.extend(rows.into_iter().map(|(id, session_id, statement, reason)| Said { id, session_id, statement, reason }));
    }
    Ok(said)
}

/// Takes out what was noted about somebody who is being erased, and what they and others said of it.
pub fn forget(conn: &mut Conn, enrollments: &[EnrollmentId], said: &[Said]) -> Result<(), Error> {
    // First, for by its reason is known that a roll call was opened again for a correction.
    for Said { session_id, reason, .. } in said {
        let Some(reason) = reason else { continue };
        let reopened = roll_calls::table.filter(roll_calls::session_id.eq(session_id)).filter(roll_calls::reopen_reason.eq(reason));
        diesel::update(reopened).set(roll_calls::reopen_reason.eq(ERASED)).execute(conn)?;
    }
    for chunk in enrollments.chunks(CHUNK) {
        // Why a roll call could not close by itself may name whoever it is about; the next try says it anew.
        let intakes = enrollments::table.filter(enrollments::id.eq_any(chunk.to_vec())).select(enrollments::intake_id);
        let refused = roll_calls::table.filter(roll_calls::close_refused_detail.is_not_null());
        diesel::update(refused.filter(roll_calls::intake_id.eq_any(intakes)))
            .set(roll_calls::close_refused_detail.eq(ERASED))
            .execute(conn)?;
        let noted = attendances::table.filter(attendances::enrollment_id.eq_any(chunk.to_vec()));
        diesel::update(noted.filter(attendances::note.is_not_null())).set(attendances::note.eq(ERASED)).execute(conn)?;
        let invited = guests::table.filter(guests::enrollment_id.eq_any(chunk.to_vec()));
        diesel::update(invited.filter(guests::note.is_not_null())).set(guests::note.eq(ERASED)).execute(conn)?;
        let own = || correction_requests::table.filter(correction_requests::enrollment_id.eq_any(chunk.to_vec()));
        diesel::update(own()).set(correction_requests::statement.eq(ERASED)).execute(conn)?;
        diesel::update(own().filter(correction_requests::reason.is_not_null()))
            .set(correction_requests::reason.eq(ERASED))
            .execute(conn)?;
    }
    Ok(())
}
