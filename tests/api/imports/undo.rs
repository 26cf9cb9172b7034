//! `POST /imports/{id}/undo`.

use serde_json::json;

use super::{changes, csv, import_roster, import_schedule, roster_path};
use crate::support::{App, Reply, assert_winners, at_once, rounds, seed, seed::Course, spawn_app};

const ZHANG: &str = "张伟,Zhang Wei,0001,JISCO-IRON,MET,MET-1,13800000001";
const LI: &str = "李娜,Li Na,0002,JISCO-STEEL,MET,,";

fn undo(course: &Course, import: &Reply) -> Reply {
    course.coordinator.post(&format!("/imports/{}/undo", import.text_at("/import_id")), json!({ "reason": "the wrong list" }))
}

/// How many there are.
fn rows(app: &App, table: &str) -> i64 {
    app.count(&format!("SELECT count(*) FROM {table}"))
}

#[test]
fn an_import_is_taken_back_whole() {
    let app = spawn_app();
    let course = seed::course(&app);
    let people = rows(&app, "people");
    let import = import_roster(&course, &course.coordinator, "", &[ZHANG, LI]).expect(200);
    let undone = undo(&course, &import).expect(200);
    assert_eq!(undone.body["state"], "undone");
    assert!(undone.body["undone_at"].is_string());
    assert_eq!((rows(&app, "people"), rows(&app, "enrollments"), rows(&app, "enrollment_periods")), (people, 0, 0));
    let audit = app.administrator().get(&format!("/audit?subject_id={}", import.text_at("/import_id"))).expect(200);
    assert_eq!(audit.column("action"), ["import.committed", "import.undone"]);
    assert_eq!(audit.items()[1]["reason"], "the wrong list");
    // What is gone is in the journal: the enrollments, and from when they counted.
    let removed = app.auditor().get("/audit?action=enrollment.removed").expect(200);
    assert_eq!(removed.items().len(), 2);
    for entry in removed.items() {
        let from = &entry["from"];
        assert_eq!((&from["state"], &from["intake_id"], &from["id"]), (&json!("enrolled"), &json!(course.intake), &entry["subject_id"]));
        let periods = from["periods"].as_array().unwrap();
        assert_eq!((periods.len(), &periods[0]["from_at"]), (1, &json!("2020-05-26T16:00:00Z")), "{from}");
    }
    undo(&course, &import).expect(409).problem("illegal_transition");
    // And it can be done again.
    let again = import_roster(&course, &course.coordinator, "", &[ZHANG, LI]).expect(200);
    assert_eq!(again.body["counts"]["create"], 2);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn what_was_changed_is_as_before() {
    let app = spawn_app();
    let course = seed::course(&app);
    import_roster(&course, &course.coordinator, "", &[ZHANG]).expect(200);
    let before = course.coordinator.get("/trainees").expect(200).items()[0].clone();
    let import = import_roster(&course, &course.coordinator, "", &["张玮,Zhang Wei,0001,JISCO-STEEL,MET,,139"]).expect(200);
    assert_eq!(import.body["counts"]["update"], 1);
    undo(&course, &import).expect(200);
    let mut after = course.coordinator.get("/trainees").expect(200).items()[0].clone();
    assert_eq!(after["version"], 3);
    after["version"] = before["version"].clone();
    assert_eq!(after, before);
}

#[test]
fn nothing_is_taken_back_after_a_roll_call() {
    let app = spawn_app();
    let course = seed::course(&app);
    let import = import_roster(&course, &course.coordinator, "", &[ZHANG, LI]).expect(200);
    let enrollments = course.coordinator.get(&format!("/intakes/{}/enrollments", course.intake)).expect(200).column("id");
    let session = seed::held_session(&course, "H-1", &seed::morning(1));
    let lines: Vec<_> = enrollments.iter().map(|id| json!({ "enrollment_id": id, "code": "present" })).collect();
    seed::put_roll_call(&course, &session, &lines).expect(200);
    let refused = app.unchanged(|| undo(&course, &import).expect(409).problem("import_in_use"));
    assert!(refused.body["detail"].as_str().unwrap().contains("张伟"), "{}", refused.text);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    app.unchanged(|| undo(&course, &import).expect(409).problem("import_in_use"));
}

#[test]
fn nothing_is_taken_back_of_which_evidence_alone_says_something() {
    let app = spawn_app();
    let course = seed::course(&app);
    let import = import_roster(&course, &course.coordinator, "", &[ZHANG, LI]).expect(200);
    let session = seed::published_session(&course, "P-1", &seed::morning(1));
    let meeting = csv("姓名,入会时间,退会时间", &["张伟,2020-06-02 09:00:00,2020-06-02 10:00:00"]);
    course.coordinator.post_file(&format!("/sessions/{session}/evidence/import"), "meeting.csv", &meeting).expect(200);
    let enrollments = course.coordinator.get(&format!("/intakes/{}/enrollments", course.intake)).expect(200).column("id");
    let away = enrollments.iter().filter(|id| course.coordinator.get(&format!("/enrollments/{id}")).expect(200).body["name"] != "张伟");
    let lines: Vec<_> = away.map(|id| json!({ "enrollment_id": id, "code": "absent" })).collect();
    // Nobody is called any more of whom the file says something; and it does so still.
    course.coordinator.if_match("*").put(&format!("/sessions/{session}/roll-call"), json!({ "entries": lines })).expect(200);
    course.coordinator.if_match("*").put(&format!("/sessions/{session}/roll-call"), json!({ "entries": [] })).expect(200);
    let refused = app.unchanged(|| undo(&course, &import).expect(409).problem("import_in_use"));
    assert!(refused.text_at("/detail").contains("张伟"), "{}", refused.text);
}

#[test]
fn a_roll_call_without_a_mark_is_nothing_to_rest_on() {
    let app = spawn_app();
    let course = seed::course(&app);
    let import = import_roster(&course, &course.coordinator, "", &[ZHANG]).expect(200);
    let enrollment = course.coordinator.get(&format!("/intakes/{}/enrollments", course.intake)).expect(200).column("id").remove(0);
    let session = seed::held_session(&course, "H-1", &seed::morning(1));
    let mark = json!({ "enrollment_id": enrollment, "code": "absent" });
    seed::put_roll_call(&course, &session, &[mark]).expect(200);
    for step in ["submit", "close"] {
        app.unchanged(|| undo(&course, &import).expect(409).problem("import_in_use"));
        seed::step_roll_call(&course, &session, step, None).expect(200);
    }
    app.unchanged(|| undo(&course, &import).expect(409).problem("import_in_use"));
    let late = import_roster(&course, &course.coordinator, "", &[LI]).expect(200);
    let open = seed::held_session(&course, "H-2", &seed::morning(2));
    seed::put_roll_call(&course, &open, &[]).expect(200);
    undo(&course, &late).expect(200);
    assert_eq!(rows(&app, "enrollments"), 1);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn of_a_mark_and_an_undo_at_once_one_is_too_late() {
    let app = spawn_app();
    let course = seed::course(&app);
    for round in 0..rounds() {
        let row = format!("学员{round},,{round:04},JISCO-IRON,MET,MET-1,");
        let import = import_roster(&course, &course.coordinator, "", &[&row]).expect(200);
        let members = course.coordinator.get(&format!("/intakes/{}/enrollments?limit=500", course.intake)).expect(200).column("id");
        let session = seed::held_session(&course, &format!("H-{round}"), &seed::morning(round));
        let mark = json!({ "enrollment_id": members.last().unwrap(), "code": "present" });
        let mut replies = at_once(2, |index| {
            if index == 0 { undo(&course, &import) } else { seed::put_roll_call(&course, &session, std::slice::from_ref(&mark)) }
        });
        let (mark, undone) = (replies.remove(1), replies.remove(0));
        if undone.status == 200 {
            mark.fault("/entries/0/enrollment_id", "not_expected");
        } else {
            undone.expect(409).problem("import_in_use");
            mark.expect(200);
        }
    }
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn an_import_is_undone_once() {
    let app = spawn_app();
    let course = seed::course(&app);
    let import = import_roster(&course, &course.coordinator, "", &[ZHANG, LI]).expect(200);
    assert_winners(at_once(4, |_| undo(&course, &import)), 1, "illegal_transition");
}

#[test]
fn a_session_that_was_moved_stays_once_its_roll_was_called() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let session = seed::published_session(&course, "P-1", &seed::morning(1));
    let import =
        import_schedule(&course, &course.coordinator, "?reason=x", &["P-1,MET-01,MET-1,,2020-06-02,14:00,15:00,,面授,101"]).expect(200);
    seed::put_roll_call(&course, &session, &[seed::line(&member, "present")]).expect(200);
    app.unchanged(|| undo(&course, &import).expect(409).problem("import_in_use"));
    seed::put_roll_call(&course, &session, &[]).expect(200);
    undo(&course, &import).expect(200);
}

#[test]
fn nothing_is_taken_back_after_a_later_change() {
    let app = spawn_app();
    let course = seed::course(&app);
    let import = import_roster(&course, &course.coordinator, "", &[ZHANG, LI]).expect(200);
    let trainee = course.coordinator.get("/trainees").expect(200).items()[0]["id"].as_str().unwrap().to_owned();
    course.coordinator.if_match("*").patch(&format!("/trainees/{trainee}"), json!({ "phone": "1" })).expect(200);
    let refused = app.unchanged(|| undo(&course, &import).expect(409).problem("import_in_use"));
    assert_eq!(refused.body["detail"], "张伟 has been changed since");
    let second = course.coordinator.get(&format!("/intakes/{}/enrollments", course.intake)).expect(200).column("id").remove(1);
    course.coordinator.post(&format!("/enrollments/{second}/withdraw"), json!({ "reason": "ill" })).expect(200);
    let refused = app.unchanged(|| undo(&course, &import).expect(409).problem("import_in_use"));
    assert!(refused.body["detail"].as_str().unwrap().contains("李娜"), "{}", refused.text);
}

#[test]
fn people_who_are_needed_elsewhere_stay() {
    let app = spawn_app();
    let course = seed::course(&app);
    let import = import_roster(&course, &course.coordinator, "", &[ZHANG, LI]).expect(200);
    let next = seed::course_called(&app, "NEXT", "HBIS");
    import_roster(&next, &next.coordinator, "", &[ZHANG]).expect(200);
    undo(&course, &import).expect(200);
    assert_eq!(rows(&app, "enrollments"), 1);
    assert_eq!(course.coordinator.get("/trainees").expect(200).column("name"), ["张伟"]);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn drafts_are_removed_and_moves_taken_back() {
    let app = spawn_app();
    let course = seed::course(&app);
    let kept = seed::published_session(&course, "P-1", &seed::morning(1));
    let before = course.coordinator.get(&format!("/sessions/{kept}")).expect(200).body;
    let rows_of = ["P-1,MET-01,MET-1,,2020-06-02,14:00,15:00,,面授,101", "D-1,MET-01,MET-1,,2020-06-03,14:00,15:00,,,"];
    let import = import_schedule(&course, &course.coordinator, "?reason=x", &rows_of).expect(200);
    assert_eq!((&import.body["counts"]["update"], &import.body["counts"]["create"]), (&json!(1), &json!(1)));
    undo(&course, &import).expect(200);
    assert_eq!(rows(&app, "sessions"), 1);
    let after = course.coordinator.get(&format!("/sessions/{kept}")).expect(200).body;
    for field in ["starts_at", "ends_at", "mode", "place", "cohort_ids", "instructors", "state"] {
        assert_eq!(after[field], before[field], "{field}");
    }
    // Those who had been told of the move are told why it is taken back.
    let told = course.coordinator.get(&format!("/sessions/{kept}/changes")).expect(200);
    assert_eq!(told.items()[0]["reason"], "the wrong list");
    let published = import_schedule(&course, &course.coordinator, "?publish=true&reason=x", &rows_of).expect(200);
    app.unchanged(|| undo(&course, &published).expect(409).problem("import_in_use"));
}

#[test]
fn a_session_goes_back_to_the_room_that_it_had() {
    let app = spawn_app();
    let course = seed::course(&app);
    for code in ["A-301", "A-302"] {
        course.coordinator.post("/rooms", json!({ "code": code, "name": code, "kind": "on_site" })).expect(201);
    }
    let row = |room: &str| format!("P-1,MET-01,MET-1,,2020-06-03,14:00,15:00,,,,,{room}");
    let import = |room: &str| import_schedule(&course, &course.coordinator, "?publish=true&reason=x", &[&row(room)]);
    let rooms = || course.coordinator.get(&format!("/intakes/{}/sessions", course.intake)).expect(200).items()[0]["room"]["code"].clone();
    import("A-301").expect(200);
    assert_eq!(rooms(), "A-301");
    let moved = import("A-302").expect(200);
    assert_eq!(changes(&moved, 0), [("room".to_owned(), Some("A-301".to_owned()), Some("A-302".to_owned()))]);
    assert_eq!(rooms(), "A-302");
    undo(&course, &moved).expect(200);
    assert_eq!(rooms(), "A-301");
    assert_eq!(app.findings(), Vec::<String>::new());
    app.unchanged(|| {
        let refused = import("A-303").expect(422).problem("import_rows_invalid");
        assert_eq!(refused.text_at("/errors/0/code"), "unknown_room");
        assert!(refused.text_at("/errors/0/detail").contains("it has A-301, A-302"), "{}", refused.text);
    });
}

#[test]
fn a_draft_that_was_there_and_was_published_stays() {
    let app = spawn_app();
    let course = seed::course(&app);
    let row = "D-1,MET-01,MET-1,,2020-06-03,14:00,15:00,,,";
    import_schedule(&course, &course.coordinator, "", &[row]).expect(200);
    let published = import_schedule(&course, &course.coordinator, "?publish=true", &[row]).expect(200);
    let refused = app.unchanged(|| undo(&course, &published).expect(409).problem("import_in_use"));
    assert_eq!(refused.body["detail"], "session D-1 is published; such a session is cancelled, not taken back");
}

#[test]
fn of_an_undo_and_another_list_with_the_same_person_at_once_neither_fails() {
    let app = spawn_app();
    let course = seed::course(&app);
    let next = seed::course_called(&app, "NEXT", "HBIS");
    for round in 0..rounds() {
        let row = format!("学员{round},,{round:04},JISCO-IRON,MET,,");
        let import = import_roster(&course, &course.coordinator, "", &[&row]).expect(200);
        let replies =
            at_once(2, |index| if index == 0 { undo(&course, &import) } else { import_roster(&next, &next.coordinator, "", &[&row]) });
        for reply in replies {
            reply.expect(200);
        }
    }
    assert_eq!(rows(&app, "enrollments"), i64::from(rounds()));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn organizations_go_unless_somebody_belongs_to_them() {
    let app = spawn_app();
    let admin = app.administrator();
    let import = |rows: &[&str]| {
        admin.post_file("/organizations/import", "a.csv", &csv("code,name,kind,parent", rows)).expect(200).text_at("/import_id")
    };
    let first = import(&["A,集团,enterprise,", "A-1,炼铁厂,unit,A"]);
    let second = import(&["A-2,炼钢厂,unit,A", "A,新集团,enterprise,"]);
    let undo = |import: &str| admin.post(&format!("/imports/{import}/undo"), json!({}));
    // The second one has changed what the first one made.
    undo(&first).expect(409).problem("import_in_use");
    undo(&second).expect(200);
    assert_eq!(admin.get("/organizations").expect(200).column("name"), ["集团", "炼铁厂"]);
    let third = import(&["B,学校,college,", "B-1,系,unit,B"]);
    let unit = seed::organization(&app, "B-1-1", "教研室", "unit", Some(&admin.get("/organizations").expect(200).column("id")[3]));
    app.unchanged(|| undo(&third).expect(409).problem("import_in_use"));
    assert!(!unit.is_empty());
    let fourth = import(&["C,学校,college,", "C-1,系,unit,C"]);
    undo(&fourth).expect(200);
    assert_eq!(app.count("SELECT count(*) FROM organizations WHERE code LIKE 'C%'"), 0);
}

#[test]
fn an_undo_is_at_once() {
    let app = spawn_app();
    let course = seed::course(&app);
    let import = course.coordinator.post_file(&roster_path(&course), "a.csv", &csv(super::ROSTER, &[ZHANG])).expect(200);
    let path = format!("/imports/{}/undo", import.text_at("/import_id"));
    course.coordinator.post(&path, json!({ "effective_at": "2020-06-01T00:00:00Z" })).fault("/effective_at", "unknown_field");
    course.coordinator.post(&path, json!({ "why": "no" })).fault("/why", "unknown_field");
}

#[test]
fn a_session_that_replaces_another_stays() {
    let app = spawn_app();
    let course = seed::course(&app);
    let import = import_schedule(&course, &course.coordinator, "", &["P-2,MET-01,MET-1,,2020-06-02,14:00,15:00,,面授,101"]).expect(200);
    let draft = course.coordinator.get(&format!("/intakes/{}/sessions", course.intake)).expect(200).column("id").remove(0);
    let other = seed::published_session(&course, "P-1", &seed::morning(1));
    let cancel = json!({ "reason": "moved", "replaced_by_id": draft });
    course.coordinator.post(&format!("/sessions/{other}/cancel"), cancel).expect(200);
    app.unchanged(|| undo(&course, &import).expect(409).problem("import_in_use"));
}

/// Undoes the last of three imports of the same thing, does what `import` does again, and then undoes all of them, the last one first.
fn taken_back_in_turn(course: &Course, import: impl Fn(usize) -> Reply) {
    let undone = |import: &Reply| undo(course, import).expect(200);
    let (first, second) = (import(0).expect(200), import(1).expect(200));
    undone(&import(2).expect(200));
    undo(course, &first).expect(409).problem("import_in_use");
    let third = import(2).expect(200);
    for import in [third, second, first] {
        undone(&import);
    }
}

#[test]
fn imports_of_people_are_taken_back_in_turn() {
    let app = spawn_app();
    let course = seed::course(&app);
    let people = rows(&app, "people");
    let phone = |import: usize| format!("张伟,Zhang Wei,0001,JISCO-IRON,MET,MET-1,1380000000{import}");
    taken_back_in_turn(&course, |import| import_roster(&course, &course.coordinator, "", &[&phone(import)]));
    assert_eq!((rows(&app, "people"), rows(&app, "enrollments")), (people, 0));
    let title = |import: usize| csv("姓名,工号,职称", &[&format!("王教授,9001,{}", ["讲师", "副教授", "教授"][import])]);
    let instructors = |import| course.coordinator.post_file("/instructors/import", "a.csv", &title(import));
    taken_back_in_turn(&course, instructors);
    assert_eq!(rows(&app, "people"), people);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn imports_of_drafts_are_taken_back_in_turn() {
    let app = spawn_app();
    let course = seed::course(&app);
    let row = |import: usize| format!("D-1,MET-01,MET-1,,2020-06-0{},14:00,15:00,,,", import + 1);
    taken_back_in_turn(&course, |import| import_schedule(&course, &course.coordinator, "", &[&row(import)]));
    assert_eq!(rows(&app, "sessions"), 0);
}

#[test]
fn imports_of_organizations_are_taken_back_in_turn() {
    let app = spawn_app();
    let admin = app.administrator();
    let before = rows(&app, "organizations");
    let import = |name: &str| admin.post_file("/organizations/import", "a.csv", &csv("code,name,kind", &[&format!("Z,{name},enterprise")]));
    let imports = ["集团", "新集团", "老集团"].map(|name| import(name).expect(200).text_at("/import_id"));
    for import in imports.iter().rev() {
        admin.post(&format!("/imports/{import}/undo"), json!({})).expect(200);
    }
    assert_eq!(rows(&app, "organizations"), before);
}

#[test]
fn imports_of_calendars_are_taken_back_in_turn() {
    let app = spawn_app();
    let course = seed::course(&app);
    let coordinator = &course.coordinator;
    let sponsor = seed::sponsor(&app, "HBIS");
    let calendar = |kind: &str, organization: Option<&str>| {
        let body = json!({ "kind": kind, "code": kind, "name": kind, "time_zone": "Asia/Shanghai", "organization_id": organization });
        format!("/calendars/{}", coordinator.post("/calendars", body).expect(201).id())
    };
    let (holidays, shifts) = (calendar("holidays", None), calendar("shifts", Some(&sponsor.id)));
    let day = |import: usize| csv("日期,类型,名称", &[&format!("2020-06-25,放假,端午节 {import}")]);
    taken_back_in_turn(&course, |import| coordinator.post_file(&format!("{holidays}/days/import"), "a.csv", &day(import)));
    let shift = |import: usize| csv("班组,日期,开始,结束", &[&format!("甲,2020-06-25,8:00,1{import}:00")]);
    taken_back_in_turn(&course, |import| coordinator.post_file(&format!("{shifts}/shifts/import"), "a.csv", &shift(import)));
    assert_eq!((rows(&app, "calendar_days"), rows(&app, "crew_shifts")), (0, 0));
}

#[test]
fn what_was_changed_by_hand_between_two_imports_is_not_taken_back() {
    let app = spawn_app();
    let course = seed::course(&app);
    let import = |phone: &str| {
        let row = format!("张伟,Zhang Wei,0001,JISCO-IRON,MET,MET-1,{phone}");
        import_roster(&course, &course.coordinator, "", &[&row]).expect(200)
    };
    let first = import("1");
    let trainee = course.coordinator.get("/trainees").expect(200).column("id").remove(0);
    course.coordinator.if_match("*").patch(&format!("/trainees/{trainee}"), json!({ "phone": "2" })).expect(200);
    for later in [import("3"), import("4")].iter().rev() {
        undo(&course, later).expect(200);
    }
    app.unchanged(|| undo(&course, &first).expect(409).problem("import_in_use"));
}
