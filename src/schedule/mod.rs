//! The schedule: sessions of an intake, what they occupy, and how each was held.

mod advice;
mod candidates;
mod changes;
mod conflicts;
mod expected;
mod http;
mod model;
mod occurrences;
mod overlaps;
mod placements;
mod plan;
mod proposals;
mod rules;
mod series;
mod store;

pub use conflicts::{Conflict, Severity};
pub use http::{ApiDoc, routes, transitions};
pub use model::{
    Cursor, Held, Instructor, LIFE_CYCLE, NewWaiver, SeriesId, SeriesRow, Session, SessionId, SessionRow, SessionState, SessionTransition,
    Waiver,
};
pub use plan::{NewHold, NewSession, SessionPatch};
pub use store::held::hold;
pub use store::links::whole;
pub use store::moves::update_many;
pub use store::places::{room_changed, to_come_in};
pub use store::plan::refuse_below_scheduled;
pub use store::preview::{Judged, Judgement, Proposal, judged};
pub use store::retention::{forget, taught_in, to_be_taught_by};
pub use store::series::verify_series;
pub use store::steps::{cancel_unheld, publish, refuse_unheld};
pub use store::verify::{verify_changes, verify_claims, verify_plan, verify_sessions, verify_waivers};
pub use store::waivers::waive;
pub use store::{
    Scheduled, begins_at, by_code, called, check_within, create_many, find, finishes_at, is_announced, of_intake, remove_many, seen_of,
    visible,
};
