//! `POST /instructors/import`.

use serde_json::json;

use super::{changes, csv, said, verdicts};
use crate::support::{Client, Reply, seed, spawn_app};

const HEADER: &str = "姓名;工号;单位;职称;手机;邮箱";

fn import(client: &Client, query: &str, rows: &[&str]) -> Reply {
    client.post_file(&format!("/instructors/import{query}"), "instructors.csv", &csv(HEADER, rows))
}

#[test]
fn instructors_are_recorded_and_corrected() {
    let app = spawn_app();
    let coordinator = app.coordinator();
    let rows = ["周旻;00801;USTB-METALLURGY;教授;13811874364;zhou@example.org", "外聘;X1;;;;"];
    let reply = import(&coordinator, "", &rows).expect(200);
    assert_eq!(verdicts(&reply), said(&[(2, "create", &[]), (3, "create", &[])]));
    let instructors = coordinator.get("/instructors").expect(200);
    assert_eq!(instructors.items()[0]["affiliations"][0]["title"], "教授");
    assert_eq!(instructors.items()[0]["affiliations"][0]["unit_id"], app.provider().units[0]);
    // Who names no organization belongs to the provider.
    assert_eq!(instructors.items()[1]["affiliations"][0]["organization_id"], app.provider().id);
    let again = app.unchanged(|| import(&coordinator, "", &rows).expect(200));
    assert_eq!(again.body["counts"]["unchanged"], 2);
    let promoted = import(&coordinator, "", &["周旻;00801;;特聘教授;;", "外聘;X1;;;;not an address"]).expect(422);
    promoted.problem("import_rows_invalid");
    let promoted = import(&coordinator, "", &["周旻;00801;;特聘教授;;"]).expect(200);
    assert_eq!(verdicts(&promoted), said(&[(2, "update", &[])]));
    assert_eq!(changes(&promoted, 0), [("title".to_owned(), Some("教授".to_owned()), Some("特聘教授".to_owned()))]);
}

#[test]
fn a_trainee_may_become_an_instructor_and_undoing_it_takes_that_back() {
    let app = spawn_app();
    let course = seed::course(&app);
    let trainee = seed::recruit(&course);
    let reply = import(&course.coordinator, "", &["学员 0001;0001;JISCO;;;"]).expect(200);
    assert_eq!(changes(&reply, 0), [("instructor".to_owned(), Some("false".to_owned()), Some("true".to_owned()))]);
    course.coordinator.get(&format!("/instructors/{trainee}")).expect(200);
    let undo = format!("/imports/{}/undo", reply.text_at("/import_id"));
    course.coordinator.post(&undo, json!({})).expect(200);
    course.coordinator.get(&format!("/instructors/{trainee}")).expect(404);
    course.coordinator.get(&format!("/trainees/{trainee}")).expect(200);
}

#[test]
fn a_provider_must_be_ones_own() {
    let app = spawn_app();
    let coordinator = app.coordinator();
    let other = seed::organization(&app, "NEU", "东北大学", "university", None);
    import(&coordinator, &format!("?organization_id={other}"), &["周旻;1;;;;"]).expect(404);
    import(&coordinator, &format!("?organization_id={}", app.provider().units[0]), &["周旻;1;;;;"]).expect(200);
}

#[test]
fn instructors_who_teach_are_not_taken_back() {
    let app = spawn_app();
    let course = seed::course(&app);
    let import = import(&course.coordinator, "", &["周旻;00801;;;;"]).expect(200);
    let person = course.coordinator.get("/instructors").expect(200).items()[1]["id"].clone();
    let mut body = seed::session_body(&course, "S-1", &seed::morning(1));
    body["instructor_ids"] = json!([person]);
    let session = seed::session_as(&course, body);
    let undo = format!("/imports/{}/undo", import.text_at("/import_id"));
    app.unchanged(|| course.coordinator.post(&undo, json!({})).expect(409).problem("import_in_use"));
    course.coordinator.if_match("*").patch(&format!("/sessions/{session}"), json!({ "instructor_ids": [course.instructor] })).expect(200);
    course.coordinator.post(&undo, json!({})).expect(200);
    assert_eq!(course.coordinator.get("/instructors").expect(200).items().len(), 1);
}
