//! Why an enrollment is where it is, and what it cannot become yet: the rules, the facts and the amounts; pure.

use diesel::Queryable;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    model::{Enrollment, EnrollmentId, EnrollmentState, Withdrawal},
    waitlist::{Obstacle, QuotaSeats},
};
use crate::{clock::Instant, error::Error, text::Note};

/// The step by which an enrollment came to its state.
#[derive(Clone, Debug, Queryable, Serialize, ToSchema)]
pub(super) struct LastStep {
    /// Null of the first one.
    pub(super) from_state: Option<String>,
    pub(super) to_state: EnrollmentState,
    /// Why; null to whoever neither runs the course, nor sends the trainee, nor is the trainee.
    pub(super) reason: Option<Note>,
    pub(super) effective_at: Instant,
    pub(super) recorded_at: Instant,
}

/// A step that is legal and would be refused if it were taken now, as it would be; a reason that a step needs in any case is taken as given.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct RefusedStep {
    #[schema(example = "complete")]
    step: &'static str,
    #[schema(example = "sessions_unsettled")]
    code: String,
    #[schema(example = "2 closed sessions not settled; reopen, put and close the roll call there first: MET-01, MET-03 of HONGXING-2")]
    detail: String,
}

impl RefusedStep {
    /// What a refusal says.
    ///
    /// # Errors
    /// Every other error than a conflict or a fault.
    pub(super) fn of(step: &'static str, result: Result<(), Error>) -> Result<Option<Self>, Error> {
        match result {
            Ok(()) => Ok(None),
            Err(Error::Conflict { code, detail }) => Ok(Some(Self { step, code: code.to_owned(), detail })),
            Err(Error::Invalid(faults)) => {
                Ok(faults.into_iter().next().map(|fault| Self { step, code: fault.code.to_string(), detail: fault.detail }))
            }
            Err(other) => Err(other),
        }
    }
}

/// Why an enrollment is where it is, has no seat yet, and cannot take a step: by the rules, the facts and the amounts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Explanation {
    pub(super) enrollment_id: EnrollmentId,
    pub(super) state: EnrollmentState,
    /// In words.
    #[schema(example = "the highest priority goes first")]
    pub(super) rule: &'static str,
    pub(super) last_step: Option<LastStep>,
    pub(super) priority: Option<i16>,
    pub(super) position: Option<i32>,
    /// How many wait before it; to a partner of those whom it sends, null to others than these and the provider.
    pub(super) before: Option<i64>,
    /// What keeps it from a seat. Empty for whoever has one or needs none any more. The seat of an offer that has expired is taken until seats
    /// are counted again, as any step does; then it goes to the first of those who wait and can take it.
    pub(super) obstacles: Vec<Obstacle>,
    /// The steps that something else than seats is in the way of: of each the first thing. To the provider and auditors all, to others those
    /// that they may ask for; nothing of a transfer, which depends on where it leads.
    pub(super) refused_steps: Vec<RefusedStep>,
    /// Of the intake; null without a limit, and to others than the provider.
    pub(super) capacity: Option<i32>,
    /// Of the intake; null to others than the provider.
    pub(super) seats_taken: Option<i32>,
    /// The quotas that the seat would count against, as far as the caller sees them.
    pub(super) quotas: Vec<QuotaSeats>,
}

/// DOMAIN section 4, in words.
pub(super) fn rule(enrollment: &Enrollment) -> &'static str {
    match (enrollment.state, enrollment.withdrawal) {
        (EnrollmentState::Waitlisted, _) => {
            "the highest priority goes first, and of one priority whoever has waited longest; whoever cannot take a seat is passed over and stays"
        }
        (EnrollmentState::Offered, _) => "the seat is kept until the offer is accepted, declined, or expires",
        (EnrollmentState::Withdrawn, Some(Withdrawal::OfferExpired)) => "nobody accepted the offer before it expired",
        (EnrollmentState::Withdrawn, Some(Withdrawal::Declined)) => "the offer was declined",
        (EnrollmentState::Withdrawn, Some(Withdrawal::Replaced)) => "the place passed to somebody else",
        (EnrollmentState::Withdrawn, Some(Withdrawal::NeverArrived)) => "the trainee never arrived",
        (EnrollmentState::Withdrawn, Some(Withdrawal::IntakeCancelled)) => "the intake was cancelled",
        (EnrollmentState::Withdrawn, Some(Withdrawal::Left) | None) => "it was withdrawn; the last step says by what reason",
        (EnrollmentState::Nominated | EnrollmentState::Applied, _) => "it takes no seat until it is approved, or offered a seat",
        (EnrollmentState::Approved, _) => "it has a seat, and owes nothing until it is enrolled",
        (EnrollmentState::Enrolled, _) => "it has a seat, and owes what its cohorts are taught while it is enrolled in them",
        (EnrollmentState::Suspended, _) => "it keeps its seat, and owes nothing until it is resumed",
        (EnrollmentState::Completed | EnrollmentState::Failed, _) => {
            "it was decided by its hours, or for the reason of the last step, and keeps its seat"
        }
        (EnrollmentState::Rejected, _) => "it was rejected; the last step says by what reason",
        (EnrollmentState::Transferred, _) => "whoever had it goes on in another enrollment, with the hours that count there",
    }
}
