//! Calendar feeds: schedules that phones and calendar programs subscribe to, at secret addresses that can be revoked.

mod calendar;
mod http;
mod model;
mod store;
mod timezone;

pub use http::{ApiDoc, routes};
pub use model::{Feed, FeedId, FeedKind, NewFeed, Subject, SubjectId};
pub use store::of_maker;
pub use store::retention::{end_all, ever_of};
pub use store::verify::verify;
