//! Roll calls: who was there, for how long, and the closing that posts it to the ledger.

mod absence;
mod corrections;
mod evidence;
mod explain;
mod guests;
mod http;
mod lines;
mod meanwhile;
mod model;
mod segments;
mod store;
mod tally;

pub use corrections::{CorrectionState, LIFE_CYCLE as CORRECTION_LIFE_CYCLE};
pub use evidence::{Attendee, Found, Gathering, Join};
pub use guests::MakesUp;
pub use http::{ApiDoc, routes};
pub use model::{AttendanceCode, LIFE_CYCLE, LineSource, NewAttendance, NewRollCall, RollCall, RollCallEntry, RollCallState};
pub use segments::{NewSegment, Segment, Segments};
pub use store::corrections::verify as verify_corrections;
pub use store::evidence::{add_evidence, gather, may_gather, remove_evidence};
pub use store::leave::unlike_leave;
pub use store::marks::verify_marks;
pub use store::meanwhile::verify_presence;
pub use store::retention::{Said, forget, said_of};
pub use store::said::verify_evidence;
pub use store::standing::verify_standing;
pub use store::verify::{verify_closings, verify_postings};
pub use store::{close, close_due, due, keep_refusal, put, read, refuse_unclosed};
