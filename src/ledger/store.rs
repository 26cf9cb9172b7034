//! The tables of the ledger. Entries are only ever inserted; balances are moved by the same transaction.

pub(super) mod adjustments;
pub(super) mod carrying;
pub(super) mod explain;
pub(super) mod foresight;
pub(super) mod hours;
pub(super) mod make_ups;
pub(super) mod retention;

use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Bool, Integer, Text},
};

use super::{
    foresight::Uncovered,
    make_ups::MakeUp,
    model::{EntryKind, HourEntry, HourEntryId, Posting, Tally, corrections, standing},
};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::{self, CHUNK, Conn, for_backend, types::Uid},
    enrollments::EnrollmentId,
    error::Error,
    id::Id,
    journal::EntryId,
    programs::ModuleId,
    schedule::SessionId,
    schema::hour_entries,
    text::Note,
};

/// The statements that add entries to both balances: for each the rows of zeros, and what the entries add. In SQL over the entries just
/// written, so that a balance cannot say anything else than they do; first a row of zeros where there is none, because the checks on the
/// table would refuse a negative difference even in the insert part of an upsert. The text is the same for both databases.
macro_rules! roll_up {
    ($which:literal) => {
        [
            zeros!(
                "hour_balances",
                "enrollment_id, intake_id",
                "(SELECT h.*, e.intake_id FROM hour_entries h JOIN enrollments e ON e.id = h.enrollment_id) AS entries",
                "enrollment_id",
                $which
            ),
            sums!("hour_balances", "enrollment_id", "hour_balances.enrollment_id = d.enrollment_id", $which),
            zeros!("module_hour_balances", "enrollment_id, module_id", "hour_entries", "enrollment_id, module_id", $which),
            sums!(
                "module_hour_balances",
                "enrollment_id, module_id",
                "module_hour_balances.enrollment_id = d.enrollment_id AND module_hour_balances.module_id = d.module_id",
                $which
            ),
        ]
    };
}

macro_rules! zeros {
    ($table:literal, $columns:literal, $from:literal, $key:literal, $which:literal) => {
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
            " WHERE ",
            $which,
            " ON CONFLICT (",
            $key,
            ") DO NOTHING"
        )
    };
}

macro_rules! sums {
    ($table:literal, $key:literal, $same:literal, $which:literal) => {
        concat!(
            "UPDATE ",
            $table,
            " SET ",
            added!($table, "attended"),
            ", ",
            added!($table, "authorized_absence"),
            ", ",
            added!($table, "unauthorized_absence"),
            ", ",
            added!($table, "exempt"),
            ", ",
            added!($table, "make_up"),
            ", ",
            added!($table, "adjustment"),
            ", ",
            added!($table, "carried_in"),
            " FROM (SELECT ",
            $key,
            summed!("attended"),
            summed!("authorized_absence"),
            summed!("unauthorized_absence"),
            summed!("exempt"),
            summed!("make_up"),
            summed!("adjustment"),
            summed!("carried_in"),
            " FROM hour_entries WHERE ",
            $which,
            " GROUP BY ",
            $key,
            ") AS d WHERE ",
            $same
        )
    };
}

macro_rules! added {
    ($table:literal, $kind:literal) => {
        concat!($kind, " = ", $table, ".", $kind, " + d.", $kind)
    };
}

macro_rules! summed {
    ($kind:literal) => {
        concat!(", sum(CASE kind WHEN '", $kind, "' THEN minutes ELSE 0 END) AS ", $kind)
    };
}

/// What an act adds.
const OF_POSTING: [&str; 4] = roll_up!("posting_id = ?");
/// Whose credits in a session an act leaves without something missed, or whose deductions without something attended: of the sessions
/// for which it posted.
const UNCOVERED_OF_SESSION: &str = "SELECT enrollment_id, session_id AS of_id, attended, missed, credited FROM (
        SELECT e.enrollment_id, e.session_id, CAST(sum(CASE WHEN e.kind = 'attended' THEN e.minutes ELSE 0 END) AS integer) AS attended,
            CAST(sum(CASE WHEN e.kind IN ('authorized_absence', 'unauthorized_absence') THEN e.minutes ELSE 0 END) AS integer) AS missed,
            CAST(sum(CASE WHEN e.kind IN ('make_up', 'adjustment') THEN e.minutes ELSE 0 END) AS integer) AS credited
        FROM (SELECT DISTINCT enrollment_id, session_id FROM hour_entries WHERE posting_id = $1 AND session_id IS NOT NULL) AS p
        JOIN hour_entries e ON e.enrollment_id = p.enrollment_id AND e.session_id = p.session_id
        GROUP BY e.enrollment_id, e.session_id) AS sums
    WHERE credited > missed OR attended + credited < 0 ORDER BY enrollment_id LIMIT 1";
/// As [`UNCOVERED_OF_SESSION`], of the modules; before the balances are moved.
const UNCOVERED_OF_MODULE: &str = "SELECT b.enrollment_id, b.module_id AS of_id, b.attended + d.attended AS attended,
        b.authorized_absence + b.unauthorized_absence + d.missed AS missed, b.make_up + b.adjustment + d.credited AS credited
    FROM (SELECT enrollment_id, module_id, CAST(sum(CASE WHEN kind = 'attended' THEN minutes ELSE 0 END) AS integer) AS attended,
            CAST(sum(CASE WHEN kind IN ('authorized_absence', 'unauthorized_absence') THEN minutes ELSE 0 END) AS integer) AS missed,
            CAST(sum(CASE WHEN kind IN ('make_up', 'adjustment') THEN minutes ELSE 0 END) AS integer) AS credited
        FROM hour_entries WHERE posting_id = $1 GROUP BY enrollment_id, module_id) AS d
    JOIN module_hour_balances b ON b.enrollment_id = d.enrollment_id AND b.module_id = d.module_id
    WHERE b.make_up + b.adjustment + d.credited > b.authorized_absence + b.unauthorized_absence + d.missed
        OR b.attended + d.attended + b.make_up + b.adjustment + d.credited < 0
    ORDER BY b.enrollment_id LIMIT 1";

/// What a closing of a roll call posts: the session, its module, which closing it is (1 the first), and the entry that the journal is to
/// have of it.
#[derive(Clone, Copy, Debug)]
pub struct Closing {
    pub act: EntryId,
    pub session_id: SessionId,
    pub module_id: ModuleId,
    pub number: i32,
}

#[derive(QueryableByName)]
struct UncoveredRow {
    #[diesel(sql_type = Uid)]
    enrollment_id: EnrollmentId,
    /// The session or the module.
    #[diesel(sql_type = Uid)]
    of_id: Id<()>,
    #[diesel(sql_type = Integer)]
    attended: i32,
    #[diesel(sql_type = Integer)]
    missed: i32,
    #[diesel(sql_type = Integer)]
    credited: i32,
}

/// Posts a closing and moves the balances of the enrollments it concerns. After a reopening only what changed is reversed and
/// posted anew. What guests attended is made up of what they missed, as far as that is known by now. Returns how many entries were written.
pub fn post_closing(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    closing: Closing,
    tallies: &[Tally],
    reason: Option<&Note>,
) -> Result<usize, Error> {
    actor.may(Action::CloseRollCall)?;
    let Closing { act, session_id, module_id, number } = closing;
    let posting = Posting { id: act, module_id, reason: reason.cloned(), user_id: actor.user_id(), recorded_at: now };
    let before = if number == 1 { Vec::new() } else { standing_of(conn, session_id)? };
    let (reversed, posted) = corrections(&before, tallies);
    let entry = |enrollment_id: EnrollmentId, kind: EntryKind, minutes: i32| HourEntry {
        closing: Some(number),
        ..posting.entry(enrollment_id, Some(session_id), kind, minutes)
    };
    let reversal = |old: &HourEntry| HourEntry { reverses_id: Some(old.id), ..entry(old.enrollment_id, old.kind, -old.minutes) };
    let mut entries: Vec<HourEntry> = reversed.into_iter().map(reversal).collect();
    for tally in posted {
        entries.extend(tally.entries.iter().map(|(kind, minutes)| entry(tally.enrollment_id, *kind, *minutes)));
    }
    insert(conn, &entries)?;
    let made_up = make_ups::of_closing(conn, closing)?;
    let made_up = make_up(conn, &posting, made_up)?;
    carrying::follow(conn, actor, &posting)?;
    if number > 1 || made_up > 0 {
        // A first closing adds as much that is owed as it adds present.
        refuse_uncovered(conn, &posting)?;
    }
    roll_up(conn, posting.id)?;
    Ok(entries.len() + made_up)
}

/// Inserts what is made up, and says how many entries that is.
fn make_up(conn: &mut Conn, posting: &Posting, changes: Vec<MakeUp>) -> Result<usize, Error> {
    let entry = |MakeUp { enrollment_id, pair: (missed, made_up_in), minutes, reverses_id }| HourEntry {
        reverses_id,
        made_up_in_id: Some(made_up_in),
        ..posting.entry(enrollment_id, Some(missed), EntryKind::MakeUp, minutes)
    };
    let entries: Vec<HourEntry> = changes.into_iter().map(entry).collect();
    insert(conn, &entries)?;
    Ok(entries.len())
}

fn insert(conn: &mut Conn, entries: &[HourEntry]) -> Result<(), Error> {
    for chunk in entries.chunks(CHUNK) {
        for_backend!(conn, |c| diesel::insert_into(hour_entries::table).values(chunk).execute(c))?;
    }
    Ok(())
}

/// Moves both balances by what an act posted.
fn roll_up(conn: &mut Conn, posting: EntryId) -> Result<(), Error> {
    for statement in OF_POSTING {
        db::fixed(statement).bind::<Uid, _>(posting).execute(conn)?;
    }
    Ok(())
}

/// What stands of what closings posted of the session.
fn standing_of(conn: &mut Conn, session: SessionId) -> Result<Vec<HourEntry>, Error> {
    let all: Vec<HourEntry> = hour_entries::table
        .filter(hour_entries::session_id.eq(session))
        .order(hour_entries::id)
        .select(HourEntry::as_select())
        .load(conn)?;
    Ok(standing(all.iter()).filter(|entry| entry.closing.is_some()).cloned().collect())
}

/// Refuses an act after which more would be present of a session or module than is owed, or less than nothing: what was adjusted is taken
/// back first. What guests make up is posted so that it fits.
fn refuse_uncovered(conn: &mut Conn, posting: &Posting) -> Result<(), Error> {
    for (is_session, statement) in [(true, UNCOVERED_OF_SESSION), (false, UNCOVERED_OF_MODULE)] {
        let uncovered: Option<UncoveredRow> = sql_query(statement).bind::<Uid, _>(posting.id).get_result(conn).optional()?;
        let Some(UncoveredRow { enrollment_id, of_id, attended, missed, credited }) = uncovered else { continue };
        // What is refused where a roll call closes by itself is stored, and names nobody.
        let (session_id, module_id) = if is_session { (Some(of_id.cast()), posting.module_id) } else { (None, of_id.cast()) };
        let uncovered = Uncovered { enrollment_id, session_id, attended, missed, credited };
        let detail = foresight::in_words(conn, module_id, &[uncovered], posting.user_id.is_some())?;
        return Err(Error::conflict("hours_out_of_bounds", detail.concat()));
    }
    Ok(())
}

/// Inserts an entry that no closing posted, with what it leaves room for to be made up, and moves both balances.
fn post(conn: &mut Conn, actor: &Actor, posting: &Posting, entry: &HourEntry) -> Result<(), Error> {
    diesel::insert_into(hour_entries::table).values(entry).execute(conn)?;
    let made_up = make_ups::of_share(conn, entry.enrollment_id, entry.module_id)?;
    make_up(conn, posting, made_up)?;
    carrying::follow(conn, actor, posting)?;
    refuse_uncovered(conn, posting)?;
    roll_up(conn, posting.id)
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
        "SELECT e.enrollment_id, '' AS kind, CAST(sum(e.minutes) AS bigint) AS ledger, CAST(max(r.posted_minutes) AS bigint) AS balance
         FROM hour_entries e JOIN roll_calls r ON r.session_id = e.session_id WHERE e.closing IS NOT NULL
         GROUP BY e.enrollment_id, e.session_id HAVING sum(e.minutes) NOT IN (0, max(r.posted_minutes))",
    )
    .load::<Difference>(conn)?;
    findings.extend(
        sessions
            .into_iter()
            .map(|d| format!("hours: a closed session of {} minutes posted {} for enrollment {}", d.balance, d.ledger, d.enrollment_id)),
    );
    let credited = sql_query(
        "SELECT enrollment_id, 'credited' AS kind, CAST(missed AS bigint) AS ledger, CAST(credited AS bigint) AS balance FROM (
            SELECT enrollment_id, session_id, sum(CASE WHEN kind = 'attended' THEN minutes ELSE 0 END) AS attended,
                sum(CASE WHEN kind IN ('authorized_absence', 'unauthorized_absence') THEN minutes ELSE 0 END) AS missed,
                sum(CASE WHEN kind IN ('make_up', 'adjustment') THEN minutes ELSE 0 END) AS credited
            FROM hour_entries WHERE session_id IS NOT NULL GROUP BY enrollment_id, session_id) AS sums
         WHERE credited > missed OR attended + credited < 0",
    )
    .load::<Difference>(conn)?;
    let says = |d: Difference| {
        format!(
            "hours: enrollment {} has {} minutes made up or adjusted in a session of which it missed {}",
            d.enrollment_id, d.balance, d.ledger
        )
    };
    findings.extend(credited.into_iter().map(says));
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
    misplaced: bool,
}

/// The entries that nothing in Muster writes: those that neither a closing nor a coordinator posted, or another user than the journal says
/// or at another time, and those of another module than their session's.
fn strays(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let strays: Vec<Stray> = sql_query(
        "SELECT e.id, e.enrollment_id, e.kind, coalesce(e.module_id <> s.module_id, 1 = 0) AS misplaced
         FROM hour_entries e LEFT JOIN sessions s ON s.id = e.session_id
         WHERE e.module_id <> s.module_id OR NOT EXISTS (SELECT 1 FROM journal_entries j WHERE j.id = e.posting_id
            AND j.user_id IS NOT DISTINCT FROM e.user_id AND j.recorded_at = e.recorded_at AND (
            (j.action = 'hours.carried' AND e.kind = 'carried_in' AND j.subject_id = e.enrollment_id)
            OR (j.action = 'roll_call.closed' AND (e.kind IN ('make_up', 'carried_in') OR (e.closing IS NOT NULL AND j.subject_id = e.session_id)))
            OR (j.action = 'hours.adjusted' AND (e.kind IN ('make_up', 'carried_in') OR (j.subject_id = e.id AND e.reverses_id IS NULL)))
            OR (j.action = 'hours.reversed' AND (e.kind IN ('make_up', 'carried_in') OR (j.subject_id = e.id AND e.reverses_id IS NOT NULL)))))
         ORDER BY e.id",
    )
    .load(conn)?;
    let says = |row: Stray| {
        let fault =
            if row.misplaced { "is of another module than its session" } else { "was posted by no closing and no coordinator as it says" };
        format!("hours: entry {} of enrollment {}, {}, {fault}", row.id, row.enrollment_id, row.kind)
    };
    Ok(strays.into_iter().map(says).collect())
}
