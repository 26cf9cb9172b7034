//! Who is expected in sessions as they are proposed: trainees who would be in two of them or on shift, and more than a room holds. All of
//! it is told only.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;

use super::{
    super::advice::{Crewed, on_shift},
    super::candidates::{Candidate, Candidates},
    super::conflicts::{Conflict, ConflictKind, Elsewhere, Placement, Subject, in_two_sessions},
    super::model::SessionId,
    super::plan::Plan,
    super::rules::{ClaimKind, Occupied, Resource},
    conflicts::{in_the_way, known, names_of_people, standing},
    links::CHUNK,
};
use crate::{
    access::Actor,
    calendars::{self, CrewShift},
    clock::Instant,
    db::Conn,
    enrollments::EnrollmentState,
    error::Error,
    intakes::{CohortId, Intake, IntakeId, SessionMode},
    organizations::OrganizationId,
    people::PersonId,
    rooms::{RoomId, RoomKind},
    schema::{enrollment_periods, enrollments, rooms as room_rows},
    text::{Code, Name, listed},
};

/// Trainees named in one conflict.
const NAMED: usize = 20;

/// Trainees who are enrolled twice, and whose other cohort has a session at the same time.
pub(super) fn trainees(conn: &mut Conn, actor: &Actor, intake: &Intake, candidates: &Candidates) -> Result<Vec<(usize, Conflict)>, Error> {
    let cohorts = candidates.occupied().into_iter().filter(|one| one.resource.0 == ClaimKind::Cohort);
    let proposed: Vec<(Occupied, CohortId)> = cohorts.map(|one| (one, one.resource.1.cast())).collect();
    let elsewhere = elsewhere(conn, intake.id, &proposed)?;
    let others: HashMap<SessionId, Occupied> = elsewhere.iter().map(|one| (one.other.session_id, one.other)).collect();
    let found = in_two_sessions(&proposed, &elsewhere);
    let known = known(conn, actor, found.keys().map(|(_, other)| *other).collect())?;
    let names = names_of_people(conn, found.values().flatten().map(|person| person.cast()).collect())?;
    let conflict = |((id, other), people): ((SessionId, SessionId), Vec<PersonId>)| {
        let (index, candidate) = candidates.find(id)?;
        let (other, known) = (others.get(&other)?, known.get(&other)?);
        let named = people.iter().map(|person| person.cast()).filter_map(|id| Some(Subject { id, name: names.get(&id)?.clone() }));
        let subjects: Vec<Subject> = named.take(NAMED).collect();
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
    let mut there: HashMap<PersonId, Vec<Placement>> = HashMap::new();
    let mut cohorts: BTreeSet<Resource> = BTreeSet::new();
    for chunk in people.into_iter().collect::<Vec<_>>().chunks(CHUNK) {
        let rows: Vec<PlacementRow> = enrollments::table
            .inner_join(enrollment_periods::table.on(enrollment_periods::enrollment_id.eq(enrollments::id)))
            .filter(enrollments::person_id.eq_any(chunk.to_vec()))
            .filter(enrollments::intake_id.ne(intake))
            .filter(enrollment_periods::state.eq(EnrollmentState::Enrolled))
            .select((enrollments::person_id, enrollment_periods::cohort_id, enrollment_periods::from_at, enrollment_periods::until_at))
            .load(conn)?;
        for placed in rows.into_iter().filter_map(placement) {
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

/// Sessions that do not suit their rooms: where people come, but the room is an online place; and for more trainees than it holds, by
/// whoever is enrolled in their cohorts then.
pub(super) fn unsuited(conn: &mut Conn, candidates: &Candidates) -> Result<Vec<(usize, Conflict)>, Error> {
    let rooms = rooms_of(conn, candidates.all.iter().filter_map(|one| one.plan.room_id).collect())?;
    let room_of = |one: &Candidate| one.plan.room_id.and_then(|id| rooms.get(&id));
    let inside: Vec<(usize, &Candidate, &RoomOf)> =
        candidates.all.iter().enumerate().filter_map(|(index, one)| Some((index, one, room_of(one)?))).collect();
    let bounded = inside.iter().filter(|(_, _, room)| room.capacity.is_some());
    let placed = placed(conn, bounded.flat_map(|(_, one, _)| one.plan.cohort_ids.iter().copied()).collect())?;
    let expected_in = |one: &Candidate| {
        let is_in = |placed: &&Placement| one.plan.cohort_ids.contains(&placed.cohort_id) && placed.covers(one.plan.starts_at);
        placed.iter().filter(is_in).count()
    };
    let mut conflicts = Vec::new();
    for (index, one, room) in inside {
        let Plan { code, mode, .. } = &one.plan;
        let mut warn = |kind, detail| {
            conflicts.push((index, one.warning(kind, vec![room.subject.clone()], detail)));
        };
        if room.kind == RoomKind::Online && matches!(mode, SessionMode::OnSite | SessionMode::Mixed) {
            warn(ConflictKind::RoomKind, format!("people come to session {code}, and {} is an online place", room.subject.name));
        }
        let expected = expected_in(one);
        if let Some(capacity) = room.capacity.filter(|capacity| expected > *capacity) {
            let detail = format!("session {code} is for {expected} trainees; the room {} holds {capacity}", room.subject.name);
            warn(ConflictKind::RoomCapacity, detail);
        }
    }
    Ok(conflicts)
}

struct RoomOf {
    subject: Subject,
    kind: RoomKind,
    capacity: Option<usize>,
}

fn rooms_of(conn: &mut Conn, ids: BTreeSet<RoomId>) -> Result<HashMap<RoomId, RoomOf>, Error> {
    let ids: Vec<RoomId> = ids.into_iter().collect();
    let mut rooms = HashMap::new();
    for chunk in ids.chunks(CHUNK) {
        let rows: Vec<(RoomId, Name, RoomKind, Option<i32>)> = room_rows::table
            .filter(room_rows::id.eq_any(chunk.to_vec()))
            .select((room_rows::id, room_rows::name, room_rows::kind, room_rows::capacity))
            .load(conn)?;
        rooms.extend(rows.into_iter().map(|(id, name, kind, capacity)| {
            let capacity = capacity.and_then(|capacity| usize::try_from(capacity).ok());
            (id, RoomOf { subject: Subject { id: id.cast(), name }, kind, capacity })
        }));
    }
    Ok(rooms)
}

type PlacementRow = (PersonId, Option<CohortId>, Instant, Option<Instant>);

/// None outside every cohort.
fn placement((person_id, cohort_id, from, until): PlacementRow) -> Option<Placement> {
    Some(Placement { person_id, cohort_id: cohort_id?, from, until })
}

fn placed(conn: &mut Conn, cohorts: BTreeSet<CohortId>) -> Result<Vec<Placement>, Error> {
    if cohorts.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<PlacementRow> = enrollment_periods::table
        .inner_join(enrollments::table.on(enrollments::id.eq(enrollment_periods::enrollment_id)))
        .filter(enrollment_periods::cohort_id.eq_any(cohorts.into_iter().collect::<Vec<_>>()))
        .filter(enrollment_periods::state.eq(EnrollmentState::Enrolled))
        .select((enrollments::person_id, enrollment_periods::cohort_id, enrollment_periods::from_at, enrollment_periods::until_at))
        .load(conn)?;
    Ok(rows.into_iter().filter_map(placement).collect())
}

/// Who is on which shift.
type Called<'a> = Vec<(PersonId, &'a CrewShift)>;

/// Sessions during which some of their trainees are on shift, by the calendars of shifts that the intake's provider keeps.
pub(super) fn on_shifts(conn: &mut Conn, intake: &Intake, candidates: &Candidates) -> Result<Vec<(usize, Conflict)>, Error> {
    let calendars = calendars::of_shifts(conn, intake.provider_id)?;
    let sessions = || candidates.all.iter().enumerate().filter(|(_, one)| one.plan.mode != SessionMode::Recorded);
    let span = sessions().map(|(_, one)| one.plan.starts_at).min().zip(sessions().map(|(_, one)| one.plan.ends_at).max());
    let Some(span) = span.filter(|_| !calendars.is_empty()) else {
        return Ok(Vec::new());
    };
    let crewed = crewed(conn, sessions().flat_map(|(_, one)| one.plan.cohort_ids.iter().copied()).collect())?;
    let crews: BTreeSet<Code> = crewed.values().flatten().map(|one| one.crew.1.clone()).collect();
    let shifts = calendars::shifts_of(conn, &calendars, crews, span)?;
    let called = |one: &Candidate| {
        let trainees = one.plan.cohort_ids.iter().filter_map(|cohort| crewed.get(cohort)).flatten();
        on_shift((one.plan.starts_at, one.plan.ends_at), trainees, &shifts)
    };
    let found: Vec<(usize, &Candidate, Called<'_>)> = sessions().map(|(index, one)| (index, one, called(one))).collect();
    let people = found.iter().flat_map(|(_, _, called)| called.iter().take(NAMED)).map(|(person, _)| person.cast());
    let names = names_of_people(conn, people.collect())?;
    let conflict = |(index, one, called): (usize, &Candidate, Called<'_>)| {
        let named = called.iter().filter_map(|(id, _)| Some(Subject { id: id.cast(), name: names.get(&id.cast())?.clone() }));
        let crew = |shift: &CrewShift| shift.name.as_ref().map_or(shift.crew.to_string(), |name| format!("{} ({name})", shift.crew));
        let crews: BTreeSet<String> = called.iter().map(|(_, shift)| crew(shift)).collect();
        let crews = listed(crews.iter().map(String::as_str));
        let detail = format!("session {} is during a shift of {} of its trainees: crew {crews}", one.plan.code, called.len());
        let subjects: Vec<Subject> = named.take(NAMED).collect();
        (!called.is_empty()).then(|| (index, one.warning(ConflictKind::OnShift, subjects, detail)))
    };
    Ok(found.into_iter().filter_map(conflict).collect())
}

/// The trainees of these cohorts who work in a crew, by cohort and in the order of their ids.
fn crewed(conn: &mut Conn, cohorts: BTreeSet<CohortId>) -> Result<HashMap<CohortId, Vec<Crewed>>, Error> {
    let rows: Vec<(PlacementRow, OrganizationId, Code)> = enrollment_periods::table
        .inner_join(enrollments::table.on(enrollments::id.eq(enrollment_periods::enrollment_id)))
        .filter(enrollment_periods::cohort_id.eq_any(cohorts.into_iter().collect::<Vec<_>>()))
        .filter(enrollment_periods::state.eq(EnrollmentState::Enrolled))
        .filter(enrollments::crew.is_not_null())
        .order(enrollments::person_id)
        .select((
            (enrollments::person_id, enrollment_periods::cohort_id, enrollment_periods::from_at, enrollment_periods::until_at),
            enrollments::sponsor_id,
            enrollments::crew.assume_not_null(),
        ))
        .load(conn)?;
    let mut crewed: HashMap<CohortId, Vec<Crewed>> = HashMap::new();
    for (row, sponsor, crew) in rows {
        if let Some(placement) = placement(row) {
            crewed.entry(placement.cohort_id).or_default().push(Crewed { placement, crew: (sponsor, crew) });
        }
    }
    Ok(crewed)
}
