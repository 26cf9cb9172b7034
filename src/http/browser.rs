//! What browsers need: the cookie of a sign-in, and that no other site acts through it.

use std::{
    future::{Ready, ready},
    net::{IpAddr, SocketAddr},
};

use actix_web::{
    Error as ActixError, FromRequest, HttpRequest,
    body::{BoxBody, MessageBody},
    cookie::{Cookie, SameSite, time::Duration},
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::{StatusCode, header},
    middleware::{DefaultHeaders, Next},
    web::Data,
};

use super::caller::{Conditions, refuse_named_states};
use crate::{
    access::{BegunSignIn, Secret},
    clock,
    config::{PublicUrl, TrustedProxies},
    error::Error,
    text::Name,
};

/// How the cookie of a sign-in is called and sent: scripts never read it, other sites never send it along. Where people reach the server by
/// https it is bound to that, and to this very host (`__Host-`, RFC 6265bis).
#[derive(Clone, Copy, Debug)]
pub(super) struct SignInCookie {
    is_secure: bool,
}

impl SignInCookie {
    pub(super) fn of(request: &HttpRequest) -> Self {
        let public = request.app_data::<Data<Option<PublicUrl>>>().and_then(|public| public.as_ref().as_ref());
        Self { is_secure: public.is_some_and(|public| public.scheme == "https") }
    }

    fn name(self) -> &'static str {
        if self.is_secure { "__Host-muster" } else { "muster" }
    }

    /// The secret that the browser sends, if it sends one. By its very name: what only comes to the same once it is decoded or trimmed, browsers
    /// let any page of a neighboring host set.
    ///
    /// # Errors
    /// 400 `header_repeated` if there are several, one of which somebody else has set.
    pub(super) fn read(self, request: &HttpRequest) -> Result<Option<Secret>, Error> {
        let mut found = None;
        for line in request.headers().get_all(header::COOKIE) {
            for pair in line.as_bytes().split(|byte| *byte == b';') {
                let value = pair.trim_ascii().strip_prefix(self.name().as_bytes()).and_then(|rest| rest.strip_prefix(b"="));
                let Some(value) = value else { continue };
                if found.replace(String::from_utf8_lossy(value)).is_some() {
                    return Err(Error::malformed("header_repeated", format!("the cookie {} is sent more than once", self.name())));
                }
            }
        }
        Ok(found.map(|value| Secret::from(&*value)))
    }

    fn write(self, value: &str, lifetime: Duration) -> String {
        Cookie::build(self.name(), value)
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.is_secure)
            .max_age(lifetime)
            .finish()
            .to_string()
    }
}

/// The browser or program that signs in, and under which conditions; it may hold a sign-in from before.
#[derive(Clone, Debug)]
pub struct Visitor {
    pub held: Option<Secret>,
    /// Where it is, behind the proxies that are trusted.
    pub address: IpAddr,
    /// What it says it is.
    pub device: Name,
    cookie: SignInCookie,
}

impl Visitor {
    /// The cookie by which it goes on as whoever has signed in.
    pub fn keeps(&self, begun: &BegunSignIn) -> String {
        let lifetime = begun.expires_at.since(clock::now());
        self.cookie.write(begun.secret.expose(), Duration::seconds(lifetime.num_seconds()))
    }

    /// The cookie that takes the place of the one it held.
    pub fn forgets(&self) -> String {
        self.cookie.write("", Duration::ZERO)
    }

    fn read(request: &HttpRequest) -> Result<Self, Error> {
        Conditions::read(request)?;
        refuse_named_states(request)?;
        let cookie = SignInCookie::of(request);
        let device = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let device: String = device.chars().take(200).collect();
        let unknown = || "an unknown browser".parse().map_err(Error::internal);
        Ok(Self { held: cookie.read(request)?, address: address(request)?, device: device.parse().or_else(|_| unknown())?, cookie })
    }
}

impl FromRequest for Visitor {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::read(request))
    }
}

/// Whether the peer is a trusted proxy, whose word is taken for what it forwards.
pub(super) fn is_by_proxy(request: &HttpRequest) -> bool {
    request.peer_addr().is_some_and(|peer| trusted(request, peer.ip().to_canonical()).is_some())
}

fn trusted(request: &HttpRequest, peer: IpAddr) -> Option<&Data<TrustedProxies>> {
    request.app_data::<Data<TrustedProxies>>().filter(|proxies| proxies.trusts(peer))
}

/// Where a request comes from: the peer, unless that is a trusted proxy; then the last address in `X-Forwarded-For` that is none.
fn address(request: &HttpRequest) -> Result<IpAddr, Error> {
    let peer = request.peer_addr().ok_or_else(|| Error::internal("a request came from nowhere"))?.ip().to_canonical();
    let Some(proxies) = trusted(request, peer) else { return Ok(peer) };
    let mut address = peer;
    let lines: Vec<&str> = request.headers().get_all("x-forwarded-for").map(|value| value.to_str().unwrap_or("unreadable")).collect();
    for said in lines.iter().flat_map(|line| line.split(',')).rev().map(str::trim) {
        // What stands left of something that is no address, nobody trusted has written. Some proxies add the port.
        let Ok(said) = said.parse::<IpAddr>().or_else(|_| said.parse::<SocketAddr>().map(|said| said.ip())) else { break };
        address = said.to_canonical();
        if !proxies.trusts(address) {
            break;
        }
    }
    Ok(address)
}

/// What tells a browser to do no more with an answer than show it to whoever asked: no guessing of types, no scripts or frames, nothing said
/// of the address to others; and, where people reach the server by https, never to come by http again.
pub fn security_headers(public_url: Option<&PublicUrl>) -> DefaultHeaders {
    let headers = DefaultHeaders::new()
        .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((header::REFERRER_POLICY, "no-referrer"))
        .add((header::X_FRAME_OPTIONS, "DENY"))
        .add(("cross-origin-resource-policy", "same-origin"))
        .add((header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"));
    match public_url {
        Some(public) if public.scheme == "https" => headers.add((header::STRICT_TRANSPORT_SECURITY, "max-age=31536000")),
        _ => headers,
    }
}

/// The middleware that refuses what a page of another site sends, after `CrossOriginProtection` of Go's net/http: what reads passes; the rest
/// by `Sec-Fetch-Site`, which browsers send over https and to localhost, else by `Origin`. What has neither comes from no browser.
pub async fn refuse_cross_site(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, ActixError> {
    if request.method().is_safe() || is_from_here(request.request()) {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let detail = "a page of another site sent this; it is not done".to_owned();
    Ok(request.error_response(Error::Refused { status: StatusCode::FORBIDDEN, code: "cross_site", detail }))
}

fn is_from_here(request: &HttpRequest) -> bool {
    let headers = request.headers();
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Some((scheme, host)) = origin.to_str().ok().and_then(|origin| origin.split_once("://")) else { return false };
    match request.app_data::<Data<Option<PublicUrl>>>().and_then(|public| public.as_ref().as_ref()) {
        Some(public) => public.scheme == scheme && public.host == host,
        None => headers.get(header::HOST).is_some_and(|own| own == host),
    }
}
