//! `GET /audit`.

use actix_web::web::{Data, ServiceConfig};
use serde::Deserialize;
use utoipa::{IntoParams, OpenApi};

use super::{EntryFilter, SealedEntry, store};
use crate::{
    access::Action,
    db::Db,
    error::Error,
    http::{Answer, Caller, Page, Query, Reading, at, page},
    intakes::IntakeId,
};

#[derive(OpenApi)]
#[openapi(paths(list_audit))]
pub struct ApiDoc;

pub fn routes(api: &mut ServiceConfig) {
    api.service(at("/audit").get(list_audit));
}

/// Filters of the audit.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    /// Only entries about this object.
    subject_id: Option<uuid::Uuid>,
    /// Only this action, such as `roll_call.closed`.
    action: Option<String>,
    /// Only entries of this intake.
    intake_id: Option<IntakeId>,
    /// Position after which to go on; from `next` of the page before.
    cursor: Option<String>,
    /// How many entries, 1 to 500 (default 50).
    limit: Option<page::Limit>,
}

/// The journal, oldest first.
///
/// Reading seals: entries that have no position yet get theirs before the page is read.
#[utoipa::path(get, path = "/audit", tag = "audit", params(AuditQuery), responses(
    (status = 200, description = "A page of sealed entries", body = Page<SealedEntry>), Reading))]
async fn list_audit(db: Data<Db>, caller: Caller, query: Query<AuditQuery>) -> Result<Answer, Error> {
    let query = query.into_inner();
    let limit = page::limit(query.limit)?;
    let filter = EntryFilter { subject_id: query.subject_id, action: query.action, intake_id: query.intake_id };
    let after = page::cursor(query.cursor.as_deref())?.unwrap_or(0);
    let entries = loop {
        let filter = filter.clone();
        let page = db.write(caller.credentials.clone(), move |conn, actor, now| {
            actor.may(Action::ReadAudit)?;
            // A long journal is sealed in several transactions, so that others write in between.
            if store::seal(conn, now)? { Ok(None) } else { store::list(conn, actor, &filter, after, limit + 1).map(Some) }
        });
        if let Some(entries) = page.await? {
            break entries;
        }
    };
    Answer::page(&caller, Page::cut(entries, limit, |entry| entry.position.to_string()))
}
