//! The table of sessions. What they occupy is claimed and given back by the triggers on it.

pub(super) mod advice;
pub(super) mod changes;
pub(super) mod check;
pub(super) mod conflicts;
pub(super) mod drafts;
pub(super) mod expected;
pub(super) mod held;
pub(super) mod invited;
pub(super) mod links;
pub(super) mod moves;
pub(super) mod occurrences;
pub(super) mod placements;
pub(super) mod places;
pub(super) mod plan;
pub(super) mod preview;
pub(super) mod retention;
pub(super) mod series;
pub(super) mod steps;
pub(super) mod suitability;
pub(super) mod verify;
pub(super) mod waivers;

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::NaiveDate;
use diesel::{dsl::case_when, prelude::*};

use self::{links::whole, steps::publish_as};
use super::{
    candidates::Candidate,
    model::{Cursor, Session, SessionFilter, SessionId, SessionRow, SessionState, UNHELD},
    plan::{NewSession, Plan},
    rules::{Days, Frame, unless_all_valid},
};
use crate::{
    access::{Action, Actor, Scope, advised, provided, shown},
    attendance::RollCallState,
    clock::Instant,
    db::{self, CHUNK, Conn, MultiBackend, for_backend},
    error::Error,
    id::Id,
    intakes::{self, CohortId, Intake, IntakeId},
    journal::NewEntry,
    people::PersonId,
    programs::{DisciplineId, ModuleId},
    rooms,
    schema::{
        attendances, enrollment_periods, enrollments, guests, intakes as intake_rows, modules, roll_calls, session_cohorts,
        session_instructors, sessions,
    },
    text::{Code, counted},
    zone::Zone,
};

/// What was published, with what of it was held or cancelled since. A draft that was cancelled has counted nothing, for nobody had been
/// told of it.
#[diesel::dsl::auto_type]
pub fn is_announced() -> _ {
    let draft: SessionState = SessionState::Draft;
    let cancelled: SessionState = SessionState::Cancelled;
    sessions::state.ne(draft).and(sessions::state.ne(cancelled).or(sessions::sequence.gt(0_i32)))
}

/// When a session begins: as planned, or as it was held.
#[diesel::dsl::auto_type]
pub fn begins_at() -> _ {
    case_when(sessions::held_starts_at.is_not_null(), sessions::held_starts_at.assume_not_null()).otherwise(sessions::starts_at)
}

/// When a session ends: as planned, or as it was held.
#[diesel::dsl::auto_type]
pub fn finishes_at() -> _ {
    case_when(sessions::held_ends_at.is_not_null(), sessions::held_ends_at.assume_not_null()).otherwise(sessions::ends_at)
}

/// The sessions in the actor's scope. Drafts are the provider's own and its class advisers', cancelled ones too.
pub fn visible(actor: &Actor) -> sessions::BoxedQuery<'static, MultiBackend> {
    let announced = || sessions::table.into_boxed().filter(is_announced());
    let query = match actor.scope() {
        Scope::Everything => sessions::table.into_boxed(),
        Scope::Provider(provider) => sessions::table.into_boxed().filter(sessions::intake_id.eq_any(provided(provider))),
        Scope::Sponsor(partner, at) => announced().filter(shown!(sessions::intake_id, partner, at)),
        Scope::Adviser(person, provider) => {
            let own = session_cohorts::table.filter(session_cohorts::cohort_id.eq_any(advised(person, provider)));
            sessions::table.into_boxed().filter(sessions::id.eq_any(own.select(session_cohorts::session_id)))
        }
        Scope::Teacher(person, provider) => {
            let own = session_instructors::table.filter(session_instructors::person_id.eq(person)).select(session_instructors::session_id);
            announced().filter(sessions::intake_id.eq_any(provided(provider))).filter(sessions::id.eq_any(own))
        }
        Scope::Own(person, provider) => {
            let placed = session_cohorts::table
                .inner_join(enrollment_periods::table.on(enrollment_periods::cohort_id.eq(session_cohorts::cohort_id.nullable())))
                .inner_join(enrollments::table.on(enrollments::id.eq(enrollment_periods::enrollment_id)))
                .filter(enrollments::person_id.eq(person));
            let invited = guests::table
                .inner_join(enrollments::table.on(enrollments::id.eq(guests::enrollment_id)))
                .filter(enrollments::person_id.eq(person));
            let own = sessions::id.eq_any(placed.select(session_cohorts::session_id));
            let own = own.or(sessions::id.eq_any(invited.select(guests::session_id)));
            announced().filter(sessions::intake_id.eq_any(provided(provider))).filter(own)
        }
    };
    match actor.only_intakes() {
        Some(only) => query.filter(sessions::intake_id.eq_any(only)),
        None => query,
    }
}

/// The sessions of an intake after `cursor`, by start and id.
pub(super) fn list(
    conn: &mut Conn,
    actor: &Actor,
    intake: IntakeId,
    filter: SessionFilter,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Vec<Session>, Error> {
    intakes::find(conn, actor, intake)?;
    actor.may(Action::ReadSessions)?;
    let mut query = visible(actor)
        .filter(sessions::intake_id.eq(intake))
        .order((sessions::starts_at, sessions::id))
        .limit(limit)
        .select(SessionRow::as_select());
    if let Some(cohort) = filter.cohort_id {
        let of_cohort = session_cohorts::table.filter(session_cohorts::cohort_id.eq(cohort)).select(session_cohorts::session_id);
        query = query.filter(sessions::id.eq_any(of_cohort));
    }
    if let Some(series) = filter.series_id {
        query = query.filter(sessions::series_id.eq(series));
    }
    if let Some(from) = filter.from {
        query = query.filter(sessions::starts_at.ge(from));
    }
    if let Some(until) = filter.until {
        query = query.filter(sessions::starts_at.lt(until));
    }
    if let Some(state) = filter.state {
        query = query.filter(sessions::state.eq(state));
    }
    if let Some(code) = filter.code {
        query = query.filter(sessions::code.eq(code));
    }
    if let Some(Cursor { starts_at, id }) = cursor {
        let after = sessions::starts_at.gt(starts_at).or(sessions::starts_at.eq(starts_at).and(sessions::id.gt(id)));
        // The first half alone would do; it is what the index can begin at.
        query = query.filter(sessions::starts_at.ge(starts_at)).filter(after);
    }
    let rows = query.load(conn)?;
    let rows = without_hidden(conn, actor, rows)?;
    let sessions = whole(conn, rows)?;
    held::tell_confirmed(conn, actor, sessions)
}

/// These sessions, of which none names a replacement that the actor does not see, such as a draft.
fn without_hidden(conn: &mut Conn, actor: &Actor, mut rows: Vec<SessionRow>) -> Result<Vec<SessionRow>, Error> {
    let named: Vec<SessionId> = rows.iter().filter_map(|row| row.replaced_by_id).collect();
    let mut seen: HashSet<SessionId> = HashSet::new();
    for chunk in named.chunks(CHUNK) {
        seen.extend(visible(actor).filter(sessions::id.eq_any(chunk.to_vec())).select(sessions::id).load::<SessionId>(conn)?);
    }
    for row in &mut rows {
        row.replaced_by_id = row.replaced_by_id.filter(|id| seen.contains(id));
    }
    Ok(rows)
}

/// The session, if the actor sees it.
pub fn find(conn: &mut Conn, actor: &Actor, id: SessionId) -> Result<SessionRow, Error> {
    let row = visible(actor).filter(sessions::id.eq(id)).select(SessionRow::as_select()).first(conn)?;
    actor.may(Action::ReadSessions)?;
    Ok(row)
}

/// Those of these sessions that the actor sees.
pub fn seen_of(conn: &mut Conn, actor: &Actor, ids: Vec<SessionId>) -> Result<BTreeSet<SessionId>, Error> {
    let seen: Vec<SessionId> = visible(actor).filter(sessions::id.eq_any(ids)).select(sessions::id).load(conn)?;
    Ok(seen.into_iter().collect())
}

/// The session with its cohorts and instructors, if the actor sees it.
pub(super) fn read(conn: &mut Conn, actor: &Actor, id: SessionId) -> Result<Session, Error> {
    let row = find(conn, actor, id)?;
    let rows = without_hidden(conn, actor, vec![row])?;
    whole(conn, rows)?.pop().ok_or(Error::NotFound)
}

/// The same, with who confirmed it as held.
pub(super) fn told(conn: &mut Conn, actor: &Actor, id: SessionId) -> Result<Session, Error> {
    let session = read(conn, actor, id)?;
    held::tell_confirmed(conn, actor, vec![session])?.pop().ok_or(Error::NotFound)
}

/// The later sessions of the same series that are not yet held, by start.
///
/// # Errors
/// 422 for a session that was made alone.
pub(super) fn later(conn: &mut Conn, actor: &Actor, session: &SessionRow) -> Result<Vec<SessionRow>, Error> {
    let alone = || Error::invalid("/scope", "no_series", format!("session {} belongs to no series", session.code));
    let after = sessions::starts_at.gt(session.starts_at).or(sessions::starts_at.eq(session.starts_at).and(sessions::id.gt(session.id)));
    let rows = visible(actor)
        .filter(sessions::series_id.eq(session.series_id.ok_or_else(alone)?))
        .filter(sessions::state.eq_any(UNHELD))
        .filter(after)
        .order((sessions::starts_at, sessions::id))
        .select(SessionRow::as_select());
    Ok(rows.load(conn)?)
}

/// These sessions of an intake, by id.
///
/// # Errors
/// 404 if one is not visible in this intake.
pub(super) fn of_ids(conn: &mut Conn, actor: &Actor, intake: IntakeId, ids: BTreeSet<SessionId>) -> Result<Vec<SessionRow>, Error> {
    let ids: Vec<SessionId> = ids.into_iter().collect();
    let mut rows: Vec<SessionRow> = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let own = visible(actor).filter(sessions::intake_id.eq(intake)).filter(sessions::id.eq_any(chunk.to_vec()));
        rows.extend(own.order(sessions::id).select(SessionRow::as_select()).load(conn)?);
    }
    if rows.len() < ids.len() { Err(Error::NotFound) } else { Ok(rows) }
}

/// A session with its cohorts, by id, and its instructors, the lead first.
pub type Scheduled = (SessionRow, Vec<CohortId>, Vec<PersonId>);

/// The sessions of an intake that the caller has found already, whatever their state, with cohorts and instructors, the lead first.
pub fn of_intake(conn: &mut Conn, intake: IntakeId) -> Result<Vec<Scheduled>, Error> {
    let people = |session: &Session| session.instructors.iter().map(|instructor| instructor.id).collect();
    Ok(stored(conn, intake)?.into_iter().map(|session| (session.row.clone(), session.cohort_ids.clone(), people(&session))).collect())
}

/// The same, whole.
fn stored(conn: &mut Conn, intake: IntakeId) -> Result<Vec<Session>, Error> {
    let rows = sessions::table
        .filter(sessions::intake_id.eq(intake))
        .order((sessions::starts_at, sessions::id))
        .select(SessionRow::as_select())
        .load(conn)?;
    whole(conn, rows)
}

/// The intake, locked against every other change of its schedule, if the actor may change it.
///
/// # Errors
/// 409 `intake_not_live` once it is completed or cancelled.
pub(super) fn changing(conn: &mut Conn, actor: &Actor, id: IntakeId) -> Result<Intake, Error> {
    intakes::find(conn, actor, id)?;
    actor.may(Action::WriteSchedule)?;
    db::lock(conn, "intake", id)?;
    // Read again: another transaction may have ended the intake while this one waited.
    let intake = intakes::find(conn, actor, id)?;
    intake.check_live().map(|()| intake)
}

pub(super) fn frame(conn: &mut Conn, intake: &Intake) -> Result<Frame, Error> {
    let modules: Vec<(ModuleId, Option<DisciplineId>)> = modules::table
        .filter(modules::program_version_id.eq(intake.program_version_id))
        .select((modules::id, modules::discipline_id))
        .load(conn)?;
    let cohorts = intakes::cohorts_of(conn, intake.id)?;
    Ok(Frame {
        days: Days::of_intake(intake),
        modules: modules.into_iter().collect(),
        cohorts: cohorts.into_iter().map(|cohort| (cohort.id, cohort.discipline_id)).collect(),
    })
}

/// Schedules sessions, all or none: as drafts, or published at once.
///
/// # Errors
/// 404 for an instructor or room that the actor's provider does not see; 409 `already_exists` for a code that is taken, and what publishing
/// answers; 422 with pointers below `/sessions/{index}`.
pub fn create_many(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake_id: IntakeId,
    news: Vec<NewSession>,
    publish: bool,
) -> Result<Vec<SessionRow>, Error> {
    let intake = changing(conn, actor, intake_id)?;
    let sessions = create(conn, actor, now, &intake, news, true)?;
    if !publish {
        return Ok(sessions.into_iter().map(|session| session.row).collect());
    }
    let made = sessions.iter().enumerate().map(|(index, session)| Candidate::made(session, format!("/sessions/{index}")));
    let made = made.collect();
    publish_as(conn, actor, now, &intake, sessions, made)
}

/// Schedules one session, as a draft; the pointers of its faults begin at the session.
pub(super) fn create_one(conn: &mut Conn, actor: &Actor, now: Instant, intake_id: IntakeId, new: NewSession) -> Result<Session, Error> {
    let intake = changing(conn, actor, intake_id)?;
    create(conn, actor, now, &intake, vec![new], false)?.pop().ok_or_else(|| Error::internal("no session was made"))
}

fn create(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake: &Intake,
    news: Vec<NewSession>,
    several: bool,
) -> Result<Vec<Session>, Error> {
    let frame = frame(conn, intake)?;
    let (mut plans, mut rows) = (Vec::with_capacity(news.len()), Vec::with_capacity(news.len()));
    let mut faults = Vec::new();
    for (index, new) in news.into_iter().enumerate() {
        let plan = new.plan(intake.mode, intake.time_zone);
        match plan.and_then(|plan| frame.check(&plan).map(|minutes| (plan, minutes))) {
            Ok((plan, minutes)) => {
                rows.push(draft(intake, now, &plan, minutes));
                plans.push(plan);
            }
            Err(found) => faults.extend(found.into_iter().map(|fault| (index, fault))),
        }
    }
    unless_all_valid(faults, several)?;
    admit(conn, actor, intake, &plans)?;
    insert(conn, actor, intake, rows, &plans)
}

/// Refuses new sessions whose code is taken, or with an instructor or a room that the actor does not see.
fn admit(conn: &mut Conn, actor: &Actor, intake: &Intake, plans: &[Plan]) -> Result<(), Error> {
    refuse_taken(conn, intake.id, plans.iter().map(|plan| &plan.code))?;
    links::find_instructors(conn, actor, plans.iter().flat_map(|plan| plan.instructor_ids.iter().copied()).collect())?;
    rooms::check_all(conn, actor, plans.iter().filter_map(|plan| plan.room_id).collect())
}

/// Writes drafts that were admitted, in the order of their plans.
fn insert(conn: &mut Conn, actor: &Actor, intake: &Intake, rows: Vec<SessionRow>, plans: &[Plan]) -> Result<Vec<Session>, Error> {
    for chunk in rows.chunks(CHUNK) {
        for_backend!(conn, |c| diesel::insert_into(sessions::table).values(chunk).execute(c))?;
    }
    let planned: Vec<(SessionId, &Plan)> = rows.iter().map(|row| row.id).zip(plans).collect();
    links::insert(conn, intake.id, &planned)?;
    let sessions = whole(conn, rows)?;
    for session in &sessions {
        let entry = NewEntry::of("session.created", "session", session.row.id).provider(intake.provider_id).intake(intake.id);
        actor.record(entry.to(session));
    }
    Ok(sessions)
}

fn draft(intake: &Intake, now: Instant, plan: &Plan, minutes: i32) -> SessionRow {
    SessionRow {
        id: Id::generate(),
        intake_id: intake.id,
        series_id: None,
        program_version_id: intake.program_version_id,
        module_id: plan.module_id,
        code: plan.code.clone(),
        state: SessionState::Draft,
        mode: plan.mode,
        starts_at: plan.starts_at,
        ends_at: plan.ends_at,
        break_minutes: plan.break_minutes,
        minutes,
        length_minutes: plan.length_minutes,
        room_id: plan.room_id,
        place: plan.place.clone(),
        held_starts_at: None,
        held_ends_at: None,
        held_break_minutes: None,
        held_minutes: None,
        difference_reason: None,
        cancel_reason: None,
        replaced_by_id: None,
        sequence: 0,
        version: 1,
        created_at: now,
        changed_at: now,
    }
}

/// Refuses codes that are given twice or that another session of the intake has.
fn refuse_taken<'a>(conn: &mut Conn, intake: IntakeId, codes: impl Iterator<Item = &'a Code>) -> Result<(), Error> {
    let taken = |code: &Code| Err(Error::conflict("already_exists", format!("the intake has a session {code} already")));
    let mut distinct: HashSet<&Code> = HashSet::new();
    for code in codes {
        if !distinct.insert(code) {
            return taken(code);
        }
    }
    let distinct: Vec<Code> = distinct.into_iter().cloned().collect();
    for chunk in distinct.chunks(CHUNK) {
        let own = sessions::table.filter(sessions::intake_id.eq(intake));
        let found: Option<Code> =
            own.filter(sessions::code.eq_any(chunk.to_vec())).order(sessions::code).select(sessions::code).first(conn).optional()?;
        if let Some(code) = found {
            return taken(&code);
        }
    }
    Ok(())
}

/// Those of these sessions in whose roll call somebody has a mark, or that were submitted or closed without any.
pub fn called(conn: &mut Conn, ids: &[SessionId]) -> Result<HashSet<SessionId>, Error> {
    let mut found: HashSet<SessionId> = HashSet::new();
    for chunk in ids.chunks(CHUNK) {
        let marked = attendances::table.filter(attendances::session_id.eq_any(chunk.to_vec())).select(attendances::session_id);
        found.extend(marked.distinct().load::<SessionId>(conn)?);
        let ended = roll_calls::table.filter(roll_calls::session_id.eq_any(chunk.to_vec()));
        let ended = ended.filter(roll_calls::state.ne_all([RollCallState::NotOpen, RollCallState::Open])).select(roll_calls::session_id);
        found.extend(ended.load::<SessionId>(conn)?);
    }
    Ok(found)
}

/// The session of an intake with this code, in the actor's scope.
pub fn by_code(conn: &mut Conn, actor: &Actor, intake: IntakeId, code: &Code) -> Result<Option<SessionId>, Error> {
    let own = visible(actor).filter(sessions::intake_id.eq(intake)).filter(sessions::code.eq(code.clone()));
    Ok(own.select(sessions::id).first(conn).optional()?)
}

/// Writes one changed session; its version says that nobody else changed it meanwhile.
pub(super) fn save(conn: &mut Conn, now: Instant, stored: &SessionRow, mut changed: SessionRow) -> Result<SessionRow, Error> {
    changed.version += 1;
    changed.changed_at = now;
    let updated = diesel::update(sessions::table.filter(sessions::id.eq(stored.id)).filter(sessions::version.eq(stored.version)))
        .set(&changed)
        .execute(conn)?;
    if updated == 0 { Err(Error::Stale) } else { Ok(changed) }
}

/// Deletes drafts that an import made.
///
/// # Errors
/// 409 `session_not_draft` if one has been published since: such a session is cancelled, not removed.
pub fn remove_many(conn: &mut Conn, actor: &Actor, intake: &Intake, ids: &[SessionId]) -> Result<(), Error> {
    actor.may(Action::WriteSchedule)?;
    db::lock(conn, "intake", intake.id)?;
    let mut rows: HashMap<SessionId, SessionRow> = HashMap::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let own = sessions::table.filter(sessions::intake_id.eq(intake.id));
        let found: Vec<SessionRow> = own.filter(sessions::id.eq_any(chunk.to_vec())).select(SessionRow::as_select()).load(conn)?;
        rows.extend(found.into_iter().map(|row| (row.id, row)));
    }
    for id in ids {
        let row = rows.get(id).ok_or(Error::NotFound)?;
        if row.state != SessionState::Draft {
            let detail = format!("session {} is {}; only drafts are removed, others are cancelled", row.code, row.state);
            return Err(Error::conflict("session_not_draft", detail));
        }
        let entry = NewEntry::of("session.removed", "session", *id).provider(intake.provider_id).intake(intake.id);
        actor.record(entry.from(row));
    }
    for chunk in ids.chunks(CHUNK) {
        diesel::delete(sessions::table.filter(sessions::id.eq_any(chunk.to_vec()))).execute(conn)?;
    }
    Ok(())
}

/// Refuses new dates of an intake that would leave sessions outside.
///
/// # Errors
/// 409 `sessions_outside`, with their number and the first of them.
pub fn check_within(conn: &mut Conn, intake: IntakeId, opens_on: NaiveDate, closes_on: NaiveDate) -> Result<(), Error> {
    let zone: Zone = intake_rows::table.find(intake).select(intake_rows::time_zone).first(conn)?;
    let days = Days::of(zone, opens_on, closes_on);
    let outside: Vec<(Code, Instant)> = sessions::table
        .filter(sessions::intake_id.eq(intake))
        .filter(sessions::state.ne(SessionState::Cancelled))
        .filter(begins_at().lt(days.from).or(finishes_at().gt(days.until)))
        .order((begins_at(), sessions::id))
        .select((sessions::code, begins_at()))
        .load(conn)?;
    let Some((code, starts_at)) = outside.first() else {
        return Ok(());
    };
    let (sessions, at) = (counted(outside.len(), "session"), zone.told(*starts_at));
    let detail = format!("{sessions} would lie outside the new dates; the first is {code} at {at}");
    Err(Error::conflict("sessions_outside", detail))
}
