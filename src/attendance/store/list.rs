//! The roll calls that can be called, of many sessions: what is not closed is the daily list.

use std::collections::{HashMap, HashSet};

use diesel::{
    dsl::{count, count_star, exists, not},
    prelude::*,
};

use super::super::model::{CloseRefused, RollCallFilter, RollCallState, RollCallSummary};
use crate::{
    access::{Action, Actor, Scope, advised},
    clock::Instant,
    db::{Conn, MultiBackend},
    enrollments::enrolled_at,
    error::Error,
    intakes::{IntakeId, IntakeState},
    schedule::{self, Cursor, Session, SessionId, SessionRow, SessionState, begins_at},
    schema::{attendances, enrollment_periods, guests, intakes, roll_calls, session_cohorts, sessions},
};

/// The roll calls of the sessions that have begun by now, by planned start, after `cursor`.
///
/// # Errors
/// 400 without an intake, unless only what is open is asked for: the closed ones of all intakes grow for ever.
pub(in crate::attendance) fn list(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    filter: &RollCallFilter,
    (cursor, limit): (Option<Cursor>, i64),
) -> Result<Vec<RollCallSummary>, Error> {
    actor.may(Action::ReadRollCall)?;
    if filter.intake_id.is_none() && filter.only_open() != Some(true) {
        return Err(Error::malformed("intake_missing", "intake_id: say of which intake, or ask for what is open"));
    }
    let mut query = narrowed(schedule::visible(actor), filter)
        .filter(sessions::state.eq_any([SessionState::Published, SessionState::Held]))
        .filter(sessions::starts_at.le(now).or(sessions::state.eq(SessionState::Held)))
        .order((sessions::starts_at, sessions::id))
        .limit(limit);
    if let Some(Cursor { starts_at, id }) = cursor {
        let after = sessions::starts_at.gt(starts_at).or(sessions::starts_at.eq(starts_at).and(sessions::id.gt(id)));
        query = query.filter(sessions::starts_at.ge(starts_at)).filter(after);
    }
    let rows = query.select(SessionRow::as_select()).load(conn)?;
    let ids: Vec<SessionId> = rows.iter().map(|row| row.id).collect();
    let mut standing = standing(conn, actor, &ids)?;
    let counts = counts(conn, actor, ids)?;
    let intakes: HashSet<IntakeId> = rows.iter().map(|row| row.intake_id).collect();
    let columns = (intakes::id, (intakes::roll_call_due_hours, intakes::close_after_hours));
    let settings = intakes::table.filter(intakes::id.eq_any(intakes)).select(columns).load::<(IntakeId, Delays)>(conn)?;
    let settings: HashMap<IntakeId, Delays> = settings.into_iter().collect();
    let summary = |session: Session| {
        let (id, (due_hours, close_after)) = (session.row.id, settings.get(&session.row.intake_id).copied().unwrap_or_default());
        let (state, refused) = standing.remove(&id).unwrap_or((RollCallState::NotOpen, None));
        // Where the intake closes none by itself any more, none is refused.
        let refused = refused.filter(|_| close_after.is_some());
        // Nobody owes a session of which nothing was counted.
        RollCallSummary::new(session, (state, refused), counts.get(&id).copied().unwrap_or((0, 0)), (due_hours, now))
    };
    Ok(schedule::whole(conn, rows)?.into_iter().map(summary).collect())
}

/// Those of the sessions whose roll calls are asked for. Where nobody has called the roll, there is none yet.
fn narrowed(mut query: Sessions, filter: &RollCallFilter) -> Sessions {
    let own = || roll_calls::table.filter(roll_calls::session_id.eq(sessions::id));
    if let Some(intake) = filter.intake_id {
        query = query.filter(sessions::intake_id.eq(intake));
    }
    if let Some(code) = filter.code.clone() {
        query = query.filter(sessions::code.eq(code));
    }
    if filter.only_open() == Some(true) {
        // An intake is completed once every roll call in it is closed, and they stay closed: those of the past cost nothing.
        let live = intakes::table.filter(intakes::state.ne(IntakeState::Completed)).select(intakes::id);
        query = query.filter(sessions::intake_id.eq_any(live));
    }
    query = match filter.open {
        Some(true) => query.filter(not(exists(own().filter(roll_calls::state.eq(RollCallState::Closed))))),
        Some(false) => query.filter(exists(own().filter(roll_calls::state.eq(RollCallState::Closed)))),
        None => query,
    };
    match filter.state {
        Some(RollCallState::NotOpen) => query.filter(not(exists(own().filter(roll_calls::state.ne(RollCallState::NotOpen))))),
        Some(state) => query.filter(exists(own().filter(roll_calls::state.eq(state)))),
        None => query,
    }
}

/// After how many hours the roll calls of an intake are due, and after how many they close by themselves.
type Delays = (Option<i32>, Option<i32>);

type Sessions = sessions::BoxedQuery<'static, MultiBackend>;

/// Why a roll call did not close by itself, as stored.
type Refusal = (Option<String>, Option<String>, Option<Instant>);

type Standing = HashMap<SessionId, (RollCallState, Option<CloseRefused>)>;

/// Where each of these roll calls stands, and why it did not close by itself.
fn standing(conn: &mut Conn, actor: &Actor, ids: &[SessionId]) -> Result<Standing, Error> {
    let refused = (roll_calls::close_refused_code, roll_calls::close_refused_detail, roll_calls::close_refused_at);
    let found = roll_calls::table.filter(roll_calls::session_id.eq_any(ids.to_vec()));
    let rows: Vec<(SessionId, RollCallState, Refusal)> = found.select((roll_calls::session_id, roll_calls::state, refused)).load(conn)?;
    let sees_detail = matches!(actor.scope(), Scope::Everything | Scope::Provider(_));
    let refused = |(code, detail, at): Refusal| Some(CloseRefused { code: code?, detail: detail.filter(|_| sees_detail), at: at? });
    Ok(rows.into_iter().map(|(id, state, columns)| (id, (state, refused(columns)))).collect())
}

/// How many are to be called in each of these sessions, and how many of them were; to a class adviser, of the own cohorts and guests.
fn counts(conn: &mut Conn, actor: &Actor, ids: Vec<SessionId>) -> Result<HashMap<SessionId, (i64, i64)>, Error> {
    let line = attendances::session_id.eq(sessions::id).and(attendances::enrollment_id.eq(enrollment_periods::enrollment_id));
    let mut query = sessions::table
        .inner_join(session_cohorts::table.on(session_cohorts::session_id.eq(sessions::id)))
        .inner_join(enrollment_periods::table.on(enrollment_periods::cohort_id.eq(session_cohorts::cohort_id.nullable())))
        .left_join(attendances::table.on(line))
        .filter(sessions::id.eq_any(ids.clone()))
        .filter(enrolled_at(begins_at()))
        .group_by(sessions::id)
        .select((sessions::id, count_star(), count(attendances::code.nullable())))
        .into_boxed();
    if let Scope::Adviser(person, provider) = actor.scope() {
        query = query.filter(session_cohorts::cohort_id.eq_any(advised(person, provider)));
    }
    let rows: Vec<(SessionId, i64, i64)> = query.load(conn)?;
    let mut counts: HashMap<SessionId, (i64, i64)> = rows.into_iter().map(|(id, expected, called)| (id, (expected, called))).collect();
    let line = attendances::session_id.eq(guests::session_id).and(attendances::enrollment_id.eq(guests::enrollment_id));
    let invited: Vec<(SessionId, i64, i64)> = sessions::table
        .inner_join(guests::table.on(guests::session_id.eq(sessions::id)))
        .inner_join(enrollment_periods::table.on(enrollment_periods::enrollment_id.eq(guests::enrollment_id)))
        .left_join(attendances::table.on(line))
        .filter(sessions::id.eq_any(ids))
        .filter(enrolled_at(begins_at()))
        // Whoever owes it by now is counted already.
        .filter(not(exists(
            session_cohorts::table
                .filter(session_cohorts::session_id.eq(sessions::id))
                .filter(session_cohorts::cohort_id.nullable().eq(enrollment_periods::cohort_id)),
        )))
        .group_by(sessions::id)
        .select((sessions::id, count_star(), count(attendances::code.nullable())))
        .load(conn)?;
    for (id, expected, called) in invited {
        let counted = counts.entry(id).or_default();
        *counted = (counted.0 + expected, counted.1 + called);
    }
    Ok(counts)
}
