//! What a code and its minutes come to; pure.

use super::model::AttendanceCode;
use crate::{ledger::EntryKind, text::counted};

/// What `code` with `minutes` present comes to in a session of `whole` minutes, of which `leave` were missed within granted leave: entries
/// that add up to it, none of them zero (DOMAIN section 3: "30 of 45 minutes present, then excused: 30 + 15").
///
/// # Errors
/// A code and a sentence if the minutes do not fit.
pub(super) fn split(
    code: AttendanceCode,
    minutes: Option<i32>,
    whole: i32,
    leave: i32,
) -> Result<Vec<(EntryKind, i32)>, (&'static str, String)> {
    if minutes.is_some_and(|minutes| minutes > whole) {
        return Err(("minutes_above_session", format!("the session has {}", counted(whole, "minute"))));
    }
    if minutes.is_some_and(|minutes| minutes < 0) {
        return Err(("out_of_range", "must be 0 or more".to_owned()));
    }
    let (attended, rest) = match (code, minutes) {
        (AttendanceCode::Present, None) => (whole, EntryKind::Attended),
        (AttendanceCode::Present, Some(minutes)) if minutes == whole => (whole, EntryKind::Attended),
        (AttendanceCode::Present, Some(_)) => {
            let whole = counted(whole, "minute");
            return Err(("minutes_contradict_code", format!("present is all of {whole}; say late, left_early or excused")));
        }
        (AttendanceCode::Late | AttendanceCode::LeftEarly, Some(minutes)) => (minutes, EntryKind::UnauthorizedAbsence),
        (AttendanceCode::Late | AttendanceCode::LeftEarly, None) => {
            return Err(("minutes_missing", format!("{code} needs the minutes present")));
        }
        (AttendanceCode::Absent, None | Some(0)) => (0, EntryKind::UnauthorizedAbsence),
        (AttendanceCode::Absent, Some(_)) => {
            return Err(("minutes_contradict_code", "absent has no minutes; say late or left_early".to_owned()));
        }
        (AttendanceCode::Excused, minutes) => (minutes.unwrap_or(0), EntryKind::AuthorizedAbsence),
        (AttendanceCode::Exempt, minutes) => (minutes.unwrap_or(0), EntryKind::Exempt),
    };
    let missed = whole - attended;
    if leave != 0 && (rest != EntryKind::UnauthorizedAbsence || !(0..=missed).contains(&leave)) {
        return Err((
            "leave_above_missed",
            format!("{} within leave are more than were missed without being excused", counted(leave, "minute")),
        ));
    }
    let entries = [(EntryKind::Attended, attended), (EntryKind::AuthorizedAbsence, leave), (rest, missed - leave)];
    Ok(entries.into_iter().filter(|(_, minutes)| *minutes > 0).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn thirty_of_forty_five_minutes_then_excused_is_thirty_and_fifteen() {
        let split = split(AttendanceCode::Excused, Some(30), 45, 0).unwrap();
        assert_eq!(split, [(EntryKind::Attended, 30), (EntryKind::AuthorizedAbsence, 15)]);
    }

    #[test]
    fn minutes_that_contradict_the_code_are_refused() {
        use AttendanceCode as C;
        let refused = |code, minutes, leave| split(code, minutes, 45, leave).unwrap_err().0;
        assert_eq!(refused(C::Present, Some(44), 0), "minutes_contradict_code");
        assert_eq!(refused(C::Absent, Some(1), 0), "minutes_contradict_code");
        assert_eq!(refused(C::Late, None, 0), "minutes_missing");
        assert_eq!(refused(C::Excused, Some(46), 0), "minutes_above_session");
        assert_eq!(refused(C::Late, Some(-1), 0), "out_of_range");
        assert_eq!(refused(C::Late, Some(30), 16), "leave_above_missed");
        assert_eq!(refused(C::Excused, Some(30), 1), "leave_above_missed");
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_adds_up_to_the_session(code in 0_usize..6, minutes in proptest::option::of(-5_i32..200), whole in 1_i32..180, leave in -5_i32..180) {
            if let Ok(entries) = split(AttendanceCode::ALL[code], minutes, whole, leave) {
                prop_assert_eq!(entries.iter().map(|(_, minutes)| minutes).sum::<i32>(), whole);
                prop_assert!(entries.iter().all(|(_, minutes)| *minutes > 0));
            }
        }
    }
}
