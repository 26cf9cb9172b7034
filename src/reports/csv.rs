//! The progress report as a table: a line for each enrollment, then the totals.

use super::model::{IntakeProgress, Labels, ProgressRow, Standing, Totals};
use crate::tabular;

const HEADER: &[&str] = &[
    "enrollment_id",
    "trainee_id",
    "employee_number",
    "name",
    "latin_name",
    "discipline",
    "discipline_id",
    "sponsor",
    "sponsor_id",
    "unit",
    "unit_id",
    "cohort",
    "cohort_id",
    "state",
    "plan_minutes",
    "expected_minutes",
    "present_minutes",
    "authorized_absence_minutes",
    "unauthorized_absence_minutes",
    "exempt_minutes",
    "carried_in_minutes",
    "rate",
    "best_reachable",
    "standing",
    "unsettled_sessions",
    // Counts of many; empty in the line of one enrollment.
    "heads",
    "enrollments",
    "completed",
    "completion",
    "at_risk",
    "out_of_reach",
    // What the report says of the intake stands on each line, so that no line can be read without it.
    "intake",
    "as_of",
    "planned_minutes",
    "scheduled_minutes",
    "held_minutes",
    "minutes_per_hour",
    "minimum_attendance_percent",
    "open_sessions",
];

/// Columns that say who somebody is; empty in the line of the totals, but for its name.
const WHO: usize = 14;

fn text(value: Option<&impl ToString>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

fn who(row: &ProgressRow, labels: &Labels) -> [String; WHO] {
    [
        row.enrollment_id.to_string(),
        row.trainee_id.to_string(),
        text(labels.employee_numbers.get(&(row.trainee_id, row.sponsor_id))),
        row.name.to_string(),
        text(row.latin_name.as_ref()),
        text(labels.disciplines.get(&row.discipline_id)),
        row.discipline_id.to_string(),
        text(labels.organizations.get(&row.sponsor_id)),
        row.sponsor_id.to_string(),
        text(labels.organizations.get(&row.unit_id)),
        row.unit_id.to_string(),
        text(row.cohort_id.and_then(|cohort| labels.cohorts.get(&cohort))),
        text(row.cohort_id.as_ref()),
        row.state.to_string(),
    ]
}

macro_rules! measures {
    ($of:expr, $carried:expr, $standing:expr) => {
        [
            $of.plan_minutes.to_string(),
            $of.expected_minutes.to_string(),
            $of.present_minutes.to_string(),
            $of.authorized_absence_minutes.to_string(),
            $of.unauthorized_absence_minutes.to_string(),
            $of.exempt_minutes.to_string(),
            $carried,
            text($of.rate.as_ref()),
            text($of.best_reachable.as_ref()),
            text($standing),
            $of.unsettled_sessions.to_string(),
        ]
    };
}

/// UTF-8 with a byte order mark, as spreadsheets expect it. The last line begins with `total`.
pub(super) fn table(report: &IntakeProgress, labels: &Labels) -> Vec<u8> {
    let intake = [
        report.code.to_string(),
        report.as_of.to_string(),
        report.planned_minutes.to_string(),
        report.scheduled_minutes.to_string(),
        report.held_minutes.to_string(),
        report.minutes_per_hour.to_string(),
        text(report.minimum_attendance_percent.as_ref()),
        report.open_sessions.to_string(),
    ];
    let line = |who: [String; WHO], measures: [String; 11], counts: [String; 6]| [&who[..], &measures, &counts, &intake].concat();
    let totals: &Totals = &report.totals;
    let mut total: [String; WHO] = Default::default();
    total[0] = "total".to_owned();
    let counts = [
        totals.heads.to_string(),
        totals.enrollments.to_string(),
        totals.completed.to_string(),
        text(totals.completion.as_ref()),
        totals.at_risk.to_string(),
        totals.out_of_reach.to_string(),
    ];
    let rows = report
        .rows
        .iter()
        .map(|row| line(who(row, labels), measures!(row, row.carried_in_minutes.to_string(), row.standing.as_ref()), Default::default()));
    tabular::write_csv(HEADER, rows.chain([line(total, measures!(totals, String::new(), None::<&Standing>), counts)]))
}
