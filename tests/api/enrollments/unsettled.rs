//! Closed sessions that an enrollment reaches back over are listed, and settled one by one (DOMAIN section 2, rule 6).

use muster::{
    access::{Credentials, Secret},
    enrollments::UnsettledKind,
    error::Error,
};
use serde_json::{Value, json};

use crate::support::{
    seed::{self, Course, Enrolled},
    spawn_app,
};

fn listed(course: &Course, enrollment: &str) -> Vec<(String, String)> {
    let read = course.coordinator.get(&format!("/enrollments/{enrollment}")).expect(200);
    pairs(&read.body)
}

fn pairs(enrollment: &Value) -> Vec<(String, String)> {
    let sessions = enrollment["unsettled_sessions"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    sessions.iter().map(|session| (text(&session["session_id"]), text(&session["kind"]))).collect()
}

fn report_row(course: &Course, enrollment: &str) -> (Value, Value) {
    let report = course.coordinator.get(&format!("/intakes/{}/progress", course.intake)).expect(200).body;
    let row = report["rows"].as_array().unwrap().iter().find(|row| row["enrollment_id"] == enrollment).unwrap().clone();
    (row, report["totals"].clone())
}

fn call_again(course: &Course, session: &str, lines: &[Value]) {
    seed::step_roll_call(course, session, "reopen", Some("the register was incomplete")).expect(200);
    seed::put_roll_call(course, session, lines).expect(200);
    seed::step_roll_call(course, session, "close", None).expect(200);
}

#[test]
fn who_is_enrolled_late_is_told_which_closed_sessions_wait_to_be_posted() {
    let app = spawn_app();
    let course = seed::course(&app);
    let first = seed::enrolled(&course, 1).remove(0);
    let closed =
        [1, 2].map(|day| seed::closed_session(&course, &format!("MET-{day}"), &seed::morning(day), &[seed::line(&first, "present")]));
    let open = seed::held_session(&course, "MET-3", &seed::morning(3));
    let body = seed::enrollment_body(&course, &seed::recruit(&course));
    let reply = course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), body).expect(201);
    let late = Enrolled { id: reply.id(), trainee: reply.text_at("/trainee_id") };
    let waiting = |sessions: &[String]| sessions.iter().map(|id| (id.clone(), "unposted".to_owned())).collect::<Vec<_>>();
    assert_eq!(pairs(&reply.body), waiting(&closed));
    assert_eq!(reply.body["unsettled_sessions"][0]["code"], "MET-1");
    assert_eq!(listed(&course, &first.id), []);
    let (row, totals) = report_row(&course, &late.id);
    assert_eq!((&row["unsettled_sessions"], &row["expected_minutes"]), (&json!(2), &json!(0)), "listed, and not an absence");
    assert_eq!(totals["unsettled_sessions"], 2);
    assert_eq!(app.findings(), Vec::<String>::new());

    call_again(&course, &closed[0], &[seed::line(&first, "present"), seed::line(&late, "absent")]);
    assert_eq!(listed(&course, &late.id), waiting(&closed[1..]));
    let (row, _) = report_row(&course, &late.id);
    assert_eq!((&row["unsettled_sessions"], &row["unauthorized_absence_minutes"]), (&json!(1), &json!(90)));

    // One that was still open is called as ever.
    seed::put_roll_call(&course, &open, &[seed::line(&first, "present"), seed::line(&late, "present")]).expect(200);
    seed::step_roll_call(&course, &open, "close", None).expect(200);
    assert_eq!(listed(&course, &late.id), waiting(&closed[1..]));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn whoever_began_before_that_was_decided_is_enrolled_from_then() {
    let app = spawn_app();
    let course = seed::course(&app);
    let first = seed::enrolled(&course, 1).remove(0);
    let second = seed::cohort(&course.coordinator, &course.intake, &course.program.metallurgy, "MET-2");
    let [_, owed] =
        [1, 3].map(|day| seed::closed_session(&course, &format!("MET-{day}"), &seed::morning(day), &[seed::line(&first, "present")]));
    let step = |id: &str, verb: &str, body: Value| course.coordinator.post(&format!("/enrollments/{id}/{verb}"), body);
    let began = seed::morning(2);
    // Nominated from the opening on, or from later than they began; decided on, and moved twice, today.
    for from in [None, Some(began.clone()), Some(seed::morning(9))] {
        let mut body = seed::enrollment_body(&course, &seed::recruit(&course));
        body["state"] = json!("nominated");
        body["from"] = json!(from);
        let id = course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), body).expect(201).id();
        step(&id, "approve", json!({})).expect(200);
        for cohort in [&second, &course.metallurgy] {
            step(&id, "move", json!({ "cohort_id": cohort, "reason": "the other shift" })).expect(200);
        }
        let enrolled = step(&id, "enroll", json!({ "effective_at": began })).expect(200);
        assert_eq!(pairs(&enrolled.body), [(owed.clone(), "unposted".to_owned())]);
        let own = format!("SELECT count(*) FROM enrollment_periods WHERE enrollment_id = {}", app.hex(&id));
        assert_eq!(app.count(&own), if from.is_none() { 2 } else { 1 });
        assert_eq!(app.count(&format!("{own} AND state = 'enrolled' AND from_at = {}", app.instant(&began))), 1);
        // Once they may owe something, what was is not undone.
        app.unchanged(|| {
            let earlier = json!({ "reason": "not yet", "effective_at": seed::morning(1) });
            step(&id, "suspend", earlier).fault("/effective_at", "before_present_state");
        });
        assert_eq!(app.findings(), Vec::<String>::new());
    }
}

#[test]
fn nobody_is_enrolled_from_before_a_day_on_which_they_came_to_the_cohort() {
    let app = spawn_app();
    let course = seed::course(&app);
    let second = seed::cohort(&course.coordinator, &course.intake, &course.program.metallurgy, "MET-2");
    let mut body = seed::enrollment_body(&course, &seed::recruit(&course));
    body["state"] = json!("approved");
    let id = course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), body).expect(201).id();
    let step = |verb: &str, cohort: Option<&str>, day: u32| {
        let mut body = json!({ "reason": "as agreed", "effective_at": seed::morning(day) });
        if let Some(cohort) = cohort {
            body["cohort_id"] = json!(cohort);
        }
        course.coordinator.post(&format!("/enrollments/{id}/{verb}"), body)
    };
    step("move", Some(&second), 9).expect(200);
    app.unchanged(|| step("enroll", None, 4).fault("/effective_at", "before_cohort_move"));
    // As the refusal says.
    app.unchanged(|| step("move", Some(&second), 9).fault("/cohort_id", "same_place"));
    let moved = step("move", Some(&second), 8).expect(200);
    assert_eq!((&moved.body["cohort_id"], &moved.body["cohort_from_at"]), (&json!(second), &json!(seed::morning(8))));
    app.unchanged(|| step("enroll", None, 4).fault("/effective_at", "before_cohort_move"));
    // Or they are where they were before until then.
    step("move", Some(&course.metallurgy), 4).expect(200);
    step("enroll", None, 4).expect(200);
    step("move", Some(&second), 9).expect(200);
    let stood = format!("SELECT count(*) FROM enrollment_periods WHERE state = 'enrolled' AND enrollment_id = {}", app.hex(&id));
    for (cohort, from) in [(&course.metallurgy, 4), (&second, 9)] {
        let from = app.instant(&seed::morning(from));
        assert_eq!(app.count(&format!("{stood} AND cohort_id = {} AND from_at = {from}", app.hex(cohort))), 1);
    }
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_move_from_before_the_nomination_says_since_when_they_are_in_the_cohort() {
    let app = spawn_app();
    let course = seed::course(&app);
    let second = seed::cohort(&course.coordinator, &course.intake, &course.program.metallurgy, "MET-2");
    let mut body = seed::enrollment_body(&course, &seed::recruit(&course));
    (body["state"], body["from"]) = (json!("approved"), json!(seed::morning(20)));
    let id = course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), body).expect(201).id();
    let step = |verb: &str, body: Value| course.coordinator.post(&format!("/enrollments/{id}/{verb}"), body);
    let enroll = |day: u32| step("enroll", json!({ "effective_at": seed::morning(day) }));
    step("move", json!({ "cohort_id": second, "reason": "as agreed", "effective_at": seed::morning(12) })).expect(200);
    app.unchanged(|| enroll(8).fault("/effective_at", "before_cohort_move"));
    // What they were approved from does not matter, nor what else was recorded since.
    step("move", json!({ "cohort_id": course.metallurgy, "reason": "as agreed", "effective_at": seed::morning(9) })).expect(200);
    app.unchanged(|| enroll(8).fault("/effective_at", "before_cohort_move"));
    // Without a day they come to the cohort whenever they are enrolled.
    step("move", json!({ "cohort_id": second, "reason": "as agreed" })).expect(200);
    enroll(8).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn whoever_never_arrived_was_not_enrolled_and_comes_from_an_earlier_day_after_all() {
    let app = spawn_app();
    let course = seed::course(&app);
    let first = seed::enrolled(&course, 1).remove(0);
    let owed = seed::closed_session(&course, "MET-3", &seed::morning(3), &[seed::line(&first, "present")]);
    let late = seed::enrolled(&course, 1).remove(0);
    assert_eq!(listed(&course, &late.id).len(), 1);
    let step = |id: &str, verb: &str, body: Value| course.coordinator.post(&format!("/enrollments/{id}/{verb}"), body);
    step(&late.id, "suspend", json!({ "reason": "ill", "effective_at": seed::morning(8) })).expect(200);
    let gone = step(&late.id, "never-arrived", json!({})).expect(200);
    assert_eq!(pairs(&gone.body), []);
    let stood = format!("SELECT count(*) FROM enrollment_periods WHERE enrollment_id = {}", app.hex(&late.id));
    assert_eq!((app.count(&stood), app.count(&format!("{stood} AND state = 'withdrawn'"))), (1, 1));
    // It holds no time in which they would be enrolled after all.
    let mut body = seed::enrollment_body(&course, &late.trainee);
    body["state"] = json!("approved");
    let id = course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), body).expect(201).id();
    let enrolled = step(&id, "enroll", json!({ "effective_at": seed::morning(2) })).expect(200);
    assert_eq!(pairs(&enrolled.body), [(owed, "unposted".to_owned())]);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn whoever_was_called_was_enrolled_though_they_never_arrived() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 3);
    let first = seed::line(&members[0], "present");
    let absent = |one: usize| seed::line(&members[one], "absent");
    let closed = seed::closed_session(&course, "MET-1", &seed::morning(1), &[first.clone(), absent(1), absent(2)]);
    // Of one a line stands and nothing is posted; of the other something was posted and taken back, and no line stands.
    let suspend = json!({ "reason": "ill", "effective_at": seed::morning(0) });
    course.coordinator.post(&format!("/enrollments/{}/suspend", members[2].id), suspend).expect(200);
    call_again(&course, &closed, &[first, absent(1)]);
    let late = seed::enrolled(&course, 1).remove(0);
    let held = seed::held_session(&course, "MET-2", &seed::morning(2));
    seed::put_roll_call(&course, &held, &[seed::line(&late, "absent")]).expect(200);
    for member in [&members[2], &late] {
        let path = format!("/enrollments/{}/never-arrived", member.id);
        course.coordinator.post(&path, json!({ "reason": "not seen" })).expect(200);
        let stood = format!("SELECT count(*) FROM enrollment_periods WHERE enrollment_id = {}", app.hex(&member.id));
        assert_eq!(app.count(&format!("{stood} AND state = 'enrolled'")), 1);
    }
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn nobody_is_enrolled_from_before_their_earlier_enrollment_ended() {
    let app = spawn_app();
    let course = seed::course(&app);
    let first = seed::enrolled(&course, 1).remove(0);
    let step = |id: &str, verb: &str, day: u32| {
        let body = json!({ "reason": "as agreed", "effective_at": seed::morning(day) });
        course.coordinator.post(&format!("/enrollments/{id}/{verb}"), body)
    };
    // However it ended.
    step(&first.id, "suspend", 3).expect(200);
    step(&first.id, "withdraw", 5).expect(200);
    let mut body = seed::enrollment_body(&course, &first.trainee);
    (body["state"], body["from"]) = (json!("approved"), json!(seed::morning(8)));
    let id = course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), body).expect(201).id();
    app.unchanged(|| step(&id, "enroll", 4).fault("/effective_at", "overlaps_earlier_enrollment"));
    // Where nothing will be owed there is nothing to overlap.
    let cohort = seed::cohort(&course.coordinator, &course.intake, &course.program.metallurgy, "MET-2");
    let moved = json!({ "cohort_id": cohort, "reason": "as agreed", "effective_at": seed::morning(3) });
    course.coordinator.post(&format!("/enrollments/{id}/move"), moved).expect(200);
    app.unchanged(|| step(&id, "enroll", 4).fault("/effective_at", "overlaps_earlier_enrollment"));
    step(&id, "enroll", 5).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn who_begins_after_the_closed_sessions_owes_none_of_them() {
    let app = spawn_app();
    let course = seed::course(&app);
    let first = seed::enrolled(&course, 1).remove(0);
    seed::closed_session(&course, "MET-1", &seed::morning(1), &[seed::line(&first, "present")]);
    let mut body = seed::enrollment_body(&course, &seed::recruit(&course));
    body["from"] = json!(seed::morning(2));
    let reply = course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), body).expect(201);
    assert_eq!(pairs(&reply.body), []);
    assert_eq!(app.count("SELECT count(*) FROM unsettled_sessions"), 0);
}

#[test]
fn a_back_dated_withdrawal_lists_what_was_posted_and_is_not_owed() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 2);
    let lines = [seed::line(&members[0], "present"), seed::line(&members[1], "absent")];
    let closed = [1, 2].map(|day| seed::closed_session(&course, &format!("MET-{day}"), &seed::morning(day), &lines));
    let withdrawal = json!({ "reason": "left on the first evening", "effective_at": seed::after(&seed::morning(1), 600) });
    let reply = course.coordinator.post(&format!("/enrollments/{}/withdraw", members[1].id), withdrawal).expect(200);
    assert_eq!(pairs(&reply.body), [(closed[1].clone(), "not_owed".to_owned())]);
    // The postings stand until somebody settles them.
    let (row, _) = report_row(&course, &members[1].id);
    assert_eq!((&row["unsettled_sessions"], &row["expected_minutes"]), (&json!(1), &json!(180)));
    call_again(&course, &closed[1], &lines[..1]);
    assert_eq!(listed(&course, &members[1].id), []);
    let (row, _) = report_row(&course, &members[1].id);
    assert_eq!((&row["unsettled_sessions"], &row["expected_minutes"]), (&json!(0), &json!(90)));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn verify_derives_the_list_anew() {
    let app = spawn_app();
    let course = seed::course(&app);
    let first = seed::enrolled(&course, 1).remove(0);
    let session = seed::closed_session(&course, "MET-1", &seed::morning(1), &[seed::line(&first, "present")]);
    let late = seed::enrolled(&course, 1).remove(0);
    app.sql("UPDATE unsettled_sessions SET kind = 'not_owed'").unwrap();
    assert_eq!(app.findings(), [format!("unsettled: session {session} is unposted for enrollment {} and not listed so", late.id)]);
    app.sql("DELETE FROM unsettled_sessions").unwrap();
    assert_eq!(app.findings(), [format!("unsettled: session {session} is unposted for enrollment {} and not listed so", late.id)]);
}

#[test]
fn who_withdraws_before_anything_is_posted_does_not_hide_what_is_unsettled() {
    let app = spawn_app();
    let course = seed::course(&app);
    let first = seed::enrolled(&course, 1).remove(0);
    let session = seed::closed_session(&course, "MET-1", &seed::morning(1), &[seed::line(&first, "present")]);
    let [late, gone] = [0, 1].map(|_| seed::enrolled(&course, 1).remove(0));
    let (_, totals) = report_row(&course, &late.id);
    assert_eq!(totals["unsettled_sessions"], 2);
    course.coordinator.post(&format!("/enrollments/{}/withdraw", gone.id), json!({ "reason": "ill" })).expect(200);
    assert_eq!(listed(&course, &gone.id), [(session.clone(), "unposted".to_owned())]);
    let (row, totals) = report_row(&course, &gone.id);
    assert_eq!((&row["unsettled_sessions"], &row["best_reachable"], &totals["unsettled_sessions"]), (&json!(1), &Value::Null, &json!(2)));
    let partner = app.partner(&course.sponsor.id).get(&format!("/intakes/{}/progress", course.intake)).expect(200).body;
    assert_eq!(partner["totals"]["unsettled_sessions"], 2);
    // Settled, they stay in the report with what was posted.
    call_again(&course, &session, &[&first, &late, &gone].map(|member| seed::line(member, "exempt")));
    let (row, totals) = report_row(&course, &gone.id);
    assert_eq!((&row["unsettled_sessions"], &totals["unsettled_sessions"]), (&json!(0), &json!(0)));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn only_who_closes_roll_calls_settles() {
    let app = spawn_app();
    let course = seed::course(&app);
    let first = seed::enrolled(&course, 1).remove(0);
    let session = seed::closed_session(&course, "MET-1", &seed::morning(1), &[seed::line(&first, "present")]);
    let late = seed::enrolled(&course, 1).remove(0);
    let settle = |token: Option<&str>| {
        let (token, session) = (Secret::from(token.unwrap()), session.parse().unwrap());
        app.db.write_blocking(Credentials::Bearer(token), move |conn, actor, _| {
            muster::enrollments::settle(conn, actor, session, UnsettledKind::ALL)
        })
    };
    for client in [app.instructor(&course.instructor), app.partner(&course.sponsor.id), app.auditor(), app.administrator()] {
        let refused = settle(client.token.as_deref());
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    }
    assert_eq!(listed(&course, &late.id).len(), 1);
    settle(course.coordinator.token.as_deref()).unwrap();
    assert_eq!(listed(&course, &late.id).len(), 0);
}

#[test]
fn nobody_is_completed_or_failed_while_what_they_owe_was_held_and_is_not_counted() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    seed::closed_session(&course, "MET-1", &seed::morning(1), &[seed::line(&member, "present")]);
    let held = seed::held_session(&course, "MET-2", &seed::morning(2));
    let step = |verb: &str, body: Value| course.coordinator.post(&format!("/enrollments/{}/{verb}", member.id), body);
    let refused = course.coordinator.get(&format!("/enrollments/{}/explain", member.id)).expect(200).body["refused_steps"].clone();
    for verb in ["complete", "fail"] {
        let told = refused.as_array().unwrap().iter().find(|one| one["step"] == verb).unwrap();
        let answered = app.unchanged(|| step(verb, json!({ "reason": "as examined" })).expect(409).problem("roll_calls_open"));
        assert!(answered.text_at("/detail").ends_with("close it first: MET-2"), "{}", answered.text);
        assert_eq!(*told, json!({ "step": verb, "code": "roll_calls_open", "detail": answered.body["detail"] }));
    }
    // From before then they owe it not.
    step("complete", json!({ "reason": "as examined", "effective_at": seed::after(&seed::morning(1), 90) })).expect(200);
    seed::put_roll_call(&course, &held, &[]).expect(200);
    seed::step_roll_call(&course, &held, "close", None).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn nobody_is_completed_or_failed_by_hours_that_are_not_settled() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let session = seed::closed_session(&course, "MET-1", &seed::morning(1), &[seed::line(&member, "present")]);
    let late = seed::enrolled(&course, 1).remove(0);
    let step = |id: &str, step: &str| course.coordinator.post(&format!("/enrollments/{id}/{step}"), json!({ "reason": "as examined" }));
    app.unchanged(|| {
        step(&late.id, "complete").expect(409).problem("sessions_unsettled");
        step(&late.id, "fail").expect(409).problem("sessions_unsettled");
        // Nor from a day before sessions that were posted.
        let early = json!({ "reason": "as examined", "effective_at": seed::morning(0) });
        course.coordinator.post(&format!("/enrollments/{}/complete", member.id), early).expect(409).problem("sessions_unsettled");
    });
    step(&member.id, "complete").expect(200);
    seed::step_roll_call(&course, &session, "reopen", Some("one came late to the list")).expect(200);
    seed::put_roll_call(&course, &session, &[seed::line(&member, "present"), seed::line(&late, "absent")]).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    step(&late.id, "fail").expect(200);
}
