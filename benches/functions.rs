//! What the rooms' functions cost by themselves, inside one transaction and without its commit, on both databases.
//!
//!     cargo bench --bench functions
//!     TEST_POSTGRES_URL=postgres://muster@127.0.0.1/bench cargo bench --bench functions
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a bench stops at the first thing that is wrong, and is told where to run"
)]
#![expect(unreachable_pub, dead_code, reason = "nothing depends on a bench; the other one needs the rest of the support")]

mod support;

use std::{
    sync::mpsc,
    time::{Duration, Instant as Moment},
};

use actix_web::{FromRequest, dev::Payload, test::TestRequest};
use criterion::{Bencher, Criterion};
use muster::{
    access::{Actor, Credentials},
    attendance,
    clock::Instant,
    db::{Conn, Db},
    error::Error,
    http::{Caller, Change},
    imports::{self, Options},
    journal,
    reports::{self, Asked, Format, Pulled},
};
use support::{
    database::{Database, Place},
    roster,
    seed::{self, Seeded},
};

/// Roll calls that are prepared and closed in one transaction.
const BATCH: u64 = 200;

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4))
        .configure_from_args();
    on(&mut criterion, &Place::Sqlite(None));
    match std::env::var("TEST_POSTGRES_URL") {
        Ok(server) => on(&mut criterion, &Place::Postgres(server)),
        Err(_) => println!("Postgres is left out: TEST_POSTGRES_URL names no server"),
    }
    criterion.final_summary();
}

fn on(criterion: &mut Criterion, place: &Place) {
    let database = Database::create(place);
    let seeded = seed::seed(&database.open(), 1, (0, 0), |_| ());
    database.settle();
    let db = database.open();
    let mut group = criterion.benchmark_group(place.name());
    group.bench_function("put a roll call of 61, all lines change", |bencher| put(bencher, &db, &seeded, 1));
    group.bench_function("put a roll call of 61, few lines change", |bencher| put(bencher, &db, &seeded, 16));
    group.bench_function("close a roll call of 61", |bencher| close(bencher, &db, &seeded));
    group.bench_function("progress of 244 rows as JSON", |bencher| progress(bencher, &db, &seeded));
    // A hundred thousand rows in all take long enough.
    group.sample_size(10);
    group.bench_function("read a roster of 10,000 rows", |bencher| {
        let workbook = roster::workbook();
        bencher.iter(|| imports::read_table("roster.xlsx", &workbook).unwrap());
    });
    group.bench_function("import a roster of 10,000 rows, dry run", |bencher| import(bencher, &db, &seeded, true));
    group.bench_function("import a roster of 10,000 rows", |bencher| import(bencher, &db, &seeded, false));
    group.finish();
}

/// The time that `work` says it took, in a transaction that is rolled back.
fn rolled_back(db: &Db, work: impl FnOnce(&mut Conn, &Actor, Instant) -> Result<Duration, Error> + Send + 'static) -> Duration {
    let (tell, told) = mpsc::channel();
    let undone = db.write_blocking(Credentials::Operator, move |conn, actor, now| {
        tell.send(work(conn, actor, now)?).unwrap();
        Err::<(), _>(Error::Stale)
    });
    assert!(matches!(undone, Err(Error::Stale)), "{undone:?}");
    told.recv().unwrap()
}

/// Puts two roll calls in turn, with the journal entry. Where few lines change, about four do; else all but one in three.
fn put(bencher: &mut Bencher<'_>, db: &Db, seeded: &Seeded, rarity: usize) {
    let class = seeded.classes[0].clone();
    bencher.iter_custom(|times| {
        let class = class.clone();
        rolled_back(db, move |conn, actor, now| {
            let rolls = [seed::roll(&class, rarity, 0), seed::roll(&class, rarity, 1)];
            attendance::put(conn, actor, now, None, class.session, &rolls[1])?;
            let begin = Moment::now();
            for turn in 0..times {
                attendance::put(conn, actor, now, None, class.session, &rolls[usize::from(turn % 2 == 1)])?;
                journal::append(conn, actor.take_entries(now))?;
            }
            Ok(begin.elapsed())
        })
    });
}

/// Closes roll calls that were never closed: the posting to the ledger, both balances, and the journal entry.
fn close(bencher: &mut Bencher<'_>, db: &Db, seeded: &Seeded) {
    let spare = seeded.spare;
    bencher.iter_custom(|times| {
        let batch = |number: u64| {
            let size = usize::try_from(BATCH.min(times - number * BATCH)).unwrap();
            rolled_back(db, move |conn, actor, now| {
                let sessions = seed::prepare(conn, actor, now, spare, 0..size)?;
                journal::append(conn, actor.take_entries(now))?;
                let begin = Moment::now();
                for session in sessions {
                    attendance::close(conn, actor, now, session, &Change::default())?;
                    journal::append(conn, actor.take_entries(now))?;
                }
                Ok(begin.elapsed())
            })
        };
        (0..times.div_ceil(BATCH)).map(batch).sum()
    });
}

/// The report of the coordinator, from the query to the JSON text.
fn progress(bencher: &mut Bencher<'_>, db: &Db, seeded: &Seeded) {
    let coordinator = Credentials::Bearer(seeded.coordinator.clone());
    let authorization = ("authorization", format!("Bearer {}", seeded.coordinator.expose()));
    let request = TestRequest::get().uri("/api/v1/progress").insert_header(authorization).to_http_request();
    let caller = Caller::from_request(&request, &mut Payload::None).into_inner().unwrap();
    let asked = Asked { format: Format::Json, by: None };
    bencher.iter_custom(|times| {
        db.read_blocking(&coordinator, |conn, actor, now| {
            let begin = Moment::now();
            for _ in 0..times {
                let Pulled::Report(_, report) = reports::intake_progress(conn, actor, now, &caller, seeded.intake, asked)? else {
                    return Err(Error::internal("the report was not made"));
                };
                assert_eq!(report.rows.len(), 4 * seed::CLASS);
                std::hint::black_box(serde_json::to_string(&report).map_err(Error::internal)?);
                drop(actor.take_entries(now));
            }
            Ok(begin.elapsed())
        })
        .unwrap()
    });
}

/// What becomes of a roster that has been read, and unless it is a dry run its rows with their journal entries.
fn import(bencher: &mut Bencher<'_>, db: &Db, seeded: &Seeded, dry_run: bool) {
    let file = imports::read_table("roster.xlsx", &roster::workbook()).unwrap();
    let intake = seeded.vacant;
    bencher.iter_custom(|times| {
        let once = |_| {
            let file = file.clone();
            rolled_back(db, move |conn, actor, now| {
                let begin = Moment::now();
                let report = imports::import_roster(conn, actor, now, intake, &file, &Options { dry_run, ..Options::default() })?;
                journal::append(conn, actor.take_entries(now))?;
                assert_eq!(report.committed, !dry_run, "{:?}", report.counts);
                Ok(begin.elapsed())
            })
        };
        (0..times).map(once).sum()
    });
}
