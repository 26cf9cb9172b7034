//! `POST /intakes/{id}/sessions/import`.

use serde_json::json;

use super::{SCHEDULE, changes, csv, faults, import_schedule, said, verdicts};
use crate::support::{Reply, seed, spawn_app};

const FIRST: &str = "MET-01-1,MET-01,MET-1,HONGXING-P1,2020-06-01,18:30,20:10,10,线上直播,会议 1";
const SECOND: &str = "COM-01-1,安全生产,MET-1；MEC-1,,2020/6/2,8:30,10:00,,面授,";

#[test]
fn sessions_are_scheduled_in_local_time() {
    let app = spawn_app();
    let course = seed::course(&app);
    let reply = import_schedule(&course, &course.coordinator, "", &[FIRST, SECOND]).expect(200);
    assert_eq!(verdicts(&reply), said(&[(2, "create", &[]), (3, "create", &[])]));
    let sessions = course.coordinator.get(&format!("/intakes/{}/sessions", course.intake)).expect(200);
    assert_eq!(sessions.column("code"), ["MET-01-1", "COM-01-1"]);
    assert_eq!(sessions.column("state"), ["draft", "draft"]);
    assert_eq!(sessions.column("starts_at"), ["2020-06-01T10:30:00Z", "2020-06-02T00:30:00Z"]);
    assert_eq!(sessions.column("minutes"), ["90", "90"]);
    assert_eq!(sessions.column("mode"), ["live_online", "on_site"]);
    assert_eq!(sessions.items()[0]["instructors"][0]["id"], course.instructor);
    assert_eq!(sessions.items()[1]["cohort_ids"].as_array().unwrap().len(), 2);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn cells_that_are_wrong_are_told_by_row() {
    let app = spawn_app();
    let course = seed::course(&app);
    let rows = [
        "A,MET-01,MET-1,,2020-06-01,10:00,9:00,,,",
        "B,MET-01,MEC-1,,2020-06-01,8:00,9:00,,,",
        "C,XXX,MET-7,,yesterday,8,25:00,ten,telepathy,",
        "D,MET-01,MET-1,99999,2020-06-01,8:00,9:00,,,",
        "E,MET-01,MET-1,,2021-06-01,8:00,9:00,,,",
        "F,MET-01,MET-1,,2020-06-01,8:00,9:00,60,,",
        "G,MET-01,MET-1,,2020-06-01,8:00,9:00,,,",
        "G,MET-01,MET-1,,2020-06-02,8:00,9:00,,,",
    ];
    let expected = said(&[
        (2, "invalid", &["end_before_start"]),
        (3, "invalid", &["module_of_another_discipline"]),
        (
            4,
            "invalid",
            &[
                "unknown_module",
                "unknown_cohort",
                "date_malformed",
                "time_malformed",
                "time_malformed",
                "minutes_malformed",
                "unknown_value",
            ],
        ),
        (5, "invalid", &["unknown_instructor"]),
        (6, "invalid", &["outside_intake"]),
        (7, "invalid", &["no_minutes_left"]),
        (8, "create", &[]),
        (9, "duplicate_in_file", &["duplicate_in_file"]),
    ]);
    app.unchanged(|| {
        assert_eq!(verdicts(&import_schedule(&course, &course.coordinator, "?dry_run=true", &rows).expect(200)), expected);
        let refused = import_schedule(&course, &course.coordinator, "", &rows).expect(422).problem("import_rows_invalid");
        let modules = "`XXX` is no module of this intake's program version; it has MET-01, MEC-01, COM-01";
        assert!(refused.body["errors"].to_string().contains(modules), "{}", refused.text);
        assert_eq!(faults(&refused)[0], ("/rows/2/end".to_owned(), "end_before_start".to_owned()));
        let number = "no instructor of the provider has the employee number 99999; the column holds numbers, not names";
        assert!(refused.body["errors"].to_string().contains(number), "{}", refused.text);
    });
    let taken = import_schedule(&course, &course.coordinator, "?partial=true", &rows).expect(200);
    assert_eq!(verdicts(&taken), expected);
    assert_eq!(app.count("SELECT count(*) FROM sessions"), 1);
}

#[test]
fn a_local_time_that_is_skipped_or_doubled_is_refused() {
    let app = spawn_app();
    let course = seed::course(&app);
    let mut body = seed::intake_body(&course.program.version, "BERLIN");
    body["time_zone"] = json!("Europe/Berlin");
    let intake = course.coordinator.post("/intakes", body).expect(201).id();
    seed::cohort(&course.coordinator, &intake, &course.program.metallurgy, "MET-1");
    let file = csv(SCHEDULE, &["A,MET-01,MET-1,,2020-10-25,2:30,4:00,,,"]);
    let reply = course.coordinator.post_file(&format!("/intakes/{intake}/sessions/import?dry_run=true"), "a.csv", &file).expect(200);
    assert_eq!(verdicts(&reply), said(&[(2, "invalid", &["local_time_ambiguous"])]));
    let reason = &reply.body["rows"][0]["reasons"][0];
    assert_eq!(reason["choices"], json!(["2020-10-25T02:30:00+02:00", "2020-10-25T02:30:00+01:00"]));
}

#[test]
fn what_would_be_in_two_places_is_told_before_it_is_published() {
    let app = spawn_app();
    let course = seed::course(&app);
    seed::published_session_as(
        &course,
        json!({ "code": "OLD", "module_id": course.program.common_module, "starts_at": "2020-06-03T01:00:00Z",
            "ends_at": "2020-06-03T02:30:00Z", "cohort_ids": [course.mechanics], "instructor_ids": [course.instructor] }),
    );
    let rows = [
        FIRST,
        "SAME,MET-01,MET-1,,2020-06-01,20:00,21:00,,,",
        "LATER,MET-01,MET-1,,2020-06-01,20:30,21:30,,,",
        "BUSY,MET-01,MET-1,HONGXING-P1,2020-06-03,10:00,11:00,,,",
        "RECORDED,MET-01,MET-1,HONGXING-P1,2020-06-03,10:00,11:00,,录播,,45",
    ];
    let expected = said(&[
        (2, "create", &[]),
        (3, "invalid", &["session_conflict"]),
        // What is refused is in nobody's way.
        (4, "create", &[]),
        (5, "invalid", &["session_conflict"]),
        (6, "create", &[]),
    ]);
    app.unchanged(|| {
        let dry = import_schedule(&course, &course.coordinator, "?dry_run=true&publish=true", &rows).expect(200);
        assert_eq!(verdicts(&dry), expected);
        let told = |row: usize| dry.body["rows"][row]["reasons"][0]["detail"].as_str().unwrap().to_owned();
        assert!(told(1).contains("MET-01-1") && told(3).contains("OLD"), "{}", dry.text);
        import_schedule(&course, &course.coordinator, "?publish=true", &rows).expect(422).problem("import_rows_invalid");
    });
    // Drafts occupy nobody.
    let drafts = import_schedule(&course, &course.coordinator, "?dry_run=true", &rows).expect(200);
    assert_eq!(drafts.body["counts"]["create"], 5);
    let taken = import_schedule(&course, &course.coordinator, "?publish=true&partial=true", &rows).expect(200);
    assert_eq!(verdicts(&taken), expected);
    let again = import_schedule(&course, &course.coordinator, "?publish=true&dry_run=true", &rows).expect(200);
    let counts = &again.body["counts"];
    assert_eq!((&counts["unchanged"], &counts["invalid"]), (&json!(3), &json!(2)));
}

#[test]
fn more_than_is_planned_needs_an_amendment() {
    let app = spawn_app();
    let course = seed::course(&app);
    let rows: Vec<String> = (1..=3).map(|day| format!("S{day},COM-01,MET-1,,2020-06-0{day},0:00,23:59,,,")).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let reply = import_schedule(&course, &course.coordinator, "?dry_run=true&publish=true", &rows).expect(200);
    assert_eq!(verdicts(&reply), said(&[(2, "create", &[]), (3, "invalid", &["plan_exceeded"]), (4, "invalid", &["plan_exceeded"])]));
    import_schedule(&course, &course.coordinator, "?publish=true", &rows).expect(422).problem("import_rows_invalid");
}

#[test]
fn a_session_that_is_there_is_moved() {
    let app = spawn_app();
    let course = seed::course(&app);
    import_schedule(&course, &course.coordinator, "?publish=true", &[FIRST, SECOND]).expect(200);
    let moved = "MET-01-1,MET-01,MET-1,,2020-06-01,19:00,20:40,,,会议 2";
    let reply = import_schedule(&course, &course.coordinator, "?reason=the+hall+is+closed", &[moved, SECOND]).expect(200);
    assert_eq!(verdicts(&reply), said(&[(2, "update", &[]), (3, "unchanged", &[])]));
    assert_eq!(changes(&reply, 0).iter().map(|change| change.0.as_str()).collect::<Vec<_>>(), ["start", "end", "place"]);
    let told = |at: &str| Some(at.to_owned());
    let start = ("start".to_owned(), told("2020-06-01 18:30+08:00"), told("2020-06-01 19:00+08:00"));
    let end = ("end".to_owned(), told("2020-06-01 20:10+08:00"), told("2020-06-01 20:40+08:00"));
    assert_eq!(changes(&reply, 0)[..2], [start, end]);
    let session = course.coordinator.get(&format!("/intakes/{}/sessions", course.intake)).expect(200).items()[0].clone();
    assert_eq!(
        (&session["starts_at"], &session["sequence"], &session["break_minutes"]),
        (&json!("2020-06-01T11:00:00Z"), &json!(1), &json!(10))
    );
    assert_eq!(session["instructors"][0]["id"], course.instructor);
}

#[test]
fn whoever_is_concerned_by_a_file_is_told_why() {
    let app = spawn_app();
    let course = seed::course(&app);
    import_schedule(&course, &course.coordinator, "?publish=true", &[FIRST]).expect(200);
    import_schedule(&course, &course.coordinator, "", &[SECOND]).expect(200);
    let sessions = course.coordinator.get(&format!("/intakes/{}/sessions", course.intake)).expect(200);
    let id = sessions.items()[0]["id"].as_str().unwrap().to_owned();
    // The second one is a draft, of which nobody has heard.
    let rows = [&*FIRST.replace("18:30,20:10", "19:00,20:40"), &*SECOND.replace("面授,", "面授,会议 3")];
    app.unchanged(|| {
        let dry = import_schedule(&course, &course.coordinator, "?dry_run=true", &rows).expect(200);
        assert_eq!(verdicts(&dry), said(&[(2, "invalid", &["reason_missing"]), (3, "update", &[])]));
        assert!(dry.body["rows"][0]["reasons"][0]["detail"].as_str().unwrap().contains("differs in start, end"), "{}", dry.text);
        import_schedule(&course, &course.coordinator, "", &rows).expect(422).problem("import_rows_invalid");
    });
    import_schedule(&course, &course.coordinator, "?reason=the+hall+is+closed", &rows).expect(200);
    let told = &course.coordinator.get(&format!("/sessions/{id}/changes")).expect(200).items()[0].clone();
    assert_eq!(told["reason"], "the hall is closed");
    assert!(told["message"]["en"].as_str().unwrap().ends_with("Reason: the hall is closed"), "{told}");
    let entry = &app.auditor().get(&format!("/audit?subject_id={id}&action=session.moved")).expect(200).body["items"][0];
    assert_eq!(entry["reason"], "the hall is closed");
}

#[test]
fn a_draft_that_is_there_is_published() {
    let app = spawn_app();
    let course = seed::course(&app);
    import_schedule(&course, &course.coordinator, "", &[FIRST]).expect(200);
    let reply = import_schedule(&course, &course.coordinator, "?publish=true", &[FIRST]).expect(200);
    assert_eq!((verdicts(&reply), changes(&reply, 0)[0].0.as_str()), (said(&[(2, "update", &[])]), "state"));
    let sessions = course.coordinator.get(&format!("/intakes/{}/sessions", course.intake)).expect(200);
    assert_eq!(sessions.column("state"), ["published"]);
}

#[test]
fn what_was_held_stays() {
    let app = spawn_app();
    let course = seed::course(&app);
    import_schedule(&course, &course.coordinator, "?publish=true", &[FIRST]).expect(200);
    let id = course.coordinator.get(&format!("/intakes/{}/sessions", course.intake)).expect(200).items()[0]["id"].clone();
    course.coordinator.post(&format!("/sessions/{}/hold", id.as_str().unwrap()), json!({})).expect(200);
    let same = import_schedule(&course, &course.coordinator, "", &[FIRST]).expect(200);
    assert_eq!(verdicts(&same), said(&[(2, "unchanged", &[])]));
    let moved = "MET-01-1,MET-01,MET-1,,2020-06-01,19:00,20:40,,,";
    let reply = import_schedule(&course, &course.coordinator, "?dry_run=true", &[moved]).expect(200);
    assert_eq!(verdicts(&reply), said(&[(2, "invalid", &["session_held"])]));
}

#[test]
fn a_token_for_one_intake_may_schedule_it() {
    let app = spawn_app();
    let course = seed::course(&app);
    let options = crate::support::TokenOptions { intake: Some(course.intake.clone()), ..Default::default() };
    let narrowed = app.client_for(muster::access::Role::Coordinator, Some(&app.provider().id), None, options);
    import_schedule(&course, &narrowed, "", &[SECOND]).expect(200);
    narrowed.post_file(&super::roster_path(&course), "a.csv", &csv(super::ROSTER, &[])).expect(403);
    let other = seed::intake(&course.coordinator, &course.program.version, "OTHER");
    narrowed.post_file(&format!("/intakes/{other}/sessions/import"), "a.csv", &csv(SCHEDULE, &[SECOND])).expect(404);
}

#[test]
fn a_session_whose_roll_has_been_called_is_not_moved_by_a_file_either() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    import_schedule(&course, &course.coordinator, "?publish=true", &[FIRST]).expect(200);
    let session = course.coordinator.get(&format!("/intakes/{}/sessions", course.intake)).expect(200).items()[0].clone();
    seed::put_roll_call(&course, session["id"].as_str().unwrap(), &[seed::line(&member, "present")]).expect(200);
    let moved = FIRST.replace("18:30,20:10", "19:00,20:40");
    app.unchanged(|| {
        let reply = import_schedule(&course, &course.coordinator, "?dry_run=true&reason=x", &[&moved]).expect(200);
        assert_eq!(verdicts(&reply), said(&[(2, "invalid", &["roll_call_begun"])]));
        import_schedule(&course, &course.coordinator, "?reason=x", &[&moved]).expect(422).problem("import_rows_invalid");
    });
    let elsewhere = FIRST.replace("会议 1", "会议 2");
    import_schedule(&course, &course.coordinator, "?reason=x", &[&elsewhere]).expect(200);
}

/// Imports rows of `CODE,date,start,end`, all of them lectures of the common module for one class, for a reason that says nothing.
fn lectures(course: &seed::Course, query: &str, rows: &[&str]) -> Reply {
    let row = |row: &&str| {
        let (code, times) = row.split_once(',').unwrap();
        format!("{code},COM-01,MET-1,,{times},,,")
    };
    let rows: Vec<String> = rows.iter().map(row).collect();
    let query = format!("{}&reason=as+agreed", if query.is_empty() { "?" } else { query });
    import_schedule(course, &course.coordinator, &query, &rows.iter().map(String::as_str).collect::<Vec<_>>())
}

/// What a dry run says of the rows is what becomes of them.
#[track_caller]
fn taken_as_said(course: &seed::Course, query: &str, rows: &[&str], expected: &[(u64, &str, &[&str])]) -> Reply {
    let dry = lectures(course, &format!("?dry_run=true{query}"), rows).expect(200);
    assert_eq!(verdicts(&dry), said(expected), "{}", dry.text);
    let taken = lectures(course, &format!("?partial=true{query}"), rows).expect(200);
    assert_eq!(verdicts(&taken), said(expected), "{}", taken.text);
    taken
}

fn starts(course: &seed::Course) -> Vec<(String, String)> {
    let sessions = course.coordinator.get(&format!("/intakes/{}/sessions", course.intake)).expect(200);
    sessions.column("code").into_iter().zip(sessions.column("starts_at")).collect()
}

#[test]
fn sessions_exchange_their_times_and_an_undo_exchanges_them_back() {
    let app = spawn_app();
    let course = seed::course(&app);
    lectures(&course, "?publish=true", &["A,2020-06-01,8:00,9:00", "B,2020-06-01,9:00,10:00", "C,2020-06-01,10:00,11:00"]).expect(200);
    let before = starts(&course);
    let rows = ["A,2020-06-01,9:00,10:00", "B,2020-06-01,10:00,11:00", "C,2020-06-01,8:00,9:00"];
    let import = taken_as_said(&course, "", &rows, &[(2, "update", &[]), (3, "update", &[]), (4, "update", &[])]);
    let first = |code: &str| (code.to_owned(), "2020-06-01T00:00:00Z".to_owned());
    assert_eq!((before[0].clone(), starts(&course)[0].clone()), (first("A"), first("C")));
    assert_eq!(app.findings(), Vec::<String>::new());
    let undo = format!("/imports/{}/undo", import.text_at("/import_id"));
    app.unchanged(|| course.coordinator.post(&undo, json!({})).fault("/reason", "reason_missing"));
    course.coordinator.post(&undo, json!({ "reason": "the wrong file" })).expect(200);
    assert_eq!(starts(&course), before);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_session_that_comes_to_be_recorded_makes_room() {
    let app = spawn_app();
    let course = seed::course(&app);
    lectures(&course, "?publish=true", &["A,2020-06-01,8:00,9:00", "B,2020-06-01,9:00,10:00"]).expect(200);
    let rows = ["A,COM-01,MET-1,,2020-06-01,8:00,9:00,,录播,,60", "B,COM-01,MET-1,,2020-06-01,8:00,9:00,,,"];
    let dry = import_schedule(&course, &course.coordinator, "?dry_run=true&reason=x", &rows).expect(200);
    assert_eq!(verdicts(&dry), said(&[(2, "update", &[]), (3, "update", &[])]));
    import_schedule(&course, &course.coordinator, "?reason=x", &rows).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn sessions_exchange_minutes_and_instructors() {
    let app = spawn_app();
    let course = seed::course(&app);
    // With these nothing is left of what is planned.
    let half = (seed::COMMON - 180) / 2;
    let full = |day: u8| format!("FULL-{day},COM-01,MET-1,,2020-06-0{day},0:00,{}:{:02},,,", half / 60, half % 60);
    let row = |code: &str, end: &str| format!("{code},COM-01,MET-1,HONGXING-P1,2020-06-0{},8:00,{end},,,", if code == "A" { 1 } else { 2 });
    let import = |query: &str, rows: &[String]| {
        import_schedule(&course, &course.coordinator, query, &rows.iter().map(String::as_str).collect::<Vec<_>>())
    };
    import("?publish=true", &[full(3), full(4), row("A", "9:00"), row("B", "10:00")]).expect(200);
    let longer = [row("A", "9:45"), row("B", "9:15")];
    let dry = import("?dry_run=true&reason=x", &longer).expect(200);
    assert_eq!(verdicts(&dry), said(&[(2, "update", &[]), (3, "update", &[])]));
    import("?reason=x", &longer).expect(200);
    let more = [row("A", "10:00"), row("B", "9:15")];
    let told = import("?dry_run=true&reason=x", &more).expect(200);
    assert_eq!(verdicts(&told), said(&[(2, "invalid", &["plan_exceeded"]), (3, "unchanged", &[])]));
    let detail = format!(
        "with session A cohort MET-1 has {} of {} planned minutes of module COM-01; more needs an amendment",
        seed::COMMON + 15,
        seed::COMMON
    );
    assert_eq!(told.body["rows"][0]["reasons"][0]["detail"], detail);
}

/// The next of some numbers that are the same in each run.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

#[test]
fn what_a_dry_run_accepts_is_written() {
    let app = spawn_app();
    let course = seed::course(&app);
    // Not all of the rows below fit into what these leave of the plan.
    lectures(&course, "?publish=true", &["X,2020-06-05,0:00,16:00", "Y,2020-06-06,0:00,16:00"]).expect(200);
    let mut state = 7;
    let mut outcomes = std::collections::BTreeSet::new();
    for round in 0..40 {
        let rows: Vec<String> = (0..6)
            .filter_map(|code| {
                let (hour, length, drop) = (next(&mut state) % 7, 1 + next(&mut state) % 4, next(&mut state).is_multiple_of(4));
                let day = 1 + next(&mut state) % 2;
                (!drop).then(|| format!("S{code},2020-06-0{day},{:02}:00,{:02}:00", 8 + hour, 8 + hour + length))
            })
            .collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let publish = if round % 3 == 0 { "" } else { "&publish=true" };
        let dry = lectures(&course, &format!("?dry_run=true{publish}"), &rows).expect(200);
        let codes: Vec<String> = verdicts(&dry).into_iter().flat_map(|(.., codes)| codes).collect();
        let faults = codes.len();
        outcomes.extend(codes);
        let whole = lectures(&course, &format!("?{}", publish.trim_start_matches('&')), &rows);
        if faults == 0 {
            outcomes.insert(whole.expect(200).text_at("/outcome"));
            continue;
        }
        whole.expect(422).problem("import_rows_invalid");
        let partial = lectures(&course, &format!("?partial=true{publish}"), &rows);
        if faults < rows.len() {
            assert_eq!(verdicts(&partial.expect(200)), verdicts(&dry));
            outcomes.insert("partial".to_owned());
        }
    }
    let seen: Vec<&str> = outcomes.iter().map(String::as_str).collect();
    assert_eq!(seen, ["committed", "partial", "plan_exceeded", "session_conflict"]);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn who_is_refused_keeps_time_and_minutes() {
    let app = spawn_app();
    let course = seed::course(&app);
    lectures(&course, "?publish=true", &["A,2020-06-01,8:00,9:00", "B,2020-06-01,9:00,10:00"]).expect(200);
    // The first one may not move, so its time is not free for the last one.
    let rows = ["A,2020-06-01,9:30,10:30", "B,2020-06-01,9:00,10:00", "N,2020-06-01,8:30,9:00", "M,2020-06-02,8:00,9:00"];
    let conflict: &[&str] = &["session_conflict"];
    let expected = [(2, "invalid", conflict), (3, "unchanged", &[]), (4, "invalid", conflict), (5, "create", &[])];
    let taken = taken_as_said(&course, "&publish=true", &rows, &expected);
    assert!(
        taken.body["rows"][2]["reasons"][0]["detail"]
            .as_str()
            .unwrap()
            .contains("session A (2020-06-01 08:00+08:00 to 2020-06-01 09:00+08:00)"),
        "{}",
        taken.text
    );
    assert_eq!(app.findings(), Vec::<String>::new());
}

/// A provider with the rooms.
fn with_rooms(course: &seed::Course) {
    for code in ["A-301", "A-302"] {
        course.coordinator.post("/rooms", json!({ "code": code, "name": code, "kind": "on_site" })).expect(201);
    }
}

/// Two sessions at one time, whose last cells stand below `header`.
fn headed(course: &seed::Course, header: &str, query: &str, cells: [&str; 2]) -> Reply {
    let row = |code: &str, cohort: &str, cell: &str| format!("{code},COM-01,{cohort},2020-06-01,8:00,9:00,{cell}");
    let rows = [row("A", "MET-1", cells[0]), row("B", "MEC-1", cells[1])];
    let file = csv(&format!("课次,课程,班级,日期,开始,结束,{header}"), &[&rows[0], &rows[1]]);
    course.coordinator.post_file(&format!("{}{query}", super::schedule_path(course)), "a.csv", &file)
}

#[test]
fn a_classroom_is_a_room_and_not_words() {
    let app = spawn_app();
    let course = seed::course(&app);
    with_rooms(&course);
    app.unchanged(|| {
        for header in ["教室", "教室号", "上课教室", "教室编号", "rooms"] {
            let both = headed(&course, header, "?publish=true&dry_run=true", ["A-301", "A-301"]).expect(200);
            assert_eq!(verdicts(&both)[1], said(&[(3, "invalid", &["session_conflict"])])[0], "{header}");
            let words = headed(&course, header, "", ["A-301", "二楼"]).expect(422).problem("import_rows_invalid");
            let detail = "no room of the provider has the code `二楼`; it has A-301, A-302; words go to the column place (地点)";
            assert_eq!((faults(&words)[0].1.as_str(), words.text_at("/errors/0/detail").as_str()), ("unknown_room", detail), "{header}");
        }
    });
    // A place keeps no room free, of which whoever means one is warned.
    let warned = headed(&course, "地点", "?publish=true", ["A-301", "二楼"]).expect(200);
    assert_eq!(verdicts(&warned), said(&[(2, "create", &["place_is_room"]), (3, "create", &[])]));
}

#[test]
fn a_column_of_teachers_or_rooms_is_not_passed_over() {
    let app = spawn_app();
    let course = seed::course(&app);
    with_rooms(&course);
    for header in ["授课教师工号", "授课教师编号", "教师编号", "工号", "教师"] {
        let reply = headed(&course, header, "?dry_run=true", ["HONGXING-P1", "99999"]).expect(200);
        assert_eq!(verdicts(&reply), said(&[(2, "create", &[]), (3, "invalid", &["unknown_instructor"])]), "{header}");
    }
    app.unchanged(|| {
        for (header, name) in [("教师姓名", "instructors"), ("备用教室", "room"), ("romos", "room"), ("考核方式", "mode")] {
            let reply = headed(&course, header, "?publish=true", ["", ""]).expect(422).problem("columns_misspelled");
            assert_eq!(faults(&reply), [(format!("/columns/{name}"), "column_misspelled".to_owned())], "{header}");
        }
    });
}
