//! Who is taught in which cohort of a discipline.

use diesel::prelude::*;

use super::{
    super::model::{CohortMove, Enrollment, EnrollmentId, LIFE_CYCLE, MOVE},
    admission::refuse_closed,
    changing,
    steps::take,
};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::Conn,
    error::Error,
    intakes::CohortId,
    programs::DisciplineId,
    schema::cohorts,
};

/// Moves somebody to another cohort: from then on they owe its sessions. What they owed before stays, and closed sessions that they owe or
/// owe no more are listed as unsettled.
///
/// # Errors
/// 409 `illegal_transition`, `intake_not_open`; 422 for a cohort that does not fit or in which they are (since that day, of whoever is to be
/// enrolled), and a time that cannot be.
pub(in crate::enrollments) fn move_to(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    id: EnrollmentId,
    to: &CohortMove,
) -> Result<Enrollment, Error> {
    let (intake, stored) = changing(conn, actor, now, id, Action::Enroll)?;
    refuse_closed(&intake)?;
    let state = LIFE_CYCLE.after("the enrollment", stored.state, MOVE, Some(&to.reason))?;
    let of_intake = cohorts::table.find(to.cohort_id).filter(cohorts::intake_id.eq(intake.id));
    let discipline: Option<DisciplineId> = of_intake.select(cohorts::discipline_id).first(conn).optional()?;
    match discipline {
        None => return Err(Error::invalid("/cohort_id", "unknown_cohort", "the intake has no such cohort")),
        Some(discipline) if discipline != stored.discipline_id => {
            let detail = "the cohort belongs to another discipline; transfer the trainee to it";
            return Err(Error::invalid("/cohort_id", "cohort_of_another_discipline", detail));
        }
        Some(_) => {}
    }
    // Whoever is still to be enrolled may come there from another day.
    let is_from_another_day = stored.state.is_before_enrolled() && stored.cohort_from_at != to.effective_at;
    if stored.cohort_id == Some(to.cohort_id) && !is_from_another_day {
        return Err(Error::invalid("/cohort_id", "same_place", "the enrollment is in this cohort already"));
    }
    let changed = Enrollment { state, cohort_id: Some(to.cohort_id), cohort_from_at: to.effective_at, ..stored.clone() };
    take(conn, actor, now, (&stored, changed), Some(&to.reason), to.effective_at).map(|(saved, _)| saved)
}

/// The cohort of whoever is about to be enrolled: the own one, or else the only one of the discipline. Whoever is enrolled in none owes
/// nothing, so it is not left open where there is a choice.
///
/// # Errors
/// 409 `cohort_missing`.
pub(super) fn cohort_of(conn: &mut Conn, enrollment: &Enrollment) -> Result<Option<CohortId>, Error> {
    if enrollment.cohort_id.is_some() {
        return Ok(enrollment.cohort_id);
    }
    let own =
        cohorts::table.filter(cohorts::intake_id.eq(enrollment.intake_id)).filter(cohorts::discipline_id.eq(enrollment.discipline_id));
    let own: Vec<CohortId> = own.order(cohorts::id).limit(2).select(cohorts::id).load(conn)?;
    match own.as_slice() {
        [_, _, ..] => Err(Error::conflict("cohort_missing", "the discipline has several cohorts; move the trainee to one of them first")),
        own => Ok(own.first().copied()),
    }
}
