//! What `muster verify` holds against the journal of roll calls: their marks as they stand, and as they stood when they were last closed.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{dsl::sum, prelude::*};
use serde::Deserialize;

use super::{
    super::{
        model::{Attendance, AttendanceCode, AttendanceMode, LineSource, RollCallState},
        segments::Segments,
    },
    verify::{CHUNK, Line},
};
use crate::{
    db::{self, Conn},
    enrollments::EnrollmentId,
    error::Error,
    ledger::EntryKind,
    schedule::SessionId,
    schema::{attendances, guests, hour_entries, journal_entries, journal_payloads, roll_calls},
    text::Note,
};

/// A mark as the journal has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Mark {
    enrollment_id: EnrollmentId,
    code: AttendanceCode,
    minutes: Option<i32>,
    mode: Option<AttendanceMode>,
    note: Option<Note>,
    segments: Option<Segments>,
    source: LineSource,
    leave_minutes: Option<i32>,
}

impl From<Attendance> for Mark {
    fn from(line: Attendance) -> Self {
        let Attendance { enrollment_id, code, minutes, mode, note, segments, source, leave_minutes, .. } = line;
        Self { enrollment_id, code, minutes, mode, note, segments, source, leave_minutes }
    }
}

type Marks = BTreeMap<EnrollmentId, Mark>;

pub(super) const PUT: &str = "roll_call.put";
const CLOSED: &str = "roll_call.closed";
pub(super) const INVITED: &str = "guest.invited";
const DISMISSED: &str = "guest.dismissed";

/// What the entry about a roll call that was put says: the lines that went and those that came.
#[derive(Deserialize)]
struct Put {
    from: Vec<Mark>,
    to: Vec<Mark>,
}

/// Of one that was closed: the lines that were taken out because nobody owed them any more, and who was a guest.
#[derive(Deserialize)]
struct Closed {
    from: TakenOut,
    to: Facts,
}

/// Of a guest who was dismissed: the line that went along.
#[derive(Deserialize)]
struct Dismissed {
    from: Guest,
}

#[derive(Deserialize)]
struct Facts {
    guests: BTreeSet<EnrollmentId>,
    as_held: Vec<Mark>,
}

/// A guest who was invited.
#[derive(Deserialize)]
struct Invited {
    to: Invitation,
}

/// Who comes, and the session that they make up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Invitation {
    enrollment_id: EnrollmentId,
    missed_session_id: SessionId,
}

/// A guest who was dismissed, with the mark if they had been called.
#[derive(Deserialize)]
struct Guest {
    guest: Invitation,
    mark: Option<Mark>,
}

#[derive(Deserialize)]
struct TakenOut {
    taken_out: Vec<Mark>,
    guests_taken_out: Vec<Invitation>,
}

/// The marks of one roll call as its entries leave them.
#[derive(Clone, Debug, Default)]
struct Replayed {
    now: Marks,
    /// When it was last closed.
    closed: Marks,
    /// Who was a guest then.
    guests: BTreeSet<EnrollmentId>,
    /// Who is one now.
    invited: BTreeSet<Invitation>,
    /// An entry says nothing any more, as after an erasure.
    is_silent: bool,
    is_unreadable: bool,
}

/// What one entry says: the lines that went and those that came, so of guests, and who was a guest if it closed the roll call.
#[derive(Default)]
struct Heard {
    gone: Vec<Mark>,
    come: Vec<Mark>,
    dismissed: Vec<Invitation>,
    invited: Option<Invitation>,
    closed_with: Option<BTreeSet<EnrollmentId>>,
}

fn heard(action: &str, body: &str) -> serde_json::Result<Heard> {
    Ok(match action {
        PUT => {
            let Put { from, to } = serde_json::from_str(body)?;
            Heard { gone: from, come: to, ..Heard::default() }
        }
        CLOSED => {
            let Closed { from: TakenOut { taken_out, guests_taken_out }, to: Facts { guests, as_held } } = serde_json::from_str(body)?;
            Heard { gone: taken_out, come: as_held, dismissed: guests_taken_out, closed_with: Some(guests), invited: None }
        }
        INVITED => {
            let Invited { to } = serde_json::from_str(body)?;
            Heard { invited: Some(to), ..Heard::default() }
        }
        _ => {
            let Dismissed { from: Guest { guest, mark } } = serde_json::from_str(body)?;
            Heard { gone: mark.into_iter().collect(), dismissed: vec![guest], ..Heard::default() }
        }
    })
}

impl Replayed {
    fn hear(&mut self, action: &str, body: Option<&str>) {
        let Some(body) = body else {
            self.is_silent = true;
            return;
        };
        let Ok(Heard { gone, come, dismissed, invited, closed_with }) = heard(action, body) else {
            self.is_unreadable = true;
            return;
        };
        for mark in gone {
            self.now.remove(&mark.enrollment_id);
        }
        self.now.extend(come.into_iter().map(|mark| (mark.enrollment_id, mark)));
        self.invited.extend(invited);
        for guest in dismissed {
            self.invited.remove(&guest);
        }
        if let Some(guests) = closed_with {
            self.closed.clone_from(&self.now);
            self.guests = guests;
        }
    }
}

/// Holds the marks of each roll call against the journal; and what was posted for one that has been reopened, which stands until it is
/// closed again, against the marks of its last closing.
pub fn verify_marks(conn: &mut Conn) -> Result<Vec<String>, Error> {
    type Called = (SessionId, RollCallState, i32, Option<i32>);
    let called = |conn: &mut Conn, after: SessionId| {
        roll_calls::table
            .filter(roll_calls::session_id.gt(after))
            .order(roll_calls::session_id)
            .limit(CHUNK)
            .select((roll_calls::session_id, roll_calls::state, roll_calls::closings, roll_calls::posted_minutes))
            .load::<Called>(conn)
    };
    db::in_pages(
        conn,
        called,
        |(session, ..)| *session,
        |conn, called: Vec<Called>| {
            let mut findings = Vec::new();
            let ids: Vec<SessionId> = called.iter().map(|(session, ..)| *session).collect();
            let mut replayed = replay(conn, &ids)?;
            let mut stored = stored(conn, &ids)?;
            let mut invited = invited_to(conn, &ids)?;
            let mut posted = posted(conn, &ids)?;
            for (session, state, closings, posted_minutes) in called {
                let Replayed { now, closed, guests, invited: told, is_silent, is_unreadable } =
                    replayed.remove(&session).unwrap_or_default();
                if is_unreadable {
                    findings.push(format!("marks: what the journal says of the roll call of session {session} cannot be read"));
                }
                if is_silent || is_unreadable {
                    continue;
                }
                if told != invited.remove(&session).unwrap_or_default() {
                    findings.push(format!("marks: session {session} has other guests than the journal says"));
                }
                findings.extend(differing(session, now, stored.remove(&session).unwrap_or_default()));
                if closings > 0 && state != RollCallState::Closed {
                    let lines = lines(closed, &guests, posted.remove(&session).unwrap_or_default());
                    let faults = lines.into_iter().filter_map(|(id, line)| Some((id, line.fault(posted_minutes.unwrap_or(0))?)));
                    findings
                        .extend(faults.map(|(id, fault)| format!("marks: session {session}, enrollment {id}, as last closed: {fault}")));
                }
            }
            Ok(findings)
        },
    )
}

fn differing(session: SessionId, mut told: Marks, stored: Marks) -> Vec<String> {
    let mut findings = Vec::new();
    let said = |mark: Option<&Mark>| match mark {
        Some(Mark { code, minutes: Some(minutes), .. }) => format!("{code} with {minutes} minutes"),
        Some(Mark { code, .. }) => code.to_string(),
        None => "nothing".to_owned(),
    };
    let mut tell = |id: EnrollmentId, stands: Option<&Mark>, word: Option<&Mark>| {
        let (stands, word) = (said(stands), said(word));
        let finding = if stands == word {
            format!(
                "marks: session {session}, enrollment {id}: other segments, source, leave, mode or note of {stands} than the journal says"
            )
        } else {
            format!("marks: session {session}, enrollment {id}: the roll call says {stands}, the journal says {word}")
        };
        findings.push(finding);
    };
    for (id, mark) in stored {
        let word = told.remove(&id);
        if word.as_ref() != Some(&mark) {
            tell(id, Some(&mark), word.as_ref());
        }
    }
    for (id, mark) in told {
        tell(id, None, Some(&mark));
    }
    findings
}

type Posted = Vec<(EnrollmentId, EntryKind, i64)>;

fn lines(closed: Marks, guests: &BTreeSet<EnrollmentId>, posted: Posted) -> BTreeMap<EnrollmentId, Line> {
    let line = |(id, mark): (EnrollmentId, Mark)| {
        let is_guest = guests.contains(&id);
        (
            id,
            Line {
                called: Some((mark.code, mark.minutes, mark.leave_minutes.unwrap_or(0))),
                posted: Vec::new(),
                expected: !is_guest,
                is_guest,
            },
        )
    };
    let mut lines: BTreeMap<EnrollmentId, Line> = closed.into_iter().map(line).collect();
    for (id, kind, minutes) in posted {
        lines.entry(id).or_default().posted.push((kind, minutes));
    }
    lines
}

fn replay(conn: &mut Conn, ids: &[SessionId]) -> Result<BTreeMap<SessionId, Replayed>, Error> {
    let entries: Vec<(SessionId, String, Option<String>)> = journal_entries::table
        .left_join(journal_payloads::table.on(journal_payloads::entry_id.eq(journal_entries::id)))
        .filter(journal_entries::subject_id.eq_any(ids.to_vec()))
        .filter(journal_entries::action.eq_any([PUT, CLOSED, INVITED, DISMISSED]))
        .order(journal_entries::seq)
        .select((journal_entries::subject_id, journal_entries::action, journal_payloads::body.nullable()))
        .load(conn)?;
    let mut replayed: BTreeMap<SessionId, Replayed> = BTreeMap::new();
    for (session, action, body) in entries {
        replayed.entry(session).or_default().hear(&action, body.as_deref());
    }
    Ok(replayed)
}

fn stored(conn: &mut Conn, ids: &[SessionId]) -> Result<BTreeMap<SessionId, Marks>, Error> {
    let rows: Vec<Attendance> =
        attendances::table.filter(attendances::session_id.eq_any(ids.to_vec())).select(Attendance::as_select()).load(conn)?;
    let mut stored: BTreeMap<SessionId, Marks> = BTreeMap::new();
    for row in rows {
        stored.entry(row.session_id).or_default().insert(row.enrollment_id, row.into());
    }
    Ok(stored)
}

fn invited_to(conn: &mut Conn, ids: &[SessionId]) -> Result<BTreeMap<SessionId, BTreeSet<Invitation>>, Error> {
    let of_sessions = guests::table.filter(guests::session_id.eq_any(ids.to_vec()));
    let rows: Vec<(SessionId, EnrollmentId, SessionId)> =
        of_sessions.select((guests::session_id, guests::enrollment_id, guests::missed_session_id)).load(conn)?;
    let mut invited: BTreeMap<SessionId, BTreeSet<Invitation>> = BTreeMap::new();
    for (session, enrollment_id, missed_session_id) in rows {
        invited.entry(session).or_default().insert(Invitation { enrollment_id, missed_session_id });
    }
    Ok(invited)
}

/// What closings posted, without what was taken back in full.
fn posted(conn: &mut Conn, ids: &[SessionId]) -> Result<BTreeMap<SessionId, Posted>, Error> {
    let rows: Vec<(Option<SessionId>, EnrollmentId, EntryKind, Option<i64>)> = hour_entries::table
        .filter(hour_entries::session_id.eq_any(ids.iter().copied().map(Some).collect::<Vec<_>>()))
        .filter(hour_entries::closing.is_not_null())
        .group_by((hour_entries::session_id, hour_entries::enrollment_id, hour_entries::kind))
        .select((hour_entries::session_id, hour_entries::enrollment_id, hour_entries::kind, sum(hour_entries::minutes)))
        .load(conn)?;
    let mut posted: BTreeMap<SessionId, Posted> = BTreeMap::new();
    for (session, enrollment, kind, minutes) in rows {
        if let (Some(session), Some(minutes)) = (session, minutes.filter(|minutes| *minutes != 0)) {
            posted.entry(session).or_default().push((enrollment, kind, minutes));
        }
    }
    Ok(posted)
}
