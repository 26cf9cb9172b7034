//! `/intakes/{id}/series` and `/series/{id}`.

use actix_web::web::{Data, Path};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    db::Db,
    error::Error,
    http::{Answer, Body, Caller, Page, PageQuery, Query, Reading, Writing, once},
    intakes::IntakeId,
    schedule::{
        model::SeriesId,
        series::{LaidOut, NewSeries, Series, WholeSeries},
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
        let laid_out =
            db.read(caller.credentials.clone(), move |conn, actor, now| series::preview(conn, actor, now, id, body.value()?)).await?;
        return Answer::ok(&laid_out);
    }
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let laid_out = series::create(conn, actor, now, id, body.value()?)?;
        let series = laid_out.id.ok_or_else(|| Error::internal("no series was made"))?;
        Answer::created(format!("/api/v1/series/{series}"), &laid_out)
    })
    .await
}

/// The series of an intake, in the order in which they were made
///
/// What each was made from is told of one series by itself.
#[utoipa::path(get, path = "/intakes/{id}/series", tag = "sessions",
    params(("id" = IntakeId, Path, description = "The intake"), PageQuery),
    responses((status = 200, description = "A page of series", body = Page<Series>), Reading))]
pub(super) async fn list_series(db: Data<Db>, caller: Caller, id: Path<IntakeId>, query: Query<PageQuery>) -> Result<Answer, Error> {
    let (id, (cursor, limit)) = (id.into_inner(), query.read()?);
    let rows = db.read(caller.credentials.clone(), move |conn, actor, _| series::list(conn, actor, id, cursor, limit + 1)).await?;
    Answer::page(&caller, Page::cut(rows, limit, |series| series.id.to_string()))
}

/// One series: its pattern, what else it was made from, and how many of its sessions stand
#[utoipa::path(get, path = "/series/{id}", tag = "sessions", params(("id" = SeriesId, Path, description = "The series")),
    responses((status = 200, description = "The series", body = WholeSeries), Reading))]
pub(super) async fn read_series(db: Data<Db>, caller: Caller, id: Path<SeriesId>) -> Result<Answer, Error> {
    let id = id.into_inner();
    let series = db.read(caller.credentials.clone(), move |conn, actor, _| series::find(conn, actor, id)).await?;
    Answer::ok(&series)
}
