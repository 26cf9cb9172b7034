//! What a program is, what its versions plan, and when a plan adds up.

use diesel::{AsChangeset, Identifiable, Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    clock::Instant,
    db::types::text_enum,
    error::Error,
    http::{
        Patched,
        body::{given, nullable},
    },
    id::Id,
    lifecycle::{LifeCycle, Step},
    organizations::OrganizationId,
    schema::{disciplines, modules, program_versions, programs},
    text::{Code, Name},
};

pub type ProgramId = Id<Program>;
pub type ProgramVersionId = Id<ProgramVersion>;
pub type DisciplineId = Id<Discipline>;
pub type ModuleId = Id<Module>;

text_enum! {
    /// Where a version stands; a draft alone can be changed.
    pub enum VersionState {
        Draft => "draft",
        Confirmed => "confirmed",
        Retired => "retired",
    }
}

text_enum! {
    /// How a module is taught.
    pub enum ModuleKind {
        Theory => "theory",
        Practice => "practice",
        OnTheJob => "on_the_job",
        SelfStudy => "self_study",
    }
}

/// A reusable plan of training; its content is in its versions.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Identifiable, AsChangeset, Serialize, ToSchema)]
#[diesel(table_name = programs, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Program {
    pub id: ProgramId,
    /// The organization that teaches it.
    pub provider_id: OrganizationId,
    /// Unique at the provider.
    #[schema(example = "HONGXING")]
    pub code: Code,
    #[schema(example = "酒钢宏兴青年专业人才培训")]
    pub name: Name,
    #[schema(example = "Hongxing young professionals course")]
    pub latin_name: Option<Name>,
    /// Counts the changes; the ETag names it.
    pub version: i32,
    pub created_at: Instant,
}

/// A program to be created.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProgram {
    /// The caller's own organization unless said.
    #[serde(default)]
    pub provider_id: Option<OrganizationId>,
    #[schema(example = "HONGXING")]
    pub code: Code,
    #[schema(example = "酒钢宏兴青年专业人才培训")]
    pub name: Name,
    #[serde(default)]
    pub latin_name: Option<Name>,
}

/// A merge patch (RFC 7396). The provider is fixed.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProgramPatch {
    #[serde(default, deserialize_with = "given")]
    pub code: Option<Code>,
    #[serde(default, deserialize_with = "given")]
    pub name: Option<Name>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Name>)]
    pub latin_name: Patched<Name>,
}

/// A version as stored, without its disciplines and modules.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Identifiable, AsChangeset, Serialize, ToSchema)]
#[diesel(table_name = program_versions, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct ProgramVersion {
    pub id: ProgramVersionId,
    pub program_id: ProgramId,
    /// Counts the program's versions, from 1.
    pub number: i32,
    pub state: VersionState,
    /// The sum of the modules' planned minutes, once confirmed.
    #[schema(example = 24120)]
    pub total_minutes: i32,
    /// The length of an academic hour.
    #[schema(example = 45)]
    pub minutes_per_hour: i32,
    /// Whether an authorized absence stays in the denominator of the attendance rate.
    pub authorized_absence_counts: bool,
    /// The attendance rate that an enrollment has to reach, in percent; null is none.
    #[schema(example = 80)]
    pub minimum_attendance_percent: Option<i32>,
    /// Counts the changes; the ETag names it.
    pub version: i32,
    pub created_at: Instant,
}

/// What a version says of attendance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Queryable)]
pub struct AttendanceRule {
    /// Whether an authorized absence stays in the denominator of a rate.
    pub authorized_absence_counts: bool,
    /// The rate to reach, in percent.
    pub minimum_percent: Option<i32>,
}

impl AttendanceRule {
    /// The denominator of a rate, in minutes: what was expected, without authorized absences where the version leaves them out. What was
    /// made up of these counts again, so that a rate never exceeds 1.
    pub fn counted(self, expected: i64, present: i64, authorized: i64) -> i64 {
        if self.authorized_absence_counts { expected } else { (expected - authorized).max(present) }
    }

    /// Whether whoever was present for so many of the minutes that count reaches the minimum; none without one, and where nothing counts.
    pub fn reached(self, present: i64, counted: i64) -> Option<bool> {
        let percent = i64::from(self.minimum_percent?);
        (counted > 0).then(|| present * 100 >= percent * counted)
    }
}

/// A field of study in a version.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Identifiable, Serialize, ToSchema)]
#[diesel(table_name = disciplines, treat_none_as_default_value = false)]
pub struct Discipline {
    pub id: DisciplineId,
    #[serde(skip)]
    pub program_version_id: ProgramVersionId,
    #[serde(skip)]
    pub position: i32,
    #[schema(example = "MET")]
    pub code: Code,
    #[schema(example = "冶金工程")]
    pub name: Name,
    #[schema(example = "Metallurgical engineering")]
    pub latin_name: Option<Name>,
}

/// One subject as stored.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Identifiable, Serialize)]
#[diesel(table_name = modules, treat_none_as_default_value = false)]
pub struct Module {
    pub id: ModuleId,
    pub program_version_id: ProgramVersionId,
    /// None for a module common to all disciplines.
    pub discipline_id: Option<DisciplineId>,
    pub position: i32,
    pub code: Code,
    pub name: Name,
    pub latin_name: Option<Name>,
    pub kind: ModuleKind,
    pub planned_minutes: i32,
}

/// One subject as a version's document shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ModuleDocument {
    pub id: ModuleId,
    #[schema(example = "MET-01")]
    pub code: Code,
    /// The code of its discipline; null for a module common to all.
    #[schema(example = "MET")]
    pub discipline: Option<Code>,
    #[schema(example = "冶金物理化学")]
    pub name: Name,
    pub latin_name: Option<Name>,
    pub kind: ModuleKind,
    #[schema(example = 1080)]
    pub planned_minutes: i32,
}

/// A version with all that it plans, in the order in which it was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct VersionDocument {
    #[serde(flatten)]
    pub row: ProgramVersion,
    pub disciplines: Vec<Discipline>,
    pub modules: Vec<ModuleDocument>,
}

/// The rows of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub version: ProgramVersion,
    pub disciplines: Vec<Discipline>,
    pub modules: Vec<Module>,
}

impl ProgramPatch {
    /// What `program` becomes; equal to it if the patch alters nothing.
    pub fn apply(self, program: &Program) -> Program {
        let mut changed = program.clone();
        changed.code = self.code.unwrap_or(changed.code);
        changed.name = self.name.unwrap_or(changed.name);
        changed.latin_name = self.latin_name.unwrap_or(changed.latin_name);
        changed
    }
}

/// The steps of program versions (DOMAIN 4).
pub const LIFE_CYCLE: LifeCycle<&str, VersionState> = {
    use VersionState as S;
    LifeCycle {
        of: "program version",
        steps: &[
            Step { verb: "confirm", from: &[S::Draft], to: S::Confirmed, needs_reason: false },
            Step { verb: "retire", from: &[S::Confirmed], to: S::Retired, needs_reason: false },
        ],
    }
};

impl Plan {
    /// The sum of all planned minutes.
    pub fn planned_minutes(&self) -> i64 {
        self.modules.iter().map(|module| i64::from(module.planned_minutes)).sum()
    }

    /// Whether the version can be confirmed.
    ///
    /// # Errors
    /// 409 `illegal_transition` unless it is a draft, `hours_do_not_add_up` with both sums.
    pub fn check_confirmable(&self) -> Result<(), Error> {
        LIFE_CYCLE.after("the version", self.version.state, "confirm", None)?;
        let (planned, total) = (self.planned_minutes(), self.version.total_minutes);
        if planned == i64::from(total) {
            return Ok(());
        }
        let detail = format!("the modules' planned minutes add up to {planned}, but the version's total is {total}");
        Err(Error::conflict("hours_do_not_add_up", detail))
    }

    /// As the API shows it.
    pub fn document(self) -> VersionDocument {
        let code = |id: DisciplineId| self.disciplines.iter().find(|discipline| discipline.id == id).map(|row| row.code.clone());
        let modules = self
            .modules
            .into_iter()
            .map(|module| ModuleDocument {
                id: module.id,
                discipline: module.discipline_id.and_then(code),
                code: module.code,
                name: module.name,
                latin_name: module.latin_name,
                kind: module.kind,
                planned_minutes: module.planned_minutes,
            })
            .collect();
        VersionDocument { row: self.version, disciplines: self.disciplines, modules }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::content::NewProgramVersion, *};

    fn reference() -> NewProgramVersion {
        let file: serde_json::Value = serde_json::from_str(include_str!("../../examples/jisco/program.json")).unwrap();
        serde_json::from_value(file["version"].clone()).unwrap()
    }

    fn plan(new: NewProgramVersion, state: VersionState) -> Plan {
        new.planned(ProgramVersion {
            id: Id::generate(),
            program_id: Id::generate(),
            number: 1,
            state,
            total_minutes: 1,
            minutes_per_hour: 1,
            authorized_absence_counts: false,
            minimum_attendance_percent: None,
            version: 1,
            created_at: Instant::from_unix_micros(0).unwrap(),
        })
    }

    fn code(result: Result<(), Error>) -> &'static str {
        result.map_or_else(|error| error.code(), |()| "ok")
    }

    #[test]
    fn the_reference_course_parses_and_adds_up() {
        let new = reference();
        assert_eq!(new.faults(), []);
        assert_eq!((new.disciplines.len(), new.modules.len(), new.total_minutes / new.minutes_per_hour), (4, 27, 536));
        let plan = plan(new.clone(), VersionState::Draft);
        assert_eq!(code(plan.check_confirmable()), "ok");
        assert_eq!(plan.modules.iter().filter(|module| module.discipline_id.is_none()).map(|m| m.planned_minutes).sum::<i32>(), 56 * 45);
        assert_eq!(plan.document().content(), new);
    }

    #[test]
    fn one_minute_off_does_not_add_up() {
        let mut new = reference();
        new.modules[0].planned_minutes += 1;
        let error = plan(new, VersionState::Draft).check_confirmable().unwrap_err();
        assert_eq!(error.code(), "hours_do_not_add_up");
        assert!(error.to_string().contains("24121") && error.to_string().contains("24120"), "{error}");
    }

    #[test]
    fn only_a_draft_is_confirmed_and_only_a_confirmed_version_retired() {
        use VersionState::{Confirmed, Draft, Retired};
        for from in VersionState::ALL {
            for to in VersionState::ALL {
                let legal = matches!((from, to), (Draft, Confirmed) | (Confirmed, Retired));
                let step = if *to == Confirmed { "confirm" } else { "retire" };
                let after = (*to != Draft).then(|| LIFE_CYCLE.after("the version", *from, step, None));
                assert_eq!(after.is_some_and(|after| after.is_ok_and(|after| after == *to)), legal, "{from} {to}");
            }
        }
        assert_eq!(code(plan(reference(), Confirmed).check_confirmable()), "illegal_transition");
    }

    #[test]
    fn every_fault_is_pointed_at() {
        let mut new = reference();
        new.total_minutes = 0;
        new.minutes_per_hour = 121;
        new.minimum_attendance_percent = Some(101);
        new.disciplines[1].code = new.disciplines[0].code.clone();
        new.modules[1].code = new.modules[0].code.clone();
        new.modules[2].discipline = Some("met".parse().unwrap());
        new.modules[3].planned_minutes = 600_001;
        new.modules[4].planned_minutes = 0;
        let unknown = new.faults().into_iter().find(|fault| fault.code == "unknown_discipline").unwrap();
        assert_eq!(unknown.detail, "no discipline of this version has this code; it has MET, MET, MAT, AUT");
        let pointers: Vec<String> = new.faults().into_iter().map(|fault| fault.pointer).filter(|p| !p.contains("/6/")).collect();
        for expected in [
            "/total_minutes",
            "/minutes_per_hour",
            "/minimum_attendance_percent",
            "/disciplines/1/code",
            "/modules/1/code",
            "/modules/2/discipline",
            "/modules/3/planned_minutes",
            "/modules/4/planned_minutes",
        ] {
            assert!(pointers.iter().any(|pointer| pointer == expected), "{expected} is not in {pointers:?}");
        }
    }

    #[test]
    fn a_version_has_bounds() {
        let mut new = reference();
        new.disciplines = vec![new.disciplines[0].clone(); 51];
        new.modules = vec![new.modules[0].clone(); 501];
        let codes: Vec<String> = new.faults().into_iter().filter(|fault| fault.code == "too_many").map(|fault| fault.pointer).collect();
        assert_eq!(codes, ["/disciplines", "/modules"]);
    }
}
