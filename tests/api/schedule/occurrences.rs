//! One session, or it and the rest of its series: moved, cut, parted, taught by another, cancelled.

use serde_json::{Value, json};

use crate::support::{App, Reply, seed, seed::Course, spawn_app};

/// A series of 90 minutes with a break of ten, on Mondays and Thursdays at eight from 1 June 2020; its sessions.
fn series(course: &Course, until: &str) -> Vec<String> {
    let slot = |weekday: &str| json!({ "weekday": weekday, "starts": "08:00", "ends": "09:40", "break_minutes": 10 });
    let body = json!({ "code": "MET", "module_id": course.program.metallurgy_module, "cohort_ids": [course.metallurgy],
        "instructor_ids": [course.instructor], "pattern": [slot("monday"), slot("thursday")], "from": "2020-06-01", "until": until });
    ids(&course.coordinator.post(&format!("/intakes/{}/series", course.intake), body).expect(201))
}

fn published_series(course: &Course, until: &str) -> Vec<String> {
    let ids = series(course, until);
    course.coordinator.post(&format!("/intakes/{}/sessions/publish", course.intake), json!({ "session_ids": ids })).expect(200);
    ids
}

fn ids(reply: &Reply) -> Vec<String> {
    column(reply, "id")
}

fn column(reply: &Reply, field: &str) -> Vec<String> {
    reply.body["sessions"].as_array().unwrap().iter().map(|one| one[field].as_str().unwrap().to_owned()).collect()
}

fn act(course: &Course, session: &str, step: &str, mut body: Value) -> Reply {
    body["reason"] = json!("as agreed");
    course.coordinator.post(&format!("/sessions/{session}/{step}"), body)
}

fn read(course: &Course, session: &str) -> Reply {
    course.coordinator.get(&format!("/sessions/{session}")).expect(200)
}

/// Start, end and sequence.
fn stands(course: &Course, session: &str) -> (String, String, i64) {
    let reply = read(course, session);
    (reply.text_at("/starts_at"), reply.text_at("/ends_at"), reply.body["sequence"].as_i64().unwrap())
}

fn at(start: &str, end: &str, sequence: i64) -> (String, String, i64) {
    (format!("2020-06-{start}:00Z"), format!("2020-06-{end}:00Z"), sequence)
}

#[test]
fn one_session_moves_and_the_rest_of_its_series_stays() {
    let app = spawn_app();
    let course = seed::course(&app);
    let ids = published_series(&course, "2020-06-11");
    let reply = act(&course, &ids[1], "move", json!({ "starts_at": "2020-06-05T06:00:00Z" })).expect(200);
    assert_eq!(column(&reply, "id"), [ids[1].clone()]);
    assert_eq!(stands(&course, &ids[1]), at("05T06:00", "05T07:40", 1));
    assert_eq!(stands(&course, &ids[2]), at("08T00:00", "08T01:40", 0));
    let entry = &app.auditor().get(&format!("/audit?subject_id={}&action=session.moved", ids[1])).expect(200).body["items"][0];
    assert_eq!((&entry["reason"], &entry["to"]["sequence"]), (&json!("as agreed"), &json!(1)));
    // Into a room and, said with null, out of it again.
    let room = seed::room(&course, "A-301");
    for (wanted, code) in [(json!(room), json!("A-301")), (json!(null), json!(null))] {
        let to = json!({ "starts_at": "2020-06-05T06:00:00Z", "room_id": wanted });
        let reply = act(&course, &ids[1], "move", to).expect(200);
        assert_eq!(reply.body["sessions"][0]["room"]["code"], code);
    }
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn the_rest_of_a_series_moves_with_it_and_what_is_over_stays() {
    let app = spawn_app();
    let course = seed::course(&app);
    let ids = published_series(&course, "2020-06-18");
    act(&course, &ids[3], "cancel", json!({})).expect(200);
    course.coordinator.post(&format!("/sessions/{}/hold", ids[4]), json!({})).expect(200);
    let room = course.coordinator.post("/rooms", json!({ "code": "A-301", "name": "301", "kind": "on_site" })).expect(201).id();
    // A day and an hour later, into the time of the next: they make way for each other.
    let change = json!({ "starts_at": "2020-06-05T01:00:00Z", "ends_at": "2020-06-05T02:30:00Z", "room_id": room, "scope": "rest" });
    let reply = act(&course, &ids[1], "move", change).expect(200);
    assert_eq!(column(&reply, "id"), [&ids[1], &ids[2], &ids[5]].map(Clone::clone));
    assert_eq!(reply.body["sessions"][2]["room"]["id"], json!(room));
    assert_eq!(stands(&course, &ids[0]), at("01T00:00", "01T01:40", 0));
    assert_eq!(stands(&course, &ids[1]), at("05T01:00", "05T02:30", 1));
    assert_eq!(stands(&course, &ids[2]), at("09T01:00", "09T02:30", 1));
    assert_eq!(stands(&course, &ids[4]), at("15T00:00", "15T01:40", 0));
    assert_eq!(stands(&course, &ids[5]), at("19T01:00", "19T02:30", 1));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_session_at_nine_stays_at_nine_where_the_clocks_change_and_none_moves_to_a_time_that_is_not_one() {
    let app = spawn_app();
    let course = seed::course(&app);
    let mut intake = seed::intake_body(&course.program.version, "BERLIN");
    intake["time_zone"] = json!("Europe/Berlin");
    let intake = course.coordinator.post("/intakes", intake).expect(201).id();
    let cohort = seed::cohort(&course.coordinator, &intake, &course.program.metallurgy, "B-1");
    let body = json!({ "code": "B", "module_id": course.program.metallurgy_module, "cohort_ids": [cohort], "from": "2020-10-17",
        "pattern": [{ "weekday": "saturday", "starts": "09:00", "ends": "10:30" }] });
    let made = course.coordinator.post(&format!("/intakes/{intake}/series"), body).expect(201);
    let ids = ids(&made);
    assert_eq!(column(&made, "starts_at"), ["2020-10-17T07:00:00Z", "2020-10-24T07:00:00Z"]);
    // To Sundays, the second of which has an hour more.
    let reply = act(&course, &ids[0], "move", json!({ "starts_at": "2020-10-18T07:00:00Z", "scope": "rest" })).expect(200);
    assert_eq!(column(&reply, "starts_at"), ["2020-10-18T07:00:00Z", "2020-10-25T08:00:00Z"]);
    assert_eq!(column(&reply, "ends_at"), ["2020-10-18T08:30:00Z", "2020-10-25T09:30:00Z"]);
    // Half past two is there twice on the second.
    app.unchanged(|| {
        let refused = act(&course, &ids[0], "move", json!({ "starts_at": "2020-10-18T00:30:00Z", "scope": "rest" }));
        assert!(refused.text_at("/errors/0/detail").contains("B-02"), "{}", refused.text);
        refused.fault("/starts_at", "local_time_ambiguous");
        // Only its end is; nobody can send another for it.
        let night = json!({ "starts_at": "2020-10-18T01:00", "ends_at": "2020-10-18T02:30", "scope": "rest" });
        let refused = act(&course, &ids[0], "move", night);
        let told = "session B-02: 2020-10-25T02:30 exists twice in Europe/Berlin, where the clocks go back";
        assert_eq!((refused.text_at("/errors/0/detail").as_str(), refused.body["errors"][0].get("choices")), (told, None));
        refused.fault("/ends_at", "local_time_ambiguous");
    });
    // As the clocks of the place show it.
    let reply = act(&course, &ids[0], "move", json!({ "starts_at": "2020-10-18T02:30", "ends_at": "2020-10-18T04:00" })).expect(200);
    assert_eq!(
        (column(&reply, "starts_at"), column(&reply, "ends_at")),
        (vec!["2020-10-18T00:30:00Z".into()], vec!["2020-10-18T02:00:00Z".into()])
    );
    act(&course, &ids[1], "split", json!({ "at": "2020-10-25T02:30", "code": "X" })).fault("/at", "local_time_ambiguous");
}

#[test]
fn what_a_patch_is_refused_for_refuses_the_whole_and_is_named() {
    let app = spawn_app();
    let course = seed::course(&app);
    let ids = published_series(&course, "2020-06-11");
    let other = seed::published_session(&course, "P-1", "2020-06-09T00:00:00Z");
    let called = seed::enrolled(&course, 1);
    let alone = seed::session(&course, "ALONE", &seed::morning(20));
    app.unchanged(|| {
        let tuesday = json!({ "starts_at": "2020-06-02T00:00:00Z", "scope": "rest" });
        let reply = act(&course, &ids[0], "move", tuesday).expect(409).problem("session_conflict");
        assert_eq!(reply.body["conflicts"][0]["other"]["id"], json!(other));
        let late = act(&course, &ids[0], "move", json!({ "starts_at": "2020-10-22T00:00:00Z", "scope": "rest" }));
        let late = late.expect(409).problem("outside_intake");
        assert!(late.text_at("/detail").starts_with("session MET-04 lies after the day"), "{}", late.text);
        act(&course, &alone, "move", json!({ "starts_at": "2020-06-02T00:00:00Z", "scope": "rest" })).fault("/scope", "no_series");
        course
            .coordinator
            .post(&format!("/sessions/{alone}/move"), json!({ "starts_at": "2020-06-02T00:00:00Z" }))
            .fault("/reason", "missing_field");
    });
    seed::put_roll_call(&course, &ids[2], &[seed::line(&called[0], "present")]).expect(200);
    course.coordinator.post(&format!("/sessions/{}/hold", ids[0]), json!({})).expect(200);
    app.unchanged(|| {
        let change = json!({ "starts_at": "2020-06-04T00:30:00Z", "scope": "rest" });
        act(&course, &ids[1], "move", change).expect(409).problem("roll_call_begun");
        act(&course, &ids[1], "cut", json!({ "minutes": 10, "scope": "rest" })).expect(409).problem("roll_call_begun");
        act(&course, &ids[0], "move", json!({ "starts_at": "2020-06-01T00:30:00Z" })).expect(409).problem("session_closed");
        act(&course, &ids[0], "cut", json!({ "minutes": 10 })).expect(409).problem("session_closed");
        act(&course, &ids[0], "split", json!({ "at": "2020-06-01T00:30:00Z", "code": "X" })).expect(409).problem("session_closed");
    });
    let cancelled = json!({ "reason": "storm" });
    course.coordinator.post(&format!("/intakes/{}/cancel", course.intake), cancelled).expect(200);
    act(&course, &ids[1], "cut", json!({ "minutes": 10 })).expect(409).problem("intake_not_live");
}

#[test]
fn a_session_ends_earlier_and_the_rest_by_as_many_minutes() {
    let app = spawn_app();
    let course = seed::course(&app);
    let ids = published_series(&course, "2020-06-11");
    act(&course, &ids[0], "cut", json!({ "ends_at": "2020-06-01T01:10:00Z" })).expect(200);
    assert_eq!(stands(&course, &ids[0]), at("01T00:00", "01T01:10", 1));
    assert_eq!(read(&course, &ids[0]).body["minutes"], 60);
    let reply = act(&course, &ids[1], "cut", json!({ "minutes": 20, "scope": "rest" })).expect(200);
    assert_eq!(column(&reply, "ends_at"), ["2020-06-04T01:20:00Z", "2020-06-08T01:20:00Z", "2020-06-11T01:20:00Z"]);
    app.unchanged(|| {
        let detail = act(&course, &ids[0], "cut", json!({ "minutes": 70 })).text_at("/errors/0/detail");
        assert!(detail.ends_with(" lasts 70 minutes only; cut fewer, or cancel it"), "{detail}");
        for (pointer, code, body) in [
            ("/ends_at", "not_earlier", json!({ "ends_at": "2020-06-01T01:10:00Z" })),
            ("/ends_at", "not_earlier", json!({ "ends_at": "2020-06-01T02:00:00Z" })),
            ("/minutes", "not_earlier", json!({ "minutes": 0 })),
            ("/ends_at", "one_of_two", json!({ "minutes": 5, "ends_at": "2020-06-01T01:00:00Z" })),
            ("/ends_at", "one_of_two", json!({})),
            ("/minutes", "no_minutes_left", json!({ "minutes": 60 })),
            ("/ends_at", "no_minutes_left", json!({ "ends_at": "2020-06-01T00:10:00Z" })),
            ("/minutes", "no_minutes_left", json!({ "minutes": 70 })),
            // The first one is shorter than the others, and has nothing left.
            ("/minutes", "no_minutes_left", json!({ "minutes": 65, "scope": "rest" })),
        ] {
            act(&course, &ids[0], "cut", body).fault(pointer, code);
        }
    });
}

#[test]
fn a_session_is_parted_and_both_parts_come_to_its_minutes() {
    let app = spawn_app();
    // Nothing of the plan is left beside the series.
    let course = seed::short_course(&app, 180);
    let ids = published_series(&course, "2020-06-30");
    assert_eq!(ids.len(), 2);
    let later = json!({ "at": "2020-06-01T00:50:00Z", "resumes_at": "2020-06-02T06:00:00Z", "code": "MET-01B" });
    let reply = act(&course, &ids[0], "split", later).expect(200);
    let parts = reply.body["sessions"].as_array().unwrap();
    let facts = |part: &Value| {
        ["id", "code", "state", "starts_at", "ends_at", "break_minutes", "minutes", "sequence"].map(|field| part[field].clone())
    };
    let first = json!([ids[0], "MET-01", "published", "2020-06-01T00:00:00Z", "2020-06-01T00:50:00Z", 10, 40, 1]);
    assert_eq!(json!(facts(&parts[0])), first);
    let second = json!([parts[1]["id"], "MET-01B", "published", "2020-06-02T06:00:00Z", "2020-06-02T06:50:00Z", 0, 50, 0]);
    assert_eq!(json!(facts(&parts[1])), second);
    for field in ["series_id", "cohort_ids", "instructors", "module_id", "mode"] {
        assert_eq!(parts[0][field], parts[1][field], "{field}");
    }
    // A first part that the breaks would leave nothing of has none.
    let reply = act(&course, &ids[1], "split", json!({ "at": "2020-06-04T00:10:00Z", "code": "MET-02B" })).expect(200);
    assert_eq!(facts(&reply.body["sessions"][0])[5..7], [json!(0), json!(10)]);
    assert_eq!(facts(&reply.body["sessions"][1])[5..7], [json!(10), json!(80)]);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_session_is_parted_within_itself_and_under_a_free_code_at_a_free_time() {
    let app = spawn_app();
    let course = seed::course(&app);
    let ids = published_series(&course, "2020-06-04");
    let split = |at: &str, resumes_at: &str, code: &str| {
        let change = json!({ "at": format!("2020-06-{at}:00Z"), "resumes_at": format!("2020-06-{resumes_at}:00Z"), "code": code });
        act(&course, &ids[0], "split", change)
    };
    let mut recorded = seed::session_body(&course, "REC", &seed::morning(9));
    recorded["mode"] = json!("recorded");
    recorded["length_minutes"] = json!(60);
    let recorded = seed::session_as(&course, recorded);
    app.unchanged(|| {
        act(&course, &recorded, "split", json!({ "at": seed::after(&seed::morning(9), 45), "code": "X" })).fault("/at", "recorded");
        let told = split("01T00:00", "01T02:00", "X").fault("/at", "outside_session").text;
        assert!(told.contains("must be within 2020-06-01 08:00+08:00 and 2020-06-01 09:40+08:00"), "{told}");
        split("01T01:40", "01T02:00", "X").fault("/at", "outside_session");
        split("01T01:00", "01T00:59", "X").fault("/resumes_at", "resumes_before");
        split("01T01:00", "01T02:00", "MET-02").expect(409).problem("already_exists");
        let refused = split("01T01:00", "04T01:00", "X").expect(409).problem("session_conflict");
        let rest = &refused.body["conflicts"][0]["session"];
        assert_eq!((&rest["id"], &rest["pointer"], &rest["code"]), (&json!(null), &json!("/resumes_at"), &json!("X")));
        // At the step's own fields.
        act(&course, &ids[0], "split", json!({ "at": "2020-06-01T01:00:30Z", "code": "X" })).fault("/at", "not_whole_minutes");
        act(&course, &ids[0], "split", json!({ "at": "2020-06-01T01:00:00Z", "resumes_at": "2020-12-01T01:00:00Z", "code": "X" }))
            .fault("/resumes_at", "outside_intake");
        act(&course, &ids[0], "move", json!({ "starts_at": "2020-06-01T01:00:00Z", "ends_at": "2020-06-01T01:10:00Z" }))
            .fault("/ends_at", "no_minutes_left");
    });
    split("01T01:39", "01T02:00", "X").expect(200);
}

#[test]
fn another_teaches_in_the_place_of_whoever_does_not() {
    let app = spawn_app();
    let course = seed::course(&app);
    let ids = published_series(&course, "2020-06-11");
    let [second, third] = ["P-2", "P-3"].map(|number| seed::instructor(&app, &course.coordinator, number));
    let teach = |session: &str, people: &[&String]| {
        course
            .coordinator
            .if_match("*")
            .patch(&format!("/sessions/{session}"), json!({ "instructor_ids": people, "reason": "x" }))
            .expect(200);
    };
    let taught = |session: &str| -> Vec<(String, bool)> {
        let reply = read(&course, session);
        let instructors = reply.body["instructors"].as_array().unwrap();
        instructors.iter().map(|one| (one["id"].as_str().unwrap().to_owned(), one["lead"].as_bool().unwrap())).collect()
    };
    teach(&ids[0], &[&course.instructor, &second]);
    teach(&ids[1], &[&second, &course.instructor]);
    teach(&ids[2], &[&second]);
    let substitute = |session: &str, one: &str, by: &str, scope: &str| {
        act(&course, session, "substitute", json!({ "instructor_id": one, "by_instructor_id": by, "scope": scope }))
    };
    let reply = substitute(&ids[0], &course.instructor, &third, "rest").expect(200);
    assert_eq!(column(&reply, "id"), ids);
    assert_eq!(taught(&ids[0]), [(third.clone(), true), (second.clone(), false)]);
    assert_eq!(taught(&ids[1]), [(second.clone(), true), (third.clone(), false)]);
    assert_eq!(taught(&ids[2]), [(second.clone(), true)]);
    assert_eq!(taught(&ids[3]), [(third.clone(), true)]);
    // Who had nothing to give up was not told of a move.
    assert_eq!(["0", "1", "2", "3"].map(|n| stands(&course, &ids[n.parse::<usize>().unwrap()]).2), [2, 2, 1, 1]);
    app.unchanged(|| {
        substitute(&ids[0], &course.instructor, &third, "this").fault("/instructor_id", "not_teaching");
        substitute(&ids[0], &third, &second, "this").fault("/by_instructor_id", "teaches_already");
        substitute(&ids[3], &third, &third, "this").fault("/by_instructor_id", "teaches_already");
        substitute(&ids[3], &third, &app.absent_id(), "this").expect(404);
    });
    seed::published_session_as(&course, {
        let mut busy = seed::session_body(&course, "BUSY", "2020-06-11T00:30:00Z");
        busy["cohort_ids"] = json!([course.mechanics]);
        busy["module_id"] = json!(course.program.mechanics_module);
        busy
    });
    app.unchanged(|| substitute(&ids[3], &third, &course.instructor, "this").expect(409).problem("session_conflict"));
}

#[test]
fn the_rest_of_a_series_is_parted_at_the_same_point_of_each() {
    let app = spawn_app();
    // Nothing of the plan is left beside the series.
    let course = seed::short_course(&app, 6 * 90);
    let ids = series(&course, "2020-06-30");
    assert_eq!(ids.len(), 6);
    course.coordinator.post(&format!("/intakes/{}/sessions/publish", course.intake), json!({ "session_ids": ids[..5] })).expect(200);
    act(&course, &ids[2], "cancel", json!({})).expect(200);
    course.coordinator.post(&format!("/sessions/{}/hold", ids[3]), json!({})).expect(200);
    // On Fridays at 14:00, when another one of them begins an hour later than it did.
    act(&course, &ids[4], "move", json!({ "starts_at": "2020-06-15T01:00:00Z" })).expect(200);
    let change = json!({ "at": "2020-06-04T00:50:00Z", "resumes_at": "2020-06-05T06:00:00Z", "code": "B", "scope": "rest", "reason": "x" });
    let split = || course.coordinator.idempotency_key("once").post(&format!("/sessions/{}/split", ids[1]), change.clone()).expect(200);
    let reply = split();
    assert_eq!(split().body, reply.body);
    let parts = reply.body["sessions"].as_array().unwrap();
    let facts = |part: &Value| ["code", "state", "starts_at", "ends_at", "minutes", "sequence"].map(|field| part[field].clone());
    assert_eq!(
        json!(parts.iter().map(facts).collect::<Vec<_>>()),
        json!([
            ["MET-02", "published", "2020-06-04T00:00:00Z", "2020-06-04T00:50:00Z", 40, 1],
            ["MET-02-B", "published", "2020-06-05T06:00:00Z", "2020-06-05T06:50:00Z", 50, 0],
            ["MET-05", "published", "2020-06-15T01:00:00Z", "2020-06-15T01:50:00Z", 40, 2],
            ["MET-05-B", "published", "2020-06-16T07:00:00Z", "2020-06-16T07:50:00Z", 50, 0],
            ["MET-06", "draft", "2020-06-18T00:00:00Z", "2020-06-18T00:50:00Z", 40, 0],
            ["MET-06-B", "draft", "2020-06-19T06:00:00Z", "2020-06-19T06:50:00Z", 50, 0],
        ])
    );
    for (index, id) in [(0, &ids[1]), (2, &ids[4]), (4, &ids[5])] {
        assert_eq!((&parts[index]["id"], &parts[index]["series_id"]), (&json!(id), &parts[index + 1]["series_id"]));
        assert_eq!(parts[index], read(&course, id).body);
        let rest = read(&course, parts[index + 1]["id"].as_str().unwrap());
        assert_eq!(parts[index + 1], rest.body);
    }
    // One change each, which says where the rest is.
    for (id, rest) in [(&ids[1], &parts[1]), (&ids[4], &parts[3])] {
        let changes = course.coordinator.get(&format!("/sessions/{id}/changes")).expect(200);
        let split: Vec<&Value> = changes.items().iter().filter(|change| change["reason"] == "x").collect();
        assert_eq!((split.len(), &split[0]["continuation"]["id"], &split[0]["continuation"]["code"]), (1, &rest["id"], &rest["code"]));
    }
    assert_eq!(stands(&course, &ids[0]), at("01T00:00", "01T01:40", 0));
    assert_eq!(states(&app, &ids[2..4]), ["cancelled", "held"]);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn nothing_of_a_series_is_parted_if_one_of_it_cannot_be() {
    let app = spawn_app();
    let course = seed::course(&app);
    let ids = published_series(&course, "2020-06-11");
    let split = |from: usize, more: Value| {
        let mut body = json!({ "at": format!("{}T00:50:00Z", ["2020-06-01", "2020-06-04"][from]), "code": "B", "scope": "rest" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        act(&course, &ids[from], "split", body)
    };
    let told = |reply: &Reply| reply.text_at("/errors/0/detail");
    let alone = seed::session(&course, "MET-03-B", &seed::morning(20));
    // Long enough by itself, and too long behind the code of a session.
    let long = format!("MET-04{}", "-".repeat(54));
    let taken = seed::published_session(&course, "P-1", "2020-06-11T06:00:00Z");
    app.unchanged(|| {
        act(&course, &alone, "split", json!({ "at": "2020-06-21T01:30:00Z", "code": "B", "scope": "rest" })).fault("/scope", "no_series");
        assert!(split(0, json!({})).expect(409).problem("already_exists").text.contains("MET-03-B"));
        let refused = split(0, json!({ "code": "C", "resumes_at": "2020-06-01T06:30:00Z" })).expect(409).problem("session_conflict");
        for conflict in refused.body["conflicts"].as_array().unwrap() {
            let session = &conflict["session"];
            let facts = [&session["id"], &session["code"], &session["pointer"], &conflict["other"]["id"]];
            assert_eq!(facts, [&json!(null), &json!("MET-04-C"), &json!("/resumes_at"), &json!(taken)]);
        }
        let outside = split(0, json!({ "code": "C", "resumes_at": "2020-10-22T06:30:00Z" })).fault("/resumes_at", "outside_intake");
        assert!(told(&outside).starts_with("session MET-04: "), "{}", outside.text);
        let before = split(0, json!({ "code": "C", "resumes_at": "2020-06-01T00:49:00Z" })).fault("/resumes_at", "resumes_before");
        assert!(told(&before).starts_with("session MET-01: "), "{}", before.text);
        let too_long = split(0, json!({ "code": long })).fault("/code", "text_too_long");
        assert_eq!(told(&too_long), "the code of the rest of session MET-01 has 67 characters; at most 64 are allowed");
    });
    act(&course, &ids[2], "cut", json!({ "ends_at": "2020-06-08T00:50:00Z" })).expect(200);
    app.unchanged(|| {
        let short = split(0, json!({ "code": "C" })).fault("/at", "outside_session");
        assert_eq!(told(&short), "session MET-03: must be within 2020-06-08 08:00+08:00 and 2020-06-08 08:50+08:00");
    });
    act(&course, &ids[2], "cut", json!({ "minutes": 35 })).expect(200);
    let called = seed::enrolled(&course, 1);
    seed::put_roll_call(&course, &ids[1], &[seed::line(&called[0], "present")]).expect(200);
    app.unchanged(|| split(0, json!({ "code": "C", "at": "2020-06-01T00:11:00Z" })).expect(409).problem("roll_call_begun"));
}

#[test]
fn the_first_parts_last_as_long_and_the_rests_begin_by_the_clock_where_the_clocks_change() {
    let app = spawn_app();
    let course = seed::course(&app);
    let weekly = |code: &str, (opens_on, closes_on): (&str, &str), from: &str| {
        let mut intake = seed::intake_body(&course.program.version, code);
        (intake["time_zone"], intake["opens_on"], intake["closes_on"]) = (json!("Europe/Berlin"), json!(opens_on), json!(closes_on));
        let intake = course.coordinator.post("/intakes", intake).expect(201).id();
        let cohort = seed::cohort(&course.coordinator, &intake, &course.program.metallurgy, code);
        let body = json!({ "code": code, "module_id": course.program.metallurgy_module, "cohort_ids": [cohort], "from": from,
            "pattern": [{ "weekday": "sunday", "starts": "00:30", "ends": "05:30" }] });
        ids(&course.coordinator.post(&format!("/intakes/{intake}/series"), body).expect(201))
    };
    let split = |session: &str, at: &str, resumes_at: &str| {
        act(&course, session, "split", json!({ "at": at, "resumes_at": resumes_at, "code": "B", "scope": "rest" }))
    };
    let autumn = weekly("AUT", ("2020-10-01", "2020-10-31"), "2020-10-18");
    app.unchanged(|| {
        let refused = split(&autumn[0], "2020-10-18T01:30", "2020-10-18T02:30").fault("/resumes_at", "local_time_ambiguous");
        assert!(refused.text_at("/errors/0/detail").starts_with("session AUT-02: "), "{}", refused.text);
    });
    let reply = split(&autumn[0], "2020-10-18T03:30", "2020-10-18T12:00").expect(200);
    assert_eq!(column(&reply, "code"), ["AUT-01", "AUT-01-B", "AUT-02", "AUT-02-B"]);
    // The second has an hour more, which its rest lasts longer.
    let hours = |field: &str| -> Vec<String> { column(&reply, field).iter().map(|time| time[8..16].to_owned()).collect() };
    assert_eq!(hours("starts_at"), ["17T22:30", "18T10:00", "24T22:30", "25T11:00"]);
    assert_eq!(hours("ends_at"), ["18T01:30", "18T12:00", "25T01:30", "25T14:00"]);
    // And in spring one less, so that by the clock the rest would begin before the first part of it ends.
    let spring = weekly("SPR", ("2021-03-01", "2021-03-31"), "2021-03-21");
    app.unchanged(|| {
        let refused = split(&spring[0], "2021-03-21T03:30", "2021-03-21T03:45").fault("/resumes_at", "resumes_before");
        assert!(refused.text_at("/errors/0/detail").starts_with("session SPR-02: "), "{}", refused.text);
    });
    // At once is at once for each.
    let reply = split(&spring[0], "2021-03-21T03:30", "2021-03-21T03:30").expect(200);
    assert_eq!(column(&reply, "starts_at")[3], column(&reply, "ends_at")[2]);
}

fn states(app: &App, ids: &[String]) -> Vec<Value> {
    ids.iter().map(|id| app.auditor().get(&format!("/sessions/{id}")).expect(200).body["state"].clone()).collect()
}

#[test]
fn the_rest_of_a_series_is_cancelled_with_it() {
    let app = spawn_app();
    let course = seed::course(&app);
    let ids = published_series(&course, "2020-06-11");
    course.coordinator.post(&format!("/sessions/{}/hold", ids[2]), json!({})).expect(200);
    let alone = seed::session(&course, "ALONE", &seed::morning(20));
    app.unchanged(|| {
        let replaced = json!({ "scope": "rest", "replaced_by_id": alone });
        act(&course, &ids[1], "cancel", replaced).fault("/replaced_by_id", "replaces_one");
        act(&course, &alone, "cancel", json!({ "scope": "rest" })).fault("/scope", "no_series");
        act(&course, &alone, "publish", json!({ "scope": "rest" })).fault("/scope", "not_cancelled");
    });
    let reply = act(&course, &ids[1], "cancel", json!({ "scope": "rest" })).expect(200);
    let cancelled = [ids[1].clone(), ids[3].clone()];
    assert_eq!(column(&reply, "id"), cancelled);
    // It first and then the rest, wherever it is told.
    assert_eq!(app.auditor().get("/audit?action=session.cancelled").expect(200).column("subject_id"), cancelled);
    let mut told = course.coordinator.get(&format!("/people/{}/changes", course.instructor)).expect(200).column("session_id");
    // The latest first.
    told.reverse();
    assert_eq!(told, cancelled);
    // Each as it is read from then on.
    for session in reply.body["sessions"].as_array().unwrap() {
        assert_eq!(*session, read(&course, session["id"].as_str().unwrap()).body);
    }
    assert_eq!(states(&app, &ids), ["published", "cancelled", "held", "cancelled"]);
    let last = read(&course, &ids[3]);
    assert_eq!((&last.body["cancel_reason"], &last.body["sequence"]), (&json!("as agreed"), &json!(1)));
    assert_eq!(app.findings(), Vec::<String>::new());
}
