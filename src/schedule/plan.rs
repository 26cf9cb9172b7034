//! What a coordinator decides about a session: as sent, as changed, and as it was held; pure.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{Session, SessionRow};
use crate::{
    clock::Instant,
    error::FieldFault,
    http::{
        Patched,
        body::{given, nullable},
    },
    intakes::{CohortId, SessionMode},
    people::PersonId,
    programs::ModuleId,
    rooms::RoomId,
    text::{Code, Note, Place},
    zone::{EnteredTime, Zone},
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
    /// Of a recorded session, whose start and end are the window in which it can be watched.
    pub(super) length_minutes: Option<i32>,
    pub(super) room_id: Option<RoomId>,
    pub(super) place: Option<Place>,
    pub(super) cohort_ids: Vec<CohortId>,
    pub(super) instructor_ids: Vec<PersonId>,
}

impl Session {
    /// The session as it is planned.
    pub(super) fn plan(&self) -> Plan {
        Plan {
            code: self.row.code.clone(),
            module_id: self.row.module_id,
            mode: self.row.mode,
            starts_at: self.row.starts_at,
            ends_at: self.row.ends_at,
            break_minutes: self.row.break_minutes,
            length_minutes: self.row.length_minutes,
            room_id: self.row.room_id,
            place: self.row.place.clone(),
            cohort_ids: self.cohort_ids.clone(),
            instructor_ids: self.instructors.iter().map(|instructor| instructor.id).collect(),
        }
    }
}

impl Plan {
    /// Whether who is expected, when or for how long differs from what stands, as no roll that has been called could bear.
    pub(super) fn moves(&self, row: &SessionRow, cohort_ids: &[CohortId]) -> bool {
        (self.mode, self.starts_at, self.ends_at, self.break_minutes, self.length_minutes, self.cohort_ids.as_slice())
            != (row.mode, row.starts_at, row.ends_at, row.break_minutes, row.length_minutes, cohort_ids)
    }
}

/// The lead first, the others by id.
pub(super) fn lead_first(mut ids: Vec<PersonId>) -> Vec<PersonId> {
    if let Some((_, others)) = ids.split_first_mut() {
        others.sort_unstable();
    }
    ids
}

/// When it starts and ends, or what is wrong with both.
fn instants(starts_at: EnteredTime, ends_at: EnteredTime, zone: Zone) -> Result<(Instant, Instant), Vec<FieldFault>> {
    let at = |entered: EnteredTime, pointer| entered.instant(zone).map_err(|unclear| unclear.fault(pointer));
    match (at(starts_at, "/starts_at"), at(ends_at, "/ends_at")) {
        (Ok(starts_at), Ok(ends_at)) => Ok((starts_at, ends_at)),
        (starts_at, ends_at) => Err(starts_at.err().into_iter().chain(ends_at.err()).collect()),
    }
}

/// A session to be scheduled; it begins as a draft.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSession {
    /// Unique in the intake.
    pub code: Code,
    pub module_id: ModuleId,
    /// The intake's unless said. A mixed session is in one room, which it occupies, and says the other half in words in `place`.
    #[serde(default)]
    pub mode: Option<SessionMode>,
    pub starts_at: EnteredTime,
    pub ends_at: EnteredTime,
    #[serde(default)]
    #[schema(minimum = 0)]
    pub break_minutes: i32,
    /// What watching a recorded session counts; its start and end are the window for that. All others have none.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1440, example = json!(null))]
    pub length_minutes: Option<i32>,
    /// The room or online place that it is to occupy.
    #[serde(default)]
    pub room_id: Option<RoomId>,
    /// Where it is, or where one joins, in words; occupies nothing.
    #[serde(default)]
    pub place: Option<Place>,
    /// One or more cohorts of the intake.
    pub cohort_ids: Vec<CohortId>,
    /// At most 20; the first leads.
    #[serde(default)]
    pub instructor_ids: Vec<PersonId>,
}

impl NewSession {
    /// What it comes to in an intake of this mode and zone.
    pub(super) fn plan(self, mode: SessionMode, zone: Zone) -> Result<Plan, Vec<FieldFault>> {
        let (starts_at, ends_at) = instants(self.starts_at, self.ends_at, zone)?;
        let mut cohort_ids = self.cohort_ids;
        cohort_ids.sort_unstable();
        Ok(Plan {
            code: self.code,
            module_id: self.module_id,
            mode: self.mode.unwrap_or(mode),
            starts_at,
            ends_at,
            break_minutes: self.break_minutes,
            length_minutes: self.length_minutes,
            room_id: self.room_id,
            place: self.place,
            cohort_ids,
            instructor_ids: lead_first(self.instructor_ids),
        })
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
    pub starts_at: Option<EnteredTime>,
    #[serde(default, deserialize_with = "given")]
    pub ends_at: Option<EnteredTime>,
    #[serde(default, deserialize_with = "given")]
    #[schema(minimum = 0)]
    pub break_minutes: Option<i32>,
    /// To be said with a mode that becomes recorded, and to be null with one that no longer is.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i32>, minimum = 1, maximum = 1440, example = json!(null))]
    pub length_minutes: Patched<i32>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<RoomId>)]
    pub room_id: Patched<RoomId>,
    /// Where it is, or where one joins, in words; of a mixed session the half that is not in the room. Occupies nothing.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Place>)]
    pub place: Patched<Place>,
    #[serde(default, deserialize_with = "given")]
    pub cohort_ids: Option<Vec<CohortId>>,
    /// The first leads.
    #[serde(default, deserialize_with = "given")]
    pub instructor_ids: Option<Vec<PersonId>>,
    /// Why, for the journal and for those concerned; needed to change anything of a published session.
    #[serde(default)]
    pub reason: Option<Note>,
}

impl SessionPatch {
    /// What `plan` becomes in an intake of this zone; equal to it if the patch alters nothing.
    pub(super) fn apply(self, plan: &Plan, zone: Zone) -> Result<Plan, Vec<FieldFault>> {
        let mut changed = plan.clone();
        (changed.starts_at, changed.ends_at) =
            instants(self.starts_at.unwrap_or(plan.starts_at.into()), self.ends_at.unwrap_or(plan.ends_at.into()), zone)?;
        changed.code = self.code.unwrap_or(changed.code);
        changed.module_id = self.module_id.unwrap_or(changed.module_id);
        changed.mode = self.mode.unwrap_or(changed.mode);
        changed.break_minutes = self.break_minutes.unwrap_or(changed.break_minutes);
        changed.length_minutes = self.length_minutes.unwrap_or(changed.length_minutes);
        changed.room_id = self.room_id.unwrap_or(changed.room_id);
        changed.place = self.place.unwrap_or(changed.place);
        changed.cohort_ids = self.cohort_ids.unwrap_or(changed.cohort_ids);
        changed.cohort_ids.sort_unstable();
        changed.instructor_ids = self.instructor_ids.map_or(changed.instructor_ids, lead_first);
        Ok(changed)
    }
}

/// How a session was taught; what is left out was as planned, or as was confirmed before. The window of a recorded one is over as it was
/// planned.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHold {
    #[serde(default)]
    pub starts_at: Option<EnteredTime>,
    #[serde(default)]
    pub ends_at: Option<EnteredTime>,
    #[serde(default)]
    #[schema(minimum = 0)]
    pub break_minutes: Option<i32>,
    /// Who taught; the first led.
    #[serde(default)]
    pub instructor_ids: Option<Vec<PersonId>>,
    /// Needed where anything differs from the plan, or from what was confirmed before.
    #[serde(default)]
    pub difference_reason: Option<Note>,
}

impl NewHold {
    /// The session as it was taught, in an intake of this zone.
    pub(super) fn apply(&self, plan: &Plan, zone: Zone) -> Result<Plan, Vec<FieldFault>> {
        let mut actual = plan.clone();
        (actual.starts_at, actual.ends_at) =
            instants(self.starts_at.unwrap_or(plan.starts_at.into()), self.ends_at.unwrap_or(plan.ends_at.into()), zone)?;
        actual.break_minutes = self.break_minutes.unwrap_or(actual.break_minutes);
        actual.instructor_ids = self.instructor_ids.clone().map_or(actual.instructor_ids, lead_first);
        Ok(actual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;

    #[test]
    fn an_empty_patch_and_one_with_the_same_people_in_another_order_alter_nothing() {
        let (lead, second, third) = (Id::generate(), Id::generate(), Id::generate());
        let zone: Zone = "Asia/Shanghai".parse().unwrap();
        let plan = NewSession {
            code: "A".parse().unwrap(),
            module_id: Id::generate(),
            mode: None,
            starts_at: "2020-05-28T09:00".parse().unwrap(),
            ends_at: "2020-05-28T01:01:00Z".parse().unwrap(),
            break_minutes: 0,
            length_minutes: None,
            room_id: None,
            place: None,
            cohort_ids: vec![Id::generate(), Id::generate()],
            instructor_ids: vec![third, lead, second],
        }
        .plan(SessionMode::OnSite, zone)
        .unwrap();
        assert_eq!(SessionPatch::default().apply(&plan, zone), Ok(plan.clone()));
        let reordered = SessionPatch {
            cohort_ids: Some(plan.cohort_ids.iter().rev().copied().collect()),
            instructor_ids: Some(vec![third, second, lead]),
            ..SessionPatch::default()
        };
        assert_eq!(reordered.apply(&plan, zone), Ok(plan.clone()));
        let led_by_another = SessionPatch { instructor_ids: Some(vec![lead, second, third]), ..SessionPatch::default() };
        assert_ne!(led_by_another.apply(&plan, zone), Ok(plan));
    }
}
