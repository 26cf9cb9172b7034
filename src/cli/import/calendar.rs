//! `muster import holidays` and `muster import shifts`.

use super::{Context, Failure, Options, Outcome, Sheet, imports, intake};
use crate::{
    access::Actor,
    calendars::{self, Calendar, CalendarKind, NewCalendar, Weekdays},
    cli::admin,
    db::Conn,
    error::Error,
    intakes::{self, IntakePatch},
    organizations,
    text::{Code, Name, listed},
    week::Weekday,
    zone::Zone,
};

pub(super) const HOLIDAYS: &str = "\
Matched by date; a day of the kind `normal` is taken out, and no other day is touched. A calendar that there is none of begins with its
first file, if --organization and --time-zone say what it begins with.

Examples:
  muster import holidays examples/jisco/holidays.csv --calendar CN-2020 --organization USTB --time-zone Asia/Shanghai --dry-run
  muster import holidays examples/jisco/holidays.csv --calendar CN-2020 --intake HONGXING-3";

pub(super) const SHIFTS: &str = "\
Of each crew that the file names, it replaces the shifts from the first of its days to the last; what it has no more is taken out, which a
dry run tells. The shift `rest` says without times that the crew begins none. Times are local to the calendar. A calendar that there is
none of begins with its first file, if --organization, --time-zone and --sponsor say what it begins with.

Examples:
  muster import shifts examples/jisco/shifts.csv --calendar JISCO-ROTA --organization USTB --sponsor JISCO --time-zone Asia/Shanghai
  muster import shifts examples/jisco/shifts.csv --calendar JISCO-ROTA --dry-run";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    sheet: Sheet,
    /// The calendar
    #[arg(long, value_name = "CODE-or-ID")]
    calendar: String,
    /// Of holidays: the intake that keeps these days off from now on
    #[arg(long, value_name = "CODE-or-ID")]
    intake: Option<String>,
    #[command(flatten)]
    begin: Begin,
}

/// What a calendar begins with; of one that there is it can only be said again.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "To begin a calendar")]
struct Begin {
    /// The provider that keeps it
    #[arg(long, value_name = "CODE-or-ID", requires = "time_zone")]
    organization: Option<String>,
    /// In which the local times of its files are read
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<Zone>,
    /// What it is called [default: its code]
    #[arg(long)]
    name: Option<Name>,
    /// Of holidays: the days of the week that are off, such as saturday,sunday
    #[arg(long, value_name = "DAYS", value_parser = weekdays)]
    weekend_days: Option<Weekdays>,
    /// Of shifts: whose crews work them
    #[arg(long, value_name = "CODE-or-ID")]
    sponsor: Option<String>,
}

fn weekdays(text: &str) -> Result<Weekdays, String> {
    let days: Vec<&str> = text.split(',').filter(|day| !day.is_empty()).collect();
    serde_json::from_value(serde_json::json!(days)).map_err(|_| "name each day of the week once, as in saturday,sunday".to_owned())
}

pub(super) fn run(args: Args, kind: CalendarKind, context: &Context) -> Result<Outcome, Failure> {
    let Args { sheet, calendar, intake: keeper, begin } = args;
    sheet.run(context, false, move |conn, actor, now, file, options| {
        if keeper.is_some() && kind == CalendarKind::Shifts {
            let detail = "an intake keeps a calendar of holidays; shifts concern the trainees of their sponsor by themselves";
            return Err(Error::invalid("/intake", "not_holidays", detail));
        }
        let keeper = keeper.map(|keeper| intake(conn, actor, &keeper)).transpose()?;
        let options = &Options { keeper: keeper.as_ref().map(|intake| intake.id), ..options.clone() };
        let mut report = match found(conn, actor, &calendar)? {
            Some(calendar) => {
                begin.check(conn, actor, &calendar)?;
                imports::import_calendar(conn, actor, now, (kind, calendar.id), file, options)?
            }
            None => {
                let new = begin.into_calendar(conn, actor, kind, &calendar)?;
                imports::begin_calendar(conn, actor, now, new, file, options)?
            }
        };
        if let Some(intake) = keeper.filter(|_| report.outcome != imports::Outcome::Refused) {
            report.notes.push(format!("the intake {} keeps the days off of {calendar}", intake.code));
            // Of a file that says something new, the import has named it, to be taken back with the rest.
            if report.outcome == imports::Outcome::NothingNew {
                let named = found(conn, actor, &calendar)?.ok_or_else(|| unknown(&calendar))?;
                let patch = IntakePatch { holiday_calendar_id: Some(Some(named.id)), ..IntakePatch::default() };
                intakes::update(conn, actor, now, None, intake.id, patch)?;
            }
        }
        Ok(report)
    })
}

impl Begin {
    /// # Errors
    /// 422 `calendar_differs` for what is said otherwise of a calendar that there is.
    fn check(&self, conn: &mut Conn, actor: &Actor, calendar: &Calendar) -> Result<(), Error> {
        let Self { organization, time_zone, name, weekend_days, sponsor } = self;
        let mut is = Vec::new();
        for (named, id, called) in [(organization, Some(calendar.provider_id), "is kept by"), (sponsor, calendar.organization_id, "is of")]
        {
            let Some(named) = named else { continue };
            if Some(admin::named(conn, actor, named)?.id) != id {
                let of = id.map(|id| organizations::find(conn, actor, id)).transpose()?;
                is.push(format!("{called} {}", of.map_or_else(|| "no sponsor".to_owned(), |one| one.code.to_string())));
            }
        }
        if time_zone.is_some_and(|zone| zone != calendar.time_zone) {
            is.push(format!("is in {}", calendar.time_zone));
        }
        if name.as_ref().is_some_and(|name| *name != calendar.name) {
            is.push(format!("is called {}", calendar.name));
        }
        if weekend_days.is_some_and(|days| days != calendar.weekend_days) {
            let off = Weekday::ALL.iter().filter(|day| calendar.weekend_days.contains(**day));
            is.push(format!("takes off of each week: {}", listed(off.map(|day| day.as_str()))));
        }
        if is.is_empty() {
            return Ok(());
        }
        let detail = format!("{} {}", calendar.code, is.join(", "));
        Err(Error::invalid("/calendar", "calendar_differs", detail))
    }

    fn into_calendar(self, conn: &mut Conn, actor: &Actor, kind: CalendarKind, calendar: &str) -> Result<NewCalendar, Error> {
        let Self { organization: Some(provider), time_zone: Some(time_zone), name, weekend_days, sponsor } = self else {
            return Err(unknown(calendar));
        };
        let invalid = |fault: crate::text::TextFault| Error::invalid("/calendar", fault.code, fault.detail);
        let code: Code = calendar.parse().map_err(invalid)?;
        let name = match name {
            Some(name) => name,
            None => calendar.parse().map_err(invalid)?,
        };
        let provider_id = Some(admin::named(conn, actor, &provider)?.id);
        let organization_id = sponsor.map(|sponsor| admin::named(conn, actor, &sponsor)).transpose()?.map(|sponsor| sponsor.id);
        Ok(NewCalendar { provider_id, kind, organization_id, code, name, time_zone, weekend_days: weekend_days.unwrap_or_default() })
    }
}

/// The calendar that `text` names by its code or its id.
fn found(conn: &mut Conn, actor: &Actor, text: &str) -> Result<Option<Calendar>, Error> {
    if let Ok(code) = text.parse::<Code>()
        && let Some(calendar) = calendars::by_code(conn, actor, &code)?
    {
        return Ok(Some(calendar));
    }
    match text.parse().map(|id| calendars::find(conn, actor, id)) {
        Ok(Err(Error::NotFound)) | Err(_) => Ok(None),
        Ok(found) => found.map(Some),
    }
}

fn unknown(calendar: &str) -> Error {
    let detail = format!("there is no calendar `{calendar}`; --organization and --time-zone begin one");
    Error::invalid("/calendar", "unknown_calendar", detail)
}
