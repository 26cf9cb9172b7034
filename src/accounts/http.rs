//! `/users/{id}/invite`, `…/disable`, `…/enable`, `…/sign-in-code`, `…/second-factor`, `/invitations`, `/sign-ins`, `/account`.

use actix_web::web::{Data, Path, ServiceConfig};
use utoipa::OpenApi;

use super::{
    Account, Hasher,
    model::{
        AcceptInvitation, Accepted, ActIn, ChangePassword, InvitationDocument, Invited, NewInvitation, NewSignIn, SignIn, SignOut,
        SignedOut,
    },
    proving,
    second_factor::{BeginSecondFactor, ConfirmSecondFactor, RecoveryCodes, RemoveSecondFactor, SecondFactor},
    sign_in_code::{NewSignInCode, SignInByCode, SignInCode},
    store::{self, second_factors},
};
use crate::{
    access::{self, Secret, TokenId, UserDocument, UserId},
    db::Db,
    error::Error,
    http::{
        Answer, Body, Caller, Change, Conditions, ExplainedChange, Origin, Page, PageQuery, Proving, Query, Reading, Unguarded, Visitor,
        Writing, at, once,
    },
    vault::Vault,
};

#[derive(OpenApi)]
#[openapi(paths(
    invite_user,
    disable_user,
    enable_user,
    read_invitation,
    accept_invitation,
    sign_in,
    create_sign_in_code,
    sign_in_by_code,
    remove_second_factor_of,
    begin_second_factor,
    confirm_second_factor,
    remove_second_factor,
    read_account,
    act_in_role,
    change_password,
    sign_out,
    list_sign_ins,
    end_sign_in
))]
pub struct ApiDoc;

pub fn routes(api: &mut ServiceConfig) {
    api.service(at("/users/{id}/invite").post(invite_user))
        .service(at("/users/{id}/disable").post(disable_user))
        .service(at("/users/{id}/enable").post(enable_user))
        .service(at("/invitations/accept").post(accept_invitation))
        .service(at("/invitations/{secret}").get(read_invitation))
        .service(at("/users/{id}/sign-in-code").post(create_sign_in_code))
        .service(at("/users/{id}/second-factor/remove").post(remove_second_factor_of))
        .service(at("/sign-ins").post(sign_in))
        .service(at("/sign-ins/by-code").post(sign_in_by_code))
        .service(at("/account").get(read_account))
        .service(at("/account/act").post(act_in_role))
        .service(at("/account/password").post(change_password))
        .service(at("/account/second-factor").post(begin_second_factor))
        .service(at("/account/second-factor/confirm").post(confirm_second_factor))
        .service(at("/account/second-factor/remove").post(remove_second_factor))
        .service(at("/account/sign-out").post(sign_out))
        .service(at("/account/sign-ins").get(list_sign_ins))
        .service(at("/account/sign-ins/{id}/end").post(end_sign_in));
}

/// Invite a user to set a password, for the first time or again
///
/// The link is told this once, and good once; invitations of before are good no more. Nobody invites somebody who holds a role that is not
/// theirs to give, for whoever sets the password has all of them.
#[utoipa::path(post, path = "/users/{id}/invite", tag = "access",
    params(("id" = UserId, Path, description = "The user"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once; answered again, the invitation has no secret")),
    request_body(content = NewInvitation, example = json!({"expires_in_hours": 24})),
    responses((status = 201, description = "The invitation with its secret", body = InvitationDocument), Writing))]
async fn invite_user(db: Data<Db>, caller: Caller, origin: Origin, id: Path<UserId>, body: Body<NewInvitation>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let invitation = store::invite_user(conn, actor, now, id, body.value()?.lifetime())?;
        let link = origin.address(&format!("/api/v1/invitations/{}", invitation.secret.expose()));
        let told = InvitationDocument::new(invitation, link);
        Answer::created(format!("/api/v1/users/{id}"), &told)?.kept_as(&told.without_secret())
    })
    .await
}

/// Disable a user: tokens, sign-ins and invitations are good for nothing at once
///
/// Nobody disables somebody who holds a role that is not theirs to give, nor themselves.
#[utoipa::path(post, path = "/users/{id}/disable", tag = "access",
    params(("id" = UserId, Path, description = "The user"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = Change, example = json!({"reason": "left the university"})),
    responses((status = 200, description = "The user, disabled", body = UserDocument), Writing))]
async fn disable_user(db: Data<Db>, caller: Caller, id: Path<UserId>, body: Body<Change>) -> Result<Answer, Error> {
    set_disabled(db, caller, id.into_inner(), true, body).await
}

/// Take it back that a user is disabled; sign-ins of before have ended for good
#[utoipa::path(post, path = "/users/{id}/enable", tag = "access",
    params(("id" = UserId, Path, description = "The user"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = Change, example = json!({"reason": "came back"})),
    responses((status = 200, description = "The user, who may sign in again", body = UserDocument), Writing))]
async fn enable_user(db: Data<Db>, caller: Caller, id: Path<UserId>, body: Body<Change>) -> Result<Answer, Error> {
    set_disabled(db, caller, id.into_inner(), false, body).await
}

async fn set_disabled(db: Data<Db>, caller: Caller, id: UserId, is_disabled: bool, body: Body<Change>) -> Result<Answer, Error> {
    once(&db, &caller, body.hash, move |conn, actor, now| {
        store::set_disabled(conn, actor, now, id, is_disabled, body.value()?.reason.as_ref())?;
        Answer::ok(&access::find_user(conn, actor, now, id)?)
    })
    .await
}

/// Whom an invitation is for
///
/// At the address that was given to them. It changes nothing; the password is set by `POST /invitations/accept`.
#[utoipa::path(get, path = "/invitations/{secret}", tag = "account", security(()),
    params(("secret" = String, Path, description = "As it was given")),
    responses((status = 200, description = "Who is invited, to what, and until when", body = Invited), Unguarded))]
async fn read_invitation(db: Data<Db>, _: Conditions, secret: Path<String>) -> Result<Answer, Error> {
    let invited = db.snapshot(move |conn, now| store::invitation(conn, now, &Secret::from(secret.as_str()))).await?;
    Ok(Answer::ok(&invited)?.not_stored())
}

/// Set a password with an invitation
///
/// The invitation is good once, whether it is the first or for somebody who forgot. All sign-ins of the user end, and failed attempts count no
/// more. No Idempotency-Key is taken: sent twice, the second is answered 409.
#[utoipa::path(post, path = "/invitations/accept", tag = "account", security(()),
    request_body(content = AcceptInvitation, example = json!({"secret": "muster_0123456789abcdef", "password": "drei Öfen, und keiner raucht"})),
    responses((status = 200, description = "The name to sign in with", body = Accepted), Proving))]
async fn accept_invitation(db: Data<Db>, hasher: Data<Hasher>, visitor: Visitor, body: Body<AcceptInvitation>) -> Result<Answer, Error> {
    Answer::ok(&Accepted { name: proving::accept(&db, &hasher, &visitor, body.value()?).await? })
}

/// Sign in with a password
///
/// The answer sets a cookie by which the browser acts from now on, for twelve hours, or until two hours after it last did; a sign-in that it
/// held before ends. A wrong password and a user that there is not are answered alike. Whoever has a second factor and does not send it is
/// answered 401 `second_factor_needed` once the password is right. Sent twice it signs in twice, so that no Idempotency-Key is taken.
#[utoipa::path(post, path = "/sign-ins", tag = "account", security(()),
    request_body(content = NewSignIn, example = json!({"name": "王老师", "password": "drei Öfen, und keiner raucht"})),
    responses((status = 201, description = "Who has signed in, and in which role; Set-Cookie has the cookie", body = Account), Proving))]
async fn sign_in(
    db: Data<Db>,
    hasher: Data<Hasher>,
    vault: Data<Option<Vault>>,
    visitor: Visitor,
    body: Body<NewSignIn>,
) -> Result<Answer, Error> {
    let (account, begun) = proving::sign_in(&db, &hasher, vault.into_inner(), &visitor, body.value()?).await?;
    Ok(Answer::created("/api/v1/account".to_owned(), &account)?.with_cookie(visitor.keeps(&begun)))
}

/// Give a trainee a code to sign in with, once
///
/// For who has neither e-mail nor a password: they sign in by their employee number and the code. It is told this once, and takes the place of the
/// one before.
#[utoipa::path(post, path = "/users/{id}/sign-in-code", tag = "access",
    params(("id" = UserId, Path, description = "The user"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once; answered again, the code is null")),
    request_body(content = NewSignInCode, example = json!({"expires_in_hours": 24})),
    responses((status = 201, description = "The code, with what is typed beside it", body = SignInCode), Writing))]
async fn create_sign_in_code(
    db: Data<Db>,
    hasher: Data<Hasher>,
    caller: Caller,
    id: Path<UserId>,
    body: Body<NewSignInCode>,
) -> Result<Answer, Error> {
    proving::give_code(&db, &hasher, &caller, id.into_inner(), body).await
}

/// Sign in with an employee number and a code
///
/// As `POST /sign-ins`, in the trainee's role for which the code was given. A number that there is not and a code that is wrong, used or expired are
/// answered alike.
#[utoipa::path(post, path = "/sign-ins/by-code", tag = "account", security(()),
    request_body(content = SignInByCode,
        example = json!({"organization_code": "JISCO", "employee_number": "0061234", "code": "7k3mq-9x2dp"})),
    responses((status = 201, description = "Who has signed in, and in which role; Set-Cookie has the cookie", body = Account), Proving))]
async fn sign_in_by_code(
    db: Data<Db>,
    hasher: Data<Hasher>,
    vault: Data<Option<Vault>>,
    visitor: Visitor,
    body: Body<SignInByCode>,
) -> Result<Answer, Error> {
    let (account, begun) = proving::sign_in_by_code(&db, &hasher, vault.into_inner(), &visitor, body.value()?).await?;
    Ok(Answer::created("/api/v1/account".to_owned(), &account)?.with_cookie(visitor.keeps(&begun)))
}

/// Remove the second factor of a user who has lost it; their sign-ins end
#[utoipa::path(post, path = "/users/{id}/second-factor/remove", tag = "access",
    params(("id" = UserId, Path, description = "The user"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = ExplainedChange, example = json!({"reason": "the telephone was stolen; known to me in person"})),
    responses((status = 200, description = "The user, who signs in by the password alone", body = UserDocument), Writing))]
async fn remove_second_factor_of(db: Data<Db>, caller: Caller, id: Path<UserId>, body: Body<ExplainedChange>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        second_factors::remove_of(conn, actor, now, id, &body.value()?.reason)?;
        Answer::ok(&access::find_user(conn, actor, now, id)?)
    })
    .await
}

/// Begin to set a second factor: a secret for an authenticator (TOTP)
///
/// It counts once `…/confirm` was sent a code of it. No Idempotency-Key is taken: sent twice, the second secret takes the place of the first.
#[utoipa::path(post, path = "/account/second-factor", tag = "account",
    request_body(content = BeginSecondFactor, example = json!({"password": "drei Öfen, und keiner raucht"})),
    responses((status = 200, description = "The secret, told this once", body = SecondFactor), Proving))]
async fn begin_second_factor(
    db: Data<Db>,
    hasher: Data<Hasher>,
    vault: Data<Option<Vault>>,
    caller: Caller,
    visitor: Visitor,
    body: Body<BeginSecondFactor>,
) -> Result<Answer, Error> {
    // Only whoever is signed in is told what is wrong with the body.
    db.read(caller.credentials.clone(), |_, actor, _| actor.signed_in().map(drop)).await?;
    let begun = proving::begin_second_factor(&db, &hasher, vault.into_inner(), (caller.credentials, &visitor), body.value()?).await?;
    Ok(Answer::ok(&begun)?.not_stored())
}

/// Let the second factor count, by a code that the authenticator shows
///
/// All other sign-ins of the user end. No Idempotency-Key is taken: sent twice, it counts already.
#[utoipa::path(post, path = "/account/second-factor/confirm", tag = "account",
    request_body(content = ConfirmSecondFactor, example = json!({"code": "492039"})),
    responses((status = 200, description = "Codes for whoever loses the authenticator, told this once", body = RecoveryCodes), Proving))]
async fn confirm_second_factor(
    db: Data<Db>,
    vault: Data<Option<Vault>>,
    caller: Caller,
    body: Body<ConfirmSecondFactor>,
) -> Result<Answer, Error> {
    db.read(caller.credentials.clone(), |_, actor, _| actor.signed_in().map(drop)).await?;
    let confirmed = proving::confirm_second_factor(&db, vault.into_inner(), caller.credentials, body.value()?).await?;
    Ok(Answer::ok(&confirmed)?.not_stored())
}

/// Remove the own second factor, and prove it once more
///
/// No Idempotency-Key is taken: sent twice, there is none.
#[utoipa::path(post, path = "/account/second-factor/remove", tag = "account",
    request_body(content = RemoveSecondFactor, example = json!({"password": "drei Öfen, und keiner raucht", "second_factor": "492039"})),
    responses((status = 200, description = "The account, without a second factor", body = Account), Proving))]
async fn remove_second_factor(
    db: Data<Db>,
    hasher: Data<Hasher>,
    vault: Data<Option<Vault>>,
    caller: Caller,
    visitor: Visitor,
    body: Body<RemoveSecondFactor>,
) -> Result<Answer, Error> {
    db.read(caller.credentials.clone(), |_, actor, _| actor.signed_in().map(drop)).await?;
    let credentials = caller.credentials.clone();
    let account = proving::remove_second_factor(&db, &hasher, vault.into_inner(), (credentials, &visitor), body.value()?).await?;
    Answer::ok(&account)
}

/// Who the caller is, in which role, and by what
#[utoipa::path(get, path = "/account", tag = "account", responses(
    (status = 200, description = "The account as it is by this sign-in or token", body = Account), Reading))]
async fn read_account(db: Data<Db>, caller: Caller) -> Result<Answer, Error> {
    let account = db.read(caller.credentials.clone(), |conn, actor, now| match actor.token_id() {
        Some(token) => store::account(conn, actor, now, token),
        None => Err(Error::Unauthenticated),
    });
    Answer::ok(&account.await?)
}

/// Go on in another role of the same user
///
/// The sign-in is replaced by one with a cookie of its own, which ends when that would have ended; by the cookie that was sent everything is
/// answered 401 from then on. No Idempotency-Key is taken.
#[utoipa::path(post, path = "/account/act", tag = "account",
    request_body(content = ActIn, example = json!({"role_grant_id": "01936f3e-0000-7000-8000-000000000001"})),
    responses((status = 200, description = "The account in that role; Set-Cookie has the new cookie", body = Account), Writing))]
async fn act_in_role(db: Data<Db>, caller: Caller, visitor: Visitor, body: Body<ActIn>) -> Result<Answer, Error> {
    let device = visitor.device.clone();
    let rotated = db.write(caller.credentials, move |conn, actor, now| {
        actor.signed_in()?;
        let rotated = access::rotate_sign_in(conn, actor, now, body.value()?.role_grant_id, device)?;
        Ok((store::account(conn, actor, now, rotated.id)?, rotated))
    });
    let (account, rotated) = rotated.await?;
    Ok(Answer::ok(&account)?.with_cookie(visitor.keeps(&rotated)))
}

/// Set another password, and prove the one that it is
///
/// All other sign-ins of the user end, this one goes on with a cookie of its own, and invitations are good no more. No Idempotency-Key is
/// taken: sent twice, the second finds another password.
#[utoipa::path(post, path = "/account/password", tag = "account",
    request_body(content = ChangePassword,
        example = json!({"password": "drei Öfen, und keiner raucht", "new_password": "vier Öfen, und einer raucht doch"})),
    responses((status = 200, description = "The account; Set-Cookie has the new cookie", body = Account), Proving))]
async fn change_password(
    db: Data<Db>,
    hasher: Data<Hasher>,
    caller: Caller,
    visitor: Visitor,
    body: Body<ChangePassword>,
) -> Result<Answer, Error> {
    // Only whoever is signed in is told what is wrong with the body.
    db.read(caller.credentials.clone(), |_, actor, _| actor.signed_in().map(drop)).await?;
    let (account, rotated) = proving::change(&db, &hasher, caller.credentials, &visitor, body.value()?).await?;
    Ok(Answer::ok(&account)?.with_cookie(visitor.keeps(&rotated)))
}

/// Sign out, of this sign-in or everywhere
///
/// What is signed out stays so; sent again it is answered 401, as everything is. No Idempotency-Key is taken.
#[utoipa::path(post, path = "/account/sign-out", tag = "account", request_body(content = SignOut, example = json!({"everywhere": true})),
    responses((status = 200, description = "How many sign-ins have ended; Set-Cookie takes the cookie back", body = SignedOut), Writing))]
async fn sign_out(db: Data<Db>, caller: Caller, visitor: Visitor, body: Body<SignOut>) -> Result<Answer, Error> {
    let ended = db.write(caller.credentials, move |conn, actor, now| {
        let (_, sign_in, _) = actor.signed_in()?;
        let SignOut { everywhere } = body.value()?;
        if everywhere {
            return access::end_sign_ins(conn, actor, now, None);
        }
        // It has ended now, or whoever asks is nobody.
        access::end_sign_in(conn, actor, now, sign_in, None).map(|_| 1)
    });
    Ok(Answer::ok(&SignedOut { ended: ended.await? })?.with_cookie(visitor.forgets()))
}

/// The caller's own sign-ins that have not ended
#[utoipa::path(get, path = "/account/sign-ins", tag = "account", params(PageQuery), responses(
    (status = 200, description = "A page of sign-ins", body = Page<SignIn>), Reading))]
async fn list_sign_ins(db: Data<Db>, caller: Caller, query: Query<PageQuery>) -> Result<Answer, Error> {
    let (cursor, limit) = query.read()?;
    let rows = db.read(caller.credentials.clone(), move |conn, actor, now| {
        let rows = access::list_sign_ins(conn, actor, now, cursor, limit + 1)?;
        Ok(rows.into_iter().map(|token| SignIn::new(token, actor.token_id())).collect::<Vec<_>>())
    });
    Answer::page(&caller, Page::cut(rows.await?, limit, |row| row.id.to_string()))
}

/// End one of the caller's own sign-ins
#[utoipa::path(post, path = "/account/sign-ins/{id}/end", tag = "account",
    params(("id" = TokenId, Path, description = "The sign-in"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body do the work once")),
    request_body(content = Change, example = json!({"reason": "left open in the workshop"})),
    responses((status = 200, description = "The sign-in, which has ended", body = SignIn), Writing))]
async fn end_sign_in(db: Data<Db>, caller: Caller, id: Path<TokenId>, body: Body<Change>) -> Result<Answer, Error> {
    let id = id.into_inner();
    once(&db, &caller, body.hash, move |conn, actor, now| {
        let token = access::end_sign_in(conn, actor, now, id, body.value()?.reason.as_ref())?;
        Answer::ok(&SignIn::new(token, actor.token_id()))
    })
    .await
}
