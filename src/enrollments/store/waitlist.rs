//! Offers that expire, and the waitlist. Whoever counts seats does so under the intake's lock, and first acts on what has expired.

use std::collections::{BTreeSet, HashMap};

use chrono::TimeDelta;
use diesel::{dsl::max, prelude::*};

use super::{
    super::{
        model::{Enrollment, EnrollmentId, EnrollmentState, EnrollmentTransition, LAPSE, LIFE_CYCLE, WAITLIST, Withdrawal},
        waitlist::{Limits, QuotaSeats, WaitlistStep},
    },
    admission::refuse_closed,
    changing, find,
    steps::{Joint, take, take_all},
};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::{CHUNK, Conn},
    error::Error,
    intakes::Intake,
    organizations::OrganizationId,
    schema::{enrollments, intake_sponsors, intakes as intake_rows, organization_tree, unit_quotas},
    text::counted,
};

/// Ends the offers of an intake that have expired and gives what is free to those who wait, the highest priority first and of one priority
/// whoever has waited longest. Called by whoever counts seats, before and after; whoever has locked the intake finds the same order as
/// everybody else.
pub fn settle_seats(conn: &mut Conn, actor: &Actor, now: Instant, intake: &Intake) -> Result<(), Error> {
    // Also where the intake makes no offers any more: those that were made stand until then.
    let expired = enrollments::table
        .filter(enrollments::intake_id.eq(intake.id))
        .filter(enrollments::state.eq(EnrollmentState::Offered))
        .filter(enrollments::offer_expires_at.le(now))
        .order(enrollments::id)
        .select(Enrollment::as_select())
        .load(conn)?;
    let withdrawal = Some(Withdrawal::OfferExpired);
    let lapse = Joint { verb: LAPSE, withdrawal, offer_expires_at: None, reason: "the offer expired", user_id: None };
    take_all(conn, actor, now, intake, expired, &lapse)?;
    if intake.waitlist && intake.takes_enrollments() {
        let waiting: Vec<Enrollment> = enrollments::table
            .filter(enrollments::intake_id.eq(intake.id))
            .filter(enrollments::state.eq(EnrollmentState::Waitlisted))
            .order((enrollments::priority.desc(), enrollments::position))
            .select(Enrollment::as_select())
            .load(conn)?;
        if !waiting.is_empty() {
            let promoted = limits(conn, intake, &waiting)?.promoted(waiting);
            let offer_expires_at = offer_end(now, intake);
            let step = if offer_expires_at.is_some() { EnrollmentTransition::Offer } else { EnrollmentTransition::Approve };
            let promote = Joint { verb: step.as_str(), withdrawal: None, offer_expires_at, reason: "a seat became free", user_id: None };
            take_all(conn, actor, now, intake, promoted, &promote)?;
        }
    }
    Ok(())
}

/// When an offer that is made now expires; none where the intake makes no offers.
pub(super) fn offer_end(now: Instant, intake: &Intake) -> Option<Instant> {
    intake.offer_days.map(|days| now.plus(TimeDelta::days(days.into())))
}

/// Refuses to turn off what somebody waits for: a waitlist on which somebody is, and offers while one stands.
///
/// # Errors
/// 409 `waitlist_in_use`, `offers_in_use`.
pub fn refuse_in_use(conn: &mut Conn, actor: &Actor, now: Instant, stored: &Intake, changed: &Intake) -> Result<(), Error> {
    settle_seats(conn, actor, now, stored)?;
    let mut refuse = |state: EnrollmentState, code: &'static str, what: &str| {
        let standing = enrollments::table.filter(enrollments::intake_id.eq(stored.id)).filter(enrollments::state.eq(state));
        match standing.count().get_result::<i64>(conn)? {
            0 => Ok(()),
            count => Err(Error::conflict(code, format!("{} {what}", counted(count, "enrollment")))),
        }
    };
    if stored.waitlist && !changed.waitlist {
        refuse(EnrollmentState::Waitlisted, "waitlist_in_use", "on the waitlist; approve, reject or withdraw them first")?;
    }
    if stored.offer_days.is_some() && changed.offer_days.is_none() {
        refuse(EnrollmentState::Offered, "offers_in_use", "with an offer that stands; wait for the answers, or withdraw them first")?;
    }
    Ok(())
}

/// What limits the seats of an intake for these who wait.
pub(super) fn limits(conn: &mut Conn, intake: &Intake, waiting: &[Enrollment]) -> Result<Limits, Error> {
    let seats_taken = intake_rows::table.find(intake.id).select(intake_rows::seats_taken).first(conn)?;
    let sponsors: Vec<(OrganizationId, i32, i32)> = intake_sponsors::table
        .filter(intake_sponsors::intake_id.eq(intake.id))
        .filter(intake_sponsors::seats.is_not_null())
        .select((intake_sponsors::sponsor_id, intake_sponsors::seats.assume_not_null(), intake_sponsors::seats_taken))
        .load(conn)?;
    let units: Vec<(OrganizationId, i32, i32)> = unit_quotas::table
        .filter(unit_quotas::intake_id.eq(intake.id))
        .filter(unit_quotas::seats.is_not_null())
        .select((unit_quotas::unit_id, unit_quotas::seats.assume_not_null(), unit_quotas::seats_taken))
        .load(conn)?;
    let quota = |(organization_id, seats, seats_taken)| (organization_id, QuotaSeats { organization_id, seats, seats_taken });
    let quotas: HashMap<OrganizationId, QuotaSeats> = sponsors.into_iter().chain(units).map(quota).collect();
    let units: BTreeSet<OrganizationId> = waiting.iter().map(|one| one.unit_id).collect();
    let mut counted_for: HashMap<OrganizationId, Vec<OrganizationId>> = HashMap::new();
    for chunk in units.into_iter().collect::<Vec<_>>().chunks(CHUNK) {
        let above: Vec<(OrganizationId, OrganizationId)> = organization_tree::table
            .filter(organization_tree::descendant_id.eq_any(chunk.to_vec()))
            .select((organization_tree::descendant_id, organization_tree::ancestor_id))
            .load(conn)?;
        for (unit, organization) in above.into_iter().filter(|(_, organization)| quotas.contains_key(organization)) {
            counted_for.entry(unit).or_default().push(organization);
        }
    }
    Ok(Limits { capacity: intake.capacity, seats_taken, quotas, counted_for })
}

/// Refuses to let anybody wait where nobody is promoted.
///
/// # Errors
/// 409 `waitlist_off`.
pub(super) fn refuse_without_waitlist(intake: &Intake) -> Result<(), Error> {
    if intake.waitlist { Ok(()) } else { Err(Error::conflict("waitlist_off", "this intake keeps no waitlist")) }
}

/// Lets somebody wait, at the end of those of the same priority. Where there is room already, they get their seat at once.
///
/// # Errors
/// 409 `illegal_transition`, `waitlist_off`, `intake_not_open`.
pub(in crate::enrollments) fn wait(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    id: EnrollmentId,
    step: WaitlistStep,
) -> Result<Enrollment, Error> {
    let (intake, stored) = changing(conn, actor, now, id, Action::Enroll)?;
    refuse_closed(&intake)?;
    let state = LIFE_CYCLE.after("the enrollment", stored.state, WAITLIST, step.reason.as_ref())?;
    refuse_without_waitlist(&intake)?;
    let last: Option<i32> =
        enrollments::table.filter(enrollments::intake_id.eq(intake.id)).select(max(enrollments::position)).first(conn)?;
    let position = Some(last.unwrap_or(0) + 1);
    let waiting = Enrollment { state, priority: Some(step.priority), position, ..stored.clone() };
    take(conn, actor, now, (&stored, waiting), step.reason.as_ref(), None)?;
    settle_seats(conn, actor, now, &intake)?;
    find(conn, actor, id)
}
