//! The shape of the code, of the API document, of the migrations and of the errors.

mod architecture;
mod errors;
mod idempotency;
mod migrations;
mod openapi;
mod source;
