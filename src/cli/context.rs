//! What every command is given: the settings, and the database they name.

use std::path::Path;

use tracing_subscriber::{EnvFilter, fmt::format::FmtSpan};

use super::{Failure, outcome};
use crate::{
    config::{Flags, Settings},
    db::{self, Db, Target},
    text::counted,
};

pub struct Context {
    pub settings: Settings,
    /// Whether the output is for programs.
    pub json: bool,
}

impl Context {
    pub(super) fn new(flags: Flags, json: bool) -> Result<Self, Failure> {
        Ok(Self { settings: Settings::load(flags)?, json })
    }

    /// Logs to stderr, a JSON object a line; each request is one line, with its id, when it is answered.
    pub(super) fn log_to_stderr(&self) -> Result<(), Failure> {
        let filter = EnvFilter::try_new(&self.settings.log)
            .map_err(|error| Failure::new("settings", format!("`{}` is no filter for logs: {error}", self.settings.log)))?;
        tracing_subscriber::fmt()
            .json()
            .with_env_filter(filter)
            .with_span_events(FmtSpan::CLOSE)
            .with_span_list(false)
            .with_writer(std::io::stderr)
            .try_init()
            .map_err(|error| Failure::new("internal", error.to_string()))
    }

    pub fn target(&self) -> Result<Target, Failure> {
        Ok(Target::parse(&self.settings.database_url)?)
    }

    /// Brings the database up to date and says what was applied. A SQLite file that was not there is made, and told where: the path may
    /// be mistyped, and an empty database looks like one that has lost everything.
    pub fn migrate(&self) -> Result<Vec<String>, Failure> {
        let target = self.target()?;
        let made = missing(&target);
        let applied = db::migrate(&target)?;
        if let Some(path) = made {
            let path = std::path::absolute(path)?;
            outcome::say(&format!("muster: there was no database; a new, empty one was made at {}", path.display()));
        }
        Ok(applied)
    }

    /// Opens a database that is there and up to date. A mistyped path must not make an empty database.
    pub fn open(&self) -> Result<Db, Failure> {
        let target = self.existing()?;
        let lacking =
            |count| Failure::new("migrations_pending", format!("the database lacks {}: run `muster migrate`", counted(count, "migration")));
        // SQLite writes into an empty file as soon as it is opened.
        if is_empty(&target) {
            return Err(lacking(db::known_migrations()));
        }
        let db = Db::open(target, self.settings.connections)?;
        let pending = db.pending_migrations()?;
        if pending.is_empty() { Ok(db) } else { Err(lacking(pending.len())) }
    }

    /// The target, if it is a SQLite file only one that exists.
    pub fn existing(&self) -> Result<Target, Failure> {
        let target = self.target()?;
        match missing(&target) {
            Some(path) => Err(Failure::new("no_database", format!("there is no database at {path}; `muster migrate` makes one"))),
            None => Ok(target),
        }
    }

    /// Prints at once what a command has to say before it ends.
    pub fn announce(&self, text: &str, json: &serde_json::Value) -> std::io::Result<()> {
        if self.json { outcome::print_text(&json.to_string()) } else { outcome::print_text(text) }
    }
}

fn is_folder(folder: &Path) -> bool {
    folder.as_os_str().is_empty() || folder.is_dir()
}

/// The path of a SQLite file that is not there.
fn missing(target: &Target) -> Option<&str> {
    match target {
        // Without its folder there is more to say, which whoever opens it does.
        Target::Sqlite(path) if !Path::new(path).exists() && Path::new(path).parent().is_none_or(is_folder) => Some(path),
        _ => None,
    }
}

fn is_empty(target: &Target) -> bool {
    matches!(target, Target::Sqlite(path) if std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() == 0))
}
