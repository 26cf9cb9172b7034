//! Closed sessions on whose posting periods or leave and the ledger disagree: listed for a coordinator, never settled by themselves.

use std::collections::{BTreeMap, HashMap};

use diesel::{
    dsl::{exists, sum},
    prelude::*,
};

use super::{
    super::model::{Enrollment, EnrollmentId, UnsettledKind, UnsettledSession, Withdrawal},
    CHUNK, ids_after,
    periods::{enrolled_at, enrolled_since},
};
use crate::{
    access::{Action, Actor},
    attendance::{self, AttendanceCode},
    clock::Instant,
    db::{Conn, for_backend},
    error::Error,
    intakes::{self, CohortId, IntakeId},
    organizations::OrganizationId,
    schedule::SessionId,
    schema::{
        attendances, enrollment_periods, enrollments, guests, hour_balances, hour_entries, roll_calls, session_cohorts, sessions,
        unsettled_sessions,
    },
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

/// Whoever is or was placed in one of these cohorts.
pub fn ever_in(conn: &mut Conn, cohorts: &[CohortId]) -> Result<Vec<EnrollmentId>, Error> {
    let placed =
        enrollment_periods::table.filter(enrollment_periods::cohort_id.eq_any(cohorts.iter().copied().map(Some).collect::<Vec<_>>()));
    Ok(placed.select(enrollment_periods::enrollment_id).distinct().load(conn)?)
}

/// Lists anew what is unsettled for these enrollments of an intake. Where that is something else than before, reports say so.
pub fn find_anew(conn: &mut Conn, intake: IntakeId, ids: &[EnrollmentId]) -> Result<(), Error> {
    if ids.is_empty() || !has_closed_sessions(conn, intake)? {
        return Ok(());
    }
    for chunk in ids.chunks(CHUNK) {
        let (before, after) = (listed(conn, chunk)?, derived(conn, chunk)?);
        if before == after {
            continue;
        }
        diesel::delete(unsettled_sessions::table.filter(unsettled_sessions::enrollment_id.eq_any(chunk.to_vec()))).execute(conn)?;
        let found: Vec<_> = after
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
        let sponsors: Vec<OrganizationId> =
            enrollments::table.filter(enrollments::id.eq_any(chunk.to_vec())).select(enrollments::sponsor_id).distinct().load(conn)?;
        intakes::touch(conn, intake, &sponsors)?;
    }
    Ok(())
}

fn listed(conn: &mut Conn, ids: &[EnrollmentId]) -> Result<BTreeMap<Key, UnsettledKind>, Error> {
    let stored: Vec<(EnrollmentId, SessionId, UnsettledKind)> = unsettled_sessions::table
        .filter(unsettled_sessions::enrollment_id.eq_any(ids.to_vec()))
        .select((unsettled_sessions::enrollment_id, unsettled_sessions::session_id, unsettled_sessions::kind))
        .load(conn)?;
    Ok(stored.into_iter().map(|(id, session, kind)| ((id, session), kind)).collect())
}

fn has_closed_sessions(conn: &mut Conn, intake: IntakeId) -> Result<bool, Error> {
    let closed = roll_calls::table.filter(roll_calls::intake_id.eq(intake)).filter(roll_calls::closings.gt(0));
    Ok(diesel::select(exists(closed)).get_result(conn)?)
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

/// The closed sessions that these enrollments owe by their periods.
fn owed(conn: &mut Conn, ids: &[EnrollmentId]) -> Result<Vec<Key>, Error> {
    // What is closed was held, and began when it actually did.
    Ok(enrollment_periods::table
        .inner_join(session_cohorts::table.on(session_cohorts::cohort_id.nullable().eq(enrollment_periods::cohort_id)))
        .inner_join(sessions::table.on(sessions::id.eq(session_cohorts::session_id)))
        .inner_join(roll_calls::table.on(roll_calls::session_id.eq(sessions::id)))
        .filter(enrollment_periods::enrollment_id.eq_any(ids.to_vec()))
        .filter(enrolled_at(sessions::held_starts_at.assume_not_null()))
        .filter(roll_calls::closings.gt(0))
        .select((enrollment_periods::enrollment_id, sessions::id))
        .load(conn)?)
}

/// Refuses to give away a place of which something was counted already.
///
/// # Errors
/// 409 `owed_session_closed`.
pub(super) fn refuse_counted(conn: &mut Conn, id: EnrollmentId) -> Result<(), Error> {
    let posted: i64 = hour_entries::table.filter(hour_entries::enrollment_id.eq(id)).count().get_result(conn)?;
    if posted == 0 && owed(conn, &[id])?.is_empty() {
        return Ok(());
    }
    let detail =
        "a session that this enrollment owes is closed, so that it is too late to replace it: withdraw it, and enroll the other one anew";
    Err(Error::conflict("owed_session_closed", detail))
}

/// Refuses to say of somebody who was called present, has hours or goes on from where they were taught, that they never arrived.
///
/// # Errors
/// 409 `was_present`.
pub(super) fn refuse_present(conn: &mut Conn, enrollment: &Enrollment) -> Result<(), Error> {
    let called = attendances::table.filter(attendances::enrollment_id.eq(enrollment.id)).filter(
        attendances::code.eq_any([AttendanceCode::Present, AttendanceCode::Late, AttendanceCode::LeftEarly]).or(attendances::minutes.gt(0)),
    );
    let called: i64 = called.count().get_result(conn)?;
    let has_hours = hour_balances::attended.gt(0).or(hour_balances::make_up.gt(0)).or(hour_balances::adjustment.gt(0));
    let counted = hour_balances::table.filter(hour_balances::enrollment_id.eq(enrollment.id)).filter(has_hours);
    let counted: i64 = counted.count().get_result(conn)?;
    let left = enrolled_since(conn, enrollment.transferred_from_id.as_slice())?;
    if called + counted == 0 && left.is_empty() {
        return Ok(());
    }
    let detail = "this enrollment was called present, has hours or goes on from another one; withdraw it instead";
    Err(Error::conflict("was_present", detail))
}

/// Since when somebody was enrolled who never arrived and was called by no roll call: they never were enrolled.
pub(super) fn never_there_since(conn: &mut Conn, changed: &Enrollment) -> Result<Option<Instant>, Error> {
    if changed.withdrawal != Some(Withdrawal::NeverArrived) {
        return Ok(None);
    }
    let called = attendances::table.filter(attendances::enrollment_id.eq(changed.id));
    let posted = hour_entries::table.filter(hour_entries::enrollment_id.eq(changed.id));
    if diesel::select(exists(called)).get_result(conn)? || diesel::select(exists(posted)).get_result(conn)? {
        return Ok(None);
    }
    Ok(enrolled_since(conn, &[changed.id])?.remove(&changed.id))
}

/// What the periods or leave and the ledger say differently of closed sessions.
fn derived(conn: &mut Conn, ids: &[EnrollmentId]) -> Result<BTreeMap<Key, UnsettledKind>, Error> {
    let owed = owed(conn, ids)?;
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
    let enrolled = enrolled_at(sessions::held_starts_at.assume_not_null());
    let invited: Vec<Key> = guests::table
        .inner_join(sessions::table.on(sessions::id.eq(guests::session_id)))
        .inner_join(roll_calls::table.on(roll_calls::session_id.eq(sessions::id)))
        .left_join(enrollment_periods::table.on(enrollment_periods::enrollment_id.eq(guests::enrollment_id).and(enrolled)))
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
    for key in attendance::unlike_leave(conn, ids)? {
        differ.entry(key).or_insert(UnsettledKind::Leave);
    }
    Ok(differ)
}

/// Strikes a session from the lists, as far as it is listed for one of these reasons: all of them, once its roll call has been closed for
/// everybody who owes it.
pub fn settle(conn: &mut Conn, actor: &Actor, session: SessionId, kinds: &[UnsettledKind]) -> Result<(), Error> {
    actor.may(Action::CloseRollCall)?;
    let listed = unsettled_sessions::table.filter(unsettled_sessions::session_id.eq(session));
    diesel::delete(listed.filter(unsettled_sessions::kind.eq_any(kinds.to_vec()))).execute(conn)?;
    Ok(())
}

/// Derives the lists of all enrollments anew and says what differs.
pub fn verify_unsettled(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    let mut ids = ids_after(conn, None)?;
    while let Some(last) = ids.last().copied() {
        let mut stored = listed(conn, &ids)?;
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
