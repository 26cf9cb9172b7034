//! The two trees of migrations say the same, lead back, and agree with `src/schema.rs`.
//!
//! Each run holds the database of the suite against `src/schema.rs`; since the suite runs on both, both are the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use muster::db::Conn;

use super::source::{self, Table};
use crate::support::{Kind, TestDatabase, spawn_app};

fn names(tree: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(source::root().join("migrations").join(tree)).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn tree(kind: Kind) -> FileBasedMigrations {
    let folder = match kind {
        Kind::Sqlite => "migrations/sqlite",
        Kind::Postgres => "migrations/postgres",
    };
    FileBasedMigrations::from_path(source::root().join(folder)).unwrap()
}

fn up(database: &TestDatabase) {
    let migrations = tree(database.kind());
    match &mut database.connect() {
        Conn::Sqlite(conn) => drop(conn.run_pending_migrations(migrations).unwrap()),
        Conn::Postgres(conn) => drop(conn.run_pending_migrations(migrations).unwrap()),
    }
}

fn down(database: &TestDatabase) {
    let migrations = tree(database.kind());
    match &mut database.connect() {
        Conn::Sqlite(conn) => drop(conn.revert_all_migrations(migrations).unwrap()),
        Conn::Postgres(conn) => drop(conn.revert_all_migrations(migrations).unwrap()),
    }
}

/// Everything that the schema holds, in words; Diesel's own table left out.
fn things(database: &TestDatabase) -> BTreeSet<String> {
    let queries: &[&str] = match database.kind() {
        Kind::Sqlite => &["SELECT type || ' ' || name || ': ' || coalesce(sql, '') FROM sqlite_schema WHERE tbl_name NOT LIKE '\\_\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"],
        Kind::Postgres => &[
            "SELECT 'column ' || table_name || '.' || column_name || ': ' || data_type || ' ' || is_nullable || ' ' || coalesce(column_default, '')
             FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
             WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' AND table_name NOT LIKE '\\_\\_%'",
            "SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename NOT LIKE '\\_\\_%'",
            "SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ': ' || pg_get_constraintdef(oid)
             FROM pg_constraint WHERE connamespace = current_schema()::regnamespace AND conrelid::regclass::text NOT LIKE '\\_\\_%'",
            "SELECT 'trigger ' || pg_get_triggerdef(oid) FROM pg_trigger
             WHERE NOT tgisinternal AND tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace)",
            "SELECT 'function ' || proname || ': ' || prosrc FROM pg_proc WHERE pronamespace = current_schema()::regnamespace",
            "SELECT 'type ' || typname FROM pg_type WHERE typnamespace = current_schema()::regnamespace AND typname NOT LIKE '%\\_\\_diesel%'",
        ],
    };
    queries.iter().flat_map(|query| database.texts(query)).flatten().collect()
}

#[track_caller]
fn assert_same(found: &BTreeSet<String>, expected: &BTreeSet<String>) {
    let (more, less): (Vec<_>, Vec<_>) = (found.difference(expected).collect(), expected.difference(found).collect());
    assert!(more.is_empty() && less.is_empty(), "too much: {more:#?}\nmissing: {less:#?}");
}

#[test]
fn both_trees_have_the_same_names() {
    assert_eq!(names("sqlite"), names("postgres"));
    for tree in ["sqlite", "postgres"] {
        for name in names(tree) {
            for file in ["up.sql", "down.sql"] {
                let path = source::root().join("migrations").join(tree).join(&name).join(file);
                let text = fs::read_to_string(&path).unwrap_or_default();
                assert!(!text.trim().is_empty(), "{} is empty or missing", path.display());
            }
        }
    }
    assert_eq!(names("sqlite").len(), muster::db::known_migrations(), "the binary embeds another set; touch src/db/migrate.rs");
}

#[test]
fn migrations_lead_up_down_to_nothing_and_up_again() {
    let database = TestDatabase::empty(Kind::of_the_suite());
    up(&database);
    let first = things(&database);
    assert!(first.len() > 100, "{first:#?}");
    down(&database);
    assert_same(&things(&database), &BTreeSet::new());
    up(&database);
    assert_same(&things(&database), &first);
}

#[test]
fn the_binary_applies_what_lies_in_the_tree() {
    let (by_file, by_binary) = (TestDatabase::empty(Kind::of_the_suite()), TestDatabase::create());
    up(&by_file);
    // Definitions name their schema on Postgres.
    let named = |database: &TestDatabase| {
        let schema = database.url().rsplit("%3D").next().unwrap().to_owned();
        things(database).into_iter().map(|thing| thing.replace(&schema, "schema")).collect::<BTreeSet<_>>()
    };
    assert_same(&named(&by_binary), &named(&by_file));
}

#[test]
fn applying_again_or_twice_at_once_does_nothing() {
    let database = TestDatabase::empty(Kind::of_the_suite());
    let target = database.target();
    let applied: usize = std::thread::scope(|scope| {
        let started: Vec<_> = (0..4).map(|_| scope.spawn(|| muster::db::migrate(&target).unwrap().len())).collect();
        started.into_iter().map(|started| started.join().unwrap()).sum()
    });
    assert_eq!(applied, muster::db::known_migrations());
    assert_eq!(muster::db::migrate(&target).unwrap(), [""; 0]);
}

/// The tables of a database as `src/schema.rs` would declare them.
fn declared(database: &TestDatabase) -> Vec<Table> {
    let query = match database.kind() {
        Kind::Sqlite => {
            "SELECT tables.name || '|' || columns.name || '|' || columns.type || '|' || (columns.\"notnull\" = 0) FROM sqlite_schema AS tables,
             pragma_table_xinfo(tables.name) AS columns
             WHERE tables.type = 'table' AND tables.name NOT LIKE '\\_\\_%' ESCAPE '\\' AND tables.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        }
        Kind::Postgres => {
            "SELECT table_name || '|' || column_name || '|' || data_type || '|' || (CASE is_nullable WHEN 'YES' THEN 1 ELSE 0 END)
             FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
             WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' AND table_name NOT LIKE '\\_\\_%'"
        }
    };
    let mut tables: BTreeMap<String, Vec<(String, String, bool)>> = BTreeMap::new();
    for row in database.texts(query).into_iter().flatten() {
        let [table, column, kind, nullable] = row.split('|').collect::<Vec<_>>()[..] else { panic!("{row}") };
        tables.entry(table.to_owned()).or_default().push((column.to_owned(), kind.to_lowercase(), nullable == "1"));
    }
    let sorted = |(name, mut columns): (String, Vec<_>)| {
        columns.sort();
        Table { name, columns }
    };
    tables.into_iter().map(sorted).collect()
}

/// The type with which a database stores what Diesel calls so.
fn stored(kind: Kind, diesel: &str) -> &'static str {
    match (diesel, kind) {
        ("Uid" | "Binary", Kind::Sqlite) => "blob",
        ("Text" | "Date", Kind::Sqlite) => "text",
        ("SmallInt" | "Integer" | "BigInt" | "Bool" | "Ts", Kind::Sqlite) => "integer",
        ("Uid", Kind::Postgres) => "uuid",
        ("Binary", Kind::Postgres) => "bytea",
        ("Text", Kind::Postgres) => "text",
        ("Date", Kind::Postgres) => "date",
        ("SmallInt", Kind::Postgres) => "smallint",
        ("Integer", Kind::Postgres) => "integer",
        ("BigInt", Kind::Postgres) => "bigint",
        ("Bool", Kind::Postgres) => "boolean",
        ("Ts", Kind::Postgres) => "timestamp with time zone",
        (other, _) => panic!("src/schema.rs has the type {other}, of which this test does not know how it is stored"),
    }
}

#[test]
fn the_database_is_what_the_schema_says() {
    let database = TestDatabase::create();
    let mut schema = source::schema();
    for table in &mut schema {
        for (_, kind, _) in &mut table.columns {
            *kind = stored(database.kind(), kind).to_owned();
        }
    }
    let (schema, found) = (by_name(schema), by_name(declared(&database)));
    assert_eq!(schema.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>());
    for (table, columns) in &schema {
        assert_eq!(columns, &found[table], "{table}: src/schema.rs (left) and the database (right)");
    }
}

fn by_name(tables: Vec<Table>) -> BTreeMap<String, Vec<(String, String, bool)>> {
    tables.into_iter().map(|table| (table.name, table.columns)).collect()
}

/// Rows `table|group|column` in the order of the columns, as the columns of each group.
fn grouped(rows: Vec<Option<String>>) -> BTreeMap<(String, String), Vec<String>> {
    let mut groups: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for row in rows.into_iter().flatten() {
        let [table, group, column] = row.split('|').collect::<Vec<_>>()[..] else { panic!("{row}") };
        groups.entry((table.to_owned(), group.to_owned())).or_default().push(column.to_owned());
    }
    groups
}

#[test]
fn every_foreign_key_has_an_index() {
    let app = spawn_app();
    let (keys, indexes) = match app.database.kind() {
        Kind::Sqlite => (
            "SELECT tables.name || '|' || keys.id || '|' || keys.\"from\" FROM sqlite_schema AS tables, pragma_foreign_key_list(tables.name) AS keys
             WHERE tables.type = 'table' ORDER BY tables.name, keys.id, keys.seq",
            "SELECT tables.name || '|' || indexes.name || '|' || columns.name FROM sqlite_schema AS tables, pragma_index_list(tables.name) AS indexes,
             pragma_index_info(indexes.name) AS columns
             WHERE tables.type = 'table' AND indexes.partial = 0 ORDER BY tables.name, indexes.name, columns.seqno",
        ),
        Kind::Postgres => (
            "SELECT conrelid::regclass || '|' || conname || '|' || attname FROM pg_constraint, unnest(conkey) WITH ORDINALITY AS keys (number, place), pg_attribute
             WHERE contype = 'f' AND connamespace = current_schema()::regnamespace AND attrelid = conrelid AND attnum = number ORDER BY conname, conrelid, place",
            "SELECT indrelid::regclass || '|' || indexrelid::regclass || '|' || attname FROM pg_index, unnest(indkey::int2[]) WITH ORDINALITY AS keys (number, place), pg_attribute
             WHERE indpred IS NULL AND attrelid = indrelid AND attnum = number AND indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace)
             ORDER BY indexrelid, place",
        ),
    };
    let (keys, indexes) = (grouped(app.database.texts(keys)), grouped(app.database.texts(indexes)));
    assert!(keys.len() > 30, "{keys:?}");
    // The row's own number is SQLite's index, and no row of any `pragma`.
    let by_number = |table: &str, columns: &[String]| table == "journal_unsealed" && columns == ["seq"];
    let covered = |table: &str, columns: &[String]| {
        let wanted: BTreeSet<&String> = columns.iter().collect();
        let covers = |index: &Vec<String>| index.iter().take(columns.len()).collect::<BTreeSet<_>>() == wanted;
        by_number(table, columns) || indexes.iter().any(|((of, _), index)| of == table && covers(index))
    };
    let bare: Vec<_> = keys.iter().filter(|((table, _), columns)| !covered(table, columns)).collect();
    assert!(bare.is_empty(), "foreign keys without an index that begins with their columns: {bare:#?}");
}
