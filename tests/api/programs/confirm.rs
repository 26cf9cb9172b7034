use serde_json::json;

use crate::support::{assert_winners, at_once, seed, spawn_app};

#[test]
fn a_version_is_confirmed_then_retired_and_there_is_no_way_back() {
    let app = spawn_app();
    let coordinator = app.coordinator();
    let program = seed::program(&coordinator, "HONGXING");
    let path = format!("/program-versions/{}", program.version);
    let step = |step: &str| coordinator.post(&format!("{path}/{step}"), json!({ "reason": "as decided" }));
    app.unchanged(|| step("confirm").expect(409).problem("illegal_transition"));
    assert_eq!(step("retire").expect(200).body["state"], "retired");
    app.unchanged(|| {
        step("confirm").expect(409).problem("illegal_transition");
        step("retire").expect(409).problem("illegal_transition");
        let later = json!({ "effective_at": "2020-06-01T00:00:00Z" });
        coordinator.post(&format!("{path}/retire"), later).fault("/effective_at", "unknown_field");
    });
    // A retired version starts no intake any more.
    let body = seed::intake_body(&program.version, "LATE");
    app.unchanged(|| coordinator.post("/intakes", body).expect(409).problem("version_not_confirmed"));
}

#[test]
fn a_draft_without_modules_adds_up_to_nothing() {
    let app = spawn_app();
    let coordinator = app.coordinator();
    let program = seed::program(&coordinator, "HONGXING");
    let body = json!({ "total_minutes": 45, "disciplines": [], "modules": [] });
    let draft = coordinator.post(&format!("/programs/{}/versions", program.id), body).expect(201).id();
    app.unchanged(|| {
        coordinator.post(&format!("/program-versions/{draft}/confirm"), json!({})).expect(409).problem("hours_do_not_add_up");
        coordinator.post(&format!("/program-versions/{draft}/retire"), json!({})).expect(409).problem("illegal_transition");
        coordinator.post("/intakes", seed::intake_body(&draft, "EARLY")).expect(409).problem("version_not_confirmed");
    });
}

#[test]
fn of_several_who_confirm_at_once_one_does() {
    let app = spawn_app();
    let coordinator = app.coordinator();
    let program = seed::program(&coordinator, "HONGXING");
    for _ in 0..5 {
        let draft = coordinator.post(&format!("/programs/{}/versions", program.id), seed::version_body()).expect(201).id();
        let replies = at_once(4, |_| coordinator.post(&format!("/program-versions/{draft}/confirm"), json!({})));
        assert_winners(replies, 1, "illegal_transition");
    }
}
