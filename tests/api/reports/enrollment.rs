use insta::assert_json_snapshot;
use serde_json::json;

use super::{MEASURES, minutes, path, row, sum, taught};
use crate::support::{spawn_app, statements};

#[test]
fn the_progress_of_an_enrollment_is_its_row_and_its_modules() {
    let app = spawn_app();
    let taught = taught(&app);
    let client = &taught.course.coordinator;
    let report = client.get(&path(&taught.course)).expect(200).body;
    for who in [&taught.anna, &taught.bao, &taught.chen, &taught.deng, &taught.elif] {
        let own = client.get(&format!("/enrollments/{}/progress", who.id)).expect(200).body;
        for (field, value) in row(&report, who).as_object().unwrap() {
            assert_eq!(&own[field], value, "{field}");
        }
        assert_eq!(sum(own["modules"].as_array().unwrap()), minutes(&own), "{MEASURES:?}");
        assert_eq!(own["minutes_per_hour"], 45);
    }
    assert_json_snapshot!(client.get(&format!("/enrollments/{}/progress", taught.chen.id)).expect(200).redacted());
}

#[test]
fn the_progress_of_an_enrollment_reads_no_unsettled_session_of_another() {
    let app = spawn_app();
    let taught = taught(&app);
    let path = format!("/enrollments/{}/progress", taught.chen.id);
    let (_, statements) = statements::record(|| taught.course.coordinator.get(&path).expect(200));
    let counting: Vec<&String> = statements.iter().filter(|statement| statement.contains("unsettled_sessions")).collect();
    let filter = counting[0].split_once("WHERE").unwrap().1.replace(['"', '`'], "");
    assert!(counting.len() == 1 && filter.contains("unsettled_sessions.enrollment_id ="), "{counting:?}");
}

#[test]
fn a_plan_holds_the_own_discipline_and_what_is_common() {
    let app = spawn_app();
    let taught = taught(&app);
    let own = app.trainee(&taught.deng.trainee).get(&format!("/enrollments/{}/progress", taught.deng.id)).expect(200).body;
    let modules: Vec<&str> = own["modules"].as_array().unwrap().iter().map(|part| part["code"].as_str().unwrap()).collect();
    assert_eq!(modules, ["MEC-01", "COM-01"]);
}

#[test]
fn progress_is_shown_to_whom_it_concerns() {
    let app = spawn_app();
    let taught = taught(&app);
    let path = format!("/enrollments/{}/progress", taught.anna.id);
    let sponsor = &taught.course.sponsor;
    for client in [app.trainee(&taught.anna.trainee), app.partner(&sponsor.id), app.partner(&sponsor.plants[0]), app.auditor()] {
        assert_eq!(client.get(&path).expect(200).body["present_minutes"], 90);
    }
    for client in [app.trainee(&taught.bao.trainee), app.partner(&sponsor.plants[1]), app.partner(&taught.other.id)] {
        client.get(&path).expect(404).problem("not_found");
    }
    app.instructor(&taught.course.instructor).get(&path).expect(403).problem("forbidden");
    assert_eq!(app.trainee(&taught.anna.trainee).get(&path).expect(200).body["trainee_id"], json!(taught.anna.trainee));
}
