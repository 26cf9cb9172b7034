//! The `muster` binary: parse the command line, run it.

fn main() {}
