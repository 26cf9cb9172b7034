use insta::assert_json_snapshot;
use serde_json::json;

use crate::support::{seed, spawn_app};

#[test]
fn a_program_belongs_to_the_provider_of_who_makes_it() {
    let app = spawn_app();
    let coordinator = app.coordinator();
    let body = json!({ "code": "HONGXING", "name": "酒钢宏兴青年专业人才培训", "latin_name": "Hongxing young professionals course" });
    let reply = coordinator.post("/programs", body.clone()).expect(201);
    assert_json_snapshot!(reply.redacted());
    assert_eq!(coordinator.get(reply.header("location")).expect(200).body, reply.body);
    app.unchanged(|| coordinator.post("/programs", body.clone()).expect(409).problem("already_exists"));
    // A code is a provider's own.
    let provider = seed::organization(&app, "NEU", "东北大学", "university", None);
    let theirs = app.coordinator_of(&provider).post("/programs", body).expect(201);
    assert_eq!(theirs.body["provider_id"], provider.as_str());
    assert_eq!(coordinator.get("/programs").expect(200).column("id"), [reply.id()]);
    coordinator.get(theirs.header("location")).expect(404);
}

#[test]
fn a_program_changes_its_names_and_code_but_not_its_provider() {
    let app = spawn_app();
    let coordinator = app.coordinator();
    let program = seed::program(&coordinator, "HONGXING");
    let path = format!("/programs/{}", program.id);
    let reply = coordinator.if_match("\"v1\"").patch(&path, json!({ "code": "HX", "latin_name": null })).expect(200);
    assert_eq!((&reply.body["code"], reply.etag().as_str()), (&json!("HX"), "\"v2\""));
    app.unchanged(|| {
        let moved = json!({ "provider_id": app.provider().units[0] });
        coordinator.if_match("*").patch(&path, moved).fault("/provider_id", "unknown_field");
    });
    coordinator.post("/programs", json!({ "code": "OTHER", "name": "另一个" })).expect(201);
    app.unchanged(|| coordinator.if_match("*").patch(&path, json!({ "code": "OTHER" })).expect(409).problem("already_exists"));
}

#[test]
fn partners_and_trainees_see_the_programs_they_take_part_in() {
    let app = spawn_app();
    let course = seed::course(&app);
    let unused = seed::program(&course.coordinator, "UNUSED");
    let member = seed::enrolled(&course, 1).remove(0);
    let draft = course.coordinator.post(&format!("/programs/{}/versions", course.program.id), seed::version_body()).expect(201).id();
    for client in [app.partner(&course.sponsor.id), app.trainee(&member.trainee)] {
        assert_eq!(client.get("/programs").expect(200).column("id"), [course.program.id.as_str()]);
        assert_eq!(
            client.get(&format!("/programs/{}/versions", course.program.id)).expect(200).column("id"),
            [course.program.version.as_str()]
        );
        client.get(&format!("/programs/{}", unused.id)).expect(404);
        client.get(&format!("/program-versions/{draft}")).expect(404);
        client.post("/programs", json!({ "code": "X", "name": "X" })).expect(403).problem("forbidden");
    }
}
