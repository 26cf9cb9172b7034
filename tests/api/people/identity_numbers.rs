//! `/people/{id}/identity-number`, `/people/find`.

use muster::{access::Role, config::Settings};
use serde_json::json;

use crate::support::{App, Kind, TestDatabase, TokenOptions, at_once, seed, spawn_app, spawn_app_with};

/// The two examples of GB 11643.
const ONE: &str = "11010519491231002X";
const OTHER: &str = "440524188001010014";

fn trainee(app: &App) -> String {
    app.coordinator().post("/trainees", json!({ "name": "欧阳旭" })).expect(201).id()
}

fn path(person: &str) -> String {
    format!("/people/{person}/identity-number")
}

/// The actions of the journal about a person, the latest last, with the reason of each.
fn journaled(app: &App, person: &str) -> Vec<(String, Option<String>)> {
    let entries = app.administrator().get(&format!("/audit?limit=500&subject_id={person}")).expect(200);
    let entries = entries.body["items"].as_array().unwrap().iter();
    let mut entries: Vec<_> = entries
        .map(|entry| (entry["action"].as_str().unwrap().to_owned(), entry["reason"].as_str().map(ToOwned::to_owned)))
        .filter(|(action, _)| action.starts_with("identity_number"))
        .collect();
    entries.sort();
    entries
}

#[test]
fn an_identity_number_is_shown_by_its_last_characters_and_opened_with_a_reason_that_the_journal_has() {
    let app = spawn_app();
    let (coordinator, person) = (app.coordinator(), trainee(&app));
    assert_eq!(coordinator.get(&path(&person)).expect(200).body["masked"], json!(null));
    coordinator.post(&format!("{}/open", path(&person)), json!({ "reason": "a form" })).expect(409).problem("no_identity_number");

    // Typed as people type.
    let recorded = coordinator.post(&path(&person), json!({ "identity_number": " 110105 19491231 002x" })).expect(200);
    assert_eq!(recorded.body["masked"], "**************002X");
    for reader in [&coordinator, &app.auditor(), &app.administrator()] {
        assert_eq!(reader.get(&path(&person)).expect(200).body["masked"], "**************002X");
    }
    let opened = coordinator.post(&format!("{}/open", path(&person)), json!({ "reason": "the ministry's form" })).expect(200);
    assert_eq!(opened.body["identity_number"], ONE);
    assert_eq!(opened.header("cache-control"), "no-store");
    assert!(!coordinator.get(&format!("/trainees/{person}")).expect(200).text.contains("002X"));
    assert_eq!(
        journaled(&app, &person),
        [("identity_number.opened".to_owned(), Some("the ministry's form".to_owned())), ("identity_number.recorded".to_owned(), None)]
    );
    // Nowhere in the database as it was typed.
    let hex = if app.database.kind() == Kind::Postgres { "encode(sealed || hash, 'hex')" } else { "lower(hex(sealed) || hex(hash))" };
    let stored = app.database.texts(&format!("SELECT {hex} FROM identity_numbers")).remove(0).unwrap();
    assert!(stored.len() > 2 * (18 + 32) && !stored.contains("3131303130353139"), "{stored}");
    assert_eq!(app.findings(), [""; 0]);
}

#[test]
fn what_is_not_a_role_s_to_open_is_refused_and_the_journal_hears_of_it() {
    let app = spawn_app();
    let person = trainee(&app);
    app.coordinator().post(&path(&person), json!({ "identity_number": ONE })).expect(200);
    let open = format!("{}/open", path(&person));
    for client in [app.auditor(), app.administrator()] {
        client.post(&open, json!({ "reason": "curious" })).expect(403).problem("forbidden");
        client.post("/people/find", json!({ "identity_number": ONE })).expect(403).problem("forbidden");
        client.post(&path(&person), json!({ "identity_number": null })).expect(403).problem("forbidden");
    }
    let read_only =
        app.client_for(Role::Coordinator, Some(&app.provider().id), None, TokenOptions { read_only: true, ..TokenOptions::default() });
    read_only.post(&open, json!({ "reason": "a form" })).expect(403);
    read_only.get(&path(&person)).expect(200);
    let refused = app.administrator().get("/audit?limit=500&action=action.refused").expect(200);
    let refused = refused.body["items"].as_array().unwrap().iter().filter(|entry| entry["to"]["action"] == "open identity numbers").count();
    assert_eq!(refused, 5);
    assert_eq!(journaled(&app, &person).len(), 1);
}

#[test]
fn a_number_is_one_person_s_within_a_house_and_another_house_learns_nothing_of_it() {
    let app = spawn_app();
    let (first, second) = (trainee(&app), trainee(&app));
    let coordinator = app.coordinator();
    coordinator.post(&path(&first), json!({ "identity_number": ONE })).expect(200);
    let taken = coordinator.post(&path(&second), json!({ "identity_number": ONE })).expect(409).problem("identity_number_taken");
    assert!(taken.body["detail"].as_str().unwrap().contains(&first), "{}", taken.text);
    assert_eq!(coordinator.post("/people/find", json!({ "identity_number": ONE })).expect(200).body["person_ids"], json!([first]));

    let elsewhere = seed::organization(&app, "ELSEWHERE", "别处", "university", None);
    let other = app.coordinator_of(&elsewhere);
    assert_eq!(other.post("/people/find", json!({ "identity_number": ONE })).expect(200).body["person_ids"], json!([]));
    let theirs = other.post("/trainees", json!({ "name": "欧阳旭" })).expect(201).id();
    other.post(&path(&theirs), json!({ "identity_number": ONE })).expect(200);
    assert_eq!(other.post("/people/find", json!({ "identity_number": ONE })).expect(200).body["person_ids"], json!([theirs]));
    assert_eq!(coordinator.post("/people/find", json!({ "identity_number": ONE })).expect(200).body["person_ids"], json!([first]));
    for (method, path) in [("GET", path(&theirs)), ("POST", format!("{}/open", path(&theirs)))] {
        let body = (method == "POST").then_some(("application/json", &b"{\"reason\":\"a form\"}"[..]));
        coordinator.send(method, &path, body).expect(404);
    }
}

#[test]
fn of_somebody_whom_two_houses_know_each_records_and_opens_its_own() {
    let app = spawn_app();
    let course = seed::course(&app);
    let [shared, own] =
        <[String; 2]>::try_from(seed::enrolled(&course, 2).into_iter().map(|member| member.trainee).collect::<Vec<_>>()).unwrap();
    // Whom the other house recorded first.
    let elsewhere = seed::organization(&app, "ELSEWHERE", "别处", "university", None);
    app.sql(&format!("UPDATE people SET provider_id = {} WHERE id = {}", app.hex(&elsewhere), app.hex(&shared))).unwrap();
    let (here, there) = (course.coordinator.clone(), app.coordinator_of(&elsewhere));
    let hidden = there.post("/trainees", json!({ "name": "他人" })).expect(201).id();
    there.post(&path(&hidden), json!({ "identity_number": ONE })).expect(200);
    // What the other house knows of anybody neither stands in the way nor is told.
    assert_eq!(here.get(&path(&shared)).expect(200).body["masked"], json!(null));
    here.post(&path(&shared), json!({ "identity_number": ONE })).expect(200);
    assert_eq!(there.get(&path(&shared)).expect(200).body["masked"], json!(null));
    there.post(&path(&shared), json!({ "identity_number": OTHER })).expect(200);
    here.post(&path(&own), json!({ "identity_number": ONE })).expect(409).problem("identity_number_taken");
    let open = |client: &crate::support::Client| {
        client.post(&format!("{}/open", path(&shared)), json!({ "reason": "a form" })).expect(200).text_at("/identity_number")
    };
    assert_eq!([open(&here), open(&there)], [ONE, OTHER]);
    // Whoever opened it is told to the auditors of their own house.
    for (house, count) in [(app.provider().id.clone(), 1), (elsewhere, 1)] {
        let auditor = app.client_for(Role::Auditor, Some(&house), None, TokenOptions::default());
        let opened = auditor.get("/audit?limit=500&action=identity_number.opened").expect(200);
        assert_eq!(opened.items().len(), count);
    }
}

#[test]
fn nothing_that_is_kept_of_a_request_tells_the_number() {
    let app = spawn_app();
    let person = trainee(&app);
    let body = json!({ "identity_number": ONE });
    app.coordinator().idempotency_key("once").post(&path(&person), body).expect(200);
    assert_eq!(app.count("SELECT count(*) FROM idempotency_keys WHERE operation LIKE '%identity%'"), 0);
}

#[test]
fn a_number_is_replaced_and_taken_away_and_recorded_once_however_often_it_is_sent() {
    let app = spawn_app();
    let (coordinator, person) = (app.coordinator(), trainee(&app));
    for _ in 0..2 {
        coordinator.post(&path(&person), json!({ "identity_number": ONE })).expect(200);
    }
    coordinator.post(&path(&person), json!({ "identity_number": OTHER })).fault("/reason", "missing_field");
    coordinator.post(&path(&person), json!({ "identity_number": null })).fault("/reason", "missing_field");
    let why = json!({ "identity_number": OTHER, "reason": "it was a colleague's" });
    assert_eq!(coordinator.post(&path(&person), why).expect(200).body["masked"], "**************0014");
    let gone = coordinator.post(&path(&person), json!({ "identity_number": null, "reason": "not needed" })).expect(200);
    assert_eq!((&gone.body["masked"], &gone.body["recorded_at"]), (&json!(null), &json!(null)));
    let actions = journaled(&app, &person);
    let reasons: Vec<Option<&str>> = actions.iter().map(|(_, reason)| reason.as_deref()).collect();
    assert_eq!(reasons, [None, Some("it was a colleague's"), Some("not needed")]);
    // Free again for whoever it is.
    coordinator.post(&path(&trainee(&app)), json!({ "identity_number": ONE })).expect(200);
}

#[test]
fn a_mistyped_number_is_refused() {
    let app = spawn_app();
    let (coordinator, person) = (app.coordinator(), trainee(&app));
    for (number, code) in [
        ("110105194912310021", "identity_number_mistyped"),
        ("11010519491332002X", "identity_number_mistyped"),
        ("1234", "identity_number_malformed"),
        ("身份证号码一二三", "identity_number_malformed"),
    ] {
        let refused = coordinator.post(&path(&person), json!({ "identity_number": number })).fault("/identity_number", code);
        assert!(!refused.text.contains(number), "{}", refused.text);
    }
    coordinator.post(&path(&person), json!({})).fault("/identity_number", "missing_field");
    coordinator.post(&format!("{}/open", path(&person)), json!({})).fault("/reason", "missing_field");
}

#[test]
fn without_a_key_nothing_is_stored_and_by_another_key_nothing_opens() {
    let without = spawn_app_with(TestDatabase::create(), Settings::default());
    let person = trainee(&without);
    let coordinator = without.coordinator();
    coordinator.post(&path(&person), json!({ "identity_number": ONE })).expect(409).problem("no_encryption_key");
    coordinator.post("/people/find", json!({ "identity_number": ONE })).expect(409).problem("no_encryption_key");
    assert_eq!(without.count("SELECT count(*) FROM identity_numbers"), 0);

    let app = spawn_app();
    let person = trainee(&app);
    app.coordinator().post(&path(&person), json!({ "identity_number": ONE })).expect(200);
    let key = Some("cd".repeat(32).try_into().unwrap());
    let beside = spawn_app_with(TestDatabase::at(app.database.url()), Settings { encryption_key: key, ..Settings::default() });
    let coordinator = beside.coordinator_of(&app.provider().id);
    coordinator.post(&format!("{}/open", path(&person)), json!({ "reason": "a form" })).expect(409).problem("other_encryption_key");
    assert_eq!(coordinator.get(&path(&person)).expect(200).body["masked"], "**************002X");
}

#[test]
fn what_was_sealed_for_one_person_does_not_open_as_another_s() {
    let app = spawn_app();
    let (coordinator, people) = (app.coordinator(), [trainee(&app), trainee(&app)]);
    for (person, number) in people.iter().zip([ONE, OTHER]) {
        coordinator.post(&path(person), json!({ "identity_number": number })).expect(200);
    }
    let [first, second] = [app.hex(&people[0]), app.hex(&people[1])];
    let moved = format!(
        "UPDATE identity_numbers SET sealed = (SELECT sealed FROM identity_numbers WHERE person_id = {first}) WHERE person_id = {second}"
    );
    app.sql(&moved).unwrap();
    let refused = coordinator.post(&format!("{}/open", path(&people[1])), json!({ "reason": "a form" })).expect(500);
    assert!(!refused.text.contains(ONE) && !refused.text.contains(OTHER), "{}", refused.text);
}

#[test]
fn of_two_who_record_one_number_for_two_people_at_once_one_is_told() {
    let app = spawn_app();
    let coordinator = app.coordinator();
    let people = [trainee(&app), trainee(&app)];
    let replies = at_once(people.len(), |index| coordinator.post(&path(&people[index]), json!({ "identity_number": ONE })));
    let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
}
