//! A time of day as the clocks of some place show it; pure.

use std::{borrow::Cow, fmt, str::FromStr};

use chrono::NaiveTime;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::coded;

/// A time of day in whole minutes: 08:00. Of which day and in which zone, the place where it is used says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TimeOfDay(NaiveTime);

const FORMAT: &str = "%H:%M";

impl TimeOfDay {
    pub(super) fn time(self) -> NaiveTime {
        self.0
    }
}

impl FromStr for TimeOfDay {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        // Chrono would read `8:0` too.
        let time = NaiveTime::parse_from_str(text, FORMAT).ok().filter(|time| time.format(FORMAT).to_string() == text);
        time.map(Self).ok_or("must be a time of day such as 08:00")
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.format(FORMAT).fmt(f)
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

impl utoipa::PartialSchema for TimeOfDay {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .description(Some("A time of day in whole minutes, as the clocks of the intake's time zone show it."))
            .pattern(Some("^([01][0-9]|2[0-3]):[0-5][0-9]$"))
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
        assert_eq!("08:05".parse::<TimeOfDay>().unwrap().to_string(), "08:05");
        for wrong in ["8:05", "08:5", "24:00", "08:60", "08:05:00", "0805", ""] {
            assert!(wrong.parse::<TimeOfDay>().is_err(), "{wrong}");
        }
    }
}
