//! What `muster verify` recomputes of the schedule.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Text},
};
use serde::{Deserialize, Serialize};

use super::{
    super::{
        changes::{ScheduleChangeId, Standing},
        model::{Session, SessionId, SessionRow, SessionState},
        rules::Days,
    },
    changes::{Concerned, concerned, read},
    links::whole,
};
use crate::{
    clock::Instant,
    db::{
        self, Conn,
        types::{Ts, Uid},
    },
    error::Error,
    id::Id,
    intakes::{CohortId, Intake, IntakeId, SessionMode},
    journal,
    people::PersonId,
    programs::ModuleId,
    rooms::RoomId,
    schema::{claim_waivers, intakes, journal_entries, journal_payloads, session_change_audience, session_changes, sessions},
    text::{Code, Note, Place, Title},
};

/// Changes or sessions in one look.
const PAGE: i64 = 500;

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

#[derive(QueryableByName)]
struct Exceeded {
    #[diesel(sql_type = Uid)]
    cohort_id: CohortId,
    #[diesel(sql_type = Uid)]
    module_id: ModuleId,
    #[diesel(sql_type = BigInt)]
    scheduled: i64,
    #[diesel(sql_type = BigInt)]
    planned: i64,
}

/// Holds what is scheduled for each cohort and module against its plan, amendments included, and the amendments against the journal. Of
/// what was taught longer than planned only the plan counts: that alone never exceeds the hours of the module.
pub fn verify_plan(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let exceeded: Vec<Exceeded> = sql_query(
        "SELECT cohort_id, module_id, CAST(scheduled AS bigint) AS scheduled, CAST(planned AS bigint) AS planned FROM (
            SELECT c.cohort_id, s.module_id, sum(CASE WHEN s.held_minutes < s.minutes THEN s.held_minutes ELSE s.minutes END) AS scheduled,
                m.planned_minutes + coalesce((SELECT sum(a.delta_minutes) FROM amendments a
                    WHERE a.intake_id = s.intake_id AND a.module_id = s.module_id), 0) AS planned
            FROM sessions s JOIN session_cohorts c ON c.session_id = s.id JOIN modules m ON m.id = s.module_id
            WHERE s.state IN ('published', 'held') GROUP BY c.cohort_id, s.intake_id, s.module_id, m.planned_minutes) AS sums
         WHERE scheduled > planned ORDER BY cohort_id, module_id",
    )
    .load(conn)?;
    let told = |row: Exceeded| {
        let Exceeded { cohort_id, module_id, scheduled, planned } = row;
        format!("plan: cohort {cohort_id} has {scheduled} minutes of module {module_id} scheduled and {planned} planned")
    };
    let mut findings: Vec<String> = exceeded.into_iter().map(told).collect();
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

/// Looks for sessions that stand as published, held or cancelled without the entry of the journal that says who did it; for those that lie
/// outside the days of their intake: neither they nor the days are moved so that they do; and for drafts and what was announced that are
/// not as the journal says.
pub fn verify_sessions(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let silent: Vec<Ended> = sql_query(
        "SELECT s.id, s.state FROM sessions s WHERE s.state <> 'draft'
            AND NOT EXISTS (SELECT 1 FROM journal_entries j WHERE j.subject_id = s.id AND j.action = 'session.' || s.state)",
    )
    .load(conn)?;
    let silent = silent.into_iter().map(|row| format!("sessions: session {} is {}, but the journal does not say so", row.id, row.state));
    let mut findings: Vec<String> = silent.collect();
    let intakes: Vec<Intake> = intakes::table.select(Intake::as_select()).load(conn)?;
    let intakes: HashMap<IntakeId, Intake> = intakes.into_iter().map(|intake| (intake.id, intake)).collect();
    let some = |conn: &mut Conn, after: SessionId| {
        let after = sessions::table.filter(sessions::id.gt(after)).filter(sessions::state.ne(SessionState::Cancelled));
        after.order(sessions::id).limit(PAGE).select(SessionRow::as_select()).load(conn)
    };
    findings.extend(db::in_pages(
        conn,
        some,
        |row| row.id,
        |conn, page: Vec<SessionRow>| {
            let mut findings: Vec<String> = page.iter().filter_map(|row| outside(row, intakes.get(&row.intake_id)?)).collect();
            findings.extend(unlike_the_journal(conn, page)?);
            Ok(findings)
        },
    )?);
    Ok(findings)
}

fn outside(row: &SessionRow, intake: &Intake) -> Option<String> {
    let Days { from, until } = Days::of_intake(intake);
    let (id, at, Intake { opens_on, closes_on, .. }) = (row.id, row.begins_at(), intake);
    let is_outside = at < from || row.finishes_at() > until;
    is_outside.then(|| format!("sessions: session {id} of {at} lies outside the days of its intake, {opens_on} to {closes_on}"))
}

/// The entries of the journal that say all of a session, as it stood from then on.
const WHOLE: [&str; 6] =
    ["session.created", "session.updated", "session.moved", "session.changed", "session.held", "session.hold_corrected"];

/// A session without what may change while nobody changes it: the names of its room and its people.
#[derive(Serialize, Deserialize)]
struct Facts {
    code: Code,
    module_id: ModuleId,
    mode: SessionMode,
    starts_at: Instant,
    ends_at: Instant,
    break_minutes: i32,
    minutes: i32,
    length_minutes: Option<i32>,
    room: Option<RoomFact>,
    place: Option<Place>,
    cohort_ids: Vec<CohortId>,
    instructors: Vec<InstructorFact>,
    held: Option<HeldFact>,
}

#[derive(Serialize, Deserialize)]
struct RoomFact {
    id: RoomId,
}

#[derive(Serialize, Deserialize)]
struct InstructorFact {
    id: PersonId,
    lead: bool,
    title: Option<Title>,
}

#[derive(Serialize, Deserialize)]
struct HeldFact {
    starts_at: Instant,
    ends_at: Instant,
    break_minutes: i32,
    minutes: i32,
    difference_reason: Option<Note>,
}

/// Those of these sessions that are not as the journal's last word about them says, or for nobody.
fn unlike_the_journal(conn: &mut Conn, rows: Vec<SessionRow>) -> Result<Vec<String>, Error> {
    let sessions: Vec<(SessionId, Session)> = whole(conn, rows)?.into_iter().map(|session| (session.row.id, session)).collect();
    let for_nobody = sessions.iter().filter(|(_, session)| session.cohort_ids.is_empty());
    let mut findings: Vec<String> =
        for_nobody.map(|(id, session)| format!("sessions: session {id} is {}, but for no cohort", session.row.state)).collect();
    let unlike = journal::unlike::<Facts, _>(conn, &sessions, &WHOLE)?;
    findings.extend(unlike.into_iter().map(|(id, how)| format!("sessions: session {id} {how}")));
    Ok(findings)
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = Uid)]
    id: SessionId,
    #[diesel(sql_type = BigInt)]
    sequence: i64,
    #[diesel(sql_type = BigInt)]
    told: i64,
}

/// Looks for changes that are told though the journal knows nothing of them, or to others than they concern; and for sessions whose
/// sequence is not the number of their changes, with one more for those that were held at another time, who were there. Each correction of
/// how one was held may count one more, and the first confirmation too, whose times are no longer known then.
pub fn verify_changes(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let invented: Vec<Ended> = sql_query(
        "SELECT c.session_id AS id, c.kind AS state FROM session_changes c WHERE NOT EXISTS (SELECT 1 FROM journal_entries j
            WHERE j.subject_id = c.session_id AND j.recorded_at = c.created_at AND j.action = 'session.' || c.kind)",
    )
    .load(conn)?;
    let counted: Vec<Counted> = sql_query(
        "SELECT id, CAST(sequence AS bigint) AS sequence, told FROM (SELECT s.id, s.sequence,
            CASE WHEN s.held_starts_at <> s.starts_at OR s.held_ends_at <> s.ends_at THEN 1 ELSE 0 END AS held_elsewhen,
            (SELECT count(*) FROM session_changes c WHERE c.session_id = s.id) AS told,
            (SELECT count(*) FROM journal_entries j WHERE j.subject_id = s.id AND j.action = 'session.hold_corrected') AS corrected
         FROM sessions s) AS counted
         WHERE sequence < told + held_elsewhen OR sequence > told + corrected + CASE WHEN corrected = 0 THEN held_elsewhen ELSE 1 END
         ORDER BY id",
    )
    .load(conn)?;
    let invented = invented.into_iter().map(|row| format!("changes: session {} was not {} when it is told so", row.id, row.state));
    let counted = counted
        .into_iter()
        .map(|row| format!("changes: session {} has sequence {} and {} changes are told", row.id, row.sequence, row.told));
    let mut findings: Vec<String> = invented.chain(counted).collect();
    let some = |conn: &mut Conn, after: ScheduleChangeId| {
        let after = session_changes::table.filter(session_changes::id.gt(after)).order(session_changes::id).limit(PAGE);
        after.select((session_changes::id, session_changes::before_values, session_changes::after_values)).load(conn)
    };
    findings.extend(db::in_pages(conn, some, |(id, ..)| *id, misdirected)?);
    Ok(findings)
}

/// A change, and how its session stood and stands, as JSON.
type ToldRow = (ScheduleChangeId, String, Option<String>);

/// Those of these changes that are told to others than the cohorts and instructors of before and after.
fn misdirected(conn: &mut Conn, changes: Vec<ToldRow>) -> Result<Vec<String>, Error> {
    let ids: Vec<ScheduleChangeId> = changes.iter().map(|(id, ..)| *id).collect();
    let rows: Vec<(ScheduleChangeId, Concerned)> = session_change_audience::table
        .filter(session_change_audience::change_id.eq_any(ids))
        .select((
            session_change_audience::change_id,
            (session_change_audience::kind, session_change_audience::resource_id, session_change_audience::starts_at),
        ))
        .load(conn)?;
    let mut audiences: HashMap<ScheduleChangeId, BTreeSet<Concerned>> = HashMap::new();
    for (change, one) in rows {
        audiences.entry(change).or_default().insert(one);
    }
    let finding = |(id, before, after): ToldRow| {
        let standings: Result<Vec<Standing>, Error> = [Some(before), after].into_iter().flatten().map(|values| read(&values)).collect();
        let Ok(standings) = standings else {
            return Some(format!("changes: what is told in change {id} cannot be read"));
        };
        let expected: BTreeSet<Concerned> = standings.iter().flat_map(concerned).collect();
        let is_right = audiences.remove(&id).unwrap_or_default() == expected;
        (!is_right).then(|| format!("changes: change {id} is told to others than it concerns"))
    };
    Ok(changes.into_iter().filter_map(finding).collect())
}

/// Two sessions, the smaller id first.
type Pair = (SessionId, SessionId);

/// An entry about a waiver: its subject, when it was recorded, whether it grants, and of which pair unless its payload is gone, as after
/// an erasure, or unreadable, which is the business of the journal's check.
type Word = (SessionId, Instant, bool, Option<Pair>);

/// What the payload of an entry about a waiver says: the waiver after it was granted, or before it was revoked.
#[derive(Deserialize)]
struct WaiverPayload {
    #[serde(alias = "from")]
    to: Waived,
}

#[derive(Deserialize)]
struct Waived {
    first_session_id: SessionId,
    second_session_id: SessionId,
}

/// Holds the waivers against the journal: each was granted when it says so, and what was granted stands unless it was revoked later.
pub fn verify_waivers(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let entries: Vec<(SessionId, Instant, String, Option<String>)> = journal_entries::table
        .left_join(journal_payloads::table.on(journal_payloads::entry_id.eq(journal_entries::id)))
        .filter(journal_entries::action.eq_any(["waiver.granted", "waiver.revoked"]))
        .order(journal_entries::seq)
        .select((journal_entries::subject_id, journal_entries::recorded_at, journal_entries::action, journal_payloads::body.nullable()))
        .load(conn)?;
    let word = |(subject, at, action, body): (SessionId, Instant, String, Option<String>)| {
        let pair = body.and_then(|body| serde_json::from_str(&body).ok());
        let pair = pair.map(|WaiverPayload { to: Waived { first_session_id, second_session_id } }| (first_session_id, second_session_id));
        (subject, at, action == "waiver.granted", pair)
    };
    let stored: Vec<(Pair, Instant)> = claim_waivers::table
        .order((claim_waivers::first_session_id, claim_waivers::second_session_id))
        .select(((claim_waivers::first_session_id, claim_waivers::second_session_id), claim_waivers::created_at))
        .load(conn)?;
    Ok(differing(entries.into_iter().map(word).collect(), stored))
}

/// What only one of the two says. Of the waivers of a session about which an entry says nothing any more, nothing is known.
fn differing(words: Vec<Word>, stored: Vec<(Pair, Instant)>) -> Vec<String> {
    let (mut granted, mut silent) = (BTreeMap::new(), BTreeSet::new());
    for (subject, at, grants, pair) in words {
        match pair {
            Some(pair) if grants => drop(granted.insert(pair, at)),
            Some(pair) => drop(granted.remove(&pair)),
            None => drop(silent.insert(subject)),
        }
    }
    let mut findings = Vec::new();
    let is_known = |(first, second): &Pair| !silent.contains(first) && !silent.contains(second);
    for (pair, since) in stored {
        if granted.remove(&pair) != Some(since) && is_known(&pair) {
            let (first, second) = pair;
            findings.push(format!("waivers: sessions {first} and {second} may overlap since {since}, but the journal does not say so"));
        }
    }
    for ((first, second), at) in granted.into_iter().filter(|(pair, _)| is_known(pair)) {
        findings.push(format!("waivers: by the journal sessions {first} and {second} may overlap since {at}, but there is no such waiver"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Instant {
        Instant::from_unix_micros(minute * 60_000_000).unwrap()
    }

    #[test]
    fn a_waiver_stands_from_when_it_was_granted_until_it_is_revoked() {
        let (first, second, third): (SessionId, SessionId, SessionId) = (Id::generate(), Id::generate(), Id::generate());
        let pair = (first, second);
        let grant = |minute| (second, at(minute), true, Some(pair));
        let revoke = |minute| (second, at(minute), false, Some(pair));
        let found = |words: &[Word], stored: &[(Pair, Instant)]| differing(words.to_vec(), stored.to_vec()).len();
        assert_eq!(found(&[grant(1)], &[(pair, at(1))]), 0);
        assert_eq!(found(&[], &[(pair, at(1))]), 1);
        assert_eq!(found(&[grant(1)], &[]), 1);
        assert_eq!(found(&[grant(1)], &[(pair, at(2))]), 1);
        assert_eq!(found(&[grant(1), revoke(2)], &[]), 0);
        assert_eq!(found(&[grant(1), revoke(2)], &[(pair, at(1))]), 1);
        assert_eq!(found(&[grant(1), revoke(2), grant(3)], &[(pair, at(3))]), 0);
        assert_eq!(found(&[grant(1), revoke(2), grant(3)], &[]), 1);
        // An entry that says nothing any more speaks for the waivers of its session, and for those of no other.
        let silent = (second, at(1), true, None);
        assert_eq!((found(&[silent], &[(pair, at(1))]), found(&[silent], &[])), (0, 0));
        assert_eq!(found(&[silent], &[((first, third), at(1))]), 1);
    }
}
