//! `GET /sessions/{id}/roll-call/explain`: what keeps a roll call from being closed.

use serde_json::{Value, json};

use super::{all_present, path, reason};
use crate::support::{Client, Reply, seed, spawn_app};

fn obstacles(client: &Client, session: &str) -> Vec<Value> {
    client.get(&format!("{}/explain", path(session))).expect(200).body["obstacles"].as_array().unwrap().clone()
}

fn codes(obstacles: &[Value]) -> Vec<&str> {
    obstacles.iter().map(|obstacle| obstacle["code"].as_str().unwrap()).collect()
}

/// A closing is refused for what is said first.
fn assert_refused(reply: Reply, obstacles: &[Value]) {
    let refused = reply.expect(409).body;
    assert_eq!((&refused["code"], &refused["detail"]), (&obstacles[0]["code"], &obstacles[0]["detail"]));
}

#[test]
fn what_keeps_a_roll_call_from_being_closed_is_told_with_its_amounts() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 3);
    let session = seed::published_session(&course, "MET-01", &seed::morning(1));
    let (told, close) = (|| obstacles(&course.coordinator, &session), || seed::step_roll_call(&course, &session, "close", None));
    assert_eq!(codes(&told()), ["illegal_transition", "session_not_held", "roll_call_incomplete"]);
    assert_refused(close(), &told());
    let lines = [seed::line(&members[0], "present"), seed::line_of(&members[1], "late", 80)];
    seed::put_roll_call(&course, &session, &lines).expect(200);
    assert_eq!(codes(&told()), ["session_not_held", "roll_call_incomplete"]);
    assert_refused(close(), &told());
    let held = json!({ "ends_at": seed::after(&seed::morning(1), 60), "difference_reason": "let go early" });
    course.coordinator.post(&format!("/sessions/{session}/hold"), held).expect(200);
    assert_eq!(codes(&told()), ["roll_call_incomplete", "minutes_do_not_fit"]);
    assert_refused(close(), &told());
    let lines = json!({ "entries": [&lines[0], &lines[1], &seed::line(&members[2], "absent")] });
    // What was called of eighty minutes before is refused when it is put again; who is still to be called comes first.
    course.coordinator.if_match("*").put(&path(&session), lines).fault("/entries/1/minutes", "minutes_above_session");
    let unfit = &told()[1];
    assert_eq!(unfit["enrollment_id"], members[1].id);
    let amounts = json!([{ "name": "minutes of the session, as held", "minutes": 60 }, { "name": "present", "minutes": 80 }]);
    assert_eq!(unfit["amounts"], amounts);
    seed::put_roll_call(&course, &session, &all_present(&members)).expect(200);
    assert_eq!(told(), Vec::<Value>::new());
    close().expect(200);
    // Once it is closed nothing is in the way of anything.
    assert_eq!(told(), Vec::<Value>::new());
}

#[test]
fn segments_count_in_the_session_as_it_was_held() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let session = seed::published_session(&course, "MET-01", &seed::morning(1));
    let all = json!([{ "starts_at": seed::morning(1), "ends_at": seed::after(&seed::morning(1), 90) }]);
    let line = json!({ "enrollment_id": member.id, "code": "present", "segments": all });
    seed::put_roll_call(&course, &session, &[line]).expect(200);
    let held = json!({ "ends_at": seed::after(&seed::morning(1), 60), "difference_reason": "let go early" });
    course.coordinator.post(&format!("/sessions/{session}/hold"), held).expect(200);
    assert_eq!(obstacles(&course.coordinator, &session), Vec::<Value>::new());
    seed::step_roll_call(&course, &session, "close", None).expect(200);
}

#[test]
fn a_class_adviser_is_not_told_whose_line_of_another_cohort_it_is() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (adviser, cohort) = seed::advised_cohort(&app, &course);
    let own = seed::enrolled_at(&course, &course.sponsor.id, (&course.program.metallurgy, &cohort), 1).remove(0);
    let other = seed::enrolled(&course, 1).remove(0);
    let mut body = seed::session_body(&course, "MET-01", &seed::morning(1));
    body["cohort_ids"] = json!([cohort, course.metallurgy]);
    let session = seed::held_session_as(&course, body);
    seed::put_roll_call(&course, &session, &[seed::line_of(&own, "late", 70), seed::line_of(&other, "late", 80)]).expect(200);
    let held = json!({ "ends_at": seed::after(&seed::morning(1), 60), "difference_reason": "let go early" });
    course.coordinator.if_match("*").patch(&format!("/sessions/{session}/hold"), held).expect(200);
    let whose = |client: &Client| -> Vec<Value> { obstacles(client, &session).iter().map(|one| one["enrollment_id"].clone()).collect() };
    let mut known = whose(&course.coordinator);
    known.sort_by_key(Value::to_string);
    let mut both = [json!(own.id), json!(other.id)];
    both.sort_by_key(Value::to_string);
    assert_eq!(known, both);
    let client = app.class_adviser(&adviser);
    let mut told = whose(&client);
    told.sort_by_key(Value::is_null);
    assert_eq!(told, [json!(own.id), Value::Null]);
    let text = client.get(&format!("{}/explain", path(&session))).expect(200).text;
    assert!(!text.contains(&other.id), "{text}");
    app.trainee(&own.trainee).get(&format!("{}/explain", path(&session))).expect(403);
    course.coordinator.post(&format!("{}/explain", path(&session)), reason("x")).expect(405);
}

#[test]
fn nothing_else_is_said_of_what_is_a_draft_or_was_cancelled() {
    let app = spawn_app();
    let course = seed::course(&app);
    seed::enrolled(&course, 1);
    let draft = seed::session(&course, "MET-01", &seed::morning(1));
    let cancelled = seed::published_session(&course, "MET-02", &seed::morning(2));
    course.coordinator.post(&format!("/sessions/{cancelled}/cancel"), reason("a storm")).expect(200);
    for session in [draft, cancelled] {
        assert_eq!(codes(&obstacles(&course.coordinator, &session)), ["session_not_published"]);
    }
}

#[test]
fn whoever_owes_it_no_more_keeps_it_from_nothing() {
    let app = spawn_app();
    let course = seed::course(&app);
    let body = json!({ "discipline_id": course.program.metallurgy, "code": "MET-2", "name": "二班" });
    let cohort = course.coordinator.post(&format!("/intakes/{}/cohorts", course.intake), body).expect(201).id();
    let members = seed::enrolled_at(&course, &course.sponsor.id, (&course.program.metallurgy, &course.metallurgy), 2);
    let held = |code: &str, cohort: &str| {
        let mut body = seed::session_body(&course, code, &seed::morning(1));
        (body["cohort_ids"], body["instructor_ids"]) = (json!([cohort]), json!([]));
        seed::held_session_as(&course, body)
    };
    let (left, joined) = (held("MET-01", &course.metallurgy), held("MET2-01", &cohort));
    seed::put_roll_call(&course, &left, &all_present(&members)).expect(200);
    let moved = json!({ "cohort_id": cohort, "effective_at": "2020-06-01T00:00:00Z", "reason": "closer to the plant" });
    course.coordinator.post(&format!("/enrollments/{}/move", members[0].id), moved).expect(200);
    seed::put_roll_call(&course, &joined, &[seed::line(&members[0], "present")]).expect(200);
    seed::step_roll_call(&course, &joined, "close", None).expect(200);
    assert_eq!(obstacles(&course.coordinator, &left), Vec::<Value>::new());
    seed::step_roll_call(&course, &left, "close", None).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
}
