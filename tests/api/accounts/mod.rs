//! `/invitations`, `/sign-ins`, `/account`.

mod attempts;
mod browser;
mod invitations;
mod passwords;
mod roles;
mod sign_ins;
