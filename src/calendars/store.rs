//! The tables of calendars, their days and shifts, and who sees which of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{NaiveDate, TimeDelta};
use diesel::prelude::*;
use serde::Serialize;

use super::model::{Calendar, CalendarDay, CalendarId, CalendarKind, CalendarPatch, CrewShift, NewCalendar, ShiftCursor};
use crate::{
    access::{Action, Actor, Scope},
    clock::Instant,
    db::{CHUNK, Conn, MultiBackend, for_backend},
    error::Error,
    http::{Caller, ETag},
    id::Id,
    journal::NewEntry,
    organizations::{self, OrganizationId, below, check_provider},
    schema::{calendar_days, calendars, crew_shifts, intakes},
    text::Code,
};

const NONE: [CalendarId; 0] = [];

/// The calendars in the actor's scope: the provider's; with a narrowed token those that its intakes name.
fn visible(actor: &Actor) -> calendars::BoxedQuery<'static, MultiBackend> {
    let all = calendars::table.into_boxed();
    let query = match actor.scope() {
        Scope::Everything => all,
        Scope::Provider(provider) => all.filter(calendars::provider_id.eq_any(below(provider))),
        Scope::Sponsor(..) | Scope::Adviser(..) | Scope::Teacher(..) | Scope::Own(..) => all.filter(calendars::id.eq_any(NONE)),
    };
    match actor.only_intakes() {
        Some(only) => query
            .filter(calendars::id.nullable().eq_any(intakes::table.filter(intakes::id.eq_any(only)).select(intakes::holiday_calendar_id))),
        None => query,
    }
}

/// The calendars after `cursor`, by id.
pub fn list(conn: &mut Conn, actor: &Actor, cursor: Option<CalendarId>, limit: i64) -> Result<Vec<Calendar>, Error> {
    actor.may(Action::ReadCalendars)?;
    let mut query = visible(actor).order(calendars::id).limit(limit).select(Calendar::as_select());
    if let Some(cursor) = cursor {
        query = query.filter(calendars::id.gt(cursor));
    }
    Ok(query.load(conn)?)
}

/// One calendar, if the actor sees it.
pub fn find(conn: &mut Conn, actor: &Actor, id: CalendarId) -> Result<Calendar, Error> {
    let calendar = visible(actor).filter(calendars::id.eq(id)).select(Calendar::as_select()).first(conn)?;
    actor.may(Action::ReadCalendars)?;
    Ok(calendar)
}

/// The listed days of a calendar after `cursor`, by date.
pub(super) fn list_days(
    conn: &mut Conn,
    actor: &Actor,
    id: CalendarId,
    cursor: Option<NaiveDate>,
    limit: i64,
) -> Result<Vec<CalendarDay>, Error> {
    find(conn, actor, id)?;
    let mut query = calendar_days::table
        .filter(calendar_days::calendar_id.eq(id))
        .order(calendar_days::on_date)
        .limit(limit)
        .select(CalendarDay::as_select())
        .into_boxed::<MultiBackend>();
    if let Some(cursor) = cursor {
        query = query.filter(calendar_days::on_date.gt(cursor));
    }
    Ok(query.load(conn)?)
}

/// The shifts of a calendar after `cursor`, by start and crew.
pub(super) fn list_shifts(
    conn: &mut Conn,
    actor: &Actor,
    id: CalendarId,
    cursor: Option<ShiftCursor>,
    limit: i64,
) -> Result<Vec<CrewShift>, Error> {
    find(conn, actor, id)?;
    let mut query = crew_shifts::table
        .filter(crew_shifts::calendar_id.eq(id))
        .order((crew_shifts::starts_at, crew_shifts::crew))
        .limit(limit)
        .select(CrewShift::as_select())
        .into_boxed::<MultiBackend>();
    if let Some(ShiftCursor { starts_at, crew }) = cursor {
        let after = crew_shifts::starts_at.gt(starts_at).or(crew_shifts::starts_at.eq(starts_at).and(crew_shifts::crew.gt(crew)));
        // The first half alone would do; it is what the index can begin at.
        query = query.filter(crew_shifts::starts_at.ge(starts_at)).filter(after);
    }
    Ok(query.load(conn)?)
}

/// Begins a calendar of `new.provider_id` or the actor's own organization.
///
/// # Errors
/// 404 if the provider is not in the actor's scope; 409 `already_exists` if the provider has a calendar with this code; 422.
pub fn create(conn: &mut Conn, actor: &Actor, now: Instant, new: NewCalendar) -> Result<Calendar, Error> {
    let calendar = planned(conn, actor, now, new)?;
    keep(conn, actor, &calendar)?;
    Ok(calendar)
}

/// The calendar that [`keep`] begins; nothing is written.
///
/// # Errors
/// As [`create`], but for the code that is taken.
pub fn planned(conn: &mut Conn, actor: &Actor, now: Instant, new: NewCalendar) -> Result<Calendar, Error> {
    let provider = new.provider_id.or(actor.organization_id());
    if let Some(provider) = provider {
        check_provider(conn, actor, provider)?;
    }
    actor.may_beyond_intakes(Action::WriteCalendars)?;
    let provider_id = provider
        .ok_or_else(|| Error::invalid("/provider_id", "provider_missing", "say who keeps the calendar; you act for no provider"))?;
    let NewCalendar { kind, organization_id, code, name, time_zone, weekend_days, .. } = new;
    let calendar = Calendar {
        id: Id::generate(),
        provider_id,
        kind,
        organization_id,
        code,
        name,
        time_zone,
        weekend_days,
        version: 1,
        created_at: now,
    };
    calendar.check()?;
    if let Some(organization) = organization_id {
        organizations::find(conn, actor, organization).map_err(|error| match error {
            Error::NotFound => Error::invalid("/organization_id", "unknown_organization", "there is no such organization"),
            other => other,
        })?;
    }
    Ok(calendar)
}

/// Begins a calendar that was [`planned`].
pub fn keep(conn: &mut Conn, actor: &Actor, calendar: &Calendar) -> Result<(), Error> {
    actor.may_beyond_intakes(Action::WriteCalendars)?;
    diesel::insert_into(calendars::table).values(calendar).execute(conn)?;
    actor.record(NewEntry::of("calendar.created", "calendar", calendar.id).provider(calendar.provider_id).to(calendar));
    Ok(())
}

/// How many intakes keep the days off of a calendar.
pub fn keepers(conn: &mut Conn, id: CalendarId) -> Result<i64, Error> {
    Ok(intakes::table.filter(intakes::holiday_calendar_id.eq(id)).count().get_result(conn)?)
}

/// Removes a calendar that lists nothing and that no intake names.
///
/// # Errors
/// 409 `reference_broken` if one does, or if it lists something.
pub fn remove(conn: &mut Conn, actor: &Actor, calendar: Calendar) -> Result<(), Error> {
    actor.may_beyond_intakes(Action::WriteCalendars)?;
    diesel::delete(calendars::table.filter(calendars::id.eq(calendar.id))).execute(conn)?;
    actor.record(NewEntry::of("calendar.removed", "calendar", calendar.id).provider(calendar.provider_id).from(&calendar));
    Ok(())
}

/// Applies a patch under `If-Match`.
pub fn update(conn: &mut Conn, actor: &Actor, caller: &Caller, id: CalendarId, patch: CalendarPatch) -> Result<Calendar, Error> {
    let stored = find(conn, actor, id)?;
    actor.may_beyond_intakes(Action::WriteCalendars)?;
    let mut changed = patch.apply(&stored);
    changed.check()?;
    caller.check_if_match(&ETag::version(stored.version), changed != stored)?;
    if changed == stored {
        return Ok(stored);
    }
    changed.version += 1;
    let updated = diesel::update(calendars::table.filter(calendars::id.eq(id)).filter(calendars::version.eq(stored.version)))
        .set(&changed)
        .execute(conn)?;
    if updated == 0 {
        return Err(Error::Stale);
    }
    actor.record(NewEntry::of("calendar.updated", "calendar", id).provider(stored.provider_id).from(&stored).to(&changed));
    Ok(changed)
}

/// Refuses what is no calendar of holidays that this provider keeps.
///
/// # Errors
/// 422 `unknown_calendar` and `not_holidays`.
pub fn check_holidays(conn: &mut Conn, provider: OrganizationId, id: CalendarId) -> Result<(), Error> {
    let own = calendars::table.filter(calendars::id.eq(id)).filter(calendars::provider_id.eq(provider));
    let refuse = |code, detail| Err(Error::invalid("/holiday_calendar_id", code, detail));
    match own.select(calendars::kind).first(conn).optional()? {
        Some(CalendarKind::Holidays) => Ok(()),
        Some(CalendarKind::Shifts) => refuse("not_holidays", "is a calendar of shifts"),
        None => refuse("unknown_calendar", "the provider of the intake keeps no such calendar"),
    }
}

/// Which of these dates are off by a calendar, and why.
pub fn days_off(conn: &mut Conn, id: CalendarId, dates: &BTreeSet<NaiveDate>) -> Result<(Calendar, BTreeMap<NaiveDate, String>), Error> {
    let calendar = calendars::table.filter(calendars::id.eq(id)).select(Calendar::as_select()).first(conn)?;
    let listed = match dates.first().zip(dates.last()) {
        Some((first, last)) => days_between(conn, id, *first, *last)?,
        None => Vec::new(),
    };
    let listed: HashMap<NaiveDate, CalendarDay> = listed.into_iter().map(|day| (day.date, day)).collect();
    let off = dates.iter().filter_map(|date| Some((*date, calendar.day_off(*date, listed.get(date))?))).collect();
    Ok((calendar, off))
}

/// The calendar with this code, if the actor sees exactly one.
pub fn by_code(conn: &mut Conn, actor: &Actor, code: &Code) -> Result<Option<Calendar>, Error> {
    let mut found: Vec<Calendar> = visible(actor).filter(calendars::code.eq(code)).limit(2).select(Calendar::as_select()).load(conn)?;
    if found.len() > 1 {
        return Err(Error::conflict("ambiguous_code", format!("several calendars have the code {code}; name it by id")));
    }
    Ok(found.pop())
}

/// The calendar, if the actor may fill it from a file of this kind.
///
/// # Errors
/// 404; 409 `calendar_of_another_kind`.
pub fn fillable(conn: &mut Conn, actor: &Actor, id: CalendarId, kind: CalendarKind) -> Result<Calendar, Error> {
    let calendar = find(conn, actor, id)?;
    actor.may_beyond_intakes(Action::Import)?;
    if calendar.kind != kind {
        return Err(Error::conflict("calendar_of_another_kind", format!("{} is a calendar of {}", calendar.code, calendar.kind)));
    }
    Ok(calendar)
}

/// The listed days of a calendar between two dates, both included.
pub fn days_between(conn: &mut Conn, id: CalendarId, first: NaiveDate, last: NaiveDate) -> Result<Vec<CalendarDay>, Error> {
    Ok(calendar_days::table
        .filter(calendar_days::calendar_id.eq(id))
        .filter(calendar_days::on_date.between(first, last))
        .select(CalendarDay::as_select())
        .load(conn)?)
}

/// The shifts of a calendar that begin between two instants, both included.
pub fn shifts_between(conn: &mut Conn, id: CalendarId, first: Instant, last: Instant) -> Result<Vec<CrewShift>, Error> {
    Ok(crew_shifts::table
        .filter(crew_shifts::calendar_id.eq(id))
        .filter(crew_shifts::starts_at.between(first, last))
        .order((crew_shifts::starts_at, crew_shifts::crew))
        .select(CrewShift::as_select())
        .load(conn)?)
}

/// Lists `set`, and no other of the `dates`, which hold those of `set` too.
pub fn replace_days(
    conn: &mut Conn,
    actor: &Actor,
    calendar: Calendar,
    dates: &[NaiveDate],
    set: &[CalendarDay],
) -> Result<Calendar, Error> {
    actor.may_beyond_intakes(Action::Import)?;
    let id = calendar.id;
    let mut replaced = Vec::new();
    for chunk in dates.chunks(CHUNK) {
        let own = calendar_days::table.filter(calendar_days::calendar_id.eq(id));
        let listed = own.filter(calendar_days::on_date.eq_any(chunk.to_vec()));
        replaced.extend(listed.clone().select(CalendarDay::as_select()).load(conn)?);
        diesel::delete(listed).execute(conn)?;
    }
    for chunk in set.chunks(CHUNK) {
        let rows: Vec<_> = chunk.iter().map(|day| (calendar_days::calendar_id.eq(id), day)).collect();
        for_backend!(conn, |c| diesel::insert_into(calendar_days::table).values(rows).execute(c))?;
    }
    filled(conn, actor, calendar, &replaced, set)
}

/// Lists `set`, and no other of the shifts that `keys` name by crew and start, which hold those of `set` too.
pub fn replace_shifts(
    conn: &mut Conn,
    actor: &Actor,
    calendar: Calendar,
    keys: &[(Code, Instant)],
    set: &[CrewShift],
) -> Result<Calendar, Error> {
    actor.may_beyond_intakes(Action::Import)?;
    let id = calendar.id;
    let mut starts: BTreeMap<&Code, Vec<Instant>> = BTreeMap::new();
    for (crew, start) in keys {
        starts.entry(crew).or_default().push(*start);
    }
    let mut replaced = Vec::new();
    for (crew, starts) in starts {
        for chunk in starts.chunks(CHUNK) {
            let of_crew = crew_shifts::table.filter(crew_shifts::calendar_id.eq(id)).filter(crew_shifts::crew.eq(crew));
            let listed = of_crew.filter(crew_shifts::starts_at.eq_any(chunk.to_vec()));
            replaced.extend(listed.clone().select(CrewShift::as_select()).load(conn)?);
            diesel::delete(listed).execute(conn)?;
        }
    }
    for chunk in set.chunks(CHUNK) {
        let rows: Vec<_> = chunk.iter().map(|shift| (crew_shifts::calendar_id.eq(id), shift)).collect();
        for_backend!(conn, |c| diesel::insert_into(crew_shifts::table).values(rows).execute(c))?;
    }
    filled(conn, actor, calendar, &replaced, set)
}

/// The calendar shows something else from this transaction on: `set` in the place of what was replaced.
fn filled<T: Serialize>(conn: &mut Conn, actor: &Actor, mut calendar: Calendar, replaced: &[T], set: &[T]) -> Result<Calendar, Error> {
    calendar.version += 1;
    let stored = calendars::table.filter(calendars::id.eq(calendar.id)).filter(calendars::version.eq(calendar.version - 1));
    if diesel::update(stored).set(calendars::version.eq(calendar.version)).execute(conn)? == 0 {
        return Err(Error::Stale);
    }
    let entry = NewEntry::of("calendar.filled", "calendar", calendar.id).provider(calendar.provider_id);
    actor.record(entry.from(&replaced).to(&set));
    Ok(calendar)
}

/// The shifts of these crews that a session between two instants may meet, by the sponsor whose they are: of all calendars of a provider,
/// each crew's by start. None if the provider keeps no such calendar.
pub fn shifts_of(
    conn: &mut Conn,
    calendars: &HashMap<CalendarId, OrganizationId>,
    crews: BTreeSet<Code>,
    (first, last): (Instant, Instant),
) -> Result<HashMap<(OrganizationId, Code), Vec<CrewShift>>, Error> {
    let ids: Vec<CalendarId> = calendars.keys().copied().collect();
    let mut shifts: HashMap<(OrganizationId, Code), Vec<CrewShift>> = HashMap::new();
    for chunk in crews.into_iter().collect::<Vec<_>>().chunks(CHUNK) {
        let rows: Vec<(CalendarId, CrewShift)> = crew_shifts::table
            .filter(crew_shifts::calendar_id.eq_any(ids.clone()))
            .filter(crew_shifts::crew.eq_any(chunk.to_vec()))
            // No shift lasts longer than a day, so that the index scan is bounded on both sides.
            .filter(crew_shifts::starts_at.gt(first.plus(TimeDelta::hours(-24))))
            .filter(crew_shifts::starts_at.lt(last))
            .order(crew_shifts::starts_at)
            .select((crew_shifts::calendar_id, CrewShift::as_select()))
            .load(conn)?;
        for (calendar, shift) in rows {
            let sponsor = calendars.get(&calendar).copied();
            shifts.entry((sponsor.ok_or(Error::NotFound)?, shift.crew.clone())).or_default().push(shift);
        }
    }
    Ok(shifts)
}

/// The calendars of shifts that a provider keeps, with the sponsors whose crews work them.
pub fn of_shifts(conn: &mut Conn, provider: OrganizationId) -> Result<HashMap<CalendarId, OrganizationId>, Error> {
    let rows: Vec<(CalendarId, OrganizationId)> = calendars::table
        .filter(calendars::provider_id.eq(provider))
        .filter(calendars::kind.eq(CalendarKind::Shifts))
        .select((calendars::id, calendars::organization_id.assume_not_null()))
        .load(conn)?;
    Ok(rows.into_iter().collect())
}
