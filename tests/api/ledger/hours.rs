use insta::assert_json_snapshot;
use serde_json::json;

use crate::support::{App, seed, seed::Course, seed::Enrolled, spawn_app};

/// Two trainees of the sponsor with a corrected hour each.
fn corrected(app: &App) -> (Course, Vec<Enrolled>) {
    let course = seed::course(app);
    let members = seed::enrolled(&course, 2);
    let lines: Vec<_> = members.iter().map(|member| seed::line(member, "present")).collect();
    let session = seed::closed_session(&course, "MET-01", &seed::morning(1), &lines);
    seed::step_roll_call(&course, &session, "reopen", Some("a doctor's note about the back")).expect(200);
    let lines: Vec<_> = members.iter().map(|member| seed::line_of(member, "excused", 30)).collect();
    seed::put_roll_call(&course, &session, &lines).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    (course, members)
}

#[test]
fn the_hours_are_the_entries_and_their_balance() {
    let app = spawn_app();
    let (course, members) = corrected(&app);
    let reply = course.coordinator.get(&format!("/enrollments/{}/hours", members[0].id)).expect(200);
    assert_json_snapshot!(reply.redacted());
}

#[test]
fn a_balance_is_of_all_entries_whatever_the_page() {
    let app = spawn_app();
    let (course, members) = corrected(&app);
    let path = format!("/enrollments/{}/hours", members[0].id);
    let whole = course.coordinator.get(&path).expect(200);
    let mut kinds = Vec::new();
    let mut next = format!("{path}?limit=1");
    for _ in 0..4 {
        let page = course.coordinator.get(&next).expect(200);
        assert_eq!(page.body["balance"], whole.body["balance"]);
        kinds.extend(page.column("id"));
        let Some(cursor) = page.body["next"].as_str() else { break };
        let link = page.header("link").to_owned();
        assert!(link.contains(&format!("cursor={cursor}")) && link.ends_with("rel=\"next\""), "{link}");
        next = format!("{path}?limit=1&cursor={cursor}");
    }
    assert_eq!(kinds, whole.column("id"));
    assert_eq!(kinds.len(), 4);
}

#[test]
fn a_partner_sees_minutes_but_no_reasons() {
    let app = spawn_app();
    let (course, members) = corrected(&app);
    let path = format!("/enrollments/{}/hours", members[0].id);
    assert_eq!(course.coordinator.get(&path).expect(200).items()[1]["reason"], "a doctor's note about the back");
    let reply = app.partner(&course.sponsor.id).get(&path).expect(200);
    assert_eq!(reply.column("minutes"), ["90", "-90", "30", "60"]);
    assert!(!reply.text.contains("doctor"), "{}", reply.text);
    for entry in reply.items() {
        assert_eq!((&entry["reason"], &entry["user_id"]), (&json!(null), &json!(null)));
    }
    app.partner(&course.sponsor.plants[1]).get(&path).expect(404);
    app.partner(&seed::sponsor(&app, "BAOWU").id).get(&path).expect(404);
}

#[test]
fn a_trainee_sees_only_the_own_hours() {
    let app = spawn_app();
    let (_, members) = corrected(&app);
    let trainee = app.trainee(&members[0].trainee);
    let own = trainee.get(&format!("/enrollments/{}/hours", members[0].id)).expect(200);
    assert_eq!(own.items()[1]["reason"], "a doctor's note about the back");
    trainee.get(&format!("/enrollments/{}/hours", members[1].id)).expect(404).problem("not_found");
}

#[test]
fn an_instructor_sees_no_ledger() {
    let app = spawn_app();
    let (course, members) = corrected(&app);
    let path = format!("/enrollments/{}/hours", members[0].id);
    app.instructor(&course.instructor).get(&path).expect(403).problem("forbidden");
    app.auditor().get(&path).expect(200);
    app.anonymous().get(&path).expect(401);
}

#[test]
fn without_a_closed_session_there_is_nothing() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let reply = course.coordinator.get(&format!("/enrollments/{}/hours", member.id)).expect(200);
    assert_eq!((reply.items().len(), &reply.body["balance"]["attended_minutes"]), (0, &json!(0)));
}
