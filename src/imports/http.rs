//! `…/import`, `/imports` and `/import-templates`.

use std::sync::Arc;

use actix_web::{
    Either,
    web::{self, Data, Path, ServiceConfig},
};
use serde::Deserialize;
use utoipa::{IntoParams, OpenApi};

use super::{
    File, Format, Import, ImportId, ImportKind, Options, Report, Undone, import_calendar, import_evidence, import_instructors,
    import_organizations, import_roster, import_schedule, may_import_calendar, may_import_evidence, may_import_instructors,
    may_import_organizations, may_import_roster, may_import_schedule, read_table, store, template, undo::undo, verdict_file,
};
use crate::{
    access::{Action, Actor},
    calendars::{CalendarId, CalendarKind},
    clock::Instant,
    db::{Conn, Db},
    error::Error,
    http::{Answer, Body, Caller, Change, Download, Page, Query, Reading, Sent, Upload, UploadForm, Writing, at, once, page},
    intakes::IntakeId,
    organizations::OrganizationId,
    schedule::SessionId,
    text::Note,
};

#[derive(OpenApi)]
#[openapi(
    paths(
        import_organizations_file,
        import_instructors_file,
        import_roster_file,
        import_schedule_file,
        import_holidays_file,
        import_shifts_file,
        import_evidence_file,
        list_imports,
        read_import,
        undo_import,
        read_import_template
    ),
    components(schemas(Format))
)]
pub struct ApiDoc;

/// To be registered before the rooms whose `/{id}` would match `import` too.
pub fn routes(api: &mut ServiceConfig) {
    api.service(at("/organizations/import").post(import_organizations_file))
        .service(at("/instructors/import").post(import_instructors_file))
        .service(at("/intakes/{id}/enrollments/import").post(import_roster_file))
        .service(at("/intakes/{id}/sessions/import").post(import_schedule_file))
        .service(at("/calendars/{id}/days/import").post(import_holidays_file))
        .service(at("/calendars/{id}/shifts/import").post(import_shifts_file))
        .service(at("/sessions/{id}/evidence/import").post(import_evidence_file))
        .service(at("/imports").get(list_imports))
        .service(at("/imports/{id}").get(read_import))
        .service(at("/imports/{id}/undo").post(undo_import))
        .service(at("/import-templates/{kind}").get(read_import_template));
}

/// How a file is to be taken.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ImportQuery {
    /// Say what would become of each row, and write nothing.
    #[serde(default)]
    dry_run: bool,
    /// Take the rows that are not at fault, instead of all or none.
    #[serde(default)]
    partial: bool,
    /// Answer with the file itself and a verdict behind each row, instead of JSON; `Accept` can ask for it too.
    verdicts: Option<Format>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ScheduleQuery {
    /// Say what would become of each row, and write nothing.
    #[serde(default)]
    dry_run: bool,
    /// Take the rows that are not at fault, instead of all or none.
    #[serde(default)]
    partial: bool,
    /// Publish the sessions at once.
    #[serde(default)]
    publish: bool,
    /// Why sessions that are published change, for those whom it concerns; without it a row that changes one is at fault.
    reason: Option<Note>,
    /// Answer with the file itself and a verdict behind each row, instead of JSON; `Accept` can ask for it too.
    verdicts: Option<Format>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct InstructorsQuery {
    /// The provider that records them; the caller's own organization unless said.
    organization_id: Option<OrganizationId>,
    /// Say what would become of each row, and write nothing.
    #[serde(default)]
    dry_run: bool,
    /// Take the rows that are not at fault, instead of all or none.
    #[serde(default)]
    partial: bool,
    /// Answer with the file itself and a verdict behind each row, instead of JSON; `Accept` can ask for it too.
    verdicts: Option<Format>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TemplateQuery {
    /// What `Accept` asks for unless said, else xlsx.
    format: Option<Format>,
}

type Reply = Result<Either<Answer, Download>, Error>;

/// Asks whether the caller may, reads the file outside of any transaction, and imports it in one.
async fn take<G, F>(db: Data<Db>, caller: Caller, upload: Upload, options: Options, verdicts: Option<Format>, gate: G, import: F) -> Reply
where
    G: FnOnce(&mut Conn, &Actor) -> Result<(), Error> + Send + 'static,
    F: FnOnce(&mut Conn, &Actor, Instant, &File, &Options) -> Result<Report, Error> + Send + 'static,
{
    // JSON is no file.
    let format = match verdicts {
        None => caller.choose(&[None, Some(Format::Csv), Some(Format::Xlsx)], |file| file.map_or(Answer::JSON, Format::content_type))?,
        file => file,
    };
    db.read(caller.credentials.clone(), move |conn, actor, _| gate(conn, actor)).await?;
    let Sent { file_name, bytes, hash } = upload.sent()?;
    let file = web::block(move || read_table(&file_name, &bytes)).await.map_err(Error::internal)??;
    let file = Arc::new(file);
    let (taken, dry_run) = (Arc::clone(&file), options.dry_run);
    let work = move |conn: &mut Conn, actor: &Actor, now: Instant| Answer::ok(&import(conn, actor, now, &taken, &options)?.or_refused()?);
    let answer = if dry_run { db.read_whole(caller.credentials.clone(), work).await? } else { once(&db, &caller, hash, work).await? };
    let Some(format) = format else {
        return Ok(Either::Left(answer.by_accept()));
    };
    let report: Report = answer.value()?;
    let bytes = web::block(move || verdict_file(&file.content, &report, format)).await.map_err(Error::internal)??;
    Ok(Either::Right(download("verdicts", format, bytes)))
}

impl Format {
    fn content_type(self) -> &'static str {
        match self {
            Self::Csv => Download::CSV,
            Self::Xlsx => Download::XLSX,
        }
    }
}

fn download(name: &str, format: Format, bytes: Vec<u8>) -> Download {
    Download { file_name: format!("{name}.{format}"), content_type: format.content_type(), bytes }
}

/// Create and correct organizations from a file
///
/// Columns: code, name, kind; latin_name, parent. Matched by code. A commit with rows at fault is 422 `import_rows_invalid`.
#[utoipa::path(post, path = "/organizations/import", tag = "imports",
    params(ImportQuery, ("Idempotency-Key" = Option<String>, Header, description = "The same key and file do the work once")),
    request_body(content = UploadForm, content_type = "multipart/form-data", description = "One CSV or XLSX file"),
    responses((status = 200, description = "What became of each row, as JSON or as the file with verdicts", content(
        (Report = "application/json"), (String = "text/csv"),
        (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), Writing))]
async fn import_organizations_file(db: Data<Db>, caller: Caller, query: Query<ImportQuery>, upload: Upload) -> Reply {
    let ImportQuery { dry_run, partial, verdicts } = query.into_inner();
    let options = Options { dry_run, partial, ..Options::default() };
    take(db, caller, upload, options, verdicts, |_, actor| may_import_organizations(actor), import_organizations).await
}

/// Record and correct a provider's instructors from a file
///
/// Columns: name, employee_number; latin_name, organization, title, phone, email. Matched by organization and employee number.
#[utoipa::path(post, path = "/instructors/import", tag = "imports",
    params(InstructorsQuery, ("Idempotency-Key" = Option<String>, Header, description = "The same key and file do the work once")),
    request_body(content = UploadForm, content_type = "multipart/form-data", description = "One CSV or XLSX file"),
    responses((status = 200, description = "What became of each row, as JSON or as the file with verdicts", content(
        (Report = "application/json"), (String = "text/csv"),
        (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), Writing))]
async fn import_instructors_file(db: Data<Db>, caller: Caller, query: Query<InstructorsQuery>, upload: Upload) -> Reply {
    let InstructorsQuery { organization_id, dry_run, partial, verdicts } = query.into_inner();
    let options = Options { dry_run, partial, ..Options::default() };
    // Where none is named there is nothing to be found or not; whoever may import has an organization.
    let provider = move |actor: &Actor| match organization_id {
        Some(named) => Ok(named),
        None => actor.may(Action::Import).and_then(|()| actor.organization_id().ok_or(Error::NotFound)),
    };
    let gate = move |conn: &mut Conn, actor: &Actor| may_import_instructors(conn, actor, provider(actor)?).map(drop);
    let import = move |conn: &mut Conn, actor: &Actor, now: Instant, file: &File, options: &Options| {
        import_instructors(conn, actor, now, provider(actor)?, file, options)
    };
    take(db, caller, upload, options, verdicts, gate, import).await
}

/// Enroll the people of a file in an intake
///
/// Columns: name, employee_number, organization, discipline; latin_name, cohort, phone, email, crew, from. People are matched by
/// organization and employee number. A commit with rows at fault is 422 `import_rows_invalid`, unless `partial=true`.
#[utoipa::path(post, path = "/intakes/{id}/enrollments/import", tag = "imports",
    params(("id" = IntakeId, Path, description = "The intake"), ImportQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and file do the work once")),
    request_body(content = UploadForm, content_type = "multipart/form-data", description = "One CSV or XLSX file"),
    responses((status = 200, description = "What became of each row, as JSON or as the file with verdicts", content(
        (Report = "application/json"), (String = "text/csv"),
        (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), Writing))]
async fn import_roster_file(db: Data<Db>, caller: Caller, id: Path<IntakeId>, query: Query<ImportQuery>, upload: Upload) -> Reply {
    let (id, ImportQuery { dry_run, partial, verdicts }) = (id.into_inner(), query.into_inner());
    let options = Options { dry_run, partial, ..Options::default() };
    let gate = move |conn: &mut Conn, actor: &Actor| may_import_roster(conn, actor, id).map(drop);
    let import = move |conn: &mut Conn, actor: &Actor, now: Instant, file: &File, options: &Options| {
        import_roster(conn, actor, now, id, file, options)
    };
    take(db, caller, upload, options, verdicts, gate, import).await
}

/// Schedule the sessions of a file
///
/// Columns: code, module, cohorts, date, start, end; instructors (their employee numbers, the lead's first; a name is not read), break,
/// length (of what is recorded), mode, room (its code), place. Times are local to the intake, or in full where the clocks show them twice
/// or the session ends on another day. Matched by code. Sessions may exchange their times. Who is refused keeps time and minutes; with
/// `partial=true`, who was to have these is refused as well.
#[utoipa::path(post, path = "/intakes/{id}/sessions/import", tag = "imports",
    params(("id" = IntakeId, Path, description = "The intake"), ScheduleQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and file do the work once")),
    request_body(content = UploadForm, content_type = "multipart/form-data", description = "One CSV or XLSX file"),
    responses((status = 200, description = "What became of each row, as JSON or as the file with verdicts", content(
        (Report = "application/json"), (String = "text/csv"),
        (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), Writing))]
async fn import_schedule_file(db: Data<Db>, caller: Caller, id: Path<IntakeId>, query: Query<ScheduleQuery>, upload: Upload) -> Reply {
    let (id, ScheduleQuery { dry_run, partial, publish, reason, verdicts }) = (id.into_inner(), query.into_inner());
    let options = Options { dry_run, partial, publish, reason, ..Options::default() };
    let gate = move |conn: &mut Conn, actor: &Actor| may_import_schedule(conn, actor, id).map(drop);
    let import = move |conn: &mut Conn, actor: &Actor, now: Instant, file: &File, options: &Options| {
        import_schedule(conn, actor, now, id, file, options)
    };
    take(db, caller, upload, options, verdicts, gate, import).await
}

/// List the days off of a calendar, and the worked days of its weekends
///
/// Columns: date, kind (holiday or 放假, working or 上班, normal or 正常); name. Matched by date; `normal` takes a day out, and no other
/// day is touched. A commit with rows at fault is 422 `import_rows_invalid`, unless `partial=true`.
#[utoipa::path(post, path = "/calendars/{id}/days/import", tag = "imports",
    params(("id" = CalendarId, Path, description = "The calendar of holidays"), ImportQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and file do the work once")),
    request_body(content = UploadForm, content_type = "multipart/form-data", description = "One CSV or XLSX file"),
    responses((status = 200, description = "What became of each row, as JSON or as the file with verdicts", content(
        (Report = "application/json"), (String = "text/csv"),
        (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), Writing))]
async fn import_holidays_file(db: Data<Db>, caller: Caller, id: Path<CalendarId>, query: Query<ImportQuery>, upload: Upload) -> Reply {
    take_calendar(db, caller, (CalendarKind::Holidays, id.into_inner()), query.into_inner(), upload).await
}

/// List the shifts of a sponsor's crews
///
/// Columns: crew, date, start, end; shift. Times are local to the calendar; a shift that does not end after its start ends on the day
/// after. Of a crew that the file names, it replaces the shifts from the first of its days to the last: one with another start is
/// corrected, and one that the file has no more is taken out, told in the row before it and counted as `removed`. The shift `rest` or 休,
/// without times, says that the crew begins none on that day. A commit with rows at fault is 422 `import_rows_invalid`; with
/// `partial=true` nothing is taken out on days of which no row speaks, as a row that cannot be read may have been meant for one.
#[utoipa::path(post, path = "/calendars/{id}/shifts/import", tag = "imports",
    params(("id" = CalendarId, Path, description = "The calendar of shifts"), ImportQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and file do the work once")),
    request_body(content = UploadForm, content_type = "multipart/form-data", description = "One CSV or XLSX file"),
    responses((status = 200, description = "What became of each row, as JSON or as the file with verdicts", content(
        (Report = "application/json"), (String = "text/csv"),
        (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), Writing))]
async fn import_shifts_file(db: Data<Db>, caller: Caller, id: Path<CalendarId>, query: Query<ImportQuery>, upload: Upload) -> Reply {
    take_calendar(db, caller, (CalendarKind::Shifts, id.into_inner()), query.into_inner(), upload).await
}

/// Call the roll of a session by the file of its meeting's provider
///
/// Columns: joined_at, left_at, and of name, employee_number and email whichever there are; a person may have any number of rows. Matched
/// by employee number, else e-mail address, else name. What counts is where at least one row has somebody there, clipped to the session;
/// of a recording, when it was viewed, up to its length. Files add up, and undoing one leaves what the others say. Who was called otherwise
/// stays so, and is told. A commit with rows at fault is 422 `import_rows_invalid`, unless `partial=true`.
#[utoipa::path(post, path = "/sessions/{id}/evidence/import", tag = "imports",
    params(("id" = SessionId, Path, description = "The session"), ImportQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and file do the work once")),
    request_body(content = UploadForm, content_type = "multipart/form-data", description = "One CSV or XLSX file"),
    responses((status = 200, description = "What became of each row, as JSON or as the file with verdicts", content(
        (Report = "application/json"), (String = "text/csv"),
        (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), Writing))]
async fn import_evidence_file(db: Data<Db>, caller: Caller, id: Path<SessionId>, query: Query<ImportQuery>, upload: Upload) -> Reply {
    let (id, ImportQuery { dry_run, partial, verdicts }) = (id.into_inner(), query.into_inner());
    let options = Options { dry_run, partial, ..Options::default() };
    let gate = move |conn: &mut Conn, actor: &Actor| may_import_evidence(conn, actor, id);
    let import = move |conn: &mut Conn, actor: &Actor, now: Instant, file: &File, options: &Options| {
        import_evidence(conn, actor, now, id, file, options)
    };
    take(db, caller, upload, options, verdicts, gate, import).await
}

async fn take_calendar(db: Data<Db>, caller: Caller, of: (CalendarKind, CalendarId), query: ImportQuery, upload: Upload) -> Reply {
    let ImportQuery { dry_run, partial, verdicts } = query;
    let options = Options { dry_run, partial, ..Options::default() };
    let gate = move |conn: &mut Conn, actor: &Actor| may_import_calendar(conn, actor, of).map(drop);
    let import = move |conn: &mut Conn, actor: &Actor, now: Instant, file: &File, options: &Options| {
        import_calendar(conn, actor, now, of, file, options)
    };
    take(db, caller, upload, options, verdicts, gate, import).await
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only the imports into this intake.
    intake_id: Option<IntakeId>,
    /// Only the imports of this kind.
    kind: Option<ImportKind>,
    /// From `next` of the page before.
    cursor: Option<String>,
    /// How many, 1 to 500 (default 50).
    limit: Option<page::Limit>,
}

/// The imports of the caller's provider, oldest first
///
/// To class advisers and instructors, the evidence that they brought themselves for sessions whose roll they call. What was only tried
/// (`dry_run=true`), refused or said nothing new is not among them.
#[utoipa::path(get, path = "/imports", tag = "imports", params(ListQuery), responses(
    (status = 200, description = "A page of imports", body = Page<Import>), Reading))]
async fn list_imports(db: Data<Db>, caller: Caller, query: Query<ListQuery>) -> Result<Answer, Error> {
    let ListQuery { intake_id, kind, cursor, limit } = query.into_inner();
    let (limit, cursor) = (page::limit(limit)?, page::cursor(cursor.as_deref())?);
    let imports =
        db.read(caller.credentials.clone(), move |conn, actor, _| store::list(conn, actor, (intake_id, kind), cursor, limit + 1)).await?;
    Answer::page(&caller, Page::cut(imports, limit, |import| import.id.to_string()))
}

/// One import
#[utoipa::path(get, path = "/imports/{id}", tag = "imports", params(("id" = ImportId, Path, description = "The import")),
    responses((status = 200, description = "The import", body = Import), Reading))]
async fn read_import(db: Data<Db>, caller: Caller, id: Path<ImportId>) -> Result<Answer, Error> {
    let id = id.into_inner();
    let import = db.read(caller.credentials.clone(), move |conn, actor, _| store::find(conn, actor, id)).await?;
    Answer::ok(&import)
}

/// Take an import back, while nothing else rests on it
#[utoipa::path(post, path = "/imports/{id}/undo", tag = "imports",
    params(("id" = ImportId, Path, description = "The import"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = Change, example = json!({"reason": "it was last year's list"})),
    responses((status = 200, description = "The import, undone", body = Undone), Writing))]
async fn undo_import(db: Data<Db>, caller: Caller, id: Path<ImportId>, body: Body<Change>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| Answer::ok(&undo(conn, actor, now, id, &body.value()?)?)).await
}

/// An empty file to fill in, with every column that is read
#[utoipa::path(get, path = "/import-templates/{kind}", tag = "imports",
    params(("kind" = ImportKind, Path, description = "What the file is to hold; a program is no table"), TemplateQuery),
    responses((status = 200, description = "The file", content((String = "text/csv"),
        (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), Reading))]
async fn read_import_template(
    db: Data<Db>,
    caller: Caller,
    kind: Path<ImportKind>,
    query: Query<TemplateQuery>,
) -> Result<Download, Error> {
    let kind = kind.into_inner();
    let format = query.format.map_or_else(|| caller.choose(&[Format::Xlsx, Format::Csv], Format::content_type), Ok)?;
    db.read(caller.credentials, |_, actor, _| actor.may(Action::ReadOrganizations)).await?;
    Ok(download(&format!("template-{kind}"), format, template(kind, format)?))
}
