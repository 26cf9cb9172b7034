//! `/enrollments/{id}/hours` and `/hour-entries`.

use actix_web::web::{Data, Path, ServiceConfig};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::{
    explain::EntryExplanation,
    model::{Balance, HourEntry, HourEntryId, Ledger, NewAdjustment},
    store,
};
use crate::{
    access::Actor,
    clock::Instant,
    db::{Conn, Db},
    enrollments::EnrollmentId,
    error::Error,
    http::{Answer, Body, Caller, ExplainedChange, Page, Query, Reading, Writing, at, once, page},
    journal,
};

#[derive(OpenApi)]
#[openapi(paths(list_hours, adjust_hours, reverse_hours, explain_hours))]
pub struct ApiDoc;

pub fn routes(api: &mut ServiceConfig) {
    api.service(at("/enrollments/{id}/hours").get(list_hours).post(adjust_hours))
        .service(at("/hour-entries/{id}/explain").get(explain_hours))
        .service(at("/hour-entries/{id}/reverse").post(reverse_hours));
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct HoursQuery {
    /// What held at this instant, which is over: the answer is the same for ever, whatever is corrected later.
    as_of: Option<Instant>,
    /// From `next` of the page before.
    cursor: Option<String>,
    /// How many, 1 to 500 (default 50).
    limit: Option<page::Limit>,
}

/// A page of an enrollment's ledger with its balance.
#[derive(Debug, Serialize, ToSchema)]
struct Hours {
    enrollment_id: EnrollmentId,
    /// As asked; null of the ledger as it is.
    as_of: Option<Instant>,
    /// The position of the journal until which what it records counts, with `as_of`. Null to partners and trainees, whom it would tell how
    /// much the others write.
    #[schema(example = 1207)]
    position: Option<i64>,
    /// The sums of all entries, in minutes.
    balance: Balance,
    items: Vec<HourEntry>,
    /// Send it as `cursor` for the next page; null on the last one.
    next: Option<String>,
}

/// The ledger of an enrollment, oldest entry first
///
/// As it is or, with `as_of`, as it was. What was answered by that instant counts. What was being written then may count, from its
/// `recorded_at`, unless that instant was asked for before it was done, or what was recorded later was done before.
#[utoipa::path(get, path = "/enrollments/{id}/hours", tag = "hours",
    params(("id" = EnrollmentId, Path, description = "The enrollment"), HoursQuery),
    responses((status = 200, description = "A page of entries, and the balance of all", body = Hours), Reading))]
async fn list_hours(db: Data<Db>, caller: Caller, id: Path<EnrollmentId>, query: Query<HoursQuery>) -> Result<Answer, Error> {
    let id = id.into_inner();
    let limit = page::limit(query.limit)?;
    let cursor: Option<HourEntryId> = page::cursor(query.cursor.as_deref())?;
    let (as_of, credentials, page) = (query.as_of, caller.credentials.clone(), (cursor, limit + 1));
    let Ledger { position, balance, entries } = match as_of {
        Some(at) => {
            let read = move |conn: &mut Conn, actor: &Actor, position| store::hours::hours(conn, actor, id, Some(position), page);
            journal::read_as_of(&db, credentials, at, read).await?
        }
        None => db.read(credentials, move |conn, actor, _| store::hours::hours(conn, actor, id, None, page)).await?,
    };
    let Page { items, next } = Page::cut(entries, limit, |entry| entry.id.to_string());
    let hours = Hours { enrollment_id: id, as_of, position, balance, items, next };
    Ok(Answer::ok(&hours)?.link_next(&caller, hours.next.as_deref()))
}

/// Adjust the hours of an enrollment, in a module or in one closed session
///
/// For what no roll call says. What is present stays between nothing and what is owed. To correct what a roll call found, reopen it.
#[utoipa::path(post, path = "/enrollments/{id}/hours", tag = "hours",
    params(("id" = EnrollmentId, Path, description = "The enrollment"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = NewAdjustment, example = json!({"session_id": "01936f3e-0000-7000-8000-000000000006", "minutes": 45,
        "reason": "sat in the control room by order of the plant; the protocol shows the lesson"})),
    responses((status = 201, description = "The entry, posted", body = HourEntry), Writing))]
async fn adjust_hours(db: Data<Db>, caller: Caller, id: Path<EnrollmentId>, body: Body<NewAdjustment>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let entry = store::adjustments::adjust(conn, actor, now, id, body.value()?)?;
        Answer::created(format!("/api/v1/enrollments/{id}/hours"), &entry)
    })
    .await
}

/// Why an entry has its minutes
///
/// The rule in words, the session as it was held, the line of the roll call and the amounts; and what took it back since.
#[utoipa::path(get, path = "/hour-entries/{id}/explain", tag = "hours", params(("id" = HourEntryId, Path, description = "The entry")),
    responses((status = 200, description = "The explanation", body = EntryExplanation), Reading))]
async fn explain_hours(db: Data<Db>, caller: Caller, id: Path<HourEntryId>) -> Result<Answer, Error> {
    let id = id.into_inner();
    Answer::ok(&db.read(caller.credentials.clone(), move |conn, actor, _| store::explain::explain(conn, actor, id)).await?)
}

/// Take back an entry that was posted by hand
#[utoipa::path(post, path = "/hour-entries/{id}/reverse", tag = "hours",
    params(("id" = HourEntryId, Path, description = "The entry"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = ExplainedChange, example = json!({"reason": "posted for a namesake"})),
    responses((status = 201, description = "The entry that takes it back", body = HourEntry), Writing))]
async fn reverse_hours(db: Data<Db>, caller: Caller, id: Path<HourEntryId>, body: Body<ExplainedChange>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let entry = store::adjustments::reverse(conn, actor, now, id, body.value()?.reason)?;
        Answer::created(format!("/api/v1/enrollments/{}/hours", entry.enrollment_id), &entry)
    })
    .await
}
