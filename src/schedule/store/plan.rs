//! What is scheduled beside what is planned, for each cohort and module (DOMAIN section 3).

use std::collections::HashMap;

use diesel::prelude::*;

use super::super::{
    model::{SessionId, SessionRow},
    rules::{Taken, scheduled},
};
use crate::{
    db::Conn,
    error::Error,
    intakes::{self, CohortId, CohortRow, Intake},
    programs::ModuleId,
    schema::{amendments, modules, session_cohorts, sessions},
    text::{Code, counted},
};

/// Why a session is not scheduled, with what would be scheduled then.
pub(super) fn exceeds(session: &Code, cohort: &Code, module: &Code, minutes: i64, planned: i64) -> String {
    let planned = counted(planned, "planned minute");
    format!("with session {session} cohort {cohort} has {minutes} of {planned} of module {module}; more needs an amendment")
}

/// What each session of these modules takes of the plan.
pub(super) fn taken_of(conn: &mut Conn, intake: &Intake, modules: Vec<ModuleId>) -> Result<Vec<(SessionId, Taken)>, Error> {
    Ok(sessions::table
        .inner_join(session_cohorts::table.on(session_cohorts::session_id.eq(sessions::id)))
        .filter(sessions::intake_id.eq(intake.id))
        .filter(sessions::module_id.eq_any(modules))
        .select((
            sessions::id,
            (session_cohorts::cohort_id, sessions::module_id, sessions::state, sessions::minutes, sessions::held_minutes),
        ))
        .load(conn)?)
}

/// What a session takes of the plan of one of its cohorts.
pub(super) fn taken(row: &SessionRow, cohort_id: CohortId) -> Taken {
    Taken { cohort_id, module_id: row.module_id, state: row.state, minutes: row.minutes, held_minutes: row.held_minutes }
}

/// The minutes that the modules of an intake have planned, amendments included, with their codes.
pub(super) fn planned_minutes(conn: &mut Conn, intake: &Intake) -> Result<HashMap<ModuleId, (Code, i64)>, Error> {
    let planned: Vec<(ModuleId, Code, i32)> = modules::table
        .filter(modules::program_version_id.eq(intake.program_version_id))
        .select((modules::id, modules::code, modules::planned_minutes))
        .load(conn)?;
    let amended: Vec<(ModuleId, i32)> = amendments::table
        .filter(amendments::intake_id.eq(intake.id))
        .select((amendments::module_id, amendments::delta_minutes))
        .load(conn)?;
    let mut planned: HashMap<ModuleId, (Code, i64)> =
        planned.into_iter().map(|(id, code, minutes)| (id, (code, i64::from(minutes)))).collect();
    for (module, delta) in amended {
        if let Some((_, minutes)) = planned.get_mut(&module) {
            *minutes += i64::from(delta);
        }
    }
    Ok(planned)
}

/// Refuses a plan that holds less of a module than is scheduled for some cohort already.
///
/// # Errors
/// 409 `plan_exceeded`.
pub fn refuse_below_scheduled(conn: &mut Conn, intake: &Intake, module: ModuleId) -> Result<(), Error> {
    let planned = planned_minutes(conn, intake)?;
    let Some((code, planned)) = planned.get(&module) else {
        return Ok(());
    };
    let taken = taken_of(conn, intake, vec![module])?;
    let scheduled = scheduled(taken.into_iter().map(|(_, taken)| taken).collect());
    let exceeding = |cohort: &CohortRow| scheduled.get(&(cohort.id, module)).copied().filter(|minutes| minutes > planned);
    for cohort in intakes::cohorts_of(conn, intake.id)? {
        if let Some(scheduled) = exceeding(&cohort) {
            let (cohort, planned) = (cohort.code, counted(*planned, "minute"));
            let detail = format!(
                "cohort {cohort} has {planned} of module {code} planned and {scheduled} scheduled; scheduling more needs an amendment"
            );
            return Err(Error::conflict("plan_exceeded", detail));
        }
    }
    Ok(())
}
