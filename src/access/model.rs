//! Roles, scopes, users and tokens.

use std::fmt;

use chrono::TimeDelta;
use diesel::{Identifiable, Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    clock::Instant,
    db::types::text_enum,
    error::Error,
    id::Id,
    intakes::IntakeId,
    organizations::OrganizationId,
    people::PersonId,
    schema::{role_grants, tokens, users},
    text::Name,
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

    /// Whether it is held at who provides a program (DOMAIN 5). An instructor may be lent by the sponsor and hold the role there.
    pub fn is_a_providers(self) -> bool {
        matches!(self, Self::Coordinator | Self::ClassAdviser | Self::Auditor)
    }
}

/// Whose rows an actor sees. Every list and every look-up by id is filtered by it in SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Everything,
    /// What this organization and its units provide.
    Provider(OrganizationId),
    /// The enrollments whose unit is this organization or below it.
    Sponsor(OrganizationId),
    /// The cohorts this person looks after for this provider.
    Adviser(PersonId, OrganizationId),
    /// The sessions this person teaches for this provider.
    Teacher(PersonId, OrganizationId),
    /// This person's own enrollments.
    Own(PersonId),
}

/// Somebody or something that may hold roles.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, Identifiable, Serialize)]
#[diesel(table_name = users, treat_none_as_default_value = false)]
pub struct User {
    pub id: UserId,
    pub name: Name,
    pub person_id: Option<PersonId>,
    pub disabled_at: Option<Instant>,
    pub created_at: Instant,
}

#[derive(Clone, Debug)]
pub struct NewUser {
    pub name: Name,
    pub person_id: Option<PersonId>,
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
    pub intake_id: Option<IntakeId>,
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

/// That a user knew the password whose hash this is, which has to be the user's still.
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
