//! The files of the reference course, end to end.

use serde_json::json;

use super::example;
use crate::support::{App, Client, Reply, spawn_app};

/// The organizations, by HTTP; the program, which has no route, as the command line does it. A coordinator and the intake.
fn set_up(app: &App) -> (Client, String) {
    let imported = app.administrator().post_file("/organizations/import", "organizations.csv", &example("organizations.csv")).expect(200);
    assert_eq!((&imported.body["counts"]["create"], &imported.body["outcome"]), (&json!(8), &json!("committed")));
    let file = muster::imports::read_program("program.json", &example("program.json")).unwrap();
    let report = app
        .db
        .write_blocking(muster::access::Credentials::Operator, move |conn, actor, now| {
            muster::imports::import_program(conn, actor, now, &file, &muster::imports::Options::default())
        })
        .unwrap();
    assert_eq!((report.counts.create, report.committed), (8, true));
    let organizations = app.administrator().get("/organizations").expect(200);
    let ustb = organizations.items().iter().find(|one| one["code"] == "USTB").unwrap()["id"].as_str().unwrap().to_owned();
    let coordinator = app.coordinator_of(&ustb);
    let intakes = coordinator.get("/intakes").expect(200);
    assert_eq!((intakes.column("code"), intakes.column("state")), (vec!["HONGXING-3".to_owned()], vec!["enrolling".to_owned()]));
    let intake = intakes.items()[0]["id"].as_str().unwrap().to_owned();
    (coordinator, intake)
}

fn counts(reply: &Reply) -> serde_json::Value {
    let counts = reply.body["counts"].as_object().unwrap();
    counts.iter().filter(|(_, count)| **count != json!(0)).map(|(verdict, count)| (verdict.clone(), count.clone())).collect()
}

#[test]
fn the_course_is_imported_and_adds_up() {
    let app = spawn_app();
    let (coordinator, intake) = set_up(&app);
    let send = |path: &str, file: &str| coordinator.post_file(path, file, &example(file)).expect(200);
    let (roster, schedule) = (format!("/intakes/{intake}/enrollments/import"), format!("/intakes/{intake}/sessions/import"));
    assert_eq!(counts(&send("/instructors/import", "instructors.xlsx")), json!({ "create": 32 }));
    assert_eq!(counts(&send(&roster, "roster.xlsx")), json!({ "create": 244 }));
    assert_eq!(counts(&send(&format!("{schedule}?publish=true"), "schedule.xlsx")), json!({ "create": 134 }));
    let progress = coordinator.get(&format!("/intakes/{intake}/progress")).expect(200);
    assert_eq!(progress.body["rows"].as_array().unwrap().len(), 244);
    assert_eq!((&progress.body["planned_minutes"], &progress.body["scheduled_minutes"]), (&json!(24_120), &json!(24_120)));
    let plans = progress.body["rows"].as_array().unwrap().iter().all(|row| row["plan_minutes"] == 176 * 45);
    assert!(plans, "{}", progress.text);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn the_same_files_again_change_nothing() {
    let app = spawn_app();
    let (coordinator, intake) = set_up(&app);
    let files = [
        ("/instructors/import".to_owned(), "instructors.xlsx", json!({ "unchanged": 32 })),
        (format!("/intakes/{intake}/enrollments/import"), "roster.xlsx", json!({ "already_enrolled": 244 })),
        (format!("/intakes/{intake}/sessions/import?publish=true"), "schedule.xlsx", json!({ "unchanged": 134 })),
    ];
    for (path, file, _) in &files {
        coordinator.post_file(path, file, &example(file)).expect(200);
    }
    let imports = app.count("SELECT count(*) FROM imports");
    app.unchanged(|| {
        for (path, file, expected) in &files {
            let again = coordinator.post_file(path, file, &example(file)).expect(200);
            assert_eq!(counts(&again), *expected);
            assert_eq!((&again.body["outcome"], &again.body["committed"]), (&json!("nothing_new"), &json!(false)));
            assert_eq!(again.body["import_id"], json!(null));
        }
        let again = app.administrator().post_file("/organizations/import", "organizations.csv", &example("organizations.csv")).expect(200);
        assert_eq!(counts(&again), json!({ "unchanged": 8 }));
    });
    assert_eq!(app.count("SELECT count(*) FROM imports"), imports);
}

#[test]
fn a_dry_run_says_what_the_commit_does() {
    let app = spawn_app();
    let (coordinator, intake) = set_up(&app);
    coordinator.post_file("/instructors/import", "instructors.xlsx", &example("instructors.xlsx")).expect(200);
    for (path, file) in
        [(format!("/intakes/{intake}/enrollments/import"), "roster.xlsx"), (format!("/intakes/{intake}/sessions/import"), "schedule.xlsx")]
    {
        let dry = app.unchanged(|| coordinator.post_file(&format!("{path}?dry_run=true"), file, &example(file)).expect(200));
        assert_eq!((&dry.body["outcome"], &dry.body["import_id"]), (&json!("dry_run"), &json!(null)));
        let wet = coordinator.post_file(&path, file, &example(file)).expect(200);
        assert_eq!((&dry.body["rows"], &dry.body["counts"]), (&wet.body["rows"], &wet.body["counts"]));
    }
}

#[test]
fn a_confirmed_program_is_not_taken_back() {
    let app = spawn_app();
    let (coordinator, _) = set_up(&app);
    let id = app.database.texts(match app.database.kind() {
        crate::support::Kind::Sqlite => "SELECT lower(hex(id)) FROM imports WHERE kind = 'program'",
        crate::support::Kind::Postgres => "SELECT CAST(id AS text) FROM imports WHERE kind = 'program'",
    });
    let id = uuid::Uuid::try_parse(id[0].as_deref().unwrap()).unwrap();
    app.unchanged(|| coordinator.post(&format!("/imports/{id}/undo"), json!({})).expect(409).problem("import_not_undoable"));
}
