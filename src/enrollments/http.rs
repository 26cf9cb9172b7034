//! `/intakes/{id}/enrollments` and `/enrollments`.

use actix_web::web::{Data, Path, ServiceConfig};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::{
    explain::Explanation,
    model::{
        CohortMove, DatedChange, EnrollmentFilter, EnrollmentId, EnrollmentPatch, EnrollmentRow, EnrollmentState, EnrollmentTransition,
        NewEnrollment, Transfer, Transferred,
    },
    nomination::{Nomination, Replacement},
    store::{self, admission, explain, moves, nominations, steps, transfers, waitlist},
    waitlist::WaitlistStep,
};
use crate::{
    db::Db,
    error::Error,
    http::{Answer, Body, Caller, Changing, ETag, Many, Page, Query, Reading, Unchanged, Writing, at, once, page, problem::Problem},
    intakes::{CohortId, IntakeId},
};

#[derive(OpenApi)]
#[openapi(
    paths(
        list_enrollments,
        create_enrollment,
        create_enrollments,
        nominate_trainee,
        read_enrollment,
        update_enrollment,
        replace_trainee,
        transfer_trainee,
        move_trainee,
        waitlist_trainee,
        explain_enrollment,
        transition_enrollment
    ),
    components(schemas(EnrollmentTransition))
)]
pub struct ApiDoc;

pub fn routes(api: &mut ServiceConfig) {
    api.service(at("/intakes/{id}/enrollments").get(list_enrollments).post(create_enrollment))
        .service(at("/intakes/{id}/enrollments/bulk").post(create_enrollments))
        .service(at("/intakes/{id}/nominations").post(nominate_trainee))
        .service(at("/enrollments/{id}").get(read_enrollment).patch(update_enrollment))
        .service(at("/enrollments/{id}/replace").post(replace_trainee))
        .service(at("/enrollments/{id}/transfer").post(transfer_trainee))
        .service(at("/enrollments/{id}/move").post(move_trainee))
        .service(at("/enrollments/{id}/waitlist").post(waitlist_trainee))
        .service(at("/enrollments/{id}/explain").get(explain_enrollment));
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
    /// Only those in this state.
    state: Option<EnrollmentState>,
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
    let ListQuery { cohort_id, state, cursor, limit } = query.into_inner();
    let (id, cursor, limit) = (id.into_inner(), page::cursor(cursor.as_deref())?, page::limit(limit)?);
    let filter = EnrollmentFilter { cohort_id, state };
    let rows = db.read(caller.credentials.clone(), move |conn, actor, _| store::list(conn, actor, id, filter, cursor, limit + 1)).await?;
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
        let row =
            admission::enroll(conn, actor, now, id, vec![body.value()?])?.pop().ok_or_else(|| Error::internal("nobody was enrolled"))?;
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
        let enrollments = admission::enroll(conn, actor, now, id, body.value()?.enrollments.0)?;
        Answer::created(format!("/api/v1/intakes/{id}/enrollments"), &Enrolled { enrollments })
    })
    .await
}

/// Nominate somebody for an intake
///
/// By the sponsor's partner, of the own organization or a unit below it, or by a coordinator. The enrollment begins as nominated, takes
/// no seat, and is approved or rejected by a coordinator.
#[utoipa::path(post, path = "/intakes/{id}/nominations", tag = "enrollments",
    params(("id" = IntakeId, Path, description = "The intake"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = Nomination, example = json!({"trainee": {"name": "欧阳旭", "employee_number": "0061234"},
        "discipline_id": "01936f3e-0000-7000-8000-000000000002", "unit_id": "01936f3e-0000-7000-8000-000000000005"})),
    responses((status = 201, description = "The new enrollment, nominated", body = EnrollmentRow), Writing))]
async fn nominate_trainee(db: Data<Db>, caller: Caller, id: Path<IntakeId>, body: Body<Nomination>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let row = nominations::nominate(conn, actor, now, id, body.value()?)?;
        let tag = ETag::version(row.enrollment.version);
        Ok(Answer::created(format!("/api/v1/enrollments/{}", row.enrollment.id), &row)?.tag(&tag))
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
    db.write(caller.credentials.clone(), move |conn, actor, now| {
        let enrollment = store::update(conn, actor, now, &caller, id, body.value()?)?;
        let tag = ETag::version(enrollment.version);
        Ok(Answer::ok(&store::row(conn, actor, enrollment)?)?.tag(&tag))
    })
    .await
}

/// Give a place to somebody else of the same unit
///
/// Before the first session that it owes is closed. Seat and quota pass with it, even where the intake and the quota are full: the
/// enrollment is withdrawn as replaced, and another one has its state, cohort, crew and payer.
#[utoipa::path(post, path = "/enrollments/{id}/replace", tag = "enrollments",
    params(("id" = EnrollmentId, Path, description = "The enrollment"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = Replacement, example = json!({"trainee": {"name": "欧阳旭", "employee_number": "0061234"},
        "reason": "needed at the plant"})),
    responses((status = 201, description = "The new enrollment", body = EnrollmentRow), Writing,
        (status = 409, content_type = "application/problem+json", body = inline(Problem), description = "The place cannot pass; code says \
            why: owed_session_closed once a session that it owes is closed, illegal_transition by its state, already_enrolled, \
            intake_not_open, employee_number_taken")))]
async fn replace_trainee(db: Data<Db>, caller: Caller, id: Path<EnrollmentId>, body: Body<Replacement>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let row = nominations::replace(conn, actor, now, id, body.value()?)?;
        let tag = ETag::version(row.enrollment.version);
        Ok(Answer::created(format!("/api/v1/enrollments/{}", row.enrollment.id), &row)?.tag(&tag))
    })
    .await
}

/// Let somebody go on in another intake of the provider, or in another discipline
///
/// The enrollment ends as transferred, with its hours as they are. Another one begins, and what of the hours has a module in its plan, the
/// same or one with the same code, is carried into its ledger, never more than is planned there. Should they be corrected later, what was
/// carried is too.
#[utoipa::path(post, path = "/enrollments/{id}/transfer", tag = "enrollments",
    params(("id" = EnrollmentId, Path, description = "The enrollment"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = Transfer, example = json!({"intake_id": "01936f3e-0000-7000-8000-000000000006",
        "reason": "moved to another shift"})),
    responses((status = 201, description = "The new enrollment, with what was carried and what was not", body = Transferred), Writing))]
async fn transfer_trainee(db: Data<Db>, caller: Caller, id: Path<EnrollmentId>, body: Body<Transfer>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let new = transfers::transfer(conn, actor, now, id, body.value()?)?;
        let tag = ETag::version(new.row.enrollment.version);
        Ok(Answer::created(format!("/api/v1/enrollments/{}", new.row.enrollment.id), &new)?.tag(&tag))
    })
    .await
}

/// Move somebody to another cohort of the discipline
///
/// From then on they owe the sessions of that cohort. What they owed before stays. Where the move takes effect before closed sessions of
/// either cohort, these are listed as unsettled until their roll calls are closed anew.
#[utoipa::path(post, path = "/enrollments/{id}/move", tag = "enrollments",
    params(("id" = EnrollmentId, Path, description = "The enrollment"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = CohortMove, example = json!({"cohort_id": "01936f3e-0000-7000-8000-000000000007",
        "reason": "the shift changed", "effective_at": "2020-07-01T00:00:00Z"})),
    responses((status = 200, description = "The enrollment as it is now", body = EnrollmentRow), Writing))]
async fn move_trainee(db: Data<Db>, caller: Caller, id: Path<EnrollmentId>, body: Body<CohortMove>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let enrollment = moves::move_to(conn, actor, now, id, &body.value()?)?;
        let tag = ETag::version(enrollment.version);
        Ok(Answer::ok(&store::row(conn, actor, enrollment)?)?.tag(&tag))
    })
    .await
}

/// Let somebody wait for a seat
///
/// Where the intake keeps a waitlist. Whenever a seat becomes free, those who wait are gone through, the highest priority first and of one
/// priority whoever has waited longest; whoever can take it is offered it, or approved where the intake makes no offers. Where there is
/// room already, that is at once.
#[utoipa::path(post, path = "/enrollments/{id}/waitlist", tag = "enrollments",
    params(("id" = EnrollmentId, Path, description = "The enrollment"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = WaitlistStep, example = json!({"priority": 1, "reason": "nominated in time, and all seats were taken"})),
    responses((status = 200, description = "The enrollment as it is now", body = EnrollmentRow), Writing))]
async fn waitlist_trainee(db: Data<Db>, caller: Caller, id: Path<EnrollmentId>, body: Body<WaitlistStep>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let enrollment = waitlist::wait(conn, actor, now, id, body.value()?)?;
        let tag = ETag::version(enrollment.version);
        Ok(Answer::ok(&store::row(conn, actor, enrollment)?)?.tag(&tag))
    })
    .await
}

/// Why an enrollment is where it is, has no seat yet, and cannot take a step
#[utoipa::path(get, path = "/enrollments/{id}/explain", tag = "enrollments",
    params(("id" = EnrollmentId, Path, description = "The enrollment")),
    responses((status = 200, description = "What stands in the way, with the figures that the caller may know", body = Explanation), Reading))]
async fn explain_enrollment(db: Data<Db>, caller: Caller, id: Path<EnrollmentId>) -> Result<Answer, Error> {
    let id = id.into_inner();
    let explanation = db.read(caller.credentials.clone(), move |conn, actor, now| explain::explain(conn, actor, now, id)).await?;
    Answer::ok(&explanation)
}

/// Take a step in an enrollment's life: approve, enroll, reject, withdraw, never-arrived, suspend, resume, complete, fail, offer,
/// accept, decline
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
        let enrollment = steps::transition(conn, actor, now, id, step, &body.value()?)?;
        let tag = ETag::version(enrollment.version);
        Ok(Answer::ok(&store::row(conn, actor, enrollment)?)?.tag(&tag))
    })
    .await
}
