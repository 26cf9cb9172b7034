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
    sync::{Arc, Mutex},
};

use diesel::{Connection as _, PgConnection, RunQueryDsl, SqliteConnection, sql_types::Text};
use tokio::sync::{Semaphore, oneshot};

pub(crate) use backend::for_backend;
pub use backend::{Target, lock, lock_row, overwrite_deleted, says_damaged, waits};
pub use backup::{Backup, backup, settle_log};
pub(crate) use examine::in_pages;
pub use examine::{durability, integrity, message_language, references, try_to_write, version};
pub(crate) use fixed::{fixed, update_each};
pub use migrate::{known as known_migrations, migrate, pending as pending_migrations};

use crate::{
    access::{self, Actor, Credentials, Scope, UserId},
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

    /// Runs `job` in one read-only snapshot on behalf of whoever `credentials` are, who on Postgres is shown no row beyond their scope,
    /// whatever the job asks for.
    ///
    /// What the actor records meanwhile (a report pulled) is journaled before the result is handed out.
    pub async fn read<T, F>(&self, credentials: Credentials, job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn, &Actor, Instant) -> Result<T, Error> + Send + 'static,
    {
        self.look(credentials, in_scope(job)).await
    }

    /// [`Db::read`] for what has to look beyond a scope to say what is in it: how a write would end, for somebody may be busy elsewhere, and
    /// who works nowhere else.
    pub async fn read_whole<T, F>(&self, credentials: Credentials, job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn, &Actor, Instant) -> Result<T, Error> + Send + 'static,
    {
        self.look(credentials, job).await
    }

    async fn look<T, F>(&self, credentials: Credentials, job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn, &Actor, Instant) -> Result<T, Error> + Send + 'static,
    {
        let refusal = Refusal::default();
        let heard = refusal.clone();
        let looked = self.reading(move |conn, now| on_behalf(conn, &credentials, now, &heard, job)).await;
        let (value, entries, stale_use) = self.unless_refused(looked, refusal).await?;
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
        self.reading(|conn, now| {
            enter_scope(conn, Scope::Everything, None, now)?;
            job(conn, now)
        })
        .await
    }

    async fn reading<T, F>(&self, job: F) -> Result<T, Error>
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
        let refusal = Refusal::default();
        let heard = refusal.clone();
        let written = self.transact(move |conn| attributed(conn, &credentials, &heard, job)).await;
        let (value, stale_use) = self.unless_refused(written, refusal).await?;
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
                writer.submit(move |conn| attributed(conn, &credentials, &Refusal::default(), job), tell)?;
                told.blocking_recv().map_err(writer::lost)?.map(|(value, _)| value)
            }
            Writers::Many(pool) => {
                pool.transaction(|conn| attributed(conn, &credentials, &Refusal::default(), job)).map(|(value, _)| value)
            }
        }
    }

    /// [`Db::read`] for the command line. What the actor records is not journaled: these reads are the operator's own.
    pub fn read_blocking<T, F>(&self, credentials: &Credentials, job: F) -> Result<T, Error>
    where
        F: FnOnce(&mut Conn, &Actor, Instant) -> Result<T, Error>,
    {
        self.readers.transaction(|conn| on_behalf(conn, credentials, clock::now(), &Refusal::default(), job)).map(|(value, _, _)| value)
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
        let pending = self.reading(|conn, _| migrate::pending(conn)).await?;
        if pending.is_empty() {
            return Ok(());
        }
        Err(Error::Unavailable(anyhow::anyhow!("the database lacks {}", counted(pending.len(), "migration"))))
    }

    /// What was done; if it was refused and that is the journal's matter, the journal has it before anybody is told.
    async fn unless_refused<T>(&self, done: Result<T, Error>, Refusal(refusal): Refusal) -> Result<T, Error> {
        let entry = refusal.lock().ok().and_then(|mut refusal| refusal.take());
        if let (Err(Error::Forbidden(_)), Some(entry)) = (&done, entry) {
            self.transact(move |conn| journal::append(conn, vec![entry])).await?;
        }
        done
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

/// What the journal is to have of a job that was refused, handed out of the transaction that leaves nothing.
#[derive(Clone, Default)]
struct Refusal(Arc<Mutex<Option<journal::Entry>>>);

impl Refusal {
    /// Runs the job, and remembers what was refused in it.
    fn hear<T>(&self, actor: &Actor, now: Instant, job: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        let done = job();
        if let (Err(_), Ok(mut refusal)) = (&done, self.0.lock()) {
            *refusal = actor.refusal(now);
        }
        done
    }
}

/// What a read comes to: its value, what the actor recorded meanwhile, and the token, if its use is due to be noted.
type Read<T> = (T, Vec<journal::Entry>, Option<access::TokenId>);

/// The job, in the scope of whoever it is done for.
fn in_scope<T, F>(job: F) -> impl FnOnce(&mut Conn, &Actor, Instant) -> Result<T, Error>
where
    F: FnOnce(&mut Conn, &Actor, Instant) -> Result<T, Error>,
{
    |conn, actor, now| {
        enter_scope(conn, actor.scope(), actor.user_id(), now)?;
        job(conn, actor, now)
    }
}

/// From here on the transaction is shown what is in this scope `now`, and what is this user's own. On SQLite there is no such wall.
fn enter_scope(conn: &mut Conn, scope: Scope, user: Option<UserId>, now: Instant) -> Result<(), Error> {
    if let Conn::Postgres(_) = conn {
        let (kind, organization, person) = scope.parts();
        let text = |id: Option<String>| id.unwrap_or_default();
        fixed(
            "SELECT set_config('muster.scope', ?, true), set_config('muster.organization', ?, true), set_config('muster.person', ?, true),
             set_config('muster.user', ?, true), set_config('muster.at', ?, true), set_config('role', ?, true)",
        )
        .bind::<Text, _>(kind.to_owned())
        .bind::<Text, _>(text(organization.map(|id| id.to_string())))
        .bind::<Text, _>(text(person.map(|id| id.to_string())))
        .bind::<Text, _>(text(user.map(|id| id.to_string())))
        .bind::<Text, _>(now.to_string())
        .bind::<Text, _>(reader(scope).to_owned())
        .execute(conn)?;
    }
    Ok(())
}

/// The role that reads in such a scope; each has policies of its own, so that a query plans no other's.
fn reader(scope: Scope) -> &'static str {
    match scope {
        Scope::Everything => "muster_reader_all",
        Scope::Provider(_) | Scope::Adviser(..) | Scope::Teacher(..) => "muster_reader_house",
        Scope::Sponsor(..) => "muster_reader_sponsored",
        Scope::Own(..) => "muster_reader_own",
    }
}

/// Resolves who asks and runs the job.
fn on_behalf<T, F>(conn: &mut Conn, credentials: &Credentials, now: Instant, refusal: &Refusal, job: F) -> Result<Read<T>, Error>
where
    F: FnOnce(&mut Conn, &Actor, Instant) -> Result<T, Error>,
{
    let actor = access::resolve(conn, credentials, now)?;
    let value = refusal.hear(&actor, now, || job(conn, &actor, now))?;
    Ok((value, actor.take_entries(now), actor.stale_use()))
}

/// Resolves who acts, runs the job and appends what it recorded.
fn attributed<T, F>(conn: &mut Conn, credentials: &Credentials, refusal: &Refusal, job: F) -> Result<(T, Option<access::TokenId>), Error>
where
    F: FnOnce(&mut Conn, &Actor, Instant) -> Result<T, Error>,
{
    let now = clock::now();
    let actor = access::resolve(conn, credentials, now)?;
    let value = refusal.hear(&actor, now, || job(conn, &actor, now))?;
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
