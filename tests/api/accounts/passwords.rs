//! `POST /account/password`.

use muster::access::{Credentials, Proof, Role};
use serde_json::json;

use crate::support::{Client, PASSWORD, Reply, at_once, rounds, spawn_app};

const NEW: &str = "vier Öfen, und einer raucht doch";

fn change(client: &Client, password: &str, new: &str) -> Reply {
    client.post("/account/password", json!({ "password": password, "new_password": new }))
}

#[test]
fn another_password_ends_all_other_sign_ins_and_gives_this_one_a_new_secret() {
    let app = spawn_app();
    let user = app.coordinating_user();
    let [here, there] = [(); 2].map(|()| app.anonymous().signed_in(&user));
    let changed = change(&here, PASSWORD, NEW).expect(200);
    assert_eq!(changed.text_at("/user_id"), user.user_id);
    here.get("/account").expect(401);
    there.get("/account").expect(401);
    here.keeping(&changed).get("/account").expect(200);
    app.anonymous().sign_in(&user.name, PASSWORD).expect(401);
    app.anonymous().sign_in(&user.name, NEW).expect(201);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn another_password_needs_the_one_that_it_is() {
    let app = spawn_app();
    let user = app.coordinating_user();
    let client = app.anonymous().signed_in(&user);
    for _ in 0..10 {
        change(&client, &format!("{NEW}!"), NEW).fault("/password", "wrong_password");
    }
    // Guessed here as at the door.
    change(&client, PASSWORD, NEW).expect(429).problem("too_many_attempts");
    app.anonymous().sign_in(&user.name, PASSWORD).expect(429);
    client.get("/account").expect(200);
    app.sql("DELETE FROM sign_in_attempts").unwrap();
    change(&client, PASSWORD, PASSWORD).fault("/new_password", "password_unchanged");
    change(&client, PASSWORD, "short").fault("/new_password", "password_too_short");
    change(&client, PASSWORD, &user.name.repeat(2)).fault("/new_password", "password_too_common");
    change(&client, PASSWORD, NEW).expect(200);
}

#[test]
fn an_invitation_from_before_is_good_no_more_once_the_password_is_another() {
    let app = spawn_app();
    let user = app.coordinating_user();
    let invitation = app.invited_again(&user);
    change(&app.anonymous().signed_in(&user), PASSWORD, NEW).expect(200);
    let accepted = app.anonymous().post("/invitations/accept", json!({ "secret": invitation, "password": PASSWORD }));
    accepted.expect(409).problem("invitation_not_good");
}

#[test]
fn what_was_proven_is_good_for_nothing_once_the_password_is_another() {
    let app = spawn_app();
    let user = app.coordinating_user();
    let hash = app.database.texts("SELECT hash FROM passwords").remove(0).unwrap();
    let act = || {
        let proof = Proof { user_id: user.user_id.parse().unwrap(), hash: hash.clone(), role_grant_id: None };
        app.db.write_blocking(Credentials::Proven(proof), |_, actor, _| Ok(actor.role()))
    };
    assert_eq!(act().unwrap(), Role::Coordinator);
    change(&app.anonymous().signed_in(&user), PASSWORD, NEW).expect(200);
    assert_eq!(act().unwrap_err().code(), "wrong_credentials");
}

#[test]
fn of_a_sign_in_and_another_password_at_once_none_by_the_old_one_is_left() {
    let app = spawn_app();
    for round in 0..rounds() {
        let user = app.coordinating_user();
        let client = app.anonymous().signed_in(&user);
        let changes = |number| if number == 0 { change(&client, PASSWORD, NEW) } else { app.anonymous().sign_in(&user.name, PASSWORD) };
        let replies = at_once(4, changes);
        replies[0].clone().expect(200);
        for begun in replies[1..].iter().filter(|reply| reply.status == 201) {
            assert_eq!(app.anonymous().keeping(begun).get("/account").status, 401, "round {round}");
        }
        let left = app.anonymous().keeping(&replies[0]).get("/account/sign-ins").expect(200);
        assert_eq!(left.items().len(), 1, "round {round}: {}", left.text);
        app.sql("DELETE FROM sign_in_attempts").unwrap();
    }
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_token_changes_no_password() {
    let app = spawn_app();
    let coordinator = app.coordinator();
    change(&coordinator, PASSWORD, NEW).expect(403).problem("forbidden");
    change(&app.anonymous(), PASSWORD, NEW).expect(401);
    for (path, body) in [("/account/sign-out", json!({})), ("/account/act", json!({ "role_grant_id": app.absent_id() }))] {
        coordinator.post(path, body).expect(403).problem("forbidden");
    }
    coordinator.get("/account/sign-ins").expect(403).problem("forbidden");
}

#[test]
fn what_is_wrong_in_a_body_is_told() {
    let app = spawn_app();
    let nobody = app.anonymous();
    nobody.post("/sign-ins", json!({ "name": "x" })).fault("/password", "missing_field");
    nobody.post("/sign-ins", json!({ "name": "x", "password": "" })).fault("/password", "text_empty");
    nobody.post("/sign-ins", json!({ "name": "x", "password": "x".repeat(257) })).fault("/password", "text_too_long");
    nobody.post("/sign-ins", json!({ "name": "x", "password": 7 })).fault("/password", "wrong_type");
    nobody.post("/sign-ins", json!({ "name": "", "password": "x" })).fault("/name", "text_empty");
    nobody.post("/sign-ins", json!({ "name": "x", "password": "x", "remember": true })).fault("/remember", "unknown_field");
    nobody.post("/invitations/accept", json!({ "password": "x" })).fault("/secret", "missing_field");
    nobody.post_bytes("/sign-ins", "text/plain", b"x").expect(415);
    nobody.post_bytes("/sign-ins", "application/json", b"{").expect(400).problem("json_malformed");
    assert_eq!(app.count("SELECT count(*) FROM sign_in_attempts"), 0);
    // A password may hold anything, and is taken as it is.
    nobody.sign_in("nobody", " \u{0} \u{200b} ").expect(401);
}
