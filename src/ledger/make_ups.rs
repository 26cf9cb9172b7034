//! What guests make up: never more than was missed, of the session and of its module (DOMAIN section 3); pure.

use std::{collections::BTreeMap, fmt};

use super::model::{EntryKind, HourEntry, HourEntryId, standing};
use crate::{clock::Instant, enrollments::EnrollmentId, programs::ModuleId, schedule::SessionId};

/// What a guest attended of a session, to make up another of the same module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Earned {
    pub(super) enrollment_id: EnrollmentId,
    pub(super) module_id: ModuleId,
    pub(super) missed_session_id: SessionId,
    pub(super) made_up_in_id: SessionId,
    /// When the session began that the guest came to: what was made up first counts first.
    pub(super) began_at: Instant,
    pub(super) minutes: i32,
}

/// A session that a guest missed, and the one in which they made it up.
pub(super) type Pair = (SessionId, SessionId);

/// An entry to be written: a standing one taken back, or a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MakeUp {
    pub(super) enrollment_id: EnrollmentId,
    pub(super) pair: Pair,
    /// Negative where it takes back.
    pub(super) minutes: i32,
    pub(super) reverses_id: Option<HourEntryId>,
}

/// The make-ups among these entries that stand.
pub(super) fn standing_pairs<'a>(entries: impl Iterator<Item = &'a HourEntry> + Clone) -> impl Iterator<Item = (Pair, &'a HourEntry)> {
    standing(entries).filter_map(|entry| Some((entry.session_id.zip(entry.made_up_in_id)?, entry)))
}

/// What can be credited of something missed: an adjustment that took minutes away leaves no more to be made up than was missed.
#[derive(Clone, Copy, Debug, Default)]
struct Missed {
    missed: i32,
    adjusted: i32,
}

impl Missed {
    fn add(&mut self, entry: &HourEntry) {
        match entry.kind {
            EntryKind::AuthorizedAbsence | EntryKind::UnauthorizedAbsence => self.missed += entry.minutes,
            EntryKind::Adjustment => self.adjusted += entry.minutes,
            EntryKind::Attended | EntryKind::Exempt | EntryKind::MakeUp | EntryKind::CarriedIn => {}
        }
    }

    fn creditable(self) -> i32 {
        self.missed - self.adjusted.max(0)
    }
}

/// What each pair of one enrollment in one module comes to, in the order in which it was made up.
fn granted(entries: &[&HourEntry], mut earned: Vec<&Earned>) -> BTreeMap<Pair, i32> {
    let mut of_module = Missed::default();
    let mut of_session: BTreeMap<SessionId, Missed> = BTreeMap::new();
    for entry in entries {
        of_module.add(entry);
        if let Some(session) = entry.session_id {
            of_session.entry(session).or_default().add(entry);
        }
    }
    let mut of_module = of_module.creditable();
    let mut of_session: BTreeMap<SessionId, i32> = of_session.into_iter().map(|(session, of)| (session, of.creditable())).collect();
    earned.sort_unstable_by_key(|one| (one.began_at, one.made_up_in_id));
    let mut granted = BTreeMap::new();
    for one in earned {
        let left = of_session.entry(one.missed_session_id).or_default();
        let minutes = one.minutes.min(*left).min(of_module).max(0);
        *left -= minutes;
        of_module -= minutes;
        granted.insert((one.missed_session_id, one.made_up_in_id), minutes);
    }
    granted
}

type Share = (EnrollmentId, ModuleId);

fn by_share<'a>(entries: &'a [HourEntry], earned: &'a [Earned]) -> BTreeMap<Share, (Vec<&'a HourEntry>, Vec<&'a Earned>)> {
    let mut shares: BTreeMap<Share, (Vec<&HourEntry>, Vec<&Earned>)> = BTreeMap::new();
    entries.iter().for_each(|entry| shares.entry((entry.enrollment_id, entry.module_id)).or_default().0.push(entry));
    earned.iter().for_each(|one| shares.entry((one.enrollment_id, one.module_id)).or_default().1.push(one));
    shares
}

/// What has to be written so that what stands of make-ups is what was earned, capped: a reversal of each that changed, and what it comes
/// to now. `entries` are all of those enrollments in those modules.
pub(super) fn corrected(entries: &[HourEntry], earned: &[Earned]) -> Vec<MakeUp> {
    let mut changes = Vec::new();
    for ((enrollment_id, _), (entries, earned)) in by_share(entries, earned) {
        let mut granted = granted(&entries, earned);
        for (pair, entry) in standing_pairs(entries.iter().copied()) {
            if granted.get(&pair) == Some(&entry.minutes) {
                granted.remove(&pair);
            } else {
                changes.push(MakeUp { enrollment_id, pair, minutes: -entry.minutes, reverses_id: Some(entry.id) });
            }
        }
        let fresh = granted.into_iter().filter(|(_, minutes)| *minutes > 0);
        changes.extend(fresh.map(|(pair, minutes)| MakeUp { enrollment_id, pair, minutes, reverses_id: None }));
    }
    changes
}

/// A make-up that does not stand at what it comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mismatch {
    pub(super) enrollment_id: EnrollmentId,
    pub(super) pair: Pair,
    pub(super) stands: i32,
    pub(super) comes_to: i32,
}

/// Where what stands is not what the same closings would post today.
pub(super) fn mismatches(entries: &[HourEntry], earned: &[Earned]) -> Vec<Mismatch> {
    let mut mismatches = Vec::new();
    for ((enrollment_id, _), (entries, earned)) in by_share(entries, earned) {
        let mut comes_to = granted(&entries, earned);
        let mut compare = |pair: Pair, stands: i32, comes_to: i32| {
            if stands != comes_to {
                mismatches.push(Mismatch { enrollment_id, pair, stands, comes_to });
            }
        };
        for (pair, entry) in standing_pairs(entries.iter().copied()) {
            compare(pair, entry.minutes, comes_to.remove(&pair).unwrap_or(0));
        }
        comes_to.into_iter().for_each(|(pair, minutes)| compare(pair, 0, minutes));
    }
    mismatches
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { enrollment_id, pair: (missed, made_up_in), stands, comes_to } = self;
        write!(
            f,
            "make-ups: enrollment {enrollment_id} has {stands} minutes of session {missed} made up in session {made_up_in}, which come to \
             {comes_to}"
        )
    }
}
