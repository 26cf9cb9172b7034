//! `/feeds` and `/schedules`.

mod create;
mod read;
mod readers;
mod rows;

use serde_json::json;

use crate::support::{App, Client, Reply};

/// Makes a feed; the path of its calendar.
pub fn feed(client: &Client, kind: &str, subject: &str) -> String {
    calendar_of(&client.post("/feeds", json!({ "kind": kind, "subject_id": subject })).expect(201))
}

/// The path of the calendar of a feed that was just made.
pub fn calendar_of(made: &Reply) -> String {
    let address = made.text_at("/address");
    address.get(address.find("/api/v1").unwrap()..).unwrap().to_owned()
}

/// The lines of a calendar, unfolded.
pub fn lines(app: &App, path: &str) -> Vec<String> {
    let text = app.anonymous().get(path).expect(200).text;
    assert!(text.ends_with("END:VCALENDAR\r\n") && text.split("\r\n").all(|line| line.len() <= 75), "{text}");
    text.replace("\r\n ", "").split_terminator("\r\n").map(ToOwned::to_owned).collect()
}

/// The codes of a calendar's sessions, by start.
pub fn codes(app: &App, path: &str) -> Vec<String> {
    values(&lines(app, path), "SUMMARY").iter().map(|summary| summary.split(' ').next().unwrap().to_owned()).collect()
}

/// What stands behind this name, event after event.
pub fn values(lines: &[String], name: &str) -> Vec<String> {
    let named = |line: &String| line.strip_prefix(name).and_then(|rest| rest.strip_prefix([':', ';'])).map(ToOwned::to_owned);
    lines.iter().filter_map(named).collect()
}
