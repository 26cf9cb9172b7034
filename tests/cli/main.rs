//! The binary as an operator meets it: commands, exit codes, signals. On SQLite; the API's own tests run on both databases.

#[cfg(test)]
mod admin;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod data;
#[cfg(test)]
mod import;
#[cfg(test)]
mod person;
#[cfg(test)]
mod serve;
#[cfg(test)]
mod support;
