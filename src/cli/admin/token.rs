//! `muster admin token`.

use chrono::TimeDelta;
use clap::value_parser;
use serde_json::{Value, json};

use super::holder::{Held, Holder};
use crate::{
    access::{self, Actor, Credentials, IssuedToken, NewToken, Token},
    cli::{Context, Failure, Outcome},
    clock::Instant,
    db::Conn,
    error::Error,
    feeds::{self, Feed},
    intakes::IntakeId,
    programs::ProgramId,
    text::Name,
};

const EXAMPLES: &str = "\
The token alone goes to stdout and is shown this once; what it is good for goes to stderr. A user and a role that are there already
are taken, those that are not are created.

Examples:
  muster admin token --role administrator
  TOKEN=$(muster admin token --role coordinator --organization USTB)
  muster admin token --role partner --organization JISCO --read-only --expires-in-days 30
  muster admin token --role instructor --organization USTB --person 01930000-0000-7000-8000-000000000001
  muster admin token list
  muster admin token revoke muster_1a2b3c4d5e";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, subcommand_negates_reqs = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    // Beside each other and not as one `Create`: clap finds what is optional by its own arguments, and not by those within.
    #[command(flatten)]
    holder: Option<Holder>,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Create a token (so does `muster admin token --role …`)
    #[command(after_help = EXAMPLES)]
    Create(Create),
    /// List the tokens, without their secrets
    #[command(after_help = EXAMPLES)]
    List,
    /// End a token at once
    #[command(after_help = EXAMPLES)]
    Revoke(Revoke),
}

#[derive(Debug, clap::Args)]
struct Create {
    #[command(flatten)]
    holder: Holder,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, clap::Args)]
struct Options {
    /// The token may change nothing
    #[arg(long)]
    read_only: bool,
    /// The token is good for this intake only
    #[arg(long, value_name = "ID")]
    intake: Option<IntakeId>,
    /// The token is good for the intakes of this program only
    #[arg(long, value_name = "ID", conflicts_with = "intake")]
    program: Option<ProgramId>,
    /// How long the token is good for
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = value_parser!(u16).range(1..=3660))]
    expires_in_days: u16,
    /// What the token is for [default: the user's name]
    #[arg(long)]
    name: Option<Name>,
}

#[derive(Debug, clap::Args)]
struct Revoke {
    /// The first 17 characters, as `list` shows them, the whole token, or its id, as `list --json` shows it
    token: String,
}

pub(super) fn run(args: Args, context: &Context) -> Result<Outcome, Failure> {
    match (args.command, args.holder) {
        (Some(Command::Create(create)), None) => run_create(create, context),
        (None, Some(holder)) => run_create(Create { holder, options: args.options }, context),
        (Some(Command::List), None) => run_list(context),
        (Some(Command::Revoke(revoke)), None) => run_revoke(revoke, context),
        _ => Err(Failure::new("usage", "say either `--role …` or one of create, list and revoke; see muster admin token --help")),
    }
}

fn run_create(args: Create, context: &Context) -> Result<Outcome, Failure> {
    let read_only = args.options.read_only;
    let (issued, held) = context.open()?.write_blocking(Credentials::Operator, move |conn, actor, now| create(conn, actor, now, args))?;
    let note = format!(
        "{}, user {}, good until {}{}; the token is shown this once",
        held.in_words(),
        held.user.name,
        issued.expires_at,
        if read_only { ", read only" } else { "" }
    );
    let json = json!({
        "id": issued.id,
        "token": issued.token,
        "prefix": issued.token.prefix(),
        "role": held.grant.role,
        "organization": held.organization,
        "user": held.user,
        "read_only": read_only,
        "expires_at": issued.expires_at,
    });
    Ok(Outcome::new(issued.token.expose(), json).with_note(note))
}

/// User, role and token in one transaction: all of them or none.
fn create(conn: &mut Conn, actor: &Actor, now: Instant, args: Create) -> Result<(IssuedToken, Held), Error> {
    let Create { holder, options } = args;
    let held = holder.find_or_create(conn, actor, now)?;
    let new = NewToken {
        role_grant_id: held.grant.id,
        name: options.name.unwrap_or_else(|| held.user.name.clone()),
        read_only: options.read_only,
        intake_id: options.intake,
        program_id: options.program,
        expires_at: now.plus(TimeDelta::days(options.expires_in_days.into())),
    };
    Ok((access::issue_token(conn, actor, now, new)?, held))
}

fn run_list(context: &Context) -> Result<Outcome, Failure> {
    let tokens =
        context.open()?.read_blocking(&Credentials::Operator, |conn, actor, _| access::list_tokens(conn, actor, None, i64::MAX))?;
    let mut lines = Vec::with_capacity(tokens.len());
    let mut items: Vec<Value> = Vec::with_capacity(tokens.len());
    for (token, grant, user) in tokens {
        let state = token.revoked_at.map_or_else(|| format!("until {}", token.expires_at), |at| format!("revoked {at}"));
        lines.push(format!("{}  {}  {}  {state}", token.prefix, grant.role, user.name));
        items.push(json!({
            "id": token.id, "prefix": token.prefix, "name": token.name, "user": user.name, "role": grant.role,
            "organization_id": grant.organization_id, "read_only": token.read_only, "intake_id": token.intake_id, "program_id": token.program_id,
            "created_at": token.created_at, "expires_at": token.expires_at, "last_used_at": token.last_used_at,
            "revoked_at": token.revoked_at,
        }));
    }
    Ok(Outcome::new(lines.join("\n"), json!({ "items": items })))
}

fn run_revoke(args: Revoke, context: &Context) -> Result<Outcome, Failure> {
    let revoked = context.open()?.write_blocking(Credentials::Operator, move |conn, actor, now| {
        let named = access::named_token(conn, actor, &args.token)?;
        let (token, ..) = access::revoke_token(conn, actor, now, named, None)?;
        let feeds = feeds::of_maker(conn, actor, token.role_grant_id)?;
        Ok((token, feeds))
    });
    match revoked {
        Ok((Token { prefix, .. }, feeds)) => {
            let outcome = Outcome::new(format!("revoked {prefix}"), json!({ "revoked": prefix, "feeds": feeds }));
            Ok(if feeds.is_empty() { outcome } else { outcome.with_note(still_read(&feeds)) })
        }
        Err(Error::NotFound) => Err(Failure::new("not_found", "no token that is still good begins so or has that id")),
        Err(other) => Err(other.into()),
    }
}

/// Whoever has lost a token may still know the addresses of feeds that were made with it.
fn still_read(feeds: &[Feed]) -> String {
    let mut lines = vec!["feeds that the same user made are still read; POST /api/v1/feeds/{id}/revoke ends one:".to_owned()];
    lines.extend(feeds.iter().map(|feed| {
        let name = feed.subject_name.as_ref().map_or("", Name::as_str);
        let used = feed.last_used_at.map_or_else(|| "never read".to_owned(), |at| format!("last read {at}"));
        format!("  {}  {} {name}  {}  {used}", feed.id, feed.kind, feed.prefix)
    }));
    lines.join("\n")
}
