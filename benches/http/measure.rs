//! Measuring one operation on one server.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant as Moment},
};

use crate::{
    client::Connection,
    operation::{Known, Operation, Work},
    server::{Server, ticks, ticks_per_second},
    support::database::Database,
};

/// What several rounds came to.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    latencies: Vec<Duration>,
    wall: Duration,
    ticks: u64,
    /// Those of the database's own processes.
    database: u64,
    /// CPU per request of each round, the database's included, in microseconds.
    rounds: Vec<f64>,
}

impl Sample {
    pub fn requests(&self) -> usize {
        self.latencies.len()
    }

    pub fn rate(&self) -> f64 {
        self.requests() as f64 / self.wall.as_secs_f64()
    }

    /// Server CPU per request, in microseconds.
    pub fn cpu(&self) -> f64 {
        micros(self.ticks) / self.requests() as f64
    }

    /// CPU of the database's own processes per request, in microseconds.
    pub fn database(&self) -> f64 {
        micros(self.database) / self.requests() as f64
    }

    /// What one tick more or less would change in [`Sample::cpu`].
    pub fn resolution(&self) -> f64 {
        micros(1) / self.requests() as f64
    }

    /// How far the rounds lie apart, as a part of their mean.
    pub fn spread(&self) -> f64 {
        let most = self.rounds.iter().copied().fold(f64::MIN, f64::max);
        let least = self.rounds.iter().copied().fold(f64::MAX, f64::min);
        (most - least) / (self.cpu() + self.database())
    }

    /// The latency that so many of a hundred requests do not exceed, in microseconds.
    pub fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)].as_secs_f64() * 1e6
    }
}

fn micros(ticks: u64) -> f64 {
    ticks as f64 * 1e6 / ticks_per_second() as f64
}

/// How much of an operation is done in one round.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub time: Duration,
    pub requests: usize,
}

/// What is asked, and by how many at once.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    pub operation: Operation,
    pub connections: usize,
    pub known: &'a Known,
    pub server: &'a Server,
    /// Where the requests go if they go to the floor; what they say is taken from `server` all the same.
    pub floor: Option<&'a Server>,
    pub database: &'a Database,
}

/// One round more.
pub fn round(sample: &mut Sample, task: Task<'_>, bounds: Bounds) {
    let Task { operation, connections, known, server, floor, database } = task;
    let target = floor.unwrap_or(server);
    let backends = || if floor.is_some() { BTreeMap::new() } else { backends(database) };
    let begin = Barrier::new(connections + 1);
    let (latencies, wall, ticks, database) = thread::scope(|scope| {
        let begin = &begin;
        let worker = |number: usize| {
            move || {
                let mut connection = Connection::open(server.address);
                let mut work = Work::ready(operation, known, &mut connection, number);
                if floor.is_some() {
                    connection = Connection::open(target.address);
                }
                begin.wait();
                repeat(&mut work, &mut connection, floor.is_some(), Bounds { requests: bounds.requests / connections, ..bounds })
            }
        };
        let workers: Vec<_> = (0..connections).map(|number| scope.spawn(worker(number))).collect();
        let is_over = Arc::new(AtomicBool::new(false));
        for number in 0..if floor.is_some() { 0 } else { operation.writers() } {
            let is_over = Arc::clone(&is_over);
            scope.spawn(move || write(known, server, number, &is_over));
        }
        let (before, known) = (target.ticks(), backends());
        begin.wait();
        let started = Moment::now();
        let latencies: Vec<Duration> = workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect();
        let (wall, ticks) = (started.elapsed(), target.ticks() - before);
        is_over.store(true, Ordering::Relaxed);
        // One that began meanwhile did all its work here.
        let database = backends().iter().map(|(backend, ticks)| ticks - known.get(backend).unwrap_or(&0)).sum::<u64>();
        (latencies, wall, ticks, database)
    });
    sample.rounds.push(micros(ticks + database) / latencies.len() as f64);
    sample.latencies.extend(latencies);
    sample.wall += wall;
    sample.ticks += ticks;
    sample.database += database;
}

/// The CPU time that each of the database's own processes has used so far.
fn backends(database: &Database) -> BTreeMap<i32, u64> {
    database.backends().into_iter().filter_map(|backend| Some((backend, ticks(backend, "postgres")?))).collect()
}

/// Puts roll calls until told to stop.
fn write(known: &Known, server: &Server, number: usize, is_over: &AtomicBool) {
    let mut connection = Connection::open(server.address);
    let mut work = Work::ready(Operation::PutFew, known, &mut connection, number);
    while !is_over.load(Ordering::Relaxed) {
        work.once(&mut connection);
    }
}

fn repeat(work: &mut Work<'_>, connection: &mut Connection, floor: bool, bounds: Bounds) -> Vec<Duration> {
    let mut latencies = Vec::with_capacity(bounds.requests.min(100_000));
    // The floor closes nothing: one request is as good as any.
    let same = if floor { work.next() } else { None };
    let begin = Moment::now();
    while begin.elapsed() < bounds.time && latencies.len() < bounds.requests {
        let Some(request) = same.clone().or_else(|| work.next()) else {
            break;
        };
        let sent = Moment::now();
        let (status, head, _) = connection.call(&request);
        latencies.push(sent.elapsed());
        work.done(connection, (status, head), floor);
    }
    latencies
}
