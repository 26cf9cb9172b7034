//! Muster: training programs that one organization teaches for another, with hours that can be trusted.

pub mod access;
pub mod app;
pub mod clock;
pub mod config;
pub mod db;
pub mod enrollments;
pub mod error;
pub mod http;
pub mod id;
pub mod intakes;
pub mod journal;
pub mod organizations;
pub mod schedule;
pub mod schema;
pub mod text;

pub mod people {
    pub type PersonId = crate::id::Id<Person>;
    pub struct Person;
    pub fn is_editable_by(
        _: &mut crate::db::Conn,
        _: &crate::access::Actor,
        _: &[PersonId],
    ) -> Result<std::collections::HashSet<PersonId>, crate::error::Error> {
        todo!()
    }
}
pub mod programs {
    pub type ProgramVersionId = crate::id::Id<ProgramVersion>;
    pub struct ProgramVersion;
    pub type DisciplineId = crate::id::Id<Discipline>;
    pub struct Discipline;
    pub type ModuleId = crate::id::Id<Module>;
    pub struct Module;
}
