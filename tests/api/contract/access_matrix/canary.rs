//! No text of world B in any answer to a role of world A, and none of the other sponsor's people in any answer to a partner.
//!
//! The matrix holds every answer it gets to that already. Here are the questions that it does not ask: filters, other media types,
//! and bodies that name what is another's.

use std::collections::BTreeSet;

use muster::access::Role;
use serde_json::{Value, json};

use super::{
    super::source,
    requests,
    stage::{ROLES, Stage},
};
use crate::support::{Client, TokenOptions};

/// Columns of text that nobody types; `table.column`, or a name that is such in every table.
const NOT_TYPED: &[&str] = &[
    "action",
    "from_state",
    "kind",
    "mode",
    "role",
    "state",
    "subject_kind",
    "time_zone",
    "to_state",
    "withdrawal",
    "attendances.code",
    "attendances.segments",
    "attendances.source",
    "correction_requests.code",
    "correction_requests.segments",
    "roll_calls.close_refused_code",
    "roll_calls.close_refused_detail",
    "idempotency_keys.etag",
    "idempotency_keys.location",
    "idempotency_keys.operation",
    "passwords.hash",
    "sign_in_codes.hash",
    "identity_numbers.masked",
    "tokens.prefix",
    "feeds.prefix",
];

/// What lies beside the worlds' own tables: the names of users and tokens, and a stored answer.
fn mark_the_rest(stage: &Stage) {
    let root = stage.app.anonymous().signed_in(&stage.user("administrator"));
    let provider = stage.app.hex(stage.b.id("provider"));
    let grants = format!("SELECT %s FROM role_grants WHERE organization_id = {provider}");
    let users = grants.replace("%s", "user_id");
    stage.app.sql(&format!("UPDATE users SET name = 'CANARY-B ' || name WHERE id IN ({users})")).unwrap();
    let tokens = grants.replace("%s", "id");
    stage.app.sql(&format!("UPDATE tokens SET name = 'CANARY-B ' || name WHERE role_grant_id IN ({tokens})")).unwrap();
    let body = json!({ "name": "CANARY-B stored", "affiliation": { "organization_id": stage.b.id("campus") } });
    stage.b.coordinator.idempotency_key("CANARY-B").post("/instructors", body).expect(201);
    // A change that names what continues; and a disclosure that is still to begin.
    for (world, mark) in [(&stage.a, "CANARY-A"), (&stage.b, "CANARY-B")] {
        let disclosure = json!({ "organization_id": world.id("s2"), "recipient_id": world.id("s1"), "from_at": "2090-01-01T00:00:00Z",
            "reason": format!("{mark} group") });
        root.post("/disclosures", disclosure).expect(201);
        let session = world.session("parted", 6, "v1m2", &["c2"], "second");
        let middle = session["starts_at"].as_str().unwrap().replace("T06:00", "T06:20");
        let path = format!("/intakes/{}/sessions", world.id("i1"));
        let parted = world.coordinator.post(&path, session).expect(201).id();
        world.coordinator.post(&format!("/sessions/{parted}/publish"), json!({})).expect(200);
        let split = json!({ "at": middle, "code": format!("{mark}-rest"), "reason": format!("{mark} half") });
        world.coordinator.post(&format!("/sessions/{parted}/split"), split).expect(200);
        let session = world.session("visited", 8, "v1m3", &["c1"], "second");
        let visited = world.coordinator.post(&path, session).expect(201).id();
        world.coordinator.post(&format!("/sessions/{visited}/publish"), json!({})).expect(200);
        let guest = json!({ "enrollment_id": world.id("e5"), "missed_session_id": world.id("joint"), "note": format!("{mark} on shift") });
        world.coordinator.post(&format!("/sessions/{visited}/guests"), guest).expect(201);
    }
}

#[test]
fn every_text_of_the_other_world_is_marked() {
    let stage = Stage::set();
    mark_the_rest(&stage);
    let mut unmarked = Vec::new();
    for table in source::schema() {
        for (column, kind, _) in table.columns {
            let name = format!("{}.{column}", table.name);
            let typed = [column.as_str(), &name].iter().all(|name| !NOT_TYPED.contains(name));
            if kind != "Text" || !typed {
                continue;
            }
            for mark in ["CANARY-A", "CANARY-B"] {
                let marked = format!("SELECT count(*) FROM {} WHERE {column} LIKE '%{mark}%'", table.name);
                let of_users = ["users", "tokens", "idempotency_keys"].contains(&table.name.as_str());
                if stage.app.count(&marked) == 0 && !(of_users && mark == "CANARY-A") {
                    unmarked.push(format!("{name} has no {mark}"));
                }
            }
        }
    }
    assert!(unmarked.is_empty(), "plant it in world.rs:\n  {}", unmarked.join("\n  "));
}

/// Questions that find something of world B where a filter stands alone.
fn questions(stage: &Stage) -> Vec<String> {
    let (a, b) = (&stage.a, &stage.b);
    let first = format!("/intakes/{}", a.id("i1"));
    let mut paths = Vec::new();
    for people in ["/trainees", "/instructors"] {
        for query in ["q=CANARY", "q=B", "employee_number=CANARY-B1-t1", "employee_number=CANARY-B-lead", "employee_number=CANARY-A2-t3"] {
            paths.push(format!("{people}?{query}"));
        }
        paths.push(format!("{people}?cursor={}&limit=500", a.id("provider")));
    }
    for list in ["/intakes", "/programs"] {
        paths.push(format!("{list}?cursor={}&limit=500", a.id("provider")));
    }
    for query in [format!("intake_id={}", b.id("i1")), format!("subject_id={}", b.id("e1")), "action=enrollment.created".to_owned()] {
        paths.push(format!("/audit?limit=500&{query}"));
    }
    for list in ["enrollments", "sessions"] {
        paths.extend(["c1", "c2"].map(|cohort| format!("{first}/{list}?cohort_id={}", b.id(cohort))));
        paths.extend(["c1", "c2"].map(|cohort| format!("{first}/{list}?cohort_id={}", a.id(cohort))));
    }
    for intake in [a.id("i1"), a.id("i2"), b.id("i1")] {
        paths.extend(["", "?by=discipline", "?by=module", "?by=cohort", "?by=unit"].map(|by| format!("/intakes/{intake}/progress{by}")));
        paths.push(format!("/intakes/{intake}/seat-quotas/{}", b.id("s1")));
    }
    for enrollment in [a.id("e1"), a.id("e3"), a.id("e5"), b.id("e1")] {
        paths.push(format!("{first}/leave-requests?enrollment_id={enrollment}"));
        paths.extend(["hours", "progress"].map(|what| format!("/enrollments/{enrollment}/{what}")));
    }
    paths
}

/// Bodies that name what is world B's: method, path, body. What they ask for would work with world A's.
fn demands(stage: &Stage) -> Vec<(&'static str, String, Value)> {
    let (a, b) = (&stage.a, &stage.b);
    let first = format!("/intakes/{}", a.id("i1"));
    let mut demands = Vec::new();
    for (unit, number) in [("s1", "CANARY-B1-t1"), ("s2", "CANARY-B2-t3"), ("provider", "CANARY-B-lead")] {
        for people in ["/trainees", "/instructors"] {
            let post = json!({ "organization_id": b.id(unit), "employee_number": number });
            demands.push(("POST", people.to_owned(), json!({ "name": "x", "affiliation": post })));
        }
    }
    demands.extend(demands_of_places(stage));
    for (field, value) in [
        ("instructor_ids", json!([b.id("lead")])),
        ("cohort_ids", json!([b.id("c1")])),
        ("module_id", json!(b.id("v1m1"))),
        // Everybody is busy then.
        ("starts_at", json!("2020-06-01T00:00:00Z")),
    ] {
        let mut body = stage.new_session();
        body[field] = value.clone();
        if field == "starts_at" {
            body["ends_at"] = json!("2020-06-01T05:00:00Z");
        }
        demands.push(("POST", format!("{first}/sessions"), body.clone()));
        demands.push(("POST", format!("{first}/sessions/bulk"), json!({ "sessions": [body], "publish": true })));
        if field != "starts_at" {
            demands.push(("PATCH", format!("/sessions/{}", a.id("past")), json!({ field: value, "reason": "x" })));
        }
    }
    let hold = json!({ "instructor_ids": [b.id("lead")], "difference_reason": "x" });
    demands.push(("POST", format!("/sessions/{}/hold", a.id("past")), hold));
    let substitution = json!({ "instructor_id": a.id("lead"), "by_instructor_id": b.id("lead"), "reason": "x" });
    demands.push(("POST", format!("/sessions/{}/substitute", a.id("past")), substitution));
    let elsewhere = json!({ "starts_at": "2020-06-01T00:00:00Z", "room_id": b.id("r1"), "reason": "x" });
    demands.push(("POST", format!("/sessions/{}/move", a.id("past")), elsewhere));
    let waiver = json!({ "other_session_id": b.id("past"), "reason": "x" });
    demands.push(("POST", format!("/sessions/{}/waivers", a.id("past")), waiver));
    demands.push(("POST", format!("{first}/sessions/publish"), json!({ "session_ids": [b.id("draft")] })));
    let slot = json!({ "weekday": "friday", "starts": "08:00", "ends": "09:00" });
    let series = json!({ "code": "x", "module_id": a.id("v1m1"), "cohort_ids": [a.id("c1")], "pattern": [slot], "room_id": b.id("r1") });
    demands.push(("POST", format!("{first}/series"), series));
    demands.push(("POST", format!("{first}/sessions/check"), json!({ "changes": [{ "id": b.id("draft") }] })));
    demands.extend(demands_of_attendance(stage));
    let cohort = json!({ "discipline_id": a.id("v1d1"), "code": "x", "name": "x", "adviser_id": b.id("adviser") });
    demands.push(("POST", format!("{first}/cohorts"), cohort));
    demands.push(("PATCH", format!("/cohorts/{}", a.id("c1")), json!({ "adviser_id": b.id("adviser") })));
    let amendment = json!({ "module_id": b.id("v1m1"), "delta_minutes": 45, "reason": "x" });
    demands.push(("POST", format!("{first}/amendments"), amendment));
    let mut intake = a.intake("x", a.id("v1"));
    intake["predecessor_id"] = json!(b.id("i1"));
    demands.push(("POST", "/intakes".to_owned(), intake));
    demands.push(("PATCH", format!("/enrollments/{}", a.id("e1")), json!({ "payer_id": b.id("s1") })));
    demands
}

/// The same about places in an intake.
fn demands_of_places(stage: &Stage) -> Vec<(&'static str, String, Value)> {
    let (a, b) = (&stage.a, &stage.b);
    let first = format!("/intakes/{}", a.id("i1"));
    let mut demands = Vec::new();
    for field in ["trainee_id", "cohort_id", "discipline_id"] {
        let mut body = a.enrollment(a.id("t7"), "s1p1", "nominated");
        body[field] = json!(b.id(match field {
            "trainee_id" => "t1",
            "cohort_id" => "c1",
            _ => "v1d1",
        }));
        demands.push(("POST", format!("{first}/enrollments"), body.clone()));
        demands.push(("POST", format!("{first}/enrollments/bulk"), json!({ "enrollments": [body] })));
        let nomination = json!({ "trainee_id": body["trainee_id"], "discipline_id": body["discipline_id"], "cohort_id": body["cohort_id"],
            "unit_id": body["unit_id"] });
        demands.push(("POST", format!("{first}/nominations"), nomination));
    }
    let nominee = json!({ "name": "CANARY-B1 t1", "employee_number": "CANARY-B1-t1" });
    let nomination = json!({ "trainee": nominee, "discipline_id": a.id("v1d1"), "cohort_id": a.id("c1"), "unit_id": b.id("s1p1") });
    demands.push(("POST", format!("{first}/nominations"), nomination));
    for (intake, cohort) in [(b.id("i1"), a.id("c3")), (a.id("i2"), b.id("c3"))] {
        let transfer = json!({ "intake_id": intake, "cohort_id": cohort, "reason": "x" });
        demands.push(("POST", format!("/enrollments/{}/transfer", a.id("e4")), transfer));
    }
    let elsewhere = json!({ "cohort_id": b.id("c1"), "reason": "x" });
    demands.push(("POST", format!("/enrollments/{}/move", a.id("e4")), elsewhere));
    let replacement = json!({ "trainee_id": b.id("t1"), "reason": "x" });
    demands.push(("POST", format!("/enrollments/{}/replace", a.id("e4")), replacement));
    demands
}

/// As [`demands`], of who is there, who is not, and why.
fn demands_of_attendance(stage: &Stage) -> Vec<(&'static str, String, Value)> {
    let (a, b) = (&stage.a, &stage.b);
    let requests = format!("/intakes/{}/leave-requests", a.id("i1"));
    let line = json!({ "entries": [{ "enrollment_id": b.id("e1"), "code": "present" }] });
    let mut crew = a.leave("e1", "x");
    crew["enrollment_id"] = Value::Null;
    (crew["crew"], crew["sponsor_id"]) = (json!("CANARY-B1-crew"), json!(b.id("s1")));
    vec![
        ("PUT", format!("/sessions/{}/roll-call", a.id("past")), line),
        ("POST", requests.clone(), b.leave("e1", "x")),
        ("POST", requests, crew),
        ("POST", format!("/sessions/{}/correction-requests", a.id("held")), b.correction("e1", "x")),
    ]
}

/// The roles of world A, and two more partners.
fn askers(stage: &Stage) -> Vec<(&'static str, Client)> {
    let partner = |unit| ("partner", stage.client_of(Role::Partner, unit, None, TokenOptions::default()));
    let mut askers: Vec<(&str, Client)> = ROLES[2..].iter().map(|role| (*role, stage.clients[role].clone())).collect();
    askers.extend([partner("s1p1"), partner("s1p2")]);
    askers
}

#[test]
fn no_answer_tells_of_another_world_whatever_is_asked() {
    let stage = Stage::set();
    mark_the_rest(&stage);
    let mut leaks = Vec::new();
    for (role, client) in &askers(&stage) {
        for path in questions(&stage) {
            leaks.extend(stage.leaked_texts(role, &path, &client.get(&path)));
            leaks.extend(stage.leaked_texts(role, &path, &client.with_header("accept", "text/csv").get(&path)));
        }
        for (method, path, body) in demands(&stage) {
            let body = body.to_string();
            let reply = client.if_match("*").send(method, &path, Some(("application/json", body.as_bytes())));
            leaks.extend(stage.leaked_texts(role, &path, &reply));
        }
        // Broken bodies are asked for too: a message may quote what it stumbled over.
        for (call, operation) in requests().iter().filter(|(call, _)| call.body.is_some()) {
            let path = call.path(operation, &call.target(&stage.b, call.of.own(role), false));
            for body in ["{}", "{", "{\"name\": 7, \"reason\": 7}"] {
                let reply = client.if_match("*").send(&operation.method, &path, Some(("application/json", body.as_bytes())));
                leaks.extend(stage.leaked_texts(role, call.row, &reply));
            }
        }
    }
    assert!(leaks.is_empty(), "{} leaks:\n  {}", leaks.len(), leaks.join("\n  "));
}

#[test]
fn the_marks_are_seen_by_those_who_may_see_them() {
    // Else the search for leaks would find nothing because there is nothing.
    let stage = Stage::set();
    let administrator = &stage.clients["administrator"];
    let other_partner = stage.client_of(Role::Partner, "s2", None, TokenOptions::default());
    for path in ["/trainees", "/organizations", "/intakes", "/programs", "/audit?limit=500"] {
        assert!(administrator.get(path).expect(200).text.contains("CANARY-B"), "{path}");
    }
    let first = format!("/intakes/{}", stage.a.id("i1"));
    for path in ["/trainees".to_owned(), format!("{first}/enrollments"), format!("{first}/progress")] {
        assert!(other_partner.get(&path).expect(200).text.contains("CANARY-A2"), "{path}");
    }
}

#[test]
fn a_partners_table_has_the_rows_of_its_report() {
    let stage = Stage::set();
    let path = format!("/intakes/{}/progress", stage.a.id("i1"));
    for (role, expected) in [("partner", "e1 e2 e5"), ("coordinator", "e1 e2 e3 e4 e5"), ("auditor", "e1 e2 e3 e4 e5")] {
        let csv = stage.clients[role].with_header("accept", "text/csv").get(&path).expect(200);
        assert!(csv.header("content-type").starts_with("text/csv"), "{:?}", csv.headers);
        let ids: Vec<Value> = csv.text.lines().skip(1).filter_map(|line| line.split(',').next()).map(Value::from).collect();
        let names: BTreeSet<String> = stage.names(ids.iter()).into_iter().filter(|name| name != "total").collect();
        assert_eq!(names, expected.split(' ').map(ToOwned::to_owned).collect(), "{role}");
    }
}

#[test]
fn a_file_that_names_others_people_is_told_nothing_of_them() {
    let stage = Stage::set();
    let (a, b) = (&stage.a, &stage.b);
    let first = format!("/intakes/{}", a.id("i1"));
    let roster = "name,employee_number,organization,discipline\nx,CANARY-B1-t1,CANARY-B1-s1p1,CANARY-A-D1";
    let instructors = "name,employee_number,organization\nx,CANARY-B-lead,CANARY-B-provider\ny,CANARY-A2-t3,CANARY-A2-s2p1";
    let schedule = "code,module,cohorts,date,start,end,instructors\nx,CANARY-A-M1,CANARY-A-c1,2020-07-01,08:00,08:45,CANARY-B-lead";
    let files = [(format!("{first}/enrollments/import"), roster), ("/instructors/import".to_owned(), instructors)];
    for (path, file) in files.into_iter().chain([(format!("{first}/sessions/import"), schedule)]) {
        for query in ["?dry_run=true", "?dry_run=true&verdicts=csv", "", "?partial=true"] {
            for role in &ROLES[1..] {
                let reply = stage.clients[role].post_file(&format!("{path}{query}"), "x.csv", file.as_bytes());
                // The numbers and codes in the file are the sender's own words; what is stored beside them is not.
                for stored in ["CANARY-B1 ", "CANARY-B ", "CANARY-B-D1", "latin", "fitter", "@example.org", b.id("t1"), b.id("lead")] {
                    assert!(!reply.text.contains(stored), "{path}{query} as {role} tells {stored}: {}", reply.text);
                }
            }
        }
    }
}
