//! What is logged of each request.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
};
use percent_encoding::percent_decode_str;
use tracing::Span;
use tracing_actix_web::{DefaultRootSpanBuilder, RootSpanBuilder, root_span};

/// What every secret begins with, be it a token or the address of a feed.
const SECRET: &str = "muster_";

/// Logs a request as tracing-actix-web does, but no secret that is part of its address.
pub struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let span = root_span!(request);
        // Whether the address is right or nearly so: a calendar program goes on asking for one that is mistyped.
        let target = percent_decode_str(&request.uri().to_string()).decode_utf8_lossy().into_owned();
        if target.contains(SECRET) {
            span.record("http.target", without_secrets(&target));
        }
        span
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        DefaultRootSpanBuilder::on_request_end(span, outcome);
    }
}

/// The text with every secret cut off after its first letters.
fn without_secrets(text: &str) -> String {
    let mut parts = text.split(SECRET);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |told, part| told + SECRET + "…" + part.trim_start_matches(|letter: char| letter.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_told_wherever_it_stands() {
        for (text, told) in [
            ("/api/v1/schedules/muster_0af3.ics", "/api/v1/schedules/muster_….ics"),
            ("/api/v1//schedule/muster_0AF3", "/api/v1//schedule/muster_…"),
            ("/feeds?a=muster_1b&b=muster_2c/x", "/feeds?a=muster_…&b=muster_…/x"),
            ("/api/v1/trainees?limit=5", "/api/v1/trainees?limit=5"),
        ] {
            assert_eq!(without_secrets(text), told);
        }
    }
}
