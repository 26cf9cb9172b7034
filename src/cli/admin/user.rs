//! `muster admin user`.

use serde_json::json;

use super::or_taken;
use crate::{
    access::{self, Credentials, NewUser},
    cli::{Context, Failure, Outcome},
    people::PersonId,
    text::Name,
};

const EXAMPLES: &str = "\
Examples:
  muster admin user create --name 王老师
  muster admin user create --name 王老师 --person 01930000-0000-7000-8000-000000000001";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Create a user: somebody or something that may hold roles
    #[command(after_help = EXAMPLES)]
    Create(Create),
}

#[derive(Debug, clap::Args)]
struct Create {
    /// Unique in the installation
    #[arg(long)]
    name: Name,
    /// Who the user is; needed for instructors, class advisers and trainees
    #[arg(long, value_name = "ID")]
    person: Option<PersonId>,
}

pub(super) fn run(args: Args, context: &Context) -> Result<Outcome, Failure> {
    let Command::Create(Create { name, person }) = args.command;
    let what = format!("the user `{name}`");
    let user = context
        .open()?
        .write_blocking(Credentials::Operator, move |conn, actor, now| {
            access::create_user(conn, actor, now, NewUser { name, person_id: person })
        })
        .map_err(or_taken(what))?;
    Ok(Outcome::new(format!("created {} ({})", user.name, user.id), json!(user)))
}
