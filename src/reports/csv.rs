//! The progress report as a table: a line for each enrollment, then the totals.

use super::model::IntakeProgress;
use crate::tabular;

const HEADER: &[&str] = &[
    "enrollment_id",
    "trainee_id",
    "name",
    "latin_name",
    "discipline_id",
    "sponsor_id",
    "unit_id",
    "cohort_id",
    "state",
    "plan_minutes",
    "expected_minutes",
    "present_minutes",
    "authorized_absence_minutes",
    "unauthorized_absence_minutes",
    "exempt_minutes",
    "rate",
    "best_reachable",
];

/// UTF-8 with a byte order mark, as spreadsheets expect it. The last line begins with `total`.
pub(super) fn table(report: &IntakeProgress) -> Vec<u8> {
    let rows = report.rows.iter().map(|row| {
        let cohort = row.cohort_id.map(|id| id.to_string()).unwrap_or_default();
        let latin = row.latin_name.as_ref().map(ToString::to_string).unwrap_or_default();
        let mut cells = vec![row.enrollment_id.to_string(), row.trainee_id.to_string(), row.name.to_string(), latin];
        cells.extend([row.discipline_id.to_string(), row.sponsor_id.to_string(), row.unit_id.to_string(), cohort, row.state.to_string()]);
        cells.extend([row.plan_minutes, row.expected_minutes, row.present_minutes].map(|minutes| minutes.to_string()));
        cells.extend(
            [row.authorized_absence_minutes, row.unauthorized_absence_minutes, row.exempt_minutes].map(|minutes| minutes.to_string()),
        );
        cells.extend([row.rate.clone(), row.best_reachable.clone()].map(Option::unwrap_or_default));
        cells
    });
    let totals = &report.totals;
    let mut last = vec!["total".to_owned()];
    last.resize(9, String::new());
    last.extend([totals.plan_minutes, totals.expected_minutes, totals.present_minutes].map(|minutes| minutes.to_string()));
    last.extend(
        [totals.authorized_absence_minutes, totals.unauthorized_absence_minutes, totals.exempt_minutes].map(|minutes| minutes.to_string()),
    );
    last.extend([totals.rate.clone(), totals.best_reachable.clone()].map(Option::unwrap_or_default));
    tabular::write_csv(HEADER, rows.chain([last]))
}
