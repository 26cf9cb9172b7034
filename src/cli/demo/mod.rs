//! `muster demo`: the JISCO course in a temporary database, from the files of `examples/jisco`, with its roll called until a date.

mod course;
mod people;
mod rolls;

use std::net::SocketAddr;

use chrono::NaiveDate;
use serde_json::json;

use super::{Context, Failure, Outcome};
use crate::{
    access::Credentials,
    app,
    config::Settings,
    db::{self, Db, Target},
    intakes::IntakeId,
    organizations,
};
use people::Tokens;

const EXAMPLES: &str = "\
Builds the third phase of a steel company's course (536 hours, 244 trainees, 134 sessions) through the import code, calls the roll of
every session until a date, prints a token for each role, and serves. The database is temporary unless one is named; a database with
data in it is refused. All people are invented.

Examples:
  muster demo
  muster demo --until 2020-10-31 --listen 127.0.0.1:0 --json
  muster --database-url postgres://muster@127.0.0.1/demo demo";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Address and port to listen on; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(super) listen: Option<String>,
    /// Call the roll of the sessions until the end of this day
    #[arg(long, value_name = "DATE", default_value = "2020-08-31")]
    until: NaiveDate,
}

pub fn run(args: Args, context: &Context) -> Result<Outcome, Failure> {
    // Removed when the server has ended.
    let folder = tempfile::tempdir()?;
    let mut settings = context.settings.clone();
    if settings.database_url == Settings::default().database_url {
        settings.database_url = folder.path().join("demo.db").display().to_string();
    }
    let target = Target::parse(&settings.database_url)?;
    let db = Db::open(target.clone(), settings.connections)?;
    // Before anything is written: a database of somebody else's must not even be migrated.
    let pending = db.pending_migrations()?.len();
    let untouched = pending == db::known_migrations();
    let empty = untouched
        || (pending == 0 && db.read_blocking(&Credentials::Operator, |conn, actor, _| organizations::all(conn, actor))?.is_empty());
    if !empty {
        return Err(Failure::new("database_not_empty", "the database has data in it; the demo builds its own in an empty one"));
    }
    db::migrate(&target)?;
    let intake = course::build(&db)?;
    let tokens = people::tokens(&db, intake)?;
    let called = rolls::call(&db, &tokens, intake, args.until)?;
    tracing::info!(sessions = called, "the roll is called");
    app::run(&settings, db, |address| announce(context, address, intake, &tokens)).map_err(|error| match error {
        app::Stopped::Unbound(error) => Failure::new("listen", format!("cannot listen on {}: {error}", settings.listen)),
        app::Stopped::Broken(error) => Failure::from(error),
    })?;
    Ok(Outcome::silent())
}

fn announce(context: &Context, address: SocketAddr, intake: IntakeId, tokens: &Tokens) -> std::io::Result<()> {
    let host = if address.ip().is_unspecified() { format!("localhost:{}", address.port()) } else { address.to_string() };
    let base = format!("http://{host}");
    let mut text = format!("Muster serves the demo on {base} — API documentation at {base}/api/docs/\n");
    for (role, secret, path) in tokens.uses(intake) {
        text.push_str(&format!("\n{role}\n  curl -s -H 'Authorization: Bearer {}' '{base}{path}'\n", secret.expose()));
    }
    context.announce(&text, &json!({ "base_url": base, "intake": intake, "tokens": tokens }))
}
