//! Why an entry of the ledger has its minutes: the rule, the facts and the amounts; pure.

use diesel::Queryable;
use serde::Serialize;
use utoipa::ToSchema;

use super::model::{EntryKind, HourEntry, HourEntryId};
use crate::{
    access::Role,
    attendance::{AttendanceCode, Segment, Segments},
    clock::Instant,
    schedule::SessionId,
    text::Code,
};

/// A number in words, in minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Amount {
    #[schema(example = "minutes of the session, as held")]
    pub name: String,
    #[schema(example = 90)]
    pub minutes: i64,
}

impl Amount {
    pub fn new(name: &str, minutes: impl Into<i64>) -> Self {
        Self { name: name.to_owned(), minutes: minutes.into() }
    }
}

/// The session of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Serialize, ToSchema)]
pub(super) struct SessionFacts {
    pub(super) id: SessionId,
    #[schema(example = "MET-01")]
    pub(super) code: Code,
    /// As held.
    pub(super) starts_at: Option<Instant>,
    pub(super) ends_at: Option<Instant>,
    pub(super) minutes: Option<i32>,
}

/// What the roll call says of the enrollment, as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Serialize, ToSchema)]
pub(super) struct LineFacts {
    pub(super) code: AttendanceCode,
    /// Minutes present; null where the code says it all.
    pub(super) minutes: Option<i32>,
    #[schema(value_type = Option<Vec<Segment>>)]
    pub(super) segments: Option<Segments>,
    /// What granted leave covered of what was missed.
    pub(super) leave_minutes: Option<i32>,
}

/// Why an entry has its minutes, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct EntryExplanation {
    pub(super) entry: HourEntry,
    /// In words.
    #[schema(example = "what a closed roll call found present, in minutes of the session as it was held")]
    pub(super) rule: &'static str,
    /// The session that the entry is about; null of what is posted of a module.
    pub(super) session: Option<SessionFacts>,
    /// Of an entry that stands and that a closing posted: the line that it was posted of. Null once the roll call is open again, and of others.
    pub(super) attendance: Option<LineFacts>,
    /// What the minutes are made of.
    pub(super) amounts: Vec<Amount>,
    /// Of what a closing posted: whether no user closed the roll call, but it closed by itself, so many hours after it was submitted as the
    /// intake says, or by a command of the operator. Told also to those who are not shown the user of the entry.
    pub(super) closed_by_system: bool,
    /// The entry that took this one back.
    pub(super) reversed_by_id: Option<HourEntryId>,
}

impl EntryExplanation {
    pub(super) fn new(
        (entry, role): (HourEntry, Role),
        session: Option<SessionFacts>,
        attendance: Option<LineFacts>,
        reversed_by_id: Option<HourEntryId>,
    ) -> Self {
        let amounts = amounts(&entry, session.as_ref(), attendance.as_ref());
        let closed_by_system = entry.closing.is_some() && entry.user_id.is_none();
        Self { rule: rule(&entry), entry: entry.shown_to(role), session, attendance, amounts, closed_by_system, reversed_by_id }
    }
}

/// DOMAIN section 3, in words.
fn rule(entry: &HourEntry) -> &'static str {
    if entry.reverses_id.is_some() {
        return "takes back another entry, with the same minutes, negative";
    }
    match entry.kind {
        EntryKind::Attended => "what a closed roll call found present, in minutes of the session as it was held",
        EntryKind::AuthorizedAbsence => {
            "what was missed of the session as it was held and is excused: all of it by the code, or the part within granted leave"
        }
        EntryKind::UnauthorizedAbsence => "what was missed of the session as it was held, and is neither excused nor within granted leave",
        EntryKind::Exempt => "what is not owed of the session as it was held",
        EntryKind::MakeUp => {
            "what a guest attended in another session of the module, no more than was missed of this one and is not made up yet"
        }
        EntryKind::Adjustment => "posted by a coordinator for the reason given, within what is owed of the session and of the module",
        EntryKind::CarriedIn => {
            "what was present where the trainee was transferred from, by module, no more than was planned of the module here at the transfer"
        }
    }
}

/// Of what a closing posted: present and missed add up to the session.
fn amounts(entry: &HourEntry, session: Option<&SessionFacts>, line: Option<&LineFacts>) -> Vec<Amount> {
    let Some((whole, line)) = session.and_then(|session| session.minutes).zip(line) else {
        return vec![Amount::new("minutes posted", entry.minutes)];
    };
    let present = match (line.code, line.minutes) {
        (_, Some(minutes)) => minutes,
        (AttendanceCode::Present, None) => whole,
        (_, None) => 0,
    };
    let leave = line.leave_minutes.map(|minutes| Amount::new("of what was missed, within granted leave", minutes));
    [
        Amount::new("minutes of the session, as held", whole),
        Amount::new("present", present),
        Amount::new("missed or not owed", whole - present),
    ]
    .into_iter()
    .chain(leave)
    .collect()
}
