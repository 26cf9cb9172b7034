use serde_json::json;

use crate::support::{Client, seed, spawn_app};

fn seen(client: &Client, path: &str) -> Vec<String> {
    client.get(path).expect(200).column("id")
}

#[test]
fn each_role_sees_its_own_enrollments() {
    let app = spawn_app();
    let course = seed::course(&app);
    let other = seed::sponsor(&app, "BAOWU");
    let ours = seed::enrolled(&course, 2);
    let mechanics = (course.program.mechanics.as_str(), course.mechanics.as_str());
    let plant = seed::enrolled_at(&course, &course.sponsor.plants[1], mechanics, 1).remove(0);
    let theirs = seed::enrolled_at(&course, &other.id, mechanics, 1).remove(0);
    let path = format!("/intakes/{}/enrollments", course.intake);
    let ids = |of: &[&seed::Enrolled]| of.iter().map(|one| one.id.clone()).collect::<Vec<_>>();
    let all = ids(&[&ours[0], &ours[1], &plant, &theirs]);
    for client in [course.coordinator.clone(), app.auditor(), app.administrator()] {
        assert_eq!(seen(&client, &path), all);
    }
    assert_eq!(seen(&app.partner(&course.sponsor.id), &path), ids(&[&ours[0], &ours[1], &plant]));
    assert_eq!(seen(&app.partner(&course.sponsor.plants[1]), &path), ids(&[&plant]));
    assert_eq!(seen(&app.partner(&other.id), &path), ids(&[&theirs]));
    assert_eq!(seen(&app.trainee(&ours[1].trainee), &path), ids(&[&ours[1]]));
    // Who teaches metallurgy sees that roster once the session is announced.
    let instructor = app.instructor(&course.instructor);
    seed::session(&course, "D-1", &seed::morning(1));
    instructor.get(&path).expect(404);
    seed::published_session(&course, "P-1", &seed::morning(2));
    assert_eq!(seen(&instructor, &path), ids(&[&ours[0], &ours[1]]));
    assert_eq!(seen(&course.coordinator, &format!("{path}?cohort_id={}", course.mechanics)), ids(&[&plant, &theirs]));
    course.coordinator.post(&format!("/enrollments/{}/suspend", plant.id), json!({ "reason": "is ill" })).expect(200);
    assert_eq!(seen(&course.coordinator, &format!("{path}?state=suspended")), ids(&[&plant]));
    assert_eq!(seen(&course.coordinator, &format!("{path}?state=enrolled&cohort_id={}", course.mechanics)), ids(&[&theirs]));
    assert_eq!(seen(&app.partner(&other.id), &format!("{path}?state=suspended")), ids(&[]));
}

#[test]
fn whoever_teaches_or_learns_is_not_told_who_pays() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let paid = json!({ "payer_id": course.sponsor.id, "funding": "own budget", "crew": "A" });
    course.coordinator.if_match("*").patch(&format!("/enrollments/{}", member.id), paid).expect(200);
    seed::published_session(&course, "P-1", &seed::morning(1));
    let path = format!("/enrollments/{}", member.id);
    for client in [course.coordinator.clone(), app.partner(&course.sponsor.id), app.auditor()] {
        assert_eq!(client.get(&path).expect(200).body["funding"], "own budget");
    }
    for client in [app.instructor(&course.instructor), app.trainee(&member.trainee)] {
        let row = client.get(&path).expect(200).body;
        assert_eq!((&row["payer_id"], &row["funding"], &row["crew"]), (&json!(null), &json!(null), &json!("A")));
        assert!(!client.get(&format!("/intakes/{}/enrollments", course.intake)).expect(200).text.contains("own budget"));
    }
}

#[test]
fn a_list_comes_in_pages_that_miss_nobody() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 7);
    let path = format!("/intakes/{}/enrollments?limit=3", course.intake);
    let (mut found, mut next) = (Vec::new(), path.clone());
    for _ in 0..3 {
        let page = course.coordinator.get(&next).expect(200);
        found.extend(page.column("id"));
        next = match page.body["next"].as_str() {
            Some(cursor) => format!("{path}&cursor={cursor}"),
            None => break,
        };
    }
    assert_eq!(found, members.iter().map(|member| member.id.clone()).collect::<Vec<_>>());
    for query in ["limit=0", "limit=501", "limit=x", "cursor=x", "offset=1"] {
        let reply = course.coordinator.get(&format!("/intakes/{}/enrollments?{query}", course.intake));
        assert_eq!(reply.status, 400, "{query}");
    }
}
