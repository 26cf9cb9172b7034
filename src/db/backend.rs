//! What differs between the two databases, in one place: opening a connection, locks, and code that must be typed twice.

use std::time::{Duration, Instant as Moment};

use diesel::{
    Connection, ConnectionError, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection,
    connection::SimpleConnection,
    sql_query,
    sql_types::{Integer, Text},
};

use super::Conn;
use crate::error::Error;

/// Runs one body for whichever database `conn` is of, with the typed connection in hand; or, in the second form, a body for
/// each. Needed for multi-row inserts, upserts and `returning` of a struct, which the multi connection cannot type.
macro_rules! for_backend {
    ($conn:expr, |$c:ident| $body:expr) => {
        match $conn {
            $crate::db::Conn::Sqlite($c) => $body,
            $crate::db::Conn::Postgres($c) => $body,
        }
    };
    ($conn:expr, sqlite |$s:ident| $sqlite:expr, postgres |$p:ident| $postgres:expr $(,)?) => {
        match $conn {
            $crate::db::Conn::Sqlite($s) => $sqlite,
            $crate::db::Conn::Postgres($p) => $postgres,
        }
    };
}
pub(crate) use for_backend;

/// Which database a URL names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The path of the file.
    Sqlite(String),
    /// The whole `postgres://` URL.
    Postgres(String),
}

impl Target {
    /// `postgres://…` and `postgresql://…` are Postgres; `sqlite://path`, `sqlite:path` and a bare path are SQLite.
    pub fn parse(url: &str) -> Result<Self, Error> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgres(url.to_owned()));
        }
        let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")).unwrap_or(url);
        if path.is_empty() || path.contains("://") || path.contains(":memory:") {
            // Only how it begins: what follows may be a password.
            let begin = url.split_inclusive("://").next().unwrap_or_default();
            return Err(Error::malformed("database_url", format!("`{begin}` is neither postgres://… nor the path of a SQLite file")));
        }
        Ok(Self::Sqlite(path.to_owned()))
    }

    pub fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }
}

/// What a connection is for; a reader cannot write on either database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Read,
    Write,
    /// Migrations: no statement timeout.
    Migrate,
}

/// Opens a connection, sets its durability and checks that the settings took. The derived `establish` of a multi connection
/// is not used: it tries the backends in turn and hides the real reason of a failure.
pub(super) fn open(target: &Target, purpose: Purpose) -> Result<Conn, ConnectionError> {
    match target {
        Target::Sqlite(path) => open_sqlite(path, purpose).map(Conn::Sqlite),
        Target::Postgres(url) => open_postgres(url, purpose).map(Conn::Postgres),
    }
}

fn open_sqlite(path: &str, purpose: Purpose) -> Result<SqliteConnection, ConnectionError> {
    let mut conn = SqliteConnection::establish(path).map_err(|error| ConnectionError::BadConnection(format!("{path}: {error}")))?;
    let settle = |conn: &mut SqliteConnection| -> diesel::QueryResult<()> {
        // busy_timeout first: the other pragmas take locks themselves.
        conn.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -8000;")?;
        for (pragma, expected) in [("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1")] {
            expect_setting(
                sql_query(format!("SELECT CAST({pragma} AS TEXT) AS value FROM pragma_{pragma}")).get_result(conn)?,
                pragma,
                expected,
            )?;
        }
        if purpose == Purpose::Read {
            conn.batch_execute("PRAGMA query_only = ON")?;
        }
        Ok(())
    };
    // Two processes that open a fresh file together: switching it to WAL fails for one of them at once, whatever busy_timeout says,
    // because waiting could be a deadlock.
    let begin = Moment::now();
    loop {
        match settle(&mut conn) {
            Err(error) if begin.elapsed() < Duration::from_secs(5) && error.to_string().contains("database is locked") => {
                std::thread::sleep(Duration::from_millis(20));
            }
            settled => return settled.map(|()| conn).map_err(ConnectionError::CouldntSetupConfiguration),
        }
    }
}

fn open_postgres(url: &str, purpose: Purpose) -> Result<PgConnection, ConnectionError> {
    let mut conn = PgConnection::establish(url)?;
    let settle = |conn: &mut PgConnection| -> diesel::QueryResult<()> {
        let characteristics = match purpose {
            Purpose::Read => {
                "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET statement_timeout = '30s';"
            }
            Purpose::Write => "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED; SET statement_timeout = '30s';",
            Purpose::Migrate => "",
        };
        conn.batch_execute(&format!(
            "SET TIME ZONE 'UTC'; SET client_min_messages = warning; SET synchronous_commit = on; SET lock_timeout = '10s'; {characteristics}"
        ))?;
        for (setting, expected) in [("fsync", "on"), ("full_page_writes", "on"), ("synchronous_commit", "on")] {
            expect_setting(sql_query(format!("SELECT current_setting('{setting}') AS value")).get_result(conn)?, setting, expected)?;
        }
        Ok(())
    };
    settle(&mut conn).map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = Text)]
    value: String,
}

fn expect_setting(setting: Setting, name: &str, expected: &str) -> diesel::QueryResult<()> {
    if setting.value == expected {
        return Ok(());
    }
    let reason = format!("the database runs with {name} = {}; acknowledged writes are safe only with {expected}", setting.value);
    Err(diesel::result::Error::QueryBuilderError(reason.into()))
}

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = Integer)]
    #[expect(dead_code, reason = "the statement is run for its lock, not for its row")]
    locked: i32,
}

/// Holds the thing `what`/`id` until the transaction ends. On SQLite there is one writer, so there is nothing to do.
///
/// The key includes the schema, so that two installations in one Postgres database do not wait for each other.
pub fn lock(conn: &mut Conn, what: &str, id: impl std::fmt::Display) -> Result<(), Error> {
    if let Conn::Postgres(conn) = conn {
        sql_query("SELECT 1 AS locked FROM (SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ':' || $1, 0))) AS held")
            .bind::<Text, _>(format!("{what}:{id}"))
            .get_results::<Locked>(conn)?;
    }
    Ok(())
}
