//! `POST /sessions/{id}/evidence/import` and `GET /sessions/{id}/evidence`.

mod source;

use serde_json::{Value, json};

use super::{csv, said, verdicts};
use crate::support::{App, Client, Reply, seed, seed::Course, seed::Enrolled, spawn_app};

/// As one meeting provider heads its columns; the last of these is not read.
const HEADER: &str = "用户昵称,工号,入会时间,退会时间,累计时长";

/// A class whose trainees are `学员 0001` and so on, and a live session of theirs from 9:00 to 10:30 in Shanghai.
fn class(app: &App, size: usize) -> (Course, Vec<Enrolled>, String) {
    let course = seed::course(app);
    let members = seed::enrolled(&course, size);
    let mut body = seed::session_body(&course, "MET-01", &seed::morning(0));
    body["mode"] = json!("live_online");
    let session = seed::published_session_as(&course, body);
    (course, members, session)
}

fn import(client: &Client, session: &str, query: &str, rows: &[&str]) -> Reply {
    client.post_file(&format!("/sessions/{session}/evidence/import{query}"), "meeting.csv", &csv(HEADER, rows))
}

/// Code and minutes of each line of the roll call, in the order of the members.
fn called(course: &Course, session: &str, members: &[Enrolled]) -> Vec<(Value, Value)> {
    let roll_call = course.coordinator.get(&format!("/sessions/{session}/roll-call")).expect(200).body;
    let entries = roll_call["entries"].as_array().unwrap();
    let entry = |member: &Enrolled| entries.iter().find(|entry| entry["enrollment_id"] == member.id.as_str()).unwrap();
    members.iter().map(|member| (entry(member)["code"].clone(), entry(member)["minutes"].clone())).collect()
}

fn line(code: &str, minutes: i64) -> (Value, Value) {
    (json!(code), json!(minutes))
}

const NOT_CALLED: (Value, Value) = (Value::Null, Value::Null);

#[test]
fn a_roll_is_called_by_the_union_of_the_joins() {
    let app = spawn_app();
    let (course, members, session) = class(&app, 4);
    let rows = [
        "学员 0001,,2020-06-01 08:50:00,2020-06-01 09:50:10,60",
        // On a second device, and in the second instance of the meeting.
        "学员0001（手机）,,2020/6/1 9:30:00,2020/6/1 10:40:00,70",
        ",0002,2020-06-01 09:20:31,2020-06-01 10:30:00,69",
        "学员 0003,,06/01/2020 09:00:00 AM,06/01/2020 10:00:29 AM,60",
        "学员 0003,0003,2020-06-01 10:00:29,2020-06-01 10:00:29,0",
        "教授 HONGXING-P1,,2020-06-01 08:45:00,2020-06-01 10:45:00,120",
    ];
    let created: &[&str] = &[];
    let expected = said(&[
        (2, "create", created),
        (3, "create", created),
        (4, "create", created),
        (5, "create", created),
        (6, "unchanged", created),
        (7, "unchanged", &["teaches"]),
    ]);
    let tried = app.unchanged(|| import(&course.coordinator, &session, "?dry_run=true", &rows).expect(200));
    assert_eq!(verdicts(&tried), expected);
    let taken = import(&course.coordinator, &session, "", &rows).expect(200);
    assert_eq!(verdicts(&taken), expected);
    assert_eq!(taken.body["rows"][0]["what"], json!([{ "field": "minutes", "from": null, "to": "90" }]));
    assert_eq!((&taken.body["rows"], &taken.body["unknown_columns"]), (&tried.body["rows"], &json!(["累计时长"])));
    let said = [line("present", 90), line("late", 69), line("left_early", 60), NOT_CALLED];
    assert_eq!(called(&course, &session, &members), said);
    // The same file once more says nothing new, and another one adds up.
    app.unchanged(|| assert_eq!(import(&course.coordinator, &session, "", &rows).expect(200).body["outcome"], "nothing_new"));
    import(&course.coordinator, &session, "", &["学员 0003,,2020-06-01 10:00:29,2020-06-01 10:20:00,20"]).expect(200);
    assert_eq!(called(&course, &session, &members)[2], line("left_early", 80));
    let evidence = course.coordinator.get(&format!("/sessions/{session}/evidence")).expect(200);
    assert_eq!(evidence.body.as_array().unwrap().len(), 5);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn whoever_was_called_otherwise_stays_so_and_is_told() {
    let app = spawn_app();
    let (course, members, session) = class(&app, 3);
    let lines = [seed::line_of(&members[0], "late", 80), seed::line(&members[1], "excused")];
    seed::put_roll_call(&course, &session, &lines).expect(200);
    let rows = [
        "学员 0001,,2020-06-01 09:00:00,2020-06-01 09:45:00,45",
        "学员 0002,,2020-06-01 09:00:00,2020-06-01 10:30:00,90",
        "学员 0003,,2020-06-01 10:30:00,2020-06-01 11:00:00,30",
    ];
    let taken = import(&course.coordinator, &session, "", &rows).expect(200);
    let kept: &[&str] = &["called_otherwise"];
    assert_eq!(verdicts(&taken), said(&[(2, "create", kept), (3, "create", kept), (4, "create", &["outside_session"])]));
    let detail = taken.text_at("/rows/0/reasons/0/detail");
    assert!(detail.contains("45 minutes"), "{detail}");
    let expected = [line("late", 80), (json!("excused"), Value::Null), line("absent", 0)];
    assert_eq!(called(&course, &session, &members), expected);
}

#[test]
fn a_row_about_nobody_or_about_several_is_for_a_person_to_decide() {
    let app = spawn_app();
    let (course, members, session) = class(&app, 2);
    let twin = json!({ "name": "学员 0002", "affiliation": { "organization_id": course.sponsor.plants[1], "employee_number": "T-1" } });
    let twin = course.coordinator.post("/trainees", twin).expect(201).id();
    course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), seed::enrollment_body(&course, &twin)).expect(201);
    let at = "2020-06-01 09:00:00,2020-06-01 10:30:00,90";
    let rows = [format!("学员 0001,,{at}"), format!("学员 0002,,{at}"), format!("访客,,{at}"), format!("学员 0001,9999,{at}")];
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let expected = said(&[
        (2, "create", &[]),
        (3, "needs_review", &["ambiguous"]),
        (4, "needs_review", &["not_expected"]),
        (5, "needs_review", &["not_expected"]),
    ]);
    app.unchanged(|| import(&course.coordinator, &session, "", &rows).expect(422).problem("import_rows_invalid"));
    assert_eq!(verdicts(&import(&course.coordinator, &session, "?partial=true", &rows).expect(200)), expected);
    import(&course.coordinator, &session, "", &[&format!("学员 0002,T-1,{at}")]).expect(200);
    assert_eq!(called(&course, &session, &members), [line("present", 90), NOT_CALLED]);
}

#[test]
fn cells_that_cannot_be_read_are_pointed_at() {
    let app = spawn_app();
    let (course, _, session) = class(&app, 1);
    let rows = [
        ",,2020-06-01 09:00:00,2020-06-01 10:30:00,90",
        "学员 0001,,soon,2020-06-01 10:30:00,90",
        "学员 0001,,2020-06-01 10:30:00,2020-06-01 09:00:00,90",
        "学员 0001,,2020-06-01 09:00:00,,90",
        "学员 0001,,-262143-01-01 00:00:00,+262142-01-01 00:00:00,90",
    ];
    let refused = app.unchanged(|| import(&course.coordinator, &session, "?partial=true", &rows).expect(422));
    let faults = super::faults(&refused);
    let expected = [
        ("/rows/2/name", "cell_missing"),
        ("/rows/3/joined_at", "time_malformed"),
        ("/rows/4/left_at", "before_start"),
        ("/rows/5/left_at", "cell_missing"),
        ("/rows/6/joined_at", "time_malformed"),
        ("/rows/6/left_at", "time_malformed"),
    ];
    assert_eq!(faults, expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
}

#[test]
fn minutes_are_those_of_the_session_as_it_was_held() {
    let app = spawn_app();
    let (course, members, session) = class(&app, 2);
    let rows = ["学员 0001,,2020-06-01 09:00:00,2020-06-01 10:30:00,90", "学员 0002,,2020-06-01 09:10:00,2020-06-01 10:50:00,100"];
    import(&course.coordinator, &session, "", &rows).expect(200);
    assert_eq!(called(&course, &session, &members), [line("present", 90), line("late", 80)]);
    let longer = json!({ "ends_at": seed::after(&seed::morning(0), 100), "difference_reason": "questions" });
    course.coordinator.post(&format!("/sessions/{session}/hold"), longer).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    assert_eq!(called(&course, &session, &members), [line("left_early", 90), line("late", 90)]);
    app.unchanged(|| {
        import(&course.coordinator, &session, "", &["学员 0001,,2020-06-01 10:30:00,2020-06-01 10:40:00,10"])
            .expect(409)
            .problem("roll_call_closed")
    });
    seed::step_roll_call(&course, &session, "reopen", Some("a second file")).expect(200);
    import(&course.coordinator, &session, "", &["学员 0001,,2020-06-01 10:30:00,2020-06-01 10:40:00,10"]).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    let hours = course.coordinator.get(&format!("/enrollments/{}/hours", members[0].id)).expect(200);
    assert_eq!(hours.body["balance"]["attended_minutes"], 100);
    let entry = hours.items().last().unwrap()["id"].as_str().unwrap().to_owned();
    let told = |client: &Client| client.get(&format!("/hour-entries/{entry}/explain")).expect(200).body["attendance"].clone();
    assert!(told(&course.coordinator)["segments"].is_array());
    let partner = told(&app.partner(&course.sponsor.id));
    assert_eq!((&partner["minutes"], &partner["segments"]), (&json!(100), &Value::Null));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_recording_counts_what_was_viewed_up_to_its_length() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 2);
    let mut body = seed::session_body(&course, "MET-R", &seed::morning(0));
    (body["mode"], body["length_minutes"], body["ends_at"]) =
        (json!("recorded"), json!(45), json!(seed::after(&seed::morning(0), 6 * 1440)));
    let session = seed::published_session_as(&course, body);
    let rows = [
        "学员 0001,,2020-06-02 20:00:00,2020-06-02 20:30:00,30",
        "学员 0001,,2020-06-04 20:00:00,2020-06-04 20:30:00,30",
        "学员 0002,,2020-06-05 20:00:00,2020-06-05 20:20:00,20",
        "学员 0002,,2020-06-30 20:00:00,2020-06-30 20:20:00,20",
    ];
    let taken = import(&course.coordinator, &session, "", &rows).expect(200);
    assert_eq!(verdicts(&taken)[3].2, ["outside_session"]);
    assert_eq!(called(&course, &session, &members), [line("present", 45), line("left_early", 20)]);
}

#[test]
fn what_a_file_said_is_taken_back_with_what_was_called_by_it() {
    let app = spawn_app();
    let (course, members, session) = class(&app, 3);
    let undo = |import: &Reply| course.coordinator.post(&format!("/imports/{}/undo", import.text_at("/import_id")), json!({}));
    let first = import(&course.coordinator, &session, "", &["学员 0001,,2020-06-01 09:00:00,2020-06-01 09:30:00,30"]).expect(200);
    let rows = [
        "学员 0001,,2020-06-01 09:30:00,2020-06-01 10:30:00,60",
        "学员 0002,,2020-06-01 09:00:00,2020-06-01 10:30:00,90",
        "学员 0003,,2020-06-01 09:00:00,2020-06-01 10:30:00,90",
    ];
    let second = import(&course.coordinator, &session, "", &rows).expect(200);
    assert_eq!(called(&course, &session, &members), [line("present", 90), line("present", 90), line("present", 90)]);
    // One is called otherwise since.
    let roll_call = course.coordinator.get(&format!("/sessions/{session}/roll-call")).expect(200);
    let echoed = |index: usize| {
        let entry = &roll_call.body["entries"].as_array().unwrap().iter().find(|one| one["enrollment_id"] == members[index].id.as_str());
        let entry = entry.unwrap();
        json!({ "enrollment_id": entry["enrollment_id"], "code": entry["code"], "mode": entry["mode"], "segments": entry["segments"] })
    };
    seed::put_roll_call(&course, &session, &[echoed(0), echoed(1), seed::line(&members[2], "absent")]).expect(200);
    undo(&second).expect(200);
    assert_eq!(called(&course, &session, &members), [line("left_early", 30), NOT_CALLED, (json!("absent"), Value::Null)]);
    let held = course.coordinator.post(&format!("/sessions/{session}/hold"), json!({}));
    held.expect(200);
    let lines: Vec<Value> = members.iter().map(|member| seed::line(member, "present")).collect();
    seed::put_roll_call(&course, &session, &lines).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    app.unchanged(|| undo(&first).expect(409).problem("roll_call_closed"));
    seed::step_roll_call(&course, &session, "reopen", Some("as agreed")).expect(200);
    undo(&first).expect(200);
    app.unchanged(|| undo(&first).expect(409).problem("illegal_transition"));
    assert_eq!(app.count("SELECT count(*) FROM evidence"), 0);
    assert_eq!(app.findings(), Vec::<String>::new());
}

/// Two files of one meeting: the first join is in both.
const ONE: [&str; 2] = ["学员 0001,,2020-06-01 09:00:00,2020-06-01 09:30:00,30", "学员 0002,,2020-06-01 09:00:00,2020-06-01 10:30:00,90"];
const OTHER: [&str; 3] = [
    "学员 0001,,2020-06-01 09:00:00,2020-06-01 09:30:00,30",
    "学员 0001,,2020-06-01 09:30:00,2020-06-01 10:00:00,30",
    "学员 0003,,2020-06-01 09:00:00,2020-06-01 10:00:00,60",
];

#[test]
fn undoing_one_of_two_files_leaves_what_the_other_says() {
    let left = |minutes: i64| line("left_early", minutes);
    for (undone_first, remains) in [(0, [left(60), NOT_CALLED, left(60)]), (1, [left(30), line("present", 90), NOT_CALLED])] {
        let app = spawn_app();
        let (course, members, session) = class(&app, 3);
        let undo = |id: &str| course.coordinator.post(&format!("/imports/{id}/undo"), json!({})).expect(200);
        let first = import(&course.coordinator, &session, "", &ONE).expect(200);
        let second = import(&course.coordinator, &session, "", &OTHER).expect(200);
        // What the other file says already changes nothing, and is written all the same.
        assert_eq!(verdicts(&second), said(&[(2, "unchanged", &[]), (3, "create", &[]), (4, "create", &[])]));
        assert_eq!(called(&course, &session, &members), [left(60), line("present", 90), left(60)]);
        assert_eq!(app.count("SELECT count(*) FROM evidence"), 5);
        let told = course.coordinator.get(&format!("/sessions/{session}/evidence")).expect(200);
        let mut imports = vec![first.text_at("/import_id"), second.text_at("/import_id")];
        let pieces = |import: &String| told.body.as_array().unwrap().iter().filter(|piece| piece["import_id"] == import.as_str()).count();
        assert_eq!((pieces(&imports[0]), pieces(&imports[1])), (2, 3), "each join once of each import: {}", told.text);
        undo(&imports.remove(undone_first));
        assert_eq!(called(&course, &session, &members), remains);
        assert_eq!(app.findings(), Vec::<String>::new());
        undo(&imports[0]);
        assert_eq!(called(&course, &session, &members), [NOT_CALLED, NOT_CALLED, NOT_CALLED]);
        assert_eq!(app.count("SELECT count(*) FROM evidence"), 0);
        assert_eq!(app.findings(), Vec::<String>::new());
    }
}

#[test]
fn a_file_of_which_another_says_all_is_kept_and_the_same_file_is_not() {
    let app = spawn_app();
    let (course, members, session) = class(&app, 3);
    let whole = import(&course.coordinator, &session, "", &ONE).expect(200);
    let etag = || course.coordinator.get(&format!("/sessions/{session}/roll-call")).expect(200).etag();
    let before = etag();
    let part = import(&course.coordinator, &session, "", &ONE[..1]).expect(200);
    assert_eq!((&part.body["outcome"], verdicts(&part)), (&json!("committed"), said(&[(2, "unchanged", &[])])));
    assert_eq!(etag(), before, "the roll call is as it was");
    for rows in [&ONE[..], &ONE[..1]] {
        app.unchanged(|| assert_eq!(import(&course.coordinator, &session, "", rows).expect(200).body["outcome"], "nothing_new"));
    }
    course.coordinator.post(&format!("/imports/{}/undo", whole.text_at("/import_id")), json!({})).expect(200);
    assert_eq!(called(&course, &session, &members), [line("left_early", 30), NOT_CALLED, NOT_CALLED]);
    // Once it is taken back, the same file says something again.
    import(&course.coordinator, &session, "", &ONE).expect(200);
    assert_eq!(called(&course, &session, &members), [line("left_early", 30), line("present", 90), NOT_CALLED]);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_file_that_bridges_many_pieces_is_not_taken_back_before_them() {
    let app = spawn_app();
    let (course, members, session) = class(&app, 1);
    let bridge = import(&course.coordinator, &session, "", &["学员 0001,,2020-06-01 09:00:00,2020-06-01 10:30:00,90"]).expect(200);
    // Five seconds of every ten.
    let pieces: Vec<String> = (0..500)
        .map(|piece| {
            let at = |second: usize| format!("2020-06-01 09:{:02}:{:02}", second / 60 % 60, second % 60);
            format!("学员 0001,,{},{},0", at(piece * 7), at(piece * 7 + 5))
        })
        .collect();
    let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
    let pieces = import(&course.coordinator, &session, "", &pieces).expect(200);
    let undo = |import: &Reply| course.coordinator.post(&format!("/imports/{}/undo", import.text_at("/import_id")), json!({}));
    app.unchanged(|| undo(&bridge).expect(409).problem("too_many_segments"));
    // Nor is what it bridged counted once somebody who called by hand leaves it to the files.
    seed::put_roll_call(&course, &session, &[seed::line(&members[0], "absent")]).expect(200);
    undo(&bridge).expect(200);
    app.unchanged(|| seed::put_roll_call(&course, &session, &[]).expect(409).problem("too_many_segments"));
    let bridge = import(&course.coordinator, &session, "", &["学员 0001,,2020-06-01 09:00:00,2020-06-01 10:30:00,90"]).expect(200);
    seed::put_roll_call(&course, &session, &[]).expect(200);
    undo(&pieces).expect(200);
    assert_eq!(called(&course, &session, &members), [line("present", 90)]);
    undo(&bridge).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn an_instructor_brings_the_evidence_of_the_own_session_and_nobody_elses() {
    let app = spawn_app();
    let (course, members, session) = class(&app, 1);
    let rows = ["学员 0001,,2020-06-01 09:00:00,2020-06-01 10:30:00,90"];
    let lead = app.instructor(&course.instructor);
    let stranger = app.instructor(&seed::instructor(&app, &course.coordinator, "P-2"));
    app.unchanged(|| import(&stranger, &session, "", &rows).expect(404));
    import(&lead, &session, "", &rows).expect(200);
    assert_eq!(called(&course, &session, &members), [line("present", 90)]);
    lead.get(&format!("/sessions/{session}/evidence")).expect(200);
    app.trainee(&members[0].trainee).get(&format!("/sessions/{session}/evidence")).expect(403);
}

#[test]
fn evidence_is_fixed_and_that_of_a_closed_roll_call_whole() {
    let app = spawn_app();
    let (course, members, session) = class(&app, 1);
    import(&course.coordinator, &session, "", &["学员 0001,,2020-06-01 09:00:00,2020-06-01 10:00:00,60"]).expect(200);
    assert!(app.refusal("UPDATE evidence SET left_at = joined_at").contains("muster:immutable"));
    course.coordinator.post(&format!("/sessions/{session}/hold"), json!({})).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    assert!(app.refusal("DELETE FROM evidence").contains("muster:roll_call_closed"));
    let again = format!(
        "INSERT INTO evidence (session_id, enrollment_id, intake_id, joined_at, left_at, import_id, recorded_at)
         SELECT session_id, enrollment_id, intake_id, left_at, recorded_at, import_id, recorded_at FROM evidence WHERE enrollment_id = {}",
        app.hex(&members[0].id)
    );
    assert!(app.refusal(&again).contains("muster:roll_call_closed"));
}
