use insta::assert_json_snapshot;
use serde_json::json;

use super::{all_present, class, entries, ledger, reason};
use crate::support::{seed, spawn_app};

#[test]
fn the_old_postings_stand_until_the_next_close() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    let mut lines = all_present(&members);
    lines[1] = seed::line(&members[1], "absent");
    seed::put_roll_call(&course, &session, &lines).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    let report = || course.coordinator.get(&format!("/intakes/{}/progress", course.intake)).expect(200).body;
    let before = report();

    let reply = seed::step_roll_call(&course, &session, "reopen", Some("a late sick note")).expect(200);
    assert_eq!((&reply.body["state"], &reply.body["reopen_reason"]), (&json!("reopened"), &json!("a late sick note")));
    lines[1] = seed::line_of(&members[1], "excused", 30);
    seed::put_roll_call(&course, &session, &lines).expect(200);
    // The hours are as they were; that the session waits is said.
    assert_eq!(ledger(&course.coordinator, &members[1]), entries(&[("unauthorized_absence", 90)]));
    let meanwhile = report();
    assert_eq!((&meanwhile["rows"], &meanwhile["totals"]), (&before["rows"], &before["totals"]));
    assert_eq!((&before["open_sessions"], &meanwhile["open_sessions"]), (&json!(0), &json!(1)));

    let closed = seed::step_roll_call(&course, &session, "close", None).expect(200);
    assert_eq!((&closed.body["state"], &closed.body["closings"]), (&json!("closed"), &json!(2)));
    // A reversal and the new entries for the one who changed, nothing for the others.
    let corrected = entries(&[("unauthorized_absence", 90), ("unauthorized_absence", -90), ("attended", 30), ("authorized_absence", 60)]);
    assert_eq!(ledger(&course.coordinator, &members[1]), corrected);
    for index in [0, 2] {
        assert_eq!(ledger(&course.coordinator, &members[index]), entries(&[("attended", 90)]));
    }
    let after = report();
    assert_eq!((&after["open_sessions"], &after["totals"]["expected_minutes"]), (&json!(0), &json!(270)));
    assert_eq!(after["totals"]["present_minutes"], 210);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_correction_names_its_author_its_reason_and_what_it_takes_back() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    seed::put_roll_call(&course, &session, &all_present(&members)).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    seed::step_roll_call(&course, &session, "reopen", Some("seen in the canteen")).expect(200);
    let mut lines = all_present(&members);
    lines[0] = seed::line(&members[0], "absent");
    seed::put_roll_call(&course, &session, &lines).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    let hours = course.coordinator.get(&format!("/enrollments/{}/hours", members[0].id)).expect(200);
    let items = hours.items();
    assert_eq!(items[1]["reverses_id"], items[0]["id"]);
    assert_eq!(items[1]["reason"], "seen in the canteen");
    assert_eq!(items[1]["user_id"], course.coordinator.user_id.clone().unwrap());
    assert_json_snapshot!(hours.redacted());
}

#[test]
fn closing_again_without_a_change_posts_nothing() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    seed::put_roll_call(&course, &session, &all_present(&members)).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    for _ in 0..3 {
        seed::step_roll_call(&course, &session, "reopen", Some("to look again")).expect(200);
        seed::step_roll_call(&course, &session, "close", None).expect(200);
    }
    // Another code that comes to the same minutes is no correction either.
    seed::step_roll_call(&course, &session, "reopen", Some("to look again")).expect(200);
    let mut lines = all_present(&members);
    lines[0] = seed::line_of(&members[0], "left_early", 90);
    seed::put_roll_call(&course, &session, &lines).expect(200);
    let closed = seed::step_roll_call(&course, &session, "close", None).expect(200);
    assert_eq!(closed.body["closings"], 5);
    assert_eq!(app.count("SELECT count(*) FROM hour_entries"), 3);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn hours_go_back_and_forth_as_often_as_needed() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    let line =
        |round: usize| if round.is_multiple_of(2) { seed::line(&members[0], "present") } else { seed::line_of(&members[0], "late", 45) };
    for round in 0..4 {
        if round > 0 {
            seed::step_roll_call(&course, &session, "reopen", Some("again")).expect(200);
        }
        let lines = [vec![line(round)], all_present(&members[1..])].concat();
        seed::put_roll_call(&course, &session, &lines).expect(200);
        seed::step_roll_call(&course, &session, "close", None).expect(200);
    }
    // 90, then back and 45 + 45, then back and 90, then back and 45 + 45.
    assert_eq!(ledger(&course.coordinator, &members[0]).len(), 1 + 3 + 3 + 3);
    let hours = course.coordinator.get(&format!("/enrollments/{}/hours", members[0].id)).expect(200);
    assert_eq!(hours.body["balance"]["attended_minutes"], 45);
    assert_eq!(hours.body["balance"]["unauthorized_absence_minutes"], 45);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn whoever_turns_out_not_to_have_been_enrolled_loses_what_was_posted() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    seed::put_roll_call(&course, &session, &all_present(&members)).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    let body = json!({ "reason": "left in May", "effective_at": "2020-05-31T00:00:00Z" });
    course.coordinator.post(&format!("/enrollments/{}/withdraw", members[1].id), body).expect(200);
    assert_eq!(ledger(&course.coordinator, &members[1]), entries(&[("attended", 90)]));
    seed::step_roll_call(&course, &session, "reopen", Some("left in May")).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    assert_eq!(ledger(&course.coordinator, &members[1]), entries(&[("attended", 90), ("attended", -90)]));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn whoever_is_enrolled_later_is_called_before_it_closes_again() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    seed::put_roll_call(&course, &session, &all_present(&members)).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    // Enrolled from the opening on, by default: the period reaches back over the closed session, which becomes no absence by itself.
    let newcomer = seed::enrolled(&course, 1).remove(0);
    assert_eq!(ledger(&course.coordinator, &newcomer), entries(&[]));
    seed::step_roll_call(&course, &session, "reopen", Some("one more was there")).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(409).problem("roll_call_incomplete");
    let lines = [all_present(&members), vec![seed::line(&newcomer, "exempt")]].concat();
    seed::put_roll_call(&course, &session, &lines).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    assert_eq!(ledger(&course.coordinator, &newcomer), entries(&[("exempt", 90)]));
    assert_eq!(app.count("SELECT count(*) FROM hour_entries"), 4);
}

#[test]
fn reopening_needs_a_reason_and_somebody_who_may() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    seed::put_roll_call(&course, &session, &all_present(&members)).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    let path = format!("/sessions/{session}/roll-call/reopen");
    app.unchanged(|| {
        course.coordinator.post(&path, json!({})).fault("/reason", "reason_missing");
        app.instructor(&course.instructor).post(&path, reason("mine")).expect(403).problem("forbidden");
        app.partner(&course.sponsor.id).post(&path, reason("mine")).expect(403).problem("forbidden");
    });
}

#[test]
fn a_reopened_roll_call_can_be_submitted_first() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    seed::put_roll_call(&course, &session, &all_present(&members)).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    seed::step_roll_call(&course, &session, "reopen", Some("to look again")).expect(200);
    let submitted = seed::step_roll_call(&course, &session, "submit", None).expect(200);
    assert_eq!((&submitted.body["state"], &submitted.body["closings"]), (&json!("submitted"), &json!(1)));
    seed::step_roll_call(&course, &session, "close", None).expect(200);
}

#[test]
fn whoever_was_posted_is_not_uncalled() {
    let app = spawn_app();
    let (course, members, session) = class(&app);
    seed::put_roll_call(&course, &session, &all_present(&members)).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    seed::step_roll_call(&course, &session, "reopen", Some("one was late")).expect(200);
    app.unchanged(|| {
        seed::put_roll_call(&course, &session, &[seed::line_of(&members[0], "late", 80)]).fault("/entries", "called_before");
    });
    let mut lines = all_present(&members);
    lines[0] = seed::line_of(&members[0], "late", 80);
    seed::put_roll_call(&course, &session, &lines).expect(200);
}
