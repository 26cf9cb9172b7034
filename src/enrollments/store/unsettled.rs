//! Closed sessions on whose posting periods and ledger disagree: listed for a coordinator, never settled by themselves.

use std::collections::{BTreeMap, HashMap};

use diesel::{dsl::sum, prelude::*};

use super::{
    super::model::{Enrollment, EnrollmentId, UnsettledKind, UnsettledSession},
    CHUNK, ids_after,
    periods::enrolled_at,
};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::{Conn, for_backend},
    error::Error,
    intakes::{CohortId, IntakeId},
    schedule::SessionId,
    schema::{enrollment_periods, guests, hour_entries, roll_calls, session_cohorts, sessions, unsettled_sessions},
    text::counted,
};

type Key = (EnrollmentId, SessionId);

/// The unsettled sessions of these enrollments of one intake, by their start.
pub(super) fn of(conn: &mut Conn, enrollments: &[Enrollment]) -> Result<HashMap<EnrollmentId, Vec<UnsettledSession>>, Error> {
    let ids: Vec<EnrollmentId> = enrollments.iter().map(|row| row.id).collect();
    let mut unsettled: HashMap<EnrollmentId, Vec<UnsettledSession>> = HashMap::new();
    for chunk in ids.chunks(CHUNK) {
        let rows: Vec<(EnrollmentId, UnsettledSession)> = unsettled_sessions::table
            .inner_join(sessions::table.on(sessions::id.eq(unsettled_sessions::session_id)))
            .filter(unsettled_sessions::enrollment_id.eq_any(chunk.to_vec()))
            .order((sessions::starts_at, sessions::id))
            .select((unsettled_sessions::enrollment_id, (sessions::id, sessions::code, sessions::starts_at, unsettled_sessions::kind)))
            .load(conn)?;
        for (id, session) in rows {
            unsettled.entry(id).or_default().push(session);
        }
    }
    Ok(unsettled)
}

/// Lists anew what is unsettled for these enrollments of an intake.
pub(super) fn find_anew(conn: &mut Conn, intake: IntakeId, ids: &[EnrollmentId]) -> Result<(), Error> {
    if ids.is_empty() || !has_closed_sessions(conn, intake)? {
        return Ok(());
    }
    for chunk in ids.chunks(CHUNK) {
        let stored = unsettled_sessions::table.filter(unsettled_sessions::enrollment_id.eq_any(chunk.to_vec()));
        diesel::delete(stored).execute(conn)?;
        let found: Vec<_> = derived(conn, chunk)?
            .into_iter()
            .map(|((enrollment, session), kind)| {
                (
                    unsettled_sessions::intake_id.eq(intake),
                    unsettled_sessions::enrollment_id.eq(enrollment),
                    unsettled_sessions::session_id.eq(session),
                    unsettled_sessions::kind.eq(kind),
                )
            })
            .collect();
        for rows in found.chunks(CHUNK) {
            for_backend!(conn, |c| diesel::insert_into(unsettled_sessions::table).values(rows).execute(c))?;
        }
    }
    Ok(())
}

/// Refuses to decide an enrollment while closed sessions wait to be settled for it.
///
/// # Errors
/// 409 `sessions_unsettled` with their number.
pub(super) fn refuse_unsettled(conn: &mut Conn, id: EnrollmentId) -> Result<(), Error> {
    let waiting: i64 = unsettled_sessions::table.filter(unsettled_sessions::enrollment_id.eq(id)).count().get_result(conn)?;
    if waiting == 0 {
        return Ok(());
    }
    let waiting = counted(waiting, "closed session");
    let detail = format!("this enrollment is not settled in {waiting}; reopen, put and close the roll call there first");
    Err(Error::conflict("sessions_unsettled", detail))
}

fn has_closed_sessions(conn: &mut Conn, intake: IntakeId) -> Result<bool, Error> {
    let closed = roll_calls::table.filter(roll_calls::intake_id.eq(intake)).filter(roll_calls::closings.gt(0));
    Ok(diesel::select(diesel::dsl::exists(closed)).get_result(conn)?)
}

/// When the closed sessions of an intake began, by the cohorts that they were for.
pub fn closed_by_cohort(conn: &mut Conn, actor: &Actor, intake: IntakeId) -> Result<HashMap<CohortId, Vec<Instant>>, Error> {
    actor.may(Action::ReadEnrollments)?;
    let rows: Vec<(CohortId, Instant)> = roll_calls::table
        .inner_join(sessions::table.on(sessions::id.eq(roll_calls::session_id)))
        .inner_join(session_cohorts::table.on(session_cohorts::session_id.eq(sessions::id)))
        .filter(roll_calls::intake_id.eq(intake))
        .filter(roll_calls::closings.gt(0))
        .select((session_cohorts::cohort_id, sessions::held_starts_at.assume_not_null()))
        .load(conn)?;
    let mut begins: HashMap<CohortId, Vec<Instant>> = HashMap::new();
    for (cohort, begin) in rows {
        begins.entry(cohort).or_default().push(begin);
    }
    Ok(begins)
}

/// What the periods and the ledger say differently of closed sessions.
fn derived(conn: &mut Conn, ids: &[EnrollmentId]) -> Result<BTreeMap<Key, UnsettledKind>, Error> {
    // What is closed was held, and began when it actually did.
    let enrolled = || enrolled_at(sessions::held_starts_at.assume_not_null());
    let owed: Vec<Key> = enrollment_periods::table
        .inner_join(session_cohorts::table.on(session_cohorts::cohort_id.nullable().eq(enrollment_periods::cohort_id)))
        .inner_join(sessions::table.on(sessions::id.eq(session_cohorts::session_id)))
        .inner_join(roll_calls::table.on(roll_calls::session_id.eq(sessions::id)))
        .filter(enrollment_periods::enrollment_id.eq_any(ids.to_vec()))
        .filter(enrolled())
        .filter(roll_calls::closings.gt(0))
        .select((enrollment_periods::enrollment_id, sessions::id))
        .load(conn)?;
    let posted: Vec<Key> = hour_entries::table
        .filter(hour_entries::enrollment_id.eq_any(ids.to_vec()))
        .filter(hour_entries::session_id.is_not_null())
        .filter(hour_entries::closing.is_not_null())
        .group_by((hour_entries::enrollment_id, hour_entries::session_id))
        // What was posted and reversed is not posted.
        .having(sum(hour_entries::minutes).ne(0))
        .select((hour_entries::enrollment_id, hour_entries::session_id.assume_not_null()))
        .load(conn)?;
    // Guests of closed sessions owe nothing there, but were to be enrolled.
    let invited: Vec<Key> = guests::table
        .inner_join(sessions::table.on(sessions::id.eq(guests::session_id)))
        .inner_join(roll_calls::table.on(roll_calls::session_id.eq(sessions::id)))
        .left_join(enrollment_periods::table.on(enrollment_periods::enrollment_id.eq(guests::enrollment_id).and(enrolled())))
        .filter(guests::enrollment_id.eq_any(ids.to_vec()))
        .filter(roll_calls::closings.gt(0))
        .filter(enrollment_periods::enrollment_id.nullable().is_null())
        .select((guests::enrollment_id, guests::session_id))
        .load(conn)?;
    let mut differ: BTreeMap<Key, UnsettledKind> = owed.into_iter().map(|key| (key, UnsettledKind::Unposted)).collect();
    for key in posted {
        if differ.remove(&key).is_none() {
            differ.insert(key, UnsettledKind::NotOwed);
        }
    }
    differ.extend(invited.into_iter().map(|key| (key, UnsettledKind::NotOwed)));
    Ok(differ)
}

/// Strikes a session from the lists, whose roll call has just been closed for everybody who owes it.
pub fn settle(conn: &mut Conn, actor: &Actor, session: SessionId) -> Result<(), Error> {
    actor.may(Action::CloseRollCall)?;
    diesel::delete(unsettled_sessions::table.filter(unsettled_sessions::session_id.eq(session))).execute(conn)?;
    Ok(())
}

/// Derives the lists of all enrollments anew and says what differs.
pub fn verify_unsettled(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    let mut ids = ids_after(conn, None)?;
    while let Some(last) = ids.last().copied() {
        let stored: Vec<(EnrollmentId, SessionId, UnsettledKind)> = unsettled_sessions::table
            .filter(unsettled_sessions::enrollment_id.eq_any(ids.clone()))
            .select((unsettled_sessions::enrollment_id, unsettled_sessions::session_id, unsettled_sessions::kind))
            .load(conn)?;
        let mut stored: BTreeMap<Key, UnsettledKind> = stored.into_iter().map(|(id, session, kind)| ((id, session), kind)).collect();
        for (key, kind) in derived(conn, &ids)? {
            if stored.remove(&key) != Some(kind) {
                findings.push(format!("unsettled: session {} is {kind} for enrollment {} and not listed so", key.1, key.0));
            }
        }
        let settled = stored
            .into_iter()
            .map(|(key, kind)| format!("unsettled: session {} is listed as {kind} for enrollment {} and is not", key.1, key.0));
        findings.extend(settled);
        ids = ids_after(conn, Some(last))?;
    }
    Ok(findings)
}
