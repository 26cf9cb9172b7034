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
