//! What an erasure takes out of the journal: payloads, and no entry. What is left says which, so that nothing else can be missing.

use std::collections::BTreeSet;

use diesel::prelude::*;
use sha2::{Digest, Sha256};

use super::super::model::EntryId;
use crate::{
    db::{CHUNK, Conn, for_backend},
    error::Error,
    id::Id,
    schema::{erased_payloads, journal_entries, journal_payloads},
};

/// Payloads in one look.
const PAGE: i64 = 500;

/// Which payloads an erasure took, as a number and a hash: by these its own entry knows them all.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Gone {
    pub payloads: usize,
    pub payloads_sha256: String,
}

impl Gone {
    pub fn of(entries: &BTreeSet<EntryId>) -> Self {
        let mut hash = Sha256::new();
        for entry in entries {
            hash.update(format!("{entry}\n"));
        }
        Self { payloads: entries.len(), payloads_sha256: hex::encode(hash.finalize()) }
    }
}

/// Deletes the payload of every entry of which `is_about` says so by its subject and the payload itself. Goes through the whole journal,
/// a page after the other.
pub fn forget(conn: &mut Conn, erasure: EntryId, is_about: impl Fn(Id<()>, &str) -> bool) -> Result<Gone, Error> {
    let mut about: BTreeSet<EntryId> = BTreeSet::new();
    let mut last = 0_i64;
    loop {
        let page: Vec<(i64, EntryId, Id<()>, String)> = journal_entries::table
            .inner_join(journal_payloads::table.on(journal_payloads::entry_id.eq(journal_entries::id)))
            .filter(journal_entries::seq.gt(last))
            .order(journal_entries::seq)
            .limit(PAGE)
            .select((journal_entries::seq, journal_entries::id, journal_entries::subject_id, journal_payloads::body))
            .load(conn)?;
        let Some((seq, ..)) = page.last() else { break };
        last = *seq;
        about.extend(page.iter().filter(|(_, _, subject, body)| is_about(*subject, body)).map(|(_, entry, ..)| *entry));
    }
    for chunk in about.iter().copied().collect::<Vec<_>>().chunks(CHUNK) {
        let rows: Vec<_> =
            chunk.iter().map(|entry| (erased_payloads::entry_id.eq(*entry), erased_payloads::erasure_id.eq(erasure))).collect();
        for_backend!(conn, |c| diesel::insert_into(erased_payloads::table).values(rows).execute(c))?;
        diesel::delete(journal_payloads::table.filter(journal_payloads::entry_id.eq_any(chunk.to_vec()))).execute(conn)?;
    }
    Ok(Gone::of(&about))
}

/// The entries that these erasures left without their payload.
pub fn erased_by(conn: &mut Conn, erasures: &[EntryId]) -> Result<Vec<(EntryId, EntryId)>, Error> {
    let by = erased_payloads::table.filter(erased_payloads::erasure_id.eq_any(erasures.to_vec()));
    Ok(by.select((erased_payloads::erasure_id, erased_payloads::entry_id)).load(conn)?)
}

/// An entry: what it is about, by which action, and its payload if it has one still.
pub type Told = (EntryId, Id<()>, String, Option<String>);

/// These entries, as far as they are there.
pub fn told(conn: &mut Conn, entries: &[EntryId]) -> Result<Vec<Told>, Error> {
    let told = journal_entries::table
        .left_join(journal_payloads::table.on(journal_payloads::entry_id.eq(journal_entries::id)))
        .filter(journal_entries::id.eq_any(entries.to_vec()));
    let columns = (journal_entries::id, journal_entries::subject_id, journal_entries::action, journal_payloads::body.nullable());
    Ok(told.select(columns).load(conn)?)
}
