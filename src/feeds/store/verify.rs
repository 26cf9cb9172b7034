//! What `muster verify` looks for among the feeds.

use diesel::{prelude::*, sql_query, sql_types::Text};

use super::super::model::FeedId;
use crate::{
    db::{Conn, types::Uid},
    error::Error,
};

#[derive(QueryableByName)]
struct Foreign {
    #[diesel(sql_type = Uid)]
    id: FeedId,
    #[diesel(sql_type = Text)]
    kind: String,
}

/// Looks for feeds of what is not their provider's: a cohort, a room or an intake of another one; of a person's own, another one than
/// recorded them; and of a person, given out by another than the journal says. What is revoked shows nothing, and no more does a feed of
/// a person with whom its provider has nothing to do any more.
pub fn verify(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let foreign: Vec<Foreign> = sql_query(
        "SELECT f.id, f.kind FROM feeds f
         LEFT JOIN cohorts c ON c.id = f.cohort_id
         LEFT JOIN intakes i ON i.id = coalesce(f.intake_id, c.intake_id)
         LEFT JOIN rooms r ON r.id = f.room_id
         LEFT JOIN people p ON p.id = f.person_id
         WHERE f.revoked_at IS NULL AND (coalesce(i.provider_id, r.provider_id, f.provider_id) <> f.provider_id
            OR (f.role <> 'coordinator' AND p.provider_id <> f.provider_id)
            OR (f.role = 'coordinator' AND f.person_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM journal_entries j
                WHERE j.subject_id = f.id AND j.action = 'feed.created' AND j.provider_id = f.provider_id)))
         ORDER BY f.id",
    )
    .load(conn)?;
    Ok(foreign
        .into_iter()
        .map(|row| format!("feeds: feed {} shows a schedule ({}) that is not its provider's", row.id, row.kind))
        .collect())
}
