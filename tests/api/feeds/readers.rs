//! Calendars as others read them: Python's `icalendar` and `recurring-ical-events`, and `ical.js`, which `scripts/test` installs.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Map, Value, json};

use super::feed;
use crate::{
    contract::source,
    support::{App, Client, seed, spawn_app},
};

/// A course where clocks do odd things: its zone, when it opens and closes, and when its sessions begin.
struct Place {
    zone: &'static str,
    days: (&'static str, &'static str),
    starts: &'static [&'static str],
}

const PLACES: [Place; 4] = [
    // One offset all the year.
    Place {
        zone: "Asia/Shanghai",
        days: ("2020-05-27", "2020-10-30"),
        starts: &["2020-05-28T01:00:00Z", "2020-05-28T15:30:00Z", "2020-09-30T16:00:00Z", "2020-10-05T06:00:00Z"],
    },
    // The hour before the clocks go back, the one that exists twice (both times) and the one after it; and over the winter.
    Place {
        zone: "Europe/Berlin",
        days: ("2020-05-27", "2021-04-30"),
        starts: &[
            "2020-07-01T07:00:00Z",
            "2020-10-24T22:00:00Z",
            "2020-10-24T23:00:00Z",
            "2020-10-25T00:00:00Z",
            "2020-10-25T01:00:00Z",
            "2020-10-25T02:00:00Z",
            "2020-10-26T08:00:00Z",
            "2021-03-28T00:00:00Z",
            "2021-03-28T01:00:00Z",
        ],
    },
    // Half an hour is put back in April and forward in October.
    Place {
        zone: "Australia/Lord_Howe",
        days: ("2020-03-01", "2020-12-31"),
        starts: &["2020-04-04T13:00:00Z", "2020-04-04T15:00:00Z", "2020-06-01T00:00:00Z", "2020-10-03T14:30:00Z", "2020-10-03T15:30:00Z"],
    },
    // 30 December 2011 did not take place.
    Place {
        zone: "Pacific/Apia",
        days: ("2011-12-01", "2012-05-30"),
        starts: &["2011-12-29T20:00:00Z", "2011-12-30T09:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T20:00:00Z", "2012-05-01T20:00:00Z"],
    },
];

/// Publishes an hour at each start; then one is moved, one is cancelled and one is held for less.
fn course(app: &App, coordinator: &Client, place: &Place) -> String {
    let program = seed::program(coordinator, place.zone);
    let mut body = seed::intake_body(&program.version, place.zone);
    (body["time_zone"], body["opens_on"], body["closes_on"]) = (json!(place.zone), json!(place.days.0), json!(place.days.1));
    let intake = coordinator.post("/intakes", body).expect(201).id();
    coordinator.post(&format!("/intakes/{intake}/open-enrollment"), json!({})).expect(200);
    let cohort = seed::cohort(coordinator, &intake, &program.metallurgy, "MET-1");
    let instructor = seed::instructor(app, coordinator, place.zone);
    let session = |code: String, starts_at: &str| {
        json!({ "code": code, "module_id": program.metallurgy_module, "starts_at": starts_at, "ends_at": seed::after(starts_at, 60),
            "cohort_ids": [cohort], "instructor_ids": [instructor] })
    };
    let at_first = |start: &str| seed::after(start, -24 * 60);
    let mut sessions: Vec<Value> = place.starts.iter().enumerate().map(|(index, start)| session(format!("P-{index}"), start)).collect();
    sessions.push(session("MOVED".to_owned(), &at_first(place.starts[place.starts.len() - 1])));
    sessions.push(session("CANCELLED".to_owned(), &seed::after(place.starts[0], 24 * 60 + 60)));
    let path = format!("/intakes/{intake}/sessions");
    let made = coordinator.post(&format!("{path}/bulk"), json!({ "sessions": sessions, "publish": true })).expect(201);
    let id = |index: usize| made.text_at(&format!("/sessions/{index}/id"));
    let (moved, cancelled) = (id(place.starts.len()), id(place.starts.len() + 1));
    let later = seed::after(place.starts[place.starts.len() - 1], 120);
    let patch = json!({ "starts_at": later, "ends_at": seed::after(&later, 45), "reason": "the hall is closed" });
    coordinator.if_match("*").patch(&format!("/sessions/{moved}"), patch).expect(200);
    coordinator.post(&format!("/sessions/{cancelled}/cancel"), json!({ "reason": "storm; trains, buses" })).expect(200);
    let hold = json!({ "ends_at": seed::after(place.starts[0], 50), "difference_reason": "early" });
    coordinator.post(&format!("/sessions/{}/hold", id(0)), hold).expect(200);
    intake
}

/// What the API says of the sessions of an intake, as the readers tell it.
fn expected(coordinator: &Client, intake: &str) -> Value {
    let listed = coordinator.get(&format!("/intakes/{intake}/sessions?limit=500")).expect(200);
    let event = |session: &Value| {
        let held = if session["held"].is_null() { session } else { &session["held"] };
        let status = if session["state"] == "cancelled" { "CANCELLED" } else { "CONFIRMED" };
        json!({ "uid": format!("{}@muster", session["id"].as_str().unwrap()), "sequence": session["sequence"], "status": status,
            "start": held["starts_at"], "end": held["ends_at"] })
    };
    let mut events: Vec<Value> = listed.items().iter().map(event).collect();
    events.sort_by_key(|event| (event["start"].to_string(), event["uid"].to_string()));
    json!(events)
}

/// The folder into which `scripts/test` installs the readers.
fn readers() -> PathBuf {
    source::root().join("target/calendar-readers")
}

/// What a reader makes of a calendar, by its name.
fn read(program: &Path, arguments: &[&Path], calendar: &str) -> Map<String, Value> {
    let started = Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = started.unwrap_or_else(|error| panic!("{}: {error}; ./scripts/test installs the calendar readers", program.display()));
    child.stdin.take().unwrap().write_all(calendar.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{} failed; ./scripts/test installs the calendar readers", program.display());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn other_programs_read_the_same_instants() {
    let app = spawn_app();
    let coordinator = app.coordinator();
    let scripts = source::root().join("tests/calendars");
    for place in &PLACES {
        let intake = course(&app, &coordinator, place);
        let calendar = app.anonymous().get(&feed(&coordinator, "intake", &intake)).expect(200).text;
        let expected = expected(&coordinator, &intake);
        assert_eq!(expected.as_array().unwrap().len(), place.starts.len() + 2);
        let mut found = read(&readers().join("venv/bin/python"), &[&scripts.join("read.py")], &calendar);
        found.extend(read(Path::new("node"), &[&scripts.join("read.mjs"), &readers()], &calendar));
        assert_eq!(found.len(), 5, "{:?}", found.keys());
        for (reader, events) in found {
            assert_eq!(events, expected, "{} as {reader} reads it", place.zone);
        }
    }
}
