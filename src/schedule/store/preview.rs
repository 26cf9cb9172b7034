//! What would keep sessions from standing as proposed: for an import, which says so of each row before it writes anything.

use std::collections::{BTreeSet, HashMap};

use super::{
    super::model::{SessionId, SessionState},
    super::plan::{NewSession, Plan},
    super::proposals::{Around, Candidate, Obstacle, Stand, judge},
    super::rules::{Occupied, scheduled},
    Scheduled, called,
    conflicts::{occupied, standing, told},
    frame,
    moves::roll_has_been_called,
    of_intake,
    plan::{exceeds, planned_minutes, taken},
    waivers::granted,
};
use crate::{
    access::Actor,
    db::Conn,
    error::{Error, FieldFault},
    intakes::{self, Intake},
    text::Code,
};

/// A session as it is to be.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// Its own id, or a new one.
    pub id: SessionId,
    pub session: NewSession,
    /// Whether it is to be published, or is already.
    pub is_published: bool,
}

/// For each proposal what is wrong with it, with pointers into [`NewSession`]. Those with nothing wrong can all be written together, the
/// others staying as they are: moves by [`update_many`](crate::schedule::update_many), then what is new, then what is published.
pub fn obstacles(conn: &mut Conn, actor: &Actor, intake: &Intake, proposals: Vec<Proposal>) -> Result<Vec<Vec<FieldFault>>, Error> {
    let frame = frame(conn, intake)?;
    let mut considered: Vec<Considered> = Vec::with_capacity(proposals.len());
    for Proposal { id, session, is_published } in proposals {
        let plan = session.plan(intake.mode, intake.time_zone).map_err(Error::Invalid)?;
        let (minutes, faults) = match frame.check(&plan) {
            Ok(minutes) => (minutes, Vec::new()),
            Err(faults) => (0, faults),
        };
        considered.push(Considered { id, plan, is_published, minutes, faults });
    }
    let stored = of_intake(conn, intake.id)?;
    blame_moving(conn, &stored, &mut considered)?;
    let mut candidates: Vec<Candidate> = considered.iter().map(Considered::candidate).collect();
    let around = around(conn, intake, stored, &mut candidates)?;
    let planned: HashMap<_, _> = around.planned.clone();
    let verdicts = judge(&candidates, around);
    let mut sentences = sentences(conn, actor, intake, &considered, &verdicts)?.into_iter();
    let cohorts = intakes::cohorts_of(conn, intake.id)?;
    let tell = |(mut one, verdict): (Considered, Option<Obstacle>)| {
        one.faults.extend(match verdict {
            None => None,
            Some(Obstacle::Overlaps(..)) => Some(FieldFault::new("", "session_conflict", sentences.next().unwrap_or_default())),
            Some(Obstacle::Exceeds((cohort, module), minutes)) => {
                let code = cohorts.iter().find(|one| one.id == cohort).map_or("", |one| one.code.as_str());
                let (module, planned) = planned.get(&module).map_or(("", 0), |(module, planned)| (module.as_str(), *planned));
                Some(FieldFault::new("", "plan_exceeded", exceeds(code, module, minutes, planned)))
            }
        });
        one.faults
    };
    Ok(considered.into_iter().zip(verdicts).map(tell).collect())
}

struct Considered {
    id: SessionId,
    plan: Plan,
    is_published: bool,
    minutes: i32,
    faults: Vec<FieldFault>,
}

impl Considered {
    /// What it is to be, and nothing yet of what it is. Drafts occupy nobody and take nothing of the plan.
    fn candidate(&self) -> Candidate {
        let stays = !self.faults.is_empty();
        let mut then = Stand::default();
        if self.is_published && !stays {
            then.claims = occupied(self.id, &self.plan);
            let share = |cohort| ((cohort, self.plan.module_id), i64::from(self.minutes));
            then.minutes = self.plan.cohort_ids.iter().copied().map(share).collect();
        }
        Candidate { id: self.id, now: Stand::default(), then, stays }
    }
}

/// Blames whoever moves a session whose roll has been called.
fn blame_moving(conn: &mut Conn, stored: &[Scheduled], considered: &mut [Considered]) -> Result<(), Error> {
    let published = stored.iter().filter(|(row, ..)| row.state == SessionState::Published);
    let published: HashMap<SessionId, &Scheduled> = published.map(|one| (one.0.id, one)).collect();
    let moves = |one: &Considered| published.get(&one.id).is_some_and(|(row, cohorts, _)| one.plan.moves(row, cohorts));
    let moving: Vec<SessionId> = considered.iter().filter(|one| moves(one)).map(|one| one.id).collect();
    let called = called(conn, &moving)?;
    for one in considered.iter_mut().filter(|one| called.contains(&one.id)) {
        one.faults.push(FieldFault::new("", "roll_call_begun", roll_has_been_called(&one.plan.code)));
    }
    Ok(())
}

/// What the candidates are held against; what is stored of themselves goes to them.
fn around(conn: &mut Conn, intake: &Intake, stored: Vec<Scheduled>, candidates: &mut [Candidate]) -> Result<Around, Error> {
    let wanted: Vec<Occupied> = candidates.iter().flat_map(|one| one.then.claims.iter().copied()).collect();
    let standing = standing(conn, &wanted.iter().map(|one| one.resource).collect(), &wanted)?;
    let pairs: BTreeSet<SessionId> = wanted.iter().chain(&standing).map(|one| one.session_id).collect();
    let waived = granted(conn, pairs)?.into_keys().collect();
    let mut around = Around { waived, planned: planned_minutes(conn, intake)?, ..Around::default() };
    let mut own: HashMap<SessionId, &mut Candidate> = candidates.iter_mut().map(|one| (one.id, one)).collect();
    for claim in standing {
        own.get_mut(&claim.session_id).map_or(&mut around.standing, |one| &mut one.now.claims).push(claim);
    }
    let mut others = Vec::new();
    for (row, cohorts, _) in &stored {
        let taken = cohorts.iter().map(|cohort| taken(row, *cohort));
        match own.get_mut(&row.id) {
            Some(one) => one.now.minutes = scheduled(taken.collect()).into_iter().collect(),
            None => others.extend(taken),
        }
    }
    around.scheduled = scheduled(others);
    Ok(around)
}

/// The conflicts among the verdicts in words, in their order.
fn sentences(
    conn: &mut Conn,
    actor: &Actor,
    intake: &Intake,
    considered: &[Considered],
    verdicts: &[Option<Obstacle>],
) -> Result<Vec<String>, Error> {
    let conflict = |verdict: &Option<Obstacle>| match verdict {
        Some(Obstacle::Overlaps(one, other)) => Some((*one, *other)),
        Some(Obstacle::Exceeds(..)) | None => None,
    };
    let pairs: Vec<(Occupied, Occupied)> = verdicts.iter().filter_map(conflict).collect();
    let codes: HashMap<SessionId, Code> = considered.iter().map(|one| (one.id, one.plan.code.clone())).collect();
    Ok(told(conn, actor, intake, &pairs, &codes)?.into_iter().map(|told| told.sentence).collect())
}
