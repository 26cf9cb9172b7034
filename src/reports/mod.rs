//! Reports: what the ledger says of an intake and of one enrollment so far. Reads rollups and other rooms' tables, writes nothing.

mod csv;
mod explain;
mod http;
mod model;
mod parts;
mod store;

pub use http::{ApiDoc, routes};
pub use model::{Asked, Format, IntakeProgress, ProgressRow, Split, Totals};
pub use store::{Pulled, enrollment_progress, intake_progress};
