//! Whom a session is for and who teaches it: the tables that link sessions with cohorts and instructors.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::NaiveDate;
use diesel::{prelude::*, sql_types::Date};

use super::super::{
    model::{Instructor, RoomOfSession, Session, SessionId, SessionRow},
    plan::Plan,
    rules::added,
};
use crate::{
    access::Actor,
    db::{self, CHUNK, Conn, for_backend, types::Uid},
    error::Error,
    intakes::{CohortId, Intake, IntakeId},
    organizations::below,
    people::PersonId,
    rooms::RoomId,
    schema::{enrollments, intakes, people, rooms as room_rows, session_cohorts, session_instructors},
};

/// The sessions of these rows: one query for their cohorts and one for their instructors, whatever their number up to a chunk.
pub fn whole(conn: &mut Conn, rows: Vec<SessionRow>) -> Result<Vec<Session>, Error> {
    let ids: Vec<SessionId> = rows.iter().map(|row| row.id).collect();
    let mut cohorts: HashMap<SessionId, Vec<CohortId>> = HashMap::new();
    let mut instructors: HashMap<SessionId, Vec<Instructor>> = HashMap::new();
    for chunk in ids.chunks(CHUNK) {
        let found: Vec<(SessionId, CohortId)> = session_cohorts::table
            .filter(session_cohorts::session_id.eq_any(chunk.to_vec()))
            .order((session_cohorts::session_id, session_cohorts::cohort_id))
            .select((session_cohorts::session_id, session_cohorts::cohort_id))
            .load(conn)?;
        for (session, cohort) in found {
            cohorts.entry(session).or_default().push(cohort);
        }
        let found: Vec<(SessionId, Instructor)> = session_instructors::table
            .inner_join(people::table.on(people::id.eq(session_instructors::person_id)))
            .filter(session_instructors::session_id.eq_any(chunk.to_vec()))
            .order((session_instructors::session_id, session_instructors::lead.desc(), session_instructors::person_id))
            .select((
                session_instructors::session_id,
                (session_instructors::person_id, people::name, people::latin_name, session_instructors::lead, session_instructors::title),
            ))
            .load(conn)?;
        for (session, instructor) in found {
            instructors.entry(session).or_default().push(instructor);
        }
    }
    let rooms = rooms_of(conn, &rows)?;
    let whole = |row: SessionRow| {
        let (cohorts, instructors) = (cohorts.remove(&row.id), instructors.remove(&row.id));
        let room = row.room_id.and_then(|id| rooms.get(&id)).cloned();
        Session::of(row, room, cohorts.unwrap_or_default(), instructors.unwrap_or_default())
    };
    Ok(rows.into_iter().map(whole).collect())
}

fn rooms_of(conn: &mut Conn, rows: &[SessionRow]) -> Result<HashMap<RoomId, RoomOfSession>, Error> {
    let ids: BTreeSet<RoomId> = rows.iter().filter_map(|row| row.room_id).collect();
    let mut rooms = HashMap::new();
    for chunk in ids.into_iter().collect::<Vec<_>>().chunks(CHUNK) {
        let found: Vec<RoomOfSession> =
            room_rows::table.filter(room_rows::id.eq_any(chunk.to_vec())).select(RoomOfSession::as_select()).load(conn)?;
        rooms.extend(found.into_iter().map(|room| (room.id, room)));
    }
    Ok(rooms)
}

pub(in crate::schedule) fn whole_one(conn: &mut Conn, row: SessionRow) -> Result<Session, Error> {
    whole(conn, vec![row])?.pop().ok_or(Error::NotFound)
}

/// Refuses people who are no instructors, or whom the actor's provider neither recorded nor enrolled.
///
/// # Errors
/// [`Error::NotFound`], for the two are not told apart.
pub(in crate::schedule) fn find_instructors(conn: &mut Conn, actor: &Actor, ids: HashSet<PersonId>) -> Result<(), Error> {
    let ids: Vec<PersonId> = ids.into_iter().collect();
    let mut found = 0;
    for chunk in ids.chunks(CHUNK) {
        let mut query = people::table.filter(people::instructor).filter(people::id.eq_any(chunk.to_vec())).select(people::id).into_boxed();
        if let Some(provider) = actor.organization_id() {
            let enrolled = enrollments::table
                .inner_join(intakes::table.on(intakes::id.eq(enrollments::intake_id)))
                .filter(intakes::provider_id.eq_any(below(provider)))
                .select(enrollments::person_id);
            query = query.filter(people::provider_id.eq_any(below(provider)).or(people::id.eq_any(enrolled)));
        }
        found += query.load::<PersonId>(conn)?.len();
    }
    if found == ids.len() { Ok(()) } else { Err(Error::NotFound) }
}

/// Links new sessions with the cohorts and instructors of their plans; the first instructor leads.
pub(in crate::schedule) fn insert(conn: &mut Conn, intake: IntakeId, plans: &[(SessionId, &Plan)]) -> Result<(), Error> {
    let cohorts = plans.iter().flat_map(|(session, plan)| plan.cohort_ids.iter().map(|cohort| (*session, *cohort))).collect();
    insert_cohorts(conn, intake, cohorts)?;
    let instructors = plans.iter().flat_map(|(session, plan)| {
        plan.instructor_ids.iter().map(|person| (*session, *person, plan.instructor_ids.first() == Some(person)))
    });
    insert_instructors(conn, instructors.collect())
}

fn insert_cohorts(conn: &mut Conn, intake: IntakeId, links: Vec<(SessionId, CohortId)>) -> Result<(), Error> {
    for chunk in links.chunks(CHUNK) {
        let rows: Vec<_> = chunk
            .iter()
            .map(|(session, cohort)| {
                (session_cohorts::session_id.eq(*session), session_cohorts::cohort_id.eq(*cohort), session_cohorts::intake_id.eq(intake))
            })
            .collect();
        for_backend!(conn, |c| diesel::insert_into(session_cohorts::table).values(rows).execute(c))?;
    }
    Ok(())
}

fn insert_instructors(conn: &mut Conn, links: Vec<(SessionId, PersonId, bool)>) -> Result<(), Error> {
    for chunk in links.chunks(CHUNK) {
        let rows: Vec<_> = chunk
            .iter()
            .map(|(session, person, lead)| {
                (
                    session_instructors::session_id.eq(*session),
                    session_instructors::person_id.eq(*person),
                    session_instructors::lead.eq(*lead),
                )
            })
            .collect();
        for_backend!(conn, |c| diesel::insert_into(session_instructors::table).values(rows).execute(c))?;
    }
    Ok(())
}

/// A session, its plan as it stands and the one that it gets.
pub(in crate::schedule) type Replanned<'a> = (SessionId, &'a Plan, &'a Plan);

/// By what is in `of` each of these, the sessions that it is of: one statement for each of them, however many sessions there are.
fn by_part<'a, T: Ord + Copy>(plans: &[Replanned<'a>], of: impl Fn(&'a Plan, &'a Plan) -> Vec<T>) -> BTreeMap<T, Vec<SessionId>> {
    let mut sessions: BTreeMap<T, Vec<SessionId>> = BTreeMap::new();
    for (session, before, now) in plans {
        of(before, now).into_iter().for_each(|one| sessions.entry(one).or_default().push(*session));
    }
    sessions
}

/// Unlinks whom the sessions are no longer for. Before the sessions themselves move: what leaves one must not be claimed at the new time.
pub(in crate::schedule) fn remove_left(conn: &mut Conn, plans: &[Replanned]) -> Result<(), Error> {
    for (cohort, sessions) in by_part(plans, |before, now| added(&now.cohort_ids, &before.cohort_ids)) {
        for chunk in sessions.chunks(CHUNK) {
            let links = session_cohorts::table.filter(session_cohorts::session_id.eq_any(chunk.to_vec()));
            diesel::delete(links.filter(session_cohorts::cohort_id.eq(cohort))).execute(conn)?;
        }
    }
    for (person, sessions) in by_part(plans, |before, now| added(&now.instructor_ids, &before.instructor_ids)) {
        for chunk in sessions.chunks(CHUNK) {
            let links = session_instructors::table.filter(session_instructors::session_id.eq_any(chunk.to_vec()));
            diesel::delete(links.filter(session_instructors::person_id.eq(person))).execute(conn)?;
        }
    }
    Ok(())
}

/// Links the cohorts and instructors that came to the sessions, and says who leads. After the sessions themselves have moved: a claim is
/// made for the time at which its session then is.
pub(in crate::schedule) fn insert_joined(conn: &mut Conn, intake: IntakeId, plans: &[Replanned]) -> Result<(), Error> {
    let cohorts = plans
        .iter()
        .flat_map(|(session, before, now)| added(&before.cohort_ids, &now.cohort_ids).into_iter().map(|cohort| (*session, cohort)));
    insert_cohorts(conn, intake, cohorts.collect())?;
    let instructors = plans.iter().flat_map(|(session, before, now)| {
        added(&before.instructor_ids, &now.instructor_ids).into_iter().map(|person| (*session, person, false))
    });
    insert_instructors(conn, instructors.collect())?;
    let lead = |before: &Plan, now: &Plan| {
        now.instructor_ids.first().filter(|_| now.instructor_ids != before.instructor_ids).copied().into_iter().collect()
    };
    for (lead, sessions) in by_part(plans, lead) {
        for chunk in sessions.chunks(CHUNK) {
            let links = session_instructors::table.filter(session_instructors::session_id.eq_any(chunk.to_vec()));
            let is_lead = session_instructors::person_id.eq(lead);
            diesel::update(links).set(session_instructors::lead.eq(is_lead)).execute(conn)?;
        }
    }
    Ok(())
}

/// Pins the title that each of these instructors of `session` has on `day`: that of a post at the intake's provider before others, then that of the
/// latest post.
pub(in crate::schedule) fn pin_titles(
    conn: &mut Conn,
    intake: &Intake,
    session: SessionId,
    (people, day): (&[PersonId], NaiveDate),
) -> Result<(), Error> {
    for person in people {
        db::fixed(
            "UPDATE session_instructors SET title = (SELECT a.title FROM affiliations a
            WHERE a.person_id = session_instructors.person_id AND a.title IS NOT NULL
                AND (a.from_date IS NULL OR a.from_date <= ?) AND (a.until_date IS NULL OR a.until_date > ?)
            ORDER BY a.organization_id = (SELECT o.root_id FROM organizations o WHERE o.id = ?) DESC, a.from_date DESC NULLS LAST, a.id DESC
            LIMIT 1)
         WHERE session_id = ? AND person_id = ?",
        )
        .bind::<Date, _>(day)
        .bind::<Date, _>(day)
        .bind::<Uid, _>(intake.provider_id)
        .bind::<Uid, _>(session)
        .bind::<Uid, _>(*person)
        .execute(conn)?;
    }
    Ok(())
}
