//! Sessions, what is told of them, and who may see them.

use serde_json::json;

use super::assert_found;
use crate::support::{App, seed, seed::Course, spawn_app};

#[test]
fn a_session_outside_the_days_of_its_intake_is_found() {
    let app = spawn_app();
    let course = seed::course(&app);
    let [draft, published, cancelled] = [1, 2, 3].map(|day| seed::session(&course, &format!("S-{day}"), &seed::morning(day)));
    course.coordinator.post(&format!("/sessions/{published}/publish"), json!({})).expect(200);
    let move_to = |session: &str, start: &str| {
        let (key, from, until) = (app.hex(session), app.instant(start), app.instant(&seed::after(start, 90)));
        app.sql(&format!("UPDATE sessions SET starts_at = {from}, ends_at = {until} WHERE id = {key}")).unwrap();
    };
    // By the clocks of the intake, whose day begins eight hours earlier.
    for (session, outside, inside) in
        [(&draft, "2020-05-26T15:59:00Z", "2020-05-26T16:00:00Z"), (&published, "2020-10-30T14:31:00Z", "2020-10-30T14:30:00Z")]
    {
        move_to(session, outside);
        assert_found(&app, &["sessions"], &[session, outside, "outside the days of its intake"]);
        move_to(session, inside);
        assert!(!app.findings().iter().any(|finding| finding.contains("outside")));
    }
    move_to(&draft, &seed::morning(1));
    move_to(&published, &seed::morning(2));
    move_to(&cancelled, "2019-01-01T00:00:00Z");
    course.coordinator.post(&format!("/sessions/{cancelled}/cancel"), json!({ "reason": "storm" })).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
    let held = seed::held_session(&course, "H-1", &seed::morning(4));
    let (from, until) = (app.instant("2021-01-01T01:00:00Z"), app.instant("2021-01-01T02:30:00Z"));
    app.forge("sessions", &format!("UPDATE sessions SET held_starts_at = {from}, held_ends_at = {until} WHERE id = {}", app.hex(&held)));
    let at = "2021-01-01T01:00:00Z lies outside the days of its intake, 2020-05-27 to 2020-10-30";
    assert_found(&app, &["claims", "sessions", "changes"], &[&format!("sessions: session {held} of {at}")]);
    assert_found(&app, &["claims", "sessions", "changes"], &[&held, "other held"]);
}

#[test]
fn what_was_announced_and_is_not_as_the_journal_says_is_found() {
    let app = spawn_app();
    let course = seed::course(&app);
    let [room, other_room] = ["A-301", "A-302"].map(|code| seed::room(&course, code));
    let [assistant, stranger] = ["P2", "P3"].map(|number| seed::instructor(&app, &course.coordinator, number));
    let mut body = seed::session_body(&course, "P-1", &seed::morning(1));
    (body["room_id"], body["instructor_ids"]) = (json!(room), json!([course.instructor, assistant]));
    let untouched = seed::published_session_as(&course, body.clone());
    (body["code"], body["starts_at"], body["ends_at"]) = (json!("P-2"), json!(seed::morning(2)), json!(seed::after(&seed::morning(2), 90)));
    let moved = seed::published_session_as(&course, body);
    let (start, end) = (seed::morning(3), seed::after(&seed::morning(3), 90));
    let patch = json!({ "starts_at": start, "ends_at": end, "place": "301", "break_minutes": 10, "reason": "storm" });
    course.coordinator.if_match("*").patch(&format!("/sessions/{moved}"), patch).expect(200);
    // The room and the people are called otherwise since.
    course.coordinator.if_match("*").patch(&format!("/rooms/{room}"), json!({ "name": "教学楼 301" })).expect(200);
    course.coordinator.if_match("*").patch(&format!("/instructors/{assistant}"), json!({ "name": "沈岚" })).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
    let (early, late) = (app.instant(&start), app.instant(&seed::after(&start, 30)));
    let (until, later) = (app.instant(&end), app.instant(&seed::after(&end, 30)));
    let id = app.hex(&moved);
    let [first_lead, assistant, stranger] = [&course.instructor, &assistant, &stranger].map(|id| app.hex(id));
    let [first, second] = [&course.metallurgy, &course.mechanics].map(|id| app.hex(id));
    let set = |change: &str| format!("UPDATE sessions SET {change} WHERE id = {id}");
    let lead = |one: &str| format!("UPDATE session_instructors SET lead = (person_id = {one}) WHERE session_id = {id}");
    let teach = |one: &str| format!("INSERT INTO session_instructors (session_id, person_id, lead) VALUES ({id}, {one}, (1 = 0))");
    let no_more = |one: &str| format!("DELETE FROM session_instructors WHERE session_id = {id} AND person_id = {one}");
    let join = |one: &str| {
        format!("INSERT INTO session_cohorts (session_id, cohort_id, intake_id) VALUES ({id}, {one}, {})", app.hex(&course.intake))
    };
    let leave = |one: &str| format!("DELETE FROM session_cohorts WHERE session_id = {id} AND cohort_id = {one}");
    let unlike = |session: &str, says: &str| format!("sessions: session {session} is not as the journal says: {says}");
    for (says, edit, back) in [
        (
            "other ends_at, starts_at",
            set(&format!("starts_at = {late}, ends_at = {later}")),
            set(&format!("starts_at = {early}, ends_at = {until}")),
        ),
        ("other mode", set("mode = 'mixed'"), set("mode = 'live_online'")),
        ("other break_minutes, minutes", set("break_minutes = 0, minutes = 90"), set("break_minutes = 10, minutes = 80")),
        ("other room", set(&format!("room_id = {}", app.hex(&other_room))), set(&format!("room_id = {}", app.hex(&room)))),
        ("other place", set("place = NULL"), set("place = '301'")),
        ("other instructors", teach(&stranger), no_more(&stranger)),
        ("other instructors", no_more(&assistant), teach(&assistant)),
        ("other instructors", lead(&assistant), lead(&first_lead)),
        ("other cohort_ids", join(&second), leave(&second)),
    ] {
        app.sql(&edit).unwrap();
        assert_eq!(app.findings(), [unlike(&moved, says)], "{edit}");
        app.sql(&back).unwrap();
        assert_eq!(app.findings(), Vec::<String>::new(), "{back}");
    }
    app.sql(&leave(&first)).unwrap();
    let for_nobody = format!("sessions: session {moved} is published, but for no cohort");
    assert_eq!(app.findings(), [for_nobody, unlike(&moved, "other cohort_ids")]);
    app.sql(&join(&first)).unwrap();
    app.sql(&format!("UPDATE sessions SET room_id = {} WHERE id = {}", app.hex(&other_room), app.hex(&untouched))).unwrap();
    assert_eq!(app.findings(), [unlike(&untouched, "other room")]);
    let created = format!("subject_id = {} AND action = 'session.created'", app.hex(&untouched));
    app.forge("journal_entries", &format!("UPDATE journal_entries SET subject_id = {} WHERE {created}", app.hex(&app.absent_id())));
    assert_found(&app, &["journal", "sessions"], &[&format!("sessions: session {untouched} is not in the journal")]);
}

#[test]
fn a_draft_that_is_not_as_the_journal_says_is_found() {
    let app = spawn_app();
    let course = seed::course(&app);
    let draft = seed::session(&course, "D-1", &seed::morning(1));
    course.coordinator.if_match("*").patch(&format!("/sessions/{draft}"), json!({ "mode": "mixed" })).expect(200);
    let unlike = format!("sessions: session {draft} is not as the journal says: other mode");
    for (mode, found) in [("on_site", vec![unlike]), ("mixed", Vec::new())] {
        app.sql(&format!("UPDATE sessions SET mode = '{mode}' WHERE id = {}", app.hex(&draft))).unwrap();
        assert_eq!(app.findings(), found);
    }
}

#[test]
fn a_waiver_that_nobody_granted_and_one_that_is_gone_are_found() {
    let app = spawn_app();
    let course = seed::course(&app);
    let [first, second, third] = [1, 2, 3].map(|day| seed::session(&course, &format!("S-{day}"), &seed::morning(day)));
    let waiver = json!({ "other_session_id": first, "reason": "one laboratory" });
    course.coordinator.post(&format!("/sessions/{second}/waivers"), waiver).expect(201);
    assert_eq!(app.findings(), Vec::<String>::new());
    let mut pair = [&second, &third];
    pair.sort();
    app.sql(&format!(
        "INSERT INTO claim_waivers (first_session_id, second_session_id, reason, created_at) SELECT {}, {}, reason, created_at FROM claim_waivers",
        app.hex(pair[0]),
        app.hex(pair[1])
    ))
    .unwrap();
    assert_found(&app, &["waivers"], &[&second, &third, "the journal does not say so"]);
    app.forge("claim_waivers", "DELETE FROM claim_waivers");
    assert_found(&app, &["waivers"], &[&first, &second, "there is no such waiver"]);
    assert_eq!(app.findings().len(), 1);
}

/// A published session that was moved once; its key.
fn moved(app: &App, course: &Course) -> (String, String) {
    let session = seed::published_session(course, "P-1", &seed::morning(1));
    let change = json!({ "starts_at": seed::morning(2), "ends_at": seed::after(&seed::morning(2), 90), "reason": "storm" });
    course.coordinator.if_match("*").patch(&format!("/sessions/{session}"), change).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
    (app.hex(&session), session)
}

#[test]
fn a_sequence_that_is_not_the_number_of_changes_is_found() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (key, session) = moved(&app, &course);
    // What was held at another time counts one more.
    let longer = json!({ "ends_at": seed::after(&seed::morning(2), 100), "difference_reason": "many questions" });
    course.coordinator.post(&format!("/sessions/{session}/hold"), longer).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
    app.forge("sessions", &format!("UPDATE sessions SET sequence = 1 WHERE id = {key}"));
    assert_found(&app, &["changes"], &[&session, "has sequence 1 and 1 changes are told"]);
    app.forge("sessions", &format!("UPDATE sessions SET sequence = 2 WHERE id = {key}"));
    app.forge("session_change_audience", "DELETE FROM session_change_audience");
    app.forge("session_changes", "DELETE FROM session_changes");
    assert_found(&app, &["changes"], &[&session, "has sequence 2 and 0 changes are told"]);
}

#[test]
fn a_change_that_is_told_to_others_than_it_concerns_is_found() {
    for fault in [
        "DELETE FROM session_change_audience WHERE kind = 'cohort'",
        "DELETE FROM session_change_audience WHERE starts_at = (SELECT max(starts_at) FROM session_change_audience)",
        "UPDATE session_change_audience SET kind = 'cohort' WHERE kind = 'instructor'",
        "INSERT INTO session_change_audience SELECT 'instructor', session_id, id, created_at FROM session_changes",
    ] {
        let app = spawn_app();
        let course = seed::course(&app);
        moved(&app, &course);
        app.forge("session_change_audience", fault);
        assert_found(&app, &["changes"], &["is told to others than it concerns"]);
        assert_eq!(app.findings().len(), 1, "{fault}");
    }
    let app = spawn_app();
    let course = seed::course(&app);
    moved(&app, &course);
    app.forge("session_changes", "UPDATE session_changes SET after_values = '{}'");
    assert_found(&app, &["changes"], &["cannot be read"]);
}

#[test]
fn a_feed_of_what_is_not_its_providers_is_found() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let room = seed::room(&course, "A-301");
    let other = app.hex(&seed::organization(&app, "NEU", "东北大学", "university", None));
    let (own, instructor) = (app.hex(&app.provider().id), app.instructor(&course.instructor));
    let feeds = [
        ("intake", &course.intake, &course.coordinator),
        ("cohort", &course.metallurgy, &course.coordinator),
        ("room", &room, &course.coordinator),
        ("trainee", &member.trainee, &course.coordinator),
        ("instructor", &course.instructor, &course.coordinator),
        ("instructor", &course.instructor, &instructor),
    ];
    for (kind, subject, client) in feeds {
        let feed = client.post("/feeds", json!({ "kind": kind, "subject_id": subject })).expect(201).id();
        assert_eq!(app.findings(), Vec::<String>::new());
        let file = |provider: &str| {
            app.forge("feeds", &format!("UPDATE feeds SET provider_id = {provider} WHERE id = {}", app.hex(&feed)));
        };
        file(&other);
        assert_found(&app, &["feeds"], &[&feed, kind]);
        file(&own);
    }
}

#[test]
fn a_series_of_which_nobody_can_say_what_it_was_made_from_is_found() {
    let app = spawn_app();
    let course = seed::course(&app);
    let series = json!({ "code": "MET", "module_id": course.program.metallurgy_module, "cohort_ids": [course.metallurgy],
        "pattern": [{ "weekday": "monday", "starts": "08:00", "ends": "09:40" }], "skip": ["2020-06-22"] });
    let made = course.coordinator.post(&format!("/intakes/{}/series", course.intake), series).expect(201).id();
    assert_eq!(app.findings(), Vec::<String>::new());
    app.forge("series", "UPDATE series SET code = 'OTHER'");
    assert_found(&app, &["series"], &[&made, "is OTHER, but was made from MET"]);
    app.forge("series", "UPDATE series SET made_from = '{\"code\": \"OTHER\", \"weekly\": 1}'");
    assert_found(&app, &["series"], &[&made, "cannot be read"]);
}
