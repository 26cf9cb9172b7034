//! The hour ledger: immutable postings, and the balances that are their sums.

mod http;
mod make_ups;
mod model;
mod store;

pub use http::{ApiDoc, routes};
pub use model::{Balance, EntryKind, HourEntry, HourEntryId, Tally};
pub use store::make_ups::verify_make_ups;
pub use store::{Closing, post_closing, verify};
