//! The table of cohorts.

use diesel::prelude::*;

use super::{
    super::model::{Cohort, CohortId, CohortPatch, IntakeId, NewCohort},
    changing, find, touch_all,
};
use crate::{
    access::{Actor, Scope, taught},
    clock::Instant,
    db::{Conn, MultiBackend},
    error::Error,
    http::{Caller, ETag},
    id::Id,
    journal::NewEntry,
    organizations::below,
    people::PersonId,
    programs::DisciplineId,
    schema::{cohorts, disciplines, enrollment_periods, enrollments, people, session_cohorts},
    text::{Code, Name, Note},
};

/// What other rooms need of a cohort.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = cohorts)]
pub struct CohortRow {
    pub id: CohortId,
    pub discipline_id: DisciplineId,
    pub code: Code,
    pub name: Name,
    pub adviser_id: Option<PersonId>,
}

/// The cohorts of an intake that the caller has found already, by code.
pub fn cohorts_of(conn: &mut Conn, intake: IntakeId) -> Result<Vec<CohortRow>, Error> {
    Ok(cohorts::table.filter(cohorts::intake_id.eq(intake)).order(cohorts::code).select(CohortRow::as_select()).load(conn)?)
}

/// The cohorts that the actor sees of the intakes that they see. A class adviser and a trainee see the own ones, an instructor those of the
/// sessions they teach; a partner sees the intake's schedule, and so all whom it is for.
fn visible(actor: &Actor) -> cohorts::BoxedQuery<'static, MultiBackend> {
    let query = cohorts::table.into_boxed();
    match actor.scope() {
        Scope::Everything | Scope::Provider(_) | Scope::Sponsor(..) => query,
        Scope::Adviser(person, _) => query.filter(cohorts::adviser_id.eq(person)),
        Scope::Teacher(person, provider) => {
            let attending = session_cohorts::table.filter(session_cohorts::session_id.eq_any(taught(person, provider)));
            query.filter(cohorts::id.eq_any(attending.select(session_cohorts::cohort_id)))
        }
        Scope::Own(person, _) => query.filter(
            cohorts::id.nullable().eq_any(
                enrollment_periods::table
                    .inner_join(enrollments::table.on(enrollments::id.eq(enrollment_periods::enrollment_id)))
                    .filter(enrollments::person_id.eq(person))
                    .select(enrollment_periods::cohort_id),
            ),
        ),
    }
}

/// The cohorts of an intake, by code.
pub fn list(conn: &mut Conn, actor: &Actor, intake: IntakeId) -> Result<Vec<Cohort>, Error> {
    find(conn, actor, intake)?;
    let query = visible(actor).filter(cohorts::intake_id.eq(intake)).order(cohorts::code);
    Ok(query.select(Cohort::as_select()).load(conn)?)
}

/// One cohort, if the actor sees it.
pub(in crate::intakes) fn one(conn: &mut Conn, actor: &Actor, id: CohortId) -> Result<Cohort, Error> {
    let cohort: Cohort = visible(actor).filter(cohorts::id.eq(id)).select(Cohort::as_select()).first(conn)?;
    find(conn, actor, cohort.intake_id)?;
    Ok(cohort)
}

/// Refuses an adviser whom the actor's provider has not recorded, and one who is trained in the intake: nobody calls their own roll.
///
/// # Errors
/// [`Error::NotFound`]; 422 `is_trainee`.
fn check_adviser(conn: &mut Conn, actor: &Actor, intake: IntakeId, adviser: PersonId) -> Result<(), Error> {
    let mut query = people::table.filter(people::id.eq(adviser)).select(people::id).into_boxed();
    if let Scope::Provider(provider) = actor.scope() {
        query = query.filter(people::provider_id.eq_any(below(provider)));
    }
    query.first::<PersonId>(conn)?;
    let trained = enrollments::table.filter(enrollments::intake_id.eq(intake)).filter(enrollments::person_id.eq(adviser));
    if diesel::select(diesel::dsl::exists(trained)).get_result(conn)? {
        return Err(Error::invalid("/adviser_id", "is_trainee", "is or was enrolled in the intake, and nobody calls their own roll"));
    }
    Ok(())
}

/// Creates a cohort of one of the disciplines of the intake's program version.
pub fn create_cohort(conn: &mut Conn, actor: &Actor, now: Instant, intake_id: IntakeId, new: NewCohort) -> Result<Cohort, Error> {
    let intake = changing(conn, actor, intake_id)?;
    let known: i64 = disciplines::table
        .filter(disciplines::id.eq(new.discipline_id))
        .filter(disciplines::program_version_id.eq(intake.program_version_id))
        .count()
        .get_result(conn)?;
    if known == 0 {
        return Err(Error::invalid("/discipline_id", "unknown_discipline", "the intake's program version has no such discipline"));
    }
    if let Some(adviser) = new.adviser_id {
        check_adviser(conn, actor, intake_id, adviser)?;
    }
    let cohort = Cohort {
        id: Id::generate(),
        intake_id,
        program_version_id: intake.program_version_id,
        discipline_id: new.discipline_id,
        code: new.code,
        name: new.name,
        adviser_id: new.adviser_id,
        version: 1,
        created_at: now,
    };
    diesel::insert_into(cohorts::table).values(&cohort).execute(conn)?;
    touch_all(conn, intake_id)?;
    actor.record(NewEntry::of("cohort.created", "cohort", cohort.id).provider(intake.provider_id).intake(intake_id).to(&cohort));
    Ok(cohort)
}

/// Applies a patch, under `If-Match` unless there is no state to be stale (the demo). Whoever advises a cohort sees it from now on, and whoever
/// did does not.
///
/// # Errors
/// 404 also for an adviser whom the actor's provider has not recorded; 422 `is_trainee`; 409 `intake_not_live`.
pub fn update(conn: &mut Conn, actor: &Actor, caller: Option<&Caller>, id: CohortId, patch: CohortPatch) -> Result<Cohort, Error> {
    let intake_id = one(conn, actor, id)?.intake_id;
    let intake = changing(conn, actor, intake_id)?;
    // Read again, now that nobody else changes it.
    let stored = one(conn, actor, id)?;
    let reason = patch.reason.clone();
    let mut changed = patch.apply(&stored);
    if let Some(caller) = caller {
        caller.check_if_match(&ETag::version(stored.version), changed != stored)?;
    }
    if changed == stored {
        return Ok(stored);
    }
    if let Some(adviser) = changed.adviser_id.filter(|_| changed.adviser_id != stored.adviser_id) {
        check_adviser(conn, actor, intake_id, adviser)?;
    }
    changed.version += 1;
    let own = cohorts::table.filter(cohorts::id.eq(id)).filter(cohorts::version.eq(stored.version));
    let columns = (cohorts::name.eq(&changed.name), cohorts::adviser_id.eq(changed.adviser_id), cohorts::version.eq(changed.version));
    if diesel::update(own).set(columns).execute(conn)? == 0 {
        return Err(Error::Stale);
    }
    touch_all(conn, intake_id)?;
    let entry = NewEntry::of("cohort.updated", "cohort", id).provider(intake.provider_id).intake(intake_id);
    actor.record(entry.from(&stored).to(&changed).because(reason.as_ref().map(Note::as_str)));
    Ok(changed)
}
