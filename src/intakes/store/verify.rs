//! What `muster verify` looks for among the intakes.

use diesel::prelude::*;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::super::model::{Intake, IntakeId};
use crate::{db::Conn, error::Error, id::Id, journal, schema::intakes};

/// Intakes in one look.
const PAGE: i64 = 500;

/// The entries of the journal that say all of an intake, as it stood from then on.
const WHOLE: [&str; 3] = ["intake.created", "intake.updated", "intake.changed_state"];

/// Holds each intake against the journal's last word about it.
pub fn verify(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let mut findings = Vec::new();
    let mut last: IntakeId = Id::from_uuid(Uuid::nil());
    loop {
        let after = intakes::table.filter(intakes::id.gt(last)).order(intakes::id).limit(PAGE);
        let page: Vec<Intake> = after.select(Intake::as_select()).load(conn)?;
        let Some(intake) = page.last() else {
            return Ok(findings);
        };
        last = intake.id;
        let page: Vec<(IntakeId, Intake)> = page.into_iter().map(|intake| (intake.id, intake)).collect();
        let unlike = journal::unlike::<Map<String, Value>, _>(conn, &page, &WHOLE)?;
        findings.extend(unlike.into_iter().map(|(id, how)| format!("intakes: intake {id} {how}")));
    }
}
