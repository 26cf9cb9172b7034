//! What is to become of a session, or of it and the rest of its series; pure.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    model::{ChangeScope, Session, SessionRow},
    plan::{Plan, SessionPatch},
};
use crate::{
    clock::Instant,
    error::Error,
    http::{Patched, body::nullable},
    intakes::SessionMode,
    people::PersonId,
    rooms::RoomId,
    text::{Code, Note, TextFault, counted},
    zone::{EnteredTime, Zone},
};

fn entered(time: EnteredTime, zone: Zone, pointer: &str) -> Result<Instant, Error> {
    time.instant(zone).map_err(|unclear| Error::Invalid(vec![unclear.fault(pointer)]))
}

fn entered_if_said(time: Option<EnteredTime>, zone: Zone, pointer: &str) -> Result<Option<Instant>, Error> {
    time.map(|time| entered(time, zone, pointer)).transpose()
}

/// What `at` becomes, as many days and as much by the clock later as `from` becomes `to`.
///
/// # Errors
/// 422 with the code of the session if the clocks skip or show twice the time at which it would be.
fn shifted(zone: Zone, pointer: &str, code: &Code, at: Instant, (from, to): (Instant, Instant)) -> Result<Instant, Error> {
    if at == from {
        return Ok(to);
    }
    if from == to {
        return Ok(at);
    }
    let local = zone.local(at) + (zone.local(to) - zone.local(from));
    zone.instant(local).map_err(|unclear| Error::invalid(pointer, unclear.code(), format!("session {code}: {}", unclear.why())))
}

/// Where sessions are to be moved.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SessionMove {
    /// Of this session. Later ones move by as many days and as much by the clock, in the intake's time zone.
    pub starts_at: EnteredTime,
    /// The session stays as long as it is unless said.
    #[serde(default)]
    pub ends_at: Option<EnteredTime>,
    /// The room or online place that they are to occupy, or none; as it is unless said.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<RoomId>)]
    pub room_id: Patched<RoomId>,
    #[serde(default)]
    pub scope: ChangeScope,
    pub reason: Note,
}

impl SessionMove {
    /// What becomes of each of the sessions, of which this one is the first.
    ///
    /// # Errors
    /// 422 if the clocks skip or show twice the time at which one of them would be.
    pub(super) fn patches(&self, zone: Zone, sessions: &[Session]) -> Result<Vec<SessionPatch>, Error> {
        let Some(this) = sessions.first().map(|session| &session.row) else {
            return Ok(Vec::new());
        };
        let (new_start, new_end) = (entered(self.starts_at, zone, "/starts_at")?, entered_if_said(self.ends_at, zone, "/ends_at")?);
        let patch = |session: &Session| {
            let row = &session.row;
            let starts_at = shifted(zone, "/starts_at", &row.code, row.starts_at, (this.starts_at, new_start))?;
            let ends_at = match new_end {
                None => starts_at.plus(row.ends_at.utc() - row.starts_at.utc()),
                Some(ends_at) => shifted(zone, "/ends_at", &row.code, row.ends_at, (this.ends_at, ends_at))?,
            };
            Ok(SessionPatch {
                starts_at: Some(starts_at.into()),
                ends_at: Some(ends_at.into()),
                room_id: self.room_id,
                reason: Some(self.reason.clone()),
                ..SessionPatch::default()
            })
        };
        sessions.iter().map(patch).collect()
    }
}

/// By how much sessions are to end earlier: one of the two.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SessionCut {
    /// The new end of this session. Later ones end earlier by as many minutes.
    #[serde(default)]
    pub ends_at: Option<EnteredTime>,
    /// How many minutes earlier.
    #[serde(default)]
    #[schema(minimum = 1, example = 30)]
    pub minutes: Option<i32>,
    #[serde(default)]
    pub scope: ChangeScope,
    pub reason: Note,
}

impl SessionCut {
    /// What becomes of each of the sessions, of which this one is the first. The breaks stay.
    ///
    /// # Errors
    /// 422 for an end that is not earlier, and for one that leaves nothing of a session.
    pub(super) fn patches(&self, zone: Zone, sessions: &[Session]) -> Result<Vec<SessionPatch>, Error> {
        let ends_at = sessions.first().map(|session| session.row.ends_at);
        let by = match (entered_if_said(self.ends_at, zone, "/ends_at")?, self.minutes) {
            (Some(earlier), None) => ends_at.map_or_else(TimeDelta::zero, |ends_at| ends_at.utc() - earlier.utc()),
            (None, Some(minutes)) => TimeDelta::minutes(minutes.into()),
            (Some(_), Some(_)) | (None, None) => return Err(Error::invalid("/ends_at", "one_of_two", "send ends_at or minutes")),
        };
        let pointer = if self.ends_at.is_some() { "/ends_at" } else { "/minutes" };
        if by <= TimeDelta::zero() {
            return Err(Error::invalid(pointer, "not_earlier", "a session is cut to end earlier; to end it later, move it"));
        }
        let used_up = |row: &&SessionRow| by >= row.ends_at.utc() - row.starts_at.utc();
        if let Some(row) = sessions.iter().map(|session| &session.row).find(used_up) {
            let lasts = counted(row.starts_at.minutes_until(row.ends_at), "minute");
            let detail = format!("session {} lasts {lasts} only; cut fewer, or cancel it", row.code);
            return Err(Error::invalid(pointer, "no_minutes_left", detail));
        }
        let patch = |session: &Session| SessionPatch {
            ends_at: Some(session.row.ends_at.plus(-by).into()),
            reason: Some(self.reason.clone()),
            ..SessionPatch::default()
        };
        Ok(sessions.iter().map(patch).collect())
    }
}

/// Where sessions are to be parted.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SessionSplit {
    /// The end of the first part, which stays this session. The first parts of later ones last as long.
    pub at: EnteredTime,
    /// When the rest begins; at once unless said. That of later ones begins as many days and as much by the clock after their start, in the
    /// intake's time zone.
    #[serde(default)]
    pub resumes_at: Option<EnteredTime>,
    /// Of the session that the rest becomes; unique in the intake. With `scope` `rest` it is what follows the code of each session and a
    /// hyphen: `B` calls the rest of MET-01 MET-01-B.
    pub code: Code,
    #[serde(default)]
    pub scope: ChangeScope,
    pub reason: Note,
}

impl SessionSplit {
    /// What becomes of each of the sessions, of which this one is the first, and the session that takes over its rest. The breaks stay in
    /// the first part if they leave anything of it, else they go with the rest; what is taught comes to as many minutes as before.
    ///
    /// # Errors
    /// 422 for a time that is not within one of them, for one that the clocks skip or show twice, and for a code that becomes too long.
    pub(super) fn parts(&self, zone: Zone, sessions: &[Session]) -> Result<Vec<(SessionPatch, Plan)>, Error> {
        let Some(this) = sessions.first().map(|session| &session.row) else {
            return Ok(Vec::new());
        };
        let (at, resumes_at) = (entered(self.at, zone, "/at")?, entered_if_said(self.resumes_at, zone, "/resumes_at")?);
        let length = at.utc() - this.starts_at.utc();
        let apart = resumes_at.filter(|resumes_at| *resumes_at != at);
        let parted = |session: &Session| {
            let plan = session.plan();
            let at = Self::parted_at(zone, &plan, length)?;
            let resumes_at = match apart {
                None => at,
                Some(resumes_at) => shifted(zone, "/resumes_at", &plan.code, plan.starts_at, (this.starts_at, resumes_at))?,
            };
            if resumes_at < at {
                let detail = format!("session {}: the rest cannot begin before the first part ends", plan.code);
                return Err(Error::invalid("/resumes_at", "resumes_before", detail));
            }
            let breaks_stay = i64::from(plan.break_minutes) < plan.starts_at.minutes_until(at);
            let (first, second) = if breaks_stay { (plan.break_minutes, 0) } else { (0, plan.break_minutes) };
            let reason = Some(self.reason.clone());
            let patch = SessionPatch { ends_at: Some(at.into()), break_minutes: Some(first), reason, ..SessionPatch::default() };
            let ends_at = resumes_at.plus(plan.ends_at.utc() - at.utc());
            Ok((patch, Plan { code: self.code_after(&plan.code)?, starts_at: resumes_at, ends_at, break_minutes: second, ..plan }))
        };
        sessions.iter().map(parted).collect()
    }

    /// Where the first part of a session ends that is to last so long.
    fn parted_at(zone: Zone, plan: &Plan, length: TimeDelta) -> Result<Instant, Error> {
        let Plan { code, starts_at, ends_at, mode, .. } = plan;
        if *mode == SessionMode::Recorded {
            let detail = format!("session {code} is recorded and watched whenever one likes; it has no parts");
            return Err(Error::invalid("/at", "recorded", detail));
        }
        let at = starts_at.plus(length);
        if at <= *starts_at || at >= *ends_at {
            let detail = format!("session {code}: must be within {} and {}", zone.told(*starts_at), zone.told(*ends_at));
            return Err(Error::invalid("/at", "outside_session", detail));
        }
        Ok(at)
    }

    /// The code of what takes over the rest of a session.
    fn code_after(&self, code: &Code) -> Result<Code, Error> {
        if self.scope == ChangeScope::This {
            return Ok(self.code.clone());
        }
        let too_long = |fault: TextFault| Error::invalid("/code", fault.code, format!("the code of the rest of session {code} {fault}"));
        format!("{code}-{}", self.code).parse().map_err(too_long)
    }
}

/// Who is to teach instead of whom.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Substitution {
    /// Who teaches this session.
    pub instructor_id: PersonId,
    /// Who is to teach it; leads it if the other one did.
    pub by_instructor_id: PersonId,
    #[serde(default)]
    pub scope: ChangeScope,
    pub reason: Note,
}

impl Substitution {
    /// What becomes of each of the sessions, of which this one is the first. Later ones that the instructor does not teach stay.
    ///
    /// # Errors
    /// 422 if the instructor does not teach this one, or if the other teaches one of them already.
    pub(super) fn patches(&self, sessions: &[Session]) -> Result<Vec<SessionPatch>, Error> {
        let patch = |(index, session): (usize, &Session)| {
            let mut ids: Vec<PersonId> = session.instructors.iter().map(|instructor| instructor.id).collect();
            let Some(place) = ids.iter_mut().find(|id| **id == self.instructor_id) else {
                let detail = format!("does not teach session {}", session.row.code);
                return if index == 0 {
                    Err(Error::invalid("/instructor_id", "not_teaching", detail))
                } else {
                    Ok(SessionPatch::default())
                };
            };
            *place = self.by_instructor_id;
            if ids.iter().filter(|id| **id == self.by_instructor_id).count() > 1 || self.instructor_id == self.by_instructor_id {
                let detail = format!("teaches session {} already", session.row.code);
                return Err(Error::invalid("/by_instructor_id", "teaches_already", detail));
            }
            Ok(SessionPatch { instructor_ids: Some(ids), reason: Some(self.reason.clone()), ..SessionPatch::default() })
        };
        sessions.iter().enumerate().map(patch).collect()
    }
}
