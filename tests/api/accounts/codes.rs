//! `/users/{id}/sign-in-code`, `/sign-ins/by-code`: trainees who have neither e-mail nor a password.

use muster::access::Role;
use serde_json::json;

use crate::support::{App, Client, Device, Invited, Kind, PASSWORD, Reply, TokenOptions, at_once, seed, spawn_app};

/// A technician who is a user, and the coordinator who looks after them, signed in.
struct Shop {
    app: App,
    coordinator: Client,
    user: Invited,
    person: String,
}

fn shop() -> Shop {
    let app = spawn_app();
    let plant = seed::organization(&app, "JISCO", "酒钢", "enterprise", None);
    let affiliation = json!({ "organization_id": plant, "employee_number": "0061234" });
    let person = app.coordinator().post("/trainees", json!({ "name": "欧阳旭", "affiliation": affiliation })).expect(201).id();
    let user = app.invited(Role::Trainee, Some(&app.provider().id), Some(&person));
    let coordinator = app.anonymous().signed_in(&app.coordinating_user());
    Shop { app, coordinator, user, person }
}

impl Shop {
    fn give(&self) -> Reply {
        self.coordinator.post(&format!("/users/{}/sign-in-code", self.user.user_id), json!({}))
    }

    fn sign_in(&self, code: &str) -> Reply {
        let body = json!({ "organization_code": "JISCO", "employee_number": "0061234", "code": code });
        self.app.anonymous().post("/sign-ins/by-code", body)
    }
}

#[test]
fn a_technician_signs_in_by_number_and_code_once() {
    let shop = shop();
    let given = shop.give().expect(201);
    assert_eq!((given.text_at("/organization_code"), given.text_at("/employee_number")), ("JISCO".to_owned(), "0061234".to_owned()));
    let code = given.text_at("/code");
    let signed_in = shop.sign_in(&code.to_uppercase().replace('-', " ")).expect(201);
    let client = shop.app.anonymous().keeping(&signed_in);
    let account = client.get("/account").expect(200);
    assert_eq!((account.text_at("/role"), account.text_at("/person_id")), ("trainee".to_owned(), shop.person.clone()));
    shop.sign_in(&code).expect(401).problem("wrong_credentials");
    client.get("/account").expect(200);
    assert_eq!(shop.app.findings(), Vec::<String>::new());
}

#[test]
fn what_is_wrong_with_a_code_nobody_is_told() {
    let shop = shop();
    let code = shop.give().expect(201).text_at("/code");
    let wrong = shop.sign_in("00000-00000").expect(401).problem("wrong_credentials");
    let unknown = |organization: &str, number: &str| {
        let body = json!({ "organization_code": organization, "employee_number": number, "code": code });
        shop.app.anonymous().post("/sign-ins/by-code", body).expect(401).problem("wrong_credentials")
    };
    let told = |reply: &Reply| (reply.text_at("/detail"), reply.text_at("/title"));
    for reply in [unknown("JISCO", "0061235"), unknown("NOBODY", "0061234")] {
        assert_eq!(told(&reply), told(&wrong));
    }
    // Another code takes the place of the first.
    let next = shop.give().expect(201).text_at("/code");
    shop.sign_in(&code).expect(401);
    shop.sign_in(&next).expect(201);
    let app = &shop.app;
    let expired = shop.give().expect(201).text_at("/code");
    let earlier = format!(
        "{} - {}",
        app.instant("2000-01-02T00:00:00Z"),
        if app.database.kind() == Kind::Postgres { "interval '1 day'" } else { "1" }
    );
    let forged = format!(
        "UPDATE sign_in_codes SET created_at = {earlier}, expires_at = {} WHERE used_at IS NULL",
        app.instant("2000-01-02T00:00:00Z")
    );
    app.forge("sign_in_codes", &forged);
    shop.sign_in(&expired).expect(401);
}

#[test]
fn codes_are_guessed_ten_times_and_then_no_more_for_a_while() {
    let shop = shop();
    let code = shop.give().expect(201).text_at("/code");
    for _ in 0..10 {
        shop.sign_in("00000-00000").expect(401);
    }
    shop.sign_in(&code).expect(429).problem("too_many_attempts");
    // Of whoever is not there as well.
    let nobody = json!({ "organization_code": "NOBODY", "employee_number": "1", "code": code });
    for _ in 0..10 {
        shop.app.anonymous().post("/sign-ins/by-code", nobody.clone()).expect(401);
    }
    shop.app.anonymous().post("/sign-ins/by-code", nobody).expect(429);
}

#[test]
fn of_many_who_use_a_code_at_once_one_signs_in() {
    let shop = shop();
    let code = shop.give().expect(201).text_at("/code");
    let mut statuses: Vec<u16> = at_once(4, |_| shop.sign_in(&code)).iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 401, 401, 401]);
}

#[test]
fn a_code_opens_no_more_than_its_giver_may_give() {
    let shop = shop();
    let code = shop.give().expect(201).text_at("/code");
    // Since then the technician is an administrator, too.
    let grant = json!({ "role": "administrator" });
    let administrator = shop.app.anonymous().signed_in(&shop.app.user(Role::Administrator, None, None));
    administrator.post(&format!("/users/{}/role-grants", shop.user.user_id), grant).expect(201);
    shop.sign_in(&code).expect(401).problem("wrong_credentials");
    shop.give().expect(403);
}

#[test]
fn a_code_of_somebody_who_is_disabled_is_good_no_more() {
    let shop = shop();
    let code = shop.give().expect(201).text_at("/code");
    let change = |verb: &str| shop.coordinator.post(&format!("/users/{}/{verb}", shop.user.user_id), json!({ "reason": "as agreed" }));
    change("disable").expect(200);
    shop.sign_in(&code).expect(401);
    shop.give().expect(409).problem("user_disabled");
    change("enable").expect(200);
    shop.sign_in(&code).expect(401);
    let code = shop.give().expect(201).text_at("/code");
    shop.sign_in(&code).expect(201);
}

#[test]
fn a_code_is_good_no_more_once_its_owner_has_set_a_password() {
    let shop = shop();
    let code = shop.give().expect(201).text_at("/code");
    shop.app.anonymous().post("/invitations/accept", json!({ "secret": shop.user.secret, "password": PASSWORD })).expect(200);
    shop.sign_in(&code).expect(401);
    let client = shop.app.anonymous().signed_in(&shop.user);
    let code = shop.give().expect(201).text_at("/code");
    let change = json!({ "password": PASSWORD, "new_password": "vier Öfen, und einer raucht doch" });
    let client = client.keeping(&client.post("/account/password", change).expect(200));
    shop.sign_in(&code).expect(401);
    let code = shop.give().expect(201).text_at("/code");
    // And once there is a second factor, for which the new password is asked.
    let begun = client.post("/account/second-factor", json!({ "password": "vier Öfen, und einer raucht doch" })).expect(200);
    let device = Device::of(&begun);
    client.post("/account/second-factor/confirm", json!({ "code": device.code(-1) })).expect(200);
    shop.sign_in(&code).expect(401);
    let code = shop.give().expect(201).text_at("/code");
    shop.sign_in(&code).expect(401).problem("second_factor_needed");
    let body = json!({ "organization_code": "JISCO", "employee_number": "0061234", "code": code, "second_factor": device.code(0) });
    shop.app.anonymous().post("/sign-ins/by-code", body).expect(201);
}

#[test]
fn codes_of_two_houses_for_one_person_are_each_good() {
    let shop = shop();
    let elsewhere = seed::organization(&shop.app, "ELSEWHERE", "别处", "university", None);
    let theirs = shop.app.invited(Role::Trainee, Some(&elsewhere), Some(&shop.person));
    let there = shop.app.anonymous().signed_in(&shop.app.user(Role::Coordinator, Some(&elsewhere), None));
    let first = shop.give().expect(201).text_at("/code");
    let second = there.post(&format!("/users/{}/sign-in-code", theirs.user_id), json!({})).expect(201).text_at("/code");
    let signed_in = |code: &str| shop.sign_in(code).expect(201).text_at("/user_id");
    assert_eq!([signed_in(&first), signed_in(&second)], [shop.user.user_id.clone(), theirs.user_id]);
}

#[test]
fn codes_are_for_trainees_with_a_number() {
    let shop = shop();
    let give = |user: &Invited| shop.coordinator.post(&format!("/users/{}/sign-in-code", user.user_id), json!({ "expires_in_hours": 1 }));
    give(&shop.app.coordinating_user()).expect(409).problem("not_a_trainee");
    let person = shop.app.coordinator().post("/trainees", json!({ "name": "无号" })).expect(201).id();
    give(&shop.app.invited(Role::Trainee, Some(&shop.app.provider().id), Some(&person))).expect(409).problem("no_employee_number");
    // Nor for who is more than that, or a program.
    let clock = shop.app.client_for(Role::Trainee, Some(&shop.app.provider().id), Some(&shop.person), TokenOptions::default());
    let program = format!("/users/{}/sign-in-code", clock.user_id.unwrap());
    shop.coordinator.post(&program, json!({})).expect(409).problem("is_a_program");
    let both = shop.app.invited(Role::Trainee, Some(&shop.app.provider().id), Some(&shop.person));
    let role = json!({ "role": "coordinator", "organization_id": shop.app.provider().id });
    shop.coordinator.post(&format!("/users/{}/role-grants", both.user_id), role).expect(201);
    give(&both).expect(409).problem("not_a_trainee");
    shop.coordinator
        .post(&format!("/users/{}/sign-in-code", shop.user.user_id), json!({ "expires_in_hours": 0 }))
        .fault("/expires_in_hours", "number_out_of_range");
    let by_token = shop.app.coordinator().post(&format!("/users/{}/sign-in-code", shop.user.user_id), json!({}));
    by_token.expect(403);
}

#[test]
fn a_code_that_is_asked_for_again_is_told_no_second_time() {
    let shop = shop();
    let path = format!("/users/{}/sign-in-code", shop.user.user_id);
    let client = shop.coordinator.idempotency_key("cards");
    let code = client.post(&path, json!({})).expect(201).text_at("/code");
    assert_eq!(client.post(&path, json!({})).expect(201).body["code"], json!(null));
    shop.sign_in(&code).expect(201);
    // Nowhere as it was told.
    let stored = shop.app.database.texts("SELECT body FROM idempotency_keys");
    assert!(stored.iter().flatten().all(|text| !text.contains(&code)));
}
