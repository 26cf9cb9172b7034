//! What a closing makes of leave.

use serde_json::{Value, json};

use super::{minutes, step};
use crate::support::{seed, seed::Course, spawn_app};

/// What the closed roll call of a session says that leave covered, of everybody in it.
fn covered(course: &Course, session: &str) -> Vec<Value> {
    let roll_call = course.coordinator.get(&format!("/sessions/{session}/roll-call")).expect(200);
    roll_call.body["entries"].as_array().unwrap().iter().map(|entry| entry["leave_minutes"].clone()).collect()
}

#[test]
fn what_is_missed_within_leave_is_authorized_and_nothing_else() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 6);
    // From nine to ten in the morning; the session lasts until half past ten.
    for member in &members {
        seed::leave_granted(&course, member, &seed::morning(1), 60);
    }
    let lines = [
        seed::line(&members[0], "absent"),
        seed::line_of(&members[1], "late", 70),
        seed::line_of(&members[2], "left_early", 70),
        seed::line_of(&members[3], "left_early", 40),
        seed::line_of(&members[4], "excused", 30),
        seed::line(&members[5], "present"),
    ];
    let session = seed::closed_session(&course, "MET-1", &seed::morning(1), &lines);
    let posted: Vec<[i64; 3]> = members.iter().map(|member| minutes(&course, &member.id)).collect();
    assert_eq!(posted, [[0, 60, 30], [70, 20, 0], [70, 0, 20], [40, 20, 30], [30, 60, 0], [90, 0, 0]]);
    assert_eq!(json!(covered(&course, &session)), json!([60, 20, null, 20, null, null]));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn only_leave_that_was_granted_and_only_of_whom_it_names_counts() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 4);
    seed::leave_asked(&course, &members[0], &seed::morning(1), 90);
    let refused = seed::leave_asked(&course, &members[1], &seed::morning(1), 90);
    seed::step_leave(&course, &refused, "refuse", Some("an examination")).expect(200);
    let withdrawn = seed::leave_granted(&course, &members[2], &seed::morning(1), 90);
    seed::step_leave(&course, &withdrawn, "withdraw", Some("came after all")).expect(200);
    seed::leave_granted(&course, &members[3], &seed::after(&seed::morning(1), 90), 90);
    let lines: Vec<Value> = members.iter().map(|member| seed::line(member, "absent")).collect();
    seed::closed_session(&course, "MET-1", &seed::morning(1), &lines);
    for member in &members {
        assert_eq!(minutes(&course, &member.id), [0, 0, 90]);
    }
}

#[test]
fn leave_counts_once_and_to_the_second_beside_segments() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    // From nine to half past and from twenty past to ten: to ten.
    seed::leave_granted(&course, &member, &seed::morning(1), 30);
    seed::leave_granted(&course, &member, &seed::after(&seed::morning(1), 20), 40);
    let session = seed::held_session(&course, "MET-1", &seed::morning(1));
    let segment = |from: &str, until: &str| json!({ "starts_at": format!("2020-06-02T{from}+08:00"), "ends_at": format!("2020-06-02T{until}+08:00") });
    let segments = [segment("09:10:00", "09:20:00"), segment("09:50:10", "10:20:00")];
    let line = json!({ "enrollment_id": member.id, "code": "late", "segments": segments });
    seed::put_roll_call(&course, &session, &[line]).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    // Ten minutes, and from twenty past to ten seconds past ten to ten.
    assert_eq!(minutes(&course, &member.id), [40, 40, 10]);
}

#[test]
fn whoever_calls_the_roll_is_told_of_leave_and_no_more() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 2);
    let session = seed::published_session(&course, "MET-1", &seed::morning(1));
    let granted = seed::leave_granted(&course, &members[0], &seed::morning(1), 60);
    seed::leave_asked(&course, &members[1], &seed::morning(1), 60);
    let roll_call = app.instructor(&course.instructor).get(&format!("/sessions/{session}/roll-call")).expect(200);
    let leave = json!([{ "id": granted, "starts_at": "2020-06-02T01:00:00Z", "ends_at": "2020-06-02T02:00:00Z" }]);
    assert_eq!((&roll_call.body["entries"][0]["leave"], &roll_call.body["entries"][0]["leave_minutes"]), (&leave, &Value::Null));
    assert_eq!(roll_call.body["entries"][1]["leave"], json!([]));
}

#[test]
fn putting_the_same_again_after_a_closing_changes_nothing() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    seed::leave_granted(&course, &member, &seed::morning(1), 60);
    let line = seed::line(&member, "absent");
    let session = seed::closed_session(&course, "MET-1", &seed::morning(1), std::slice::from_ref(&line));
    seed::step_roll_call(&course, &session, "reopen", Some("to look again")).expect(200);
    app.unchanged(|| seed::put_roll_call(&course, &session, std::slice::from_ref(&line)).expect(200));
    let entries = "SELECT count(*) FROM hour_entries";
    let before = app.count(entries);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    assert_eq!(app.count(entries), before);
    // Something else takes its place, leave included.
    seed::step_roll_call(&course, &session, "reopen", Some("a doctor wrote")).expect(200);
    seed::put_roll_call(&course, &session, &[seed::line(&member, "excused")]).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    assert_eq!((minutes(&course, &member.id), covered(&course, &session)), ([0, 90, 0], vec![Value::Null]));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_recorded_session_can_be_watched_at_another_time() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let mut body = seed::session_body(&course, "MET-1", &seed::morning(1));
    (body["mode"], body["length_minutes"], body["ends_at"]) = (json!("recorded"), json!(45), json!(seed::morning(8)));
    let session = seed::published_session_as(&course, body);
    let leave = seed::leave_granted(&course, &member, &seed::morning(1), 24 * 60);
    let asked = course.coordinator.get(&format!("/leave-requests/{leave}")).expect(200);
    assert_eq!(asked.body["sessions"], json!([]));
    course.coordinator.post(&format!("/sessions/{session}/hold"), json!({})).expect(200);
    seed::put_roll_call(&course, &session, &[seed::line(&member, "absent")]).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    assert_eq!(minutes(&course, &member.id), [0, 0, 45]);
    step(&course.coordinator, &leave, "withdraw", Some("came after all")).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_guest_owes_nothing_that_leave_could_cover() {
    let app = spawn_app();
    let course = seed::course(&app);
    let common = |code: &str, day: u32, cohort: &str| {
        let mut body = seed::session_body(&course, code, &seed::morning(day));
        (body["module_id"], body["cohort_ids"]) = (json!(course.program.common_module), json!([cohort]));
        seed::held_session_as(&course, body)
    };
    let (missed, visited) = (common("C-1", 1, &course.mechanics), common("C-2", 2, &course.metallurgy));
    let guest = seed::enrolled_at(&course, &course.sponsor.plants[0], (&course.program.mechanics, &course.mechanics), 1).remove(0);
    let invitation = json!({ "enrollment_id": guest.id, "missed_session_id": missed });
    course.coordinator.post(&format!("/sessions/{visited}/guests"), invitation).expect(201);
    seed::leave_granted(&course, &guest, &seed::morning(2), 90);
    seed::put_roll_call(&course, &visited, &[seed::line(&guest, "absent")]).expect(200);
    seed::step_roll_call(&course, &visited, "close", None).expect(200);
    assert_eq!((minutes(&course, &guest.id), covered(&course, &visited)), ([0, 0, 0], vec![Value::Null]));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn whoever_goes_on_in_another_discipline_keeps_leave() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let granted = seed::leave_granted(&course, &member, &seed::morning(3), 60);
    let body = json!({ "intake_id": course.intake, "discipline_id": course.program.mechanics,
        "effective_at": seed::morning(2), "reason": "wants to be a fitter" });
    let new = course.coordinator.post(&format!("/enrollments/{}/transfer", member.id), body).expect(201).id();
    let mut body = seed::session_body(&course, "MEC-1", &seed::morning(3));
    (body["module_id"], body["cohort_ids"]) = (json!(course.program.common_module), json!([course.mechanics]));
    let session = seed::held_session_as(&course, body);
    let touched = course.coordinator.get(&format!("/leave-requests/{granted}")).expect(200);
    assert_eq!(touched.body["sessions"][0]["id"], json!(session));
    // It is listed of them in either discipline.
    for enrollment in [&member.id, &new] {
        let path = format!("/intakes/{}/leave-requests?enrollment_id={enrollment}", course.intake);
        assert_eq!(course.coordinator.get(&path).expect(200).column("id"), std::slice::from_ref(&granted));
    }
    let member = seed::Enrolled { id: new, ..member };
    seed::put_roll_call(&course, &session, &[seed::line(&member, "absent")]).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    assert_eq!(minutes(&course, &member.id), [0, 60, 30]);
    // What is withdrawn is listed for them as for anybody.
    step(&course.coordinator, &granted, "withdraw", Some("came after all")).expect(200);
    let row = course.coordinator.get(&format!("/enrollments/{}", member.id)).expect(200);
    assert_eq!(row.body["unsettled_sessions"][0]["code"], "MEC-1");
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn whoever_comes_back_under_another_sponsor_comes_without_leave() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let granted = seed::leave_granted(&course, &member, &seed::morning(3), 60);
    let left = json!({ "reason": "hired elsewhere", "effective_at": seed::morning(2) });
    course.coordinator.post(&format!("/enrollments/{}/withdraw", member.id), left).expect(200);
    let mut body = seed::enrollment_body(&course, &member.trainee);
    body["unit_id"] = json!(seed::sponsor(&app, "BAOWU").plants[0]);
    body["from"] = json!(seed::after(&seed::morning(2), 60));
    let back = course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), body).expect(201).id();
    let member = seed::Enrolled { id: back, ..member };
    seed::closed_session(&course, "MET-1", &seed::morning(3), &[seed::line(&member, "absent")]);
    assert_eq!(minutes(&course, &member.id), [0, 0, 90]);
    assert_eq!(course.coordinator.get(&format!("/leave-requests/{granted}")).expect(200).body["sessions"], json!([]));
    assert_eq!(app.findings(), Vec::<String>::new());
}
