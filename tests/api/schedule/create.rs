use insta::assert_json_snapshot;
use serde_json::json;

use crate::support::{seed, spawn_app};

#[test]
fn a_session_begins_as_a_draft() {
    let app = spawn_app();
    let course = seed::course(&app);
    let mut body = seed::session_body(&course, "MET-01", &seed::morning(1));
    body["ends_at"] = json!(seed::after(&seed::morning(1), 100));
    body["break_minutes"] = json!(10);
    body["place"] = json!("Room 301");
    let reply = course.coordinator.post(&format!("/intakes/{}/sessions", course.intake), body).expect(201);
    assert_eq!(reply.header("location"), format!("/api/v1/sessions/{}", reply.id()));
    assert_eq!((&reply.body["minutes"], &reply.body["mode"]), (&json!(90), &json!("live_online")));
    assert_json_snapshot!(reply.redacted());
    let mut read = course.coordinator.get(reply.header("location")).expect(200).body;
    read["warnings"] = json!([]);
    read["warnings_truncated"] = json!(false);
    assert_eq!(read, reply.body);
    // A draft occupies nobody.
    assert_eq!(app.count("SELECT count(*) FROM claims"), 0);
}

#[test]
fn what_does_not_fit_the_intake_is_pointed_at() {
    let app = spawn_app();
    let course = seed::course(&app);
    let other = seed::course_called(&app, "OTHER", "OTHER");
    let start = seed::morning(1);
    let good = seed::session_body(&course, "MET-01", &start);
    let path = format!("/intakes/{}/sessions", course.intake);
    app.unchanged(|| {
        for (field, value, pointer, code) in [
            ("module_id", json!(app.absent_id()), "/module_id", "unknown_module"),
            ("module_id", json!(other.program.metallurgy_module), "/module_id", "unknown_module"),
            ("module_id", json!(course.program.mechanics_module), "/module_id", "module_of_another_discipline"),
            ("cohort_ids", json!([]), "/cohort_ids", "cohort_missing"),
            ("cohort_ids", json!([other.metallurgy]), "/cohort_ids", "unknown_cohort"),
            ("cohort_ids", json!([course.metallurgy, course.metallurgy]), "/cohort_ids", "duplicate"),
            ("instructor_ids", json!([course.instructor, course.instructor]), "/instructor_ids", "duplicate"),
            ("break_minutes", json!(-1), "/break_minutes", "out_of_range"),
            ("break_minutes", json!(90), "/break_minutes", "no_minutes_left"),
            ("ends_at", json!("2020-06-02T02:30:30Z"), "/ends_at", "not_whole_minutes"),
            ("starts_at", json!("2020-06-02T01:00:30Z"), "/starts_at", "not_whole_minutes"),
            ("ends_at", json!("2020-06-03T01:01:00Z"), "/ends_at", "too_long"),
            ("mode", json!("telepathy"), "/mode", "unknown_value"),
            ("starts_at", json!("2020-06-02"), "/starts_at", "wrong_value"),
            ("starts_at", json!("2020-06-02T01:00:30"), "/starts_at", "wrong_value"),
        ] {
            let mut body = good.clone();
            body[field] = value;
            course.coordinator.post(&path, body).fault(pointer, code);
        }
    });
    // Trainees do not teach.
    let mut body = good.clone();
    body["instructor_ids"] = json!([seed::recruit(&course)]);
    app.unchanged(|| course.coordinator.post(&path, body).expect(404));
    course.coordinator.post(&path, good.clone()).expect(201);
    app.unchanged(|| course.coordinator.post(&path, good).expect(409).problem("already_exists"));
}

#[test]
fn an_instant_in_another_offset_is_the_same_instant() {
    let app = spawn_app();
    let course = seed::course(&app);
    let mut body = seed::session_body(&course, "MET-01", "2020-06-02T09:00:00+08:00");
    body["ends_at"] = json!("2020-06-02T10:30:00+08:00");
    let reply = course.coordinator.post(&format!("/intakes/{}/sessions", course.intake), body).expect(201);
    assert_eq!(reply.body["starts_at"], "2020-06-02T01:00:00Z");
}

#[test]
fn many_sessions_are_scheduled_and_published_together_or_not_at_all() {
    let app = spawn_app();
    let course = seed::course(&app);
    let path = format!("/intakes/{}/sessions/bulk", course.intake);
    let day = |day: u32| seed::session_body(&course, &format!("MET-{day:02}"), &seed::morning(day));
    let mut bodies: Vec<_> = (1..=10).map(day).collect();
    app.unchanged(|| {
        let mut clash = bodies.clone();
        clash[9]["starts_at"] = clash[0]["starts_at"].clone();
        clash[9]["ends_at"] = clash[0]["ends_at"].clone();
        let reply = course.coordinator.post(&path, json!({ "sessions": clash, "publish": true })).expect(409).problem("session_conflict");
        assert!(reply.text_at("/detail").contains("MET-01") && reply.text_at("/detail").contains("MET-10"), "{}", reply.text);
        let mut double = bodies.clone();
        double[9]["code"] = json!("MET-01");
        course.coordinator.post(&path, json!({ "sessions": double })).expect(409).problem("already_exists");
        course.coordinator.post(&path, json!({ "sessions": [] })).fault("/sessions", "out_of_range");
        course.coordinator.post(&path, json!({ "sessions": [day(11), { "code": "X" }] })).fault("/sessions/1/module_id", "missing_field");
    });
    bodies.reverse();
    let reply = course.coordinator.post(&path, json!({ "sessions": bodies, "publish": true })).expect(201);
    let codes: Vec<_> = reply.body["sessions"].as_array().unwrap().iter().map(|session| session["code"].as_str().unwrap()).collect();
    assert_eq!((codes[0], codes.len()), ("MET-10", 10));
    // A cohort and an instructor each.
    assert_eq!(app.count("SELECT count(*) FROM claims"), 20);
}

#[test]
fn only_a_coordinator_schedules() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    seed::published_session(&course, "P-1", &seed::morning(1));
    app.unchanged(|| {
        for client in [app.instructor(&course.instructor), app.partner(&course.sponsor.id), app.trainee(&member.trainee), app.auditor()] {
            let body = seed::session_body(&course, "N-1", &seed::morning(2));
            client.post(&format!("/intakes/{}/sessions", course.intake), body).expect(403).problem("forbidden");
        }
    });
}
