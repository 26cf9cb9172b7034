//! The table of rooms, and who sees which of them.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::model::{NewRoom, Room, RoomId, RoomPatch};
use crate::{
    access::{Action, Actor, Scope},
    clock::Instant,
    db::{CHUNK, Conn, MultiBackend},
    error::Error,
    http::{Caller, ETag},
    id::Id,
    journal::NewEntry,
    organizations::{OrganizationId, below, check_provider},
    schedule,
    schema::{rooms, sessions},
    text::Note,
};

const NONE: [RoomId; 0] = [];

/// The rooms in the actor's scope: the provider's; with a narrowed token those in which its intakes have sessions.
fn visible(actor: &Actor) -> rooms::BoxedQuery<'static, MultiBackend> {
    let query = match actor.scope() {
        Scope::Everything => rooms::table.into_boxed(),
        Scope::Provider(provider) => rooms::table.into_boxed().filter(rooms::provider_id.eq_any(below(provider))),
        // Where a session is, it says itself.
        Scope::Sponsor(..) | Scope::Adviser(..) | Scope::Teacher(..) | Scope::Own(..) => {
            rooms::table.into_boxed().filter(rooms::id.eq_any(NONE))
        }
    };
    match actor.only_intakes() {
        Some(only) => {
            query.filter(rooms::id.nullable().eq_any(sessions::table.filter(sessions::intake_id.eq_any(only)).select(sessions::room_id)))
        }
        None => query,
    }
}

/// The rooms after `cursor`, by id.
pub fn list(conn: &mut Conn, actor: &Actor, cursor: Option<RoomId>, limit: i64) -> Result<Vec<Room>, Error> {
    actor.may(Action::ReadRooms)?;
    let mut query = visible(actor).order(rooms::id).limit(limit).select(Room::as_select());
    if let Some(cursor) = cursor {
        query = query.filter(rooms::id.gt(cursor));
    }
    Ok(query.load(conn)?)
}

/// One room, if the actor sees it.
pub fn find(conn: &mut Conn, actor: &Actor, id: RoomId) -> Result<Room, Error> {
    let room = visible(actor).filter(rooms::id.eq(id)).select(Room::as_select()).first(conn)?;
    actor.may(Action::ReadRooms)?;
    Ok(room)
}

/// The rooms of a provider that the actor sees, by code.
pub fn of_provider(conn: &mut Conn, actor: &Actor, provider: OrganizationId) -> Result<Vec<Room>, Error> {
    Ok(visible(actor).filter(rooms::provider_id.eq(provider)).order(rooms::code).select(Room::as_select()).load(conn)?)
}

/// Refuses rooms that the actor does not see.
///
/// # Errors
/// [`Error::NotFound`].
pub fn check_all(conn: &mut Conn, actor: &Actor, ids: BTreeSet<RoomId>) -> Result<(), Error> {
    let ids: Vec<RoomId> = ids.into_iter().collect();
    let mut found = 0;
    for chunk in ids.chunks(CHUNK) {
        found += visible(actor).filter(rooms::id.eq_any(chunk.to_vec())).count().get_result::<i64>(conn)?;
    }
    if usize::try_from(found).ok() != Some(ids.len()) { Err(Error::NotFound) } else { Ok(()) }
}

/// Records a room at `new.provider_id` or the actor's own organization.
///
/// # Errors
/// 404 if the provider is not in the actor's scope; 409 `already_exists` if the provider has a room with this code; 422.
pub fn create(conn: &mut Conn, actor: &Actor, now: Instant, new: NewRoom) -> Result<Room, Error> {
    let provider = new.provider_id.or(actor.organization_id());
    if let Some(provider) = provider {
        check_provider(conn, actor, provider)?;
    }
    actor.may_beyond_intakes(Action::WriteRooms)?;
    let provider_id =
        provider.ok_or_else(|| Error::invalid("/provider_id", "provider_missing", "say whose room it is; you act for no provider"))?;
    let NewRoom { code, name, kind, link, capacity, .. } = new;
    let room = Room { id: Id::generate(), provider_id, code, name, kind, link, capacity, version: 1, created_at: now };
    room.check()?;
    refuse_taken(conn, &room)?;
    diesel::insert_into(rooms::table).values(&room).execute(conn)?;
    actor.record(NewEntry::of("room.created", "room", room.id).provider(provider_id).to(&room));
    Ok(room)
}

/// Refuses a code that another room of the provider has; the index refuses it too, without a name.
fn refuse_taken(conn: &mut Conn, room: &Room) -> Result<(), Error> {
    let same =
        rooms::table.filter(rooms::provider_id.eq(room.provider_id)).filter(rooms::code.eq(&room.code)).filter(rooms::id.ne(room.id));
    if same.count().get_result::<i64>(conn)? == 0 {
        return Ok(());
    }
    Err(Error::conflict("already_exists", format!("the provider has a room {} already", room.code)))
}

/// Applies a patch under `If-Match`. Whoever is to come there is told of another name or link, and why.
///
/// # Errors
/// 409 `already_exists`; 422, also `reason_missing` for another name or link without one while published sessions are to come there.
pub fn update(conn: &mut Conn, actor: &Actor, now: Instant, caller: &Caller, id: RoomId, patch: RoomPatch) -> Result<Room, Error> {
    let stored = find(conn, actor, id)?;
    actor.may_beyond_intakes(Action::WriteRooms)?;
    let reason = patch.reason.clone();
    let mut changed = patch.apply(&stored);
    changed.check()?;
    caller.check_if_match(&ETag::version(stored.version), changed != stored)?;
    if changed == stored {
        return Ok(stored);
    }
    refuse_taken(conn, &changed)?;
    let is_told = (&changed.name, &changed.link) != (&stored.name, &stored.link);
    let to_come = if is_told { schedule::to_come_in(conn, now, id)? } else { Vec::new() };
    changed.version += 1;
    let updated =
        diesel::update(rooms::table.filter(rooms::id.eq(id)).filter(rooms::version.eq(stored.version))).set(&changed).execute(conn)?;
    if updated == 0 {
        return Err(Error::Stale);
    }
    actor.record(
        NewEntry::of("room.updated", "room", id)
            .provider(stored.provider_id)
            .from(&stored)
            .to(&changed)
            .because(reason.as_ref().map(Note::as_str)),
    );
    schedule::room_changed(conn, actor, now, to_come, reason.as_ref())?;
    Ok(changed)
}
