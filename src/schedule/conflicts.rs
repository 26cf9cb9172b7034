//! What stands in the way of proposed sessions, as data; pure.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    model::SessionId,
    plan::{NewSession, SessionPatch},
};
use crate::{
    clock::Instant,
    db::types::text_enum,
    http::Many,
    id::Id,
    intakes::CohortId,
    programs::ModuleId,
    text::{Code, Name, Note},
};

text_enum! {
    /// What stands in the way.
    pub enum ConflictKind {
        Instructor => "instructor",
        Cohort => "cohort",
        Room => "room",
        /// More trainees than the room holds are expected in this session: of two that share a room by a waiver each is judged by itself.
        RoomCapacity => "room_capacity",
        /// People come to it, and the room is an online place; or it is live online in a room, and no place says where one joins.
        RoomKind => "room_kind",
        /// Neither a room nor a place is said.
        NoPlace => "no_place",
        /// Trainees are in two sessions at once, by two enrollments or as guests of one. Whoever makes a session up is not in that one.
        Trainee => "trainee",
        PlanExceeded => "plan_exceeded",
        OutsideIntake => "outside_intake",
        /// Published, and changed to a time that is over: whoever was to come cannot any more.
        InThePast => "in_the_past",
        /// On a day off of the intake's calendar.
        Holiday => "holiday",
        /// An instructor is not available, by the profile.
        InstructorUnavailable => "instructor_unavailable",
        /// An instructor is known for other disciplines than that of the module.
        InstructorUnqualified => "instructor_unqualified",
        /// An instructor would teach more on a day than the profile says.
        DailyCap => "daily_cap",
        /// As `daily_cap`, from Monday to Sunday.
        WeeklyCap => "weekly_cap",
        /// Trainees, guests among them, are on shift at their sponsor.
        OnShift => "on_shift",
        /// Of a cancelled session: guests were to come to it, or guests of another make it up there. Of any other: some who were invited to
        /// it have come to owe it.
        Guests => "guests",
    }
}

text_enum! {
    /// Whether the session cannot be published with it, or it is only told: what the database holds by claims or sums blocks, and what is
    /// outside the intake; what somebody has to judge warns, whatever it is, and so does an overlap with a draft. What was waived does not
    /// block either. A draft that stays one is stored all the same.
    pub enum Severity {
        Block => "block",
        Warn => "warn",
    }
}

/// Sessions to be looked at as if all of them were published; nothing is stored.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Proposed {
    /// New ones, up to 1,000.
    #[serde(default)]
    #[schema(value_type = Vec<NewSession>)]
    pub sessions: Option<Many<NewSession>>,
    /// Drafts and published ones of the intake, as they are to be, up to 1,000.
    #[serde(default)]
    #[schema(value_type = Vec<ProposedChange>)]
    pub changes: Option<Many<ProposedChange>>,
}

/// A session that stands already, and what is to become of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProposedChange {
    pub id: SessionId,
    /// What is to change; a draft without any is looked at as it is.
    #[serde(default)]
    pub change: SessionPatch,
}

/// What was found of proposed sessions.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Checked {
    /// Whether all of them can be published together as they are: nothing that blocks was found.
    pub fits: bool,
    /// In the order of the proposed sessions; at most 1,000.
    pub conflicts: Vec<Conflict>,
    /// Whether there are more than these. How many is not counted: a thousand sessions at one time have millions.
    #[schema(example = false)]
    pub truncated: bool,
}

/// One thing that stands in the way of a proposed session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Conflict {
    /// The proposed session.
    pub session: Placed,
    pub kind: ConflictKind,
    pub severity: Severity,
    /// Whether a coordinator may waive it now: an overlap that nobody has waived yet, with a session that is published and visible to the
    /// caller. A waiver names two sessions that are stored, so a new one is made as a draft first.
    pub can_be_waived: bool,
    /// Who or what is in both sessions: the instructor, the cohort, the room, or the trainees (at most 20); of the plan the cohort,
    /// of a capacity the room, of a holiday the calendar.
    pub subjects: Vec<Subject>,
    /// The other session; null where there is none, or where it is not visible to the caller. One that is a draft keeps nobody away, so such
    /// an overlap warns; of each proposed session at most 20 of them are told.
    pub other: Option<Placed>,
    /// The coordinator's word that these two may overlap; such a conflict does not block. Null where the other session is not visible.
    pub waiver: Option<Granted>,
    /// For people.
    #[schema(
        example = "session MET-02 overlaps session COM-01 (2020-05-28 09:00+08:00 to 2020-05-28 10:40+08:00): both take the instructor Ouyang Xu"
    )]
    pub detail: String,
}

/// Somebody who would be in two places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Subject {
    #[schema(value_type = uuid::Uuid)]
    pub id: Id<()>,
    #[schema(example = "欧阳旭")]
    pub name: Name,
    /// Of people, where it is known; what English texts call them.
    #[serde(default)]
    #[schema(example = "Ouyang Xu")]
    pub latin_name: Option<Name>,
}

impl Subject {
    pub(super) fn of<T>(id: Id<T>, name: Name) -> Self {
        Self { id: id.cast(), name, latin_name: None }
    }

    /// The name in an English text.
    pub(super) fn in_english(&self) -> &Name {
        self.latin_name.as_ref().unwrap_or(&self.name)
    }
}

/// A session of a conflict, at the time at which it would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Placed {
    /// Null for one that is not stored.
    pub id: Option<SessionId>,
    /// Of one that the request proposes: where it is said, as an RFC 6901 pointer; of one in a file its row; of a series, where the answer
    /// lists it.
    #[schema(example = "/sessions/0")]
    pub pointer: Option<String>,
    #[schema(example = "COM-01")]
    pub code: Code,
    pub starts_at: Instant,
    pub ends_at: Instant,
}

/// Who waived a conflict, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Granted {
    #[schema(example = "one instructor looks after both laboratories")]
    pub reason: Note,
    /// Null where it was not a user.
    #[schema(example = "周航")]
    pub granted_by: Option<Name>,
    pub granted_at: Instant,
}

/// What a proposed session takes of the plan of a cohort.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taking {
    pub(super) index: usize,
    pub(super) share: (CohortId, ModuleId),
    pub(super) minutes: i64,
    /// Whether that is more than it takes already. Otherwise it is not to blame for what others have taken meanwhile.
    pub(super) is_more: bool,
}

/// Of each share of the plan that would be exceeded the takings that go beyond it, in their order, with what would be scheduled then. What is
/// no more than it was comes first, wherever it stands: it takes its minutes in any case.
pub(super) fn exceeding(
    takings: &[Taking],
    planned: &HashMap<ModuleId, (Code, i64)>,
    mut scheduled: HashMap<(CohortId, ModuleId), i64>,
) -> Vec<(Taking, i64)> {
    for taking in takings.iter().filter(|taking| !taking.is_more) {
        *scheduled.entry(taking.share).or_default() += taking.minutes;
    }
    let mut beyond = Vec::new();
    for taking in takings.iter().filter(|taking| taking.is_more) {
        let sum = scheduled.entry(taking.share).or_default();
        *sum += taking.minutes;
        if planned.get(&taking.share.1).is_some_and(|(_, planned)| *sum > *planned) {
            beyond.push((*taking, *sum));
        }
    }
    beyond
}
