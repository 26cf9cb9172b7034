//! What is not done any more to whoever is restricted, and who is told what of them.

use muster::access::Role;
use serde_json::json;

use super::{FUTURE, restrict};
use crate::support::{App, Client, Reply, TokenOptions, seed, seed::Course, seed::Enrolled, spawn_app};

/// Somebody who has left a course and is restricted.
fn restricted(app: &App) -> (Course, Enrolled) {
    let course = seed::course(app);
    let member = seed::enrolled(&course, 1).remove(0);
    course.coordinator.post(&format!("/enrollments/{}/withdraw", member.id), json!({ "reason": "moved away" })).expect(200);
    restrict(app, &member.trainee, FUTURE).unwrap();
    (course, member)
}

#[track_caller]
fn refused(app: &App, send: impl FnOnce() -> Reply) {
    app.unchanged(|| send().expect(409).problem("person_restricted"));
}

#[test]
fn nobody_changes_enrolls_or_nominates_them() {
    let app = spawn_app();
    let (course, member) = restricted(&app);
    let coordinator = &course.coordinator;
    let person = format!("/trainees/{}", member.trainee);
    refused(&app, || coordinator.if_match("*").patch(&person, json!({ "phone": null })));
    let enrollments = format!("/intakes/{}/enrollments", course.intake);
    let body = seed::enrollment_body(&course, &member.trainee);
    refused(&app, || coordinator.post(&enrollments, body.clone()));
    refused(&app, || coordinator.post(&format!("{enrollments}/bulk"), json!({ "enrollments": [body] })));
    let quota = format!("/intakes/{}/seat-quotas/{}", course.intake, course.sponsor.id);
    coordinator.put(&quota, json!({ "seats": 9 })).expect(200);
    let partner = app.partner(&course.sponsor.id);
    let mut nomination = seed::nomination_body(&course);
    nomination["trainee"] = json!({ "name": "学员 0001", "employee_number": "0001" });
    refused(&app, || partner.post(&format!("/intakes/{}/nominations", course.intake), nomination));
    refused(&app, || coordinator.post("/feeds", json!({ "kind": "trainee", "subject_id": member.trainee })));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_row_of_a_roster_that_is_theirs_says_so_and_no_more() {
    let app = spawn_app();
    let (course, _) = restricted(&app);
    let file = "name,employee_number,organization,discipline,cohort,phone\n学员 0001,0001,JISCO-IRON,MET,MET-1,13900000000";
    let path = format!("/intakes/{}/enrollments/import", course.intake);
    let import = |query: &str| app.unchanged(|| course.coordinator.post_file(&format!("{path}{query}"), "roster.csv", file.as_bytes()));
    let tried = import("?dry_run=true").expect(200);
    let row = &tried.body["rows"][0];
    assert_eq!((&row["verdict"], &row["reasons"][0]["code"]), (&json!("needs_review"), &json!("person_restricted")), "{}", tried.text);
    assert!(row["what"].as_array().is_none_or(Vec::is_empty) && !tried.text.contains("937"), "{}", tried.text);
    let refused = import("").expect(422).problem("import_rows_invalid");
    assert_eq!(refused.body["errors"][0]["code"], "person_restricted");
}

#[test]
fn they_teach_and_advise_nobody_any_more() {
    let app = spawn_app();
    let course = seed::course(&app);
    let professor = seed::instructor(&app, &course.coordinator, "P-9");
    restrict(&app, &professor, FUTURE).unwrap();
    let mut body = seed::session_body(&course, "MET-1", &seed::morning(1));
    body["instructor_ids"] = json!([professor]);
    refused(&app, || course.coordinator.post(&format!("/intakes/{}/sessions", course.intake), body));
    let cohort = json!({ "discipline_id": course.program.metallurgy, "code": "MET-9", "name": "九班", "adviser_id": professor });
    refused(&app, || course.coordinator.post(&format!("/intakes/{}/cohorts", course.intake), cohort));
    let advise = json!({ "adviser_id": professor });
    refused(&app, || course.coordinator.if_match("*").patch(&format!("/cohorts/{}", course.metallurgy), advise));
    let profile = json!({ "time_zone": "Asia/Shanghai", "daily_minutes": null, "weekly_minutes": null, "disciplines": [], "hours": [], "exceptions": [] });
    refused(&app, || course.coordinator.put(&format!("/instructors/{professor}/profile"), profile));
}

#[test]
fn their_users_stay_disabled_and_no_new_one_is_made() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let user = app.user(Role::Trainee, Some(&app.provider().id), Some(&member.trainee));
    course.coordinator.post(&format!("/enrollments/{}/withdraw", member.id), json!({ "reason": "moved away" })).expect(200);
    restrict(&app, &member.trainee, FUTURE).unwrap();
    let administrator = app.user(Role::Administrator, None, None);
    let administrator = app.anonymous().signed_in(&administrator);
    let enable = || administrator.post(&format!("/users/{}/enable", user.user_id), json!({ "reason": "came back" }));
    refused(&app, enable);
    let new = json!({ "name": "another", "role": "trainee", "organization_id": app.provider().id, "person_id": member.trainee });
    refused(&app, || administrator.post("/users", new));
    app.anonymous().sign_in(&user.name, crate::support::PASSWORD).expect(401);
}

#[test]
fn only_the_house_is_told_how_they_are_reached_and_reports_keep_the_name() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (adviser, cohort) = seed::advised_cohort(&app, &course);
    let enrolled = seed::enrolled_at(&course, &course.sponsor.plants[0], (&course.program.metallurgy, &cohort), 1).remove(0);
    let mut body = seed::session_body(&course, "MET-1", &seed::morning(1));
    body["cohort_ids"] = json!([cohort]);
    let session = seed::held_session_as(&course, body);
    seed::put_roll_call(&course, &session, &[seed::line(&enrolled, "present")]).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    course.coordinator.post(&format!("/enrollments/{}/withdraw", enrolled.id), json!({ "reason": "moved away" })).expect(200);
    let path = format!("/trainees/{}", enrolled.trainee);
    let told = |client: &Client| {
        let person = client.get(&path).expect(200).body;
        [&person["phone"], &person["email"], &person["affiliations"][0]["employee_number"]].map(|value| !value.is_null())
    };
    let house = [app.coordinator(), app.auditor(), app.administrator()];
    let others = [app.partner(&course.sponsor.id), app.class_adviser(&adviser)];
    let by_number = |client: &Client| client.get("/trainees?employee_number=0001").expect(200).items().len();
    let csv = |client: &Client| {
        let csv = client.with_header("accept", "text/csv").get(&format!("/intakes/{}/progress", course.intake)).expect(200);
        (csv.etag(), csv.text.contains(",0001,"), csv.text.contains("学员 0001"))
    };
    for client in house.iter().chain(&others) {
        assert_eq!((told(client), by_number(client)), ([true; 3], 1));
    }
    let (tag, has_number, _) = csv(&others[0]);
    assert!(has_number);
    restrict(&app, &enrolled.trainee, FUTURE).unwrap();
    for client in &house {
        assert_eq!((told(client), by_number(client)), ([true; 3], 1));
    }
    for client in &others {
        assert_eq!((told(client), by_number(client)), ([false; 3], 0));
    }
    let (after, has_number, has_name) = csv(&others[0]);
    assert!(after != tag && !has_number && has_name);
    // Whoever is narrowed is of the house all the same.
    let options = TokenOptions { intake: Some(course.intake.clone()), ..TokenOptions::default() };
    assert_eq!(told(&app.client_for(Role::Coordinator, Some(&app.provider().id), None, options)), [true; 3]);
}
