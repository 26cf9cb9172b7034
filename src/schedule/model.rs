//! What a session is, as stored, sent and planned, and its legal steps.

use std::{fmt, str::FromStr};

use diesel::{AsChangeset, Identifiable, Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    clock::Instant,
    db::types::text_enum,
    error::Error,
    id::Id,
    intakes::{CohortId, IntakeId, SessionMode},
    lifecycle::{LifeCycle, Step},
    people::PersonId,
    programs::{ModuleId, ProgramVersionId},
    rooms::{RoomId, RoomKind},
    schema::{claim_waivers, rooms, series, sessions},
    text::{Code, Link, Name, Note, Place, Title},
};

pub type SessionId = Id<Session>;
pub type SeriesId = Id<SeriesRow>;

text_enum! {
    /// Which sessions of a series an operation is about.
    #[derive(Default)]
    pub enum ChangeScope {
        /// This one alone.
        #[default]
        This => "this",
        /// This one and all later ones of its series that are drafts or published; those that are held or cancelled stay as they are.
        Rest => "rest",
    }
}

text_enum! {
    /// draft → published → held; cancelled from the first two.
    pub enum SessionState {
        Draft => "draft",
        Published => "published",
        Held => "held",
        Cancelled => "cancelled",
    }
}

text_enum! {
    /// A step in the life of a session. Confirming it as held has a body of its own and is an operation of its own.
    pub enum SessionTransition {
        Publish => "publish",
        Cancel => "cancel",
    }
}

/// The body of a step.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SessionStep {
    /// Why; cancelling needs it.
    #[serde(default)]
    pub reason: Option<Note>,
    /// Of a cancellation: the session that takes its place, a draft or published, of the same module in the same intake.
    #[serde(default)]
    pub replaced_by_id: Option<SessionId>,
    /// Of a cancellation: whether the rest of the series is cancelled too.
    #[serde(default)]
    pub scope: ChangeScope,
}

/// The steps of sessions.
pub const LIFE_CYCLE: LifeCycle<&str, SessionState> = {
    use SessionState as S;
    LifeCycle {
        of: "session",
        steps: &[
            Step { verb: "publish", from: &[S::Draft], to: S::Published, needs_reason: false },
            Step { verb: "hold", from: &[S::Published], to: S::Held, needs_reason: false },
            Step { verb: "correct", from: &[S::Held], to: S::Held, needs_reason: true },
            Step { verb: "cancel", from: &[S::Draft, S::Published], to: S::Cancelled, needs_reason: true },
        ],
    }
};

/// The states whose sessions a cancelled intake cancels: what was held stays.
pub(super) const UNHELD: [SessionState; 2] = [SessionState::Draft, SessionState::Published];

/// A session as stored. What was held lies beside what was planned, which stays as it was.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Identifiable, AsChangeset, Serialize, ToSchema)]
#[diesel(table_name = sessions, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct SessionRow {
    pub id: SessionId,
    pub intake_id: IntakeId,
    /// The series in which it was made; null for one that was made alone.
    pub series_id: Option<SeriesId>,
    #[serde(skip)]
    pub program_version_id: ProgramVersionId,
    pub module_id: ModuleId,
    /// Unique in the intake.
    #[schema(example = "MET-01")]
    pub code: Code,
    pub state: SessionState,
    pub mode: SessionMode,
    /// As planned; of a recorded session the window in which it can be watched.
    pub starts_at: Instant,
    pub ends_at: Instant,
    pub break_minutes: i32,
    /// End − start − breaks, as planned; of a recorded session its length.
    #[schema(example = 90)]
    pub minutes: i32,
    /// Of a recorded session: what watching it counts. Null for all others.
    #[schema(example = json!(null))]
    pub length_minutes: Option<i32>,
    #[serde(skip)]
    pub room_id: Option<RoomId>,
    /// Where it is, in words; occupies nothing.
    #[schema(example = "Room 301")]
    pub place: Option<Place>,
    #[serde(skip)]
    pub held_starts_at: Option<Instant>,
    #[serde(skip)]
    pub held_ends_at: Option<Instant>,
    #[serde(skip)]
    pub held_break_minutes: Option<i32>,
    #[serde(skip)]
    pub held_minutes: Option<i32>,
    #[serde(skip)]
    pub difference_reason: Option<Note>,
    pub cancel_reason: Option<Note>,
    /// Of a cancelled session: the one that takes its place, if it was named; null for those who do not see that one.
    pub replaced_by_id: Option<SessionId>,
    /// Counts what became of it since it was published: moves, that it was cancelled, that it was confirmed as held at other times than
    /// were known (RFC 5545 SEQUENCE).
    pub sequence: i32,
    pub version: i32,
    pub created_at: Instant,
    pub changed_at: Instant,
}

impl SessionRow {
    /// The sequence that a move or a cancellation leaves: a draft is known to nobody, so nobody has to be told.
    pub(super) fn sequence_once_changed(&self) -> i32 {
        self.sequence + i32::from(self.state == SessionState::Published)
    }

    /// Whether it is to take place or has taken place, so that its roll can be called.
    pub fn is_taking_place(&self) -> bool {
        matches!(self.state, SessionState::Published | SessionState::Held)
    }

    /// When it began, or is to begin.
    pub fn begins_at(&self) -> Instant {
        self.held_starts_at.unwrap_or(self.starts_at)
    }

    /// When it ended, or is to end.
    pub fn finishes_at(&self) -> Instant {
        self.held_ends_at.unwrap_or(self.ends_at)
    }

    /// The state after `step` (publish, cancel, hold or correct).
    ///
    /// # Errors
    /// 409 `illegal_transition`; 422 `reason_missing`.
    pub(super) fn after(&self, step: &'static str, reason: Option<&Note>) -> Result<SessionState, Error> {
        LIFE_CYCLE.after(format_args!("session {}", self.code), self.state, step, reason)
    }

    /// The place of the row in a list.
    pub fn cursor(&self) -> Cursor {
        Cursor { starts_at: self.starts_at, id: self.id }
    }

    /// What was held, once it is.
    fn held(&self) -> Option<Held> {
        Some(Held {
            starts_at: self.held_starts_at?,
            ends_at: self.held_ends_at?,
            break_minutes: self.held_break_minutes?,
            minutes: self.held_minutes?,
            difference_reason: self.difference_reason.clone(),
            confirmed_by: None,
        })
    }
}

/// Sessions that were made together from a weekly pattern, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = series, treat_none_as_default_value = false)]
pub struct SeriesRow {
    pub id: SeriesId,
    pub intake_id: IntakeId,
    /// What the codes of its sessions began with; unique in the intake.
    pub code: Code,
    /// The JSON of the request, with what the intake said where it did not.
    pub made_from: String,
    pub created_at: Instant,
}

/// Somebody who teaches a session.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Serialize, ToSchema)]
pub struct Instructor {
    pub id: PersonId,
    #[schema(example = "欧阳旭")]
    pub name: Name,
    #[schema(example = "Ouyang Xu")]
    pub latin_name: Option<Name>,
    /// One of them leads, and confirms the session as held.
    pub lead: bool,
    /// Pinned when the session was held; null before.
    #[schema(example = "教授")]
    pub title: Option<Title>,
}

/// Where a session is, for whoever sees the session.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Serialize, Deserialize, ToSchema)]
#[diesel(table_name = rooms)]
pub struct RoomOfSession {
    pub id: RoomId,
    #[schema(example = "A-301")]
    pub code: Code,
    #[schema(example = "教学楼 301")]
    pub name: Name,
    pub kind: RoomKind,
    /// Of an online place: where one joins.
    pub link: Option<Link>,
}

/// How a session was actually taught; hours and pay count these minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Held {
    pub starts_at: Instant,
    pub ends_at: Instant,
    pub break_minutes: i32,
    #[schema(example = 90)]
    pub minutes: i32,
    /// Why it differs from the plan; null where it does not.
    pub difference_reason: Option<Note>,
    /// The name of the user who confirmed it, or corrected it last. Null to partners and trainees, and where it was no user.
    #[schema(example = "周航")]
    pub confirmed_by: Option<String>,
}

/// A session with whom it is for and who teaches it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Session {
    #[serde(flatten)]
    pub row: SessionRow,
    /// The room or online place that it occupies; null where none was said.
    pub room: Option<RoomOfSession>,
    pub cohort_ids: Vec<CohortId>,
    /// The lead first.
    pub instructors: Vec<Instructor>,
    /// Null until it is held.
    pub held: Option<Held>,
}

impl Session {
    pub(super) fn of(row: SessionRow, room: Option<RoomOfSession>, cohort_ids: Vec<CohortId>, instructors: Vec<Instructor>) -> Self {
        Self { held: row.held(), row, room, cohort_ids, instructors }
    }
}

/// A coordinator's word that two sessions may overlap, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = claim_waivers, treat_none_as_default_value = false)]
pub struct WaiverRow {
    /// The smaller id of the two.
    pub first_session_id: SessionId,
    pub second_session_id: SessionId,
    pub reason: Note,
    #[serde(skip)]
    pub user_id: Option<crate::access::UserId>,
    pub created_at: Instant,
}

impl WaiverRow {
    /// The session with which this one may overlap.
    pub(super) fn other_than(&self, id: SessionId) -> SessionId {
        if self.first_session_id == id { self.second_session_id } else { self.first_session_id }
    }
}

/// A coordinator's word that two sessions may overlap. The other one's code, who granted it and why are for those who see both.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Waiver {
    pub session_id: SessionId,
    pub other_session_id: SessionId,
    /// Null for those who do not see the other session.
    #[schema(example = "MET-02")]
    pub other_code: Option<Code>,
    /// Null for those who do not see the other session.
    #[schema(example = "the instructor looks after both laboratories")]
    pub reason: Option<Note>,
    /// Null for those who do not see the other session, and where it was not a user.
    #[schema(example = "周航")]
    pub granted_by: Option<Name>,
    pub granted_at: Instant,
    /// Whether both are published or held, and take the same instructor, cohort or room at the same time now: as long as they do, it cannot be
    /// revoked. A draft takes nothing yet.
    pub overlaps: bool,
}

/// A waiver to be granted.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWaiver {
    pub other_session_id: SessionId,
    pub reason: Note,
}

/// The place of a session in a list by start and id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub starts_at: Instant,
    pub id: SessionId,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.starts_at.unix_micros(), self.id)
    }
}

impl FromStr for Cursor {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (micros, id) = text.split_once('_').ok_or(())?;
        let starts_at = micros.parse().ok().and_then(Instant::from_unix_micros).ok_or(())?;
        Ok(Self { starts_at, id: id.parse().map_err(|_| ())? })
    }
}

/// Which sessions to list.
#[derive(Clone, Debug, Default)]
pub(super) struct SessionFilter {
    pub(super) cohort_id: Option<CohortId>,
    pub(super) series_id: Option<SeriesId>,
    pub(super) from: Option<Instant>,
    pub(super) until: Option<Instant>,
    pub(super) state: Option<SessionState>,
    pub(super) code: Option<Code>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_as_it_was_written() {
        let starts_at = Instant::from_unix_micros(1_590_541_200_000_000).unwrap();
        let cursor = Cursor { starts_at, id: Id::generate() };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for wrong in ["", "_", "1", "x_y", "1_2"] {
            assert_eq!(wrong.parse::<Cursor>(), Err(()), "{wrong}");
        }
    }
}
