//! Who sends, and what a coordinator can send about users, roles and tokens.

use muster::access::Role;
use serde_json::{Value, json};

use super::Operation;
use crate::support::{App, Client, seed};

/// Whoever may take a step: organizations and disclosures are the administrator's, the rest is a coordinator's; both have signed in.
pub(super) struct Clients {
    administrator: Client,
    coordinator: Client,
}

impl Clients {
    pub(super) fn new(app: &App) -> Self {
        let administrator = app.anonymous().signed_in(&app.user(Role::Administrator, None, None));
        Self { administrator, coordinator: app.anonymous().signed_in(&app.coordinating_user()) }
    }

    pub(super) fn of(&self, operation: &Operation) -> &Client {
        let is_administrators = ["/organizations", "/disclosures"].iter().any(|path| operation.path.starts_with(path));
        if is_administrators { &self.administrator } else { &self.coordinator }
    }
}

pub(super) fn operations(app: &App) -> Vec<Operation> {
    let [invited, disabled, promoted, ended] = [(); 4].map(|()| app.coordinating_user());
    let clock = app.coordinator();
    let tokens = app.administrator().get("/tokens?limit=500").expect(200);
    let token = tokens.items().iter().find(|token| token["user_id"] == clock.user_id.as_deref().unwrap()).unwrap()["id"].clone();
    let role = json!({ "role": "coordinator", "organization_id": app.provider().units[0], "until_at": "2090-01-01T00:00:00Z" });
    let mut user = role.clone();
    user["name"] = json!("新用户");
    let step = json!({ "reason": "as agreed" });
    let affiliation = json!({ "organization_id": app.provider().id, "employee_number": "C-1" });
    let person = app.coordinator().post("/trainees", json!({ "name": "有号", "affiliation": affiliation })).expect(201).id();
    let technician = app.invited(Role::Trainee, Some(&app.provider().id), Some(&person));
    let guarded = app.coordinating_user();
    app.anonymous().signed_in(&guarded).sets_second_factor();
    let subsidiary = seed::sponsor(app, "SUBSIDIARY");
    let disclosure = json!({ "organization_id": subsidiary.id, "recipient_id": app.provider().id, "from_at": "2090-01-01T00:00:00Z",
        "until_at": "2091-01-01T00:00:00Z", "reason": "the group reports on all" });
    let mut of_plant = disclosure.clone();
    of_plant["organization_id"] = json!(subsidiary.plants[0]);
    let root = app.anonymous().signed_in(&app.user(Role::Administrator, None, None));
    let disclosed = root.post("/disclosures", of_plant).expect(201).id();
    let operation = |path: String, body: &Value| Operation { method: "POST", path, body: body.clone() };
    vec![
        operation("/users".to_owned(), &user),
        operation(format!("/users/{}/invite", invited.user_id), &json!({ "expires_in_hours": 1 })),
        operation(format!("/users/{}/sign-in-code", technician.user_id), &json!({ "expires_in_hours": 1 })),
        operation(format!("/users/{}/second-factor/remove", guarded.user_id), &step),
        operation(format!("/users/{}/disable", disabled.user_id), &step),
        operation(format!("/users/{}/role-grants", promoted.user_id), &role),
        operation(format!("/role-grants/{}/end", ended.role_grant_id), &step),
        operation("/tokens".to_owned(), &json!({ "name": "time clock", "read_only": true, "expires_at": "2035-01-01T00:00:00Z" })),
        operation(format!("/tokens/{}/revoke", token.as_str().unwrap()), &step),
        operation("/disclosures".to_owned(), &disclosure),
        operation(format!("/disclosures/{disclosed}/end"), &step),
    ]
}
