//! `muster verify`.

use serde_json::{Map, Value, json};

use super::{Context, Failure, Outcome, outcome::DAMAGED};
use crate::{
    attendance, clock,
    db::{self, Conn, Db},
    enrollments,
    error::Error,
    feeds, imports, intakes,
    journal::{self, Head},
    leave, ledger, organizations, people, retention, schedule,
    text::counted,
};

const EXAMPLES: &str = "\
Recomputes what can be recomputed and says what differs; repairs nothing. It seals the journal first and may run beside the server.
Exit code 3 if anything was found. Each finding begins with the name of its check:
  database    what SQLite finds wrong in its file (SQLite only)
  references  rows that refer to missing rows (SQLite only)
  journal     the chain of entries, their hashes and payloads; a payload is missing only where an erasure took it
  head        the journal has the head that --head names, or goes on from it
  tree        who is below whom among organizations, from their parents
  people      all are called as the journal says
  erasures    each took what the journal says, and left nobody but whom it says
  intakes     each is as the journal says, with the seats kept for its sponsors
  enrollments each is as the journal says: whose it is, who sends and pays, the cohort and the crew
  seats       seats taken, by intake, sponsor and unit
  periods     an enrollment's periods are what its steps leave, in the cohorts that it and the journal name
  steps       an enrollment's steps follow each other, lead to where it stands and are those of the journal
  claims      what sessions occupy, and that nobody is in two places without a waiver
  plan        no more is scheduled than planned, by cohort and module
  sessions    all but drafts stand as the journal says; all but cancelled ones are as it says and lie within the days of their intake
  series      what each was made from can be read
  waivers     whoever may be in two places may by the journal
  changes     what is told of sessions that were moved or cancelled is what the journal says became of them, each once, to whom it concerns
  feeds       each shows what is its provider's
  leave       each request is as the journal says, for whom, and came by its steps to where it stands
  postings    what closed roll calls posted, for whom, and what their attendances come to
  marks       the marks of roll calls are those of the journal, and what was posted for reopened ones is what these came to when last closed
  presence    nobody is present in two sessions of an intake at one time
  evidence    what files say of who was there is what the journal says was imported and not taken back
  closings    how often roll calls were closed and reopened
  roll-calls  each stands where its last step led, since when and for the reason that the journal says
  corrections each correction that was asked for is as the journal says
  imports     each import stands, or was taken back, as the journal says, with what it wrote
  make-ups    what guests made up is what they attended, and no more than they missed
  carried     whoever was transferred took along what they were present for, of no module more than is planned there
  unsettled   closed sessions that somebody reaches back over are listed
  hours       every balance is the sum of its entries, and closings posted them all
Not held against the journal is what only warns (days off, crew shifts, instructors' profiles), and what names and lets in but counts
nothing: organizations, programs, rooms, cohorts, phones and posts of people, users and tokens. Confirmed versions the database keeps.

Examples:
  muster verify
  muster verify --json | jq .findings
  muster verify --head 4711:9f2c…        # as `muster audit head` printed it
  muster --database-url /backup/muster-2020-10-31.db verify";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A head of the journal that was kept elsewhere: up to there nothing may be missing or be another
    #[arg(long, value_name = "POSITION:HASH")]
    head: Option<Head>,
}

/// Says what is wrong, a sentence each; nothing if all is well.
type Check = fn(&mut Conn) -> Result<Vec<String>, Error>;

/// What holds whatever happens, as each room recomputes it. A room's check is one line here.
const CHECKS: &[(&str, Check)] = &[
    ("journal", |conn| Ok(journal::verify(conn, clock::now())?.1)),
    ("tree", organizations::verify),
    ("people", people::verify),
    ("erasures", retention::verify),
    ("intakes", intakes::verify),
    ("enrollments", enrollments::verify),
    ("seats", enrollments::verify_seats),
    ("periods", enrollments::verify_periods),
    ("steps", enrollments::verify_steps),
    ("claims", schedule::verify_claims),
    ("plan", schedule::verify_plan),
    ("sessions", schedule::verify_sessions),
    ("series", schedule::verify_series),
    ("waivers", schedule::verify_waivers),
    ("changes", schedule::verify_changes),
    ("feeds", feeds::verify),
    ("leave", leave::verify),
    ("postings", attendance::verify_postings),
    ("marks", attendance::verify_marks),
    ("presence", attendance::verify_presence),
    ("evidence", attendance::verify_evidence),
    ("closings", attendance::verify_closings),
    ("roll-calls", attendance::verify_standing),
    ("corrections", attendance::verify_corrections),
    ("imports", imports::verify),
    ("make-ups", ledger::verify_make_ups),
    ("unsettled", enrollments::verify_unsettled),
    ("carried", ledger::verify_carried),
    ("hours", ledger::verify),
];

/// What is asked of a SQLite file besides; Postgres watches over itself.
const FILE_CHECKS: &[(&str, Check)] = &[("database", db::integrity), ("references", db::references)];

pub fn run(Args { head }: Args, context: &Context) -> Result<Outcome, Failure> {
    let checked = match context.open().and_then(|db| check_with(&db, head.as_ref())) {
        // What cannot even be opened, because it is damaged, was looked at and is not well.
        Err(failure) if failure.code() == DAMAGED => vec![("database", vec![format!("database: {failure}")])],
        checked => checked?,
    };
    let findings: Vec<&String> = checked.iter().flat_map(|(_, found)| found).collect();
    let mut lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    let names: Vec<_> = checked.iter().map(|(name, _)| *name).collect();
    lines.push(match findings.len() {
        0 => format!("all is well (checked: {})", names.join(", ")),
        count => format!("{} (checked: {})", counted(count, "finding"), names.join(", ")),
    });
    let counts: Map<String, Value> = checked.iter().map(|(name, found)| ((*name).to_owned(), json!(found.len()))).collect();
    let json = json!({ "ok": findings.is_empty(), "found": counts, "findings": findings });
    Ok(Outcome::new(lines.join("\n"), json).with_findings(!findings.is_empty()))
}

/// What each check found, by name.
///
/// # Errors
/// If the database does not answer; what is wrong in it is a finding.
pub fn check(db: &Db) -> Result<Vec<(&'static str, Vec<String>)>, Failure> {
    let mut unsealed = Vec::new();
    if let Err(error) = journal::seal_all_blocking(db) {
        unsealed.push(unfinished("journal", error)?);
    }
    let file_checks = if db.target().is_sqlite() { FILE_CHECKS } else { &[] };
    let mut checked = Vec::new();
    for (name, check) in file_checks.iter().chain(CHECKS) {
        let mut found = match db.examine(check) {
            Ok(found) => found,
            Err(error) => vec![unfinished(name, error)?],
        };
        if *name == "journal" {
            found.append(&mut unsealed);
        }
        checked.push((*name, found));
    }
    Ok(checked)
}

/// The same, and whether the journal still has the head that was kept.
fn check_with(db: &Db, head: Option<&Head>) -> Result<Vec<(&'static str, Vec<String>)>, Failure> {
    let mut checked = check(db)?;
    if let Some(head) = head {
        let found = match db.examine(|conn| journal::verify_head(conn, head)) {
            Ok(found) => found,
            Err(error) => vec![unfinished("head", error)?],
        };
        checked.push(("head", found));
    }
    Ok(checked)
}

/// A check that stumbles over broken data is a finding; a database that does not answer is a failure.
fn unfinished(name: &str, error: Error) -> Result<String, Failure> {
    match error {
        Error::Internal(cause) => Ok(format!("{name}: the check could not be finished: {cause}")),
        other => Err(other.into()),
    }
}
