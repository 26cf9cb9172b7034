//! Seats, quotas and the waitlist against a plain model, in random order.

use std::collections::BTreeMap;

use serde_json::json;

use crate::support::{App, Random, Reply, operations, seed, seed::Course, spawn_app};

/// A place as the model has it.
#[derive(Clone, Debug)]
struct Place {
    id: String,
    /// Of four plants, the first two of one sponsor.
    plant: usize,
    state: &'static str,
    priority: i16,
    position: usize,
    expired: bool,
}

#[derive(Clone, Debug, Default)]
struct Model {
    capacity: Option<usize>,
    sponsors: [Option<usize>; 2],
    plants: [Option<usize>; 4],
    offers: bool,
    places: Vec<Place>,
    positions: usize,
}

impl Model {
    fn taken(&self, counts: impl Fn(&Place) -> bool) -> usize {
        self.places.iter().filter(|place| matches!(place.state, "offered" | "approved") && counts(place)).count()
    }

    fn fits(&self, plant: usize) -> bool {
        let below = |limit: Option<usize>, taken: usize| limit.is_none_or(|limit| taken < limit);
        below(self.capacity, self.taken(|_| true))
            && below(self.sponsors[plant / 2], self.taken(|place| place.plant / 2 == plant / 2))
            && below(self.plants[plant], self.taken(|place| place.plant == plant))
    }

    /// What whoever counts seats does first and last.
    fn settle(&mut self) {
        for place in self.places.iter_mut().filter(|place| place.state == "offered" && place.expired) {
            place.state = "withdrawn";
        }
        let mut waiting: Vec<usize> = (0..self.places.len()).filter(|index| self.places[*index].state == "waitlisted").collect();
        waiting.sort_by_key(|index| (-self.places[*index].priority, self.places[*index].position));
        for index in waiting {
            if self.fits(self.places[index].plant) {
                self.places[index].state = if self.offers { "offered" } else { "approved" };
            }
        }
    }

    /// Takes a step if it is legal and there is room, and else leaves everything as it was; says which.
    fn step(&mut self, index: usize, verb: &str, priority: i16) -> bool {
        let before = self.clone();
        self.settle();
        let (state, plant) = (self.places[index].state, self.places[index].plant);
        let seated = matches!(state, "offered" | "approved");
        let to = match (verb, state) {
            ("waitlist", "nominated") => "waitlisted",
            ("approve", "nominated" | "waitlisted") if self.fits(plant) => "approved",
            ("approve" | "accept", "offered") => "approved",
            ("offer", "nominated" | "waitlisted") if self.offers && self.fits(plant) => "offered",
            ("decline", "offered") | ("withdraw", "nominated" | "waitlisted" | "offered" | "approved") => "withdrawn",
            ("reject", "nominated" | "waitlisted" | "offered") => "rejected",
            _ => {
                *self = before;
                return false;
            }
        };
        let place = &mut self.places[index];
        (place.state, place.expired) = (to, place.expired && seated && to == "offered");
        if verb == "waitlist" {
            self.positions += 1;
            (place.priority, place.position) = (priority, self.positions);
        }
        self.settle();
        true
    }
}

/// The server beside the model.
struct Run<'a> {
    app: &'a App,
    course: Course,
    sponsors: [String; 2],
    plants: [String; 4],
    model: Model,
}

impl Run<'_> {
    fn begin(app: &App, offers: bool) -> Run<'_> {
        let course = seed::course(app);
        let other = seed::sponsor(app, "BAOWU");
        let own = &course.sponsor;
        let plants = [&own.plants[0], &own.plants[1], &other.plants[0], &other.plants[1]].map(String::clone);
        let settings = json!({ "waitlist": true, "offer_days": offers.then_some(7) });
        course.coordinator.if_match("*").patch(&format!("/intakes/{}", course.intake), settings).expect(200);
        let sponsors = [own.id.clone(), other.id.clone()];
        Run { app, course, sponsors, plants, model: Model { offers, ..Model::default() } }
    }

    fn nominee(&self, plant: usize) -> serde_json::Value {
        let mut body = seed::nomination_body(&self.course);
        body["unit_id"] = json!(self.plants[plant]);
        body
    }

    fn nominate(&mut self, random: &mut Random) {
        let plant = random.below(4);
        let path = format!("/intakes/{}/nominations", self.course.intake);
        let id = self.course.coordinator.post(&path, self.nominee(plant)).expect(201).id();
        self.model.places.push(Place { id, plant, state: "nominated", priority: 0, position: 0, expired: false });
    }

    fn step(&mut self, random: &mut Random) {
        let verbs = ["waitlist", "waitlist", "approve", "offer", "accept", "decline", "withdraw", "withdraw", "reject"];
        let (verb, index) = (verbs[random.below(verbs.len())], random.below(self.model.places.len()));
        let priority = i16::try_from(random.below(3)).unwrap();
        let body = if verb == "waitlist" { json!({ "priority": priority }) } else { json!({ "reason": "by chance" }) };
        let reply = self.course.coordinator.post(&format!("/enrollments/{}/{verb}", self.model.places[index].id), body);
        let expected = if self.model.step(index, verb, priority) { 200 } else { 409 };
        assert_eq!(reply.status, expected, "{verb} {}", reply.text);
    }

    /// Gives a place to somebody else.
    fn replace(&mut self, random: &mut Random) {
        let index = random.below(self.model.places.len());
        let old = self.model.places[index].clone();
        let body = json!({ "trainee": self.nominee(old.plant)["trainee"], "reason": "by chance" });
        let reply = self.course.coordinator.post(&format!("/enrollments/{}/replace", old.id), body);
        let before = self.model.clone();
        self.model.settle();
        let place = self.model.places[index].clone();
        if matches!(place.state, "withdrawn" | "rejected") {
            self.model = before;
            reply.expect(409).problem("illegal_transition");
            return;
        }
        self.model.places[index].state = "withdrawn";
        self.model.places.push(Place { id: reply.expect(201).id(), ..place });
    }

    fn limit(&mut self, random: &mut Random) {
        let seats = random.below(5);
        let intake = format!("/intakes/{}", self.course.intake);
        let quota = |of: &str| -> Reply {
            self.course.coordinator.if_match("*").put(&format!("{intake}/seat-quotas/{of}"), json!({ "seats": seats }))
        };
        let (stored, of): (&mut Option<usize>, _) = match random.below(4) {
            0 | 1 => {
                let capacity = 2 * seats;
                self.course.coordinator.if_match("*").patch(&intake, json!({ "capacity": capacity })).expect(200);
                if self.model.capacity != Some(capacity) {
                    self.model.settle();
                    self.model.capacity = Some(capacity);
                    self.model.settle();
                }
                return;
            }
            2 => {
                let sponsor = random.below(2);
                (&mut self.model.sponsors[sponsor], &self.sponsors[sponsor])
            }
            _ => {
                let plant = random.below(4);
                (&mut self.model.plants[plant], &self.plants[plant])
            }
        };
        quota(of).expect(200);
        if *stored != Some(seats) {
            *stored = Some(seats);
            self.model.settle();
        }
    }

    fn expire(&mut self, random: &mut Random) {
        let index = random.below(self.model.places.len());
        let place = &mut self.model.places[index];
        if place.state == "offered" {
            place.expired = true;
            let (key, past) = (self.app.hex(&place.id), self.app.instant("2020-06-01T00:00:00Z"));
            self.app.sql(&format!("UPDATE enrollments SET offer_expires_at = {past} WHERE id = {key}")).unwrap();
        }
    }

    #[track_caller]
    fn compare(&self) {
        let path = format!("/intakes/{}/enrollments?limit=500", self.course.intake);
        let list = self.course.coordinator.get(&path).expect(200);
        let stored: BTreeMap<String, String> = list.column("id").into_iter().zip(list.column("state")).collect();
        let expected = self.model.places.iter().map(|place| (place.id.clone(), place.state.to_owned())).collect();
        assert_eq!(stored, expected, "{:#?}", self.model);
        let taken = i64::try_from(self.model.taken(|_| true)).unwrap();
        assert_eq!(self.app.count("SELECT seats_taken FROM intakes"), taken);
    }
}

#[test]
fn seats_go_where_a_plain_model_gives_them() {
    let mut random = Random::seeded();
    for offers in [true, false] {
        let app = spawn_app();
        let mut run = Run::begin(&app, offers);
        // A page shows them all.
        for _ in 0..operations(120).min(480) {
            match random.below(10) {
                _ if run.model.places.is_empty() => run.nominate(&mut random),
                0..=2 => run.nominate(&mut random),
                3 => run.limit(&mut random),
                4 => run.expire(&mut random),
                5 => run.replace(&mut random),
                _ => run.step(&mut random),
            }
            run.compare();
        }
        run.course.coordinator.if_match("*").patch(&format!("/intakes/{}", run.course.intake), json!({ "name": "结束" })).expect(200);
        assert_eq!(app.findings(), Vec::<String>::new());
    }
}
