//! Bad input, line by line as the first issue lists it: each is a 4xx problem with a stable code and changes nothing.

mod access;
mod people;
mod rules;
mod told;

use access::Clients;
use serde_json::{Value, json};

use crate::support::{App, Client, Reply, seed, seed::Course, spawn_app};

/// A request that changes something, with a body that would be taken.
struct Operation {
    method: &'static str,
    path: String,
    body: Value,
}

impl Operation {
    fn send(&self, client: &Client, body: &Value) -> Reply {
        self.send_bytes(client, body.to_string().as_bytes())
    }

    fn send_bytes(&self, client: &Client, body: &[u8]) -> Reply {
        client.if_match("*").send(self.method, &self.path, Some(("application/json", body)))
    }

    fn with(&self, field: &str, value: Value) -> Value {
        let mut body = self.body.clone();
        body[field] = value;
        body
    }

    fn without(&self, field: &str) -> Value {
        let mut body = self.body.clone();
        body.as_object_mut().unwrap().remove(field);
        body
    }
}

/// What a coordinator can send to a course that stands: a draft, a published and a held session, somebody to enroll.
fn operations(app: &App, course: &Course) -> Vec<Operation> {
    let (newcomer, member) = (seed::recruit(course), seed::enrolled(course, 1).remove(0));
    let (draft, other) = (seed::session(course, "D-1", &seed::morning(1)), seed::session(course, "D-2", &seed::morning(1)));
    let published = seed::published_session(course, "P-1", &seed::morning(2));
    let held = seed::held_session(course, "H-1", &seed::morning(3));
    let version = course.coordinator.post(&format!("/programs/{}/versions", course.program.id), seed::version_body()).expect(201).id();
    let (intake, program, enrollment) = (&course.intake, &course.program.id, &member.id);
    let new_session = seed::session_body(course, "N-1", &seed::morning(4));
    let step = json!({ "reason": "as agreed" });
    let operation = |method, path: String, body: &Value| Operation { method, path, body: body.clone() };
    let mut operations = vec![
        operation("POST", "/programs".to_owned(), &json!({ "code": "NEW", "name": "新项目", "latin_name": "New" })),
        operation("PATCH", format!("/programs/{program}"), &json!({ "code": "NEW", "name": "新项目" })),
        operation("POST", format!("/programs/{program}/versions"), &seed::version_body()),
        operation("PUT", format!("/program-versions/{version}"), &json!({ "total_minutes": 90, "disciplines": [], "modules": [] })),
        operation("POST", format!("/program-versions/{version}/confirm"), &step),
        operation("POST", "/intakes".to_owned(), &seed::intake_body(&course.program.version, "NEW-1")),
        operation("POST", format!("/intakes/{intake}/start"), &step),
        operation(
            "POST",
            format!("/intakes/{intake}/cohorts"),
            &json!({ "discipline_id": course.program.metallurgy, "code": "MET-2", "name": "二班" }),
        ),
        operation("PUT", format!("/intakes/{intake}/seat-quotas/{}", course.sponsor.id), &json!({ "seats": 9 })),
        operation("POST", format!("/intakes/{intake}/enrollments"), &seed::enrollment_body(course, &newcomer)),
        operation(
            "POST",
            format!("/intakes/{intake}/enrollments/bulk"),
            &json!({ "enrollments": [seed::enrollment_body(course, &newcomer)] }),
        ),
        operation("PATCH", format!("/enrollments/{enrollment}"), &json!({ "crew": "A", "funding": "own" })),
        operation("POST", format!("/enrollments/{enrollment}/suspend"), &step),
        operation("POST", format!("/intakes/{intake}/sessions"), &new_session),
        operation("POST", format!("/intakes/{intake}/sessions/bulk"), &json!({ "sessions": [new_session], "publish": true })),
        operation("POST", format!("/intakes/{intake}/sessions/publish"), &json!({ "session_ids": [draft] })),
        operation(
            "POST",
            format!("/intakes/{intake}/sessions/check"),
            &json!({ "sessions": [new_session], "changes": [{ "id": draft, "change": { "break_minutes": 5 } }] }),
        ),
        operation("PATCH", format!("/sessions/{draft}"), &json!({ "code": "D-9", "break_minutes": 5, "place": "Room 301" })),
        operation("POST", format!("/sessions/{draft}/waivers"), &json!({ "other_session_id": other, "reason": "one laboratory" })),
        operation("POST", format!("/sessions/{draft}/waivers/{other}/revoke"), &step),
        operation("POST", format!("/sessions/{draft}/publish"), &step),
        operation("POST", format!("/sessions/{published}/hold"), &json!({ "break_minutes": 5, "difference_reason": "a longer break" })),
        operation("PATCH", format!("/sessions/{held}/hold"), &json!({ "break_minutes": 5, "difference_reason": "a longer break" })),
        operation("POST", format!("/sessions/{published}/cancel"), &step),
        operation("POST", "/organizations".to_owned(), &json!({ "code": "NEW", "name": "新单位", "kind": "college" })),
        operation("PATCH", format!("/organizations/{}", app.provider().id), &json!({ "name": "改名" })),
    ];
    operations.extend(people::operations(course, &newcomer, &member));
    operations.extend(on_hours(course, &held, &member));
    operations.extend(around(course));
    operations.extend(on_places(course));
    operations.extend(on_series(app, course).into_iter().chain(access::operations(app)));
    operations
}

/// As [`operations`], of what was held and whoever was taught.
fn on_hours(course: &Course, held: &str, member: &seed::Enrolled) -> Vec<Operation> {
    let operation = |method, path: String, body: Value| Operation { method, path, body };
    let common = |code: &str, day: u32, cohort: &str| {
        let mut body = seed::session_body(course, code, &seed::morning(day));
        (body["module_id"], body["cohort_ids"]) = (json!(course.program.common_module), json!([cohort]));
        seed::published_session_as(course, body)
    };
    let (missed, visited) =
        (common("C-1", 10, &course.mechanics), [common("C-2", 11, &course.metallurgy), common("C-3", 12, &course.metallurgy)]);
    let guest = seed::enrolled_at(course, &course.sponsor.plants[0], (&course.program.mechanics, &course.mechanics), 1).remove(0);
    let invitation = json!({ "enrollment_id": guest.id, "missed_session_id": missed, "note": "on shift" });
    let guests = visited.map(|session| format!("/sessions/{session}/guests"));
    course.coordinator.post(&guests[1], invitation.clone()).expect(201);
    let requests = format!("/intakes/{}/leave-requests", course.intake);
    let leave = json!({ "enrollment_id": member.id, "kind": "sick", "starts_at": "2020-07-01T08:00", "ends_at": "2020-07-01T12:00",
        "reason": "a cold" });
    let asked = course.coordinator.post(&requests, leave.clone()).expect(201).id();
    let correction = json!({ "enrollment_id": member.id, "code": "late", "minutes": 70, "statement": "the link did not open" });
    let corrections = ["K-1", "K-2"].map(|code| {
        let day = if code == "K-1" { 20 } else { 21 };
        let closed = seed::closed_session(course, code, &seed::morning(day), &[seed::line(member, "absent")]);
        format!("/sessions/{closed}/correction-requests")
    });
    let disputed = course.coordinator.post(&corrections[1], correction.clone()).expect(201).id();
    let minutes = json!({ "module_id": course.program.metallurgy_module, "minutes": -5, "reason": "left for the plant" });
    vec![
        operation("PUT", format!("/sessions/{held}/roll-call"), json!({ "entries": [seed::line(member, "present")] })),
        operation("POST", format!("/sessions/{held}/roll-call/reopen"), json!({ "reason": "as agreed" })),
        operation("POST", format!("/enrollments/{}/hours", member.id), minutes),
        operation("POST", requests, leave),
        operation("POST", format!("/leave-requests/{asked}/grant"), json!({ "reason": "as agreed" })),
        operation("POST", corrections[0].clone(), correction),
        operation("POST", format!("/correction-requests/{disputed}/accept"), json!({ "reason": "as agreed" })),
        operation("POST", guests[0].clone(), invitation),
        operation("POST", format!("{}/{}/dismiss", guests[1], guest.id), json!({ "reason": "as agreed" })),
    ]
}

/// As [`operations`], of the seats of an intake and of whoever is sent, waits or goes on elsewhere.
fn on_places(course: &Course) -> Vec<Operation> {
    let intake = &course.intake;
    let nominee =
        course.coordinator.post(&format!("/intakes/{}/nominations", course.intake), seed::nomination_body(course)).expect(201).id();
    course.coordinator.if_match("*").patch(&format!("/intakes/{}", course.intake), json!({ "waitlist": true })).expect(200);
    let (leaving, next) = (seed::enrolled(course, 1).remove(0).id, seed::intake(&course.coordinator, &course.program.version, "NEXT"));
    let (moving, cohort) =
        (seed::enrolled(course, 1).remove(0).id, seed::cohort(&course.coordinator, intake, &course.program.metallurgy, "MET-2"));
    let operation = |method, path: String, body: &Value| Operation { method, path, body: body.clone() };
    vec![
        operation(
            "PATCH",
            format!("/intakes/{intake}"),
            &json!({ "name": "改期", "capacity": 7, "offer_days": 7, "closes_on": "2020-11-30" }),
        ),
        operation("POST", format!("/intakes/{intake}/nominations"), &seed::nomination_body(course)),
        operation(
            "POST",
            format!("/enrollments/{nominee}/replace"),
            &json!({ "trainee": seed::nomination_body(course)["trainee"], "reason": "needed at the plant" }),
        ),
        operation("POST", format!("/enrollments/{moving}/move"), &json!({ "cohort_id": cohort, "reason": "another shift" })),
        operation("POST", format!("/enrollments/{leaving}/transfer"), &json!({ "intake_id": next, "reason": "another shift" })),
        operation("POST", format!("/enrollments/{nominee}/waitlist"), &json!({ "priority": 1, "reason": "nominated in time" })),
    ]
}

/// As [`operations`], of what stands around a course.
fn around(course: &Course) -> Vec<Operation> {
    let room = course.coordinator.post("/rooms", json!({ "code": "A-301", "name": "301", "kind": "on_site" })).expect(201).id();
    let holidays = json!({ "kind": "holidays", "code": "CN-2020", "name": "节假日", "time_zone": "Asia/Shanghai" });
    let calendar = course.coordinator.post("/calendars", holidays).expect(201).id();
    let feed = json!({ "kind": "intake", "subject_id": course.intake });
    let feed_id = course.coordinator.post("/feeds", feed.clone()).expect(201).id();
    let operation = |method, path: String, body: &Value| Operation { method, path, body: body.clone() };
    vec![
        operation(
            "PUT",
            format!("/instructors/{}/profile", course.instructor),
            &json!({ "time_zone": "Asia/Shanghai", "daily_minutes": 360, "weekly_minutes": 1080, "disciplines": ["MET"],
                "hours": [{ "weekday": "monday", "from_time": "08:00", "until_time": "12:00" }],
                "exceptions": [{ "from_date": "2020-07-06", "until_date": "2020-07-10", "available": false }] }),
        ),
        operation("PATCH", format!("/cohorts/{}", course.metallurgy), &json!({ "name": "一班", "adviser_id": course.instructor })),
        operation("POST", "/rooms".to_owned(), &json!({ "code": "NEW", "name": "301", "kind": "on_site", "capacity": 64 })),
        operation("PATCH", format!("/rooms/{room}"), &json!({ "code": "NEW", "name": "302", "capacity": 32 })),
        operation(
            "POST",
            "/calendars".to_owned(),
            &json!({ "kind": "holidays", "code": "NEW", "name": "节假日", "time_zone": "Asia/Shanghai", "weekend_days": ["saturday", "sunday"] }),
        ),
        operation("PATCH", format!("/calendars/{calendar}"), &json!({ "code": "NEW", "name": "改名", "weekend_days": ["sunday"] })),
        operation("POST", "/feeds".to_owned(), &feed),
        operation("POST", format!("/feeds/{feed_id}/revoke"), &json!({ "reason": "as agreed" })),
    ]
}

/// As [`operations`], of a series and its sessions.
fn on_series(app: &App, course: &Course) -> Vec<Operation> {
    let slot = json!({ "weekday": "monday", "starts": "08:00", "ends": "09:40", "break_minutes": 10 });
    let series = json!({ "code": "NEW", "module_id": course.program.metallurgy_module, "cohort_ids": [course.metallurgy],
        "pattern": [slot], "from": "2020-06-29", "until": "2020-07-12", "skip": ["2020-07-06"] });
    let operation = |path: String, body: Value| Operation { method: "POST", path, body };
    let [moved, cut, parted, taught] =
        ["S-1", "S-2", "S-3", "S-4"].map(|code| format!("/sessions/{}", seed::session(course, code, &seed::morning(5))));
    let (start, half) = (seed::morning(6), seed::after(&seed::morning(5), 45));
    let by = seed::instructor(app, &course.coordinator, "S-1");
    vec![
        operation(format!("/intakes/{}/series", course.intake), series),
        operation(format!("{moved}/move"), json!({ "starts_at": start, "scope": "this", "reason": "as agreed" })),
        operation(format!("{cut}/cut"), json!({ "minutes": 5, "reason": "as agreed" })),
        operation(
            format!("{parted}/split"),
            json!({ "at": half, "resumes_at": start, "code": "S-9", "scope": "this", "reason": "as agreed" }),
        ),
        operation(
            format!("{taught}/substitute"),
            json!({ "instructor_id": course.instructor, "by_instructor_id": by, "scope": "this", "reason": "as agreed" }),
        ),
    ]
}

/// Runs `check` for every operation on a course, in which nothing may change.
#[track_caller]
fn for_each_operation(check: impl Fn(&Operation, &Client)) {
    let app = spawn_app();
    let course = seed::course(&app);
    let (clients, operations) = (Clients::new(&app), operations(&app, &course));
    app.unchanged(|| {
        for operation in &operations {
            check(operation, clients.of(operation));
        }
    });
}

#[test]
fn the_operations_that_are_tried_would_succeed() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (clients, operations) = (Clients::new(&app), operations(&app, &course));
    // Each kind changes something, so that a refusal of the others is no accident. Those that another one rules out come in their order.
    for operation in operations {
        let reply = operation.send(clients.of(&operation), &operation.body);
        let refused_for_its_state = matches!(reply.status, 409);
        assert!(reply.status < 300 || refused_for_its_state, "{} {}: {}", operation.method, operation.path, reply.text);
    }
}

#[test]
fn an_unknown_field_is_refused() {
    for_each_operation(|operation, client| {
        let reply = operation.send(client, &operation.with("colour", json!("red")));
        reply.fault("/colour", "unknown_field");
    });
}

#[test]
fn only_a_step_of_an_enrollment_has_a_time_of_its_own() {
    for_each_operation(|operation, client| {
        let is_step = operation.method == "POST" && operation.body.get("reason").is_some();
        if is_step && !operation.path.starts_with("/enrollments/") {
            let reply = operation.send(client, &operation.with("effective_at", json!("2020-05-28T00:00:00Z")));
            reply.fault("/effective_at", "unknown_field");
        }
    });
}

#[test]
fn an_unknown_field_deep_inside_is_refused() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let held = seed::held_session(&course, "H-1", &seed::morning(1));
    app.unchanged(|| {
        let mut version = seed::version_body();
        version["modules"][1]["hours"] = json!(9);
        course.coordinator.post(&format!("/programs/{}/versions", course.program.id), version).fault("/modules/1/hours", "unknown_field");
        let mut line = seed::line(&member, "present");
        line["present"] = json!(true);
        seed::put_roll_call(&course, &held, &[line]).fault("/entries/0/present", "unknown_field");
        let person = json!({ "name": "新人", "affiliation": { "organization_id": course.sponsor.id, "salary": 1 } });
        course.coordinator.post("/trainees", person).fault("/affiliation/salary", "unknown_field");
    });
}

#[test]
fn a_wrong_type_is_refused_in_every_field() {
    for_each_operation(|operation, client| {
        for field in operation.body.as_object().unwrap().keys() {
            for wrong in [json!({ "x": 1 }), json!([[]]), json!(1.5), json!(true)] {
                let taken =
                    |value: &Value| (value.is_boolean() && operation.body[field].is_boolean()) || value == &json!([[]]) && field == "x";
                if taken(&wrong) {
                    continue;
                }
                let reply = operation.send(client, &operation.with(field, wrong)).expect(422).problem("invalid");
                let pointer = reply.text_at("/errors/0/pointer");
                assert!(pointer.starts_with(&format!("/{field}")), "{} {}: {}", operation.method, operation.path, reply.text);
            }
        }
        for wrong in [json!([]), json!("x"), json!(7), json!(null)] {
            operation.send(client, &wrong).fault("", "wrong_type");
        }
    });
}

#[test]
fn a_name_that_is_missing_empty_nul_or_64_kib_long_is_refused() {
    for_each_operation(|operation, client| {
        if operation.body.get("name").is_none() {
            return;
        }
        if operation.method == "POST" {
            operation.send(client, &operation.without("name")).fault("/name", "missing_field");
        }
        operation.send(client, &operation.with("name", json!(null))).fault("/name", "wrong_type");
        for empty in ["", " ", "\u{3000}"] {
            operation.send(client, &operation.with("name", json!(empty))).fault("/name", "text_empty");
        }
        for control in ["\u{0}", "a\u{0}b", "a\nb", "\u{7f}"] {
            let reply = operation.send(client, &operation.with("name", json!(control)));
            reply.fault("/name", "text_control_character");
        }
        for long in ["a".repeat(64 * 1024), "界".repeat(201)] {
            operation.send(client, &operation.with("name", json!(long))).fault("/name", "text_too_long");
        }
    });
}

#[test]
fn what_a_patch_cannot_clear_is_not_cleared() {
    let app = spawn_app();
    let course = seed::course(&app);
    let draft = seed::session(&course, "D-1", &seed::morning(1));
    let cases = [
        (
            format!("/sessions/{draft}"),
            &["code", "module_id", "mode", "starts_at", "ends_at", "break_minutes", "cohort_ids", "instructor_ids"][..],
        ),
        (format!("/intakes/{}", course.intake), &["name", "opens_on", "closes_on", "mode"]),
        (format!("/programs/{}", course.program.id), &["code", "name"]),
        (format!("/instructors/{}", course.instructor), &["name"]),
    ];
    app.unchanged(|| {
        for (path, fields) in cases {
            for field in fields {
                course.coordinator.if_match("*").patch(&path, json!({ *field: null })).fault(&format!("/{field}"), "wrong_type");
            }
        }
    });
}

#[test]
fn a_put_must_say_what_it_puts() {
    let app = spawn_app();
    let course = seed::course(&app);
    let quota = format!("/intakes/{}/seat-quotas/{}", course.intake, course.sponsor.id);
    course.coordinator.put(&quota, json!({ "seats": 9 })).expect(200);
    let held = seed::held_session(&course, "H-1", &seed::morning(1));
    app.unchanged(|| {
        // Null lifts the quota; a body that says nothing does not.
        course.coordinator.if_match("*").put(&quota, json!({})).fault("/seats", "missing_field");
        course.coordinator.put(&format!("/sessions/{held}/roll-call"), json!({})).fault("/entries", "missing_field");
    });
}

#[test]
fn a_change_needs_the_tag_of_the_present_state() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (member, draft) = (seed::enrolled(&course, 1).remove(0), seed::session(&course, "D-1", &seed::morning(1)));
    let held = seed::held_session(&course, "H-1", &seed::morning(2));
    seed::put_roll_call(&course, &held, &[seed::line(&member, "present")]).expect(200);
    let quota = format!("/intakes/{}/seat-quotas/{}", course.intake, course.sponsor.id);
    course.coordinator.put(&quota, json!({ "seats": 9 })).expect(200);
    let version = course.coordinator.post(&format!("/programs/{}/versions", course.program.id), seed::version_body()).expect(201).id();
    let holidays = json!({ "kind": "holidays", "code": "CN-2020", "name": "节假日", "time_zone": "Asia/Shanghai" });
    let calendar = course.coordinator.post("/calendars", holidays).expect(201).id();
    let profile = format!("/instructors/{}/profile", course.instructor);
    let known =
        json!({ "time_zone": "UTC", "daily_minutes": null, "weekly_minutes": null, "disciplines": [], "hours": [], "exceptions": [] });
    course.coordinator.put(&profile, known).expect(200);
    let changes = [
        ("PATCH", format!("/trainees/{}", member.trainee), json!({ "name": "改名" })),
        ("PATCH", format!("/instructors/{}", course.instructor), json!({ "name": "改名" })),
        ("PATCH", format!("/programs/{}", course.program.id), json!({ "name": "改名" })),
        ("PUT", format!("/program-versions/{version}"), json!({ "total_minutes": 90, "disciplines": [], "modules": [] })),
        ("PATCH", format!("/intakes/{}", course.intake), json!({ "name": "改名" })),
        ("PATCH", format!("/calendars/{calendar}"), json!({ "weekend_days": ["sunday"] })),
        (
            "PUT",
            profile,
            json!({ "daily_minutes": 90, "time_zone": "UTC", "weekly_minutes": null, "disciplines": [], "hours": [],
            "exceptions": [] }),
        ),
        ("PUT", quota, json!({ "seats": 8 })),
        ("PATCH", format!("/enrollments/{}", member.id), json!({ "crew": "A" })),
        ("PATCH", format!("/sessions/{draft}"), json!({ "place": "Room 301" })),
        ("PUT", format!("/sessions/{held}/roll-call"), json!({ "entries": [seed::line(&member, "absent")] })),
    ];
    for (method, path, body) in changes {
        let current = course.coordinator.get(&path).expect(200).etag();
        let body = body.to_string();
        let send = |client: &Client| client.send(method, &path, Some(("application/json", body.as_bytes())));
        app.unchanged(|| {
            send(&course.coordinator).expect(428).problem("if_match_missing");
            for stale in ["\"v0\"", "\"v999\"", "nonsense"] {
                send(&course.coordinator.if_match(stale)).expect(412).problem("stale");
            }
        });
        let changed = send(&course.coordinator.if_match(&current)).expect(200);
        assert_ne!(changed.etag(), current, "{path}");
        app.unchanged(|| {
            // The retry after a lost answer: nothing differs, so the old tag does no harm.
            assert_eq!(send(&course.coordinator.if_match(&current)).expect(200).etag(), changed.etag(), "{path}");
        });
    }
}

/// An answer, but for the address of a feed, which is told once.
fn without_secrets(reply: &Reply) -> Value {
    let mut body = reply.body.clone();
    for secret in ["address", "code", "webcal_address", "link", "secret"] {
        body.as_object_mut().unwrap().remove(secret);
    }
    body
}

#[test]
fn an_idempotency_key_is_good_for_one_body() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (clients, operations) = (Clients::new(&app), operations(&app, &course));
    // Whoever only looks needs no key.
    // Nor is one taken of what could be guessed by what is kept of a body.
    let looks = |path: &str| ["/sessions/check", "/people/find", "/identity-number"].iter().any(|end| path.ends_with(end));
    let writes = operations.iter().filter(|operation| operation.method == "POST" && !looks(&operation.path));
    for (index, operation) in writes.enumerate() {
        let client = clients.of(operation).idempotency_key(&format!("key-{index}"));
        let first = operation.send(&client, &operation.body);
        if first.status >= 300 {
            continue;
        }
        app.unchanged(|| {
            let again = operation.send(&client, &operation.body);
            assert_eq!((again.status, without_secrets(&again)), (first.status, without_secrets(&first)), "{}", operation.path);
            assert_eq!(again.header("idempotency-replayed"), "true");
            // One space more is another body.
            let other = format!("{} ", operation.body);
            operation.send_bytes(&client, other.as_bytes()).fault("", "idempotency_key_reused");
        });
    }
}

#[test]
fn a_body_over_the_limit_is_refused() {
    for_each_operation(|operation, client| {
        let body = operation.body.to_string();
        let padded = format!("{body}{}", " ".repeat(1024 * 1024 + 1 - body.len()));
        operation.send_bytes(client, padded.as_bytes()).expect(413).problem("body_too_large");
    });
}

#[test]
fn broken_json_is_malformed() {
    for_each_operation(|operation, client| {
        for broken in ["", "{", "{\"name\":}", "{} {}", "[", "\u{0}", "name=X"] {
            operation.send_bytes(client, broken.as_bytes()).expect(400).problem("json_malformed");
        }
    });
}

#[test]
fn whoever_may_not_is_told_so_before_the_body_is_judged_no_more() {
    // A body that cannot be read is refused as such whoever sends it; one that can be read is not judged for strangers.
    let app = spawn_app();
    let course = seed::course(&app);
    let partner = app.partner(&course.sponsor.id);
    seed::enrolled(&course, 1);
    app.unchanged(|| {
        let mut body = seed::session_body(&course, "N-1", "1999-01-01T00:00:00Z");
        body["cohort_ids"] = json!([]);
        partner.post(&format!("/intakes/{}/sessions", course.intake), body).expect(403).problem("forbidden");
        partner.post("/trainees", json!({ "name": "新人" })).expect(403).problem("forbidden");
    });
}
