//! `/sessions/{id}/placements`.

use actix_web::web::{Data, Path};

use crate::{
    db::Db,
    error::Error,
    http::{Answer, Caller, Query, Reading},
    schedule::{
        model::SessionId,
        placements::{PlacementQuery, Placements},
        store::placements::placements,
    },
};

/// When a draft or published session would fit, and what blocks each other time
///
/// As it is: with its people, its room and its length. Each time is looked at alone, and what the session occupies now is thought away.
/// Other drafts that would take the same then are warned of, as far as the caller sees them. A time that the clocks skip or show twice is
/// not among them. A recorded session occupies nobody, so that there is nothing to look for.
#[utoipa::path(get, path = "/sessions/{id}/placements", tag = "sessions",
    params(("id" = SessionId, Path, description = "The session"), PlacementQuery),
    responses((status = 200, description = "Every time asked for, by start", body = Placements), Reading))]
pub(super) async fn read_placements(
    db: Data<Db>,
    caller: Caller,
    id: Path<SessionId>,
    query: Query<PlacementQuery>,
) -> Result<Answer, Error> {
    let (id, query) = (id.into_inner(), query.into_inner());
    let found = db.read_whole(caller.credentials.clone(), move |conn, actor, now| placements(conn, actor, now, id, &query)).await?;
    Answer::ok(&found)
}
