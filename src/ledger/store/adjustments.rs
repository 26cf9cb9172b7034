//! What a coordinator posts by hand, with a reason, and takes back.

use diesel::{dsl::sum, prelude::*};

use super::{
    super::model::{Bounds, EntryKind, HourEntry, HourEntryId, NewAdjustment, Posting},
    carrying::hold,
    post,
};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::Conn,
    enrollments::{self, Enrollment, EnrollmentId},
    error::Error,
    id::Id,
    intakes::{self, Intake, IntakeState},
    journal::NewEntry,
    programs::ModuleId,
    schedule::SessionId,
    schema::{guests, hour_entries, modules, sessions},
    text::{Code, Note},
};

/// Posts an adjustment of an enrollment's hours in a module, or in one closed session of it.
///
/// # Errors
/// 404 for an enrollment that the actor does not see; 409 `hours_out_of_bounds` where less than nothing or more than was owed would be
/// present (DOMAIN section 3), `intake_not_live` once the intake is completed; 422 for a session or module that is not the enrollment's.
pub(in crate::ledger) fn adjust(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    id: EnrollmentId,
    new: NewAdjustment,
) -> Result<HourEntry, Error> {
    let (enrollment, intake) = changing(conn, actor, id)?;
    let module_id = module_of(conn, &enrollment, &new)?;
    let (entry_id, act) = act(&intake, "hours.adjusted");
    let posting = Posting { id: act.id(), module_id, reason: Some(new.reason), user_id: actor.user_id(), recorded_at: now };
    let entry = HourEntry { id: entry_id, ..posting.entry(id, new.session_id, EntryKind::Adjustment, new.minutes) };
    check(conn, &entry, entry.minutes)?;
    posted(conn, actor, &enrollment, &posting, entry, act)
}

/// Takes back what was posted by hand: a reversing entry with the same minutes, negative.
///
/// # Errors
/// 404 for an entry of an enrollment that the actor does not see; 409 `posted_by_a_closing` for what only its roll call corrects,
/// `carried_from_elsewhere`, `already_reversed`, `hours_out_of_bounds`, `intake_not_live`.
pub(in crate::ledger) fn reverse(conn: &mut Conn, actor: &Actor, now: Instant, id: HourEntryId, reason: Note) -> Result<HourEntry, Error> {
    let old: HourEntry = hour_entries::table.find(id).select(HourEntry::as_select()).first(conn)?;
    let (enrollment, intake) = changing(conn, actor, old.enrollment_id)?;
    match old.kind {
        EntryKind::Adjustment => {}
        EntryKind::CarriedIn => {
            let detail = "it was carried from another enrollment and follows what is corrected there";
            return Err(Error::conflict("carried_from_elsewhere", detail));
        }
        EntryKind::Attended | EntryKind::AuthorizedAbsence | EntryKind::UnauthorizedAbsence | EntryKind::Exempt | EntryKind::MakeUp => {
            let detail = "the closing of a roll call posted it; reopen that roll call, correct it and close it again";
            return Err(Error::conflict("posted_by_a_closing", detail));
        }
    }
    let reversals: i64 = hour_entries::table.filter(hour_entries::reverses_id.eq(id)).count().get_result(conn)?;
    if reversals > 0 || old.reverses_id.is_some() {
        return Err(Error::conflict("already_reversed", "the entry is a reversal, or was taken back before"));
    }
    check(conn, &old, -old.minutes)?;
    let HourEntry { enrollment_id, module_id, session_id, kind, minutes, .. } = old;
    let (entry_id, act) = act(&intake, "hours.reversed");
    let posting = Posting { id: act.id(), module_id, reason: Some(reason), user_id: actor.user_id(), recorded_at: now };
    let entry = HourEntry { id: entry_id, reverses_id: Some(id), ..posting.entry(enrollment_id, session_id, kind, -minutes) };
    posted(conn, actor, &enrollment, &posting, entry, act)
}

/// The enrollment whose hours are about to change, and its intake, under the lock that every closing in its intake takes too.
fn changing(conn: &mut Conn, actor: &Actor, id: EnrollmentId) -> Result<(Enrollment, Intake), Error> {
    let enrollment = enrollments::find(conn, actor, id)?;
    actor.may(Action::AdjustHours)?;
    hold(conn, enrollment.intake_id)?;
    let intake = intakes::find(conn, actor, enrollment.intake_id)?;
    if intake.state == IntakeState::Completed {
        // Everybody in it was decided by these hours. One that was cancelled is corrected still: what was held counts.
        return Err(Error::conflict("intake_not_live", "the intake is completed; its hours stay as they are"));
    }
    Ok((enrollment, intake))
}

/// An entry that is to be posted by hand, and what the journal is to say of it.
fn act(intake: &Intake, action: &'static str) -> (HourEntryId, NewEntry) {
    let id = Id::generate();
    (id, NewEntry::of(action, "hour_entry", id).provider(intake.provider_id).intake(intake.id))
}

fn posted(
    conn: &mut Conn,
    actor: &Actor,
    enrollment: &Enrollment,
    posting: &Posting,
    entry: HourEntry,
    act: NewEntry,
) -> Result<HourEntry, Error> {
    post(conn, actor, posting, &entry)?;
    intakes::touch(conn, enrollment.intake_id, &[enrollment.sponsor_id])?;
    actor.record(act.to(&entry).because(entry.reason.as_ref().map(Note::as_str)));
    Ok(entry)
}

/// The module that is meant: as named, or that of the session, which a closing must have posted for the enrollment.
fn module_of(conn: &mut Conn, enrollment: &Enrollment, new: &NewAdjustment) -> Result<ModuleId, Error> {
    match (new.module_id, new.session_id) {
        (Some(module), None) => modules::table
            .filter(modules::id.eq(module))
            .filter(modules::program_version_id.eq(enrollment.program_version_id))
            .select(modules::id)
            .first(conn)
            .optional()?
            .ok_or_else(|| Error::invalid("/module_id", "unknown_module", "the intake's program version has no such module")),
        (None, Some(session)) => {
            let posted = hour_entries::table
                .inner_join(sessions::table.on(sessions::id.nullable().eq(hour_entries::session_id)))
                .filter(hour_entries::enrollment_id.eq(enrollment.id))
                .filter(sessions::id.eq(session))
                .filter(hour_entries::closing.is_not_null())
                .select(hour_entries::module_id)
                .first(conn)
                .optional()?;
            posted.map_or_else(|| Err(not_posted(conn, enrollment.id, session)), Ok)
        }
        (None, None) => Err(Error::invalid("/module_id", "missing_field", "name the session or the module")),
        (Some(_), Some(_)) => Err(Error::invalid("/module_id", "named_twice", "name the session or the module, not both")),
    }
}

/// Why hours of a session cannot be adjusted of which nothing was posted; what a guest made up was, but of another session.
fn not_posted(conn: &mut Conn, enrollment: EnrollmentId, session: SessionId) -> Error {
    let made_up = guests::table
        .inner_join(sessions::table.on(sessions::id.eq(guests::missed_session_id)))
        .filter(guests::session_id.eq(session))
        .filter(guests::enrollment_id.eq(enrollment))
        .select((sessions::id, sessions::code))
        .first::<(SessionId, Code)>(conn)
        .optional();
    let detail = match made_up {
        Err(error) => return error.into(),
        Ok(Some((id, code))) => format!(
            "this enrollment is a guest in it and owes nothing there: what is made up counts in session {code}, so name that one ({id})"
        ),
        Ok(None) => "no closed roll call of such a session names this enrollment; name one that it owed and whose roll call is closed, \
            or the module"
            .to_owned(),
    };
    Error::invalid("/session_id", "not_posted", detail)
}

/// Refuses minutes, positive or negative, that do not fit into the module and the session of an entry.
fn check(conn: &mut Conn, entry: &HourEntry, minutes: i32) -> Result<(), Error> {
    let HourEntry { enrollment_id, module_id, session_id, .. } = *entry;
    bounds(conn, enrollment_id, module_id, None)?.check("the module", minutes)?;
    match session_id {
        Some(session) => bounds(conn, enrollment_id, module_id, Some(session))?.check("the session", minutes),
        None => Ok(()),
    }
}

/// What an enrollment owes and has of a module, or of one session in it.
fn bounds(conn: &mut Conn, enrollment: EnrollmentId, module: ModuleId, session: Option<SessionId>) -> Result<Bounds, Error> {
    let mut query = hour_entries::table
        .filter(hour_entries::enrollment_id.eq(enrollment))
        .filter(hour_entries::module_id.eq(module))
        .group_by(hour_entries::kind)
        .select((hour_entries::kind, sum(hour_entries::minutes)))
        .into_boxed();
    if let Some(session) = session {
        query = query.filter(hour_entries::session_id.eq(session));
    }
    Ok(Bounds::of(&query.load::<(EntryKind, Option<i64>)>(conn)?))
}
