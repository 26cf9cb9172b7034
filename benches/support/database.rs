//! A database for one measurement: a SQLite file in a temporary folder, or a schema of its own on a Postgres server.

use std::path::Path;

use diesel::{
    Connection as _, PgConnection, QueryableByName, RunQueryDsl,
    connection::SimpleConnection,
    sql_query,
    sql_types::{Integer, Text},
};
use muster::{
    db::{Db, Target, migrate, settle_log},
    id::Id,
};
use tempfile::TempDir;

/// Where databases are made.
#[derive(Clone, Debug)]
pub enum Place {
    /// In a temporary folder, or in a temporary folder below this one.
    Sqlite(Option<String>),
    /// In schemas of the database at this URL.
    Postgres(String),
}

impl Place {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "SQLite",
            Self::Postgres(_) => "Postgres",
        }
    }
}

/// An empty, migrated database; it goes when this is dropped.
#[derive(Debug)]
pub struct Database {
    url: String,
    home: Home,
}

#[derive(Debug)]
enum Home {
    Folder { _folder: TempDir },
    Schema { server: String, name: String },
}

impl Database {
    pub fn create(place: &Place) -> Self {
        let database = match place {
            Place::Sqlite(below) => {
                let folder = match below {
                    Some(below) => tempfile::tempdir_in(Path::new(below)).unwrap(),
                    None => tempfile::tempdir().unwrap(),
                };
                let url = folder.path().join("bench.db").to_str().unwrap().to_owned();
                Self { url, home: Home::Folder { _folder: folder } }
            }
            Place::Postgres(server) => {
                let name = format!("bench_{}", Id::<()>::generate().uuid().simple());
                execute(server, &format!("CREATE SCHEMA {name}"));
                let separator = if server.contains('?') { '&' } else { '?' };
                let url = format!("{server}{separator}options=-csearch_path%3D{name}&application_name={name}");
                Self { url, home: Home::Schema { server: server.clone(), name } }
            }
        };
        migrate(&database.target()).unwrap();
        database
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    fn target(&self) -> Target {
        Target::parse(&self.url).unwrap()
    }

    pub fn open(&self) -> Db {
        Db::open(self.target(), 2).unwrap()
    }

    /// The processes of a Postgres on this machine that serve this database; none on SQLite.
    pub fn backends(&self) -> Vec<i32> {
        let Home::Schema { server, name } = &self.home else {
            return Vec::new();
        };
        let mut conn = PgConnection::establish(server).unwrap();
        let backends = sql_query("SELECT pid FROM pg_stat_activity WHERE application_name = $1").bind::<Text, _>(name);
        backends.load::<Backend>(&mut conn).unwrap().into_iter().map(|backend| backend.pid).collect()
    }

    /// Once filled and closed: what autovacuum would do within a minute, and what closing a SQLite file does.
    pub fn settle(&self) {
        match &self.home {
            Home::Folder { .. } => settle_log(&self.target()),
            Home::Schema { .. } => execute(&self.url, "VACUUM (ANALYZE)"),
        }
    }
}

#[derive(QueryableByName)]
struct Backend {
    #[diesel(sql_type = Integer)]
    pid: i32,
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Home::Schema { server, name } = &self.home {
            execute(server, &format!("SET client_min_messages = warning; DROP SCHEMA {name} CASCADE"));
        }
    }
}

fn execute(url: &str, statement: &str) {
    PgConnection::establish(url).unwrap().batch_execute(statement).unwrap();
}
