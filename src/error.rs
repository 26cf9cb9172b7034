//! The one error of the crate: closed, and sorted by what the caller should do about it.

use std::{borrow::Cow, fmt};

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use serde::Serialize;

use crate::{schedule::Conflict, text::listed};

/// A field that is well-formed but wrong.
#[derive(Clone, Debug, Serialize, PartialEq, Eq, utoipa::ToSchema)]
pub struct FieldFault {
    /// RFC 6901 pointer into the request body; empty for the body as a whole.
    #[schema(example = "/opens_on")]
    pub pointer: String,
    /// Stable, for programs.
    #[schema(example = "end_before_start")]
    pub code: String,
    /// For people.
    #[schema(example = "must not be before the opening")]
    pub detail: String,
    /// Of a local time that exists twice: the two instants, one of which to send instead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["2020-10-25T02:30:00+02:00", "2020-10-25T02:30:00+01:00"]))]
    pub choices: Vec<String>,
}

impl FieldFault {
    pub fn new(pointer: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code: code.to_owned(), detail: detail.into(), choices: Vec::new() }
    }
}

/// What went wrong. Our own fault is always [`Error::Internal`], never one of the others.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// 400: the request cannot be read (broken JSON, header or query).
    #[error("{detail}")]
    Malformed { code: &'static str, detail: String },
    /// 401: no token, or one that is unknown, expired, revoked or whose grant has ended.
    #[error("a valid bearer token is needed, or the cookie of a sign-in")]
    Unauthenticated,
    /// 401: no such user, another password, a user who is disabled or holds no role; these are not told apart.
    #[error("name or password is wrong, or number or code")]
    WrongCredentials,
    /// 403: the object is visible, the action is not the caller's.
    #[error("{0}")]
    Forbidden(String),
    /// 404: the object is missing or not visible; the two are not told apart.
    #[error("there is no such thing, or it is not visible to you")]
    NotFound,
    /// 409: the request contradicts the state of things; `code` says which rule.
    #[error("{detail}")]
    Conflict { code: &'static str, detail: String },
    /// 409: something stands in the way; what it is, as data.
    #[error("{detail}")]
    Blocked { code: &'static str, detail: String, conflicts: Vec<Conflict>, truncated: bool },
    /// 412: `If-Match` names an older state.
    #[error("the resource has changed since; read it again")]
    Stale,
    /// 428: a change without `If-Match`.
    #[error("send If-Match with the ETag you last read")]
    IfMatchMissing,
    /// 422: one or more fields are wrong.
    #[error("one or more fields are wrong")]
    Invalid(Vec<FieldFault>),
    /// 422: a file that cannot be taken as it is; `code` says in which way, the faults say where, and what stands in its way is data.
    #[error("{detail}")]
    Rejected { code: &'static str, detail: String, faults: Vec<FieldFault>, conflicts: Vec<Conflict>, truncated: bool },
    /// Another 4xx that says all there is to say by status and code (401, 403, 404, 405, 406, 408, 413, 415).
    #[error("{detail}")]
    Refused { status: StatusCode, code: &'static str, detail: String },
    /// 429: too many attempts failed; after so many seconds the next is taken.
    #[error("too many attempts failed; wait, or ask for an invitation to set another password")]
    TooMany { retry_after: u64 },
    /// 503: the database or the queue cannot take the request now; the same request may succeed later.
    #[error("the service cannot take the request now")]
    Unavailable(#[source] anyhow::Error),
    /// 500: our fault.
    #[error("internal error")]
    Internal(#[source] anyhow::Error),
    /// Not an error for the caller: a replayed request has been authorized again, and the stored answer is to be sent.
    #[error("replayed")]
    Replayed,
}

impl Error {
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Conflict { code, detail: detail.into() }
    }

    pub fn invalid(pointer: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldFault::new(pointer, code, detail)])
    }

    pub fn malformed(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Malformed { code, detail: detail.into() }
    }

    /// 401, of somebody who has proven a part of who they are.
    pub fn unauthorized(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Refused { status: StatusCode::UNAUTHORIZED, code, detail: detail.into() }
    }

    /// 413.
    pub fn too_large(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Refused { status: StatusCode::PAYLOAD_TOO_LARGE, code, detail: detail.into() }
    }

    /// 406.
    pub fn not_acceptable(detail: impl Into<String>) -> Self {
        Self::Refused { status: StatusCode::NOT_ACCEPTABLE, code: "not_acceptable", detail: detail.into() }
    }

    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::Internal(anyhow::anyhow!("{cause}"))
    }

    /// `Ok(())` if there are no faults, else all of them at once.
    pub fn unless_valid(faults: Vec<FieldFault>) -> Result<(), Self> {
        if faults.is_empty() { Ok(()) } else { Err(Self::Invalid(faults)) }
    }

    pub fn status(&self) -> StatusCode {
        match self {
            Self::Malformed { .. } => StatusCode::BAD_REQUEST,
            Self::Unauthenticated | Self::WrongCredentials => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Conflict { .. } | Self::Blocked { .. } => StatusCode::CONFLICT,
            Self::Stale => StatusCode::PRECONDITION_FAILED,
            Self::IfMatchMissing => StatusCode::PRECONDITION_REQUIRED,
            Self::Invalid(_) | Self::Rejected { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Refused { status, .. } => *status,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) | Self::Replayed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The stable code of the problem document.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { code, .. }
            | Self::Conflict { code, .. }
            | Self::Blocked { code, .. }
            | Self::Rejected { code, .. }
            | Self::Refused { code, .. } => code,
            Self::Unauthenticated => "unauthenticated",
            Self::WrongCredentials => "wrong_credentials",
            Self::TooMany { .. } => "too_many_attempts",
            Self::Forbidden(_) => "forbidden",
            Self::NotFound => "not_found",
            Self::Stale => "stale",
            Self::IfMatchMissing => "if_match_missing",
            Self::Invalid(_) => "invalid",
            Self::Unavailable(_) => "unavailable",
            Self::Internal(_) | Self::Replayed => "internal",
        }
    }
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    /// The body is written by [`crate::http::problem`], which also knows the request's id.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status())
    }
}

/// Conflicts that a trigger raises as `muster:<code>`, with the sentence for people.
const RAISED: &[(&str, &str)] = &[
    ("already_exists", "a record with the same key exists already"),
    ("calendar_of_another_kind", "a calendar of holidays has days off, one of shifts has shifts, and an intake names holidays"),
    ("capacity_full", "the intake has no free seat"),
    ("carried_differs", "hours are carried once, from what stands and is present, and no more of it than that"),
    ("disclosed_already", "these people are shown to this house already at that time"),
    ("hours_do_not_add_up", "the planned minutes of the modules do not add up to the version's total"),
    ("illegal_transition", "this step is not possible from the present state"),
    ("immutable", "this record is final and never changed or deleted"),
    ("invitation_not_good", "the invitation was used or withdrawn, or has expired; ask for another one"),
    ("organization_place_fixed", "an organization keeps its kind and its place below its parent"),
    ("own_house", "people are shown to another house than their own"),
    ("periods_overlap", "the enrollment would stand in two states at once"),
    (
        "person_restricted",
        "this person is restricted, or has been erased: nothing of them changes any more, and nothing is begun with them",
    ),
    ("quota_full", "the sponsor's seat quota is used up"),
    ("replacement_differs", "whoever takes over a place has all that the one replaced had"),
    ("reversal_differs", "a reversal must mirror the entry it reverses"),
    ("roll_call_closed", "the roll call is closed; reopen it with a reason"),
    ("room_of_another_house", "a session is in a room of the house that teaches it"),
    ("session_closed", "the session is held or cancelled and stays as it is"),
    ("session_conflict", "another session occupies the same instructor, room or cohort at that time"),
    ("session_not_held", "the session has not been confirmed as held"),
    ("session_published", "code and module of a published session are fixed"),
    ("transfer_differs", "whoever goes on elsewhere is the same person, sent by the same sponsor"),
    ("unit_quota_full", "the seat quota of the unit, or of one above it, is used up"),
    ("version_confirmed", "the program version is confirmed and immutable"),
    ("version_not_confirmed", "the program version is not confirmed"),
    ("waiver_in_use", "two sessions overlap because of this waiver"),
    ("version_pinned", "an intake keeps its program version and provider"),
];

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        let DieselError::DatabaseError(kind, information) = &error else {
            return match error {
                DieselError::NotFound => Self::NotFound,
                DieselError::BrokenTransactionManager => Self::Unavailable(error.into()),
                _ => Self::Internal(error.into()),
            };
        };
        let message = information.message();
        if let Some(raised) = message.split("muster:").nth(1) {
            if let Some((code, detail)) = RAISED.iter().find(|(code, _)| raised.starts_with(code)) {
                return Self::conflict(code, *detail);
            }
            return Self::Internal(error.into());
        }
        match kind {
            DatabaseErrorKind::UniqueViolation => Self::conflict("already_exists", "a record with the same key exists already"),
            DatabaseErrorKind::ForeignKeyViolation => {
                Self::conflict("reference_broken", "something else still refers to this, or what it refers to is gone")
            }
            DatabaseErrorKind::SerializationFailure | DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::ReadOnlyTransaction => {
                Self::Unavailable(error.into())
            }
            _ if is_passing(message) => Self::Unavailable(error.into()),
            _ => Self::Internal(error.into()),
        }
    }
}

/// Failures that Diesel does not sort by kind and that pass by themselves: lock and statement timeouts, deadlocks (40P01, 55P03,
/// 57014), a server that shuts down or starts up, a lost connection, a busy or full SQLite file. In English: SQLite, libpq as it is built
/// in and, where the connection may ask for it, Postgres speak nothing else.
fn is_passing(message: &str) -> bool {
    const PASSING: &[&str] = &[
        "deadlock detected",
        "lock timeout",
        "statement timeout",
        "terminating connection",
        "shutting down",
        "starting up",
        "server closed the connection",
        "no connection to the server",
        "connection to server",
        "could not connect",
        "database is locked",
        "database or disk is full",
        "disk I/O error",
    ];
    PASSING.iter().any(|passing| message.contains(passing))
}

impl From<diesel::ConnectionError> for Error {
    fn from(error: diesel::ConnectionError) -> Self {
        Self::Unavailable(error.into())
    }
}

/// Marks a serde error with a stable code, which [`decoded`] takes out again.
pub fn coded<E: serde::de::Error>(code: &str, detail: &str) -> E {
    E::custom(format_args!("\u{1}{code}\u{1}{detail}\u{1}"))
}

/// Code and detail of a message that [`coded`] made, or `code` and the message itself in plain words.
pub fn decoded<'a>(message: &'a str, code: &'a str) -> (&'a str, Cow<'a, str>) {
    // The detail may hold what was sent, and that the mark.
    let marked = message.split_once('\u{1}').and_then(|(_, rest)| rest.rsplit_once('\u{1}')?.0.split_once('\u{1}'));
    match marked {
        Some((code, detail)) => (code, detail.into()),
        None => (code, plain(message).map_or(message.into(), Cow::from)),
    }
}

/// What serde says of a field that there is not, without the words of Rust: `expected one of`.
fn plain(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown field `")?;
    let known = [", there are no ", ", expected one of ", ", expected "];
    // What was sent may hold these words too; what is known does not.
    let (sent, known) = known.into_iter().find_map(|between| rest.rsplit_once(between).filter(|(sent, _)| sent.ends_with('`')))?;
    let sent = sent.trim_end_matches('`');
    let names = known.split('`').skip(1).step_by(2);
    Some(format!("there is no field `{sent}`; there are: {}", listed(names)))
}

#[cfg(test)]
mod tests {
    use serde::de::{Error as _, value::Error as SerdeError};

    use super::*;

    fn told(error: &SerdeError) -> String {
        decoded(&error.to_string(), "").1.into_owned()
    }

    #[test]
    fn what_there_is_not_is_told_in_plain_words() {
        assert_eq!(told(&SerdeError::unknown_field("x", &["a", "b", "c"])), "there is no field `x`; there are: a, b, c");
        assert_eq!(told(&SerdeError::unknown_field("x", &["a", "b"])), "there is no field `x`; there are: a, b");
        assert_eq!(told(&SerdeError::unknown_field("x", &["a"])), "there is no field `x`; there are: a");
        assert_eq!(told(&SerdeError::unknown_field("x", &[])), "there is no field `x`; there are: none");
        // What was sent may look like what serde says.
        let sent = "a`, expected `b";
        assert_eq!(told(&SerdeError::unknown_field(sent, &["c", "d"])), format!("there is no field `{sent}`; there are: c, d"));
        assert_eq!(told(&SerdeError::missing_field("x")), "missing field `x`");
        // Or hold the mark.
        let coded: SerdeError = coded("unknown_value", "there is no value `\u{1}`; there are: a");
        assert_eq!(decoded(&coded.to_string(), ""), ("unknown_value", "there is no value `\u{1}`; there are: a".into()));
    }
}
