//! The schedule of an intake.

use std::collections::HashMap;

use super::{
    model::{
        Effect, Entries, File, ImportKind, Options, Report, RowPlan,
        schedule::{Change, Facts, Frame, Row, Stored, plan, read, tell, unchanged},
    },
    pipeline::{Subject, registered, settle},
};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::{self, Conn},
    error::Error,
    intakes::{self, Intake, IntakeId},
    organizations::{self, OrganizationId},
    programs, rooms,
    schedule::{self, SessionId},
    text::Code,
};

/// The intake, if the actor may import a schedule into it.
pub fn may_import_schedule(conn: &mut Conn, actor: &Actor, id: IntakeId) -> Result<Intake, Error> {
    let intake = intakes::find(conn, actor, id)?;
    actor.may(Action::Import)?;
    Ok(intake)
}

/// Schedules the sessions of a file, as drafts or (with `publish`) published at once, and moves those that are there; of these a published
/// one only with a `reason`.
///
/// # Errors
/// 404 for an intake that the actor does not see; 409 `intake_not_live`; 422 `columns_missing`. Rows that are at fault are no error,
/// but in the report.
pub fn import_schedule(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    id: IntakeId,
    file: &File,
    options: &Options,
) -> Result<Report, Error> {
    may_import_schedule(conn, actor, id)?;
    if !options.dry_run {
        db::lock(conn, "intake", id)?;
    }
    // Read again: another transaction may have ended it while this one waited.
    let intake = intakes::find(conn, actor, id)?;
    intake.check_live()?;
    let frame = Frame {
        modules: programs::plan(conn, intake.program_version_id)?.modules,
        cohorts: intakes::cohorts_of(conn, id)?,
        rooms: rooms::of_provider(conn, actor, intake.provider_id)?,
        intake,
    };
    let (entries, unknown) = read(&file.content, &frame)?;
    let facts = facts(conn, actor, &frame.intake, &entries)?;
    let mut plans = plan(entries, &frame, &facts, options);
    let proposal = |plan: &RowPlan<Change>| Some(plan.change.as_ref()?.proposal(plan.report.row, options.publish));
    let proposals = plans.iter().filter_map(proposal).collect();
    let judgement = schedule::judged(conn, actor, now, &frame.intake, proposals, unchanged(&plans, &facts))?;
    let truncated = judgement.truncated;
    tell(&mut plans, judgement, &facts);
    let subject = Subject { kind: ImportKind::Schedule, provider: Some(frame.intake.provider_id), intake: Some(id), session: None };
    let write = |conn: &mut Conn, _, changes| apply(conn, actor, now, id, changes, options);
    let report = settle(conn, actor, now, subject, (file, options), (plans, unknown), write)?;
    Ok(Report { truncated, ..report })
}

fn facts(conn: &mut Conn, actor: &Actor, intake: &Intake, entries: &Entries<Row>) -> Result<Facts, Error> {
    let house: OrganizationId = organizations::find(conn, actor, intake.provider_id)?.root_id;
    let mut numbers: Vec<(OrganizationId, Code)> =
        entries.iter().flatten().flat_map(|entry| &entry.value.instructors).map(|number| (house, number.clone())).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let registered = registered(conn, actor, &numbers)?;
    let usable = registered.into_iter().filter(|(_, known)| known.editable && known.found.person.instructor);
    let instructors = usable.map(|((_, number), known)| (number, known.found.person.id)).collect();
    let stored = schedule::of_intake(conn, intake.id)?;
    let sessions = stored.into_iter().map(|(row, cohorts, instructors)| (row.code.clone(), Stored { row, cohorts, instructors }));
    Ok(Facts { sessions: sessions.collect(), instructors })
}

fn apply(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake: IntakeId,
    changes: Vec<Change>,
    options: &Options,
) -> Result<Vec<Effect>, Error> {
    let total = changes.len();
    let (mut news, mut drafts, mut patches, mut befores) = (Vec::new(), Vec::new(), HashMap::new(), HashMap::new());
    for change in changes {
        match change {
            Change::Create(session) => news.push(session),
            Change::Update { id, patch, before, publish, .. } => {
                patches.extend(patch.map(|patch| (id, *patch)));
                if publish { drafts.push((id, before)) } else { drop(befores.insert(id, before)) }
            }
        }
    }
    let mut effects = Vec::with_capacity(total);
    // What moves away makes room for what is new.
    if !patches.is_empty() {
        for moved in schedule::update_many(conn, actor, now, intake, patches)? {
            if let Some(before) = befores.get(&moved.row.id) {
                effects.push(Effect::updated("session", moved.row.id, moved.row.version, before)?);
            }
        }
    }
    let rows = if news.is_empty() { Vec::new() } else { schedule::create_many(conn, actor, now, intake, news, options.publish)? };
    effects.extend(rows.iter().map(|row| Effect::created("session", row.id, row.version)));
    if !drafts.is_empty() {
        let ids: Vec<SessionId> = drafts.iter().map(|(id, _)| *id).collect();
        let published = schedule::publish(conn, actor, now, intake, &ids)?;
        for (id, before) in &drafts {
            let version = published.iter().find(|row| row.id == *id).map_or(0, |row| row.version);
            effects.push(Effect::updated("session", *id, version, before)?);
        }
    }
    options.tell("written", total, total);
    Ok(effects)
}
