//! Why an enrollment is where it is, and what would be refused of it.

use diesel::prelude::*;

use super::{
    super::{
        explain::{Explanation, LastStep, RefusedStep, rule},
        model::{END, Enrollment, EnrollmentId, EnrollmentState, EnrollmentTransition, LAPSE, LIFE_CYCLE, REPLACE, TRANSFER, WAITLIST},
        waitlist::{Obstacle, QuotaSeats},
    },
    find, steps, unsettled, visible,
    waitlist::{limits, refuse_without_waitlist},
};
use crate::{
    access::{Action, Actor, Scope, allows},
    clock::Instant,
    db::Conn,
    error::Error,
    intakes::{self, Intake},
    lifecycle::Step,
    organizations::{OrganizationId, below},
    schema::{enrollment_periods, enrollment_steps, enrollments},
};

/// Why an enrollment is where it is, has no seat yet, and cannot take a step.
pub(in crate::enrollments) fn explain(conn: &mut Conn, actor: &Actor, now: Instant, id: EnrollmentId) -> Result<Explanation, Error> {
    let enrollment = find(conn, actor, id)?;
    let intake = intakes::find(conn, actor, enrollment.intake_id)?;
    let limits = limits(conn, &intake, std::slice::from_ref(&enrollment))?;
    let waits = enrollment.state == EnrollmentState::Waitlisted;
    let lacks_a_seat = matches!(enrollment.state, EnrollmentState::Nominated | EnrollmentState::Applied | EnrollmentState::Waitlisted);
    let mut obstacles = if lacks_a_seat { limits.obstacles(enrollment.unit_id) } else { Vec::new() };
    if lacks_a_seat && !intake.takes_enrollments() {
        obstacles.push(Obstacle::IntakeNotOpen);
    }
    let is_the_providers = is_the_providers(actor);
    // A partner is told of the seats of its own house, and of the steps of its own trainees; whoever has none of no seats.
    let own: Option<Vec<OrganizationId>> = match actor.scope() {
        Scope::Sponsor(sponsor, _) => Some(below(sponsor).load(conn)?),
        _ => None,
    };
    let is_anothers = own.as_ref().is_some_and(|own| !own.contains(&enrollment.unit_id));
    let refused_steps = if is_anothers { Vec::new() } else { refused_steps(conn, actor, now, &intake, &enrollment)? };
    let mut quotas: Vec<QuotaSeats> = limits.quotas_of(enrollment.unit_id).copied().collect();
    if !is_the_providers {
        quotas.retain(|quota| own.as_ref().is_some_and(|own| own.contains(&quota.organization_id)));
    }
    quotas.sort_unstable_by_key(|quota| quota.organization_id);
    let before = match (enrollment.priority.zip(enrollment.position), actor.scope()) {
        (Some((priority, position)), Scope::Everything | Scope::Provider(_) | Scope::Sponsor(..)) if waits => {
            let first = enrollments::priority.gt(priority).or(enrollments::priority.eq(priority).and(enrollments::position.lt(position)));
            let others = visible(actor).filter(enrollments::intake_id.eq(intake.id));
            let others = others.filter(enrollments::state.eq(EnrollmentState::Waitlisted)).filter(first.assume_not_null());
            Some(others.count().get_result(conn)?)
        }
        _ => None,
    };
    Ok(Explanation {
        enrollment_id: id,
        state: enrollment.state,
        rule: rule(&enrollment),
        last_step: last_step(conn, actor, id)?,
        priority: enrollment.priority,
        position: enrollment.position,
        before,
        obstacles,
        refused_steps,
        capacity: intake.capacity.filter(|_| is_the_providers),
        seats_taken: is_the_providers.then_some(limits.seats_taken),
        quotas,
    })
}

/// Whoever reads for the provider is told of all seats and steps.
fn is_the_providers(actor: &Actor) -> bool {
    matches!(actor.scope(), Scope::Everything | Scope::Provider(_))
}

/// What would be refused of the steps that lead out of the present state, of those that the actor is told of.
fn refused_steps(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake: &Intake,
    enrollment: &Enrollment,
) -> Result<Vec<RefusedStep>, Error> {
    let is_told =
        |verb: &str| asked_as(verb, enrollment.state).is_some_and(|action| is_the_providers(actor) || allows(actor.role(), action));
    let mut refused = Vec::new();
    // Whoever takes a step counts seats, and so ends an offer that expired before anything else; here that has not been done.
    let is_expired = steps::refuse_expired(now, enrollment).is_err();
    for Step { verb, to, .. } in LIFE_CYCLE.steps.iter().filter(|step| step.from.contains(&enrollment.state) && is_told(step.verb)) {
        let result = match (*verb, verb.parse::<EnrollmentTransition>()) {
            (_, Ok(EnrollmentTransition::Accept)) if is_expired => steps::refuse_expired(now, enrollment),
            _ if is_expired => LIFE_CYCLE.after("the enrollment", EnrollmentState::Withdrawn, verb, None).map(drop),
            (_, Ok(step)) => steps::refuse(conn, actor, now, intake, enrollment, (step, *to)),
            (REPLACE, _) => unsettled::refuse_counted(conn, enrollment.id),
            (WAITLIST, _) => refuse_without_waitlist(intake),
            _ => Ok(()),
        };
        refused.extend(RefusedStep::of(verb, result)?);
    }
    Ok(refused)
}

/// As what a step is asked for that somebody asks for; that of a transfer depends on where it leads.
fn asked_as(verb: &str, state: EnrollmentState) -> Option<Action> {
    match verb {
        LAPSE | END | TRANSFER => None,
        REPLACE => Some(Action::Replace),
        verb => Some(verb.parse().map_or(Action::Enroll, |step: EnrollmentTransition| step.action_from(state))),
    }
}

/// The step that began the present period.
fn last_step(conn: &mut Conn, actor: &Actor, id: EnrollmentId) -> Result<Option<LastStep>, Error> {
    let began = enrollment_steps::enrollment_id
        .eq(enrollment_periods::enrollment_id)
        .and(enrollment_steps::effective_at.eq(enrollment_periods::from_at))
        .and(enrollment_steps::recorded_at.eq(enrollment_periods::recorded_at))
        .and(enrollment_steps::to_state.eq(enrollment_periods::state));
    let mut last: Option<LastStep> = enrollment_periods::table
        .inner_join(enrollment_steps::table.on(began))
        .filter(enrollment_periods::enrollment_id.eq(id))
        .filter(enrollment_periods::until_at.is_null())
        .order(enrollment_steps::id.desc())
        .select((
            enrollment_steps::from_state,
            enrollment_steps::to_state,
            enrollment_steps::reason,
            enrollment_steps::effective_at,
            enrollment_steps::recorded_at,
        ))
        .first(conn)
        .optional()?;
    if let (Some(step), Scope::Adviser(..) | Scope::Teacher(..)) = (&mut last, actor.scope()) {
        step.reason = None;
    }
    Ok(last)
}
