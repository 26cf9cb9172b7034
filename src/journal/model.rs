//! Entries and the chain over them.

use std::{fmt, str::FromStr};

use diesel::{Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    access::{Actor, Role, TokenId, UserId},
    clock::Instant,
    id::Id,
    intakes::IntakeId,
    organizations::OrganizationId,
    schema::journal_entries,
};

pub type EntryId = Id<Entry>;

/// What happened, as a room says it; [`Actor::record`] adds who and when.
#[derive(Clone, Debug)]
pub struct NewEntry {
    id: EntryId,
    action: &'static str,
    subject_kind: &'static str,
    subject_id: Uuid,
    provider_id: Option<OrganizationId>,
    intake_id: Option<IntakeId>,
    payload: Payload,
}

/// The part of an entry that may hold personal values; kept apart, so that an erasure can delete it without breaking the chain.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Payload {
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(super) from: Value,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(super) to: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
}

impl NewEntry {
    /// `action` is noun.verb, such as `roll_call.closed`; the subject is what it was done to.
    pub fn of<T>(action: &'static str, subject_kind: &'static str, subject: Id<T>) -> Self {
        Self {
            id: Id::generate(),
            action,
            subject_kind,
            subject_id: subject.uuid(),
            provider_id: None,
            intake_id: None,
            payload: Payload::default(),
        }
    }

    /// The organization whose auditors see the entry, with those above it: the one that the subject belongs to, whoever acts. A person
    /// belongs to the provider that recorded them, an intake and all in it to its provider, a role to where it is held.
    #[must_use]
    pub fn provider(mut self, provider: OrganizationId) -> Self {
        self.provider_id = Some(provider);
        self
    }

    /// As [`NewEntry::provider`], where a role is held; administrators alone hear of what concerns one that is held nowhere.
    #[must_use]
    pub fn held_at(self, organization: Option<OrganizationId>) -> Self {
        Self { provider_id: organization, ..self }
    }

    /// The id that the entry is going to have: what else the act writes is found through it.
    pub fn id(&self) -> EntryId {
        self.id
    }

    #[must_use]
    pub fn intake(mut self, intake: IntakeId) -> Self {
        self.intake_id = Some(intake);
        self
    }

    /// The values before.
    #[must_use]
    pub fn from(mut self, before: &impl Serialize) -> Self {
        self.payload.from = values(before);
        self
    }

    /// The values after.
    #[must_use]
    pub fn to(mut self, after: &impl Serialize) -> Self {
        self.payload.to = values(after);
        self
    }

    #[must_use]
    pub fn because(mut self, reason: Option<&str>) -> Self {
        self.payload.reason = reason.map(ToOwned::to_owned);
        self
    }
}

/// Rows of this crate always serialize; should one not, the entry says so instead of being lost.
fn values(row: &impl Serialize) -> Value {
    serde_json::to_value(row).unwrap_or_else(|error| Value::String(format!("not serializable: {error}")))
}

/// Position and hash of the last sealed entry; position 0, without a hash, before there is one. As text `4711:9f2c…`, the hash in 64 hex digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub position: i64,
    pub hash: Vec<u8>,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.position, hex::encode(&self.hash))
    }
}

impl FromStr for Head {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "is not a position, a colon and a hash, as `muster audit head` prints them".to_owned();
        let (position, hash) = text.trim().split_once(':').ok_or_else(wrong)?;
        let (position, hash): (i64, _) = (position.parse().map_err(|_| wrong())?, hex::decode(hash).map_err(|_| wrong())?);
        let is_whole = position > 0 && hash.len() == 32 || position == 0 && hash.is_empty();
        if is_whole { Ok(Self { position, hash }) } else { Err(wrong()) }
    }
}

/// An entry as stored, without its position.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = journal_entries)]
pub(super) struct Fact {
    pub(super) seq: i64,
    pub(super) id: EntryId,
    pub(super) recorded_at: Instant,
    pub(super) token_id: Option<TokenId>,
    pub(super) user_id: Option<UserId>,
    /// As stored, because an entry that somebody has forged has to be read as well, to be told as such.
    pub(super) role: String,
    pub(super) action: String,
    pub(super) subject_kind: String,
    pub(super) subject_id: Id<()>,
    pub(super) provider_id: Option<OrganizationId>,
    pub(super) intake_id: Option<IntakeId>,
    pub(super) payload_digest: Vec<u8>,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = journal_entries, treat_none_as_default_value = false)]
pub(super) struct NewFact {
    pub(super) id: EntryId,
    pub(super) recorded_at: Instant,
    pub(super) token_id: Option<TokenId>,
    pub(super) user_id: Option<UserId>,
    pub(super) role: Role,
    pub(super) action: &'static str,
    pub(super) subject_kind: &'static str,
    pub(super) subject_id: Id<()>,
    pub(super) provider_id: Option<OrganizationId>,
    pub(super) intake_id: Option<IntakeId>,
    pub(super) payload_digest: Vec<u8>,
}

/// An attributed entry on its way into the journal.
#[derive(Clone, Debug)]
pub struct Entry {
    pub(super) new: NewEntry,
    pub(super) recorded_at: Instant,
    pub(super) token_id: Option<TokenId>,
    pub(super) user_id: Option<UserId>,
    pub(super) role: Role,
}

impl Entry {
    pub fn by(actor: &Actor, now: Instant, new: NewEntry) -> Self {
        Self { new, recorded_at: now, token_id: actor.token_id(), user_id: actor.user_id(), role: actor.role() }
    }

    /// The rows of the entry: the fact and, apart, the salted payload that its digest speaks of.
    pub(super) fn rows(self, salt: [u8; 16]) -> (NewFact, EntryId, Vec<u8>, String) {
        let id = self.new.id;
        let body = values(&self.new.payload).to_string();
        let fact = NewFact {
            id,
            recorded_at: self.recorded_at,
            token_id: self.token_id,
            user_id: self.user_id,
            role: self.role,
            action: self.new.action,
            subject_kind: self.new.subject_kind,
            subject_id: Id::from_uuid(self.new.subject_id),
            provider_id: self.new.provider_id,
            intake_id: self.new.intake_id,
            payload_digest: digest(&salt, &body),
        };
        (fact, id, salt.to_vec(), body)
    }
}

/// The digest of a payload; the salt keeps short values (a phone number) from being guessed out of it.
pub(super) fn digest(salt: &[u8], body: &str) -> Vec<u8> {
    Sha256::new().chain_update(salt).chain_update(body).finalize().to_vec()
}

/// The hash that seals `fact` at `position`, from which on it counts: over the hash before and every field of the fact, one a line.
pub(super) fn chained(before: &[u8], (position, counts_from): (i64, Instant), fact: &Fact) -> Vec<u8> {
    let or_dash = |id: Option<String>| id.unwrap_or_else(|| "-".to_owned());
    let text = [
        position.to_string(),
        counts_from.unix_micros().to_string(),
        fact.id.to_string(),
        fact.recorded_at.unix_micros().to_string(),
        or_dash(fact.token_id.map(|id| id.to_string())),
        or_dash(fact.user_id.map(|id| id.to_string())),
        fact.role.clone(),
        fact.action.clone(),
        fact.subject_kind.clone(),
        fact.subject_id.to_string(),
        or_dash(fact.provider_id.map(|id| id.to_string())),
        or_dash(fact.intake_id.map(|id| id.to_string())),
        hex::encode(&fact.payload_digest),
    ]
    .join("\n");
    Sha256::new().chain_update(before).chain_update(text).finalize().to_vec()
}

/// An entry as the audit shows it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct SealedEntry {
    /// Gapless, from 1, never changed.
    pub position: i64,
    pub id: EntryId,
    pub recorded_at: Instant,
    pub token_id: Option<TokenId>,
    pub user_id: Option<UserId>,
    #[schema(value_type = Role)]
    pub role: String,
    #[schema(example = "enrollment.changed_state")]
    pub action: String,
    pub subject_kind: String,
    pub subject_id: Uuid,
    pub provider_id: Option<OrganizationId>,
    pub intake_id: Option<IntakeId>,
    /// The values before; null where there were none.
    #[schema(value_type = Object)]
    pub from: Value,
    /// The values after; null where there are none.
    #[schema(value_type = Object)]
    pub to: Value,
    pub reason: Option<String>,
    /// SHA-256 over this entry and the hash before, in hex.
    pub hash: String,
}

/// Which entries to list.
#[derive(Clone, Debug, Default)]
pub struct EntryFilter {
    pub subject_id: Option<Uuid>,
    pub action: Option<String>,
    pub intake_id: Option<IntakeId>,
}
