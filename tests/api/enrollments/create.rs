use insta::assert_json_snapshot;
use serde_json::json;

use crate::support::{seed, spawn_app};

#[test]
fn a_trainee_is_enrolled_from_the_opening_on() {
    let app = spawn_app();
    let course = seed::course(&app);
    let mut body = seed::enrollment_body(&course, &seed::recruit(&course));
    body["payer_id"] = json!(course.sponsor.id);
    body["funding"] = json!("企业职工培训费");
    body["crew"] = json!("甲");
    let reply = course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), body).expect(201);
    assert_eq!(reply.header("location"), format!("/api/v1/enrollments/{}", reply.id()));
    assert_eq!(reply.etag(), "\"v1\"");
    assert_json_snapshot!(reply.redacted());
    assert_eq!(course.coordinator.get(reply.header("location")).expect(200).body, reply.body);
    // 27 May in Shanghai begins on 26 May in UTC.
    let opening = app.instant("2020-05-26T16:00:00Z");
    assert_eq!(app.count(&format!("SELECT count(*) FROM enrollment_periods WHERE from_at = {opening} AND until_at IS NULL")), 1);
    assert_eq!(app.count(&format!("SELECT count(*) FROM enrollment_steps WHERE effective_at = {opening} AND from_state IS NULL")), 1);
}

#[test]
fn an_enrollment_begins_in_one_of_four_states() {
    let app = spawn_app();
    let course = seed::course(&app);
    let path = format!("/intakes/{}/enrollments", course.intake);
    let body = |state: &str| {
        let mut body = seed::enrollment_body(&course, &seed::recruit(&course));
        body["state"] = json!(state);
        body
    };
    for state in ["nominated", "applied", "approved", "enrolled"] {
        assert_eq!(course.coordinator.post(&path, body(state)).expect(201).body["state"], state);
    }
    // Of these, the approved and the enrolled have taken a seat.
    assert_eq!(app.count("SELECT seats_taken FROM intakes"), 2);
    assert_eq!(app.count("SELECT seats_taken FROM intake_sponsors"), 2);
    for state in ["waitlisted", "offered", "suspended", "completed", "failed", "withdrawn", "rejected", "transferred"] {
        let body = body(state);
        app.unchanged(|| course.coordinator.post(&path, body).fault("/state", "wrong_value"));
    }
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn what_does_not_fit_the_intake_is_pointed_at() {
    let app = spawn_app();
    let course = seed::course(&app);
    let other = seed::course_called(&app, "OTHER", "OTHER");
    let good = seed::enrollment_body(&course, &seed::recruit(&course));
    let path = format!("/intakes/{}/enrollments", course.intake);
    let absent = app.absent_id();
    app.unchanged(|| {
        for (field, value, code) in [
            ("discipline_id", &other.program.metallurgy, "unknown_discipline"),
            ("discipline_id", &absent, "unknown_discipline"),
            ("cohort_id", &other.metallurgy, "unknown_cohort"),
            ("cohort_id", &course.mechanics, "cohort_of_another_discipline"),
            ("unit_id", &absent, "unknown_organization"),
            ("payer_id", &absent, "unknown_organization"),
        ] {
            let mut body = good.clone();
            body[field] = json!(value);
            course.coordinator.post(&path, body).fault(&format!("/{field}"), code);
        }
    });
    course.coordinator.post(&path, good).expect(201);
}

#[test]
fn nobody_has_two_open_enrollments_in_an_intake() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let path = format!("/intakes/{}/enrollments", course.intake);
    let again = seed::enrollment_body(&course, &member.trainee);
    app.unchanged(|| course.coordinator.post(&path, again.clone()).expect(409).problem("already_enrolled"));
    course.coordinator.post(&format!("/enrollments/{}/withdraw", member.id), json!({ "reason": "ill" })).expect(200);
    let second = course.coordinator.post(&path, again).expect(201);
    assert_ne!(second.id(), member.id);
    // In another intake there is another place.
    let next = seed::intake(&course.coordinator, &course.program.version, "HONGXING-4");
    let mut body = seed::enrollment_body(&course, &member.trainee);
    body["cohort_id"] = json!(null);
    course.coordinator.post(&format!("/intakes/{next}/enrollments"), body).expect(201);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn people_are_enrolled_while_the_intake_takes_them() {
    let app = spawn_app();
    let course = seed::course(&app);
    let planned = course.coordinator.post("/intakes", seed::intake_body(&course.program.version, "NEXT")).expect(201).id();
    let mut body = seed::enrollment_body(&course, &seed::recruit(&course));
    body["cohort_id"] = json!(null);
    let enroll = || course.coordinator.post(&format!("/intakes/{planned}/enrollments"), body.clone());
    let step = |step: &str| course.coordinator.post(&format!("/intakes/{planned}/{step}"), json!({ "reason": "as agreed" })).expect(200);
    app.unchanged(|| {
        let reply = enroll().expect(409).problem("intake_not_open");
        assert!(reply.text_at("/detail").contains("the intake is planned"), "{}", reply.text);
    });
    step("open-enrollment");
    step("start");
    enroll().expect(201);
    step("cancel");
    app.unchanged(|| enroll().expect(409).problem("intake_not_open"));
}

#[test]
fn only_a_coordinator_enrolls() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (body, member) = (seed::enrollment_body(&course, &seed::recruit(&course)), seed::enrolled(&course, 1).remove(0));
    let path = format!("/intakes/{}/enrollments", course.intake);
    seed::published_session(&course, "P-1", &seed::morning(1));
    app.unchanged(|| {
        for client in [
            app.partner(&course.sponsor.id),
            app.trainee(&member.trainee),
            app.instructor(&course.instructor),
            app.auditor(),
            app.administrator(),
        ] {
            client.post(&path, body.clone()).expect(403).problem("forbidden");
        }
    });
}

#[test]
fn nobody_is_enrolled_without_a_cohort_by_oversight() {
    let app = spawn_app();
    let course = seed::course(&app);
    let path = format!("/intakes/{}/enrollments", course.intake);
    let body = || {
        let mut body = seed::enrollment_body(&course, &seed::recruit(&course));
        body.as_object_mut().unwrap().remove("cohort_id");
        body
    };
    // The only cohort of the discipline is meant; of two, one must be named.
    assert_eq!(course.coordinator.post(&path, body()).expect(201).text_at("/cohort_id"), course.metallurgy);
    seed::cohort(&course.coordinator, &course.intake, &course.program.metallurgy, "MET-2");
    let unnamed = body();
    app.unchanged(|| course.coordinator.post(&path, unnamed.clone()).fault("/cohort_id", "cohort_missing"));
    let mut nominated = unnamed;
    nominated["state"] = json!("nominated");
    assert_eq!(course.coordinator.post(&path, nominated).expect(201).body["cohort_id"], json!(null));
}
