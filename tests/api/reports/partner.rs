use serde_json::json;

use super::{assert_adds_up, minutes, path, ratios, taught};
use crate::support::{App, seed, spawn_app};

fn rows_of(app: &App, organization: &str, path: &str) -> Vec<String> {
    let report = app.partner(organization).get(path).expect(200).body;
    assert_adds_up(&report);
    report["rows"].as_array().unwrap().iter().map(|row| row["enrollment_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_partners_report_holds_its_own_people_only_totals_included() {
    let app = spawn_app();
    let taught = taught(&app);
    let path = path(&taught.course);
    let report = app.partner(&taught.course.sponsor.id).get(&path).expect(200).body;
    assert_adds_up(&report);
    // 610 / 810, and (610 + 3 * 7650 + 7740) / (810 + 3 * 7650 + 7740) = 31300 / 31500.
    assert_eq!((minutes(&report["totals"]), ratios(&report["totals"])), ([31_680, 810, 610, 90, 110, 180], ["0.7530", "0.9936"]));
    assert_eq!(report["totals"]["heads"], 4);
    let other = app.partner(&taught.other.id).get(&path).expect(200).body;
    assert_eq!((minutes(&other["totals"]), ratios(&other["totals"])), ([7920, 270, 45, 135, 90, 0], ["0.1666", "0.9715"]));
    for text in [&taught.anna.id, &taught.anna.trainee, &taught.course.sponsor.id] {
        assert!(!other.to_string().contains(text.as_str()), "{text} is in {other}");
    }
}

#[test]
fn a_partner_at_a_unit_sees_that_unit() {
    let app = spawn_app();
    let taught = taught(&app);
    let (path, plants) = (path(&taught.course), &taught.course.sponsor.plants);
    assert_eq!(rows_of(&app, &plants[0], &path), [&taught.anna.id, &taught.bao.id, &taught.chen.id].map(Clone::clone));
    assert_eq!(rows_of(&app, &plants[1], &path), [taught.deng.id.as_str()]);
    assert_eq!(rows_of(&app, &taught.other.plants[0], &path), [taught.elif.id.as_str()]);
    // A plant that sends nobody does not know the intake at all.
    app.partner(&taught.other.plants[1]).get(&path).expect(404);
}

#[test]
fn the_parts_of_a_partners_report_are_its_own_too() {
    let app = spawn_app();
    let taught = taught(&app);
    for by in ["discipline", "module", "cohort", "unit"] {
        let report = app.partner(&taught.other.id).get(&format!("{}?by={by}", path(&taught.course))).expect(200).body;
        assert_adds_up(&report);
        assert_eq!(report["split"][0]["expected_minutes"], if by == "module" { 90 } else { 270 });
    }
}

#[test]
fn a_sponsor_that_moves_on_keeps_whom_it_sponsored() {
    // The sponsor recorded on the enrollment decides, not who employs the person today.
    let app = spawn_app();
    let taught = taught(&app);
    let person = app.hex(&taught.anna.trainee);
    let (root, unit) = (app.hex(&taught.other.id), app.hex(&taught.other.plants[0]));
    app.sql(&format!(
        "UPDATE affiliations SET organization_id = {root}, unit_id = {unit}, employee_number = 'N' WHERE person_id = {person}"
    ))
    .unwrap();
    assert_eq!(rows_of(&app, &taught.course.sponsor.id, &path(&taught.course)).len(), 4);
    assert_eq!(rows_of(&app, &taught.other.id, &path(&taught.course)), [taught.elif.id.as_str()]);
}

#[test]
fn a_sponsor_of_nobody_is_told_that_there_is_no_such_intake() {
    let app = spawn_app();
    let course = seed::course(&app);
    let stranger = seed::sponsor(&app, "BAOWU");
    app.partner(&stranger.id).get(&path(&course)).expect(404).problem("not_found");
    // With a quota it may look before the first nomination.
    course.coordinator.put(&format!("/intakes/{}/seat-quotas/{}", course.intake, stranger.id), json!({ "seats": 3 })).expect(200);
    assert_eq!(app.partner(&stranger.id).get(&path(&course)).expect(200).body["rows"], json!([]));
}
