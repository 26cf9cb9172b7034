use serde_json::json;

use crate::support::{Client, Reply, assert_winners, at_once, rounds, seed, spawn_app};

/// Cancels the drafts that lost, for drafts count against the plan too.
fn cancel_losers(client: &Client, drafts: &[String], replies: &[Reply]) {
    for (draft, _) in drafts.iter().zip(replies).filter(|(_, reply)| reply.status == 409) {
        client.post(&format!("/sessions/{draft}/cancel"), json!({ "reason": "too late" })).expect(200);
    }
}

#[test]
fn an_instructor_is_published_once_for_one_time() {
    let app = spawn_app();
    let course = seed::course(&app);
    // Two intakes, so that no lock on one of them decides.
    let other = seed::course_called(&app, "OTHER", "OTHER");
    for round in 0..rounds() {
        let drafts: Vec<String> = (0..4)
            .map(|index| {
                let of = if index % 2 == 0 { &course } else { &other };
                let mut body =
                    seed::session_body(of, &format!("R-{round}-{index}"), &seed::after(&seed::morning(round), 10 * i64::from(index)));
                body["instructor_ids"] = json!([course.instructor]);
                seed::session_as(of, body)
            })
            .collect();
        let replies = at_once(4, |index| course.coordinator.post(&format!("/sessions/{}/publish", drafts[index]), json!({})));
        cancel_losers(&course.coordinator, &drafts, &replies);
        assert_winners(replies, 1, "session_conflict");
    }
    assert_eq!(app.count("SELECT count(*) FROM claims WHERE kind = 'instructor'"), i64::from(rounds()));
}

#[test]
fn of_several_steps_at_once_one_is_taken() {
    let app = spawn_app();
    let course = seed::course(&app);
    for round in 0..rounds() {
        let session = seed::published_session(&course, &format!("P-{round}"), &seed::morning(round));
        let replies = at_once(4, |index| {
            let (step, body) = if index % 2 == 0 { ("hold", json!({})) } else { ("cancel", json!({ "reason": "storm" })) };
            course.coordinator.post(&format!("/sessions/{session}/{step}"), body)
        });
        assert_winners(replies, 1, "illegal_transition");
    }
}

#[test]
fn two_sessions_that_change_places_at_once_never_deadlock() {
    let app = spawn_app();
    let course = seed::course(&app);
    let second = seed::instructor(&app, &course.coordinator, "P-2");
    for round in 0..rounds() {
        let ids: Vec<String> = [[&course.instructor, &second], [&second, &course.instructor]]
            .iter()
            .enumerate()
            .map(|(index, instructors)| {
                let mut body = seed::session_body(&course, &format!("R-{round}-{index}"), &seed::morning(round));
                body["instructor_ids"] = json!(instructors);
                seed::session_as(&course, body)
            })
            .collect();
        let replies = at_once(2, |index| course.coordinator.post(&format!("/sessions/{}/publish", ids[index]), json!({})));
        cancel_losers(&course.coordinator, &ids, &replies);
        assert_winners(replies, 1, "session_conflict");
    }
}
