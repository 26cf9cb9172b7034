use insta::assert_json_snapshot;
use serde_json::json;

use crate::support::{at_once, seed, spawn_app};

#[test]
fn a_trainee_is_recorded_with_a_post() {
    let app = spawn_app();
    let sponsor = seed::sponsor(&app, "JISCO");
    let body = json!({ "name": "欧阳旭", "latin_name": "Ouyang Xu", "phone": "+86 937 000 0000", "email": "ouyang@example.org",
        "affiliation": { "organization_id": sponsor.plants[0], "employee_number": "0061234", "title": "助理工程师", "from_date": "2015-07-01" } });
    let coordinator = app.coordinator();
    let reply = coordinator.post("/trainees", body).expect(201);
    assert_eq!(reply.header("location"), format!("/api/v1/trainees/{}", reply.id()));
    // The post is at the plant, the employee number the whole enterprise's.
    assert_eq!(reply.body["affiliations"][0]["organization_id"], sponsor.id.as_str());
    assert_json_snapshot!(reply.redacted());
    assert_eq!(coordinator.get(reply.header("location")).expect(200).body, reply.body);
    coordinator.get(&format!("/instructors/{}", reply.id())).expect(404);
}

#[test]
fn an_instructor_is_recorded_in_the_same_words() {
    let app = spawn_app();
    let coordinator = app.coordinator();
    let post = json!({ "organization_id": app.provider().units[0], "kind": "external_expert", "title": "教授" });
    let reply = coordinator.post("/instructors", json!({ "name": "王教授", "affiliation": post })).expect(201);
    assert_eq!((&reply.body["instructor"], &reply.body["trainee"]), (&json!(true), &json!(false)));
    assert_eq!(reply.header("location"), format!("/api/v1/instructors/{}", reply.id()));
    coordinator.get(&format!("/trainees/{}", reply.id())).expect(404);
}

#[test]
fn an_employee_number_names_one_person() {
    let app = spawn_app();
    let sponsor = seed::sponsor(&app, "JISCO");
    let coordinator = app.coordinator();
    let id = seed::trainee(&coordinator, &sponsor.plants[0], "0001");
    let again = |unit: &str| {
        let post = json!({ "organization_id": unit, "employee_number": "0001" });
        json!({ "name": "别人", "affiliation": post })
    };
    app.unchanged(|| {
        // In another plant of the same enterprise as well.
        for unit in [&sponsor.plants[0], &sponsor.plants[1], &sponsor.id] {
            let reply = coordinator.post("/trainees", again(unit)).expect(409).problem("person_exists");
            assert!(reply.text_at("/detail").contains(&id), "{}", reply.text);
        }
    });
    // To another provider it is taken, and no more is said.
    let provider = seed::organization(&app, "NEU", "东北大学", "university", None);
    let stranger = app.coordinator_of(&provider);
    app.unchanged(|| {
        let reply = stranger.post("/trainees", again(&sponsor.plants[0])).expect(409).problem("employee_number_taken");
        assert!(!reply.text.contains(&id), "{}", reply.text);
    });
    let other = seed::sponsor(&app, "BAOWU");
    coordinator.post("/trainees", again(&other.id)).expect(201);
}

#[test]
fn the_same_number_recorded_by_several_at_once_names_one_person() {
    let app = spawn_app();
    let sponsor = seed::sponsor(&app, "JISCO");
    let coordinator = app.coordinator();
    for round in 0..10 {
        let replies = at_once(4, |index| {
            let post = json!({ "organization_id": sponsor.plants[index % 2], "employee_number": format!("N-{round}") });
            coordinator.post("/trainees", json!({ "name": "新人", "affiliation": post }))
        });
        assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1, "{replies:#?}");
        for reply in replies.into_iter().filter(|reply| reply.status != 201) {
            let code = reply.text_at("/code");
            assert!(reply.status == 409 && (code == "person_exists" || code == "employee_number_taken"), "{}", reply.text);
        }
    }
    assert_eq!(app.count("SELECT count(*) FROM people"), 10);
}

#[test]
fn wrong_fields_of_a_person_are_pointed_at() {
    let app = spawn_app();
    let sponsor = seed::sponsor(&app, "JISCO");
    let coordinator = app.coordinator();
    let post = |field: &str, value: serde_json::Value| {
        let mut post = json!({ "organization_id": sponsor.id });
        post[field] = value;
        json!({ "name": "新人", "affiliation": post })
    };
    app.unchanged(|| {
        for (body, pointer, code) in [
            (json!({ "name": "新人", "email": "nobody" }), "/email", "email_malformed"),
            (json!({ "name": "新人", "phone": "" }), "/phone", "text_empty"),
            (json!({ "name": "新人", "latin_name": "a".repeat(201) }), "/latin_name", "text_too_long"),
            (post("organization_id", json!(app.absent_id())), "/affiliation/organization_id", "unknown_organization"),
            (post("kind", json!("friend")), "/affiliation/kind", "unknown_value"),
            (post("employee_number", json!("")), "/affiliation/employee_number", "text_empty"),
            (post("from_date", json!("2020-02-30")), "/affiliation/from_date", "wrong_value"),
            (post("from_date", json!("2020-2-3")), "/affiliation/from_date", "wrong_value"),
            (post("until_date", json!(" 2020-02-03")), "/affiliation/until_date", "wrong_value"),
            (post("from_date", json!("0020-02-28")), "/affiliation/from_date", "year_out_of_range"),
        ] {
            let reply = coordinator.post("/trainees", body).expect(422);
            assert_eq!(reply.text_at("/errors/0/pointer"), pointer, "{}", reply.text);
            if code != "email_malformed" {
                assert_eq!(reply.text_at("/errors/0/code"), code);
            }
        }
        let elsewhere = json!({ "name": "新人", "provider_id": sponsor.id });
        coordinator.post("/trainees", elsewhere).expect(404);
    });
    app.administrator().post("/trainees", json!({ "name": "新人" })).expect(403).problem("forbidden");
}
