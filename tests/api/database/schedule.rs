//! Claims, waivers and what was held.

use serde_json::json;

use crate::support::{App, Kind, seed, seed::Course, spawn_app};

#[track_caller]
fn assert_conflict(message: &str) {
    assert!(message.contains("muster:session_conflict"), "{message}");
}

/// A claim of the instructor for a session.
fn claim(app: &App, course: &Course, session: &str, starts_at: &str, minutes: i64) -> String {
    let (from, until) = (app.instant(starts_at), app.instant(&seed::after(starts_at, minutes)));
    format!(
        "INSERT INTO claims (kind, resource_id, session_id, starts_at, ends_at) VALUES ('instructor', {}, {}, {from}, {until})",
        app.hex(&course.instructor),
        app.hex(session),
    )
}

#[test]
fn a_claim_that_overlaps_another_is_refused_however_it_comes_about() {
    let app = spawn_app();
    let course = seed::course(&app);
    let start = seed::morning(1);
    let published = seed::published_session(&course, "P-1", &start);
    let draft = seed::session(&course, "D-1", &start);
    let later = seed::published_session(&course, "P-2", &seed::morning(2));
    // Inserted: before, within, around, after the minute.
    for (offset, minutes) in [(-10, 11), (0, 90), (10, 10), (-10, 200), (89, 1)] {
        assert_conflict(&app.refusal(&claim(&app, &course, &draft, &seed::after(&start, offset), minutes)));
    }
    for (offset, minutes) in [(-10, 10), (90, 10)] {
        app.sql(&claim(&app, &course, &draft, &seed::after(&start, offset), minutes)).unwrap();
        app.sql(&format!("DELETE FROM claims WHERE session_id = {}", app.hex(&draft))).unwrap();
    }
    let (from, until) = (app.instant(&start), app.instant(&seed::after(&start, 90)));
    // Published, and moved, by an update of the session.
    assert_conflict(&app.refusal(&format!("UPDATE sessions SET state = 'published' WHERE id = {}", app.hex(&draft))));
    assert_conflict(&app.refusal(&format!("UPDATE sessions SET starts_at = {from}, ends_at = {until} WHERE id = {}", app.hex(&later))));
    // Joined, while published.
    let mut body = seed::session_body(&course, "P-3", &start);
    body["instructor_ids"] = json!([]);
    body["cohort_ids"] = json!([course.mechanics]);
    body["module_id"] = json!(course.program.mechanics_module);
    let joined = app.hex(&seed::published_session_as(&course, body));
    let lead = app.truth(true);
    let instructor = app.hex(&course.instructor);
    assert_conflict(
        &app.refusal(&format!("INSERT INTO session_instructors (session_id, person_id, lead) VALUES ({joined}, {instructor}, {lead})")),
    );
    let (cohort, intake) = (app.hex(&course.metallurgy), app.hex(&course.intake));
    assert_conflict(
        &app.refusal(&format!("INSERT INTO session_cohorts (session_id, cohort_id, intake_id) VALUES ({joined}, {cohort}, {intake})")),
    );
    // Cancelled, it is free.
    app.sql(&format!(
        "UPDATE sessions SET state = 'cancelled', cancel_reason = 'storm', sequence = sequence + 1 WHERE id = {}",
        app.hex(&published)
    ))
    .unwrap();
    app.sql(&format!("UPDATE sessions SET state = 'published' WHERE id = {}", app.hex(&draft))).unwrap();
}

#[test]
fn a_claim_stays_while_its_session_occupies_somebody() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (published, held) =
        (seed::published_session(&course, "P-1", &seed::morning(1)), seed::held_session(&course, "H-1", &seed::morning(2)));
    let longer = seed::published_session(&course, "H-2", &seed::morning(4));
    let actual = json!({ "ends_at": seed::after(&seed::morning(4), 100), "difference_reason": "many questions" });
    course.coordinator.post(&format!("/sessions/{longer}/hold"), actual).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
    for session in [&published, &held, &longer] {
        let key = app.hex(session);
        for statement in [
            format!("DELETE FROM claims WHERE kind = 'cohort' AND session_id = {key}"),
            format!("DELETE FROM claims WHERE kind = 'instructor' AND session_id = {key}"),
            format!("UPDATE claims SET starts_at = ends_at - (ends_at - starts_at) / 2 WHERE session_id = {key}"),
            format!("UPDATE claims SET kind = 'room' WHERE session_id = {key}"),
        ] {
            let message = app.refusal(&statement);
            assert!(message.contains("muster:immutable"), "{statement}: {message}");
        }
    }
    // With what made it, it goes: somebody else teaches, the session is recorded, is moved, is cancelled.
    let key = app.hex(&published);
    app.sql(&format!("DELETE FROM session_instructors WHERE session_id = {key}")).unwrap();
    app.sql(&format!("UPDATE sessions SET mode = 'mixed' WHERE id = {key}")).unwrap();
    assert_eq!(app.count(&format!("SELECT count(*) FROM claims WHERE session_id = {key}")), 1);
    app.sql(&format!("UPDATE sessions SET mode = 'recorded', length_minutes = 45, minutes = 45 WHERE id = {key}")).unwrap();
    assert_eq!(app.count(&format!("SELECT count(*) FROM claims WHERE session_id = {key}")), 0);
    app.sql(&format!("UPDATE sessions SET mode = 'mixed', length_minutes = NULL, minutes = 90 WHERE id = {key}")).unwrap();
    let (from, until) = (app.instant(&seed::morning(3)), app.instant(&seed::after(&seed::morning(3), 90)));
    app.sql(&format!("UPDATE sessions SET starts_at = {from}, ends_at = {until} WHERE id = {key}")).unwrap();
    assert_eq!(app.findings_of("claims"), Vec::<String>::new());
    app.sql(&format!("UPDATE sessions SET state = 'cancelled', cancel_reason = 'storm', sequence = sequence + 1 WHERE id = {key}"))
        .unwrap();
    assert_eq!(app.count(&format!("SELECT count(*) FROM claims WHERE session_id = {key}")), 0);
    // Nobody cancelled it through the door, and verify says that and nothing else.
    assert_eq!(
        app.findings(),
        [
            format!("sessions: session {published} is cancelled, but the journal does not say so"),
            format!("changes: session {published} has sequence 1 and 0 changes are told"),
        ]
    );
}

#[test]
fn what_replaces_a_session_is_another_of_its_intake_and_module() {
    let app = spawn_app();
    let course = seed::course(&app);
    let other = seed::course_called(&app, "OTHER", "OTHER");
    let [session, draft] = [1, 2].map(|day| seed::session(&course, &format!("D-{day}"), &seed::morning(day)));
    let elsewhere = seed::session(&other, "D-1", &seed::morning(1));
    let mut common = seed::session_body(&course, "C-1", &seed::morning(3));
    common["module_id"] = json!(course.program.common_module);
    let common = seed::session_as(&course, common);
    let replace = |state: &str, by: &str| {
        let reason = if state == "cancelled" { "'storm'" } else { "NULL" };
        let (key, by) = (app.hex(&session), app.hex(by));
        format!("UPDATE sessions SET state = '{state}', cancel_reason = {reason}, replaced_by_id = {by} WHERE id = {key}")
    };
    for (state, by, says) in [
        ("cancelled", &session, "check"),
        ("cancelled", &elsewhere, "foreign key"),
        ("cancelled", &common, "foreign key"),
        ("draft", &draft, "check"),
        ("published", &draft, "check"),
    ] {
        let message = app.refusal(&replace(state, by)).to_lowercase();
        assert!(message.contains(says), "{state}: {message}");
    }
    app.sql(&replace("cancelled", &draft)).unwrap();
    let moved = format!("UPDATE sessions SET module_id = {} WHERE id = {}", app.hex(&course.program.common_module), app.hex(&draft));
    assert!(app.refusal(&moved).to_lowercase().contains("foreign key"));
}

#[test]
fn a_waiver_covers_its_pair_and_stays() {
    let app = spawn_app();
    let course = seed::course(&app);
    let first = seed::published_session(&course, "P-1", &seed::morning(1));
    let (second, third) = (seed::session(&course, "P-2", &seed::morning(1)), seed::session(&course, "P-3", &seed::morning(1)));
    let waiver = json!({ "other_session_id": first, "reason": "one laboratory" });
    course.coordinator.post(&format!("/sessions/{second}/waivers"), waiver).expect(201);
    app.sql(&format!("UPDATE sessions SET state = 'published' WHERE id = {}", app.hex(&second))).unwrap();
    assert_conflict(&app.refusal(&format!("UPDATE sessions SET state = 'published' WHERE id = {}", app.hex(&third))));
    for (statement, raised) in
        [("DELETE FROM claim_waivers", "muster:waiver_in_use"), ("UPDATE claim_waivers SET reason = 'x'", "muster:immutable")]
    {
        let message = app.refusal(statement);
        assert!(message.contains(raised), "{message}");
    }
    // Once nothing rests on it, it may go.
    app.sql(&format!(
        "UPDATE sessions SET state = 'cancelled', cancel_reason = 'storm', sequence = sequence + 1 WHERE id = {}",
        app.hex(&second)
    ))
    .unwrap();
    app.sql("DELETE FROM claim_waivers").unwrap();
}

#[test]
fn what_was_held_keeps_its_times_its_people_and_its_place_in_the_table() {
    let app = spawn_app();
    let course = seed::course(&app);
    seed::closed_session(&course, "H-1", &seed::morning(1), &[]);
    let (from, until) = (app.instant(&seed::morning(2)), app.instant(&seed::after(&seed::morning(2), 90)));
    for statement in [
        format!("UPDATE sessions SET starts_at = {from}, ends_at = {until}"),
        format!("UPDATE sessions SET held_starts_at = {from}, held_ends_at = {until}, sequence = sequence + 1"),
        "UPDATE sessions SET held_minutes = 80, held_break_minutes = 10".to_owned(),
        "UPDATE sessions SET mode = 'recorded', length_minutes = minutes".to_owned(),
        "UPDATE sessions SET difference_reason = 'the bus was late'".to_owned(),
        "UPDATE sessions SET code = 'H-2'".to_owned(),
        "UPDATE sessions SET place = 'Room 301'".to_owned(),
        "UPDATE sessions SET version = version + 1".to_owned(),
        format!("UPDATE sessions SET created_at = {from}"),
        format!("UPDATE sessions SET module_id = {}", app.hex(&course.program.common_module)),
        "DELETE FROM sessions".to_owned(),
        "DELETE FROM session_cohorts".to_owned(),
        "DELETE FROM session_instructors".to_owned(),
        "UPDATE session_instructors SET title = '助教'".to_owned(),
        format!(
            "INSERT INTO session_cohorts (session_id, cohort_id, intake_id) SELECT id, {}, intake_id FROM sessions",
            app.hex(&course.mechanics)
        ),
    ] {
        let message = app.refusal(&statement);
        assert!(message.contains("muster:session_closed"), "{statement}: {message}");
    }
    app.refusal("UPDATE sessions SET sequence = sequence + 1");
    for state in ["draft", "published", "cancelled"] {
        app.refusal(&format!("UPDATE sessions SET state = '{state}'"));
    }
}

#[test]
fn what_was_announced_keeps_its_code_and_module_and_counts_up_by_one() {
    let app = spawn_app();
    let course = seed::course(&app);
    let common = app.hex(&course.program.common_module);
    let draft = app.hex(&seed::session(&course, "D-1", &seed::morning(1)));
    let refused = |change: &str, code: &str| {
        let message = app.refusal(&format!("UPDATE sessions SET {change} WHERE id = {draft}"));
        assert!(message.contains(&format!("muster:{code}")), "{change}: {message}");
    };
    let taken = |change: &str| app.sql(&format!("UPDATE sessions SET {change} WHERE id = {draft}")).unwrap();
    // Of a draft nobody has heard.
    refused("sequence = 1", "immutable");
    taken(&format!("code = 'D-2', module_id = {common}"));
    taken("state = 'published'");
    refused("code = 'D-3'", "session_published");
    refused(&format!("module_id = {}", app.hex(&course.program.metallurgy_module)), "session_published");
    refused("sequence = 2", "immutable");
    taken("place = 'Room 301', sequence = 1");
    refused("sequence = 0", "immutable");
    refused("sequence = 3", "immutable");
    for uncounted in ["", ", sequence = 0", ", sequence = 3"] {
        refused(&format!("state = 'cancelled', cancel_reason = 'storm'{uncounted}"), "immutable");
    }
    taken("state = 'cancelled', cancel_reason = 'storm', sequence = 2");
    refused("code = 'D-4'", "session_closed");
    let columns = "intake_id, program_version_id, module_id, mode, starts_at, ends_at, break_minutes, minutes, created_at, changed_at";
    let insert = |code: &str, state: &str, sequence: u32| {
        let id = app.hex(&app.absent_id());
        let values = format!("{id}, '{code}', '{state}', {sequence}, {columns}");
        app.sql(&format!("INSERT INTO sessions (id, code, state, sequence, {columns}) SELECT {values} FROM sessions WHERE id = {draft}"))
    };
    assert!(insert("N-1", "draft", 1).unwrap_err().contains("muster:illegal_transition"));
    insert("N-1", "draft", 0).unwrap();
    // Of a draft that is cancelled nobody hears.
    let cancelled = "UPDATE sessions SET state = 'cancelled', cancel_reason = 'storm'";
    assert!(app.refusal(&format!("{cancelled}, sequence = 1 WHERE code = 'N-1'")).contains("muster:immutable"));
    app.sql(&format!("{cancelled} WHERE code = 'N-1'")).unwrap();
}

#[test]
fn a_session_is_in_a_room_of_the_house_that_teaches_it() {
    let app = spawn_app();
    let course = seed::course(&app);
    let other = seed::organization(&app, "NEU", "东北大学", "university", None);
    let unit = app.provider().units[0].clone();
    let room = |provider: &str, code: &str| {
        let body = json!({ "provider_id": provider, "code": code, "name": code, "kind": "on_site" });
        app.hex(&app.coordinator_of(provider).post("/rooms", body).expect(201).id())
    };
    let (own, units, theirs) = (room(&app.provider().id, "A-301"), room(&unit, "B-101"), room(&other, "C-1"));
    let draft = app.hex(&seed::session(&course, "D-1", &seed::morning(1)));
    for inside in [&own, &units] {
        app.sql(&format!("UPDATE sessions SET room_id = {inside} WHERE id = {draft}")).unwrap();
    }
    let columns =
        "intake_id, program_version_id, module_id, state, mode, starts_at, ends_at, break_minutes, minutes, created_at, changed_at";
    let insert = |room: &str| {
        let values = format!("{}, 'D-2', {room}, {columns}", app.hex(&app.absent_id()));
        format!("INSERT INTO sessions (id, code, room_id, {columns}) SELECT {values} FROM sessions WHERE id = {draft}")
    };
    for outside in [format!("UPDATE sessions SET room_id = {theirs} WHERE id = {draft}"), insert(&theirs)] {
        let message = app.refusal(&outside);
        assert!(message.contains("muster:room_of_another_house"), "{message}");
    }
    app.sql(&insert(&own)).unwrap();
    let message = app.refusal(&format!("UPDATE rooms SET provider_id = {} WHERE id = {units}", app.hex(&other)));
    assert!(message.contains("muster:immutable"), "{message}");
}

#[test]
fn until_the_roll_call_is_closed_how_a_session_was_held_is_corrected_and_nothing_else() {
    let app = spawn_app();
    let course = seed::course(&app);
    seed::held_session(&course, "H-1", &seed::morning(1));
    let (from, until) = (app.instant(&seed::morning(2)), app.instant(&seed::after(&seed::morning(2), 90)));
    for statement in [
        format!("UPDATE sessions SET starts_at = {from}, ends_at = {until}"),
        "UPDATE sessions SET code = 'H-2'".to_owned(),
        "UPDATE sessions SET place = 'Room 301'".to_owned(),
        format!("UPDATE sessions SET created_at = {from}"),
        "DELETE FROM sessions".to_owned(),
        "DELETE FROM session_cohorts".to_owned(),
    ] {
        let message = app.refusal(&statement);
        assert!(message.contains("muster:session_closed"), "{statement}: {message}");
    }
    // Other times are told to those who subscribed, and those who have the same are not told.
    let message = app.refusal(&format!("UPDATE sessions SET held_starts_at = {from}, held_ends_at = {until}"));
    assert!(message.contains("muster:immutable"), "{message}");
    let message = app.refusal("UPDATE sessions SET sequence = sequence + 1");
    assert!(message.contains("muster:immutable"), "{message}");
    app.sql(&format!("UPDATE sessions SET held_starts_at = {from}, held_ends_at = {until}, sequence = sequence + 1")).unwrap();
    let findings = app.findings();
    assert!(findings.iter().any(|finding| finding.contains("is not as the journal says: other held")), "{findings:?}");
}

#[test]
fn why_a_session_was_cancelled_stays_said() {
    let app = spawn_app();
    let course = seed::course(&app);
    let session = seed::published_session(&course, "P-1", &seed::morning(1));
    course.coordinator.post(&format!("/sessions/{session}/cancel"), json!({ "reason": "storm" })).expect(200);
    let message = app.refusal("UPDATE sessions SET cancel_reason = 'no money'");
    assert!(message.contains("muster:session_closed"), "{message}");
}

#[test]
fn minutes_are_end_minus_start_minus_breaks() {
    let app = spawn_app();
    let course = seed::course(&app);
    seed::session(&course, "D-1", &seed::morning(1));
    for change in
        ["minutes = 89", "break_minutes = 1", "minutes = 0, break_minutes = 90", "minutes = 91, break_minutes = -1", "state = 'held'"]
    {
        app.refusal(&format!("UPDATE sessions SET {change}"));
    }
    app.sql("UPDATE sessions SET minutes = 80, break_minutes = 10").unwrap();
    app.refusal("UPDATE sessions SET state = 'cancelled'");
    // Nothing is held for days.
    app.sql("UPDATE sessions SET state = 'published'").unwrap();
    let held = |minutes: i64| {
        let until = app.instant(&seed::after(&seed::morning(1), minutes));
        let times = format!("held_starts_at = starts_at, held_ends_at = {until}, held_break_minutes = 0, held_minutes = {minutes}");
        app.sql(&format!("UPDATE sessions SET state = 'held', {times}"))
    };
    held(1441).unwrap_err();
    held(1440).unwrap();
}

#[test]
fn a_recorded_session_has_a_length_within_its_window_and_is_held_with_both() {
    let app = spawn_app();
    let course = seed::course(&app);
    let room = course.coordinator.post("/rooms", json!({ "code": "A-301", "name": "301", "kind": "on_site" })).expect(201).id();
    seed::session(&course, "D-1", &seed::morning(1));
    let weeks = app.instant(&seed::morning(15));
    for change in [
        "length_minutes = 45".to_owned(),
        "mode = 'recorded'".to_owned(),
        "mode = 'recorded', length_minutes = 45".to_owned(),
        "mode = 'recorded', length_minutes = 91, minutes = 91".to_owned(),
        "mode = 'recorded', length_minutes = 45, minutes = 45, break_minutes = 5".to_owned(),
        format!("mode = 'recorded', length_minutes = 45, minutes = 45, room_id = {}", app.hex(&room)),
        format!("mode = 'recorded', length_minutes = 1441, minutes = 1441, ends_at = {weeks}"),
        format!("mode = 'recorded', length_minutes = 45, minutes = 45, ends_at = {}", app.instant("2020-06-02T08:00:30Z")),
        format!("minutes = 1441, ends_at = {}", app.instant(&seed::after(&seed::morning(1), 1441))),
    ] {
        app.refusal(&format!("UPDATE sessions SET {change}"));
    }
    app.sql(&format!("UPDATE sessions SET mode = 'recorded', length_minutes = 45, minutes = 45, ends_at = {weeks}")).unwrap();
    app.sql("UPDATE sessions SET state = 'published'").unwrap();
    let held = |starts_at: &str, break_minutes: i64, minutes: i64| {
        let times = format!("held_starts_at = {starts_at}, held_ends_at = ends_at");
        app.sql(&format!("UPDATE sessions SET state = 'held', {times}, held_break_minutes = {break_minutes}, held_minutes = {minutes}"))
    };
    held("starts_at", 0, 44).unwrap_err();
    held("starts_at", 5, 45).unwrap_err();
    held(&app.instant(&seed::morning(2)), 0, 45).unwrap_err();
    held("starts_at", 0, 45).unwrap();
}

#[test]
fn what_is_published_or_amended_by_hand_is_found() {
    let app = spawn_app();
    let course = seed::course(&app);
    let amendment = json!({ "module_id": course.program.metallurgy_module, "delta_minutes": 90, "reason": "one more experiment" });
    course.coordinator.post(&format!("/intakes/{}/amendments", course.intake), amendment).expect(201);
    let draft = seed::session(&course, "D-1", &seed::morning(1));
    assert_eq!(app.findings(), Vec::<String>::new());
    app.sql(&format!("UPDATE sessions SET state = 'published' WHERE id = {}", app.hex(&draft))).unwrap();
    let row = "intake_id, program_version_id, module_id, delta_minutes, reason, user_id, created_at";
    app.sql(&format!("INSERT INTO amendments (id, {row}) SELECT {}, {row} FROM amendments", app.hex(&app.absent_id()))).unwrap();
    let mut findings = app.findings();
    findings.sort();
    assert_eq!(
        findings,
        [
            format!("plan: intake {} has 2 amendments; the journal knows 1", course.intake),
            format!("sessions: session {draft} is published, but the journal does not say so"),
        ]
    );
}

#[test]
fn a_session_stays_in_its_series_and_a_series_as_it_was_made() {
    let app = spawn_app();
    let course = seed::course(&app);
    let series = |code: &str, day: &str| {
        let slot = json!({ "weekday": "monday", "starts": "08:00", "ends": "09:30" });
        let body = json!({ "code": code, "module_id": course.program.metallurgy_module, "cohort_ids": [course.metallurgy],
            "pattern": [slot], "from": day, "until": day });
        course.coordinator.post(&format!("/intakes/{}/series", course.intake), body).expect(201)
    };
    let (first, second) = (series("A", "2020-06-01"), series("B", "2020-06-08"));
    let (session, id) = (app.hex(&first.text_at("/sessions/0/id")), app.hex(&first.text_at("/id")));
    for other in ["NULL".to_owned(), app.hex(&second.text_at("/id"))] {
        let message = app.refusal(&format!("UPDATE sessions SET series_id = {other} WHERE id = {session}"));
        assert!(message.contains("muster:immutable"), "{message}");
    }
    for change in ["code = 'C'".to_owned(), "made_from = '{}'".to_owned(), format!("created_at = {}", app.instant("2020-01-01T00:00:00Z"))]
    {
        let message = app.refusal(&format!("UPDATE series SET {change} WHERE id = {id}"));
        assert!(message.contains("muster:immutable"), "{message}");
    }
    app.refusal(&format!("DELETE FROM series WHERE id = {id}"));
    // Of another intake.
    let other = seed::course_called(&app, "SECOND", "BAOWU");
    let alone = app.hex(&seed::session(&other, "S-1", &seed::morning(1)));
    app.refusal(&format!("UPDATE sessions SET series_id = {id} WHERE id = {alone}"));
}

#[test]
fn with_a_snapshot_of_before_nothing_is_claimed_and_no_waiver_taken_back() {
    let app = spawn_app();
    if app.database.kind() == Kind::Sqlite {
        // It has one writer, who begins with what the one before left.
        return;
    }
    let course = seed::course(&app);
    let (draft, other) = (seed::session(&course, "D-1", &seed::morning(1)), seed::session(&course, "D-2", &seed::morning(1)));
    let waiver = json!({ "other_session_id": other, "reason": "one laboratory" });
    course.coordinator.post(&format!("/sessions/{draft}/waivers"), waiver).expect(201);
    let publish = format!("UPDATE sessions SET state = 'published' WHERE id = {}", app.hex(&draft));
    for statement in [publish.as_str(), "DELETE FROM claim_waivers"] {
        let message = app.refusal(&format!("BEGIN ISOLATION LEVEL REPEATABLE READ; {statement}; COMMIT"));
        assert!(message.contains("muster:repeatable_read"), "{statement}: {message}");
        app.sql(statement).unwrap();
    }
}
