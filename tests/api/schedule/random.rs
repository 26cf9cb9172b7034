//! Sessions proposed at random, against a plain model that compares all pairs: what the check tells is what the model finds, and exactly
//! what it finds nothing against is published.
//!
//! 60 proposals, a hundred times as many under `MUSTER_SOAK=1`.

use serde_json::{Value, json};

use crate::support::{App, Random, Reply, operations, seed, seed::Course, spawn_app};

/// The common module of this course; three or four sessions of a cohort use it up.
const COMMON: i64 = 240;

#[derive(Clone, Debug)]
struct Session {
    code: String,
    start: i64,
    end: i64,
    is_recorded: bool,
    is_common: bool,
    cohorts: Vec<String>,
    instructors: Vec<String>,
    room: Option<String>,
}

impl Session {
    fn body(&self, course: &Course) -> Value {
        let own =
            if self.cohorts == [course.mechanics.clone()] { &course.program.mechanics_module } else { &course.program.metallurgy_module };
        let module = if self.is_common { &course.program.common_module } else { own };
        let at = |minutes| seed::after(&seed::morning(0), minutes);
        json!({ "code": self.code, "module_id": module, "starts_at": at(self.start), "ends_at": at(self.end),
            "mode": if self.is_recorded { "recorded" } else { "on_site" }, "cohort_ids": self.cohorts, "instructor_ids": self.instructors,
            "length_minutes": self.is_recorded.then_some(self.end - self.start), "room_id": self.room,
            "place": "Hall 1" })
    }

    /// What both would need at one time.
    fn clashes(&self, other: &Self) -> usize {
        if self.is_recorded || other.is_recorded || self.end <= other.start || other.end <= self.start {
            return 0;
        }
        let shared = |one: &[String], other: &[String]| one.iter().filter(|id| other.contains(id)).count();
        let room = usize::from(self.room.is_some() && self.room == other.room);
        shared(&self.cohorts, &other.cohorts) + shared(&self.instructors, &other.instructors) + room
    }
}

struct Model {
    course: Course,
    instructors: Vec<String>,
    rooms: Vec<String>,
    /// With their ids.
    published: Vec<(String, Session)>,
    made: usize,
}

impl Model {
    fn new(app: &App) -> Self {
        let coordinator = app.coordinator();
        let mut body = seed::version_body();
        let common = body["modules"].as_array_mut().unwrap().iter_mut().find(|module| module["discipline"].is_null()).unwrap();
        common["planned_minutes"] = json!(COMMON);
        body["total_minutes"] = json!(2 * seed::OWN + COMMON);
        let program = seed::program_of(&coordinator, "RANDOM", body);
        let course = seed::course_on(app, coordinator, program, "RANDOM", "JISCO");
        let instructors = ["R-1", "R-2", "R-3"].map(|number| seed::instructor(app, &course.coordinator, number)).to_vec();
        let room =
            |code: &str| course.coordinator.post("/rooms", json!({ "code": code, "name": code, "kind": "on_site" })).expect(201).id();
        Self { rooms: ["A-301", "A-302"].map(room).to_vec(), course, instructors, published: Vec::new(), made: 0 }
    }

    fn session(&mut self, random: &mut Random) -> Session {
        self.made += 1;
        let (start, is_common) = (30 * i64::try_from(random.below(32)).unwrap(), random.below(3) == 0);
        let both = [self.course.metallurgy.clone(), self.course.mechanics.clone()];
        let cohorts = match random.below(3) {
            0 if is_common => both.to_vec(),
            1 => vec![both[1].clone()],
            _ => vec![both[0].clone()],
        };
        let instructors = self.instructors.iter().filter(|_| random.below(4) == 0).cloned().collect();
        let is_recorded = random.below(12) == 0;
        let room = self.rooms.get(random.below(4)).filter(|_| !is_recorded).cloned();
        let end = start + 30 * i64::try_from(1 + random.below(4)).unwrap();
        Session { code: format!("R-{}", self.made), start, end, is_recorded, is_common, cohorts, instructors, room }
    }

    /// Every clash by the codes of the two, and every session and cohort with which the common module is exceeded.
    fn expected(&self, proposed: &[Session]) -> (Vec<[String; 2]>, Vec<String>) {
        let mut clashes = Vec::new();
        for (index, one) in proposed.iter().enumerate() {
            let others = self.published.iter().map(|(_, other)| other).chain(&proposed[index + 1..]);
            for other in others {
                let mut codes = [one.code.clone(), other.code.clone()];
                codes.sort();
                clashes.extend(std::iter::repeat_n(codes, one.clashes(other)));
            }
        }
        clashes.sort();
        let mut exceeded = Vec::new();
        for cohort in [&self.course.metallurgy, &self.course.mechanics] {
            let of_cohort = |session: &&Session| session.is_common && session.cohorts.contains(cohort);
            let length = |session: &Session| session.end - session.start;
            let mut taken: i64 = self.published.iter().map(|(_, session)| session).filter(of_cohort).map(length).sum();
            for session in proposed.iter().filter(of_cohort) {
                taken += length(session);
                if taken > COMMON {
                    exceeded.push(session.code.clone());
                }
            }
        }
        exceeded.sort();
        (clashes, exceeded)
    }

    fn propose(&mut self, random: &mut Random) {
        let proposed: Vec<Session> = (0..=random.below(3)).map(|_| self.session(random)).collect();
        let bodies: Vec<Value> = proposed.iter().map(|session| session.body(&self.course)).collect();
        let (clashes, exceeded) = self.expected(&proposed);
        let path = format!("/intakes/{}/sessions", self.course.intake);
        let checked = self.course.coordinator.post(&format!("{path}/check"), json!({ "sessions": bodies })).expect(200);
        assert_eq!(told(&checked, &proposed), (clashes.clone(), exceeded.clone()), "{}", checked.body);
        let fits = clashes.is_empty() && exceeded.is_empty();
        assert_eq!(checked.body["fits"], fits);
        let published = self.course.coordinator.post(&format!("{path}/bulk"), json!({ "sessions": bodies, "publish": true }));
        if !fits {
            let refused = published.expect(409).problem(if clashes.is_empty() { "plan_exceeded" } else { "session_conflict" });
            let told = |reply: &Reply| reply.body["conflicts"].as_array().unwrap().iter().map(facts).collect::<Vec<_>>();
            assert_eq!(told(&refused), told(&checked));
            return;
        }
        let published = published.expect(201);
        let ids = (0..proposed.len()).map(|index| published.text_at(&format!("/sessions/{index}/id")));
        self.published.extend(ids.collect::<Vec<_>>().into_iter().zip(proposed));
    }

    /// Every other hour of the first days and nights at which a session that stands could be instead: what all of them clash with by the model, and
    /// what the check tells of each alone.
    fn place(&self, random: &mut Random) {
        let (id, session) = &self.published[random.below(self.published.len())];
        let query = "from=2020-06-01&until=2020-06-02&earliest=09:00&latest=01:00&step=120";
        let placements = self.course.coordinator.get(&format!("/sessions/{id}/placements?{query}"));
        if session.is_recorded {
            placements.expect(409).problem("session_recorded");
            return;
        }
        let placements = placements.expect(200);
        let times = placements.body["times"].as_array().unwrap();
        assert!(times.len() > 8);
        for time in times {
            let instant = |text: &str| chrono::DateTime::parse_from_rfc3339(text).unwrap();
            let start = (instant(time["starts_at"].as_str().unwrap()) - instant(&seed::morning(0))).num_minutes();
            let there = Session { start, end: start + session.end - session.start, ..session.clone() };
            let clashes = self.published.iter().filter(|(other, _)| other != id).any(|(_, other)| there.clashes(other) > 0);
            assert_eq!(time["fits"], !clashes, "{time}");
            let change = json!({ "starts_at": time["starts_at"], "ends_at": time["ends_at"] });
            let path = format!("/intakes/{}/sessions/check", self.course.intake);
            let mut alone = self.course.coordinator.post(&path, json!({ "changes": [{ "id": id, "change": change }] })).expect(200).body;
            alone["conflicts"].as_array_mut().unwrap().iter_mut().for_each(|conflict| conflict["session"]["pointer"] = Value::Null);
            assert_eq!((&time["fits"], &time["conflicts"]), (&alone["fits"], &alone["conflicts"]));
        }
    }

    fn cancel(&mut self, random: &mut Random) {
        let (id, _) = self.published.remove(random.below(self.published.len()));
        self.course.coordinator.post(&format!("/sessions/{id}/cancel"), json!({ "reason": "at random" })).expect(200);
    }
}

/// What the check found, in the words of [`Model::expected`].
fn told(checked: &Reply, proposed: &[Session]) -> (Vec<[String; 2]>, Vec<String>) {
    let (mut clashes, mut exceeded) = (Vec::new(), Vec::new());
    for conflict in checked.body["conflicts"].as_array().unwrap() {
        let index: usize = conflict["session"]["pointer"].as_str().unwrap().strip_prefix("/sessions/").unwrap().parse().unwrap();
        let code = proposed[index].code.clone();
        match conflict["kind"].as_str().unwrap() {
            "cohort" | "instructor" | "room" => {
                let mut codes = [code, conflict["other"]["code"].as_str().unwrap().to_owned()];
                codes.sort();
                clashes.push(codes);
            }
            "plan_exceeded" => exceeded.push(code),
            other => panic!("{other}"),
        }
    }
    clashes.sort();
    exceeded.sort();
    (clashes, exceeded)
}

/// What a conflict is about, whether its sessions are stored yet or not.
fn facts(conflict: &Value) -> [Value; 5] {
    ["/kind", "/session/code", "/other/code", "/subjects/0/id", "/detail"].map(|at| conflict.pointer(at).cloned().unwrap_or_default())
}

#[test]
fn what_the_check_tells_is_what_comparing_all_pairs_finds_and_what_publishing_refuses() {
    let mut random = Random::seeded();
    let app = spawn_app();
    let mut model = Model::new(&app);
    for round in 0..operations(60) {
        if round % 15 == 14 && !model.published.is_empty() {
            model.place(&mut random);
        }
        if model.published.len() > 12 || (random.below(4) == 0 && !model.published.is_empty()) {
            model.cancel(&mut random);
        } else {
            model.propose(&mut random);
        }
    }
    assert_eq!(app.findings(), Vec::<String>::new());
}
