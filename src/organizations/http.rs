//! `/organizations`.

use actix_web::web::{Data, Path, ServiceConfig};
use utoipa::OpenApi;

use super::{NewOrganization, Organization, OrganizationId, OrganizationPatch, store};
use crate::{
    db::Db,
    error::Error,
    http::{Answer, Body, Caller, Changing, ETag, Page, PageQuery, Query, Reading, Unchanged, Writing, at, once},
};

#[derive(OpenApi)]
#[openapi(paths(list_organizations, create_organization, read_organization, update_organization))]
pub struct ApiDoc;

pub fn routes(api: &mut ServiceConfig) {
    api.service(at("/organizations").get(list_organizations).post(create_organization))
        .service(at("/organizations/{id}").get(read_organization).patch(update_organization));
}

/// The organizations the caller sees
#[utoipa::path(get, path = "/organizations", tag = "organizations", params(PageQuery), responses(
    (status = 200, description = "A page of organizations", body = Page<Organization>), Reading))]
async fn list_organizations(db: Data<Db>, caller: Caller, query: Query<PageQuery>) -> Result<Answer, Error> {
    let (cursor, limit) = query.read()?;
    let rows = db.read(caller.credentials.clone(), move |conn, actor, _| store::list(conn, actor, cursor, limit + 1)).await?;
    Answer::page(&caller, Page::cut(rows, limit, |row| row.id.to_string()))
}

/// Create an organization or a unit of one
#[utoipa::path(post, path = "/organizations", tag = "organizations",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = NewOrganization, example = json!({"code": "JISCO", "name": "酒泉钢铁（集团）有限责任公司", "latin_name": "JISCO", "kind": "enterprise"})),
    responses((status = 201, description = "The new organization", body = Organization), Writing))]
async fn create_organization(db: Data<Db>, caller: Caller, body: Body<NewOrganization>) -> Result<Answer, Error> {
    once(&db, &caller, body.hash, move |conn, actor, now| answer_created(&store::create(conn, actor, now, body.value()?)?)).await
}

fn answer_created(organization: &Organization) -> Result<Answer, Error> {
    Ok(Answer::created(format!("/api/v1/organizations/{}", organization.id), organization)?.tag(&ETag::version(organization.version)))
}

/// One organization
#[utoipa::path(get, path = "/organizations/{id}", tag = "organizations", params(("id" = OrganizationId, Path, description = "The organization")),
    responses((status = 200, description = "The organization", body = Organization), Unchanged, Reading))]
async fn read_organization(db: Data<Db>, caller: Caller, id: Path<OrganizationId>) -> Result<Answer, Error> {
    let id = id.into_inner();
    let row = db.read(caller.credentials.clone(), move |conn, actor, _| store::find(conn, actor, id)).await?;
    Ok(Answer::ok(&row)?.tag_unless_known(&caller, &ETag::version(row.version)))
}

/// Change an organization's code or names
#[utoipa::path(patch, path = "/organizations/{id}", tag = "organizations",
    params(("id" = OrganizationId, Path, description = "The organization"),
        ("If-Match" = String, Header, description = "The ETag last read; 428 without it")),
    request_body(content = OrganizationPatch, example = json!({"latin_name": "Jiuquan Iron and Steel"})),
    responses((status = 200, description = "The organization as it is now", body = Organization), Changing))]
async fn update_organization(
    db: Data<Db>,
    caller: Caller,
    id: Path<OrganizationId>,
    body: Body<OrganizationPatch>,
) -> Result<Answer, Error> {
    let id = id.into_inner();
    db.write(caller.credentials.clone(), move |conn, actor, _| {
        let row = store::update(conn, actor, &caller, id, body.value()?)?;
        Ok(Answer::ok(&row)?.tag(&ETag::version(row.version)))
    })
    .await
}
