//! The numbers of a progress report, and the only places where a ratio is made of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;
use utoipa::ToSchema;

use super::parts::{ModuleProgress, Part};
use crate::{
    clock::Instant,
    db::types::text_enum,
    enrollments::{EnrollmentId, EnrollmentState},
    intakes::{CohortId, IntakeId},
    ledger::Balance,
    organizations::OrganizationId,
    people::PersonId,
    programs::{AttendanceRule, DisciplineId, ModuleId},
    text::{Code, Name},
};

text_enum! {
    /// By what a report is split.
    pub enum Split {
        Discipline => "discipline",
        Module => "module",
        /// The present one: whoever moved is there with all their hours, those of before among them.
        Cohort => "cohort",
        /// The unit that sent the trainee, at the time of the enrollment.
        Unit => "unit",
    }
}

text_enum! {
    /// How an enrollment stands to the minimum of attendance that its program version sets.
    pub enum Standing {
        /// The rate is not below it.
        OnTrack => "on_track",
        /// The rate is below it, and can still reach it.
        AtRisk => "at_risk",
        /// Not even being present in all that is to come reaches it.
        OutOfReach => "out_of_reach",
    }
}

text_enum! {
    /// As what a report is shown.
    pub enum Format {
        Json => "json",
        Csv => "csv",
    }
}

/// What was asked for when a report was pulled.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Asked {
    pub format: Format,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<Split>,
}

/// A quotient as a decimal with four places, rounded down; null without a denominator (DOMAIN section 2, rule 5).
///
/// Down, so that what is printed never claims more than is true: 1.0000 is said only of somebody who missed nothing.
pub(super) fn ratio(part: i64, whole: i64) -> Option<String> {
    if whole <= 0 {
        return None;
    }
    let ten_thousandths = i128::from(part) * 10_000 / i128::from(whole);
    Some(format!("{}.{:04}", ten_thousandths / 10_000, ten_thousandths % 10_000))
}

/// A module as an intake plans it: the version's minutes and the amendments'.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PlannedModule {
    pub(super) id: ModuleId,
    pub(super) discipline_id: Option<DisciplineId>,
    pub(super) code: Code,
    pub(super) name: Name,
    pub(super) minutes: i64,
}

/// What an intake plans, and what of it no closed roll call covers.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    pub(super) modules: Vec<PlannedModule>,
    /// Minutes of closed roll calls, of each cohort in each module.
    pub(super) closed: BTreeMap<(CohortId, ModuleId), i64>,
    pub(super) minutes_per_hour: i32,
    pub(super) attendance: AttendanceRule,
}

impl Plan {
    /// The modules that a trainee of `discipline` owes: its own and the common ones.
    pub(super) fn owed_by(&self, discipline: DisciplineId) -> impl Iterator<Item = &PlannedModule> {
        self.modules.iter().filter(move |module| module.discipline_id.is_none_or(|own| own == discipline))
    }

    /// How whoever was present for so much of what counts, with so much to come, stands to the minimum; none where nothing counts yet.
    fn standing(&self, present: i64, counted: i64, open: i64) -> Option<Standing> {
        let rule = self.attendance;
        Some(match (rule.reached(present, counted)?, rule.reached(present + open, counted + open)) {
            (true, _) => Standing::OnTrack,
            (false, Some(true)) => Standing::AtRisk,
            (false, _) => Standing::OutOfReach,
        })
    }

    /// An enrollment's plan, in minutes. The program total is never a person's denominator.
    pub(super) fn minutes(&self, discipline: DisciplineId) -> i64 {
        self.owed_by(discipline).map(|module| module.minutes).sum()
    }

    fn owed(&self, discipline: DisciplineId, cohort: Option<CohortId>) -> Owed {
        Owed { planned: self.minutes(discipline), open: self.open(discipline, cohort) }
    }

    /// The minutes of the plan that no closed roll call of the cohort covers, unscheduled ones included: what is still to be
    /// taught to it. A module that was taught longer than planned leaves nothing open and takes nothing from the others.
    pub(super) fn open(&self, discipline: DisciplineId, cohort: Option<CohortId>) -> i64 {
        self.owed_by(discipline).map(|module| (module.minutes - self.closed_of(cohort, module.id)).max(0)).sum()
    }

    /// The minutes of closed roll calls of a cohort in a module.
    pub(super) fn closed_of(&self, cohort: Option<CohortId>, module: ModuleId) -> i64 {
        cohort.and_then(|cohort| self.closed.get(&(cohort, module)).copied()).unwrap_or(0)
    }
}

/// What a trainee of a cohort owes, in minutes.
#[derive(Clone, Copy, Debug)]
struct Owed {
    planned: i64,
    open: i64,
}

/// An enrollment as the report finds it.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) enrollment_id: EnrollmentId,
    pub(super) person_id: PersonId,
    pub(super) name: Name,
    pub(super) latin_name: Option<Name>,
    pub(super) discipline_id: DisciplineId,
    pub(super) sponsor_id: OrganizationId,
    pub(super) unit_id: OrganizationId,
    pub(super) cohort_id: Option<CohortId>,
    pub(super) state: EnrollmentState,
    pub(super) balance: Balance,
    pub(super) unsettled_sessions: i64,
}

/// One enrollment's progress, in minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProgressRow {
    pub enrollment_id: EnrollmentId,
    pub trainee_id: PersonId,
    #[schema(example = "张伟")]
    pub name: Name,
    pub latin_name: Option<Name>,
    pub discipline_id: DisciplineId,
    pub sponsor_id: OrganizationId,
    pub unit_id: OrganizationId,
    pub cohort_id: Option<CohortId>,
    pub state: EnrollmentState,
    /// The modules of the own discipline and the common ones.
    #[schema(example = 7920)]
    pub plan_minutes: i64,
    /// Owed in closed sessions, without what was exempt.
    pub expected_minutes: i64,
    /// Attended, made up and adjusted.
    pub present_minutes: i64,
    pub authorized_absence_minutes: i64,
    pub unauthorized_absence_minutes: i64,
    pub exempt_minutes: i64,
    /// Present where the trainee was transferred from; in no other number, so that it does nothing for the minimum of attendance here, and in
    /// no total.
    pub carried_in_minutes: i64,
    /// present / expected, rounded down to four places; null while nothing is expected. Where the version says so, authorized
    /// absences are left out of the denominator, here and in `best_reachable`.
    #[schema(example = "0.9583")]
    pub rate: Option<String>,
    /// (present + open) / (expected + open), open being what is still to be taught; null if that is nothing.
    #[schema(example = "1.0000")]
    pub best_reachable: Option<String>,
    /// How they stand to the version's minimum of attendance; null where it sets none, while nothing is expected, and of whoever is
    /// neither enrolled nor suspended.
    pub standing: Option<Standing>,
    /// Closed sessions on whose posting the enrollment's periods and the ledger disagree: hours that are owed and not in this row yet,
    /// or in it and not owed. The enrollment lists them, with their `kind`.
    pub unsettled_sessions: i64,
    /// Minutes of the plan that no closed roll call covers. Summed, not shown.
    #[serde(skip)]
    pub(super) open_minutes: i64,
    /// The denominator of the rate. Summed, not shown.
    #[serde(skip)]
    pub(super) counted_minutes: i64,
    #[serde(skip)]
    pub(super) owed_sessions: bool,
}

impl ProgressRow {
    /// Whether something is still to come for them.
    pub(super) fn stays(&self) -> bool {
        stays(self.state)
    }

    pub(super) fn of(subject: Subject, plan: &Plan) -> Self {
        let owed = plan.owed(subject.discipline_id, subject.cohort_id);
        Self::owing(subject, plan, owed)
    }

    /// The rows of many; what those of one cohort owe is added up once.
    pub(super) fn all(subjects: Vec<Subject>, plan: &Plan) -> Vec<Self> {
        let mut known: HashMap<(DisciplineId, Option<CohortId>), Owed> = HashMap::new();
        let row = |subject: Subject| {
            let (discipline, cohort) = (subject.discipline_id, subject.cohort_id);
            let owed = *known.entry((discipline, cohort)).or_insert_with(|| plan.owed(discipline, cohort));
            Self::owing(subject, plan, owed)
        };
        subjects.into_iter().map(row).collect()
    }

    fn owing(subject: Subject, plan: &Plan, owed: Owed) -> Self {
        let balance = subject.balance;
        let stays = stays(subject.state);
        let open = if stays { owed.open } else { 0 };
        let (expected, present) = (i64::from(balance.expected()), i64::from(balance.present()));
        let counted = plan.attendance.counted(expected, present, balance.authorized_absence_minutes.into());
        Self {
            enrollment_id: subject.enrollment_id,
            trainee_id: subject.person_id,
            name: subject.name,
            latin_name: subject.latin_name,
            discipline_id: subject.discipline_id,
            sponsor_id: subject.sponsor_id,
            unit_id: subject.unit_id,
            cohort_id: subject.cohort_id,
            state: subject.state,
            plan_minutes: owed.planned,
            expected_minutes: expected,
            present_minutes: present,
            authorized_absence_minutes: balance.authorized_absence_minutes.into(),
            unauthorized_absence_minutes: balance.unauthorized_absence_minutes.into(),
            exempt_minutes: balance.exempt_minutes.into(),
            carried_in_minutes: balance.carried_in_minutes.into(),
            rate: ratio(present, counted),
            best_reachable: ratio(present + open, counted + open),
            standing: plan.standing(present, counted, open).filter(|_| stays),
            unsettled_sessions: subject.unsettled_sessions,
            open_minutes: open,
            counted_minutes: counted,
            owed_sessions: expected > 0 || balance.exempt_minutes > 0,
        }
    }
}

/// Whether something is still to come: whoever has left, failed or completed owes nothing any more.
fn stays(state: EnrollmentState) -> bool {
    matches!(state, EnrollmentState::Enrolled | EnrollmentState::Suspended)
}

/// The sums of rows, in minutes, and the ratios of the sums.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Totals {
    /// 人数: distinct persons.
    pub heads: i64,
    /// 人次: enrollments with at least one closed session owed.
    pub enrollments: i64,
    pub completed: i64,
    pub plan_minutes: i64,
    pub expected_minutes: i64,
    #[serde(skip)]
    pub(super) counted_minutes: i64,
    /// 人学时, in minutes.
    pub present_minutes: i64,
    pub authorized_absence_minutes: i64,
    pub unauthorized_absence_minutes: i64,
    pub exempt_minutes: i64,
    pub rate: Option<String>,
    pub best_reachable: Option<String>,
    /// How many rows have this standing; 0 where the program version sets no minimum of attendance, for then nobody has one.
    pub at_risk: i64,
    pub out_of_reach: i64,
    pub unsettled_sessions: i64,
    /// completed / 人次.
    pub completion: Option<String>,
}

impl Totals {
    pub(super) fn of<'a>(rows: impl Iterator<Item = &'a ProgressRow> + Clone) -> Self {
        let sum = |minutes: fn(&ProgressRow) -> i64| rows.clone().map(minutes).sum::<i64>();
        let heads: BTreeSet<PersonId> = rows.clone().map(|row| row.trainee_id).collect();
        let enrollments = sum(|row| i64::from(row.owed_sessions));
        let completed = sum(|row| i64::from(row.owed_sessions && row.state == EnrollmentState::Completed));
        let (counted, present, open) = (sum(|row| row.counted_minutes), sum(|row| row.present_minutes), sum(|row| row.open_minutes));
        Self {
            heads: i64::try_from(heads.len()).unwrap_or(i64::MAX),
            enrollments,
            completed,
            plan_minutes: sum(|row| row.plan_minutes),
            expected_minutes: sum(|row| row.expected_minutes),
            counted_minutes: counted,
            present_minutes: present,
            authorized_absence_minutes: sum(|row| row.authorized_absence_minutes),
            unauthorized_absence_minutes: sum(|row| row.unauthorized_absence_minutes),
            exempt_minutes: sum(|row| row.exempt_minutes),
            rate: ratio(present, counted),
            best_reachable: ratio(present + open, counted + open),
            at_risk: sum(|row| i64::from(row.standing == Some(Standing::AtRisk))),
            out_of_reach: sum(|row| i64::from(row.standing == Some(Standing::OutOfReach))),
            unsettled_sessions: sum(|row| row.unsettled_sessions),
            completion: ratio(completed, enrollments),
        }
    }
}

/// The progress of an intake: what was planned, scheduled and held, and where each enrollment stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct IntakeProgress {
    pub intake_id: IntakeId,
    pub code: Code,
    pub name: Name,
    /// The instant of which the report speaks.
    pub as_of: Instant,
    /// The version's total and the amendments'.
    #[schema(example = 24120)]
    pub planned_minutes: i64,
    /// Published and held sessions, each once.
    pub scheduled_minutes: i64,
    /// Delivered: held sessions, each once; may exceed the plan, since a common module may be taught to two cohorts apart.
    pub held_minutes: i64,
    /// Minutes of an academic hour.
    #[schema(example = 45)]
    pub minutes_per_hour: i32,
    /// The attendance rate to reach, in percent; null where the version sets none.
    #[schema(example = 80)]
    pub minimum_attendance_percent: Option<i32>,
    /// Held sessions whose roll call is not closed. The hours of one that was never closed are in no row yet; what one that has been reopened
    /// posted stands until it is closed again.
    pub open_sessions: i64,
    pub rows: Vec<ProgressRow>,
    /// The sums of the rows.
    pub totals: Totals,
    /// With `by`: the same sums by discipline, module, cohort or unit. Of cohorts and units those of which somebody is in the report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<Vec<Part>>,
}

/// What the things that a report names by id are called, for a table that is read by people.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    pub(super) disciplines: BTreeMap<DisciplineId, Code>,
    pub(super) cohorts: BTreeMap<CohortId, Code>,
    pub(super) organizations: BTreeMap<OrganizationId, Name>,
    /// By trainee and sponsor.
    pub(super) employee_numbers: BTreeMap<(PersonId, OrganizationId), Code>,
}

impl Labels {
    /// Each name after what it names, in order: by these a table is told from one with other names.
    pub(super) fn parts(&self) -> Vec<String> {
        fn named<'a, K: ToString + 'a, V: ToString + 'a>(names: impl IntoIterator<Item = (K, &'a V)>) -> impl Iterator<Item = [String; 2]> {
            names.into_iter().map(|(key, name)| [key.to_string(), name.to_string()])
        }
        let numbers = self.employee_numbers.iter().map(|((person, sponsor), number)| (format!("{person} {sponsor}"), number));
        let names = named(&self.disciplines).chain(named(&self.cohorts)).chain(named(&self.organizations)).chain(named(numbers));
        names.flatten().collect()
    }
}

/// The progress of one enrollment, with its modules.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EnrollmentProgress {
    pub as_of: Instant,
    pub minutes_per_hour: i32,
    /// The attendance rate to reach, in percent; null where the version sets none.
    #[schema(example = 80)]
    pub minimum_attendance_percent: Option<i32>,
    #[serde(flatten)]
    pub row: ProgressRow,
    /// Every module of the plan.
    pub modules: Vec<ModuleProgress>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::Id;

    #[test]
    fn a_ratio_is_rounded_down_and_null_without_a_denominator() {
        assert_eq!(ratio(0, 0), None);
        assert_eq!(ratio(1, 3).unwrap(), "0.3333");
        assert_eq!(ratio(2, 3).unwrap(), "0.6666");
        assert_eq!(ratio(99_999, 100_000).unwrap(), "0.9999");
        assert_eq!(ratio(180, 180).unwrap(), "1.0000");
        assert_eq!(ratio(0, 180).unwrap(), "0.0000");
    }

    proptest! {
        #[test]
        fn a_ratio_says_one_only_of_the_whole(part in 0_i64..100_000, missing in 1_i64..100_000) {
            prop_assert!(ratio(part, part + missing).unwrap().as_str() < "1.0000");
        }
    }

    fn module(discipline: Option<DisciplineId>, minutes: i64) -> PlannedModule {
        PlannedModule { id: Id::generate(), discipline_id: discipline, code: "M".parse().unwrap(), name: "M".parse().unwrap(), minutes }
    }

    fn counting() -> Plan {
        Plan { attendance: AttendanceRule { authorized_absence_counts: true, minimum_percent: None }, ..Plan::default() }
    }

    #[test]
    fn a_plan_is_the_own_discipline_and_the_common_modules() {
        let (own, other) = (Id::generate(), Id::generate());
        let plan = Plan { modules: vec![module(Some(own), 5400), module(Some(other), 5400), module(None, 2520)], ..counting() };
        assert_eq!(plan.minutes(own), 176 * 45);
        assert_eq!(plan.open(own, None), 176 * 45);
    }

    #[test]
    fn a_module_taught_longer_than_planned_takes_nothing_from_the_others() {
        let (own, cohort) = (Id::generate(), Id::generate());
        let mut plan = Plan { modules: vec![module(Some(own), 180), module(None, 180)], ..counting() };
        plan.closed.insert((cohort, plan.modules[0].id), 360);
        assert_eq!(plan.open(own, Some(cohort)), 180);
    }

    #[test]
    fn best_reachable_counts_what_is_still_to_come_as_present() {
        let (own, cohort) = (Id::generate(), Id::generate());
        let mut plan = Plan { modules: vec![module(Some(own), 360)], ..counting() };
        plan.closed.insert((cohort, plan.modules[0].id), 180);
        let subject = |attended: i32, state| Subject {
            enrollment_id: Id::generate(),
            person_id: Id::generate(),
            name: "张伟".parse().unwrap(),
            latin_name: None,
            discipline_id: own,
            sponsor_id: Id::generate(),
            unit_id: Id::generate(),
            cohort_id: Some(cohort),
            state,
            balance: Balance { attended_minutes: attended, unauthorized_absence_minutes: 180 - attended, ..Balance::default() },
            unsettled_sessions: 0,
        };
        let row = ProgressRow::of(subject(180, EnrollmentState::Enrolled), &plan);
        assert_eq!((row.rate.as_deref(), row.best_reachable.as_deref()), (Some("1.0000"), Some("1.0000")));
        let row = ProgressRow::of(subject(90, EnrollmentState::Enrolled), &plan);
        assert_eq!((row.rate.as_deref(), row.best_reachable.as_deref()), (Some("0.5000"), Some("0.7500")));
        assert_eq!(row.standing, None);
        // Who has left has nothing more to come.
        let row = ProgressRow::of(subject(90, EnrollmentState::Withdrawn), &plan);
        assert_eq!(row.best_reachable.as_deref(), Some("0.5000"));
    }

    #[test]
    fn a_standing_compares_products_and_not_rounded_rates() {
        use Standing::{AtRisk, OnTrack, OutOfReach};
        let plan = |minimum_percent| Plan { attendance: AttendanceRule { minimum_percent, ..counting().attendance }, ..counting() };
        assert_eq!(plan(None).standing(0, 90, 0), None);
        assert_eq!(plan(Some(80)).standing(0, 0, 900), None);
        assert_eq!(plan(Some(80)).standing(72, 90, 0), Some(OnTrack));
        assert_eq!(plan(Some(80)).standing(71, 90, 5), Some(AtRisk));
        assert_eq!(plan(Some(80)).standing(71, 90, 4), Some(OutOfReach));
        assert_eq!(plan(Some(100)).standing(89_999, 90_000, 900_000), Some(OutOfReach));
    }
}
