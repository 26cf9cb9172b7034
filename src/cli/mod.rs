//! The command line. One file a command, each with `Args` and `run(args, context)`; `commands!` below is the one list of them.

pub mod admin;
pub mod audit;
pub mod backup;
mod context;
pub mod demo;
pub mod doctor;
pub mod import;
pub mod migrate;
pub mod openapi;
mod outcome;
pub mod person;
pub mod serve;
pub mod verify;

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;

pub use context::Context;
pub use outcome::{Failure, Outcome};

use crate::{config::Flags, db};

const ABOUT: &str = "\
Settings come from, in this order: a flag, the environment, the settings file, the default.
Environment: MUSTER_DATABASE_URL (or DATABASE_URL), MUSTER_LISTEN, MUSTER_PUBLIC_URL, MUSTER_TRUSTED_PROXIES, MUSTER_WORKERS,
MUSTER_CONNECTIONS, MUSTER_ENCRYPTION_KEY, MUSTER_LOG, MUSTER_CONFIG.
File (TOML): database_url, listen, public_url (such as https://muster.example.org, where people reach it), trusted_proxies (such as
10.0.0.1,10.1.0.0/16: the proxies in front), workers, connections, encryption_key (64 hexadecimal digits), log.

Exit codes:
  0  it worked
  1  it failed; one line on stderr says why (with --json also {\"error\": {\"code\", \"message\"}} on stdout)
  2  the command line was wrong
  3  it worked and found something wrong (verify, doctor, migrate --check, rows of an import)

Examples:
  muster serve
  muster --database-url postgres://muster@db/muster serve --listen 0.0.0.0:8080
  muster admin organization create --code USTB --name 北京科技大学 --kind university
  muster admin token --role coordinator --organization USTB
  muster verify --json";

/// Training-program management: enrollment, schedules, hours and progress reports that can be trusted.
#[derive(Debug, Parser)]
#[command(name = "muster", version, after_help = ABOUT, max_term_width = 120)]
pub struct Cli {
    /// The database: postgres://…, or the path of a SQLite file [default: ./muster.db]
    #[arg(long, global = true, value_name = "URL", help_heading = "Global options")]
    pub database_url: Option<String>,
    /// The settings file [default: ./muster.toml if it exists]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub config: Option<PathBuf>,
    /// What to log to stderr, such as `info` or `muster=debug,warn` [default: info for serve, else nothing]
    #[arg(long, global = true, value_name = "FILTER", help_heading = "Global options")]
    pub log: Option<String>,
    /// Print JSON for programs instead of text for people
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
    #[command(subcommand)]
    pub command: Command,
}

macro_rules! commands {
    ($($(#[$meta:meta])* $name:ident => $room:ident),+ $(,)?) => {
        /// What `muster` can be told to do.
        #[derive(Debug, clap::Subcommand)]
        pub enum Command {
            $($(#[$meta])* $name($room::Args)),+
        }

        impl Command {
            fn run(self, context: &Context) -> Result<Outcome, Failure> {
                match self {
                    $(Self::$name(args) => $room::run(args, context)),+
                }
            }
        }
    };
}

commands! {
    /// Serve the API, after bringing the database up to date
    Serve => serve,
    /// Serve a course of 244 trainees from a temporary database, with a token for each role
    Demo => demo,
    /// Bring the database up to date
    Migrate => migrate,
    /// Create organizations, users and tokens from the machine that holds the database
    Admin => admin,
    /// Import organizations, instructors, programs, rosters, schedules, holidays, shifts and evidence of meetings from files
    Import => import,
    /// Restrict people until a day and erase them from then on
    Person => person,
    /// Copy a SQLite database while it is in use, and check the copy
    Backup => backup,
    /// Recompute what can be recomputed and say what differs
    Verify => verify,
    /// Print the head of the journal, to be kept elsewhere
    Audit => audit,
    /// Look at what the server needs and say what is wrong
    Doctor => doctor,
    /// Print the API's OpenAPI 3.1 document
    Openapi => openapi,
}

/// Runs a parsed command line to the exit code of the process.
pub fn main(cli: Cli) -> ExitCode {
    let json = cli.json;
    let result = run(cli);
    outcome::print(result, json)
}

fn run(cli: Cli) -> Result<Outcome, Failure> {
    let Cli { database_url, config, log, json, command } = cli;
    let mut flags = Flags { config, database_url, log, listen: None };
    match &command {
        Command::Serve(args) => flags.listen.clone_from(&args.listen),
        Command::Demo(args) => {
            flags.listen.clone_from(&args.listen);
            // What the demo has to say are the tokens; requests are logged when asked for.
            flags.log.get_or_insert_with(|| "warn".to_owned());
        }
        _ => {}
    }
    let logs = matches!(command, Command::Serve(_)) || flags.log.is_some();
    let context = Context::new(flags, json)?;
    if logs {
        context.log_to_stderr()?;
    }
    let outcome = command.run(&context);
    if let Ok(target) = context.target() {
        db::settle_log(&target);
    }
    outcome
}
