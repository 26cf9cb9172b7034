//! `muster doctor`.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs},
    time::Duration,
};

use chrono::Datelike;
use serde_json::json;

use super::{Context, Failure, Outcome};
use crate::{
    access::Credentials,
    clock,
    config::Settings,
    db::{self, Db},
    error::Error,
};

const EXAMPLES: &str = "\
Looks at what the server needs, changes nothing, and says `ok` or `wrong` of each. Exit code 3 if anything is wrong.
Whether the records agree with each other is `muster verify`'s business.

Examples:
  muster doctor
  muster doctor --json
  DATABASE_URL=postgres://muster@db/muster muster doctor";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {}

/// What was looked at, and what was seen: well or ill.
type Examined = (&'static str, Result<String, String>);

pub fn run(_: Args, context: &Context) -> Result<Outcome, Failure> {
    let mut examined = database(context);
    examined.push(("clock", time()));
    examined.push(("listen", listen(&context.settings.listen)));
    examined.push(("public_url", public_url(&context.settings)));
    let is_well = examined.iter().all(|(_, seen)| seen.is_ok());
    let mut lines = Vec::new();
    let mut checks = Vec::new();
    for (name, seen) in examined {
        let (word, ok, detail) = match seen {
            Ok(detail) => ("ok   ", true, detail),
            Err(detail) => ("wrong", false, detail),
        };
        lines.push(format!("{word}  {name:<10}  {detail}"));
        checks.push(json!({ "name": name, "ok": ok, "detail": detail }));
    }
    Ok(Outcome::new(lines.join("\n"), json!({ "ok": is_well, "checks": checks })).with_findings(!is_well))
}

/// Stops at the first that is wrong of those that need each other.
fn database(context: &Context) -> Vec<Examined> {
    let opened = context.existing().and_then(|target| Ok(Db::open(target, context.settings.connections)?));
    let db = match opened {
        Ok(db) => db,
        Err(failure) => return vec![("database", Err(failure.to_string()))],
    };
    let said = |error: Error| Failure::from(error).to_string();
    let facts =
        db.read_blocking(&Credentials::Operator, |conn, _, _| Ok((db::version(conn)?, db::durability(conn), db::message_language(conn)?)));
    let (version, durability, language) = match facts {
        Ok(facts) => facts,
        Err(error) => return vec![("database", Err(said(error)))],
    };
    let mut examined: Vec<Examined> =
        vec![("database", Ok(format!("{version}, {}", db.target().without_password()))), ("durability", Ok(durability.join(", ")))];
    examined.extend(language.map(|language| ("messages", in_english(&language))));
    match db.pending_migrations() {
        Ok(pending) if pending.is_empty() => examined.push(("migrations", Ok(format!("all {} applied", db::known_migrations())))),
        Ok(pending) => {
            examined.push(("migrations", Err(format!("{} pending; `muster migrate` applies them", pending.len()))));
            return examined;
        }
        Err(error) => examined.push(("migrations", Err(said(error)))),
    }
    let written = db.write_blocking(Credentials::Operator, |conn, _, _| db::try_to_write(conn));
    examined.push(("writable", written.map(|()| "a write was let through".to_owned()).map_err(said)));
    examined
}

/// A lock that was waited for too long is told from a fault of ours by what the database says in English.
fn in_english(language: &str) -> Result<String, String> {
    if ["C", "POSIX"].contains(&language) || ["C.", "en_", "English"].iter().any(|english| language.starts_with(english)) {
        return Ok(format!("lc_messages={language}"));
    }
    Err(format!("lc_messages={language}: a request that waits too long gets 500 instead of 503; ALTER ROLE … SET lc_messages = 'C' helps"))
}

/// Certificates and deadlines need a clock; one without a battery wakes up in 1970.
fn time() -> Result<String, String> {
    let now = clock::now();
    if now.utc().year() >= 2024 { Ok(now.to_string()) } else { Err(format!("{now} cannot be right")) }
}

/// The address is free, or in use by a server that answers as a Muster does: doctor is asked beside the one that runs, too.
fn listen(address: &str) -> Result<String, String> {
    match TcpListener::bind(address) {
        Ok(_) => Ok(format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse && is_served(address) => {
            Ok(format!("{address} is in use: a Muster answers there, and another one cannot start"))
        }
        Err(error) => Err(format!("{address}: {error}")),
    }
}

/// A feed is subscribed to for months, so that its address must not be the one by which somebody happened to ask for it. On loopback
/// there is no other.
fn public_url(settings: &Settings) -> Result<String, String> {
    let is_local = |addresses: std::vec::IntoIter<SocketAddr>| addresses.into_iter().all(|address| address.ip().is_loopback());
    match &settings.public_url {
        Some(url) => Ok(String::from(url.clone())),
        None if settings.listen.to_socket_addrs().is_ok_and(is_local) => Ok("not set; addresses are told as they are asked for".to_owned()),
        None => Err(format!("not set, though {} is not of this machine alone: set it to where people reach the server", settings.listen)),
    }
}

fn is_served(address: &str) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        let patience = Some(Duration::from_secs(2));
        stream.set_read_timeout(patience)?;
        stream.set_write_timeout(patience)?;
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.take(4096).read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.contains(r#""status":"ok""#))
}
