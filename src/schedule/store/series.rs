//! The table of series, and the sessions that one makes.

use std::{
    collections::{BTreeMap, HashMap},
    ops::RangeInclusive,
};

use chrono::NaiveDate;
use diesel::{dsl::count_star, prelude::*};

use super::{
    super::candidates::{Candidate, Candidates},
    super::model::{SeriesId, SeriesRow, Session, SessionId, SessionRow, SessionState},
    super::plan::Plan,
    super::rules::{Frame, check_instructors, laid_out},
    super::series::{Drawn, LaidOut, NewSeries, Series, SessionOfSeries, SessionsByState, SkipReason, Slot, WholeSeries, occurrences},
    admit, changing,
    check::checked,
    draft, frame, insert,
    links::whole,
    plan::{planned_minutes, taken_of},
    steps::publish_these,
    visible,
};
use crate::{
    access::{Action, Actor},
    calendars,
    clock::Instant,
    db::Conn,
    error::Error,
    id::Id,
    intakes::{self, CohortId, CohortRow, Intake, IntakeId},
    journal::NewEntry,
    programs::ModuleId,
    schema::{series, sessions},
    text::{Code, counted, listed},
};

/// Series in one look of `muster verify`.
const PAGE: i64 = 500;

/// What a series would come to; stores nothing.
///
/// # Errors
/// As [`create`].
pub(in crate::schedule) fn preview(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake_id: IntakeId,
    new: NewSeries,
) -> Result<LaidOut, Error> {
    let intake = intakes::find(conn, actor, intake_id)?;
    actor.may(Action::WriteSchedule)?;
    intake.check_live()?;
    let frame = frame(conn, &intake)?;
    let ready = ready(conn, actor, &intake, &frame, new)?;
    lay_out(conn, actor, now, &intake, ready, None, &[])
}

/// Schedules the sessions of a series as drafts, until the module's hours are used up.
///
/// # Errors
/// 404 for an instructor or room that the actor's provider does not see; 409 `already_exists` for a code that is taken,
/// `nothing_to_schedule` and `intake_not_live`; 422 with pointers.
pub(in crate::schedule) fn create(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake_id: IntakeId,
    new: NewSeries,
) -> Result<LaidOut, Error> {
    let intake = changing(conn, actor, intake_id)?;
    let frame = frame(conn, &intake)?;
    let ready = ready(conn, actor, &intake, &frame, new)?;
    let made_from = serde_json::to_string(&ready.made_from).map_err(Error::internal)?;
    let row = SeriesRow { id: Id::generate(), intake_id, code: ready.made_from.code.clone(), made_from, created_at: now };
    diesel::insert_into(series::table).values(&row).execute(conn)?;
    actor.record(NewEntry::of("series.created", "series", row.id).provider(intake.provider_id).intake(intake_id).to(&ready.made_from));
    let drafts = ready.plans.iter().zip(&ready.drawn.occurrences);
    let drafts = drafts.map(|(plan, one)| SessionRow { series_id: Some(row.id), ..draft(&intake, now, plan, one.minutes) });
    let sessions = insert(conn, actor, &intake, drafts.collect(), &ready.plans)?;
    lay_out(conn, actor, now, &intake, ready, Some(row.id), &sessions)
}

/// A series that can be stored.
struct Ready {
    made_from: NewSeries,
    drawn: Drawn,
    plans: Vec<Plan>,
    taken_before: String,
}

fn ready(conn: &mut Conn, actor: &Actor, intake: &Intake, frame: &Frame, new: NewSeries) -> Result<Ready, Error> {
    let intended = new.within(intake);
    let new = &intended.new;
    let mut faults = check_instructors(&new.instructor_ids);
    faults.extend(frame.check_cohorts(new.module_id, &new.cohort_ids));
    faults.extend(intended.faults(intake));
    Error::unless_valid(faults)?;
    let (left, taken_before) = left(conn, intake, new.module_id, &new.cohort_ids)?;
    let days_off = days_off(conn, intake, &intended.days, &new.skip)?;
    let drawn = occurrences(&new.pattern, intake.time_zone, intended.days.clone(), &days_off, frame.days.until, left);
    if drawn.occurrences.is_empty() {
        return Err(nothing(&drawn, &new.pattern, taken_before));
    }
    let own = series::table.filter(series::intake_id.eq(intake.id)).filter(series::code.eq(&new.code));
    if own.count().get_result::<i64>(conn)? > 0 {
        return Err(Error::conflict("already_exists", format!("the intake has a series {} already", new.code)));
    }
    let plans = intended.plans(&drawn.occurrences)?;
    admit(conn, actor, intake, &plans)?;
    Ok(Ready { made_from: intended.new, drawn, plans, taken_before })
}

/// The days on which nothing of a series takes place, each with the reason: those of the intake's calendar and those of the request.
fn days_off(
    conn: &mut Conn,
    intake: &Intake,
    days: &RangeInclusive<NaiveDate>,
    skip: &[NaiveDate],
) -> Result<BTreeMap<NaiveDate, (SkipReason, String)>, Error> {
    let off = match intake.holiday_calendar_id {
        Some(calendar) => calendars::days_off(conn, calendar, &days.start().iter_days().take_while(|day| day <= days.end()).collect())?.1,
        None => BTreeMap::new(),
    };
    let by_calendar = off.into_iter().map(|(date, why)| (date, (SkipReason::DayOff, why)));
    let by_request = skip.iter().map(|date| (*date, (SkipReason::LeftOut, "left out by the request".to_owned())));
    Ok(by_calendar.chain(by_request).collect())
}

/// The minutes of a module for which some of these cohorts, the one that has least left, has no session yet, and what both are called.
/// Drafts count, so that a second series goes on where a first one, not published yet, ends.
fn left(conn: &mut Conn, intake: &Intake, module: ModuleId, cohorts: &[CohortId]) -> Result<(i64, String), Error> {
    let (code, planned) = planned_minutes(conn, intake)?.remove(&module).ok_or(Error::NotFound)?;
    let taken = taken_of(conn, intake, vec![module])?.into_iter().map(|(_, taken)| taken).collect();
    let laid_out = laid_out(taken);
    let taken = |cohort: &CohortRow| laid_out.get(&(cohort.id, module)).copied().unwrap_or(0);
    let most = intakes::cohorts_of(conn, intake.id)?.into_iter().filter(|one| cohorts.contains(&one.id)).max_by_key(taken);
    let most = most.ok_or(Error::NotFound)?;
    let of_plan = format!("{} of {} of module {code}", taken(&most), counted(planned, "planned minute"));
    Ok((planned - taken(&most), format!("cohort {} has {of_plan} in sessions already, drafts among them", most.code)))
}

fn nothing(drawn: &Drawn, pattern: &[Slot], taken_before: String) -> Error {
    let detail = if drawn.minutes_left == 0 {
        taken_before
    } else if drawn.skipped.is_empty() {
        format!("none of the days is a {}", listed(pattern.iter().map(|slot| slot.weekday.as_str())))
    } else {
        let days: Vec<String> = drawn.skipped.iter().map(|one| format!("{} {}: {}", one.date, one.starts, one.detail)).collect();
        format!("every time of the pattern is skipped: {}", listed(days.iter().map(String::as_str)))
    };
    Error::conflict("nothing_to_schedule", detail)
}

/// Tells of a series what it comes to; of one that is stored with its sessions.
fn lay_out(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake: &Intake,
    ready: Ready,
    id: Option<SeriesId>,
    stored: &[Session],
) -> Result<LaidOut, Error> {
    let Ready { made_from: NewSeries { code, .. }, drawn, plans, taken_before } = ready;
    let mut told = Vec::with_capacity(plans.len());
    let mut candidates = Vec::with_capacity(plans.len());
    for (index, (plan, one)) in plans.into_iter().zip(&drawn.occurrences).enumerate() {
        let session = stored.get(index);
        told.push(SessionOfSeries {
            id: session.map(|session| session.row.id),
            code: plan.code.clone(),
            starts_at: one.starts_at,
            ends_at: one.ends_at,
            break_minutes: one.break_minutes,
            minutes: one.minutes,
        });
        candidates.push(Candidate::of(session, plan, one.minutes).at(format!("/sessions/{index}")));
    }
    let checked = checked(conn, actor, now, intake, &Candidates::of(candidates))?;
    let Drawn { skipped, minutes_left, ended, .. } = drawn;
    Ok(LaidOut { id, intake_id: intake.id, code, sessions: told, skipped, minutes_left, taken_before, ended, checked })
}

/// The series of an intake after `cursor`, by id.
///
/// # Errors
/// 404 for an intake that the actor does not see.
pub(in crate::schedule) fn list(
    conn: &mut Conn,
    actor: &Actor,
    intake: IntakeId,
    cursor: Option<SeriesId>,
    limit: i64,
) -> Result<Vec<Series>, Error> {
    intakes::find(conn, actor, intake)?;
    actor.may(Action::ReadSeries)?;
    let mut query = series::table.filter(series::intake_id.eq(intake)).order(series::id).limit(limit).into_boxed();
    if let Some(cursor) = cursor {
        query = query.filter(series::id.gt(cursor));
    }
    let rows = query.select(LISTED).load(conn)?;
    with_sessions(conn, rows)
}

/// One series. It is visible to whom one of its sessions is.
///
/// # Errors
/// 404 for one that the actor does not see.
pub(in crate::schedule) fn find(conn: &mut Conn, actor: &Actor, id: SeriesId) -> Result<WholeSeries, Error> {
    visible(actor).filter(sessions::series_id.eq(id)).select(sessions::id).first::<SessionId>(conn)?;
    actor.may(Action::ReadSeries)?;
    let (row, made_from): (Listed, String) = series::table.find(id).select((LISTED, series::made_from)).first(conn)?;
    WholeSeries::of(with_sessions(conn, vec![row])?.pop().ok_or(Error::NotFound)?, &made_from)
}

/// What a list tells of a series; what it was made from may be long.
const LISTED: (series::id, series::intake_id, series::code, series::created_at) =
    (series::id, series::intake_id, series::code, series::created_at);
type Listed = (SeriesId, IntakeId, Code, Instant);

/// Counts the sessions of these series, at most a page of them, in one query.
fn with_sessions(conn: &mut Conn, rows: Vec<Listed>) -> Result<Vec<Series>, Error> {
    let ids: Vec<SeriesId> = rows.iter().map(|(id, ..)| *id).collect();
    let counted: Vec<(SeriesId, SessionState, i64)> = sessions::table
        .filter(sessions::series_id.eq_any(ids))
        .group_by((sessions::series_id, sessions::state))
        .select((sessions::series_id.assume_not_null(), sessions::state, count_star()))
        .load(conn)?;
    let mut counts: HashMap<SeriesId, HashMap<SessionState, i64>> = HashMap::new();
    for (id, state, count) in counted {
        counts.entry(id).or_default().insert(state, count);
    }
    let counted = |(id, intake_id, code, created_at): Listed| {
        let sessions = SessionsByState::of(&counts.remove(&id).unwrap_or_default());
        Series { id, intake_id, code, sessions, created_at }
    };
    Ok(rows.into_iter().map(counted).collect())
}

/// Reads what each series was made from, which is served and must therefore be a series of the same code.
pub fn verify_series(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let (mut findings, mut last) = (Vec::new(), None);
    loop {
        let mut page = series::table.order(series::id).limit(PAGE).into_boxed();
        if let Some(last) = last {
            page = page.filter(series::id.gt(last));
        }
        let rows: Vec<(SeriesId, Code, String)> = page.select((series::id, series::code, series::made_from)).load(conn)?;
        let Some((id, ..)) = rows.last() else {
            return Ok(findings);
        };
        last = Some(*id);
        findings.extend(rows.into_iter().filter_map(|(id, code, made_from)| match serde_json::from_str::<NewSeries>(&made_from) {
            Ok(new) if new.code == code => None,
            Ok(new) => Some(format!("series: series {id} is {code}, but was made from {}", new.code)),
            Err(error) => Some(format!("series: what series {id} was made from cannot be read: {error}")),
        }));
    }
}

/// Publishes every draft of a series, all or none.
///
/// # Errors
/// 404 for a series of another intake or of none; what publishing answers.
pub(in crate::schedule) fn publish(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake_id: IntakeId,
    id: SeriesId,
) -> Result<Vec<SessionRow>, Error> {
    let intake = changing(conn, actor, intake_id)?;
    series::table.filter(series::id.eq(id)).filter(series::intake_id.eq(intake_id)).select(series::id).first::<SeriesId>(conn)?;
    let rows = visible(actor)
        .filter(sessions::series_id.eq(id))
        .filter(sessions::state.eq(SessionState::Draft))
        .order((sessions::starts_at, sessions::id))
        .select(SessionRow::as_select())
        .load(conn)?;
    let drafts = whole(conn, rows)?;
    publish_these(conn, actor, now, &intake, drafts)
}
