//! Somebody who taught: what was told of their sessions stays, without their name.

use serde_json::json;

use super::{columns_with, erased};
use crate::support::{App, seed, seed::Course, spawn_app};

/// A professor who held a session that had been moved, and whose drafts were cancelled.
fn professor(app: &App) -> (Course, String, String) {
    let course = seed::course(app);
    let body = json!({ "name": "金丝雀教授", "latin_name": "Canary Wu", "email": "canary@example.org",
        "affiliation": { "organization_id": app.provider().units[0], "employee_number": "CANARY-P", "title": "canary professor" } });
    let professor = course.coordinator.post("/instructors", body).expect(201).id();
    let exception = json!({ "from_date": "2020-07-06", "until_date": "2020-07-10", "available": false, "note": "canary away" });
    let profile = json!({ "time_zone": "Asia/Shanghai", "daily_minutes": 360, "weekly_minutes": null, "disciplines": ["MET"], "hours": [], "exceptions": [exception] });
    course.coordinator.put(&format!("/instructors/{professor}/profile"), profile).expect(200);
    let member = seed::enrolled(&course, 1).remove(0);
    let mut body = seed::session_body(&course, "MET-1", &seed::morning(1));
    body["instructor_ids"] = json!([professor, course.instructor]);
    let session = seed::published_session_as(&course, body.clone());
    let moved = json!({ "starts_at": seed::morning(2), "ends_at": seed::after(&seed::morning(2), 90), "reason": "the hall is taken" });
    course.coordinator.post(&format!("/sessions/{session}/move"), moved).expect(200);
    course.coordinator.post(&format!("/sessions/{session}/hold"), json!({})).expect(200);
    seed::put_roll_call(&course, &session, &[seed::line(&member, "present")]).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    body["code"] = json!("MET-2");
    body["starts_at"] = json!(seed::morning(5));
    body["ends_at"] = json!(seed::after(&seed::morning(5), 90));
    let cancelled = seed::published_session_as(&course, body);
    course.coordinator.post(&format!("/sessions/{cancelled}/cancel"), json!({ "reason": "the hall burned down" })).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
    (course, professor, session)
}

#[test]
fn what_was_told_of_their_sessions_stays_without_their_name() {
    let app = spawn_app();
    let (course, professor, session) = professor(&app);
    let texts = ["canary", "金丝雀"];
    let held = columns_with(&app, &texts);
    for expected in
        ["session_changes.before_values", "session_changes.after_values", "session_instructors.title", "instructor_exceptions.note"]
    {
        assert!(held.iter().any(|column| column == expected), "nothing was planted in {expected}: {held:?}");
    }
    let path = format!("/sessions/{session}");
    let changes = course.coordinator.get(&format!("{path}/changes")).expect(200);
    erased(&app, &professor);
    assert_eq!(columns_with(&app, &texts), Vec::<String>::new());
    let after = course.coordinator.get(&format!("{path}/changes")).expect(200);
    assert_eq!(after.items().len(), changes.items().len());
    assert_eq!(after.items()[0]["reason"], "the hall is taken");
    assert!(after.text.contains("已删除") && after.text.contains("教授 HONGXING-P1"), "{}", after.text);
    let taught = course.coordinator.get(&path).expect(200);
    assert_eq!(taught.body["instructors"].as_array().unwrap().len(), 2);
    assert!(taught.text.contains("已删除"), "{}", taught.text);
    course.coordinator.get(&format!("/instructors/{professor}/profile")).expect(404);
    assert_eq!(app.findings(), Vec::<String>::new());
}
