//! A pool of connections for one purpose.

use std::{sync::Arc, time::Duration};

use diesel::{ConnectionError, r2d2};

use super::{
    Conn, Target,
    backend::{self, Purpose},
    in_transaction,
};
use crate::error::Error;

/// How long a request waits for a connection before it is told to come back later.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Clone)]
pub(super) struct Pool {
    connections: r2d2::Pool<Manager>,
    manager: Manager,
}

#[derive(Clone, Debug)]
struct Manager {
    target: Arc<Target>,
    purpose: Purpose,
}

/// A pooled connection that remembers whether it failed. Diesel's own check asks its transaction manager, which knows nothing of a
/// server that went away between two transactions.
struct Pooled {
    conn: Conn,
    failed: bool,
}

impl r2d2::ManageConnection for Manager {
    type Connection = Pooled;
    type Error = ConnectionError;

    fn connect(&self) -> Result<Pooled, ConnectionError> {
        backend::open(&self.target, self.purpose).map(|conn| Pooled { conn, failed: false })
    }

    fn is_valid(&self, _: &mut Pooled) -> Result<(), ConnectionError> {
        Ok(())
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        pooled.failed
    }
}

impl Pool {
    pub(super) fn new(target: &Arc<Target>, purpose: Purpose, size: u32) -> Self {
        let manager = Manager { target: Arc::clone(target), purpose };
        let connections = r2d2::Pool::builder()
            .max_size(size)
            .min_idle(Some(0))
            // A check at every use costs a round trip; a connection that died is found by its BEGIN instead.
            .test_on_check_out(false)
            .connection_timeout(PATIENCE)
            .build_unchecked(manager.clone());
        Self { connections, manager }
    }

    /// Runs `job` in one transaction. If a pooled connection turns out dead at BEGIN, a fresh one is tried, once.
    pub(super) fn transaction<T>(&self, job: impl FnOnce(&mut Conn) -> Result<T, Error>) -> Result<T, Error> {
        let mut pooled = self.connections.get().map_err(|error| Error::Unavailable(error.into()))?;
        let mut job = Some(job);
        let mut run = |pooled: &mut Pooled| {
            let (began, result) = in_transaction(&mut pooled.conn, |conn| match job.take() {
                Some(job) => job(conn),
                None => Err(Error::internal("a transaction ran twice")),
            });
            pooled.failed = matches!(result, Err(Error::Unavailable(_) | Error::Internal(_)));
            (began, result)
        };
        let (began, result) = run(&mut pooled);
        if began {
            return result;
        }
        *pooled = r2d2::ManageConnection::connect(&self.manager)?;
        run(&mut pooled).1
    }
}
