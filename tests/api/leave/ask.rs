//! `POST /intakes/{id}/leave-requests`.

use serde_json::{Value, json};

use super::{ask, crew, step};
use crate::support::{seed, spawn_app};

fn ids(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect()
}

#[test]
fn leave_is_asked_for_with_the_sessions_that_it_touches() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let touched = seed::published_session(&course, "MET-1", &seed::morning(1));
    seed::published_session(&course, "MET-2", &seed::after(&seed::morning(1), 180));
    // Nobody is asked to be in a draft, and nobody but the mechanics in theirs.
    seed::session(&course, "MET-3", &seed::morning(1));
    let mut other = seed::session_body(&course, "MEC-1", &seed::morning(1));
    (other["module_id"], other["cohort_ids"]) = (json!(course.program.mechanics_module), json!([course.mechanics]));
    other["instructor_ids"] = json!([]);
    seed::published_session_as(&course, other);
    let body = json!({ "enrollment_id": member.id, "kind": "personal", "reason": "a wedding in the family",
        "starts_at": "2020-06-02T09:30", "ends_at": "2020-06-02T12:00" });
    let trainee = app.trainee(&member.trainee);
    let made = ask(&trainee, &course, body).expect(201);
    assert_eq!((&made.body["starts_at"], &made.body["ends_at"]), (&json!("2020-06-02T01:30:00Z"), &json!("2020-06-02T04:00:00Z")));
    assert_eq!((&made.body["state"], &made.body["crew"]), (&json!("asked"), &json!(null)));
    assert_eq!(ids(&made.body["enrollment_ids"]), [&member.id]);
    assert_eq!(made.body["sessions"].as_array().unwrap().len(), 1);
    assert_eq!((&made.body["sessions"][0]["id"], &made.body["sessions"][0]["unsettled"]), (&json!(touched), &json!(false)));
    assert_eq!((&made.body["steps"][0]["to_state"], &made.body["steps"][0]["role"]), (&json!("asked"), &json!("trainee")));
    let again = trainee.get(made.header("location")).expect(200);
    assert_eq!((&again.body, again.etag().is_empty()), (&made.body, false));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn times_that_cannot_be_are_pointed_at() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    app.unchanged(|| {
        for (field, value, code) in [
            ("ends_at", "2020-06-02T08:00", "end_before_start"),
            ("starts_at", "2020-05-26T23:59", "outside_intake"),
            ("ends_at", "2020-10-31T00:01", "outside_intake"),
            ("starts_at", "2020-06-02T00:00:30Z", "not_whole_minutes"),
            ("starts_at", "2020-06-02", "wrong_value"),
        ] {
            let mut body = seed::leave_body(&member.id, "2020-06-02T00:00:00Z", 60);
            body[field] = json!(value);
            ask(&course.coordinator, &course, body).fault(&format!("/{field}"), code);
        }
    });
    // The whole of the intake, to the end of its last day.
    let mut body = seed::leave_body(&member.id, "2020-05-26T16:00:00Z", 60);
    body["ends_at"] = json!("2020-10-31T00:00");
    ask(&course.coordinator, &course, body).expect(201);
}

#[test]
fn it_is_for_one_enrollment_or_for_a_crew() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let other = seed::course_called(&app, "OTHER", "BAOWU");
    let stranger = seed::enrolled(&other, 1).remove(0);
    let with = |changes: &[(&str, Value)]| {
        let mut body = seed::leave_body(&member.id, &seed::morning(1), 60);
        changes.iter().for_each(|(field, value)| body[*field] = value.clone());
        body
    };
    app.unchanged(|| {
        for (changes, pointer, code) in [
            (vec![("enrollment_id", Value::Null)], "/enrollment_id", "nobody_named"),
            (vec![("crew", json!("甲"))], "/crew", "said_twice"),
            (vec![("sponsor_id", json!(course.sponsor.id))], "/sponsor_id", "not_a_crew"),
            (vec![("enrollment_id", json!(stranger.id))], "/enrollment_id", "unknown_enrollment"),
            (vec![("enrollment_id", Value::Null), ("crew", json!("甲"))], "/crew", "unknown_crew"),
        ] {
            ask(&course.coordinator, &course, with(&changes)).fault(pointer, code);
        }
    });
}

#[test]
fn a_crew_is_whoever_is_in_it_when_leave_is_asked_for() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 4);
    crew(&course, &members[..3], "甲");
    course.coordinator.post(&format!("/enrollments/{}/withdraw", members[2].id), json!({ "reason": "left" })).expect(200);
    let mut body = seed::leave_body("", &seed::morning(1), 60);
    body.as_object_mut().unwrap().remove("enrollment_id");
    body["crew"] = json!("甲");
    let partner = app.partner(&course.sponsor.id);
    let made = ask(&partner, &course, body.clone()).expect(201);
    assert_eq!(made.body["sponsor_id"], json!(course.sponsor.id));
    assert_eq!(ids(&made.body["enrollment_ids"]), [&members[0].id, &members[1].id]);
    crew(&course, &members[3..], "甲");
    assert_eq!(partner.get(made.header("location")).expect(200).body["enrollment_ids"], made.body["enrollment_ids"]);
    // A plant asks for its own part of the crew, and a trainee for nobody but themselves.
    ask(&app.partner(&course.sponsor.plants[1]), &course, body.clone()).expect(404);
    let second = seed::enrolled_at(&course, &course.sponsor.plants[1], (&course.program.metallurgy, &course.metallurgy), 1);
    crew(&course, &second, "甲");
    let part = ask(&app.partner(&course.sponsor.plants[1]), &course, body.clone()).expect(201);
    assert_eq!(ids(&part.body["enrollment_ids"]), [&second[0].id]);
    ask(&app.trainee(&members[0].trainee), &course, body.clone()).expect(403);
    // Another sponsor's crew has the same name.
    let sponsor = seed::sponsor(&app, "BAOWU");
    let third = seed::enrolled_at(&course, &sponsor.plants[0], (&course.program.metallurgy, &course.metallurgy), 1);
    crew(&course, &third, "甲");
    ask(&course.coordinator, &course, body.clone()).fault("/sponsor_id", "sponsor_missing");
    body["sponsor_id"] = json!(sponsor.id);
    let made = ask(&course.coordinator, &course, body).expect(201);
    assert_eq!(ids(&made.body["enrollment_ids"]), [&third[0].id]);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn only_so_many_requests_of_one_enrollment_wait() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 2);
    let first = seed::leave_asked(&course, &members[0], &seed::morning(1), 60);
    for _ in 0..19 {
        seed::leave_asked(&course, &members[0], &seed::morning(1), 60);
    }
    let body = seed::leave_body(&members[0].id, &seed::morning(1), 60);
    app.unchanged(|| ask(&course.coordinator, &course, body.clone()).expect(409).problem("too_many_waiting"));
    seed::leave_asked(&course, &members[1], &seed::morning(1), 60);
    // Nobody is barred by what others asked for.
    ask(&app.trainee(&members[0].trainee), &course, body.clone()).expect(201);
    // One that is decided waits no more.
    step(&course.coordinator, &first, "grant", None).expect(200);
    ask(&course.coordinator, &course, body).expect(201);
}
