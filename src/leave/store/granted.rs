//! Leave that was granted, for whoever calls the roll and closes it.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::{
    super::model::{GrantedLeave, LeaveRequestId, LeaveState},
    grouped,
};
use crate::{
    db::{CHUNK, Conn},
    enrollments::EnrollmentId,
    error::Error,
    intakes::SessionMode,
    schedule::SessionRow,
    schema::{enrollments as enrolled, leave_enrollments, leave_requests},
};

type Granted = BTreeMap<EnrollmentId, Vec<GrantedLeave>>;

diesel::alias! {
    pub(super) const NAMED: Alias<NamedEnrollment> = enrolled as named;
    pub(super) const OF_THE_SAME: Alias<OfTheSame> = enrolled as of_the_same;
}

/// Requests with the enrollments that leave is for: those of the same people in the intake, as whoever goes on there in another discipline
/// keeps it. A macro, as auto_type does not know the fields of an alias.
macro_rules! requested {
    () => {{
        use crate::{leave::store::granted::NAMED, schema::enrollments as enrolled};

        let same_person = enrolled::person_id.eq(NAMED.field(enrolled::person_id));
        let same_intake = enrolled::intake_id.eq(NAMED.field(enrolled::intake_id));
        // Whoever comes back under another sponsor does so without what that one knows nothing of.
        let same_sponsor = enrolled::sponsor_id.eq(NAMED.field(enrolled::sponsor_id));
        leave_requests::table
            .inner_join(leave_enrollments::table.on(leave_enrollments::leave_request_id.eq(leave_requests::id)))
            .inner_join(NAMED.on(NAMED.field(enrolled::id).eq(leave_enrollments::enrollment_id)))
            .inner_join(enrolled::table.on(same_person.and(same_intake).and(same_sponsor)))
    }};
}
pub(super) use requested;

/// Leave that was granted, with whose it is.
macro_rules! granted {
    () => {
        requested!()
            .filter(leave_requests::state.eq(LeaveState::Granted))
            .order((leave_requests::starts_at, leave_requests::id))
            .select((enrolled::id, (leave_requests::id, leave_requests::starts_at, leave_requests::ends_at)))
    };
}

/// The enrollments that a request is for.
pub(super) fn concerned(conn: &mut Conn, id: LeaveRequestId) -> Result<Vec<EnrollmentId>, Error> {
    Ok(requested!().filter(leave_requests::id.eq(id)).select(enrolled::id).distinct().load(conn)?)
}

/// The requests that are for an enrollment, each with the enrollment that it names.
pub(super) fn asked_for(conn: &mut Conn, enrollment: EnrollmentId) -> Result<Vec<(LeaveRequestId, EnrollmentId)>, Error> {
    let named = requested!().filter(enrolled::id.eq(enrollment));
    Ok(named.select((leave_requests::id, leave_enrollments::enrollment_id)).load(conn)?)
}

/// The leave that touches a session, by enrollment and start; none touches a recorded one.
pub fn granted_in(conn: &mut Conn, session: &SessionRow) -> Result<Granted, Error> {
    if session.mode == SessionMode::Recorded {
        return Ok(Granted::new());
    }
    let meanwhile = granted!()
        .filter(leave_requests::intake_id.eq(session.intake_id))
        .filter(leave_requests::starts_at.lt(session.finishes_at()))
        .filter(leave_requests::ends_at.gt(session.begins_at()));
    Ok(grouped(meanwhile.load(conn)?))
}

/// The leave of these enrollments, each one's by its start.
pub fn granted_to(conn: &mut Conn, ids: &[EnrollmentId]) -> Result<Granted, Error> {
    let mut found = Granted::new();
    for chunk in ids.chunks(CHUNK) {
        found.extend(grouped(granted!().filter(enrolled::id.eq_any(chunk.to_vec())).load(conn)?));
    }
    Ok(found)
}
