//! The steps in the life of enrollments.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::{
    super::model::{DatedChange, END, Enrollment, EnrollmentId, EnrollmentState, EnrollmentTransition, LIFE_CYCLE, Step, Withdrawal},
    Dated,
    admission::refuse_closed,
    changing,
    moves::cohort_of,
    periods, save, uncounted, unsettled,
    waitlist::{offer_end, settle_seats},
};
use crate::{
    access::{Action, Actor, UserId},
    clock::Instant,
    db::{CHUNK, Conn, for_backend},
    error::Error,
    id::Id,
    intakes::{self, Intake},
    journal::NewEntry,
    ledger,
    organizations::OrganizationId,
    programs,
    schema::{enrollment_steps, enrollments},
    text::Note,
};

/// Takes one step in the life of an enrollment, from `effective_at` on, which may lie in the past ([`periods::step`]).
///
/// # Errors
/// 409 `illegal_transition`, `intake_not_open`, what the seats say, `offers_off`, `offer_expired`, `was_present` of whoever is said never
/// to have arrived, and `sessions_unsettled`, `roll_calls_open` where the hours by which somebody is to be completed or failed are not settled;
/// 422 for a time that cannot be, and `reason_missing` also where whoever is completed does not reach the minimum of attendance.
pub fn transition(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    id: EnrollmentId,
    step: EnrollmentTransition,
    change: &DatedChange,
) -> Result<Enrollment, Error> {
    let (intake, stored) = changing(conn, actor, now, id, step.action())?;
    if !actor.allows(step.action_from(stored.state)) {
        let detail = format!("a partner withdraws what nobody has decided on, and this enrollment is {}", stored.state);
        return Err(Error::Forbidden(detail));
    }
    if step == EnrollmentTransition::Accept {
        refuse_expired(now, &stored)?;
    }
    let state = LIFE_CYCLE.after("the enrollment", stored.state, step.as_str(), change.reason.as_ref())?;
    let changed = after(conn, now, &intake, &stored, (step, state))?;
    let (saved, _) = take(conn, actor, now, (&stored, changed), change.reason.as_ref(), change.effective_at)?;
    // By what is unsettled from when the step takes effect.
    refuse_undecidable(conn, actor, &intake, &saved, change.reason.as_ref())?;
    // Whoever leaves gives a seat to whoever is next.
    settle_seats(conn, actor, now, &intake)?;
    Ok(saved)
}

/// The enrollment as a legal step to `state` leaves it.
fn after(
    conn: &mut Conn,
    now: Instant,
    intake: &Intake,
    stored: &Enrollment,
    (step, state): (EnrollmentTransition, EnrollmentState),
) -> Result<Enrollment, Error> {
    if step == EnrollmentTransition::NeverArrived {
        unsettled::refuse_present(conn, stored)?;
    }
    if matches!(state, EnrollmentState::Offered | EnrollmentState::Approved | EnrollmentState::Enrolled) {
        refuse_closed(intake)?;
    }
    let offer_expires_at = if step == EnrollmentTransition::Offer { Some(end_of_offer(now, intake)?) } else { None };
    let cohort_id = if state == EnrollmentState::Enrolled { cohort_of(conn, stored)? } else { stored.cohort_id };
    Ok(Enrollment { state, withdrawal: step.withdrawal(), offer_expires_at, cohort_id, ..stored.clone() })
}

/// Refuses to complete or fail somebody whose hours do not say yet that it is so.
fn refuse_undecidable(conn: &mut Conn, actor: &Actor, intake: &Intake, decided: &Enrollment, reason: Option<&Note>) -> Result<(), Error> {
    if matches!(decided.state, EnrollmentState::Completed | EnrollmentState::Failed) {
        uncounted::refuse_uncounted(conn, actor, decided)?;
    }
    if decided.state == EnrollmentState::Completed && reason.is_none() {
        refuse_below_minimum(conn, intake, decided.id)?;
    }
    Ok(())
}

/// Refuses a step out of the present state that would be refused if it took effect now, without a reason, for something else than seats.
pub(super) fn refuse(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake: &Intake,
    stored: &Enrollment,
    (step, state): (EnrollmentTransition, EnrollmentState),
) -> Result<(), Error> {
    let changed = after(conn, now, intake, stored, (step, state))?;
    refuse_undecidable(conn, actor, intake, &changed, None)
}

/// Refuses to take an offer that has expired, be it that nobody has ended it yet.
///
/// # Errors
/// 409 `offer_expired`.
pub(super) fn refuse_expired(now: Instant, stored: &Enrollment) -> Result<(), Error> {
    let is_over = stored.withdrawal == Some(Withdrawal::OfferExpired) || stored.offer_expires_at.is_some_and(|until| until <= now);
    if is_over { Err(Error::conflict("offer_expired", "the offer has expired")) } else { Ok(()) }
}

/// Whoever does not reach the version's minimum of attendance, or owed nothing by which that could be said, is completed with a reason.
///
/// # Errors
/// 422 `reason_missing`.
fn refuse_below_minimum(conn: &mut Conn, intake: &Intake, id: EnrollmentId) -> Result<(), Error> {
    let rule = programs::attendance_rule(conn, intake.program_version_id)?;
    let Some(minimum) = rule.minimum_percent else { return Ok(()) };
    let balance = ledger::balance(conn, id)?;
    let present = i64::from(balance.present());
    let counted = rule.counted(balance.expected().into(), present, balance.authorized_absence_minutes.into());
    let detail = match rule.reached(present, counted) {
        Some(true) => return Ok(()),
        Some(false) => {
            format!("present for {present} of {counted} minutes, below {minimum} percent; completing all the same needs a reason")
        }
        None => format!("nothing was owed by which {minimum} percent could be reached; completing all the same needs a reason"),
    };
    Err(Error::invalid("/reason", "reason_missing", detail))
}

/// Ends all that is open in an intake that is being cancelled, and locked: nobody waits for it, has an offer of it or is taught in it any
/// more. What was held is owed by whoever was enrolled then.
pub fn end_all(conn: &mut Conn, actor: &Actor, now: Instant, intake: &Intake, reason: &Note) -> Result<(), Error> {
    actor.may(Action::WriteIntakes)?;
    let open = enrollments::table
        .filter(enrollments::intake_id.eq(intake.id))
        .filter(enrollments::state.eq_any(EnrollmentState::UNDECIDED))
        .order(enrollments::id)
        .select(Enrollment::as_select())
        .load(conn)?;
    let withdrawal = Some(Withdrawal::IntakeCancelled);
    let end = Joint { verb: END, withdrawal, offer_expires_at: None, reason: reason.as_str(), user_id: actor.user_id() };
    take_all(conn, actor, now, intake, open, &end)
}

fn end_of_offer(now: Instant, intake: &Intake) -> Result<Instant, Error> {
    offer_end(now, intake).ok_or_else(|| Error::conflict("offers_off", "this intake makes no offers; approve instead"))
}

/// Takes a step that was found legal, and says from when it counts.
pub(super) fn take(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    (stored, changed): (&Enrollment, Enrollment),
    reason: Option<&Note>,
    asked: Option<Instant>,
) -> Result<(Enrollment, Instant), Error> {
    let since = unsettled::never_there_since(conn, &changed)?;
    let effective_at = periods::step(conn, now, &changed, (asked, since))?;
    let action = if changed.state == stored.state { "enrollment.moved" } else { "enrollment.changed_state" };
    let saved = save(conn, actor, stored, changed, (action, Some(effective_at)), reason)?;
    let step = Step {
        id: Id::generate(),
        enrollment_id: saved.id,
        from_state: Some(stored.state.as_str().to_owned()),
        to_state: saved.state,
        effective_at,
        reason: reason.cloned(),
        user_id: actor.user_id(),
        recorded_at: now,
    };
    diesel::insert_into(enrollment_steps::table).values(&step).execute(conn)?;
    if effective_at < now {
        unsettled::find_anew(conn, saved.intake_id, &[saved.id])?;
    }
    Ok((saved, effective_at))
}

/// A step of the life cycle that several take together, because of something else than a decision about each.
pub(super) struct Joint<'a> {
    pub(super) verb: &'static str,
    pub(super) withdrawal: Option<Withdrawal>,
    pub(super) offer_expires_at: Option<Instant>,
    pub(super) reason: &'a str,
    /// Who decided it; none of what follows from seats. The journal says in whose transaction it was done.
    pub(super) user_id: Option<UserId>,
}

/// Takes a step with all of these enrollments of an intake, now; it leads all of them to one state.
///
/// # Errors
/// 409 `illegal_transition`, where the life cycle does not know the step for one of them.
pub(super) fn take_all(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake: &Intake,
    stored: Vec<Enrollment>,
    joint: &Joint,
) -> Result<(), Error> {
    let Joint { verb, withdrawal, offer_expires_at, reason, user_id } = *joint;
    let note: Note = reason.parse().map_err(Error::internal)?;
    let after = stored.iter().map(|one| LIFE_CYCLE.after("the enrollment", one.state, verb, Some(&note)));
    let Some(state) = after.collect::<Result<Vec<EnrollmentState>, Error>>()?.pop() else { return Ok(()) };
    for chunk in stored.chunks(CHUNK) {
        let ids: Vec<EnrollmentId> = chunk.iter().map(|one| one.id).collect();
        let began = periods::step_all(conn, now, &ids, state)?;
        let updated = diesel::update(enrollments::table.filter(enrollments::id.eq_any(ids)))
            .set((
                enrollments::state.eq(state),
                enrollments::withdrawal.eq(withdrawal),
                enrollments::offer_expires_at.eq(offer_expires_at),
                enrollments::version.eq(enrollments::version + 1),
            ))
            .execute(conn)?;
        if updated < chunk.len() {
            return Err(Error::Stale);
        }
        let mut steps = Vec::with_capacity(chunk.len());
        for one in chunk {
            let effective_at = began.get(&one.id).copied().ok_or_else(|| Error::internal("an enrollment without a period"))?;
            let changed = Enrollment { state, withdrawal, offer_expires_at, version: one.version + 1, ..one.clone() };
            let entry = NewEntry::of("enrollment.changed_state", "enrollment", one.id).provider(intake.provider_id).intake(intake.id);
            actor.record(entry.from(one).to(&Dated { enrollment: &changed, effective_at: Some(effective_at) }).because(Some(reason)));
            steps.push(Step {
                id: Id::generate(),
                enrollment_id: one.id,
                from_state: Some(one.state.as_str().to_owned()),
                to_state: state,
                effective_at,
                reason: Some(note.clone()),
                user_id,
                recorded_at: now,
            });
        }
        for_backend!(conn, |c| diesel::insert_into(enrollment_steps::table).values(&steps).execute(c))?;
    }
    let sponsors: BTreeSet<OrganizationId> = stored.iter().map(|one| one.sponsor_id).collect();
    intakes::touch(conn, intake.id, &sponsors.into_iter().collect::<Vec<_>>())
}
