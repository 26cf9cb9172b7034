//! Overlaps: two sessions that would hold one resource at the same time; pure.

use super::rules::Occupied;

/// Tells of every two sessions that would hold one resource at the same time, at least one of them proposed; the proposed one first. By
/// resource and start, as long as whoever hears it wants more: a thousand sessions at one time make millions of pairs.
pub(super) fn for_each_overlap(mut occupied: Vec<Occupied>, mut tell: impl FnMut(Occupied, Occupied) -> bool) {
    occupied.sort_unstable_by_key(|one| (one.resource, one.starts_at, one.session_id));
    for (index, earlier) in occupied.iter().enumerate() {
        let later = occupied.iter().skip(index + 1);
        for later in later.take_while(|later| later.resource == earlier.resource && later.starts_at < earlier.ends_at) {
            if earlier.session_id == later.session_id || !(earlier.is_proposed() || later.is_proposed()) {
                continue;
            }
            let (one, other) = if earlier.is_proposed() { (earlier, later) } else { (later, earlier) };
            if !tell(*one, *other) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        clock::Instant,
        id::Id,
        schedule::{
            model::SessionId,
            rules::{Basis, ClaimKind, Resource},
        },
    };

    /// Three resources, eight sessions, times close together, and some sessions that stand already.
    fn some_occupied() -> impl Strategy<Value = Vec<Occupied>> {
        let one = (0_u128..3, 0_u128..8, 0_i64..20, 1_i64..6);
        (proptest::collection::vec(one, 0..25), any::<[bool; 8]>()).prop_map(|(rows, proposed)| {
            let instant = |minute: i64| Instant::from_unix_micros(minute * 60_000_000).unwrap();
            let occupied = |(resource, session, start, length): (u128, u128, i64, i64)| Occupied {
                resource: (
                    if resource == 0 { ClaimKind::Cohort } else { ClaimKind::Instructor },
                    Id::from_uuid(uuid::Uuid::from_u128(resource)),
                ),
                session_id: Id::from_uuid(uuid::Uuid::from_u128(session)),
                starts_at: instant(start),
                ends_at: instant(start + length),
                basis: if proposed[usize::try_from(session).unwrap()] { Basis::Proposed } else { Basis::Claimed },
            };
            rows.into_iter().map(occupied).collect()
        })
    }

    fn key(a: &Occupied, b: &Occupied) -> [(Resource, SessionId, Instant, Instant); 2] {
        let mut pair = [a, b].map(|one| (one.resource, one.session_id, one.starts_at, one.ends_at));
        pair.sort_unstable();
        pair
    }

    proptest! {
        #[test]
        fn the_overlaps_are_those_that_comparing_all_pairs_finds(occupied in some_occupied(), enough in 1_usize..5) {
            let mut expected = Vec::new();
            for (index, a) in occupied.iter().enumerate() {
                for b in &occupied[index + 1..] {
                    let meet = a.starts_at < b.ends_at && b.starts_at < a.ends_at;
                    if meet && a.resource == b.resource && a.session_id != b.session_id && (a.is_proposed() || b.is_proposed()) {
                        expected.push(key(a, b));
                    }
                }
            }
            let (mut found, mut heard) = (Vec::new(), 0);
            for_each_overlap(occupied.clone(), |one, other| {
                found.push((one, other));
                true
            });
            for_each_overlap(occupied, |_, _| {
                heard += 1;
                heard < enough
            });
            prop_assert_eq!(heard, found.len().min(enough));
            prop_assert!(found.iter().all(|(first, _)| first.is_proposed()));
            let mut found: Vec<_> = found.iter().map(|(a, b)| key(a, b)).collect();
            found.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }
}
