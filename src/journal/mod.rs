//! The journal: who changed what, when, from what, to what, why; written in the transaction that changes it.
//!
//! Entries are appended without any writer waiting for a chain head. Whoever reads the journal first *seals* it: every visible entry
//! without a position gets the next one, and a hash over itself and the hash before. Positions are gapless, never change and agree with
//! cause and effect, because `seq` is drawn by the last statement of the writing transaction.

mod http;
mod model;
mod store;

pub use http::{ApiDoc, routes};
pub use model::{Entry, EntryFilter, NewEntry, SealedEntry};
pub use store::{append, list, seal, verify};
