//! What `muster doctor` and `muster verify` ask of the database itself.

use diesel::{QueryResult, QueryableByName, RunQueryDsl, sql_query, sql_types::Text};
use uuid::Uuid;

use super::{
    Conn,
    backend::{POSTGRES_DURABILITY, SQLITE_DURABILITY, for_backend},
};
use crate::{error::Error, id::Id};

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    value: String,
}

fn lines(conn: &mut Conn, sql: &str) -> Result<Vec<String>, Error> {
    let lines: Vec<Line> = for_backend!(conn, |c| sql_query(sql).load(c))?;
    Ok(lines.into_iter().map(|line| line.value).collect())
}

/// The database's kind and version, such as `SQLite 3.53.2`.
pub fn version(conn: &mut Conn) -> Result<String, Error> {
    let sql = match conn {
        Conn::Sqlite(_) => "SELECT 'SQLite ' || sqlite_version() AS value",
        Conn::Postgres(_) => "SELECT 'PostgreSQL ' || current_setting('server_version') AS value",
    };
    Ok(lines(conn, sql)?.join(""))
}

/// The settings on which the safety of acknowledged writes rests. A connection with others is refused when it is opened.
pub fn durability(conn: &mut Conn) -> Vec<String> {
    let settings = match conn {
        Conn::Sqlite(_) => SQLITE_DURABILITY,
        Conn::Postgres(_) => POSTGRES_DURABILITY,
    };
    settings.iter().map(|(name, value)| format!("{name}={value}")).collect()
}

/// The language in which Postgres says what went wrong; SQLite knows only one.
pub fn message_language(conn: &mut Conn) -> Result<Option<String>, Error> {
    match conn {
        Conn::Sqlite(_) => Ok(None),
        Conn::Postgres(_) => Ok(lines(conn, "SELECT current_setting('lc_messages') AS value")?.pop()),
    }
}

/// Fails if the database takes no writes: a read-only file, a standby, a user without the right. Changes nothing.
pub fn try_to_write(conn: &mut Conn) -> Result<(), Error> {
    for_backend!(conn, |c| sql_query("DELETE FROM journal_unsealed WHERE seq < 0").execute(c))?;
    Ok(())
}

/// What SQLite finds wrong in its file: broken pages, indexes that miss rows, values that break a check. Postgres has its own tools.
pub fn integrity(conn: &mut Conn) -> Result<Vec<String>, Error> {
    if let Conn::Postgres(_) = conn {
        return Ok(Vec::new());
    }
    let said = lines(conn, "SELECT integrity_check AS value FROM pragma_integrity_check")?;
    Ok(said.into_iter().filter(|line| line != "ok").map(|line| format!("database: {line}")).collect())
}

/// Rows of a SQLite file that refer to what is not there. Postgres cannot hold such rows.
pub fn references(conn: &mut Conn) -> Result<Vec<String>, Error> {
    if let Conn::Postgres(_) = conn {
        return Ok(Vec::new());
    }
    lines(
        conn,
        "SELECT 'references: ' || count(*) || ' rows of ' || \"table\" || ' refer to missing rows of ' || parent AS value
         FROM pragma_foreign_key_check GROUP BY \"table\", parent ORDER BY 1",
    )
}

/// What `check` finds in all that `load` finds, a page after the other by id, so that the whole is never held at once. `load` is given the
/// last id of the page before.
pub(crate) fn in_pages<R, K: 'static>(
    conn: &mut Conn,
    load: impl Fn(&mut Conn, Id<K>) -> QueryResult<Vec<R>>,
    id: impl Fn(&R) -> Id<K>,
    mut check: impl FnMut(&mut Conn, Vec<R>) -> Result<Vec<String>, Error>,
) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    let mut after = Id::from_uuid(Uuid::nil());
    loop {
        let page = load(conn, after)?;
        let Some(last) = page.last() else { return Ok(findings) };
        after = id(last);
        findings.extend(check(conn, page)?);
    }
}
