//! What an entry of the ledger rests on.

use diesel::prelude::*;

use super::super::{
    explain::{EntryExplanation, Grounds, LineFacts, SessionFacts, SessionName},
    model::{EntryKind, HourEntry, HourEntryId, standing},
};
use crate::{
    access::{Action, Actor, Role},
    attendance::RollCallState,
    db::Conn,
    enrollments::{self, EnrollmentId},
    error::Error,
    schedule::{self, SessionId},
    schema::{attendances, carried_modules, hour_entries, journal_entries, roll_calls, sessions, users},
    text::Code,
};

/// Why an entry of an enrollment that the actor sees has its minutes.
pub(in crate::ledger) fn explain(conn: &mut Conn, actor: &Actor, id: HourEntryId) -> Result<EntryExplanation, Error> {
    let entry: HourEntry = hour_entries::table.find(id).select(HourEntry::as_select()).first(conn)?;
    enrollments::find(conn, actor, entry.enrollment_id)?;
    actor.may(Action::ReadHours)?;
    let of_module: Vec<HourEntry> = hour_entries::table
        .filter(hour_entries::enrollment_id.eq(entry.enrollment_id))
        .filter(hour_entries::module_id.eq(entry.module_id))
        .select(HourEntry::as_select())
        .load(conn)?;
    let stands = standing(of_module.iter()).any(|other| other.id == id);
    let called_in = match entry.kind {
        EntryKind::MakeUp => entry.made_up_in_id,
        EntryKind::Adjustment | EntryKind::CarriedIn => None,
        EntryKind::Attended | EntryKind::AuthorizedAbsence | EntryKind::UnauthorizedAbsence | EntryKind::Exempt => entry.session_id,
    };
    let grounds = Grounds {
        session: session(conn, entry.session_id, stands)?,
        made_up_in: session(conn, entry.made_up_in_id, stands)?,
        attendance: line(conn, actor, entry.enrollment_id, called_in.filter(|_| stands))?,
        origin_minutes: match entry.origin_id {
            Some(origin) => Some(hour_entries::table.find(origin).select(hour_entries::minutes).first(conn)?),
            None => None,
        },
        planned_minutes: carried_modules::table
            .filter(carried_modules::enrollment_id.eq(entry.enrollment_id))
            .filter(carried_modules::module_id.eq(entry.module_id))
            .select(carried_modules::planned_minutes)
            .first(conn)
            .optional()?,
        closing_of: closing_of(conn, actor, &entry)?,
        posted_by: match entry.user_id {
            Some(user) => users::table.find(user).select(users::name).first(conn).optional()?,
            None => None,
        },
        of_module,
    };
    Ok(EntryExplanation::new(entry, actor.role(), grounds))
}

/// The session by whose closing an entry was posted; of other acts the journal has another subject.
fn closing_of(conn: &mut Conn, actor: &Actor, entry: &HourEntry) -> Result<Option<SessionName>, Error> {
    let closed = journal_entries::table
        .inner_join(sessions::table.on(sessions::id.eq(journal_entries::subject_id)))
        .filter(journal_entries::id.eq(entry.posting_id))
        .select((sessions::id, sessions::code));
    let closed: Option<(SessionId, Code)> = closed.first(conn).optional()?;
    let Some((id, code)) = closed else { return Ok(None) };
    // What is carried or made up follows sessions of other cohorts and intakes, too, which whoever sees this enrollment need not see.
    let is_own = [entry.session_id, entry.made_up_in_id].contains(&Some(id));
    let is_told = is_own || !schedule::seen_of(conn, actor, vec![id])?.is_empty();
    Ok(is_told.then_some(SessionName { id, code }))
}

/// The session of an entry, by which it was posted if it stands.
fn session(conn: &mut Conn, id: Option<SessionId>, stands: bool) -> Result<Option<SessionFacts>, Error> {
    let Some(id) = id else { return Ok(None) };
    let posted = (
        roll_calls::posted_starts_at.assume_not_null(),
        roll_calls::posted_ends_at.assume_not_null(),
        roll_calls::posted_minutes.assume_not_null(),
    );
    let (named, posted) = sessions::table
        .inner_join(roll_calls::table.on(roll_calls::session_id.eq(sessions::id)))
        .filter(sessions::id.eq(id))
        .select(((sessions::id, sessions::code, sessions::mode), posted))
        .first(conn)?;
    Ok(Some(SessionFacts::new(named, Some(posted).filter(|_| stands))))
}

/// What a closed roll call says of an enrollment; to a partner the code and the minutes.
fn line(conn: &mut Conn, actor: &Actor, enrollment: EnrollmentId, called_in: Option<SessionId>) -> Result<Option<LineFacts>, Error> {
    let Some(session) = called_in else { return Ok(None) };
    let line: Option<LineFacts> = attendances::table
        .inner_join(roll_calls::table.on(roll_calls::session_id.eq(attendances::session_id)))
        .filter(roll_calls::state.eq(RollCallState::Closed))
        .filter(attendances::session_id.eq(session))
        .filter(attendances::enrollment_id.eq(enrollment))
        .select((attendances::code, attendances::source, attendances::minutes, attendances::segments, attendances::leave_minutes))
        .first(conn)
        .optional()?;
    Ok(line.map(|line| LineFacts { segments: line.segments.filter(|_| actor.role() != Role::Partner), ..line }))
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
