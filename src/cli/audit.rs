//! `muster audit`.

use serde_json::json;

use super::{Context, Failure, Outcome};
use crate::journal;

const EXAMPLES: &str = "\
The head of the journal is the position of its last entry and a hash over all of them. Kept outside the database (printed, mailed to the
auditor), it shows later that nothing up to there was taken away or written anew, not even by whoever can write the database:
  muster verify --head 4711:9f2c…
A head vouches for what is there when it is taken, so that `muster verify` comes first.

Examples:
  muster audit head
  muster audit head --json";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Seal the journal and print its head, to be kept elsewhere
    #[command(after_help = EXAMPLES)]
    Head,
}

pub fn run(Args { command: Command::Head }: Args, context: &Context) -> Result<Outcome, Failure> {
    let db = context.open()?;
    journal::seal_all_blocking(&db)?;
    let head = db.examine(journal::head)?;
    Ok(Outcome::new(head.to_string(), json!({ "head": head.to_string(), "position": head.position, "hash": hex::encode(&head.hash) })))
}
