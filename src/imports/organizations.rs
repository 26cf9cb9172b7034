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
    let subject = Subject { kind: ImportKind::Organizations, provider: None, intake: None };
    settle(conn, actor, now, subject, (file, options), (plans, unknown), |conn, changes| apply(conn, actor, now, known, changes, options))
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
    let mut effects = Vec::with_capacity(total);
    for (done, change) in (1..).zip(parents_first(changes, &known)) {
        match change {
            Change::Create { code, name, latin_name, kind, parent } => {
                let parent_id = parent.and_then(|parent| known.get(&parent).copied());
                let created = organizations::create(conn, actor, now, NewOrganization { code, name, latin_name, kind, parent_id })?;
                known.insert(created.code, created.id);
                effects.push(Effect::created("organization", created.id, created.version));
            }
            Change::Update { stored, patch } => {
                let changed = organizations::update(conn, actor, None, stored.id, patch)?;
                effects.push(Effect::updated("organization", changed.id, changed.version, &OrganizationBefore::of(*stored))?);
            }
        }
        options.tell("written", done, total);
    }
    Ok(effects)
}
