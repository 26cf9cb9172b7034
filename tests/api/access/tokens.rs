//! `/tokens`: what programs act by.

use muster::access::Role;
use serde_json::{Value, json};

use super::{coordinator, managing_partner, still};
use crate::support::{App, Client, Kind, Reply, TokenOptions, seed, spawn_app};

const YEARS_AHEAD: &str = "2035-01-01T00:00:00Z";

/// A token, made with these fields besides.
fn make(client: &Client, more: Value) -> Reply {
    let mut body = json!({ "name": "time clock", "expires_at": YEARS_AHEAD });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    client.post("/tokens", body)
}

fn holder(app: &App, made: &Reply) -> Client {
    Client::at(&app.address, &made.text_at("/secret"))
}

#[test]
fn a_token_acts_in_the_role_for_which_it_was_made() {
    let app = spawn_app();
    let (client, user) = coordinator(&app);
    let once = client.idempotency_key("clock");
    let made = make(&once, json!({ "read_only": true })).expect(201);
    let again = make(&once, json!({ "read_only": true })).expect(201);
    assert!(again.body["secret"].is_null() && again.id() == made.id(), "the secret is told once: {}", again.text);
    let program = holder(&app, &made);
    let account = program.get("/account").expect(200);
    assert_eq!(account.text_at("/user_id"), user.user_id);
    assert_eq!((account.body["read_only"].clone(), account.text_at("/by")), (json!(true), "api".to_owned()));
    program.get("/programs").expect(200);
    program.post("/programs", json!({ "code": "P", "name": "program" })).expect(403);
    // It is listed without its secret, with when it was used.
    let noted = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        client.get("/tokens").expect(200).items().iter().any(|token| token["id"] == made.id() && token["last_used_at"].is_string())
    });
    assert!(noted);
    let listed = client.get("/tokens").expect(200);
    assert!(!listed.text.contains(&made.text_at("/secret")));
    let audit = app.auditor().get("/audit?action=token.issued").expect(200);
    assert!(!audit.text.contains(&made.text_at("/secret")) && audit.text.contains(&made.text_at("/prefix")));
    // Revoked, it is good for nothing on the next request; once more changes nothing.
    let revoke = || client.post(&format!("/tokens/{}/revoke", made.id()), json!({ "reason": "replaced" }));
    let revoked = revoke().expect(200);
    program.get("/account").expect(401);
    assert!(revoked.body["revoked_at"].is_string());
    still(&app, || assert_eq!(revoke().expect(200).body["revoked_at"], revoked.body["revoked_at"]));
    assert_eq!(app.auditor().get("/audit?action=token.revoked").expect(200).column("reason"), ["replaced"]);
}

#[test]
fn a_token_is_the_own_one_or_of_a_user_who_is_a_program() {
    let app = spawn_app();
    let (client, _) = coordinator(&app);
    let program = json!({ "name": "time clock", "role": "coordinator", "organization_id": app.provider().units[0] });
    let program = client.post("/users", program).expect(201);
    let made = make(&client, json!({ "role_grant_id": program.text_at("/roles/0/id") })).expect(201);
    assert_eq!(made.text_at("/user_name"), "time clock");
    assert_eq!(holder(&app, &made).get("/account").expect(200).text_at("/organization_id"), app.provider().units[0]);
    // What a token does is done in its user's name, so that nobody makes one in a colleague's.
    let colleague = app.coordinating_user();
    let person = seed::instructor(&app, &app.coordinator(), "9001");
    let instructor = app.invited(Role::Instructor, Some(&app.provider().id), Some(&person));
    let auditor = app.invited(Role::Auditor, Some(&app.provider().id), None);
    still(&app, || {
        for grant in [&colleague.role_grant_id, &instructor.role_grant_id] {
            make(&client, json!({ "role_grant_id": grant })).expect(409).problem("users_own");
        }
        make(&client, json!({ "role_grant_id": auditor.role_grant_id })).expect(422).fault("/role_grant_id", "unknown_role_grant");
    });
    // Nor in the name of somebody who is invited, and nobody is who is a program.
    let newcomer = json!({ "name": "newcomer", "role": "coordinator", "organization_id": app.provider().id });
    let newcomer = client.post("/users", newcomer).expect(201);
    client.post(&format!("/users/{}/invite", newcomer.id()), json!({})).expect(201);
    still(&app, || {
        make(&client, json!({ "role_grant_id": newcomer.text_at("/roles/0/id") })).expect(409).problem("users_own");
        client.post(&format!("/users/{}/invite", program.id()), json!({})).expect(409).problem("is_a_program");
    });
    // A partner who manages access has programs of the house act as partners.
    let sponsor = seed::sponsor(&app, "JISCO");
    let manager = managing_partner(&app, &sponsor.id);
    let report = json!({ "name": "HR", "role": "partner", "organization_id": sponsor.plants[0] });
    let report = manager.post("/users", report).expect(201).text_at("/roles/0/id");
    let theirs = make(&manager, json!({ "role_grant_id": report, "read_only": true })).expect(201);
    holder(&app, &theirs).get("/intakes").expect(200);
    let shown = |client: &Client| client.get("/tokens").expect(200).column("id").contains(&theirs.id());
    assert!(shown(&manager) && !shown(&client));
    client.post(&format!("/tokens/{}/revoke", theirs.id()), json!({})).expect(404);
    manager.post(&format!("/tokens/{}/revoke", theirs.id()), json!({})).expect(200);
}

#[test]
fn a_token_is_narrowed_to_what_its_maker_sees() {
    let app = spawn_app();
    let course = seed::course(&app);
    let other = seed::organization(&app, "CSU", "中南大学", "university", None);
    let theirs = seed::course_of(&app, app.coordinator_of(&other), "CSU-1", "BAOWU");
    let (client, _) = coordinator(&app);
    still(&app, || {
        make(&client, json!({ "intake_id": theirs.intake })).expect(422).fault("/intake_id", "unknown_intake");
        make(&client, json!({ "program_id": theirs.program.id })).expect(422).fault("/program_id", "unknown_program");
        let both = json!({ "intake_id": course.intake, "program_id": course.program.id });
        make(&client, both).expect(422).fault("/program_id", "narrowed_twice");
        make(&client, json!({ "expires_at": "2020-01-01T00:00:00Z" })).expect(422).fault("/expires_at", "expiry_past");
        make(&client, json!({ "expires_at": "2090-01-01T00:00:00Z" })).expect(422).fault("/expires_at", "expiry_far");
    });
    let made = make(&client, json!({ "program_id": course.program.id })).expect(201);
    let program = holder(&app, &made);
    assert_eq!(program.get("/account").expect(200).text_at("/program_id"), course.program.id);
    let later = seed::intake(&course.coordinator, &course.program.version, "LATER");
    let beside = seed::program(&course.coordinator, "BESIDE");
    let beside = seed::intake(&course.coordinator, &beside.version, "BESIDE-1");
    // Also to an intake of the program that has been made since.
    assert_eq!(program.get("/intakes").expect(200).column("id"), [course.intake.clone(), later]);
    program.get(&format!("/intakes/{beside}")).expect(404);
    program.get("/users").expect(403);
    // What it is narrowed to stays what it was.
    let message = app.refusal("UPDATE tokens SET program_id = NULL WHERE program_id IS NOT NULL");
    assert!(message.contains("muster:immutable"), "{message}");
    // A token for a program without intakes sees nothing, and not everything.
    let bare = seed::program(&course.coordinator, "BARE").id;
    let nothing = app.client_for(
        Role::Coordinator,
        Some(&app.provider().id),
        None,
        TokenOptions { program: Some(bare.clone()), ..TokenOptions::default() },
    );
    for path in ["/intakes", "/programs", "/trainees"] {
        assert!(nothing.get(path).expect(200).items().is_empty(), "{path}");
    }
    let auditor = TokenOptions { program: Some(bare), ..TokenOptions::default() };
    let auditor = app.client_for(Role::Auditor, Some(&app.provider().id), None, auditor);
    assert!(auditor.get("/audit").expect(200).items().is_empty());
}

#[test]
fn what_has_ended_is_not_brought_back_by_the_note_of_a_use() {
    let app = spawn_app();
    let user = app.coordinating_user();
    let [idle, other] = [(); 2].map(|()| app.anonymous().signed_in(&user));
    // Asked by the other one: a use of it would be noted at any time from now on.
    let id = other.get("/account/sign-ins").expect(200).items().iter().find(|one| one["is_current"] == false).unwrap()["id"].clone();
    let id = id.as_str().unwrap();
    let long_ago = match app.database.kind() {
        Kind::Sqlite => "created_at - 121 * 60000000",
        Kind::Postgres => "created_at - interval '121 minutes'",
    };
    app.sql(&format!("UPDATE tokens SET last_used_at = {long_ago} WHERE id = {}", app.hex(id))).unwrap();
    idle.get("/account").expect(401);
    // It has ended by itself; signing out everywhere ends it for good, whatever is noted of it then.
    other.post("/account/sign-out", json!({ "everywhere": true })).expect(200);
    let token = id.parse().unwrap();
    app.db.write_blocking(muster::access::Credentials::Operator, move |conn, _, now| muster::access::note_use(conn, token, now)).unwrap();
    idle.get("/account").expect(401);
    assert_eq!(app.count("SELECT count(*) FROM tokens WHERE kind = 'sign_in' AND revoked_at IS NULL"), 0);
}
