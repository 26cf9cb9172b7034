//! What would keep sessions from standing as proposed: for an import, which says so of each row before it writes anything.

use std::collections::{BTreeSet, HashMap};

use super::{
    super::candidates::{Candidate, Candidates},
    super::conflicts::{Conflict, ConflictKind},
    super::model::{Session, SessionId, SessionState, UNHELD},
    super::plan::NewSession,
    super::proposals::{Around, Contender, Footprint, Obstacle, judge},
    super::rules::{Frame, Occupied, scheduled},
    called,
    check::{Shares, find_all, overlap},
    conflicts::{Clash, standing, told},
    frame,
    moves::{OF_ANOTHER_MODULE, is_of_the_module_of, replaced, roll_has_been_called},
    plan::{planned_minutes, taken},
    stored,
    waivers::granted,
};
use crate::{
    access::Actor,
    clock::Instant,
    db::Conn,
    error::{Error, FieldFault},
    intakes::Intake,
    programs::ModuleId,
};

/// A session as it is to be.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// Its own id, or a new one.
    pub id: SessionId,
    /// Where the file says it.
    pub pointer: String,
    pub session: NewSession,
    /// Whether it is to be published, or is already.
    pub is_published: bool,
}

/// What was found of proposals.
#[derive(Debug)]
pub struct Judgement {
    /// Of each, in their order.
    pub proposals: Vec<Judged>,
    /// What is in the way of those that stay as they are.
    pub unchanged: HashMap<SessionId, Vec<Conflict>>,
    /// Whether there are more conflicts than these tell.
    pub truncated: bool,
}

/// What is wrong with a proposal, and what is in its way.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// Why it is refused, with pointers into [`NewSession`]; none if it can be written.
    pub faults: Vec<FieldFault>,
    /// As `sessions/check` tells them: of a refused one beside all the others, of the rest beside what will be there. What blocks a draft
    /// refuses nothing yet.
    pub conflicts: Vec<Conflict>,
}

/// Judges each proposal. Those without faults can all be written together, the others staying as they are: moves by
/// [`update_many`](crate::schedule::update_many), then what is new, then what is published. Of those that are said to stay as they are,
/// with where the file says it, is told what is in their way too.
pub fn judged(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake: &Intake,
    proposals: Vec<Proposal>,
    unchanged: HashMap<SessionId, String>,
) -> Result<Judgement, Error> {
    let frame = frame(conn, intake)?;
    let stored = stored(conn, intake.id)?;
    let unchanged = standing_at(&stored, unchanged);
    let mut considered = considered(intake, &frame, &stored, proposals)?;
    blame_moving(conn, &stored, &mut considered)?;
    blame_leaving(conn, &stored, &mut considered)?;
    let mut contenders: Vec<Contender> = considered.iter().map(Considered::contender).collect();
    let around = around(conn, intake, stored, &mut contenders)?;
    let verdicts = judge(&contenders, around);
    let obstacles = obstacles(conn, actor, intake, &considered, &verdicts)?;
    let (mut told, mut truncated) = told_of(conn, actor, now, intake, considered.iter().filter(|one| one.is_right), &unchanged)?;
    let stays = |one: &Considered, verdict: &Option<Obstacle>| verdict.is_some() || !one.faults.is_empty();
    let pairs = || considered.iter().zip(&verdicts);
    if pairs().any(|(one, verdict)| stays(one, verdict)) {
        // What is refused is in nobody's way, but for what it occupies already.
        let accepted = pairs().filter(|(one, verdict)| !stays(one, verdict)).map(|(one, _)| one);
        let (beside_them, more) = told_of(conn, actor, now, intake, accepted.clone(), &unchanged)?;
        truncated |= more;
        accepted.map(|one| &one.proposed).chain(&unchanged).for_each(|one| drop(told.remove(&one.id)));
        told.extend(beside_them);
    }
    let judged = |(one, obstacle): (Considered, Option<Conflict>)| {
        let mut conflicts = told.remove(&one.proposed.id).unwrap_or_default();
        let mut faults = one.faults;
        if let Some(obstacle) = obstacle {
            let code = if obstacle.kind == ConflictKind::PlanExceeded { "plan_exceeded" } else { "session_conflict" };
            faults.push(FieldFault::new("", code, obstacle.detail.clone()));
            // The same obstacle may have been told beside others, and so with other figures.
            let is_same = |one: &Conflict| one.kind == obstacle.kind && one.other == obstacle.other && one.subjects == obstacle.subjects;
            match conflicts.iter_mut().find(|one| is_same(one)) {
                Some(told) => *told = obstacle,
                None => conflicts.insert(0, obstacle),
            }
        }
        Judged { faults, conflicts }
    };
    let proposals = considered.into_iter().zip(obstacles).map(judged).collect();
    Ok(Judgement { proposals, unchanged: told, truncated })
}

struct Considered {
    proposed: Candidate,
    /// Whether it is right by itself, wherever it lies.
    is_right: bool,
    faults: Vec<FieldFault>,
}

impl Considered {
    /// What it is to be, and nothing yet of what it is. Drafts occupy nobody and take nothing of the plan.
    fn contender(&self) -> Contender {
        let stays = !self.faults.is_empty();
        let Candidate { id, plan, minutes, stays_draft, .. } = &self.proposed;
        let mut then = Footprint::default();
        if !stays_draft && !stays {
            then.claims = Occupied::by(*id, plan);
            let share = |cohort| ((cohort, plan.module_id), i64::from(*minutes));
            then.minutes = plan.cohort_ids.iter().copied().map(share).collect();
        }
        Contender { id: *id, now: Footprint::default(), then, stays }
    }
}

fn considered(intake: &Intake, frame: &Frame, stored: &[Session], proposals: Vec<Proposal>) -> Result<Vec<Considered>, Error> {
    let stored: HashMap<SessionId, &Session> = stored.iter().map(|one| (one.row.id, one)).collect();
    let consider = |Proposal { id, pointer, session, is_published }: Proposal| {
        let plan = session.plan(intake.mode, intake.time_zone).map_err(Error::Invalid)?;
        let (is_right, minutes, faults) = match (frame.check_itself(&plan), frame.check(&plan)) {
            (Ok(minutes), checked) => (true, minutes, checked.err().unwrap_or_default()),
            (Err(_), checked) => (false, 0, checked.err().unwrap_or_default()),
        };
        let before = stored.get(&id).map(|one| (&one.row, one.cohort_ids.as_slice()));
        let proposed = Candidate { id, stays_draft: !is_published, ..Candidate::beside(before, plan, minutes).at(pointer) };
        Ok(Considered { proposed, is_right, faults })
    };
    proposals.into_iter().map(consider).collect()
}

/// Those of these sessions that can still be in somebody's way, or somebody in theirs.
fn standing_at(stored: &[Session], mut pointers: HashMap<SessionId, String>) -> Vec<Candidate> {
    let unheld = stored.iter().filter(|session| UNHELD.contains(&session.row.state));
    unheld.filter_map(|session| Some(Candidate::standing(session).at(pointers.remove(&session.row.id)?))).collect()
}

/// Whatever is in the way of them, and whether there is more.
fn told_of<'a>(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake: &Intake,
    considered: impl Iterator<Item = &'a Considered>,
    unchanged: &[Candidate],
) -> Result<(HashMap<SessionId, Vec<Conflict>>, bool), Error> {
    let mut proposed: Vec<Candidate> = considered.map(|one| &one.proposed).chain(unchanged).cloned().collect();
    // First what is published, which may take of the plan whatever the drafts come to; of the plan the first take first, however the file
    // lists them.
    proposed.sort_by_key(|one| (one.stays_draft, one.plan.starts_at));
    let candidates = Candidates::each(proposed);
    let mut told: HashMap<SessionId, Vec<Conflict>> = HashMap::new();
    let found = find_all(conn, actor, now, intake, &candidates)?;
    for (index, conflict) in found.conflicts {
        if let Some(one) = candidates.all.get(index) {
            told.entry(one.id).or_default().push(conflict);
        }
    }
    Ok((told, found.truncated))
}

/// Blames whoever moves a session whose roll has been called.
fn blame_moving(conn: &mut Conn, stored: &[Session], considered: &mut [Considered]) -> Result<(), Error> {
    let published = stored.iter().filter(|one| one.row.state == SessionState::Published);
    let published: HashMap<SessionId, &Session> = published.map(|one| (one.row.id, one)).collect();
    let moves =
        |one: &Considered| published.get(&one.proposed.id).is_some_and(|stored| one.proposed.plan.moves(&stored.row, &stored.cohort_ids));
    let moving: Vec<SessionId> = considered.iter().filter(|one| moves(one)).map(|one| one.proposed.id).collect();
    let called = called(conn, &moving)?;
    for one in considered.iter_mut().filter(|one| called.contains(&one.proposed.id)) {
        one.faults.push(FieldFault::new("", "roll_call_begun", roll_has_been_called(&one.proposed.plan.code)));
    }
    Ok(())
}

/// Blames whoever takes the replacement of a cancelled session out of its module.
fn blame_leaving(conn: &mut Conn, stored: &[Session], considered: &mut [Considered]) -> Result<(), Error> {
    let modules: HashMap<SessionId, ModuleId> = stored.iter().map(|one| (one.row.id, one.row.module_id)).collect();
    let leaves = |one: &Considered| modules.get(&one.proposed.id).is_some_and(|module| *module != one.proposed.plan.module_id);
    let leaving: Vec<SessionId> = considered.iter().filter(|one| leaves(one)).map(|one| one.proposed.id).collect();
    let replaced = replaced(conn, &leaving)?;
    for one in considered {
        if let Some(cancelled) = replaced.get(&one.proposed.id) {
            let detail = is_of_the_module_of(&one.proposed.plan.code, cancelled);
            one.faults.push(FieldFault::new("/module_id", OF_ANOTHER_MODULE, detail));
        }
    }
    Ok(())
}

/// What the contenders are held against; what is stored of themselves goes to them.
fn around(conn: &mut Conn, intake: &Intake, stored: Vec<Session>, contenders: &mut [Contender]) -> Result<Around, Error> {
    let wanted: Vec<Occupied> = contenders.iter().flat_map(|one| one.then.claims.iter().copied()).collect();
    let standing = standing(conn, &wanted.iter().map(|one| one.resource).collect(), &wanted)?;
    let pairs: BTreeSet<SessionId> = wanted.iter().chain(&standing).map(|one| one.session_id).collect();
    let waived = granted(conn, pairs)?.into_keys().collect();
    let mut around = Around { waived, planned: planned_minutes(conn, intake)?, ..Around::default() };
    let mut own: HashMap<SessionId, &mut Contender> = contenders.iter_mut().map(|one| (one.id, one)).collect();
    for claim in standing {
        own.get_mut(&claim.session_id).map_or(&mut around.standing, |one| &mut one.now.claims).push(claim);
    }
    let mut others = Vec::new();
    for Session { row, cohort_ids, .. } in &stored {
        let taken = cohort_ids.iter().map(|cohort| taken(row, *cohort));
        match own.get_mut(&row.id) {
            Some(one) => one.now.minutes = scheduled(taken.collect()).into_iter().collect(),
            None => others.extend(taken),
        }
    }
    around.scheduled = scheduled(others);
    Ok(around)
}

/// What keeps each from standing as proposed, in their order.
fn obstacles(
    conn: &mut Conn,
    actor: &Actor,
    intake: &Intake,
    considered: &[Considered],
    verdicts: &[Option<Obstacle>],
) -> Result<Vec<Option<Conflict>>, Error> {
    let candidates = Candidates::of(considered.iter().map(|one| one.proposed.clone()).collect());
    let shares = Shares::of(conn, intake)?;
    let overlaps = verdicts.iter().filter_map(|verdict| match verdict {
        Some(Obstacle::Overlaps(one, other)) => Some((*one, *other)),
        Some(Obstacle::Exceeds(..)) | None => None,
    });
    let mut told = told(conn, actor, intake, &overlaps.collect::<Vec<_>>(), &candidates.codes())?.into_iter();
    let obstacle = |(one, verdict): (&Considered, &Option<Obstacle>)| match verdict.as_ref()? {
        Obstacle::Overlaps(mine, other) => {
            let clash = Clash { one: *mine, other: *other, waiver: None };
            overlap(&candidates, clash, told.next()?).map(|(_, conflict)| conflict)
        }
        Obstacle::Exceeds(share, minutes) => shares.exceeded(&one.proposed, *share, *minutes),
    };
    Ok(considered.iter().zip(verdicts).map(obstacle).collect())
}
