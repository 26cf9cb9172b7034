//! The course of the demo, imported from the files of `examples/jisco` as anybody would import them.

use super::super::Failure;
use crate::{
    access::{Actor, Credentials},
    calendars::{self, CalendarKind, NewCalendar, Weekdays},
    clock::Instant,
    db::{Conn, Db},
    error::Error,
    http::Change,
    imports::{self, File, Options, Report},
    intakes::{self, IntakeId, IntakePatch, IntakeTransition},
    organizations::{self, OrganizationId},
    text::Code,
};

const ORGANIZATIONS: &[u8] = include_bytes!("../../../examples/jisco/organizations.csv");
const PROGRAM: &[u8] = include_bytes!("../../../examples/jisco/program.json");
const INSTRUCTORS: &[u8] = include_bytes!("../../../examples/jisco/instructors.xlsx");
const ROSTER: &[u8] = include_bytes!("../../../examples/jisco/roster.xlsx");
const SCHEDULE: &[u8] = include_bytes!("../../../examples/jisco/schedule.xlsx");
const HOLIDAYS: &[u8] = include_bytes!("../../../examples/jisco/holidays.csv");
const SHIFTS: &[u8] = include_bytes!("../../../examples/jisco/shifts.csv");

/// Imports everything, publishes the schedule and starts the intake.
pub(super) fn build(db: &Db) -> Result<IntakeId, Failure> {
    let operator = Credentials::Operator;
    let file = imports::read_table("organizations.csv", ORGANIZATIONS)?;
    db.write_blocking(operator.clone(), move |conn, actor, now| {
        committed(&imports::import_organizations(conn, actor, now, &file, &Options::default())?)
    })?;
    let file = imports::read_program("program.json", PROGRAM)?;
    db.write_blocking(operator.clone(), move |conn, actor, now| {
        committed(&imports::import_program(conn, actor, now, &file, &Options::default())?)
    })?;
    let (instructors, roster) = (imports::read_table("instructors.xlsx", INSTRUCTORS)?, imports::read_table("roster.xlsx", ROSTER)?);
    let schedule = imports::read_table("schedule.xlsx", SCHEDULE)?;
    let (holidays, shifts) = (imports::read_table("holidays.csv", HOLIDAYS)?, imports::read_table("shifts.csv", SHIFTS)?);
    let intake = db.write_blocking(operator, move |conn, actor, now| {
        let provider = organizations::by_code(conn, actor, &code("USTB")?)?.ok_or(Error::NotFound)?.id;
        let intake = intakes::by_code(conn, actor, &code("HONGXING-3")?)?.ok_or(Error::NotFound)?.id;
        committed(&imports::import_instructors(conn, actor, now, provider, &instructors, &Options::default())?)?;
        committed(&imports::import_roster(conn, actor, now, intake, &roster, &Options::default())?)?;
        let publish = Options { publish: true, ..Options::default() };
        committed(&imports::import_schedule(conn, actor, now, intake, &schedule, &publish)?)?;
        calendars(conn, actor, now, (provider, intake), (&holidays, &shifts))?;
        start(conn, actor, now, intake)?;
        Ok(intake)
    })?;
    Ok(intake)
}

/// The days off that the intake keeps, and the shifts that the sponsor's crews work.
fn calendars(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    (provider, intake): (OrganizationId, IntakeId),
    (holidays, shifts): (&File, &File),
) -> Result<(), Error> {
    let sponsor = organizations::by_code(conn, actor, &code("JISCO")?)?.ok_or(Error::NotFound)?.id;
    let new = |kind, organization_id, code: Code, name: &str| -> Result<NewCalendar, Error> {
        let (name, time_zone) = (name.parse().map_err(Error::internal)?, "Asia/Shanghai".parse().map_err(Error::internal)?);
        Ok(NewCalendar { provider_id: Some(provider), kind, organization_id, code, name, time_zone, weekend_days: Weekdays::default() })
    };
    let calendar = calendars::create(conn, actor, now, new(CalendarKind::Holidays, None, code("CN-2020")?, "2020 年节假日")?)?.id;
    committed(&imports::import_calendar(conn, actor, now, (CalendarKind::Holidays, calendar), holidays, &Options::default())?)?;
    let patch = IntakePatch { holiday_calendar_id: Some(Some(calendar)), ..IntakePatch::default() };
    intakes::update(conn, actor, now, None, intake, patch)?;
    let rota = calendars::create(conn, actor, now, new(CalendarKind::Shifts, Some(sponsor), code("JISCO-ROTA")?, "四班三倒")?)?.id;
    committed(&imports::import_calendar(conn, actor, now, (CalendarKind::Shifts, rota), shifts, &Options::default())?)
}

fn start(conn: &mut Conn, actor: &Actor, now: Instant, intake: IntakeId) -> Result<(), Error> {
    intakes::transition(conn, actor, now, intake, IntakeTransition::Start, &Change::default())?;
    Ok(())
}

fn code(text: &str) -> Result<Code, Error> {
    text.parse().map_err(Error::internal)
}

/// The files of the demo are whole; should a row be refused, the demo must not go on without it.
fn committed(report: &Report) -> Result<(), Error> {
    if report.committed { Ok(()) } else { Err(Error::internal(format!("{} was not imported: {:?}", report.file_name, report.counts))) }
}
