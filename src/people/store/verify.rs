//! What `muster verify` looks for among the people.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::model::{Person, PersonId};
use crate::{db::Conn, error::Error, id::Id, journal, schema::people, text::Name};

/// People in one look.
const PAGE: i64 = 500;

/// The entries of the journal that say all of a person, as they stood from then on.
const WHOLE: [&str; 4] = ["trainee.created", "trainee.updated", "instructor.created", "instructor.updated"];

/// Of a person what a report and a roll call show.
#[derive(Serialize, Deserialize)]
struct Facts {
    name: Name,
    latin_name: Option<Name>,
}

/// Holds what people are called against the journal's last word about them.
pub fn verify(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    let mut last: PersonId = Id::from_uuid(Uuid::nil());
    loop {
        let after = people::table.filter(people::id.gt(last)).order(people::id).limit(PAGE);
        let page: Vec<Person> = after.select(Person::as_select()).load(conn)?;
        let Some(person) = page.last() else {
            return Ok(findings);
        };
        last = person.id;
        let page: Vec<(PersonId, Person)> = page.into_iter().map(|person| (person.id, person)).collect();
        let unlike = journal::unlike::<Facts, _>(conn, &page, &WHOLE)?;
        findings.extend(unlike.into_iter().map(|(id, how)| format!("people: person {id} {how}")));
    }
}
