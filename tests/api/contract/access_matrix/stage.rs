//! Both worlds on one server, the clients of world A, and what is made anew for a request that succeeds.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicUsize, Ordering},
};

use muster::access::Role;
use serde_json::{Value, json};

use super::world::World;
use crate::support::{App, Client, Invited, Reply, TokenOptions, spawn_app};

/// The columns of the table.
pub const ROLES: [&str; 8] = ["anonymous", "administrator", "coordinator", "class_adviser", "instructor", "partner", "trainee", "auditor"];

pub struct Stage {
    pub app: App,
    pub a: World,
    pub b: World,
    pub clients: BTreeMap<&'static str, Client>,
    count: AtomicUsize,
}

impl Stage {
    pub fn set() -> Self {
        let app = spawn_app();
        let (a, b) = (World::create(&app, "A"), World::create(&app, "B"));
        let mut stage = Self { app, a, b, clients: BTreeMap::new(), count: AtomicUsize::new(1000) };
        stage.clients = ROLES.into_iter().map(|role| (role, stage.client(role, TokenOptions::default()))).collect();
        stage
    }

    /// The role of that name, where it is held in world A, and by whom.
    fn post(&self, role: &str) -> (Role, Option<&str>, Option<&str>) {
        let (organization, person) = match role {
            "administrator" => (None, None),
            "coordinator" | "auditor" => (Some("provider"), None),
            "class_adviser" => (Some("provider"), Some("adviser")),
            "instructor" => (Some("provider"), Some("lead")),
            "partner" => (Some("s1"), None),
            "trainee" => (Some("provider"), Some("t1")),
            other => panic!("no role {other}"),
        };
        (role.parse().unwrap(), organization.map(|name| self.a.id(name)), person.map(|name| self.a.id(name)))
    }

    /// A client of world A in that role, with a token of its own.
    pub fn client(&self, role: &str, options: TokenOptions) -> Client {
        if role == "anonymous" {
            return self.app.anonymous();
        }
        let (role, organization, person) = self.post(role);
        self.app.client_for(role, organization, person, options)
    }

    /// A user of world A in that role, who was invited.
    pub fn invited(&self, role: &str) -> Invited {
        let (role, organization, person) = self.post(role);
        self.app.invited(role, organization, person)
    }

    /// As [`Stage::invited`], with a password.
    pub fn user(&self, role: &str) -> Invited {
        let (role, organization, person) = self.post(role);
        self.app.user(role, organization, person)
    }

    /// A client with a role at an organization of world A, as one of its people.
    pub fn client_of(&self, role: Role, organization: &str, person: Option<&str>, options: TokenOptions) -> Client {
        self.app.client_for(role, Some(self.a.id(organization)), person.map(|person| self.a.id(person)), options)
    }

    /// A number that was not given out before.
    pub fn number(&self) -> usize {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    /// A code that was not given out before.
    pub fn code(&self) -> String {
        format!("CANARY-A-{}", self.number())
    }

    /// The names of ids, those of world B with `B.`; an id that neither world has stands for itself, null for `none`.
    pub fn names<'a>(&self, ids: impl Iterator<Item = &'a Value>) -> BTreeSet<String> {
        let name = |id: &Value| {
            let Some(id) = id.as_str() else { return "none".to_owned() };
            let of = |world: &World| world.ids.iter().find(|(_, known)| *known == id).map(|(name, _)| name.clone());
            of(&self.a).or_else(|| of(&self.b).map(|name| format!("B.{name}"))).unwrap_or_else(|| id.to_owned())
        };
        ids.map(name).collect()
    }

    /// What an answer says that this role of world A may never learn, whatever it asks.
    ///
    /// The one exception is the directory of organizations, which whoever enrolls people has to see whole (DESIGN of `organizations`).
    pub fn leaks(&self, role: &str, operation: &str, reply: &Reply) -> Vec<String> {
        let provider = matches!(role, "coordinator" | "auditor");
        let directory = provider && matches!(operation, "list_organizations" | "read_organization");
        // Whoever was given the address of a feed or an invitation was given what it shows.
        let given = matches!(operation, "read_schedule" | "read_invitation");
        if matches!(role, "administrator" | "anonymous") || directory || given {
            return Vec::new();
        }
        let told = format!("{:?} {}", reply.headers, reply.text);
        let mut leaks = self.leaked_texts(role, operation, reply);
        let others = self.b.ids.iter().map(|(name, id)| (format!("B.{name}"), id));
        let hidden = hidden(role).map(|name| (name.to_owned(), &self.a.ids[name]));
        for (name, _) in others.chain(hidden).filter(|(_, id)| told.contains(id.as_str())) {
            leaks.push(format!("{operation} as {role} tells the id of {name}: {told}"));
        }
        leaks
    }
}

impl Stage {
    /// As [`Stage::leaks`], for requests that name others' ids themselves, so that only a text gives a leak away.
    pub fn leaked_texts(&self, role: &str, operation: &str, reply: &Reply) -> Vec<String> {
        let told = format!("{:?} {}", reply.headers, reply.text);
        let forbidden: &[&str] = if role == "partner" { &["CANARY-B", "CANARY-A2"] } else { &["CANARY-B"] };
        let told_of = forbidden.iter().filter(|mark| told.contains(**mark));
        told_of.map(|mark| format!("{operation} as {role} tells {mark}: {told}")).collect()
    }
}

/// What of its own world a role never gets to see.
fn hidden(role: &str) -> impl Iterator<Item = &'static str> {
    let names = match role {
        "class_adviser" => "i2 p2 v2 v1d c3 t4 t5 t6 t7 e4 e5 e6 e7 other away r2 import import2 leave4 leave6",
        "instructor" => "i2 p2 v2 v1d c2 c3 t4 t5 t6 t7 e4 e5 e6 e7 other joint draft away r2 unsettled leave4 leave6",
        "partner" => "s2 s2p1 s2p2 i2 p2 v2 v1d c3 t3 t4 t6 t7 e3 e4 e6 e7 draft away r2 correction3 leave3 leave4 leave6",
        "trainee" => {
            "i2 p2 v2 v1d c3 t2 t3 t4 t5 t6 t7 e2 e3 e4 e5 e6 e7 other draft away r2 correction3 leave3 leave4 \
             leave6"
        }
        _ => "",
    };
    names.split_whitespace()
}

/// Made by the coordinator of world A, in the first intake and its first cohort.
impl Stage {
    pub fn draft_version(&self) -> String {
        self.a.coordinator.post(&format!("/programs/{}/versions", self.a.id("p1")), self.a.plan()).expect(201).id()
    }

    pub fn confirmed_version(&self) -> String {
        let id = self.draft_version();
        self.a.coordinator.post(&format!("/program-versions/{id}/confirm"), json!({})).expect(200);
        id
    }

    /// An intake that has taken these steps.
    pub fn intake(&self, steps: &[&str]) -> String {
        let id = self.a.coordinator.post("/intakes", self.a.intake(&self.code(), self.a.id("v1"))).expect(201).id();
        for step in steps {
            self.a.coordinator.post(&format!("/intakes/{id}/{step}"), json!({})).expect(200);
        }
        id
    }

    pub fn trainee(&self) -> String {
        self.a.person("trainees", &self.code(), "s1p1", "CANARY-A1")
    }

    /// A nomination of somebody new of the sponsor that the partner is of.
    pub fn nomination(&self) -> Value {
        let nominee = json!({ "name": "CANARY-A1 nominee", "employee_number": self.code() });
        json!({ "trainee": nominee, "discipline_id": self.a.id("v1d1"), "cohort_id": self.a.id("c1"), "unit_id": self.a.id("s1p1") })
    }

    /// Somebody new of that sponsor, for a place that somebody has.
    pub fn replacement(&self) -> Value {
        json!({ "trainee": self.nomination()["trainee"], "reason": "CANARY-A as agreed" })
    }

    /// An enrollment that began so.
    pub fn enrollment(&self, state: &str) -> String {
        let mut body = self.a.enrollment(&self.trainee(), "s1p1", state);
        // After the closed sessions, which would have to be settled before a step decides by them.
        body["from"] = json!("2020-08-01T00:00:00Z");
        self.a.coordinator.post(&format!("/intakes/{}/enrollments", self.a.id("i1")), body).expect(201).id()
    }

    pub fn offered_enrollment(&self) -> String {
        let id = self.enrollment("nominated");
        self.a.coordinator.post(&format!("/enrollments/{id}/offer"), json!({ "reason": "as agreed" })).expect(200);
        id
    }

    pub fn suspended_enrollment(&self) -> String {
        let id = self.enrollment("enrolled");
        self.a.coordinator.post(&format!("/enrollments/{id}/suspend"), json!({ "reason": "a while away" })).expect(200);
        id
    }

    /// A file with one new trainee for the first intake.
    pub fn roster(&self) -> String {
        let row = format!("CANARY-A1 imported,{},CANARY-A1-s1p1,CANARY-A-D1,CANARY-A-c1", self.code());
        format!("name,employee_number,organization,discipline,cohort\n{row}")
    }

    /// An import that can be undone.
    pub fn import(&self) -> String {
        let path = format!("/intakes/{}/enrollments/import", self.a.id("i1"));
        self.a.coordinator.post_file(&path, "CANARY-A.csv", self.roster().as_bytes()).expect(200).text_at("/import_id")
    }

    /// A session to be scheduled at a time of its own.
    pub fn new_session(&self) -> Value {
        let slot = self.number();
        self.a.session(&format!("S{slot}"), i64::try_from(slot).unwrap(), "v1m1", &["c1"], "lead")
    }

    pub fn draft(&self) -> String {
        self.a.coordinator.post(&format!("/intakes/{}/sessions", self.a.id("i1")), self.new_session()).expect(201).id()
    }

    pub fn session(&self) -> String {
        let id = self.draft();
        self.a.coordinator.post(&format!("/sessions/{id}/publish"), json!({})).expect(200);
        id
    }

    /// A session that may overlap the one that was held.
    pub fn waived(&self) -> String {
        let id = self.session();
        let waiver = json!({ "other_session_id": self.a.id("held"), "reason": "CANARY-A as agreed" });
        self.a.coordinator.post(&format!("/sessions/{id}/waivers"), waiver).expect(201);
        id
    }

    /// A session of the common module, of the first cohort alone.
    pub fn common(&self) -> String {
        let slot = self.number();
        let session = self.a.session(&format!("S{slot}"), i64::try_from(slot).unwrap(), "v1m3", &["c1"], "lead");
        let id = self.a.coordinator.post(&format!("/intakes/{}/sessions", self.a.id("i1")), session).expect(201).id();
        self.a.coordinator.post(&format!("/sessions/{id}/publish"), json!({})).expect(200);
        id
    }

    /// As [`Stage::common`], with a guest of the second cohort.
    pub fn visited(&self) -> String {
        let id = self.common();
        let guest = json!({ "enrollment_id": self.a.id("e5"), "missed_session_id": self.a.id("joint"), "note": "CANARY-A" });
        self.a.coordinator.post(&format!("/sessions/{id}/guests"), guest).expect(201);
        id
    }

    /// A session that was held, whose roll was not called.
    pub fn held(&self) -> String {
        let id = self.session();
        self.a.coordinator.post(&format!("/sessions/{id}/hold"), json!({})).expect(200);
        id
    }

    /// A session whose whole roll was called.
    pub fn called(&self) -> String {
        let id = self.session();
        let path = format!("/sessions/{id}/roll-call");
        let expected = self.a.coordinator.get(&path).expect(200).body["entries"].as_array().unwrap().clone();
        let present = |entry: &Value| json!({ "enrollment_id": entry["enrollment_id"], "code": "present" });
        let entries: Vec<Value> = expected.iter().map(present).collect();
        self.a.coordinator.put(&path, json!({ "entries": entries })).expect(200);
        id
    }

    pub fn called_and_held(&self) -> String {
        let id = self.called();
        self.a.coordinator.post(&format!("/sessions/{id}/hold"), json!({})).expect(200);
        id
    }

    /// Leave for which the trainee asked.
    pub fn leave(&self) -> String {
        let path = format!("/intakes/{}/leave-requests", self.a.id("i1"));
        self.clients["trainee"].post(&path, self.a.leave("e1", &self.code())).expect(201).id()
    }

    /// A correction for which the trainee asked, of a session of its own.
    pub fn correction(&self) -> String {
        let path = format!("/sessions/{}/correction-requests", self.closed());
        self.clients["trainee"].post(&path, self.a.correction("e1", "CANARY-A as agreed")).expect(201).id()
    }

    /// Minutes that were posted by hand.
    pub fn adjustment(&self) -> String {
        let path = format!("/enrollments/{}/hours", self.a.id("e2"));
        let body = json!({ "session_id": self.a.id("held"), "minutes": 1, "reason": "CANARY-A as agreed" });
        self.a.coordinator.post(&path, body).expect(201).id()
    }

    pub fn closed(&self) -> String {
        let id = self.called_and_held();
        self.a.coordinator.post(&format!("/sessions/{id}/roll-call/close"), json!({})).expect(200);
        id
    }
}
