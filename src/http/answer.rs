//! What a handler answers.

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    body::BoxBody,
    http::{StatusCode, header},
};
use serde::Serialize;

use super::{Caller, ETag, Page};
use crate::error::Error;

/// A finished answer: built inside the transaction, so that it can be stored with it, and sent after the commit.
#[derive(Clone, Debug)]
pub struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: String,
    /// What is answered to the same request again, where the body has a secret that is stored nowhere.
    pub(super) kept: Option<String>,
    pub(super) etag: Option<String>,
    pub(super) location: Option<String>,
    link: Option<String>,
    cookie: Option<String>,
    is_private: bool,
    content_type: &'static str,
    file_name: Option<String>,
    pub(super) replayed: bool,
    varies: bool,
}

impl Answer {
    pub const JSON: &str = "application/json";

    pub(super) fn of(status: StatusCode, body: String) -> Self {
        Self {
            status,
            body,
            kept: None,
            etag: None,
            location: None,
            link: None,
            cookie: None,
            is_private: false,
            content_type: Self::JSON,
            file_name: None,
            replayed: false,
            varies: false,
        }
    }

    /// 200 with `value` as JSON.
    pub fn ok(value: &impl Serialize) -> Result<Self, Error> {
        Ok(Self::of(StatusCode::OK, json(value)?))
    }

    /// 201 with `value` as JSON and its address.
    pub fn created(location: String, value: &impl Serialize) -> Result<Self, Error> {
        Ok(Self { location: Some(location), ..Self::of(StatusCode::CREATED, json(value)?) })
    }

    /// 200 with a page of a list, and the link to the next one (RFC 8288).
    pub fn page<T: Serialize>(caller: &Caller, page: Page<T>) -> Result<Self, Error> {
        Ok(Self::of(StatusCode::OK, json(&page)?).link_next(caller, page.next.as_deref()))
    }

    /// The link to the next page, if there is one.
    #[must_use]
    pub fn link_next(mut self, caller: &Caller, cursor: Option<&str>) -> Self {
        self.link = cursor.map(|cursor| format!("<{}>; rel=\"next\"", next_link(caller, cursor)));
        self
    }

    /// 304: the caller has it already.
    pub fn not_modified(etag: &ETag) -> Self {
        Self::of(StatusCode::NOT_MODIFIED, String::new()).tag(etag)
    }

    /// The same answer, with a cookie for the browser to keep.
    #[must_use]
    pub fn with_cookie(self, cookie: String) -> Self {
        Self { cookie: Some(cookie), ..self }.not_stored()
    }

    /// 200 with CSV, offered as a file.
    pub fn csv(file_name: &str, body: String) -> Self {
        Self { content_type: Download::CSV, file_name: Some(file_name.to_owned()), ..Self::of(StatusCode::OK, body) }
    }

    /// 200 with iCalendar text (RFC 5545).
    pub fn calendar(body: String) -> Self {
        Self { content_type: "text/calendar; charset=utf-8", ..Self::of(StatusCode::OK, body) }
    }

    /// The same answer; what is kept of it for a request with the same `Idempotency-Key` is `value`, without the secret.
    pub fn kept_as(self, value: &impl Serialize) -> Result<Self, Error> {
        Ok(Self { kept: Some(json(value)?), ..self }.not_stored())
    }

    /// Nobody keeps the answer, not even the browser.
    #[must_use]
    pub fn not_stored(self) -> Self {
        Self { is_private: true, ..self }
    }

    /// The same address answers in another format to whoever asks for it, so that no cache gives one for the other.
    #[must_use]
    pub fn by_accept(self) -> Self {
        Self { varies: true, ..self }
    }

    #[must_use]
    pub fn tag(mut self, etag: &ETag) -> Self {
        self.etag = Some(etag.to_string());
        self
    }

    /// The body of an answer of success, read back.
    pub fn value<T: serde::de::DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_str(&self.body).map_err(Error::internal)
    }

    /// The resource's tag; 304 without a body if the caller's `If-None-Match` names it.
    #[must_use]
    pub fn tag_unless_known(self, caller: &Caller, etag: &ETag) -> Self {
        let tag = etag.shown_as(&self.body);
        if caller.has(&tag) { Self::not_modified(&tag) } else { self.tag(&tag) }
    }
}

/// How a read that gives an ETag can end besides.
#[derive(utoipa::IntoResponses)]
#[response(status = 304, description = "Nothing has changed since the ETag sent as If-None-Match")]
pub struct Unchanged;

fn json(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(Error::internal)
}

/// The caller's own address with the cursor replaced.
fn next_link(caller: &Caller, cursor: &str) -> String {
    let mut query: Vec<&str> = caller.query.split('&').filter(|part| !part.is_empty() && !part.starts_with("cursor=")).collect();
    let cursor = format!("cursor={cursor}");
    query.push(&cursor);
    format!("{}?{}", caller.path, query.join("&"))
}

impl Responder for Answer {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        response.insert_header((header::CACHE_CONTROL, if self.is_private { "no-store" } else { "private, no-cache" }));
        if let Some(etag) = self.etag {
            response.insert_header((header::ETAG, etag));
        }
        if let Some(location) = self.location {
            response.insert_header((header::LOCATION, location));
        }
        if let Some(link) = self.link {
            response.insert_header((header::LINK, link));
        }
        if let Some(cookie) = self.cookie {
            response.insert_header((header::SET_COOKIE, cookie));
        }
        if let Some(name) = self.file_name {
            response.insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")));
        }
        if self.varies {
            response.append_header((header::VARY, "accept"));
        }
        if self.replayed {
            response.insert_header(("idempotency-replayed", "true"));
        }
        if self.status == StatusCode::NOT_MODIFIED {
            return response.finish();
        }
        response.content_type(self.content_type).body(self.body)
    }
}

/// 200 with bytes that are offered as a file.
#[derive(Clone, Debug)]
pub struct Download {
    pub file_name: String,
    pub content_type: &'static str,
    pub bytes: Vec<u8>,
}

impl Download {
    pub const CSV: &str = "text/csv; charset=utf-8";
    pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
}

impl Responder for Download {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::build(StatusCode::OK);
        response.insert_header((header::CACHE_CONTROL, "private, no-cache"));
        response.insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", self.file_name)));
        // The same address answers in another format to whoever asks for it.
        response.append_header((header::VARY, "accept"));
        response.content_type(self.content_type).body(self.bytes)
    }
}
