//! The hour ledger: immutable postings, and the balances that are their sums.

mod http;
mod model;
mod store;

pub use http::{ApiDoc, routes};
pub use model::{Balance, EntryKind, HourEntry, HourEntryId, Posting};
pub use store::{Closing, post_closing, verify};
