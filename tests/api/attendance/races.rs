use serde_json::json;

use super::{all_present, path};
use crate::support::{assert_winners, at_once, rounds, seed, spawn_app};

#[test]
fn a_roll_call_closed_twice_at_once_is_closed_once() {
    let app = spawn_app();
    let course = seed::long_course(&app, "RACES");
    let members = seed::enrolled(&course, 3);
    for round in 0..rounds() {
        let session = seed::held_session(&course, &format!("MET-{round}"), &seed::morning(round));
        seed::put_roll_call(&course, &session, &all_present(&members)).expect(200);
        let replies = at_once(4, |_| seed::step_roll_call(&course, &session, "close", None));
        assert_winners(replies, 1, "illegal_transition");
    }
    assert_eq!(app.count("SELECT count(*) FROM hour_entries"), 3 * i64::from(rounds()));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn of_two_roll_calls_put_at_once_one_is_told_that_it_is_late() {
    let app = spawn_app();
    let course = seed::long_course(&app, "RACES");
    let members = seed::enrolled(&course, 2);
    for round in 0..rounds() {
        let session = seed::held_session(&course, &format!("MET-{round}"), &seed::morning(round));
        let tag = seed::put_roll_call(&course, &session, &all_present(&members)).expect(200).etag();
        let client = course.coordinator.if_match(&tag);
        let replies = at_once(4, |index| {
            let lines = [seed::line_of(&members[0], "late", 10 + i64::try_from(index).unwrap()), seed::line(&members[1], "absent")];
            client.put(&path(&session), json!({ "entries": lines }))
        });
        let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412, 412, 412]);
    }
}

#[test]
fn two_first_roll_calls_at_once_do_not_mix() {
    let app = spawn_app();
    let course = seed::long_course(&app, "RACES");
    let members = seed::enrolled(&course, 2);
    for round in 0..rounds() {
        let session = seed::held_session(&course, &format!("MET-{round}"), &seed::morning(round));
        let replies = at_once(3, |index| {
            let code = ["present", "absent", "excused"][index];
            let lines: Vec<_> = members.iter().map(|member| seed::line(member, code)).collect();
            course.coordinator.put(&path(&session), json!({ "entries": lines }))
        });
        let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 428, 428], "{replies:#?}");
    }
}

#[test]
fn closings_in_one_intake_at_once_all_count() {
    let app = spawn_app();
    let course = seed::long_course(&app, "RACES");
    let members = seed::enrolled(&course, 3);
    let sessions: Vec<String> = (0..8).map(|day| seed::held_session(&course, &format!("MET-{day}"), &seed::morning(day))).collect();
    for session in &sessions {
        seed::put_roll_call(&course, session, &all_present(&members)).expect(200);
    }
    for reply in at_once(sessions.len(), |index| seed::step_roll_call(&course, &sessions[index], "close", None)) {
        reply.expect(200);
    }
    let report = course.coordinator.get(&format!("/intakes/{}/progress", course.intake)).expect(200).body;
    assert_eq!(report["totals"]["present_minutes"], 8 * 90 * 3);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn of_two_sessions_in_which_somebody_was_at_one_time_one_is_closed() {
    let app = spawn_app();
    let course = seed::long_course(&app, "RACES");
    let guest = seed::enrolled(&course, 1).remove(0);
    for round in 0..rounds() {
        let morning = seed::morning(round);
        let common = |code: &str, starts_at: &str, cohort: &str| {
            let mut body = seed::session_body(&course, &format!("{code}-{round}"), starts_at);
            (body["module_id"], body["cohort_ids"], body["instructor_ids"]) =
                (json!(course.program.common_module), json!([cohort]), json!([]));
            seed::published_session_as(&course, body)
        };
        let sessions = [common("THERE", &morning, &course.mechanics), common("OWN", &seed::after(&morning, 90), &course.metallurgy)];
        let invited =
            json!({ "enrollment_id": guest.id, "missed_session_id": common("MISSED", &seed::after(&morning, 300), &course.metallurgy) });
        course.coordinator.post(&format!("/sessions/{}/guests", sessions[0]), invited).expect(201);
        let late = json!({ "ends_at": seed::after(&morning, 120), "difference_reason": "went on for half an hour" });
        course.coordinator.post(&format!("/sessions/{}/hold", sessions[0]), late).expect(200);
        course.coordinator.post(&format!("/sessions/{}/hold", sessions[1]), json!({})).expect(200);
        for session in &sessions {
            seed::put_roll_call(&course, session, &[seed::line(&guest, "present")]).expect(200);
        }
        let replies = at_once(2, |index| seed::step_roll_call(&course, &sessions[index], "close", None));
        assert_winners(replies, 1, "attended_elsewhere");
    }
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_close_sent_twice_with_one_key_is_answered_alike() {
    let app = spawn_app();
    let course = seed::long_course(&app, "RACES");
    let members = seed::enrolled(&course, 2);
    for round in 0..rounds() {
        let session = seed::held_session(&course, &format!("MET-{round}"), &seed::morning(round));
        seed::put_roll_call(&course, &session, &all_present(&members)).expect(200);
        let client = course.coordinator.idempotency_key(&format!("close-{round}"));
        let replies = at_once(4, |_| client.post(&format!("{}/close", path(&session)), json!({})));
        let first = replies[0].clone().expect(200);
        assert!(replies.iter().all(|reply| (reply.status, &reply.text) == (200, &first.text)), "{replies:#?}");
    }
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_report_read_while_a_roll_call_is_corrected_says_what_was_or_what_is() {
    let app = spawn_app();
    let course = seed::long_course(&app, "RACES");
    let members = seed::enrolled(&course, 2);
    let lines = |minutes: i64| [seed::line_of(&members[0], "late", minutes), seed::line(&members[1], "present")];
    let session = seed::closed_session(&course, "MET-01", &seed::morning(1), &lines(10));
    let mut kept: Vec<(String, serde_json::Value)> = Vec::new();
    for round in 0..rounds() {
        let [before, after] = [round, round + 1].map(|round| i64::from(10 + round % 80));
        let replies = at_once(4, |index| match index {
            0 => {
                seed::step_roll_call(&course, &session, "reopen", Some("a late note")).expect(200);
                seed::put_roll_call(&course, &session, &lines(after)).expect(200);
                seed::step_roll_call(&course, &session, "close", None)
            }
            1 => course.coordinator.get(&format!("/enrollments/{}/hours", members[0].id)),
            _ => course.coordinator.get(&format!("/intakes/{}/progress", course.intake)),
        });
        replies[0].clone().expect(200);
        // Reports are pulled meanwhile, and what is journaled of them may be recorded later and done before: what was answered counts.
        let answered_at = muster::clock::now();
        let said = |present: i64| json!([present + 90, 90 - present, 180]);
        for report in &replies[2..] {
            let totals = &report.clone().expect(200).body["totals"];
            let told = json!([totals["present_minutes"], totals["unauthorized_absence_minutes"], totals["expected_minutes"]]);
            assert!(told == said(before) || told == said(after), "{told}, between {before} and {after}");
        }
        let hours = replies[1].clone().expect(200);
        let sum: i64 = hours.items().iter().map(|entry| entry["minutes"].as_i64().unwrap()).sum();
        assert!(hours.items().len() >= 50 || sum == 90, "{}", hours.text);
        let path = format!("/enrollments/{}/hours?limit=500&as_of={answered_at}", members[0].id);
        kept.push((path.clone(), course.coordinator.get(&path).expect(200).body));
        assert_eq!(kept[kept.len() - 1].1["balance"]["attended_minutes"], after);
    }
    for (path, told) in kept {
        assert_eq!(course.coordinator.get(&path).expect(200).body, told);
    }
    assert_eq!(app.findings(), Vec::<String>::new());
}
