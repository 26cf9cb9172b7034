use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::{Reply, seed, seed::Course, spawn_app};

fn begin(course: &Course, state: &str) -> String {
    let mut body = seed::enrollment_body(course, &seed::recruit(course));
    body["state"] = json!(state);
    course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), body).expect(201).id()
}

fn step(course: &Course, id: &str, step: &str) -> Reply {
    course.coordinator.post(&format!("/enrollments/{id}/{step}"), json!({ "reason": "as decided" }))
}

/// A state, in which state an enrollment begins and by which steps it gets there, and which steps lead out of it to where.
type Steps = (&'static str, &'static str, &'static [&'static str], &'static [(&'static str, &'static str)]);

#[test]
fn every_legal_step_is_taken_and_every_other_refused() {
    let app = spawn_app();
    let course = seed::course(&app);
    let states: [Steps; 8] = [
        ("nominated", "nominated", &[], &[("approve", "approved"), ("reject", "rejected"), ("withdraw", "withdrawn")]),
        ("applied", "applied", &[], &[("approve", "approved"), ("reject", "rejected"), ("withdraw", "withdrawn")]),
        ("approved", "approved", &[], &[("enroll", "enrolled"), ("withdraw", "withdrawn")]),
        (
            "enrolled",
            "enrolled",
            &[],
            &[("suspend", "suspended"), ("complete", "completed"), ("fail", "failed"), ("withdraw", "withdrawn")],
        ),
        ("suspended", "enrolled", &["suspend"], &[("resume", "enrolled"), ("withdraw", "withdrawn")]),
        ("completed", "enrolled", &["complete"], &[]),
        ("withdrawn", "enrolled", &["withdraw"], &[]),
        ("rejected", "nominated", &["reject"], &[]),
    ];
    for (state, first, way, legal) in states {
        for verb in ["approve", "enroll", "reject", "withdraw", "suspend", "resume", "complete", "fail"] {
            let id = begin(&course, first);
            for verb in way {
                step(&course, &id, verb).expect(200);
            }
            match legal.iter().find(|(legal, _)| *legal == verb) {
                Some((_, to)) => assert_eq!(step(&course, &id, verb).expect(200).body["state"], *to, "{state} {verb}"),
                None => {
                    let reply = app.unchanged(|| step(&course, &id, verb).expect(409).problem("illegal_transition"));
                    let refused = format!("{verb} is not possible while the enrollment is {state}, but while it is ");
                    assert!(reply.text_at("/detail").starts_with(&refused), "{reply:?}");
                }
            }
        }
    }
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_step_is_kept_with_actor_time_and_reason() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let body = json!({ "reason": "moved to another plant", "effective_at": "2020-07-01T00:00:00Z" });
    let reply = course.coordinator.post(&format!("/enrollments/{}/withdraw", member.id), body).expect(200);
    assert_eq!(reply.etag(), "\"v2\"");
    let at = app.instant("2020-07-01T00:00:00Z");
    let user = app.hex(course.coordinator.user_id.as_deref().unwrap());
    let step = format!("effective_at = {at} AND from_state = 'enrolled' AND to_state = 'withdrawn' AND user_id = {user}");
    assert_eq!(app.count(&format!("SELECT count(*) FROM enrollment_steps WHERE {step} AND reason = 'moved to another plant'")), 1);
    // The periods meet where the step took effect.
    assert_eq!(app.count(&format!("SELECT count(*) FROM enrollment_periods WHERE state = 'enrolled' AND until_at = {at}")), 1);
    assert_eq!(app.count(&format!("SELECT count(*) FROM enrollment_periods WHERE state = 'withdrawn' AND from_at = {at}")), 1);
    let audit = app.auditor().get(&format!("/audit?subject_id={}&action=enrollment.changed_state", member.id)).expect(200);
    assert_json_snapshot!(audit.redacted());
}

#[test]
fn a_step_takes_effect_after_the_present_state_began_and_not_in_the_future() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let step = |verb: &str, at: &str| {
        course.coordinator.post(&format!("/enrollments/{}/{verb}", member.id), json!({ "reason": "as it was", "effective_at": at }))
    };
    app.unchanged(|| {
        for early in ["2020-05-26T16:00:00Z", "2019-01-01T00:00:00Z"] {
            step("suspend", early).fault("/effective_at", "before_present_state");
        }
        step("suspend", "2199-01-01T00:00:00Z").fault("/effective_at", "in_the_future");
        step("suspend", "9999-01-01T00:00:00Z").fault("/effective_at", "wrong_value");
        step("suspend", "yesterday").fault("/effective_at", "wrong_value");
    });
    step("suspend", "2020-05-26T16:00:00.000001Z").expect(200);
    step("resume", "2020-06-01T00:00:00Z").expect(200);
    app.unchanged(|| step("suspend", "2020-05-30T00:00:00Z").fault("/effective_at", "before_present_state"));
}

#[test]
fn a_step_of_somebody_with_hours_follows_one_that_was_recorded_by_a_clock_ahead() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 2);
    seed::closed_session(&course, "MET-1", &seed::morning(1), &members.iter().map(|one| seed::line(one, "present")).collect::<Vec<_>>());
    let ahead = app.instant("2090-01-01T00:00:00Z");
    app.forge("enrollment_periods", &format!("UPDATE enrollment_periods SET from_at = {ahead}, recorded_at = {ahead}"));
    step(&course, &members[0].id, "suspend").expect(200);
    course.coordinator.post(&format!("/intakes/{}/cancel", course.intake), json!({ "reason": "floods" })).expect(200);
    let after = app.instant("2090-01-01T00:00:00.000001Z");
    let ended = format!("SELECT count(*) FROM enrollment_periods WHERE state = 'enrolled' AND from_at = {ahead} AND until_at = {after}");
    assert_eq!(app.count(&ended), 2);
    assert_eq!(app.count("SELECT count(*) FROM enrollment_periods WHERE state = 'withdrawn' AND until_at IS NULL"), 2);
}

#[test]
fn whoever_is_enrolled_from_a_day_to_come_leaves_from_a_day_before_it_and_begins_no_earlier() {
    let app = spawn_app();
    let course = seed::course(&app);
    let second = seed::cohort(&course.coordinator, &course.intake, &course.program.metallurgy, "MET-2");
    let mut body = seed::enrollment_body(&course, &seed::recruit(&course));
    body["from"] = json!("2090-01-01T00:00:00Z");
    let id = course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), body).expect(201).id();
    let step = |verb: &str, body: Value| course.coordinator.post(&format!("/enrollments/{id}/{verb}"), body);
    let dated = || json!({ "reason": "as agreed", "effective_at": seed::morning(3) });
    let mut moved = dated();
    moved["cohort_id"] = json!(second);
    app.unchanged(|| step("move", moved).fault("/effective_at", "before_present_state"));
    step("move", json!({ "cohort_id": second, "reason": "as agreed" })).expect(200);
    // Else they could come back to what an earlier enrollment owes.
    app.unchanged(|| step("suspend", dated()).fault("/effective_at", "before_present_state"));
    step("withdraw", dated()).expect(200);
    let from = app.instant(&seed::morning(3));
    let stands = format!("SELECT count(*) FROM enrollment_periods WHERE state = 'withdrawn' AND from_at = {from} AND until_at IS NULL");
    assert_eq!((app.count(&stands), app.count("SELECT count(*) FROM enrollment_periods")), (1, 1));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn what_changes_a_place_needs_a_reason() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (enrolled, nominated) = (begin(&course, "enrolled"), begin(&course, "nominated"));
    app.unchanged(|| {
        for (id, step) in [(&enrolled, "withdraw"), (&enrolled, "suspend"), (&enrolled, "fail"), (&nominated, "reject")] {
            course.coordinator.post(&format!("/enrollments/{id}/{step}"), json!({})).fault("/reason", "reason_missing");
            let empty = json!({ "reason": " " });
            course.coordinator.post(&format!("/enrollments/{id}/{step}"), empty).fault("/reason", "text_empty");
        }
    });
    course.coordinator.post(&format!("/enrollments/{enrolled}/complete"), json!({})).expect(200);
}

#[test]
fn a_seat_is_taken_and_given_back_with_the_state() {
    let app = spawn_app();
    let course = seed::course(&app);
    let path = format!("/intakes/{}", course.intake);
    course.coordinator.if_match("*").patch(&path, json!({ "capacity": 1 })).expect(200);
    let (first, second) = (begin(&course, "nominated"), begin(&course, "nominated"));
    step(&course, &first, "approve").expect(200);
    app.unchanged(|| step(&course, &second, "approve").expect(409).problem("capacity_full"));
    // Who is suspended, completed or failed keeps the seat.
    step(&course, &first, "enroll").expect(200);
    step(&course, &first, "suspend").expect(200);
    app.unchanged(|| step(&course, &second, "approve").expect(409).problem("capacity_full"));
    step(&course, &first, "withdraw").expect(200);
    step(&course, &second, "approve").expect(200);
    course.coordinator.put(&format!("{path}/seat-quotas/{}", course.sponsor.id), json!({ "seats": 1 })).expect(200);
    course.coordinator.if_match("*").patch(&path, json!({ "capacity": null })).expect(200);
    let third = begin(&course, "nominated");
    app.unchanged(|| step(&course, &third, "approve").expect(409).problem("quota_full"));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn lowering_the_capacity_evicts_nobody() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 3);
    let path = format!("/intakes/{}", course.intake);
    course.coordinator.if_match("*").patch(&path, json!({ "capacity": 1 })).expect(200);
    // Steps among seated states go on, though more are seated than there are seats.
    step(&course, &members[0].id, "suspend").expect(200);
    step(&course, &members[0].id, "resume").expect(200);
    step(&course, &members[1].id, "complete").expect(200);
    step(&course, &members[2].id, "withdraw").expect(200);
    assert_eq!(app.count("SELECT seats_taken FROM intakes"), 2);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn only_a_coordinator_decides() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    seed::published_session(&course, "P-1", &seed::morning(1));
    let path = format!("/enrollments/{}/withdraw", member.id);
    app.unchanged(|| {
        for client in [app.partner(&course.sponsor.id), app.trainee(&member.trainee), app.instructor(&course.instructor), app.auditor()] {
            client.post(&path, json!({ "reason": "mine" })).expect(403).problem("forbidden");
        }
    });
}

#[test]
fn a_nominee_is_approved_and_withdrawn_before_the_intake_opens() {
    let app = spawn_app();
    let course = seed::course(&app);
    let mut body = seed::enrollment_body(&course, &seed::recruit(&course));
    body["state"] = json!("nominated");
    body["from"] = json!("2199-01-01T00:00:00Z");
    let id = course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), body).expect(201).id();

    assert_eq!(step(&course, &id, "approve").expect(200).body["state"], "approved");
    assert_eq!(step(&course, &id, "withdraw").expect(200).body["state"], "withdrawn");
    assert_eq!(app.count("SELECT count(*) FROM enrollment_periods"), 1, "nothing was owed in what never began");
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn who_comes_back_owes_no_session_twice() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let session = seed::closed_session(&course, "S-1", &seed::morning(2), &[seed::line(&member, "present")]);
    step(&course, &member.id, "withdraw").expect(200);

    let mut body = seed::enrollment_body(&course, &member.trainee);
    body["from"] = json!(seed::morning(1));
    let path = format!("/intakes/{}/enrollments", course.intake);
    course.coordinator.post(&path, body.clone()).expect(422).fault("/from", "overlaps_earlier_enrollment");
    body.as_object_mut().unwrap().remove("from");
    course.coordinator.post(&path, body).expect(201);

    let roll_call = course.coordinator.get(&format!("/sessions/{session}/roll-call")).expect(200);
    assert_eq!(roll_call.body["entries"].as_array().unwrap().len(), 1);
}

#[test]
fn who_was_there_is_not_said_never_to_have_arrived() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 3);
    let lines = [seed::line(&members[0], "present"), seed::line(&members[1], "absent"), seed::line(&members[2], "absent")];
    seed::closed_session(&course, "S-1", &seed::morning(1), &lines);
    let called = seed::held_session(&course, "S-2", &seed::morning(2));
    let lines = [seed::line(&members[0], "absent"), seed::line(&members[1], "absent"), seed::line(&members[2], "late")];
    seed::put_roll_call(&course, &called, &lines[..2]).expect(200);
    let ended = step(&course, &members[1].id, "never-arrived").expect(200).body;
    assert_eq!((&ended["state"], &ended["withdrawal"]), (&json!("withdrawn"), &json!("never_arrived")));
    let mut late = lines[2].clone();
    late["minutes"] = json!(45);
    seed::put_roll_call(&course, &called, &[lines[0].clone(), late]).expect(200);
    let nominee = begin(&course, "nominated");
    app.unchanged(|| {
        for id in [&members[0].id, &members[2].id] {
            step(&course, id, "never-arrived").expect(409).problem("was_present");
        }
        step(&course, &nominee, "never-arrived").expect(409).problem("illegal_transition");
    });
    assert_eq!(app.findings(), Vec::<String>::new());
}
