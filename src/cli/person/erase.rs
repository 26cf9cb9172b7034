//! `muster person erase`.

use chrono::NaiveDate;
use serde_json::json;

use super::{Context, Failure, Outcome};
use crate::{
    access::Credentials,
    db::Db,
    error::Error,
    people::PersonId,
    retention::{self, Erased, Standing},
    text::{Note, counted},
};

const EXAMPLES: &str = "\
The first time it restricts the person: nobody changes, enrolls or assigns them any more, their users are disabled, and what these came in by
has ended; name and hours stay in reports. Said again with another day it moves the day. On the day or later it erases; before, it says until
when (exit code 1). Somebody with an undecided enrollment, or who is still to teach, is refused.

What an erasure leaves are rows, minutes, sums and dates. Gone are names, numbers, addresses and every text about the person; the payloads of
the journal that are about them or name them, each as a whole, whoever else it is about, while the entries stay; what an import of them found,
so that it cannot be taken back; stored answers that name them. It reads the whole journal, which takes its time in a large database; on SQLite
the server writes nothing meanwhile. It does not reach copies: backups, exports and, on Postgres, archived logs go by their own terms.

A day begins where the provider's house is: in the time zone of its latest intake, or in UTC where it has none.

Examples:
  muster person erase 01930000-0000-7000-8000-000000000001 --retain-until 2030-12-31 --reason \"asked for in writing\"
  muster person erase --due             # for cron: everybody whose day has come";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The person, as the API shows the id
    #[arg(required_unless_present = "due", requires_all = ["retain_until", "reason"])]
    person: Option<PersonId>,
    /// The first day on which the person is erased
    #[arg(long, value_name = "DATE", requires = "person")]
    retain_until: Option<NaiveDate>,
    /// Why, for the journal, which keeps it: without a word that tells who it is
    #[arg(long, value_name = "TEXT", requires = "person")]
    reason: Option<Note>,
    /// Erase everybody whose day has come
    #[arg(long, conflicts_with = "person")]
    due: bool,
}

/// Why, of those who are erased as they were said to be.
const DUE: &str = "the day until which they were retained has come";

pub(super) fn run(args: Args, context: &Context) -> Result<Outcome, Failure> {
    let db = context.open()?;
    match args {
        Args { person: Some(person), retain_until: Some(until), reason: Some(reason), .. } => run_one(&db, person, until, reason),
        _ => run_due(&db),
    }
}

/// In two steps, for what is said of a restriction is about the person, and an erasure takes it too.
fn run_one(db: &Db, person: PersonId, until: NaiveDate, reason: Note) -> Result<Outcome, Failure> {
    let why = reason.clone();
    let restricted =
        db.write_blocking(Credentials::Operator, move |conn, actor, now| retention::restrict(conn, actor, now, person, until, &why));
    match restricted {
        Ok(Standing::Restricted(retained)) => {
            let text = format!("restricted {person}, retained until {}", retained.retained_until);
            Ok(Outcome::new(text, json!({ "state": "restricted", "person": retained })))
        }
        Ok(Standing::Waiting(retained)) => {
            let until = retained.retained_until;
            let detail = format!("{person} is restricted and retained until {until}; the same command erases on that day or later");
            Err(Failure::new("person_retained", detail))
        }
        Ok(Standing::Due(_)) => {
            let erased = erase(db, person, reason)?;
            let text = format!("erased {person}, with {} of the journal", counted(erased.taken.gone.payloads, "payload"));
            Ok(Outcome::new(text, json!({ "state": "erased", "erased": erased })))
        }
        Err(Error::NotFound) => Err(Failure::new("not_found", format!("there is no person {person}"))),
        Err(other) => Err(other.into()),
    }
}

fn run_due(db: &Db) -> Result<Outcome, Failure> {
    let due = db.read_blocking(&Credentials::Operator, retention::due)?;
    let mut erased = Vec::with_capacity(due.len());
    for person in due {
        erased.push(erase(db, person, DUE.parse().map_err(Error::internal)?)?);
    }
    let people = if erased.len() == 1 { "person" } else { "people" };
    Ok(Outcome::new(format!("erased {} {people}", erased.len()), json!({ "items": erased })))
}

fn erase(db: &Db, person: PersonId, reason: Note) -> Result<Erased, Error> {
    db.write_blocking(Credentials::Operator, move |conn, actor, now| retention::erase(conn, actor, now, person, &reason))
}
