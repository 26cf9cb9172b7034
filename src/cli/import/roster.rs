//! `muster import roster`.

use super::{Context, Failure, Outcome, Sheet, imports, intake};

const EXAMPLES: &str = "\
People are matched by organization and employee number, and recorded for the intake's provider if nobody has that number. A number
that belongs to somebody else by now needs review. Nobody is moved.

Examples:
  muster import roster examples/jisco/roster.xlsx --intake HONGXING-3 --dry-run
  muster import roster examples/jisco/roster.xlsx --intake HONGXING-3
  muster import roster list.csv --intake HONGXING-3 --partial --verdicts list-verdicts.xlsx";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    sheet: Sheet,
    /// The intake
    #[arg(long, value_name = "CODE-or-ID")]
    intake: String,
}

pub(super) fn run(args: Args, context: &Context) -> Result<Outcome, Failure> {
    let Args { sheet, intake: named } = args;
    sheet.run(context, false, move |conn, actor, now, file, options| {
        let intake = intake(conn, actor, &named)?;
        imports::import_roster(conn, actor, now, intake.id, file, options)
    })
}
