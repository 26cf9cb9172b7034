//! `/enrollments/{id}/hours`.

use actix_web::web::{Data, Path, ServiceConfig};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::{
    model::{Balance, HourEntry, HourEntryId},
    store,
};
use crate::{
    db::Db,
    enrollments::EnrollmentId,
    error::Error,
    http::{Answer, Caller, Page, Query, Reading, at, page},
};

#[derive(OpenApi)]
#[openapi(paths(list_hours))]
pub struct ApiDoc;

pub fn routes(api: &mut ServiceConfig) {
    api.service(at("/enrollments/{id}/hours").get(list_hours));
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct HoursQuery {
    /// From `next` of the page before.
    cursor: Option<String>,
    /// How many, 1 to 500 (default 50).
    limit: Option<page::Limit>,
}

/// A page of an enrollment's ledger with its balance.
#[derive(Debug, Serialize, ToSchema)]
struct Hours {
    enrollment_id: EnrollmentId,
    /// The sums of all entries, in minutes.
    balance: Balance,
    items: Vec<HourEntry>,
    /// Send it as `cursor` for the next page; null on the last one.
    next: Option<String>,
}

/// The ledger of an enrollment, oldest entry first
#[utoipa::path(get, path = "/enrollments/{id}/hours", tag = "hours",
    params(("id" = EnrollmentId, Path, description = "The enrollment"), HoursQuery),
    responses((status = 200, description = "A page of entries, and the balance of all", body = Hours), Reading))]
async fn list_hours(db: Data<Db>, caller: Caller, id: Path<EnrollmentId>, query: Query<HoursQuery>) -> Result<Answer, Error> {
    let id = id.into_inner();
    let limit = page::limit(query.limit)?;
    let cursor: Option<HourEntryId> = page::cursor(query.cursor.as_deref())?;
    let (balance, entries) =
        db.read(caller.credentials.clone(), move |conn, actor, _| store::hours(conn, actor, id, cursor, limit + 1)).await?;
    let Page { items, next } = Page::cut(entries, limit, |entry| entry.id.to_string());
    let hours = Hours { enrollment_id: id, balance, items, next };
    Ok(Answer::ok(&hours)?.link_next(&caller, hours.next.as_deref()))
}
