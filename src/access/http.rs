//! `/users`, `/role-grants`, `/tokens`, `/disclosures`.

use actix_web::web::{Data, Path, ServiceConfig};
use utoipa::OpenApi;

use super::{
    DisclosureDocument, DisclosureId, HeldRole, NewDisclosure, NewRoleGrant, RoleGrantId, TokenDocument, TokenId, UserDocument, UserId,
    model::{IssuedTokenDocument, NewTokenIn, NewUserIn},
    store,
};
use crate::{
    db::Db,
    error::Error,
    http::{Answer, Body, Caller, Change, ExplainedChange, Page, PageQuery, Query, Reading, Writing, at, once},
};

#[derive(OpenApi)]
#[openapi(paths(
    list_users,
    create_user,
    read_user,
    create_role_grant,
    end_role_grant,
    list_tokens,
    create_token,
    revoke_token,
    list_disclosures,
    create_disclosure,
    read_disclosure,
    end_disclosure
))]
pub struct ApiDoc;

pub fn routes(api: &mut ServiceConfig) {
    api.service(at("/users").get(list_users).post(create_user))
        .service(at("/users/{id}").get(read_user))
        .service(at("/users/{id}/role-grants").post(create_role_grant))
        .service(at("/role-grants/{id}/end").post(end_role_grant))
        .service(at("/tokens").get(list_tokens).post(create_token))
        .service(at("/tokens/{id}/revoke").post(revoke_token))
        .service(at("/disclosures").get(list_disclosures).post(create_disclosure))
        .service(at("/disclosures/{id}").get(read_disclosure))
        .service(at("/disclosures/{id}/end").post(end_disclosure));
}

/// The users with a role in the caller's house
///
/// A coordinator sees coordinators, class advisers, instructors and trainees of the own organization and below it, and so does an auditor; a
/// partner who manages access the partners there. The roles are those in the house that have not ended.
#[utoipa::path(get, path = "/users", tag = "access", params(PageQuery), responses(
    (status = 200, description = "A page of users", body = Page<UserDocument>), Reading))]
async fn list_users(db: Data<Db>, caller: Caller, query: Query<PageQuery>) -> Result<Answer, Error> {
    let (cursor, limit) = query.read()?;
    let rows =
        db.read_whole(caller.credentials.clone(), move |conn, actor, now| store::list_users(conn, actor, now, cursor, limit + 1)).await?;
    Answer::page(&caller, Page::cut(rows, limit, |row| row.user.id.to_string()))
}

/// Make a user with a first role
///
/// For whoever has signed in, as everything that makes, changes or ends users, roles and tokens. The user is somebody, and then an invitation
/// follows, or a program, and then a token does.
#[utoipa::path(post, path = "/users", tag = "access",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = NewUserIn, example = json!({"name": "李老师", "person_id": "01936f3e-0000-7000-8000-000000000003",
        "role": "instructor", "organization_id": "01936f3e-0000-7000-8000-000000000001"})),
    responses((status = 201, description = "The user with the role", body = UserDocument), Writing))]
async fn create_user(db: Data<Db>, caller: Caller, body: Body<NewUserIn>) -> Result<Answer, Error> {
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let (user, role) = body.value()?.parts();
        let user = store::create_user_in_role(conn, actor, now, user, role)?;
        Answer::created(format!("/api/v1/users/{}", user.id), &store::find_user(conn, actor, now, user.id)?)
    })
    .await
}

/// One user
#[utoipa::path(get, path = "/users/{id}", tag = "access", params(("id" = UserId, Path, description = "The user")), responses(
    (status = 200, description = "The user with the roles in the caller's house", body = UserDocument), Reading))]
async fn read_user(db: Data<Db>, caller: Caller, id: Path<UserId>) -> Result<Answer, Error> {
    let id = id.into_inner();
    Answer::ok(&db.read_whole(caller.credentials.clone(), move |conn, actor, now| store::find_user(conn, actor, now, id)).await?)
}

/// Give a user another role
#[utoipa::path(post, path = "/users/{id}/role-grants", tag = "access",
    params(("id" = UserId, Path, description = "The user"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = NewRoleGrant,
        example = json!({"role": "class_adviser", "organization_id": "01936f3e-0000-7000-8000-000000000001"})),
    responses((status = 201, description = "The user with the role", body = UserDocument), Writing))]
async fn create_role_grant(db: Data<Db>, caller: Caller, id: Path<UserId>, body: Body<NewRoleGrant>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        store::grant_role(conn, actor, now, id, body.value()?)?;
        Answer::created(format!("/api/v1/users/{id}"), &store::find_user(conn, actor, now, id)?)
    })
    .await
}

/// End a role at once
///
/// Whatever was signed in in it has ended, and its tokens are good for nothing. The caller's own is ended by somebody else.
#[utoipa::path(post, path = "/role-grants/{id}/end", tag = "access",
    params(("id" = RoleGrantId, Path, description = "The role, as a user's `roles` name it"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = Change, example = json!({"reason": "teaches elsewhere"})),
    responses((status = 200, description = "The role, which has ended", body = HeldRole), Writing))]
async fn end_role_grant(db: Data<Db>, caller: Caller, id: Path<RoleGrantId>, body: Body<Change>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        Answer::ok(&store::end_role(conn, actor, now, id, body.value()?.reason.as_ref())?)
    })
    .await
}

/// The tokens of programs in the caller's house, without their secrets
#[utoipa::path(get, path = "/tokens", tag = "access", params(PageQuery), responses(
    (status = 200, description = "A page of tokens", body = Page<TokenDocument>), Reading))]
async fn list_tokens(db: Data<Db>, caller: Caller, query: Query<PageQuery>) -> Result<Answer, Error> {
    let (cursor, limit) = query.read()?;
    let rows = db.read(caller.credentials.clone(), move |conn, actor, _| {
        Ok(store::list_tokens(conn, actor, cursor, limit + 1)?.into_iter().map(TokenDocument::new).collect::<Vec<_>>())
    });
    Answer::page(&caller, Page::cut(rows.await?, limit, |row| row.id.to_string()))
}

/// Make a token for a program
///
/// It acts in a role: the caller's own, or that of a user who is a program (nobody with a password or a person). Its secret is told this once.
#[utoipa::path(post, path = "/tokens", tag = "access",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once; answered again, the token has no secret")),
    request_body(content = NewTokenIn, example = json!({"name": "time clock", "read_only": true,
        "program_id": "01936f3e-0000-7000-8000-000000000002", "expires_at": "2030-01-01T00:00:00Z"})),
    responses((status = 201, description = "The token with its secret", body = IssuedTokenDocument), Writing))]
async fn create_token(db: Data<Db>, caller: Caller, body: Body<NewTokenIn>) -> Result<Answer, Error> {
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let issued = store::issue_token(conn, actor, now, body.value()?.of(actor.role_grant_id())?)?;
        let document = TokenDocument::new(store::find_token(conn, actor, issued.id)?);
        let kept = IssuedTokenDocument { document: document.clone(), secret: None };
        Answer::created("/api/v1/tokens".to_owned(), &IssuedTokenDocument { document, secret: Some(issued.token) })?.kept_as(&kept)
    })
    .await
}

/// Revoke a token: it is good for nothing at once
#[utoipa::path(post, path = "/tokens/{id}/revoke", tag = "access",
    params(("id" = TokenId, Path, description = "The token"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = Change, example = json!({"reason": "the time clock was replaced"})),
    responses((status = 200, description = "The token, revoked", body = TokenDocument), Writing))]
async fn revoke_token(db: Data<Db>, caller: Caller, id: Path<TokenId>, body: Body<Change>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        Answer::ok(&TokenDocument::new(store::revoke_token(conn, actor, now, id, body.value()?.reason.as_ref())?))
    })
    .await
}

/// The disclosures in which the caller's house is on either side
///
/// By a disclosure the people of one house, such as a subsidiary, are shown to the partners of another, such as the group, while it is in force:
/// their enrollments, hours, progress and schedule are read as the own ones, and nothing of them is changed. Those that have ended are listed
/// too. For a partner who manages access, and for administrators.
#[utoipa::path(get, path = "/disclosures", tag = "access", params(PageQuery), responses(
    (status = 200, description = "A page of disclosures", body = Page<DisclosureDocument>), Reading))]
async fn list_disclosures(db: Data<Db>, caller: Caller, query: Query<PageQuery>) -> Result<Answer, Error> {
    let (cursor, limit) = query.read()?;
    let rows = db.read(caller.credentials.clone(), move |conn, actor, _| store::list_disclosures(conn, actor, cursor, limit + 1)).await?;
    Answer::page(&caller, Page::cut(rows, limit, |row| row.disclosure.id.to_string()))
}

/// Show people of the own house to the partners of another
///
/// For whoever has signed in as a partner who manages access, or as an administrator. The partners at the recipient and above it see them from
/// the next request on.
#[utoipa::path(post, path = "/disclosures", tag = "access",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = NewDisclosure, example = json!({"organization_id": "01936f3e-0000-7000-8000-000000000004",
        "recipient_id": "01936f3e-0000-7000-8000-000000000005", "until_at": "2030-01-01T00:00:00Z",
        "reason": "the group reports on all of its subsidiaries"})),
    responses((status = 201, description = "The disclosure", body = DisclosureDocument), Writing))]
async fn create_disclosure(db: Data<Db>, caller: Caller, body: Body<NewDisclosure>) -> Result<Answer, Error> {
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let made = store::disclose(conn, actor, now, body.value()?)?;
        Answer::created(format!("/api/v1/disclosures/{}", made.disclosure.id), &made)
    })
    .await
}

/// One disclosure
#[utoipa::path(get, path = "/disclosures/{id}", tag = "access", params(("id" = DisclosureId, Path, description = "The disclosure")),
    responses((status = 200, description = "The disclosure", body = DisclosureDocument), Reading))]
async fn read_disclosure(db: Data<Db>, caller: Caller, id: Path<DisclosureId>) -> Result<Answer, Error> {
    let id = id.into_inner();
    Answer::ok(&db.read(caller.credentials.clone(), move |conn, actor, _| store::find_disclosure(conn, actor, id)).await?)
}

/// End a disclosure at once
///
/// For whoever may make it, and not for those to whom it is made. It is kept; the same people may be shown anew.
#[utoipa::path(post, path = "/disclosures/{id}/end", tag = "access",
    params(("id" = DisclosureId, Path, description = "The disclosure"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = ExplainedChange, example = json!({"reason": "the subsidiary was sold"})),
    responses((status = 200, description = "The disclosure, which has ended", body = DisclosureDocument), Writing))]
async fn end_disclosure(db: Data<Db>, caller: Caller, id: Path<DisclosureId>, body: Body<ExplainedChange>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| Answer::ok(&store::end_disclosure(conn, actor, now, id, &body.value()?.reason)?))
        .await
}
