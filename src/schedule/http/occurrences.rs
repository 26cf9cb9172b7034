//! `/sessions/{id}/move`, `cut`, `split` and `substitute`.

use actix_web::web::{Data, Path};

use super::Sessions;
use crate::{
    db::Db,
    error::Error,
    http::{Answer, Body, Caller, Writing, once},
    schedule::{
        model::SessionId,
        occurrences::{SessionCut, SessionMove, SessionSplit, Substitution},
        store::occurrences,
    },
};

/// Move a session, or it and the rest of its series
///
/// A published session keeps its id and raises its sequence. The rest moves by as many days and as much by the clock, so that a session at
/// nine stays at nine where the clocks change; if they skip or show twice the new time of one, none is moved.
#[utoipa::path(post, path = "/sessions/{id}/move", tag = "sessions",
    params(("id" = SessionId, Path, description = "The session"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = SessionMove, example = json!({"starts_at": "2020-05-29T01:00:00Z", "scope": "rest",
        "reason": "the hall is closed on Thursdays"})),
    responses((status = 200, description = "The sessions as they are now, by start", body = Sessions), Writing))]
pub(super) async fn move_session(db: Data<Db>, caller: Caller, id: Path<SessionId>, body: Body<SessionMove>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let sessions = occurrences::move_to(conn, actor, now, id, body.value()?)?;
        Answer::ok(&Sessions::warned(conn, actor, now, sessions)?)
    })
    .await
}

/// End a session earlier, or it and the rest of its series
///
/// The breaks stay as they are. What ends later than before is no cut and is refused; move it instead.
#[utoipa::path(post, path = "/sessions/{id}/cut", tag = "sessions",
    params(("id" = SessionId, Path, description = "The session"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = SessionCut, example = json!({"minutes": 30, "reason": "the hall closes early"})),
    responses((status = 200, description = "The sessions as they are now, by start", body = Sessions), Writing))]
pub(super) async fn cut_session(db: Data<Db>, caller: Caller, id: Path<SessionId>, body: Body<SessionCut>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let sessions = occurrences::cut(conn, actor, now, id, body.value()?)?;
        Answer::ok(&Sessions::warned(conn, actor, now, sessions)?)
    })
    .await
}

/// Part a session in two, or it and the rest of its series each
///
/// It keeps its id and ends earlier; a new session of the same series takes over the rest of its minutes with the same people, in the same
/// place and state. The breaks stay in the first part if they leave anything of it, else they go with the rest. What the session may overlap
/// by a waiver the rest may too, by one of its own for the same reason.
///
/// Of the rest of a series each session is parted as many minutes after its start. What takes over is called by the code of its session, a
/// hyphen and the `code` of the request: with the one of the example MET-01 goes on as MET-01-B and MET-02 as MET-02-B. If one of these
/// codes is taken (409 `already_exists`) or longer than 64 characters (422), or one of the sessions is too short, none is parted.
#[utoipa::path(post, path = "/sessions/{id}/split", tag = "sessions",
    params(("id" = SessionId, Path, description = "The session"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = SessionSplit, example = json!({"at": "2020-05-28T01:45:00Z", "resumes_at": "2020-05-28T06:00:00Z",
        "code": "B", "scope": "rest", "reason": "the laboratory is free in the afternoon only"})),
    responses((status = 200, description = "All parts as they are now, by start", body = Sessions), Writing))]
pub(super) async fn split_session(db: Data<Db>, caller: Caller, id: Path<SessionId>, body: Body<SessionSplit>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let sessions = occurrences::split(conn, actor, now, id, body.value()?)?;
        Answer::ok(&Sessions::warned(conn, actor, now, sessions)?)
    })
    .await
}

/// Have an instructor teach instead of another, in a session or in it and the rest of its series
///
/// Whoever steps in for who leads leads. Later sessions that the instructor does not teach stay as they are.
#[utoipa::path(post, path = "/sessions/{id}/substitute", tag = "sessions",
    params(("id" = SessionId, Path, description = "The session"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = Substitution, example = json!({"instructor_id": "01936f3e-0000-7000-8000-000000000007",
        "by_instructor_id": "01936f3e-0000-7000-8000-00000000000a", "scope": "rest", "reason": "on leave until July"})),
    responses((status = 200, description = "The sessions as they are now, by start", body = Sessions), Writing))]
pub(super) async fn substitute_instructor(
    db: Data<Db>,
    caller: Caller,
    id: Path<SessionId>,
    body: Body<Substitution>,
) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let sessions = occurrences::substitute(conn, actor, now, id, body.value()?)?;
        Answer::ok(&Sessions::warned(conn, actor, now, sessions)?)
    })
    .await
}
