//! `VTIMEZONE` (RFC 5545 section 3.6.5): the changes of a zone's clocks around some events, each as an observance of its own; pure.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::{OffsetComponents, OffsetName, Tz};

/// From when on the clocks of a zone show what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Observance {
    /// By the clocks before the change.
    pub(super) begins: NaiveDateTime,
    pub(super) from: FixedOffset,
    pub(super) to: FixedOffset,
    pub(super) is_daylight: bool,
    pub(super) name: Option<String>,
}

/// What the clocks of `zone` show from the year before `first` until the year after `last`. The first observance says what they showed
/// when those years began; whatever the law says next year is another calendar's matter.
pub(super) fn observances(zone: Tz, first: DateTime<Utc>, last: DateTime<Utc>) -> Vec<Observance> {
    let (begin, end) = (new_year(first.year() - 1), new_year(last.year() + 2));
    let mut observances = vec![observance(zone, begin, begin)];
    let mut day = begin;
    while day < end {
        let next = day + TimeDelta::days(1);
        if shown(zone, day) != shown(zone, next) {
            let (before, at) = change_between(zone, day, next);
            observances.push(observance(zone, before, at));
        }
        day = next;
    }
    observances
}

fn new_year(year: i32) -> DateTime<Utc> {
    NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default().and_time(chrono::NaiveTime::MIN).and_utc()
}

/// All that a change can be of.
fn shown(zone: Tz, at: DateTime<Utc>) -> (FixedOffset, TimeDelta, Option<String>) {
    let offset = zone.offset_from_utc_datetime(&at.naive_utc());
    (offset.fix(), offset.dst_offset(), offset.abbreviation().map(ToOwned::to_owned))
}

/// The last second before the one change between two instants, and the first second after it.
fn change_between(zone: Tz, mut before: DateTime<Utc>, mut after: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    while after - before > TimeDelta::seconds(1) {
        let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
        if shown(zone, middle) == shown(zone, before) { before = middle } else { after = middle }
    }
    (before, after)
}

fn observance(zone: Tz, before: DateTime<Utc>, at: DateTime<Utc>) -> Observance {
    let (from, ..) = shown(zone, before);
    let (to, daylight, name) = shown(zone, at);
    Observance { begins: at.with_timezone(&from).naive_local(), from, to, is_daylight: !daylight.is_zero(), name }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The changes between noon UTC of two days: when by the clocks before, from and to which minutes, whether in summer.
    fn changes(zone: Tz, from: (i32, u32, u32), until: (i32, u32, u32)) -> Vec<(String, i32, i32, bool)> {
        let noon = |(year, month, day)| Utc.with_ymd_and_hms(year, month, day, 12, 0, 0).unwrap();
        let minutes = |offset: FixedOffset| offset.local_minus_utc() / 60;
        let told = |one: Observance| (one.begins.format("%F %H:%M").to_string(), minutes(one.from), minutes(one.to), one.is_daylight);
        observances(zone, noon(from), noon(until)).into_iter().map(told).collect()
    }

    fn told(begins: &str, from: i32, to: i32, is_daylight: bool) -> (String, i32, i32, bool) {
        (begins.to_owned(), from, to, is_daylight)
    }

    #[test]
    fn clocks_that_never_change_are_said_once() {
        assert_eq!(changes(Tz::Asia__Shanghai, (2020, 5, 27), (2020, 10, 30)), [told("2019-01-01 08:00", 480, 480, false)]);
    }

    #[test]
    fn every_change_is_told_by_the_clocks_before_it() {
        let berlin = changes(Tz::Europe__Berlin, (2020, 5, 27), (2020, 10, 30));
        assert_eq!(berlin[3..5], [told("2020-03-29 02:00", 60, 120, true), told("2020-10-25 03:00", 120, 60, false)]);
        assert_eq!(berlin.len(), 7);
        // Half an hour is put forward.
        let lord_howe = changes(Tz::Australia__Lord_Howe, (2020, 5, 27), (2020, 10, 30));
        assert_eq!(lord_howe[3..5], [told("2020-04-05 02:00", 660, 630, false), told("2020-10-04 02:00", 630, 660, true)]);
        // A whole day was left out.
        let apia = changes(Tz::Pacific__Apia, (2011, 12, 1), (2012, 1, 31));
        assert!(apia.contains(&told("2011-12-30 00:00", -600, 840, true)), "{apia:?}");
    }
}
