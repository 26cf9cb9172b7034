//! Imports and what they wrote.

use serde_json::json;

use crate::support::{App, Kind, seed, spawn_app};

/// An import of people that stands, and one that was taken back.
fn imported(app: &App) {
    let course = seed::course(app);
    let path = format!("/intakes/{}/enrollments/import", course.intake);
    let import = |row: &str| {
        let file = format!("name,employee_number,organization,discipline\n{row}");
        course.coordinator.post_file(&path, "roster.csv", file.as_bytes()).expect(200).text_at("/import_id")
    };
    import("张伟,0001,JISCO,MET");
    let undone = import("王芳,0002,JISCO,MET");
    course.coordinator.post(&format!("/imports/{undone}/undo"), json!({})).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn an_import_is_taken_back_once_and_nothing_else_of_it_changes() {
    let app = spawn_app();
    imported(&app);
    let now = app.instant("2020-06-05T03:00:00Z");
    for change in [
        "UPDATE imports SET rows = 9",
        "UPDATE imports SET file_name = 'other.csv' WHERE state = 'committed'",
        "UPDATE imports SET user_id = NULL WHERE state = 'committed'",
        "UPDATE imports SET state = 'committed', undone_at = NULL WHERE state = 'undone'",
        &format!("UPDATE imports SET undone_at = {now} WHERE state = 'undone'"),
        &format!("UPDATE imports SET state = 'undone', undone_at = {now}, rows = 9 WHERE state = 'committed'"),
        &format!("UPDATE imports SET state = 'undone', undone_at = {now}, user_id = NULL WHERE state = 'committed'"),
        "DELETE FROM imports",
        "DELETE FROM import_effects",
        "UPDATE import_effects SET version = version + 1",
        "UPDATE import_effects SET version = version + 2, position = position + 9",
        &format!("UPDATE import_effects SET created = {}", app.truth(false)),
        "UPDATE import_effects SET before_values = '{}'",
    ] {
        let message = app.refusal(change);
        assert!(message.contains("muster:immutable"), "{change}: {message}");
    }
    if app.database.kind() == Kind::Postgres {
        for table in ["imports", "import_effects"] {
            assert!(app.refusal(&format!("TRUNCATE {table} CASCADE")).contains("muster:"), "{table}");
        }
    }
    assert_eq!(app.findings(), Vec::<String>::new());
}
