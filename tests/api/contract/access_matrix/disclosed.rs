//! What a disclosure opens, and that it closes again: every operation that reads, before one is in force, while it is, and after it has ended.
//!
//! In world A the people of `s2` are shown to `s1`, whose partner is the one of the table.

use std::collections::{BTreeMap, BTreeSet};

use muster::access::{Credentials, disclose, end_disclosure};
use serde_json::{Value, json};

use super::{
    calls::{Call, Thing},
    requests,
    stage::Stage,
    table::{Operation, operations},
};
use crate::support::Reply;

/// Shows the people of `s2` to `s1` from now on.
pub fn begin(stage: &Stage) -> String {
    let new = json!({ "organization_id": stage.a.id("s2"), "recipient_id": stage.a.id("s1"), "reason": "CANARY-A2 group" });
    let new = serde_json::from_value(new).unwrap();
    let made = stage.app.db.write_blocking(Credentials::Operator, |conn, actor, now| disclose(conn, actor, now, new)).unwrap();
    made.disclosure.id.to_string()
}

pub fn end(stage: &Stage, id: &str) {
    let (id, reason) = (id.parse().unwrap(), "sold".parse().unwrap());
    stage.app.db.write_blocking(Credentials::Operator, move |conn, actor, now| end_disclosure(conn, actor, now, id, &reason)).unwrap();
}

/// What is opened, by the names of `world.rs`: what is s2's, and the second intake, in which only its people are.
fn opened(of: Thing) -> &'static [&'static str] {
    match of {
        Thing::Organization => &["s2", "s2p1"],
        Thing::Trainee | Thing::Person => &["t3", "t4", "t6"],
        Thing::Program => &["p2"],
        Thing::Version => &["v2"],
        Thing::Intake | Thing::QuotaOfIntake => &["i2"],
        Thing::Cohort => &["c3"],
        Thing::Enrollment => &["e3", "e4", "e6"],
        Thing::Session => &["away"],
        Thing::HourEntry => &["hours_e3"],
        Thing::Leave => &["leave3", "leave4", "leave6"],
        Thing::Correction => &["correction3"],
        _ => &[],
    }
}

/// The rows of the lists that are longer by what is opened.
fn rows(operation: &str) -> Option<&'static str> {
    Some(match operation {
        "list_organizations" => "s1 s1p1 s1p2 s2 s2p1 s2p2",
        "list_trainees" => "t1 t2 t3 t4 t5 t6",
        "list_programs" => "p1 p2",
        "list_intakes" => "i1 i2",
        "list_enrollments" | "read_intake_progress" => "e1 e2 e3 e4 e5",
        "list_leave_requests" => "leave1 leave3 leave4 leave_crew",
        "list_correction_requests" => "correction1 correction3",
        // The seats of s2 are nobody's business but its own.
        "list_seat_quotas" => "s1",
        _ => return None,
    })
}

/// What the partner of `s1` is told by every operation that reads, of everything that there is, by operation and name; without when it was
/// told and to which request.
type Told = BTreeMap<(String, String), (u16, Value, String)>;

fn told(stage: &Stage) -> Told {
    let mut told = Told::new();
    let mut keep = |row: &str, name: &str, reply: &Reply| {
        let (mut body, mut text) = (reply.body.clone(), reply.text.clone());
        if let Some(fields) = body.as_object_mut() {
            text.clear();
            for field in ["as_of", "instance"] {
                fields.remove(field);
            }
        }
        text.push_str(reply.headers.get("etag").map_or("", |tag| tag.to_str().unwrap()));
        told.insert((row.to_owned(), name.to_owned()), (reply.status, body, text));
    };
    let client = &stage.clients["partner"];
    let mut unasked: BTreeMap<String, Operation> = operations().into_iter().filter(|(_, one)| one.method == "GET").collect();
    for (call, operation) in reads() {
        unasked.remove(call.operation_id());
        for name in names(&call) {
            keep(call.row, name, &call.send(stage, client, &operation, &call.target(&stage.a, name, false)));
        }
    }
    // Those of accounts, and of whoever is somebody's to manage.
    for (id, operation) in unasked {
        let path = operation.path.trim_start_matches("/api/v1").replace("{id}", NOBODY).replace("{secret}", NOBODY);
        assert!(!path.contains('{'), "{path}");
        keep(&id, "", &client.get(&path));
    }
    told
}

const NOBODY: &str = "01936f3e-0000-7000-8000-000000000000";

fn reads() -> impl Iterator<Item = (Call, Operation)> {
    requests().into_iter().filter(|(call, _)| call.body.is_none())
}

/// Those that are the partner's, those that are not, and those that are opened.
fn names(call: &Call) -> BTreeSet<&'static str> {
    let all = [call.of.own("partner")].into_iter().chain(call.of.others("partner").iter().copied());
    all.chain(opened(call.of).iter().copied()).collect()
}

#[test]
fn after_a_disclosure_every_read_is_answered_as_before_it() {
    let stage = Stage::set();
    let before = told(&stage);
    let id = begin(&stage);
    let during = told(&stage);
    end(&stage, &id);
    let after = told(&stage);
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (what, answer) in &before {
        assert_eq!(answer, &after[what], "{what:?}");
    }
    let mut wrong = Vec::new();
    for (call, _) in reads() {
        for name in names(&call) {
            let status = |told: &Told, name: &str| told[&(call.row.to_owned(), name.to_owned())].0;
            // As the own one of its kind, if it is opened; else as before.
            let expected = if opened(call.of).contains(&name) { status(&before, call.of.own("partner")) } else { status(&before, name) };
            if status(&during, name) != expected {
                wrong.push(format!("{} of {name}: {} instead of {expected}", call.row, status(&during, name)));
            }
        }
        let Some((expected, (pointer, field))) = rows(call.row).zip(call.rows) else { continue };
        let (_, body, _) = &during[&(call.row.to_owned(), call.of.own("partner").to_owned())];
        let found = stage.names(body.pointer(pointer).unwrap().as_array().unwrap().iter().map(|row| &row[field]));
        if found != expected.split(' ').map(ToOwned::to_owned).collect() {
            wrong.push(format!("{}: {found:?} instead of {expected}", call.row));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Not for want of a difference.
    assert!(before.iter().filter(|(what, answer)| during[*what] != **answer).count() > 40);
}

#[test]
fn what_a_disclosure_opens_is_not_written() {
    let stage = Stage::set();
    begin(&stage);
    let before = stage.app.state();
    let mut wrong = Vec::new();
    for (call, operation) in requests().into_iter().filter(|(call, _)| call.body.is_some()) {
        for name in opened(call.of) {
            let reply = call.send(&stage, &stage.clients["partner"], &operation, &call.target(&stage.a, name, false));
            if reply.status != 403 {
                wrong.push(format!("{} of {name}: {}", call.row, reply.text));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(stage.app.state(), before);
}
