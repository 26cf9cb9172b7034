//! `muster person`: what becomes of people when they need not be known any more.

mod erase;
mod list;

use super::{Context, Failure, Outcome};

const EXAMPLES: &str = "\
Whoever can write the database may do this; the journal names the operator as its author.

Examples:
  muster person erase 01930000-0000-7000-8000-000000000001 --retain-until 2030-12-31 --reason \"asked for in writing\"
  muster person erase --due
  muster person list --restricted";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Restrict a person until a day, and erase them from then on
    Erase(erase::Args),
    /// List who is restricted, and until when
    List(list::Args),
}

pub fn run(args: Args, context: &Context) -> Result<Outcome, Failure> {
    match args.command {
        Command::Erase(args) => erase::run(args, context),
        Command::List(args) => list::run(args, context),
    }
}
