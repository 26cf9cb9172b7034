//! `GET /schedules/{secret}.ics`.

use serde_json::json;

use super::{codes, feed, lines, values};
use crate::support::{Client, seed, seed::Course, spawn_app};

fn patch(course: &Course, id: &str, mut patch: serde_json::Value) {
    patch["reason"] = json!("as agreed");
    course.coordinator.if_match("*").patch(&format!("/sessions/{id}"), patch).expect(200);
}

#[test]
fn a_calendar_shows_what_was_announced_as_it_is_now() {
    let app = spawn_app();
    let course = seed::course(&app);
    let body = json!({ "code": "A-301", "name": "教学楼 301; 东, 西", "kind": "online", "link": "https://meeting.example.org/5551234" });
    let room = course.coordinator.post("/rooms", body).expect(201).id();
    let published = seed::published_session(&course, "P-1", &seed::morning(1));
    let held = seed::published_session(&course, "P-2", &seed::morning(2));
    let cancelled = seed::published_session(&course, "P-3", &seed::morning(3));
    let mut recorded = seed::session_body(&course, "P-4", &seed::morning(4));
    (recorded["mode"], recorded["length_minutes"]) = (json!("recorded"), json!(80));
    seed::published_session_as(&course, recorded);
    seed::session(&course, "D-1", &seed::morning(5));
    let withdrawn = seed::session(&course, "D-2", &seed::morning(6));
    let cancel =
        |id: &str, reason: &str| course.coordinator.post(&format!("/sessions/{id}/cancel"), json!({ "reason": reason })).expect(200);
    cancel(&withdrawn, "never told");
    cancel(&cancelled, "storm; all trains\r\nand buses, too");
    patch(
        &course,
        &published,
        json!({ "room_id": room, "place": "二层\\左", "starts_at": seed::after(&seed::morning(1), 30), "ends_at": seed::after(&seed::morning(1), 120) }),
    );
    let hold = json!({ "ends_at": seed::after(&seed::morning(2), 75), "difference_reason": "early" });
    course.coordinator.post(&format!("/sessions/{held}/hold"), hold).expect(200);
    let lines = lines(&app, &feed(&course.coordinator, "intake", &course.intake));
    let mut ids = std::collections::BTreeMap::new();
    let redacted = |line: &String| match line.split_once(':').unwrap() {
        (name @ ("DTSTAMP" | "CREATED" | "LAST-MODIFIED"), _) => format!("{name}:[instant]"),
        ("UID", uid) => {
            let next = ids.len() + 1;
            format!("UID:[session {}]{}", ids.entry(uid.to_owned()).or_insert(next), uid.get(36..).unwrap())
        }
        _ => line.clone(),
    };
    insta::assert_snapshot!(lines.iter().map(redacted).collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_calendar_has_the_sessions_of_what_it_is_of() {
    let app = spawn_app();
    let course = seed::course(&app);
    let other = seed::course_called(&app, "OTHER", "OTHER");
    let room = course.coordinator.post("/rooms", json!({ "code": "A-301", "name": "301", "kind": "on_site" })).expect(201).id();
    let session = |course: &Course, code: &str, day: u32, changes: &[(&str, serde_json::Value)]| {
        let mut body = seed::session_body(course, code, &seed::morning(day));
        changes.iter().for_each(|(field, value)| body[*field] = value.clone());
        seed::published_session_as(course, body)
    };
    let mechanics = [("cohort_ids", json!([course.mechanics])), ("module_id", json!(course.program.mechanics_module))];
    session(&course, "OWN", 1, &[]);
    session(&course, "MEC", 2, &mechanics);
    session(&course, "ROOM", 3, &[("room_id", json!(room)), ("instructor_ids", json!([]))]);
    session(&other, "AWAY", 4, &[("instructor_ids", json!([course.instructor])), ("room_id", json!(room))]);
    session(&other, "ELSE", 5, &[]);
    let codes = |kind: &str, subject: &str| codes(&app, &feed(&course.coordinator, kind, subject)).join(" ");
    assert_eq!(codes("intake", &course.intake), "OWN MEC ROOM");
    assert_eq!(codes("cohort", &course.metallurgy), "OWN ROOM");
    assert_eq!(codes("room", &room), "ROOM AWAY");
    assert_eq!(codes("instructor", &course.instructor), "OWN MEC AWAY");
    let provider = seed::organization(&app, "NEU", "东北大学", "university", None);
    let theirs = seed::course_of(&app, app.coordinator_of(&provider), "NEU", "BAOWU");
    assert_eq!(values(&lines(&app, &feed(&theirs.coordinator, "instructor", &theirs.instructor)), "SUMMARY"), [""; 0]);
}

#[test]
fn a_trainees_calendar_has_the_sessions_of_the_cohort_at_their_start() {
    let app = spawn_app();
    let course = seed::course(&app);
    let trainee = seed::recruit(&course);
    let mut body = seed::enrollment_body(&course, &trainee);
    body["from"] = json!(seed::morning(2));
    let path = format!("/intakes/{}/enrollments", course.intake);
    let enrollment = course.coordinator.post(&path, body).expect(201).id();
    for day in 1..=6 {
        seed::published_session(&course, &format!("P-{day}"), &seed::morning(day));
    }
    let step = |step: &str, day: u32| {
        let body = json!({ "reason": "leave", "effective_at": seed::morning(day) });
        course.coordinator.post(&format!("/enrollments/{enrollment}/{step}"), body).expect(200);
    };
    step("suspend", 4);
    step("resume", 5);
    step("withdraw", 6);
    // Held before the trainee was there, it is not the trainee's, whenever it was planned.
    let third = course.coordinator.get(&format!("/intakes/{}/sessions?limit=3", course.intake)).expect(200).column("id").pop().unwrap();
    let own = feed(&app.trainee(&trainee), "trainee", &trainee);
    assert_eq!(codes(&app, &own), ["P-2", "P-3", "P-5"]);
    let early = json!({ "starts_at": seed::after(&seed::morning(2), -120), "ends_at": seed::after(&seed::morning(2), -30), "difference_reason": "moved" });
    course.coordinator.post(&format!("/sessions/{third}/hold"), early).expect(200);
    assert_eq!(codes(&app, &own), ["P-2", "P-5"]);
}

#[test]
fn whoever_has_a_calendar_already_is_told_so_until_something_in_it_changes() {
    let app = spawn_app();
    let course = seed::course(&app);
    let room = course.coordinator.post("/rooms", json!({ "code": "A-301", "name": "301", "kind": "on_site" })).expect(201).id();
    let mut body = seed::session_body(&course, "P-1", &seed::morning(1));
    body["room_id"] = json!(room);
    let session = seed::published_session_as(&course, body);
    let path = feed(&course.coordinator, "cohort", &course.metallurgy);
    let mut known = app.anonymous().get(&path).expect(200);
    let coordinator = course.coordinator.if_match("*");
    let later = seed::after(&seed::morning(1), 120);
    let hold = json!({ "ends_at": seed::after(&seed::morning(1), 75), "difference_reason": "early" });
    let rename = |path: String| move |client: &Client| drop(client.patch(&path, json!({ "name": "改名" })).expect(200));
    type Change<'a> = Box<dyn Fn(&Client) + 'a>;
    let changes: Vec<Change<'_>> = vec![
        Box::new(rename(format!("/rooms/{room}"))),
        Box::new(rename(format!("/instructors/{}", course.instructor))),
        Box::new(rename(format!("/intakes/{}", course.intake))),
        Box::new(|client| drop(client.patch(&format!("/sessions/{session}"), json!({ "ends_at": later, "reason": "x" })).expect(200))),
        Box::new(|client| drop(client.patch(&format!("/sessions/{session}"), json!({ "instructor_ids": [], "reason": "x" })).expect(200))),
        Box::new(|_| drop(seed::published_session(&course, "P-2", &seed::morning(2)))),
        Box::new(|client| drop(client.post(&format!("/sessions/{session}/hold"), hold.clone()).expect(200))),
    ];
    for change in changes {
        let client = app.anonymous().if_none_match(&known.etag());
        assert_eq!(client.get(&path).expect(304).text, "");
        client.head(&path).expect(304);
        change(&coordinator);
        let now = client.get(&path).expect(200);
        assert_ne!(now.text, known.text);
        known = now;
    }
    // What it does not show does not change it.
    seed::session(&course, "D-1", &seed::morning(3));
    coordinator.patch(&format!("/intakes/{}", course.intake), json!({ "capacity": 300 })).expect(200);
    app.anonymous().if_none_match(&known.etag()).get(&path).expect(304);
    let head = app.anonymous().head(&path).expect(200);
    assert_eq!((head.etag(), head.header("content-type"), head.text.as_str()), (known.etag(), "text/calendar; charset=utf-8", ""));
}

#[test]
fn the_last_use_of_a_feed_is_noted() {
    let app = spawn_app();
    let course = seed::course(&app);
    let path = feed(&course.coordinator, "intake", &course.intake);
    assert_eq!(course.coordinator.get("/feeds").expect(200).body["items"][0]["last_used_at"], json!(null));
    app.anonymous().get(&path).expect(200);
    // It is noted in the background.
    let noted = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        app.count("SELECT count(*) FROM feeds WHERE last_used_at IS NOT NULL") == 1
    });
    assert!(noted);
    // Not more often than every five minutes.
    let at = app.database.texts("SELECT CAST(last_used_at AS text) FROM feeds");
    app.anonymous().get(&path).expect(200);
    assert_eq!(app.database.texts("SELECT CAST(last_used_at AS text) FROM feeds"), at);
}

#[test]
fn a_time_that_exists_twice_is_told_in_utc() {
    let app = spawn_app();
    let coordinator = app.coordinator();
    let program = seed::program(&coordinator, "BERLIN");
    let mut body = seed::intake_body(&program.version, "BERLIN");
    body["time_zone"] = json!("Europe/Berlin");
    let intake = coordinator.post("/intakes", body).expect(201).id();
    let cohort = seed::cohort(&coordinator, &intake, &program.metallurgy, "MET-1");
    // Each an hour long: summer time before the clocks go back, the hour that exists twice (the second), and after it.
    let starts = ["2020-10-24T23:00:00Z", "2020-10-25T01:00:00Z", "2020-10-25T02:00:00Z"];
    let session = |(index, starts_at): (usize, &&str)| {
        json!({ "code": format!("P-{index}"), "module_id": program.metallurgy_module, "starts_at": starts_at,
            "ends_at": seed::after(starts_at, 60), "cohort_ids": [cohort] })
    };
    let sessions: Vec<_> = starts.iter().enumerate().map(session).collect();
    coordinator.post(&format!("/intakes/{intake}/sessions/bulk"), json!({ "sessions": sessions, "publish": true })).expect(201);
    let lines = lines(&app, &feed(&coordinator, "intake", &intake));
    let starts = values(&lines, "DTSTART");
    let [.., first, second, third] = starts.as_slice() else { panic!("{starts:?}") };
    assert_eq!([first, second, third], ["20201024T230000Z", "20201025T010000Z", "TZID=Europe/Berlin:20201025T030000"]);
}

#[test]
fn the_feed_of_a_room_shows_what_its_maker_may_see() {
    let app = spawn_app();
    let course = seed::course(&app);
    let unit = app.coordinator_of(&app.provider().units[0]);
    let room = unit.post("/rooms", json!({ "code": "U-1", "name": "实验室", "kind": "on_site" })).expect(201).id();
    let mut body = seed::session_body(&course, "SECRET-1", &seed::morning(1));
    body["room_id"] = json!(room);
    let session = seed::published_session_as(&course, body);
    unit.get(&format!("/sessions/{session}")).expect(404);
    let of_unit = app.anonymous().get(&feed(&unit, "room", &room)).expect(200);
    assert!(!of_unit.text.contains("VEVENT") && !of_unit.text.contains("SECRET"), "{}", of_unit.text);
    let of_house = app.anonymous().get(&feed(&course.coordinator, "room", &room)).expect(200);
    assert!(of_house.text.contains("SECRET-1"), "{}", of_house.text);
}

#[test]
fn a_mixed_session_is_in_its_room_and_joined_at_its_place() {
    let app = spawn_app();
    let course = seed::course(&app);
    let room = course.coordinator.post("/rooms", json!({ "code": "A-301", "name": "301", "kind": "on_site" })).expect(201).id();
    let mut body = seed::session_body(&course, "P-1", &seed::morning(1));
    (body["room_id"], body["mode"], body["place"]) = (json!(room), json!("mixed"), json!("https://meeting.example.org/1"));
    seed::published_session_as(&course, body.clone());
    (body["code"], body["mode"], body["place"]) = (json!("P-2"), json!("on_site"), json!("2 号门"));
    (body["starts_at"], body["ends_at"]) = (json!(seed::morning(2)), json!(seed::after(&seed::morning(2), 90)));
    seed::published_session_as(&course, body);
    let text = app.anonymous().get(&feed(&course.coordinator, "cohort", &course.metallurgy)).expect(200).text;
    assert!(text.contains("LOCATION:301\\, https://meeting.example.org/1\r\nURL:https://meeting.example.org/1\r\n"), "{text}");
    // The words are those of the messages.
    assert!(text.contains("On site 面授") && text.matches("URL:").count() == 1, "{text}");
}
