//! Times as they are entered: instants, or local times of the intake's zone.

use serde_json::{Value, json};

use crate::support::{App, seed, seed::Course, spawn_app};

/// A course in Berlin from March to October, over both changes of the clocks.
fn berlin(app: &App) -> Course {
    let mut course = seed::course(app);
    let mut body = seed::intake_body(&course.program.version, "BERLIN");
    body["time_zone"] = json!("Europe/Berlin");
    body["opens_on"] = json!("2020-03-01");
    course.intake = course.coordinator.post("/intakes", body).expect(201).id();
    course.coordinator.post(&format!("/intakes/{}/open-enrollment", course.intake), json!({})).expect(200);
    course.metallurgy = seed::cohort(&course.coordinator, &course.intake, &course.program.metallurgy, "MET-1");
    course
}

fn session(course: &Course, code: &str, starts_at: &str, ends_at: &str) -> Value {
    json!({ "code": code, "module_id": course.program.metallurgy_module, "starts_at": starts_at, "ends_at": ends_at,
        "cohort_ids": [course.metallurgy], "instructor_ids": [course.instructor] })
}

#[test]
fn a_session_across_a_clock_change_counts_elapsed_minutes() {
    let app = spawn_app();
    let course = berlin(&app);
    for (code, starts_at, ends_at, minutes, start) in [
        ("SPRING", "2020-03-29T01:30", "2020-03-29T03:30", 60, "2020-03-29T00:30:00Z"),
        ("SUMMER", "2020-07-01T01:30:00", "2020-07-01T03:30:00", 120, "2020-06-30T23:30:00Z"),
        ("AUTUMN", "2020-10-25T01:30", "2020-10-25T03:30", 180, "2020-10-24T23:30:00Z"),
    ] {
        let id = seed::published_session_as(&course, session(&course, code, starts_at, ends_at));
        let held = course.coordinator.post(&format!("/sessions/{id}/hold"), json!({})).expect(200).body;
        assert_eq!((&held["starts_at"], &held["minutes"]), (&json!(start), &json!(minutes)), "{code}");
        assert_eq!(held["held"]["minutes"], minutes, "{code}");
    }
}

#[test]
fn a_local_time_is_taken_wherever_a_session_is_sent() {
    let app = spawn_app();
    let course = berlin(&app);
    let (sessions, evening) = (format!("/intakes/{}/sessions", course.intake), "2020-06-01T18:00:00Z");
    let new = session(&course, "A", "2020-06-01T20:00", "2020-06-01T21:30:00");
    let checked = course.coordinator.post(&format!("{sessions}/check"), json!({ "sessions": [new] })).expect(200);
    assert_eq!(checked.body["fits"], true);
    let bulk = course.coordinator.post(&format!("{sessions}/bulk"), json!({ "sessions": [new], "publish": true })).expect(201);
    assert_eq!(bulk.body["sessions"][0]["starts_at"], evening);
    let id = bulk.text_at("/sessions/0/id");
    // The same instant in another notation changes nothing.
    let same = json!({ "starts_at": "2020-06-01T20:00", "ends_at": "2020-06-01T21:30:00+02:00" });
    app.unchanged(|| course.coordinator.if_match("*").patch(&format!("/sessions/{id}"), same).expect(200));
    let moved = json!({ "starts_at": "2020-06-02T20:00", "ends_at": "2020-06-02T21:30", "reason": "as agreed" });
    let moved = course.coordinator.if_match("*").patch(&format!("/sessions/{id}"), moved).expect(200);
    assert_eq!(moved.body["starts_at"], "2020-06-02T18:00:00Z");
    let held = json!({ "ends_at": "2020-06-02T21:00", "difference_reason": "ended early" });
    let held = course.coordinator.post(&format!("/sessions/{id}/hold"), held).expect(200);
    assert_eq!((&held.body["held"]["ends_at"], &held.body["held"]["minutes"]), (&json!("2020-06-02T19:00:00Z"), &json!(60)));
}

#[test]
fn a_local_time_that_is_missing_or_ambiguous_is_asked_back() {
    let app = spawn_app();
    let course = berlin(&app);
    let sessions = format!("/intakes/{}/sessions", course.intake);
    let draft = seed::session_as(&course, session(&course, "D", "2020-06-01T20:00", "2020-06-01T21:30"));
    let published = seed::published_session_as(&course, session(&course, "P", "2020-06-02T20:00", "2020-06-02T21:30"));
    let twice = json!({ "starts_at": "2020-10-25T02:30", "ends_at": "2020-10-25T04:00" });
    let asked = |path: &str, pointer: &str, body: Value, method: &str| {
        let reply = course.coordinator.if_match("*").send(method, path, Some(("application/json", body.to_string().as_bytes())));
        let reply = reply.fault(&format!("{pointer}/starts_at"), "local_time_ambiguous");
        assert_eq!(reply.body["errors"][0]["choices"], json!(["2020-10-25T02:30:00+02:00", "2020-10-25T02:30:00+01:00"]), "{path}");
    };
    let new = session(&course, "N", "2020-10-25T02:30", "2020-10-25T04:00");
    app.unchanged(|| {
        asked(&sessions, "", new.clone(), "POST");
        asked(&format!("{sessions}/bulk"), "/sessions/0", json!({ "sessions": [new] }), "POST");
        asked(&format!("{sessions}/check"), "/sessions/0", json!({ "sessions": [new] }), "POST");
        asked(&format!("{sessions}/check"), "/changes/0", json!({ "changes": [{ "id": draft, "change": twice }] }), "POST");
        asked(&format!("/sessions/{draft}"), "", twice.clone(), "PATCH");
        asked(&format!("/sessions/{published}/hold"), "", twice.clone(), "POST");
        let skipped = session(&course, "N", "2020-03-29T01:30", "2020-03-29T02:30");
        let reply = course.coordinator.post(&sessions, skipped).fault("/ends_at", "local_time_missing");
        let fault = &reply.body["errors"][0];
        assert_eq!(fault.get("choices"), None, "{fault}");
        let detail = fault["detail"].as_str().unwrap();
        assert!(detail.ends_with("the nearest times are 2020-03-29T01:59:00+01:00 and 2020-03-29T03:00:00+02:00"), "{detail}");
    });
    // What it was asked with is what it takes.
    let mut chosen = new;
    chosen["starts_at"] = json!("2020-10-25T02:30:00+01:00");
    assert_eq!(course.coordinator.post(&sessions, chosen).expect(201).body["minutes"], 90);
}
