//! Waivers: a coordinator's word that two sessions may overlap.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use diesel::prelude::*;

use super::{
    super::candidates::{Candidate, Candidates},
    super::conflicts::Granted,
    super::model::{NewWaiver, SessionId, SessionRow, SessionState, Waiver, WaiverRow},
    super::rules::pair,
    conflicts::{Wanted, clashes, known, lock},
    find,
};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::{self, CHUNK, Conn, for_backend},
    error::Error,
    intakes::{self, Intake},
    journal::NewEntry,
    schema::{claim_waivers, claims, users},
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

/// The waivers of a session, by the other one's id, after `cursor`.
pub(in crate::schedule) fn list(
    conn: &mut Conn,
    actor: &Actor,
    id: SessionId,
    (cursor, limit): (Option<SessionId>, i64),
) -> Result<Vec<Waiver>, Error> {
    find(conn, actor, id)?;
    actor.may(Action::ReadWaivers)?;
    let (first, second) = (claim_waivers::first_session_id, claim_waivers::second_session_id);
    let mut query = claim_waivers::table
        .left_join(users::table.on(users::id.nullable().eq(claim_waivers::user_id)))
        .filter(first.eq(id).or(second.eq(id)))
        // With the smaller id first, this is the order of the other one's.
        .order((first, second))
        .limit(limit)
        .select((WaiverRow::as_select(), users::name.nullable()))
        .into_boxed();
    if let Some(cursor) = cursor {
        query = query.filter(second.eq(id).and(first.gt(cursor)).or(first.eq(id).and(second.gt(cursor))));
    }
    let rows: Vec<(WaiverRow, Option<Name>)> = query.load(conn)?;
    let others: BTreeSet<SessionId> = rows.iter().map(|(row, _)| row.other_than(id)).collect();
    let overlapping = overlapping(conn, id, &others)?;
    let known = known(conn, actor, others)?;
    let waiver = |(row, granted_by): (WaiverRow, Option<Name>)| {
        let other = row.other_than(id);
        let code = known.get(&other).filter(|known| known.is_visible).map(|known| known.code.clone());
        let (reason, granted_by) = if code.is_some() { (Some(row.reason), granted_by) } else { (None, None) };
        Waiver {
            session_id: id,
            other_session_id: other,
            other_code: code,
            reason,
            granted_by,
            granted_at: row.created_at,
            overlaps: overlapping.contains(&other),
        }
    };
    Ok(rows.into_iter().map(waiver).collect())
}

// The table once more: what one session takes, and what others do.
diesel::alias! {
    const TAKEN: Alias<Taken> = claims as taken;
}

/// Those of the others that take what the session takes, while it does.
fn overlapping(conn: &mut Conn, id: SessionId, others: &BTreeSet<SessionId>) -> Result<HashSet<SessionId>, Error> {
    let others: Vec<SessionId> = others.iter().copied().collect();
    let mut found = HashSet::new();
    for chunk in others.chunks(CHUNK) {
        let same = TAKEN.field(claims::kind).eq(claims::kind).and(TAKEN.field(claims::resource_id).eq(claims::resource_id));
        let meanwhile = TAKEN.field(claims::starts_at).lt(claims::ends_at).and(TAKEN.field(claims::ends_at).gt(claims::starts_at));
        let taken = claims::table.inner_join(TAKEN.on(same.and(meanwhile))).filter(claims::session_id.eq(id));
        let theirs = TAKEN.field(claims::session_id);
        found.extend(taken.filter(theirs.eq_any(chunk.to_vec())).select(theirs).load::<SessionId>(conn)?);
    }
    Ok(found)
}

/// Both sessions, in intakes that are locked: neither is published, moved, held or cancelled until the end of the transaction.
fn locked(conn: &mut Conn, actor: &Actor, id: SessionId, other: SessionId) -> Result<(SessionRow, SessionRow), Error> {
    let one = find(conn, actor, id)?.intake_id;
    actor.may(Action::WriteSchedule)?;
    let intakes = BTreeSet::from([one, find(conn, actor, other)?.intake_id]);
    for intake in intakes {
        db::lock(conn, "intake", intake)?;
    }
    Ok((find(conn, actor, id)?, find(conn, actor, other)?))
}

/// The waiver of two sessions, and who granted it.
fn stored(conn: &mut Conn, (first, second): (SessionId, SessionId)) -> Result<Option<(WaiverRow, Option<Name>)>, Error> {
    let row = claim_waivers::table
        .left_join(users::table.on(users::id.nullable().eq(claim_waivers::user_id)))
        .filter(claim_waivers::first_session_id.eq(first))
        .filter(claim_waivers::second_session_id.eq(second))
        .select((WaiverRow::as_select(), users::name.nullable()));
    Ok(row.first(conn).optional()?)
}

/// Lets two sessions overlap, until that is revoked; before the second of them is published or moved there.
///
/// # Errors
/// 409 `already_exists` if it was granted before, `session_closed` for a cancelled session; 422 `same_session`.
pub fn waive(conn: &mut Conn, actor: &Actor, now: Instant, id: SessionId, new: NewWaiver) -> Result<Waiver, Error> {
    let (session, other) = locked(conn, actor, id, new.other_session_id)?;
    if other.id == id {
        return Err(Error::invalid("/other_session_id", "same_session", "a session does not overlap itself"));
    }
    if let Some((row, granted_by)) = stored(conn, pair(id, other.id))? {
        let by = granted_by.map(|name| format!("{name} ")).unwrap_or_default();
        let detail = format!("sessions {} and {} may overlap already: {by}waived it, because: {}", session.code, other.code, row.reason);
        return Err(Error::conflict("already_exists", detail));
    }
    if let Some(row) = [&session, &other].into_iter().find(|row| row.state == SessionState::Cancelled) {
        return Err(Error::conflict("session_closed", format!("session {} is cancelled and occupies nobody", row.code)));
    }
    let (first_session_id, second_session_id) = pair(id, other.id);
    let row = WaiverRow { first_session_id, second_session_id, reason: new.reason, user_id: actor.user_id(), created_at: now };
    diesel::insert_into(claim_waivers::table).values(&row).execute(conn)?;
    record(conn, actor, "waiver.granted", &session, |entry| entry.to(&row).because(Some(row.reason.as_str())))?;
    let granted_by = users::table.filter(users::id.nullable().eq(row.user_id)).select(users::name).first(conn).optional()?;
    // Without a waiver the two could not overlap yet.
    Ok(Waiver::apart(row, (id, other), granted_by))
}

/// Lets the rests of sessions overlap what the sessions may, for the same reasons: where they would, and nowhere else. `continued` is, of
/// each rest, its session. From here to the end of the transaction nobody else claims whom the rests take.
pub(super) fn hand_on(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake: &Intake,
    continued: &HashMap<SessionId, SessionId>,
    rests: &[Candidate],
) -> Result<(), Error> {
    let candidates = Candidates::of(rests.to_vec());
    lock(conn, &candidates.occupied())?;
    let clashes = clashes(conn, actor, &candidates, Wanted::ALL_THAT_BLOCK)?.shown;
    let wanted = clashes.iter().map(|clash| (clash.one.session_id, clash.other.session_id));
    // By both, for two that take the same people and the same room are in each other's way more than once.
    let wanted: BTreeMap<(SessionId, SessionId), SessionId> = wanted.map(|(rest, other)| (pair(rest, other), rest)).collect();
    let ids: Vec<SessionId> = continued.values().copied().collect();
    let mut reasons: HashMap<(SessionId, SessionId), Note> = HashMap::new();
    for chunk in ids.chunks(CHUNK) {
        let first = claim_waivers::first_session_id.eq_any(chunk.to_vec());
        let own = claim_waivers::table.filter(first.or(claim_waivers::second_session_id.eq_any(chunk.to_vec())));
        let rows: Vec<WaiverRow> = own.select(WaiverRow::as_select()).load(conn)?;
        reasons.extend(rows.into_iter().map(|row| ((row.first_session_id, row.second_session_id), row.reason)));
    }
    let origin = |id: SessionId| continued.get(&id).copied().unwrap_or(id);
    let handed_on = |((first_session_id, second_session_id), rest): ((SessionId, SessionId), SessionId)| {
        let reason = reasons.get(&pair(origin(first_session_id), origin(second_session_id)))?.clone();
        let row = WaiverRow { first_session_id, second_session_id, reason, user_id: actor.user_id(), created_at: now };
        let entry = NewEntry::of("waiver.granted", "session", rest).provider(intake.provider_id).intake(intake.id);
        actor.record(entry.to(&row).because(Some(row.reason.as_str())));
        Some(row)
    };
    let rows: Vec<WaiverRow> = wanted.into_iter().filter_map(handed_on).collect();
    for chunk in rows.chunks(CHUNK) {
        for_backend!(conn, |c| diesel::insert_into(claim_waivers::table).values(chunk).execute(c))?;
    }
    Ok(())
}

/// Takes back that two sessions may overlap, while they do not.
///
/// # Errors
/// 404 if it was not granted; 409 `waiver_in_use` as long as they overlap.
pub(in crate::schedule) fn revoke(
    conn: &mut Conn,
    actor: &Actor,
    (id, other): (SessionId, SessionId),
    reason: &Note,
) -> Result<Waiver, Error> {
    let (session, other) = locked(conn, actor, id, other)?;
    let (row, granted_by) = stored(conn, pair(id, other.id))?.ok_or(Error::NotFound)?;
    if !overlapping(conn, id, &BTreeSet::from([other.id]))?.is_empty() {
        let detail =
            format!("sessions {} and {} overlap and rest on this waiver; move or cancel one of them first", session.code, other.code);
        return Err(Error::conflict("waiver_in_use", detail));
    }
    let (first, second) = (row.first_session_id, row.second_session_id);
    diesel::delete(claim_waivers::table.find((first, second))).execute(conn)?;
    record(conn, actor, "waiver.revoked", &session, |entry| entry.from(&row).because(Some(reason.as_str())))?;
    Ok(Waiver::apart(row, (id, other), granted_by))
}

impl Waiver {
    /// Of two sessions that do not overlap, for whoever sees both.
    fn apart(row: WaiverRow, (id, other): (SessionId, SessionRow), granted_by: Option<Name>) -> Self {
        Self {
            session_id: id,
            other_session_id: other.id,
            other_code: Some(other.code),
            reason: Some(row.reason),
            granted_by,
            granted_at: row.created_at,
            overlaps: false,
        }
    }
}

/// Writes to the journal what became of a waiver, under the session at which it was asked for.
fn record(
    conn: &mut Conn,
    actor: &Actor,
    action: &'static str,
    session: &SessionRow,
    told: impl FnOnce(NewEntry) -> NewEntry,
) -> Result<(), Error> {
    let intake = intakes::find(conn, actor, session.intake_id)?;
    actor.record(told(NewEntry::of(action, "session", session.id).provider(intake.provider_id).intake(intake.id)));
    Ok(())
}
