//! Problem documents (RFC 9457): the body of every error, whoever made it.

use actix_web::{
    Error as ActixError, HttpRequest,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{self, AcceptLanguage, Header as _, Preference},
    },
    middleware::Next,
};
use serde::Serialize;
use tracing_actix_web::RequestId;

use crate::{
    error::{Error, FieldFault},
    locale::in_chinese,
    schedule::Conflict,
};

/// What every error is answered as.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// `application/problem+json`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the code tells problems apart.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    pub kind: &'static str,
    #[schema(example = "Not Found")]
    pub title: &'static str,
    #[schema(example = 404)]
    pub status: u16,
    /// For people.
    pub detail: String,
    /// The request's id, as in the log.
    pub instance: String,
    /// Stable, for programs.
    #[schema(example = "not_found")]
    pub code: String,
    /// The wrong fields, for `invalid`; for a file, what is wrong with its columns or rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldFault>,
    /// What stands in the way, for `session_conflict`, `plan_exceeded` and `outside_intake`, and of a schedule's file; as the check of the
    /// sessions tells it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
    /// Whether there are more conflicts than these, which are the first 100, or of a schedule's file those of the first 1,000 overlaps. Left
    /// out where these are all.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(example = true)]
    pub truncated: bool,
}

macro_rules! problem_responses {
    ($(#[$meta:meta])* $name:ident: $($member:ident = $status:literal $description:literal),+ $(,)?) => {
        $(#[$meta])*
        #[derive(utoipa::IntoResponses)]
        pub enum $name {
            $(#[response(status = $status, description = $description, content_type = "application/problem+json")]
            $member(#[to_schema] Problem)),+
        }
    };
}

problem_responses!(
    /// How a read can fail.
    Reading:
    Malformed = 400 "The request cannot be read",
    Unauthenticated = 401 "No valid token",
    Forbidden = 403 "The action is not the caller's",
    NotFound = 404 "Missing, or not visible to the caller",
    NotAcceptable = 406 "Accept rules out every media type of this operation's answer",
    Unavailable = 503 "Try again later"
);

problem_responses!(
    /// How a read that needs no token can fail.
    Unguarded:
    Malformed = 400 "The request cannot be read",
    NotFound = 404 "No such address, or none any more",
    NotAcceptable = 406 "Accept rules out every media type of this operation's answer",
    Unavailable = 503 "Try again later"
);

problem_responses!(
    /// How a POST can fail.
    Writing:
    Malformed = 400 "The request cannot be read",
    Unauthenticated = 401 "No valid token",
    Forbidden = 403 "The action is not the caller's, or a page of another site sent it",
    NotFound = 404 "Missing, or not visible to the caller",
    NotAcceptable = 406 "Accept rules out every media type of this operation's answer",
    Timeout = 408 "The body was not complete in time",
    Conflict = 409 "The request contradicts the state of things; code says which rule",
    TooLarge = 413 "The body is too large",
    MediaType = 415 "The body has another media type",
    Invalid = 422 "A field is wrong; errors says which",
    Unavailable = 503 "Try again later"
);

problem_responses!(
    /// How a PUT or PATCH can fail.
    Changing:
    Malformed = 400 "The request cannot be read",
    Unauthenticated = 401 "No valid token",
    Forbidden = 403 "The action is not the caller's, or a page of another site sent it",
    NotFound = 404 "Missing, or not visible to the caller",
    NotAcceptable = 406 "Accept rules out every media type of this operation's answer",
    Timeout = 408 "The body was not complete in time",
    Conflict = 409 "The request contradicts the state of things; code says which rule",
    Stale = 412 "If-Match names an older state",
    TooLarge = 413 "The body is too large",
    MediaType = 415 "The body has another media type",
    Invalid = 422 "A field is wrong; errors says which",
    IfMatchMissing = 428 "If-Match is missing",
    Unavailable = 503 "Try again later"
);

problem_responses!(
    /// How a POST can fail that proves who sends it.
    Proving:
    Malformed = 400 "The request cannot be read",
    Unauthenticated = 401 "Name or password is wrong, or the sign-in has ended",
    CrossSite = 403 "A page of another site sent it, or a token did",
    NotAcceptable = 406 "Accept rules out every media type of this operation's answer",
    Timeout = 408 "The body was not complete in time",
    Conflict = 409 "The request contradicts the state of things; code says which rule",
    TooLarge = 413 "The body is too large",
    MediaType = 415 "The body has another media type",
    Invalid = 422 "A field is wrong; errors says which",
    TooMany = 429 "Too many attempts; Retry-After says when the next is taken",
    Unavailable = 503 "Try again later"
);

/// The middleware that gives every error its problem document, actix-web's own included, and logs our own faults once.
pub async fn render(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, ActixError> {
    let instance = actix_web::HttpMessage::extensions(&request).get::<RequestId>().map(ToString::to_string).unwrap_or_default();
    let response = next.call(request).await?.map_into_boxed_body();
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return Ok(response);
    }
    let mut retry_after = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(2);
    let mut problem = match response.response().error().and_then(|error| error.as_error::<Error>()) {
        Some(error) => {
            if let Error::TooMany { retry_after: seconds } = error {
                retry_after = Some(*seconds);
            }
            of(error, instance)
        }
        None => plain(status, instance),
    };
    let is_translated = prefers_chinese(response.request()) && translate(&mut problem);
    let body = serde_json::to_string(&problem).unwrap_or_default();
    let (request, mut response) = response.into_parts();
    let headers = response.headers_mut();
    if is_translated {
        headers.insert(header::CONTENT_LANGUAGE, header::HeaderValue::from_static("zh-CN"));
    }
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(MEDIA_TYPE));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer realm=\"muster\""));
    }
    if let Some(seconds) = retry_after {
        headers.insert(header::RETRY_AFTER, header::HeaderValue::from(seconds));
    }
    Ok(ServiceResponse::new(request, response.set_body(BoxBody::new(body))))
}

/// Whether the caller would rather read Chinese than English.
fn prefers_chinese(request: &HttpRequest) -> bool {
    let Ok(accepted) = AcceptLanguage::parse(request) else { return false };
    let known = accepted.ranked().into_iter().find_map(|preference| match preference {
        Preference::Any => Some(false),
        Preference::Specific(tag) => match tag.primary_language() {
            "zh" => Some(true),
            "en" => Some(false),
            _ => None,
        },
    });
    known == Some(true)
}

/// Says in Chinese what is written in Chinese, and whether that is all of it: of what is for people, not of what is for programs.
fn translate(problem: &mut Problem) -> bool {
    let mut is_whole = true;
    let details = problem.errors.iter_mut().map(|fault| (fault.code.as_str(), &mut fault.detail));
    for (code, detail) in details.chain([(problem.code.as_str(), &mut problem.detail)]) {
        match in_chinese(code) {
            Some(chinese) => *detail = chinese,
            None => is_whole = false,
        }
    }
    is_whole
}

fn of(error: &Error, instance: String) -> Problem {
    let status = error.status();
    if let Error::Internal(cause) | Error::Unavailable(cause) = error {
        tracing::error!(error = ?cause, code = error.code(), "a request failed");
    }
    let errors = if let Error::Invalid(faults) | Error::Rejected { faults, .. } = error { faults.clone() } else { Vec::new() };
    let conflicts =
        if let Error::Blocked { conflicts, .. } | Error::Rejected { conflicts, .. } = error { conflicts.clone() } else { Vec::new() };
    let truncated = matches!(error, Error::Blocked { truncated: true, .. } | Error::Rejected { truncated: true, .. });
    Problem { errors, conflicts, truncated, code: error.code().to_owned(), detail: error.to_string(), ..plain(status, instance) }
}

/// The problem of an answer that actix-web made itself: an unknown address, a wrong method, a broken request line.
fn plain(status: StatusCode, instance: String) -> Problem {
    let title = status.canonical_reason().unwrap_or("Error");
    let (code, detail) = match status {
        StatusCode::NOT_FOUND => ("not_found", Error::NotFound.to_string()),
        StatusCode::METHOD_NOT_ALLOWED => ("method_not_allowed", "this address knows other methods; see Allow".to_owned()),
        StatusCode::PAYLOAD_TOO_LARGE => ("body_too_large", "the body is too large".to_owned()),
        _ if status.is_client_error() => ("malformed", "the request cannot be read".to_owned()),
        _ => ("internal", "internal error".to_owned()),
    };
    Problem {
        kind: "about:blank",
        title,
        status: status.as_u16(),
        detail,
        instance,
        code: code.to_owned(),
        errors: Vec::new(),
        conflicts: Vec::new(),
        truncated: false,
    }
}
