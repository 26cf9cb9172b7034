//! What contradicts the plan, the calendar, the seats or the state of things.

use serde_json::{Value, json};

use super::Operation;
use crate::support::{Reply, seed, seed::Course, spawn_app};

#[test]
fn an_end_before_the_start_is_refused() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (draft, published) = (seed::session(&course, "D-1", &seed::morning(1)), seed::published_session(&course, "P-1", &seed::morning(2)));
    let coordinator = &course.coordinator;
    app.unchanged(|| {
        let mut body = seed::session_body(&course, "N-1", &seed::morning(3));
        for ends_at in [seed::morning(3), seed::morning(2)] {
            body["ends_at"] = json!(ends_at);
            coordinator.post(&format!("/intakes/{}/sessions", course.intake), body.clone()).fault("/ends_at", "end_before_start");
        }
        let bulk = json!({ "sessions": [seed::session_body(&course, "N-2", &seed::morning(3)), body] });
        coordinator.post(&format!("/intakes/{}/sessions/bulk", course.intake), bulk).fault("/sessions/1/ends_at", "end_before_start");
        let early = json!({ "ends_at": seed::morning(0) });
        coordinator.if_match("*").patch(&format!("/sessions/{draft}"), early.clone()).fault("/ends_at", "end_before_start");
        coordinator.post(&format!("/sessions/{published}/hold"), early).fault("/ends_at", "end_before_start");
        let mut intake = seed::intake_body(&course.program.version, "NEW-1");
        intake["closes_on"] = json!("2020-05-26");
        coordinator.post("/intakes", intake).fault("/closes_on", "end_before_start");
        let closes = json!({ "closes_on": "2020-05-26" });
        coordinator.if_match("*").patch(&format!("/intakes/{}", course.intake), closes).fault("/closes_on", "end_before_start");
        let post = json!({ "organization_id": course.sponsor.id, "from_date": "2020-05-27", "until_date": "2020-05-27" });
        let person = json!({ "name": "新人", "affiliation": post });
        coordinator.post("/trainees", person).fault("/affiliation/until_date", "end_before_start");
    });
}

#[test]
fn a_session_outside_its_intake_is_refused() {
    let app = spawn_app();
    let course = seed::course(&app);
    let path = format!("/intakes/{}/sessions", course.intake);
    let draft = seed::session(&course, "D-1", &seed::morning(1));
    app.unchanged(|| {
        // In Shanghai the intake lasts from 26 May 16:00 UTC to 30 October 16:00 UTC.
        let before = seed::session_body(&course, "N-1", "2020-05-26T15:59:00Z");
        course.coordinator.post(&path, before).fault("/starts_at", "outside_intake");
        let late = seed::session_body(&course, "N-1", "2020-10-30T14:31:00Z");
        course.coordinator.post(&path, late).fault("/ends_at", "outside_intake");
        let moved = json!({ "starts_at": "2020-11-01T01:00:00Z", "ends_at": "2020-11-01T02:30:00Z" });
        let moved = course.coordinator.if_match("*").patch(&format!("/sessions/{draft}"), moved).expect(409).problem("outside_intake");
        assert_eq!(moved.body["conflicts"][0]["kind"], "outside_intake");
        let shorter = json!({ "opens_on": "2020-06-03" });
        let reply = course.coordinator.if_match("*").patch(&format!("/intakes/{}", course.intake), shorter);
        let reply = reply.expect(409).problem("sessions_outside");
        assert!(
            reply.text.contains("1 session would lie outside the new dates; the first is D-1 at 2020-06-02 09:00+08:00"),
            "{}",
            reply.text
        );
    });
    // The first and the last minute.
    seed::session(&course, "N-1", "2020-05-26T16:00:00Z");
    seed::session(&course, "N-2", "2020-10-30T14:30:00Z");
}

#[test]
fn an_overlapping_claim_is_refused_with_what_blocks() {
    let app = spawn_app();
    let course = seed::course(&app);
    let start = seed::morning(1);
    seed::published_session(&course, "P-1", &start);
    let mut same_instructor = seed::session_body(&course, "N-1", &seed::after(&start, 89));
    same_instructor["cohort_ids"] = json!([course.mechanics]);
    same_instructor["module_id"] = json!(course.program.mechanics_module);
    let mut same_cohort = seed::session_body(&course, "N-2", &seed::after(&start, -89));
    same_cohort["instructor_ids"] = json!([]);
    for (body, code, kind) in [(same_instructor, "N-1", "instructor 教授 HONGXING-P1"), (same_cohort, "N-2", "cohort MET-1 班")] {
        let id = seed::session_as(&course, body);
        app.unchanged(|| {
            let reply = course.coordinator.post(&format!("/sessions/{id}/publish"), json!({})).expect(409).problem("session_conflict");
            let detail = reply.text_at("/detail");
            for part in [code, "session P-1", "2020-06-02 09:00+08:00 to 2020-06-02 10:30+08:00", kind] {
                assert!(detail.contains(part), "{part} is not in: {detail}");
            }
        });
    }
}

#[test]
fn hours_that_do_not_add_up_are_not_confirmed() {
    let app = spawn_app();
    let course = seed::course(&app);
    let mut body = seed::version_body();
    body["total_minutes"] = json!(seed::TOTAL + 1);
    let id = course.coordinator.post(&format!("/programs/{}/versions", course.program.id), body).expect(201).id();
    app.unchanged(|| {
        let reply =
            course.coordinator.post(&format!("/program-versions/{id}/confirm"), json!({})).expect(409).problem("hours_do_not_add_up");
        let detail = reply.text_at("/detail");
        assert!(detail.contains("13320") && detail.contains("13321"), "{detail}");
    });
}

#[test]
fn what_belongs_to_another_organization_is_not_there() {
    let app = spawn_app();
    let course = seed::course(&app);
    let provider = seed::organization(&app, "NEU", "东北大学", "university", None);
    let theirs = seed::course_of(&app, app.coordinator_of(&provider), "NEU", "BAOWU");
    let (their_trainee, their_member) = (seed::recruit(&theirs), seed::enrolled(&theirs, 1).remove(0));
    let (their_draft, their_held) =
        (seed::session(&theirs, "D-1", &seed::morning(1)), seed::held_session(&theirs, "H-1", &seed::morning(2)));
    let (ours, our_draft) = (&course.coordinator, seed::session(&course, "D-1", &seed::morning(1)));
    let missing = app.absent_id();
    let answer = |reply: Reply| {
        let mut reply = reply.expect(404).problem("not_found");
        reply.body["instance"].take();
        reply.body
    };
    let absent = answer(ours.get(&format!("/sessions/{missing}")));
    app.unchanged(|| {
        // Named in the address.
        let their_reads = [
            format!("/trainees/{their_trainee}"),
            format!("/instructors/{}", theirs.instructor),
            format!("/programs/{}", theirs.program.id),
            format!("/programs/{}/versions", theirs.program.id),
            format!("/program-versions/{}", theirs.program.version),
            format!("/intakes/{}", theirs.intake),
            format!("/intakes/{}/cohorts", theirs.intake),
            format!("/cohorts/{}", theirs.metallurgy),
            format!("/intakes/{}/seat-quotas", theirs.intake),
            format!("/intakes/{}/enrollments", theirs.intake),
            format!("/intakes/{}/sessions", theirs.intake),
            format!("/intakes/{}/progress", theirs.intake),
            format!("/enrollments/{}", their_member.id),
            format!("/enrollments/{}/hours", their_member.id),
            format!("/enrollments/{}/progress", their_member.id),
            format!("/sessions/{their_draft}"),
            format!("/sessions/{their_held}/roll-call"),
        ];
        for path in their_reads {
            assert_eq!(answer(ours.get(&path)), absent, "{path}");
        }
        for operation in operations_on(&theirs, &their_member, &their_draft, &their_held, &their_trainee) {
            assert_eq!(answer(operation.send(ours, &operation.body)), absent, "{} {}", operation.method, operation.path);
        }
        // Named in the body of what is ours.
        ours.post(&format!("/intakes/{}/enrollments", course.intake), seed::enrollment_body(&course, &their_trainee)).expect(404);
        ours.post(&format!("/intakes/{}/enrollments", course.intake), seed::enrollment_body(&course, &missing)).expect(404);
        let mut session = seed::session_body(&course, "N-1", &seed::morning(5));
        session["instructor_ids"] = json!([theirs.instructor]);
        ours.post(&format!("/intakes/{}/sessions", course.intake), session).expect(404);
        ours.post(&format!("/intakes/{}/sessions/publish", course.intake), json!({ "session_ids": [our_draft, their_draft] })).expect(404);
        let waiver = json!({ "other_session_id": their_draft, "reason": "why not" });
        ours.post(&format!("/sessions/{our_draft}/waivers"), waiver).expect(404);
        ours.post("/intakes", seed::intake_body(&theirs.program.version, "NEW-1")).expect(404);
        let adviser = json!({ "discipline_id": course.program.metallurgy, "code": "X", "name": "X", "adviser_id": theirs.instructor });
        ours.post(&format!("/intakes/{}/cohorts", course.intake), adviser).expect(404);
        let adviser = json!({ "adviser_id": theirs.instructor });
        ours.if_match("*").patch(&format!("/cohorts/{}", course.metallurgy), adviser).expect(404);
    });
}

fn operations_on(theirs: &Course, member: &seed::Enrolled, draft: &str, held: &str, trainee: &str) -> Vec<Operation> {
    let step = json!({ "reason": "x" });
    let operation = |method, path: String, body: Value| Operation { method, path, body };
    vec![
        operation("PATCH", format!("/trainees/{trainee}"), json!({ "name": "改名" })),
        operation("PATCH", format!("/instructors/{}", theirs.instructor), json!({ "name": "改名" })),
        operation("PATCH", format!("/programs/{}", theirs.program.id), json!({ "name": "改名" })),
        operation("POST", format!("/programs/{}/versions", theirs.program.id), seed::version_body()),
        operation("POST", format!("/program-versions/{}/retire", theirs.program.version), step.clone()),
        operation("PATCH", format!("/intakes/{}", theirs.intake), json!({ "capacity": 1 })),
        operation("POST", format!("/intakes/{}/cancel", theirs.intake), step.clone()),
        operation("PUT", format!("/intakes/{}/seat-quotas/{}", theirs.intake, theirs.sponsor.id), json!({ "seats": 1 })),
        operation("POST", format!("/intakes/{}/enrollments", theirs.intake), seed::enrollment_body(theirs, trainee)),
        operation("POST", format!("/intakes/{}/sessions", theirs.intake), seed::session_body(theirs, "N-1", &seed::morning(5))),
        operation("POST", format!("/intakes/{}/sessions/publish", theirs.intake), json!({})),
        operation("PATCH", format!("/enrollments/{}", member.id), json!({ "crew": "A" })),
        operation("POST", format!("/enrollments/{}/withdraw", member.id), step.clone()),
        operation("POST", format!("/intakes/{}/sessions/check", theirs.intake), json!({ "changes": [{ "id": draft }] })),
        operation("PATCH", format!("/sessions/{draft}"), json!({ "code": "X" })),
        operation("POST", format!("/sessions/{draft}/publish"), step.clone()),
        operation("PUT", format!("/sessions/{held}/roll-call"), json!({ "entries": [seed::line(member, "present")] })),
        operation("POST", format!("/sessions/{held}/roll-call/close"), step),
    ]
}

#[test]
fn nobody_is_enrolled_beyond_capacity_or_quota() {
    let app = spawn_app();
    let course = seed::course(&app);
    seed::enrolled(&course, 1);
    let enroll = |trainee: &str| {
        course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), seed::enrollment_body(&course, trainee))
    };
    let (one, two) = (seed::recruit(&course), seed::recruit(&course));
    let intake = format!("/intakes/{}", course.intake);
    course.coordinator.if_match("*").patch(&intake, json!({ "capacity": 1 })).expect(200);
    app.unchanged(|| enroll(&one).expect(409).problem("capacity_full"));
    course.coordinator.if_match("*").patch(&intake, json!({ "capacity": 3 })).expect(200);
    course.coordinator.put(&format!("{intake}/seat-quotas/{}", course.sponsor.id), json!({ "seats": 1 })).expect(200);
    app.unchanged(|| enroll(&one).expect(409).problem("quota_full"));
    course.coordinator.if_match("*").put(&format!("{intake}/seat-quotas/{}", course.sponsor.id), json!({ "seats": 2 })).expect(200);
    // Of two at once neither is taken: all or none.
    let both = json!({ "enrollments": [seed::enrollment_body(&course, &one), seed::enrollment_body(&course, &two)] });
    app.unchanged(|| course.coordinator.post(&format!("{intake}/enrollments/bulk"), both).expect(409).problem("quota_full"));
    enroll(&one).expect(201);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn an_illegal_transition_is_refused_with_the_reason() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let (draft, held) = (seed::session(&course, "D-1", &seed::morning(1)), seed::held_session(&course, "H-1", &seed::morning(2)));
    let cases = [
        (format!("/program-versions/{}/confirm", course.program.version), "the version is confirmed"),
        (format!("/intakes/{}/complete", course.intake), "complete is not possible while the intake is enrolling"),
        (format!("/enrollments/{}/resume", member.id), "resume is not possible while the enrollment is enrolled"),
        (format!("/sessions/{draft}/hold"), "hold is not possible while session D-1 is draft"),
        (format!("/sessions/{held}/cancel"), "cancel is not possible while session H-1 is held"),
        (format!("/sessions/{held}/roll-call/reopen"), "reopen is not possible while the roll call is not_open"),
    ];
    app.unchanged(|| {
        for (path, reason) in cases {
            let body = if path.ends_with("/hold") { json!({}) } else { json!({ "reason": "why not" }) };
            let detail = course.coordinator.post(&path, body).expect(409).problem("illegal_transition").text_at("/detail");
            assert!(detail.contains(reason), "{path}: {detail}");
        }
        course.coordinator.post(&format!("/enrollments/{}/promote", member.id), json!({})).expect(404).problem("not_found");
    });
}

#[test]
fn a_roll_is_not_called_before_the_start() {
    let app = spawn_app();
    let course = seed::course(&app);
    let patch = json!({ "closes_on": "2199-12-31" });
    course.coordinator.if_match("*").patch(&format!("/intakes/{}", course.intake), patch).expect(200);
    let member = seed::enrolled(&course, 1).remove(0);
    let session = seed::published_session(&course, "P-1", "2199-06-01T01:00:00Z");
    app.unchanged(|| {
        let told = seed::put_roll_call(&course, &session, &[seed::line(&member, "present")]).fault("", "before_start").text;
        assert!(told.contains("the session starts at 2199-06-01 09:00+08:00"), "{told}");
        let told = course.coordinator.post(&format!("/sessions/{session}/hold"), json!({})).expect(409).problem("session_not_over").text;
        assert!(told.contains("session P-1 ends at 2199-06-01 10:30+08:00"), "{told}");
    });
}

#[test]
fn a_roll_call_with_a_stranger_or_impossible_minutes_is_refused() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let stranger = seed::enrolled_at(&course, &course.sponsor.id, (&course.program.mechanics, &course.mechanics), 1).remove(0);
    let held = seed::held_session(&course, "H-1", &seed::morning(1));
    let nobody = seed::Enrolled { id: app.absent_id(), trainee: app.absent_id() };
    app.unchanged(|| {
        for (lines, pointer, code) in [
            (vec![seed::line(&member, "present"), seed::line(&stranger, "present")], "/entries/1/enrollment_id", "not_expected"),
            (vec![seed::line(&nobody, "present")], "/entries/0/enrollment_id", "not_expected"),
            (vec![seed::line(&member, "present"), seed::line(&member, "absent")], "/entries/1/enrollment_id", "named_twice"),
            (vec![seed::line_of(&member, "late", 91)], "/entries/0/minutes", "minutes_above_session"),
            (vec![seed::line_of(&member, "excused", i64::from(i32::MAX))], "/entries/0/minutes", "minutes_above_session"),
            (vec![seed::line_of(&member, "late", -1)], "/entries/0/minutes", "out_of_range"),
            (vec![seed::line_of(&member, "late", i64::MAX)], "/entries/0/minutes", "wrong_value"),
            (vec![seed::line(&member, "late")], "/entries/0/minutes", "minutes_missing"),
            (vec![seed::line_of(&member, "present", 89)], "/entries/0/minutes", "minutes_contradict_code"),
            (vec![seed::line_of(&member, "absent", 1)], "/entries/0/minutes", "minutes_contradict_code"),
            (vec![seed::line(&member, "asleep")], "/entries/0/code", "unknown_value"),
        ] {
            seed::put_roll_call(&course, &held, &lines).fault(pointer, code);
        }
    });
}
