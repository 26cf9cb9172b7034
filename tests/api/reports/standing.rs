use serde_json::{Value, json};

use super::{path, row};
use crate::support::{App, seed, seed::Course, seed::Enrolled, spawn_app};

/// A course in which a metallurgist owes 120 minutes, with this minimum of attendance, and what a class of three is called in 90 of them.
fn class(app: &App, minimum: Option<i64>) -> (Course, Vec<Enrolled>) {
    let coordinator = app.coordinator();
    let mut body = seed::version_body();
    body["minimum_attendance_percent"] = json!(minimum);
    (body["modules"][0]["planned_minutes"], body["modules"][2]["planned_minutes"]) = (json!(100), json!(20));
    body["total_minutes"] = json!(120 + body["modules"][1]["planned_minutes"].as_i64().unwrap());
    let program = seed::program_of(&coordinator, "HONGXING", body);
    let course = seed::course_on(app, coordinator, program, "HONGXING", "JISCO");
    let members = seed::enrolled(&course, 4);
    let lines = [
        seed::line_of(&members[0], "late", 72),
        seed::line_of(&members[1], "late", 71),
        seed::line_of(&members[2], "late", 40),
        seed::line(&members[3], "exempt"),
    ];
    seed::closed_session(&course, "MET-01", &seed::morning(1), &lines);
    (course, members)
}

fn standings(course: &Course, members: &[Enrolled]) -> Vec<Value> {
    let report = course.coordinator.get(&path(course)).expect(200).body;
    members.iter().map(|member| row(&report, member)["standing"].clone()).collect()
}

#[test]
fn a_report_tells_who_is_at_risk_of_the_minimum_and_for_whom_it_is_out_of_reach() {
    let app = spawn_app();
    let (course, members) = class(&app, Some(80));
    assert_eq!(standings(&course, &members), [json!("on_track"), json!("at_risk"), json!("out_of_reach"), Value::Null]);
    for by in ["cohort", "unit", "discipline"] {
        let report = course.coordinator.get(&format!("{}?by={by}", path(&course))).expect(200).body;
        assert_eq!((&report["totals"]["at_risk"], &report["totals"]["out_of_reach"]), (&json!(1), &json!(1)));
        let part = &report["split"][0];
        assert_eq!((&part["at_risk"], &part["out_of_reach"]), (&json!(1), &json!(1)), "{by}");
        assert_eq!(report["minimum_attendance_percent"], 80);
    }
    let own = course.coordinator.get(&format!("/enrollments/{}/progress", members[1].id)).expect(200).body;
    assert_eq!((&own["standing"], &own["minimum_attendance_percent"]), (&json!("at_risk"), &json!(80)));
    // Whoever left is at no risk any more.
    let left = format!("/enrollments/{}/withdraw", members[1].id);
    course.coordinator.post(&left, json!({ "reason": "as agreed" })).expect(200);
    assert_eq!(standings(&course, &members)[1], Value::Null);
}

#[test]
fn a_standing_is_explained_by_the_minutes_that_the_minimum_asks_for() {
    let app = spawn_app();
    let (course, members) = class(&app, Some(79));
    let explained = course.coordinator.get(&format!("/enrollments/{}/progress/explain", members[1].id)).expect(200).body;
    let standing = explained["numbers"].as_array().unwrap().iter().find(|number| number["number"] == "standing").unwrap().clone();
    let amounts: Vec<_> = standing["amounts"].as_array().unwrap().iter().map(|amount| amount["minutes"].as_i64().unwrap()).collect();
    // Present and counted, what is to come, and what is wanted by now and in the end: 71.1 and 94.8.
    assert_eq!((&standing["value"], amounts), (&json!("at_risk"), vec![71, 90, 30, 72, 95]));
}

#[test]
fn without_a_minimum_nobody_is_at_risk() {
    let app = spawn_app();
    let (course, members) = class(&app, None);
    assert_eq!(standings(&course, &members), [Value::Null, Value::Null, Value::Null, Value::Null]);
    let report = course.coordinator.get(&format!("{}?by=module", path(&course))).expect(200).body;
    assert_eq!((&report["totals"]["at_risk"], &report["split"][0]["at_risk"]), (&json!(0), &Value::Null));
}

#[test]
fn a_table_says_the_standing_and_counts_it() {
    let app = spawn_app();
    let (course, _) = class(&app, Some(80));
    let table = course.coordinator.with_header("accept", "text/csv").get(&path(&course)).expect(200).text;
    let lines: Vec<Vec<&str>> = table.trim_start_matches('\u{feff}').lines().map(|line| line.split(',').collect()).collect();
    let column = |name: &str| lines[0].iter().position(|header| *header == name).unwrap();
    let standings: Vec<&str> = lines[1..].iter().map(|line| line[column("standing")]).collect();
    assert_eq!(standings, ["on_track", "at_risk", "out_of_reach", "", ""]);
    let totals = lines.last().unwrap();
    assert_eq!([totals[column("at_risk")], totals[column("out_of_reach")]], ["1", "1"]);
    assert_eq!(lines[1][column("minimum_attendance_percent")], "80");
}

#[test]
fn whoever_does_not_reach_the_minimum_is_completed_with_a_reason() {
    let app = spawn_app();
    let (course, members) = class(&app, Some(80));
    let complete = |member: &Enrolled, body: Value| course.coordinator.post(&format!("/enrollments/{}/complete", member.id), body);
    app.unchanged(|| {
        let detail = complete(&members[1], json!({})).fault("/reason", "reason_missing").body["errors"][0]["detail"].clone();
        assert_eq!(detail, "present for 71 of 90 minutes, below 80 percent; completing all the same needs a reason");
        // Nothing is expected of whoever was exempt, so that no rate says that they reached it.
        complete(&members[3], json!({})).fault("/reason", "reason_missing");
    });
    complete(&members[0], json!({})).expect(200);
    complete(&members[1], json!({ "reason": "passed the examination" })).expect(200);
    complete(&members[3], json!({ "reason": "has done the course before" })).expect(200);
}

#[test]
fn whoever_is_completed_where_no_minimum_is_set_needs_no_reason() {
    let app = spawn_app();
    let (course, members) = class(&app, None);
    for member in &members {
        course.coordinator.post(&format!("/enrollments/{}/complete", member.id), json!({})).expect(200);
    }
}
