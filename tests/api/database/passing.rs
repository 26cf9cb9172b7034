//! Transactions that pass each other on Postgres: what one does by hand while another closes, and what is refused for now only.

use diesel::{Connection as _, PgConnection, connection::SimpleConnection};
use muster::{
    access::Credentials,
    db::{self, Conn, Db, Target},
    error::Error,
};

use crate::support::{Kind, TestDatabase, seed, spawn_app};

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

/// Runs `by_hand` in a transaction of its own, `request` while that is open, then commits; the answer, once the two have passed.
fn beside<T: Send>(url: &str, by_hand: &str, request: impl FnOnce() -> T + Send) -> T {
    let mut hand = PgConnection::establish(url).unwrap();
    hand.batch_execute(&format!("BEGIN; {by_hand}")).unwrap();
    std::thread::scope(|scope| {
        let asked = scope.spawn(request);
        let waits = "DO $$ BEGIN ASSERT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'); END $$";
        let mut watch = PgConnection::establish(url).unwrap();
        while !asked.is_finished() && watch.batch_execute(waits).is_err() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        hand.batch_execute("COMMIT").unwrap();
        asked.join().unwrap()
    })
}

#[test]
fn what_is_changed_by_hand_while_a_roll_call_closes_or_a_session_is_held_is_seen() {
    let app = spawn_app();
    if app.database.kind() != Kind::Postgres {
        return;
    }
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let called = seed::held_session(&course, "H-1", &seed::morning(1));
    seed::put_roll_call(&course, &called, &[seed::line(&member, "present")]).expect(200);
    let absent = format!("UPDATE attendances SET code = 'absent' WHERE session_id = {}", app.hex(&called));
    beside(app.database.url(), &absent, || seed::step_roll_call(&course, &called, "close", None)).expect(200);
    let mut both = seed::session_body(&course, "P-2", &seed::morning(2));
    both["module_id"] = serde_json::json!(course.program.common_module);
    both["cohort_ids"] = serde_json::json!([course.metallurgy, course.mechanics]);
    let joint = seed::published_session_as(&course, both);
    let (session, cohort) = (app.hex(&joint), app.hex(&course.mechanics));
    let one_less = format!("DELETE FROM session_cohorts WHERE session_id = {session} AND cohort_id = {cohort}");
    let hold = || course.coordinator.post(&format!("/sessions/{joint}/hold"), serde_json::json!({}));
    let held = beside(app.database.url(), &one_less, hold).expect(200);
    assert_eq!(held.body["cohort_ids"], serde_json::json!([course.metallurgy]));
    // What was posted is what was changed by hand; that nobody called it so is found.
    let findings = app.findings();
    assert!(matches!(&findings[..], [only] if only.starts_with("marks: ") && only.contains(&member.id)), "{findings:?}");
}

#[test]
fn an_overlap_by_hand_and_the_waiver_that_it_rests_on_do_not_pass_each_other() {
    let app = spawn_app();
    if app.database.kind() != Kind::Postgres {
        return;
    }
    let course = seed::course(&app);
    let first = seed::published_session(&course, "P-1", &seed::morning(1));
    let second = seed::session(&course, "P-2", &seed::morning(1));
    let waive = || {
        let waiver = serde_json::json!({ "other_session_id": first, "reason": "one laboratory" });
        course.coordinator.post(&format!("/sessions/{second}/waivers"), waiver).expect(201);
    };
    let (take_back, publish) = ("DELETE FROM claim_waivers", format!("UPDATE sessions SET state = 'published' WHERE id = '{second}'"));
    waive();
    let published = beside(app.database.url(), take_back, || app.database.sql(&publish));
    assert!(published.unwrap_err().contains("muster:session_conflict"));
    waive();
    let taken_back = beside(app.database.url(), &publish, || app.database.sql(take_back));
    assert!(taken_back.unwrap_err().contains("muster:waiver_in_use"));
    assert_eq!(app.findings_of("claims"), Vec::<String>::new());
}
