//! What a calendar is, as stored and sent, and which days it takes off.

use std::{fmt, str::FromStr};

use chrono::NaiveDate;
use diesel::{AsChangeset, Identifiable, Insertable, Queryable, Selectable};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use crate::{
    clock::Instant,
    db::types::{stored_as_integer, text_enum},
    error::{Error, FieldFault, coded},
    http::body::given,
    id::Id,
    organizations::OrganizationId,
    schema::{calendar_days, calendars, crew_shifts},
    text::{Code, Name},
    week::Weekday,
    zone::Zone,
};

pub type CalendarId = Id<Calendar>;

text_enum! {
    /// What a calendar lists.
    pub enum CalendarKind {
        /// Days off, and worked days of a weekend.
        Holidays => "holidays",
        /// When the crews of a sponsor work.
        Shifts => "shifts",
    }
}

text_enum! {
    /// What is said of a day.
    pub enum DayKind {
        /// It is off.
        Holiday => "holiday",
        /// It is worked, although it is of a weekend.
        Working => "working",
    }
}

/// Days of the week, each once, from Monday on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
#[diesel(sql_type = diesel::sql_types::Integer)]
pub struct Weekdays {
    /// Bit 0 for Mondays.
    bits: i32,
}

impl Weekdays {
    fn bit(day: Weekday) -> i32 {
        1 << (day.number() - 1)
    }

    pub fn contains(self, day: Weekday) -> bool {
        self.bits & Self::bit(day) != 0
    }

    pub fn is_empty(self) -> bool {
        self.bits == 0
    }
}

impl Serialize for Weekdays {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(Weekday::ALL.iter().filter(|day| self.contains(**day)))
    }
}

impl<'de> Deserialize<'de> for Weekdays {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut days = Self::default();
        for day in Vec::deserialize(deserializer)? {
            if days.contains(day) {
                return Err(coded("duplicate", "names the same day twice"));
            }
            days.bits |= Self::bit(day);
        }
        Ok(days)
    }
}

stored_as_integer!(Weekdays, bits);

/// Days off of a provider, or the shifts that a sponsor's crews work.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Identifiable, AsChangeset, Serialize, ToSchema)]
#[diesel(table_name = calendars, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Calendar {
    pub id: CalendarId,
    /// The organization that keeps it.
    pub provider_id: OrganizationId,
    pub kind: CalendarKind,
    /// Of shifts: the sponsor whose crews work them.
    pub organization_id: Option<OrganizationId>,
    /// Unique at the provider.
    #[schema(example = "CN-2020")]
    pub code: Code,
    #[schema(example = "2020 年节假日")]
    pub name: Name,
    /// In which the local times of a file are read.
    #[schema(value_type = String, example = "Asia/Shanghai")]
    pub time_zone: Zone,
    /// The days of the week that are off unless listed as worked. None where people are taught on weekends.
    #[schema(value_type = Vec<Weekday>, example = json!(["saturday", "sunday"]))]
    pub weekend_days: Weekdays,
    /// Raised with its days and shifts too.
    pub version: i32,
    pub created_at: Instant,
}

impl Calendar {
    /// Why a date is off, in words; none if it is worked. `listed` is what the calendar says of that very date.
    pub(super) fn day_off(&self, date: NaiveDate, listed: Option<&CalendarDay>) -> Option<String> {
        match listed {
            Some(CalendarDay { kind: DayKind::Holiday, name, .. }) => {
                Some(name.as_ref().map_or_else(|| "a holiday".to_owned(), Name::to_string))
            }
            Some(CalendarDay { kind: DayKind::Working, .. }) => None,
            None => self.weekend_days.contains(Weekday::of(date)).then(|| date.format("a %A").to_string()),
        }
    }

    /// # Errors
    /// 422 for shifts of nobody, and for holidays of a sponsor.
    pub(super) fn check(&self) -> Result<(), Error> {
        let mut faults = Vec::new();
        match self.kind {
            CalendarKind::Shifts if self.organization_id.is_none() => {
                faults.push(FieldFault::new("/organization_id", "organization_missing", "say whose crews work these shifts"));
            }
            CalendarKind::Holidays if self.organization_id.is_some() => {
                faults.push(FieldFault::new("/organization_id", "not_shifts", "only shifts are a sponsor's"));
            }
            CalendarKind::Shifts | CalendarKind::Holidays => {}
        }
        if self.kind == CalendarKind::Shifts && !self.weekend_days.is_empty() {
            faults.push(FieldFault::new("/weekend_days", "not_holidays", "only a calendar of holidays has days of the week that are off"));
        }
        Error::unless_valid(faults)
    }
}

/// A calendar to be kept.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCalendar {
    /// The caller's own organization unless said.
    #[serde(default)]
    pub provider_id: Option<OrganizationId>,
    pub kind: CalendarKind,
    /// Of shifts: the sponsor whose crews work them.
    #[serde(default)]
    pub organization_id: Option<OrganizationId>,
    pub code: Code,
    pub name: Name,
    #[schema(value_type = String, example = "Asia/Shanghai")]
    pub time_zone: Zone,
    #[serde(default)]
    #[schema(value_type = Vec<Weekday>)]
    pub weekend_days: Weekdays,
}

/// A merge patch (RFC 7396). Kind, sponsor and time zone are fixed.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CalendarPatch {
    #[serde(default, deserialize_with = "given")]
    pub code: Option<Code>,
    #[serde(default, deserialize_with = "given")]
    pub name: Option<Name>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<Weekday>>)]
    pub weekend_days: Option<Weekdays>,
}

impl CalendarPatch {
    /// What `calendar` becomes; equal to it if the patch alters nothing.
    pub(super) fn apply(self, calendar: &Calendar) -> Calendar {
        let mut changed = calendar.clone();
        changed.code = self.code.unwrap_or(changed.code);
        changed.name = self.name.unwrap_or(changed.name);
        changed.weekend_days = self.weekend_days.unwrap_or(changed.weekend_days);
        changed
    }
}

/// A listed day of a calendar of holidays.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Serialize, Deserialize, ToSchema)]
#[diesel(table_name = calendar_days, treat_none_as_default_value = false)]
pub struct CalendarDay {
    #[diesel(column_name = on_date)]
    #[schema(example = "2020-10-01")]
    pub date: NaiveDate,
    pub kind: DayKind,
    #[schema(example = "国庆节")]
    pub name: Option<Name>,
}

/// When a crew works: from `starts_at` until just before `ends_at`.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Serialize, Deserialize, ToSchema)]
#[diesel(table_name = crew_shifts, treat_none_as_default_value = false)]
pub struct CrewShift {
    /// As enrollments say it.
    #[schema(example = "甲")]
    pub crew: Code,
    pub starts_at: Instant,
    pub ends_at: Instant,
    #[schema(example = "夜班")]
    pub name: Option<Name>,
}

impl CrewShift {
    /// The place of the shift in a list.
    pub(super) fn cursor(&self) -> ShiftCursor {
        ShiftCursor { starts_at: self.starts_at, crew: self.crew.clone() }
    }
}

/// The place of a shift in a list by start and crew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ShiftCursor {
    pub(super) starts_at: Instant,
    pub(super) crew: Code,
}

impl fmt::Display for ShiftCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.starts_at.unix_micros(), self.crew)
    }
}

impl FromStr for ShiftCursor {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (micros, crew) = text.split_once('_').ok_or(())?;
        let starts_at = micros.parse().ok().and_then(Instant::from_unix_micros).ok_or(())?;
        Ok(Self { starts_at, crew: crew.parse().map_err(|_| ())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn weekdays(days: &[&str]) -> Weekdays {
        serde_json::from_value(serde_json::json!(days)).unwrap()
    }

    fn holidays(weekend: &[&str]) -> Calendar {
        Calendar {
            id: Id::generate(),
            provider_id: Id::generate(),
            kind: CalendarKind::Holidays,
            organization_id: None,
            code: "CN-2020".parse().unwrap(),
            name: "2020".parse().unwrap(),
            time_zone: "Asia/Shanghai".parse().unwrap(),
            weekend_days: weekdays(weekend),
            version: 1,
            created_at: Instant::from_unix_micros(0).unwrap(),
        }
    }

    #[test]
    fn days_of_the_week_are_read_back_as_they_were_written() {
        for days in [&[][..], &["saturday", "sunday"], &["monday"], &["monday", "tuesday", "wednesday", "thursday", "friday"]] {
            assert_eq!(serde_json::to_value(weekdays(days)).unwrap(), serde_json::json!(days));
        }
        assert_eq!(serde_json::to_value(weekdays(&["sunday", "saturday"])).unwrap(), serde_json::json!(["saturday", "sunday"]));
        for wrong in
            [serde_json::json!([1]), serde_json::json!(["Sunday"]), serde_json::json!(["sunday", "sunday"]), serde_json::json!("sunday")]
        {
            assert!(serde_json::from_value::<Weekdays>(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_day_is_off_if_listed_or_of_a_weekend_that_is_not_worked() {
        let day = |text: &str, kind| CalendarDay { date: date(text), kind, name: Some("国庆节".parse().unwrap()) };
        let thursday = day("2020-10-01", DayKind::Holiday);
        // 10 October 2020 was a Saturday that was worked for the holidays before.
        let saturday = day("2020-10-10", DayKind::Working);
        for calendar in [holidays(&[]), holidays(&["saturday", "sunday"])] {
            assert_eq!(calendar.day_off(thursday.date, Some(&thursday)).as_deref(), Some("国庆节"));
            assert_eq!(calendar.day_off(saturday.date, Some(&saturday)), None);
            assert_eq!(calendar.day_off(date("2020-10-09"), None), None);
        }
        let nameless = CalendarDay { name: None, ..thursday };
        assert_eq!(holidays(&[]).day_off(nameless.date, Some(&nameless)).as_deref(), Some("a holiday"));
        assert_eq!(holidays(&[]).day_off(saturday.date, None), None);
        assert_eq!(holidays(&["saturday", "sunday"]).day_off(saturday.date, None).as_deref(), Some("a Saturday"));
        assert_eq!(holidays(&["friday"]).day_off(date("2020-10-09"), None).as_deref(), Some("a Friday"));
    }

    #[test]
    fn a_cursor_reads_back_as_it_was_written() {
        let cursor = ShiftCursor { starts_at: Instant::from_unix_micros(1_590_541_200_000_000).unwrap(), crew: "甲_1".parse().unwrap() };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for wrong in ["", "_", "1", "x_y", "1_"] {
            assert_eq!(wrong.parse::<ShiftCursor>(), Err(()), "{wrong}");
        }
    }
}
