//! Sessions as they are proposed, side by side; pure.

use std::collections::{HashMap, HashSet};

use super::{
    advice::Load,
    conflicts::{Conflict, ConflictKind, Placed, Severity, Subject},
    model::{Session, SessionId, SessionRow, SessionState},
    plan::Plan,
    rules::{Occupied, added},
};
use crate::{clock::Instant, id::Id, intakes::CohortId, people::PersonId, text::Code};

/// A session as it is proposed.
#[derive(Clone)]
pub(super) struct Candidate {
    pub(super) id: SessionId,
    /// Where a request or a file says it.
    pub(super) pointer: Option<String>,
    /// The session that stands already, if one does: its claims are thought away, and a waiver names it.
    pub(super) stored: Option<SessionId>,
    pub(super) plan: Plan,
    pub(super) minutes: i32,
    /// The cohorts of whose plan it takes more than it does now. For the others it is not refused for what others have taken meanwhile.
    pub(super) taking: Vec<CohortId>,
    /// Whether it is to be a draft, so that it is in nobody's way, and what is in its own is only told.
    pub(super) stays_draft: bool,
    /// Whether it is published and has changed since, or is to change its time, so that people have been told of another.
    pub(super) is_changed: bool,
}

impl Candidate {
    /// A session as it is to be published; none is stored yet if it is new.
    pub(super) fn of(stored: Option<&Session>, plan: Plan, minutes: i32) -> Self {
        Self::beside(stored.map(|session| (&session.row, session.cohort_ids.as_slice())), plan, minutes)
    }

    /// As [`Candidate::of`], by the row and the cohorts of what is stored.
    pub(super) fn beside(stored: Option<(&SessionRow, &[CohortId])>, plan: Plan, minutes: i32) -> Self {
        let taking = match stored {
            Some((row, cohorts)) if row.state == SessionState::Published && minutes <= row.minutes => added(cohorts, &plan.cohort_ids),
            _ => plan.cohort_ids.clone(),
        };
        let is_changed = stored
            .is_some_and(|(row, _)| row.state == SessionState::Published && (row.starts_at, row.ends_at) != (plan.starts_at, plan.ends_at));
        let stored = stored.map(|(row, _)| row.id);
        Self { id: stored.unwrap_or_else(Id::generate), pointer: None, stored, plan, minutes, taking, stays_draft: false, is_changed }
    }

    /// A session as it stands.
    pub(super) fn standing(session: &Session) -> Self {
        let stays_draft = session.row.state == SessionState::Draft;
        let is_changed = session.row.state == SessionState::Published && session.row.sequence > 0;
        Self { stays_draft, is_changed, ..Self::of(Some(session), session.plan(), session.row.minutes) }
    }

    /// A draft that the request itself makes, which whoever is refused it has not: named by where the request says it.
    pub(super) fn made(session: &Session, pointer: String) -> Self {
        Self { id: session.row.id, ..Self::of(None, session.plan(), session.row.minutes).at(pointer) }
    }

    /// The same, where a request or an answer says it.
    pub(super) fn at(self, pointer: String) -> Self {
        Self { pointer: Some(pointer), ..self }
    }

    /// A session as it was held: nothing is refused any more for the plan.
    pub(super) fn held(id: SessionId, actual: Plan, minutes: i32) -> Self {
        Self { id, pointer: None, stored: Some(id), plan: actual, minutes, taking: Vec::new(), stays_draft: false, is_changed: false }
    }

    /// What it is for one of its instructors.
    pub(super) fn load(&self, person_id: PersonId) -> Load {
        Load { person_id, starts_at: self.plan.starts_at, minutes: self.minutes }
    }

    /// What is told and keeps nobody from publishing.
    pub(super) fn warning(&self, kind: ConflictKind, subjects: Vec<Subject>, detail: String) -> Conflict {
        Conflict { severity: Severity::Warn, subjects, ..self.blocking(kind, detail) }
    }

    /// What keeps it from being published, and cannot be waived.
    pub(super) fn blocking(&self, kind: ConflictKind, detail: String) -> Conflict {
        Conflict {
            session: self.placed(),
            kind,
            severity: Severity::Block,
            can_be_waived: false,
            subjects: Vec::new(),
            other: None,
            waiver: None,
            detail,
        }
    }

    fn placed(&self) -> Placed {
        Placed {
            id: self.stored,
            pointer: self.pointer.clone(),
            code: self.plan.code.clone(),
            starts_at: self.plan.starts_at,
            ends_at: self.plan.ends_at,
        }
    }
}

/// In the order of the request.
pub(super) struct Candidates {
    pub(super) all: Vec<Candidate>,
    places: HashMap<SessionId, usize>,
    /// The sessions that stand until these take their place.
    replaced: HashSet<SessionId>,
    /// Whether only one of them is to be, so that none is in the way of another.
    pub(super) are_alternatives: bool,
    /// Whether of two that are in each other's way each is told, for each is looked at by itself.
    pub(super) each_side: bool,
}

impl Candidates {
    pub(super) fn of(all: Vec<Candidate>) -> Self {
        let places = all.iter().enumerate().map(|(index, one)| (one.id, index)).collect();
        let replaced = all.iter().filter_map(|one| one.stored).collect();
        Self { all, places, replaced, are_alternatives: false, each_side: false }
    }

    /// The same, each of which is told what is in its own way.
    pub(super) fn each(all: Vec<Candidate>) -> Self {
        Self { each_side: true, ..Self::of(all) }
    }

    /// One session at several times, each under an id of its own.
    pub(super) fn alternatives(session: &Session, plans: Vec<Plan>) -> Self {
        let one = |plan| Candidate { id: Id::generate(), ..Candidate::of(Some(session), plan, session.row.minutes) };
        Self { are_alternatives: true, ..Self::of(plans.into_iter().map(one).collect()) }
    }

    /// What adds up, in the order of the candidates: of alternatives what is of each, else all.
    pub(super) fn together<'a, T>(&self, all: &'a [T], index: impl Fn(&T) -> usize) -> Vec<&'a [T]> {
        if self.are_alternatives { all.chunk_by(|one, next| index(one) == index(next)).collect() } else { vec![all] }
    }

    /// Whether a session that stands is thought away.
    pub(super) fn replace(&self, id: SessionId) -> bool {
        self.replaced.contains(&id)
    }

    /// The id by which a waiver names a session, proposed or standing.
    pub(super) fn stored_id(&self, id: SessionId) -> SessionId {
        self.find(id).and_then(|(_, one)| one.stored).unwrap_or(id)
    }

    /// Whether one of them is to be a draft.
    pub(super) fn stays_draft(&self, id: SessionId) -> bool {
        self.find(id).is_some_and(|(_, one)| one.stays_draft)
    }

    pub(super) fn occupied(&self) -> Vec<Occupied> {
        self.all.iter().flat_map(|one| Occupied::by(one.id, &one.plan)).collect()
    }

    pub(super) fn find(&self, id: SessionId) -> Option<(usize, &Candidate)> {
        let index = *self.places.get(&id)?;
        Some((index, self.all.get(index)?))
    }

    pub(super) fn codes(&self) -> HashMap<SessionId, Code> {
        self.all.iter().map(|one| (one.id, one.plan.code.clone())).collect()
    }

    /// The session at the other side, proposed too or standing.
    pub(super) fn other(&self, id: SessionId, (starts_at, ends_at): (Instant, Instant), code: Code) -> Placed {
        match self.find(id) {
            // Where it is in the way: of a file, one that is refused stays where it was.
            Some((_, candidate)) => Placed { starts_at, ends_at, ..candidate.placed() },
            None => Placed { id: Some(id), pointer: None, code, starts_at, ends_at },
        }
    }
}
