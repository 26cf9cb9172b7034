//! Users, grants and tokens in the database.

use std::cell::{Cell, RefCell};

use chrono::TimeDelta;
use diesel::prelude::*;

use super::{Action, Actor, Credentials, IssuedToken, NewToken, NewUser, Role, RoleGrant, Scope, Secret, Token, TokenId, User, UserId};
use crate::{
    clock::Instant,
    db::{Conn, MultiBackend},
    error::Error,
    id::Id,
    intakes::IntakeId,
    journal::NewEntry,
    organizations::{OrganizationId, OrganizationKind, below},
    people::PersonId,
    schedule::SessionState,
    schema::{
        cohorts, enrollments, intake_sponsors, intakes, organization_tree, organizations, people, programs, role_grants,
        session_instructors, sessions, tokens, unit_quotas, users,
    },
    text::{Code, Name},
};

/// Turns credentials into an actor, inside the transaction that will use it.
///
/// # Errors
/// [`Error::Unauthenticated`] for a token that is unknown, expired or revoked, whose user is disabled or whose grant is not current.
pub fn resolve(conn: &mut Conn, credentials: &Credentials, now: Instant) -> Result<Actor, Error> {
    let secret = match credentials {
        Credentials::Operator => return Ok(operator()),
        Credentials::Bearer(secret) => secret,
    };
    let (token, grant, person_id, disabled_at) = tokens::table
        .inner_join(role_grants::table.on(role_grants::id.eq(tokens::role_grant_id)))
        .inner_join(users::table.on(users::id.eq(role_grants::user_id)))
        .filter(tokens::hash.eq(secret.hash().to_vec()))
        .select((Token::as_select(), RoleGrant::as_select(), users::person_id, users::disabled_at))
        .first::<(Token, RoleGrant, Option<PersonId>, Option<Instant>)>(conn)
        .optional()?
        .ok_or(Error::Unauthenticated)?;
    let current = grant.from_at <= now && grant.until_at.is_none_or(|until| now < until);
    if token.expires_at <= now || token.revoked_at.is_some() || disabled_at.is_some() || !current {
        return Err(Error::Unauthenticated);
    }
    let stale_use = token.last_used_at.is_none_or(|used| used.plus(TimeDelta::minutes(5)) <= now);
    Ok(Actor {
        token_id: Some(token.id),
        user_id: Some(grant.user_id),
        person_id,
        role: grant.role,
        organization_id: grant.organization_id,
        scope: scope(&grant, person_id)?,
        read_only: token.read_only,
        only_intake: token.intake_id,
        stale_use,
        replay: Cell::new(false),
        entries: RefCell::default(),
    })
}

fn operator() -> Actor {
    Actor {
        token_id: None,
        user_id: None,
        person_id: None,
        role: Role::Operator,
        organization_id: None,
        scope: Scope::Everything,
        read_only: false,
        only_intake: None,
        stale_use: false,
        replay: Cell::new(false),
        entries: RefCell::default(),
    }
}

/// A role that needs a person or an organization which the grant lacks sees nothing, so it is no valid credential at all.
fn scope(grant: &RoleGrant, person_id: Option<PersonId>) -> Result<Scope, Error> {
    let organization = || grant.organization_id.ok_or(Error::Unauthenticated);
    let person = || person_id.ok_or(Error::Unauthenticated);
    Ok(match grant.role {
        Role::Administrator | Role::Operator => Scope::Everything,
        Role::Coordinator | Role::Auditor => Scope::Provider(organization()?),
        Role::Partner => Scope::Sponsor(organization()?),
        Role::ClassAdviser => Scope::Adviser(person()?, organization()?),
        Role::Instructor => Scope::Teacher(person()?, organization()?),
        Role::Trainee => Scope::Own(person()?),
    })
}

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
    role_grant_id: Id<RoleGrant>,
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
        role_grant_id: new.role_grant_id,
        name: new.name,
        prefix: secret.prefix(),
        hash: secret.hash().to_vec(),
        read_only: new.read_only,
        intake_id: new.intake_id,
        expires_at: new.expires_at,
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

/// Every token with its grant and its user, oldest first.
pub fn list_tokens(conn: &mut Conn, actor: &Actor) -> Result<Vec<(Token, RoleGrant, User)>, Error> {
    actor.may(Action::ManageAccess)?;
    Ok(tokens::table
        .inner_join(role_grants::table.on(role_grants::id.eq(tokens::role_grant_id)))
        .inner_join(users::table.on(users::id.eq(role_grants::user_id)))
        .order(tokens::id)
        .select((Token::as_select(), RoleGrant::as_select(), User::as_select()))
        .load(conn)?)
}

/// The ids of the intakes that `provider` and its units give; what every scope below is held to, so that a role at one provider opens
/// nothing at another.
#[diesel::dsl::auto_type]
pub fn provided(provider: OrganizationId) -> _ {
    let house: below = below(provider);
    intakes::table.filter(intakes::provider_id.eq_any(house)).select(intakes::id)
}

/// Whether an intake, named by a column, is one that a sponsor or one of its plants has to do with: somebody from there or below is
/// enrolled in it, or it has a quota for the sponsor or a unit there, which may look before its first nomination. A macro, because a query that has
/// `intakes` in it cannot be a part of one over `intakes`.
macro_rules! sponsored {
    ($intake:expr, $organization:expr) => {
        $intake
            .eq_any($crate::access::enrolled_from($organization))
            .or($intake.eq_any($crate::access::promised($organization)))
            .or($intake.eq_any($crate::access::promised_to_units($organization)))
    };
}
pub(crate) use sponsored;

/// The ids of the intakes in which somebody of `organization` or its units is enrolled.
#[diesel::dsl::auto_type]
pub fn enrolled_from(organization: OrganizationId) -> _ {
    let house: below = below(organization);
    enrollments::table.filter(enrollments::unit_id.eq_any(house)).select(enrollments::intake_id)
}

/// The ids of the intakes with a quota for the sponsor that `organization` is or belongs to. A row without seats says only that
/// somebody of the sponsor is enrolled, maybe at another plant.
#[diesel::dsl::auto_type]
pub fn promised(organization: OrganizationId) -> _ {
    intake_sponsors::table
        .inner_join(organizations::table.on(organizations::root_id.eq(intake_sponsors::sponsor_id)))
        .filter(organizations::id.eq(organization))
        .filter(intake_sponsors::seats.is_not_null())
        .select(intake_sponsors::intake_id)
}

/// The ids of the intakes with a quota for `organization` as a unit, or for one above or below it.
#[diesel::dsl::auto_type]
pub fn promised_to_units(organization: OrganizationId) -> _ {
    let house: below = below(organization);
    let above = organization_tree::table.filter(organization_tree::descendant_id.eq(organization)).select(organization_tree::ancestor_id);
    unit_quotas::table
        .filter(unit_quotas::unit_id.eq_any(house).or(unit_quotas::unit_id.eq_any(above)))
        .filter(unit_quotas::seats.is_not_null())
        .select(unit_quotas::intake_id)
}

/// The ids of the cohorts that `person` looks after for `provider`.
#[diesel::dsl::auto_type]
pub fn advised(person: PersonId, provider: OrganizationId) -> _ {
    let own: provided = provided(provider);
    cohorts::table.filter(cohorts::adviser_id.eq(person)).filter(cohorts::intake_id.eq_any(own)).select(cohorts::id)
}

/// The ids of the sessions that `person` teaches for `provider`; drafts are not announced yet.
#[diesel::dsl::auto_type]
pub fn taught(person: PersonId, provider: OrganizationId) -> _ {
    let own: provided = provided(provider);
    let draft: SessionState = SessionState::Draft;
    sessions::table
        .filter(
            sessions::id.eq_any(
                session_instructors::table.filter(session_instructors::person_id.eq(person)).select(session_instructors::session_id),
            ),
        )
        .filter(sessions::state.ne(draft))
        .filter(sessions::intake_id.eq_any(own))
        .select(sessions::id)
}
