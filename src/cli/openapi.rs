//! `muster openapi`.

use super::{Context, Failure, Outcome};
use crate::app::document;

const EXAMPLES: &str = "\
A running server answers the same at /api/openapi.json. It needs no database.

Examples:
  muster openapi > openapi.json
  muster openapi | jq '.paths | keys'";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {}

pub fn run(_: Args, _: &Context) -> Result<Outcome, Failure> {
    let document = serde_json::to_value(document()).map_err(|error| Failure::new("internal", error.to_string()))?;
    Ok(Outcome::new(format!("{document:#}"), document))
}
