//! The changes of published sessions, and whom each concerns. They are written with the change itself and never altered.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;

use super::{
    super::changes::{
        Facts, Replacement, ScheduleChange, ScheduleChangeId, ScheduleChangeKind, ScheduleChangeRow, Standing, Told, message,
    },
    super::conflicts::Subject,
    super::model::{Session, SessionId},
    super::rules::ClaimKind,
    find,
    links::CHUNK,
};
use crate::{
    access::{Action, Actor, Scope, provided},
    clock::Instant,
    db::{Conn, MultiBackend, for_backend},
    enrollments::EnrollmentState,
    error::Error,
    id::Id,
    intakes::{CohortId, Intake},
    people::{self, PersonId, PersonKind},
    rooms::RoomId,
    schema::{
        cohorts, enrollment_periods, enrollments, intakes, modules, people as person_rows, rooms as room_rows, session_change_audience,
        session_changes, sessions,
    },
    text::{Code, Name, Note},
    zone::Zone,
};

/// What became of one session.
pub(super) struct NewChange<'a> {
    pub(super) before: &'a Session,
    /// None of what was cancelled.
    pub(super) after: Option<&'a Session>,
    pub(super) reason: Option<&'a Note>,
}

/// Somebody or a cohort that a change concerns, and the start at which it is asked who is placed there.
type Concerned = (ClaimKind, Id<()>, Instant);

/// Records changes of published sessions of one intake; of a draft nobody has heard, and what alters nothing that is told is none.
pub(super) fn record(conn: &mut Conn, actor: &Actor, now: Instant, intake: &Intake, changes: Vec<NewChange>) -> Result<(), Error> {
    let mut rows = Vec::new();
    let mut audience: Vec<(ScheduleChangeId, Concerned)> = Vec::new();
    for NewChange { before, after, reason } in changes {
        let (stood, stands) = (Standing::of(before), after.map(Standing::of));
        if stands.as_ref() == Some(&stood) {
            continue;
        }
        let id = Id::generate();
        let concerned: BTreeSet<Concerned> = [Some(&stood), stands.as_ref()].into_iter().flatten().flat_map(concerned).collect();
        audience.extend(concerned.into_iter().map(|one| (id, one)));
        rows.push(ScheduleChangeRow {
            id,
            session_id: before.row.id,
            intake_id: intake.id,
            kind: if stands.is_some() { ScheduleChangeKind::Moved } else { ScheduleChangeKind::Cancelled },
            before_values: serde_json::to_string(&stood).map_err(Error::internal)?,
            after_values: stands.map(|stands| serde_json::to_string(&stands)).transpose().map_err(Error::internal)?,
            reason: reason.cloned(),
            user_id: actor.user_id(),
            created_at: now,
        });
    }
    for chunk in rows.chunks(CHUNK) {
        for_backend!(conn, |c| diesel::insert_into(session_changes::table).values(chunk).execute(c))?;
    }
    for chunk in audience.chunks(CHUNK) {
        let rows: Vec<_> = chunk
            .iter()
            .map(|(change, (kind, resource, starts_at))| {
                (
                    session_change_audience::kind.eq(*kind),
                    session_change_audience::resource_id.eq(*resource),
                    session_change_audience::change_id.eq(*change),
                    session_change_audience::starts_at.eq(*starts_at),
                )
            })
            .collect();
        for_backend!(conn, |c| diesel::insert_into(session_change_audience::table).values(rows).execute(c))?;
    }
    Ok(())
}

fn concerned(standing: &Standing) -> impl Iterator<Item = Concerned> {
    let at = standing.starts_at;
    let cohorts = standing.cohort_ids.iter().map(move |id| (ClaimKind::Cohort, id.cast(), at));
    cohorts.chain(standing.instructor_ids.iter().map(move |id| (ClaimKind::Instructor, id.cast(), at)))
}

type Rows = session_changes::BoxedQuery<'static, MultiBackend>;

/// The changes of a session that the actor sees, the newest first, after `cursor`.
pub(in crate::schedule) fn of_session(
    conn: &mut Conn,
    actor: &Actor,
    id: SessionId,
    (cursor, limit): (Option<ScheduleChangeId>, i64),
) -> Result<Vec<ScheduleChange>, Error> {
    find(conn, actor, id)?;
    page(conn, session_changes::table.filter(session_changes::session_id.eq(id)).into_boxed(), cursor, limit)
}

/// The changes that concern a person, the newest first, after `cursor`: as instructor before or after, or as a trainee placed in one of the
/// cohorts when the session was to begin, before or after.
///
/// # Errors
/// 404 for whom the actor does not see; 403 for whose schedule is not the actor's to know.
pub(in crate::schedule) fn of_person(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    id: PersonId,
    from: Option<Instant>,
    (cursor, limit): (Option<ScheduleChangeId>, i64),
) -> Result<Vec<ScheduleChange>, Error> {
    match people::find(conn, actor, now, PersonKind::Trainee, id) {
        Err(Error::NotFound) => people::find(conn, actor, now, PersonKind::Instructor, id)?,
        found => found?,
    };
    actor.may(Action::ReadChanges)?;
    let changes = session_changes::table.into_boxed();
    let changes = match actor.scope() {
        Scope::Everything => changes,
        Scope::Provider(provider) => changes.filter(session_changes::intake_id.eq_any(provided(provider))),
        Scope::Teacher(person, provider) if person == id => changes.filter(session_changes::intake_id.eq_any(provided(provider))),
        Scope::Own(person) if person == id => changes,
        Scope::Teacher(..) | Scope::Own(_) | Scope::Adviser(..) | Scope::Sponsor(_) => {
            return Err(Error::Forbidden("only one's own changes are told to an instructor or a trainee".to_owned()));
        }
    };
    let changes = match actor.only_intake() {
        Some(intake) => changes.filter(session_changes::intake_id.eq(intake)),
        None => changes,
    };
    let changes = match from {
        Some(from) => changes.filter(session_changes::created_at.ge(from)),
        None => changes,
    };
    let taught = session_change_audience::table
        .filter(session_change_audience::kind.eq(ClaimKind::Instructor))
        .filter(session_change_audience::resource_id.eq(id.cast::<()>()))
        .select(session_change_audience::change_id);
    let placed = session_change_audience::table
        .inner_join(enrollment_periods::table.on(enrollment_periods::cohort_id.eq(session_change_audience::resource_id.nullable())))
        .inner_join(enrollments::table.on(enrollments::id.eq(enrollment_periods::enrollment_id)))
        .filter(session_change_audience::kind.eq(ClaimKind::Cohort))
        .filter(enrollments::person_id.eq(id))
        .filter(enrollment_periods::state.eq(EnrollmentState::Enrolled))
        .filter(enrollment_periods::from_at.le(session_change_audience::starts_at))
        .filter(
            enrollment_periods::until_at
                .is_null()
                .or(enrollment_periods::until_at.assume_not_null().gt(session_change_audience::starts_at)),
        )
        .select(session_change_audience::change_id);
    page(conn, changes.filter(session_changes::id.eq_any(taught).or(session_changes::id.eq_any(placed))), cursor, limit)
}

fn page(conn: &mut Conn, changes: Rows, cursor: Option<ScheduleChangeId>, limit: i64) -> Result<Vec<ScheduleChange>, Error> {
    let changes = match cursor {
        Some(cursor) => changes.filter(session_changes::id.lt(cursor)),
        None => changes,
    };
    let rows = changes.order(session_changes::id.desc()).limit(limit).select(ScheduleChangeRow::as_select()).load(conn)?;
    told(conn, rows)
}

/// A change as stored, with its two standings read back.
struct Read {
    row: ScheduleChangeRow,
    before: Standing,
    after: Option<Standing>,
}

type SessionFacts = (Code, Name, Zone, Option<SessionId>);

/// These changes with today's names: one statement for each kind of thing named, however many changes there are up to a chunk.
fn told(conn: &mut Conn, rows: Vec<ScheduleChangeRow>) -> Result<Vec<ScheduleChange>, Error> {
    let read = |row: ScheduleChangeRow| {
        let before = serde_json::from_str(&row.before_values).map_err(Error::internal)?;
        let after = row.after_values.as_deref().map(serde_json::from_str).transpose().map_err(Error::internal)?;
        Ok(Read { row, before, after })
    };
    let changes = rows.into_iter().map(read).collect::<Result<Vec<Read>, Error>>()?;
    let mut facts: HashMap<SessionId, SessionFacts> = HashMap::new();
    for chunk in distinct(changes.iter().map(|one| one.row.session_id)).chunks(CHUNK) {
        let found: Vec<(SessionId, SessionFacts)> = sessions::table
            .inner_join(modules::table.on(modules::id.eq(sessions::module_id)))
            .inner_join(intakes::table.on(intakes::id.eq(sessions::intake_id)))
            .filter(sessions::id.eq_any(chunk.to_vec()))
            .select((sessions::id, (sessions::code, modules::name, intakes::time_zone, sessions::replaced_by_id)))
            .load(conn)?;
        facts.extend(found);
    }
    let mut replacements: HashMap<SessionId, Replacement> = HashMap::new();
    for chunk in distinct(facts.values().filter_map(|(.., other)| *other)).chunks(CHUNK) {
        let found: Vec<(SessionId, Code, Instant, Instant)> = sessions::table
            .filter(sessions::id.eq_any(chunk.to_vec()))
            .select((sessions::id, sessions::code, sessions::starts_at, sessions::ends_at))
            .load(conn)?;
        replacements.extend(found.into_iter().map(|(id, code, starts_at, ends_at)| (id, Replacement { id, code, starts_at, ends_at })));
    }
    let names = Names::of(conn, &changes)?;
    let tell = |one: Read| {
        let (code, module, zone, other) = facts.get(&one.row.session_id).cloned()?;
        let (before, after) = (names.tell(&one.before, zone), one.after.as_ref().map(|after| names.tell(after, zone)));
        let replacement = other.filter(|_| after.is_none()).and_then(|other| replacements.get(&other)).cloned();
        let ScheduleChangeRow { id, session_id, intake_id, kind, reason, created_at, .. } = one.row;
        let (replaced, reason_told) = (replacement.as_ref(), reason.as_ref());
        let facts = Facts {
            code: &code,
            module: &module,
            zone,
            before: &before,
            after: after.as_ref(),
            replacement: replaced,
            reason: reason_told,
        };
        let message = message(&facts);
        Some(ScheduleChange {
            id,
            session_id,
            intake_id,
            code,
            module,
            kind,
            time_zone: zone,
            before,
            after,
            replacement,
            reason,
            created_at,
            message,
        })
    };
    Ok(changes.into_iter().filter_map(tell).collect())
}

fn distinct<T: Ord>(ids: impl Iterator<Item = T>) -> Vec<T> {
    ids.collect::<BTreeSet<T>>().into_iter().collect()
}

/// What is called what.
struct Names {
    rooms: HashMap<RoomId, Name>,
    cohorts: HashMap<CohortId, Name>,
    people: HashMap<PersonId, Name>,
}

/// The names in `$table` of these ids.
macro_rules! names_in {
    ($conn:expr, $table:ident, $ids:expr) => {{
        let mut names = HashMap::new();
        for chunk in distinct($ids).chunks(CHUNK) {
            let found = $table::table.filter($table::id.eq_any(chunk.to_vec())).select(($table::id, $table::name));
            names.extend(found.load::<(_, Name)>($conn)?);
        }
        names
    }};
}

impl Names {
    fn of(conn: &mut Conn, changes: &[Read]) -> Result<Self, Error> {
        let standings = || changes.iter().flat_map(|one| [Some(&one.before), one.after.as_ref()]).flatten();
        Ok(Self {
            rooms: names_in!(conn, room_rows, standings().filter_map(|standing| standing.room_id)),
            cohorts: names_in!(conn, cohorts, standings().flat_map(|standing| standing.cohort_ids.iter().copied())),
            people: names_in!(conn, person_rows, standings().flat_map(|standing| standing.instructor_ids.iter().copied())),
        })
    }

    fn tell(&self, standing: &Standing, zone: Zone) -> Told {
        let room = standing.room_id.and_then(|id| self.rooms.get(&id)).map(Name::as_str);
        let place: Vec<&str> = room.into_iter().chain(standing.place.as_ref().map(|place| place.as_str())).collect();
        Told {
            starts_at: standing.starts_at,
            ends_at: standing.ends_at,
            local_starts_at: zone.local(standing.starts_at),
            local_ends_at: zone.local(standing.ends_at),
            mode: standing.mode,
            place: if place.is_empty() { None } else { Some(place.join(", ")) },
            cohorts: named(&self.cohorts, &standing.cohort_ids),
            instructors: named(&self.people, &standing.instructor_ids),
        }
    }
}

fn named<T>(names: &HashMap<Id<T>, Name>, ids: &[Id<T>]) -> Vec<Subject> {
    ids.iter().filter_map(|id| Some(Subject { id: id.cast(), name: names.get(id)?.clone() })).collect()
}
