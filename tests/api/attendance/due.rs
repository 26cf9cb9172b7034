//! Roll calls that are due, and those that close by themselves.

use chrono::TimeDelta;
use muster::{access::Credentials, attendance};
use serde_json::{Value, json};

use super::{all_present, path};
use crate::support::{App, Client, seed, seed::Course, spawn_app};

fn set(course: &Course, settings: Value) {
    course.coordinator.if_match("*").patch(&format!("/intakes/{}", course.intake), settings).expect(200);
}

/// What the server does every ten minutes, so many hours from now; how many were due, and how many of these were closed.
fn sweep(app: &App, hours: i64) -> (usize, usize) {
    let later = move |now: muster::clock::Instant| now.plus(TimeDelta::hours(hours));
    let due = app.db.read_blocking(&Credentials::Operator, move |conn, actor, now| attendance::due(conn, actor, later(now))).unwrap();
    let close = |one| {
        let closed = app
            .db
            .write_blocking(Credentials::Operator, move |conn, actor, now| attendance::close_due(conn, actor, (now, later(now)), one));
        let Err(refusal) = closed else { return true };
        let keep = move |conn: &mut muster::db::Conn, actor: &muster::access::Actor, now| {
            attendance::keep_refusal(conn, actor, (now, later(now)), one, &refusal)
        };
        app.db.write_blocking(Credentials::Operator, keep).unwrap();
        false
    };
    let closed = due.iter().filter(|one| close(**one)).count();
    (due.len(), closed)
}

fn submitted(course: &Course, code: &str, day: u32, lines: &[Value]) -> String {
    let session = seed::held_session(course, code, &seed::morning(day));
    seed::put_roll_call(course, &session, lines).expect(200);
    seed::step_roll_call(course, &session, "submit", None).expect(200);
    session
}

#[test]
fn a_roll_call_closes_by_itself_so_many_hours_after_it_was_submitted() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 2);
    let session = submitted(&course, "MET-01", 1, &all_present(&members));
    let called = seed::held_session(&course, "MET-02", &seed::morning(2));
    seed::put_roll_call(&course, &called, &all_present(&members)).expect(200);
    // Nothing is due where the intake does not say so.
    assert_eq!(sweep(&app, 1000), (0, 0));
    let closes_at = |session: &str| course.coordinator.get(&path(session)).expect(200).body["closes_at"].clone();
    assert_eq!(closes_at(&session), Value::Null);
    set(&course, json!({ "close_after_hours": 48 }));
    let waits = course.coordinator.get(&path(&session)).expect(200);
    let at = |field: &str| chrono::DateTime::parse_from_rfc3339(&waits.text_at(field)).unwrap();
    assert_eq!(at("/closes_at") - at("/submitted_at"), TimeDelta::hours(48));
    assert_eq!(closes_at(&called), Value::Null);
    assert_eq!(sweep(&app, 47), (0, 0));
    assert_eq!(sweep(&app, 49), (1, 1));
    let roll_call = course.coordinator.get(&path(&session)).expect(200).body;
    assert_eq!((&roll_call["state"], &roll_call["closings"]), (&json!("closed"), &json!(1)));
    assert!(roll_call["submitted_by"].is_string(), "{roll_call}");
    assert_eq!((&roll_call["closed_by"], &roll_call["closes_at"]), (&Value::Null, &Value::Null));
    let hours = course.coordinator.get(&format!("/enrollments/{}/hours", members[0].id)).expect(200);
    let entry = &hours.items()[0];
    assert_eq!((&entry["minutes"], &entry["user_id"]), (&json!(90), &Value::Null));
    assert_eq!(entry["reason"], "closed by itself, 48 hours after it was submitted");
    let by_hand = seed::closed_session(&course, "MET-03", &seed::morning(3), &all_present(&members));
    let hours = course.coordinator.get(&format!("/enrollments/{}/hours", members[0].id)).expect(200);
    for client in [&course.coordinator, &app.partner(&course.sponsor.id)] {
        let by_system = |entry: &Value| {
            let told = client.get(&format!("/hour-entries/{}/explain", entry["id"].as_str().unwrap())).expect(200).body;
            (told["session"]["id"] == by_hand.as_str(), told["closed_by_system"].clone())
        };
        let told: Vec<(bool, Value)> = hours.items().iter().map(by_system).collect();
        assert_eq!(told, [(false, json!(true)), (true, json!(false))]);
    }
    assert_eq!(course.coordinator.get(&path(&called)).expect(200).body["state"], "open");
    assert_eq!(sweep(&app, 49), (0, 0));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn one_that_cannot_be_closed_waits_and_keeps_no_other_from_it() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 1);
    set(&course, json!({ "close_after_hours": 1 }));
    let incomplete = submitted(&course, "MET-01", 1, &all_present(&members));
    // Somebody came to owe it after it was submitted.
    seed::enrolled(&course, 1);
    let other = submitted(&course, "MET-02", 2, &everybody(&course, &seed::held_session(&course, "MET-03", &seed::morning(3))));
    assert_eq!(sweep(&app, 2), (2, 1));
    let state = |session: &str| course.coordinator.get(&path(session)).expect(200).text_at("/state");
    assert_eq!((state(&incomplete), state(&other)), ("submitted".to_owned(), "closed".to_owned()));
    // What was closed or changed since it was found due stays as it is.
    let one = incomplete.parse().unwrap();
    seed::put_roll_call(&course, &other, &[]).expect(409);
    app.unchanged(|| {
        app.db.write_blocking(Credentials::Operator, move |conn, actor, now| attendance::close_due(conn, actor, (now, now), one)).unwrap()
    });
}

/// The lines of everybody who is to be called, all present.
fn everybody(course: &Course, session: &str) -> Vec<Value> {
    let roll_call = course.coordinator.get(&path(session)).expect(200).body;
    let present = |entry: &Value| json!({ "enrollment_id": entry["enrollment_id"], "code": "present" });
    roll_call["entries"].as_array().unwrap().iter().map(present).collect()
}

#[test]
fn what_keeps_one_from_closing_by_itself_is_told_until_it_changes() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 1);
    set(&course, json!({ "close_after_hours": 1 }));
    let session = submitted(&course, "MET-01", 1, &all_present(&members));
    seed::enrolled(&course, 1);
    let told = |client: &Client| client.get("/roll-calls?open=true").expect(200).items()[0]["close_refused"].clone();
    assert_eq!(told(&course.coordinator), Value::Null);
    let etag = course.coordinator.get(&path(&session)).expect(200).etag();
    assert_eq!(sweep(&app, 2), (1, 0));
    let refused = told(&course.coordinator);
    assert_eq!((&refused["code"], &refused["detail"]), (&json!("roll_call_incomplete"), &json!("still to be called: 1 of 2 trainees")));
    assert_eq!(course.coordinator.get(&path(&session)).expect(200).etag(), etag, "nobody's next change is refused for it");
    let to_instructor = told(&app.instructor(&course.instructor));
    assert_eq!(to_instructor, json!({ "code": "roll_call_incomplete", "detail": null, "at": refused["at"] }));
    // Tried again to no other end, nothing is written.
    app.unchanged(|| assert_eq!(sweep(&app, 3), (1, 0)));
    seed::enrolled(&course, 1);
    assert_eq!(sweep(&app, 3), (1, 0));
    assert_eq!(told(&course.coordinator)["detail"], "still to be called: 2 of 3 trainees");
    assert_eq!(app.count("SELECT count(*) FROM journal_entries WHERE action = 'roll_call.close_refused'"), 2);
    app.refusal("UPDATE roll_calls SET close_refused_code = NULL");
    app.refusal("UPDATE roll_calls SET close_refused_detail = NULL");
    // Where nothing closes by itself, nothing is kept from it.
    set(&course, json!({ "close_after_hours": null }));
    assert_eq!(told(&course.coordinator), Value::Null);
    set(&course, json!({ "close_after_hours": 1 }));
    assert_eq!(told(&course.coordinator)["code"], "roll_call_incomplete");
    seed::put_roll_call(&course, &session, &everybody(&course, &session)).expect(200);
    assert_eq!(told(&course.coordinator), Value::Null);
    assert_eq!(sweep(&app, 3), (1, 1));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn what_was_changed_or_put_off_since_it_was_refused_is_not_told_as_refused() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 1);
    set(&course, json!({ "close_after_hours": 1 }));
    let session = submitted(&course, "MET-01", 1, &all_present(&members));
    let keep = |hours: i64, refusal: muster::error::Error| {
        let one = session.parse().unwrap();
        let keep = move |conn: &mut muster::db::Conn, actor: &muster::access::Actor, now: muster::clock::Instant| {
            attendance::keep_refusal(conn, actor, (now, now.plus(TimeDelta::hours(hours))), one, &refusal)
        };
        app.db.write_blocking(Credentials::Operator, keep).unwrap();
    };
    let refusal = || muster::error::Error::conflict("minutes_do_not_fit", "x".repeat(3000));
    // It is not due, or what went wrong passes.
    app.unchanged(|| keep(0, refusal()));
    app.unchanged(|| keep(2, muster::error::Error::internal("ours")));
    keep(2, refusal());
    assert_eq!(app.count("SELECT length(close_refused_detail) FROM roll_calls"), 2000);
    assert_eq!(sweep(&app, 2), (1, 1));
    app.unchanged(|| keep(2, refusal()));
    assert_eq!(app.count("SELECT count(*) FROM roll_calls WHERE close_refused_at IS NOT NULL"), 0);
}

#[test]
fn a_correction_that_closes_by_itself_keeps_its_reason_and_a_setting_that_was_turned_off_closes_nothing() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 1);
    set(&course, json!({ "close_after_hours": 1 }));
    let session = seed::closed_session(&course, "MET-01", &seed::morning(1), &[seed::line(&members[0], "absent")]);
    seed::step_roll_call(&course, &session, "reopen", Some("the register says he was there")).expect(200);
    seed::put_roll_call(&course, &session, &all_present(&members)).expect(200);
    seed::step_roll_call(&course, &session, "submit", None).expect(200);
    let one = session.parse().unwrap();
    set(&course, json!({ "close_after_hours": null }));
    let later = |now: muster::clock::Instant| now.plus(TimeDelta::hours(2));
    let close =
        move |conn: &mut muster::db::Conn, actor: &muster::access::Actor, now| attendance::close_due(conn, actor, (now, later(now)), one);
    app.unchanged(|| app.db.write_blocking(Credentials::Operator, close).unwrap());
    set(&course, json!({ "close_after_hours": 1 }));
    assert_eq!(sweep(&app, 2), (1, 1));
    let hours = course.coordinator.get(&format!("/enrollments/{}/hours", members[0].id)).expect(200);
    let reasons: Vec<&Value> = hours.items().iter().skip(1).map(|entry| &entry["reason"]).collect();
    assert_eq!(reasons, ["the register says he was there", "the register says he was there"]);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn the_daily_list_reminds_of_what_is_overdue() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 1);
    submitted(&course, "MET-01", 1, &all_present(&members));
    seed::held_session(&course, "MET-02", &seed::morning(2));
    let list = || course.coordinator.get("/roll-calls?open=true").expect(200).items().clone();
    let told = |list: &[Value]| list.iter().map(|one| json!([one["code"], one["due_at"], one["is_overdue"]])).collect::<Vec<Value>>();
    assert_eq!(told(&list()), [json!(["MET-01", null, false]), json!(["MET-02", null, false])]);
    set(&course, json!({ "roll_call_due_hours": 24 }));
    let due = |day: u32| seed::after(&seed::morning(day), 90 + 24 * 60);
    assert_eq!(told(&list()), [json!(["MET-01", due(1), false]), json!(["MET-02", due(2), true])]);
    for (field, hours) in [("roll_call_due_hours", 0), ("roll_call_due_hours", 721), ("close_after_hours", 0), ("close_after_hours", 721)] {
        let patch = json!({ field: hours });
        course.coordinator.if_match("*").patch(&format!("/intakes/{}", course.intake), patch).fault(&format!("/{field}"), "out_of_range");
    }
}
