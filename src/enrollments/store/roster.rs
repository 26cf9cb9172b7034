//! Who is expected of a session.

use diesel::prelude::*;

use super::{super::model::EnrollmentId, CHUNK, periods::enrolled_at};
use crate::{
    clock::Instant,
    db::Conn,
    error::Error,
    intakes::CohortId,
    organizations::OrganizationId,
    people::PersonId,
    schedule::SessionId,
    schema::{enrollment_periods, enrollments, organizations, people, session_cohorts},
    text::Name,
};

/// Somebody who is expected of a session.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Expected {
    pub enrollment_id: EnrollmentId,
    pub cohort_id: Option<CohortId>,
    pub trainee_id: PersonId,
    pub name: Name,
    pub latin_name: Option<Name>,
    pub unit_id: OrganizationId,
    /// The name of the unit, which tells namesakes apart for an instructor, who sees no employee numbers.
    pub unit: Name,
}

/// Who is enrolled at an instant, by enrollment id.
#[diesel::dsl::auto_type]
fn expected_at(at: Instant) -> _ {
    enrollment_periods::table
        .inner_join(enrollments::table.on(enrollments::id.eq(enrollment_periods::enrollment_id)))
        .inner_join(people::table.on(people::id.eq(enrollments::person_id)))
        .inner_join(organizations::table.on(organizations::id.eq(enrollments::unit_id)))
        .filter(enrolled_at(at))
        .order(enrollments::id)
        .select((
            enrollments::id,
            enrollment_periods::cohort_id,
            people::id,
            people::name,
            people::latin_name,
            enrollments::unit_id,
            organizations::name,
        ))
}

/// Whoever owes `session`, which began (or is to begin) at `began_at`: a period in state enrolled places them in one of its cohorts then
/// (DOMAIN section 2, rule 6). By enrollment id.
pub fn expected_of(conn: &mut Conn, session: SessionId, began_at: Instant) -> Result<Vec<Expected>, Error> {
    let cohorts = session_cohorts::table.filter(session_cohorts::session_id.eq(session)).select(session_cohorts::cohort_id.nullable());
    Ok(expected_at(began_at).filter(enrollment_periods::cohort_id.eq_any(cohorts)).load(conn)?)
}

/// Those of these enrollments that are enrolled at an instant, wherever they are placed then. By id.
pub fn enrolled(conn: &mut Conn, ids: &[EnrollmentId], at: Instant) -> Result<Vec<Expected>, Error> {
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        found.extend(expected_at(at).filter(enrollments::id.eq_any(chunk.to_vec())).load::<Expected>(conn)?);
    }
    Ok(found)
}
