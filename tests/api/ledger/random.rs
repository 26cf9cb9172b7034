//! Roll calls put, closed and reopened at random, against a plain model of what they come to.
//!
//! 300 operations, a hundred times as many under `MUSTER_SOAK=1`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{
    App, Random, operations, seed,
    seed::{Course, Enrolled},
    spawn_app,
};

const CLASS: usize = 4;
const SESSIONS: usize = 6;

/// Attended, authorized, unauthorized and exempt minutes.
type Sums = [i64; 4];

/// What a code with minutes present comes to in a session: the domain's words, said again.
fn comes_to(code: &str, minutes: i64, whole: i64) -> Sums {
    match code {
        "present" => [whole, 0, 0, 0],
        "late" | "left_early" => [minutes, 0, whole - minutes, 0],
        "absent" => [0, 0, whole, 0],
        "excused" => [minutes, whole - minutes, 0, 0],
        "exempt" => [minutes, 0, 0, whole - minutes],
        other => panic!("{other}"),
    }
}

/// A session as the model knows it.
struct Session {
    id: String,
    whole: i64,
    state: &'static str,
    /// What the last roll call that was put says of each member called.
    called: BTreeMap<usize, Sums>,
    /// What the last closing posted.
    posted: BTreeMap<usize, Sums>,
    closings: i64,
}

struct Model {
    course: Course,
    members: Vec<Enrolled>,
    sessions: Vec<Session>,
}

impl Model {
    fn new(app: &App) -> Self {
        let course = seed::course(app);
        let members = seed::enrolled(&course, CLASS);
        let session = |index: u32| {
            let (starts_at, whole) = (seed::morning(index), 45 + 15 * i64::from(index));
            let mut body = seed::session_body(&course, &format!("S-{index}"), &starts_at);
            body["ends_at"] = json!(seed::after(&starts_at, whole));
            if index % 2 == 1 {
                body["module_id"] = json!(course.program.common_module);
            }
            let id = seed::held_session_as(&course, body);
            Session { id, whole, state: "not_open", called: BTreeMap::new(), posted: BTreeMap::new(), closings: 0 }
        };
        let sessions = (0..u32::try_from(SESSIONS).unwrap()).map(session).collect();
        Self { course, members, sessions }
    }

    fn step(&mut self, random: &mut Random) -> String {
        let index = random.below(SESSIONS);
        let what = match random.below(10) {
            0..=4 => self.put(random, index),
            5..=7 => self.close(index),
            8 => self.submit(index),
            _ => self.reopen(index),
        };
        format!("session {index}: {what}")
    }

    fn put(&mut self, random: &mut Random, index: usize) -> String {
        let session = &mut self.sessions[index];
        let mut called = BTreeMap::new();
        let mut lines: Vec<Value> = Vec::new();
        for (number, member) in self.members.iter().enumerate() {
            // Now and then somebody is forgotten.
            if random.below(12) == 0 {
                continue;
            }
            let code = ["present", "present", "present", "late", "left_early", "absent", "excused", "exempt"][random.below(8)];
            let minutes = i64::try_from(random.below(usize::try_from(session.whole).unwrap() + 1)).unwrap();
            lines.push(if matches!(code, "present" | "absent") { seed::line(member, code) } else { seed::line_of(member, code, minutes) });
            called.insert(number, comes_to(code, minutes, session.whole));
        }
        let reply = seed::put_roll_call(&self.course, &session.id, &lines);
        if session.state == "closed" {
            reply.expect(409).problem("roll_call_closed");
            return "put refused".to_owned();
        }
        if session.closings > 0 && session.called.keys().any(|number| !called.contains_key(number)) {
            reply.fault("/entries", "called_before");
            return "put refused, for somebody was posted and is left out".to_owned();
        }
        if session.state == "not_open" {
            session.state = "open";
        }
        assert_eq!(reply.expect(200).body["state"], session.state);
        session.called = called;
        "put".to_owned()
    }

    fn close(&mut self, index: usize) -> String {
        let session = &mut self.sessions[index];
        let reply = seed::step_roll_call(&self.course, &session.id, "close", None);
        match session.state {
            "not_open" | "closed" => {
                reply.expect(409).problem("illegal_transition");
                "close refused".to_owned()
            }
            _ if session.called.len() < CLASS => {
                reply.expect(409).problem("roll_call_incomplete");
                "close refused as incomplete".to_owned()
            }
            _ => {
                session.closings += 1;
                assert_eq!(reply.expect(200).body["closings"], session.closings);
                session.state = "closed";
                session.posted = session.called.clone();
                "closed".to_owned()
            }
        }
    }

    fn submit(&mut self, index: usize) -> String {
        let session = &mut self.sessions[index];
        let reply = seed::step_roll_call(&self.course, &session.id, "submit", None);
        if !matches!(session.state, "open" | "reopened") {
            reply.expect(409).problem("illegal_transition");
            return "submit refused".to_owned();
        }
        if session.called.len() < CLASS {
            reply.expect(409).problem("roll_call_incomplete");
            return "submit refused as incomplete".to_owned();
        }
        reply.expect(200);
        session.state = "submitted";
        "submitted".to_owned()
    }

    fn reopen(&mut self, index: usize) -> String {
        let session = &mut self.sessions[index];
        let reply = seed::step_roll_call(&self.course, &session.id, "reopen", Some("at random"));
        if session.state != "closed" {
            reply.expect(409).problem("illegal_transition");
            return "reopen refused".to_owned();
        }
        reply.expect(200);
        session.state = "reopened";
        "reopened".to_owned()
    }

    /// The report of the intake and each ledger say what the model says.
    #[track_caller]
    fn check(&self) {
        let report = self.course.coordinator.get(&format!("/intakes/{}/progress", self.course.intake)).expect(200).body;
        let mut whole = [0; 4];
        for (number, member) in self.members.iter().enumerate() {
            let sums: Sums = self.sessions.iter().filter_map(|session| session.posted.get(&number)).fold([0; 4], add);
            whole = add(whole, &sums);
            let row = report["rows"].as_array().unwrap().iter().find(|row| row["enrollment_id"] == member.id.as_str()).unwrap();
            assert_eq!(measured(row), sums, "{row}");
            let hours = self.course.coordinator.get(&format!("/enrollments/{}/hours?limit=500", member.id)).expect(200).body;
            let balance = ["attended", "authorized_absence", "unauthorized_absence", "exempt"];
            assert_eq!(balance.map(|field| hours["balance"][format!("{field}_minutes")].as_i64().unwrap()), sums);
        }
        assert_eq!(measured(&report["totals"]), whole);
        assert_eq!(report["open_sessions"], self.sessions.iter().filter(|session| session.state != "closed").count());
    }
}

/// Ledgers as they were at an instant, told more than once.
#[derive(Default)]
struct Memory(Vec<(String, Value)>);

impl Memory {
    /// Asks for the ledger of a member as of its last entry but one.
    fn keep(&mut self, model: &Model, random: &mut Random) {
        let path = format!("/enrollments/{}/hours?limit=500", model.members[random.below(CLASS)].id);
        let entries = model.course.coordinator.get(&path).expect(200).column("recorded_at");
        let mut instants: Vec<&String> = entries.iter().collect();
        instants.dedup();
        let Some(at) = instants.get(random.below(instants.len().max(1))) else { return };
        let path = format!("{path}&as_of={at}");
        let told = model.course.coordinator.get(&path).expect(200);
        let until = entries.iter().filter(|one| one <= at).count();
        assert_eq!(told.column("recorded_at"), entries[..until]);
        let sum =
            |kind: &str| told.items().iter().filter(|one| one["kind"] == kind).map(|one| one["minutes"].as_i64().unwrap()).sum::<i64>();
        for kind in ["attended", "authorized_absence", "unauthorized_absence", "exempt"] {
            assert_eq!(told.body["balance"][format!("{kind}_minutes")], sum(kind), "{}", told.text);
        }
        self.0.push((path, told.body));
    }

    /// Whatever happened since, the same is told.
    fn check(&self, model: &Model) {
        for (path, told) in &self.0 {
            assert_eq!(&model.course.coordinator.get(path).expect(200).body, told, "{path}");
        }
    }
}

fn add(sums: Sums, more: &Sums) -> Sums {
    std::array::from_fn(|index| sums[index] + more[index])
}

fn measured(row: &Value) -> Sums {
    ["present", "authorized_absence", "unauthorized_absence", "exempt"].map(|field| row[format!("{field}_minutes")].as_i64().unwrap())
}

#[test]
fn whatever_is_put_closed_and_reopened_the_hours_are_those_of_the_last_closing() {
    let mut random = Random::seeded();
    let app = spawn_app();
    let mut model = Model::new(&app);
    let mut memory = Memory::default();
    for number in 1..=operations(300) {
        let what = model.step(&mut random);
        println!("{number}: {what}");
        if number % 50 == 0 {
            model.check();
            memory.keep(&model, &mut random);
        }
    }
    model.check();
    memory.check(&model);
    assert_eq!(app.findings(), Vec::<String>::new());
}
