//! `/trainees` and `/instructors`: the same operations on people in two capacities; `/people`: what is the same in both.

use actix_web::web::{Data, Path, ServiceConfig};
use serde::Deserialize;
use utoipa::{IntoParams, OpenApi};

use super::{
    NewPerson, PersonDocument, PersonFilter, PersonId, PersonKind, PersonPatch,
    identity::{FoundPeople, MaskedNumber, NewIdentityNumber, OpenedNumber, Opening, Sought},
    store::{self, identity_numbers},
};
use crate::{
    db::Db,
    error::Error,
    http::{Answer, Body, Caller, Changing, ETag, Page, Query, Reading, Unchanged, Writing, at, once, page},
    vault::Vault,
};

#[derive(OpenApi)]
#[openapi(paths(
    list_trainees,
    create_trainee,
    read_trainee,
    update_trainee,
    list_instructors,
    create_instructor,
    read_instructor,
    update_instructor,
    read_identity_number,
    record_identity_number,
    open_identity_number,
    find_by_identity_number
))]
pub struct ApiDoc;

pub fn routes(api: &mut ServiceConfig) {
    api.service(at("/trainees").get(list_trainees).post(create_trainee))
        .service(at("/trainees/{id}").get(read_trainee).patch(update_trainee))
        .service(at("/instructors").get(list_instructors).post(create_instructor))
        .service(at("/instructors/{id}").get(read_instructor).patch(update_instructor))
        .service(at("/people/{id}/identity-number").get(read_identity_number).post(record_identity_number))
        .service(at("/people/{id}/identity-number/open").post(open_identity_number))
        .service(at("/people/find").post(find_by_identity_number));
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Part of the name or the latin name; ASCII letters match in either case.
    q: Option<String>,
    /// The whole employee number, with its leading zeros.
    employee_number: Option<String>,
    /// From `next` of the page before.
    cursor: Option<String>,
    /// How many, 1 to 500 (default 50).
    limit: Option<page::Limit>,
}

impl ListQuery {
    fn filter(&self) -> Result<PersonFilter, Error> {
        let said = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let part_of_name = said(&self.q).map(|text| text.parse()).transpose();
        let employee_number = said(&self.employee_number).map(|text| text.parse()).transpose();
        Ok(PersonFilter {
            part_of_name: part_of_name.map_err(|fault| Error::malformed("q_malformed", format!("q {fault}")))?,
            employee_number: employee_number
                .map_err(|fault| Error::malformed("employee_number_malformed", format!("employee_number {fault}")))?,
        })
    }
}

async fn list(db: &Db, caller: &Caller, kind: PersonKind, query: &ListQuery) -> Result<Answer, Error> {
    let filter = query.filter()?;
    let limit = page::limit(query.limit)?;
    let cursor = page::cursor(query.cursor.as_deref())?;
    let people = db
        .read(caller.credentials.clone(), move |conn, actor, now| store::list(conn, actor, now, kind, &filter, (cursor, limit + 1)))
        .await?;
    Answer::page(caller, Page::cut(people, limit, |document| document.person.id.to_string()))
}

async fn create(db: &Db, caller: &Caller, kind: PersonKind, body: Body<NewPerson>) -> Result<Answer, Error> {
    once(db, caller, body.hash, move |conn, actor, now| answer_created(kind, &store::create(conn, actor, now, kind, body.value()?)?)).await
}

fn answer_created(kind: PersonKind, document: &PersonDocument) -> Result<Answer, Error> {
    let location = format!("/api/v1/{}/{}", kind.path(), document.person.id);
    Ok(Answer::created(location, document)?.tag(&ETag::version(document.person.version)))
}

async fn read(db: &Db, caller: &Caller, kind: PersonKind, id: PersonId) -> Result<Answer, Error> {
    let document = db.read(caller.credentials.clone(), move |conn, actor, now| store::find(conn, actor, now, kind, id)).await?;
    Ok(Answer::ok(&document)?.tag_unless_known(caller, &ETag::version(document.person.version)))
}

async fn update(db: &Db, caller: Caller, kind: PersonKind, id: PersonId, body: Body<PersonPatch>) -> Result<Answer, Error> {
    db.write(caller.credentials.clone(), move |conn, actor, now| {
        let document = store::update(conn, actor, now, &caller, (kind, id), body.value()?)?;
        Ok(Answer::ok(&document)?.tag(&ETag::version(document.person.version)))
    })
    .await
}

/// The trainees the caller sees
#[utoipa::path(get, path = "/trainees", tag = "trainees", params(ListQuery), responses(
    (status = 200, description = "A page of trainees", body = Page<PersonDocument>), Reading))]
async fn list_trainees(db: Data<Db>, caller: Caller, query: Query<ListQuery>) -> Result<Answer, Error> {
    list(&db, &caller, PersonKind::Trainee, &query).await
}

/// Record a trainee
#[utoipa::path(post, path = "/trainees", tag = "trainees",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = NewPerson, example = json!({"name": "欧阳旭", "latin_name": "Ouyang Xu", "phone": "+86 937 000 0000",
        "affiliation": {"organization_id": "01970000-0000-7000-8000-000000000001", "employee_number": "0061234", "title": "助理工程师"}})),
    responses((status = 201, description = "The new trainee", body = PersonDocument), Writing))]
async fn create_trainee(db: Data<Db>, caller: Caller, body: Body<NewPerson>) -> Result<Answer, Error> {
    create(&db, &caller, PersonKind::Trainee, body).await
}

/// One trainee
#[utoipa::path(get, path = "/trainees/{id}", tag = "trainees", params(("id" = PersonId, Path, description = "The trainee")),
    responses((status = 200, description = "The trainee", body = PersonDocument), Unchanged, Reading))]
async fn read_trainee(db: Data<Db>, caller: Caller, id: Path<PersonId>) -> Result<Answer, Error> {
    read(&db, &caller, PersonKind::Trainee, id.into_inner()).await
}

/// Change a trainee's names, phone or e-mail address
#[utoipa::path(patch, path = "/trainees/{id}", tag = "trainees",
    params(("id" = PersonId, Path, description = "The trainee"),
        ("If-Match" = String, Header, description = "The ETag last read; 428 without it")),
    request_body(content = PersonPatch, example = json!({"phone": "+86 937 000 0001"})),
    responses((status = 200, description = "The trainee as it is now", body = PersonDocument), Changing))]
async fn update_trainee(db: Data<Db>, caller: Caller, id: Path<PersonId>, body: Body<PersonPatch>) -> Result<Answer, Error> {
    update(&db, caller, PersonKind::Trainee, id.into_inner(), body).await
}

/// The instructors the caller sees
#[utoipa::path(get, path = "/instructors", tag = "instructors", params(ListQuery), responses(
    (status = 200, description = "A page of instructors", body = Page<PersonDocument>), Reading))]
async fn list_instructors(db: Data<Db>, caller: Caller, query: Query<ListQuery>) -> Result<Answer, Error> {
    list(&db, &caller, PersonKind::Instructor, &query).await
}

/// Record an instructor
#[utoipa::path(post, path = "/instructors", tag = "instructors",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = NewPerson, example = json!({"name": "沈岚", "latin_name": "Shen Lan", "email": "shen.lan@example.org",
        "affiliation": {"organization_id": "01970000-0000-7000-8000-000000000002", "employee_number": "B20117", "title": "教授"}})),
    responses((status = 201, description = "The new instructor", body = PersonDocument), Writing))]
async fn create_instructor(db: Data<Db>, caller: Caller, body: Body<NewPerson>) -> Result<Answer, Error> {
    create(&db, &caller, PersonKind::Instructor, body).await
}

/// One instructor
#[utoipa::path(get, path = "/instructors/{id}", tag = "instructors", params(("id" = PersonId, Path, description = "The instructor")),
    responses((status = 200, description = "The instructor", body = PersonDocument), Unchanged, Reading))]
async fn read_instructor(db: Data<Db>, caller: Caller, id: Path<PersonId>) -> Result<Answer, Error> {
    read(&db, &caller, PersonKind::Instructor, id.into_inner()).await
}

/// Change an instructor's names, phone or e-mail address
#[utoipa::path(patch, path = "/instructors/{id}", tag = "instructors",
    params(("id" = PersonId, Path, description = "The instructor"),
        ("If-Match" = String, Header, description = "The ETag last read; 428 without it")),
    request_body(content = PersonPatch, example = json!({"email": "shen.lan@example.org"})),
    responses((status = 200, description = "The instructor as it is now", body = PersonDocument), Changing))]
async fn update_instructor(db: Data<Db>, caller: Caller, id: Path<PersonId>, body: Body<PersonPatch>) -> Result<Answer, Error> {
    update(&db, caller, PersonKind::Instructor, id.into_inner(), body).await
}

/// What is shown of a person's identity number: its last characters
#[utoipa::path(get, path = "/people/{id}/identity-number", tag = "people",
    params(("id" = PersonId, Path, description = "A trainee or an instructor")),
    responses((status = 200, description = "The last characters, or null where none is recorded", body = MaskedNumber), Reading))]
async fn read_identity_number(db: Data<Db>, caller: Caller, id: Path<PersonId>) -> Result<Answer, Error> {
    let id = id.into_inner();
    // No reader of the database is shown that table.
    let masked = db.read_whole(caller.credentials, move |conn, actor, _| identity_numbers::masked(conn, actor, id)).await?;
    Answer::ok(&masked)
}

/// Record a person's identity number, or take away what is recorded
///
/// It is stored encrypted and shown to nobody but by its last characters; `…/open` shows it, and says in the journal to whom and why. A citizen's
/// number is held to its check digit. Within a house a number is one person's; another house records its own. No Idempotency-Key is taken, for
/// what is kept of a body by its key could be guessed: the same number again changes nothing.
#[utoipa::path(post, path = "/people/{id}/identity-number", tag = "people",
    params(("id" = PersonId, Path, description = "A trainee or an instructor")),
    request_body(content = NewIdentityNumber, example = json!({"identity_number": "11010519491231002X"})),
    responses((status = 200, description = "What is shown of it", body = MaskedNumber), Writing))]
async fn record_identity_number(
    db: Data<Db>,
    vault: Data<Option<Vault>>,
    caller: Caller,
    id: Path<PersonId>,
    body: Body<NewIdentityNumber>,
) -> Result<Answer, Error> {
    let id = id.into_inner();
    let masked = db.write(caller.credentials, move |conn, actor, now| {
        let NewIdentityNumber { identity_number, reason } = body.value()?;
        identity_numbers::record(conn, actor, now, vault.as_ref().as_ref(), (id, identity_number), reason.as_ref())
    });
    Answer::ok(&masked.await?)
}

/// Open a person's identity number
///
/// The journal has who opened it, when and why. No Idempotency-Key is taken: each opening is one.
#[utoipa::path(post, path = "/people/{id}/identity-number/open", tag = "people",
    params(("id" = PersonId, Path, description = "A trainee or an instructor")),
    request_body(content = Opening, example = json!({"reason": "the certificate's application to the ministry"})),
    responses((status = 200, description = "The number as it was recorded", body = OpenedNumber), Writing))]
async fn open_identity_number(
    db: Data<Db>,
    vault: Data<Option<Vault>>,
    caller: Caller,
    id: Path<PersonId>,
    body: Body<Opening>,
) -> Result<Answer, Error> {
    let id = id.into_inner();
    let opened = db.write(caller.credentials, move |conn, actor, _| {
        let reason = body.value()?.reason;
        identity_numbers::open(conn, actor, vault.as_ref().as_ref(), id, &reason)
    });
    Ok(Answer::ok(&opened.await?)?.not_stored())
}

/// Whose identity number it is
///
/// As the own house recorded it; the journal has whom it was asked of. In the body, and not in the address, which is logged and kept on the way.
#[utoipa::path(post, path = "/people/find", tag = "people", request_body(content = Sought, example = json!({"identity_number": "11010519491231002X"})),
    responses((status = 200, description = "The people, of whom there is one where the whole house is asked", body = FoundPeople), Writing))]
async fn find_by_identity_number(db: Data<Db>, vault: Data<Option<Vault>>, caller: Caller, body: Body<Sought>) -> Result<Answer, Error> {
    let found = db.read_whole(caller.credentials, move |conn, actor, _| {
        identity_numbers::find_by(conn, actor, vault.as_ref().as_ref(), &body.value()?.identity_number)
    });
    Answer::ok(&found.await?)
}
