//! Who is where: what published and held sessions occupy, and who would be in two places.
//!
//! The triggers on claims refuse an overlap by themselves. The look here comes first, under the same locks, so that the answer can
//! say what is in the way.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::TimeDelta;
use diesel::prelude::*;

use super::{
    super::model::{Plan, SessionId},
    super::rules::{ClaimKind, Occupied, Resource, overlaps, pair},
    links::CHUNK,
    visible,
};
use crate::{
    access::Actor,
    clock::Instant,
    db::{self, Conn},
    error::Error,
    id::Id,
    intakes::{Intake, SessionMode},
    organizations::OrganizationId,
    schema::{claim_waivers, claims, cohorts, intakes, people, sessions},
    text::{Code, Name},
};

/// Conflicts that one answer tells in full.
const TOLD: usize = 5;

/// What a session with this plan would occupy; a recorded one occupies nobody.
pub(in crate::schedule) fn occupied(session_id: SessionId, plan: &Plan) -> Vec<Occupied> {
    if plan.mode == SessionMode::Recorded {
        return Vec::new();
    }
    let cohorts = plan.cohort_ids.iter().map(|id| (ClaimKind::Cohort, id.cast()));
    let instructors = plan.instructor_ids.iter().map(|id| (ClaimKind::Instructor, id.cast()));
    cohorts
        .chain(instructors)
        .map(|resource| Occupied { resource, session_id, starts_at: plan.starts_at, ends_at: plan.ends_at, proposed: true })
        .collect()
}

/// Refuses what would put somebody in two places at once, in `proposed` itself or beside the sessions that stand. From here to the
/// end of the transaction nobody else claims these resources.
///
/// # Errors
/// 409 `session_conflict`; the detail names the sessions, their times and who is in both.
pub(in crate::schedule) fn refuse_overlaps(
    conn: &mut Conn,
    actor: &Actor,
    intake: &Intake,
    mut proposed: Vec<Occupied>,
) -> Result<(), Error> {
    let resources: BTreeSet<Resource> = proposed.iter().map(|one| one.resource).collect();
    // In the order of kind and id, as everybody takes them, and the triggers after us.
    for (kind, id) in &resources {
        db::lock(conn, &format!("claim:{kind}"), id)?;
    }
    let own: HashSet<SessionId> = proposed.iter().map(|one| one.session_id).collect();
    let standing = standing(conn, &resources, &proposed)?;
    proposed.extend(standing.into_iter().filter(|one| !own.contains(&one.session_id)));
    let found = overlaps(proposed);
    let firsts = found.iter().map(|(one, other)| pair(one.session_id, other.session_id).0).collect();
    let waived = waived(conn, firsts)?;
    let found: Vec<_> = found.into_iter().filter(|(one, other)| !waived.contains(&pair(one.session_id, other.session_id))).collect();
    if found.is_empty() {
        return Ok(());
    }
    let shown: Vec<_> = found.iter().take(TOLD).copied().collect();
    let mut sentences = told(conn, actor, intake, &shown, &HashMap::new())?;
    if found.len() > TOLD {
        sentences.push(format!("and {} more", found.len() - TOLD));
    }
    Err(Error::conflict("session_conflict", sentences.join("; ")))
}

/// The claims on these resources around the proposed times, those of the proposed sessions among them.
pub(super) fn standing(conn: &mut Conn, resources: &BTreeSet<Resource>, proposed: &[Occupied]) -> Result<Vec<Occupied>, Error> {
    let (Some(first), Some(last)) = (proposed.iter().map(|one| one.starts_at).min(), proposed.iter().map(|one| one.ends_at).max()) else {
        return Ok(Vec::new());
    };
    // No claim lasts longer than a day, so that one index scan is bounded on both sides.
    let earliest = first.plus(TimeDelta::hours(-24));
    let mut standing = Vec::new();
    for kind in ClaimKind::ALL {
        let ids: Vec<Id<()>> = resources.iter().filter(|(of, _)| of == kind).map(|(_, id)| *id).collect();
        for chunk in ids.chunks(CHUNK) {
            let rows: Vec<(Id<()>, SessionId, Instant, Instant)> = claims::table
                .filter(claims::kind.eq(*kind))
                .filter(claims::resource_id.eq_any(chunk.to_vec()))
                .filter(claims::starts_at.gt(earliest))
                .filter(claims::starts_at.lt(last))
                .select((claims::resource_id, claims::session_id, claims::starts_at, claims::ends_at))
                .load(conn)?;
            standing.extend(rows.into_iter().map(|(id, session_id, starts_at, ends_at)| Occupied {
                resource: (*kind, id),
                session_id,
                starts_at,
                ends_at,
                proposed: false,
            }));
        }
    }
    Ok(standing)
}

/// The pairs that a coordinator has waived and whose smaller id is one of these.
pub(super) fn waived(conn: &mut Conn, firsts: BTreeSet<SessionId>) -> Result<HashSet<(SessionId, SessionId)>, Error> {
    let firsts: Vec<SessionId> = firsts.into_iter().collect();
    let mut waived = HashSet::new();
    for chunk in firsts.chunks(CHUNK) {
        let pairs: Vec<(SessionId, SessionId)> = claim_waivers::table
            .filter(claim_waivers::first_session_id.eq_any(chunk.to_vec()))
            .select((claim_waivers::first_session_id, claim_waivers::second_session_id))
            .load(conn)?;
        waived.extend(pairs);
    }
    Ok(waived)
}

/// The conflicts in words, one sentence each. `proposed` are the codes of sessions that are not stored yet.
pub(super) fn told(
    conn: &mut Conn,
    actor: &Actor,
    intake: &Intake,
    shown: &[(Occupied, Occupied)],
    proposed: &HashMap<SessionId, Code>,
) -> Result<Vec<String>, Error> {
    let ids: Vec<SessionId> = shown.iter().flat_map(|(one, other)| [one.session_id, other.session_id]).collect();
    let codes: Vec<(SessionId, Code, OrganizationId)> = sessions::table
        .inner_join(intakes::table.on(intakes::id.eq(sessions::intake_id)))
        .filter(sessions::id.eq_any(ids.clone()))
        .select((sessions::id, sessions::code, intakes::provider_id))
        .load(conn)?;
    let codes: HashMap<SessionId, (Code, OrganizationId)> = codes.into_iter().map(|(id, code, of)| (id, (code, of))).collect();
    let seen: Vec<SessionId> = visible(actor).filter(sessions::id.eq_any(ids)).select(sessions::id).load(conn)?;
    let names = names(conn, shown)?;
    let code = |id: SessionId| proposed.get(&id).or(codes.get(&id).map(|(code, _)| code)).map_or("", Code::as_str);
    let sentences: Vec<String> = shown
        .iter()
        .map(|(one, other)| {
            let theirs = codes.get(&other.session_id).is_none_or(|(_, provider)| *provider != intake.provider_id);
            let blocking = if seen.contains(&other.session_id) || proposed.contains_key(&other.session_id) {
                format!("session {} ({} to {})", code(other.session_id), other.starts_at, other.ends_at)
            } else if theirs {
                "another organization's session".to_owned()
            } else {
                "another session".to_owned()
            };
            let (kind, id) = one.resource;
            let name = names.get(&id).map_or("", Name::as_str);
            format!("session {} overlaps {blocking}: both take the {kind} {name}", code(one.session_id))
        })
        .collect();
    Ok(sentences)
}

fn names(conn: &mut Conn, shown: &[(Occupied, Occupied)]) -> Result<HashMap<Id<()>, Name>, Error> {
    let of = |kind| shown.iter().filter(move |(one, _)| one.resource.0 == kind).map(|(one, _)| one.resource.1).collect::<Vec<Id<()>>>();
    let instructors: Vec<(Id<()>, Name)> =
        people::table.filter(people::id.eq_any(of(ClaimKind::Instructor))).select((people::id, people::name)).load(conn)?;
    let taught: Vec<(Id<()>, Name)> =
        cohorts::table.filter(cohorts::id.eq_any(of(ClaimKind::Cohort))).select((cohorts::id, cohorts::name)).load(conn)?;
    Ok(instructors.into_iter().chain(taught).collect())
}
