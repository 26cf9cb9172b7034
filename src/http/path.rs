//! Addresses whose parts are not what a route takes.

use actix_web::{Error as ActixError, HttpRequest, error::PathError, http::StatusCode, web::Data};
use utoipa::openapi::OpenApi;

use crate::error::Error;

/// 404. For a word that is one of a few, such as a transition, with those that there are; an id that does not parse is one of nothing.
pub fn not_found(error: PathError, request: &HttpRequest) -> ActixError {
    let message = error.to_string();
    let Some((asked, known)) = message.split_once("unknown variant ").and_then(|(_, words)| words.rsplit_once(", expected ")) else {
        return Error::NotFound.into();
    };
    let mut known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
    known.extend(steps_beside(request));
    let detail = format!("there is no {asked} here; there are: {}", known.join(", "));
    Error::Refused { status: StatusCode::NOT_FOUND, code: "not_found", detail }.into()
}

/// The last words of the operations beside the route that take a step as it does: a POST that answers 200, where one that makes
/// something answers 201.
fn steps_beside(request: &HttpRequest) -> Vec<&str> {
    let Some((document, pattern)) = request.app_data::<Data<OpenApi>>().zip(request.match_pattern()) else {
        return Vec::new();
    };
    let parent = pattern.rsplit_once('/').map_or("", |(parent, _)| parent);
    let steps = document.paths.paths.iter().filter_map(|(path, item)| {
        let (before, last) = path.rsplit_once('/')?;
        let is_step = item.post.as_ref().is_some_and(|operation| operation.responses.responses.contains_key("200"));
        (before == parent && is_step && !last.starts_with('{')).then_some(last)
    });
    steps.collect()
}
