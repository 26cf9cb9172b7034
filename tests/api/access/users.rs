//! `/users`: who makes, sees, invites and disables whom.

use muster::access::Role;
use serde_json::json;

use super::{accept, coordinator, held_up, managing_partner, names, roles, still};
use crate::support::{PASSWORD, at_once, rounds, seed, spawn_app};

#[test]
fn a_coordinator_makes_a_user_who_is_invited_and_signs_in() {
    let app = spawn_app();
    let (client, _) = coordinator(&app);
    let body = json!({ "name": "李老师", "role": "coordinator", "organization_id": app.provider().units[0] });
    let made = client.idempotency_key("li").post("/users", body.clone()).expect(201);
    assert_eq!(client.get(&format!("/users/{}", made.id())).expect(200).body, made.body);
    assert_eq!(made.header("location"), format!("/api/v1/users/{}", made.id()));
    assert_eq!(client.idempotency_key("li").post("/users", body.clone()).expect(201).body, made.body);
    client.post("/users", body).expect(409).problem("already_exists");
    let invite = || client.idempotency_key("invite").post(&format!("/users/{}/invite", made.id()), json!({})).expect(201);
    let invitation = invite();
    let secret = invitation.text_at("/secret");
    assert!(invite().body["secret"].is_null() && invite().body["link"].is_null(), "the secret is told once");
    // The link says whom it is for, as often as it is opened.
    let link = invitation.text_at("/link");
    let path = link.split_once("/api/v1").unwrap().1;
    assert!(link.starts_with("http://127.0.0.1:") && path.ends_with(&secret), "{link}");
    for _ in 0..2 {
        let shown = app.anonymous().get(path).expect(200);
        let told = ["/name", "/role", "/organization_code"].map(|pointer| shown.text_at(pointer));
        assert_eq!(told, ["李老师", "coordinator", "USTB-METALLURGY"]);
    }
    accept(&app, &secret).expect(200);
    app.anonymous().get(path).expect(404);
    accept(&app, &secret).expect(409).problem("invitation_not_good");
    let signed_in = app.anonymous().sign_in("李老师", PASSWORD).expect(201);
    assert_eq!(signed_in.text_at("/roles/0/organization_code"), "USTB-METALLURGY");
    let audit = app.auditor().get(&format!("/audit?subject_id={}", made.id())).expect(200);
    assert_eq!(audit.column("action"), ["user.created", "role.granted", "user.invited", "password.set", "sign_in.begun"]);
    assert!(!audit.text.contains(&secret) && !audit.text.contains(PASSWORD));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn one_sees_who_holds_a_role_in_the_own_house_and_no_higher_one() {
    let app = spawn_app();
    let (client, own) = coordinator(&app);
    let (unit, sponsor) = (app.provider().units[0].clone(), seed::sponsor(&app, "JISCO"));
    let other = seed::organization(&app, "CSU", "中南大学", "university", None);
    let person = seed::bare_person(&app);
    let within = [app.invited(Role::Coordinator, Some(&unit), None), app.invited(Role::Instructor, Some(&unit), Some(&person))];
    let auditor = app.invited(Role::Auditor, Some(&app.provider().id), None);
    let partner = app.invited(Role::Partner, Some(&sponsor.plants[0]), None);
    let stranger = app.user(Role::Coordinator, Some(&other), None);
    let shown = names(&client);
    for user in [&own, &within[0], &within[1]] {
        assert!(shown.contains(&user.name), "{shown:?}");
    }
    for user in [&auditor, &partner, &stranger] {
        assert!(!shown.contains(&user.name), "{shown:?}");
        client.get(&format!("/users/{}", user.user_id)).expect(404);
    }
    // Of a unit: the unit.
    let of_unit = app.anonymous().signed_in(&app.user(Role::Coordinator, Some(&unit), None));
    assert!(names(&of_unit).contains(&within[0].name) && !names(&of_unit).contains(&own.name));
    // An auditor is shown what a coordinator is, a partner who manages access the partners.
    assert!(names(&app.auditor()).contains(&within[0].name));
    let manager = managing_partner(&app, &sponsor.id);
    assert!(names(&manager).contains(&partner.name) && !names(&manager).contains(&own.name));
    assert_eq!(names(&app.anonymous().signed_in(&stranger)), [stranger.name]);
    // Nobody is told of roles that somebody has elsewhere.
    let both = app.invited(Role::Coordinator, Some(&unit), None);
    let root = app.anonymous().signed_in(&app.user(Role::Administrator, None, None));
    root.post(&format!("/users/{}/role-grants", both.user_id), json!({ "role": "partner", "organization_id": sponsor.id })).expect(201);
    assert_eq!(roles(&client.get(&format!("/users/{}", both.user_id)).expect(200).body), [both.role_grant_id]);
}

#[test]
fn nobody_invites_or_disables_whoever_holds_a_role_that_is_not_theirs_to_give() {
    let app = spawn_app();
    let (client, _) = coordinator(&app);
    let sponsor = seed::sponsor(&app, "JISCO");
    let root = app.anonymous().signed_in(&app.user(Role::Administrator, None, None));
    let user = app.user(Role::Coordinator, Some(&app.provider().units[0]), None);
    let invite = || client.post(&format!("/users/{}/invite", user.user_id), json!({}));
    let before = invite().expect(201).text_at("/secret");
    let role = json!({ "role": "partner", "organization_id": sponsor.id, "from_at": "2090-01-01T00:00:00Z" });
    let granted = root.post(&format!("/users/{}/role-grants", user.user_id), role).expect(201);
    // Not even in a role that is still to begin, nor with an invitation from before.
    still(&app, || {
        invite().expect(403);
        for step in ["disable", "enable"] {
            client.post(&format!("/users/{}/{step}", user.user_id), json!({})).expect(403);
        }
    });
    accept(&app, &before).expect(409).problem("invitation_not_good");
    app.anonymous().get(&format!("/invitations/{before}")).expect(404);
    // The role here is theirs to end, and once the other one has ended, so is the user.
    let there = roles(&granted.body).pop().unwrap();
    client.post(&format!("/role-grants/{there}/end"), json!({})).expect(404);
    root.post(&format!("/role-grants/{there}/end"), json!({ "reason": "an error" })).expect(200);
    accept(&app, &before).expect(200);
    client.post(&format!("/users/{}/disable", user.user_id), json!({ "reason": "left" })).expect(200);
    app.anonymous().sign_in(&user.name, PASSWORD).expect(401);
}

#[test]
fn whoever_is_disabled_comes_back_by_no_invitation_from_before() {
    let app = spawn_app();
    let (client, own) = coordinator(&app);
    let user = app.coordinating_user();
    let theirs = app.anonymous().signed_in(&user);
    let path = |step: &str| format!("/users/{}/{step}", user.user_id);
    let secret = client.post(&path("invite"), json!({})).expect(201).text_at("/secret");
    let disabled = client.post(&path("disable"), json!({ "reason": "left the university" })).expect(200);
    assert!(disabled.body["disabled_at"].is_string());
    theirs.get("/account").expect(401);
    assert_eq!(client.post(&path("disable"), json!({})).expect(200).body, disabled.body);
    client.post(&path("invite"), json!({})).expect(409).problem("user_disabled");
    assert!(client.post(&path("enable"), json!({})).expect(200).body["disabled_at"].is_null());
    theirs.get("/account").expect(401);
    accept(&app, &secret).expect(409).problem("invitation_not_good");
    app.anonymous().signed_in(&user);
    let audit = app.auditor().get(&format!("/audit?subject_id={}&action=user.disabled", user.user_id)).expect(200);
    assert_eq!(audit.column("reason"), ["left the university"]);
    // Nobody locks themselves out.
    let own_path = format!("/users/{}/disable", own.user_id);
    still(&app, || client.post(&own_path, json!({})).expect(409).problem("own_user"));
}

#[test]
fn users_roles_and_tokens_are_managed_by_whoever_signed_in_and_by_no_token() {
    let app = spawn_app();
    let (by_token, _) = (app.coordinator(), ());
    let user = app.coordinating_user();
    let (id, grant) = (&user.user_id, &user.role_grant_id);
    let body = json!({ "name": "x", "role": "coordinator", "organization_id": app.provider().id });
    let token = by_token.get("/tokens").expect(200).column("id").remove(0);
    let requests = [
        ("/users".to_owned(), body.clone()),
        (format!("/users/{id}/invite"), json!({})),
        (format!("/users/{id}/disable"), json!({})),
        (format!("/users/{id}/enable"), json!({})),
        (format!("/users/{id}/role-grants"), json!({ "role": "coordinator", "organization_id": app.provider().units[0] })),
        (format!("/role-grants/{grant}/end"), json!({})),
        ("/tokens".to_owned(), json!({ "name": "x", "expires_at": "2090-01-01T00:00:00Z" })),
        (format!("/tokens/{token}/revoke"), json!({})),
    ];
    still(&app, || {
        for (path, body) in &requests {
            let refused = by_token.post(path, body.clone()).expect(403);
            assert!(refused.text_at("/detail").contains("no token"), "{path}: {}", refused.text);
        }
    });
    // Nor by a partner without the right.
    let sponsor = seed::sponsor(&app, "JISCO");
    let partner = app.anonymous().signed_in(&app.user(Role::Partner, Some(&sponsor.id), None));
    partner.get("/users").expect(403);
    partner.get("/tokens").expect(403);
    still(&app, || partner.post("/users", json!({ "name": "x", "role": "partner", "organization_id": sponsor.id })).expect(403));
}

#[test]
fn what_was_tried_without_the_right_is_in_the_journal() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (client, own) = coordinator(&app);
    let instructor = app.instructor(&course.instructor);
    let session = seed::held_session(&course, "S-1", &seed::morning(1));
    client.get("/audit").expect(403);
    client.post("/users", json!({ "name": "x", "role": "auditor", "organization_id": app.provider().id })).expect(403);
    instructor.post(&format!("/sessions/{session}/roll-call/reopen"), json!({ "reason": "as agreed" })).expect(403);
    // What is merely not theirs is not.
    instructor.post("/programs", json!({ "code": "P", "name": "P" })).expect(403);
    let refused = app.auditor().get("/audit?action=action.refused").expect(200);
    let told =
        |entry: &serde_json::Value| (entry["user_id"].as_str().unwrap().to_owned(), entry["to"]["action"].as_str().unwrap().to_owned());
    let told: Vec<(String, String)> = refused.items().iter().map(told).collect();
    let user = instructor.user_id.clone().unwrap();
    let expected =
        [(own.user_id.clone(), "read the journal"), (own.user_id, "manage users and tokens"), (user, "close or reopen a roll call")];
    assert_eq!(told, expected.map(|(user, action)| (user, action.to_owned())));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_user_is_tied_to_nobody_whom_the_maker_does_not_know() {
    let app = spawn_app();
    let (client, _) = coordinator(&app);
    let other = seed::organization(&app, "CSU", "中南大学", "university", None);
    let stranger = seed::instructor(&app, &app.coordinator_of(&other), "9001");
    let own = seed::instructor(&app, &app.coordinator(), "9002");
    let body = |person: &str| json!({ "name": format!("of {person}"), "person_id": person, "role": "instructor", "organization_id": app.provider().id });
    for person in [stranger, app.absent_id()] {
        client.post("/users", body(&person)).expect(422).fault("/person_id", "unknown_person");
    }
    let made = client.post("/users", body(&own)).expect(201);
    assert_eq!(made.text_at("/person_id"), own);
    let nobody = json!({ "name": "nobody", "role": "instructor", "organization_id": app.provider().id });
    client.post("/users", nobody).expect(422).fault("/person_id", "person_missing");
    // What is refused leaves no user behind.
    assert!(!names(&client).contains(&"nobody".to_owned()));
}

#[test]
fn an_invitation_is_good_while_the_inviter_may_give_what_it_opens() {
    let app = spawn_app();
    let root = app.anonymous().signed_in(&app.user(Role::Administrator, None, None));
    let invited_by = |inviter: &crate::support::Invited| {
        let (client, user) = (app.anonymous().signed_in(inviter), app.coordinating_user());
        let invitation = client.post(&format!("/users/{}/invite", user.user_id), json!({})).expect(201);
        (invitation.text_at("/secret"), user)
    };
    // The inviter's role ends, or the inviter does.
    let [dismissed, disabled] = [(); 2].map(|()| app.coordinating_user());
    let [(first, _), (second, _)] = [&dismissed, &disabled].map(invited_by);
    root.post(&format!("/role-grants/{}/end", dismissed.role_grant_id), json!({})).expect(200);
    root.post(&format!("/users/{}/disable", disabled.user_id), json!({})).expect(200);
    for secret in [first, second] {
        still(&app, || app.anonymous().get(&format!("/invitations/{secret}")).expect(404));
        accept(&app, &secret).expect(409).problem("invitation_not_good");
    }
    // The user was meanwhile more than the inviter may give, even if that has ended again.
    let (secret, user) = invited_by(&app.coordinating_user());
    let role = json!({ "role": "auditor", "organization_id": app.provider().id });
    let granted = root.post(&format!("/users/{}/role-grants", user.user_id), role).expect(201);
    root.post(&format!("/role-grants/{}/end", roles(&granted.body)[1]), json!({})).expect(200);
    accept(&app, &secret).expect(409).problem("invitation_not_good");
    // Of somebody whose right is as it was it is good.
    let (secret, _) = invited_by(&app.coordinating_user());
    accept(&app, &secret).expect(200);
}

#[test]
fn nobody_invites_themselves_past_the_password() {
    let app = spawn_app();
    let (client, own) = coordinator(&app);
    still(&app, || client.post(&format!("/users/{}/invite", own.user_id), json!({})).expect(409).problem("own_user"));
}

#[test]
fn an_administrator_without_an_end_remains() {
    let app = spawn_app();
    let end = |client: &crate::support::Client, user: &crate::support::Invited| {
        client.post(&format!("/role-grants/{}/end", user.role_grant_id), json!({}))
    };
    let disable = |client: &crate::support::Client, user: &crate::support::Invited| {
        client.post(&format!("/users/{}/disable", user.user_id), json!({}))
    };
    for round in 0..rounds().div_ceil(10) {
        let users = [(); 2].map(|()| app.user(Role::Administrator, None, None));
        let clients = [0, 1].map(|index| app.anonymous().signed_in(&users[index]));
        let step = |index: usize| match round % 2 {
            0 => end(&clients[index], &users[1 - index]),
            _ => disable(&clients[index], &users[1 - index]),
        };
        let statuses: Vec<u16> = held_up(&app, &users.each_ref().map(|user| &*user.user_id), 2, step);
        // Whoever comes second is nobody any more.
        assert!(statuses == [200, 401] || statuses == [401, 200], "{statuses:?}");
    }
    // Where there is none it is nobody else's matter.
    let (client, _) = coordinator(&app);
    app.sql("UPDATE role_grants SET until_at = from_at WHERE role = 'administrator' AND until_at IS NULL").unwrap();
    disable(&client, &app.coordinating_user()).expect(200);
    // One who is an administrator for a time does not count.
    let app = spawn_app();
    let (lasting, passing) = (app.user(Role::Administrator, None, None), app.user(Role::Administrator, None, None));
    let until = app.instant("2090-01-01T00:00:00Z");
    app.sql(&format!("UPDATE role_grants SET until_at = {until} WHERE id = {}", app.hex(&passing.role_grant_id))).unwrap();
    let client = app.anonymous().signed_in(&passing);
    still(&app, || {
        end(&client, &lasting).expect(409).problem("last_administrator");
        disable(&client, &lasting).expect(409).problem("last_administrator");
    });
    app.user(Role::Administrator, None, None);
    end(&client, &lasting).expect(200);
}

/// Somebody who has gone from one house to another.
#[test]
fn a_house_of_before_neither_sees_nor_hears_of_whoever_works_elsewhere() {
    let app = spawn_app();
    let (client, _) = coordinator(&app);
    let other = seed::organization(&app, "CSU", "中南大学", "university", None);
    let root = app.anonymous().signed_in(&app.user(Role::Administrator, None, None));
    let before = app.anonymous().signed_in(&app.user(Role::Coordinator, Some(&other), None));
    let user = app.user(Role::Coordinator, Some(&other), None);
    let path = format!("/users/{}", user.user_id);
    before.get(&path).expect(200);
    root.post(&format!("/role-grants/{}/end", user.role_grant_id), json!({})).expect(200);
    // Who holds no role anywhere is still theirs.
    before.get(&path).expect(200);
    client.get(&path).expect(404);
    let role = json!({ "role": "coordinator", "organization_id": app.provider().id });
    client.post(&format!("{path}/role-grants"), role.clone()).expect(404);
    root.post(&format!("{path}/role-grants"), role).expect(201);
    still(&app, || {
        before.get(&path).expect(404);
        for step in ["invite", "disable", "enable"] {
            before.post(&format!("{path}/{step}"), json!({})).expect(404);
        }
        before.post(&format!("{path}/role-grants"), json!({ "role": "coordinator", "organization_id": other })).expect(404);
    });
    client.post(&format!("{path}/disable"), json!({ "reason": "CANARY of here" })).expect(200);
    let auditor = app.client_for(Role::Auditor, Some(&other), None, crate::support::TokenOptions::default());
    assert!(!auditor.get("/audit?limit=500").expect(200).text.contains("CANARY"));
    assert!(app.auditor().get("/audit?limit=500").expect(200).text.contains("CANARY of here"));
}

#[test]
fn of_disabling_somebody_and_inviting_them_at_once_no_good_invitation_is_left() {
    let app = spawn_app();
    let (client, _) = coordinator(&app);
    for _ in 0..rounds().div_ceil(5) {
        let user = app.coordinating_user();
        let step = |step: &str| client.post(&format!("/users/{}/{step}", user.user_id), json!({}));
        let replies = at_once(2, |index| if index == 0 { step("disable") } else { step("invite") });
        assert_eq!(replies[0].status, 200, "{}", replies[0].text);
        assert!([201, 409].contains(&replies[1].status), "{}", replies[1].text);
    }
    let open = "SELECT count(*) FROM invitations WHERE accepted_at IS NULL AND withdrawn_at IS NULL";
    assert_eq!(app.count(open), 0);
    assert_eq!(app.findings(), Vec::<String>::new());
}
