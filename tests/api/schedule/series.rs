//! Sessions by a weekly pattern.

use serde_json::{Value, json};

use crate::support::{App, Reply, seed, seed::Course, spawn_app};

/// Mondays and Thursdays from eight to twenty to ten in Shanghai, ten minutes of it a break, from 1 June 2020, a Monday.
fn body(course: &Course) -> Value {
    let slot = |weekday: &str| json!({ "weekday": weekday, "starts": "08:00", "ends": "09:40", "break_minutes": 10 });
    json!({ "code": "MET", "module_id": course.program.metallurgy_module, "cohort_ids": [course.metallurgy],
        "instructor_ids": [course.instructor], "pattern": [slot("thursday"), slot("monday")], "from": "2020-06-01", "place": "Hall 1" })
}

fn make(course: &Course, query: &str, body: Value) -> Reply {
    course.coordinator.post(&format!("/intakes/{}/series{query}", course.intake), body)
}

fn column(reply: &Reply, list: &str, field: &str) -> Vec<String> {
    reply.body[list].as_array().unwrap().iter().map(|one| one[field].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_series_goes_on_until_the_hours_of_the_module_are_used_up() {
    let app = spawn_app();
    let course = seed::short_course(&app, 315);
    let mut new = body(&course);
    new["skip"] = json!(["2020-06-04"]);
    let tried = app.unchanged(|| make(&course, "?dry_run=true", new.clone()).expect(200));
    let made = make(&course, "", new).expect(201);
    assert_eq!(made.body["code"], "MET");
    assert_eq!(column(&made, "sessions", "code"), ["MET-01", "MET-02", "MET-03", "MET-04"]);
    let starts = ["2020-06-01T00:00:00Z", "2020-06-08T00:00:00Z", "2020-06-11T00:00:00Z", "2020-06-15T00:00:00Z"];
    assert_eq!(column(&made, "sessions", "starts_at"), starts);
    // Three of 90 minutes, and what is left in a shorter one with its break.
    let last = &made.body["sessions"][3];
    assert_eq!((&last["minutes"], &last["ends_at"]), (&json!(45), &json!("2020-06-15T00:55:00Z")));
    assert_eq!((&made.body["minutes_left"], &made.body["ended"]), (&json!(0), &json!("plan_used_up")));
    assert!(made.text_at("/taken_before").starts_with("cohort MET-1 has 0 of 315 planned minutes of module MET-01 "), "{}", made.text);
    let skipped = &made.body["skipped"];
    assert_eq!(
        (skipped.as_array().unwrap().len(), &skipped[0]["date"], &skipped[0]["reason"]),
        (1, &json!("2020-06-04"), &json!("left_out"))
    );
    assert_eq!((&made.body["fits"], &made.body["conflicts"]), (&json!(true), &json!([])));
    // What was tried says the same, but for the ids.
    let mut without_ids = made.body.clone();
    without_ids["id"] = Value::Null;
    without_ids["sessions"].as_array_mut().unwrap().iter_mut().for_each(|session| session["id"] = Value::Null);
    assert_eq!(tried.body, without_ids);
    // The sessions are drafts like any other, and know their series.
    let path = format!("/intakes/{}/sessions", course.intake);
    let alone = seed::session_as(&course, {
        let mut body = seed::session_body(&course, "ALONE", &seed::morning(40));
        body["module_id"] = json!(course.program.common_module);
        body
    });
    let listed = course.coordinator.get(&format!("{path}?series_id={}", made.text_at("/id"))).expect(200);
    assert_eq!(listed.column("id"), column(&made, "sessions", "id"));
    assert_eq!((&listed.body["items"][0]["state"], &listed.body["items"][0]["series_id"]), (&json!("draft"), &made.body["id"]));
    assert_eq!(course.coordinator.get(&format!("/sessions/{alone}")).expect(200).body["series_id"], Value::Null);
    let entry = &app.auditor().get("/audit?action=series.created").expect(200).body["items"][0];
    assert_eq!((&entry["subject_id"], &entry["to"]["pattern"][0]["weekday"]), (&made.body["id"], &json!("thursday")));
    // Published together, and nothing else with them.
    let published = course.coordinator.post(&format!("{path}/publish"), json!({ "series_id": made.body["id"] })).expect(200);
    assert_eq!(column(&published, "sessions", "id"), column(&made, "sessions", "id"));
    assert_eq!(course.coordinator.get(&format!("{path}?state=draft")).expect(200).column("id"), [alone]);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_series_says_what_it_was_made_from_and_how_many_of_its_sessions_stand() {
    let app = spawn_app();
    let course = seed::short_course(&app, 315);
    let new = body(&course);
    let made = make(&course, "", new.clone()).expect(201);
    let path = format!("/series/{}", made.id());
    assert_eq!(made.header("location"), format!("/api/v1{path}"));
    let series = course.coordinator.get(&path).expect(200).body;
    // What was not said is the intake's, as it was then.
    let mut made_from = new.clone();
    for (field, value) in [
        ("mode", json!("live_online")),
        ("until", json!("2020-10-30")),
        ("room_id", Value::Null),
        ("place", json!("Hall 1")),
        ("skip", json!([])),
    ] {
        made_from[field] = value;
    }
    assert_eq!((&series["code"], &series["made_from"]), (&json!("MET"), &made_from));
    assert_eq!(series["sessions"], json!({ "draft": 4, "published": 0, "held": 0, "cancelled": 0 }));
    course.coordinator.if_match("*").patch(&format!("/intakes/{}", course.intake), json!({ "closes_on": "2020-10-31" })).expect(200);
    let publish = format!("/intakes/{}/sessions/publish", course.intake);
    course.coordinator.post(&publish, json!({ "series_id": made.id() })).expect(200);
    let last = made.text_at("/sessions/2/id");
    course.coordinator.post(&format!("/sessions/{last}/cancel"), json!({ "reason": "storm", "scope": "rest" })).expect(200);
    seed::session(&course, "ALONE", &seed::morning(40));
    let read = course.coordinator.get(&path).expect(200).body;
    assert_eq!(read["sessions"], json!({ "draft": 0, "published": 2, "held": 0, "cancelled": 2 }));
    assert_eq!(read["made_from"], made_from);
    // The list of the intake has no other's.
    let other = seed::course_called(&app, "SECOND", "BAOWU");
    make(&other, "", body(&other)).expect(201);
    let list = course.coordinator.get(&format!("/intakes/{}/series", course.intake)).expect(200).body;
    let mut listed = read;
    // It may be long, and whoever wants it reads the one series.
    listed.as_object_mut().unwrap().remove("made_from");
    assert_eq!(list, json!({ "items": [listed], "next": null }));
}

#[test]
fn the_series_of_an_intake_come_page_by_page_in_the_order_in_which_they_were_made() {
    let app = spawn_app();
    let course = seed::course(&app);
    let list = |query: &str| course.coordinator.get(&format!("/intakes/{}/series{query}", course.intake)).expect(200);
    let days = [("MET", "2020-06-15"), ("ELE", "2020-06-08"), ("AUT", "2020-06-22")];
    let made = days.map(|(code, day)| {
        let mut new = body(&course);
        (new["code"], new["from"], new["until"]) = (json!(code), json!(day), json!(day));
        make(&course, "", new).expect(201).text_at("/id")
    });
    assert_eq!(list("").column("id"), made);
    let first = list("?limit=2");
    assert_eq!((first.column("code"), first.text_at("/next")), (vec!["MET".to_owned(), "ELE".to_owned()], made[1].clone()));
    let second = list(&format!("?limit=2&cursor={}", made[1]));
    assert_eq!((second.column("code"), &second.body["next"]), (vec!["AUT".to_owned()], &Value::Null));
}

#[test]
fn of_several_cohorts_the_one_that_has_least_left_decides_and_drafts_count() {
    let app = spawn_app();
    let course = seed::course(&app);
    let second = seed::cohort(&course.coordinator, &course.intake, &course.program.metallurgy, "MET-2");
    let long = |code: &str, day: u32, cohort: &str| {
        let mut body = seed::session_body(&course, code, &seed::morning(day));
        body["ends_at"] = json!(seed::after(&seed::morning(day), 1440));
        body["cohort_ids"] = json!([cohort]);
        seed::session_as(&course, body)
    };
    // Of 5,400 minutes the second cohort has 4,320 in drafts, the first 1,440.
    for day in 0..3 {
        long(&format!("L-{day}"), 100 + day, &second);
    }
    long("L-3", 110, &course.metallurgy);
    let mut both = body(&course);
    both["cohort_ids"] = json!([course.metallurgy, second]);
    both["until"] = json!("2020-06-30");
    let reply = make(&course, "?dry_run=true", both.clone()).expect(200);
    assert_eq!((&reply.body["minutes_left"], &reply.body["ended"]), (&json!(1080 - 9 * 90), &json!("range_over")));
    both["until"] = json!("2020-09-30");
    let reply = make(&course, "?dry_run=true", both).expect(200);
    assert_eq!((reply.body["sessions"].as_array().unwrap().len(), &reply.body["ended"]), (12, &json!("plan_used_up")));
    let one = make(&course, "?dry_run=true", body(&course)).expect(200);
    assert_eq!(one.body["sessions"].as_array().unwrap().len() as i64 * 90 + one.body["minutes_left"].as_i64().unwrap(), 5400 - 1440);
}

#[test]
fn what_is_in_the_way_is_told_and_refuses_nothing() {
    let app = spawn_app();
    let course = seed::course(&app);
    // At nine, when the first Thursday's session is not over.
    let standing = seed::published_session(&course, "P-1", &seed::morning(3));
    let made = make(&course, "", body(&course)).expect(201);
    assert_eq!(made.body["fits"], false);
    let conflict = &made.body["conflicts"][0];
    assert_eq!((&conflict["session"]["pointer"], &conflict["other"]["id"]), (&json!("/sessions/1"), &json!(standing)));
    assert_eq!(conflict["session"]["id"], made.body["sessions"][1]["id"]);
    let publish = format!("/intakes/{}/sessions/publish", course.intake);
    course.coordinator.post(&publish, json!({ "series_id": made.body["id"] })).expect(409).problem("session_conflict");
}

#[test]
fn nothing_takes_place_on_the_days_off_of_the_intakes_calendar() {
    let app = spawn_app();
    let course = seed::course(&app);
    let body_of = json!({ "kind": "holidays", "code": "CN-2020", "name": "节假日", "time_zone": "Asia/Shanghai", "weekend_days": ["saturday", "sunday"] });
    let calendar = course.coordinator.post("/calendars", body_of).expect(201).id();
    let day = |date: &str, kind: &str| {
        let values = format!("{}, '{date}', '{kind}', '端午节'", app.hex(&calendar));
        app.sql(&format!("INSERT INTO calendar_days (calendar_id, on_date, kind, name) VALUES ({values})")).unwrap();
    };
    day("2020-06-25", "holiday");
    day("2020-06-28", "working");
    let path = format!("/intakes/{}", course.intake);
    course.coordinator.if_match("*").patch(&path, json!({ "holiday_calendar_id": calendar })).expect(200);
    let mut new = body(&course);
    new["pattern"].as_array_mut().unwrap().push(json!({ "weekday": "sunday", "starts": "08:00", "ends": "09:40" }));
    new["from"] = json!("2020-06-21");
    new["until"] = json!("2020-06-29");
    let reply = make(&course, "?dry_run=true", new).expect(200);
    assert_eq!(column(&reply, "skipped", "date"), ["2020-06-21", "2020-06-25"]);
    assert!(reply.text_at("/skipped/1/detail").contains("端午节"));
    let starts = ["2020-06-22T00:00:00Z", "2020-06-28T00:00:00Z", "2020-06-29T00:00:00Z"];
    assert_eq!(column(&reply, "sessions", "starts_at"), starts);
}

#[test]
fn a_night_shift_ends_on_the_next_day() {
    let app = spawn_app();
    let course = seed::course(&app);
    let mut night = body(&course);
    night["pattern"] = json!([{ "weekday": "friday", "starts": "22:00", "ends": "00:30" }]);
    night["from"] = json!("2020-10-23");
    let reply = make(&course, "?dry_run=true", night).expect(200);
    assert_eq!(column(&reply, "sessions", "ends_at"), ["2020-10-23T16:30:00Z"]);
    // The intake closes on the second Friday.
    assert_eq!((&reply.body["skipped"][0]["date"], &reply.body["skipped"][0]["reason"]), (&json!("2020-10-30"), &json!("outside_intake")));
}

fn refused(app: &App, course: &Course, change: impl Fn(&mut Value), check: impl Fn(Reply)) {
    let mut new = body(course);
    change(&mut new);
    app.unchanged(|| {
        check(make(course, "", new.clone()));
        check(make(course, "?dry_run=true", new.clone()));
    });
}

#[test]
fn a_series_that_cannot_be_is_refused_whether_tried_or_made() {
    let app = spawn_app();
    let course = seed::course(&app);
    let fault = |pointer: &'static str, code: &'static str, field: &'static str, value: Value| {
        refused(&app, &course, |body| body[field] = value.clone(), |reply| drop(reply.fault(pointer, code)));
    };
    fault("/pattern", "out_of_range", "pattern", json!([]));
    fault("/pattern", "out_of_range", "pattern", json!(vec![body(&course)["pattern"][0].clone(); 22]));
    let slot = |starts: &str, breaks: i32| json!([{ "weekday": "monday", "starts": starts, "ends": "09:40", "break_minutes": breaks }]);
    fault("/pattern/0/break_minutes", "no_minutes_left", "pattern", slot("08:00", 100));
    fault("/pattern/0/break_minutes", "out_of_range", "pattern", slot("08:00", -1));
    fault("/pattern/0/starts", "wrong_value", "pattern", slot("8:00", 0));
    fault("/pattern/0/starts", "out_of_range", "pattern", slot("24:00", 0));
    fault("/from", "outside_intake", "from", json!("2020-05-26"));
    fault("/until", "outside_intake", "until", json!("2020-10-31"));
    fault("/until", "end_before_start", "until", json!("2020-05-31"));
    fault("/skip/1", "duplicate", "skip", json!(["2020-06-04", "2020-06-04"]));
    fault("/skip/0", "outside_series", "skip", json!(["2020-05-31"]));
    fault("/skip/1", "outside_series", "skip", json!(["2020-10-30", "2020-10-31"]));
    fault("/skip", "out_of_range", "skip", json!(vec!["2020-06-04"; 367]));
    fault("/mode", "recorded_in_series", "mode", json!("recorded"));
    fault("/cohort_ids", "cohort_missing", "cohort_ids", json!([]));
    fault("/module_id", "module_of_another_discipline", "module_id", json!(course.program.mechanics_module));
    fault("/code", "text_too_long", "code", json!("M".repeat(62)));
    fault("/colour", "unknown_field", "colour", json!("red"));
    let not_found = |field: &'static str, value: Value| {
        refused(&app, &course, |body| body[field] = value.clone(), |reply| drop(reply.expect(404)));
    };
    not_found("instructor_ids", json!([app.absent_id()]));
    not_found("room_id", json!(app.absent_id()));
}

#[test]
fn a_series_of_nothing_says_why() {
    let app = spawn_app();
    let course = seed::short_course(&app, 90);
    let detail = |reply: Reply| reply.expect(409).problem("nothing_to_schedule").text_at("/detail");
    let mut new = body(&course);
    new["until"] = json!("2020-06-01");
    new["skip"] = json!(["2020-06-01"]);
    assert_eq!(detail(make(&course, "", new.clone())), "every time of the pattern is skipped: 2020-06-01 08:00: left out by the request");
    new["pattern"] = json!([{ "weekday": "sunday", "starts": "08:00", "ends": "09:40" }]);
    assert_eq!(detail(make(&course, "", new)), "none of the days is a sunday");
    seed::session(&course, "D-1", &seed::morning(50));
    assert!(detail(make(&course, "", body(&course))).starts_with("cohort MET-1 has "));
}

#[test]
fn codes_and_series_are_unique_in_the_intake() {
    let app = spawn_app();
    let course = seed::course(&app);
    let other = seed::course_called(&app, "SECOND", "BAOWU");
    seed::session(&course, "MET-02", &seed::morning(50));
    refused(&app, &course, |_| {}, |reply| drop(reply.expect(409).problem("already_exists")));
    let mut short = body(&course);
    short["until"] = json!("2020-06-02");
    let made = make(&course, "", short.clone()).expect(201);
    short["from"] = json!("2020-06-02");
    short["until"] = json!("2020-06-05");
    // Its first session would have a code that is free, if the draft were renamed.
    let path = format!("/sessions/{}", made.text_at("/sessions/0/id"));
    course.coordinator.if_match("*").patch(&path, json!({ "code": "RENAMED" })).expect(200);
    refused(&app, &course, |body| *body = short.clone(), |reply| drop(reply.expect(409).problem("already_exists")));
    make(&other, "", body(&other)).expect(201);
    let publish = |course: &Course, series: &Reply| {
        course.coordinator.post(&format!("/intakes/{}/sessions/publish", course.intake), json!({ "series_id": series.body["id"] }))
    };
    publish(&other, &made).expect(404);
    let ids = json!({ "series_id": made.body["id"], "session_ids": [made.body["sessions"][0]["id"]] });
    let path = format!("/intakes/{}/sessions/publish", course.intake);
    course.coordinator.post(&path, ids).fault("/series_id", "one_of_two");
    publish(&course, &made).expect(200);
}
