//! What a roll call is, and what a code and its minutes mean.

use chrono::TimeDelta;
use diesel::{AsChangeset, Identifiable, Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    guests::{MakesUp, Member},
    segments::{NewSegment, Segment, Segments},
};
use crate::{
    clock::Instant,
    db::types::text_enum,
    enrollments::EnrollmentId,
    intakes::{CohortId, IntakeId, SessionMode},
    leave::GrantedLeave,
    lifecycle::{LifeCycle, Step},
    organizations::OrganizationId,
    people::PersonId,
    programs::ModuleId,
    schedule::{Cursor, Instructor, Session, SessionId, SessionRow, SessionState},
    schema::{attendances, roll_calls},
    text::{Code, Name, Note},
};

text_enum! {
    /// not_open → open → submitted → closed; closed → reopened → submitted or closed.
    pub enum RollCallState {
        NotOpen => "not_open",
        Open => "open",
        Submitted => "submitted",
        Closed => "closed",
        Reopened => "reopened",
    }
}

text_enum! {
    /// What a roll call found. What somebody missed is an authorized absence if they are `excused`, with leave or without, and not owed if they
    /// are `exempt`.
    pub enum AttendanceCode {
        Present => "present",
        Late => "late",
        LeftEarly => "left_early",
        Absent => "absent",
        Excused => "excused",
        Exempt => "exempt",
    }
}

impl AttendanceCode {
    /// Whether what was missed is excused or not owed; what was attended says nothing of that.
    pub(super) const fn is_excused(self) -> bool {
        matches!(self, Self::Excused | Self::Exempt)
    }
}

text_enum! {
    /// How a trainee took part.
    pub enum AttendanceMode {
        OnSite => "on_site",
        Online => "online",
    }
}

text_enum! {
    /// A step in the life of a roll call.
    pub enum RollCallTransition {
        Submit => "submit",
        Close => "close",
        Reopen => "reopen",
    }
}

/// The steps of roll calls.
pub const LIFE_CYCLE: LifeCycle<RollCallTransition, RollCallState> = {
    use RollCallState as S;
    use RollCallTransition as T;
    LifeCycle {
        of: "roll call",
        steps: &[
            Step { verb: T::Submit, from: &[S::Open, S::Reopened], to: S::Submitted, needs_reason: false },
            Step { verb: T::Close, from: &[S::Open, S::Submitted, S::Reopened], to: S::Closed, needs_reason: false },
            Step { verb: T::Reopen, from: &[S::Closed], to: S::Reopened, needs_reason: true },
        ],
    }
};

text_enum! {
    /// Where a line of a roll call comes from: somebody called it, or it is what files say of the meeting.
    pub enum LineSource {
        /// Somebody called it.
        Called => "called",
        /// It is what files say of the meeting.
        Evidence => "evidence",
    }
}

/// The row of a roll call.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Identifiable, AsChangeset, Serialize)]
#[diesel(table_name = roll_calls, primary_key(session_id), treat_none_as_default_value = false, treat_none_as_null = true)]
pub(super) struct RollCallRow {
    pub(super) session_id: SessionId,
    /// That of the session.
    #[serde(skip)]
    pub(super) intake_id: IntakeId,
    pub(super) state: RollCallState,
    pub(super) closings: i32,
    /// When the session was and how many minutes it had when it was last closed.
    pub(super) posted_starts_at: Option<Instant>,
    pub(super) posted_ends_at: Option<Instant>,
    pub(super) posted_minutes: Option<i32>,
    pub(super) submitted_at: Option<Instant>,
    pub(super) closed_at: Option<Instant>,
    pub(super) corrections_until: Option<Instant>,
    pub(super) reopen_reason: Option<Note>,
    pub(super) version: i32,
}

impl RollCallRow {
    /// The roll call of a session that nobody has called yet; not stored.
    pub(super) fn untouched(session: &SessionRow) -> Self {
        Self {
            session_id: session.id,
            intake_id: session.intake_id,
            state: RollCallState::NotOpen,
            closings: 0,
            posted_starts_at: None,
            posted_ends_at: None,
            posted_minutes: None,
            submitted_at: None,
            closed_at: None,
            corrections_until: None,
            reopen_reason: None,
            version: 0,
        }
    }
}

/// One attendance as stored.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = attendances, treat_none_as_default_value = false)]
pub(super) struct Attendance {
    #[serde(skip)]
    pub(super) session_id: SessionId,
    pub(super) enrollment_id: EnrollmentId,
    pub(super) code: AttendanceCode,
    pub(super) minutes: Option<i32>,
    pub(super) mode: Option<AttendanceMode>,
    pub(super) note: Option<Note>,
    pub(super) segments: Option<Segments>,
    pub(super) source: LineSource,
    pub(super) leave_minutes: Option<i32>,
    #[serde(skip)]
    pub(super) recorded_at: Instant,
}

impl Attendance {
    /// The minutes present in a session of `whole` minutes.
    pub(super) fn present(&self, whole: i32) -> i32 {
        self.minutes.unwrap_or(if self.code == AttendanceCode::Present { whole } else { 0 })
    }
}

/// What is told of the steps of a roll call beside its row: the names of the users who submitted and closed it, and when it closes by itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Steps {
    pub(super) submitted_by: Option<String>,
    pub(super) closed_by: Option<String>,
    pub(super) closes_at: Option<Instant>,
}

/// A roll call with everybody who is expected.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RollCall {
    pub session_id: SessionId,
    pub state: RollCallState,
    /// The session's minutes: as held, or as planned while it has not been confirmed.
    pub minutes: i32,
    /// How often it was closed.
    pub closings: i32,
    pub submitted_at: Option<Instant>,
    /// The name of the user who submitted it; null while it is not, and where it was no user.
    #[schema(example = "Li Na")]
    pub submitted_by: Option<String>,
    pub closed_at: Option<Instant>,
    /// The name of the user who closed it; null while it is not, and where it closed by itself.
    #[schema(example = "周航")]
    pub closed_by: Option<String>,
    /// Of one that is submitted: when it closes by itself, as the intake says (`close_after_hours`); null if it does not.
    pub closes_at: Option<Instant>,
    /// Until when those who were called may ask for a correction; null if they may not.
    pub corrections_until: Option<Instant>,
    pub reopen_reason: Option<Note>,
    pub version: i32,
    pub entries: Vec<RollCallEntry>,
}

/// One line of a roll call; no code yet where nobody has called it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RollCallEntry {
    pub enrollment_id: EnrollmentId,
    pub trainee_id: PersonId,
    #[schema(example = "张伟")]
    pub name: Name,
    pub latin_name: Option<Name>,
    pub unit_id: OrganizationId,
    /// The unit's name, which tells namesakes apart.
    #[schema(example = "炼铁厂")]
    pub unit: Name,
    pub cohort_id: Option<CohortId>,
    pub code: Option<AttendanceCode>,
    /// Null where nobody has called it yet.
    pub source: Option<LineSource>,
    /// Minutes present; null where the code says it all.
    pub minutes: Option<i32>,
    pub mode: Option<AttendanceMode>,
    pub note: Option<Note>,
    /// From when to when they were there, if that was said; `minutes` is what it comes to.
    #[schema(value_type = Option<Vec<Segment>>)]
    pub segments: Option<Segments>,
    /// Granted leave that touches the session, by its start.
    pub leave: Vec<GrantedLeave>,
    /// How many of the minutes missed leave covered when the roll call was last closed, which posted them as authorized absence; null if none.
    pub leave_minutes: Option<i32>,
    /// Of a guest, who does not owe this session: the one that is made up here.
    pub makes_up: Option<MakesUp>,
}

impl RollCallEntry {
    pub(super) fn new(member: Member, attendance: Option<&Attendance>) -> Self {
        let Member { person, makes_up, leave } = member;
        Self {
            enrollment_id: person.enrollment_id,
            trainee_id: person.trainee_id,
            name: person.name,
            latin_name: person.latin_name,
            unit_id: person.unit_id,
            unit: person.unit,
            cohort_id: person.cohort_id,
            code: attendance.map(|attendance| attendance.code),
            source: attendance.map(|attendance| attendance.source),
            minutes: attendance.and_then(|attendance| attendance.minutes),
            mode: attendance.and_then(|attendance| attendance.mode),
            note: attendance.and_then(|attendance| attendance.note.clone()),
            segments: attendance.and_then(|attendance| attendance.segments.clone()),
            leave,
            leave_minutes: attendance.and_then(|attendance| attendance.leave_minutes),
            makes_up,
        }
    }
}

/// A roll call among many: whose it is, where it stands, and how far it is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct RollCallSummary {
    pub(super) session_id: SessionId,
    pub(super) intake_id: IntakeId,
    #[schema(example = "MET-01")]
    pub(super) code: Code,
    pub(super) module_id: ModuleId,
    /// As held, or as planned until then.
    pub(super) starts_at: Instant,
    pub(super) ends_at: Instant,
    /// published while nobody has confirmed how it was held.
    pub(super) session_state: SessionState,
    pub(super) state: RollCallState,
    /// How many are to be called: who owe the session, and guests; to a class adviser, of the own cohorts and guests.
    #[schema(example = 61)]
    pub(super) expected: i64,
    /// How many of them have been called.
    #[schema(example = 58)]
    pub(super) called: i64,
    pub(super) cohort_ids: Vec<CohortId>,
    /// The lead first.
    pub(super) instructors: Vec<Instructor>,
    /// When it is to be submitted at the latest; null where the intake sets no time for it.
    pub(super) due_at: Option<Instant>,
    /// Whether it is neither submitted nor closed by then: a reminder to whoever sees it.
    pub(super) is_overdue: bool,
    /// Why it did not close by itself when it was due; null if it did not have to, and once it changes.
    pub(super) close_refused: Option<CloseRefused>,
    /// Its place in the list.
    #[serde(skip)]
    pub(super) cursor: Cursor,
}

/// Why a roll call did not close by itself, as somebody would have been answered who closes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct CloseRefused {
    #[schema(example = "roll_call_incomplete")]
    pub(super) code: String,
    /// Null to class advisers and instructors: it may name whom they do not call.
    #[schema(example = "still to be called: 1 of 61 trainees")]
    pub(super) detail: Option<String>,
    /// Since when it is refused so; it is tried again every ten minutes.
    pub(super) at: Instant,
}

impl RollCallSummary {
    pub(super) fn new(
        session: Session,
        (state, close_refused): (RollCallState, Option<CloseRefused>),
        (expected, called): (i64, i64),
        (due_hours, now): (Option<i32>, Instant),
    ) -> Self {
        let due_at = due_hours.map(|hours| session.row.finishes_at().plus(TimeDelta::hours(hours.into())));
        let is_called = matches!(state, RollCallState::Submitted | RollCallState::Closed);
        let cursor = session.row.cursor();
        let (starts_at, ends_at) = (session.row.begins_at(), session.row.finishes_at());
        let Session { row, cohort_ids, instructors, .. } = session;
        Self {
            session_id: row.id,
            intake_id: row.intake_id,
            code: row.code,
            module_id: row.module_id,
            starts_at,
            ends_at,
            session_state: row.state,
            state,
            expected,
            called,
            cohort_ids,
            instructors,
            due_at,
            is_overdue: !is_called && due_at.is_some_and(|due| due < now),
            close_refused,
            cursor,
        }
    }
}

/// Which roll calls to list.
#[derive(Clone, Debug, Default)]
pub(super) struct RollCallFilter {
    /// Those that are not closed, or those that are.
    pub(super) open: Option<bool>,
    pub(super) state: Option<RollCallState>,
    pub(super) intake_id: Option<IntakeId>,
    /// Of the session.
    pub(super) code: Option<Code>,
}

impl RollCallFilter {
    /// Whether only those are asked for that are not closed, or only those that are.
    pub(super) fn only_open(&self) -> Option<bool> {
        self.open.or(self.state.map(|state| state != RollCallState::Closed))
    }
}

/// The whole class in one request.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRollCall {
    /// Each expected enrollment at most once; who is left out has not been called yet.
    pub entries: Vec<NewAttendance>,
}

/// One line of a roll call to be put.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAttendance {
    pub enrollment_id: EnrollmentId,
    pub code: AttendanceCode,
    /// Minutes present, of the session's minutes, in which no breaks are: whoever was there for all but 20 minutes of teaching was present for
    /// 20 less than these. Needed for late and left_early; may be given for excused and exempt (present for a part).
    #[serde(default)]
    #[schema(minimum = 0)]
    pub minutes: Option<i32>,
    #[serde(default)]
    pub mode: Option<AttendanceMode>,
    #[serde(default)]
    pub note: Option<Note>,
    /// From when to when they were there, in the place of `minutes`, or with the minutes that they come to; what lies outside the session
    /// does not count. Nobody says when the breaks were, so that being there in one counts, and whoever was there throughout has the session's
    /// minutes and no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments: Option<Vec<NewSegment>>,
}

/// When a session was held, or is to be until then, and its minutes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) starts_at: Instant,
    pub(super) ends_at: Instant,
    pub(super) minutes: i32,
    /// Of what is recorded: it may be viewed at any time between these.
    pub(super) is_window: bool,
}

impl Times {
    pub(super) fn of(session: &SessionRow) -> Self {
        Self {
            starts_at: session.begins_at(),
            ends_at: session.finishes_at(),
            minutes: session.held_minutes.unwrap_or(session.minutes),
            is_window: session.mode == SessionMode::Recorded,
        }
    }

    /// The minutes that segments come to.
    pub(super) fn within(self, segments: &Segments) -> i32 {
        segments.minutes((self.starts_at, self.ends_at), self.minutes)
    }
}
