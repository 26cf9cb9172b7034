//! Corrections of a closed roll call that somebody asks for; pure.

use diesel::{Identifiable, Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    model::{Attendance, AttendanceCode, NewAttendance, RollCallRow, RollCallState},
    segments::{NewSegment, Segment, Segments},
};
use crate::{
    access::{Role, UserId},
    clock::Instant,
    db::types::text_enum,
    enrollments::EnrollmentId,
    error::Error,
    id::Id,
    intakes::IntakeId,
    lifecycle::{LifeCycle, Step},
    schedule::SessionId,
    schema::correction_requests,
    text::{Note, listed},
};

pub(super) type CorrectionRequestId = Id<CorrectionRequest>;

text_enum! {
    /// asked → accepted, refused or withdrawn.
    pub enum CorrectionState {
        Asked => "asked",
        Accepted => "accepted",
        Refused => "refused",
        Withdrawn => "withdrawn",
    }
}

impl CorrectionState {
    /// What the journal calls the step that leads to it.
    pub(super) const fn action(self) -> &'static str {
        match self {
            Self::Asked => "correction.asked",
            Self::Accepted => "correction.accepted",
            Self::Refused => "correction.refused",
            Self::Withdrawn => "correction.withdrawn",
        }
    }
}

text_enum! {
    /// A step in the life of a correction request.
    pub enum CorrectionTransition {
        Accept => "accept",
        Refuse => "refuse",
        Withdraw => "withdraw",
    }
}

/// The steps of correction requests.
pub const LIFE_CYCLE: LifeCycle<CorrectionTransition, CorrectionState> = {
    use CorrectionState as S;
    use CorrectionTransition as T;
    LifeCycle {
        of: "correction request",
        steps: &[
            Step { verb: T::Accept, from: &[S::Asked], to: S::Accepted, needs_reason: false },
            Step { verb: T::Refuse, from: &[S::Asked], to: S::Refused, needs_reason: true },
            Step { verb: T::Withdraw, from: &[S::Asked], to: S::Withdrawn, needs_reason: false },
        ],
    }
};

/// A correction request as stored. Only its state and who decided on it, when and why, ever change.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Identifiable, Serialize)]
#[diesel(table_name = correction_requests, treat_none_as_default_value = false)]
pub(super) struct CorrectionRow {
    pub(super) id: CorrectionRequestId,
    pub(super) session_id: SessionId,
    pub(super) enrollment_id: EnrollmentId,
    pub(super) intake_id: IntakeId,
    pub(super) code: AttendanceCode,
    pub(super) minutes: Option<i32>,
    pub(super) segments: Option<Segments>,
    pub(super) statement: Note,
    pub(super) state: CorrectionState,
    pub(super) role: Role,
    pub(super) user_id: Option<UserId>,
    pub(super) decided_by: Option<UserId>,
    pub(super) decided_at: Option<Instant>,
    pub(super) reason: Option<Note>,
    pub(super) version: i32,
    pub(super) created_at: Instant,
}

/// What somebody asks a closed roll call to say of an enrollment instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CorrectionRequest {
    pub id: CorrectionRequestId,
    pub session_id: SessionId,
    pub enrollment_id: EnrollmentId,
    pub intake_id: IntakeId,
    pub code: AttendanceCode,
    /// Minutes present; null where the code says it all.
    pub minutes: Option<i32>,
    /// From when to when they were there, if that was said; `minutes` is what it comes to.
    #[schema(value_type = Option<Vec<Segment>>)]
    pub segments: Option<Segments>,
    /// How it was instead. Null to instructors and partners unless they asked themselves.
    #[schema(example = "the link did not open until twenty past nine")]
    pub statement: Option<Note>,
    pub state: CorrectionState,
    /// The role in which it was asked for.
    pub role: Role,
    pub decided_at: Option<Instant>,
    /// What was said when it was accepted, refused or withdrawn. Null to those who are not shown the statement.
    pub reason: Option<Note>,
    pub version: i32,
    pub created_at: Instant,
}

impl CorrectionRow {
    /// Whether this user asked for it.
    pub(super) fn is_of(&self, user: Option<UserId>) -> bool {
        self.user_id.is_some() && self.user_id == user
    }

    /// Partners and instructors see what a roll call says, not why; what one wrote oneself is no secret.
    pub(super) fn shown_to(self, role: Role, user: Option<UserId>) -> CorrectionRequest {
        let (is_own, reader) = (self.is_of(user), role);
        let tells = is_own || !matches!(reader, Role::Instructor | Role::Partner);
        let Self {
            id, session_id, enrollment_id, intake_id, code, minutes, segments, state, role, decided_at, version, created_at, ..
        } = self;
        // To a partner the code and the minutes.
        let segments = segments.filter(|_| reader != Role::Partner || is_own);
        let (statement, reason) = if tells { (Some(self.statement), self.reason) } else { (None, None) };
        CorrectionRequest {
            id,
            session_id,
            enrollment_id,
            intake_id,
            code,
            minutes,
            segments,
            statement,
            state,
            role,
            decided_at,
            reason,
            version,
            created_at,
        }
    }
}

/// A correction to be asked for.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCorrection {
    pub(super) enrollment_id: EnrollmentId,
    pub(super) code: AttendanceCode,
    /// As in a roll call.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub(super) minutes: Option<i32>,
    /// As in a roll call, in the place of `minutes` or with those that they come to.
    #[serde(default)]
    pub(super) segments: Option<Vec<NewSegment>>,
    pub(super) statement: Note,
}

impl NewCorrection {
    /// The line that it asks for.
    pub(super) fn line(&self) -> NewAttendance {
        let Self { enrollment_id, code, minutes, ref segments, .. } = *self;
        NewAttendance { enrollment_id, code, minutes, mode: None, note: None, segments: segments.clone() }
    }
}

/// The lines of a roll call as they are put again, with what a request asks for in the place of one; how that one took part and what was
/// noted of it stays.
pub(super) fn corrected(stored: Vec<Attendance>, row: &CorrectionRow) -> Vec<NewAttendance> {
    let line = |line: Attendance| {
        let Attendance { enrollment_id, code, minutes, mode, note, segments, .. } = line;
        let (code, minutes, segments) =
            if enrollment_id == row.enrollment_id { (row.code, row.minutes, row.segments.clone()) } else { (code, minutes, segments) };
        // Of segments, the minutes are those of the session as it is held now.
        let minutes = minutes.filter(|_| segments.is_none());
        NewAttendance { enrollment_id, code, minutes, mode, note, segments: segments.map(|segments| segments.sent()) }
    };
    stored.into_iter().map(line).collect()
}

/// What was asked for may not fit the session any more, as it was held otherwise after all; nothing of the request that accepts it is wrong.
pub(super) fn fits_no_more(error: Error) -> Error {
    match error {
        Error::Invalid(faults) if faults.iter().all(|fault| fault.pointer.starts_with("/entries/")) => {
            let details: Vec<&str> = faults.iter().map(|fault| fault.detail.as_str()).collect();
            let detail = format!("what was asked for does not fit any more: {}; refuse it, so that it is asked anew", listed(details));
            Error::conflict("correction_does_not_fit", detail)
        }
        other => other,
    }
}

/// Refuses a request where nothing is closed, or the time for it is over. Who closes roll calls is bound by no time.
///
/// # Errors
/// 409 `roll_call_not_closed`, `correction_window_over`.
pub(super) fn check_window(row: &RollCallRow, now: Instant, closes_roll_calls: bool) -> Result<(), Error> {
    if row.state != RollCallState::Closed {
        return Err(Error::conflict("roll_call_not_closed", "the roll call is not closed; whoever calls the roll corrects it"));
    }
    match row.corrections_until {
        _ if closes_roll_calls => Ok(()),
        None => Err(Error::conflict("correction_window_over", "the intake takes no correction requests; turn to a coordinator")),
        Some(until) if until < now => {
            Err(Error::conflict("correction_window_over", format!("a correction could be asked for until {until}; turn to a coordinator")))
        }
        Some(_) => Ok(()),
    }
}
