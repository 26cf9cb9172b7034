//! The table of intakes.

pub(super) mod amendments;
pub(super) mod cohorts;
pub(super) mod quotas;
pub(super) mod verify;

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::model::{Intake, IntakeId, IntakePatch, IntakeTransition, NewIntake};
use crate::{
    access::{Action, Actor, Scope, shown, sponsored},
    attendance, calendars,
    clock::Instant,
    db::{self, CHUNK, Conn, MultiBackend, types::Uid},
    enrollments,
    error::Error,
    http::{Caller, Change, ETag},
    journal::NewEntry,
    organizations::{OrganizationId, below},
    people::PersonId,
    schedule::{self, SessionState},
    schema::{
        cohorts as cohort_rows, enrollments as enrolled, intake_sponsors, intakes, organizations, program_versions, programs,
        session_instructors, sessions,
    },
    text::{Code, counted},
    zone::Zone,
};

/// The intakes in the actor's scope.
pub(super) fn visible(actor: &Actor) -> intakes::BoxedQuery<'static, MultiBackend> {
    let mut query = intakes::table.into_boxed();
    query = match actor.scope() {
        Scope::Everything => query,
        Scope::Provider(provider) => query.filter(intakes::provider_id.eq_any(below(provider))),
        Scope::Sponsor(partner, at) => query.filter(shown!(intakes::id, partner, at)),
        Scope::Adviser(person, provider) => {
            let advised = cohort_rows::table.filter(cohort_rows::adviser_id.eq(person)).select(cohort_rows::intake_id);
            query.filter(intakes::provider_id.eq_any(below(provider))).filter(intakes::id.eq_any(advised))
        }
        Scope::Teacher(person, provider) => {
            let own = session_instructors::table.filter(session_instructors::person_id.eq(person)).select(session_instructors::session_id);
            let taught = sessions::table
                .filter(sessions::id.eq_any(own))
                .filter(sessions::state.ne(SessionState::Draft))
                .select(sessions::intake_id);
            query.filter(intakes::provider_id.eq_any(below(provider))).filter(intakes::id.eq_any(taught))
        }
        Scope::Own(person, provider) => {
            let own = enrolled::table.filter(enrolled::person_id.eq(person)).select(enrolled::intake_id);
            query.filter(intakes::provider_id.eq_any(below(provider))).filter(intakes::id.eq_any(own))
        }
    };
    match actor.only_intakes() {
        Some(only) => query.filter(intakes::id.eq_any(only)),
        None => query,
    }
}

/// The intakes after `cursor`, by id.
pub fn list(conn: &mut Conn, actor: &Actor, cursor: Option<IntakeId>, limit: i64) -> Result<Vec<Intake>, Error> {
    actor.may(Action::ReadIntakes)?;
    let mut query = visible(actor).order(intakes::id).limit(limit).select(Intake::as_select());
    if let Some(cursor) = cursor {
        query = query.filter(intakes::id.gt(cursor));
    }
    let rows: Vec<Intake> = query.load(conn)?;
    Ok(rows.into_iter().map(|row| row.shown_to(actor.role())).collect())
}

/// The intake, if the actor sees it; whole, so that rooms can work with it. Show it through [`Intake::shown_to`].
pub fn find(conn: &mut Conn, actor: &Actor, id: IntakeId) -> Result<Intake, Error> {
    let intake = visible(actor).filter(intakes::id.eq(id)).select(Intake::as_select()).first(conn)?;
    actor.may(Action::ReadIntakes)?;
    Ok(intake)
}

/// Refuses to act in an intake that a partner is shown only for whom it is shown there by a disclosure.
///
/// # Errors
/// [`Error::Forbidden`].
pub fn check_own(conn: &mut Conn, actor: &Actor, id: IntakeId) -> Result<(), Error> {
    let Scope::Sponsor(own, _) = actor.scope() else { return Ok(()) };
    if intakes::table.filter(intakes::id.eq(id)).filter(sponsored!(intakes::id, own)).count().get_result::<i64>(conn)? > 0 {
        return Ok(());
    }
    Err(Error::Forbidden("the intake is shown to you by a disclosure; your own house has nobody and no seats in it".to_owned()))
}

/// The intake with this code, if the actor sees exactly one.
pub fn by_code(conn: &mut Conn, actor: &Actor, code: &Code) -> Result<Option<Intake>, Error> {
    let mut found: Vec<Intake> = visible(actor).filter(intakes::code.eq(code)).limit(2).select(Intake::as_select()).load(conn)?;
    if found.len() > 1 {
        return Err(Error::conflict("ambiguous_code", format!("several intakes have the code {code}; name it by id")));
    }
    Ok(found.pop())
}

/// Creates an intake of a confirmed version of one of the actor's programs.
pub fn create(conn: &mut Conn, actor: &Actor, now: Instant, new: NewIntake) -> Result<Intake, Error> {
    let mut version = program_versions::table
        .inner_join(programs::table.on(programs::id.eq(program_versions::program_id)))
        .filter(program_versions::id.eq(new.program_version_id))
        .select((programs::provider_id, program_versions::state))
        .into_boxed::<MultiBackend>();
    if let Scope::Provider(provider) = actor.scope() {
        version = version.filter(programs::provider_id.eq_any(below(provider)));
    }
    actor.may_beyond_intakes(Action::WriteIntakes)?;
    let (provider_id, state): (OrganizationId, String) = version.first(conn)?;
    if state != "confirmed" {
        return Err(Error::conflict("version_not_confirmed", format!("the program version is {state}; an intake needs a confirmed one")));
    }
    let intake = new.planned(provider_id, now);
    intake.check()?;
    if let Some(predecessor) = intake.predecessor_id {
        find(conn, actor, predecessor)?;
    }
    if let Some(calendar) = intake.holiday_calendar_id {
        calendars::check_holidays(conn, provider_id, calendar)?;
    }
    diesel::insert_into(intakes::table).values(&intake).execute(conn)?;
    actor.record(NewEntry::of("intake.created", "intake", intake.id).provider(provider_id).intake(intake.id).to(&intake));
    Ok(intake)
}

/// Applies a patch under `If-Match`. Lowering the capacity evicts nobody, and raising it gives seats to those who wait. `caller` is none
/// on the command line, which has no state to be stale.
pub fn update(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    caller: Option<&Caller>,
    id: IntakeId,
    patch: IntakePatch,
) -> Result<Intake, Error> {
    // Before it is read, so that two changes see each other; and whoever schedules a session holds the intake too, so that none slips
    // outside the new dates.
    db::lock(conn, "intake", id)?;
    let stored = find(conn, actor, id)?;
    actor.may(Action::WriteIntakes)?;
    let changed = patch.apply(&stored);
    changed.check()?;
    if let Some(caller) = caller {
        caller.check_if_match(&ETag::version(stored.version), changed != stored)?;
    }
    if changed == stored {
        return Ok(stored);
    }
    if (changed.opens_on, changed.closes_on) != (stored.opens_on, stored.closes_on) {
        schedule::check_within(conn, id, changed.opens_on, changed.closes_on)?;
    }
    if let Some(calendar) = changed.holiday_calendar_id.filter(|_| changed.holiday_calendar_id != stored.holiday_calendar_id) {
        calendars::check_holidays(conn, stored.provider_id, calendar)?;
    }
    enrollments::refuse_in_use(conn, actor, now, &stored, &changed)?;
    let saved = save(conn, actor, &stored, changed, "intake.updated", None)?;
    enrollments::settle_seats(conn, actor, now, &saved)?;
    Ok(saved)
}

/// An intake that is neither completed nor cancelled, locked against every other change, if the actor may change it.
fn changing(conn: &mut Conn, actor: &Actor, id: IntakeId) -> Result<Intake, Error> {
    // Before it is read, so that nothing is added to an intake that another transaction is ending.
    db::lock(conn, "intake", id)?;
    let intake = find(conn, actor, id)?;
    actor.may(Action::WriteIntakes)?;
    intake.check_live().map(|()| intake)
}

/// Takes one step in the life of an intake. Cancelling cancels what is not yet held and ends all enrollments that are open; completing
/// needs every enrollment decided, and every session that was published held, with its roll call closed, or cancelled.
pub fn transition(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    id: IntakeId,
    step: IntakeTransition,
    change: &Change,
) -> Result<Intake, Error> {
    db::lock(conn, "intake", id)?;
    let stored = find(conn, actor, id)?;
    actor.may(Action::WriteIntakes)?;
    let mut changed = stored.clone();
    changed.state = stored.after(step, change.reason.as_ref())?;
    match step {
        IntakeTransition::ApproveOpening => changed.opening_approved_at = Some(now),
        IntakeTransition::Complete => {
            enrollments::settle_seats(conn, actor, now, &stored)?;
            let undecided = enrollments::count_undecided(conn, id)?;
            if undecided > 0 {
                let undecided = counted(undecided, "enrollment");
                return Err(Error::conflict("enrollments_undecided", format!("complete, fail or withdraw {undecided} first")));
            }
            schedule::refuse_unheld(conn, id)?;
            attendance::refuse_unclosed(conn, id)?;
            enrollments::refuse_uncounted_in(conn, actor, id)?;
        }
        IntakeTransition::Cancel => {
            let reason = change.reason.as_ref().ok_or_else(|| Error::invalid("/reason", "reason_missing", "cancelling needs a reason"))?;
            schedule::cancel_unheld(conn, actor, now, &stored, reason)?;
            enrollments::end_all(conn, actor, now, &stored, reason)?;
        }
        IntakeTransition::OpenEnrollment | IntakeTransition::Start => {}
    }
    save(conn, actor, &stored, changed, "intake.changed_state", change.reason.as_ref().map(|reason| reason.as_str()))
}

fn save(
    conn: &mut Conn,
    actor: &Actor,
    stored: &Intake,
    mut changed: Intake,
    action: &'static str,
    reason: Option<&str>,
) -> Result<Intake, Error> {
    changed.version += 1;
    let updated = diesel::update(intakes::table.filter(intakes::id.eq(stored.id)).filter(intakes::version.eq(stored.version)))
        .set(&changed)
        .execute(conn)?;
    if updated == 0 {
        return Err(Error::Stale);
    }
    touch_all(conn, stored.id)?;
    actor.record(
        NewEntry::of(action, "intake", stored.id).provider(stored.provider_id).intake(stored.id).from(stored).to(&changed).because(reason),
    );
    Ok(changed)
}

/// Says that reports of the intake, and those of these sponsors, show something else from this transaction on.
pub fn touch(conn: &mut Conn, id: IntakeId, sponsors: &[OrganizationId]) -> Result<(), Error> {
    diesel::update(intakes::table.filter(intakes::id.eq(id))).set(intakes::report_version.eq(intakes::report_version + 1)).execute(conn)?;
    diesel::update(
        intake_sponsors::table.filter(intake_sponsors::intake_id.eq(id)).filter(intake_sponsors::sponsor_id.eq_any(sponsors.to_vec())),
    )
    .set(intake_sponsors::report_version.eq(intake_sponsors::report_version + 1))
    .execute(conn)?;
    Ok(())
}

/// As [`touch`], for every sponsor: the schedule or the plan has changed.
pub fn touch_all(conn: &mut Conn, id: IntakeId) -> Result<(), Error> {
    for statement in [
        "UPDATE intakes SET report_version = report_version + 1 WHERE id = ?",
        "UPDATE intake_sponsors SET report_version = report_version + 1 WHERE intake_id = ?",
    ] {
        db::fixed(statement).bind::<Uid, _>(id).execute(conn)?;
    }
    Ok(())
}

/// The time zone of the latest intake of a house, whichever of its organizations is asked about.
pub fn latest_zone(conn: &mut Conn, provider: OrganizationId) -> Result<Option<Zone>, Error> {
    let house: OrganizationId = organizations::table.find(provider).select(organizations::root_id).first(conn)?;
    let own = intakes::table.filter(intakes::provider_id.eq_any(below(house))).order(intakes::id.desc());
    Ok(own.select(intakes::time_zone).first(conn).optional()?)
}

/// Says that every report which names one of these people shows something else from this transaction on; of `own` too, an intake that
/// the caller goes on to change. Each intake once and in the order of their ids, so that two such changes wait for each other only one way.
pub fn touch_people(conn: &mut Conn, people: &[PersonId], own: Option<IntakeId>) -> Result<(), Error> {
    let mut touched: BTreeMap<IntakeId, BTreeSet<OrganizationId>> = BTreeMap::new();
    for chunk in people.chunks(CHUNK) {
        let enrolled: Vec<(IntakeId, OrganizationId)> = enrolled::table
            .filter(enrolled::person_id.eq_any(chunk.to_vec()))
            .select((enrolled::intake_id, enrolled::sponsor_id))
            .distinct()
            .load(conn)?;
        for (intake, sponsor) in enrolled {
            touched.entry(intake).or_default().insert(sponsor);
        }
    }
    if !touched.is_empty() {
        touched.extend(own.filter(|own| !touched.contains_key(own)).map(|own| (own, BTreeSet::new())));
    }
    for (intake, sponsors) in touched {
        touch(conn, intake, &sponsors.into_iter().collect::<Vec<_>>())?;
    }
    Ok(())
}
