//! Who is next: the order of a waitlist, and what room there is; pure.

use std::collections::HashMap;

use diesel::Queryable;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{Enrollment, EnrollmentId, EnrollmentState, Withdrawal};
use crate::{clock::Instant, db::types::text_enum, organizations::OrganizationId, text::Note};

/// To let somebody wait for a seat.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WaitlistStep {
    /// Who has the higher one goes first, before all who have waited longer; 0 unless said. Fixed from then on.
    #[serde(default)]
    #[schema(example = 0)]
    pub(super) priority: i16,
    #[serde(default)]
    pub(super) reason: Option<Note>,
}

/// Seats of a quota, and how many of them are taken. More may be than there are: lowering a quota evicts nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct QuotaSeats {
    pub(super) organization_id: OrganizationId,
    pub(super) seats: i32,
    pub(super) seats_taken: i32,
}

/// What limits who gets a seat in an intake.
#[derive(Clone, Debug, Default)]
pub(super) struct Limits {
    /// Null is no limit.
    pub(super) capacity: Option<i32>,
    pub(super) seats_taken: i32,
    pub(super) quotas: HashMap<OrganizationId, QuotaSeats>,
    /// The organizations with a quota for which somebody of a unit counts: the unit itself and those above it.
    pub(super) counted_for: HashMap<OrganizationId, Vec<OrganizationId>>,
}

impl Limits {
    /// The quotas that a seat of this unit counts against.
    pub(super) fn quotas_of(&self, unit: OrganizationId) -> impl Iterator<Item = &QuotaSeats> {
        self.counted_for.get(&unit).into_iter().flatten().filter_map(|organization| self.quotas.get(organization))
    }

    pub(super) fn is_full(&self) -> bool {
        self.capacity.is_some_and(|capacity| self.seats_taken >= capacity)
    }

    fn has_room_for(&self, unit: OrganizationId) -> bool {
        !self.is_full() && self.quotas_of(unit).all(|quota| quota.seats_taken < quota.seats)
    }

    fn take(&mut self, unit: OrganizationId) {
        self.seats_taken += 1;
        for organization in self.counted_for.get(&unit).into_iter().flatten() {
            if let Some(quota) = self.quotas.get_mut(organization) {
                quota.seats_taken += 1;
            }
        }
    }

    /// Those of the waiting, who come in their order, that get a seat. Whoever cannot take it is passed over and stays.
    pub(super) fn promoted(mut self, waiting: Vec<Enrollment>) -> Vec<Enrollment> {
        let mut promoted = Vec::new();
        for enrollment in waiting {
            if self.is_full() {
                break;
            }
            if self.has_room_for(enrollment.unit_id) {
                self.take(enrollment.unit_id);
                promoted.push(enrollment);
            }
        }
        promoted
    }
}

text_enum! {
    /// Why somebody who waits has no seat yet.
    pub enum Obstacle {
        /// All seats of the intake are taken.
        CapacityFull => "capacity_full",
        /// All seats of the sponsor, or of the unit or one above it, are taken.
        QuotaFull => "quota_full",
        /// The intake is over.
        IntakeNotOpen => "intake_not_open",
    }
}

/// The step by which an enrollment came to its state.
#[derive(Clone, Debug, Queryable, Serialize, ToSchema)]
pub(super) struct LastStep {
    /// Null of the first one.
    pub(super) from_state: Option<String>,
    pub(super) to_state: EnrollmentState,
    /// Why; null to whoever neither runs the course, nor sends the trainee, nor is the trainee.
    pub(super) reason: Option<Note>,
    pub(super) effective_at: Instant,
    pub(super) recorded_at: Instant,
}

/// Why an enrollment is where it is, and has no seat while it waits: by the rule, the facts and the amounts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Explanation {
    pub(super) enrollment_id: EnrollmentId,
    pub(super) state: EnrollmentState,
    /// In words.
    #[schema(example = "the highest priority goes first")]
    pub(super) rule: &'static str,
    pub(super) last_step: Option<LastStep>,
    pub(super) priority: Option<i16>,
    pub(super) position: Option<i32>,
    /// How many wait before it; to a partner of those whom it sends, null to others than these and the provider.
    pub(super) before: Option<i64>,
    /// Empty for whoever does not wait, and where an offer has expired since: its seat goes to the first who can take it as soon as
    /// seats are counted again.
    pub(super) obstacles: Vec<Obstacle>,
    /// Of the intake; null without a limit, and to others than the provider.
    pub(super) capacity: Option<i32>,
    /// Of the intake; null to others than the provider.
    pub(super) seats_taken: Option<i32>,
    /// The quotas that the seat would count against, as far as the caller sees them.
    pub(super) quotas: Vec<QuotaSeats>,
}

/// DOMAIN section 4, in words.
pub(super) fn rule(enrollment: &Enrollment) -> &'static str {
    match (enrollment.state, enrollment.withdrawal) {
        (EnrollmentState::Waitlisted, _) => {
            "the highest priority goes first, and of one priority whoever has waited longest; whoever cannot take a seat is passed over and stays"
        }
        (EnrollmentState::Offered, _) => "the seat is kept until the offer is accepted, declined, or expires",
        (EnrollmentState::Withdrawn, Some(Withdrawal::OfferExpired)) => "nobody accepted the offer before it expired",
        (EnrollmentState::Withdrawn, Some(Withdrawal::Declined)) => "the offer was declined",
        (EnrollmentState::Withdrawn, Some(Withdrawal::Replaced)) => "the place passed to somebody else",
        (EnrollmentState::Withdrawn, Some(Withdrawal::NeverArrived)) => "the trainee never arrived",
        (EnrollmentState::Withdrawn, Some(Withdrawal::IntakeCancelled)) => "the intake was cancelled",
        (EnrollmentState::Withdrawn, Some(Withdrawal::Left) | None) => "it was withdrawn; the last step says by what reason",
        (EnrollmentState::Nominated | EnrollmentState::Applied, _) => "it takes no seat until it is approved, or offered a seat",
        (EnrollmentState::Approved, _) => "it has a seat, and owes nothing until it is enrolled",
        (EnrollmentState::Enrolled, _) => "it has a seat, and owes what its cohorts are taught while it is enrolled in them",
        (EnrollmentState::Suspended, _) => "it keeps its seat, and owes nothing until it is resumed",
        (EnrollmentState::Completed | EnrollmentState::Failed, _) => {
            "it was decided by its hours, or for the reason of the last step, and keeps its seat"
        }
        (EnrollmentState::Rejected, _) => "it was rejected; the last step says by what reason",
        (EnrollmentState::Transferred, _) => "whoever had it goes on in another enrollment, with the hours that count there",
    }
}

impl Limits {
    /// What stands in the way of somebody of this unit.
    pub(super) fn obstacles(&self, unit: OrganizationId) -> Vec<Obstacle> {
        let full = self.is_full().then_some(Obstacle::CapacityFull);
        let used_up = self.quotas_of(unit).any(|quota| quota.seats_taken >= quota.seats).then_some(Obstacle::QuotaFull);
        full.into_iter().chain(used_up).collect()
    }
}
