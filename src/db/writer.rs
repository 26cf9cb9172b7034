//! The one writer of a SQLite file: a thread that takes the jobs that wait, runs each in a savepoint of one transaction and
//! answers all of them after COMMIT. Group commit made writes five times cheaper than a commit each with `synchronous=FULL`.

use std::{
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread,
    time::{Duration, Instant as Moment},
};

use diesel::connection::SimpleConnection;
use tokio::sync::oneshot;

use super::{Conn, guarded};
use crate::error::Error;

/// A batch ends after so many jobs or so much time, whichever comes first, or when nobody waits.
const BATCH_JOBS: usize = 64;
const BATCH_TIME: Duration = Duration::from_millis(5);
/// Jobs that may wait; beyond that the answer is 503.
const QUEUE: usize = 1024;

/// Tells a job's result; called only once its batch is committed. Dropped otherwise, which tells the requester that it is lost.
type Answer = Box<dyn FnOnce() + Send>;
/// Runs against the connection; says whether its savepoint is to be kept.
type Job = Box<dyn FnOnce(&mut Conn) -> (bool, Answer) + Send>;

#[derive(Clone)]
pub(super) struct Writer {
    jobs: SyncSender<Job>,
}

impl Writer {
    pub(super) fn start(conn: Conn) -> Result<Self, Error> {
        let (jobs, waiting) = sync_channel(QUEUE);
        thread::Builder::new().name("muster-writer".to_owned()).spawn(move || write(conn, &waiting)).map_err(Error::internal)?;
        Ok(Self { jobs })
    }

    /// Queues `job`; its result is told after the COMMIT that makes it durable.
    pub(super) fn submit<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Conn) -> Result<T, Error> + Send + 'static,
        tell: oneshot::Sender<Result<T, Error>>,
    ) -> Result<(), Error> {
        let job: Job = Box::new(move |conn| {
            let result = guarded(|| job(conn));
            let keep = result.is_ok();
            // A requester that went away meanwhile does not need the answer; the work is done all the same.
            let answer: Answer = Box::new(move || drop(tell.send(result)));
            (keep, answer)
        });
        self.jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => Error::Unavailable(anyhow::anyhow!("the writer's queue of {QUEUE} is full")),
            TrySendError::Disconnected(_) => Error::Unavailable(anyhow::anyhow!("the writer has stopped")),
        })
    }
}

/// What a requester is told whose job was dropped unanswered.
pub(super) fn lost(_: oneshot::error::RecvError) -> Error {
    Error::Unavailable(anyhow::anyhow!("the batch was not committed"))
}

fn write(mut conn: Conn, waiting: &Receiver<Job>) {
    while let Ok(first) = waiting.recv() {
        match batch(&mut conn, first, waiting) {
            Ok(answers) => answers.into_iter().for_each(|answer| answer()),
            Err(error) => {
                tracing::error!(error = %error, "a batch of writes was lost");
                // Harmless if the transaction is gone already.
                drop(conn.batch_execute("ROLLBACK"));
            }
        }
    }
}

/// One transaction. Immediate, because a plain BEGIN that reads and then writes fails when another process wrote in between.
fn batch(conn: &mut Conn, first: Job, waiting: &Receiver<Job>) -> diesel::QueryResult<Vec<Answer>> {
    let started = Moment::now();
    let mut answers = Vec::new();
    let mut next = Some(first);
    conn.batch_execute("BEGIN IMMEDIATE")?;
    while let Some(job) = next {
        conn.batch_execute("SAVEPOINT job")?;
        let (keep, answer) = job(conn);
        answers.push(answer);
        // RELEASE fails if the job ended the transaction, and with that the whole batch.
        conn.batch_execute(if keep { "RELEASE job" } else { "ROLLBACK TO job; RELEASE job" })?;
        let more = answers.len() < BATCH_JOBS && started.elapsed() < BATCH_TIME;
        next = if more { waiting.try_recv().ok() } else { None };
    }
    conn.batch_execute("COMMIT")?;
    Ok(answers)
}
