//! Whether somebody called a line, or files say it.

use serde_json::{Value, json};

use super::{NOT_CALLED, called, class, import, line};
use crate::support::{seed, spawn_app};

#[test]
fn an_import_names_its_session_and_a_line_tells_where_it_comes_from() {
    let app = spawn_app();
    let (course, members, session) = class(&app, 3);
    seed::put_roll_call(&course, &session, &[seed::line(&members[1], "absent")]).expect(200);
    let rows = ["学员 0001,,2020-06-01 09:00:00,2020-06-01 09:30:00,30", "学员 0002,,2020-06-01 09:00:00,2020-06-01 09:30:00,30"];
    let id = import(&course.coordinator, &session, "", &rows).expect(200).text_at("/import_id");
    let read = course.coordinator.get(&format!("/imports/{id}")).expect(200);
    assert_eq!(read.body["session_id"], session.as_str());
    let listed = course.coordinator.get("/imports?kind=evidence").expect(200);
    assert_eq!(listed.items(), std::slice::from_ref(&read.body));
    let evidence = course.coordinator.get(&format!("/sessions/{session}/evidence")).expect(200).body;
    assert!(evidence.as_array().unwrap().iter().all(|piece| piece["import_id"] == id.as_str()), "{evidence}");
    let roll_call = course.coordinator.get(&format!("/sessions/{session}/roll-call")).expect(200).body;
    let sources: Vec<&Value> = roll_call["entries"].as_array().unwrap().iter().map(|entry| &entry["source"]).collect();
    assert_eq!(sources, [&json!("evidence"), &json!("called"), &Value::Null]);
    let undone = course.coordinator.post(&format!("/imports/{id}/undo"), json!({})).expect(200);
    assert_eq!(undone.body["session_id"], session.as_str());
    assert_eq!(undone.body["notes"], json!(["1 line of the roll call stays as somebody called it by hand"]));
    assert_eq!(called(&course, &session, &members), [NOT_CALLED, (json!("absent"), Value::Null), NOT_CALLED]);
}

#[test]
fn whoever_is_not_called_any_more_is_called_by_what_files_say() {
    let app = spawn_app();
    let (course, members, session) = class(&app, 3);
    let rows = ["学员 0001,,2020-06-01 09:00:00,2020-06-01 09:30:00,30", "学员 0002,,2020-06-01 09:00:00,2020-06-01 10:30:00,90"];
    import(&course.coordinator, &session, "", &rows).expect(200);
    let by_hand = [seed::line(&members[0], "absent"), seed::line(&members[2], "present")];
    let put = seed::put_roll_call(&course, &session, &by_hand).expect(200);
    assert_eq!(put.body["entries"][1]["source"], "evidence");
    assert_eq!(called(&course, &session, &members), [(json!("absent"), Value::Null), line("present", 90), (json!("present"), Value::Null)]);
    // Nobody says anything of the third, and of the first the file again.
    let put = seed::put_roll_call(&course, &session, &[]).expect(200);
    assert_eq!(called(&course, &session, &members), [line("left_early", 30), line("present", 90), NOT_CALLED]);
    let same = app.unchanged(|| seed::put_roll_call(&course, &session, &[]).expect(200));
    assert_eq!((same.etag(), &same.body["entries"]), (put.etag(), &put.body["entries"]));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn whoever_is_put_on_the_roster_after_the_file_was_imported_is_called_by_it() {
    let app = spawn_app();
    let (course, mut members, session) = class(&app, 1);
    let rows = ["学员 0001,,2020-06-01 09:00:00,2020-06-01 10:30:00,90", "学员 0002,,2020-06-01 09:00:00,2020-06-01 09:30:00,30"];
    import(&course.coordinator, &session, "?partial=true", &rows).expect(200);
    members.extend(seed::enrolled(&course, 1));
    assert_eq!(import(&course.coordinator, &session, "", &rows).expect(200).body["outcome"], "committed");
    assert_eq!(called(&course, &session, &members), [line("present", 90), line("left_early", 30)]);
    // One whose line the closing took out, since they had left before, as was told too late; and who has come back.
    let effective_at = "2020-05-30T00:00:00Z";
    let step = |step: &str, at: &str| {
        let body = json!({ "reason": "as told", "effective_at": at });
        course.coordinator.post(&format!("/enrollments/{}/{step}", members[1].id), body).expect(200);
    };
    step("suspend", effective_at);
    course.coordinator.post(&format!("/sessions/{session}/hold"), json!({})).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    step("resume", "2020-05-31T00:00:00Z");
    seed::step_roll_call(&course, &session, "reopen", Some("was there after all")).expect(200);
    assert_eq!(called(&course, &session, &members), [line("present", 90), NOT_CALLED]);
    import(&course.coordinator, &session, "", &["学员 0001,,2020-06-01 10:00:00,2020-06-01 10:20:00,20"]).expect(200);
    assert_eq!(called(&course, &session, &members), [line("present", 90), line("left_early", 30)]);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_file_by_which_a_closed_roll_call_was_called_is_taken_back_once_somebody_calls_by_hand() {
    let app = spawn_app();
    let (course, members, session) = class(&app, 2);
    let rows = ["学员 0001,,2020-06-01 09:00:00,2020-06-01 09:30:00,30", "学员 0002,,2020-06-01 09:00:00,2020-06-01 10:30:00,90"];
    let id = import(&course.coordinator, &session, "", &rows).expect(200).text_at("/import_id");
    course.coordinator.post(&format!("/sessions/{session}/hold"), json!({})).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    seed::step_roll_call(&course, &session, "reopen", Some("the wrong file")).expect(200);
    let undo = || course.coordinator.post(&format!("/imports/{id}/undo"), json!({}));
    let refused = app.unchanged(|| undo().expect(409).problem("called_by_evidence"));
    assert!(refused.text_at("/detail").contains("2 trainees"), "{}", refused.text);
    seed::put_roll_call(&course, &session, &[seed::line(&members[0], "present"), seed::line(&members[1], "absent")]).expect(200);
    assert_eq!(undo().expect(200).body["notes"], json!(["2 lines of the roll call stay as somebody called them by hand"]));
    assert_eq!(called(&course, &session, &members), [(json!("present"), Value::Null), (json!("absent"), Value::Null)]);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn whoever_calls_the_roll_sees_and_takes_back_the_evidence_that_they_brought() {
    let app = spawn_app();
    let course = seed::course(&app);
    let adviser = seed::instructor(&app, &course.coordinator, "P-2");
    let second = json!({ "discipline_id": course.program.metallurgy, "code": "MET-2", "name": "二班", "adviser_id": adviser });
    let second = course.coordinator.post(&format!("/intakes/{}/cohorts", course.intake), second).expect(201).id();
    let place = |cohort: &str| seed::enrolled_at(&course, &course.sponsor.plants[0], (&course.program.metallurgy, cohort), 1);
    let members = [place(&course.metallurgy), place(&second)].concat();
    let mut body = seed::session_body(&course, "MET-01", &seed::morning(0));
    body["cohort_ids"] = json!([course.metallurgy, second]);
    let session = seed::published_session_as(&course, body);
    let row = |who: u32| format!("学员 {who:04},,2020-06-01 09:00:00,2020-06-01 10:30:00,90");
    let ours = import(&course.coordinator, &session, "", &[&row(1)]).expect(200).text_at("/import_id");
    for client in [app.instructor(&course.instructor), app.class_adviser(&adviser)] {
        let own = import(&client, &session, "", &[&row(2)]).expect(200).text_at("/import_id");
        assert_eq!(client.get("/imports").expect(200).column("id"), [own.as_str()]);
        assert_eq!(client.get(&format!("/imports/{own}")).expect(200).body["session_id"], session.as_str());
        let undo = |id: &str| client.post(&format!("/imports/{id}/undo"), json!({}));
        // Not those of somebody else, be it for the same session.
        app.unchanged(|| undo(&ours).expect(404));
        client.get(&format!("/imports/{ours}")).expect(404);
        app.instructor(&course.instructor).get(&format!("/imports/{own}")).expect(404);
        undo(&own).expect(200);
        assert_eq!(called(&course, &session, &members), [line("present", 90), NOT_CALLED]);
    }
    // As long as the roll is theirs to call.
    let lead = app.instructor(&course.instructor);
    let own = import(&lead, &session, "", &[&row(2)]).expect(200).text_at("/import_id");
    let instead = seed::instructor(&app, &course.coordinator, "P-3");
    let change = json!({ "instructor_ids": [instead], "reason": "ill" });
    course.coordinator.if_match("*").patch(&format!("/sessions/{session}"), change).expect(200);
    lead.get(&format!("/imports/{own}")).expect(404);
    app.unchanged(|| lead.post(&format!("/imports/{own}/undo"), json!({})).expect(404));
    assert_eq!(lead.get("/imports").expect(200).items().len(), 0);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn what_somebody_called_stays_though_a_file_says_the_same() {
    let app = spawn_app();
    let (course, members, session) = class(&app, 3);
    let by_hand = json!({
        "enrollment_id": members[0].id, "code": "left_early", "mode": "online",
        "segments": [{ "starts_at": "2020-06-01T09:00:00+08:00", "ends_at": "2020-06-01T09:30:00+08:00" }],
    });
    seed::put_roll_call(&course, &session, std::slice::from_ref(&by_hand)).expect(200);
    let rows = ["学员 0001,,2020-06-01 09:00:00,2020-06-01 09:30:00,30", "学员 0002,,2020-06-01 09:00:00,2020-06-01 09:30:00,30"];
    let id = import(&course.coordinator, &session, "", &rows).expect(200).text_at("/import_id");
    let roll_call = || course.coordinator.get(&format!("/sessions/{session}/roll-call")).expect(200).body["entries"].clone();
    let sources = || roll_call().as_array().unwrap().iter().map(|entry| entry["source"].clone()).collect::<Vec<_>>();
    assert_eq!(sources(), [json!("called"), json!("evidence"), Value::Null]);
    // Whoever is left out is the files' again, though they say the same.
    seed::put_roll_call(&course, &session, &[]).expect(200);
    assert_eq!(sources(), [json!("evidence"), json!("evidence"), Value::Null]);
    let mut minutes = by_hand.clone();
    (minutes["segments"], minutes["minutes"]) = (json!([]), json!(30));
    seed::put_roll_call(&course, &session, std::slice::from_ref(&minutes)).expect(200);
    assert_eq!(sources(), [json!("called"), json!("evidence"), Value::Null]);
    seed::put_roll_call(&course, &session, std::slice::from_ref(&by_hand)).expect(200);
    assert_eq!(sources(), [json!("called"), json!("evidence"), Value::Null]);
    // A note is no call: what the next file says counts, and the note stays.
    let mut noted = by_hand.clone();
    (noted["enrollment_id"], noted["note"]) = (json!(members[1].id), json!("from the control room"));
    seed::put_roll_call(&course, &session, &[by_hand, noted]).expect(200);
    assert_eq!(sources(), [json!("called"), json!("evidence"), Value::Null]);
    let more = ["学员 0001,,2020-06-01 09:30:00,2020-06-01 10:00:00,30", "学员 0002,,2020-06-01 09:30:00,2020-06-01 10:00:00,30"];
    let next = import(&course.coordinator, &session, "", &more).expect(200).text_at("/import_id");
    assert_eq!(called(&course, &session, &members), [line("left_early", 30), line("left_early", 60), NOT_CALLED]);
    assert_eq!(roll_call()[1]["note"], "from the control room");
    for id in [next, id] {
        course.coordinator.post(&format!("/imports/{id}/undo"), json!({})).expect(200);
    }
    assert_eq!(called(&course, &session, &members), [line("left_early", 30), NOT_CALLED, NOT_CALLED]);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn whom_a_file_calls_may_be_left_out_of_a_reopened_roll_call() {
    let app = spawn_app();
    let (course, members, session) = class(&app, 2);
    let rows = ["学员 0001,,2020-06-01 09:00:00,2020-06-01 09:30:00,30"];
    import(&course.coordinator, &session, "", &rows).expect(200);
    seed::put_roll_call(&course, &session, &[seed::line(&members[0], "present"), seed::line(&members[1], "present")]).expect(200);
    course.coordinator.post(&format!("/sessions/{session}/hold"), json!({})).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    seed::step_roll_call(&course, &session, "reopen", Some("the file knows better")).expect(200);
    app.unchanged(|| seed::put_roll_call(&course, &session, &[seed::line(&members[0], "present")]).fault("/entries", "called_before"));
    seed::put_roll_call(&course, &session, &[seed::line(&members[1], "present")]).expect(200);
    assert_eq!(called(&course, &session, &members), [line("left_early", 30), (json!("present"), Value::Null)]);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_line_that_is_said_to_be_by_files_and_is_not_is_found() {
    let app = spawn_app();
    let (course, _, session) = class(&app, 1);
    import(&course.coordinator, &session, "", &["学员 0001,,2020-06-01 09:00:00,2020-06-01 09:30:00,30"]).expect(200);
    assert_eq!(app.findings_of("evidence"), Vec::<String>::new());
    app.forge("attendances", "UPDATE attendances SET segments = '2020-06-01T01:00:00Z/2020-06-01T01:31:00Z'");
    let found = app.findings_of("evidence");
    assert!(found.len() == 1 && found[0].contains("the line is not what files say"), "{found:?}");
    app.forge("attendances", "UPDATE attendances SET source = 'called'");
    assert_eq!(app.findings_of("evidence"), Vec::<String>::new());
}

#[test]
fn an_hour_is_explained_with_where_its_line_comes_from_and_a_line_by_a_file_is_put_back_as_it_was_read() {
    let app = spawn_app();
    let (course, members, session) = class(&app, 2);
    import(&course.coordinator, &session, "", &["学员 0001,,2020-06-01 09:00:00,2020-06-01 09:30:00,30"]).expect(200);
    let path = format!("/sessions/{session}/roll-call");
    course.coordinator.post(&format!("/sessions/{session}/hold"), json!({})).expect(200);
    let read = course.coordinator.get(&path).expect(200).body["entries"][0].clone();
    let mut line = json!({});
    for field in ["enrollment_id", "code", "minutes", "mode", "note", "segments"] {
        line[field] = read[field].clone();
    }
    app.unchanged(|| {
        let put = course.coordinator.put(&path, json!({ "entries": [line] })).expect(200);
        assert_eq!(put.body["entries"][0]["source"], "evidence");
    });
    seed::put_roll_call(&course, &session, &[line, seed::line(&members[1], "absent")]).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    for (member, source) in members.iter().zip(["evidence", "called"]) {
        let hours = course.coordinator.get(&format!("/enrollments/{}/hours", member.id)).expect(200);
        let why = course.coordinator.get(&format!("/hour-entries/{}/explain", hours.items()[0]["id"].as_str().unwrap())).expect(200);
        assert_eq!(why.text_at("/attendance/source"), source);
    }
}
