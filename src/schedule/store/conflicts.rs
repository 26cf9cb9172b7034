//! Who is where: what published and held sessions occupy, and who would be in two places.
//!
//! The triggers on claims refuse an overlap by themselves. The look here comes first, under the same locks, so that the answer can
//! say what is in the way.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::TimeDelta;
use diesel::prelude::*;

use super::{
    super::candidates::Candidates,
    super::conflicts::{Granted, Subject},
    super::model::SessionId,
    super::overlaps::for_each_overlap,
    super::rules::{Basis, ClaimKind, Occupied, Resource, pair},
    drafts::drafted,
    visible,
    waivers::granted,
};
use crate::{
    access::Actor,
    clock::Instant,
    db::{self, CHUNK, Conn},
    error::Error,
    id::Id,
    intakes::Intake,
    organizations::OrganizationId,
    schema::{claims, cohorts, intakes, people, rooms, sessions},
    text::{Code, Name},
};

/// From here to the end of the transaction nobody else claims what these take.
pub(super) fn lock(conn: &mut Conn, proposed: &[Occupied]) -> Result<(), Error> {
    let resources: BTreeSet<Resource> = proposed.iter().map(|one| one.resource).collect();
    // In the order of kind and id, as everybody takes them, and the triggers after us.
    for (kind, id) in &resources {
        db::lock(conn, &format!("claim:{kind}"), id)?;
    }
    Ok(())
}

/// Two sessions that would hold one resource at the same time, the proposed one first.
pub(super) struct Clash {
    pub(super) one: Occupied,
    pub(super) other: Occupied,
    pub(super) waiver: Option<Granted>,
}

impl Clash {
    /// Whether the other one is a draft, or is to stay one.
    pub(super) fn is_with_draft(&self) -> bool {
        self.other.basis == Basis::Drafted
    }

    pub(super) fn blocks(&self) -> bool {
        self.waiver.is_none() && !self.is_with_draft()
    }
}

/// What overlaps among sessions that are proposed, and beside those that stand.
#[derive(Default)]
pub(super) struct Clashes {
    /// The first of them.
    pub(super) shown: Vec<Clash>,
    /// Whether there are more.
    pub(super) truncated: bool,
    /// Whether one of all of them blocks.
    pub(super) blocks: bool,
}

impl Clashes {
    /// Shows one more, if there is room for it; answers whether there was.
    fn show(&mut self, clash: Clash, most: usize) -> bool {
        let has_room = self.shown.len() < most;
        if has_room {
            self.shown.push(clash);
        }
        self.truncated |= !has_room;
        has_room
    }
}

/// Overlaps in one answer.
pub(super) const SHOWN: usize = 1000;
/// Overlaps with which a refusal comes.
pub(super) const REFUSED: usize = 100;
/// Overlaps with drafts that are told of one session.
const DRAFTS: usize = 20;

/// Which overlaps are looked for.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    most: usize,
    /// Whether those too that do not block: what was waived, and what drafts would take.
    warnings: bool,
}

impl Wanted {
    /// All that is to be known of candidates. What stands overlaps itself hardly anywhere, so that there is little in the way of each of
    /// several alternatives.
    pub(super) fn to_tell(candidates: &Candidates) -> Self {
        Self { most: if candidates.are_alternatives { usize::MAX } else { SHOWN }, warnings: true }
    }

    /// What keeps sessions from being published.
    pub(super) const TO_REFUSE: Self = Self { most: REFUSED, warnings: false };

    /// The same, to the last of them.
    pub(super) const ALL_THAT_BLOCK: Self = Self { most: usize::MAX, warnings: false };
}

/// Looks for overlaps: first for those among the candidates and with what stands, then for those with drafts. Looks no further once it is
/// known that there are more than wanted and that one blocks: what is waived somebody has written down, pair by pair, and so is never as
/// many as what overlaps.
pub(super) fn clashes(conn: &mut Conn, actor: &Actor, candidates: &Candidates, wanted: Wanted) -> Result<Clashes, Error> {
    let proposed = candidates.occupied();
    let resources = proposed.iter().map(|one| one.resource).collect();
    let is_other = |one: &Occupied| !candidates.replace(one.session_id);
    let mut standing = standing(conn, &resources, &proposed)?;
    standing.retain(is_other);
    let mut drafts = if wanted.warnings { drafted(conn, actor, &resources, &proposed)? } else { Vec::new() };
    drafts.retain(is_other);
    let all = proposed.iter().chain(&standing).chain(&drafts);
    let granted = granted(conn, all.map(|one| candidates.stored_id(one.session_id)).collect())?;
    let clash = |one: Occupied, other: Occupied| {
        let waiver = granted.get(&pair(candidates.stored_id(one.session_id), candidates.stored_id(other.session_id))).cloned();
        let basis = if candidates.stays_draft(other.session_id) { Basis::Drafted } else { other.basis };
        Clash { one, other: Occupied { basis, ..other }, waiver }
    };
    let may_block = candidates.all.iter().any(|one| !one.stays_draft);
    let mut clashes = Clashes::default();
    for_each_overlap([proposed.as_slice(), &standing].concat(), |one, other| {
        if candidates.are_alternatives && other.is_proposed() {
            return true;
        }
        let mirrored = (candidates.each_side && other.is_proposed()).then_some((other, one));
        for found in [Some((one, other)), mirrored].into_iter().flatten().map(|(one, other)| clash(one, other)) {
            if found.blocks() || wanted.warnings {
                clashes.blocks |= found.blocks();
                clashes.show(found, wanted.most);
            }
        }
        !(clashes.truncated && (clashes.blocks || !may_block))
    });
    if drafts.is_empty() || clashes.truncated {
        return Ok(clashes);
    }
    let mut told: HashMap<SessionId, usize> = HashMap::new();
    for_each_overlap([proposed, drafts].concat(), |one, other| {
        if other.is_proposed() {
            return true;
        }
        let told = told.entry(one.session_id).or_default();
        *told += 1;
        if *told > DRAFTS {
            clashes.truncated = true;
            return true;
        }
        clashes.show(clash(one, other), wanted.most)
    });
    Ok(clashes)
}

/// Between which instants a claim begins that may overlap one of these. No claim lasts longer than a day, so that one index scan is
/// bounded on both sides.
pub(super) fn reach(proposed: &[Occupied]) -> Option<(Instant, Instant)> {
    let first = proposed.iter().map(|one| one.starts_at).min()?;
    Some((first.plus(TimeDelta::hours(-24)), proposed.iter().map(|one| one.ends_at).max()?))
}

/// The claims on these resources around the proposed times, those of the proposed sessions among them.
pub(super) fn standing(conn: &mut Conn, resources: &BTreeSet<Resource>, proposed: &[Occupied]) -> Result<Vec<Occupied>, Error> {
    let Some((earliest, last)) = reach(proposed) else {
        return Ok(Vec::new());
    };
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
                basis: Basis::Claimed,
            }));
        }
    }
    Ok(standing)
}

/// An overlap as the actor may know it.
pub(super) struct Wording {
    /// What both sessions take.
    pub(super) subject: Subject,
    /// Whether the actor sees the other session; its code.
    pub(super) other: Option<Code>,
    pub(super) sentence: String,
}

/// Pairs of sessions with what both take, in words. `proposed` are the codes of those that are proposed.
pub(super) fn told(
    conn: &mut Conn,
    actor: &Actor,
    intake: &Intake,
    shown: &[(Occupied, Occupied)],
    proposed: &HashMap<SessionId, Code>,
) -> Result<Vec<Wording>, Error> {
    let stored = shown.iter().flat_map(|(one, other)| [one.session_id, other.session_id]).filter(|id| !proposed.contains_key(id));
    let known = known(conn, actor, stored.collect())?;
    let subjects = subjects(conn, shown)?;
    let code = |id: SessionId| proposed.get(&id).or(known.get(&id).map(|known| &known.code)).map_or("", Code::as_str);
    let tell = |(one, other): &(Occupied, Occupied)| {
        let (kind, id) = one.resource;
        let subject = subjects.get(&id)?.clone();
        let seen =
            proposed.get(&other.session_id).or(known.get(&other.session_id).filter(|known| known.is_visible).map(|known| &known.code));
        let blocking = match seen {
            Some(code) => in_the_way(code, other.basis == Basis::Drafted, other.times(), intake),
            None => known.get(&other.session_id).map_or(ANOTHER, |known| known.unnamed(intake)).to_owned(),
        };
        let sentence = format!("session {} overlaps {blocking}: both take the {kind} {}", code(one.session_id), subject.in_english());
        Some(Wording { subject, other: seen.cloned(), sentence })
    };
    shown.iter().map(|pair| tell(pair).ok_or_else(|| Error::internal("a claim on nobody"))).collect()
}

/// What a session in the way is called to those who see it.
pub(super) fn in_the_way(code: &Code, is_draft: bool, (starts_at, ends_at): (Instant, Instant), intake: &Intake) -> String {
    let called = if is_draft { "the draft" } else { "session" };
    format!("{called} {code} ({} to {})", intake.time_zone.told(starts_at), intake.time_zone.told(ends_at))
}

const ANOTHER: &str = "another session";

/// A session that stands in the way.
pub(super) struct Known {
    pub(super) code: Code,
    provider_id: OrganizationId,
    pub(super) is_visible: bool,
}

impl Known {
    /// What it is called to those who do not see it.
    pub(super) fn unnamed(&self, intake: &Intake) -> &'static str {
        if self.provider_id == intake.provider_id { ANOTHER } else { "another organization's session" }
    }
}

/// What the actor may know of sessions.
pub(super) fn known(conn: &mut Conn, actor: &Actor, ids: BTreeSet<SessionId>) -> Result<HashMap<SessionId, Known>, Error> {
    let ids: Vec<SessionId> = ids.into_iter().collect();
    let mut known = HashMap::new();
    for chunk in ids.chunks(CHUNK) {
        let seen: Vec<SessionId> = visible(actor).filter(sessions::id.eq_any(chunk.to_vec())).select(sessions::id).load(conn)?;
        let rows: Vec<(SessionId, Code, OrganizationId)> = sessions::table
            .inner_join(intakes::table.on(intakes::id.eq(sessions::intake_id)))
            .filter(sessions::id.eq_any(chunk.to_vec()))
            .select((sessions::id, sessions::code, intakes::provider_id))
            .load(conn)?;
        let seen: HashSet<SessionId> = seen.into_iter().collect();
        known.extend(rows.into_iter().map(|(id, code, provider_id)| (id, Known { code, provider_id, is_visible: seen.contains(&id) })));
    }
    Ok(known)
}

fn subjects(conn: &mut Conn, shown: &[(Occupied, Occupied)]) -> Result<HashMap<Id<()>, Subject>, Error> {
    let of = |wanted: ClaimKind| -> BTreeSet<Id<()>> {
        shown.iter().map(|(one, _)| one.resource).filter(|(kind, _)| *kind == wanted).map(|(_, id)| id).collect()
    };
    let mut subjects = people_of(conn, of(ClaimKind::Instructor))?;
    let mut named = |rows: Vec<(Id<()>, Name)>| subjects.extend(rows.into_iter().map(|(id, name)| (id, Subject::of(id, name))));
    named(names_of_cohorts(conn, of(ClaimKind::Cohort))?.into_iter().collect());
    for chunk in of(ClaimKind::Room).into_iter().collect::<Vec<_>>().chunks(CHUNK) {
        named(rooms::table.filter(rooms::id.eq_any(chunk.to_vec())).select((rooms::id, rooms::name)).load(conn)?);
    }
    Ok(subjects)
}

/// These people, by their ids.
pub(super) fn people_of(conn: &mut Conn, ids: BTreeSet<Id<()>>) -> Result<HashMap<Id<()>, Subject>, Error> {
    let ids: Vec<Id<()>> = ids.into_iter().collect();
    let mut subjects = HashMap::new();
    for chunk in ids.chunks(CHUNK) {
        let rows: Vec<(Id<()>, Name, Option<Name>)> =
            people::table.filter(people::id.eq_any(chunk.to_vec())).select((people::id, people::name, people::latin_name)).load(conn)?;
        subjects.extend(rows.into_iter().map(|(id, name, latin_name)| (id, Subject { id, name, latin_name })));
    }
    Ok(subjects)
}

pub(super) fn names_of_cohorts(conn: &mut Conn, ids: BTreeSet<Id<()>>) -> Result<HashMap<Id<()>, Name>, Error> {
    let ids: Vec<Id<()>> = ids.into_iter().collect();
    let mut names = HashMap::new();
    for chunk in ids.chunks(CHUNK) {
        let rows: Vec<(Id<()>, Name)> =
            cohorts::table.filter(cohorts::id.eq_any(chunk.to_vec())).select((cohorts::id, cohorts::name)).load(conn)?;
        names.extend(rows);
    }
    Ok(names)
}
