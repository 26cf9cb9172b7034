use insta::assert_json_snapshot;
use serde_json::{Map, Value, json};

use super::{all_present, class, entries, ledger, path};
use crate::support::{seed, spawn_app};

#[test]
fn the_whole_class_is_called_in_one_request() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    let mut late = seed::line_of(&members[1], "late", 75);
    late["mode"] = json!("online");
    let mut excused = seed::line(&members[2], "excused");
    excused["note"] = json!("called to the plant\nby the shift leader");
    let body = json!({ "entries": [seed::line(&members[0], "present"), late, excused] });
    // The first call has no state that could be stale.
    let reply = course.coordinator.put(&path(&session), body).expect(200);
    assert_json_snapshot!(reply.redacted());
    assert_eq!(course.coordinator.get(&path(&session)).expect(200).body, reply.body);
}

#[test]
fn the_same_roll_call_put_again_changes_nothing() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    let mut lines = all_present(&members);
    let first = seed::put_roll_call(&course, &session, &lines).expect(200);
    app.unchanged(|| {
        lines.reverse();
        // Without a tag: nothing would be lost.
        let again = course.coordinator.put(&path(&session), json!({ "entries": lines })).expect(200);
        assert_eq!((again.etag(), again.body), (first.etag(), first.body.clone()));
    });
}

#[test]
fn a_roll_call_is_replaced_as_a_whole() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    seed::put_roll_call(&course, &session, &all_present(&members)).expect(200);
    let reply = seed::put_roll_call(&course, &session, &[seed::line(&members[2], "absent")]).expect(200);
    let codes: Vec<&Value> = reply.body["entries"].as_array().unwrap().iter().map(|line| &line["code"]).collect();
    assert_eq!(codes, [&json!(null), &json!(null), &json!("absent")]);
    assert_eq!(app.count("SELECT count(*) FROM attendances"), 1);
    seed::put_roll_call(&course, &session, &[]).expect(200);
    assert_eq!(app.count("SELECT count(*) FROM attendances"), 0);
}

#[test]
fn the_journal_says_which_lines_changed() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    seed::put_roll_call(&course, &session, &all_present(&members)).expect(200);
    let mut lines = all_present(&members);
    lines[1] = seed::line_of(&members[1], "left_early", 40);
    seed::put_roll_call(&course, &session, &lines).expect(200);
    let audit = app.auditor().get(&format!("/audit?subject_id={session}&action=roll_call.put")).expect(200);
    let entry = &audit.items()[1];
    let code = |side: &str| entry[side].as_array().unwrap().iter().map(|line| line["code"].clone()).collect::<Vec<_>>();
    assert_eq!((code("from"), code("to")), (vec![json!("present")], vec![json!("left_early")]));
    assert_eq!(entry["to"][0]["enrollment_id"], members[1].id.as_str());
}

#[test]
fn a_session_that_is_not_to_take_place_has_no_roll_call() {
    let app = spawn_app();
    let (course, members, _) = class(&app);
    let draft = seed::session(&course, "MET-02", &seed::morning(2));
    let cancelled = seed::published_session(&course, "MET-03", &seed::morning(3));
    course.coordinator.post(&format!("/sessions/{cancelled}/cancel"), json!({ "reason": "storm" })).expect(200);
    app.unchanged(|| {
        for session in [draft, cancelled] {
            seed::put_roll_call(&course, &session, &all_present(&members)).expect(409).problem("session_not_published");
        }
    });
}

#[test]
fn the_roll_is_called_while_the_session_runs() {
    let app = spawn_app();
    let (course, members, _) = class(&app);
    // Published and begun, not yet confirmed as held: the minutes are the planned ones.
    let session = seed::published_session(&course, "MET-02", &seed::morning(2));
    let reply = seed::put_roll_call(&course, &session, &all_present(&members)).expect(200);
    assert_eq!((&reply.body["state"], &reply.body["minutes"]), (&json!("open"), &json!(90)));
}

#[test]
fn the_instructor_and_the_class_adviser_call_the_roll_too() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (adviser, cohort) = seed::advised_cohort(&app, &course);
    let members = seed::enrolled_at(&course, &course.sponsor.id, (&course.program.metallurgy, &cohort), 2);
    let mut body = seed::session_body(&course, "MET-01", &seed::morning(1));
    body["cohort_ids"] = json!([cohort]);
    let session = seed::held_session_as(&course, body);
    let put = json!({ "entries": all_present(&members) });
    app.instructor(&course.instructor).put(&path(&session), put.clone()).expect(200);
    app.class_adviser(&adviser).put(&path(&session), put.clone()).expect(200);
    for client in [app.partner(&course.sponsor.id), app.trainee(&members[0].trainee), app.auditor()] {
        client.put(&path(&session), put.clone()).expect(403).problem("forbidden");
    }
    let stranger = seed::instructor(&app, &course.coordinator, "P-9");
    app.instructor(&stranger).put(&path(&session), put).expect(404);
}

#[test]
fn what_others_called_of_their_cohorts_stays_when_an_adviser_calls_the_own() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (adviser, cohort) = seed::advised_cohort(&app, &course);
    let own = seed::enrolled_at(&course, &course.sponsor.id, (&course.program.metallurgy, &cohort), 1).remove(0);
    let other = seed::enrolled(&course, 1).remove(0);
    let mut body = seed::session_body(&course, "MET-01", &seed::morning(1));
    body["cohort_ids"] = json!([cohort, course.metallurgy]);
    let session = seed::held_session_as(&course, body);
    let both = [seed::line(&own, "absent"), seed::line(&other, "present")];
    seed::put_roll_call(&course, &session, &both).expect(200);
    let lines = json!({ "entries": [seed::line(&own, "present")] });
    let put = app.class_adviser(&adviser).if_match("*").put(&path(&session), lines).expect(200);
    assert_eq!(put.body["entries"].as_array().unwrap().len(), 1);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    assert_eq!([&own, &other].map(|one| ledger(&course.coordinator, one)), [(); 2].map(|()| entries(&[("attended", 90)])));
}

#[test]
fn a_stale_roll_call_does_not_overwrite_a_newer_one() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    let first = seed::put_roll_call(&course, &session, &all_present(&members)).expect(200).etag();
    seed::put_roll_call(&course, &session, &[seed::line(&members[0], "absent")]).expect(200);
    let mine = json!({ "entries": [seed::line(&members[0], "excused")] });
    app.unchanged(|| {
        course.coordinator.if_match(&first).put(&path(&session), mine.clone()).expect(412).problem("stale");
        course.coordinator.put(&path(&session), mine).expect(428).problem("if_match_missing");
    });
}

/// A segment of the first morning, from so many minutes and seconds after its start.
fn segment(from: &str, until: &str) -> serde_json::Value {
    json!({ "starts_at": format!("2020-06-02T{from}Z"), "ends_at": format!("2020-06-02T{until}Z") })
}

fn of_segments(enrolled: &crate::support::seed::Enrolled, code: &str, segments: &[serde_json::Value]) -> serde_json::Value {
    json!({ "enrollment_id": enrolled.id, "code": code, "segments": segments })
}

#[test]
fn from_when_to_when_somebody_was_there_comes_to_minutes() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    // From 01:00 to 02:30. Early and late do not count; half a minute does.
    let (early, late) = (segment("00:50:00", "01:20:30"), segment("02:00:00", "02:45:00"));
    let mut lines = all_present(&members);
    lines[0] = of_segments(&members[0], "late", &[late.clone(), early.clone()]);
    lines[1] = of_segments(&members[1], "present", &[segment("01:00:00", "02:30:00")]);
    let reply = seed::put_roll_call(&course, &session, &lines).expect(200);
    let entry = |n: usize| &reply.body["entries"][n];
    assert_eq!((&entry(0)["minutes"], &entry(0)["segments"]), (&json!(51), &json!([early, late])));
    assert_eq!(entry(1)["minutes"], 90);
    // The same again alters nothing, in whatever order.
    let etag = reply.header("etag").to_owned();
    assert_eq!(seed::put_roll_call(&course, &session, &lines).expect(200).header("etag"), etag);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    assert_eq!(ledger(&course.coordinator, &members[0]), entries(&[("attended", 51), ("unauthorized_absence", 39)]));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn segments_count_within_the_session_as_it_was_held() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 2);
    let session = seed::published_session(&course, "MET-01", &seed::morning(1));
    let lines = [of_segments(&members[0], "late", &[segment("01:30:00", "02:30:00")]), seed::line(&members[1], "present")];
    let put = seed::put_roll_call(&course, &session, &lines).expect(200);
    assert_eq!(put.body["entries"][0]["minutes"], 60);
    // It began half an hour late and had a break of ten minutes.
    let held =
        json!({ "starts_at": "2020-06-02T01:30:00Z", "ends_at": "2020-06-02T02:30:00Z", "break_minutes": 10, "difference_reason": "fog" });
    course.coordinator.post(&format!("/sessions/{session}/hold"), held).expect(200);
    let closed = seed::step_roll_call(&course, &session, "close", None).expect(200);
    assert_eq!(closed.body["entries"][0]["minutes"], 50);
    assert_eq!(ledger(&course.coordinator, &members[0]), entries(&[("attended", 50)]));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn segments_that_do_not_fit_are_pointed_at() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    let put = |line: serde_json::Value| seed::put_roll_call(&course, &session, &[line]);
    let whole = segment("01:00:00", "02:30:00");
    app.unchanged(|| {
        let mut both = of_segments(&members[0], "late", std::slice::from_ref(&whole));
        both["minutes"] = json!(89);
        put(both).fault("/entries/0/minutes", "minutes_contradict_segments");
        put(of_segments(&members[0], "present", &[segment("01:00:00", "02:29:29")]))
            .fault("/entries/0/segments", "minutes_contradict_code");
        put(of_segments(&members[0], "absent", std::slice::from_ref(&whole))).fault("/entries/0/segments", "minutes_contradict_code");
        put(of_segments(&members[0], "late", &[segment("02:00:00", "02:00:00")])).fault("/entries/0/segments/0/ends_at", "before_start");
        put(of_segments(&members[0], "late", &[whole.clone(), segment("02:00:00", "02:40:00")]))
            .fault("/entries/0/segments/1/starts_at", "overlapping");
        let unknown = json!([{ "starts_at": "2020-06-02T01:00:00Z", "ends_at": "2020-06-02T01:10:00Z", "by": "meeting" }]);
        put(json!({ "enrollment_id": members[0].id, "code": "late", "segments": unknown }))
            .fault("/entries/0/segments/0/by", "unknown_field");
    });
    // By the clocks of the intake.
    let local = json!([{ "starts_at": "2020-06-02T09:00", "ends_at": "2020-06-02T09:45" }]);
    let told = put(json!({ "enrollment_id": members[0].id, "code": "late", "segments": local })).expect(200);
    assert_eq!(told.body["entries"][0]["segments"], json!([segment("01:00:00", "01:45:00")]));
}

/// The lines of a roll call as they were read: of each that has been called, what can be put.
fn as_read(roll_call: &Value) -> Vec<Value> {
    let fields = ["enrollment_id", "code", "minutes", "mode", "note", "segments"];
    let line = |line: &Value| fields.iter().map(|field| ((*field).to_owned(), line[*field].clone())).collect::<Map<_, _>>();
    let lines = roll_call["entries"].as_array().unwrap().iter().filter(|line| !line["code"].is_null());
    lines.map(|one| Value::Object(line(one))).collect()
}

#[test]
fn a_roll_call_is_put_back_as_it_was_read() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 4);
    let session = seed::published_session(&course, "MET-01", &seed::morning(1));
    let lines = [
        of_segments(&members[0], "present", &[segment("01:00:00", "02:30:00")]),
        of_segments(&members[1], "excused", &[segment("01:00:00", "01:20:00"), segment("02:00:00", "02:30:00")]),
        seed::line_of(&members[2], "late", 60),
    ];
    seed::put_roll_call(&course, &session, &lines).expect(200);
    let read = || course.coordinator.get(&path(&session)).expect(200);
    let put_back = || {
        let before = read();
        app.unchanged(|| {
            let after = course.coordinator.put(&path(&session), json!({ "entries": as_read(&before.body) })).expect(200);
            assert_eq!(after.body, before.body);
        });
    };
    put_back();
    // It began later and went on for longer: what the segments come to is called anew by the closing alone.
    let held = json!({ "starts_at": "2020-06-02T01:10:00Z", "ends_at": "2020-06-02T02:50:00Z", "difference_reason": "fog" });
    course.coordinator.post(&format!("/sessions/{session}/hold"), held).expect(200);
    put_back();
    seed::put_roll_call(&course, &session, &[as_read(&read().body), vec![seed::line(&members[3], "absent")]].concat()).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    let recoded = &read().body["entries"][0];
    assert_eq!((&recoded["code"], &recoded["minutes"]), (&json!("left_early"), &json!(80)));
    seed::step_roll_call(&course, &session, "reopen", Some("to look again")).expect(200);
    put_back();
    assert_eq!(app.findings(), Vec::<String>::new());
}
