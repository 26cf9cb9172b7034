//! What `muster verify` holds against the journal of evidence: what each import said of a session, and has not been taken back.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    super::evidence::{Join, Said},
    evidence::CHANGED,
    verify::CHUNK,
};
use crate::{
    db::Conn,
    error::Error,
    id::Id,
    imports::ImportId,
    schedule::SessionId,
    schema::{evidence, journal_entries, journal_payloads, roll_calls},
};

/// What an entry about evidence says: what an import said until then, or says from then on.
#[derive(Deserialize)]
struct Changed {
    #[serde(default)]
    from: Option<Told>,
    #[serde(default)]
    to: Option<Told>,
}

#[derive(Deserialize)]
struct Told {
    import_id: ImportId,
    joins: Vec<Join>,
}

impl Told {
    fn said(self) -> impl Iterator<Item = Said> {
        let import_id = self.import_id;
        self.joins.into_iter().map(move |join| Said { import_id, join })
    }
}

/// The evidence of one session as its entries leave it.
#[derive(Default)]
struct Replayed {
    said: BTreeSet<Said>,
    /// An entry says nothing any more, as after an erasure.
    is_silent: bool,
    is_unreadable: bool,
}

impl Replayed {
    fn hear(&mut self, body: Option<&str>) {
        let Some(body) = body else {
            self.is_silent = true;
            return;
        };
        let Ok(Changed { from, to }) = serde_json::from_str(body) else {
            self.is_unreadable = true;
            return;
        };
        for gone in from.into_iter().flat_map(Told::said) {
            self.said.remove(&gone);
        }
        self.said.extend(to.into_iter().flat_map(Told::said));
    }
}

/// Holds the evidence of each session against the journal: what was imported and not taken back, join by join, and nothing else.
pub fn verify_evidence(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    let mut after: SessionId = Id::from_uuid(Uuid::nil());
    loop {
        let called = roll_calls::table.filter(roll_calls::session_id.gt(after)).order(roll_calls::session_id).limit(CHUNK);
        let ids: Vec<SessionId> = called.select(roll_calls::session_id).load(conn)?;
        let Some(last) = ids.last().copied() else {
            return Ok(findings);
        };
        after = last;
        let (mut replayed, mut stored) = (replay(conn, &ids)?, stored(conn, &ids)?);
        for session in ids {
            let Replayed { said, is_silent, is_unreadable } = replayed.remove(&session).unwrap_or_default();
            let stored = stored.remove(&session).unwrap_or_default();
            if is_unreadable {
                findings.push(format!("evidence: what the journal says of the evidence of session {session} cannot be read"));
            } else if !is_silent {
                findings.extend(differing(session, &said, &stored));
            }
        }
    }
}

fn differing(session: SessionId, told: &BTreeSet<Said>, stored: &BTreeSet<Said>) -> Vec<String> {
    let finding = |one: &Said, fault: &str| {
        let Said { import_id, join: Join { enrollment_id, joined_at, left_at } } = one;
        format!("evidence: session {session}, enrollment {enrollment_id}, from {joined_at} to {left_at} by import {import_id}: {fault}")
    };
    let unknown = stored.difference(told).map(|one| finding(one, "the journal does not say so"));
    unknown.chain(told.difference(stored).map(|one| finding(one, "is gone, and the journal does not say so"))).collect()
}

fn replay(conn: &mut Conn, ids: &[SessionId]) -> Result<BTreeMap<SessionId, Replayed>, Error> {
    let entries: Vec<(SessionId, Option<String>)> = journal_entries::table
        .left_join(journal_payloads::table.on(journal_payloads::entry_id.eq(journal_entries::id)))
        .filter(journal_entries::subject_id.eq_any(ids.to_vec()))
        .filter(journal_entries::action.eq(CHANGED))
        .order(journal_entries::seq)
        .select((journal_entries::subject_id, journal_payloads::body.nullable()))
        .load(conn)?;
    let mut replayed: BTreeMap<SessionId, Replayed> = BTreeMap::new();
    for (session, body) in entries {
        replayed.entry(session).or_default().hear(body.as_deref());
    }
    Ok(replayed)
}

fn stored(conn: &mut Conn, ids: &[SessionId]) -> Result<BTreeMap<SessionId, BTreeSet<Said>>, Error> {
    let columns = (evidence::session_id, evidence::import_id, (evidence::enrollment_id, evidence::joined_at, evidence::left_at));
    let rows: Vec<(SessionId, ImportId, Join)> =
        evidence::table.filter(evidence::session_id.eq_any(ids.to_vec())).select(columns).load(conn)?;
    let mut stored: BTreeMap<SessionId, BTreeSet<Said>> = BTreeMap::new();
    for (session, import_id, join) in rows {
        stored.entry(session).or_default().insert(Said { import_id, join });
    }
    Ok(stored)
}
