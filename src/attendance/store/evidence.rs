//! What files say of who was in the meeting of a session.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::{
    super::{
        evidence::{Attendee, Evidence, Gathering, Join, by_enrollment, line},
        guests::Member,
        model::{Attendance, RollCallRow, RollCallState, Times, refuse_uncalling},
    },
    called_by, changing, entry,
    lines::{compare, replace, stored},
    ready, row, save, zone,
};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::{
        self, CHUNK, Conn, for_backend,
        types::{Ts, Uid},
    },
    enrollments::EnrollmentId,
    error::Error,
    people::PersonId,
    schedule::{self, SessionId, SessionRow},
    schema::{affiliations, evidence, intakes as intake_rows, people, session_instructors},
    text::{Code, Email},
};

/// The session, if the actor may call its roll now, with everybody whom evidence may name; to write it, nobody else changes it meanwhile.
///
/// # Errors
/// Those of calling the roll.
pub fn gather(conn: &mut Conn, actor: &Actor, now: Instant, id: SessionId, to_write: bool) -> Result<Gathering, Error> {
    let session = if to_write { changing(conn, actor, id, Action::CallRoll)? } else { may_gather(conn, actor, id)? };
    let before = row(conn, &session)?;
    ready(conn, actor, now, &session, before.state)?;
    let class = called_by(conn, actor, &session)?;
    let provider_id = intake_rows::table.find(session.intake_id).select(intake_rows::provider_id).first(conn)?;
    let instructors = session_instructors::table
        .inner_join(people::table.on(people::id.eq(session_instructors::person_id)))
        .filter(session_instructors::session_id.eq(id))
        .select(people::name)
        .load(conn)?;
    Ok(Gathering {
        session_id: id,
        intake_id: session.intake_id,
        provider_id,
        zone: zone(conn, &session)?,
        attendees: attendees(conn, id, class)?,
        instructors,
        times: Times::of(&session),
    })
}

/// The session, if the actor may call its roll.
pub fn may_gather(conn: &mut Conn, actor: &Actor, id: SessionId) -> Result<SessionRow, Error> {
    let session = schedule::find(conn, actor, id)?;
    actor.may(Action::CallRoll)?;
    Ok(session)
}

fn attendees(conn: &mut Conn, session: SessionId, class: Vec<Member>) -> Result<Vec<Attendee>, Error> {
    let ids: Vec<PersonId> = class.iter().map(|one| one.person.trainee_id).collect();
    let (mut emails, mut numbers) = (BTreeMap::new(), BTreeMap::<PersonId, Vec<Code>>::new());
    for chunk in ids.chunks(CHUNK) {
        let rows: Vec<(PersonId, Option<Email>)> =
            people::table.filter(people::id.eq_any(chunk.to_vec())).select((people::id, people::email)).load(conn)?;
        emails.extend(rows.into_iter().filter_map(|(id, email)| Some((id, email?))));
        let rows: Vec<(PersonId, Code)> = affiliations::table
            .filter(affiliations::person_id.eq_any(chunk.to_vec()))
            .filter(affiliations::until_date.is_null())
            .filter(affiliations::employee_number.is_not_null())
            .select((affiliations::person_id, affiliations::employee_number.assume_not_null()))
            .load(conn)?;
        for (id, number) in rows {
            numbers.entry(id).or_default().push(number);
        }
    }
    let mut joins = by_enrollment(&of(conn, session)?);
    let mut lines: BTreeMap<EnrollmentId, Attendance> = stored(conn, session)?.into_iter().map(|line| (line.enrollment_id, line)).collect();
    let attendee = |Member { person, .. }: Member| Attendee {
        enrollment_id: person.enrollment_id,
        name: person.name,
        latin_name: person.latin_name,
        unit: person.unit,
        email: emails.remove(&person.trainee_id),
        employee_numbers: numbers.remove(&person.trainee_id).unwrap_or_default(),
        joins: joins.remove(&person.enrollment_id).unwrap_or_default(),
        line: lines.remove(&person.enrollment_id),
    };
    Ok(class.into_iter().map(attendee).collect())
}

/// What files said of a session, by enrollment and time.
fn of(conn: &mut Conn, session: SessionId) -> Result<Vec<Join>, Error> {
    let query = evidence::table.filter(evidence::session_id.eq(session));
    let in_order = query.order((evidence::enrollment_id, evidence::joined_at, evidence::left_at));
    Ok(in_order.select((evidence::enrollment_id, evidence::joined_at, evidence::left_at)).load(conn)?)
}

/// What files said of those whom the actor calls in a session.
pub(in crate::attendance) fn list(conn: &mut Conn, actor: &Actor, id: SessionId) -> Result<Vec<Join>, Error> {
    let session = schedule::find(conn, actor, id)?;
    actor.may(Action::ReadRollCall)?;
    let called: BTreeSet<EnrollmentId> = called_by(conn, actor, &session)?.iter().map(|one| one.person.enrollment_id).collect();
    Ok(of(conn, id)?.into_iter().filter(|join| called.contains(&join.enrollment_id)).collect())
}

/// Adds evidence to a session, and calls whoever was not called otherwise by what all of it comes to. Returns the version of the roll call.
pub fn add_evidence(conn: &mut Conn, actor: &Actor, now: Instant, id: SessionId, joins: &[Join]) -> Result<i32, Error> {
    let session = changing(conn, actor, id, Action::CallRoll)?;
    let before = of(conn, id)?;
    let after: Vec<Join> = before.iter().chain(joins).copied().collect();
    // First, for evidence is of a roll call.
    let version = call(conn, actor, now, &session, (&before, &after))?;
    let row = |join: &Join| {
        let Join { enrollment_id, joined_at, left_at } = *join;
        Evidence { session_id: id, enrollment_id, intake_id: session.intake_id, joined_at, left_at, recorded_at: now }
    };
    let rows: Vec<Evidence> = joins.iter().map(row).collect();
    for chunk in rows.chunks(CHUNK) {
        for_backend!(conn, |c| diesel::insert_into(evidence::table).values(chunk).execute(c))?;
    }
    Ok(version)
}

/// Takes evidence back: whoever was called by it is called by the rest of it, or not any more. What somebody called otherwise stays.
///
/// # Errors
/// Those of calling the roll.
pub fn remove_evidence(conn: &mut Conn, actor: &Actor, now: Instant, id: SessionId, joins: &[Join]) -> Result<(), Error> {
    let session = changing(conn, actor, id, Action::CallRoll)?;
    let before = of(conn, id)?;
    let after: Vec<Join> = before.iter().filter(|join| !joins.contains(join)).copied().collect();
    call(conn, actor, now, &session, (&before, &after))?;
    for chunk in joins.chunks(CHUNK) {
        let mut delete = db::delete_each("evidence", &["session_id", "enrollment_id", "joined_at", "left_at"], chunk.len());
        for join in chunk {
            delete = delete.bind::<Uid, _>(id).bind::<Uid, _>(join.enrollment_id).bind::<Ts, _>(join.joined_at).bind::<Ts, _>(join.left_at);
        }
        delete.execute(conn)?;
    }
    Ok(())
}

/// Calls those whose evidence changes; returns the version of the roll call.
fn call(conn: &mut Conn, actor: &Actor, now: Instant, session: &SessionRow, (before, after): (&[Join], &[Join])) -> Result<i32, Error> {
    let roll_call = row(conn, session)?;
    ready(conn, actor, now, session, roll_call.state)?;
    let (was, is) = (by_enrollment(before), by_enrollment(after));
    let named: BTreeSet<EnrollmentId> = was.keys().chain(is.keys()).copied().filter(|id| was.get(id) != is.get(id)).collect();
    let stored = stored(conn, session.id)?;
    let (of_named, mut new): (Vec<Attendance>, Vec<Attendance>) =
        stored.iter().cloned().partition(|line| named.contains(&line.enrollment_id));
    let of_named: BTreeMap<EnrollmentId, Attendance> = of_named.into_iter().map(|line| (line.enrollment_id, line)).collect();
    let joins = |of: &BTreeMap<EnrollmentId, Vec<Join>>, id: &EnrollmentId| of.get(id).cloned().unwrap_or_default();
    new.extend(named.iter().filter_map(|id| {
        let evidence = (&*joins(&was, id), &*joins(&is, id));
        line((session.id, *id), of_named.get(id), evidence, Times::of(session), now)
    }));
    refuse_uncalling(&roll_call, &named, &stored, &new)?;
    let lines = compare(&stored, new);
    let state = if roll_call.state == RollCallState::NotOpen { RollCallState::Open } else { roll_call.state };
    let changed = RollCallRow { state, version: roll_call.version + 1, ..roll_call.clone() };
    save(conn, &roll_call, &changed)?;
    replace(conn, session.id, &lines)?;
    if lines.alter() {
        actor.record(entry(conn, "roll_call.put", session)?.from(&lines.gone).to(&lines.fresh));
    }
    let evidence = |of: &BTreeMap<EnrollmentId, Vec<Join>>| named.iter().flat_map(|id| joins(of, id)).collect::<Vec<Join>>();
    actor.record(entry(conn, "roll_call.evidence_changed", session)?.from(&evidence(&was)).to(&evidence(&is)));
    Ok(changed.version)
}
