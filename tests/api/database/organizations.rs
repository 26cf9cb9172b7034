use crate::support::{App, seed, spawn_app};

/// An insert of an organization with these values for kind, parent and root; `new` stands for its own id.
fn insert(app: &App, kind: &str, parent: Option<&str>, root: Option<&str>) -> String {
    let (id, now) = (app.hex(&app.absent_id()), app.instant("2020-05-27T00:00:00Z"));
    let parent = parent.map_or("NULL".to_owned(), |parent| app.hex(parent));
    let root = root.map_or(id.clone(), |root| app.hex(root));
    format!(
        "INSERT INTO organizations (id, code, name, kind, parent_id, root_id, version, created_at)
         VALUES ({id}, 'X', 'X', '{kind}', {parent}, {root}, 1, {now})"
    )
}

#[test]
fn a_unit_without_a_parent_is_refused() {
    let app = spawn_app();
    let sponsor = seed::sponsor(&app, "JISCO");
    app.sql(&insert(&app, "college", None, None)).unwrap();
    app.sql("DELETE FROM organizations WHERE code = 'X'").unwrap();
    for statement in [
        insert(&app, "unit", None, None),
        insert(&app, "unit", None, Some(&sponsor.id)),
        insert(&app, "college", Some(&sponsor.id), Some(&sponsor.id)),
        insert(&app, "unit", Some(&app.absent_id()), Some(&sponsor.id)),
        insert(&app, "choir", None, None),
    ] {
        app.refusal(&statement);
    }
}

#[test]
fn a_unit_under_another_root_than_its_parent_is_refused() {
    let app = spawn_app();
    let (ours, theirs) = (seed::sponsor(&app, "JISCO"), seed::sponsor(&app, "BAOWU"));
    for root in [None, Some(theirs.id.as_str()), Some(ours.plants[0].as_str())] {
        let message = app.refusal(&insert(&app, "unit", Some(&ours.plants[0]), root));
        assert!(message.contains("organization_place_fixed") || message.contains("CHECK") || message.contains("check"), "{message}");
    }
    app.sql(&insert(&app, "unit", Some(&ours.plants[0]), Some(&ours.id))).unwrap();
}

#[test]
fn an_organization_keeps_its_place() {
    let app = spawn_app();
    let (ours, theirs) = (seed::sponsor(&app, "JISCO"), seed::sponsor(&app, "BAOWU"));
    let (unit, sibling, root, other) = (app.hex(&ours.plants[0]), app.hex(&ours.plants[1]), app.hex(&ours.id), app.hex(&theirs.id));
    for change in [
        format!("parent_id = {sibling}"),
        format!("parent_id = {other}, root_id = {other}"),
        format!("parent_id = NULL, root_id = {unit}, kind = 'enterprise'"),
        format!("root_id = {other}"),
        "kind = 'college'".to_owned(),
    ] {
        let message = app.refusal(&format!("UPDATE organizations SET {change} WHERE id = {unit}"));
        assert!(message.contains("muster:organization_place_fixed"), "{change}: {message}");
    }
    app.refusal(&format!("UPDATE organizations SET kind = 'unit', parent_id = {other}, root_id = {other} WHERE id = {root}"));
    app.sql(&format!("UPDATE organizations SET name = '新名' WHERE id = {unit}")).unwrap();
}

#[test]
fn an_organization_with_units_or_people_is_not_deleted() {
    let app = spawn_app();
    let sponsor = seed::sponsor(&app, "JISCO");
    app.refusal(&format!("DELETE FROM organizations WHERE id = {}", app.hex(&sponsor.id)));
    seed::bare_person(&app);
    app.refusal(&format!("DELETE FROM organizations WHERE id = {}", app.hex(&app.provider().id)));
}

#[test]
fn texts_out_of_bounds_and_codes_taken_are_refused() {
    let app = spawn_app();
    let unit = app.hex(&seed::sponsor(&app, "JISCO").plants[0]);
    for change in ["name = ''", "code = ''", "latin_name = ''", "version = 0", "name = NULL", "code = 'JISCO'"] {
        app.refusal(&format!("UPDATE organizations SET {change} WHERE id = {unit}"));
    }
    app.refusal(&format!("UPDATE organizations SET name = '{}' WHERE id = {unit}", "界".repeat(201)));
    app.sql(&format!("UPDATE organizations SET name = '{}' WHERE id = {unit}", "界".repeat(200))).unwrap();
}
