use insta::assert_json_snapshot;
use serde_json::json;

use super::{class, path};
use crate::support::{seed, spawn_app};

#[test]
fn a_roll_call_shows_everybody_who_is_expected() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    seed::put_roll_call(&course, &session, &[seed::line_of(&members[1], "late", 80)]).expect(200);
    let reply = course.coordinator.get(&path(&session)).expect(200);
    assert!(reply.etag().starts_with("\"v1-"), "{}", reply.etag());
    assert_json_snapshot!(reply.redacted());
}

#[test]
fn who_is_not_enrolled_at_its_start_is_not_expected() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 4);
    let step = |index: usize, step: &str, at: &str| {
        let body = json!({ "reason": "as it was", "effective_at": at });
        course.coordinator.post(&format!("/enrollments/{}/{step}", members[index].id), body).expect(200);
    };
    // One withdrew the minute before, one in the very minute, one is away for a while, one left after it had begun.
    step(0, "withdraw", "2020-06-02T00:59:00Z");
    step(1, "withdraw", "2020-06-02T01:00:00Z");
    step(2, "suspend", "2020-06-01T00:00:00Z");
    step(2, "resume", "2020-06-02T02:00:00Z");
    step(3, "withdraw", "2020-06-02T01:01:00Z");
    let mut newcomer = seed::enrollment_body(&course, &seed::recruit(&course));
    newcomer["state"] = json!("approved");
    course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), newcomer).expect(201);
    let session = seed::held_session(&course, "MET-01", &seed::morning(1));
    let roll = course.coordinator.get(&path(&session)).expect(200).body;
    let expected: Vec<&str> = roll["entries"].as_array().unwrap().iter().map(|line| line["enrollment_id"].as_str().unwrap()).collect();
    assert_eq!(expected, [members[3].id.as_str()]);
    // The next day the one who was away is back.
    let next = seed::held_session(&course, "MET-02", &seed::morning(2));
    let roll = course.coordinator.get(&path(&next)).expect(200).body;
    assert_eq!(roll["entries"][0]["enrollment_id"], members[2].id.as_str());
    assert_eq!(roll["entries"].as_array().unwrap().len(), 1);
}

#[test]
fn only_those_who_call_or_check_the_roll_see_it() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    let path = path(&session);
    for client in [course.coordinator.clone(), app.instructor(&course.instructor), app.auditor(), app.administrator()] {
        client.get(&path).expect(200);
    }
    // They see the session, but not who was absent from it and why.
    for client in [app.partner(&course.sponsor.id), app.trainee(&members[0].trainee)] {
        client.get(&path).expect(403).problem("forbidden");
    }
    let stranger = seed::instructor(&app, &course.coordinator, "P-9");
    app.instructor(&stranger).get(&path).expect(404);
    app.class_adviser(&stranger).get(&path).expect(404);
    app.partner(&seed::sponsor(&app, "BAOWU").id).get(&path).expect(404);
}

#[test]
fn a_session_is_owed_by_whoever_was_enrolled_when_it_actually_began() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 2);
    let leaves = json!({ "reason": "left", "effective_at": seed::morning(2) });
    course.coordinator.post(&format!("/enrollments/{}/withdraw", members[1].id), leaves).expect(200);
    let hold = |id: &str, at: &str| {
        let body = json!({ "starts_at": at, "ends_at": seed::after(at, 90), "difference_reason": "moved in a hurry" });
        course.coordinator.post(&format!("/sessions/{id}/hold"), body).expect(200);
    };
    let count = |id: &str| course.coordinator.get(&path(id)).expect(200).body["entries"].as_array().unwrap().len();
    // Planned while both were there, taught after one had left; and the other way round.
    let later = seed::published_session(&course, "MET-1", &seed::morning(1));
    assert_eq!(count(&later), 2);
    hold(&later, &seed::morning(4));
    assert_eq!(count(&later), 1);
    let earlier = seed::published_session(&course, "MET-2", &seed::morning(9));
    hold(&earlier, &seed::morning(1));
    assert_eq!(count(&earlier), 2);
    for (id, lines) in [(&later, vec![0]), (&earlier, vec![0, 1])] {
        let lines: Vec<_> = lines.into_iter().map(|index| seed::line(&members[index], "present")).collect();
        seed::put_roll_call(&course, id, &lines).expect(200);
        seed::step_roll_call(&course, id, "close", None).expect(200);
    }
    assert_eq!(app.findings(), Vec::<String>::new());
    // Who comes later owes what was taught since.
    let mut body = seed::enrollment_body(&course, &seed::recruit(&course));
    body["from"] = json!(seed::morning(3));
    let reply = course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), body).expect(201);
    assert_eq!(reply.body["unsettled_sessions"].as_array().unwrap().len(), 1);
    assert_eq!(reply.body["unsettled_sessions"][0]["session_id"], json!(later));
}

#[test]
fn the_roll_of_what_was_taught_before_its_time_is_called_at_once() {
    let app = spawn_app();
    let course = seed::course(&app);
    let patch = json!({ "closes_on": "2199-12-31" });
    course.coordinator.if_match("*").patch(&format!("/intakes/{}", course.intake), patch).expect(200);
    let member = seed::enrolled(&course, 1).remove(0);
    let id = seed::published_session(&course, "MET-1", "2199-06-01T01:00:00Z");
    let body =
        json!({ "starts_at": seed::morning(1), "ends_at": seed::after(&seed::morning(1), 90), "difference_reason": "brought forward" });
    course.coordinator.post(&format!("/sessions/{id}/hold"), body).expect(200);
    seed::put_roll_call(&course, &id, &[seed::line(&member, "present")]).expect(200);
}
