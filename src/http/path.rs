//! Addresses whose parts are not what a route takes.

use actix_web::{Error as ActixError, HttpRequest, HttpResponse, error::PathError, http::StatusCode, web::Data};
use utoipa::openapi::{
    OpenApi, RefOr, Schema,
    path::{Operation, ParameterIn},
};

use super::query;
use crate::error::Error;

/// What answers where a part of the address does not parse: 404.
pub fn not_found(_: PathError, request: &HttpRequest) -> ActixError {
    nothing_at(request).into()
}

/// What answers where there is no route: 404.
pub async fn no_route(request: HttpRequest) -> HttpResponse {
    HttpResponse::from_error(nothing_at(&request))
}

/// Where the last part of the address is one of a few words, such as a step, those that there are for the method are named.
fn nothing_at(request: &HttpRequest) -> Error {
    let asked = request.path().rsplit_once('/').unwrap_or_default().1;
    match words_at(request) {
        // A word that there is was not what is wrong.
        Some(known) if !known.is_empty() && !known.contains(&asked) => {
            let detail = format!("there is no `{asked}` here; there are: {}", known.join(", "));
            Error::Refused { status: StatusCode::NOT_FOUND, code: "not_found", detail }
        }
        _ => Error::NotFound,
    }
}

/// The words that can stand where the address ends, by the API document; nothing if an id can stand there, which is one of no few.
fn words_at(request: &HttpRequest) -> Option<Vec<&str>> {
    let (parent, _) = request.path().rsplit_once('/')?;
    let (document, method) = (request.app_data::<Data<OpenApi>>()?, query::method(request));
    let mut words = Vec::new();
    for path in document.paths.paths.keys() {
        let Some((_, last)) = path.rsplit_once('/').filter(|(before, _)| is_at(parent, before)) else { continue };
        let Some(operation) = document.paths.get_path_operation(path, method.clone()) else { continue };
        match last.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            None => words.push(last),
            Some(name) => words.extend(values_of(document, operation, name)?),
        }
    }
    Some(words)
}

/// Whether an address fits the path of the API document, whose `{id}` stands for anything.
fn is_at(address: &str, path: &str) -> bool {
    let mut pairs = address.split('/').zip(path.split('/'));
    address.matches('/').count() == path.matches('/').count() && pairs.all(|(part, known)| part == known || known.starts_with('{'))
}

/// The values of a parameter in a path; nothing if its schema does not list them.
fn values_of<'a>(document: &'a OpenApi, operation: &'a Operation, name: &str) -> Option<impl Iterator<Item = &'a str>> {
    let mut parameters = operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    });
    let parameter = parameters.find(|parameter| parameter.parameter_in == ParameterIn::Path && parameter.name == name)?;
    let mut schema = parameter.schema.as_ref()?;
    if let RefOr::Ref(link) = schema {
        schema = document.components.as_ref()?.schemas.get(link.ref_location.rsplit('/').next()?)?;
    }
    let RefOr::T(Schema::Object(object)) = schema else { return None };
    Some(object.enum_values.as_ref()?.iter().filter_map(serde_json::Value::as_str))
}
