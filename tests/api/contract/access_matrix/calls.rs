//! The requests: one for each row of the table.

mod attendance;
mod imports;

use imports::imports;
use serde_json::{Value, json};

use super::stage::Stage;
use crate::support::seed;

/// To what a request is sent: whose `{id}` its path names, or whose its body does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    /// To nothing in particular: one status instead of three.
    Nothing,
    /// An organization as `parent_id` of the body.
    Parent,
    /// A provider as `provider_id` of the body.
    Provider,
    /// A program version as `program_version_id` of the body.
    Run,
    Organization,
    Trainee,
    Instructor,
    /// Whoever it is; an instructor of the own schedule.
    Person,
    Program,
    Version,
    Intake,
    Cohort,
    /// A quota that is read.
    Quota,
    /// A quota that is set: the intake is the thing, the sponsor is always `s1`.
    QuotaOfIntake,
    Enrollment,
    Session,
    Series,
    Room,
    Feed,
    /// A feed by the last part of its address.
    Schedule,
    Calendar,
    /// A calendar of shifts.
    Rota,
    Import,
    /// An entry of an enrollment's ledger.
    HourEntry,
    Leave,
    Correction,
}

impl Thing {
    /// The name of the one that is a role's own.
    pub fn own(self, role: &str) -> &'static str {
        match (self, role) {
            (Self::Nothing, _) => "",
            (Self::Organization, "partner") => "s1",
            (Self::Organization, "trainee") => "s1p1",
            (Self::Organization, "class_adviser" | "instructor") => "campus",
            (Self::Parent | Self::Provider | Self::Organization, _) => "provider",
            (Self::Person, "instructor") => "lead",
            (Self::Trainee | Self::Person, _) => "t1",
            (Self::Instructor, "class_adviser") => "adviser",
            (Self::Instructor, _) => "lead",
            (Self::Program, _) => "p1",
            (Self::Version | Self::Run, _) => "v1",
            (Self::Intake | Self::Quota | Self::QuotaOfIntake, _) => "i1",
            (Self::Cohort, _) => "c1",
            (Self::Enrollment, _) => "e1",
            (Self::Session, _) => "past",
            (Self::Series, _) => "series",
            (Self::Room, _) => "r1",
            (Self::Feed, "instructor") => "feed_lead",
            (Self::Feed, "trainee") => "feed_t1",
            (Self::Feed, _) => "feed",
            (Self::Schedule, _) => "schedule",
            (Self::Calendar, _) => "h1",
            (Self::Rota, _) => "rota",
            (Self::Import, _) => "import",
            (Self::HourEntry, _) => "hours_e1",
            (Self::Leave, _) => "leave1",
            (Self::Correction, _) => "correction1",
        }
    }

    /// The names of those in world A that are others', besides all of world B.
    pub fn others(self, role: &str) -> &'static [&'static str] {
        let narrow = !matches!(role, "anonymous" | "administrator" | "coordinator" | "auditor");
        match (self, role) {
            (Self::Organization, "partner") => &["s2", "s2p1", "provider"],
            (Self::Organization, "trainee") => &["s2p1", "s1p2", "provider"],
            (Self::Organization, "class_adviser" | "instructor") => &["s1", "s1p1"],
            (Self::Trainee | Self::Person, "partner") => &["t3", "t4", "t6", "t7"],
            (Self::Person, "instructor") => &["second", "t4", "t7"],
            (Self::Trainee | Self::Person, "class_adviser" | "instructor") => &["t4", "t5", "t6", "t7"],
            (Self::Trainee | Self::Person, "trainee") => &["t2", "t3", "t6"],
            (Self::Instructor, "class_adviser" | "instructor") => &["second", "adviser2"],
            (Self::Program, _) if narrow => &["p2"],
            (Self::Version, _) if narrow => &["v2", "v1d"],
            (Self::Intake | Self::QuotaOfIntake, _) if narrow => &["i2"],
            (Self::Cohort, "partner") => &["c3"],
            (Self::Cohort, _) if narrow => &["c2", "c3"],
            (Self::Quota, "partner") => &["i1 s2", "i2"],
            (Self::Quota, _) if narrow => &["i2"],
            (Self::Enrollment, "partner") => &["e3", "e4", "e6"],
            (Self::Enrollment, "class_adviser" | "instructor") => &["e4", "e5", "e6"],
            (Self::Enrollment, "trainee") => &["e2", "e3", "e6"],
            (Self::HourEntry, "partner") => &["hours_e3"],
            (Self::HourEntry, "trainee") => &["hours_e2", "hours_e3"],
            (Self::Leave, "class_adviser" | "instructor") => &["leave4", "leave6"],
            (Self::Leave, "partner" | "trainee") => &["leave3", "leave4", "leave6"],
            (Self::Correction, "partner" | "trainee") => &["correction3"],
            (Self::Session, "partner") => &["draft", "away"],
            (Self::Session, "class_adviser") => &["other", "away"],
            (Self::Session, "instructor") => &["draft", "other", "joint", "away", "unsettled"],
            (Self::Session, "trainee") => &["draft", "other", "away"],
            (Self::Series, _) if narrow => &["series2"],
            (Self::Room, _) if narrow => &["r2"],
            (Self::Feed, "instructor") => &["feed", "feed2", "feed_t1"],
            (Self::Feed, "trainee") => &["feed", "feed2", "feed_lead"],
            (Self::Feed, _) if narrow => &["feed2", "feed_lead", "feed_t1"],
            (Self::Calendar, _) if narrow => &["h2", "rota"],
            (Self::Import, _) if narrow => &["import2"],
            _ => &[],
        }
    }
}

/// The one of a kind to which a request is sent.
#[derive(Clone, Debug)]
pub struct Target {
    pub id: String,
    /// For quotas.
    pub sponsor: String,
    /// Whether it is expected to succeed, so that what it names may be used up.
    pub succeeds: bool,
}

/// The request of one row.
pub struct Call {
    /// The operation id; with `:verb` where the path ends in `{transition}`, each verb being a row.
    pub row: &'static str,
    pub of: Thing,
    /// Added to the path; may name the thing as `{id}` too.
    pub query: &'static str,
    /// JSON; of an upload, the text of the file.
    pub body: Option<fn(&Stage, &Target) -> Value>,
    /// Whether the body is sent as a file.
    pub upload: bool,
    /// Makes the own thing on which a write succeeds, if a standing one does not do.
    pub fresh: Option<fn(&Stage) -> String>,
    /// Where a 2xx answer names the target's id; empty if it does not.
    pub echo: &'static str,
    /// Where the rows of a list are, and which of their fields says which row it is.
    pub rows: Option<(&'static str, &'static str)>,
}

impl Call {
    pub fn operation_id(&self) -> &'static str {
        self.row.split_once(':').map_or(self.row, |(id, _)| id)
    }

    pub fn verb(&self) -> &'static str {
        self.row.split_once(':').map_or("", |(_, verb)| verb)
    }

    fn echo(self, echo: &'static str) -> Self {
        Self { echo, ..self }
    }

    fn fresh(self, fresh: fn(&Stage) -> String) -> Self {
        Self { fresh: Some(fresh), ..self }
    }
}

fn read(row: &'static str, of: Thing) -> Call {
    Call { row, of, query: "", body: None, upload: false, fresh: None, echo: "/id", rows: None }
}

fn list(row: &'static str, of: Thing, pointer: &'static str, field: &'static str) -> Call {
    Call { echo: "", query: if pointer == "/items" { "?limit=500" } else { "" }, rows: Some((pointer, field)), ..read(row, of) }
}

fn write(row: &'static str, of: Thing, body: fn(&Stage, &Target) -> Value) -> Call {
    Call { body: Some(body), ..read(row, of) }
}

fn upload(row: &'static str, of: Thing, file: fn(&Stage, &Target) -> Value) -> Call {
    Call { upload: true, ..write(row, of, file).echo("") }
}

fn step(row: &'static str, of: Thing, fresh: fn(&Stage) -> String) -> Call {
    write(row, of, |_, _| json!({ "reason": "CANARY-A as agreed" })).fresh(fresh)
}

/// Every request; the reads come first, so that they find the worlds as they were made.
pub fn calls() -> Vec<Call> {
    let mut calls: Vec<Call> = [
        organizations(),
        people(),
        programs(),
        intakes(),
        intake_steps(),
        enrollments(),
        enrollment_steps(),
        rooms(),
        feeds(),
        calendars(),
        sessions(),
        attendance::leave(),
        attendance::roll_calls(),
        attendance::corrections(),
        imports(),
    ]
    .into_iter()
    .flatten()
    .collect();
    calls.sort_by_key(|call| call.body.is_some());
    calls
}

fn organizations() -> Vec<Call> {
    vec![
        list("list_audit", Thing::Nothing, "/items", "provider_id"),
        list("list_organizations", Thing::Nothing, "/items", "id"),
        read("read_organization", Thing::Organization),
        write(
            "create_organization",
            Thing::Parent,
            |stage, target| json!({ "code": stage.code(), "name": "CANARY-A unit", "kind": "unit", "parent_id": target.id }),
        )
        .echo("/parent_id"),
        write("update_organization", Thing::Organization, |stage, _| json!({ "latin_name": stage.code() })),
    ]
}

fn people() -> Vec<Call> {
    vec![
        list("list_trainees", Thing::Nothing, "/items", "id"),
        read("read_trainee", Thing::Trainee),
        write("create_trainee", Thing::Provider, |_, target| json!({ "name": "CANARY-A", "provider_id": target.id })).echo("/provider_id"),
        write("update_trainee", Thing::Trainee, |stage, _| json!({ "phone": stage.code() })),
        read("read_identity_number", Thing::Trainee).echo("/person_id"),
        write(
            "record_identity_number",
            Thing::Trainee,
            |stage, _| json!({ "identity_number": format!("A{:06}", stage.number()), "reason": "CANARY-A mistyped" }),
        )
        .echo("/person_id"),
        write("open_identity_number", Thing::Trainee, |_, _| json!({ "reason": "CANARY-A as agreed" })).echo("/person_id"),
        write("find_by_identity_number", Thing::Nothing, |stage, _| json!({ "identity_number": stage.a.identity_number("t2") })).echo(""),
        list("list_instructors", Thing::Nothing, "/items", "id"),
        read("read_instructor", Thing::Instructor),
        write("create_instructor", Thing::Provider, |_, target| json!({ "name": "CANARY-A", "provider_id": target.id }))
            .echo("/provider_id"),
        write("update_instructor", Thing::Instructor, |stage, _| json!({ "phone": stage.code() })),
        read("read_instructor_profile", Thing::Instructor).echo("/person_id"),
        write("set_instructor_profile", Thing::Instructor, |stage, _| {
            json!({ "time_zone": "UTC", "daily_minutes": null, "weekly_minutes": null, "disciplines": [], "hours": [],
                "exceptions": [{ "from_date": "2020-07-06", "until_date": "2020-07-10", "available": false, "note": stage.code() }] })
        })
        .echo("/person_id"),
    ]
}

fn programs() -> Vec<Call> {
    vec![
        list("list_programs", Thing::Nothing, "/items", "id"),
        read("read_program", Thing::Program),
        write(
            "create_program",
            Thing::Provider,
            |stage, target| json!({ "code": stage.code(), "name": "CANARY-A", "provider_id": target.id }),
        )
        .echo("/provider_id"),
        write("update_program", Thing::Program, |stage, _| json!({ "latin_name": stage.code() })),
        list("list_program_versions", Thing::Program, "/items", "id"),
        read("read_program_version", Thing::Version),
        write("create_program_version", Thing::Program, |stage, _| stage.a.plan()).echo("/program_id"),
        write("replace_program_version", Thing::Version, |stage, _| {
            let mut plan = stage.a.plan();
            plan["minutes_per_hour"] = json!(50);
            plan
        })
        .fresh(Stage::draft_version),
        step("confirm_program_version", Thing::Version, Stage::draft_version),
        step("retire_program_version", Thing::Version, Stage::confirmed_version),
    ]
}

fn intakes() -> Vec<Call> {
    vec![
        list("list_intakes", Thing::Nothing, "/items", "id"),
        read("read_intake", Thing::Intake),
        write("create_intake", Thing::Run, |stage, target| stage.a.intake(&stage.code(), &target.id)).echo("/program_version_id"),
        write("update_intake", Thing::Intake, |stage, _| json!({ "name": stage.code() })),
        list("list_cohorts", Thing::Intake, "", "id"),
        write("create_cohort", Thing::Intake, |stage, _| {
            json!({ "discipline_id": stage.a.id("v1d1"), "code": stage.code(), "name": "CANARY-A", "adviser_id": stage.a.id("adviser2") })
        })
        .echo("/intake_id"),
        read("read_cohort", Thing::Cohort),
        write("update_cohort", Thing::Cohort, |stage, _| json!({ "name": stage.code() })),
        list("list_amendments", Thing::Intake, "", "id"),
        write("create_amendment", Thing::Intake, |stage, _| {
            json!({ "module_id": stage.a.id("v1m2"), "delta_minutes": 45, "reason": "CANARY-A as agreed" })
        })
        .echo("/intake_id"),
        list("list_seat_quotas", Thing::Intake, "", "sponsor_id"),
        read("read_seat_quota", Thing::Quota).echo("/sponsor_id"),
        write("set_seat_quota", Thing::QuotaOfIntake, |stage, _| json!({ "seats": stage.number() })).echo(""),
        list("read_intake_progress", Thing::Intake, "/rows", "enrollment_id"),
    ]
}

fn intake_steps() -> Vec<Call> {
    vec![
        step("transition_intake:open-enrollment", Thing::Intake, |stage| stage.intake(&[])),
        step("transition_intake:approve-opening", Thing::Intake, |stage| stage.intake(&[])),
        step("transition_intake:start", Thing::Intake, |stage| stage.intake(&["open-enrollment"])),
        step("transition_intake:complete", Thing::Intake, |stage| stage.intake(&["open-enrollment", "start"])),
        step("transition_intake:cancel", Thing::Intake, |stage| stage.intake(&[])),
    ]
}

fn enrollments() -> Vec<Call> {
    /// Somebody new where it succeeds; else somebody whom the caller could enroll if it were the coordinator.
    fn body(stage: &Stage, target: &Target) -> Value {
        let trainee = if target.succeeds { stage.trainee() } else { stage.a.id("t7").to_owned() };
        stage.a.enrollment(&trainee, "s1p1", "enrolled")
    }
    vec![
        list("list_enrollments", Thing::Intake, "/items", "id"),
        write("create_enrollment", Thing::Intake, body).echo("/intake_id"),
        write("create_enrollments", Thing::Intake, |stage, target| json!({ "enrollments": [body(stage, target)] }))
            .echo("/enrollments/0/intake_id"),
        write("nominate_trainee", Thing::Intake, |stage, _| stage.nomination()).echo("/intake_id"),
        read("read_enrollment", Thing::Enrollment),
        write("update_enrollment", Thing::Enrollment, |stage, _| json!({ "crew": stage.code() })),
        list("list_hours", Thing::Enrollment, "/items", "enrollment_id").echo("/enrollment_id"),
        write(
            "adjust_hours",
            Thing::Enrollment,
            |stage, _| json!({ "session_id": stage.a.id("held"), "minutes": 1, "reason": "CANARY-A as agreed" }),
        )
        .echo("/enrollment_id"),
        read("explain_hours", Thing::HourEntry).echo("/entry/id"),
        step("reverse_hours", Thing::HourEntry, Stage::adjustment).echo("/reverses_id"),
        read("read_enrollment_progress", Thing::Enrollment).echo("/enrollment_id"),
        read("explain_progress", Thing::Enrollment).echo("/row/enrollment_id"),
    ]
}

fn enrollment_steps() -> Vec<Call> {
    vec![
        write("replace_trainee", Thing::Enrollment, |stage, _| stage.replacement())
            .fresh(|stage| stage.enrollment("approved"))
            .echo("/replaces_id"),
        write(
            "transfer_trainee",
            Thing::Enrollment,
            |stage, _| json!({ "intake_id": stage.a.id("i1"), "discipline_id": stage.a.id("v1d2"), "cohort_id": stage.a.id("c2"), "reason": "CANARY-A as agreed" }),
        )
        .fresh(|stage| stage.enrollment("enrolled"))
        .echo("/transferred_from_id"),
        write("move_trainee", Thing::Enrollment, |stage, _| json!({ "cohort_id": stage.a.id("c4"), "reason": "CANARY-A as agreed" }))
            .fresh(|stage| stage.enrollment("enrolled")),
        write("waitlist_trainee", Thing::Enrollment, |_, _| json!({ "priority": 1, "reason": "CANARY-A as agreed" }))
            .fresh(|stage| stage.enrollment("nominated")),
        read("explain_enrollment", Thing::Enrollment).echo("/enrollment_id"),
        step("transition_enrollment:offer", Thing::Enrollment, |stage| stage.enrollment("nominated")),
        step("transition_enrollment:accept", Thing::Enrollment, Stage::offered_enrollment),
        step("transition_enrollment:decline", Thing::Enrollment, Stage::offered_enrollment),
        step("transition_enrollment:approve", Thing::Enrollment, |stage| stage.enrollment("nominated")),
        step("transition_enrollment:enroll", Thing::Enrollment, |stage| stage.enrollment("approved")),
        step("transition_enrollment:reject", Thing::Enrollment, |stage| stage.enrollment("nominated")),
        step("transition_enrollment:withdraw", Thing::Enrollment, |stage| stage.enrollment("enrolled")),
        step("transition_enrollment:never-arrived", Thing::Enrollment, |stage| stage.enrollment("enrolled")),
        step("transition_enrollment:suspend", Thing::Enrollment, |stage| stage.enrollment("enrolled")),
        step("transition_enrollment:resume", Thing::Enrollment, Stage::suspended_enrollment),
        step("transition_enrollment:complete", Thing::Enrollment, |stage| stage.enrollment("enrolled")),
        step("transition_enrollment:fail", Thing::Enrollment, |stage| stage.enrollment("enrolled")),
    ]
}

fn rooms() -> Vec<Call> {
    vec![
        list("list_rooms", Thing::Nothing, "/items", "id"),
        read("read_room", Thing::Room),
        write(
            "create_room",
            Thing::Provider,
            |stage, target| json!({ "code": stage.code(), "name": "CANARY-A", "kind": "on_site", "provider_id": target.id }),
        )
        .echo("/provider_id"),
        write("update_room", Thing::Room, |stage, _| json!({ "code": stage.code() })),
    ]
}

fn feeds() -> Vec<Call> {
    vec![
        list("list_feeds", Thing::Nothing, "/items", "id"),
        write("create_feed", Thing::Intake, |_, target| json!({ "kind": "intake", "subject_id": target.id })).echo("/subject_id"),
        write("revoke_feed", Thing::Feed, |_, _| json!({ "reason": "CANARY-A as agreed" })),
        read("read_schedule", Thing::Schedule).echo(""),
    ]
}

fn calendars() -> Vec<Call> {
    vec![
        list("list_calendars", Thing::Nothing, "/items", "id"),
        read("read_calendar", Thing::Calendar),
        write("create_calendar", Thing::Provider, |stage, target| {
            json!({ "kind": "holidays", "code": stage.code(), "name": "CANARY-A", "time_zone": "UTC", "provider_id": target.id })
        })
        .echo("/provider_id"),
        write("update_calendar", Thing::Calendar, |stage, _| json!({ "code": stage.code() })),
        read("list_calendar_days", Thing::Calendar).echo(""),
        read("list_crew_shifts", Thing::Calendar).echo(""),
    ]
}

fn sessions() -> Vec<Call> {
    vec![
        list("list_sessions", Thing::Intake, "/items", "id"),
        write("create_session", Thing::Intake, |stage, _| stage.new_session()).echo("/intake_id"),
        write("create_sessions", Thing::Intake, |stage, _| json!({ "sessions": [stage.new_session()], "publish": true }))
            .echo("/sessions/0/intake_id"),
        write("publish_sessions", Thing::Intake, |stage, target| {
            let draft = if target.succeeds { stage.draft() } else { stage.a.id("draft").to_owned() };
            json!({ "session_ids": [draft] })
        })
        .echo("/sessions/0/intake_id"),
        write("check_sessions", Thing::Intake, |stage, _| json!({ "sessions": [stage.new_session()] })).echo(""),
        list("list_series", Thing::Intake, "/items", "id"),
        write("create_series", Thing::Intake, |stage, _| {
            let day = "2020-10-30";
            let slot = json!({ "weekday": "friday", "starts": "08:00", "ends": "09:00" });
            json!({ "code": stage.code(), "module_id": stage.a.id("v1m1"), "cohort_ids": [stage.a.id("c1")], "pattern": [slot],
                "from": day, "until": day })
        })
        .echo("/intake_id"),
        read("read_series", Thing::Series),
        read("read_session", Thing::Session),
        list("list_session_changes", Thing::Session, "/items", "session_id"),
        list("list_person_changes", Thing::Person, "/items", "session_id"),
        write("update_session", Thing::Session, |stage, _| json!({ "place": stage.code(), "reason": "as agreed" })),
        write("hold_session", Thing::Session, |_, _| json!({})).fresh(Stage::session),
        write("correct_hold", Thing::Session, |_, _| json!({ "break_minutes": 5, "difference_reason": "CANARY-A as agreed" })).fresh(Stage::held),
        read("read_placements", Thing::Session).echo("/session_id"),
        write("move_session", Thing::Session, |stage, _| {
            json!({ "starts_at": stage.new_session()["starts_at"], "reason": "CANARY-A as agreed" })
        })
        .fresh(Stage::session)
        .echo("/sessions/0/id"),
        write("cut_session", Thing::Session, |_, _| json!({ "minutes": 5, "reason": "CANARY-A as agreed" }))
            .fresh(Stage::session)
            .echo("/sessions/0/id"),
        write("split_session", Thing::Session, |stage, target| {
            let session = stage.app.administrator().get(&format!("/sessions/{}", target.id));
            let at = session.body["starts_at"].as_str().map(|start| seed::after(start, 20)).unwrap_or_else(|| seed::morning(1));
            json!({ "at": at, "code": stage.code(), "reason": "CANARY-A as agreed" })
        })
        .fresh(Stage::session)
        .echo("/sessions/0/id"),
        write("substitute_instructor", Thing::Session, |stage, _| {
            json!({ "instructor_id": stage.a.id("lead"), "by_instructor_id": stage.a.id("adviser2"), "reason": "CANARY-A as agreed" })
        })
        .fresh(Stage::session)
        .echo("/sessions/0/id"),
        write(
            "waive_conflict",
            Thing::Session,
            |stage, _| json!({ "other_session_id": stage.a.id("held"), "reason": "CANARY-A as agreed" }),
        )
        .fresh(Stage::session)
        .echo("/session_id"),
        list("list_waivers", Thing::Session, "/items", "other_session_id"),
        step("revoke_waiver", Thing::Session, Stage::waived).echo("/session_id"),
        step("transition_session:publish", Thing::Session, Stage::draft),
        step("transition_session:cancel", Thing::Session, Stage::session),
    ]
}
