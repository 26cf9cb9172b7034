//! What `muster verify` recomputes of the schedule.

use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Text},
};

use super::{
    super::{model::SessionId, rules::scheduled_at_least},
    plan::{planned_minutes, taken_of},
};
use crate::{
    clock::Instant,
    db::{
        Conn,
        types::{Ts, Uid},
    },
    error::Error,
    id::Id,
    intakes::{Intake, IntakeId},
    schema::intakes,
};

#[derive(QueryableByName)]
struct Claim {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Uid)]
    resource_id: Id<()>,
    #[diesel(sql_type = Uid)]
    session_id: SessionId,
    #[diesel(sql_type = Ts)]
    starts_at: Instant,
    #[diesel(sql_type = Ts)]
    ends_at: Instant,
    #[diesel(sql_type = BigInt)]
    claimed: i64,
}

#[derive(QueryableByName)]
struct Overlap {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Uid)]
    resource_id: Id<()>,
    #[diesel(sql_type = Uid)]
    first: SessionId,
    #[diesel(sql_type = Uid)]
    second: SessionId,
}

/// Holds the claims against what sessions occupy: published ones their cohorts, instructors and room for the planned time, held
/// ones for the actual time, recorded ones nobody. Then looks for overlaps that no waiver names.
pub fn verify_claims(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let differ: Vec<Claim> = sql_query(
        "SELECT kind, resource_id, session_id, starts_at, ends_at, CAST(sum(claimed) AS bigint) AS claimed FROM (
            SELECT 'cohort' AS kind, c.cohort_id AS resource_id, s.id AS session_id,
                coalesce(s.held_starts_at, s.starts_at) AS starts_at, coalesce(s.held_ends_at, s.ends_at) AS ends_at, 0 AS claimed, 1 AS occupied
            FROM sessions s JOIN session_cohorts c ON c.session_id = s.id
            WHERE s.state IN ('published', 'held') AND s.mode <> 'recorded'
            UNION ALL
            SELECT 'instructor', i.person_id, s.id, coalesce(s.held_starts_at, s.starts_at), coalesce(s.held_ends_at, s.ends_at), 0, 1
            FROM sessions s JOIN session_instructors i ON i.session_id = s.id
            WHERE s.state IN ('published', 'held') AND s.mode <> 'recorded'
            UNION ALL
            SELECT 'room', s.room_id, s.id, coalesce(s.held_starts_at, s.starts_at), coalesce(s.held_ends_at, s.ends_at), 0, 1
            FROM sessions s WHERE s.state IN ('published', 'held') AND s.mode <> 'recorded' AND s.room_id IS NOT NULL
            UNION ALL
            SELECT kind, resource_id, session_id, starts_at, ends_at, 1, 0 FROM claims) AS both_sides
         GROUP BY kind, resource_id, session_id, starts_at, ends_at HAVING sum(claimed) <> sum(occupied)",
    )
    .load(conn)?;
    let mut findings: Vec<String> = differ
        .into_iter()
        .map(|row| {
            let Claim { kind, resource_id, session_id, starts_at, ends_at, claimed } = row;
            let differs = if claimed == 0 {
                "is not claimed, though the session occupies it"
            } else {
                "is claimed, though the session does not occupy it then"
            };
            format!("claims: {kind} {resource_id} {differs}: session {session_id}, {starts_at} to {ends_at}")
        })
        .collect();
    // Of two that overlap, one starts within the other.
    let overlaps: Vec<Overlap> = sql_query(
        "SELECT a.kind, a.resource_id, a.session_id AS first, b.session_id AS second FROM claims a
         JOIN claims b ON b.kind = a.kind AND b.resource_id = a.resource_id AND b.starts_at >= a.starts_at AND b.starts_at < a.ends_at
            AND (b.starts_at > a.starts_at OR b.session_id > a.session_id)
         WHERE NOT EXISTS (SELECT 1 FROM claim_waivers w WHERE (w.first_session_id = a.session_id AND w.second_session_id = b.session_id)
            OR (w.first_session_id = b.session_id AND w.second_session_id = a.session_id))",
    )
    .load(conn)?;
    findings.extend(overlaps.into_iter().map(|row| {
        let Overlap { kind, resource_id, first, second } = row;
        format!("claims: {kind} {resource_id} is in sessions {first} and {second} at once, and no waiver says so")
    }));
    Ok(findings)
}

#[derive(QueryableByName)]
struct Amended {
    #[diesel(sql_type = Uid)]
    id: IntakeId,
    #[diesel(sql_type = BigInt)]
    amendments: i64,
    #[diesel(sql_type = BigInt)]
    entries: i64,
}

/// Holds what is scheduled for each cohort and module against its plan, amendments included, and the amendments against the journal.
pub fn verify_plan(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    let intakes: Vec<Intake> = intakes::table.order(intakes::id).select(Intake::as_select()).load(conn)?;
    for intake in intakes {
        let planned = planned_minutes(conn, &intake)?;
        let taken = taken_of(conn, &intake, planned.keys().copied().collect())?.into_iter().map(|(_, taken)| taken).collect();
        for ((cohort, module), scheduled) in scheduled_at_least(taken) {
            let planned = planned.get(&module).map_or(0, |(_, minutes)| *minutes);
            if scheduled > planned {
                findings.push(format!("plan: cohort {cohort} has {scheduled} minutes of module {module} scheduled and {planned} planned"));
            }
        }
    }
    findings.sort_unstable();
    let amended: Vec<Amended> = sql_query(
        "SELECT id, amendments, entries FROM (SELECT i.id,
            (SELECT count(*) FROM amendments a WHERE a.intake_id = i.id) AS amendments,
            (SELECT count(*) FROM journal_entries j WHERE j.subject_id = i.id AND j.action = 'intake.amended') AS entries
         FROM intakes i) AS counted WHERE amendments <> entries ORDER BY id",
    )
    .load(conn)?;
    findings.extend(
        amended
            .into_iter()
            .map(|row| format!("plan: intake {} has {} amendments; the journal knows {}", row.id, row.amendments, row.entries)),
    );
    Ok(findings)
}

#[derive(QueryableByName)]
struct Ended {
    #[diesel(sql_type = Uid)]
    id: SessionId,
    #[diesel(sql_type = Text)]
    state: String,
}

/// Looks for sessions that stand as published, held or cancelled without the entry of the journal that says who did it.
pub fn verify_sessions(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let silent: Vec<Ended> = sql_query(
        "SELECT s.id, s.state FROM sessions s WHERE s.state <> 'draft'
            AND NOT EXISTS (SELECT 1 FROM journal_entries j WHERE j.subject_id = s.id AND j.action = 'session.' || s.state)",
    )
    .load(conn)?;
    Ok(silent.into_iter().map(|row| format!("sessions: session {} is {}, but the journal does not say so", row.id, row.state)).collect())
}

/// Looks for changes that are told though the journal knows nothing of them, and for cancellations of announced sessions that are not told.
pub fn verify_changes(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let invented: Vec<Ended> = sql_query(
        "SELECT c.session_id AS id, c.kind AS state FROM session_changes c WHERE NOT EXISTS (SELECT 1 FROM journal_entries j
            WHERE j.subject_id = c.session_id AND j.recorded_at = c.created_at
                AND j.action = CASE c.kind WHEN 'cancelled' THEN 'session.cancelled' ELSE 'session.moved' END)",
    )
    .load(conn)?;
    let silent: Vec<Ended> = sql_query(
        "SELECT s.id, s.state FROM sessions s WHERE s.state = 'cancelled' AND s.sequence > 0
            AND NOT EXISTS (SELECT 1 FROM session_changes c WHERE c.session_id = s.id AND c.kind = s.state)",
    )
    .load(conn)?;
    let invented = invented.into_iter().map(|row| format!("changes: session {} was not {} when it is told so", row.id, row.state));
    let silent = silent.into_iter().map(|row| format!("changes: session {} is {}, and nobody is told", row.id, row.state));
    Ok(invented.chain(silent).collect())
}
