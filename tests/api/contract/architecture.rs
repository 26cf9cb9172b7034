//! The rules of DESIGN section 1 that can be read off the source text. Rules about calls are in `clippy.toml`.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{self, Source, crate_files, leading_name, line, words};

/// Folders of `src/` that are no rooms.
const NOT_ROOMS: &[&str] = &["cli", "db", "http", "tabular", "web"];
/// Files that a room does without, each with the reason. Shrinks, or grows with one.
const MISSING_FILES: &[(&str, &str)] = &[
    // Nobody erases anybody over the API.
    ("retention", "http.rs"),
];
/// Longer than 500 lines. May only shrink. The schema is no code but the list of the tables, in the order of the migrations; it is written by
/// hand, as one serves two databases, and `contract/migrations.rs` holds it against both.
const LONG_FILES: &[&str] = &["src/schema.rs"];
/// Files that use Diesel beyond derives though they are no store. May only shrink.
const DIESEL_ELSEWHERE: &[&str] = &[
    // Keeps the first answers, for every room.
    "src/http/idempotency.rs",
];
/// What `use diesel::…` may bring into any file: derives.
const DERIVES: &[&str] = &[
    "AsChangeset",
    "AsExpression",
    "Associations",
    "FromSqlRow",
    "Identifiable",
    "Insertable",
    "Queryable",
    "QueryableByName",
    "Selectable",
];

#[track_caller]
fn assert_none(rule: &str, violations: &[String]) {
    assert!(violations.is_empty(), "{rule}:\n  {}", violations.join("\n  "));
}

/// `path:line` of each place where `word` stands in code.
fn places(file: &Source, word: &str) -> Vec<String> {
    let code = file.code();
    words(&code, word).map(|at| format!("{}:{} names {word}", file.path, line(&code, at))).collect()
}

#[test]
fn only_stores_and_the_database_name_diesel_but_for_derives() {
    let may = |file: &Source| {
        ["src/schema.rs", "src/id.rs", "src/error.rs"].contains(&file.path.as_str())
            || DIESEL_ELSEWHERE.contains(&file.path.as_str())
            || file.room() == Some("db")
            || file.is_part("store")
    };
    let mut violations = Vec::new();
    for file in crate_files().iter().filter(|file| !may(file)) {
        let code = without_derive_imports(&without_attributes(&file.code()));
        violations.extend(words(&code, "diesel").map(|at| format!("{}:{}", file.path, line(&code, at))));
    }
    assert_none("diesel is for store.rs, schema.rs, id.rs, error.rs and db/; elsewhere only its derives", &violations);
}

/// Blanks `#[…]` and `#![…]`, keeping the lines.
fn without_attributes(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(start) = rest.find("#[").into_iter().chain(rest.find("#![")).min() {
        kept.push_str(&rest[..start]);
        let mut depth = 0;
        let end = rest[start..].find(|c: char| {
            depth += i32::from(c == '[') - i32::from(c == ']');
            c == ']' && depth == 0
        });
        let end = start + end.map_or(rest.len() - start, |end| end + 1);
        kept.extend(rest[start..end].chars().filter(|c| *c == '\n'));
        rest = &rest[end..];
    }
    kept + rest
}

/// Blanks `use diesel::…;` where it names derives only.
fn without_derive_imports(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(start) = rest.find("use diesel::") {
        let end = rest[start..].find(';').map_or(rest.len(), |end| start + end);
        let import = &rest[start..end];
        let names = import.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|name| name.starts_with(char::is_uppercase));
        let derives = names.clone().count() > 0 && names.clone().all(|name| DERIVES.contains(&name)) && !import.contains('*');
        kept.push_str(&rest[..start]);
        kept.push_str(&if derives { "\n".repeat(import.matches('\n').count()) } else { import.to_owned() });
        rest = &rest[end..];
    }
    kept + rest
}

#[test]
fn only_the_edge_names_actix() {
    let may = |file: &Source| {
        ["src/app.rs", "src/error.rs", "src/db/mod.rs"].contains(&file.path.as_str())
            || ["http", "web", "access"].iter().any(|room| file.room() == Some(room))
            || file.is_part("http")
    };
    let files = crate_files();
    let named = |word| files.iter().filter(|file| !may(file)).flat_map(move |file| places(file, word));
    assert_none("HTTP is the edge's", &named("actix_web").chain(named("actix_multipart")).chain(named("HttpResponse")).collect::<Vec<_>>());
}

#[test]
fn a_model_is_pure() {
    let mut violations = Vec::new();
    for file in crate_files().iter().filter(|file| file.is_part("model")) {
        for word in ["Conn", "Db", "actix_web", "env", "fs", "SystemTime", "tokio", "sql_query"] {
            violations.extend(places(file, word));
        }
        let code = file.code();
        for call in ["clock::now", "Utc::now", "dsl::now"] {
            violations.extend(code.match_indices(call).map(|(at, _)| format!("{}:{} calls {call}", file.path, line(&code, at))));
        }
    }
    assert_none("model.rs names neither connection, clock, environment nor HTTP", &violations);
}

#[test]
fn transactions_begin_only_in_the_database_room() {
    let mut violations = Vec::new();
    for file in crate_files().iter().filter(|file| file.room() != Some("db")) {
        let code = file.code();
        for call in [
            ".transaction(",
            "immediate_transaction",
            "exclusive_transaction",
            "build_transaction",
            "test_transaction",
            "begin_transaction",
        ] {
            violations.extend(code.match_indices(call).map(|(at, _)| format!("{}:{}", file.path, line(&code, at))));
        }
        // With a colon it begins a component of a calendar.
        let file = &Source { path: file.path.clone(), text: file.text.replace("BEGIN:", "") };
        for word in ["BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT"] {
            violations.extend(places(file, word));
        }
    }
    assert_none("transactions begin and end in db/", &violations);
}

#[test]
fn no_file_is_over_500_lines() {
    let files: Vec<Source> = crate_files().into_iter().chain(source::files("tests", &[".rs"])).collect();
    let long: BTreeSet<&str> = files.iter().filter(|file| file.text.lines().count() > 500).map(|file| file.path.as_str()).collect();
    let allowed: BTreeSet<&str> = LONG_FILES.iter().copied().collect();
    let new: Vec<String> = long.difference(&allowed).map(|path| (*path).to_owned()).collect();
    assert_none("over 500 lines; split it by noun", &new);
    let done: Vec<String> = allowed.difference(&long).map(|path| (*path).to_owned()).collect();
    assert_none("no longer over 500 lines; take it off the list", &done);
}

#[test]
fn every_room_has_the_same_files() {
    let files = crate_files();
    let paths: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let rooms: BTreeSet<&str> = files.iter().filter_map(Source::room).filter(|room| !NOT_ROOMS.contains(room)).collect();
    let mut violations = Vec::new();
    for room in rooms {
        for name in ["mod.rs", "model.rs", "store.rs", "http.rs"] {
            let folder = format!("src/{room}/{}/mod.rs", name.trim_end_matches(".rs"));
            let there = paths.contains(format!("src/{room}/{name}").as_str()) || paths.contains(folder.as_str());
            if there == MISSING_FILES.contains(&(room, name)) {
                violations.push(format!("src/{room}/{name} {}", if there { "is there, but listed as missing" } else { "is missing" }));
            }
        }
    }
    assert_none("a room has mod.rs, model.rs, store.rs and http.rs", &violations);
}

#[test]
fn stores_and_handlers_are_private_to_their_room() {
    let mut violations = Vec::new();
    for file in crate_files().iter().filter(|file| file.file_name() == "mod.rs" && file.path.matches('/').count() == 2) {
        let code = file.code();
        let opened = ["pub mod store", "pub mod http", "pub(crate) mod store", "pub(crate) mod http"];
        violations.extend(opened.iter().filter(|opened| code.contains(*opened)).map(|opened| format!("{}: {opened}", file.path)));
    }
    assert_none("a room's face is its mod.rs", &violations);
}

#[test]
fn a_table_is_written_by_one_room() {
    let tables: BTreeSet<String> = source::schema().into_iter().map(|table| table.name).collect();
    let mut writers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut violations = Vec::new();
    for file in crate_files() {
        let Some(room) = file.room() else { continue };
        let code = file.code();
        for (at, table) in writes(&code) {
            if !tables.contains(table) {
                continue;
            }
            // What doctor tries to write changes nothing.
            if room != "db" {
                writers.entry(table.to_owned()).or_default().insert(room.to_owned());
            }
            if !file.is_part("store") && file.room() != Some("db") && !DIESEL_ELSEWHERE.contains(&file.path.as_str()) {
                violations.push(format!("{}:{} writes {table}, but is no store", file.path, line(&code, at)));
            }
        }
    }
    let shared = writers.iter().filter(|(_, rooms)| rooms.len() > 1);
    violations
        .extend(shared.map(|(table, rooms)| format!("{table} is written by {}", rooms.iter().cloned().collect::<Vec<_>>().join(" and "))));
    assert_none("a table is written by one room's store", &violations);
    assert!(writers.contains_key("organizations") && writers.contains_key("journal_unsealed"), "the scan finds nothing: {writers:?}");
}

/// Each place that writes a table, through Diesel or in raw SQL, and the table.
fn writes(code: &str) -> Vec<(usize, &str)> {
    let calls = ["insert_into(", "replace_into(", "insert_or_ignore_into(", "update(", "delete("];
    let statements = ["INSERT INTO ", "INSERT OR IGNORE INTO ", "UPDATE ", "DELETE FROM "];
    let mut found = Vec::new();
    for call in calls {
        for (at, _) in code.match_indices(call) {
            let target = code[at + call.len()..].trim_start().trim_start_matches("schema::");
            let table = leading_name(target);
            if target[table.len()..].starts_with("::") {
                found.push((at, table));
            }
        }
    }
    for statement in statements {
        found.extend(code.match_indices(statement).map(|(at, _)| (at, leading_name(&code[at + statement.len()..]))));
    }
    found
}

#[test]
fn nothing_names_a_path_of_one_machine() {
    // Put together, so that this file does not name them itself.
    let machine: Vec<String> = ["work/", "root/", "tmp/wt", "home/", "Users/"].map(|path| format!("/{path}")).into();
    let endings = [".rs", ".sql", ".md", ".toml", ".json", ".snap", ".html", ".css", ".yml", ".csv"];
    let mut files: Vec<Source> = ["src", "tests", "migrations", "examples", "benches", ".github", ".config", ".cargo"]
        .iter()
        .flat_map(|folder| source::files(folder, &endings))
        .collect();
    files.extend(source::files("scripts", &[""]));
    files.extend(["Cargo.toml", "README.md", "ARCHITECTURE.md", "CHANGELOG.md", "openapi.json", "clippy.toml"].iter().filter_map(|name| {
        let text = std::fs::read_to_string(source::root().join(name)).ok()?;
        Some(Source { path: (*name).to_owned(), text })
    }));
    let mut violations = Vec::new();
    for file in &files {
        for (number, text) in file.text.lines().enumerate() {
            // A well-known place of a package manager is no one's machine.
            let text = text.replace("/home/linuxbrew/", "");
            let found = machine.iter().filter(|path| {
                // Not within a longer path or an address, as in `https://host/home/x`.
                text.match_indices(path.as_str()).any(|(at, _)| !text[..at].ends_with(|c: char| c.is_alphanumeric() || ".-_}*".contains(c)))
            });
            violations.extend(found.map(|path| format!("{}:{} names {path}", file.path, number + 1)));
        }
    }
    assert_none("a path of one machine means nothing on another", &violations);
}

#[test]
fn every_test_that_the_security_document_names_is_there() {
    let document = std::fs::read_to_string(source::root().join("docs/security-testing.md")).unwrap();
    // Between backticks, and a sentence.
    let named: BTreeSet<&str> = document.split('`').skip(1).step_by(2).filter(|name| name.matches('_').count() > 2).collect();
    assert!(named.len() > 40, "{named:?}");
    let texts: Vec<String> =
        source::files("src", &[".rs"]).into_iter().chain(source::files("tests", &[".rs"])).map(|file| file.text).collect();
    let is_missing = |name: &&&str| !texts.iter().any(|text| text.contains(&format!("fn {name}()")));
    assert_none(
        "the security document names tests that are not there",
        &named.iter().filter(is_missing).map(ToString::to_string).collect::<Vec<_>>(),
    );
}
