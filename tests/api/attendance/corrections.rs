//! `/sessions/{id}/correction-requests` and `/correction-requests`.

use serde_json::{Value, json};

use crate::support::{App, Client, Reply, seed, seed::Course, seed::Enrolled, spawn_app};

/// A class of two that was absent from a closed session.
fn taught(app: &App) -> (Course, Vec<Enrolled>, String) {
    let course = seed::course(app);
    let members = seed::enrolled(&course, 2);
    let lines: Vec<Value> = members.iter().map(|member| seed::line(member, "absent")).collect();
    let session = seed::closed_session(&course, "MET-1", &seed::morning(1), &lines);
    (course, members, session)
}

fn late(member: &Enrolled) -> Value {
    json!({ "enrollment_id": member.id, "code": "late", "minutes": 70, "statement": "the link did not open" })
}

fn ask(client: &Client, session: &str, body: Value) -> Reply {
    client.post(&format!("/sessions/{session}/correction-requests"), body)
}

fn step(client: &Client, request: &str, step: &str, reason: Option<&str>) -> Reply {
    client.post(&format!("/correction-requests/{request}/{step}"), json!({ "reason": reason }))
}

fn minutes(course: &Course, member: &Enrolled) -> [i64; 2] {
    let balance = course.coordinator.get(&format!("/enrollments/{}/hours", member.id)).expect(200).body["balance"].clone();
    ["attended_minutes", "unauthorized_absence_minutes"].map(|kind| balance[kind].as_i64().unwrap())
}

#[test]
fn a_correction_that_is_accepted_is_posted_in_the_place_of_what_was() {
    let app = spawn_app();
    let (course, members, session) = taught(&app);
    let asked = ask(&app.trainee(&members[0].trainee), &session, late(&members[0])).expect(201);
    assert_eq!((&asked.body["state"], &asked.body["role"]), (&json!("asked"), &json!("trainee")));
    assert_eq!(minutes(&course, &members[0]), [0, 90]);
    let accepted = step(&course.coordinator, &asked.id(), "accept", None).expect(200);
    assert_eq!(accepted.body["state"], "accepted");
    assert_eq!((minutes(&course, &members[0]), minutes(&course, &members[1])), ([70, 20], [0, 90]));
    let roll_call = course.coordinator.get(&format!("/sessions/{session}/roll-call")).expect(200);
    assert_eq!((&roll_call.body["state"], &roll_call.body["closings"]), (&json!("closed"), &json!(2)));
    // Two absences at first; one is taken back and posted in two parts.
    assert_eq!(app.count("SELECT count(*) FROM hour_entries"), 5);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_correction_that_fits_no_more_is_refused_with_why() {
    let app = spawn_app();
    let (course, members, session) = taught(&app);
    let asked = ask(&app.trainee(&members[0].trainee), &session, late(&members[0])).expect(201);
    seed::step_roll_call(&course, &session, "reopen", Some("over earlier")).expect(200);
    let shorter = json!({ "ends_at": seed::after(&seed::morning(1), 60), "difference_reason": "over earlier" });
    course.coordinator.if_match("*").patch(&format!("/sessions/{session}/hold"), shorter).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    let refused = app.unchanged(|| step(&course.coordinator, &asked.id(), "accept", None).expect(409).problem("correction_does_not_fit"));
    assert!(refused.text_at("/detail").contains("the session has 60 minutes"), "{}", refused.text);
    step(&course.coordinator, &asked.id(), "refuse", Some("it was over by then")).expect(200);
}

#[test]
fn segments_that_are_asked_for_count_in_the_session_as_it_is_held_by_then() {
    let app = spawn_app();
    let (course, members, session) = taught(&app);
    let segments = json!([{ "starts_at": "2020-06-02T09:40", "ends_at": "2020-06-02T10:20" }]);
    let body = json!({ "enrollment_id": members[0].id, "code": "late", "segments": segments, "statement": "the link did not open" });
    let asked = ask(&app.trainee(&members[0].trainee), &session, body).expect(201);
    assert_eq!(asked.body["minutes"], 40);
    seed::step_roll_call(&course, &session, "reopen", Some("over earlier")).expect(200);
    let shorter = json!({ "ends_at": seed::after(&seed::morning(1), 60), "difference_reason": "over earlier" });
    course.coordinator.if_match("*").patch(&format!("/sessions/{session}/hold"), shorter).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    step(&course.coordinator, &asked.id(), "accept", None).expect(200);
    assert_eq!(minutes(&course, &members[0]), [20, 40]);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_correction_says_what_a_roll_call_may_say() {
    let app = spawn_app();
    let (course, members, session) = taught(&app);
    let stranger = seed::enrolled_at(&course, &course.sponsor.plants[0], (&course.program.mechanics, &course.mechanics), 1).remove(0);
    let with = |field: &str, value: Value| {
        let mut body = late(&members[0]);
        body[field] = value;
        body
    };
    app.unchanged(|| {
        ask(&course.coordinator, &session, with("minutes", json!(91))).fault("/minutes", "minutes_above_session");
        ask(&course.coordinator, &session, with("minutes", Value::Null)).fault("/minutes", "minutes_missing");
        ask(&course.coordinator, &session, late(&stranger)).fault("/enrollment_id", "not_called");
        // Of somebody else one does not even learn that they were called.
        ask(&app.trainee(&members[0].trainee), &session, late(&members[1])).fault("/enrollment_id", "not_called");
    });
    let mut body = with("minutes", Value::Null);
    body["segments"] = json!([{ "starts_at": "2020-06-02T09:10", "ends_at": "2020-06-02T09:40" }]);
    app.unchanged(|| {
        let mut other = body.clone();
        other["minutes"] = json!(31);
        ask(&course.coordinator, &session, other).fault("/minutes", "minutes_contradict_segments");
    });
    body["minutes"] = json!(30);
    let asked = ask(&course.coordinator, &session, body).expect(201);
    assert_eq!(asked.body["minutes"], 30);
    step(&course.coordinator, &asked.id(), "accept", Some("the host confirms it")).expect(200);
    assert_eq!(minutes(&course, &members[0]), [30, 60]);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_correction_has_as_many_segments_as_a_line_and_a_partner_is_told_the_minutes_alone() {
    let app = spawn_app();
    let (course, members, session) = taught(&app);
    let second = |second: i64| format!("2020-06-02T01:{:02}:{:02}Z", second / 60, second % 60);
    let segments: Vec<Value> = (0..400).map(|index| json!({ "starts_at": second(9 * index), "ends_at": second(9 * index + 3) })).collect();
    let mut body = late(&members[0]);
    (body["minutes"], body["segments"]) = (Value::Null, json!(segments));
    let asked = ask(&app.trainee(&members[0].trainee), &session, body).expect(201);
    assert_eq!((&asked.body["minutes"], asked.body["segments"].as_array().unwrap().len()), (&json!(20), 400));
    let told = app.partner(&course.sponsor.id).get(&format!("/correction-requests/{}", asked.id())).expect(200).body;
    assert_eq!((&told["minutes"], &told["segments"]), (&json!(20), &Value::Null));
}

#[test]
fn one_correction_of_a_line_waits_at_a_time() {
    let app = spawn_app();
    let (course, members, session) = taught(&app);
    let (trainee, partner) = (app.trainee(&members[0].trainee), app.partner(&course.sponsor.id));
    let first = ask(&trainee, &session, late(&members[0])).expect(201).id();
    app.unchanged(|| {
        ask(&partner, &session, late(&members[0])).expect(409).problem("already_asked");
        step(&partner, &first, "withdraw", None).expect(403).problem("forbidden");
        step(&trainee, &first, "accept", None).expect(403).problem("forbidden");
        step(&course.coordinator, &first, "refuse", None).fault("/reason", "reason_missing");
    });
    ask(&partner, &session, late(&members[1])).expect(201);
    step(&trainee, &first, "withdraw", None).expect(200);
    let second = ask(&partner, &session, late(&members[0])).expect(201).id();
    step(&course.coordinator, &second, "refuse", Some("the camera was off")).expect(200);
    app.unchanged(|| step(&course.coordinator, &second, "accept", None).expect(409).problem("illegal_transition"));
    assert_eq!(minutes(&course, &members[0]), [0, 90]);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn the_time_for_it_is_what_the_intake_said_at_the_closing() {
    let app = spawn_app();
    let (course, members, session) = taught(&app);
    let lines: Vec<Value> = members.iter().map(|member| seed::line(member, "absent")).collect();
    let trainee = app.trainee(&members[0].trainee);
    let path = format!("/intakes/{}", course.intake);
    assert_eq!(course.coordinator.get(&path).expect(200).body["correction_days"], 7);
    for (days, session_code, day) in [(json!(0), "MET-2", 2), (Value::Null, "MET-3", 3)] {
        course.coordinator.if_match("*").patch(&path, json!({ "correction_days": days })).expect(200);
        let session = seed::closed_session(&course, session_code, &seed::morning(day), &lines);
        app.unchanged(|| ask(&trainee, &session, late(&members[0])).expect(409).problem("correction_window_over"));
        // A coordinator heard of it by telephone.
        ask(&course.coordinator, &session, late(&members[0])).expect(201);
    }
    // What was closed before keeps its week.
    ask(&trainee, &session, late(&members[0])).expect(201);
    course.coordinator.if_match("*").patch(&path, json!({ "correction_days": 367 })).fault("/correction_days", "out_of_range");
}

#[test]
fn only_what_is_closed_is_corrected_by_a_request() {
    let app = spawn_app();
    let (course, members, session) = taught(&app);
    let trainee = app.trainee(&members[0].trainee);
    let first = ask(&trainee, &session, late(&members[0])).expect(201).id();
    seed::step_roll_call(&course, &session, "reopen", Some("to look again")).expect(200);
    app.unchanged(|| {
        ask(&trainee, &session, late(&members[1])).expect(409).problem("roll_call_not_closed");
        step(&course.coordinator, &first, "accept", None).expect(409).problem("illegal_transition");
    });
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    step(&course.coordinator, &first, "accept", None).expect(200);
    assert_eq!(minutes(&course, &members[0]), [70, 20]);
}

#[test]
fn a_guest_who_was_dismissed_since_is_not_corrected() {
    let app = spawn_app();
    let (course, members, _) = taught(&app);
    let mechanic = seed::enrolled_at(&course, &course.sponsor.plants[0], (&course.program.mechanics, &course.mechanics), 1).remove(0);
    let common = |code: &str, day: u32, cohort: &str, line: Value| {
        let mut body = seed::session_body(&course, code, &seed::morning(day));
        (body["module_id"], body["cohort_ids"]) = (json!(course.program.common_module), json!([cohort]));
        let session = seed::held_session_as(&course, body);
        (session, line)
    };
    let (missed, line) = common("COM-1", 4, &course.mechanics, seed::line(&mechanic, "absent"));
    seed::put_roll_call(&course, &missed, &[line]).expect(200);
    seed::step_roll_call(&course, &missed, "close", None).expect(200);
    let (session, guest) = common("COM-2", 5, &course.metallurgy, seed::line(&mechanic, "present"));
    let invitation = json!({ "enrollment_id": mechanic.id, "missed_session_id": missed });
    course.coordinator.post(&format!("/sessions/{session}/guests"), invitation).expect(201);
    let own: Vec<Value> = members.iter().map(|member| seed::line(member, "present")).collect();
    seed::put_roll_call(&course, &session, &[own.clone(), vec![guest]].concat()).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    let request = ask(&app.trainee(&mechanic.trainee), &session, late(&mechanic)).expect(201).id();
    seed::step_roll_call(&course, &session, "reopen", Some("was not there")).expect(200);
    let dismissed = format!("/sessions/{session}/guests/{}/dismiss", mechanic.id);
    course.coordinator.post(&dismissed, json!({ "reason": "was not there" })).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    app.unchanged(|| step(&course.coordinator, &request, "accept", None).expect(409).problem("not_called"));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn why_is_told_to_whom_it_concerns() {
    let app = spawn_app();
    let (course, members, session) = taught(&app);
    let partner = app.partner(&course.sponsor.id);
    let of_trainee = ask(&app.trainee(&members[0].trainee), &session, late(&members[0])).expect(201).id();
    let of_partner = ask(&partner, &session, late(&members[1])).expect(201).id();
    let told = |client: &Client, id: &str| client.get(&format!("/correction-requests/{id}")).expect(200).body["statement"].clone();
    let said = json!("the link did not open");
    assert_eq!((told(&course.coordinator, &of_trainee), told(&partner, &of_partner)), (said.clone(), said));
    assert_eq!((told(&partner, &of_trainee), told(&app.instructor(&course.instructor), &of_trainee)), (Value::Null, Value::Null));
    let path = format!("/intakes/{}/correction-requests", course.intake);
    assert_eq!(app.trainee(&members[0].trainee).get(&path).expect(200).column("id"), std::slice::from_ref(&of_trainee));
    assert_eq!(partner.get(&format!("{path}?state=asked")).expect(200).column("id"), [of_trainee.clone(), of_partner]);
    assert_eq!(partner.get(&format!("{path}?state=refused")).expect(200).column("id"), Vec::<String>::new());
    assert_eq!(partner.get(&format!("{path}?state=asked&code=MET-1")).expect(200).items().len(), 2);
    assert_eq!(partner.get(&format!("{path}?code=MET-2")).expect(200).column("id"), Vec::<String>::new());
    // Nor do those read it whom the closing concerns, or who call the roll.
    step(&course.coordinator, &of_trainee, "accept", None).expect(200);
    for path in [format!("/sessions/{session}/roll-call"), format!("/enrollments/{}/hours", members[0].id)] {
        assert!(!course.coordinator.get(&path).expect(200).text.contains("the link did not open"), "{path}");
    }
}

#[test]
fn an_intake_is_not_completed_while_a_correction_waits() {
    let app = spawn_app();
    let (course, members, session) = taught(&app);
    let id = ask(&course.coordinator, &session, late(&members[0])).expect(201).id();
    course.coordinator.post(&format!("/intakes/{}/start", course.intake), json!({})).expect(200);
    for member in &members {
        course.coordinator.post(&format!("/enrollments/{}/complete", member.id), json!({})).expect(200);
    }
    let complete = || course.coordinator.post(&format!("/intakes/{}/complete", course.intake), json!({}));
    app.unchanged(|| complete().expect(409).problem("corrections_waiting"));
    step(&course.coordinator, &id, "refuse", Some("was not")).expect(200);
    complete().expect(200);
}
