//! Who is next: the order of a waitlist, and what room there is; pure.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::Enrollment;
use crate::{db::types::text_enum, organizations::OrganizationId, text::Note};

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

    /// What stands in the way of somebody of this unit.
    pub(super) fn obstacles(&self, unit: OrganizationId) -> Vec<Obstacle> {
        let full = self.is_full().then_some(Obstacle::CapacityFull);
        let used_up = self.quotas_of(unit).any(|quota| quota.seats_taken >= quota.seats).then_some(Obstacle::QuotaFull);
        full.into_iter().chain(used_up).collect()
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
