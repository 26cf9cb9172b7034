//! The parts into which a report is split; pure.

use serde::Serialize;
use utoipa::ToSchema;

use super::model::{ProgressRow, Totals, ratio};
use crate::{
    programs::ModuleId,
    text::{Code, Name},
};

/// A part of a report: one discipline, module, cohort or unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Part {
    /// Null of those who are in no cohort.
    pub id: Option<uuid::Uuid>,
    /// Null of those who are in no cohort.
    pub code: Option<Code>,
    /// Null of those who are in no cohort.
    pub name: Option<Name>,
    /// 人数: distinct persons; of a module those who owe a closed session of it, be it that they are exempt. Whose plan it is in tells
    /// `plan_minutes`.
    pub heads: i64,
    /// 人次: enrollments with at least one closed session owed; of a module, of it.
    pub enrollments: i64,
    /// Delivered: held sessions, each once; of a cohort or discipline those that were for it. Null of a unit, to which nobody teaches.
    #[schema(example = 5400)]
    pub held_minutes: Option<i64>,
    /// How many are at risk of the minimum of attendance; 0 where the program version sets none. Null of a module, for which there is none.
    pub at_risk: Option<i64>,
    /// As `at_risk`, of those who cannot reach it any more.
    pub out_of_reach: Option<i64>,
    #[serde(flatten)]
    pub measures: Measures,
}

/// A module of the plan of an enrollment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ModuleProgress {
    pub id: ModuleId,
    pub code: Code,
    pub name: Name,
    #[serde(flatten)]
    pub measures: Measures,
}

/// What is planned, owed and done, in minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Measures {
    pub plan_minutes: i64,
    pub expected_minutes: i64,
    /// 人学时, in minutes.
    pub present_minutes: i64,
    pub authorized_absence_minutes: i64,
    pub unauthorized_absence_minutes: i64,
    pub exempt_minutes: i64,
    pub rate: Option<String>,
}

impl Measures {
    pub(super) fn of(plan_minutes: i64, sums: Sums) -> Self {
        Self {
            plan_minutes,
            expected_minutes: sums.expected,
            present_minutes: sums.present,
            authorized_absence_minutes: sums.authorized,
            unauthorized_absence_minutes: sums.unauthorized,
            exempt_minutes: sums.exempt,
            rate: ratio(sums.present, sums.counted),
        }
    }
}

/// What a part is of; nothing of those who are in no cohort.
pub(super) type Named = Option<(uuid::Uuid, Code, Name)>;

impl Part {
    pub(super) fn of(named: Named, plan_minutes: i64, sums: Sums) -> Self {
        let (id, code, name) = named.map_or((None, None, None), |(id, code, name)| (Some(id), Some(code), Some(name)));
        let Sums { heads, enrollments, .. } = sums;
        let measures = Measures::of(plan_minutes, sums);
        Self { id, code, name, heads, enrollments, held_minutes: None, at_risk: None, out_of_reach: None, measures }
    }

    /// The sums of some rows.
    pub(super) fn of_rows<'a>(named: Named, rows: impl Iterator<Item = &'a ProgressRow> + Clone) -> Self {
        let totals = Totals::of(rows);
        let (at_risk, out_of_reach) = (Some(totals.at_risk), Some(totals.out_of_reach));
        Self { at_risk, out_of_reach, ..Self::of(named, totals.plan_minutes, Sums::from(&totals)) }
    }
}

/// The measures that a part sums.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    pub(super) heads: i64,
    pub(super) enrollments: i64,
    pub(super) expected: i64,
    /// The denominator of the rate.
    pub(super) counted: i64,
    pub(super) present: i64,
    pub(super) authorized: i64,
    pub(super) unauthorized: i64,
    pub(super) exempt: i64,
}

impl From<&Totals> for Sums {
    fn from(totals: &Totals) -> Self {
        Self {
            heads: totals.heads,
            enrollments: totals.enrollments,
            expected: totals.expected_minutes,
            counted: totals.counted_minutes,
            present: totals.present_minutes,
            authorized: totals.authorized_absence_minutes,
            unauthorized: totals.unauthorized_absence_minutes,
            exempt: totals.exempt_minutes,
        }
    }
}
