//! Seat quotas. The counts beside them are kept by the triggers on enrollments.

use diesel::prelude::*;

use super::{
    super::model::{IntakeId, NewQuota, SeatQuota},
    find,
};
use crate::{
    access::{Action, Actor, Scope},
    db::{self, Conn},
    error::Error,
    http::{Caller, ETag},
    journal::NewEntry,
    organizations::{OrganizationId, OrganizationKind},
    schema::{intake_sponsors, organizations},
};

/// The quotas of an intake: all of them, or a partner's own.
pub fn list(conn: &mut Conn, actor: &Actor, intake: IntakeId) -> Result<Vec<SeatQuota>, Error> {
    find(conn, actor, intake)?;
    let mut query = intake_sponsors::table
        .filter(intake_sponsors::intake_id.eq(intake))
        .filter(intake_sponsors::seats.is_not_null())
        .order(intake_sponsors::sponsor_id)
        .select((intake_sponsors::sponsor_id, intake_sponsors::seats, intake_sponsors::seats_taken, intake_sponsors::version))
        .into_boxed();
    query = match actor.scope() {
        Scope::Everything | Scope::Provider(_) => query,
        // The seats of the whole sponsor are not the business of one of its plants.
        Scope::Sponsor(organization) => query.filter(intake_sponsors::sponsor_id.eq(organization)),
        Scope::Adviser(..) | Scope::Teacher(..) | Scope::Own(_) => return Ok(Vec::new()),
    };
    Ok(query.load(conn)?)
}

pub(in crate::intakes) fn one(conn: &mut Conn, actor: &Actor, intake: IntakeId, sponsor: OrganizationId) -> Result<SeatQuota, Error> {
    list(conn, actor, intake)?.into_iter().find(|quota| quota.sponsor_id == sponsor).ok_or(Error::NotFound)
}

/// Sets, changes or (with null) lifts a sponsor's quota. Lowering it below the seats taken evicts nobody.
///
/// `caller` is none on the command line, which has no state to be stale.
pub fn set_quota(
    conn: &mut Conn,
    actor: &Actor,
    caller: Option<&Caller>,
    intake_id: IntakeId,
    sponsor: OrganizationId,
    seats: Option<i32>,
) -> Result<SeatQuota, Error> {
    let intake = find(conn, actor, intake_id)?;
    actor.may(Action::WriteIntakes)?;
    if seats.is_some_and(|seats| seats < 0) {
        return Err(Error::invalid("/seats", "out_of_range", "must be 0 or more"));
    }
    let kind: Option<OrganizationKind> = organizations::table.find(sponsor).select(organizations::kind).first(conn).optional()?;
    if kind.ok_or(Error::NotFound)? == OrganizationKind::Unit {
        return Err(Error::conflict("sponsor_is_a_unit", "a quota belongs to the sponsor, not to one of its units"));
    }
    db::lock(conn, "intake", intake_id)?;
    let key = intake_sponsors::table.find((intake_id, sponsor));
    let columns = (intake_sponsors::sponsor_id, intake_sponsors::seats, intake_sponsors::seats_taken, intake_sponsors::version);
    let stored: Option<SeatQuota> = key.select(columns).first(conn).optional()?;
    // A quota that was never set has no state to be stale.
    if let (Some(stored), Some(caller)) = (stored.as_ref().filter(|stored| stored.seats.is_some()), caller) {
        caller.check_if_match(&ETag::version(stored.version), stored.seats != seats)?;
    }
    match &stored {
        Some(stored) if stored.seats == seats => return Ok(stored.clone()),
        Some(_) => {
            diesel::update(key)
                .set((intake_sponsors::seats.eq(seats), intake_sponsors::version.eq(intake_sponsors::version + 1)))
                .execute(conn)?;
        }
        None => {
            diesel::insert_into(intake_sponsors::table)
                .values((
                    intake_sponsors::intake_id.eq(intake_id),
                    intake_sponsors::sponsor_id.eq(sponsor),
                    intake_sponsors::seats.eq(seats),
                ))
                .execute(conn)?;
        }
    }
    let quota: SeatQuota = key.select(columns).first(conn)?;
    let entry = NewEntry::of("seat_quota.set", "organization", sponsor).provider(intake.provider_id).intake(intake_id);
    actor.record(entry.from(&stored).to(&quota));
    Ok(quota)
}

/// The quota of a request.
pub(in crate::intakes) fn put(
    conn: &mut Conn,
    actor: &Actor,
    caller: &Caller,
    (intake, sponsor): (IntakeId, OrganizationId),
    new: &NewQuota,
) -> Result<SeatQuota, Error> {
    set_quota(conn, actor, Some(caller), intake, sponsor, new.seats)
}
