//! `POST /leave-requests/{id}/{endorse|grant|refuse|withdraw}`.

use serde_json::json;

use super::{ask, crew, step};
use crate::support::{App, seed, seed::Course, spawn_app};

/// Whoever looks after the cohort of metallurgy.
fn adviser(app: &App, course: &Course) -> crate::support::Client {
    let adviser = seed::instructor(app, &course.coordinator, "ADVISER");
    let (person, cohort) = (app.hex(&adviser), app.hex(&course.metallurgy));
    app.sql(&format!("UPDATE cohorts SET adviser_id = {person} WHERE id = {cohort}")).unwrap();
    app.class_adviser(&adviser)
}

#[test]
fn leave_is_endorsed_and_granted_and_every_step_is_kept() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let body = seed::leave_body(&member.id, &seed::morning(1), 60);
    let id = ask(&app.trainee(&member.trainee), &course, body).expect(201).id();
    step(&app.partner(&course.sponsor.id), &id, "endorse", Some("the shift is covered")).expect(200);
    let granted = step(&course.coordinator, &id, "grant", None).expect(200);
    let steps: Vec<_> = granted.body["steps"].as_array().unwrap().iter().map(|step| (&step["to_state"], &step["role"])).collect();
    let expected = [("asked", "trainee"), ("endorsed", "partner"), ("granted", "coordinator")].map(|(to, role)| (json!(to), json!(role)));
    assert_eq!(steps, expected.each_ref().map(|(to, role)| (to, role)));
    assert_eq!(granted.body["steps"][1]["reason"], "the shift is covered");
    let entries = "SELECT count(*) FROM journal_entries WHERE action IN ('leave.asked', 'leave.endorsed', 'leave.granted')";
    assert_eq!(app.count(entries), 3);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_step_is_taken_from_where_it_leads_on_and_with_a_reason_where_one_is_due() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let [granted, refused, withdrawn] = [(); 3].map(|()| seed::leave_asked(&course, &member, &seed::morning(1), 60));
    step(&course.coordinator, &refused, "refuse", None).fault("/reason", "reason_missing");
    step(&course.coordinator, &refused, "refuse", Some("the examination is that day")).expect(200);
    step(&course.coordinator, &withdrawn, "withdraw", None).expect(200);
    step(&course.coordinator, &granted, "grant", None).expect(200);
    step(&course.coordinator, &granted, "withdraw", None).fault("/reason", "reason_missing");
    app.unchanged(|| {
        for verb in ["endorse", "grant", "refuse"] {
            for request in [&granted, &refused, &withdrawn] {
                step(&course.coordinator, request, verb, Some("again")).expect(409).problem("illegal_transition");
            }
        }
        step(&course.coordinator, &withdrawn, "withdraw", Some("again")).expect(409).problem("illegal_transition");
    });
    step(&course.coordinator, &granted, "withdraw", Some("came after all")).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn whoever_asked_withdraws_it_until_it_is_granted() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let (trainee, partner, adviser) = (app.trainee(&member.trainee), app.partner(&course.sponsor.id), adviser(&app, &course));
    let body = || seed::leave_body(&member.id, &seed::morning(1), 60);
    for (client, others) in [(&trainee, [&partner, &adviser]), (&partner, [&trainee, &adviser]), (&adviser, [&trainee, &partner])] {
        let [endorsed, granted] = [(); 2].map(|()| ask(client, &course, body()).expect(201).id());
        step(&course.coordinator, &endorsed, "endorse", None).expect(200);
        for other in others {
            step(other, &endorsed, "withdraw", None).expect(403).problem("forbidden");
        }
        step(client, &endorsed, "withdraw", None).expect(200);
        step(&course.coordinator, &granted, "grant", None).expect(200);
        step(client, &granted, "withdraw", Some("came after all")).expect(403).problem("forbidden");
    }
}

#[test]
fn a_request_for_others_too_is_decided_by_who_sees_all_of_them() {
    let app = spawn_app();
    let course = seed::course(&app);
    let adviser = adviser(&app, &course);
    let own = seed::enrolled(&course, 1);
    let other = seed::enrolled_at(&course, &course.sponsor.plants[1], (&course.program.mechanics, &course.mechanics), 1);
    crew(&course, &own, "甲");
    crew(&course, &other, "甲");
    let mut body = seed::leave_body("", &seed::morning(1), 60);
    (body["enrollment_id"], body["crew"]) = (json!(null), json!("甲"));
    let id = ask(&app.partner(&course.sponsor.id), &course, body).expect(201).id();
    let seen = adviser.get(&format!("/leave-requests/{id}")).expect(200);
    assert_eq!(seen.body["enrollment_ids"], json!([own[0].id]));
    let plant = app.partner(&course.sponsor.plants[0]);
    app.unchanged(|| {
        step(&adviser, &id, "endorse", None).expect(403).problem("forbidden");
        step(&plant, &id, "endorse", None).expect(403).problem("forbidden");
    });
    step(&app.partner(&course.sponsor.id), &id, "endorse", None).expect(200);
}

#[test]
fn leave_in_an_intake_that_is_over_is_neither_asked_for_nor_granted() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let [id, refused] = [(); 2].map(|()| seed::leave_asked(&course, &member, &seed::morning(1), 60));
    let granted = seed::leave_granted(&course, &member, &seed::morning(1), 60);
    course.coordinator.post(&format!("/enrollments/{}/complete", member.id), json!({})).expect(200);
    for step in ["start", "complete"] {
        course.coordinator.post(&format!("/intakes/{}/{step}", course.intake), json!({})).expect(200);
    }
    app.unchanged(|| {
        step(&course.coordinator, &id, "grant", None).expect(409).problem("intake_not_live");
        step(&course.coordinator, &granted, "withdraw", Some("came after all")).expect(409).problem("intake_not_live");
        let body = seed::leave_body(&member.id, &seed::morning(1), 60);
        ask(&course.coordinator, &course, body).expect(409).problem("intake_not_live");
    });
    // What waits still is put away, which changes no hours.
    step(&course.coordinator, &id, "withdraw", None).expect(200);
    step(&course.coordinator, &refused, "refuse", Some("it is over")).expect(200);
}

#[test]
fn nobody_endorses_what_they_asked_for() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let partner = app.partner(&course.sponsor.id);
    let id = ask(&partner, &course, seed::leave_body(&member.id, &seed::morning(1), 60)).expect(201).id();
    app.unchanged(|| step(&partner, &id, "endorse", None).expect(403).problem("forbidden"));
    step(&adviser(&app, &course), &id, "endorse", None).expect(200);
}
