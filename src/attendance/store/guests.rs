//! Who comes to a session to make up another one.

use diesel::{
    prelude::*,
    sql_query,
    sql_types::{Integer, Nullable, Text},
};

use super::{
    super::{
        guests::{Guest, Member, MissedSession, NewGuest, paired},
        model::{AttendanceCode, RollCall, RollCallRow, RollCallState, split},
    },
    changing, class, provider, row, save, shown, stored,
};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::{
        Conn,
        types::{Ts, Uid},
    },
    enrollments::{self, EnrollmentId},
    error::Error,
    journal::NewEntry,
    ledger::{self, Earned, EntryKind},
    programs::ModuleId,
    schedule::{self, SessionId, SessionRow},
    schema::{attendances, guests, sessions},
    text::Note,
};

/// The guests of a session who are enrolled when it begins, by enrollment id.
pub(super) fn of(conn: &mut Conn, session: &SessionRow) -> Result<Vec<(enrollments::Expected, MissedSession)>, Error> {
    let makes_up: Vec<(EnrollmentId, MissedSession)> = guests::table
        .inner_join(sessions::table.on(sessions::id.eq(guests::missed_session_id)))
        .filter(guests::session_id.eq(session.id))
        .select((guests::enrollment_id, (sessions::id, sessions::code)))
        .load(conn)?;
    let ids: Vec<EnrollmentId> = makes_up.iter().map(|(id, _)| *id).collect();
    let people = enrollments::enrolled(conn, &ids, session.begins_at())?;
    Ok(paired(people, makes_up))
}

/// The session of a roll call to which guests may be added, or from which they may be taken.
fn inviting(conn: &mut Conn, actor: &Actor, session_id: SessionId) -> Result<(SessionRow, RollCallRow), Error> {
    let session = changing(conn, actor, session_id, Action::InviteGuests)?;
    let row = row(conn, &session)?;
    if row.state == RollCallState::Closed {
        return Err(Error::conflict("roll_call_closed", "the roll call is closed; reopen it with a reason"));
    }
    if !session.is_taking_place() {
        return Err(Error::conflict("session_not_published", format!("the session is {}; nobody comes to it", session.state)));
    }
    Ok((session, row))
}

/// Adds a guest to a session: a trainee of the intake who does not owe it and makes up another one of its module there.
///
/// # Errors
/// 409 `already_exists`, `roll_call_closed`, `session_not_published`; 422 for a session that is not of the same intake and module or that
/// the enrollment does not owe, and for whoever owes this one, or is not enrolled when it begins.
pub(in crate::attendance) fn invite(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    session_id: SessionId,
    new: NewGuest,
) -> Result<RollCall, Error> {
    let (session, before) = inviting(conn, actor, session_id)?;
    check(conn, actor, &session, &new)?;
    let NewGuest { enrollment_id, missed_session_id, note } = new;
    let own = guests::table.find((session_id, enrollment_id));
    if diesel::select(diesel::dsl::exists(own)).get_result(conn)? {
        return Err(Error::conflict("already_exists", "the enrollment is a guest of this session already"));
    }
    let user_id = actor.user_id();
    let guest = Guest { session_id, enrollment_id, missed_session_id, intake_id: session.intake_id, note, user_id, created_at: now };
    let changed = RollCallRow { version: before.version + 1, ..before.clone() };
    save(conn, &before, &changed)?;
    diesel::insert_into(guests::table).values(&guest).execute(conn)?;
    record(conn, actor, "guest.invited", &session, |entry| entry.to(&guest).because(guest.note.as_ref().map(Note::as_str)))?;
    answered(conn, &session, changed)
}

fn check(conn: &mut Conn, actor: &Actor, session: &SessionRow, new: &NewGuest) -> Result<(), Error> {
    let missed = match schedule::find(conn, actor, new.missed_session_id) {
        Err(Error::NotFound) => return Err(Error::invalid("/missed_session_id", "unknown_session", "there is no such session")),
        found => found?,
    };
    let refused = |code: &str, detail: &str| Err(Error::invalid("/missed_session_id", code, detail));
    if missed.id == session.id {
        return refused("same_session", "nobody makes a session up in itself");
    }
    if (missed.intake_id, missed.module_id) != (session.intake_id, session.module_id) {
        return refused("other_module", "what is made up is of the same intake and module");
    }
    if !missed.is_taking_place() {
        return refused("session_not_published", "the session does not take place; nobody misses it");
    }
    let owes = |expected: Vec<enrollments::Expected>| expected.iter().any(|one| one.enrollment_id == new.enrollment_id);
    if !owes(enrollments::expected_of(conn, missed.id, missed.begins_at())?) {
        return refused("not_owed", "the enrollment does not owe that session");
    }
    if owes(enrollments::expected_of(conn, session.id, session.begins_at())?) {
        return Err(Error::invalid("/enrollment_id", "expected", "the enrollment owes this session; a guest does not"));
    }
    if enrollments::enrolled(conn, &[new.enrollment_id], session.begins_at())?.is_empty() {
        return Err(Error::invalid("/enrollment_id", "not_enrolled", "the enrollment is not enrolled when the session begins"));
    }
    Ok(())
}

/// Takes a guest from a session again, with what was called of them. What a closing posted is taken back by the next.
///
/// # Errors
/// 404 for whoever is no guest; 409 `roll_call_closed`.
pub(in crate::attendance) fn dismiss(
    conn: &mut Conn,
    actor: &Actor,
    (session_id, enrollment_id): (SessionId, EnrollmentId),
    reason: &Note,
) -> Result<RollCall, Error> {
    let (session, before) = inviting(conn, actor, session_id)?;
    let guest: Guest = guests::table.find((session_id, enrollment_id)).select(Guest::as_select()).first(conn)?;
    let changed = RollCallRow { version: before.version + 1, ..before.clone() };
    save(conn, &before, &changed)?;
    let mark = stored(conn, session_id)?.into_iter().find(|line| line.enrollment_id == enrollment_id);
    diesel::delete(attendances::table.find((session_id, enrollment_id))).execute(conn)?;
    diesel::delete(guests::table.find((session_id, enrollment_id))).execute(conn)?;
    let was = serde_json::json!({ "guest": guest, "mark": mark });
    record(conn, actor, "guest.dismissed", &session, |entry| entry.from(&was).because(Some(reason.as_str())))?;
    answered(conn, &session, changed)
}

fn record(
    conn: &mut Conn,
    actor: &Actor,
    action: &'static str,
    session: &SessionRow,
    told: impl FnOnce(NewEntry) -> NewEntry,
) -> Result<(), Error> {
    actor.record(told(NewEntry::of(action, "session", session.id).provider(provider(conn, session)?).intake(session.intake_id)));
    Ok(())
}

fn answered(conn: &mut Conn, session: &SessionRow, row: RollCallRow) -> Result<RollCall, Error> {
    let class = class(conn, session)?;
    let stored = stored(conn, session.id)?;
    Ok(shown(session, row, class, &stored))
}

/// Takes out whoever is no guest any more: having left before the session, or owing it now. Returns who that was.
pub(super) fn remove_strangers(conn: &mut Conn, session_id: SessionId, class: &[Member]) -> Result<Vec<Guest>, Error> {
    let guests: Vec<EnrollmentId> = class.iter().filter(|one| one.makes_up.is_some()).map(|one| one.person.enrollment_id).collect();
    let own = || guests::table.filter(guests::session_id.eq(session_id));
    let stored: Vec<Guest> = own().order(guests::enrollment_id).select(Guest::as_select()).load(conn)?;
    let strangers: Vec<Guest> = stored.into_iter().filter(|guest| !guests.contains(&guest.enrollment_id)).collect();
    if !strangers.is_empty() {
        let ids: Vec<EnrollmentId> = strangers.iter().map(|guest| guest.enrollment_id).collect();
        diesel::delete(own().filter(guests::enrollment_id.eq_any(ids))).execute(conn)?;
    }
    Ok(strangers)
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Uid)]
    enrollment_id: EnrollmentId,
    #[diesel(sql_type = Uid)]
    module_id: ModuleId,
    #[diesel(sql_type = Uid)]
    missed_session_id: SessionId,
    #[diesel(sql_type = Uid)]
    made_up_in_id: SessionId,
    #[diesel(sql_type = Ts)]
    began_at: Instant,
    #[diesel(sql_type = Integer)]
    whole: i32,
    #[diesel(sql_type = Nullable<Text>)]
    code: Option<AttendanceCode>,
    #[diesel(sql_type = Nullable<Integer>)]
    minutes: Option<i32>,
}

impl Line {
    /// What they attended; of a line that does not fit nothing, which is the business of the check of postings.
    fn earned(self) -> Earned {
        let entries = self.code.and_then(|code| split(code, self.minutes, self.whole).ok()).unwrap_or_default();
        let minutes = entries.into_iter().filter(|(kind, _)| *kind == EntryKind::Attended).map(|(_, minutes)| minutes).sum();
        let Self { enrollment_id, module_id, missed_session_id, made_up_in_id, began_at, .. } = self;
        Earned { enrollment_id, module_id, missed_session_id, made_up_in_id, began_at, minutes }
    }
}

/// The lines of guests in sessions that were held.
macro_rules! lines {
    ($which:literal) => {
        concat!(
            "SELECT g.enrollment_id, s.module_id, g.missed_session_id, g.session_id AS made_up_in_id, s.held_starts_at AS began_at,
                s.held_minutes AS whole, a.code, a.minutes
             FROM guests g JOIN sessions s ON s.id = g.session_id JOIN roll_calls r ON r.session_id = g.session_id
             LEFT JOIN attendances a ON a.session_id = g.session_id AND a.enrollment_id = g.enrollment_id
             WHERE s.state = 'held' AND ",
            $which
        )
    };
}

/// What everybody earned in the module of a session that is being closed who is or was a guest there, or a guest elsewhere on its account.
pub(super) fn earned(conn: &mut Conn, session: &SessionRow) -> Result<Vec<Earned>, Error> {
    let lines: Vec<Line> = sql_query(lines!(
        "(r.state = 'closed' OR g.session_id = $1) AND s.module_id = $2 AND g.enrollment_id IN (
            SELECT enrollment_id FROM guests WHERE session_id = $1
            UNION SELECT enrollment_id FROM guests WHERE missed_session_id = $1
            UNION SELECT enrollment_id FROM hour_entries WHERE made_up_in_id = $1
            UNION SELECT enrollment_id FROM hour_entries WHERE session_id = $1 AND kind = 'make_up')"
    ))
    .bind::<Uid, _>(session.id)
    .bind::<Uid, _>(session.module_id)
    .load(conn)?;
    Ok(lines.into_iter().map(Line::earned).collect())
}

/// Holds what guests made up against what closed roll calls found of them.
pub fn verify_make_ups(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let lines: Vec<Line> = sql_query(lines!("r.state = 'closed'")).load(conn)?;
    ledger::verify_make_ups(conn, lines.into_iter().map(Line::earned).collect())
}
