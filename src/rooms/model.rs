//! What a room is, as stored and sent.

use diesel::{AsChangeset, Identifiable, Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    clock::Instant,
    db::types::text_enum,
    error::{Error, FieldFault},
    http::{
        Patched,
        body::{given, nullable},
    },
    id::Id,
    organizations::OrganizationId,
    schema::rooms,
    text::{Code, Link, Name, Note},
};

pub type RoomId = Id<Room>;

text_enum! {
    /// Where one goes to.
    pub enum RoomKind {
        OnSite => "on_site",
        Online => "online",
    }
}

/// A room or an online place of a provider. Either holds one session at a time.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Identifiable, AsChangeset, Serialize, ToSchema)]
#[diesel(table_name = rooms, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Room {
    pub id: RoomId,
    /// The organization whose room it is.
    pub provider_id: OrganizationId,
    /// Unique at the provider.
    #[schema(example = "A-301")]
    pub code: Code,
    #[schema(example = "教学楼 301")]
    pub name: Name,
    pub kind: RoomKind,
    /// Of an online place: where one joins.
    #[schema(example = "https://meeting.example.org/5551234")]
    pub link: Option<Link>,
    /// How many trainees it holds; null where that is no matter.
    #[schema(example = 64)]
    pub capacity: Option<i32>,
    pub version: i32,
    pub created_at: Instant,
}

/// A room to be recorded.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoom {
    /// The caller's own organization unless said.
    #[serde(default)]
    pub provider_id: Option<OrganizationId>,
    pub code: Code,
    pub name: Name,
    pub kind: RoomKind,
    #[serde(default)]
    pub link: Option<Link>,
    #[serde(default)]
    #[schema(minimum = 1)]
    pub capacity: Option<i32>,
}

/// A merge patch (RFC 7396). The kind is fixed.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomPatch {
    #[serde(default, deserialize_with = "given")]
    pub code: Option<Code>,
    #[serde(default, deserialize_with = "given")]
    pub name: Option<Name>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Link>)]
    pub link: Patched<Link>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i32>, minimum = 1)]
    pub capacity: Patched<i32>,
    /// Needed for another name or link if published sessions are to come there; whoever these concern is told.
    #[serde(default)]
    pub reason: Option<Note>,
}

impl RoomPatch {
    /// What `room` becomes; equal to it if the patch alters nothing.
    pub(super) fn apply(self, room: &Room) -> Room {
        let mut changed = room.clone();
        changed.code = self.code.unwrap_or(changed.code);
        changed.name = self.name.unwrap_or(changed.name);
        changed.link = self.link.unwrap_or(changed.link);
        changed.capacity = self.capacity.unwrap_or(changed.capacity);
        changed
    }
}

impl Room {
    /// # Errors
    /// 422 for a link to a room that is not online, and a capacity below 1.
    pub(super) fn check(&self) -> Result<(), Error> {
        let mut faults = Vec::new();
        if self.kind == RoomKind::OnSite && self.link.is_some() {
            faults.push(FieldFault::new("/link", "not_online", "only an online place has a link"));
        }
        if self.capacity.is_some_and(|capacity| capacity < 1) {
            faults.push(FieldFault::new("/capacity", "out_of_range", "must be 1 or more"));
        }
        Error::unless_valid(faults)
    }
}
