//! What somebody takes along into another enrollment: no more than they were present for, and of no module more than it plans there; pure.

use std::collections::BTreeMap;

use super::model::{EntryKind, HourEntry, HourEntryId, standing};
use crate::programs::ModuleId;

/// An entry to be written where hours are carried to: one taken back, or a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Carried {
    pub(super) module_id: ModuleId,
    pub(super) origin_id: HourEntryId,
    /// Negative where it takes back.
    pub(super) minutes: i32,
    pub(super) reverses_id: Option<HourEntryId>,
}

/// Those of these entries that stand and count as present, or were carried in themselves.
pub(super) fn present<'a>(entries: &[&'a HourEntry]) -> Vec<&'a HourEntry> {
    let counts = |kind: EntryKind| match kind {
        EntryKind::Attended | EntryKind::MakeUp | EntryKind::Adjustment | EntryKind::CarriedIn => true,
        EntryKind::AuthorizedAbsence | EntryKind::UnauthorizedAbsence | EntryKind::Exempt => false,
    };
    standing(entries.iter().copied()).filter(|entry| counts(entry.kind)).collect()
}

/// What each entry of a module comes to where so much of it is planned. The first ones are carried first; what was taken away by hand is
/// carried by none.
fn due(entries: &[&HourEntry], planned: i64) -> BTreeMap<HourEntryId, i32> {
    let mut present = present(entries);
    let mut room = present.iter().map(|entry| i64::from(entry.minutes)).sum::<i64>().min(planned);
    present.sort_unstable_by_key(|entry| (entry.recorded_at, entry.id));
    let mut due = BTreeMap::new();
    for entry in present {
        let minutes = i64::from(entry.minutes).min(room);
        if let Some(minutes) = i32::try_from(minutes).ok().filter(|minutes| *minutes > 0) {
            due.insert(entry.id, minutes);
            room -= i64::from(minutes);
        }
    }
    due
}

/// What has to be written so that what stands of a module in the new enrollment is what is due by the old one.
pub(super) fn corrected(module_id: ModuleId, planned: i64, origin: &[&HourEntry], carried: &[&HourEntry]) -> Vec<Carried> {
    let mut due = due(origin, planned);
    let mut changes = Vec::new();
    for entry in standing(carried.iter().copied()) {
        let Some(origin_id) = entry.origin_id else { continue };
        if due.get(&origin_id) == Some(&entry.minutes) {
            due.remove(&origin_id);
        } else {
            changes.push(Carried { module_id, origin_id, minutes: -entry.minutes, reverses_id: Some(entry.id) });
        }
    }
    changes.extend(due.into_iter().map(|(origin_id, minutes)| Carried { module_id, origin_id, minutes, reverses_id: None }));
    changes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{clock::Instant, id::Id};

    fn entry(kind: EntryKind, minutes: i32, origin_id: Option<HourEntryId>) -> HourEntry {
        HourEntry {
            id: Id::generate(),
            enrollment_id: Id::generate(),
            module_id: Id::generate(),
            session_id: None,
            kind,
            minutes,
            closing: None,
            reverses_id: None,
            origin_id,
            made_up_in_id: None,
            posting_id: Id::generate(),
            reason: None,
            user_id: None,
            recorded_at: Instant::from_unix_micros(0).unwrap(),
        }
    }

    proptest! {
        #[test]
        fn no_more_is_carried_than_was_there_and_is_planned(
            attended in prop::collection::vec(1_i32..200, 0..6), taken_away in 0_i32..300, planned in 0_i64..600, before in 0_i64..600,
        ) {
            let mut origin: Vec<HourEntry> = attended.iter().map(|minutes| entry(EntryKind::Attended, *minutes, None)).collect();
            origin.push(entry(EntryKind::UnauthorizedAbsence, 90, None));
            if taken_away > 0 {
                origin.push(entry(EntryKind::Adjustment, -taken_away, None));
            }
            let (origin, module): (Vec<&HourEntry>, _) = (origin.iter().collect(), Id::generate());
            let carry = |planned: i64, carried: &[&HourEntry]| corrected(module, planned, &origin, carried);
            let first = carry(before, &[]);
            let carried: Vec<HourEntry> =
                first.iter().map(|one| entry(EntryKind::CarriedIn, one.minutes, Some(one.origin_id))).collect();
            let carried: Vec<&HourEntry> = carried.iter().collect();
            let changes = carry(planned, &carried);
            let sum: i64 = carried.iter().map(|one| one.minutes).chain(changes.iter().map(|one| one.minutes)).map(i64::from).sum();
            let present = i64::from(attended.iter().sum::<i32>() - taken_away);
            prop_assert_eq!(sum, present.min(planned).max(0));
            prop_assert!(before != planned || changes.is_empty());
        }
    }
}
