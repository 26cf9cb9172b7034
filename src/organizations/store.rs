//! The tables of organizations. The tree below an organization is kept by a trigger.

use diesel::{prelude::*, sql_query, sql_types::BigInt};

use super::model::{NewOrganization, Organization, OrganizationId, OrganizationKind, OrganizationPatch};
use crate::{
    access::{Action, Actor, Scope},
    clock::Instant,
    db::{Conn, MultiBackend, types::Uid},
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

/// The organizations in the actor's scope. Who sets programs up sees the directory; everybody else their own house.
fn visible(actor: &Actor) -> organizations::BoxedQuery<'static, MultiBackend> {
    let all = organizations::table.into_boxed();
    match actor.scope() {
        Scope::Everything | Scope::Provider(_) => all,
        Scope::Sponsor(organization) => all.filter(organizations::id.eq_any(below(organization))),
        Scope::Adviser(person, _) | Scope::Teacher(person, _) | Scope::Own(person) => all
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
        Scope::Sponsor(_) | Scope::Adviser(..) | Scope::Teacher(..) | Scope::Own(_) => return Ok(()),
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
    actor.may_beyond_intakes(Action::WriteOrganizations)?;
    let id = Id::generate();
    let root_id = match (new.kind, new.parent_id) {
        (OrganizationKind::Unit, Some(parent)) => organizations::table
            .find(parent)
            .select(organizations::root_id)
            .first(conn)
            .optional()?
            .ok_or_else(|| Error::invalid("/parent_id", "unknown_organization", "there is no such organization"))?,
        (OrganizationKind::Unit, None) => {
            return Err(Error::invalid("/parent_id", "parent_missing", "a unit needs the organization it belongs to"));
        }
        (_, Some(_)) => return Err(Error::invalid("/parent_id", "parent_not_allowed", "only a unit belongs to another organization")),
        (_, None) => id,
    };
    let organization = Organization {
        id,
        code: new.code,
        name: new.name,
        latin_name: new.latin_name,
        kind: new.kind,
        parent_id: new.parent_id,
        root_id,
        version: 1,
        created_at: now,
    };
    diesel::insert_into(organizations::table).values(&organization).execute(conn)?;
    actor.record(NewEntry::of("organization.created", "organization", id).to(&organization));
    Ok(organization)
}

/// Applies a patch under `If-Match`. `caller` is none for an import, which compared all organizations in the same transaction.
pub fn update(
    conn: &mut Conn,
    actor: &Actor,
    caller: Option<&Caller>,
    id: OrganizationId,
    patch: OrganizationPatch,
) -> Result<Organization, Error> {
    let stored = find(conn, actor, id)?;
    actor.may_beyond_intakes(Action::WriteOrganizations)?;
    let mut changed = patch.apply(&stored);
    if let Some(caller) = caller {
        caller.check_if_match(&ETag::version(stored.version), changed != stored)?;
    }
    if changed == stored {
        return Ok(stored);
    }
    changed.version += 1;
    let updated = diesel::update(organizations::table.filter(organizations::id.eq(id)).filter(organizations::version.eq(stored.version)))
        .set(&changed)
        .execute(conn)?;
    if updated == 0 {
        return Err(Error::Stale);
    }
    actor.record(NewEntry::of("organization.updated", "organization", id).from(&stored).to(&changed));
    Ok(changed)
}

/// Deletes organizations that an import made, units before what they belong to.
///
/// # Errors
/// 409 `reference_broken` if something refers to one of them, such as a person or an intake.
pub fn remove_many(conn: &mut Conn, actor: &Actor, ids: &[OrganizationId]) -> Result<(), Error> {
    actor.may(Action::WriteOrganizations)?;
    // A unit is made after what it belongs to, and so are the ids.
    let mut ids = ids.to_vec();
    ids.sort_unstable_by(|one, other| other.cmp(one));
    for id in ids {
        let stored = find(conn, actor, id)?;
        diesel::delete(organizations::table.filter(organizations::id.eq(id))).execute(conn)?;
        actor.record(NewEntry::of("organization.removed", "organization", id).from(&stored));
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
