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

/// Looks for feeds of what is not their provider's: a cohort, a room or an intake of another one; a person whom it neither recorded nor
/// enrolled; and of a person's own, another one than recorded them.
pub fn verify(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let foreign: Vec<Foreign> = sql_query(
        "SELECT f.id, f.kind FROM feeds f
         LEFT JOIN cohorts c ON c.id = f.cohort_id
         LEFT JOIN intakes i ON i.id = coalesce(f.intake_id, c.intake_id)
         LEFT JOIN rooms r ON r.id = f.room_id
         LEFT JOIN people p ON p.id = f.person_id
         WHERE coalesce(i.provider_id, r.provider_id, f.provider_id) <> f.provider_id
            OR (f.role <> 'coordinator' AND p.provider_id <> f.provider_id)
            OR (f.role = 'coordinator' AND p.id IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM organization_tree t WHERE t.ancestor_id = f.provider_id AND t.descendant_id = p.provider_id)
                AND NOT EXISTS (SELECT 1 FROM enrollments e JOIN intakes o ON o.id = e.intake_id
                    JOIN organization_tree t ON t.descendant_id = o.provider_id AND t.ancestor_id = f.provider_id WHERE e.person_id = p.id))
         ORDER BY f.id",
    )
    .load(conn)?;
    Ok(foreign
        .into_iter()
        .map(|row| format!("feeds: feed {} shows a schedule ({}) that is not its provider's", row.id, row.kind))
        .collect())
}
