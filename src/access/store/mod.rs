//! Users, grants and tokens in the database.

mod resolve;
mod scopes;
mod sign_ins;

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;

use super::{Action, Actor, IssuedToken, NewToken, NewUser, Role, RoleGrant, RoleGrantId, Secret, Token, TokenId, TokenKind, User, UserId};
use crate::{
    clock::Instant,
    db::{Conn, MultiBackend},
    error::Error,
    id::Id,
    intakes::IntakeId,
    journal::NewEntry,
    organizations::{OrganizationId, OrganizationKind},
    people::PersonId,
    schema::{intakes, organizations, people, programs, role_grants, tokens, users},
    text::{Code, Name},
};
pub use resolve::resolve;
pub(crate) use scopes::sponsored;
pub use scopes::{advised, enrolled_from, promised, promised_to_units, provided, taught};
pub use sign_ins::{
    begin_sign_in, end_sign_in, end_sign_in_of, end_sign_ins, held_roles, hold_account, list_sign_ins, rotate_sign_in, sweep_sign_ins,
};

/// Notes that a token was used just now.
pub fn note_use(conn: &mut Conn, token: TokenId, now: Instant) -> Result<(), Error> {
    diesel::update(tokens::table.filter(tokens::id.eq(token))).set(tokens::last_used_at.eq(now)).execute(conn)?;
    Ok(())
}

pub fn create_user(conn: &mut Conn, actor: &Actor, now: Instant, new: NewUser) -> Result<User, Error> {
    actor.may(Action::ManageAccess)?;
    if let Some(person) = new.person_id {
        known(people::table.find(person).count().get_result(conn)?, "/person_id", "unknown_person", "person")?;
    }
    let user = User { id: Id::generate(), name: new.name, person_id: new.person_id, disabled_at: None, created_at: now };
    diesel::insert_into(users::table).values(&user).execute(conn)?;
    actor.record(NewEntry::of("user.created", "user", user.id).to(&user));
    Ok(user)
}

/// Refuses a reference to what is not there, before the foreign key does it without saying which.
fn known(count: i64, pointer: &str, code: &str, what: &str) -> Result<(), Error> {
    if count == 0 { Err(Error::invalid(pointer, code, format!("there is no such {what}"))) } else { Ok(()) }
}

/// The user of this name.
pub fn user_by_name(conn: &mut Conn, actor: &Actor, name: &Name) -> Result<Option<User>, Error> {
    actor.may(Action::ManageAccess)?;
    Ok(users::table.filter(users::name.eq(name)).select(User::as_select()).first(conn).optional()?)
}

/// All users with the roles that each holds now, by name.
pub fn list_users(conn: &mut Conn, actor: &Actor, now: Instant) -> Result<Vec<(User, Vec<RoleGrant>)>, Error> {
    actor.may(Action::ManageAccess)?;
    let users: Vec<User> = users::table.order(users::name).select(User::as_select()).load(conn)?;
    let grants: Vec<RoleGrant> = role_grants::table.order(role_grants::id).select(RoleGrant::as_select()).load(conn)?;
    let mut held: HashMap<UserId, Vec<RoleGrant>> = HashMap::new();
    for grant in grants.into_iter().filter(|grant| grant.is_current(now)) {
        held.entry(grant.user_id).or_default().push(grant);
    }
    Ok(users.into_iter().map(|user| (held.remove(&user.id).unwrap_or_default(), user)).map(|(held, user)| (user, held)).collect())
}

/// Disables a user, or takes that back: whoever is disabled is nobody, by whatever they show. Their sign-ins end for good; the journal has it
/// wherever they hold a role.
pub fn set_disabled(conn: &mut Conn, actor: &Actor, now: Instant, id: UserId, is_disabled: bool) -> Result<User, Error> {
    actor.may(Action::ManageAccess)?;
    hold_account(conn, id)?;
    let before: User = users::table.find(id).select(User::as_select()).first(conn)?;
    if before.disabled_at.is_some() == is_disabled {
        return Ok(before);
    }
    let after = User { disabled_at: is_disabled.then_some(now), ..before.clone() };
    diesel::update(users::table.find(id)).set(users::disabled_at.eq(after.disabled_at)).execute(conn)?;
    if is_disabled {
        sign_ins::end_all(conn, actor, now, id)?;
    }
    let mut places: BTreeSet<Option<OrganizationId>> =
        role_grants::table.filter(role_grants::user_id.eq(id)).select(role_grants::organization_id).load(conn)?.into_iter().collect();
    if places.is_empty() {
        places.insert(None);
    }
    for place in places {
        let action = if is_disabled { "user.disabled" } else { "user.enabled" };
        actor.record(NewEntry::of(action, "user", id).held_at(place));
    }
    Ok(after)
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
    let grants: Vec<RoleGrant> = role_grants::table
        .filter(role_grants::user_id.eq(user))
        .filter(role_grants::role.eq(role))
        .filter(role_grants::from_at.le(now))
        .filter(role_grants::until_at.is_null().or(role_grants::until_at.gt(now)))
        .order(role_grants::id)
        .select(RoleGrant::as_select())
        .load(conn)?;
    Ok(grants.into_iter().find(|grant| grant.organization_id == organization))
}

/// Gives `user` a role, at `organization` unless it is the installation's administrator.
pub fn grant_role(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    user: UserId,
    role: Role,
    organization: Option<OrganizationId>,
) -> Result<RoleGrant, Error> {
    actor.may(Action::ManageAccess)?;
    if role == Role::Operator {
        return Err(Error::invalid("/role", "role_not_grantable", "the operator is whoever runs the command line; it is not granted"));
    }
    if (role == Role::Administrator) != organization.is_none() {
        return Err(Error::invalid("/organization", "role_organization", "every role but the administrator's is held at an organization"));
    }
    if let Some(organization) = organization.filter(|_| role.is_a_providers()) {
        check_teaches(conn, role, organization)?;
    }
    let person: Option<PersonId> = users::table.find(user).select(users::person_id).first(conn)?;
    if person.is_none() && role.is_a_persons() {
        let detail = format!("the role {role} is a person's, and the user is not tied to one");
        return Err(Error::invalid("/person_id", "person_missing", detail));
    }
    let grant = RoleGrant {
        id: Id::generate(),
        user_id: user,
        role,
        organization_id: organization,
        manages_access: false,
        from_at: now,
        until_at: None,
    };
    diesel::insert_into(role_grants::table).values(&grant).execute(conn)?;
    actor.record(filed(NewEntry::of("role.granted", "user", user), organization, None).to(&grant));
    Ok(grant)
}

/// Refuses a provider's role where nobody would look for one: at an enterprise or a government body that provides no program.
fn check_teaches(conn: &mut Conn, role: Role, organization: OrganizationId) -> Result<(), Error> {
    let root: OrganizationId = organizations::table.find(organization).select(organizations::root_id).first(conn)?;
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
    Err(Error::invalid("/organization", "role_organization", detail))
}

/// Files an entry where the role is held, and at the intake that a token is narrowed to. A role that is held nowhere is an
/// administrator's, and administrators alone hear of it.
fn filed(mut entry: NewEntry, organization: Option<OrganizationId>, intake: Option<IntakeId>) -> NewEntry {
    if let Some(organization) = organization {
        entry = entry.provider(organization);
    }
    if let Some(intake) = intake {
        entry = entry.intake(intake);
    }
    entry
}

/// A token in the journal: what it is recognized by, never its hash.
#[derive(serde::Serialize)]
struct Issued<'a> {
    prefix: &'a str,
    role_grant_id: RoleGrantId,
    read_only: bool,
    intake_id: Option<IntakeId>,
    expires_at: Instant,
}

impl<'a> Issued<'a> {
    fn of(token: &'a Token) -> Self {
        let Token { prefix, role_grant_id, read_only, intake_id, expires_at, .. } = token;
        Self { prefix, role_grant_id: *role_grant_id, read_only: *read_only, intake_id: *intake_id, expires_at: *expires_at }
    }
}

/// Makes a token for a grant. The secret is in the answer and nowhere else.
pub fn issue_token(conn: &mut Conn, actor: &Actor, now: Instant, new: NewToken) -> Result<IssuedToken, Error> {
    actor.may(Action::ManageAccess)?;
    if new.expires_at <= now {
        return Err(Error::invalid("/expires_at", "expiry_past", "a token must expire in the future"));
    }
    if let Some(intake) = new.intake_id {
        known(intakes::table.find(intake).count().get_result(conn)?, "/intake_id", "unknown_intake", "intake")?;
    }
    let secret = Secret::generate()?;
    let token = Token {
        id: Id::generate(),
        kind: TokenKind::Api,
        role_grant_id: new.role_grant_id,
        name: new.name,
        prefix: secret.prefix(),
        hash: secret.hash().to_vec(),
        read_only: new.read_only,
        intake_id: new.intake_id,
        expires_at: new.expires_at,
        idle_minutes: None,
        last_used_at: None,
        revoked_at: None,
        created_at: now,
    };
    diesel::insert_into(tokens::table).values(&token).execute(conn)?;
    let organization = role_grants::table.find(token.role_grant_id).select(role_grants::organization_id).first(conn)?;
    actor.record(filed(NewEntry::of("token.issued", "token", token.id), organization, token.intake_id).to(&Issued::of(&token)));
    Ok(IssuedToken { id: token.id, token: secret, expires_at: token.expires_at })
}

/// Ends a token at once. It is named by its id, by its beginning, which is longer than [`Secret::prefix`] or just that, or by all of it,
/// as whoever holds a leaked one may paste it: that is one token, whatever others begin with.
///
/// # Errors
/// 404 if none that may be revoked is named so; 409 `token_ambiguous` if several begin so.
pub fn revoke_token(conn: &mut Conn, actor: &Actor, now: Instant, named: &str) -> Result<Token, Error> {
    actor.may(Action::ManageAccess)?;
    let good = tokens::table
        .inner_join(role_grants::table.on(role_grants::id.eq(tokens::role_grant_id)))
        .filter(tokens::revoked_at.is_null())
        .select((Token::as_select(), role_grants::organization_id))
        .into_boxed::<MultiBackend>();
    let secret = Secret::from(named);
    let named = match named.parse::<TokenId>() {
        Ok(id) => good.filter(tokens::id.eq(id)),
        Err(_) if secret.is_whole() => good.filter(tokens::hash.eq(secret.hash().to_vec())),
        Err(_) => good.filter(tokens::prefix.eq(secret.prefix())),
    };
    let mut named: Vec<(Token, Option<OrganizationId>)> = named.load(conn)?;
    if named.len() > 1 {
        let detail = format!("{} tokens begin so; name the one by its id or by all of it", named.len());
        return Err(Error::conflict("token_ambiguous", detail));
    }
    let (token, organization) = named.pop().ok_or(Error::NotFound)?;
    diesel::update(tokens::table.filter(tokens::id.eq(token.id))).set(tokens::revoked_at.eq(now)).execute(conn)?;
    actor.record(filed(NewEntry::of("token.revoked", "token", token.id), organization, token.intake_id).from(&Issued::of(&token)));
    Ok(token)
}

/// Every token for programs with its grant and its user, oldest first.
pub fn list_tokens(conn: &mut Conn, actor: &Actor) -> Result<Vec<(Token, RoleGrant, User)>, Error> {
    actor.may(Action::ManageAccess)?;
    Ok(tokens::table
        .filter(tokens::kind.eq(TokenKind::Api))
        .inner_join(role_grants::table.on(role_grants::id.eq(tokens::role_grant_id)))
        .inner_join(users::table.on(users::id.eq(role_grants::user_id)))
        .order(tokens::id)
        .select((Token::as_select(), RoleGrant::as_select(), User::as_select()))
        .load(conn)?)
}
