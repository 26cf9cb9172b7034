//! `muster verify`.

use serde_json::{Map, Value, json};

use super::{Context, Failure, Outcome};
use crate::{
    access::Credentials,
    db::{self, Conn},
    error::Error,
    journal,
};

const EXAMPLES: &str = "\
Recomputes what can be recomputed and says what differs; repairs nothing. It seals the journal first and may run beside the server.
Exit code 3 if anything was found.

Examples:
  muster verify
  muster verify --json | jq .findings
  muster --database-url /backup/muster-2020-10-31.db verify";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {}

/// Says what is wrong, a sentence each; nothing if all is well.
type Check = fn(&mut Conn) -> Result<Vec<String>, Error>;

/// What holds whatever happens, as each room recomputes it. A room's check is one line here.
const CHECKS: &[(&str, Check)] =
    &[("journal", |conn| Ok(journal::verify(conn)?.1)), ("seats", crate::enrollments::verify), ("hours", crate::ledger::verify)];

/// What is asked of a SQLite file besides; Postgres watches over itself.
const FILE_CHECKS: &[(&str, Check)] = &[("database", db::integrity), ("references", db::references)];

pub fn run(_: Args, context: &Context) -> Result<Outcome, Failure> {
    let db = context.open()?;
    let mut findings = Vec::new();
    if let Err(error) = db.write_blocking(Credentials::Operator, |conn, _, _| journal::seal(conn)) {
        findings.push(unfinished("journal", error)?);
    }
    let file_checks = if db.target().is_sqlite() { FILE_CHECKS } else { &[] };
    let mut checked = Map::new();
    for (name, check) in file_checks.iter().chain(CHECKS) {
        let found = match db.read_blocking(&Credentials::Operator, |conn, _, _| check(conn)) {
            Ok(found) => found,
            Err(error) => vec![unfinished(name, error)?],
        };
        checked.insert((*name).to_owned(), json!(found.len()));
        findings.extend(found);
    }
    Ok(outcome(checked, &findings))
}

/// A check that stumbles over broken data is a finding; a database that does not answer is a failure.
fn unfinished(name: &str, error: Error) -> Result<String, Failure> {
    match error {
        Error::Internal(cause) => Ok(format!("{name}: the check could not be finished: {cause}")),
        other => Err(other.into()),
    }
}

/// `checked` is the number of findings of each check.
fn outcome(checked: Map<String, Value>, findings: &[String]) -> Outcome {
    let mut lines: Vec<String> = findings.to_vec();
    let names: Vec<_> = checked.keys().map(String::as_str).collect();
    lines.push(match findings.len() {
        0 => format!("all is well (checked: {})", names.join(", ")),
        count => format!("{count} findings (checked: {})", names.join(", ")),
    });
    let json = json!({ "ok": findings.is_empty(), "checked": checked, "findings": findings });
    Outcome::new(lines.join("\n"), json).with_findings(!findings.is_empty())
}
