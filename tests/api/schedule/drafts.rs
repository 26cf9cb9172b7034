//! Drafts in the way of others, and what is in theirs.

use muster::access::Role;
use serde_json::{Value, json};

use super::check::{check, column, elsewhere, told};
use crate::support::{TokenOptions, seed, seed::Course, spawn_app};

/// On one day, in a room and taught by nobody.
fn in_room(course: &Course, code: &str, room: &str) -> Value {
    let mut body = seed::session_body(course, code, &seed::morning(1));
    (body["room_id"], body["instructor_ids"], body["mode"]) = (json!(room), json!([]), json!("on_site"));
    body
}

#[test]
fn who_plans_what_a_draft_takes_learns_of_the_draft() {
    let app = spawn_app();
    let (course, next) = (seed::course(&app), seed::course_called(&app, "NEXT", "HBIS"));
    let room = seed::room(&course, "A-301");
    let draft = seed::session_as(&next, in_room(&next, "D-1", &room));
    let recorded = json!({ "mode": "recorded", "length_minutes": 45 });
    let hidden = seed::session(&next, "D-2", &seed::morning(1));
    next.coordinator.if_match("*").patch(&format!("/sessions/{hidden}"), recorded).expect(200);
    let proposed = json!({ "sessions": [in_room(&course, "N-1", &room)] });
    app.unchanged(|| {
        let reply = check(&course, proposed.clone()).expect(200);
        assert_eq!((&reply.body["fits"], told(&reply)), (&json!(true), vec![("room".into(), "warn".into(), "/sessions/0".into())]));
        let conflict = &reply.body["conflicts"][0];
        assert_eq!((&conflict["can_be_waived"], &conflict["other"]["id"]), (&json!(false), &json!(draft)));
        assert!(conflict["detail"].as_str().unwrap().starts_with("session N-1 overlaps the draft D-1 (2020-06-02 09:00"), "{conflict}");
        // Half-open, as everywhere.
        let mut later = proposed.clone();
        later["sessions"][0]["starts_at"] = json!(seed::after(&seed::morning(1), 90));
        later["sessions"][0]["ends_at"] = json!(seed::after(&seed::morning(1), 120));
        assert_eq!(told(&check(&course, later).expect(200)), []);
    });
    // A draft is not in its own way; whoever is published beside it is told of it, and so is the other draft.
    assert_eq!(told(&check(&next, json!({ "changes": [{ "id": draft }] })).expect(200)), []);
    let own = seed::session_as(&course, in_room(&course, "N-1", &room));
    // Who does not see the draft is not told of it.
    let options = TokenOptions { intake: Some(course.intake.clone()), ..TokenOptions::default() };
    let narrowed = app.client_for(Role::Coordinator, Some(&app.provider().id), None, options);
    let own_alone = json!({ "changes": [{ "id": own }] });
    assert_eq!(told(&check(&course, own_alone.clone()).expect(200)).len(), 1);
    assert_eq!(told(&narrowed.post(&format!("/intakes/{}/sessions/check", course.intake), own_alone).expect(200)), []);
    let path = format!("/sessions/{own}");
    let patched = course.coordinator.if_match("*").patch(&path, json!({ "break_minutes": 5 })).expect(200);
    let published = course.coordinator.post(&format!("{path}/publish"), json!({})).expect(200);
    for warnings in [&patched.body["warnings"], &published.body["warnings"]] {
        assert_eq!((warnings[0]["other"]["id"].clone(), warnings.as_array().unwrap().len()), (json!(draft), 1), "{warnings}");
    }
    let times = next.coordinator.get(&format!("/sessions/{draft}/placements?from=2020-06-02&until=2020-06-02")).expect(200);
    assert!(times.body["times"].as_array().unwrap().iter().any(|time| time["fits"] == false), "{}", times.text);
}

#[test]
fn a_time_fits_beside_a_draft_which_is_told() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (one, other) = (seed::session(&course, "D-1", &seed::morning(1)), seed::session(&course, "D-2", &seed::morning(1)));
    let times = course.coordinator.get(&format!("/sessions/{one}/placements?from=2020-06-02&until=2020-06-02&earliest=09:00&latest=10:30"));
    let time = times.expect(200).body["times"][0].clone();
    assert_eq!((&time["fits"], &time["conflicts"][0]["other"]["id"]), (&json!(true), &json!(other)), "{time}");
    assert_eq!((&time["conflicts"][0]["severity"], time["conflicts"].as_array().unwrap().len()), (&json!("warn"), 2));
}

#[test]
fn of_the_drafts_at_one_time_the_first_twenty_are_told() {
    let app = spawn_app();
    let course = seed::course(&app);
    for index in 0..21 {
        let mut body = seed::session_body(&course, &format!("D-{index}"), &seed::morning(1));
        body["instructor_ids"] = json!([]);
        seed::session_as(&course, body);
    }
    let reply = check(&course, json!({ "sessions": [seed::session_body(&course, "N-1", &seed::morning(1))] })).expect(200);
    assert_eq!((told(&reply).len(), &reply.body["truncated"], &reply.body["fits"]), (20, &json!(true), &json!(true)));
}

#[test]
fn of_many_overlaps_with_drafts_a_thousand_are_told_and_that_there_are_more() {
    let app = spawn_app();
    let course = seed::course(&app);
    let draft = |code: &str, day: u32, minutes: i64| {
        let mut body = elsewhere(&course, code, &seed::morning(day));
        (body["instructor_ids"], body["ends_at"]) = (json!([course.instructor]), json!(seed::after(&seed::morning(day), minutes)));
        seed::session_as(&course, body);
    };
    (0..20).for_each(|index| draft(&format!("D-{index}"), 1, 1440));
    let short = |day: u32, index: i64| {
        let mut body = seed::session_body(&course, &format!("N-{day}-{index}"), &seed::after(&seed::morning(day), 5 * index));
        body["ends_at"] = json!(seed::after(&seed::morning(day), 5 * index + 5));
        body
    };
    for (count, truncated) in [(50, false), (51, true)] {
        let reply = check(&course, json!({ "sessions": (0..count).map(|index| short(1, index)).collect::<Vec<_>>() })).expect(200);
        assert_eq!((told(&reply).len(), &reply.body["truncated"]), (1000, &json!(truncated)));
    }
    // Of one session there are more than are told of it; those of the next are told all the same.
    draft("D-20", 1, 90);
    draft("D-21", 3, 90);
    let reply = check(&course, json!({ "sessions": [short(1, 0), short(3, 0)] })).expect(200);
    assert_eq!((told(&reply).len(), &reply.body["truncated"]), (21, &json!(true)));
    let path = format!("/intakes/{}/sessions/bulk", course.intake);
    for (sessions, count, truncated) in [(vec![short(1, 0), short(3, 0)], 21, true), (vec![short(3, 1)], 1, false)] {
        let made = course.coordinator.post(&path, json!({ "sessions": sessions })).expect(201);
        let warnings = made.body["warnings"].as_array().unwrap().len();
        assert_eq!((warnings, &made.body["warnings_truncated"]), (count, &json!(truncated)), "{}", made.text);
    }
}

#[test]
fn a_draft_is_warned_of_what_would_keep_it_from_being_published() {
    let app = spawn_app();
    let course = seed::short_course(&app, 180);
    let standing = seed::published_session(&course, "P-1", &seed::morning(1));
    let draft = seed::session(&course, "D-1", &seed::morning(2));
    let path = format!("/intakes/{}/sessions", course.intake);
    let created = course.coordinator.post(&path, seed::session_body(&course, "D-2", &seed::morning(1))).expect(201);
    assert_eq!(column(&created.body["warnings"], "kind"), ["cohort", "instructor"], "{}", created.text);
    assert_eq!(created.body["warnings_truncated"], false);
    course.coordinator.post(&format!("/sessions/{}/cancel", created.id()), json!({ "reason": "x" })).expect(200);
    let path = format!("/sessions/{draft}");
    let there = json!({ "starts_at": seed::morning(1), "ends_at": seed::after(&seed::morning(1), 120) });
    let warned = course.coordinator.if_match("*").patch(&path, there).expect(200).body["warnings"].clone();
    assert_eq!(column(&warned, "kind"), ["cohort", "instructor", "plan_exceeded"], "{warned}");
    // What blocks says what is to be done before it can be published; it was changed all the same.
    assert_eq!(column(&warned, "severity"), ["block", "block", "block"], "{warned}");
    // The session that stands may be waived before the draft is published.
    assert_eq!((&warned[0]["other"]["id"], &warned[0]["can_be_waived"]), (&json!(standing), &json!(true)));
    let moved = course.coordinator.post(&format!("{path}/move"), json!({ "starts_at": seed::morning(3), "reason": "x" })).expect(200);
    assert_eq!(moved.body["warnings"].as_array().unwrap().len(), 1, "{}", moved.text);
}
