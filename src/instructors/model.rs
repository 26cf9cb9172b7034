//! What a profile is, as stored and sent, and when it says that somebody is available.

use std::collections::BTreeSet;

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use diesel::{Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    clock::{Instant, is_kept},
    error::{Error, FieldFault},
    http::body::day,
    people::PersonId,
    schema::{instructor_exceptions, instructor_hours, instructor_profiles},
    text::{Code, Note},
    week::{TimeOfDay, Weekday},
    zone::Zone,
};

/// The minutes of a day and of a week.
const DAY: i32 = 24 * 60;
const WEEK: i32 = 7 * DAY;
/// The most disciplines, hours or exceptions of one person.
const MOST: usize = 500;

/// The part of a profile that is one for each person.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = instructor_profiles, treat_none_as_default_value = false)]
pub(super) struct ProfileRow {
    pub(super) person_id: PersonId,
    pub(super) time_zone: Zone,
    pub(super) daily_minutes: Option<i32>,
    pub(super) weekly_minutes: Option<i32>,
    pub(super) version: i32,
}

/// When somebody is available on one day of every week, from a minute until just before another; several for one day add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Queryable, Selectable, Insertable, Serialize, Deserialize, ToSchema)]
#[diesel(table_name = instructor_hours, treat_none_as_default_value = false)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    #[diesel(serialize_as = i32, deserialize_as = i32)]
    pub weekday: Weekday,
    #[diesel(column_name = from_minute)]
    pub from_time: TimeOfDay,
    /// 24:00 for the rest of the day.
    #[diesel(column_name = until_minute)]
    #[schema(example = "12:00")]
    pub until_time: TimeOfDay,
}

/// What is otherwise on some days, or in some hours of each of them.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Serialize, Deserialize, ToSchema)]
#[diesel(table_name = instructor_exceptions, treat_none_as_default_value = false)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    #[serde(deserialize_with = "day")]
    pub from_date: NaiveDate,
    /// The last of the days.
    #[serde(deserialize_with = "day")]
    pub until_date: NaiveDate,
    #[serde(default = "midnight")]
    #[diesel(column_name = from_minute)]
    #[schema(default = "00:00")]
    pub from_time: TimeOfDay,
    #[serde(default = "midnight_after")]
    #[diesel(column_name = until_minute)]
    #[schema(default = "24:00")]
    pub until_time: TimeOfDay,
    /// Whether it adds to the weekly hours or takes from them. Where there are none, it can only give back what an earlier one has taken;
    /// else it is refused.
    pub available: bool,
    #[serde(default)]
    #[schema(example = "a conference")]
    pub note: Option<Note>,
}

fn midnight() -> TimeOfDay {
    TimeOfDay::START
}

fn midnight_after() -> TimeOfDay {
    TimeOfDay::END
}

/// What is known of the time of an instructor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Profile {
    pub person_id: PersonId,
    /// In which the hours and days are meant.
    #[schema(value_type = String, example = "Asia/Shanghai")]
    pub time_zone: Zone,
    /// How much may be taught on one day, counted where a session begins; null is no limit.
    #[schema(example = 360)]
    pub daily_minutes: Option<i32>,
    /// As `daily_minutes`, from Monday to Sunday.
    #[schema(example = 1080)]
    pub weekly_minutes: Option<i32>,
    /// The codes of the disciplines that the person is qualified for, in whatever program; none if that is not known. One that no program has
    /// is refused.
    #[schema(example = json!(["MET"]))]
    pub disciplines: Vec<Code>,
    /// By weekday and time; none if the person is always available.
    pub hours: Vec<Hours>,
    /// Where two of them meet, the later one says.
    pub exceptions: Vec<Exception>,
    pub version: i32,
}

/// A profile to be recorded in place of what was known.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProfile {
    #[schema(value_type = String, example = "Asia/Shanghai")]
    pub time_zone: Zone,
    /// Null is no limit. To be said in any case, as all of a profile: a body that forgot it would lift it.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(minimum = 1, maximum = 1440, required = true)]
    pub daily_minutes: Option<i32>,
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(minimum = 1, maximum = 10080, required = true)]
    pub weekly_minutes: Option<i32>,
    pub disciplines: Vec<Code>,
    pub hours: Vec<Hours>,
    pub exceptions: Vec<Exception>,
}

impl NewProfile {
    /// The profile with its parts in their order.
    ///
    /// # Errors
    /// 422 for minutes and days that are none.
    pub(super) fn of(self, person_id: PersonId, version: i32) -> Result<Profile, Error> {
        let Self { time_zone, daily_minutes, weekly_minutes, mut disciplines, mut hours, exceptions } = self;
        let mut faults = Vec::new();
        for (pointer, minutes, most) in [("/daily_minutes", daily_minutes, DAY), ("/weekly_minutes", weekly_minutes, WEEK)] {
            if minutes.is_some_and(|minutes| !(1..=most).contains(&minutes)) {
                faults.push(FieldFault::new(pointer, "out_of_range", format!("must lie between 1 and {most}")));
            }
        }
        for (pointer, count) in [("/disciplines", disciplines.len()), ("/hours", hours.len()), ("/exceptions", exceptions.len())] {
            if count > MOST {
                faults.push(FieldFault::new(pointer, "out_of_range", format!("at most {MOST} are kept")));
            }
        }
        for (index, one) in hours.iter().enumerate() {
            faults.extend(check_times(&format!("/hours/{index}"), one.from_time, one.until_time));
        }
        for (index, one) in exceptions.iter().enumerate() {
            let pointer = format!("/exceptions/{index}");
            if one.until_date < one.from_date {
                faults.push(FieldFault::new(format!("{pointer}/until_date"), "end_before_start", "must not be before from_date"));
            }
            let outside = [("from_date", one.from_date), ("until_date", one.until_date)].into_iter().filter(|(_, date)| !is_kept(date));
            faults.extend(outside.map(|(field, _)| FieldFault::new(format!("{pointer}/{field}"), "out_of_range", Instant::OUTSIDE_YEARS)));
            faults.extend(check_times(&pointer, one.from_time, one.until_time));
            if hours.is_empty() && one.available && !exceptions.iter().take(index).any(|earlier| !earlier.available && earlier.meets(one)) {
                let detail =
                    "without weekly hours the person is always available, and this adds nothing: say the hours, or take them first";
                faults.push(FieldFault::new(format!("{pointer}/available"), "adds_nothing", detail));
            }
        }
        disciplines.sort_unstable();
        disciplines.dedup();
        hours.sort_unstable();
        if hours.windows(2).any(|pair| matches!(pair, [one, next] if (one.weekday, one.from_time) == (next.weekday, next.from_time))) {
            faults.push(FieldFault::new("/hours", "duplicate", "two of them begin at the same time"));
        }
        Error::unless_valid(faults)?;
        Ok(Profile { person_id, time_zone, daily_minutes, weekly_minutes, disciplines, hours, exceptions, version })
    }
}

fn check_times(pointer: &str, from: TimeOfDay, until: TimeOfDay) -> Option<FieldFault> {
    (until <= from).then(|| FieldFault::new(format!("{pointer}/until_time"), "end_before_start", "must be after from_time"))
}

impl Exception {
    /// Whether some time is in both.
    fn meets(&self, other: &Self) -> bool {
        let days = self.from_date <= other.until_date && other.from_date <= self.until_date;
        days && self.from_time < other.until_time && other.from_time < self.until_time
    }
}

impl Profile {
    /// Whether the person is available from one instant until just before another, both of them whole minutes.
    pub fn is_available(&self, from: Instant, until: Instant) -> bool {
        steady(self.time_zone, from, until).into_iter().all(|(from, until)| self.is_available_locally(from, until))
    }

    fn is_available_locally(&self, from: NaiveDateTime, until: NaiveDateTime) -> bool {
        let days = from.date().iter_days().take_while(|date| date.and_time(chrono::NaiveTime::MIN) < until);
        days.into_iter().all(|date| {
            let first = if date == from.date() { TimeOfDay::of(from) } else { TimeOfDay::START };
            let end = if date == until.date() { TimeOfDay::of(until) } else { TimeOfDay::END };
            self.is_available_on(date, first, end)
        })
    }

    /// Within one day: nothing changes but where something begins or ends.
    fn is_available_on(&self, date: NaiveDate, from: TimeOfDay, until: TimeOfDay) -> bool {
        let hours = self.hours.iter().flat_map(|one| [one.from_time, one.until_time]);
        let exceptions = self.exceptions.iter().flat_map(|one| [one.from_time, one.until_time]);
        let within: BTreeSet<TimeOfDay> = hours.chain(exceptions).filter(|time| (from..until).contains(time)).chain([from]).collect();
        within.into_iter().all(|time| self.is_available_at(date, time))
    }

    fn is_available_at(&self, date: NaiveDate, time: TimeOfDay) -> bool {
        let says = |one: &&Exception| (one.from_date..=one.until_date).contains(&date) && (one.from_time..one.until_time).contains(&time);
        let weekday = Weekday::of(date);
        let in_week = |one: &Hours| one.weekday == weekday && (one.from_time..one.until_time).contains(&time);
        match self.exceptions.iter().rev().find(says) {
            Some(exception) => exception.available,
            None => self.hours.is_empty() || self.hours.iter().any(in_week),
        }
    }

    /// Whether the person is known not to be qualified for a discipline.
    pub fn is_unqualified_for(&self, discipline: &Code) -> bool {
        !self.disciplines.is_empty() && !self.disciplines.contains(discipline)
    }
}

/// The local times from one instant until another, parted where the clocks change: between them they run on steadily.
fn steady(zone: Zone, from: Instant, until: Instant) -> Vec<(NaiveDateTime, NaiveDateTime)> {
    let offset = |at: Instant| zone.local(at) - at.utc().naive_utc();
    let after = |minutes: i64| from.plus(TimeDelta::minutes(minutes));
    let minutes = from.minutes_until(until);
    let mut parts = Vec::new();
    let mut first = 0;
    while first < minutes {
        let own = offset(after(first));
        // The clocks change at most once within a session, so that those minutes with the offset of the first come before the others.
        let (mut same, mut other) = (first, minutes);
        while other - same > 1 {
            let middle = same + (other - same) / 2;
            if offset(after(middle)) == own { same = middle } else { other = middle }
        }
        let local = zone.local(after(first));
        parts.push((local, local + TimeDelta::minutes(other - first)));
        first = other;
    }
    parts
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, TimeZone, Timelike};
    use proptest::prelude::*;

    use super::*;
    use crate::id::Id;

    fn at(text: &str) -> Instant {
        chrono::DateTime::parse_from_rfc3339(text).unwrap().to_utc().into()
    }

    fn time(minute: i32) -> TimeOfDay {
        format!("{:02}:{:02}", minute / 60, minute % 60).parse().unwrap()
    }

    fn hours(weekday: i32, from: i32, until: i32) -> Hours {
        Hours { weekday: weekday.try_into().unwrap(), from_time: time(from), until_time: time(until) }
    }

    fn exception(from: &str, until: &str, (first, end): (i32, i32), available: bool) -> Exception {
        let (from_date, until_date) = (from.parse().unwrap(), until.parse().unwrap());
        Exception { from_date, until_date, from_time: time(first), until_time: time(end), available, note: None }
    }

    fn profile(zone: &str, hours: Vec<Hours>, exceptions: Vec<Exception>) -> Profile {
        let time_zone = zone.parse().unwrap();
        let (person_id, disciplines) = (Id::generate(), Vec::new());
        Profile { person_id, time_zone, daily_minutes: None, weekly_minutes: None, disciplines, hours, exceptions, version: 1 }
    }

    #[test]
    fn weekly_hours_are_local_half_open_and_may_join_over_midnight() {
        // Mondays from 8 to 12 and the whole afternoon, Tuesdays until 1.
        let one = profile("Asia/Shanghai", vec![hours(1, 480, 720), hours(1, 720, 1440), hours(2, 0, 60)], Vec::new());
        let available = |from, until| one.is_available(at(from), at(until));
        assert!(available("2020-06-01T00:00:00Z", "2020-06-01T17:00:00Z"));
        assert!(!available("2020-05-31T23:59:00Z", "2020-06-01T01:00:00Z"));
        assert!(!available("2020-06-01T16:00:00Z", "2020-06-01T17:01:00Z"));
        assert!(!available("2020-06-02T00:00:00Z", "2020-06-02T01:00:00Z"));
    }

    #[test]
    fn an_exception_adds_or_takes_and_the_later_one_says() {
        let away = exception("2020-06-01", "2020-06-07", (0, 1440), false);
        let still = exception("2020-06-03", "2020-06-03", (540, 600), true);
        let on_third = |one: &Profile, from, until| one.is_available(at(from), at(until));
        let (from, until) = ("2020-06-03T01:00:00Z", "2020-06-03T02:00:00Z");
        let always = |exceptions| profile("Asia/Shanghai", Vec::new(), exceptions);
        assert!(on_third(&always(Vec::new()), from, until));
        assert!(!on_third(&always(vec![away.clone()]), from, until));
        assert!(on_third(&always(vec![away.clone(), still.clone()]), from, until));
        assert!(!on_third(&always(vec![away.clone(), still.clone()]), from, "2020-06-03T02:01:00Z"));
        assert!(!on_third(&always(vec![still.clone(), away]), from, until));
        // Beside weekly hours that leave the day out.
        assert!(on_third(&profile("Asia/Shanghai", vec![hours(5, 0, 1440)], vec![still]), from, until));
    }

    #[test]
    fn whoever_is_always_available_cannot_be_more_so() {
        let fault = |hours: Vec<Hours>, exceptions: Vec<Exception>| {
            let time_zone = "UTC".parse().unwrap();
            let new = NewProfile { time_zone, daily_minutes: None, weekly_minutes: None, disciplines: Vec::new(), hours, exceptions };
            match new.of(Id::generate(), 1) {
                Err(Error::Invalid(faults)) => faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect(),
                _ => Vec::new(),
            }
        };
        let away = exception("2020-06-01", "2020-06-07", (480, 720), false);
        let back = exception("2020-06-07", "2020-06-09", (700, 800), true);
        let adds_nothing = |index: usize| vec![(format!("/exceptions/{index}/available"), "adds_nothing".to_owned())];
        assert_eq!(fault(Vec::new(), vec![back.clone()]), adds_nothing(0));
        assert_eq!(fault(Vec::new(), vec![back.clone(), away.clone()]), adds_nothing(0));
        assert_eq!(fault(Vec::new(), vec![away.clone(), back.clone()]), []);
        let untouched = [exception("2020-06-08", "2020-06-09", (700, 800), true), exception("2020-06-07", "2020-06-07", (720, 800), true)];
        for untouched in untouched {
            assert_eq!(fault(Vec::new(), vec![away.clone(), untouched]), adds_nothing(1));
        }
        assert_eq!(fault(vec![hours(1, 0, 60)], vec![back]), []);
    }

    #[test]
    fn no_disciplines_are_not_known() {
        let code = |text: &str| text.parse::<Code>().unwrap();
        let unknown = profile("UTC", Vec::new(), Vec::new());
        let known = Profile { disciplines: vec![code("MET")], ..unknown.clone() };
        let unqualified = |one: &Profile, text| one.is_unqualified_for(&code(text));
        assert_eq!((unqualified(&unknown, "MEC"), unqualified(&known, "MEC"), unqualified(&known, "MET")), (false, true, false));
    }

    #[test]
    fn wrong_minutes_and_days_are_pointed_at() {
        let wrong = NewProfile {
            time_zone: "UTC".parse().unwrap(),
            daily_minutes: Some(0),
            weekly_minutes: Some(10_081),
            disciplines: Vec::new(),
            hours: vec![hours(1, 60, 60), hours(1, 1440, 1), hours(2, 0, 1), hours(2, 0, 2)],
            exceptions: vec![exception("2020-06-02", "2020-06-01", (0, 1440), true)],
        };
        let Err(Error::Invalid(faults)) = wrong.of(Id::generate(), 1) else { panic!("was taken") };
        let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers[..2], ["/daily_minutes", "/weekly_minutes"]);
        assert_eq!(pointers[2..4], ["/hours/0/until_time", "/hours/1/until_time"]);
        assert_eq!(pointers[4..], ["/exceptions/0/until_date", "/hours"]);
    }

    /// Looks at every minute by itself.
    fn is_available_minute_by_minute(zone: &str, one: &Profile, from: Instant, until: Instant) -> bool {
        let zone: chrono_tz::Tz = zone.parse().unwrap();
        (0..from.minutes_until(until)).all(|passed| {
            let local = zone.from_utc_datetime(&(from.utc().naive_utc() + TimeDelta::minutes(passed)));
            let of_day = time(i32::try_from(local.num_seconds_from_midnight() / 60).unwrap());
            let mut says = one.hours.is_empty();
            for hours in &one.hours {
                let same_day = hours.weekday.number() == i32::try_from(local.weekday().number_from_monday()).unwrap();
                says |= same_day && hours.from_time <= of_day && of_day < hours.until_time;
            }
            for exception in &one.exceptions {
                let same_day = exception.from_date <= local.date_naive() && local.date_naive() <= exception.until_date;
                if same_day && exception.from_time <= of_day && of_day < exception.until_time {
                    says = exception.available;
                }
            }
            says
        })
    }

    /// Some of the first hours of a day, in which the clocks change, in steps, so that what is drawn meets.
    fn span() -> impl Strategy<Value = (i32, i32)> {
        (0..16_i32, 1..=6_i32).prop_map(|(from, long)| (from * 30, (from + long) * 30))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn availability_is_what_every_minute_says(
            // The clocks change there by an hour or by half of one, forward and back, or do not.
            (zone, change) in prop::sample::select(vec![
                ("Europe/Berlin", "2024-03-31T01:00:00Z"),
                ("Europe/Berlin", "2024-10-27T01:00:00Z"),
                ("Australia/Lord_Howe", "2024-04-06T15:00:00Z"),
                ("Australia/Lord_Howe", "2024-10-05T15:30:00Z"),
                ("Asia/Shanghai", "2024-04-06T15:00:00Z"),
            ]),
            weekly in prop::collection::btree_map((6..=7_i32, 0..24_i32), 1..=24_i32, 0..4),
            exceptions in prop::collection::vec((0..2_u64, 0..2_u64, span(), any::<bool>()), 0..4),
            start in -32..16_i64,
            length in 1..=48_i64,
        ) {
            let from = at(change).plus(TimeDelta::minutes(start * 15));
            let until = from.plus(TimeDelta::minutes(length * 15));
            let day = at(change).utc().date_naive();
            let weekly = weekly.into_iter().map(|((weekday, from), long)| hours(weekday, from * 60, ((from + long) * 60).min(1440))).collect();
            let exceptions = exceptions.into_iter().map(|(first, more, (from, until), available)| {
                let from_date = day + chrono::Days::new(first);
                let until_date = from_date + chrono::Days::new(more);
                Exception { from_date, until_date, from_time: time(from), until_time: time(until), available, note: None }
            });
            let one = profile(zone, weekly, exceptions.collect());
            prop_assert_eq!(one.is_available(from, until), is_available_minute_by_minute(zone, &one, from, until));
        }
    }
}
