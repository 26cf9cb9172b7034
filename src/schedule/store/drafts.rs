//! What drafts would take. They claim nothing and are in nobody's way; but whoever plans the same is to know of them before both publish.

use std::collections::{BTreeSet, HashSet};

use diesel::prelude::*;

use super::{
    super::model::{SessionId, SessionState},
    super::rules::{Basis, ClaimKind, Occupied, Resource},
    conflicts::reach,
    visible,
};
use crate::{
    access::Actor,
    clock::Instant,
    db::{CHUNK, Conn},
    error::Error,
    id::Id,
    intakes::SessionMode,
    schema::{session_cohorts, session_instructors, sessions},
};

/// What a draft takes, which one, from when until when.
type Taken = (Id<()>, SessionId, Instant, Instant);

#[diesel::dsl::auto_type]
fn is_draft_within(earliest: Instant, last: Instant) -> _ {
    let draft: SessionState = SessionState::Draft;
    let recorded: SessionMode = SessionMode::Recorded;
    sessions::state.eq(draft).and(sessions::mode.ne(recorded)).and(sessions::starts_at.gt(earliest)).and(sessions::starts_at.lt(last))
}

/// What the drafts that the actor sees would take of these resources around the proposed times.
pub(super) fn drafted(
    conn: &mut Conn,
    actor: &Actor,
    resources: &BTreeSet<Resource>,
    proposed: &[Occupied],
) -> Result<Vec<Occupied>, Error> {
    let Some((earliest, last)) = reach(proposed) else {
        return Ok(Vec::new());
    };
    let mut drafted = Vec::new();
    for kind in ClaimKind::ALL {
        let ids: Vec<Id<()>> = resources.iter().filter(|(of, _)| of == kind).map(|(_, id)| *id).collect();
        for chunk in ids.chunks(CHUNK) {
            let taken = taken(conn, *kind, chunk, (earliest, last))?.into_iter();
            drafted.extend(taken.map(|(id, session_id, starts_at, ends_at)| Occupied {
                resource: (*kind, id),
                session_id,
                starts_at,
                ends_at,
                basis: Basis::Drafted,
            }));
        }
    }
    let ids: BTreeSet<SessionId> = drafted.iter().map(|one| one.session_id).collect();
    let mut seen: HashSet<SessionId> = HashSet::with_capacity(ids.len());
    for chunk in ids.into_iter().collect::<Vec<_>>().chunks(CHUNK) {
        seen.extend(visible(actor).filter(sessions::id.eq_any(chunk.to_vec())).select(sessions::id).load::<SessionId>(conn)?);
    }
    drafted.retain(|one| seen.contains(&one.session_id));
    Ok(drafted)
}

/// The drafts of whoever it is, found by what they take: by window alone these would be those of all intakes.
fn taken(conn: &mut Conn, kind: ClaimKind, ids: &[Id<()>], (earliest, last): (Instant, Instant)) -> Result<Vec<Taken>, Error> {
    let is_draft = is_draft_within(earliest, last);
    Ok(match kind {
        ClaimKind::Cohort => session_cohorts::table
            .inner_join(sessions::table.on(sessions::id.eq(session_cohorts::session_id)))
            .filter(session_cohorts::cohort_id.eq_any(ids.to_vec()))
            .filter(is_draft)
            .select((session_cohorts::cohort_id, sessions::id, sessions::starts_at, sessions::ends_at))
            .load(conn)?,
        ClaimKind::Instructor => session_instructors::table
            .inner_join(sessions::table.on(sessions::id.eq(session_instructors::session_id)))
            .filter(session_instructors::person_id.eq_any(ids.to_vec()))
            .filter(is_draft)
            .select((session_instructors::person_id, sessions::id, sessions::starts_at, sessions::ends_at))
            .load(conn)?,
        ClaimKind::Room => sessions::table
            .filter(sessions::room_id.eq_any(ids.to_vec()))
            .filter(is_draft)
            .select((sessions::room_id.assume_not_null(), sessions::id, sessions::starts_at, sessions::ends_at))
            .load(conn)?,
    })
}
