//! What keeps a roll call from being closed: the rule, the facts and the amounts.

use serde::Serialize;
use utoipa::ToSchema;

use super::model::RollCallState;
use crate::{enrollments::EnrollmentId, error::Error, ledger::Amount, schedule::SessionId};

/// DOMAIN section 3, in words.
const RULE: &str = "it is closed once the session was held, all who owe it and its guests were called, what was found of each fits into the \
                    session as it was held, nobody's minutes in it count in another one, and what was adjusted by hand fits what is \
                    posted";

/// Whether a roll call can be closed as it was called, and if not, why.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct ClosingExplanation {
    pub(super) session_id: SessionId,
    pub(super) state: RollCallState,
    /// In words.
    #[schema(example = json!(RULE))]
    rule: &'static str,
    /// In the order in which a closing is refused for them; empty if nothing stands in the way, and once it is closed. Whether what was
    /// adjusted by hand fits (`hours_out_of_bounds`) is told once nothing else does.
    pub(super) obstacles: Vec<ClosingObstacle>,
}

impl ClosingExplanation {
    pub(super) fn new(session_id: SessionId, state: RollCallState, obstacles: Vec<ClosingObstacle>) -> Self {
        Self { session_id, state, rule: RULE, obstacles }
    }
}

/// Why a roll call cannot be closed, as a closing is refused for it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct ClosingObstacle {
    #[schema(example = "attended_elsewhere")]
    code: &'static str,
    #[schema(example = "present in session MET-02 (2020-06-03 09:00+08:00 to 2020-06-03 10:30+08:00) as well")]
    detail: String,
    /// Whose line it is; null where it is about the whole roll call, and of those whom a class adviser does not call. Another session is named
    /// to whoever sees it.
    enrollment_id: Option<EnrollmentId>,
    amounts: Vec<Amount>,
}

impl ClosingObstacle {
    pub(super) fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), enrollment_id: None, amounts: Vec::new() }
    }

    pub(super) fn with(self, amounts: Vec<Amount>) -> Self {
        Self { amounts, ..self }
    }

    pub(super) fn of_line(self, enrollment_id: Option<EnrollmentId>) -> Self {
        Self { enrollment_id, ..self }
    }

    /// What a refusal says.
    ///
    /// # Errors
    /// Every other error than a conflict.
    pub(super) fn refused<T>(result: Result<T, Error>) -> Result<Option<Self>, Error> {
        match result {
            Ok(_) => Ok(None),
            Err(Error::Conflict { code, detail }) => Ok(Some(Self::new(code, detail))),
            Err(other) => Err(other),
        }
    }
}
