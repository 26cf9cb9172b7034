//! What guests made up, out of what they missed.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{prelude::*, sql_query};

use super::{
    super::{
        make_ups::{Earned, MakeUp, Pair, corrected, mismatches, standing_pairs},
        model::HourEntry,
    },
    Closing,
};
use crate::{
    attendance::{AttendanceCode, RollCallState},
    clock::Instant,
    db::{self, CHUNK, Conn, types::Uid},
    enrollments::EnrollmentId,
    error::Error,
    programs::ModuleId,
    schedule::SessionId,
    schema::{attendances, guests as guest_rows, hour_entries, roll_calls, sessions},
};

/// What has to be written at a closing so that what guests made up of its module is what they attended, capped by what they missed.
pub(super) fn of_closing(conn: &mut Conn, closing: Closing) -> Result<Vec<MakeUp>, Error> {
    // Besides, guests of other sessions for whom something is posted here, which leaves more or less of the module to be made up.
    let others: Vec<Guest> = db::fixed(
        "SELECT enrollment_id FROM guests WHERE enrollment_id IN (SELECT enrollment_id FROM hour_entries WHERE posting_id = ?)
         UNION SELECT enrollment_id FROM module_hour_balances WHERE module_id = ? AND make_up > 0
            AND enrollment_id IN (SELECT enrollment_id FROM hour_entries WHERE posting_id = ?)",
    )
    .bind::<Uid, _>(closing.act)
    .bind::<Uid, _>(closing.module_id)
    .bind::<Uid, _>(closing.act)
    .load(conn)?;
    let mut guests: BTreeSet<EnrollmentId> = concerned(conn, closing.session_id)?.into_iter().collect();
    guests.extend(others.into_iter().map(|one| one.enrollment_id));
    corrections(conn, &guests.into_iter().collect::<Vec<_>>(), closing.module_id, Some(closing.session_id))
}

/// The same after what else was posted for an enrollment in a module.
pub(super) fn of_share(conn: &mut Conn, enrollment: EnrollmentId, module: ModuleId) -> Result<Vec<MakeUp>, Error> {
    corrections(conn, &[enrollment], module, None)
}

#[derive(QueryableByName)]
struct Guest {
    #[diesel(sql_type = Uid)]
    enrollment_id: EnrollmentId,
}

fn corrections(conn: &mut Conn, guests: &[EnrollmentId], module: ModuleId, closing: Option<SessionId>) -> Result<Vec<MakeUp>, Error> {
    let mut changes = Vec::new();
    for chunk in guests.chunks(CHUNK) {
        let of_module =
            hour_entries::table.filter(hour_entries::enrollment_id.eq_any(chunk.to_vec())).filter(hour_entries::module_id.eq(module));
        let entries: Vec<HourEntry> = of_module.select(HourEntry::as_select()).load(conn)?;
        let earned = earned_in(conn, &entries, chunk, module, closing)?;
        changes.extend(corrected(&entries, &earned));
    }
    Ok(changes)
}

/// What these guests attended of a module, whose entries these are: by closed roll calls and the one that is being closed, and what stands of
/// others that are reopened.
pub(super) fn earned_in(
    conn: &mut Conn,
    entries: &[HourEntry],
    guests: &[EnrollmentId],
    module: ModuleId,
    closing: Option<SessionId>,
) -> Result<Vec<Earned>, Error> {
    let mut earned = earned(conn, guests, closing)?;
    earned.retain(|one| one.module_id == module);
    earned.extend(reopened(conn, entries)?.into_iter().filter(|one| Some(one.made_up_in_id) != closing));
    Ok(earned)
}

/// Whose make-ups a closing of a session concerns, whatever it posts: whoever came here or missed it, by what is posted too.
pub(super) fn concerned(conn: &mut Conn, session: SessionId) -> Result<Vec<EnrollmentId>, Error> {
    let guests: Vec<Guest> = db::fixed(
        "SELECT enrollment_id FROM guests WHERE session_id = ?
         UNION SELECT enrollment_id FROM guests WHERE missed_session_id = ?
         UNION SELECT enrollment_id FROM hour_entries WHERE made_up_in_id = ?
         UNION SELECT enrollment_id FROM hour_entries WHERE session_id = ? AND kind = 'make_up'",
    )
    .bind::<Uid, _>(session)
    .bind::<Uid, _>(session)
    .bind::<Uid, _>(session)
    .bind::<Uid, _>(session)
    .load(conn)?;
    Ok(guests.into_iter().map(|one| one.enrollment_id).collect())
}

/// An attendance of a guest: whose, of which module, the missed session and the one they came to, which began then and had so many minutes.
type Line = (EnrollmentId, ModuleId, SessionId, SessionId, Instant, i32, Option<AttendanceCode>, Option<i32>);

/// What these guests attended by closed roll calls, and by the one that is being closed.
fn earned(conn: &mut Conn, guests: &[EnrollmentId], closing: Option<SessionId>) -> Result<Vec<Earned>, Error> {
    let counts = roll_calls::state.eq(RollCallState::Closed);
    let mut query = guest_rows::table
        .inner_join(sessions::table.on(sessions::id.eq(guest_rows::session_id)))
        .inner_join(roll_calls::table.on(roll_calls::session_id.eq(guest_rows::session_id)))
        .left_join(
            attendances::table
                .on(attendances::session_id.eq(guest_rows::session_id).and(attendances::enrollment_id.eq(guest_rows::enrollment_id))),
        )
        .filter(guest_rows::enrollment_id.eq_any(guests.to_vec()))
        .filter(sessions::held_minutes.is_not_null())
        .select((
            guest_rows::enrollment_id,
            sessions::module_id,
            guest_rows::missed_session_id,
            guest_rows::session_id,
            sessions::held_starts_at.assume_not_null(),
            sessions::held_minutes.assume_not_null(),
            attendances::code.nullable(),
            attendances::minutes.nullable(),
        ))
        .into_boxed();
    query = match closing {
        Some(session) => query.filter(counts.or(guest_rows::session_id.eq(session))),
        None => query.filter(counts),
    };
    let earned = |(enrollment_id, module_id, missed_session_id, made_up_in_id, began_at, whole, code, minutes): Line| {
        // A guest is present, for so many minutes, or not there.
        let minutes = if code == Some(AttendanceCode::Present) { whole } else { minutes.unwrap_or(0) };
        Earned { enrollment_id, module_id, missed_session_id, made_up_in_id, began_at, minutes }
    };
    Ok(query.load::<Line>(conn)?.into_iter().map(earned).collect())
}

/// What stands of roll calls that are reopened: it does until they are closed again (DOMAIN section 3, reopening).
fn reopened(conn: &mut Conn, entries: &[HourEntry]) -> Result<Vec<Earned>, Error> {
    let standing: Vec<(Pair, &HourEntry)> = standing_pairs(entries.iter()).collect();
    let sessions: BTreeSet<SessionId> = standing.iter().map(|((_, made_up_in), _)| *made_up_in).collect();
    if sessions.is_empty() {
        return Ok(Vec::new());
    }
    let mut begins: BTreeMap<SessionId, Instant> = BTreeMap::new();
    for chunk in sessions.into_iter().collect::<Vec<_>>().chunks(CHUNK) {
        let reopened = roll_calls::table
            .filter(roll_calls::session_id.eq_any(chunk.to_vec()))
            .filter(roll_calls::state.ne(RollCallState::Closed))
            .select((roll_calls::session_id, roll_calls::posted_starts_at.assume_not_null()));
        begins.extend(reopened.load::<(SessionId, Instant)>(conn)?);
    }
    let stands = |((missed_session_id, made_up_in_id), entry): (Pair, &HourEntry)| {
        let began_at = *begins.get(&made_up_in_id)?;
        let HourEntry { enrollment_id, module_id, minutes, .. } = *entry;
        Some(Earned { enrollment_id, module_id, missed_session_id, made_up_in_id, began_at, minutes })
    };
    Ok(standing.into_iter().filter_map(stands).collect())
}

/// Holds the make-ups that stand against what guests attended and missed, a page of guests at a time.
pub fn verify_make_ups(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let some = |conn: &mut Conn, after: EnrollmentId| {
        sql_query(
            "SELECT enrollment_id FROM (SELECT enrollment_id FROM guests WHERE enrollment_id > $1
                UNION SELECT enrollment_id FROM hour_entries WHERE kind = 'make_up' AND enrollment_id > $1) AS guests
             ORDER BY enrollment_id LIMIT 100",
        )
        .bind::<Uid, _>(after)
        .load(conn)
    };
    db::in_pages(
        conn,
        some,
        |one: &Guest| one.enrollment_id,
        |conn, guests: Vec<Guest>| {
            let guests: Vec<EnrollmentId> = guests.into_iter().map(|one| one.enrollment_id).collect();
            let entries: Vec<HourEntry> =
                hour_entries::table.filter(hour_entries::enrollment_id.eq_any(guests.clone())).select(HourEntry::as_select()).load(conn)?;
            let mut earned = earned(conn, &guests, None)?;
            earned.extend(reopened(conn, &entries)?);
            Ok(mismatches(&entries, &earned).into_iter().map(|one| one.to_string()).collect())
        },
    )
}
