//! Published sessions whose room changes while they stay in it.

use std::collections::HashMap;

use diesel::prelude::*;

use super::{
    super::changes::ScheduleChangeKind,
    super::model::{Session, SessionId, SessionRow, SessionState, UNHELD},
    changes::{self, NewChange},
    links::whole,
};
use crate::{
    access::Actor,
    clock::Instant,
    db::{self, CHUNK, Conn},
    error::Error,
    intakes::IntakeId,
    journal::NewEntry,
    organizations::OrganizationId,
    rooms::RoomId,
    schema::{intakes, sessions},
    text::Note,
};

/// The published sessions in a room that are not over, of whichever intake; until the end of the transaction none leaves it or enters it.
/// Their intakes are locked, in the order of their ids, and then the room, as whoever puts a session into it locks one intake and then
/// claims the room.
///
/// # Errors
/// 503 if a session of yet another intake was put there while this one waited: its intake cannot be locked after the room.
pub fn to_come_in(conn: &mut Conn, now: Instant, room: RoomId) -> Result<Vec<Session>, Error> {
    let in_room = || sessions::table.filter(sessions::room_id.eq(room)).filter(sessions::ends_at.gt(now));
    // Those with drafts too, for these may be published meanwhile.
    let unheld = in_room().filter(sessions::state.eq_any(UNHELD)).select(sessions::intake_id);
    let intakes: Vec<IntakeId> = unheld.distinct().order(sessions::intake_id).load(conn)?;
    for intake in &intakes {
        db::lock(conn, "intake", *intake)?;
    }
    db::lock(conn, "claim:room", room)?;
    let published = in_room().filter(sessions::state.eq(SessionState::Published));
    let rows: Vec<SessionRow> = published.order((sessions::starts_at, sessions::id)).select(SessionRow::as_select()).load(conn)?;
    if rows.iter().any(|row| intakes.binary_search(&row.intake_id).is_err()) {
        return Err(Error::Unavailable(anyhow::anyhow!("a session was put into room {room} while it was being changed")));
    }
    whole(conn, rows)
}

/// Tells of the room of these sessions, which has another name or link than when they were read, and why.
///
/// # Errors
/// 422 `reason_missing` if there is any and no reason.
pub fn room_changed(conn: &mut Conn, actor: &Actor, now: Instant, sessions: Vec<Session>, reason: Option<&Note>) -> Result<(), Error> {
    if sessions.is_empty() {
        return Ok(());
    }
    let missing =
        || Error::invalid("/reason", "reason_missing", "published sessions are to come there; say why, for those whom they concern");
    let reason = reason.ok_or_else(missing)?;
    let ids: Vec<SessionId> = sessions.iter().map(|session| session.row.id).collect();
    let mut providers: HashMap<SessionId, OrganizationId> = HashMap::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let in_room = sessions::table.filter(sessions::id.eq_any(chunk.to_vec()));
        let found = in_room.clone().inner_join(intakes::table.on(intakes::id.eq(sessions::intake_id)));
        providers.extend(found.select((sessions::id, intakes::provider_id)).load::<(SessionId, OrganizationId)>(conn)?);
        diesel::update(in_room)
            .set((sessions::sequence.eq(sessions::sequence + 1), sessions::version.eq(sessions::version + 1), sessions::changed_at.eq(now)))
            .execute(conn)?;
    }
    let row =
        |stored: &SessionRow| SessionRow { sequence: stored.sequence + 1, version: stored.version + 1, changed_at: now, ..stored.clone() };
    let rows = sessions.iter().map(|session| row(&session.row));
    let changed = whole(conn, rows.collect())?;
    let told = sessions.iter().zip(&changed).map(|(before, after)| NewChange { before, after: Some(after), successor: None, reason });
    changes::record(conn, actor, now, told.collect())?;
    for (before, after) in sessions.iter().zip(&changed) {
        let provider = *providers.get(&after.row.id).ok_or(Error::NotFound)?;
        let action = ScheduleChangeKind::of(before, Some(after)).action();
        let entry = NewEntry::of(action, "session", after.row.id).provider(provider).intake(after.row.intake_id);
        actor.record(entry.from(before).to(after).because(Some(reason.as_str())));
    }
    Ok(())
}
