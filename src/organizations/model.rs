//! What an organization is.

use diesel::{AsChangeset, Identifiable, Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    clock::Instant,
    db::types::text_enum,
    http::{
        Patched,
        body::{given, nullable},
    },
    id::Id,
    schema::organizations,
    text::{Code, Name},
};

pub type OrganizationId = Id<Organization>;

text_enum! {
    /// What an organization is; a unit (campus, plant) is part of another.
    pub enum OrganizationKind {
        University => "university",
        Enterprise => "enterprise",
        GovernmentBody => "government_body",
        College => "college",
        Association => "association",
        EducationGroup => "education_group",
        Unit => "unit",
    }
}

/// An organization, or a unit of one.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Identifiable, AsChangeset, Serialize, ToSchema)]
#[diesel(table_name = organizations, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Organization {
    pub id: OrganizationId,
    /// Short and unique in the installation; files refer to it.
    #[schema(example = "JISCO-IRON")]
    pub code: Code,
    #[schema(example = "炼铁厂")]
    pub name: Name,
    #[schema(example = "Ironmaking Plant")]
    pub latin_name: Option<Name>,
    pub kind: OrganizationKind,
    /// The organization a unit belongs to.
    pub parent_id: Option<OrganizationId>,
    /// The organization at the top: itself, unless it is a unit.
    pub root_id: OrganizationId,
    /// Counts the changes; the ETag names it.
    pub version: i32,
    pub created_at: Instant,
}

/// An organization to be created.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrganization {
    #[schema(example = "JISCO-IRON")]
    pub code: Code,
    #[schema(example = "炼铁厂")]
    pub name: Name,
    #[serde(default)]
    #[schema(example = "Ironmaking Plant")]
    pub latin_name: Option<Name>,
    pub kind: OrganizationKind,
    /// Given for a unit, and only for a unit.
    #[serde(default)]
    pub parent_id: Option<OrganizationId>,
}

/// A merge patch (RFC 7396). Kind and place are fixed.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganizationPatch {
    #[serde(default, deserialize_with = "given")]
    pub code: Option<Code>,
    #[serde(default, deserialize_with = "given")]
    pub name: Option<Name>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Name>)]
    pub latin_name: Patched<Name>,
}

impl OrganizationPatch {
    /// What `organization` becomes; equal to it if the patch alters nothing.
    pub fn apply(self, organization: &Organization) -> Organization {
        let mut changed = organization.clone();
        changed.code = self.code.unwrap_or(changed.code);
        changed.name = self.name.unwrap_or(changed.name);
        changed.latin_name = self.latin_name.unwrap_or(changed.latin_name);
        changed
    }
}
