use serde_json::{Value, json};

use crate::support::{Reply, seed, seed::Course, spawn_app};

fn publish(course: &Course, id: &str) -> Reply {
    course.coordinator.post(&format!("/sessions/{id}/publish"), json!({}))
}

/// A draft on another cohort, by another instructor unless said.
fn elsewhere(course: &Course, code: &str, starts_at: &str, instructors: Value) -> Value {
    let mut body = seed::session_body(course, code, starts_at);
    body["cohort_ids"] = json!([course.mechanics]);
    body["module_id"] = json!(course.program.mechanics_module);
    body["instructor_ids"] = instructors;
    body
}

#[test]
fn sessions_that_touch_do_not_overlap() {
    let app = spawn_app();
    let course = seed::course(&app);
    let start = seed::morning(1);
    seed::published_session(&course, "P-1", &start);
    seed::published_session(&course, "P-2", &seed::after(&start, 90));
    seed::published_session(&course, "P-3", &seed::after(&start, -90));
    let between = seed::session(&course, "P-4", &seed::after(&start, 89));
    app.unchanged(|| publish(&course, &between).expect(409).problem("session_conflict"));
    seed::published_session_as(&course, elsewhere(&course, "P-5", &start, json!([])));
}

#[test]
fn a_recorded_session_occupies_nobody() {
    let app = spawn_app();
    let course = seed::course(&app);
    seed::published_session(&course, "P-1", &seed::morning(1));
    let mut body = seed::session_body(&course, "P-2", &seed::morning(1));
    body["mode"] = json!("recorded");
    body["length_minutes"] = json!(90);
    let recorded = seed::published_session_as(&course, body);
    assert_eq!(app.count("SELECT count(*) FROM claims"), 2);
    // Once it is live it does.
    let live = json!({ "mode": "on_site", "length_minutes": null, "reason": "x" });
    app.unchanged(|| {
        course.coordinator.if_match("*").patch(&format!("/sessions/{recorded}"), live).expect(409).problem("session_conflict");
    });
}

#[test]
fn a_cancelled_session_gives_back_what_it_occupied() {
    let app = spawn_app();
    let course = seed::course(&app);
    let first = seed::published_session(&course, "P-1", &seed::morning(1));
    let second = seed::session(&course, "P-2", &seed::morning(1));
    publish(&course, &second).expect(409);
    let cancel = format!("/sessions/{first}/cancel");
    app.unchanged(|| course.coordinator.post(&cancel, json!({})).fault("/reason", "reason_missing"));
    let reply = course.coordinator.post(&cancel, json!({ "reason": "storm" })).expect(200);
    assert_eq!((&reply.body["state"], &reply.body["cancel_reason"]), (&json!("cancelled"), &json!("storm")));
    publish(&course, &second).expect(200);
    app.unchanged(|| {
        course.coordinator.post(&cancel, json!({ "reason": "storm" })).expect(409).problem("illegal_transition");
        publish(&course, &first).expect(409).problem("illegal_transition");
        let patch = json!({ "place": "Room 301" });
        course.coordinator.if_match("*").patch(&format!("/sessions/{first}"), patch).expect(409).problem("session_closed");
    });
}

#[test]
fn every_draft_is_published_or_none() {
    let app = spawn_app();
    let course = seed::course(&app);
    let path = format!("/intakes/{}/sessions/publish", course.intake);
    for day in [3, 1, 2] {
        seed::session(&course, &format!("P-{day}"), &seed::morning(day));
    }
    let clash = seed::session(&course, "P-9", &seed::morning(3));
    app.unchanged(|| course.coordinator.post(&path, json!({})).expect(409).problem("session_conflict"));
    course.coordinator.post(&format!("/sessions/{clash}/cancel"), json!({ "reason": "a double" })).expect(200);
    let reply = course.coordinator.post(&path, json!({})).expect(200);
    let codes: Vec<_> = reply.body["sessions"].as_array().unwrap().iter().map(|session| session["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["P-1", "P-2", "P-3"]);
    assert_eq!(course.coordinator.post(&path, json!({})).expect(200).body["sessions"], json!([]));
}

#[test]
fn more_than_the_plan_needs_an_amendment() {
    let app = spawn_app();
    let course = seed::short_course(&app, 180);
    seed::published_session(&course, "P-1", &seed::morning(1));
    let second = seed::published_session(&course, "P-2", &seed::morning(2));
    let third = seed::session(&course, "P-3", &seed::morning(3));
    // A draft takes nothing of the plan.
    seed::session(&course, "P-4", &seed::morning(4));
    app.unchanged(|| {
        let detail = publish(&course, &third).expect(409).problem("plan_exceeded").text_at("/detail");
        assert!(detail.contains("270 of 180 planned minutes"), "{detail}");
        let longer = json!({ "ends_at": seed::after(&seed::morning(2), 91), "reason": "x" });
        course.coordinator.if_match("*").patch(&format!("/sessions/{second}"), longer).expect(409).problem("plan_exceeded");
    });
    // Nor may an amendment take away what is scheduled.
    let amend = |minutes: i32| {
        let body = json!({ "module_id": course.program.metallurgy_module, "delta_minutes": minutes, "reason": "as agreed" });
        course.coordinator.post(&format!("/intakes/{}/amendments", course.intake), body)
    };
    app.unchanged(|| amend(-1).expect(409).problem("plan_exceeded"));
    amend(10).expect(201);
    amend(-10).expect(201);
    // What is cancelled takes nothing of the plan.
    course.coordinator.post(&format!("/sessions/{second}/cancel"), json!({ "reason": "storm" })).expect(200);
    publish(&course, &third).expect(200);
}

#[test]
fn what_blocks_at_another_organization_is_not_named() {
    let app = spawn_app();
    let course = seed::course(&app);
    let provider = seed::organization(&app, "NEU", "东北大学", "university", None);
    let theirs = seed::course_of(&app, app.coordinator_of(&provider), "NEU", "BAOWU");
    // Our professor was once enrolled there, so that they may ask for them too.
    let mut enrollment = seed::enrollment_body(&theirs, &course.instructor);
    enrollment["cohort_id"] = json!(null);
    app.sql(&format!("UPDATE people SET provider_id = {}", app.hex(&provider))).unwrap();
    theirs.coordinator.post(&format!("/intakes/{}/enrollments", theirs.intake), enrollment).expect(201);
    app.sql(&format!("UPDATE people SET provider_id = {} WHERE id = {}", app.hex(&app.provider().id), app.hex(&course.instructor)))
        .unwrap();
    let secret = seed::published_session(&course, "SECRET-1", &seed::morning(1));
    let mut body = seed::session_body(&theirs, "N-1", &seed::morning(1));
    body["instructor_ids"] = json!([course.instructor]);
    let draft = seed::session_as(&theirs, body);
    let detail = publish(&theirs, &draft).expect(409).problem("session_conflict").text_at("/detail");
    assert!(detail.contains("another organization's session") && !detail.contains("SECRET"), "{detail}");
    // Nor who waived it, and why.
    let (first, second, at) = (app.hex(&secret), app.hex(&draft), app.instant("2020-05-01T00:00:00Z"));
    app.sql(&format!(
        "INSERT INTO claim_waivers (first_session_id, second_session_id, reason, created_at) VALUES ({first}, {second}, 'SECRET', {at})"
    ))
    .unwrap();
    let check = theirs.coordinator.post(&format!("/intakes/{}/sessions/check", theirs.intake), json!({ "changes": [{ "id": draft }] }));
    let conflict = &check.expect(200).body["conflicts"][0];
    assert_eq!((&conflict["severity"], &conflict["waiver"]), (&json!("warn"), &json!(null)), "{conflict}");
}

#[test]
fn whatever_changes_a_published_session_tells_what_it_is_warned_of() {
    let app = spawn_app();
    let course = seed::course(&app);
    let small = json!({ "code": "A-1", "name": "教学楼 1", "kind": "on_site", "capacity": 1 });
    let room = course.coordinator.post("/rooms", small).expect(201).id();
    seed::enrolled(&course, 2);
    let mut body = seed::session_body(&course, "P-1", &seed::morning(1));
    body["room_id"] = json!(room);
    body["mode"] = json!("on_site");
    let session = seed::session_as(&course, body);
    let other = seed::instructor(&app, &course.coordinator, "P-2");
    let post = |step: &str, body: Value| course.coordinator.post(&format!("/sessions/{session}/{step}"), body).expect(200);
    let draft = course.coordinator.if_match("*").patch(&format!("/sessions/{session}"), json!({ "break_minutes": 5 })).expect(200);
    assert_eq!(draft.body["warnings"][0]["kind"], "room_capacity");
    let replies = [
        post("publish", json!({})),
        course.coordinator.if_match("*").patch(&format!("/sessions/{session}"), json!({ "break_minutes": 0, "reason": "x" })).expect(200),
        post("move", json!({ "starts_at": seed::morning(2), "reason": "x" })),
        post("cut", json!({ "minutes": 10, "reason": "x" })),
        post("substitute", json!({ "instructor_id": course.instructor, "by_instructor_id": other, "reason": "x" })),
        post("split", json!({ "at": seed::after(&seed::morning(2), 40), "code": "P-1B", "reason": "x" })),
    ];
    for (index, reply) in replies.iter().enumerate() {
        let kinds = reply.body["warnings"].as_array().unwrap().iter().map(|one| &one["kind"]);
        // All that changes here is over by now.
        let kinds: Vec<&Value> = kinds.filter(|kind| *kind != "in_the_past").collect();
        // Each part of the session that is split has too many trainees.
        assert_eq!(kinds, vec!["room_capacity"; if index == 5 { 2 } else { 1 }], "{}", reply.text);
    }
}
