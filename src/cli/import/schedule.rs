//! `muster import schedule`.

use super::{Context, Failure, Options, Outcome, Sheet, imports, intake};
use crate::text::Note;

const EXAMPLES: &str = "\
Matched by the code of the session; times are local to the intake. Sessions become drafts unless --publish. What was held stays.
What is published changes only with a --reason, which those whom it concerns are told. The column of instructors holds their employee
numbers, the lead's first, as in 00081234; 00085678, for two people may have one name.

Examples:
  muster import schedule examples/jisco/schedule.xlsx --intake HONGXING-3 --dry-run
  muster import schedule examples/jisco/schedule.xlsx --intake HONGXING-3 --publish
  muster import schedule june.xlsx --intake HONGXING-3 --reason \"the hall is closed in June\"";

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
    /// Why sessions that are published change, for those whom it concerns
    #[arg(long, value_name = "TEXT")]
    reason: Option<Note>,
}

pub(super) fn run(args: Args, context: &Context) -> Result<Outcome, Failure> {
    let Args { sheet, intake: named, publish, reason } = args;
    sheet.run(context, publish, move |conn, actor, now, file, options| {
        let intake = intake(conn, actor, &named)?;
        let options = Options { reason, ..options.clone() };
        imports::import_schedule(conn, actor, now, intake.id, file, &options)
    })
}
