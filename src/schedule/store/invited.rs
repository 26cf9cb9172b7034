//! Who was invited to sessions, to make up another one there.

use std::collections::{BTreeSet, HashMap};

use diesel::{
    dsl::{exists, not},
    prelude::*,
};

use super::{
    super::candidates::{Candidate, Candidates},
    super::conflicts::{Conflict, ConflictKind, Subject},
    super::expected::{Guest, Invited, Stay},
    super::model::{SessionId, SessionState},
    super::rules::Occupied,
    begins_at,
    conflicts::{in_the_way, people_of, reach},
    expected::{ENROLLED, NAMED},
    finishes_at,
};
use crate::{
    clock::Instant,
    db::{CHUNK, Conn},
    enrollments::{EnrollmentState, enrolled_at},
    error::Error,
    id::Id,
    intakes::{Intake, IntakeId, SessionMode},
    people::PersonId,
    schema::{enrollment_periods, enrollments, guests, session_cohorts, sessions},
    text::{Code, counted},
};

/// Whether who was invited to a session is enrolled when it begins and does not owe it.
#[diesel::dsl::auto_type]
pub(super) fn is_guest() -> _ {
    let owed = session_cohorts::table
        .filter(session_cohorts::session_id.eq(guests::session_id))
        .filter(session_cohorts::cohort_id.nullable().eq(enrollment_periods::cohort_id));
    enrolled_at(begins_at()).and(not(exists(owed)))
}

/// Who was invited to those of the proposed sessions that stand already.
pub(super) fn invited(conn: &mut Conn, candidates: &Candidates) -> Result<Invited, Error> {
    let stored: BTreeSet<SessionId> = candidates.all.iter().filter_map(|one| one.stored).collect();
    let mut invited: Vec<(SessionId, Guest)> = Vec::new();
    for chunk in stored.into_iter().collect::<Vec<_>>().chunks(CHUNK) {
        let of_sessions = guests::table
            .inner_join(enrollments::table.on(enrollments::id.eq(guests::enrollment_id)))
            .inner_join(enrollment_periods::table.on(enrollment_periods::enrollment_id.eq(guests::enrollment_id)))
            .filter(guests::session_id.eq_any(chunk.to_vec()))
            .filter(enrollment_periods::state.eq(EnrollmentState::Enrolled))
            .order((enrollments::person_id, enrollment_periods::from_at))
            .select((guests::session_id, (ENROLLED, guests::missed_session_id, enrollments::sponsor_id, enrollments::crew)));
        invited.extend(of_sessions.load::<(SessionId, Guest)>(conn)?);
    }
    Ok(Invited::of(invited))
}

/// Who comes as a guest to the sessions of these intakes around these times: found by the guests, of whom there are few.
pub(super) fn invited_within(conn: &mut Conn, intakes: BTreeSet<IntakeId>, proposed: &[Occupied]) -> Result<Vec<Stay>, Error> {
    let Some((earliest, last)) = reach(proposed) else {
        return Ok(Vec::new());
    };
    let mut stays = Vec::new();
    for chunk in intakes.into_iter().collect::<Vec<_>>().chunks(CHUNK) {
        let of_intakes = guests::table
            .inner_join(enrollments::table.on(enrollments::id.eq(guests::enrollment_id)))
            .inner_join(enrollment_periods::table.on(enrollment_periods::enrollment_id.eq(guests::enrollment_id)))
            .inner_join(sessions::table.on(sessions::id.eq(guests::session_id)))
            .filter(guests::intake_id.eq_any(chunk.to_vec()))
            .filter(sessions::state.eq_any([SessionState::Published, SessionState::Held]))
            .filter(sessions::mode.ne(SessionMode::Recorded))
            .filter(begins_at().gt(earliest))
            .filter(begins_at().lt(last))
            .filter(is_guest())
            .select((
                enrollments::person_id,
                sessions::intake_id,
                sessions::id,
                begins_at(),
                finishes_at(),
                guests::missed_session_id.nullable(),
            ));
        stays.extend(of_intakes.load::<Stay>(conn)?);
    }
    Ok(stays)
}

/// Those who were invited to a session and would owe it, so that what they attend there makes up nothing.
pub(super) fn owing(conn: &mut Conn, candidates: &Candidates, invited: &Invited) -> Result<Vec<(usize, Conflict)>, Error> {
    let people = |one: &Candidate| invited.owing(one).map(|guest| guest.enrolled.person_id).collect::<Vec<_>>();
    let owing: Vec<(&Candidate, usize, Vec<PersonId>)> =
        candidates.all.iter().enumerate().map(|(index, one)| (one, index, people(one))).filter(|(.., people)| !people.is_empty()).collect();
    let subjects = people_of(conn, owing.iter().flat_map(|(.., people)| people).map(|person| person.cast()).collect())?;
    let conflict = |(one, index, people): (&Candidate, usize, Vec<PersonId>)| {
        let who = counted(people.len(), "trainee");
        let detail = format!("session {} is owed by {who} who came as a guest; what they attend makes up nothing", one.plan.code);
        (index, one.warning(ConflictKind::Guests, named(&subjects, &people), detail))
    };
    Ok(owing.into_iter().map(conflict).collect())
}

fn named(subjects: &HashMap<Id<()>, Subject>, people: &[PersonId]) -> Vec<Subject> {
    people.iter().filter_map(|person| subjects.get(&person.cast()).cloned()).take(NAMED).collect()
}

/// Somebody who makes up a session in another one: that one, its code, start and end.
type MakingUp = (SessionId, SessionId, Code, Instant, Instant, PersonId);

/// Whom cancelled sessions leave without what they came to: their own guests, and those who make them up in other sessions. By session.
pub(super) fn stranded(conn: &mut Conn, intake: &Intake, cancelled: &Candidates) -> Result<Vec<Conflict>, Error> {
    let invited = invited(conn, cancelled)?;
    let making_up = making_up(conn, cancelled)?;
    let guests = cancelled.all.iter().flat_map(|one| invited.guests(one)).map(|guest| guest.enrolled.person_id);
    let people = guests.chain(making_up.iter().map(|(.., person)| *person)).map(|person| person.cast());
    let subjects = people_of(conn, people.collect())?;
    let mut found = Vec::new();
    for one in &cancelled.all {
        let code = &one.plan.code;
        let guests: Vec<PersonId> = invited.guests(one).map(|guest| guest.enrolled.person_id).collect();
        if !guests.is_empty() {
            let detail = format!("session {code} was to have {}; invite them to another", counted(guests.len(), "guest"));
            found.push(one.warning(ConflictKind::Guests, named(&subjects, &guests), detail));
        }
        let own: Vec<&MakingUp> = making_up.iter().filter(|(missed, ..)| *missed == one.id).collect();
        for group in own.chunk_by(|(_, one, ..), (_, next, ..)| one == next) {
            let Some((_, other, there, starts_at, ends_at, _)) = group.first() else { continue };
            let (people, times) = (group.iter().map(|(.., person)| *person).collect::<Vec<_>>(), (*starts_at, *ends_at));
            let (who, where_to) = (counted(people.len(), "guest"), in_the_way(there, false, times, intake));
            let detail = format!("session {code} was to be made up by {who} of {where_to}; take them out");
            let other = Some(cancelled.other(*other, times, there.clone()));
            found.push(Conflict { other, ..one.warning(ConflictKind::Guests, named(&subjects, &people), detail) });
        }
    }
    Ok(found)
}

/// Who makes up one of these sessions in one that takes place, by that one and person.
fn making_up(conn: &mut Conn, missed: &Candidates) -> Result<Vec<MakingUp>, Error> {
    let ids: Vec<SessionId> = missed.all.iter().map(|one| one.id).collect();
    let mut making_up = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let rows = guests::table
            .inner_join(enrollments::table.on(enrollments::id.eq(guests::enrollment_id)))
            .inner_join(enrollment_periods::table.on(enrollment_periods::enrollment_id.eq(guests::enrollment_id)))
            .inner_join(sessions::table.on(sessions::id.eq(guests::session_id)))
            .filter(guests::missed_session_id.eq_any(chunk.to_vec()))
            .filter(sessions::state.eq_any([SessionState::Published, SessionState::Held]))
            .filter(is_guest())
            .order((sessions::starts_at, sessions::id, enrollments::person_id))
            .select((guests::missed_session_id, sessions::id, sessions::code, begins_at(), finishes_at(), enrollments::person_id));
        making_up.extend(rows.load::<MakingUp>(conn)?);
    }
    Ok(making_up)
}
