//! `/intakes/{id}/leave-requests` and `/leave-requests`.

use actix_web::web::{Data, Path, ServiceConfig};
use serde::Deserialize;
use utoipa::{IntoParams, OpenApi};

use super::{
    model::{LeaveFilter, LeaveRequest, LeaveRequestId, LeaveState, LeaveTransition, NewLeave},
    store,
};
use crate::{
    db::Db,
    enrollments::EnrollmentId,
    error::Error,
    http::{Answer, Body, Caller, Change, ETag, Page, Query, Reading, Unchanged, Writing, at, once, page},
    intakes::IntakeId,
};

#[derive(OpenApi)]
#[openapi(paths(list_leave_requests, ask_leave, read_leave_request, transition_leave_request), components(schemas(LeaveTransition)))]
pub struct ApiDoc;

pub fn routes(api: &mut ServiceConfig) {
    api.service(at("/intakes/{id}/leave-requests").get(list_leave_requests).post(ask_leave))
        .service(at("/leave-requests/{id}").get(read_leave_request))
        .service(at("/leave-requests/{id}/{transition}").post(transition_leave_request));
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only those in this state.
    state: Option<LeaveState>,
    /// Only those that name this enrollment.
    enrollment_id: Option<EnrollmentId>,
    /// From `next` of the page before.
    cursor: Option<String>,
    /// How many, 1 to 500 (default 50).
    limit: Option<page::Limit>,
}

/// The leave requests of an intake that the caller sees
///
/// An instructor sees those that touch a session that they teach: one that takes place meanwhile and that somebody of the request owes.
#[utoipa::path(get, path = "/intakes/{id}/leave-requests", tag = "leave",
    params(("id" = IntakeId, Path, description = "The intake"), ListQuery),
    responses((status = 200, description = "A page of leave requests", body = Page<LeaveRequest>), Reading))]
async fn list_leave_requests(db: Data<Db>, caller: Caller, id: Path<IntakeId>, query: Query<ListQuery>) -> Result<Answer, Error> {
    let ListQuery { state, enrollment_id, cursor, limit } = query.into_inner();
    let (id, cursor, limit) = (id.into_inner(), page::cursor(cursor.as_deref())?, page::limit(limit)?);
    let filter = LeaveFilter { state, enrollment_id };
    let rows = db.read(caller.credentials.clone(), move |conn, actor, _| store::list(conn, actor, id, filter, (cursor, limit + 1))).await?;
    Answer::page(&caller, Page::cut(rows, limit, |row| row.id.to_string()))
}

/// Ask for leave, for one enrollment or a whole crew
///
/// Of what is missed of a session, only what lies within granted leave counts as authorized absence. The answer names the sessions.
#[utoipa::path(post, path = "/intakes/{id}/leave-requests", tag = "leave",
    params(("id" = IntakeId, Path, description = "The intake"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = NewLeave, example = json!({"enrollment_id": "01936f3e-0000-7000-8000-000000000006", "kind": "personal",
        "starts_at": "2020-06-02T08:00", "ends_at": "2020-06-02T12:00", "reason": "a wedding in the family"})),
    responses((status = 201, description = "The new leave request", body = LeaveRequest), Writing))]
async fn ask_leave(db: Data<Db>, caller: Caller, id: Path<IntakeId>, body: Body<NewLeave>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let request = store::ask(conn, actor, now, id, body.value()?)?;
        Ok(Answer::created(format!("/api/v1/leave-requests/{}", request.id), &request)?.tag(&ETag::version(request.version)))
    })
    .await
}

/// One leave request
#[utoipa::path(get, path = "/leave-requests/{id}", tag = "leave",
    params(("id" = LeaveRequestId, Path, description = "The leave request")),
    responses((status = 200, description = "The leave request", body = LeaveRequest), Unchanged, Reading))]
async fn read_leave_request(db: Data<Db>, caller: Caller, id: Path<LeaveRequestId>) -> Result<Answer, Error> {
    let id = id.into_inner();
    let request = db.read(caller.credentials.clone(), move |conn, actor, _| store::read(conn, actor, id)).await?;
    Ok(Answer::ok(&request)?.tag_unless_known(&caller, &ETag::version(request.version)))
}

/// Endorse, grant, refuse or withdraw leave
///
/// A roll call that was closed before leave in it was granted or withdrawn keeps what it posted; the answer marks its session as
/// unsettled. It is settled by reopening the roll call and closing it again.
#[utoipa::path(post, path = "/leave-requests/{id}/{transition}", tag = "leave",
    params(("id" = LeaveRequestId, Path, description = "The leave request"), ("transition" = LeaveTransition, Path, description = "The step"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = Change, example = json!({"reason": "the furnace is relined that day"})),
    responses((status = 200, description = "The leave request as it is now", body = LeaveRequest), Writing))]
async fn transition_leave_request(
    db: Data<Db>,
    caller: Caller,
    path: Path<(LeaveRequestId, LeaveTransition)>,
    body: Body<Change>,
) -> Result<Answer, Error> {
    let (id, step) = path.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let request = store::transition(conn, actor, now, id, step, body.value()?)?;
        Ok(Answer::ok(&request)?.tag(&ETag::version(request.version)))
    })
    .await
}
