//! `muster import program`.

use super::{Common, Context, Failure, Outcome, bar, failure, imports, outcome};

const EXAMPLES: &str = "\
A JSON file with `program` (provider, code, name), `version` (as POST /programs/{id}/versions takes it) and, if wanted, `intake` with
cohorts and seat quotas. What is there already with the same content stays; the version is confirmed, and the intake open for enrollment.

Examples:
  muster import program examples/jisco/program.json --dry-run
  muster import program examples/jisco/program.json";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(args: Args, context: &Context) -> Result<Outcome, Failure> {
    let common = args.common;
    let bar = bar("reading");
    let (name, bytes) = common.bytes()?;
    let file = imports::read_program(&name, &bytes).map_err(failure)?;
    let options = common.options(false, &bar);
    let report =
        common.run(context, options, move |conn, actor, now, options| imports::import_program(conn, actor, now, &file, options))?;
    bar.finish_and_clear();
    Ok(outcome(&report))
}
