//! What becomes of the lines of a roll call that is put; pure.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    guests::Member,
    model::{Attendance, LineSource, NewAttendance, NewRollCall, RollCallRow, Times},
    segments::Segments,
    tally::split,
};
use crate::{
    clock::Instant,
    enrollments::EnrollmentId,
    error::{Error, FieldFault},
    schedule::SessionId,
    text::counted,
    zone::Zone,
};

/// The lines of a roll call to be put: everybody of the class, nobody twice, minutes that fit, and of guests only what they attended.
pub(super) fn lines(
    new: &NewRollCall,
    session_id: SessionId,
    (class, stored): (&[Member], &[Attendance]),
    times: Times,
    zone: Zone,
    now: Instant,
) -> Result<Vec<Attendance>, Error> {
    let stored: BTreeMap<EnrollmentId, &Attendance> = stored.iter().map(|line| (line.enrollment_id, line)).collect();
    let class: BTreeMap<EnrollmentId, bool> = class.iter().map(|one| (one.person.enrollment_id, one.is_guest())).collect();
    let (mut lines, mut faults, mut seen) = (Vec::with_capacity(new.entries.len()), Vec::new(), BTreeSet::new());
    for (index, entry) in new.entries.iter().enumerate() {
        let mut blame =
            |field: &str, code: &str, detail: String| faults.push(FieldFault::new(format!("/entries/{index}/{field}"), code, detail));
        match class.get(&entry.enrollment_id) {
            None => blame("enrollment_id", "not_expected", "this enrollment is not expected in the session".to_owned()),
            Some(_) if !seen.insert(entry.enrollment_id) => {
                blame("enrollment_id", "named_twice", "this enrollment is named twice".to_owned())
            }
            Some(true) if entry.code.is_excused() => {
                blame("code", "owes_nothing", "a guest owes nothing here: say present, late, left_early or absent".to_owned());
            }
            Some(_) => {}
        }
        let segments = match Segments::entered(entry.segments.as_deref().unwrap_or_default(), zone, &format!("/entries/{index}/segments")) {
            Ok(segments) => segments,
            Err(wrong) => {
                faults.extend(wrong);
                continue;
            }
        };
        let as_read = stored.get(&entry.enrollment_id).is_some_and(|line| is_as_read(entry, segments.as_ref(), line));
        let minutes = if as_read { entry.minutes } else { present(entry, segments.as_ref(), times, &mut blame) };
        let NewAttendance { enrollment_id, code, mode, ref note, .. } = *entry;
        lines.push(Attendance {
            session_id,
            enrollment_id,
            code,
            minutes,
            mode,
            note: note.clone(),
            segments,
            source: LineSource::Called,
            leave_minutes: None,
            recorded_at: now,
        });
    }
    Error::unless_valid(faults).map(|()| lines)
}

/// Whether a line with segments says what is stored of it, and so stays as it is: its closing gives it the minutes and the code that the
/// segments come to in the session as it was held, which may be others by now.
fn is_as_read(entry: &NewAttendance, segments: Option<&Segments>, line: &Attendance) -> bool {
    segments.is_some() && (entry.code, entry.minutes, segments) == (line.code, line.minutes, line.segments.as_ref())
}

/// The minutes present that a line says or its segments come to, if they fit its code and the session.
fn present(entry: &NewAttendance, segments: Option<&Segments>, times: Times, blame: &mut impl FnMut(&str, &str, String)) -> Option<i32> {
    let come_to = segments.map(|segments| times.within(segments));
    let minutes = come_to.or(entry.minutes);
    if let Some(come_to) = come_to.filter(|come_to| entry.minutes.is_some_and(|minutes| minutes != *come_to)) {
        let detail = format!("the segments come to {}; say so, or leave out one of both", counted(come_to, "minute"));
        blame("minutes", "minutes_contradict_segments", detail);
    }
    if let Err((code, detail)) = split(entry.code, minutes, times.minutes, 0) {
        blame(if segments.is_some() { "segments" } else { "minutes" }, code, detail);
    }
    minutes
}

/// Has lines that are put with the segments that files say stay theirs, unless they excuse what was missed.
pub(super) fn keep_source(stored: &[Attendance], lines: &mut [Attendance]) {
    let heard: BTreeMap<EnrollmentId, &Segments> = stored
        .iter()
        .filter(|line| line.source == LineSource::Evidence)
        .filter_map(|line| Some((line.enrollment_id, line.segments.as_ref()?)))
        .collect();
    for line in lines.iter_mut().filter(|line| !line.code.is_excused()) {
        let said = heard.get(&line.enrollment_id).copied();
        if said.is_some() && line.segments.as_ref() == said {
            line.source = LineSource::Evidence;
        }
    }
}

/// Has lines that are called anew keep what leave covered of those before; the next closing counts it.
pub(super) fn keep_leave(stored: &[Attendance], lines: &mut [Attendance]) {
    let covered: BTreeMap<EnrollmentId, i32> = stored.iter().filter_map(|line| Some((line.enrollment_id, line.leave_minutes?))).collect();
    for line in lines {
        line.leave_minutes = covered.get(&line.enrollment_id).copied();
    }
}

/// Refuses to take back the lines of a roll call that was closed before: its postings stand, and a correction says what was found instead.
pub(super) fn refuse_uncalling(
    before: &RollCallRow,
    expected: &BTreeSet<EnrollmentId>,
    stored: &[Attendance],
    lines: &[Attendance],
) -> Result<(), Error> {
    let left_out = uncalling(before, expected, stored, lines);
    if left_out == 0 {
        return Ok(());
    }
    let left_out = counted(left_out, "trainee");
    let detail = format!("leaves out {left_out} called before; send the whole class, with what changes");
    Err(Error::invalid("/entries", "called_before", detail))
}

/// How many lines of a roll call that was closed before would be gone.
pub(super) fn uncalling(before: &RollCallRow, expected: &BTreeSet<EnrollmentId>, stored: &[Attendance], lines: &[Attendance]) -> usize {
    let called: BTreeSet<EnrollmentId> = lines.iter().map(|line| line.enrollment_id).collect();
    let is_left_out = |id: &EnrollmentId| before.closings > 0 && expected.contains(id) && !called.contains(id);
    stored.iter().map(|line| line.enrollment_id).filter(is_left_out).count()
}

/// The lines of the class, and those of whoever is not of it any more.
pub(super) fn apart(class: &[Member], stored: Vec<Attendance>) -> (Vec<Attendance>, Vec<Attendance>) {
    let class: BTreeSet<EnrollmentId> = class.iter().map(|one| one.person.enrollment_id).collect();
    stored.into_iter().partition(|line| class.contains(&line.enrollment_id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        attendance::{guests::MakesUp, model::AttendanceCode},
        enrollments::Expected,
        id::Id,
    };

    fn member(enrollment_id: EnrollmentId, makes_up: Option<MakesUp>) -> Member {
        let person = Expected {
            enrollment_id,
            cohort_id: None,
            trainee_id: Id::generate(),
            name: "张伟".parse().unwrap(),
            latin_name: None,
            unit_id: Id::generate(),
            unit: "炼铁厂".parse().unwrap(),
        };
        Member { person, makes_up, leave: Vec::new() }
    }

    #[test]
    fn a_stranger_and_a_double_are_pointed_at() {
        let (known, stranger) = (Id::generate(), Id::generate());
        let line = |enrollment_id| NewAttendance {
            enrollment_id,
            code: AttendanceCode::Present,
            minutes: None,
            mode: None,
            note: None,
            segments: None,
        };
        let epoch = Instant::from_unix_micros(0).unwrap();
        let times = Times { starts_at: epoch, ends_at: epoch.plus(chrono::TimeDelta::minutes(45)), minutes: 45, is_window: false };
        let new = NewRollCall { entries: vec![line(known), line(stranger), line(known)] };
        let zone = "Asia/Shanghai".parse().unwrap();
        let Err(Error::Invalid(faults)) = lines(&new, Id::generate(), (&[member(known, None)], &[]), times, zone, epoch) else {
            panic!("accepted");
        };
        let codes: Vec<(&str, &str)> = faults.iter().map(|fault| (fault.pointer.as_str(), fault.code.as_str())).collect();
        assert_eq!(codes, [("/entries/1/enrollment_id", "not_expected"), ("/entries/2/enrollment_id", "named_twice")]);
    }
}
