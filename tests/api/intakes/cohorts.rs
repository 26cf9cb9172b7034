use insta::assert_json_snapshot;
use serde_json::json;

use crate::support::{seed, spawn_app};

#[test]
fn a_cohort_is_of_one_discipline_of_the_version() {
    let app = spawn_app();
    let course = seed::course(&app);
    let other = seed::program(&course.coordinator, "OTHER");
    let path = format!("/intakes/{}/cohorts", course.intake);
    let body = |discipline: &str, code: &str| json!({ "discipline_id": discipline, "code": code, "name": "二班", "adviser_id": course.instructor });
    let reply = course.coordinator.post(&path, body(&course.program.metallurgy, "MET-2")).expect(201);
    assert_json_snapshot!(reply.redacted());
    app.unchanged(|| {
        course.coordinator.post(&path, body(&other.metallurgy, "X")).fault("/discipline_id", "unknown_discipline");
        course.coordinator.post(&path, body(&course.program.metallurgy, "MET-2")).expect(409).problem("already_exists");
    });
    let codes: Vec<_> = course.coordinator.get(&path).expect(200).body.as_array().unwrap().iter().map(|row| row["code"].clone()).collect();
    assert_eq!(codes, ["MEC-1", "MET-1", "MET-2"]);
    // The class adviser sees the own one.
    let own = app.class_adviser(&course.instructor).get(&path).expect(200).body;
    assert_eq!((own.as_array().unwrap().len(), &own[0]["code"]), (1, &json!("MET-2")));
}

#[test]
fn a_cohort_gets_another_name_and_adviser_who_sees_it_from_then_on() {
    let app = spawn_app();
    let course = seed::course(&app);
    let path = format!("/cohorts/{}", course.metallurgy);
    let adviser = app.class_adviser(&course.instructor);
    adviser.get(&path).expect(404);
    let read = course.coordinator.get(&path).expect(200);
    let patch = json!({ "name": "冶金一班", "adviser_id": course.instructor });
    app.unchanged(|| {
        course.coordinator.patch(&path, patch.clone()).expect(428).problem("if_match_missing");
        course.coordinator.if_match("\"9\"").patch(&path, patch.clone()).expect(412).problem("stale");
        course.coordinator.if_match("*").patch(&path, json!({ "adviser_id": app.absent_id() })).expect(404);
        course.coordinator.if_match("*").patch(&path, json!({ "name": null })).expect(422);
        course.coordinator.if_match("*").patch(&path, json!({ "code": "MET-9" })).fault("/code", "unknown_field");
        app.auditor().if_match("*").patch(&path, patch.clone()).expect(403).problem("forbidden");
    });
    let changed = course.coordinator.if_match(&read.etag()).patch(&path, patch.clone()).expect(200);
    assert_eq!((&changed.body["name"], &changed.body["adviser_id"]), (&json!("冶金一班"), &json!(course.instructor)));
    assert_eq!(adviser.get(&path).expect(200).body, changed.body);
    // Sent once more it changes nothing, whatever it was made of.
    app.unchanged(|| assert_eq!(course.coordinator.if_match(&read.etag()).patch(&path, patch).expect(200).etag(), changed.etag()));
    let audit = app.auditor().get(&format!("/audit?subject_id={}&action=cohort.updated", course.metallurgy)).expect(200);
    assert_eq!((&audit.items()[0]["from"]["adviser_id"], &audit.items()[0]["to"]["name"]), (&json!(null), &json!("冶金一班")));
    course.coordinator.if_match("*").patch(&path, json!({ "adviser_id": null, "reason": "on leave" })).expect(200);
    adviser.get(&path).expect(404);
    let audit = app.auditor().get(&format!("/audit?subject_id={}&action=cohort.updated", course.metallurgy)).expect(200);
    assert!(audit.items().iter().any(|entry| entry["reason"] == "on leave"), "{}", audit.text);
    // Nobody calls their own roll.
    let member = seed::enrolled(&course, 1).remove(0);
    let own = json!({ "adviser_id": member.trainee });
    app.unchanged(|| course.coordinator.if_match("*").patch(&path, own).fault("/adviser_id", "is_trainee"));
    let cohort = json!({ "discipline_id": course.program.metallurgy, "code": "MET-3", "name": "三班", "adviser_id": member.trainee });
    course.coordinator.post(&format!("/intakes/{}/cohorts", course.intake), cohort).fault("/adviser_id", "is_trainee");
    course.coordinator.post(&format!("/intakes/{}/cancel", course.intake), json!({ "reason": "too few" })).expect(200);
    app.unchanged(|| course.coordinator.if_match("*").patch(&path, json!({ "name": "二班" })).expect(409).problem("intake_not_live"));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn another_name_of_a_cohort_is_another_report() {
    let app = spawn_app();
    let course = seed::course(&app);
    seed::enrolled(&course, 1);
    let report = format!("/intakes/{}/progress?by=cohort", course.intake);
    let known = course.coordinator.get(&report).expect(200).etag();
    let path = format!("/cohorts/{}", course.metallurgy);
    course.coordinator.if_match("*").patch(&path, json!({ "name": "冶金一班" })).expect(200);
    assert!(course.coordinator.if_none_match(&known).get(&report).expect(200).text.contains("冶金一班"));
}
