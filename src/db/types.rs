//! How ids, instants, closed sets and checked texts are stored on each database.
//!
//! | here | Postgres | SQLite |
//! |---|---|---|
//! | [`Uid`] | `uuid` | 16-byte `BLOB` |
//! | [`Ts`] | `timestamptz` | `INTEGER`, microseconds since 1970 |
//! | `text_enum!`, `text_type!` | `text` | `TEXT` |

use std::io::Write;

use diesel::{
    deserialize::{self, FromSql},
    pg::{Pg, PgValue},
    query_builder::QueryId,
    serialize::{self, IsNull, Output, ToSql},
    sql_types::{BigInt, HasSqlType, SqlOrd, SqlType},
    sqlite::Sqlite,
};
use uuid::Uuid;

use super::MultiBackend;
use crate::{clock::Instant, id::Id};

/// The SQL type of an [`Id`].
#[derive(Clone, Copy, Default, QueryId, SqlType)]
#[diesel(postgres_type(oid = 2950, array_oid = 2951))]
#[diesel(sqlite_type(name = "Binary"))]
pub struct Uid;

/// The SQL type of an [`Instant`].
#[derive(Clone, Copy, Default, QueryId, SqlType)]
#[diesel(postgres_type(oid = 1184, array_oid = 1185))]
#[diesel(sqlite_type(name = "Long"))]
pub struct Ts;

impl SqlOrd for Ts {}

impl HasSqlType<Uid> for MultiBackend {
    fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
        Self::lookup_sql_type::<Uid>(lookup)
    }
}

impl HasSqlType<Ts> for MultiBackend {
    fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
        Self::lookup_sql_type::<Ts>(lookup)
    }
}

impl<T> ToSql<Uid, Sqlite> for Id<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.as_bytes().as_slice());
        Ok(IsNull::No)
    }
}

impl<T> ToSql<Uid, Pg> for Id<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.as_bytes())?;
        Ok(IsNull::No)
    }
}

impl<T: 'static> ToSql<Uid, MultiBackend> for Id<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((Uid, self));
        Ok(IsNull::No)
    }
}

impl<T> FromSql<Uid, Sqlite> for Id<T> {
    fn from_sql(mut value: <Sqlite as diesel::backend::Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Self::from_uuid(Uuid::from_slice(value.read_blob())?))
    }
}

impl<T> FromSql<Uid, Pg> for Id<T> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self::from_uuid(Uuid::from_slice(value.as_bytes())?))
    }
}

impl<T: 'static> FromSql<Uid, MultiBackend> for Id<T> {
    fn from_sql(value: <MultiBackend as diesel::backend::Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        value.from_sql::<Self, Uid>()
    }
}

/// Microseconds from 1970, where [`Instant`] counts from, to 2000, where Postgres does.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

fn instant(micros: Option<i64>) -> deserialize::Result<Instant> {
    micros.and_then(Instant::from_unix_micros).ok_or_else(|| "an instant outside the years that can be shown".into())
}

impl ToSql<Ts, Sqlite> for Instant {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.unix_micros());
        Ok(IsNull::No)
    }
}

impl ToSql<Ts, Pg> for Instant {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let micros = self.unix_micros().checked_sub(POSTGRES_EPOCH).ok_or("an instant too far back")?;
        out.write_all(&micros.to_be_bytes())?;
        Ok(IsNull::No)
    }
}

impl ToSql<Ts, MultiBackend> for Instant {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((Ts, self));
        Ok(IsNull::No)
    }
}

impl FromSql<Ts, Sqlite> for Instant {
    fn from_sql(value: <Sqlite as diesel::backend::Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        instant(Some(<i64 as FromSql<BigInt, Sqlite>>::from_sql(value)?))
    }
}

impl FromSql<Ts, Pg> for Instant {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        instant(<i64 as FromSql<BigInt, Pg>>::from_sql(value)?.checked_add(POSTGRES_EPOCH))
    }
}

impl FromSql<Ts, MultiBackend> for Instant {
    fn from_sql(value: <MultiBackend as diesel::backend::Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        value.from_sql::<Self, Ts>()
    }
}

/// Stores a type as `text` on every backend: `$as_str` lends the text, `$parse` reads it back.
macro_rules! stored_as_text {
    ($name:ident, $parse:expr) => {
        impl<DB> diesel::serialize::ToSql<diesel::sql_types::Text, DB> for $name
        where
            DB: diesel::backend::Backend,
            str: diesel::serialize::ToSql<diesel::sql_types::Text, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, DB>) -> diesel::serialize::Result {
                self.as_str().to_sql(out)
            }
        }

        impl<DB> diesel::deserialize::FromSql<diesel::sql_types::Text, DB> for $name
        where
            DB: diesel::backend::Backend,
            String: diesel::deserialize::FromSql<diesel::sql_types::Text, DB>,
        {
            fn from_sql(value: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
                let text = <String as diesel::deserialize::FromSql<diesel::sql_types::Text, DB>>::from_sql(value)?;
                $parse(text)
            }
        }
    };
}

/// Stores a type as `integer` on every backend: what its field `$field`, an `i32`, holds.
macro_rules! stored_as_integer {
    ($name:ident, $field:ident) => {
        impl<DB> diesel::serialize::ToSql<diesel::sql_types::Integer, DB> for $name
        where
            DB: diesel::backend::Backend,
            i32: diesel::serialize::ToSql<diesel::sql_types::Integer, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, DB>) -> diesel::serialize::Result {
                self.$field.to_sql(out)
            }
        }

        impl<DB> diesel::deserialize::FromSql<diesel::sql_types::Integer, DB> for $name
        where
            DB: diesel::backend::Backend,
            i32: diesel::deserialize::FromSql<diesel::sql_types::Integer, DB>,
        {
            fn from_sql(value: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
                <i32 as diesel::deserialize::FromSql<diesel::sql_types::Integer, DB>>::from_sql(value).map(|$field| Self { $field })
            }
        }
    };
}

/// A closed set whose members are stored, sent and printed under their snake_case names. The check constraint of the
/// column lists the same names.
macro_rules! text_enum {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$doc:meta])* $member:ident => $text:tt),+ $(,)? }) => {
        // The texts are token trees, because the derive of `ToSchema` does not see into a literal that a macro has matched as such.
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize,
            utoipa::ToSchema, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
        #[diesel(sql_type = diesel::sql_types::Text)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $text)] $member),+
        }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$member),+];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$member => $text),+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$member),)+
                    _ => Err(format!("there is no value `{text}`; there are: {}", $crate::text::listed([$($text),+]))),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        // Not derived: for serde_json a number in an enum's place is a syntax error, and a map of one member a variant.
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(|detail: String| $crate::error::coded("unknown_value", &detail))
            }
        }

        $crate::db::types::stored_as_text!($name, |text: String| text.parse::<$name>().map_err(Into::into));
    };
}

pub(crate) use {stored_as_integer, stored_as_text, text_enum};
