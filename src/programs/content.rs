//! The content of a version as it is sent: what is wrong with it, and the rows that it becomes.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{Discipline, Module, ModuleKind, Plan, ProgramVersion, VersionDocument};
use crate::{
    error::FieldFault,
    id::Id,
    text::{Code, Name, listed},
};

const MOST_DISCIPLINES: usize = 50;
const MOST_MODULES: usize = 500;
/// 10,000 hours of 60 minutes.
const MOST_MINUTES: i32 = 600_000;
const MOST_TOTAL_MINUTES: i32 = 300_000_000;

/// The content of a version to be created, or that replaces a draft's.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProgramVersion {
    #[schema(example = 24120)]
    pub total_minutes: i32,
    #[serde(default = "academic_hour")]
    #[schema(example = 45)]
    pub minutes_per_hour: i32,
    #[serde(default = "yes")]
    pub authorized_absence_counts: bool,
    /// The rate that an enrollment has to reach, in percent; null (or left out) is none.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100)]
    pub minimum_attendance_percent: Option<i32>,
    pub disciplines: Vec<NewDiscipline>,
    pub modules: Vec<NewModule>,
}

/// A discipline of a version to be created.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDiscipline {
    /// Unique among the version's disciplines.
    pub code: Code,
    pub name: Name,
    #[serde(default)]
    pub latin_name: Option<Name>,
}

/// A module of a version to be created.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewModule {
    /// Unique among the version's modules.
    pub code: Code,
    /// The code of its discipline; null or absent for a module common to all.
    #[serde(default)]
    pub discipline: Option<Code>,
    pub name: Name,
    #[serde(default)]
    pub latin_name: Option<Name>,
    pub kind: ModuleKind,
    /// 1 to 600,000.
    pub planned_minutes: i32,
}

const fn academic_hour() -> i32 {
    45
}

const fn yes() -> bool {
    true
}

impl NewProgramVersion {
    /// Everything that is wrong with the content, whether or not the hours add up yet.
    pub fn faults(&self) -> Vec<FieldFault> {
        let mut faults = Vec::new();
        let mut hold = |holds: bool, pointer: String, code: &str, detail: &str| {
            if !holds {
                faults.push(FieldFault::new(pointer, code, detail));
            }
        };
        let total = (1..=MOST_TOTAL_MINUTES).contains(&self.total_minutes);
        hold(total, "/total_minutes".to_owned(), "minutes_out_of_range", "must lie between 1 and 300000000");
        let hour = (1..=120).contains(&self.minutes_per_hour);
        hold(hour, "/minutes_per_hour".to_owned(), "minutes_out_of_range", "must lie between 1 and 120");
        let minimum = self.minimum_attendance_percent.is_none_or(|percent| (1..=100).contains(&percent));
        hold(minimum, "/minimum_attendance_percent".to_owned(), "out_of_range", "must lie between 1 and 100");
        hold(self.disciplines.len() <= MOST_DISCIPLINES, "/disciplines".to_owned(), "too_many", "at most 50 disciplines");
        hold(self.modules.len() <= MOST_MODULES, "/modules".to_owned(), "too_many", "at most 500 modules");
        let mut known = HashSet::new();
        for (index, discipline) in self.disciplines.iter().enumerate() {
            let first = known.insert(&discipline.code);
            hold(first, format!("/disciplines/{index}/code"), "code_repeated", "another discipline has this code");
        }
        let unknown =
            format!("no discipline of this version has this code; it has {}", listed(self.disciplines.iter().map(|one| one.code.as_str())));
        let mut taken = HashSet::new();
        for (index, module) in self.modules.iter().enumerate() {
            let first = taken.insert(&module.code);
            hold(first, format!("/modules/{index}/code"), "code_repeated", "another module has this code");
            let placed = module.discipline.as_ref().is_none_or(|code| known.contains(code));
            hold(placed, format!("/modules/{index}/discipline"), "unknown_discipline", &unknown);
            let timed = (1..=MOST_MINUTES).contains(&module.planned_minutes);
            hold(timed, format!("/modules/{index}/planned_minutes"), "minutes_out_of_range", "must lie between 1 and 600000");
        }
        faults
    }

    /// The rows of a version with this content; `row` says whose and where it stands.
    pub(super) fn planned(self, row: ProgramVersion) -> Plan {
        let version = ProgramVersion {
            total_minutes: self.total_minutes,
            minutes_per_hour: self.minutes_per_hour,
            authorized_absence_counts: self.authorized_absence_counts,
            minimum_attendance_percent: self.minimum_attendance_percent,
            ..row
        };
        let disciplines: Vec<Discipline> = (1..)
            .zip(self.disciplines)
            .map(|(position, new)| Discipline {
                id: Id::generate(),
                program_version_id: version.id,
                position,
                code: new.code,
                name: new.name,
                latin_name: new.latin_name,
            })
            .collect();
        let discipline_id = |code: &Code| disciplines.iter().find(|discipline| discipline.code == *code).map(|discipline| discipline.id);
        let modules = (1..)
            .zip(self.modules)
            .map(|(position, new)| Module {
                id: Id::generate(),
                program_version_id: version.id,
                discipline_id: new.discipline.as_ref().and_then(discipline_id),
                position,
                code: new.code,
                name: new.name,
                latin_name: new.latin_name,
                kind: new.kind,
                planned_minutes: new.planned_minutes,
            })
            .collect();
        Plan { version, disciplines, modules }
    }
}

impl VersionDocument {
    /// The content alone, as it was or could have been sent.
    pub fn content(&self) -> NewProgramVersion {
        let disciplines = self.disciplines.iter().cloned();
        let modules = self.modules.iter().cloned();
        NewProgramVersion {
            total_minutes: self.row.total_minutes,
            minutes_per_hour: self.row.minutes_per_hour,
            authorized_absence_counts: self.row.authorized_absence_counts,
            minimum_attendance_percent: self.row.minimum_attendance_percent,
            disciplines: disciplines.map(|row| NewDiscipline { code: row.code, name: row.name, latin_name: row.latin_name }).collect(),
            modules: modules
                .map(|row| NewModule {
                    code: row.code,
                    discipline: row.discipline,
                    name: row.name,
                    latin_name: row.latin_name,
                    kind: row.kind,
                    planned_minutes: row.planned_minutes,
                })
                .collect(),
        }
    }
}
