//! What is logged of each request.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
};
use tracing::Span;
use tracing_actix_web::{DefaultRootSpanBuilder, RootSpanBuilder, root_span};

/// Where calendars are read. What follows is a feed's secret.
const SECRETS: &str = "/api/v1/schedules/";

/// Logs a request as tracing-actix-web does, but no secret that is part of its path.
pub struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let span = root_span!(request);
        if request.path().starts_with(SECRETS) {
            span.record("http.target", SECRETS);
        }
        span
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        DefaultRootSpanBuilder::on_request_end(span, outcome);
    }
}
