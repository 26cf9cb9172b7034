//! A copy of a SQLite file that can be trusted, made while others write.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

use diesel::{Connection, RunQueryDsl, SqliteConnection, connection::SimpleConnection, sql_query, sql_types::Text};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::{
    Conn, Target,
    backend::{Purpose, open, unplaced},
    examine,
};
use crate::{error::Error, text::counted};

/// What a backup came to.
#[derive(Debug)]
pub struct Backup {
    pub bytes: u64,
    /// In hex digits, as in the file beside.
    pub sha256: String,
    /// The file with the sum, in the format of sha256sum.
    pub sum_file: PathBuf,
}

/// Copies the SQLite file at `path` to `file`: under a temporary name beside it, checked and on the disk, before it gets its name.
/// `VACUUM INTO` rather than a copy of the bytes, which would miss what still lies in the write-ahead log.
///
/// # Errors
/// [`Error::Conflict`] if `file` or its sum exists; nothing is ever overwritten. [`Error::Internal`] if the copy cannot be written or is
/// not sound; then there is no file.
pub fn backup(path: &str, file: &Path) -> Result<Backup, Error> {
    let mut sum_file = OsString::from(file.as_os_str());
    sum_file.push(".sha256");
    let sum_file = PathBuf::from(sum_file);
    for taken in [file, &sum_file] {
        if taken.symlink_metadata().is_ok() {
            return Err(Error::conflict("file_exists", format!("{} exists already; a backup overwrites nothing", taken.display())));
        }
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let failed = |what: &str| {
        let shown = file.display().to_string();
        let what = what.to_owned();
        move |error: io::Error| Error::internal(format!("{shown}: {what}: {}", unplaced(file, &error)))
    };
    let copy = temporary(folder).map_err(failed("cannot be written"))?;
    vacuum(path, copy.path())?;
    check(copy.path())?;
    let (bytes, sha256) = sum(copy.path()).map_err(failed("cannot be read back"))?;
    place(copy, file, folder).map_err(failed("cannot be written"))?;
    let mut sums = temporary(folder).map_err(failed("its sum cannot be written"))?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    writeln!(sums, "{sha256}  {name}").map_err(failed("its sum cannot be written"))?;
    place(sums, &sum_file, folder).map_err(failed("its sum cannot be written"))?;
    Ok(Backup { bytes, sha256, sum_file })
}

/// Moves what lies in SQLite's write-ahead log into the file itself, so that whoever copies the file of a stopped server misses nothing.
/// Closing the last connection would do it too, but a process that ends does not close the connections of its threads. Waits for
/// nobody: if others are at work, the log stays theirs.
pub fn settle_log(target: &Target) {
    let Target::Sqlite(path) = target else { return };
    let is_empty = std::fs::metadata(format!("{path}-wal")).map_or(true, |log| log.len() == 0);
    if is_empty {
        return;
    }
    let settled = open(target, Purpose::Write).map_err(Error::from).and_then(|mut conn| {
        conn.batch_execute("PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE)")?;
        Ok(())
    });
    if let Err(error) = settled {
        tracing::warn!(error = ?error, "the write-ahead log was not moved into the file");
    }
}

/// Readable by its owner only, for it will hold people's names.
fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(".muster-backup-").tempfile_in(folder)
}

fn vacuum(path: &str, copy: &Path) -> Result<(), Error> {
    let copy = copy.to_str().ok_or_else(|| Error::malformed("file_name", "the path of a backup must be UTF-8"))?;
    // A reader's connection would not do: it refuses to write anything, the copy included.
    if let Conn::Sqlite(conn) = &mut open(&Target::Sqlite(path.to_owned()), Purpose::Write)? {
        // An empty file is the one kind of existing file that SQLite writes into.
        sql_query("VACUUM INTO ?").bind::<Text, _>(copy).execute(conn)?;
    }
    Ok(())
}

/// Not through [`open`], which would turn on the write-ahead log in the copy.
fn check(copy: &Path) -> Result<(), Error> {
    let mut conn = SqliteConnection::establish(&copy.to_string_lossy())?;
    // As every connection to it will ask for; asked later, it would change the file under its sum.
    conn.batch_execute("PRAGMA journal_mode = WAL")?;
    let mut conn = Conn::Sqlite(conn);
    let mut findings = examine::integrity(&mut conn)?;
    findings.extend(examine::references(&mut conn)?);
    match findings.first() {
        None => Ok(()),
        Some(first) => Err(Error::internal(format!("the copy is not sound, {}, first: {first}", counted(findings.len(), "finding")))),
    }
}

fn sum(copy: &Path) -> io::Result<(u64, String)> {
    let mut hasher = Sha256::new();
    let bytes = io::copy(&mut File::open(copy)?, &mut HashWriter(&mut hasher))?;
    Ok((bytes, hex::encode(hasher.finalize())))
}

struct HashWriter<'a>(&'a mut Sha256);

impl Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Puts the content on the disk, then gives it its name, then puts the name on the disk.
fn place(temporary: NamedTempFile, name: &Path, folder: &Path) -> io::Result<()> {
    temporary.as_file().sync_all()?;
    temporary.persist_noclobber(name).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}
