//! `muster import evidence`.

use super::{Context, Failure, Outcome, Sheet, imports};
use crate::schedule::SessionId;

const EXAMPLES: &str = "\
As the meeting's provider exports it: a person may have any number of rows, and files add up. Whoever was called by hand stays so; who is
in no file is not called. `muster import undo` takes one file back and leaves what the others say.

Examples:
  muster import evidence meeting.csv --session 01930000-0000-7000-8000-000000000001 --dry-run";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    sheet: Sheet,
    /// The session
    #[arg(long, value_name = "ID")]
    session: SessionId,
}

pub(super) fn run(args: Args, context: &Context) -> Result<Outcome, Failure> {
    let Args { sheet, session } = args;
    sheet.run(context, false, move |conn, actor, now, file, options| imports::import_evidence(conn, actor, now, session, file, options))
}
