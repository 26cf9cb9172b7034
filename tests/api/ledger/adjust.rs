use serde_json::{Value, json};

use crate::support::{App, Reply, seed, seed::Course, seed::Enrolled, spawn_app};

/// Two trainees of a session of 90 minutes; the first missed 60 of them, the second none.
fn class(app: &App) -> (Course, Vec<Enrolled>, String) {
    let course = seed::course(app);
    let members = seed::enrolled(&course, 2);
    let lines = [seed::line_of(&members[0], "late", 30), seed::line(&members[1], "present")];
    let session = seed::closed_session(&course, "MET-01", &seed::morning(1), &lines);
    (course, members, session)
}

fn adjust(course: &Course, member: &Enrolled, body: Value) -> Reply {
    course.coordinator.post(&format!("/enrollments/{}/hours", member.id), body)
}

fn in_session(session: &str, minutes: i64) -> Value {
    json!({ "session_id": session, "minutes": minutes, "reason": "was at the blast furnace by order" })
}

fn in_module(course: &Course, minutes: i64) -> Value {
    json!({ "module_id": course.program.metallurgy_module, "minutes": minutes, "reason": "was at the blast furnace by order" })
}

fn reverse(course: &Course, entry: &str) -> Reply {
    course.coordinator.post(&format!("/hour-entries/{entry}/reverse"), json!({ "reason": "of a namesake" }))
}

/// What the report says: expected and present minutes.
fn progress(course: &Course, member: &Enrolled) -> (i64, i64) {
    let row = course.coordinator.get(&format!("/enrollments/{}/progress", member.id)).expect(200).body;
    (row["expected_minutes"].as_i64().unwrap(), row["present_minutes"].as_i64().unwrap())
}

#[test]
fn an_adjustment_counts_as_present_and_says_who_and_why() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    let entry = adjust(&course, &members[0], in_session(&session, 45)).expect(201);
    assert_eq!((entry.text_at("/kind"), entry.body["minutes"].as_i64()), ("adjustment".to_owned(), Some(45)));
    assert_eq!(entry.text_at("/reason"), "was at the blast furnace by order");
    assert_eq!(entry.body["user_id"], course.coordinator.user_id.clone().unwrap());
    assert_eq!(progress(&course, &members[0]), (90, 75));
    adjust(&course, &members[0], in_module(&course, -5)).expect(201);
    assert_eq!(progress(&course, &members[0]), (90, 70));
    assert_eq!(progress(&course, &members[1]), (90, 90));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn what_is_present_stays_between_nothing_and_what_is_owed() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    let refused = |body: Value| adjust(&course, &members[0], body).expect(409).problem("hours_out_of_bounds");
    app.unchanged(|| refused(in_session(&session, 61)));
    app.unchanged(|| refused(in_session(&session, -31)));
    app.unchanged(|| refused(in_module(&course, 61)));
    app.unchanged(|| refused(in_module(&course, i64::from(i32::MAX))));
    adjust(&course, &members[0], in_session(&session, 60)).expect(201);
    app.unchanged(|| refused(in_module(&course, 1)));
    // Another session's absence gives room in the module, but not in a session that is full.
    let lines = [seed::line(&members[0], "absent"), seed::line(&members[1], "present")];
    seed::closed_session(&course, "MET-02", &seed::morning(2), &lines);
    app.unchanged(|| refused(in_session(&session, 1)));
    adjust(&course, &members[0], in_module(&course, 90)).expect(201);
    assert_eq!(progress(&course, &members[0]), (180, 180));
}

#[test]
fn what_was_posted_by_hand_is_taken_back_once() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    let entry = adjust(&course, &members[0], in_session(&session, 45)).expect(201).id();
    let back = reverse(&course, &entry).expect(201);
    assert_eq!((back.body["minutes"].as_i64(), back.text_at("/reverses_id")), (Some(-45), entry.clone()));
    assert_eq!(progress(&course, &members[0]), (90, 30));
    app.unchanged(|| reverse(&course, &entry).expect(409).problem("already_reversed"));
    app.unchanged(|| reverse(&course, &back.id()).expect(409).problem("already_reversed"));
    let hours = course.coordinator.get(&format!("/enrollments/{}/hours", members[1].id)).expect(200);
    app.unchanged(|| reverse(&course, hours.items()[0]["id"].as_str().unwrap()).expect(409).problem("posted_by_a_closing"));
    reverse(&course, &app.absent_id()).expect(404);
    course.coordinator.post(&format!("/hour-entries/{entry}/reverse"), json!({})).fault("/reason", "missing_field");
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_deduction_that_an_addition_rests_on_stays_until_that_is_taken_back() {
    let app = spawn_app();
    let (course, members, _) = class(&app);
    let less = adjust(&course, &members[1], in_module(&course, -20)).expect(201).id();
    let more = adjust(&course, &members[1], in_module(&course, 20)).expect(201).id();
    app.unchanged(|| reverse(&course, &less).expect(409).problem("hours_out_of_bounds"));
    reverse(&course, &more).expect(201);
    reverse(&course, &less).expect(201);
    assert_eq!(progress(&course, &members[1]), (90, 90));
}

#[test]
fn a_roll_call_is_not_closed_over_what_was_credited_for_it() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    let entry = adjust(&course, &members[0], in_session(&session, 60)).expect(201).id();
    seed::step_roll_call(&course, &session, "reopen", Some("he was there after all")).expect(200);
    let lines = [seed::line_of(&members[0], "late", 40), seed::line(&members[1], "present")];
    seed::put_roll_call(&course, &session, &lines).expect(200);
    let explain = || course.coordinator.get(&format!("/sessions/{session}/roll-call/explain")).expect(200).body["obstacles"].clone();
    let amounts =
        [("attended", 40), ("missed", 50), ("adjusted or made up", 60)].map(|(name, minutes)| json!({ "name": name, "minutes": minutes }));
    assert_eq!((&explain()[0]["code"], &explain()[0]["enrollment_id"]), (&json!("hours_out_of_bounds"), &json!(members[0].id)));
    assert_eq!(explain()[0]["amounts"], json!(amounts));
    let refused = app.unchanged(|| seed::step_roll_call(&course, &session, "close", None).expect(409));
    let detail = refused.problem("hours_out_of_bounds").text_at("/detail");
    assert!(
        detail.starts_with("学员 ")
            && detail.contains(&members[0].id)
            && detail.contains("missed 50 minutes of session MET-01, with 60 minutes adjusted"),
        "{detail}"
    );
    reverse(&course, &entry).expect(201);
    assert_eq!(explain(), json!([]));
    // Nor over what was credited for its module.
    let entry = adjust(&course, &members[0], in_module(&course, 60)).expect(201).id();
    assert_eq!((&explain()[0]["code"], &explain()[0]["amounts"]), (&json!("hours_out_of_bounds"), &json!(amounts)));
    let refused = app.unchanged(|| seed::step_roll_call(&course, &session, "close", None).expect(409));
    assert_eq!(refused.problem("hours_out_of_bounds").body["detail"], explain()[0]["detail"]);
    // Whoever only calls the roll is not told of hours.
    let withheld =
        &app.instructor(&course.instructor).get(&format!("/sessions/{session}/roll-call/explain")).expect(200).body["obstacles"][0];
    assert_eq!((&withheld["code"], &withheld["enrollment_id"]), (&json!("hours_out_of_bounds"), &json!(null)));
    assert!(withheld["amounts"].as_array().unwrap().is_empty() && !withheld.to_string().contains("minutes"), "{withheld}");
    reverse(&course, &entry).expect(201);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    assert_eq!(progress(&course, &members[0]), (90, 40));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn an_adjustment_names_a_closed_session_or_a_module_of_the_enrollment() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    let open = seed::held_session(&course, "MET-02", &seed::morning(2));
    let fault = |body: Value, pointer: &str, code: &str| {
        app.unchanged(|| adjust(&course, &members[0], body).expect(422)).fault(pointer, code);
    };
    fault(in_session(&open, 10), "/session_id", "not_posted");
    fault(in_session(&app.absent_id(), 10), "/session_id", "not_posted");
    fault(json!({ "module_id": app.absent_id(), "minutes": 10, "reason": "so" }), "/module_id", "unknown_module");
    fault(json!({ "minutes": 10, "reason": "so" }), "/module_id", "missing_field");
    fault(
        json!({ "module_id": course.program.metallurgy_module, "session_id": session, "minutes": 10, "reason": "so" }),
        "/module_id",
        "named_twice",
    );
    fault(in_session(&session, 0), "/minutes", "out_of_range");
    fault(json!({ "session_id": session, "minutes": 10 }), "/reason", "missing_field");
    fault(json!({ "session_id": session, "minutes": 10, "reason": " " }), "/reason", "text_empty");
    adjust(&course, &members[0], in_module(&course, 1)).expect(201);
    app.partner(&course.sponsor.id).post(&format!("/enrollments/{}/hours", members[0].id), in_session(&session, 1)).expect(403);
}

#[test]
fn the_hours_of_a_completed_intake_stay() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    let entry = adjust(&course, &members[0], in_session(&session, 5)).expect(201).id();
    for member in &members {
        course.coordinator.post(&format!("/enrollments/{}/complete", member.id), json!({})).expect(200);
    }
    course.coordinator.post(&format!("/intakes/{}/start", course.intake), json!({})).expect(200);
    course.coordinator.post(&format!("/intakes/{}/complete", course.intake), json!({})).expect(200);
    app.unchanged(|| adjust(&course, &members[0], in_session(&session, 5)).expect(409).problem("intake_not_live"));
    app.unchanged(|| reverse(&course, &entry).expect(409).problem("intake_not_live"));
}

#[test]
fn what_was_credited_for_one_session_does_not_hide_another_that_was_missed() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    let lines = [seed::line(&members[0], "absent"), seed::line(&members[1], "present")];
    seed::closed_session(&course, "MET-02", &seed::morning(2), &lines);
    adjust(&course, &members[0], in_session(&session, 60)).expect(201);
    // The module has room for it in the session that was missed, but this session has not.
    seed::step_roll_call(&course, &session, "reopen", Some("he was there after all")).expect(200);
    let lines = [seed::line(&members[0], "present"), seed::line(&members[1], "present")];
    seed::put_roll_call(&course, &session, &lines).expect(200);
    let refused = app.unchanged(|| seed::step_roll_call(&course, &session, "close", None).expect(409));
    let detail = refused.problem("hours_out_of_bounds").text_at("/detail");
    assert!(detail.contains("missed 0 minutes of session MET-01, with 60 minutes adjusted"), "{detail}");

    seed::put_roll_call(&course, &session, &[seed::line_of(&members[0], "late", 30), seed::line(&members[1], "present")]).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    let back = adjust(&course, &members[0], in_session(&session, -60)).expect(201).id();
    adjust(&course, &members[0], in_session(&session, 60)).expect(201);
    app.unchanged(|| reverse(&course, &back).expect(409).problem("hours_out_of_bounds"));
    assert_eq!(progress(&course, &members[0]), (180, 90));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn an_adjustment_is_explained_by_what_it_fits_into_and_who_posted_it() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    let entry = adjust(&course, &members[0], in_session(&session, 20)).expect(201).id();
    let path = format!("/hour-entries/{entry}/explain");
    let why = course.coordinator.get(&path).expect(200).body;
    let (expected, present) = progress(&course, &members[0]);
    let amounts = [
        ("expected in the module", expected),
        ("present in the module by now, with it", present),
        ("expected in the session", expected),
        ("present in the session by now, with it", present),
    ];
    assert_eq!(why["amounts"], json!(amounts.map(|(name, minutes)| json!({ "name": name, "minutes": minutes }))));
    assert!(why["posted_by"].is_string() && why["entry"]["user_id"].is_string(), "{why}");
    // To a partner neither the user nor their name.
    let told = app.partner(&course.sponsor.id).get(&path).expect(200).body;
    assert_eq!((&told["posted_by"], &told["entry"]["user_id"], &told["amounts"]), (&Value::Null, &Value::Null, &why["amounts"]));
}

#[test]
fn a_refusal_says_which_minutes_do_not_fit_and_which_session_a_guest_means() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    let told = |member: &Enrolled, body: Value| app.unchanged(|| adjust(&course, member, body)).body;
    // 30 of 90 minutes were there.
    let detail = |minutes: i64| told(&members[0], in_session(&session, minutes))["detail"].as_str().unwrap().to_owned();
    let of_module = "of the module 90 minutes are expected and 30 minutes present; with ";
    assert_eq!(detail(-4385), format!("{of_module}4385 minutes less, 4355 minutes less than nothing would be present"));
    assert_eq!(detail(61), format!("{of_module}61 minutes more, 1 minute more than are expected would be present"));
    let mechanic = seed::enrolled_at(&course, &course.sponsor.plants[0], (&course.program.mechanics, &course.mechanics), 1).remove(0);
    let common = |code: &str, day: u32, cohort: &str| {
        let mut body = seed::session_body(&course, code, &seed::morning(day));
        (body["module_id"], body["cohort_ids"]) = (json!(course.program.common_module), json!([cohort]));
        seed::held_session_as(&course, body)
    };
    let (missed, visited) = (common("COM-1", 4, &course.mechanics), common("COM-2", 5, &course.metallurgy));
    let invitation = json!({ "enrollment_id": mechanic.id, "missed_session_id": missed });
    course.coordinator.post(&format!("/sessions/{visited}/guests"), invitation).expect(201);
    let fault = |session: &str| told(&mechanic, in_session(session, 10))["errors"][0]["detail"].as_str().unwrap().to_owned();
    let counts = format!("what is made up counts in session COM-1, so name that one ({missed})");
    assert!(fault(&visited).ends_with(&counts), "{}", fault(&visited));
    assert!(fault(&missed).starts_with("no closed roll call of such a session names this enrollment; name one that it owed"));
}
