use insta::assert_json_snapshot;
use serde_json::json;

use crate::support::{seed, spawn_app};

#[test]
fn a_cohort_is_of_one_discipline_of_the_version() {
    let app = spawn_app();
    let course = seed::course(&app);
    let other = seed::program(&course.coordinator, "OTHER");
    let path = format!("/intakes/{}/cohorts", course.intake);
    let body = |discipline: &str, code: &str| json!({ "discipline_id": discipline, "code": code, "name": "二班", "adviser_id": course.instructor });
    let reply = course.coordinator.post(&path, body(&course.program.metallurgy, "MET-2")).expect(201);
    assert_json_snapshot!(reply.redacted());
    app.unchanged(|| {
        course.coordinator.post(&path, body(&other.metallurgy, "X")).fault("/discipline_id", "unknown_discipline");
        course.coordinator.post(&path, body(&course.program.metallurgy, "MET-2")).expect(409).problem("already_exists");
    });
    let codes: Vec<_> = course.coordinator.get(&path).expect(200).body.as_array().unwrap().iter().map(|row| row["code"].clone()).collect();
    assert_eq!(codes, ["MEC-1", "MET-1", "MET-2"]);
    // The class adviser sees the own one.
    let own = app.class_adviser(&course.instructor).get(&path).expect(200).body;
    assert_eq!((own.as_array().unwrap().len(), &own[0]["code"]), (1, &json!("MET-2")));
}
