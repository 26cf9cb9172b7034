//! What an erasure takes out of the ledger: words, and no minute.

use diesel::prelude::*;

use crate::{
    db::{CHUNK, Conn},
    enrollments::EnrollmentId,
    error::Error,
    schema::hour_entries,
    text::ERASED,
};

/// Takes out why hours of somebody who is being erased were posted.
pub fn forget(conn: &mut Conn, enrollments: &[EnrollmentId]) -> Result<(), Error> {
    for chunk in enrollments.chunks(CHUNK) {
        let explained = hour_entries::table.filter(hour_entries::enrollment_id.eq_any(chunk.to_vec()));
        diesel::update(explained.filter(hour_entries::reason.is_not_null())).set(hour_entries::reason.eq(ERASED)).execute(conn)?;
    }
    Ok(())
}
