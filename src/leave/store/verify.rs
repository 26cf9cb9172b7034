//! What `muster verify` recomputes of leave.

use std::collections::BTreeSet;

use diesel::{prelude::*, sql_query, sql_types::Text};
use serde_json::{Map, Value};

use super::{
    super::model::{LeaveRequestId, LeaveRow},
    Whole, grouped,
};
use crate::{
    db::{self, Conn, types::Uid},
    enrollments::EnrollmentId,
    error::Error,
    journal,
    schema::{leave_enrollments, leave_requests},
};

/// Requests in one look.
const PAGE: i64 = 500;

/// The entries of the journal that say all of a request, as it stood from then on.
const WHOLE: [&str; 5] = ["leave.asked", "leave.endorsed", "leave.granted", "leave.refused", "leave.withdrawn"];

/// Holds each leave request, and for whom it is, against the journal's last word about it, and its steps against the journal and its state.
pub fn verify(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let some = |conn: &mut Conn, after: LeaveRequestId| {
        let after = leave_requests::table.filter(leave_requests::id.gt(after)).order(leave_requests::id).limit(PAGE);
        after.select(LeaveRow::as_select()).load(conn)
    };
    let mut findings = db::in_pages(
        conn,
        some,
        |row| row.id,
        |conn, rows: Vec<LeaveRow>| {
            let ids: Vec<LeaveRequestId> = rows.iter().map(|row| row.id).collect();
            let named: Vec<(LeaveRequestId, EnrollmentId)> = leave_enrollments::table
                .filter(leave_enrollments::leave_request_id.eq_any(ids))
                .select((leave_enrollments::leave_request_id, leave_enrollments::enrollment_id))
                .load(conn)?;
            let mut named = grouped(named);
            let named: Vec<BTreeSet<EnrollmentId>> =
                rows.iter().map(|row| named.remove(&row.id).unwrap_or_default().into_iter().collect()).collect();
            let page: Vec<(LeaveRequestId, Whole<'_>)> =
                rows.iter().zip(&named).map(|(row, enrollment_ids)| (row.id, Whole { row, enrollment_ids })).collect();
            let unlike = journal::unlike::<Map<String, Value>, _>(conn, &page, &WHOLE)?;
            Ok(unlike.into_iter().map(|(id, how)| format!("leave: request {id} {how}")).collect())
        },
    )?;
    findings.extend(steps(conn)?);
    Ok(findings)
}

#[derive(QueryableByName)]
struct Stray {
    #[diesel(sql_type = Uid)]
    id: LeaveRequestId,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Text)]
    fault: String,
}

/// The steps that the journal does not know, those that are missing, and the requests that are in no state to which a step led last.
fn steps(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let strays: Vec<Stray> = sql_query(
        "SELECT s.leave_request_id AS id, s.to_state AS state, 'has a step of which the journal does not know, to ' AS fault
         FROM leave_steps s WHERE NOT EXISTS (SELECT 1 FROM journal_entries j WHERE j.subject_id = s.leave_request_id
            AND j.action = 'leave.' || s.to_state AND j.recorded_at = s.recorded_at)
         UNION ALL
         SELECT j.subject_id, j.action, 'has no step for the entry that the journal has of it, '
         FROM journal_entries j WHERE j.action LIKE 'leave.%' AND NOT EXISTS (SELECT 1 FROM leave_steps s
            WHERE s.leave_request_id = j.subject_id AND 'leave.' || s.to_state = j.action AND s.recorded_at = j.recorded_at)
         UNION ALL
         SELECT r.id, r.state, 'came by no step to where it stands, ' FROM leave_requests r
         WHERE NOT EXISTS (SELECT 1 FROM leave_steps s WHERE s.leave_request_id = r.id AND s.to_state = r.state)
            OR EXISTS (SELECT 1 FROM leave_steps s WHERE s.leave_request_id = r.id AND s.from_state = r.state)
         ORDER BY 1, 2, 3",
    )
    .load(conn)?;
    let says = |Stray { id, state, fault }: Stray| format!("leave: request {id} {fault}{state}");
    Ok(strays.into_iter().map(says).collect())
}
