//! Instants, and the only place that asks what time it is.

use std::{fmt, ops::RangeInclusive};

use chrono::{DateTime, Datelike, DurationRound, SubsecRound, TimeDelta, Utc};
use diesel::{deserialize::FromSqlRow, expression::AsExpression};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{db::types::Ts, error::coded};

/// A point in time in UTC, exact to the microsecond (what both databases keep).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = Ts)]
pub struct Instant(DateTime<Utc>);

/// What time it is.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub fn now() -> Instant {
    Instant::from(Utc::now())
}

/// The years that are kept: both databases hold them, and nothing of ours needs more.
const YEARS: RangeInclusive<i32> = 1900..=2200;

/// Whether the year of a date or time is kept.
pub fn is_kept(date: &impl Datelike) -> bool {
    YEARS.contains(&date.year())
}

impl Instant {
    /// 1970-01-01T00:00:00Z.
    pub(crate) const EPOCH: Self = Self(DateTime::UNIX_EPOCH);

    pub(crate) const OUTSIDE_YEARS: &str = "the year must lie between 1900 and 2200";

    /// An instant as it was sent, or why it is not taken.
    pub(crate) fn kept(at: DateTime<Utc>) -> Result<Self, &'static str> {
        if at.timestamp_subsec_nanos() >= 1_000_000_000 {
            // Neither database can hold it, so that it would be read back as another instant.
            return Err("a leap second is not kept; send the second before or after it");
        }
        if is_kept(&at) { Ok(Self::from(at)) } else { Err(Self::OUTSIDE_YEARS) }
    }

    /// The instant `micros` microseconds after 1970-01-01T00:00:00Z, if chrono can express it.
    pub fn from_unix_micros(micros: i64) -> Option<Self> {
        DateTime::from_timestamp_micros(micros).map(Self)
    }

    pub fn unix_micros(self) -> i64 {
        self.0.timestamp_micros()
    }

    pub fn utc(self) -> DateTime<Utc> {
        self.0
    }

    /// Whether it has no seconds.
    pub fn is_whole_minute(self) -> bool {
        self.unix_micros() % 60_000_000 == 0
    }

    /// Itself without a fraction of a second.
    pub fn whole_second(self) -> Option<Self> {
        Self::from_unix_micros(self.unix_micros().div_euclid(1_000_000) * 1_000_000)
    }

    /// The minutes from `self` to `later`, without what is left of seconds.
    pub fn minutes_until(self, later: Self) -> i64 {
        (later.0 - self.0).num_minutes()
    }

    /// How long after `earlier`; negative before it.
    pub fn since(self, earlier: Self) -> TimeDelta {
        self.0 - earlier.0
    }

    pub fn plus(self, delta: TimeDelta) -> Self {
        Self(self.0.checked_add_signed(delta).unwrap_or(self.0))
    }
}

impl From<DateTime<Utc>> for Instant {
    /// Truncates to microseconds, so that what is written is what is read back.
    fn from(at: DateTime<Utc>) -> Self {
        Self(at.duration_trunc(TimeDelta::microseconds(1)).unwrap_or_else(|_| at.trunc_subsecs(0)))
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let at: DateTime<Utc> =
            text.parse().map_err(|_| coded("wrong_value", "must be an RFC 3339 instant such as 2020-05-27T11:00:00Z"))?;
        Self::kept(at).map_err(|detail| coded("wrong_value", detail))
    }
}

impl utoipa::PartialSchema for Instant {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::DateTime)))
            .into()
    }
}
impl utoipa::ToSchema for Instant {
    fn name() -> std::borrow::Cow<'static, str> {
        "Instant".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_read_back_as_it_was_written_or_not_taken() {
        let read = |text: &str| serde_json::from_value::<Instant>(serde_json::json!(text));
        let at = read("2020-05-27T19:00:00.123456789+08:00").unwrap();
        assert_eq!(at.to_string(), "2020-05-27T11:00:00.123456Z");
        assert_eq!(Instant::from_unix_micros(at.unix_micros()), Some(at));
        for wrong in ["2016-12-31T23:59:60Z", "2026-11-15T23:59:60.5Z", "1899-12-31T00:00:00Z", "2020-05-27T11:00:00", "2020-05-27"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
