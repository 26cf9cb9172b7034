//! The database goes away and comes back: the server says so meanwhile, and goes on by itself.

use std::{
    path::Path,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use diesel::connection::SimpleConnection;
use serde_json::json;

use crate::support::{App, Client, Kind, Reply, TestDatabase, seed, spawn_app, spawn_app_at};

/// A Postgres server of the test's own; it ends when this is dropped.
struct Server {
    folder: tempfile::TempDir,
    url: String,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = command("start", folder.path()).trim().to_owned();
        Self { folder, url }
    }

    /// As a crash would.
    fn pause(&self) {
        command("pause", self.folder.path());
    }

    fn resume(&self) {
        command("resume", self.folder.path());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        command("stop", self.folder.path());
    }
}

fn command(verb: &str, folder: &Path) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/postgres");
    // The script makes the folder's content; the server may belong to another user than the test.
    let output = Command::new(script).arg(verb).arg(folder.join("server")).output().unwrap();
    assert!(output.status.success(), "{verb}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn assert_away(reply: Reply) {
    let reply = reply.expect(503).problem("unavailable");
    assert_eq!(reply.header("retry-after"), "2");
}

/// Waits until the client is answered, as one does who obeys `Retry-After`, only more often.
fn wait_for(client: &Client, path: &str) -> Duration {
    let begin = Instant::now();
    while client.get(path).status != 200 {
        assert!(begin.elapsed() < Duration::from_secs(20), "{}", client.get(path).text);
        std::thread::sleep(Duration::from_millis(50));
    }
    begin.elapsed()
}

fn college(code: &str) -> serde_json::Value {
    json!({ "code": code, "name": code, "kind": "college" })
}

/// So many connections of both pools as they may hold, all in use once.
fn use_every_connection(app: &App, client: &Client) {
    std::thread::scope(|scope| {
        for number in 0..8 {
            scope.spawn(move || {
                client.get("/organizations").expect(200);
                client.post("/organizations", college(&format!("BEFORE-{number}"))).expect(201);
            });
        }
    });
    assert_eq!(app.count("SELECT count(*) FROM organizations"), 8);
}

#[test]
fn a_postgres_that_is_away_is_said_to_be_and_found_again() {
    if Kind::of_the_suite() != Kind::Postgres {
        return;
    }
    let server = Server::start();
    let app = spawn_app_at(TestDatabase::at(&server.url));
    let admin = app.administrator();
    use_every_connection(&app, &admin);

    server.pause();
    // First the connections of before turn out dead, then no new one can be had.
    for _ in 0..2 {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert_away(admin.get("/organizations")));
                scope.spawn(|| assert_away(admin.post("/organizations", college("AWAY"))));
                scope.spawn(|| assert_away(admin.get("/readyz")));
            }
        });
    }
    app.anonymous().get("/healthz").expect(200);

    server.resume();
    let waited = wait_for(&admin, "/organizations");
    assert!(waited < Duration::from_secs(10), "{waited:?}");
    wait_for(&admin, "/readyz");
    // What was acknowledged is there; what was not acknowledged is not, for the server was away before it was asked.
    assert_eq!(admin.get("/organizations").items().len(), 8);
    for number in 0..8 {
        admin.post("/organizations", college(&format!("AFTER-{number}"))).expect(201);
    }
}

#[test]
fn who_retries_with_a_key_while_postgres_crashes_is_served_once() {
    const WRITERS: usize = 4;
    if Kind::of_the_suite() != Kind::Postgres {
        return;
    }
    let server = Server::start();
    let app = spawn_app_at(TestDatabase::at(&server.url));
    let admin = app.administrator();
    let done = AtomicBool::new(false);
    let acknowledged: usize = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                scope.spawn({
                    let (admin, done) = (&admin, &done);
                    move || {
                        (0..)
                            .take_while(|_| !done.load(Ordering::SeqCst))
                            .map(|number| write_until_acknowledged(admin, writer, number))
                            .count()
                    }
                })
            })
            .collect();
        for _ in 0..2 {
            std::thread::sleep(Duration::from_millis(300));
            server.pause();
            std::thread::sleep(Duration::from_millis(200));
            server.resume();
        }
        std::thread::sleep(Duration::from_millis(500));
        done.store(true, Ordering::SeqCst);
        writers.into_iter().map(|writer| writer.join().unwrap()).sum()
    });
    let acknowledged = i64::try_from(acknowledged).unwrap();
    assert!(acknowledged > 0);
    assert_eq!(app.count("SELECT count(*) FROM organizations"), acknowledged);
    assert_eq!(app.count("SELECT count(*) FROM journal_entries WHERE action = 'organization.created'"), acknowledged);
}

fn write_until_acknowledged(admin: &Client, writer: usize, number: usize) {
    let code = format!("W{writer}-{number}");
    let admin = admin.idempotency_key(&code);
    let begin = Instant::now();
    loop {
        let reply = admin.post("/organizations", college(&code));
        match reply.status {
            201 => return,
            503 => assert!(begin.elapsed() < Duration::from_secs(30), "{}", reply.text),
            _ => panic!("{}", reply.text),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn while_another_process_writes_the_sqlite_file_reads_go_on_and_writes_wait() {
    if Kind::of_the_suite() != Kind::Sqlite {
        return;
    }
    let app = spawn_app();
    seed::sponsor(&app, "JISCO");
    let admin = app.administrator();
    let mut other = app.database.connect();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    std::thread::scope(|scope| {
        let write = scope.spawn(|| admin.post("/organizations", college("WAITS")));
        std::thread::sleep(Duration::from_millis(300));
        admin.get("/organizations").expect(200);
        other.batch_execute("COMMIT").unwrap();
        write.join().unwrap().expect(201);
    });
}

#[test]
fn a_sqlite_file_that_stays_locked_is_said_to_be() {
    if Kind::of_the_suite() != Kind::Sqlite {
        return;
    }
    let app = spawn_app();
    let admin = app.administrator();
    let mut other = app.database.connect();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    assert_away(admin.post("/organizations", college("LOCKED")));
    admin.get("/organizations").expect(200);
    other.batch_execute("COMMIT").unwrap();
    admin.post("/organizations", college("LOCKED")).expect(201);
}
