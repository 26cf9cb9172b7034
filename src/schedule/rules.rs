//! What a session must satisfy, alone, within its intake and beside the others; pure.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use diesel::Queryable;

use super::{
    model::{SessionId, SessionState},
    plan::Plan,
};
use crate::{
    clock::Instant,
    db::types::text_enum,
    error::{Error, FieldFault},
    id::Id,
    intakes::{CohortId, Intake, SessionMode},
    people::PersonId,
    programs::{DisciplineId, ModuleId},
    zone::Zone,
};

/// The longest session, breaks included; what looks for overlaps relies on it. Of a recorded one, the greatest length.
const LONGEST: i32 = 24 * 60;
/// The most instructors of one session.
const INSTRUCTORS: usize = 20;

/// The minutes of a session: end − start − breaks, or the length of a recorded one.
///
/// # Errors
/// What is wrong with these, with its pointer.
pub(super) fn minutes(plan: &Plan) -> Result<i32, FieldFault> {
    let Plan { starts_at, ends_at, break_minutes, .. } = *plan;
    if ends_at <= starts_at {
        return Err(FieldFault::new("/ends_at", "end_before_start", "must be after the start"));
    }
    for (pointer, at) in [("/starts_at", starts_at), ("/ends_at", ends_at)] {
        if !at.is_whole_minute() {
            return Err(FieldFault::new(pointer, "not_whole_minutes", "must be a whole minute, without seconds"));
        }
    }
    if plan.mode == SessionMode::Recorded {
        return recorded_minutes(plan);
    }
    if plan.length_minutes.is_some() {
        return Err(FieldFault::new("/length_minutes", "not_recorded", "only a recorded session has a length of its own"));
    }
    minutes_between(starts_at, ends_at, break_minutes)
}

/// The minutes of a session at a certain time, its breaks taken off.
///
/// # Errors
/// As [`minutes`].
pub(super) fn minutes_between(starts_at: Instant, ends_at: Instant, break_minutes: i32) -> Result<i32, FieldFault> {
    let span = i32::try_from(starts_at.minutes_until(ends_at)).ok().filter(|span| *span <= LONGEST);
    let span = span.ok_or_else(|| FieldFault::new("/ends_at", "too_long", "a session lasts at most 24 hours"))?;
    if break_minutes < 0 {
        return Err(FieldFault::new("/break_minutes", "out_of_range", "must be 0 or more"));
    }
    if break_minutes >= span {
        return Err(FieldFault::new("/break_minutes", "no_minutes_left", "the breaks leave nothing of the session"));
    }
    Ok(span - break_minutes)
}

/// The length of a recorded session, which fits into its window.
fn recorded_minutes(plan: &Plan) -> Result<i32, FieldFault> {
    let Some(length) = plan.length_minutes else {
        return Err(FieldFault::new("/length_minutes", "length_missing", "a recorded session needs the minutes that watching it counts"));
    };
    if !(1..=LONGEST).contains(&length) {
        return Err(FieldFault::new("/length_minutes", "out_of_range", format!("must be 1 to {LONGEST}")));
    }
    if i64::from(length) > plan.starts_at.minutes_until(plan.ends_at) {
        return Err(FieldFault::new("/length_minutes", "too_long", "is longer than the window in which it is to be watched"));
    }
    if plan.break_minutes != 0 {
        return Err(FieldFault::new("/break_minutes", "out_of_range", "a recorded session has no breaks"));
    }
    Ok(length)
}

/// The instructors' part of the rules: at most 20, each once.
pub(super) fn check_instructors(ids: &[PersonId]) -> Vec<FieldFault> {
    let mut faults = duplicates(ids, "/instructor_ids");
    if ids.len() > INSTRUCTORS {
        faults.push(FieldFault::new("/instructor_ids", "out_of_range", format!("at most {INSTRUCTORS} instructors teach a session")));
    }
    faults
}

fn duplicates<T>(ids: &[Id<T>], pointer: &str) -> Vec<FieldFault> {
    let mut seen = HashSet::new();
    if ids.iter().all(|id| seen.insert(*id)) {
        return Vec::new();
    }
    vec![FieldFault::new(pointer, "duplicate", "names the same one twice")]
}

/// The days of an intake in its time zone, as instants: half-open, so that a session may end at the midnight after the last day.
#[derive(Clone, Copy, Debug)]
pub(super) struct Days {
    pub(super) from: Instant,
    pub(super) until: Instant,
}

impl Days {
    pub(super) fn of_intake(intake: &Intake) -> Self {
        Self::of(intake.time_zone, intake.opens_on, intake.closes_on)
    }

    pub(super) fn of(zone: Zone, opens_on: NaiveDate, closes_on: NaiveDate) -> Self {
        // The calendar of chrono ends long after the last year that an intake may have.
        let after = closes_on.succ_opt().unwrap_or(closes_on);
        Self { from: zone.day_start(opens_on), until: zone.day_start(after) }
    }

    /// What of a session lies outside.
    pub(super) fn check(&self, plan: &Plan) -> Vec<FieldFault> {
        let mut faults = Vec::new();
        if plan.starts_at < self.from {
            faults.push(FieldFault::new("/starts_at", "outside_intake", "lies before the day on which the intake opens"));
        }
        if plan.ends_at > self.until {
            faults.push(FieldFault::new("/ends_at", "outside_intake", "lies after the day on which the intake closes"));
        }
        faults
    }
}

/// What the sessions of an intake are held against.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) days: Days,
    /// The modules of the program version; without a discipline, one is common to all.
    pub(super) modules: HashMap<ModuleId, Option<DisciplineId>>,
    pub(super) cohorts: HashMap<CohortId, DisciplineId>,
}

impl Frame {
    /// The minutes of a session that fits, or everything that is wrong with it.
    pub(super) fn check(&self, plan: &Plan) -> Result<i32, Vec<FieldFault>> {
        match (self.check_itself(plan), self.days.check(plan)) {
            (Ok(minutes), outside) if outside.is_empty() => Ok(minutes),
            (Ok(_), outside) => Err(outside),
            (Err(faults), outside) => Err(faults.into_iter().chain(outside).collect()),
        }
    }

    /// As [`Frame::check`], whenever it is.
    pub(super) fn check_itself(&self, plan: &Plan) -> Result<i32, Vec<FieldFault>> {
        let mut faults = check_instructors(&plan.instructor_ids);
        let minutes = minutes(plan).unwrap_or_else(|fault| {
            faults.push(fault);
            0
        });
        if plan.mode == SessionMode::Recorded && plan.room_id.is_some() {
            faults.push(FieldFault::new("/room_id", "recorded_in_room", "a recorded session occupies no room"));
        }
        faults.extend(self.check_cohorts(plan.module_id, &plan.cohort_ids));
        if faults.is_empty() { Ok(minutes) } else { Err(faults) }
    }

    /// The cohorts' part of the rules: one or more of the intake, each once, all of which owe the module.
    pub(super) fn check_cohorts(&self, module_id: ModuleId, cohort_ids: &[CohortId]) -> Vec<FieldFault> {
        let mut faults = duplicates(cohort_ids, "/cohort_ids");
        if cohort_ids.is_empty() {
            faults.push(FieldFault::new("/cohort_ids", "cohort_missing", "a session is for one cohort or more"));
        }
        if cohort_ids.iter().any(|cohort| !self.cohorts.contains_key(cohort)) {
            faults.push(FieldFault::new("/cohort_ids", "unknown_cohort", "the intake has no such cohort"));
        }
        match self.modules.get(&module_id) {
            None => faults.push(FieldFault::new("/module_id", "unknown_module", "the intake's program version has no such module")),
            Some(Some(discipline)) => {
                let owes = |cohort| self.cohorts.get(cohort).is_none_or(|of| of == discipline);
                if !cohort_ids.iter().all(owes) {
                    let detail = "a cohort is of another discipline and does not owe this module";
                    faults.push(FieldFault::new("/module_id", "module_of_another_discipline", detail));
                }
            }
            Some(None) => {}
        }
        faults
    }
}

text_enum! {
    /// What can be in one session only at a time.
    pub enum ClaimKind {
        Cohort => "cohort",
        Instructor => "instructor",
        Room => "room",
    }
}

/// Something that can be in one session only at a time: an instructor, a cohort or a room, by its id.
pub(super) type Resource = (ClaimKind, Id<()>);

/// A resource is occupied by a session from `starts_at` until just before `ends_at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Occupied {
    pub(super) resource: Resource,
    pub(super) session_id: SessionId,
    pub(super) starts_at: Instant,
    pub(super) ends_at: Instant,
    pub(super) basis: Basis,
}

/// Why a resource is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Basis {
    /// Still to be decided.
    Proposed,
    /// By a claim of what is published or held.
    Claimed,
    /// By a draft, which keeps nobody away.
    Drafted,
}

impl Occupied {
    pub(super) fn times(&self) -> (Instant, Instant) {
        (self.starts_at, self.ends_at)
    }

    pub(super) fn is_proposed(&self) -> bool {
        self.basis == Basis::Proposed
    }

    /// What a session with this plan would occupy; a recorded one occupies nobody.
    pub(super) fn by(session_id: SessionId, plan: &Plan) -> Vec<Self> {
        if plan.mode == SessionMode::Recorded {
            return Vec::new();
        }
        let cohorts = plan.cohort_ids.iter().map(|id| (ClaimKind::Cohort, id.cast()));
        let instructors = plan.instructor_ids.iter().map(|id| (ClaimKind::Instructor, id.cast()));
        let room = plan.room_id.iter().map(|id| (ClaimKind::Room, id.cast()));
        cohorts
            .chain(instructors)
            .chain(room)
            .map(|resource| Self { resource, session_id, starts_at: plan.starts_at, ends_at: plan.ends_at, basis: Basis::Proposed })
            .collect()
    }
}

/// The pair as a waiver names it: the smaller id first.
pub(super) fn pair(one: SessionId, other: SessionId) -> (SessionId, SessionId) {
    if one < other { (one, other) } else { (other, one) }
}

/// Those of `now` that are not in `before`.
pub(super) fn added<T: Copy + PartialEq>(before: &[T], now: &[T]) -> Vec<T> {
    now.iter().filter(|one| !before.contains(one)).copied().collect()
}

/// What one session takes of the plan of a cohort.
#[derive(Clone, Copy, Debug, Queryable)]
pub(super) struct Taken {
    pub(super) cohort_id: CohortId,
    pub(super) module_id: ModuleId,
    pub(super) state: SessionState,
    /// As planned.
    pub(super) minutes: i32,
    /// The actual ones, once it is held.
    pub(super) held_minutes: Option<i32>,
}

impl Taken {
    /// Held minutes where held, planned ones where published; drafts and cancelled ones take nothing.
    fn scheduled(&self) -> i32 {
        match self.state {
            SessionState::Published => self.minutes,
            SessionState::Held => self.held_minutes.unwrap_or(self.minutes),
            SessionState::Draft | SessionState::Cancelled => 0,
        }
    }
}

/// Adds up what is scheduled for each cohort and module. More of it than planned is refused when it is scheduled.
pub(super) fn scheduled(taken: Vec<Taken>) -> HashMap<(CohortId, ModuleId), i64> {
    added_up(taken, Taken::scheduled)
}

/// As [`scheduled`], drafts counting as if they were published.
pub(super) fn laid_out(taken: Vec<Taken>) -> HashMap<(CohortId, ModuleId), i64> {
    added_up(taken, |one| if one.state == SessionState::Draft { one.minutes } else { one.scheduled() })
}

fn added_up(taken: Vec<Taken>, minutes: impl Fn(&Taken) -> i32) -> HashMap<(CohortId, ModuleId), i64> {
    let mut sums: HashMap<(CohortId, ModuleId), i64> = HashMap::new();
    for one in taken {
        *sums.entry((one.cohort_id, one.module_id)).or_default() += i64::from(minutes(&one));
    }
    sums
}

/// 422 with the faults of one session of several under `/sessions/{index}`.
pub(super) fn unless_all_valid(faults: Vec<(usize, FieldFault)>, several: bool) -> Result<(), Error> {
    let point = |(index, fault): (usize, FieldFault)| {
        if several { FieldFault { pointer: format!("/sessions/{index}{}", fault.pointer), ..fault } } else { fault }
    };
    Error::unless_valid(faults.into_iter().map(point).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::plan::NewSession;

    fn at(text: &str) -> Instant {
        chrono::DateTime::parse_from_rfc3339(text).unwrap().to_utc().into()
    }

    fn frame() -> (Frame, Plan) {
        let (own, foreign): (DisciplineId, DisciplineId) = (Id::generate(), Id::generate());
        let (mechanics, common, of_others): (ModuleId, ModuleId, ModuleId) = (Id::generate(), Id::generate(), Id::generate());
        let cohort: CohortId = Id::generate();
        let shanghai: Zone = "Asia/Shanghai".parse().unwrap();
        let frame = Frame {
            days: Days::of(shanghai, "2020-05-27".parse().unwrap(), "2020-10-30".parse().unwrap()),
            modules: HashMap::from([(mechanics, Some(own)), (common, None), (of_others, Some(foreign))]),
            cohorts: HashMap::from([(cohort, own)]),
        };
        let plan = NewSession {
            code: "MET-01".parse().unwrap(),
            module_id: mechanics,
            mode: None,
            starts_at: at("2020-05-27T08:00:00+08:00").into(),
            ends_at: at("2020-05-27T09:40:00+08:00").into(),
            break_minutes: 10,
            length_minutes: None,
            room_id: None,
            place: None,
            cohort_ids: vec![cohort],
            instructor_ids: vec![Id::generate()],
        };
        (frame, plan.plan(SessionMode::OnSite, shanghai).unwrap())
    }

    fn codes(result: Result<i32, Vec<FieldFault>>) -> Vec<(String, String)> {
        result.unwrap_err().into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    #[track_caller]
    fn refused(change: impl FnOnce(&Frame, &mut Plan), pointer: &str, code: &str) {
        let (frame, mut plan) = frame();
        change(&frame, &mut plan);
        assert_eq!(codes(frame.check(&plan)), [(pointer.to_owned(), code.to_owned())]);
    }

    #[test]
    fn minutes_are_end_minus_start_minus_breaks() {
        let (frame, plan) = frame();
        assert_eq!(frame.check(&plan), Ok(90));
    }

    #[test]
    fn times_must_leave_whole_minutes_of_at_most_a_day() {
        refused(|_, plan| plan.ends_at = plan.starts_at, "/ends_at", "end_before_start");
        refused(|_, plan| plan.ends_at = at("2020-05-27T09:40:30+08:00"), "/ends_at", "not_whole_minutes");
        refused(|_, plan| plan.starts_at = at("2020-05-27T08:00:00.000001+08:00"), "/starts_at", "not_whole_minutes");
        refused(|_, plan| plan.ends_at = at("2020-05-28T08:01:00+08:00"), "/ends_at", "too_long");
        refused(|_, plan| plan.break_minutes = -1, "/break_minutes", "out_of_range");
        refused(|_, plan| plan.break_minutes = 100, "/break_minutes", "no_minutes_left");
        refused(|_, plan| plan.break_minutes = i32::MAX, "/break_minutes", "no_minutes_left");
        let (_, plan) = frame();
        let day = Plan { ends_at: plan.starts_at.plus(chrono::TimeDelta::days(1)), break_minutes: 0, ..plan };
        assert_eq!(minutes(&day), Ok(1440));
    }

    #[test]
    fn a_recorded_session_counts_its_length_within_a_window_of_any_length() {
        let record = |plan: &mut Plan, length| {
            (plan.mode, plan.length_minutes, plan.break_minutes) = (SessionMode::Recorded, length, 0);
            plan.ends_at = at("2020-06-30T00:00:00+08:00");
        };
        let (frame, mut plan) = frame();
        record(&mut plan, Some(1440));
        assert_eq!(frame.check(&plan), Ok(1440));
        let wrong = |pointer: &str, code: &str, change: &dyn Fn(&mut Plan)| {
            refused(
                |_, plan| {
                    record(plan, Some(45));
                    change(plan);
                },
                pointer,
                code,
            );
        };
        wrong("/length_minutes", "length_missing", &|plan| plan.length_minutes = None);
        wrong("/length_minutes", "out_of_range", &|plan| plan.length_minutes = Some(0));
        wrong("/length_minutes", "out_of_range", &|plan| plan.length_minutes = Some(1441));
        wrong("/length_minutes", "too_long", &|plan| plan.ends_at = at("2020-05-27T08:44:00+08:00"));
        wrong("/break_minutes", "out_of_range", &|plan| plan.break_minutes = 5);
        wrong("/room_id", "recorded_in_room", &|plan| plan.room_id = Some(Id::generate()));
        wrong("/ends_at", "outside_intake", &|plan| plan.ends_at = at("2020-11-01T00:00:00+08:00"));
        refused(|_, plan| plan.length_minutes = Some(45), "/length_minutes", "not_recorded");
    }

    #[test]
    fn a_session_lies_within_the_local_days_of_its_intake() {
        refused(|_, plan| plan.starts_at = at("2020-05-26T23:59:00+08:00"), "/starts_at", "outside_intake");
        let (frame, mut plan) = frame();
        plan.starts_at = at("2020-10-30T22:00:00+08:00");
        plan.ends_at = at("2020-10-31T00:00:00+08:00");
        assert_eq!(frame.check(&plan), Ok(110));
        plan.ends_at = at("2020-10-31T00:01:00+08:00");
        assert_eq!(codes(frame.check(&plan)), [("/ends_at".to_owned(), "outside_intake".to_owned())]);
    }

    #[test]
    fn module_cohorts_and_instructors_must_fit() {
        refused(|_, plan| plan.module_id = Id::generate(), "/module_id", "unknown_module");
        refused(|_, plan| plan.cohort_ids.clear(), "/cohort_ids", "cohort_missing");
        refused(|_, plan| plan.cohort_ids.push(Id::generate()), "/cohort_ids", "unknown_cohort");
        refused(|_, plan| plan.cohort_ids.extend(plan.cohort_ids.clone()), "/cohort_ids", "duplicate");
        refused(|_, plan| plan.instructor_ids.extend(plan.instructor_ids.clone()), "/instructor_ids", "duplicate");
        refused(|_, plan| plan.instructor_ids.extend((0..20).map(|_| Id::generate())), "/instructor_ids", "out_of_range");
        let of = |frame: &Frame, common: bool, own: DisciplineId| {
            let fits = |of: &Option<DisciplineId>| if common { of.is_none() } else { of.is_some_and(|of| of != own) };
            *frame.modules.iter().find(|(_, of)| fits(of)).unwrap().0
        };
        let own = |frame: &Frame| *frame.cohorts.values().next().unwrap();
        refused(|frame, plan| plan.module_id = of(frame, false, own(frame)), "/module_id", "module_of_another_discipline");
        let (frame, mut plan) = frame();
        plan.module_id = of(&frame, true, own(&frame));
        assert_eq!(frame.check(&plan), Ok(90));
    }

    #[test]
    fn what_is_held_counts_as_held_and_drafts_and_the_cancelled_not_at_all() {
        use SessionState as S;
        let (cohort_id, module_id) = (Id::generate(), Id::generate());
        let row = |state, minutes, held_minutes| Taken { cohort_id, module_id, state, minutes, held_minutes };
        let of = |minutes: i64| HashMap::from([((cohort_id, module_id), minutes)]);
        let taken = vec![row(S::Draft, 90, None), row(S::Published, 45, None), row(S::Held, 1000, Some(80)), row(S::Cancelled, 1000, None)];
        assert_eq!(scheduled(taken), of(125));
        assert_eq!(scheduled(vec![row(S::Published, 45, None), row(S::Held, 90, Some(120)), row(S::Held, 90, Some(80))]), of(245));
    }
}
