//! Leave asked for, decided on and withdrawn at random between roll calls, against a model that looks at each minute by itself.
//!
//! 200 operations, a hundred times as many under `MUSTER_SOAK=1`.

use std::{collections::BTreeMap, ops::Range};

use serde_json::{Value, json};

use super::{ask, crew, minutes, step};
use crate::support::{
    App, Client, Random, operations, seed,
    seed::{Course, Enrolled},
    spawn_app,
};

/// The first two are a crew.
const CLASS: usize = 3;
const SESSIONS: usize = 4;
/// The minutes of a session; the sessions of a day follow each other after as many.
const WHOLE: usize = 90;
/// The most requests of one enrollment that may wait.
const WAITING: usize = 20;

/// What a roll call found of somebody, minute by minute.
#[derive(Clone)]
struct Found {
    was_there: [bool; WHOLE],
    is_excused: bool,
}

impl Found {
    /// The attended, authorized and unauthorized minutes, `away` being those of leave.
    fn comes_to(&self, away: impl Fn(usize) -> bool) -> [usize; 3] {
        let mut sums = [0; 3];
        for (minute, was_there) in self.was_there.iter().enumerate() {
            sums[if *was_there {
                0
            } else if self.is_excused || away(minute) {
                1
            } else {
                2
            }] += 1;
        }
        sums
    }
}

struct Session {
    id: String,
    state: &'static str,
    called: Vec<Found>,
    /// What the last closing posted.
    posted: BTreeMap<usize, [usize; 3]>,
}

struct Request {
    id: String,
    members: Vec<usize>,
    /// In minutes since the first session began.
    span: Range<usize>,
    state: &'static str,
}

struct Model {
    course: Course,
    /// Who decides on what another one asked for.
    other: Client,
    members: Vec<Enrolled>,
    sessions: Vec<Session>,
    requests: Vec<Request>,
}

/// When a session begins, in minutes since the first one.
fn begin(session: usize) -> usize {
    session * 2 * WHOLE
}

fn clock(minute: usize) -> String {
    seed::after(&seed::morning(1), i64::try_from(minute).unwrap())
}

impl Model {
    fn new(app: &App) -> Self {
        let course = seed::course(app);
        let members = seed::enrolled(&course, CLASS);
        crew(&course, &members[..2], "甲");
        let session = |index| Session {
            id: seed::held_session(&course, &format!("S-{index}"), &clock(begin(index))),
            state: "open",
            called: Vec::new(),
            posted: BTreeMap::new(),
        };
        let sessions = (0..SESSIONS).map(session).collect();
        let other = app.coordinator();
        let mut model = Self { course, other, members, sessions, requests: Vec::new() };
        let present = Found { was_there: [true; WHOLE], is_excused: false };
        for index in 0..SESSIONS {
            let lines: Vec<Value> = model.members.iter().map(|member| seed::line(member, "present")).collect();
            seed::put_roll_call(&model.course, &model.sessions[index].id, &lines).expect(200);
            model.sessions[index].called = vec![present.clone(); CLASS];
        }
        model
    }

    fn step(&mut self, random: &mut Random) -> String {
        match random.below(12) {
            0..=2 => self.ask(random),
            3..=6 => self.decide(random),
            7..=8 => self.put(random),
            9..=10 => self.close(random),
            _ => self.reopen(random),
        }
    }

    fn ask(&mut self, random: &mut Random) -> String {
        let from = random.below(begin(SESSIONS));
        let span = from..from + 1 + random.below(2 * WHOLE);
        let mut body = seed::leave_body("", &clock(span.start), i64::try_from(span.len()).unwrap());
        let members = if random.below(3) == 0 {
            (body["enrollment_id"], body["crew"]) = (Value::Null, json!("甲"));
            vec![0, 1]
        } else {
            let member = random.below(CLASS);
            body["enrollment_id"] = json!(self.members[member].id);
            vec![member]
        };
        let waiting = |member: &usize| {
            let own = self.requests.iter().filter(|one| one.members.contains(member));
            own.filter(|one| matches!(one.state, "asked" | "endorsed")).count()
        };
        let reply = ask(&self.course.coordinator, &self.course, body);
        if members.iter().any(|member| waiting(member) >= WAITING) {
            reply.expect(409).problem("too_many_waiting");
            return "ask refused".to_owned();
        }
        let told = format!("ask for {members:?} {span:?}");
        self.requests.push(Request { id: reply.expect(201).id(), members, span, state: "asked" });
        told
    }

    fn decide(&mut self, random: &mut Random) -> String {
        if self.requests.is_empty() {
            return "nothing to decide on".to_owned();
        }
        let index = random.below(self.requests.len());
        let verb = ["endorse", "grant", "grant", "refuse", "withdraw"][random.below(5)];
        let request = &mut self.requests[index];
        let reply = step(&self.other, &request.id, verb, Some("at random"));
        let to = match (verb, request.state) {
            ("endorse", "asked") => "endorsed",
            ("grant", "asked" | "endorsed") => "granted",
            ("refuse", "asked" | "endorsed") => "refused",
            ("withdraw", "asked" | "endorsed" | "granted") => "withdrawn",
            (verb, state) => {
                reply.expect(409).problem("illegal_transition");
                return format!("{verb} {index} refused while {state}");
            }
        };
        request.state = to;
        assert_eq!(reply.expect(200).body["state"], to);
        format!("{verb} {index}")
    }

    fn put(&mut self, random: &mut Random) -> String {
        let index = random.below(SESSIONS);
        let (mut lines, mut called) = (Vec::new(), Vec::new());
        for member in &self.members {
            let minutes = random.below(WHOLE);
            let mut found = Found { was_there: [true; WHOLE], is_excused: false };
            lines.push(match random.below(6) {
                0 => seed::line(member, "present"),
                1 => {
                    found.was_there = [false; WHOLE];
                    seed::line(member, "absent")
                }
                2 => {
                    found.was_there[..WHOLE - minutes].fill(false);
                    seed::line_of(member, "late", i64::try_from(minutes).unwrap())
                }
                3 => {
                    found.was_there[minutes..].fill(false);
                    seed::line_of(member, "left_early", i64::try_from(minutes).unwrap())
                }
                4 => {
                    found.was_there[minutes..].fill(false);
                    found.is_excused = true;
                    seed::line_of(member, "excused", i64::try_from(minutes).unwrap())
                }
                _ => {
                    // Missing in the middle.
                    let until = minutes + 1 + random.below(WHOLE - minutes);
                    found.was_there[minutes..until].fill(false);
                    let begin = begin(index);
                    let segment = |from: usize, until: usize| json!({ "starts_at": clock(begin + from), "ends_at": clock(begin + until) });
                    let segments = [(0, minutes), (until, WHOLE)].into_iter().filter(|(from, until)| from < until);
                    let segments: Vec<Value> = segments.map(|(from, until)| segment(from, until)).collect();
                    let code = if segments.is_empty() { "absent" } else { "left_early" };
                    json!({ "enrollment_id": member.id, "code": code, "segments": segments })
                }
            });
            called.push(found);
        }
        let session = &mut self.sessions[index];
        let reply = seed::put_roll_call(&self.course, &session.id, &lines);
        if session.state == "closed" {
            reply.expect(409).problem("roll_call_closed");
            return format!("put {index} refused");
        }
        reply.expect(200);
        session.called = called;
        format!("put {index}")
    }

    fn close(&mut self, random: &mut Random) -> String {
        let index = random.below(SESSIONS);
        let reply = seed::step_roll_call(&self.course, &self.sessions[index].id, "close", None);
        if self.sessions[index].state == "closed" {
            reply.expect(409).problem("illegal_transition");
            return format!("close {index} refused");
        }
        reply.expect(200);
        let posted = (0..CLASS).map(|member| (member, self.comes_to(index, member))).collect();
        let session = &mut self.sessions[index];
        (session.state, session.posted) = ("closed", posted);
        format!("close {index}")
    }

    fn reopen(&mut self, random: &mut Random) -> String {
        let index = random.below(SESSIONS);
        let session = &mut self.sessions[index];
        let reply = seed::step_roll_call(&self.course, &session.id, "reopen", Some("at random"));
        if session.state != "closed" {
            reply.expect(409).problem("illegal_transition");
            return format!("reopen {index} refused");
        }
        reply.expect(200);
        session.state = "reopened";
        format!("reopen {index}")
    }

    /// What a session would post for a member by the leave that is granted now.
    fn comes_to(&self, session: usize, member: usize) -> [usize; 3] {
        let granted = |one: &&Request| one.state == "granted" && one.members.contains(&member);
        let away = |minute| self.requests.iter().filter(granted).any(|one| one.span.contains(&(begin(session) + minute)));
        self.sessions[session].called[member].comes_to(away)
    }

    fn is_unsettled(&self, session: usize, member: usize) -> bool {
        let Session { state, posted, .. } = &self.sessions[session];
        *state == "closed" && posted[&member] != self.comes_to(session, member)
    }

    /// Ledgers, enrollments and requests say what the model says.
    #[track_caller]
    fn check(&self) {
        for (number, member) in self.members.iter().enumerate() {
            let posted = self.sessions.iter().filter_map(|session| session.posted.get(&number));
            let sums = posted.fold([0; 3], |sums, more| std::array::from_fn(|index| sums[index] + more[index]));
            assert_eq!(minutes(&self.course, &member.id), sums.map(|sum| i64::try_from(sum).unwrap()), "member {number}");
            let enrollment = self.course.coordinator.get(&format!("/enrollments/{}", member.id)).expect(200);
            let listed: Vec<&Value> =
                enrollment.body["unsettled_sessions"].as_array().unwrap().iter().map(|session| &session["session_id"]).collect();
            let unsettled = (0..SESSIONS).filter(|session| self.is_unsettled(*session, number));
            assert_eq!(listed, unsettled.map(|session| &self.sessions[session].id).collect::<Vec<_>>(), "member {number}");
        }
        let path = format!("/intakes/{}/leave-requests?limit=500", self.course.intake);
        let listed = self.course.coordinator.get(&path).expect(200);
        for (request, listed) in self.requests.iter().zip(listed.items()) {
            let is_touched = |session: &usize| request.span.start < begin(*session) + WHOLE && begin(*session) < request.span.end;
            let told = |session: usize| {
                let unsettled = request.members.iter().any(|member| self.is_unsettled(session, *member));
                json!([self.sessions[session].id, unsettled])
            };
            let expected: Vec<Value> = (0..SESSIONS).filter(is_touched).map(told).collect();
            let sessions = listed["sessions"].as_array().unwrap().iter().map(|session| json!([session["id"], session["unsettled"]]));
            assert_eq!((&listed["state"], sessions.collect::<Vec<_>>()), (&json!(request.state), expected), "{listed}");
        }
    }
}

#[test]
fn whatever_is_asked_decided_and_called_only_leave_that_stands_is_authorized() {
    let mut random = Random::seeded();
    let app = spawn_app();
    let mut model = Model::new(&app);
    for number in 1..=operations(200) {
        let what = model.step(&mut random);
        println!("{number}: {what}");
        if number % 10 == 0 {
            model.check();
        }
    }
    model.check();
    assert_eq!(app.findings(), Vec::<String>::new());
}
