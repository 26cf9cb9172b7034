//! Files made to stop a process: each is refused within 64 MiB beyond its own bytes, and in less time than the largest
//! table is read. `cargo test --test hostile -- --nocapture --test-threads=1` prints the figures.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at what it did not expect")]

mod archives;
mod damaged;
mod parts;
mod support;
mod texts;
