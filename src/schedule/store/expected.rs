//! Who is expected in sessions as they are proposed, and which trainees in two of them at once: told only.

use std::collections::{BTreeSet, HashMap, HashSet};

use diesel::prelude::*;

use super::{
    super::candidates::{Candidate, Candidates},
    super::conflicts::{Conflict, ConflictKind, Subject},
    super::expected::{Enrolled, InBoth, Invited, Stay, in_two_sessions},
    super::model::SessionId,
    super::rules::{ClaimKind, Occupied, Resource},
    conflicts::{in_the_way, known, people_of, standing},
    invited::invited_within,
};
use crate::{
    access::Actor,
    clock::Instant,
    db::{CHUNK, Conn},
    enrollments::EnrollmentState,
    error::Error,
    intakes::{CohortId, Intake, IntakeId, SessionMode},
    people::PersonId,
    schema::{enrollment_periods, enrollments},
};

/// Trainees named in one conflict.
pub(super) const NAMED: usize = 20;

/// Trainees who are in another session at the same time: one that they owe, here or in another intake, or one to which they come as guests.
pub(super) fn trainees(
    conn: &mut Conn,
    actor: &Actor,
    intake: &Intake,
    candidates: &Candidates,
    invited: &Invited,
) -> Result<Vec<(usize, Conflict)>, Error> {
    let mut classes: HashMap<CohortId, Vec<Enrolled>> = HashMap::new();
    for enrolled in placed(conn, timed(candidates).flat_map(|(_, one)| one.plan.cohort_ids.iter().copied()).collect())? {
        if let Some(cohort) = enrolled.cohort_id {
            classes.entry(cohort).or_default().push(enrolled);
        }
    }
    let others = elsewhere(conn, intake.id, candidates, &classes, invited)?;
    let proposed = timed(candidates).flat_map(|(index, one)| {
        let cohorts = one.plan.cohort_ids.iter().filter_map(|cohort| classes.get(cohort)).flatten();
        let expected = cohorts.filter(|enrolled| enrolled.covers(one.plan.starts_at)).map(|enrolled| (enrolled, None));
        let guests = invited.guests(one).map(|guest| (&guest.enrolled, Some(guest.makes_up)));
        expected.chain(guests).map(move |(enrolled, makes_up)| (index, stay(one, enrolled, makes_up)))
    });
    let mut found = in_two_sessions(proposed, &others);
    // Of two that are proposed together the first is told, unless each is looked at by itself.
    found.retain(|(index, other), _| candidates.each_side || candidates.find(*other).is_none_or(|(other, _)| *index < other));
    let stored = found.keys().map(|(_, other)| *other).filter(|other| candidates.find(*other).is_none());
    let known = known(conn, actor, stored.collect())?;
    let subjects = people_of(conn, found.values().flat_map(|(_, people)| people.keys().map(|person| person.cast())).collect())?;
    let conflict = |((index, id), (times, people)): ((usize, SessionId), ((Instant, Instant), InBoth))| {
        let candidate = candidates.all.get(index)?;
        let seen = match candidates.find(id) {
            Some((_, other)) => Some(&other.plan.code),
            None => known.get(&id).filter(|known| known.is_visible).map(|known| &known.code),
        };
        let there = match seen {
            Some(code) => in_the_way(code, candidates.stays_draft(id), times, intake),
            None => known.get(&id)?.unnamed(intake).to_owned(),
        };
        let guests = people.values().filter(|is_guest| **is_guest).count();
        let as_guests = if guests == 0 { String::new() } else { format!(", {guests} as a guest of one") };
        let detail = format!("session {} overlaps {there}: both expect {} of its trainees{as_guests}", candidate.plan.code, people.len());
        let subjects: Vec<Subject> = people.keys().filter_map(|person| subjects.get(&person.cast()).cloned()).take(NAMED).collect();
        let other = seen.map(|code| candidates.other(id, times, code.clone()));
        Some((index, Conflict { other, ..candidate.warning(ConflictKind::Trainee, subjects, detail) }))
    };
    Ok(found.into_iter().filter_map(conflict).collect())
}

/// The sessions at which somebody is at a certain time.
pub(super) fn timed(candidates: &Candidates) -> impl Iterator<Item = (usize, &Candidate)> {
    candidates.all.iter().enumerate().filter(|(_, one)| one.plan.mode != SessionMode::Recorded)
}

fn stay(one: &Candidate, enrolled: &Enrolled, makes_up: Option<SessionId>) -> Stay {
    Stay {
        person_id: enrolled.person_id,
        intake_id: enrolled.intake_id,
        session_id: one.stored.unwrap_or(one.id),
        starts_at: one.plan.starts_at,
        ends_at: one.plan.ends_at,
        makes_up,
    }
}

/// Where else the trainees of these sessions are around their times: what is owed in other intakes, of guests also in this one, and what they
/// come to as guests.
///
/// In several looks, each by its own index: as one join, SQLite begins at the claims of everybody.
fn elsewhere(
    conn: &mut Conn,
    intake: IntakeId,
    candidates: &Candidates,
    classes: &HashMap<CohortId, Vec<Enrolled>>,
    invited: &Invited,
) -> Result<Vec<Stay>, Error> {
    let proposed = candidates.occupied();
    let coming = || timed(candidates).flat_map(|(_, one)| invited.guests(one).map(move |guest| (one, guest)));
    let guests: HashSet<PersonId> = coming().map(|(_, guest)| guest.enrolled.person_id).collect();
    let people: BTreeSet<PersonId> = classes.values().flatten().map(|enrolled| enrolled.person_id).chain(guests.iter().copied()).collect();
    if people.is_empty() {
        return Ok(Vec::new());
    }
    let mut placements = in_other_intakes(conn, intake, &people.iter().copied().collect::<Vec<_>>())?;
    let intakes: BTreeSet<IntakeId> = placements.iter().map(|placed| placed.intake_id).chain([intake]).collect();
    // A guest is of the intake, so that what is owed in it is known already.
    placements.extend(invited.placements().filter(|placed| guests.contains(&placed.person_id)));
    let cohorts = placements.iter().filter_map(|placed| Some((ClaimKind::Cohort, placed.cohort_id?.cast()))).collect();
    let standing = standing(conn, &cohorts, &proposed)?;
    let mut claims: HashMap<Resource, Vec<&Occupied>> = HashMap::new();
    let beside = proposed.iter().filter(|_| !candidates.are_alternatives);
    for claim in standing.iter().filter(|claim| !candidates.replace(claim.session_id)).chain(beside) {
        claims.entry(claim.resource).or_default().push(claim);
    }
    let mut stays = invited_within(conn, intakes, &proposed)?;
    stays.retain(|stay| people.contains(&stay.person_id) && !candidates.replace(stay.session_id));
    for placed in placements {
        let claims = placed.cohort_id.and_then(|cohort| claims.get(&(ClaimKind::Cohort, cohort.cast()))).into_iter().flatten();
        let Enrolled { person_id, intake_id, .. } = placed;
        stays.extend(claims.filter(|claim| placed.covers(claim.starts_at)).map(|claim| {
            let Occupied { session_id, starts_at, ends_at, .. } = **claim;
            Stay { person_id, intake_id, session_id, starts_at, ends_at, makes_up: None }
        }));
    }
    if !candidates.are_alternatives {
        stays.extend(coming().map(|(one, guest)| stay(one, &guest.enrolled, Some(guest.makes_up))));
    }
    Ok(stays)
}

/// What is read of somebody enrolled.
type EnrolledColumns = (
    enrollments::person_id,
    enrollments::intake_id,
    enrollment_periods::cohort_id,
    enrollment_periods::from_at,
    enrollment_periods::until_at,
);
pub(super) const ENROLLED: EnrolledColumns = (
    enrollments::person_id,
    enrollments::intake_id,
    enrollment_periods::cohort_id,
    enrollment_periods::from_at,
    enrollment_periods::until_at,
);

/// Wherever else these people are enrolled, whenever.
fn in_other_intakes(conn: &mut Conn, intake: IntakeId, people: &[PersonId]) -> Result<Vec<Enrolled>, Error> {
    let mut placements = Vec::new();
    for chunk in people.chunks(CHUNK) {
        let of_people = enrollments::table
            .inner_join(enrollment_periods::table.on(enrollment_periods::enrollment_id.eq(enrollments::id)))
            .filter(enrollments::person_id.eq_any(chunk.to_vec()))
            .filter(enrollments::intake_id.ne(intake))
            .filter(enrollment_periods::state.eq(EnrollmentState::Enrolled))
            .select(ENROLLED);
        placements.extend(of_people.load::<Enrolled>(conn)?);
    }
    Ok(placements)
}

/// Who is enrolled in these cohorts, whenever.
pub(super) fn placed(conn: &mut Conn, cohorts: BTreeSet<CohortId>) -> Result<Vec<Enrolled>, Error> {
    if cohorts.is_empty() {
        return Ok(Vec::new());
    }
    let rows = enrollment_periods::table
        .inner_join(enrollments::table.on(enrollments::id.eq(enrollment_periods::enrollment_id)))
        .filter(enrollment_periods::cohort_id.eq_any(cohorts.into_iter().collect::<Vec<_>>()))
        .filter(enrollment_periods::state.eq(EnrollmentState::Enrolled))
        .select(ENROLLED);
    Ok(rows.load(conn)?)
}
