//! The sessions that leave touches.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::prelude::*;

use super::{
    super::model::{LeaveRequestId, TouchedSession},
    granted::requested,
};
use crate::{
    access::Actor,
    clock::Instant,
    db::{CHUNK, Conn},
    enrollments::{EnrollmentId, UnsettledKind},
    error::Error,
    organizations::OrganizationId,
    people::PersonId,
    schedule::{self, SessionId, begins_at, finishes_at},
    schema::{enrollments as enrolled, leave_enrollments, leave_requests, sessions, unsettled_sessions},
    text::Code,
};

/// The sessions that each of these requests touches, as far as the actor sees them, by their start.
pub(super) fn touched(
    conn: &mut Conn,
    actor: &Actor,
    ids: Vec<LeaveRequestId>,
) -> Result<BTreeMap<LeaveRequestId, Vec<TouchedSession>>, Error> {
    let pairs = owed(conn, ids.clone())?;
    let unsettled = unsettled(conn, ids)?;
    let found: BTreeSet<SessionId> = pairs.iter().map(|(_, session)| *session).collect();
    let sessions = seen(conn, actor, &found.into_iter().collect::<Vec<_>>())?;
    let mut touched: BTreeMap<LeaveRequestId, Vec<TouchedSession>> = BTreeMap::new();
    for pair in pairs {
        let (request, id) = pair;
        if let Some((code, starts_at, ends_at)) = sessions.get(&id).cloned() {
            let session = TouchedSession { id, code, starts_at, ends_at, unsettled: unsettled.contains(&pair) };
            touched.entry(request).or_default().push(session);
        }
    }
    for sessions in touched.values_mut() {
        sessions.sort_by_key(|session| (session.starts_at, session.id));
    }
    Ok(touched)
}

// The tables once more: a query that has one in it cannot have it in a part of itself.
diesel::alias! {
    pub(super) const ASKED: Alias<Asked> = leave_requests as asked;
    pub(super) const LISTED: Alias<Listed> = leave_enrollments as listed;
}

/// The requests ([`ASKED`]) with the sessions that take place while the leave lasts and that somebody of the request owes. A macro, as the
/// type of so many joins is one that nobody wants to write.
macro_rules! owed_meanwhile {
    () => {{
        use $crate::{
            enrollments::enrolled_at,
            intakes::SessionMode,
            leave::store::{
                granted::{NAMED, OF_THE_SAME},
                sessions::{ASKED, LISTED},
            },
            schedule::{SessionState, begins_at, finishes_at},
            schema::{enrollment_periods, enrollments as enrolled, leave_enrollments, leave_requests, session_cohorts, sessions},
        };

        let same_person = OF_THE_SAME.field(enrolled::person_id).eq(NAMED.field(enrolled::person_id));
        let same_intake = OF_THE_SAME.field(enrolled::intake_id).eq(NAMED.field(enrolled::intake_id));
        let same_sponsor = OF_THE_SAME.field(enrolled::sponsor_id).eq(NAMED.field(enrolled::sponsor_id));
        ASKED
            .inner_join(LISTED.on(LISTED.field(leave_enrollments::leave_request_id).eq(ASKED.field(leave_requests::id))))
            .inner_join(NAMED.on(NAMED.field(enrolled::id).eq(LISTED.field(leave_enrollments::enrollment_id))))
            .inner_join(OF_THE_SAME.on(same_person.and(same_intake).and(same_sponsor)))
            .inner_join(enrollment_periods::table.on(enrollment_periods::enrollment_id.eq(OF_THE_SAME.field(enrolled::id))))
            .inner_join(session_cohorts::table.on(session_cohorts::cohort_id.nullable().eq(enrollment_periods::cohort_id)))
            .inner_join(sessions::table.on(sessions::id.eq(session_cohorts::session_id)))
            .filter(sessions::state.eq_any([SessionState::Published, SessionState::Held]))
            .filter(sessions::mode.ne(SessionMode::Recorded))
            .filter(enrolled_at(begins_at()))
            .filter(ASKED.field(leave_requests::starts_at).lt(finishes_at()))
            .filter(ASKED.field(leave_requests::ends_at).gt(begins_at()))
    }};
}

/// The requests ([`ASKED`]), and those of them ([`LISTED`]), that touch a session that `$person` teaches for `$provider`. In other words than
/// those of [`crate::access::taught`], which would name the sessions once more; drafts are left out above.
macro_rules! touching_taught {
    ($person:expr, $provider:expr) => {{
        use $crate::{
            access::provided,
            schema::{session_instructors, sessions},
        };
        let own = session_instructors::table.filter(session_instructors::person_id.eq($person)).select(session_instructors::session_id);
        $crate::leave::store::sessions::owed_meanwhile!()
            .filter(sessions::id.eq_any(own))
            .filter(sessions::intake_id.eq_any(provided($provider)))
    }};
}
pub(super) use {owed_meanwhile, touching_taught};

/// Those named in these requests who owe a session that `person` teaches meanwhile.
pub(super) fn named_in_taught(
    conn: &mut Conn,
    (person, provider): (PersonId, OrganizationId),
    ids: Vec<LeaveRequestId>,
) -> Result<BTreeSet<(LeaveRequestId, EnrollmentId)>, Error> {
    let id = ASKED.field(leave_requests::id);
    let named = touching_taught!(person, provider).filter(id.eq_any(ids)).select((id, LISTED.field(leave_enrollments::enrollment_id)));
    let pairs: Vec<(LeaveRequestId, EnrollmentId)> = named.distinct().load(conn)?;
    Ok(pairs.into_iter().collect())
}

/// The sessions that take place while leave lasts and that somebody of the request owes.
fn owed(conn: &mut Conn, ids: Vec<LeaveRequestId>) -> Result<BTreeSet<(LeaveRequestId, SessionId)>, Error> {
    let id = ASKED.field(leave_requests::id);
    let of_requests = owed_meanwhile!().filter(id.eq_any(ids)).select((id, sessions::id));
    let pairs: Vec<(LeaveRequestId, SessionId)> = of_requests.distinct().load(conn)?;
    Ok(pairs.into_iter().collect())
}

/// The sessions whose postings are not what the leave of somebody in these requests comes to by now.
fn unsettled(conn: &mut Conn, ids: Vec<LeaveRequestId>) -> Result<BTreeSet<(LeaveRequestId, SessionId)>, Error> {
    let pairs: Vec<(LeaveRequestId, SessionId)> = requested!()
        .inner_join(unsettled_sessions::table.on(unsettled_sessions::enrollment_id.eq(enrolled::id)))
        .filter(leave_requests::id.eq_any(ids))
        .filter(unsettled_sessions::kind.eq(UnsettledKind::Leave))
        .select((leave_requests::id, unsettled_sessions::session_id))
        .load(conn)?;
    Ok(pairs.into_iter().collect())
}

type Seen = HashMap<SessionId, (Code, Instant, Instant)>;

fn seen(conn: &mut Conn, actor: &Actor, ids: &[SessionId]) -> Result<Seen, Error> {
    let mut seen = Seen::new();
    for chunk in ids.chunks(CHUNK) {
        let rows: Vec<(SessionId, Code, Instant, Instant)> = schedule::visible(actor)
            .filter(sessions::id.eq_any(chunk.to_vec()))
            .select((sessions::id, sessions::code, begins_at(), finishes_at()))
            .load(conn)?;
        seen.extend(rows.into_iter().map(|(id, code, starts_at, ends_at)| (id, (code, starts_at, ends_at))));
    }
    Ok(seen)
}
