//! Intakes: one dated run of a program version, with its cohorts, seat quotas and amendments.

mod http;
mod model;
mod store;

pub use http::{ApiDoc, routes, transitions};
pub use model::{
    Cohort, CohortId, CohortPatch, Intake, IntakeId, IntakePatch, IntakeState, IntakeTransition, LIFE_CYCLE, NewCohort, NewIntake,
    SeatQuota, SessionMode,
};
pub use store::cohorts::{CohortRow, cohorts_of, create_cohort, list as list_cohorts, update as update_cohort};
pub use store::quotas::{list as quotas_of, set_quota};
pub use store::verify::verify;
pub use store::{by_code, check_own, create, find, latest_zone, list, touch, touch_all, touch_people, transition, update};
