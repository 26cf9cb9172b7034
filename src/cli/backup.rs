//! `muster backup`.

use std::path::PathBuf;

use serde_json::json;

use super::{Context, Failure, Outcome};
use crate::{
    db::{self, Target},
    journal,
};

const EXAMPLES: &str = "\
Copies a SQLite database while others write to it, checks the copy, and writes its SHA-256 beside it. Overwrites nothing. To restore,
stop the server, put the copy in the database's place (and remove -wal and -shm files of the old one), run `muster verify`.

A Postgres database is not copied: the command fails (exit code 1), so that no script takes it for a backup, and says the pg_dump to run.

Examples:
  muster backup /backup/muster-2020-10-31.db
  muster --database-url /var/lib/muster/muster.db backup \"/backup/muster-$(date -I).db\"
  cd /backup && sha256sum --check muster-2020-10-31.db.sha256
  muster --database-url /backup/muster-2020-10-31.db verify";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The copy to make
    file: PathBuf,
}

pub fn run(args: Args, context: &Context) -> Result<Outcome, Failure> {
    let path = match context.existing()? {
        Target::Sqlite(path) => path,
        postgres @ Target::Postgres(_) => {
            let file = quoted(&args.file.display().to_string());
            let how = format!("pg_dump --format=custom --file={file} {}", quoted(&postgres.without_password()));
            return Err(Failure::new("pg_dump_needed", format!("nothing was copied; a Postgres database is backed up by: {how}")));
        }
    };
    // Sealed before it is copied, so that `verify` has nothing to write into the copy, whose sum is kept. A database that is behind
    // this version is copied as it is: that is when a backup matters most.
    if let Ok(db) = context.open() {
        journal::seal_all_blocking(&db)?;
    }
    let backup = db::backup(&path, &args.file)?;
    let text = format!("{} ({} bytes, checked), sum in {}", args.file.display(), backup.bytes, backup.sum_file.display());
    Ok(Outcome::new(text, json!({ "backup": args.file, "bytes": backup.bytes, "sha256": backup.sha256, "sum_file": backup.sum_file })))
}

/// For a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
