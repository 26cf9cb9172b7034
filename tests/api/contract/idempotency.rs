//! What becomes of stored answers.

use serde_json::json;

use crate::support::spawn_app;

#[test]
fn a_stored_answer_is_forgotten_after_a_day() {
    let app = spawn_app();
    let admin = app.administrator();
    for code in ["OLD", "NEW"] {
        admin.idempotency_key(code).post("/organizations", json!({ "code": code, "name": code, "kind": "college" })).expect(201);
    }
    app.sql(&format!("UPDATE idempotency_keys SET created_at = {} WHERE key = 'OLD'", app.instant("2020-05-27T00:00:00Z"))).unwrap();
    app.db.write_blocking(muster::access::Credentials::Operator, |conn, _, now| muster::http::sweep(conn, now)).unwrap();
    assert_eq!(app.database.texts("SELECT key FROM idempotency_keys"), [Some("NEW".to_owned())]);
}
