//! The hour ledger: immutable postings, and the balances that are their sums.

mod carrying;
mod explain;
mod foresight;
mod http;
mod make_ups;
mod model;
mod store;

pub use explain::Amount;
pub use foresight::{Foreseen, Uncovered};
pub use http::{ApiDoc, routes};
pub use model::{Balance, CarriedHours, EntryKind, HourEntry, HourEntryId, Tally};
pub use store::carrying::{carry_in, hold, verify_carried};
pub use store::explain::standing_entries;
pub use store::foresight::foresee;
pub use store::hours::balance;
pub use store::make_ups::verify_make_ups;
pub use store::retention::forget;
pub use store::{Closing, post_closing, verify};
