use serde_json::json;

use crate::support::{seed, spawn_app};

#[test]
fn a_waiver_is_good_for_one_pair() {
    let app = spawn_app();
    let course = seed::course(&app);
    let first = seed::published_session(&course, "P-1", &seed::morning(1));
    let (second, third) = (seed::session(&course, "P-2", &seed::morning(1)), seed::session(&course, "P-3", &seed::morning(1)));
    let publish = |id: &str| course.coordinator.post(&format!("/sessions/{id}/publish"), json!({}));
    let waive = |one: &str, other: &str| {
        course.coordinator.post(&format!("/sessions/{one}/waivers"), json!({ "other_session_id": other, "reason": "one laboratory" }))
    };
    publish(&second).expect(409).problem("session_conflict");
    let waiver = waive(&second, &first).expect(201);
    assert_eq!(waiver.body["reason"], "one laboratory");
    assert!(waiver.body["granted_by"].is_string(), "{}", waiver.text);
    publish(&second).expect(200);
    // The waived two are guarded against a third.
    app.unchanged(|| publish(&third).expect(409).problem("session_conflict"));
    waive(&first, &third).expect(201);
    app.unchanged(|| {
        let detail = publish(&third).expect(409).problem("session_conflict").text_at("/detail");
        assert!(detail.contains("P-2") && !detail.contains("P-1 "), "{detail}");
    });
    waive(&third, &second).expect(201);
    publish(&third).expect(200);
    assert_eq!(app.count("SELECT count(*) FROM claims"), 6);
}

#[test]
fn a_waiver_is_granted_once_with_a_reason_by_a_coordinator() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (one, other) = (seed::session(&course, "P-1", &seed::morning(1)), seed::session(&course, "P-2", &seed::morning(1)));
    let path = format!("/sessions/{one}/waivers");
    app.unchanged(|| {
        course.coordinator.post(&path, json!({ "other_session_id": one, "reason": "x" })).fault("/other_session_id", "same_session");
        course.coordinator.post(&path, json!({ "other_session_id": other })).fault("/reason", "missing_field");
        course.coordinator.post(&path, json!({ "other_session_id": app.absent_id(), "reason": "x" })).expect(404);
        app.auditor().post(&path, json!({ "other_session_id": other, "reason": "x" })).expect(403);
    });
    course.coordinator.post(&path, json!({ "other_session_id": other, "reason": "x" })).expect(201);
    app.unchanged(|| {
        let again = json!({ "other_session_id": one, "reason": "x" });
        course.coordinator.post(&format!("/sessions/{other}/waivers"), again).expect(409).problem("already_exists");
    });
}
