use serde_json::{Value, json};

use super::{all_present, class};
use crate::support::{Client, Reply, seed, spawn_app};

/// The sessions whose roll calls are listed: code, state of the session, of the roll call, how many owe it and were called.
fn listed(client: &Client, query: &str) -> Vec<Value> {
    let line = |one: &Value| json!([one["code"], one["session_state"], one["state"], one["expected"], one["called"]]);
    client.get(&format!("/roll-calls?{query}")).expect(200).items().iter().map(line).collect()
}

#[test]
fn what_has_begun_and_is_not_closed_is_left_to_do() {
    let app = spawn_app();
    let (course, members, held) = class(&app);
    course.coordinator.if_match("*").patch(&format!("/intakes/{}", course.intake), json!({ "closes_on": "2099-12-31" })).expect(200);
    seed::put_roll_call(&course, &held, &all_present(&members)[..2]).expect(200);
    let closed = seed::closed_session(&course, "MET-02", &seed::morning(2), &all_present(&members));
    seed::published_session(&course, "MET-03", &seed::morning(3));
    seed::session(&course, "MET-04", &seed::morning(4));
    seed::published_session(&course, "LATER", "2099-06-01T01:00:00Z");
    let cancelled = seed::published_session(&course, "MET-05", &seed::morning(5));
    course.coordinator.post(&format!("/sessions/{cancelled}/cancel"), json!({ "reason": "no teacher" })).expect(200);

    let left = [json!(["MET-01", "held", "open", 3, 2]), json!(["MET-03", "published", "not_open", 3, 0])];
    assert_eq!(listed(&course.coordinator, "open=true"), left);
    let done = json!(["MET-02", "held", "closed", 3, 3]);
    assert_eq!(listed(&course.coordinator, &format!("open=false&intake_id={}", course.intake)), std::slice::from_ref(&done));
    assert_eq!(listed(&course.coordinator, &format!("intake_id={}", course.intake)), [left[0].clone(), done, left[1].clone()]);

    seed::step_roll_call(&course, &closed, "reopen", Some("a sick note")).expect(200);
    assert_eq!(listed(&course.coordinator, "open=true")[1], json!(["MET-02", "held", "reopened", 3, 3]));
    assert_eq!(listed(&course.coordinator, &format!("open=false&intake_id={}", course.intake)), [json!(null); 0]);
}

#[test]
fn pages_follow_the_planned_start_and_meet_without_a_gap() {
    let app = spawn_app();
    let (course, ..) = class(&app);
    seed::published_session(&course, "MET-03", &seed::morning(3));
    seed::published_session(&course, "MET-02", &seed::morning(2));
    let first = course.coordinator.get("/roll-calls?open=true&limit=2").expect(200);
    let codes = |reply: &Reply| reply.items().iter().map(|one| one["code"].clone()).collect::<Vec<Value>>();
    assert_eq!(codes(&first), ["MET-01", "MET-02"]);
    let next = first.body["next"].as_str().unwrap();
    assert_eq!(codes(&course.coordinator.get(&format!("/roll-calls?open=true&limit=2&cursor={next}")).expect(200)), ["MET-03"]);
    course.coordinator.get("/roll-calls?open=true&cursor=1").expect(400).problem("cursor_malformed");
    course.coordinator.get("/roll-calls?open=perhaps").expect(400);
    for everything in ["/roll-calls", "/roll-calls?open=false"] {
        course.coordinator.get(everything).expect(400).problem("intake_missing");
    }
}

#[test]
fn each_sees_the_roll_calls_of_the_own_sessions() {
    let app = spawn_app();
    let (course, ..) = class(&app);
    assert_eq!(listed(&app.instructor(&course.instructor), "open=true"), listed(&course.coordinator, "open=true"));
    let stranger = seed::instructor(&app, &course.coordinator, "P-9");
    for client in [app.instructor(&stranger), app.class_adviser(&stranger)] {
        assert_eq!(listed(&client, "open=true"), [json!(null); 0]);
    }
    assert_eq!(listed(&course.coordinator, &format!("intake_id={}", app.absent_id())), [json!(null); 0]);
    app.partner(&course.sponsor.id).get("/roll-calls?open=true").expect(403).problem("forbidden");
}

#[test]
fn roll_calls_are_listed_by_state_and_by_the_code_of_the_session() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    let second = seed::held_session(&course, "MET-02", &seed::morning(2));
    let closed = seed::closed_session(&course, "MET-03", &seed::morning(3), &all_present(&members));
    let codes = |query: &str| course.coordinator.get(&format!("/roll-calls?{query}")).expect(200).column("code");
    assert_eq!(codes("state=not_open"), ["MET-01", "MET-02"]);
    seed::put_roll_call(&course, &session, &all_present(&members)).expect(200);
    seed::put_roll_call(&course, &second, &all_present(&members)).expect(200);
    seed::step_roll_call(&course, &second, "submit", None).expect(200);
    assert_eq!((codes("state=open"), codes("state=submitted")), (vec!["MET-01".to_owned()], vec!["MET-02".to_owned()]));
    assert_eq!(codes("state=not_open"), Vec::<String>::new());
    assert_eq!((codes("open=true&code=MET-02"), codes("open=true&code=MET-03")), (vec!["MET-02".to_owned()], vec![]));
    let of_intake = |query: &str| codes(&format!("{query}&intake_id={}", course.intake));
    assert_eq!((of_intake("state=closed"), of_intake("open=false&state=open")), (vec!["MET-03".to_owned()], vec![]));
    seed::step_roll_call(&course, &closed, "reopen", Some("a sick note")).expect(200);
    assert_eq!((codes("state=reopened"), of_intake("state=closed")), (vec!["MET-03".to_owned()], vec![]));
    course.coordinator.get("/roll-calls?state=closed").expect(400).problem("intake_missing");
    course.coordinator.get("/roll-calls?state=shut").expect(400).problem("query_malformed");
}
