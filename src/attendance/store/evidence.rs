//! What files say of who was in the meeting of a session.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use serde::Serialize;

use super::{
    super::{
        evidence::{Attendee, Evidence, Gathering, Join, Said, by_enrollment, is_called, line, together},
        guests::Member,
        lines::uncalling,
        model::{Attendance, RollCallRow, RollCallState, Times},
        segments::MOST,
    },
    called_by, changing, entry,
    lines::{compare, replace, stored},
    ready, row, save, zone,
};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::{CHUNK, Conn, for_backend},
    enrollments::EnrollmentId,
    error::Error,
    imports::ImportId,
    people::PersonId,
    schedule::{self, SessionId, SessionRow},
    schema::{affiliations, evidence, intakes as intake_rows, people, session_instructors},
    text::{Code, Email, counted},
};

/// What the journal calls a change of the evidence.
pub(super) const CHANGED: &str = "roll_call.evidence_changed";

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
    let mut joins = by_enrollment(&together(of(conn, session)?));
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

/// What files say together of everybody in a session.
pub(super) fn standing(conn: &mut Conn, session: SessionId) -> Result<BTreeMap<EnrollmentId, BTreeSet<Join>>, Error> {
    Ok(by_enrollment(&together(of(conn, session)?)))
}

/// What files say of a session, each by itself.
fn of(conn: &mut Conn, session: SessionId) -> Result<BTreeSet<Said>, Error> {
    let columns = (evidence::import_id, (evidence::enrollment_id, evidence::joined_at, evidence::left_at));
    let rows: Vec<(ImportId, Join)> = evidence::table.filter(evidence::session_id.eq(session)).select(columns).load(conn)?;
    Ok(rows.into_iter().map(|(import_id, join)| Said { import_id, join }).collect())
}

/// What files say of those whom the actor calls in a session, by enrollment and time.
pub(in crate::attendance) fn list(conn: &mut Conn, actor: &Actor, id: SessionId) -> Result<Vec<Said>, Error> {
    let session = schedule::find(conn, actor, id)?;
    actor.may(Action::ReadRollCall)?;
    let called: BTreeSet<EnrollmentId> = called_by(conn, actor, &session)?.iter().map(|one| one.person.enrollment_id).collect();
    Ok(of(conn, id)?.into_iter().filter(|said| called.contains(&said.join.enrollment_id)).collect())
}

/// What a change of the evidence is told as in the journal: what an import says from now on, or said until now.
#[derive(Serialize)]
struct Told<'a> {
    import_id: ImportId,
    joins: &'a BTreeSet<Join>,
}

/// Adds what an import says to the evidence of a session, and calls whoever was not called otherwise by what all of it comes to. What
/// other files say already is kept of this one too, and calls nobody. Returns the version of the roll call.
///
/// # Errors
/// Those of calling the roll.
pub fn add_evidence(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    id: SessionId,
    (import_id, joins): (ImportId, &[Join]),
) -> Result<i32, Error> {
    let session = changing(conn, actor, id, Action::CallRoll)?;
    let before = together(of(conn, id)?);
    let joins: BTreeSet<Join> = joins.iter().copied().collect();
    // First, for evidence is of a roll call.
    let (version, _) = call(conn, actor, now, &session, (&before, &before.union(&joins).copied().collect()))?;
    let row = |join: &Join| {
        let Join { enrollment_id, joined_at, left_at } = *join;
        Evidence { session_id: id, enrollment_id, intake_id: session.intake_id, joined_at, left_at, import_id, recorded_at: now }
    };
    let rows: Vec<Evidence> = joins.iter().map(row).collect();
    for chunk in rows.chunks(CHUNK) {
        for_backend!(conn, |c| diesel::insert_into(evidence::table).values(chunk).execute(c))?;
    }
    actor.record(entry(conn, CHANGED, &session)?.to(&Told { import_id, joins: &joins }));
    Ok(version)
}

/// Takes back what an import said, and nothing else: whoever was called by it is called by what the others say, or not any more. What
/// somebody called otherwise stays; returns how many such lines there are.
///
/// # Errors
/// Those of calling the roll; 409 `called_by_evidence` of a roll call that was closed before, where somebody is called by nothing else.
pub fn remove_evidence(conn: &mut Conn, actor: &Actor, now: Instant, id: SessionId, import_id: ImportId) -> Result<usize, Error> {
    let session = changing(conn, actor, id, Action::CallRoll)?;
    let before = of(conn, id)?;
    let (gone, rest): (BTreeSet<Said>, BTreeSet<Said>) = before.iter().copied().partition(|one| one.import_id == import_id);
    let (_, kept) = call(conn, actor, now, &session, (&together(before), &together(rest)))?;
    let own = evidence::table.filter(evidence::session_id.eq(id)).filter(evidence::import_id.eq(import_id));
    diesel::delete(own).execute(conn)?;
    actor.record(entry(conn, CHANGED, &session)?.from(&Told { import_id, joins: &together(gone) }));
    Ok(kept)
}

type Joins = BTreeSet<Join>;

/// Calls those whose evidence changes, and those of whom files say something and whom nobody has called; returns the version of the roll
/// call, which stays as it is if there are none, and how many lines stay although their evidence changes.
fn call(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    session: &SessionRow,
    (before, after): (&Joins, &Joins),
) -> Result<(i32, usize), Error> {
    let roll_call = row(conn, session)?;
    ready(conn, actor, now, session, roll_call.state)?;
    let (was, is) = (by_enrollment(before), by_enrollment(after));
    let stored = stored(conn, session.id)?;
    let lines: BTreeMap<EnrollmentId, &Attendance> = stored.iter().map(|line| (line.enrollment_id, line)).collect();
    let class: BTreeSet<EnrollmentId> = called_by(conn, actor, session)?.iter().map(|one| one.person.enrollment_id).collect();
    let changes = |id: &EnrollmentId| was.get(id) != is.get(id) || (class.contains(id) && !lines.contains_key(id));
    let named: BTreeSet<EnrollmentId> = was.keys().chain(is.keys()).copied().filter(changes).collect();
    if named.is_empty() {
        return Ok((roll_call.version, 0));
    }
    let nothing = Joins::new();
    let kept = named.iter().filter(|id| is_called(lines.get(*id).copied())).count();
    let mut new: Vec<Attendance> = stored.iter().filter(|line| !named.contains(&line.enrollment_id)).cloned().collect();
    new.extend(named.iter().filter_map(|id| {
        let joins = is.get(id).unwrap_or(&nothing);
        line((session.id, *id), lines.get(id).copied(), joins, Times::of(session), now)
    }));
    refuse_unheard(uncalling(&roll_call, &named, &stored, &new))?;
    refuse_pieces(&new)?;
    let lines = compare(&stored, new);
    let state = if roll_call.state == RollCallState::NotOpen { RollCallState::Open } else { roll_call.state };
    let changed = RollCallRow { state, version: roll_call.version + 1, ..roll_call.clone() };
    save(conn, &roll_call, &changed)?;
    replace(conn, session.id, &lines)?;
    if lines.alter() {
        actor.record(entry(conn, "roll_call.put", session)?.from(&lines.gone).to(&lines.fresh));
    }
    Ok((changed.version, kept))
}

/// Whoever was called when a roll call was closed is called still: by hand, where no file says anything of them any more.
fn refuse_unheard(left_out: usize) -> Result<(), Error> {
    if left_out == 0 {
        return Ok(());
    }
    let left_out = counted(left_out, "trainee");
    let detail = format!(
        "the roll call was closed with {left_out} called by this file alone; say their minutes by hand first: such lines stay, and then \
         the file can be taken back"
    );
    Err(Error::conflict("called_by_evidence", detail))
}

/// What one file says may bridge what another one says in pieces, so that they are more without it.
pub(super) fn refuse_pieces(lines: &[Attendance]) -> Result<(), Error> {
    let broken = lines.iter().find(|line| line.segments.as_ref().is_some_and(|segments| segments.count() > MOST));
    match broken {
        None => Ok(()),
        Some(line) => Err(Error::conflict(
            "too_many_segments",
            format!("enrollment {} would be present in more than {MOST} pieces; take back the file that says so first", line.enrollment_id),
        )),
    }
}
