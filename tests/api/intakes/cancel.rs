use serde_json::json;

use crate::support::{seed, seed::Course, spawn_app};

fn begin(course: &Course, state: &str) -> String {
    let mut body = seed::enrollment_body(course, &seed::recruit(course));
    body["state"] = json!(state);
    course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), body).expect(201).id()
}

#[test]
fn a_cancelled_intake_ends_all_that_is_open_and_keeps_what_was_held() {
    let app = spawn_app();
    let course = seed::course(&app);
    let path = format!("/intakes/{}", course.intake);
    let step = |id: &str, step: &str| {
        course.coordinator.post(&format!("/enrollments/{id}/{step}"), json!({ "reason": "as decided" })).expect(200);
        id.to_owned()
    };
    let member = seed::enrolled(&course, 1).remove(0);
    let completed = step(&begin(&course, "enrolled"), "complete");
    let held = seed::held_session(&course, "H-1", &seed::morning(1));
    course.coordinator.if_match("*").patch(&path, json!({ "capacity": 4, "waitlist": true, "offer_days": 7 })).expect(200);
    let open = [
        step(&begin(&course, "nominated"), "offer"),
        step(&begin(&course, "enrolled"), "suspend"),
        step(&begin(&course, "nominated"), "waitlist"),
        begin(&course, "applied"),
        member.id.clone(),
    ];
    course.coordinator.post(&format!("{path}/start"), json!({})).expect(200);
    course.coordinator.post(&format!("{path}/cancel"), json!({ "reason": "the plant is closed" })).expect(200);
    let read = |id: &str| course.coordinator.get(&format!("/enrollments/{id}")).expect(200).body;
    for id in &open {
        let ended = read(id);
        let stands = [&ended["state"], &ended["withdrawal"], &ended["offer_expires_at"]];
        assert_eq!(stands, [&json!("withdrawn"), &json!("intake_cancelled"), &json!(null)], "{ended}");
    }
    assert_eq!(read(&completed)["state"], "completed");
    assert_eq!(app.count("SELECT seats_taken FROM intakes"), 1);
    assert_eq!(app.count("SELECT count(*) FROM enrollment_steps WHERE reason = 'the plant is closed'"), 5);
    // What was held is owed by whoever was there, and counts.
    let roll = course.coordinator.get(&format!("/sessions/{held}/roll-call")).expect(200);
    let lines: Vec<_> = roll.body["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| json!({ "enrollment_id": line["enrollment_id"], "code": "present" }))
        .collect();
    seed::put_roll_call(&course, &held, &lines).expect(200);
    seed::step_roll_call(&course, &held, "close", None).expect(200);
    let hours = course.coordinator.get(&format!("/enrollments/{}/hours", member.id)).expect(200);
    assert_eq!(hours.body["balance"]["attended_minutes"], 90);
    assert_eq!(app.findings(), Vec::<String>::new());
}
