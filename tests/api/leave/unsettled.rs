//! Leave that is granted or withdrawn after a roll call was closed.

use serde_json::{Value, json};

use super::{minutes, step};
use crate::support::{Reply, seed, seed::Course, spawn_app};

fn marked(reply: &Reply) -> Vec<(Value, Value)> {
    reply.body["sessions"].as_array().unwrap().iter().map(|session| (session["code"].clone(), session["unsettled"].clone())).collect()
}

fn listed(course: &Course, enrollment: &str) -> Value {
    let sessions = course.coordinator.get(&format!("/enrollments/{enrollment}")).expect(200).body["unsettled_sessions"].clone();
    sessions.as_array().unwrap().iter().map(|session| json!([session["code"], session["kind"]])).collect()
}

#[test]
fn what_was_closed_before_is_listed_and_settled_by_closing_again() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 2);
    let lines: Vec<Value> = members.iter().map(|member| seed::line(member, "absent")).collect();
    let session = seed::closed_session(&course, "MET-1", &seed::morning(1), &lines);
    seed::closed_session(&course, "MET-2", &seed::morning(2), &lines);
    let entries = "SELECT count(*) FROM hour_entries";
    let posted = app.count(entries);
    let leave = seed::leave_asked(&course, &members[0], &seed::morning(1), 30);
    let report = format!("/intakes/{}/progress", course.intake);
    let tag = course.coordinator.get(&report).expect(200).etag();
    let granted = step(&course.coordinator, &leave, "grant", None).expect(200);
    assert_eq!(marked(&granted), [(json!("MET-1"), json!(true))]);
    assert_eq!(course.coordinator.with_header("if-none-match", &tag).get(&report).expect(200).body["totals"]["unsettled_sessions"], 1);
    assert_eq!((listed(&course, &members[0].id), listed(&course, &members[1].id)), (json!([["MET-1", "leave"]]), json!([])));
    assert_eq!(app.count(entries), posted, "something was posted by itself");
    course.coordinator.post(&format!("/enrollments/{}/complete", members[0].id), json!({})).expect(409).problem("sessions_unsettled");
    assert_eq!(app.findings(), Vec::<String>::new());
    seed::step_roll_call(&course, &session, "reopen", Some("leave was granted")).expect(200);
    assert_eq!(listed(&course, &members[0].id), json!([]));
    assert_eq!(app.findings(), Vec::<String>::new());
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    assert_eq!((minutes(&course, &members[0].id), minutes(&course, &members[1].id)), ([0, 30, 150], [0, 0, 180]));
    // One is reversed and split in two; the other stays as it was.
    assert_eq!(app.count(entries), posted + 3);
    assert_eq!(marked(&course.coordinator.get(&format!("/leave-requests/{leave}")).expect(200)), [(json!("MET-1"), json!(false))]);
    let withdrawn = step(&course.coordinator, &leave, "withdraw", Some("came after all")).expect(200);
    assert_eq!(marked(&withdrawn), [(json!("MET-1"), json!(true))]);
    seed::step_roll_call(&course, &session, "reopen", Some("leave was withdrawn")).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    assert_eq!((minutes(&course, &members[0].id), listed(&course, &members[0].id)), ([0, 0, 180], json!([])));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn an_intake_is_not_completed_while_a_closed_session_waits_to_be_settled() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    seed::closed_session(&course, "MET-1", &seed::morning(1), &[seed::line(&member, "absent")]);
    let leave = seed::leave_asked(&course, &member, &seed::morning(1), 30);
    course.coordinator.post(&format!("/intakes/{}/start", course.intake), json!({})).expect(200);
    course.coordinator.post(&format!("/enrollments/{}/complete", member.id), json!({})).expect(200);
    step(&course.coordinator, &leave, "grant", None).expect(200);
    let complete = || course.coordinator.post(&format!("/intakes/{}/complete", course.intake), json!({}));
    app.unchanged(|| complete().expect(409).problem("sessions_unsettled"));
    step(&course.coordinator, &leave, "withdraw", Some("came after all")).expect(200);
    complete().expect(200);
}

#[test]
fn leave_that_covers_nothing_more_unsettles_nothing() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 3);
    let lines = [seed::line(&members[0], "absent"), seed::line(&members[1], "present"), seed::line(&members[2], "excused")];
    let first = seed::leave_granted(&course, &members[0], &seed::morning(1), 90);
    seed::closed_session(&course, "MET-1", &seed::morning(1), &lines);
    for member in &members {
        seed::leave_granted(&course, member, &seed::morning(1), 90);
        assert_eq!(listed(&course, &member.id), json!([]));
    }
    // The other covers the same still.
    step(&course.coordinator, &first, "withdraw", Some("written twice")).expect(200);
    assert_eq!(listed(&course, &members[0].id), json!([]));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn leave_granted_while_a_roll_call_is_open_again_counts_when_it_is_closed() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let session = seed::closed_session(&course, "MET-1", &seed::morning(1), &[seed::line(&member, "absent")]);
    seed::step_roll_call(&course, &session, "reopen", Some("to look again")).expect(200);
    seed::leave_granted(&course, &member, &seed::morning(1), 60);
    assert_eq!(listed(&course, &member.id), json!([]));
    assert_eq!(app.findings(), Vec::<String>::new());
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    assert_eq!(minutes(&course, &member.id), [0, 60, 30]);
    assert_eq!(app.findings(), Vec::<String>::new());
}
