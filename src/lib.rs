//! Muster: training programs that one organization teaches for another, with hours that can be trusted.

pub mod access;
pub mod app;
pub mod clock;
pub mod config;
pub mod db;
pub mod error;
pub mod http;
pub mod id;
pub mod journal;
pub mod organizations;
pub mod people;
pub mod programs;
pub mod schema;
pub mod text;

pub mod intakes {
    pub type IntakeId = crate::id::Id<Intake>;
    pub struct Intake;
}
