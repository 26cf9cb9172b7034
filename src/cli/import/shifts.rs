//! `muster import shifts`.

use super::{Context, Failure, Outcome, Sheet, calendar, imports};

const EXAMPLES: &str = "\
Matched by crew and start; times are local to the calendar. A row with the shift `rest` and no times takes out what the crew
begins on that day.

Examples:
  muster import shifts examples/jisco/shifts.csv --calendar JISCO-ROTA --dry-run
  muster import shifts examples/jisco/shifts.csv --calendar JISCO-ROTA";

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
        imports::import_shifts(conn, actor, now, calendar.id, file, options)
    })
}
