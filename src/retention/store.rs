//! The table of erasures, and the order in which the rooms take out their words.

mod verify;

pub use verify::verify;

use std::collections::BTreeSet;

use chrono::{NaiveDate, TimeDelta};
use diesel::prelude::*;

use super::model::{Erased, Standing, Taken, Traces};
use crate::{
    access::{self, Action, Actor},
    accounts, attendance,
    clock::{Instant, is_kept},
    db::{self, Conn},
    enrollments::{self, EnrollmentId},
    error::Error,
    feeds, http, imports, instructors,
    intakes::{self, IntakeId},
    journal::{self, EntryId, NewEntry},
    leave, ledger,
    people::{self, PersonId, Retained},
    schedule,
    schema::erasures,
    text::{Code, Note, listed},
};

/// Restricts a person until a day, from which on they may be erased; or moves that day. Their users are disabled, and what these came in by has ended.
///
/// # Errors
/// 404; 409 `person_in_use` for somebody with an enrollment of which it is not decided how it ends, or who is still to teach, and
/// `person_erased`; 422 `reason_names_person`, because the reason stays.
pub fn restrict(conn: &mut Conn, actor: &Actor, now: Instant, id: PersonId, until: NaiveDate, reason: &Note) -> Result<Standing, Error> {
    if !is_kept(&until) {
        return Err(Error::invalid("/retained_until", "year_out_of_range", Instant::OUTSIDE_YEARS));
    }
    let enrolled = lock(conn, actor, id)?;
    people::hold(conn, actor, id)?;
    let before = people::find_retained(conn, actor, id)?;
    refuse_erased(before.as_ref())?;
    refuse_naming(conn, id, reason)?;
    if before.is_none() {
        refuse_in_use(conn, id)?;
        let keys = access::keys_of(conn, id)?;
        for user in &keys.users {
            accounts::set_disabled(conn, actor, now, *user, true, None)?;
        }
        access::revoke_all(conn, actor, now, &keys)?;
        let feeds = feeds::ever_of(conn, id, &keys.users)?;
        feeds::end_all(conn, actor, now, &feeds)?;
        // Reports show no number of theirs to a partner any more.
        if !enrolled.is_empty() {
            intakes::touch_people(conn, &[id], None)?;
        }
    }
    let after = people::keep_until(conn, actor, now, id, until, reason)?;
    Ok(match after {
        due if due.retained_until <= today(conn, &due, now)? => Standing::Due(due),
        waiting if before.as_ref() == Some(&waiting) => Standing::Waiting(waiting),
        restricted => Standing::Restricted(restricted),
    })
}

fn refuse_erased(retained: Option<&Retained>) -> Result<(), Error> {
    match retained.and_then(|retained| retained.erased_at) {
        Some(at) => Err(Error::conflict("person_erased", format!("this person was erased at {at}"))),
        None => Ok(()),
    }
}

/// Takes the locks that an erasure needs before it reads, in the order that all follow; answers the enrollments.
fn lock(conn: &mut Conn, actor: &Actor, id: PersonId) -> Result<Vec<EnrollmentId>, Error> {
    actor.may(Action::Erase)?;
    let enrolled = enrollments::ever_of(conn, id)?;
    let mut intakes: BTreeSet<IntakeId> = enrolled.iter().map(|(_, intake)| *intake).collect();
    intakes.extend(schedule::taught_in(conn, id)?);
    for intake in intakes {
        db::lock(conn, "intake", intake)?;
    }
    Ok(enrolled.into_iter().map(|(enrollment, _)| enrollment).collect())
}

/// What is kept of it says nothing of the person.
fn refuse_naming(conn: &mut Conn, id: PersonId, reason: &Note) -> Result<(), Error> {
    if Traces::of([id.uuid()], people::texts_of(conn, id)?).are_in_words(reason.as_str()) {
        let detail = "the reason is kept when the person is erased; say it without what they are called or reached by";
        return Err(Error::invalid("/reason", "reason_names_person", detail));
    }
    Ok(())
}

fn refuse_in_use(conn: &mut Conn, id: PersonId) -> Result<(), Error> {
    let open = enrollments::undecided_of(conn, id)?;
    let mut reasons: Vec<String> = open.into_iter().map(|(intake, state)| format!("is {state} in {intake}")).collect();
    let sessions = schedule::to_be_taught_by(conn, id)?;
    if !sessions.is_empty() {
        reasons.push(format!("is still to teach {}", listed(sessions.iter().map(Code::as_str))));
    }
    if reasons.is_empty() {
        return Ok(());
    }
    Err(Error::conflict("person_in_use", format!("the person {}", reasons.join("; "))))
}

/// Those whose day has come: it has begun in the time zone of the latest intake of their provider's house, or at Greenwich if it has none.
pub fn due(conn: &mut Conn, actor: &Actor, now: Instant) -> Result<Vec<PersonId>, Error> {
    // Nowhere is a day further than fourteen hours ahead.
    let latest = now.plus(TimeDelta::hours(14)).utc().date_naive();
    let mut due = Vec::new();
    for retained in people::retained(conn, actor)?.into_iter().filter(|one| one.retained_until <= latest) {
        if retained.retained_until <= today(conn, &retained, now)? {
            due.push(retained.id);
        }
    }
    Ok(due)
}

fn today(conn: &mut Conn, retained: &Retained, now: Instant) -> Result<NaiveDate, Error> {
    let zone = intakes::latest_zone(conn, retained.provider_id)?;
    Ok(zone.map_or_else(|| now.utc().date_naive(), |zone| zone.date(now)))
}

/// Erases a person whose day has come: of all that was written about them nothing is left, and every row, sum and date stays. The one entry
/// of the journal says so, without a word about them.
///
/// # Errors
/// 404; 409 `person_not_restricted`, `person_retained` before the day, `person_erased`.
pub fn erase(conn: &mut Conn, actor: &Actor, now: Instant, id: PersonId, reason: &Note) -> Result<Erased, Error> {
    let enrolled = lock(conn, actor, id)?;
    let touching = imports_about(conn, id, &enrolled)?;
    for import in &touching {
        db::lock(conn, "import", import)?;
    }
    people::hold(conn, actor, id)?;
    let retained = people::find_retained(conn, actor, id)?
        .ok_or_else(|| Error::conflict("person_not_restricted", "whoever is to be erased is restricted first"))?;
    refuse_erased(Some(&retained))?;
    if retained.retained_until > today(conn, &retained, now)? {
        return Err(Error::conflict("person_retained", format!("the person is retained until {}", retained.retained_until)));
    }
    refuse_naming(conn, id, reason)?;
    db::overwrite_deleted(conn)?;
    let entry = NewEntry::of("person.erased", "person", id).provider(retained.provider_id);
    let erasure = entry.id();
    diesel::insert_into(erasures::table)
        .values((erasures::id.eq(erasure), erasures::person_id.eq(id), erasures::created_at.eq(now)))
        .execute(conn)?;
    let taken = forget(conn, now, id, erasure, &enrolled, &touching)?;
    actor.record(entry.to(&taken).because(Some(reason.as_str())));
    Ok(Erased { person_id: id, erased_at: now, taken })
}

/// The imports that brought or changed the person, or remember them.
fn imports_about(conn: &mut Conn, id: PersonId, enrolled: &[EnrollmentId]) -> Result<Vec<imports::ImportId>, Error> {
    let traces = Traces::of([id.uuid()], people::texts_of(conn, id)?);
    let things: Vec<_> = enrolled.iter().map(|id| id.cast()).chain([id.cast()]).collect();
    imports::touching(conn, &things, &traces.text_patterns())
}

/// Has each room take out its words. First what finds the others, last what they are found by.
fn forget(
    conn: &mut Conn,
    now: Instant,
    id: PersonId,
    erasure: EntryId,
    enrolled: &[EnrollmentId],
    touching: &[imports::ImportId],
) -> Result<Taken, Error> {
    let keys = access::keys_of(conn, id)?;
    let feeds = feeds::ever_of(conn, id, &keys.users)?;
    let requests = leave::own_of(conn, enrolled)?;
    let said = attendance::said_of(conn, enrolled)?;
    let named = people::texts_of(conn, id)?.into_iter().chain(keys.names.iter().map(ToString::to_string));
    let mut traces = Traces::of([id.uuid()].into_iter().chain(enrolled.iter().map(|id| id.uuid())), named);
    traces.add_subjects(keys.ids());
    traces.add_subjects(feeds.iter().map(|id| id.uuid()));
    traces.add_subjects(requests.iter().map(|id| id.uuid()));
    traces.add_subjects(said.iter().map(|one| one.id.uuid()));
    traces.add_subjects(touching.iter().map(|id| id.uuid()));
    for one in &said {
        traces.add_said(one.session_id.uuid(), one.statement.as_str());
        one.reason.iter().for_each(|reason| traces.add_said(one.session_id.uuid(), reason.as_str()));
    }
    let gone = journal::forget(conn, erasure, |subject, body| traces.are_in(subject.uuid(), body))?;
    imports::forget(conn, erasure, touching)?;
    let answers = http::forget_answers(conn, &traces.patterns())?;
    attendance::forget(conn, enrolled, &said)?;
    leave::forget(conn, &requests)?;
    ledger::forget(conn, enrolled)?;
    enrollments::forget(conn, enrolled)?;
    schedule::forget(conn, id)?;
    instructors::forget(conn, id)?;
    accounts::forget(conn, &keys)?;
    access::forget(conn, &keys)?;
    people::forget(conn, now, id)?;
    Ok(Taken { gone, imports: touching.len(), answers })
}
