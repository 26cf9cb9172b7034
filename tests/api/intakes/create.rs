use insta::assert_json_snapshot;
use serde_json::json;

use crate::support::{seed, spawn_app};

#[test]
fn an_intake_begins_as_planned() {
    let app = spawn_app();
    let coordinator = app.coordinator();
    let program = seed::program(&coordinator, "HONGXING");
    let first = seed::intake(&coordinator, &program.version, "HONGXING-2");
    let mut body = seed::intake_body(&program.version, "HONGXING-3");
    body["capacity"] = json!(260);
    body["predecessor_id"] = json!(first);
    let reply = coordinator.post("/intakes", body.clone()).expect(201);
    assert_json_snapshot!(reply.redacted());
    assert_eq!(coordinator.get(reply.header("location")).expect(200).body, reply.body);
    app.unchanged(|| coordinator.post("/intakes", body).expect(409).problem("already_exists"));
    assert_eq!(coordinator.get("/intakes").expect(200).column("code"), ["HONGXING-2", "HONGXING-3"]);
}

#[test]
fn wrong_fields_of_an_intake_are_pointed_at() {
    let app = spawn_app();
    let coordinator = app.coordinator();
    let program = seed::program(&coordinator, "HONGXING");
    app.unchanged(|| {
        for (field, value, code) in [
            ("phase", json!(0), "out_of_range"),
            ("capacity", json!(-1), "out_of_range"),
            ("time_zone", json!("Asia/Beijing"), "unknown_time_zone"),
            ("mode", json!("telepathy"), "unknown_value"),
            ("opens_on", json!("2020-02-30"), "wrong_value"),
            ("opens_on", json!("27.5.2020"), "wrong_value"),
            ("opens_on", json!("2020-5-27"), "wrong_value"),
            ("closes_on", json!("+2020-10-30"), "wrong_value"),
            ("closes_on", json!("2020-10-30T00:00:00Z"), "wrong_value"),
            ("closes_on", json!("2020-05-26"), "end_before_start"),
            ("opens_on", json!("1899-12-31"), "out_of_range"),
            ("closes_on", json!("2201-01-01"), "out_of_range"),
        ] {
            let mut body = seed::intake_body(&program.version, "X");
            body[field] = value;
            coordinator.post("/intakes", body).fault(&format!("/{field}"), code);
        }
        let mut body = seed::intake_body(&program.version, "X");
        body["predecessor_id"] = json!(app.absent_id());
        coordinator.post("/intakes", body).expect(404);
        coordinator.post("/intakes", seed::intake_body(&app.absent_id(), "X")).expect(404);
    });
}

#[test]
fn only_the_provider_is_told_the_capacity() {
    let app = spawn_app();
    let course = seed::course(&app);
    let path = format!("/intakes/{}", course.intake);
    course.coordinator.if_match("*").patch(&path, json!({ "capacity": 260 })).expect(200);
    let member = seed::enrolled(&course, 1).remove(0);
    seed::published_session(&course, "P-1", &seed::morning(1));
    assert_eq!(app.auditor().get(&path).expect(200).body["capacity"], 260);
    for client in [app.partner(&course.sponsor.id), app.trainee(&member.trainee), app.instructor(&course.instructor)] {
        assert_eq!(client.get(&path).expect(200).body["capacity"], json!(null));
        // Not as a number at the end of a field either; an id may have its digits.
        let listed = client.get("/intakes").expect(200);
        assert!(listed.items().iter().all(|intake| intake["capacity"].is_null()) && !listed.text.contains(":260"), "{}", listed.text);
    }
    app.partner(&seed::sponsor(&app, "BAOWU").id).get(&path).expect(404);
}
