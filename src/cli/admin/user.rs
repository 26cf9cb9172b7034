//! `muster admin user`.

use chrono::TimeDelta;
use clap::value_parser;
use serde_json::json;

use super::{holder::Holder, or_taken};
use crate::{
    access::{self, Credentials, HeldRole, NewUser, Role, UserDocument},
    accounts,
    cli::{Context, Failure, Outcome},
    error::Error,
    people::PersonId,
    text::Name,
};

const EXAMPLES: &str = "\
Examples:
  muster admin user create --name 王老师
  muster admin user create --name 王老师 --person 01930000-0000-7000-8000-000000000001
  muster admin user invite --role coordinator --organization USTB --user 王老师
  muster admin user invite --role administrator --user root --expires-in-hours 1
  muster admin user list
  muster admin user disable 王老师";

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
    /// List the users with the roles that they hold
    #[command(after_help = EXAMPLES)]
    List,
    /// Disable a user: tokens and sign-ins are good for nothing at once
    #[command(after_help = EXAMPLES)]
    Disable(Named),
    /// Take that back; sign-ins of before have ended for good
    #[command(after_help = EXAMPLES)]
    Enable(Named),
    /// Invite a user to set a password: for the first time, or because the old one is forgotten
    #[command(after_help = INVITING)]
    Invite(Invite),
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

const INVITING: &str = "\
The secret of the invitation alone goes to stdout and is shown this once; whoever has it sets the password, once:
  curl -X POST http://localhost:8080/api/v1/invitations/accept -H 'content-type: application/json' -d '{\"secret\": \"…\", \"password\": \"…\"}'
A role that is there already is taken, one that is not is created; so is the user, unless --again says that they are there. Invitations of
before are good no more.

Examples:
  muster admin user invite --role coordinator --organization USTB --user 王老师
  muster admin user invite --role coordinator --organization USTB --user 王老师 --again
  muster admin user invite --role administrator --user root --expires-in-hours 1";

#[derive(Debug, clap::Args)]
struct Invite {
    /// Who holds the role
    #[arg(long, value_name = "NAME")]
    user: Name,
    /// administrator, coordinator, class_adviser, instructor, partner, trainee or auditor
    #[arg(long)]
    role: Role,
    /// Where the role is held; needed for every role but the administrator
    #[arg(long, value_name = "CODE-or-ID")]
    organization: Option<String>,
    /// Who a new user is; needed for instructors, class advisers and trainees
    #[arg(long, value_name = "ID")]
    person: Option<PersonId>,
    /// The user is there already, and is to set another password
    #[arg(long)]
    again: bool,
    /// How long the invitation is good for
    #[arg(long, value_name = "HOURS", default_value_t = 72, value_parser = value_parser!(u16).range(1..=720))]
    expires_in_hours: u16,
}

pub(super) fn run(args: Args, context: &Context) -> Result<Outcome, Failure> {
    match args.command {
        Command::Create(create) => run_create(create, context),
        Command::List => run_list(context),
        Command::Disable(Named { name }) => run_disable(name, true, context),
        Command::Enable(Named { name }) => run_disable(name, false, context),
        Command::Invite(invite) => run_invite(invite, context),
    }
}

#[derive(Debug, clap::Args)]
struct Named {
    /// As it was given when the user was created
    name: Name,
}

fn run_list(context: &Context) -> Result<Outcome, Failure> {
    let mut users =
        context.open()?.read_blocking(&Credentials::Operator, |conn, actor, now| access::list_users(conn, actor, now, None, i64::MAX))?;
    users.sort_by(|one, other| one.user.name.cmp(&other.user.name));
    let (mut lines, mut items) = (Vec::new(), Vec::new());
    for UserDocument { user, roles: held } in users {
        let place = |held: &HeldRole| held.organization_code.as_ref().map(|code| format!("@{code}")).unwrap_or_default();
        let roles: Vec<String> = held.iter().map(|held| format!("{}{}", held.role, place(held))).collect();
        let state = user.disabled_at.map_or_else(|| "enabled".to_owned(), |at| format!("disabled {at}"));
        // The name last: whatever is in it, it is no column.
        lines.push(format!("{}  {state}  {}  {}", user.id, roles.join(" "), user.name));
        items.push(json!({ "user": user, "roles": held }));
    }
    Ok(Outcome::new(lines.join("\n"), json!({ "items": items })))
}

fn run_disable(name: Name, is_disabled: bool, context: &Context) -> Result<Outcome, Failure> {
    let user = context.open()?.write_blocking(Credentials::Operator, move |conn, actor, now| {
        let user = access::user_by_name(conn, actor, now, &name)?.ok_or_else(|| unknown(&name))?;
        accounts::set_disabled(conn, actor, now, user.id, is_disabled, None)
    })?;
    let state = if is_disabled { "disabled" } else { "enabled" };
    Ok(Outcome::new(format!("{state} {}", user.name), json!(user)))
}

fn unknown(name: &Name) -> Error {
    Error::invalid("/user", "unknown_user", format!("there is no user `{name}`"))
}

fn run_invite(args: Invite, context: &Context) -> Result<Outcome, Failure> {
    let Invite { user, role, organization, person, again, expires_in_hours } = args;
    let what = format!("the user `{user}`");
    let invited = context.open()?.write_blocking(Credentials::Operator, move |conn, actor, now| {
        // Whoever sets a password has all roles of the user, so that nobody is meant by a name alone.
        match access::user_by_name(conn, actor, now, &user)? {
            Some(_) if !again => {
                let detail = format!("the user `{user}` is there already; say --again if the same is meant, else another name");
                return Err(Error::invalid("/user", "user_taken", detail));
            }
            None if again => return Err(unknown(&user)),
            _ => {}
        }
        let held = Holder { role, organization, user: Some(user), person }.find_or_create(conn, actor, now)?;
        Ok((accounts::invite(conn, actor, now, held.grant.id, TimeDelta::hours(expires_in_hours.into()))?, held))
    });
    let (issued, held) = invited.map_err(or_taken(what))?;
    let note = format!(
        "{}, user {}, good until {}; the invitation is shown this once, and its secret is for POST /api/v1/invitations/accept",
        held.in_words(),
        held.user.name,
        issued.expires_at
    );
    let json = json!({
        "id": issued.id,
        "secret": issued.secret,
        "role": held.grant.role,
        "organization": held.organization,
        "user": held.user,
        "expires_at": issued.expires_at,
    });
    Ok(Outcome::new(issued.secret.expose(), json).with_note(note))
}

fn run_create(Create { name, person }: Create, context: &Context) -> Result<Outcome, Failure> {
    let what = format!("the user `{name}`");
    let user = context
        .open()?
        .write_blocking(Credentials::Operator, move |conn, actor, now| {
            access::create_user(conn, actor, now, NewUser { name, person_id: person })
        })
        .map_err(or_taken(what))?;
    Ok(Outcome::new(format!("created {} ({})", user.name, user.id), json!(user)))
}
