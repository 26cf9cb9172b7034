//! What becomes of one session, or of it and the rest of its series. All of it goes the way of every other move.

use std::{collections::HashMap, iter::once};

use super::{
    super::candidates::Candidate,
    super::changes::Successor,
    super::model::{ChangeScope, Session, SessionId, SessionRow, SessionState},
    super::occurrences::{SessionCut, SessionMove, SessionSplit, Substitution},
    super::plan::{Plan, SessionPatch},
    changes::guests_of,
    changing, draft, find, frame, insert, later,
    links::whole,
    moves::{apply, refusal, shorten},
    refuse_taken,
    steps::publish_as,
    waivers::hand_on,
};
use crate::{
    access::Actor,
    clock::Instant,
    db::Conn,
    error::{Error, FieldFault},
    intakes::Intake,
};

/// The session and, if it is about the rest too, the later ones, in an intake that is locked.
fn chosen(conn: &mut Conn, actor: &Actor, id: SessionId, scope: ChangeScope) -> Result<(Intake, Vec<Session>), Error> {
    let intake_id = find(conn, actor, id)?.intake_id;
    let intake = changing(conn, actor, intake_id)?;
    let row = find(conn, actor, id)?;
    let later = if scope == ChangeScope::Rest { later(conn, actor, &row)? } else { Vec::new() };
    Ok((intake, whole(conn, once(row).chain(later).collect())?))
}

/// Applies a patch to each session; answers all of them as they are then.
fn patched(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake: &Intake,
    sessions: Vec<Session>,
    patches: Vec<SessionPatch>,
) -> Result<Vec<Session>, Error> {
    let changed = apply(conn, actor, now, intake, sessions.iter().cloned().zip(patches).collect())?;
    let mut changed: HashMap<SessionId, Session> = changed.into_iter().map(|session| (session.row.id, session)).collect();
    Ok(sessions.into_iter().map(|session| changed.remove(&session.row.id).unwrap_or(session)).collect())
}

/// What a patch is refused for, where the step says it: the body of a step has fewer fields than the patch that it becomes, and what is
/// wrong with one of the `absent` comes from this `field`.
fn at_field(error: Error, absent: &[&str], field: &str) -> Error {
    let Error::Invalid(faults) = error else {
        return error;
    };
    let named = |fault: FieldFault| {
        let is_absent = absent.contains(&fault.pointer.as_str());
        if is_absent { FieldFault { pointer: field.to_owned(), ..fault } } else { fault }
    };
    Error::Invalid(faults.into_iter().map(named).collect())
}

/// Moves a session, or it and the rest of its series.
///
/// # Errors
/// What a patch of the same is refused for; 422 if the clocks skip or show twice the time at which one of them would be.
pub(in crate::schedule) fn move_to(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    id: SessionId,
    change: SessionMove,
) -> Result<Vec<Session>, Error> {
    let (intake, sessions) = chosen(conn, actor, id, change.scope)?;
    let patches = change.patches(intake.time_zone, &sessions)?;
    patched(conn, actor, now, &intake, sessions, patches).map_err(|error| at_field(error, &["/break_minutes"], "/ends_at"))
}

/// Ends a session earlier, or it and the rest of its series.
///
/// # Errors
/// What a patch of the same is refused for; 422 for an end that is not earlier.
pub(in crate::schedule) fn cut(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    id: SessionId,
    change: SessionCut,
) -> Result<Vec<Session>, Error> {
    let (intake, sessions) = chosen(conn, actor, id, change.scope)?;
    let patches = change.patches(intake.time_zone, &sessions)?;
    let field = if change.ends_at.is_some() { "/ends_at" } else { "/minutes" };
    patched(conn, actor, now, &intake, sessions, patches).map_err(|error| at_field(error, &["/ends_at", "/break_minutes"], field))
}

/// Has somebody teach instead of another, in a session or in it and the rest of its series.
///
/// # Errors
/// What a patch of the same is refused for; 422 if the one does not teach it, or the other does already.
pub(in crate::schedule) fn substitute(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    id: SessionId,
    change: Substitution,
) -> Result<Vec<Session>, Error> {
    let (intake, sessions) = chosen(conn, actor, id, change.scope)?;
    let patches = change.patches(&sessions)?;
    patched(conn, actor, now, &intake, sessions, patches)
}

/// Parts a session, or it and the rest of its series: each ends earlier, and a new one of the same series, in the same state, takes over
/// the rest of its minutes, and may overlap whom it may. Answers all of them by start.
///
/// # Errors
/// What a patch of the same is refused for, and what publishing the rests is; 409 `already_exists`, and `has_guests`, for nobody
/// but who invited them knows to which part they come; 422 for a time that is not within one of them, and for a code that becomes too long.
pub(in crate::schedule) fn split(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    id: SessionId,
    change: SessionSplit,
) -> Result<Vec<Session>, Error> {
    let (intake, sessions) = chosen(conn, actor, id, change.scope)?;
    refuse_guests(conn, &sessions)?;
    let resumes = if change.resumes_at.is_some() { "/resumes_at" } else { "/at" };
    let (patches, plans): (Vec<SessionPatch>, Vec<Plan>) = change.parts(intake.time_zone, &sessions)?.into_iter().unzip();
    let (frame, several) = (frame(conn, &intake)?, sessions.len() > 1);
    let row = |(session, plan): (&Session, &Plan)| {
        let minutes = frame.check(plan).map_err(|faults| refusal(&session.row.code, faults, several))?;
        Ok(SessionRow { series_id: session.row.series_id, ..draft(&intake, now, plan, minutes) })
    };
    let rows = sessions.iter().zip(&plans).map(row).collect::<Result<Vec<SessionRow>, Error>>();
    let rows = rows.map_err(|error| at_field(error, &["/starts_at", "/ends_at", "/break_minutes"], resumes))?;
    let published = sessions.iter().zip(&rows).filter(|(session, _)| session.row.state == SessionState::Published);
    let continued = published.map(|(session, rest)| (rest.id, session.row.id)).collect();
    let parts = sessions.into_iter().zip(patches).zip(&rows).map(|((session, patch), rest)| (session, patch, Successor::of(rest)));
    let parts = shorten(conn, actor, now, &intake, parts.collect());
    let mut parts = parts.map_err(|error| at_field(error, &["/ends_at", "/break_minutes"], "/at"))?;
    refuse_taken(conn, intake.id, plans.iter().map(|plan| &plan.code))?;
    let rests = insert(conn, actor, &intake, rows, &plans)?;
    parts.append(&mut take_over(conn, actor, now, &intake, rests, &continued, resumes)?);
    parts.sort_unstable_by_key(|part| (part.row.starts_at, part.row.id));
    Ok(parts)
}

fn refuse_guests(conn: &mut Conn, sessions: &[Session]) -> Result<(), Error> {
    let guests = guests_of(conn, sessions.iter().map(|session| session.row.id).collect())?;
    let Some(Session { row, .. }) = sessions.iter().find(|session| guests.contains_key(&session.row.id)) else {
        return Ok(());
    };
    let detail = format!("somebody makes up another session in {}; take the guests out, and invite them to where they come", row.code);
    Err(Error::conflict("has_guests", detail))
}

/// Publishes those of these drafts that take over the rest of a published session, which `continued` names; answers all.
fn take_over(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake: &Intake,
    rests: Vec<Session>,
    continued: &HashMap<SessionId, SessionId>,
    pointer: &str,
) -> Result<Vec<Session>, Error> {
    let (publishing, mut rests): (Vec<Session>, Vec<Session>) = rests.into_iter().partition(|rest| continued.contains_key(&rest.row.id));
    let candidates: Vec<Candidate> = publishing.iter().map(|rest| Candidate::made(rest, pointer.to_owned())).collect();
    hand_on(conn, actor, now, intake, continued, &candidates)?;
    let rows = publish_as(conn, actor, now, intake, publishing, candidates)?;
    rests.append(&mut whole(conn, rows)?);
    Ok(rests)
}
