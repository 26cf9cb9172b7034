//! `muster demo`: the reference course, as the example's files say it, on either database.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use crate::{
    feeds::calendar_of,
    support::{Client, TestDatabase},
};

/// The binary with its demo in `database`, serving.
struct Demo {
    process: Child,
    /// What it printed with `--json`.
    printed: Value,
}

impl Demo {
    fn serve(database: &TestDatabase) -> Self {
        let mut process = muster(database, &["demo", "--listen", "127.0.0.1:0", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { process, printed: serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")) }
    }

    fn client(&self, role: &str) -> Client {
        Client::at(self.printed["base_url"].as_str().unwrap(), self.printed["tokens"][role].as_str().unwrap())
    }

    fn of_intake(&self, rest: &str) -> String {
        format!("/intakes/{}/{rest}", self.printed["intake"].as_str().unwrap())
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn muster(database: &TestDatabase, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
    command.args(["--database-url", database.url()]).args(args);
    command
}

fn minutes(of: &Value, field: &str) -> i64 {
    of[field].as_i64().unwrap_or_else(|| panic!("{field} in {of}"))
}

const SUMMED: [&str; 6] =
    ["plan_minutes", "expected_minutes", "present_minutes", "authorized_absence_minutes", "unauthorized_absence_minutes", "exempt_minutes"];

#[test]
fn the_demo_is_the_reference_course_with_every_number_right() {
    let database = TestDatabase::create();
    let demo = Demo::serve(&database);

    let report = demo.client("coordinator").get(&demo.of_intake("progress")).expect(200).body;
    assert_eq!(minutes(&report, "minutes_per_hour"), 45);
    assert_eq!(minutes(&report, "planned_minutes"), 536 * 45);
    assert_eq!(minutes(&report, "scheduled_minutes"), 134 * 4 * 45);
    assert_eq!(minutes(&report, "held_minutes"), 85 * 4 * 45);
    assert_eq!(minutes(&report, "open_sessions"), 0);
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 244);
    for row in rows {
        assert_eq!(minutes(row, "plan_minutes"), 176 * 45);
        // 28 of each cohort's 44 sessions lie before September.
        assert_eq!(minutes(row, "expected_minutes"), 28 * 4 * 45);
        let absent = minutes(row, "authorized_absence_minutes") + minutes(row, "unauthorized_absence_minutes");
        assert_eq!(minutes(row, "present_minutes") + absent, minutes(row, "expected_minutes"));
        assert_eq!(row["best_reachable"] == "1.0000", absent == 0, "{row}");
    }
    assert!(rows.iter().any(|row| row["rate"] == "1.0000") && rows.iter().any(|row| row["rate"] != "1.0000"));
    for field in SUMMED {
        assert_eq!(minutes(&report["totals"], field), rows.iter().map(|row| minutes(row, field)).sum::<i64>(), "{field}");
    }
}

#[test]
fn the_demo_warns_of_a_day_off_and_of_a_crew_on_shift_and_not_of_a_swapped_working_day() {
    let database = TestDatabase::create();
    let demo = Demo::serve(&database);
    let coordinator = demo.client("coordinator");
    let session = coordinator.get(&demo.of_intake("sessions?state=published&limit=1")).expect(200).column("id").pop().unwrap();
    let warned = |day: &str| {
        let change = json!({ "starts_at": format!("{day}T09:00"), "ends_at": format!("{day}T12:10") });
        let body = json!({ "changes": [{ "id": session, "change": change }] });
        let checked = coordinator.post(&demo.of_intake("sessions/check"), body).expect(200);
        ["holiday", "on_shift"].map(|kind| checked.text.contains(&format!("\"{kind}\"")))
    };
    assert_eq!(warned("2020-10-01"), [true, true]);
    assert_eq!(warned("2020-09-27"), [false, true]);
}

#[test]
fn each_token_of_the_demo_sees_what_its_role_sees() {
    let database = TestDatabase::create();
    let demo = Demo::serve(&database);
    let progress = demo.of_intake("progress");

    let pulled = |role: &str| demo.client(role).get(&progress);
    let whole = pulled("administrator").expect(200).body;
    let sponsored = pulled("partner").expect(200).body;
    assert_eq!(sponsored["rows"], whole["rows"], "the sponsor sends everybody");
    for field in SUMMED {
        let sum = sponsored["rows"].as_array().unwrap().iter().map(|row| minutes(row, field)).sum::<i64>();
        assert_eq!(minutes(&sponsored["totals"], field), sum, "{field}");
    }
    pulled("other_partner").expect(404).problem("not_found");
    pulled("instructor").expect(403);
    pulled("trainee").expect(403);
    pulled("auditor").expect(200);
    pulled("class_adviser").expect(403);
    let advised = demo.client("class_adviser").get(&demo.of_intake("cohorts")).expect(200).body;
    assert_eq!(advised.as_array().unwrap().len(), 1, "the own cohort");
    let [trainee, coordinator] = ["trainee", "coordinator"].map(|role| demo.client(role));
    let person = trainee.get("/trainees").expect(200).column("id").pop().unwrap();
    let made = trainee.post("/feeds", json!({ "kind": "trainee", "subject_id": person })).expect(201);
    let calendar = trainee.get(&calendar_of(&made)).expect(200).text;
    assert_eq!(calendar.matches("BEGIN:VEVENT").count(), 44);
    assert_eq!(coordinator.get("/feeds").expect(200).column("subject_name"), [made.text_at("/subject_name")]);
    coordinator.post(&format!("/feeds/{}/revoke", made.id()), json!({ "reason": "lost" })).expect(200);
    let roles: BTreeSet<&str> = demo.printed["tokens"].as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["administrator", "auditor", "class_adviser", "coordinator", "instructor", "other_partner", "partner", "trainee"];
    assert_eq!(roles, BTreeSet::from(expected));
    drop(demo);

    // What the demo wrote is whole, and nobody builds it twice into one database.
    assert!(muster(&database, &["verify"]).output().unwrap().status.success());
    let again = muster(&database, &["demo", "--json"]).output().unwrap();
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8(again.stdout).unwrap().contains("database_not_empty"));
}
