//! Whose data is kept for a while only, and what is left of them afterwards.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::super::model::{Person, PersonId, Retained};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::{self, Conn},
    error::Error,
    intakes,
    journal::NewEntry,
    organizations,
    schema::{affiliations, identity_numbers, people},
    text::{Code, ERASED, Email, Name, Note, Phone},
};

/// When somebody's data goes, in the journal.
#[derive(serde::Serialize)]
struct Until {
    retained_until: NaiveDate,
}

/// Holds a person against whoever would enroll, assign or change them, who have to see what becomes of them.
pub fn hold(conn: &mut Conn, actor: &Actor, id: PersonId) -> Result<Person, Error> {
    actor.may(Action::Erase)?;
    let person: Person = people::table.find(id).select(Person::as_select()).first(conn)?;
    let house = organizations::find(conn, actor, person.provider_id)?.root_id;
    db::lock(conn, "people", house)?;
    db::lock_row(conn, "SELECT 1 FROM people WHERE id = ? FOR UPDATE", id)?;
    Ok(people::table.find(id).select(Person::as_select()).first(conn)?)
}

/// Restricts a person whom the actor holds, or moves the day until which they are kept.
pub fn keep_until(conn: &mut Conn, actor: &Actor, now: Instant, id: PersonId, until: NaiveDate, reason: &Note) -> Result<Retained, Error> {
    actor.may(Action::Erase)?;
    let before = find_retained(conn, actor, id)?;
    if let Some(before) = before.as_ref().filter(|before| before.retained_until == until) {
        return Ok(before.clone());
    }
    let restricted_at = before.as_ref().map_or(now, |before| before.restricted_at);
    diesel::update(people::table.find(id))
        .set((people::restricted_at.eq(restricted_at), people::retained_until.eq(until), people::version.eq(people::version + 1)))
        .execute(conn)?;
    let after = find_retained(conn, actor, id)?.ok_or_else(|| Error::internal("a person was not restricted"))?;
    let said = |retained: &Retained| Until { retained_until: retained.retained_until };
    let entry = NewEntry::of("person.restricted", "person", id).provider(after.provider_id).from(&before.as_ref().map(said));
    actor.record(entry.to(&said(&after)).because(Some(reason.as_str())));
    Ok(after)
}

/// The columns of [`Retained`], of those who are restricted.
#[diesel::dsl::auto_type]
fn columns() -> _ {
    (
        people::id,
        people::provider_id,
        people::name,
        people::restricted_at.assume_not_null(),
        people::retained_until.assume_not_null(),
        people::erased_at,
    )
}

/// A person who is restricted, or has been erased.
pub fn find_retained(conn: &mut Conn, actor: &Actor, id: PersonId) -> Result<Option<Retained>, Error> {
    actor.may(Action::Erase)?;
    let restricted = people::table.find(id).filter(people::restricted_at.is_not_null());
    Ok(restricted.select(columns()).first(conn).optional()?)
}

/// Everybody who is restricted and has not been erased yet, in the order in which they will be.
pub fn retained(conn: &mut Conn, actor: &Actor) -> Result<Vec<Retained>, Error> {
    actor.may(Action::Erase)?;
    let waiting = people::table.filter(people::restricted_at.is_not_null()).filter(people::erased_at.is_null());
    Ok(waiting.order((people::retained_until, people::id)).select(columns()).load(conn)?)
}

/// What a person is called and reached by; of what others are reached by as well, nothing tells whose it is.
pub fn texts_of(conn: &mut Conn, id: PersonId) -> Result<Vec<String>, Error> {
    type Called = (Name, Option<Name>, Option<Phone>, Option<Email>);
    let (name, latin_name, phone, email): Called =
        people::table.find(id).select((people::name, people::latin_name, people::phone, people::email)).first(conn)?;
    let numbers: Vec<Option<Code>> =
        affiliations::table.filter(affiliations::person_id.eq(id)).select(affiliations::employee_number).load(conn)?;
    let mut texts = vec![name.to_string()];
    texts.extend(latin_name.map(|latin_name| latin_name.to_string()));
    let others = || people::table.filter(people::id.ne(id));
    if let Some(phone) = phone
        && others().filter(people::phone.eq(&phone)).count().get_result::<i64>(conn)? == 0
    {
        texts.push(phone.to_string());
    }
    if let Some(email) = email
        && others().filter(people::email.eq(&email)).count().get_result::<i64>(conn)? == 0
    {
        texts.push(email.as_str().to_owned());
    }
    texts.extend(numbers.into_iter().flatten().map(|number| number.to_string()));
    Ok(texts)
}

/// Leaves of a person that somebody was there, while they are being erased; reports show so.
pub fn forget(conn: &mut Conn, now: Instant, id: PersonId) -> Result<(), Error> {
    let none: Option<String> = None;
    diesel::update(affiliations::table.filter(affiliations::person_id.eq(id)))
        .set((affiliations::employee_number.eq(&none), affiliations::title.eq(&none)))
        .execute(conn)?;
    diesel::delete(identity_numbers::table.filter(identity_numbers::person_id.eq(id))).execute(conn)?;
    // All that a person's row says of them goes here.
    diesel::update(people::table.find(id))
        .set((
            people::name.eq(ERASED),
            people::latin_name.eq("erased"),
            people::phone.eq(&none),
            people::email.eq(&none),
            people::erased_at.eq(now),
            people::version.eq(people::version + 1),
        ))
        .execute(conn)?;
    intakes::touch_people(conn, &[id], None)
}
