//! Roll calls put, closed and reopened, and hours adjusted and taken back, at random, against a plain model of what they come to.
//!
//! 1,000 operations that are done, refused ones not counted, in each of three databases; 3,000 in each of nine classes of four databases, so
//! more than 100,000, under `MUSTER_SOAK=1`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{
    App, Random, Reply, seed,
    seed::{Course, Enrolled},
    soaking, spawn_app,
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

/// What was posted by hand and not taken back.
struct Adjustment {
    id: String,
    member: usize,
    /// Of two: even sessions are of the one, odd ones of the other.
    module: usize,
    session: Option<usize>,
    minutes: i64,
}

struct Model {
    course: Course,
    members: Vec<Enrolled>,
    sessions: Vec<Session>,
    adjustments: Vec<Adjustment>,
}

impl Model {
    fn new(app: &App, code: &str) -> Self {
        let course = seed::course_called(app, code, code);
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
        Self { course, members, sessions, adjustments: Vec::new() }
    }

    /// Does something at random: what was done, or what was refused as it had to be.
    fn step(&mut self, random: &mut Random, index: usize) -> Result<&'static str, &'static str> {
        match random.below(14) {
            0..=4 => self.put(random, index),
            5..=7 => self.close(index),
            8 => self.submit(index),
            9 => self.reopen(index),
            10..=12 => self.adjust(random, index),
            _ => self.take_back(random),
        }
    }

    /// Adjusts the hours of a member in a session, or in its module.
    fn adjust(&mut self, random: &mut Random, index: usize) -> Result<&'static str, &'static str> {
        let (member, of_session) = (random.below(CLASS), random.below(2) == 0);
        let minutes = i64::try_from(random.below(90)).unwrap() - 30;
        let module = [&self.course.program.metallurgy_module, &self.course.program.common_module][index % 2];
        let mut body = json!({ "minutes": minutes, "reason": "at random" });
        if of_session {
            body["session_id"] = json!(self.sessions[index].id)
        } else {
            body["module_id"] = json!(module)
        }
        let reply = self.course.coordinator.post(&format!("/enrollments/{}/hours", self.members[member].id), body);
        if minutes == 0 {
            reply.fault("/minutes", "out_of_range");
            return Err("an adjustment of nothing refused");
        }
        if of_session && self.sessions[index].closings == 0 {
            reply.fault("/session_id", "not_posted");
            return Err("an adjustment before the closing refused");
        }
        let session = of_session.then_some(index);
        self.adjustments.push(Adjustment { id: String::new(), member, module: index % 2, session, minutes });
        let Some(posted) = self.posted_where_covered(reply) else {
            self.adjustments.pop();
            return Err("an adjustment out of bounds refused");
        };
        self.adjustments.last_mut().unwrap().id = posted.id();
        Ok("adjusted")
    }

    fn take_back(&mut self, random: &mut Random) -> Result<&'static str, &'static str> {
        if self.adjustments.is_empty() {
            return Err("nothing to take back");
        }
        let adjustment = self.adjustments.swap_remove(random.below(self.adjustments.len()));
        let reply = self.course.coordinator.post(&format!("/hour-entries/{}/reverse", adjustment.id), json!({ "reason": "at random" }));
        if self.posted_where_covered(reply).is_none() {
            self.adjustments.push(adjustment);
            return Err("an adjustment on which another rests stays");
        }
        Ok("taken back")
    }

    /// Of each member, session and module no more is credited than was missed, and no more deducted than attended.
    fn is_covered(&self) -> bool {
        let fits = |of: &dyn Fn(&Adjustment) -> bool, [attended, authorized, unauthorized, _]: Sums| {
            let credited: i64 = self.adjustments.iter().filter(|one| of(one)).map(|one| one.minutes).sum();
            credited <= authorized + unauthorized && attended + credited >= 0
        };
        (0..CLASS).all(|member| {
            let posted = |index: usize| self.sessions[index].posted.get(&member).copied().unwrap_or_default();
            let in_session = |index: usize| fits(&|one| (one.member, one.session) == (member, Some(index)), posted(index));
            let in_module = |module: usize| {
                let sums = (module..SESSIONS).step_by(2).map(posted).fold([0; 4], |sums, more| add(sums, &more));
                fits(&|one| (one.member, one.module) == (member, module), sums)
            };
            (0..SESSIONS).all(in_session) && (0..2).all(in_module)
        })
    }

    /// The answer to what the model has done already; none if it had to be refused.
    fn posted_where_covered(&self, reply: Reply) -> Option<Reply> {
        if self.is_covered() {
            return Some(reply.expect(201));
        }
        reply.expect(409).problem("hours_out_of_bounds");
        None
    }

    fn put(&mut self, random: &mut Random, index: usize) -> Result<&'static str, &'static str> {
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
            return Err("put refused");
        }
        if session.closings > 0 && session.called.keys().any(|number| !called.contains_key(number)) {
            reply.fault("/entries", "called_before");
            return Err("put refused, for somebody was posted and is left out");
        }
        if session.state == "not_open" {
            session.state = "open";
        }
        assert_eq!(reply.expect(200).body["state"], session.state);
        session.called = called;
        Ok("put")
    }

    fn close(&mut self, index: usize) -> Result<&'static str, &'static str> {
        let session = &mut self.sessions[index];
        let reply = seed::step_roll_call(&self.course, &session.id, "close", None);
        match session.state {
            "not_open" | "closed" => {
                reply.expect(409).problem("illegal_transition");
                Err("close refused")
            }
            _ if session.called.len() < CLASS => {
                reply.expect(409).problem("roll_call_incomplete");
                Err("close refused as incomplete")
            }
            _ => {
                let before = std::mem::replace(&mut session.posted, session.called.clone());
                if !self.is_covered() {
                    self.sessions[index].posted = before;
                    reply.expect(409).problem("hours_out_of_bounds");
                    return Err("close refused over what was credited");
                }
                let session = &mut self.sessions[index];
                session.closings += 1;
                assert_eq!(reply.expect(200).body["closings"], session.closings);
                session.state = "closed";
                Ok("closed")
            }
        }
    }

    fn submit(&mut self, index: usize) -> Result<&'static str, &'static str> {
        let session = &mut self.sessions[index];
        let reply = seed::step_roll_call(&self.course, &session.id, "submit", None);
        if !matches!(session.state, "open" | "reopened") {
            reply.expect(409).problem("illegal_transition");
            return Err("submit refused");
        }
        if session.called.len() < CLASS {
            reply.expect(409).problem("roll_call_incomplete");
            return Err("submit refused as incomplete");
        }
        reply.expect(200);
        session.state = "submitted";
        Ok("submitted")
    }

    fn reopen(&mut self, index: usize) -> Result<&'static str, &'static str> {
        let session = &mut self.sessions[index];
        let reply = seed::step_roll_call(&self.course, &session.id, "reopen", Some("at random"));
        if session.state != "closed" {
            reply.expect(409).problem("illegal_transition");
            return Err("reopen refused");
        }
        reply.expect(200);
        session.state = "reopened";
        Ok("reopened")
    }

    /// The report of the intake and each ledger say what the model says.
    #[track_caller]
    fn check(&self) {
        let report = self.course.coordinator.get(&format!("/intakes/{}/progress", self.course.intake)).expect(200).body;
        let mut whole = [0; 4];
        for (number, member) in self.members.iter().enumerate() {
            let sums: Sums = self.sessions.iter().filter_map(|session| session.posted.get(&number)).fold([0; 4], add);
            let adjusted: i64 = self.adjustments.iter().filter(|one| one.member == number).map(|one| one.minutes).sum();
            let told = add(sums, &[adjusted, 0, 0, 0]);
            whole = add(whole, &told);
            let row = report["rows"].as_array().unwrap().iter().find(|row| row["enrollment_id"] == member.id.as_str()).unwrap();
            assert_eq!(measured(row), told, "{row}");
            let hours = self.course.coordinator.get(&format!("/enrollments/{}/hours?limit=500", member.id)).expect(200).body;
            let balance = |field: &str| hours["balance"][format!("{field}_minutes")].as_i64().unwrap();
            assert_eq!(["attended", "authorized_absence", "unauthorized_absence", "exempt"].map(balance), sums);
            assert_eq!(balance("adjustment"), adjusted);
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
        for kind in ["attended", "authorized_absence", "unauthorized_absence", "exempt", "adjustment"] {
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
fn whatever_is_put_closed_and_adjusted_the_hours_are_those_of_the_last_closing_and_what_was_adjusted() {
    let mut random = Random::seeded();
    // A database each, for what is told of an instant depends on whoever asks of the same database meanwhile.
    let (databases, classes, operations) = if soaking() { (4, 9, 3_000) } else { (3, 1, 1_000) };
    std::thread::scope(|scope| {
        for mut random in (0..databases).map(|_| random.split()) {
            scope.spawn(move || {
                let app = spawn_app();
                for class in 0..classes {
                    run(&mut Model::new(&app, &format!("C{class}")), &mut random, operations);
                }
                assert_eq!(app.findings(), Vec::<String>::new());
            });
        }
    });
}

fn run(model: &mut Model, random: &mut Random, operations: usize) {
    let mut memory = Memory::default();
    let mut number = 0;
    while number < operations {
        let index = random.below(SESSIONS);
        let what = model.step(random, index);
        println!("{number}: session {index}: {what:?}");
        if what.is_err() {
            continue;
        }
        number += 1;
        if number % 100 == 0 {
            model.check();
        }
        if number % 300 == 0 {
            memory.keep(model, random);
        }
    }
    model.check();
    memory.check(model);
}
