//! Time zones, and what people enter as a time in one of them; pure.

use std::{fmt, str::FromStr};

use chrono::{DateTime, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeDelta, TimeZone};
use chrono_tz::{GapInfo, Tz};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    clock::{Instant, is_kept},
    db::types::stored_as_text,
    error::{FieldFault, coded},
};

/// An IANA time zone, such as Asia/Shanghai.
#[derive(Clone, Copy, Debug, PartialEq, Eq, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct Zone(Tz);

impl Zone {
    pub fn as_str(&self) -> &str {
        self.0.name()
    }

    /// The rules of its clocks.
    pub fn tz(&self) -> Tz {
        self.0
    }

    /// The instant at which the clocks show a local time, or why there is none or more than one.
    pub fn instant(&self, local: NaiveDateTime) -> Result<Instant, Unclear> {
        match self.0.from_local_datetime(&local) {
            MappedLocalTime::Single(at) => Ok(Instant::from(at.to_utc())),
            MappedLocalTime::Ambiguous(earlier, later) => Err(Unclear::Ambiguous { earlier, later }),
            MappedLocalTime::None => {
                let gap = GapInfo::new(&local, &self.0);
                // Every gap in the years that an intake may have is between two offsets that are known.
                let after = gap.and_then(|gap| gap.end).unwrap_or_else(|| self.0.from_utc_datetime(&local));
                Err(Unclear::Missing { local, before: after - TimeDelta::minutes(1), after })
            }
        }
    }

    /// The first instant of a local day; of one that was left out, as in Apia in 2011, that of the next.
    pub fn day_start(&self, date: NaiveDate) -> Instant {
        match self.instant(date.and_time(NaiveTime::MIN)) {
            Ok(at) => at,
            Err(Unclear::Missing { after: at, .. } | Unclear::Ambiguous { earlier: at, .. }) => Instant::from(at.to_utc()),
        }
    }

    /// The local date and time of an instant.
    pub fn local(&self, at: Instant) -> NaiveDateTime {
        at.utc().with_timezone(&self.0).naive_local()
    }

    /// An instant as it is told to people: what the clocks show, with the offset, as in `2020-06-02 09:00+08:00`.
    pub fn told(&self, at: Instant) -> String {
        at.utc().with_timezone(&self.0).format("%F %H:%M%:z").to_string()
    }

    /// The time of day that the clocks show then; with the offset where they show it twice, as in `02:30+01:00`.
    pub fn clock(&self, at: Instant) -> String {
        let shown = at.utc().with_timezone(&self.0);
        let is_shown_twice = matches!(self.instant(shown.naive_local()), Err(Unclear::Ambiguous { .. }));
        shown.format(if is_shown_twice { "%H:%M%:z" } else { "%H:%M" }).to_string()
    }

    /// The local date of an instant.
    pub fn date(&self, at: Instant) -> NaiveDate {
        at.utc().with_timezone(&self.0).date_naive()
    }
}

impl FromStr for Zone {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| format!("`{text}` is not an IANA time zone"))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|detail: String| coded("unknown_time_zone", &detail))
    }
}

stored_as_text!(Zone, |text: String| text.parse::<Zone>().map_err(Into::into));

/// A local time that is not one instant, because the clocks change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unclear {
    /// The clocks go forward over it: from the minute after `before` to `after`.
    Missing { local: NaiveDateTime, before: DateTime<Tz>, after: DateTime<Tz> },
    /// The clocks go back over it, so that they show it twice.
    Ambiguous { earlier: DateTime<Tz>, later: DateTime<Tz> },
}

impl Unclear {
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "local_time_missing",
            Self::Ambiguous { .. } => "local_time_ambiguous",
        }
    }

    /// What may be entered instead: both instants of an ambiguous time. Which time was meant by a missing one nobody can say.
    pub fn choices(&self) -> Vec<String> {
        match self {
            Self::Missing { .. } => Vec::new(),
            Self::Ambiguous { earlier, later } => vec![rfc3339(earlier), rfc3339(later)],
        }
    }

    /// What the clocks do. What to send instead is only of use to whoever sends this very time.
    pub fn why(&self) -> String {
        match self {
            Self::Missing { local, before, after } => {
                let (zone, from) = (after.timezone(), before.naive_local() + TimeDelta::minutes(1));
                let (local, from, to) = (local.format(MINUTES), from.format(MINUTES), after.format(MINUTES));
                format!("{local} does not exist in {zone}, where the clocks go forward from {from} to {to}")
            }
            Self::Ambiguous { earlier, .. } => {
                format!("{} exists twice in {}, where the clocks go back", earlier.format(MINUTES), earlier.timezone())
            }
        }
    }

    /// Of the field at this pointer.
    pub fn fault(&self, pointer: &str) -> FieldFault {
        FieldFault { choices: self.choices(), ..FieldFault::new(pointer, self.code(), self.to_string()) }
    }
}

impl fmt::Display for Unclear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { before, after, .. } => {
                write!(f, "{}: the nearest times are {} and {}", self.why(), rfc3339(before), rfc3339(after))
            }
            Self::Ambiguous { earlier, later } => write!(f, "{}: send {} or {}", self.why(), rfc3339(earlier), rfc3339(later)),
        }
    }
}

fn rfc3339(at: &DateTime<Tz>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, false)
}

const MINUTES: &str = "%Y-%m-%dT%H:%M";
const MINUTES_LONG: usize = "2020-05-27T19:00".len();

/// A time as it was entered: an instant, or a local time of a zone that is known only where it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnteredTime {
    Instant(Instant),
    Local(NaiveDateTime),
}

impl EnteredTime {
    /// The instant that was meant.
    pub fn instant(self, zone: Zone) -> Result<Instant, Unclear> {
        match self {
            Self::Instant(at) => Ok(at),
            Self::Local(local) => zone.instant(local),
        }
    }
}

impl From<Instant> for EnteredTime {
    fn from(at: Instant) -> Self {
        Self::Instant(at)
    }
}

impl Serialize for EnteredTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Instant(at) => at.serialize(serializer),
            Self::Local(local) => serializer.collect_str(&local.format(MINUTES)),
        }
    }
}

impl<'de> Deserialize<'de> for EnteredTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|detail: &str| coded("wrong_value", detail))
    }
}

impl FromStr for EnteredTime {
    /// What is wrong with the text.
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        // Chrono would read `2020-5-28T9:00` too.
        let read = |format: &str| NaiveDateTime::parse_from_str(text, format).ok().filter(|local| local.format(format).to_string() == text);
        match [MINUTES, "%Y-%m-%dT%H:%M:00"].into_iter().find_map(read) {
            Some(local) if is_kept(&local) => Ok(Self::Local(local)),
            Some(_) => Err(Instant::OUTSIDE_YEARS),
            None => {
                let wrong = "must be an RFC 3339 instant such as 2020-05-27T11:00:00Z, or a local time such as 2020-05-27T19:00";
                // RFC 3339 has seconds always; people leave them out here as they do of a local time.
                let with_seconds = text.split_at_checked(MINUTES_LONG).filter(|(_, offset)| offset.starts_with(['Z', '+', '-']));
                let with_seconds = with_seconds.map(|(minutes, offset)| format!("{minutes}:00{offset}"));
                let instant = with_seconds.as_deref().unwrap_or(text).parse().map_err(|_| wrong)?;
                Instant::kept(instant).map(Self::Instant)
            }
        }
    }
}

impl utoipa::PartialSchema for EnteredTime {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        let description = "An RFC 3339 instant, whose seconds may be left out, or a local time in whole minutes without an offset, meant in the intake's time zone. One that \
            the clocks skip or show twice is refused: `local_time_missing`, `local_time_ambiguous`.";
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .description(Some(description))
            .examples(["2020-05-28T01:00:00Z", "2020-05-28T09:00"])
            .into()
    }
}
impl utoipa::ToSchema for EnteredTime {
    fn name() -> std::borrow::Cow<'static, str> {
        "EnteredTime".into()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    fn zone(name: &str) -> Zone {
        name.parse().unwrap()
    }

    fn local(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, MINUTES).unwrap()
    }

    fn minute(minute: i64) -> DateTime<chrono::Utc> {
        DateTime::from_timestamp(minute * 60, 0).unwrap()
    }

    /// What the clocks of a zone show; all that the models below take from chrono.
    fn shown(zone: Zone, at: DateTime<chrono::Utc>) -> NaiveDateTime {
        at.with_timezone(&zone.0).naive_local()
    }

    /// The minutes of UTC around a local time, however far the zone is from Greenwich, and two days more.
    fn around(local: NaiveDateTime) -> impl Iterator<Item = DateTime<chrono::Utc>> {
        let middle = local.and_utc().timestamp() / 60;
        (middle - 24 * 60..middle + 63 * 60).map(minute)
    }

    /// Zones whose clocks change often, by half an hour, at midnight, by a whole day, and hardly ever; with the minutes around which they do.
    static ZONES: LazyLock<Vec<(Zone, Vec<i64>)>> = LazyLock::new(|| {
        let names = ["Asia/Shanghai", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo"];
        // Before 1950 some offsets are no whole minutes.
        let days = || (-20 * 365..80 * 365).map(|day| day * 24 * 60);
        let offset = |zone: Zone, at: i64| shown(zone, minute(at)) - minute(at).naive_utc();
        let changes = |zone| days().filter(|day| offset(zone, *day) != offset(zone, day + 24 * 60)).collect();
        names.map(zone).map(|zone| (zone, changes(zone))).to_vec()
    });

    /// A zone, and a local time on one of the three days around one of its changes.
    fn some_local() -> impl Strategy<Value = (Zone, NaiveDateTime)> {
        let near = |(zone, changes): (Zone, Vec<i64>)| {
            let minutes = (prop::sample::select(changes), -24 * 60..2 * 24 * 60_i64);
            minutes.prop_map(move |(change, later)| (zone, shown(zone, minute(change)) + TimeDelta::minutes(later)))
        };
        prop::sample::select(ZONES.as_slice()).prop_flat_map(near)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn a_local_time_is_the_minutes_that_show_it((zone, local) in some_local()) {
            let all: Vec<DateTime<chrono::Utc>> = around(local).filter(|at| shown(zone, *at) == local).collect();
            for at in &all {
                prop_assert_eq!(zone.clock((*at).into()).len() > "02:30".len(), all.len() > 1);
            }
            match (zone.instant(local), all.as_slice()) {
                (Ok(at), [one]) => prop_assert_eq!(at.utc(), *one),
                (Err(unclear @ Unclear::Ambiguous { .. }), [one, other]) => {
                    let choices: Vec<EnteredTime> = unclear.choices().iter().map(|choice| choice.parse().unwrap()).collect();
                    prop_assert_eq!(choices, [*one, *other].map(|at| EnteredTime::Instant(at.into())));
                }
                (Err(Unclear::Missing { local: told, before, after }), []) => {
                    prop_assert_eq!(told, local);
                    let (earlier, later): (Vec<_>, Vec<_>) = around(local).partition(|at| shown(zone, *at) < local);
                    prop_assert_eq!(Some(&before.to_utc()), earlier.last());
                    prop_assert_eq!(Some(&after.to_utc()), later.first());
                }
                (found, expected) => prop_assert!(false, "{} in {}: {:?}, but {:?}", local, zone, found, expected),
            }
        }

        #[test]
        fn a_day_begins_with_the_first_minute_that_shows_it_or_a_later_one((zone, local) in some_local()) {
            let first = around(local.date().and_time(NaiveTime::MIN)).find(|at| shown(zone, *at).date() >= local.date());
            prop_assert_eq!(Some(zone.day_start(local.date()).utc()), first);
        }
    }

    #[test]
    fn a_time_that_the_clocks_skip_or_show_twice_is_told_with_the_times_around() {
        let told = |name: &str, time: &str| zone(name).instant(local(time)).unwrap_err();
        let missing = told("Europe/Berlin", "2020-03-29T02:30");
        assert_eq!((missing.code(), missing.choices()), ("local_time_missing", vec![]));
        assert_eq!(
            missing.to_string(),
            "2020-03-29T02:30 does not exist in Europe/Berlin, where the clocks go forward from 2020-03-29T02:00 to 2020-03-29T03:00: \
             the nearest times are 2020-03-29T01:59:00+01:00 and 2020-03-29T03:00:00+02:00"
        );
        let lost = told("Pacific/Apia", "2011-12-30T12:00").to_string();
        assert!(lost.ends_with("2011-12-29T23:59:00-10:00 and 2011-12-31T00:00:00+14:00"), "{lost}");
        let twice = told("Australia/Lord_Howe", "2020-04-05T01:45");
        assert_eq!((twice.code(), twice.choices().len()), ("local_time_ambiguous", 2));
        assert_eq!(
            twice.to_string(),
            "2020-04-05T01:45 exists twice in Australia/Lord_Howe, where the clocks go back: \
             send 2020-04-05T01:45:00+11:00 or 2020-04-05T01:45:00+10:30"
        );
    }

    #[test]
    fn people_are_told_what_the_clocks_show_and_how_far_they_are_ahead() {
        let told = |name: &str, at: &str| zone(name).told(at.parse::<DateTime<chrono::Utc>>().unwrap().into());
        assert_eq!(told("Asia/Shanghai", "2020-06-02T01:00:00Z"), "2020-06-02 09:00+08:00");
        assert_eq!(told("America/Sao_Paulo", "2018-11-04T02:59:00Z"), "2018-11-03 23:59-03:00");
        // Two minutes that the clocks show alike.
        assert_eq!(told("Australia/Lord_Howe", "2020-04-04T14:45:00Z"), "2020-04-05 01:45+11:00");
        assert_eq!(told("Australia/Lord_Howe", "2020-04-04T15:15:00Z"), "2020-04-05 01:45+10:30");
    }

    #[test]
    fn a_day_begins_at_local_midnight_or_the_first_time_that_exists() {
        let start = |name: &str, day: &str| zone(name).day_start(day.parse().unwrap()).to_string();
        assert_eq!(start("Asia/Shanghai", "2020-05-27"), "2020-05-26T16:00:00Z");
        // The clocks went forward at midnight.
        assert_eq!(start("America/Sao_Paulo", "2018-11-04"), "2018-11-04T03:00:00Z");
        // The day was left out.
        assert_eq!(start("Pacific/Apia", "2011-12-30"), start("Pacific/Apia", "2011-12-31"));
    }

    #[test]
    fn both_passes_of_an_hour_that_the_clocks_show_twice_are_entered_by_their_offsets() {
        let read = |text: &str| text.parse::<EnteredTime>().unwrap().instant(zone("Europe/Berlin")).unwrap().to_string();
        assert_eq!(read("2020-10-25T02:30+02:00"), "2020-10-25T00:30:00Z");
        assert_eq!(read("2020-10-25T02:30+01:00"), "2020-10-25T01:30:00Z");
    }

    #[test]
    fn a_time_is_entered_with_an_offset_or_without_one_in_whole_minutes() {
        let read = |text: &str| text.parse::<EnteredTime>();
        let instant = EnteredTime::Instant(DateTime::from_timestamp(1_590_627_600, 0).unwrap().into());
        for text in
            ["2020-05-28T01:00:00Z", "2020-05-28T09:00:00+08:00", "2020-05-28T01:00:00.000Z", "2020-05-28T01:00Z", "2020-05-28T09:00+08:00"]
        {
            assert_eq!(read(text), Ok(instant), "{text}");
        }
        for text in ["2020-05-28T09:00", "2020-05-28T09:00:00"] {
            assert_eq!(read(text), Ok(EnteredTime::Local(local("2020-05-28T09:00"))), "{text}");
        }
        assert_eq!(serde_json::json!(read("2020-05-28T09:00").unwrap()), "2020-05-28T09:00");
        let wrong = [
            "2020-05-28",
            "2020-5-28T9:00",
            "2020-05-28T09:00:30",
            "2020-05-28T24:00",
            "1899-12-31T09:00",
            "2016-12-31T23:59:60Z",
            "09:00",
            "09:00Z",
            "2020-05-28T09Z",
            "2020-05-28T09:00+8",
            "",
        ];
        for text in wrong {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
