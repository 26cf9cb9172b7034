//! Whose credits nothing would be left to hold against; pure.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    make_ups::MakeUp,
    model::{EntryKind, HourEntry},
};
use crate::{enrollments::EnrollmentId, schedule::SessionId, text::counted};

/// What somebody would have of a session, or of a whole module, of which more would be credited than is missed, or less than nothing would
/// be present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uncovered {
    pub enrollment_id: EnrollmentId,
    /// None of the module.
    pub session_id: Option<SessionId>,
    pub attended: i32,
    pub missed: i32,
    /// Adjusted or made up.
    pub credited: i32,
}

/// What a closing would be refused for.
#[derive(Debug, Default)]
pub struct Foreseen {
    /// In the order of the refusals, each in its words.
    pub told: Vec<(Uncovered, String)>,
    /// Whether there is more, of hours that whoever asks does not see.
    pub others: bool,
}

impl Uncovered {
    /// What would be, in words.
    pub(super) fn detail(&self, whose: &str, what: &str) -> String {
        let [attended, missed, credited] = [self.attended, self.missed, self.credited].map(|minutes| counted(minutes, "minute"));
        format!(
            "{whose} would have attended {attended} and missed {missed} of {what}, with {credited} adjusted or made up; \
             reverse the adjustments first"
        )
    }

    fn none(enrollment_id: EnrollmentId, session_id: Option<SessionId>) -> Self {
        Self { enrollment_id, session_id, attended: 0, missed: 0, credited: 0 }
    }

    fn add(&mut self, kind: EntryKind, minutes: i32) {
        match kind {
            EntryKind::Attended => self.attended += minutes,
            EntryKind::AuthorizedAbsence | EntryKind::UnauthorizedAbsence => self.missed += minutes,
            EntryKind::MakeUp | EntryKind::Adjustment => self.credited += minutes,
            EntryKind::Exempt | EntryKind::CarriedIn => {}
        }
    }

    fn is_so(&self) -> bool {
        self.credited > self.missed || self.attended + self.credited < 0
    }
}

/// A session of an enrollment; of its module without one.
type Part = (EnrollmentId, Option<SessionId>);

/// Those of these sessions, and then of their enrollments in the module, that entries of the module and what is made up besides leave so.
pub(super) fn uncovered(entries: &[HourEntry], made_up: &[MakeUp], sessions: &BTreeSet<(EnrollmentId, SessionId)>) -> Vec<Uncovered> {
    let mut sums: BTreeMap<Part, Uncovered> = BTreeMap::new();
    let mut add = |enrollment_id: EnrollmentId, session_id: Option<SessionId>, kind: EntryKind, minutes: i32| {
        for part in session_id.map(Some).into_iter().chain([None]) {
            sums.entry((enrollment_id, part)).or_insert_with(|| Uncovered::none(enrollment_id, part)).add(kind, minutes);
        }
    };
    entries.iter().for_each(|entry| add(entry.enrollment_id, entry.session_id, entry.kind, entry.minutes));
    made_up.iter().for_each(|change| add(change.enrollment_id, Some(change.pair.0), EntryKind::MakeUp, change.minutes));
    let modules: BTreeSet<EnrollmentId> = sessions.iter().map(|(enrollment_id, _)| *enrollment_id).collect();
    let parts = sessions.iter().map(|(id, session)| (*id, Some(*session))).chain(modules.into_iter().map(|id| (id, None)));
    parts.filter_map(|part| sums.get(&part).copied()).filter(Uncovered::is_so).collect()
}
