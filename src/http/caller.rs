//! What the headers of a request say about it.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::{Method, header},
    web::Data,
};

use super::{
    accept::Accept,
    browser::{self, SignInCookie},
    etag, query,
};
use crate::{
    access::{Credentials, Secret},
    config::PublicUrl,
    error::Error,
};

/// Under which conditions anybody calls, with a token or without.
#[derive(Clone, Debug)]
pub struct Conditions {
    if_none_match: Option<Vec<etag::ETag>>,
    accept: Accept,
}

impl Conditions {
    /// Whether the caller holds the state that `current` names.
    pub fn has(&self, current: &etag::ETag) -> bool {
        self.if_none_match.as_ref().is_some_and(|known| etag::matches(known, current))
    }

    pub(super) fn read(request: &HttpRequest) -> Result<Self, Error> {
        query::refuse_unknown(request)?;
        let accept = request.headers().get_all(header::ACCEPT).map(|value| readable(&header::ACCEPT, value));
        let accept = Accept::parse(&accept.collect::<Result<Vec<_>, _>>()?.join(","));
        accept.check(request)?;
        Ok(Self { if_none_match: text(request, header::IF_NONE_MATCH)?.map(|value| etag::list(&value)), accept })
    }
}

impl FromRequest for Conditions {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::read(request))
    }
}

fn readable(name: &header::HeaderName, value: &header::HeaderValue) -> Result<String, Error> {
    match value.to_str() {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(_) => Err(Error::malformed("header_malformed", format!("the header {name} is not readable text"))),
    }
}

fn text(request: &HttpRequest, name: header::HeaderName) -> Result<Option<String>, Error> {
    request.headers().get(&name).map(|value| readable(&name, value)).transpose()
}

/// Whoever names a state believes that no other is changed, and no POST compares states.
pub(super) fn refuse_named_states(request: &HttpRequest) -> Result<Option<Vec<etag::ETag>>, Error> {
    if request.headers().get_all(header::IF_MATCH).count() > 1 {
        return Err(Error::malformed("header_repeated", "If-Match is sent more than once; list its tags in one"));
    }
    let if_match = text(request, header::IF_MATCH)?.map(|value| etag::list(&value));
    if request.method() == Method::POST && if_match.as_ref().is_some_and(|known| !etag::names_any(known)) {
        let detail = "no POST compares states; send If-Match with PUT and PATCH, or as *, which what exists always meets";
        return Err(Error::malformed("if_match_unsupported", detail));
    }
    Ok(if_match)
}

/// The token that the request shows, or the sign-in that the browser holds: what is sent on purpose goes before what is sent along.
fn credentials(request: &HttpRequest) -> Result<Credentials, Error> {
    if request.headers().get_all(header::AUTHORIZATION).count() > 1 {
        return Err(Error::malformed("header_repeated", "Authorization is sent more than once; say who asks once"));
    }
    let Some(authorization) = text(request, header::AUTHORIZATION)? else {
        return SignInCookie::of(request).read(request)?.map(Credentials::Cookie).ok_or(Error::Unauthenticated);
    };
    let (scheme, secret) = authorization.split_once(' ').ok_or(Error::Unauthenticated)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Error::Unauthenticated);
    }
    Ok(Credentials::Bearer(Secret::from(secret.trim())))
}

/// Where the caller finds this server: what an address that is told has to begin with.
#[derive(Clone, Debug)]
pub struct Origin {
    scheme: String,
    host: String,
}

impl Origin {
    pub fn address(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.host)
    }

    /// The same address for programs that subscribe to calendars.
    pub fn webcal(&self, path: &str) -> String {
        format!("webcal://{}{path}", self.host)
    }
}

impl FromRequest for Origin {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let origin = match request.app_data::<Data<Option<PublicUrl>>>().and_then(|public| public.as_ref().as_ref()) {
            Some(PublicUrl { scheme, host }) => Self { scheme: scheme.clone(), host: host.clone() },
            None => {
                // Whoever is no proxy of ours has no say in it.
                let info = request.connection_info();
                let said = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
                match said.filter(|_| !browser::is_by_proxy(request)) {
                    Some(host) => Self { scheme: "http".to_owned(), host: host.to_owned() },
                    None => Self { scheme: info.scheme().to_owned(), host: info.host().to_owned() },
                }
            }
        };
        ready(Ok(origin))
    }
}

/// Who calls, and under which conditions.
#[derive(Clone, Debug)]
pub struct Caller {
    pub credentials: Credentials,
    /// Method and full path with query: what an idempotency key is good for.
    pub(super) operation: String,
    /// Path and query, for the links of a page.
    pub(super) path: String,
    pub(super) query: String,
    pub(super) idempotency_key: Option<String>,
    pub(super) if_match: Option<Vec<etag::ETag>>,
    conditions: Conditions,
}

impl Caller {
    /// The one of `offers` whose media type the caller would rather have.
    ///
    /// # Errors
    /// 406 if it takes none of them.
    pub fn choose<'a, T: Copy>(&self, offers: &[T], media_type: impl Fn(T) -> &'a str) -> Result<T, Error> {
        self.conditions.accept.choose(offers, media_type)
    }

    /// Path and query: what is asked for, by whatever method.
    pub fn address(&self) -> String {
        format!("{}?{}", self.path, self.query)
    }

    /// Whether the caller holds the state that `current` names.
    pub fn has(&self, current: &etag::ETag) -> bool {
        self.conditions.has(current)
    }

    /// Checks `If-Match` against the stored state, unless the change would alter nothing: then a retry after a lost answer succeeds.
    ///
    /// # Errors
    /// [`Error::IfMatchMissing`] and [`Error::Stale`].
    pub fn check_if_match(&self, current: &etag::ETag, alters: bool) -> Result<(), Error> {
        match &self.if_match {
            _ if !alters => Ok(()),
            None => Err(Error::IfMatchMissing),
            Some(known) if etag::names_version(known, current) => Ok(()),
            Some(_) => Err(Error::Stale),
        }
    }

    fn read(request: &HttpRequest) -> Result<Self, Error> {
        let credentials = credentials(request)?;
        let conditions = Conditions::read(request)?;
        let idempotency_key = text(request, header::HeaderName::from_static("idempotency-key"))?;
        if idempotency_key.as_ref().is_some_and(|key| key.is_empty() || key.len() > 255) {
            return Err(Error::malformed("idempotency_key_malformed", "Idempotency-Key must have 1 to 255 characters"));
        }
        let if_match = refuse_named_states(request)?;
        Ok(Self {
            credentials,
            operation: format!("{} {}", request.method(), request.uri()),
            path: request.path().to_owned(),
            query: request.query_string().to_owned(),
            idempotency_key,
            if_match,
            conditions,
        })
    }
}

impl FromRequest for Caller {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::read(request))
    }
}
