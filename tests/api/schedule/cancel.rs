use serde_json::json;

use crate::support::{Client, Reply, seed, spawn_app};

#[test]
fn a_cancelled_session_may_name_the_one_that_replaces_it() {
    let app = spawn_app();
    let course = seed::course(&app);
    let cancel = |id: &str, other: &str| -> Reply {
        course.coordinator.post(&format!("/sessions/{id}/cancel"), json!({ "reason": "storm", "replaced_by_id": other }))
    };
    let first = seed::published_session(&course, "P-1", &seed::morning(1));
    // At the same time with the same people: a draft until the first one has gone.
    let second = seed::session(&course, "P-1B", &seed::morning(1));
    let reply = cancel(&first, &second).expect(200);
    assert_eq!((&reply.body["state"], &reply.body["replaced_by_id"]), (&json!("cancelled"), &json!(second)));
    let entry = &app.auditor().get(&format!("/audit?subject_id={first}&action=session.cancelled")).expect(200).body["items"][0];
    assert_eq!(entry["to"]["replaced_by_id"], json!(second));
    let published = seed::published_session(&course, "P-2", &seed::morning(2));
    assert_eq!(cancel(&second, &published).expect(200).body["replaced_by_id"], json!(published));
}

#[test]
fn what_replaces_a_session_stays_of_its_module() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (first, second) = (seed::published_session(&course, "P-1", &seed::morning(1)), seed::session(&course, "P-1B", &seed::morning(2)));
    let path = format!("/sessions/{second}");
    let other = json!({ "module_id": course.program.common_module });
    course.coordinator.if_match("*").patch(&path, other.clone()).expect(200);
    course.coordinator.if_match("*").patch(&path, json!({ "module_id": course.program.metallurgy_module })).expect(200);
    let cancel = json!({ "reason": "storm", "replaced_by_id": second });
    course.coordinator.post(&format!("/sessions/{first}/cancel"), cancel).expect(200);
    app.unchanged(|| {
        let refused = course.coordinator.if_match("*").patch(&path, other.clone()).expect(409).problem("replacement_of_another_module");
        let detail = "session P-1B replaces the cancelled P-1, and so stays of its module; make another session for this one";
        assert_eq!(refused.text_at("/detail"), detail);
        // A file is told so before it writes anything.
        let file = "code,module,cohorts,date,start,end\nP-1B,COM-01,MET-1,2020-06-03,9:00,10:30\n";
        let path = format!("/intakes/{}/sessions/import?dry_run=true", course.intake);
        let row = course.coordinator.post_file(&path, "s.csv", file.as_bytes()).expect(200).body["rows"][0].clone();
        assert_eq!(
            (&row["verdict"], &row["reasons"][0]["column"], &row["reasons"][0]["detail"]),
            (&json!("invalid"), &json!("module"), &json!(detail))
        );
    });
    course
        .coordinator
        .if_match("*")
        .patch(&path, json!({ "starts_at": seed::morning(3), "ends_at": seed::after(&seed::morning(3), 90) }))
        .expect(200);
}

#[test]
fn what_does_not_take_place_in_the_same_intake_replaces_nothing() {
    let app = spawn_app();
    let course = seed::course(&app);
    let session = seed::published_session(&course, "P-1", &seed::morning(1));
    let draft = seed::session(&course, "P-4", &seed::morning(5));
    let mut common = seed::session_body(&course, "C-1", &seed::morning(6));
    common["module_id"] = json!(course.program.common_module);
    let common = seed::session_as(&course, common);
    let held = seed::held_session(&course, "P-2", &seed::morning(2));
    let cancelled = seed::session(&course, "P-3", &seed::morning(3));
    course.coordinator.post(&format!("/sessions/{cancelled}/cancel"), json!({ "reason": "storm" })).expect(200);
    let intake = course.coordinator.post("/intakes", seed::intake_body(&course.program.version, "NEXT")).expect(201).id();
    let mut elsewhere = seed::session_body(&course, "X-1", &seed::morning(4));
    let cohort = json!({ "discipline_id": course.program.metallurgy, "code": "X", "name": "X" });
    elsewhere["cohort_ids"] = json!([course.coordinator.post(&format!("/intakes/{intake}/cohorts"), cohort).expect(201).id()]);
    let elsewhere = course.coordinator.post(&format!("/intakes/{intake}/sessions"), elsewhere).expect(201).id();
    app.unchanged(|| {
        for other in [&session, &held, &cancelled, &elsewhere, &app.absent_id()] {
            let body = json!({ "reason": "storm", "replaced_by_id": other });
            course.coordinator.post(&format!("/sessions/{session}/cancel"), body).fault("/replaced_by_id", "no_replacement");
        }
        let body = json!({ "reason": "storm", "replaced_by_id": common });
        course.coordinator.post(&format!("/sessions/{session}/cancel"), body).fault("/replaced_by_id", "replacement_of_another_module");
        let published = course.coordinator.post(&format!("/sessions/{draft}/publish"), json!({ "replaced_by_id": session }));
        published.fault("/replaced_by_id", "not_cancelled");
    });
}

#[test]
fn what_replaces_a_session_is_told_to_whoever_sees_it() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let (first, second) = (seed::published_session(&course, "P-1", &seed::morning(1)), seed::session(&course, "P-1B", &seed::morning(2)));
    let cancel = json!({ "reason": "storm", "replaced_by_id": second });
    course.coordinator.post(&format!("/sessions/{first}/cancel"), cancel).expect(200);
    let replacement = |client: &Client| {
        let read = client.get(&format!("/sessions/{first}")).expect(200).body["replaced_by_id"].clone();
        let listed = client.get(&format!("/intakes/{}/sessions?state=cancelled", course.intake)).expect(200);
        assert_eq!(listed.items()[0]["replaced_by_id"], read);
        read
    };
    let others = [app.partner(&course.sponsor.id), app.instructor(&course.instructor), app.trainee(&member.trainee)];
    assert_eq!(others.each_ref().map(replacement), [json!(null), json!(null), json!(null)]);
    assert_eq!([&course.coordinator, &app.auditor()].map(replacement), [json!(second), json!(second)]);
    course.coordinator.post(&format!("/sessions/{second}/publish"), json!({})).expect(200);
    assert_eq!(others.each_ref().map(replacement), [json!(second), json!(second), json!(second)]);
}

#[test]
fn what_was_announced_counts_its_cancellation_and_what_was_not_does_not() {
    let app = spawn_app();
    let course = seed::course(&app);
    let cancel = |id: &str| course.coordinator.post(&format!("/sessions/{id}/cancel"), json!({ "reason": "storm" })).expect(200);
    let (draft, published) = (seed::session(&course, "D-1", &seed::morning(1)), seed::published_session(&course, "P-1", &seed::morning(2)));
    let before = course.coordinator.get(&format!("/sessions/{published}")).expect(200);
    let after = cancel(&published);
    assert_eq!((&after.body["sequence"], &cancel(&draft).body["sequence"]), (&json!(1), &json!(0)));
    let at = |reply: &Reply, field: &str| chrono::DateTime::parse_from_rfc3339(&reply.text_at(field)).unwrap();
    assert!(at(&before, "/created_at") < at(&before, "/changed_at") && at(&before, "/changed_at") < at(&after, "/changed_at"));
    // So when the whole intake is called off.
    seed::session(&course, "D-2", &seed::morning(3));
    seed::published_session(&course, "P-2", &seed::morning(4));
    course.coordinator.post(&format!("/intakes/{}/cancel", course.intake), json!({ "reason": "fire" })).expect(200);
    let sessions = course.coordinator.get(&format!("/intakes/{}/sessions", course.intake)).expect(200);
    assert_eq!(sessions.column("sequence"), ["0", "1", "0", "1"]);
}

#[test]
fn a_draft_that_was_cancelled_is_told_to_nobody_but_its_provider() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let (draft, announced) =
        (seed::session(&course, "SECRET", &seed::morning(1)), seed::published_session(&course, "P-1", &seed::morning(2)));
    for id in [&draft, &announced] {
        course.coordinator.post(&format!("/sessions/{id}/cancel"), json!({ "reason": "storm" })).expect(200);
    }
    let list = format!("/intakes/{}/sessions", course.intake);
    for client in [app.partner(&course.sponsor.id), app.instructor(&course.instructor), app.trainee(&member.trainee)] {
        assert_eq!(client.get(&list).expect(200).column("code"), ["P-1"]);
        assert_eq!(client.get(&format!("{list}?state=cancelled")).expect(200).column("code"), ["P-1"]);
        client.get(&format!("/sessions/{announced}")).expect(200);
        for path in ["", "/changes"] {
            client.get(&format!("/sessions/{draft}{path}")).expect(404);
        }
    }
    for client in [&course.coordinator, &app.auditor(), &app.administrator()] {
        assert_eq!(client.get(&list).expect(200).column("code"), ["SECRET", "P-1"]);
        client.get(&format!("/sessions/{draft}")).expect(200);
    }
}
