//! Measuring one operation on one server.

use std::{
    sync::Barrier,
    thread,
    time::{Duration, Instant as Moment},
};

use crate::{
    client::Connection,
    operation::{Known, Operation, Work},
    server::{Server, ticks_per_second},
};

/// What several rounds came to.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    latencies: Vec<Duration>,
    wall: Duration,
    ticks: u64,
    /// CPU per request of each round, in microseconds.
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

    /// What one tick more or less would change in [`Sample::cpu`].
    pub fn resolution(&self) -> f64 {
        micros(1) / self.requests() as f64
    }

    /// How far the rounds lie apart, as a part of their mean.
    pub fn spread(&self) -> f64 {
        let most = self.rounds.iter().copied().fold(f64::MIN, f64::max);
        let least = self.rounds.iter().copied().fold(f64::MAX, f64::min);
        (most - least) / self.cpu()
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

/// One round more: repeats `operation` on so many connections.
///
/// `floor` is where the requests go if they go to the floor; what they say is taken from `server` all the same.
pub fn round(
    sample: &mut Sample,
    operation: Operation,
    connections: usize,
    known: &Known,
    server: &Server,
    floor: Option<&Server>,
    bounds: Bounds,
) {
    let target = floor.unwrap_or(server);
    let begin = Barrier::new(connections + 1);
    let (latencies, wall, ticks) = thread::scope(|scope| {
        let begin = &begin;
        let workers: Vec<_> = (0..connections)
            .map(|number| {
                let share = bounds.requests / connections;
                scope.spawn(move || {
                    let mut connection = Connection::open(server.address);
                    let mut work = Work::ready(operation, known, &mut connection, number);
                    if floor.is_some() {
                        connection = Connection::open(target.address);
                    }
                    begin.wait();
                    repeat(&mut work, &mut connection, floor.is_some(), Bounds { requests: share, ..bounds })
                })
            })
            .collect();
        let before = target.ticks();
        begin.wait();
        let started = Moment::now();
        let latencies: Vec<Duration> = workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect();
        (latencies, started.elapsed(), target.ticks() - before)
    });
    sample.rounds.push(micros(ticks) / latencies.len() as f64);
    sample.latencies.extend(latencies);
    sample.wall += wall;
    sample.ticks += ticks;
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
