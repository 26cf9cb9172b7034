//! Waivers: a coordinator's word that two sessions may overlap.

use diesel::prelude::*;

use super::{
    super::model::{NewWaiver, SessionId, Waiver},
    super::rules::pair,
    find,
};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::Conn,
    error::Error,
    intakes,
    journal::NewEntry,
    schema::claim_waivers,
};

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
    let waiver = Waiver { first_session_id, second_session_id, reason: new.reason, user_id: actor.user_id(), created_at: now };
    let intake = intakes::find(conn, actor, session.intake_id)?;
    diesel::insert_into(claim_waivers::table).values(&waiver).execute(conn)?;
    let entry = NewEntry::of("waiver.granted", "session", id).provider(intake.provider_id).intake(intake.id);
    actor.record(entry.to(&waiver).because(Some(waiver.reason.as_str())));
    Ok(waiver)
}
