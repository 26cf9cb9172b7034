//! Seat quotas, of sponsors and of their units. The counts beside them are kept by the triggers on enrollments.

use diesel::prelude::*;

use super::{
    super::model::{IntakeId, NewQuota, SeatQuota},
    find,
};
use crate::{
    access::{Action, Actor, Scope},
    clock::Instant,
    db::{self, Conn},
    enrollments,
    error::Error,
    http::{Caller, ETag},
    journal::NewEntry,
    organizations::{OrganizationId, OrganizationKind, below},
    schema::{intake_sponsors, organizations, unit_quotas},
};

/// Seats, how many of them are taken, and the version.
type Counts = (Option<i32>, i32, i32);

fn quota((sponsor_id, unit_id): Holder, (seats, seats_taken, version): Counts) -> SeatQuota {
    SeatQuota { sponsor_id, unit_id, seats, seats_taken, version }
}

/// The sponsor, and the unit of it whose quota is meant.
type Holder = (OrganizationId, Option<OrganizationId>);

/// The quotas of an intake: all of them, or those of a partner's own house. First those of whole sponsors.
pub fn list(conn: &mut Conn, actor: &Actor, intake: IntakeId) -> Result<Vec<SeatQuota>, Error> {
    find(conn, actor, intake)?;
    let mut sponsors = intake_sponsors::table
        .filter(intake_sponsors::intake_id.eq(intake))
        .filter(intake_sponsors::seats.is_not_null())
        .order(intake_sponsors::sponsor_id)
        .select((intake_sponsors::sponsor_id, (intake_sponsors::seats, intake_sponsors::seats_taken, intake_sponsors::version)))
        .into_boxed();
    let mut units = unit_quotas::table
        .inner_join(organizations::table.on(organizations::id.eq(unit_quotas::unit_id)))
        .filter(unit_quotas::intake_id.eq(intake))
        .filter(unit_quotas::seats.is_not_null())
        .order((organizations::root_id, unit_quotas::unit_id))
        .select((organizations::root_id, unit_quotas::unit_id, (unit_quotas::seats, unit_quotas::seats_taken, unit_quotas::version)))
        .into_boxed();
    (sponsors, units) = match actor.scope() {
        Scope::Everything | Scope::Provider(_) => (sponsors, units),
        // The seats of the whole sponsor are not the business of one of its plants.
        Scope::Sponsor(own, _) => {
            (sponsors.filter(intake_sponsors::sponsor_id.eq(own)), units.filter(unit_quotas::unit_id.eq_any(below(own))))
        }
        Scope::Adviser(..) | Scope::Teacher(..) | Scope::Own(..) => return Ok(Vec::new()),
    };
    let sponsors: Vec<(OrganizationId, Counts)> = sponsors.load(conn)?;
    let units: Vec<(OrganizationId, OrganizationId, Counts)> = units.load(conn)?;
    let sponsors = sponsors.into_iter().map(|(sponsor, counts)| quota((sponsor, None), counts));
    Ok(sponsors.chain(units.into_iter().map(|(sponsor, unit, counts)| quota((sponsor, Some(unit)), counts))).collect())
}

pub(in crate::intakes) fn one(conn: &mut Conn, actor: &Actor, intake: IntakeId, of: OrganizationId) -> Result<SeatQuota, Error> {
    list(conn, actor, intake)?.into_iter().find(|quota| quota.holder() == of).ok_or(Error::NotFound)
}

/// Sets, changes or (with null) lifts the quota of a sponsor or a unit. Lowering it below the seats taken evicts nobody; raising it gives
/// seats to those who wait.
///
/// `caller` is none on the command line, which has no state to be stale.
pub fn set_quota(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    caller: Option<&Caller>,
    (intake_id, of): (IntakeId, OrganizationId),
    seats: Option<i32>,
) -> Result<SeatQuota, Error> {
    find(conn, actor, intake_id)?;
    actor.may(Action::WriteIntakes)?;
    if seats.is_some_and(|seats| seats < 0) {
        return Err(Error::invalid("/seats", "out_of_range", "must be 0 or more"));
    }
    let (kind, root): (OrganizationKind, OrganizationId) =
        organizations::table.find(of).select((organizations::kind, organizations::root_id)).first(conn)?;
    let holder = (root, (kind == OrganizationKind::Unit).then_some(of));
    db::lock(conn, "intake", intake_id)?;
    // Read again: how seats are given may have been changed while this one waited.
    let intake = find(conn, actor, intake_id)?;
    enrollments::settle_seats(conn, actor, now, &intake)?;
    let stored = stored(conn, intake_id, holder)?;
    // A quota that was never set has no state to be stale.
    if let (Some(stored), Some(caller)) = (stored.as_ref().filter(|stored| stored.seats.is_some()), caller) {
        caller.check_if_match(&ETag::version(stored.version), stored.seats != seats)?;
    }
    if let Some(stored) = stored.as_ref().filter(|stored| stored.seats == seats) {
        return Ok(stored.clone());
    }
    write(conn, intake_id, holder, seats, stored.is_some())?;
    let set = self::stored(conn, intake_id, holder)?.ok_or(Error::NotFound)?;
    let entry = NewEntry::of("seat_quota.set", "organization", of).provider(intake.provider_id).intake(intake_id);
    actor.record(entry.from(&stored).to(&set));
    enrollments::settle_seats(conn, actor, now, &intake)?;
    self::stored(conn, intake_id, holder)?.ok_or(Error::NotFound)
}

fn stored(conn: &mut Conn, intake: IntakeId, holder: Holder) -> Result<Option<SeatQuota>, Error> {
    let counts: Option<Counts> = match holder {
        (sponsor, None) => intake_sponsors::table
            .find((intake, sponsor))
            .select((intake_sponsors::seats, intake_sponsors::seats_taken, intake_sponsors::version))
            .first(conn)
            .optional()?,
        (_, Some(unit)) => unit_quotas::table
            .find((intake, unit))
            .select((unit_quotas::seats, unit_quotas::seats_taken, unit_quotas::version))
            .first(conn)
            .optional()?,
    };
    Ok(counts.map(|counts| quota(holder, counts)))
}

fn write(conn: &mut Conn, intake: IntakeId, holder: Holder, seats: Option<i32>, is_there: bool) -> Result<(), Error> {
    match (holder, is_there) {
        ((sponsor, None), true) => diesel::update(intake_sponsors::table.find((intake, sponsor)))
            .set((intake_sponsors::seats.eq(seats), intake_sponsors::version.eq(intake_sponsors::version + 1)))
            .execute(conn)?,
        ((sponsor, None), false) => diesel::insert_into(intake_sponsors::table)
            .values((intake_sponsors::intake_id.eq(intake), intake_sponsors::sponsor_id.eq(sponsor), intake_sponsors::seats.eq(seats)))
            .execute(conn)?,
        ((_, Some(unit)), true) => diesel::update(unit_quotas::table.find((intake, unit)))
            .set((unit_quotas::seats.eq(seats), unit_quotas::version.eq(unit_quotas::version + 1)))
            .execute(conn)?,
        ((_, Some(unit)), false) => diesel::insert_into(unit_quotas::table)
            .values((unit_quotas::intake_id.eq(intake), unit_quotas::unit_id.eq(unit), unit_quotas::seats.eq(seats)))
            .execute(conn)?,
    };
    Ok(())
}

/// The quota of a request.
pub(in crate::intakes) fn put(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    caller: &Caller,
    of: (IntakeId, OrganizationId),
    new: &NewQuota,
) -> Result<SeatQuota, Error> {
    set_quota(conn, actor, now, Some(caller), of, new.seats)
}
