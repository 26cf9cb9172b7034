use insta::assert_json_snapshot;
use serde_json::json;

use crate::support::{seed, spawn_app};

#[test]
fn a_patch_changes_what_it_names() {
    let app = spawn_app();
    let sponsor = seed::sponsor(&app, "JISCO");
    let coordinator = app.coordinator();
    let path = format!("/trainees/{}", seed::trainee(&coordinator, &sponsor.id, "0001"));
    let reply = coordinator.if_match("\"v1\"").patch(&path, json!({ "phone": null, "latin_name": "Ouyang Xu" })).expect(200);
    assert_eq!(reply.etag(), "\"v2\"");
    assert_json_snapshot!(reply.redacted());
    app.unchanged(|| {
        for field in ["affiliations", "affiliation", "provider_id", "trainee", "id", "version"] {
            coordinator.if_match("*").patch(&path, json!({ field: null })).fault(&format!("/{field}"), "unknown_field");
        }
    });
}

#[test]
fn a_person_is_changed_only_by_who_recorded_or_enrolled_them() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    seed::published_session(&course, "P-1", &seed::morning(1));
    let path = format!("/trainees/{}", member.trainee);
    let patch = json!({ "name": "改名" });
    app.unchanged(|| {
        for client in [
            app.partner(&course.sponsor.id),
            app.trainee(&member.trainee),
            app.instructor(&course.instructor),
            app.auditor(),
            app.administrator(),
        ] {
            client.if_match("*").patch(&path, patch.clone()).expect(403).problem("forbidden");
        }
    });
    let provider = seed::organization(&app, "NEU", "东北大学", "university", None);
    app.unchanged(|| app.coordinator_of(&provider).if_match("*").patch(&path, patch.clone()).expect(404).problem("not_found"));
}
