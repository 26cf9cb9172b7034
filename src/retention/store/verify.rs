//! What `muster verify` holds of erasures: that each was one, and took what the journal says and no more.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use serde::Deserialize;

use crate::{
    clock::Instant,
    db::{self, Conn},
    error::Error,
    id::Id,
    journal::{self, EntryId, Gone},
    people::PersonId,
    schema::{erasures, people},
    text::{ERASED, Name},
};

/// Erasures in one look.
const PAGE: i64 = 100;

/// An erasure, of whom, and what the person is called and since when they are erased.
type Row = (EntryId, PersonId, Name, Option<Instant>);

#[derive(Deserialize)]
struct Word {
    to: Gone,
}

/// Holds each erasure against its entry of the journal, which knows whom it was of and which payloads went with it; and whoever is erased
/// against the erasures.
pub fn verify(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let some = |conn: &mut Conn, after: EntryId| {
        let after = erasures::table.filter(erasures::id.gt(after)).order(erasures::id).limit(PAGE);
        let of_people = after.inner_join(people::table.on(people::id.eq(erasures::person_id)));
        of_people.select((erasures::id, erasures::person_id, people::name, people::erased_at)).load(conn)
    };
    let mut findings = db::in_pages(conn, some, |(id, ..)| *id, unlike_the_journal)?;
    let erased = people::table.filter(people::erased_at.is_not_null());
    let without: Vec<PersonId> =
        erased.filter(people::id.ne_all(erasures::table.select(erasures::person_id))).select(people::id).load(conn)?;
    findings.extend(without.into_iter().map(|id| format!("erasures: person {id} is said to be erased, and there is no erasure")));
    Ok(findings)
}

fn unlike_the_journal(conn: &mut Conn, page: Vec<Row>) -> Result<Vec<String>, Error> {
    let ids: Vec<EntryId> = page.iter().map(|(id, ..)| *id).collect();
    let mut taken: BTreeMap<EntryId, BTreeSet<EntryId>> = BTreeMap::new();
    for (erasure, entry) in journal::erased_by(conn, &ids)? {
        taken.entry(erasure).or_default().insert(entry);
    }
    let told = journal::told(conn, &ids)?;
    let mut told: BTreeMap<EntryId, (Id<()>, String, Option<String>)> =
        told.into_iter().map(|(id, subject, action, body)| (id, (subject, action, body))).collect();
    let finding = |(id, person, name, erased_at): Row| {
        let fault = match told.remove(&id) {
            None => Some("is not in the journal"),
            Some((subject, action, _)) if subject.uuid() != person.uuid() || action != "person.erased" => {
                Some("is of another, as the journal says")
            }
            // An entry that says nothing any more is the business of the journal's check.
            Some((.., body)) => body.and_then(|body| {
                let word = serde_json::from_str::<Word>(&body).ok().map(|word| word.to);
                (word != Some(Gone::of(&taken.remove(&id).unwrap_or_default()))).then_some("took other payloads than the journal says")
            }),
        };
        let fault = fault.or_else(|| (erased_at.is_none() || name.as_str() != ERASED).then_some("left the person as they were"))?;
        Some(format!("erasures: the erasure of person {person} {fault}"))
    };
    Ok(page.into_iter().filter_map(finding).collect())
}
