use insta::assert_json_snapshot;
use serde_json::json;

use crate::support::{seed, spawn_app};

#[test]
fn payer_funding_and_crew_change_and_nothing_else() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let (client, path) = (&course.coordinator, format!("/enrollments/{}", member.id));
    let tag = client.get(&path).etag();
    let body = json!({ "payer_id": course.sponsor.id, "funding": "own budget", "crew": "B" });
    let reply = client.if_match(&tag).patch(&path, body).expect(200);
    assert_json_snapshot!(reply.redacted());
    let cleared = client.if_match(&reply.etag()).patch(&path, json!({ "crew": null })).expect(200);
    assert_eq!((&cleared.body["crew"], &cleared.body["funding"]), (&json!(null), &json!("own budget")));
    app.unchanged(|| {
        for field in ["state", "cohort_id", "unit_id", "sponsor_id", "trainee_id", "discipline_id"] {
            client.if_match("*").patch(&path, json!({ field: null })).fault(&format!("/{field}"), "unknown_field");
        }
        client.if_match("*").patch(&path, json!({ "payer_id": app.absent_id() })).fault("/payer_id", "unknown_organization");
        app.partner(&course.sponsor.id).if_match("*").patch(&path, json!({ "crew": "C" })).expect(403).problem("forbidden");
    });
}
