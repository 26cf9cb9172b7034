//! What an intake is and how it moves from state to state.

use chrono::NaiveDate;
use diesel::{AsChangeset, Identifiable, Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    access::{Role, UserId},
    calendars::CalendarId,
    clock::{Instant, is_kept},
    db::types::text_enum,
    error::{Error, FieldFault},
    http::{
        Patched,
        body::{day, given, given_day, nullable},
    },
    id::Id,
    lifecycle::{LifeCycle, Step},
    organizations::OrganizationId,
    people::PersonId,
    programs::{DisciplineId, ModuleId, ProgramVersionId},
    schema::{amendments, cohorts, intakes},
    text::{Code, Name, Note},
    zone::Zone,
};

pub type IntakeId = Id<Intake>;
pub type CohortId = Id<Cohort>;

text_enum! {
    /// planned → enrolling → running → completed; cancelled from the first three.
    pub enum IntakeState {
        Planned => "planned",
        Enrolling => "enrolling",
        Running => "running",
        Completed => "completed",
        Cancelled => "cancelled",
    }
}

text_enum! {
    /// How people meet.
    pub enum SessionMode {
        OnSite => "on_site",
        LiveOnline => "live_online",
        Mixed => "mixed",
        Recorded => "recorded",
    }
}

text_enum! {
    /// A step in the life of an intake.
    pub enum IntakeTransition {
        OpenEnrollment => "open-enrollment",
        ApproveOpening => "approve-opening",
        Start => "start",
        Complete => "complete",
        Cancel => "cancel",
    }
}

/// The steps of intakes. `approve-opening` is a dated fact and leaves the state as it is.
pub const LIFE_CYCLE: LifeCycle<IntakeTransition, IntakeState> = {
    use IntakeState as S;
    use IntakeTransition as T;
    LifeCycle {
        of: "intake",
        steps: &[
            Step { verb: T::OpenEnrollment, from: &[S::Planned], to: S::Enrolling, needs_reason: false },
            Step { verb: T::ApproveOpening, from: &[S::Planned], to: S::Planned, needs_reason: false },
            Step { verb: T::ApproveOpening, from: &[S::Enrolling], to: S::Enrolling, needs_reason: false },
            Step { verb: T::Start, from: &[S::Enrolling], to: S::Running, needs_reason: false },
            Step { verb: T::Complete, from: &[S::Running], to: S::Completed, needs_reason: false },
            Step { verb: T::Cancel, from: &[S::Planned, S::Enrolling, S::Running], to: S::Cancelled, needs_reason: true },
        ],
    }
};

/// One dated run of a program version.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable, Identifiable, AsChangeset, Serialize, ToSchema)]
#[diesel(table_name = intakes, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Intake {
    pub id: IntakeId,
    pub program_version_id: ProgramVersionId,
    pub provider_id: OrganizationId,
    #[schema(example = "HONGXING-3")]
    pub code: Code,
    #[schema(example = "第三期")]
    pub name: Name,
    pub phase: Option<i32>,
    pub state: IntakeState,
    #[schema(value_type = String, example = "Asia/Shanghai")]
    pub time_zone: Zone,
    pub opens_on: NaiveDate,
    pub closes_on: NaiveDate,
    pub mode: SessionMode,
    /// Seats in all; null is no limit. Null to partners, trainees and instructors.
    pub capacity: Option<i32>,
    /// Whether people may wait for a seat.
    pub waitlist: bool,
    /// For how many days a seat is offered to whoever is next; null: it is given at once.
    pub offer_days: Option<i32>,
    /// How many hours after its session a roll call is due; null: whenever.
    pub roll_call_due_hours: Option<i32>,
    /// How many hours after it was submitted a roll call is closed by itself; null: never.
    pub close_after_hours: Option<i32>,
    /// For how many days after a roll call was closed those who were called may ask for a correction; null if only a coordinator may. A
    /// closing keeps what held then.
    pub correction_days: Option<i32>,
    pub predecessor_id: Option<IntakeId>,
    /// The calendar whose days off the schedule warns of; null for none.
    pub holiday_calendar_id: Option<CalendarId>,
    pub opening_approval_required: bool,
    pub opening_approved_at: Option<Instant>,
    pub version: i32,
    pub created_at: Instant,
}

impl Intake {
    /// Without what is the provider's business alone.
    pub fn shown_to(mut self, role: Role) -> Self {
        match role {
            Role::Administrator | Role::Operator | Role::Coordinator | Role::Auditor => {}
            Role::ClassAdviser | Role::Instructor | Role::Partner | Role::Trainee => self.capacity = None,
        }
        self
    }

    /// The rules for its fields, new or changed.
    pub(super) fn check(&self) -> Result<(), Error> {
        let mut faults = Vec::new();
        let within = |value: Option<i32>, range: std::ops::RangeInclusive<i32>| value.is_none_or(|value| range.contains(&value));
        let mut hold = |holds: bool, pointer: &str, code: &str, detail: &str| {
            if !holds {
                faults.push(FieldFault::new(pointer, code, detail));
            }
        };
        hold(within(self.phase, 1..=i32::MAX), "/phase", "out_of_range", "must be 1 or more");
        hold(self.closes_on >= self.opens_on, "/closes_on", "end_before_start", "must not be before opens_on");
        hold(is_kept(&self.opens_on), "/opens_on", "out_of_range", Instant::OUTSIDE_YEARS);
        hold(is_kept(&self.closes_on), "/closes_on", "out_of_range", Instant::OUTSIDE_YEARS);
        hold(within(self.capacity, 0..=i32::MAX), "/capacity", "out_of_range", "must be 0 or more");
        hold(within(self.offer_days, 1..=365), "/offer_days", "out_of_range", "must be 1 to 365");
        hold(within(self.roll_call_due_hours, 1..=720), "/roll_call_due_hours", "out_of_range", "must be 1 to 720");
        hold(within(self.correction_days, 0..=366), "/correction_days", "out_of_range", "must be 0 to 366");
        hold(within(self.close_after_hours, 1..=720), "/close_after_hours", "out_of_range", "must be 1 to 720");
        Error::unless_valid(faults)
    }

    /// The state after `step`, or why it is not possible.
    pub fn after(&self, step: IntakeTransition, reason: Option<&Note>) -> Result<IntakeState, Error> {
        let to = LIFE_CYCLE.after("the intake", self.state, step, reason)?;
        if step == IntakeTransition::Start {
            self.check_opened()?;
        }
        Ok(to)
    }

    /// Whether people may be enrolled now.
    pub fn takes_enrollments(&self) -> bool {
        matches!(self.state, IntakeState::Enrolling | IntakeState::Running)
    }

    /// Whether teaching may have begun: nothing is held, and so no hours are posted, before enrollment opens and the opening is approved
    /// where that is required.
    ///
    /// # Errors
    /// 409 `intake_not_open` and `opening_not_approved`.
    pub fn check_opened(&self) -> Result<(), Error> {
        if self.state == IntakeState::Planned {
            return Err(Error::conflict("intake_not_open", "the intake is planned; nothing is held in it yet"));
        }
        if self.opening_approval_required && self.opening_approved_at.is_none() {
            return Err(Error::conflict("opening_not_approved", "the opening of this intake has to be approved first"));
        }
        Ok(())
    }

    /// Refuses to change the schedule of one that is over.
    ///
    /// # Errors
    /// 409 `intake_not_live`.
    pub fn check_live(&self) -> Result<(), Error> {
        match self.state {
            IntakeState::Planned | IntakeState::Enrolling | IntakeState::Running => Ok(()),
            IntakeState::Completed | IntakeState::Cancelled => {
                Err(Error::conflict("intake_not_live", format!("the intake is {}", self.state)))
            }
        }
    }

    /// When it opens; the default start of an enrollment.
    pub fn opening(&self) -> Instant {
        self.time_zone.day_start(self.opens_on)
    }

    /// When it is over: the end of its last day. The calendar of chrono ends long after the last year that an intake may have.
    pub fn closing(&self) -> Instant {
        self.time_zone.day_start(self.closes_on.succ_opt().unwrap_or(self.closes_on))
    }
}

/// An intake to be created; it begins as planned.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewIntake {
    pub program_version_id: ProgramVersionId,
    pub code: Code,
    pub name: Name,
    #[serde(default)]
    #[schema(minimum = 1)]
    pub phase: Option<i32>,
    #[schema(value_type = String, example = "Asia/Shanghai")]
    pub time_zone: Zone,
    #[serde(deserialize_with = "day")]
    pub opens_on: NaiveDate,
    #[serde(deserialize_with = "day")]
    pub closes_on: NaiveDate,
    pub mode: SessionMode,
    #[serde(default)]
    #[schema(minimum = 0)]
    pub capacity: Option<i32>,
    /// Whether people may wait for a seat; not unless said.
    #[serde(default)]
    pub waitlist: bool,
    /// For how many days a seat is offered to whoever is next; null: it is given at once.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 365)]
    pub offer_days: Option<i32>,
    /// How many hours after its session a roll call is due, 1 to 720; null: whenever.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 720)]
    pub roll_call_due_hours: Option<i32>,
    /// How many hours after it was submitted a roll call is closed by itself, 1 to 720; null: never.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 720)]
    pub close_after_hours: Option<i32>,
    /// 7 unless said; null lets only a coordinator correct.
    #[serde(default = "NewIntake::correction_days")]
    #[schema(minimum = 0, maximum = 366)]
    pub correction_days: Option<i32>,
    #[serde(default)]
    pub predecessor_id: Option<IntakeId>,
    /// A calendar of holidays that the provider keeps.
    #[serde(default)]
    pub holiday_calendar_id: Option<CalendarId>,
    #[serde(default)]
    pub opening_approval_required: bool,
}

impl NewIntake {
    /// The days in which corrections may be asked for, unless said otherwise.
    pub const CORRECTION_DAYS: Option<i32> = Some(7);

    fn correction_days() -> Option<i32> {
        Self::CORRECTION_DAYS
    }

    /// The intake that it becomes.
    pub fn planned(self, provider_id: OrganizationId, now: Instant) -> Intake {
        Intake {
            id: Id::generate(),
            program_version_id: self.program_version_id,
            provider_id,
            code: self.code,
            name: self.name,
            phase: self.phase,
            state: IntakeState::Planned,
            time_zone: self.time_zone,
            opens_on: self.opens_on,
            closes_on: self.closes_on,
            mode: self.mode,
            capacity: self.capacity,
            waitlist: self.waitlist,
            offer_days: self.offer_days,
            roll_call_due_hours: self.roll_call_due_hours,
            close_after_hours: self.close_after_hours,
            correction_days: self.correction_days,
            predecessor_id: self.predecessor_id,
            holiday_calendar_id: self.holiday_calendar_id,
            opening_approval_required: self.opening_approval_required,
            opening_approved_at: None,
            version: 1,
            created_at: now,
        }
    }
}

/// A merge patch (RFC 7396).
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IntakePatch {
    #[serde(default, deserialize_with = "given")]
    pub name: Option<Name>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i32>)]
    pub phase: Patched<i32>,
    #[serde(default, deserialize_with = "given_day")]
    pub opens_on: Option<NaiveDate>,
    #[serde(default, deserialize_with = "given_day")]
    pub closes_on: Option<NaiveDate>,
    #[serde(default, deserialize_with = "given")]
    pub mode: Option<SessionMode>,
    /// Seats; null is as many as come. Lowering it evicts nobody.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i32>, minimum = 0)]
    pub capacity: Patched<i32>,
    /// Whether it keeps a waitlist.
    #[serde(default, deserialize_with = "given")]
    pub waitlist: Option<bool>,
    /// For how many days an offer stands; null where none are made. An offer that was made keeps its end.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i32>, minimum = 1, maximum = 365)]
    pub offer_days: Patched<i32>,
    /// How many hours after its session a roll call is to be submitted; the list of open ones reminds of it. Null is never.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i32>, minimum = 1, maximum = 720)]
    pub roll_call_due_hours: Patched<i32>,
    /// How many hours after it was submitted a roll call closes by itself; null is never.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i32>, minimum = 1, maximum = 720)]
    pub close_after_hours: Patched<i32>,
    /// For how many days after its closing a correction of a roll call may be asked for; null is never. What is closed keeps its own end.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i32>, minimum = 0, maximum = 366)]
    pub correction_days: Patched<i32>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<CalendarId>)]
    pub holiday_calendar_id: Patched<CalendarId>,
}

impl IntakePatch {
    pub(super) fn apply(self, intake: &Intake) -> Intake {
        let mut changed = intake.clone();
        changed.name = self.name.unwrap_or(changed.name);
        changed.phase = self.phase.unwrap_or(changed.phase);
        changed.opens_on = self.opens_on.unwrap_or(changed.opens_on);
        changed.closes_on = self.closes_on.unwrap_or(changed.closes_on);
        changed.mode = self.mode.unwrap_or(changed.mode);
        changed.capacity = self.capacity.unwrap_or(changed.capacity);
        changed.waitlist = self.waitlist.unwrap_or(changed.waitlist);
        changed.offer_days = self.offer_days.unwrap_or(changed.offer_days);
        changed.roll_call_due_hours = self.roll_call_due_hours.unwrap_or(changed.roll_call_due_hours);
        changed.close_after_hours = self.close_after_hours.unwrap_or(changed.close_after_hours);
        changed.correction_days = self.correction_days.unwrap_or(changed.correction_days);
        changed.holiday_calendar_id = self.holiday_calendar_id.unwrap_or(changed.holiday_calendar_id);
        changed
    }
}

/// The trainees of an intake who are taught together, of one discipline.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Identifiable, Serialize, ToSchema)]
#[diesel(table_name = cohorts, treat_none_as_default_value = false)]
pub struct Cohort {
    pub id: CohortId,
    pub intake_id: IntakeId,
    #[serde(skip)]
    pub program_version_id: ProgramVersionId,
    pub discipline_id: DisciplineId,
    #[schema(example = "MET-1")]
    pub code: Code,
    #[schema(example = "冶金班")]
    pub name: Name,
    /// The class adviser.
    pub adviser_id: Option<PersonId>,
    pub version: i32,
    pub created_at: Instant,
}

/// A cohort to be created.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCohort {
    pub discipline_id: DisciplineId,
    pub code: Code,
    pub name: Name,
    #[serde(default)]
    pub adviser_id: Option<PersonId>,
}

/// A merge patch (RFC 7396).
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CohortPatch {
    #[serde(default, deserialize_with = "given")]
    pub name: Option<Name>,
    /// The class adviser from now on; null is nobody.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    pub adviser_id: Patched<PersonId>,
    /// Why, for the journal.
    #[serde(default)]
    #[schema(example = "on leave until the new year")]
    pub reason: Option<Note>,
}

impl CohortPatch {
    pub(super) fn apply(self, cohort: &Cohort) -> Cohort {
        let mut changed = cohort.clone();
        changed.name = self.name.unwrap_or(changed.name);
        changed.adviser_id = self.adviser_id.unwrap_or(changed.adviser_id);
        changed
    }
}

/// A signed-off change of one intake's module minutes.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Identifiable, Serialize, ToSchema)]
#[diesel(table_name = amendments, treat_none_as_default_value = false)]
pub(super) struct Amendment {
    pub(super) id: AmendmentId,
    pub(super) intake_id: IntakeId,
    #[serde(skip)]
    pub(super) program_version_id: ProgramVersionId,
    pub(super) module_id: ModuleId,
    /// What is added; negative takes away.
    #[schema(example = 180)]
    pub(super) delta_minutes: i32,
    pub(super) reason: Note,
    /// Who signed it off: for the journal.
    #[serde(skip)]
    pub(super) user_id: Option<UserId>,
    pub(super) created_at: Instant,
}

type AmendmentId = Id<Amendment>;

/// An amendment to be made.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAmendment {
    pub(super) module_id: ModuleId,
    pub(super) delta_minutes: i32,
    pub(super) reason: Note,
}

/// Seats of an intake reserved for a sponsor, or for one of its units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SeatQuota {
    pub sponsor_id: OrganizationId,
    /// The unit for which they are; null: for the whole sponsor.
    pub unit_id: Option<OrganizationId>,
    /// Null is no quota of its own: only the intake's capacity, and of a unit the quotas above it, limit who comes.
    pub seats: Option<i32>,
    /// By the sponsor or the unit, and by all below it.
    pub seats_taken: i32,
    pub version: i32,
}

impl SeatQuota {
    /// Whose it is: the sponsor, or the unit.
    pub fn holder(&self) -> OrganizationId {
        self.unit_id.unwrap_or(self.sponsor_id)
    }
}

/// The quota to set.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewQuota {
    /// Null lifts the quota. To be said in any case: a body that forgot it would lift it too.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(minimum = 0, required = true)]
    pub seats: Option<i32>,
}
