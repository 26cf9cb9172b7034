//! What `muster verify` looks for among the intakes.

use std::collections::HashMap;

use diesel::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::super::model::{Intake, IntakeId};
use crate::{
    db::Conn,
    error::Error,
    id::Id,
    schema::{intakes, journal_entries, journal_payloads},
};

/// Intakes in one look.
const PAGE: i64 = 500;

/// What an entry about an intake says: all of it, as it stood from then on.
#[derive(Deserialize)]
struct IntakePayload {
    to: Map<String, Value>,
}

/// Holds each intake against the journal's last word about it.
pub fn verify(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    let mut last: IntakeId = Id::from_uuid(Uuid::nil());
    loop {
        let after = intakes::table.filter(intakes::id.gt(last)).order(intakes::id).limit(PAGE);
        let page: Vec<Intake> = after.select(Intake::as_select()).load(conn)?;
        let Some(intake) = page.last() else {
            return Ok(findings);
        };
        last = intake.id;
        let entries: Vec<(IntakeId, Option<String>)> = journal_entries::table
            .left_join(journal_payloads::table.on(journal_payloads::entry_id.eq(journal_entries::id)))
            .filter(journal_entries::subject_id.eq_any(page.iter().map(|intake| intake.id).collect::<Vec<_>>()))
            .filter(journal_entries::action.eq_any(["intake.created", "intake.updated", "intake.changed_state"]))
            .order(journal_entries::seq)
            .select((journal_entries::subject_id, journal_payloads::body.nullable()))
            .load(conn)?;
        let words: HashMap<IntakeId, Option<String>> = entries.into_iter().collect();
        for intake in page {
            // An entry that says nothing any more, or what cannot be read, is the business of the journal's check.
            let word = words.get(&intake.id).and_then(|body| serde_json::from_str::<IntakePayload>(body.as_deref()?).ok());
            let stands: Map<String, Value> = serde_json::to_value(&intake).and_then(serde_json::from_value).map_err(Error::internal)?;
            let differs = |word: IntakePayload| {
                stands.into_iter().filter(|(fact, now)| word.to.get(fact) != Some(now)).map(|(fact, _)| fact).collect()
            };
            let differing: Vec<String> = word.map(differs).unwrap_or_default();
            if !differing.is_empty() {
                findings.push(format!("intakes: intake {} is not as the journal says: other {}", intake.id, differing.join(", ")));
            }
        }
    }
}
