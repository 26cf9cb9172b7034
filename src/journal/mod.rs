//! The journal: who changed what, when, from what, to what, why; written in the transaction that changes it.
//!
//! Entries are appended without any writer waiting for a chain head. Whoever reads the journal first *seals* it: every visible entry
//! without a position gets the next one, and a hash over itself and the hash before. The server does so from time to time as well, so
//! that little is left to the reader. Positions are gapless, never change and agree with
//! cause and effect, because `seq` is drawn by the last statement of the writing transaction.

mod http;
mod model;
mod store;

pub use http::{ApiDoc, routes};
pub use model::{Entry, EntryFilter, EntryId, NewEntry, SealedEntry};
pub use store::{append, position_at, seal, unlike, verify};

use crate::{access::Credentials, clock::Instant, db::Db, error::Error};

/// Seals everything that waits, a batch in each transaction.
pub async fn seal_all(db: &Db) -> Result<(), Error> {
    while db.write(Credentials::Operator, |conn, _, now| seal(conn, now)).await? {}
    Ok(())
}

/// [`seal_all`] for the command line, which has no runtime.
pub fn seal_all_blocking(db: &Db) -> Result<(), Error> {
    while db.write_blocking(Credentials::Operator, |conn, _, now| seal(conn, now))? {}
    Ok(())
}

/// [`seal_all`], after which [`position_at`] knows what counted at an instant.
///
/// # Errors
/// 400 for an instant in the future.
pub async fn seal_until(db: &Db, at: Instant) -> Result<(), Error> {
    while db.write(Credentials::Operator, move |conn, _, now| store::seal_until(conn, now, at)).await? {}
    Ok(())
}
