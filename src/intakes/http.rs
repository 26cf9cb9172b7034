//! `/intakes`, their cohorts and seat quotas.

use actix_web::web::{Data, Path, ServiceConfig};
use utoipa::OpenApi;

use super::{
    model::{
        Amendment, Cohort, CohortId, CohortPatch, Intake, IntakeId, IntakePatch, IntakeTransition, NewAmendment, NewCohort, NewIntake,
        NewQuota, SeatQuota,
    },
    store::{self, amendments, cohorts, quotas},
};
use crate::{
    db::Db,
    error::Error,
    http::{Answer, Body, Caller, Change, Changing, ETag, Page, PageQuery, Query, Reading, Unchanged, Writing, at, once, problem::Problem},
    organizations::OrganizationId,
};

#[derive(OpenApi)]
#[openapi(
    paths(
        list_intakes,
        create_intake,
        read_intake,
        update_intake,
        transition_intake,
        list_cohorts,
        create_cohort,
        read_cohort,
        update_cohort,
        list_seat_quotas,
        read_seat_quota,
        set_seat_quota,
        list_amendments,
        create_amendment
    ),
    components(schemas(IntakeTransition))
)]
pub struct ApiDoc;

pub fn routes(api: &mut ServiceConfig) {
    api.service(at("/intakes").get(list_intakes).post(create_intake))
        .service(at("/intakes/{id}").get(read_intake).patch(update_intake))
        .service(at("/intakes/{id}/cohorts").get(list_cohorts).post(create_cohort))
        .service(at("/cohorts/{id}").get(read_cohort).patch(update_cohort))
        .service(at("/intakes/{id}/amendments").get(list_amendments).post(create_amendment))
        .service(at("/intakes/{id}/seat-quotas").get(list_seat_quotas))
        .service(at("/intakes/{id}/seat-quotas/{sponsor_id}").get(read_seat_quota).put(set_seat_quota));
}

/// The transitions, registered after every room's `/intakes/{id}/…`, whose last part would match too.
pub fn transitions(api: &mut ServiceConfig) {
    api.service(at("/intakes/{id}/{transition}").post(transition_intake));
}

/// The intakes the caller sees
#[utoipa::path(get, path = "/intakes", tag = "intakes", params(PageQuery),
    responses((status = 200, description = "A page of intakes", body = Page<Intake>), Reading))]
async fn list_intakes(db: Data<Db>, caller: Caller, query: Query<PageQuery>) -> Result<Answer, Error> {
    let (cursor, limit) = query.read()?;
    let rows = db.read(caller.credentials.clone(), move |conn, actor, _| store::list(conn, actor, cursor, limit + 1)).await?;
    Answer::page(&caller, Page::cut(rows, limit, |row| row.id.to_string()))
}

/// Create an intake of a confirmed program version
#[utoipa::path(post, path = "/intakes", tag = "intakes",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = NewIntake, example = json!({"program_version_id": "01936f3e-0000-7000-8000-000000000001", "code": "HONGXING-3",
        "name": "第三期", "phase": 3, "time_zone": "Asia/Shanghai", "opens_on": "2020-05-27", "closes_on": "2020-10-30",
        "mode": "live_online", "capacity": 260})),
    responses((status = 201, description = "The new intake, planned", body = Intake), Writing))]
async fn create_intake(db: Data<Db>, caller: Caller, body: Body<NewIntake>) -> Result<Answer, Error> {
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let row = store::create(conn, actor, now, body.value()?)?;
        Ok(Answer::created(format!("/api/v1/intakes/{}", row.id), &row)?.tag(&ETag::version(row.version)))
    })
    .await
}

/// One intake
#[utoipa::path(get, path = "/intakes/{id}", tag = "intakes", params(("id" = IntakeId, Path, description = "The intake")),
    responses((status = 200, description = "The intake", body = Intake), Unchanged, Reading))]
async fn read_intake(db: Data<Db>, caller: Caller, id: Path<IntakeId>) -> Result<Answer, Error> {
    let id = id.into_inner();
    let find = move |conn: &mut _, actor: &_, _| Ok::<_, Error>(store::find(conn, actor, id)?.shown_to(actor.role()));
    let row = db.read(caller.credentials.clone(), find).await?;
    Ok(Answer::ok(&row)?.tag_unless_known(&caller, &ETag::version(row.version)))
}

/// Change an intake's name, dates, mode, capacity, waitlist, offers or calendar
#[utoipa::path(patch, path = "/intakes/{id}", tag = "intakes",
    params(("id" = IntakeId, Path, description = "The intake"),
        ("If-Match" = String, Header, description = "The ETag last read; 428 without it")),
    request_body(content = IntakePatch, example = json!({"capacity": 250})),
    responses((status = 200, description = "The intake as it is now", body = Intake), Changing))]
async fn update_intake(db: Data<Db>, caller: Caller, id: Path<IntakeId>, body: Body<IntakePatch>) -> Result<Answer, Error> {
    let id = id.into_inner();
    db.write(caller.credentials.clone(), move |conn, actor, now| {
        let row = store::update(conn, actor, now, Some(&caller), id, body.value()?)?;
        Ok(Answer::ok(&row)?.tag(&ETag::version(row.version)))
    })
    .await
}

/// Take a step in an intake's life: open-enrollment, approve-opening, start, complete, cancel
#[utoipa::path(post, path = "/intakes/{id}/{transition}", tag = "intakes",
    params(("id" = IntakeId, Path, description = "The intake"), ("transition" = IntakeTransition, Path, description = "The step"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = Change, example = json!({"reason": "opened as agreed"})),
    responses((status = 200, description = "The intake as it is now", body = Intake), Writing,
        (status = 409, content_type = "application/problem+json", body = inline(Problem), description = "The intake does not stand so that this \
            step is possible; code says why: illegal_transition by its state. complete: enrollments_undecided while somebody is neither completed, failed nor withdrawn; \
            sessions_unheld while a published session was not held; roll_calls_open while a held one has no \
            closed roll call, sessions_unsettled while closed ones wait to be settled for somebody, corrections_waiting while corrections are asked for, \
            each here or where hours of somebody can follow from. start: opening_not_approved")))]
async fn transition_intake(
    db: Data<Db>,
    caller: Caller,
    path: Path<(IntakeId, IntakeTransition)>,
    body: Body<Change>,
) -> Result<Answer, Error> {
    let (id, step) = path.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let row = store::transition(conn, actor, now, id, step, &body.value()?)?;
        Ok(Answer::ok(&row)?.tag(&ETag::version(row.version)))
    })
    .await
}

/// The cohorts of an intake
#[utoipa::path(get, path = "/intakes/{id}/cohorts", tag = "cohorts", params(("id" = IntakeId, Path, description = "The intake")),
    responses((status = 200, description = "All cohorts the caller sees, by code", body = Vec<Cohort>), Reading))]
async fn list_cohorts(db: Data<Db>, caller: Caller, id: Path<IntakeId>) -> Result<Answer, Error> {
    let id = id.into_inner();
    let rows = db.read(caller.credentials.clone(), move |conn, actor, _| cohorts::list(conn, actor, id)).await?;
    Answer::ok(&rows)
}

/// Create a cohort of one discipline
#[utoipa::path(post, path = "/intakes/{id}/cohorts", tag = "cohorts",
    params(("id" = IntakeId, Path, description = "The intake"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = NewCohort, example = json!({"discipline_id": "01936f3e-0000-7000-8000-000000000002", "code": "MET-1", "name": "冶金班"})),
    responses((status = 201, description = "The new cohort", body = Cohort), Writing))]
async fn create_cohort(db: Data<Db>, caller: Caller, id: Path<IntakeId>, body: Body<NewCohort>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let row = cohorts::create_cohort(conn, actor, now, id, body.value()?)?;
        Ok(Answer::created(format!("/api/v1/cohorts/{}", row.id), &row)?.tag(&ETag::version(row.version)))
    })
    .await
}

/// One cohort
#[utoipa::path(get, path = "/cohorts/{id}", tag = "cohorts", params(("id" = CohortId, Path, description = "The cohort")),
    responses((status = 200, description = "The cohort", body = Cohort), Unchanged, Reading))]
async fn read_cohort(db: Data<Db>, caller: Caller, id: Path<CohortId>) -> Result<Answer, Error> {
    let id = id.into_inner();
    let row = db.read(caller.credentials.clone(), move |conn, actor, _| cohorts::one(conn, actor, id)).await?;
    Ok(Answer::ok(&row)?.tag_unless_known(&caller, &ETag::version(row.version)))
}

/// Change a cohort's name or class adviser
///
/// Whoever advises it sees it and its trainees from now on, and whoever did does not any more.
#[utoipa::path(patch, path = "/cohorts/{id}", tag = "cohorts",
    params(("id" = CohortId, Path, description = "The cohort"),
        ("If-Match" = String, Header, description = "The ETag last read; 428 without it")),
    request_body(content = CohortPatch, example = json!({"adviser_id": "01936f3e-0000-7000-8000-000000000003"})),
    responses((status = 200, description = "The cohort as it is now", body = Cohort), Changing))]
async fn update_cohort(db: Data<Db>, caller: Caller, id: Path<CohortId>, body: Body<CohortPatch>) -> Result<Answer, Error> {
    let id = id.into_inner();
    db.write(caller.credentials.clone(), move |conn, actor, _| {
        let row = cohorts::update(conn, actor, Some(&caller), id, body.value()?)?;
        Ok(Answer::ok(&row)?.tag(&ETag::version(row.version)))
    })
    .await
}

/// The amendments of an intake's module hours
#[utoipa::path(get, path = "/intakes/{id}/amendments", tag = "intakes", params(("id" = IntakeId, Path, description = "The intake")),
    responses((status = 200, description = "All amendments, oldest first", body = Vec<Amendment>), Reading))]
async fn list_amendments(db: Data<Db>, caller: Caller, id: Path<IntakeId>) -> Result<Answer, Error> {
    let id = id.into_inner();
    let rows = db.read(caller.credentials.clone(), move |conn, actor, _| amendments::list(conn, actor, id)).await?;
    Answer::ok(&rows)
}

/// Change the planned minutes of one module of an intake
#[utoipa::path(post, path = "/intakes/{id}/amendments", tag = "intakes",
    params(("id" = IntakeId, Path, description = "The intake"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = NewAmendment, example = json!({"module_id": "01936f3e-0000-7000-8000-000000000008", "delta_minutes": 180,
        "reason": "one more evening on blast furnace control, agreed with the sponsor"})),
    responses((status = 201, description = "The amendment", body = Amendment), Writing))]
async fn create_amendment(db: Data<Db>, caller: Caller, id: Path<IntakeId>, body: Body<NewAmendment>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let row = amendments::amend(conn, actor, now, id, body.value()?)?;
        Answer::created(format!("/api/v1/intakes/{id}/amendments"), &row)
    })
    .await
}

/// The seat quotas of an intake
#[utoipa::path(get, path = "/intakes/{id}/seat-quotas", tag = "seat-quotas", params(("id" = IntakeId, Path, description = "The intake")),
    responses((status = 200, description = "All quotas the caller sees", body = Vec<SeatQuota>), Reading))]
async fn list_seat_quotas(db: Data<Db>, caller: Caller, id: Path<IntakeId>) -> Result<Answer, Error> {
    let id = id.into_inner();
    let rows = db.read(caller.credentials.clone(), move |conn, actor, _| quotas::list(conn, actor, id)).await?;
    Answer::ok(&rows)
}

/// The seat quota of one sponsor or unit
#[utoipa::path(get, path = "/intakes/{id}/seat-quotas/{sponsor_id}", tag = "seat-quotas",
    params(("id" = IntakeId, Path, description = "The intake"), ("sponsor_id" = OrganizationId, Path, description = "The sponsor, or one of its units")),
    responses((status = 200, description = "The quota", body = SeatQuota), Unchanged, Reading))]
async fn read_seat_quota(db: Data<Db>, caller: Caller, path: Path<(IntakeId, OrganizationId)>) -> Result<Answer, Error> {
    let (id, sponsor) = path.into_inner();
    let row = db.read(caller.credentials.clone(), move |conn, actor, _| quotas::one(conn, actor, id, sponsor)).await?;
    Ok(Answer::ok(&row)?.tag_unless_known(&caller, &ETag::version(row.version)))
}

/// Set, change or lift the seat quota of a sponsor or a unit
#[utoipa::path(put, path = "/intakes/{id}/seat-quotas/{sponsor_id}", tag = "seat-quotas",
    params(("id" = IntakeId, Path, description = "The intake"), ("sponsor_id" = OrganizationId, Path, description = "The sponsor, or one of its units"),
        ("If-Match" = Option<String>, Header, description = "The ETag last read; not needed for the first quota")),
    request_body(content = NewQuota, example = json!({"seats": 250})),
    responses((status = 200, description = "The quota as it is now", body = SeatQuota), Changing))]
async fn set_seat_quota(
    db: Data<Db>,
    caller: Caller,
    path: Path<(IntakeId, OrganizationId)>,
    body: Body<NewQuota>,
) -> Result<Answer, Error> {
    let path = path.into_inner();
    db.write(caller.credentials.clone(), move |conn, actor, now| {
        let row = quotas::put(conn, actor, now, &caller, path, &body.value()?)?;
        Ok(Answer::ok(&row)?.tag(&ETag::version(row.version)))
    })
    .await
}
