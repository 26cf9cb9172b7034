//! The tables of enrollments, their periods and steps. Seats are counted and refused by the triggers on them.

pub(super) mod periods;
pub(super) mod roster;
pub(super) mod unsettled;
pub(super) mod verify;

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use serde::Serialize;

use super::model::{
    DatedChange, Enrollment, EnrollmentId, EnrollmentPatch, EnrollmentRow, EnrollmentState, EnrollmentTransition, LIFE_CYCLE,
    NewEnrollment, Period, Step,
};
use crate::{
    access::{Action, Actor, Scope, advised, provided, taught},
    clock::Instant,
    db::{self, CHUNK, Conn, MultiBackend, for_backend},
    error::{Error, FieldFault},
    http::{Caller, ETag},
    id::Id,
    intakes::{self, CohortId, Intake, IntakeId},
    journal::NewEntry,
    organizations::{OrganizationId, below},
    people::{self, PersonId},
    programs::DisciplineId,
    schema::{
        disciplines, enrollment_periods, enrollment_steps, enrollments, intakes as intake_rows, organizations, people as person_rows,
        session_cohorts,
    },
    text::{Code, Name, Note},
};

/// The enrollments in the actor's scope.
pub(super) fn visible(actor: &Actor) -> enrollments::BoxedQuery<'static, MultiBackend> {
    let mut query = enrollments::table.into_boxed();
    query = match actor.scope() {
        Scope::Everything => query,
        Scope::Provider(provider) => query.filter(enrollments::intake_id.eq_any(provided(provider))),
        Scope::Sponsor(organization) => query.filter(enrollments::unit_id.eq_any(below(organization))),
        Scope::Adviser(person, provider) => query.filter(enrollments::cohort_id.assume_not_null().eq_any(advised(person, provider))),
        Scope::Teacher(person, provider) => {
            let attending = session_cohorts::table.filter(session_cohorts::session_id.eq_any(taught(person, provider)));
            query.filter(enrollments::cohort_id.assume_not_null().eq_any(attending.select(session_cohorts::cohort_id)))
        }
        Scope::Own(person) => query.filter(enrollments::person_id.eq(person)),
    };
    match actor.only_intake() {
        Some(intake) => query.filter(enrollments::intake_id.eq(intake)),
        None => query,
    }
}

/// The rows as the actor may see them, with names and what is unsettled; in the order given.
fn shown(conn: &mut Conn, actor: &Actor, enrollments: Vec<Enrollment>) -> Result<Vec<EnrollmentRow>, Error> {
    let people: Vec<PersonId> = enrollments.iter().map(|row| row.person_id).collect();
    let names: Vec<(PersonId, Name, Option<Name>)> = person_rows::table
        .filter(person_rows::id.eq_any(people))
        .select((person_rows::id, person_rows::name, person_rows::latin_name))
        .load(conn)?;
    // A person may have several enrollments in one list, the earlier ones withdrawn.
    let names: HashMap<PersonId, (Name, Option<Name>)> = names.into_iter().map(|(id, name, latin)| (id, (name, latin))).collect();
    let mut unsettled = unsettled::of(conn, &enrollments)?;
    let row = |enrollment: Enrollment| {
        let (name, latin_name) =
            names.get(&enrollment.person_id).cloned().ok_or_else(|| Error::internal("an enrollment without a person"))?;
        let unsettled_sessions = unsettled.remove(&enrollment.id).unwrap_or_default();
        Ok(EnrollmentRow { enrollment, name, latin_name, unsettled_sessions }.shown_to(actor.role()))
    };
    enrollments.into_iter().map(row).collect()
}

/// The enrollments of an intake after `cursor`, by id.
pub fn list(
    conn: &mut Conn,
    actor: &Actor,
    intake: IntakeId,
    cohort: Option<CohortId>,
    cursor: Option<EnrollmentId>,
    limit: i64,
) -> Result<Vec<EnrollmentRow>, Error> {
    intakes::find(conn, actor, intake)?;
    actor.may(Action::ReadEnrollments)?;
    let mut query =
        visible(actor).filter(enrollments::intake_id.eq(intake)).order(enrollments::id).limit(limit).select(Enrollment::as_select());
    if let Some(cohort) = cohort {
        query = query.filter(enrollments::cohort_id.eq(cohort));
    }
    if let Some(cursor) = cursor {
        query = query.filter(enrollments::id.gt(cursor));
    }
    let rows = query.load(conn)?;
    shown(conn, actor, rows)
}

/// The enrollment, if the actor sees it.
pub fn find(conn: &mut Conn, actor: &Actor, id: EnrollmentId) -> Result<Enrollment, Error> {
    let row = visible(actor).filter(enrollments::id.eq(id)).select(Enrollment::as_select()).first(conn)?;
    actor.may(Action::ReadEnrollments)?;
    Ok(row)
}

/// The row as the actor may see it.
pub(super) fn row(conn: &mut Conn, actor: &Actor, enrollment: Enrollment) -> Result<EnrollmentRow, Error> {
    shown(conn, actor, vec![enrollment])?.pop().ok_or(Error::NotFound)
}

/// The open enrollments of these people in an intake.
pub fn open_of(conn: &mut Conn, intake: IntakeId, people: &[PersonId]) -> Result<Vec<Enrollment>, Error> {
    let mut open = Vec::new();
    for chunk in people.chunks(CHUNK) {
        // The intake is looked at here and not in SQL: tables that were filled a moment ago have no statistics yet, and Postgres would
        // then go through the whole intake for each chunk instead of through the index of the people.
        let rows: Vec<Enrollment> = enrollments::table
            .filter(enrollments::person_id.eq_any(chunk.to_vec()))
            .filter(enrollments::state.ne_all(EnrollmentState::ENDED))
            .select(Enrollment::as_select())
            .load(conn)?;
        open.extend(rows.into_iter().filter(|row| row.intake_id == intake));
    }
    Ok(open)
}

/// Those of these crews of a sponsor in which somebody is enrolled, whom the actor sees.
pub fn crews_among(conn: &mut Conn, actor: &Actor, sponsor: OrganizationId, crews: &[Code]) -> Result<HashSet<Code>, Error> {
    let mut known = HashSet::new();
    for chunk in crews.chunks(CHUNK) {
        let of_sponsor =
            visible(actor).filter(enrollments::sponsor_id.eq(sponsor)).filter(enrollments::state.ne_all(EnrollmentState::ENDED));
        let found = of_sponsor.filter(enrollments::crew.assume_not_null().eq_any(chunk.to_vec()));
        known.extend(found.select(enrollments::crew.assume_not_null()).distinct().load::<Code>(conn)?);
    }
    Ok(known)
}

/// How many enrollments of an intake are neither completed, failed nor ended.
pub fn count_undecided(conn: &mut Conn, intake: IntakeId) -> Result<i64, Error> {
    Ok(enrollments::table
        .filter(enrollments::intake_id.eq(intake))
        .filter(enrollments::state.eq_any(EnrollmentState::UNDECIDED))
        .count()
        .get_result(conn)?)
}

/// Enrolls people in an intake, all or none. Seats and double enrollments are refused by the database as well.
///
/// # Errors
/// 404 for a person the actor's provider neither created nor enrolled; 409 `already_enrolled`, `capacity_full`, `quota_full` and
/// `intake_not_open`; 422 for a discipline, cohort or unit that does not fit.
pub fn enroll(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake_id: IntakeId,
    news: Vec<NewEnrollment>,
) -> Result<Vec<EnrollmentRow>, Error> {
    // Before it is read, so that nobody slips into an intake that another transaction is ending.
    db::lock(conn, "intake", intake_id)?;
    let intake = intakes::find(conn, actor, intake_id)?;
    actor.may(Action::Enroll)?;
    if !intake.takes_enrollments() {
        return Err(Error::conflict(
            "intake_not_open",
            format!("the intake is {}; people are enrolled while it is enrolling or running", intake.state),
        ));
    }
    let ids: Vec<PersonId> = news.iter().map(|new| new.trainee_id).collect();
    let editable = people::is_editable_by(conn, actor, &ids)?;
    if !ids.iter().all(|id| editable.contains(id)) {
        return Err(Error::NotFound);
    }
    let distinct: HashSet<PersonId> = ids.iter().copied().collect();
    if distinct.len() < ids.len() || !open_of(conn, intake_id, &ids)?.is_empty() {
        return Err(Error::conflict("already_enrolled", "a trainee has an open enrollment in this intake already"));
    }
    let fits = Fits::load(conn, &intake, &news)?;
    let taken_until = periods::taken_until(conn, intake_id, &ids)?;
    let mut rows = Vec::with_capacity(news.len());
    let mut faults = Vec::new();
    for (index, new) in news.iter().enumerate() {
        let beginning = periods::beginning(&intake, new.from, taken_until.get(&new.trainee_id).copied());
        match fits.place(new).and_then(|place| Ok((place, beginning?))) {
            Ok((place, from_at)) => rows.push((enrollment(&intake, now, new, place), from_at)),
            Err(fault) if news.len() == 1 => faults.push(fault),
            Err(fault) => faults.push(FieldFault { pointer: format!("/enrollments/{index}{}", fault.pointer), ..fault }),
        }
    }
    Error::unless_valid(faults)?;
    insert(conn, actor, now, &intake, &rows)?;
    shown(conn, actor, rows.into_iter().map(|(row, _)| row).collect())
}

fn enrollment(intake: &Intake, now: Instant, new: &NewEnrollment, (sponsor, cohort): (OrganizationId, Option<CohortId>)) -> Enrollment {
    Enrollment {
        id: Id::generate(),
        intake_id: intake.id,
        program_version_id: intake.program_version_id,
        person_id: new.trainee_id,
        discipline_id: new.discipline_id,
        sponsor_id: sponsor,
        unit_id: new.unit_id,
        cohort_id: cohort,
        payer_id: new.payer_id,
        funding: new.funding.clone(),
        crew: new.crew.clone(),
        state: new.state,
        version: 1,
        created_at: now,
    }
}

fn insert(conn: &mut Conn, actor: &Actor, now: Instant, intake: &Intake, dated: &[(Enrollment, Instant)]) -> Result<(), Error> {
    let mut periods = Vec::with_capacity(dated.len());
    let mut steps = Vec::with_capacity(dated.len());
    for (row, from_at) in dated {
        let from_at = *from_at;
        periods.push(Period {
            id: Id::generate(),
            enrollment_id: row.id,
            cohort_id: row.cohort_id,
            state: row.state,
            from_at,
            until_at: None,
            recorded_at: now,
        });
        steps.push(Step {
            id: Id::generate(),
            enrollment_id: row.id,
            from_state: None,
            to_state: row.state,
            effective_at: from_at,
            reason: None,
            user_id: actor.user_id(),
            recorded_at: now,
        });
        actor.record(
            NewEntry::of("enrollment.created", "enrollment", row.id)
                .provider(intake.provider_id)
                .intake(intake.id)
                .to(&Dated { enrollment: row, effective_at: Some(from_at) }),
        );
    }
    let rows: Vec<&Enrollment> = dated.iter().map(|(row, _)| row).collect();
    for chunk in rows.chunks(CHUNK) {
        for_backend!(conn, |c| diesel::insert_into(enrollments::table).values(chunk.to_vec()).execute(c))?;
    }
    for chunk in periods.chunks(CHUNK) {
        for_backend!(conn, |c| diesel::insert_into(enrollment_periods::table).values(chunk).execute(c))?;
    }
    for chunk in steps.chunks(CHUNK) {
        for_backend!(conn, |c| diesel::insert_into(enrollment_steps::table).values(chunk).execute(c))?;
    }
    let reaching_back: Vec<EnrollmentId> = dated.iter().filter(|(_, from_at)| *from_at < now).map(|(row, _)| row.id).collect();
    unsettled::find_anew(conn, intake.id, &reaching_back)?;
    let sponsors: HashSet<OrganizationId> = rows.iter().map(|row| row.sponsor_id).collect();
    intakes::touch(conn, intake.id, &sponsors.into_iter().collect::<Vec<_>>())
}

/// An enrollment in the journal, with the time from which it counts so.
#[derive(Serialize)]
struct Dated<'a> {
    #[serde(flatten)]
    enrollment: &'a Enrollment,
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_at: Option<Instant>,
}

/// What is lost with an enrollment, for the journal.
#[derive(Serialize)]
struct Removed<'a> {
    #[serde(flatten)]
    enrollment: &'a Enrollment,
    periods: Vec<Period>,
}

/// What new enrollments are held against: the disciplines, cohorts and organizations they name.
struct Fits {
    disciplines: HashSet<DisciplineId>,
    cohorts: HashMap<CohortId, DisciplineId>,
    roots: HashMap<OrganizationId, OrganizationId>,
}

impl Fits {
    fn load(conn: &mut Conn, intake: &Intake, news: &[NewEnrollment]) -> Result<Self, Error> {
        let disciplines: Vec<DisciplineId> =
            disciplines::table.filter(disciplines::program_version_id.eq(intake.program_version_id)).select(disciplines::id).load(conn)?;
        let cohorts = intakes::cohorts_of(conn, intake.id)?;
        let mut named: Vec<OrganizationId> = news.iter().flat_map(|new| [Some(new.unit_id), new.payer_id]).flatten().collect();
        named.sort_unstable();
        named.dedup();
        let roots: Vec<(OrganizationId, OrganizationId)> =
            organizations::table.filter(organizations::id.eq_any(named)).select((organizations::id, organizations::root_id)).load(conn)?;
        Ok(Self {
            disciplines: disciplines.into_iter().collect(),
            cohorts: cohorts.into_iter().map(|cohort| (cohort.id, cohort.discipline_id)).collect(),
            roots: roots.into_iter().collect(),
        })
    }

    /// The sponsor and the cohort of a new enrollment that fits, or the first thing that does not.
    fn place(&self, new: &NewEnrollment) -> Result<(OrganizationId, Option<CohortId>), FieldFault> {
        use EnrollmentState as S;
        if !matches!(new.state, S::Nominated | S::Applied | S::Approved | S::Enrolled) {
            return Err(FieldFault::new("/state", "wrong_value", "an enrollment begins as nominated, applied, approved or enrolled"));
        }
        if !self.disciplines.contains(&new.discipline_id) {
            return Err(FieldFault::new("/discipline_id", "unknown_discipline", "the intake's program version has no such discipline"));
        }
        let cohort = self.cohort(new)?;
        if new.payer_id.is_some_and(|payer| !self.roots.contains_key(&payer)) {
            return Err(FieldFault::new("/payer_id", "unknown_organization", "there is no such organization"));
        }
        let unknown = || FieldFault::new("/unit_id", "unknown_organization", "there is no such organization");
        self.roots.get(&new.unit_id).copied().ok_or_else(unknown).map(|sponsor| (sponsor, cohort))
    }

    /// The cohort named, or else the only one of the discipline. Whoever is enrolled in none owes nothing, so it is not left open where
    /// there is a choice.
    fn cohort(&self, new: &NewEnrollment) -> Result<Option<CohortId>, FieldFault> {
        if let Some(cohort) = new.cohort_id {
            return match self.cohorts.get(&cohort) {
                None => Err(FieldFault::new("/cohort_id", "unknown_cohort", "the intake has no such cohort")),
                Some(discipline) if *discipline != new.discipline_id => {
                    Err(FieldFault::new("/cohort_id", "cohort_of_another_discipline", "the cohort belongs to another discipline"))
                }
                Some(_) => Ok(Some(cohort)),
            };
        }
        let mut own = self.cohorts.iter().filter(|(_, discipline)| **discipline == new.discipline_id).map(|(cohort, _)| *cohort);
        match (own.next(), own.next()) {
            (Some(_), Some(_)) if new.state == EnrollmentState::Enrolled => {
                Err(FieldFault::new("/cohort_id", "cohort_missing", "the discipline has several cohorts; say which"))
            }
            (Some(_), Some(_)) | (None, _) => Ok(None),
            (only, None) => Ok(only),
        }
    }
}

/// The next enrollments of all, by id: whoever recomputes them does so a chunk at a time.
fn ids_after(conn: &mut Conn, last: Option<EnrollmentId>) -> Result<Vec<EnrollmentId>, Error> {
    let mut query = enrollments::table.order(enrollments::id).limit(500).select(enrollments::id).into_boxed();
    if let Some(last) = last {
        query = query.filter(enrollments::id.gt(last));
    }
    Ok(query.load(conn)?)
}

/// The enrollment, locked with its intake against every other change, if the actor may change it.
fn changing(conn: &mut Conn, actor: &Actor, id: EnrollmentId) -> Result<Enrollment, Error> {
    let found = find(conn, actor, id)?;
    actor.may(Action::Enroll)?;
    db::lock(conn, "intake", found.intake_id)?;
    // Read again: another transaction may have taken a step while this one waited.
    find(conn, actor, id)
}

/// Applies a patch under `If-Match`.
pub(super) fn update(
    conn: &mut Conn,
    actor: &Actor,
    caller: &Caller,
    id: EnrollmentId,
    patch: EnrollmentPatch,
) -> Result<Enrollment, Error> {
    let stored = changing(conn, actor, id)?;
    let changed = patch.apply(&stored);
    caller.check_if_match(&ETag::version(stored.version), changed != stored)?;
    if changed == stored {
        return Ok(stored);
    }
    if let Some(payer) = changed.payer_id.filter(|payer| Some(*payer) != stored.payer_id) {
        let known: i64 = organizations::table.filter(organizations::id.eq(payer)).count().get_result(conn)?;
        if known == 0 {
            return Err(Error::invalid("/payer_id", "unknown_organization", "there is no such organization"));
        }
    }
    save(conn, actor, &stored, changed, ("enrollment.updated", None), None)
}

/// Takes one step in the life of an enrollment, from `effective_at` (now unless said), which may lie in the past but not before
/// the present state began.
///
/// # Errors
/// 409 `illegal_transition`, `intake_not_open`, what the seats say, and `sessions_unsettled` where the hours by which somebody is to be
/// completed or failed are not settled; 422 for a time that cannot be.
pub fn transition(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    id: EnrollmentId,
    step: EnrollmentTransition,
    change: &DatedChange,
) -> Result<Enrollment, Error> {
    let stored = changing(conn, actor, id)?;
    let mut changed = stored.clone();
    changed.state = LIFE_CYCLE.after("the enrollment", stored.state, step, change.reason.as_ref())?;
    if matches!(changed.state, EnrollmentState::Approved | EnrollmentState::Enrolled) {
        let intake = intakes::find(conn, actor, stored.intake_id)?;
        if !intake.takes_enrollments() {
            return Err(Error::conflict("intake_not_open", format!("the intake is {}; nobody takes a seat in it now", intake.state)));
        }
    }
    let effective_at = periods::step(conn, now, &changed, change.effective_at)?;
    let saved = save(conn, actor, &stored, changed, ("enrollment.changed_state", Some(effective_at)), change.reason.as_ref())?;
    let step = Step {
        id: Id::generate(),
        enrollment_id: id,
        from_state: Some(stored.state.as_str().to_owned()),
        to_state: saved.state,
        effective_at,
        reason: change.reason.clone(),
        user_id: actor.user_id(),
        recorded_at: now,
    };
    diesel::insert_into(enrollment_steps::table).values(&step).execute(conn)?;
    if effective_at < now {
        unsettled::find_anew(conn, saved.intake_id, &[id])?;
    }
    if matches!(saved.state, EnrollmentState::Completed | EnrollmentState::Failed) {
        unsettled::refuse_unsettled(conn, id)?;
    }
    Ok(saved)
}

fn save(
    conn: &mut Conn,
    actor: &Actor,
    stored: &Enrollment,
    mut changed: Enrollment,
    (action, effective_at): (&'static str, Option<Instant>),
    reason: Option<&Note>,
) -> Result<Enrollment, Error> {
    changed.version += 1;
    let updated = diesel::update(enrollments::table.filter(enrollments::id.eq(stored.id)).filter(enrollments::version.eq(stored.version)))
        .set(&changed)
        .execute(conn)?;
    if updated == 0 {
        return Err(Error::Stale);
    }
    intakes::touch(conn, stored.intake_id, &[stored.sponsor_id])?;
    let provider: OrganizationId = intake_rows::table.find(stored.intake_id).select(intake_rows::provider_id).first(conn)?;
    let entry = NewEntry::of(action, "enrollment", stored.id).provider(provider).intake(stored.intake_id);
    actor.record(entry.from(stored).to(&Dated { enrollment: &changed, effective_at }).because(reason.map(Note::as_str)));
    Ok(changed)
}

/// Deletes enrollments that an import made and on which nothing rests yet; the database refuses the others.
pub fn remove_many(conn: &mut Conn, actor: &Actor, intake: &Intake, ids: &[EnrollmentId]) -> Result<(), Error> {
    actor.may(Action::Enroll)?;
    db::lock(conn, "intake", intake.id)?;
    for chunk in ids.chunks(CHUNK) {
        let rows: Vec<Enrollment> =
            enrollments::table.filter(enrollments::id.eq_any(chunk.to_vec())).select(Enrollment::as_select()).load(conn)?;
        let mut periods = periods::of(conn, chunk)?;
        for row in &rows {
            let lost = Removed { enrollment: row, periods: periods.remove(&row.id).unwrap_or_default() };
            let entry = NewEntry::of("enrollment.removed", "enrollment", row.id).provider(intake.provider_id).intake(intake.id);
            actor.record(entry.from(&lost));
        }
        diesel::delete(enrollment_periods::table.filter(enrollment_periods::enrollment_id.eq_any(chunk.to_vec()))).execute(conn)?;
        diesel::delete(enrollment_steps::table.filter(enrollment_steps::enrollment_id.eq_any(chunk.to_vec()))).execute(conn)?;
        diesel::delete(enrollments::table.filter(enrollments::id.eq_any(chunk.to_vec()))).execute(conn)?;
    }
    intakes::touch_all(conn, intake.id)
}
