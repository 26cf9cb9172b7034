//! Roles, scopes, users and tokens.

use std::fmt;

use chrono::TimeDelta;
use diesel::{Identifiable, Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::{
    clock::Instant,
    db::types::text_enum,
    error::Error,
    id::Id,
    intakes::IntakeId,
    organizations::OrganizationId,
    people::PersonId,
    programs::ProgramId,
    schema::{role_grants, tokens, users},
    text::{Code, Name},
};

pub type UserId = Id<User>;
pub type RoleGrantId = Id<RoleGrant>;
pub type TokenId = Id<Token>;

text_enum! {
    /// What a token is for.
    pub enum TokenKind {
        /// A program sends it with each request.
        Api => "api",
        /// A browser holds it as a cookie.
        SignIn => "sign_in",
    }
}

text_enum! {
    /// What a user is at an organization (DOMAIN: who may do what). `operator` is whoever runs the command line on the
    /// database itself; it is never granted.
    pub enum Role {
        Administrator => "administrator",
        Coordinator => "coordinator",
        ClassAdviser => "class_adviser",
        Instructor => "instructor",
        Partner => "partner",
        Trainee => "trainee",
        Auditor => "auditor",
        Operator => "operator",
    }
}

impl Role {
    /// Whether only somebody who is a known person can hold it: what it sees is that person's own.
    pub fn is_a_persons(self) -> bool {
        matches!(self, Self::ClassAdviser | Self::Instructor | Self::Trainee)
    }

    /// The roles that whoever holds this one gives, takes and shows to others in the own house: never above it. An auditor is shown the
    /// same as a coordinator, and gives none.
    pub fn manages(self) -> &'static [Self] {
        match self {
            Self::Administrator | Self::Operator => {
                &[Self::Administrator, Self::Coordinator, Self::ClassAdviser, Self::Instructor, Self::Partner, Self::Trainee, Self::Auditor]
            }
            Self::Coordinator | Self::Auditor => &[Self::Coordinator, Self::ClassAdviser, Self::Instructor, Self::Trainee],
            Self::Partner => &[Self::Partner],
            Self::ClassAdviser | Self::Instructor | Self::Trainee => &[],
        }
    }

    /// Whether it is held at who provides a program (DOMAIN 5). An instructor may be lent by the sponsor and hold the role there.
    pub fn is_a_providers(self) -> bool {
        matches!(self, Self::Coordinator | Self::ClassAdviser | Self::Trainee | Self::Auditor)
    }
}

/// Whose users, roles and tokens are somebody's to see, and to manage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    Everything,
    /// Those with one of these roles at this organization or below it.
    House(OrganizationId, &'static [Role]),
    Nothing,
}

impl Reach {
    /// Of a role, where it is held: nowhere by an administrator.
    pub(super) fn of(role: Role, organization: Option<OrganizationId>) -> Self {
        match (role, organization) {
            (Role::Administrator | Role::Operator, _) => Self::Everything,
            (_, Some(organization)) => Self::House(organization, role.manages()),
            (_, None) => Self::Nothing,
        }
    }
}

/// Whose rows an actor sees. Every list and every look-up by id is filtered by it in SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Everything,
    /// What this organization and its units provide.
    Provider(OrganizationId),
    /// The enrollments whose unit is this organization or below it, and to read those that are disclosed to it at this instant.
    Sponsor(OrganizationId, Instant),
    /// The cohorts this person looks after for this provider.
    Adviser(PersonId, OrganizationId),
    /// The sessions this person teaches for this provider.
    Teacher(PersonId, OrganizationId),
    /// This person's own enrollments in what this provider provides.
    Own(PersonId, OrganizationId),
}

impl Scope {
    /// What kind of scope it is, and of which organization and person.
    pub fn parts(self) -> (&'static str, Option<OrganizationId>, Option<PersonId>) {
        match self {
            Self::Everything => ("everything", None, None),
            Self::Provider(provider) => ("provider", Some(provider), None),
            Self::Sponsor(sponsor, _) => ("sponsor", Some(sponsor), None),
            Self::Adviser(person, provider) => ("adviser", Some(provider), Some(person)),
            Self::Teacher(person, provider) => ("teacher", Some(provider), Some(person)),
            Self::Own(person, provider) => ("own", Some(provider), Some(person)),
        }
    }
}

/// Somebody or something that may hold roles.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, Identifiable, Serialize, ToSchema)]
#[diesel(table_name = users, treat_none_as_default_value = false)]
pub struct User {
    pub id: UserId,
    pub name: Name,
    pub person_id: Option<PersonId>,
    pub disabled_at: Option<Instant>,
    pub created_at: Instant,
    /// Since when a second factor is asked for; null where none is.
    pub second_factor_at: Option<Instant>,
}

/// A user with the roles in the caller's reach that have not ended.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UserDocument {
    #[serde(flatten)]
    pub user: User,
    pub roles: Vec<HeldRole>,
}

/// A role that a user holds, or will hold.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HeldRole {
    pub id: RoleGrantId,
    pub role: Role,
    pub organization_id: Option<OrganizationId>,
    /// Null for an administrator.
    #[schema(example = "USTB")]
    pub organization_code: Option<Code>,
    /// Of a partner: whether the partner's users and tokens are seen and managed.
    pub manages_access: bool,
    pub from_at: Instant,
    pub until_at: Option<Instant>,
}

impl HeldRole {
    pub fn new((grant, organization_code): (RoleGrant, Option<Code>)) -> Self {
        let RoleGrant { id, role, organization_id, manages_access, from_at, until_at, .. } = grant;
        Self { id, role, organization_id, organization_code, manages_access, from_at, until_at }
    }
}

/// A token of a program, without its secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TokenDocument {
    pub id: TokenId,
    /// What it is for.
    #[schema(example = "time clock")]
    pub name: Name,
    /// How its secret begins.
    #[schema(example = "muster_0123456789")]
    pub prefix: String,
    pub user_id: UserId,
    /// In whose name it acts.
    #[schema(example = "time clock of JISCO")]
    pub user_name: Name,
    pub role_grant_id: RoleGrantId,
    pub role: Role,
    pub organization_id: Option<OrganizationId>,
    pub read_only: bool,
    /// Good for this intake alone.
    pub intake_id: Option<IntakeId>,
    /// Good for the intakes of this program alone.
    pub program_id: Option<ProgramId>,
    pub created_at: Instant,
    pub expires_at: Instant,
    /// To five minutes; null if not yet.
    pub last_used_at: Option<Instant>,
    pub revoked_at: Option<Instant>,
}

impl TokenDocument {
    pub fn new((token, grant, user): (Token, RoleGrant, User)) -> Self {
        let Token { id, name, prefix, read_only, intake_id, program_id, created_at, expires_at, last_used_at, revoked_at, .. } = token;
        Self {
            id,
            name,
            prefix,
            user_id: user.id,
            user_name: user.name,
            role_grant_id: grant.id,
            role: grant.role,
            organization_id: grant.organization_id,
            read_only,
            intake_id,
            program_id,
            created_at,
            expires_at,
            last_used_at,
            revoked_at,
        }
    }
}

#[derive(Clone, Debug)]
pub struct NewUser {
    pub name: Name,
    pub person_id: Option<PersonId>,
}

/// A user to make, with a first role.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUserIn {
    /// What they sign in with; unique in the installation.
    name: Name,
    /// Who the user is; needed for class advisers, instructors and trainees.
    #[serde(default)]
    person_id: Option<PersonId>,
    /// administrator, coordinator, class_adviser, instructor, partner, trainee or auditor; never above the caller's own.
    #[schema(example = "instructor")]
    role: Role,
    /// Where it is held: the caller's own organization or one below it. An administrator's is held nowhere.
    #[serde(default)]
    organization_id: Option<OrganizationId>,
    /// Whether a partner sees and manages the partner's users and tokens.
    #[serde(default)]
    manages_access: bool,
    /// When the role begins; now, unless said.
    #[serde(default)]
    from_at: Option<Instant>,
    /// When it ends; never by itself, unless said.
    #[serde(default)]
    until_at: Option<Instant>,
}

impl NewUserIn {
    pub(super) fn parts(self) -> (NewUser, NewRoleGrant) {
        let Self { name, person_id, role, organization_id, manages_access, from_at, until_at } = self;
        (NewUser { name, person_id }, NewRoleGrant { role, organization_id, manages_access, from_at, until_at })
    }
}

/// A token to make.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTokenIn {
    /// What it is for.
    name: Name,
    /// The role in which it acts, as a user's `roles` name it; the caller's own, unless said.
    #[serde(default)]
    role_grant_id: Option<RoleGrantId>,
    /// Whether it may change nothing.
    #[serde(default)]
    read_only: bool,
    /// Good for this intake alone.
    #[serde(default)]
    intake_id: Option<IntakeId>,
    /// Good for the intakes of this program alone.
    #[serde(default)]
    program_id: Option<ProgramId>,
    /// Ten years ahead at most.
    expires_at: Instant,
}

impl NewTokenIn {
    /// For that role, or else the one of whoever asks.
    pub(super) fn of(self, own: Option<RoleGrantId>) -> Result<NewToken, Error> {
        let Self { name, role_grant_id, read_only, intake_id, program_id, expires_at } = self;
        let role_grant_id = role_grant_id.or(own).ok_or_else(RoleGrant::unknown)?;
        Ok(NewToken { role_grant_id, name, read_only, intake_id, program_id, expires_at })
    }
}

/// A token of a program, with its secret where it has just been made.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct IssuedTokenDocument {
    #[serde(flatten)]
    pub(super) document: TokenDocument,
    /// Sent as `Authorization: Bearer …`. Told this once: null in the answer to the same request again.
    #[schema(value_type = Option<String>, example = "muster_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")]
    pub(super) secret: Option<Secret>,
}

/// A role that a user is to hold.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoleGrant {
    /// administrator, coordinator, class_adviser, instructor, partner, trainee or auditor; never above the caller's own.
    #[schema(example = "instructor")]
    pub role: Role,
    /// Where it is held: the caller's own organization or one below it. An administrator's is held nowhere.
    #[serde(default)]
    pub organization_id: Option<OrganizationId>,
    /// Whether a partner sees and manages the partner's users and tokens.
    #[serde(default)]
    pub manages_access: bool,
    /// Now, unless said.
    #[serde(default)]
    pub from_at: Option<Instant>,
    /// Until it is ended, unless said.
    #[serde(default)]
    pub until_at: Option<Instant>,
}

impl NewRoleGrant {
    /// From now until it is ended.
    pub fn lasting(role: Role, organization_id: Option<OrganizationId>) -> Self {
        Self { role, organization_id, manages_access: false, from_at: None, until_at: None }
    }
}

/// A role of a user at an organization, for a time.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, Identifiable, Serialize)]
#[diesel(table_name = role_grants, treat_none_as_default_value = false)]
pub struct RoleGrant {
    pub id: RoleGrantId,
    pub user_id: UserId,
    pub role: Role,
    pub organization_id: Option<OrganizationId>,
    pub manages_access: bool,
    pub from_at: Instant,
    pub until_at: Option<Instant>,
}

impl RoleGrant {
    pub fn is_current(&self, now: Instant) -> bool {
        self.from_at <= now && self.until_at.is_none_or(|until| now < until)
    }

    /// What is said of a role in which somebody would act and that is not theirs.
    pub(super) fn unknown() -> Error {
        Error::invalid("/role_grant_id", "unknown_role_grant", "this role is not yours, or not at this time")
    }
}

/// A token as stored: never the secret, only its SHA-256.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, Identifiable)]
#[diesel(table_name = tokens, treat_none_as_default_value = false)]
pub struct Token {
    pub id: TokenId,
    pub kind: TokenKind,
    pub role_grant_id: RoleGrantId,
    pub name: Name,
    pub prefix: String,
    pub hash: Vec<u8>,
    pub read_only: bool,
    pub intake_id: Option<IntakeId>,
    pub program_id: Option<ProgramId>,
    pub expires_at: Instant,
    /// So long after its last use a sign-in ends.
    pub idle_minutes: Option<i32>,
    pub last_used_at: Option<Instant>,
    pub revoked_at: Option<Instant>,
    pub created_at: Instant,
}

impl Token {
    /// Whether it was not used for so long that it has ended. The last use is known to five minutes.
    pub fn is_idle(&self, now: Instant) -> bool {
        let used = self.last_used_at.unwrap_or(self.created_at);
        self.idle_minutes.is_some_and(|minutes| used.plus(TimeDelta::minutes(minutes.into())) <= now)
    }
}

#[derive(Clone, Debug)]
pub struct NewToken {
    pub role_grant_id: RoleGrantId,
    pub name: Name,
    pub read_only: bool,
    /// Good for this intake alone.
    pub intake_id: Option<IntakeId>,
    /// Good for the intakes of this program alone.
    pub program_id: Option<ProgramId>,
    pub expires_at: Instant,
}

/// A token that was just made; the secret is shown this once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IssuedToken {
    pub id: TokenId,
    pub token: Secret,
    pub expires_at: Instant,
}

/// A sign-in that has just begun; the secret is for the cookie alone.
#[derive(Clone, Debug)]
pub struct BegunSignIn {
    pub id: TokenId,
    pub secret: Secret,
    pub expires_at: Instant,
}

/// That a user knew the password or the one-time code whose hash this is, which has to be the user's still.
#[derive(Clone)]
pub struct Proof {
    pub user_id: UserId,
    pub hash: String,
    /// The role in which the user acts; the oldest one unless chosen.
    pub role_grant_id: Option<RoleGrantId>,
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proof({})", self.user_id)
    }
}

/// The secret of a token, an invitation or a feed's address: `muster_` and 64 hex digits (32 random bytes). Not printed by `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    const LENGTH: usize = 71;
    /// Ten of the digits: among ten thousand tokens two begin alike in one installation of twenty thousand.
    const PREFIX: usize = 17;

    /// Draws a new secret from the operating system.
    pub fn generate() -> Result<Self, Error> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes).map_err(Error::internal)?;
        Ok(Self(format!("muster_{}", hex::encode(bytes))))
    }

    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it may be all of a token, and not only its beginning.
    pub(super) fn is_whole(&self) -> bool {
        self.0.len() == Self::LENGTH
    }

    /// The hash under which it is stored. A fast hash suffices, because the secret has 256 random bits.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }

    /// What people recognize it by: the first 17 characters.
    pub fn prefix(&self) -> String {
        self.0.chars().take(Self::PREFIX).collect()
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({}…)", self.prefix())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_random_and_does_not_print_itself() {
        let secret = Secret::generate().unwrap();
        assert_eq!((secret.expose().len(), secret.prefix().len()), (Secret::LENGTH, Secret::PREFIX));
        assert_ne!(secret, Secret::generate().unwrap());
        assert!(!format!("{secret:?}").contains(secret.expose()));
    }
}
