//! The dated periods of enrollments: who stood where from when to when.

use std::collections::{HashMap, HashSet};

use diesel::{dsl::min, expression::AsExpression, prelude::*};

use super::super::model::{Enrollment, EnrollmentId, EnrollmentState, Period};
use crate::{
    clock::Instant,
    db::{
        self, Conn, for_backend,
        types::{Ts, Uid},
    },
    error::{Error, FieldFault},
    id::Id,
    intakes::{Intake, IntakeId},
    people::PersonId,
    schema::{enrollment_periods, enrollments},
};

/// Whether a period has its enrollment enrolled at `at`, which is an instant or an expression of one (DOMAIN section 2, rule 6).
#[diesel::dsl::auto_type]
pub fn enrolled_at<T>(at: T) -> _
where
    T: AsExpression<Ts> + Copy,
{
    let enrolled: EnrollmentState = EnrollmentState::Enrolled;
    enrollment_periods::state
        .eq(enrolled)
        .and(enrollment_periods::from_at.le(at))
        .and(enrollment_periods::until_at.is_null().or(enrollment_periods::until_at.assume_not_null().gt(at)))
}

/// Until when these people were enrolled or suspended in earlier enrollments in the intake, so that nobody owes one session twice.
pub(super) fn taken_until(conn: &mut Conn, intake: IntakeId, people: &[PersonId]) -> Result<HashMap<PersonId, Instant>, Error> {
    let mut until = HashMap::new();
    for chunk in people.chunks(super::CHUNK) {
        let rows: Vec<(PersonId, Option<Instant>)> = enrollment_periods::table
            .inner_join(enrollments::table.on(enrollments::id.eq(enrollment_periods::enrollment_id)))
            .filter(enrollments::intake_id.eq(intake))
            .filter(enrollments::person_id.eq_any(chunk.to_vec()))
            .filter(enrollment_periods::state.eq_any([EnrollmentState::Enrolled, EnrollmentState::Suspended]))
            .select((enrollments::person_id, enrollment_periods::until_at))
            .load(conn)?;
        for (person, end) in rows.into_iter().filter_map(|(person, end)| Some((person, end?))) {
            let latest = until.entry(person).or_insert(end);
            *latest = end.max(*latest);
        }
    }
    Ok(until)
}

/// Since when each of these enrollments has counted as enrolled; those that never did are left out.
pub fn enrolled_since(conn: &mut Conn, ids: &[EnrollmentId]) -> Result<HashMap<EnrollmentId, Instant>, Error> {
    let mut since = HashMap::new();
    for chunk in ids.chunks(super::CHUNK) {
        let rows: Vec<(EnrollmentId, Option<Instant>)> = enrollment_periods::table
            .filter(enrollment_periods::enrollment_id.eq_any(chunk.to_vec()))
            .filter(enrollment_periods::state.eq(EnrollmentState::Enrolled))
            .group_by(enrollment_periods::enrollment_id)
            .select((enrollment_periods::enrollment_id, min(enrollment_periods::from_at)))
            .load(conn)?;
        since.extend(rows.into_iter().filter_map(|(id, from)| Some((id, from?))));
    }
    Ok(since)
}

/// When a new enrollment begins to count: as asked, else at the opening, in each case not before an earlier one of the person ended.
pub(super) fn beginning(intake: &Intake, asked: Option<Instant>, taken_until: Option<Instant>) -> Result<Instant, FieldFault> {
    match (asked, taken_until) {
        (Some(from), Some(until)) if from < until => Err(overlapping("/from", until)),
        (Some(from), _) => Ok(from),
        (None, until) => Ok(until.map_or_else(|| intake.opening(), |until| until.max(intake.opening()))),
    }
}

/// Ends the present period at `asked` (now unless said) and begins the next; returns from when that counts.
///
/// Periods in which nothing was owed make room for it: those of whoever has not been enrolled so far, as what came before that is often
/// recorded late; one that is still to begin, where the step ends the enrollment or takes effect when that begins; and with `since` all
/// since somebody was enrolled who, it turns out, never was, which is then from when it counts unless said. The steps tell of them all the same.
///
/// # Errors
/// 422 if `asked` lies in the future, not after the beginning of a period that may be owed, or, for whoever comes to be enrolled, before
/// an earlier enrollment ended or they were moved to the cohort.
pub(super) fn step(
    conn: &mut Conn,
    now: Instant,
    changed: &Enrollment,
    (asked, since): (Option<Instant>, Option<Instant>),
) -> Result<Instant, Error> {
    if asked.is_some_and(|at| at > now) {
        return Err(Error::invalid("/effective_at", "in_the_future", "a step takes effect now or took effect before"));
    }
    let open = present(conn, changed.id)?;
    let next_from = following(conn, now, std::slice::from_ref(&open))?.remove(&changed.id).unwrap_or(now);
    let effective_at = asked.or(since).unwrap_or(next_from);
    let is_before_enrolled = open.state.is_before_enrolled();
    if asked.is_some() && is_before_enrolled && changed.state == EnrollmentState::Enrolled {
        refuse_before(conn, changed, effective_at)?;
    }
    if effective_at <= open.from_at {
        let never_begins = next_from == open.from_at && changed.leaves_its_place();
        if asked.is_some() && since.is_none() && !is_before_enrolled && !never_begins {
            let from = open.from_at;
            let detail =
                format!("the present state is from {from} on; the step takes effect after that, or without a day if that is to come");
            return Err(Error::invalid("/effective_at", "before_present_state", detail));
        }
        replace_from(conn, now, changed, &open, effective_at)?;
        return Ok(effective_at);
    }
    let key = enrollment_periods::table.filter(enrollment_periods::id.eq(open.id));
    diesel::update(key).set(enrollment_periods::until_at.eq(effective_at)).execute(conn)?;
    let next = Period {
        id: Id::generate(),
        enrollment_id: changed.id,
        cohort_id: changed.cohort_id,
        state: changed.state,
        from_at: effective_at,
        until_at: None,
        recorded_at: now,
    };
    diesel::insert_into(enrollment_periods::table).values(&next).execute(conn)?;
    Ok(effective_at)
}

/// Has the present period say what `changed` does, from `at` on, in place of all that began since then.
fn replace_from(conn: &mut Conn, now: Instant, changed: &Enrollment, open: &Period, at: Instant) -> Result<(), Error> {
    let ended_since = enrollment_periods::table
        .filter(enrollment_periods::enrollment_id.eq(changed.id))
        .filter(enrollment_periods::until_at.assume_not_null().gt(at));
    diesel::delete(ended_since.filter(enrollment_periods::from_at.ge(at))).execute(conn)?;
    diesel::update(ended_since).set(enrollment_periods::until_at.eq(at)).execute(conn)?;
    diesel::update(enrollment_periods::table.filter(enrollment_periods::id.eq(open.id)))
        .set((
            enrollment_periods::state.eq(changed.state),
            enrollment_periods::cohort_id.eq(changed.cohort_id),
            enrollment_periods::from_at.eq(at),
            enrollment_periods::recorded_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Refuses to have whoever comes to be enrolled owe what an earlier enrollment owes, or what was taught before they came to their cohort.
fn refuse_before(conn: &mut Conn, changed: &Enrollment, at: Instant) -> Result<(), Error> {
    let taken_until = taken_until(conn, changed.intake_id, &[changed.person_id])?.remove(&changed.person_id);
    if let Some(until) = taken_until.filter(|until| at < *until) {
        return Err(Error::Invalid(vec![overlapping("/effective_at", until)]));
    }
    match changed.cohort_from_at.filter(|from| at < *from) {
        Some(from) => {
            let detail = format!("they are in their cohort from {from} on; enroll them from then, or move them anew before");
            Err(Error::invalid("/effective_at", "before_cohort_move", detail))
        }
        None => Ok(()),
    }
}

fn overlapping(pointer: &str, until: Instant) -> FieldFault {
    let detail = format!("an earlier enrollment of this trainee lasted until {until}; this one begins then at the earliest");
    FieldFault::new(pointer, "overlaps_earlier_enrollment", detail)
}

/// As [`step`], now and for several, which all come into one state; says of each from when that counts.
pub(super) fn step_all(
    conn: &mut Conn,
    now: Instant,
    ids: &[EnrollmentId],
    state: EnrollmentState,
) -> Result<HashMap<EnrollmentId, Instant>, Error> {
    let open: Vec<Period> = enrollment_periods::table
        .filter(enrollment_periods::enrollment_id.eq_any(ids.to_vec()))
        .filter(enrollment_periods::until_at.is_null())
        .select(Period::as_select())
        .load(conn)?;
    let keys = |periods: &[&Period]| periods.iter().map(|period| period.id).collect::<Vec<_>>();
    let from = following(conn, now, &open)?;
    let begins = |period: &Period| from.get(&period.enrollment_id).copied().unwrap_or(now);
    let (begun, to_begin): (Vec<&Period>, Vec<&Period>) = open.iter().partition(|period| period.from_at < begins(period));
    diesel::update(enrollment_periods::table.filter(enrollment_periods::id.eq_any(keys(&to_begin))))
        .set((enrollment_periods::state.eq(state), enrollment_periods::recorded_at.eq(now)))
        .execute(conn)?;
    if begun.is_empty() {
        return Ok(from);
    }
    let mut end = db::update_each("enrollment_periods", &["id"], &["until_at"], begun.len());
    for period in &begun {
        end = end.bind::<Uid, _>(period.id).bind::<Ts, _>(begins(period));
    }
    end.execute(conn)?;
    let after =
        |period: &Period| Period { id: Id::generate(), state, from_at: begins(period), until_at: None, recorded_at: now, ..*period };
    let next: Vec<Period> = begun.into_iter().map(after).collect();
    for_backend!(conn, |c| diesel::insert_into(enrollment_periods::table).values(&next).execute(c))?;
    Ok(from)
}

/// From when what comes after these open periods counts, unless said, by their enrollments.
fn following(conn: &mut Conn, now: Instant, open: &[Period]) -> Result<HashMap<EnrollmentId, Instant>, Error> {
    let ahead: Vec<EnrollmentId> = open.iter().filter(|period| period.from_at >= now).map(|period| period.enrollment_id).collect();
    // Of whom something was before, or who goes on from another enrollment, nothing is still to begin.
    let mut gone_on: HashSet<EnrollmentId> = HashSet::new();
    if !ahead.is_empty() {
        let ended = enrollment_periods::table.filter(enrollment_periods::until_at.is_not_null());
        let of_these = ended.filter(enrollment_periods::enrollment_id.eq_any(ahead.clone()));
        gone_on.extend(of_these.select(enrollment_periods::enrollment_id).distinct().load::<EnrollmentId>(conn)?);
        let transferred = enrollments::table.filter(enrollments::id.eq_any(ahead)).filter(enrollments::transferred_from_id.is_not_null());
        gone_on.extend(transferred.select(enrollments::id).load::<EnrollmentId>(conn)?);
    }
    let next = |period: &Period| (period.enrollment_id, period.next_from(now, !gone_on.contains(&period.enrollment_id)));
    Ok(open.iter().map(next).collect())
}

/// The periods of these enrollments, each one's in order.
pub(super) fn of(conn: &mut Conn, ids: &[EnrollmentId]) -> Result<HashMap<EnrollmentId, Vec<Period>>, Error> {
    let rows: Vec<Period> = enrollment_periods::table
        .filter(enrollment_periods::enrollment_id.eq_any(ids.to_vec()))
        .order((enrollment_periods::enrollment_id, enrollment_periods::from_at))
        .select(Period::as_select())
        .load(conn)?;
    let mut periods: HashMap<EnrollmentId, Vec<Period>> = HashMap::new();
    for row in rows {
        periods.entry(row.enrollment_id).or_default().push(row);
    }
    Ok(periods)
}

/// The period in which an enrollment is by now.
pub(super) fn present(conn: &mut Conn, id: EnrollmentId) -> Result<Period, Error> {
    Ok(enrollment_periods::table
        .filter(enrollment_periods::enrollment_id.eq(id))
        .filter(enrollment_periods::until_at.is_null())
        .select(Period::as_select())
        .first(conn)?)
}
