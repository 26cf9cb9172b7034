//! `GET /imports`.

use super::{csv, import_roster, import_schedule};
use crate::support::{seed, spawn_app};

#[test]
fn imports_are_listed_in_pages_by_intake_and_by_kind() {
    let app = spawn_app();
    let course = seed::course(&app);
    let next = seed::course_called(&app, "NEXT", "HBIS");
    let coordinator = &course.coordinator;
    let id = |reply: crate::support::Reply| reply.expect(200).text_at("/import_id");
    let roster = id(import_roster(&course, coordinator, "", &["张伟,,0001,JISCO,MET,,"]));
    let schedule = id(import_schedule(&course, coordinator, "", &["D-1,MET-01,MET-1,,2020-06-03,14:00,15:00,,,"]));
    let instructors = id(coordinator.post_file("/instructors/import", "a.csv", &csv("姓名,工号", &["王芳,B9"])));
    let other = id(import_roster(&next, coordinator, "", &["李娜,,0002,HBIS,MET,,"]));
    // What wrote nothing is none.
    import_roster(&course, coordinator, "", &["张伟,,0001,JISCO,MET,,"]).expect(200);
    import_roster(&course, coordinator, "?dry_run=true", &["王五,,0003,JISCO,MET,,"]).expect(200);
    let listed = |query: &str| coordinator.get(&format!("/imports{query}")).expect(200).column("id");
    assert_eq!(listed(""), [roster.clone(), schedule.clone(), instructors.clone(), other.clone()]);
    assert_eq!(listed(&format!("?intake_id={}", course.intake)), [roster.clone(), schedule]);
    assert_eq!(listed("?kind=roster"), [roster, other]);
    assert_eq!(listed(&format!("?kind=instructors&intake_id={}", course.intake)), Vec::<String>::new());
    let first = coordinator.get("/imports?limit=3").expect(200);
    assert_eq!(first.items().len(), 3);
    let rest = coordinator.get(&format!("/imports?cursor={}", first.text_at("/next"))).expect(200);
    assert_eq!((rest.items().len(), rest.body["next"].is_null()), (1, true));
    // Organizations are the installation's.
    let admin = app.administrator();
    let file = csv("code,name,kind", &["A,集团,enterprise"]);
    let organizations = id(admin.post_file("/organizations/import", "a.csv", &file));
    assert_eq!(admin.get("/imports?kind=organizations").expect(200).column("id"), [organizations]);
    assert_eq!(listed("?kind=organizations"), Vec::<String>::new());
    coordinator.get("/imports?kind=people").expect(400);
    coordinator.get("/imports?limit=0").expect(400).problem("limit_out_of_range");
    coordinator.get("/imports?cursor=x").expect(400).problem("cursor_malformed");
}
