use insta::assert_json_snapshot;
use serde_json::{Value, json};

use super::{all_present, class, path};
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
    let adviser = app.coordinator().post("/instructors", json!({ "name": "班主任" })).expect(201).id();
    let body = json!({ "discipline_id": course.program.metallurgy, "code": "MET-2", "name": "二班", "adviser_id": adviser });
    let cohort = course.coordinator.post(&format!("/intakes/{}/cohorts", course.intake), body).expect(201).id();
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
