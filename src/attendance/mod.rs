//! Roll calls: who was there, for how long, and the closing that posts it to the ledger.

mod guests;
mod http;
mod model;
mod segments;
mod store;

pub use guests::MakesUp;
pub use http::{ApiDoc, routes};
pub use model::{AttendanceCode, LIFE_CYCLE, NewAttendance, NewRollCall, RollCall, RollCallEntry, RollCallState};
pub use segments::{NewSegment, Segment, Segments};
pub use store::marks::verify_marks;
pub use store::verify::{verify_closings, verify_postings};
pub use store::{close, put, read, refuse_unclosed};
