//! Enrollments: a trainee's place in an intake, its dated periods and the steps of its life.

mod explain;
mod http;
mod model;
mod nomination;
mod stays;
mod store;
mod waitlist;

pub use http::{ApiDoc, routes, transitions};
pub use model::{
    DatedChange, Enrollment, EnrollmentFilter, EnrollmentId, EnrollmentRow, EnrollmentState, EnrollmentTransition, LIFE_CYCLE,
    NewEnrollment, UnsettledKind, Withdrawal,
};
pub use store::admission::enroll;
pub use store::periods::{enrolled_at, enrolled_since};
pub use store::retention::{ever_of, forget, undecided_of};
pub use store::roster::{Expected, enrolled, expected_of};
pub use store::steps::{end_all, transition};
pub use store::uncounted::refuse_uncounted_in;
pub use store::unsettled::{closed_by_cohort, ever_in, find_anew as find_unsettled, settle, verify_unsettled};
pub use store::verify::{verify, verify_periods, verify_seats, verify_steps};
pub use store::waitlist::{refuse_in_use, settle_seats};
pub use store::{check_own, count_undecided, crews_among, find, list, open_of, own, remove_many, seen_of, visible};
