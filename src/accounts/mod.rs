//! Accounts: how people come to have a password, sign in with it, and out.
//!
//! A sign-in is a token of its own kind (see [`crate::access`]), which a browser holds as a cookie. A password is set with an invitation,
//! which is good once, and proven under a limit that every process counts.

mod http;
mod model;
mod passwords;
mod store;

pub use http::{ApiDoc, routes};
pub use model::{Account, InvitationId, IssuedInvitation, Password};
pub use passwords::Hasher;
pub use store::{invite, set_disabled, set_up, sweep};
