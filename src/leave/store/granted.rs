//! Leave that was granted, for whoever calls the roll and closes it.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::{
    super::model::{GrantedLeave, LeaveState},
    grouped,
};
use crate::{
    db::{CHUNK, Conn},
    enrollments::EnrollmentId,
    error::Error,
    intakes::SessionMode,
    schedule::SessionRow,
    schema::{leave_enrollments, leave_requests},
};

type Granted = BTreeMap<EnrollmentId, Vec<GrantedLeave>>;

/// Leave that was granted, with whose it is.
#[diesel::dsl::auto_type]
fn granted() -> _ {
    let state: LeaveState = LeaveState::Granted;
    leave_requests::table
        .inner_join(leave_enrollments::table.on(leave_enrollments::leave_request_id.eq(leave_requests::id)))
        .filter(leave_requests::state.eq(state))
        .order((leave_requests::starts_at, leave_requests::id))
        .select((leave_enrollments::enrollment_id, (leave_requests::id, leave_requests::starts_at, leave_requests::ends_at)))
}

/// The leave that touches a session, by enrollment and start; none touches a recorded one.
pub fn granted_in(conn: &mut Conn, session: &SessionRow) -> Result<Granted, Error> {
    if session.mode == SessionMode::Recorded {
        return Ok(Granted::new());
    }
    let meanwhile = granted()
        .filter(leave_requests::intake_id.eq(session.intake_id))
        .filter(leave_requests::starts_at.lt(session.finishes_at()))
        .filter(leave_requests::ends_at.gt(session.begins_at()));
    Ok(grouped(meanwhile.load(conn)?))
}

/// The leave of these enrollments, each one's by its start.
pub fn granted_to(conn: &mut Conn, ids: &[EnrollmentId]) -> Result<Granted, Error> {
    let mut found = Granted::new();
    for chunk in ids.chunks(CHUNK) {
        found.extend(grouped(granted().filter(leave_enrollments::enrollment_id.eq_any(chunk.to_vec())).load(conn)?));
    }
    Ok(found)
}
