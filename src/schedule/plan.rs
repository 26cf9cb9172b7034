//! What a coordinator decides about a session: as sent, as changed, and as it was held; pure.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::SessionRow;
use crate::{
    clock::Instant,
    http::{
        Patched,
        body::{given, nullable},
    },
    intakes::{CohortId, SessionMode},
    people::PersonId,
    programs::ModuleId,
    rooms::RoomId,
    text::{Code, Note, Place},
};

/// What a coordinator decides about a session, in an order that makes two equal plans equal: cohorts by id, the lead, the others by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) code: Code,
    pub(super) module_id: ModuleId,
    pub(super) mode: SessionMode,
    pub(super) starts_at: Instant,
    pub(super) ends_at: Instant,
    pub(super) break_minutes: i32,
    pub(super) room_id: Option<RoomId>,
    pub(super) place: Option<Place>,
    pub(super) cohort_ids: Vec<CohortId>,
    pub(super) instructor_ids: Vec<PersonId>,
}

impl Plan {
    /// Whether who is expected, when or for how long differs from what stands, as no roll that has been called could bear.
    pub(super) fn moves(&self, row: &SessionRow, cohort_ids: &[CohortId]) -> bool {
        (self.mode, self.starts_at, self.ends_at, self.break_minutes, self.cohort_ids.as_slice())
            != (row.mode, row.starts_at, row.ends_at, row.break_minutes, cohort_ids)
    }
}

/// The lead first, the others by id.
pub(super) fn lead_first(mut ids: Vec<PersonId>) -> Vec<PersonId> {
    if let Some((_, others)) = ids.split_first_mut() {
        others.sort_unstable();
    }
    ids
}

/// A session to be scheduled; it begins as a draft.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSession {
    /// Unique in the intake.
    pub code: Code,
    pub module_id: ModuleId,
    /// The intake's unless said.
    #[serde(default)]
    pub mode: Option<SessionMode>,
    pub starts_at: Instant,
    pub ends_at: Instant,
    #[serde(default)]
    #[schema(minimum = 0)]
    pub break_minutes: i32,
    /// The room or online place that it is to occupy.
    #[serde(default)]
    pub room_id: Option<RoomId>,
    /// Where it is, in words; occupies nothing.
    #[serde(default)]
    pub place: Option<Place>,
    /// One or more cohorts of the intake.
    pub cohort_ids: Vec<CohortId>,
    /// At most 20; the first leads.
    #[serde(default)]
    pub instructor_ids: Vec<PersonId>,
}

impl NewSession {
    pub(super) fn plan(self, mode: SessionMode) -> Plan {
        let mut cohort_ids = self.cohort_ids;
        cohort_ids.sort_unstable();
        Plan {
            code: self.code,
            module_id: self.module_id,
            mode: self.mode.unwrap_or(mode),
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            break_minutes: self.break_minutes,
            room_id: self.room_id,
            place: self.place,
            cohort_ids,
            instructor_ids: lead_first(self.instructor_ids),
        }
    }
}

/// A merge patch (RFC 7396). Code and module are fixed once the session is published; all of it once it is held or cancelled.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionPatch {
    #[serde(default, deserialize_with = "given")]
    pub code: Option<Code>,
    #[serde(default, deserialize_with = "given")]
    pub module_id: Option<ModuleId>,
    #[serde(default, deserialize_with = "given")]
    pub mode: Option<SessionMode>,
    #[serde(default, deserialize_with = "given")]
    pub starts_at: Option<Instant>,
    #[serde(default, deserialize_with = "given")]
    pub ends_at: Option<Instant>,
    #[serde(default, deserialize_with = "given")]
    #[schema(minimum = 0)]
    pub break_minutes: Option<i32>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<RoomId>)]
    pub room_id: Patched<RoomId>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Place>)]
    pub place: Patched<Place>,
    #[serde(default, deserialize_with = "given")]
    pub cohort_ids: Option<Vec<CohortId>>,
    /// The first leads.
    #[serde(default, deserialize_with = "given")]
    pub instructor_ids: Option<Vec<PersonId>>,
    /// Why, for the journal and for those concerned.
    #[serde(default)]
    pub reason: Option<Note>,
}

impl SessionPatch {
    /// What `plan` becomes; equal to it if the patch alters nothing.
    pub(super) fn apply(self, plan: &Plan) -> Plan {
        let mut changed = plan.clone();
        changed.code = self.code.unwrap_or(changed.code);
        changed.module_id = self.module_id.unwrap_or(changed.module_id);
        changed.mode = self.mode.unwrap_or(changed.mode);
        changed.starts_at = self.starts_at.unwrap_or(changed.starts_at);
        changed.ends_at = self.ends_at.unwrap_or(changed.ends_at);
        changed.break_minutes = self.break_minutes.unwrap_or(changed.break_minutes);
        changed.room_id = self.room_id.unwrap_or(changed.room_id);
        changed.place = self.place.unwrap_or(changed.place);
        changed.cohort_ids = self.cohort_ids.unwrap_or(changed.cohort_ids);
        changed.cohort_ids.sort_unstable();
        changed.instructor_ids = self.instructor_ids.map_or(changed.instructor_ids, lead_first);
        changed
    }
}

/// How a session was taught; what is left out was as planned.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHold {
    #[serde(default)]
    pub starts_at: Option<Instant>,
    #[serde(default)]
    pub ends_at: Option<Instant>,
    #[serde(default)]
    #[schema(minimum = 0)]
    pub break_minutes: Option<i32>,
    /// Who taught; the first led.
    #[serde(default)]
    pub instructor_ids: Option<Vec<PersonId>>,
    /// Needed where anything differs from the plan.
    #[serde(default)]
    pub difference_reason: Option<Note>,
}

impl NewHold {
    /// The session as it was taught.
    pub(super) fn apply(&self, plan: &Plan) -> Plan {
        let mut actual = plan.clone();
        actual.starts_at = self.starts_at.unwrap_or(actual.starts_at);
        actual.ends_at = self.ends_at.unwrap_or(actual.ends_at);
        actual.break_minutes = self.break_minutes.unwrap_or(actual.break_minutes);
        actual.instructor_ids = self.instructor_ids.clone().map_or(actual.instructor_ids, lead_first);
        actual
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;

    #[test]
    fn an_empty_patch_and_one_with_the_same_people_in_another_order_alter_nothing() {
        let (lead, second, third) = (Id::generate(), Id::generate(), Id::generate());
        let plan = NewSession {
            code: "A".parse().unwrap(),
            module_id: Id::generate(),
            mode: None,
            starts_at: Instant::from_unix_micros(0).unwrap(),
            ends_at: Instant::from_unix_micros(60_000_000).unwrap(),
            break_minutes: 0,
            room_id: None,
            place: None,
            cohort_ids: vec![Id::generate(), Id::generate()],
            instructor_ids: vec![third, lead, second],
        }
        .plan(SessionMode::OnSite);
        assert_eq!(SessionPatch::default().apply(&plan), plan);
        let reordered = SessionPatch {
            cohort_ids: Some(plan.cohort_ids.iter().rev().copied().collect()),
            instructor_ids: Some(vec![third, second, lead]),
            ..SessionPatch::default()
        };
        assert_eq!(reordered.apply(&plan), plan);
        let led_by_another = SessionPatch { instructor_ids: Some(vec![lead, second, third]), ..SessionPatch::default() };
        assert_ne!(led_by_another.apply(&plan), plan);
    }
}
