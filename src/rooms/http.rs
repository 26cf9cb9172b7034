//! `/rooms`.

use actix_web::web::{Data, Path, ServiceConfig};
use utoipa::OpenApi;

use super::{NewRoom, Room, RoomId, RoomPatch, store};
use crate::{
    db::Db,
    error::Error,
    http::{Answer, Body, Caller, Changing, ETag, Page, PageQuery, Query, Reading, Unchanged, Writing, at, once},
};

#[derive(OpenApi)]
#[openapi(paths(list_rooms, create_room, read_room, update_room))]
pub struct ApiDoc;

pub fn routes(api: &mut ServiceConfig) {
    api.service(at("/rooms").get(list_rooms).post(create_room)).service(at("/rooms/{id}").get(read_room).patch(update_room));
}

/// The rooms and online places the caller sees
#[utoipa::path(get, path = "/rooms", tag = "rooms", params(PageQuery), responses(
    (status = 200, description = "A page of rooms", body = Page<Room>), Reading))]
async fn list_rooms(db: Data<Db>, caller: Caller, query: Query<PageQuery>) -> Result<Answer, Error> {
    let (cursor, limit) = query.read()?;
    let rows = db.read(caller.credentials.clone(), move |conn, actor, _| store::list(conn, actor, cursor, limit + 1)).await?;
    Answer::page(&caller, Page::cut(rows, limit, |row| row.id.to_string()))
}

/// Record a room or an online place
#[utoipa::path(post, path = "/rooms", tag = "rooms",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = NewRoom, example = json!({"code": "A-301", "name": "教学楼 301", "kind": "on_site", "capacity": 64})),
    responses((status = 201, description = "The new room", body = Room), Writing))]
async fn create_room(db: Data<Db>, caller: Caller, body: Body<NewRoom>) -> Result<Answer, Error> {
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let room = store::create(conn, actor, now, body.value()?)?;
        Ok(Answer::created(format!("/api/v1/rooms/{}", room.id), &room)?.tag(&ETag::version(room.version)))
    })
    .await
}

/// One room
#[utoipa::path(get, path = "/rooms/{id}", tag = "rooms", params(("id" = RoomId, Path, description = "The room")),
    responses((status = 200, description = "The room", body = Room), Unchanged, Reading))]
async fn read_room(db: Data<Db>, caller: Caller, id: Path<RoomId>) -> Result<Answer, Error> {
    let id = id.into_inner();
    let row = db.read(caller.credentials.clone(), move |conn, actor, _| store::find(conn, actor, id)).await?;
    Ok(Answer::ok(&row)?.tag_unless_known(&caller, &ETag::version(row.version)))
}

/// Change a room's code, name, link or capacity
///
/// Another name or link needs a reason if published sessions are to come there, for whoever these concern is told.
#[utoipa::path(patch, path = "/rooms/{id}", tag = "rooms",
    params(("id" = RoomId, Path, description = "The room"),
        ("If-Match" = String, Header, description = "The ETag last read; 428 without it")),
    request_body(content = RoomPatch, example = json!({"name": "教学楼 302", "reason": "the building was numbered anew"})),
    responses((status = 200, description = "The room as it is now", body = Room), Changing))]
async fn update_room(db: Data<Db>, caller: Caller, id: Path<RoomId>, body: Body<RoomPatch>) -> Result<Answer, Error> {
    let id = id.into_inner();
    db.write(caller.credentials.clone(), move |conn, actor, now| {
        let row = store::update(conn, actor, now, &caller, id, body.value()?)?;
        Ok(Answer::ok(&row)?.tag(&ETag::version(row.version)))
    })
    .await
}
