//! `/users/{id}/role-grants`, `/role-grants`: who gives which roles, and how they end.

use muster::access::Role;
use serde_json::json;

use super::{coordinator, managing_partner, roles, still};
use crate::support::{TokenOptions, at_once, rounds, seed, spawn_app};

#[test]
fn nobody_gives_a_role_above_their_own_or_beyond_their_house() {
    let app = spawn_app();
    let (client, _) = coordinator(&app);
    let (provider, sponsor) = (app.provider().clone(), seed::sponsor(&app, "JISCO"));
    let other = seed::organization(&app, "CSU", "中南大学", "university", None);
    let manager = managing_partner(&app, &sponsor.id);
    let of_plant = managing_partner(&app, &sponsor.plants[0]);
    let user = |client: &crate::support::Client, role: &str, organization: Option<&str>| {
        let name = format!("{role} {}", app.absent_id());
        client.post("/users", json!({ "name": name, "role": role, "organization_id": organization }))
    };
    still(&app, || {
        for role in ["administrator", "auditor", "partner"] {
            user(&client, role, (role != "administrator").then_some(&provider.id)).expect(403);
        }
        for role in ["administrator", "coordinator", "auditor", "trainee"] {
            let place = if role == "administrator" { None } else { Some(provider.id.as_str()) };
            user(&manager, role, place).expect(403);
        }
        for place in [&other, &sponsor.id, &app.absent_id()] {
            user(&client, "coordinator", Some(place)).expect(422).fault("/organization_id", "unknown_organization");
        }
        user(&of_plant, "partner", Some(&sponsor.id)).expect(422).fault("/organization_id", "unknown_organization");
        user(&of_plant, "partner", Some(&sponsor.plants[1])).expect(422).fault("/organization_id", "unknown_organization");
        user(&client, "coordinator", None).expect(422).fault("/organization_id", "role_organization");
        user(&client, "operator", None).expect(422);
    });
    for unit in [&provider.id, &provider.units[0]] {
        user(&client, "coordinator", Some(unit)).expect(201);
    }
    user(&of_plant, "partner", Some(&sponsor.plants[0])).expect(201);
    // An administrator gives every role.
    let root = app.anonymous().signed_in(&app.user(Role::Administrator, None, None));
    user(&root, "administrator", None).expect(201);
    user(&root, "auditor", Some(&provider.id)).expect(201);
    user(&root, "partner", Some(&sponsor.id)).expect(201);
    user(&root, "auditor", Some(&sponsor.id)).expect(422).fault("/organization_id", "role_organization");
    user(&root, "trainee", Some(&sponsor.id)).expect(422).fault("/organization_id", "role_organization");
}

#[test]
fn a_partner_who_manages_access_passes_that_on_and_nobody_else_is_given_it() {
    let app = spawn_app();
    let sponsor = seed::sponsor(&app, "JISCO");
    let manager = managing_partner(&app, &sponsor.id);
    let body = |role: &str, name: &str| json!({ "name": name, "role": role, "organization_id": sponsor.plants[0], "manages_access": true });
    let made = manager.post("/users", body("partner", "deputy")).expect(201);
    assert_eq!(made.body["roles"][0]["manages_access"], true);
    let (client, _) = coordinator(&app);
    let flagged = json!({ "name": "y", "role": "coordinator", "organization_id": app.provider().id, "manages_access": true });
    client.post("/users", flagged).expect(422).fault("/manages_access", "manages_access_role");
    let message = app.refusal("UPDATE role_grants SET manages_access = NOT manages_access");
    assert!(message.contains("muster:immutable"), "{message}");
}

#[test]
fn a_role_that_is_ended_is_good_for_nothing_on_the_next_request() {
    let app = spawn_app();
    let (client, own) = coordinator(&app);
    let user = app.coordinating_user();
    let theirs = app.anonymous().signed_in(&user);
    let (by_token, token) = (app.coordinator(), app.coordinator());
    let of_program = client.get(&format!("/users/{}", by_token.user_id.as_ref().unwrap())).expect(200);
    let end = |id: &str| client.post(&format!("/role-grants/{id}/end"), json!({ "reason": "teaches elsewhere" }));
    theirs.get("/programs").expect(200);
    by_token.get("/programs").expect(200);
    let ended = end(&user.role_grant_id).expect(200);
    assert!(ended.body["until_at"].is_string() && ended.text_at("/organization_code") == "USTB", "{}", ended.text);
    end(&roles(&of_program.body)[0]).expect(200);
    theirs.get("/programs").expect(401);
    by_token.get("/programs").expect(401);
    token.get("/programs").expect(200);
    // Once more changes nothing, and the own one is for somebody else to end.
    still(&app, || {
        assert_eq!(end(&user.role_grant_id).expect(200).body, ended.body);
        end(&own.role_grant_id).expect(409).problem("own_role");
    });
    let audit = app.auditor().get(&format!("/audit?subject_id={}", user.user_id)).expect(200);
    assert_eq!(audit.column("action")[4..], ["sign_in.ended", "role.ended"], "{}", audit.text);
    assert_eq!(audit.body["items"].as_array().unwrap().last().unwrap()["reason"], "teaches elsewhere");
    // Whoever held a role is still shown, without it; they are given it anew.
    let after = client.get(&format!("/users/{}", user.user_id)).expect(200);
    assert_eq!(roles(&after.body), Vec::<String>::new());
    client.post(&format!("/users/{}/invite", user.user_id), json!({})).expect(409).problem("no_role");
    let again = json!({ "role": "coordinator", "organization_id": app.provider().id });
    client.post(&format!("/users/{}/role-grants", user.user_id), again).expect(201);
    app.anonymous().signed_in(&user);
}

#[test]
fn a_role_has_a_beginning_and_an_end() {
    let app = spawn_app();
    let (client, _) = coordinator(&app);
    let user = app.coordinating_user();
    let path = format!("/users/{}/role-grants", user.user_id);
    let role = |from: Option<&str>, until: Option<&str>| json!({ "role": "coordinator", "organization_id": app.provider().units[0], "from_at": from, "until_at": until });
    let (early, late, later) = ("2090-01-01T00:00:00Z", "2091-01-01T00:00:00Z", "2092-01-01T00:00:00Z");
    still(&app, || {
        client.post(&path, role(Some(late), Some(early))).expect(422).fault("/until_at", "until_past");
        client.post(&path, role(None, Some("2020-01-01T00:00:00Z"))).expect(422).fault("/until_at", "until_past");
    });
    let made = client.post(&path, role(Some(early), Some(late))).expect(201);
    assert_eq!(made.body["roles"].as_array().unwrap().len(), 2);
    // Held twice at a time it would go on when one ends.
    for (from, until) in [(None, None), (Some(early), Some(late)), (None, Some(later)), (Some("2090-06-01T00:00:00Z"), None)] {
        still(&app, || client.post(&path, role(from, until)).expect(409).problem("role_held"));
    }
    let next = client.post(&path, role(Some(late), Some(later))).expect(201);
    // One that has not begun is none yet, and never is one once it has been ended.
    let theirs = app.anonymous().signed_in(&user);
    let yet = &roles(&made.body)[1];
    theirs.post("/account/act", json!({ "role_grant_id": yet })).expect(422).fault("/role_grant_id", "unknown_role_grant");
    let ended = client.post(&format!("/role-grants/{yet}/end"), json!({})).expect(200);
    assert_eq!(ended.text_at("/until_at"), ended.text_at("/from_at"));
    assert_eq!(roles(&client.get(&format!("/users/{}", user.user_id)).expect(200).body).len(), 2);
    assert_eq!(roles(&next.body).len(), 3);
}

#[test]
fn whoever_holds_a_role_for_a_time_gives_none_for_longer() {
    let app = spawn_app();
    let (client, own) = coordinator(&app);
    let end = app.instant("2090-01-01T00:00:00Z");
    app.sql(&format!("UPDATE role_grants SET until_at = {end} WHERE id = {}", app.hex(&own.role_grant_id))).unwrap();
    let role = |until: Option<&str>| json!({ "role": "coordinator", "organization_id": app.provider().units[0], "until_at": until });
    let path = format!("/users/{}/role-grants", own.user_id);
    let mut user = role(None);
    user["name"] = json!("deputy");
    still(&app, || {
        client.post(&path, role(None)).expect(422).fault("/until_at", "beyond_own_role");
        client.post(&path, role(Some("2090-01-01T00:00:01Z"))).expect(422).fault("/until_at", "beyond_own_role");
        client.post("/users", user.clone()).expect(422).fault("/until_at", "beyond_own_role");
    });
    user["until_at"] = json!("2090-01-01T00:00:00Z");
    client.post("/users", user).expect(201);
}

#[test]
fn what_has_ended_is_not_opened_again_past_the_api() {
    let app = spawn_app();
    let client = app.coordinator();
    app.end_grant(&client);
    let ended = format!("user_id = {}", app.hex(client.user_id.as_ref().unwrap()));
    let later = app.instant("2090-01-01T00:00:00Z");
    for statement in [
        format!("UPDATE role_grants SET until_at = NULL WHERE {ended}"),
        format!("UPDATE role_grants SET until_at = {later} WHERE {ended}"),
        format!("DELETE FROM role_grants WHERE {ended}"),
        format!("UPDATE tokens SET expires_at = {later}"),
    ] {
        let message = app.refusal(&statement);
        assert!(message.contains("muster:immutable"), "{statement}: {message}");
    }
}

#[test]
fn of_one_role_that_is_given_twice_at_once_one_stands() {
    let app = spawn_app();
    let (client, _) = coordinator(&app);
    for _ in 0..rounds().div_ceil(5) {
        let user = app.coordinating_user();
        let role = json!({ "role": "coordinator", "organization_id": app.provider().units[0] });
        let replies = at_once(3, |_| client.post(&format!("/users/{}/role-grants", user.user_id), role.clone()));
        crate::support::assert_winners(replies, 1, "role_held");
    }
}

/// Two providers train one person: a role at one opens nothing at the other.
#[test]
fn a_trainee_sees_what_the_provider_of_the_role_provides() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let other = seed::organization(&app, "CSU", "中南大学", "university", None);
    let elsewhere = app.client_for(Role::Trainee, Some(&other), Some(&member.trainee), TokenOptions::default());
    let here = app.trainee(&member.trainee);
    let session = seed::published_session(&course, "S-1", &seed::morning(1));
    let program = &course.program.id;
    for path in [
        format!("/enrollments/{}", member.id),
        format!("/enrollments/{}/progress", member.id),
        format!("/intakes/{}", course.intake),
        format!("/intakes/{}/enrollments", course.intake),
        format!("/sessions/{session}"),
        format!("/programs/{program}"),
    ] {
        here.get(&path).expect(200);
        elsewhere.get(&path).expect(404);
    }
    assert_eq!(elsewhere.get("/intakes").expect(200).items().len(), 0);
    let made = here.post("/feeds", json!({ "kind": "trainee", "subject_id": member.trainee })).expect(201);
    assert_eq!((here.get("/feeds").expect(200).items().len(), elsewhere.get("/feeds").expect(200).items().len()), (1, 0));
    let read = |made: &crate::support::Reply| {
        let address = made.text_at("/address");
        app.anonymous().get(address.split_once("/api/v1").unwrap().1).expect(200).text
    };
    let theirs = elsewhere.post("/feeds", json!({ "kind": "trainee", "subject_id": member.trainee })).expect(201);
    assert!(read(&made).contains("S-1") && !read(&theirs).contains("S-1"));
    let changes = format!("/people/{}/changes", member.trainee);
    course.coordinator.post(&format!("/sessions/{session}/cancel"), json!({ "reason": "the room is flooded" })).expect(200);
    assert_eq!((here.get(&changes).expect(200).items().len(), elsewhere.get(&changes).expect(200).items().len()), (1, 0));
}
