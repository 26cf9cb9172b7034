//! The journal's tables. Nobody updates or deletes here but an erasure, and it payloads only; triggers refuse it.

mod retention;
mod words;

pub use retention::{Gone, Told, erased_by, forget, told};
pub use words::unlike;

use chrono::TimeDelta;
use diesel::{
    dsl::{exists, not},
    prelude::*,
    sql_types::{BigInt, Text},
};

use super::model::{Entry, EntryFilter, EntryId, Fact, Head, NewFact, Payload, SealedEntry, chained, digest};
use crate::{
    access::{Action, Actor, Scope},
    clock::Instant,
    db::{self, CHUNK, Conn, for_backend, types::Uid},
    error::Error,
    id::Id,
    intakes::IntakeId,
    organizations::OrganizationId,
    schema::{erased_payloads, journal_entries, journal_horizon, journal_payloads, journal_seals, journal_unsealed},
};

/// Entries sealed in one transaction; SQLite's one writer does nothing else meanwhile.
const SEALED_AT_ONCE: i64 = 1000;

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

/// Gives the first visible entries that have none their positions and their links in the chain, and says whether more may wait. One at a
/// time, and so many in a transaction that nobody waits long behind it.
pub fn seal(conn: &mut Conn, now: Instant) -> Result<bool, Error> {
    db::lock(conn, "journal", "seal")?;
    let facts: Vec<Fact> = journal_entries::table
        .inner_join(journal_unsealed::table.on(journal_unsealed::seq.eq(journal_entries::seq)))
        .filter(not(exists(journal_seals::table.filter(journal_seals::entry_id.eq(journal_entries::id)))))
        .order(journal_entries::seq)
        .limit(SEALED_AT_ONCE)
        .select(Fact::as_select())
        .load(conn)?;
    if facts.is_empty() {
        return Ok(false);
    }
    let (begin, mut hash, mut counts_from) = last(conn)?;
    // What was told of an instant stays true of it, so that what was under way then counts later.
    counts_from = counts_from.max(told_until(conn)?.plus(TimeDelta::microseconds(1)));
    let mut position = begin;
    for chunk in facts.chunks(CHUNK) {
        let mut seals = Vec::with_capacity(chunk.len());
        for fact in chunk {
            position += 1;
            // Where a clock goes ahead, what it recorded counts from now: it was done.
            counts_from = counts_from.max(fact.recorded_at.min(now));
            hash = chained(&hash, (position, counts_from), fact);
            seals.push((
                journal_seals::position.eq(position),
                journal_seals::entry_id.eq(fact.id),
                journal_seals::hash.eq(hash.clone()),
                journal_seals::subject_id.eq(fact.subject_id),
                journal_seals::intake_id.eq(fact.intake_id),
                journal_seals::action.eq(fact.action.clone()),
                journal_seals::counts_from.eq(counts_from),
            ));
        }
        for_backend!(conn, |c| diesel::insert_into(journal_seals::table).values(seals).execute(c))?;
        // Only what was read: an entry with a smaller number may have become visible in between.
        let seqs: Vec<i64> = chunk.iter().map(|fact| fact.seq).collect();
        diesel::delete(journal_unsealed::table.filter(journal_unsealed::seq.eq_any(seqs))).execute(conn)?;
    }
    db::fixed(
        "INSERT INTO journal_audiences (organization_id, position, action)
         SELECT t.ancestor_id, s.position, s.action FROM journal_seals s
         JOIN journal_entries e ON e.id = s.entry_id JOIN organization_tree t ON t.descendant_id = e.provider_id WHERE s.position > ?",
    )
    .bind::<BigInt, _>(begin)
    .execute(conn)?;
    Ok(position - begin == SEALED_AT_ONCE)
}

/// Position and hash of the last sealed entry, and from when it counts.
fn last(conn: &mut Conn) -> Result<(i64, Vec<u8>, Instant), Error> {
    let last = journal_seals::table
        .order(journal_seals::position.desc())
        .select((journal_seals::position, journal_seals::hash, journal_seals::counts_from))
        .first(conn)
        .optional()?;
    Ok(last.unwrap_or((0, Vec::new(), Instant::EPOCH)))
}

fn told_until(conn: &mut Conn) -> Result<Instant, Error> {
    Ok(journal_horizon::table.select(journal_horizon::told_until).first(conn)?)
}

/// The last position that counted at an instant, 0 if none did; none while what is sealed later may count by then. What was told once is
/// told for ever.
pub(super) fn position_at(conn: &mut Conn, at: Instant) -> Result<Option<i64>, Error> {
    if told_until(conn)? < at {
        return Ok(None);
    }
    let last = journal_seals::table
        .filter(journal_seals::counts_from.le(at))
        .order((journal_seals::counts_from.desc(), journal_seals::position.desc()))
        .select(journal_seals::position)
        .first(conn)
        .optional()?;
    Ok(Some(last.unwrap_or(0)))
}

/// Seals a batch as [`seal`] does; once nothing waits, whatever is sealed later counts after `at`.
///
/// # Errors
/// 400 for an instant that is not over: what will hold then nobody knows.
pub(super) fn seal_until(conn: &mut Conn, now: Instant, at: Instant) -> Result<bool, Error> {
    if at > now {
        return Err(Error::malformed("query_malformed", "as_of: must not lie in the future"));
    }
    if seal(conn, now)? {
        return Ok(true);
    }
    let earlier = journal_horizon::table.filter(journal_horizon::told_until.lt(at));
    diesel::update(earlier).set(journal_horizon::told_until.eq(at)).execute(conn)?;
    Ok(false)
}

/// Sealed entries in the actor's scope after `position`, oldest first.
pub(super) fn list(conn: &mut Conn, actor: &Actor, filter: &EntryFilter, after: i64, limit: i64) -> Result<Vec<SealedEntry>, Error> {
    actor.may(Action::ReadAudit)?;
    let provider = match actor.scope() {
        Scope::Everything => None,
        Scope::Provider(provider) => Some(provider),
        // The policy lets nobody else through; should it ever, they see nothing.
        Scope::Sponsor(..) | Scope::Adviser(..) | Scope::Teacher(..) | Scope::Own(..) => return Ok(Vec::new()),
    };
    // Both where both are given: the filter asks, the token limits.
    let intakes = match (filter.intake_id, actor.only_intakes()) {
        (None, only) => only,
        (Some(asked), None) => Some(vec![asked]),
        (Some(asked), Some(only)) => Some(only.into_iter().filter(|intake| *intake == asked).collect()),
    };
    if intakes.as_ref().is_some_and(Vec::is_empty) {
        return Ok(Vec::new());
    }
    let page = page(conn, provider, &intakes.unwrap_or_default(), filter, after, limit)?;
    let rows: Vec<(i64, Vec<u8>, Fact, Option<String>)> = journal_seals::table
        .inner_join(journal_entries::table.on(journal_entries::id.eq(journal_seals::entry_id)))
        .left_join(journal_payloads::table.on(journal_payloads::entry_id.eq(journal_entries::id)))
        .filter(journal_seals::position.eq_any(page))
        .order(journal_seals::position)
        .select((journal_seals::position, journal_seals::hash, Fact::as_select(), journal_payloads::body.nullable()))
        .load(conn)?;
    rows.into_iter().map(|(position, hash, fact, body)| sealed(position, &hash, fact, body)).collect()
}

#[derive(QueryableByName)]
struct Position {
    #[diesel(sql_type = BigInt)]
    position: i64,
}

/// The positions of a page: one range of the one index that fits best, whatever else the journal holds. Said here and not left to the
/// databases, which know little of how the journal is spread: what is about one subject or one intake is found through its seals, the
/// rest of a provider through its audience, and of either an action alone through an index of its own.
fn page(
    conn: &mut Conn,
    provider: Option<OrganizationId>,
    intakes: &[IntakeId],
    filter: &EntryFilter,
    after: i64,
    limit: i64,
) -> Result<Vec<i64>, Error> {
    let narrow = filter.subject_id.is_some() || !intakes.is_empty();
    let mut text = match provider {
        Some(_) if narrow => {
            "SELECT k.position FROM journal_seals k WHERE k.position > ?
             AND EXISTS (SELECT 1 FROM journal_audiences a WHERE a.organization_id = ? AND a.position = k.position)"
        }
        Some(_) => "SELECT k.position FROM journal_audiences k WHERE k.position > ? AND k.organization_id = ?",
        None => "SELECT k.position FROM journal_seals k WHERE k.position > ?",
    }
    .to_owned();
    if !intakes.is_empty() {
        text.push_str(&format!(" AND k.intake_id IN (?{})", ", ?".repeat(intakes.len() - 1)));
    }
    if filter.subject_id.is_some() {
        text.push_str(" AND k.subject_id = ?");
    }
    if filter.action.is_some() {
        // Of a subject or an intake no index of actions is to be tried, so it is not the column that is compared.
        text.push_str(if narrow { " AND k.action || '' = ?" } else { " AND k.action = ?" });
    }
    text.push_str(" ORDER BY k.position LIMIT ?");
    let mut query = db::fixed(&text).bind::<BigInt, _>(after);
    if let Some(provider) = provider {
        query = query.bind::<Uid, _>(provider);
    }
    for intake in intakes {
        query = query.bind::<Uid, _>(*intake);
    }
    if let Some(subject) = filter.subject_id {
        query = query.bind::<Uid, _>(Id::<()>::from_uuid(subject));
    }
    if let Some(action) = &filter.action {
        query = query.bind::<Text, _>(action.clone());
    }
    let rows: Vec<Position> = query.bind::<BigInt, _>(limit).load(conn)?;
    Ok(rows.into_iter().map(|row| row.position).collect())
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

/// A seal with what it seals: position, hash, from when it counts, entry, salt and body of the payload, and the erasure that took it.
type Link = (i64, Vec<u8>, Instant, Option<Fact>, Option<Vec<u8>>, Option<String>, Option<EntryId>);

/// Recomputes the chain from the first entry and says what differs: gaps, changed or missing entries and payloads, entries that were
/// never queued for sealing. Reads the journal in pages.
pub fn verify(conn: &mut Conn, now: Instant) -> Result<(i64, Vec<String>), Error> {
    let mut findings = Vec::new();
    if told_until(conn)? > now {
        findings.push("journal: it is said to have told what holds at an instant to come".to_owned());
    }
    let (mut expected, mut hash, mut page_start, mut counted) = (0_i64, Vec::new(), 0_i64, Instant::EPOCH);
    loop {
        let rows: Vec<Link> = journal_seals::table
            .left_join(journal_entries::table.on(journal_entries::id.eq(journal_seals::entry_id)))
            .left_join(journal_payloads::table.on(journal_payloads::entry_id.eq(journal_seals::entry_id)))
            .left_join(erased_payloads::table.on(erased_payloads::entry_id.eq(journal_seals::entry_id)))
            .filter(journal_seals::position.gt(page_start))
            .order(journal_seals::position)
            .limit(1000)
            .select((
                journal_seals::position,
                journal_seals::hash,
                journal_seals::counts_from,
                Option::<Fact>::as_select(),
                journal_payloads::salt.nullable(),
                journal_payloads::body.nullable(),
                erased_payloads::erasure_id.nullable(),
            ))
            .load(conn)?;
        let Some(last) = rows.last().map(|row| row.0) else {
            break;
        };
        page_start = last;
        for (position, stored, counts_from, fact, salt, body, erasure) in rows {
            expected += 1;
            if position != expected {
                findings.push(format!("journal: position {expected} is missing"));
                expected = position;
            }
            match &fact {
                None => findings.push(format!("journal: the entry at position {position} is missing")),
                Some(fact) => {
                    if chained(&hash, (position, counts_from), fact) != stored {
                        findings.push(format!("journal: the entry at position {position} does not match its hash"));
                    }
                    let fault = payload_fault(fact, salt.zip(body), erasure.is_some());
                    findings.extend(fault.map(|fault| format!("journal: the payload at position {position} {fault}")));
                }
            }
            if counts_from < counted || counts_from > now {
                findings
                    .push(format!("journal: the entry at position {position} counts before the one before, or from an instant to come"));
            }
            (hash, counted) = (stored, counts_from);
        }
    }
    let unsealed: i64 = journal_unsealed::table.count().get_result(conn)?;
    let entries: i64 = journal_entries::table.count().get_result(conn)?;
    let seals: i64 = journal_seals::table.count().get_result(conn)?;
    if entries != seals + unsealed {
        findings.push(format!("journal: {entries} entries, but {seals} sealed and {unsealed} waiting"));
    }
    findings.extend(misfiled(conn)?);
    findings.extend(set_back(conn)?);
    Ok((entries, findings))
}

/// What is wrong with the payload of an entry. It is missing where an erasure took it, and nowhere else.
fn payload_fault(fact: &Fact, payload: Option<(Vec<u8>, String)>, is_erased: bool) -> Option<&'static str> {
    match payload {
        Some(_) if is_erased => Some("is there, and is said to be erased"),
        Some((salt, body)) if digest(&salt, &body) == fact.payload_digest => None,
        Some(_) => Some("does not match its digest"),
        None if is_erased => None,
        None => Some("is missing"),
    }
}

/// The head of the journal as it is sealed by now.
pub fn head(conn: &mut Conn) -> Result<Head, Error> {
    let (position, hash, _) = last(conn)?;
    Ok(Head { position, hash })
}

/// Whether the journal goes on from a head that was kept elsewhere. The chain up to there is [`verify`]'s.
pub fn verify_head(conn: &mut Conn, head: &Head) -> Result<Vec<String>, Error> {
    if head.position == 0 {
        return Ok(Vec::new());
    }
    let position = head.position;
    let hash: Option<Vec<u8>> = journal_seals::table.find(position).select(journal_seals::hash).first(conn).optional()?;
    Ok(match hash {
        Some(hash) if hash == head.hash => Vec::new(),
        Some(_) => vec![format!("head: the journal up to position {position} is not the one whose head was kept")],
        None => vec![format!("head: the journal ends before position {position}, whose head was kept")],
    })
}

/// Whether the sequence of Postgres would give the next entry a number before those that are there. SQLite counts from the last of them.
fn set_back(conn: &mut Conn) -> Result<Option<String>, Error> {
    if let Conn::Sqlite(_) = conn {
        return Ok(None);
    }
    let last = "SELECT max(seq) AS position FROM journal_entries HAVING max(seq) > (SELECT last_value FROM journal_entries_seq_seq)";
    let last: Option<Position> = db::fixed(last).get_result(conn).optional()?;
    Ok(last.map(|last| format!("journal: the next entry would not get a number after {}, the last that is there", last.position)))
}

/// Where a sealed entry is not found under its subject, its intake, its action or its provider, or is found elsewhere. An organization that is gone
/// has no auditors.
fn misfiled(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let rows: Vec<Position> = db::fixed(
        "SELECT s.position FROM journal_seals s JOIN journal_entries e ON e.id = s.entry_id
         WHERE s.subject_id <> e.subject_id OR s.intake_id IS DISTINCT FROM e.intake_id OR s.action <> e.action
         UNION
         SELECT s.position FROM journal_seals s JOIN journal_entries e ON e.id = s.entry_id
         JOIN organization_tree t ON t.descendant_id = e.provider_id
         WHERE NOT EXISTS (SELECT 1 FROM journal_audiences a
            WHERE a.organization_id = t.ancestor_id AND a.position = s.position AND a.action = e.action)
         UNION
         SELECT a.position FROM journal_audiences a JOIN organizations o ON o.id = a.organization_id
         WHERE NOT EXISTS (SELECT 1 FROM journal_seals s JOIN journal_entries e ON e.id = s.entry_id
            LEFT JOIN organization_tree t ON t.descendant_id = e.provider_id AND t.ancestor_id = a.organization_id
            WHERE s.position = a.position AND (t.ancestor_id IS NOT NULL
                OR (e.provider_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM organizations gone WHERE gone.id = e.provider_id))))
         ORDER BY 1",
    )
    .load(conn)?;
    Ok(rows.into_iter().map(|row| format!("journal: the entry at position {} is filed where it does not belong", row.position)).collect())
}
