//! `muster import list`.

use serde_json::json;

use super::{Context, Failure, Outcome, imports, intake};
use crate::{access::Credentials, imports::ImportKind, text::counted};

const EXAMPLES: &str = "\
What was committed, oldest first: id, time, kind, state, rows and file.

Examples:
  muster import list
  muster import list --intake HONGXING-3 --kind roster --json";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Only those into this intake
    #[arg(long, value_name = "CODE-or-ID")]
    intake: Option<String>,
    /// organizations, instructors, program, roster or schedule
    #[arg(long)]
    kind: Option<ImportKind>,
}

pub(super) fn run(args: Args, context: &Context) -> Result<Outcome, Failure> {
    let Args { intake: named, kind } = args;
    let imports = context.open()?.read_blocking(&Credentials::Operator, move |conn, actor, _| {
        let intake = named.map(|named| intake(conn, actor, &named)).transpose()?;
        imports::list(conn, actor, (intake.map(|intake| intake.id), kind), None, i64::MAX)
    })?;
    let line = |import: &imports::Import| {
        format!(
            "{}  {}  {}  {}  {}  {}",
            import.id,
            import.created_at,
            import.kind,
            import.state,
            counted(import.rows, "row"),
            import.file_name
        )
    };
    let lines: Vec<String> = imports.iter().map(line).collect();
    Ok(Outcome::new(lines.join("\n"), json!({ "items": imports })))
}
