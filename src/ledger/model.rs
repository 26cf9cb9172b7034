//! Entries and balances, in minutes.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{Identifiable, Insertable, Queryable, Selectable};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::{
    access::{Role, UserId},
    clock::Instant,
    db::types::text_enum,
    enrollments::EnrollmentId,
    error::{Error, coded},
    id::Id,
    journal::EntryId,
    programs::ModuleId,
    schedule::SessionId,
    schema::hour_entries,
    text::{Note, counted},
};

pub type HourEntryId = Id<HourEntry>;

text_enum! {
    /// What an entry counts as (DOMAIN: how hours are counted).
    pub enum EntryKind {
        Attended => "attended",
        AuthorizedAbsence => "authorized_absence",
        UnauthorizedAbsence => "unauthorized_absence",
        Exempt => "exempt",
        MakeUp => "make_up",
        Adjustment => "adjustment",
        CarriedIn => "carried_in",
    }
}

/// One immutable entry of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Identifiable, Serialize, ToSchema)]
#[diesel(table_name = hour_entries, treat_none_as_default_value = false)]
pub struct HourEntry {
    pub id: HourEntryId,
    pub enrollment_id: EnrollmentId,
    pub module_id: ModuleId,
    pub session_id: Option<SessionId>,
    pub kind: EntryKind,
    /// Negative in a reversal.
    pub minutes: i32,
    /// Which closing of the roll call posted it: 1 the first, 2 after a reopening.
    pub closing: Option<i32>,
    /// The entry that this one takes back.
    pub reverses_id: Option<HourEntryId>,
    pub origin_id: Option<HourEntryId>,
    /// The session in which a guest made up `session_id`; of no other entry.
    pub made_up_in_id: Option<SessionId>,
    #[serde(skip)]
    pub(super) posting_id: EntryId,
    /// Null to partners.
    pub reason: Option<Note>,
    /// Who posted it; null where the system did, as when a roll call closed by itself. Null to partners and trainees.
    pub user_id: Option<UserId>,
    pub recorded_at: Instant,
}

impl HourEntry {
    /// Partners see an absence's code and minutes, not its reason.
    pub(super) fn shown_to(mut self, role: Role) -> Self {
        if matches!(role, Role::Partner | Role::Trainee) {
            self.user_id = None;
        }
        if role == Role::Partner {
            self.reason = None;
        }
        self
    }
}

/// The act that posts entries: a closing, or what a coordinator does by hand. Its entries move the balances together.
#[derive(Debug)]
pub(super) struct Posting {
    /// That of its entry in the journal.
    pub(super) id: EntryId,
    pub(super) module_id: ModuleId,
    pub(super) reason: Option<Note>,
    pub(super) user_id: Option<UserId>,
    pub(super) recorded_at: Instant,
}

impl Posting {
    /// A new entry of it, which takes nothing back.
    pub(super) fn entry(&self, enrollment_id: EnrollmentId, session_id: Option<SessionId>, kind: EntryKind, minutes: i32) -> HourEntry {
        HourEntry {
            id: Id::generate(),
            enrollment_id,
            module_id: self.module_id,
            session_id,
            kind,
            minutes,
            closing: None,
            reverses_id: None,
            origin_id: None,
            made_up_in_id: None,
            posting_id: self.id,
            reason: self.reason.clone(),
            user_id: self.user_id,
            recorded_at: self.recorded_at,
        }
    }
}

/// Those of these entries that neither reverse nor are reversed.
pub(super) fn standing<'a>(entries: impl Iterator<Item = &'a HourEntry> + Clone) -> impl Iterator<Item = &'a HourEntry> {
    let reversed: BTreeSet<HourEntryId> = entries.clone().filter_map(|entry| entry.reverses_id).collect();
    entries.filter(move |entry| entry.reverses_id.is_none() && !reversed.contains(&entry.id))
}

/// What a closing counts for one enrollment: entries that add up to the session's minutes, none of them zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    pub enrollment_id: EnrollmentId,
    pub entries: Vec<(EntryKind, i32)>,
}

/// What has to be written so that the standing entries of a session become `tallies`: which of them are to be reversed, and what is to be
/// posted anew. Enrollments that did not change get nothing (DOMAIN section 3, reopening).
pub(super) fn corrections<'a>(standing: &'a [HourEntry], tallies: &'a [Tally]) -> (Vec<&'a HourEntry>, Vec<&'a Tally>) {
    let mut before: BTreeMap<EnrollmentId, Vec<&HourEntry>> = BTreeMap::new();
    for entry in standing {
        before.entry(entry.enrollment_id).or_default().push(entry);
    }
    let sorted = |entries: &mut Vec<(EntryKind, i32)>| entries.sort_unstable();
    let mut reversed = Vec::new();
    let mut posted = Vec::new();
    for tally in tallies {
        let old = before.remove(&tally.enrollment_id).unwrap_or_default();
        let mut was: Vec<(EntryKind, i32)> = old.iter().map(|entry| (entry.kind, entry.minutes)).collect();
        let mut is = tally.entries.clone();
        sorted(&mut was);
        sorted(&mut is);
        if was != is {
            reversed.extend(old);
            posted.push(tally);
        }
    }
    // Whoever is no longer expected loses what was posted.
    reversed.extend(before.into_values().flatten());
    (reversed, posted)
}

/// An adjustment to be posted: of a module, or of one closed session.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAdjustment {
    #[serde(default)]
    pub(super) module_id: Option<ModuleId>,
    #[serde(default)]
    pub(super) session_id: Option<SessionId>,
    /// Minutes that count as present beside what the roll calls say; negative where they say too much. Not zero.
    #[schema(example = 45)]
    #[serde(deserialize_with = "not_zero")]
    pub(super) minutes: i32,
    pub(super) reason: Note,
}

fn not_zero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    match i32::deserialize(deserializer)? {
        0 => Err(coded("out_of_range", "must not be 0")),
        minutes => Ok(minutes),
    }
}

/// What an enrollment owes and has of a module or session, in minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) expected: i64,
    pub(super) present: i64,
}

impl Bounds {
    /// From the sums of the entries by kind.
    pub(super) fn of(sums: &[(EntryKind, Option<i64>)]) -> Self {
        use EntryKind as K;
        let sum = |kinds: &[K]| sums.iter().filter(|(kind, _)| kinds.contains(kind)).filter_map(|(_, minutes)| *minutes).sum();
        Self {
            expected: sum(&[K::Attended, K::AuthorizedAbsence, K::UnauthorizedAbsence]),
            present: sum(&[K::Attended, K::MakeUp, K::Adjustment]),
        }
    }

    /// Refuses minutes after which less than nothing, or more than was owed, would be present (DOMAIN section 3).
    ///
    /// # Errors
    /// 409 `hours_out_of_bounds`, with the figures.
    pub(super) fn check(self, of: &str, minutes: i32) -> Result<(), Error> {
        let Self { expected, present } = self;
        let after = present + i64::from(minutes);
        if (0..=expected).contains(&after) {
            return Ok(());
        }
        let told = |minutes: i64| counted(minutes.abs(), "minute");
        let (change, by) = (told(minutes.into()), if minutes < 0 { "less" } else { "more" });
        let fault = if after < 0 {
            format!("{} less than nothing would be present", told(after))
        } else {
            format!("{} more than are expected would be present", told(after - expected))
        };
        let detail = format!("of {of} {} are expected and {} present; with {change} {by}, {fault}", told(expected), told(present));
        Err(Error::conflict("hours_out_of_bounds", detail))
    }
}

/// The sums of the ledger for an enrollment, or for one module of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Queryable, Serialize, ToSchema)]
pub struct Balance {
    pub attended_minutes: i32,
    pub authorized_absence_minutes: i32,
    pub unauthorized_absence_minutes: i32,
    pub exempt_minutes: i32,
    pub make_up_minutes: i32,
    pub adjustment_minutes: i32,
    pub carried_in_minutes: i32,
}

/// Minutes of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ModuleMinutes {
    pub module_id: ModuleId,
    pub minutes: i32,
}

/// What somebody takes along who is transferred.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct CarriedHours {
    /// By the modules of the new plan.
    pub carried: Vec<ModuleMinutes>,
    /// By the modules of the old one: what has no module in the new plan, or is more than is planned of it there.
    pub left_behind: Vec<ModuleMinutes>,
}

/// An enrollment's ledger, or a page of it.
#[derive(Debug)]
pub(super) struct Ledger {
    /// Of what was asked for as of an instant: the position of the journal until which it counts.
    pub(super) position: Option<i64>,
    pub(super) balance: Balance,
    pub(super) entries: Vec<HourEntry>,
}

impl Balance {
    pub(super) fn minutes_mut(&mut self, kind: EntryKind) -> &mut i32 {
        match kind {
            EntryKind::Attended => &mut self.attended_minutes,
            EntryKind::AuthorizedAbsence => &mut self.authorized_absence_minutes,
            EntryKind::UnauthorizedAbsence => &mut self.unauthorized_absence_minutes,
            EntryKind::Exempt => &mut self.exempt_minutes,
            EntryKind::MakeUp => &mut self.make_up_minutes,
            EntryKind::Adjustment => &mut self.adjustment_minutes,
            EntryKind::CarriedIn => &mut self.carried_in_minutes,
        }
    }

    /// What was owed in closed sessions, without what was exempt.
    pub const fn expected(&self) -> i32 {
        self.attended_minutes + self.authorized_absence_minutes + self.unauthorized_absence_minutes
    }

    pub const fn present(&self) -> i32 {
        self.attended_minutes + self.make_up_minutes + self.adjustment_minutes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(enrollment: EnrollmentId, kind: EntryKind, minutes: i32) -> HourEntry {
        HourEntry {
            id: Id::generate(),
            enrollment_id: enrollment,
            module_id: Id::generate(),
            session_id: None,
            kind,
            minutes,
            closing: Some(1),
            reverses_id: None,
            origin_id: None,
            made_up_in_id: None,
            posting_id: Id::generate(),
            reason: None,
            user_id: None,
            recorded_at: Instant::from_unix_micros(0).unwrap(),
        }
    }

    #[test]
    fn a_second_closing_touches_only_what_changed() {
        let (same, changed, gone, new) = (Id::generate(), Id::generate(), Id::generate(), Id::generate());
        let standing = [
            entry(same, EntryKind::Attended, 180),
            entry(changed, EntryKind::UnauthorizedAbsence, 180),
            entry(gone, EntryKind::Attended, 180),
        ];
        let tally = |enrollment_id, entries: &[(EntryKind, i32)]| Tally { enrollment_id, entries: entries.to_vec() };
        let tallies = [
            tally(same, &[(EntryKind::Attended, 180)]),
            tally(changed, &[(EntryKind::Attended, 30), (EntryKind::AuthorizedAbsence, 150)]),
            tally(new, &[(EntryKind::Attended, 180)]),
        ];
        let (reversed, posted) = corrections(&standing, &tallies);
        assert_eq!(reversed, [&standing[1], &standing[2]]);
        assert_eq!(posted, [&tallies[1], &tallies[2]]);
    }
}
