//! Who was called in a session and in another one that was held meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use diesel::prelude::*;

use super::{
    super::{
        meanwhile::{Excess, Presence, crowds},
        model::{Attendance, RollCallState, Times},
    },
    is_named,
    verify::CHUNK as PAGE,
    zone,
};
use crate::{
    access::Actor,
    clock::Instant,
    db::{self, CHUNK, Conn},
    error::Error,
    intakes::{IntakeId, SessionMode},
    ledger::EntryKind,
    people::PersonId,
    schedule::{self, SessionId, SessionRow},
    schema::{attendances, enrollments, hour_entries, people, roll_calls, sessions},
    text::{Name, counted, listed},
    zone::Zone,
};

/// Refuses to close a roll call in which somebody is present while one of the intake that was closed counts them in another session (DOMAIN
/// section 3).
///
/// # Errors
/// 409 `attended_elsewhere`.
pub(super) fn refuse_twice(conn: &mut Conn, actor: &Actor, session: &SessionRow) -> Result<(), Error> {
    let elsewhere = elsewhere(conn, session)?;
    let Some(Twice { others, .. }) = elsewhere.first() else { return Ok(()) };
    let of_others: Vec<&Twice> = elsewhere.iter().filter(|one| one.others == *others).collect();
    let told = |Twice { name, excess: Excess { one, others, passed }, .. }: &&Twice| {
        format!("{name} ({} here and {others} there, while {passed} passed)", counted(*one, "minute"))
    };
    let told: Vec<String> = of_others.iter().map(told).collect();
    let names = if is_named(actor) { format!(": {}", listed(told.iter().map(String::as_str))) } else { String::new() };
    let detail = format!(
        "{} cannot have been here so long and in session {} as its roll call was closed{names}; say how long each was here, or reopen \
         that roll call and close it without them",
        counted(of_others.len(), "trainee"),
        told_of(others, zone(conn, session)?),
    );
    Err(Error::conflict("attended_elsewhere", detail))
}

/// Whoever is present in this session, as it was called, and in another one that counts, so that minutes would count twice.
pub(super) fn elsewhere(conn: &mut Conn, session: &SessionRow) -> Result<Vec<Twice>, Error> {
    twice(conn, &[Counted { session: session.clone(), reopened: None }])
}

/// A session whose roll call counts: by its lines, or, of one that has been reopened, by what it posted, and since when that was held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) session: SessionRow,
    /// When it was posted, of one that has been reopened; it may have been corrected since.
    reopened: Option<(Instant, Instant)>,
}

impl Counted {
    /// When it was held by what counts.
    fn times(&self) -> (Instant, Instant) {
        self.reopened.unwrap_or_else(|| (self.session.begins_at(), self.session.finishes_at()))
    }

    /// Its code and when it was held by what counts.
    fn told(&self, zone: Zone) -> String {
        let (from, until) = self.times();
        format!("{} ({} to {})", self.session.code, zone.told(from), zone.told(until))
    }

    fn overlaps(&self, other: &Self) -> bool {
        let ((from, until), (begins_at, finishes_at)) = (self.times(), other.times());
        let is_timed = self.session.mode != SessionMode::Recorded && self.session.intake_id == other.session.intake_id;
        is_timed && self.session.id != other.session.id && begins_at < until && finishes_at > from
    }

    /// Those of these that overlap it, or one that does, and so on.
    fn chained<'a>(&self, others: &'a [Self]) -> Vec<&'a Self> {
        let mut chained: Vec<&Self> = others.iter().filter(|other| self.overlaps(other)).collect();
        let mut next = 0;
        while let Some(link) = chained.get(next).copied() {
            let known: BTreeSet<SessionId> = chained.iter().map(|one| one.session.id).chain([self.session.id]).collect();
            chained.extend(others.iter().filter(|other| link.overlaps(other) && !known.contains(&other.session.id)));
            next += 1;
        }
        chained
    }
}

/// Their codes and when they were held by what counts.
pub(super) fn told_of(sessions: &[Counted], zone: Zone) -> String {
    sessions.iter().map(|one| one.told(zone)).collect::<Vec<_>>().join(" and ")
}

/// Somebody whose minutes in a session and in others would count twice.
pub(super) struct Twice {
    pub(super) person_id: PersonId,
    pub(super) name: Name,
    session: SessionId,
    pub(super) others: Vec<Counted>,
    pub(super) excess: Excess,
}

/// Who is present in one of these sessions and in others of its intake that count, so that minutes would count twice. What is recorded can
/// be watched at any time.
fn twice(conn: &mut Conn, among: &[Counted]) -> Result<Vec<Twice>, Error> {
    let others = meanwhile(conn, among)?;
    let groups: Vec<(&Counted, Vec<&Counted>)> =
        among.iter().map(|one| (one, one.chained(&others))).filter(|(_, others)| !others.is_empty()).collect();
    let looked_at: BTreeMap<SessionId, &Counted> =
        groups.iter().flat_map(|(one, others)| others.iter().copied().chain([*one])).map(|one| (one.session.id, one)).collect();
    let found = found(conn, &looked_at)?;
    let mut twice = Vec::new();
    for (one, others) in groups {
        let of = |one: &Counted| found.get(&one.session.id).into_iter().flatten();
        for (person_id, name, presence) in of(one) {
            let there = others.iter().copied().flat_map(|other| of(other).map(move |found| (other, found)));
            let own = there.filter(|(_, (person, ..))| person == person_id).map(|(other, (.., there))| (other, there));
            let crowds = crowds(presence, &own.collect::<Vec<_>>());
            twice.extend(crowds.into_iter().map(|(others, excess)| Twice {
                person_id: *person_id,
                name: name.clone(),
                session: one.session.id,
                others: others.into_iter().cloned().collect(),
                excess,
            }));
        }
    }
    Ok(twice)
}

type Row = (SessionRow, RollCallState, Option<Instant>, Option<Instant>);

fn counts((session, state, from, until): Row) -> Counted {
    Counted { session, reopened: from.zip(until).filter(|_| state != RollCallState::Closed) }
}

/// The sessions of the intakes of these that count within a day of them, by start, and all of them that have been reopened.
fn meanwhile(conn: &mut Conn, among: &[Counted]) -> Result<Vec<Counted>, Error> {
    let (first, last) = (among.iter().map(|one| one.times().0).min(), among.iter().map(|one| one.times().1).max());
    let (Some(first), Some(last)) = (first, last) else { return Ok(Vec::new()) };
    let intakes: BTreeSet<IntakeId> = among.iter().map(|one| one.session.intake_id).collect();
    // Those that overlap one of these may themselves be overlapped.
    let day = TimeDelta::days(1);
    let is_within = schedule::begins_at().lt(last.plus(day)).and(schedule::finishes_at().gt(first.plus(-day)));
    let rows: Vec<Row> = sessions::table
        .inner_join(roll_calls::table.on(roll_calls::session_id.eq(sessions::id)))
        .filter(sessions::intake_id.eq_any(intakes.into_iter().collect::<Vec<_>>()))
        .filter(sessions::mode.ne(SessionMode::Recorded))
        .filter(roll_calls::closings.gt(0))
        .filter(roll_calls::state.ne(RollCallState::Closed).or(is_within))
        .order((sessions::starts_at, sessions::id))
        .select((SessionRow::as_select(), roll_calls::state, roll_calls::posted_starts_at, roll_calls::posted_ends_at))
        .load(conn)?;
    Ok(rows.into_iter().map(counts).collect())
}

type Found = BTreeMap<SessionId, Vec<(PersonId, Name, Presence)>>;

/// Who was present in these sessions.
fn found(conn: &mut Conn, sessions: &BTreeMap<SessionId, &Counted>) -> Result<Found, Error> {
    let mut found = Found::new();
    for chunk in sessions.keys().copied().collect::<Vec<_>>().chunks(CHUNK) {
        let lines: Vec<(PersonId, Name, Attendance)> = attendances::table
            .inner_join(enrollments::table.on(enrollments::id.eq(attendances::enrollment_id)))
            .inner_join(people::table.on(people::id.eq(enrollments::person_id)))
            .filter(attendances::session_id.eq_any(chunk.to_vec()))
            .order((people::id, enrollments::id))
            .select((people::id, people::name, Attendance::as_select()))
            .load(conn)?;
        for (person, name, line) in lines {
            if let Some(Counted { session, reopened: None }) = sessions.get(&line.session_id) {
                found.entry(session.id).or_default().push((person, name, Presence::called(Times::of(session), &line)));
            }
        }
        for (session, person, name, minutes) in posted(conn, chunk)? {
            if let Some(one) = sessions.get(&session).filter(|one| one.reopened.is_some()) {
                found.entry(session).or_default().push((person, name, Presence::posted(one.times(), minutes)));
            }
        }
    }
    Ok(found)
}

type Posted = (SessionId, PersonId, Name, i32);

/// What is posted as attended in these sessions, and as made up there.
fn posted(conn: &mut Conn, ids: &[SessionId]) -> Result<Vec<Posted>, Error> {
    let ids: Vec<Option<SessionId>> = ids.iter().copied().map(Some).collect();
    let attended = hour_entries::session_id.eq_any(ids.clone()).and(hour_entries::kind.eq(EntryKind::Attended));
    type Entry = ((Option<SessionId>, Option<SessionId>), PersonId, Name, i32);
    let rows: Vec<Entry> = hour_entries::table
        .inner_join(enrollments::table.on(enrollments::id.eq(hour_entries::enrollment_id)))
        .inner_join(people::table.on(people::id.eq(enrollments::person_id)))
        .filter(attended.or(hour_entries::made_up_in_id.eq_any(ids)))
        .select(((hour_entries::session_id, hour_entries::made_up_in_id), people::id, people::name, hour_entries::minutes))
        .load(conn)?;
    let mut sums: BTreeMap<(SessionId, PersonId), (Name, i32)> = BTreeMap::new();
    for ((session, made_up_in), person, name, minutes) in rows {
        if let Some(session) = made_up_in.or(session) {
            sums.entry((session, person)).or_insert((name, 0)).1 += minutes;
        }
    }
    Ok(sums.into_iter().map(|((session, person), (name, minutes))| (session, person, name, minutes)).collect())
}

/// Holds the roll calls of each intake that were closed against each other: nobody is present in two sessions at one time.
pub fn verify_presence(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let counted = |conn: &mut Conn, after: SessionId| {
        sessions::table
            .inner_join(roll_calls::table.on(roll_calls::session_id.eq(sessions::id)))
            .filter(roll_calls::closings.gt(0))
            .filter(sessions::id.gt(after))
            .order(sessions::id)
            .limit(PAGE)
            .select((SessionRow::as_select(), roll_calls::state, roll_calls::posted_starts_at, roll_calls::posted_ends_at))
            .load::<Row>(conn)
    };
    db::in_pages(
        conn,
        counted,
        |(session, ..)| session.id,
        |conn, page: Vec<Row>| {
            let page: Vec<Counted> = page.into_iter().map(counts).collect();
            let finding = |Twice { person_id, session, others, .. }: Twice| {
                let others: Vec<String> = others.iter().map(|other| other.session.id.to_string()).collect();
                format!("presence: person {person_id} is present in sessions {session} and {} at one time", others.join(" and "))
            };
            // Each of them once.
            let is_first = |one: &Twice| one.others.iter().all(|other| one.session < other.session.id);
            Ok(twice(conn, &page)?.into_iter().filter(is_first).map(finding).collect())
        },
    )
}
