//! `POST /enrollments/{id}/move`.

use serde_json::{Value, json};

use crate::support::{Reply, seed, seed::Course, spawn_app};

fn second(course: &Course) -> String {
    seed::cohort(&course.coordinator, &course.intake, &course.program.metallurgy, "MET-2")
}

fn move_to(course: &Course, id: &str, cohort: &str, effective_at: Option<&str>) -> Reply {
    let body = json!({ "cohort_id": cohort, "reason": "the shift changed", "effective_at": effective_at });
    course.coordinator.post(&format!("/enrollments/{id}/move"), body)
}

/// A held session of a cohort.
fn held(course: &Course, code: &str, day: u32, cohort: &str) -> String {
    let mut body = seed::session_body(course, code, &seed::morning(day));
    body["cohort_ids"] = json!([cohort]);
    seed::held_session_as(course, body)
}

fn expected(course: &Course, session: &str) -> Vec<Value> {
    let roll_call = course.coordinator.get(&format!("/sessions/{session}/roll-call")).expect(200).body;
    roll_call["entries"].as_array().unwrap().iter().map(|entry| entry["enrollment_id"].clone()).collect()
}

#[test]
fn whoever_is_moved_owes_the_sessions_of_the_new_cohort_from_then_on() {
    let app = spawn_app();
    let course = seed::course(&app);
    let second = second(&course);
    let member = seed::enrolled(&course, 1).remove(0);
    let [before, there_before, after, there_after] = [
        held(&course, "A-1", 1, &course.metallurgy),
        held(&course, "B-1", 2, &second),
        held(&course, "A-2", 5, &course.metallurgy),
        held(&course, "B-2", 6, &second),
    ];
    let moved = move_to(&course, &member.id, &second, Some(&seed::morning(4))).expect(200);
    assert_eq!((&moved.body["cohort_id"], &moved.body["state"], &moved.body["version"]), (&json!(second), &json!("enrolled"), &json!(2)));
    let own = vec![json!(member.id)];
    assert_eq!(
        [&before, &there_before, &after, &there_after].map(|session| expected(&course, session)),
        [own.clone(), vec![], vec![], own]
    );
    let audit = app.auditor().get(&format!("/audit?subject_id={}&action=enrollment.moved", member.id)).expect(200);
    assert_eq!(audit.items().len(), 1);
    assert_eq!(audit.items()[0]["reason"], "the shift changed");
    assert_eq!(app.findings(), Vec::<String>::new());
    // A hand edit of where they were before is found.
    let (key, other) = (app.hex(&member.id), app.hex(&course.mechanics));
    app.forge(
        "enrollment_periods",
        &format!("UPDATE enrollment_periods SET cohort_id = {other} WHERE enrollment_id = {key} AND until_at IS NOT NULL"),
    );
    let found = app.findings_of("steps");
    assert!(found.len() == 1 && found[0].contains("in another cohort than the journal says"), "{found:?}");
}

#[test]
fn closed_sessions_that_a_move_changes_are_listed_and_settled_by_closing_anew() {
    let app = spawn_app();
    let course = seed::course(&app);
    let second = second(&course);
    let member = seed::enrolled(&course, 1).remove(0);
    let owed = seed::closed_session(&course, "A-1", &seed::morning(5), &[seed::line(&member, "absent")]);
    let missed = held(&course, "B-1", 6, &second);
    seed::put_roll_call(&course, &missed, &[]).expect(200);
    seed::step_roll_call(&course, &missed, "close", None).expect(200);
    let moved = move_to(&course, &member.id, &second, Some(&seed::morning(4))).expect(200);
    let listed: Vec<_> = moved.body["unsettled_sessions"].as_array().unwrap().iter().map(|one| json!([one["code"], one["kind"]])).collect();
    assert_eq!(listed, [json!(["A-1", "not_owed"]), json!(["B-1", "unposted"])]);
    for session in [&owed, &missed] {
        seed::step_roll_call(&course, session, "reopen", Some("moved")).expect(200);
    }
    seed::put_roll_call(&course, &owed, &[]).expect(200);
    seed::put_roll_call(&course, &missed, &[seed::line(&member, "present")]).expect(200);
    for session in [&owed, &missed] {
        seed::step_roll_call(&course, session, "close", None).expect(200);
    }
    let balance = course.coordinator.get(&format!("/enrollments/{}/hours", member.id)).expect(200).body["balance"].clone();
    assert_eq!((&balance["attended_minutes"], &balance["unauthorized_absence_minutes"]), (&json!(90), &json!(0)));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_move_leads_to_another_cohort_of_the_discipline_after_the_last_one() {
    let app = spawn_app();
    let course = seed::course(&app);
    let second = second(&course);
    let members = seed::enrolled(&course, 2);
    let next = seed::intake(&course.coordinator, &course.program.version, "HONGXING-4");
    let elsewhere = seed::cohort(&course.coordinator, &next, &course.program.metallurgy, "MET-1");
    let id = &members[0].id;
    let left = format!("/enrollments/{}/withdraw", members[1].id);
    course.coordinator.post(&left, json!({ "reason": "as agreed" })).expect(200);
    app.unchanged(|| {
        move_to(&course, id, &course.metallurgy, None).fault("/cohort_id", "same_place");
        move_to(&course, id, &course.metallurgy, Some(&seed::morning(3))).fault("/cohort_id", "same_place");
        move_to(&course, id, &course.mechanics, None).fault("/cohort_id", "cohort_of_another_discipline");
        move_to(&course, id, &app.absent_id(), None).fault("/cohort_id", "unknown_cohort");
        move_to(&course, id, &elsewhere, None).fault("/cohort_id", "unknown_cohort");
        move_to(&course, id, &second, Some("2090-01-01T00:00:00Z")).fault("/effective_at", "in_the_future");
        move_to(&course, id, &second, Some("2020-01-01T00:00:00Z")).fault("/effective_at", "before_present_state");
        move_to(&course, &members[1].id, &second, None).expect(409).problem("illegal_transition");
        let body = json!({ "cohort_id": second });
        course.coordinator.post(&format!("/enrollments/{id}/move"), body).fault("/reason", "missing_field");
        let body = json!({ "cohort_id": second, "reason": "mine" });
        app.partner(&course.sponsor.id).post(&format!("/enrollments/{id}/move"), body).expect(403).problem("forbidden");
    });
    let suspend = format!("/enrollments/{id}/suspend");
    course.coordinator.post(&suspend, json!({ "reason": "ill" })).expect(200);
    let moved = move_to(&course, id, &second, None).expect(200);
    assert_eq!((&moved.body["state"], &moved.body["cohort_id"]), (&json!("suspended"), &json!(second)));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn nobody_is_enrolled_in_no_cohort_where_there_are_several() {
    let app = spawn_app();
    let course = seed::course(&app);
    let second = second(&course);
    let nominate = |discipline: &str| {
        let mut body = seed::nomination_body(&course);
        body.as_object_mut().unwrap().remove("cohort_id");
        body["discipline_id"] = json!(discipline);
        let id = course.coordinator.post(&format!("/intakes/{}/nominations", course.intake), body).expect(201).id();
        course.coordinator.post(&format!("/enrollments/{id}/approve"), json!({})).expect(200);
        id
    };
    let enroll = |id: &str| course.coordinator.post(&format!("/enrollments/{id}/enroll"), json!({}));
    let id = nominate(&course.program.metallurgy);
    app.unchanged(|| enroll(&id).expect(409).problem("cohort_missing"));
    move_to(&course, &id, &second, None).expect(200);
    assert_eq!(enroll(&id).expect(200).body["cohort_id"], json!(second));
    // Where there is one, that is it.
    assert_eq!(enroll(&nominate(&course.program.mechanics)).expect(200).body["cohort_id"], json!(course.mechanics));
    assert_eq!(app.findings(), Vec::<String>::new());
}
