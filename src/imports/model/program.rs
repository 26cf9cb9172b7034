//! A program file: a program, one version of it and, if it says so, an intake with cohorts and seat quotas. JSON, not a table.

use chrono::NaiveDate;
use serde::Deserialize;

use super::{Reason, RowChange, RowPlan, Verdict};
use crate::{
    intakes::{CohortRow, Intake, NewIntake, SeatQuota, SessionMode},
    organizations::OrganizationId,
    programs::{NewProgramVersion, Program, ProgramVersionId},
    text::{Code, Name, listed},
    zone::Zone,
};

/// What the file holds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramFile {
    pub program: ProgramPart,
    pub version: NewProgramVersion,
    #[serde(default)]
    pub intake: Option<IntakePart>,
}

/// A program, at a provider named by its code.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramPart {
    pub provider: Code,
    pub code: Code,
    pub name: Name,
    #[serde(default)]
    pub latin_name: Option<Name>,
}

/// An intake of the version.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntakePart {
    pub code: Code,
    pub name: Name,
    #[serde(default)]
    pub phase: Option<i32>,
    pub time_zone: Zone,
    pub opens_on: NaiveDate,
    pub closes_on: NaiveDate,
    pub mode: SessionMode,
    #[serde(default)]
    pub capacity: Option<i32>,
    #[serde(default)]
    pub cohorts: Vec<CohortPart>,
    #[serde(default)]
    pub seat_quotas: Vec<QuotaPart>,
}

/// A cohort, of a discipline named by its code.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CohortPart {
    pub code: Code,
    pub name: Name,
    pub discipline: Code,
}

/// Seats for a sponsor named by its code.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuotaPart {
    pub sponsor: Code,
    pub seats: i32,
}

impl IntakePart {
    pub(in crate::imports) fn new_intake(&self, program_version_id: ProgramVersionId) -> NewIntake {
        NewIntake {
            program_version_id,
            code: self.code.clone(),
            name: self.name.clone(),
            phase: self.phase,
            time_zone: self.time_zone,
            opens_on: self.opens_on,
            closes_on: self.closes_on,
            mode: self.mode,
            capacity: self.capacity,
            waitlist: false,
            offer_days: None,
            roll_call_due_hours: None,
            close_after_hours: None,
            correction_days: NewIntake::CORRECTION_DAYS,
            predecessor_id: None,
            holiday_calendar_id: None,
            opening_approval_required: false,
        }
    }
}

/// What stands in the register already.
#[derive(Clone, Debug, Default)]
pub(in crate::imports) struct Facts {
    pub(in crate::imports) program: Option<Program>,
    /// The confirmed version with the very content of the file, and a draft of it.
    pub(in crate::imports) confirmed: Option<ProgramVersionId>,
    pub(in crate::imports) draft: Option<ProgramVersionId>,
    /// The provider's intake of this code.
    pub(in crate::imports) intake: Option<Intake>,
    pub(in crate::imports) cohorts: Vec<CohortRow>,
    pub(in crate::imports) quotas: Vec<SeatQuota>,
    /// The sponsors of the file that exist, by code.
    pub(in crate::imports) sponsors: Vec<(Code, OrganizationId)>,
}

/// What is written, in this order.
#[derive(Clone, Debug)]
pub(in crate::imports) enum Change {
    Program,
    Version,
    Intake,
    Cohort(CohortPart),
    Quota(OrganizationId, i32),
}

/// Collects the parts of a file as rows, numbered from 1.
struct Parts(Vec<RowPlan<Change>>);

impl Parts {
    fn next(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    fn push(&mut self, key: &str, verdict: Verdict, change: Option<Change>) {
        self.0.push(RowPlan::of(self.next(), key, verdict, Vec::new(), change));
    }

    fn doubt(&mut self, key: &str, verdict: Verdict, reason: Reason) {
        self.0.push(RowPlan::at_fault(self.next(), key, verdict, reason));
    }
}

/// What becomes of each part of the file.
pub(in crate::imports) fn plan(file: &ProgramFile, facts: &Facts) -> Vec<RowPlan<Change>> {
    let mut parts = Parts(Vec::new());
    let key = format!("program {}", file.program.code);
    match &facts.program {
        None => parts.push(&key, Verdict::Create, Some(Change::Program)),
        Some(stored) if (&stored.name, &stored.latin_name) != (&file.program.name, &file.program.latin_name) => {
            let detail = format!("the program is called {} already; rename it there, or use another code", stored.name);
            parts.doubt(&key, Verdict::NeedsReview, Reason::of("program", "program_differs", detail));
        }
        Some(_) => parts.push(&key, Verdict::Unchanged, None),
    }
    match facts.confirmed {
        Some(_) => parts.push("version", Verdict::Unchanged, None),
        None => parts.push("version", Verdict::Create, Some(Change::Version)),
    }
    if let Some(intake) = &file.intake {
        plan_intake(&mut parts, file, intake, facts);
    }
    parts.0
}

fn plan_intake(parts: &mut Parts, file: &ProgramFile, intake: &IntakePart, facts: &Facts) {
    let key = format!("intake {}", intake.code);
    match &facts.intake {
        None => parts.push(&key, Verdict::Create, Some(Change::Intake)),
        Some(stored) => match differing(intake, stored, facts) {
            fields if fields.is_empty() => parts.push(&key, Verdict::Unchanged, None),
            fields => {
                let detail = format!("the intake is there already and differs in {}; change it there", fields.join(", "));
                parts.doubt(&key, Verdict::NeedsReview, Reason::of("intake", "intake_differs", detail));
            }
        },
    }
    for cohort in &intake.cohorts {
        let key = format!("cohort {}", cohort.code);
        let known = file.version.disciplines.iter().any(|one| one.code == cohort.discipline);
        if facts.cohorts.iter().any(|one| one.code == cohort.code) {
            parts.push(&key, Verdict::Unchanged, None);
        } else if known {
            parts.push(&key, Verdict::Create, Some(Change::Cohort(cohort.clone())));
        } else {
            let known = listed(file.version.disciplines.iter().map(|one| one.code.as_str()));
            let detail = format!("the version has no discipline {}; it has {known}", cohort.discipline);
            parts.doubt(&key, Verdict::Invalid, Reason::of("discipline", "unknown_discipline", detail));
        }
    }
    for quota in &intake.seat_quotas {
        plan_quota(parts, quota, facts);
    }
}

fn plan_quota(parts: &mut Parts, quota: &QuotaPart, facts: &Facts) {
    let key = format!("seats of {}", quota.sponsor);
    let Some((_, sponsor)) = facts.sponsors.iter().find(|(code, _)| *code == quota.sponsor) else {
        let reason = Reason::of("sponsor", "unknown_organization", format!("there is no organization {}", quota.sponsor));
        return parts.doubt(&key, Verdict::Invalid, reason);
    };
    let change = Some(Change::Quota(*sponsor, quota.seats));
    match facts.quotas.iter().find(|one| one.holder() == *sponsor).and_then(|one| one.seats) {
        None => parts.push(&key, Verdict::Create, change),
        Some(seats) if seats == quota.seats => parts.push(&key, Verdict::Unchanged, None),
        Some(seats) => {
            let what = vec![RowChange::new("seats", Some(seats), Some(quota.seats))];
            let row = RowPlan::of(parts.next(), &key, Verdict::Update, what, change);
            parts.0.push(row);
        }
    }
}

/// The fields in which a stored intake is not what the file says.
fn differing(said: &IntakePart, stored: &Intake, facts: &Facts) -> Vec<&'static str> {
    let checks = [
        ("version", facts.confirmed != Some(stored.program_version_id)),
        ("name", said.name != stored.name),
        ("phase", said.phase != stored.phase),
        ("time_zone", said.time_zone != stored.time_zone),
        ("opens_on", said.opens_on != stored.opens_on),
        ("closes_on", said.closes_on != stored.closes_on),
        ("mode", said.mode != stored.mode),
        ("capacity", said.capacity != stored.capacity),
    ];
    checks.into_iter().filter(|(_, differs)| *differs).map(|(field, _)| field).collect()
}
