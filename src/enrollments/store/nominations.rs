//! Whom sponsors send, and whom instead.

use super::{
    super::{
        model::{Enrollment, EnrollmentId, EnrollmentRow, LIFE_CYCLE, REPLACE, Withdrawal},
        nomination::{Nomination, Replacement, Whom},
    },
    admission::{admit, insert, refuse_closed, refuse_enrolled},
    changing, periods, row,
    steps::take,
    unsettled,
};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::{self, Conn},
    error::Error,
    id::Id,
    intakes::{self, Intake, IntakeId},
    organizations::{self, OrganizationId},
    people::{self, PersonId},
};

/// Nominates somebody for an intake: a partner whomever it sends, a coordinator for a partner. It takes no seat; a coordinator decides.
///
/// # Errors
/// 404 for a trainee whom the actor does not see; 409 `already_enrolled`, `intake_not_open`, `employee_number_taken`; 422 for a discipline,
/// cohort or unit that does not fit, a unit that is not the partner's own among them.
pub(in crate::enrollments) fn nominate(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake_id: IntakeId,
    mut nomination: Nomination,
) -> Result<EnrollmentRow, Error> {
    // Before it is read, so that nobody slips into an intake that another transaction is ending.
    db::lock(conn, "intake", intake_id)?;
    let intake = intakes::find(conn, actor, intake_id)?;
    intakes::check_own(conn, actor, intake_id)?;
    actor.may(Action::Nominate)?;
    refuse_closed(&intake)?;
    let whom = Whom::meant(nomination.trainee_id, nomination.trainee.take(), nomination.unit_id)?;
    let trainee = person(conn, actor, now, &intake, nomination.unit_id, whom)?;
    let rows = admit(conn, actor, now, &intake, &[nomination.enrollment_of(trainee)])?;
    rows.into_iter().next().ok_or_else(|| Error::internal("nobody was nominated"))
}

/// Gives a place to somebody else, before anything is counted of it: seat, quota, cohort and all pass in one transaction, even where the
/// intake and the quota are full.
///
/// # Errors
/// 404 for a trainee whom the actor does not see; 409 `illegal_transition`, `owed_session_closed` once a session that the place owes is
/// closed, `already_enrolled`, `intake_not_open`, `employee_number_taken`; 422 for a time that cannot be.
pub(in crate::enrollments) fn replace(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    id: EnrollmentId,
    replacement: Replacement,
) -> Result<EnrollmentRow, Error> {
    let (intake, stored) = changing(conn, actor, now, id, Action::Replace)?;
    refuse_closed(&intake)?;
    let Replacement { trainee_id, trainee, reason, effective_at } = replacement;
    let state = LIFE_CYCLE.after("the enrollment", stored.state, REPLACE, Some(&reason))?;
    unsettled::refuse_counted(conn, id)?;
    let whom = Whom::meant(trainee_id, trainee, stored.unit_id)?;
    let person_id = person(conn, actor, now, &intake, stored.unit_id, whom)?;
    refuse_enrolled(conn, intake.id, &[person_id])?;
    // Nobody begins in a place before it does.
    let begins = Some(periods::present(conn, id)?.from_at).filter(|from| *from > now);
    if let (Some(begins), Some(asked)) = (begins, effective_at)
        && asked < begins
    {
        let detail = format!("the place begins at {begins}; leave effective_at out, and it is theirs from then on");
        return Err(Error::invalid("/effective_at", "before_present_state", detail));
    }
    let ended = Enrollment { state, withdrawal: Some(Withdrawal::Replaced), offer_expires_at: None, ..stored.clone() };
    let (_, from_at) = take(conn, actor, now, (&stored, ended), Some(&reason), effective_at)?;
    let taken_until = periods::taken_until(conn, intake.id, &[person_id])?.remove(&person_id);
    let place = Enrollment {
        id: Id::generate(),
        person_id,
        replaces_id: Some(id),
        transferred_from_id: None,
        version: 1,
        created_at: now,
        cohort_from_at: stored.cohort_from_at.filter(|_| stored.state.is_before_enrolled()),
        ..stored
    };
    insert(conn, actor, now, &intake, &[(place.clone(), from_at.max(begins.unwrap_or(from_at)).max(taken_until.unwrap_or(from_at)))])?;
    row(conn, actor, place)
}

/// Who is meant, recorded at the provider of the intake if nobody knows them yet.
pub(super) fn person(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake: &Intake,
    unit: OrganizationId,
    whom: Whom,
) -> Result<PersonId, Error> {
    // First of all, so that nobody is recorded at, or looked for in, a house that is not the actor's.
    if organizations::roots(conn, actor, &[unit])?.is_empty() {
        return Err(Error::invalid("/unit_id", "unknown_organization", "there is no such organization"));
    }
    match whom {
        Whom::Known(id) if people::is_known_to(conn, actor, id)? => Ok(id),
        Whom::Known(_) => Err(Error::NotFound),
        Whom::New(new) => people::nominee(conn, actor, now, intake.provider_id, *new),
    }
}
