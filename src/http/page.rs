//! Pages of lists: keyset cursors, never offsets, so that a page costs the same wherever it is.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::IntoParams;

use crate::error::{Error, coded};

/// A page of a list.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Send it as `cursor` for the next page; null on the last one.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// Makes a page of at most `limit` from one row more than that, if there is one.
    pub fn cut(mut items: Vec<T>, limit: i64, cursor: impl Fn(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(cursor) } else { None };
        Self { items, next }
    }
}

/// The query of a list without filters.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// From `next` of the page before.
    cursor: Option<String>,
    /// How many, 1 to 500 (default 50).
    limit: Option<Limit>,
}

impl PageQuery {
    /// The cursor and the limit asked for.
    pub fn read<C: FromStr>(&self) -> Result<(Option<C>, i64), Error> {
        Ok((cursor(self.cursor.as_deref())?, limit(self.limit)?))
    }
}

/// How many rows a page is to have.
#[derive(Clone, Copy, Debug, utoipa::ToSchema)]
#[schema(minimum = 1, maximum = 500)]
pub struct Limit(i64);

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|_| coded("wrong_value", "must be a whole number from 1 to 500"))
    }
}

/// The number of rows asked for: 50 unless said, 1 to 500.
pub fn limit(asked: Option<Limit>) -> Result<i64, Error> {
    let limit = asked.map_or(50, |Limit(limit)| limit);
    if (1..=500).contains(&limit) { Ok(limit) } else { Err(Error::malformed("limit_out_of_range", "limit must lie between 1 and 500")) }
}

/// Reads a cursor that a page before gave out.
pub fn cursor<C: FromStr>(asked: Option<&str>) -> Result<Option<C>, Error> {
    asked
        .map(|text| text.parse().map_err(|_| Error::malformed("cursor_malformed", "cursor is not one that a page before gave out")))
        .transpose()
}
