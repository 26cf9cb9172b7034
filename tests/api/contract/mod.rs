//! Who may do what; the shape of the code, of the API document, of the migrations and of the errors.

mod access_matrix;
mod architecture;
mod bad_input;
mod errors;
mod idempotency;
mod lifecycles;
mod migrations;
mod openapi;
pub mod source;
mod statements;
