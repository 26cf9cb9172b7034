//! Leave and correction requests, and what of them a hand edit breaks.

use crate::support::{App, seed, seed::Course, seed::Enrolled, spawn_app};

/// A request that was granted, and one that waits.
fn requested(app: &App) -> (Course, Vec<Enrolled>, [String; 2]) {
    let course = seed::course(app);
    let members = seed::enrolled(&course, 2);
    let granted = seed::leave_granted(&course, &members[0], &seed::morning(1), 60);
    let asked = seed::leave_asked(&course, &members[1], &seed::morning(1), 60);
    (course, members, [granted, asked])
}

#[test]
fn what_was_asked_for_stays_as_it_was() {
    let app = spawn_app();
    let (_, members, [granted, asked]) = requested(&app);
    let (granted, asked, member) = (app.hex(&granted), app.hex(&asked), app.hex(&members[1].id));
    let intake = format!("(SELECT intake_id FROM leave_requests WHERE id = {granted})");
    for (statement, code) in [
        (format!("UPDATE leave_requests SET state = 'granted', reason = 'another' WHERE id = {asked}"), "immutable"),
        (format!("UPDATE leave_requests SET state = 'granted', ends_at = ends_at + (ends_at - starts_at) WHERE id = {asked}"), "immutable"),
        (format!("UPDATE leave_requests SET state = 'asked' WHERE id = {granted}"), "illegal_transition"),
        (format!("UPDATE leave_requests SET state = 'refused' WHERE id = {granted}"), "illegal_transition"),
        (format!("UPDATE leave_requests SET version = version + 1 WHERE id = {granted}"), "illegal_transition"),
        (format!("DELETE FROM leave_requests WHERE id = {asked}"), "immutable"),
        (
            format!("INSERT INTO leave_enrollments (leave_request_id, enrollment_id, intake_id) VALUES ({granted}, {member}, {intake})"),
            "immutable",
        ),
        (format!("UPDATE leave_enrollments SET enrollment_id = {member} WHERE leave_request_id = {granted}"), "immutable"),
        ("DELETE FROM leave_enrollments".to_owned(), "immutable"),
        (
            format!(
                "INSERT INTO leave_steps (leave_request_id, to_state, from_state, role, recorded_at)
                 SELECT id, 'endorsed', 'asked', 'partner', created_at FROM leave_requests WHERE id = {asked}"
            ),
            "illegal_transition",
        ),
        ("UPDATE leave_steps SET reason = 'another'".to_owned(), "immutable"),
        ("DELETE FROM leave_steps".to_owned(), "immutable"),
    ] {
        let message = app.refusal(&statement);
        assert!(message.contains(&format!("muster:{code}")), "{statement}: {message}");
    }
}

#[test]
fn a_request_begins_as_asked() {
    let app = spawn_app();
    let (_, _, [granted, _]) = requested(&app);
    let (id, granted) = (app.hex(&app.absent_id()), app.hex(&granted));
    let insert = |state: &str| {
        format!(
            "INSERT INTO leave_requests (id, intake_id, kind, starts_at, ends_at, reason, state, version, created_at)
             SELECT {id}, intake_id, kind, starts_at, ends_at, reason, '{state}', 1, created_at FROM leave_requests WHERE id = {granted}"
        )
    };
    assert!(app.refusal(&insert("granted")).contains("muster:illegal_transition"));
    app.sql(&insert("asked")).unwrap();
    assert_eq!(app.findings_of("leave").len(), 2, "nobody asked for it, and no step led to it");
}

#[test]
fn a_state_that_no_step_led_to_is_found() {
    let app = spawn_app();
    let (_, _, [_, asked]) = requested(&app);
    app.sql(&format!("UPDATE leave_requests SET state = 'granted', version = 2 WHERE id = {}", app.hex(&asked))).unwrap();
    let found = app.findings_of("leave");
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("is not as the journal says: other state"), "{found:?}");
    assert!(found[1].contains("came by no step to where it stands, granted"), "{found:?}");
}

#[test]
fn a_forged_request_is_found() {
    let app = spawn_app();
    let (_, members, [granted, asked]) = requested(&app);
    let (granted, asked, member) = (app.hex(&granted), app.hex(&asked), app.hex(&members[1].id));
    assert_eq!(app.findings(), Vec::<String>::new());
    app.forge("leave_enrollments", &format!("UPDATE leave_enrollments SET enrollment_id = {member} WHERE leave_request_id = {granted}"));
    app.forge("leave_requests", &format!("UPDATE leave_requests SET reason = 'another' WHERE id = {asked}"));
    app.forge("leave_steps", &format!("DELETE FROM leave_steps WHERE leave_request_id = {asked}"));
    let found = app.findings_of("leave").join("\n");
    for fault in ["other enrollment_ids", "other reason", "came by no step to where it stands, asked", "has no step for the entry"] {
        assert!(found.contains(fault), "{fault}: {found}");
    }
}

#[test]
fn leave_that_a_closing_did_not_count_is_found() {
    let app = spawn_app();
    let (course, members, _) = requested(&app);
    let lines: Vec<_> = members.iter().map(|member| seed::line(member, "absent")).collect();
    seed::closed_session(&course, "MET-1", &seed::morning(1), &lines);
    assert_eq!(app.findings(), Vec::<String>::new());
    app.forge("attendances", "UPDATE attendances SET leave_minutes = 90 WHERE leave_minutes = 60");
    for (check, finding) in [
        ("postings", "the ledger says"),
        ("marks", "other segments, source, leave, mode or note"),
        ("unsettled", "is leave for enrollment"),
    ] {
        let found = app.findings_of(check);
        assert!(found.len() == 1 && found[0].contains(finding), "{check}: {found:?}");
    }
}

#[test]
fn a_correction_is_asked_for_once_and_decided_once() {
    let app = spawn_app();
    let (course, members, _) = requested(&app);
    let lines: Vec<_> = members.iter().map(|member| seed::line(member, "absent")).collect();
    let session = seed::closed_session(&course, "MET-1", &seed::morning(5), &lines);
    let body = serde_json::json!({ "enrollment_id": members[0].id, "code": "present", "statement": "was there" });
    let path = format!("/sessions/{session}/correction-requests");
    let refused = course.coordinator.post(&path, body.clone()).expect(201).id();
    let why = serde_json::json!({ "reason": "was not" });
    course.coordinator.post(&format!("/correction-requests/{refused}/refuse"), why).expect(200);
    let asked = course.coordinator.post(&path, body).expect(201).id();
    let (refused, asked, other) = (app.hex(&refused), app.hex(&asked), app.hex(&app.absent_id()));
    let columns = "session_id, enrollment_id, intake_id, code, statement, state, role, version, created_at";
    for statement in [
        format!("INSERT INTO correction_requests (id, {columns}) SELECT {other}, {columns} FROM correction_requests WHERE id = {asked}"),
        format!("INSERT INTO correction_requests (id, {columns}) SELECT {other}, {columns} FROM correction_requests WHERE id = {refused}"),
        format!("UPDATE correction_requests SET state = 'accepted', decided_at = created_at, code = 'late' WHERE id = {asked}"),
        format!("UPDATE correction_requests SET state = 'accepted' WHERE id = {asked}"),
        format!("UPDATE correction_requests SET state = 'refused', decided_at = created_at WHERE id = {asked}"),
        format!("UPDATE correction_requests SET state = 'accepted' WHERE id = {refused}"),
        format!("DELETE FROM correction_requests WHERE id = {refused}"),
    ] {
        app.refusal(&statement);
    }
    app.sql(&format!("UPDATE correction_requests SET state = 'accepted', decided_at = created_at WHERE id = {asked}")).unwrap();
    let found = app.findings_of("corrections");
    assert!(found.len() == 1 && found[0].contains("other decided_at, state"), "{found:?}");
}

#[test]
fn a_correction_is_asked_for_of_a_line_of_a_closed_roll_call() {
    let app = spawn_app();
    let (course, members, _) = requested(&app);
    let other = seed::enrolled_at(&course, &course.sponsor.plants[0], (&course.program.mechanics, &course.mechanics), 1).remove(0);
    let lines: Vec<_> = members.iter().map(|member| seed::line(member, "absent")).collect();
    let session = seed::closed_session(&course, "MET-1", &seed::morning(5), &lines);
    let ask = |enrollment: &str| {
        format!(
            "INSERT INTO correction_requests (id, session_id, enrollment_id, intake_id, code, statement, state, role, version, created_at)
             SELECT {}, s.id, e.id, s.intake_id, 'present', 'was there', 'asked', 'trainee', 1, e.created_at
             FROM sessions s JOIN enrollments e ON e.id = {} WHERE s.id = {}",
            app.hex(&app.absent_id()),
            app.hex(enrollment),
            app.hex(&session)
        )
    };
    let refused = |enrollment: &str| assert!(app.refusal(&ask(enrollment)).contains("muster:roll_call_not_closed"));
    refused(&other.id);
    seed::step_roll_call(&course, &session, "reopen", Some("another look")).expect(200);
    refused(&members[0].id);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    app.sql(&ask(&members[0].id)).unwrap();
}

#[test]
fn leave_of_a_crew_is_for_nobody_of_another_sponsor() {
    let app = spawn_app();
    let (course, members, [granted, _]) = requested(&app);
    let baowu = seed::sponsor(&app, "BAOWU");
    let theirs = seed::enrolled_at(&course, &baowu.plants[0], (&course.program.metallurgy, &course.metallurgy), 1).remove(0);
    let (id, sponsor, granted) = (app.hex(&app.absent_id()), app.hex(&course.sponsor.id), app.hex(&granted));
    app.sql(&format!(
        "INSERT INTO leave_requests (id, intake_id, kind, sponsor_id, crew, starts_at, ends_at, reason, state, version, created_at)
         SELECT {id}, intake_id, kind, {sponsor}, 'A', starts_at, ends_at, reason, 'asked', 1, created_at
         FROM leave_requests WHERE id = {granted}"
    ))
    .unwrap();
    let name = |enrollment: &str| {
        let (enrollment, intake) = (app.hex(enrollment), app.hex(&course.intake));
        format!("INSERT INTO leave_enrollments (leave_request_id, enrollment_id, intake_id) VALUES ({id}, {enrollment}, {intake})")
    };
    let message = app.refusal(&name(&theirs.id));
    assert!(message.contains("muster:of_another_sponsor"), "{message}");
    app.sql(&name(&members[0].id)).unwrap();
}
