use serde_json::json;

use crate::support::{seed, spawn_app};

#[test]
fn a_quota_is_set_changed_and_lifted() {
    let app = spawn_app();
    let course = seed::course(&app);
    seed::enrolled(&course, 2);
    let path = format!("/intakes/{}/seat-quotas/{}", course.intake, course.sponsor.id);
    course.coordinator.get(&path).expect(404);
    let first = course.coordinator.put(&path, json!({ "seats": 3 })).expect(200);
    assert_eq!((&first.body["seats"], &first.body["seats_taken"]), (&json!(3), &json!(2)));
    app.unchanged(|| course.coordinator.put(&path, json!({ "seats": 3 })).expect(200));
    // Below what is taken: it evicts nobody.
    let lower = course.coordinator.if_match(&first.etag()).put(&path, json!({ "seats": 1 })).expect(200);
    assert_eq!((&lower.body["seats"], &lower.body["seats_taken"]), (&json!(1), &json!(2)));
    app.unchanged(|| course.coordinator.if_match("*").put(&path, json!({ "seats": -1 })).fault("/seats", "out_of_range"));
    course.coordinator.if_match("*").put(&path, json!({ "seats": null })).expect(200);
    course.coordinator.get(&path).expect(404);
    seed::enrolled(&course, 1);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_quota_belongs_to_a_sponsor_not_to_a_unit() {
    let app = spawn_app();
    let course = seed::course(&app);
    let path = |of: &str| format!("/intakes/{}/seat-quotas/{of}", course.intake);
    app.unchanged(|| {
        course.coordinator.put(&path(&course.sponsor.plants[0]), json!({ "seats": 3 })).expect(409).problem("sponsor_is_a_unit");
        course.coordinator.put(&path(&app.absent_id()), json!({ "seats": 3 })).expect(404);
    });
}

#[test]
fn a_partner_sees_its_own_quota() {
    let app = spawn_app();
    let course = seed::course(&app);
    let other = seed::sponsor(&app, "BAOWU");
    let path = format!("/intakes/{}/seat-quotas", course.intake);
    for (sponsor, seats) in [(&course.sponsor.id, 3), (&other.id, 7)] {
        course.coordinator.put(&format!("{path}/{sponsor}"), json!({ "seats": seats })).expect(200);
    }
    assert_eq!(course.coordinator.get(&path).expect(200).body.as_array().unwrap().len(), 2);
    let own = app.partner(&other.id).get(&path).expect(200).body;
    assert_eq!((own.as_array().unwrap().len(), &own[0]["seats"]), (1, &json!(7)));
    app.partner(&other.id).get(&format!("{path}/{}", course.sponsor.id)).expect(404);
    app.partner(&other.id).put(&format!("{path}/{}", other.id), json!({ "seats": 99 })).expect(403).problem("forbidden");
    // One of its plants knows of the intake, but not of the whole sponsor's seats.
    assert_eq!(app.partner(&other.plants[0]).get(&path).expect(200).body, json!([]));
}

#[test]
fn a_quota_is_sent_again_once_a_seat_is_taken() {
    let app = spawn_app();
    let course = seed::course(&app);
    let path = format!("/intakes/{}/seat-quotas/{}", course.intake, course.sponsor.id);
    course.coordinator.put(&path, json!({ "seats": 5 })).expect(200);
    let etag = course.coordinator.get(&path).expect(200).etag();
    course.coordinator.if_none_match(&etag).get(&path).expect(304);

    seed::enrolled(&course, 1);
    let reply = course.coordinator.if_none_match(&etag).get(&path).expect(200);
    assert_eq!(reply.body["seats_taken"], 1);
    // The version is what a change is held against, and that is still the same.
    course.coordinator.if_match(&etag).put(&path, json!({ "seats": 6 })).expect(200);
}
