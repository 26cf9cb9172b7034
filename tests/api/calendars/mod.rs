//! `/calendars`, and the days off that the schedule warns of.

use serde_json::{Value, json};

use crate::support::{App, Reply, seed, seed::Course, spawn_app};

/// A calendar of the seeded provider in which weekends are off, with days by hand.
fn holidays(app: &App, days: &[(&str, &str)]) -> String {
    let body = json!({ "kind": "holidays", "code": "CN-2020", "name": "节假日", "time_zone": "Asia/Shanghai", "weekend_days": ["saturday", "sunday"] });
    let id = app.coordinator().post("/calendars", body).expect(201).id();
    let key = app.hex(&id);
    for (date, kind) in days {
        app.sql(&format!("INSERT INTO calendar_days (calendar_id, on_date, kind, name) VALUES ({key}, '{date}', '{kind}', '端午节')"))
            .unwrap();
    }
    id
}

fn shifts(app: &App, organization: &str) -> Reply {
    let body =
        json!({ "kind": "shifts", "code": "ROTA", "name": "四班三倒", "time_zone": "Asia/Shanghai", "organization_id": organization });
    app.coordinator().post("/calendars", body)
}

fn name_calendar(course: &Course, calendar: Value) -> Reply {
    let path = format!("/intakes/{}", course.intake);
    course.coordinator.if_match("*").patch(&path, json!({ "holiday_calendar_id": calendar }))
}

fn check(course: &Course, starts_at: &[&str]) -> Reply {
    let one = |(index, start): (usize, &&str)| seed::session_body(course, &format!("N-{index}"), start);
    let sessions: Vec<Value> = starts_at.iter().enumerate().map(one).collect();
    course.coordinator.post(&format!("/intakes/{}/sessions/check", course.intake), json!({ "sessions": sessions })).expect(200)
}

#[test]
fn a_calendar_is_begun_read_and_changed() {
    let app = spawn_app();
    let (coordinator, sponsor) = (app.coordinator(), seed::sponsor(&app, "JISCO"));
    let body = json!({ "kind": "holidays", "code": "CN-2020", "name": "节假日", "time_zone": "Asia/Shanghai", "weekend_days": ["sunday", "saturday"] });
    let made = coordinator.post("/calendars", body.clone()).expect(201);
    assert_eq!((&made.body["weekend_days"], &made.body["organization_id"]), (&json!(["saturday", "sunday"]), &json!(null)));
    let path = made.header("location").to_owned();
    assert_eq!(coordinator.get(&path).expect(200).body, made.body);
    let with = |field: &str, value: Value| {
        let mut body = body.clone();
        body["code"] = json!("OTHER");
        body[field] = value;
        coordinator.post("/calendars", body)
    };
    app.unchanged(|| {
        coordinator.post("/calendars", body.clone()).expect(409).problem("already_exists");
        with("organization_id", json!(sponsor.id)).fault("/organization_id", "not_shifts");
        with("kind", json!("shifts")).fault("/organization_id", "organization_missing");
        with("weekend_days", json!(["funday"])).fault("/weekend_days/0", "unknown_value");
        with("weekend_days", json!(["monday", "monday"])).fault("/weekend_days", "duplicate");
        with("time_zone", json!("Mars/Olympus")).fault("/time_zone", "unknown_time_zone");
        let mut unknown = json!({ "kind": "shifts", "code": "R", "name": "R", "time_zone": "UTC", "organization_id": app.absent_id() });
        coordinator.post("/calendars", unknown.clone()).fault("/organization_id", "unknown_organization");
        unknown["weekend_days"] = json!(["sunday"]);
        unknown["organization_id"] = json!(sponsor.id);
        coordinator.post("/calendars", unknown).fault("/weekend_days", "not_holidays");
        coordinator.if_match("*").patch(&path, json!({ "kind": "shifts" })).fault("/kind", "unknown_field");
    });
    let changed = coordinator.if_match(&made.etag()).patch(&path, json!({ "weekend_days": [], "name": "2020" })).expect(200);
    assert_eq!((&changed.body["weekend_days"], &changed.body["name"]), (&json!([]), &json!("2020")));
    let rota = shifts(&app, &sponsor.id).expect(201).id();
    coordinator
        .if_match("*")
        .patch(&format!("/calendars/{rota}"), json!({ "weekend_days": ["sunday"] }))
        .fault("/weekend_days", "not_holidays");
    assert_eq!(coordinator.get("/calendars").expect(200).column("code"), ["CN-2020", "ROTA"]);
}

#[test]
fn days_and_shifts_are_listed_in_pages() {
    let app = spawn_app();
    let calendar = holidays(&app, &[("2020-06-28", "working"), ("2020-06-25", "holiday"), ("2020-06-26", "holiday")]);
    let sponsor = seed::sponsor(&app, "JISCO");
    let rota = shifts(&app, &sponsor.id).expect(201).id();
    for (crew, start) in [("B", "2020-06-01T00:00:00Z"), ("A", "2020-06-01T00:00:00Z"), ("A", "2020-05-31T00:00:00Z")] {
        let (key, starts, ends) = (app.hex(&rota), app.instant(start), app.instant(&seed::after(start, 480)));
        let values = format!("({key}, '{crew}', {starts}, {ends}, '早班')");
        app.sql(&format!("INSERT INTO crew_shifts (calendar_id, crew, starts_at, ends_at, name) VALUES {values}")).unwrap();
    }
    let coordinator = app.coordinator();
    let pages = |path: String, fields: [&str; 2]| {
        let (mut rows, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = coordinator.get(&format!("{path}?limit=1{cursor}")).expect(200);
            rows.extend(page.items().iter().map(|row| fields.map(|field| row[field].as_str().unwrap().to_owned())));
            let Some(next) = page.body["next"].as_str() else { return rows };
            cursor = format!("&cursor={next}");
        }
    };
    let days = pages(format!("/calendars/{calendar}/days"), ["date", "kind"]);
    assert_eq!(days, [["2020-06-25", "holiday"], ["2020-06-26", "holiday"], ["2020-06-28", "working"]]);
    let worked = pages(format!("/calendars/{rota}/shifts"), ["crew", "starts_at"]);
    assert_eq!(worked, [["A", "2020-05-31T00:00:00Z"], ["A", "2020-06-01T00:00:00Z"], ["B", "2020-06-01T00:00:00Z"]]);
    coordinator.get(&format!("/calendars/{}/days", app.absent_id())).expect(404);
    coordinator.get(&format!("/calendars/{}/shifts", app.absent_id())).expect(404);
}

#[test]
fn an_intake_names_a_calendar_of_holidays_of_its_provider() {
    let app = spawn_app();
    let course = seed::course(&app);
    let calendar = holidays(&app, &[]);
    let rota = shifts(&app, &course.sponsor.id).expect(201).id();
    let other = seed::organization(&app, "OTHER", "其他", "university", None);
    let body = json!({ "kind": "holidays", "code": "CN-2020", "name": "节假日", "time_zone": "Asia/Shanghai" });
    let theirs = app.coordinator_of(&other).post("/calendars", body).expect(201).id();
    let mut intake = seed::intake_body(&course.program.version, "NEXT");
    app.unchanged(|| {
        for (id, code) in [(&rota, "not_holidays"), (&theirs, "unknown_calendar"), (&app.absent_id(), "unknown_calendar")] {
            name_calendar(&course, json!(id)).fault("/holiday_calendar_id", code);
            intake["holiday_calendar_id"] = json!(id);
            course.coordinator.post("/intakes", intake.clone()).fault("/holiday_calendar_id", code);
        }
    });
    intake["holiday_calendar_id"] = json!(calendar);
    assert_eq!(course.coordinator.post("/intakes", intake).expect(201).body["holiday_calendar_id"], json!(calendar));
    assert_eq!(name_calendar(&course, json!(calendar)).expect(200).body["holiday_calendar_id"], json!(calendar));
    let (rota, theirs, calendar, own) = (app.hex(&rota), app.hex(&theirs), app.hex(&calendar), app.hex(&course.intake));
    // By hand neither.
    let names = |id: &str| app.refusal(&format!("UPDATE intakes SET holiday_calendar_id = {id} WHERE id = {own}"));
    assert!(names(&rota).contains("calendar_of_another_kind"));
    assert!(names(&theirs).to_lowercase().contains("foreign key"));
    assert!(app.refusal(&format!("UPDATE calendars SET kind = 'shifts' WHERE id = {calendar}")).contains("immutable"));
    let day = format!("INSERT INTO calendar_days (calendar_id, on_date, kind) VALUES ({rota}, '2020-06-25', 'holiday')");
    assert!(app.refusal(&day).contains("calendar_of_another_kind"));
    let (start, end) = (app.instant("2020-06-01T00:00:00Z"), app.instant("2020-06-01T08:00:00Z"));
    let shift = |calendar: &str, end: &str| {
        app.refusal(&format!("INSERT INTO crew_shifts (calendar_id, crew, starts_at, ends_at) VALUES ({calendar}, 'A', {start}, {end})"))
    };
    assert!(shift(&calendar, &end).contains("calendar_of_another_kind"));
    assert!(shift(&rota, &app.instant("2020-06-02T00:01:00Z")).to_lowercase().contains("check"));
    assert_eq!(name_calendar(&course, json!(null)).expect(200).body["holiday_calendar_id"], json!(null));
}

#[test]
fn a_session_on_a_day_off_is_warned_of_and_published_all_the_same() {
    let app = spawn_app();
    let course = seed::course(&app);
    let calendar = holidays(&app, &[("2020-06-25", "holiday"), ("2020-06-28", "working")]);
    let (thursday, saturday, worked_sunday) = ("2020-06-25T01:00:00Z", "2020-06-27T01:00:00Z", "2020-06-28T01:00:00Z");
    // Nobody has said which days are off, so that none is.
    assert_eq!(check(&course, &[thursday, saturday]).body["conflicts"], json!([]));
    name_calendar(&course, json!(calendar)).expect(200);
    app.unchanged(|| {
        let reply = check(&course, &[thursday, saturday, worked_sunday, "2020-06-29T01:00:00Z"]);
        assert_eq!(reply.body["fits"], true);
        let conflicts = reply.body["conflicts"].as_array().unwrap();
        assert_eq!(conflicts.len(), 2, "{}", reply.text);
        for (conflict, (pointer, why)) in conflicts.iter().zip([("/sessions/0", "端午节"), ("/sessions/1", "a Saturday")]) {
            assert_eq!((&conflict["kind"], &conflict["severity"]), (&json!("holiday"), &json!("warn")));
            assert_eq!((&conflict["session"]["pointer"], &conflict["can_be_waived"]), (&json!(pointer), &json!(false)));
            assert_eq!(conflict["subjects"][0], json!({ "id": calendar, "name": "节假日", "latin_name": null }));
            assert!(conflict["detail"].as_str().unwrap().contains(why), "{conflict}");
        }
        // The date is that of the intake's zone: in Shanghai the first is still Friday, the second Saturday.
        let reply = check(&course, &["2020-06-19T14:00:00Z", "2020-06-19T16:00:00Z"]);
        assert_eq!(reply.body["conflicts"].as_array().unwrap().len(), 1, "{}", reply.text);
        assert_eq!(reply.text_at("/conflicts/0/session/pointer"), "/sessions/1");
    });
    seed::published_session(&course, "P-1", thursday);
}

#[test]
fn trainees_on_shift_are_warned_of() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 3);
    for (member, crew) in members.iter().zip(["甲", "甲", "乙"]) {
        course.coordinator.if_match("*").patch(&format!("/enrollments/{}", member.id), json!({ "crew": crew })).expect(200);
    }
    let rota = shifts(&app, &course.sponsor.id).expect(201).id();
    let other = seed::sponsor(&app, "BAOWU");
    let theirs = json!({ "kind": "shifts", "code": "OTHER", "name": "其他", "time_zone": "Asia/Shanghai", "organization_id": other.id });
    let theirs = course.coordinator.post("/calendars", theirs).expect(201).id();
    let fill = |calendar: &str, rows: &str| {
        let file = format!("crew,date,start,end,shift\n{rows}");
        course.coordinator.post_file(&format!("/calendars/{calendar}/shifts/import"), "rota.csv", file.as_bytes()).expect(200)
    };
    // A morning is 9:00 to 10:30 in Shanghai. The first night ends in it, the second before it; the other sponsor's crew is another one.
    let filled = fill(&rota, "甲,2020-06-01,21:00,09:01,夜班\n甲,2020-06-02,21:00,09:00,夜班\n丁,2020-06-04,08:00,16:00,早班");
    assert_eq!(filled.body["notes"], json!(["nobody of the sponsor is enrolled in these crews: 丁"]));
    let filled = fill(&theirs, "乙,2020-06-02,08:00,16:00,早班");
    assert_eq!(filled.body["notes"], json!(["nobody of the sponsor is enrolled in these crews: 乙"]));
    app.unchanged(|| {
        let reply = check(&course, &[&seed::morning(1), &seed::morning(2), &seed::morning(3)]);
        let conflicts = reply.body["conflicts"].as_array().unwrap();
        assert_eq!((&reply.body["fits"], conflicts.len()), (&json!(true), 1), "{}", reply.text);
        let conflict = &conflicts[0];
        assert_eq!(
            (&conflict["kind"], &conflict["severity"], &conflict["can_be_waived"]),
            (&json!("on_shift"), &json!("warn"), &json!(false))
        );
        assert_eq!(conflict["session"]["pointer"], "/sessions/0");
        let subjects: Vec<&str> = conflict["subjects"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
        assert_eq!(subjects, [members[0].trainee.as_str(), members[1].trainee.as_str()]);
        let detail = conflict["detail"].as_str().unwrap();
        assert!(detail.contains("a shift of 2 of its trainees") && detail.contains("甲 (夜班)"), "{detail}");
    });
    // Who has left is not expected.
    let left = json!({ "reason": "ill", "effective_at": seed::morning(0) });
    course.coordinator.post(&format!("/enrollments/{}/withdraw", members[0].id), left).expect(200);
    let reply = check(&course, &[&seed::morning(1)]);
    assert_eq!(reply.body["conflicts"][0]["subjects"].as_array().unwrap().len(), 1);
}
