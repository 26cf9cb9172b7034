//! What an erasure asks of enrollments, and takes out of them.

use diesel::prelude::*;

use super::super::model::{EnrollmentId, EnrollmentState};
use crate::{
    db::{CHUNK, Conn},
    error::Error,
    intakes::IntakeId,
    people::PersonId,
    schema::{enrollment_steps, enrollments, intakes},
    text::{Code, ERASED},
};

/// All enrollments of a person, whoever asks, with their intakes.
pub fn ever_of(conn: &mut Conn, person: PersonId) -> Result<Vec<(EnrollmentId, IntakeId)>, Error> {
    let own = enrollments::table.filter(enrollments::person_id.eq(person)).order(enrollments::id);
    Ok(own.select((enrollments::id, enrollments::intake_id)).load(conn)?)
}

/// The intakes, by their codes, in which a person has an enrollment of which it is not decided how it ends.
pub fn undecided_of(conn: &mut Conn, person: PersonId) -> Result<Vec<(Code, EnrollmentState)>, Error> {
    let own = enrollments::table
        .inner_join(intakes::table.on(intakes::id.eq(enrollments::intake_id)))
        .filter(enrollments::person_id.eq(person))
        .filter(enrollments::state.eq_any(EnrollmentState::UNDECIDED));
    Ok(own.order(enrollments::id).select((intakes::code, enrollments::state)).load(conn)?)
}

/// Takes out what was written about enrollments of somebody who is being erased.
pub fn forget(conn: &mut Conn, ids: &[EnrollmentId]) -> Result<(), Error> {
    for chunk in ids.chunks(CHUNK) {
        let steps = enrollment_steps::table.filter(enrollment_steps::enrollment_id.eq_any(chunk.to_vec()));
        diesel::update(steps.filter(enrollment_steps::reason.is_not_null())).set(enrollment_steps::reason.eq(ERASED)).execute(conn)?;
        let funded = enrollments::table.filter(enrollments::id.eq_any(chunk.to_vec())).filter(enrollments::funding.is_not_null());
        diesel::update(funded).set((enrollments::funding.eq(ERASED), enrollments::version.eq(enrollments::version + 1))).execute(conn)?;
    }
    Ok(())
}
