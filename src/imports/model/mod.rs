//! What an import is, what it says of each row, and what it remembers to be undone. Pure: the plans below are made from a table and
//! from facts that somebody else has looked up.

mod columns;
mod directory;
pub(super) mod evidence;
pub(super) mod holidays;
mod identity;
pub(super) mod instructors;
pub(super) mod organizations;
pub(super) mod program;
pub(super) mod roster;
pub(super) mod schedule;
pub(super) mod shifts;
mod verdicts;

pub(super) use columns::{Entries, Sheet, template};
pub(super) use directory::Directory;
pub(super) use identity::{Amended, Known, PersonBefore, Registered};
pub(super) use verdicts::verdict_table;

use std::{fmt, sync::Arc};

use diesel::{Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    access::UserId,
    clock::Instant,
    db::types::text_enum,
    error::{Error, FieldFault},
    id::Id,
    intakes::IntakeId,
    organizations::OrganizationId,
    schedule::{Conflict, SessionId},
    schema::imports,
    tabular::Table,
    text::{Note, counted},
};

pub type ImportId = Id<Import>;

text_enum! {
    /// What a file holds.
    pub enum ImportKind {
        Organizations => "organizations",
        Instructors => "instructors",
        Program => "program",
        Roster => "roster",
        Schedule => "schedule",
        Holidays => "holidays",
        Shifts => "shifts",
        Evidence => "evidence",
    }
}

text_enum! {
    /// Whether what an import wrote still stands.
    pub enum ImportState {
        Committed => "committed",
        Undone => "undone",
    }
}

text_enum! {
    /// What becomes of a row. The last three keep a file from being taken.
    pub enum Verdict {
        /// What the row says is new.
        Create => "create",
        /// It is there already, with other values.
        Update => "update",
        /// It is there already, just so.
        Unchanged => "unchanged",
        /// The person has a place in this intake already, and nothing differs.
        AlreadyEnrolled => "already_enrolled",
        /// An earlier row names the same.
        DuplicateInFile => "duplicate_in_file",
        /// Only a person can decide what is meant.
        NeedsReview => "needs_review",
        /// A cell is wrong, or a rule says no.
        Invalid => "invalid",
    }
}

impl Verdict {
    /// Whether the row keeps the whole file from being taken.
    pub const fn is_fault(self) -> bool {
        matches!(self, Self::DuplicateInFile | Self::NeedsReview | Self::Invalid)
    }
}

text_enum! {
    /// How an import ended.
    pub enum Outcome {
        /// Nothing was to be written, and nothing was.
        DryRun => "dry_run",
        /// It was written.
        Committed => "committed",
        /// The file says nothing new: nothing was written, and there is no import to undo.
        NothingNew => "nothing_new",
        /// Rows are at fault, so nothing was written.
        Refused => "refused",
    }
}

/// What was imported, when and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Serialize, ToSchema)]
#[diesel(table_name = imports, treat_none_as_default_value = false)]
pub struct Import {
    pub id: ImportId,
    pub kind: ImportKind,
    pub provider_id: Option<OrganizationId>,
    pub intake_id: Option<IntakeId>,
    /// Of evidence: the session whose meeting the file is of; null for every other kind.
    pub session_id: Option<SessionId>,
    #[schema(example = "roster.xlsx")]
    pub file_name: String,
    /// SHA-256 of the file, in hex.
    #[serde(serialize_with = "as_hex")]
    #[schema(value_type = String)]
    pub file_sha256: Vec<u8>,
    pub state: ImportState,
    /// Rows of the file that were written.
    pub rows: i32,
    #[serde(skip)]
    pub user_id: Option<UserId>,
    pub created_at: Instant,
    pub undone_at: Option<Instant>,
}

/// An import that was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Undone {
    #[serde(flatten)]
    pub import: Import,
    /// What is not as it was before the import all the same.
    #[schema(example = json!(["the calendar CN-2020 stays, empty, for an intake names it"]))]
    pub notes: Vec<String>,
}

fn as_hex<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex::encode(bytes))
}

/// Why a row is at fault, or what is told of one that is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reason {
    /// The column, by its English name; null if it is not about one.
    #[schema(example = "employee_number")]
    pub column: Option<String>,
    /// Stable, for programs.
    #[schema(example = "employee_number_taken")]
    pub code: String,
    /// For people.
    #[schema(example = "this employee number is taken in that organization")]
    pub detail: String,
    /// Of a local time that exists twice: the two instants, one of which to write instead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["2020-10-25T02:30:00+02:00", "2020-10-25T02:30:00+01:00"]))]
    pub choices: Vec<String>,
}

impl Reason {
    pub(super) fn new(column: Option<&str>, code: &str, detail: impl Into<String>) -> Self {
        Self { column: column.map(ToOwned::to_owned), code: code.to_owned(), detail: detail.into(), choices: Vec::new() }
    }

    /// For one column.
    pub(super) fn of(column: &str, code: &str, detail: impl Into<String>) -> Self {
        Self::new(Some(column), code, detail)
    }
}

/// One value that a row changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RowChange {
    #[schema(example = "phone")]
    pub field: String,
    pub from: Option<String>,
    pub to: Option<String>,
}

impl RowChange {
    pub(super) fn new(field: &str, from: Option<impl fmt::Display>, to: Option<impl fmt::Display>) -> Self {
        Self { field: field.to_owned(), from: from.map(|value| value.to_string()), to: to.map(|value| value.to_string()) }
    }
}

/// What becomes of one row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RowReport {
    /// As a spreadsheet shows it beside the row; of a program file, the place in the list.
    #[schema(example = 7)]
    pub row: u32,
    /// What the row is about: an employee number, a code.
    #[schema(example = "00083981")]
    pub key: Option<String>,
    pub verdict: Verdict,
    pub reasons: Vec<Reason>,
    /// What differs from what is stored.
    pub what: Vec<RowChange>,
    /// Of a session: what stands in its way, or is only told, as the check of sessions tells it. What blocks a draft keeps it from being
    /// published, and nobody from importing it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
}

/// A row's report, and what is to be written if it is taken.
#[derive(Clone, Debug)]
pub(super) struct RowPlan<C> {
    pub(super) report: RowReport,
    pub(super) change: Option<C>,
    /// How much the change takes out with nothing in its place.
    pub(super) removed: usize,
}

impl<C> RowPlan<C> {
    /// A row of which nothing is written.
    pub(super) fn idle(row: u32, key: Option<String>, verdict: Verdict, reasons: Vec<Reason>) -> Self {
        Self { report: RowReport { row, key, verdict, reasons, what: Vec::new(), conflicts: Vec::new() }, change: None, removed: 0 }
    }

    pub(super) fn at_fault(row: u32, key: &str, verdict: Verdict, reason: Reason) -> Self {
        Self::idle(row, Some(key.to_owned()), verdict, vec![reason])
    }

    pub(super) fn of(row: u32, key: &str, verdict: Verdict, what: Vec<RowChange>, change: Option<C>) -> Self {
        let report = RowReport { row, key: Some(key.to_owned()), verdict, reasons: Vec::new(), what, conflicts: Vec::new() };
        Self { report, change, removed: 0 }
    }

    /// The row is taken, and this is told of it.
    pub(super) fn warned(mut self, warning: Option<Reason>) -> Self {
        self.report.reasons.extend(warning);
        self
    }

    /// The row is at fault after all.
    pub(super) fn refuse(&mut self, reason: Reason) {
        if !self.report.verdict.is_fault() {
            // A warning of what is not taken is none.
            self.report.reasons.clear();
        }
        self.report.verdict = Verdict::Invalid;
        self.report.what.clear();
        self.report.reasons.push(reason);
        self.change = None;
    }
}

/// How many rows have each verdict, and how much they take away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counts {
    pub create: usize,
    pub update: usize,
    pub unchanged: usize,
    pub already_enrolled: usize,
    pub duplicate_in_file: usize,
    pub needs_review: usize,
    pub invalid: usize,
    /// No rows, but days and shifts of a calendar that are taken out with nothing in their place; `what` of the rows names each.
    pub removed: usize,
}

impl Counts {
    pub(super) fn of(rows: &[RowReport], removed: usize) -> Self {
        let mut counts = Self { removed, ..Self::default() };
        for row in rows {
            *counts.slot(row.verdict) += 1;
        }
        counts
    }

    fn slot(&mut self, verdict: Verdict) -> &mut usize {
        match verdict {
            Verdict::Create => &mut self.create,
            Verdict::Update => &mut self.update,
            Verdict::Unchanged => &mut self.unchanged,
            Verdict::AlreadyEnrolled => &mut self.already_enrolled,
            Verdict::DuplicateInFile => &mut self.duplicate_in_file,
            Verdict::NeedsReview => &mut self.needs_review,
            Verdict::Invalid => &mut self.invalid,
        }
    }

    /// How many rows of each verdict there are and how much is taken out, as in "240 create, 4 update, 2 removed".
    pub fn told(&self) -> String {
        let mut counts = *self;
        let verdicts = Verdict::ALL.iter().map(|verdict| (*counts.slot(*verdict), verdict.as_str()));
        let counted = verdicts.chain([(self.removed, "removed")]).filter(|(count, _)| *count > 0);
        let told: Vec<String> = counted.map(|(count, called)| format!("{count} {called}")).collect();
        if told.is_empty() { "no rows".to_owned() } else { told.join(", ") }
    }
}

/// What an import made of a file. A dry run's is the commit's, but for the outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// The import to look at or undo; null if nothing was written.
    pub import_id: Option<ImportId>,
    pub kind: ImportKind,
    pub dry_run: bool,
    /// Whether anything was written.
    pub committed: bool,
    pub outcome: Outcome,
    #[schema(example = "roster.xlsx")]
    pub file_name: String,
    pub counts: Counts,
    /// Headers that no known column has, nor one that is like them; what stands below them is not read.
    #[schema(example = json!(["备注"]))]
    pub unknown_columns: Vec<String>,
    /// What else is to be known before the file is taken, or was done with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["2 enrollments begin before sessions that are closed already; 3 roll-call lines become unsettled"]))]
    pub notes: Vec<String>,
    pub rows: Vec<RowReport>,
    /// Of a schedule, whether more is in the way of the rows than they tell: of a large file the first 1,000 overlaps are told.
    #[serde(default)]
    #[schema(example = false)]
    pub truncated: bool,
}

impl Report {
    /// How many rows are at fault.
    pub fn at_fault(&self) -> usize {
        self.rows.iter().filter(|row| row.verdict.is_fault()).count()
    }

    /// 422 for a file that was refused, with every fault of every row.
    pub fn or_refused(self) -> Result<Self, Error> {
        if self.outcome != Outcome::Refused {
            return Ok(self);
        }
        let (count, total) = (self.at_fault(), self.rows.len());
        let hint = if count < total { "; partial=true takes the others" } else { "" };
        let told = self.counts.told();
        let detail = format!("nothing was written, for faults in {count} of {} ({told}){hint}", counted(total, "row"));
        let at_fault = || self.rows.iter().filter(|row| row.verdict.is_fault());
        let conflicts = at_fault().flat_map(|row| row.conflicts.clone()).collect();
        let faults = at_fault().flat_map(faults).collect();
        Err(Error::Rejected { code: "import_rows_invalid", detail, faults, conflicts, truncated: self.truncated })
    }
}

/// What is wrong with a row, each thing by itself.
fn faults(row: &RowReport) -> impl Iterator<Item = FieldFault> {
    row.reasons.iter().map(|reason| {
        let column = reason.column.as_deref().map(|column| format!("/{column}")).unwrap_or_default();
        let fault = FieldFault::new(format!("/rows/{}{column}", row.row), &reason.code, &reason.detail);
        FieldFault { choices: reason.choices.clone(), ..fault }
    })
}

/// A file that has been read.
#[derive(Clone, Debug)]
pub struct File<T = Table> {
    pub name: String,
    pub sha256: [u8; 32],
    pub content: T,
}

/// What an import is doing, how many of its rows are done, and how many there are.
pub type Progress = Arc<dyn Fn(&'static str, usize, usize) + Send + Sync>;

/// How a file is to be taken.
#[derive(Clone, Default)]
pub struct Options {
    /// Say what would become of each row, and write nothing.
    pub dry_run: bool,
    /// Take the rows that are not at fault.
    pub partial: bool,
    /// Publish the sessions of a schedule.
    pub publish: bool,
    /// Why a schedule changes sessions that are published.
    pub reason: Option<Note>,
    /// The intake that keeps the days off of the calendar from then on.
    pub keeper: Option<IntakeId>,
    /// Told how far it is.
    pub progress: Option<Progress>,
}

impl Options {
    pub(super) fn tell(&self, phase: &'static str, done: usize, of: usize) {
        if let Some(progress) = &self.progress {
            progress(phase, done, of);
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dry_run, partial, publish, reason, keeper, progress: _ } = self;
        write!(f, "Options {{ dry_run: {dry_run}, partial: {partial}, publish: {publish}, reason: {reason:?}, keeper: {keeper:?} }}")
    }
}

/// One thing that an import wrote: enough to see whether it still stands so, and to undo it.
#[derive(Clone, Debug)]
pub(super) struct Effect {
    pub(super) kind: &'static str,
    pub(super) id: Id<()>,
    pub(super) created: bool,
    /// The version that the import left.
    pub(super) version: i32,
    pub(super) before: Option<Value>,
}

impl Effect {
    pub(super) fn created<T>(kind: &'static str, id: Id<T>, version: i32) -> Self {
        Self { kind, id: id.cast(), created: true, version, before: None }
    }

    /// What it is about is as it was, but for what names the import.
    pub(super) fn added_to<T>(kind: &'static str, id: Id<T>, version: i32) -> Self {
        Self { kind, id: id.cast(), created: false, version, before: None }
    }

    pub(super) fn updated<T>(kind: &'static str, id: Id<T>, version: i32, before: &impl Serialize) -> Result<Self, Error> {
        let before = serde_json::to_value(before).map_err(Error::internal)?;
        Ok(Self { kind, id: id.cast(), created: false, version, before: Some(before) })
    }
}

/// What a row makes of the lines of a calendar that these keys name, and what they were.
#[derive(Clone, Debug)]
pub(super) struct Relisted<K, T> {
    pub(super) keys: Vec<K>,
    pub(super) before: Vec<T>,
    pub(super) after: Vec<T>,
}

/// Lines of a calendar: these, and no other of those that the keys name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lines<K, T> {
    pub(super) keys: Vec<K>,
    pub(super) lines: Vec<T>,
}
