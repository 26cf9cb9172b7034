//! `/intakes/{id}/leave-requests` and `/leave-requests`.

mod ask;
mod closing;
mod races;
mod random;
mod read;
mod transition;
mod unsettled;

use serde_json::{Value, json};

use crate::support::{Client, Reply, seed, seed::Course};

/// Asks for leave as `client`.
fn ask(client: &Client, course: &Course, body: Value) -> Reply {
    client.post(&format!("/intakes/{}/leave-requests", course.intake), body)
}

/// Takes a step as `client`.
fn step(client: &Client, request: &str, step: &str, reason: Option<&str>) -> Reply {
    client.post(&format!("/leave-requests/{request}/{step}"), json!({ "reason": reason }))
}

/// The entries that stand of an enrollment for a session, by kind: attended, authorized absence, unauthorized absence.
fn minutes(course: &Course, enrollment: &str) -> [i64; 3] {
    let balance = course.coordinator.get(&format!("/enrollments/{enrollment}/hours")).expect(200).body["balance"].clone();
    ["attended_minutes", "authorized_absence_minutes", "unauthorized_absence_minutes"].map(|kind| balance[kind].as_i64().unwrap())
}

/// Puts members in a crew.
fn crew(course: &Course, members: &[seed::Enrolled], crew: &str) {
    for member in members {
        course.coordinator.if_match("*").patch(&format!("/enrollments/{}", member.id), json!({ "crew": crew })).expect(200);
    }
}
