//! What somebody should think over: how much instructors teach beside how much they may, and who would be called off a shift; pure.

use std::collections::HashMap;

use chrono::{Days, NaiveDate, Weekday};

use super::expected::Enrolled;
use crate::{calendars::CrewShift, clock::Instant, instructors::Profile, organizations::OrganizationId, people::PersonId, text::Code};

/// A session as it counts for one of its instructors: on the day, and in the week, in which it begins where the instructor is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) person_id: PersonId,
    pub(super) starts_at: Instant,
    pub(super) minutes: i32,
}

/// Within what a cap holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Period {
    Day(NaiveDate),
    /// By its Monday.
    Week(NaiveDate),
}

/// More than somebody may teach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Beyond {
    /// The proposed session with which it is.
    pub(super) index: usize,
    pub(super) person_id: PersonId,
    pub(super) period: Period,
    pub(super) minutes: i64,
    pub(super) cap: i64,
}

fn monday(profile: &Profile, at: Instant) -> NaiveDate {
    profile.time_zone.date(at).week(Weekday::Mon).first_day()
}

/// The instants between which a session begins that counts in the same week; none without a cap.
pub(super) fn week_around(profile: &Profile, at: Instant) -> Option<(Instant, Instant)> {
    profile.daily_minutes.or(profile.weekly_minutes)?;
    let monday = monday(profile, at);
    Some((profile.time_zone.day_start(monday), profile.time_zone.day_start(monday + Days::new(7))))
}

/// The proposed sessions with which somebody teaches more than the caps say, in their order; beside those that stand.
pub(super) fn beyond_caps(profiles: &HashMap<PersonId, Profile>, standing: &[Load], proposed: &[(usize, Load)]) -> Vec<Beyond> {
    let periods = |load: &Load| {
        profiles.get(&load.person_id).map_or_else(Vec::new, |profile| {
            let day = profile.daily_minutes.map(|cap| (Period::Day(profile.time_zone.date(load.starts_at)), cap));
            let week = profile.weekly_minutes.map(|cap| (Period::Week(monday(profile, load.starts_at)), cap));
            day.into_iter().chain(week).collect()
        })
    };
    let mut taught: HashMap<(PersonId, Period), i64> = HashMap::new();
    for load in standing {
        for (period, _) in periods(load) {
            *taught.entry((load.person_id, period)).or_default() += i64::from(load.minutes);
        }
    }
    let mut beyond = Vec::new();
    for (index, load) in proposed {
        for (period, cap) in periods(load) {
            let minutes = taught.entry((load.person_id, period)).or_default();
            *minutes += i64::from(load.minutes);
            if *minutes > i64::from(cap) {
                beyond.push(Beyond { index: *index, person_id: load.person_id, period, minutes: *minutes, cap: i64::from(cap) });
            }
        }
    }
    beyond
}

/// A trainee who works shifts: in a cohort, and in a crew of the sponsor.
#[derive(Clone, Debug)]
pub(super) struct Crewed {
    pub(super) enrolled: Enrolled,
    pub(super) crew: (OrganizationId, Code),
}

/// Those of the trainees who are expected in a session and on shift during it, each with the first such shift.
pub(super) fn on_shift<'a>(
    (starts_at, ends_at): (Instant, Instant),
    trainees: impl Iterator<Item = &'a Crewed>,
    shifts: &'a HashMap<(OrganizationId, Code), Vec<CrewShift>>,
) -> Vec<(PersonId, &'a CrewShift)> {
    let shift_of = |one: &Crewed| {
        let shifts = shifts.get(&one.crew)?;
        shifts.iter().find(|shift| shift.starts_at < ends_at && starts_at < shift.ends_at)
    };
    let expected = trainees.filter(|one| one.enrolled.covers(starts_at));
    expected.filter_map(|one| Some((one.enrolled.person_id, shift_of(one)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;

    #[test]
    fn who_works_during_a_session_that_he_is_expected_in_is_on_shift() {
        let (sponsor, intake_id, cohort_id) = (Id::generate(), Id::generate(), Some(Id::generate()));
        let code = |text: &str| text.parse::<Code>().unwrap();
        let crewed = |crew: &str, until: Option<&str>| Crewed {
            enrolled: Enrolled { person_id: Id::generate(), intake_id, cohort_id, from: at("2020-05-27T00:00:00Z"), until: until.map(at) },
            crew: (sponsor, code(crew)),
        };
        let shift = |crew: &str, start, end| CrewShift { crew: code(crew), starts_at: at(start), ends_at: at(end), name: None };
        let night = shift("A", "2020-06-01T16:00:00Z", "2020-06-02T00:00:00Z");
        let shifts = HashMap::from([((sponsor, code("A")), vec![night.clone()])]);
        let trainees = [crewed("A", None), crewed("B", None), crewed("A", Some("2020-06-01T23:00:00Z"))];
        let during = |start, end| on_shift((at(start), at(end)), trainees.iter(), &shifts).len();
        assert_eq!(during("2020-06-01T23:59:00Z", "2020-06-02T01:00:00Z"), 1);
        assert_eq!(during("2020-06-01T15:00:00Z", "2020-06-01T16:01:00Z"), 2);
        // Half-open on both sides.
        assert_eq!(during("2020-06-01T15:00:00Z", "2020-06-01T16:00:00Z"), 0);
        assert_eq!(during("2020-06-02T00:00:00Z", "2020-06-02T01:00:00Z"), 0);
        let elsewhere = HashMap::from([((Id::generate(), code("A")), vec![night])]);
        let whole = (at("2020-06-01T16:00:00Z"), at("2020-06-01T17:00:00Z"));
        assert_eq!(on_shift(whole, trainees.iter(), &elsewhere), []);
    }

    fn at(text: &str) -> Instant {
        chrono::DateTime::parse_from_rfc3339(text).unwrap().to_utc().into()
    }

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn profile(daily_minutes: Option<i32>, weekly_minutes: Option<i32>) -> Profile {
        let (person_id, time_zone) = (Id::generate(), "Asia/Shanghai".parse().unwrap());
        let (disciplines, hours, exceptions) = (Vec::new(), Vec::new(), Vec::new());
        Profile { person_id, time_zone, daily_minutes, weekly_minutes, disciplines, hours, exceptions, version: 1 }
    }

    #[test]
    fn each_session_that_goes_beyond_a_day_or_a_week_is_told() {
        let one = profile(Some(180), Some(300));
        let load = |text: &str, minutes| Load { person_id: one.person_id, starts_at: at(text), minutes };
        // In Shanghai 1 June 2020 was a Monday; it begins at 16:00 UTC of the day before.
        let standing = [load("2020-05-31T16:00:00Z", 90), load("2020-05-31T15:59:00Z", 1000)];
        let proposed = [
            (0, load("2020-06-01T01:00:00Z", 90)),
            (1, load("2020-06-01T15:59:00Z", 1)),
            (2, load("2020-06-07T15:00:00Z", 120)),
            (3, load("2020-06-07T16:00:00Z", 180)),
        ];
        let profiles = HashMap::from([(one.person_id, one.clone())]);
        let told = |index, period, minutes, cap| Beyond { index, person_id: one.person_id, period, minutes, cap };
        let expected = [told(1, Period::Day(date("2020-06-01")), 181, 180), told(2, Period::Week(date("2020-06-01")), 301, 300)];
        assert_eq!(beyond_caps(&profiles, &standing, &proposed), expected);
    }

    #[test]
    fn who_has_no_cap_or_no_profile_teaches_as_much_as_there_is() {
        let free = profile(None, None);
        let load = |person_id| (0, Load { person_id, starts_at: at("2020-06-01T01:00:00Z"), minutes: 1440 });
        let proposed = [load(free.person_id), load(free.person_id), load(Id::generate())];
        assert_eq!(week_around(&free, at("2020-06-01T01:00:00Z")), None);
        assert_eq!(beyond_caps(&HashMap::from([(free.person_id, free)]), &[], &proposed), []);
    }

    #[test]
    fn a_week_begins_on_monday_where_the_instructor_is() {
        let week = Some((at("2020-05-31T16:00:00Z"), at("2020-06-07T16:00:00Z")));
        for inside in ["2020-05-31T16:00:00Z", "2020-06-03T01:00:00Z", "2020-06-07T15:59:00Z"] {
            assert_eq!(week_around(&profile(Some(1), None), at(inside)), week, "{inside}");
            assert_eq!(week_around(&profile(None, Some(1)), at(inside)), week, "{inside}");
        }
    }
}
