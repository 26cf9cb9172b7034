//! Enrollments: a trainee's place in an intake, its dated periods and the steps of its life.

mod http;
mod model;
mod store;

pub use http::{ApiDoc, routes, transitions};
pub use model::{DatedChange, Enrollment, EnrollmentId, EnrollmentRow, EnrollmentState, EnrollmentTransition, LIFE_CYCLE, NewEnrollment};
pub use store::periods::{enrolled_at, enrolled_since};
pub use store::roster::{Expected, enrolled, expected_of};
pub use store::unsettled::{closed_by_cohort, settle, verify_unsettled};
pub use store::verify::{verify, verify_periods, verify_seats, verify_steps};
pub use store::{count_undecided, crews_among, enroll, find, list, open_of, remove_many, transition};
