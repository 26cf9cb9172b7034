//! What a provider knows of the time of those who teach: their disciplines, when they are available, and how much they may teach.
//!
//! It is advice: the schedule warns where a session does not keep to it, and refuses none.

mod http;
mod model;
mod store;

pub use http::{ApiDoc, routes};
pub use model::{Exception, Hours, NewProfile, Profile};
pub use store::{find, forget, profiles_of, put};
