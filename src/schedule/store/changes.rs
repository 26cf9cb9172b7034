//! The changes of published sessions, and whom each concerns. They are written with the change itself and never altered.

use std::collections::{BTreeSet, HashMap};

use diesel::{dsl::exists, prelude::*};
use serde::de::DeserializeOwned;

use super::{
    super::changes::{
        Concern, Facts, ScheduleChange, ScheduleChangeId, ScheduleChangeKind, ScheduleChangeRow, Standing, Successor, message,
    },
    super::model::{Session, SessionId},
    conflicts::names_of_cohorts,
    find,
    invited::is_guest,
};
use crate::{
    access::{Action, Actor, Scope, advised, provided, shown_to},
    clock::Instant,
    db::{CHUNK, Conn, MultiBackend, for_backend},
    enrollments::{EnrollmentId, enrolled_at},
    error::Error,
    id::Id,
    intakes::IntakeId,
    organizations::OrganizationId,
    people::{self, PersonId, PersonKind},
    schema::{enrollment_periods, enrollments, guests as guest_rows, intakes, modules, session_change_audience, session_changes, sessions},
    text::{Code, Name, Note},
    zone::Zone,
};

/// What became of one session.
pub(super) struct NewChange<'a> {
    pub(super) before: &'a Session,
    /// None of what was cancelled.
    pub(super) after: Option<&'a Session>,
    /// What replaces a cancelled session, or continues one that was split.
    pub(super) successor: Option<&'a Successor>,
    pub(super) reason: &'a Note,
}

/// Somebody or a cohort that a change concerns, in what way, and the start at which it is asked who is placed there.
pub(super) type Concerned = (Concern, Id<()>, Instant);

/// Records changes of published sessions, each of which raised the sequence of its session; of a draft nobody has heard.
pub(super) fn record(conn: &mut Conn, actor: &Actor, now: Instant, changes: Vec<NewChange>) -> Result<(), Error> {
    let mut rows = Vec::new();
    let mut audience: Vec<(ScheduleChangeId, Concerned)> = Vec::new();
    let sessions = changes.iter().flat_map(|change| [Some(change.before), change.after]).flatten();
    let cohorts = names_of_cohorts(conn, sessions.flat_map(|session| session.cohort_ids.iter().map(|id| id.cast())).collect())?;
    let guests = guests_of(conn, changes.iter().map(|change| change.before.row.id).collect())?;
    for NewChange { before, after, successor, reason } in changes {
        let standing = |session: &Session| Standing::of(session, &cohorts, guests.get(&session.row.id).cloned().unwrap_or_default());
        let (stood, stands) = (standing(before), after.map(standing));
        let id = Id::generate();
        let concerned: BTreeSet<Concerned> = [Some(&stood), stands.as_ref()].into_iter().flatten().flat_map(concerned).collect();
        audience.extend(concerned.into_iter().map(|one| (id, one)));
        rows.push(ScheduleChangeRow {
            id,
            session_id: before.row.id,
            intake_id: before.row.intake_id,
            kind: ScheduleChangeKind::of(before, after),
            before_values: serde_json::to_string(&stood).map_err(Error::internal)?,
            after_values: stands.map(|stands| serde_json::to_string(&stands)).transpose().map_err(Error::internal)?,
            successor: successor.map(serde_json::to_string).transpose().map_err(Error::internal)?,
            reason: reason.clone(),
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

pub(super) fn concerned(standing: &Standing) -> impl Iterator<Item = Concerned> {
    let at = standing.starts_at;
    let cohorts = standing.cohorts.iter().map(move |cohort| (Concern::Cohort, cohort.id, at));
    let instructors = standing.instructors.iter().map(move |instructor| (Concern::Instructor, instructor.id, at));
    cohorts.chain(instructors).chain(standing.guests.iter().map(move |guest| (Concern::Guest, guest.cast(), at)))
}

/// The enrollments that make up another session in one of these, by id: of those that were invited who is enrolled when it begins and does
/// not owe it.
pub(super) fn guests_of(conn: &mut Conn, sessions: Vec<SessionId>) -> Result<HashMap<SessionId, Vec<EnrollmentId>>, Error> {
    let mut guests: HashMap<SessionId, Vec<EnrollmentId>> = HashMap::new();
    for chunk in sessions.chunks(CHUNK) {
        let rows: Vec<(SessionId, EnrollmentId)> = guest_rows::table
            .inner_join(sessions::table.on(sessions::id.eq(guest_rows::session_id)))
            .inner_join(enrollment_periods::table.on(enrollment_periods::enrollment_id.eq(guest_rows::enrollment_id)))
            .filter(guest_rows::session_id.eq_any(chunk.to_vec()))
            .filter(is_guest())
            .order(guest_rows::enrollment_id)
            .select((guest_rows::session_id, guest_rows::enrollment_id))
            .load(conn)?;
        for (session, enrollment) in rows {
            guests.entry(session).or_default().push(enrollment);
        }
    }
    Ok(guests)
}

/// The changes of a session that the actor sees, the newest first, after `cursor`: all of them for the provider, for the others those that
/// concern them. A class adviser is concerned by what concerns the own cohorts, a partner by what concerns the own trainees.
pub(in crate::schedule) fn of_session(
    conn: &mut Conn,
    actor: &Actor,
    id: SessionId,
    (cursor, limit): (Option<ScheduleChangeId>, i64),
) -> Result<Vec<ScheduleChange>, Error> {
    find(conn, actor, id)?;
    let changes = session_changes::table.filter(session_changes::session_id.eq(id)).into_boxed::<MultiBackend>();
    let changes = match actor.scope() {
        Scope::Everything | Scope::Provider(_) => changes,
        Scope::Teacher(person, _) => {
            changes.filter(session_changes::id.eq_any(of_instructor(person).select(session_change_audience::change_id)))
        }
        // Asked of each change: as a list of ids, Postgres would make that of all changes which concern the house first.
        Scope::Own(person, _) => {
            let (placed, invited) = (of_trainee(person).filter(is_of_change()), of_guest(person).filter(is_of_change()));
            changes.filter(exists(placed).or(exists(invited)))
        }
        Scope::Sponsor(partner, at) => {
            let (placed, invited) = (of_partner(partner, at).filter(is_of_change()), of_guests_partner(partner, at).filter(is_of_change()));
            changes.filter(exists(placed).or(exists(invited)))
        }
        Scope::Adviser(person, provider) => {
            changes.filter(session_changes::id.eq_any(of_adviser(person, provider).select(session_change_audience::change_id)))
        }
    };
    let changes = match cursor {
        Some(cursor) => changes.filter(session_changes::id.lt(cursor)),
        None => changes,
    };
    let rows = changes.order(session_changes::id.desc()).limit(limit).select(ScheduleChangeRow::as_select()).load(conn)?;
    told(conn, rows)
}

/// The changes that concern a person, the newest first, after `cursor`: as instructor before or after, as a trainee placed in one of the
/// cohorts when the session was to begin, before or after, or as a guest.
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
    let provider = match actor.scope() {
        Scope::Everything => None,
        Scope::Provider(provider) => Some(provider),
        Scope::Teacher(person, provider) | Scope::Own(person, provider) if person == id => Some(provider),
        Scope::Teacher(..) | Scope::Own(..) | Scope::Adviser(..) | Scope::Sponsor(..) => {
            return Err(Error::Forbidden("only one's own changes are told to an instructor or a trainee".to_owned()));
        }
    };
    let asked = Asked { provider, intakes: actor.only_intakes(), from, cursor, limit };
    let ids = concerning(conn, id, &asked)?;
    let rows = session_changes::table.filter(session_changes::id.eq_any(ids)).order(session_changes::id.desc());
    let rows = rows.select(ScheduleChangeRow::as_select()).load(conn)?;
    told(conn, rows)
}

/// Which of the changes that concern a person are asked for.
struct Asked {
    provider: Option<OrganizationId>,
    intakes: Option<Vec<IntakeId>>,
    from: Option<Instant>,
    cursor: Option<ScheduleChangeId>,
    limit: i64,
}

/// The ids of the newest that are asked for, among those that concern somebody. A macro, as a boxed query over joined tables
/// has a type that nobody wants to write.
macro_rules! newest {
    ($conn:expr, $asked:expr, $concerned:expr) => {{
        let Asked { provider, ref intakes, from, cursor, limit } = *$asked;
        let id = session_change_audience::change_id;
        let mut newest = $concerned
            .inner_join(session_changes::table.on(session_changes::id.eq(session_change_audience::change_id)))
            .select(id)
            .distinct()
            .order(id.desc())
            .limit(limit)
            .into_boxed::<MultiBackend>();
        if let Some(provider) = provider {
            newest = newest.filter(session_changes::intake_id.eq_any(provided(provider)));
        }
        if let Some(intakes) = intakes {
            newest = newest.filter(session_changes::intake_id.eq_any(intakes.clone()));
        }
        if let Some(from) = from {
            newest = newest.filter(session_changes::created_at.ge(from));
        }
        if let Some(cursor) = cursor {
            newest = newest.filter(id.lt(cursor));
        }
        newest.load::<ScheduleChangeId>($conn)?
    }};
}

/// The ids of the changes that concern a person, the newest first. Whom they concern is asked first, and apart for each of the three ways:
/// asked at once, and of the changes, Postgres walks through those of everybody until it has found enough.
fn concerning(conn: &mut Conn, person: PersonId, asked: &Asked) -> Result<Vec<ScheduleChangeId>, Error> {
    let mut ids: BTreeSet<ScheduleChangeId> = newest!(conn, asked, of_instructor(person)).into_iter().collect();
    ids.extend(newest!(conn, asked, of_trainee(person)));
    ids.extend(newest!(conn, asked, of_guest(person)));
    let limit = usize::try_from(asked.limit).map_err(Error::internal)?;
    Ok(ids.into_iter().rev().take(limit).collect())
}

#[diesel::dsl::auto_type]
fn is_of_change() -> _ {
    session_change_audience::change_id.eq(session_changes::id)
}

/// Whom changes concern, where that is this instructor.
#[diesel::dsl::auto_type]
fn of_instructor(person: PersonId) -> _ {
    let kind: Concern = Concern::Instructor;
    let person: Id<()> = person.cast::<()>();
    session_change_audience::table.filter(session_change_audience::kind.eq(kind)).filter(session_change_audience::resource_id.eq(person))
}

/// Whom changes concern, where that is a cohort that this person looks after.
#[diesel::dsl::auto_type]
fn of_adviser(person: PersonId, provider: OrganizationId) -> _ {
    let kind: Concern = Concern::Cohort;
    let own: advised = advised(person, provider);
    session_change_audience::table.filter(session_change_audience::kind.eq(kind)).filter(session_change_audience::resource_id.eq_any(own))
}

/// Whom changes concern, where that is a cohort, with each enrollment that is placed in it when the session is to begin.
#[diesel::dsl::auto_type]
fn placed() -> _ {
    let kind: Concern = Concern::Cohort;
    session_change_audience::table
        .inner_join(enrollment_periods::table.on(enrollment_periods::cohort_id.eq(session_change_audience::resource_id.nullable())))
        .inner_join(enrollments::table.on(enrollments::id.eq(enrollment_periods::enrollment_id)))
        .filter(session_change_audience::kind.eq(kind))
        .filter(enrolled_at(session_change_audience::starts_at))
}

/// [`placed`] of a trainee.
#[diesel::dsl::auto_type]
fn of_trainee(person: PersonId) -> _ {
    let placed: placed = placed();
    placed.filter(enrollments::person_id.eq(person))
}

/// [`placed`] of those whom a partner is shown.
#[diesel::dsl::auto_type]
fn of_partner(partner: OrganizationId, at: Instant) -> _ {
    let placed: placed = placed();
    let shown: shown_to = shown_to(partner, at);
    placed.filter(enrollments::unit_id.eq_any(shown))
}

/// Whom changes concern, where that is an enrollment that makes up another session.
#[diesel::dsl::auto_type]
fn invited() -> _ {
    let kind: Concern = Concern::Guest;
    session_change_audience::table
        .inner_join(enrollments::table.on(enrollments::id.eq(session_change_audience::resource_id)))
        .filter(session_change_audience::kind.eq(kind))
}

/// [`invited`] of a trainee.
#[diesel::dsl::auto_type]
fn of_guest(person: PersonId) -> _ {
    let invited: invited = invited();
    invited.filter(enrollments::person_id.eq(person))
}

/// [`invited`] of those whom a partner is shown.
#[diesel::dsl::auto_type]
fn of_guests_partner(partner: OrganizationId, at: Instant) -> _ {
    let invited: invited = invited();
    let shown: shown_to = shown_to(partner, at);
    invited.filter(enrollments::unit_id.eq_any(shown))
}

/// Code, module with its latin name, and zone.
type FactsOfSession = (Code, Name, Option<Name>, Zone);

/// These changes as they are told: one statement, however many there are up to a chunk.
fn told(conn: &mut Conn, rows: Vec<ScheduleChangeRow>) -> Result<Vec<ScheduleChange>, Error> {
    let mut facts: HashMap<SessionId, FactsOfSession> = HashMap::new();
    for chunk in distinct(rows.iter().map(|row| row.session_id)).chunks(CHUNK) {
        let found: Vec<(SessionId, FactsOfSession)> = sessions::table
            .inner_join(modules::table.on(modules::id.eq(sessions::module_id)))
            .inner_join(intakes::table.on(intakes::id.eq(sessions::intake_id)))
            .filter(sessions::id.eq_any(chunk.to_vec()))
            .select((sessions::id, (sessions::code, modules::name, modules::latin_name, intakes::time_zone)))
            .load(conn)?;
        facts.extend(found);
    }
    let tell = |row: ScheduleChangeRow| {
        let (code, module, latin_module, zone) = facts.get(&row.session_id).cloned().ok_or(Error::NotFound)?;
        let before = read::<Standing>(&row.before_values)?.told(zone);
        let after = row.after_values.as_deref().map(read::<Standing>).transpose()?.map(|after| after.told(zone));
        let successor = row.successor.as_deref().map(read::<Successor>).transpose()?;
        let ScheduleChangeRow { id, session_id, intake_id, kind, reason, created_at, .. } = row;
        let message = message(&Facts {
            code: &code,
            module: &module,
            latin_module: latin_module.as_ref(),
            zone,
            before: &before,
            after: after.as_ref(),
            successor: successor.as_ref(),
            reason: &reason,
        });
        let (replacement, continuation) = if after.is_none() { (successor, None) } else { (None, successor) };
        Ok(ScheduleChange {
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
            continuation,
            reason,
            created_at,
            message,
        })
    };
    rows.into_iter().map(tell).collect()
}

pub(super) fn read<T: DeserializeOwned>(values: &str) -> Result<T, Error> {
    serde_json::from_str(values).map_err(Error::internal)
}

fn distinct<T: Ord>(ids: impl Iterator<Item = T>) -> Vec<T> {
    ids.collect::<BTreeSet<T>>().into_iter().collect()
}
