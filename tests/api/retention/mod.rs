//! `muster person erase`, through what it calls: who is restricted, what an erasure leaves, and what it lets nobody else do.

mod canary;
mod dates;
mod instructors;
mod journal;
mod races;
mod restricted;

use muster::{
    access::Credentials,
    error::Error,
    retention::{self, Erased, Standing},
    text::Note,
};

use crate::support::App;

/// A day that has come, wherever one is.
const PAST: &str = "2020-01-01";
/// One that has not.
const FUTURE: &str = "2199-12-31";

/// As the command does it the first time.
fn restrict(app: &App, person: &str, until: &str) -> Result<Standing, Error> {
    restrict_because(app, person, until, "asked for in writing")
}

fn restrict_because(app: &App, person: &str, until: &str, reason: &str) -> Result<Standing, Error> {
    let (person, until, reason): (_, _, Note) = (person.parse().unwrap(), until.parse().unwrap(), reason.parse().unwrap());
    app.db.write_blocking(Credentials::Operator, move |conn, actor, now| retention::restrict(conn, actor, now, person, until, &reason))
}

/// As it does it once the day has come.
fn erase(app: &App, person: &str) -> Result<Erased, Error> {
    let person = person.parse().unwrap();
    app.db.write_blocking(Credentials::Operator, move |conn, actor, now| {
        retention::erase(conn, actor, now, person, &"asked for in writing".parse().unwrap())
    })
}

/// Restricts and erases.
#[track_caller]
fn erased(app: &App, person: &str) -> Erased {
    restrict(app, person, PAST).unwrap();
    erase(app, person).unwrap()
}

/// Which columns of the whole database hold one of these texts, in whatever case.
fn columns_with(app: &App, texts: &[&str]) -> Vec<String> {
    let columns = match app.database.kind() {
        crate::support::Kind::Sqlite => {
            "SELECT t.name || '.' || c.name FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%'"
        }
        crate::support::Kind::Postgres => {
            "SELECT table_name || '.' || column_name FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
             WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
        }
    };
    let columns: Vec<String> = app.database.texts(columns).into_iter().flatten().collect();
    assert!(columns.len() > 300, "{columns:?}");
    let held = |column: &String| {
        let (table, name) = column.split_once('.').unwrap();
        let like: Vec<String> = texts.iter().map(|text| format!("lower(CAST({name} AS text)) LIKE '%{text}%'")).collect();
        format!("SELECT '{column}' WHERE EXISTS (SELECT 1 FROM {table} WHERE {})", like.join(" OR "))
    };
    // SQLite takes no more than 500 parts at once.
    let queries = columns.chunks(100).map(|chunk| chunk.iter().map(held).collect::<Vec<_>>().join(" UNION ALL "));
    queries.flat_map(|query| app.database.texts(&query)).flatten().collect()
}
