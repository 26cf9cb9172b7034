//! Programs and their versions: the plan of disciplines, modules and hours, immutable once confirmed.

mod content;
mod http;
mod model;
mod store;

pub use content::{NewDiscipline, NewModule, NewProgramVersion};
pub use http::{ApiDoc, routes};
pub use model::{
    AttendanceRule, Discipline, DisciplineId, LIFE_CYCLE, Module, ModuleDocument, ModuleId, ModuleKind, NewProgram, Plan, Program,
    ProgramId, ProgramPatch, ProgramVersion, ProgramVersionId, VersionDocument, VersionState,
};
pub use store::{
    attendance_rule, by_code, confirm, create, create_version, discipline_codes, find, list, plan, replace_version, retire, update,
    version, versions,
};
