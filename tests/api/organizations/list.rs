use insta::assert_json_snapshot;

use crate::support::{seed, spawn_app};

#[test]
fn a_list_is_in_the_order_of_creation() {
    let app = spawn_app();
    seed::sponsor(&app, "JISCO");
    let reply = app.administrator().get("/organizations").expect(200);
    assert_eq!(reply.column("code"), ["JISCO", "JISCO-IRON", "JISCO-STEEL"]);
    assert_eq!(reply.header("link"), "");
    assert_json_snapshot!(reply.redacted());
}

#[test]
fn a_list_without_members_is_an_empty_page() {
    let app = spawn_app();
    let reply = app.administrator().get("/organizations").expect(200);
    assert_json_snapshot!(reply.body);
}

#[test]
fn pages_follow_each_other_without_gap_or_repetition() {
    let app = spawn_app();
    for code in ["JISCO", "BAOWU", "HBIS"] {
        seed::sponsor(&app, code);
    }
    let admin = app.administrator();
    let whole = admin.get("/organizations").expect(200).column("code");
    let (mut seen, mut path) = (Vec::new(), "/organizations?limit=4".to_owned());
    loop {
        let page = admin.get(&path).expect(200);
        seen.extend(page.column("code"));
        let Some(next) = page.body["next"].as_str() else {
            assert_eq!(page.header("link"), "");
            break;
        };
        assert_eq!(page.items().len(), 4);
        let address = format!("/api/v1/organizations?limit=4&cursor={next}");
        assert_eq!(page.header("link"), format!("<{address}>; rel=\"next\""));
        path = address;
    }
    assert_eq!(whole.len(), 9);
    assert_eq!(seen, whole);
    // A page that ends exactly with the list has no next.
    assert_eq!(admin.get("/organizations?limit=9").expect(200).body["next"], serde_json::Value::Null);
}

#[test]
fn a_limit_lies_between_1_and_500() {
    let app = spawn_app();
    let admin = app.administrator();
    for limit in ["0", "-1", "501", "9223372036854775807"] {
        admin.get(&format!("/organizations?limit={limit}")).expect(400).problem("limit_out_of_range");
    }
    for limit in ["1", "500"] {
        admin.get(&format!("/organizations?limit={limit}")).expect(200);
    }
}

#[test]
fn a_query_that_cannot_be_read_is_malformed() {
    let app = spawn_app();
    let admin = app.administrator();
    for query in ["limit=ten", "limit=", "limit=9223372036854775808", "color=red", "limit=1&limit=2", "cursor=%00"] {
        admin.get(&format!("/organizations?{query}")).expect(400).problem("query_malformed");
    }
    for cursor in ["", "x", "0190b5a0"] {
        admin.get(&format!("/organizations?cursor={cursor}")).expect(400).problem("cursor_malformed");
    }
}

#[test]
fn everybody_sees_what_is_theirs() {
    let app = spawn_app();
    let (ours, _) = (seed::sponsor(&app, "JISCO"), seed::sponsor(&app, "BAOWU"));
    let person = seed::bare_person(&app);
    let codes = |client: crate::support::Client| client.get("/organizations").expect(200).column("code");
    assert_eq!(codes(app.partner(&ours.id)), ["JISCO", "JISCO-IRON", "JISCO-STEEL"]);
    assert_eq!(codes(app.partner(&ours.plants[1])), ["JISCO-STEEL"]);
    assert_eq!(codes(app.coordinator()).len(), 9);
    assert_eq!(codes(app.auditor()).len(), 9);
    // A person without affiliation belongs to no house.
    for client in [app.trainee(&person), app.instructor(&person), app.class_adviser(&person)] {
        assert_eq!(codes(client), [""; 0]);
    }
    app.anonymous().get("/organizations").expect(401).problem("unauthenticated");
}

#[test]
fn head_answers_for_a_list_too() {
    let app = spawn_app();
    seed::sponsor(&app, "JISCO");
    let (get, head) = (app.administrator().get("/organizations?limit=1"), app.administrator().head("/organizations?limit=1"));
    assert_eq!(head.expect(200).header("link"), get.expect(200).header("link"));
}
