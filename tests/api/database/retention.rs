//! People who are restricted, erasures, and what alone an erasure may change.

use serde_json::json;

use crate::support::{App, seed, seed::Course, seed::Enrolled, spawn_app};

/// Somebody with hours, a note, an adjustment and leave, who has left, by hand restricted.
fn restricted(app: &App) -> (Course, Enrolled) {
    let course = seed::course(app);
    let members = seed::enrolled(&course, 2);
    let mut line = seed::line_of(&members[0], "late", 30);
    line["note"] = json!("overslept");
    let session = seed::closed_session(&course, "MET-1", &seed::morning(1), &[line, seed::line(&members[1], "present")]);
    let adjustment = json!({ "session_id": session, "minutes": 5, "reason": "stayed on" });
    course.coordinator.post(&format!("/enrollments/{}/hours", members[0].id), adjustment).expect(201);
    seed::leave_granted(&course, &members[0], &seed::morning(9), 30);
    course.coordinator.post(&format!("/enrollments/{}/withdraw", members[0].id), json!({ "reason": "moved away" })).expect(200);
    let person = app.hex(&members[0].trainee);
    let now = app.instant("2026-01-01T00:00:00Z");
    app.sql(&format!("UPDATE people SET restricted_at = {now}, retained_until = '2020-01-01' WHERE id = {person}")).unwrap();
    (course, members.into_iter().next().unwrap())
}

#[track_caller]
fn refused(app: &App, code: &str, statements: &[String]) {
    for statement in statements {
        let message = app.refusal(statement);
        assert!(message.contains(&format!("muster:{code}")), "{statement}: {message}");
    }
}

#[test]
fn of_whoever_is_restricted_only_the_day_changes() {
    let app = spawn_app();
    let (_, member) = restricted(&app);
    let own = format!("WHERE id = {}", app.hex(&member.trainee));
    refused(
        &app,
        "person_restricted",
        &[
            format!("UPDATE people SET name = 'x' {own}"),
            format!("UPDATE people SET phone = NULL {own}"),
            format!("UPDATE people SET trainee = {} {own}", app.truth(false)),
            format!("UPDATE people SET restricted_at = NULL, retained_until = NULL {own}"),
            format!("UPDATE people SET erased_at = restricted_at {own}"),
            format!(
                "UPDATE people SET name = '已删除', latin_name = 'erased', phone = NULL, email = NULL, erased_at = restricted_at {own}"
            ),
            format!("DELETE FROM people {own}"),
            "UPDATE affiliations SET title = 'x' WHERE person_id IN (SELECT id FROM people WHERE restricted_at IS NOT NULL)".to_owned(),
            "DELETE FROM affiliations WHERE person_id IN (SELECT id FROM people WHERE restricted_at IS NOT NULL)".to_owned(),
            format!(
                "INSERT INTO users (id, name, person_id, created_at) SELECT {}, 'x', id, created_at FROM people {own}",
                app.hex(&app.absent_id())
            ),
            format!(
                "INSERT INTO session_instructors (session_id, person_id, lead) SELECT s.id, p.id, {} FROM sessions s, people p WHERE p.id = {}",
                app.truth(false),
                app.hex(&member.trainee)
            ),
            format!("UPDATE cohorts SET adviser_id = {}", app.hex(&member.trainee)),
        ],
    );
    app.sql(&format!("UPDATE people SET retained_until = '2030-01-01', version = version + 1 {own}")).unwrap();
}

/// What an erasure writes, each of it refused when there is none.
const ERASING: [(&str, &str); 6] = [
    ("UPDATE hour_entries SET reason = '已删除' WHERE reason IS NOT NULL", "immutable"),
    ("UPDATE enrollment_steps SET reason = '已删除' WHERE reason IS NOT NULL", "immutable"),
    ("UPDATE attendances SET note = '已删除' WHERE note IS NOT NULL", "roll_call_closed"),
    // Two triggers refuse it, in whichever order.
    ("UPDATE leave_requests SET reason = '已删除'", ""),
    ("UPDATE leave_steps SET reason = '已删除'", "immutable"),
    ("DELETE FROM journal_payloads", "immutable"),
];

#[test]
fn without_an_erasure_no_text_is_taken_out_and_no_payload_goes() {
    let app = spawn_app();
    restricted(&app);
    for (statement, code) in ERASING {
        refused(&app, code, &[statement.to_owned()]);
    }
    let person = "SELECT id FROM people WHERE restricted_at IS NOT NULL";
    let (id, now) = (app.hex(&app.absent_id()), app.instant("2026-01-01T00:00:00Z"));
    refused(
        &app,
        "immutable",
        &[
            // Of somebody who is not restricted, and under the id of an entry that is there.
            format!(
                "INSERT INTO erasures (id, person_id, created_at) SELECT {id}, id, {now} FROM people WHERE restricted_at IS NULL LIMIT 1"
            ),
            format!(
                "INSERT INTO erasures (id, person_id, created_at) SELECT (SELECT id FROM journal_entries WHERE seq = 1), id, {now} FROM ({person}) AS p"
            ),
        ],
    );
}

#[test]
fn an_erasure_takes_out_texts_and_nothing_else_and_only_until_the_journal_has_it() {
    let app = spawn_app();
    restricted(&app);
    let (id, now) = (app.hex(&app.absent_id()), app.instant("2026-01-01T00:00:00Z"));
    let person = "SELECT id FROM people WHERE restricted_at IS NOT NULL";
    app.sql(&format!("INSERT INTO erasures (id, person_id, created_at) SELECT {id}, id, {now} FROM ({person}) AS p")).unwrap();
    let own = format!("enrollment_id IN (SELECT id FROM enrollments WHERE person_id IN ({person}))");
    refused(
        &app,
        "immutable",
        &[
            format!("UPDATE hour_entries SET minutes = 4 WHERE reason IS NOT NULL AND {own}"),
            format!("UPDATE hour_entries SET reason = 'another' WHERE reason IS NOT NULL AND {own}"),
            format!("UPDATE hour_entries SET reason = '已删除', minutes = 4 WHERE reason IS NOT NULL AND {own}"),
            format!("UPDATE hour_entries SET reason = '已删除' WHERE reason IS NULL AND {own}"),
            format!("UPDATE hour_entries SET reason = '已删除' WHERE NOT ({own})"),
            format!("UPDATE enrollment_steps SET to_state = 'enrolled', reason = '已删除' WHERE reason IS NOT NULL AND {own}"),
            "DELETE FROM journal_payloads".to_owned(),
            "UPDATE erasures SET created_at = created_at".to_owned(),
            "DELETE FROM erasures".to_owned(),
        ],
    );
    refused(&app, "roll_call_closed", &[format!("UPDATE attendances SET code = 'absent' WHERE {own}")]);
    for statement in [
        "UPDATE hour_entries SET reason = '已删除' WHERE reason IS NOT NULL",
        "UPDATE attendances SET note = '已删除' WHERE note IS NOT NULL",
    ] {
        app.sql(statement).unwrap();
    }
    let entry = "(SELECT id FROM journal_entries WHERE seq = 1)";
    app.sql(&format!(
        "INSERT INTO erased_payloads (entry_id, erasure_id) VALUES ({entry}, {id}); DELETE FROM journal_payloads WHERE entry_id = {entry}"
    ))
    .unwrap();
    // Once the journal has it, it is over.
    let columns = "recorded_at, role, action, subject_kind, subject_id, payload_digest";
    app.sql(&format!("INSERT INTO journal_entries (id, {columns}) SELECT {id}, {columns} FROM journal_entries WHERE seq = 1")).unwrap();
    let other = "(SELECT id FROM journal_entries WHERE seq = 2)";
    refused(
        &app,
        "immutable",
        &[
            format!("INSERT INTO erased_payloads (entry_id, erasure_id) VALUES ({other}, {id})"),
            format!("UPDATE enrollment_steps SET reason = '已删除' WHERE reason IS NOT NULL AND {own}"),
            format!("DELETE FROM journal_payloads WHERE entry_id = {other}"),
        ],
    );
}
