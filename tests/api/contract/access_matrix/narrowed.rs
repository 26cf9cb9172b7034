//! Tokens that are good for less than their role: read only, or for one intake. And the scopes that the table has no column for.

use std::collections::BTreeSet;

use muster::access::Role;
use serde_json::{Value, json};

use super::{
    calls::{Call, Thing},
    requests,
    stage::{ROLES, Stage},
    table::{Operation, Table},
};
use crate::support::{Client, Reply, TokenOptions};

fn read_only() -> TokenOptions {
    TokenOptions { read_only: true, ..TokenOptions::default() }
}

fn for_first_intake(stage: &Stage) -> TokenOptions {
    TokenOptions { intake: Some(stage.a.id("i1").to_owned()), ..TokenOptions::default() }
}

fn for_first_program(stage: &Stage) -> TokenOptions {
    TokenOptions { program: Some(stage.a.id("p1").to_owned()), ..TokenOptions::default() }
}

/// Sends a request about the thing of world A with that name.
fn send(stage: &Stage, client: &Client, (call, operation): &(Call, Operation), name: &str) -> Reply {
    call.send(stage, client, operation, &call.target(&stage.a, name, false))
}

#[test]
fn a_read_only_token_reads_as_its_role_and_writes_nothing() {
    let (stage, table) = (Stage::set(), Table::read());
    let clients: Vec<(&str, Client)> = ROLES[1..].iter().map(|role| (*role, stage.client(role, read_only()))).collect();
    let before = stage.app.state();
    let mut wrong = Vec::new();
    let (reads, writes): (Vec<_>, Vec<_>) = requests().into_iter().partition(|(call, _)| call.body.is_none());
    for request in writes.iter().chain(&reads) {
        for (role, client) in &clients {
            let reply = send(&stage, client, request, request.0.of.own(role));
            let of_role = table.statuses(request.0.row, role)[0];
            // Who is told that something stands in the way may take the step.
            let expected = if request.0.body.is_some() && (of_role < 300 || of_role == 409) { 403 } else { of_role };
            if reply.status != expected {
                wrong.push(format!("{} as {role}: {} instead of {expected}: {}", request.0.row, reply.status, reply.text));
            }
        }
        if request.0.body.is_some() && stage.app.state() != before {
            wrong.push(format!("{} changed something", request.0.row));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What belongs to the second intake alone, and what a request about it names.
fn of_second_intake(of: Thing) -> &'static [&'static str] {
    match of {
        Thing::Intake | Thing::QuotaOfIntake => &["i2"],
        Thing::Cohort => &["c3"],
        Thing::Quota => &["i2 s2"],
        Thing::Enrollment => &["e6", "e7"],
        Thing::Session => &["away"],
        Thing::Leave => &["leave6"],
        Thing::Series => &["series2"],
        Thing::Room => &["r2"],
        Thing::Feed => &["feed2"],
        Thing::Calendar => &["h2", "rota"],
        Thing::Rota => &["rota"],
        Thing::Import => &["import2"],
        Thing::Trainee | Thing::Person => &["t6"],
        Thing::Program => &["p2"],
        Thing::Version => &["v2"],
        Thing::Nothing | Thing::Parent | Thing::Provider | Thing::Run | Thing::Organization | Thing::Instructor => &[],
        // Nothing was taught in the second intake yet.
        Thing::Schedule | Thing::HourEntry | Thing::Correction => &[],
    }
}

#[test]
fn a_token_for_one_intake_sees_nothing_of_another_of_the_same_provider() {
    check_narrowed(for_first_intake);
}

/// The first intake is the only one of its program.
#[test]
fn a_token_for_one_program_sees_nothing_of_the_intakes_of_another() {
    check_narrowed(for_first_program);
}

fn check_narrowed(options: fn(&Stage) -> TokenOptions) {
    let stage = Stage::set();
    // All of them see both intakes, but for the token.
    let role = |role, organization, person| stage.client_of(role, organization, person, options(&stage));
    let clients = [
        ("administrator", stage.client("administrator", options(&stage))),
        ("coordinator", role(Role::Coordinator, "provider", None)),
        ("auditor", role(Role::Auditor, "provider", None)),
        ("class adviser", role(Role::ClassAdviser, "provider", Some("adviser2"))),
        ("instructor", role(Role::Instructor, "provider", Some("second"))),
        ("partner", role(Role::Partner, "s2", None)),
        ("trainee", role(Role::Trainee, "provider", Some("t3"))),
    ];
    let mut wrong = Vec::new();
    let mut tell = |what: String, client: &str, reply: &Reply| {
        for hidden in ["i2", "p2", "v2", "c3", "t6", "e6", "e7", "away", "series2", "r2", "feed2", "h2", "rota", "import2"] {
            if reply.text.contains(stage.a.id(hidden)) {
                wrong.push(format!("{what} tells {client} of {hidden}: {}", reply.text));
            }
        }
    };
    let mut found = Vec::new();
    for request in &requests() {
        for (name, client) in &clients {
            for thing in of_second_intake(request.0.of) {
                let reply = send(&stage, client, request, thing);
                if reply.status != 404 {
                    found.push(format!("{} as {name} on {thing}: {} {}", request.0.row, reply.status, reply.text));
                }
            }
            if request.0.body.is_none() && matches!(request.0.of, Thing::Nothing | Thing::Intake | Thing::Trainee | Thing::Program) {
                let own = if *name == "trainee" && request.0.of == Thing::Trainee { "t3" } else { request.0.of.own(name) };
                tell(request.0.row.to_owned(), name, &send(&stage, client, request, own));
            }
        }
    }
    for (name, client) in &clients[..3] {
        for query in [format!("intake_id={}", stage.a.id("i2")), format!("subject_id={}", stage.a.id("e6"))] {
            tell(format!("/audit?{query}"), name, &client.get(&format!("/audit?{query}")));
        }
    }
    wrong.extend(found);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_token_for_one_intake_writes_nothing_beside_it() {
    let stage = Stage::set();
    let coordinator = stage.client("coordinator", for_first_intake(&stage));
    let administrator = stage.client("administrator", for_first_program(&stage));
    let before = stage.app.state();
    let mut wrong = Vec::new();
    for request in &requests() {
        let beside = match request.0.of {
            Thing::Nothing | Thing::Parent | Thing::Provider | Thing::Run => true,
            Thing::Organization | Thing::Instructor | Thing::Program | Thing::Version | Thing::Room => true,
            Thing::Calendar | Thing::Feed => true,
            Thing::Trainee | Thing::Person | Thing::Intake | Thing::Quota | Thing::QuotaOfIntake => false,
            Thing::Cohort | Thing::Enrollment | Thing::Session | Thing::Series | Thing::Rota => false,
            Thing::Import | Thing::Schedule | Thing::HourEntry | Thing::Leave | Thing::Correction => false,
        };
        if request.0.body.is_none() || !beside {
            continue;
        }
        for client in [&coordinator, &administrator] {
            let reply = send(&stage, client, request, request.0.of.own("coordinator"));
            if reply.status != 403 {
                wrong.push(format!("{}: {} {}", request.0.row, reply.status, reply.text));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(stage.app.state(), before);
}

/// The names of one field of the rows of a list.
fn names(stage: &Stage, client: &Client, path: &str, (pointer, field): (&str, &str)) -> String {
    let reply = client.get(path).expect(200);
    let rows = reply.body.pointer(pointer).and_then(Value::as_array).unwrap();
    stage.names(rows.iter().map(|row| &row[field])).into_iter().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_partner_at_a_plant_sees_that_plant_and_not_its_sponsor() {
    let stage = Stage::set();
    let (first, second) = (format!("/intakes/{}", stage.a.id("i1")), format!("/intakes/{}", stage.a.id("i2")));
    let plant = stage.client_of(Role::Partner, "s1p1", None, TokenOptions::default());
    let item = ("/items", "id");
    for (path, expected) in [
        (format!("{first}/enrollments"), "e1 e5"),
        (format!("{first}/sessions"), "cancelled held joint other past unsettled"),
        ("/trainees".to_owned(), "t1 t5"),
        ("/organizations".to_owned(), "s1p1"),
        ("/intakes".to_owned(), "i1"),
        ("/programs".to_owned(), "p1"),
    ] {
        assert_eq!(names(&stage, &plant, &path, item), expected, "{path}");
    }
    assert_eq!(names(&stage, &plant, &format!("{first}/progress"), ("/rows", "enrollment_id")), "e1 e5");
    assert_eq!(names(&stage, &plant, &format!("{first}/seat-quotas"), ("", "sponsor_id")), "");
    for path in [format!("/enrollments/{}", stage.a.id("e2")), format!("/trainees/{}", stage.a.id("t2"))] {
        plant.get(&path).expect(404);
        plant.get(&format!("{path}/hours")).expect(404);
        plant.get(&format!("{path}/progress")).expect(404);
    }
    // The plant beside sends nobody: the intake shows through the sponsor's quota, and where there is none, nothing does.
    let idle = stage.client_of(Role::Partner, "s2p2", None, TokenOptions::default());
    assert_eq!(names(&stage, &idle, "/intakes", item), "i1");
    assert_eq!(names(&stage, &idle, &format!("{first}/enrollments"), item), "");
    assert_eq!(names(&stage, &idle, &format!("{first}/progress"), ("/rows", "enrollment_id")), "");
    assert_eq!(names(&stage, &idle, "/trainees", item), "");
    assert_eq!(names(&stage, &idle, "/programs", item), "p1");
    idle.get(&second).expect(404);
    for path in ["sessions", "enrollments", "progress", "cohorts", "amendments", "seat-quotas"] {
        idle.get(&format!("{second}/{path}")).expect(404);
    }
    idle.get(&format!("/programs/{}", stage.a.id("p2"))).expect(404);
    idle.get(&format!("/program-versions/{}", stage.a.id("v2"))).expect(404);
    idle.get(&format!("/sessions/{}", stage.a.id("away"))).expect(404);
}

#[test]
fn a_lifted_quota_shows_an_intake_no_longer() {
    let stage = Stage::set();
    let quota = format!("/intakes/{}/seat-quotas/{}", stage.a.id("i1"), stage.a.id("s2"));
    let idle = stage.client_of(Role::Partner, "s2p2", None, TokenOptions::default());
    assert_eq!(names(&stage, &idle, "/programs", ("/items", "id")), "p1");
    let tag = stage.a.coordinator.get(&quota).expect(200).etag();
    stage.a.coordinator.if_match(&tag).put(&quota, json!({ "seats": null })).expect(200);
    assert_eq!(names(&stage, &idle, "/intakes", ("/items", "id")), "");
    assert_eq!(names(&stage, &idle, "/programs", ("/items", "id")), "");
}

#[test]
fn a_class_adviser_sees_of_a_joint_session_the_own_cohort() {
    let stage = Stage::set();
    let roll_call = format!("/sessions/{}/roll-call", stage.a.id("joint"));
    for (person, own) in [("adviser", "e1 e2 e3"), ("adviser2", "e4 e5")] {
        let adviser = stage.client_of(Role::ClassAdviser, "provider", Some(person), TokenOptions::default());
        assert_eq!(names(&stage, &adviser, &roll_call, ("/entries", "enrollment_id")), own);
        let listed = adviser.get("/roll-calls?open=true").expect(200);
        let joint = listed.items().iter().find(|one| one["session_id"] == stage.a.id("joint")).unwrap();
        assert_eq!(joint["expected"], own.split(' ').count());
        let names: BTreeSet<String> = own.split(' ').map(ToOwned::to_owned).collect();
        let other = if names.contains("e4") { "e1" } else { "e4" };
        let tag = adviser.get(&roll_call).expect(200).etag();
        let line = json!({ "entries": [{ "enrollment_id": stage.a.id(other), "code": "present" }] });
        stage.app.unchanged(|| adviser.if_match(&tag).put(&roll_call, line).fault("/entries/0/enrollment_id", "not_expected"));
        let line = json!({ "entries": [{ "enrollment_id": stage.a.id(own.get(..2).unwrap()), "code": "exempt" }] });
        let reply = adviser.if_match(&tag).put(&roll_call, line).expect(200);
        assert!(!reply.text.contains(stage.a.id(other)), "{}", reply.text);
    }
}
