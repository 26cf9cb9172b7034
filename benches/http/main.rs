//! What requests cost: the release binary on seeded databases beside a static handler that answers the same bytes, in one run.
//!
//!     cargo bench --bench http
//!     TEST_POSTGRES_URL=postgres://muster@127.0.0.1/bench cargo bench --bench http
//!     cargo bench --bench http -- --seconds 6 --intakes 1,10 --database-url /mnt/disk
//!
//! All servers run at once and are asked in turn, round by round, so that whatever else the machine does meets all of them alike.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench stops at the first thing that is wrong")]
#![expect(unreachable_pub, dead_code, reason = "nothing depends on a bench; the other one needs the rest of the support")]

mod client;
mod measure;
mod operation;
mod server;
#[path = "../support/mod.rs"]
mod support;
mod table;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant as Moment},
};

use clap::Parser;
use client::Connection;
use measure::{Bounds, Sample, Task, round};
use operation::{Known, Operation, Work};
use server::Server;
use support::{
    database::{Database, Place},
    roster, seed,
};
use table::{Memory, Row};

/// Each figure is the sum of so many rounds.
const ROUNDS: u32 = 3;
const CONNECTIONS: [usize; 2] = [1, 8];

#[derive(Debug, Parser)]
struct Args {
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
    /// Seconds for each figure
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// How many intakes the databases hold, the measured one among them
    #[arg(long, value_delimiter = ',', default_value = "1,50")]
    intakes: Vec<usize>,
    /// Measure on this alone: a Postgres database, or the folder for SQLite files
    #[arg(long)]
    database_url: Option<String>,
    /// The Postgres database for the second pass
    #[arg(long, env = "TEST_POSTGRES_URL")]
    postgres: Option<String>,
    /// Roll calls that are submitted, and then closed, for each figure
    #[arg(long, default_value_t = 480)]
    closings: usize,
    /// Publications of 134 sessions for each figure
    #[arg(long, default_value_t = 24)]
    publications: usize,
    /// Only the operations whose names contain one of these
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    #[arg(long, hide = true, requires = "status")]
    floor: Option<PathBuf>,
    #[arg(long, hide = true)]
    status: Option<u16>,
}

fn main() {
    // `cargo test --benches` starts this too, and is not told anything by it.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let args = Args::parse();
    if let (Some(body), Some(status)) = (&args.floor, args.status) {
        return server::serve_floor(status, body);
    }
    for place in places(&args) {
        measured(&args, &place);
    }
    if args.database_url.is_none() && args.postgres.is_none() {
        println!("\nPostgres is left out: TEST_POSTGRES_URL names no server");
    }
}

fn places(args: &Args) -> Vec<Place> {
    match &args.database_url {
        Some(url) if url.starts_with("postgres") => vec![Place::Postgres(url.clone())],
        Some(folder) => vec![Place::Sqlite(Some(folder.clone()))],
        None => std::iter::once(Place::Sqlite(None)).chain(args.postgres.clone().map(Place::Postgres)).collect(),
    }
}

/// A seeded database and the server on it.
struct Stand {
    intakes: usize,
    known: Known,
    server: Server,
    idle: f64,
    database: Database,
}

impl Stand {
    fn task(&self, operation: Operation, connections: usize) -> Task<'_> {
        Task { operation, connections, known: &self.known, server: &self.server, floor: None, database: &self.database }
    }
}

fn stand(args: &Args, place: &Place, intakes: usize) -> Stand {
    let database = Database::create(place);
    let begin = Moment::now();
    // Beside those that are counted: warming up, and the one whose answer the floor repeats.
    let closings = CONNECTIONS.len() * (args.closings + 64) + 64;
    let publications = CONNECTIONS.len() * (args.publications + 8) + 8;
    let seeded = seed::seed(&database.open(), intakes, (closings, publications), |done| {
        if done % 10 == 0 || done == intakes {
            println!("{}: {done} of {intakes} intakes after {:.0} s", place.name(), begin.elapsed().as_secs_f64());
        }
    });
    std::thread::sleep(Duration::from_millis(200));
    database.settle();
    let server = Server::muster(database.url());
    std::thread::sleep(Duration::from_millis(300));
    let idle = server.resident();
    Stand { intakes, known: Known::new(seeded), server, idle, database }
}

fn measured(args: &Args, place: &Place) {
    let stands: Vec<Stand> = args.intakes.iter().map(|intakes| stand(args, place, *intakes)).collect();
    let folder = tempfile::tempdir().unwrap();
    let mut rows = Vec::new();
    let asked = |operation: &Operation| args.only.is_empty() || args.only.iter().any(|part| operation.name().contains(part.as_str()));
    for operation in Operation::ALL.into_iter().filter(asked) {
        let floor = floor(operation, &stands[0], folder.path());
        for connections in CONNECTIONS {
            rows.push(row(args, operation, connections, &floor, &stands));
        }
    }
    let memory = stands.iter().map(|stand| Memory { intakes: stand.intakes, idle: stand.idle, loaded: stand.server.resident() });
    table::print(place.name(), &args.intakes, &rows, &memory.collect::<Vec<_>>());
    for stand in &stands {
        import(stand, folder.path());
    }
}

/// The static handler for what a server answers to `operation`.
fn floor(operation: Operation, stand: &Stand, folder: &Path) -> Server {
    let mut connection = Connection::open(stand.server.address);
    let answer = Work::ready(operation, &stand.known, &mut connection, 0).once(&mut connection).unwrap();
    let body = folder.join("body");
    fs::write(&body, &answer.body).unwrap();
    Server::floor(answer.status, &body)
}

fn row(args: &Args, operation: Operation, connections: usize, floor: &Server, stands: &[Stand]) -> Row {
    // What each request uses up: how many there are for a figure, and for warming up.
    let used_up = match operation {
        Operation::Submit | Operation::Close => Some((args.closings, 16)),
        Operation::Publish => Some((args.publications, 8)),
        _ => None,
    };
    let time = Duration::from_secs_f64(args.seconds) / ROUNDS;
    let requests = used_up.map_or(usize::MAX, |(prepared, _)| prepared / usize::try_from(ROUNDS).unwrap());
    let bounds = Bounds { time: if used_up.is_some() { time * 10 } else { time }, requests };
    let warming = Bounds { time: time / 5, requests: used_up.map_or(usize::MAX, |(_, warming)| warming) };
    let mut still = Sample::default();
    let mut samples = vec![Sample::default(); stands.len()];
    for turn in 0..=ROUNDS {
        let bounds = if turn == 0 { warming } else { bounds };
        let (mut cold, mut colds) = (Sample::default(), vec![Sample::default(); stands.len()]);
        let (still, samples) = if turn == 0 { (&mut cold, &mut colds) } else { (&mut still, &mut samples) };
        let free = Bounds { time: bounds.time.min(time), requests: usize::MAX };
        round(still, Task { floor: Some(floor), ..stands[0].task(operation, connections) }, free);
        for (stand, sample) in stands.iter().zip(samples) {
            round(sample, stand.task(operation, connections), bounds);
        }
    }
    Row { operation, connections, floor: still, samples }
}

/// How long `muster import` takes for a roster of 10,000 rows, from the start of the process to its end.
fn import(stand: &Stand, folder: &Path) {
    let file = folder.join("roster.xlsx");
    fs::write(&file, roster::workbook()).unwrap();
    let begin = Moment::now();
    let imported = server::command()
        .args(["--json", "--database-url", stand.database.url(), "import", "roster"])
        .arg(&file)
        .args(["--intake", roster::INTAKE])
        .output()
        .unwrap();
    let taken = begin.elapsed().as_secs_f64();
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stdout));
    println!("roster of {} rows imported with {} intakes: {taken:.1} s", roster::ROWS, stand.intakes);
}
