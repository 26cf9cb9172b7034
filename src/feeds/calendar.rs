//! A schedule as iCalendar text (RFC 5545, 7986); pure.
//!
//! Lines are escaped and folded by `icalendar`. Its components are not used: they put a random UID and the present time into whatever
//! lacks them, time zones included, where neither may stand.

use std::{collections::BTreeMap, fmt};

use chrono::{DateTime, FixedOffset, NaiveDateTime, Utc};
use chrono_tz::Tz;
use icalendar::Property;

use super::{
    model::{Calendar, Event},
    timezone::{Observance, observances},
};
use crate::{
    clock::Instant,
    error::Error,
    http::ETag,
    intakes::SessionMode,
    text::{Name, counted},
};

/// How often a program should look again.
const REFRESH: &str = "PT1H";
/// What begins the name of a session that does not take place, because many programs show a cancelled event as any other.
const CANCELLED: &str = "[Cancelled 已取消] ";

/// The tag of a calendar: of all that its text is made of, so that nothing can change in the one without the other, and made without it.
pub(super) fn tag(calendar: &Calendar) -> Result<ETag, Error> {
    let facts = serde_json::to_string(calendar).map_err(Error::internal)?;
    Ok(ETag::weak(&[&facts, chrono_tz::IANA_TZDB_VERSION, env!("CARGO_PKG_VERSION")]))
}

/// The text of a calendar.
pub(super) fn text(calendar: &Calendar) -> Result<String, Error> {
    let mut lines = Lines(String::new());
    lines.component("VCALENDAR", |lines| {
        for (name, value) in [("VERSION", "2.0"), ("PRODID", "-//Muster//Calendar feeds//EN"), ("CALSCALE", "GREGORIAN")] {
            lines.property(name, value)?;
        }
        lines.property("METHOD", "PUBLISH")?;
        lines.with("NAME", ("VALUE", "TEXT"), calendar.name.as_str())?;
        lines.property("X-WR-CALNAME", calendar.name.as_str())?;
        lines.with("REFRESH-INTERVAL", ("VALUE", "DURATION"), REFRESH)?;
        lines.property("X-PUBLISHED-TTL", REFRESH)?;
        for (zone, first, last) in spans(&calendar.events).into_values() {
            time_zone(lines, zone, &observances(zone, first, last))?;
        }
        calendar.events.iter().try_for_each(|event| session(lines, event))
    })?;
    Ok(lines.0)
}

/// Content lines, as they are sent.
struct Lines(String);

impl Lines {
    fn component(&mut self, name: &str, content: impl FnOnce(&mut Self) -> Result<(), Error>) -> Result<(), Error> {
        self.0.push_str(&format!("BEGIN:{name}\r\n"));
        content(self)?;
        self.0.push_str(&format!("END:{name}\r\n"));
        Ok(())
    }

    fn property(&mut self, name: &str, value: impl Into<String>) -> Result<(), Error> {
        self.push(Property::new(name, value))
    }

    /// A property with a parameter.
    fn with(&mut self, name: &str, parameter: (&str, &str), value: impl Into<String>) -> Result<(), Error> {
        self.push(Property::new(name, value).append_parameter(parameter).done())
    }

    fn push(&mut self, property: Property) -> Result<(), Error> {
        let line: String = property.try_into().map_err(|error: fmt::Error| Error::internal(error))?;
        self.0.push_str(&line);
        Ok(())
    }
}

/// From when until when each zone is needed, by its name.
fn spans(events: &[Event]) -> BTreeMap<&str, (Tz, DateTime<Utc>, DateTime<Utc>)> {
    let mut spans = BTreeMap::new();
    for event in events {
        let (starts_at, ends_at) = (event.starts_at.utc(), event.ends_at.utc());
        let span = spans.entry(event.zone.as_str()).or_insert((event.zone.tz(), starts_at, ends_at));
        *span = (span.0, span.1.min(starts_at), span.2.max(ends_at));
    }
    spans
}

fn time_zone(lines: &mut Lines, zone: Tz, observances: &[Observance]) -> Result<(), Error> {
    lines.component("VTIMEZONE", |lines| {
        lines.property("TZID", zone.name())?;
        for observance in observances {
            lines.component(if observance.is_daylight { "DAYLIGHT" } else { "STANDARD" }, |lines| {
                lines.property("DTSTART", local(observance.begins))?;
                lines.property("TZOFFSETFROM", offset(observance.from))?;
                lines.property("TZOFFSETTO", offset(observance.to))?;
                observance.name.as_ref().map_or(Ok(()), |name| lines.property("TZNAME", name))
            })?;
        }
        Ok(())
    })
}

fn session(lines: &mut Lines, event: &Event) -> Result<(), Error> {
    lines.component("VEVENT", |lines| {
        // Of the session alone: the address of the server may change, the event stays the same one.
        lines.property("UID", format!("{}@muster", event.id))?;
        lines.property("DTSTAMP", utc(event.changed_at))?;
        lines.property("CREATED", utc(event.created_at))?;
        lines.property("LAST-MODIFIED", utc(event.changed_at))?;
        lines.property("SEQUENCE", event.sequence.to_string())?;
        lines.property("STATUS", if event.cancelled.is_some() { "CANCELLED" } else { "CONFIRMED" })?;
        time(lines, "DTSTART", event, event.starts_at)?;
        time(lines, "DTEND", event, event.ends_at)?;
        // A recorded session is seen whenever one likes, and what is cancelled takes nobody's time.
        let is_free = event.mode == SessionMode::Recorded || event.cancelled.is_some();
        lines.property("TRANSP", if is_free { "TRANSPARENT" } else { "OPAQUE" })?;
        let mark = if event.cancelled.is_some() { CANCELLED } else { "" };
        lines.property("SUMMARY", format!("{mark}{} {}", event.code, event.module))?;
        let places = [event.room.as_ref().map(|room| room.as_str()), event.place.as_ref().map(|place| place.as_str())];
        let place: Vec<&str> = places.into_iter().chain([event.link.as_ref().map(|link| link.as_str())]).flatten().collect();
        if !place.is_empty() {
            lines.property("LOCATION", place.join(", "))?;
        }
        // Of a mixed session the room is where people are, and the place may say where the others join.
        let link = event.link.clone().or_else(|| event.place.as_ref()?.as_str().parse().ok());
        if let Some(link) = &link {
            lines.property("URL", link.as_str())?;
        }
        lines.property("DESCRIPTION", description(event))
    })
}

/// For which class, by whom, how one takes part, and why not.
fn description(event: &Event) -> String {
    let names = |names: &[Name]| names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
    let mut lines = vec![format!("{}: {}", event.intake, names(&event.cohorts))];
    if !event.instructors.is_empty() {
        lines.push(names(&event.instructors));
    }
    lines.push(mode(event));
    // A reason may have lines of its own, ended as its author's machine does it.
    lines.extend(event.cancelled.iter().flat_map(|reason| reason.as_str().lines().map(ToOwned::to_owned)));
    lines.join("\n")
}

/// How people meet; of what is recorded also how long it is, because the event is as long as the window.
fn mode(event: &Event) -> String {
    match event.mode {
        SessionMode::OnSite => "On site 面授".to_owned(),
        SessionMode::LiveOnline => "Live online 线上直播".to_owned(),
        SessionMode::Mixed => "On site and online 线上线下混合".to_owned(),
        SessionMode::Recorded => {
            let until = event.zone.local(event.ends_at).format("%Y-%m-%d %H:%M");
            format!("Recorded 录播: {} to be watched until {until} ({})", counted(event.minutes, "minute"), event.zone)
        }
    }
}

/// A time by the clocks of the intake, as people read it. One of an hour that exists twice would be taken for the first of the two, so
/// an event that touches one is told in UTC.
fn time(lines: &mut Lines, name: &str, event: &Event, at: Instant) -> Result<(), Error> {
    let is_plain = |at: Instant| event.zone.instant(event.zone.local(at)).is_ok();
    if is_plain(event.starts_at) && is_plain(event.ends_at) {
        lines.with(name, ("TZID", event.zone.as_str()), local(event.zone.local(at)))
    } else {
        lines.property(name, utc(at))
    }
}

fn local(time: NaiveDateTime) -> String {
    time.format("%Y%m%dT%H%M%S").to_string()
}

fn utc(at: Instant) -> String {
    at.utc().format("%Y%m%dT%H%M%SZ").to_string()
}

/// `+0800`; with seconds where an old zone has them.
fn offset(offset: FixedOffset) -> String {
    let (sign, seconds) = if offset.local_minus_utc() < 0 { ('-', -offset.local_minus_utc()) } else { ('+', offset.local_minus_utc()) };
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if seconds == 0 { format!("{sign}{hours:02}{minutes:02}") } else { format!("{sign}{hours:02}{minutes:02}{seconds:02}") }
}
