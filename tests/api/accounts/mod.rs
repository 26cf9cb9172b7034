//! `/invitations`, `/sign-ins`, `/account`.

mod attempts;
mod browser;
mod codes;
mod invitations;
mod language;
mod passwords;
mod roles;
mod second_factors;
mod sign_ins;
