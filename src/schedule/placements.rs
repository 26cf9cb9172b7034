//! The times at which a session could be instead; pure.

use std::{collections::BTreeSet, iter::successors};

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, TimeDelta};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    conflicts::{Conflict, Severity},
    model::SessionId,
    plan::Plan,
};
use crate::{
    clock::{Instant, is_kept},
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
    /// The first start of a day. Unless said 08:00, or when the session begins now if that is earlier.
    earliest: Option<TimeOfDay>,
    /// No session ends later. One that is not after `earliest` is of the next day: 22:00 to 02:00. Unless said 21:30, or when the session ends
    /// now if that is later.
    latest: Option<TimeOfDay>,
    /// Minutes from one start to the next, 1 to 1,440 (default 30); when the session begins now is among them on each day. There are at most
    /// 1,000 times in all.
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
        if !is_kept(&from) || !is_kept(&until) {
            return refuse(&format!("from, until: {}", Instant::OUTSIDE_YEARS));
        }
        if until < from {
            return refuse("until: must not be before the first day");
        }
        let days: Vec<NaiveDate> = from.iter_days().take_while(|day| *day <= until).take(DAYS + 1).collect();
        if days.len() > DAYS {
            return refuse("until: at most 31 days are looked at");
        }
        let mut times = BTreeSet::new();
        for date in days {
            let (first, last) = self.window(zone, plan, date);
            let steps = successors(Some(first), |local| Some(*local + TimeDelta::minutes(step))).take_while(|local| *local < last);
            let own = [date, date + Days::new(1)].map(|date| TimeOfDay::of(zone.local(plan.starts_at)).on(date));
            let starts = steps.chain(own.into_iter().filter(|local| first <= *local));
            let times_at = starts.filter_map(|local| zone.instant(local).ok()).map(|starts_at| (starts_at, starts_at.plus(span)));
            times.extend(times_at.filter(|(_, ends_at)| zone.local(*ends_at) <= last));
        }
        if times.len() > TIMES { refuse("step: at most 1,000 times are looked at") } else { Ok(times.into_iter().collect()) }
    }

    /// Between which local times it may be on a day: as asked for, else as usual and as it is now.
    fn window(&self, zone: Zone, plan: &Plan, date: NaiveDate) -> (NaiveDateTime, NaiveDateTime) {
        let (starts, ends) = (zone.local(plan.starts_at), zone.local(plan.ends_at));
        let nights = ends.date() - starts.date();
        let earliest = self.earliest.unwrap_or(TimeOfDay::at(8, 0).min(TimeOfDay::of(starts)));
        let last = match self.latest {
            Some(latest) => latest.on(if latest <= earliest { date + Days::new(1) } else { date }),
            None => TimeOfDay::at(21, 30).on(date).max(TimeOfDay::of(ends).on(date + nights)),
        };
        (earliest.on(date), last)
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

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveTime, TimeZone};
    use proptest::prelude::*;

    use super::*;
    use crate::{id::Id, intakes::SessionMode, schedule::plan::NewSession};

    const BERLIN: chrono_tz::Tz = chrono_tz::Europe::Berlin;

    fn time(minute: i64) -> TimeOfDay {
        format!("{:02}:{:02}", minute / 60, minute % 60).parse().unwrap()
    }

    fn plan(starts_at: DateTime<chrono::Utc>, minutes: i64) -> Plan {
        let new = NewSession {
            code: "A".parse().unwrap(),
            module_id: Id::generate(),
            mode: None,
            starts_at: Instant::from(starts_at).into(),
            ends_at: Instant::from(starts_at + TimeDelta::minutes(minutes)).into(),
            break_minutes: 0,
            length_minutes: None,
            room_id: None,
            place: None,
            cohort_ids: Vec::new(),
            instructor_ids: Vec::new(),
        };
        new.plan(SessionMode::OnSite, "Europe/Berlin".parse().unwrap()).unwrap()
    }

    /// Looks at every minute that passes: what its clocks show, whether they show it once, and whether some day asked for has it.
    fn model(
        days: &[NaiveDate],
        starts: NaiveDateTime,
        span: i64,
        asked: (Option<i64>, Option<i64>),
        step: i64,
    ) -> Vec<DateTime<chrono::Utc>> {
        let minutes = |local: NaiveDateTime| (local - local.date().and_time(NaiveTime::MIN)).num_minutes();
        let ends = (BERLIN.from_local_datetime(&starts).unwrap() + TimeDelta::minutes(span)).naive_local();
        let nights = (ends.date() - starts.date()).num_days();
        let earliest = asked.0.unwrap_or(minutes(starts).min(480));
        let latest = match asked.1 {
            Some(latest) if latest <= earliest => latest + 1440,
            Some(latest) => latest,
            None => (nights * 1440 + minutes(ends)).max(21 * 60 + 30),
        };
        let begin = days[0].and_time(NaiveTime::MIN).and_utc() - TimeDelta::hours(3);
        let offered = |at: &DateTime<chrono::Utc>| {
            let local = at.with_timezone(&BERLIN).naive_local();
            let end = (*at + TimeDelta::minutes(span)).with_timezone(&BERLIN).naive_local();
            let is_shown_once = BERLIN.from_local_datetime(&local).single().is_some();
            let of = |day: &NaiveDate| {
                let since = |local: NaiveDateTime| (local - day.and_time(NaiveTime::MIN)).num_minutes();
                let is_a_step = (since(local) - earliest) % step == 0 || minutes(local) == minutes(starts);
                earliest <= since(local) && since(end) <= latest && is_a_step
            };
            is_shown_once && days.iter().any(of)
        };
        (0..(i64::try_from(days.len()).unwrap() + 2) * 1440 + 360)
            .map(|minute| begin + TimeDelta::minutes(minute))
            .filter(offered)
            .collect()
    }

    proptest! {
        #[test]
        fn the_times_are_what_looking_at_every_minute_finds(
            autumn in any::<bool>(),
            (first, count) in (0_u64..3, 1_u64..4),
            (start, span) in (0_i64..288, 1_i64..288),
            earliest in prop::option::of(0_i64..96),
            latest in prop::option::of(0_i64..=96),
            step in prop_oneof![Just(30_i64), Just(60), Just(45), 20_i64..1440],
        ) {
            let (month, day) = if autumn { (10, 24) } else { (3, 28) };
            let first = NaiveDate::from_ymd_opt(2020, month, day).unwrap() + Days::new(first) - Days::new(1);
            let days: Vec<NaiveDate> = first.iter_days().take(usize::try_from(count).unwrap()).collect();
            // Long before the clocks change.
            let starts = NaiveDate::from_ymd_opt(2020, 2, 3).unwrap().and_time(NaiveTime::MIN) + TimeDelta::minutes(start * 5);
            let own = BERLIN.from_local_datetime(&starts).unwrap().to_utc();
            let (earliest, latest) = (earliest.map(|one| one * 15), latest.map(|one| one * 15));
            let query = PlacementQuery {
                from: Some(first),
                until: days.last().copied(),
                earliest: earliest.map(time),
                latest: latest.map(time),
                step: Some(step),
            };
            let times = query.times("Europe/Berlin".parse().unwrap(), &plan(own, span * 5)).unwrap();
            let expected = model(&days, starts, span * 5, (earliest, latest), step);
            prop_assert_eq!(times.iter().map(|(starts_at, _)| starts_at.utc()).collect::<Vec<_>>(), expected);
            prop_assert!(times.iter().all(|(starts_at, ends_at)| starts_at.minutes_until(*ends_at) == span * 5));
        }
    }
}
