//! Which of several proposed sessions can stand together, beside all that stands already; pure.
//!
//! They are judged one after the other, in the order given. Until its turn comes, each is thought away with all that it has now, so that
//! sessions may exchange their times and minutes. Who is refused stays as it is, in its place and with its minutes; whoever was accepted
//! into that place, or at the cost of these minutes, is refused then as well. So what is left can be written just as it was judged, and if
//! nobody is refused, so can the whole.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::TimeDelta;

use super::{
    model::SessionId,
    rules::{Occupied, Resource, pair},
};
use crate::{clock::Instant, intakes::CohortId, programs::ModuleId, text::Code};

/// What is planned for one cohort of one module.
pub(super) type Share = (CohortId, ModuleId);

/// What a session occupies, and what it takes of the plan.
#[derive(Clone, Debug, Default)]
pub(super) struct Footprint {
    pub(super) claims: Vec<Occupied>,
    pub(super) minutes: Vec<(Share, i64)>,
}

impl Footprint {
    fn of(&self, share: Share) -> i64 {
        self.minutes.iter().find(|(of, _)| *of == share).map_or(0, |(_, minutes)| *minutes)
    }
}

/// A session that is to stand otherwise than it does; without anything `now` if it is new or a draft.
#[derive(Clone, Debug)]
pub(super) struct Contender {
    pub(super) id: SessionId,
    pub(super) now: Footprint,
    pub(super) then: Footprint,
    /// Whether it is wrong by itself, and so stays as it is.
    pub(super) stays: bool,
}

/// What the contenders are held against.
#[derive(Clone, Debug, Default)]
pub(super) struct Around {
    /// What other sessions occupy.
    pub(super) standing: Vec<Occupied>,
    /// The pairs that may overlap.
    pub(super) waived: HashSet<(SessionId, SessionId)>,
    /// What other sessions take of the plan.
    pub(super) scheduled: HashMap<Share, i64>,
    pub(super) planned: HashMap<ModuleId, (Code, i64)>,
}

/// Why a contender stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// What it was to occupy, and what is there.
    Overlaps(Occupied, Occupied),
    /// What would be scheduled of a share with it.
    Exceeds(Share, i64),
}

/// For each contender what is in its way.
pub(super) fn judge(contenders: &[Contender], around: Around) -> Vec<Option<Obstacle>> {
    let mut board = Board {
        contenders,
        waived: around.waived,
        planned: around.planned,
        calendar: HashMap::new(),
        scheduled: around.scheduled,
        accepted: HashMap::new(),
        takers: HashMap::new(),
        refused: vec![None; contenders.len()],
    };
    around.standing.into_iter().for_each(|claim| board.claim(claim));
    contenders.iter().filter(|one| one.stays).for_each(|one| board.put(&one.now));
    for (index, one) in contenders.iter().enumerate().filter(|(_, one)| !one.stays) {
        board.propose(index, one);
    }
    board.refused
}

/// What may have come to be in the way of somebody.
enum Look {
    At(Occupied),
    On(Share),
}

struct Board<'a> {
    contenders: &'a [Contender],
    waived: HashSet<(SessionId, SessionId)>,
    planned: HashMap<ModuleId, (Code, i64)>,
    /// By resource and start. Nothing in it overlaps but what was waived, so a look at the day before is short.
    calendar: HashMap<Resource, BTreeMap<(Instant, SessionId), Occupied>>,
    scheduled: HashMap<Share, i64>,
    accepted: HashMap<SessionId, usize>,
    /// Of each share the accepted that take more of it than they do now. Who takes no more is not refused for what others take.
    takers: HashMap<Share, BTreeSet<usize>>,
    refused: Vec<Option<Obstacle>>,
}

impl Board<'_> {
    fn claim(&mut self, claim: Occupied) {
        self.calendar.entry(claim.resource).or_default().insert((claim.starts_at, claim.session_id), claim);
    }

    fn put(&mut self, footprint: &Footprint) {
        footprint.claims.iter().for_each(|claim| self.claim(*claim));
        footprint.minutes.iter().for_each(|(share, minutes)| *self.scheduled.entry(*share).or_default() += minutes);
    }

    fn take_away(&mut self, footprint: &Footprint) {
        for claim in &footprint.claims {
            self.calendar.entry(claim.resource).or_default().remove(&(claim.starts_at, claim.session_id));
        }
        footprint.minutes.iter().for_each(|(share, minutes)| *self.scheduled.entry(*share).or_default() -= minutes);
    }

    /// What overlaps `wanted` without a waiver.
    fn overlapping(&self, wanted: &Occupied) -> impl Iterator<Item = Occupied> {
        // No claim lasts longer than a day.
        let earliest = (wanted.starts_at.plus(TimeDelta::hours(-24)), SessionId::from_uuid(uuid::Uuid::nil()));
        let near = self.calendar.get(&wanted.resource).into_iter().flat_map(move |claims| claims.range(earliest..));
        let near = near.take_while(|((starts_at, _), _)| *starts_at < wanted.ends_at).map(|(_, one)| *one);
        let others = near.filter(|one| one.ends_at > wanted.starts_at && one.session_id != wanted.session_id);
        others.filter(|one| !self.waived.contains(&pair(one.session_id, wanted.session_id)))
    }

    fn propose(&mut self, index: usize, one: &Contender) {
        let blocked = one.then.claims.iter().find_map(|claim| self.overlapping(claim).next().map(|other| (*claim, other)));
        let looks = if let Some((claim, other)) = blocked {
            self.refuse(index, Obstacle::Overlaps(claim, other))
        } else {
            self.put(&one.then);
            self.accepted.insert(one.id, index);
            for (share, minutes) in &one.then.minutes {
                if *minutes > one.now.of(*share) {
                    self.takers.entry(*share).or_default().insert(index);
                }
            }
            one.then.minutes.iter().map(|(share, _)| Look::On(*share)).collect()
        };
        self.look(looks);
    }

    /// Refuses whoever cannot be where others are by now.
    fn look(&mut self, mut looks: Vec<Look>) {
        while let Some(look) = looks.pop() {
            if let Some((index, obstacle)) = self.in_the_way(&look) {
                // There may be another.
                looks.push(look);
                looks.extend(self.refuse(index, obstacle));
            }
        }
    }

    /// An accepted contender that is in the way there, of several that take too much the last.
    fn in_the_way(&self, look: &Look) -> Option<(usize, Obstacle)> {
        match look {
            Look::At(claim) => self.overlapping(claim).find_map(|other| {
                let index = self.accepted.get(&other.session_id)?;
                Some((*index, Obstacle::Overlaps(other, *claim)))
            }),
            Look::On(share) => {
                let scheduled = self.scheduled.get(share).copied().unwrap_or(0);
                let (_, planned) = self.planned.get(&share.1)?;
                let last = self.takers.get(share)?.last().filter(|_| scheduled > *planned)?;
                Some((*last, Obstacle::Exceeds(*share, scheduled)))
            }
        }
    }

    /// The contender stays where it is; where that may be in the way of the others.
    fn refuse(&mut self, index: usize, obstacle: Obstacle) -> Vec<Look> {
        let Some((one, refused)) = self.contenders.get(index).zip(self.refused.get_mut(index)) else {
            return Vec::new();
        };
        *refused = Some(obstacle);
        if self.accepted.remove(&one.id).is_some() {
            self.take_away(&one.then);
            for (share, _) in &one.then.minutes {
                self.takers.entry(*share).or_default().remove(&index);
            }
        }
        self.put(&one.now);
        let places = one.now.claims.iter().map(|claim| Look::At(*claim));
        places.chain(one.now.minutes.iter().map(|(share, _)| Look::On(*share))).collect()
    }
}

#[cfg(test)]
mod tests;
