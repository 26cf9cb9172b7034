//! `/programs` and `/program-versions`.

use actix_web::web::{Data, Path, ServiceConfig};
use utoipa::OpenApi;

use super::{NewProgram, NewProgramVersion, Program, ProgramId, ProgramPatch, ProgramVersion, ProgramVersionId, VersionDocument, store};
use crate::{
    db::Db,
    error::Error,
    http::{Answer, Body, Caller, Change, Changing, ETag, Page, PageQuery, Query, Reading, Unchanged, Writing, at, once},
};

#[derive(OpenApi)]
#[openapi(paths(
    list_programs,
    create_program,
    read_program,
    update_program,
    list_program_versions,
    create_program_version,
    read_program_version,
    replace_program_version,
    confirm_program_version,
    retire_program_version
))]
pub struct ApiDoc;

pub fn routes(api: &mut ServiceConfig) {
    api.service(at("/programs").get(list_programs).post(create_program))
        .service(at("/programs/{id}").get(read_program).patch(update_program))
        .service(at("/programs/{id}/versions").get(list_program_versions).post(create_program_version))
        .service(at("/program-versions/{id}").get(read_program_version).put(replace_program_version))
        .service(at("/program-versions/{id}/confirm").post(confirm_program_version))
        .service(at("/program-versions/{id}/retire").post(retire_program_version));
}

/// The programs the caller sees
#[utoipa::path(get, path = "/programs", tag = "programs", params(PageQuery), responses(
    (status = 200, description = "A page of programs", body = Page<Program>), Reading))]
async fn list_programs(db: Data<Db>, caller: Caller, query: Query<PageQuery>) -> Result<Answer, Error> {
    let (cursor, limit) = query.read()?;
    let rows = db.read(caller.credentials.clone(), move |conn, actor, _| store::list(conn, actor, cursor, limit + 1)).await?;
    Answer::page(&caller, Page::cut(rows, limit, |row| row.id.to_string()))
}

/// Create a program
#[utoipa::path(post, path = "/programs", tag = "programs",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = NewProgram, example = json!({"code": "HONGXING", "name": "酒钢宏兴青年专业人才培训", "latin_name": "Hongxing young professionals course"})),
    responses((status = 201, description = "The new program", body = Program), Writing))]
async fn create_program(db: Data<Db>, caller: Caller, body: Body<NewProgram>) -> Result<Answer, Error> {
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let program = store::create(conn, actor, now, body.value()?)?;
        Ok(Answer::created(format!("/api/v1/programs/{}", program.id), &program)?.tag(&ETag::version(program.version)))
    })
    .await
}

/// One program
#[utoipa::path(get, path = "/programs/{id}", tag = "programs", params(("id" = ProgramId, Path, description = "The program")),
    responses((status = 200, description = "The program", body = Program), Unchanged, Reading))]
async fn read_program(db: Data<Db>, caller: Caller, id: Path<ProgramId>) -> Result<Answer, Error> {
    let id = id.into_inner();
    let row = db.read(caller.credentials.clone(), move |conn, actor, _| store::find(conn, actor, id)).await?;
    Ok(Answer::ok(&row)?.tag_unless_known(&caller, &ETag::version(row.version)))
}

/// Change a program's code or names
#[utoipa::path(patch, path = "/programs/{id}", tag = "programs",
    params(("id" = ProgramId, Path, description = "The program"),
        ("If-Match" = String, Header, description = "The ETag last read; 428 without it")),
    request_body(content = ProgramPatch, example = json!({"latin_name": "Hongxing course"})),
    responses((status = 200, description = "The program as it is now", body = Program), Changing))]
async fn update_program(db: Data<Db>, caller: Caller, id: Path<ProgramId>, body: Body<ProgramPatch>) -> Result<Answer, Error> {
    let id = id.into_inner();
    db.write(caller.credentials.clone(), move |conn, actor, _| {
        let row = store::update(conn, actor, &caller, id, body.value()?)?;
        Ok(Answer::ok(&row)?.tag(&ETag::version(row.version)))
    })
    .await
}

/// The versions of a program, without their content
#[utoipa::path(get, path = "/programs/{id}/versions", tag = "programs",
    params(("id" = ProgramId, Path, description = "The program"), PageQuery),
    responses((status = 200, description = "A page of versions", body = Page<ProgramVersion>), Reading))]
async fn list_program_versions(db: Data<Db>, caller: Caller, id: Path<ProgramId>, query: Query<PageQuery>) -> Result<Answer, Error> {
    let id = id.into_inner();
    let (cursor, limit) = query.read()?;
    let rows = db.read(caller.credentials.clone(), move |conn, actor, _| store::versions(conn, actor, id, cursor, limit + 1)).await?;
    Answer::page(&caller, Page::cut(rows, limit, |row| row.id.to_string()))
}

/// Draft the next version of a program, with its disciplines and modules
#[utoipa::path(post, path = "/programs/{id}/versions", tag = "programs",
    params(("id" = ProgramId, Path, description = "The program"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = NewProgramVersion, example = json!({"total_minutes": 1620, "minutes_per_hour": 45,
        "disciplines": [{"code": "MET", "name": "冶金工程", "latin_name": "Metallurgical engineering"}],
        "modules": [{"code": "MET-01", "discipline": "MET", "name": "冶金物理化学", "kind": "theory", "planned_minutes": 1080},
            {"code": "COM-01", "discipline": null, "name": "钢铁行业发展与青年工程师素养", "kind": "theory", "planned_minutes": 540}]})),
    responses((status = 201, description = "The draft", body = VersionDocument), Writing))]
async fn create_program_version(db: Data<Db>, caller: Caller, id: Path<ProgramId>, body: Body<NewProgramVersion>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let document = store::create_version(conn, actor, now, id, body.value()?)?;
        let location = format!("/api/v1/program-versions/{}", document.row.id);
        Ok(Answer::created(location, &document)?.tag(&ETag::version(document.row.version)))
    })
    .await
}

/// One program version with its disciplines and modules
#[utoipa::path(get, path = "/program-versions/{id}", tag = "programs",
    params(("id" = ProgramVersionId, Path, description = "The program version")),
    responses((status = 200, description = "The version", body = VersionDocument), Unchanged, Reading))]
async fn read_program_version(db: Data<Db>, caller: Caller, id: Path<ProgramVersionId>) -> Result<Answer, Error> {
    let id = id.into_inner();
    let document = db.read(caller.credentials.clone(), move |conn, actor, _| store::version(conn, actor, id)).await?;
    Ok(Answer::ok(&document)?.tag_unless_known(&caller, &ETag::version(document.row.version)))
}

/// Replace the content of a draft
#[utoipa::path(put, path = "/program-versions/{id}", tag = "programs",
    params(("id" = ProgramVersionId, Path, description = "The program version"),
        ("If-Match" = String, Header, description = "The ETag last read; 428 without it")),
    request_body(content = NewProgramVersion, example = json!({"total_minutes": 540, "minutes_per_hour": 45, "authorized_absence_counts": true,
        "disciplines": [{"code": "MET", "name": "冶金工程"}],
        "modules": [{"code": "COM-01", "discipline": null, "name": "钢铁行业发展与青年工程师素养", "kind": "theory", "planned_minutes": 540}]})),
    responses((status = 200, description = "The version as it is now", body = VersionDocument), Changing))]
async fn replace_program_version(
    db: Data<Db>,
    caller: Caller,
    id: Path<ProgramVersionId>,
    body: Body<NewProgramVersion>,
) -> Result<Answer, Error> {
    let id = id.into_inner();
    db.write(caller.credentials.clone(), move |conn, actor, _| {
        let document = store::replace_version(conn, actor, &caller, id, body.value()?)?;
        Ok(Answer::ok(&document)?.tag(&ETag::version(document.row.version)))
    })
    .await
}

/// Confirm a draft whose hours add up; from then on it never changes
#[utoipa::path(post, path = "/program-versions/{id}/confirm", tag = "programs",
    params(("id" = ProgramVersionId, Path, description = "The program version"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = Change, example = json!({"reason": "approved by both sides on 2020-05-20"})),
    responses((status = 200, description = "The confirmed version", body = VersionDocument), Writing))]
async fn confirm_program_version(db: Data<Db>, caller: Caller, id: Path<ProgramVersionId>, body: Body<Change>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, _| {
        let document = store::confirm(conn, actor, id, &body.value()?)?;
        Ok(Answer::ok(&document)?.tag(&ETag::version(document.row.version)))
    })
    .await
}

/// Retire a confirmed version: no new intake begins with it
#[utoipa::path(post, path = "/program-versions/{id}/retire", tag = "programs",
    params(("id" = ProgramVersionId, Path, description = "The program version"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = Change, example = json!({"reason": "replaced by version 2"})),
    responses((status = 200, description = "The retired version", body = VersionDocument), Writing))]
async fn retire_program_version(db: Data<Db>, caller: Caller, id: Path<ProgramVersionId>, body: Body<Change>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, _| {
        let document = store::retire(conn, actor, id, &body.value()?)?;
        Ok(Answer::ok(&document)?.tag(&ETag::version(document.row.version)))
    })
    .await
}
