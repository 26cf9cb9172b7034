//! Rooms and online places: where sessions take place, one at a time.

mod http;
mod model;
mod store;

pub use http::{ApiDoc, routes};
pub use model::{NewRoom, Room, RoomId, RoomKind, RoomPatch};
pub use store::{check_all, create, find, list, of_provider, update};
