//! What `muster verify` holds against the journal of roll calls: where they stand, since when, and why they were opened again.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{prelude::*, sql_query};
use serde::{Deserialize, Serialize};

use super::{
    super::model::{RollCallRow, RollCallState},
    evidence::CHANGED,
    marks::{INVITED, PUT},
};
use crate::{
    clock::Instant,
    db::{self, Conn, types::Uid},
    error::Error,
    journal,
    schedule::SessionId,
    schema::{journal_entries, roll_calls},
    text::Note,
};

/// Roll calls in one look.
const PAGE: i64 = 500;

/// The entries of the journal that say where a roll call stands from then on.
const STEPS: [&str; 3] = ["roll_call.submitted", "roll_call.closed", "roll_call.reopened"];

/// Where a roll call stands. How often it was closed is held by the check of closings; its version is raised by whoever calls it as well, of
/// which no step tells.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Told")]
struct Standing {
    state: RollCallState,
    posted_starts_at: Option<Instant>,
    posted_ends_at: Option<Instant>,
    posted_minutes: Option<i32>,
    submitted_at: Option<Instant>,
    closed_at: Option<Instant>,
    corrections_until: Option<Instant>,
    reopen_reason: Option<Note>,
}

/// What an entry says of it: a closing among other things, and the others nothing else.
#[derive(Deserialize)]
#[serde(untagged)]
enum Told {
    Among { roll_call: Row },
    Alone(Row),
}

#[derive(Deserialize)]
struct Row {
    state: RollCallState,
    posted_starts_at: Option<Instant>,
    posted_ends_at: Option<Instant>,
    posted_minutes: Option<i32>,
    submitted_at: Option<Instant>,
    closed_at: Option<Instant>,
    corrections_until: Option<Instant>,
    reopen_reason: Option<Note>,
}

impl From<Told> for Standing {
    fn from(told: Told) -> Self {
        let (Told::Among { roll_call: row } | Told::Alone(row)) = told;
        let Row { state, posted_starts_at, posted_ends_at, posted_minutes, submitted_at, closed_at, corrections_until, reopen_reason } =
            row;
        Self { state, posted_starts_at, posted_ends_at, posted_minutes, submitted_at, closed_at, corrections_until, reopen_reason }
    }
}

/// Holds where each roll call stands against the last step of it that the journal knows. One that has only been called is open; one
/// to which guests were only invited is not; and one that somebody called is there.
pub fn verify_standing(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let some = |conn: &mut Conn, after: SessionId| {
        let after = roll_calls::table.filter(roll_calls::session_id.gt(after)).order(roll_calls::session_id).limit(PAGE);
        after.select((roll_calls::session_id, RollCallRow::as_select())).load(conn)
    };
    let mut findings = db::in_pages(conn, some, |(id, _)| *id, unlike_the_journal)?;
    let gone: Vec<Gone> = sql_query(
        "SELECT DISTINCT j.subject_id AS id FROM journal_entries j WHERE j.action = 'roll_call.put'
            AND NOT EXISTS (SELECT 1 FROM roll_calls r WHERE r.session_id = j.subject_id)",
    )
    .load(conn)?;
    findings.extend(gone.into_iter().map(|Gone { id }| format!("roll-calls: that of session {id} is gone, and the journal knows it")));
    Ok(findings)
}

#[derive(QueryableByName)]
struct Gone {
    #[diesel(sql_type = Uid)]
    id: SessionId,
}

fn unlike_the_journal(conn: &mut Conn, page: Vec<(SessionId, RollCallRow)>) -> Result<Vec<String>, Error> {
    let told = actions(conn, page.iter().map(|(id, _)| *id).collect())?;
    let is_told = |id: &SessionId, of: &[&str]| told.get(id).is_some_and(|told| told.iter().any(|action| of.contains(&action.as_str())));
    let (stepped, called): (Vec<_>, Vec<_>) = page.into_iter().partition(|(id, _)| is_told(id, &STEPS));
    let mut findings = Vec::new();
    for (id, row) in called {
        let RollCallRow { state, posted_minutes, submitted_at, closed_at, corrections_until, reopen_reason, .. } = row;
        let is_untouched = posted_minutes.is_none()
            && submitted_at.is_none()
            && closed_at.is_none()
            && corrections_until.is_none()
            && reopen_reason.is_none();
        let begun = if is_told(&id, &[PUT, CHANGED]) { RollCallState::Open } else { RollCallState::NotOpen };
        if !is_told(&id, &[PUT, CHANGED, INVITED]) {
            findings.push(format!("roll-calls: that of session {id} is not in the journal"));
        } else if !(state == begun && is_untouched) {
            findings.push(format!("roll-calls: that of session {id} is {state}, but the journal knows of no step, so that it is {begun}"));
        }
    }
    let unlike = journal::unlike::<Standing, _>(conn, &stepped, &STEPS)?;
    findings.extend(unlike.into_iter().map(|(id, how)| format!("roll-calls: that of session {id} {how}")));
    Ok(findings)
}

/// What the journal says was done to each of these roll calls.
fn actions(conn: &mut Conn, ids: Vec<SessionId>) -> Result<BTreeMap<SessionId, BTreeSet<String>>, Error> {
    let rows: Vec<(SessionId, String)> = journal_entries::table
        .filter(journal_entries::subject_id.eq_any(ids))
        .filter(journal_entries::action.eq_any(STEPS.into_iter().chain([PUT, CHANGED, INVITED]).collect::<Vec<_>>()))
        .select((journal_entries::subject_id, journal_entries::action))
        .distinct()
        .load(conn)?;
    let mut told: BTreeMap<SessionId, BTreeSet<String>> = BTreeMap::new();
    for (id, action) in rows {
        told.entry(id).or_default().insert(action);
    }
    Ok(told)
}
