//! Tokens that are good for nothing any more.

use super::{
    calls::Thing,
    requests,
    stage::{ROLES, Stage},
};
use crate::support::{Client, TokenOptions};

#[test]
fn a_right_that_ended_opens_nothing() {
    let stage = Stage::set();
    let (past, future) = (stage.app.instant("2020-01-01T00:00:00Z"), stage.app.instant("2200-01-01T00:00:00Z"));
    let of = |role: &str| {
        let client = stage.client(role, TokenOptions::default());
        let user = stage.app.hex(client.user_id.as_deref().unwrap());
        (client, user)
    };
    let mut dead: Vec<(String, Client)> = Vec::new();
    for (why, role) in ["revoked", "expired", "disabled", "ended", "not yet begun"].iter().zip(ROLES[1..].iter().cycle()) {
        let (client, user) = of(role);
        let tokens = format!("role_grant_id IN (SELECT id FROM role_grants WHERE user_id = {user})");
        match *why {
            "revoked" => stage.app.sql(&format!("UPDATE tokens SET revoked_at = {past} WHERE {tokens}")).unwrap(),
            "expired" => stage.app.sql(&format!("UPDATE tokens SET expires_at = {past} WHERE {tokens}")).unwrap(),
            "disabled" => stage.app.sql(&format!("UPDATE users SET disabled_at = {past} WHERE id = {user}")).unwrap(),
            "ended" => stage.app.end_grant(&client),
            _ => stage.app.forge("role_grants", &format!("UPDATE role_grants SET from_at = {future} WHERE user_id = {user}")),
        }
        dead.push((format!("{role}, {why}"), client));
    }
    let before = stage.app.state();
    let mut wrong = Vec::new();
    // A feed is read by whoever knows its address, whatever else they show.
    for (call, operation) in requests().iter().filter(|(call, _)| call.of != Thing::Schedule) {
        for (who, client) in &dead {
            let reply = call.send(&stage, client, operation, &call.target(&stage.a, call.of.own("coordinator"), false));
            if reply.status != 401 || reply.text.contains("CANARY") {
                wrong.push(format!("{} as {who}: {} {}", call.row, reply.status, reply.text));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(stage.app.state(), before);
}
