//! Who is decided while something waits where their hours came from.

use muster::access::Role;
use serde_json::{Value, json};

use super::{carried, next, taught, transfer};
use crate::support::{TokenOptions, seed, seed::Course, spawn_app};

#[test]
fn what_was_never_called_in_a_cancelled_intake_keeps_nobody_elsewhere() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (member, [own, _]) = taught(&course);
    seed::held_session(&course, "S-9", &seed::morning(9));
    let later = next(&course, "P5");
    let new = transfer(&course, &member.id, &later).expect(201).id();
    let step = |path: String| course.coordinator.post(&path, json!({ "reason": "as decided" }));
    let complete = || step(format!("/enrollments/{new}/complete"));
    let waits = |code: &str| {
        let refused = app.unchanged(|| complete().expect(409).problem("roll_calls_open"));
        assert!(refused.text_at("/detail").ends_with(&format!("close it first: {code} of HONGXING-3")), "{}", refused.text);
    };
    waits("S-9");
    // What is submitted closes by itself, in a cancelled intake too.
    let last = seed::held_session(&course, "S-10", &seed::morning(10));
    seed::put_roll_call(&course, &last, &[seed::line(&member, "present")]).expect(200);
    seed::step_roll_call(&course, &last, "submit", None).expect(200);
    step(format!("/intakes/{}/cancel", course.intake)).expect(200);
    waits("S-10");
    seed::step_roll_call(&course, &last, "close", None).expect(200);
    // What was posted is still corrected.
    seed::step_roll_call(&course, &own, "reopen", Some("was late")).expect(200);
    waits("S-1");
    seed::step_roll_call(&course, &own, "close", None).expect(200);
    complete().expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn an_intake_ends_once_corrections_are_decided_where_its_hours_came_from() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (member, [own, _]) = taught(&course);
    let later = next(&course, "P6");
    let new = transfer(&course, &member.id, &later).expect(201).id();
    let step = |path: String, body: Value| course.coordinator.post(&path, body);
    step(format!("/intakes/{later}/start"), json!({ "reason": "as decided" })).expect(200);
    step(format!("/enrollments/{new}/complete"), json!({ "reason": "as decided" })).expect(200);
    let asked = json!({ "enrollment_id": member.id, "code": "absent", "statement": "was not there" });
    let request = step(format!("/sessions/{own}/correction-requests"), asked).expect(201).id();
    let complete = || step(format!("/intakes/{later}/complete"), json!({ "reason": "as decided" }));
    let refused = app.unchanged(|| complete().expect(409).problem("corrections_waiting"));
    assert_eq!(refused.text_at("/detail"), "corrections wait that count here; accept or refuse them first: S-1 of HONGXING-3");
    step(format!("/correction-requests/{request}/accept"), json!({ "reason": "seen" })).expect(200);
    complete().expect(200);
    assert_eq!(carried(&course, &new), 90);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn whatever_becomes_of_what_was_left_behind_keeps_nobody() {
    let app = spawn_app();
    let course = seed::course(&app);
    let [stays, goes] = <[_; 2]>::try_from(seed::enrolled(&course, 2)).unwrap();
    seed::held_session(&course, "S-1", &seed::morning(1));
    let fail = |id: &str| course.coordinator.post(&format!("/enrollments/{id}/fail"), json!({ "reason": "as examined" }));
    // The module is taught there too, so that its hours may come along yet.
    let other = next(&course, "P9");
    let same = transfer(&course, &stays.id, &other).expect(201).id();
    app.unchanged(|| fail(&same).expect(409).problem("roll_calls_open"));
    // To whoever is a mechanic now come those of the common module, and no metallurgy.
    let fitter = json!({ "intake_id": course.intake, "discipline_id": course.program.mechanics, "reason": "as agreed" });
    let fitter = course.coordinator.post(&format!("/enrollments/{}/transfer", goes.id), fitter).expect(201).id();
    fail(&fitter).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
}

/// Another intake of a program of its own, whose version is that of a course but for the codes of its modules.
fn apart(course: &Course, code: &str, modules: [&str; 3]) -> String {
    let mut body = seed::version_body();
    for (module, code) in body["modules"].as_array_mut().unwrap().iter_mut().zip(modules) {
        module["code"] = json!(code);
    }
    let program = seed::program_of(&course.coordinator, code, body);
    let intake = seed::intake(&course.coordinator, &program.version, code);
    seed::cohort(&course.coordinator, &intake, &program.metallurgy, "MET-1");
    intake
}

#[test]
fn hours_follow_from_place_to_place_by_their_module_and_so_does_waiting_for_them() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let mut common = seed::session_body(&course, "C-1", &seed::morning(2));
    common["module_id"] = json!(course.program.common_module);
    seed::held_session_as(&course, common);
    // The common module goes on to the second intake, and from there another one to the third.
    let second = apart(&course, "SECOND", ["MET-09", "MEC-09", "COM-01"]);
    let third = apart(&course, "THIRD", ["MET-09", "MEC-09", "COM-09"]);
    let fail = |id: &str| course.coordinator.post(&format!("/enrollments/{id}/fail"), json!({ "reason": "as examined" }));
    let between = transfer(&course, &member.id, &second).expect(201).id();
    let refused = app.unchanged(|| fail(&between).expect(409).problem("roll_calls_open"));
    assert!(refused.text_at("/detail").ends_with("close it first: C-1 of HONGXING-3"), "{}", refused.text);
    let last = transfer(&course, &between, &third).expect(201).id();
    fail(&last).expect(200);
}

#[test]
fn nobody_is_decided_over_hours_of_before_that_are_not_settled_and_all_sessions_are_told() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (member, _) = taught(&course);
    let late = seed::enrolled(&course, 1).remove(0);
    let later = next(&course, "P9");
    let new = transfer(&course, &late.id, &later).expect(201).id();
    let fail = || course.coordinator.post(&format!("/enrollments/{new}/fail"), json!({ "reason": "as examined" }));
    // By their start: the common one was held a day after the other.
    let refused = app.unchanged(|| fail().expect(409).problem("sessions_unsettled"));
    let detail = "2 closed sessions not settled; reopen, put and close the roll call there first: S-1 of HONGXING-3, C-1 of HONGXING-3";
    assert_eq!(refused.text_at("/detail"), detail);
    let narrowed = TokenOptions { intake: Some(later), ..TokenOptions::default() };
    let narrowed = app.client_for(Role::Coordinator, Some(&app.provider().id), None, narrowed);
    let withheld = narrowed.post(&format!("/enrollments/{new}/fail"), json!({ "reason": "as examined" })).expect(409);
    assert!(withheld.text_at("/detail").ends_with("there first: 2 sessions elsewhere"), "{}", withheld.text);
    let [own, common] = ["S-1", "C-1"].map(|code| {
        let found = course.coordinator.get(&format!("/intakes/{}/sessions?code={code}", course.intake)).expect(200);
        found.text_at("/items/0/id")
    });
    for session in [own, common] {
        seed::step_roll_call(&course, &session, "reopen", Some("one was missing")).expect(200);
        seed::put_roll_call(&course, &session, &[seed::line(&member, "present"), seed::line(&late, "absent")]).expect(200);
        seed::step_roll_call(&course, &session, "close", None).expect(200);
    }
    fail().expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn nobody_is_decided_by_hours_from_elsewhere_that_are_not_counted_anew() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (member, [own, _]) = taught(&course);
    let later = next(&course, "P4");
    let new = transfer(&course, &member.id, &later).expect(201).id();
    let reason = || json!({ "reason": "as decided" });
    let step = |path: &str| course.coordinator.post(path, reason());
    step(&format!("/intakes/{later}/start")).expect(200);
    seed::step_roll_call(&course, &own, "reopen", Some("was late")).expect(200);
    let refused = app.unchanged(|| step(&format!("/enrollments/{new}/complete")).expect(409).problem("roll_calls_open"));
    assert!(refused.text_at("/detail").ends_with("close it first: S-1 of HONGXING-3"), "{}", refused.text);
    // Whoever decides here need not see sessions there.
    let narrowed = TokenOptions { intake: Some(later.clone()), ..TokenOptions::default() };
    let narrowed = app.client_for(Role::Coordinator, Some(&app.provider().id), None, narrowed);
    let withheld = app.unchanged(|| narrowed.post(&format!("/enrollments/{new}/complete"), reason()).expect(409));
    assert!(withheld.text_at("/detail").ends_with("close it first: 1 session elsewhere"), "{}", withheld.text);
    let explained = course.coordinator.get(&format!("/enrollments/{new}/explain")).expect(200).body["refused_steps"].clone();
    let told = explained.as_array().unwrap().iter().find(|one| one["step"] == "complete").unwrap();
    assert_eq!((&told["code"], &told["detail"]), (&json!("roll_calls_open"), &refused.body["detail"]));
    step(&format!("/enrollments/{new}/withdraw")).expect(200);
    app.unchanged(|| step(&format!("/intakes/{later}/complete")).expect(409).problem("roll_calls_open"));
    seed::put_roll_call(&course, &own, &[seed::line_of(&member, "late", 40)]).expect(200);
    seed::step_roll_call(&course, &own, "close", None).expect(200);
    step(&format!("/intakes/{later}/complete")).expect(200);
    assert_eq!(carried(&course, &new), 130);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn what_a_completed_intake_keeps_does_not_wait_for_those_before_it() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (member, [own, _]) = taught(&course);
    let (second, third) = (next(&course, "P7"), next(&course, "P8"));
    let between = transfer(&course, &member.id, &second).expect(201).id();
    let new = transfer(&course, &between, &third).expect(201).id();
    let step = |path: String| course.coordinator.post(&path, json!({ "reason": "as decided" }));
    seed::step_roll_call(&course, &own, "reopen", Some("was late")).expect(200);
    app.unchanged(|| step(format!("/enrollments/{new}/complete")).expect(409).problem("roll_calls_open"));
    seed::step_roll_call(&course, &own, "close", None).expect(200);
    step(format!("/intakes/{second}/start")).expect(200);
    step(format!("/intakes/{second}/complete")).expect(200);
    seed::step_roll_call(&course, &own, "reopen", Some("was late")).expect(200);
    step(format!("/enrollments/{new}/complete")).expect(200);
    assert_eq!(carried(&course, &new), 180);
}
