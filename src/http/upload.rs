//! A file sent as `multipart/form-data`, its one field named `file`.

use std::{future::Future, pin::Pin};

use actix_multipart::{Field, Multipart};
use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::{
        StatusCode,
        header::{self, HeaderMap},
    },
    web::Bytes,
};
use futures_util::{StreamExt, future::ready, stream};
use sha2::{Digest, Sha256};

use super::body;
use crate::{
    error::{Error, FieldFault},
    text::is_unseen,
};

/// The largest file.
const LIMIT: usize = 8 * 1024 * 1024;
/// What a form may add to its file: boundaries and the headers of its parts.
const FRAME: usize = 64 * 1024;
/// The longest name that is kept of a file, in characters.
const NAME: usize = 200;

/// A form that was sent.
#[derive(Debug)]
pub struct Upload {
    sent: Result<Sent, Error>,
}

impl Upload {
    /// The file, or what is wrong with the form. Asked for after the token was looked at, so that only who has a valid one is told.
    pub fn sent(self) -> Result<Sent, Error> {
        self.sent
    }
}

/// A file that was sent, and the hash that tells two requests with the same idempotency key apart.
#[derive(Debug)]
pub struct Sent {
    /// What the sender calls it, without folders; never used as a path.
    pub file_name: String,
    pub bytes: Bytes,
    pub hash: [u8; 32],
}

/// The form, for the API document.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "only described; the form is read part by part")]
pub struct UploadForm {
    /// At most 8 MiB.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

impl FromRequest for Upload {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let headers = request.headers().clone();
        let payload = payload.take();
        Box::pin(async move {
            // Whole before it is taken apart, so that limit and deadline are those of every body.
            let form = body::read(payload, LIMIT + FRAME).await?;
            check_media_type(&headers)?;
            Ok(Self { sent: take_apart(Multipart::new(&headers, stream::once(ready(Ok(form))))).await })
        })
    }
}

fn check_media_type(headers: &HeaderMap) -> Result<(), Error> {
    let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = sent.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("multipart/form-data") {
        return Ok(());
    }
    let detail = format!("send multipart/form-data with a field `file`, not `{essence}`");
    Err(Error::Refused { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, code: "unsupported_media_type", detail })
}

async fn take_apart(mut form: Multipart) -> Result<Sent, Error> {
    let mut upload = None;
    let mut faults = Vec::new();
    while let Some(field) = form.next().await {
        let mut field = field.map_err(malformed)?;
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = file_name(&field);
        let bytes = bytes(&mut field).await?;
        if name != "file" {
            faults.push(FieldFault::new(format!("/{name}"), "unknown_field", "the form has one field, `file`"));
        } else if upload.is_some() {
            faults.push(FieldFault::new("/file", "duplicate_field", "send one file at a time"));
        } else {
            upload = Some(Sent { file_name, hash: Sha256::digest(&bytes).into(), bytes });
        }
    }
    Error::unless_valid(faults)?;
    upload.ok_or_else(|| Error::invalid("/file", "missing_field", "the form has no field `file`"))
}

async fn bytes(field: &mut Field) -> Result<Bytes, Error> {
    let read = field.bytes(LIMIT).await;
    let read = read.map_err(|_| Error::too_large("file_too_large", format!("the file is larger than {LIMIT} bytes")))?;
    read.map_err(malformed)
}

fn malformed(error: impl std::fmt::Display) -> Error {
    Error::malformed("multipart_malformed", format!("the form cannot be read: {error}"))
}

/// The last part of the name that the sender gives, of characters that can be shown on one line.
fn file_name(field: &Field) -> String {
    let sent = field.content_disposition().and_then(|disposition| disposition.get_filename()).unwrap_or_default();
    let last = sent.rsplit(['/', '\\']).next().unwrap_or_default();
    let shown: String = last.trim().chars().filter(|c| !c.is_control() && !is_unseen(*c)).take(NAME).collect();
    if shown.is_empty() { "file".to_owned() } else { shown }
}
