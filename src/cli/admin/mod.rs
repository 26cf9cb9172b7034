//! `muster admin`: what must be possible before anybody has a token.

mod holder;
mod organization;
mod token;
mod user;

pub(super) use organization::named;

use super::{Context, Failure, Outcome};
use crate::error::Error;

const EXAMPLES: &str = "\
Whoever can write the database may do this; the journal names the operator as its author.

Examples:
  muster admin organization create --code USTB --name 北京科技大学 --kind university
  muster admin user create --name 王老师
  muster admin user invite --role coordinator --organization USTB --user 王老师
  muster admin token --role coordinator --organization USTB
  muster admin token revoke muster_1a2b3c4d5e";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Create and list organizations
    Organization(organization::Args),
    /// Create, list and disable users, and invite them to set a password
    User(user::Args),
    /// Create, list and revoke tokens
    Token(token::Args),
}

pub fn run(args: Args, context: &Context) -> Result<Outcome, Failure> {
    match args.command {
        Command::Organization(args) => organization::run(args, context),
        Command::User(args) => user::run(args, context),
        Command::Token(args) => token::run(args, context),
    }
}

/// Says which key is taken; the room only knows that one is.
fn or_taken(what: String) -> impl FnOnce(Error) -> Failure {
    move |error| match error.code() {
        "already_exists" => Failure::new("already_exists", format!("{what} exists already")),
        _ => error.into(),
    }
}
