//! `muster migrate`.

use serde_json::json;

use super::{Context, Failure, Outcome};
use crate::db::Db;

const EXAMPLES: &str = "\
`muster serve` does the same at its start. Processes that start together wait for each other. A SQLite file that is not there is made,
and said so on stderr; no other command makes one, but `demo`.

Examples:
  muster migrate
  muster --database-url postgres://muster@db/muster migrate
  muster migrate --check || echo pending";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Change nothing; exit with 3 if migrations are pending
    #[arg(long)]
    check: bool,
}

pub fn run(args: Args, context: &Context) -> Result<Outcome, Failure> {
    if args.check {
        return check(context);
    }
    let applied = context.migrate()?;
    let text = if applied.is_empty() { "up to date".to_owned() } else { lines("applied", &applied) };
    Ok(Outcome::new(text, json!({ "applied": applied })))
}

fn check(context: &Context) -> Result<Outcome, Failure> {
    let pending = Db::open(context.existing()?, context.settings.connections)?.pending_migrations()?;
    let text = if pending.is_empty() { "up to date".to_owned() } else { lines("pending", &pending) };
    Ok(Outcome::new(text, json!({ "pending": pending })).with_findings(!pending.is_empty()))
}

fn lines(what: &str, names: &[String]) -> String {
    names.iter().map(|name| format!("{what} {name}")).collect::<Vec<_>>().join("\n")
}
