//! The support itself, as far as no test of a room would notice.

use serde_json::json;

use super::{TestDatabase, redacted, seed, spawn_app, spawn_app_at, statements};

#[test]
fn each_app_has_a_database_of_its_own() {
    let (one, other) = (spawn_app(), spawn_app());
    seed::sponsor(&one, "JISCO");
    assert_eq!(one.administrator().get("/organizations").items().len(), 3);
    assert_eq!(other.administrator().get("/organizations").items().len(), 0);
    assert_eq!(one.database.texts("SELECT code FROM organizations ORDER BY code LIMIT 1"), [Some("JISCO".to_owned())]);
}

#[test]
fn two_servers_share_a_database() {
    let one = spawn_app();
    let other = spawn_app_at(TestDatabase::at(one.database.url()));
    seed::sponsor(&one, "JISCO");
    assert_eq!(other.coordinator_of(&one.provider().id).get("/organizations").items().len(), 6);
}

#[test]
fn statements_of_a_request_are_counted() {
    let app = spawn_app();
    let provider = app.provider();
    assert_eq!(provider.units.len(), 2);
    let coordinator = app.coordinator();
    let (reply, statements) = statements::record(|| coordinator.get("/organizations"));
    assert_eq!(reply.expect(200).bytes.first(), Some(&b'{'));
    // On Postgres the scope is said between the two.
    let reads = statements.iter().filter(|statement| statement.contains("SELECT") && !statement.contains("set_config")).count();
    assert_eq!(reads, 2, "the token and the list: {statements:#?}");
    let (_, few) = statements::count(|| coordinator.get("/organizations?limit=1"));
    assert_eq!(few, statements.len(), "a request costs the same number of statements, however many rows it finds");
}

#[test]
fn equal_ids_stay_equal_when_redacted() {
    let (one, other) = ("0190b5a0-0000-7000-8000-000000000001", "0190b5a0-0000-7000-8000-000000000002");
    assert_eq!(redacted(&json!([one, other, one])), json!(["[id 1]", "[id 2]", "[id 1]"]));
    let times = json!(["2026-05-27T00:00:00Z", "2026-05-27T00:00:00.000001Z"]);
    assert_eq!(redacted(&times), json!(["2026-05-27T00:00:00Z", "[instant]"]));
}
