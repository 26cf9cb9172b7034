use crate::support::{App, Kind, seed, spawn_app};

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

#[test]
fn an_entry_far_ahead_of_the_others_is_refused_so_that_the_next_has_a_number() {
    let app = app_with_a_journal();
    let rest = "recorded_at, role, action, subject_kind, subject_id, payload_digest";
    let given = if app.database.kind() == Kind::Postgres { "OVERRIDING SYSTEM VALUE" } else { "" };
    let last = app.count("SELECT max(seq) FROM journal_entries");
    for seq in [i64::MAX, last + 1000] {
        let message = app.refusal(&format!(
            "INSERT INTO journal_entries (seq, id, {rest}) {given} SELECT {seq}, {}, {rest} FROM journal_entries WHERE seq = {last}",
            app.hex(&app.absent_id())
        ));
        assert!(message.contains("muster:journal_out_of_order"), "{seq}: {message}");
    }
    seed::sponsor(&app, "ANGANG");
    assert_eq!(app.findings(), Vec::<String>::new());
}
