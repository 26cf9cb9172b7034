//! `muster import undo`.

use serde_json::json;

use super::{Context, Failure, Outcome, imports};
use crate::{
    access::Credentials,
    error::Error,
    http::Change,
    imports::ImportId,
    text::{Note, counted},
};

const EXAMPLES: &str = "\
Deletes what an import created and restores what it changed, as long as nothing rests on it: a mark in a roll call, hours, a later
change. Of a roster, people who are needed elsewhere by now stay, and so does a calendar that an intake keeps. Exit code 1 with the reason if it cannot be taken back.

Examples:
  muster import list
  muster import undo 01930000-0000-7000-8000-000000000001
  muster import undo 01930000-0000-7000-8000-000000000001 --reason \"it was last year's list\"";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The import, as it was printed when it was committed
    id: ImportId,
    /// Why, for the journal
    #[arg(long)]
    reason: Option<Note>,
}

pub(super) fn run(args: Args, context: &Context) -> Result<Outcome, Failure> {
    let Args { id, reason } = args;
    let change = Change { reason };
    let undone =
        context.open()?.write_blocking(Credentials::Operator, move |conn, actor, now| imports::undo(conn, actor, now, id, &change));
    match undone {
        Ok(undone) => {
            let import = &undone.import;
            let mut lines = vec![format!("took back {}: {} (import {id})", import.file_name, counted(import.rows, "row"))];
            lines.extend(undone.notes.iter().cloned());
            Ok(Outcome::new(lines.join("\n"), json!(undone)))
        }
        Err(Error::NotFound) => Err(Failure::new("not_found", format!("there is no import {id}; `muster import list` has them"))),
        Err(Error::Invalid(faults)) if faults.iter().any(|fault| fault.code == "reason_missing") => {
            let detail = "it changed published sessions; say with --reason why they change back, for those whom it concerns";
            Err(Failure::new("reason_missing", detail))
        }
        Err(other) => Err(other.into()),
    }
}
