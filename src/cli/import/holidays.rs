//! `muster import holidays`.

use super::{Context, Failure, Outcome, Sheet, calendar, imports};

const EXAMPLES: &str = "\
Matched by date; a day of the kind `normal` is taken out, and no other day is touched.

Examples:
  muster import holidays examples/jisco/holidays.csv --calendar CN-2020 --dry-run
  muster import holidays examples/jisco/holidays.csv --calendar CN-2020";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    sheet: Sheet,
    /// The calendar
    #[arg(long, value_name = "CODE-or-ID")]
    calendar: String,
}

pub(super) fn run(args: Args, context: &Context) -> Result<Outcome, Failure> {
    let Args { sheet, calendar: named } = args;
    sheet.run(context, false, move |conn, actor, now, file, options| {
        let calendar = calendar(conn, actor, &named)?;
        imports::import_holidays(conn, actor, now, calendar.id, file, options)
    })
}
