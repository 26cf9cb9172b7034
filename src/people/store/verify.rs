//! What `muster verify` looks for among the people.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::super::model::{Person, PersonId};
use crate::{
    db::{self, Conn},
    error::Error,
    journal,
    schema::people,
    text::Name,
};

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
    let some = |conn: &mut Conn, after: PersonId| {
        let after = people::table.filter(people::id.gt(after)).order(people::id).limit(PAGE);
        after.select((people::id, Person::as_select())).load(conn)
    };
    db::in_pages(
        conn,
        some,
        |(id, _)| *id,
        |conn, page: Vec<(PersonId, Person)>| {
            let unlike = journal::unlike::<Facts, _>(conn, &page, &WHOLE)?;
            Ok(unlike.into_iter().map(|(id, how)| format!("people: person {id} {how}")).collect())
        },
    )
}
