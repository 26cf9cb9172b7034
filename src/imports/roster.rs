//! The roster of an intake.

use std::collections::HashMap;

use super::{
    model::{
        Directory, Effect, Entries, File, ImportKind, Options, Report,
        roster::{Change, Facts, Frame, Place, Row, Whom, plan, read},
    },
    pipeline::{Subject, amend, registered, settle},
    store,
};
use crate::{
    access::{Action, Actor},
    clock::Instant,
    db::{self, Conn},
    enrollments::{self, EnrollmentState, NewEnrollment},
    error::Error,
    intakes::{self, Intake, IntakeId},
    organizations,
    people::{self, PersonId, PersonKind},
    programs,
    text::counted,
};

/// Rows that are written before the next word on progress.
const CHUNK: usize = 1000;

/// The intake, if the actor may import a roster into it.
pub fn may_import_roster(conn: &mut Conn, actor: &Actor, id: IntakeId) -> Result<Intake, Error> {
    let intake = intakes::find(conn, actor, id)?;
    actor.may_beyond_intakes(Action::Import)?;
    Ok(intake)
}

/// Enrolls the people of a file, and records those whom the register does not know.
///
/// # Errors
/// 404 for an intake that the actor does not see; 409 `intake_not_open`; 422 `columns_missing` and its like. Rows that are at fault are no error,
/// but in the report.
pub fn import_roster(conn: &mut Conn, actor: &Actor, now: Instant, id: IntakeId, file: &File, options: &Options) -> Result<Report, Error> {
    may_import_roster(conn, actor, id)?;
    if !options.dry_run {
        db::lock(conn, "intake", id)?;
    }
    // Read again: another transaction may have closed it while this one waited.
    let intake = intakes::find(conn, actor, id)?;
    if !intake.takes_enrollments() {
        let detail = format!("the intake is {}; people are enrolled while it is enrolling or running", intake.state);
        return Err(Error::conflict("intake_not_open", detail));
    }
    if !options.dry_run {
        // Before seats are counted.
        enrollments::settle_seats(conn, actor, now, &intake)?;
    }
    let frame = Frame {
        directory: Directory::of(organizations::all(conn, actor)?),
        disciplines: programs::plan(conn, intake.program_version_id)?.disciplines,
        cohorts: intakes::cohorts_of(conn, id)?,
        intake,
    };
    let (entries, unknown) = read(&file.content, &frame)?;
    if !options.dry_run {
        // Whoever stands in two lists is corrected by one after the other.
        let house = frame.directory.by_id(frame.intake.provider_id).map_or(frame.intake.provider_id, |provider| provider.root_id);
        db::lock(conn, "people", house)?;
    }
    let facts = facts(conn, actor, &frame.intake, &entries)?;
    let plans = plan(entries, &frame, &facts);
    let unsettled = unsettled(conn, actor, &frame.intake, plans.iter().filter_map(|plan| plan.change.as_ref()))?;
    let subject = Subject { kind: ImportKind::Roster, provider: Some(frame.intake.provider_id), intake: Some(id), session: None };
    let mut report = settle(conn, actor, now, subject, (file, options), (plans, unknown), |conn, _, changes| {
        apply(conn, actor, now, &frame.intake, changes, options)
    })?;
    report.notes.extend(unsettled);
    Ok(report)
}

/// How many closed sessions the places of a file reach back over (DOMAIN 2.6); none if they reach back over none.
fn unsettled<'a>(
    conn: &mut Conn,
    actor: &Actor,
    intake: &Intake,
    changes: impl Iterator<Item = &'a Change>,
) -> Result<Option<String>, Error> {
    let places: Vec<&Place> = changes.filter_map(|change| change.enrollment.as_ref()).collect();
    if places.is_empty() {
        return Ok(None);
    }
    let closed = enrollments::closed_by_cohort(conn, actor, intake.id)?;
    let opening = intake.opening();
    let owed = |place: &&Place| {
        let from = place.from.unwrap_or(opening);
        let begins = place.cohort.and_then(|cohort| closed.get(&cohort)).map_or(&[][..], Vec::as_slice);
        begins.iter().filter(|begin| from <= **begin).count()
    };
    let owed: Vec<usize> = places.iter().map(owed).filter(|count| *count > 0).collect();
    let (late, sessions) = (owed.len(), owed.iter().sum::<usize>());
    let (enrollments, lines) = (counted(late, "enrollment"), counted(sessions, "roll-call line"));
    let told = format!("{enrollments} would begin before sessions that are closed already, and leave {lines} unsettled");
    Ok((late > 0).then_some(told))
}

fn facts(conn: &mut Conn, actor: &Actor, intake: &Intake, entries: &Entries<Row>) -> Result<Facts, Error> {
    let rows = || entries.iter().flatten().map(|entry| &entry.value);
    let registered = registered(conn, actor, &rows().map(|row| row.said.key()).collect::<Vec<_>>())?;
    let people: Vec<PersonId> = registered.values().map(|known| known.found.person.id).collect();
    let open = enrollments::open_of(conn, intake.id, &people)?;
    let since = if rows().any(|row| row.from.is_some()) {
        enrollments::enrolled_since(conn, &open.iter().map(|one| one.id).collect::<Vec<_>>())?
    } else {
        HashMap::new()
    };
    let seats = store::seats(conn, actor, intake)?;
    Ok(Facts { registered, open: open.into_iter().map(|one| (one.person_id, one)).collect(), since, seats })
}

fn apply(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake: &Intake,
    mut changes: Vec<Change>,
    options: &Options,
) -> Result<Vec<Effect>, Error> {
    let (total, mut done) = (changes.len(), 0);
    let amended = changes.iter_mut().filter_map(|change| change.amended.take().map(|amended| *amended)).collect();
    let mut effects = amend(conn, actor, amended, Some(intake.id))?;
    let mut changes = changes.into_iter().peekable();
    while changes.peek().is_some() {
        let chunk: Vec<Change> = changes.by_ref().take(CHUNK).collect();
        done += chunk.len();
        apply_chunk(conn, actor, now, intake, chunk, &mut effects)?;
        options.tell("written", done, total);
    }
    Ok(effects)
}

fn apply_chunk(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake: &Intake,
    changes: Vec<Change>,
    effects: &mut Vec<Effect>,
) -> Result<(), Error> {
    let mut recorded = record(conn, actor, now, intake, &changes)?.into_iter();
    let mut news = Vec::with_capacity(changes.len());
    for change in changes {
        let person = match change.person {
            Whom::Known(id) => id,
            Whom::New(_) => {
                let id = recorded.next().ok_or_else(|| Error::internal("a person was not recorded"))?;
                effects.push(Effect::created("person", id, 1));
                id
            }
        };
        news.extend(change.enrollment.map(|place| new_enrollment(person, place)));
    }
    if news.is_empty() {
        return Ok(());
    }
    let rows = enrollments::enroll(conn, actor, now, intake.id, news)?;
    effects.extend(rows.iter().map(|row| Effect::created("enrollment", row.enrollment.id, row.enrollment.version)));
    Ok(())
}

/// Records the people whom the register does not know; their ids in the order of the rows.
fn record(conn: &mut Conn, actor: &Actor, now: Instant, intake: &Intake, changes: &[Change]) -> Result<Vec<PersonId>, Error> {
    let news: Vec<_> = changes
        .iter()
        .filter_map(|change| match &change.person {
            Whom::New(said) => Some(said.new_person(intake.provider_id)),
            Whom::Known(_) => None,
        })
        .collect();
    if news.is_empty() {
        return Ok(Vec::new());
    }
    people::register_many(conn, actor, now, intake.provider_id, PersonKind::Trainee, news)
}

fn new_enrollment(trainee_id: PersonId, place: Place) -> NewEnrollment {
    NewEnrollment {
        trainee_id,
        discipline_id: place.discipline,
        cohort_id: place.cohort,
        unit_id: place.unit,
        payer_id: None,
        funding: None,
        crew: place.crew,
        state: EnrollmentState::Enrolled,
        from: place.from,
    }
}
