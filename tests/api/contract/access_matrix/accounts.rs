//! What every role is answered of its own account, and of the users, roles and tokens of others: signed in with a password, as no token is.

use chrono::{TimeDelta, TimeZone, Utc};
use muster::access::{Credentials, Role, disclose};
use serde_json::{Value, json};

use super::{
    Whose,
    stage::{ROLES, Stage},
    table::{Operation, Table, operations},
};
use crate::support::{Client, Device, Invited, PASSWORD, TokenOptions};

/// The operations on an account, and on those of others.
pub const ROWS: [&str; 30] = [
    "accept_invitation",
    "sign_in",
    "read_account",
    "act_in_role",
    "change_password",
    "sign_out",
    "list_sign_ins",
    "end_sign_in",
    "read_invitation",
    "list_users",
    "create_user",
    "read_user",
    "disable_user",
    "enable_user",
    "invite_user",
    "create_role_grant",
    "end_role_grant",
    "list_tokens",
    "create_token",
    "revoke_token",
    "create_sign_in_code",
    "sign_in_by_code",
    "remove_second_factor_of",
    "begin_second_factor",
    "confirm_second_factor",
    "remove_second_factor",
    "list_disclosures",
    "create_disclosure",
    "read_disclosure",
    "end_disclosure",
];

/// Whom an operation on others is about: somebody of the same house in a role that the asker may give, if they give any.
fn other(stage: &Stage, asker: &str, whose: Whose) -> Invited {
    match (whose, asker) {
        (Whose::Others, _) => stage.app.user(Role::Coordinator, Some(stage.b.id("provider")), None),
        (_, "partner") => stage.user("partner"),
        _ => stage.user("coordinator"),
    }
}

/// A trainee who may be given a code: of the own provider, or of the other world's.
fn technician(stage: &Stage, whose: Whose) -> Invited {
    let world = if whose == Whose::Others { &stage.b } else { &stage.a };
    stage.app.invited(Role::Trainee, Some(world.id("provider")), Some(world.id("t1")))
}

/// A token for a program of that house, by the ids of its role grant and itself.
fn program(stage: &Stage, asker: &str, whose: Whose) -> (String, String) {
    let world = if whose == Whose::Others { &stage.b } else { &stage.a };
    let (role, house) = if asker == "partner" && whose == Whose::Own { (Role::Partner, "s1") } else { (Role::Coordinator, "provider") };
    let client = stage.app.client_for(role, Some(world.id(house)), None, TokenOptions::default());
    let tokens = stage.app.administrator().get("/tokens?limit=500").expect(200);
    let user = client.user_id.unwrap();
    let token = tokens.items().iter().find(|token| token["user_id"] == user.as_str()).unwrap();
    let text = |field: &str| token[field].as_str().unwrap().to_owned();
    (text("role_grant_id"), text("id"))
}

/// A disclosure of one sponsor's people of that world to the other, on a day of its own that is far from now.
fn disclosure(stage: &Stage, whose: Whose) -> String {
    let world = if whose == Whose::Others { &stage.b } else { &stage.a };
    let day = Utc.with_ymd_and_hms(2090, 1, 1, 0, 0, 0).unwrap() + TimeDelta::days(stage.number().try_into().unwrap());
    let new = json!({ "organization_id": world.id("s1"), "recipient_id": world.id("s2"), "from_at": day,
        "until_at": day + TimeDelta::days(1), "reason": format!("{} group", world.mark) });
    let new = serde_json::from_value(new).unwrap();
    let made = stage.app.db.write_blocking(Credentials::Operator, |conn, actor, now| disclose(conn, actor, now, new)).unwrap();
    made.disclosure.id.to_string()
}

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

    /// What the path or the body of an operation names.
    fn target(&self, stage: &Stage, (row, role): (&str, &str), whose: Whose) -> String {
        let missing = || stage.app.absent_id();
        match (row, whose) {
            ("end_sign_in", _) => self.sign_in(stage, role, whose),
            ("read_invitation", Whose::Nobodys) => format!("muster_{}", "0".repeat(64)),
            ("read_invitation", Whose::Own) => stage.invited("coordinator").secret,
            ("read_invitation", Whose::Others) => stage.app.invited(Role::Coordinator, Some(stage.b.id("provider")), None).secret,
            (_, Whose::Nobodys) => missing(),
            ("create_disclosure", Whose::Own) => stage.a.id("s1").to_owned(),
            ("create_disclosure", Whose::Others) => stage.b.id("s1").to_owned(),
            ("read_disclosure" | "end_disclosure", _) => disclosure(stage, whose),
            ("create_user", Whose::Own) => stage.a.id("provider").to_owned(),
            ("create_user", Whose::Others) => stage.b.id("provider").to_owned(),
            ("read_user" | "disable_user" | "enable_user" | "invite_user" | "create_role_grant", _) => other(stage, role, whose).user_id,
            ("create_sign_in_code", _) => technician(stage, whose).user_id,
            ("remove_second_factor_of", _) => {
                let user = other(stage, role, whose);
                stage.app.anonymous().signed_in(&user).sets_second_factor();
                user.user_id
            }
            ("end_role_grant", _) => other(stage, role, whose).role_grant_id,
            ("create_token", _) => program(stage, role, whose).0,
            ("revoke_token", _) => program(stage, role, whose).1,
            _ => missing(),
        }
    }

    fn body(&self, stage: &Stage, row: &str, target: &str) -> Option<Value> {
        let known = || stage.user("coordinator");
        // Of the asker's own authenticator, if they have an account.
        let code = |device: fn(&Client) -> Device| self.user.as_ref().map_or_else(|| "000000".to_owned(), |_| device(&self.client).code(0));
        Some(match row {
            "create_sign_in_code" => json!({ "expires_in_hours": 1 }),
            "sign_in_by_code" => given_code(stage),
            "remove_second_factor_of" => json!({ "reason": "CANARY-A as agreed" }),
            "begin_second_factor" => json!({ "password": PASSWORD }),
            "confirm_second_factor" => json!({ "code": code(Client::begins_second_factor) }),
            "remove_second_factor" => json!({ "password": PASSWORD, "second_factor": code(Client::sets_second_factor) }),
            "create_user" => json!({ "name": stage.code(), "role": "coordinator", "organization_id": target }),
            "create_disclosure" => {
                json!({ "organization_id": target, "recipient_id": stage.a.id("s2"), "until_at": "2080-01-01T00:00:00Z", "reason": "CANARY-A group" })
            }
            "disable_user" | "enable_user" | "end_role_grant" | "revoke_token" | "end_disclosure" => {
                json!({ "reason": "CANARY-A as agreed" })
            }
            "invite_user" => json!({ "expires_in_hours": 1 }),
            "create_role_grant" => json!({ "role": "coordinator", "organization_id": stage.a.id("campus") }),
            "create_token" => json!({ "name": stage.code(), "role_grant_id": target, "expires_at": "2035-01-01T00:00:00Z" }),
            "accept_invitation" => json!({ "secret": stage.invited("coordinator").secret, "password": PASSWORD }),
            "sign_in" => json!({ "name": known().name, "password": PASSWORD }),
            "act_in_role" => json!({ "role_grant_id": self.user.clone().unwrap_or_else(known).role_grant_id }),
            "change_password" => json!({ "password": PASSWORD, "new_password": format!("{PASSWORD}, noch nie") }),
            "sign_out" => json!({ "everywhere": true }),
            "end_sign_in" => json!({ "reason": "CANARY-A as agreed" }),
            _ => return None,
        })
    }
}

/// What a technician signs in with who has just been given a code.
fn given_code(stage: &Stage) -> Value {
    let coordinator = stage.app.anonymous().signed_in(&stage.user("coordinator"));
    let given = coordinator.post(&format!("/users/{}/sign-in-code", technician(stage, Whose::Own).user_id), json!({})).expect(201);
    json!({ "organization_code": given.body["organization_code"], "employee_number": given.body["employee_number"],
        "code": given.body["code"] })
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
                let target = asker.target(&stage, (row, role), whose);
                let path = path.trim_start_matches("/api/v1").replace("{id}", &target).replace("{secret}", &target);
                let body = asker.body(&stage, row, &target).map(|body| body.to_string());
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
