//! What guests made up, out of what they missed.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::{
    super::{
        make_ups::{Earned, MakeUp, Mismatch, Pair, corrected, mismatches, standing},
        model::{EntryKind, HourEntry},
    },
    CHUNK, Closing,
};
use crate::{
    clock::Instant,
    db::Conn,
    enrollments::EnrollmentId,
    error::Error,
    schedule::SessionId,
    schema::{hour_entries, roll_calls, sessions},
};

/// What has to be written at a closing so that what guests made up of a module is what they earned, capped by what they missed. `earned`
/// is all that these enrollments earned in the module by closed roll calls, and by this one.
pub(super) fn corrections(conn: &mut Conn, closing: Closing, earned: &[Earned]) -> Result<Vec<MakeUp>, Error> {
    let mut guests: BTreeSet<EnrollmentId> = earned.iter().map(|one| one.enrollment_id).collect();
    if closing.number > 1 {
        // Whoever is a guest no more lost what they had made up here, and may have made up elsewhere what they missed here.
        let made_up = hour_entries::kind.eq(EntryKind::MakeUp);
        let here = hour_entries::made_up_in_id.eq(closing.session_id).or(hour_entries::session_id.eq(closing.session_id).and(made_up));
        let here = hour_entries::table.filter(here.assume_not_null());
        guests.extend(here.select(hour_entries::enrollment_id).distinct().load::<EnrollmentId>(conn)?);
    }
    let mut entries = entries_of(conn, guests)?;
    entries.retain(|entry| entry.module_id == closing.module_id);
    let mut earned = earned.to_vec();
    earned.extend(reopened(conn, &entries)?.into_iter().filter(|one| one.made_up_in_id != closing.session_id));
    Ok(corrected(&entries, &earned))
}

fn entries_of(conn: &mut Conn, enrollments: BTreeSet<EnrollmentId>) -> Result<Vec<HourEntry>, Error> {
    let enrollments: Vec<EnrollmentId> = enrollments.into_iter().collect();
    let mut entries = Vec::new();
    for chunk in enrollments.chunks(CHUNK) {
        let rows = hour_entries::table.filter(hour_entries::enrollment_id.eq_any(chunk.to_vec()));
        entries.extend(rows.select(HourEntry::as_select()).load(conn)?);
    }
    Ok(entries)
}

/// What stands of roll calls that are reopened: it does until they are closed again (DOMAIN section 3, reopening).
fn reopened(conn: &mut Conn, entries: &[HourEntry]) -> Result<Vec<Earned>, Error> {
    let entries: Vec<&HourEntry> = entries.iter().collect();
    let standing = standing(&entries);
    let sessions: BTreeSet<SessionId> = standing.iter().map(|((_, made_up_in), _)| *made_up_in).collect();
    let sessions: Vec<SessionId> = sessions.into_iter().collect();
    let mut begins: BTreeMap<SessionId, Instant> = BTreeMap::new();
    for chunk in sessions.chunks(CHUNK) {
        let reopened = roll_calls::table
            .inner_join(sessions::table.on(sessions::id.eq(roll_calls::session_id)))
            .filter(roll_calls::session_id.eq_any(chunk.to_vec()))
            .filter(roll_calls::state.ne("closed"))
            .select((sessions::id, sessions::held_starts_at.assume_not_null()));
        begins.extend(reopened.load::<(SessionId, Instant)>(conn)?);
    }
    let stands = |((missed_session_id, made_up_in_id), entry): (Pair, &HourEntry)| {
        let began_at = *begins.get(&made_up_in_id)?;
        let HourEntry { enrollment_id, module_id, minutes, .. } = *entry;
        Some(Earned { enrollment_id, module_id, missed_session_id, made_up_in_id, began_at, minutes })
    };
    Ok(standing.into_iter().filter_map(stands).collect())
}

/// Holds the make-ups that stand against what guests earned in all closed roll calls.
pub fn verify_make_ups(conn: &mut Conn, earned: Vec<Earned>) -> Result<Vec<String>, Error> {
    let mut guests: BTreeSet<EnrollmentId> = earned.iter().map(|one| one.enrollment_id).collect();
    let made_up = hour_entries::table.filter(hour_entries::kind.eq(EntryKind::MakeUp));
    guests.extend(made_up.select(hour_entries::enrollment_id).distinct().load::<EnrollmentId>(conn)?);
    let entries = entries_of(conn, guests)?;
    let mut earned = earned;
    earned.extend(reopened(conn, &entries)?);
    let says = |one: Mismatch| {
        let (missed, made_up_in) = one.pair;
        format!(
            "make-ups: enrollment {} has {} minutes of session {missed} made up in session {made_up_in}, which come to {}",
            one.enrollment_id, one.stands, one.comes_to
        )
    };
    Ok(mismatches(&entries, &earned).into_iter().map(says).collect())
}
