//! `muster serve`.

use std::net::SocketAddr;

use serde_json::json;

use super::{Context, Failure, Outcome, outcome};
use crate::{
    access::Credentials,
    accounts::{self, IssuedInvitation},
    app,
    db::Db,
};

const EXAMPLES: &str = "\
Brings the database up to date, listens, and then prints the address. A SQLite file that is not there is made, and said so on stderr.
Where nobody is
there yet, a link is told on stderr by which the first administrator sets a password, once. Logs are JSON lines on stderr. SIGTERM and SIGINT (Ctrl-C) end it after the requests in flight are answered, at the latest after 30
seconds.

Examples:
  muster serve
  muster serve --listen 0.0.0.0:80
  muster serve --listen 127.0.0.1:0 --json
  DATABASE_URL=postgres://muster@db/muster muster serve --log muster=debug,info";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Address and port to listen on; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(super) listen: Option<String>,
}

pub fn run(_: Args, context: &Context) -> Result<Outcome, Failure> {
    for migration in context.migrate()? {
        tracing::info!(migration, "applied");
    }
    let db = Db::open(context.target()?, context.settings.connections)?;
    let listen = &context.settings.listen;
    let first = db.write_blocking(Credentials::Operator, accounts::set_up)?;
    app::run(&context.settings, db, |address| announce(context, address, first.as_ref())).map_err(|error| match error {
        app::Stopped::Unbound(error) => Failure::new("listen", format!("cannot listen on {listen}: {error}")),
        app::Stopped::Broken(error) => Failure::from(error),
    })?;
    Ok(Outcome::silent())
}

fn announce(context: &Context, address: SocketAddr, first: Option<&IssuedInvitation>) -> std::io::Result<()> {
    let host = if address.ip().is_unspecified() { format!("localhost:{}", address.port()) } else { address.to_string() };
    let docs = format!("http://{host}/api/docs/");
    let public = context.settings.public_url.clone().map_or_else(|| format!("http://{host}"), String::from);
    let set_up = first.map(|first| format!("{public}/api/v1/invitations/{}", first.secret.expose()));
    if let (Some(link), Some(first), false) = (&set_up, first, context.json) {
        outcome::say(&format!(
            "muster: nobody is there yet; whoever sets a password with this is the administrator, once, until {}: {link}",
            first.expires_at
        ));
    }
    context.announce(
        &format!("Muster listens on http://{host} — API documentation at {docs}"),
        &json!({ "address": address.to_string(), "url": format!("http://{host}"), "docs": docs, "set_up": set_up }),
    )
}
