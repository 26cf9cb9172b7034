//! Days of the week and times of day, as the clocks of some place show them; pure.

use std::{borrow::Cow, fmt, str::FromStr};

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    db::types::{stored_as_integer, text_enum},
    error::coded,
};

text_enum! {
    pub enum Weekday {
        Monday => "monday",
        Tuesday => "tuesday",
        Wednesday => "wednesday",
        Thursday => "thursday",
        Friday => "friday",
        Saturday => "saturday",
        Sunday => "sunday",
    }
}

impl Weekday {
    pub fn of(date: NaiveDate) -> Self {
        match date.weekday() {
            chrono::Weekday::Mon => Self::Monday,
            chrono::Weekday::Tue => Self::Tuesday,
            chrono::Weekday::Wed => Self::Wednesday,
            chrono::Weekday::Thu => Self::Thursday,
            chrono::Weekday::Fri => Self::Friday,
            chrono::Weekday::Sat => Self::Saturday,
            chrono::Weekday::Sun => Self::Sunday,
        }
    }

    /// 1 for Monday to 7 for Sunday, as in ISO 8601 and in the database.
    pub fn number(self) -> i32 {
        self as i32 + 1
    }
}

impl From<Weekday> for i32 {
    fn from(weekday: Weekday) -> Self {
        weekday.number()
    }
}

impl TryFrom<i32> for Weekday {
    type Error = &'static str;
    fn try_from(number: i32) -> Result<Self, &'static str> {
        Self::ALL.iter().copied().find(|weekday| weekday.number() == number).ok_or("no day of the week has this number")
    }
}

/// A time of day in whole minutes: 08:00; 24:00 is the midnight at its end. Of which day and in which zone, the place where it is used says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
#[diesel(sql_type = diesel::sql_types::Integer)]
pub struct TimeOfDay {
    /// Since local midnight.
    minute: i32,
}

const FORMAT: &str = "%H:%M";

impl TimeOfDay {
    /// The midnights at which a day begins and ends.
    pub const START: Self = Self { minute: 0 };
    pub const END: Self = Self { minute: 24 * 60 };

    /// What the clocks show at a local time, without the seconds.
    pub fn of(local: NaiveDateTime) -> Self {
        let minutes = (local - local.date().and_time(NaiveTime::MIN)).num_minutes();
        Self { minute: i32::try_from(minutes).unwrap_or(0) }
    }

    pub const fn at(hour: i32, minute: i32) -> Self {
        Self { minute: hour * 60 + minute }
    }

    pub fn minutes_until(self, later: Self) -> i64 {
        i64::from(later.minute - self.minute)
    }

    /// The local time on a day; of 24:00 the first of the next.
    pub fn on(self, date: NaiveDate) -> NaiveDateTime {
        date.and_time(NaiveTime::MIN) + TimeDelta::minutes(self.minute.into())
    }
}

impl FromStr for TimeOfDay {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        if text == "24:00" {
            return Ok(Self::END);
        }
        // Chrono would read `8:0` too.
        let time = NaiveTime::parse_from_str(text, FORMAT).ok().filter(|time| time.format(FORMAT).to_string() == text);
        time.map(|time| Self::of(NaiveDate::default().and_time(time))).ok_or("must be a time of day such as 08:00")
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.minute / 60, self.minute % 60)
    }
}

impl Serialize for TimeOfDay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|detail| coded("wrong_value", detail))
    }
}

stored_as_integer!(TimeOfDay, minute);

impl utoipa::PartialSchema for TimeOfDay {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .description(Some("A time of day in whole minutes, as the clocks show it; 24:00 is the midnight at its end."))
            .pattern(Some("^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"))
            .examples(["08:00"])
            .into()
    }
}

impl utoipa::ToSchema for TimeOfDay {
    fn name() -> Cow<'static, str> {
        "TimeOfDay".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_has_two_digits_each_and_no_seconds() {
        for text in ["00:00", "08:05", "23:59", "24:00"] {
            assert_eq!(text.parse::<TimeOfDay>().unwrap().to_string(), text);
        }
        for wrong in ["8:05", "08:5", "24:01", "25:00", "08:60", "08:05:00", "0805", ""] {
            assert!(wrong.parse::<TimeOfDay>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_midnight_at_the_end_of_a_day_is_the_first_of_the_next() {
        let day: NaiveDate = "2020-05-31".parse().unwrap();
        assert_eq!(TimeOfDay::END.on(day), TimeOfDay::START.on(day.succ_opt().unwrap()));
        assert_eq!(TimeOfDay::of("2020-05-31T08:05:59".parse().unwrap()).to_string(), "08:05");
    }

    #[test]
    fn the_days_of_the_week_are_numbered_from_monday() {
        for (day, number) in (1..=7).map(|day| NaiveDate::from_ymd_opt(2020, 6, day).unwrap()).zip(1..) {
            assert_eq!((Weekday::of(day).number(), Weekday::try_from(number)), (number, Ok(Weekday::of(day))));
        }
        assert!(Weekday::try_from(0).is_err() && Weekday::try_from(8).is_err());
    }
}
