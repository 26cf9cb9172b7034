//! `/sessions/{id}/waivers`.

use actix_web::web::{Data, Path};

use crate::{
    db::Db,
    error::Error,
    http::{Answer, Body, Caller, ExplainedChange, Page, PageQuery, Query, Reading, Writing, once},
    schedule::{
        model::{NewWaiver, SessionId, Waiver},
        store::waivers,
    },
};

/// The sessions with which a session may overlap, by their ids
#[utoipa::path(get, path = "/sessions/{id}/waivers", tag = "sessions",
    params(("id" = SessionId, Path, description = "The session"), PageQuery),
    responses((status = 200, description = "A page of waivers", body = Page<Waiver>), Reading))]
pub(super) async fn list_waivers(db: Data<Db>, caller: Caller, id: Path<SessionId>, query: Query<PageQuery>) -> Result<Answer, Error> {
    let (id, (cursor, limit)) = (id.into_inner(), query.read()?);
    let read = move |conn: &mut _, actor: &_, _| waivers::list(conn, actor, id, (cursor, limit + 1));
    let rows = db.read_whole(caller.credentials.clone(), read).await?;
    Answer::page(&caller, Page::cut(rows, limit, |waiver| waiver.other_session_id.to_string()))
}

/// Let a session overlap another one
///
/// The two need not overlap yet, nor have an instructor, a cohort or a room in common: whoever is about to move one of them to the other's
/// time, or to give both the same instructor, waives first what would refuse that. It is good for this pair and for whatever the two come to
/// share. One that has been cancelled occupies nobody, and there is nothing to waive.
#[utoipa::path(post, path = "/sessions/{id}/waivers", tag = "sessions",
    params(("id" = SessionId, Path, description = "The session"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = NewWaiver, example = json!({"other_session_id": "01936f3e-0000-7000-8000-000000000009",
        "reason": "the instructor looks after both laboratories"})),
    responses((status = 201, description = "The waiver", body = Waiver), Writing))]
pub(super) async fn waive_conflict(db: Data<Db>, caller: Caller, id: Path<SessionId>, body: Body<NewWaiver>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let waiver = waivers::waive(conn, actor, now, id, body.value()?)?;
        Answer::created(format!("/api/v1/sessions/{id}/waivers"), &waiver)
    })
    .await
}

/// Take back that two sessions may overlap
///
/// Refused with `waiver_in_use` as long as they do: move or cancel one of them first.
#[utoipa::path(post, path = "/sessions/{id}/waivers/{other_id}/revoke", tag = "sessions",
    params(("id" = SessionId, Path, description = "Either session of the pair"),
        ("other_id" = SessionId, Path, description = "The other one"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = ExplainedChange, example = json!({"reason": "a second instructor was found"})),
    responses((status = 200, description = "The waiver that there was", body = Waiver), Writing))]
pub(super) async fn revoke_waiver(
    db: Data<Db>,
    caller: Caller,
    path: Path<(SessionId, SessionId)>,
    body: Body<ExplainedChange>,
) -> Result<Answer, Error> {
    let pair = path.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, _| {
        let ExplainedChange { reason } = body.value()?;
        Answer::ok(&waivers::revoke(conn, actor, pair, &reason)?)
    })
    .await
}
