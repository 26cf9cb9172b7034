//! Taking an import back, while nothing else rests on it.

use std::collections::{HashMap, HashSet};

use super::{
    model::{
        Import, ImportId, ImportKind, ImportState, Lines, PersonBefore, Undone, organizations::OrganizationBefore, schedule::SessionBefore,
    },
    store::{self, Stored},
};
use crate::{
    access::{Action, Actor},
    attendance,
    calendars::{self, CalendarId},
    clock::Instant,
    db::{self, Conn},
    enrollments::{self, EnrollmentId},
    error::Error,
    http::Change,
    id::Id,
    intakes::{self, IntakeId, IntakePatch},
    organizations::{self, Organization, OrganizationId},
    people::{self, Person, PersonId},
    schedule::{self, SessionId, SessionRow, SessionState},
    text::{Note, counted},
};

/// What rests on an import and is told in full.
const TOLD: usize = 5;

/// Deletes what an import created and restores what it changed. Of a roster, people who are needed elsewhere by now stay, and so does a
/// calendar that began with the import while an intake keeps it; the answer says that it is empty.
///
/// # Errors
/// 404; 403 for what the actor may not import either; 409 `import_in_use` naming what rests on it, `illegal_transition` if it has been
/// undone, `import_erased`, `import_not_undoable` for a program: its version is confirmed, and that is final.
pub fn undo(conn: &mut Conn, actor: &Actor, now: Instant, id: ImportId, change: &Change) -> Result<Undone, Error> {
    let import = store::find(conn, actor, id)?;
    match import.kind {
        ImportKind::Organizations => actor.may_beyond_intakes(Action::WriteOrganizations)?,
        ImportKind::Instructors | ImportKind::Program | ImportKind::Roster | ImportKind::Holidays | ImportKind::Shifts => {
            actor.may_beyond_intakes(Action::Import)?
        }
        ImportKind::Schedule => actor.may(Action::Import)?,
        ImportKind::Evidence => actor.may(Action::CallRoll)?,
    }
    if let Some(intake) = import.intake_id {
        db::lock(conn, "intake", intake)?;
    }
    db::lock(conn, "import", id)?;
    // Read again: another request may have undone it while this one waited.
    let import = store::find(conn, actor, id)?;
    if import.state == ImportState::Undone {
        return Err(Error::conflict("illegal_transition", "the import has been undone already"));
    }
    if store::retention::is_erased(conn, id)? {
        let detail = "somebody whom it brought or changed has been erased since, and with them what the import found";
        return Err(Error::conflict("import_erased", detail));
    }
    let effects = store::effects(conn, id)?;
    let TakenBack { restored, notes } = match import.kind {
        ImportKind::Organizations => take_back_organizations(conn, actor, &import, &effects)?,
        ImportKind::Instructors | ImportKind::Roster => take_back_people(conn, actor, now, &import, &effects)?,
        ImportKind::Schedule => take_back_sessions(conn, actor, now, (&import, change.reason.as_ref()), &effects)?,
        ImportKind::Holidays | ImportKind::Shifts => take_back_calendar(conn, actor, now, &import, &effects)?,
        ImportKind::Evidence => take_back_evidence(conn, actor, now, &import)?,
        ImportKind::Program => {
            let detail = "a confirmed program version is final; retire it, and cancel the intake";
            return Err(Error::conflict("import_not_undoable", detail));
        }
    };
    let reason = change.reason.as_ref().map(Note::as_str);
    let import = store::mark_undone(conn, actor, now, &import, (&restored, reason))?;
    Ok(Undone { import, notes })
}

/// The things that stand again as the import found them, in another version; and what is to be known besides.
#[derive(Default)]
struct TakenBack {
    restored: Vec<Id<()>>,
    notes: Vec<String>,
}

impl TakenBack {
    fn restoring<T: 'static>(conn: &mut Conn, import: &Import, kind: &str, ids: impl IntoIterator<Item = Id<T>>) -> Result<Self, Error> {
        let restored: Vec<Id<()>> = ids.into_iter().map(Id::cast).collect();
        store::restored(conn, import, kind, &restored)?;
        Ok(Self { restored, notes: Vec::new() })
    }
}

/// 409 if anything rests on the import.
fn unless_resting(resting: &[String]) -> Result<(), Error> {
    if resting.is_empty() {
        return Ok(());
    }
    let mut told: Vec<String> = resting.iter().take(TOLD).cloned().collect();
    if resting.len() > TOLD {
        told.push(format!("and {} more", resting.len() - TOLD));
    }
    Err(Error::conflict("import_in_use", told.join("; ")))
}

/// The effects of a kind on things that the import created, or that it changed.
fn ids<'a, T: 'static>(effects: &'a [Stored], kind: &'a str, created: bool) -> impl Iterator<Item = (crate::id::Id<T>, &'a Stored)> {
    effects.iter().filter(move |effect| effect.kind == kind && effect.created == created).map(|effect| (effect.id.cast(), effect))
}

fn take_back_people(conn: &mut Conn, actor: &Actor, now: Instant, import: &Import, effects: &[Stored]) -> Result<TakenBack, Error> {
    let (intake, provider) = (import.intake_id, import.provider_id.ok_or_else(|| Error::internal("people without a provider"))?);
    // Nobody is deleted whom another list is just about to enroll or to correct.
    let house = organizations::find(conn, actor, provider)?.root_id;
    db::lock(conn, "people", house)?;
    let enrolled: Vec<EnrollmentId> = ids(effects, "enrollment", true).map(|(id, _)| id).collect();
    let mut resting = resting_enrollments(conn, effects, &enrolled)?;
    let created: Vec<PersonId> = ids(effects, "person", true).map(|(id, _)| id).collect();
    let amended: Vec<PersonId> = ids(effects, "person", false).map(|(id, _)| id).collect();
    let everybody: Vec<PersonId> = created.iter().chain(&amended).copied().collect();
    let used = store::used(conn, &everybody, &enrolled.iter().copied().collect())?;
    let stored = store::people(conn, &everybody)?;
    for (id, effect) in ids(effects, "person", true).chain(ids(effects, "person", false)) {
        // Of a roster the place in the intake is taken back, and who is needed elsewhere stays; instructors are all that there is.
        let stays = effect.created && used.contains(&id);
        if stays && intake.is_some() {
            continue;
        }
        match stored.get(&id) {
            Some(person) if stays => resting.push(format!("{} teaches, is enrolled or has an account", person.name)),
            Some(person) if person.version == effect.version => {}
            Some(person) => resting.push(format!("{} has been changed since", person.name)),
            None => resting.push(format!("the person {id} is gone")),
        }
    }
    unless_resting(&resting)?;
    let mut amendments = Vec::with_capacity(amended.len());
    for (id, effect) in ids(effects, "person", false) {
        let before: PersonBefore = effect.before()?;
        amendments.push((stored.get(&id).cloned().ok_or(Error::NotFound)?, before.restoring(used.contains(&id))));
    }
    let restored = people::amend_many(conn, actor, amendments, intake)?;
    let is_raised = |person: &Person| stored.get(&person.id).is_some_and(|before| before.version < person.version);
    let restored = restored.iter().filter(|person| is_raised(person)).map(|person| person.id);
    let taken_back = TakenBack::restoring(conn, import, "person", restored)?;
    if let Some(intake) = intake.filter(|_| !enrolled.is_empty()) {
        let intake = intakes::find(conn, actor, intake)?;
        enrollments::remove_many(conn, actor, now, &intake, &enrolled)?;
    }
    let unused: Vec<PersonId> = created.into_iter().filter(|id| !used.contains(id)).collect();
    people::remove_many(conn, actor, &unused)?;
    Ok(taken_back)
}

fn resting_enrollments(conn: &mut Conn, effects: &[Stored], enrolled: &[EnrollmentId]) -> Result<Vec<String>, Error> {
    let stored = store::enrolled(conn, enrolled)?;
    let with_hours: HashSet<EnrollmentId> = store::with_hours(conn, enrolled)?;
    let mut resting = Vec::new();
    for (id, effect) in ids(effects, "enrollment", true) {
        match stored.get(&id) {
            None => resting.push(format!("the enrollment {id} is gone")),
            Some((_, name)) if with_hours.contains(&id) => resting.push(format!("{name} is in a roll call, or has hours or leave")),
            Some((version, name)) if *version != effect.version => resting.push(format!("the enrollment of {name} has changed since")),
            Some(_) => {}
        }
    }
    Ok(resting)
}

fn take_back_sessions(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    (import, reason): (&Import, Option<&Note>),
    effects: &[Stored],
) -> Result<TakenBack, Error> {
    let intake = intakes::find(conn, actor, import.intake_id.ok_or_else(|| Error::internal("a schedule without an intake"))?)?;
    let rows: HashMap<SessionId, SessionRow> = schedule::of_intake(conn, intake.id)?.into_iter().map(|(row, _, _)| (row.id, row)).collect();
    let moved: Vec<SessionId> = ids(effects, "session", false).map(|(id, _)| id).collect();
    let called = schedule::called(conn, &moved)?;
    let mut resting = Vec::new();
    let mut restored = HashMap::with_capacity(moved.len());
    for (id, effect) in ids(effects, "session", true).chain(ids(effects, "session", false)) {
        let before: Option<SessionBefore> = if effect.created { None } else { Some(effect.before()?) };
        // What the import made was a draft at first, and no step leads back to one.
        let was_draft = before.as_ref().is_none_or(|before| before.state == SessionState::Draft);
        restored.extend(before.map(|before| (id, before.restoring(reason.cloned()))));
        match rows.get(&id) {
            None => resting.push(format!("the session {id} is gone")),
            Some(row) if was_draft && row.state != SessionState::Draft => {
                resting.push(format!("session {} is {}; such a session is cancelled, not taken back", row.code, row.state));
            }
            Some(row) if row.version != effect.version => resting.push(format!("session {} has changed since", row.code)),
            Some(row) if called.contains(&id) => resting.push(format!("the roll of session {} has been called", row.code)),
            Some(_) => {}
        }
    }
    unless_resting(&resting)?;
    let created: Vec<SessionId> = ids(effects, "session", true).map(|(id, _)| id).collect();
    schedule::remove_many(conn, actor, &intake, &created).map_err(|error| match error {
        Error::Conflict { code: "reference_broken", .. } => {
            Error::conflict("import_in_use", "a waiver names one of these sessions, or a cancelled one names it as its replacement, by now")
        }
        error => error,
    })?;
    if restored.is_empty() {
        return Ok(TakenBack::default());
    }
    let moved = schedule::update_many(conn, actor, now, intake.id, restored)?;
    TakenBack::restoring(conn, import, "session", moved.iter().map(|session| session.row.id))
}

fn take_back_organizations(conn: &mut Conn, actor: &Actor, import: &Import, effects: &[Stored]) -> Result<TakenBack, Error> {
    let all: Vec<OrganizationId> = effects.iter().map(|effect| effect.id.cast()).collect();
    let versions = store::organization_versions(conn, &all)?;
    let changed = effects.iter().filter(|effect| versions.get(&effect.id.cast()) != Some(&effect.version));
    let resting: Vec<String> = changed.map(|effect| format!("the organization {} has changed since", effect.id)).collect();
    unless_resting(&resting)?;
    let created: Vec<OrganizationId> = ids(effects, "organization", true).map(|(id, _)| id).collect();
    organizations::remove_many(conn, actor, &created).map_err(|error| match error {
        Error::Conflict { code: "reference_broken", .. } => {
            Error::conflict("import_in_use", "a person, a program, an intake or a unit belongs to one of these organizations by now")
        }
        error => error,
    })?;
    let mut befores = HashMap::new();
    for (id, effect) in ids::<Organization>(effects, "organization", false) {
        befores.insert(id, effect.before::<OrganizationBefore>()?);
    }
    let renamed: Vec<OrganizationId> = befores.keys().copied().collect();
    let stored = organizations::of_ids(conn, actor, &renamed)?.into_iter();
    let restored = stored.filter_map(|one| befores.remove(&one.id).map(|before| (one, before.restoring()))).collect();
    let restored = organizations::update_many(conn, actor, restored)?;
    TakenBack::restoring(conn, import, "organization", restored.iter().map(|one| one.id))
}

/// Takes what the import said out of a session's evidence; the roll call follows, but for those whom somebody called otherwise since.
fn take_back_evidence(conn: &mut Conn, actor: &Actor, now: Instant, import: &Import) -> Result<TakenBack, Error> {
    let session = import.session_id.ok_or_else(|| Error::internal("evidence without a session"))?;
    let kept = attendance::remove_evidence(conn, actor, now, session, import.id)?;
    let (stay, them) = if kept == 1 { ("stays", "it") } else { ("stay", "them") };
    let note = || format!("{} of the roll call {stay} as somebody called {them} by hand", counted(kept, "line"));
    Ok(TakenBack { notes: (kept > 0).then(note).into_iter().collect(), ..TakenBack::default() })
}

/// Lists in a calendar what was listed before, and removes one that began with the import. What is to be known of it besides.
fn take_back_calendar(conn: &mut Conn, actor: &Actor, now: Instant, import: &Import, effects: &[Stored]) -> Result<TakenBack, Error> {
    let mut taken_back = TakenBack::default();
    for (id, effect) in ids(effects, "calendar", false) {
        db::lock(conn, "calendar", id)?;
        let calendar = calendars::find(conn, actor, id)?;
        if calendar.version != effect.version {
            unless_resting(&[format!("the calendar {} has changed since", calendar.code)])?;
        }
        if import.kind == ImportKind::Shifts {
            let Lines { keys, lines } = effect.before()?;
            calendars::replace_shifts(conn, actor, calendar, &keys, &lines)?;
        } else {
            let Lines { keys, lines } = effect.before()?;
            calendars::replace_days(conn, actor, calendar, &keys, &lines)?;
        }
        taken_back.restored.extend(TakenBack::restoring(conn, import, "calendar", [id])?.restored);
    }
    for (id, effect) in ids(effects, "intake", false) {
        let filled: Vec<CalendarId> = ids(effects, "calendar", false).map(|(id, _)| id).collect();
        give_back_calendar(conn, actor, now, id, &filled, effect.before()?)?;
    }
    for (id, _) in ids(effects, "calendar", true) {
        // Nobody has changed it since, so that it is empty by now.
        let calendar = calendars::find(conn, actor, id)?;
        let keepers = calendars::keepers(conn, id)?;
        if keepers > 0 {
            taken_back.notes.push(format!("the calendar {} stays, empty, for {} names it", calendar.code, counted(keepers, "intake")));
        } else {
            calendars::remove(conn, actor, calendar)?;
        }
    }
    Ok(taken_back)
}

/// Has an intake keep the days off of the calendar that it kept before the import, unless another one has been named since. One that is
/// gone by now is kept by nobody.
fn give_back_calendar(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    intake: IntakeId,
    filled: &[CalendarId],
    before: Option<CalendarId>,
) -> Result<(), Error> {
    db::lock(conn, "intake", intake)?;
    if !intakes::find(conn, actor, intake)?.holiday_calendar_id.is_some_and(|named| filled.contains(&named)) {
        return Ok(());
    }
    let before = match before.map(|id| calendars::find(conn, actor, id)) {
        None | Some(Err(Error::NotFound)) => None,
        Some(found) => Some(found?.id),
    };
    let patch = IntakePatch { holiday_calendar_id: Some(before), ..IntakePatch::default() };
    intakes::update(conn, actor, now, None, intake, patch).map(drop)
}
