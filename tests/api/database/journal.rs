use crate::support::{App, seed, spawn_app};

/// An app whose journal has sealed and unsealed entries.
fn app_with_a_journal() -> App {
    let app = spawn_app();
    seed::program(&app.coordinator(), "HONGXING");
    app.administrator().get("/audit").expect(200);
    seed::sponsor(&app, "BAOWU");
    app
}

#[test]
fn what_the_journal_holds_is_neither_changed_nor_deleted() {
    let app = app_with_a_journal();
    for (table, column) in
        [("journal_entries", "action"), ("journal_payloads", "body"), ("journal_seals", "position"), ("journal_audiences", "position")]
    {
        let rows = app.count(&format!("SELECT count(*) FROM {table}"));
        assert!(rows > 0, "{table}");
        for statement in [format!("UPDATE {table} SET {column} = {column}"), format!("DELETE FROM {table}")] {
            let message = app.refusal(&statement);
            assert!(message.contains("muster:immutable"), "{statement}: {message}");
        }
        assert_eq!(app.count(&format!("SELECT count(*) FROM {table}")), rows);
    }
}

#[test]
fn every_entry_is_sealed_or_waits_to_be() {
    let app = app_with_a_journal();
    let (entries, sealed) = (app.count("SELECT count(*) FROM journal_entries"), app.count("SELECT count(*) FROM journal_seals"));
    assert_eq!(app.count("SELECT count(*) FROM journal_unsealed"), entries - sealed);
    app.administrator().get("/audit").expect(200);
    assert_eq!(app.count("SELECT count(*) FROM journal_unsealed"), 0);
    assert_eq!(app.count("SELECT max(position) FROM journal_seals"), entries);
}

#[test]
fn a_position_and_an_entry_are_sealed_once() {
    let app = app_with_a_journal();
    for position in ["position", "position + 1000000"] {
        let rest = "entry_id, hash, subject_id, intake_id, action";
        app.refusal(&format!("INSERT INTO journal_seals (position, {rest}) SELECT {position}, {rest} FROM journal_seals"));
    }
}
