//! Role grants: who is what, where, and for how long.

use diesel::prelude::*;

use super::{
    super::{Action, Actor, HeldRole, NewRoleGrant, Reach, Role, RoleGrant, RoleGrantId, UserId},
    sign_ins, users as user_store,
};
use crate::{
    clock::Instant,
    db::{Conn, MultiBackend},
    error::Error,
    id::Id,
    journal::NewEntry,
    organizations::{OrganizationId, OrganizationKind, below},
    people::PersonId,
    schema::{organization_tree, organizations, programs, role_grants, users},
    text::{Code, Note},
};

/// The grants of these roles at an organization and below it.
#[diesel::dsl::auto_type]
pub(super) fn held_in(house: OrganizationId, roles: &'static [Role]) -> _ {
    let house: below = below(house);
    let roles: Vec<Role> = roles.to_vec();
    role_grants::table.filter(role_grants::organization_id.assume_not_null().eq_any(house)).filter(role_grants::role.eq_any(roles))
}

/// Whether a grant has not ended; it may not have begun, and one that was ended before it did never does.
#[diesel::dsl::auto_type]
pub(super) fn lasts(now: Instant) -> _ {
    let until = role_grants::until_at.assume_not_null();
    role_grants::until_at.is_null().or(until.gt(now).and(until.gt(role_grants::from_at)))
}

/// The grants in reach.
pub(super) fn visible(reach: &Reach) -> role_grants::BoxedQuery<'static, MultiBackend> {
    match *reach {
        Reach::Everything => role_grants::table.into_boxed(),
        Reach::House(house, roles) => held_in(house, roles).into_boxed(),
        Reach::Nothing => role_grants::table.into_boxed().filter(role_grants::id.eq_any(NONE)),
    }
}

const NONE: [RoleGrantId; 0] = [];

/// The grants in reach that have not ended.
pub(super) fn lasting(reach: &Reach, now: Instant) -> role_grants::BoxedQuery<'static, MultiBackend> {
    visible(reach).filter(lasts(now))
}

/// The role of `user` at `organization`, if it is held now.
pub fn current_grant(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    user: UserId,
    role: Role,
    organization: Option<OrganizationId>,
) -> Result<Option<RoleGrant>, Error> {
    actor.may(Action::ManageAccess)?;
    let grants: Vec<RoleGrant> = lasting(&actor.reach(), now)
        .filter(role_grants::user_id.eq(user))
        .filter(role_grants::role.eq(role))
        .filter(role_grants::from_at.le(now))
        .order(role_grants::id)
        .select(RoleGrant::as_select())
        .load(conn)?;
    Ok(grants.into_iter().find(|grant| grant.organization_id == organization))
}

/// The grant by which a user in the actor's reach is invited: the oldest in it that is held now, or else that is still to begin.
///
/// # Errors
/// 409 `no_role` if there is none.
pub fn grant_to_invite(conn: &mut Conn, actor: &Actor, now: Instant, user: UserId) -> Result<RoleGrantId, Error> {
    let grants: Vec<RoleGrant> = lasting(&actor.reach(), now)
        .filter(role_grants::user_id.eq(user))
        .order(role_grants::id)
        .select(RoleGrant::as_select())
        .load(conn)?;
    let first = grants.iter().find(|grant| grant.is_current(now)).or(grants.first()).map(|grant| grant.id);
    first.ok_or_else(|| Error::conflict("no_role", "the user holds no role, and without one nobody signs in"))
}

/// Gives a user a role, at an organization unless it is the installation's administrator.
///
/// # Errors
/// As [`super::hold_managed`]: who works for two houses is an administrator's; [`Error::Forbidden`] for a role above the own one; 422 for an
/// organization beyond the own house, where the role is not held, and for longer than the own role lasts; 409 `role_held` if the user has it
/// already at a time that is asked for.
pub fn grant_role(conn: &mut Conn, actor: &Actor, now: Instant, user: UserId, new: NewRoleGrant) -> Result<RoleGrant, Error> {
    user_store::hold_managed(conn, actor, now, user)?;
    grant_to(conn, actor, now, user, new)
}

/// [`grant_role`] to a user whom the actor has found, or has just made.
pub(super) fn grant_to(conn: &mut Conn, actor: &Actor, now: Instant, user: UserId, new: NewRoleGrant) -> Result<RoleGrant, Error> {
    actor.may(Action::ManageAccess)?;
    let NewRoleGrant { role, organization_id, manages_access, from_at, until_at } = new;
    check_place(conn, actor, role, organization_id)?;
    let from_at = from_at.unwrap_or(now);
    if until_at.is_some_and(|until| until <= from_at.max(now)) {
        return Err(Error::invalid("/until_at", "until_past", "a role ends after it begins, and in the future"));
    }
    if let Some(own) = actor.role_until()
        && until_at.is_none_or(|until| until > own)
    {
        let detail = format!("your own role ends at {own}, and what you give ends by then");
        return Err(Error::invalid("/until_at", "beyond_own_role", detail));
    }
    if manages_access && role != Role::Partner {
        let detail = "only a partner is given this: an administrator and a coordinator manage access anyway, and nobody else does";
        return Err(Error::invalid("/manages_access", "manages_access_role", detail));
    }
    let person: Option<PersonId> = users::table.find(user).select(users::person_id).first(conn)?;
    if person.is_none() && role.is_a_persons() {
        let detail = format!("the role {role} is a person's, and the user is not tied to one");
        return Err(Error::invalid("/person_id", "person_missing", detail));
    }
    user_store::hold_both(conn, actor, now, user)?;
    let grant = RoleGrant { id: Id::generate(), user_id: user, role, organization_id, manages_access, from_at, until_at };
    check_free(conn, now, &grant)?;
    diesel::insert_into(role_grants::table).values(&grant).execute(conn)?;
    actor.record(NewEntry::of("role.granted", "user", user).held_at(organization_id).to(&grant));
    Ok(grant)
}

/// Refuses a role twice at a time: whoever ends one means that it has ended.
fn check_free(conn: &mut Conn, now: Instant, new: &RoleGrant) -> Result<(), Error> {
    let held: Vec<RoleGrant> = lasting(&Reach::Everything, now)
        .filter(role_grants::user_id.eq(new.user_id))
        .filter(role_grants::role.eq(new.role))
        .select(RoleGrant::as_select())
        .load(conn)?;
    let overlaps = |held: &RoleGrant| {
        held.organization_id == new.organization_id
            && held.until_at.is_none_or(|until| new.from_at < until)
            && new.until_at.is_none_or(|until| held.from_at < until)
    };
    if held.iter().any(overlaps) {
        return Err(Error::conflict("role_held", "the user holds this role there already at that time"));
    }
    Ok(())
}

/// Refuses a role that nobody holds, one that is not the actor's to give, and one where nobody holds it.
fn check_place(conn: &mut Conn, actor: &Actor, role: Role, organization: Option<OrganizationId>) -> Result<(), Error> {
    if role == Role::Operator {
        return Err(Error::invalid("/role", "role_not_grantable", "the operator is whoever runs the command line; it is not granted"));
    }
    let reach = actor.reach();
    if let Reach::House(_, roles) = &reach
        && !roles.contains(&role)
    {
        return Err(actor.refuse(Action::ManageAccess, format!("the role {role} is not for a {} to give", actor.role())));
    }
    if (role == Role::Administrator) != organization.is_none() {
        let detail = "every role but the administrator's is held at an organization";
        return Err(Error::invalid("/organization_id", "role_organization", detail));
    }
    let Some(organization) = organization else { return Ok(()) };
    if let Reach::House(house, _) = reach {
        let within = organization_tree::table.find((house, organization)).count().get_result::<i64>(conn)?;
        if within == 0 {
            return Err(unknown_organization());
        }
    }
    let root: Option<OrganizationId> = organizations::table.find(organization).select(organizations::root_id).first(conn).optional()?;
    let root = root.ok_or_else(unknown_organization)?;
    if role.is_a_providers() { check_teaches(conn, role, root) } else { Ok(()) }
}

fn unknown_organization() -> Error {
    Error::invalid("/organization_id", "unknown_organization", "there is no such organization in your house")
}

/// Refuses a provider's role where nobody would look for one: at an enterprise or a government body that provides no program.
fn check_teaches(conn: &mut Conn, role: Role, root: OrganizationId) -> Result<(), Error> {
    let (kind, code): (OrganizationKind, Code) =
        organizations::table.find(root).select((organizations::kind, organizations::code)).first(conn)?;
    if !matches!(kind, OrganizationKind::Enterprise | OrganizationKind::GovernmentBody) {
        return Ok(());
    }
    let house = organizations::table.filter(organizations::root_id.eq(root)).select(organizations::id);
    if programs::table.filter(programs::provider_id.eq_any(house)).count().get_result::<i64>(conn)? > 0 {
        return Ok(());
    }
    let detail =
        format!("{role} is a role at who provides a program, and {code} provides none; who looks after its own people is a partner");
    Err(Error::invalid("/organization_id", "role_organization", detail))
}

/// Ends a role at once, and what its holder signed in with for it; one that has ended stays so.
///
/// # Errors
/// 404 for one out of the actor's reach; 409 `own_role` for the own one, and `last_administrator`.
pub fn end_role(conn: &mut Conn, actor: &Actor, now: Instant, id: RoleGrantId, reason: Option<&Note>) -> Result<HeldRole, Error> {
    let (RoleGrant { user_id: user, role, .. }, code) = find(conn, actor, id)?;
    actor.may(Action::ManageAccess)?;
    if actor.role_grant_id() == Some(id) {
        return Err(Error::conflict("own_role", "nobody ends the role in which they act; another one who may does"));
    }
    user_store::hold_both(conn, actor, now, user)?;
    let (before, _) = find(conn, actor, id)?;
    if before.until_at.is_some_and(|until| until <= now) {
        return Ok(HeldRole::new((before, code)));
    }
    // One that was still to begin never does.
    let after = RoleGrant { until_at: Some(now.max(before.from_at)), ..before.clone() };
    diesel::update(role_grants::table.find(id)).set(role_grants::until_at.eq(after.until_at)).execute(conn)?;
    sign_ins::end_in_role(conn, actor, now, &after)?;
    if role == Role::Administrator {
        user_store::check_administrators(conn, actor, now)?;
    }
    let entry = NewEntry::of("role.ended", "user", user).held_at(after.organization_id);
    actor.record(entry.from(&before).to(&after).because(reason.map(Note::as_str)));
    Ok(HeldRole::new((after, code)))
}

/// A role in the actor's reach, with the code of where it is held.
fn find(conn: &mut Conn, actor: &Actor, id: RoleGrantId) -> Result<(RoleGrant, Option<Code>), Error> {
    let named = visible(&actor.reach())
        .left_join(organizations::table.on(organizations::id.nullable().eq(role_grants::organization_id)))
        .filter(role_grants::id.eq(id));
    Ok(named.select((RoleGrant::as_select(), organizations::code.nullable())).first(conn)?)
}
