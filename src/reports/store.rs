//! The queries of the reports: a fixed number of them, whatever the size of the intake or the database.

mod parts;

use std::collections::{BTreeSet, HashMap};

use diesel::{
    dsl::{count_star, sum},
    prelude::*,
};

use super::{
    explain::ProgressExplanation,
    model::{Asked, EnrollmentProgress, Format, IntakeProgress, Labels, Plan, PlannedModule, ProgressRow, Subject, Totals},
    parts::{Measures, ModuleProgress},
};
use crate::{
    access::{Action, Actor, Role, Scope, disclosed_to, shown_to},
    attendance::RollCallState,
    clock::Instant,
    db::{CHUNK, Conn, MultiBackend},
    enrollments::{self, EnrollmentId, EnrollmentState},
    error::Error,
    http::{Caller, ETag},
    intakes::{self, CohortId, Intake, IntakeId},
    journal::NewEntry,
    ledger::{self, Balance},
    organizations::OrganizationId,
    people::{self, PersonId},
    programs::{AttendanceRule, DisciplineId, ModuleId},
    schedule::SessionState,
    schema::{
        amendments, disciplines, enrollments as enrolled, hour_balances, intake_sponsors, intakes as intake_rows, modules, organizations,
        people as person_rows, program_versions, roll_calls, session_cohorts, sessions, unsettled_sessions,
    },
    text::{Code, Name},
};

/// A report, or the word that the caller has it already.
pub enum Pulled {
    Unchanged(ETag),
    Report(ETag, Box<IntakeProgress>),
    /// The report, to be shown as a table.
    Table(ETag, Box<IntakeProgress>, Labels),
}

/// The progress of an intake as the actor may see it. A partner's holds its own people only, totals included.
///
/// The tag is read first, in the same snapshot: who has the report already is answered before it is made. Pulling it is journaled.
pub fn intake_progress(conn: &mut Conn, actor: &Actor, now: Instant, caller: &Caller, id: IntakeId, asked: Asked) -> Result<Pulled, Error> {
    let intake = intakes::find(conn, actor, id)?;
    actor.may(Action::ReadIntakeProgress)?;
    let labels = match asked.format {
        Format::Json => None,
        Format::Csv => Some(labels(conn, actor, &intake)?),
    };
    let tag = tag(conn, actor, caller, id, asked.format, labels.as_ref())?;
    if caller.has(&tag) {
        return Ok(Pulled::Unchanged(tag));
    }
    let plan = plan(conn, &intake)?;
    let rows = ProgressRow::all(subjects(conn, actor, id, None)?, &plan);
    let split = asked.by.map(|by| parts::split(conn, actor, &intake, by, (&plan, &rows))).transpose()?;
    let taught = taught(conn, id)?;
    actor.record(NewEntry::of("report.pulled", "intake", id).provider(intake.provider_id).intake(id).to(&asked));
    let report = IntakeProgress {
        intake_id: id,
        planned_minutes: plan.modules.iter().map(|module| module.minutes).sum(),
        scheduled_minutes: taught.scheduled,
        held_minutes: taught.held,
        minutes_per_hour: plan.minutes_per_hour,
        minimum_attendance_percent: plan.attendance.minimum_percent,
        open_sessions: taught.open_sessions,
        totals: Totals::of(rows.iter()),
        rows,
        split,
        as_of: now,
        code: intake.code,
        name: intake.name,
    };
    Ok(match labels {
        Some(labels) => Pulled::Table(tag, Box::new(report), labels),
        None => Pulled::Report(tag, Box::new(report)),
    })
}

/// The progress of one enrollment, with every module of its plan. Where a partner pulls it, that is journaled as for a whole report:
/// it leaves the house. Those of the house and the trainee only look.
pub fn enrollment_progress(conn: &mut Conn, actor: &Actor, now: Instant, id: EnrollmentId) -> Result<EnrollmentProgress, Error> {
    let (intake, plan, subject) = subject_of(conn, actor, id)?;
    let mut sums = parts::module_sums(conn, actor, &plan, intake.id, Some(id))?;
    let modules = plan
        .owed_by(subject.discipline_id)
        .map(|module| {
            let sums = sums.remove(&module.id).unwrap_or_default();
            ModuleProgress {
                id: module.id,
                code: module.code.clone(),
                name: module.name.clone(),
                measures: Measures::of(module.minutes, sums),
            }
        })
        .collect();
    let row = ProgressRow::of(subject, &plan);
    record_pull(actor, &intake, id);
    let Plan { minutes_per_hour, attendance: AttendanceRule { minimum_percent: minimum_attendance_percent, .. }, .. } = plan;
    Ok(EnrollmentProgress { as_of: now, minutes_per_hour, minimum_attendance_percent, row, modules })
}

/// An enrollment as a report finds it, with its intake and what that plans.
fn subject_of(conn: &mut Conn, actor: &Actor, id: EnrollmentId) -> Result<(Intake, Plan, Subject), Error> {
    let enrollment = enrollments::find(conn, actor, id)?;
    actor.may(Action::ReadOwnProgress)?;
    let intake: Intake = intake_rows::table.find(enrollment.intake_id).select(Intake::as_select()).first(conn)?;
    let plan = plan(conn, &intake)?;
    let subject = subjects(conn, actor, intake.id, Some(id))?.pop().ok_or(Error::NotFound)?;
    Ok((intake, plan, subject))
}

/// A partner's look leaves the house; those of the house and the trainee only look.
fn record_pull(actor: &Actor, intake: &Intake, id: EnrollmentId) {
    if actor.role() == Role::Partner {
        let entry = NewEntry::of("report.pulled", "enrollment", id).provider(intake.provider_id).intake(intake.id);
        actor.record(entry.to(&Asked { format: Format::Json, by: None }));
    }
}

/// How the numbers of an enrollment's progress come about. Journaled as [`enrollment_progress`] is.
pub(super) fn explain_progress(conn: &mut Conn, actor: &Actor, now: Instant, id: EnrollmentId) -> Result<ProgressExplanation, Error> {
    let (intake, plan, subject) = subject_of(conn, actor, id)?;
    let entries = ledger::standing_entries(conn, actor, id)?;
    record_pull(actor, &intake, id);
    Ok(ProgressExplanation::new(now, ProgressRow::of(subject, &plan), &plan, entries))
}

/// What determines a report: the version of what it shows, whose rows it shows, and what was asked for.
fn tag(conn: &mut Conn, actor: &Actor, caller: &Caller, id: IntakeId, format: Format, labels: Option<&Labels>) -> Result<ETag, Error> {
    let versions: String = match actor.scope() {
        // Of each house whose people are in it, so that the tag is another one when a disclosure of some begins or ends.
        Scope::Sponsor(partner, at) => {
            let versions: Vec<(OrganizationId, i64)> = intake_sponsors::table
                .inner_join(organizations::table.on(organizations::root_id.eq(intake_sponsors::sponsor_id)))
                .filter(organizations::id.eq(partner).or(organizations::id.eq_any(disclosed_to(partner, at))))
                .filter(intake_sponsors::intake_id.eq(id))
                .order(organizations::id)
                .select((organizations::id, intake_sponsors::report_version))
                .load(conn)?;
            versions.into_iter().map(|(house, version)| format!("{house} {version} ")).collect()
        }
        _ => intake_rows::table.find(id).select(intake_rows::report_version).first::<i64>(conn)?.to_string(),
    };
    let scope = format!("{:?} {:?}", actor.scope().parts(), actor.only_intakes());
    // The version counts changes of the numbers, not of what organizations are called.
    let names = labels.map(Labels::parts).unwrap_or_default();
    let address = caller.address();
    let form = [versions.as_str(), &scope, &address, format.as_str()];
    Ok(ETag::weak(&form.into_iter().chain(names.iter().map(String::as_str)).collect::<Vec<_>>()))
}

/// What the organizations, cohorts and disciplines of an intake are called, and the employee numbers of its trainees at their sponsors.
fn labels(conn: &mut Conn, actor: &Actor, intake: &Intake) -> Result<Labels, Error> {
    let mut query = enrolled::table
        .filter(enrolled::intake_id.eq(intake.id))
        .select((enrolled::person_id, enrolled::sponsor_id, enrolled::unit_id))
        .into_boxed::<MultiBackend>();
    if let Scope::Sponsor(partner, at) = actor.scope() {
        query = query.filter(enrolled::unit_id.eq_any(shown_to(partner, at)));
    }
    let seated: Vec<(PersonId, OrganizationId, OrganizationId)> = query.load(conn)?;
    let named: BTreeSet<OrganizationId> = seated.iter().flat_map(|(_, sponsor, unit)| [*sponsor, *unit]).collect();
    let people: BTreeSet<PersonId> = seated.iter().map(|(person, ..)| *person).collect();
    let (named, people): (Vec<OrganizationId>, Vec<PersonId>) = (named.into_iter().collect(), people.into_iter().collect());
    let mut labels = Labels::default();
    for chunk in named.chunks(CHUNK) {
        let rows: Vec<(OrganizationId, Name)> = organizations::table
            .filter(organizations::id.eq_any(chunk.to_vec()))
            .select((organizations::id, organizations::name))
            .load(conn)?;
        labels.organizations.extend(rows);
    }
    let disciplines = disciplines::table.filter(disciplines::program_version_id.eq(intake.program_version_id));
    let rows: Vec<(DisciplineId, Code)> = disciplines.select((disciplines::id, disciplines::code)).load(conn)?;
    labels.disciplines.extend(rows);
    labels.cohorts.extend(intakes::cohorts_of(conn, intake.id)?.into_iter().map(|cohort| (cohort.id, cohort.code)));
    labels.employee_numbers = people::employee_numbers(conn, actor, &people)?;
    Ok(labels)
}

fn plan(conn: &mut Conn, intake: &Intake) -> Result<Plan, Error> {
    type Row = (ModuleId, Option<DisciplineId>, Code, Name, i32);
    let planned: Vec<Row> = modules::table
        .filter(modules::program_version_id.eq(intake.program_version_id))
        .order(modules::position)
        .select((modules::id, modules::discipline_id, modules::code, modules::name, modules::planned_minutes))
        .load(conn)?;
    let amended: Vec<(ModuleId, Option<i64>)> = amendments::table
        .filter(amendments::intake_id.eq(intake.id))
        .group_by(amendments::module_id)
        .select((amendments::module_id, sum(amendments::delta_minutes)))
        .load(conn)?;
    let amended: HashMap<ModuleId, i64> = amended.into_iter().map(|(id, minutes)| (id, minutes.unwrap_or(0))).collect();
    let modules = planned
        .into_iter()
        .map(|(id, discipline_id, code, name, minutes)| PlannedModule {
            id,
            discipline_id,
            code,
            name,
            minutes: i64::from(minutes) + amended.get(&id).copied().unwrap_or(0),
        })
        .collect();
    let closed: Vec<(CohortId, ModuleId, Option<i64>)> = sessions::table
        .inner_join(roll_calls::table.on(roll_calls::session_id.eq(sessions::id)))
        .inner_join(session_cohorts::table.on(session_cohorts::session_id.eq(sessions::id)))
        .filter(sessions::intake_id.eq(intake.id))
        // Said of each table, so that none is read beyond the intake.
        .filter(roll_calls::intake_id.eq(intake.id))
        .filter(roll_calls::closings.gt(0))
        .group_by((session_cohorts::cohort_id, sessions::module_id))
        .select((session_cohorts::cohort_id, sessions::module_id, sum(roll_calls::posted_minutes)))
        .load(conn)?;
    let closed = closed.into_iter().map(|(cohort, module, minutes)| ((cohort, module), minutes.unwrap_or(0))).collect();
    let rule = (program_versions::authorized_absence_counts, program_versions::minimum_attendance_percent);
    let version = program_versions::table.find(intake.program_version_id).select((program_versions::minutes_per_hour, rule));
    let (minutes_per_hour, attendance) = version.first(conn)?;
    Ok(Plan { modules, closed, minutes_per_hour, attendance })
}

struct Taught {
    scheduled: i64,
    held: i64,
    open_sessions: i64,
}

/// One look at the intake's sessions: by their state, and that of their roll calls.
fn taught(conn: &mut Conn, id: IntakeId) -> Result<Taught, Error> {
    type Row = (SessionState, Option<RollCallState>, Option<i64>, Option<i64>, i64);
    let rows: Vec<Row> = sessions::table
        .left_join(roll_calls::table.on(roll_calls::session_id.eq(sessions::id).and(roll_calls::intake_id.eq(id))))
        .filter(sessions::intake_id.eq(id))
        .group_by((sessions::state, roll_calls::state))
        .select((sessions::state, roll_calls::state.nullable(), sum(sessions::minutes), sum(sessions::held_minutes), count_star()))
        .load(conn)?;
    let mut taught = Taught { scheduled: 0, held: 0, open_sessions: 0 };
    for (state, roll_call, minutes, held, count) in rows {
        match state {
            SessionState::Held => {
                taught.held += held.unwrap_or(0);
                taught.scheduled += held.unwrap_or(0);
                taught.open_sessions += if roll_call == Some(RollCallState::Closed) { 0 } else { count };
            }
            SessionState::Published => taught.scheduled += minutes.unwrap_or(0),
            SessionState::Draft | SessionState::Cancelled => {}
        }
    }
    Ok(taught)
}

type Seated = (EnrollmentId, PersonId, Name, Option<Name>, DisciplineId, OrganizationId, OrganizationId, Option<CohortId>, EnrollmentState);
type Minutes = (i32, i32, i32, i32, i32, i32, i32);

/// Who is in the report: everybody who was enrolled. Whoever withdrew or was transferred stays in it with the hours that were
/// posted, since these are delivered, and with sessions that wait to be settled, so that none hides; without either they are not shown.
fn subjects(conn: &mut Conn, actor: &Actor, id: IntakeId, only: Option<EnrollmentId>) -> Result<Vec<Subject>, Error> {
    use EnrollmentState as S;
    let mut query = enrolled::table
        .inner_join(person_rows::table.on(person_rows::id.eq(enrolled::person_id)))
        .left_join(hour_balances::table.on(hour_balances::enrollment_id.eq(enrolled::id).and(hour_balances::intake_id.eq(id))))
        .filter(enrolled::intake_id.eq(id))
        .select((
            (
                enrolled::id,
                enrolled::person_id,
                person_rows::name,
                person_rows::latin_name,
                enrolled::discipline_id,
                enrolled::sponsor_id,
                enrolled::unit_id,
                enrolled::cohort_id,
                enrolled::state,
            ),
            (
                hour_balances::attended,
                hour_balances::authorized_absence,
                hour_balances::unauthorized_absence,
                hour_balances::exempt,
                hour_balances::make_up,
                hour_balances::adjustment,
                hour_balances::carried_in,
            )
                .nullable(),
        ))
        .into_boxed::<MultiBackend>();
    query = match only {
        Some(enrollment) => query.filter(enrolled::id.eq(enrollment)),
        // In so many words, because a list would be prepared anew each time.
        None => query.filter(
            enrolled::state
                .eq(S::Enrolled)
                .or(enrolled::state.eq(S::Suspended))
                .or(enrolled::state.eq(S::Completed))
                .or(enrolled::state.eq(S::Failed))
                .or((enrolled::state.eq(S::Withdrawn).or(enrolled::state.eq(S::Transferred))).and(
                    hour_balances::enrollment_id.nullable().is_not_null().or(enrolled::id.eq_any(
                        unsettled_sessions::table.filter(unsettled_sessions::intake_id.eq(id)).select(unsettled_sessions::enrollment_id),
                    )),
                )),
        ),
    };
    if let Scope::Sponsor(partner, at) = actor.scope() {
        query = query.filter(enrolled::unit_id.eq_any(shown_to(partner, at)));
    }
    let rows: Vec<(Seated, Option<Minutes>)> = query.load(conn)?;
    let unsettled = unsettled(conn, id, only)?;
    let shown = |subject: &Subject| {
        let left = matches!(subject.state, S::Withdrawn | S::Transferred);
        // What was posted and reversed again is no hours.
        !left || subject.balance != Balance::default() || subject.unsettled_sessions > 0
    };
    let subjects = rows.into_iter().map(|(seated, minutes)| subject(seated, minutes, &unsettled));
    let mut subjects: Vec<Subject> = subjects.filter(|subject| only.is_some() || shown(subject)).collect();
    // Sorted here, because SQLite would copy each whole row for it.
    subjects.sort_unstable_by_key(|subject| subject.enrollment_id);
    Ok(subjects)
}

/// How many sessions are unsettled for each enrollment of an intake, or for one of them.
fn unsettled(conn: &mut Conn, id: IntakeId, only: Option<EnrollmentId>) -> Result<HashMap<EnrollmentId, i64>, Error> {
    let counts =
        unsettled_sessions::table.group_by(unsettled_sessions::enrollment_id).select((unsettled_sessions::enrollment_id, count_star()));
    let rows: Vec<(EnrollmentId, i64)> = match only {
        Some(enrollment) => counts.filter(unsettled_sessions::enrollment_id.eq(enrollment)).load(conn)?,
        None => counts.filter(unsettled_sessions::intake_id.eq(id)).load(conn)?,
    };
    Ok(rows.into_iter().collect())
}

fn subject(seated: Seated, minutes: Option<Minutes>, unsettled: &HashMap<EnrollmentId, i64>) -> Subject {
    let (enrollment_id, person_id, name, latin_name, discipline_id, sponsor_id, unit_id, cohort_id, state) = seated;
    let (attended, authorized, unauthorized, exempt, make_up, adjustment, carried_in) = minutes.unwrap_or_default();
    let balance = Balance {
        attended_minutes: attended,
        authorized_absence_minutes: authorized,
        unauthorized_absence_minutes: unauthorized,
        exempt_minutes: exempt,
        make_up_minutes: make_up,
        adjustment_minutes: adjustment,
        carried_in_minutes: carried_in,
    };
    let unsettled_sessions = unsettled.get(&enrollment_id).copied().unwrap_or(0);
    Subject {
        enrollment_id,
        person_id,
        name,
        latin_name,
        discipline_id,
        sponsor_id,
        unit_id,
        cohort_id,
        state,
        balance,
        unsettled_sessions,
    }
}
