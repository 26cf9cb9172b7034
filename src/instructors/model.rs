//! What a profile is, as stored and sent, and when it says that somebody is available.

use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike};
use diesel::{Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    clock::Instant,
    error::{Error, FieldFault},
    http::body::day,
    people::PersonId,
    schema::{instructor_exceptions, instructor_hours, instructor_profiles},
    text::{Code, Note},
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
    /// 1 for Monday to 7 for Sunday.
    #[schema(minimum = 1, maximum = 7)]
    pub weekday: i32,
    /// Since local midnight.
    #[schema(minimum = 0, maximum = 1439, example = 480)]
    pub from_minute: i32,
    /// Since local midnight; 1440 is the midnight after.
    #[schema(minimum = 1, maximum = 1440, example = 720)]
    pub until_minute: i32,
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
    /// Since local midnight.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1439, default = 0)]
    pub from_minute: i32,
    /// Since local midnight; 1440 is the midnight after.
    #[serde(default = "midnight_after")]
    #[schema(minimum = 1, maximum = 1440, default = 1440)]
    pub until_minute: i32,
    /// Whether it adds to the weekly hours or takes from them.
    pub available: bool,
    #[serde(default)]
    #[schema(example = "a conference")]
    pub note: Option<Note>,
}

fn midnight_after() -> i32 {
    DAY
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
    /// The codes of the disciplines that the person is qualified for, in whatever program; none if that is not known.
    #[schema(example = json!(["MET"]))]
    pub disciplines: Vec<Code>,
    /// By weekday and minute; none if the person is always available.
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
            let pointer = format!("/hours/{index}");
            if !(1..=7).contains(&one.weekday) {
                faults.push(FieldFault::new(format!("{pointer}/weekday"), "out_of_range", "is 1 for Monday to 7 for Sunday"));
            }
            faults.extend(check_minutes(&pointer, one.from_minute, one.until_minute));
        }
        for (index, one) in exceptions.iter().enumerate() {
            let pointer = format!("/exceptions/{index}");
            if one.until_date < one.from_date {
                faults.push(FieldFault::new(format!("{pointer}/until_date"), "end_before_start", "must not be before from_date"));
            }
            let years = 1900..=2200;
            if !years.contains(&one.from_date.year()) || !years.contains(&one.until_date.year()) {
                faults.push(FieldFault::new(format!("{pointer}/from_date"), "out_of_range", "the year must lie between 1900 and 2200"));
            }
            faults.extend(check_minutes(&pointer, one.from_minute, one.until_minute));
        }
        disciplines.sort_unstable();
        disciplines.dedup();
        hours.sort_unstable();
        if hours.windows(2).any(|pair| matches!(pair, [one, next] if (one.weekday, one.from_minute) == (next.weekday, next.from_minute))) {
            faults.push(FieldFault::new("/hours", "duplicate", "two of them begin at the same time"));
        }
        Error::unless_valid(faults)?;
        Ok(Profile { person_id, time_zone, daily_minutes, weekly_minutes, disciplines, hours, exceptions, version })
    }
}

fn check_minutes(pointer: &str, from: i32, until: i32) -> Vec<FieldFault> {
    let mut faults = Vec::new();
    if !(0..DAY).contains(&from) {
        faults.push(FieldFault::new(format!("{pointer}/from_minute"), "out_of_range", "must lie between 0 and 1439"));
    }
    if !(1..=DAY).contains(&until) {
        faults.push(FieldFault::new(format!("{pointer}/until_minute"), "out_of_range", "must lie between 1 and 1440"));
    }
    if faults.is_empty() && until <= from {
        faults.push(FieldFault::new(format!("{pointer}/until_minute"), "end_before_start", "must be after from_minute"));
    }
    faults
}

impl Profile {
    /// Whether the person is available from one instant until just before another, both of them whole minutes.
    pub fn is_available(&self, from: Instant, until: Instant) -> bool {
        steady(self.time_zone, from, until).into_iter().all(|(from, until)| self.is_available_locally(from, until))
    }

    fn is_available_locally(&self, from: NaiveDateTime, until: NaiveDateTime) -> bool {
        let days = from.date().iter_days().take_while(|date| date.and_time(chrono::NaiveTime::MIN) < until);
        days.into_iter().all(|date| {
            let first = if date == from.date() { minute(from) } else { 0 };
            let end = if date == until.date() { minute(until) } else { DAY };
            self.is_available_on(date, first, end)
        })
    }

    /// Within one day: nothing changes but where something begins or ends.
    fn is_available_on(&self, date: NaiveDate, from: i32, until: i32) -> bool {
        let hours = self.hours.iter().flat_map(|one| [one.from_minute, one.until_minute]);
        let exceptions = self.exceptions.iter().flat_map(|one| [one.from_minute, one.until_minute]);
        let within: BTreeSet<i32> = hours.chain(exceptions).filter(|minute| (from..until).contains(minute)).chain([from]).collect();
        within.into_iter().all(|minute| self.is_available_at(date, minute))
    }

    fn is_available_at(&self, date: NaiveDate, minute: i32) -> bool {
        let says =
            |one: &&Exception| (one.from_date..=one.until_date).contains(&date) && (one.from_minute..one.until_minute).contains(&minute);
        let weekday = i64::from(date.weekday().number_from_monday());
        let in_week = |one: &Hours| i64::from(one.weekday) == weekday && (one.from_minute..one.until_minute).contains(&minute);
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

fn minute(local: NaiveDateTime) -> i32 {
    i32::try_from(local.hour() * 60 + local.minute()).unwrap_or(0)
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
    use chrono::TimeZone;
    use proptest::prelude::*;

    use super::*;
    use crate::id::Id;

    fn at(text: &str) -> Instant {
        chrono::DateTime::parse_from_rfc3339(text).unwrap().to_utc().into()
    }

    fn hours(weekday: i32, from_minute: i32, until_minute: i32) -> Hours {
        Hours { weekday, from_minute, until_minute }
    }

    fn exception(from: &str, until: &str, (from_minute, until_minute): (i32, i32), available: bool) -> Exception {
        let (from_date, until_date) = (from.parse().unwrap(), until.parse().unwrap());
        Exception { from_date, until_date, from_minute, until_minute, available, note: None }
    }

    fn profile(zone: &str, hours: Vec<Hours>, exceptions: Vec<Exception>) -> Profile {
        let time_zone = zone.parse().unwrap();
        let new = NewProfile { time_zone, daily_minutes: None, weekly_minutes: None, disciplines: Vec::new(), hours, exceptions };
        new.of(Id::generate(), 1).unwrap()
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
            hours: vec![hours(8, 0, 60), hours(1, 60, 60), hours(1, -1, 1441), hours(2, 0, 1), hours(2, 0, 2)],
            exceptions: vec![exception("2020-06-02", "2020-06-01", (0, 1440), true)],
        };
        let Err(Error::Invalid(faults)) = wrong.of(Id::generate(), 1) else { panic!("was taken") };
        let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        let hours = ["/hours/0/weekday", "/hours/1/until_minute", "/hours/2/from_minute", "/hours/2/until_minute"];
        assert_eq!(pointers[..2], ["/daily_minutes", "/weekly_minutes"]);
        assert_eq!(pointers[2..6], hours);
        assert_eq!(pointers[6..], ["/exceptions/0/until_date", "/hours"]);
    }

    /// Looks at every minute by itself.
    fn is_available_minute_by_minute(zone: &str, one: &Profile, from: Instant, until: Instant) -> bool {
        let zone: chrono_tz::Tz = zone.parse().unwrap();
        (0..from.minutes_until(until)).all(|passed| {
            let local = zone.from_utc_datetime(&(from.utc().naive_utc() + TimeDelta::minutes(passed)));
            let of_day = i32::try_from(local.num_seconds_from_midnight() / 60).unwrap();
            let mut says = one.hours.is_empty();
            for hours in &one.hours {
                let same_day = hours.weekday == i32::try_from(local.weekday().number_from_monday()).unwrap();
                says |= same_day && hours.from_minute <= of_day && of_day < hours.until_minute;
            }
            for exception in &one.exceptions {
                let same_day = exception.from_date <= local.date_naive() && local.date_naive() <= exception.until_date;
                if same_day && exception.from_minute <= of_day && of_day < exception.until_minute {
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
            let exceptions = exceptions.into_iter().map(|(first, more, (from_minute, until_minute), available)| {
                let from_date = day + chrono::Days::new(first);
                Exception { from_date, until_date: from_date + chrono::Days::new(more), from_minute, until_minute, available, note: None }
            });
            let one = profile(zone, weekly, exceptions.collect());
            prop_assert_eq!(one.is_available(from, until), is_available_minute_by_minute(zone, &one, from, until));
        }
    }
}
