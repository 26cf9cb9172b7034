//! The embedded migrations: one tree for each database, the same names in both.

use diesel::{
    RunQueryDsl,
    migration::{Migration, MigrationSource},
    pg::Pg,
    sql_query,
    sqlite::Sqlite,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{
    Conn, Target,
    backend::{Purpose, open},
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
    applied.map_err(|error| Error::internal(format!("a migration failed: {error}")))
}

/// The names of the migrations that `conn` still lacks.
pub fn pending(conn: &mut Conn) -> Result<Vec<String>, Error> {
    fn names<DB: diesel::backend::Backend>(migrations: Vec<Box<dyn Migration<DB>>>) -> Vec<String> {
        migrations.iter().map(|migration| migration.name().to_string()).collect()
    }
    let pending = match conn {
        Conn::Sqlite(conn) => conn.pending_migrations(SQLITE).map(names),
        Conn::Postgres(conn) => conn.pending_migrations(POSTGRES).map(names),
    };
    pending.map_err(Error::internal)
}

/// How many migrations this binary embeds.
pub fn known() -> usize {
    let sqlite = MigrationSource::<Sqlite>::migrations(&SQLITE).map_or(0, |all| all.len());
    let postgres = MigrationSource::<Pg>::migrations(&POSTGRES).map_or(0, |all| all.len());
    sqlite.min(postgres)
}
