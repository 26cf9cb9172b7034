//! A weekly pattern, and the sessions that it comes to; pure.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::RangeInclusive,
};

use chrono::{NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    conflicts::Checked,
    model::{SeriesId, SessionId, SessionState},
    plan::{Plan, lead_first},
    rules::minutes_between,
};
use crate::{
    clock::Instant,
    db::types::text_enum,
    error::{Error, FieldFault},
    http::body::{days, some_day},
    intakes::{CohortId, Intake, IntakeId, SessionMode},
    people::PersonId,
    programs::ModuleId,
    rooms::RoomId,
    text::{Code, Place},
    week::{TimeOfDay, Weekday},
    zone::Zone,
};

/// The most sessions that one series makes.
const SESSIONS: usize = 1000;
/// The most times a week.
const SLOTS: usize = 21;
/// The most days that are left out: each of a year.
const SKIPS: usize = 366;
const MINUTES_OF_A_DAY: i64 = 24 * 60;

text_enum! {
    /// Why a series has no further session.
    pub enum Ended {
        PlanUsedUp => "plan_used_up",
        RangeOver => "range_over",
    }
}

text_enum! {
    /// Why nothing takes place at a time of the pattern.
    pub enum SkipReason {
        /// By the intake's calendar.
        DayOff => "day_off",
        /// By the request.
        LeftOut => "left_out",
        ClockChange => "clock_change",
        OutsideIntake => "outside_intake",
    }
}

/// Once a week, by the clocks of the intake's time zone.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Slot {
    pub weekday: Weekday,
    pub starts: TimeOfDay,
    /// After midnight if it is earlier than the start.
    #[schema(example = "09:40")]
    pub ends: TimeOfDay,
    #[serde(default)]
    #[schema(minimum = 0)]
    pub break_minutes: i32,
}

impl Slot {
    fn is_over_midnight(&self) -> bool {
        self.ends < self.starts
    }

    fn check(&self, index: usize) -> Option<FieldFault> {
        if self.starts == self.ends {
            return Some(FieldFault::new(format!("/pattern/{index}/ends"), "no_minutes_left", "must not be the time at which it starts"));
        }
        if self.starts == TimeOfDay::END {
            return Some(FieldFault::new(
                format!("/pattern/{index}/starts"),
                "out_of_range",
                "begins on the next day; send 00:00 of that day",
            ));
        }
        let span = self.starts.minutes_until(self.ends) + if self.is_over_midnight() { MINUTES_OF_A_DAY } else { 0 };
        let fault = |code, detail| Some(FieldFault::new(format!("/pattern/{index}/break_minutes"), code, detail));
        match self.break_minutes {
            ..0 => fault("out_of_range", "must be 0 or more"),
            breaks if i64::from(breaks) >= span => fault("no_minutes_left", "the breaks leave nothing of the session"),
            _ => None,
        }
    }

    /// What takes place on a day. The minutes are those that pass, not those that the clocks show.
    fn on(&self, date: NaiveDate, zone: Zone) -> Result<Occurrence, String> {
        let last = if self.is_over_midnight() { date.succ_opt().unwrap_or(date) } else { date };
        let instant = |date: NaiveDate, time: TimeOfDay| zone.instant(time.on(date)).map_err(|unclear| unclear.to_string());
        let (starts_at, ends_at) = (instant(date, self.starts)?, instant(last, self.ends)?);
        let minutes = minutes_between(starts_at, ends_at, self.break_minutes).map_err(|fault| fault.detail)?;
        Ok(Occurrence { starts_at, ends_at, break_minutes: self.break_minutes, minutes })
    }
}

/// Sessions to be scheduled by a weekly pattern, until the module's hours are used up. All begin as drafts.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSeries {
    /// The sessions are called by it and a number: MET-01, MET-02 and so on. Unique in the intake.
    pub code: Code,
    pub module_id: ModuleId,
    /// The intake's unless said.
    #[serde(default)]
    pub mode: Option<SessionMode>,
    /// One or more cohorts of the intake.
    pub cohort_ids: Vec<CohortId>,
    /// At most 20; the first leads.
    #[serde(default)]
    pub instructor_ids: Vec<PersonId>,
    /// The room or online place that they are to occupy.
    #[serde(default)]
    pub room_id: Option<RoomId>,
    /// Where they are, in words; occupies nothing.
    #[serde(default)]
    pub place: Option<Place>,
    /// 1 to 21 times a week.
    pub pattern: Vec<Slot>,
    /// The first day; that of the intake unless said.
    #[serde(default, deserialize_with = "some_day")]
    pub from: Option<NaiveDate>,
    /// The last day; that of the intake unless said.
    #[serde(default, deserialize_with = "some_day")]
    pub until: Option<NaiveDate>,
    /// Days on which none begins, beside those that the intake's calendar has off: at most 366, each once, between the first day and the
    /// last.
    #[serde(default, deserialize_with = "days")]
    pub skip: Vec<NaiveDate>,
}

/// A series in an intake, with its mode and days where the request says none.
#[derive(Debug)]
pub(super) struct Intended {
    /// With what is the intake's filled in, so that it says the same for ever.
    pub(super) new: NewSeries,
    mode: SessionMode,
    pub(super) days: RangeInclusive<NaiveDate>,
}

impl NewSeries {
    pub(super) fn within(self, intake: &Intake) -> Intended {
        let mode = self.mode.unwrap_or(intake.mode);
        let (from, until) = (self.from.unwrap_or(intake.opens_on), self.until.unwrap_or(intake.closes_on));
        Intended { new: Self { mode: Some(mode), from: Some(from), until: Some(until), ..self }, mode, days: from..=until }
    }
}

impl Intended {
    /// What is wrong with the pattern, the mode or the days.
    pub(super) fn faults(&self, intake: &Intake) -> Vec<FieldFault> {
        let pattern = &self.new.pattern;
        let mut faults: Vec<FieldFault> = pattern.iter().enumerate().filter_map(|(index, slot)| slot.check(index)).collect();
        if !(1..=SLOTS).contains(&pattern.len()) {
            faults.push(FieldFault::new("/pattern", "out_of_range", format!("must be 1 to {SLOTS} times a week")));
        }
        if self.mode == SessionMode::Recorded {
            let detail = "a recorded session has a window and not a time of the week; schedule it by itself";
            faults.push(FieldFault::new("/mode", "recorded_in_series", detail));
        }
        let (from, until) = (*self.days.start(), *self.days.end());
        if from < intake.opens_on {
            faults.push(FieldFault::new("/from", "outside_intake", "lies before the day on which the intake opens"));
        }
        if until > intake.closes_on {
            faults.push(FieldFault::new("/until", "outside_intake", "lies after the day on which the intake closes"));
        }
        if until < from {
            faults.push(FieldFault::new("/until", "end_before_start", "must not be before the first day"));
        }
        faults.extend(self.skip_faults());
        faults
    }

    /// What is wrong with the days that are left out.
    fn skip_faults(&self) -> Vec<FieldFault> {
        let skip = &self.new.skip;
        if skip.len() > SKIPS {
            return vec![FieldFault::new("/skip", "out_of_range", format!("must be at most {SKIPS} days"))];
        }
        let mut seen = BTreeSet::new();
        let fault = |(index, day): (usize, &NaiveDate)| {
            let fault = |code, detail| Some(FieldFault::new(format!("/skip/{index}"), code, detail));
            match (self.days.contains(day), seen.insert(*day)) {
                (false, _) => fault("outside_series", "is not between the first and the last day of the series"),
                (true, false) => fault("duplicate", "names the same day twice"),
                (true, true) => None,
            }
        };
        skip.iter().enumerate().filter_map(fault).collect()
    }

    /// The sessions in the order of time.
    ///
    /// # Errors
    /// 422 for more than a thousand, or a code that leaves no place for their number.
    pub(super) fn plans(&self, occurrences: &[Occurrence]) -> Result<Vec<Plan>, Error> {
        if occurrences.len() > SESSIONS {
            let detail = format!("there would be {} sessions; a series has at most {SESSIONS}", occurrences.len());
            return Err(Error::invalid("/until", "out_of_range", detail));
        }
        let Self { new, mode, .. } = self;
        let mut cohort_ids = new.cohort_ids.clone();
        cohort_ids.sort_unstable();
        let instructor_ids = lead_first(new.instructor_ids.clone());
        let plan = |(index, one): (usize, &Occurrence)| {
            let code = format!("{}-{:02}", new.code, index + 1);
            Ok(Plan {
                code: code.parse().map_err(|fault: crate::text::TextFault| Error::invalid("/code", fault.code, fault.detail))?,
                module_id: new.module_id,
                mode: *mode,
                starts_at: one.starts_at,
                ends_at: one.ends_at,
                break_minutes: one.break_minutes,
                length_minutes: None,
                room_id: new.room_id,
                place: new.place.clone(),
                cohort_ids: cohort_ids.clone(),
                instructor_ids: instructor_ids.clone(),
            })
        };
        occurrences.iter().enumerate().map(plan).collect()
    }
}

/// When one session of a series takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Occurrence {
    pub(super) starts_at: Instant,
    pub(super) ends_at: Instant,
    pub(super) break_minutes: i32,
    pub(super) minutes: i32,
}

impl Occurrence {
    /// No longer than what is left of the plan. The breaks stay.
    fn within(self, left: i64) -> Self {
        match i32::try_from(left).ok().filter(|left| *left < self.minutes) {
            None => self,
            Some(left) => {
                let span = TimeDelta::minutes(i64::from(left) + i64::from(self.break_minutes));
                Self { ends_at: self.starts_at.plus(span), minutes: left, ..self }
            }
        }
    }
}

/// A time of the pattern at which nothing takes place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Skipped {
    pub date: NaiveDate,
    pub starts: TimeOfDay,
    pub reason: SkipReason,
    /// For people.
    #[schema(example = "left out by the request")]
    pub detail: String,
}

/// What a pattern comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Drawn {
    pub(super) occurrences: Vec<Occurrence>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) minutes_left: i64,
    pub(super) ended: Ended,
}

/// The occurrences of a pattern on these days, in the order of time, until `left` minutes are used up: the last one is shortened to what
/// is left. None begins on a day off, or ends after the intake has closed. One whose local time the clocks skip or show twice is left out,
/// for nobody has said when it is meant to be.
pub(super) fn occurrences(
    pattern: &[Slot],
    zone: Zone,
    days: RangeInclusive<NaiveDate>,
    days_off: &BTreeMap<NaiveDate, (SkipReason, String)>,
    closes: Instant,
    left: i64,
) -> Drawn {
    let mut drawn = Drawn { occurrences: Vec::new(), skipped: Vec::new(), minutes_left: left.max(0), ended: Ended::RangeOver };
    let mut slots: Vec<&Slot> = pattern.iter().collect();
    slots.sort_by_key(|slot| slot.starts);
    for date in days.start().iter_days().take_while(|date| date <= days.end()) {
        for slot in slots.iter().filter(|slot| slot.weekday == Weekday::of(date)) {
            if drawn.minutes_left == 0 {
                break;
            }
            let off = days_off.get(&date).cloned();
            let found = off.map_or_else(|| slot.on(date, zone).map_err(|why| (SkipReason::ClockChange, why)), Err);
            match found.map(|one| one.within(drawn.minutes_left)) {
                Ok(one) if one.ends_at <= closes => {
                    drawn.minutes_left -= i64::from(one.minutes);
                    drawn.occurrences.push(one);
                }
                other => {
                    let outside = (SkipReason::OutsideIntake, "ends after the day on which the intake closes".to_owned());
                    let (reason, detail) = other.err().unwrap_or(outside);
                    drawn.skipped.push(Skipped { date, starts: slot.starts, reason, detail });
                }
            }
        }
    }
    if drawn.minutes_left == 0 {
        drawn.ended = Ended::PlanUsedUp;
    }
    drawn
}

/// A series, and what became of its sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Series {
    pub id: SeriesId,
    pub intake_id: IntakeId,
    /// Unique in the intake.
    #[schema(example = "MET")]
    pub code: Code,
    pub sessions: SessionsByState,
    pub created_at: Instant,
}

/// A series with all that is known of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct WholeSeries {
    #[serde(flatten)]
    pub series: Series,
    /// What it was made from, in the words of that time, with what was the intake's then. Its sessions may have changed since; they say so themselves.
    #[schema(value_type = NewSeries)]
    pub made_from: serde_json::Value,
}

impl WholeSeries {
    pub(super) fn of(series: Series, made_from: &str) -> Result<Self, Error> {
        Ok(Self { series, made_from: serde_json::from_str(made_from).map_err(Error::internal)? })
    }
}

/// How many sessions there are of each state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct SessionsByState {
    #[schema(example = 0)]
    pub draft: i64,
    #[schema(example = 30)]
    pub published: i64,
    #[schema(example = 9)]
    pub held: i64,
    #[schema(example = 1)]
    pub cancelled: i64,
}

impl SessionsByState {
    pub(super) fn of(counts: &HashMap<SessionState, i64>) -> Self {
        let count = |state| counts.get(&state).copied().unwrap_or(0);
        Self {
            draft: count(SessionState::Draft),
            published: count(SessionState::Published),
            held: count(SessionState::Held),
            cancelled: count(SessionState::Cancelled),
        }
    }
}

/// A series as it was made, or as it would be.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LaidOut {
    /// Null if it was only tried.
    pub id: Option<SeriesId>,
    pub intake_id: IntakeId,
    #[schema(example = "MET")]
    pub code: Code,
    /// In the order of time.
    pub sessions: Vec<SessionOfSeries>,
    pub skipped: Vec<Skipped>,
    /// What is still without a session in the plan of the cohort that has least left; drafts count.
    #[schema(example = 0)]
    pub minutes_left: i64,
    /// What that cohort had before this series, in words.
    #[schema(example = "cohort MET-1 has 90 of 1080 planned minutes of module MET-01 in sessions already, drafts among them")]
    pub taken_before: String,
    pub ended: Ended,
    /// What would stand in the way of publishing them; the pointers are those of `sessions` here.
    #[serde(flatten)]
    pub checked: Checked,
}

/// A session of a series that was made, or would be.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SessionOfSeries {
    /// Null if the series was only tried.
    pub id: Option<SessionId>,
    #[schema(example = "MET-01")]
    pub code: Code,
    pub starts_at: Instant,
    pub ends_at: Instant,
    pub break_minutes: i32,
    #[schema(example = 90)]
    pub minutes: i32,
}

#[cfg(test)]
mod tests;
