use serde_json::json;

use crate::support::{seed, spawn_app};

#[test]
fn an_instructor_sees_name_and_unit_of_trainees_and_no_more() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let session = seed::published_session(&course, "P-1", &seed::morning(1));
    let instructor = app.instructor(&course.instructor);
    let reply = instructor.get(&format!("/trainees/{}", member.trainee)).expect(200);
    assert_eq!((&reply.body["phone"], &reply.body["email"]), (&json!(null), &json!(null)));
    assert_eq!(reply.body["affiliations"][0]["unit_id"], course.sponsor.plants[0].as_str());
    let post = &course.coordinator.get(&format!("/trainees/{}", member.trainee)).expect(200).body["affiliations"][0];
    let number = post["employee_number"].as_str().unwrap();
    let (intake, list) = (format!("/intakes/{}", course.intake), instructor.get("/trainees").expect(200));
    assert_eq!(list.items().len(), 1);
    assert_eq!(list.items()[0]["affiliations"][0]["employee_number"], json!(null));
    for path in ["/trainees".to_owned(), format!("/trainees/{}", member.trainee), format!("/sessions/{session}/roll-call")] {
        let reply = instructor.get(&path).expect(200);
        for hidden in ["937 000", "example.org", &format!("\"{number}\""), "工程师"] {
            assert!(!reply.text.contains(hidden), "{path} shows {hidden}: {}", reply.text);
        }
    }
    let enrollments = instructor.get(&format!("{intake}/enrollments")).expect(200);
    assert_eq!((enrollments.items().len(), &enrollments.items()[0]["funding"]), (1, &json!(null)));
    // Nor can the numbers be tried.
    assert_eq!(course.coordinator.get(&format!("/trainees?employee_number={number}")).expect(200).items().len(), 1);
    assert_eq!(instructor.get(&format!("/trainees?employee_number={number}")).expect(200).items().len(), 0);
    // Their own they see.
    let own = instructor.get(&format!("/instructors/{}", course.instructor)).expect(200);
    assert_eq!((&own.body["phone"], &own.body["affiliations"][0]["title"]), (&json!("+86 10 0000 0000"), &json!("教授")));
    assert_eq!(instructor.get("/instructors?employee_number=HONGXING-P1").expect(200).items().len(), 1);
    for client in [course.coordinator.clone(), app.auditor(), app.partner(&course.sponsor.id)] {
        assert_eq!(client.get(&format!("/trainees/{}", member.trainee)).expect(200).body["phone"], "+86 937 000 0000");
    }
}

#[test]
fn a_trainee_sees_only_itself() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 2);
    let trainee = app.trainee(&members[0].trainee);
    assert_eq!(trainee.get(&format!("/trainees/{}", members[0].trainee)).expect(200).body["phone"], "+86 937 000 0000");
    assert_eq!(trainee.get("/trainees").expect(200).column("id"), [members[0].trainee.clone()]);
    trainee.get(&format!("/trainees/{}", members[1].trainee)).expect(404).problem("not_found");
    trainee.get(&format!("/enrollments/{}", members[1].id)).expect(404).problem("not_found");
    trainee.get(&format!("/instructors/{}", course.instructor)).expect(404);
}

#[test]
fn a_partner_sees_whom_it_sponsors_and_their_posts_in_its_house() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (member, recruit) = (seed::enrolled(&course, 1).remove(0), seed::recruit(&course));
    let other = seed::sponsor(&app, "BAOWU");
    let (id, root, unit) = (app.hex(&app.absent_id()), app.hex(&other.id), app.hex(&other.plants[0]));
    let person = app.hex(&member.trainee);
    app.sql(&format!(
        "INSERT INTO affiliations (id, person_id, organization_id, unit_id, kind, title) VALUES ({id}, {person}, {root}, {unit}, 'staff', '顾问')"
    ))
    .unwrap();
    let partner = app.partner(&course.sponsor.id);
    let reply = partner.get(&format!("/trainees/{}", member.trainee)).expect(200);
    assert_eq!(reply.body["affiliations"].as_array().unwrap().len(), 1);
    assert!(!reply.text.contains("顾问"), "{}", reply.text);
    assert_eq!(
        course.coordinator.get(&format!("/trainees/{}", member.trainee)).expect(200).body["affiliations"].as_array().unwrap().len(),
        2
    );
    // Who works there but is not enrolled is not the partner's to see here; who is enrolled for another neither.
    partner.get(&format!("/trainees/{recruit}")).expect(404);
    app.partner(&other.id).get(&format!("/trainees/{}", member.trainee)).expect(404);
    app.partner(&course.sponsor.plants[1]).get(&format!("/trainees/{}", member.trainee)).expect(404);
}
