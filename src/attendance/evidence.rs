//! What a meeting provider's file says of a session: joins and leaves, and what a roll call makes of them; pure.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    model::{Attendance, AttendanceCode, AttendanceMode, LineSource, Times},
    segments::{MOST, Segment, Segments},
};
use crate::{
    clock::Instant,
    enrollments::EnrollmentId,
    imports::ImportId,
    intakes::IntakeId,
    organizations::OrganizationId,
    schedule::SessionId,
    schema::evidence,
    text::{Code, Email, Name},
    zone::Zone,
};

/// From when to when one file says that somebody was in the meeting, or viewed the recording. It is never altered, and gone only when the
/// import of that file is taken back.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = evidence, treat_none_as_default_value = false)]
pub(super) struct Evidence {
    pub(super) session_id: SessionId,
    pub(super) enrollment_id: EnrollmentId,
    pub(super) intake_id: IntakeId,
    pub(super) joined_at: Instant,
    pub(super) left_at: Instant,
    pub(super) import_id: ImportId,
    pub(super) recorded_at: Instant,
}

/// One join of one enrollment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Queryable, Serialize, Deserialize, ToSchema)]
pub struct Join {
    pub enrollment_id: EnrollmentId,
    pub joined_at: Instant,
    pub left_at: Instant,
}

impl Join {
    fn segment(&self) -> Segment {
        Segment { starts_at: self.joined_at, ends_at: self.left_at }
    }
}

/// One join, and the import that says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[schema(as = Evidence)]
pub(super) struct Said {
    #[serde(flatten)]
    pub(super) join: Join,
    pub(super) import_id: ImportId,
}

/// What the imports say together: a join counts once, however many say it, and for as long as one of them does.
pub(super) fn together(said: impl IntoIterator<Item = Said>) -> BTreeSet<Join> {
    said.into_iter().map(|one| one.join).collect()
}

/// A session whose roll call takes evidence now, and who is called in it.
#[derive(Debug)]
pub struct Gathering {
    pub session_id: SessionId,
    pub intake_id: IntakeId,
    pub provider_id: OrganizationId,
    pub zone: Zone,
    pub attendees: Vec<Attendee>,
    /// The names of those who teach it, who are in the meeting as well.
    pub instructors: Vec<Name>,
    pub(super) times: Times,
}

/// Somebody who is called in a session, with all by which a file may name them.
#[derive(Clone, Debug)]
pub struct Attendee {
    pub enrollment_id: EnrollmentId,
    pub name: Name,
    pub latin_name: Option<Name>,
    /// The unit's name.
    pub unit: Name,
    pub email: Option<Email>,
    pub employee_numbers: Vec<Code>,
    /// What the files that stand say.
    pub joins: BTreeSet<Join>,
    pub(super) line: Option<Attendance>,
}

/// What becomes of a line of the roll call when evidence is added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It rests on evidence: the minutes before, if it was called, and now.
    Called { before: Option<i32>, minutes: i32 },
    /// Somebody called it otherwise, and it stays so.
    Kept { minutes: i32 },
    /// More joins than a line holds.
    TooMany,
}

impl Gathering {
    /// What these joins, added to the earlier ones, make of somebody's line.
    pub fn found(&self, attendee: &Attendee, fresh: &[Join]) -> Found {
        let Some(segments) = united(attendee.joins.iter().chain(fresh)) else {
            return Found::Kept { minutes: 0 };
        };
        let minutes = self.times.within(&segments);
        if segments.count() > MOST {
            return Found::TooMany;
        }
        if is_called(attendee.line.as_ref()) {
            return Found::Kept { minutes };
        }
        Found::Called { before: attendee.line.as_ref().and_then(|line| line.minutes), minutes }
    }

    /// How much of a join lies within the session, in minutes.
    pub fn within(&self, join: Join) -> i32 {
        united([&join]).map_or(0, |segments| self.times.within(&segments))
    }
}

pub(super) fn united<'a>(joins: impl IntoIterator<Item = &'a Join>) -> Option<Segments> {
    Segments::united(joins.into_iter().map(Join::segment))
}

/// Whether somebody called it, so that no file changes it.
pub(super) fn is_called(line: Option<&Attendance>) -> bool {
    line.is_some_and(|line| line.source == LineSource::Called)
}

/// The lines by evidence of those of the class of whom files say something, and whom nobody called.
pub(super) fn uncalled<'a>(
    session: SessionId,
    called: &[Attendance],
    evidence: impl Iterator<Item = (&'a EnrollmentId, &'a BTreeSet<Join>)>,
    times: Times,
    now: Instant,
) -> Vec<Attendance> {
    let called: BTreeSet<EnrollmentId> = called.iter().map(|line| line.enrollment_id).collect();
    let uncalled = evidence.filter(|(id, _)| !called.contains(id));
    uncalled.filter_map(|(id, joins)| line((session, *id), None, joins, times, now)).collect()
}

/// The joins of each enrollment.
pub(super) fn by_enrollment(joins: &BTreeSet<Join>) -> BTreeMap<EnrollmentId, BTreeSet<Join>> {
    let mut of: BTreeMap<EnrollmentId, BTreeSet<Join>> = BTreeMap::new();
    for join in joins {
        of.entry(join.enrollment_id).or_default().insert(*join);
    }
    of
}

/// The line of an enrollment by these joins: what they come to, or as it was where somebody called it.
pub(super) fn line(
    (session_id, enrollment_id): (SessionId, EnrollmentId),
    line: Option<&Attendance>,
    joins: &BTreeSet<Join>,
    times: Times,
    now: Instant,
) -> Option<Attendance> {
    if is_called(line) {
        return line.cloned();
    }
    let segments = united(joins)?;
    Some(Attendance {
        session_id,
        enrollment_id,
        code: code(&segments, times),
        minutes: Some(times.within(&segments)),
        mode: Some(AttendanceMode::Online),
        note: line.and_then(|line| line.note.clone()),
        segments: Some(segments),
        source: LineSource::Evidence,
        leave_minutes: line.and_then(|line| line.leave_minutes),
        recorded_at: now,
    })
}

/// What segments are called: late where more is missing at the beginning than at the end. A recording has no beginning to be late for.
pub(super) fn code(segments: &Segments, times: Times) -> AttendanceCode {
    match times.within(segments) {
        minutes if minutes == times.minutes => AttendanceCode::Present,
        0 => AttendanceCode::Absent,
        _ if times.is_window => AttendanceCode::LeftEarly,
        _ => match segments.missing((times.starts_at, times.ends_at)) {
            Some((at_start, at_end)) if at_start > at_end => AttendanceCode::Late,
            _ => AttendanceCode::LeftEarly,
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::Id;

    fn minute(minute: i64) -> Instant {
        Instant::from_unix_micros(minute * 60_000_000).unwrap()
    }

    fn times() -> Times {
        Times { starts_at: minute(0), ends_at: minute(90), minutes: 90, is_window: false }
    }

    fn join(from: i64, until: i64) -> Join {
        Join { enrollment_id: Id::generate(), joined_at: minute(from), left_at: minute(until) }
    }

    fn none() -> BTreeSet<Join> {
        BTreeSet::new()
    }

    fn called(joins: &[Join], times: Times) -> (AttendanceCode, i32) {
        let joins = joins.iter().copied().collect();
        let line = line((Id::generate(), Id::generate()), None, &joins, times, minute(0)).unwrap();
        (line.code, line.minutes.unwrap())
    }

    #[test]
    fn joins_are_called_by_what_is_missing() {
        use AttendanceCode as C;
        assert_eq!(called(&[join(-10, 45), join(30, 95)], times()), (C::Present, 90));
        assert_eq!(called(&[join(20, 90)], times()), (C::Late, 70));
        assert_eq!(called(&[join(1, 40), join(50, 70)], times()), (C::LeftEarly, 59));
        assert_eq!(called(&[join(-30, 0)], times()), (C::Absent, 0));
        let recorded = Times { ends_at: minute(10_000), minutes: 45, is_window: true, ..times() };
        assert_eq!(called(&[join(5_000, 5_030)], recorded), (C::LeftEarly, 30));
        assert_eq!(called(&[join(5_000, 5_030), join(5_020, 5_040), join(9_000, 9_020)], recorded), (C::Present, 45));
    }

    #[test]
    fn what_somebody_called_stays() {
        let (ids, first, more) = ((Id::generate(), Id::generate()), join(0, 30), join(40, 60));
        let (one, both) = (BTreeSet::from([first]), BTreeSet::from([first, more]));
        let called = line(ids, None, &one, times(), minute(0)).unwrap();
        let again = line(ids, Some(&called), &both, times(), minute(0)).unwrap();
        assert_eq!(again.minutes, Some(50));
        let kept = Attendance { source: LineSource::Called, ..called.clone() };
        assert_eq!(line(ids, Some(&kept), &both, times(), minute(0)).unwrap(), kept);
        assert_eq!(line(ids, Some(&kept), &none(), times(), minute(0)).unwrap(), kept);
        assert_eq!(line(ids, Some(&called), &none(), times(), minute(0)), None);
    }

    proptest! {
        /// Files that name the same joins, imported and taken back in any order: what is called is each time what the files that stand
        /// say, as if they alone had been imported.
        #[test]
        fn what_counts_is_what_the_files_that_stand_say(
            files in proptest::collection::vec(proptest::collection::btree_set(0_i64..6, 0..5), 4),
            steps in proptest::collection::vec(0_usize..4, 1..20),
        ) {
            let (ids, trainee) = ((Id::generate(), Id::generate()), Id::generate());
            let imports: Vec<ImportId> = files.iter().map(|_| Id::generate()).collect();
            let says = |at: &i64| Join { enrollment_id: trainee, joined_at: minute(at * 10), left_at: minute(at * 10 + 15) };
            let (mut said, mut standing, mut called) = (BTreeSet::new(), BTreeSet::new(), None);
            for index in steps {
                if standing.remove(&index) {
                    said.retain(|one: &Said| one.import_id != imports[index]);
                } else {
                    standing.insert(index);
                    said.extend(files[index].iter().map(|at| Said { import_id: imports[index], join: says(at) }));
                }
                let after = together(said.clone());
                called = line(ids, called.as_ref(), &after, times(), minute(0));
                let alone: BTreeSet<Join> = standing.iter().flat_map(|index| files[*index].iter().map(says)).collect();
                prop_assert_eq!(&called, &line(ids, None, &alone, times(), minute(0)));
            }
        }

        /// Held to asking of each second whether any join covers it.
        #[test]
        fn overlapping_joins_count_once(joins in proptest::collection::vec((-600_i64..6_600, 1_i64..3_000), 1..8), whole in 1_i32..=90) {
            let second = |second: i64| Instant::from_unix_micros(second * 1_000_000).unwrap();
            let list: Vec<Join> = joins
                .iter()
                .map(|(from, length)| Join { joined_at: second(*from), left_at: second(from + length), ..join(0, 1) })
                .collect();
            let covered = (0..5_400_i64).filter(|at| joins.iter().any(|(from, length)| (*from..from + length).contains(at))).count();
            let expected = i32::try_from((covered + 30) / 60).unwrap().min(whole);
            let (code, minutes) = called(&list, Times { minutes: whole, ..times() });
            prop_assert_eq!(minutes, expected);
            prop_assert_eq!(code == AttendanceCode::Present, expected == whole);
        }
    }
}
