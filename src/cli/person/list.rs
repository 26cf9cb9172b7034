//! `muster person list`.

use serde_json::json;

use super::{Context, Failure, Outcome};
use crate::{access::Credentials, people};

const EXAMPLES: &str = "\
Those who are restricted and have not been erased yet, in the order of their days: id, day, since when, and name.

Examples:
  muster person list --restricted
  muster person list --restricted --json";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Only those who are restricted; everybody else is listed by the API
    #[arg(long, required = true)]
    restricted: bool,
}

pub(super) fn run(Args { restricted: _ }: Args, context: &Context) -> Result<Outcome, Failure> {
    let retained = context.open()?.read_blocking(&Credentials::Operator, |conn, actor, _| people::retained(conn, actor))?;
    // The name last: whatever is in it, it is no column.
    let line = |one: &people::Retained| format!("{}  {}  {}  {}", one.id, one.retained_until, one.restricted_at, one.name);
    let lines: Vec<String> = retained.iter().map(line).collect();
    Ok(Outcome::new(lines.join("\n"), json!({ "items": retained })))
}
