//! What becomes of enrollments, and from when.

use serde_json::{Value, json};

use super::{
    MOST, Run, clock, pick,
    plain::{Member, Number, OPENING, Period, Person, Place, Second, World},
};
use crate::support::{Random, Reply, seed};

/// What a step leads to, and what it is called; a move leads to the same state.
fn steps(state: &str) -> &'static [(&'static str, &'static str)] {
    match state {
        "approved" => &[("enroll", "enrolled"), ("enroll", "enrolled"), ("move", "approved"), ("withdraw", "withdrawn")],
        "enrolled" => &[
            ("suspend", "suspended"),
            ("suspend", "suspended"),
            ("suspend", "suspended"),
            ("move", "enrolled"),
            ("move", "enrolled"),
            ("move", "enrolled"),
            ("move", "enrolled"),
            ("withdraw", "withdrawn"),
            ("complete", "completed"),
            ("fail", "failed"),
        ],
        "suspended" => &[("resume", "enrolled"), ("resume", "enrolled"), ("move", "suspended"), ("withdraw", "withdrawn")],
        _ => &[],
    }
}

impl Place {
    pub fn has_left(&self) -> bool {
        matches!(self.state(), "withdrawn" | "transferred")
    }
}

impl World {
    /// Where somebody is, and where they came from, each with the modules whose hours are theirs or can come to be.
    fn places_of(&self, member: Member) -> Vec<(Member, Vec<usize>)> {
        let mut places = vec![(member, vec![0, 1, 2])];
        for module in self.places[member].modules() {
            let mut at = member;
            // From the last place where it was taught too; where it was taught nowhere, from the last one at all.
            while let Some(last) = self.places[at].origin.filter(|_| self.places[at].modules().contains(&module)) {
                let before = std::iter::successors(Some(last), |one| self.places[*one].origin);
                at = before.into_iter().find(|one| self.places[*one].modules().contains(&module)).unwrap_or(last);
                places.push((at, vec![module]));
            }
        }
        places
    }

    /// Whether a roll call of these modules that counts for somebody is not closed: of a held session that they owe, to which they were invited,
    /// or by which something stands that they made up.
    fn rests_on_unclosed(&self, member: Member, modules: &[usize]) -> bool {
        let is_open = |number: Number| self.sessions[number].is_held && self.sessions[number].state != "closed";
        let made_up =
            |number: Number| self.made_up.iter().any(|((own, _, there), minutes)| (*own, *there) == (member, number) && *minutes > 0);
        let counts = |number: Number| self.owes(member, number) || self.is_guest(member, number) || made_up(number);
        (0..self.sessions.len()).any(|number| modules.contains(&self.sessions[number].module) && is_open(number) && counts(number))
    }

    /// What nobody is completed or failed over.
    fn undecidable(&self, member: Member) -> Option<&'static str> {
        let places = self.places_of(member);
        let is_unsettled = |(one, modules): &(Member, Vec<usize>)| {
            self.unsettled(*one).iter().any(|(number, _)| modules.contains(&self.sessions[*number].module))
        };
        if places.iter().any(is_unsettled) {
            return Some("sessions_unsettled");
        }
        places.iter().any(|(one, modules)| self.rests_on_unclosed(*one, modules)).then_some("roll_calls_open")
    }
}

impl Run {
    /// Somebody new in a cohort, from the opening or from later on.
    pub(super) fn join(&mut self, random: &mut Random, cohort: usize) -> String {
        let trainee = seed::recruit(&self.course);
        self.people.push(trainee);
        let from = (random.below(2) == 0).then(|| self.some_second(random));
        self.enroll(random, self.people.len() - 1, cohort, from)
    }

    pub(super) fn join_anywhere(&mut self, random: &mut Random) -> String {
        if self.people.len() == MOST {
            return "the class is full".to_owned();
        }
        let cohort = random.below(3);
        self.join(random, cohort)
    }

    /// Somebody who withdrew is enrolled once more.
    pub(super) fn come_back(&mut self, random: &mut Random) -> String {
        let is_out = |person: &Person| self.world.places.iter().filter(|place| place.person == *person).all(Place::has_left);
        let out: Vec<Person> = (0..self.people.len()).filter(is_out).collect();
        let Some(person) = pick(random, &out) else { return "nobody is out".to_owned() };
        let from = (random.below(2) == 0).then(|| self.some_second(random));
        let cohort = random.below(3);
        self.enroll(random, person, cohort, from)
    }

    /// Until when an earlier enrollment of somebody lasted.
    fn taken_until(&self, person: Person) -> Option<Second> {
        let earlier = self.world.places.iter().filter(|place| place.person == person).flat_map(|place| &place.periods);
        earlier.filter(|period| matches!(period.state, "enrolled" | "suspended")).filter_map(|period| period.until).max()
    }

    fn enroll(&mut self, random: &mut Random, person: Person, cohort: usize, from: Option<Second>) -> String {
        let state = if random.below(4) == 0 { "approved" } else { "enrolled" };
        let discipline = cohort / 2;
        let mut body = seed::enrollment_body(&self.course, &self.people[person]);
        body["discipline_id"] = json!([&self.course.program.metallurgy, &self.course.program.mechanics][discipline]);
        body["cohort_id"] = json!(self.cohorts[cohort]);
        body["state"] = json!(state);
        body["from"] = json!(from.map(clock));
        if person < 2 {
            body["crew"] = json!("甲");
        }
        let taken = self.taken_until(person);
        let reply = self.course.coordinator.post(&format!("/intakes/{}/enrollments", self.course.intake), body);
        let told = format!("{person} joins {cohort} as {state} from {from:?}");
        if taken.is_some_and(|taken| from.is_some_and(|from| from < taken)) {
            reply.fault("/from", "overlaps_earlier_enrollment");
            return format!("{told}: refused");
        }
        let from = from.unwrap_or_else(|| taken.unwrap_or(OPENING).max(OPENING));
        let periods = vec![Period { cohort, state, from, until: None }];
        let reply = reply.expect(201);
        self.world.places.push(Place { id: reply.id(), person, discipline, periods, moved: None, origin: None });
        self.compare_unsettled(self.world.places.len() - 1, &reply.body);
        format!("{told}: it is {}", self.world.places.len() - 1)
    }

    /// When a step takes effect: now, or at some second, more often than not after the last one.
    fn effective(&mut self, random: &mut Random, after: Second) -> Option<Second> {
        if random.below(6) == 0 {
            return None;
        }
        let tries: Vec<Second> = (0..4).map(|_| self.some_second(random)).collect();
        Some(tries.iter().copied().find(|at| *at > after).unwrap_or(tries[0]))
    }

    pub(super) fn live(&mut self, random: &mut Random) -> String {
        let number = random.below(self.world.places.len());
        let place = self.world.places[number].clone();
        let Some((verb, state)) = pick(random, steps(place.state())) else { return format!("nothing becomes of {number}") };
        if verb == "move" && place.discipline == 1 {
            return format!("{number} has nowhere to move");
        }
        let owes_nothing_yet = place.state() == "approved";
        let at = self.effective(random, if owes_nothing_yet { OPENING } else { place.last().from });
        let cohort = if verb == "move" { 1 - place.last().cohort } else { place.last().cohort };
        let mut body = json!({ "reason": "at random", "effective_at": at.map(clock) });
        if verb == "move" {
            body["cohort_id"] = json!(self.cohorts[cohort]);
        }
        let reply = self.course.coordinator.post(&format!("/enrollments/{}/{verb}", place.id), body);
        let told = format!("{verb} {number} to {cohort} at {at:?}");
        let taken = self.taken_until(place.person).filter(|_| verb == "enroll");
        if at.is_some_and(|at| taken.is_some_and(|taken| at < taken)) {
            reply.fault("/effective_at", "overlaps_earlier_enrollment");
            return format!("{told}: refused");
        }
        if verb == "enroll" && at.is_some_and(|at| place.moved.is_some_and(|moved| at < moved)) {
            reply.fault("/effective_at", "before_cohort_move");
            return format!("{told}: refused");
        }
        if at.is_some_and(|at| at <= place.last().from && !owes_nothing_yet) {
            reply.fault("/effective_at", "before_present_state");
            return format!("{told}: refused");
        }
        if verb == "move" {
            self.world.places[number].moved = at;
        }
        let at = at.unwrap_or_else(|| self.world.now());
        self.world.places[number].step(cohort, state, at);
        if let Some(code) = self.world.undecidable(number).filter(|_| matches!(state, "completed" | "failed")) {
            self.world.places[number] = place;
            reply.expect(409).problem(code);
            return format!("{told}: refused, {code}");
        }
        let reply = reply.expect(200);
        assert_eq!(reply.body["state"], state);
        self.compare_unsettled(number, &reply.body);
        told
    }

    /// Somebody goes on in the other discipline.
    pub(super) fn transfer(&mut self, random: &mut Random) -> String {
        let all = 0..self.world.places.len();
        let staying: Vec<Member> = all.filter(|number| self.world.places[*number].stays()).collect();
        let Some(number) = pick(random, &staying) else { return "nobody to transfer".to_owned() };
        let place = self.world.places[number].clone();
        let at = self.effective(random, place.last().from);
        let discipline = 1 - place.discipline;
        let cohort = if discipline == 1 { 2 } else { random.below(2) };
        let discipline_id = [&self.course.program.metallurgy, &self.course.program.mechanics][discipline];
        let body = json!({ "intake_id": self.course.intake, "discipline_id": discipline_id,
            "cohort_id": self.cohorts[cohort], "reason": "at random", "effective_at": at.map(clock) });
        let reply = self.course.coordinator.post(&format!("/enrollments/{}/transfer", place.id), body);
        let told = format!("transfer {number} to {cohort} at {at:?}");
        if at.is_some_and(|at| at <= place.last().from) {
            reply.fault("/effective_at", "before_present_state");
            return format!("{told}: refused");
        }
        let at = at.unwrap_or_else(|| self.world.now());
        self.world.places[number].step(place.last().cohort, "transferred", at);
        let from = self.taken_until(place.person).map_or(at, |taken| taken.max(at));
        let periods = vec![Period { cohort, state: "enrolled", from, until: None }];
        let reply = reply.expect(201);
        self.world.places.push(Place { id: reply.id(), person: place.person, discipline, periods, moved: None, origin: Some(number) });
        self.compare_carried(&reply);
        format!("{told}: it is {}", self.world.places.len() - 1)
    }

    fn compare_carried(&self, reply: &Reply) {
        let number = self.world.places.len() - 1;
        let carried: i64 = reply.body["carried"].as_array().unwrap().iter().map(|one| one["minutes"].as_i64().unwrap()).sum();
        assert_eq!(carried, self.world.carried(number), "{}", reply.text);
        self.compare_unsettled(number, &reply.body);
    }

    /// Holds what is told of an enrollment against the sessions that are unsettled for it.
    #[track_caller]
    pub(super) fn compare_unsettled(&self, number: Member, told: &Value) {
        let unsettled = self.world.unsettled(number);
        let mut listed: Vec<Value> = told["unsettled_sessions"].as_array().unwrap().clone();
        listed.sort_by_key(|session| session["code"].to_string());
        let listed: Vec<Value> = listed.iter().map(|session| json!([session["session_id"], session["kind"]])).collect();
        let expected: Vec<Value> = unsettled.iter().map(|(session, kind)| json!([self.world.sessions[*session].id, kind])).collect();
        assert_eq!(listed, expected, "enrollment {number} {:?}", self.world.places[number]);
    }
}
