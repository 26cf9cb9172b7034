//! Sessions that change while they stand: moved, corrected, handed to others.

use std::collections::HashMap;

use diesel::{
    prelude::*,
    sql_types::{Integer, Nullable, Text},
};

use super::{
    super::candidates::Candidate,
    super::changes::{ScheduleChangeKind, Successor},
    super::model::{Session, SessionId, SessionRow, SessionState},
    super::plan::{Plan, SessionPatch},
    super::rules::added,
    called,
    changes::{self, NewChange},
    changing,
    check::{refuse_conflicts, refuse_outside},
    find, frame,
    links::{self, Replanned, whole},
    of_ids, read, refuse_taken, told,
};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::{
        self, CHUNK, Conn,
        types::{Ts, Uid},
    },
    error::{Error, FieldFault},
    http::{Caller, ETag},
    intakes::{self, Intake, IntakeId, SessionMode},
    journal::NewEntry,
    rooms::{self, RoomId},
    schema::sessions,
    text::{Code, Note},
    zone::Zone,
};

/// A session, and what becomes of it.
struct Move {
    stored: Session,
    before: Plan,
    plan: Plan,
    reason: Option<Note>,
    /// What takes over the rest of it.
    continuation: Option<Successor>,
}

impl Move {
    fn of(stored: Session, patch: SessionPatch, zone: Zone) -> Result<Self, Error> {
        let (before, reason) = (stored.plan(), patch.reason.clone());
        Ok(Self { plan: patch.apply(&before, zone).map_err(Error::Invalid)?, before, stored, reason, continuation: None })
    }

    fn is_published(&self) -> bool {
        self.stored.row.state == SessionState::Published
    }

    /// Whether what it occupies is claimed anew.
    fn leaves(&self) -> bool {
        let held_at = |plan: &Plan| (plan.starts_at, plan.ends_at, plan.room_id, plan.mode == SessionMode::Recorded);
        self.is_published() && held_at(&self.before) != held_at(&self.plan)
    }
}

/// What is wrong with a session; of several with its code.
pub(super) fn refusal(code: &Code, faults: Vec<FieldFault>, several: bool) -> Error {
    let named = |fault: FieldFault| FieldFault { detail: format!("session {code}: {}", fault.detail), ..fault };
    Error::Invalid(if several { faults.into_iter().map(named).collect() } else { faults })
}

/// Applies a patch under `If-Match`. A published session that moves keeps its id and raises its sequence.
///
/// # Errors
/// 409 `session_closed` once it is held or cancelled, `session_published` and `roll_call_begun` for what is fixed then,
/// `replacement_of_another_module` for the module of what replaces a session, `session_conflict`, `plan_exceeded`, `outside_intake` and
/// `intake_not_live`; 422 `reason_missing` for a change of a published session without one.
pub(in crate::schedule) fn update(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    caller: &Caller,
    id: SessionId,
    patch: SessionPatch,
) -> Result<Session, Error> {
    let intake_id = find(conn, actor, id)?.intake_id;
    actor.may(Action::WriteSchedule)?;
    db::lock(conn, "intake", intake_id)?;
    let intake = intakes::find(conn, actor, intake_id)?;
    let one = Move::of(read(conn, actor, id)?, patch, intake.time_zone)?;
    caller.check_if_match(&ETag::version(one.stored.row.version), one.plan != one.before)?;
    if one.plan == one.before {
        return told(conn, actor, id);
    }
    move_all(conn, actor, now, &intake, &[one])?.pop().ok_or_else(|| Error::internal("nothing was moved"))
}

/// Applies patches to sessions of an intake, all or none, and judges how they stand in the end: they may exchange their times. Answers
/// those that differ from what was stored.
///
/// # Errors
/// 404 if one is not visible in this intake; what a single patch is refused for.
pub fn update_many(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake_id: IntakeId,
    mut patches: HashMap<SessionId, SessionPatch>,
) -> Result<Vec<Session>, Error> {
    let intake = changing(conn, actor, intake_id)?;
    let rows = of_ids(conn, actor, intake_id, patches.keys().copied().collect())?;
    let stored = whole(conn, rows)?.into_iter();
    let patched = stored.filter_map(|session| patches.remove(&session.row.id).map(|patch| (session, patch)));
    apply(conn, actor, now, &intake, patched.collect())
}

/// As [`update_many`], of sessions of an intake that is locked.
pub(super) fn apply(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake: &Intake,
    patched: Vec<(Session, SessionPatch)>,
) -> Result<Vec<Session>, Error> {
    let moves = patched.into_iter().map(|(session, patch)| Move::of(session, patch, intake.time_zone));
    let mut moves = moves.collect::<Result<Vec<Move>, Error>>()?;
    moves.retain(|one| one.plan != one.before);
    if moves.is_empty() { Ok(Vec::new()) } else { move_all(conn, actor, now, intake, &moves) }
}

/// As [`apply`], of sessions that end earlier because others take over the rest of them.
pub(super) fn shorten(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake: &Intake,
    shortened: Vec<(Session, SessionPatch, Successor)>,
) -> Result<Vec<Session>, Error> {
    let moves = shortened
        .into_iter()
        .map(|(session, patch, continuation)| Ok(Move { continuation: Some(continuation), ..Move::of(session, patch, intake.time_zone)? }));
    move_all(conn, actor, now, intake, &moves.collect::<Result<Vec<Move>, Error>>()?)
}

/// Writes moves of sessions of an intake that is locked, each of which changes something.
fn move_all(conn: &mut Conn, actor: &Actor, now: Instant, intake: &Intake, moves: &[Move]) -> Result<Vec<Session>, Error> {
    refuse_fixed(conn, moves)?;
    intake.check_live()?;
    refuse_unexplained(moves)?;
    let frame = frame(conn, intake)?;
    let minutes =
        moves.iter().map(|one| frame.check_itself(&one.plan).map_err(|faults| refusal(&one.before.code, faults, moves.len() > 1)));
    let minutes = minutes.collect::<Result<Vec<i32>, Error>>()?;
    let candidate = |(one, minutes): (&Move, &i32)| Candidate::of(Some(&one.stored), one.plan.clone(), *minutes);
    refuse_outside(intake, &moves.iter().zip(&minutes).map(candidate).collect::<Vec<_>>())?;
    refuse_taken(conn, intake.id, moves.iter().filter(|one| one.plan.code != one.before.code).map(|one| &one.plan.code))?;
    let joining = moves.iter().flat_map(|one| added(&one.before.instructor_ids, &one.plan.instructor_ids));
    links::find_instructors(conn, actor, joining.collect())?;
    let entered = moves.iter().filter(|one| one.plan.room_id != one.before.room_id).filter_map(|one| one.plan.room_id);
    rooms::check_all(conn, actor, entered.collect())?;
    leave(conn, moves)?;
    let published = || moves.iter().zip(&minutes).filter(|(one, _)| one.is_published());
    refuse_conflicts(conn, actor, intake, published().map(candidate).collect())?;
    let rows = save_all(conn, now, moves.iter().zip(&minutes).map(|(one, minutes)| moved(one, *minutes)).collect())?;
    links::insert_joined(conn, intake.id, &replanned(moves))?;
    if published().next().is_some() {
        intakes::touch_all(conn, intake.id)?;
    }
    let sessions = whole(conn, rows)?;
    let moved = moves.iter().zip(&sessions).filter(|(one, _)| one.is_published());
    let told = moved.map(|(one, now)| {
        let reason = one.reason.as_ref().ok_or_else(|| Error::internal("a change without a reason was not refused"))?;
        Ok(NewChange { before: &one.stored, after: Some(now), successor: one.continuation.as_ref(), reason })
    });
    changes::record(conn, actor, now, told.collect::<Result<_, Error>>()?)?;
    for (one, now) in moves.iter().zip(&sessions) {
        let action = if one.is_published() { ScheduleChangeKind::of(&one.stored, Some(now)).action() } else { "session.updated" };
        let entry = NewEntry::of(action, "session", now.row.id).provider(intake.provider_id).intake(intake.id);
        actor.record(entry.from(&one.stored).to(now).because(one.reason.as_ref().map(Note::as_str)));
    }
    Ok(sessions)
}

/// Refuses to change what is over, and of what is published or called the parts that are fixed by then.
fn refuse_fixed(conn: &mut Conn, moves: &[Move]) -> Result<(), Error> {
    let over = moves.iter().find(|one| matches!(one.stored.row.state, SessionState::Held | SessionState::Cancelled));
    if let Some(Move { stored, before, .. }) = over {
        return Err(Error::conflict("session_closed", format!("session {} is {} and stays as it is", before.code, stored.row.state)));
    }
    let published = || moves.iter().filter(|one| one.is_published());
    let moving: Vec<&Move> = published().filter(|one| one.plan.moves(&one.stored.row, &one.stored.cohort_ids)).collect();
    let called = called(conn, &moving.iter().map(|one| one.stored.row.id).collect::<Vec<_>>())?;
    if let Some(one) = moving.iter().find(|one| called.contains(&one.stored.row.id)) {
        return Err(Error::conflict("roll_call_begun", roll_has_been_called(&one.before.code)));
    }
    let leaving: Vec<&Move> = moves.iter().filter(|one| one.plan.module_id != one.before.module_id).collect();
    let replaced = replaced(conn, &leaving.iter().map(|one| one.stored.row.id).collect::<Vec<_>>())?;
    if published().any(|one| (&one.plan.code, one.plan.module_id) != (&one.before.code, one.before.module_id)) {
        return Err(Error::conflict("session_published", "code and module of a published session are fixed; cancel it and make another"));
    }
    match leaving.iter().find_map(|one| Some((one, replaced.get(&one.stored.row.id)?))) {
        Some((one, cancelled)) => Err(Error::conflict(OF_ANOTHER_MODULE, is_of_the_module_of(&one.before.code, cancelled))),
        None => Ok(()),
    }
}

/// The code of what is refused for replacing a session of another module.
pub(super) const OF_ANOTHER_MODULE: &str = "replacement_of_another_module";

/// Why a session keeps its module.
pub(super) fn is_of_the_module_of(code: &Code, cancelled: &Code) -> String {
    format!("session {code} replaces the cancelled {cancelled}, and so stays of its module; make another session for this one")
}

/// Of these sessions those that replace a cancelled one, and the code of that.
pub(super) fn replaced(conn: &mut Conn, ids: &[SessionId]) -> Result<HashMap<SessionId, Code>, Error> {
    let mut replaced = HashMap::new();
    for chunk in ids.chunks(CHUNK) {
        let cancelled = sessions::table.filter(sessions::replaced_by_id.eq_any(chunk.to_vec())).order(sessions::code.desc());
        let rows: Vec<(SessionId, Code)> = cancelled.select((sessions::replaced_by_id.assume_not_null(), sessions::code)).load(conn)?;
        replaced.extend(rows);
    }
    Ok(replaced)
}

/// Refuses to change what is published without a reason: whoever it concerns is told of each change, and why.
fn refuse_unexplained(moves: &[Move]) -> Result<(), Error> {
    let Some(one) = moves.iter().find(|one| one.is_published() && one.reason.is_none()) else {
        return Ok(());
    };
    let fault = FieldFault::new("/reason", "reason_missing", "changing a published session needs a reason, for those whom it concerns");
    Err(refusal(&one.before.code, vec![fault], moves.len() > 1))
}

/// Why a session is not moved any more.
pub(super) fn roll_has_been_called(code: &Code) -> String {
    format!("the roll of session {code} has been called; hold it as it was, or cancel it")
}

/// Gives back what the sessions will not occupy any more. Until each is saved, whoever leaves its time is a recording of itself: such a
/// session occupies nobody and no room, so that of two that exchange their times neither is in the other's way.
fn leave(conn: &mut Conn, moves: &[Move]) -> Result<(), Error> {
    links::remove_left(conn, &replanned(moves))?;
    let leaving: Vec<SessionId> = moves.iter().filter(|one| one.leaves()).map(|one| one.stored.row.id).collect();
    for chunk in leaving.chunks(CHUNK) {
        let leaving = sessions::table.filter(sessions::id.eq_any(chunk.to_vec()));
        diesel::update(leaving)
            .set((
                sessions::mode.eq(SessionMode::Recorded),
                sessions::length_minutes.eq(sessions::minutes.nullable()),
                sessions::break_minutes.eq(0),
                sessions::room_id.eq(None::<RoomId>),
            ))
            .execute(conn)?;
    }
    Ok(())
}

fn moved(Move { stored, plan, .. }: &Move, minutes: i32) -> SessionRow {
    SessionRow {
        code: plan.code.clone(),
        module_id: plan.module_id,
        mode: plan.mode,
        starts_at: plan.starts_at,
        ends_at: plan.ends_at,
        break_minutes: plan.break_minutes,
        minutes,
        length_minutes: plan.length_minutes,
        room_id: plan.room_id,
        place: plan.place.clone(),
        sequence: stored.row.sequence_once_changed(),
        ..stored.row.clone()
    }
}

fn replanned(moves: &[Move]) -> Vec<Replanned<'_>> {
    moves.iter().map(|one| (one.stored.row.id, &one.before, &one.plan)).collect()
}

/// What a move writes, in the order in which it is bound.
const MOVED: [&str; 13] = [
    "code",
    "module_id",
    "mode",
    "starts_at",
    "ends_at",
    "break_minutes",
    "minutes",
    "length_minutes",
    "room_id",
    "place",
    "sequence",
    "changed_at",
    "version",
];

/// Writes changed sessions, a chunk of them in one statement; their versions say that nobody else changed them meanwhile.
fn save_all(conn: &mut Conn, now: Instant, mut rows: Vec<SessionRow>) -> Result<Vec<SessionRow>, Error> {
    for chunk in rows.chunks(CHUNK) {
        let mut update = db::update_each("sessions", &["id", "version"], &MOVED, chunk.len());
        for row in chunk {
            update = update.bind::<Uid, _>(row.id).bind::<Integer, _>(row.version);
            update = update.bind::<Text, _>(&row.code).bind::<Uid, _>(row.module_id).bind::<Text, _>(row.mode);
            update = update.bind::<Ts, _>(row.starts_at).bind::<Ts, _>(row.ends_at);
            update = update.bind::<Integer, _>(row.break_minutes).bind::<Integer, _>(row.minutes);
            update = update.bind::<Nullable<Integer>, _>(row.length_minutes).bind::<Nullable<Uid>, _>(row.room_id);
            update = update.bind::<Nullable<Text>, _>(row.place.as_ref()).bind::<Integer, _>(row.sequence);
            update = update.bind::<Ts, _>(now).bind::<Integer, _>(row.version + 1);
        }
        if update.execute(conn)? < chunk.len() {
            return Err(Error::Stale);
        }
    }
    for row in &mut rows {
        row.version += 1;
        row.changed_at = now;
    }
    Ok(rows)
}
