//! `GET /intakes/{id}/leave-requests` and `/leave-requests/{id}`.

use serde_json::{Value, json};

use super::{ask, step};
use crate::support::{seed, spawn_app};

#[test]
fn requests_are_listed_by_state_and_by_enrollment() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 2);
    let first = seed::leave_asked(&course, &members[0], &seed::morning(1), 60);
    let second = seed::leave_granted(&course, &members[0], &seed::morning(2), 60);
    let third = seed::leave_asked(&course, &members[1], &seed::morning(3), 60);
    let path = format!("/intakes/{}/leave-requests", course.intake);
    let listed = |query: &str| course.coordinator.get(&format!("{path}{query}")).expect(200).column("id");
    assert_eq!(listed(""), [&first[..], &second, &third]);
    assert_eq!(listed("?state=asked"), [&first[..], &third]);
    assert_eq!(listed(&format!("?enrollment_id={}", members[0].id)), [&first[..], &second]);
    assert_eq!(listed(&format!("?state=granted&enrollment_id={}", members[1].id)), Vec::<String>::new());
    let page = course.coordinator.get(&format!("{path}?limit=2")).expect(200);
    assert_eq!(listed(&format!("?cursor={}", page.text_at("/next"))), [third]);
    course.coordinator.get(&format!("{path}?state=lost")).expect(400);
}

#[test]
fn why_is_told_to_whom_it_concerns() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    seed::published_session(&course, "MET-1", &seed::morning(1));
    let (trainee, partner) = (app.trainee(&member.trainee), app.partner(&course.sponsor.id));
    let body = seed::leave_body(&member.id, &seed::morning(1), 60);
    let [of_trainee, of_partner] = [&trainee, &partner].map(|client| ask(client, &course, body.clone()).expect(201).id());
    for id in [&of_trainee, &of_partner] {
        step(&course.coordinator, id, "refuse", Some("the examination is that day")).expect(200);
    }
    let (why, decision) = (json!("a wedding in the family"), json!("the examination is that day"));
    let told = |client: &crate::support::Client, id: &str| -> (Value, Value, bool) {
        let body = client.get(&format!("/leave-requests/{id}")).expect(200).body;
        (body["reason"].clone(), body["steps"][1]["reason"].clone(), body["steps"][1]["user_id"].is_string())
    };
    for client in [&course.coordinator, &app.auditor()] {
        assert_eq!(told(client, &of_trainee), (why.clone(), decision.clone(), true));
    }
    assert_eq!(told(&trainee, &of_trainee), (why.clone(), decision.clone(), false));
    assert_eq!(told(&partner, &of_partner), (why, decision, false));
    let nothing = (Value::Null, Value::Null, false);
    assert_eq!(told(&partner, &of_trainee), nothing);
    assert_eq!(told(&app.partner(&course.sponsor.id), &of_partner), nothing);
    assert_eq!(told(&app.instructor(&course.instructor), &of_trainee), nothing);
    let kind = |client: &crate::support::Client| client.get(&format!("/leave-requests/{of_trainee}")).expect(200).body["kind"].clone();
    assert_eq!(kind(&course.coordinator), body["kind"]);
    assert_eq!((kind(&partner), kind(&app.instructor(&course.instructor))), (Value::Null, Value::Null));
}

#[test]
fn an_instructor_sees_leave_that_touches_a_session_of_their_own() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 2);
    super::crew(&course, &members, "甲");
    let second = seed::instructor(&app, &course.coordinator, "P-2");
    let taught_by = |code: &str, day: u32, instructor: &str, cohort: &str| {
        let mut body = seed::session_body(&course, code, &seed::morning(day));
        (body["instructor_ids"], body["cohort_ids"]) = (json!([instructor]), json!([cohort]));
        if cohort == course.mechanics {
            body["module_id"] = json!(course.program.mechanics_module);
        }
        seed::published_session_as(&course, body)
    };
    taught_by("MET-1", 1, &course.instructor, &course.metallurgy);
    let of_second = taught_by("MET-2", 2, &second, &course.metallurgy);
    // At the same time, and nobody of the requests owes it.
    taught_by("MEC-1", 1, &second, &course.mechanics);
    let asked = |day: u32| seed::leave_asked(&course, &members[0], &seed::morning(day), 60);
    let (on_first, on_second, on_third) = (asked(1), asked(2), asked(3));
    let crew = json!({ "crew": "甲", "kind": "work", "starts_at": seed::morning(1), "ends_at": seed::after(&seed::morning(2), 60), "reason": "x" });
    let both = ask(&course.coordinator, &course, crew).expect(201).id();
    let clients = [app.instructor(&course.instructor), app.instructor(&second)];
    let path = format!("/intakes/{}/leave-requests", course.intake);
    let listed = |client: &crate::support::Client, query: &str| client.get(&format!("{path}{query}")).expect(200).column("id");
    assert_eq!(listed(&course.coordinator, ""), [&on_first[..], &on_second, &on_third, &both]);
    assert_eq!(listed(&clients[0], ""), [&on_first[..], &both]);
    assert_eq!(listed(&clients[1], ""), [&on_second[..], &both]);
    assert_eq!(listed(&clients[0], &format!("?enrollment_id={}", members[1].id)), std::slice::from_ref(&both));
    let read = |client: &crate::support::Client, id: &str, status: u16| client.get(&format!("/leave-requests/{id}")).expect(status);
    for (client, own, other) in [(&clients[0], &on_first, &on_second), (&clients[1], &on_second, &on_first)] {
        read(client, own, 200);
        read(client, &both, 200);
        read(client, other, 404);
        read(client, &on_third, 404);
    }
    // A session that is published meanwhile makes it seen, and a cancelled one touches nothing.
    taught_by("MET-3", 3, &course.instructor, &course.metallurgy);
    assert_eq!(listed(&clients[0], ""), [&on_first[..], &on_third, &both]);
    course.coordinator.post(&format!("/sessions/{of_second}/cancel"), json!({ "reason": "storm" })).expect(200);
    assert_eq!(listed(&clients[1], ""), Vec::<String>::new());
}

#[test]
fn an_instructor_is_told_of_a_crew_only_those_who_miss_something_with_them() {
    let app = spawn_app();
    let course = seed::course(&app);
    let mut members = seed::enrolled(&course, 1);
    let unit = &course.sponsor.plants[0];
    members.extend(seed::enrolled_at(&course, unit, (&course.program.mechanics, &course.mechanics), 1));
    super::crew(&course, &members, "甲");
    seed::published_session(&course, "MET-1", &seed::morning(1));
    // The other one is theirs too, on another day.
    let mut later = seed::session_body(&course, "MEC-1", &seed::morning(5));
    (later["module_id"], later["cohort_ids"]) = (json!(course.program.mechanics_module), json!([course.mechanics]));
    seed::published_session_as(&course, later);
    let crew = json!({ "crew": "甲", "kind": "work", "starts_at": seed::morning(1), "ends_at": seed::after(&seed::morning(1), 60), "reason": "x" });
    let id = ask(&course.coordinator, &course, crew).expect(201).id();
    let named = |client: &crate::support::Client| {
        client.get(&format!("/leave-requests/{id}")).expect(200).body["enrollment_ids"].as_array().unwrap().len()
    };
    let instructor = app.instructor(&course.instructor);
    assert_eq!((named(&course.coordinator), named(&instructor)), (2, 1));
    let listed = |member: &seed::Enrolled| {
        let path = format!("/intakes/{}/leave-requests?enrollment_id={}", course.intake, member.id);
        instructor.get(&path).expect(200).items().len()
    };
    assert_eq!((listed(&members[0]), listed(&members[1])), (1, 0));
}

#[test]
fn a_request_is_read_again_only_if_it_changed() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let id = seed::leave_asked(&course, &member, &seed::morning(1), 60);
    let path = format!("/leave-requests/{id}");
    let tag = course.coordinator.get(&path).expect(200).etag();
    course.coordinator.if_none_match(&tag).get(&path).expect(304);
    // A session that is published meanwhile is touched too.
    seed::published_session(&course, "MET-1", &seed::morning(1));
    course.coordinator.if_none_match(&tag).get(&path).expect(200);
}
