//! `/intakes/{id}/sessions` and `/sessions`.

mod occurrences;
mod placements;
mod series;
mod waivers;

use actix_web::web::{Data, Path, ServiceConfig};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::{
    changes::ScheduleChange,
    conflicts::{Checked, Conflict, Proposed},
    model::{ChangeScope, SeriesId, Session, SessionFilter, SessionId, SessionState, SessionStep, SessionTransition},
    plan::{NewHold, NewSession, SessionPatch},
    store::{self, changes, check, held, links::whole, steps},
};
use crate::{
    access::Actor,
    clock::Instant,
    db::{Conn, Db},
    error::Error,
    http::{Answer, Body, Caller, Changing, ETag, Many, Page, PageQuery, Query, Reading, Unchanged, Writing, at, once, page},
    intakes::{CohortId, IntakeId},
    people::PersonId,
    text::Code,
};

#[derive(OpenApi)]
#[openapi(
    paths(
        list_sessions,
        create_session,
        create_sessions,
        publish_sessions,
        check_sessions,
        series::list_series,
        series::create_series,
        series::read_series,
        read_session,
        update_session,
        placements::read_placements,
        hold_session,
        correct_hold,
        occurrences::move_session,
        occurrences::cut_session,
        occurrences::split_session,
        occurrences::substitute_instructor,
        waivers::list_waivers,
        waivers::waive_conflict,
        waivers::revoke_waiver,
        transition_session,
        list_session_changes,
        list_person_changes
    ),
    components(schemas(SessionTransition))
)]
pub struct ApiDoc;

pub fn routes(api: &mut ServiceConfig) {
    api.service(at("/intakes/{id}/sessions").get(list_sessions).post(create_session))
        .service(at("/intakes/{id}/sessions/bulk").post(create_sessions))
        .service(at("/intakes/{id}/sessions/publish").post(publish_sessions))
        .service(at("/intakes/{id}/sessions/check").post(check_sessions))
        .service(at("/intakes/{id}/series").get(series::list_series).post(series::create_series))
        .service(at("/series/{id}").get(series::read_series))
        .service(at("/sessions/{id}").get(read_session).patch(update_session))
        .service(at("/sessions/{id}/placements").get(placements::read_placements))
        .service(at("/sessions/{id}/hold").post(hold_session).patch(correct_hold))
        .service(at("/sessions/{id}/move").post(occurrences::move_session))
        .service(at("/sessions/{id}/cut").post(occurrences::cut_session))
        .service(at("/sessions/{id}/split").post(occurrences::split_session))
        .service(at("/sessions/{id}/substitute").post(occurrences::substitute_instructor))
        .service(at("/sessions/{id}/waivers").get(waivers::list_waivers).post(waivers::waive_conflict))
        .service(at("/sessions/{id}/waivers/{other_id}/revoke").post(waivers::revoke_waiver))
        .service(at("/sessions/{id}/changes").get(list_session_changes))
        .service(at("/people/{id}/changes").get(list_person_changes));
}

/// The transitions, registered after every room's `/sessions/{id}/…`, whose last part would match too.
pub fn transitions(api: &mut ServiceConfig) {
    api.service(at("/sessions/{id}/{transition}").post(transition_session));
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only sessions for this cohort.
    cohort_id: Option<CohortId>,
    /// Only sessions of this series.
    series_id: Option<SeriesId>,
    /// Only sessions that start at this instant or later.
    from: Option<Instant>,
    /// Only sessions that start before this instant.
    until: Option<Instant>,
    /// Only sessions in this state.
    state: Option<SessionState>,
    /// Only the session with this code.
    code: Option<Code>,
    /// From `next` of the page before.
    cursor: Option<String>,
    /// How many, 1 to 500 (default 50).
    limit: Option<page::Limit>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ChangesQuery {
    /// Only changes that were made at this instant or later.
    from: Option<Instant>,
    /// From `next` of the page before.
    cursor: Option<String>,
    /// How many, 1 to 500 (default 50).
    limit: Option<page::Limit>,
}

/// Many sessions, scheduled together or not at all.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewSessions {
    /// 1 to 1,000 of them.
    #[schema(value_type = Vec<NewSession>)]
    sessions: Many<NewSession>,
    /// Whether to publish them at once.
    #[serde(default)]
    publish: bool,
}

/// Which drafts of an intake to publish.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Publication {
    /// 1 to 1,000 of them; all drafts unless said.
    #[serde(default)]
    #[schema(value_type = Option<Vec<SessionId>>)]
    session_ids: Option<Many<SessionId>>,
    /// Instead of ids: all drafts of this series.
    #[serde(default)]
    series_id: Option<SeriesId>,
}

/// Sessions as they are now.
#[derive(Debug, Serialize, ToSchema)]
struct Sessions {
    sessions: Vec<Session>,
    #[serde(flatten)]
    warned: Warned,
}

impl Sessions {
    fn warned(conn: &mut Conn, actor: &Actor, now: Instant, sessions: Vec<Session>) -> Result<Self, Error> {
        Ok(Self { warned: Warned::of(conn, actor, now, &sessions)?, sessions })
    }
}

/// What is told of sessions that were changed all the same.
#[derive(Debug, Serialize, ToSchema)]
struct Warned {
    /// What the check tells of those that are published, and did not keep them from it; of drafts all that it tells: what blocks keeps them
    /// from being published; of cancelled ones whom that leaves without what they came to. At most 1,000.
    warnings: Vec<Conflict>,
    /// Whether there are more than these.
    #[schema(example = false)]
    warnings_truncated: bool,
}

impl Warned {
    fn of(conn: &mut Conn, actor: &Actor, now: Instant, sessions: &[Session]) -> Result<Self, Error> {
        let Checked { conflicts, truncated, .. } = check::as_they_stand(conn, actor, now, sessions)?;
        Ok(Self { warnings: conflicts, warnings_truncated: truncated })
    }
}

/// A session as it is now.
#[derive(Debug, Serialize, ToSchema)]
struct ChangedSession {
    #[serde(flatten)]
    session: Session,
    #[serde(flatten)]
    warned: Warned,
}

/// What a step has changed.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it only describes the two answers, each of which is made as it is")]
enum Stepped {
    One(Box<ChangedSession>),
    Several(Sessions),
}

impl ChangedSession {
    fn warned(conn: &mut Conn, actor: &Actor, now: Instant, session: Session) -> Result<Self, Error> {
        Ok(Self { warned: Warned::of(conn, actor, now, std::slice::from_ref(&session))?, session })
    }
}

fn answer(conn: &mut Conn, actor: &Actor, now: Instant, session: Session) -> Result<Answer, Error> {
    let session = ChangedSession::warned(conn, actor, now, session)?;
    Ok(Answer::ok(&session)?.tag(&ETag::version(session.session.row.version)))
}

/// The sessions of an intake that the caller sees, by start
#[utoipa::path(get, path = "/intakes/{id}/sessions", tag = "sessions",
    params(("id" = IntakeId, Path, description = "The intake"), ListQuery),
    responses((status = 200, description = "A page of sessions", body = Page<Session>), Reading))]
async fn list_sessions(db: Data<Db>, caller: Caller, id: Path<IntakeId>, query: Query<ListQuery>) -> Result<Answer, Error> {
    let (id, query) = (id.into_inner(), query.into_inner());
    let limit = page::limit(query.limit)?;
    let cursor = page::cursor(query.cursor.as_deref())?;
    let ListQuery { cohort_id, series_id, from, until, state, code, .. } = query;
    let filter = SessionFilter { cohort_id, series_id, from, until, state, code };
    let rows = db.read(caller.credentials.clone(), move |conn, actor, _| store::list(conn, actor, id, filter, cursor, limit + 1)).await?;
    Answer::page(&caller, Page::cut(rows, limit, |session| session.row.cursor().to_string()))
}

/// Schedule one session, as a draft
#[utoipa::path(post, path = "/intakes/{id}/sessions", tag = "sessions",
    params(("id" = IntakeId, Path, description = "The intake"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = NewSession, example = json!({"code": "MET-01", "module_id": "01936f3e-0000-7000-8000-000000000006",
        "starts_at": "2020-05-28T01:00:00Z", "ends_at": "2020-05-28T02:40:00Z", "break_minutes": 10, "place": "Room 301",
        "cohort_ids": ["01936f3e-0000-7000-8000-000000000004"], "instructor_ids": ["01936f3e-0000-7000-8000-000000000007"]})),
    responses((status = 201, description = "The new session, a draft", body = ChangedSession), Writing))]
async fn create_session(db: Data<Db>, caller: Caller, id: Path<IntakeId>, body: Body<NewSession>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let session = store::create_one(conn, actor, now, id, body.value()?)?;
        let session = ChangedSession::warned(conn, actor, now, session)?;
        let row = &session.session.row;
        Ok(Answer::created(format!("/api/v1/sessions/{}", row.id), &session)?.tag(&ETag::version(row.version)))
    })
    .await
}

/// Schedule many sessions, all or none
#[utoipa::path(post, path = "/intakes/{id}/sessions/bulk", tag = "sessions",
    params(("id" = IntakeId, Path, description = "The intake"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = NewSessions, example = json!({"publish": true, "sessions": [{"code": "MET-01",
        "module_id": "01936f3e-0000-7000-8000-000000000006", "starts_at": "2020-05-28T01:00:00Z", "ends_at": "2020-05-28T02:30:00Z",
        "cohort_ids": ["01936f3e-0000-7000-8000-000000000004"], "instructor_ids": ["01936f3e-0000-7000-8000-000000000007"]}]})),
    responses((status = 201, description = "The new sessions, in the order sent, with warnings", body = Sessions), Writing))]
async fn create_sessions(db: Data<Db>, caller: Caller, id: Path<IntakeId>, body: Body<NewSessions>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let NewSessions { sessions, publish } = body.value()?;
        let rows = store::create_many(conn, actor, now, id, sessions.0, publish)?;
        let sessions = whole(conn, rows)?;
        Answer::created(format!("/api/v1/intakes/{id}/sessions"), &Sessions::warned(conn, actor, now, sessions)?)
    })
    .await
}

/// Publish drafts of an intake, all or none
#[utoipa::path(post, path = "/intakes/{id}/sessions/publish", tag = "sessions",
    params(("id" = IntakeId, Path, description = "The intake"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = Publication, description = "An empty object publishes every draft",
        example = json!({"session_ids": ["01936f3e-0000-7000-8000-000000000008"]})),
    responses((status = 200, description = "The sessions published, by start, with what is to be known of them", body = Sessions), Writing))]
async fn publish_sessions(db: Data<Db>, caller: Caller, id: Path<IntakeId>, body: Body<Publication>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let Publication { session_ids, series_id } = body.value()?;
        let rows = match (session_ids, series_id) {
            (Some(_), Some(_)) => return Err(Error::invalid("/series_id", "one_of_two", "send session_ids or series_id, not both")),
            (Some(ids), None) => steps::publish(conn, actor, now, id, &ids.0)?,
            (None, Some(series)) => store::series::publish(conn, actor, now, id, series)?,
            (None, None) => steps::publish_drafts(conn, actor, now, id)?,
        };
        let sessions = whole(conn, rows)?;
        Answer::ok(&Sessions::warned(conn, actor, now, sessions)?)
    })
    .await
}

/// What would stand in the way of sessions, if they were published
///
/// Of new sessions, and of drafts and published ones as they are or as they are to be, all together. What other drafts would take is told as
/// a warning, as far as the caller sees them. Stores nothing, so it takes no key.
#[utoipa::path(post, path = "/intakes/{id}/sessions/check", tag = "sessions",
    params(("id" = IntakeId, Path, description = "The intake")),
    request_body(content = Proposed, example = json!({"changes": [{"id": "01936f3e-0000-7000-8000-000000000008",
        "change": {"starts_at": "2020-05-29T01:00:00Z", "ends_at": "2020-05-29T02:40:00Z"}}]})),
    responses((status = 200, description = "Every conflict, each with the session it is with", body = Checked), Writing))]
async fn check_sessions(db: Data<Db>, caller: Caller, id: Path<IntakeId>, body: Body<Proposed>) -> Result<Answer, Error> {
    let id = id.into_inner();
    let checked =
        db.read_whole(caller.credentials.clone(), move |conn, actor, now| check::check(conn, actor, now, id, body.value()?)).await?;
    Answer::ok(&checked)
}

/// One session
#[utoipa::path(get, path = "/sessions/{id}", tag = "sessions", params(("id" = SessionId, Path, description = "The session")),
    responses((status = 200, description = "The session", body = Session), Unchanged, Reading))]
async fn read_session(db: Data<Db>, caller: Caller, id: Path<SessionId>) -> Result<Answer, Error> {
    let id = id.into_inner();
    let session = db.read(caller.credentials.clone(), move |conn, actor, _| store::told(conn, actor, id)).await?;
    Ok(Answer::ok(&session)?.tag_unless_known(&caller, &ETag::version(session.row.version)))
}

/// Change a draft, or move a published session
#[utoipa::path(patch, path = "/sessions/{id}", tag = "sessions",
    params(("id" = SessionId, Path, description = "The session"),
        ("If-Match" = String, Header, description = "The ETag last read; 428 without it")),
    request_body(content = SessionPatch, example = json!({"starts_at": "2020-05-29T01:00:00Z", "ends_at": "2020-05-29T02:40:00Z",
        "reason": "the hall is closed"})),
    responses((status = 200, description = "The session as it is now", body = ChangedSession), Changing))]
async fn update_session(db: Data<Db>, caller: Caller, id: Path<SessionId>, body: Body<SessionPatch>) -> Result<Answer, Error> {
    let id = id.into_inner();
    db.write(caller.credentials.clone(), move |conn, actor, now| {
        let session = store::moves::update(conn, actor, now, &caller, id, body.value()?)?;
        answer(conn, actor, now, session)
    })
    .await
}

/// Confirm a session as held, as planned or as it was
#[utoipa::path(post, path = "/sessions/{id}/hold", tag = "sessions",
    params(("id" = SessionId, Path, description = "The session"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = NewHold, description = "An empty object confirms the session as planned",
        example = json!({"ends_at": "2020-05-28T02:30:00Z", "difference_reason": "ended early"})),
    responses((status = 200, description = "The session, held", body = ChangedSession), Writing))]
async fn hold_session(db: Data<Db>, caller: Caller, id: Path<SessionId>, body: Body<NewHold>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let session = held::hold(conn, actor, now, id, body.value()?)?;
        answer(conn, actor, now, session)
    })
    .await
}

/// Correct how a session was held
///
/// What is left out stays as it was confirmed. The roll call is not closed: one that is gets reopened first, and what was posted stands until it
/// is closed again, by the corrected times. Two sessions at one time whose instructors were taken for each other need a waiver meanwhile.
#[utoipa::path(patch, path = "/sessions/{id}/hold", tag = "sessions",
    params(("id" = SessionId, Path, description = "The session"),
        ("If-Match" = String, Header, description = "The ETag last read; 428 without it")),
    request_body(content = NewHold,
        example = json!({"ends_at": "2020-05-28T02:40:00Z", "difference_reason": "it was not shortened; the wrong session was confirmed"})),
    responses((status = 200, description = "The session as it was held", body = ChangedSession), Changing))]
async fn correct_hold(db: Data<Db>, caller: Caller, id: Path<SessionId>, body: Body<NewHold>) -> Result<Answer, Error> {
    let id = id.into_inner();
    db.write(caller.credentials.clone(), move |conn, actor, now| {
        let session = held::correct(conn, actor, now, &caller, id, body.value()?)?;
        answer(conn, actor, now, session)
    })
    .await
}

/// Take a step in a session's life: publish, cancel
///
/// Answers the session, as every other operation on one does. Cancelling with the scope `rest` answers an object with `sessions` and
/// `warnings` instead, as publishing several does, also where there is no later one.
#[utoipa::path(post, path = "/sessions/{id}/{transition}", tag = "sessions",
    params(("id" = SessionId, Path, description = "The session"), ("transition" = SessionTransition, Path, description = "The step"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = SessionStep, example = json!({"reason": "the instructor is ill",
        "replaced_by_id": "01936f3e-0000-7000-8000-000000000009"})),
    responses((status = 200, description = "The session as it is now; all that were cancelled, by start, if that was asked of the rest too",
        body = Stepped), Writing))]
async fn transition_session(
    db: Data<Db>,
    caller: Caller,
    path: Path<(SessionId, SessionTransition)>,
    body: Body<SessionStep>,
) -> Result<Answer, Error> {
    let (id, step) = path.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let change = body.value()?;
        let scope = change.scope;
        let mut sessions = steps::transition(conn, actor, now, id, step, change)?;
        match scope {
            ChangeScope::Rest => Answer::ok(&Sessions::warned(conn, actor, now, sessions)?),
            ChangeScope::This => answer(conn, actor, now, sessions.swap_remove(0)),
        }
    })
    .await
}

/// What became of a session since it was published, the newest change first
///
/// As far as it concerns who asks: a provider is told all of it, a class adviser what concerns the own cohorts, a partner what concerns
/// trainees of the own, an instructor or a trainee what concerns them.
#[utoipa::path(get, path = "/sessions/{id}/changes", tag = "sessions",
    params(("id" = SessionId, Path, description = "The session"), PageQuery),
    responses((status = 200, description = "A page of changes", body = Page<ScheduleChange>), Reading))]
async fn list_session_changes(db: Data<Db>, caller: Caller, id: Path<SessionId>, query: Query<PageQuery>) -> Result<Answer, Error> {
    let (id, (cursor, limit)) = (id.into_inner(), query.read()?);
    let read = move |conn: &mut _, actor: &_, _| changes::of_session(conn, actor, id, (cursor, limit + 1));
    let rows = db.read(caller.credentials.clone(), read).await?;
    Answer::page(&caller, Page::cut(rows, limit, |change| change.id.to_string()))
}

/// The changes of published sessions that concern a person, the newest first
///
/// As an instructor before or after the change, or as a trainee placed in one of the cohorts when the session was to begin, before or after.
#[utoipa::path(get, path = "/people/{id}/changes", tag = "sessions",
    params(("id" = PersonId, Path, description = "The trainee or instructor"), ChangesQuery),
    responses((status = 200, description = "A page of changes", body = Page<ScheduleChange>), Reading))]
async fn list_person_changes(db: Data<Db>, caller: Caller, id: Path<PersonId>, query: Query<ChangesQuery>) -> Result<Answer, Error> {
    let (id, from, limit) = (id.into_inner(), query.from, page::limit(query.limit)?);
    let cursor = page::cursor(query.cursor.as_deref())?;
    let read = move |conn: &mut _, actor: &_, now| changes::of_person(conn, actor, now, id, from, (cursor, limit + 1));
    let rows = db.read(caller.credentials.clone(), read).await?;
    Answer::page(&caller, Page::cut(rows, limit, |change| change.id.to_string()))
}
