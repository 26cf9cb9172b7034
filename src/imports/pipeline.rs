//! What all kinds of imports share: reading a file, deciding whether a plan is written, and the files that go back.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::{
    model::{
        self, Amended, Counts, Effect, File, Import, ImportId, ImportKind, ImportState, Known, Options, Outcome, PersonBefore, Registered,
        Report, RowPlan, evidence, holidays, instructors, organizations, program::ProgramFile, roster, schedule, shifts,
    },
    store,
};
use crate::{
    access::Actor,
    clock::Instant,
    db::Conn,
    db::types::text_enum,
    error::Error,
    http::body,
    id::Id,
    intakes::IntakeId,
    organizations::OrganizationId,
    people,
    schedule::SessionId,
    tabular::{self, Limits, Table, TabularError},
    text::Code,
};

text_enum! {
    /// A kind of file.
    pub enum Format {
        Csv => "csv",
        Xlsx => "xlsx",
    }
}

/// Reads a table, CSV or XLSX. Slow for a large workbook, so never to be called inside a transaction.
///
/// # Errors
/// 413 `file_too_large`; 422 with the code of what is wrong with the file as a whole.
pub fn read_table(name: &str, bytes: &[u8]) -> Result<File, Error> {
    let content = tabular::read(bytes, &Limits::default()).map_err(|error| unreadable(&error))?;
    Ok(File { name: name.to_owned(), sha256: Sha256::digest(bytes).into(), content })
}

fn unreadable(error: &TabularError) -> Error {
    match error {
        TabularError::FileTooLarge { .. } => Error::too_large(error.code(), error.to_string()),
        _ => Error::Rejected { code: error.code(), detail: error.to_string(), faults: Vec::new(), conflicts: Vec::new(), truncated: false },
    }
}

/// Reads a program file.
///
/// # Errors
/// 400 for broken JSON, 422 for a wrong field; both call the whole by the file's name.
pub fn read_program(name: &str, bytes: &[u8]) -> Result<File<ProgramFile>, Error> {
    Ok(File { name: name.to_owned(), sha256: Sha256::digest(bytes).into(), content: body::parse(bytes, name)? })
}

/// What an import is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject {
    pub(super) kind: ImportKind,
    pub(super) provider: Option<OrganizationId>,
    pub(super) intake: Option<IntakeId>,
    /// Of evidence.
    pub(super) session: Option<SessionId>,
}

/// Decides whether a plan is written, and has `apply` write it. All that tells a dry run from a commit is in here.
pub(super) fn settle<T, C>(
    conn: &mut Conn,
    actor: &Actor,
    now: Instant,
    subject: Subject,
    (file, options): (&File<T>, &Options),
    (plans, unknown_columns): (Vec<RowPlan<C>>, Vec<String>),
    apply: impl FnOnce(&mut Conn, ImportId, Vec<C>) -> Result<Vec<Effect>, Error>,
) -> Result<Report, Error> {
    let mut rows = Vec::with_capacity(plans.len());
    let (mut changes, mut removed) = (Vec::new(), 0);
    for plan in plans {
        removed += plan.removed;
        rows.push(plan.report);
        changes.extend(plan.change);
    }
    options.tell("checked", rows.len(), rows.len());
    let faults = rows.iter().filter(|row| row.verdict.is_fault()).count();
    let outcome = if options.dry_run {
        Outcome::DryRun
    } else if faults > 0 && (!options.partial || faults == rows.len()) {
        Outcome::Refused
    } else if changes.is_empty() {
        Outcome::NothingNew
    } else {
        Outcome::Committed
    };
    let mut import_id = None;
    let counts = Counts::of(&rows, removed);
    if outcome == Outcome::Committed {
        let import = Import {
            id: Id::generate(),
            kind: subject.kind,
            provider_id: subject.provider,
            intake_id: subject.intake,
            session_id: subject.session,
            file_name: file.name.clone(),
            file_sha256: file.sha256.to_vec(),
            state: ImportState::Committed,
            rows: i32::try_from(changes.len()).unwrap_or(i32::MAX),
            user_id: actor.user_id(),
            created_at: now,
            undone_at: None,
        };
        // First, for what is written may name the import that says it.
        store::begin(conn, &import)?;
        let effects = apply(conn, import.id, changes)?;
        store::record(conn, actor, &import, counts, effects)?;
        import_id = Some(import.id);
    }
    let (kind, dry_run, committed) = (subject.kind, options.dry_run, outcome == Outcome::Committed);
    let (notes, truncated, file_name) = (Vec::new(), false, file.name.clone());
    Ok(Report { import_id, kind, dry_run, committed, outcome, file_name, counts, unknown_columns, notes, rows, truncated })
}

/// The people behind these employee numbers, and whether the actor may change them.
pub(super) fn registered(conn: &mut Conn, actor: &Actor, pairs: &[(OrganizationId, Code)]) -> Result<Registered, Error> {
    let found = people::matches(conn, pairs)?;
    let ids: Vec<people::PersonId> = found.iter().map(|one| one.person.id).collect();
    let editable = people::is_editable_by(conn, actor, &ids)?;
    let known = |found: people::Match| {
        let key = (found.organization_id, found.employee_number.clone());
        (key, Known { editable: editable.contains(&found.person.id), found })
    };
    Ok(found.into_iter().map(known).collect::<HashMap<_, _>>())
}

/// Changes the people of a file whom the register knows; what they were is in the effects. `own` is the intake of the file.
pub(super) fn amend(conn: &mut Conn, actor: &Actor, amended: Vec<Amended>, own: Option<IntakeId>) -> Result<Vec<Effect>, Error> {
    let before: Vec<PersonBefore> = amended.iter().map(|one| PersonBefore::of(&one.found)).collect();
    let amendments = amended.into_iter().map(|one| (one.found.person, one.amendment)).collect();
    let people = people::amend_many(conn, actor, amendments, own)?;
    people.iter().zip(before).map(|(person, before)| Effect::updated("person", person.id, person.version, &before)).collect()
}

/// The file as it was sent, with what became of each row.
pub fn verdict_file(table: &Table, report: &Report, format: Format) -> Result<Vec<u8>, Error> {
    let (header, rows) = model::verdict_table(table, report);
    written(&header, rows, format)
}

/// An empty file of a kind, with the headers that it may have; none for a program, which is no table.
pub fn template(kind: ImportKind, format: Format) -> Result<Vec<u8>, Error> {
    let header = match kind {
        ImportKind::Organizations => model::template(organizations::COLUMNS),
        ImportKind::Instructors => model::template(instructors::COLUMNS),
        ImportKind::Roster => model::template(roster::COLUMNS),
        ImportKind::Schedule => model::template(schedule::COLUMNS),
        ImportKind::Holidays => model::template(holidays::COLUMNS),
        ImportKind::Shifts => model::template(shifts::COLUMNS),
        ImportKind::Evidence => model::template(evidence::COLUMNS),
        ImportKind::Program => return Err(Error::NotFound),
    };
    written(&header, Vec::new(), format)
}

fn written(header: &[String], rows: Vec<Vec<String>>, format: Format) -> Result<Vec<u8>, Error> {
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    match format {
        Format::Csv => Ok(tabular::write_csv(&header, rows.into_iter())),
        Format::Xlsx => tabular::write_xlsx("Muster", &header, rows.into_iter()).map_err(Error::internal),
    }
}
