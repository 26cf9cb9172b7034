//! `/intakes/{id}/progress` and `/enrollments/{id}/progress`.

use actix_web::web::{Data, Path, ServiceConfig};
use serde::Deserialize;
use utoipa::{IntoParams, OpenApi};

use super::{
    csv,
    explain::ProgressExplanation,
    model::{Asked, EnrollmentProgress, Format, IntakeProgress, Split},
    store::{self, Pulled},
};
use crate::{
    db::Db,
    enrollments::EnrollmentId,
    error::Error,
    http::{Answer, Caller, Download, Query, Reading, at},
    intakes::IntakeId,
};

#[derive(OpenApi)]
#[openapi(paths(read_intake_progress, read_enrollment_progress, explain_progress), components(schemas(Split)))]
pub struct ApiDoc;

pub fn routes(api: &mut ServiceConfig) {
    api.service(at("/intakes/{id}/progress").get(read_intake_progress))
        .service(at("/enrollments/{id}/progress/explain").get(explain_progress))
        .service(at("/enrollments/{id}/progress").get(read_enrollment_progress));
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ProgressQuery {
    /// Adds the same sums by discipline, module, cohort or unit (JSON only).
    by: Option<Split>,
}

/// The progress of an intake, whole
///
/// JSON, or CSV with `Accept: text/csv`; with `by` JSON only. Answers 304 to `If-None-Match` while nothing it shows has changed. Journaled as
/// `report.pulled`, with format and split.
#[utoipa::path(get, path = "/intakes/{id}/progress", tag = "progress",
    params(("id" = IntakeId, Path, description = "The intake"), ProgressQuery),
    responses(
        (status = 200, description = "The report; a partner's holds its own people only", content(
            (IntakeProgress = "application/json"), (String = "text/csv"))),
        (status = 304, description = "Nothing has changed since the ETag sent"),
        Reading))]
async fn read_intake_progress(db: Data<Db>, caller: Caller, id: Path<IntakeId>, query: Query<ProgressQuery>) -> Result<Answer, Error> {
    let (id, by) = (id.into_inner(), query.by);
    let choose = |offers: &[Format]| {
        caller.choose(offers, |format| match format {
            Format::Json => Answer::JSON,
            Format::Csv => Download::CSV,
        })
    };
    let both = choose(&[Format::Json, Format::Csv])?;
    let format = match by {
        None => both,
        Some(_) => choose(&[Format::Json])
            .map_err(|_| Error::not_acceptable("a table has no split: leave out `by`, or accept application/json"))?,
    };
    let asked = Asked { format, by };
    let pulled =
        db.read(caller.credentials.clone(), move |conn, actor, now| store::intake_progress(conn, actor, now, &caller, id, asked)).await?;
    let answer = match pulled {
        Pulled::Unchanged(tag) => Answer::not_modified(&tag),
        Pulled::Report(tag, report) => Answer::ok(&report)?.tag(&tag),
        Pulled::Table(tag, report, labels) => {
            let table = String::from_utf8(csv::table(&report, &labels)).map_err(Error::internal)?;
            Answer::csv(&format!("progress-{id}.csv"), table).tag(&tag)
        }
    };
    Ok(answer.by_accept())
}

/// The progress of one enrollment, with the modules of its plan
///
/// Journaled as `report.pulled` where a partner reads it.
#[utoipa::path(get, path = "/enrollments/{id}/progress", tag = "progress", params(("id" = EnrollmentId, Path, description = "The enrollment")),
    responses((status = 200, description = "The row of the intake's report, and its modules", body = EnrollmentProgress), Reading))]
async fn read_enrollment_progress(db: Data<Db>, caller: Caller, id: Path<EnrollmentId>) -> Result<Answer, Error> {
    let id = id.into_inner();
    let progress = db.read(caller.credentials.clone(), move |conn, actor, now| store::enrollment_progress(conn, actor, now, id)).await?;
    Answer::ok(&progress)
}

/// How the progress of an enrollment comes about
///
/// Each number with its rule in words and its amounts, and the entries that stand, which name their session, the closing of its roll call and
/// who posted them (`/hour-entries/{id}/explain` goes on from there). Journaled as the progress is.
#[utoipa::path(get, path = "/enrollments/{id}/progress/explain", tag = "progress",
    params(("id" = EnrollmentId, Path, description = "The enrollment")),
    responses((status = 200, description = "The explanation", body = ProgressExplanation), Reading))]
async fn explain_progress(db: Data<Db>, caller: Caller, id: Path<EnrollmentId>) -> Result<Answer, Error> {
    let id = id.into_inner();
    Answer::ok(&db.read(caller.credentials.clone(), move |conn, actor, now| store::explain_progress(conn, actor, now, id)).await?)
}
