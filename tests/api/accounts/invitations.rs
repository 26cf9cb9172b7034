//! `POST /invitations/accept`.

use muster::access::Role;
use serde_json::json;

use crate::support::{PASSWORD, assert_winners, at_once, spawn_app};

#[test]
fn whoever_is_invited_sets_a_password_and_signs_in_with_it() {
    let app = spawn_app();
    let invited = app.invited(Role::Coordinator, Some(&app.provider().id), None);
    let nobody = app.anonymous();
    nobody.sign_in(&invited.name, PASSWORD).expect(401).problem("wrong_credentials");
    let accepted = nobody.post("/invitations/accept", json!({ "secret": invited.secret, "password": PASSWORD })).expect(200);
    assert_eq!(accepted.body, json!({ "name": invited.name }));
    assert!(accepted.headers.get("set-cookie").is_none(), "an invitation signs nobody in");
    let client = nobody.signed_in(&invited);
    assert_eq!(client.get("/account").expect(200).text_at("/user_id"), invited.user_id);
    client.get("/programs").expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn an_invitation_is_good_once() {
    let app = spawn_app();
    let invited = app.invited(Role::Coordinator, Some(&app.provider().id), None);
    let accept = |password: &str| app.anonymous().post("/invitations/accept", json!({ "secret": invited.secret, "password": password }));
    // A password that is not taken leaves it as it was.
    accept("short").fault("/password", "password_too_short");
    let replies = at_once(4, |number| accept(&format!("{PASSWORD} {number}")));
    assert_winners(replies, 1, "invitation_not_good");
    accept(PASSWORD).expect(409).problem("invitation_not_good");
    let message = app.refusal("UPDATE invitations SET accepted_at = NULL");
    assert!(message.contains("muster:invitation_not_good"), "{message}");
    app.refusal("DELETE FROM invitations");
}

#[test]
fn an_invitation_ends_and_gives_way_to_the_next() {
    let app = spawn_app();
    let provider = app.provider().id.clone();
    let accept = |secret: &str| app.anonymous().post("/invitations/accept", json!({ "secret": secret, "password": PASSWORD }));
    let late = app.invited(Role::Coordinator, Some(&provider), None);
    app.forge(
        "invitations",
        &format!(
            "UPDATE invitations SET created_at = {0}, expires_at = {1}",
            app.instant("2020-01-01T00:00:00Z"),
            app.instant("2020-01-02T00:00:00Z")
        ),
    );
    let disabled = app.invited(Role::Coordinator, Some(&provider), None);
    app.sql(&format!("UPDATE users SET disabled_at = {} WHERE id = {}", app.instant("2020-01-01T00:00:00Z"), app.hex(&disabled.user_id)))
        .unwrap();
    let ended = app.invited(Role::Coordinator, Some(&provider), None);
    app.sql(&format!("UPDATE role_grants SET until_at = from_at WHERE id = {}", app.hex(&ended.role_grant_id))).unwrap();
    let twice = app.invited(Role::Coordinator, Some(&provider), None);
    let again = app.invited_again(&twice);
    let grant = disabled.role_grant_id.parse().unwrap();
    let invite = app.db.write_blocking(muster::access::Credentials::Operator, move |conn, actor, now| {
        muster::accounts::invite(conn, actor, now, grant, chrono::TimeDelta::hours(1))
    });
    assert_eq!(invite.unwrap_err().code(), "user_disabled");
    for secret in [&late.secret, &disabled.secret, &ended.secret, &twice.secret, "muster_0", ""] {
        accept(secret).expect(409).problem("invitation_not_good");
    }
    accept(&again).expect(200);
    assert_eq!(app.count("SELECT count(*) FROM passwords"), 1);
}

#[test]
fn an_invitation_is_no_token_and_a_token_no_invitation() {
    let app = spawn_app();
    let invited = app.invited(Role::Coordinator, Some(&app.provider().id), None);
    let nobody = app.anonymous();
    nobody.with_header("authorization", &format!("Bearer {}", invited.secret)).get("/programs").expect(401);
    nobody.with_header("cookie", &format!("muster={}", invited.secret)).get("/programs").expect(401);
    let token = app.coordinator().token.unwrap();
    nobody.post("/invitations/accept", json!({ "secret": token, "password": PASSWORD })).expect(409).problem("invitation_not_good");
}

#[test]
fn another_password_by_invitation_ends_what_was_signed_in_with_the_first() {
    let app = spawn_app();
    let user = app.coordinating_user();
    let client = app.anonymous().signed_in(&user);
    let again = app.invited_again(&user);
    client.get("/account").expect(200);
    let new = "vier Öfen, und einer raucht doch";
    app.anonymous().post("/invitations/accept", json!({ "secret": again, "password": new })).expect(200);
    client.get("/account").expect(401);
    app.anonymous().sign_in(&user.name, PASSWORD).expect(401);
    app.anonymous().sign_in(&user.name, new).expect(201);
    // What the journal keeps of it names neither a password nor a secret.
    let audit = app.auditor().get(&format!("/audit?subject_id={}&limit=500", user.user_id)).expect(200);
    let actions = audit.column("action");
    let first = ["user.invited", "password.set", "sign_in.begun"];
    let expected = [&first[..], &["user.invited", "sign_in.ended", "password.set", "credentials.refused", "sign_in.begun"]].concat();
    assert!(actions.iter().map(String::as_str).filter(|action| *action != "role.granted").eq(expected), "{actions:?}");
    for hidden in [PASSWORD, new, &again, &user.secret, "argon2"] {
        assert!(!audit.text.contains(hidden), "{hidden}: {}", audit.text);
    }
    assert_eq!(app.findings(), Vec::<String>::new());
}
