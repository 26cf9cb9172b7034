//! Users, and whose they are to see and to manage.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;

use super::{
    super::{Action, Actor, HeldRole, NewUser, Reach, Role, RoleGrant, User, UserDocument, UserId},
    grants, hold_account,
    resolve::by_grant,
    sign_ins,
};
use crate::{
    clock::Instant,
    db::{self, Conn, MultiBackend},
    error::Error,
    id::Id,
    journal::NewEntry,
    organizations::OrganizationId,
    people,
    schema::{organizations, role_grants, users},
    text::{Code, Name, Note},
};

/// The users in reach: who holds or will hold a role in it, and who held one and holds none anywhere.
fn visible(reach: &Reach, now: Instant) -> users::BoxedQuery<'static, MultiBackend> {
    let all = users::table.into_boxed();
    match *reach {
        Reach::Everything => all,
        Reach::House(house, roles) => {
            let within = || grants::held_in(house, roles);
            let lasting = within().filter(grants::lasts(now)).select(role_grants::user_id);
            let anywhere = role_grants::table.filter(grants::lasts(now)).select(role_grants::user_id);
            let left = users::id.eq_any(within().select(role_grants::user_id)).and(users::id.ne_all(anywhere));
            all.filter(users::id.eq_any(lasting).or(left))
        }
        Reach::Nothing => all.filter(users::id.eq_any(NOBODY)),
    }
}

const NOBODY: [UserId; 0] = [];

/// The user, if in the actor's reach.
///
/// # Errors
/// 404.
fn find(conn: &mut Conn, actor: &Actor, now: Instant, id: UserId) -> Result<User, Error> {
    Ok(visible(&actor.reach(), now).filter(users::id.eq(id)).select(User::as_select()).first(conn)?)
}

/// Whether all roles that the user has held at `since` or later, or will hold, are in reach. Whoever invites them lets them, or somebody else,
/// have all of these.
pub(super) fn is_within(conn: &mut Conn, since: Instant, reach: &Reach, user: UserId) -> Result<bool, Error> {
    let all: i64 = grants::lasting(&Reach::Everything, since).filter(role_grants::user_id.eq(user)).count().get_result(conn)?;
    let within: i64 = grants::lasting(reach, since).filter(role_grants::user_id.eq(user)).count().get_result(conn)?;
    Ok(all == within)
}

/// Holds the account of a user whom the actor may do anything with.
///
/// # Errors
/// 404 for a user out of reach; [`Error::Forbidden`] for one who holds a role beyond it.
pub fn hold_managed(conn: &mut Conn, actor: &Actor, now: Instant, id: UserId) -> Result<User, Error> {
    find(conn, actor, now, id)?;
    actor.may(Action::ManageAccess)?;
    hold_both(conn, actor, now, id)?;
    if !is_within(conn, now, &actor.reach(), id)? {
        let detail = "the user holds a role that is not yours to give, so that this is for whoever gives both, or an administrator";
        return Err(actor.refuse(Action::ManageAccess, detail.to_owned()));
    }
    find(conn, actor, now, id)
}

/// Holds the account of a user, and the actor's own, which has to be as good then as it was when the actor was resolved.
pub(super) fn hold_both(conn: &mut Conn, actor: &Actor, now: Instant, user: UserId) -> Result<(), Error> {
    // In one order, so that two who hold each other's do not wait for ever.
    for id in BTreeSet::from_iter(actor.user_id().into_iter().chain([user])) {
        hold_account(conn, id)?;
    }
    match actor.role_grant_id() {
        Some(grant) => by_grant(conn, grant, now).map(drop),
        None => Ok(()),
    }
}

/// Refuses to take away an administrator if nobody is left who is one for good. The operator can make another one.
pub(super) fn check_administrators(conn: &mut Conn, actor: &Actor, now: Instant) -> Result<(), Error> {
    db::lock(conn, "administrators", "all")?;
    let left = role_grants::table
        .inner_join(users::table.on(users::id.eq(role_grants::user_id)))
        .filter(role_grants::role.eq(Role::Administrator))
        .filter(role_grants::from_at.le(now))
        .filter(role_grants::until_at.is_null())
        .filter(users::disabled_at.is_null());
    if actor.user_id().is_none() || left.count().get_result::<i64>(conn)? > 0 {
        return Ok(());
    }
    Err(Error::conflict("last_administrator", "nobody would be left who is an administrator without an end"))
}

/// Makes a user.
///
/// # Errors
/// 422 `unknown_person` for somebody whom the actor does not know.
pub fn create_user(conn: &mut Conn, actor: &Actor, now: Instant, new: NewUser) -> Result<User, Error> {
    create_user_at(conn, actor, now, new, None)
}

/// The same, who is to hold a role at `place`: whoever audits that hears of it.
pub(super) fn create_user_at(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    new: NewUser,
    place: Option<OrganizationId>,
) -> Result<User, Error> {
    actor.may(Action::ManageAccess)?;
    if let Some(person) = new.person_id
        && !people::is_known_to(conn, actor, person)?
    {
        return Err(Error::invalid("/person_id", "unknown_person", "there is no such person"));
    }
    let user =
        User { id: Id::generate(), name: new.name, person_id: new.person_id, disabled_at: None, created_at: now, second_factor_at: None };
    diesel::insert_into(users::table).values(&user).execute(conn)?;
    actor.record(NewEntry::of("user.created", "user", user.id).held_at(place.or(actor.organization_id())).to(&user));
    Ok(user)
}

/// The user of this name.
pub fn user_by_name(conn: &mut Conn, actor: &Actor, now: Instant, name: &Name) -> Result<Option<User>, Error> {
    actor.may(Action::ManageAccess)?;
    Ok(visible(&actor.reach(), now).filter(users::name.eq(name)).select(User::as_select()).first(conn).optional()?)
}

/// The users in the actor's reach after `cursor`, by id, with the roles in it that have not ended.
pub fn list_users(conn: &mut Conn, actor: &Actor, now: Instant, cursor: Option<UserId>, limit: i64) -> Result<Vec<UserDocument>, Error> {
    actor.may(Action::ReadAccess)?;
    let mut query = visible(&actor.reach(), now).order(users::id).limit(limit).select(User::as_select());
    if let Some(cursor) = cursor {
        query = query.filter(users::id.gt(cursor));
    }
    let users = query.load(conn)?;
    documents(conn, actor, now, users)
}

/// One user in the actor's reach.
pub fn find_user(conn: &mut Conn, actor: &Actor, now: Instant, id: UserId) -> Result<UserDocument, Error> {
    let user = find(conn, actor, now, id)?;
    actor.may(Action::ReadAccess)?;
    documents(conn, actor, now, vec![user])?.pop().ok_or(Error::NotFound)
}

/// Users with their roles, in one query.
fn documents(conn: &mut Conn, actor: &Actor, now: Instant, users: Vec<User>) -> Result<Vec<UserDocument>, Error> {
    let ids: Vec<UserId> = users.iter().map(|user| user.id).collect();
    let grants: Vec<(RoleGrant, Option<Code>)> = grants::lasting(&actor.reach(), now)
        .left_join(organizations::table.on(organizations::id.nullable().eq(role_grants::organization_id)))
        .filter(role_grants::user_id.eq_any(ids))
        .order(role_grants::id)
        .select((RoleGrant::as_select(), organizations::code.nullable()))
        .load(conn)?;
    let mut held: HashMap<UserId, Vec<HeldRole>> = HashMap::new();
    for (grant, code) in grants {
        held.entry(grant.user_id).or_default().push(HeldRole::new((grant, code)));
    }
    Ok(users.into_iter().map(|user| UserDocument { roles: held.remove(&user.id).unwrap_or_default(), user }).collect())
}

/// From when on a second factor is asked for of the user, who is held; none: no more.
pub(crate) fn set_second_factor(conn: &mut Conn, user: UserId, since: Option<Instant>) -> Result<(), Error> {
    diesel::update(users::table.find(user)).set(users::second_factor_at.eq(since)).execute(conn)?;
    Ok(())
}

/// Disables a user, or takes that back: whoever is disabled is nobody, by whatever they show. Their sign-ins end for good; the journal has it
/// wherever they hold or will hold a role.
///
/// # Errors
/// As [`hold_managed`]; 409 `own_user` for oneself, and `last_administrator`.
pub(crate) fn set_disabled(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    id: UserId,
    is_disabled: bool,
    reason: Option<&Note>,
) -> Result<User, Error> {
    let before = hold_managed(conn, actor, now, id)?;
    if actor.user_id() == Some(id) {
        return Err(Error::conflict("own_user", "nobody disables or enables themselves; another one who may does"));
    }
    if before.disabled_at.is_some() == is_disabled {
        return Ok(before);
    }
    let after = User { disabled_at: is_disabled.then_some(now), ..before };
    diesel::update(users::table.find(id)).set(users::disabled_at.eq(after.disabled_at)).execute(conn)?;
    if is_disabled {
        sign_ins::end_all(conn, actor, now, id)?;
    }
    let places = grants::lasting(&Reach::Everything, now).filter(role_grants::user_id.eq(id));
    let mut places: BTreeSet<Option<OrganizationId>> = places.select(role_grants::organization_id).load(conn)?.into_iter().collect();
    // An administrator's role is held nowhere.
    if is_disabled && places.contains(&None) {
        check_administrators(conn, actor, now)?;
    }
    if places.is_empty() {
        places.insert(None);
    }
    for place in places {
        let action = if is_disabled { "user.disabled" } else { "user.enabled" };
        actor.record(NewEntry::of(action, "user", id).held_at(place).because(reason.map(Note::as_str)));
    }
    Ok(after)
}
