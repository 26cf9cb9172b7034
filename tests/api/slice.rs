//! One thin slice through everything: from an organization to a report in which every number was worked out by hand.

use serde_json::json;

use crate::support::{Reply, seed, spawn_app};

/// The numbers of a row, or of the totals: expected, present, authorized, unauthorized and exempt minutes.
fn minutes(row: &serde_json::Value) -> [i64; 5] {
    ["expected", "present", "authorized_absence", "unauthorized_absence", "exempt"]
        .map(|field| row[format!("{field}_minutes")].as_i64().unwrap())
}

fn actions(audit: &Reply) -> Vec<String> {
    audit.column("action")
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story, told in its order")]
fn a_course_runs_from_the_organizations_to_a_report_that_adds_up() {
    let app = spawn_app();
    let coordinator = app.coordinator();
    let sponsor = seed::sponsor(&app, "JISCO");
    let post = |path: &str, body: serde_json::Value| coordinator.post(path, body).expect(201);
    let step = |path: &str| coordinator.post(path, json!({})).expect(200);

    // The trainee and the plan.
    let affiliation = json!({ "organization_id": sponsor.plants[0], "employee_number": "0061234" });
    let trainee = post("/trainees", json!({ "name": "欧阳旭", "latin_name": "Ouyang Xu", "affiliation": affiliation })).id();
    let instructor =
        post("/instructors", json!({ "name": "王教授", "affiliation": { "organization_id": app.provider().id, "title": "教授" } })).id();
    let program = post("/programs", json!({ "code": "HONGXING", "name": "青年专业人才培训" })).id();
    let version = post(&format!("/programs/{program}/versions"), seed::version_body());
    let (discipline, module) = (version.text_at("/disciplines/0/id"), version.text_at("/modules/0/id"));
    let confirmed = step(&format!("/program-versions/{}/confirm", version.id()));
    assert_eq!(confirmed.body["state"], "confirmed");

    // The intake, the cohort and the enrollment.
    let intake = post("/intakes", seed::intake_body(&version.id(), "HONGXING-3")).id();
    assert_eq!(step(&format!("/intakes/{intake}/open-enrollment")).body["state"], "enrolling");
    let cohort =
        post(&format!("/intakes/{intake}/cohorts"), json!({ "discipline_id": discipline, "code": "MET-1", "name": "冶金班" })).id();
    let body = json!({ "trainee_id": trainee, "discipline_id": discipline, "cohort_id": cohort, "unit_id": sponsor.plants[0] });
    let enrollment = post(&format!("/intakes/{intake}/enrollments"), body);
    assert_eq!((&enrollment.body["state"], &enrollment.body["sponsor_id"]), (&json!("enrolled"), &json!(sponsor.id)));
    let enrollment = enrollment.id();

    // The session: 100 minutes with a break of 10, published and held.
    let body = json!({ "code": "MET-01", "module_id": module, "starts_at": "2020-05-28T01:00:00Z", "ends_at": "2020-05-28T02:40:00Z",
        "break_minutes": 10, "cohort_ids": [cohort], "instructor_ids": [instructor] });
    let session = post(&format!("/intakes/{intake}/sessions"), body);
    assert_eq!((&session.body["minutes"], &session.body["state"]), (&json!(90), &json!("draft")));
    let session = session.id();
    assert_eq!(step(&format!("/sessions/{session}/publish")).body["state"], "published");
    assert_eq!(step(&format!("/sessions/{session}/hold")).body["held"]["minutes"], 90);

    // Held, but not yet in anybody's hours.
    let progress = || coordinator.get(&format!("/intakes/{intake}/progress")).expect(200);
    let open = progress();
    assert_eq!((&open.body["open_sessions"], &open.body["held_minutes"]), (&json!(1), &json!(90)));
    assert_eq!(minutes(&open.body["rows"][0]), [0, 0, 0, 0, 0]);
    assert_eq!(open.body["rows"][0]["rate"], json!(null));
    assert_eq!(open.body["rows"][0]["best_reachable"], "1.0000");

    // The roll: 60 of 90 minutes present, then excused.
    let line = json!({ "enrollment_id": enrollment, "code": "excused", "minutes": 60, "note": "called to the plant" });
    let roll = coordinator.put(&format!("/sessions/{session}/roll-call"), json!({ "entries": [line] })).expect(200);
    assert_eq!((&roll.body["state"], &roll.body["minutes"]), (&json!("open"), &json!(90)));
    let closed = step(&format!("/sessions/{session}/roll-call/close"));
    assert_eq!((&closed.body["state"], &closed.body["closings"]), (&json!("closed"), &json!(1)));

    // The hours: 60 + 30.
    let hours = coordinator.get(&format!("/enrollments/{enrollment}/hours")).expect(200);
    assert_eq!(hours.column("kind"), ["attended", "authorized_absence"]);
    assert_eq!(hours.column("minutes"), ["60", "30"]);
    assert_eq!(hours.body["balance"]["attended_minutes"], 60);

    // The report of the intake: 60 of 90 present; of the plan's 7920 minutes 7830 are open: 7890 of 7920 can still be reached.
    let report = progress();
    let row = &report.body["rows"][0];
    assert_eq!(report.body["rows"].as_array().unwrap().len(), 1);
    assert_eq!(minutes(row), [90, 60, 30, 0, 0]);
    assert_eq!((&row["rate"], &row["best_reachable"], &row["plan_minutes"]), (&json!("0.6666"), &json!("0.9962"), &json!(7920)));
    assert_eq!(minutes(&report.body["totals"]), [90, 60, 30, 0, 0]);
    let whole = ["planned_minutes", "scheduled_minutes", "held_minutes", "minutes_per_hour", "open_sessions"];
    assert_eq!(whole.map(|field| report.body[field].as_i64().unwrap()), [seed::TOTAL, 90, 90, 45, 0]);

    // The report of the enrollment, as the trainee reads it.
    let own = app.trainee(&trainee).get(&format!("/enrollments/{enrollment}/progress")).expect(200);
    assert_eq!(minutes(&own.body), [90, 60, 30, 0, 0]);
    assert_eq!((&own.body["rate"], &own.body["best_reachable"]), (&json!("0.6666"), &json!("0.9962")));
    let modules: Vec<_> =
        own.body["modules"].as_array().unwrap().iter().map(|part| (part["code"].as_str().unwrap(), minutes(part))).collect();
    assert_eq!(modules, [("MET-01", [90, 60, 30, 0, 0]), ("COM-01", [0, 0, 0, 0, 0])]);

    // The journal has every step, and nothing is wrong with any number.
    let audit = |subject: &str| actions(&app.auditor().get(&format!("/audit?subject_id={subject}")).expect(200));
    assert_eq!(audit(&trainee), ["trainee.created"]);
    assert_eq!(audit(&version.id()), ["program_version.created", "program_version.confirmed"]);
    assert_eq!(audit(&intake), ["intake.created", "intake.changed_state", "report.pulled", "report.pulled"]);
    assert_eq!(audit(&cohort), ["cohort.created"]);
    assert_eq!(audit(&enrollment), ["enrollment.created"]);
    assert_eq!(audit(&session), ["session.created", "session.published", "session.held", "roll_call.put", "roll_call.closed"]);
    assert_eq!(app.findings(), Vec::<String>::new());
}
