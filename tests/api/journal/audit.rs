use insta::assert_json_snapshot;
use serde_json::json;

use crate::support::{TokenOptions, seed, spawn_app};

#[test]
fn an_entry_says_who_when_what_from_to_and_why() {
    let app = spawn_app();
    let course = seed::course(&app);
    let session = seed::published_session(&course, "P-1", &seed::morning(1));
    course.coordinator.post(&format!("/sessions/{session}/cancel"), json!({ "reason": "storm" })).expect(200);
    let audit = app.auditor().get(&format!("/audit?subject_id={session}&action=session.cancelled")).expect(200);
    assert_eq!(audit.items()[0]["user_id"], course.coordinator.user_id.clone().unwrap());
    assert_eq!(audit.items()[0]["reason"], "storm");
    assert_json_snapshot!(audit.redacted());
}

#[test]
fn pulling_a_report_is_journaled() {
    let app = spawn_app();
    let course = seed::course(&app);
    seed::enrolled(&course, 1);
    let partner = app.partner(&course.sponsor.id);
    partner.get(&format!("/intakes/{}/progress", course.intake)).expect(200);
    let audit = app.auditor().get("/audit?action=report.pulled").expect(200);
    assert_eq!(audit.column("user_id"), [partner.user_id.unwrap()]);
    assert_eq!(audit.column("intake_id"), [course.intake]);
}

#[test]
fn only_auditors_and_administrators_read_the_journal() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    for client in
        [course.coordinator.clone(), app.partner(&course.sponsor.id), app.trainee(&member.trainee), app.instructor(&course.instructor)]
    {
        client.get("/audit").expect(403).problem("forbidden");
    }
    app.anonymous().get("/audit").expect(401);
    assert!(!app.administrator().get("/audit").expect(200).items().is_empty());
}

#[test]
fn an_auditor_reads_the_journal_of_the_own_provider() {
    let app = spawn_app();
    let course = seed::course(&app);
    let provider = seed::organization(&app, "NEU", "东北大学", "university", None);
    let theirs = seed::course_of(&app, app.coordinator_of(&provider), "NEU", "BAOWU");
    let ours = app.auditor().get("/audit?limit=500").expect(200);
    assert!(ours.column("subject_id").contains(&course.intake));
    for id in [&theirs.intake, &theirs.program.id, &theirs.instructor] {
        assert!(!ours.text.contains(id.as_str()), "{id}");
    }
    assert_eq!(app.auditor().get(&format!("/audit?subject_id={}", theirs.intake)).expect(200).items().len(), 0);
}

#[test]
fn the_journal_of_one_intake_is_found_in_pages() {
    let app = spawn_app();
    let course = seed::course(&app);
    seed::enrolled(&course, 5);
    let other = seed::course_called(&app, "OTHER", "OTHER");
    let path = format!("/audit?intake_id={}", course.intake);
    let auditor = app.auditor();
    let all = auditor.get(&path).expect(200);
    assert!(!all.text.contains(&other.intake));
    assert_eq!(all.column("action").iter().filter(|action| *action == "enrollment.created").count(), 5);
    let (mut found, mut next) = (Vec::new(), format!("{path}&limit=3"));
    for _ in 0..20 {
        let page = auditor.get(&next).expect(200);
        found.extend(page.column("position"));
        next = match page.body["next"].as_str() {
            Some(cursor) => format!("{path}&limit=3&cursor={cursor}"),
            None => break,
        };
    }
    assert_eq!(found, all.column("position"));
    for query in ["limit=0", "cursor=x", "subject_id=x", "colour=red"] {
        assert_eq!(auditor.get(&format!("/audit?{query}")).status, 400, "{query}");
    }
}

#[test]
fn a_token_for_one_intake_reads_that_intakes_journal() {
    let app = spawn_app();
    let course = seed::course(&app);
    let other = seed::course_called(&app, "OTHER", "OTHER");
    let options = TokenOptions { intake: Some(course.intake.clone()), ..TokenOptions::default() };
    let narrowed = app.client_for(muster::access::Role::Auditor, Some(&app.provider().id), None, options);
    let audit = narrowed.get("/audit?limit=500").expect(200);
    assert!(!audit.items().is_empty());
    assert!(audit.column("intake_id").iter().all(|intake| *intake == course.intake));
    assert_eq!(narrowed.get(&format!("/audit?intake_id={}", other.intake)).expect(200).items().len(), 0);
}

#[test]
fn what_is_refused_is_not_in_the_journal() {
    let app = spawn_app();
    let course = seed::course(&app);
    let before = app.count("SELECT count(*) FROM journal_entries");
    course.coordinator.post("/trainees", json!({ "name": "" })).expect(422);
    course.coordinator.post("/programs", json!({ "code": "HONGXING", "name": "again" })).expect(409);
    course.coordinator.get("/audit").expect(403);
    assert_eq!(app.count("SELECT count(*) FROM journal_entries"), before);
}
