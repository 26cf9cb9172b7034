use insta::assert_json_snapshot;
use muster::access::Role;
use serde_json::json;

use crate::support::{TokenOptions, seed, spawn_app};

const ORGANIZATIONS: &str = "SELECT count(*) FROM organizations";

fn jisco() -> serde_json::Value {
    json!({ "code": "JISCO", "name": "酒泉钢铁（集团）有限责任公司", "latin_name": "JISCO", "kind": "enterprise" })
}

#[test]
fn an_administrator_creates_an_organization() {
    let app = spawn_app();
    let reply = app.administrator().post("/organizations", jisco()).expect(201);
    assert_eq!(reply.header("location"), format!("/api/v1/organizations/{}", reply.id()));
    assert_eq!(reply.etag(), "\"v1\"");
    assert_json_snapshot!(reply.redacted());
    assert_eq!(app.administrator().get(reply.header("location")).expect(200).body, reply.body);
}

#[test]
fn a_unit_belongs_to_the_root_of_its_parent() {
    let app = spawn_app();
    let admin = app.administrator();
    let root = admin.post("/organizations", jisco()).expect(201).id();
    let plant = json!({ "code": "JISCO-IRON", "name": "炼铁厂", "kind": "unit", "parent_id": root });
    let plant = admin.post("/organizations", plant).expect(201);
    let shop = json!({ "code": "JISCO-IRON-1", "name": "一车间", "kind": "unit", "parent_id": plant.id() });
    let shop = admin.post("/organizations", shop).expect(201);
    assert_json_snapshot!(crate::support::redacted(&json!([plant.body, shop.body])));
    assert_eq!(shop.body["root_id"], root.as_str());
    // Itself and, for the plant and the shop, what lies above.
    assert_eq!(app.count("SELECT count(*) FROM organization_tree"), 6);
}

#[test]
fn a_unit_needs_a_parent_and_nothing_else_has_one() {
    let app = spawn_app();
    let admin = app.administrator();
    let root = admin.post("/organizations", jisco()).expect(201).id();
    let unit = |parent: serde_json::Value| json!({ "code": "X", "name": "X", "kind": "unit", "parent_id": parent });
    admin.post("/organizations", unit(json!(null))).fault("/parent_id", "parent_missing");
    admin.post("/organizations", unit(json!(app.absent_id()))).fault("/parent_id", "unknown_organization");
    admin.post("/organizations", unit(json!("no id"))).fault("/parent_id", "wrong_value");
    let college = json!({ "code": "X", "name": "X", "kind": "college", "parent_id": root });
    admin.post("/organizations", college).fault("/parent_id", "parent_not_allowed");
    assert_eq!(app.count(ORGANIZATIONS), 1);
}

#[test]
fn a_wrong_field_is_pointed_at() {
    let app = spawn_app();
    let admin = app.administrator();
    let cases = [
        (json!({ "code": "X", "name": "X", "kind": "college", "colour": "red" }), "/colour", "unknown_field"),
        (json!({ "code": "X", "name": 7, "kind": "college" }), "/name", "wrong_type"),
        (json!({ "code": "X", "name": null, "kind": "college" }), "/name", "wrong_type"),
        (json!({ "code": "X", "name": ["X"], "kind": "college" }), "/name", "wrong_type"),
        (json!({ "code": "X", "kind": "college" }), "/name", "missing_field"),
        (json!({ "code": "X", "name": "X", "kind": "choir" }), "/kind", "unknown_value"),
        (json!({ "code": "", "name": "X", "kind": "college" }), "/code", "text_empty"),
        (json!({ "code": "X", "name": "\u{3000} ", "kind": "college" }), "/name", "text_empty"),
        (json!({ "code": "X", "name": "a\u{0}b", "kind": "college" }), "/name", "text_control_character"),
        (json!({ "code": "X\n", "name": "two\nlines", "kind": "college" }), "/name", "text_control_character"),
        (json!({ "code": "X".repeat(65), "name": "X", "kind": "college" }), "/code", "text_too_long"),
        (json!({ "code": "X", "name": "界".repeat(64 * 1024 / 3), "kind": "college" }), "/name", "text_too_long"),
        (json!(["X", "X", null, "college", null]), "", "wrong_type"),
        (json!("X"), "", "wrong_type"),
        (json!(null), "", "wrong_type"),
    ];
    for (body, pointer, code) in cases {
        admin.post("/organizations", body).fault(pointer, code);
    }
    assert_eq!(app.count(ORGANIZATIONS), 0);
}

#[test]
fn the_problem_of_a_wrong_field_says_what_and_where() {
    let app = spawn_app();
    let body = json!({ "code": "X", "name": "X", "kind": "college", "colour": "red" });
    let reply = app.administrator().post("/organizations", body).fault("/colour", "unknown_field");
    assert_json_snapshot!(reply.redacted());
}

#[test]
fn a_name_is_trimmed_and_keeps_its_script() {
    let app = spawn_app();
    let body = json!({ "code": " 酒钢 ", "name": "  酒泉钢铁 👷🏽 Jiǔgāng  ", "kind": "enterprise" });
    let reply = app.administrator().post("/organizations", body).expect(201);
    assert_eq!((reply.text_at("/code").as_str(), reply.text_at("/name").as_str()), ("酒钢", "酒泉钢铁 👷🏽 Jiǔgāng"));
}

#[test]
fn what_is_not_json_is_malformed() {
    let app = spawn_app();
    let admin = app.administrator();
    for broken in ["", "{", "{\"code\":}", "{} {}", "\u{0}", "code=X"] {
        admin.post_bytes("/organizations", "application/json", broken.as_bytes()).expect(400).problem("json_malformed");
    }
    // 0xff is in no UTF-8 text.
    admin.post_bytes("/organizations", "application/json", b"{\"code\":\"\xff\"}").expect(400).problem("json_malformed");
    let deep = "[".repeat(100_000);
    let deep = format!("{{\"code\":{deep}");
    let reply = admin.post_bytes("/organizations", "application/json", deep.as_bytes());
    assert!(matches!(reply.status, 400 | 422), "{}", reply.text);
    admin.get("/organizations").expect(200);
}

#[test]
fn a_field_that_is_given_twice_is_refused() {
    let app = spawn_app();
    let body = br#"{"code":"X","code":"Y","name":"X","kind":"college"}"#;
    app.administrator().post_bytes("/organizations", "application/json", body).fault("/code", "duplicate_field");
}

#[test]
fn another_media_type_is_refused() {
    let app = spawn_app();
    let (admin, body) = (app.administrator(), jisco().to_string());
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "nonsense"] {
        admin.post_bytes("/organizations", media_type, body.as_bytes()).expect(415).problem("unsupported_media_type");
    }
    admin.post_file("/organizations", "organizations.csv", b"code,name").expect(415).problem("unsupported_media_type");
    admin.post_bytes("/organizations", "Application/JSON; charset=utf-8", body.as_bytes()).expect(201);
}

#[test]
fn a_body_over_one_mebibyte_is_refused() {
    let app = spawn_app();
    let admin = app.administrator();
    let padded = |length: usize| {
        let body = jisco().to_string();
        format!("{body}{}", " ".repeat(length - body.len()))
    };
    admin.post_bytes("/organizations", "application/json", padded(1024 * 1024 + 1).as_bytes()).expect(413).problem("body_too_large");
    admin.post_bytes("/organizations", "application/json", padded(1024 * 1024).as_bytes()).expect(201);
}

#[test]
fn a_code_is_taken_once() {
    let app = spawn_app();
    let admin = app.administrator();
    admin.post("/organizations", jisco()).expect(201);
    let reply = admin.post("/organizations", jisco()).expect(409).problem("already_exists");
    assert_json_snapshot!(reply.redacted());
    assert_eq!(app.count(ORGANIZATIONS), 1);
}

#[test]
fn only_an_administrator_creates_organizations() {
    let app = spawn_app();
    let sponsor = seed::sponsor(&app, "JISCO");
    let before = app.count(ORGANIZATIONS);
    let read_only = TokenOptions { read_only: true, ..TokenOptions::default() };
    for client in [
        app.coordinator(),
        app.auditor(),
        app.partner(&sponsor.id),
        app.class_adviser(&seed::bare_person(&app)),
        app.instructor(&seed::bare_person(&app)),
        app.trainee(&seed::bare_person(&app)),
        app.client_for(Role::Administrator, None, None, read_only),
    ] {
        client.post("/organizations", jisco_again()).expect(403).problem("forbidden");
    }
    app.anonymous().post("/organizations", jisco_again()).expect(401).problem("unauthenticated");
    // The provider was made on the way, with its two units.
    assert_eq!(app.count(ORGANIZATIONS), before + 3);
}

fn jisco_again() -> serde_json::Value {
    json!({ "code": "AGAIN", "name": "again", "kind": "enterprise" })
}

#[test]
fn the_same_key_does_the_work_once_and_gives_the_same_answer() {
    let app = spawn_app();
    let admin = app.administrator().idempotency_key("monday-1");
    let first = admin.post("/organizations", jisco()).expect(201);
    let second = admin.post("/organizations", jisco()).expect(201);
    assert_eq!(first.header("idempotency-replayed"), "");
    assert_eq!(second.header("idempotency-replayed"), "true");
    assert_eq!(first.text, second.text);
    assert_eq!((first.etag(), first.header("location")), (second.etag(), second.header("location")));
    assert_eq!(first.header("content-type"), second.header("content-type"));
    assert_eq!(app.count(ORGANIZATIONS), 1);
    assert_eq!(app.count("SELECT count(*) FROM journal_entries WHERE action = 'organization.created'"), 1);
}

#[test]
fn a_key_is_not_used_for_another_body() {
    let app = spawn_app();
    let admin = app.administrator().idempotency_key("monday-1");
    admin.post("/organizations", jisco()).expect(201);
    admin.post("/organizations", jisco_again()).fault("", "idempotency_key_reused");
    assert_eq!(app.count(ORGANIZATIONS), 1);
}

#[test]
fn a_key_belongs_to_a_token_and_is_not_stored_for_a_failure() {
    let app = spawn_app();
    let (one, other) = (app.administrator(), app.client_for(Role::Administrator, None, None, TokenOptions::default()));
    one.idempotency_key("k").post("/organizations", json!({})).fault("/code", "missing_field");
    one.idempotency_key("k").post("/organizations", jisco()).expect(201);
    other.idempotency_key("k").post("/organizations", jisco()).expect(409).problem("already_exists");
    other.idempotency_key("k").post("/organizations", jisco_again()).expect(201);
    for key in ["", &"k".repeat(256)] {
        one.idempotency_key(key).post("/organizations", jisco_again()).expect(400).problem("idempotency_key_malformed");
    }
}

#[test]
fn two_requests_at_once_with_one_key_do_the_work_once() {
    let app = spawn_app();
    let admin = app.administrator();
    for round in 0..10 {
        let (admin, body) = (
            admin.idempotency_key(&format!("round-{round}")),
            |round: i32| json!({ "code": format!("ROUND-{round}"), "name": "again", "kind": "enterprise" }),
        );
        let replies = std::thread::scope(|scope| {
            let sent: Vec<_> = (0..4).map(|_| scope.spawn(|| admin.post("/organizations", body(round)))).collect();
            sent.into_iter().map(|sent| sent.join().unwrap()).collect::<Vec<_>>()
        });
        let first = replies[0].clone().expect(201);
        assert!(replies.iter().all(|reply| reply.status == 201 && reply.text == first.text), "{replies:#?}");
        assert_eq!(replies.iter().filter(|reply| reply.header("idempotency-replayed").is_empty()).count(), 1);
    }
    assert_eq!(app.count(ORGANIZATIONS), 10);
}

#[test]
fn a_replay_is_authorized_again() {
    let app = spawn_app();
    let admin = app.administrator();
    admin.idempotency_key("k").post("/organizations", jisco()).expect(201);
    app.end_grant(&admin);
    admin.idempotency_key("k").post("/organizations", jisco()).expect(401).problem("unauthenticated");
}

#[test]
fn a_creation_is_in_the_journal_with_what_was_created() {
    let app = spawn_app();
    let created = app.administrator().post("/organizations", jisco()).expect(201);
    let audit = app.administrator().get(&format!("/audit?subject_id={}", created.id())).expect(200);
    assert_eq!(audit.items()[0]["to"], created.body);
    assert_eq!(audit.items()[0]["user_id"], app.administrator().user_id.unwrap());
    assert_json_snapshot!(audit.redacted());
}

#[test]
fn the_journal_has_no_gaps() {
    let app = spawn_app();
    seed::provider(&app);
    seed::sponsor(&app, "JISCO");
    let all = app.administrator().get("/audit?limit=500").expect(200);
    let positions: Vec<i64> = all.items().iter().map(|entry| entry["position"].as_i64().unwrap()).collect();
    assert_eq!(positions, (1..=i64::try_from(positions.len()).unwrap()).collect::<Vec<_>>());
    assert_eq!(app.count("SELECT count(*) FROM journal_entries"), positions.last().copied().unwrap());
    let again = app.administrator().get("/audit?limit=500").expect(200);
    assert_eq!(again.items()[..positions.len()], all.items()[..]);
}
