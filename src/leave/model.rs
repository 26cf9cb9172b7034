//! What leave is, who is shown what of it, and the steps of a request.

use diesel::{AsChangeset, Identifiable, Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    access::{Role, UserId},
    clock::Instant,
    db::types::text_enum,
    enrollments::EnrollmentId,
    error::{Error, FieldFault},
    id::Id,
    intakes::{Intake, IntakeId, IntakeState},
    lifecycle::{LifeCycle, Step},
    organizations::OrganizationId,
    schedule::SessionId,
    schema::{leave_enrollments, leave_requests, leave_steps},
    text::{Code, Note},
    zone::EnteredTime,
};

pub type LeaveRequestId = Id<LeaveRequest>;

text_enum! {
    /// Why somebody is away: ill, for a matter of their own, needed at work, or something else.
    pub enum LeaveKind {
        Sick => "sick",
        Personal => "personal",
        Work => "work",
        Other => "other",
    }
}

text_enum! {
    /// asked → endorsed → granted, or refused; withdrawn from the first three.
    pub enum LeaveState {
        Asked => "asked",
        Endorsed => "endorsed",
        Granted => "granted",
        Refused => "refused",
        Withdrawn => "withdrawn",
    }
}

impl LeaveState {
    /// The states in which nothing has been decided yet.
    pub(super) const WAITING: [Self; 2] = [Self::Asked, Self::Endorsed];

    /// What the journal calls the step that leads to it.
    pub(super) const fn action(self) -> &'static str {
        match self {
            Self::Asked => "leave.asked",
            Self::Endorsed => "leave.endorsed",
            Self::Granted => "leave.granted",
            Self::Refused => "leave.refused",
            Self::Withdrawn => "leave.withdrawn",
        }
    }
}

text_enum! {
    /// A step in the life of a leave request.
    pub enum LeaveTransition {
        Endorse => "endorse",
        Grant => "grant",
        Refuse => "refuse",
        Withdraw => "withdraw",
    }
}

/// The steps of leave requests.
pub const LIFE_CYCLE: LifeCycle<LeaveTransition, LeaveState> = {
    use LeaveState as S;
    use LeaveTransition as T;
    LifeCycle {
        of: "leave request",
        steps: &[
            Step { verb: T::Endorse, from: &[S::Asked], to: S::Endorsed, needs_reason: false },
            Step { verb: T::Grant, from: &[S::Asked, S::Endorsed], to: S::Granted, needs_reason: false },
            Step { verb: T::Refuse, from: &[S::Asked, S::Endorsed], to: S::Refused, needs_reason: true },
            Step { verb: T::Withdraw, from: &[S::Asked, S::Endorsed], to: S::Withdrawn, needs_reason: false },
            // Hours may rest on it.
            Step { verb: T::Withdraw, from: &[S::Granted], to: S::Withdrawn, needs_reason: true },
        ],
    }
};

/// A leave request as stored. Only its state and version ever change.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Identifiable, AsChangeset, Serialize)]
#[diesel(table_name = leave_requests, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(super) struct LeaveRow {
    pub(super) id: LeaveRequestId,
    pub(super) intake_id: IntakeId,
    pub(super) kind: LeaveKind,
    pub(super) sponsor_id: Option<OrganizationId>,
    pub(super) crew: Option<Code>,
    pub(super) starts_at: Instant,
    pub(super) ends_at: Instant,
    pub(super) reason: Note,
    pub(super) state: LeaveState,
    pub(super) user_id: Option<UserId>,
    pub(super) version: i32,
    pub(super) created_at: Instant,
}

/// For whom leave was asked.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = leave_enrollments, treat_none_as_default_value = false)]
pub(super) struct LeaveEnrollment {
    pub(super) leave_request_id: LeaveRequestId,
    pub(super) enrollment_id: EnrollmentId,
    pub(super) intake_id: IntakeId,
}

/// One step of a leave request, kept for ever.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Serialize, ToSchema)]
#[diesel(table_name = leave_steps, treat_none_as_default_value = false)]
pub struct LeaveStep {
    #[serde(skip)]
    pub(super) leave_request_id: LeaveRequestId,
    pub from_state: Option<LeaveState>,
    pub to_state: LeaveState,
    /// Null to those who are not shown the reason of the request.
    pub reason: Option<Note>,
    /// The role in which it was taken.
    pub role: Role,
    /// Who took it. Null to instructors, partners and trainees.
    pub user_id: Option<UserId>,
    pub recorded_at: Instant,
}

/// A session that leave touches: one that takes place meanwhile and that somebody of the request owes. A recorded one is none, for it can be
/// watched at another time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TouchedSession {
    pub id: SessionId,
    #[schema(example = "MET-01")]
    pub code: Code,
    /// As held, or as planned until then.
    pub starts_at: Instant,
    pub ends_at: Instant,
    /// Whether its closed roll call posted something else than granted leave comes to by now. It is settled by reopening the roll call and
    /// closing it again; nothing is posted by itself.
    pub unsettled: bool,
}

/// Leave that somebody asked for, for one enrollment or a whole crew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LeaveRequest {
    pub id: LeaveRequestId,
    pub intake_id: IntakeId,
    /// Null to whoever is told that they are away, and not why.
    pub kind: Option<LeaveKind>,
    /// Of a crew: the sponsor whose it is.
    pub sponsor_id: Option<OrganizationId>,
    /// Of a crew: its code. Whoever joins it later has no part in this request.
    #[schema(example = "甲")]
    pub crew: Option<Code>,
    pub starts_at: Instant,
    /// Not part of it any more.
    pub ends_at: Instant,
    /// Null to instructors, and to partners unless they asked themselves.
    #[schema(example = "a wedding in the family")]
    pub reason: Option<Note>,
    pub state: LeaveState,
    pub version: i32,
    pub created_at: Instant,
    /// Those for whom it was asked, as far as the caller sees them; by id.
    pub enrollment_ids: Vec<EnrollmentId>,
    /// The first is the asking.
    pub steps: Vec<LeaveStep>,
    /// The sessions that it touches, as far as the caller sees them; by their start.
    pub sessions: Vec<TouchedSession>,
}

impl LeaveRequest {
    pub(super) fn new(row: LeaveRow, enrollment_ids: Vec<EnrollmentId>, steps: Vec<LeaveStep>, sessions: Vec<TouchedSession>) -> Self {
        let LeaveRow { id, intake_id, kind, sponsor_id, crew, starts_at, ends_at, reason, state, version, created_at, .. } = row;
        let reason = Some(reason);
        Self {
            id,
            intake_id,
            kind: Some(kind),
            sponsor_id,
            crew,
            starts_at,
            ends_at,
            reason,
            state,
            version,
            created_at,
            enrollment_ids,
            steps,
            sessions,
        }
    }

    /// What a partner sees of a trainee is that they are away, not why; instructors likewise. What one wrote oneself is no secret.
    pub(super) fn shown_to(mut self, role: Role, is_own: bool) -> Self {
        if role == Role::Instructor || (role == Role::Partner && !is_own) {
            (self.kind, self.reason) = (None, None);
            self.steps.iter_mut().for_each(|step| step.reason = None);
        }
        if matches!(role, Role::Instructor | Role::Partner | Role::Trainee) {
            self.steps.iter_mut().for_each(|step| step.user_id = None);
        }
        self
    }
}

/// Leave that was granted: from when to when.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Serialize, ToSchema)]
pub struct GrantedLeave {
    pub id: LeaveRequestId,
    pub starts_at: Instant,
    pub ends_at: Instant,
}

/// Leave to be asked for: for one enrollment, or for a crew.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewLeave {
    #[serde(default)]
    pub(super) enrollment_id: Option<EnrollmentId>,
    /// Everybody of this crew whom the caller sees and whose enrollment has not ended.
    #[serde(default)]
    #[schema(example = "甲")]
    pub(super) crew: Option<Code>,
    /// Whose crew it is; needed where several sponsors have one with that code.
    #[serde(default)]
    pub(super) sponsor_id: Option<OrganizationId>,
    pub(super) kind: LeaveKind,
    #[schema(value_type = String, example = "2020-06-02T08:00")]
    pub(super) starts_at: EnteredTime,
    #[schema(value_type = String, example = "2020-06-02T12:00")]
    pub(super) ends_at: EnteredTime,
    pub(super) reason: Note,
}

/// For whom leave is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Enrollment(EnrollmentId),
    Crew { crew: Code, sponsor_id: Option<OrganizationId> },
}

impl NewLeave {
    /// From when to when, in whole minutes within the days of the intake: there is nothing to miss outside them.
    ///
    /// # Errors
    /// 422 with everything that is wrong.
    pub(super) fn span(&self, intake: &Intake) -> Result<(Instant, Instant), Error> {
        let entered = |entered: EnteredTime, pointer: &str| {
            let at = entered.instant(intake.time_zone).map_err(|unclear| unclear.fault(pointer))?;
            let is_within = (intake.opening()..=intake.closing()).contains(&at);
            match (at.is_whole_minute(), is_within) {
                (false, _) => Err(FieldFault::new(pointer, "not_whole_minutes", "must be a whole minute, without seconds")),
                (true, false) => Err(FieldFault::new(pointer, "outside_intake", "lies outside the days of the intake")),
                (true, true) => Ok(at),
            }
        };
        match (entered(self.starts_at, "/starts_at"), entered(self.ends_at, "/ends_at")) {
            (Ok(starts_at), Ok(ends_at)) if starts_at < ends_at => Ok((starts_at, ends_at)),
            (Ok(_), Ok(_)) => Err(Error::invalid("/ends_at", "end_before_start", "must be after the start")),
            (starts_at, ends_at) => Err(Error::Invalid(starts_at.err().into_iter().chain(ends_at.err()).collect())),
        }
    }

    /// For whom.
    ///
    /// # Errors
    /// 422 for nobody, for both one enrollment and a crew, and for a sponsor of no crew.
    pub(super) fn named(&self) -> Result<Named, Error> {
        match (self.enrollment_id, self.crew.clone(), self.sponsor_id) {
            (Some(_), Some(_), _) => Err(Error::invalid("/crew", "said_twice", "name one enrollment or a crew, not both")),
            (Some(_), None, Some(_)) => Err(Error::invalid("/sponsor_id", "not_a_crew", "a sponsor is said with a crew only")),
            (Some(enrollment), None, None) => Ok(Named::Enrollment(enrollment)),
            (None, Some(crew), sponsor_id) => Ok(Named::Crew { crew, sponsor_id }),
            (None, None, _) => Err(Error::invalid("/enrollment_id", "nobody_named", "name an enrollment or a crew")),
        }
    }
}

/// Which leave requests to list.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LeaveFilter {
    pub(super) state: Option<LeaveState>,
    pub(super) enrollment_id: Option<EnrollmentId>,
}

/// Refuses leave in an intake whose roll calls stay closed.
///
/// # Errors
/// 409 `intake_not_live`.
pub(super) fn check_unfinished(state: IntakeState) -> Result<(), Error> {
    match state {
        // What was held in a cancelled one counts and is corrected still.
        IntakeState::Planned | IntakeState::Enrolling | IntakeState::Running | IntakeState::Cancelled => Ok(()),
        IntakeState::Completed => Err(Error::conflict("intake_not_live", "the intake is completed; its roll calls stay closed")),
    }
}
