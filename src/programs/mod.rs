//! Programs and their versions: the plan of disciplines, modules and hours, immutable once confirmed.

mod http;
mod model;
mod store;

pub use http::{ApiDoc, routes};
pub use model::{
    Discipline, DisciplineId, LIFE_CYCLE, Module, ModuleDocument, ModuleId, ModuleKind, NewDiscipline, NewModule, NewProgram,
    NewProgramVersion, Plan, Program, ProgramId, ProgramPatch, ProgramVersion, ProgramVersionId, VersionDocument, VersionState,
};
pub use store::{
    by_code, confirm, create, create_version, discipline_codes, find, list, plan, replace_version, retire, update, version, versions,
};
