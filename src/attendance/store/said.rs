//! What `muster verify` holds against the journal of evidence: what each import said of a session, and has not been taken back; and against
//! that the lines which were called by it.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use serde::Deserialize;

use super::{
    super::{
        evidence::{Join, Said, together, united},
        model::LineSource,
        segments::Segments,
    },
    evidence::CHANGED,
    verify::CHUNK,
};
use crate::{
    db::{self, Conn},
    enrollments::EnrollmentId,
    error::Error,
    imports::ImportId,
    schedule::SessionId,
    schema::{attendances, evidence, journal_entries, journal_payloads, roll_calls},
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

/// Holds the evidence of each session against the journal: what was imported and not taken back, join by join, and nothing else. Whoever was
/// called by it is present when it says.
pub fn verify_evidence(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let called = |conn: &mut Conn, after: SessionId| {
        let called = roll_calls::table.filter(roll_calls::session_id.gt(after)).order(roll_calls::session_id).limit(CHUNK);
        called.select(roll_calls::session_id).load(conn)
    };
    db::in_pages(
        conn,
        called,
        |session| *session,
        |conn, ids: Vec<SessionId>| {
            let (mut replayed, stored) = (replay(conn, &ids)?, stored(conn, &ids)?);
            let mut findings = unheard(conn, &ids, &stored)?;
            for session in ids {
                let Replayed { said, is_silent, is_unreadable } = replayed.remove(&session).unwrap_or_default();
                if is_unreadable {
                    findings.push(format!("evidence: what the journal says of the evidence of session {session} cannot be read"));
                } else if !is_silent {
                    findings.extend(differing(session, &said, stored.get(&session).unwrap_or(&BTreeSet::new())));
                }
            }
            Ok(findings)
        },
    )
}

/// Lines that are said to be by evidence, and are not what it says.
fn unheard(conn: &mut Conn, ids: &[SessionId], said: &BTreeMap<SessionId, BTreeSet<Said>>) -> Result<Vec<String>, Error> {
    let lines: Vec<(SessionId, EnrollmentId, Option<Segments>)> = attendances::table
        .filter(attendances::session_id.eq_any(ids.to_vec()))
        .filter(attendances::source.eq(LineSource::Evidence))
        .order((attendances::session_id, attendances::enrollment_id))
        .select((attendances::session_id, attendances::enrollment_id, attendances::segments))
        .load(conn)?;
    let is_unheard = |(session, enrollment, segments): &(SessionId, EnrollmentId, Option<Segments>)| {
        let own = said.get(session).into_iter().flatten().filter(|one| one.join.enrollment_id == *enrollment).copied();
        *segments != united(&together(own))
    };
    let finding =
        |(session, enrollment, _)| format!("evidence: session {session}, enrollment {enrollment}: the line is not what files say");
    Ok(lines.into_iter().filter(is_unheard).map(finding).collect())
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
