//! The two worlds: each a provider with two programs and two intakes, two sponsors with two plants each, and everything in between.
//!
//! Every text that a world can hold carries its mark (`CANARY-A`, `CANARY-B`; what is a sponsor's own has `CANARY-A1`, `CANARY-A2`),
//! so that a text that turns up where it should not be names whose it is.
//!
//! | in intake | `i1` | `i2` |
//! |---|---|---|
//! | of program, version | `p1`, `v1` (and a draft `v1d` that nobody runs) | `p2`, `v2` |
//! | quotas | `s1`, `s2` | none |
//! | amendment | `longer` | none |
//! | cohorts (class adviser) | `c1` (`adviser`), `c2` (`adviser2`) | `c3` (`adviser2`) |
//! | enrollments in c1 | `e1` of `t1` (s1p1), `e2` of `t2` (s1p2), `e3` of `t3` (s2p1) | |
//! | enrollments in c2 | `e4` of `t4` (s2p1), `e5` of `t5` (s1p1; employed by s2p1 today) | |
//! | enrollments in c3 | | `e6` of `t6` (s2p1), `e7` of `t3` (s2p1) |
//! | sessions of c1 (`lead`) | `past` published, `held` with its roll closed twice, `cancelled`, `draft` of a series | |
//! | sessions of c1 (`second`) | `unsettled`, its roll closed, and e2 suspended over it afterwards | |
//! | sessions of c2 (`second`) | `other` published | |
//! | session of c1 and c2 (`second`) | `joint`, its roll begun | |
//! | session of c3 (`second`) | | `away` published |
//! | series, each of one draft of `lead` | `series` of c1 | `series2` of c3 |
//! | feeds (and `feed_t1` of t1, `feed_lead` of lead); `schedule` is the last part of an address | `feed`, `schedule` | `feed2` |
//! | leave of e1, e3, e4 (refused), and of the crew of s1; of e6 | `leave1`, `leave3`, `leave4`, `leave_crew` | `leave6` |
//! | corrections of `held` asked for e1, and for e3 (refused) | `correction1`, `correction3` | |
//! | imports, correcting a phone number | `import` of t1 | `import2` of t6 |
//! | evidence | `meeting`: of `t1` in `past` | |
//!
//! `t7` is recorded and enrolled nowhere. The roles of a world: class adviser `adviser`, instructor `lead`, partner `s1`, trainee `t1`.

use std::collections::BTreeMap;

use chrono::{TimeDelta, TimeZone, Utc};
use serde_json::{Value, json};

use crate::support::{App, Client};

/// One world: the ids of its things by the names above.
pub struct World {
    /// `CANARY-A` or `CANARY-B`.
    pub mark: String,
    pub coordinator: Client,
    pub ids: BTreeMap<String, String>,
}

impl World {
    /// Makes everything through the API, as its administrator and its coordinator would.
    pub fn create(app: &App, letter: &str) -> Self {
        let mark = format!("CANARY-{letter}");
        let provider = organization(app, &mark, "provider", "university", None);
        let coordinator = app.coordinator_of(&provider);
        let mut world = Self { mark, coordinator, ids: BTreeMap::new() };
        world.name("provider", provider);
        world.organizations(app);
        world.people();
        world.calendars(app);
        world.programs();
        world.profiles();
        world.intakes();
        world.enrollments();
        world.rooms();
        world.sessions();
        world.roll_calls();
        world.unsettled();
        world.hours();
        world.imports();
        world.feeds();
        world.leave_requests();
        world.corrections();
        world
    }

    #[track_caller]
    pub fn id(&self, name: &str) -> &str {
        self.ids.get(name).unwrap_or_else(|| panic!("the world has no {name}"))
    }

    fn name(&mut self, name: &str, id: String) {
        self.ids.insert(name.to_owned(), id);
    }

    /// The mark of an organization's own: `s1` and its plants have one, `s2` and its plants another.
    fn mark_of(&self, unit: &str) -> String {
        let sponsor = unit.strip_prefix('s').and_then(|unit| unit.get(..1));
        format!("{}{}", self.mark, sponsor.unwrap_or_default())
    }

    fn organizations(&mut self, app: &App) {
        let campus = organization(app, &self.mark, "campus", "unit", Some(self.id("provider")));
        self.name("campus", campus);
        for sponsor in ["s1", "s2"] {
            let mark = self.mark_of(sponsor);
            let id = organization(app, &mark, sponsor, "enterprise", None);
            for plant in [format!("{sponsor}p1"), format!("{sponsor}p2")] {
                let plant_id = organization(app, &mark, &plant, "unit", Some(&id));
                self.name(&plant, plant_id);
            }
            self.name(sponsor, id);
        }
    }

    /// A person of a unit, whose texts are marked as that unit's.
    pub fn person(&self, kind: &str, name: &str, unit: &str, mark: &str) -> String {
        let body = json!({ "name": format!("{mark} {name}"), "latin_name": format!("{mark} latin {name}"), "phone": format!("{mark} 1"),
            "email": format!("{mark}@example.org"), "affiliation": { "organization_id": self.id(unit),
            "employee_number": format!("{}-{name}", self.mark_of(unit)), "title": format!("{} fitter", self.mark_of(unit)) } });
        self.coordinator.post(&format!("/{kind}"), body).expect(201).id()
    }

    fn people(&mut self) {
        for name in ["lead", "second", "adviser", "adviser2"] {
            let id = self.person("instructors", name, "campus", &self.mark);
            self.name(name, id);
        }
        let (one, two) = (self.mark_of("s1"), self.mark_of("s2"));
        // t5 moved to the other sponsor after the enrollment.
        let trainees = [("t1", "s1p1", &one), ("t2", "s1p2", &one), ("t3", "s2p1", &two), ("t4", "s2p1", &two), ("t5", "s2p1", &one)];
        for (name, unit, mark) in trainees.into_iter().chain([("t6", "s2p1", &two), ("t7", "s1p1", &one)]) {
            let id = self.person("trainees", name, unit, mark);
            let number = json!({ "identity_number": self.identity_number(name), "reason": format!("{mark} recorded") });
            self.coordinator.post(&format!("/people/{id}/identity-number"), number).expect(200);
            self.name(name, id);
        }
    }

    /// As it is recorded of a trainee: the same in both worlds, which learn nothing of that.
    pub fn identity_number(&self, trainee: &str) -> String {
        format!("CANARY{}", trainee.to_uppercase())
    }

    /// Holidays for each intake, and the rota of a sponsor.
    fn calendars(&mut self, app: &App) {
        for calendar in ["h1", "h2", "rota"] {
            let mut body = json!({ "kind": "holidays", "code": format!("{}-{calendar}", self.mark),
                "name": format!("{} {calendar}", self.mark), "time_zone": "UTC" });
            if calendar == "rota" {
                body["kind"] = json!("shifts");
                body["organization_id"] = json!(self.id("s1"));
            }
            let id = self.coordinator.post("/calendars", body).expect(201).id();
            self.name(calendar, id);
        }
        let (mark, holidays, rota) = (&self.mark, app.hex(self.id("h1")), app.hex(self.id("rota")));
        let days = format!("({holidays}, '2020-12-25', 'holiday', '{mark} day')");
        app.sql(&format!("INSERT INTO calendar_days (calendar_id, on_date, kind, name) VALUES {days}")).unwrap();
        let (start, end) = (app.instant("2020-12-25T00:00:00Z"), app.instant("2020-12-25T08:00:00Z"));
        let shifts = format!("({rota}, '{mark}-crew', {start}, {end}, '{mark} early')");
        app.sql(&format!("INSERT INTO crew_shifts (calendar_id, crew, starts_at, ends_at, name) VALUES {shifts}")).unwrap();
    }

    fn programs(&mut self) {
        for (program, version) in [("p1", "v1"), ("p2", "v2")] {
            let body = json!({ "code": format!("{}-{program}", self.mark), "name": format!("{} {program}", self.mark),
                "latin_name": format!("{} latin", self.mark) });
            let id = self.coordinator.post("/programs", body).expect(201).id();
            let versions = format!("/programs/{id}/versions");
            let draft = self.coordinator.post(&versions, self.plan()).expect(201).id();
            let why = json!({ "reason": format!("{} agreed", self.mark) });
            let confirmed = self.coordinator.post(&format!("/program-versions/{draft}/confirm"), why).expect(200);
            if program == "p1" {
                let next = self.coordinator.post(&versions, self.plan()).expect(201).id();
                self.name("v1d", next);
            }
            for (index, part) in ["d1", "d2"].into_iter().enumerate() {
                self.name(&format!("{version}{part}"), confirmed.text_at(&format!("/disciplines/{index}/id")));
            }
            for (index, part) in ["m1", "m2", "m3"].into_iter().enumerate() {
                self.name(&format!("{version}{part}"), confirmed.text_at(&format!("/modules/{index}/id")));
            }
            self.name(program, id);
            self.name(version, draft);
        }
    }

    /// Of some instructors what is known of their time, and a discipline of the programs that there are by now.
    fn profiles(&self) {
        for name in ["lead", "adviser"] {
            let away =
                json!({ "from_date": "2020-12-24", "until_date": "2020-12-31", "available": false, "note": format!("{} away", self.mark) });
            let profile = json!({ "time_zone": "UTC", "daily_minutes": null, "weekly_minutes": null,
                "disciplines": [format!("{}-D1", self.mark)], "hours": [], "exceptions": [away] });
            self.coordinator.put(&format!("/instructors/{}/profile", self.id(name)), profile).expect(200);
        }
    }

    /// The content of a version: two disciplines with a module each, and one common to both.
    pub fn plan(&self) -> Value {
        let mark = &self.mark;
        let discipline = |code: &str| json!({ "code": format!("{mark}-{code}"), "name": format!("{mark} {code}"), "latin_name": mark });
        let module = |code: &str, discipline: Option<&str>| {
            json!({ "code": format!("{mark}-{code}"), "discipline": discipline.map(|code| format!("{mark}-{code}")),
                "name": format!("{mark} {code}"), "latin_name": mark, "kind": "theory", "planned_minutes": 40_000 })
        };
        json!({ "total_minutes": 120_000, "disciplines": [discipline("D1"), discipline("D2")],
            "modules": [module("M1", Some("D1")), module("M2", Some("D2")), module("M3", None)] })
    }

    pub fn intake(&self, code: &str, version: &str) -> Value {
        json!({ "program_version_id": version, "code": format!("{}-{code}", self.mark), "name": format!("{} {code}", self.mark),
            "time_zone": "UTC", "opens_on": "2020-05-27", "closes_on": "2020-10-30", "mode": "on_site", "capacity": 200, "waitlist": true,
            "offer_days": 7 })
    }

    fn intakes(&mut self) {
        for (intake, version) in [("i1", "v1"), ("i2", "v2")] {
            let mut body = self.intake(intake, self.id(version));
            body["holiday_calendar_id"] = json!(self.id(if intake == "i1" { "h1" } else { "h2" }));
            let id = self.coordinator.post("/intakes", body).expect(201).id();
            for step in ["open-enrollment", "start"] {
                let why = json!({ "reason": format!("{} {step}", self.mark) });
                self.coordinator.post(&format!("/intakes/{id}/{step}"), why).expect(200);
            }
            self.name(intake, id);
        }
        for (sponsor, seats) in [("s1", 100), ("s2", 50)] {
            let path = format!("/intakes/{}/seat-quotas/{}", self.id("i1"), self.id(sponsor));
            self.coordinator.put(&path, json!({ "seats": seats })).expect(200);
        }
        let amendment = json!({ "module_id": self.id("v1m3"), "delta_minutes": 90, "reason": format!("{} longer", self.mark) });
        let amendment = self.coordinator.post(&format!("/intakes/{}/amendments", self.id("i1")), amendment).expect(201).id();
        self.name("longer", amendment);
        for (cohort, intake, discipline, adviser) in [
            ("c1", "i1", "v1d1", "adviser"),
            ("c2", "i1", "v1d2", "adviser2"),
            ("c3", "i2", "v2d1", "adviser2"),
            ("c4", "i1", "v1d1", "adviser2"),
        ] {
            let body = json!({ "discipline_id": self.id(discipline), "code": format!("{}-{cohort}", self.mark),
                "name": format!("{} {cohort}", self.mark), "adviser_id": self.id(adviser) });
            let id = self.coordinator.post(&format!("/intakes/{}/cohorts", self.id(intake)), body).expect(201).id();
            self.name(cohort, id);
        }
    }

    /// An enrollment to be made, in the first cohort of the first intake unless changed.
    pub fn enrollment(&self, trainee: &str, unit: &str, state: &str) -> Value {
        let mark = self.mark_of(unit);
        json!({ "trainee_id": trainee, "discipline_id": self.id("v1d1"), "cohort_id": self.id("c1"), "unit_id": self.id(unit),
            "payer_id": self.id(unit), "funding": format!("{mark} fund"), "crew": format!("{mark}-crew"), "state": state })
    }

    fn enrollments(&mut self) {
        let rows = [
            ("e1", "t1", "s1p1", "i1", "v1d1", "c1"),
            ("e2", "t2", "s1p2", "i1", "v1d1", "c1"),
            ("e3", "t3", "s2p1", "i1", "v1d1", "c1"),
            ("e4", "t4", "s2p1", "i1", "v1d2", "c2"),
            ("e5", "t5", "s1p1", "i1", "v1d2", "c2"),
            ("e6", "t6", "s2p1", "i2", "v2d1", "c3"),
            ("e7", "t3", "s2p1", "i2", "v2d1", "c3"),
        ];
        for (name, trainee, unit, intake, discipline, cohort) in rows {
            let mut body = self.enrollment(self.id(trainee), unit, "enrolled");
            body["discipline_id"] = json!(self.id(discipline));
            body["cohort_id"] = json!(self.id(cohort));
            let id = self.coordinator.post(&format!("/intakes/{}/enrollments", self.id(intake)), body).expect(201).id();
            self.name(name, id);
        }
    }

    /// A session to be scheduled in hour `slot` of June 2020.
    pub fn session(&self, code: &str, slot: i64, module: &str, cohorts: &[&str], instructor: &str) -> Value {
        let starts_at = Utc.with_ymd_and_hms(2020, 6, 1, 0, 0, 0).unwrap() + TimeDelta::hours(slot);
        let cohorts: Vec<&str> = cohorts.iter().map(|cohort| self.id(cohort)).collect();
        json!({ "code": format!("{}-{code}", self.mark), "module_id": self.id(module), "starts_at": starts_at.to_rfc3339(),
            "ends_at": (starts_at + TimeDelta::minutes(45)).to_rfc3339(), "place": format!("{} room", self.mark),
            "cohort_ids": cohorts, "instructor_ids": [self.id(instructor)] })
    }

    /// A room for each intake.
    fn rooms(&mut self) {
        for room in ["r1", "r2"] {
            let body = json!({ "code": format!("{}-{room}", self.mark), "name": format!("{} {room}", self.mark), "kind": "online",
                "link": format!("https://meeting.example.org/{}-{room}", self.mark) });
            let id = self.coordinator.post("/rooms", body).expect(201).id();
            self.name(room, id);
        }
    }

    fn in_room(&self, room: &str, mut session: Value) -> Value {
        session["room_id"] = json!(self.id(room));
        session
    }

    fn sessions(&mut self) {
        let published = [
            ("past", "i1", self.in_room("r1", self.session("past", 0, "v1m1", &["c1"], "lead"))),
            ("held", "i1", self.session("held", 1, "v1m1", &["c1"], "lead")),
            ("cancelled", "i1", self.session("cancelled", 2, "v1m1", &["c1"], "lead")),
            ("other", "i1", self.session("other", 3, "v1m2", &["c2"], "second")),
            ("joint", "i1", self.session("joint", 4, "v1m3", &["c1", "c2"], "second")),
            ("away", "i2", self.in_room("r2", self.session("away", 5, "v2m1", &["c3"], "second"))),
            ("unsettled", "i1", self.session("unsettled", 7, "v1m1", &["c1"], "second")),
        ];
        for intake in ["i1", "i2"] {
            let of_intake: Vec<_> = published.iter().filter(|(_, of, _)| *of == intake).collect();
            let sessions: Vec<&Value> = of_intake.iter().map(|(_, _, session)| session).collect();
            let path = format!("/intakes/{}/sessions/bulk", self.id(intake));
            let made = self.coordinator.post(&path, json!({ "sessions": sessions, "publish": true })).expect(201);
            for (index, (name, ..)) in of_intake.iter().enumerate() {
                self.name(name, made.text_at(&format!("/sessions/{index}/id")));
            }
        }
        self.series();
        let why = json!({ "reason": format!("{} ill", self.mark) });
        self.coordinator.post(&format!("/sessions/{}/cancel", self.id("cancelled")), why).expect(200);
        let moved = json!({ "place": format!("{} room 2", self.mark), "reason": format!("{} painted", self.mark) });
        self.coordinator.if_match("*").patch(&format!("/sessions/{}", self.id("past")), moved).expect(200);
        let waiver = json!({ "other_session_id": self.id("other"), "reason": format!("{} both", self.mark) });
        self.coordinator.post(&format!("/sessions/{}/waivers", self.id("past")), waiver).expect(201);
    }

    /// In each intake one series of a single draft.
    fn series(&mut self) {
        let (slot, day) = (json!({ "weekday": "monday", "starts": "06:00", "ends": "06:45" }), "2020-06-01");
        for (name, draft, intake, module, cohort) in [("series", "draft", "i1", "v1m1", "c1"), ("series2", "draft2", "i2", "v2m1", "c3")] {
            let body = json!({ "code": format!("{}-{draft}", self.mark), "module_id": self.id(module), "cohort_ids": [self.id(cohort)],
                "instructor_ids": [self.id("lead")], "place": format!("{} room", self.mark), "pattern": [slot], "from": day, "until": day });
            let made = self.coordinator.post(&format!("/intakes/{}/series", self.id(intake)), body).expect(201);
            self.name(name, made.id());
            self.name(draft, made.text_at("/sessions/0/id"));
        }
    }

    /// Leave of an enrollment to be asked for, over every session of the first day.
    pub fn leave(&self, enrollment: &str, reason: &str) -> Value {
        json!({ "enrollment_id": self.id(enrollment), "kind": "personal", "starts_at": "2020-06-01T00:00", "ends_at": "2020-06-01T12:00",
            "reason": reason })
    }

    /// Nothing of it is granted, so that it leaves the closed sessions alone.
    fn leave_requests(&mut self) {
        for (name, intake, enrollment, sponsor) in
            [("leave1", "i1", "e1", "s1"), ("leave3", "i1", "e3", "s2"), ("leave4", "i1", "e4", "s2"), ("leave6", "i2", "e6", "s2")]
        {
            let body = self.leave(enrollment, &format!("{} wedding", self.mark_of(sponsor)));
            let id = self.coordinator.post(&format!("/intakes/{}/leave-requests", self.id(intake)), body).expect(201).id();
            self.name(name, id);
        }
        let mut body = self.leave("e1", &format!("{} furnace", self.mark_of("s1")));
        body.as_object_mut().unwrap().remove("enrollment_id");
        body["crew"] = json!(format!("{}-crew", self.mark_of("s1")));
        let crew = self.coordinator.post(&format!("/intakes/{}/leave-requests", self.id("i1")), body).expect(201).id();
        self.name("leave_crew", crew);
        let why = json!({ "reason": format!("{} examined", self.mark_of("s2")) });
        self.coordinator.post(&format!("/leave-requests/{}/refuse", self.id("leave4")), why).expect(200);
    }

    /// A correction to be asked for.
    pub fn correction(&self, enrollment: &str, statement: &str) -> Value {
        json!({ "enrollment_id": self.id(enrollment), "code": "late", "minutes": 5, "statement": statement })
    }

    fn corrections(&mut self) {
        let path = format!("/sessions/{}/correction-requests", self.id("held"));
        for (name, enrollment, sponsor) in [("correction1", "e1", "s1"), ("correction3", "e3", "s2")] {
            let body = self.correction(enrollment, &format!("{} was there", self.mark_of(sponsor)));
            let id = self.coordinator.post(&path, body).expect(201).id();
            self.name(name, id);
        }
        let why = json!({ "reason": format!("{} was not", self.mark_of("s2")) });
        self.coordinator.post(&format!("/correction-requests/{}/refuse", self.id("correction3")), why).expect(200);
    }

    /// Feeds made by the coordinator, and the address of one.
    fn feeds(&mut self) {
        for (name, kind, subject) in
            [("feed", "intake", "i1"), ("feed2", "intake", "i2"), ("feed_t1", "trainee", "t1"), ("feed_lead", "instructor", "lead")]
        {
            let made = self.coordinator.post("/feeds", json!({ "kind": kind, "subject_id": self.id(subject) })).expect(201);
            self.name(name, made.id());
            if name == "feed" {
                self.name("schedule", made.text_at("/address").rsplit('/').next().unwrap().to_owned());
            }
        }
    }

    /// Rosters that correct somebody who is enrolled already.
    fn imports(&mut self) {
        for (name, intake, trainee, unit) in [("import", "i1", "t1", "s1p1"), ("import2", "i2", "t6", "s2p1")] {
            let mark = self.mark_of(unit);
            let row = format!("{mark} {trainee},{mark}-{trainee},{mark}-{unit},{}-D1,{mark} 2", self.mark);
            let file = format!("name,employee_number,organization,discipline,phone\n{row}");
            let path = format!("/intakes/{}/enrollments/import", self.id(intake));
            let report = self.coordinator.post_file(&path, &format!("{mark}.csv"), file.as_bytes()).expect(200);
            self.name(name, report.text_at("/import_id"));
        }
        let file = format!("employee_number,joined_at,left_at\n{}-t1,2020-06-01 08:00:00,2020-06-01 09:00:00", self.mark_of("s1p1"));
        let path = format!("/sessions/{}/evidence/import", self.id("past"));
        let report = self.coordinator.post_file(&path, &format!("{}.csv", self.mark_of("s1p1")), file.as_bytes()).expect(200);
        self.name("meeting", report.text_at("/import_id"));
    }

    fn roll_calls(&self) {
        let path = format!("/sessions/{}", self.id("held"));
        let hold = json!({ "ends_at": "2020-06-01T01:40:00Z", "difference_reason": format!("{} early", self.mark) });
        self.coordinator.post(&format!("{path}/hold"), hold).expect(200);
        let roll_call = format!("{path}/roll-call");
        let (one, two) = (self.mark_of("s1"), self.mark_of("s2"));
        let entries = |minutes: i32| {
            json!({ "entries": [
                { "enrollment_id": self.id("e1"), "code": "late", "minutes": minutes, "mode": "on_site", "note": format!("{one} bus") },
                { "enrollment_id": self.id("e2"), "code": "absent", "note": format!("{one} asleep") },
                { "enrollment_id": self.id("e3"), "code": "excused", "minutes": minutes, "note": format!("{two} sick") } ] })
        };
        let why = json!({ "reason": format!("{} corrected", self.mark) });
        self.coordinator.put(&roll_call, entries(10)).expect(200);
        self.coordinator.post(&format!("{roll_call}/close"), why.clone()).expect(200);
        let reopened = self.coordinator.post(&format!("{roll_call}/reopen"), why.clone()).expect(200);
        self.coordinator.if_match(&reopened.etag()).put(&roll_call, entries(20)).expect(200);
        self.coordinator.post(&format!("{roll_call}/close"), why).expect(200);
        let joint = json!({ "entries": [ { "enrollment_id": self.id("e1"), "code": "present", "note": format!("{one} there") },
            { "enrollment_id": self.id("e4"), "code": "absent", "note": format!("{two} gone") } ] });
        self.coordinator.put(&format!("/sessions/{}/roll-call", self.id("joint")), joint).expect(200);
    }

    /// The first entry of everybody who has one.
    fn hours(&mut self) {
        for (name, enrollment) in [("hours_e1", "e1"), ("hours_e2", "e2"), ("hours_e3", "e3")] {
            let hours = self.coordinator.get(&format!("/enrollments/{}/hours?limit=1", self.id(enrollment))).expect(200);
            self.name(name, hours.text_at("/items/0/id"));
        }
    }

    /// Everybody is exempt from the session, so that it leaves the sums of the reports alone.
    fn unsettled(&self) {
        let path = format!("/sessions/{}", self.id("unsettled"));
        let exempt = |name| json!({ "enrollment_id": self.id(name), "code": "exempt", "note": format!("{} moved", self.mark) });
        self.coordinator.post(&format!("{path}/hold"), json!({})).expect(200);
        let entries = ["e1", "e2", "e3"].map(exempt);
        self.coordinator.put(&format!("{path}/roll-call"), json!({ "entries": entries })).expect(200);
        self.coordinator.post(&format!("{path}/roll-call/close"), json!({})).expect(200);
        for (step, at) in [("suspend", "2020-06-01T06:50:00Z"), ("resume", "2020-06-01T08:00:00Z")] {
            let why = json!({ "reason": format!("{} {step}", self.mark_of("s1")), "effective_at": at });
            self.coordinator.post(&format!("/enrollments/{}/{step}", self.id("e2")), why).expect(200);
        }
    }
}

fn organization(app: &App, mark: &str, name: &str, kind: &str, parent: Option<&str>) -> String {
    let body = json!({ "code": format!("{mark}-{name}"), "name": format!("{mark} {name}"), "latin_name": format!("{mark} latin {name}"),
        "kind": kind, "parent_id": parent });
    app.administrator().post("/organizations", body).expect(201).id()
}
