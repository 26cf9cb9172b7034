mod close;
mod corrections;
mod due;
mod explain;
mod guests;
mod list;
mod meanwhile;
mod put;
mod races;
mod read;
mod reopen;
mod submit;
mod told;

use serde_json::{Value, json};

use crate::support::{
    App, Client, seed,
    seed::{Course, Enrolled},
};

/// A class of three and a held session of 90 minutes that nobody has called yet.
fn class(app: &App) -> (Course, Vec<Enrolled>, String) {
    let course = seed::course(app);
    let members = seed::enrolled(&course, 3);
    let session = seed::held_session(&course, "MET-01", &seed::morning(1));
    (course, members, session)
}

fn path(session: &str) -> String {
    format!("/sessions/{session}/roll-call")
}

/// Everybody present.
fn all_present(members: &[Enrolled]) -> Vec<Value> {
    members.iter().map(|member| seed::line(member, "present")).collect()
}

/// The ledger of an enrollment: kind and minutes of each entry, oldest first.
fn ledger(client: &Client, enrolled: &Enrolled) -> Vec<(String, i64)> {
    let hours = client.get(&format!("/enrollments/{}/hours", enrolled.id)).expect(200);
    hours.items().iter().map(|entry| (entry["kind"].as_str().unwrap().to_owned(), entry["minutes"].as_i64().unwrap())).collect()
}

fn entries(entries: &[(&str, i64)]) -> Vec<(String, i64)> {
    entries.iter().map(|(kind, minutes)| ((*kind).to_owned(), *minutes)).collect()
}

fn reason(text: &str) -> Value {
    json!({ "reason": text })
}
