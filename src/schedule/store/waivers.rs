//! Waivers: a coordinator's word that two sessions may overlap.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;

use super::{
    super::conflicts::Granted,
    super::model::{NewWaiver, SessionId, Waiver, WaiverRow},
    super::rules::pair,
    find,
    links::CHUNK,
};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::Conn,
    error::Error,
    intakes,
    journal::NewEntry,
    schema::{claim_waivers, users},
    text::{Name, Note},
};

/// The waivers of pairs whose smaller id is one of these.
pub(super) fn granted(conn: &mut Conn, firsts: BTreeSet<SessionId>) -> Result<HashMap<(SessionId, SessionId), Granted>, Error> {
    let firsts: Vec<SessionId> = firsts.into_iter().collect();
    let mut granted = HashMap::new();
    for chunk in firsts.chunks(CHUNK) {
        let rows: Vec<(SessionId, SessionId, Note, Option<Name>, Instant)> = claim_waivers::table
            .left_join(users::table.on(users::id.nullable().eq(claim_waivers::user_id)))
            .filter(claim_waivers::first_session_id.eq_any(chunk.to_vec()))
            .select((
                claim_waivers::first_session_id,
                claim_waivers::second_session_id,
                claim_waivers::reason,
                users::name.nullable(),
                claim_waivers::created_at,
            ))
            .load(conn)?;
        let word = |(first, second, reason, granted_by, granted_at)| ((first, second), Granted { reason, granted_by, granted_at });
        granted.extend(rows.into_iter().map(word));
    }
    Ok(granted)
}

/// Lets two sessions overlap, for good; before the second of them is published or moved there.
///
/// # Errors
/// 409 `already_exists` if it was granted before; 422 `same_session`.
pub fn waive(conn: &mut Conn, actor: &Actor, now: Instant, id: SessionId, new: NewWaiver) -> Result<Waiver, Error> {
    let session = find(conn, actor, id)?;
    find(conn, actor, new.other_session_id)?;
    actor.may(Action::WriteSchedule)?;
    if new.other_session_id == id {
        return Err(Error::invalid("/other_session_id", "same_session", "a session does not overlap itself"));
    }
    let (first_session_id, second_session_id) = pair(id, new.other_session_id);
    let row = WaiverRow { first_session_id, second_session_id, reason: new.reason, user_id: actor.user_id(), created_at: now };
    let intake = intakes::find(conn, actor, session.intake_id)?;
    diesel::insert_into(claim_waivers::table).values(&row).execute(conn)?;
    let entry = NewEntry::of("waiver.granted", "session", id).provider(intake.provider_id).intake(intake.id);
    actor.record(entry.to(&row).because(Some(row.reason.as_str())));
    let granted_by = users::table.filter(users::id.nullable().eq(row.user_id)).select(users::name).first(conn).optional()?;
    Ok(Waiver { row, granted_by })
}
