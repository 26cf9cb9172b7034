//! Calendars: the days off of a provider, and the shifts that a sponsor's crews work.
//!
//! They come from files and are advice: the schedule warns of a session on a day off or during a trainee's shift, and refuses none.

mod http;
mod model;
mod store;

pub use http::{ApiDoc, routes};
pub use model::{Calendar, CalendarDay, CalendarId, CalendarKind, CalendarPatch, CrewShift, DayKind, NewCalendar, Weekdays};
pub use store::{
    by_code, check_holidays, create, days_between, days_off, fillable, find, keep, keepers, list, of_shifts, planned, remove, replace_days,
    replace_shifts, shifts_between, shifts_of, update,
};
