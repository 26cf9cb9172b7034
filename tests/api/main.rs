//! The API from outside: a real server on a free port, a database of its own for each test, one client for each role.
//!
//! `organizations/create.rs` tests `POST /organizations`: the address of a test follows from the URL. What belongs to no URL is in
//! `contract/` (the shape of the code and of the API) and `database/` (what the database itself refuses or survives).
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value that is not there gives null, and the assertion says so")]
#![expect(unreachable_pub, reason = "in a test binary every `pub` is unreachable; `pub` still says what a module offers")]

mod access;
mod accounts;
mod attendance;
mod calendars;
mod contract;
mod database;
mod demo;
mod enrollments;
mod feeds;
mod imports;
mod instructors;
mod intakes;
mod journal;
mod leave;
mod ledger;
mod organizations;
mod people;
mod programs;
mod reports;
mod retention;
mod rooms;
mod schedule;
mod slice;
mod support;
