//! The query of a request.

use std::{
    future::{Ready, ready},
    ops::Deref,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::Method, web::Data};
use serde::de::DeserializeOwned;
use utoipa::openapi::{
    HttpMethod, OpenApi, RefOr,
    path::{Operation, ParameterIn},
};

use crate::error::{Error, decoded};

/// The parameters behind the path, parsed into types that refuse what is wrong.
#[derive(Debug)]
pub struct Query<T>(T);

impl<T> Query<T> {
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Query<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request.query_string()).map(Self))
    }
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, Error> {
    // No text that is stored has one, and Postgres cannot even be asked for it.
    if let Some((name, _)) = form_urlencoded::parse(query.as_bytes()).find(|(_, value)| value.contains('\0')) {
        return Err(Error::malformed("query_malformed", format!("{name}: contains a NUL character")));
    }
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(pairs).map_err(|error| {
        let name = error.path().to_string();
        let message = error.into_inner().to_string();
        let (_, wanted) = decoded(&message, "");
        // A parameter that stands twice is told of the query as a whole, in words that name it.
        let detail = if name == "." { wanted.into_owned() } else { format!("{name}: {wanted}") };
        Error::malformed("query_malformed", detail)
    })
}

/// Refuses a parameter that the API document does not give the operation: it would be ignored, and whoever sent it would never know.
pub(super) fn refuse_unknown(request: &HttpRequest) -> Result<(), Error> {
    if request.query_string().is_empty() {
        return Ok(());
    }
    let known = documented(request);
    let mut sent = form_urlencoded::parse(request.query_string().as_bytes());
    match sent.find(|(name, _)| !known.contains(&name.as_ref())) {
        None => Ok(()),
        Some((name, _)) if name == "format" => {
            let detail = "format: unknown; what form an answer has is asked for by the header Accept";
            Err(Error::malformed("query_malformed", detail))
        }
        Some((name, _)) if known.is_empty() => Err(Error::malformed("query_malformed", format!("{name}: there are no parameters here"))),
        Some((name, _)) => Err(Error::malformed("query_malformed", format!("{name}: unknown; the parameters are {}", known.join(", ")))),
    }
}

/// What the API document says of the operation.
pub(super) fn operation(request: &HttpRequest) -> Option<&Operation> {
    let (document, path) = request.app_data::<Data<OpenApi>>().zip(request.match_pattern())?;
    document.paths.get_path_operation(path, method(request))
}

/// The method as the API document has it.
pub(super) fn method(request: &HttpRequest) -> HttpMethod {
    match *request.method() {
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::PATCH => HttpMethod::Patch,
        // HEAD goes with GET; no operation has another method.
        _ => HttpMethod::Get,
    }
}

/// The names of the parameters that the operation has in its query.
fn documented(request: &HttpRequest) -> Vec<&str> {
    let mut names = Vec::new();
    for parameter in operation(request).and_then(|operation| operation.parameters.as_ref()).into_iter().flatten() {
        if let RefOr::T(parameter) = parameter
            && parameter.parameter_in == ParameterIn::Query
        {
            names.push(parameter.name.as_str());
        }
    }
    names
}
