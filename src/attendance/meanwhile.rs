//! Whether somebody was present in several sessions at one time; pure.

use super::{
    absence::there,
    model::{Attendance, Times},
    segments::{Segment, union},
};
use crate::clock::Instant;

/// When somebody was in a session, as far as that is said, and for how many minutes.
#[derive(Clone, Debug)]
pub(super) struct Presence {
    spans: Vec<Segment>,
    minutes: i32,
    /// By how many seconds the minutes may be rounded up.
    slack: i64,
}

impl Presence {
    /// As a roll call found it.
    pub(super) fn called(times: Times, line: &Attendance) -> Self {
        let (minutes, slack) = match &line.segments {
            // Of one that is not closed yet they were counted in the session as it was to be then.
            Some(segments) => (times.within(segments), 30),
            None => (line.present(times.minutes), 0),
        };
        Self { spans: there(times, line), minutes, slack }
    }

    /// From when to when they can have been there.
    fn stretch(&self) -> Option<(Instant, Instant)> {
        Some((self.spans.iter().map(|span| span.starts_at).min()?, self.spans.iter().map(|span| span.ends_at).max()?))
    }

    /// As it was posted: so many minutes at any time between these.
    pub(super) fn posted((starts_at, ends_at): (Instant, Instant), minutes: i32) -> Self {
        Self { spans: vec![Segment { starts_at, ends_at }], minutes, slack: 0 }
    }
}

/// Minutes present in a session and in others that are more than passed while somebody can have been in one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Excess {
    pub(super) one: i32,
    pub(super) others: i32,
    pub(super) passed: i64,
}

/// The minutes present in all of these, if they cannot all have been.
fn excess(one: &Presence, others: &[&Presence]) -> Option<Excess> {
    let all = || others.iter().copied().chain([one]);
    let (present, slack): (i64, i64) = all().fold((0, 0), |(sum, slack), of| (sum + i64::from(of.minutes), slack + of.slack));
    let spans = union(all().flat_map(|of| &of.spans).copied());
    let passed: i64 = spans.iter().map(|span| span.ends_at.since(span.starts_at).num_seconds()).sum();
    let is_more = all().all(|of| of.minutes > 0) && present * 60 > passed + slack;
    is_more.then(|| Excess { one: one.minutes, others: others.iter().map(|of| of.minutes).sum(), passed: passed / 60 })
}

/// Those of the others beside which somebody cannot have been in one: each that is too much alone, or else the first that are together.
/// Minutes that may have been at any time in a span fit if those of all spans within each stretch of time fit into it.
pub(super) fn crowds<T: Copy>(one: &Presence, others: &[(T, &Presence)]) -> Vec<(Vec<T>, Excess)> {
    let alone = |(other, there): &(T, &Presence)| Some((vec![*other], excess(one, &[*there])?));
    let pairs: Vec<(Vec<T>, Excess)> = others.iter().filter_map(alone).collect();
    if pairs.is_empty() { together(one, others).into_iter().collect() } else { pairs }
}

fn together<T: Copy>(one: &Presence, others: &[(T, &Presence)]) -> Option<(Vec<T>, Excess)> {
    let (first, last) = one.stretch()?;
    let stretches: Vec<(Instant, Instant)> = others.iter().filter_map(|(_, there)| there.stretch()).collect();
    let froms = stretches.iter().map(|(from, _)| *from).chain([first]).filter(|from| *from <= first);
    let mut within = froms.flat_map(|from| {
        let untils = stretches.iter().map(|(_, until)| *until).chain([last]).filter(|until| *until >= last);
        untils.map(move |until| (from, until)).collect::<Vec<_>>()
    });
    within.find_map(|(from, until)| {
        let is_within = |there: &Presence| there.minutes > 0 && there.stretch().is_some_and(|(start, end)| from <= start && end <= until);
        let (those, there): (Vec<T>, Vec<&Presence>) = others.iter().copied().filter(|(_, there)| is_within(there)).unzip();
        let (some, rest) = there.split_first()?;
        // What is too much without this one is not its fault.
        let is_own = excess(some, rest).is_none();
        excess(one, &there).filter(|_| is_own).map(|excess| (those, excess))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        attendance::{
            model::{AttendanceCode, LineSource},
            segments::Segments,
        },
        id::Id,
    };

    fn minute(minute: i64) -> Instant {
        Instant::from_unix_micros(minute * 60_000_000).unwrap()
    }

    /// Somebody in a session between these minutes, in all of it or for so long or in this part of it.
    fn present((from, until): (i64, i64), code: AttendanceCode, minutes: Option<i32>, part: Option<(i64, i64)>) -> Presence {
        let whole = i32::try_from(until - from).unwrap();
        let times = Times { starts_at: minute(from), ends_at: minute(until), minutes: whole, is_window: false };
        let segment = |(from, until)| Segment { starts_at: minute(from), ends_at: minute(until) };
        let line = Attendance {
            session_id: Id::generate(),
            enrollment_id: Id::generate(),
            code,
            minutes,
            mode: None,
            note: None,
            segments: Segments::united(part.map(segment)),
            source: LineSource::Called,
            leave_minutes: None,
            recorded_at: minute(0),
        };
        Presence::called(times, &line)
    }

    fn counts_twice(one: &Presence, other: &Presence) -> bool {
        excess(one, &[other]).is_some()
    }

    #[test]
    fn a_minute_counts_once() {
        use AttendanceCode as C;
        let whole = present((0, 90), C::Present, None, None);
        let late = |minutes| present((60, 150), C::Late, Some(minutes), None);
        assert!(!counts_twice(&whole, &late(60)));
        assert_eq!(excess(&whole, &[&late(61)]), Some(Excess { one: 90, others: 61, passed: 150 }));
        assert!(counts_twice(&whole, &whole));
        assert!(!counts_twice(&whole, &present((0, 90), C::Absent, None, None)));
        // Who was in both by segments is held to these.
        let until = |at| present((0, 90), C::LeftEarly, Some(i32::try_from(at).unwrap()), Some((0, at)));
        let from = |at| present((0, 90), C::Late, Some(i32::try_from(90 - at).unwrap()), Some((at, 90)));
        assert!(!counts_twice(&until(40), &from(40)));
        assert!(counts_twice(&until(42), &from(40)));
    }

    #[test]
    fn three_are_too_many_where_any_two_are_not() {
        let part = |from: i64, until: i64, minutes| present((from, until), AttendanceCode::Excused, Some(minutes), None);
        let parts = [part(0, 90, 45), part(0, 90, 45), part(0, 90, 45)];
        assert_eq!(crowds(&parts[0], &[(1, &parts[1])]), []);
        assert_eq!(crowds(&parts[0], &[(1, &parts[1]), (2, &parts[2])]), [(vec![1, 2], Excess { one: 45, others: 90, passed: 90 })]);
        // The one in the middle was in either of the others' time.
        let chain = [part(0, 60, 60), part(30, 90, 30), part(60, 120, 60)];
        assert_eq!(crowds(&chain[0], &[(1, &chain[1]), (2, &chain[2])]), [(vec![1, 2], Excess { one: 60, others: 90, passed: 120 })]);
        assert_eq!(crowds(&chain[0], &[(2, &chain[2])]), []);
        // Two that are too much by themselves are no fault of a third.
        assert_eq!(crowds(&part(90, 100, 10), &[(1, &part(0, 90, 60)), (2, &part(0, 90, 60))]), []);
    }

    proptest! {
        /// However many there are: whoever is in one of them at each minute is in no more than there are.
        #[test]
        fn whoever_goes_between_many_counts_once(
            times in proptest::collection::vec((0_i64..60, 30_i64..120), 2..5),
            there in proptest::collection::vec(proptest::option::of(0_usize..5), 200),
        ) {
            let spent = |(place, (from, length)): (usize, &(i64, i64))| {
                let minutes = (*from..from + length).filter(|at| there[usize::try_from(*at).unwrap()] == Some(place)).count();
                present((*from, from + length), AttendanceCode::Excused, Some(i32::try_from(minutes).unwrap()), None)
            };
            let all: Vec<Presence> = times.iter().enumerate().map(spent).collect();
            for place in 0..all.len() {
                let others: Vec<(usize, &Presence)> = all.iter().enumerate().filter(|(other, _)| *other != place).collect();
                prop_assert_eq!(crowds(&all[place], &others), []);
            }
        }

        /// Whoever can have been in at most one of them at each minute is present in no more minutes than there are, whenever that was.
        #[test]
        fn whoever_goes_from_one_to_the_other_counts_once(
            (first, second) in ((0_i64..60, 30_i64..120), (0_i64..60, 30_i64..120)),
            there in proptest::collection::vec(proptest::option::of(proptest::bool::ANY), 200),
        ) {
            let times = |(from, length): (i64, i64)| (from, from + length);
            let minutes = |side: bool, (from, until): (i64, i64)| {
                let present = (from..until).filter(|at| there[usize::try_from(*at).unwrap()] == Some(side)).count();
                Some(i32::try_from(present).unwrap())
            };
            let one = present(times(first), AttendanceCode::Excused, minutes(false, times(first)), None);
            let other = present(times(second), AttendanceCode::Excused, minutes(true, times(second)), None);
            prop_assert!(!counts_twice(&one, &other));
        }

        /// Held to asking of each minute whether they were in both.
        #[test]
        fn whoever_was_in_both_at_some_minute_counts_twice(
            one in ((0_i64..60, 30_i64..120), 0_usize..4, 0_i64..120),
            other in ((0_i64..60, 30_i64..120), 0_usize..4, 0_i64..120),
        ) {
            let there = |((from, length), code, minutes): ((i64, i64), usize, i64)| {
                let (until, minutes) = (from + length, minutes.min(length));
                let some = Some(i32::try_from(minutes).unwrap());
                match code {
                    0 => (from..until, present((from, until), AttendanceCode::Present, None, None)),
                    1 => (until - minutes..until, present((from, until), AttendanceCode::Late, some, None)),
                    2 => (from..from + minutes, present((from, until), AttendanceCode::LeftEarly, some, None)),
                    _ => (from..from, present((from, until), AttendanceCode::Absent, None, None)),
                }
            };
            let ((one, called), (other, called_too)) = (there(one), there(other));
            let in_both = one.clone().any(|minute| other.contains(&minute));
            prop_assert_eq!(counts_twice(&called, &called_too), in_both);
        }
    }
}
