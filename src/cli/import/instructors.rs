//! `muster import instructors`.

use super::{Context, Failure, Outcome, Sheet, imports};
use crate::cli::admin;

const EXAMPLES: &str = "\
Matched by organization and employee number. A row without an organization is about the provider's own people.

Examples:
  muster import instructors examples/jisco/instructors.xlsx --organization USTB";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    sheet: Sheet,
    /// The provider that records them
    #[arg(long, value_name = "CODE-or-ID")]
    organization: String,
}

pub(super) fn run(args: Args, context: &Context) -> Result<Outcome, Failure> {
    let Args { sheet, organization } = args;
    sheet.run(context, false, move |conn, actor, now, file, options| {
        let provider = admin::named(conn, actor, &organization)?;
        imports::import_instructors(conn, actor, now, provider.id, file, options)
    })
}
