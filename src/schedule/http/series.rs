//! `/intakes/{id}/series`.

use actix_web::web::{Data, Path};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    db::Db,
    error::Error,
    http::{Answer, Body, Caller, Query, Writing, once},
    intakes::IntakeId,
    schedule::{
        series::{LaidOut, NewSeries},
        store::series,
    },
};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SeriesQuery {
    /// Say what the series would come to, and write nothing.
    #[serde(default)]
    dry_run: bool,
}

/// Schedule a module by a weekly pattern, as drafts, until its hours are used up
///
/// The times are those of the clocks in the intake's time zone. The last session is shortened to what is left of the plan, its breaks
/// staying. Of several cohorts, the one that has least left decides. What would stand in the way of publishing is told and refuses nothing.
#[utoipa::path(post, path = "/intakes/{id}/series", tag = "sessions",
    params(("id" = IntakeId, Path, description = "The intake"), SeriesQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = NewSeries, example = json!({"code": "MET", "module_id": "01936f3e-0000-7000-8000-000000000006",
        "cohort_ids": ["01936f3e-0000-7000-8000-000000000004"], "instructor_ids": ["01936f3e-0000-7000-8000-000000000007"],
        "pattern": [{"weekday": "monday", "starts": "08:00", "ends": "09:40", "break_minutes": 10}],
        "from": "2020-06-01", "until": "2020-09-30", "skip": ["2020-06-22"]})),
    responses((status = 200, description = "What the series would come to (`dry_run=true`)", body = LaidOut),
        (status = 201, description = "The series with its sessions, all drafts", body = LaidOut), Writing))]
pub(super) async fn create_series(
    db: Data<Db>,
    caller: Caller,
    id: Path<IntakeId>,
    query: Query<SeriesQuery>,
    body: Body<NewSeries>,
) -> Result<Answer, Error> {
    let id = id.into_inner();
    if query.dry_run {
        let laid_out = db.read(caller.credentials.clone(), move |conn, actor, _| series::preview(conn, actor, id, body.value()?)).await?;
        return Answer::ok(&laid_out);
    }
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let laid_out = series::create(conn, actor, now, id, body.value()?)?;
        Answer::created(format!("/api/v1/intakes/{id}/sessions"), &laid_out)
    })
    .await
}
