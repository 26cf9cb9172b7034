//! Accounts: how people come to have a password, sign in with it, and out.
//!
//! A sign-in is a token of its own kind (see [`crate::access`]), which a browser holds as a cookie. A password is set with an invitation,
//! which is good once, and proven under a limit that every process counts; with a second factor, for who sets one. A trainee without either
//! e-mail or password signs in by an employee number and a code that is good once.

mod hasher;
mod http;
mod model;
mod proving;
mod second_factor;
mod sign_in_code;
mod store;

pub use hasher::Hasher;
pub use http::{ApiDoc, routes};
pub use model::{Account, InvitationId, IssuedInvitation, Password};
pub use store::{forget, invite, set_disabled, set_up, sweep};
