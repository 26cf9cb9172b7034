//! The tables of enrollments, their periods and steps. Seats are counted and refused by the triggers on them.

pub(super) mod admission;
pub(super) mod explain;
pub(super) mod moves;
pub(super) mod nominations;
pub(super) mod periods;
pub(super) mod retention;
pub(super) mod roster;
pub(super) mod steps;
pub(super) mod transfers;
pub(super) mod uncounted;
pub(super) mod unsettled;
pub(super) mod verify;
pub(super) mod waitlist;

use std::collections::{BTreeSet, HashMap, HashSet};

use diesel::prelude::*;
use serde::Serialize;

use super::model::{Enrollment, EnrollmentFilter, EnrollmentId, EnrollmentPatch, EnrollmentRow, EnrollmentState, Period};
use crate::{
    access::{Action, Actor, Scope, advised, provided, shown_to, taught},
    clock::Instant,
    db::{self, CHUNK, Conn, MultiBackend},
    error::Error,
    http::{Caller, ETag},
    intakes::{self, Intake, IntakeId},
    journal::NewEntry,
    organizations::{OrganizationId, below},
    people::PersonId,
    schema::{
        enrollment_periods, enrollment_steps, enrollments, intakes as intake_rows, organizations, people as person_rows, session_cohorts,
    },
    text::{Code, Name, Note},
};

/// The enrollments in the actor's scope.
pub fn visible(actor: &Actor) -> enrollments::BoxedQuery<'static, MultiBackend> {
    let mut query = enrollments::table.into_boxed();
    query = match actor.scope() {
        Scope::Everything => query,
        Scope::Provider(provider) => query.filter(enrollments::intake_id.eq_any(provided(provider))),
        Scope::Sponsor(partner, at) => query.filter(enrollments::unit_id.eq_any(shown_to(partner, at))),
        Scope::Adviser(person, provider) => query.filter(enrollments::cohort_id.assume_not_null().eq_any(advised(person, provider))),
        Scope::Teacher(person, provider) => {
            let attending = session_cohorts::table.filter(session_cohorts::session_id.eq_any(taught(person, provider)));
            query.filter(enrollments::cohort_id.assume_not_null().eq_any(attending.select(session_cohorts::cohort_id)))
        }
        Scope::Own(person, provider) => {
            query.filter(enrollments::person_id.eq(person)).filter(enrollments::intake_id.eq_any(provided(provider)))
        }
    };
    match actor.only_intakes() {
        Some(intakes) => query.filter(enrollments::intake_id.eq_any(intakes)),
        None => query,
    }
}

/// Those of them on which the actor may act: a partner on those of its own house, and not on whom it is shown by a disclosure alone.
pub fn own(actor: &Actor) -> enrollments::BoxedQuery<'static, MultiBackend> {
    match actor.scope() {
        Scope::Sponsor(sponsor, _) => visible(actor).filter(enrollments::unit_id.eq_any(below(sponsor))),
        Scope::Everything | Scope::Provider(_) | Scope::Adviser(..) | Scope::Teacher(..) | Scope::Own(..) => visible(actor),
    }
}

/// Refuses to act on an enrollment that the actor sees and that is not its own.
///
/// # Errors
/// [`Error::Forbidden`].
pub fn check_own(conn: &mut Conn, actor: &Actor, id: EnrollmentId) -> Result<(), Error> {
    let Scope::Sponsor(..) = actor.scope() else { return Ok(()) };
    let acts = own(actor).filter(enrollments::id.eq(id)).count().get_result::<i64>(conn)? > 0;
    if acts || visible(actor).filter(enrollments::id.eq(id)).count().get_result::<i64>(conn)? == 0 {
        return Ok(());
    }
    Err(Error::Forbidden("the trainee is shown to you by a disclosure, and is not yours to act for".to_owned()))
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
    filter: EnrollmentFilter,
    cursor: Option<EnrollmentId>,
    limit: i64,
) -> Result<Vec<EnrollmentRow>, Error> {
    intakes::find(conn, actor, intake)?;
    actor.may(Action::ReadEnrollments)?;
    let mut query =
        visible(actor).filter(enrollments::intake_id.eq(intake)).order(enrollments::id).limit(limit).select(Enrollment::as_select());
    if let Some(cohort) = filter.cohort_id {
        query = query.filter(enrollments::cohort_id.eq(cohort));
    }
    if let Some(state) = filter.state {
        query = query.filter(enrollments::state.eq(state));
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

/// Which of these the actor sees.
pub fn seen_of(conn: &mut Conn, actor: &Actor, ids: &[EnrollmentId]) -> Result<BTreeSet<EnrollmentId>, Error> {
    let mut seen = BTreeSet::new();
    for chunk in ids.chunks(CHUNK) {
        seen.extend(visible(actor).filter(enrollments::id.eq_any(chunk.to_vec())).select(enrollments::id).load::<EnrollmentId>(conn)?);
    }
    Ok(seen)
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

/// The next enrollments of all, by id: whoever recomputes them does so a chunk at a time.
fn ids_after(conn: &mut Conn, last: Option<EnrollmentId>) -> Result<Vec<EnrollmentId>, Error> {
    let mut query = enrollments::table.order(enrollments::id).limit(500).select(enrollments::id).into_boxed();
    if let Some(last) = last {
        query = query.filter(enrollments::id.gt(last));
    }
    Ok(query.load(conn)?)
}

/// The enrollment, locked with its intake against every other change, if the actor may change it; after what expired was acted on.
fn changing(conn: &mut Conn, actor: &Actor, now: Instant, id: EnrollmentId, action: Action) -> Result<(Intake, Enrollment), Error> {
    let found = find(conn, actor, id)?;
    check_own(conn, actor, id)?;
    actor.may(action)?;
    db::lock(conn, "intake", found.intake_id)?;
    let intake = intakes::find(conn, actor, found.intake_id)?;
    waitlist::settle_seats(conn, actor, now, &intake)?;
    // Read again: another transaction may have taken a step while this one waited, and an offer may have expired.
    Ok((intake, find(conn, actor, id)?))
}

/// Applies a patch under `If-Match`.
pub(super) fn update(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    caller: &Caller,
    id: EnrollmentId,
    patch: EnrollmentPatch,
) -> Result<Enrollment, Error> {
    let (_, stored) = changing(conn, actor, now, id, Action::Enroll)?;
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
pub fn remove_many(conn: &mut Conn, actor: &Actor, now: Instant, intake: &Intake, ids: &[EnrollmentId]) -> Result<(), Error> {
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
    intakes::touch_all(conn, intake.id)?;
    waitlist::settle_seats(conn, actor, now, intake)
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
