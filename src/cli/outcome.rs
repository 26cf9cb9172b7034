//! How a command ends: what it prints and its exit code.

use std::{
    fmt,
    io::{self, Write},
    process::ExitCode,
};

use serde_json::{Value, json};

use crate::{
    config::SettingsFault,
    db,
    error::{Error, FieldFault},
};

/// A command that did its work.
#[derive(Debug)]
pub struct Outcome {
    /// For people; without the last line break.
    text: String,
    /// For programs.
    json: Value,
    /// Said on stderr, beside a text that is meant to be taken by a script.
    note: Option<String>,
    has_findings: bool,
    has_failed: bool,
}

impl Outcome {
    pub fn new(text: impl Into<String>, json: Value) -> Self {
        Self { text: text.into(), json, note: None, has_findings: false, has_failed: false }
    }

    /// Nothing more to say.
    pub fn silent() -> Self {
        Self::new(String::new(), Value::Null)
    }

    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// The command worked, and found something wrong if `found`: exit code 3.
    #[must_use]
    pub fn with_findings(mut self, found: bool) -> Self {
        self.has_findings = found;
        self
    }

    /// The command has something to show, but did not do what it was told: exit code 1. The note says why.
    #[must_use]
    pub fn failed(mut self) -> Self {
        self.has_failed = true;
        self
    }
}

/// The code of a failure because the database's file is damaged.
pub(super) const DAMAGED: &str = "database_damaged";

/// A command that failed: exit code 1.
#[derive(Debug)]
pub struct Failure {
    code: String,
    message: String,
}

impl Failure {
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        // One line, whatever libpq or the TOML parser make of it.
        let message = message.into().split_whitespace().collect::<Vec<_>>().join(" ");
        Self { code: code.into(), message }
    }

    pub(super) fn code(&self) -> &str {
        &self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<Error> for Failure {
    /// Unlike a client of the API, whoever runs the command line is told the cause of our own faults.
    fn from(error: Error) -> Self {
        let code = error.code();
        match error {
            Error::Internal(cause) | Error::Unavailable(cause) => {
                let message = cause.to_string();
                Self::new(if db::says_damaged(&message) { DAMAGED } else { code }, message)
            }
            Error::Invalid(faults) => {
                let code = faults.first().map_or(code, |fault| &fault.code).to_owned();
                let told = |fault: &FieldFault| match fault.pointer.trim_start_matches('/') {
                    "" => fault.detail.clone(),
                    place => format!("{place}: {}", fault.detail),
                };
                Self::new(code, faults.iter().map(told).collect::<Vec<_>>().join("; "))
            }
            other => Self::new(code, other.to_string()),
        }
    }
}

impl From<SettingsFault> for Failure {
    fn from(fault: SettingsFault) -> Self {
        Self::new("settings", fault.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new("io", error.to_string())
    }
}

/// Prints what a command came to and says with which code to exit.
pub(super) fn print(result: Result<Outcome, Failure>, json: bool) -> ExitCode {
    let printed = match &result {
        Ok(outcome) => {
            if let Some(note) = &outcome.note {
                say(note);
            }
            if json { print_json(&outcome.json) } else { print_text(&outcome.text) }
        }
        Err(failure) => {
            say(&format!("muster: {}", failure.message));
            if json { print_json(&json!({ "error": { "code": failure.code, "message": failure.message } })) } else { Ok(()) }
        }
    };
    match (result, printed) {
        (Ok(Outcome { has_failed: true, .. }), Ok(())) => ExitCode::FAILURE,
        (Ok(outcome), Ok(())) => ExitCode::from(if outcome.has_findings { 3 } else { 0 }),
        (Err(_), Ok(())) => ExitCode::FAILURE,
        (_, Err(error)) => {
            // `muster openapi | head` is no reason for a complaint, but a token that went nowhere is.
            if error.kind() != io::ErrorKind::BrokenPipe {
                say(&format!("muster: the output could not be written: {error}"));
            }
            ExitCode::FAILURE
        }
    }
}

/// One object, on lines of its own; nothing for [`Outcome::silent`].
pub(super) fn print_json(value: &Value) -> io::Result<()> {
    if value.is_null() {
        return Ok(());
    }
    print_text(&format!("{value:#}"))
}

pub(super) fn print_text(text: &str) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")?;
    stdout.flush()
}

/// A line on stderr. If that fails there is nobody left to tell.
pub(super) fn say(line: &str) {
    drop(writeln!(io::stderr().lock(), "{line}"));
}
