use insta::assert_json_snapshot;
use serde_json::json;

use super::{assert_adds_up, minutes, path, ratios, row, sum, taught};
use crate::support::{seed, spawn_app};

#[test]
fn every_number_of_a_report_is_right() {
    let app = spawn_app();
    let taught = taught(&app);
    let report = taught.course.coordinator.get(&path(&taught.course)).expect(200).body;
    // 90 minutes of metallurgy and 180 in common are closed: 7920 - 270 = 7650 are open to metallurgists, 7740 to the mechanic.
    for (who, numbers, shares) in [
        (&taught.anna, [7920, 90, 90, 0, 0, 180], ["1.0000", "1.0000"]),
        (&taught.bao, [7920, 270, 240, 0, 30, 0], ["0.8888", "0.9962"]),
        (&taught.chen, [7920, 270, 100, 90, 80, 0], ["0.3703", "0.9785"]),
        (&taught.deng, [7920, 180, 180, 0, 0, 0], ["1.0000", "1.0000"]),
        (&taught.elif, [7920, 270, 45, 135, 90, 0], ["0.1666", "0.9715"]),
    ] {
        assert_eq!((minutes(row(&report, who)), ratios(row(&report, who))), (numbers, shares));
    }
    let totals = &report["totals"];
    // 655 / 1080, and (655 + 4 * 7650 + 7740) / (1080 + 4 * 7650 + 7740) = 38995 / 39420.
    assert_eq!((minutes(totals), ratios(totals)), ([39_600, 1080, 655, 225, 200, 180], ["0.6064", "0.9892"]));
    assert_eq!(["heads", "enrollments", "completed"].map(|field| &totals[field]), [&json!(5), &json!(5), &json!(0)]);
    assert_eq!(totals["completion"], "0.0000");
    let whole = ["planned_minutes", "scheduled_minutes", "held_minutes", "minutes_per_hour", "open_sessions"];
    assert_eq!(whole.map(|field| report[field].as_i64().unwrap()), [13_320, 450, 360, 45, 1]);
    assert_adds_up(&report);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_report_is_whole() {
    let app = spawn_app();
    let taught = taught(&app);
    let reply = taught.course.coordinator.get(&path(&taught.course)).expect(200);
    assert_json_snapshot!(reply.redacted());
}

#[test]
fn the_parts_by_discipline_add_up_to_the_totals() {
    let app = spawn_app();
    let taught = taught(&app);
    let report = taught.course.coordinator.get(&format!("{}?by=discipline", path(&taught.course))).expect(200).body;
    let parts: Vec<_> = report["split"].as_array().unwrap().iter().map(|part| (part["code"].as_str().unwrap(), minutes(part))).collect();
    assert_eq!(parts, [("MET", [31_680, 900, 475, 225, 200, 180]), ("MEC", [7920, 180, 180, 0, 0, 0])]);
    assert_eq!(report["split"][0]["rate"], "0.5277");
    assert_adds_up(&report);
}

#[test]
fn the_parts_by_module_add_up_to_the_totals() {
    let app = spawn_app();
    let taught = taught(&app);
    let report = taught.course.coordinator.get(&format!("{}?by=module", path(&taught.course))).expect(200).body;
    let parts: Vec<_> = report["split"].as_array().unwrap().iter().map(|part| (part["code"].as_str().unwrap(), minutes(part))).collect();
    let expected =
        [("MET-01", [21_600, 360, 150, 90, 120, 0]), ("MEC-01", [5400, 0, 0, 0, 0, 0]), ("COM-01", [12_600, 720, 505, 135, 80, 180])];
    assert_eq!(parts, expected);
    assert_eq!(report["split"][1]["rate"], json!(null));
    assert_adds_up(&report);
}

#[test]
fn the_parts_by_cohort_and_by_unit_add_up_to_the_totals() {
    let app = spawn_app();
    let taught = taught(&app);
    // In no cohort yet.
    let trainee = seed::recruit(&taught.course);
    let mut body = seed::enrollment_body(&taught.course, &trainee);
    body["cohort_id"] = json!(null);
    taught.course.coordinator.post(&format!("/intakes/{}/enrollments", taught.course.intake), body).expect(201);
    for (by, field) in [("cohort", "cohort_id"), ("unit", "unit_id")] {
        let report = taught.course.coordinator.get(&format!("{}?by={by}", path(&taught.course))).expect(200).body;
        assert_adds_up(&report);
        let (rows, parts) = (report["rows"].as_array().unwrap(), report["split"].as_array().unwrap());
        let ids: std::collections::BTreeSet<String> = rows.iter().map(|row| row[field].to_string()).collect();
        assert_eq!(parts.iter().map(|part| part["id"].to_string()).collect::<std::collections::BTreeSet<_>>(), ids, "{by}");
        for part in parts {
            let own: Vec<_> = rows.iter().filter(|row| row[field] == part["id"]).collect();
            let owing = own.iter().filter(|row| minutes(row)[1] + minutes(row)[5] > 0).count();
            assert_eq!((minutes(part), &part["heads"], &part["enrollments"]), (sum(own.iter().copied()), &json!(own.len()), &json!(owing)));
        }
        let sum_of = |field: &str| parts.iter().map(|part| part[field].as_i64().unwrap()).sum::<i64>();
        assert_eq!(
            (json!(sum_of("heads")), json!(sum_of("enrollments"))),
            (report["totals"]["heads"].clone(), report["totals"]["enrollments"].clone())
        );
    }
    let by_module = taught.course.coordinator.get(&format!("{}?by=module", path(&taught.course))).expect(200).body;
    let counts = |part: &serde_json::Value| json!([part["code"], part["heads"], part["enrollments"]]);
    let counted: Vec<_> = by_module["split"].as_array().unwrap().iter().map(counts).collect();
    assert_eq!(counted, [json!(["MET-01", 4, 4]), json!(["MEC-01", 0, 0]), json!(["COM-01", 5, 5])]);
}

#[test]
fn a_part_says_what_was_delivered_to_it() {
    let app = spawn_app();
    let taught = taught(&app);
    // What was held for two cohorts together was held once in each part, and once in all.
    for (by, held) in [
        ("discipline", json!([["MET", 270], ["MEC", 270]])),
        ("cohort", json!([["MEC-1", 270], ["MET-1", 270]])),
        ("module", json!([["MET-01", 90], ["MEC-01", 90], ["COM-01", 180]])),
    ] {
        let report = taught.course.coordinator.get(&format!("{}?by={by}", path(&taught.course))).expect(200).body;
        let told: Vec<_> = report["split"].as_array().unwrap().iter().map(|part| json!([part["code"], part["held_minutes"]])).collect();
        assert_eq!((json!(told), &report["held_minutes"]), (held, &json!(360)), "{by}");
    }
    let by_unit = taught.course.coordinator.get(&format!("{}?by=unit", path(&taught.course))).expect(200).body;
    assert!(by_unit["split"].as_array().unwrap().iter().all(|part| part["held_minutes"].is_null()));
}

#[test]
fn a_split_by_anything_else_is_refused() {
    let app = spawn_app();
    let course = seed::course(&app);
    for query in ["by=crew", "by=", "By=module", "at=now"] {
        let reply = course.coordinator.get(&format!("{}?{query}", path(&course)));
        assert_eq!(reply.status, 400, "{query}: {}", reply.text);
    }
}

#[test]
fn an_empty_intake_has_no_rates() {
    let app = spawn_app();
    let course = seed::course(&app);
    let report = course.coordinator.get(&path(&course)).expect(200).body;
    assert_eq!(report["rows"], json!([]));
    for field in ["rate", "best_reachable", "completion"] {
        assert_eq!(report["totals"][field], json!(null), "{field}");
    }
    assert_eq!((&report["planned_minutes"], &report["held_minutes"]), (&json!(13_320), &json!(0)));
}

#[test]
fn whoever_withdrew_stays_with_the_hours_that_were_posted() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 2);
    let step = |index: usize, step: &str, at: &str| {
        let body = json!({ "reason": "another plant", "effective_at": at });
        course.coordinator.post(&format!("/enrollments/{}/{step}", members[index].id), body).expect(200)
    };
    // One leaves before anything is taught and was never there for a report; the other after a session.
    step(1, "withdraw", "2020-05-30T00:00:00Z");
    seed::closed_session(&course, "MET-01", &seed::morning(1), &[seed::line_of(&members[0], "late", 45)]);
    step(0, "withdraw", "2020-06-20T00:00:00Z");
    let report = course.coordinator.get(&path(&course)).expect(200).body;
    assert_eq!(report["rows"].as_array().unwrap().len(), 1);
    assert_eq!(minutes(row(&report, &members[0])), [7920, 90, 45, 0, 45, 0]);
    // Nothing more is to come for who has left.
    assert_eq!(ratios(row(&report, &members[0])), ["0.5000", "0.5000"]);
}

#[test]
fn whoever_came_late_owes_only_what_was_taught_since() {
    let app = spawn_app();
    let course = seed::course(&app);
    let early = seed::enrolled(&course, 1).remove(0);
    let mut body = seed::enrollment_body(&course, &seed::recruit(&course));
    body["from"] = json!(seed::morning(2));
    let late = course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), body).expect(201).id();
    let late = seed::Enrolled { id: late, trainee: String::new() };
    seed::closed_session(&course, "MET-01", &seed::morning(1), &[seed::line(&early, "present")]);
    // From its start on a session is expected: the period is closed below and open above.
    seed::closed_session(&course, "MET-02", &seed::morning(2), &[seed::line(&early, "present"), seed::line(&late, "present")]);
    let report = course.coordinator.get(&path(&course)).expect(200).body;
    assert_eq!((minutes(row(&report, &early))[1], minutes(row(&report, &late))[1]), (180, 90));
    assert_eq!(ratios(row(&report, &late)), ["1.0000", "1.0000"]);
}

#[test]
fn an_authorized_absence_leaves_the_denominator_where_the_version_says_so() {
    let app = spawn_app();
    let coordinator = app.coordinator();
    let mut body = seed::version_body();
    body["authorized_absence_counts"] = json!(false);
    let program = seed::program_of(&coordinator, "HONGXING", body);
    let course = seed::course_on(&app, coordinator, program, "HONGXING", "JISCO");
    let members = seed::enrolled(&course, 3);
    let lines = [seed::line_of(&members[0], "excused", 60), seed::line_of(&members[1], "late", 60), seed::line(&members[2], "excused")];
    seed::closed_session(&course, "MET-01", &seed::morning(1), &lines);
    let report = course.coordinator.get(&format!("{}?by=module", path(&course))).expect(200).body;
    // The minutes are what they are; only the ratios leave the excused ones out.
    assert_eq!(minutes(row(&report, &members[0])), [7920, 90, 60, 30, 0, 0]);
    assert_eq!(ratios(row(&report, &members[0])), ["1.0000", "1.0000"]);
    assert_eq!(ratios(row(&report, &members[1])), ["0.6666", "0.9962"]);
    // No data is not zero.
    assert_eq!(ratios(row(&report, &members[2])), ["null", "1.0000"]);
    assert_eq!(ratios(&report["totals"])[0], "0.8000");
    assert_eq!(report["split"][0]["rate"], "0.8000");
    let own = course.coordinator.get(&format!("/enrollments/{}/progress", members[0].id)).expect(200).body;
    assert_eq!((ratios(&own), &own["modules"][0]["rate"]), (["1.0000", "1.0000"], &json!("1.0000")));
    // What was made good of it counts again, of each person by itself: 30 of the first, who has all 90, and not of the others.
    let credit = json!({ "minutes": 30, "module_id": course.program.metallurgy_module, "reason": "made good at the plant" });
    course.coordinator.post(&format!("/enrollments/{}/hours", members[0].id), credit).expect(201);
    let report = course.coordinator.get(&format!("{}?by=module", path(&course))).expect(200).body;
    assert_eq!((&report["totals"]["rate"], &report["split"][0]["rate"]), (&json!("0.8333"), &json!("0.8333")));
}

#[test]
fn instructors_and_trainees_do_not_see_an_intakes_report() {
    let app = spawn_app();
    let taught = taught(&app);
    let path = path(&taught.course);
    for client in [app.instructor(&taught.course.instructor), app.trainee(&taught.anna.trainee)] {
        client.get(&path).expect(403).problem("forbidden");
    }
    app.anonymous().get(&path).expect(401);
    for client in [app.auditor(), app.administrator()] {
        assert_eq!(client.get(&path).expect(200).body["rows"].as_array().unwrap().len(), 5);
    }
}
