//! `POST /organizations/import`.

use serde_json::json;

use super::{changes, csv, said, verdicts};
use crate::support::{App, Reply, spawn_app};

const HEADER: &str = "代码,名称,英文名,类型,上级";

fn import(app: &App, query: &str, rows: &[&str]) -> Reply {
    app.administrator().post_file(&format!("/organizations/import{query}"), "organizations.csv", &csv(HEADER, rows))
}

#[test]
fn parents_may_stand_anywhere_in_the_file() {
    let app = spawn_app();
    let rows = ["A-1-X,一车间,,部门,A-1", "A-1,炼铁厂,Ironmaking,unit,A", "A,集团,,企业,"];
    let reply = import(&app, "", &rows).expect(200);
    assert_eq!(verdicts(&reply), said(&[(2, "create", &[]), (3, "create", &[]), (4, "create", &[])]));
    assert_eq!(app.count("SELECT count(*) FROM organization_tree"), 6);
    let again = app.unchanged(|| import(&app, "", &rows).expect(200));
    assert_eq!((&again.body["counts"]["unchanged"], &again.body["outcome"]), (&json!(3), &json!("nothing_new")));
}

#[test]
fn names_change_and_places_do_not() {
    let app = spawn_app();
    import(&app, "", &["A,集团,,enterprise,", "A-1,炼铁厂,,unit,A", "B,大学,,university,"]).expect(200);
    let rows = ["A,新集团,Group,enterprise,", "A-1,炼铁厂,,unit,B", "B,大学,,企业,"];
    let reply = import(&app, "?partial=true", &rows).expect(200);
    let fixed: &[&str] = &["organization_place_fixed"];
    assert_eq!(verdicts(&reply), said(&[(2, "update", &[]), (3, "invalid", fixed), (4, "invalid", fixed)]));
    assert_eq!(changes(&reply, 0).len(), 2);
    assert_eq!(app.administrator().get("/organizations").expect(200).column("name"), ["新集团", "炼铁厂", "大学"]);
}

#[test]
fn what_belongs_nowhere_is_refused() {
    let app = spawn_app();
    let rows = [
        "A,环,,unit,B",
        "B,环,,unit,A",
        "C,自己,,unit,C",
        "D,孤儿,,unit,NOWHERE",
        "E,无上级,,unit,",
        "F,有上级,,enterprise,D",
        "G,合唱团,,choir,",
        "H,甲,,enterprise,",
        "H,乙,,enterprise,",
    ];
    let orphan: &[&str] = &["unknown_organization"];
    // Made when first asked for.
    app.administrator();
    let reply = app.unchanged(|| import(&app, "?dry_run=true", &rows).expect(200));
    assert_eq!(
        verdicts(&reply),
        said(&[
            (2, "invalid", orphan),
            (3, "invalid", orphan),
            (4, "invalid", orphan),
            (5, "invalid", orphan),
            (6, "invalid", &["parent_missing"]),
            (7, "invalid", &["parent_not_allowed"]),
            (8, "invalid", &["unknown_value"]),
            (9, "create", &[]),
            (10, "duplicate_in_file", &["duplicate_in_file"]),
        ])
    );
}
