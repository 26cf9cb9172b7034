//! The schedule: sessions of an intake, what they occupy, and how each was held.

mod conflicts;
mod http;
mod links;
mod model;
mod preview;
mod rules;
mod steps;
mod store;
mod waivers;

pub use http::{ApiDoc, routes, transitions};
pub use model::{
    Held, Instructor, NewHold, NewSession, NewWaiver, Session, SessionId, SessionPatch, SessionRow, SessionState, SessionTransition, Waiver,
};
pub use preview::{Proposal, obstacles};
pub use steps::{cancel_unheld, hold, publish};
pub use store::{check_within, create_many, find, of_intake, remove_many, update};
pub use waivers::waive;
