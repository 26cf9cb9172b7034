//! The tables of leave requests, and who sees which of them.

pub(super) mod granted;
pub(super) mod retention;
mod sessions;
pub(super) mod verify;

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use serde::Serialize;

use self::sessions::ASKED;
use super::model::{
    LIFE_CYCLE, LeaveEnrollment, LeaveFilter, LeaveRequest, LeaveRequestId, LeaveRow, LeaveState, LeaveStep, LeaveTransition, Named,
    NewLeave, check_unfinished,
};
use crate::{
    access::{Action, Actor, Role, Scope},
    clock::Instant,
    db::{self, CHUNK, Conn, for_backend},
    enrollments::{self, EnrollmentId, EnrollmentState},
    error::Error,
    http::Change,
    id::Id,
    intakes::{self, Intake, IntakeId},
    journal::NewEntry,
    organizations::OrganizationId,
    schema::{enrollments as enrolled, leave_enrollments, leave_requests, leave_steps},
    text::Note,
};

/// Requests of one enrollment that wait to be decided.
const MOST_WAITING: i64 = 20;

/// The enrollments in the actor's scope with the requests that name them, of those ([`ASKED`]) for which `$of` holds; to an instructor only
/// requests that touch a session that they teach. A macro, as a boxed query that is joined has a type that nobody wants to write.
macro_rules! seen {
    ($actor:expr, $of:expr) => {{
        let named = enrollments::visible($actor)
            .inner_join(leave_enrollments::table.on(leave_enrollments::enrollment_id.eq(enrolled::id)))
            .inner_join(leave_requests::table.on(leave_requests::id.eq(leave_enrollments::leave_request_id)));
        match $actor.scope() {
            Scope::Teacher(person, provider) => {
                let touching = sessions::touching_taught!(person, provider).filter($of);
                named.filter(leave_requests::id.eq_any(touching.select(ASKED.field(leave_requests::id))))
            }
            _ => named,
        }
    }};
}

/// The requests of an intake after `cursor`, by id.
pub(super) fn list(
    conn: &mut Conn,
    actor: &Actor,
    intake: IntakeId,
    filter: LeaveFilter,
    (cursor, limit): (Option<LeaveRequestId>, i64),
) -> Result<Vec<LeaveRequest>, Error> {
    intakes::find(conn, actor, intake)?;
    actor.may(Action::ReadLeave)?;
    let of_intake = seen!(actor, ASKED.field(leave_requests::intake_id).eq(intake)).filter(leave_requests::intake_id.eq(intake));
    let mut query = of_intake.order(leave_requests::id).limit(limit).select(LeaveRow::as_select()).distinct();
    if let Some(state) = filter.state {
        query = query.filter(leave_requests::state.eq(state));
    }
    if let Some(enrollment) = filter.enrollment_id {
        query = query.filter(leave_requests::id.eq_any(counting_for(conn, actor, enrollment)?));
    }
    if let Some(cursor) = cursor {
        query = query.filter(leave_requests::id.gt(cursor));
    }
    let rows = query.load(conn)?;
    shown(conn, actor, rows)
}

/// The requests that are for an enrollment: those that name it, or the one from which its trainee went on in the intake; to an instructor
/// as far as it owes a session meanwhile that they teach.
fn counting_for(conn: &mut Conn, actor: &Actor, enrollment: EnrollmentId) -> Result<BTreeSet<LeaveRequestId>, Error> {
    let seen = enrollments::visible(actor).filter(enrolled::id.eq(enrollment)).select(enrolled::id).first(conn).optional()?;
    let Some(seen) = seen else { return Ok(BTreeSet::new()) };
    let mut pairs = granted::asked_for(conn, seen)?;
    if let Scope::Teacher(person, provider) = actor.scope() {
        let concerned = sessions::named_in_taught(conn, (person, provider), pairs.iter().map(|(request, _)| *request).collect())?;
        pairs.retain(|pair| concerned.contains(pair));
    }
    Ok(pairs.into_iter().map(|(request, _)| request).collect())
}

/// One request, if the actor sees it.
pub(super) fn read(conn: &mut Conn, actor: &Actor, id: LeaveRequestId) -> Result<LeaveRequest, Error> {
    let row = find(conn, actor, id)?;
    actor.may(Action::ReadLeave)?;
    one(conn, actor, row)
}

fn find(conn: &mut Conn, actor: &Actor, id: LeaveRequestId) -> Result<LeaveRow, Error> {
    Ok(seen!(actor, ASKED.field(leave_requests::id).eq(id)).filter(leave_requests::id.eq(id)).select(LeaveRow::as_select()).first(conn)?)
}

fn one(conn: &mut Conn, actor: &Actor, row: LeaveRow) -> Result<LeaveRequest, Error> {
    shown(conn, actor, vec![row])?.pop().ok_or(Error::NotFound)
}

/// The requests as the actor may see them, in the order given.
fn shown(conn: &mut Conn, actor: &Actor, rows: Vec<LeaveRow>) -> Result<Vec<LeaveRequest>, Error> {
    let ids: Vec<LeaveRequestId> = rows.iter().map(|row| row.id).collect();
    let mut named: Vec<(LeaveRequestId, EnrollmentId)> = enrollments::visible(actor)
        .inner_join(leave_enrollments::table.on(leave_enrollments::enrollment_id.eq(enrolled::id)))
        .filter(leave_enrollments::leave_request_id.eq_any(ids.clone()))
        .order((leave_enrollments::leave_request_id, leave_enrollments::enrollment_id))
        .select((leave_enrollments::leave_request_id, leave_enrollments::enrollment_id))
        .load(conn)?;
    if let Scope::Teacher(person, provider) = actor.scope() {
        let concerned = sessions::named_in_taught(conn, (person, provider), ids.clone())?;
        named.retain(|pair| concerned.contains(pair));
    }
    let mut steps: Vec<LeaveStep> =
        leave_steps::table.filter(leave_steps::leave_request_id.eq_any(ids.clone())).select(LeaveStep::as_select()).load(conn)?;
    // Every step leads on in the order of the states; clocks may differ.
    steps.sort_by_key(|step| step.to_state);
    let mut enrollments = grouped(named);
    let mut steps = grouped(steps.into_iter().map(|step| (step.leave_request_id, step)));
    let mut sessions = sessions::touched(conn, actor, ids)?;
    let request = |row: LeaveRow| {
        let (id, is_own) = (row.id, is_own(actor, &row));
        let (named, steps) = (enrollments.remove(&id).unwrap_or_default(), steps.remove(&id).unwrap_or_default());
        let sessions = sessions.remove(&id).unwrap_or_default();
        LeaveRequest::new(row, named, steps, sessions).shown_to(actor.role(), is_own)
    };
    Ok(rows.into_iter().map(request).collect())
}

fn grouped<K: Ord, V>(pairs: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, Vec<V>> {
    let mut groups: BTreeMap<K, Vec<V>> = BTreeMap::new();
    for (key, value) in pairs {
        groups.entry(key).or_default().push(value);
    }
    groups
}

/// Whether the actor asked for it.
fn is_own(actor: &Actor, row: &LeaveRow) -> bool {
    row.user_id.is_some() && row.user_id == actor.user_id()
}

/// A request in the journal, with those for whom it was asked.
#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    row: &'a LeaveRow,
    enrollment_ids: &'a BTreeSet<EnrollmentId>,
}

/// Asks for leave.
///
/// # Errors
/// 409 `intake_not_live` and `too_many_waiting`; 422 for times that cannot be, and for an enrollment or a crew that the actor does not see in
/// the intake.
pub(super) fn ask(conn: &mut Conn, actor: &Actor, now: Instant, intake_id: IntakeId, new: NewLeave) -> Result<LeaveRequest, Error> {
    // Whoever closes a roll call of the intake holds it too, so that it is known what leave there is.
    db::lock(conn, "intake", intake_id)?;
    let intake = intakes::find(conn, actor, intake_id)?;
    intakes::check_own(conn, actor, intake_id)?;
    actor.may(Action::AskLeave)?;
    check_unfinished(intake.state)?;
    let (starts_at, ends_at) = new.span(&intake)?;
    let (sponsor_id, enrollment_ids) = members(conn, actor, intake_id, &new)?;
    refuse_too_many(conn, actor, &enrollment_ids)?;
    let row = LeaveRow {
        id: Id::generate(),
        intake_id,
        kind: new.kind,
        sponsor_id,
        crew: new.crew,
        starts_at,
        ends_at,
        reason: new.reason,
        state: LeaveState::Asked,
        user_id: actor.user_id(),
        version: 1,
        created_at: now,
    };
    diesel::insert_into(leave_requests::table).values(&row).execute(conn)?;
    let link = |enrollment_id: &EnrollmentId| LeaveEnrollment { leave_request_id: row.id, enrollment_id: *enrollment_id, intake_id };
    let links: Vec<LeaveEnrollment> = enrollment_ids.iter().map(link).collect();
    for chunk in links.chunks(CHUNK) {
        for_backend!(conn, |c| diesel::insert_into(leave_enrollments::table).values(chunk).execute(c))?;
    }
    step(conn, actor, now, &row, None, None)?;
    actor.record(entry(&intake, &row).to(&Whole { row: &row, enrollment_ids: &enrollment_ids }).because(Some(row.reason.as_str())));
    one(conn, actor, row)
}

/// An entry of the journal about a request that has just come to its state.
fn entry(intake: &Intake, row: &LeaveRow) -> NewEntry {
    NewEntry::of(row.state.action(), "leave_request", row.id).provider(intake.provider_id).intake(intake.id)
}

/// For whom leave is asked, and whose crew they are.
fn members(
    conn: &mut Conn,
    actor: &Actor,
    intake: IntakeId,
    new: &NewLeave,
) -> Result<(Option<OrganizationId>, BTreeSet<EnrollmentId>), Error> {
    let own = enrollments::own(actor).filter(enrolled::intake_id.eq(intake)).select((enrolled::id, enrolled::sponsor_id));
    let (crew, sponsor_id) = match new.named()? {
        Named::Enrollment(id) => {
            enrollments::check_own(conn, actor, id)?;
            let found: Option<(EnrollmentId, OrganizationId)> = own.filter(enrolled::id.eq(id)).first(conn).optional()?;
            let (id, _) = found
                .ok_or_else(|| Error::invalid("/enrollment_id", "unknown_enrollment", "the intake has no such enrollment in your sight"))?;
            return Ok((None, BTreeSet::from([id])));
        }
        Named::Crew { crew, sponsor_id } => (crew, sponsor_id),
    };
    if actor.role() == Role::Trainee {
        return Err(Error::Forbidden("a trainee asks for leave of the own enrollment alone".to_owned()));
    }
    let mut of_crew = own.filter(enrolled::crew.eq(&crew)).filter(enrolled::state.ne_all(EnrollmentState::ENDED));
    if let Some(sponsor) = sponsor_id {
        of_crew = of_crew.filter(enrolled::sponsor_id.eq(sponsor));
    }
    let found: Vec<(EnrollmentId, OrganizationId)> = of_crew.load(conn)?;
    let sponsors: BTreeSet<OrganizationId> = found.iter().map(|(_, sponsor)| *sponsor).collect();
    match sponsors.first() {
        None => Err(Error::invalid("/crew", "unknown_crew", "nobody whom you see in the intake is in such a crew")),
        Some(_) if sponsors.len() > 1 => {
            Err(Error::invalid("/sponsor_id", "sponsor_missing", "several sponsors have a crew with that code; say whose"))
        }
        Some(sponsor) => Ok((Some(*sponsor), found.into_iter().map(|(id, _)| id).collect())),
    }
}

/// Refuses one request more by whoever asked for many that wait already: somebody has to read them.
fn refuse_too_many(conn: &mut Conn, actor: &Actor, ids: &BTreeSet<EnrollmentId>) -> Result<(), Error> {
    for chunk in ids.iter().copied().collect::<Vec<_>>().chunks(CHUNK) {
        let full: Option<EnrollmentId> = leave_enrollments::table
            .inner_join(leave_requests::table.on(leave_requests::id.eq(leave_enrollments::leave_request_id)))
            .filter(leave_enrollments::enrollment_id.eq_any(chunk.to_vec()))
            .filter(leave_requests::state.eq_any(LeaveState::WAITING))
            .filter(leave_requests::user_id.eq(actor.user_id()))
            .group_by(leave_enrollments::enrollment_id)
            .having(diesel::dsl::count_star().ge(MOST_WAITING))
            .select(leave_enrollments::enrollment_id)
            .first(conn)
            .optional()?;
        if let Some(enrollment) = full {
            let detail =
                format!("enrollment {enrollment} has {MOST_WAITING} requests of yours that wait to be decided; withdraw one first");
            return Err(Error::conflict("too_many_waiting", detail));
        }
    }
    Ok(())
}

fn step(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    row: &LeaveRow,
    from_state: Option<LeaveState>,
    reason: Option<Note>,
) -> Result<(), Error> {
    let (to_state, role, user_id) = (row.state, actor.role(), actor.user_id());
    let step = LeaveStep { leave_request_id: row.id, from_state, to_state, reason, role, user_id, recorded_at: now };
    diesel::insert_into(leave_steps::table).values(&step).execute(conn)?;
    Ok(())
}

/// What a step asks for: until leave is granted, whoever asked withdraws it; after that only who may grant it.
fn action(actor: &Actor, row: &LeaveRow, verb: LeaveTransition) -> Action {
    match verb {
        LeaveTransition::Endorse => Action::EndorseLeave,
        LeaveTransition::Withdraw if row.state != LeaveState::Granted && is_own(actor, row) => Action::AskLeave,
        LeaveTransition::Grant | LeaveTransition::Refuse | LeaveTransition::Withdraw => Action::DecideLeave,
    }
}

/// Endorses, grants, refuses or withdraws leave. What has been closed by then is listed as unsettled; nothing is posted.
///
/// # Errors
/// 403 for whoever may not act for everybody for whom it was asked; 409 `illegal_transition`, `intake_not_live`; 422 `reason_missing`.
pub(super) fn transition(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    id: LeaveRequestId,
    verb: LeaveTransition,
    change: Change,
) -> Result<LeaveRequest, Error> {
    let found = find(conn, actor, id)?;
    actor.may(action(actor, &found, verb))?;
    db::lock(conn, "intake", found.intake_id)?;
    // Read again: it may have been granted while this one waited.
    let before = if db::waits(conn) { find(conn, actor, id)? } else { found };
    actor.may(action(actor, &before, verb))?;
    let intake = intakes::find(conn, actor, before.intake_id)?;
    let enrollment_ids = wholly_own(conn, actor, id)?;
    let state = LIFE_CYCLE.after("the leave request", before.state, verb, change.reason.as_ref())?;
    if verb == LeaveTransition::Endorse && is_own(actor, &before) {
        return Err(Error::Forbidden("you asked for it yourself; somebody else endorses it".to_owned()));
    }
    let counts = [before.state, state].contains(&LeaveState::Granted);
    if counts {
        check_unfinished(intake.state)?;
    }
    let after = LeaveRow { state, version: before.version + 1, ..before.clone() };
    let own = leave_requests::table.filter(leave_requests::id.eq(id)).filter(leave_requests::version.eq(before.version));
    if diesel::update(own).set((leave_requests::state.eq(state), leave_requests::version.eq(after.version))).execute(conn)? == 0 {
        return Err(Error::Stale);
    }
    let said = |row| Whole { row, enrollment_ids: &enrollment_ids };
    let reason = change.reason.as_ref().map(Note::as_str);
    actor.record(entry(&intake, &after).from(&said(&before)).to(&said(&after)).because(reason));
    step(conn, actor, now, &after, Some(before.state), change.reason)?;
    if counts {
        let concerned = granted::concerned(conn, id)?;
        enrollments::find_unsettled(conn, intake.id, &concerned)?;
    }
    one(conn, actor, after)
}

/// Everybody for whom a request was asked, for all of whom the actor may act.
fn wholly_own(conn: &mut Conn, actor: &Actor, id: LeaveRequestId) -> Result<BTreeSet<EnrollmentId>, Error> {
    let all = leave_enrollments::table.filter(leave_enrollments::leave_request_id.eq(id)).count().get_result(conn)?;
    let own = enrollments::own(actor).inner_join(leave_enrollments::table.on(leave_enrollments::enrollment_id.eq(enrolled::id)));
    let own = own.filter(leave_enrollments::leave_request_id.eq(id)).select(leave_enrollments::enrollment_id);
    let own: Vec<EnrollmentId> = own.load(conn)?;
    if i64::try_from(own.len()) != Ok(all) {
        return Err(Error::Forbidden("the request names trainees who are not yours; a coordinator decides on it".to_owned()));
    }
    Ok(own.into_iter().collect())
}
