//! Guests invited and dismissed, roll calls closed and reopened at random, against a plain model of what is made up.
//!
//! 300 operations, a hundred times under `MUSTER_SOAK=1`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::support::{
    App, Random, operations, seed,
    seed::{Course, Enrolled},
    spawn_app,
};

/// Members and sessions of each of the two classes; the sessions of both are of one module.
const CLASS: usize = 2;
const SESSIONS: usize = 3;
const WHOLE: i64 = 45;

/// A member and a session, each by its number; those of the first class come first.
type Member = usize;
type SessionNumber = usize;

#[derive(Clone, Copy, PartialEq)]
enum State {
    Open,
    Closed,
    Reopened,
}

struct Session {
    id: String,
    state: State,
    /// The missed session of each guest.
    guests: BTreeMap<Member, SessionNumber>,
    /// The guests and the minutes attended of everybody at the last closing.
    closed_guests: BTreeMap<Member, SessionNumber>,
    attended: BTreeMap<Member, i64>,
}

struct Model {
    course: Course,
    members: Vec<Enrolled>,
    sessions: Vec<Session>,
    /// What stands, by member, missed session and the one in which it was made up.
    granted: BTreeMap<(Member, SessionNumber, SessionNumber), i64>,
}

impl Model {
    fn new(app: &App) -> Self {
        let course = seed::course(app);
        let mut members = seed::enrolled(&course, CLASS);
        let mechanics = (course.program.mechanics.as_str(), course.mechanics.as_str());
        members.extend(seed::enrolled_at(&course, &course.sponsor.plants[0], mechanics, CLASS));
        let session = |number: usize| {
            let starts_at = seed::morning(u32::try_from(number).unwrap());
            let mut body = seed::session_body(&course, &format!("COM-{number}"), &starts_at);
            body["ends_at"] = json!(seed::after(&starts_at, WHOLE));
            body["module_id"] = json!(course.program.common_module);
            body["cohort_ids"] = json!([if number.is_multiple_of(2) { &course.metallurgy } else { &course.mechanics }]);
            let id = seed::held_session_as(&course, body);
            Session { id, state: State::Open, guests: BTreeMap::new(), closed_guests: BTreeMap::new(), attended: BTreeMap::new() }
        };
        let sessions = (0..2 * SESSIONS).map(session).collect();
        Self { course, members, sessions, granted: BTreeMap::new() }
    }

    /// The members of the class of a session.
    fn owing(session: SessionNumber) -> std::ops::Range<Member> {
        if session.is_multiple_of(2) { 0..CLASS } else { CLASS..2 * CLASS }
    }

    fn step(&mut self, random: &mut Random) -> String {
        let number = random.below(2 * SESSIONS);
        match random.below(10) {
            0..=2 => self.invite(random, number),
            3 => self.dismiss(random, number),
            4..=7 => self.close(random, number),
            _ => self.reopen(number),
        }
    }

    fn invite(&mut self, random: &mut Random, number: SessionNumber) -> String {
        let guest = (Self::owing(number).start + CLASS + random.below(CLASS)) % (2 * CLASS);
        let missed = (number + 1 + 2 * random.below(SESSIONS)) % (2 * SESSIONS);
        let missed_nothing = self.sessions[missed].state == State::Closed && self.missed(guest, missed) == 0;
        let session = &mut self.sessions[number];
        let path = format!("/sessions/{}/guests", session.id);
        let status = match session.state {
            State::Closed => 409,
            _ if missed_nothing => 422,
            _ if session.guests.contains_key(&guest) => 409,
            _ => 201,
        };
        if status == 201 {
            session.guests.insert(guest, missed);
        }
        let body = json!({ "enrollment_id": self.members[guest].id, "missed_session_id": self.sessions[missed].id });
        self.course.coordinator.post(&path, body).expect(status);
        format!("{guest} invited to {number} for {missed}: {status}")
    }

    fn dismiss(&mut self, random: &mut Random, number: SessionNumber) -> String {
        let guest = random.below(2 * CLASS);
        let session = &mut self.sessions[number];
        let path = format!("/sessions/{}/guests/{}/dismiss", session.id, self.members[guest].id);
        let status = match session.state {
            State::Closed => 409,
            _ if session.guests.remove(&guest).is_some() => 200,
            _ => 404,
        };
        self.course.coordinator.post(&path, json!({ "reason": "at random" })).expect(status);
        format!("{guest} dismissed from {number}: {status}")
    }

    fn close(&mut self, random: &mut Random, number: SessionNumber) -> String {
        if self.sessions[number].state == State::Closed {
            seed::step_roll_call(&self.course, &self.sessions[number].id, "close", None).expect(409).problem("illegal_transition");
            return format!("close of {number} refused");
        }
        let session = &mut self.sessions[number];
        let class: BTreeSet<Member> = Self::owing(number).chain(session.guests.keys().copied()).collect();
        session.attended = class.into_iter().map(|member| (member, i64::try_from(random.below(46)).unwrap())).collect();
        session.closed_guests = session.guests.clone();
        session.state = State::Closed;
        let lines: Vec<Value> =
            session.attended.iter().map(|(member, minutes)| seed::line_of(&self.members[*member], "late", *minutes)).collect();
        seed::put_roll_call(&self.course, &session.id, &lines).expect(200);
        seed::step_roll_call(&self.course, &session.id, "close", None).expect(200);
        self.grant();
        format!("{number} closed")
    }

    fn reopen(&mut self, number: SessionNumber) -> String {
        let is_closed = self.sessions[number].state == State::Closed;
        let reply = seed::step_roll_call(&self.course, &self.sessions[number].id, "reopen", Some("at random"));
        if is_closed {
            reply.expect(200);
            self.sessions[number].state = State::Reopened;
        } else {
            reply.expect(409).problem("illegal_transition");
        }
        format!("{number} reopened: {is_closed}")
    }

    /// Minutes missed of a session as posted by its last closing.
    fn missed(&self, member: Member, session: SessionNumber) -> i64 {
        if !Self::owing(session).contains(&member) {
            return 0;
        }
        self.sessions[session].attended.get(&member).map_or(0, |minutes| WHOLE - minutes)
    }

    /// In the order in which sessions were held, each miss is made up until nothing of it is left; what is reopened counts as it stood.
    fn grant(&mut self) {
        let mut granted = BTreeMap::new();
        let mut left: BTreeMap<(Member, SessionNumber), i64> = BTreeMap::new();
        for (number, session) in self.sessions.iter().enumerate() {
            let pairs: Vec<(Member, SessionNumber, i64)> = match session.state {
                State::Open => Vec::new(),
                State::Closed => session.closed_guests.iter().map(|(guest, missed)| (*guest, *missed, session.attended[guest])).collect(),
                State::Reopened => {
                    let stood = self.granted.iter().filter(|((_, _, made_up_in), _)| *made_up_in == number);
                    stood.map(|((guest, missed, _), minutes)| (*guest, *missed, *minutes)).collect()
                }
            };
            for (guest, missed, earned) in pairs {
                let left = left.entry((guest, missed)).or_insert_with(|| self.missed(guest, missed));
                let minutes = earned.min(*left);
                *left -= minutes;
                granted.insert((guest, missed, number), minutes);
            }
        }
        self.granted = granted;
    }

    #[track_caller]
    fn check(&self) {
        for (number, member) in self.members.iter().enumerate() {
            let hours = self.course.coordinator.get(&format!("/enrollments/{}/hours?limit=500", member.id)).expect(200);
            for ((_, missed, made_up_in), minutes) in self.granted.iter().filter(|((guest, ..), _)| *guest == number) {
                let (missed, made_up_in) = (&self.sessions[*missed].id, &self.sessions[*made_up_in].id);
                let is_pair = |entry: &&Value| entry["session_id"] == missed.as_str() && entry["made_up_in_id"] == made_up_in.as_str();
                let sum: i64 = hours.items().iter().filter(is_pair).map(|entry| entry["minutes"].as_i64().unwrap()).sum();
                assert_eq!(sum, *minutes, "{number}: {missed} in {made_up_in}");
            }
            let whole: i64 = self.granted.iter().filter(|((guest, ..), _)| *guest == number).map(|(_, minutes)| minutes).sum();
            assert_eq!(hours.body["balance"]["make_up_minutes"], whole, "{number}");
        }
    }
}

#[test]
fn whatever_is_called_and_closed_guests_make_up_what_they_attended_and_no_more_than_they_missed() {
    let mut random = Random::seeded();
    for _ in 0..operations(1) {
        let app = spawn_app();
        let mut model = Model::new(&app);
        for number in 1..=300 {
            println!("{number}: {}", model.step(&mut random));
            if number % 25 == 0 {
                model.check();
            }
        }
        assert_eq!(app.findings(), Vec::<String>::new());
    }
}
