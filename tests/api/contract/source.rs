//! The repository's texts, for the rules that are about them.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A text file of the repository.
#[derive(Clone, Debug)]
pub struct Source {
    /// Relative to the repository, with `/`.
    pub path: String,
    pub text: String,
}

impl Source {
    /// The room or other folder of `src/` that holds the file; none for a file directly in `src/`.
    pub fn room(&self) -> Option<&str> {
        self.path.strip_prefix("src/")?.split_once('/').map(|(room, _)| room)
    }

    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Whether the file is `src/<room>/<name>.rs`, or lies in `src/<room>/<name>/`.
    pub fn is_part(&self, name: &str) -> bool {
        let part = self.path.split('/').nth(2).unwrap_or_default();
        part == name || part.strip_suffix(".rs") == Some(name)
    }

    /// The text without its comments, which may speak of anything.
    pub fn code(&self) -> String {
        let uncommented = |line: &str| {
            // `://` is an address in a string.
            let comment = line.match_indices("//").find(|(at, _)| !line[..*at].ends_with(':')).map(|(at, _)| at);
            line[..comment.unwrap_or(line.len())].to_owned()
        };
        self.text.lines().map(uncommented).collect::<Vec<_>>().join("\n")
    }
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below a folder of the repository whose names end so; nothing if there is no such folder.
pub fn files(folder: &str, endings: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if endings.iter().any(|ending| path.to_string_lossy().ends_with(ending)) {
                found.push(read(path));
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

/// All Rust files of the crate.
pub fn crate_files() -> Vec<Source> {
    files("src", &[".rs"])
}

fn read(path: PathBuf) -> Source {
    let relative = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
    Source { path: relative, text: fs::read_to_string(path).unwrap() }
}

/// The positions at which `word` stands alone in `text`.
pub fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let (before, after) = (&text[..*at], &text[at + word.len()..]);
        !before.ends_with(part) && !after.starts_with(part)
    })
}

/// The line of a position, from 1.
pub fn line(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// The name with which `text` begins.
pub fn leading_name(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    &text[..end]
}

/// A table of `src/schema.rs`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Table {
    pub name: String,
    /// Name, type, and whether it may be null; by name.
    pub columns: Vec<(String, String, bool)>,
}

/// What `src/schema.rs` declares, by name.
pub fn schema() -> Vec<Table> {
    let text = fs::read_to_string(root().join("src/schema.rs")).unwrap();
    let mut tables: Vec<Table> = text.split("diesel::table! {").skip(1).map(table).collect();
    tables.sort();
    tables
}

fn table(declaration: &str) -> Table {
    let declaration = declaration.split("\n}").next().unwrap();
    let header = declaration.lines().map(str::trim).find(|line| line.ends_with('{') && line.contains('(')).unwrap();
    let column = |line: &str| {
        let (name, kind) = line.trim().trim_end_matches(',').split_once(" -> ")?;
        let inner = kind.strip_prefix("Nullable<").map(|inner| inner.trim_end_matches('>'));
        Some((name.to_owned(), inner.unwrap_or(kind).to_owned(), inner.is_some()))
    };
    let mut columns: Vec<_> = declaration.lines().filter_map(column).collect();
    columns.sort();
    Table { name: leading_name(header).to_owned(), columns }
}
