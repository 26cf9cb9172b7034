//! The `muster` binary: parse the command line, run it.

use std::process::ExitCode;

use clap::Parser;
use muster::cli::{self, Cli};

fn main() -> ExitCode {
    cli::main(Cli::parse())
}
