use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::{Client, at_once, seed, spawn_app};

fn program(coordinator: &Client) -> String {
    coordinator.post("/programs", json!({ "code": "HONGXING", "name": "青年专业人才培训" })).expect(201).id()
}

#[test]
fn a_version_holds_disciplines_and_modules_in_the_order_given() {
    let app = spawn_app();
    let coordinator = app.coordinator();
    let reply = coordinator.post(&format!("/programs/{}/versions", program(&coordinator)), seed::version_body()).expect(201);
    assert_eq!((&reply.body["number"], &reply.body["state"], &reply.body["minutes_per_hour"]), (&json!(1), &json!("draft"), &json!(45)));
    assert_json_snapshot!(reply.redacted());
    assert_eq!(coordinator.get(&format!("/program-versions/{}", reply.id())).expect(200).body, reply.body);
}

#[test]
fn versions_are_numbered_even_when_made_at_once() {
    let app = spawn_app();
    let coordinator = app.coordinator();
    let path = format!("/programs/{}/versions", program(&coordinator));
    let mut numbers: Vec<i64> = at_once(6, |_| coordinator.post(&path, seed::version_body()))
        .into_iter()
        .map(|reply| reply.expect(201).body["number"].as_i64().unwrap())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    assert_eq!(coordinator.get(&path).expect(200).items().len(), 6);
}

#[test]
fn what_is_wrong_with_a_plan_is_pointed_at() {
    let app = spawn_app();
    let coordinator = app.coordinator();
    let path = format!("/programs/{}/versions", program(&coordinator));
    let with = |pointer: &str, value: Value| {
        let mut body = seed::version_body();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let hour = |minutes: i64| {
        let mut body = seed::version_body();
        body["minutes_per_hour"] = json!(minutes);
        body
    };
    app.unchanged(|| {
        for (body, pointer, code) in [
            (with("/total_minutes", json!(0)), "/total_minutes", "minutes_out_of_range"),
            (with("/total_minutes", json!(-45)), "/total_minutes", "minutes_out_of_range"),
            (hour(0), "/minutes_per_hour", "minutes_out_of_range"),
            (hour(121), "/minutes_per_hour", "minutes_out_of_range"),
            (with("/disciplines/1/code", json!("MET")), "/disciplines/1/code", "code_repeated"),
            (with("/modules/1/code", json!("MET-01")), "/modules/1/code", "code_repeated"),
            (with("/modules/1/discipline", json!("XYZ")), "/modules/1/discipline", "unknown_discipline"),
            (with("/modules/1/planned_minutes", json!(0)), "/modules/1/planned_minutes", "minutes_out_of_range"),
            (with("/modules/1/planned_minutes", json!(600_001)), "/modules/1/planned_minutes", "minutes_out_of_range"),
            (with("/modules/1/kind", json!("play")), "/modules/1/kind", "unknown_value"),
            (with("/modules/1/name", json!("")), "/modules/1/name", "text_empty"),
            (with("/modules", json!({})), "/modules", "wrong_type"),
        ] {
            coordinator.post(&path, body).fault(pointer, code);
        }
    });
}

#[test]
fn a_draft_is_replaced_as_a_whole_and_a_confirmed_version_never() {
    let app = spawn_app();
    let coordinator = app.coordinator();
    let id = coordinator.post(&format!("/programs/{}/versions", program(&coordinator)), seed::version_body()).expect(201).id();
    let path = format!("/program-versions/{id}");
    let short = json!({ "total_minutes": 90, "disciplines": [], "modules": [{ "code": "A", "name": "甲", "kind": "theory", "planned_minutes": 90 }] });
    let reply = coordinator.if_match("\"v1\"").put(&path, short.clone()).expect(200);
    assert_eq!((&reply.body["disciplines"], reply.etag().as_str()), (&json!([]), "\"v2\""));
    app.unchanged(|| coordinator.put(&path, short.clone()).expect(200));
    coordinator.post(&format!("{path}/confirm"), json!({})).expect(200);
    app.unchanged(|| {
        coordinator.if_match("*").put(&path, seed::version_body()).expect(409).problem("version_confirmed");
        // The same again is no change.
        coordinator.put(&path, short).expect(200);
    });
}
