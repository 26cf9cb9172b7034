//! The journal's tables. Nobody updates or deletes here; triggers refuse it.

use diesel::prelude::*;

use super::model::{Entry, EntryFilter, Fact, NewFact, Payload, SealedEntry, chained, digest};
use crate::{
    access::{Action, Actor, Scope},
    db::{self, Conn, for_backend},
    error::Error,
    id::Id,
    schema::{journal_entries, journal_payloads, journal_seals, journal_unsealed, organization_tree},
};

/// Rows in one insert statement; both databases' bind limits allow more.
const CHUNK: usize = 500;

/// Appends the entries of one transaction. Called once, as its last statement.
pub fn append(conn: &mut Conn, entries: Vec<Entry>) -> Result<(), Error> {
    let mut facts: Vec<NewFact> = Vec::with_capacity(entries.len());
    let mut payloads = Vec::with_capacity(entries.len());
    for entry in entries {
        let mut salt = [0_u8; 16];
        getrandom::fill(&mut salt).map_err(Error::internal)?;
        let (fact, id, salt, body) = entry.rows(salt);
        facts.push(fact);
        payloads.push((journal_payloads::entry_id.eq(id), journal_payloads::salt.eq(salt), journal_payloads::body.eq(body)));
    }
    // Most transactions have one entry, and only the insert of one row stays prepared.
    if let ([fact], [_]) = (facts.as_slice(), payloads.as_slice()) {
        diesel::insert_into(journal_entries::table).values(fact).execute(conn)?;
        for payload in payloads {
            diesel::insert_into(journal_payloads::table).values(payload).execute(conn)?;
        }
        return Ok(());
    }
    for chunk in facts.chunks(CHUNK) {
        for_backend!(conn, |c| diesel::insert_into(journal_entries::table).values(chunk).execute(c))?;
    }
    while !payloads.is_empty() {
        let chunk: Vec<_> = payloads.drain(..payloads.len().min(CHUNK)).collect();
        for_backend!(conn, |c| diesel::insert_into(journal_payloads::table).values(chunk).execute(c))?;
    }
    Ok(())
}

/// Gives every visible entry that has none its position and its link in the chain. One at a time.
pub fn seal(conn: &mut Conn) -> Result<(), Error> {
    db::lock(conn, "journal", "seal")?;
    let facts: Vec<Fact> = journal_entries::table
        .inner_join(journal_unsealed::table.on(journal_unsealed::seq.eq(journal_entries::seq)))
        .order(journal_entries::seq)
        .select(Fact::as_select())
        .load(conn)?;
    let Some(last) = facts.last().map(|fact| fact.seq) else {
        return Ok(());
    };
    let (mut position, mut hash) = head(conn)?;
    let mut seals = Vec::with_capacity(facts.len());
    for fact in &facts {
        position += 1;
        hash = chained(&hash, position, fact);
        seals.push((journal_seals::position.eq(position), journal_seals::entry_id.eq(fact.id), journal_seals::hash.eq(hash.clone())));
    }
    while !seals.is_empty() {
        let chunk: Vec<_> = seals.drain(..seals.len().min(CHUNK)).collect();
        for_backend!(conn, |c| diesel::insert_into(journal_seals::table).values(chunk).execute(c))?;
    }
    // Only what was read: an entry with a smaller number may have become visible in between.
    let seqs: Vec<i64> = facts.iter().map(|fact| fact.seq).filter(|seq| *seq <= last).collect();
    for chunk in seqs.chunks(CHUNK) {
        diesel::delete(journal_unsealed::table.filter(journal_unsealed::seq.eq_any(chunk))).execute(conn)?;
    }
    Ok(())
}

/// Position and hash of the last sealed entry.
fn head(conn: &mut Conn) -> Result<(i64, Vec<u8>), Error> {
    let head = journal_seals::table
        .order(journal_seals::position.desc())
        .select((journal_seals::position, journal_seals::hash))
        .first(conn)
        .optional()?;
    Ok(head.unwrap_or_default())
}

/// Sealed entries in the actor's scope after `position`, oldest first. Seals first, and so has to be able to write.
pub fn list(conn: &mut Conn, actor: &Actor, filter: &EntryFilter, after: i64, limit: i64) -> Result<Vec<SealedEntry>, Error> {
    actor.may(Action::ReadAudit)?;
    seal(conn)?;
    let mut query = journal_seals::table
        .inner_join(journal_entries::table.on(journal_entries::id.eq(journal_seals::entry_id)))
        .left_join(journal_payloads::table.on(journal_payloads::entry_id.eq(journal_entries::id)))
        .filter(journal_seals::position.gt(after))
        .order(journal_seals::position)
        .limit(limit)
        .select((journal_seals::position, journal_seals::hash, Fact::as_select(), journal_payloads::body.nullable()))
        .into_boxed();
    query = match actor.scope() {
        Scope::Everything => query,
        Scope::Provider(provider) => query.filter(
            journal_entries::provider_id.eq_any(
                organization_tree::table
                    .filter(organization_tree::ancestor_id.eq(provider))
                    .select(organization_tree::descendant_id.nullable()),
            ),
        ),
        // The policy lets nobody else through; should it ever, they see nothing.
        Scope::Sponsor(_) | Scope::Adviser(..) | Scope::Teacher(..) | Scope::Own(_) => return Ok(Vec::new()),
    };
    // Both where both are given: the filter asks, the token limits.
    for intake in [filter.intake_id, actor.only_intake()].into_iter().flatten() {
        query = query.filter(journal_entries::intake_id.eq(intake));
    }
    if let Some(subject) = filter.subject_id {
        query = query.filter(journal_entries::subject_id.eq(Id::<()>::from_uuid(subject)));
    }
    if let Some(action) = &filter.action {
        query = query.filter(journal_entries::action.eq(action.clone()));
    }
    let rows: Vec<(i64, Vec<u8>, Fact, Option<String>)> = query.load(conn)?;
    rows.into_iter().map(|(position, hash, fact, body)| sealed(position, &hash, fact, body)).collect()
}

fn sealed(position: i64, hash: &[u8], fact: Fact, body: Option<String>) -> Result<SealedEntry, Error> {
    let payload = body.map(|body| serde_json::from_str::<Payload>(&body)).transpose().map_err(Error::internal)?.unwrap_or_default();
    Ok(SealedEntry {
        position,
        id: fact.id,
        recorded_at: fact.recorded_at,
        token_id: fact.token_id,
        user_id: fact.user_id,
        role: fact.role,
        action: fact.action,
        subject_kind: fact.subject_kind,
        subject_id: fact.subject_id.uuid(),
        provider_id: fact.provider_id,
        intake_id: fact.intake_id,
        from: payload.from,
        to: payload.to,
        reason: payload.reason,
        hash: hex::encode(hash),
    })
}

/// A seal with what it seals: position, hash, entry, salt and body of the payload.
type Link = (i64, Vec<u8>, Option<Fact>, Option<Vec<u8>>, Option<String>);

/// Recomputes the chain from the first entry and says what differs: gaps, changed or missing entries and payloads, entries that were
/// never queued for sealing. Reads the journal in pages.
pub fn verify(conn: &mut Conn) -> Result<(i64, Vec<String>), Error> {
    let mut findings = Vec::new();
    let (mut expected, mut hash, mut page_start) = (0_i64, Vec::new(), 0_i64);
    loop {
        let rows: Vec<Link> = journal_seals::table
            .left_join(journal_entries::table.on(journal_entries::id.eq(journal_seals::entry_id)))
            .left_join(journal_payloads::table.on(journal_payloads::entry_id.eq(journal_seals::entry_id)))
            .filter(journal_seals::position.gt(page_start))
            .order(journal_seals::position)
            .limit(1000)
            .select((
                journal_seals::position,
                journal_seals::hash,
                Option::<Fact>::as_select(),
                journal_payloads::salt.nullable(),
                journal_payloads::body.nullable(),
            ))
            .load(conn)?;
        let Some(last) = rows.last().map(|row| row.0) else {
            break;
        };
        page_start = last;
        for (position, stored, fact, salt, body) in rows {
            expected += 1;
            if position != expected {
                findings.push(format!("journal: position {expected} is missing"));
                expected = position;
            }
            match &fact {
                None => findings.push(format!("journal: the entry at position {position} is missing")),
                Some(fact) => {
                    if chained(&hash, position, fact) != stored {
                        findings.push(format!("journal: the entry at position {position} does not match its hash"));
                    }
                    match (salt, body) {
                        (Some(salt), Some(body)) if digest(&salt, &body) == fact.payload_digest => {}
                        (None, None) => findings.push(format!("journal: the payload at position {position} is missing")),
                        _ => findings.push(format!("journal: the payload at position {position} does not match its digest")),
                    }
                }
            }
            hash = stored;
        }
    }
    let unsealed: i64 = journal_unsealed::table.count().get_result(conn)?;
    let entries: i64 = journal_entries::table.count().get_result(conn)?;
    let seals: i64 = journal_seals::table.count().get_result(conn)?;
    if entries != seals + unsealed {
        findings.push(format!("journal: {entries} entries, but {seals} sealed and {unsealed} waiting"));
    }
    Ok((entries, findings))
}
