use serde_json::json;

use crate::support::{seed, spawn_app};

#[test]
fn many_are_enrolled_in_the_order_sent() {
    let app = spawn_app();
    let course = seed::course(&app);
    let trainees: Vec<String> = (0..20).map(|_| seed::recruit(&course)).collect();
    let bodies: Vec<_> = trainees.iter().rev().map(|trainee| seed::enrollment_body(&course, trainee)).collect();
    let reply =
        course.coordinator.post(&format!("/intakes/{}/enrollments/bulk", course.intake), json!({ "enrollments": bodies })).expect(201);
    let enrolled: Vec<_> = reply.body["enrollments"].as_array().unwrap().iter().map(|row| row["trainee_id"].as_str().unwrap()).collect();
    assert_eq!(enrolled, trainees.iter().rev().collect::<Vec<_>>());
    assert_eq!(app.count("SELECT seats_taken FROM intakes"), 20);
    assert_eq!(app.count("SELECT count(*) FROM journal_entries WHERE action = 'enrollment.created'"), 20);
}

#[test]
fn of_many_all_are_enrolled_or_none() {
    let app = spawn_app();
    let course = seed::course(&app);
    let trainees: Vec<String> = (0..3).map(|_| seed::recruit(&course)).collect();
    let path = format!("/intakes/{}/enrollments/bulk", course.intake);
    let send = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut body = json!({ "enrollments": trainees.iter().map(|trainee| seed::enrollment_body(&course, trainee)).collect::<Vec<_>>() });
        change(&mut body["enrollments"]);
        course.coordinator.post(&path, body)
    };
    app.unchanged(|| {
        let reply = send(&|rows| {
            rows[1]["discipline_id"] = json!(app.absent_id());
            rows[2]["unit_id"] = json!(app.absent_id());
        });
        let reply = reply.fault("/enrollments/1/discipline_id", "unknown_discipline");
        reply.fault("/enrollments/2/unit_id", "unknown_organization");
        send(&|rows| rows[2]["trainee_id"] = rows[0]["trainee_id"].clone()).expect(409).problem("already_enrolled");
        send(&|rows| rows[2]["trainee_id"] = json!(app.absent_id())).expect(404);
        send(&|rows| rows[2]["colour"] = json!("red")).fault("/enrollments/2/colour", "unknown_field");
        send(&|rows| *rows = json!([])).fault("/enrollments", "out_of_range");
    });
    send(&|_| ()).expect(201);
}
