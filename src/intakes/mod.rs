//! Intakes: one dated run of a program version, with its cohorts, seat quotas and amendments.

mod cohorts;
mod http;
mod model;
mod quotas;
mod store;

pub use cohorts::{CohortRow, cohorts_of, create_cohort};
pub use http::{ApiDoc, routes, transitions};
pub use model::{Cohort, CohortId, Intake, IntakeId, IntakeState, IntakeTransition, NewCohort, NewIntake, SeatQuota, SessionMode, Zone};
pub use quotas::{list as quotas_of, set_quota};
pub use store::{by_code, create, find, list, touch, touch_all, touch_person, transition};
