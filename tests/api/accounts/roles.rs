//! Who one is, and in which role.

use insta::assert_json_snapshot;
use muster::access::{Credentials, NewRoleGrant, Role, grant_role};
use serde_json::json;

use crate::support::{App, Invited, PASSWORD, Reply, TokenOptions, at_once, rounds, seed, spawn_app};

/// Grants a user one more role, and says which grant that is.
fn grant(app: &App, user: &Invited, role: Role, organization: &str) -> String {
    let (user, organization) = (user.user_id.parse().unwrap(), organization.parse().unwrap());
    let granted = app.db.write_blocking(Credentials::Operator, move |conn, actor, now| {
        grant_role(conn, actor, now, user, NewRoleGrant::lasting(role, Some(organization)))
    });
    granted.unwrap().id.to_string()
}

#[test]
fn a_user_with_several_roles_chooses_which_one_acts() {
    let app = spawn_app();
    let sponsor = seed::sponsor(&app, "JISCO");
    let user = app.coordinating_user();
    let partner = grant(&app, &user, Role::Partner, &sponsor.id);
    let oldest = app.anonymous().sign_in(&user.name, PASSWORD).expect(201);
    assert_json_snapshot!(oldest.redacted());
    let client = app.anonymous().keeping(&oldest);
    client.get("/rooms").expect(200);
    let acting = client.post("/account/act", json!({ "role_grant_id": partner })).expect(200);
    assert_eq!((acting.text_at("/role"), acting.text_at("/organization_id")), ("partner".to_owned(), sponsor.id.clone()));
    // With a secret of its own, and no longer than the first would have been good for.
    client.get("/account").expect(401);
    assert_eq!(acting.text_at("/expires_at"), oldest.text_at("/expires_at"));
    let acting = client.keeping(&acting);
    acting.get("/rooms").expect(403);
    assert_eq!(acting.get("/account").expect(200).text_at("/role_grant_id"), partner);
    let chosen = json!({ "name": user.name, "password": PASSWORD, "role_grant_id": partner });
    assert_eq!(app.anonymous().post("/sign-ins", chosen).expect(201).text_at("/role"), "partner");
}

#[test]
fn nobody_acts_in_a_role_that_is_not_theirs_or_not_now() {
    let app = spawn_app();
    let (user, other) = (app.coordinating_user(), app.coordinating_user());
    let sponsor = seed::sponsor(&app, "JISCO");
    let past = grant(&app, &user, Role::Partner, &sponsor.id);
    app.sql(&format!("UPDATE role_grants SET until_at = from_at WHERE id = {}", app.hex(&past))).unwrap();
    let client = app.anonymous().signed_in(&user);
    for grant in [&past, &other.role_grant_id, &app.absent_id()] {
        app.unchanged(|| {
            client.post("/account/act", json!({ "role_grant_id": grant })).fault("/role_grant_id", "unknown_role_grant");
            let chosen = json!({ "name": user.name, "password": PASSWORD, "role_grant_id": grant });
            app.anonymous().post("/sign-ins", chosen).fault("/role_grant_id", "unknown_role_grant");
        });
    }
    assert_eq!(client.get("/account").expect(200).body["roles"].as_array().unwrap().len(), 1);
}

#[test]
fn a_token_knows_its_own_role_alone() {
    let app = spawn_app();
    let course = seed::course(&app);
    let options = TokenOptions { read_only: true, intake: Some(course.intake.clone()), ..TokenOptions::default() };
    let client = app.client_for(Role::Partner, Some(&course.sponsor.id), None, options);
    let user =
        Invited { name: String::new(), user_id: client.user_id.clone().unwrap(), role_grant_id: String::new(), secret: String::new() };
    grant(&app, &user, Role::Coordinator, &app.provider().id);
    let account = client.get("/account").expect(200);
    assert_eq!((account.text_at("/by"), account.body["roles"].as_array().unwrap().len()), ("api".to_owned(), 1));
    assert_eq!((&account.body["read_only"], &account.body["intake_id"]), (&json!(true), &json!(course.intake)));
}

#[test]
fn of_acting_and_signing_out_everywhere_at_once_nobody_is_left_signed_in() {
    let app = spawn_app();
    let user = app.coordinating_user();
    for round in 0..rounds() {
        let [own, other] = [(); 2].map(|()| app.anonymous().signed_in(&user));
        let act = json!({ "role_grant_id": user.role_grant_id });
        let send = |number| match number {
            0 => other.post("/account/sign-out", json!({ "everywhere": true })),
            _ => own.post("/account/act", act.clone()),
        };
        let replies = at_once(4, send);
        replies[0].clone().expect(200);
        let acting: Vec<&Reply> = replies[1..].iter().filter(|reply| reply.status == 200).collect();
        assert!(acting.len() <= 1, "round {round}: one secret was changed into several");
        for reply in acting {
            // What began before is out; and behind it nothing can begin.
            assert_eq!(app.anonymous().keeping(reply).get("/account").status, 401, "round {round}");
        }
    }
    assert_eq!(app.findings(), Vec::<String>::new());
}
