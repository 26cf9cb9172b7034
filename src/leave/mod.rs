//! Leave: asked for by or for trainees, endorsed, and granted by a coordinator. What is missed within it is authorized absence.

mod http;
mod model;
mod store;

pub use http::{ApiDoc, routes};
pub use model::{GrantedLeave, LIFE_CYCLE, LeaveRequest, LeaveRequestId, LeaveState};
pub use store::granted::{granted_in, granted_to};
pub use store::retention::{forget, own_of};
pub use store::verify::verify;
