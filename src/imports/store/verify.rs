//! What `muster verify` holds of imports: that each stands as the journal says, and with what it wrote.

use std::collections::HashMap;

use diesel::{prelude::*, sql_query};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    super::model::{Import, ImportId},
    Stored, effects, fingerprint,
};
use crate::{
    access::UserId,
    db::{self, CHUNK, Conn, types::Uid},
    error::Error,
    id::Id,
    journal,
    schema::{import_effects, imports, journal_entries, journal_payloads},
};

/// Imports in one look; what one of them wrote is held in memory at once.
const PAGE: i64 = 100;

const COMMITTED: &str = "import.committed";
const UNDONE: &str = "import.undone";

/// An import as the journal tells it.
#[derive(Serialize, Deserialize)]
#[serde(from = "Whole<Map<String, Value>>")]
struct Facts(Map<String, Value>);

#[derive(Serialize, Deserialize)]
struct Whole<T> {
    import: T,
}

impl From<Whole<Map<String, Value>>> for Facts {
    fn from(whole: Whole<Map<String, Value>>) -> Self {
        Self(whole.import)
    }
}

/// Holds each import against the journal's last word about it, and what it wrote, by which it is taken back, against the hash that the
/// journal keeps.
pub fn verify(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let restorations = restorations(conn)?;
    let some = |conn: &mut Conn, after: ImportId| {
        let after = imports::table.filter(imports::id.gt(after)).order(imports::id).limit(PAGE);
        after.select((imports::id, Import::as_select())).load(conn)
    };
    let mut findings = db::in_pages(
        conn,
        some,
        |(id, _)| *id,
        |conn, page: Vec<(ImportId, Import)>| {
            let committed = committed(conn, page.iter().map(|(id, _)| *id).collect())?;
            let page: Vec<_> = page.into_iter().map(|(id, import)| (id, Whole { import })).collect();
            let unlike = journal::unlike::<Facts, _>(conn, &page, &[COMMITTED, UNDONE])?;
            let mut findings: Vec<String> = unlike.into_iter().map(|(id, how)| format!("imports: import {id} {how}")).collect();
            for (id, Whole { import }) in page {
                let Some(told) = committed.get(&id) else { continue };
                if told.user_id != import.user_id {
                    findings.push(format!("imports: import {id} is not by whom the journal says"));
                }
                let Some(fingerprint) = &told.effects_sha256 else { continue };
                if stands(conn, id, told.seq, &restorations)?.is_some_and(|stands| *fingerprint != stands) {
                    findings.push(format!("imports: what import {id} wrote is not remembered as the journal says"));
                }
            }
            Ok(findings)
        },
    )?;
    let gone: Vec<Gone> = sql_query(
        "SELECT j.subject_id AS id FROM journal_entries j WHERE j.action = 'import.committed'
            AND NOT EXISTS (SELECT 1 FROM imports i WHERE i.id = j.subject_id) ORDER BY j.seq",
    )
    .load(conn)?;
    findings.extend(gone.into_iter().map(|Gone { id }| format!("imports: import {id} is gone, and the journal knows it")));
    Ok(findings)
}

#[derive(QueryableByName)]
struct Gone {
    #[diesel(sql_type = Uid)]
    id: ImportId,
}

/// Where the journal has an import, by whom, and the hash of what it wrote; none after an erasure.
struct Committed {
    seq: i64,
    user_id: Option<UserId>,
    effects_sha256: Option<String>,
}

#[derive(Deserialize)]
struct Told<T> {
    to: T,
}

#[derive(Deserialize)]
struct Written {
    effects_sha256: String,
}

fn committed(conn: &mut Conn, ids: Vec<ImportId>) -> Result<HashMap<ImportId, Committed>, Error> {
    let entries: Vec<(ImportId, i64, Option<UserId>, Option<String>)> = journal_entries::table
        .left_join(journal_payloads::table.on(journal_payloads::entry_id.eq(journal_entries::id)))
        .filter(journal_entries::action.eq(COMMITTED))
        .filter(journal_entries::subject_id.eq_any(ids))
        .select((journal_entries::subject_id, journal_entries::seq, journal_entries::user_id, journal_payloads::body.nullable()))
        .load(conn)?;
    let told = |(id, seq, user_id, body): (ImportId, i64, Option<UserId>, Option<String>)| {
        let written = body.and_then(|body| serde_json::from_str::<Told<Written>>(&body).ok());
        (id, Committed { seq, user_id, effects_sha256: written.map(|written| written.to.effects_sha256) })
    };
    Ok(entries.into_iter().map(told).collect())
}

#[derive(Deserialize)]
struct Restored {
    restored: Vec<Id<()>>,
}

/// When which import, taken back, restored a thing, by the thing.
#[derive(Default)]
struct Restorations {
    known: HashMap<Id<()>, Vec<(i64, ImportId)>>,
    /// What may have been restored by an import of which nothing is told any more, as after an erasure, and by when.
    silent: HashMap<Id<()>, i64>,
}

fn restorations(conn: &mut Conn) -> Result<Restorations, Error> {
    let entries: Vec<(ImportId, i64, Option<String>)> = journal_entries::table
        .left_join(journal_payloads::table.on(journal_payloads::entry_id.eq(journal_entries::id)))
        .filter(journal_entries::action.eq(UNDONE))
        .select((journal_entries::subject_id, journal_entries::seq, journal_payloads::body.nullable()))
        .load(conn)?;
    let mut restorations = Restorations::default();
    let mut silent: HashMap<ImportId, i64> = HashMap::new();
    for (import, seq, body) in entries {
        let Some(body) = body else {
            silent.insert(import, seq);
            continue;
        };
        // What cannot be read is told of the import itself.
        let Ok(Told { to: Restored { restored } }) = serde_json::from_str(&body) else { continue };
        for thing in restored {
            restorations.known.entry(thing).or_default().push((seq, import));
        }
    }
    for chunk in silent.keys().copied().collect::<Vec<_>>().chunks(CHUNK) {
        let changed = import_effects::table.filter(import_effects::import_id.eq_any(chunk.to_vec()));
        let changed = changed.filter(import_effects::created.eq(false));
        for (thing, import) in changed.select((import_effects::subject_id, import_effects::import_id)).load::<(Id<()>, ImportId)>(conn)? {
            let seq = silent.get(&import).copied().unwrap_or(0);
            restorations.silent.entry(thing).and_modify(|last| *last = seq.max(*last)).or_insert(seq);
        }
    }
    Ok(restorations)
}

/// The hash of what an import wrote as it is remembered, but for what was restored by others since, each of which raised a version by two;
/// none where nobody knows any more whether it was.
fn stands(conn: &mut Conn, id: ImportId, seq: i64, restorations: &Restorations) -> Result<Option<String>, Error> {
    let mut written = effects(conn, id)?;
    if written.iter().any(|one| restorations.silent.get(&one.id).is_some_and(|at| *at > seq)) {
        return Ok(None);
    }
    for Stored { id: thing, version, .. } in &mut written {
        let since = restorations.known.get(thing).into_iter().flatten().filter(|(at, other)| *at > seq && *other != id);
        *version -= 2 * i32::try_from(since.count()).map_err(Error::internal)?;
    }
    Ok(Some(fingerprint(&written)))
}
