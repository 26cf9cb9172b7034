//! The tables of programs, and who sees which of them.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::{
    content::NewProgramVersion,
    model::{
        AttendanceRule, Discipline, LIFE_CYCLE, Module, NewProgram, Plan, Program, ProgramId, ProgramPatch, ProgramVersion,
        ProgramVersionId, VersionDocument, VersionState,
    },
};
use crate::{
    access::{Action, Actor, Scope, shown},
    clock::Instant,
    db::{CHUNK, Conn, MultiBackend, for_backend, lock},
    error::Error,
    http::{Caller, Change, ETag},
    id::Id,
    journal::NewEntry,
    organizations::{OrganizationId, below, check_provider},
    schedule::SessionState,
    schema::{cohorts, disciplines, enrollments, intakes, modules, program_versions, programs, session_instructors, sessions},
    text::Code,
};

/// The versions that the intakes in the actor's scope run, or those of a narrowed token; none given if intakes do not matter,
/// for a provider sees its programs as such. Loaded, because a boxed query of both databases cannot be part of another one; intakes in
/// sight are few.
fn run_versions(conn: &mut Conn, actor: &Actor) -> Result<Option<Vec<ProgramVersionId>>, Error> {
    let all = intakes::table.select(intakes::program_version_id).distinct().into_boxed();
    let seen = match actor.scope() {
        Scope::Everything | Scope::Provider(_) if actor.only_intakes().is_none() => return Ok(None),
        Scope::Everything => all,
        Scope::Provider(provider) => all.filter(intakes::provider_id.eq_any(below(provider))),
        Scope::Sponsor(partner, at) => all.filter(shown!(intakes::id, partner, at)),
        Scope::Adviser(person, provider) => {
            let advised = cohorts::table.filter(cohorts::adviser_id.eq(person)).select(cohorts::intake_id);
            all.filter(intakes::provider_id.eq_any(below(provider))).filter(intakes::id.eq_any(advised))
        }
        Scope::Teacher(person, provider) => {
            let own = session_instructors::table.filter(session_instructors::person_id.eq(person)).select(session_instructors::session_id);
            let taught = sessions::table
                .filter(sessions::id.eq_any(own))
                .filter(sessions::state.ne(SessionState::Draft))
                .select(sessions::intake_id);
            all.filter(intakes::provider_id.eq_any(below(provider))).filter(intakes::id.eq_any(taught))
        }
        Scope::Own(person, provider) => {
            let own = enrollments::table.filter(enrollments::person_id.eq(person)).select(enrollments::intake_id);
            all.filter(intakes::provider_id.eq_any(below(provider))).filter(intakes::id.eq_any(own))
        }
    };
    let seen = match actor.only_intakes() {
        Some(only) => seen.filter(intakes::id.eq_any(only)),
        None => seen,
    };
    Ok(Some(seen.load(conn)?))
}

/// The programs in the actor's scope.
fn visible(conn: &mut Conn, actor: &Actor) -> Result<programs::BoxedQuery<'static, MultiBackend>, Error> {
    let mut query = programs::table.into_boxed();
    if let Scope::Provider(provider) = actor.scope() {
        query = query.filter(programs::provider_id.eq_any(below(provider)));
    }
    if let Some(run) = run_versions(conn, actor)? {
        let versions = program_versions::table.filter(program_versions::id.eq_any(run));
        query = query.filter(programs::id.eq_any(versions.select(program_versions::program_id)));
    }
    Ok(query)
}

/// The versions in the actor's scope: all of a provider's programs; to everybody else only those that are run.
fn visible_versions(conn: &mut Conn, actor: &Actor) -> Result<program_versions::BoxedQuery<'static, MultiBackend>, Error> {
    let mut query = program_versions::table.into_boxed();
    if let Scope::Provider(provider) = actor.scope() {
        let own = programs::table.filter(programs::provider_id.eq_any(below(provider))).select(programs::id);
        query = query.filter(program_versions::program_id.eq_any(own));
    }
    if let Some(run) = run_versions(conn, actor)? {
        query = query.filter(program_versions::id.eq_any(run));
    }
    Ok(query)
}

/// The programs after `cursor`, by id.
pub fn list(conn: &mut Conn, actor: &Actor, cursor: Option<ProgramId>, limit: i64) -> Result<Vec<Program>, Error> {
    actor.may(Action::ReadPrograms)?;
    let mut query = visible(conn, actor)?.order(programs::id).limit(limit).select(Program::as_select());
    if let Some(cursor) = cursor {
        query = query.filter(programs::id.gt(cursor));
    }
    Ok(query.load(conn)?)
}

/// One program.
pub fn find(conn: &mut Conn, actor: &Actor, id: ProgramId) -> Result<Program, Error> {
    let program = visible(conn, actor)?.filter(programs::id.eq(id)).select(Program::as_select()).first(conn)?;
    actor.may(Action::ReadPrograms)?;
    Ok(program)
}

/// The provider's program with this code, if the actor sees it.
pub fn by_code(conn: &mut Conn, actor: &Actor, provider: OrganizationId, code: &Code) -> Result<Option<Program>, Error> {
    let query = visible(conn, actor)?.filter(programs::provider_id.eq(provider)).filter(programs::code.eq(code.clone()));
    Ok(query.select(Program::as_select()).first(conn).optional()?)
}

/// Creates a program, without a version yet, at `new.provider_id` or the actor's own organization.
///
/// # Errors
/// 404 if the provider is not in the actor's scope; 409 `already_exists` if the provider has a program with this code.
pub fn create(conn: &mut Conn, actor: &Actor, now: Instant, new: NewProgram) -> Result<Program, Error> {
    let provider = new.provider_id.or(actor.organization_id());
    if let Some(provider) = provider {
        check_provider(conn, actor, provider)?;
    }
    actor.may_beyond_intakes(Action::WritePrograms)?;
    let provider_id =
        provider.ok_or_else(|| Error::invalid("/provider_id", "provider_missing", "say which provider teaches it; you act for none"))?;
    let (code, name, latin_name) = (new.code, new.name, new.latin_name);
    let program = Program { id: Id::generate(), provider_id, code, name, latin_name, version: 1, created_at: now };
    diesel::insert_into(programs::table).values(&program).execute(conn)?;
    actor.record(NewEntry::of("program.created", "program", program.id).provider(provider_id).to(&program));
    Ok(program)
}

/// Applies a patch under `If-Match`.
pub fn update(conn: &mut Conn, actor: &Actor, caller: &Caller, id: ProgramId, patch: ProgramPatch) -> Result<Program, Error> {
    let stored = find(conn, actor, id)?;
    actor.may_beyond_intakes(Action::WritePrograms)?;
    let mut changed = patch.apply(&stored);
    caller.check_if_match(&ETag::version(stored.version), changed != stored)?;
    if changed == stored {
        return Ok(stored);
    }
    changed.version += 1;
    let updated = diesel::update(programs::table.filter(programs::id.eq(id)).filter(programs::version.eq(stored.version)))
        .set(&changed)
        .execute(conn)?;
    if updated == 0 {
        return Err(Error::Stale);
    }
    actor.record(NewEntry::of("program.updated", "program", id).provider(stored.provider_id).from(&stored).to(&changed));
    Ok(changed)
}

/// The versions of one program after `cursor`, by id, without their content.
pub fn versions(
    conn: &mut Conn,
    actor: &Actor,
    program: ProgramId,
    cursor: Option<ProgramVersionId>,
    limit: i64,
) -> Result<Vec<ProgramVersion>, Error> {
    find(conn, actor, program)?;
    let mut query = visible_versions(conn, actor)?
        .filter(program_versions::program_id.eq(program))
        .order(program_versions::id)
        .limit(limit)
        .select(ProgramVersion::as_select());
    if let Some(cursor) = cursor {
        query = query.filter(program_versions::id.gt(cursor));
    }
    Ok(query.load(conn)?)
}

/// What a version says of attendance.
pub fn attendance_rule(conn: &mut Conn, id: ProgramVersionId) -> Result<AttendanceRule, Error> {
    let rule = (program_versions::authorized_absence_counts, program_versions::minimum_attendance_percent);
    Ok(program_versions::table.find(id).select(rule).first(conn)?)
}

/// One version with its content.
pub fn version(conn: &mut Conn, actor: &Actor, id: ProgramVersionId) -> Result<VersionDocument, Error> {
    let row = row(conn, actor, id)?;
    actor.may(Action::ReadPrograms)?;
    Ok(content(conn, row)?.document())
}

fn row(conn: &mut Conn, actor: &Actor, id: ProgramVersionId) -> Result<ProgramVersion, Error> {
    let query = visible_versions(conn, actor)?.filter(program_versions::id.eq(id));
    Ok(query.select(ProgramVersion::as_select()).first(conn)?)
}

/// The rows of a version, whoever asks: for rooms that hold an intake which the actor sees.
pub fn plan(conn: &mut Conn, id: ProgramVersionId) -> Result<Plan, Error> {
    let version = program_versions::table.filter(program_versions::id.eq(id)).select(ProgramVersion::as_select()).first(conn)?;
    content(conn, version)
}

fn content(conn: &mut Conn, version: ProgramVersion) -> Result<Plan, Error> {
    let disciplines = disciplines::table
        .filter(disciplines::program_version_id.eq(version.id))
        .order(disciplines::position)
        .select(Discipline::as_select())
        .load(conn)?;
    let modules = modules::table
        .filter(modules::program_version_id.eq(version.id))
        .order(modules::position)
        .select(Module::as_select())
        .load(conn)?;
    Ok(Plan { version, disciplines, modules })
}

/// Creates a draft of the program's next version.
///
/// # Errors
/// 404 for the program; 422 for what [`NewProgramVersion::faults`] finds.
pub fn create_version(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    program: ProgramId,
    new: NewProgramVersion,
) -> Result<VersionDocument, Error> {
    let program = find(conn, actor, program)?;
    actor.may_beyond_intakes(Action::WritePrograms)?;
    Error::unless_valid(new.faults())?;
    lock(conn, "program", program.id)?;
    let last: Option<i32> = program_versions::table
        .filter(program_versions::program_id.eq(program.id))
        .order(program_versions::number.desc())
        .select(program_versions::number)
        .first(conn)
        .optional()?;
    let plan = new.planned(ProgramVersion {
        id: Id::generate(),
        program_id: program.id,
        number: last.unwrap_or(0) + 1,
        state: VersionState::Draft,
        total_minutes: 0,
        minutes_per_hour: 0,
        authorized_absence_counts: true,
        minimum_attendance_percent: None,
        version: 1,
        created_at: now,
    });
    diesel::insert_into(program_versions::table).values(&plan.version).execute(conn)?;
    insert_content(conn, &plan)?;
    let document = plan.document();
    let entry = NewEntry::of("program_version.created", "program_version", document.row.id);
    actor.record(entry.provider(program.provider_id).to(&document));
    Ok(document)
}

fn insert_content(conn: &mut Conn, plan: &Plan) -> Result<(), Error> {
    for chunk in plan.disciplines.chunks(CHUNK) {
        for_backend!(conn, |c| diesel::insert_into(disciplines::table).values(chunk).execute(c))?;
    }
    for chunk in plan.modules.chunks(CHUNK) {
        for_backend!(conn, |c| diesel::insert_into(modules::table).values(chunk).execute(c))?;
    }
    Ok(())
}

/// The codes of the disciplines that there are in the programs of a house, drafts among them: of these, or all.
pub fn discipline_codes(conn: &mut Conn, house: OrganizationId, these: Option<Vec<Code>>) -> Result<BTreeSet<Code>, Error> {
    let own = program_versions::table.inner_join(programs::table.on(programs::id.eq(program_versions::program_id)));
    let own = own.filter(programs::provider_id.eq_any(below(house))).select(program_versions::id);
    let codes = disciplines::table.select(disciplines::code).distinct().into_boxed();
    let codes = codes.filter(disciplines::program_version_id.eq_any(own));
    let codes = match these {
        Some(these) => codes.filter(disciplines::code.eq_any(these)),
        None => codes,
    };
    Ok(codes.load::<Code>(conn)?.into_iter().collect())
}

/// Replaces the content of a draft under `If-Match`. Its disciplines and modules get new ids: nothing refers to those of a draft.
///
/// # Errors
/// 409 `version_confirmed` unless it is a draft; 422 for what [`NewProgramVersion::faults`] finds.
pub fn replace_version(
    conn: &mut Conn,
    actor: &Actor,
    caller: &Caller,
    id: ProgramVersionId,
    new: NewProgramVersion,
) -> Result<VersionDocument, Error> {
    let (stored, provider) = held(conn, actor, id)?;
    Error::unless_valid(new.faults())?;
    let before = stored.document();
    let alters = before.content() != new;
    caller.check_if_match(&ETag::version(before.row.version), alters)?;
    if !alters {
        return Ok(before);
    }
    if before.row.state != VersionState::Draft {
        let detail = format!("the version is {}; only a draft can be changed", before.row.state);
        return Err(Error::conflict("version_confirmed", detail));
    }
    diesel::delete(modules::table.filter(modules::program_version_id.eq(id))).execute(conn)?;
    diesel::delete(disciplines::table.filter(disciplines::program_version_id.eq(id))).execute(conn)?;
    let row = ProgramVersion { version: before.row.version + 1, ..before.row.clone() };
    let plan = new.planned(row);
    diesel::update(program_versions::table.filter(program_versions::id.eq(id))).set(&plan.version).execute(conn)?;
    insert_content(conn, &plan)?;
    let after = plan.document();
    actor.record(NewEntry::of("program_version.updated", "program_version", id).provider(provider).from(&before).to(&after));
    Ok(after)
}

/// Confirms a draft; from then on it never changes.
///
/// # Errors
/// 409 `illegal_transition` unless it is a draft; 409 `hours_do_not_add_up` with both sums.
pub fn confirm(conn: &mut Conn, actor: &Actor, id: ProgramVersionId, change: &Change) -> Result<VersionDocument, Error> {
    let (stored, provider) = held(conn, actor, id)?;
    stored.check_confirmable()?;
    step(conn, actor, (stored, provider), ("program_version.confirmed", VersionState::Confirmed), change)
}

/// Retires a confirmed version.
///
/// # Errors
/// 409 `illegal_transition` unless it is confirmed.
pub fn retire(conn: &mut Conn, actor: &Actor, id: ProgramVersionId, change: &Change) -> Result<VersionDocument, Error> {
    let (stored, provider) = held(conn, actor, id)?;
    LIFE_CYCLE.after("the version", stored.version.state, "retire", None)?;
    step(conn, actor, (stored, provider), ("program_version.retired", VersionState::Retired), change)
}

/// A version that the actor sees and may write, held until the transaction ends, and its provider.
fn held(conn: &mut Conn, actor: &Actor, id: ProgramVersionId) -> Result<(Plan, OrganizationId), Error> {
    // Before it is read, so that two changes of one version see each other.
    lock(conn, "program_version", id)?;
    let row = row(conn, actor, id)?;
    actor.may_beyond_intakes(Action::WritePrograms)?;
    let provider = programs::table.filter(programs::id.eq(row.program_id)).select(programs::provider_id).first(conn)?;
    Ok((content(conn, row)?, provider))
}

fn step(
    conn: &mut Conn,
    actor: &Actor,
    (stored, provider): (Plan, OrganizationId),
    (action, to): (&'static str, VersionState),
    change: &Change,
) -> Result<VersionDocument, Error> {
    let before = stored.version.clone();
    let after = ProgramVersion { state: to, version: before.version + 1, ..before.clone() };
    diesel::update(program_versions::table.filter(program_versions::id.eq(before.id)))
        .set((program_versions::state.eq(after.state), program_versions::version.eq(after.version)))
        .execute(conn)?;
    let reason = change.reason.as_ref().map(|reason| reason.as_str());
    actor.record(NewEntry::of(action, "program_version", before.id).provider(provider).from(&before).to(&after).because(reason));
    Ok(Plan { version: after, ..stored }.document())
}
