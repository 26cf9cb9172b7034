//! `/people/{id}/changes` and `/sessions/{id}/changes`.

use insta::assert_json_snapshot;
use muster::access::Role;
use serde_json::{Value, json};

use crate::support::{App, Client, Reply, TokenOptions, seed, seed::Course, spawn_app};

/// Patches a session, for a reason that says nothing unless one is given.
fn patch(course: &Course, id: &str, mut patch: Value) {
    if patch["reason"].is_null() {
        patch["reason"] = json!("as agreed");
    }
    course.coordinator.if_match("*").patch(&format!("/sessions/{id}"), patch).expect(200);
}

fn changes(client: &Client, person: &str) -> Reply {
    client.get(&format!("/people/{person}/changes"))
}

/// Code and kind of each change, the newest first.
fn told(client: &Client, person: &str) -> Vec<String> {
    let reply = changes(client, person).expect(200);
    reply.items().iter().map(|change| format!("{} {}", change["code"].as_str().unwrap(), change["kind"].as_str().unwrap())).collect()
}

fn count(app: &App) -> i64 {
    app.count("SELECT count(*) FROM session_changes")
}

#[test]
fn a_published_change_is_told_with_what_moved_from_when_to_when_and_why() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let room = course.coordinator.post("/rooms", json!({ "code": "A-301", "name": "教学楼 301", "kind": "on_site" })).expect(201).id();
    let substitute = seed::instructor(&app, &course.coordinator, "P2");
    let mut body = seed::session_body(&course, "P-1", &seed::morning(1));
    body["place"] = json!(null);
    let session = seed::published_session_as(&course, body);
    let (start, end) = (seed::after(&seed::morning(2), 300), seed::after(&seed::morning(2), 390));
    patch(&course, &session, json!({ "starts_at": start, "ends_at": end, "reason": "the hall is closed" }));
    patch(&course, &session, json!({ "room_id": room, "instructor_ids": [substitute], "reason": "欧阳旭 ill" }));
    let other = seed::published_session(&course, "P-1B", &seed::morning(5));
    let cancel = json!({ "reason": "storm", "replaced_by_id": other });
    course.coordinator.post(&format!("/sessions/{session}/cancel"), cancel).expect(200);
    let reply = changes(&app.trainee(&member.trainee), &member.trainee).expect(200);
    assert_json_snapshot!(reply.redacted());
    assert_eq!(course.coordinator.get(&format!("/sessions/{session}/changes")).expect(200).body, reply.body);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn of_a_draft_and_of_what_nobody_sees_nothing_is_told() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (draft, published) = (seed::session(&course, "D-1", &seed::morning(1)), seed::published_session(&course, "P-1", &seed::morning(2)));
    patch(&course, &draft, json!({ "place": "Room 301" }));
    course.coordinator.post(&format!("/sessions/{draft}/cancel"), json!({ "reason": "storm" })).expect(200);
    patch(&course, &published, json!({ "break_minutes": 0, "reason": "the same again" }));
    course.coordinator.post(&format!("/sessions/{published}/hold"), json!({})).expect(200);
    assert_eq!(count(&app), 0);
    // What is to replace it, while it is a draft, is not told either.
    let (cancelled, hidden) =
        (seed::published_session(&course, "P-3", &seed::morning(5)), seed::session(&course, "SECRET", &seed::morning(6)));
    let cancel = json!({ "reason": "storm", "replaced_by_id": hidden });
    course.coordinator.post(&format!("/sessions/{cancelled}/cancel"), cancel).expect(200);
    let told = course.coordinator.get(&format!("/sessions/{cancelled}/changes")).expect(200);
    assert!(told.items()[0]["replacement"].is_null() && !told.text.contains("SECRET"), "{}", told.text);
    // When an intake is called off, what was announced is told, once each.
    let other = seed::published_session(&course, "P-2", &seed::morning(3));
    seed::session(&course, "D-2", &seed::morning(4));
    course.coordinator.post(&format!("/intakes/{}/cancel", course.intake), json!({ "reason": "fire" })).expect(200);
    let found = course.coordinator.get(&format!("/sessions/{other}/changes")).expect(200);
    assert_eq!((count(&app), found.column("reason")), (2, vec!["fire".to_owned()]));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn whatever_raises_the_sequence_is_told_and_nothing_else_is() {
    let app = spawn_app();
    let course = seed::course(&app);
    let coordinator = &course.coordinator;
    let substitute = seed::instructor(&app, coordinator, "P2");
    let room = seed::room(&course, "A-301");
    let mut body = seed::session_body(&course, "P-1", &seed::morning(1));
    body["module_id"] = json!(course.program.common_module);
    let session = seed::published_session_as(&course, body);
    let changes = [
        json!({ "break_minutes": 10 }),
        json!({ "place": "Room 301" }),
        json!({ "room_id": room }),
        json!({ "instructor_ids": [course.instructor, substitute] }),
        json!({ "instructor_ids": [substitute, course.instructor] }),
        json!({ "cohort_ids": [course.metallurgy, course.mechanics] }),
        json!({ "ends_at": seed::after(&seed::morning(1), 80) }),
        json!({ "starts_at": seed::morning(2), "ends_at": seed::after(&seed::morning(2), 80) }),
        json!({ "mode": "recorded", "length_minutes": 45, "break_minutes": 0, "room_id": null }),
        json!({ "length_minutes": 60 }),
    ];
    for (change, raised) in changes.iter().zip(1..) {
        // The second time it changes nothing.
        for _ in 0..2 {
            patch(&course, &session, change.clone());
            let stands = coordinator.get(&format!("/sessions/{session}")).expect(200);
            assert_eq!((&stands.body["sequence"], count(&app)), (&json!(raised), raised), "{change}");
        }
    }
    for change in coordinator.get(&format!("/sessions/{session}/changes")).expect(200).items() {
        assert_ne!(change["before"], change["after"], "{}", change["message"]["en"]);
    }
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_change_concerns_those_of_before_and_after() {
    let app = spawn_app();
    let course = seed::course(&app);
    let substitute = seed::instructor(&app, &course.coordinator, "P2");
    let [here, there] = [
        seed::enrolled(&course, 1).remove(0).trainee,
        seed::enrolled_at(&course, &course.sponsor.plants[0], (&course.program.mechanics, &course.mechanics), 1).remove(0).trainee,
    ];
    let mut body = seed::session_body(&course, "C-1", &seed::morning(1));
    body["module_id"] = json!(course.program.common_module);
    let session = seed::published_session_as(&course, body);
    let (first, second) = (app.instructor(&course.instructor), app.instructor(&substitute));
    patch(&course, &session, json!({ "cohort_ids": [course.mechanics] }));
    patch(&course, &session, json!({ "instructor_ids": [substitute] }));
    patch(&course, &session, json!({ "place": "Room 301" }));
    let cancel = json!({ "reason": "storm" });
    course.coordinator.post(&format!("/sessions/{session}/cancel"), cancel).expect(200);
    let (changed, cancelled) = ("C-1 changed".to_owned(), "C-1 cancelled".to_owned());
    assert_eq!(told(&app.trainee(&here), &here), ["C-1 changed"]);
    assert_eq!(told(&app.trainee(&there), &there), [cancelled.clone(), changed.clone(), changed.clone(), changed.clone()]);
    // Who has been replaced does not see the session any more, and yet is told.
    assert_eq!(told(&first, &course.instructor), [changed.clone(), changed.clone()]);
    first.get(&format!("/sessions/{session}/changes")).expect(404);
    assert_eq!(told(&second, &substitute), [cancelled, changed.clone(), changed]);
}

#[test]
fn of_a_session_each_is_told_what_concerns_them() {
    let app = spawn_app();
    let course = seed::course(&app);
    let [substitute, adviser] = ["P2", "P3"].map(|number| seed::instructor(&app, &course.coordinator, number));
    let key = app.hex(&course.mechanics);
    app.sql(&format!("UPDATE cohorts SET adviser_id = {} WHERE id = {key}", app.hex(&adviser))).unwrap();
    let other = seed::sponsor(&app, "BAOWU");
    seed::enrolled(&course, 1);
    let there = seed::enrolled_at(&course, &other.plants[0], (&course.program.mechanics, &course.mechanics), 1).remove(0).trainee;
    let mut body = seed::session_body(&course, "C-1", &seed::morning(1));
    body["module_id"] = json!(course.program.common_module);
    let session = seed::published_session_as(&course, body);
    for change in [
        json!({ "place": "301", "reason": "first" }),
        json!({ "cohort_ids": [course.mechanics], "reason": "second" }),
        json!({ "instructor_ids": [substitute], "reason": "third" }),
        json!({ "place": "302", "reason": "fourth" }),
    ] {
        patch(&course, &session, change);
    }
    let reasons = |client: &Client| client.get(&format!("/sessions/{session}/changes?limit=500")).expect(200).column("reason");
    for client in [&course.coordinator, &app.auditor(), &app.administrator()] {
        assert_eq!(reasons(client), ["fourth", "third", "second", "first"]);
    }
    assert_eq!(reasons(&app.instructor(&substitute)), ["fourth", "third"]);
    // Whoever sends somebody to the cohort, and not only to the intake; at whichever of its plants.
    let adviser = app.client_for(Role::ClassAdviser, Some(&app.provider().id), Some(&adviser), TokenOptions::default());
    for client in [app.trainee(&there), adviser, app.partner(&other.id), app.partner(&other.plants[0])] {
        assert_eq!(reasons(&client), ["fourth", "third", "second"]);
    }
    assert_eq!(reasons(&app.partner(&course.sponsor.id)), ["second", "first"]);
    // A plant that sends nobody sees the schedule by the quota of its sponsor, and no change concerns it.
    let quota = format!("/intakes/{}/seat-quotas/{}", course.intake, course.sponsor.id);
    course.coordinator.if_match("*").put(&quota, json!({ "seats": 9 })).expect(200);
    assert_eq!(reasons(&app.partner(&course.sponsor.plants[1])), [""; 0]);
}

#[test]
fn a_trainee_is_told_of_sessions_that_were_or_are_to_begin_while_placed() {
    let app = spawn_app();
    let course = seed::course(&app);
    let trainee = seed::recruit(&course);
    let mut body = seed::enrollment_body(&course, &trainee);
    body["from"] = json!(seed::morning(10));
    let enrollment = course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), body).expect(201).id();
    let withdraw = json!({ "reason": "left", "effective_at": seed::morning(20) });
    course.coordinator.post(&format!("/enrollments/{enrollment}/withdraw"), withdraw).expect(200);
    for (code, from, to) in [("BEFORE", 1, 2), ("INTO", 3, 11), ("WITHIN", 12, 13), ("OUT", 14, 21), ("AFTER", 22, 23)] {
        let session = seed::published_session(&course, code, &seed::morning(from));
        patch(&course, &session, json!({ "starts_at": seed::morning(to), "ends_at": seed::after(&seed::morning(to), 90) }));
    }
    assert_eq!(told(&course.coordinator, &trainee), ["OUT moved", "WITHIN moved", "INTO moved"]);
    assert_eq!(told(&app.trainee(&trainee), &trainee), ["OUT moved", "WITHIN moved", "INTO moved"]);
}

#[test]
fn whoever_hears_that_a_session_ends_earlier_hears_where_the_rest_is() {
    let app = spawn_app();
    let course = seed::course(&app);
    let session = seed::published_session(&course, "P-1", &seed::morning(1));
    let cut = json!({ "minutes": 10, "reason": "storm" });
    course.coordinator.post(&format!("/sessions/{session}/cut"), cut).expect(200);
    let split = json!({
        "at": seed::after(&seed::morning(1), 60), "resumes_at": seed::after(&seed::morning(3), 300), "code": "P-1B", "reason": "storm"
    });
    let parts = course.coordinator.post(&format!("/sessions/{session}/split"), split).expect(200);
    let reply = changes(&app.instructor(&course.instructor), &course.instructor).expect(200);
    let (rest, told) = (&parts.body["sessions"][1], &reply.items()[0]["continuation"]);
    for field in ["id", "code", "starts_at", "ends_at"] {
        assert_eq!(told[field], rest[field], "{field}");
    }
    assert_json_snapshot!(reply.items().iter().map(|change| [&change["kind"], &change["message"]["en"]]).collect::<Vec<_>>());
    // Of a draft nobody is told, and what becomes of the rest later is told of it.
    let draft = seed::session(&course, "D-1", &seed::morning(5));
    let split = json!({ "at": seed::after(&seed::morning(5), 60), "code": "D-1B", "reason": "storm" });
    course.coordinator.post(&format!("/sessions/{draft}/split"), split).expect(200);
    let moved = json!({ "starts_at": seed::morning(4), "ends_at": seed::after(&seed::morning(4), 20) });
    patch(&course, rest["id"].as_str().unwrap(), moved);
    assert_eq!(changes(&course.coordinator, &course.instructor).items()[1..], reply.items()[..]);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn what_was_told_once_reads_the_same_whatever_is_renamed() {
    let app = spawn_app();
    let course = seed::course(&app);
    let coordinator = &course.coordinator;
    let online = json!({ "code": "V-1", "name": "直播间", "kind": "online", "link": "https://meeting.example.org/1" });
    let room = coordinator.post("/rooms", online).expect(201).id();
    let substitute = seed::instructor(&app, coordinator, "P2");
    let session = seed::published_session(&course, "P-1", &seed::morning(1));
    let other = seed::published_session(&course, "P-2", &seed::morning(5));
    patch(&course, &session, json!({ "room_id": room, "instructor_ids": [substitute] }));
    let cancel = json!({ "reason": "storm", "replaced_by_id": other });
    coordinator.post(&format!("/sessions/{session}/cancel"), cancel).expect(200);
    let path = format!("/sessions/{session}/changes");
    let told = coordinator.get(&path).expect(200);
    assert_eq!(told.items()[1]["after"]["link"], json!("https://meeting.example.org/1"));
    let renamed = json!({ "name": "直播间二", "link": "https://meeting.example.org/2", "reason": "moved" });
    coordinator.if_match("*").patch(&format!("/rooms/{room}"), renamed).expect(200);
    coordinator.if_match("*").patch(&format!("/instructors/{substitute}"), json!({ "name": "沈岚" })).expect(200);
    app.sql("UPDATE cohorts SET name = '冶金二班'").unwrap();
    patch(&course, &other, json!({ "starts_at": seed::morning(6), "ends_at": seed::after(&seed::morning(6), 90) }));
    assert_eq!(coordinator.get(&path).expect(200).body, told.body);
}

#[test]
fn another_name_or_link_of_a_room_is_told_to_whoever_is_to_come_there() {
    let app = spawn_app();
    let course = seed::course(&app);
    let coordinator = &course.coordinator;
    let intake = format!("/intakes/{}", course.intake);
    coordinator.if_match("*").patch(&intake, json!({ "closes_on": "2100-12-31" })).expect(200);
    let online = json!({ "code": "V-1", "name": "直播间", "kind": "online", "link": "https://meeting.example.org/1" });
    let room = coordinator.post("/rooms", online).expect(201).id();
    let body = |code: &str, starts_at: &str| {
        let mut body = seed::session_body(&course, code, starts_at);
        body["room_id"] = json!(room);
        body["place"] = json!(null);
        body
    };
    let over = seed::published_session_as(&course, body("OVER", &seed::morning(1)));
    let draft = seed::session_as(&course, body("DRAFT", "2100-06-01T01:00:00Z"));
    let elsewhere = seed::published_session(&course, "ELSEWHERE", "2100-06-02T01:00:00Z");
    let to_come = ["2100-06-03T01:00:00Z", "2100-06-04T01:00:00Z"].map(|at| seed::published_session_as(&course, body(&at[9..10], at)));
    let path = format!("/rooms/{room}");
    let change = |patch: Value| coordinator.if_match("*").patch(&path, patch).expect(200);
    change(json!({ "capacity": 30 }));
    change(json!({ "code": "V-2" }));
    assert_eq!(count(&app), 0);
    app.unchanged(|| {
        for unexplained in [json!({ "link": null }), json!({ "name": "直播间二", "reason": null })] {
            coordinator.if_match("*").patch(&path, unexplained).fault("/reason", "reason_missing");
        }
    });
    change(json!({ "link": "https://meeting.example.org/2", "reason": "the link was public" }));
    change(json!({ "name": "直播间二", "reason": "there are two" }));
    assert_eq!(told(coordinator, &course.instructor), ["4 changed", "3 changed", "4 changed", "3 changed"]);
    let reply = coordinator.get(&format!("/sessions/{}/changes", to_come[0])).expect(200);
    let message = |index: usize| reply.text_at(&format!("/items/{index}/message/en"));
    let (before, between) = ("直播间 https://meeting.example.org/1", "直播间 https://meeting.example.org/2");
    assert!(
        message(1).ends_with(&format!("keeps its time, with changes: Place: {between} (before: {before}). Reason: the link was public")),
        "{}",
        message(1)
    );
    assert!(
        message(0).ends_with(&format!("Place: 直播间二 https://meeting.example.org/2 (before: {between}). Reason: there are two")),
        "{}",
        message(0)
    );
    assert_eq!(reply.column("reason"), ["there are two", "the link was public"]);
    for (action, subject) in [("session.changed", &to_come[0]), ("room.updated", &room)] {
        let entries = app.auditor().get(&format!("/audit?subject_id={subject}&action={action}")).expect(200);
        assert_eq!(entries.items().last().unwrap()["reason"], "there are two");
    }
    let sequence = |id: &String| coordinator.get(&format!("/sessions/{id}")).expect(200).body["sequence"].clone();
    assert_eq!([&over, &draft, &elsewhere, &to_come[0], &to_come[1]].map(sequence), [0, 0, 0, 2, 2].map(|sequence| json!(sequence)));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_room_and_a_place_are_told_together_in_either_language() {
    let app = spawn_app();
    let course = seed::course(&app);
    let session = seed::published_session(&course, "P-1", &seed::morning(1));
    patch(&course, &session, json!({ "room_id": seed::room(&course, "A-301"), "place": "腾讯会议 836" }));
    let told = course.coordinator.get(&format!("/sessions/{session}/changes")).expect(200);
    assert_eq!(told.text_at("/items/0/after/place"), "教学楼 A-301 · 腾讯会议 836");
    assert!(told.text_at("/items/0/message/zh").contains("地点：教学楼 A-301 · 腾讯会议 836（"), "{}", told.text);
}

#[test]
fn changes_come_page_by_page_and_from_an_instant_on() {
    let app = spawn_app();
    let course = seed::course(&app);
    let session = seed::published_session(&course, "P-1", &seed::morning(1));
    for place in ["301", "302", "303"] {
        patch(&course, &session, json!({ "place": place }));
    }
    let path = format!("/people/{}/changes", course.instructor);
    let places = |reply: &Reply| reply.items().iter().map(|one| one["after"]["place"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let first = course.coordinator.get(&format!("{path}?limit=2")).expect(200);
    let second = course.coordinator.get(&format!("{path}?limit=2&cursor={}", first.text_at("/next"))).expect(200);
    assert_eq!((places(&first), places(&second)), (vec!["303".to_owned(), "302".to_owned()], vec!["301".to_owned()]));
    let since = first.text_at("/items/0/created_at");
    assert_eq!(places(&course.coordinator.get(&format!("{path}?from={since}")).expect(200)), ["303"]);
}

#[test]
fn a_coordinator_is_told_of_the_own_providers_changes() {
    let app = spawn_app();
    let course = seed::course(&app);
    let provider = seed::organization(&app, "NEU", "东北大学", "university", None);
    let theirs = seed::course_of(&app, app.coordinator_of(&provider), "NEU", "BAOWU");
    // A trainee of both providers.
    let trainee = seed::recruit(&course);
    for of in [&course, &theirs] {
        let mut body = seed::enrollment_body(of, &trainee);
        body["unit_id"] = json!(course.sponsor.plants[0]);
        let key = app.hex(&trainee);
        // Whoever another provider recorded is enrolled by a person of the own list in the end; here the row is lent.
        let owner = |provider: &str| app.sql(&format!("UPDATE people SET provider_id = {} WHERE id = {key}", app.hex(provider))).unwrap();
        if of.intake == theirs.intake {
            owner(&provider);
        }
        of.coordinator.post(&format!("/intakes/{}/enrollments", of.intake), body).expect(201);
    }
    for (of, code) in [(&course, "OWN"), (&theirs, "THEIRS")] {
        let session = seed::published_session(of, code, &seed::morning(1));
        patch(of, &session, json!({ "place": "Room 301" }));
    }
    assert_eq!(told(&course.coordinator, &trainee), ["OWN changed"]);
    assert_eq!(told(&theirs.coordinator, &trainee), ["THEIRS changed"]);
    assert_eq!(told(&app.trainee(&trainee), &trainee), ["OWN changed"]);
    let there = app.client_for(Role::Trainee, Some(&provider), Some(&trainee), TokenOptions::default());
    assert_eq!(told(&there, &trainee), ["THEIRS changed"]);
}

#[test]
fn what_was_told_is_never_altered_and_nothing_is_invented() {
    let app = spawn_app();
    let course = seed::course(&app);
    let session = seed::published_session(&course, "P-1", &seed::morning(1));
    patch(&course, &session, json!({ "place": "Room 301", "reason": "painted" }));
    for statement in [
        "UPDATE session_changes SET reason = 'x'",
        "DELETE FROM session_changes",
        "UPDATE session_change_audience SET kind = 'cohort'",
        "DELETE FROM session_change_audience",
    ] {
        assert!(app.refusal(statement).contains("muster:immutable"), "{statement}");
    }
    let silent =
        "INSERT INTO session_changes SELECT user_id, session_id, intake_id, kind, before_values, after_values, successor, NULL, user_id,
        created_at FROM session_changes";
    assert!(app.refusal(silent).contains("reason"));
    app.forge("session_changes", "UPDATE session_changes SET kind = 'moved'");
    assert_eq!(app.findings_of("changes"), [format!("changes: session {session} was not moved when it is told so")]);
    app.forge("session_changes", "UPDATE session_changes SET kind = 'changed'");
    assert_eq!(app.findings_of("changes"), Vec::<String>::new());
    let later = app.instant("2100-01-01T00:00:00Z");
    app.forge("session_changes", &format!("UPDATE session_changes SET created_at = {later}"));
    assert_eq!(app.findings_of("changes"), [format!("changes: session {session} was not changed when it is told so")]);
    let silent = seed::published_session(&course, "P-2", &seed::morning(2));
    let key = app.hex(&silent);
    app.sql(&format!("UPDATE sessions SET state = 'cancelled', cancel_reason = 'x', sequence = 1 WHERE id = {key}")).unwrap();
    assert!(app.findings_of("changes").contains(&format!("changes: session {silent} has sequence 1 and 0 changes are told")));
}
