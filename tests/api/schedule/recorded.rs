//! Recorded sessions: a window in which they can be watched, and a length that it counts.

use serde_json::{Value, json};

use crate::support::{seed, seed::Course, spawn_app};

/// Two weeks to watch 45 minutes.
fn recorded(course: &Course, code: &str) -> Value {
    let mut body = seed::session_body(course, code, &seed::morning(1));
    body["mode"] = json!("recorded");
    body["ends_at"] = json!(seed::morning(15));
    body["length_minutes"] = json!(45);
    body
}

#[test]
fn a_recorded_session_has_a_window_and_a_length() {
    let app = spawn_app();
    let course = seed::course(&app);
    let path = format!("/intakes/{}/sessions", course.intake);
    let room = course.coordinator.post("/rooms", json!({ "code": "A-301", "name": "301", "kind": "on_site" })).expect(201).id();
    app.unchanged(|| {
        let with = |field: &str, value: Value| {
            let mut body = recorded(&course, "R-1");
            body[field] = value;
            course.coordinator.post(&path, body)
        };
        with("length_minutes", json!(null)).fault("/length_minutes", "length_missing");
        with("length_minutes", json!(0)).fault("/length_minutes", "out_of_range");
        with("length_minutes", json!(1441)).fault("/length_minutes", "out_of_range");
        with("ends_at", json!(seed::after(&seed::morning(1), 44))).fault("/length_minutes", "too_long");
        with("break_minutes", json!(5)).fault("/break_minutes", "out_of_range");
        with("room_id", json!(room)).fault("/room_id", "recorded_in_room");
        with("mode", json!("mixed")).fault("/length_minutes", "not_recorded");
    });
    let made = course.coordinator.post(&path, recorded(&course, "R-1")).expect(201);
    assert_eq!((&made.body["minutes"], &made.body["length_minutes"]), (&json!(45), &json!(45)));
    // Mode and length change together.
    let session = format!("/sessions/{}", made.id());
    let change = |body: Value| course.coordinator.if_match("*").patch(&session, body);
    let live = json!({ "mode": "on_site", "ends_at": seed::after(&seed::morning(1), 90) });
    app.unchanged(|| change(live.clone()).fault("/length_minutes", "not_recorded"));
    let mut whole = live;
    whole["length_minutes"] = json!(null);
    assert_eq!(change(whole).expect(200).body["minutes"], 90);
    app.unchanged(|| change(json!({ "mode": "recorded" })).fault("/length_minutes", "length_missing"));
    assert_eq!(change(json!({ "mode": "recorded", "length_minutes": 60 })).expect(200).body["minutes"], 60);
}

#[test]
fn a_published_session_that_exchanges_its_time_keeps_its_length_and_its_room() {
    let app = spawn_app();
    let course = seed::course(&app);
    let room = course.coordinator.post("/rooms", json!({ "code": "A-301", "name": "301", "kind": "on_site" })).expect(201).id();
    let mut body = seed::session_body(&course, "P-1", &seed::morning(1));
    body["room_id"] = json!(room);
    body["break_minutes"] = json!(10);
    let (on_site, watched) = (seed::published_session_as(&course, body), seed::published_session_as(&course, recorded(&course, "R-1")));
    for (id, until) in [(&on_site, seed::after(&seed::morning(2), 90)), (&watched, seed::morning(20))] {
        let before = course.coordinator.get(&format!("/sessions/{id}")).expect(200).body;
        let moved = json!({ "starts_at": seed::morning(2), "ends_at": until, "reason": "x" });
        let after = course.coordinator.if_match("*").patch(&format!("/sessions/{id}"), moved).expect(200).body;
        for field in ["mode", "minutes", "break_minutes", "length_minutes", "room"] {
            assert_eq!(after[field], before[field], "{field}");
        }
    }
    // A cohort, an instructor and a room; nobody for the recorded one.
    assert_eq!(app.count("SELECT count(*) FROM claims"), 3);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_recorded_session_is_held_with_its_length_once_its_window_is_over() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 2);
    let id = seed::published_session_as(&course, recorded(&course, "R-1"));
    let hold = |body: Value| course.coordinator.post(&format!("/sessions/{id}/hold"), body);
    app.unchanged(|| {
        let reason = "fog";
        hold(json!({ "ends_at": seed::morning(3), "difference_reason": reason })).fault("/ends_at", "window_fixed");
        hold(json!({ "starts_at": seed::morning(3), "difference_reason": reason })).fault("/starts_at", "window_fixed");
        hold(json!({ "break_minutes": 5, "difference_reason": reason })).fault("/break_minutes", "out_of_range");
    });
    assert_eq!(hold(json!({})).expect(200).body["held"]["minutes"], 45);
    let lines = [seed::line(&members[0], "present"), seed::line_of(&members[1], "late", 30)];
    seed::put_roll_call(&course, &id, &lines).expect(200);
    seed::step_roll_call(&course, &id, "close", None).expect(200);
    let report = course.coordinator.get(&format!("/intakes/{}/progress", course.intake)).expect(200).body;
    assert_eq!(report["held_minutes"], 45);
    let mut present: Vec<i64> = report["rows"].as_array().unwrap().iter().map(|row| row["present_minutes"].as_i64().unwrap()).collect();
    present.sort_unstable();
    assert_eq!(present, [30, 45]);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_window_that_is_still_open_is_not_held() {
    let app = spawn_app();
    let course = seed::course(&app);
    let mut body = recorded(&course, "R-1");
    body["ends_at"] = json!("2199-12-30T00:00:00Z");
    let dates = json!({ "closes_on": "2199-12-31" });
    course.coordinator.if_match("*").patch(&format!("/intakes/{}", course.intake), dates).expect(200);
    let id = seed::published_session_as(&course, body);
    app.unchanged(|| course.coordinator.post(&format!("/sessions/{id}/hold"), json!({})).expect(409).problem("session_not_over"));
}

#[test]
fn whoever_comes_after_the_window_began_does_not_owe_it() {
    let app = spawn_app();
    let course = seed::course(&app);
    let early = seed::enrolled(&course, 1).remove(0);
    let mut late = seed::enrollment_body(&course, &seed::recruit(&course));
    late["from"] = json!(seed::morning(2));
    course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), late).expect(201);
    let id = seed::held_session_as(&course, recorded(&course, "R-1"));
    let roll = course.coordinator.get(&format!("/sessions/{id}/roll-call")).expect(200).body;
    let expected: Vec<&Value> = roll["entries"].as_array().unwrap().iter().map(|entry| &entry["enrollment_id"]).collect();
    assert_eq!(expected, [&json!(early.id)]);
}
