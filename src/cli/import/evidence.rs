//! `muster import evidence`.

use super::{Context, Failure, Outcome, Sheet, imports, intake};
use crate::{
    access::Actor,
    db::Conn,
    error::Error,
    schedule::{self, SessionId},
    text::Code,
};

const EXAMPLES: &str = "\
As the meeting's provider exports it: a person may have any number of rows, and files add up. Whoever was called by hand stays so; who is
in no file is not called. Times without an offset are of the intake's time zone. `muster import undo` takes one file back and leaves what
the others say.

Examples:
  muster import evidence meeting.csv --intake HONGXING-3 --session MET-01-1 --dry-run
  muster import evidence meeting.csv --session 01930000-0000-7000-8000-000000000001";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    sheet: Sheet,
    /// The session: its id, or its code in the intake
    #[arg(long, value_name = "CODE-or-ID")]
    session: String,
    /// The intake of a session that is named by its code
    #[arg(long, value_name = "CODE-or-ID")]
    intake: Option<String>,
}

pub(super) fn run(args: Args, context: &Context) -> Result<Outcome, Failure> {
    let Args { sheet, session: named, intake } = args;
    sheet.run(context, false, move |conn, actor, now, file, options| {
        let session = session(conn, actor, &named, intake.as_deref())?;
        imports::import_evidence(conn, actor, now, session, file, options)
    })
}

fn session(conn: &mut Conn, actor: &Actor, named: &str, of: Option<&str>) -> Result<SessionId, Error> {
    if let Ok(id) = named.parse() {
        return Ok(id);
    }
    let Some(of) = of else {
        let detail = format!("`{named}` is no id; a session that is named by its code needs --intake too");
        return Err(Error::invalid("/session", "unknown_session", detail));
    };
    let of_intake = intake(conn, actor, of)?;
    let code = named.parse::<Code>().ok();
    let by_code = code.map(|code| schedule::by_code(conn, actor, of_intake.id, &code)).transpose()?.flatten();
    by_code.ok_or_else(|| Error::invalid("/session", "unknown_session", format!("intake {} has no session `{named}`", of_intake.code)))
}
