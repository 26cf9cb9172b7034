//! Imports: organizations, instructors, programs, rosters, schedules, calendars and the evidence of meetings from files.
//!
//! One pipeline for every kind: the file is read and its columns found, the cells are read, facts are looked up in sets, and a pure
//! function makes of both what becomes of each row. A dry run ends there; a commit writes exactly what that plan holds, through the
//! faces of the other rooms, and remembers what it wrote so that it can be undone while nothing else rests on it.

mod calendars;
mod evidence;
mod http;
mod instructors;
mod model;
mod organizations;
mod pipeline;
mod program;
mod roster;
mod schedule;
mod store;
mod undo;

pub use calendars::{begin_calendar, import_calendar, may_import_calendar};
pub use evidence::{import_evidence, may_import_evidence};
pub use http::{ApiDoc, routes};
pub use instructors::{import_instructors, may_import_instructors};
pub use model::{
    Counts, File, Import, ImportId, ImportKind, ImportState, Options, Outcome, Progress, Reason, Report, RowChange, RowReport, Undone,
    Verdict, program::ProgramFile,
};
pub use organizations::{import_organizations, may_import_organizations};
pub use pipeline::{Format, read_program, read_table, template, verdict_file};
pub use program::import_program;
pub use roster::{import_roster, may_import_roster};
pub use schedule::{import_schedule, may_import_schedule};
pub use store::{
    find, list,
    retention::{forget, touching},
    verify::verify,
};
pub use undo::undo;
