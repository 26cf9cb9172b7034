//! What `muster verify` recomputes of roll calls.

use std::collections::BTreeMap;

use diesel::{dsl::sum, prelude::*, sql_query, sql_types::BigInt};

use super::super::{
    model::{Attendance, AttendanceCode, RollCallState},
    tally::split,
};
use crate::{
    db::{self, Conn, types::Uid},
    enrollments::EnrollmentId,
    error::Error,
    ledger::EntryKind,
    schedule::SessionId,
    schema::{attendances, guests, hour_entries, roll_calls, sessions},
};

/// Sessions looked at together; the lines of so many classes are held in memory at once.
pub(super) const CHUNK: i64 = 20;

/// What is known of one enrollment in one closed roll call.
#[derive(Default)]
pub(super) struct Line {
    /// The code, the minutes present, and those missed within leave.
    pub(super) called: Option<(AttendanceCode, Option<i32>, i32)>,
    pub(super) posted: Vec<(EntryKind, i64)>,
    pub(super) expected: bool,
    pub(super) is_guest: bool,
}

type Lines = BTreeMap<(SessionId, EnrollmentId), Line>;

/// Holds each closed roll call against the ledger: what it posted, reversals included, is what its attendances come to, for those
/// who were expected when it was closed and for nobody else.
pub fn verify_postings(conn: &mut Conn) -> Result<Vec<String>, Error> {
    type Closed = (SessionId, Option<i32>);
    let closed = |conn: &mut Conn, after: SessionId| {
        roll_calls::table
            .inner_join(sessions::table.on(sessions::id.eq(roll_calls::session_id)))
            .filter(roll_calls::state.eq(RollCallState::Closed))
            .filter(roll_calls::session_id.gt(after))
            .order(roll_calls::session_id)
            .limit(CHUNK)
            .select((roll_calls::session_id, sessions::held_minutes))
            .load::<Closed>(conn)
    };
    db::in_pages(
        conn,
        closed,
        |(session, _)| *session,
        |conn, closed: Vec<Closed>| {
            let minutes: BTreeMap<SessionId, i32> = closed.into_iter().map(|(session, held)| (session, held.unwrap_or(0))).collect();
            let (Some((first, _)), Some((last, _))) = (minutes.first_key_value(), minutes.last_key_value()) else { return Ok(Vec::new()) };
            let fault = |((session, enrollment), line): ((SessionId, EnrollmentId), Line)| {
                let fault = line.fault(minutes.get(&session).copied().unwrap_or(0))?;
                Some(format!("postings: session {session}, enrollment {enrollment}: {fault}"))
            };
            Ok(lines(conn, *first, *last)?.into_iter().filter_map(fault).collect())
        },
    )
}

impl Line {
    pub(super) fn fault(mut self, whole: i32) -> Option<String> {
        if self.is_guest && !self.expected {
            // What guests attended is posted of another session: the business of the check of make-ups.
            let posted =
                (!self.posted.is_empty()).then(|| "came as a guest, but has a posting of a session that it does not owe".to_owned());
            return posted.or_else(|| match self.called.map(|(code, minutes, leave)| split(code, minutes, whole, leave)) {
                None => Some("came as a guest, but has no attendance".to_owned()),
                Some(Err((_, detail))) => Some(format!("the attendance does not fit: {detail}")),
                Some(Ok(_)) => None,
            });
        }
        match (self.expected, self.posted.is_empty()) {
            (false, true) if self.called.is_none() => return None,
            (false, true) => return Some("was not expected when the roll call was closed, but has an attendance".to_owned()),
            (true, true) => return Some("was expected when the roll call was closed, but nothing is posted".to_owned()),
            (false, false) => return Some("was not expected when the roll call was closed, but has a posting".to_owned()),
            (true, false) => {}
        }
        let Some((code, minutes, leave)) = self.called else {
            return Some("has a posting, but no attendance".to_owned());
        };
        let mut owed: Vec<(EntryKind, i64)> = match split(code, minutes, whole, leave) {
            Ok(entries) => entries.into_iter().map(|(kind, minutes)| (kind, i64::from(minutes))).collect(),
            Err((_, detail)) => return Some(format!("the attendance does not fit: {detail}")),
        };
        owed.sort_unstable();
        self.posted.sort_unstable();
        (owed != self.posted).then(|| format!("the attendance comes to {}, the ledger says {}", said(&owed), said(&self.posted)))
    }
}

fn said(entries: &[(EntryKind, i64)]) -> String {
    entries.iter().map(|(kind, minutes)| format!("{kind} {minutes}")).collect::<Vec<_>>().join(" + ")
}

#[derive(QueryableByName)]
struct Expected {
    #[diesel(sql_type = Uid)]
    session_id: SessionId,
    #[diesel(sql_type = Uid)]
    enrollment_id: EnrollmentId,
}

/// Who was expected of a session when its roll call was last closed: the last period that had begun at the session's start, among those
/// that stood in the books then, places the enrollment in one of the cohorts. What stood in the books is told by the journal, whose order
/// is that of cause and effect; clocks are not, where one transaction waits for another. Periods are only ever added behind the last.
const EXPECTED: &str = "
    SELECT c.session_id, p.enrollment_id FROM (
        SELECT r.session_id, s.held_starts_at AS began_at, coalesce((SELECT max(j.seq) FROM journal_entries j
            WHERE j.subject_id = r.session_id AND j.action = 'roll_call.closed'), 9223372036854775807) AS seq
        FROM roll_calls r JOIN sessions s ON s.id = r.session_id
        WHERE r.state = 'closed' AND r.session_id >= $1 AND r.session_id <= $2) AS c
    JOIN session_cohorts k ON k.session_id = c.session_id
    JOIN enrollment_periods p ON p.cohort_id = k.cohort_id AND p.state = 'enrolled' AND p.from_at <= c.began_at
    WHERE EXISTS (SELECT 1 FROM journal_entries j
            WHERE j.subject_id = p.enrollment_id AND j.recorded_at = p.recorded_at AND j.seq < c.seq)
        AND NOT EXISTS (SELECT 1 FROM enrollment_periods q JOIN journal_entries j
                ON j.subject_id = q.enrollment_id AND j.recorded_at = q.recorded_at AND j.seq < c.seq
            WHERE q.enrollment_id = p.enrollment_id AND q.from_at > p.from_at AND q.from_at <= c.began_at)";

/// The lines of the closed roll calls from session `first` to `last`.
fn lines(conn: &mut Conn, first: SessionId, last: SessionId) -> Result<Lines, Error> {
    let mut lines = Lines::new();
    let called: Vec<Attendance> = attendances::table
        .inner_join(roll_calls::table.on(roll_calls::session_id.eq(attendances::session_id)))
        .filter(roll_calls::state.eq(RollCallState::Closed))
        .filter(attendances::session_id.ge(first))
        .filter(attendances::session_id.le(last))
        .select(Attendance::as_select())
        .load(conn)?;
    for Attendance { session_id, enrollment_id, code, minutes, leave_minutes, .. } in called {
        lines.entry((session_id, enrollment_id)).or_default().called = Some((code, minutes, leave_minutes.unwrap_or(0)));
    }
    let posted: Vec<(Option<SessionId>, EnrollmentId, EntryKind, Option<i64>)> = hour_entries::table
        .inner_join(roll_calls::table.on(roll_calls::session_id.nullable().eq(hour_entries::session_id)))
        .filter(roll_calls::state.eq(RollCallState::Closed))
        .filter(hour_entries::session_id.ge(first))
        .filter(hour_entries::session_id.le(last))
        .filter(hour_entries::closing.is_not_null())
        .group_by((hour_entries::session_id, hour_entries::enrollment_id, hour_entries::kind))
        .select((hour_entries::session_id, hour_entries::enrollment_id, hour_entries::kind, sum(hour_entries::minutes)))
        .load(conn)?;
    for (session, enrollment, kind, minutes) in posted {
        // What was taken back in full is no posting.
        if let (Some(session), Some(minutes)) = (session, minutes.filter(|minutes| *minutes != 0)) {
            lines.entry((session, enrollment)).or_default().posted.push((kind, minutes));
        }
    }
    let invited = guests::table
        .inner_join(roll_calls::table.on(roll_calls::session_id.eq(guests::session_id)))
        .filter(roll_calls::state.eq(RollCallState::Closed))
        .filter(guests::session_id.ge(first))
        .filter(guests::session_id.le(last))
        .select((guests::session_id, guests::enrollment_id));
    for pair in invited.load::<(SessionId, EnrollmentId)>(conn)? {
        lines.entry(pair).or_default().is_guest = true;
    }
    for one in sql_query(EXPECTED).bind::<Uid, _>(first).bind::<Uid, _>(last).load::<Expected>(conn)? {
        lines.entry((one.session_id, one.enrollment_id)).or_default().expected = true;
    }
    Ok(lines)
}

#[derive(QueryableByName)]
struct Closings {
    #[diesel(sql_type = Uid)]
    session_id: SessionId,
    #[diesel(sql_type = BigInt)]
    stored: i64,
    #[diesel(sql_type = BigInt)]
    posted: i64,
    #[diesel(sql_type = BigInt)]
    journaled: i64,
    #[diesel(sql_type = BigInt)]
    due: i64,
    #[diesel(sql_type = BigInt)]
    reopened: i64,
}

/// Holds how often each roll call says it was closed, and where it stands, against the journal and the ledger. A closing may post
/// nothing, where nobody was expected or a reopening changed nothing, so the ledger names none above, and the journal names them all.
/// Each closing but the one that stands was taken back by a reopening.
pub fn verify_closings(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let differ: Vec<Closings> = sql_query(
        "SELECT session_id, CAST(max(stored) AS bigint) AS stored, CAST(max(posted) AS bigint) AS posted,
            CAST(max(journaled) AS bigint) AS journaled, CAST(sum(due) AS bigint) AS due, CAST(max(reopened) AS bigint) AS reopened
         FROM (
            SELECT session_id, closings AS stored, 0 AS posted, 0 AS journaled,
                CASE WHEN state = 'closed' THEN closings - 1 ELSE closings END AS due, 0 AS reopened,
                CASE WHEN state IN ('closed', 'reopened') THEN 1 ELSE 0 END AS least FROM roll_calls
            UNION ALL SELECT session_id, 0, max(closing), 0, 0, 0, 0 FROM hour_entries WHERE closing IS NOT NULL GROUP BY session_id
            UNION ALL SELECT subject_id, 0, 0, sum(CASE WHEN action = 'roll_call.closed' THEN 1 ELSE 0 END), 0,
                sum(CASE WHEN action = 'roll_call.reopened' THEN 1 ELSE 0 END), 0
            FROM journal_entries WHERE action IN ('roll_call.closed', 'roll_call.reopened') GROUP BY subject_id
         ) AS sides
         GROUP BY session_id
         HAVING max(posted) > max(stored) OR max(journaled) <> max(stored) OR max(least) > max(stored) OR max(reopened) <> sum(due)",
    )
    .load(conn)?;
    let differs = |row: Closings| {
        let Closings { session_id, stored, posted, journaled, due, reopened } = row;
        format!(
            "closings: the roll call of session {session_id} says it was closed {stored} times, the journal says {journaled}, \
             and the ledger has postings up to closing {posted}; as it stands it was reopened {due} times, the journal says {reopened}"
        )
    };
    Ok(differ.into_iter().map(differs).collect())
}
