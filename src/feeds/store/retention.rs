//! The feeds of somebody who is restricted.

use diesel::prelude::*;

use super::{super::model::FeedId, revoke};
use crate::{
    access::{Actor, UserId},
    clock::Instant,
    db::Conn,
    error::Error,
    people::PersonId,
    schema::feeds,
};

/// The feeds of a person's own schedule, and those that one of their users made.
pub fn ever_of(conn: &mut Conn, person: PersonId, users: &[UserId]) -> Result<Vec<FeedId>, Error> {
    let makers: Vec<Option<UserId>> = users.iter().copied().map(Some).collect();
    let own = feeds::table.filter(feeds::person_id.eq(person).or(feeds::user_id.eq_any(makers)));
    Ok(own.select(feeds::id).load(conn)?)
}

/// Ends them all.
pub fn end_all(conn: &mut Conn, actor: &Actor, now: Instant, feeds: &[FeedId]) -> Result<(), Error> {
    for feed in feeds {
        revoke(conn, actor, now, *feed, None)?;
    }
    Ok(())
}
