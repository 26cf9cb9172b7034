//! The instructors of a provider.

use super::{
    model::{
        Directory, Effect, File, ImportKind, Options, Report,
        instructors::{Change, plan, read},
    },
    pipeline::{Subject, amend, registered, settle},
};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::{self, Conn},
    error::Error,
    organizations::{self, Organization, OrganizationId},
    people::{self, PersonKind},
};

/// The provider, if the actor may import instructors for it.
pub fn may_import_instructors(conn: &mut Conn, actor: &Actor, provider: OrganizationId) -> Result<Organization, Error> {
    organizations::check_provider(conn, actor, provider)?;
    let provider = organizations::find(conn, actor, provider)?;
    actor.may_beyond_intakes(Action::Import)?;
    Ok(provider)
}

/// Records the instructors of a file, and corrects those whom the register knows.
///
/// # Errors
/// 404 for a provider out of the actor's scope; 422 `columns_missing` and its like. Rows that are at fault are no error, but in the report.
pub fn import_instructors(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    provider: OrganizationId,
    file: &File,
    options: &Options,
) -> Result<Report, Error> {
    let provider = may_import_instructors(conn, actor, provider)?;
    if !options.dry_run {
        db::lock(conn, "people", provider.root_id)?;
    }
    let directory = Directory::of(organizations::all(conn, actor)?);
    let (entries, unknown) = read(&file.content, &directory, &provider)?;
    let pairs: Vec<_> = entries.iter().flatten().map(|entry| entry.value.key()).collect();
    let registered = registered(conn, actor, &pairs)?;
    let plans = plan(entries, &directory, &registered);
    let subject = Subject { kind: ImportKind::Instructors, provider: Some(provider.id), intake: None, session: None };
    settle(conn, actor, now, subject, (file, options), (plans, unknown), |conn, _, changes| {
        apply(conn, actor, now, provider.id, changes, options)
    })
}

fn apply(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    provider: OrganizationId,
    changes: Vec<Change>,
    options: &Options,
) -> Result<Vec<Effect>, Error> {
    let (mut news, mut amended) = (Vec::new(), Vec::new());
    let total = changes.len();
    for change in changes {
        match change {
            Change::Record(said) => news.push(said.new_person(provider)),
            Change::Amend(known) => amended.push(*known),
        }
    }
    let mut effects = amend(conn, actor, amended, None)?;
    if !news.is_empty() {
        let ids = people::register_many(conn, actor, now, provider, PersonKind::Instructor, news)?;
        effects.extend(ids.into_iter().map(|id| Effect::created("person", id, 1)));
    }
    options.tell("written", total, total);
    Ok(effects)
}
