//! Who is expected of a session.

use diesel::prelude::*;

use super::super::model::{EnrollmentId, EnrollmentState};
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

/// Whoever owes `session`, which began (or is to begin) at `began_at`: a period in state enrolled places them in one of its cohorts then
/// (DOMAIN section 2, rule 6). By enrollment id.
pub fn expected_of(conn: &mut Conn, session: SessionId, began_at: Instant) -> Result<Vec<Expected>, Error> {
    Ok(enrollment_periods::table
        .inner_join(enrollments::table.on(enrollments::id.eq(enrollment_periods::enrollment_id)))
        .inner_join(people::table.on(people::id.eq(enrollments::person_id)))
        .inner_join(organizations::table.on(organizations::id.eq(enrollments::unit_id)))
        .filter(
            enrollment_periods::cohort_id.eq_any(
                session_cohorts::table.filter(session_cohorts::session_id.eq(session)).select(session_cohorts::cohort_id.nullable()),
            ),
        )
        .filter(enrollment_periods::state.eq(EnrollmentState::Enrolled))
        .filter(enrollment_periods::from_at.le(began_at))
        .filter(enrollment_periods::until_at.is_null().or(enrollment_periods::until_at.gt(began_at)))
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
        .load(conn)?)
}
