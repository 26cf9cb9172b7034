//! Amendments: what an intake's module hours are changed by. Never changed or deleted themselves.

use diesel::prelude::*;

use super::{
    super::model::{Amendment, IntakeId, NewAmendment},
    changing, find, touch_all,
};
use crate::{
    access::Actor,
    clock::Instant,
    db::Conn,
    error::Error,
    id::Id,
    journal::NewEntry,
    schedule,
    schema::{amendments, modules},
    text::counted,
};

/// The amendments of an intake, oldest first.
pub(in crate::intakes) fn list(conn: &mut Conn, actor: &Actor, intake: IntakeId) -> Result<Vec<Amendment>, Error> {
    find(conn, actor, intake)?;
    Ok(amendments::table.filter(amendments::intake_id.eq(intake)).order(amendments::id).select(Amendment::as_select()).load(conn)?)
}

/// Changes the planned minutes of one module of an intake; the program version stays as it was.
///
/// # Errors
/// 422 if the module is not of the intake's version, or nothing would be left of it; 409 `plan_exceeded` if more is scheduled than
/// would be left.
pub(in crate::intakes) fn amend(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake_id: IntakeId,
    new: NewAmendment,
) -> Result<Amendment, Error> {
    let intake = changing(conn, actor, intake_id)?;
    let planned: Option<i32> = modules::table
        .filter(modules::id.eq(new.module_id))
        .filter(modules::program_version_id.eq(intake.program_version_id))
        .select(modules::planned_minutes)
        .first(conn)
        .optional()?;
    let planned =
        planned.ok_or_else(|| Error::invalid("/module_id", "unknown_module", "the intake's program version has no such module"))?;
    let amended: Vec<i32> = amendments::table
        .filter(amendments::intake_id.eq(intake_id))
        .filter(amendments::module_id.eq(new.module_id))
        .select(amendments::delta_minutes)
        .load(conn)?;
    let before = i64::from(planned) + amended.into_iter().map(i64::from).sum::<i64>();
    let after = before + i64::from(new.delta_minutes);
    if new.delta_minutes == 0 || !(0..=1_000_000).contains(&after) {
        let before = counted(before, "minute");
        let detail = format!("the module has {before}; the change must leave 0 to 1,000,000 and not be zero");
        return Err(Error::invalid("/delta_minutes", "out_of_range", detail));
    }
    let amendment = Amendment {
        id: Id::generate(),
        intake_id,
        program_version_id: intake.program_version_id,
        module_id: new.module_id,
        delta_minutes: new.delta_minutes,
        reason: new.reason,
        user_id: actor.user_id(),
        created_at: now,
    };
    diesel::insert_into(amendments::table).values(&amendment).execute(conn)?;
    if amendment.delta_minutes < 0 {
        schedule::refuse_below_scheduled(conn, &intake, amendment.module_id)?;
    }
    touch_all(conn, intake_id)?;
    let entry = NewEntry::of("intake.amended", "intake", intake_id).provider(intake.provider_id).intake(intake_id);
    actor.record(entry.to(&amendment).because(Some(amendment.reason.as_str())));
    Ok(amendment)
}
