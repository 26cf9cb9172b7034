//! What guests have of the module besides.

use serde_json::{Value, json};

use super::{classes, common, reason};
use crate::support::{Client, seed, spawn_app};

#[test]
fn an_adjustment_leaves_less_to_be_made_up_but_never_more() {
    // Of a session with 30 minutes missed, 30 attended ones taken away; and of a whole module with 90 missed, 50 given.
    for (line, of_session, minutes, made_up) in [(("late", 60), true, -30, 30), (("late", 0), false, 50, 40)] {
        let app = spawn_app();
        let of = classes(&app);
        let guest = &of.first[0];
        of.close_missed(seed::line_of(guest, line.0, line.1));
        let (session, module) =
            if of_session { (json!(of.missed), Value::Null) } else { (Value::Null, json!(of.course.program.common_module)) };
        let adjust = json!({ "session_id": session, "module_id": module, "minutes": minutes, "reason": "by order" });
        of.course.coordinator.post(&format!("/enrollments/{}/hours", guest.id), adjust).expect(201);
        of.invite(guest).expect(201);
        of.close_other(&[seed::line(guest, "present")]);
        assert_eq!(of.made_up(), made_up);
        assert_eq!(app.findings(), Vec::<String>::new());
    }
}

#[test]
fn what_else_is_closed_of_the_module_leaves_more_or_less_to_be_made_up() {
    let app = spawn_app();
    let of = classes(&app);
    let guest = &of.first[0];
    of.close_missed(seed::line(guest, "absent"));
    let body = json!({ "module_id": of.course.program.common_module, "minutes": 50, "reason": "by order" });
    of.course.coordinator.post(&format!("/enrollments/{}/hours", guest.id), body).expect(201);
    of.invite(guest).expect(201);
    of.close_other(&[seed::line(guest, "present")]);
    assert_eq!(of.made_up(), 40);
    let close = |session: &str, code: &str| {
        let lines = [seed::line(guest, code), seed::line(&of.first[1], "present")];
        seed::put_roll_call(&of.course, session, &lines).expect(200);
        seed::step_roll_call(&of.course, session, "close", None).expect(200);
    };
    // With another session missed there is room for all that was attended, and without it no more.
    let next = common(&of.course, "COM-NEXT", 3, &of.course.metallurgy);
    close(&next, "absent");
    assert_eq!(of.made_up(), 90);
    assert_eq!(app.findings(), Vec::<String>::new());
    of.reopen(&next);
    close(&next, "present");
    assert_eq!(of.made_up(), 40);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn what_is_adjusted_and_what_is_made_up_share_what_was_missed() {
    let app = spawn_app();
    let of = classes(&app);
    let guest = &of.first[0];
    let adjust = |minutes: i64| {
        let body = json!({ "session_id": of.missed, "minutes": minutes, "reason": "by order" });
        of.course.coordinator.post(&format!("/enrollments/{}/hours", guest.id), body)
    };
    of.close_missed(seed::line(guest, "absent"));
    of.invite(guest).expect(201);
    let adjusted = adjust(50).expect(201).id();
    of.close_other(&[seed::line(guest, "present")]);
    assert_eq!(of.made_up(), 40);
    assert_eq!(app.findings(), Vec::<String>::new());
    // With the adjustment gone, all that was attended counts.
    of.course.coordinator.post(&format!("/hour-entries/{adjusted}/reverse"), reason("of a namesake")).expect(201);
    assert_eq!(of.made_up(), 90);
    // A deduction rests on what was made up, until it is taken back.
    let deducted = adjust(-30).expect(201).id();
    of.reopen(&of.other);
    let early = json!([{ "starts_at": seed::morning(2), "ends_at": seed::after(&seed::morning(2), 40) }]);
    let line = json!({ "enrollment_id": guest.id, "code": "left_early", "segments": early });
    seed::put_roll_call(&of.course, &of.other, &[seed::line(&of.second[0], "present"), line]).expect(200);
    let explain = || of.course.coordinator.get(&format!("/sessions/{}/roll-call/explain", of.other)).expect(200).body["obstacles"].clone();
    assert_eq!(explain(), json!([]));
    // What counts is what they were there for of the session as it was held.
    let held = json!({ "starts_at": seed::after(&seed::morning(2), 45), "difference_reason": "the line stood" });
    of.course.coordinator.if_match("*").patch(&format!("/sessions/{}/hold", of.other), held).expect(200);
    let explained = explain();
    assert_eq!((&explained[0]["code"], &explained[0]["amounts"][2]["minutes"]), (&json!("hours_out_of_bounds"), &json!(-30)));
    app.unchanged(|| {
        let refused = seed::step_roll_call(&of.course, &of.other, "close", None).expect(409).problem("hours_out_of_bounds");
        assert!(
            refused.text_at("/detail").contains("attended 0 minutes and missed 90 minutes of session COM-MET, with -30 minutes adjusted"),
            "{refused:?}"
        );
    });
    of.course.coordinator.post(&format!("/hour-entries/{deducted}/reverse"), reason("too much")).expect(201);
    seed::step_roll_call(&of.course, &of.other, "close", None).expect(200);
    assert_eq!(of.made_up(), 0);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn nobody_is_decided_while_what_they_came_to_as_a_guest_is_not_counted() {
    let app = spawn_app();
    let of = classes(&app);
    let guest = &of.first[0];
    of.close_missed(seed::line(guest, "absent"));
    let fail = || of.course.coordinator.post(&format!("/enrollments/{}/fail", guest.id), reason("as examined"));
    let refused = || {
        let refused = app.unchanged(|| fail().expect(409).problem("roll_calls_open"));
        assert!(refused.text_at("/detail").ends_with("close it first: COM-MEC"), "{}", refused.text);
    };
    of.invite(guest).expect(201);
    refused();
    of.close_other(&[seed::line(guest, "present")]);
    // What they made up stands until the roll call is closed without them.
    of.reopen(&of.other);
    of.dismiss(guest).expect(200);
    refused();
    seed::step_roll_call(&of.course, &of.other, "close", None).expect(200);
    fail().expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_class_adviser_is_not_told_what_a_guest_has_elsewhere() {
    let app = spawn_app();
    let of = classes(&app);
    let guest = &of.first[0];
    of.close_missed(seed::line(guest, "absent"));
    let person = seed::instructor(&app, &of.course.coordinator, "ADV");
    let body = json!({ "discipline_id": of.course.program.mechanics, "code": "MEC-2", "name": "二班", "adviser_id": person });
    let cohort = of.course.coordinator.post(&format!("/intakes/{}/cohorts", of.course.intake), body).expect(201).id();
    let session = common(&of.course, "COM-MEC-2", 3, &cohort);
    of.invite_to(&session, guest, &of.missed).expect(201);
    let put = |code: &str| seed::put_roll_call(&of.course, &session, &[seed::line(guest, code)]).expect(200);
    put("present");
    seed::step_roll_call(&of.course, &session, "close", None).expect(200);
    let less = json!({ "session_id": of.missed, "minutes": -30, "reason": "by order" });
    of.course.coordinator.post(&format!("/enrollments/{}/hours", guest.id), less).expect(201);
    of.reopen(&session);
    put("absent");
    let explained = |client: &Client| client.get(&format!("/sessions/{session}/roll-call/explain")).expect(200).body["obstacles"].clone();
    let told = explained(&of.course.coordinator);
    assert!(told[0]["detail"].as_str().unwrap().contains("session COM-MET, with -30 minutes adjusted"), "{told}");
    let adviser = app.class_adviser(&person);
    adviser.get(&format!("/enrollments/{}/hours", guest.id)).expect(404);
    let withheld = explained(&adviser);
    assert_eq!((&withheld[0]["code"], &withheld[0]["enrollment_id"]), (&json!("hours_out_of_bounds"), &Value::Null));
    assert!(!withheld.to_string().contains("COM-MET") && !withheld.to_string().contains("minutes\":"), "{withheld}");
}

#[test]
fn a_class_adviser_is_not_told_of_a_session_of_before_somebody_came_to_the_cohort() {
    let app = spawn_app();
    let of = classes(&app);
    let guest = &of.first[0];
    let path = |rest: &str| format!("/enrollments/{}/{rest}", guest.id);
    let adjust = |body: Value| of.course.coordinator.post(&path("hours"), body).expect(201);
    of.close_missed(seed::line(guest, "absent"));
    of.invite(guest).expect(201);
    of.close_other(&[seed::line(guest, "present")]);
    let person = seed::instructor(&app, &of.course.coordinator, "ADV");
    let body = json!({ "discipline_id": of.course.program.metallurgy, "code": "MET-2", "name": "二班", "adviser_id": person });
    let cohort = of.course.coordinator.post(&format!("/intakes/{}/cohorts", of.course.intake), body).expect(201).id();
    let moved = json!({ "cohort_id": cohort, "reason": "as agreed", "effective_at": seed::after(&seed::morning(2), 120) });
    of.course.coordinator.post(&path("move"), moved).expect(200);
    let session = common(&of.course, "COM-MET-2", 3, &cohort);
    let put = |code: &str| seed::put_roll_call(&of.course, &session, &[seed::line(guest, code)]).expect(200);
    put("absent");
    seed::step_roll_call(&of.course, &session, "close", None).expect(200);
    assert_eq!(of.made_up(), 90);
    // With less missed in all, less is made up than was taken away again.
    adjust(json!({ "session_id": of.missed, "minutes": -60, "reason": "by order" }));
    adjust(json!({ "module_id": of.course.program.common_module, "minutes": 140, "reason": "by order" }));
    of.reopen(&session);
    put("present");
    let explained = |client: &Client| client.get(&format!("/sessions/{session}/roll-call/explain")).expect(200).body["obstacles"].clone();
    let told = explained(&of.course.coordinator);
    assert!(told[0]["detail"].as_str().unwrap().contains("of session COM-MET, with -50 minutes adjusted"), "{told}");
    let adviser = app.class_adviser(&person);
    // They see the hours of before, and so by which closing these were posted.
    let hours = adviser.get(&path("hours")).expect(200);
    let missed = hours.items().iter().find(|one| one["session_id"] == of.missed && one["kind"] == "unauthorized_absence").unwrap();
    let why = adviser.get(&format!("/hour-entries/{}/explain", missed["id"].as_str().unwrap())).expect(200);
    assert_eq!(why.body["closing_of"]["code"], "COM-MET");
    adviser.get(&format!("/sessions/{}", of.missed)).expect(404);
    let withheld = explained(&adviser);
    assert_eq!((&withheld[0]["code"], &withheld[0]["amounts"]), (&json!("hours_out_of_bounds"), &json!([])));
    assert!(!withheld.to_string().contains("COM-MET"), "{withheld}");
}
