//! What differs between the two databases, in one place: opening a connection, locks, and code that must be typed twice.

use std::{
    fmt::Display,
    fs::OpenOptions,
    io::ErrorKind,
    path::Path,
    time::{Duration, Instant as Moment},
};

use diesel::{
    Connection, ConnectionError, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection, connection::SimpleConnection, sql_query,
    sql_types::Text,
};

use super::{Conn, fixed, types::Uid};
use crate::{error::Error, id::Id};

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
        // SQLite would take it apart itself, and nobody else would know where the file is.
        if path.starts_with("file:") {
            let detail = "an address that begins with `file:` is not taken; give the path of the SQLite file";
            return Err(Error::malformed("database_url", detail));
        }
        Ok(Self::Sqlite(path.to_owned()))
    }

    /// For people to see: the path, or the URL without the passwords that it may hold.
    pub fn without_password(&self) -> String {
        let url = match self {
            Self::Sqlite(path) => return path.clone(),
            Self::Postgres(url) => url,
        };
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
        // An unescaped @ or / in a password is against the rules, but libpq lets the former pass.
        let address = match address.rsplit_once('@') {
            Some((user, host)) => format!("{}@{host}", user.split(':').next().unwrap_or_default()),
            None => address.to_owned(),
        };
        let is_open = |pair: &&str| !pair.split('=').next().unwrap_or_default().to_ascii_lowercase().contains("password");
        let query: Vec<_> = query.split('&').filter(|pair| !pair.is_empty()).filter(is_open).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{scheme}://{address}{mark}{}", query.join("&"))
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
    /// Reads everything, however long that takes.
    Examine,
    /// Waits for other processes that migrate, and then for its own statements, however long that takes.
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

/// The settings on which the safety of acknowledged writes rests, and their values; 2 is FULL.
pub(super) const SQLITE_DURABILITY: &[(&str, &str)] = &[("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1")];
pub(super) const POSTGRES_DURABILITY: &[(&str, &str)] = &[("fsync", "on"), ("full_page_writes", "on"), ("synchronous_commit", "on")];

fn open_sqlite(path: &str, purpose: Purpose) -> Result<SqliteConnection, ConnectionError> {
    let unusable = |error: &dyn Display| ConnectionError::BadConnection(format!("{path}: {}", unplaced(Path::new(path), error)));
    make_private(path).map_err(|error| unusable(&error))?;
    let mut conn = SqliteConnection::establish(path).map_err(|error| unusable(&error))?;
    let settle = |conn: &mut SqliteConnection| -> diesel::QueryResult<()> {
        // busy_timeout first: the other pragmas take locks themselves.
        conn.batch_execute("PRAGMA busy_timeout = 5000")?;
        turn_on_log(conn)?;
        conn.batch_execute("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -8000;")?;
        // What a savepoint would have to take back is kept in memory: no crash needs it, and as a file it cost a sixth of every write.
        conn.batch_execute("PRAGMA temp_store = MEMORY")?;
        for &(pragma, expected) in SQLITE_DURABILITY {
            expect_setting(
                sql_query(format!("SELECT CAST({pragma} AS TEXT) AS value FROM pragma_{pragma}")).get_result(conn)?,
                pragma,
                expected,
            )?;
        }
        if matches!(purpose, Purpose::Read | Purpose::Examine) {
            conn.batch_execute("PRAGMA query_only = ON")?;
        }
        Ok(())
    };
    settle(&mut conn).map(|()| conn).map_err(ConnectionError::CouldntSetupConfiguration)
}

/// Why a file cannot be made or opened there; the system's own words name neither the folder nor what is wrong with the path.
pub(super) fn unplaced(file: &Path, error: &dyn Display) -> String {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder {
        Some(folder) if !folder.is_dir() => format!("there is no folder {}", folder.display()),
        _ if file.is_dir() => "is a folder, not a file".to_owned(),
        _ => error.to_string(),
    }
}

/// Whether an error says that a SQLite file is no database, or not all of one. Diesel passes no code on, only the words.
pub fn says_damaged(error: &str) -> bool {
    ["file is not a database", "database disk image is malformed", "malformed database schema"].iter().any(|words| error.contains(words))
}

/// Makes the file of a new database, which will hold people's names, readable by its owner only; SQLite gives its log the same rights.
/// A file that is there keeps those that somebody gave it.
fn make_private(path: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// The write-ahead log is turned on once in a file's life. SQLite does not keep its `busy_timeout` while it does so, because waiting
/// could be a deadlock: of several processes that open a new file together, all but one would be told at once that it is locked.
fn turn_on_log(conn: &mut SqliteConnection) -> diesel::QueryResult<()> {
    let begin = Moment::now();
    loop {
        match conn.batch_execute("PRAGMA journal_mode = WAL") {
            Err(error) if begin.elapsed() < Duration::from_secs(5) && error.to_string().contains("database is locked") => {
                std::thread::sleep(Duration::from_millis(20));
            }
            turned_on => return turned_on,
        }
    }
}

fn open_postgres(url: &str, purpose: Purpose) -> Result<PgConnection, ConnectionError> {
    let mut conn = PgConnection::establish(url)?;
    let settle = |conn: &mut PgConnection| -> diesel::QueryResult<()> {
        // By default a row by its key is held for so dear that joins read tables whole until these have ten thousands of rows, and a
        // report of one intake grows with the others. What is reported lies in memory.
        // Errors that pass are told from ours by their English message, for Diesel gives no SQLSTATE. Only a superuser may choose the
        // language, or whom one let; for the others `muster doctor` says what to do.
        conn.batch_execute(&format!(
            "DO $$ BEGIN SET lc_messages = 'C'; EXCEPTION WHEN insufficient_privilege THEN NULL; END $$;
             SET TIME ZONE 'UTC'; SET client_min_messages = warning; SET synchronous_commit = on; SET random_page_cost = 1.1; {}",
            characteristics(purpose)
        ))?;
        for &(setting, expected) in POSTGRES_DURABILITY {
            expect_setting(sql_query(format!("SELECT current_setting('{setting}') AS value")).get_result(conn)?, setting, expected)?;
        }
        Ok(())
    };
    settle(&mut conn).map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

/// How the transactions of a connection behave, and how long they wait. What serves requests is cut off in time; what the operator
/// started is not. Zero is no limit, and is said because a server or a URL may set another.
const fn characteristics(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Read => {
            // What the policies might cost is overestimated by far, and compiling for it costs seconds where there is little to do.
            "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;
             SET lock_timeout = '10s'; SET statement_timeout = '30s'; SET jit = off"
        }
        Purpose::Write => {
            "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED;
             SET lock_timeout = '10s'; SET statement_timeout = '30s'"
        }
        Purpose::Examine => {
            "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;
             SET lock_timeout = '10s'; SET statement_timeout = 0"
        }
        Purpose::Migrate => "SET lock_timeout = 0; SET statement_timeout = 0",
    }
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

/// Holds the thing `what`/`id` until the transaction ends. On SQLite there is one writer, so there is nothing to do.
///
/// The key includes the schema, so that two installations in one Postgres database do not wait for each other.
pub fn lock(conn: &mut Conn, what: &str, id: impl std::fmt::Display) -> Result<(), Error> {
    if let Conn::Postgres(_) = conn {
        // Run for its lock, not for its row.
        fixed("SELECT 1 FROM (SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ':' || ?, 0))) AS held")
            .bind::<Text, _>(format!("{what}:{id}"))
            .execute(conn)?;
    }
    Ok(())
}

/// Holds the row that `statement` finds by `id`, against whoever changes it or what hangs on it by hand. Before it is read, so that nothing
/// is decided by what another transaction is changing. On SQLite there is nothing to do.
pub fn lock_row<T: 'static>(conn: &mut Conn, statement: &'static str, id: Id<T>) -> Result<(), Error> {
    if let Conn::Postgres(_) = conn {
        fixed(statement).bind::<Uid, _>(id).execute(conn)?;
    }
    Ok(())
}

/// Has SQLite write zeros over whatever this connection deletes from now on. On Postgres there is nothing to do: what is deleted goes with the
/// next VACUUM.
pub fn overwrite_deleted(conn: &mut Conn) -> Result<(), Error> {
    if let Conn::Sqlite(conn) = conn {
        conn.batch_execute("PRAGMA secure_delete = ON")?;
    }
    Ok(())
}

/// Whether [`lock`] may have waited for another transaction, so that what was read before it is old.
pub fn waits(conn: &Conn) -> bool {
    matches!(conn, Conn::Postgres(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_serves_requests_is_cut_off_in_time() {
        for purpose in [Purpose::Read, Purpose::Write] {
            let text = characteristics(purpose);
            assert!(text.contains("lock_timeout = '10s'") && text.contains("statement_timeout = '30s'"), "{purpose:?}");
        }
        assert!(characteristics(Purpose::Read).contains("jit = off"));
        assert!(characteristics(Purpose::Examine).contains("statement_timeout = 0"));
        // A process that starts while another one migrates waits as long as that takes.
        assert!(characteristics(Purpose::Migrate).contains("lock_timeout = 0; SET statement_timeout = 0"));
    }

    #[test]
    fn a_password_is_not_shown() {
        for (url, shown) in [
            ("postgres://muster:secret@db:5432/muster", "postgres://muster@db:5432/muster"),
            ("postgres://muster:se@cret@db/muster?sslmode=require", "postgres://muster@db/muster?sslmode=require"),
            ("postgresql:///muster?user=a&password=secret&host=/run", "postgresql:///muster?user=a&host=/run"),
            ("postgres://db/muster?sslpassword=secret", "postgres://db/muster"),
            ("./muster.db", "./muster.db"),
        ] {
            assert_eq!(Target::parse(url).unwrap().without_password(), shown);
        }
        assert!(!Target::parse("mysql://muster:secret@db/muster").unwrap_err().to_string().contains("secret"));
    }
}
