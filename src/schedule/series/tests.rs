use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::*;
use crate::id::Id;

/// Berlin, around the two days of 2020 on which its clocks change.
const BERLIN: chrono_tz::Tz = chrono_tz::Europe::Berlin;

/// A time of a pattern as the model knows it: weekday from Monday, minutes of the day, breaks.
type PlainSlot = (u32, u32, u32, i32);

fn slot((weekday, starts, ends, break_minutes): PlainSlot) -> Slot {
    let time = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60).parse().unwrap();
    Slot { weekday: Weekday::ALL[weekday as usize], starts: time(starts), ends: time(ends), break_minutes }
}

/// What takes place: its start, the minutes that pass and those that are taught.
type Held = (DateTime<Utc>, i64, i64);

/// Every minute of UTC at which the clocks of Berlin show this.
fn shown_at(local: NaiveDateTime) -> Vec<DateTime<Utc>> {
    // They are one or two hours ahead of it.
    let from = local.and_utc() - TimeDelta::minutes(121);
    (0..62).map(|minute| from + TimeDelta::minutes(minute)).filter(|at| at.with_timezone(&BERLIN).naive_local() == local).collect()
}

/// Walks day by day and slot by slot; what takes place, dates and starts of what does not, and the minutes that are left.
fn model(
    slots: &[PlainSlot],
    (first, days): (NaiveDate, u64),
    off: &BTreeSet<NaiveDate>,
    mut left: i64,
) -> (Vec<Held>, Vec<(NaiveDate, u32)>, i64) {
    let closes = shown_at((first + chrono::Days::new(days)).and_time(NaiveTime::MIN))[0];
    let (mut held, mut skipped) = (Vec::new(), Vec::new());
    for day in 0..days {
        let date = first + chrono::Days::new(day);
        for minute in 0..24 * 60 {
            for (_, starts, ends, breaks) in slots.iter().filter(|slot| (slot.0, slot.1) == (date.weekday().num_days_from_monday(), minute))
            {
                if left == 0 {
                    return (held, skipped, left);
                }
                let clock = |date: NaiveDate, minute: u32| date.and_hms_opt(minute / 60, minute % 60, 0).unwrap();
                let last = if ends > starts { date } else { date.succ_opt().unwrap() };
                let taught = match (shown_at(clock(date, *starts)).as_slice(), shown_at(clock(last, *ends)).as_slice()) {
                    ([start], [end]) if !off.contains(&date) => {
                        let span = (*end - *start).num_minutes();
                        let taught = (span - i64::from(*breaks)).min(left);
                        let passes = taught + i64::from(*breaks);
                        let is_possible = span <= 24 * 60 && taught > 0 && *start + TimeDelta::minutes(passes) <= closes;
                        is_possible.then_some((*start, passes, taught))
                    }
                    _ => None,
                };
                match taught {
                    Some(one) => {
                        left -= one.2;
                        held.push(one);
                    }
                    None => skipped.push((date, *starts)),
                }
            }
        }
    }
    (held, skipped, left)
}

fn some_pattern() -> impl Strategy<Value = Vec<PlainSlot>> {
    // Often in the small hours of Sunday, when clocks change; starts differ, so that the order is given by the time.
    let one = (prop_oneof![Just(6_u32), 0_u32..7], prop_oneof![0_u32..24, 0_u32..96], 1_u32..96, 0_i32..60);
    let made = |ones: Vec<PlainSlot>| -> Vec<PlainSlot> {
        let mut starts = BTreeMap::new();
        for (weekday, start, length, breaks) in ones {
            let breaks = breaks.min(i32::try_from(length * 15).unwrap() - 1);
            starts.insert((weekday, start), (weekday, start * 15, (start + length) % 96 * 15, breaks));
        }
        starts.into_values().collect()
    };
    proptest::collection::vec(one, 1..6).prop_map(made).prop_shuffle()
}

proptest! {
    #[test]
    fn a_pattern_comes_to_what_walking_day_by_day_finds(
        slots in some_pattern(),
        autumn in any::<bool>(),
        (from, days) in (0_u64..14, 1_u64..28),
        off in proptest::collection::btree_set(0_u64..42, 0..8),
        left in prop_oneof![0_i64..500, 500_i64..10_000],
    ) {
        let (month, day) = if autumn { (10, 12) } else { (3, 16) };
        let start = NaiveDate::from_ymd_opt(2020, month, day).unwrap();
        let first = start + chrono::Days::new(from);
        let off: BTreeSet<NaiveDate> = off.into_iter().map(|day| start + chrono::Days::new(day)).collect();
        let (held, skipped, rest) = model(&slots, (first, days), &off, left);
        let pattern: Vec<Slot> = slots.iter().copied().map(slot).collect();
        let days_off = off.into_iter().map(|date| (date, (SkipReason::DayOff, "a day off".to_owned()))).collect();
        let last = first + chrono::Days::new(days - 1);
        let closes = shown_at((first + chrono::Days::new(days)).and_time(NaiveTime::MIN))[0];
        let drawn = occurrences(&pattern, "Europe/Berlin".parse().unwrap(), first..=last, &days_off, closes.into(), left);
        let times = |one: &Occurrence| (one.starts_at.utc(), one.starts_at.minutes_until(one.ends_at), i64::from(one.minutes));
        prop_assert_eq!(drawn.occurrences.iter().map(times).collect::<Vec<_>>(), held);
        let told = |one: &Skipped| (one.date, one.starts.to_string());
        let skipped = skipped.into_iter().map(|(date, minute)| (date, format!("{:02}:{:02}", minute / 60, minute % 60)));
        prop_assert_eq!(drawn.skipped.iter().map(told).collect::<Vec<_>>(), skipped.collect::<Vec<_>>());
        prop_assert_eq!((drawn.minutes_left, drawn.ended == Ended::PlanUsedUp), (rest, rest == 0));
    }
}

#[test]
fn a_time_that_is_not_one_instant_is_left_out_and_told() {
    let sunday = |text: &str| NaiveDate::parse_from_str(text, "%F").unwrap();
    let drawn = |day: &str, starts: u32, ends: u32, breaks: i32| {
        let day = sunday(day);
        let closes = "2021-01-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap().into();
        occurrences(&[slot((6, starts, ends, breaks))], "Europe/Berlin".parse().unwrap(), day..=day, &BTreeMap::new(), closes, 1000)
    };
    for (day, word) in [("2020-03-29", "does not exist"), ("2020-10-25", "exists twice")] {
        let drawn = drawn(day, 150, 240, 0);
        assert_eq!((drawn.occurrences.len(), drawn.skipped[0].reason), (0, SkipReason::ClockChange));
        assert!(drawn.skipped[0].detail.contains(word), "{}", drawn.skipped[0].detail);
    }
    // From one to four: an hour less, an hour more.
    assert_eq!(drawn("2020-03-29", 60, 240, 0).occurrences[0].minutes, 120);
    assert_eq!(drawn("2020-10-25", 60, 240, 0).occurrences[0].minutes, 240);
    // The clocks leave nothing but the break.
    assert_eq!(drawn("2020-03-29", 90, 195, 45).skipped[0].reason, SkipReason::ClockChange);
}

#[test]
fn what_a_series_was_made_from_is_served_as_it_was_kept() {
    let made_from = serde_json::json!({ "code": "MET", "weekly": [{ "day": 1 }] });
    let series = Series {
        id: Id::generate(),
        intake_id: Id::generate(),
        code: "MET".parse().unwrap(),
        sessions: SessionsByState::of(&HashMap::new()),
        created_at: Instant::from_unix_micros(0).unwrap(),
    };
    assert_eq!(WholeSeries::of(series, &made_from.to_string()).unwrap().made_from, made_from);
}
