//! A database for each test: on SQLite the copy of a file that was migrated once, on Postgres a schema of its own.

use std::{
    collections::hash_map::DefaultHasher,
    fs,
    hash::{Hash, Hasher},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use diesel::{
    Connection as _, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection,
    connection::SimpleConnection,
    sql_query,
    sql_types::{BigInt, Nullable, Text},
};
use muster::db::{Conn, Target, migrate};

/// Which database the suite runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    /// What `MUSTER_TEST_DATABASE` says; SQLite unless set.
    pub fn of_the_suite() -> Self {
        match variable("MUSTER_TEST_DATABASE").as_deref() {
            None | Some("" | "sqlite") => Self::Sqlite,
            Some("postgres") => Self::Postgres,
            Some(other) => panic!("MUSTER_TEST_DATABASE is `{other}`, neither sqlite nor postgres"),
        }
    }
}

/// An environment variable; the one place where tests read them.
#[expect(clippy::disallowed_methods, reason = "tests are told by their environment where and how to run")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A migrated database; it goes when this is dropped.
#[derive(Debug)]
pub struct TestDatabase {
    url: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// The folder of the file, removed with it.
    Folder {
        _folder: tempfile::TempDir,
    },
    Schema(String),
    /// Somebody else's, who also removes it.
    Elsewhere,
}

impl TestDatabase {
    /// Of the kind that the suite runs on.
    pub fn create() -> Self {
        Self::of(Kind::of_the_suite())
    }

    pub fn of(kind: Kind) -> Self {
        let database = Self::empty(kind);
        match &database.place {
            Place::Folder { .. } => drop(fs::copy(template(), &database.url).unwrap()),
            // Migrating a schema takes about as long as cloning one.
            Place::Schema(_) | Place::Elsewhere => drop(migrate(&database.target()).unwrap()),
        }
        database
    }

    /// Without any table.
    pub fn empty(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let url = folder.path().join("muster.db").to_str().unwrap().to_owned();
                Self { url, place: Place::Folder { _folder: folder } }
            }
            Kind::Postgres => {
                let schema = schema_name();
                PgConnection::establish(&server()).unwrap().batch_execute(&format!("CREATE SCHEMA {schema}")).unwrap();
                let server = server();
                let separator = if server.contains('?') { '&' } else { '?' };
                Self { url: format!("{server}{separator}options=-csearch_path%3D{schema}"), place: Place::Schema(schema) }
            }
        }
    }

    /// One that somebody else made; it is migrated, and stays.
    pub fn at(url: &str) -> Self {
        let database = Self { url: url.to_owned(), place: Place::Elsewhere };
        migrate(&database.target()).unwrap();
        database
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn target(&self) -> Target {
        Target::parse(&self.url).unwrap()
    }

    pub fn kind(&self) -> Kind {
        if self.target().is_sqlite() { Kind::Sqlite } else { Kind::Postgres }
    }

    /// A connection beside the server's own. Without its settings, except that SQLite holds foreign keys.
    pub fn connect(&self) -> Conn {
        match self.kind() {
            Kind::Sqlite => {
                let mut conn = SqliteConnection::establish(&self.url).unwrap();
                conn.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON").unwrap();
                Conn::Sqlite(conn)
            }
            Kind::Postgres => Conn::Postgres(PgConnection::establish(&self.url).unwrap()),
        }
    }

    /// Runs statements, all or none; the error is the database's own message.
    pub fn sql(&self, statements: &str) -> Result<(), String> {
        let mut conn = self.connect();
        conn.batch_execute(&format!("BEGIN; {statements}; COMMIT")).map_err(|error| error.to_string())
    }

    /// The whole number that a query of one row and column gives.
    pub fn count(&self, query: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Count {
            #[diesel(sql_type = BigInt)]
            n: i64,
        }
        let query = sql_query(format!("SELECT CAST(({query}) AS bigint) AS n"));
        match &mut self.connect() {
            Conn::Sqlite(conn) => query.get_result::<Count>(conn),
            Conn::Postgres(conn) => query.get_result::<Count>(conn),
        }
        .unwrap()
        .n
    }

    /// The texts that a query of one column gives.
    pub fn texts(&self, query: &str) -> Vec<Option<String>> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Nullable<Text>)]
            value: Option<String>,
        }
        let query = sql_query(format!("WITH rows (value) AS ({query}) SELECT CAST(value AS text) AS value FROM rows"));
        let rows = match &mut self.connect() {
            Conn::Sqlite(conn) => query.load::<Row>(conn),
            Conn::Postgres(conn) => query.load::<Row>(conn),
        };
        rows.unwrap().into_iter().map(|row| row.value).collect()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Place::Schema(schema) = &self.place {
            // A schema that stays does no harm, and a panic in here would hide the test's own.
            let dropped = PgConnection::establish(&server())
                .map_err(|error| error.to_string())
                .and_then(|mut conn| conn.batch_execute(&format!("DROP SCHEMA {schema} CASCADE")).map_err(|error| error.to_string()));
            if let Err(error) = dropped {
                eprintln!("the schema {schema} stays: {error}");
            }
        }
    }
}

fn server() -> String {
    variable("TEST_POSTGRES_URL")
        .unwrap_or_else(|| panic!("TEST_POSTGRES_URL names the Postgres server for tests; scripts/test starts one"))
}

/// A schema name that no other test has: the process' id and a count are unique at any time, the rest holds apart what a test that
/// was killed left behind.
fn schema_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let random = muster::id::Id::<()>::generate().uuid().simple().to_string();
    format!("test_{}_{count}_{}", std::process::id(), &random[20..])
}

/// A migrated SQLite file to copy. Made once for each build of this binary, which embeds the migrations; processes that find none
/// make their own and rename it into place, and the last one wins.
fn template() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let binary = std::env::current_exe().unwrap();
    let metadata = fs::metadata(&binary).unwrap();
    let mut build = DefaultHasher::new();
    (binary, metadata.len(), metadata.modified().unwrap()).hash(&mut build);
    let template = folder.join(format!("template-{:016x}.db", build.finish()));
    if !template.exists() {
        let making = tempfile::Builder::new().prefix("template-").tempdir_in(folder).unwrap();
        let file = making.path().join("new.db");
        // Closing the last connection folds the write-ahead log into the file.
        migrate(&Target::Sqlite(file.to_str().unwrap().to_owned())).unwrap();
        fs::rename(file, &template).unwrap();
        forget_old_templates(folder, &template);
    }
    template
}

/// Removes what earlier builds left.
fn forget_old_templates(folder: &Path, current: &Path) {
    const HOUR: std::time::Duration = std::time::Duration::from_secs(3600);
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let old = entry.metadata().and_then(|metadata| metadata.modified()).is_ok_and(|made| made.elapsed().is_ok_and(|age| age > HOUR));
        let template = entry.path().extension().is_some_and(|extension| extension == "db");
        if old && template && entry.path() != current {
            drop(fs::remove_file(entry.path()));
        }
    }
}
