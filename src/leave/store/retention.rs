//! What an erasure takes out of leave. That of a crew is nobody's own, and stays.

use diesel::prelude::*;

use super::super::model::LeaveRequestId;
use crate::{
    db::{CHUNK, Conn},
    enrollments::EnrollmentId,
    error::Error,
    schema::{leave_enrollments, leave_requests, leave_steps},
    text::ERASED,
};

/// The requests for leave of these enrollments alone.
pub fn own_of(conn: &mut Conn, enrollments: &[EnrollmentId]) -> Result<Vec<LeaveRequestId>, Error> {
    let mut requests = Vec::new();
    for chunk in enrollments.chunks(CHUNK) {
        let of_one = leave_enrollments::table
            .inner_join(leave_requests::table.on(leave_requests::id.eq(leave_enrollments::leave_request_id)))
            .filter(leave_enrollments::enrollment_id.eq_any(chunk.to_vec()))
            .filter(leave_requests::crew.is_null());
        requests.extend(of_one.select(leave_requests::id).load::<LeaveRequestId>(conn)?);
    }
    Ok(requests)
}

/// Takes out why leave was asked for, and what was said about it, of somebody who is being erased.
pub fn forget(conn: &mut Conn, requests: &[LeaveRequestId]) -> Result<(), Error> {
    for chunk in requests.chunks(CHUNK) {
        let own = leave_requests::table.filter(leave_requests::id.eq_any(chunk.to_vec()));
        diesel::update(own).set(leave_requests::reason.eq(ERASED)).execute(conn)?;
        let steps = leave_steps::table.filter(leave_steps::leave_request_id.eq_any(chunk.to_vec()));
        diesel::update(steps.filter(leave_steps::reason.is_not_null())).set(leave_steps::reason.eq(ERASED)).execute(conn)?;
    }
    Ok(())
}
