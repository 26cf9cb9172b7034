//! `muster admin organization`.

use serde_json::json;

use super::or_taken;
use crate::{
    access::{Actor, Credentials},
    cli::{Context, Failure, Outcome},
    db::Conn,
    error::Error,
    organizations::{self, NewOrganization, Organization, OrganizationKind},
    text::{Code, Name},
};

const EXAMPLES: &str = "\
Examples:
  muster admin organization create --code USTB --name 北京科技大学 --latin-name USTB --kind university
  muster admin organization create --code JISCO-IRON --name 炼铁厂 --kind unit --parent JISCO
  muster admin organization list --json";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Create an organization, or a unit of one
    #[command(after_help = EXAMPLES)]
    Create(Create),
    /// List all organizations
    #[command(after_help = EXAMPLES)]
    List,
}

#[derive(Debug, clap::Args)]
struct Create {
    /// Short and unique in the installation, such as USTB
    #[arg(long)]
    code: Code,
    #[arg(long)]
    name: Name,
    /// The name in Latin letters
    #[arg(long, value_name = "NAME")]
    latin_name: Option<Name>,
    /// university, enterprise, government_body, college, association, education_group or unit
    #[arg(long)]
    kind: OrganizationKind,
    /// The organization a unit belongs to
    #[arg(long, value_name = "CODE-or-ID")]
    parent: Option<String>,
}

pub(super) fn run(args: Args, context: &Context) -> Result<Outcome, Failure> {
    match args.command {
        Command::Create(create) => run_create(create, context),
        Command::List => run_list(context),
    }
}

fn run_create(args: Create, context: &Context) -> Result<Outcome, Failure> {
    let Create { code, name, latin_name, kind, parent } = args;
    let what = format!("an organization with the code {code}");
    let organization = context
        .open()?
        .write_blocking(Credentials::Operator, move |conn, actor, now| {
            let parent_id = parent.map(|parent| named(conn, actor, &parent)).transpose()?.map(|parent| parent.id);
            organizations::create(conn, actor, now, NewOrganization { code, name, latin_name, kind, parent_id })
        })
        .map_err(or_taken(what))?;
    let text = format!("created {} {} ({})", organization.code, organization.name, organization.id);
    Ok(Outcome::new(text, json!(organization)))
}

fn run_list(context: &Context) -> Result<Outcome, Failure> {
    let all = context.open()?.read_blocking(&Credentials::Operator, |conn, actor, _| organizations::all(conn, actor))?;
    let lines: Vec<_> = all.iter().map(|one| format!("{}  {}  {}  {}", one.id, one.code, one.kind, one.name)).collect();
    Ok(Outcome::new(lines.join("\n"), json!({ "items": all })))
}

/// The organization that `text` names by its code or its id.
pub(in crate::cli) fn named(conn: &mut Conn, actor: &Actor, text: &str) -> Result<Organization, Error> {
    if let Ok(code) = text.parse::<Code>()
        && let Some(organization) = organizations::by_code(conn, actor, &code)?
    {
        return Ok(organization);
    }
    let found = match text.parse() {
        Ok(id) => organizations::find(conn, actor, id),
        Err(_) => Err(Error::NotFound),
    };
    found.map_err(|error| match error {
        Error::NotFound => Error::invalid("/organization", "unknown_organization", format!("there is no organization `{text}`")),
        other => other,
    })
}
