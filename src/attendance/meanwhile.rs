//! Whether somebody was present in two sessions at one time; pure.

use super::{
    model::{Attendance, Times},
    segments::{Segment, union},
};

/// What a roll call found of somebody, and when the session was held.
#[derive(Clone, Debug)]
pub(super) struct Presence {
    pub(super) times: Times,
    pub(super) line: Attendance,
}

impl Presence {
    /// When they may have been there: in their segments, or any time of the session.
    fn spans(&self) -> Vec<Segment> {
        let Times { starts_at, ends_at, .. } = self.times;
        match &self.line.segments {
            Some(segments) => segments.within((starts_at, ends_at)),
            None => vec![Segment { starts_at, ends_at }],
        }
    }

    /// How many of its minutes are rounded, by half a minute at most.
    fn slack(&self) -> i64 {
        if self.line.segments.is_some() { 30 } else { 0 }
    }
}

/// Whether the minutes present in two sessions are more than passed while they can have been in one of them.
pub(super) fn counts_twice(one: &Presence, other: &Presence) -> bool {
    let present = i64::from(one.line.present(one.times.minutes)) + i64::from(other.line.present(other.times.minutes));
    let spans = union(one.spans().into_iter().chain(other.spans()));
    let passed: i64 = spans.iter().map(|span| span.ends_at.since(span.starts_at).num_seconds()).sum();
    present * 60 > passed + one.slack() + other.slack()
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
        clock::Instant,
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
        Presence { times, line }
    }

    #[test]
    fn a_minute_counts_once() {
        use AttendanceCode as C;
        let whole = present((0, 90), C::Present, None, None);
        let late = |minutes| present((60, 150), C::Late, Some(minutes), None);
        assert!(!counts_twice(&whole, &late(60)));
        assert!(counts_twice(&whole, &late(61)));
        assert!(counts_twice(&whole, &whole));
        assert!(!counts_twice(&whole, &present((0, 90), C::Absent, None, None)));
        // Who was in both by segments is held to these.
        let until = |at| present((0, 90), C::LeftEarly, Some(i32::try_from(at).unwrap()), Some((0, at)));
        let from = |at| present((0, 90), C::Late, Some(i32::try_from(90 - at).unwrap()), Some((at, 90)));
        assert!(!counts_twice(&until(40), &from(40)));
        assert!(counts_twice(&until(42), &from(40)));
    }

    proptest! {
        /// Whoever can have been in at most one of them at each minute is present in no more minutes than there are.
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
            let one = present(times(first), AttendanceCode::Late, minutes(false, times(first)), None);
            let other = present(times(second), AttendanceCode::Late, minutes(true, times(second)), None);
            let overlap = times(first).0 < times(second).1 && times(second).0 < times(first).1;
            prop_assert!(!overlap || !counts_twice(&one, &other));
        }
    }
}
