//! What a coordinator should think over before sessions are published as proposed: told only, for none of it is wrong by itself.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;

use super::{
    super::{
        advice::{Crewed, Load, Period, beyond_caps, on_shift, week_around},
        candidates::{Candidate, Candidates},
        conflicts::{Conflict, ConflictKind, Subject},
        expected::{Enrolled, Guest, Invited},
        model::SessionId,
        rules::ClaimKind,
    },
    conflicts::people_of,
    expected::{ENROLLED, NAMED, timed},
};
use crate::{
    calendars::{self, CrewShift},
    clock::Instant,
    db::{CHUNK, Conn},
    enrollments::EnrollmentState,
    error::Error,
    id::Id,
    instructors::{self, Profile},
    intakes::{CohortId, Intake},
    organizations::OrganizationId,
    people::PersonId,
    programs::ModuleId,
    schema::{
        claims, disciplines, enrollment_periods, enrollments, intakes as intake_rows, modules, organization_tree, organizations, sessions,
    },
    text::{Code, listed},
};

/// All of it, each with the place of its session.
pub(super) fn advice(
    conn: &mut Conn,
    intake: &Intake,
    candidates: &Candidates,
    invited: &Invited,
) -> Result<Vec<(usize, Conflict)>, Error> {
    let mut found = holidays(conn, intake, candidates)?;
    found.extend(of_instructors(conn, intake, candidates)?);
    found.extend(on_shifts(conn, intake, candidates, invited)?);
    Ok(found)
}

/// Sessions that begin on a day off of the intake's calendar, in the intake's zone.
fn holidays(conn: &mut Conn, intake: &Intake, candidates: &Candidates) -> Result<Vec<(usize, Conflict)>, Error> {
    let Some(calendar) = intake.holiday_calendar_id else {
        return Ok(Vec::new());
    };
    let date = |one: &Candidate| intake.time_zone.date(one.plan.starts_at);
    let dates: BTreeSet<_> = timed(candidates).map(|(_, one)| date(one)).collect();
    if dates.is_empty() {
        return Ok(Vec::new());
    }
    let (calendar, off) = calendars::days_off(conn, calendar, &dates)?;
    let subject = Subject::of(calendar.id, calendar.name);
    let conflict = |(index, one): (usize, &Candidate)| {
        let date = date(one);
        let why = off.get(&date)?;
        let detail = format!("session {} is on {date}, which is off: {why}", one.plan.code);
        Some((index, one.warning(ConflictKind::Holiday, vec![subject.clone()], detail)))
    };
    Ok(timed(candidates).filter_map(conflict).collect())
}

/// Instructors who are not available or not known to be qualified, or who would teach more than they may.
fn of_instructors(conn: &mut Conn, intake: &Intake, candidates: &Candidates) -> Result<Vec<(usize, Conflict)>, Error> {
    let people = candidates.all.iter().flat_map(|one| one.plan.instructor_ids.iter().copied());
    let profiles = instructors::profiles_of(conn, people.collect())?;
    if profiles.is_empty() {
        return Ok(Vec::new());
    }
    let subjects = people_of(conn, profiles.keys().map(|person| person.cast()).collect())?;
    let mut found = Vec::new();
    let mut tell = |(index, one): (usize, &Candidate), person: PersonId, kind, detail: &dyn Fn(&str) -> String| {
        if let Some(subject) = subjects.get(&person.cast()) {
            let detail = detail(subject.in_english().as_str());
            found.push((index, one.warning(kind, vec![subject.clone()], detail)));
        }
    };
    for ((index, one), profile) in taught_by(&profiles, timed(candidates)) {
        if !profile.is_available(one.plan.starts_at, one.plan.ends_at) {
            let zone = profile.time_zone;
            let (from, until) = (zone.told(one.plan.starts_at), zone.told(one.plan.ends_at));
            tell((index, one), profile.person_id, ConflictKind::InstructorUnavailable, &|name| {
                format!("{name} is not available for session {} ({from} to {until} in {zone})", one.plan.code)
            });
        }
    }
    let disciplines = disciplines_of_modules(conn, intake, &profiles)?;
    for ((index, one), profile) in taught_by(&profiles, candidates.all.iter().enumerate()) {
        if let Some(discipline) = disciplines.get(&one.plan.module_id).filter(|code| profile.is_unqualified_for(code)) {
            let known = listed(profile.disciplines.iter().map(Code::as_str));
            tell((index, one), profile.person_id, ConflictKind::InstructorUnqualified, &|name| {
                format!("{name} is qualified for {known}; session {} is of {discipline}", one.plan.code)
            });
        }
    }
    let loads = taught_by(&profiles, timed(candidates)).map(|((index, one), profile)| (index, one.load(profile.person_id)));
    let loads: Vec<(usize, Load)> = loads.collect();
    let standing = standing_loads(conn, intake, &profiles, candidates, &loads)?;
    let together = candidates.together(&loads, |(index, _)| *index).into_iter();
    for beyond in together.flat_map(|loads| beyond_caps(&profiles, &standing, loads)) {
        let Some(one) = candidates.all.get(beyond.index) else { continue };
        let (kind, when) = match beyond.period {
            Period::Day(date) => (ConflictKind::DailyCap, format!("on {date}")),
            Period::Week(monday) => (ConflictKind::WeeklyCap, format!("in the week from {monday}")),
        };
        tell((beyond.index, one), beyond.person_id, kind, &|name| {
            let (code, minutes, cap) = (&one.plan.code, beyond.minutes, beyond.cap);
            format!("with session {code} {name} teaches {minutes} minutes {when}; the cap is {cap}")
        });
    }
    Ok(found)
}

/// Each session with each of its instructors of whom something is known.
fn taught_by<'a>(
    profiles: &'a HashMap<PersonId, Profile>,
    sessions: impl Iterator<Item = (usize, &'a Candidate)>,
) -> impl Iterator<Item = ((usize, &'a Candidate), &'a Profile)> {
    sessions
        .flat_map(move |(index, one)| one.plan.instructor_ids.iter().filter_map(move |person| Some(((index, one), profiles.get(person)?))))
}

/// The codes of the disciplines of the intake's modules; those that are common to all have none. Nothing where nobody's are known.
fn disciplines_of_modules(
    conn: &mut Conn,
    intake: &Intake,
    profiles: &HashMap<PersonId, Profile>,
) -> Result<HashMap<ModuleId, Code>, Error> {
    if profiles.values().all(|profile| profile.disciplines.is_empty()) {
        return Ok(HashMap::new());
    }
    let of_modules = modules::table
        .inner_join(disciplines::table.on(disciplines::id.nullable().eq(modules::discipline_id)))
        .filter(modules::program_version_id.eq(intake.program_version_id))
        .select((modules::id, disciplines::code));
    Ok(of_modules.load::<(ModuleId, Code)>(conn)?.into_iter().collect())
}

/// A session, who teaches it, when it begins, its minutes as planned and as held.
type LoadRow = (SessionId, Id<()>, Instant, i32, Option<i32>);

/// What those who have a cap teach already in the weeks of these loads, for the house of the intake's provider; without the candidates.
fn standing_loads(
    conn: &mut Conn,
    intake: &Intake,
    profiles: &HashMap<PersonId, Profile>,
    candidates: &Candidates,
    loads: &[(usize, Load)],
) -> Result<Vec<Load>, Error> {
    let week = |(_, load): &(usize, Load)| {
        profiles.get(&load.person_id).and_then(|profile| Some((load.person_id, week_around(profile, load.starts_at)?)))
    };
    let weeks: Vec<(PersonId, (Instant, Instant))> = loads.iter().filter_map(week).collect();
    let (first, last) = (weeks.iter().map(|(_, (from, _))| *from).min(), weeks.iter().map(|(_, (_, until))| *until).max());
    let Some((first, last)) = first.zip(last) else {
        return Ok(Vec::new());
    };
    let people: Vec<Id<()>> = weeks.iter().map(|(person, _)| person.cast()).collect::<BTreeSet<_>>().into_iter().collect();
    let mut standing = Vec::new();
    for chunk in people.chunks(CHUNK) {
        let root = organizations::table.filter(organizations::id.eq(intake.provider_id)).select(organizations::root_id);
        let house = organization_tree::table.filter(organization_tree::ancestor_id.eq_any(root)).select(organization_tree::descendant_id);
        let rows: Vec<LoadRow> = claims::table
            .inner_join(sessions::table.on(sessions::id.eq(claims::session_id)))
            .inner_join(intake_rows::table.on(intake_rows::id.eq(sessions::intake_id)))
            .filter(claims::kind.eq(ClaimKind::Instructor))
            .filter(claims::resource_id.eq_any(chunk.to_vec()))
            .filter(claims::starts_at.ge(first))
            .filter(claims::starts_at.lt(last))
            .filter(intake_rows::provider_id.eq_any(house))
            .select((claims::session_id, claims::resource_id, claims::starts_at, sessions::minutes, sessions::held_minutes))
            .load(conn)?;
        let others = rows.into_iter().filter(|(session, ..)| !candidates.replace(*session));
        standing.extend(others.map(|(_, person, starts_at, minutes, held)| Load {
            person_id: person.cast(),
            starts_at,
            minutes: held.unwrap_or(minutes),
        }));
    }
    Ok(standing)
}

/// Who is on which shift.
type Called<'a> = Vec<(PersonId, &'a CrewShift)>;

/// Sessions during which some of their trainees, guests among them, are on shift, by the calendars of shifts that the intake's provider keeps.
fn on_shifts(conn: &mut Conn, intake: &Intake, candidates: &Candidates, invited: &Invited) -> Result<Vec<(usize, Conflict)>, Error> {
    let calendars = calendars::of_shifts(conn, intake.provider_id)?;
    let span = timed(candidates).map(|(_, one)| one.plan.starts_at).min().zip(timed(candidates).map(|(_, one)| one.plan.ends_at).max());
    let Some(span) = span.filter(|_| !calendars.is_empty()) else {
        return Ok(Vec::new());
    };
    let crewed = crewed(conn, timed(candidates).flat_map(|(_, one)| one.plan.cohort_ids.iter().copied()).collect())?;
    let guests: HashMap<SessionId, Vec<Crewed>> =
        timed(candidates).map(|(_, one)| (one.id, invited.guests(one).filter_map(Guest::crewed).collect())).collect();
    let crews: BTreeSet<Code> = crewed.values().chain(guests.values()).flatten().map(|one| one.crew.1.clone()).collect();
    let shifts = calendars::shifts_of(conn, &calendars, crews, span)?;
    let called = |one: &Candidate| {
        let trainees = one.plan.cohort_ids.iter().filter_map(|cohort| crewed.get(cohort)).chain(guests.get(&one.id)).flatten();
        on_shift((one.plan.starts_at, one.plan.ends_at), trainees, &shifts)
    };
    let found: Vec<(usize, &Candidate, Called<'_>)> = timed(candidates).map(|(index, one)| (index, one, called(one))).collect();
    let people = found.iter().flat_map(|(_, _, called)| called.iter().take(NAMED)).map(|(person, _)| person.cast());
    let subjects = people_of(conn, people.collect())?;
    let conflict = |(index, one, called): (usize, &Candidate, Called<'_>)| {
        let named = called.iter().filter_map(|(id, _)| subjects.get(&id.cast()).cloned());
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
    let rows: Vec<(Enrolled, OrganizationId, Code)> = enrollment_periods::table
        .inner_join(enrollments::table.on(enrollments::id.eq(enrollment_periods::enrollment_id)))
        .filter(enrollment_periods::cohort_id.eq_any(cohorts.into_iter().collect::<Vec<_>>()))
        .filter(enrollment_periods::state.eq(EnrollmentState::Enrolled))
        .filter(enrollments::crew.is_not_null())
        .order(enrollments::person_id)
        .select((ENROLLED, enrollments::sponsor_id, enrollments::crew.assume_not_null()))
        .load(conn)?;
    let mut crewed: HashMap<CohortId, Vec<Crewed>> = HashMap::new();
    for (enrolled, sponsor, crew) in rows {
        if let Some(cohort) = enrolled.cohort_id {
            crewed.entry(cohort).or_default().push(Crewed { enrolled, crew: (sponsor, crew) });
        }
    }
    Ok(crewed)
}
