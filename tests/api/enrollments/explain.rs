//! What `GET /enrollments/{id}/explain` tells of steps that would be refused.

use serde_json::{Value, json};

use crate::support::{App, Client, seed, seed::Course, spawn_app};

/// A course in which metallurgists are completed with 80 percent.
fn course(app: &App) -> Course {
    let coordinator = app.coordinator();
    let mut body = seed::version_body();
    body["minimum_attendance_percent"] = json!(80);
    let program = seed::program_of(&coordinator, "HONGXING", body);
    seed::course_on(app, coordinator, program, "HONGXING", "JISCO")
}

fn refused(client: &Client, id: &str) -> Vec<Value> {
    let explained = client.get(&format!("/enrollments/{id}/explain")).expect(200).body;
    explained["refused_steps"].as_array().unwrap().clone()
}

fn codes(refused: &[Value]) -> Vec<(&str, &str)> {
    refused.iter().map(|step| (step["step"].as_str().unwrap(), step["code"].as_str().unwrap())).collect()
}

/// Takes each of these steps, and holds the refusal against what was told of it.
fn refuse(app: &App, course: &Course, id: &str, told: &[Value]) {
    for step in told {
        let verb = step["step"].as_str().unwrap();
        let mut body = match verb {
            // A reason is what they lack.
            "complete" => json!({}),
            _ => json!({ "reason": "as agreed" }),
        };
        if verb == "replace" {
            body["trainee"] = json!({ "name": "马六" });
        }
        let reply = app.unchanged(|| course.coordinator.post(&format!("/enrollments/{id}/{verb}"), body.clone()));
        let first = if reply.status == 409 { &reply.body } else { &reply.body["errors"][0] };
        assert_eq!((&first["code"], &first["detail"]), (&step["code"], &step["detail"]), "{verb}: {}", reply.text);
    }
}

#[test]
fn whoever_is_enrolled_is_told_what_keeps_them_from_being_decided() {
    let app = spawn_app();
    let course = course(&app);
    let members = seed::enrolled(&course, 2);
    let id = &members[0].id;
    assert_eq!(codes(&refused(&course.coordinator, id)), [("complete", "reason_missing")], "nothing was owed");
    let lines = [seed::line_of(&members[0], "late", 60), seed::line(&members[1], "present")];
    let session = seed::closed_session(&course, "MET-1", &seed::morning(1), &lines);
    let below = refused(&course.coordinator, id);
    assert_eq!(codes(&below), [("never-arrived", "was_present"), ("replace", "owed_session_closed"), ("complete", "reason_missing")]);
    let detail = "present for 60 of 90 minutes, below 80 percent; completing all the same needs a reason";
    assert_eq!(below[2]["detail"], detail);
    refuse(&app, &course, id, &below);
    assert_eq!(codes(&refused(&course.coordinator, &members[1].id)), codes(&below)[..2]);

    // Of a partner, what a partner may do.
    assert_eq!(codes(&refused(&app.partner(&course.sponsor.id), id)), codes(&below)[1..2]);
    assert_eq!(refused(&app.trainee(&members[0].trainee), id), Vec::<Value>::new());

    seed::step_roll_call(&course, &session, "reopen", Some("the register was incomplete")).expect(200);
    let reopened = refused(&course.coordinator, id);
    assert_eq!(codes(&reopened)[2..], [("complete", "roll_calls_open"), ("fail", "roll_calls_open")]);
    refuse(&app, &course, id, &reopened);
    seed::step_roll_call(&course, &session, "close", None).expect(200);

    let body = seed::enrollment_body(&course, &seed::recruit(&course));
    let late = course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), body).expect(201).id();
    let unsettled = refused(&course.coordinator, &late);
    let told = [("replace", "owed_session_closed"), ("complete", "sessions_unsettled"), ("fail", "sessions_unsettled")];
    assert_eq!(codes(&unsettled), told);
    refuse(&app, &course, &late, &unsettled);
}

#[test]
fn whoever_is_nominated_is_told_what_the_intake_does_not_do() {
    let app = spawn_app();
    let course = course(&app);
    seed::cohort(&course.coordinator, &course.intake, &course.program.metallurgy, "MET-2");
    let mut body = seed::nomination_body(&course);
    body.as_object_mut().unwrap().remove("cohort_id");
    let id = course.coordinator.post(&format!("/intakes/{}/nominations", course.intake), body).expect(201).id();
    let nominated = refused(&course.coordinator, &id);
    assert_eq!(codes(&nominated), [("waitlist", "waitlist_off"), ("offer", "offers_off")]);
    refuse(&app, &course, &id, &nominated);
    let step = |verb: &str| course.coordinator.post(&format!("/enrollments/{id}/{verb}"), json!({})).expect(200);
    step("approve");
    let approved = refused(&course.coordinator, &id);
    assert_eq!(codes(&approved), [("enroll", "cohort_missing")]);
    refuse(&app, &course, &id, &approved);
}

#[test]
fn a_nominee_is_told_that_there_is_no_seat() {
    let app = spawn_app();
    let course = course(&app);
    let nominate =
        || course.coordinator.post(&format!("/intakes/{}/nominations", course.intake), seed::nomination_body(&course)).expect(201).id();
    let (first, second) = (nominate(), nominate());
    course.coordinator.if_match("*").patch(&format!("/intakes/{}", course.intake), json!({ "capacity": 1 })).expect(200);
    course.coordinator.post(&format!("/enrollments/{first}/approve"), json!({})).expect(200);
    let obstacles = |id: &str| course.coordinator.get(&format!("/enrollments/{id}/explain")).expect(200).body["obstacles"].clone();
    assert_eq!((obstacles(&first), obstacles(&second)), (json!([]), json!(["capacity_full"])));
    app.unchanged(|| course.coordinator.post(&format!("/enrollments/{second}/approve"), json!({})).expect(409).problem("capacity_full"));
}
