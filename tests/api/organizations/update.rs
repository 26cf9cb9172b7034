use insta::assert_json_snapshot;
use serde_json::json;

use crate::support::{App, seed, spawn_app};

/// A sponsor's path and the tag of its first state.
fn sponsor(app: &App) -> (String, String) {
    let path = format!("/organizations/{}", seed::sponsor(app, "JISCO").id);
    let etag = app.administrator().get(&path).etag();
    (path, etag)
}

#[test]
fn a_patch_changes_what_it_names() {
    let app = spawn_app();
    let (path, etag) = sponsor(&app);
    let admin = app.administrator();
    let reply = admin.if_match(&etag).patch(&path, json!({ "latin_name": "Jiuquan Iron and Steel" })).expect(200);
    assert_eq!(reply.etag(), "\"v2\"");
    assert_json_snapshot!(reply.redacted());
    let cleared = admin.if_match(&reply.etag()).patch(&path, json!({ "latin_name": null, "name": "酒钢集团" })).expect(200);
    assert_eq!((&cleared.body["latin_name"], &cleared.body["name"]), (&json!(null), &json!("酒钢集团")));
    assert_eq!(admin.get(&path).body, cleared.body);
}

#[test]
fn a_change_needs_the_tag_of_the_present_state() {
    let app = spawn_app();
    let (path, etag) = sponsor(&app);
    let admin = app.administrator();
    let reply = admin.patch(&path, json!({ "name": "A" })).expect(428).problem("if_match_missing");
    assert_json_snapshot!(reply.redacted());
    admin.if_match(&etag).patch(&path, json!({ "name": "A" })).expect(200);
    admin.if_match(&etag).patch(&path, json!({ "name": "B" })).expect(412).problem("stale");
    admin.if_match("nonsense").patch(&path, json!({ "name": "B" })).expect(412).problem("stale");
    assert_eq!(admin.get(&path).body["name"], "A");
    admin.if_match("*").patch(&path, json!({ "name": "B" })).expect(200);
}

#[test]
fn a_patch_that_alters_nothing_succeeds_without_a_tag() {
    let app = spawn_app();
    let (path, etag) = sponsor(&app);
    let admin = app.administrator();
    admin.if_match(&etag).patch(&path, json!({ "name": "A" })).expect(200);
    // A retry after a lost answer carries the old tag, or none.
    for client in [admin.clone(), admin.if_match(&etag)] {
        let reply = client.patch(&path, json!({ "name": "A" })).expect(200);
        assert_eq!((reply.etag().as_str(), &reply.body["version"]), ("\"v2\"", &json!(2)));
    }
    admin.patch(&path, json!({})).expect(200);
    assert_eq!(app.count("SELECT count(*) FROM journal_entries WHERE action = 'organization.updated'"), 1);
}

#[test]
fn kind_and_place_are_fixed_and_unknown_fields_refused() {
    let app = spawn_app();
    let (path, etag) = sponsor(&app);
    let admin = app.administrator().if_match(&etag);
    for field in ["kind", "parent_id", "root_id", "id", "version", "created_at"] {
        admin.patch(&path, json!({ field: null })).fault(&format!("/{field}"), "unknown_field");
    }
    admin.patch(&path, json!({ "name": "" })).fault("/name", "text_empty");
    admin.patch(&path, json!({ "latin_name": "a\u{7}" })).fault("/latin_name", "text_control_character");
}

#[test]
fn null_does_not_clear_what_must_be_there() {
    let app = spawn_app();
    let (path, etag) = sponsor(&app);
    for field in ["name", "code"] {
        app.administrator().if_match(&etag).patch(&path, json!({ field: null })).fault(&format!("/{field}"), "wrong_type");
    }
}

#[test]
fn a_code_that_is_taken_is_refused() {
    let app = spawn_app();
    let (path, etag) = sponsor(&app);
    let admin = app.administrator().if_match(&etag);
    admin.patch(&path, json!({ "code": "JISCO-IRON" })).expect(409).problem("already_exists");
    admin.patch(&path, json!({ "code": "JISCO-GROUP" })).expect(200);
}

#[test]
fn who_may_not_change_it_is_told_so_only_if_they_see_it() {
    let app = spawn_app();
    let (path, etag) = sponsor(&app);
    let other = seed::sponsor(&app, "BAOWU");
    let patch = json!({ "name": "A" });
    app.coordinator().if_match(&etag).patch(&path, patch.clone()).expect(403).problem("forbidden");
    app.coordinator().patch(&path, json!({})).expect(403).problem("forbidden");
    app.partner(&other.id).if_match(&etag).patch(&path, patch.clone()).expect(404).problem("not_found");
    app.anonymous().if_match(&etag).patch(&path, patch.clone()).expect(401).problem("unauthenticated");
    app.administrator().if_match(&etag).patch("/organizations/x", patch).expect(404).problem("not_found");
}

#[test]
fn of_two_changes_at_once_one_is_told_that_it_is_late() {
    let app = spawn_app();
    let (path, etag) = sponsor(&app);
    let (admin, path) = (&app.administrator().if_match(&etag), path.as_str());
    let mut statuses = std::thread::scope(|scope| {
        let sent: Vec<_> = ["A", "B", "C", "D"].map(|name| scope.spawn(move || admin.patch(path, json!({ "name": name })).status)).into();
        sent.into_iter().map(|sent| sent.join().unwrap()).collect::<Vec<_>>()
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412]);
}

#[test]
fn a_change_is_in_the_journal_with_both_states() {
    let app = spawn_app();
    let (path, etag) = sponsor(&app);
    let admin = app.administrator();
    let before = admin.get(&path).body;
    let after = admin.if_match(&etag).patch(&path, json!({ "name": "A" })).expect(200);
    let audit = admin.get(&format!("/audit?action=organization.updated&subject_id={}", after.id())).expect(200);
    assert_eq!((&audit.items()[0]["from"], &audit.items()[0]["to"]), (&before, &after.body));
    assert_json_snapshot!(audit.redacted());
}
