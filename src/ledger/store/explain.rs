//! What an entry of the ledger rests on.

use diesel::prelude::*;

use super::super::{
    explain::{EntryExplanation, LineFacts, SessionFacts},
    model::{HourEntry, HourEntryId, standing},
};
use crate::{
    access::{Action, Actor, Role},
    attendance::RollCallState,
    db::Conn,
    enrollments::{self, EnrollmentId},
    error::Error,
    schema::{attendances, hour_entries, roll_calls, sessions},
};

/// Why an entry of an enrollment that the actor sees has its minutes.
pub(in crate::ledger) fn explain(conn: &mut Conn, actor: &Actor, id: HourEntryId) -> Result<EntryExplanation, Error> {
    let entry: HourEntry = hour_entries::table.find(id).select(HourEntry::as_select()).first(conn)?;
    enrollments::find(conn, actor, entry.enrollment_id)?;
    actor.may(Action::ReadHours)?;
    let reversed_by_id = hour_entries::table.filter(hour_entries::reverses_id.eq(id)).select(hour_entries::id).first(conn).optional()?;
    let session: Option<SessionFacts> = match entry.session_id {
        None => None,
        Some(session) => Some(
            sessions::table
                .find(session)
                .select((sessions::id, sessions::code, sessions::held_starts_at, sessions::held_ends_at, sessions::held_minutes))
                .first(conn)?,
        ),
    };
    let stands = entry.closing.is_some() && entry.reverses_id.is_none() && reversed_by_id.is_none();
    let attendance: Option<LineFacts> = match entry.session_id.filter(|_| stands) {
        None => None,
        Some(session) => attendances::table
            .inner_join(roll_calls::table.on(roll_calls::session_id.eq(attendances::session_id)))
            .filter(roll_calls::state.eq(RollCallState::Closed))
            .filter(attendances::session_id.eq(session))
            .filter(attendances::enrollment_id.eq(entry.enrollment_id))
            .select((attendances::code, attendances::minutes, attendances::segments, attendances::leave_minutes))
            .first(conn)
            .optional()?,
    };
    // To a partner the code and the minutes.
    let attendance = attendance.map(|line| LineFacts { segments: line.segments.filter(|_| actor.role() != Role::Partner), ..line });
    Ok(EntryExplanation::new((entry, actor.role()), session, attendance, reversed_by_id))
}

/// The entries of an enrollment that stand, oldest first, as the actor may see them: those whose sum its balance is.
pub fn standing_entries(conn: &mut Conn, actor: &Actor, enrollment: EnrollmentId) -> Result<Vec<HourEntry>, Error> {
    enrollments::find(conn, actor, enrollment)?;
    actor.may(Action::ReadHours)?;
    let all: Vec<HourEntry> = hour_entries::table
        .filter(hour_entries::enrollment_id.eq(enrollment))
        .order(hour_entries::id)
        .select(HourEntry::as_select())
        .load(conn)?;
    Ok(standing(all.iter()).cloned().map(|entry| entry.shown_to(actor.role())).collect())
}
