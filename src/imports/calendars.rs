//! The days and shifts of calendars.

use std::collections::HashMap;

use super::{
    model::{Effect, Entries, File, ImportKind, Options, Report, holidays, shifts},
    pipeline::{Subject, settle},
};
use crate::{
    access::Actor,
    calendars::{self, Calendar, CalendarId, CalendarKind},
    clock::Instant,
    db::{self, Conn},
    error::Error,
};

/// The calendar of holidays, if the actor may import days into it.
pub fn may_import_holidays(conn: &mut Conn, actor: &Actor, id: CalendarId) -> Result<Calendar, Error> {
    calendars::fillable(conn, actor, id, CalendarKind::Holidays)
}

/// The calendar of shifts, if the actor may import shifts into it.
pub fn may_import_shifts(conn: &mut Conn, actor: &Actor, id: CalendarId) -> Result<Calendar, Error> {
    calendars::fillable(conn, actor, id, CalendarKind::Shifts)
}

/// Lists the days of a file and corrects those that are listed; no other day is touched.
///
/// # Errors
/// 404; 409 `calendar_of_another_kind`; 422 `columns_missing` and its like. Rows that are at fault are no error, but in the report.
pub fn import_holidays(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    id: CalendarId,
    file: &File,
    options: &Options,
) -> Result<Report, Error> {
    if !options.dry_run {
        db::lock(conn, "calendar", id)?;
    }
    let calendar = may_import_holidays(conn, actor, id)?;
    let (entries, unknown) = holidays::read(&file.content)?;
    let stored = match days_of(&entries, |row| row.date) {
        Some((first, last)) => calendars::days_between(conn, id, first, last)?,
        None => Vec::new(),
    };
    let plans = holidays::plan(entries, &stored.into_iter().map(|day| (day.date, day)).collect::<HashMap<_, _>>());
    let subject = Subject { kind: ImportKind::Holidays, provider: Some(calendar.provider_id), intake: None };
    settle(conn, actor, now, subject, (file, options), (plans, unknown), |conn, changes| {
        let total = changes.len();
        let (before, after): (Vec<_>, Vec<_>) = changes.into_iter().map(|change| (change.before, change.after)).unzip();
        let calendar = write_days(conn, actor, calendar, after)?;
        options.tell("written", total, total);
        Ok(vec![Effect::updated("calendar", id, calendar.version, &before)?])
    })
}

/// Lists the shifts of a file and corrects those that are listed; no other shift is touched.
///
/// # Errors
/// As [`import_holidays`].
pub fn import_shifts(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    id: CalendarId,
    file: &File,
    options: &Options,
) -> Result<Report, Error> {
    if !options.dry_run {
        db::lock(conn, "calendar", id)?;
    }
    let calendar = may_import_shifts(conn, actor, id)?;
    let (entries, unknown) = shifts::read(&file.content, &calendar)?;
    let stored = match days_of(&entries, |row| row.date) {
        Some((first, last)) => {
            let after = last.succ_opt().unwrap_or(last);
            calendars::shifts_between(conn, id, calendar.time_zone.day_start(first), calendar.time_zone.day_start(after))?
        }
        None => Vec::new(),
    };
    let plans = shifts::plan(entries, &calendar, stored);
    let subject = Subject { kind: ImportKind::Shifts, provider: Some(calendar.provider_id), intake: None };
    settle(conn, actor, now, subject, (file, options), (plans, unknown), |conn, changes| {
        let total = changes.len();
        let (before, after): (Vec<_>, Vec<_>) = changes.into_iter().map(|change| (change.before, change.after)).unzip();
        let calendar = write_shifts(conn, actor, calendar, after)?;
        options.tell("written", total, total);
        Ok(vec![Effect::updated("calendar", id, calendar.version, &before)?])
    })
}

/// The first and the last day of a file.
fn days_of<T>(entries: &Entries<T>, day: impl Fn(&T) -> chrono::NaiveDate) -> Option<(chrono::NaiveDate, chrono::NaiveDate)> {
    let days = || entries.iter().flatten().map(|entry| day(&entry.value));
    days().min().zip(days().max())
}

/// Makes the days of a calendar as they are listed.
pub(super) fn write_days(conn: &mut Conn, actor: &Actor, calendar: Calendar, listed: Vec<holidays::Listed>) -> Result<Calendar, Error> {
    let dates: Vec<_> = listed.iter().map(|one| one.date).collect();
    let days: Vec<_> = listed.into_iter().filter_map(|one| one.day).collect();
    calendars::replace_days(conn, actor, calendar, &dates, &days)
}

/// Makes the shifts of a calendar as they are listed.
pub(super) fn write_shifts(conn: &mut Conn, actor: &Actor, calendar: Calendar, listed: Vec<shifts::Listed>) -> Result<Calendar, Error> {
    let (keys, shifts): (Vec<_>, Vec<_>) = listed.into_iter().map(|one| (one.keys, one.shifts)).unzip();
    calendars::replace_shifts(conn, actor, calendar, &keys.concat(), &shifts.concat())
}
