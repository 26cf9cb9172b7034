//! What imported rows make of people whom the register knows.

use std::collections::HashMap;

use diesel::{
    prelude::*,
    sql_types::{Bool, Integer, Nullable, Text},
};

use super::{
    super::model::{Affiliation, AffiliationId, Amendment, Person, PersonDocument, PersonId},
    CHUNK, is_editable_by,
};
use crate::{
    access::{Action, Actor},
    db::{self, Conn, types::Uid},
    error::Error,
    intakes::{self, IntakeId},
    journal::NewEntry,
    schema::affiliations,
};

/// Changes people, and the unit or title of one affiliation of each, as imported rows say; without `If-Match`, but only from the states
/// given. Of whom nothing differs nothing is written, and the version stays. They come back as they are now, in the same order.
///
/// The reports that name them, and those of `own`, the intake that the caller goes on to write, are touched in the order of the intakes.
///
/// # Errors
/// 404 if the actor may not change all of them, or an affiliation is not the person's; 412 if somebody is no longer as given or given
/// twice; 409 if a unit is not of the affiliation's organization.
pub fn amend_many(
    conn: &mut Conn,
    actor: &Actor,
    amendments: Vec<(Person, Amendment)>,
    own: Option<IntakeId>,
) -> Result<Vec<Person>, Error> {
    let ids: Vec<PersonId> = amendments.iter().map(|(person, _)| person.id).collect();
    let editable = is_editable_by(conn, actor, &ids)?;
    if !ids.iter().all(|id| editable.contains(id)) {
        return Err(Error::NotFound);
    }
    actor.may(Action::WritePeople)?;
    let (mut people, mut renamed) = (Vec::with_capacity(amendments.len()), Vec::new());
    let mut amendments = amendments.into_iter().peekable();
    while amendments.peek().is_some() {
        let changes = changes(conn, amendments.by_ref().take(CHUNK).collect())?;
        let written: Vec<&Changed> = changes.iter().filter(|change| change.is_any()).collect();
        write_people(conn, &written)?;
        write_posts(conn, &written)?;
        for Changed { before, after } in written {
            let (id, provider) = (before.person.id, before.person.provider_id);
            let [_, updated, _] = before.person.kind().actions();
            actor.record(NewEntry::of(updated, "person", id).provider(provider).from(before).to(after));
            renamed.extend(after.person.is_called_otherwise(&before.person).then_some(id));
        }
        people.extend(changes.into_iter().map(|change| change.after.person));
    }
    intakes::touch_people(conn, &renamed, own)?;
    Ok(people)
}

/// A person with at most one affiliation, as found and as they are to be.
struct Changed {
    before: PersonDocument,
    after: PersonDocument,
}

impl Changed {
    fn is_any(&self) -> bool {
        self.before != self.after
    }
}

fn changes(conn: &mut Conn, amendments: Vec<(Person, Amendment)>) -> Result<Vec<Changed>, Error> {
    let posts: Vec<AffiliationId> = amendments.iter().filter_map(|(_, amendment)| Some(amendment.post.as_ref()?.affiliation_id)).collect();
    let mut posts: HashMap<AffiliationId, Affiliation> = if posts.is_empty() {
        HashMap::new()
    } else {
        let rows: Vec<Affiliation> =
            affiliations::table.filter(affiliations::id.eq_any(posts)).select(Affiliation::as_select()).load(conn)?;
        rows.into_iter().map(|row| (row.id, row)).collect()
    };
    let mut changes = Vec::with_capacity(amendments.len());
    for (stored, mut amendment) in amendments {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        if let Some(post) = amendment.post.take() {
            let found = posts.remove(&post.affiliation_id).filter(|found| found.person_id == stored.id).ok_or(Error::NotFound)?;
            after.push(post.apply(&found));
            before.push(found);
        }
        let mut person = amendment.apply(&stored);
        if person != stored || before != after {
            person.version += 1;
        }
        changes.push(Changed {
            before: PersonDocument { person: stored, affiliations: before },
            after: PersonDocument { person, affiliations: after },
        });
    }
    Ok(changes)
}

fn write_people(conn: &mut Conn, changes: &[&Changed]) -> Result<(), Error> {
    if changes.is_empty() {
        return Ok(());
    }
    let columns = ["name", "latin_name", "phone", "email", "trainee", "instructor", "version"];
    let mut statement = db::update_each("people", &["id", "version"], &columns, changes.len());
    for Changed { before, after: PersonDocument { person, .. } } in changes {
        statement = statement
            .bind::<Uid, _>(person.id)
            .bind::<Integer, _>(before.person.version)
            .bind::<Text, _>(&person.name)
            .bind::<Nullable<Text>, _>(&person.latin_name)
            .bind::<Nullable<Text>, _>(&person.phone)
            .bind::<Nullable<Text>, _>(&person.email)
            .bind::<Bool, _>(person.trainee)
            .bind::<Bool, _>(person.instructor)
            .bind::<Integer, _>(before.person.version + 1);
    }
    if statement.execute(conn)? == changes.len() { Ok(()) } else { Err(Error::Stale) }
}

fn write_posts(conn: &mut Conn, changes: &[&Changed]) -> Result<(), Error> {
    let posts: Vec<&Affiliation> = changes.iter().flat_map(|change| &change.after.affiliations).collect();
    if posts.is_empty() {
        return Ok(());
    }
    let mut statement = db::update_each("affiliations", &["id"], &["unit_id", "title"], posts.len());
    for post in posts {
        statement = statement.bind::<Uid, _>(post.id).bind::<Uid, _>(post.unit_id).bind::<Nullable<Text>, _>(&post.title);
    }
    statement.execute(conn)?;
    Ok(())
}
