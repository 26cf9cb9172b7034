//! Who goes on in another intake, or in another discipline.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::{
    super::model::{Enrollment, EnrollmentId, EnrollmentState, LIFE_CYCLE, NewEnrollment, TRANSFER, Transfer, Transferred},
    admission::{Fits, enrollment, insert, refuse_closed, refuse_enrolled},
    find, periods, row,
    steps::take,
    waitlist::settle_seats,
};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::{self, Conn},
    error::Error,
    intakes::{self, Intake, IntakeId},
    ledger,
    programs::DisciplineId,
    schema::disciplines,
    text::Code,
};

/// Lets somebody go on elsewhere: the enrollment ends as transferred with its hours as they are, and another one begins there with what of
/// them has a module in its plan.
///
/// # Errors
/// 404 for an intake that the actor does not see; 409 `illegal_transition`, `intake_not_open`, `already_enrolled`, what the seats say; 422
/// for an intake of another provider, a discipline or cohort that does not fit, and a time that cannot be.
pub(in crate::enrollments) fn transfer(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    id: EnrollmentId,
    transfer: Transfer,
) -> Result<Transferred, Error> {
    let (left, target, stored) = changing(conn, actor, now, id, transfer.intake_id)?;
    refuse_closed(&target)?;
    if left.provider_id != target.provider_id {
        return Err(Error::invalid(
            "/intake_id",
            "of_another_provider",
            "the intake is another provider's; withdraw here and enroll there",
        ));
    }
    let state = LIFE_CYCLE.after("the enrollment", stored.state, TRANSFER, Some(&transfer.reason))?;
    let discipline_id = discipline(conn, &stored, &target, transfer.discipline_id)?;
    if left.id == target.id && discipline_id == stored.discipline_id {
        return Err(Error::invalid("/discipline_id", "same_place", "the enrollment is in this intake and discipline already"));
    }
    let new = NewEnrollment {
        trainee_id: stored.person_id,
        discipline_id,
        cohort_id: transfer.cohort_id,
        unit_id: stored.unit_id,
        payer_id: stored.payer_id,
        funding: stored.funding.clone(),
        crew: stored.crew.clone(),
        state: EnrollmentState::Enrolled,
        from: None,
    };
    let fits = Fits::load(conn, actor, &target, std::slice::from_ref(&new))?;
    let place = fits.place(&new).map_err(|fault| Error::Invalid(vec![fault]))?;
    let ended = Enrollment { state, ..stored.clone() };
    let (_, effective_at) = take(conn, actor, now, (&stored, ended), Some(&transfer.reason), transfer.effective_at)?;
    // Whoever had not begun there begins here at once.
    let from_at = effective_at.min(now);
    refuse_enrolled(conn, target.id, &[stored.person_id])?;
    let taken_until = periods::taken_until(conn, target.id, &[stored.person_id])?.remove(&stored.person_id);
    let place = Enrollment { transferred_from_id: Some(id), ..enrollment(&target, now, &new, place) };
    insert(conn, actor, now, &target, &[(place.clone(), taken_until.map_or(from_at, |until| until.max(from_at)))])?;
    let hours = ledger::carry_in(conn, actor, now, &target, (id, place.id))?;
    settle_seats(conn, actor, now, &left)?;
    Ok(Transferred { row: row(conn, actor, place)?, hours })
}

/// The enrollment and both intakes, locked in the order of their ids, after what expired in them was acted on.
fn changing(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    id: EnrollmentId,
    target: IntakeId,
) -> Result<(Intake, Intake, Enrollment), Error> {
    let found = find(conn, actor, id)?;
    actor.may(Action::Enroll)?;
    for intake in BTreeSet::from([found.intake_id, target]) {
        db::lock(conn, "intake", intake)?;
    }
    let (left, target) = (intakes::find(conn, actor, found.intake_id)?, intakes::find(conn, actor, target)?);
    settle_seats(conn, actor, now, &left)?;
    settle_seats(conn, actor, now, &target)?;
    Ok((left, target, find(conn, actor, id)?))
}

/// The discipline that is meant: as named, or the one with the same code.
fn discipline(conn: &mut Conn, stored: &Enrollment, target: &Intake, asked: Option<DisciplineId>) -> Result<DisciplineId, Error> {
    if let Some(asked) = asked {
        return Ok(asked);
    }
    let code: Code = disciplines::table.find(stored.discipline_id).select(disciplines::code).first(conn)?;
    let same = disciplines::table.filter(disciplines::program_version_id.eq(target.program_version_id)).filter(disciplines::code.eq(&code));
    same.select(disciplines::id).first(conn).optional()?.ok_or_else(|| {
        Error::invalid("/discipline_id", "discipline_missing", format!("the intake has no discipline {code}; say which one is meant"))
    })
}
