//! Request bodies: JSON, read under a limit and a deadline, parsed into types that refuse what is wrong.

use std::{future::Future, pin::Pin, time::Duration};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::{StatusCode, header},
    web::{Bytes, BytesMut},
};
use chrono::NaiveDate;
use futures_util::StreamExt;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _, IgnoredAny},
};
use sha2::{Digest, Sha256};

use crate::error::{Error, FieldFault, coded, decoded};

/// The largest JSON body. 1 MiB holds a roll call or a schedule many times over.
const LIMIT: usize = 1024 * 1024;
/// A body that is not complete by then is cut; actix itself would wait for ever.
const DEADLINE: Duration = Duration::from_secs(30);

/// A JSON body, and the hash that tells two requests with the same idempotency key apart.
#[derive(Debug)]
pub struct Body<T> {
    parsed: Result<T, Error>,
    pub hash: [u8; 32],
}

impl<T> Body<T> {
    /// The value, or what is wrong with it. Asked for inside the transaction, so that only who has a valid token is told.
    pub fn value(self) -> Result<T, Error> {
        self.parsed
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let media_type = media_type(request);
        let payload = payload.take();
        Box::pin(async move {
            let bytes = read(payload, LIMIT).await?;
            if !matches!(media_type.as_str(), "application/json" | "application/merge-patch+json") {
                let detail = format!("send application/json, not `{media_type}`");
                return Err(Error::Refused { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, code: "unsupported_media_type", detail });
            }
            Ok(Self { parsed: parse(&bytes, "the body"), hash: Sha256::digest(&bytes).into() })
        })
    }
}

fn media_type(request: &HttpRequest) -> String {
    let value = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Reads a whole payload of at most `limit` bytes.
///
/// # Errors
/// 413 over the limit, 408 past the deadline, 400 if the connection breaks off.
pub async fn read(mut payload: Payload, limit: usize) -> Result<Bytes, Error> {
    let whole = async {
        let mut bytes = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| Error::malformed("body_unreadable", "the body breaks off"))?;
            if bytes.len() + chunk.len() > limit {
                let detail = format!("the body is larger than {limit} bytes");
                return Err(Error::Refused { status: StatusCode::PAYLOAD_TOO_LARGE, code: "body_too_large", detail });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    };
    tokio::time::timeout(DEADLINE, whole).await.unwrap_or_else(|_| {
        let detail = format!("the body was not complete after {} s", DEADLINE.as_secs());
        Err(Error::Refused { status: StatusCode::REQUEST_TIMEOUT, code: "body_timeout", detail })
    })
}

/// Parses JSON; what cannot be read at all is 400, a wrong field 422 with its pointer. `what` is what people call the whole.
pub fn parse<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, Error> {
    let malformed = |error: &serde_json::Error| Error::malformed("json_malformed", format!("{what} is not valid JSON: {error}"));
    let not_an_object = || Error::invalid("", "wrong_type", format!("{what} must be an object"));
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let mut pointer = pointer(error.path());
        let error = error.into_inner();
        if error.classify() != serde_json::error::Category::Data {
            return malformed(&error);
        }
        // A wrong field in front of a syntax error: what cannot be read as a whole is not judged in part.
        if let Err(error) = serde_json::from_slice::<IgnoredAny>(bytes) {
            return malformed(&error);
        }
        if is_array(bytes) {
            return not_an_object();
        }
        let message = without_position(&error);
        let (code, detail) = decoded(&message, code_of(&message));
        if matches!(code, "missing_field" | "duplicate_field") {
            // serde reports these at the object; the name stands in the message only.
            pointer.extend(message.split('`').nth(1).map(|field| format!("/{field}")));
        }
        Error::Invalid(vec![FieldFault::new(pointer, code, detail)])
    })?;
    deserializer.end().map_err(|error| malformed(&error))?;
    if is_array(bytes) { Err(not_an_object()) } else { Ok(value) }
}

/// serde would take an array for a struct, its items for the fields in their order.
fn is_array(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first() == Some(&b'[')
}

/// serde_json appends ` at line 1 column 2`, which says nothing to a program that made the body.
fn without_position(error: &serde_json::Error) -> String {
    let message = error.to_string();
    message.rsplit_once(" at line ").map_or_else(|| message.clone(), |(text, _)| text.to_owned())
}

fn code_of(message: &str) -> &'static str {
    if message.starts_with("unknown field") {
        "unknown_field"
    } else if message.starts_with("missing field") {
        "missing_field"
    } else if message.starts_with("duplicate field") {
        "duplicate_field"
    } else if message.starts_with("invalid type") {
        "wrong_type"
    } else {
        "wrong_value"
    }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path.iter() {
        let part = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.clone(),
            Segment::Enum { variant } => variant.clone(),
            Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&part.replace('~', "~0").replace('/', "~1"));
    }
    pointer
}

/// A field of a merge patch (RFC 7396): absent leaves as is, null clears, a value sets.
pub type Patched<T> = Option<Option<T>>;

/// For `#[serde(default, deserialize_with = "nullable")]` on a [`Patched`] field: tells null from absent.
pub fn nullable<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Patched<T>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// For `#[serde(default, deserialize_with = "given")]` on an `Option` field of a merge patch that cannot be cleared: absent leaves as is,
/// null is a wrong type. Without it, null would silently leave as is.
pub fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A date as RFC 3339 writes it; chrono would take `2025-1-1` as well, which sorts elsewhere.
struct Day(NaiveDate);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let date = text.parse().ok().filter(|date: &NaiveDate| date.to_string() == text);
        date.map(Self).ok_or_else(|| D::Error::custom("must be a date such as 2020-05-27"))
    }
}

/// For `#[serde(deserialize_with = "day")]` on a date.
pub fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
    Day::deserialize(deserializer).map(|day| day.0)
}

/// For `#[serde(default, deserialize_with = "some_day")]` on a date that may be null.
pub fn some_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    Ok(Option::<Day>::deserialize(deserializer)?.map(|day| day.0))
}

/// For `#[serde(default, deserialize_with = "days")]` on dates.
pub fn days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<NaiveDate>, D::Error> {
    Ok(Vec::<Day>::deserialize(deserializer)?.into_iter().map(|day| day.0).collect())
}

/// As [`given`], for a date.
pub fn given_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    day(deserializer).map(Some)
}

/// 1 to 1,000 things sent at once.
#[derive(Clone, Debug)]
pub struct Many<T>(pub Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let things = Vec::deserialize(deserializer)?;
        if (1..=1000).contains(&things.len()) { Ok(Self(things)) } else { Err(coded("out_of_range", "send 1 to 1,000 at once")) }
    }
}

/// The body of a transition that takes effect at once.
#[derive(Clone, Debug, Default, Deserialize, serde::Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Why; some steps need it.
    #[serde(default)]
    pub reason: Option<crate::text::Note>,
}

/// The body of a step that takes effect at once and never goes without a reason.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExplainedChange {
    pub reason: crate::text::Note,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Outer {
        inner: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Inner {
        name: crate::text::Name,
    }

    fn fault(json: &str) -> (String, String) {
        match parse::<Outer>(json.as_bytes(), "it") {
            Err(Error::Invalid(faults)) => (faults[0].pointer.clone(), faults[0].code.clone()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_wrong_field_is_pointed_at() {
        assert_eq!(fault(r#"{"inner":[{"name":"a"},{"name":7}]}"#), ("/inner/1/name".into(), "wrong_type".into()));
        assert_eq!(fault(r#"{"inner":[{"name":"a\u0000"}]}"#), ("/inner/0/name".into(), "text_control_character".into()));
        assert_eq!(fault(r#"{"inner":[{"nome":"a"}]}"#), ("/inner/0/nome".into(), "unknown_field".into()));
        assert_eq!(fault(r#"{"inner":[{}]}"#), ("/inner/0/name".into(), "missing_field".into()));
        assert_eq!(fault(r#"{"inner":[{"name":"a","name":"b"}]}"#), ("/inner/0/name".into(), "duplicate_field".into()));
        assert_eq!(fault("[[]]"), (String::new(), "wrong_type".into()));
    }

    #[test]
    fn broken_json_is_malformed() {
        for broken in ["", "{", "{\"inner\":[]} x", "\u{0}", "{} {}", "{\"inner\":7,", "[[]"] {
            assert!(matches!(parse::<Outer>(broken.as_bytes(), "it"), Err(Error::Malformed { .. })), "{broken:?}");
        }
        let deep = format!("{{\"inner\":{}", "[".repeat(100_000));
        assert!(parse::<Outer>(deep.as_bytes(), "it").is_err());
    }
}
