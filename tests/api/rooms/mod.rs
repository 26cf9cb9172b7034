//! `/rooms`, and what sessions take of them.

use serde_json::{Value, json};

use crate::support::{App, Reply, seed, seed::Course, spawn_app};

/// On the other cohort, by nobody, so that only the room is in the way.
fn session_in(course: &Course, code: &str, starts_at: &str, room: Option<&str>) -> Value {
    let mut body = seed::session_body(course, code, starts_at);
    body["cohort_ids"] = json!([course.mechanics]);
    body["module_id"] = json!(course.program.mechanics_module);
    body["instructor_ids"] = json!([]);
    body["room_id"] = json!(room);
    body
}

fn publish(course: &Course, id: &str) -> Reply {
    course.coordinator.post(&format!("/sessions/{id}/publish"), json!({}))
}

fn claims(app: &App) -> i64 {
    app.count("SELECT count(*) FROM claims WHERE kind = 'room'")
}

#[test]
fn a_room_is_recorded_read_and_changed() {
    let app = spawn_app();
    let coordinator = app.coordinator();
    let body = json!({ "code": "Ａ-301", "name": "教学楼 301", "kind": "on_site", "capacity": 64 });
    let made = coordinator.post("/rooms", body.clone()).expect(201);
    assert_eq!((&made.body["code"], &made.body["link"]), (&json!("A-301"), &json!(null)));
    let path = made.header("location").to_owned();
    assert_eq!(coordinator.get(&path).expect(200).body, made.body);
    app.unchanged(|| {
        let reply = coordinator.post("/rooms", body).expect(409).problem("already_exists");
        assert!(reply.text_at("/detail").starts_with("the provider has a room "), "{}", reply.text);
        coordinator.if_match("*").patch(&path, json!({ "link": "https://meeting.example.org/1" })).fault("/link", "not_online");
        coordinator.if_match("*").patch(&path, json!({ "capacity": 0 })).fault("/capacity", "out_of_range");
        coordinator.if_match("*").patch(&path, json!({ "kind": "online" })).fault("/kind", "unknown_field");
        let script = json!({ "code": "M", "name": "M", "kind": "online", "link": "javascript:alert(1)" });
        coordinator.post("/rooms", script).fault("/link", "link_malformed");
    });
    let changed = coordinator.if_match(&made.etag()).patch(&path, json!({ "capacity": null, "name": "302" })).expect(200);
    assert_eq!((&changed.body["capacity"], &changed.body["name"]), (&json!(null), &json!("302")));
    let online = json!({ "code": "M-1", "name": "腾讯会议", "kind": "online", "link": "https://meeting.example.org/5551234" });
    coordinator.post("/rooms", online).expect(201);
    assert_eq!(coordinator.get("/rooms").expect(200).column("code"), ["A-301", "M-1"]);
}

#[test]
fn a_room_holds_one_session_at_a_time() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (first, second) = (seed::room(&course, "A-301"), seed::room(&course, "A-302"));
    let start = seed::morning(1);
    let mut body = seed::session_body(&course, "P-1", &start);
    body["room_id"] = json!(first);
    let standing = seed::published_session_as(&course, body);
    assert_eq!(claims(&app), 1);
    let other = seed::session_as(&course, session_in(&course, "P-2", &seed::after(&start, 89), Some(&first)));
    app.unchanged(|| {
        let refused = publish(&course, &other).expect(409).problem("session_conflict");
        assert!(refused.text_at("/detail").contains("both take the room 教学楼 A-301"), "{}", refused.text);
        let conflict = &refused.body["conflicts"][0];
        assert_eq!((&conflict["kind"], &conflict["subjects"][0]["id"]), (&json!("room"), &json!(first)));
        assert_eq!(conflict["other"]["id"], json!(standing));
        let check = json!({ "changes": [{ "id": other }] });
        let told = course.coordinator.post(&format!("/intakes/{}/sessions/check", course.intake), check).expect(200);
        assert_eq!((&told.body["fits"], &told.body["conflicts"][0]["kind"]), (&json!(false), &json!("room")));
    });
    let patch = |id: &str, mut patch: Value| {
        patch["reason"] = json!("painted");
        course.coordinator.if_match("*").patch(&format!("/sessions/{id}"), patch)
    };
    let moved = patch(&other, json!({ "room_id": second })).expect(200);
    assert_eq!((&moved.body["room"]["code"], &moved.body["room"]["kind"]), (&json!("A-302"), &json!("on_site")));
    publish(&course, &other).expect(200);
    // A published one changes its room under the same rule, and gives the one before back.
    app.unchanged(|| patch(&other, json!({ "room_id": first })).expect(409).problem("session_conflict"));
    patch(&standing, json!({ "room_id": null })).expect(200);
    assert_eq!(claims(&app), 1);
    patch(&other, json!({ "room_id": first })).expect(200);
    // Held elsewhen, it occupies the room then; cancelled, none.
    let elsewhen = json!({ "starts_at": seed::morning(2), "ends_at": seed::after(&seed::morning(2), 90), "difference_reason": "flood" });
    course.coordinator.post(&format!("/sessions/{other}/hold"), elsewhen).expect(200);
    patch(&standing, json!({ "room_id": first })).expect(200);
    course.coordinator.post(&format!("/sessions/{standing}/cancel"), json!({ "reason": "storm" })).expect(200);
    assert_eq!(claims(&app), 1);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_strangers_room_is_not_there() {
    let app = spawn_app();
    let course = seed::course(&app);
    let provider = seed::organization(&app, "NEU", "东北大学", "university", None);
    let theirs = seed::course_of(&app, app.coordinator_of(&provider), "NEU", "BAOWU");
    let foreign = seed::room(&theirs, "A-301");
    app.unchanged(|| {
        let path = format!("/intakes/{}/sessions", course.intake);
        let body = session_in(&course, "P-2", &seed::morning(1), Some(&foreign));
        course.coordinator.post(&path, body.clone()).expect(404);
        course.coordinator.post(&format!("{path}/check"), json!({ "sessions": [body] })).expect(404);
    });
    let draft = seed::session_as(&course, session_in(&course, "P-3", &seed::morning(1), None));
    app.unchanged(|| {
        course.coordinator.if_match("*").patch(&format!("/sessions/{draft}"), json!({ "room_id": foreign })).expect(404);
        course.coordinator.if_match("*").patch(&format!("/rooms/{foreign}"), json!({ "code": "X" })).expect(404);
    });
    // What is the university's is its units' too.
    let unit = app.provider().units[0].clone();
    let hall = json!({ "provider_id": unit, "code": "U-1", "name": "系报告厅", "kind": "on_site" });
    let hall = course.coordinator.post("/rooms", hall).expect(201).id();
    course.coordinator.if_match("*").patch(&format!("/sessions/{draft}"), json!({ "room_id": hall })).expect(200);
}

#[test]
fn a_room_that_is_too_small_is_warned_of() {
    let app = spawn_app();
    let course = seed::course(&app);
    seed::enrolled(&course, 3);
    let body = json!({ "code": "S", "name": "小教室", "kind": "on_site", "capacity": 2 });
    let small = course.coordinator.post("/rooms", body).expect(201).id();
    let check =
        |session: Value| course.coordinator.post(&format!("/intakes/{}/sessions/check", course.intake), json!({ "sessions": [session] }));
    let mut session = seed::session_body(&course, "N-1", &seed::morning(1));
    session["room_id"] = json!(small);
    session["mode"] = json!("on_site");
    let told = check(session.clone()).expect(200);
    let conflict = &told.body["conflicts"][0];
    assert_eq!((&told.body["fits"], &conflict["kind"], &conflict["severity"]), (&json!(true), &json!("room_capacity"), &json!("warn")));
    assert!(conflict["detail"].as_str().unwrap().contains("3 trainees"), "{conflict}");
    course.coordinator.if_match("*").patch(&format!("/rooms/{small}"), json!({ "capacity": 3 })).expect(200);
    assert_eq!(check(session.clone()).expect(200).body["conflicts"], json!([]));
    let online = json!({ "code": "M", "name": "腾讯会议", "kind": "online", "link": "https://meeting.example.org/1", "capacity": 2 });
    session["room_id"] = json!(course.coordinator.post("/rooms", online).expect(201).id());
    session["mode"] = json!("live_online");
    assert_eq!(check(session).expect(200).body["conflicts"][0]["kind"], "room_capacity");
}

#[test]
fn two_sessions_exchange_their_rooms() {
    let app = spawn_app();
    let course = seed::course(&app);
    let rooms = [seed::room(&course, "A-301"), seed::room(&course, "A-302")];
    let mut first = seed::session_body(&course, "P-1", &seed::morning(1));
    first["room_id"] = json!(rooms[0]);
    let first = seed::published_session_as(&course, first);
    let second = seed::published_session_as(&course, session_in(&course, "P-2", &seed::morning(1), Some(&rooms[1])));
    let changes =
        json!({ "changes": [{ "id": first, "change": { "room_id": rooms[1] } }, { "id": second, "change": { "room_id": rooms[0] } }] });
    let told = course.coordinator.post(&format!("/intakes/{}/sessions/check", course.intake), changes).expect(200);
    assert_eq!(told.body["fits"], true);
}

#[test]
fn an_overlap_in_a_room_by_hand_is_refused() {
    let app = spawn_app();
    let course = seed::course(&app);
    let own = seed::room(&course, "A-301");
    let mut body = seed::session_body(&course, "P-1", &seed::morning(1));
    body["room_id"] = json!(own);
    seed::published_session_as(&course, body);
    let other = seed::session_as(&course, session_in(&course, "P-2", &seed::morning(1), Some(&own)));
    let standing = seed::published_session_as(&course, session_in(&course, "P-3", &seed::morning(1), None));
    let (other, standing, own) = (app.hex(&other), app.hex(&standing), app.hex(&own));
    assert!(app.refusal(&format!("UPDATE sessions SET state = 'published' WHERE id = {other}")).contains("session_conflict"));
    assert!(app.refusal(&format!("UPDATE sessions SET room_id = {own} WHERE id = {standing}")).contains("session_conflict"));
    assert!(app.refusal("DELETE FROM claims WHERE kind = 'room'").contains("immutable"));
}

#[test]
fn a_session_that_does_not_suit_the_kind_of_its_room_is_warned_of() {
    let app = spawn_app();
    let course = seed::course(&app);
    seed::enrolled(&course, 2);
    let online = json!({ "code": "M-1", "name": "腾讯会议", "kind": "online", "link": "https://meeting.example.org/5551234" });
    // Too small for those who would come to it.
    let hall = json!({ "code": "A-1", "name": "教学楼 1", "kind": "on_site", "capacity": 1 });
    let [online, hall] = [online, hall].map(|room| course.coordinator.post("/rooms", room).expect(201).id());
    let large = course.coordinator.post("/rooms", json!({ "code": "A-2", "name": "教学楼 2", "kind": "on_site" })).expect(201).id();
    let comes = "people come to session N-1, and 腾讯会议 is an online place; say where they meet";
    let mixed = "session N-1 is mixed, and 教学楼 2 is no online place; say in `place` where one joins";
    let joins = "session N-1 is live online, and 教学楼 1 is no online place; say in `place` where one joins";
    for (room, mode, place, told) in [
        (&online, "on_site", json!(null), Some(comes)),
        (&online, "on_site", json!("Hall 3"), None),
        (&online, "mixed", json!(null), Some(comes)),
        // A mixed session is in the room, and in words at the other place.
        (&online, "mixed", json!("教学楼 301"), None),
        (&large, "mixed", json!(null), Some(mixed)),
        (&large, "mixed", json!("https://meeting.example.org/1"), None),
        (&online, "live_online", json!(null), None),
        (&hall, "live_online", json!(null), Some(joins)),
        (&hall, "live_online", json!("https://meeting.example.org/1"), None),
    ] {
        let mut session = seed::session_body(&course, "N-1", &seed::morning(1));
        session["room_id"] = json!(room);
        session["mode"] = json!(mode);
        session["place"] = place;
        let path = format!("/intakes/{}/sessions/check", course.intake);
        let checked = course.coordinator.post(&path, json!({ "sessions": [session] })).expect(200).body;
        let warnings = checked["conflicts"].as_array().unwrap().iter();
        let warnings: Vec<Value> =
            warnings.map(|one| json!([one["kind"], one["severity"], one["subjects"][0]["id"], one["detail"]])).collect();
        let expected: Vec<Value> = told.iter().map(|told| json!(["room_kind", "warn", room, told])).collect();
        assert_eq!((warnings, &checked["fits"]), (expected, &json!(true)), "{mode}");
    }
}

#[test]
fn who_is_told_neither_room_nor_place_is_warned_of() {
    let app = spawn_app();
    let course = seed::course(&app);
    let path = format!("/intakes/{}/sessions/check", course.intake);
    for (mode, wanted) in [
        ("on_site", Some("where one goes")),
        ("live_online", Some("where one joins")),
        ("mixed", Some("where one goes or joins")),
        ("recorded", None),
    ] {
        let mut session = seed::session_body(&course, "N-1", &seed::morning(1));
        session["mode"] = json!(mode);
        session["length_minutes"] = if mode == "recorded" { json!(45) } else { json!(null) };
        app.unchanged(|| {
            let told = |session: &Value| {
                let checked = course.coordinator.post(&path, json!({ "sessions": [session] })).expect(200);
                assert_eq!(checked.body["fits"], true, "{}", checked.text);
                checked.body["conflicts"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|one| json!([one["kind"], one["severity"], one["detail"]]))
                    .collect()
            };
            let said: Vec<Value> = told(&session);
            session["place"] = json!(null);
            let unsaid: Vec<Value> = told(&session);
            let detail = wanted.map(|wanted| format!("session N-1 has neither room nor place; say {wanted}"));
            assert_eq!((said, unsaid), (vec![], detail.iter().map(|detail| json!(["no_place", "warn", detail])).collect()), "{mode}");
        });
    }
}
