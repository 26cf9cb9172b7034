//! A program, one version of it, and an intake.

use super::{
    model::{
        Effect, File, ImportKind, Options, Report,
        program::{Change, Facts, ProgramFile, plan},
    },
    pipeline::{Subject, settle},
};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::{self, Conn},
    error::{Error, FieldFault},
    http,
    intakes::{self, IntakeId, IntakeTransition, NewCohort},
    organizations::{self, OrganizationId},
    programs::{self, NewProgram, NewProgramVersion, ProgramId, ProgramVersionId, VersionState},
};

/// More versions than a program ever has.
const VERSIONS: i64 = 500;

/// Creates what the file holds and is not there yet: the program, a confirmed version of this very content, the intake open for
/// enrollment, its cohorts and seat quotas.
///
/// # Errors
/// 404 for a provider out of the actor's scope; 409 `hours_do_not_add_up`; 422 for a wrong version or an unknown provider.
pub fn import_program(conn: &mut Conn, actor: &Actor, now: Instant, file: &File<ProgramFile>, options: &Options) -> Result<Report, Error> {
    let code = &file.content.program.provider;
    let provider = organizations::by_code(conn, actor, code)?
        .ok_or_else(|| Error::invalid("/program/provider", "unknown_organization", format!("there is no organization {code}")))?;
    organizations::check_provider(conn, actor, provider.id)?;
    actor.may_beyond_intakes(Action::Import)?;
    check_version(&file.content.version)?;
    if !options.dry_run {
        db::lock(conn, "programs", provider.id)?;
    }
    let facts = facts(conn, actor, provider.id, &file.content)?;
    let plans = plan(&file.content, &facts);
    let intake = facts.intake.as_ref().map(|intake| intake.id);
    let subject = Subject { kind: ImportKind::Program, provider: Some(provider.id), intake, session: None };
    settle(conn, actor, now, subject, (file, options), (plans, Vec::new()), |conn, _, changes| {
        let count = changes.len();
        let mut setting = Setting {
            provider: provider.id,
            program: facts.program.as_ref().map(|program| program.id),
            draft: facts.draft,
            version: facts.confirmed,
            intake,
            effects: Vec::with_capacity(count),
        };
        for (done, change) in (1..).zip(changes) {
            setting.apply(conn, actor, now, &file.content, change)?;
            options.tell("written", done, count);
        }
        Ok(setting.effects)
    })
}

fn check_version(version: &NewProgramVersion) -> Result<(), Error> {
    let below = |fault: FieldFault| FieldFault { pointer: format!("/version{}", fault.pointer), ..fault };
    Error::unless_valid(version.faults().into_iter().map(below).collect())?;
    let planned: i64 = version.modules.iter().map(|module| i64::from(module.planned_minutes)).sum();
    if planned == i64::from(version.total_minutes) {
        return Ok(());
    }
    let detail = format!("the modules' planned minutes add up to {planned}, but the version's total is {}", version.total_minutes);
    Err(Error::conflict("hours_do_not_add_up", detail))
}

fn facts(conn: &mut Conn, actor: &Actor, provider: OrganizationId, file: &ProgramFile) -> Result<Facts, Error> {
    let program = programs::by_code(conn, actor, provider, &file.program.code)?;
    let mut facts = Facts::default();
    if let Some(program) = &program {
        for row in programs::versions(conn, actor, program.id, None, VERSIONS)? {
            let same = row.state != VersionState::Retired && programs::version(conn, actor, row.id)?.content() == file.version;
            match row.state {
                VersionState::Confirmed if same => facts.confirmed = Some(row.id),
                VersionState::Draft if same => facts.draft = Some(row.id),
                _ => {}
            }
        }
    }
    facts.program = program;
    let Some(part) = &file.intake else {
        return Ok(facts);
    };
    facts.intake = intakes::by_code(conn, actor, &part.code)?.filter(|intake| intake.provider_id == provider);
    if let Some(intake) = &facts.intake {
        facts.cohorts = intakes::cohorts_of(conn, intake.id)?;
        facts.quotas = intakes::quotas_of(conn, actor, intake.id)?;
    }
    for quota in &part.seat_quotas {
        let sponsor = organizations::by_code(conn, actor, &quota.sponsor)?;
        facts.sponsors.extend(sponsor.map(|sponsor| (sponsor.code, sponsor.id)));
    }
    Ok(facts)
}

/// What is set up so far.
struct Setting {
    provider: OrganizationId,
    program: Option<ProgramId>,
    draft: Option<ProgramVersionId>,
    version: Option<ProgramVersionId>,
    intake: Option<IntakeId>,
    effects: Vec<Effect>,
}

impl Setting {
    fn apply(&mut self, conn: &mut Conn, actor: &Actor, now: Instant, file: &ProgramFile, change: Change) -> Result<(), Error> {
        let lost = || Error::internal("a part of the file is written before what it belongs to");
        match change {
            Change::Program => {
                let part = file.program.clone();
                let new = NewProgram { provider_id: Some(self.provider), code: part.code, name: part.name, latin_name: part.latin_name };
                let program = programs::create(conn, actor, now, new)?;
                self.effects.push(Effect::created("program", program.id, program.version));
                self.program = Some(program.id);
            }
            Change::Version => {
                let draft = match self.draft {
                    Some(draft) => draft,
                    None => programs::create_version(conn, actor, now, self.program.ok_or_else(lost)?, file.version.clone())?.row.id,
                };
                let version = programs::confirm(conn, actor, draft, &http::Change::default())?;
                self.effects.push(Effect::created("program_version", draft, version.row.version));
                self.version = Some(draft);
            }
            Change::Intake => {
                let part = file.intake.as_ref().ok_or_else(lost)?;
                let intake = intakes::create(conn, actor, now, part.new_intake(self.version.ok_or_else(lost)?))?;
                let step = IntakeTransition::OpenEnrollment;
                let intake = intakes::transition(conn, actor, now, intake.id, step, &http::Change::default())?;
                self.effects.push(Effect::created("intake", intake.id, intake.version));
                self.intake = Some(intake.id);
            }
            Change::Cohort(part) => {
                let version = self.version.ok_or_else(lost)?;
                let disciplines = programs::plan(conn, version)?.disciplines;
                let discipline = disciplines.iter().find(|one| one.code == part.discipline).ok_or_else(lost)?;
                let new = NewCohort { discipline_id: discipline.id, code: part.code, name: part.name, adviser_id: None };
                let cohort = intakes::create_cohort(conn, actor, now, self.intake.ok_or_else(lost)?, new)?;
                self.effects.push(Effect::created("cohort", cohort.id, cohort.version));
            }
            Change::Quota(sponsor, seats) => {
                intakes::set_quota(conn, actor, now, None, (self.intake.ok_or_else(lost)?, sponsor), Some(seats))?;
            }
        }
        Ok(())
    }
}
