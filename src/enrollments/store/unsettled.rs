//! Closed sessions on whose posting periods or leave and the ledger disagree: listed for a coordinator, never settled by themselves.

use std::collections::{BTreeMap, HashMap};

use diesel::{
    dsl::{exists, sum},
    prelude::*,
    sql_query,
};

use super::{
    super::model::{Enrollment, EnrollmentId, UnsettledKind, UnsettledSession, Withdrawal},
    CHUNK, ids_after,
    periods::{enrolled_at, enrolled_since},
};
use crate::{
    access::{Action, Actor},
    attendance::{self, AttendanceCode, RollCallState},
    clock::Instant,
    db::{Conn, for_backend, types::Uid},
    error::Error,
    id::Id,
    intakes::{self, CohortId, IntakeId, IntakeState},
    organizations::OrganizationId,
    schedule::{self, SessionId},
    schema::{
        attendances, enrollment_periods, enrollments, guests, hour_balances, hour_entries, intakes as intake_rows, roll_calls,
        session_cohorts, sessions, unsettled_sessions,
    },
    text::{self, Code, counted},
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

/// Refuses to decide an enrollment while closed sessions wait to be settled for it, or a held one is not counted, be it where hours came from
/// that its trainee took along: these follow what becomes of it there.
///
/// # Errors
/// 409 `sessions_unsettled`, `roll_calls_open`, with the codes of the sessions.
pub(super) fn refuse_uncounted(conn: &mut Conn, actor: &Actor, enrollment: &Enrollment) -> Result<(), Error> {
    let places = places(conn, "id", enrollment.id.cast())?;
    refuse_waiting(conn, actor, enrollment.intake_id, &places)
}

/// Refuses to end an intake while that is so of one of its enrollments, or a correction waits there: afterwards nothing would follow it.
///
/// # Errors
/// As [`refuse_uncounted`]; `corrections_waiting`.
pub fn refuse_uncounted_in(conn: &mut Conn, actor: &Actor, intake: IntakeId) -> Result<(), Error> {
    let places = places(conn, "intake_id", intake.cast())?;
    refuse_waiting(conn, actor, intake, &places)?;
    attendance::refuse_corrections_of(conn, &places)
}

/// The enrollments with this key, and those whose hours of a module follow to them. What is completed keeps the hours that came along.
fn places(conn: &mut Conn, column: &'static str, key: Id<()>) -> Result<Vec<EnrollmentId>, Error> {
    let places: Vec<Place> = sql_query(format!(
        "WITH RECURSIVE places (id) AS (SELECT id FROM enrollments WHERE {column} = $1
            UNION SELECT c.from_enrollment_id FROM places p JOIN carried_modules c ON c.enrollment_id = p.id
                JOIN enrollments e ON e.id = p.id JOIN intakes i ON i.id = e.intake_id WHERE i.state <> 'completed')
         SELECT id FROM places"
    ))
    .bind::<Uid, _>(key)
    .load(conn)?;
    Ok(places.into_iter().map(|place| place.id).collect())
}

#[derive(QueryableByName)]
struct Place {
    #[diesel(sql_type = Uid)]
    id: EnrollmentId,
}

/// A session that waits, by its start, in its intake.
type Waiting = ((Instant, SessionId), (Code, IntakeId, Code));

fn refuse_waiting(conn: &mut Conn, actor: &Actor, own: IntakeId, places: &[EnrollmentId]) -> Result<(), Error> {
    let (mut unsettled, mut open): (BTreeMap<_, _>, BTreeMap<_, _>) = Default::default();
    for chunk in places.chunks(CHUNK) {
        let waiting = sessions::table
            .inner_join(intake_rows::table.on(intake_rows::id.eq(sessions::intake_id)))
            .inner_join(unsettled_sessions::table.on(unsettled_sessions::session_id.eq(sessions::id)))
            .filter(unsettled_sessions::enrollment_id.eq_any(chunk.to_vec()))
            .select(((sessions::starts_at, sessions::id), (sessions::code, intake_rows::id, intake_rows::code)));
        unsettled.extend(waiting.load::<Waiting>(conn)?);
        open.extend(unclosed(conn, chunk)?);
    }
    if !unsettled.is_empty() {
        let (count, codes) = (counted(unsettled.len(), "closed session"), named(conn, actor, own, unsettled)?);
        let detail = format!("{count} not settled; reopen, put and close the roll call there first: {codes}");
        return Err(Error::conflict("sessions_unsettled", detail));
    }
    if !open.is_empty() {
        let codes = named(conn, actor, own, open)?;
        let detail = format!("a roll call that counts here is not closed, or has been reopened; close it first: {codes}");
        return Err(Error::conflict("roll_calls_open", detail));
    }
    Ok(())
}

/// Sessions by their codes, those of other intakes than `own` with the intake's, as far as the actor sees them.
fn named(
    conn: &mut Conn,
    actor: &Actor,
    own: IntakeId,
    waiting: BTreeMap<(Instant, SessionId), (Code, IntakeId, Code)>,
) -> Result<String, Error> {
    let seen = schedule::seen_of(conn, actor, waiting.keys().map(|(_, id)| *id).collect())?;
    let (told, others): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|((_, id), _)| seen.contains(id));
    let mut codes: Vec<String> =
        told.into_iter().map(|(_, (code, intake, of))| if intake == own { code.to_string() } else { format!("{code} of {of}") }).collect();
    codes.extend((!others.is_empty()).then(|| format!("{} of another intake", counted(others.len(), "session"))));
    Ok(text::listed(codes.iter().map(String::as_str)))
}

/// The held sessions whose roll call is not closed and that one of these enrollments owes, to which it was invited, or by which something
/// that it made up there still stands. In a cancelled intake what was never closed need not be.
fn unclosed(conn: &mut Conn, ids: &[EnrollmentId]) -> Result<Vec<Waiting>, Error> {
    let intakes = enrollments::table.filter(enrollments::id.eq_any(ids.to_vec())).select(enrollments::intake_id);
    let held: Vec<SessionId> = sessions::table
        .inner_join(intake_rows::table.on(intake_rows::id.eq(sessions::intake_id)))
        .left_join(roll_calls::table.on(roll_calls::session_id.eq(sessions::id)))
        .filter(sessions::intake_id.eq_any(intakes))
        .filter(sessions::held_starts_at.is_not_null())
        .filter(roll_calls::state.nullable().is_null().or(roll_calls::state.ne(RollCallState::Closed)))
        .filter(intake_rows::state.ne(IntakeState::Cancelled).or(roll_calls::closings.gt(0)))
        .select(sessions::id)
        .load(conn)?;
    let enrolled = || {
        let then = enrolled_at(sessions::held_starts_at.assume_not_null());
        enrollment_periods::enrollment_id.eq_any(ids.to_vec()).and(then)
    };
    let mut open = Vec::new();
    for chunk in held.chunks(CHUNK) {
        let owed = enrollment_periods::table
            .inner_join(session_cohorts::table.on(session_cohorts::cohort_id.nullable().eq(enrollment_periods::cohort_id)))
            .filter(session_cohorts::session_id.eq(sessions::id))
            .filter(enrolled());
        let invited = enrollment_periods::table
            .inner_join(guests::table.on(guests::enrollment_id.eq(enrollment_periods::enrollment_id)))
            .filter(guests::session_id.eq(sessions::id))
            .filter(enrolled());
        let made_up = hour_entries::table
            .filter(hour_entries::enrollment_id.eq_any(ids.to_vec()))
            .group_by((hour_entries::enrollment_id, hour_entries::made_up_in_id))
            .having(sum(hour_entries::minutes).ne(0))
            .select(hour_entries::made_up_in_id);
        let counts = exists(owed).or(exists(invited)).or(sessions::id.nullable().eq_any(made_up).assume_not_null());
        let of_intake = sessions::table.inner_join(intake_rows::table.on(intake_rows::id.eq(sessions::intake_id)));
        let waiting = of_intake.filter(sessions::id.eq_any(chunk.to_vec())).filter(counts);
        open.extend(
            waiting
                .select(((sessions::starts_at, sessions::id), (sessions::code, intake_rows::id, intake_rows::code)))
                .load::<Waiting>(conn)?,
        );
    }
    Ok(open)
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
    let detail = "a session that this enrollment owes is closed; from then on it is withdrawn, and another one begins";
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
