//! The journal's last word about things, which `muster verify` holds them against.

use std::collections::HashMap;

use diesel::{dsl::max, prelude::*};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{
    db::{CHUNK, Conn},
    error::Error,
    id::Id,
    schema::{journal_entries, journal_payloads},
};

/// What an entry says that tells all of a thing, as it stood from then on.
#[derive(Deserialize)]
struct Word<Facts> {
    to: Facts,
}

/// Those of these things that are not as the last entry with one of these actions says, and how they are unlike it. Of a thing only its
/// `Facts` are compared, and those of them that the entry tells. An entry that says nothing any more, as after an erasure, is the business
/// of the journal's check.
pub fn unlike<Facts, T: 'static>(
    conn: &mut Conn,
    things: &[(Id<T>, impl Serialize)],
    actions: &[&str],
) -> Result<Vec<(Id<T>, String)>, Error>
where
    Facts: Serialize + DeserializeOwned,
{
    let words = last_words(conn, &things.iter().map(|(id, _)| *id).collect::<Vec<_>>(), actions)?;
    let mut unlike = Vec::new();
    for (id, thing) in things {
        let Some(body) = words.get(id) else {
            unlike.push((*id, "is not in the journal".to_owned()));
            continue;
        };
        let Some(body) = body else { continue };
        let Ok(word) = serde_json::from_str::<Word<Facts>>(body) else {
            unlike.push((*id, "is told of by the journal in words that cannot be read".to_owned()));
            continue;
        };
        let stands: Facts = serde_json::to_value(thing).and_then(serde_json::from_value).map_err(Error::internal)?;
        let (stands, told) = (facts(&stands)?, facts(&word.to)?);
        let differing: Vec<&str> =
            stands.iter().filter(|(fact, now)| told.get(*fact).is_some_and(|told| told != *now)).map(|(fact, _)| fact.as_str()).collect();
        if !differing.is_empty() {
            unlike.push((*id, format!("is not as the journal says: other {}", differing.join(", "))));
        }
    }
    Ok(unlike)
}

fn facts(of: &impl Serialize) -> Result<Map<String, Value>, Error> {
    serde_json::to_value(of).and_then(serde_json::from_value).map_err(Error::internal)
}

// The table once more: a query that has one in it cannot have it in a part of itself.
diesel::alias! {
    const TOLD: Alias<Told> = journal_entries as told;
}

/// The payload of the last entry with one of these actions about each of these subjects, if it has one still. All that were ever
/// written would be many.
fn last_words<T: 'static>(conn: &mut Conn, subjects: &[Id<T>], actions: &[&str]) -> Result<HashMap<Id<T>, Option<String>>, Error> {
    let mut words = HashMap::new();
    for chunk in subjects.chunks(CHUNK) {
        let last = TOLD
            .filter(TOLD.field(journal_entries::subject_id).eq_any(chunk.to_vec()))
            .filter(TOLD.field(journal_entries::action).eq_any(actions.to_vec()))
            .group_by(TOLD.field(journal_entries::subject_id))
            .select(max(TOLD.field(journal_entries::seq)));
        let told: Vec<(Id<T>, Option<String>)> = journal_entries::table
            .left_join(journal_payloads::table.on(journal_payloads::entry_id.eq(journal_entries::id)))
            .filter(journal_entries::seq.nullable().eq_any(last))
            .select((journal_entries::subject_id, journal_payloads::body.nullable()))
            .load(conn)?;
        words.extend(told);
    }
    Ok(words)
}
