//! Settings: flag > environment > file > default. The only place that reads the environment.

use serde::Deserialize;

/// What the server needs to know.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `postgres://…`, or the path of a SQLite file. Environment: `DATABASE_URL` or `MUSTER_DATABASE_URL`.
    pub database_url: String,
    /// Address and port to listen on; port 0 takes a free one.
    pub listen: String,
    /// Threads that serve requests.
    pub workers: usize,
    /// Connections to the database for each of reading and (on Postgres) writing.
    pub connections: u32,
    /// What is logged, in the syntax of `RUST_LOG`.
    pub log: String,
}

impl Default for Settings {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            database_url: "./muster.db".to_owned(),
            listen: "127.0.0.1:8080".to_owned(),
            workers: cores,
            connections: u32::try_from(cores * 4).unwrap_or(8).clamp(4, 64),
            log: "info".to_owned(),
        }
    }
}
