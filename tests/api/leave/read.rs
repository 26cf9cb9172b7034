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
