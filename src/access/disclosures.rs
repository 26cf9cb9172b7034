//! Disclosures: the people of one house shown to the partners of another for a time, as a subsidiary's are to the group; pure.

use diesel::{Identifiable, Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::UserId;
use crate::{
    clock::Instant,
    error::Error,
    id::Id,
    organizations::OrganizationId,
    schema::disclosures,
    text::{Code, Note},
};

pub type DisclosureId = Id<Disclosure>;

/// A disclosure as stored. All that becomes of it is that it ends.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, Identifiable, Serialize, ToSchema)]
#[diesel(table_name = disclosures, treat_none_as_default_value = false)]
pub struct Disclosure {
    pub id: DisclosureId,
    /// Whose people are shown: those sent by this organization and by all below it.
    pub organization_id: OrganizationId,
    /// To whom: the partners at this organization and above it.
    pub recipient_id: OrganizationId,
    pub from_at: Instant,
    /// Null as long as it has no end; `from_at` of one that was ended before it began.
    pub until_at: Option<Instant>,
    pub reason: Note,
    /// Who made it; null for the operator.
    pub user_id: Option<UserId>,
    pub created_at: Instant,
}

impl Disclosure {
    /// Whether it is in force no more, or never will be.
    pub(super) fn has_ended(&self, now: Instant) -> bool {
        self.until_at.is_some_and(|until| until <= now.max(self.from_at))
    }
}

/// A disclosure with what both sides are called.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DisclosureDocument {
    #[serde(flatten)]
    pub disclosure: Disclosure,
    #[schema(example = "JISCO-HX")]
    pub organization_code: Code,
    #[schema(example = "JISCO")]
    pub recipient_code: Code,
}

/// A disclosure to be made.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDisclosure {
    /// Whose people are shown; of a partner's own house.
    pub organization_id: OrganizationId,
    /// To whose partners; of another house.
    pub recipient_id: OrganizationId,
    /// Now, unless said; never before.
    #[serde(default)]
    pub from_at: Option<Instant>,
    /// Until it is ended, unless said.
    #[serde(default)]
    pub until_at: Option<Instant>,
    /// Told to both sides.
    pub reason: Note,
}

impl NewDisclosure {
    /// From when and until when it is in force.
    ///
    /// # Errors
    /// 422 for what has been shown before anybody said so, and for an end that is not after the beginning.
    pub(super) fn span(&self, now: Instant) -> Result<(Instant, Option<Instant>), Error> {
        let from_at = self.from_at.unwrap_or(now);
        if from_at < now {
            return Err(Error::invalid("/from_at", "from_past", "people are shown from now on, or from later on"));
        }
        if self.until_at.is_some_and(|until| until <= from_at) {
            return Err(Error::invalid("/until_at", "until_past", "a disclosure ends after it begins"));
        }
        Ok((from_at, self.until_at))
    }
}
