//! `muster import`: files into the register and out of it again, through the same code as over HTTP.

mod calendar;
mod evidence;
mod instructors;
mod list;
mod organizations;
mod program;
mod roster;
mod schedule;
mod undo;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};
use serde_json::json;

use super::{Context, Failure, Outcome};
use crate::{
    access::{Actor, Credentials},
    calendars::CalendarKind,
    clock::Instant,
    db::Conn,
    error::Error,
    imports::{self, File, Format, Options, Report, RowReport},
    intakes::{self, Intake},
    text::{Code, counted},
};

const EXAMPLES: &str = "\
Says of each row what would become of it (--dry-run), and writes all rows or none, unless --partial. Importing a file twice changes
nothing. Tables are CSV (UTF-8, UTF-16 or GB 18030; comma, semicolon or tab) or XLSX; headers may be English or Chinese.
Exit code 1 if nothing was written because rows are at fault; 3 if rows are at fault in a dry run or with --partial.

Examples:
  muster import organizations examples/jisco/organizations.csv
  muster import program examples/jisco/program.json
  muster import instructors examples/jisco/instructors.xlsx --organization USTB
  muster import roster examples/jisco/roster.xlsx --intake HONGXING-3 --dry-run
  muster import schedule examples/jisco/schedule.xlsx --intake HONGXING-3 --publish
  muster import list
  muster import undo 01930000-0000-7000-8000-000000000001";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Organizations and their units: code, name, kind; latin_name, parent
    Organizations(organizations::Args),
    /// Instructors of a provider: name, employee_number; latin_name, organization, title, phone, email
    Instructors(instructors::Args),
    /// A program, one version of it, and an intake, from a JSON file
    Program(program::Args),
    /// The trainees of an intake: name, employee_number, organization, discipline; latin_name, cohort, phone, email, crew, from
    Roster(roster::Args),
    /// The sessions of an intake: code, module, cohorts, date, start, end; instructors (employee numbers), break, mode, length, room, place
    Schedule(schedule::Args),
    /// Days off of a calendar, and worked days of its weekends: date, kind; name
    #[command(after_help = calendar::HOLIDAYS)]
    Holidays(calendar::Args),
    /// Shifts of a sponsor's crews: crew, date, start, end; shift
    #[command(after_help = calendar::SHIFTS)]
    Shifts(calendar::Args),
    /// Who was in the meeting of a session: joined_at, left_at; name, employee_number, email
    Evidence(evidence::Args),
    /// What was imported, with the ids to undo
    List(list::Args),
    /// Take an import back, while nothing else rests on it
    Undo(undo::Args),
}

pub fn run(args: Args, context: &Context) -> Result<Outcome, Failure> {
    match args.command {
        Command::Organizations(args) => organizations::run(args, context),
        Command::Instructors(args) => instructors::run(args, context),
        Command::Program(args) => program::run(args, context),
        Command::Roster(args) => roster::run(args, context),
        Command::Schedule(args) => schedule::run(args, context),
        Command::Holidays(args) => calendar::run(args, CalendarKind::Holidays, context),
        Command::Shifts(args) => calendar::run(args, CalendarKind::Shifts, context),
        Command::Evidence(args) => evidence::run(args, context),
        Command::List(args) => list::run(args, context),
        Command::Undo(args) => undo::run(args, context),
    }
}

/// What every kind of file is imported with.
#[derive(Debug, clap::Args)]
struct Common {
    /// The file
    file: PathBuf,
    /// Say what would become of each row, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Take the rows that are not at fault, instead of all or none
    #[arg(long)]
    partial: bool,
}

/// What every table is imported with.
#[derive(Debug, clap::Args)]
struct Sheet {
    #[command(flatten)]
    common: Common,
    /// Write the file again, with a verdict behind each row, as CSV or (if the name ends so) XLSX
    #[arg(long, value_name = "FILE")]
    verdicts: Option<PathBuf>,
}

impl Common {
    fn bytes(&self) -> Result<(String, Vec<u8>), Failure> {
        let path = &self.file;
        let bytes = fs::read(path).map_err(|error| Failure::new("io", format!("{}: {error}", path.display())))?;
        let name: String = path.file_name().map(|name| name.to_string_lossy().chars().take(200).collect()).unwrap_or_default();
        Ok((name, bytes))
    }

    fn options(&self, publish: bool, bar: &ProgressBar) -> Options {
        let bar = bar.clone();
        let progress = move |phase: &'static str, done: usize, total: usize| {
            bar.set_length(total as u64);
            bar.set_position(done as u64);
            bar.set_message(phase);
        };
        Options { dry_run: self.dry_run, partial: self.partial, publish, progress: Some(Arc::new(progress)), ..Options::default() }
    }

    /// A dry run only reads; everything else is one transaction.
    fn run<F>(&self, context: &Context, options: Options, import: F) -> Result<Report, Failure>
    where
        F: FnOnce(&mut Conn, &Actor, Instant, &Options) -> Result<Report, Error> + Send + 'static,
    {
        let db = context.open()?;
        let job = move |conn: &mut Conn, actor: &Actor, now: Instant| import(conn, actor, now, &options);
        let report =
            if self.dry_run { db.read_blocking(&Credentials::Operator, job) } else { db.write_blocking(Credentials::Operator, job) };
        report.map_err(failure)
    }
}

impl Sheet {
    /// Reads the table, imports it with `import` and says what became of it.
    fn run<F>(self, context: &Context, publish: bool, import: F) -> Result<Outcome, Failure>
    where
        F: FnOnce(&mut Conn, &Actor, Instant, &File, &Options) -> Result<Report, Error> + Send + 'static,
    {
        let bar = bar("reading");
        let (name, bytes) = self.common.bytes()?;
        let file = Arc::new(imports::read_table(&name, &bytes).map_err(failure)?);
        bar.set_message("checking");
        let taken = Arc::clone(&file);
        let options = self.common.options(publish, &bar);
        let report = self.common.run(context, options, move |conn, actor, now, options| import(conn, actor, now, &taken, options))?;
        bar.finish_and_clear();
        if let Some(path) = &self.verdicts {
            write_verdicts(path, &file, &report)?;
        }
        Ok(outcome(&report))
    }
}

/// On stderr if that is a terminal, else nowhere.
fn bar(phase: &'static str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr()).with_finish(ProgressFinish::AndClear);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg:9} {wide_bar} {pos}/{len} rows {elapsed}") {
        bar.set_style(style);
    }
    bar.set_message(phase);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn write_verdicts(path: &Path, file: &File, report: &Report) -> Result<(), Failure> {
    let is_workbook = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("xlsx"));
    let bytes = imports::verdict_file(&file.content, report, if is_workbook { Format::Xlsx } else { Format::Csv })?;
    fs::write(path, bytes).map_err(|error| Failure::new("io", format!("{}: {error}", path.display())))
}

/// The counts, and a line for each row at fault, with a warning or that takes something away; of a dry run, for whatever would change.
fn outcome(report: &Report) -> Outcome {
    let (at_fault, total) = (report.at_fault(), report.rows.len());
    let mut counts = report.counts.told();
    if at_fault > 0 {
        counts = format!("{counts}; faults in {at_fault} of {}", counted(total, "row"));
    }
    let mut lines = vec![match report.outcome {
        imports::Outcome::DryRun => format!("dry run of {}: {counts}; nothing was written", report.file_name),
        imports::Outcome::Committed => {
            let id = report.import_id.map(|id| id.to_string()).unwrap_or_default();
            format!("imported {}: {counts} (import {id})", report.file_name)
        }
        imports::Outcome::NothingNew => format!("{} says nothing new: {counts}; nothing was written", report.file_name),
        imports::Outcome::Refused => format!("refused {}: {counts}; nothing was written", report.file_name),
    }];
    lines.extend(report.unknown_columns.iter().map(|header| format!("a column is not known and was not read: {header}")));
    lines.extend(report.notes.iter().cloned());
    let is_told = |row: &&RowReport| {
        !row.reasons.is_empty() || !row.conflicts.is_empty() || takes_away(row) || report.dry_run && !row.what.is_empty()
    };
    lines.extend(report.rows.iter().filter(is_told).map(told));
    let outcome = Outcome::new(lines.join("\n"), json!(report));
    if report.outcome == imports::Outcome::Refused {
        let hint = if at_fault < total { "; --partial takes the others" } else { "" };
        return outcome.with_note(format!("muster: nothing was written, because rows are at fault{hint}")).failed();
    }
    outcome.with_findings(report.rows.iter().any(|row| row.verdict.is_fault()))
}

/// Whether the row ends what is stored without anything in its place, such as a shift that the file has no more.
fn takes_away(row: &RowReport) -> bool {
    row.what.iter().any(|change| change.from.is_some() && change.to.is_none())
}

fn told(row: &RowReport) -> String {
    let key = row.key.as_ref().map(|key| format!(" ({key})")).unwrap_or_default();
    format!("row {}{key}: {}: {}", row.row, row.verdict, row.why())
}

/// With all that is wrong with the columns, not only that something is.
fn failure(error: Error) -> Failure {
    match error {
        Error::Rejected { code, detail, faults, .. } if !faults.is_empty() => {
            let details: Vec<String> =
                faults.iter().map(|fault| format!("{}: {}", fault.pointer.trim_start_matches("/columns/"), fault.detail)).collect();
            Failure::new(code, format!("{detail}: {}", details.join("; ")))
        }
        other => other.into(),
    }
}

/// The intake that `text` names by its code or its id.
fn intake(conn: &mut Conn, actor: &Actor, text: &str) -> Result<Intake, Error> {
    if let Ok(code) = text.parse::<Code>()
        && let Some(intake) = intakes::by_code(conn, actor, &code)?
    {
        return Ok(intake);
    }
    let found = text.parse().map_or(Err(Error::NotFound), |id| intakes::find(conn, actor, id));
    found.map_err(|error| match error {
        Error::NotFound => Error::invalid("/intake", "unknown_intake", format!("there is no intake `{text}`")),
        other => other,
    })
}
