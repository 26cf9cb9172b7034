//! The tables of organizations. The tree below an organization is kept by a trigger.

use std::collections::{BTreeSet, HashMap};

use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Integer, Nullable, Text},
};

use super::model::{NewOrganization, Organization, OrganizationId, OrganizationKind, OrganizationPatch};
use crate::{
    access::{Action, Actor, Scope, shown_to},
    clock::Instant,
    db::{self, CHUNK, Conn, MultiBackend, for_backend, types::Uid},
    error::Error,
    http::{Caller, ETag},
    id::Id,
    journal::NewEntry,
    schema::{affiliations, organization_tree, organizations},
    text::Code,
};

/// The ids of `root` and of everything below it, for the filters of every room.
#[diesel::dsl::auto_type]
pub fn below(root: OrganizationId) -> _ {
    organization_tree::table.filter(organization_tree::ancestor_id.eq(root)).select(organization_tree::descendant_id)
}

/// The organizations in the actor's scope. Who sets programs up sees the directory; everybody else their own house, and a partner what is
/// disclosed to it.
fn visible(actor: &Actor) -> organizations::BoxedQuery<'static, MultiBackend> {
    let all = organizations::table.into_boxed();
    match actor.scope() {
        Scope::Everything | Scope::Provider(_) => all,
        Scope::Sponsor(partner, at) => all.filter(organizations::id.eq_any(shown_to(partner, at))),
        Scope::Adviser(person, _) | Scope::Teacher(person, _) | Scope::Own(person, _) => all
            .filter(organizations::id.eq_any(affiliations::table.filter(affiliations::person_id.eq(person)).select(affiliations::unit_id))),
    }
}

/// A provider acts for itself and its units. To a role that is no provider's the policy says no, not the scope.
///
/// # Errors
/// 404 if `provider` is missing or not in the actor's scope.
pub fn check_provider(conn: &mut Conn, actor: &Actor, provider: OrganizationId) -> Result<(), Error> {
    let named = organizations::table.filter(organizations::id.eq(provider)).select(organizations::id);
    let found: Option<OrganizationId> = match actor.scope() {
        Scope::Everything => named.first(conn).optional()?,
        Scope::Provider(own) => named.filter(organizations::id.eq_any(below(own))).first(conn).optional()?,
        Scope::Sponsor(..) | Scope::Adviser(..) | Scope::Teacher(..) | Scope::Own(..) => return Ok(()),
    };
    found.map(drop).ok_or(Error::NotFound)
}

/// The organizations after `cursor`, by id.
pub fn list(conn: &mut Conn, actor: &Actor, cursor: Option<OrganizationId>, limit: i64) -> Result<Vec<Organization>, Error> {
    actor.may(Action::ReadOrganizations)?;
    let mut query = visible(actor).order(organizations::id).limit(limit).select(Organization::as_select());
    if let Some(cursor) = cursor {
        query = query.filter(organizations::id.gt(cursor));
    }
    Ok(query.load(conn)?)
}

pub fn find(conn: &mut Conn, actor: &Actor, id: OrganizationId) -> Result<Organization, Error> {
    let organization = visible(actor).filter(organizations::id.eq(id)).select(Organization::as_select()).first(conn)?;
    actor.may(Action::ReadOrganizations)?;
    Ok(organization)
}

/// The organization with this code, if the actor sees it.
pub fn by_code(conn: &mut Conn, actor: &Actor, code: &Code) -> Result<Option<Organization>, Error> {
    Ok(visible(actor).filter(organizations::code.eq(code)).select(Organization::as_select()).first(conn).optional()?)
}

/// Every organization the actor sees; for matching the rows of a file in one query.
pub fn all(conn: &mut Conn, actor: &Actor) -> Result<Vec<Organization>, Error> {
    actor.may(Action::ReadOrganizations)?;
    Ok(visible(actor).order(organizations::id).select(Organization::as_select()).load(conn)?)
}

/// Creates an organization, or a unit below `parent_id`.
///
/// # Errors
/// 422 if a unit has no parent or another kind has one; 409 `already_exists` if the code is taken.
pub fn create(conn: &mut Conn, actor: &Actor, now: Instant, new: NewOrganization) -> Result<Organization, Error> {
    let made = create_many(conn, actor, now, vec![(Id::generate(), new)])?.pop();
    made.ok_or_else(|| Error::internal("no organization was made"))
}

/// Creates organizations under ids that the caller made for them, so that a unit may belong to one that comes before it.
///
/// # Errors
/// As [`create`].
pub fn create_many(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    news: Vec<(OrganizationId, NewOrganization)>,
) -> Result<Vec<Organization>, Error> {
    actor.may_beyond_intakes(Action::WriteOrganizations)?;
    let parents: Vec<OrganizationId> = news.iter().filter_map(|(_, new)| new.parent_id).collect::<BTreeSet<_>>().into_iter().collect();
    let mut roots: HashMap<OrganizationId, OrganizationId> = HashMap::new();
    for chunk in parents.chunks(CHUNK) {
        let found = organizations::table.filter(organizations::id.eq_any(chunk.to_vec()));
        roots.extend(found.select((organizations::id, organizations::root_id)).load::<(OrganizationId, OrganizationId)>(conn)?);
    }
    let mut made = Vec::with_capacity(news.len());
    for (id, new) in news {
        let root_id = root_of(id, &new, &roots)?;
        roots.insert(id, root_id);
        let NewOrganization { code, name, latin_name, kind, parent_id } = new;
        made.push(Organization { id, code, name, latin_name, kind, parent_id, root_id, version: 1, created_at: now });
    }
    for chunk in made.chunks(CHUNK) {
        for_backend!(conn, |c| diesel::insert_into(organizations::table).values(chunk).execute(c))?;
    }
    for organization in &made {
        actor.record(NewEntry::of("organization.created", "organization", organization.id).to(organization));
    }
    Ok(made)
}

/// What is at the top of a new organization, from that of what it belongs to.
fn root_of(id: OrganizationId, new: &NewOrganization, roots: &HashMap<OrganizationId, OrganizationId>) -> Result<OrganizationId, Error> {
    let unknown = || Error::invalid("/parent_id", "unknown_organization", "there is no such organization");
    match (new.kind, new.parent_id) {
        (OrganizationKind::Unit, Some(parent)) => roots.get(&parent).copied().ok_or_else(unknown),
        (OrganizationKind::Unit, None) => {
            Err(Error::invalid("/parent_id", "parent_missing", "a unit needs the organization it belongs to"))
        }
        (_, Some(_)) => Err(Error::invalid("/parent_id", "parent_not_allowed", "only a unit belongs to another organization")),
        (_, None) => Ok(id),
    }
}

/// Applies a patch under `If-Match`.
pub(super) fn update(
    conn: &mut Conn,
    actor: &Actor,
    caller: &Caller,
    id: OrganizationId,
    patch: OrganizationPatch,
) -> Result<Organization, Error> {
    let stored = find(conn, actor, id)?;
    actor.may_beyond_intakes(Action::WriteOrganizations)?;
    let changed = patch.apply(&stored);
    caller.check_if_match(&ETag::version(stored.version), changed != stored)?;
    save_all(conn, actor, vec![(changed, stored)])?.pop().ok_or_else(|| Error::internal("no organization was read"))
}

/// Applies patches to organizations that were read in the same transaction, each named once.
pub fn update_many(conn: &mut Conn, actor: &Actor, patches: Vec<(Organization, OrganizationPatch)>) -> Result<Vec<Organization>, Error> {
    actor.may_beyond_intakes(Action::WriteOrganizations)?;
    save_all(conn, actor, patches.into_iter().map(|(stored, patch)| (patch.apply(&stored), stored)).collect())
}

/// Writes organizations as they are to be, each beside what is stored; a chunk of them in one statement.
fn save_all(conn: &mut Conn, actor: &Actor, mut all: Vec<(Organization, Organization)>) -> Result<Vec<Organization>, Error> {
    for chunk in all.chunks(CHUNK) {
        let changes: Vec<_> = chunk.iter().filter(|(changed, stored)| changed != stored).map(|(changed, _)| changed).collect();
        write(conn, &changes)?;
    }
    for (changed, stored) in all.iter_mut().filter(|(changed, stored)| changed != stored) {
        changed.version += 1;
        actor.record(NewEntry::of("organization.updated", "organization", stored.id).from(stored).to(changed));
    }
    Ok(all.into_iter().map(|(changed, _)| changed).collect())
}

/// Writes names that changed; the versions say that nobody else changed them meanwhile.
fn write(conn: &mut Conn, changes: &[&Organization]) -> Result<(), Error> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut statement = db::update_each("organizations", &["id", "version"], &["code", "name", "latin_name", "version"], changes.len());
    for Organization { id, version, code, name, latin_name, .. } in changes {
        statement = statement.bind::<Uid, _>(*id).bind::<Integer, _>(*version);
        statement = statement.bind::<Text, _>(code).bind::<Text, _>(name).bind::<Nullable<Text>, _>(latin_name);
        statement = statement.bind::<Integer, _>(version + 1);
    }
    if statement.execute(conn)? == changes.len() { Ok(()) } else { Err(Error::Stale) }
}

/// These organizations, by id.
///
/// # Errors
/// 404 if the actor does not see one of them.
pub fn of_ids(conn: &mut Conn, actor: &Actor, ids: &[OrganizationId]) -> Result<Vec<Organization>, Error> {
    let mut found: Vec<Organization> = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        found.extend(visible(actor).filter(organizations::id.eq_any(chunk.to_vec())).select(Organization::as_select()).load(conn)?);
    }
    found.sort_unstable_by_key(|one| one.id);
    if found.len() < ids.len() { Err(Error::NotFound) } else { Ok(found) }
}

/// What is at the top of each of these organizations for which the actor may act: those it sees, and of them a partner's own house alone.
pub fn roots(conn: &mut Conn, actor: &Actor, ids: &[OrganizationId]) -> Result<HashMap<OrganizationId, OrganizationId>, Error> {
    let mut roots = HashMap::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let mut seen = visible(actor).filter(organizations::id.eq_any(chunk.to_vec()));
        if let Scope::Sponsor(own, _) = actor.scope() {
            seen = seen.filter(organizations::id.eq_any(below(own)));
        }
        let found: Vec<(OrganizationId, OrganizationId)> = seen.select((organizations::id, organizations::root_id)).load(conn)?;
        roots.extend(found);
    }
    Ok(roots)
}

/// Deletes organizations that an import made, units before what they belong to.
///
/// # Errors
/// 409 `reference_broken` if something refers to one of them, such as a person or an intake.
pub fn remove_many(conn: &mut Conn, actor: &Actor, ids: &[OrganizationId]) -> Result<(), Error> {
    actor.may(Action::WriteOrganizations)?;
    let stored = of_ids(conn, actor, ids)?;
    // A unit is made after what it belongs to, and so are the ids.
    for chunk in stored.rchunks(CHUNK) {
        let ids: Vec<OrganizationId> = chunk.iter().map(|one| one.id).collect();
        diesel::delete(organizations::table.filter(organizations::id.eq_any(ids))).execute(conn)?;
    }
    for one in stored.iter().rev() {
        actor.record(NewEntry::of("organization.removed", "organization", one.id).from(one));
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Branch {
    #[diesel(sql_type = Uid)]
    ancestor_id: OrganizationId,
    #[diesel(sql_type = Uid)]
    descendant_id: OrganizationId,
    #[diesel(sql_type = BigInt)]
    stored: i64,
}

/// Derives the tree anew from the parents and says what differs. Whoever is below somebody in it is seen by them.
pub fn verify(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let differ: Vec<Branch> = sql_query(
        "WITH RECURSIVE derived (ancestor_id, descendant_id) AS (
            SELECT id, id FROM organizations
            UNION SELECT d.ancestor_id, o.id FROM derived d JOIN organizations o ON o.parent_id = d.descendant_id)
         SELECT ancestor_id, descendant_id, CAST(sum(stored) AS bigint) AS stored FROM (
            SELECT ancestor_id, descendant_id, 1 AS stored, 0 AS due FROM organization_tree
            UNION ALL SELECT ancestor_id, descendant_id, 0, 1 FROM derived) AS both_sides
         GROUP BY ancestor_id, descendant_id HAVING sum(stored) <> sum(due)",
    )
    .load(conn)?;
    let says = |Branch { ancestor_id, descendant_id, stored }: Branch| {
        let differs = if stored == 0 { "is missing in the tree below" } else { "is in the tree, but not by its parents, below" };
        format!("tree: organization {descendant_id} {differs} {ancestor_id}")
    };
    Ok(differ.into_iter().map(says).collect())
}
