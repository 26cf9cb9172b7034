//! When in a session somebody was missing, and how many of these minutes granted leave covers; pure.

use chrono::TimeDelta;

use super::{
    model::{Attendance, AttendanceCode, Times},
    segments::{Segment, Segments, union},
};
use crate::leave::GrantedLeave;

/// The minutes that were missed without being excused and lie within leave: in seconds, clipped to the session, rounded half up to minutes
/// once (DOMAIN section 3). Two leaves at a time count once, and never more counts than was missed. A recording can be viewed at another
/// time, so that leave does not touch it.
pub(super) fn covered(times: Times, line: &Attendance, leave: &[GrantedLeave]) -> i32 {
    if times.is_window {
        return 0;
    }
    let leave = union(leave.iter().map(|one| Segment { starts_at: one.starts_at, ends_at: one.ends_at }));
    let seconds: i64 = missed(times, line).iter().flat_map(|gap| leave.iter().map(|leave| seconds_in_both(gap, leave))).sum();
    i32::try_from((seconds + 30) / 60).unwrap_or(i32::MAX).min(minutes_missed(times, line))
}

fn minutes_missed(times: Times, line: &Attendance) -> i32 {
    (times.minutes - line.minutes.unwrap_or(0)).max(0)
}

/// When somebody was missing who is neither excused nor exempt. Who was late missed the beginning, who left early the end, unless segments say
/// more; nobody says when the breaks were.
fn missed(times: Times, line: &Attendance) -> Vec<Segment> {
    let whole = Segment { starts_at: times.starts_at, ends_at: times.ends_at };
    let missed = TimeDelta::minutes(minutes_missed(times, line).into());
    match (line.code, &line.segments) {
        (AttendanceCode::Present | AttendanceCode::Excused | AttendanceCode::Exempt, _) => Vec::new(),
        (_, Some(segments)) => segments.gaps((whole.starts_at, whole.ends_at)),
        (AttendanceCode::Absent, None) => vec![whole],
        (AttendanceCode::Late, None) => vec![Segment { ends_at: whole.starts_at.plus(missed).min(whole.ends_at), ..whole }],
        (AttendanceCode::LeftEarly, None) => vec![Segment { starts_at: whole.ends_at.plus(-missed).max(whole.starts_at), ..whole }],
    }
}

/// When somebody was there as far as that is said: in their segments, or but for when they were missing.
pub(super) fn there(times: Times, line: &Attendance) -> Vec<Segment> {
    let whole = (times.starts_at, times.ends_at);
    match (&line.segments, Segments::united(missed(times, line))) {
        (Some(segments), _) => segments.within(whole),
        (None, Some(missed)) => missed.gaps(whole),
        (None, None) => vec![Segment { starts_at: times.starts_at, ends_at: times.ends_at }],
    }
}

fn seconds_in_both(one: &Segment, other: &Segment) -> i64 {
    let micros = one.ends_at.min(other.ends_at).unix_micros() - one.starts_at.max(other.starts_at).unix_micros();
    TimeDelta::microseconds(micros.max(0)).num_seconds()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{model::LineSource, segments::NewSegment},
        *,
    };
    use crate::{clock::Instant, id::Id};

    fn second(second: i64) -> Instant {
        Instant::from_unix_micros(second * 1_000_000).unwrap()
    }

    fn leave((from, until): (i64, i64)) -> GrantedLeave {
        GrantedLeave { id: Id::generate(), starts_at: second(from), ends_at: second(until) }
    }

    /// A session of that many minutes from the epoch on, `breaks` of which are breaks.
    fn times(minutes: i32, breaks: i32) -> Times {
        Times { starts_at: second(0), ends_at: second(i64::from(minutes) * 60), minutes: minutes - breaks, is_window: false }
    }

    fn line(code: AttendanceCode, minutes: Option<i32>, segments: Option<Segments>) -> Attendance {
        let (session_id, enrollment_id, source, recorded_at) = (Id::generate(), Id::generate(), LineSource::Called, second(0));
        Attendance { session_id, enrollment_id, code, minutes, mode: None, note: None, segments, source, leave_minutes: None, recorded_at }
    }

    #[test]
    fn leave_covers_the_part_that_was_missed_within_it_and_no_other() {
        use AttendanceCode as C;
        let morning = [leave((0, 30 * 60))];
        let cases = [
            // Absent all day, away for the first half hour.
            (C::Absent, None, 30),
            // Late by 20 minutes, all of them within leave; by 60, half of them.
            (C::Late, Some(70), 20),
            (C::Late, Some(30), 30),
            // Left before the end, when there was no leave; very early, so that some of it is.
            (C::LeftEarly, Some(70), 0),
            (C::LeftEarly, Some(10), 20),
            (C::Present, None, 0),
            (C::Excused, None, 0),
            (C::Exempt, None, 0),
        ];
        for (code, minutes, expected) in cases {
            assert_eq!(covered(times(90, 0), &line(code, minutes, None), &morning), expected, "{code} {minutes:?}");
        }
    }

    #[test]
    fn breaks_are_not_missed() {
        let all_day = [leave((0, 90 * 60)), leave((0, 90 * 60))];
        assert_eq!(covered(times(90, 10), &line(AttendanceCode::Absent, None, None), &all_day), 80);
        assert_eq!(covered(times(90, 10), &line(AttendanceCode::Late, Some(70), None), &all_day), 10);
    }

    fn entered(spans: &[(i64, i64)]) -> Segments {
        let sent = spans.iter().map(|(from, until)| NewSegment { starts_at: second(*from).into(), ends_at: second(*until).into() });
        Segments::entered(&sent.collect::<Vec<_>>(), "Asia/Shanghai".parse().unwrap(), "").unwrap().unwrap()
    }

    prop_compose! {
        fn spans()(cuts in proptest::collection::btree_set(-300_i64..4_000, 0..9)) -> Vec<(i64, i64)> {
            cuts.into_iter().collect::<Vec<_>>().chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
        }
    }

    #[test]
    fn leave_does_not_touch_a_recording() {
        let recorded = Times { minutes: 45, is_window: true, ..times(10_000, 0) };
        let line = line(AttendanceCode::LeftEarly, Some(30), None);
        assert_eq!(covered(recorded, &line, &[leave((0, 600_000))]), 0);
    }

    proptest! {
        /// Held to looking at the seconds one by one.
        #[test]
        fn covered_are_the_seconds_missed_within_leave(
            code in 0_usize..6, said in 0_i32..60, there in proptest::option::of(spans()), one in spans(), other in spans(),
            (length, breaks) in (10_i32..60, 0_i32..10),
        ) {
            let (times, code) = (times(length, breaks), AttendanceCode::ALL[code]);
            let there = there.filter(|there| !there.is_empty());
            let segments = there.as_deref().map(entered);
            let minutes = match (&segments, code) {
                (Some(segments), _) => Some(times.within(segments)),
                (None, AttendanceCode::Late | AttendanceCode::LeftEarly) => Some(said.min(times.minutes)),
                (None, _) => None,
            };
            let missed = times.minutes - minutes.unwrap_or(0);
            let end = i64::from(length) * 60;
            let was_missed = |at: i64| match (code, &there) {
                (AttendanceCode::Present | AttendanceCode::Excused | AttendanceCode::Exempt, _) => false,
                (_, Some(there)) => !there.iter().any(|(from, until)| (*from..*until).contains(&at)),
                (AttendanceCode::Absent, None) => true,
                (AttendanceCode::Late, None) => at < i64::from(missed) * 60,
                (AttendanceCode::LeftEarly, None) => at >= end - i64::from(missed) * 60,
            };
            let away = |at: i64| one.iter().chain(&other).any(|(from, until)| (*from..*until).contains(&at));
            let seconds = (0..end).filter(|at| was_missed(*at) && away(*at)).count();
            let expected = i32::try_from((seconds + 30) / 60).unwrap().min(missed);
            let leave: Vec<GrantedLeave> = one.iter().chain(&other).copied().map(leave).collect();
            prop_assert_eq!(covered(times, &line(code, minutes, segments), &leave), expected);
        }
    }
}
