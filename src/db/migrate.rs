//! The embedded migrations: one tree for each database, the same names in both.

use diesel::{QueryableByName, RunQueryDsl, migration::MigrationSource, pg::Pg, sql_query, sql_types::Text, sqlite::Sqlite};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{
    Conn, Target,
    backend::{Purpose, for_backend, open},
};
use crate::error::Error;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Applies what is pending, one process at a time, and returns the names of what was applied.
///
/// # Errors
/// [`Error::Unavailable`] if the database cannot be reached, [`Error::Internal`] if a migration fails (it is rolled back).
pub fn migrate(target: &Target) -> Result<Vec<String>, Error> {
    let mut conn = open(target, Purpose::Migrate)?;
    let applied = match &mut conn {
        Conn::Sqlite(conn) => {
            // Two processes that start together: the second waits here, then finds nothing pending. Diesel must know of the
            // transaction, or it would try to begin one for each migration instead of a savepoint.
            conn.exclusive_transaction(|conn| {
                conn.run_pending_migrations(SQLITE).map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>())
            })
        }
        Conn::Postgres(conn) => {
            sql_query("SELECT pg_advisory_lock(hashtextextended(current_schema() || ':migrate', 0))").execute(conn)?;
            let applied = conn.run_pending_migrations(POSTGRES).map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>());
            sql_query("SELECT pg_advisory_unlock(hashtextextended(current_schema() || ':migrate', 0))").execute(conn)?;
            applied
        }
    };
    let versions = applied.map_err(|error| Error::internal(format!("a migration failed: {error}")))?;
    names(&conn, |version| versions.iter().any(|applied| applied == version))
}

/// The names of the migrations that `conn` still lacks. Only reads: Diesel's own list begins with CREATE TABLE IF NOT EXISTS, which a
/// read-only transaction refuses.
pub fn pending(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let applied = applied(conn)?;
    names(conn, |version| !applied.iter().any(|applied| applied.version == version))
}

/// The names of the migrations whose version is `wanted`, in order.
fn names(conn: &Conn, wanted: impl Fn(&str) -> bool) -> Result<Vec<String>, Error> {
    fn of<DB: diesel::backend::Backend>(all: &EmbeddedMigrations, wanted: impl Fn(&str) -> bool) -> Result<Vec<String>, Error> {
        let mut migrations = MigrationSource::<DB>::migrations(all).map_err(Error::internal)?;
        migrations.retain(|migration| wanted(&migration.name().version().to_string()));
        let mut names: Vec<_> = migrations.iter().map(|migration| migration.name().to_string()).collect();
        names.sort_unstable();
        Ok(names)
    }
    match conn {
        Conn::Sqlite(_) => of::<Sqlite>(&SQLITE, wanted),
        Conn::Postgres(_) => of::<Pg>(&POSTGRES, wanted),
    }
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

/// The versions that have been applied; none if the table of them is not there yet.
fn applied(conn: &mut Conn) -> Result<Vec<Version>, Error> {
    let exists = match conn {
        Conn::Sqlite(_) => "SELECT name AS version FROM sqlite_schema WHERE type = 'table' AND name = '__diesel_schema_migrations'",
        Conn::Postgres(_) => "SELECT 'it' AS version WHERE to_regclass('__diesel_schema_migrations') IS NOT NULL",
    };
    let exists: Vec<Version> = for_backend!(conn, |c| sql_query(exists).load(c))?;
    if exists.is_empty() {
        return Ok(exists);
    }
    Ok(for_backend!(conn, |c| sql_query("SELECT version FROM __diesel_schema_migrations").load(c))?)
}

/// How many migrations this binary embeds.
pub fn known() -> usize {
    let sqlite = MigrationSource::<Sqlite>::migrations(&SQLITE).map_or(0, |all| all.len());
    let postgres = MigrationSource::<Pg>::migrations(&POSTGRES).map_or(0, |all| all.len());
    sqlite.min(postgres)
}
