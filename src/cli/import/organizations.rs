//! `muster import organizations`.

use super::{Context, Failure, Outcome, Sheet, imports};

const EXAMPLES: &str = "\
Matched by code. Units name what they belong to in the column parent, which may stand anywhere in the same file.

Examples:
  muster import organizations examples/jisco/organizations.csv --dry-run
  muster import organizations examples/jisco/organizations.csv";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    sheet: Sheet,
}

pub(super) fn run(args: Args, context: &Context) -> Result<Outcome, Failure> {
    args.sheet.run(context, false, imports::import_organizations)
}
