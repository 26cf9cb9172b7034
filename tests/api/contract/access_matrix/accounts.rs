//! What every role is answered of its own account: signed in with a password, as no token is.

use serde_json::{Value, json};

use super::{
    Whose,
    stage::{ROLES, Stage},
    table::{Operation, Table, operations},
};
use crate::support::{Client, Invited, PASSWORD};

/// The operations on an account; those that name a sign-in last.
pub const ROWS: [&str; 8] =
    ["accept_invitation", "sign_in", "read_account", "act_in_role", "change_password", "sign_out", "list_sign_ins", "end_sign_in"];

/// Somebody in a role, signed in; nobody for who is anonymous.
struct Asker {
    client: Client,
    user: Option<Invited>,
}

impl Asker {
    fn new(stage: &Stage, role: &str) -> Self {
        let anonymous = stage.app.anonymous();
        if role == "anonymous" {
            return Self { client: anonymous, user: None };
        }
        let user = stage.user(role);
        Self { client: anonymous.signed_in(&user), user: Some(user) }
    }

    /// A sign-in of the asker's, of somebody else in the same role, or none.
    fn sign_in(&self, stage: &Stage, role: &str, whose: Whose) -> String {
        let newest = |client: &Client| client.get("/account/sign-ins").expect(200).column("id").pop().unwrap();
        match (whose, &self.user) {
            (Whose::Own, Some(user)) => newest(&stage.app.anonymous().signed_in(user)),
            (Whose::Others, Some(_)) => newest(&Self::new(stage, role).client),
            _ => stage.app.absent_id(),
        }
    }

    fn body(&self, stage: &Stage, row: &str) -> Option<Value> {
        let known = stage.user("coordinator");
        Some(match row {
            "accept_invitation" => json!({ "secret": stage.invited("coordinator").secret, "password": PASSWORD }),
            "sign_in" => json!({ "name": known.name, "password": PASSWORD }),
            "act_in_role" => json!({ "role_grant_id": self.user.as_ref().unwrap_or(&known).role_grant_id }),
            "change_password" => json!({ "password": PASSWORD, "new_password": format!("{PASSWORD}, noch nie") }),
            "sign_out" => json!({ "everywhere": true }),
            "end_sign_in" => json!({ "reason": "CANARY-A as agreed" }),
            _ => return None,
        })
    }
}

#[test]
fn every_role_is_answered_of_its_account_what_the_table_says() {
    let (stage, table, operations) = (Stage::set(), Table::read(), operations());
    let mut wrong = Vec::new();
    for row in ROWS {
        let Operation { method, path, .. } = &operations[row];
        for role in ROLES {
            for (expected, whose) in table.statuses(row, role).into_iter().zip([Whose::Own, Whose::Others, Whose::Nobodys]) {
                let asker = Asker::new(&stage, role);
                let path = path.trim_start_matches("/api/v1").replace("{id}", &asker.sign_in(&stage, role, whose));
                let body = asker.body(&stage, row).map(|body| body.to_string());
                let reply = asker.client.send(method, &path, body.as_ref().map(|body| ("application/json", body.as_bytes())));
                if reply.status != expected {
                    wrong.push(format!("{row} as {role} on {whose:?}: {} instead of {expected}: {}", reply.status, reply.text));
                }
                wrong.extend(stage.leaks(role, row, &reply));
            }
        }
    }
    assert!(wrong.is_empty(), "{} faults:\n  {}", wrong.len(), wrong.join("\n  "));
    assert_eq!(stage.app.findings(), Vec::<String>::new());
}
