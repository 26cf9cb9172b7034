//! The steps in the life of a session: published, held, cancelled.

use diesel::prelude::*;

use super::{
    super::candidates::Candidate,
    super::changes::Successor,
    super::model::{ChangeScope, Session, SessionId, SessionRow, SessionState, SessionStep, SessionTransition, UNHELD},
    changes::{self, NewChange},
    changing,
    check::refuse_conflicts,
    find, later,
    links::{whole, whole_one},
    moves::OF_ANOTHER_MODULE,
    of_ids, read, visible,
};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::{self, CHUNK, Conn},
    error::Error,
    intakes::{self, Intake, IntakeId},
    journal::NewEntry,
    schema::sessions,
    text::{Code, Note, counted, listed},
};

/// What a step changes, for the journal.
#[derive(serde::Serialize)]
struct StateEntry {
    code: Code,
    state: SessionState,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced_by_id: Option<SessionId>,
}

impl StateEntry {
    fn of(row: &SessionRow) -> Self {
        Self { code: row.code.clone(), state: row.state, replaced_by_id: row.replaced_by_id }
    }
}

fn stepped(action: &'static str, intake: &Intake, before: &SessionRow, now: &SessionRow) -> NewEntry {
    let entry = NewEntry::of(action, "session", before.id).provider(intake.provider_id).intake(intake.id);
    entry.from(&StateEntry::of(before)).to(&StateEntry::of(now))
}

/// Publishes these drafts of an intake, all or none.
///
/// # Errors
/// 404 if one is not visible in this intake; 409 `illegal_transition`, `session_conflict`, `plan_exceeded` and `intake_not_live`.
pub fn publish(conn: &mut Conn, actor: &Actor, now: Instant, intake_id: IntakeId, ids: &[SessionId]) -> Result<Vec<SessionRow>, Error> {
    let intake = changing(conn, actor, intake_id)?;
    let mut rows = of_ids(conn, actor, intake_id, ids.iter().copied().collect())?;
    rows.sort_unstable_by_key(|row| (row.starts_at, row.id));
    let sessions = whole(conn, rows)?;
    publish_these(conn, actor, now, &intake, sessions)
}

/// Publishes every draft of an intake, all or none.
pub(in crate::schedule) fn publish_drafts(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake_id: IntakeId,
) -> Result<Vec<SessionRow>, Error> {
    let intake = changing(conn, actor, intake_id)?;
    let rows = visible(actor)
        .filter(sessions::intake_id.eq(intake_id))
        .filter(sessions::state.eq(SessionState::Draft))
        .order((sessions::starts_at, sessions::id))
        .select(SessionRow::as_select())
        .load(conn)?;
    let sessions = whole(conn, rows)?;
    publish_these(conn, actor, now, &intake, sessions)
}

/// Publishes sessions of an intake that is locked.
pub(in crate::schedule) fn publish_these(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake: &Intake,
    sessions: Vec<Session>,
) -> Result<Vec<SessionRow>, Error> {
    let candidate = |session: &Session| Candidate::of(Some(session), session.plan(), session.row.minutes);
    let candidates = sessions.iter().map(candidate).collect();
    publish_as(conn, actor, now, intake, sessions, candidates)
}

/// As [`publish_these`], of sessions that are told as these candidates: one look for conflicts, one at the plan, one update for all.
/// Triggers claim.
pub(super) fn publish_as(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake: &Intake,
    sessions: Vec<Session>,
    candidates: Vec<Candidate>,
) -> Result<Vec<SessionRow>, Error> {
    if sessions.is_empty() {
        return Ok(Vec::new());
    }
    for session in &sessions {
        session.row.after("publish", None)?;
    }
    refuse_conflicts(conn, actor, intake, candidates)?;
    let ids: Vec<SessionId> = sessions.iter().map(|session| session.row.id).collect();
    for chunk in ids.chunks(CHUNK) {
        let drafts = sessions::table.filter(sessions::id.eq_any(chunk.to_vec())).filter(sessions::state.eq(SessionState::Draft));
        let updated = diesel::update(drafts)
            .set((sessions::state.eq(SessionState::Published), sessions::version.eq(sessions::version + 1), sessions::changed_at.eq(now)))
            .execute(conn)?;
        if updated < chunk.len() {
            return Err(Error::Stale);
        }
    }
    intakes::touch_all(conn, intake.id)?;
    let published = |session: Session| {
        let version = session.row.version + 1;
        let published = SessionRow { state: SessionState::Published, version, changed_at: now, ..session.row.clone() };
        actor.record(stepped("session.published", intake, &session.row, &published));
        published
    };
    Ok(sessions.into_iter().map(published).collect())
}

/// Takes one step: publishes a draft, or cancels what is not yet held, with a reason and maybe the session that replaces it. Answers the
/// session, and behind it the rest of its series that was cancelled with it.
pub(in crate::schedule) fn transition(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    id: SessionId,
    step: SessionTransition,
    change: SessionStep,
) -> Result<Vec<Session>, Error> {
    let intake_id = find(conn, actor, id)?.intake_id;
    actor.may(Action::WriteSchedule)?;
    db::lock(conn, "intake", intake_id)?;
    let stored = read(conn, actor, id)?;
    stored.row.after(step.as_str(), change.reason.as_ref())?;
    match step {
        SessionTransition::Publish => {
            if change.replaced_by_id.is_some() {
                return Err(Error::invalid("/replaced_by_id", "not_cancelled", "only what is cancelled is replaced"));
            }
            if change.scope == ChangeScope::Rest {
                return Err(Error::invalid("/scope", "not_cancelled", "only what is cancelled has a rest; publish a series by its id"));
            }
            let intake = changing(conn, actor, intake_id)?;
            let row =
                publish_these(conn, actor, now, &intake, vec![stored])?.pop().ok_or_else(|| Error::internal("nothing was published"))?;
            Ok(vec![whole_one(conn, row)?])
        }
        SessionTransition::Cancel => {
            let reason = change.reason.ok_or_else(|| Error::invalid("/reason", "reason_missing", "cancelling needs a reason"))?;
            let intake = intakes::find(conn, actor, intake_id)?;
            let replacement = change.replaced_by_id.map(|other| replacement(conn, actor, &stored.row, other)).transpose()?;
            if change.scope == ChangeScope::This {
                return cancel_these(conn, actor, now, &intake, vec![stored], &reason, replacement.as_ref());
            }
            if replacement.is_some() {
                return Err(Error::invalid("/replaced_by_id", "replaces_one", "one session does not take the place of several"));
            }
            let later = later(conn, actor, &stored.row)?;
            let mut sessions = vec![stored];
            sessions.append(&mut whole(conn, later)?);
            cancel_these(conn, actor, now, &intake, sessions, &reason, None)
        }
    }
}

/// What takes the place of a cancelled session. The intake is locked, so that it stands until the end of the transaction.
fn replacement(conn: &mut Conn, actor: &Actor, cancelled: &SessionRow, other: SessionId) -> Result<SessionRow, Error> {
    let standing = visible(actor)
        .filter(sessions::id.eq(other))
        .filter(sessions::id.ne(cancelled.id))
        .filter(sessions::intake_id.eq(cancelled.intake_id))
        .filter(sessions::state.eq_any(UNHELD));
    let detail = "what replaces a session is another draft or published session of its intake";
    let nothing = || Error::invalid("/replaced_by_id", "no_replacement", detail);
    let other: SessionRow = standing.select(SessionRow::as_select()).first(conn).optional()?.ok_or_else(nothing)?;
    if other.module_id != cancelled.module_id {
        let detail = format!("session {} is of another module, whose hours are not those that {} leaves open", other.code, cancelled.code);
        return Err(Error::invalid("/replaced_by_id", OF_ANOTHER_MODULE, detail));
    }
    Ok(other)
}

/// Cancels every session of an intake that is not yet held; what was held stays. The caller holds the intake's lock.
pub fn cancel_unheld(conn: &mut Conn, actor: &Actor, now: Instant, intake: &Intake, reason: &Note) -> Result<(), Error> {
    let unheld = sessions::table.filter(sessions::intake_id.eq(intake.id)).filter(sessions::state.eq_any(UNHELD));
    let rows = unheld.order((sessions::starts_at, sessions::id)).select(SessionRow::as_select()).load(conn)?;
    let sessions = whole(conn, rows)?;
    cancel_these(conn, actor, now, intake, sessions, reason, None).map(drop)
}

/// Cancels sessions that are not yet held, in an intake that is locked, for the same reason and maybe another; answers them as they are
/// then, in their order.
fn cancel_these(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake: &Intake,
    sessions: Vec<Session>,
    reason: &Note,
    replacement: Option<&SessionRow>,
) -> Result<Vec<Session>, Error> {
    let cancel = |session: &Session| SessionRow {
        state: SessionState::Cancelled,
        cancel_reason: Some(reason.clone()),
        replaced_by_id: replacement.map(|other| other.id),
        sequence: session.row.sequence_once_changed(),
        version: session.row.version + 1,
        changed_at: now,
        ..session.row.clone()
    };
    let cancelled: Vec<SessionRow> = sessions.iter().map(cancel).collect();
    for state in UNHELD {
        let ids: Vec<SessionId> = sessions.iter().map(|session| &session.row).filter(|row| row.state == state).map(|row| row.id).collect();
        for chunk in ids.chunks(CHUNK) {
            let standing = sessions::table.filter(sessions::id.eq_any(chunk.to_vec())).filter(sessions::state.eq(state));
            let updated = diesel::update(standing)
                .set((
                    sessions::state.eq(SessionState::Cancelled),
                    sessions::cancel_reason.eq(reason),
                    sessions::replaced_by_id.eq(replacement.map(|other| other.id)),
                    // Of what was announced the cancellation is a change; a draft was not.
                    sessions::sequence.eq(sessions::sequence + i32::from(state == SessionState::Published)),
                    sessions::version.eq(sessions::version + 1),
                    sessions::changed_at.eq(now),
                ))
                .execute(conn)?;
            if updated < chunk.len() {
                return Err(Error::Stale);
            }
        }
    }
    intakes::touch_all(conn, intake.id)?;
    // A draft is nobody's business yet: neither that it is cancelled nor that it replaces another.
    let successor = replacement.filter(|other| other.state == SessionState::Published).map(Successor::of);
    let announced = sessions.iter().filter(|session| session.row.state == SessionState::Published);
    let told = announced.map(|before| NewChange { before, after: None, successor: successor.as_ref(), reason });
    changes::record(conn, actor, now, told.collect())?;
    let record = |(session, row): (Session, SessionRow)| {
        actor.record(stepped("session.cancelled", intake, &session.row, &row).because(Some(reason.as_str())));
        Session { row, ..session }
    };
    Ok(sessions.into_iter().zip(cancelled).map(record).collect())
}

/// Refuses to end an intake while a session of it is published and was not held.
///
/// # Errors
/// 409 `sessions_unheld`, with their codes.
pub fn refuse_unheld(conn: &mut Conn, intake: IntakeId) -> Result<(), Error> {
    let unheld: Vec<Code> = sessions::table
        .filter(sessions::intake_id.eq(intake))
        .filter(sessions::state.eq(SessionState::Published))
        .order((sessions::starts_at, sessions::id))
        .select(sessions::code)
        .load(conn)?;
    if unheld.is_empty() {
        return Ok(());
    }
    let codes = listed(unheld.iter().map(Code::as_str));
    Err(Error::conflict("sessions_unheld", format!("hold or cancel {} first: {codes}", counted(unheld.len(), "published session"))))
}
