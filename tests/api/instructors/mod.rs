//! `/instructors/{id}/profile`, and what the schedule warns of by it.

use serde_json::{Value, json};

use muster::access::Role;

use crate::support::{Reply, TokenOptions, seed, seed::Course, spawn_app};

/// Nothing known but the zone.
fn nothing() -> Value {
    json!({ "time_zone": "Asia/Shanghai", "daily_minutes": null, "weekly_minutes": null, "disciplines": [], "hours": [], "exceptions": [] })
}

fn with(field: &str, value: Value) -> Value {
    let mut body = nothing();
    body[field] = value;
    body
}

fn path(course: &Course) -> String {
    format!("/instructors/{}/profile", course.instructor)
}

fn record(course: &Course, body: Value) -> Reply {
    course.coordinator.if_match("*").put(&path(course), body).expect(200)
}

fn check(course: &Course, sessions: Vec<Value>) -> Reply {
    course.coordinator.post(&format!("/intakes/{}/sessions/check", course.intake), json!({ "sessions": sessions })).expect(200)
}

/// Kind, pointer and detail of each conflict; all of them only warn of the course's instructor.
fn warned(course: &Course, reply: &Reply) -> Vec<[String; 3]> {
    assert_eq!(reply.body["fits"], true, "{}", reply.text);
    let conflicts = reply.body["conflicts"].as_array().unwrap();
    for conflict in conflicts {
        assert_eq!((&conflict["severity"], &conflict["can_be_waived"]), (&json!("warn"), &json!(false)));
        assert_eq!(conflict["subjects"][0]["id"], json!(course.instructor));
    }
    let text = |conflict: &Value, at: &str| conflict.pointer(at).unwrap().as_str().unwrap().to_owned();
    conflicts.iter().map(|one| ["/kind", "/session/pointer", "/detail"].map(|at| text(one, at))).collect()
}

fn morning(course: &Course, day: u32) -> Value {
    seed::session_body(course, &format!("N-{day}"), &seed::morning(day))
}

#[test]
fn a_profile_is_recorded_whole_and_read_by_whom_it_is_about() {
    let app = spawn_app();
    let course = seed::course(&app);
    let own = app.instructor(&course.instructor);
    own.get(&path(&course)).expect(404);
    let hours = json!([{ "weekday": "tuesday", "from_time": "08:00", "until_time": "12:00" },
            { "weekday": "monday", "from_time": "08:00", "until_time": "24:00" }]);
    let exception = json!({ "from_date": "2020-07-06", "until_date": "2020-07-10", "available": false, "note": "会议" });
    let body = json!({ "time_zone": "Asia/Shanghai", "daily_minutes": 360, "weekly_minutes": 1080, "disciplines": ["MET", "MEC", "MET"],
        "hours": hours, "exceptions": [exception] });
    let made = course.coordinator.put(&path(&course), body.clone()).expect(200);
    assert_eq!((&made.body["disciplines"], &made.body["version"]), (&json!(["MEC", "MET"]), &json!(1)));
    assert_eq!((&made.body["hours"][0]["weekday"], &made.body["exceptions"][0]["until_time"]), (&json!("monday"), &json!("24:00")));
    let read = own.get(&path(&course)).expect(200);
    assert_eq!(read.body, made.body);
    own.if_none_match(read.header("etag")).get(&path(&course)).expect(304);
    let trainee = seed::recruit(&course);
    app.unchanged(|| {
        own.if_match("*").put(&path(&course), nothing()).expect(403);
        course.coordinator.put(&path(&course), nothing()).expect(428);
        course.coordinator.if_match("\"v9\"").put(&path(&course), nothing()).expect(412);
        // The same again is no change.
        assert_eq!(course.coordinator.put(&path(&course), body).expect(200).body, made.body);
        let options = TokenOptions { intake: Some(course.intake.clone()), ..TokenOptions::default() };
        let narrowed = app.client_for(muster::access::Role::Coordinator, Some(&app.provider().id), None, options);
        narrowed.if_match("*").put(&path(&course), nothing()).expect(403);
        course.coordinator.put(&format!("/instructors/{trainee}/profile"), nothing()).expect(404);
    });
    let changed = course.coordinator.if_match(&made.etag()).put(&path(&course), nothing()).expect(200);
    assert_eq!((&changed.body["hours"], &changed.body["exceptions"], &changed.body["version"]), (&json!([]), &json!([]), &json!(2)));
}

#[test]
fn what_is_wrong_with_a_profile_is_pointed_at() {
    let app = spawn_app();
    let course = seed::course(&app);
    let hours = |weekday: &str, from: &str, until: &str| json!([{ "weekday": weekday, "from_time": from, "until_time": until }]);
    let days = |from: &str, until: &str| json!([{ "from_date": from, "until_date": until, "available": true }]);
    app.unchanged(|| {
        for (field, value, pointer, code) in [
            ("daily_minutes", json!(1441), "/daily_minutes", "out_of_range"),
            ("weekly_minutes", json!(0), "/weekly_minutes", "out_of_range"),
            ("hours", hours("1", "00:00", "00:01"), "/hours/0/weekday", "unknown_value"),
            ("hours", hours("monday", "01:00", "01:00"), "/hours/0/until_time", "end_before_start"),
            ("hours", hours("monday", "24:00", "24:00"), "/hours/0/until_time", "end_before_start"),
            ("hours", hours("monday", "00:00", "24:01"), "/hours/0/until_time", "wrong_value"),
            ("exceptions", days("2020-07-02", "2020-07-01"), "/exceptions/0/until_date", "end_before_start"),
            ("exceptions", days("1899-12-31", "2020-07-01"), "/exceptions/0/from_date", "out_of_range"),
            ("exceptions", days("2020-07-02", "2201-01-01"), "/exceptions/0/until_date", "out_of_range"),
            ("exceptions", days("2020-07-02", "12020-07-01"), "/exceptions/0/until_date", "wrong_value"),
            ("time_zone", json!("Beijing"), "/time_zone", "unknown_time_zone"),
        ] {
            course.coordinator.put(&path(&course), with(field, value)).fault(pointer, code);
        }
        for field in ["daily_minutes", "weekly_minutes", "disciplines", "hours", "exceptions"] {
            let mut body = nothing();
            body.as_object_mut().unwrap().remove(field);
            course.coordinator.put(&path(&course), body).fault(&format!("/{field}"), "missing_field");
        }
    });
}

#[test]
fn an_instructor_who_is_not_available_is_warned_of() {
    let app = spawn_app();
    let course = seed::course(&app);
    let both = || vec![morning(&course, 1), morning(&course, 2)];
    assert_eq!(warned(&course, &check(&course, both())), Vec::<[String; 3]>::new());
    record(&course, nothing());
    assert_eq!(warned(&course, &check(&course, both())), Vec::<[String; 3]>::new());
    // 2 June 2020 is a Tuesday; a morning is 9:00 to 10:30 in Shanghai.
    record(&course, with("hours", json!([{ "weekday": "tuesday", "from_time": "09:00", "until_time": "10:30" }])));
    app.unchanged(|| {
        let told = warned(&course, &check(&course, both()));
        assert_eq!((told.len(), told[0][0].as_str(), told[0][1].as_str()), (1, "instructor_unavailable", "/sessions/1"));
        assert!(told[0][2].contains("2020-06-03 09:00+08:00 to 2020-06-03 10:30+08:00 in Asia/Shanghai"), "{}", told[0][2]);
        // Whoever watches a recording is at no certain time.
        let mut recorded = morning(&course, 2);
        recorded["mode"] = json!("recorded");
        recorded["length_minutes"] = json!(90);
        assert_eq!(warned(&course, &check(&course, vec![recorded])).len(), 0);
    });
    record(
        &course,
        with("exceptions", json!([{ "from_date": "2020-06-02", "until_date": "2020-06-02", "from_time": "10:29", "available": false }])),
    );
    assert_eq!(warned(&course, &check(&course, both()))[0][1], "/sessions/0");
    // It refuses nothing.
    seed::published_session_as(&course, morning(&course, 1));
}

#[test]
fn an_instructor_of_another_discipline_is_warned_of() {
    let app = spawn_app();
    let course = seed::course(&app);
    let code = |id: &str| {
        let version = course.coordinator.get(&format!("/program-versions/{}", course.program.version)).expect(200);
        let disciplines = version.body["disciplines"].as_array().unwrap();
        disciplines.iter().find(|one| one["id"] == id).unwrap()["code"].as_str().unwrap().to_owned()
    };
    let (own, other) = (code(&course.program.metallurgy), code(&course.program.mechanics));
    record(&course, with("disciplines", json!([other])));
    let mut common = morning(&course, 2);
    common["module_id"] = json!(course.program.common_module);
    let told = warned(&course, &check(&course, vec![morning(&course, 1), common]));
    assert_eq!((told.len(), told[0][0].as_str(), told[0][1].as_str()), (1, "instructor_unqualified", "/sessions/0"));
    assert!(told[0][2].contains(&format!("is qualified for {other}; session N-1 is of {own}")), "{}", told[0][2]);
    record(&course, with("disciplines", json!([own])));
    assert_eq!(warned(&course, &check(&course, vec![morning(&course, 1)])).len(), 0);
}

#[test]
fn caps_count_what_stands_in_every_intake_of_the_house() {
    let app = spawn_app();
    let course = seed::course(&app);
    let other = seed::course_called(&app, "SECOND", "BAOWU");
    let taught_elsewhere = |day: u32, minutes: i64| {
        let start = seed::after(&seed::morning(day), 120);
        let mut body = seed::session_body(&other, &format!("S-{day}"), &start);
        body["ends_at"] = json!(seed::after(&start, minutes));
        body["instructor_ids"] = json!([course.instructor]);
        seed::published_session_as(&other, body)
    };
    // 2 June 2020 is a Tuesday, 7 June a Sunday.
    taught_elsewhere(1, 60);
    let standing = seed::published_session(&course, "P-1", &seed::morning(3));
    let mut body = with("daily_minutes", json!(150));
    body["weekly_minutes"] = json!(240);
    record(&course, body);
    app.unchanged(|| {
        // 90 and 60 on Tuesday, then 240 in the week, then one minute more of each.
        assert_eq!(warned(&course, &check(&course, vec![morning(&course, 1)])).len(), 0);
        let told = warned(&course, &check(&course, vec![morning(&course, 1), morning(&course, 6), morning(&course, 7)]));
        assert_eq!((told.len(), told[0][0].as_str(), told[0][1].as_str()), (1, "weekly_cap", "/sessions/1"));
        assert!(told[0][2].contains("teaches 330 minutes in the week from 2020-06-01; the cap is 240"), "{}", told[0][2]);
        let mut longer = morning(&course, 1);
        longer["ends_at"] = json!(seed::after(&seed::morning(1), 91));
        let told = warned(&course, &check(&course, vec![longer]));
        let kinds: Vec<&str> = told.iter().map(|one| one[0].as_str()).collect();
        assert_eq!(kinds, ["daily_cap", "weekly_cap"]);
        assert!(told[0][2].contains("teaches 151 minutes on 2020-06-02; the cap is 150"), "{}", told[0][2]);
        // What moves counts where it is to be, once.
        let moved = json!({ "starts_at": seed::morning(4), "ends_at": seed::after(&seed::morning(4), 90) });
        let changes = json!({ "changes": [{ "id": standing, "change": moved }], "sessions": [morning(&course, 1)] });
        let reply = course.coordinator.post(&format!("/intakes/{}/sessions/check", course.intake), changes).expect(200);
        let kinds: Vec<&Value> = reply.body["conflicts"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
        assert_eq!(kinds, ["in_the_past"]);
        assert_eq!(reply.body["fits"], true);
    });
}

#[test]
fn a_discipline_that_no_program_has_is_refused() {
    let app = spawn_app();
    let course = seed::course(&app);
    app.unchanged(|| {
        let reply = course.coordinator.put(&path(&course), with("disciplines", json!(["MET", "METT"])));
        let detail = reply.text_at("/errors/0/detail");
        assert!(
            detail.starts_with("no program of the instructor's house has a discipline METT; there are: ") && detail.contains("MET"),
            "{detail}"
        );
        reply.fault("/disciplines", "unknown_discipline");
    });
    record(&course, with("disciplines", json!(["MET"])));
}

#[test]
fn a_unit_may_name_the_disciplines_of_its_whole_house() {
    let app = spawn_app();
    seed::course(&app);
    let unit = &app.provider().units[0];
    let coordinator = app.client_for(Role::Coordinator, Some(unit), None, TokenOptions::default());
    let path = format!("/instructors/{}/profile", seed::instructor(&app, &coordinator, "U-1"));
    coordinator.if_match("*").put(&path, with("disciplines", json!(["MET"]))).expect(200);
    coordinator.if_match("*").put(&path, with("disciplines", json!(["MET", "METT"]))).fault("/disciplines", "unknown_discipline");
}
