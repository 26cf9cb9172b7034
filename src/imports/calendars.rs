//! The days and shifts of calendars.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{
    model::{Effect, Entries, File, ImportKind, Lines, Options, Relisted, Report, RowPlan, holidays, shifts},
    pipeline::{Subject, settle},
};
use crate::{
    access::{Action, Actor},
    calendars::{self, Calendar, CalendarId, CalendarKind, NewCalendar},
    clock::Instant,
    db::{self, Conn},
    enrollments,
    error::Error,
    intakes::{self, IntakeId, IntakePatch},
    text::{Code, listed},
};

/// The calendar of this kind, if the actor may import its days or shifts.
pub fn may_import_calendar(conn: &mut Conn, actor: &Actor, (kind, id): (CalendarKind, CalendarId)) -> Result<Calendar, Error> {
    calendars::fillable(conn, actor, id, kind)
}

/// Lists the days or the shifts of a file. A day is replaced where a row names it. Of the crews that the file names, the shifts from the
/// first of their days until the last are what it says: a rota is planned as a whole, and what is not in it any more is not worked.
///
/// # Errors
/// 404; 409 `calendar_of_another_kind`; 422 `columns_missing` and its like. Rows that are at fault are no error, but in the report.
pub fn import_calendar(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    (kind, id): (CalendarKind, CalendarId),
    file: &File,
    options: &Options,
) -> Result<Report, Error> {
    if !options.dry_run {
        db::lock(conn, "calendar", id)?;
    }
    let calendar = may_import_calendar(conn, actor, (kind, id))?;
    take(conn, actor, now, (calendar, false), file, options)
}

/// Begins a calendar with the days or the shifts of a file. If nothing of the file is taken, there is none.
///
/// # Errors
/// 404 if the provider is not in the actor's scope; 409 `already_exists`; 422.
pub fn begin_calendar(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    new: NewCalendar,
    file: &File,
    options: &Options,
) -> Result<Report, Error> {
    actor.may_beyond_intakes(Action::Import)?;
    let calendar = calendars::planned(conn, actor, now, new)?;
    let code = calendar.code.clone();
    let mut report = take(conn, actor, now, (calendar, true), file, options)?;
    let note = if report.committed {
        format!("the calendar {code} begins with this file")
    } else {
        format!("there is no calendar {code} yet; the file begins it")
    };
    report.notes.insert(0, note);
    Ok(report)
}

/// A calendar, and whether it has not begun yet.
type Taking = (Calendar, bool);

fn take(conn: &mut Conn, actor: &Actor, now: Instant, of: Taking, file: &File, options: &Options) -> Result<Report, Error> {
    let (id, zone) = (of.0.id, of.0.time_zone);
    match of.0.kind {
        CalendarKind::Holidays => {
            let (entries, unknown) = holidays::read(&file.content)?;
            let stored = match days_of(&entries, |row| row.date) {
                Some((first, last)) => calendars::days_between(conn, id, first, last)?,
                None => Vec::new(),
            };
            let plans = holidays::plan(entries, stored);
            fill(conn, actor, now, of, (file, options), (plans, unknown), calendars::replace_days)
        }
        CalendarKind::Shifts => {
            let (entries, unknown) = shifts::read(&file.content, zone)?;
            let stored = match days_of(&entries, |row| row.date) {
                Some((first, last)) => {
                    let after = last.succ_opt().unwrap_or(last);
                    calendars::shifts_between(conn, id, zone.day_start(first), zone.day_start(after))?
                }
                None => Vec::new(),
            };
            let unknown_crews = crews_of_nobody(conn, actor, &of.0, &entries)?;
            let plans = shifts::plan(entries, zone, stored);
            let report = fill(conn, actor, now, of, (file, options), (plans, unknown), calendars::replace_shifts)?;
            Ok(Report { notes: unknown_crews.into_iter().collect(), ..report })
        }
    }
}

/// The crews of a file in which nobody is enrolled: not yet, or somebody mistyped one.
fn crews_of_nobody(conn: &mut Conn, actor: &Actor, calendar: &Calendar, entries: &Entries<shifts::Row>) -> Result<Option<String>, Error> {
    let Some(sponsor) = calendar.organization_id else {
        return Ok(None);
    };
    let crews: BTreeSet<&Code> = entries.iter().flatten().map(|entry| &entry.value.crew).collect();
    let crews: Vec<Code> = crews.into_iter().cloned().collect();
    let known = enrollments::crews_among(conn, actor, sponsor, &crews)?;
    let unknown: Vec<&str> = crews.iter().filter(|crew| !known.contains(crew)).map(Code::as_str).collect();
    Ok((!unknown.is_empty()).then(|| format!("nobody of the sponsor is enrolled in these crews: {}", listed(unknown))))
}

/// How a calendar is made to list what it is told, of those lines that the keys name.
type Replace<K, T> = fn(&mut Conn, &Actor, Calendar, &[K], &[T]) -> Result<Calendar, Error>;

fn fill<K: Clone + Serialize, T: Clone + Serialize>(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    (calendar, begins): Taking,
    (file, options): (&File, &Options),
    planned: (Vec<RowPlan<Relisted<K, T>>>, Vec<String>),
    replace: Replace<K, T>,
) -> Result<Report, Error> {
    let kind = match calendar.kind {
        CalendarKind::Holidays => ImportKind::Holidays,
        CalendarKind::Shifts => ImportKind::Shifts,
    };
    let subject = Subject { kind, provider: Some(calendar.provider_id), intake: None, session: None };
    settle(conn, actor, now, subject, (file, options), planned, |conn, _, rows| {
        let total = rows.len();
        let (mut keys, mut before, mut after) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            keys.extend(row.keys);
            before.extend(row.before);
            after.extend(row.after);
        }
        if begins {
            calendars::keep(conn, actor, &calendar)?;
        }
        let calendar = replace(conn, actor, calendar, &keys, &after)?;
        options.tell("written", total, total);
        let filled = Effect::updated("calendar", calendar.id, calendar.version, &Lines { keys, lines: before })?;
        let begun = begins.then(|| Effect::created("calendar", calendar.id, calendar.version));
        let kept = options.keeper.map(|intake| name_in(conn, actor, now, intake, calendar.id)).transpose()?.flatten();
        Ok([filled].into_iter().chain(begun).chain(kept).collect())
    })
}

/// Has an intake keep the days off of a calendar; what it kept before is in the effect.
fn name_in(conn: &mut Conn, actor: &Actor, now: Instant, intake: IntakeId, calendar: CalendarId) -> Result<Option<Effect>, Error> {
    db::lock(conn, "intake", intake)?;
    let before = intakes::find(conn, actor, intake)?.holiday_calendar_id;
    if before == Some(calendar) {
        return Ok(None);
    }
    let patch = IntakePatch { holiday_calendar_id: Some(Some(calendar)), ..IntakePatch::default() };
    let named = intakes::update(conn, actor, now, None, intake, patch)?;
    Effect::updated("intake", intake, named.version, &before).map(Some)
}

/// The first and the last day of a file.
fn days_of<T>(entries: &Entries<T>, day: impl Fn(&T) -> chrono::NaiveDate) -> Option<(chrono::NaiveDate, chrono::NaiveDate)> {
    let days = || entries.iter().flatten().map(|entry| day(&entry.value));
    days().min().zip(days().max())
}
