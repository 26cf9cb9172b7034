//! `/sessions/{id}/roll-call`, `/roll-calls` and `/correction-requests`.

use actix_web::web::{Data, Path, ServiceConfig};
use serde::Deserialize;
use utoipa::{IntoParams, OpenApi};

use super::{
    corrections::{CorrectionRequest, CorrectionRequestId, CorrectionState, CorrectionTransition, NewCorrection},
    evidence::Said,
    explain::ClosingExplanation,
    guests::NewGuest,
    model::{NewRollCall, RollCall, RollCallFilter, RollCallState, RollCallSummary, RollCallTransition},
    store,
};
use crate::{
    db::Db,
    enrollments::EnrollmentId,
    error::Error,
    http::{Answer, Body, Caller, Change, Changing, ETag, ExplainedChange, Page, Query, Reading, Unchanged, Writing, at, once, page},
    intakes::IntakeId,
    schedule::SessionId,
    text::Code,
};

#[derive(OpenApi)]
#[openapi(
    paths(
        list_roll_calls,
        read_roll_call,
        explain_roll_call,
        put_roll_call,
        transition_roll_call,
        list_evidence,
        invite_guest,
        dismiss_guest,
        list_correction_requests,
        ask_correction,
        read_correction_request,
        transition_correction_request
    ),
    components(schemas(RollCallTransition, CorrectionTransition))
)]
pub struct ApiDoc;

pub fn routes(api: &mut ServiceConfig) {
    api.service(at("/roll-calls").get(list_roll_calls))
        .service(at("/sessions/{id}/roll-call").get(read_roll_call).put(put_roll_call))
        .service(at("/sessions/{id}/roll-call/explain").get(explain_roll_call))
        .service(at("/sessions/{id}/roll-call/{transition}").post(transition_roll_call))
        .service(at("/sessions/{id}/evidence").get(list_evidence))
        .service(at("/sessions/{id}/guests").post(invite_guest))
        .service(at("/sessions/{id}/guests/{enrollment_id}/dismiss").post(dismiss_guest))
        .service(at("/intakes/{id}/correction-requests").get(list_correction_requests))
        .service(at("/sessions/{id}/correction-requests").post(ask_correction))
        .service(at("/correction-requests/{id}").get(read_correction_request))
        .service(at("/correction-requests/{id}/{transition}").post(transition_correction_request));
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// true: only those that are not closed, the daily list; false: only those that are.
    open: Option<bool>,
    /// Only those in this state; not_open is what nobody has called yet.
    state: Option<RollCallState>,
    /// Only those of this intake; needed unless `open` is true or `state` is another one than closed.
    intake_id: Option<IntakeId>,
    /// Only those of sessions with this code.
    code: Option<Code>,
    /// From `next` of the page before.
    cursor: Option<String>,
    /// How many, 1 to 500 (default 50).
    limit: Option<page::Limit>,
}

/// The roll calls of the sessions that have begun and that the caller sees, by their planned start
///
/// With `open=true` what is left to do: sessions that nobody has confirmed or called yet are among them, and those whose roll call did not
/// close by itself when it was due, with the reason.
#[utoipa::path(get, path = "/roll-calls", tag = "roll-calls", params(ListQuery),
    responses((status = 200, description = "A page of roll calls", body = Page<RollCallSummary>), Reading))]
async fn list_roll_calls(db: Data<Db>, caller: Caller, query: Query<ListQuery>) -> Result<Answer, Error> {
    let ListQuery { open, state, intake_id, code, cursor, limit } = query.into_inner();
    let (cursor, limit) = (page::cursor(cursor.as_deref())?, page::limit(limit)?);
    let filter = RollCallFilter { open, state, intake_id, code };
    let rows = db
        .read(caller.credentials.clone(), move |conn, actor, now| store::list::list(conn, actor, now, &filter, (cursor, limit + 1)))
        .await?;
    Answer::page(&caller, Page::cut(rows, limit, |one| one.cursor.to_string()))
}

/// The roll call of a session, with everybody who is expected
#[utoipa::path(get, path = "/sessions/{id}/roll-call", tag = "roll-calls", params(("id" = SessionId, Path, description = "The session")),
    responses((status = 200, description = "The roll call", body = RollCall), Unchanged, Reading))]
async fn read_roll_call(db: Data<Db>, caller: Caller, id: Path<SessionId>) -> Result<Answer, Error> {
    let id = id.into_inner();
    let roll_call = db.read(caller.credentials.clone(), move |conn, actor, _| store::read(conn, actor, id)).await?;
    Ok(Answer::ok(&roll_call)?.tag_unless_known(&caller, &ETag::version(roll_call.version)))
}

/// What keeps a roll call from being closed
///
/// Each reason for which a closing would be refused, with whose line it is and the amounts.
#[utoipa::path(get, path = "/sessions/{id}/roll-call/explain", tag = "roll-calls",
    params(("id" = SessionId, Path, description = "The session")),
    responses((status = 200, description = "What stands in the way", body = ClosingExplanation), Reading))]
async fn explain_roll_call(db: Data<Db>, caller: Caller, id: Path<SessionId>) -> Result<Answer, Error> {
    let id = id.into_inner();
    Answer::ok(&db.read(caller.credentials.clone(), move |conn, actor, now| store::explain::explain(conn, actor, now, id)).await?)
}

/// Call the roll: the whole class in one request
///
/// Whoever is left out has not been called, unless files say when they were in the meeting: that counts until somebody says otherwise.
/// After a closing nobody else who had been called may be left out: what was posted is corrected by saying what was found instead.
/// Lines can be put back as they were read: `enrollment_id`, `code`, `minutes`, `mode`, `note` and `segments` of each that has a code.
#[utoipa::path(put, path = "/sessions/{id}/roll-call", tag = "roll-calls",
    params(("id" = SessionId, Path, description = "The session"),
        ("If-Match" = Option<String>, Header, description = "The ETag last read; not needed for the first call")),
    request_body(content = NewRollCall, example = json!({"entries": [
        {"enrollment_id": "01936f3e-0000-7000-8000-000000000006", "code": "present"},
        {"enrollment_id": "01936f3e-0000-7000-8000-000000000007", "code": "excused", "minutes": 30, "note": "called to the plant"}]})),
    responses((status = 200, description = "The roll call as it is now", body = RollCall), Changing))]
async fn put_roll_call(db: Data<Db>, caller: Caller, id: Path<SessionId>, body: Body<NewRollCall>) -> Result<Answer, Error> {
    let id = id.into_inner();
    db.write(caller.credentials.clone(), move |conn, actor, now| {
        let roll_call = store::put(conn, actor, now, Some(&caller), id, &body.value()?)?;
        Ok(Answer::ok(&roll_call)?.tag(&ETag::version(roll_call.version)))
    })
    .await
}

/// Submit, close or reopen a roll call
///
/// A session that somebody was enrolled in late, or turned out not to owe, is settled by reopening its roll call, putting the class with
/// them, and closing it again: only what differs is posted. One that finds somebody present while a closed one of the intake has them in
/// another session is not closed (409 `attended_elsewhere`): nobody's minute counts twice.
#[utoipa::path(post, path = "/sessions/{id}/roll-call/{transition}", tag = "roll-calls",
    params(("id" = SessionId, Path, description = "The session"), ("transition" = RollCallTransition, Path, description = "The step"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = Change, example = json!({"reason": "a late sick note"})),
    responses((status = 200, description = "The roll call as it is now", body = RollCall), Writing))]
async fn transition_roll_call(
    db: Data<Db>,
    caller: Caller,
    path: Path<(SessionId, RollCallTransition)>,
    body: Body<Change>,
) -> Result<Answer, Error> {
    let (id, step) = path.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let roll_call = store::transition(conn, actor, now, id, step, &body.value()?)?;
        Ok(Answer::ok(&roll_call)?.tag(&ETag::version(roll_call.version)))
    })
    .await
}

/// What files say of who was in the meeting of a session, or viewed its recording
///
/// Each join as it was imported, with the import that says it, by enrollment and time; the roll call has what they come to together. A join
/// that two files say is told of each. A class adviser is shown those of the own cohorts and of guests.
#[utoipa::path(get, path = "/sessions/{id}/evidence", tag = "roll-calls", params(("id" = SessionId, Path, description = "The session")),
    responses((status = 200, description = "The joins", body = Vec<Said>), Reading))]
async fn list_evidence(db: Data<Db>, caller: Caller, id: Path<SessionId>) -> Result<Answer, Error> {
    let id = id.into_inner();
    Answer::ok(&db.read(caller.credentials.clone(), move |conn, actor, _| store::evidence::list(conn, actor, id)).await?)
}

/// Add a guest to a session: a trainee of the intake who does not owe it and makes up another one there
///
/// The guest is called with the class. What they attended is posted when the roll call is closed, as made up of the missed session and never
/// more than was missed of it; a correction of either roll call corrects it.
#[utoipa::path(post, path = "/sessions/{id}/guests", tag = "roll-calls",
    params(("id" = SessionId, Path, description = "The session to which the guest comes"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = NewGuest, example = json!({"enrollment_id": "01936f3e-0000-7000-8000-000000000006",
        "missed_session_id": "01936f3e-0000-7000-8000-000000000009", "note": "on shift that night; comes with crew 乙"})),
    responses((status = 201, description = "The roll call, with the guest", body = RollCall), Writing))]
async fn invite_guest(db: Data<Db>, caller: Caller, id: Path<SessionId>, body: Body<NewGuest>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let roll_call = store::guests::invite(conn, actor, now, id, body.value()?)?;
        Ok(Answer::created(format!("/api/v1/sessions/{id}/roll-call"), &roll_call)?.tag(&ETag::version(roll_call.version)))
    })
    .await
}

/// Take a guest from a session again
#[utoipa::path(post, path = "/sessions/{id}/guests/{enrollment_id}/dismiss", tag = "roll-calls",
    params(("id" = SessionId, Path, description = "The session"),
        ("enrollment_id" = EnrollmentId, Path, description = "The guest"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = ExplainedChange, example = json!({"reason": "was released from the shift and came to the own session"})),
    responses((status = 200, description = "The roll call, without the guest", body = RollCall), Writing))]
async fn dismiss_guest(
    db: Data<Db>,
    caller: Caller,
    path: Path<(SessionId, EnrollmentId)>,
    body: Body<ExplainedChange>,
) -> Result<Answer, Error> {
    let pair = path.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, _| {
        let roll_call = store::guests::dismiss(conn, actor, pair, &body.value()?.reason)?;
        Ok(Answer::ok(&roll_call)?.tag(&ETag::version(roll_call.version)))
    })
    .await
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CorrectionQuery {
    /// Only those in this state.
    state: Option<CorrectionState>,
    /// Only those of the session with this code.
    code: Option<Code>,
    /// From `next` of the page before.
    cursor: Option<String>,
    /// How many, 1 to 500 (default 50).
    limit: Option<page::Limit>,
}

/// The corrections of roll calls of an intake that were asked for and that the caller sees
#[utoipa::path(get, path = "/intakes/{id}/correction-requests", tag = "roll-calls",
    params(("id" = IntakeId, Path, description = "The intake"), CorrectionQuery),
    responses((status = 200, description = "A page of correction requests", body = Page<CorrectionRequest>), Reading))]
async fn list_correction_requests(
    db: Data<Db>,
    caller: Caller,
    id: Path<IntakeId>,
    query: Query<CorrectionQuery>,
) -> Result<Answer, Error> {
    let CorrectionQuery { state, code, cursor, limit } = query.into_inner();
    let (id, cursor, limit) = (id.into_inner(), page::cursor(cursor.as_deref())?, page::limit(limit)?);
    let rows = db
        .read(caller.credentials.clone(), move |conn, actor, _| {
            store::corrections::list(conn, actor, id, (state, code), (cursor, limit + 1))
        })
        .await?;
    Answer::page(&caller, Page::cut(rows, limit, |row| row.id.to_string()))
}

/// Ask for a correction of one line of a closed roll call
///
/// For as many days after the closing as the intake said then (`corrections_until` of the roll call); a coordinator is bound by none.
#[utoipa::path(post, path = "/sessions/{id}/correction-requests", tag = "roll-calls",
    params(("id" = SessionId, Path, description = "The session"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = NewCorrection, example = json!({"enrollment_id": "01936f3e-0000-7000-8000-000000000006", "code": "late",
        "minutes": 70, "statement": "the link did not open until twenty past nine"})),
    responses((status = 201, description = "The new correction request", body = CorrectionRequest), Writing))]
async fn ask_correction(db: Data<Db>, caller: Caller, id: Path<SessionId>, body: Body<NewCorrection>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let request = store::corrections::ask(conn, actor, now, id, body.value()?)?;
        Ok(Answer::created(format!("/api/v1/correction-requests/{}", request.id), &request)?.tag(&ETag::version(request.version)))
    })
    .await
}

/// One correction request
#[utoipa::path(get, path = "/correction-requests/{id}", tag = "roll-calls",
    params(("id" = CorrectionRequestId, Path, description = "The correction request")),
    responses((status = 200, description = "The correction request", body = CorrectionRequest), Unchanged, Reading))]
async fn read_correction_request(db: Data<Db>, caller: Caller, id: Path<CorrectionRequestId>) -> Result<Answer, Error> {
    let id = id.into_inner();
    let request = db.read(caller.credentials.clone(), move |conn, actor, _| store::corrections::read(conn, actor, id)).await?;
    Ok(Answer::ok(&request)?.tag_unless_known(&caller, &ETag::version(request.version)))
}

/// Accept, refuse or withdraw a correction request
///
/// Accepting reopens the roll call, puts the line and closes it again, all or nothing.
#[utoipa::path(post, path = "/correction-requests/{id}/{transition}", tag = "roll-calls",
    params(("id" = CorrectionRequestId, Path, description = "The correction request"),
        ("transition" = CorrectionTransition, Path, description = "The step"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = Change, example = json!({"reason": "the host confirms it"})),
    responses((status = 200, description = "The correction request as it is now", body = CorrectionRequest), Writing))]
async fn transition_correction_request(
    db: Data<Db>,
    caller: Caller,
    path: Path<(CorrectionRequestId, CorrectionTransition)>,
    body: Body<Change>,
) -> Result<Answer, Error> {
    let (id, step) = path.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let request = store::corrections::transition(conn, actor, now, id, step, body.value()?)?;
        Ok(Answer::ok(&request)?.tag(&ETag::version(request.version)))
    })
    .await
}
