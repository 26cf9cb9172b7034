//! Roll calls that are due, and those that close by themselves.

use chrono::TimeDelta;
use muster::{access::Credentials, attendance};
use serde_json::{Value, json};

use super::{all_present, path};
use crate::support::{App, seed, seed::Course, spawn_app};

fn set(course: &Course, settings: Value) {
    course.coordinator.if_match("*").patch(&format!("/intakes/{}", course.intake), settings).expect(200);
}

/// What the server does every ten minutes, so many hours from now; how many were due, and how many of these were closed.
fn sweep(app: &App, hours: i64) -> (usize, usize) {
    let later = move |now: muster::clock::Instant| now.plus(TimeDelta::hours(hours));
    let due = app.db.read_blocking(&Credentials::Operator, move |conn, actor, now| attendance::due(conn, actor, later(now))).unwrap();
    let close =
        |one| app.db.write_blocking(Credentials::Operator, move |conn, actor, now| attendance::close_due(conn, actor, later(now), one));
    let closed = due.iter().map(|one| close(*one)).filter(Result::is_ok).count();
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
    set(&course, json!({ "close_after_hours": 48 }));
    assert_eq!(sweep(&app, 47), (0, 0));
    assert_eq!(sweep(&app, 49), (1, 1));
    let roll_call = course.coordinator.get(&path(&session)).expect(200).body;
    assert_eq!((&roll_call["state"], &roll_call["closings"]), (&json!("closed"), &json!(1)));
    let hours = course.coordinator.get(&format!("/enrollments/{}/hours", members[0].id)).expect(200);
    let entry = &hours.items()[0];
    assert_eq!((&entry["minutes"], &entry["user_id"]), (&json!(90), &Value::Null));
    assert_eq!(entry["reason"], "closed by itself, 48 hours after it was submitted");
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
    let other = submitted(&course, "MET-02", 2, &{
        let roll_call = course.coordinator.get(&path(&seed::held_session(&course, "MET-03", &seed::morning(3)))).expect(200).body;
        let present = |entry: &Value| json!({ "enrollment_id": entry["enrollment_id"], "code": "present" });
        roll_call["entries"].as_array().unwrap().iter().map(present).collect::<Vec<Value>>()
    });
    assert_eq!(sweep(&app, 2), (2, 1));
    let state = |session: &str| course.coordinator.get(&path(session)).expect(200).text_at("/state");
    assert_eq!((state(&incomplete), state(&other)), ("submitted".to_owned(), "closed".to_owned()));
    // What was closed or changed since it was found due stays as it is.
    let one = incomplete.parse().unwrap();
    seed::put_roll_call(&course, &other, &[]).expect(409);
    app.unchanged(|| {
        app.db.write_blocking(Credentials::Operator, move |conn, actor, now| attendance::close_due(conn, actor, now, one)).unwrap()
    });
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
    let close = move |conn: &mut muster::db::Conn, actor: &muster::access::Actor, now| attendance::close_due(conn, actor, later(now), one);
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
