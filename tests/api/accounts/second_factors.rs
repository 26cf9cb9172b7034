//! `/account/second-factor`, `/users/{id}/second-factor/remove`: what is proven besides a password.

use muster::{access::Role, config::Settings};
use serde_json::json;

use crate::support::{App, Client, Invited, PASSWORD, Reply, TestDatabase, at_once, spawn_app, spawn_app_with};

fn begin(client: &Client) -> Reply {
    client.post("/account/second-factor", json!({ "password": PASSWORD }))
}

fn sign_in(app: &App, user: &Invited, code: &str) -> Reply {
    app.anonymous().post("/sign-ins", json!({ "name": user.name, "password": PASSWORD, "second_factor": code }))
}

#[test]
fn a_second_factor_counts_once_a_code_was_shown_and_is_asked_for_from_then_on() {
    let app = spawn_app();
    let user = app.coordinating_user();
    let [here, there] = [(); 2].map(|()| app.anonymous().signed_in(&user));
    let begun = begin(&here).expect(200);
    assert!(begun.text_at("/address").starts_with("otpauth://totp/Muster:"), "{}", begun.text);
    assert_eq!(begun.header("cache-control"), "no-store");
    // Not yet.
    app.anonymous().sign_in(&user.name, PASSWORD).expect(201);
    here.post("/account/second-factor/confirm", json!({ "code": "000000" })).fault("/code", "wrong_second_factor");

    let device = here.sets_second_factor();
    there.get("/account").expect(401);
    assert!(here.get("/account").expect(200).body["second_factor_at"].is_string());
    app.anonymous().sign_in(&user.name, PASSWORD).expect(401).problem("second_factor_needed");
    app.anonymous().sign_in(&user.name, "another password").expect(401).problem("wrong_credentials");
    sign_in(&app, &user, "000000").expect(401).problem("wrong_second_factor");
    let code = device.code(0);
    sign_in(&app, &user, &code).expect(201);
    sign_in(&app, &user, &code).expect(401).problem("wrong_second_factor");
    sign_in(&app, &user, &device.code(1)).expect(201);
    begin(&here).expect(409).problem("second_factor_set");
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_code_is_good_for_one_of_many_who_send_it_at_once() {
    let app = spawn_app();
    let user = app.coordinating_user();
    let device = app.anonymous().signed_in(&user).sets_second_factor();
    for code in [device.code(0), device.recovery[0].clone()] {
        let mut statuses: Vec<u16> = at_once(4, |_| sign_in(&app, &user, &code)).iter().map(|reply| reply.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 401, 401, 401]);
    }
}

#[test]
fn a_recovery_code_is_good_once_and_the_journal_hears_of_it() {
    let app = spawn_app();
    let user = app.coordinating_user();
    let device = app.anonymous().signed_in(&user).sets_second_factor();
    assert_eq!(device.recovery.len(), 10);
    sign_in(&app, &user, &device.recovery[0].to_uppercase()).expect(201);
    sign_in(&app, &user, &device.recovery[0]).expect(401).problem("wrong_second_factor");
    sign_in(&app, &user, &device.recovery[1].replace('-', " ")).expect(201);
    let entries =
        app.administrator().get(&format!("/audit?limit=500&action=second_factor.recovered&subject_id={}", user.user_id)).expect(200);
    let mut left: Vec<i64> = entries.items().iter().map(|entry| entry["to"]["left"].as_i64().unwrap()).collect();
    left.sort_unstable();
    assert_eq!(left, [8, 9]);
    // Another user's are nobody else's.
    let other = app.coordinating_user();
    app.anonymous().signed_in(&other).sets_second_factor();
    sign_in(&app, &other, &device.recovery[2]).expect(401).problem("wrong_second_factor");
}

#[test]
fn codes_are_guessed_no_more_often_than_passwords() {
    let app = spawn_app();
    let user = app.coordinating_user();
    let device = app.anonymous().signed_in(&user).sets_second_factor();
    // Without a code it is no guess.
    for _ in 0..11 {
        app.anonymous().sign_in(&user.name, PASSWORD).expect(401).problem("second_factor_needed");
    }
    for _ in 0..10 {
        sign_in(&app, &user, "00000-00000").expect(401).problem("wrong_second_factor");
    }
    sign_in(&app, &user, &device.code(0)).expect(429).problem("too_many_attempts");
    let refused = app.administrator().get(&format!("/audit?limit=500&action=credentials.refused&subject_id={}", user.user_id)).expect(200);
    assert_eq!(refused.items().len(), 10);
}

#[test]
fn guesses_at_a_second_factor_add_up_however_its_owner_comes() {
    let app = spawn_app();
    let user = app.coordinating_user();
    let device = app.anonymous().signed_in(&user).sets_second_factor();
    for _ in 0..10 {
        sign_in(&app, &user, "00000-00000").expect(401).problem("wrong_second_factor");
    }
    // Another password forgives what was guessed at the first, and nothing else.
    let secret = app.invited_again(&user);
    app.anonymous().post("/invitations/accept", json!({ "secret": secret, "password": PASSWORD })).expect(200);
    app.anonymous().sign_in(&user.name, PASSWORD).expect(401).problem("second_factor_needed");
    sign_in(&app, &user, &device.code(0)).expect(429).problem("too_many_attempts");

    // Nor is the code that lets it count guessed for ever.
    let client = app.anonymous().signed_in(&app.coordinating_user());
    let begun = client.begins_second_factor();
    let confirm = |code: &str| client.post("/account/second-factor/confirm", json!({ "code": code }));
    for _ in 0..10 {
        confirm("00000-00000").fault("/code", "wrong_second_factor");
    }
    confirm(&begun.code(0)).expect(429);
}

#[test]
fn the_own_second_factor_is_removed_by_whoever_proves_it_once_more() {
    let app = spawn_app();
    let user = app.coordinating_user();
    let client = app.anonymous().signed_in(&user);
    let remove =
        |password: &str, code: &str| client.post("/account/second-factor/remove", json!({ "password": password, "second_factor": code }));
    remove(PASSWORD, "000000").expect(409).problem("no_second_factor");
    let device = client.sets_second_factor();
    remove("another password", &device.code(0)).fault("/password", "wrong_password");
    remove(PASSWORD, "000000").fault("/second_factor", "wrong_second_factor");
    assert_eq!(remove(PASSWORD, &device.code(0)).expect(200).body["second_factor_at"], json!(null));
    app.anonymous().sign_in(&user.name, PASSWORD).expect(201);
    assert_eq!(app.count("SELECT count(*) FROM recovery_codes"), 0);
    // And another one is set.
    client.sets_second_factor();
    app.anonymous().sign_in(&user.name, PASSWORD).expect(401);
}

#[test]
fn whoever_has_lost_it_is_helped_by_who_may_invite_them() {
    let app = spawn_app();
    let user = app.coordinating_user();
    let client = app.anonymous().signed_in(&user);
    client.sets_second_factor();
    let path = format!("/users/{}/second-factor/remove", user.user_id);
    let reason = json!({ "reason": "the telephone was stolen" });
    client.post(&path, reason.clone()).expect(409).problem("own_user");
    let colleague = app.anonymous().signed_in(&app.coordinating_user());
    colleague.post(&path, json!({})).fault("/reason", "missing_field");
    assert_eq!(colleague.post(&path, reason.clone()).expect(200).body["second_factor_at"], json!(null));
    client.get("/account").expect(401);
    app.anonymous().sign_in(&user.name, PASSWORD).expect(201);
    colleague.post(&path, reason.clone()).expect(409).problem("no_second_factor");
    // Nobody below: an administrator's is an administrator's to remove.
    let administrator = app.user(Role::Administrator, None, None);
    app.anonymous().signed_in(&administrator).sets_second_factor();
    colleague.post(&format!("/users/{}/second-factor/remove", administrator.user_id), reason).expect(404);
}

#[test]
fn a_password_that_was_reset_leaves_the_second_factor() {
    let app = spawn_app();
    let user = app.coordinating_user();
    let device = app.anonymous().signed_in(&user).sets_second_factor();
    let secret = app.invited_again(&user);
    app.anonymous().post("/invitations/accept", json!({ "secret": secret, "password": PASSWORD })).expect(200);
    app.anonymous().sign_in(&user.name, PASSWORD).expect(401).problem("second_factor_needed");
    sign_in(&app, &user, &device.code(0)).expect(201);
}

#[test]
fn without_the_key_nobody_gets_by_a_second_factor() {
    let app = spawn_app();
    let user = app.coordinating_user();
    let device = app.anonymous().signed_in(&user).sets_second_factor();
    for (settings, code) in [
        (Settings::default(), "no_encryption_key"),
        (Settings { encryption_key: Some("cd".repeat(32).try_into().unwrap()), ..Settings::default() }, "other_encryption_key"),
    ] {
        let beside = spawn_app_with(TestDatabase::at(app.database.url()), settings);
        sign_in(&beside, &user, &device.code(0)).expect(409).problem(code);
        beside.anonymous().sign_in(&user.name, PASSWORD).expect(401).problem("second_factor_needed");
    }
    let without = spawn_app_with(TestDatabase::create(), Settings::default());
    let client = without.anonymous().signed_in(&without.coordinating_user());
    begin(&client).expect(409).problem("no_encryption_key");
}

#[test]
fn the_database_takes_no_code_twice() {
    let app = spawn_app();
    let user = app.coordinating_user();
    let device = app.anonymous().signed_in(&user).sets_second_factor();
    sign_in(&app, &user, &device.recovery[0]).expect(201);
    for refused in [
        "UPDATE second_factors SET last_step = last_step",
        "UPDATE second_factors SET last_step = last_step - 1",
        "UPDATE recovery_codes SET used_at = NULL WHERE used_at IS NOT NULL",
        "UPDATE recovery_codes SET used_at = used_at WHERE used_at IS NOT NULL",
    ] {
        assert!(app.sql(refused).is_err(), "{refused}");
    }
}
