//! Who comes into an intake: enrolled by a coordinator, one or many.

use std::collections::{BTreeSet, HashMap, HashSet};

use diesel::prelude::*;

use super::{
    super::model::{Enrollment, EnrollmentId, EnrollmentRow, EnrollmentState, NewEnrollment, Period, Step},
    Dated, open_of, periods, shown, unsettled,
    waitlist::settle_seats,
};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::{self, CHUNK, Conn, for_backend},
    error::{Error, FieldFault},
    id::Id,
    intakes::{self, CohortId, Intake, IntakeId},
    journal::NewEntry,
    organizations::{self, OrganizationId},
    people::{self, PersonId},
    programs::DisciplineId,
    schema::{disciplines, enrollment_periods, enrollment_steps, enrollments},
};

/// Enrolls people in an intake, all or none. Seats and double enrollments are refused by the database as well.
///
/// # Errors
/// 404 for a person the actor's provider neither created nor enrolled; 409 `already_enrolled`, `capacity_full`, `quota_full` and
/// `intake_not_open`; 422 for a discipline, cohort or unit that does not fit.
pub fn enroll(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake_id: IntakeId,
    news: Vec<NewEnrollment>,
) -> Result<Vec<EnrollmentRow>, Error> {
    // Before it is read, so that nobody slips into an intake that another transaction is ending.
    db::lock(conn, "intake", intake_id)?;
    let intake = intakes::find(conn, actor, intake_id)?;
    actor.may(Action::Enroll)?;
    let ids: Vec<PersonId> = news.iter().map(|new| new.trainee_id).collect();
    let editable = people::is_editable_by(conn, actor, &ids)?;
    if !ids.iter().all(|id| editable.contains(id)) {
        return Err(Error::NotFound);
    }
    admit(conn, actor, now, &intake, &news)
}

/// Makes enrollments of people whom the actor may enroll or nominate, in an intake that is locked.
pub(super) fn admit(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake: &Intake,
    news: &[NewEnrollment],
) -> Result<Vec<EnrollmentRow>, Error> {
    refuse_closed(intake)?;
    let ids: Vec<PersonId> = news.iter().map(|new| new.trainee_id).collect();
    refuse_enrolled(conn, intake.id, &ids)?;
    let fits = Fits::load(conn, actor, intake, news)?;
    let taken_until = periods::taken_until(conn, intake.id, &ids)?;
    let mut rows = Vec::with_capacity(news.len());
    let mut faults = Vec::new();
    for (index, new) in news.iter().enumerate() {
        let beginning = periods::beginning(intake, new.from, taken_until.get(&new.trainee_id).copied());
        match fits.place(new).and_then(|place| Ok((place, beginning?))) {
            Ok((place, from_at)) => rows.push((enrollment(intake, now, new, place), from_at)),
            Err(fault) if news.len() == 1 => faults.push(fault),
            Err(fault) => faults.push(FieldFault { pointer: format!("/enrollments/{index}{}", fault.pointer), ..fault }),
        }
    }
    Error::unless_valid(faults)?;
    if rows.iter().any(|(row, _)| EnrollmentState::SEATED.contains(&row.state)) {
        // Whoever waits for what has expired comes before.
        settle_seats(conn, actor, now, intake)?;
    }
    insert(conn, actor, now, intake, &rows)?;
    shown(conn, actor, rows.into_iter().map(|(row, _)| row).collect())
}

/// Refuses whoever comes while an intake takes nobody.
///
/// # Errors
/// 409 `intake_not_open`.
pub(super) fn refuse_closed(intake: &Intake) -> Result<(), Error> {
    if intake.takes_enrollments() {
        return Ok(());
    }
    let detail = format!("the intake is {}; people are enrolled while it is enrolling or running", intake.state);
    Err(Error::conflict("intake_not_open", detail))
}

/// Refuses people of whom one is in the intake already or is named twice.
///
/// # Errors
/// 409 `already_enrolled`.
pub(super) fn refuse_enrolled(conn: &mut Conn, intake: IntakeId, ids: &[PersonId]) -> Result<(), Error> {
    let distinct: HashSet<PersonId> = ids.iter().copied().collect();
    if distinct.len() < ids.len() || !open_of(conn, intake, ids)?.is_empty() {
        return Err(Error::conflict("already_enrolled", "a trainee has an open enrollment in this intake already"));
    }
    Ok(())
}

pub(super) fn enrollment(
    intake: &Intake,
    now: Instant,
    new: &NewEnrollment,
    (sponsor, cohort): (OrganizationId, Option<CohortId>),
) -> Enrollment {
    Enrollment {
        id: Id::generate(),
        intake_id: intake.id,
        program_version_id: intake.program_version_id,
        person_id: new.trainee_id,
        discipline_id: new.discipline_id,
        sponsor_id: sponsor,
        unit_id: new.unit_id,
        cohort_id: cohort,
        payer_id: new.payer_id,
        funding: new.funding.clone(),
        crew: new.crew.clone(),
        state: new.state,
        withdrawal: None,
        replaces_id: None,
        transferred_from_id: None,
        priority: None,
        position: None,
        offer_expires_at: None,
        cohort_from_at: None,
        version: 1,
        created_at: now,
    }
}

pub(super) fn insert(conn: &mut Conn, actor: &Actor, now: Instant, intake: &Intake, dated: &[(Enrollment, Instant)]) -> Result<(), Error> {
    let mut periods = Vec::with_capacity(dated.len());
    let mut steps = Vec::with_capacity(dated.len());
    for (row, from_at) in dated {
        let from_at = *from_at;
        periods.push(Period {
            id: Id::generate(),
            enrollment_id: row.id,
            cohort_id: row.cohort_id,
            state: row.state,
            from_at,
            until_at: None,
            recorded_at: now,
        });
        steps.push(Step {
            id: Id::generate(),
            enrollment_id: row.id,
            from_state: None,
            to_state: row.state,
            effective_at: from_at,
            reason: None,
            user_id: actor.user_id(),
            recorded_at: now,
        });
        actor.record(
            NewEntry::of("enrollment.created", "enrollment", row.id)
                .provider(intake.provider_id)
                .intake(intake.id)
                .to(&Dated { enrollment: row, effective_at: Some(from_at) }),
        );
    }
    let rows: Vec<&Enrollment> = dated.iter().map(|(row, _)| row).collect();
    for chunk in rows.chunks(CHUNK) {
        for_backend!(conn, |c| diesel::insert_into(enrollments::table).values(chunk.to_vec()).execute(c))?;
    }
    for chunk in periods.chunks(CHUNK) {
        for_backend!(conn, |c| diesel::insert_into(enrollment_periods::table).values(chunk).execute(c))?;
    }
    for chunk in steps.chunks(CHUNK) {
        for_backend!(conn, |c| diesel::insert_into(enrollment_steps::table).values(chunk).execute(c))?;
    }
    let reaching_back: Vec<EnrollmentId> = dated.iter().filter(|(_, from_at)| *from_at < now).map(|(row, _)| row.id).collect();
    unsettled::find_anew(conn, intake.id, &reaching_back)?;
    let sponsors: HashSet<OrganizationId> = rows.iter().map(|row| row.sponsor_id).collect();
    intakes::touch(conn, intake.id, &sponsors.into_iter().collect::<Vec<_>>())
}

/// What new enrollments are held against: the disciplines, cohorts and organizations they name.
pub(super) struct Fits {
    disciplines: HashSet<DisciplineId>,
    cohorts: HashMap<CohortId, DisciplineId>,
    roots: HashMap<OrganizationId, OrganizationId>,
}

impl Fits {
    pub(super) fn load(conn: &mut Conn, actor: &Actor, intake: &Intake, news: &[NewEnrollment]) -> Result<Self, Error> {
        let disciplines: Vec<DisciplineId> =
            disciplines::table.filter(disciplines::program_version_id.eq(intake.program_version_id)).select(disciplines::id).load(conn)?;
        let cohorts = intakes::cohorts_of(conn, intake.id)?;
        let named: BTreeSet<OrganizationId> = news.iter().flat_map(|new| [Some(new.unit_id), new.payer_id]).flatten().collect();
        let roots = organizations::roots(conn, actor, &named.into_iter().collect::<Vec<_>>())?;
        Ok(Self {
            disciplines: disciplines.into_iter().collect(),
            cohorts: cohorts.into_iter().map(|cohort| (cohort.id, cohort.discipline_id)).collect(),
            roots,
        })
    }

    /// The sponsor and the cohort of a new enrollment that fits, or the first thing that does not.
    pub(super) fn place(&self, new: &NewEnrollment) -> Result<(OrganizationId, Option<CohortId>), FieldFault> {
        use EnrollmentState as S;
        if !matches!(new.state, S::Nominated | S::Applied | S::Approved | S::Enrolled) {
            return Err(FieldFault::new("/state", "wrong_value", "an enrollment begins as nominated, applied, approved or enrolled"));
        }
        if !self.disciplines.contains(&new.discipline_id) {
            return Err(FieldFault::new("/discipline_id", "unknown_discipline", "the intake's program version has no such discipline"));
        }
        let cohort = self.cohort(new)?;
        if new.payer_id.is_some_and(|payer| !self.roots.contains_key(&payer)) {
            return Err(FieldFault::new("/payer_id", "unknown_organization", "there is no such organization"));
        }
        let unknown = || FieldFault::new("/unit_id", "unknown_organization", "there is no such organization");
        self.roots.get(&new.unit_id).copied().ok_or_else(unknown).map(|sponsor| (sponsor, cohort))
    }

    /// The cohort named, or else the only one of the discipline. Whoever is enrolled in none owes nothing, so it is not left open where
    /// there is a choice.
    fn cohort(&self, new: &NewEnrollment) -> Result<Option<CohortId>, FieldFault> {
        if let Some(cohort) = new.cohort_id {
            return match self.cohorts.get(&cohort) {
                None => Err(FieldFault::new("/cohort_id", "unknown_cohort", "the intake has no such cohort")),
                Some(discipline) if *discipline != new.discipline_id => {
                    Err(FieldFault::new("/cohort_id", "cohort_of_another_discipline", "the cohort belongs to another discipline"))
                }
                Some(_) => Ok(Some(cohort)),
            };
        }
        let mut own = self.cohorts.iter().filter(|(_, discipline)| **discipline == new.discipline_id).map(|(cohort, _)| *cohort);
        match (own.next(), own.next()) {
            (Some(_), Some(_)) if new.state == EnrollmentState::Enrolled => {
                Err(FieldFault::new("/cohort_id", "cohort_missing", "the discipline has several cohorts; say which"))
            }
            (Some(_), Some(_)) | (None, _) => Ok(None),
            (only, None) => Ok(only),
        }
    }
}
