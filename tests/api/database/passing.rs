//! What the database refuses for now only is 503, in whatever language it says so.

use diesel::{Connection as _, PgConnection, connection::SimpleConnection};
use muster::{
    access::Credentials,
    db::{self, Conn, Db, Target},
    error::Error,
};

use crate::support::{Kind, TestDatabase};

/// The address of `database` with the first language that its server can speak.
fn foreign(database: &TestDatabase) -> String {
    let urls = ["zh_CN.UTF-8", "de_DE.UTF-8", "fr_FR.UTF-8", "POSIX"]
        .map(|language| database.url().replace("options=", &format!("options=-clc_messages%3D{language}%20")));
    urls.into_iter().find(|url| PgConnection::establish(url).is_ok()).unwrap()
}

#[test]
fn a_wait_that_lasted_too_long_is_unavailable_and_a_wrong_statement_is_ours() {
    if Kind::of_the_suite() != Kind::Postgres {
        return;
    }
    let database = TestDatabase::create();
    let db = Db::open(Target::parse(&foreign(&database)).unwrap(), 1).unwrap();
    let language = db.read_blocking(&Credentials::Operator, |conn, _, _| db::message_language(conn)).unwrap();
    assert_eq!(language.as_deref(), Some("C"));
    let mut holder = PgConnection::establish(database.url()).unwrap();
    holder.batch_execute("BEGIN; LOCK TABLE organizations").unwrap();
    let lock = |limit: &'static str, table: &str| {
        let lock = format!("LOCK TABLE {table}");
        let run = move |conn: &mut Conn| match conn {
            Conn::Postgres(conn) => {
                conn.batch_execute(&format!("SET LOCAL lock_timeout = 0; SET LOCAL {limit} = '50ms'"))?;
                Ok(conn.batch_execute(&lock)?)
            }
            Conn::Sqlite(_) => Ok(()),
        };
        db.write_blocking(Credentials::Operator, move |conn, _, _| run(conn)).unwrap_err()
    };
    for limit in ["lock_timeout", "statement_timeout"] {
        let error = lock(limit, "organizations");
        assert!(matches!(error, Error::Unavailable(_)), "{limit}: {error:?}");
    }
    assert!(matches!(lock("lock_timeout", "nowhere"), Error::Internal(_)));
}
