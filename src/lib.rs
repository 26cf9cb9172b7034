//! Muster: training programs that one organization teaches for another, with hours that can be trusted.

pub mod access;
pub mod app;
pub mod attendance;
pub mod cli;
pub mod clock;
pub mod config;
pub mod db;
pub mod enrollments;
pub mod error;
pub mod http;
pub mod id;
pub mod imports;
pub mod intakes;
pub mod journal;
pub mod ledger;
pub mod organizations;
pub mod people;
pub mod programs;
pub mod reports;
pub mod schedule;
pub mod schema;
pub mod tabular;
pub mod text;
