use serde_json::json;

use crate::support::{Reply, seed, seed::Course, spawn_app};

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

fn put(course: &Course, of: &str, seats: Option<i32>) -> Reply {
    course.coordinator.if_match("*").put(&format!("/intakes/{}/seat-quotas/{of}", course.intake), json!({ "seats": seats }))
}

#[test]
fn a_quota_of_a_unit_counts_whoever_is_of_it_or_below() {
    let app = spawn_app();
    let course = seed::course(&app);
    let [plant, other] = [&course.sponsor.plants[0], &course.sponsor.plants[1]];
    let shop = seed::organization(&app, "JISCO-IRON-1", "一车间", "unit", Some(plant));
    seed::enrolled(&course, 1);
    let set = put(&course, plant, Some(2)).expect(200);
    let counted = [&set.body["sponsor_id"], &set.body["unit_id"], &set.body["seats"], &set.body["seats_taken"]];
    assert_eq!(counted, [&json!(course.sponsor.id), &json!(plant), &json!(2), &json!(1)], "whoever was there before counts");
    let enroll = |unit: &str, state: &str| {
        let mut body = seed::enrollment_body(&course, &seed::recruit_of(&course, unit));
        (body["unit_id"], body["state"]) = (json!(unit), json!(state));
        course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), body)
    };
    let below = enroll(&shop, "enrolled").expect(201).id();
    for unit in [plant, &shop] {
        let body = seed::enrollment_body(&course, &seed::recruit_of(&course, unit));
        app.unchanged(|| {
            let mut body = body.clone();
            body["unit_id"] = json!(unit);
            course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), body).expect(409).problem("unit_quota_full")
        });
    }
    let nominee = enroll(plant, "nominated").expect(201).id();
    let approve = || course.coordinator.post(&format!("/enrollments/{nominee}/approve"), json!({}));
    app.unchanged(|| approve().expect(409).problem("unit_quota_full"));
    enroll(other, "enrolled").expect(201);
    // Below what is taken it evicts nobody; a place passes nevertheless, and who leaves gives a seat back.
    put(&course, plant, Some(0)).expect(200);
    let body = json!({ "trainee": seed::nomination_body(&course)["trainee"], "reason": "needed at the plant" });
    let place = course.coordinator.post(&format!("/enrollments/{below}/replace"), body).expect(201).id();
    put(&course, plant, Some(2)).expect(200);
    course.coordinator.post(&format!("/enrollments/{place}/withdraw"), json!({ "reason": "ill" })).expect(200);
    approve().expect(200);
    put(&course, plant, None).expect(200);
    enroll(&shop, "enrolled").expect(201);
    assert_eq!(app.findings(), Vec::<String>::new());
    let hidden = format!("UPDATE unit_quotas SET seats_taken = 9 WHERE unit_id = {}", app.hex(plant));
    app.sql(&hidden).unwrap();
    assert!(
        app.findings_of("seats").iter().any(|finding| finding.contains(plant) && finding.contains("says 9 taken")),
        "{:?}",
        app.findings()
    );
}

#[test]
fn the_quota_of_a_unit_is_seen_by_its_house() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (plants, intake) = (&course.sponsor.plants, format!("/intakes/{}", course.intake));
    let path = format!("{intake}/seat-quotas");
    let partners = [&course.sponsor.id, &plants[0], &plants[1]].map(|of| app.partner(of));
    partners.iter().for_each(|partner| drop(partner.get(&intake).expect(404)));
    put(&course, &plants[0], Some(3)).expect(200);
    assert_eq!(partners.each_ref().map(|partner| partner.get(&intake).status), [200, 200, 404]);
    for partner in &partners[..2] {
        assert_eq!(partner.get(&path).expect(200).body[0]["unit_id"], json!(plants[0]));
    }
    put(&course, &course.sponsor.id, Some(9)).expect(200);
    assert_eq!(partners.each_ref().map(|partner| partner.get(&path).expect(200).body.as_array().unwrap().len()), [2, 1, 0]);
    put(&course, &app.absent_id(), Some(1)).expect(404);
}

#[test]
fn a_file_and_a_waitlist_keep_to_the_quota_of_a_unit() {
    let app = spawn_app();
    let course = seed::course(&app);
    put(&course, &course.sponsor.plants[0], Some(1)).expect(200);
    let file = "name,employee_number,organization,discipline,cohort\n甲,9001,JISCO-IRON,MET,MET-1\n乙,9002,JISCO-IRON,MET,MET-1";
    let path = format!("/intakes/{}/enrollments", course.intake);
    let report = course.coordinator.post_file(&format!("{path}/import?partial=true"), "x.csv", file.as_bytes()).expect(200);
    assert!(report.text.contains("unit_quota_full"), "{}", report.text);
    course.coordinator.if_match("*").patch(&format!("/intakes/{}", course.intake), json!({ "waitlist": true })).expect(200);
    let nominate =
        || course.coordinator.post(&format!("/intakes/{}/nominations", course.intake), seed::nomination_body(&course)).expect(201).id();
    let waiting = nominate();
    let wait = course.coordinator.post(&format!("/enrollments/{waiting}/waitlist"), json!({})).expect(200);
    assert_eq!(wait.body["state"], "waitlisted");
    let told = course.coordinator.get(&format!("/enrollments/{waiting}/explain")).expect(200).body;
    assert_eq!((&told["obstacles"], &told["quotas"][0]["seats_taken"]), (&json!(["quota_full"]), &json!(1)));
    put(&course, &course.sponsor.plants[0], Some(2)).expect(200);
    assert_eq!(course.coordinator.get(&format!("/enrollments/{waiting}")).expect(200).body["state"], "approved");
    assert_eq!(app.findings(), Vec::<String>::new());
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
