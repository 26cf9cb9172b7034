//! The tables of the ledger. Entries are only ever inserted; balances are moved by the same transaction.

use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Bool, Integer, Text},
};

use super::model::{Balance, EntryKind, HourEntry, HourEntryId, Posting, corrections};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::{self, Conn, for_backend, types::Uid},
    enrollments::{self, EnrollmentId},
    error::Error,
    id::Id,
    programs::ModuleId,
    schedule::SessionId,
    schema::{hour_balances, hour_entries},
    text::Note,
};

/// Rows in one insert statement.
const CHUNK: usize = 500;

macro_rules! zeros {
    ($table:literal, $columns:literal, $from:literal, $key:literal) => {
        concat!(
            "INSERT INTO ",
            $table,
            " (",
            $columns,
            ", attended, authorized_absence, unauthorized_absence, exempt, make_up, adjustment, carried_in)
             SELECT DISTINCT ",
            $columns,
            ", 0, 0, 0, 0, 0, 0, 0 FROM ",
            $from,
            " WHERE session_id = ? AND closing = ?
             ON CONFLICT (",
            $key,
            ") DO NOTHING"
        )
    };
}

macro_rules! sums {
    ($table:literal, $key:literal, $same:literal) => {
        concat!(
            "UPDATE ",
            $table,
            " SET attended = ",
            $table,
            ".attended + d.attended,
                authorized_absence = ",
            $table,
            ".authorized_absence + d.authorized,
                unauthorized_absence = ",
            $table,
            ".unauthorized_absence + d.unauthorized, exempt = ",
            $table,
            ".exempt + d.exempt
             FROM (SELECT ",
            $key,
            ",
                    sum(CASE kind WHEN 'attended' THEN minutes ELSE 0 END) AS attended,
                    sum(CASE kind WHEN 'authorized_absence' THEN minutes ELSE 0 END) AS authorized,
                    sum(CASE kind WHEN 'unauthorized_absence' THEN minutes ELSE 0 END) AS unauthorized,
                    sum(CASE kind WHEN 'exempt' THEN minutes ELSE 0 END) AS exempt
                FROM hour_entries WHERE session_id = ? AND closing = ? GROUP BY ",
            $key,
            ") AS d
             WHERE ",
            $same
        )
    };
}

/// What a closing of a roll call posts: the session, its module, and which closing it is (1 the first).
#[derive(Clone, Copy, Debug)]
pub struct Closing {
    pub session_id: SessionId,
    pub module_id: ModuleId,
    pub number: i32,
}

/// Posts a closing and moves the balances of the enrollments it concerns. After a reopening only what changed is reversed and
/// posted anew. Returns how many entries were written.
pub fn post_closing(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    closing: Closing,
    postings: &[Posting],
    reason: Option<&Note>,
) -> Result<usize, Error> {
    actor.may(Action::CloseRollCall)?;
    let standing = if closing.number == 1 { Vec::new() } else { standing(conn, closing.session_id)? };
    let (reversed, posted) = corrections(&standing, postings);
    let entry = |enrollment_id: EnrollmentId, kind: EntryKind, minutes: i32, reverses_id: Option<HourEntryId>| HourEntry {
        id: Id::generate(),
        enrollment_id,
        module_id: closing.module_id,
        session_id: Some(closing.session_id),
        kind,
        minutes,
        closing: Some(closing.number),
        reverses_id,
        origin_id: None,
        reason: reason.cloned(),
        user_id: actor.user_id(),
        recorded_at: now,
    };
    let mut entries: Vec<HourEntry> = standing
        .iter()
        .filter(|old| reversed.contains(&old.id))
        .map(|old| entry(old.enrollment_id, old.kind, -old.minutes, Some(old.id)))
        .collect();
    for posting in &posted {
        entries.extend(posting.entries.iter().map(|(kind, minutes)| entry(posting.enrollment_id, *kind, *minutes, None)));
    }
    for chunk in entries.chunks(CHUNK) {
        for_backend!(conn, |c| diesel::insert_into(hour_entries::table).values(chunk).execute(c))?;
    }
    roll_up(conn, closing)?;
    Ok(entries.len())
}

/// The session's entries that neither reverse nor are reversed.
fn standing(conn: &mut Conn, session: SessionId) -> Result<Vec<HourEntry>, Error> {
    let all: Vec<HourEntry> = hour_entries::table
        .filter(hour_entries::session_id.eq(session))
        .order(hour_entries::id)
        .select(HourEntry::as_select())
        .load(conn)?;
    let reversed: std::collections::HashSet<HourEntryId> = all.iter().filter_map(|entry| entry.reverses_id).collect();
    Ok(all.into_iter().filter(|entry| entry.closing.is_some() && entry.reverses_id.is_none() && !reversed.contains(&entry.id)).collect())
}

/// Adds the entries of one closing to both balances. In SQL over the entries just written, so that a balance cannot say anything
/// else than they do; first a row of zeros where there is none, because the checks on the table would refuse a negative difference
/// even in the insert part of an upsert. The text is the same for both databases.
fn roll_up(conn: &mut Conn, closing: Closing) -> Result<(), Error> {
    for statement in ROLL_UP {
        db::fixed(statement).bind::<Uid, _>(closing.session_id).bind::<Integer, _>(closing.number).execute(conn)?;
    }
    Ok(())
}

/// For each balance the rows of zeros, and what the entries add.
const ROLL_UP: &[&str] = &[
    zeros!(
        "hour_balances",
        "enrollment_id, intake_id",
        "(SELECT e.*, s.intake_id FROM hour_entries e JOIN sessions s ON s.id = e.session_id) AS entries",
        "enrollment_id"
    ),
    sums!("hour_balances", "enrollment_id", "hour_balances.enrollment_id = d.enrollment_id"),
    zeros!("module_hour_balances", "enrollment_id, module_id", "hour_entries", "enrollment_id, module_id"),
    sums!(
        "module_hour_balances",
        "enrollment_id, module_id",
        "module_hour_balances.enrollment_id = d.enrollment_id AND module_hour_balances.module_id = d.module_id"
    ),
];

/// An enrollment's entries after `cursor`, oldest first, and its balance.
pub(super) fn hours(
    conn: &mut Conn,
    actor: &Actor,
    enrollment: EnrollmentId,
    cursor: Option<HourEntryId>,
    limit: i64,
) -> Result<(Balance, Vec<HourEntry>), Error> {
    enrollments::find(conn, actor, enrollment)?;
    actor.may(Action::ReadHours)?;
    let balance: Option<Balance> = hour_balances::table
        .find(enrollment)
        .select((
            hour_balances::attended,
            hour_balances::authorized_absence,
            hour_balances::unauthorized_absence,
            hour_balances::exempt,
            hour_balances::make_up,
            hour_balances::adjustment,
            hour_balances::carried_in,
        ))
        .first(conn)
        .optional()?;
    let mut query = hour_entries::table
        .filter(hour_entries::enrollment_id.eq(enrollment))
        .order(hour_entries::id)
        .limit(limit)
        .select(HourEntry::as_select())
        .into_boxed();
    if let Some(cursor) = cursor {
        query = query.filter(hour_entries::id.gt(cursor));
    }
    let entries: Vec<HourEntry> = query.load(conn)?;
    Ok((balance.unwrap_or_default(), entries.into_iter().map(|entry| entry.shown_to(actor.role())).collect()))
}

#[derive(QueryableByName)]
struct Difference {
    #[diesel(sql_type = Uid)]
    enrollment_id: EnrollmentId,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = BigInt)]
    ledger: i64,
    #[diesel(sql_type = BigInt)]
    balance: i64,
}

/// Recomputes every balance from the entries, holds each closed session against its minutes, and looks for entries that nothing
/// writes; says what differs.
pub fn verify(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    for (table, key) in [("hour_balances", "enrollment_id"), ("module_hour_balances", "enrollment_id, module_id")] {
        // A balance has a column for each kind of entry.
        let balances: String =
            EntryKind::ALL.iter().map(|kind| format!(" UNION ALL SELECT {key}, '{kind}', 0, {kind} FROM {table}")).collect();
        let differ = sql_query(format!(
            "SELECT enrollment_id, kind, CAST(sum(ledger) AS bigint) AS ledger, CAST(sum(balance) AS bigint) AS balance FROM (
                SELECT {key}, kind, minutes AS ledger, 0 AS balance FROM hour_entries{balances}) AS both_sides
             GROUP BY {key}, kind HAVING sum(ledger) <> sum(balance)"
        ))
        .load::<Difference>(conn)?;
        findings.extend(differ.into_iter().map(|d| {
            format!("hours: {table}.{} of enrollment {} is {}, its entries add up to {}", d.kind, d.enrollment_id, d.balance, d.ledger)
        }));
    }
    let sessions = sql_query(
        "SELECT e.enrollment_id, '' AS kind, CAST(sum(e.minutes) AS bigint) AS ledger, CAST(max(s.held_minutes) AS bigint) AS balance
         FROM hour_entries e JOIN sessions s ON s.id = e.session_id WHERE e.closing IS NOT NULL
         GROUP BY e.enrollment_id, e.session_id HAVING sum(e.minutes) NOT IN (0, max(s.held_minutes))",
    )
    .load::<Difference>(conn)?;
    findings.extend(
        sessions
            .into_iter()
            .map(|d| format!("hours: a closed session of {} minutes posted {} for enrollment {}", d.balance, d.ledger, d.enrollment_id)),
    );
    findings.extend(strays(conn)?);
    Ok(findings)
}

#[derive(QueryableByName)]
struct Stray {
    #[diesel(sql_type = Uid)]
    id: HourEntryId,
    #[diesel(sql_type = Uid)]
    enrollment_id: EnrollmentId,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Bool)]
    posted: bool,
}

/// The entries that nothing in Muster writes: those that no closing posted, and those of another module than their session's.
fn strays(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let strays: Vec<Stray> = sql_query(
        "SELECT e.id, e.enrollment_id, e.kind, e.closing IS NOT NULL AS posted FROM hour_entries e LEFT JOIN sessions s ON s.id = e.session_id
         WHERE e.closing IS NULL OR e.module_id <> s.module_id ORDER BY e.id",
    )
    .load(conn)?;
    let says = |row: Stray| {
        let fault = if row.posted { "is of another module than its session" } else { "was posted by no closing" };
        format!("hours: entry {} of enrollment {}, {}, {fault}", row.id, row.enrollment_id, row.kind)
    };
    Ok(strays.into_iter().map(says).collect())
}
