use serde_json::json;

use crate::support::{seed, spawn_app};

#[test]
fn dates_and_mode_change_and_the_change_is_journaled() {
    let app = spawn_app();
    let course = seed::course(&app);
    let path = format!("/intakes/{}", course.intake);
    let tag = course.coordinator.get(&path).expect(200).etag();
    let reply = course.coordinator.if_match(&tag).patch(&path, json!({ "closes_on": "2020-12-31", "mode": "mixed" })).expect(200);
    assert_eq!((&reply.body["closes_on"], &reply.body["mode"]), (&json!("2020-12-31"), &json!("mixed")));
    let audit = app.auditor().get(&format!("/audit?subject_id={}&action=intake.updated", course.intake)).expect(200);
    assert_eq!((&audit.items()[0]["from"]["mode"], &audit.items()[0]["to"]["mode"]), (&json!("live_online"), &json!("mixed")));
    app.unchanged(|| {
        for field in ["code", "program_version_id", "provider_id", "state", "time_zone"] {
            course.coordinator.if_match("*").patch(&path, json!({ field: null })).fault(&format!("/{field}"), "unknown_field");
        }
    });
}
