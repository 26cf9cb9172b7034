//! What `muster verify` looks for among the intakes.

use std::collections::BTreeMap;

use diesel::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::model::{Intake, IntakeId};
use crate::{
    db::{self, Conn},
    error::Error,
    journal,
    organizations::OrganizationId,
    schema::{intake_sponsors, intakes, journal_entries, journal_payloads, unit_quotas},
};

/// Intakes in one look.
const PAGE: i64 = 500;

/// The entries of the journal that say all of an intake, as it stood from then on.
const WHOLE: [&str; 3] = ["intake.created", "intake.updated", "intake.changed_state"];

/// Holds each intake, and the seats that it keeps for its sponsors, against the journal's last word about them.
pub fn verify(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let some = |conn: &mut Conn, after: IntakeId| {
        let after = intakes::table.filter(intakes::id.gt(after)).order(intakes::id).limit(PAGE);
        after.select((intakes::id, Intake::as_select())).load(conn)
    };
    let mut findings = db::in_pages(
        conn,
        some,
        |(id, _)| *id,
        |conn, page: Vec<(IntakeId, Intake)>| {
            let unlike = journal::unlike::<Map<String, Value>, _>(conn, &page, &WHOLE)?;
            Ok(unlike.into_iter().map(|(id, how)| format!("intakes: intake {id} {how}")).collect())
        },
    )?;
    findings.extend(unlike_quotas(conn)?);
    Ok(findings)
}

/// What the payload of an entry about a quota says of it as it was set.
#[derive(Deserialize)]
struct QuotaPayload {
    to: Quota,
}

#[derive(Deserialize)]
struct Quota {
    seats: Option<i32>,
}

/// The seats kept for a sponsor or a unit where they are others than the journal says. An entry that says nothing any more is the business of the
/// journal's check.
fn unlike_quotas(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let entries: Vec<(Option<IntakeId>, OrganizationId, Option<String>)> = journal_entries::table
        .left_join(journal_payloads::table.on(journal_payloads::entry_id.eq(journal_entries::id)))
        .filter(journal_entries::action.eq("seat_quota.set"))
        .order(journal_entries::seq)
        .select((journal_entries::intake_id, journal_entries::subject_id, journal_payloads::body.nullable()))
        .load(conn)?;
    let mut told: BTreeMap<(IntakeId, OrganizationId), Option<String>> = BTreeMap::new();
    for (intake, sponsor, body) in entries {
        let Some(intake) = intake else { continue };
        told.insert((intake, sponsor), body);
    }
    let stored: Vec<(IntakeId, OrganizationId, i32)> = intake_sponsors::table
        .filter(intake_sponsors::seats.is_not_null())
        .select((intake_sponsors::intake_id, intake_sponsors::sponsor_id, intake_sponsors::seats.assume_not_null()))
        .load(conn)?;
    let units: Vec<(IntakeId, OrganizationId, i32)> = unit_quotas::table
        .filter(unit_quotas::seats.is_not_null())
        .select((unit_quotas::intake_id, unit_quotas::unit_id, unit_quotas::seats.assume_not_null()))
        .load(conn)?;
    let mut stored: BTreeMap<_, i32> = stored.into_iter().chain(units).map(|(intake, sponsor, seats)| ((intake, sponsor), seats)).collect();
    let mut findings = Vec::new();
    let mut compare = |(intake, sponsor): (IntakeId, OrganizationId), kept: Option<i32>, told: Option<i32>| {
        if kept != told {
            let count = |seats: Option<i32>| seats.map_or_else(|| "any number of".to_owned(), |seats| seats.to_string());
            let (kept, told) = (count(kept), count(told));
            findings.push(format!("intakes: intake {intake} has {kept} seats for sponsor {sponsor}, the journal says {told}"));
        }
    };
    let mut unreadable = Vec::new();
    for (pair, body) in told {
        let kept = stored.remove(&pair);
        match body.as_deref().map(serde_json::from_str) {
            Some(Ok(QuotaPayload { to: Quota { seats } })) => compare(pair, kept, seats),
            Some(Err(_)) => unreadable.push(format!("intakes: what the journal says of the seats of intake {} cannot be read", pair.0)),
            None => {}
        }
    }
    stored.into_iter().for_each(|(pair, seats)| compare(pair, Some(seats), None));
    findings.extend(unreadable);
    Ok(findings)
}
