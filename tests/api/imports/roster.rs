//! `POST /intakes/{id}/enrollments/import`.

use serde_json::json;

use super::{ROSTER, changes, csv, faults, import_roster, roster_path, said, verdicts};
use crate::support::{seed, spawn_app};

const ZHANG: &str = "张伟,Zhang Wei,0001,JISCO-IRON,MET,MET-1,13800000001";
const LI: &str = "李娜,Li Na,0002,JISCO-STEEL,机械工程,,";

#[test]
fn people_are_recorded_and_enrolled() {
    let app = spawn_app();
    let course = seed::course(&app);
    let reply = import_roster(&course, &course.coordinator, "", &[ZHANG, LI]).expect(200);
    assert_eq!(verdicts(&reply), said(&[(2, "create", &[]), (3, "create", &[])]));
    assert_eq!((&reply.body["outcome"], &reply.body["file_name"]), (&json!("committed"), &json!("roster.csv")));
    let enrollments = course.coordinator.get(&format!("/intakes/{}/enrollments", course.intake)).expect(200);
    assert_eq!(enrollments.column("name"), ["张伟", "李娜"]);
    assert_eq!(enrollments.column("state"), ["enrolled", "enrolled"]);
    // Who names no cohort gets the only one of the discipline.
    assert_eq!(enrollments.column("cohort_id"), [course.metallurgy.clone(), course.mechanics.clone()]);
    assert_eq!(enrollments.column("unit_id"), course.sponsor.plants);
    assert_eq!(enrollments.column("sponsor_id"), [course.sponsor.id.clone(), course.sponsor.id.clone()]);
    let trainees = course.coordinator.get("/trainees").expect(200);
    assert_eq!(trainees.items()[0]["phone"], "13800000001");
    assert_eq!(trainees.items()[0]["affiliations"][0]["employee_number"], "0001");
    let id = reply.text_at("/import_id");
    let audit = app.administrator().get(&format!("/audit?subject_id={id}")).expect(200);
    assert_eq!(audit.column("action"), ["import.committed"]);
    assert_eq!(audit.items()[0]["to"]["counts"]["create"], 2);
    let import = course.coordinator.get(&format!("/imports/{id}")).expect(200);
    assert_eq!((&import.body["kind"], &import.body["rows"], &import.body["state"]), (&json!("roster"), &json!(2), &json!("committed")));
    assert_eq!(import.body["file_sha256"].as_str().unwrap().len(), 64);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_dry_run_tells_over_which_closed_sessions_late_rows_reach_back() {
    let app = spawn_app();
    let course = seed::course(&app);
    let first = seed::enrolled(&course, 1).remove(0);
    for day in [1, 2] {
        seed::closed_session(&course, &format!("MET-{day}"), &seed::morning(day), &[seed::line(&first, "present")]);
    }
    let zhang = ZHANG.replace("0001", "0101");
    let rows = [zhang.as_str(), LI];
    let dry = app.unchanged(|| import_roster(&course, &course.coordinator, "?dry_run=true", &rows).expect(200));
    let told = json!(["1 enrollment would begin before sessions that are closed already, and leave 2 roll-call lines unsettled"]);
    assert_eq!(dry.body["notes"], told);
    assert_eq!(import_roster(&course, &course.coordinator, "", &rows).expect(200).body["notes"], told);
    assert_eq!(app.count("SELECT count(*) FROM unsettled_sessions"), 2);
    // Nothing new reaches back over nothing.
    assert_eq!(import_roster(&course, &course.coordinator, "", &rows).expect(200).body["notes"], json!(null));
}

#[test]
fn missing_columns_are_all_told_before_any_cell() {
    let app = spawn_app();
    let course = seed::course(&app);
    let file = csv("姓名,手机", &["\u{5f20},not a number of anybody"]);
    let reply = app.unchanged(|| course.coordinator.post_file(&roster_path(&course), "a.csv", &file).expect(422));
    let missing = |name: &str| (format!("/columns/{name}"), "column_missing".to_owned());
    assert_eq!(
        faults(&reply.clone().problem("columns_missing")),
        [missing("employee_number"), missing("organization"), missing("discipline")]
    );
    assert!(reply.body["errors"][0]["detail"].as_str().unwrap().contains("工号"), "{}", reply.text);
    // A dry run has no rows to speak of either.
    let path = format!("{}?dry_run=true", roster_path(&course));
    course.coordinator.post_file(&path, "a.csv", &file).expect(422).problem("columns_missing");
}

#[test]
fn a_misspelled_column_is_not_passed_over() {
    let app = spawn_app();
    let course = seed::course(&app);
    let file = |headers: &str| csv(&format!("姓名,工号,单位,专业,{headers}"), &["张伟,0001,JISCO,MET,13800000001,x"]);
    let misspelled = |name: &str| (format!("/columns/{name}"), "column_misspelled".to_owned());
    app.unchanged(|| {
        for query in ["", "?dry_run=true", "?partial=true"] {
            let path = format!("{}{query}", roster_path(&course));
            let reply = course.coordinator.post_file(&path, "a.csv", &file("mobil,cohrot")).expect(422).problem("columns_misspelled");
            assert_eq!(faults(&reply), [misspelled("phone"), misspelled("cohort")], "{query}");
        }
    });
    app.unchanged(|| {
        let reply = course.coordinator.post_file(&roster_path(&course), "a.csv", &file("紧急联系电话,备注")).expect(422);
        assert_eq!(faults(&reply.problem("columns_misspelled")), [misspelled("phone")]);
    });
    // Beside a column of its own nobody can mean another.
    let reply = course.coordinator.post_file(&roster_path(&course), "a.csv", &file("手机,紧急联系电话")).expect(200);
    assert_eq!(reply.body["unknown_columns"], json!(["紧急联系电话"]));
}

#[test]
fn one_bad_row_keeps_the_others_out() {
    let app = spawn_app();
    let course = seed::course(&app);
    seed::sponsor(&app, "HBIS");
    let rows = [
        ZHANG,
        "张伟,,0001,JISCO-STEEL,MET,,",
        ",,0003,JISCO,MET,,",
        "王五,,0004,nowhere,XYZ,MET-9,",
        "王五,,0005,IRON,MET,MEC-1,",
        &format!("赵六,,0006,JISCO,MET,,{}", "1".repeat(41)),
    ];
    let expected = said(&[
        (2, "create", &[]),
        (3, "duplicate_in_file", &["duplicate_in_file"]),
        (4, "invalid", &["cell_missing"]),
        (5, "invalid", &["unknown_organization", "unknown_discipline", "unknown_cohort"]),
        (6, "invalid", &["organization_ambiguous"]),
        (7, "invalid", &["text_too_long"]),
    ]);
    app.unchanged(|| {
        let dry = import_roster(&course, &course.coordinator, "?dry_run=true", &rows).expect(200);
        assert_eq!(verdicts(&dry), expected);
        let refused = import_roster(&course, &course.coordinator, "", &rows).expect(422).problem("import_rows_invalid");
        let fault = |row: u32, column: &str, code: &str| (format!("/rows/{row}/{column}"), code.to_owned());
        let details = refused.body["errors"].to_string();
        for told in ["`XYZ` is no discipline of this intake; it has MET, MEC", "`MET-9` is no cohort of this intake; it has MEC-1, MET-1"] {
            assert!(details.contains(told), "{details}");
        }
        assert_eq!(
            faults(&refused),
            [
                fault(3, "employee_number", "duplicate_in_file"),
                fault(4, "name", "cell_missing"),
                fault(5, "organization", "unknown_organization"),
                fault(5, "discipline", "unknown_discipline"),
                fault(5, "cohort", "unknown_cohort"),
                fault(6, "organization", "organization_ambiguous"),
                fault(7, "phone", "text_too_long"),
            ]
        );
    });
    let taken = import_roster(&course, &course.coordinator, "?partial=true", &rows).expect(200);
    assert_eq!((verdicts(&taken), &taken.body["committed"]), (expected, &json!(true)));
    assert_eq!(app.count("SELECT count(*) FROM enrollments"), 1);
}

#[test]
fn a_cohort_of_another_discipline_is_refused() {
    let app = spawn_app();
    let course = seed::course(&app);
    let reply = import_roster(&course, &course.coordinator, "?dry_run=true", &["王五,,0005,JISCO,MET,MEC-1,"]).expect(200);
    assert_eq!(verdicts(&reply), said(&[(2, "invalid", &["cohort_of_another_discipline"])]));
}

#[test]
fn a_known_person_is_corrected_and_empty_cells_leave_as_is() {
    let app = spawn_app();
    let course = seed::course(&app);
    import_roster(&course, &course.coordinator, "", &[ZHANG, LI]).expect(200);
    let rows = ["张玮,,0001,JISCO-STEEL,MET,,13900000009", "李娜,,0002,JISCO,MEC,,"];
    let reply = import_roster(&course, &course.coordinator, "", &rows).expect(200);
    assert_eq!(verdicts(&reply), said(&[(2, "update", &[]), (3, "already_enrolled", &[])]));
    let change = |field: &str, from: &str, to: &str| (field.to_owned(), Some(from.to_owned()), Some(to.to_owned()));
    assert_eq!(
        changes(&reply, 0),
        [
            change("name", "张伟", "张玮"),
            change("phone", "13800000001", "13900000009"),
            change("organization", "JISCO-IRON", "JISCO-STEEL")
        ]
    );
    let trainee = course.coordinator.get("/trainees").expect(200).items()[0].clone();
    assert_eq!((&trainee["name"], &trainee["latin_name"], &trainee["version"]), (&json!("张玮"), &json!("Zhang Wei"), &json!(2)));
    assert_eq!(trainee["affiliations"][0]["unit_id"], course.sponsor.plants[1]);
    // The unit of the enrollment is the one of that time.
    let enrollments = course.coordinator.get(&format!("/intakes/{}/enrollments", course.intake)).expect(200);
    assert_eq!(enrollments.column("unit_id"), course.sponsor.plants);
}

#[test]
fn a_number_that_was_given_anew_needs_review() {
    let app = spawn_app();
    let course = seed::course(&app);
    import_roster(&course, &course.coordinator, "", &[ZHANG]).expect(200);
    let reply = import_roster(&course, &course.coordinator, "?dry_run=true", &["欧阳旭,Ouyang Xu,0001,JISCO,MET,,"]).expect(200);
    assert_eq!(verdicts(&reply), said(&[(2, "needs_review", &["another_person"])]));
}

#[test]
fn somebody_elses_person_needs_review_and_shows_nothing() {
    let app = spawn_app();
    let course = seed::course(&app);
    import_roster(&course, &course.coordinator, "", &[ZHANG]).expect(200);
    let other = seed::organization(&app, "NEU", "东北大学", "university", None);
    let foreign = seed::course_of(&app, app.coordinator_of(&other), "NEU", "ANSTEEL");
    let rows = ["张伟,Zhang Wei,0001,JISCO-IRON,MET,,13800000002"];
    app.unchanged(|| {
        let reply = import_roster(&foreign, &foreign.coordinator, "?dry_run=true", &rows).expect(200);
        assert_eq!(verdicts(&reply), said(&[(2, "needs_review", &["employee_number_taken"])]));
        assert!(!reply.text.contains("13800000001"), "{}", reply.text);
        assert_eq!(reply.body["rows"][0]["what"], json!([]));
        let refused = import_roster(&foreign, &foreign.coordinator, "", &rows).expect(422).problem("import_rows_invalid");
        assert!(!refused.text.contains("13800000001"), "{}", refused.text);
    });
}

#[test]
fn a_known_person_gets_a_place_in_another_intake() {
    let app = spawn_app();
    let course = seed::course(&app);
    import_roster(&course, &course.coordinator, "", &[ZHANG]).expect(200);
    let next = seed::course_called(&app, "NEXT", "HBIS");
    let reply = import_roster(&next, &next.coordinator, "", &[ZHANG]).expect(200);
    assert_eq!((verdicts(&reply), changes(&reply, 0)), (said(&[(2, "create", &[])]), vec![]));
    assert_eq!(app.count("SELECT count(*) FROM people WHERE name = '张伟'"), 1);
    assert_eq!(app.count("SELECT count(*) FROM enrollments"), 2);
}

#[test]
fn an_instructor_may_become_a_trainee() {
    let app = spawn_app();
    let course = seed::course(&app);
    let row = "教授 HONGXING-P1,,HONGXING-P1,USTB-METALLURGY,MET,,";
    let reply = import_roster(&course, &course.coordinator, "", &[row]).expect(200);
    assert_eq!(verdicts(&reply), said(&[(2, "create", &[])]));
    assert_eq!(changes(&reply, 0)[0].0, "trainee");
    course.coordinator.get(&format!("/trainees/{}", course.instructor)).expect(200);
    course.coordinator.get(&format!("/instructors/{}", course.instructor)).expect(200);
}

#[test]
fn an_import_moves_nobody() {
    let app = spawn_app();
    let course = seed::course(&app);
    seed::cohort(&course.coordinator, &course.intake, &course.program.metallurgy, "MET-2");
    let header = format!("{ROSTER},倒班");
    let send = |query: &str, row: &str| {
        course.coordinator.post_file(&format!("{}{query}", roster_path(&course)), "a.csv", &csv(&header, &[row])).expect(200)
    };
    send("", "张伟,,0001,JISCO-IRON,MET,MET-1,,甲班");
    for (row, code) in [
        ("张伟,,0001,JISCO-IRON,MET,MET-2,,", "cohort_differs"),
        ("张伟,,0001,JISCO-IRON,MEC,,,", "discipline_differs"),
        ("张伟,,0001,JISCO-IRON,MET,,,乙班", "crew_differs"),
    ] {
        assert_eq!(verdicts(&send("?dry_run=true", row)), said(&[(2, "needs_review", &[code])]), "{row}");
    }
    assert_eq!(verdicts(&send("", "张伟,,0001,JISCO-IRON,MET,,,")), said(&[(2, "already_enrolled", &[])]));
}

#[test]
fn seats_are_given_in_the_order_of_the_file() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (quota, capacity) =
        (format!("/intakes/{}/seat-quotas/{}", course.intake, course.sponsor.id), format!("/intakes/{}", course.intake));
    course.coordinator.if_match("*").put(&quota, json!({ "seats": 1 })).expect(200);
    let rows = [ZHANG, LI];
    let reply = import_roster(&course, &course.coordinator, "?dry_run=true", &rows).expect(200);
    assert_eq!(verdicts(&reply), said(&[(2, "create", &[]), (3, "invalid", &["quota_full"])]));
    course.coordinator.if_match("*").put(&quota, json!({ "seats": 9 })).expect(200);
    course.coordinator.if_match("*").patch(&capacity, json!({ "capacity": 1 })).expect(200);
    app.unchanged(|| {
        let refused = import_roster(&course, &course.coordinator, "", &rows).expect(422).problem("import_rows_invalid");
        assert_eq!(faults(&refused), [("/rows/3".to_owned(), "capacity_full".to_owned())]);
    });
    let taken = import_roster(&course, &course.coordinator, "?partial=true", &rows).expect(200);
    assert_eq!(verdicts(&taken), said(&[(2, "create", &[]), (3, "invalid", &["capacity_full"])]));
}

#[test]
fn a_place_may_begin_after_the_opening_and_within_the_intake() {
    let app = spawn_app();
    let course = seed::course(&app);
    let file = csv(&format!("{ROSTER},开始日期"), &["张伟,,0001,JISCO,MET,,,2020年6月1日", "李娜,,0002,JISCO,MET,,,2021-01-01"]);
    let reply = course.coordinator.post_file(&format!("{}?partial=true", roster_path(&course)), "a.csv", &file).expect(200);
    assert_eq!(verdicts(&reply), said(&[(2, "create", &[]), (3, "invalid", &["outside_intake"])]));
    let from = app.instant("2020-05-31T16:00:00Z");
    assert_eq!(app.count(&format!("SELECT count(*) FROM enrollment_periods WHERE from_at = {from}")), 1);
}

#[test]
fn another_beginning_of_somebody_who_has_a_place_needs_review() {
    let app = spawn_app();
    let course = seed::course(&app);
    let import = |query: &str, zhang: &str, li: &str| {
        let rows = [format!("张伟,,0001,JISCO,MET,,,{zhang}"), format!("李娜,,0002,JISCO,MET,,,{li}")];
        let file = csv(&format!("{ROSTER},开始日期"), &[&rows[0], &rows[1]]);
        course.coordinator.post_file(&format!("{}{query}", roster_path(&course)), "a.csv", &file)
    };
    import("", "2020-06-01", "").expect(200);
    // In the day that it was, and as the opening that it is unless said.
    let same = import("", "2020/6/1", "2020-05-27").expect(200);
    assert_eq!(verdicts(&same), said(&[(2, "already_enrolled", &[]), (3, "already_enrolled", &[])]));
    app.unchanged(|| {
        let other = import("?partial=true", "2020-06-02", "2020-05-28").expect(422);
        let told = |row: u32| (format!("/rows/{row}/from"), "from_differs".to_owned());
        assert_eq!(faults(&other), [told(2), told(3)]);
        assert_eq!(other.text_at("/errors/0/detail"), "is enrolled from 2020-06-01 on; an import does not change that to 2020-06-02");
        let dry = import("?dry_run=true", "2020-06-02", "").expect(200);
        assert_eq!(verdicts(&dry), said(&[(2, "needs_review", &["from_differs"]), (3, "already_enrolled", &[])]));
    });
    // What counts is since when at first, whatever happened in between.
    let enrolled = course.coordinator.get(&format!("/intakes/{}/enrollments", course.intake)).expect(200);
    for (step, day) in [("suspend", 10), ("resume", 20)] {
        let body = json!({ "reason": "as agreed", "effective_at": format!("2020-06-{day}T00:00:00Z") });
        for id in enrolled.column("id") {
            course.coordinator.post(&format!("/enrollments/{id}/{step}"), body.clone()).expect(200);
        }
    }
    let same = import("?dry_run=true", "2020/6/1", "2020-05-27").expect(200);
    assert_eq!(verdicts(&same), said(&[(2, "already_enrolled", &[]), (3, "already_enrolled", &[])]));
    let nominee = seed::trainee(&course.coordinator, &course.sponsor.id, "0003");
    let mut body = seed::enrollment_body(&course, &nominee);
    body["state"] = json!("nominated");
    course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), body).expect(201);
    let name = course.coordinator.get(&format!("/trainees/{nominee}")).expect(200).text_at("/name");
    let file = csv(&format!("{ROSTER},from"), &[&format!("{name},,0003,JISCO,MET,,,2020-06-01")]);
    let reply = course.coordinator.post_file(&format!("{}?dry_run=true", roster_path(&course)), "a.csv", &file).expect(200);
    assert_eq!(reply.text_at("/rows/0/reasons/0/detail"), "is not enrolled yet; an import does not change that to 2020-06-01");
}

#[test]
fn an_intake_that_is_not_open_takes_nobody() {
    let app = spawn_app();
    let course = seed::course(&app);
    course.coordinator.post(&format!("/intakes/{}/cancel", course.intake), json!({ "reason": "as agreed" })).expect(200);
    import_roster(&course, &course.coordinator, "?dry_run=true", &[ZHANG]).expect(409).problem("intake_not_open");
    import_roster(&course, &course.coordinator, "", &[ZHANG]).expect(409).problem("intake_not_open");
}

#[test]
fn the_same_key_and_file_do_the_work_once() {
    let app = spawn_app();
    let course = seed::course(&app);
    let client = course.coordinator.idempotency_key("roster-1");
    let first = import_roster(&course, &client, "", &[ZHANG]).expect(200);
    let second = app.unchanged(|| import_roster(&course, &client, "", &[ZHANG]).expect(200));
    assert_eq!((&second.body, second.header("idempotency-replayed")), (&first.body, "true"));
    import_roster(&course, &client, "", &[LI]).fault("", "idempotency_key_reused");
}

#[test]
fn the_statements_do_not_grow_with_the_rows() {
    let app = spawn_app();
    let course = seed::course(&app);
    let rows = |from: usize, count: usize| -> Vec<String> {
        (from..from + count).map(|number| format!("学员{number},,{number:05},JISCO-IRON,MET,MET-1,")).collect()
    };
    let import = |rows: Vec<String>| {
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        crate::support::statements::count(|| import_roster(&course, &course.coordinator, "", &rows).expect(200)).1
    };
    let few = import(rows(1, 5));
    assert_eq!(import(rows(1000, 150)), few);
}

/// As many people, all at one plant and in one cohort.
fn class(count: usize, name: impl Fn(usize) -> String) -> Vec<String> {
    (0..count).map(|number| format!("{},,{number:05},JISCO-IRON,MET,MET-1,", name(number))).collect()
}

fn import_class(course: &seed::Course, rows: &[String]) -> crate::support::Reply {
    import_roster(course, &course.coordinator, "", &rows.iter().map(String::as_str).collect::<Vec<_>>()).expect(200)
}

#[test]
fn the_statements_do_not_grow_with_the_names_that_are_corrected() {
    let app = spawn_app();
    let course = seed::course(&app);
    import_class(&course, &class(200, |number| format!("学员{number}")));
    let correct = |count: usize, name: &str| {
        let rows = class(count, |number| format!("{name}{number}"));
        let (reply, statements) = crate::support::statements::count(|| import_class(&course, &rows));
        assert_eq!(reply.body["counts"]["update"], count);
        statements
    };
    let few = correct(2, "学生");
    assert_eq!((correct(100, "学长"), correct(200, "学子")), (few, few));
    let trainees = course.coordinator.get("/trainees?limit=500").expect(200);
    assert!(trainees.items().iter().all(|trainee| trainee["name"].as_str().unwrap().starts_with("学子")), "{}", trainees.text);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn each_report_that_names_the_corrected_is_touched_once_and_in_the_order_of_the_intakes() {
    let app = spawn_app();
    let course = seed::course(&app);
    let next = seed::course_called(&app, "NEXT", "HBIS");
    let rows = class(3, |number| format!("学员{number}"));
    import_class(&course, &rows);
    // New to the later intake, known from the earlier one, and called otherwise.
    let versions = || app.count("SELECT sum(report_version) FROM intakes");
    let before = versions();
    let corrected = class(3, |number| format!("学生{number}"));
    let (_, statements) = crate::support::statements::record(|| import_class(&next, &corrected));
    // Of both for the names, and of the later one for the places in it.
    assert_eq!(versions(), before + 3);
    let touches: Vec<&String> = statements.iter().filter(|text| text.contains("UPDATE") && text.contains("report_version")).collect();
    let intakes: Vec<&str> = touches.iter().filter(|text| !text.contains("intake_sponsors")).map(|text| text.as_str()).collect();
    assert_eq!(intakes.len(), 3, "{touches:#?}");
    let written = statements.iter().position(|text| text.contains("INSERT INTO") && text.contains("enrollments")).unwrap();
    let touched = statements.iter().rposition(|text| text.contains("UPDATE") && text.contains("report_version")).unwrap();
    let first = statements.iter().position(|text| text.contains("UPDATE") && text.contains("report_version")).unwrap();
    assert!(first < written && written < touched, "the later intake is held before anything is written to it");
}

#[test]
fn nothing_is_new_in_a_file_of_faults() {
    let app = spawn_app();
    let course = seed::course(&app);
    let rows = ["张伟,,,nowhere,MET,,", "李娜,,0002,nowhere,MET,,"];
    app.unchanged(|| {
        let refused = import_roster(&course, &course.coordinator, "?partial=true", &rows).expect(422).problem("import_rows_invalid");
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.contains("faults in 2 of 2 rows") && !detail.contains("partial"), "{detail}");
        assert_eq!(
            faults(&refused),
            [
                ("/rows/2/employee_number".to_owned(), "cell_missing".to_owned()),
                ("/rows/2/organization".to_owned(), "unknown_organization".to_owned()),
                ("/rows/3/organization".to_owned(), "unknown_organization".to_owned()),
            ]
        );
    });
}
