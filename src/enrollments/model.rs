//! What an enrollment is, and its legal steps.

use chrono::TimeDelta;
use diesel::{AsChangeset, Identifiable, Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    access::{Action, Role, UserId},
    clock::Instant,
    db::types::text_enum,
    http::{Patched, body::nullable},
    id::Id,
    intakes::{CohortId, IntakeId},
    ledger::CarriedHours,
    lifecycle::{self, LifeCycle},
    organizations::OrganizationId,
    people::PersonId,
    programs::{DisciplineId, ProgramVersionId},
    schedule::SessionId,
    schema::{enrollment_periods, enrollment_steps, enrollments},
    text::{Code, Name, Note},
};

pub type EnrollmentId = Id<Enrollment>;

text_enum! {
    /// Where an enrollment stands. Offered, approved, enrolled, suspended, completed and failed take a seat.
    pub enum EnrollmentState {
        Nominated => "nominated",
        Applied => "applied",
        Waitlisted => "waitlisted",
        Offered => "offered",
        Approved => "approved",
        Enrolled => "enrolled",
        Suspended => "suspended",
        Completed => "completed",
        Failed => "failed",
        Withdrawn => "withdrawn",
        Rejected => "rejected",
        Transferred => "transferred",
    }
}

impl EnrollmentState {
    /// The states that take a seat (DOMAIN section 2, rule 1).
    pub const SEATED: [Self; 6] = [Self::Offered, Self::Approved, Self::Enrolled, Self::Suspended, Self::Completed, Self::Failed];
    /// The states after which the same person may be enrolled again (rule 2).
    pub const ENDED: [Self; 3] = [Self::Rejected, Self::Withdrawn, Self::Transferred];
    /// The states in which nothing has been decided yet; an intake completes without any.
    pub const UNDECIDED: [Self; 7] =
        [Self::Nominated, Self::Applied, Self::Waitlisted, Self::Offered, Self::Approved, Self::Enrolled, Self::Suspended];

    /// Whether they have not been enrolled so far, and so cannot owe anything.
    pub(super) const fn is_before_enrolled(self) -> bool {
        matches!(self, Self::Nominated | Self::Applied | Self::Waitlisted | Self::Offered | Self::Approved)
    }

    /// Whether nobody has decided yet, so that who nominated may take that back.
    pub(super) const fn is_nominee(self) -> bool {
        matches!(self, Self::Nominated | Self::Waitlisted)
    }
}

text_enum! {
    /// A step in the life of an enrollment.
    pub enum EnrollmentTransition {
        Approve => "approve",
        Enroll => "enroll",
        Reject => "reject",
        Withdraw => "withdraw",
        NeverArrived => "never-arrived",
        Suspend => "suspend",
        Resume => "resume",
        Complete => "complete",
        Fail => "fail",
        Offer => "offer",
        Accept => "accept",
        Decline => "decline",
    }
}

impl EnrollmentTransition {
    /// As what it is asked for.
    pub(super) const fn action(self) -> Action {
        match self {
            Self::Withdraw => Action::Withdraw,
            Self::Accept | Self::Decline => Action::AnswerOffer,
            Self::Approve
            | Self::Enroll
            | Self::Reject
            | Self::Suspend
            | Self::Resume
            | Self::Complete
            | Self::Fail
            | Self::Offer
            | Self::NeverArrived => Action::Enroll,
        }
    }

    /// As what it is asked for of an enrollment in this state: who nominated takes back what nobody has decided on.
    pub(super) const fn action_from(self, state: EnrollmentState) -> Action {
        if matches!(self, Self::Withdraw) && !state.is_nominee() { Action::Enroll } else { self.action() }
    }

    /// How whoever takes it has withdrawn, if that is where it leads.
    pub(super) fn withdrawal(self) -> Option<Withdrawal> {
        match self {
            Self::Withdraw => Some(Withdrawal::Left),
            Self::NeverArrived => Some(Withdrawal::NeverArrived),
            Self::Decline => Some(Withdrawal::Declined),
            _ => None,
        }
    }
}

text_enum! {
    /// How an enrollment came to be withdrawn.
    pub enum Withdrawal {
        /// Somebody said so.
        Left => "left",
        /// Whoever was enrolled was in no session.
        NeverArrived => "never_arrived",
        /// An offer was not wanted.
        Declined => "declined",
        /// An offer was not accepted in time.
        OfferExpired => "offer_expired",
        /// Somebody else took over the place.
        Replaced => "replaced",
        IntakeCancelled => "intake_cancelled",
    }
}

/// What becomes of an offer that nobody accepted in time.
pub(super) const LAPSE: &str = "lapse";
/// What becomes of all that is open in an intake that is cancelled.
pub(super) const END: &str = "end with the intake";

/// The steps that are operations of their own.
pub(super) const WAITLIST: &str = "waitlist";
pub(super) const REPLACE: &str = "replace";
pub(super) const TRANSFER: &str = "transfer";
pub(super) const MOVE: &str = "move";

/// The steps of enrollments. Waiting, being replaced, being transferred and being moved to another cohort have bodies of their own and are
/// operations of their own; an offer lapses by itself, whoever waits is offered a seat or approved as one becomes free, and all that is
/// open ends with a cancelled intake.
pub const LIFE_CYCLE: LifeCycle<&str, EnrollmentState> = {
    use EnrollmentState as S;
    use EnrollmentTransition as T;
    const fn step(verb: &'static str, from: &'static [S], to: S, needs_reason: bool) -> lifecycle::Step<&'static str, S> {
        lifecycle::Step { verb, from, to, needs_reason }
    }
    LifeCycle {
        of: "enrollment",
        steps: &[
            step(T::Approve.as_str(), &[S::Nominated, S::Applied, S::Waitlisted, S::Offered], S::Approved, false),
            step(WAITLIST, &[S::Nominated, S::Applied], S::Waitlisted, false),
            step(T::Offer.as_str(), &[S::Nominated, S::Applied, S::Waitlisted], S::Offered, false),
            step(T::Accept.as_str(), &[S::Offered], S::Approved, false),
            step(T::Decline.as_str(), &[S::Offered], S::Withdrawn, false),
            step(LAPSE, &[S::Offered], S::Withdrawn, true),
            step(T::Enroll.as_str(), &[S::Approved], S::Enrolled, false),
            step(T::Reject.as_str(), &[S::Nominated, S::Applied, S::Waitlisted, S::Offered], S::Rejected, true),
            step(
                T::Withdraw.as_str(),
                &[S::Nominated, S::Applied, S::Waitlisted, S::Offered, S::Approved, S::Enrolled, S::Suspended],
                S::Withdrawn,
                true,
            ),
            step(T::NeverArrived.as_str(), &[S::Approved, S::Enrolled, S::Suspended], S::Withdrawn, false),
            step(END, &[S::Nominated, S::Applied, S::Waitlisted, S::Offered, S::Approved, S::Enrolled, S::Suspended], S::Withdrawn, true),
            step(REPLACE, &[S::Nominated, S::Applied, S::Waitlisted, S::Offered, S::Approved, S::Enrolled], S::Withdrawn, true),
            step(TRANSFER, &[S::Enrolled, S::Suspended], S::Transferred, true),
            step(MOVE, &[S::Approved], S::Approved, true),
            step(MOVE, &[S::Enrolled], S::Enrolled, true),
            step(MOVE, &[S::Suspended], S::Suspended, true),
            step(T::Suspend.as_str(), &[S::Enrolled], S::Suspended, true),
            step(T::Resume.as_str(), &[S::Suspended], S::Enrolled, false),
            step(T::Complete.as_str(), &[S::Enrolled], S::Completed, false),
            step(T::Fail.as_str(), &[S::Enrolled], S::Failed, true),
        ],
    }
};

/// A trainee's place in an intake.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Identifiable, AsChangeset, Serialize, ToSchema)]
#[diesel(table_name = enrollments, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Enrollment {
    pub id: EnrollmentId,
    pub intake_id: IntakeId,
    #[serde(skip)]
    pub program_version_id: ProgramVersionId,
    #[serde(rename = "trainee_id")]
    pub person_id: PersonId,
    pub discipline_id: DisciplineId,
    pub sponsor_id: OrganizationId,
    /// The unit at the time of enrolling; the sponsor itself where it has none.
    pub unit_id: OrganizationId,
    pub cohort_id: Option<CohortId>,
    pub payer_id: Option<OrganizationId>,
    pub funding: Option<Name>,
    /// The shift crew.
    pub crew: Option<Code>,
    pub state: EnrollmentState,
    /// Of whoever has withdrawn, how it came to that.
    pub withdrawal: Option<Withdrawal>,
    /// The enrollment whose place this one took over.
    pub replaces_id: Option<EnrollmentId>,
    /// The enrollment from which the trainee came here; its hours stay there.
    pub transferred_from_id: Option<EnrollmentId>,
    /// Of whoever waits or waited: the higher one goes first.
    pub priority: Option<i16>,
    /// Of whoever waits or waited: of one priority the lower one goes first.
    pub position: Option<i32>,
    /// Until when an offered seat is kept.
    pub offer_expires_at: Option<Instant>,
    /// From when they are in the cohort, if the last move gave a day; whoever was still to be enrolled by then is not enrolled from before.
    pub cohort_from_at: Option<Instant>,
    pub version: i32,
    pub created_at: Instant,
}

impl Enrollment {
    /// Whether it ended and nobody goes on in its stead: neither the trainee elsewhere nor somebody else in this place.
    pub(super) fn leaves_its_place(&self) -> bool {
        let goes_on = self.state == EnrollmentState::Transferred || self.withdrawal == Some(Withdrawal::Replaced);
        EnrollmentState::ENDED.contains(&self.state) && !goes_on
    }

    /// Without what only the provider and the sponsor need to know.
    fn shown_to(mut self, role: Role) -> Self {
        if matches!(role, Role::Instructor | Role::ClassAdviser | Role::Trainee) {
            self.payer_id = None;
            self.funding = None;
        }
        if role == Role::Trainee {
            // That place was somebody else's.
            self.replaces_id = None;
        }
        self
    }
}

text_enum! {
    /// Why a closed session is unsettled for an enrollment: it is owed and was not posted, or posted and is not owed after all, or granted
    /// leave covers another part of what was missed than was posted.
    pub enum UnsettledKind {
        Unposted => "unposted",
        NotOwed => "not_owed",
        Leave => "leave",
    }
}

/// A closed session on whose posting an enrollment's periods or leave and the ledger disagree (DOMAIN section 2, rule 6). A coordinator settles
/// it by reopening the roll call and closing it again.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Serialize, ToSchema)]
pub struct UnsettledSession {
    pub session_id: SessionId,
    #[schema(example = "MET-01")]
    pub code: Code,
    pub starts_at: Instant,
    pub kind: UnsettledKind,
}

/// An enrollment with its trainee's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EnrollmentRow {
    #[serde(flatten)]
    pub enrollment: Enrollment,
    #[schema(example = "张伟")]
    pub name: Name,
    #[schema(example = "Zhang Wei")]
    pub latin_name: Option<Name>,
    /// Closed sessions on whose posting the periods or leave and the ledger disagree; see `kind`. By their start. Not shown to instructors.
    pub unsettled_sessions: Vec<UnsettledSession>,
}

impl EnrollmentRow {
    pub(super) fn shown_to(mut self, role: Role) -> Self {
        self.enrollment = self.enrollment.shown_to(role);
        // Another instructor's sessions of the cohort are among them, and these are settled by a coordinator anyway. Whoever else sees
        // an enrollment sees all sessions of its cohorts.
        if role == Role::Instructor {
            self.unsettled_sessions.clear();
        }
        self
    }
}

/// To let somebody go on in another intake, or in another discipline of the same.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Transfer {
    /// Of the same provider.
    pub(super) intake_id: IntakeId,
    /// The one with the same code unless said.
    #[serde(default)]
    pub(super) discipline_id: Option<DisciplineId>,
    /// The discipline's only cohort unless said.
    #[serde(default)]
    pub(super) cohort_id: Option<CohortId>,
    pub(super) reason: Note,
    /// From when on they are taught there; now unless said. Not before the present state began: whoever had not begun begins at once.
    #[serde(default)]
    pub(super) effective_at: Option<Instant>,
}

/// To move somebody to another cohort of the discipline.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CohortMove {
    pub(super) cohort_id: CohortId,
    pub(super) reason: Note,
    /// From when on they owe the sessions of that cohort; now unless said. Not before the present state began, but for whoever has not been
    /// enrolled so far: of them a day that is given is the first from which they can be enrolled, and without one they come to the cohort
    /// whenever they are enrolled. They may be moved to their cohort anew, with another day or without one.
    #[serde(default)]
    pub(super) effective_at: Option<Instant>,
}

/// Where somebody goes on, with what they take along.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Transferred {
    #[serde(flatten)]
    pub(super) row: EnrollmentRow,
    #[serde(flatten)]
    pub(super) hours: CarriedHours,
}

fn enrolled() -> EnrollmentState {
    EnrollmentState::Enrolled
}

/// An enrollment to be made.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEnrollment {
    pub trainee_id: PersonId,
    pub discipline_id: DisciplineId,
    /// Whose sessions the trainee owes. The discipline's only cohort unless said; where it has several, needed of whoever is enrolled.
    #[serde(default)]
    pub cohort_id: Option<CohortId>,
    /// The sponsor, or the unit of the sponsor to which the trainee belongs now.
    pub unit_id: OrganizationId,
    #[serde(default)]
    pub payer_id: Option<OrganizationId>,
    #[serde(default)]
    pub funding: Option<Name>,
    #[serde(default)]
    pub crew: Option<Code>,
    /// nominated, applied, approved or enrolled (the default).
    #[serde(default = "enrolled")]
    pub state: EnrollmentState,
    /// From when it counts. Unless said, the opening of the intake; after an earlier enrollment of the same person, its end.
    #[serde(default)]
    pub from: Option<Instant>,
}

/// Which enrollments to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct EnrollmentFilter {
    pub cohort_id: Option<CohortId>,
    pub state: Option<EnrollmentState>,
}

/// A merge patch (RFC 7396).
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EnrollmentPatch {
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    pub payer_id: Patched<OrganizationId>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Name>)]
    pub funding: Patched<Name>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Code>)]
    pub crew: Patched<Code>,
}

impl EnrollmentPatch {
    pub(super) fn apply(self, enrollment: &Enrollment) -> Enrollment {
        let mut changed = enrollment.clone();
        changed.payer_id = self.payer_id.unwrap_or(changed.payer_id);
        changed.funding = self.funding.unwrap_or(changed.funding);
        changed.crew = self.crew.unwrap_or(changed.crew);
        changed
    }
}

/// Where an enrollment stood from when to when (half-open), beside when that was recorded.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = enrollment_periods, treat_none_as_default_value = false)]
pub struct Period {
    #[serde(skip)]
    pub id: Id<Period>,
    #[serde(skip)]
    pub enrollment_id: EnrollmentId,
    pub cohort_id: Option<CohortId>,
    pub state: EnrollmentState,
    pub from_at: Instant,
    pub until_at: Option<Instant>,
    pub recorded_at: Instant,
}

impl Period {
    /// When what comes after this period begins unless said, if it is recorded `now`: now, and in place of one that is still to begin, which
    /// only the first one of an enrollment can be. Every other that begins after now was recorded by a clock that is ahead, or while `now`
    /// waited for a lock.
    pub(super) fn next_from(&self, now: Instant, is_first: bool) -> Instant {
        let is_to_begin = self.state.is_before_enrolled() || (is_first && self.from_at > self.recorded_at);
        match self.from_at {
            from if from < now => now,
            from if is_to_begin => from,
            from => from.plus(TimeDelta::microseconds(1)),
        }
    }
}

/// One step in the life of an enrollment, kept for ever.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = enrollment_steps, treat_none_as_default_value = false)]
pub struct Step {
    pub id: Id<Step>,
    pub enrollment_id: EnrollmentId,
    pub from_state: Option<String>,
    pub to_state: EnrollmentState,
    pub effective_at: Instant,
    pub reason: Option<Note>,
    pub user_id: Option<UserId>,
    pub recorded_at: Instant,
}

/// The body of a transition of an enrollment, the one thing whose steps may take effect before they are recorded.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DatedChange {
    /// Why; some steps need it.
    #[serde(default)]
    pub reason: Option<Note>,
    /// When it takes effect; now unless said, and of `never-arrived` when they were enrolled, as long as nobody called them. Not before the
    /// present state began, but for whoever has not been enrolled so far, or leaves before a day to come from which they are; nobody is enrolled
    /// before an earlier enrollment ended, or from before a day that was given for a move.
    #[serde(default)]
    pub effective_at: Option<Instant>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn steps_are_legal_only_from_the_states_listed() {
        use EnrollmentState as S;
        use EnrollmentTransition as T;
        let reason: Note = "as agreed".parse().unwrap();
        let after = |state, step: T, reason: Option<&Note>| LIFE_CYCLE.after("the enrollment", state, step.as_str(), reason);
        assert_eq!(after(S::Nominated, T::Approve, None).unwrap(), S::Approved);
        assert_eq!(after(S::Suspended, T::Resume, None).unwrap(), S::Enrolled);
        assert!(matches!(after(S::Withdrawn, T::Resume, None), Err(Error::Conflict { code: "illegal_transition", .. })));
        assert!(matches!(after(S::Enrolled, T::Withdraw, None), Err(Error::Invalid(_))));
        assert_eq!(after(S::Enrolled, T::Withdraw, Some(&reason)).unwrap(), S::Withdrawn);
        for state in [S::Completed, S::Failed, S::Rejected, S::Transferred] {
            for step in T::ALL {
                assert!(after(state, *step, Some(&reason)).is_err(), "{state} {step}");
            }
        }
    }

    #[test]
    fn every_state_is_seated_ended_or_still_waiting() {
        for state in EnrollmentState::ALL {
            let seated = EnrollmentState::SEATED.contains(state);
            let ended = EnrollmentState::ENDED.contains(state);
            assert!(!(seated && ended), "{state}");
        }
    }
}
