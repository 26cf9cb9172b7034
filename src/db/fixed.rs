//! Statements whose text is fixed, kept prepared. Diesel prepares an `sql_query` and every UPDATE anew each time it is run, which
//! costs SQLite half of a small statement and Postgres a round trip.

use diesel::{
    QueryResult, RunQueryDsl,
    expression::{AsExpression, Expression},
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{SingleValue, SqlType, Untyped},
};

use super::{Conn, MultiBackend};

/// A statement in the words that both databases know, with `?` for each bound value.
pub(crate) struct Fixed<'a> {
    text: &'a str,
    values: Vec<Box<dyn QueryFragment<MultiBackend> + 'a>>,
    is_kept: bool,
}

/// The statement `text`; a `?` in it stands for nothing but a value.
pub(crate) fn fixed(text: &str) -> Fixed<'_> {
    Fixed { text, values: Vec::new(), is_kept: true }
}

impl<'a> Fixed<'a> {
    /// Not kept prepared: the text has a part for each of many rows, and another one for every number of them.
    #[must_use]
    pub(crate) fn once(self) -> Self {
        Self { is_kept: false, ..self }
    }

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
        Ok(())
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
