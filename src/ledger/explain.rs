//! Why an entry of the ledger has its minutes: the rule, the facts and the amounts; pure.

use diesel::Queryable;
use serde::Serialize;
use utoipa::ToSchema;

use super::model::{EntryKind, HourEntry, HourEntryId, standing};
use crate::{
    access::Role,
    attendance::{AttendanceCode, LineSource, Segment, Segments},
    clock::Instant,
    intakes::SessionMode,
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

/// The session of an entry. Of one that stands, as it was held when its roll call was last closed: what was posted stands by that, whatever was
/// corrected since. Of one that was taken back, or that takes one back, its times and minutes are null: it may have been held otherwise then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct SessionFacts {
    pub(super) id: SessionId,
    #[schema(example = "MET-01")]
    pub(super) code: Code,
    pub(super) starts_at: Option<Instant>,
    pub(super) ends_at: Option<Instant>,
    /// Without the breaks.
    pub(super) minutes: Option<i32>,
    /// What of the time between start and end was a break; null of what is recorded, which may be viewed at any time between them.
    break_minutes: Option<i64>,
}

impl SessionFacts {
    /// As it was posted, if it was.
    pub(super) fn new((id, code, mode): (SessionId, Code, SessionMode), posted: Option<(Instant, Instant, i32)>) -> Self {
        let timed = posted.filter(|_| mode != SessionMode::Recorded);
        Self {
            id,
            code,
            starts_at: posted.map(|(starts_at, ..)| starts_at),
            ends_at: posted.map(|(_, ends_at, _)| ends_at),
            minutes: posted.map(|(.., minutes)| minutes),
            break_minutes: timed.map(|(from, until, minutes)| until.since(from).num_minutes() - i64::from(minutes)),
        }
    }
}

/// A session by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct SessionName {
    pub(super) id: SessionId,
    #[schema(example = "MET-01")]
    pub(super) code: Code,
}

/// What the roll call says of the enrollment, as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Serialize, ToSchema)]
pub(super) struct LineFacts {
    pub(super) code: AttendanceCode,
    /// Whether somebody called it, or it is what files say of the meeting.
    pub(super) source: LineSource,
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
    /// Of what a guest made up: the session in which they did.
    pub(super) made_up_in: Option<SessionFacts>,
    /// Of an entry that stands and that a closing posted: the line that it was posted of, of a guest the one in the session where they came.
    /// Null once the roll call is open again, and of others.
    pub(super) attendance: Option<LineFacts>,
    /// What the minutes are made of, and of what was posted by hand or carried what they fit into.
    pub(super) amounts: Vec<Amount>,
    /// The session by whose closing it was posted or taken back. What a guest makes up also follows what becomes of other sessions: of those that
    /// they missed, and those to which they came besides; what is carried follows the sessions where it came from. Null of what no closing
    /// posted, and to whoever does not see the session, unless it is that of the entry.
    pub(super) closing_of: Option<SessionName>,
    /// The name of the user who posted it. Null as the user of the entry is.
    #[schema(example = "Li Na")]
    pub(super) posted_by: Option<String>,
    /// Of what a closing posted: whether no user closed the roll call, but it closed by itself, so many hours after it was submitted as the
    /// intake says, or by a command of the operator. Told also to those who are not shown the user of the entry.
    pub(super) closed_by_system: bool,
    /// The entry that took this one back.
    pub(super) reversed_by_id: Option<HourEntryId>,
}

/// What an entry rests on.
#[derive(Debug, Default)]
pub(super) struct Grounds {
    pub(super) session: Option<SessionFacts>,
    pub(super) made_up_in: Option<SessionFacts>,
    pub(super) attendance: Option<LineFacts>,
    /// All entries of the enrollment in the module.
    pub(super) of_module: Vec<HourEntry>,
    /// The entry elsewhere that was carried, in minutes.
    pub(super) origin_minutes: Option<i32>,
    /// What was planned of the module when the trainee was transferred here.
    pub(super) planned_minutes: Option<i32>,
    pub(super) closing_of: Option<SessionName>,
    pub(super) posted_by: Option<String>,
}

impl EntryExplanation {
    pub(super) fn new(entry: HourEntry, role: Role, grounds: Grounds) -> Self {
        let amounts = amounts(&entry, &grounds);
        let reversed_by = grounds.of_module.iter().find(|other| other.reverses_id == Some(entry.id)).map(|other| other.id);
        let (rule, closed_by_system) = (rule(&entry), entry.closing.is_some() && entry.user_id.is_none());
        let entry = entry.shown_to(role);
        let Grounds { session, made_up_in, attendance, closing_of, posted_by, .. } = grounds;
        let posted_by = posted_by.filter(|_| entry.user_id.is_some());
        Self { entry, rule, session, made_up_in, attendance, amounts, closing_of, posted_by, closed_by_system, reversed_by_id: reversed_by }
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
            "what was present where the trainee was transferred from, by module, no more than was planned of the module at the transfer; it \
             follows what is corrected there until the intake it was carried into is completed"
        }
    }
}

/// Of an entry that stands; what was taken back fits into nothing any more.
fn amounts(entry: &HourEntry, grounds: &Grounds) -> Vec<Amount> {
    if !standing(grounds.of_module.iter()).any(|other| other.id == entry.id) {
        return vec![Amount::new("minutes posted", entry.minutes)];
    }
    match entry.kind {
        EntryKind::Attended | EntryKind::AuthorizedAbsence | EntryKind::UnauthorizedAbsence | EntryKind::Exempt => {
            of_line(grounds).unwrap_or_else(|| vec![Amount::new("minutes posted", entry.minutes)])
        }
        EntryKind::MakeUp => of_make_up(entry, grounds),
        EntryKind::Adjustment => of_adjustment(entry, grounds),
        EntryKind::CarriedIn => of_carried(grounds),
    }
}

/// Minutes of a line in a session of `whole` minutes.
fn present(line: &LineFacts, whole: i32) -> i32 {
    match (line.code, line.minutes) {
        (_, Some(minutes)) => minutes,
        (AttendanceCode::Present, None) => whole,
        (_, None) => 0,
    }
}

/// Of what a closing posted: present and missed add up to the session.
fn of_line(grounds: &Grounds) -> Option<Vec<Amount>> {
    let (whole, line) = (grounds.session.as_ref()?.minutes?, grounds.attendance.as_ref()?);
    let present = present(line, whole);
    let leave = line.leave_minutes.map(|minutes| Amount::new("of what was missed, within granted leave", minutes));
    let parts = [
        Amount::new("minutes of the session, as held", whole),
        Amount::new("present", present),
        Amount::new("missed or not owed", whole - present),
    ];
    Some(parts.into_iter().chain(leave).collect())
}

/// The sum of those entries that stand.
fn sum<'a>(entries: impl Iterator<Item = &'a HourEntry> + Clone) -> i64 {
    standing(entries).map(|entry| i64::from(entry.minutes)).sum()
}

fn is_missed(entry: &HourEntry) -> bool {
    matches!(entry.kind, EntryKind::AuthorizedAbsence | EntryKind::UnauthorizedAbsence)
}

fn is_present(entry: &HourEntry) -> bool {
    matches!(entry.kind, EntryKind::Attended | EntryKind::MakeUp | EntryKind::Adjustment)
}

/// Of what a guest made up: no more than was attended there, and than was missed of the session and of the module and is not credited
/// otherwise. What was taken away by hand leaves no more to be made up.
fn of_make_up(entry: &HourEntry, grounds: &Grounds) -> Vec<Amount> {
    let of = |name: &str, counts: &dyn Fn(&HourEntry) -> bool| {
        let entries = || grounds.of_module.iter().filter(|other| counts(other));
        let missed = sum(entries().filter(|other| is_missed(other)));
        let made_up = sum(entries().filter(|other| other.kind == EntryKind::MakeUp)) - i64::from(entry.minutes);
        let adjusted = sum(entries().filter(|other| other.kind == EntryKind::Adjustment)).max(0);
        [
            Amount::new(&format!("missed of the {name}"), missed),
            Amount::new(&format!("of the {name} credited otherwise"), made_up + adjusted),
        ]
    };
    let whole = grounds.made_up_in.as_ref().and_then(|session| session.minutes);
    let attended = whole.zip(grounds.attendance.as_ref()).map(|(whole, line)| Amount::new("attended as a guest", present(line, whole)));
    let of_session = of("session that is made up", &|other| other.session_id == entry.session_id);
    attended.into_iter().chain(of_session).chain(of("module", &|_| true)).collect()
}

/// Of what was posted by hand: what it fits into, of the module and of the session.
fn of_adjustment(entry: &HourEntry, grounds: &Grounds) -> Vec<Amount> {
    let of = |name: &str, counts: &dyn Fn(&HourEntry) -> bool| {
        let entries = || grounds.of_module.iter().filter(|other| counts(other));
        let expected = sum(entries().filter(|other| is_missed(other) || other.kind == EntryKind::Attended));
        let present = sum(entries().filter(|other| is_present(other)));
        [Amount::new(&format!("expected in the {name}"), expected), Amount::new(&format!("present in the {name} by now, with it"), present)]
    };
    let of_session = entry.session_id.map(|session| of("session", &|other| other.session_id == Some(session)));
    of("module", &|_| true).into_iter().chain(of_session.into_iter().flatten()).collect()
}

/// Of what came along: what was posted elsewhere, and what of the module could come along in all.
fn of_carried(grounds: &Grounds) -> Vec<Amount> {
    let origin = grounds.origin_minutes.map(|minutes| Amount::new("posted where the trainee was transferred from", minutes));
    let planned = grounds.planned_minutes.map(|minutes| Amount::new("planned of the module at the transfer", minutes));
    let carried = grounds.of_module.iter().filter(|other| other.kind == EntryKind::CarriedIn);
    origin.into_iter().chain(planned).chain([Amount::new("carried of the module in all", sum(carried))]).collect()
}
