//! The database: who may read and write it, and how.
//!
//! [`Db::read`] is one read-only snapshot, [`Db::write`] one transaction that ends with its journal entries, [`Db::note`] a small
//! write that is not the domain's. The actor is resolved inside the same transaction, so that rights change at once. Nothing is
//! cached between transactions: command-line tools and other processes write the same database.

mod backend;
mod backup;
mod examine;
mod fixed;
mod migrate;
mod pool;
pub mod types;
mod writer;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use diesel::{Connection as _, PgConnection, SqliteConnection};
use tokio::sync::{Semaphore, oneshot};

pub(crate) use backend::for_backend;
pub use backend::{Target, lock, lock_row, says_damaged, waits};
pub use backup::{Backup, backup, settle_log};
pub(crate) use examine::in_pages;
pub use examine::{durability, integrity, message_language, references, try_to_write, version};
pub(crate) use fixed::{fixed, update_each};
pub use migrate::{known as known_migrations, migrate, pending as pending_migrations};

use crate::{
    access::{self, Actor, Credentials},
    clock::{self, Instant},
    error::Error,
    journal,
    text::counted,
};
use pool::Pool;
use writer::Writer;

/// A connection to either database.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// Rows or ids in one statement, so that what is bound stays far from how much may be: 32,766 values on SQLite, 65,535 on Postgres.
pub const CHUNK: usize = 500;

/// How many requests may wait for or use the database at once; beyond that the answer is 503 at once.
const QUEUE: usize = 1024;

/// The handle that everything shares; cheap to clone.
#[derive(Clone)]
pub struct Db {
    target: Arc<Target>,
    readers: Pool,
    writers: Writers,
    places: Arc<Semaphore>,
}

#[derive(Clone)]
enum Writers {
    /// SQLite: one thread, group commit.
    One(Writer),
    /// Postgres.
    Many(Pool),
}

impl Db {
    /// Opens the database, with at most `connections` readers (and, on Postgres, as many writers).
    ///
    /// # Errors
    /// [`Error::Unavailable`] with the reason if it cannot be reached or runs without durability.
    pub fn open(target: Target, connections: u32) -> Result<Self, Error> {
        let target = Arc::new(target);
        // The first connection is made here, so that a wrong address or setting is said at start.
        let first = backend::open(&target, backend::Purpose::Write)?;
        let writers = match &*target {
            Target::Sqlite(_) => Writers::One(Writer::start(first)?),
            Target::Postgres(_) => Writers::Many(Pool::new(&target, backend::Purpose::Write, connections)),
        };
        let readers = Pool::new(&target, backend::Purpose::Read, connections);
        Ok(Self { target, readers, writers, places: Arc::new(Semaphore::new(QUEUE)) })
    }

    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Runs `job` in one read-only snapshot on behalf of whoever `credentials` are.
    ///
    /// What the actor records meanwhile (a report pulled) is journaled before the result is handed out.
    pub async fn read<T, F>(&self, credentials: Credentials, job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn, &Actor, Instant) -> Result<T, Error> + Send + 'static,
    {
        let (value, entries, stale_use) = self.snapshot(move |conn, now| on_behalf(conn, &credentials, now, job)).await?;
        if let Some(token) = stale_use {
            self.note(move |conn| access::note_use(conn, token, clock::now()));
        }
        if !entries.is_empty() {
            self.transact(move |conn| journal::append(conn, entries)).await?;
        }
        Ok(value)
    }

    /// Runs `job` in one read-only snapshot on behalf of nobody: for what asks no right, or asks for one that is no actor's.
    pub async fn snapshot<T, F>(&self, job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn, Instant) -> Result<T, Error> + Send + 'static,
    {
        let place = self.place()?;
        let readers = self.readers.clone();
        tokio::task::spawn_blocking(move || {
            let _place = place;
            readers.transaction(|conn| job(conn, clock::now()))
        })
        .await
        .map_err(Error::internal)?
    }

    /// Runs `job` in one transaction; its journal entries are that transaction's last statement.
    pub async fn write<T, F>(&self, credentials: Credentials, job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn, &Actor, Instant) -> Result<T, Error> + Send + 'static,
    {
        let (value, stale_use) = self.transact(move |conn| attributed(conn, &credentials, job)).await?;
        if let Some(token) = stale_use {
            self.note(move |conn| access::note_use(conn, token, clock::now()));
        }
        Ok(value)
    }

    /// [`Db::write`] for the command line, which has no runtime.
    pub fn write_blocking<T, F>(&self, credentials: Credentials, job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn, &Actor, Instant) -> Result<T, Error> + Send + 'static,
    {
        match &self.writers {
            Writers::One(writer) => {
                let (tell, told) = oneshot::channel();
                writer.submit(move |conn| attributed(conn, &credentials, job), tell)?;
                told.blocking_recv().map_err(writer::lost)?.map(|(value, _)| value)
            }
            Writers::Many(pool) => pool.transaction(|conn| attributed(conn, &credentials, job)).map(|(value, _)| value),
        }
    }

    /// [`Db::read`] for the command line. What the actor records is not journaled: these reads are the operator's own.
    pub fn read_blocking<T, F>(&self, credentials: &Credentials, job: F) -> Result<T, Error>
    where
        F: FnOnce(&mut Conn, &Actor, Instant) -> Result<T, Error>,
    {
        self.readers.transaction(|conn| on_behalf(conn, credentials, clock::now(), job)).map(|(value, _, _)| value)
    }

    /// One read-only snapshot for `muster verify`, on a connection of its own: it may take longer than a request may.
    pub fn examine<T>(&self, job: impl FnOnce(&mut Conn) -> Result<T, Error>) -> Result<T, Error> {
        in_transaction(&mut backend::open(&self.target, backend::Purpose::Examine)?, job).1
    }

    /// A write that is not the domain's (last use of a token): nobody waits for it, and losing it is harmless.
    pub fn note(&self, job: impl FnOnce(&mut Conn) -> Result<(), Error> + Send + 'static) {
        let db = self.clone();
        actix_web::rt::spawn(async move {
            if let Err(error) = db.transact(job).await {
                tracing::warn!(error = ?error, "a note was not written");
            }
        });
    }

    /// Runs `job` in one transaction on behalf of nobody, for what is not the domain's and yet has to be there before the work goes on.
    pub async fn keep<T, F>(&self, job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn, Instant) -> Result<T, Error> + Send + 'static,
    {
        self.transact(|conn| job(conn, clock::now())).await
    }

    /// The migrations that the database lacks, for the command line.
    pub fn pending_migrations(&self) -> Result<Vec<String>, Error> {
        self.readers.transaction(migrate::pending)
    }

    /// Whether the database answers and has all migrations.
    pub async fn is_ready(&self) -> Result<(), Error> {
        let pending = self.snapshot(|conn, _| migrate::pending(conn)).await?;
        if pending.is_empty() {
            return Ok(());
        }
        Err(Error::Unavailable(anyhow::anyhow!("the database lacks {}", counted(pending.len(), "migration"))))
    }

    async fn transact<T, F>(&self, job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T, Error> + Send + 'static,
    {
        let place = self.place()?;
        match &self.writers {
            Writers::One(writer) => {
                let (tell, told) = oneshot::channel();
                writer.submit(job, tell)?;
                let answer = told.await.map_err(writer::lost)?;
                drop(place);
                answer
            }
            Writers::Many(pool) => {
                let pool = pool.clone();
                tokio::task::spawn_blocking(move || {
                    let _place = place;
                    pool.transaction(job)
                })
                .await
                .map_err(Error::internal)?
            }
        }
    }

    fn place(&self) -> Result<tokio::sync::OwnedSemaphorePermit, Error> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| Error::Unavailable(anyhow::anyhow!("the queue of {QUEUE} is full")))
    }
}

/// What a read comes to: its value, what the actor recorded meanwhile, and the token, if its use is due to be noted.
type Read<T> = (T, Vec<journal::Entry>, Option<access::TokenId>);

/// Resolves who asks and runs the job.
fn on_behalf<T, F>(conn: &mut Conn, credentials: &Credentials, now: Instant, job: F) -> Result<Read<T>, Error>
where
    F: FnOnce(&mut Conn, &Actor, Instant) -> Result<T, Error>,
{
    let actor = access::resolve(conn, credentials, now)?;
    let value = job(conn, &actor, now)?;
    Ok((value, actor.take_entries(now), actor.stale_use()))
}

/// Resolves who acts, runs the job and appends what it recorded.
fn attributed<T, F>(conn: &mut Conn, credentials: &Credentials, job: F) -> Result<(T, Option<access::TokenId>), Error>
where
    F: FnOnce(&mut Conn, &Actor, Instant) -> Result<T, Error>,
{
    let now = clock::now();
    let actor = access::resolve(conn, credentials, now)?;
    let value = job(conn, &actor, now)?;
    journal::append(conn, actor.take_entries(now))?;
    Ok((value, actor.stale_use()))
}

/// Turns a panic of `job` into an internal error, so that one bad request takes nobody else down.
fn guarded<T>(job: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|panic| {
        let what = panic.downcast_ref::<&str>().map(ToString::to_string).or_else(|| panic.downcast_ref::<String>().cloned());
        Err(Error::internal(format!("a job panicked: {}", what.unwrap_or_default())))
    })
}

/// One transaction on `conn`; also says whether it began at all.
#[expect(clippy::disallowed_methods, reason = "the one place where transactions begin")]
fn in_transaction<T>(conn: &mut Conn, job: impl FnOnce(&mut Conn) -> Result<T, Error>) -> (bool, Result<T, Error>) {
    let mut began = false;
    let result = conn.transaction(|conn| {
        began = true;
        guarded(|| job(conn))
    });
    (began, result)
}
