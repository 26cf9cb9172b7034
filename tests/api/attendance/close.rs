use insta::assert_json_snapshot;
use serde_json::json;

use super::{all_present, class, entries, ledger, path};
use crate::support::{seed, spawn_app};

/// A code, the minutes sent with it, and what is posted in a session of 90 minutes.
type Case = (&'static str, Option<i64>, &'static [(&'static str, i64)]);

#[test]
fn each_code_posts_entries_that_add_up_to_the_session() {
    let app = spawn_app();
    let course = seed::course(&app);
    let cases: [Case; 12] = [
        ("present", None, &[("attended", 90)]),
        ("present", Some(90), &[("attended", 90)]),
        ("late", Some(60), &[("attended", 60), ("unauthorized_absence", 30)]),
        ("late", Some(0), &[("unauthorized_absence", 90)]),
        ("left_early", Some(90), &[("attended", 90)]),
        ("left_early", Some(1), &[("attended", 1), ("unauthorized_absence", 89)]),
        ("absent", None, &[("unauthorized_absence", 90)]),
        ("absent", Some(0), &[("unauthorized_absence", 90)]),
        ("excused", None, &[("authorized_absence", 90)]),
        ("excused", Some(30), &[("attended", 30), ("authorized_absence", 60)]),
        ("exempt", None, &[("exempt", 90)]),
        ("exempt", Some(45), &[("attended", 45), ("exempt", 45)]),
    ];
    let members = seed::enrolled(&course, cases.len());
    let lines: Vec<_> = members
        .iter()
        .zip(&cases)
        .map(|(member, (code, minutes, _))| {
            minutes.map_or_else(|| seed::line(member, code), |minutes| seed::line_of(member, code, minutes))
        })
        .collect();
    seed::closed_session(&course, "MET-01", &seed::morning(1), &lines);
    for (member, (code, minutes, posted)) in members.iter().zip(&cases) {
        assert_eq!(ledger(&course.coordinator, member), entries(posted), "{code} {minutes:?}");
    }
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_closed_roll_call_says_so() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    seed::put_roll_call(&course, &session, &all_present(&members)).expect(200);
    let reply = seed::step_roll_call(&course, &session, "close", None).expect(200);
    assert_json_snapshot!(reply.redacted());
    let audit = app.auditor().get(&format!("/audit?subject_id={session}&action=roll_call.closed")).expect(200);
    assert_eq!((&audit.items()[0]["to"]["closing"], &audit.items()[0]["to"]["entries_posted"]), (&json!(1), &json!(3)));
}

#[test]
fn closed_means_closed() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    seed::put_roll_call(&course, &session, &all_present(&members)).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    app.unchanged(|| {
        seed::put_roll_call(&course, &session, &[]).expect(409).problem("roll_call_closed");
        // Not even the same again, which would be a change of nothing.
        for step in ["close", "submit"] {
            seed::step_roll_call(&course, &session, step, None).expect(409).problem("illegal_transition");
        }
    });
}

#[test]
fn a_session_is_confirmed_before_its_roll_call_is_closed() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 1);
    let session = seed::published_session(&course, "MET-01", &seed::morning(1));
    seed::put_roll_call(&course, &session, &all_present(&members)).expect(200);
    app.unchanged(|| seed::step_roll_call(&course, &session, "close", None).expect(409).problem("session_not_held"));
    course.coordinator.post(&format!("/sessions/{session}/hold"), json!({})).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
}

#[test]
fn everybody_is_called_before_it_is_closed() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    seed::put_roll_call(&course, &session, &all_present(&members[..1])).expect(200);
    app.unchanged(|| {
        let reply = seed::step_roll_call(&course, &session, "close", None).expect(409).problem("roll_call_incomplete");
        assert!(reply.text_at("/detail").starts_with("still to be called: 2 of 3 trainees: 学员 "), "{reply:?}");
    });
}

#[test]
fn a_session_that_nobody_owes_is_closed_without_hours() {
    let app = spawn_app();
    let course = seed::course(&app);
    let session = seed::held_session(&course, "MET-01", &seed::morning(1));
    app.unchanged(|| seed::step_roll_call(&course, &session, "close", None).expect(409).problem("illegal_transition"));
    seed::put_roll_call(&course, &session, &[]).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    assert_eq!(app.count("SELECT count(*) FROM hour_entries"), 0);
    assert_eq!(course.coordinator.get(&format!("/intakes/{}/progress", course.intake)).expect(200).body["open_sessions"], 0);
}

#[test]
fn attendance_counts_the_minutes_actually_taught() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 3);
    let session = seed::published_session(&course, "MET-01", &seed::morning(1));
    // Called while 90 minutes were planned; it ended after 60.
    let mut lines = vec![seed::line(&members[0], "present"), seed::line(&members[1], "absent"), seed::line_of(&members[2], "late", 75)];
    seed::put_roll_call(&course, &session, &lines).expect(200);
    let short = json!({ "ends_at": seed::after(&seed::morning(1), 60), "difference_reason": "power cut" });
    course.coordinator.post(&format!("/sessions/{session}/hold"), short).expect(200);
    assert_eq!(course.coordinator.get(&path(&session)).expect(200).body["minutes"], 60);
    app.unchanged(|| {
        let reply = seed::step_roll_call(&course, &session, "close", None).expect(409).problem("minutes_do_not_fit");
        assert!(reply.text_at("/detail").contains(&members[2].id), "{}", reply.text);
    });
    lines[2] = seed::line_of(&members[2], "late", 45);
    seed::put_roll_call(&course, &session, &lines).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    assert_eq!(ledger(&course.coordinator, &members[0]), entries(&[("attended", 60)]));
    assert_eq!(ledger(&course.coordinator, &members[1]), entries(&[("unauthorized_absence", 60)]));
    assert_eq!(ledger(&course.coordinator, &members[2]), entries(&[("attended", 45), ("unauthorized_absence", 15)]));
    let report = course.coordinator.get(&format!("/intakes/{}/progress", course.intake)).expect(200).body;
    assert_eq!((&report["held_minutes"], &report["totals"]["expected_minutes"]), (&json!(60), &json!(180)));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn whoever_is_no_longer_expected_gets_no_hours() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    seed::put_roll_call(&course, &session, &all_present(&members)).expect(200);
    let body = json!({ "reason": "left in May", "effective_at": "2020-05-31T00:00:00Z" });
    course.coordinator.post(&format!("/enrollments/{}/withdraw", members[1].id), body).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    assert_eq!(ledger(&course.coordinator, &members[1]), entries(&[]));
    assert_eq!(app.count("SELECT count(*) FROM hour_entries"), 2);
}

#[test]
fn a_session_for_two_cohorts_is_attended_once_by_each() {
    let app = spawn_app();
    let course = seed::course(&app);
    let metallurgist = seed::enrolled(&course, 1).remove(0);
    let mechanic = seed::enrolled_at(&course, &course.sponsor.id, (&course.program.mechanics, &course.mechanics), 1).remove(0);
    let mut body = seed::session_body(&course, "COM-01", &seed::morning(1));
    body["module_id"] = json!(course.program.common_module);
    body["cohort_ids"] = json!([course.metallurgy, course.mechanics]);
    let session = seed::held_session_as(&course, body);
    seed::put_roll_call(&course, &session, &[seed::line(&mechanic, "present"), seed::line(&metallurgist, "absent")]).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    assert_eq!(ledger(&course.coordinator, &metallurgist), entries(&[("unauthorized_absence", 90)]));
    assert_eq!(ledger(&course.coordinator, &mechanic), entries(&[("attended", 90)]));
    // Delivered once, though two owed it.
    let report = course.coordinator.get(&format!("/intakes/{}/progress", course.intake)).expect(200).body;
    assert_eq!((&report["held_minutes"], &report["totals"]["expected_minutes"]), (&json!(90), &json!(180)));
}

#[test]
fn whoever_turns_out_to_have_left_before_is_taken_out_when_the_roll_call_is_closed() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 2);
    let session = seed::held_session(&course, "MET-01", &seed::morning(1));
    seed::put_roll_call(&course, &session, &[seed::line(&members[0], "present"), seed::line(&members[1], "absent")]).expect(200);
    let left = json!({ "reason": "had left", "effective_at": seed::morning(0) });
    course.coordinator.post(&format!("/enrollments/{}/withdraw", members[1].id), left).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    assert_eq!(app.count("SELECT count(*) FROM attendances"), 1);
    assert_eq!(app.findings(), Vec::<String>::new());
    // What was found of them is kept where everything is.
    let audit = app.auditor().get(&format!("/audit?subject_id={session}&action=roll_call.closed")).expect(200);
    let closing = &audit.items()[0]["from"];
    assert_eq!((&closing["taken_out"][0]["enrollment_id"], &closing["taken_out"][0]["code"]), (&json!(members[1].id), &json!("absent")));
}
