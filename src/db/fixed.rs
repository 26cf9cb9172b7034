//! Statements whose text is fixed, kept prepared. Diesel prepares an `sql_query` and every UPDATE anew each time it is run, which
//! costs SQLite half of a small statement and Postgres a round trip. And updates of many rows in one statement, which are not kept.

use std::borrow::Cow;

use diesel::{
    QueryResult, RunQueryDsl,
    expression::{AsExpression, Expression},
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{SingleValue, SqlType, Untyped},
};

use super::{Conn, MultiBackend};

/// A statement in the words that both databases know, with `?` for each bound value.
pub(crate) struct Fixed<'a> {
    text: Cow<'a, str>,
    values: Vec<Box<dyn QueryFragment<MultiBackend> + 'a>>,
    is_kept: bool,
}

/// The statement `text`; a `?` in it stands for nothing but a value.
pub(crate) fn fixed(text: &str) -> Fixed<'_> {
    Fixed { text: text.into(), values: Vec::new(), is_kept: true }
}

/// Sets `columns` in `count` rows of `table`, in each to values of its own. Row by row there are bound the `keys` by which it is found, and
/// then the values. Not kept prepared: the text is another one for every number of rows.
pub(crate) fn update_each<'a>(table: &str, keys: &[&str], columns: &[&str], count: usize) -> Fixed<'a> {
    let row = format!("({})", vec!["?"; keys.len() + columns.len()].join(", "));
    let rows = vec![row; count].join(", ");
    // Both databases call the columns of VALUES by their numbers.
    let found: Vec<String> = keys.iter().zip(1..).map(|(key, number)| format!("{table}.{key} = v.column{number}")).collect();
    let set: Vec<String> = columns.iter().zip(keys.len() + 1..).map(|(column, number)| format!("{column} = v.column{number}")).collect();
    let text = format!("UPDATE {table} SET {} FROM (VALUES {rows}) AS v WHERE {}", set.join(", "), found.join(" AND "));
    Fixed { text: text.into(), values: Vec::new(), is_kept: false }
}

impl<'a> Fixed<'a> {
    /// Binds the next value, of the SQL type `T`.
    #[must_use]
    pub(crate) fn bind<T, V>(mut self, value: V) -> Self
    where
        T: SqlType + SingleValue,
        V: AsExpression<T>,
        V::Expression: Expression<SqlType = T> + QueryFragment<MultiBackend> + 'a,
    {
        self.values.push(Box::new(value.as_expression()));
        self
    }
}

impl QueryFragment<MultiBackend> for Fixed<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        if !self.is_kept {
            out.unsafe_to_cache_prepared();
        }
        let mut values = self.values.iter();
        for (number, part) in self.text.split('?').enumerate() {
            if number > 0 {
                let value = values.next().ok_or_else(|| diesel::result::Error::QueryBuilderError("a value is missing".into()))?;
                value.walk_ast(out.reborrow())?;
            }
            out.push_sql(part);
        }
        match values.next() {
            Some(_) => Err(diesel::result::Error::QueryBuilderError("a value is left over".into())),
            None => Ok(()),
        }
    }
}

/// Found among the prepared statements by its text.
impl QueryId for Fixed<'_> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

/// Loads rows by the names of their columns.
impl Query for Fixed<'_> {
    type SqlType = Untyped;
}

impl RunQueryDsl<Conn> for Fixed<'_> {}
