//! How a session was held is corrected until its roll call is closed.

use serde_json::{Value, json};

use crate::support::{App, Client, Reply, seed, seed::Course, spawn_app};

fn correct(course: &Course, id: &str, body: Value) -> Reply {
    course.coordinator.if_match("*").patch(&format!("/sessions/{id}/hold"), body)
}

fn by(mut body: Value, reason: &str) -> Value {
    body["difference_reason"] = json!(reason);
    body
}

/// What the resources of a session are claimed for.
fn claimed(app: &App, from: &str, until: &str) -> i64 {
    let (from, until) = (app.instant(from), app.instant(until));
    app.count(&format!("SELECT count(*) FROM claims WHERE starts_at = {from} AND ends_at = {until}"))
}

#[test]
fn what_was_confirmed_wrongly_is_corrected_with_a_reason() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (id, starts_at) = (seed::held_session(&course, "H-1", &seed::morning(1)), seed::morning(1));
    let ends_at = seed::after(&starts_at, 60);
    app.unchanged(|| {
        correct(&course, &id, json!({ "ends_at": ends_at })).fault("/difference_reason", "reason_missing");
        correct(&course, &id, json!({})).expect(200);
        let path = format!("/sessions/{id}/hold");
        course.coordinator.patch(&path, by(json!({ "ends_at": ends_at }), "let go early")).expect(428);
        course.coordinator.if_match("\"0\"").patch(&path, by(json!({ "ends_at": ends_at }), "let go early")).expect(412);
    });
    let before = course.coordinator.get(&format!("/sessions/{id}")).expect(200).body;
    let corrected = correct(&course, &id, by(json!({ "ends_at": ends_at }), "let go early")).expect(200).body;
    assert_eq!((&corrected["held"]["minutes"], &corrected["minutes"]), (&json!(60), &json!(90)));
    assert_eq!(corrected["held"]["difference_reason"], "let go early");
    // Whoever subscribed to it sees the other end.
    assert_eq!(corrected["sequence"].as_i64().unwrap(), before["sequence"].as_i64().unwrap() + 1);
    assert_eq!(claimed(&app, &starts_at, &ends_at), 2);
    // What is left out stays as it was confirmed, not as it was planned.
    let again = correct(&course, &id, by(json!({ "break_minutes": 5 }), "a break")).expect(200).body;
    assert_eq!((&again["held"]["minutes"], &again["held"]["ends_at"]), (&json!(55), &json!(ends_at)));
    assert_eq!(again["sequence"], corrected["sequence"]);
    let told = app.auditor().get(&format!("/audit?subject_id={id}&action=session.hold_corrected")).expect(200);
    let reasons: Vec<&Value> = told.body["items"].as_array().unwrap().iter().map(|entry| &entry["reason"]).collect();
    assert_eq!(reasons, ["let go early", "a break"]);
}

#[test]
fn whoever_taught_instead_is_said_later_and_takes_their_place() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (substitute, busy) = (seed::instructor(&app, &course.coordinator, "P-2"), seed::instructor(&app, &course.coordinator, "P-3"));
    let mut elsewhere = seed::session_body(&course, "P-9", &seed::morning(2));
    (elsewhere["cohort_ids"], elsewhere["module_id"]) = (json!([course.mechanics]), json!(course.program.mechanics_module));
    elsewhere["instructor_ids"] = json!([busy]);
    seed::published_session_as(&course, elsewhere);
    let id = seed::held_session(&course, "H-1", &seed::morning(1));
    let (from, until) = (seed::morning(2), seed::after(&seed::morning(2), 45));
    let taught_by = |who: &[&str]| by(json!({ "starts_at": from, "ends_at": until, "instructor_ids": who }), "ill");
    app.unchanged(|| {
        correct(&course, &id, taught_by(&[&busy])).expect(409).problem("session_conflict");
        correct(&course, &id, taught_by(&[&app.absent_id()])).expect(404);
        correct(&course, &id, taught_by(&[])).fault("/instructor_ids", "instructor_missing");
        let outside = json!({ "starts_at": "2019-05-26T00:00:00Z", "ends_at": "2019-05-26T01:00:00Z" });
        correct(&course, &id, by(outside, "moved")).fault("/starts_at", "outside_intake");
        app.instructor(&substitute).if_match("*").patch(&format!("/sessions/{id}/hold"), json!({})).expect(404);
    });
    let corrected = correct(&course, &id, taught_by(&[&substitute])).expect(200).body;
    assert_eq!((&corrected["instructors"][0]["id"], &corrected["instructors"][0]["lead"]), (&json!(substitute), &json!(true)));
    assert_eq!(corrected["instructors"].as_array().unwrap().len(), 1);
    assert_eq!(claimed(&app, &from, &until), 2);
    let both = by(json!({ "instructor_ids": [substitute, course.instructor] }), "both of them");
    correct(&course, &id, both).expect(200);
    let second = app.instructor(&course.instructor).if_match("*");
    app.unchanged(|| second.patch(&format!("/sessions/{id}/hold"), by(json!({ "break_minutes": 5 }), "a break")).expect(403));
    correct(&course, &id, by(json!({ "instructor_ids": [substitute] }), "she alone")).expect(200);
    // Who did not teach corrects nothing any more, and whoever did does.
    let path = format!("/sessions/{id}/hold");
    app.instructor(&course.instructor).if_match("*").patch(&path, by(json!({ "break_minutes": 5 }), "a break")).expect(404);
    app.instructor(&substitute).if_match("*").patch(&path, by(json!({ "break_minutes": 5 }), "a break")).expect(200);
}

#[test]
fn a_closed_roll_call_is_reopened_first_and_closed_again_by_the_corrected_times() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 2);
    let lines = [seed::line(&members[0], "present"), seed::line_of(&members[1], "late", 40)];
    let id = seed::closed_session(&course, "H-1", &seed::morning(1), &lines);
    let shorter = by(json!({ "ends_at": seed::after(&seed::morning(1), 60) }), "let go early");
    app.unchanged(|| correct(&course, &id, shorter.clone()).expect(409).problem("roll_call_closed"));
    seed::step_roll_call(&course, &id, "reopen", Some("confirmed as planned by mistake")).expect(200);
    correct(&course, &id, shorter).expect(200);
    // What was posted stands until the next closing, and is what it was then.
    let hours = |member: &seed::Enrolled| {
        let hours = course.coordinator.get(&format!("/enrollments/{}/hours", member.id)).expect(200).body;
        ["attended_minutes", "unauthorized_absence_minutes"].map(|kind| hours["balance"][kind].as_i64().unwrap())
    };
    assert_eq!((hours(&members[0]), hours(&members[1])), ([90, 0], [40, 50]));
    assert_eq!(app.findings(), Vec::<String>::new());
    seed::step_roll_call(&course, &id, "close", None).expect(200);
    assert_eq!((hours(&members[0]), hours(&members[1])), ([60, 0], [40, 20]));
}

#[test]
fn what_was_not_held_is_not_corrected() {
    let app = spawn_app();
    let course = seed::course(&app);
    let ids = [seed::session(&course, "D-1", &seed::morning(1)), seed::published_session(&course, "P-1", &seed::morning(2))];
    app.unchanged(|| {
        for id in &ids {
            correct(&course, id, by(json!({ "break_minutes": 5 }), "a break")).expect(409).problem("illegal_transition");
        }
    });
}

#[test]
fn a_reason_is_corrected_too() {
    let app = spawn_app();
    let course = seed::course(&app);
    let id = seed::held_session(&course, "H-1", &seed::morning(1));
    correct(&course, &id, by(json!({ "break_minutes": 5 }), "a break")).expect(200);
    let corrected = correct(&course, &id, by(json!({}), "a fire drill")).expect(200).body;
    assert_eq!((&corrected["held"]["difference_reason"], &corrected["held"]["minutes"]), (&json!("a fire drill"), &json!(85)));
    app.unchanged(|| correct(&course, &id, by(json!({}), "a fire drill")).expect(200));
}

#[test]
fn a_title_stays_as_it_was_pinned() {
    let app = spawn_app();
    let course = seed::course(&app);
    let id = seed::held_session(&course, "H-1", &seed::morning(1));
    app.sql("UPDATE affiliations SET title = '院士' WHERE title IS NOT NULL").unwrap();
    let title = |body: Value| correct(&course, &id, by(body, "said wrongly")).expect(200).body["instructors"][0]["title"].clone();
    assert_eq!(title(json!({ "break_minutes": 5 })), "教授");
    // Of another day it is that of the day.
    let next = seed::morning(2);
    assert_eq!(title(json!({ "starts_at": next, "ends_at": seed::after(&next, 90) })), "院士");
}

#[test]
fn whoever_owes_it_by_the_corrected_times_is_listed_and_not_completed() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 2);
    let lines = [seed::line(&members[0], "present"), seed::line(&members[1], "present")];
    let id = seed::closed_session(&course, "H-1", &seed::morning(1), &lines);
    let own = format!("/enrollments/{}", members[0].id);
    let step = |step: &str, minutes: i64| {
        let body = json!({ "reason": "ill", "effective_at": seed::after(&seed::morning(1), minutes) });
        course.coordinator.post(&format!("{own}/{step}"), body).expect(200);
    };
    step("suspend", 10);
    step("resume", 60);
    let unsettled = || course.coordinator.get(&own).expect(200).body["unsettled_sessions"].clone();
    assert_eq!(unsettled(), json!([]));
    seed::step_roll_call(&course, &id, "reopen", Some("it began later")).expect(200);
    let later = |minutes: i64| {
        let (starts_at, ends_at) = (seed::after(&seed::morning(1), minutes), seed::after(&seed::morning(1), minutes + 90));
        correct(&course, &id, by(json!({ "starts_at": starts_at, "ends_at": ends_at }), "the bus was late")).expect(200);
    };
    later(20);
    assert_eq!(unsettled()[0]["kind"], "not_owed");
    course.coordinator.post(&format!("{own}/complete"), json!({})).expect(409).problem("sessions_unsettled");
    assert_eq!(app.findings(), Vec::<String>::new());
    later(0);
    assert_eq!((unsettled(), app.findings()), (json!([]), Vec::new()));
    later(20);
    seed::step_roll_call(&course, &id, "close", None).expect(200);
    assert_eq!((unsettled(), app.findings()), (json!([]), Vec::new()));
}

#[test]
fn what_was_posted_stands_in_reports_and_of_make_ups_until_it_is_closed_again() {
    let app = spawn_app();
    let course = seed::course(&app);
    let guest = seed::enrolled(&course, 1).remove(0);
    let plant = &course.sponsor.plants[0];
    let other = seed::enrolled_at(&course, plant, (&course.program.mechanics, &course.mechanics), 1).remove(0);
    let common = |code: &str, day: u32, cohort: &str| {
        let mut body = seed::session_body(&course, code, &seed::morning(day));
        (body["module_id"], body["cohort_ids"]) = (json!(course.program.common_module), json!([cohort]));
        seed::held_session_as(&course, body)
    };
    let close = |session: &str, lines: &[Value]| {
        seed::put_roll_call(&course, session, lines).expect(200);
        seed::step_roll_call(&course, session, "close", None).expect(200);
    };
    let missed = common("MET-1", 1, &course.metallurgy);
    close(&missed, &[seed::line(&guest, "absent")]);
    let visits = [common("MEC-1", 2, &course.mechanics), common("MEC-2", 3, &course.mechanics)];
    for visit in &visits {
        let invited = json!({ "enrollment_id": guest.id, "missed_session_id": missed });
        course.coordinator.post(&format!("/sessions/{visit}/guests"), invited).expect(201);
        close(visit, &[seed::line_of(&other, "late", 60), seed::line_of(&guest, "late", 60)]);
    }
    // 60 made up in the first, and the other 30 in the second.
    let made_up = || app.count(&format!("SELECT sum(minutes) FROM hour_entries WHERE made_up_in_id = {}", app.hex(&visits[0])));
    let best = || course.coordinator.get(&format!("/enrollments/{}/progress", other.id)).expect(200).body["best_reachable"].clone();
    let (before, whole) = (best(), made_up());
    seed::step_roll_call(&course, &visits[0], "reopen", Some("it was another day")).expect(200);
    let day = seed::morning(5);
    let moved = json!({ "starts_at": day, "ends_at": seed::after(&day, 80) });
    correct(&course, &visits[0], by(moved, "the wrong day was confirmed")).expect(200);
    assert_eq!((best(), made_up(), app.findings()), (before, whole, Vec::new()));
    // Closed again it is the second of the two, as it was taught.
    close(&visits[0], &[seed::line_of(&other, "late", 60), seed::line_of(&guest, "late", 60)]);
    assert_eq!((made_up(), app.findings()), (30, Vec::new()));
}

#[test]
fn who_confirmed_a_session_or_corrected_that_last_is_told_to_those_who_run_and_teach_it() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let id = seed::published_session(&course, "H-1", &seed::morning(1));
    let instructor = app.instructor(&course.instructor);
    let name = |client: &Client| {
        let user = app.hex(client.user_id.as_deref().unwrap());
        json!(app.database.texts(&format!("SELECT name FROM users WHERE id = {user}"))[0])
    };
    let path = format!("/sessions/{id}");
    let read = |client: &Client| client.get(&path).expect(200).body["held"]["confirmed_by"].clone();
    let held = instructor.post(&format!("{path}/hold"), json!({})).expect(200).body;
    assert_eq!(held["held"]["confirmed_by"], name(&instructor));
    assert_eq!([read(&course.coordinator), read(&instructor)], [(); 2].map(|()| name(&instructor)));
    // Correcting nothing is no confirmation.
    assert_eq!(correct(&course, &id, json!({})).expect(200).body["held"]["confirmed_by"], name(&instructor));
    let corrected = correct(&course, &id, by(json!({ "break_minutes": 5 }), "a break")).expect(200).body;
    assert_eq!(corrected["held"]["confirmed_by"], name(&course.coordinator));
    seed::held_session(&course, "H-2", &seed::morning(2));
    seed::published_session(&course, "P-3", &seed::morning(3));
    let list = |client: &Client| client.get(&format!("/intakes/{}/sessions", course.intake)).expect(200);
    let confirmed = |client: &Client| list(client).items().iter().map(|one| one["held"]["confirmed_by"].clone()).collect::<Vec<_>>();
    assert_eq!(confirmed(&instructor), [name(&course.coordinator), name(&course.coordinator), Value::Null]);
    for client in [app.partner(&course.sponsor.id), app.trainee(&member.trainee)] {
        assert_eq!((read(&client), confirmed(&client)), (Value::Null, vec![Value::Null; 3]));
    }
}
