//! A course with two disciplines, ready to teach: what most tests of the rooms begin with.
//!
//! The numbers are those of the reference course: 120 academic hours in each discipline and 56 common to all, of 45 minutes each.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::{
    App, Client, Reply,
    seed::{self, Sponsor},
};

/// Minutes of the one module of a discipline.
pub const OWN: i64 = 120 * 45;
/// Minutes of the common module.
pub const COMMON: i64 = 56 * 45;
/// What each trainee owes.
pub const PLAN: i64 = OWN + COMMON;
/// What the version adds up to.
pub const TOTAL: i64 = 2 * OWN + COMMON;

/// A confirmed version of a program: metallurgy, mechanics, and what is common to both.
#[derive(Clone, Debug)]
pub struct Program {
    pub id: String,
    pub version: String,
    pub metallurgy: String,
    pub mechanics: String,
    pub metallurgy_module: String,
    pub mechanics_module: String,
    pub common_module: String,
}

/// An intake that takes enrollments, with a cohort in each discipline, one sponsor and one instructor.
#[derive(Debug)]
pub struct Course {
    pub coordinator: Client,
    pub sponsor: Sponsor,
    pub program: Program,
    pub intake: String,
    /// The cohorts.
    pub metallurgy: String,
    pub mechanics: String,
    pub instructor: String,
    trainees: AtomicUsize,
}

/// An enrollment and its trainee.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Enrolled {
    pub id: String,
    pub trainee: String,
}

/// The content of a version whose hours add up.
pub fn version_body() -> Value {
    json!({
        "total_minutes": TOTAL,
        "disciplines": [{ "code": "MET", "name": "冶金工程", "latin_name": "Metallurgical engineering" }, { "code": "MEC", "name": "机械工程" }],
        "modules": [
            { "code": "MET-01", "discipline": "MET", "name": "冶金物理化学", "kind": "theory", "planned_minutes": OWN },
            { "code": "MEC-01", "discipline": "MEC", "name": "机械设计", "kind": "practice", "planned_minutes": OWN },
            { "code": "COM-01", "name": "安全生产", "kind": "theory", "planned_minutes": COMMON },
        ],
    })
}

/// A program with a confirmed version.
pub fn program(coordinator: &Client, code: &str) -> Program {
    program_of(coordinator, code, version_body())
}

/// A program with a confirmed version of this content, which has the disciplines and modules of [`version_body`].
pub fn program_of(coordinator: &Client, code: &str, body: Value) -> Program {
    let program = coordinator.post("/programs", json!({ "code": code, "name": "青年专业人才培训" })).expect(201).id();
    let version = coordinator.post(&format!("/programs/{program}/versions"), body).expect(201);
    let id = version.id();
    coordinator.post(&format!("/program-versions/{id}/confirm"), json!({})).expect(200);
    let (discipline, module) =
        (|n: usize| version.text_at(&format!("/disciplines/{n}/id")), |n: usize| version.text_at(&format!("/modules/{n}/id")));
    Program {
        id: program,
        version: id.clone(),
        metallurgy: discipline(0),
        mechanics: discipline(1),
        metallurgy_module: module(0),
        mechanics_module: module(1),
        common_module: module(2),
    }
}

/// The intake of 2020 of a version, without a capacity.
pub fn intake_body(version: &str, code: &str) -> Value {
    json!({ "program_version_id": version, "code": code, "name": "第三期", "phase": 3, "time_zone": "Asia/Shanghai",
        "opens_on": "2020-05-27", "closes_on": "2020-10-30", "mode": "live_online" })
}

/// An intake that takes enrollments.
pub fn intake(coordinator: &Client, version: &str, code: &str) -> String {
    let id = coordinator.post("/intakes", intake_body(version, code)).expect(201).id();
    coordinator.post(&format!("/intakes/{id}/open-enrollment"), json!({})).expect(200);
    id
}

/// A cohort of an intake.
pub fn cohort(coordinator: &Client, intake: &str, discipline: &str, code: &str) -> String {
    let body = json!({ "discipline_id": discipline, "code": code, "name": format!("{code} 班") });
    coordinator.post(&format!("/intakes/{intake}/cohorts"), body).expect(201).id()
}

/// Another cohort of metallurgists, with a class adviser: who that is, and its id.
pub fn advised_cohort(app: &App, course: &Course) -> (String, String) {
    let adviser = instructor(app, &course.coordinator, "ADV");
    let body = json!({ "discipline_id": course.program.metallurgy, "code": "MET-2", "name": "二班", "adviser_id": adviser });
    let cohort = course.coordinator.post(&format!("/intakes/{}/cohorts", course.intake), body).expect(201).id();
    (adviser, cohort)
}

/// A room of the course's provider.
pub fn room(course: &Course, code: &str) -> String {
    course.coordinator.post("/rooms", json!({ "code": code, "name": format!("教学楼 {code}"), "kind": "on_site" })).expect(201).id()
}

/// Somebody of an organization or a unit, recorded by the coordinator's provider.
pub fn trainee(coordinator: &Client, unit: &str, number: &str) -> String {
    let body = json!({ "name": format!("学员 {number}"), "phone": "+86 937 000 0000", "email": "trainee@example.org",
        "affiliation": { "organization_id": unit, "employee_number": number } });
    coordinator.post("/trainees", body).expect(201).id()
}

/// A professor of the provider.
pub fn instructor(app: &App, coordinator: &Client, number: &str) -> String {
    let body = json!({ "name": format!("教授 {number}"), "phone": "+86 10 0000 0000",
        "affiliation": { "organization_id": app.provider().units[0], "employee_number": number, "title": "教授" } });
    coordinator.post("/instructors", body).expect(201).id()
}

/// The course at [`App::provider`], with the sponsor `JISCO`.
pub fn course(app: &App) -> Course {
    course_called(app, "HONGXING", "JISCO")
}

/// Another course at the same provider, with a program and a sponsor of its own.
pub fn course_called(app: &App, code: &str, sponsor: &str) -> Course {
    course_of(app, app.coordinator(), code, sponsor)
}

/// A course of whatever provider the coordinator belongs to.
pub fn course_of(app: &App, coordinator: Client, code: &str, sponsor: &str) -> Course {
    let program = program(&coordinator, code);
    course_on(app, coordinator, program, code, sponsor)
}

/// A course of a program that exists.
pub fn course_on(app: &App, coordinator: Client, program: Program, code: &str, sponsor: &str) -> Course {
    let intake = intake(&coordinator, &program.version, &format!("{code}-3"));
    Course {
        metallurgy: cohort(&coordinator, &intake, &program.metallurgy, "MET-1"),
        mechanics: cohort(&coordinator, &intake, &program.mechanics, "MEC-1"),
        sponsor: seed::sponsor(app, sponsor),
        instructor: instructor(app, &coordinator, &format!("{code}-P1")),
        program,
        intake,
        coordinator,
        trainees: AtomicUsize::new(0),
    }
}

/// A course of years with a plan for any number of sessions; its sponsor has the same code.
pub fn long_course(app: &App, code: &str) -> Course {
    let coordinator = app.coordinator();
    let mut body = version_body();
    for module in body["modules"].as_array_mut().unwrap() {
        module["planned_minutes"] = json!(600_000);
    }
    body["total_minutes"] = json!(1_800_000);
    let program = program_of(&coordinator, code, body);
    let course = course_on(app, coordinator, program, code, code);
    let path = format!("/intakes/{}", course.intake);
    course.coordinator.if_match("*").patch(&path, json!({ "closes_on": "2029-12-31" })).expect(200);
    course
}

/// A course whose plan of metallurgy is that short.
pub fn short_course(app: &App, minutes: i64) -> Course {
    let coordinator = app.coordinator();
    let mut body = version_body();
    body["modules"][0]["planned_minutes"] = json!(minutes);
    body["total_minutes"] = json!(minutes + OWN + COMMON);
    let program = program_of(&coordinator, "SHORT", body);
    course_on(app, coordinator, program, "SHORT", "JISCO")
}

/// Somebody new of the sponsor's first plant, not enrolled.
pub fn recruit(course: &Course) -> String {
    recruit_of(course, &course.sponsor.plants[0])
}

/// Somebody new of a unit, not enrolled.
pub fn recruit_of(course: &Course, unit: &str) -> String {
    let number = course.trainees.fetch_add(1, Ordering::Relaxed) + 1;
    trainee(&course.coordinator, unit, &format!("{number:04}"))
}

/// The body that enrolls a trainee in metallurgy, at the sponsor's first plant.
pub fn enrollment_body(course: &Course, trainee: &str) -> Value {
    json!({ "trainee_id": trainee, "discipline_id": course.program.metallurgy, "cohort_id": course.metallurgy,
        "unit_id": course.sponsor.plants[0] })
}

/// The body that nominates somebody new of the sponsor's first plant for metallurgy.
pub fn nomination_body(course: &Course) -> Value {
    let number = course.trainees.fetch_add(1, Ordering::Relaxed) + 1;
    let nominee = json!({ "name": format!("学员 {number:04}"), "phone": "+86 937 000 0000", "employee_number": format!("{number:04}") });
    json!({ "trainee": nominee, "discipline_id": course.program.metallurgy, "cohort_id": course.metallurgy,
        "unit_id": course.sponsor.plants[0] })
}

/// New trainees of the sponsor's first plant, enrolled in metallurgy; by enrollment id, as roll calls and reports list them.
pub fn enrolled(course: &Course, count: usize) -> Vec<Enrolled> {
    enrolled_at(course, &course.sponsor.plants[0], (&course.program.metallurgy, &course.metallurgy), count)
}

/// New trainees of a unit, enrolled in a discipline and one of its cohorts.
pub fn enrolled_at(course: &Course, unit: &str, (discipline, cohort): (&str, &str), count: usize) -> Vec<Enrolled> {
    let body = |trainee: String| json!({ "trainee_id": trainee, "discipline_id": discipline, "cohort_id": cohort, "unit_id": unit });
    let bodies: Vec<Value> = (0..count).map(|_| body(recruit_of(course, unit))).collect();
    let path = format!("/intakes/{}/enrollments/bulk", course.intake);
    let reply = course.coordinator.post(&path, json!({ "enrollments": bodies })).expect(201);
    let mut enrolled: Vec<Enrolled> = (0..count)
        .map(|index| Enrolled {
            id: reply.text_at(&format!("/enrollments/{index}/id")),
            trainee: reply.text_at(&format!("/enrollments/{index}/trainee_id")),
        })
        .collect();
    enrolled.sort();
    enrolled
}

/// The start of a session at nine in the morning in Shanghai, `day` days after 1 June 2020.
pub fn morning(day: u32) -> String {
    (chrono::NaiveDate::from_ymd_opt(2020, 6, 1).unwrap() + chrono::Days::new(day.into())).format("%FT01:00:00Z").to_string()
}

/// `minutes` after an instant.
pub fn after(instant: &str, minutes: i64) -> String {
    let at = chrono::DateTime::parse_from_rfc3339(instant).unwrap() + chrono::TimeDelta::minutes(minutes);
    at.to_utc().format("%FT%TZ").to_string()
}

/// A session of 90 minutes in metallurgy, by the course's instructor.
pub fn session_body(course: &Course, code: &str, starts_at: &str) -> Value {
    json!({ "code": code, "module_id": course.program.metallurgy_module, "starts_at": starts_at, "ends_at": after(starts_at, 90),
        "place": "Hall 1", "cohort_ids": [course.metallurgy], "instructor_ids": [course.instructor] })
}

/// A draft of [`session_body`].
pub fn session(course: &Course, code: &str, starts_at: &str) -> String {
    session_as(course, session_body(course, code, starts_at))
}

/// A draft.
pub fn session_as(course: &Course, body: Value) -> String {
    course.coordinator.post(&format!("/intakes/{}/sessions", course.intake), body).expect(201).id()
}

/// A published session of [`session_body`].
pub fn published_session(course: &Course, code: &str, starts_at: &str) -> String {
    published_session_as(course, session_body(course, code, starts_at))
}

pub fn published_session_as(course: &Course, body: Value) -> String {
    let id = session_as(course, body);
    course.coordinator.post(&format!("/sessions/{id}/publish"), json!({})).expect(200);
    id
}

/// A session of [`session_body`], held as planned.
pub fn held_session(course: &Course, code: &str, starts_at: &str) -> String {
    held_session_as(course, session_body(course, code, starts_at))
}

pub fn held_session_as(course: &Course, body: Value) -> String {
    let id = published_session_as(course, body);
    course.coordinator.post(&format!("/sessions/{id}/hold"), json!({})).expect(200);
    id
}

/// Leave of an enrollment to be asked for, `minutes` long.
pub fn leave_body(enrollment: &str, starts_at: &str, minutes: i64) -> Value {
    json!({ "enrollment_id": enrollment, "kind": "personal", "starts_at": starts_at, "ends_at": after(starts_at, minutes),
        "reason": "a wedding in the family" })
}

/// A leave request that waits to be decided.
pub fn leave_asked(course: &Course, member: &Enrolled, starts_at: &str, minutes: i64) -> String {
    let path = format!("/intakes/{}/leave-requests", course.intake);
    course.coordinator.post(&path, leave_body(&member.id, starts_at, minutes)).expect(201).id()
}

/// Takes a step of a leave request.
pub fn step_leave(course: &Course, request: &str, step: &str, reason: Option<&str>) -> Reply {
    course.coordinator.post(&format!("/leave-requests/{request}/{step}"), json!({ "reason": reason }))
}

/// Leave that was granted.
pub fn leave_granted(course: &Course, member: &Enrolled, starts_at: &str, minutes: i64) -> String {
    let id = leave_asked(course, member, starts_at, minutes);
    step_leave(course, &id, "grant", None).expect(200);
    id
}

/// One line of a roll call.
pub fn line(enrolled: &Enrolled, code: &str) -> Value {
    json!({ "enrollment_id": enrolled.id, "code": code })
}

/// One line of a roll call with minutes present.
pub fn line_of(enrolled: &Enrolled, code: &str, minutes: i64) -> Value {
    json!({ "enrollment_id": enrolled.id, "code": code, "minutes": minutes })
}

/// Puts a roll call over whatever was called before.
pub fn put_roll_call(course: &Course, session: &str, lines: &[Value]) -> Reply {
    course.coordinator.if_match("*").put(&format!("/sessions/{session}/roll-call"), json!({ "entries": lines }))
}

/// Takes a step of a roll call.
pub fn step_roll_call(course: &Course, session: &str, step: &str, reason: Option<&str>) -> Reply {
    course.coordinator.post(&format!("/sessions/{session}/roll-call/{step}"), json!({ "reason": reason }))
}

/// A held session whose roll call has these lines and is closed.
pub fn closed_session(course: &Course, code: &str, starts_at: &str, lines: &[Value]) -> String {
    let id = held_session(course, code, starts_at);
    put_roll_call(course, &id, lines).expect(200);
    step_roll_call(course, &id, "close", None).expect(200);
    id
}
