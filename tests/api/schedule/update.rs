use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::{seed, spawn_app};

#[test]
fn a_draft_changes_in_everything() {
    let app = spawn_app();
    let course = seed::course(&app);
    let id = seed::session(&course, "D-1", &seed::morning(1));
    let second = seed::instructor(&app, &course.coordinator, "P-2");
    let patch = json!({ "code": "D-2", "module_id": course.program.common_module, "mode": "mixed", "starts_at": seed::morning(2),
        "ends_at": seed::after(&seed::morning(2), 50), "break_minutes": 5, "place": "Room 301",
        "cohort_ids": [course.metallurgy, course.mechanics], "instructor_ids": [second, course.instructor] });
    let reply = course.coordinator.if_match("\"v1\"").patch(&format!("/sessions/{id}"), patch).expect(200);
    assert_eq!((reply.etag().as_str(), &reply.body["sequence"], &reply.body["minutes"]), ("\"v2\"", &json!(0), &json!(45)));
    assert_eq!(reply.body["instructors"][0]["id"], second.as_str());
    assert_json_snapshot!(reply.redacted());
}

#[test]
fn a_published_session_keeps_its_id_and_raises_its_sequence_when_it_moves() {
    let app = spawn_app();
    let course = seed::course(&app);
    let id = seed::published_session(&course, "P-1", &seed::morning(1));
    let path = format!("/sessions/{id}");
    let moved = json!({ "starts_at": seed::morning(2), "ends_at": seed::after(&seed::morning(2), 90), "reason": "the hall is closed" });
    let reply = course.coordinator.if_match("*").patch(&path, moved).expect(200);
    assert_eq!((&reply.body["id"], &reply.body["sequence"]), (&json!(id), &json!(1)));
    let entry = &app.auditor().get(&format!("/audit?subject_id={id}&action=session.moved")).expect(200).body["items"][0];
    assert_eq!(entry["reason"], "the hall is closed");
    // What it occupied has moved with it.
    let at = app.instant(&seed::morning(2));
    assert_eq!(app.count(&format!("SELECT count(*) FROM claims WHERE starts_at = {at}")), 2);
    seed::published_session(&course, "P-2", &seed::morning(1));
    app.unchanged(|| {
        let back = json!({ "starts_at": seed::morning(1), "ends_at": seed::after(&seed::morning(1), 90), "reason": "x" });
        course.coordinator.if_match("*").patch(&path, back).expect(409).problem("session_conflict");
        course.coordinator.if_match("*").patch(&path, json!({ "code": "P-9" })).expect(409).problem("session_published");
        let module = json!({ "module_id": course.program.common_module });
        course.coordinator.if_match("*").patch(&path, module).expect(409).problem("session_published");
    });
}

#[test]
fn a_published_session_does_not_change_without_a_reason() {
    let app = spawn_app();
    let course = seed::course(&app);
    let second = seed::instructor(&app, &course.coordinator, "P-2");
    let room = course.coordinator.post("/rooms", json!({ "code": "A-301", "name": "301", "kind": "on_site" })).expect(201).id();
    let (draft, published) = (seed::session(&course, "D-1", &seed::morning(1)), seed::published_session(&course, "P-1", &seed::morning(2)));
    let patch = |id: &str, patch: &Value| course.coordinator.if_match("*").patch(&format!("/sessions/{id}"), patch.clone());
    let module = course.program.common_module.clone();
    course.coordinator.if_match("*").patch(&format!("/sessions/{draft}"), json!({ "module_id": module })).expect(200);
    for change in [
        json!({ "ends_at": seed::after(&seed::morning(2), 100) }),
        json!({ "break_minutes": 5 }),
        json!({ "room_id": room }),
        json!({ "place": "Room 301" }),
        json!({ "mode": "mixed" }),
        json!({ "instructor_ids": [second] }),
        json!({ "mode": "recorded", "length_minutes": 60, "break_minutes": 0, "room_id": null }),
    ] {
        app.unchanged(|| patch(&published, &change).fault("/reason", "reason_missing"));
        let mut explained = change.clone();
        explained["reason"] = json!("as agreed");
        patch(&published, &explained).expect(200);
        // Once more it changes nothing, and needs none.
        app.unchanged(|| patch(&published, &change).expect(200));
    }
    patch(&draft, &json!({ "place": "Room 301" })).expect(200);
}

#[test]
fn whoever_joins_or_leaves_a_published_session_is_claimed_or_free() {
    let app = spawn_app();
    let course = seed::course(&app);
    let second = seed::instructor(&app, &course.coordinator, "P-2");
    let id = seed::published_session(&course, "P-1", &seed::morning(1));
    let instructors = json!({ "instructor_ids": [second], "reason": "as agreed" });
    course.coordinator.if_match("*").patch(&format!("/sessions/{id}"), instructors).expect(200);
    // The first is free for another cohort now; the second is not.
    let mut body = seed::session_body(&course, "P-2", &seed::morning(1));
    body["cohort_ids"] = json!([course.mechanics]);
    body["module_id"] = json!(course.program.mechanics_module);
    let other = seed::published_session_as(&course, body);
    app.unchanged(|| {
        let both = json!({ "instructor_ids": [course.instructor, second], "reason": "x" });
        course.coordinator.if_match("*").patch(&format!("/sessions/{other}"), both).expect(409).problem("session_conflict");
    });
}

#[test]
fn what_was_held_stays_as_it_was_held() {
    let app = spawn_app();
    let course = seed::course(&app);
    let id = seed::held_session(&course, "H-1", &seed::morning(1));
    app.unchanged(|| {
        for patch in [json!({ "place": "Room 301" }), json!({ "instructor_ids": [] }), json!({ "break_minutes": 5 })] {
            course.coordinator.if_match("*").patch(&format!("/sessions/{id}"), patch).expect(409).problem("session_closed");
        }
    });
}

#[test]
fn a_session_whose_roll_has_been_called_stays_where_it_is() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let id = seed::published_session(&course, "P-1", &seed::morning(1));
    seed::put_roll_call(&course, &id, &[seed::line(&member, "present")]).expect(200);
    let path = format!("/sessions/{id}");
    app.unchanged(|| {
        for patch in [
            json!({ "starts_at": seed::after(&seed::morning(1), -10) }),
            json!({ "break_minutes": 5 }),
            json!({ "mode": "recorded", "length_minutes": 90 }),
        ] {
            course.coordinator.if_match("*").patch(&path, patch).expect(409).problem("roll_call_begun");
        }
    });
    course.coordinator.if_match("*").patch(&path, json!({ "place": "Room 302", "reason": "x" })).expect(200);
}
