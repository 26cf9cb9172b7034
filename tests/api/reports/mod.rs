mod csv;
mod enrollment;
mod explain;
mod intake;
mod partner;
mod standing;
mod tag;

use serde_json::{Value, json};

use crate::support::{
    App, seed,
    seed::{Course, Enrolled, Sponsor},
};

/// A course that has been taught for a while; the numbers of its report are worked out in `intake.rs`.
struct Taught {
    course: Course,
    /// Three metallurgists and a mechanic of the course's sponsor, from two plants, and a metallurgist of another sponsor.
    anna: Enrolled,
    bao: Enrolled,
    chen: Enrolled,
    deng: Enrolled,
    elif: Enrolled,
    other: Sponsor,
}

/// A session of the common module for both cohorts.
fn together(course: &Course, code: &str, starts_at: &str, minutes: i64) -> Value {
    json!({ "code": code, "module_id": course.program.common_module, "starts_at": starts_at, "ends_at": seed::after(starts_at, minutes),
        "cohort_ids": [course.metallurgy, course.mechanics], "instructor_ids": [course.instructor] })
}

/// A session of 90 minutes in mechanics.
fn mechanics(course: &Course, code: &str, starts_at: &str) -> Value {
    let mut body = seed::session_body(course, code, starts_at);
    body["module_id"] = json!(course.program.mechanics_module);
    body["cohort_ids"] = json!([course.mechanics]);
    body
}

fn taught(app: &App) -> Taught {
    let course = seed::course(app);
    let other = seed::sponsor(app, "BAOWU");
    let mut own = seed::enrolled(&course, 3);
    let (chen, bao, anna) = (own.remove(2), own.remove(1), own.remove(0));
    let deng = seed::enrolled_at(&course, &course.sponsor.plants[1], (&course.program.mechanics, &course.mechanics), 1).remove(0);
    let elif = seed::enrolled_at(&course, &other.plants[0], (&course.program.metallurgy, &course.metallurgy), 1).remove(0);
    let (present, of) = (|who| seed::line(who, "present"), seed::line_of);
    let lines = [present(&anna), of(&bao, "late", 60), seed::line(&chen, "excused"), seed::line(&elif, "absent")];
    seed::closed_session(&course, "MET-01", &seed::morning(1), &lines);
    let session = seed::held_session_as(&course, together(&course, "COM-01", &seed::morning(2), 180));
    let lines = [seed::line(&anna, "exempt"), present(&bao), of(&chen, "left_early", 100), present(&deng), of(&elif, "excused", 45)];
    seed::put_roll_call(&course, &session, &lines).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    seed::published_session(&course, "MET-02", &seed::morning(3));
    seed::held_session_as(&course, mechanics(&course, "MEC-01", &seed::morning(4)));
    Taught { course, anna, bao, chen, deng, elif, other }
}

fn path(course: &Course) -> String {
    format!("/intakes/{}/progress", course.intake)
}

const MEASURES: [&str; 6] = ["plan", "expected", "present", "authorized_absence", "unauthorized_absence", "exempt"];

/// Plan, expected, present, authorized, unauthorized and exempt minutes.
fn minutes(row: &Value) -> [i64; 6] {
    MEASURES.map(|field| row[format!("{field}_minutes")].as_i64().unwrap())
}

/// The row of an enrollment.
fn row<'a>(report: &'a Value, enrolled: &Enrolled) -> &'a Value {
    report["rows"].as_array().unwrap().iter().find(|row| row["enrollment_id"] == enrolled.id.as_str()).unwrap()
}

/// Rate and best reachable.
fn ratios(row: &Value) -> [&str; 2] {
    ["rate", "best_reachable"].map(|field| row[field].as_str().unwrap_or("null"))
}

/// The sum of rows, measure by measure.
fn sum<'a>(rows: impl IntoIterator<Item = &'a Value>) -> [i64; 6] {
    rows.into_iter().map(minutes).fold([0; 6], |sum, row| std::array::from_fn(|index| sum[index] + row[index]))
}

/// The report's totals are the sums of its rows, and what is expected is present or absent.
#[track_caller]
fn assert_adds_up(report: &Value) {
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(sum(rows), minutes(&report["totals"]));
    for row in rows.iter().chain([&report["totals"]]) {
        let [_, expected, present, authorized, unauthorized, _] = minutes(row);
        assert_eq!(expected, present + authorized + unauthorized, "{row}");
    }
    if let Some(parts) = report["split"].as_array() {
        assert_eq!(sum(parts), minutes(&report["totals"]), "{parts:#?}");
    }
}
