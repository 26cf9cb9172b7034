//! What guests see and are told of the sessions to which they come.

use serde_json::{Value, json};

use super::{guests::common, reason};
use crate::{
    feeds,
    support::{App, Client, seed, seed::Course, seed::Enrolled, spawn_app},
};

/// A class of two and the session that it has to itself; and the session of another class of one, in a room for one.
fn classes(app: &App) -> (Course, Vec<Enrolled>, String, String) {
    let course = seed::course(app);
    let first = seed::enrolled(&course, 2);
    seed::enrolled_at(&course, &course.sponsor.plants[0], (&course.program.mechanics, &course.mechanics), 1);
    let room = json!({ "code": "LAB", "name": "Laboratory", "kind": "on_site", "capacity": 1 });
    let room = course.coordinator.post("/rooms", room).expect(201).id();
    let missed = common(&course, "COM-MET", 1, &course.metallurgy);
    let mut body = seed::session_body(&course, "COM-MEC", &seed::morning(2));
    (body["module_id"], body["cohort_ids"]) = (json!(course.program.common_module), json!([course.mechanics]));
    (body["room_id"], body["mode"]) = (json!(room), json!("on_site"));
    let other = seed::published_session_as(&course, body);
    (course, first, missed, other)
}

#[test]
fn a_guest_is_told_of_the_session_and_of_what_becomes_of_it() {
    let app = spawn_app();
    let (course, first, missed, other) = classes(&app);
    let guest = &first[0];
    let [own, another] = [&first[0], &first[1]].map(|one| app.trainee(&one.trainee));
    let feed = feeds::feed(&course.coordinator, "trainee", &guest.trainee);
    let shows = |code: &str| app.anonymous().get(&feed).expect(200).text.contains(code);
    own.get(&format!("/sessions/{other}")).expect(404);
    assert_eq!((shows("COM-MET"), shows("COM-MEC")), (true, false));
    let invitation = json!({ "enrollment_id": guest.id, "missed_session_id": missed });
    course.coordinator.post(&format!("/sessions/{other}/guests"), invitation).expect(201);
    own.get(&format!("/sessions/{other}")).expect(200);
    another.get(&format!("/sessions/{other}")).expect(404);
    assert_eq!(own.get(&format!("/intakes/{}/sessions", course.intake)).expect(200).column("code"), ["COM-MET", "COM-MEC"]);
    assert!(shows("COM-MEC"));
    // With the guest there is one too many for the room.
    let change =
        json!({ "starts_at": seed::morning(3), "ends_at": seed::after(&seed::morning(3), 90), "reason": "the laboratory is closed" });
    let moved = course.coordinator.if_match("*").patch(&format!("/sessions/{other}"), change).expect(200);
    let warned = moved.body["warnings"].as_array().unwrap().iter().find(|one| one["kind"] == "room_capacity").unwrap();
    assert_eq!(warned["detail"], "session COM-MEC is for 2 trainees; the room Laboratory holds 1");
    let changes = |of: &Client, trainee: &str| of.get(&format!("/people/{trainee}/changes")).expect(200).column("code");
    assert_eq!((changes(&own, &guest.trainee), changes(&another, &first[1].trainee)), (vec!["COM-MEC".to_owned()], vec![]));
    for reader in [&own, &app.partner(&course.sponsor.plants[0])] {
        assert_eq!(reader.get(&format!("/sessions/{other}/changes")).expect(200).column("reason"), ["the laboratory is closed"]);
    }
    // Who comes to which part is not for a split to say.
    let split = json!({ "at": seed::after(&seed::morning(3), 45), "code": "COM-MEC-2", "reason": "too long" });
    let refused = course.coordinator.post(&format!("/sessions/{other}/split"), split.clone());
    refused.expect(409).problem("has_guests");
    course.coordinator.post(&format!("/sessions/{other}/guests/{}/dismiss", guest.id), reason("comes another day")).expect(200);
    own.get(&format!("/sessions/{other}")).expect(404);
    assert!(!shows("COM-MEC"));
    course.coordinator.post(&format!("/sessions/{other}/split"), split).expect(200);
    // What was told stays told; what came later is not.
    assert_eq!(changes(&own, &guest.trainee), ["COM-MEC"]);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn whoever_left_or_came_to_owe_the_session_is_no_guest_of_it() {
    let app = spawn_app();
    let (course, first, missed, other) = classes(&app);
    for guest in &first {
        let invitation = json!({ "enrollment_id": guest.id, "missed_session_id": missed });
        course.coordinator.post(&format!("/sessions/{other}/guests"), invitation).expect(201);
    }
    let left = json!({ "reason": "left in May", "effective_at": "2020-05-31T00:00:00Z" });
    course.coordinator.post(&format!("/enrollments/{}/withdraw", first[0].id), left).expect(200);
    // The trainee's own, for the provider's ends with the enrollment.
    let feed = feeds::feed(&app.trainee(&first[0].trainee), "trainee", &first[0].trainee);
    assert!(!app.anonymous().get(&feed).expect(200).text.contains("COM-MEC"));
    let change = |patch: Value| {
        let changed = course.coordinator.if_match("*").patch(&format!("/sessions/{other}"), patch).expect(200);
        changed.body["warnings"].as_array().unwrap().iter().find(|one| one["kind"] == "room_capacity").unwrap()["detail"].clone()
    };
    let full = "session COM-MEC is for 2 trainees; the room Laboratory holds 1";
    assert_eq!(change(json!({ "place": "second floor", "reason": "found" })), full);
    let told = |guest: &Enrolled| app.trainee(&guest.trainee).get(&format!("/people/{}/changes", guest.trainee)).expect(200).column("code");
    assert_eq!((told(&first[0]), told(&first[1])), (vec![], vec!["COM-MEC".to_owned()]));
    assert_eq!(change(json!({ "cohort_ids": [course.mechanics, course.metallurgy], "reason": "taught together" })), full);
    let split = json!({ "at": seed::after(&seed::morning(2), 45), "code": "COM-MEC-2", "reason": "too long" });
    course.coordinator.post(&format!("/sessions/{other}/split"), split).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
}
