//! Organizations and their units.

use std::collections::HashMap;

use super::{
    model::{
        Directory, Effect, File, ImportKind, Options, Report,
        organizations::{Change, OrganizationBefore, parents_first, plan, read},
    },
    pipeline::{Subject, settle},
};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::{self, Conn},
    error::Error,
    id::Id,
    organizations::{self, NewOrganization, OrganizationId},
    text::Code,
};

pub fn may_import_organizations(actor: &Actor) -> Result<(), Error> {
    actor.may_beyond_intakes(Action::WriteOrganizations)
}

/// Creates the organizations of a file, in any order, and corrects those that are there.
///
/// # Errors
/// 422 `columns_missing`. Rows that are at fault are no error, but in the report.
pub fn import_organizations(conn: &mut Conn, actor: &Actor, now: Instant, file: &File, options: &Options) -> Result<Report, Error> {
    may_import_organizations(actor)?;
    if !options.dry_run {
        db::lock(conn, "organizations", "import")?;
    }
    let all = organizations::all(conn, actor)?;
    let known: HashMap<Code, OrganizationId> = all.iter().map(|one| (one.code.clone(), one.id)).collect();
    let directory = Directory::of(all);
    let (entries, unknown) = read(&file.content)?;
    let plans = plan(entries, &directory);
    let subject = Subject { kind: ImportKind::Organizations, provider: None, intake: None, session: None };
    settle(conn, actor, now, subject, (file, options), (plans, unknown), |conn, _, changes| {
        apply(conn, actor, now, known, changes, options)
    })
}

fn apply(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    mut known: HashMap<Code, OrganizationId>,
    changes: Vec<Change>,
    options: &Options,
) -> Result<Vec<Effect>, Error> {
    let total = changes.len();
    let (mut news, mut patches, mut befores) = (Vec::new(), Vec::new(), Vec::new());
    for change in parents_first(changes, &known) {
        match change {
            Change::Create { code, name, latin_name, kind, parent } => {
                let (id, parent_id) = (Id::generate(), parent.and_then(|parent| known.get(&parent).copied()));
                known.insert(code.clone(), id);
                news.push((id, NewOrganization { code, name, latin_name, kind, parent_id }));
            }
            Change::Update { stored, patch } => {
                befores.push(OrganizationBefore::of(&stored));
                patches.push((*stored, patch));
            }
        }
    }
    let mut effects = Vec::with_capacity(total);
    let created = organizations::create_many(conn, actor, now, news)?;
    effects.extend(created.iter().map(|one| Effect::created("organization", one.id, one.version)));
    let changed = organizations::update_many(conn, actor, patches)?;
    for (one, before) in changed.iter().zip(&befores) {
        effects.push(Effect::updated("organization", one.id, one.version, before)?);
    }
    options.tell("written", total, total);
    Ok(effects)
}
