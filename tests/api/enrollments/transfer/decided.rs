//! Who is decided while something waits where their hours came from.

use muster::access::Role;
use serde_json::{Value, json};

use super::{carried, next, taught, transfer};
use crate::support::{TokenOptions, seed, spawn_app};

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
    step(format!("/intakes/{}/cancel", course.intake)).expect(200);
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
    app.unchanged(|| complete().expect(409).problem("corrections_waiting"));
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
    // A module of the same code may bring hours along, whatever it is that is not called yet.
    let other = next(&course, "P9");
    let same = transfer(&course, &stays.id, &other).expect(201).id();
    app.unchanged(|| fail(&same).expect(409).problem("roll_calls_open"));
    let mut apart = seed::version_body();
    for module in apart["modules"].as_array_mut().unwrap() {
        module["code"] = json!(format!("NEW-{}", module["code"].as_str().unwrap()));
    }
    let program = seed::program_of(&course.coordinator, "APART", apart);
    let apart = seed::intake(&course.coordinator, &program.version, "APART-1");
    seed::cohort(&course.coordinator, &apart, &program.metallurgy, "MET-1");
    let new = transfer(&course, &goes.id, &apart).expect(201).id();
    fail(&new).expect(200);
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
    assert!(withheld.text_at("/detail").ends_with("close it first: 1 session of another intake"), "{}", withheld.text);
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
