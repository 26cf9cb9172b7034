//! The times at which a session could be instead; pure.

use chrono::{Datelike, Days, NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    conflicts::{Conflict, Severity},
    model::SessionId,
    plan::Plan,
};
use crate::{
    clock::{Instant, YEARS},
    error::Error,
    http::body::some_day,
    week::TimeOfDay,
    zone::Zone,
};

/// The most days and the most times of one look.
const DAYS: usize = 31;
const TIMES: usize = 1000;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PlacementQuery {
    /// The first day, in the intake's time zone; the Monday of the session's week unless said.
    #[serde(default, deserialize_with = "some_day")]
    from: Option<NaiveDate>,
    /// The last day, at most 31 in all; the Sunday of the first day's week unless said.
    #[serde(default, deserialize_with = "some_day")]
    until: Option<NaiveDate>,
    /// The first start of a day (default 08:00).
    earliest: Option<TimeOfDay>,
    /// No session ends later in the day (default 21:30).
    latest: Option<TimeOfDay>,
    /// Minutes from one start to the next, 1 to 1,440 (default 30). There are at most 1,000 times in all.
    step: Option<i64>,
}

impl PlacementQuery {
    /// The times to look at, by start; none that the clocks skip or show twice.
    ///
    /// # Errors
    /// 400 for more days or times than are looked at, and for none.
    pub(super) fn times(&self, zone: Zone, plan: &Plan) -> Result<Vec<(Instant, Instant)>, Error> {
        let refuse = |detail: &str| Err(Error::malformed("query_malformed", detail));
        let (day, span) = (zone.date(plan.starts_at), plan.ends_at.utc() - plan.starts_at.utc());
        let from = self.from.unwrap_or_else(|| monday(day));
        let until = self.until.unwrap_or_else(|| monday(from).checked_add_days(Days::new(6)).unwrap_or(from));
        let step = self.step.unwrap_or(30);
        if !(1..=24 * 60).contains(&step) {
            return refuse("step: must be 1 to 1,440 minutes");
        }
        if !YEARS.contains(&from.year()) || !YEARS.contains(&until.year()) {
            return refuse(&format!("from, until: {}", Instant::OUTSIDE_YEARS));
        }
        if until < from {
            return refuse("until: must not be before the first day");
        }
        let days: Vec<NaiveDate> = from.iter_days().take_while(|day| *day <= until).take(DAYS + 1).collect();
        if days.len() > DAYS {
            return refuse("until: at most 31 days are looked at");
        }
        let earliest = self.earliest.unwrap_or(TimeOfDay::at(8, 0));
        let latest = self.latest.unwrap_or(TimeOfDay::at(21, 30));
        let mut times = Vec::new();
        for date in days {
            let (mut local, last) = (earliest.on(date), latest.on(date));
            while local <= last && local.date() == date {
                if let Ok(starts_at) = zone.instant(local) {
                    let ends_at = starts_at.plus(span);
                    times.extend((zone.local(ends_at) <= last).then_some((starts_at, ends_at)));
                }
                local += TimeDelta::minutes(step);
            }
        }
        if times.len() > TIMES { refuse("step: at most 1,000 times are looked at") } else { Ok(times) }
    }
}

fn monday(day: NaiveDate) -> NaiveDate {
    day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into())).unwrap_or(day)
}

/// The times at which a session could be, each looked at alone.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Placements {
    pub session_id: SessionId,
    /// By start.
    pub times: Vec<PossibleTime>,
}

/// A time at which a session could be, with the people, the room and the length that it has.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PossibleTime {
    pub starts_at: Instant,
    pub ends_at: Instant,
    /// Whether it could be published there: nothing that blocks was found.
    pub fits: bool,
    pub conflicts: Vec<Conflict>,
}

impl PossibleTime {
    pub(super) fn of((starts_at, ends_at): (Instant, Instant), conflicts: Vec<Conflict>) -> Self {
        let fits = conflicts.iter().all(|conflict| conflict.severity != Severity::Block);
        Self { starts_at, ends_at, fits, conflicts }
    }
}
