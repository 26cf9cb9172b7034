//! Leave that is granted while a roll call is closed.

use serde_json::json;

use super::{minutes, step};
use crate::support::{at_once, rounds, seed, spawn_app};

#[test]
fn leave_granted_beside_a_closing_is_counted_or_listed() {
    let app = spawn_app();
    let mut course = seed::course(&app);
    for round in 1..=rounds() {
        // So many sessions fit the plan, and whoever joined before is called in each.
        let day = (round - 1) % 20 + 1;
        if round > 1 && day == 1 {
            course = seed::course_called(&app, &format!("C-{round}"), &format!("S-{round}"));
        }
        let member = seed::enrolled(&course, 1).remove(0);
        // A day of its own; whoever joined before is exempt, so that the class can be closed.
        let session = seed::held_session(&course, &format!("MET-{round}"), &seed::morning(day));
        let path = format!("/sessions/{session}/roll-call");
        let expected = course.coordinator.get(&path).expect(200).body["entries"].as_array().unwrap().clone();
        let line = |entry: &serde_json::Value| {
            let code = if entry["enrollment_id"] == member.id.as_str() { "absent" } else { "exempt" };
            json!({ "enrollment_id": entry["enrollment_id"], "code": code })
        };
        seed::put_roll_call(&course, &session, &expected.iter().map(line).collect::<Vec<_>>()).expect(200);
        let leave = seed::leave_asked(&course, &member, &seed::morning(day), 60);
        let replies = at_once(2, |thread| match thread {
            0 => step(&course.coordinator, &leave, "grant", None),
            _ => seed::step_roll_call(&course, &session, "close", None),
        });
        replies.into_iter().for_each(|reply| drop(reply.expect(200)));
        let request = course.coordinator.get(&format!("/leave-requests/{leave}")).expect(200);
        // Since the opening the newcomer owes the sessions of the rounds before, too.
        let unsettled = request.body["sessions"][0]["unsettled"].as_bool().unwrap();
        let expected = if unsettled { [0, 0, 90] } else { [0, 60, 30] };
        assert_eq!(minutes(&course, &member.id), expected, "round {round}");
    }
    assert_eq!(app.findings(), Vec::<String>::new());
}
