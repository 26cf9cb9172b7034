use muster::journal;

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
        let rest = "entry_id, hash, subject_id, intake_id, action, counts_from";
        app.refusal(&format!("INSERT INTO journal_seals (position, {rest}) SELECT {position}, {rest} FROM journal_seals"));
    }
}

#[test]
fn an_entry_with_a_number_of_its_own_is_refused() {
    let app = app_with_a_journal();
    let rest = "recorded_at, role, action, subject_kind, subject_id, payload_digest";
    let first = "FROM journal_entries WHERE seq = 1";
    let sqlite = app.database.kind() == Kind::Sqlite;
    let bent = if sqlite { "" } else { "OVERRIDING SYSTEM VALUE" };
    let last = || app.count("SELECT max(seq) FROM journal_entries");
    let gap = last() + 1;
    let drawn = format!("INSERT INTO journal_entries (id, {rest}) SELECT {}, {rest} {first}", app.hex(&app.absent_id()));
    app.sql(&format!("SAVEPOINT before; {drawn}; ROLLBACK TO before")).unwrap();
    seed::sponsor(&app, "ANGANG");
    for seq in [i64::MIN, -1, 0, gap, last() + 2, last() + 1000, i64::MAX] {
        let new = app.hex(&app.absent_id());
        let message = app.refusal(&format!("INSERT INTO journal_entries (seq, id, {rest}) {bent} SELECT {seq}, {new}, {rest} {first}"));
        // SQLite leaves no gap: the next entry got the number.
        let code = if seq == gap && sqlite { "already_exists" } else { "journal_out_of_order" };
        assert!(message.contains(&format!("muster:{code}")), "{seq}: {message}");
    }
    seed::sponsor(&app, "SHAGANG");
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_journal_that_is_cut_short_or_written_anew_is_found_by_a_head_that_was_kept() {
    let app = app_with_a_journal();
    let head = || app.db.examine(journal::head).unwrap();
    let found = |kept: &str| app.db.examine(|conn| journal::verify_head(conn, &kept.parse().unwrap())).unwrap();
    let kept = head();
    assert!(kept.position > 1 && kept.to_string().parse::<journal::Head>().unwrap() == kept);
    assert_eq!(found(&kept.to_string()), [""; 0]);
    // It goes on from there.
    app.coordinator().get("/audit").expect(403);
    app.auditor().get("/audit").expect(200);
    assert!(head().position > kept.position);
    assert_eq!(found(&kept.to_string()), [""; 0]);
    let other = format!("{}:{}", kept.position, "0".repeat(64));
    assert_eq!(found(&other), [format!("head: the journal up to position {} is not the one whose head was kept", kept.position)]);
    // As somebody would who is bent on it: what is left is whole.
    let latest = head();
    let entry = format!("(SELECT entry_id FROM journal_seals WHERE position = {})", latest.position);
    app.forge("journal_payloads", &format!("DELETE FROM journal_payloads WHERE entry_id = {entry}"));
    app.forge("journal_audiences", &format!("DELETE FROM journal_audiences WHERE position = {}", latest.position));
    let seq = app.count("SELECT max(seq) FROM journal_entries");
    app.forge("journal_seals", &format!("DELETE FROM journal_seals WHERE position = {}", latest.position));
    app.forge("journal_entries", &format!("DELETE FROM journal_entries WHERE seq = {seq}"));
    assert_eq!(app.findings_of("journal"), [""; 0]);
    assert_eq!(found(&latest.to_string()), [format!("head: the journal ends before position {}, whose head was kept", latest.position)]);
    for wrong in ["", "x", "1", "1:", "1:00", "0:00", "-1:", &format!("1:{}", "g".repeat(64))] {
        assert!(wrong.parse::<journal::Head>().is_err(), "{wrong}");
    }
}
