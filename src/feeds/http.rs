//! `/feeds`, and `/schedules`, where they are read.

use actix_web::web::{Data, Path, ServiceConfig};
use utoipa::OpenApi;

use super::{
    calendar,
    model::{Feed, FeedId, IssuedFeed, NewFeed},
    store,
};
use crate::{
    clock,
    db::Db,
    error::Error,
    http::{Answer, Body, Caller, Change, Conditions, Origin, Page, PageQuery, Query, Reading, Unchanged, Unguarded, Writing, at, once},
};

#[derive(OpenApi)]
#[openapi(paths(list_feeds, create_feed, revoke_feed, read_schedule))]
pub struct ApiDoc;

pub fn routes(api: &mut ServiceConfig) {
    api.service(at("/feeds").get(list_feeds).post(create_feed))
        .service(at("/feeds/{id}/revoke").post(revoke_feed))
        .service(at("/schedules/{file_name}").get(read_schedule));
}

/// The feeds the caller sees
#[utoipa::path(get, path = "/feeds", tag = "feeds", params(PageQuery), responses(
    (status = 200, description = "A page of feeds, without their addresses", body = Page<Feed>), Reading))]
async fn list_feeds(db: Data<Db>, caller: Caller, query: Query<PageQuery>) -> Result<Answer, Error> {
    let (cursor, limit) = query.read()?;
    let rows = db.read(caller.credentials.clone(), move |conn, actor, _| store::list(conn, actor, cursor, limit + 1)).await?;
    Answer::page(&caller, Page::cut(rows, limit, |feed| feed.id.to_string()))
}

/// Make a feed of somebody's or something's schedule
///
/// The address is told this once. Whoever knows it reads the calendar, so it is given to one person or one device, and revoked when it
/// is not needed any more. An instructor and a trainee can make feeds of their own schedule.
#[utoipa::path(post, path = "/feeds", tag = "feeds",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once; answered again, the feed has no address")),
    request_body(content = NewFeed, example = json!({"kind": "cohort", "subject_id": "01936f3e-0000-7000-8000-000000000004"})),
    responses((status = 201, description = "The new feed with its address", body = IssuedFeed), Writing))]
async fn create_feed(db: Data<Db>, caller: Caller, origin: Origin, body: Body<NewFeed>) -> Result<Answer, Error> {
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let (feed, secret) = store::create(conn, actor, now, &body.value()?)?;
        let path = format!("/api/v1/schedules/{}.ics", secret.expose());
        let kept = IssuedFeed { feed, address: None, webcal_address: None };
        let told = IssuedFeed { address: Some(origin.address(&path)), webcal_address: Some(origin.webcal(&path)), ..kept.clone() };
        Answer::created("/api/v1/feeds".to_owned(), &told)?.kept_as(&kept)
    })
    .await
}

/// Revoke a feed: its address answers 404 from now on
#[utoipa::path(post, path = "/feeds/{id}/revoke", tag = "feeds",
    params(("id" = FeedId, Path, description = "The feed"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = Change, example = json!({"reason": "the telephone was lost"})),
    responses((status = 200, description = "The feed, revoked", body = Feed), Writing))]
async fn revoke_feed(db: Data<Db>, caller: Caller, id: Path<FeedId>, body: Body<Change>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        Answer::ok(&store::revoke(conn, actor, now, id, body.value()?.reason.as_ref().map(|reason| reason.as_str()))?)
    })
    .await
}

/// The schedule at a secret address
///
/// iCalendar (RFC 5545): what is published, held or was cancelled, never a draft. Needs no token.
#[utoipa::path(get, path = "/schedules/{file_name}", tag = "feeds", security(()),
    params(("file_name" = String, Path, description = "The secret of the feed, and `.ics`")),
    responses((status = 200, description = "The calendar", body = String, content_type = "text/calendar"), Unchanged, Unguarded))]
async fn read_schedule(db: Data<Db>, conditions: Conditions, file_name: Path<String>) -> Result<Answer, Error> {
    let (calendar, used) = db.snapshot(move |conn, now| store::calendar(conn, now, &file_name)).await?;
    if let Some(id) = used {
        db.note(move |conn| store::note_use(conn, id, clock::now()));
    }
    let tag = calendar::tag(&calendar)?;
    if conditions.has(&tag) { Ok(Answer::not_modified(&tag)) } else { Ok(Answer::calendar(calendar::text(&calendar)?).tag(&tag)) }
}
