//! What would stand in the way of sessions, if they were published: looked up, and nothing stored.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{
    super::candidates::{Candidate, Candidates},
    super::conflicts::{Checked, Conflict, ConflictKind, Granted, Proposed, Severity, Subject, Taking, exceeding},
    super::model::{Session, SessionId, SessionState, UNHELD},
    super::plan::Plan,
    super::proposals::Share,
    super::rules::{ClaimKind, Days, Frame, Occupied, added, scheduled},
    advice::advice,
    conflicts::{Clash, REFUSED, SHOWN, Wanted, Wording, clashes, lock, told},
    expected::trainees,
    frame,
    invited::{invited, owing, stranded},
    links::{self, whole},
    of_ids,
    plan::{exceeds, planned_minutes, taken_of},
    refuse_taken,
    suitability::unsuited,
};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::Conn,
    error::{Error, FieldFault},
    intakes::{self, CohortId, Intake, IntakeId},
    people::PersonId,
    programs::ModuleId,
    rooms::{self, RoomId},
    text::{Code, Name},
};

/// Conflicts that the detail of a refusal tells.
const TOLD: usize = 5;

/// Conflicts, each with the place of its session.
#[derive(Default)]
pub(super) struct Found {
    pub(super) conflicts: Vec<(usize, Conflict)>,
    /// Whether there are further ones that are not told, and whether one of all blocks.
    pub(super) truncated: bool,
    blocks: bool,
}

impl Found {
    /// In the order of the sessions, of one session in that in which they were found.
    fn sorted(mut self) -> Self {
        self.conflicts.sort_by_key(|(index, _)| *index);
        self.blocks |= self.conflicts.iter().any(|(_, conflict)| conflict.severity == Severity::Block);
        self
    }
}

/// All that stands in the way of sessions, as if they were published together.
///
/// # Errors
/// 404 for a session or instructor that the actor does not see; 409 `intake_not_live`, `already_exists` for a code that is taken, and
/// `session_closed` for one that is held or cancelled; 422 for a plan that is wrong by itself.
pub(in crate::schedule) fn check(conn: &mut Conn, actor: &Actor, now: Instant, id: IntakeId, proposed: Proposed) -> Result<Checked, Error> {
    let intake = intakes::find(conn, actor, id)?;
    actor.may(Action::WriteSchedule)?;
    intake.check_live()?;
    let frame = frame(conn, &intake)?;
    let candidates = candidates(conn, actor, &intake, &frame, proposed)?;
    checked(conn, actor, now, &intake, &Candidates::of(candidates))
}

/// All that stands in the way of candidates that are right by themselves.
pub(super) fn checked(conn: &mut Conn, actor: &Actor, now: Instant, intake: &Intake, candidates: &Candidates) -> Result<Checked, Error> {
    let found = find_all(conn, actor, now, intake, candidates)?;
    let truncated = found.truncated || found.conflicts.len() > SHOWN;
    let conflicts = found.conflicts.into_iter().take(SHOWN).map(|(_, conflict)| conflict).collect();
    Ok(Checked { fits: !found.blocks, conflicts, truncated })
}

/// What [`check`] tells of those of these sessions of one intake that are published, or drafts, and of cancelled ones whom that leaves
/// without what they came to. What blocks a draft refuses nothing yet.
pub(in crate::schedule) fn as_they_stand(conn: &mut Conn, actor: &Actor, now: Instant, sessions: &[Session]) -> Result<Checked, Error> {
    let mut told = Checked { fits: true, conflicts: Vec::new(), truncated: false };
    let Some(first) = sessions.first() else {
        return Ok(told);
    };
    let intake = intakes::find(conn, actor, first.row.intake_id)?;
    let in_state = |states: &[SessionState]| {
        let those = sessions.iter().filter(|session| states.contains(&session.row.state));
        Candidates::each(those.map(Candidate::standing).collect())
    };
    let (unheld, cancelled) = (in_state(&UNHELD), in_state(&[SessionState::Cancelled]));
    if !unheld.all.is_empty() {
        told = checked(conn, actor, now, &intake, &unheld)?;
    }
    told.conflicts.extend(stranded(conn, &intake, &cancelled)?);
    told.truncated |= told.conflicts.len() > SHOWN;
    told.conflicts.truncate(SHOWN);
    Ok(told)
}

/// What stands in the way of a session at each of these times, as [`checked`] would tell of each alone.
pub(super) fn alternatives(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake: &Intake,
    session: &Session,
    plans: Vec<Plan>,
) -> Result<Vec<Vec<Conflict>>, Error> {
    let mut told = vec![Vec::new(); plans.len()];
    let found = find_all(conn, actor, now, intake, &Candidates::alternatives(session, plans))?;
    for (index, conflict) in found.conflicts {
        if let Some(of_time) = told.get_mut(index) {
            of_time.push(conflict);
        }
    }
    Ok(told)
}

/// Whatever is in the way of these sessions, if all of them were published; nothing is stored.
pub(super) fn find_all(conn: &mut Conn, actor: &Actor, now: Instant, intake: &Intake, candidates: &Candidates) -> Result<Found, Error> {
    let mut found = Found { conflicts: outside(intake, &candidates.all), ..Found::default() };
    in_two_places(conn, actor, intake, candidates, Wanted::to_tell(candidates), &mut found)?;
    found.conflicts.extend(in_the_past(now, intake, candidates));
    let invited = invited(conn, candidates)?;
    found.conflicts.extend(trainees(conn, actor, intake, candidates, &invited)?);
    found.conflicts.extend(unsuited(conn, candidates, &invited)?);
    found.conflicts.extend(beyond_plan(conn, intake, candidates)?);
    found.conflicts.extend(advice(conn, intake, candidates, &invited)?);
    found.conflicts.extend(owing(conn, candidates, &invited)?);
    Ok(found.sorted())
}

/// Refuses what would put somebody in two places at once, among these sessions or beside those that stand, or go beyond the plan. From
/// here to the end of the transaction nobody else claims whom they take.
///
/// # Errors
/// 409 `session_conflict` or `plan_exceeded`, with the first conflicts as [`check`] tells them.
pub(super) fn refuse_conflicts(conn: &mut Conn, actor: &Actor, intake: &Intake, candidates: Vec<Candidate>) -> Result<(), Error> {
    let candidates = Candidates::of(candidates);
    lock(conn, &candidates.occupied())?;
    let mut found = Found::default();
    in_two_places(conn, actor, intake, &candidates, Wanted::TO_REFUSE, &mut found)?;
    found.conflicts.extend(beyond_plan(conn, intake, &candidates)?);
    refuse(found)
}

/// Refuses to move sessions, drafts or not, out of the days of their intake.
///
/// # Errors
/// 409 `outside_intake`, as [`check`] tells it.
pub(super) fn refuse_outside(intake: &Intake, candidates: &[Candidate]) -> Result<(), Error> {
    refuse(Found { conflicts: outside(intake, candidates), ..Found::default() })
}

fn refuse(found: Found) -> Result<(), Error> {
    let Found { conflicts, truncated, blocks } = found.sorted();
    if !blocks {
        return Ok(());
    }
    let truncated = truncated || conflicts.len() > REFUSED;
    let blocking: Vec<Conflict> = conflicts.into_iter().map(|(_, conflict)| conflict).collect();
    let code = match blocking.iter().map(|one| one.kind).find(|kind| *kind != ConflictKind::PlanExceeded) {
        Some(ConflictKind::OutsideIntake) => "outside_intake",
        Some(_) => "session_conflict",
        None => "plan_exceeded",
    };
    let mut sentences: Vec<String> = blocking.iter().take(TOLD).map(|one| one.detail.clone()).collect();
    if truncated {
        sentences.push(format!("and more than {} others", REFUSED - TOLD));
    } else if blocking.len() > TOLD {
        sentences.push(format!("and {} more", blocking.len() - TOLD));
    }
    Err(Error::Blocked { code, detail: sentences.join("; "), conflicts: blocking.into_iter().take(REFUSED).collect(), truncated })
}

/// The sessions as they are to be, each right by itself.
fn candidates(conn: &mut Conn, actor: &Actor, intake: &Intake, frame: &Frame, proposed: Proposed) -> Result<Vec<Candidate>, Error> {
    if proposed.sessions.is_none() && proposed.changes.is_none() {
        return Err(Error::invalid("", "nothing_proposed", "send sessions, changes, or both"));
    }
    let changes = proposed.changes.map(|many| many.0).unwrap_or_default();
    let mut stored = stored(conn, actor, intake.id, changes.iter().map(|one| one.id).collect())?;
    let mut plans = Vec::new();
    let mut codes: Vec<Code> = Vec::new();
    let mut joining: HashSet<PersonId> = HashSet::new();
    let mut entered: BTreeSet<RoomId> = BTreeSet::new();
    for (index, new) in proposed.sessions.map(|many| many.0).unwrap_or_default().into_iter().enumerate() {
        codes.push(new.code.clone());
        let plan = new.plan(intake.mode, intake.time_zone);
        joining.extend(plan.iter().flat_map(|plan| plan.instructor_ids.iter().copied()));
        entered.extend(plan.iter().filter_map(|plan| plan.room_id));
        plans.push((format!("/sessions/{index}"), None, plan));
    }
    for (index, one) in changes.into_iter().enumerate() {
        let pointer = format!("/changes/{index}");
        let twice = || Error::invalid(format!("{pointer}/id"), "duplicate", "names the same session twice");
        let stored = stored.remove(&one.id).ok_or_else(twice)?;
        let before = stored.plan();
        codes.extend(one.change.code.clone().filter(|code| *code != before.code));
        let plan = one.change.apply(&before, intake.time_zone);
        joining.extend(plan.iter().flat_map(|plan| added(&before.instructor_ids, &plan.instructor_ids)));
        entered.extend(plan.iter().filter_map(|plan| plan.room_id.filter(|room| before.room_id != Some(*room))));
        plans.push((pointer, Some(stored), plan));
    }
    refuse_taken(conn, intake.id, codes.iter())?;
    links::find_instructors(conn, actor, joining)?;
    rooms::check_all(conn, actor, entered)?;
    let mut faults = Vec::new();
    let mut candidates = Vec::with_capacity(plans.len());
    for (pointer, stored, plan) in plans {
        match plan.and_then(|plan| frame.check_itself(&plan).map(|minutes| (plan, minutes))) {
            Ok((plan, minutes)) => candidates.push(Candidate::of(stored.as_ref(), plan, minutes).at(pointer)),
            Err(found) => {
                faults.extend(found.into_iter().map(|fault| FieldFault { pointer: format!("{pointer}{}", fault.pointer), ..fault }))
            }
        }
    }
    Error::unless_valid(faults)?;
    Ok(candidates)
}

/// The sessions of an intake that are to change.
fn stored(conn: &mut Conn, actor: &Actor, intake: IntakeId, ids: BTreeSet<SessionId>) -> Result<HashMap<SessionId, Session>, Error> {
    let rows = of_ids(conn, actor, intake, ids)?;
    if let Some(row) = rows.iter().find(|row| !UNHELD.contains(&row.state)) {
        return Err(Error::conflict("session_closed", format!("session {} is {}", row.code, row.state)));
    }
    Ok(whole(conn, rows)?.into_iter().map(|session| (session.row.id, session)).collect())
}

fn outside(intake: &Intake, candidates: &[Candidate]) -> Vec<(usize, Conflict)> {
    let days = Days::of_intake(intake);
    let mut found = Vec::new();
    for (index, one) in candidates.iter().enumerate() {
        for fault in days.check(&one.plan) {
            let detail = format!("session {} {}", one.plan.code, fault.detail);
            found.push((index, one.blocking(ConflictKind::OutsideIntake, detail)));
        }
    }
    found
}

/// Published sessions that change to a time that is over: right as a correction afterwards, and else mistyped.
fn in_the_past(now: Instant, intake: &Intake, candidates: &Candidates) -> Vec<(usize, Conflict)> {
    let over = candidates.all.iter().enumerate().filter(|(_, one)| one.is_changed && one.plan.ends_at <= now);
    let warning = |(index, one): (usize, &Candidate)| {
        let ended = intake.time_zone.told(one.plan.ends_at);
        let detail = format!("session {} is published and was over at {ended}; if it took place, confirm it as held", one.plan.code);
        (index, one.warning(ConflictKind::InThePast, Vec::new(), detail))
    };
    over.map(warning).collect()
}

/// Instructors, cohorts and rooms in two sessions. What a coordinator has waived is told, if at all, and does not block; nor does a draft.
fn in_two_places(
    conn: &mut Conn,
    actor: &Actor,
    intake: &Intake,
    candidates: &Candidates,
    wanted: Wanted,
    found: &mut Found,
) -> Result<(), Error> {
    let clashes = clashes(conn, actor, candidates, wanted)?;
    found.truncated |= clashes.truncated;
    found.blocks |= clashes.blocks;
    let pairs: Vec<(Occupied, Occupied)> = clashes.shown.iter().map(|clash| (clash.one, clash.other)).collect();
    let told = told(conn, actor, intake, &pairs, &candidates.codes())?;
    found.conflicts.extend(clashes.shown.into_iter().zip(told).filter_map(|(clash, told)| overlap(candidates, clash, told)));
    Ok(())
}

/// An overlap, with the place of the proposed session.
pub(super) fn overlap(candidates: &Candidates, clash: Clash, told: Wording) -> Option<(usize, Conflict)> {
    let (index, candidate) = candidates.find(clash.one.session_id)?;
    let kind = match clash.one.resource.0 {
        ClaimKind::Instructor => ConflictKind::Instructor,
        ClaimKind::Cohort => ConflictKind::Cohort,
        ClaimKind::Room => ConflictKind::Room,
    };
    let severity = if clash.blocks() { Severity::Block } else { Severity::Warn };
    let (subjects, other) =
        (vec![told.subject], told.other.map(|code| candidates.other(clash.other.session_id, clash.other.times(), code)));
    let mut conflict = candidate.blocking(kind, told.sentence);
    let are_stored = candidate.stored.is_some() && other.as_ref().is_some_and(|other| other.id.is_some());
    let can_be_waived = clash.waiver.is_none() && are_stored && !clash.is_with_draft();
    if clash.is_with_draft() && clash.waiver.is_none() {
        conflict.detail.push_str("; both cannot be published");
    }
    // Who waived it and why is for those who see both sessions.
    let waiver = clash.waiver.filter(|_| other.is_some());
    if let Some(Granted { reason, .. }) = &waiver {
        conflict.detail.push_str(&format!("; waived: {reason}"));
    }
    Some((index, Conflict { severity, can_be_waived, subjects, other, waiver, ..conflict }))
}

/// Sessions with which more would be scheduled than planned.
fn beyond_plan(conn: &mut Conn, intake: &Intake, candidates: &Candidates) -> Result<Vec<(usize, Conflict)>, Error> {
    let modules: BTreeSet<_> = candidates.all.iter().map(|one| one.plan.module_id).collect();
    let stored = taken_of(conn, intake, modules.into_iter().collect())?;
    let others = scheduled(stored.into_iter().filter(|(id, _)| !candidates.replace(*id)).map(|(_, taken)| taken).collect());
    let shares = Shares::of(conn, intake)?;
    let mut takings = Vec::new();
    for (index, one) in candidates.all.iter().enumerate() {
        takings.extend(one.plan.cohort_ids.iter().map(|cohort| Taking {
            index,
            share: (*cohort, one.plan.module_id),
            minutes: i64::from(one.minutes),
            is_more: one.taking.contains(cohort),
        }));
    }
    let conflict = |(taking, minutes): (Taking, i64)| {
        let candidate = candidates.all.get(taking.index)?;
        Some((taking.index, shares.exceeded(candidate, taking.share, minutes)?))
    };
    let together = candidates.together(&takings, |taking| taking.index).into_iter();
    Ok(together.flat_map(|takings| exceeding(takings, &shares.planned, others.clone())).filter_map(conflict).collect())
}

/// What is planned for the cohorts of an intake, and what these are called.
pub(super) struct Shares {
    planned: HashMap<ModuleId, (Code, i64)>,
    cohorts: HashMap<CohortId, (Code, Name)>,
}

impl Shares {
    pub(super) fn of(conn: &mut Conn, intake: &Intake) -> Result<Self, Error> {
        let cohorts = intakes::cohorts_of(conn, intake.id)?.into_iter().map(|cohort| (cohort.id, (cohort.code, cohort.name)));
        Ok(Self { planned: planned_minutes(conn, intake)?, cohorts: cohorts.collect() })
    }

    /// That so many minutes would be scheduled of a share with this session.
    pub(super) fn exceeded(&self, candidate: &Candidate, (cohort, module): Share, minutes: i64) -> Option<Conflict> {
        let (code, name) = self.cohorts.get(&cohort)?;
        let (module, planned) = self.planned.get(&module)?;
        let detail = exceeds(&candidate.plan.code, code, module, minutes, *planned);
        let subjects = vec![Subject::of(cohort, name.clone())];
        Some(Conflict { subjects, ..candidate.blocking(ConflictKind::PlanExceeded, detail) })
    }
}
