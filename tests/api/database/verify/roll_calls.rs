//! Where roll calls stand beside the journal.

use serde_json::json;

use super::{assert_found, taught};
use crate::support::{App, seed, spawn_app};

/// Three roll calls, that were opened, submitted, and reopened; by the names of their states.
fn called(app: &App) -> [(&'static str, String); 3] {
    let (course, members, reopened) = taught(app);
    let [open, submitted] = [2, 3].map(|day| seed::held_session(&course, &format!("S-{day}"), &seed::morning(day)));
    let lines: Vec<_> = members.iter().map(|one| seed::line(one, "present")).collect();
    for session in [&open, &submitted] {
        seed::put_roll_call(&course, session, &lines).expect(200);
    }
    seed::step_roll_call(&course, &submitted, "submit", None).expect(200);
    // Called anew by whoever may close it, it stays as it was submitted.
    seed::put_roll_call(&course, &submitted, &[&lines[..2], &[seed::line(&members[2], "absent")]].concat()).expect(200);
    seed::step_roll_call(&course, &reopened, "reopen", Some("to look again")).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
    [("open", open), ("submitted", submitted), ("reopened", reopened)]
}

#[test]
fn a_roll_call_that_stands_elsewhere_than_its_last_step_led_is_found() {
    let app = spawn_app();
    let [open, submitted, reopened] = called(&app);
    let (then, later) = (app.instant("2020-06-05T03:00:00Z"), app.instant("2020-06-05T04:00:00Z"));
    let told = app.instant("2020-06-05T05:00:00Z");
    app.forge("roll_calls", "UPDATE roll_calls SET version = version");
    for ((_, session), change, says) in [
        (&open, format!("state = 'submitted', submitted_at = {then}"), "is submitted, but the journal knows of no step"),
        (&submitted, "state = 'open', submitted_at = NULL".to_owned(), "other state, submitted_at"),
        (&submitted, format!("submitted_at = {later}"), "other submitted_at"),
        (&submitted, "reopen_reason = 'by hand'".to_owned(), "other reopen_reason"),
        (&reopened, "reopen_reason = 'another'".to_owned(), "other reopen_reason"),
        (&reopened, format!("state = 'submitted', submitted_at = {told}"), "other state, submitted_at"),
    ] {
        let key = app.hex(session);
        let columns = "state, submitted_at, reopen_reason";
        app.sql(&format!("CREATE TABLE kept AS SELECT {columns} FROM roll_calls WHERE session_id = {key}")).unwrap();
        app.forge("roll_calls", &format!("UPDATE roll_calls SET {change} WHERE session_id = {key}"));
        assert_found(&app, &["roll-calls"], &[session, says]);
        assert_eq!(app.findings().len(), 1, "{change}");
        let kept = format!("UPDATE roll_calls SET ({columns}) = (SELECT {columns} FROM kept) WHERE session_id = {key}");
        app.forge("roll_calls", &kept);
        app.sql("DROP TABLE kept").unwrap();
        assert_eq!(app.findings(), Vec::<String>::new());
    }
}

#[test]
fn when_a_closed_roll_call_was_closed_and_until_when_it_is_corrected_is_the_journals() {
    let app = spawn_app();
    let (_, _, session) = taught(&app);
    for change in ["submitted_at", "closed_at", "corrections_until"] {
        let kept = app.database.texts(&format!("SELECT CAST({change} AS text) FROM roll_calls")).remove(0);
        app.forge("roll_calls", &format!("UPDATE roll_calls SET {change} = {}", app.instant("2020-06-05T03:00:00Z")));
        assert_found(&app, &["roll-calls"], &[&session, &format!("other {change}")]);
        let back = kept.map_or("NULL".to_owned(), |kept| format!("'{kept}'"));
        app.forge("roll_calls", &format!("UPDATE roll_calls SET {change} = {back}"));
        assert_eq!(app.findings(), Vec::<String>::new());
    }
}

#[test]
fn a_roll_call_that_came_or_went_by_hand_is_found() {
    let app = spawn_app();
    let [(_, open), ..] = called(&app);
    let gone = app.hex(&open);
    app.sql(&format!("DELETE FROM attendances WHERE session_id = {gone}; DELETE FROM roll_calls WHERE session_id = {gone}")).unwrap();
    assert_found(&app, &["roll-calls"], &[&open, "is gone"]);
    assert_eq!(app.findings().len(), 1);

    let app = spawn_app();
    let (course, _, _) = taught(&app);
    let session = seed::held_session(&course, "S-2", &seed::morning(2));
    let key = app.hex(&session);
    app.sql(&format!(
        "INSERT INTO roll_calls (session_id, intake_id, state) SELECT id, intake_id, 'not_open' FROM sessions WHERE id = {key}"
    ))
    .unwrap();
    assert_found(&app, &["roll-calls"], &[&session, "is not in the journal"]);
}

#[test]
fn an_entry_that_says_nothing_any_more_is_no_fault_of_the_roll_call() {
    let app = spawn_app();
    let [_, (_, submitted), _] = called(&app);
    let told = "entry_id IN (SELECT id FROM journal_entries WHERE action = 'roll_call.submitted')";
    app.forge("journal_payloads", &format!("UPDATE journal_payloads SET body = '{}' WHERE {told}", json!({})));
    assert_found(&app, &["journal", "roll-calls"], &[&submitted, "cannot be read"]);
    app.forge("journal_payloads", &format!("DELETE FROM journal_payloads WHERE {told}"));
    assert_found(&app, &["journal"], &["is missing"]);
}
