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
pub mod intakes;
pub mod journal;
pub mod ledger;
pub mod organizations;
pub mod people;
pub mod programs;
pub mod reports;
pub mod schema;
pub mod tabular;
pub mod text;

pub mod schedule {
    pub type SessionId = crate::id::Id<Session>;
    pub struct Session;
    crate::db::types::text_enum! {
    /// stub
    pub enum SessionState { Draft => "draft", Published => "published", Held => "held", Cancelled => "cancelled" } }
    pub struct SessionRow {
        pub id: SessionId,
        pub intake_id: crate::intakes::IntakeId,
        pub module_id: crate::programs::ModuleId,
        pub state: SessionState,
        pub starts_at: crate::clock::Instant,
        pub minutes: i32,
        pub held_minutes: Option<i32>,
    }
    impl SessionRow {
        pub fn is_taking_place(&self) -> bool {
            true
        }
    }
    pub fn find(_: &mut crate::db::Conn, _: &crate::access::Actor, _: SessionId) -> Result<SessionRow, crate::error::Error> {
        todo!()
    }
    pub fn check_within(
        _: &mut crate::db::Conn,
        _: crate::intakes::IntakeId,
        _: chrono::NaiveDate,
        _: chrono::NaiveDate,
    ) -> Result<(), crate::error::Error> {
        todo!()
    }
    pub fn cancel_unheld(
        _: &mut crate::db::Conn,
        _: &crate::access::Actor,
        _: &crate::intakes::Intake,
        _: &crate::text::Note,
    ) -> Result<(), crate::error::Error> {
        todo!()
    }
}
