//! Imports, and what they wrote, beside the journal.

use serde_json::json;

use super::assert_found;
use crate::support::{App, seed, seed::Course, spawn_app};

fn import(course: &Course, phone: &str) -> String {
    let file = format!("name,employee_number,organization,discipline,phone\n张伟,0001,JISCO,MET,{phone}");
    let path = format!("/intakes/{}/enrollments/import", course.intake);
    course.coordinator.post_file(&path, "roster.csv", file.as_bytes()).expect(200).text_at("/import_id")
}

fn undo(course: &Course, import: &str) {
    course.coordinator.post(&format!("/imports/{import}/undo"), json!({})).expect(200);
}

/// Three imports about one person: the second corrected the first and was taken back, as was the third.
fn imported(app: &App) -> (Course, [String; 3]) {
    let course = seed::course(app);
    let first = import(&course, "+86 937 000 0001");
    let second = import(&course, "+86 937 000 0002");
    undo(&course, &second);
    // What was restored before an import is no business of that import.
    let third = import(&course, "+86 937 000 0003");
    assert_eq!(app.findings(), Vec::<String>::new());
    undo(&course, &third);
    assert_eq!(app.findings(), Vec::<String>::new());
    (course, [first, second, third])
}

#[test]
fn an_import_that_is_not_as_the_journal_says_is_found() {
    let app = spawn_app();
    let (_, [first, second, _]) = imported(&app);
    let now = app.instant("2020-06-05T03:00:00Z");
    for (import, change, back, says) in [
        (&first, format!("state = 'undone', undone_at = {now}"), "state = 'committed', undone_at = NULL", "other state, undone_at"),
        (&first, "rows = 9".to_owned(), "rows = 1", "other rows"),
        (&first, "file_name = 'other.csv'".to_owned(), "file_name = 'roster.csv'", "other file_name"),
        (&second, "kind = 'instructors'".to_owned(), "kind = 'roster'", "other kind"),
    ] {
        let set = |change: &str| app.forge("imports", &format!("UPDATE imports SET {change} WHERE id = {}", app.hex(import)));
        set(&change);
        assert_found(&app, &["imports"], &[import, says]);
        set(back);
        assert_eq!(app.findings(), Vec::<String>::new());
    }
    // By the rules of the database it might have been, but nobody did it.
    app.sql(&format!("UPDATE imports SET state = 'undone', undone_at = {now} WHERE id = {}", app.hex(&first))).unwrap();
    assert_found(&app, &["imports"], &[&first, "other state, undone_at"]);
}

#[test]
fn an_import_by_somebody_else_and_one_that_is_gone_are_found() {
    let app = spawn_app();
    let (_, [first, ..]) = imported(&app);
    let key = app.hex(&first);
    app.forge("imports", &format!("UPDATE imports SET user_id = NULL WHERE id = {key}"));
    assert_found(&app, &["imports"], &[&first, "not by whom"]);
    app.forge("import_effects", &format!("DELETE FROM import_effects WHERE import_id = {key}"));
    app.forge("imports", &format!("DELETE FROM imports WHERE id = {key}"));
    assert_found(&app, &["imports"], &[&first, "is gone"]);
    assert_eq!(app.findings().len(), 1);
}

#[test]
fn what_an_import_wrote_is_remembered_as_the_journal_says() {
    for change in [
        "DELETE FROM import_effects WHERE subject_kind = 'person'",
        "UPDATE import_effects SET version = version + 1 WHERE subject_kind = 'person'",
        "UPDATE import_effects SET version = version + 2 WHERE subject_kind = 'person'",
        "UPDATE import_effects SET before_values = '{}'",
        "UPDATE import_effects SET position = position + 7; UPDATE import_effects SET position = 8 - position",
        "UPDATE import_effects SET subject_id = import_id WHERE subject_kind = 'person'",
    ] {
        let app = spawn_app();
        let (_, [first, ..]) = imported(&app);
        app.forge("import_effects", change);
        assert_found(&app, &["imports"], &[&first, "not remembered as the journal says"]);
    }
    let app = spawn_app();
    let (_, [first, ..]) = imported(&app);
    let of_first = format!("entry_id IN (SELECT id FROM journal_entries WHERE subject_id = {})", app.hex(&first));
    app.forge("import_effects", "DELETE FROM import_effects");
    app.forge("journal_payloads", &format!("DELETE FROM journal_payloads WHERE {of_first}"));
    assert!(!app.findings().iter().any(|finding| finding.contains(&first)), "the journal is silent: {:?}", app.findings());
}
