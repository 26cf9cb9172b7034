use serde_json::json;

use crate::support::{Reply, assert_winners, at_once, rounds, seed, spawn_app};

#[test]
fn an_intake_goes_from_planned_to_completed() {
    let app = spawn_app();
    let course = seed::course(&app);
    let intake = course.coordinator.post("/intakes", seed::intake_body(&course.program.version, "X")).expect(201).id();
    let step = |step: &str| -> Reply { course.coordinator.post(&format!("/intakes/{intake}/{step}"), json!({ "reason": "as agreed" })) };
    for wrong in ["start", "complete"] {
        app.unchanged(|| step(wrong).expect(409).problem("illegal_transition"));
    }
    assert_eq!(step("open-enrollment").expect(200).body["state"], "enrolling");
    assert_eq!(step("start").expect(200).body["state"], "running");
    let mut body = seed::enrollment_body(&course, &seed::recruit(&course));
    body["cohort_id"] = json!(null);
    let member = course.coordinator.post(&format!("/intakes/{intake}/enrollments"), body).expect(201).id();
    app.unchanged(|| {
        let detail = step("complete").expect(409).problem("enrollments_undecided").text_at("/detail");
        assert!(detail.contains(" 1 enrollment "), "{detail}");
    });
    course.coordinator.post(&format!("/enrollments/{member}/complete"), json!({})).expect(200);
    assert_eq!(step("complete").expect(200).body["state"], "completed");
    for wrong in ["open-enrollment", "approve-opening", "start", "complete", "cancel"] {
        app.unchanged(|| step(wrong).expect(409).problem("illegal_transition"));
    }
}

#[test]
fn an_intake_is_not_completed_over_sessions_that_are_still_open() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let path = format!("/intakes/{}", course.intake);
    course.coordinator.post(&format!("{path}/start"), json!({})).expect(200);
    let closed = seed::closed_session(&course, "C-1", &seed::morning(1), &[seed::line(&member, "present")]);
    let complete = || course.coordinator.post(&format!("/enrollments/{}/complete", member.id), json!({}));
    complete().expect(200);
    let held = seed::held_session(&course, "H-1", &seed::morning(2));
    seed::session(&course, "D-1", &seed::morning(3));
    let published = [4, 5, 6, 7, 8, 9, 10].map(|day| seed::published_session(&course, &format!("P-{day:02}"), &seed::morning(day)));
    let refused = |code: &str| {
        app.unchanged(|| course.coordinator.post(&format!("{path}/complete"), json!({})).expect(409).problem(code).text_at("/detail"))
    };
    let detail = refused("sessions_unheld");
    assert!(detail.contains("7 published sessions") && detail.contains("P-04") && detail.contains("P-10"), "{detail}");
    for id in published {
        course.coordinator.post(&format!("/sessions/{id}/cancel"), json!({ "reason": "storm" })).expect(200);
    }
    seed::put_roll_call(&course, &held, &[seed::line(&member, "present")]).expect(200);
    seed::step_roll_call(&course, &held, "submit", None).expect(200);
    assert_eq!(refused("roll_calls_open"), "close the roll call of 1 held session first: H-1");
    seed::step_roll_call(&course, &held, "close", None).expect(200);
    seed::step_roll_call(&course, &closed, "reopen", Some("to look again")).expect(200);
    assert_eq!(refused("roll_calls_open"), "close the roll call of 1 held session first: C-1");
    seed::step_roll_call(&course, &closed, "close", None).expect(200);
    assert_eq!(course.coordinator.post(&format!("{path}/complete"), json!({})).expect(200).body["state"], "completed");
    app.unchanged(|| seed::step_roll_call(&course, &closed, "reopen", Some("to look again")).expect(409).problem("intake_not_live"));
}

#[test]
fn what_was_held_in_a_cancelled_intake_is_called_and_corrected_still() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let held = seed::held_session(&course, "H-1", &seed::morning(1));
    let reason = json!({ "reason": "the furnace is rebuilt" });
    course.coordinator.post(&format!("/intakes/{}/cancel", course.intake), reason).expect(200);
    seed::put_roll_call(&course, &held, &[seed::line(&member, "absent")]).expect(200);
    seed::step_roll_call(&course, &held, "close", None).expect(200);
    seed::step_roll_call(&course, &held, "reopen", Some("was there")).expect(200);
    seed::put_roll_call(&course, &held, &[seed::line(&member, "present")]).expect(200);
    seed::step_roll_call(&course, &held, "close", None).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn an_opening_that_needs_approval_waits_for_it() {
    let app = spawn_app();
    let coordinator = app.coordinator();
    let program = seed::program(&coordinator, "HONGXING");
    let mut body = seed::intake_body(&program.version, "X");
    body["opening_approval_required"] = json!(true);
    let path = format!("/intakes/{}", coordinator.post("/intakes", body).expect(201).id());
    let step = |step: &str| coordinator.post(&format!("{path}/{step}"), json!({}));
    step("open-enrollment").expect(200);
    app.unchanged(|| step("start").expect(409).problem("opening_not_approved"));
    let approved = step("approve-opening").expect(200);
    assert_eq!((&approved.body["state"], approved.body["opening_approved_at"].is_string()), (&json!("enrolling"), true));
    step("start").expect(200);
}

#[test]
fn cancelling_cancels_only_what_is_not_yet_held() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let closed = seed::closed_session(&course, "H-1", &seed::morning(1), &[seed::line(&member, "present")]);
    let held = seed::held_session(&course, "H-2", &seed::morning(2));
    let (published, draft) = (seed::published_session(&course, "P-1", &seed::morning(3)), seed::session(&course, "D-1", &seed::morning(4)));
    let path = format!("/intakes/{}", course.intake);
    app.unchanged(|| course.coordinator.post(&format!("{path}/cancel"), json!({})).fault("/reason", "reason_missing"));
    let reply = course.coordinator.post(&format!("{path}/cancel"), json!({ "reason": "the plant is closed" })).expect(200);
    assert_eq!(reply.body["state"], "cancelled");
    let state = |id: &str| course.coordinator.get(&format!("/sessions/{id}")).expect(200).text_at("/state");
    assert_eq!([&closed, &held, &published, &draft].map(|id| state(id)), ["held", "held", "cancelled", "cancelled"]);
    // What was held stays, and can still be closed; nothing new begins.
    seed::put_roll_call(&course, &held, &[seed::line(&member, "present")]).expect(200);
    seed::step_roll_call(&course, &held, "close", None).expect(200);
    let report = course.coordinator.get(&format!("{path}/progress")).expect(200).body;
    assert_eq!((&report["held_minutes"], &report["scheduled_minutes"]), (&json!(180), &json!(180)));
    assert_eq!(report["totals"]["present_minutes"], 180);
    app.unchanged(|| {
        let session = seed::session_body(&course, "N-1", &seed::morning(9));
        course.coordinator.post(&format!("{path}/sessions"), session).expect(409).problem("intake_not_live");
        let cohort = json!({ "discipline_id": course.program.metallurgy, "code": "X", "name": "X" });
        course.coordinator.post(&format!("{path}/cohorts"), cohort).expect(409).problem("intake_not_live");
    });
    // Its time is free for others.
    let next = seed::course_called(&app, "NEXT", "NEXT");
    let mut body = seed::session_body(&next, "N-1", &seed::morning(3));
    body["instructor_ids"] = json!([course.instructor]);
    seed::published_session_as(&next, body);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn of_several_steps_at_once_one_is_taken() {
    let app = spawn_app();
    let coordinator = app.coordinator();
    let program = seed::program(&coordinator, "HONGXING");
    for round in 0..rounds() {
        let intake = seed::intake(&coordinator, &program.version, &format!("X-{round}"));
        let replies = at_once(4, |_| coordinator.post(&format!("/intakes/{intake}/start"), json!({})));
        assert_winners(replies, 1, "illegal_transition");
    }
}

#[test]
fn partners_and_auditors_take_no_step() {
    let app = spawn_app();
    let course = seed::course(&app);
    seed::enrolled(&course, 1);
    app.unchanged(|| {
        for client in [app.partner(&course.sponsor.id), app.auditor(), app.administrator()] {
            client.post(&format!("/intakes/{}/start", course.intake), json!({})).expect(403).problem("forbidden");
        }
    });
}
