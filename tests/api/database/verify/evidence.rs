//! The evidence of meetings beside the journal.

use serde_json::json;

use super::assert_found;
use crate::support::{App, seed, seed::Course, spawn_app};

/// A session with what two files say of it, and one import that was taken back; the trainee of whom both say something.
fn gathered(app: &App) -> (Course, String, String) {
    let course = seed::course(app);
    let member = seed::enrolled(&course, 1).remove(0);
    let mut body = seed::session_body(&course, "MET-01", &seed::morning(0));
    body["mode"] = json!("live_online");
    let session = seed::published_session_as(&course, body);
    let import = |until: &str| {
        let file = format!("name,joined_at,left_at\n学员 0001,2020-06-01 09:00:00,2020-06-01 {until}");
        let path = format!("/sessions/{session}/evidence/import");
        course.coordinator.post_file(&path, "meeting.csv", file.as_bytes()).expect(200).text_at("/import_id")
    };
    let undone = import("09:20:00");
    course.coordinator.post(&format!("/imports/{undone}/undo"), json!({})).expect(200);
    import("09:30:00");
    import("09:30:00\n学员 0001,2020-06-01 09:40:00,2020-06-01 10:00:00");
    assert_eq!(app.findings(), Vec::<String>::new());
    (course, session, member.id)
}

#[test]
fn a_join_that_came_changed_or_went_by_hand_is_found() {
    let app = spawn_app();
    let (_, session, trainee) = gathered(&app);
    let at = |text: &str| app.instant(text);
    let columns = "session_id, enrollment_id, intake_id, joined_at, left_at, import_id, recorded_at";
    let come = format!(
        "INSERT INTO evidence ({columns}) SELECT session_id, enrollment_id, intake_id, {}, {}, import_id, recorded_at FROM evidence
         WHERE joined_at = {}",
        at("2020-06-01T02:10:00Z"),
        at("2020-06-01T02:20:00Z"),
        at("2020-06-01T01:40:00Z")
    );
    app.sql(&come).unwrap();
    assert_found(&app, &["evidence"], &[&session, &trainee, "2020-06-01T02:10:00Z", "the journal does not say so"]);
    app.sql(&format!("DELETE FROM evidence WHERE joined_at = {}", at("2020-06-01T02:10:00Z"))).unwrap();
    assert_eq!(app.findings(), Vec::<String>::new());
    let set = |from: &str, to: &str| {
        let change = format!("UPDATE evidence SET left_at = {} WHERE left_at = {}", at(to), at(from));
        app.forge("evidence", &change);
    };
    set("2020-06-01T02:00:00Z", "2020-06-01T02:05:00Z");
    assert_found(&app, &["evidence"], &[&trainee, "2020-06-01T02:05:00Z", ": the journal does not say so"]);
    assert_found(&app, &["evidence"], &[&trainee, "2020-06-01T02:00:00Z", "is gone"]);
    assert_found(&app, &["evidence"], &[&session, &trainee, "the line is not what files say"]);
    assert_eq!(app.findings().len(), 3);
    set("2020-06-01T02:05:00Z", "2020-06-01T02:00:00Z");
    assert_eq!(app.findings(), Vec::<String>::new());
    // Of a join that two files say, what one of them said is missed as well.
    let second = app.count("SELECT count(*) FROM evidence");
    app.sql(&format!(
        "DELETE FROM evidence WHERE joined_at = {} AND import_id NOT IN (SELECT import_id FROM evidence WHERE joined_at = {})",
        at("2020-06-01T01:00:00Z"),
        at("2020-06-01T01:40:00Z")
    ))
    .unwrap();
    assert_eq!(app.count("SELECT count(*) FROM evidence"), second - 1);
    assert_found(&app, &["evidence"], &[&session, &trainee, "is gone, and the journal does not say so"]);
    app.sql("DELETE FROM evidence").unwrap();
    assert_eq!(app.findings().len(), 4);
}

#[test]
fn evidence_that_was_given_to_another_import_or_brought_back_is_found() {
    let app = spawn_app();
    let (_, session, _) = gathered(&app);
    let undone = "(SELECT id FROM imports WHERE state = 'undone')";
    app.sql(&format!(
        "INSERT INTO evidence (session_id, enrollment_id, intake_id, joined_at, left_at, import_id, recorded_at)
         SELECT session_id, enrollment_id, intake_id, joined_at, {}, {undone}, recorded_at FROM evidence WHERE joined_at = {}",
        app.instant("2020-06-01T02:00:01Z"),
        app.instant("2020-06-01T01:40:00Z")
    ))
    .unwrap();
    assert_found(&app, &["evidence"], &[&session, "the journal does not say so"]);
    app.sql(&format!("DELETE FROM evidence WHERE import_id = {undone}")).unwrap();
    app.forge("evidence", &format!("UPDATE evidence SET import_id = {undone} WHERE joined_at = {}", app.instant("2020-06-01T01:40:00Z")));
    assert_found(&app, &["evidence"], &[&session, "the journal does not say so"]);
    assert_eq!(app.findings().len(), 2);
}

#[test]
fn evidence_of_which_the_journal_cannot_be_read_is_told() {
    let app = spawn_app();
    let (_, session, _) = gathered(&app);
    let told = "entry_id IN (SELECT id FROM journal_entries WHERE action = 'roll_call.evidence_changed')";
    app.forge("journal_payloads", &format!("UPDATE journal_payloads SET body = 'erased' WHERE {told}"));
    assert_found(&app, &["journal", "evidence"], &[&session, "cannot be read"]);
}
