//! Addresses whose parts are not what a route takes.

use actix_web::{
    Error as ActixError, HttpRequest,
    error::PathError,
    http::{Method, StatusCode},
    web::Data,
};
use utoipa::openapi::OpenApi;

use crate::error::Error;

/// 404. For a word that is one of a few, such as a transition, with those that there are; an id that does not parse is one of nothing.
pub fn not_found(error: PathError, request: &HttpRequest) -> ActixError {
    let message = error.to_string();
    match message.split_once("unknown variant ").and_then(|(_, words)| words.rsplit_once(", expected ")) {
        Some((_, known)) => none_of(request, known.split('`').skip(1).step_by(2).collect()).into(),
        None => Error::NotFound.into(),
    }
}

/// What answers where there is no route: 404, which for a step names those that there are.
pub async fn no_route(request: HttpRequest) -> Result<String, Error> {
    Err(none_of(&request, Vec::new()))
}

fn none_of<'a>(request: &'a HttpRequest, mut known: Vec<&'a str>) -> Error {
    let (parent, asked) = request.path().rsplit_once('/').unwrap_or_default();
    if request.method() == Method::POST {
        known.extend(steps_below(request, parent));
    }
    if known.is_empty() {
        return Error::NotFound;
    }
    let detail = format!("there is no `{asked}` here; there are: {}", known.join(", "));
    Error::Refused { status: StatusCode::NOT_FOUND, code: "not_found", detail }
}

/// The last words of the operations below `parent` that take a step of what is there: a POST that answers 200, where one that makes
/// something answers 201.
fn steps_below<'a>(request: &'a HttpRequest, parent: &str) -> Vec<&'a str> {
    let is_parent = |pattern: &str| {
        let mut pairs = parent.split('/').zip(pattern.split('/'));
        parent.matches('/').count() == pattern.matches('/').count() && pairs.all(|(part, known)| part == known || known.starts_with('{'))
    };
    let paths = request.app_data::<Data<OpenApi>>().map(|document| &document.paths.paths);
    let steps = paths.into_iter().flatten().filter_map(|(path, item)| {
        let (before, last) = path.rsplit_once('/')?;
        let is_step = item.post.as_ref().is_some_and(|operation| operation.responses.responses.contains_key("200"));
        (is_step && !last.starts_with('{') && is_parent(before)).then_some(last)
    });
    steps.collect()
}
