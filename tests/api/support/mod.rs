//! What every test uses. A test is a plain `#[test]` function:
//!
//! ```ignore
//! let app = spawn_app();
//! let reply = app.administrator().post("/organizations", json!({"code": "USTB", "name": "USTB", "kind": "university"}));
//! assert_json_snapshot!(reply.expect(201).redacted());
//! ```

mod account;
mod app;
mod client;
mod course;
mod database;
mod random;
pub mod seed;
pub mod statements;
mod tests;

pub use account::{Device, Invited, PASSWORD};
pub use app::{App, TokenOptions, spawn_app, spawn_app_at, spawn_app_with};
pub use client::{Client, Reply, assert_winners, at_once, redacted, rounds};
pub use database::{Kind, TestDatabase, variable};
pub use random::{Random, operations, soaking};
