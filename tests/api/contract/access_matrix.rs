//! Who may do what: every operation of the API document, as every role, on its own, another's and a missing object.
//!
//! What is expected stands in `access_matrix.md`, written and reviewed by hand. The worlds are in `world.rs`, the requests in `calls.rs`.
//!
//! To add an operation:
//! 1. a line in the first table of `access_matrix.md` under its operation id (a transition has one for each verb, `id:verb`), thought
//!    out from DOMAIN.md, not copied from what the server says;
//! 2. a line in `calls.rs`: `read`, `list`, `write`, `upload` or `step`, with what it is sent to ([`calls::Thing`]) and its body; `fresh` if a
//!    write succeeds only on an object in some state, `echo` where a 2xx answer names the object. Method and path come from the document;
//! 3. for a list, a line in the second table: the names of the rows that each role is shown;
//! 4. what is about the own account, which no token has, is in `accounts.rs` instead;
//! 5. for a new kind of object, a `Thing` with the name of the own one and the names of others', and the object in `world.rs`.

mod accounts;
mod calls;
mod canary;
mod counted;
mod disclosed;
mod ended;
mod narrowed;
mod stage;
mod stated;
mod table;
mod wall;
mod world;

use std::collections::BTreeSet;

use calls::{Call, Target, Thing, calls};
use serde_json::Value;
use stage::{ROLES, Stage};
use table::{Operation, Table, operations};

use crate::support::{Client, Reply};

/// Which of the three objects of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Own,
    Others,
    Nobodys,
}

/// Every request with its operation.
fn requests() -> Vec<(Call, Operation)> {
    let operations = operations();
    calls().into_iter().map(|call| (operations[call.operation_id()].clone(), call)).map(|(operation, call)| (call, operation)).collect()
}

impl Call {
    /// The path below `/api/v1` with its names filled in.
    fn path(&self, operation: &Operation, target: &Target) -> String {
        let path = operation.path.trim_start_matches("/api/v1").to_owned() + self.query;
        let path = path.replace("{id}", &target.id).replace("{file_name}", &target.id).replace("{sponsor_id}", &target.sponsor);
        path.replace("{transition}", self.verb()).replace("{kind}", "roster")
    }

    /// Sends the request; what needs an `If-Match` gets the right one.
    fn send(&self, stage: &Stage, client: &Client, operation: &Operation, target: &Target) -> Reply {
        let path = self.path(operation, target).replace("{other_id}", stage.a.id("held")).replace("{enrollment_id}", stage.a.id("e5"));
        let body = self.body.map(|body| body(stage, target));
        if let Some(Value::String(file)) = body.as_ref().filter(|_| self.upload) {
            return client.post_file(&path, "CANARY-A.csv", file.as_bytes());
        }
        let body = body.map(|body| body.to_string());
        let body = body.as_ref().map(|body| ("application/json", body.as_bytes()));
        if matches!(operation.method.as_str(), "PATCH" | "PUT") {
            // How a session was held is read, and tagged, with it.
            let stored = stage.app.administrator().get(path.trim_end_matches("/hold"));
            let tag = if stored.status == 200 { stored.etag() } else { "\"v1\"".to_owned() };
            return client.if_match(&tag).send(&operation.method, &path, body);
        }
        client.send(&operation.method, &path, body)
    }

    /// The one of world A by that name; a quota's is that of the intake and a sponsor, `s1` unless said.
    fn target(&self, world: &world::World, name: &str, succeeds: bool) -> Target {
        let (name, sponsor) = name.split_once(' ').unwrap_or((name, "s1"));
        let id = if name.is_empty() { String::new() } else { world.id(name).to_owned() };
        Target { id, sponsor: world.id(sponsor).to_owned(), succeeds }
    }

    fn targets(&self, stage: &Stage, role: &str, whose: Whose, succeeds: bool) -> Vec<Target> {
        let own = self.of.own(role);
        match whose {
            Whose::Own => match self.fresh.filter(|_| succeeds) {
                Some(fresh) => vec![Target { id: fresh(stage), ..self.target(&stage.a, own, succeeds) }],
                None => vec![self.target(&stage.a, own, succeeds)],
            },
            Whose::Others => {
                let others = self.of.others(role).iter().map(|name| self.target(&stage.a, name, succeeds));
                others.chain([self.target(&stage.b, own, succeeds)]).collect()
            }
            Whose::Nobodys => vec![Target { id: stage.app.absent_id(), ..self.target(&stage.a, own, succeeds) }],
        }
    }
}

/// Sends one third of a cell and says what is not as it should be.
fn check(stage: &Stage, table: &Table, (call, operation): (&Call, &Operation), role: &'static str, whose: Whose) -> Vec<String> {
    let expected = table.statuses(call.row, role);
    let Some(expected) = expected.get(whose as usize).copied() else {
        return Vec::new();
    };
    let mut wrong = Vec::new();
    for target in call.targets(stage, role, whose, (200..300).contains(&expected)) {
        let reply = call.send(stage, &stage.clients[role], operation, &target);
        if reply.status != expected {
            let name = stage.names([Value::from(target.id.clone())].iter());
            wrong.push(format!("{} as {role} on {whose:?} {name:?}: {} instead of {expected}: {}", call.row, reply.status, reply.text));
        } else if reply.status < 300 {
            wrong.extend(check_success(stage, table, call, role, (whose, &target), &reply));
        } else if whose == Whose::Others && expected == 404 {
            let missing = &call.targets(stage, role, Whose::Nobodys, false)[0];
            let missing = call.send(stage, &stage.clients[role], operation, missing);
            if without_instance(&missing) != without_instance(&reply) {
                wrong.push(format!("{} as {role}: another's is told from a missing one: {} {}", call.row, reply.text, missing.text));
            }
        }
        wrong.extend(stage.leaks(role, call.operation_id(), &reply));
    }
    wrong
}

fn without_instance(reply: &Reply) -> (u16, Value) {
    let mut body = reply.body.clone();
    body.as_object_mut().unwrap().remove("instance");
    (reply.status, body)
}

/// A success is about the object that was asked for, and a list has exactly the rows that the table names.
fn check_success(
    stage: &Stage,
    table: &Table,
    call: &Call,
    role: &'static str,
    (whose, target): (Whose, &Target),
    reply: &Reply,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let asked = if call.of == Thing::Quota { &target.sponsor } else { &target.id };
    if call.of != Thing::Nothing && !call.echo.is_empty() && reply.body.pointer(call.echo).and_then(Value::as_str) != Some(asked) {
        wrong.push(format!("{} as {role}: asked for {asked}, answered {}", call.row, reply.text));
    }
    let Some((pointer, field)) = call.rows else { return wrong };
    let rows = reply.body.pointer(pointer).and_then(Value::as_array).unwrap_or_else(|| panic!("{}: {}", call.row, reply.text));
    let found = stage.names(rows.iter().map(|row| &row[field]));
    let of_b = |name: &String| name.starts_with("B.");
    match (whose, table.rows(call.row, role)) {
        (Whose::Own, Some(expected)) if found != *expected => {
            wrong.push(format!("{} as {role}: the rows are {found:?} instead of {expected:?}", call.row));
        }
        (Whose::Own, None) => wrong.push(format!("{} as {role}: the table names no rows; they are {found:?}", call.row)),
        (Whose::Others, _) if !found.iter().all(of_b) => wrong.push(format!("{} as {role} on world B: {found:?}", call.row)),
        _ => {}
    }
    wrong
}

#[test]
fn every_operation_has_a_row_and_every_row_an_operation() {
    let table = Table::read();
    let expected = table::expected_rows();
    let rows: BTreeSet<String> = table.operations.iter().cloned().collect();
    assert_eq!(rows, expected, "the rows of access_matrix.md and the operations of the document (transitions by verb)");
    let of_accounts = accounts::ROWS.into_iter();
    let sent: BTreeSet<String> = calls().iter().map(|call| call.row).chain(of_accounts).map(ToOwned::to_owned).collect();
    assert_eq!(sent, expected, "the requests of calls.rs and the operations of the document (transitions by verb)");
    assert_eq!(calls().len() + accounts::ROWS.len(), sent.len(), "a row has one request");
    for call in calls() {
        for role in ROLES {
            let cell = table.statuses(call.row, role).len();
            assert_eq!(cell, if call.of == Thing::Nothing { 1 } else { 3 }, "{} of {role}", call.row);
        }
    }
    for (operation, role) in table.lists() {
        assert!(calls().iter().any(|call| call.row == operation && call.rows.is_some()), "{operation} is no list");
        assert!(table.statuses(operation, role)[0] == 200, "{operation} lists nothing to {role}");
    }
}

#[test]
fn every_role_is_answered_what_the_table_says() {
    let (stage, table) = (Stage::set(), Table::read());
    let mut wrong = Vec::new();
    for (call, operation) in requests() {
        let mut cells: Vec<(&'static str, Whose)> =
            ROLES.iter().flat_map(|role| [Whose::Own, Whose::Others, Whose::Nobodys].map(|whose| (*role, whose))).collect();
        let succeeds = |(role, whose): &(&'static str, Whose)| {
            table.statuses(call.row, role).get(*whose as usize).is_some_and(|status| (200..300).contains(status))
        };
        // What is refused first, because it leaves everything as it is, and on writes held to that.
        cells.sort_by_key(succeeds);
        let (refused, done) = cells.split_at(cells.iter().filter(|cell| !succeeds(cell)).count());
        let before = call.body.map(|_| stage.app.state());
        wrong.extend(refused.iter().flat_map(|(role, whose)| check(&stage, &table, (&call, &operation), role, *whose)));
        if before.is_some_and(|before| stage.app.state() != before) {
            wrong.push(format!("{}: refused, and yet something changed", call.row));
        }
        wrong.extend(done.iter().flat_map(|(role, whose)| check(&stage, &table, (&call, &operation), role, *whose)));
    }
    assert!(wrong.is_empty(), "{} faults:\n  {}", wrong.len(), wrong.join("\n  "));
    assert_eq!(stage.app.findings(), Vec::<String>::new());
}
