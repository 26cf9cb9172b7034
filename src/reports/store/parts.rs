//! The parts of a report.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::{
    dsl::{case_when, count, count_star, sum},
    prelude::*,
};

use super::super::{
    model::{Plan, PlannedModule, ProgressRow, Split},
    parts::{Named, Part, Sums},
};
use crate::{
    access::{Actor, Scope, shown_to},
    db::{CHUNK, Conn},
    enrollments::EnrollmentId,
    error::Error,
    intakes::{self, CohortId, CohortRow, Intake, IntakeId},
    organizations::OrganizationId,
    programs::{DisciplineId, ModuleId},
    schedule::{SessionId, SessionState},
    schema::{cohorts, disciplines, enrollments as enrolled, module_hour_balances, organizations, session_cohorts, sessions},
    text::{Code, Name},
};

/// The rows of a report by what was asked for.
pub(super) fn split(
    conn: &mut Conn,
    actor: &Actor,
    intake: &Intake,
    by: Split,
    (plan, rows): (&Plan, &[ProgressRow]),
) -> Result<Vec<Part>, Error> {
    match by {
        Split::Discipline => by_discipline(conn, intake, rows),
        Split::Module => by_module(conn, actor, intake, plan, rows),
        Split::Cohort => by_cohort(conn, intake, rows),
        Split::Unit => by_unit(conn, rows),
    }
}

/// What was held for each cohort of an intake: the session, the cohort and its discipline, and the minutes.
fn delivered(conn: &mut Conn, intake: IntakeId) -> Result<Vec<(SessionId, CohortId, DisciplineId, i64)>, Error> {
    let rows: Vec<(SessionId, CohortId, DisciplineId, Option<i32>)> = sessions::table
        .inner_join(session_cohorts::table.on(session_cohorts::session_id.eq(sessions::id)))
        .inner_join(cohorts::table.on(cohorts::id.eq(session_cohorts::cohort_id)))
        .filter(sessions::intake_id.eq(intake))
        .filter(sessions::state.eq(SessionState::Held))
        .select((sessions::id, cohorts::id, cohorts::discipline_id, sessions::held_minutes))
        .load(conn)?;
    Ok(rows.into_iter().map(|(id, cohort, discipline, minutes)| (id, cohort, discipline, minutes.unwrap_or(0).into())).collect())
}

fn by_discipline(conn: &mut Conn, intake: &Intake, rows: &[ProgressRow]) -> Result<Vec<Part>, Error> {
    let known: Vec<(DisciplineId, Code, Name)> = disciplines::table
        .filter(disciplines::program_version_id.eq(intake.program_version_id))
        .order(disciplines::position)
        .select((disciplines::id, disciplines::code, disciplines::name))
        .load(conn)?;
    let delivered = delivered(conn, intake.id)?;
    let part = |(id, code, name): (DisciplineId, Code, Name)| {
        // One that was held for two cohorts of the discipline was held once.
        let held: BTreeMap<SessionId, i64> = delivered
            .iter()
            .filter(|(_, _, discipline, _)| *discipline == id)
            .map(|(session, _, _, minutes)| (*session, *minutes))
            .collect();
        let of_rows = Part::of_rows(Some((id.uuid(), code, name)), rows.iter().filter(move |row| row.discipline_id == id));
        Part { held_minutes: Some(held.into_values().sum()), ..of_rows }
    };
    Ok(known.into_iter().map(part).collect())
}

/// By code; whoever is in no cohort comes last.
fn by_cohort(conn: &mut Conn, intake: &Intake, rows: &[ProgressRow]) -> Result<Vec<Part>, Error> {
    let mut parts = Vec::new();
    for CohortRow { id, code, name, .. } in intakes::cohorts_of(conn, intake.id)? {
        parts.push((Some(id), Some((id.uuid(), code, name))));
    }
    parts.push((None, None));
    let of = |id: Option<CohortId>| rows.iter().filter(move |row| row.cohort_id == id);
    let delivered = delivered(conn, intake.id)?;
    let held = |id: CohortId| delivered.iter().filter(|(_, cohort, ..)| *cohort == id).map(|(.., minutes)| minutes).sum();
    let part = |(id, named): (Option<CohortId>, Named)| {
        (of(id).count() > 0).then(|| Part { held_minutes: id.map(held), ..Part::of_rows(named, of(id)) })
    };
    Ok(parts.into_iter().filter_map(part).collect())
}

/// By code.
fn by_unit(conn: &mut Conn, rows: &[ProgressRow]) -> Result<Vec<Part>, Error> {
    let ids: BTreeSet<OrganizationId> = rows.iter().map(|row| row.unit_id).collect();
    let mut units: Vec<(OrganizationId, Code, Name)> = Vec::new();
    for chunk in ids.into_iter().collect::<Vec<_>>().chunks(CHUNK) {
        let known = organizations::table.filter(organizations::id.eq_any(chunk.to_vec()));
        units.extend(
            known.select((organizations::id, organizations::code, organizations::name)).load::<(OrganizationId, Code, Name)>(conn)?,
        );
    }
    units.sort_unstable_by(|(one, code, _), (other, its, _)| code.cmp(its).then(one.cmp(other)));
    let part = |(id, code, name): (OrganizationId, Code, Name)| {
        Part::of_rows(Some((id.uuid(), code, name)), rows.iter().filter(move |row| row.unit_id == id))
    };
    Ok(units.into_iter().map(part).collect())
}

fn by_module(conn: &mut Conn, actor: &Actor, intake: &Intake, plan: &Plan, rows: &[ProgressRow]) -> Result<Vec<Part>, Error> {
    let mut sums = module_sums(conn, actor, plan, intake.id, None)?;
    let held: Vec<(ModuleId, Option<i64>)> = sessions::table
        .filter(sessions::intake_id.eq(intake.id))
        .filter(sessions::state.eq(SessionState::Held))
        .group_by(sessions::module_id)
        .select((sessions::module_id, sum(sessions::held_minutes)))
        .load(conn)?;
    let held: HashMap<ModuleId, i64> = held.into_iter().map(|(id, minutes)| (id, minutes.unwrap_or(0))).collect();
    let part = |module: &PlannedModule| {
        let owing = rows.iter().filter(|row| module.discipline_id.is_none_or(|own| own == row.discipline_id)).count();
        let plan_minutes = module.minutes * i64::try_from(owing).unwrap_or(0);
        let sums = sums.remove(&module.id).unwrap_or_default();
        let named = Some((module.id.uuid(), module.code.clone(), module.name.clone()));
        Part { held_minutes: Some(held.get(&module.id).copied().unwrap_or(0)), ..Part::of(named, plan_minutes, sums) }
    };
    Ok(plan.modules.iter().map(part).collect())
}

/// The sums of the module balances of the enrollments that the actor sees, or of one of them.
pub(super) fn module_sums(
    conn: &mut Conn,
    actor: &Actor,
    plan: &Plan,
    id: IntakeId,
    only: Option<EnrollmentId>,
) -> Result<HashMap<ModuleId, Sums>, Error> {
    use module_hour_balances as b;
    type Minutes = (Option<i64>, Option<i64>, Option<i64>, Option<i64>, Option<i64>, Option<i64>, Option<i64>);
    type Row = (ModuleId, i64, i64, Minutes);
    let query = b::table
        .inner_join(enrolled::table.on(enrolled::id.eq(b::enrollment_id)))
        .filter(enrolled::intake_id.eq(id))
        // Of what was posted and taken back nothing is owed, and so nothing is present.
        .filter((b::attended + b::authorized_absence + b::unauthorized_absence + b::exempt).gt(0))
        .group_by(b::module_id)
        .select((
            b::module_id,
            count(enrolled::person_id).aggregate_distinct(),
            count_star(),
            (
                sum(b::attended),
                sum(b::make_up),
                sum(b::adjustment),
                sum(b::authorized_absence),
                sum(b::unauthorized_absence),
                sum(b::exempt),
                sum(case_when((b::make_up + b::adjustment).gt(b::unauthorized_absence), b::make_up + b::adjustment)
                    .otherwise(b::unauthorized_absence)),
            ),
        ));
    let rows: Vec<Row> = match (only, actor.scope()) {
        // The enrollment was found in the actor's scope.
        (Some(enrollment), _) => query.filter(enrolled::id.eq(enrollment)).load(conn)?,
        (None, Scope::Sponsor(partner, at)) => query.filter(enrolled::unit_id.eq_any(shown_to(partner, at))).load(conn)?,
        (None, _) => query.load(conn)?,
    };
    let sums = |(id, heads, enrollments, (attended, make_up, adjustment, authorized, unauthorized, exempt, beside)): Row| {
        let [attended, make_up, adjustment, authorized, unauthorized, exempt, beside] =
            [attended, make_up, adjustment, authorized, unauthorized, exempt, beside].map(|minutes| minutes.unwrap_or(0));
        let (expected, present) = (attended + authorized + unauthorized, attended + make_up + adjustment);
        let counted = if plan.attendance.authorized_absence_counts { expected } else { attended + beside };
        let sums = Sums { heads, enrollments, expected, counted, present, authorized, unauthorized, exempt };
        (id, sums)
    };
    Ok(rows.into_iter().map(sums).collect())
}
