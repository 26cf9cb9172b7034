//! `/intakes/{id}/enrollments` and `/enrollments`.

use actix_web::web::{Data, Path, ServiceConfig};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::{
    model::{DatedChange, EnrollmentId, EnrollmentPatch, EnrollmentRow, EnrollmentTransition, NewEnrollment},
    store,
};
use crate::{
    db::Db,
    error::Error,
    http::{Answer, Body, Caller, Changing, ETag, Many, Page, Query, Reading, Unchanged, Writing, at, once, page},
    intakes::{CohortId, IntakeId},
};

#[derive(OpenApi)]
#[openapi(
    paths(list_enrollments, create_enrollment, create_enrollments, read_enrollment, update_enrollment, transition_enrollment),
    components(schemas(EnrollmentTransition))
)]
pub struct ApiDoc;

pub fn routes(api: &mut ServiceConfig) {
    api.service(at("/intakes/{id}/enrollments").get(list_enrollments).post(create_enrollment))
        .service(at("/intakes/{id}/enrollments/bulk").post(create_enrollments))
        .service(at("/enrollments/{id}").get(read_enrollment).patch(update_enrollment));
}

/// The transitions, registered after every room's `/enrollments/{id}/…`, whose last part would match too.
pub fn transitions(api: &mut ServiceConfig) {
    api.service(at("/enrollments/{id}/{transition}").post(transition_enrollment));
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only this cohort.
    cohort_id: Option<CohortId>,
    /// From `next` of the page before.
    cursor: Option<String>,
    /// How many, 1 to 500 (default 50).
    limit: Option<page::Limit>,
}

/// Many enrollments, made together or not at all.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewEnrollments {
    /// 1 to 1,000 of them.
    #[schema(value_type = Vec<NewEnrollment>)]
    enrollments: Many<NewEnrollment>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Enrolled {
    enrollments: Vec<EnrollmentRow>,
}

/// The enrollments of an intake that the caller sees
#[utoipa::path(get, path = "/intakes/{id}/enrollments", tag = "enrollments",
    params(("id" = IntakeId, Path, description = "The intake"), ListQuery),
    responses((status = 200, description = "A page of enrollments", body = Page<EnrollmentRow>), Reading))]
async fn list_enrollments(db: Data<Db>, caller: Caller, id: Path<IntakeId>, query: Query<ListQuery>) -> Result<Answer, Error> {
    let (id, query) = (id.into_inner(), query.into_inner());
    let limit = page::limit(query.limit)?;
    let cursor = page::cursor(query.cursor.as_deref())?;
    let rows =
        db.read(caller.credentials.clone(), move |conn, actor, _| store::list(conn, actor, id, query.cohort_id, cursor, limit + 1)).await?;
    Answer::page(&caller, Page::cut(rows, limit, |row| row.enrollment.id.to_string()))
}

/// Enroll one trainee
#[utoipa::path(post, path = "/intakes/{id}/enrollments", tag = "enrollments",
    params(("id" = IntakeId, Path, description = "The intake"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = NewEnrollment, example = json!({"trainee_id": "01936f3e-0000-7000-8000-000000000003",
        "discipline_id": "01936f3e-0000-7000-8000-000000000002", "cohort_id": "01936f3e-0000-7000-8000-000000000004",
        "unit_id": "01936f3e-0000-7000-8000-000000000005", "state": "enrolled"})),
    responses((status = 201, description = "The new enrollment", body = EnrollmentRow), Writing))]
async fn create_enrollment(db: Data<Db>, caller: Caller, id: Path<IntakeId>, body: Body<NewEnrollment>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let row = store::enroll(conn, actor, now, id, vec![body.value()?])?.pop().ok_or_else(|| Error::internal("nobody was enrolled"))?;
        let tag = ETag::version(row.enrollment.version);
        Ok(Answer::created(format!("/api/v1/enrollments/{}", row.enrollment.id), &row)?.tag(&tag))
    })
    .await
}

/// Enroll many trainees, all or none
#[utoipa::path(post, path = "/intakes/{id}/enrollments/bulk", tag = "enrollments",
    params(("id" = IntakeId, Path, description = "The intake"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = NewEnrollments, example = json!({"enrollments": [{"trainee_id": "01936f3e-0000-7000-8000-000000000003",
        "discipline_id": "01936f3e-0000-7000-8000-000000000002", "unit_id": "01936f3e-0000-7000-8000-000000000005"}]})),
    responses((status = 201, description = "The new enrollments, in the order sent", body = Enrolled), Writing))]
async fn create_enrollments(db: Data<Db>, caller: Caller, id: Path<IntakeId>, body: Body<NewEnrollments>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let enrollments = store::enroll(conn, actor, now, id, body.value()?.enrollments.0)?;
        Answer::created(format!("/api/v1/intakes/{id}/enrollments"), &Enrolled { enrollments })
    })
    .await
}

/// One enrollment
#[utoipa::path(get, path = "/enrollments/{id}", tag = "enrollments", params(("id" = EnrollmentId, Path, description = "The enrollment")),
    responses((status = 200, description = "The enrollment", body = EnrollmentRow), Unchanged, Reading))]
async fn read_enrollment(db: Data<Db>, caller: Caller, id: Path<EnrollmentId>) -> Result<Answer, Error> {
    let id = id.into_inner();
    let row = db
        .read(caller.credentials.clone(), move |conn, actor, _| {
            let enrollment = store::find(conn, actor, id)?;
            store::row(conn, actor, enrollment)
        })
        .await?;
    Ok(Answer::ok(&row)?.tag_unless_known(&caller, &ETag::version(row.enrollment.version)))
}

/// Change an enrollment's payer, funding or crew
#[utoipa::path(patch, path = "/enrollments/{id}", tag = "enrollments",
    params(("id" = EnrollmentId, Path, description = "The enrollment"),
        ("If-Match" = String, Header, description = "The ETag last read; 428 without it")),
    request_body(content = EnrollmentPatch, example = json!({"crew": "A"})),
    responses((status = 200, description = "The enrollment as it is now", body = EnrollmentRow), Changing))]
async fn update_enrollment(db: Data<Db>, caller: Caller, id: Path<EnrollmentId>, body: Body<EnrollmentPatch>) -> Result<Answer, Error> {
    let id = id.into_inner();
    db.write(caller.credentials.clone(), move |conn, actor, _| {
        let enrollment = store::update(conn, actor, &caller, id, body.value()?)?;
        let tag = ETag::version(enrollment.version);
        Ok(Answer::ok(&store::row(conn, actor, enrollment)?)?.tag(&tag))
    })
    .await
}

/// Take a step in an enrollment's life: approve, enroll, reject, withdraw, suspend, resume, complete, fail
#[utoipa::path(post, path = "/enrollments/{id}/{transition}", tag = "enrollments",
    params(("id" = EnrollmentId, Path, description = "The enrollment"), ("transition" = EnrollmentTransition, Path, description = "The step"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = DatedChange, example = json!({"reason": "moved to another plant", "effective_at": "2020-07-01T00:00:00Z"})),
    responses((status = 200, description = "The enrollment as it is now", body = EnrollmentRow), Writing))]
async fn transition_enrollment(
    db: Data<Db>,
    caller: Caller,
    path: Path<(EnrollmentId, EnrollmentTransition)>,
    body: Body<DatedChange>,
) -> Result<Answer, Error> {
    let (id, step) = path.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let enrollment = store::transition(conn, actor, now, id, step, &body.value()?)?;
        let tag = ETag::version(enrollment.version);
        Ok(Answer::ok(&store::row(conn, actor, enrollment)?)?.tag(&tag))
    })
    .await
}
