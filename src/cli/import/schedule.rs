//! `muster import schedule`.

use super::{Context, Failure, Outcome, Sheet, imports, intake};

const EXAMPLES: &str = "\
Matched by the code of the session; times are local to the intake. Sessions become drafts unless --publish. What was held stays.

Examples:
  muster import schedule examples/jisco/schedule.xlsx --intake HONGXING-3 --dry-run
  muster import schedule examples/jisco/schedule.xlsx --intake HONGXING-3 --publish";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    sheet: Sheet,
    /// The intake
    #[arg(long, value_name = "CODE-or-ID")]
    intake: String,
    /// Publish the sessions at once
    #[arg(long)]
    publish: bool,
}

pub(super) fn run(args: Args, context: &Context) -> Result<Outcome, Failure> {
    let Args { sheet, intake: named, publish } = args;
    sheet.run(context, publish, move |conn, actor, now, file, options| {
        let intake = intake(conn, actor, &named)?;
        imports::import_schedule(conn, actor, now, intake.id, file, options)
    })
}
