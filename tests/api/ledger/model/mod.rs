//! Everything that moves hours at once, at random, against one plain model: joins, moves between cohorts, suspensions, withdrawals and
//! transfers, back-dated as often as not; sessions held otherwise than planned; roll calls, segments, evidence, leave, guests and
//! adjustments; closings, reopenings and settlements.
//!
//! Each step is taken on the server and on the model, which knows whether it is legal. Three intakes with seventy steps each, a hundred
//! times as many under `MUSTER_SOAK=1`.

mod calls;
mod compare;
mod lives;
mod plain;

use std::collections::BTreeSet;

use serde_json::json;

use self::plain::{COMMON, Leave, Number, Person, Second, Session, Span, World};
use crate::support::{App, Random, Reply, operations, seed, seed::Course, spawn_app};

const STEPS: usize = 70;
/// The rate to reach in most versions.
const PERCENT: i64 = 70;
/// The most trainees of an intake.
const MOST: usize = 8;

/// The module and the cohorts of each session; the two first cohorts are of one discipline, the last of the other one.
const SESSIONS: [(usize, &[usize]); 10] = [
    (0, &[0]),
    (0, &[1]),
    (COMMON, &[0, 1]),
    (COMMON, &[2]),
    (0, &[0, 1]),
    (COMMON, &[1]),
    (COMMON, &[0, 1, 2]),
    (2, &[2]),
    (COMMON, &[0, 2]),
    (0, &[1]),
];
/// The one that is recorded; it can be viewed before, while and after the one before it is taught.
const RECORDED: Number = 5;

/// The server beside the model.
struct Run {
    course: Course,
    cohorts: [String; 3],
    modules: [String; 3],
    /// The trainees, by their ids.
    people: Vec<String>,
    world: World,
}

/// An instant as the API reads it.
fn clock(at: Second) -> String {
    let first = chrono::DateTime::parse_from_rfc3339(&seed::morning(0)).unwrap().to_utc();
    (first + chrono::TimeDelta::seconds(at)).format("%FT%TZ").to_string()
}

fn signed(value: usize) -> i64 {
    i64::try_from(value).unwrap()
}

fn pick<T: Clone>(random: &mut Random, of: &[T]) -> Option<T> {
    if of.is_empty() { None } else { Some(of[random.below(of.len())].clone()) }
}

/// Holds an answer against whether the model found the request legal.
#[track_caller]
fn judge(reply: &Reply, is_legal: bool) {
    assert_eq!(reply.status < 300, is_legal, "{} {}", reply.status, reply.text);
    assert!(is_legal || matches!(reply.status, 409 | 422), "{} {}", reply.status, reply.text);
}

impl Run {
    fn new(app: &App, random: &mut Random, class: usize) -> Self {
        let code = &format!("K{class}");
        let coordinator = app.coordinator();
        let plan = [450 + signed(random.below(300)), 600 + signed(random.below(300)), 300];
        // One version of three leaves authorized absences out, and one of three demands that nothing is missed.
        let (authorized_counts, percent) = (class % 3 != 1, if class % 3 == 2 { 100 } else { PERCENT });
        let mut body = seed::version_body();
        for (module, index) in [(0, 0), (1, 2), (2, COMMON)] {
            body["modules"][module]["planned_minutes"] = json!(plan[index]);
        }
        body["total_minutes"] = json!(plan.iter().sum::<i64>());
        body["authorized_absence_counts"] = json!(authorized_counts);
        body["minimum_attendance_percent"] = json!(percent);
        let program = seed::program_of(&coordinator, code, body);
        let course = seed::course_on(app, coordinator, program, code, code);
        let second = seed::cohort(&course.coordinator, &course.intake, &course.program.metallurgy, "MET-2");
        let cohorts = [course.metallurgy.clone(), second, course.mechanics.clone()];
        let of = &course.program;
        let modules = [&of.metallurgy_module, &of.common_module, &of.mechanics_module].map(String::clone);
        let world = World { plan, authorized_counts, percent, ..World::default() };
        let mut run = Self { course, cohorts, modules, people: Vec::new(), world };
        for number in 0..SESSIONS.len() {
            run.schedule(random, number);
        }
        for cohort in [0, 0, 1, 1, 2, 2] {
            run.join(random, cohort);
        }
        run
    }

    fn schedule(&mut self, random: &mut Random, number: Number) {
        let (module, cohorts) = SESSIONS[number];
        let (minutes, is_recorded) = (31 + signed(random.below(60)), number == RECORDED);
        let from = (signed(number) / 2) * 86_400 + (signed(number) % 2) * 4 * 3600 - if is_recorded { 5 * 3600 } else { 0 };
        let span = (from, from + if is_recorded { 7 * 3600 } else { minutes * 60 });
        let mut body = seed::session_body(&self.course, &format!("S-{number}"), &clock(span.0));
        body["ends_at"] = json!(clock(span.1));
        body["module_id"] = json!(self.modules[module]);
        body["cohort_ids"] = cohorts.iter().map(|cohort| &*self.cohorts[*cohort]).collect();
        if is_recorded {
            (body["mode"], body["length_minutes"]) = (json!("recorded"), json!(minutes));
        }
        let id = seed::published_session_as(&self.course, body);
        let cohorts = cohorts.to_vec();
        self.world.sessions.push(Session { id, module, cohorts, is_recorded, span, minutes, state: "not_open", ..Session::default() });
    }

    fn step(&mut self, random: &mut Random) -> String {
        let open = self.some_session(random, |session| session.state != "closed");
        match random.below(50) {
            0 => self.join_anywhere(random),
            1 => self.come_back(random),
            2..=7 => self.live(random),
            8 if random.below(2) == 0 => self.transfer(random),
            8..=9 => {
                let number = self.some_session(random, |session| !session.is_held);
                self.hold(random, number)
            }
            10..=11 => self.put(random, open),
            12..=19 => self.call_and_close(random, open),
            20..=21 => self.close(open),
            22..=25 => {
                let number = self.some_session(random, |session| session.state == "closed");
                self.reopen(number)
            }
            26..=29 => self.settle(random),
            30..=33 => self.gather(random, open),
            34..=35 => {
                let number = self.some_session(random, |session| session.state != "closed" && !session.evidence.is_empty());
                self.take_back_file(random, number)
            }
            36..=38 => self.grant_leave(random),
            39 => self.withdraw_leave(random),
            40..=43 => self.come_as_guest(random),
            44 => {
                let number = self.some_session(random, |session| session.state != "closed" && !session.guests.is_empty());
                self.dismiss(random, number)
            }
            45..=48 => self.adjust(random),
            _ => self.take_back(random),
        }
    }

    /// Mostly a session of that kind, if there is one.
    fn some_session(&self, random: &mut Random, is_meant: impl Fn(&Session) -> bool) -> Number {
        let meant: Vec<Number> = (0..SESSIONS.len()).filter(|number| is_meant(&self.world.sessions[*number])).collect();
        let any = random.below(SESSIONS.len());
        if random.below(8) == 0 { any } else { pick(random, &meant).unwrap_or(any) }
    }

    /// A second near the begin or the end of some session, or anywhere.
    fn some_second(&self, random: &mut Random) -> Second {
        let span = self.world.sessions[random.below(SESSIONS.len())].span;
        match random.below(8) {
            0 => signed(random.below(6 * 86_400)) - 3600,
            1..=4 => span.0 + [-60, -1, 0, 0, 1, 60][random.below(6)],
            _ => span.1 + [-60, -1, 0, 1, 60][random.below(5)],
        }
    }

    /// Whole minutes that touch some session.
    fn some_minutes(&self, random: &mut Random) -> Span {
        let span = self.world.sessions[random.below(SESSIONS.len())].span;
        let from = span.0 + 60 * (signed(random.below(100)) - 40);
        (from, from + 60 * (1 + signed(random.below(120))))
    }

    fn grant_leave(&mut self, random: &mut Random) -> String {
        let mut span = self.some_minutes(random);
        if random.below(3) == 0 {
            // About the beginning of what somebody missed, so that seconds matter.
            let Session { span: of, .. } = self.world.sessions[random.below(SESSIONS.len())];
            span = (of.0 - 60 * signed(random.below(30)), of.0 + 60 * (5 + signed(random.below(40))));
        }
        let mut body = seed::leave_body("", &clock(span.0), (span.1 - span.0) / 60);
        // Those two are a crew, as long as they have not left.
        let crew = self.world.places.iter().filter(|place| place.person < 2 && !place.has_left()).map(|place| place.person);
        let crew: BTreeSet<Person> = crew.collect();
        let people = if random.below(3) == 0 && !crew.is_empty() {
            (body["enrollment_id"], body["crew"]) = (json!(null), json!("甲"));
            crew
        } else {
            let place = &self.world.places[random.below(self.world.places.len())];
            body["enrollment_id"] = json!(place.id);
            BTreeSet::from([place.person])
        };
        let id = self.course.coordinator.post(&format!("/intakes/{}/leave-requests", self.course.intake), body).expect(201).id();
        seed::step_leave(&self.course, &id, "grant", None).expect(200);
        let told = format!("leave of {people:?} in {span:?}");
        self.world.leave.push(Leave { id, people, span });
        told
    }

    fn withdraw_leave(&mut self, random: &mut Random) -> String {
        if self.world.leave.is_empty() {
            return "no leave to withdraw".to_owned();
        }
        let leave = self.world.leave.swap_remove(random.below(self.world.leave.len()));
        seed::step_leave(&self.course, &leave.id, "withdraw", Some("at random")).expect(200);
        format!("leave of {:?} in {:?} withdrawn", leave.people, leave.span)
    }
}

#[test]
fn whatever_happens_to_a_class_everything_told_of_it_is_what_a_plain_model_says() {
    let mut random = Random::seeded();
    let app = spawn_app();
    for class in 0..operations(3) {
        let mut run = Run::new(&app, &mut random, class);
        for number in 1..=STEPS {
            let what = run.step(&mut random);
            println!("{class}, {number}: {what}");
            if number % 2 == 0 {
                run.compare_report();
            }
            if number % 20 == 0 {
                run.compare();
            }
        }
        run.compare();
    }
    assert_eq!(app.findings(), Vec::<String>::new());
}
