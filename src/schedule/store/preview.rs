//! What would keep sessions from standing as proposed: for an import, which says so of each row before it writes anything.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::TimeDelta;

use super::{
    super::model::{NewSession, Plan, SessionId, SessionRow, SessionState},
    super::rules::{Occupied, Resource, Taken, pair},
    Scheduled, called,
    conflicts::{occupied, standing, told, waived},
    frame,
    links::added,
    of_intake,
    plan::planned_minutes,
};
use crate::{
    access::Actor,
    clock::Instant,
    db::Conn,
    error::{Error, FieldFault},
    intakes::{CohortId, Intake},
    programs::ModuleId,
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

/// For each proposal what is wrong with it, with pointers into [`NewSession`]. Of two proposals that cannot stand together, the later
/// one is blamed, and what is blamed is in nobody's way.
pub fn obstacles(conn: &mut Conn, actor: &Actor, intake: &Intake, proposals: Vec<Proposal>) -> Result<Vec<Vec<FieldFault>>, Error> {
    let frame = frame(conn, intake)?;
    let mut considered: Vec<Considered> = Vec::with_capacity(proposals.len());
    for Proposal { id, session, is_published } in proposals {
        let plan = session.plan(intake.mode);
        let (minutes, faults) = match frame.check(&plan) {
            Ok(minutes) => (minutes, Vec::new()),
            Err(faults) => (0, faults),
        };
        considered.push(Considered { id, plan, is_published, minutes, faults });
    }
    let stored = of_intake(conn, intake.id)?;
    blame_moving(conn, &stored, &mut considered)?;
    blame_overlaps(conn, actor, intake, &mut considered)?;
    blame_exceeding(conn, intake, &stored, &mut considered)?;
    Ok(considered.into_iter().map(|one| one.faults).collect())
}

struct Considered {
    id: SessionId,
    plan: Plan,
    is_published: bool,
    minutes: i32,
    faults: Vec<FieldFault>,
}

/// Blames whoever moves a session whose roll has been called.
fn blame_moving(conn: &mut Conn, stored: &[Scheduled], considered: &mut [Considered]) -> Result<(), Error> {
    let published = stored.iter().filter(|(row, ..)| row.state == SessionState::Published);
    let published: HashMap<SessionId, &Scheduled> = published.map(|one| (one.0.id, one)).collect();
    let moves = |one: &Considered| published.get(&one.id).is_some_and(|(row, cohorts, _)| one.plan.moves(row, cohorts));
    let moving: Vec<SessionId> = considered.iter().filter(|one| moves(one)).map(|one| one.id).collect();
    let called = called(conn, &moving)?;
    for one in considered.iter_mut().filter(|one| called.contains(&one.id)) {
        let detail = "the roll of this session has been called; hold it as it was, or cancel it";
        one.faults.push(FieldFault::new("", "roll_call_begun", detail));
    }
    Ok(())
}

/// What is taken already, by resource and start. Nothing in it overlaps but what was waived, so a look at the day before is short.
type Calendar = HashMap<Resource, BTreeMap<(Instant, SessionId), Occupied>>;

fn blame_overlaps(conn: &mut Conn, actor: &Actor, intake: &Intake, considered: &mut [Considered]) -> Result<(), Error> {
    let sound = considered.iter().filter(|one| one.is_published && one.faults.is_empty());
    let proposed: Vec<Occupied> = sound.flat_map(|one| occupied(one.id, &one.plan)).collect();
    let standing = standing(conn, &proposed.iter().map(|one| one.resource).collect(), &proposed)?;
    let waived = waived(conn, proposed.iter().chain(&standing).map(|one| one.session_id).collect())?;
    let mut calendar: Calendar = HashMap::new();
    for one in standing {
        calendar.entry(one.resource).or_default().insert((one.starts_at, one.session_id), one);
    }
    let mut blamed = Vec::new();
    for (index, one) in considered.iter().enumerate().filter(|(_, one)| one.is_published && one.faults.is_empty()) {
        let wanted = occupied(one.id, &one.plan);
        match wanted.iter().find_map(|wanted| blocking(&calendar, wanted, &waived).map(|other| (*wanted, other))) {
            Some(pair) => blamed.push((index, pair)),
            None => wanted.into_iter().for_each(|one| {
                calendar.entry(one.resource).or_default().insert((one.starts_at, one.session_id), one);
            }),
        }
    }
    let codes: HashMap<SessionId, Code> = considered.iter().map(|one| (one.id, one.plan.code.clone())).collect();
    let pairs: Vec<(Occupied, Occupied)> = blamed.iter().map(|(_, pair)| *pair).collect();
    let sentences = told(conn, actor, intake, &pairs, &codes)?;
    for ((index, _), sentence) in blamed.into_iter().zip(sentences) {
        if let Some(one) = considered.get_mut(index) {
            one.faults.push(FieldFault::new("", "session_conflict", sentence));
        }
    }
    Ok(())
}

/// What is in the way of `wanted`.
fn blocking(calendar: &Calendar, wanted: &Occupied, waived: &HashSet<(SessionId, SessionId)>) -> Option<Occupied> {
    // No claim lasts longer than a day.
    let earliest = (wanted.starts_at.plus(TimeDelta::hours(-24)), SessionId::from_uuid(uuid::Uuid::nil()));
    let near = calendar.get(&wanted.resource)?.range(earliest..).take_while(|((starts_at, _), _)| *starts_at < wanted.ends_at);
    let overlapping = near.map(|(_, one)| *one).filter(|one| one.ends_at > wanted.starts_at && one.session_id != wanted.session_id);
    overlapping.into_iter().find(|one| !waived.contains(&pair(one.session_id, wanted.session_id)))
}

/// Blames whoever, in the order given, takes more of a module's plan than is left for a cohort.
fn blame_exceeding(conn: &mut Conn, intake: &Intake, stored: &[Scheduled], considered: &mut [Considered]) -> Result<(), Error> {
    let planned = planned_minutes(conn, intake)?;
    let ids: HashSet<SessionId> = considered.iter().map(|one| one.id).collect();
    let others = stored.iter().filter(|(row, ..)| !ids.contains(&row.id));
    let taken = others.flat_map(|(row, cohorts, _)| cohorts.iter().map(|cohort| taken(row, *cohort)));
    let mut scheduled: HashMap<(CohortId, ModuleId), i64> = super::super::rules::scheduled(taken.collect());
    let stored: HashMap<SessionId, (&SessionRow, &[CohortId])> =
        stored.iter().map(|(row, cohorts, _)| (row.id, (row, cohorts.as_slice()))).collect();
    // Drafts take nothing of the plan until they are published.
    for one in considered.iter_mut().filter(|one| one.is_published && one.faults.is_empty()) {
        let judged = newly_taken(one, stored.get(&one.id));
        for cohort in &one.plan.cohort_ids {
            let sum = scheduled.entry((*cohort, one.plan.module_id)).or_default();
            *sum += i64::from(one.minutes);
            if let Some((module, minutes)) = planned.get(&one.plan.module_id)
                && *sum > *minutes
                && judged.contains(cohort)
            {
                let detail = format!(
                    "with this session a cohort has {sum} of {minutes} planned minutes of module {module}; more needs an amendment"
                );
                one.faults = vec![FieldFault::new("", "plan_exceeded", detail)];
            }
        }
    }
    Ok(())
}

fn taken(row: &SessionRow, cohort: CohortId) -> Taken {
    (cohort, row.module_id, row.state, row.minutes, row.held_minutes)
}

/// The cohorts of which the session takes more than it did. A move that takes no more is not refused for what others have taken.
fn newly_taken(one: &Considered, stored: Option<&(&SessionRow, &[CohortId])>) -> Vec<CohortId> {
    match stored {
        Some((row, cohorts)) if row.state == SessionState::Published && row.minutes >= one.minutes => added(cohorts, &one.plan.cohort_ids),
        _ => one.plan.cohort_ids.clone(),
    }
}
