//! `/calendars`, their days and shifts.

use actix_web::web::{Data, Path, ServiceConfig};
use utoipa::OpenApi;

use super::{Calendar, CalendarDay, CalendarId, CalendarPatch, CrewShift, NewCalendar, store};
use crate::{
    db::Db,
    error::Error,
    http::{Answer, Body, Caller, Changing, ETag, Page, PageQuery, Query, Reading, Unchanged, Writing, at, once},
};

#[derive(OpenApi)]
#[openapi(paths(list_calendars, create_calendar, read_calendar, update_calendar, list_calendar_days, list_crew_shifts))]
pub struct ApiDoc;

pub fn routes(api: &mut ServiceConfig) {
    api.service(at("/calendars").get(list_calendars).post(create_calendar))
        .service(at("/calendars/{id}").get(read_calendar).patch(update_calendar))
        .service(at("/calendars/{id}/days").get(list_calendar_days))
        .service(at("/calendars/{id}/shifts").get(list_crew_shifts));
}

/// The calendars the caller sees
#[utoipa::path(get, path = "/calendars", tag = "calendars", params(PageQuery), responses(
    (status = 200, description = "A page of calendars", body = Page<Calendar>), Reading))]
async fn list_calendars(db: Data<Db>, caller: Caller, query: Query<PageQuery>) -> Result<Answer, Error> {
    let (cursor, limit) = query.read()?;
    let rows = db.read(caller.credentials.clone(), move |conn, actor, _| store::list(conn, actor, cursor, limit + 1)).await?;
    Answer::page(&caller, Page::cut(rows, limit, |row| row.id.to_string()))
}

/// Begin a calendar of holidays, or of the shifts that a sponsor's crews work
///
/// It is empty; its days or shifts are imported from files.
#[utoipa::path(post, path = "/calendars", tag = "calendars",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = NewCalendar, example = json!({"kind": "holidays", "code": "CN-2020", "name": "2020 年节假日",
        "time_zone": "Asia/Shanghai", "weekend_days": ["saturday", "sunday"]})),
    responses((status = 201, description = "The new calendar", body = Calendar), Writing))]
async fn create_calendar(db: Data<Db>, caller: Caller, body: Body<NewCalendar>) -> Result<Answer, Error> {
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let calendar = store::create(conn, actor, now, body.value()?)?;
        Ok(Answer::created(format!("/api/v1/calendars/{}", calendar.id), &calendar)?.tag(&ETag::version(calendar.version)))
    })
    .await
}

/// One calendar
#[utoipa::path(get, path = "/calendars/{id}", tag = "calendars", params(("id" = CalendarId, Path, description = "The calendar")),
    responses((status = 200, description = "The calendar", body = Calendar), Unchanged, Reading))]
async fn read_calendar(db: Data<Db>, caller: Caller, id: Path<CalendarId>) -> Result<Answer, Error> {
    let id = id.into_inner();
    let row = db.read(caller.credentials.clone(), move |conn, actor, _| store::find(conn, actor, id)).await?;
    Ok(Answer::ok(&row)?.tag_unless_known(&caller, &ETag::version(row.version)))
}

/// Change a calendar's code, name or weekend
#[utoipa::path(patch, path = "/calendars/{id}", tag = "calendars",
    params(("id" = CalendarId, Path, description = "The calendar"),
        ("If-Match" = String, Header, description = "The ETag last read; 428 without it")),
    request_body(content = CalendarPatch, example = json!({"weekend_days": ["sunday"]})),
    responses((status = 200, description = "The calendar as it is now", body = Calendar), Changing))]
async fn update_calendar(db: Data<Db>, caller: Caller, id: Path<CalendarId>, body: Body<CalendarPatch>) -> Result<Answer, Error> {
    let id = id.into_inner();
    db.write(caller.credentials.clone(), move |conn, actor, _| {
        let row = store::update(conn, actor, &caller, id, body.value()?)?;
        Ok(Answer::ok(&row)?.tag(&ETag::version(row.version)))
    })
    .await
}

/// The listed days of a calendar of holidays, by date
#[utoipa::path(get, path = "/calendars/{id}/days", tag = "calendars",
    params(("id" = CalendarId, Path, description = "The calendar"), PageQuery),
    responses((status = 200, description = "A page of days", body = Page<CalendarDay>), Reading))]
async fn list_calendar_days(db: Data<Db>, caller: Caller, id: Path<CalendarId>, query: Query<PageQuery>) -> Result<Answer, Error> {
    let (id, (cursor, limit)) = (id.into_inner(), query.read()?);
    let rows = db.read(caller.credentials.clone(), move |conn, actor, _| store::list_days(conn, actor, id, cursor, limit + 1)).await?;
    Answer::page(&caller, Page::cut(rows, limit, |day| day.date.to_string()))
}

/// The shifts of a calendar of shifts, by start and crew
#[utoipa::path(get, path = "/calendars/{id}/shifts", tag = "calendars",
    params(("id" = CalendarId, Path, description = "The calendar"), PageQuery),
    responses((status = 200, description = "A page of shifts", body = Page<CrewShift>), Reading))]
async fn list_crew_shifts(db: Data<Db>, caller: Caller, id: Path<CalendarId>, query: Query<PageQuery>) -> Result<Answer, Error> {
    let (id, (cursor, limit)) = (id.into_inner(), query.read()?);
    let rows = db.read(caller.credentials.clone(), move |conn, actor, _| store::list_shifts(conn, actor, id, cursor, limit + 1)).await?;
    Answer::page(&caller, Page::cut(rows, limit, |shift| shift.cursor().to_string()))
}
