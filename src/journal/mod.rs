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
pub use model::{Entry, EntryFilter, EntryId, Head, NewEntry, SealedEntry};
pub use store::{Gone, Told, append, erased_by, forget, head, seal, told, unlike, verify, verify_head};

use crate::{
    access::{Actor, Credentials},
    clock::Instant,
    db::{Conn, Db},
    error::Error,
};

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

/// Reads what held at an instant: `read` is told the last position that counts by then. Once told, it is so for ever; an instant that is asked
/// for the first time is sealed up to.
///
/// # Errors
/// 400 for an instant in the future; what `read` refuses.
pub async fn read_as_of<T, F>(db: &Db, credentials: Credentials, at: Instant, read: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: Fn(&mut Conn, &Actor, i64) -> Result<T, Error> + Clone + Send + 'static,
{
    loop {
        let read = read.clone();
        let work = move |conn: &mut Conn, actor: &Actor, _| match store::position_at(conn, at)? {
            Some(position) => read(conn, actor, position).map(Some),
            // Whoever may not read has nothing sealed.
            None => read(conn, actor, 0).map(|_| None),
        };
        if let Some(found) = db.read(credentials.clone(), work).await? {
            return Ok(found);
        }
        while db.write(Credentials::Operator, move |conn, _, now| store::seal_until(conn, now, at)).await? {}
    }
}
