//! Who was called in a session and in another one that was held meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::{
    super::{
        meanwhile::{Presence, counts_twice},
        model::{Attendance, RollCallState, Times},
    },
    is_named,
    verify::CHUNK as PAGE,
    zone,
};
use crate::{
    access::Actor,
    db::{self, CHUNK, Conn},
    error::Error,
    intakes::{IntakeId, SessionMode},
    people::PersonId,
    schedule::{self, SessionId, SessionRow},
    schema::{attendances, enrollments, people, roll_calls, sessions},
    text::{Name, counted},
};

/// Refuses to close a roll call in which somebody is present while a closed one of the intake found them in another session (DOMAIN section 3).
///
/// # Errors
/// 409 `attended_elsewhere`.
pub(super) fn refuse_twice(conn: &mut Conn, actor: &Actor, session: &SessionRow) -> Result<(), Error> {
    let twice = twice(conn, std::slice::from_ref(session))?;
    let Some(Twice { name, other, .. }) = twice.first() else { return Ok(()) };
    let zone = zone(conn, session)?;
    let who = if is_named(actor) { name.to_string() } else { counted(twice.len(), "trainee") };
    let (code, from, until) = (&other.code, zone.told(other.begins_at()), zone.told(other.finishes_at()));
    let detail = format!("called in session {code} ({from} to {until}) as well: {who}; say how long they were here, or take the guest out");
    Err(Error::conflict("attended_elsewhere", detail))
}

/// Somebody whose minutes in a session and in another one would count twice.
struct Twice<'a> {
    person_id: PersonId,
    name: Name,
    session: &'a SessionRow,
    other: SessionRow,
}

/// Who is called in one of these sessions and was found by a closed roll call in another one of its intake, so that minutes would count
/// twice. What is recorded can be watched at any time.
fn twice<'a>(conn: &mut Conn, among: &'a [SessionRow]) -> Result<Vec<Twice<'a>>, Error> {
    let others = meanwhile(conn, among)?;
    let overlaps = |one: &SessionRow, other: &SessionRow| {
        let is_timed = one.mode != SessionMode::Recorded && one.intake_id == other.intake_id && one.id != other.id;
        is_timed && other.begins_at() < one.finishes_at() && other.finishes_at() > one.begins_at()
    };
    let pairs: Vec<(&SessionRow, &SessionRow)> =
        among.iter().flat_map(|one| others.iter().filter(move |other| overlaps(one, other)).map(move |other| (one, other))).collect();
    let found = found(conn, pairs.iter().flat_map(|(one, other)| [one.id, other.id]).collect())?;
    let mut twice = Vec::new();
    for (session, other) in pairs {
        let of = |session: &SessionRow| found.get(&session.id).into_iter().flatten();
        let presence = |session: &SessionRow, line: &Attendance| Presence { times: Times::of(session), line: line.clone() };
        for (person_id, (name, line)) in of(session) {
            let there = of(other).find(|(person, _)| *person == person_id);
            if there.is_some_and(|(_, (_, there))| counts_twice(&presence(session, line), &presence(other, there))) {
                twice.push(Twice { person_id: *person_id, name: name.clone(), session, other: other.clone() });
            }
        }
    }
    Ok(twice)
}

/// The closed sessions of the intakes of these within whose time they lie, by start.
fn meanwhile(conn: &mut Conn, among: &[SessionRow]) -> Result<Vec<SessionRow>, Error> {
    let (first, last) = (among.iter().map(SessionRow::begins_at).min(), among.iter().map(SessionRow::finishes_at).max());
    let (Some(first), Some(last)) = (first, last) else { return Ok(Vec::new()) };
    let intakes: BTreeSet<IntakeId> = among.iter().map(|session| session.intake_id).collect();
    Ok(sessions::table
        .inner_join(roll_calls::table.on(roll_calls::session_id.eq(sessions::id)))
        .filter(sessions::intake_id.eq_any(intakes.into_iter().collect::<Vec<_>>()))
        .filter(sessions::mode.ne(SessionMode::Recorded))
        .filter(roll_calls::state.eq(RollCallState::Closed))
        .filter(schedule::begins_at().lt(last))
        .filter(schedule::finishes_at().gt(first))
        .order((sessions::starts_at, sessions::id))
        .select(SessionRow::as_select())
        .load(conn)?)
}

type Found = BTreeMap<SessionId, BTreeMap<PersonId, (Name, Attendance)>>;

/// What the roll calls of these sessions found of each who was called.
fn found(conn: &mut Conn, ids: BTreeSet<SessionId>) -> Result<Found, Error> {
    let mut found = Found::new();
    for chunk in ids.into_iter().collect::<Vec<_>>().chunks(CHUNK) {
        let rows: Vec<(PersonId, Name, Attendance)> = attendances::table
            .inner_join(enrollments::table.on(enrollments::id.eq(attendances::enrollment_id)))
            .inner_join(people::table.on(people::id.eq(enrollments::person_id)))
            .filter(attendances::session_id.eq_any(chunk.to_vec()))
            .select((people::id, people::name, Attendance::as_select()))
            .load(conn)?;
        for (person, name, line) in rows {
            found.entry(line.session_id).or_default().insert(person, (name, line));
        }
    }
    Ok(found)
}

/// Holds the closed roll calls of each intake against each other: nobody is present in two sessions at one time.
pub fn verify_presence(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let closed = |conn: &mut Conn, after: SessionId| {
        sessions::table
            .inner_join(roll_calls::table.on(roll_calls::session_id.eq(sessions::id)))
            .filter(roll_calls::state.eq(RollCallState::Closed))
            .filter(sessions::id.gt(after))
            .order(sessions::id)
            .limit(PAGE)
            .select(SessionRow::as_select())
            .load(conn)
    };
    db::in_pages(
        conn,
        closed,
        |session| session.id,
        |conn, page: Vec<SessionRow>| {
            let finding = |Twice { person_id, session, other, .. }: Twice| {
                format!("presence: person {person_id} is present in sessions {} and {} at one time", session.id, other.id)
            };
            // Each pair once.
            Ok(twice(conn, &page)?.into_iter().filter(|one| one.session.id < one.other.id).map(finding).collect())
        },
    )
}
