use serde_json::{Value, json};

use super::{all_present, class, path};
use crate::support::{App, Client, Reply, seed, spawn_app};

#[test]
fn an_instructor_submits_and_a_coordinator_closes() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    let instructor = app.instructor(&course.instructor);
    instructor.put(&path(&session), json!({ "entries": all_present(&members) })).expect(200);
    let submit = format!("{}/submit", path(&session));
    let submitted = instructor.post(&submit, json!({})).expect(200);
    assert_eq!(submitted.body["state"], "submitted");
    assert!(submitted.body["submitted_at"].is_string());
    instructor.post(&format!("{}/close", path(&session)), json!({})).expect(403).problem("forbidden");
    assert_eq!(app.count("SELECT count(*) FROM hour_entries"), 0);
    let closed = seed::step_roll_call(&course, &session, "close", None).expect(200);
    assert_eq!(closed.body["submitted_at"], submitted.body["submitted_at"]);
    assert_eq!(app.count("SELECT count(*) FROM hour_entries"), 3);
}

#[test]
fn what_is_submitted_is_changed_only_by_who_may_close_it() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    let instructor = app.instructor(&course.instructor);
    instructor.put(&path(&session), json!({ "entries": all_present(&members) })).expect(200);
    instructor.post(&format!("{}/submit", path(&session)), json!({})).expect(200);
    let mut lines = all_present(&members);
    lines[0] = seed::line(&members[0], "absent");
    app.unchanged(|| {
        let reply = instructor.if_match("*").put(&path(&session), json!({ "entries": lines }));
        reply.expect(409).problem("roll_call_submitted");
        instructor.post(&format!("{}/submit", path(&session)), json!({})).expect(409).problem("illegal_transition");
    });
    let reply = seed::put_roll_call(&course, &session, &lines).expect(200);
    assert_eq!(reply.body["state"], "submitted");
}

#[test]
fn an_incomplete_roll_call_is_not_submitted() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    app.unchanged(|| {
        for step in ["submit", "close"] {
            let refused = seed::step_roll_call(&course, &session, step, None).expect(409).problem("illegal_transition");
            assert!(refused.text_at("/detail").starts_with("nobody has been called yet; call the roll first"), "{refused:?}");
        }
    });
    seed::put_roll_call(&course, &session, &all_present(&members[..2])).expect(200);
    app.unchanged(|| {
        let reply = seed::step_roll_call(&course, &session, "submit", None).expect(409).problem("roll_call_incomplete");
        assert!(reply.text_at("/detail").starts_with("still to be called: 1 of 3 trainees: 学员 "), "{reply:?}");
    });
}

fn name(app: &App, client: &Client) -> Value {
    let user = app.hex(client.user_id.as_deref().unwrap());
    json!(app.database.texts(&format!("SELECT name FROM users WHERE id = {user}"))[0])
}

#[test]
fn a_roll_call_says_who_submitted_and_who_closed_it() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    let instructor = app.instructor(&course.instructor);
    let (submitter, closer) = (name(&app, &instructor), name(&app, &course.coordinator));
    let by = |reply: &Reply| [reply.body["submitted_by"].clone(), reply.body["closed_by"].clone()];
    // What a step is answered is what is read after it, whoever reads.
    let told = |reply: Reply| {
        for client in [&course.coordinator, &instructor] {
            assert_eq!(by(&client.get(&path(&session)).expect(200)), by(&reply));
        }
        by(&reply)
    };
    let lines = json!({ "entries": all_present(&members) });
    assert_eq!(told(instructor.put(&path(&session), lines.clone()).expect(200)), [Value::Null, Value::Null]);
    let submit = format!("{}/submit", path(&session));
    assert_eq!(told(instructor.post(&submit, json!({})).expect(200)), [submitter.clone(), Value::Null]);
    assert_eq!(told(course.coordinator.if_match("*").put(&path(&session), lines).expect(200)), [submitter.clone(), Value::Null]);
    let step = |step: &str| seed::step_roll_call(&course, &session, step, Some("to look again")).expect(200);
    assert_eq!(told(step("close")), [submitter.clone(), closer.clone()]);
    assert_eq!(told(step("reopen")), [Value::Null, Value::Null]);
    // Whoever closes what nobody submitted does both.
    assert_eq!(told(step("close")), [closer.clone(), closer.clone()]);
    step("reopen");
    instructor.post(&submit, json!({})).expect(200);
    assert_eq!(told(step("close")), [submitter, closer]);
}
