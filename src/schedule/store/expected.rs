//! Who is expected in sessions as they are proposed, and which trainees in two of them at once: told only.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;

use super::{
    super::candidates::Candidates,
    super::conflicts::{Conflict, ConflictKind, Elsewhere, Enrolled, Subject, in_two_sessions},
    super::model::SessionId,
    super::rules::{ClaimKind, Occupied, Resource},
    conflicts::{in_the_way, known, people_of, standing},
};
use crate::{
    access::Actor,
    clock::Instant,
    db::{CHUNK, Conn},
    enrollments::EnrollmentState,
    error::Error,
    intakes::{CohortId, Intake, IntakeId},
    people::PersonId,
    schema::{enrollment_periods, enrollments},
};

/// Trainees named in one conflict.
pub(super) const NAMED: usize = 20;

/// Trainees who are enrolled twice, and whose other cohort has a session at the same time.
pub(super) fn trainees(conn: &mut Conn, actor: &Actor, intake: &Intake, candidates: &Candidates) -> Result<Vec<(usize, Conflict)>, Error> {
    let cohorts = candidates.occupied().into_iter().filter(|one| one.resource.0 == ClaimKind::Cohort);
    let proposed: Vec<(Occupied, CohortId)> = cohorts.map(|one| (one, one.resource.1.cast())).collect();
    let elsewhere = elsewhere(conn, intake.id, &proposed)?;
    let others: HashMap<SessionId, Occupied> = elsewhere.iter().map(|one| (one.other.session_id, one.other)).collect();
    let found = in_two_sessions(&proposed, &elsewhere);
    let known = known(conn, actor, found.keys().map(|(_, other)| *other).collect())?;
    let subjects = people_of(conn, found.values().flatten().map(|person| person.cast()).collect())?;
    let conflict = |((id, other), people): ((SessionId, SessionId), Vec<PersonId>)| {
        let (index, candidate) = candidates.find(id)?;
        let (other, known) = (others.get(&other)?, known.get(&other)?);
        let subjects: Vec<Subject> = people.iter().filter_map(|person| subjects.get(&person.cast()).cloned()).take(NAMED).collect();
        let there = if known.is_visible { in_the_way(&known.code, other, intake) } else { known.unnamed(intake).to_owned() };
        let detail = format!("session {} overlaps {there}: both expect {} of its trainees", candidate.plan.code, people.len());
        let other = known.is_visible.then(|| candidates.other(other, known.code.clone()));
        Some((index, Conflict { other, ..candidate.warning(ConflictKind::Trainee, subjects, detail) }))
    };
    Ok(found.into_iter().filter_map(conflict).collect())
}

/// The sessions that stand around these times for whoever of these cohorts is enrolled in another intake too.
///
/// In three looks, each by its own index: as one join, SQLite begins at the claims of everybody.
fn elsewhere(conn: &mut Conn, intake: IntakeId, proposed: &[(Occupied, CohortId)]) -> Result<Vec<Elsewhere>, Error> {
    let times: Vec<Occupied> = proposed.iter().map(|(one, _)| *one).collect();
    let here = placed(conn, proposed.iter().map(|(_, cohort)| *cohort).collect())?;
    let people: BTreeSet<PersonId> = here.iter().map(|placed| placed.person_id).collect();
    let mut there: HashMap<PersonId, Vec<Enrolled>> = HashMap::new();
    let mut cohorts: BTreeSet<Resource> = BTreeSet::new();
    for chunk in people.into_iter().collect::<Vec<_>>().chunks(CHUNK) {
        let rows: Vec<EnrolledRow> = enrollments::table
            .inner_join(enrollment_periods::table.on(enrollment_periods::enrollment_id.eq(enrollments::id)))
            .filter(enrollments::person_id.eq_any(chunk.to_vec()))
            .filter(enrollments::intake_id.ne(intake))
            .filter(enrollment_periods::state.eq(EnrollmentState::Enrolled))
            .select((enrollments::person_id, enrollment_periods::cohort_id, enrollment_periods::from_at, enrollment_periods::until_at))
            .load(conn)?;
        for placed in rows.into_iter().filter_map(enrolled) {
            cohorts.insert((ClaimKind::Cohort, placed.cohort_id.cast()));
            there.entry(placed.person_id).or_default().push(placed);
        }
    }
    let mut standing_for: HashMap<Resource, Vec<Occupied>> = HashMap::new();
    for claim in standing(conn, &cohorts, &times)? {
        standing_for.entry(claim.resource).or_default().push(claim);
    }
    let mut elsewhere = Vec::new();
    for own in &here {
        for other in there.get(&own.person_id).into_iter().flatten() {
            let claims = standing_for.get(&(ClaimKind::Cohort, other.cohort_id.cast()));
            elsewhere.extend(claims.into_iter().flatten().map(|claim| Elsewhere { here: *own, there: *other, other: *claim }));
        }
    }
    Ok(elsewhere)
}

/// Somebody's person and cohort, from when and until when.
pub(super) type EnrolledRow = (PersonId, Option<CohortId>, Instant, Option<Instant>);

/// None outside every cohort.
pub(super) fn enrolled((person_id, cohort_id, from, until): EnrolledRow) -> Option<Enrolled> {
    Some(Enrolled { person_id, cohort_id: cohort_id?, from, until })
}

/// Who is enrolled in these cohorts, whenever.
pub(super) fn placed(conn: &mut Conn, cohorts: BTreeSet<CohortId>) -> Result<Vec<Enrolled>, Error> {
    if cohorts.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<EnrolledRow> = enrollment_periods::table
        .inner_join(enrollments::table.on(enrollments::id.eq(enrollment_periods::enrollment_id)))
        .filter(enrollment_periods::cohort_id.eq_any(cohorts.into_iter().collect::<Vec<_>>()))
        .filter(enrollment_periods::state.eq(EnrollmentState::Enrolled))
        .select((enrollments::person_id, enrollment_periods::cohort_id, enrollment_periods::from_at, enrollment_periods::until_at))
        .load(conn)?;
    Ok(rows.into_iter().filter_map(enrolled).collect())
}
