//! `/disclosures`: who shows the people of one house to another, from when and until when.

use std::{thread, time::Duration};

use diesel::connection::SimpleConnection;
use muster::access::Role;
use serde_json::{Value, json};

use super::{coordinator, managing_partner};
use crate::support::{App, Client, Kind, TokenOptions, assert_winners, at_once, rounds, seed, seed::Sponsor, spawn_app};

/// A subsidiary and the group, which are houses of their own.
fn houses(app: &App) -> (Sponsor, Sponsor) {
    (seed::sponsor(app, "HONGXING"), seed::sponsor(app, "JISCO"))
}

fn body(organization: &str, recipient: &str) -> Value {
    json!({ "organization_id": organization, "recipient_id": recipient, "reason": "the group reports on all" })
}

fn dated(organization: &str, recipient: &str, from: &str, until: Option<&str>) -> Value {
    let mut body = body(organization, recipient);
    (body["from_at"], body["until_at"]) = (json!(from), json!(until));
    body
}

fn administrator(app: &App) -> Client {
    app.anonymous().signed_in(&app.user(Role::Administrator, None, None))
}

fn end(client: &Client, id: &str) -> crate::support::Reply {
    client.post(&format!("/disclosures/{id}/end"), json!({ "reason": "the subsidiary was sold" }))
}

fn ids(client: &Client) -> Vec<String> {
    client.get("/disclosures?limit=500").expect(200).column("id")
}

#[test]
fn whoever_manages_access_at_the_house_that_is_shown_makes_and_ends_it() {
    let app = spawn_app();
    let (subsidiary, group) = houses(&app);
    let manager = managing_partner(&app, &subsidiary.id);
    let of_plant = managing_partner(&app, &subsidiary.plants[0]);
    let made = manager.post("/disclosures", body(&subsidiary.id, &group.id)).expect(201);
    assert_eq!(made.header("location"), format!("/api/v1/disclosures/{}", made.id()));
    assert_eq!((made.text_at("/organization_code"), made.text_at("/recipient_code")), ("HONGXING".to_owned(), "JISCO".to_owned()));
    assert!(made.body["from_at"] == made.body["created_at"] && made.body["until_at"].is_null(), "{}", made.text);
    let of_plants = of_plant.post("/disclosures", body(&subsidiary.plants[0], &group.id)).expect(201).id();
    // An administrator shows whose people it is asked to; and whoever is above ends it, too.
    let root = administrator(&app);
    let by_root = root.post("/disclosures", body(&subsidiary.plants[1], &group.id)).expect(201).id();
    for id in [&made.id(), &of_plants, &by_root] {
        let ended = end(&manager, id).expect(200);
        assert!(ended.text_at("/until_at") > ended.text_at("/from_at"), "{}", ended.text);
        assert_eq!(manager.get(&format!("/disclosures/{id}")).expect(200).body, ended.body);
        // Once more changes nothing.
        assert_eq!(app.unchanged(|| end(&root, id)).expect(200).body, ended.body);
    }
    let of_journal = |id: &str| app.administrator().get(&format!("/audit?subject_id={id}")).expect(200);
    let journal = of_journal(&made.id());
    assert_eq!(journal.column("action"), ["disclosure.made", "disclosure.ended"]);
    let reasons: Vec<&Value> = journal.items().iter().map(|entry| &entry["reason"]).collect();
    assert_eq!(reasons, ["the group reports on all", "the subsidiary was sold"]);
    // What has ended may be shown anew.
    manager.post("/disclosures", body(&subsidiary.id, &group.id)).expect(201);
}

#[test]
fn nobody_else_makes_or_ends_a_disclosure() {
    let app = spawn_app();
    let (subsidiary, group) = houses(&app);
    let made = administrator(&app).post("/disclosures", body(&subsidiary.id, &group.id)).expect(201).id();
    let new = body(&subsidiary.plants[0], &group.id);
    let signed_in = app.anonymous().signed_in(&app.user(Role::Partner, Some(&subsidiary.id), None));
    let (clerk, of_group) = (coordinator(&app).0, managing_partner(&app, &group.id));
    let of_plant = managing_partner(&app, &subsidiary.plants[0]);
    let managers_token = {
        let issued =
            managing_partner(&app, &subsidiary.plants[1]).post("/tokens", json!({ "name": "t", "expires_at": "2035-01-01T00:00:00Z" }));
        Client::at(&format!("http://{}", app.address), &issued.expect(201).text_at("/secret"))
    };
    app.unchanged(|| {
        for client in [&signed_in, &clerk, &app.auditor(), &app.administrator(), &app.partner(&subsidiary.id)] {
            client.post("/disclosures", new.clone()).expect(403);
        }
        managers_token.post("/disclosures", body(&subsidiary.plants[1], &group.id)).expect(403);
        // The group asks for nobody's people but its own, and a plant for none of its neighbours.
        of_group.post("/disclosures", new.clone()).expect(422).fault("/organization_id", "unknown_organization");
        let neighbours = body(&subsidiary.plants[1], &group.id);
        of_plant.post("/disclosures", neighbours).expect(422).fault("/organization_id", "unknown_organization");
        for client in [&signed_in, &of_group, &app.administrator(), &app.partner(&group.id)] {
            end(client, &made).expect(403);
        }
        for client in [&clerk, &app.auditor(), &of_plant] {
            end(client, &made).expect(404);
        }
        app.anonymous().get("/disclosures").expect(401);
    });
    // What was tried is privileged, and the journal has it.
    let refused = app.administrator().get("/audit?action=action.refused&limit=500").expect(200);
    assert!(refused.text.contains("show the people of one house to another"), "{}", refused.text);
}

#[test]
fn both_sides_are_told_of_a_disclosure_and_nobody_else_is() {
    let app = spawn_app();
    let (subsidiary, group) = houses(&app);
    let other = seed::sponsor(&app, "OTHER");
    let manager = managing_partner(&app, &subsidiary.id);
    let of_plant = manager.post("/disclosures", body(&subsidiary.plants[0], &group.plants[0])).expect(201).id();
    let whole = manager.post("/disclosures", dated(&subsidiary.id, &group.id, "2090-01-01T00:00:00Z", None)).expect(201).id();
    let both = vec![of_plant.clone(), whole.clone()];
    for (client, told) in [
        (manager, both.clone()),
        (managing_partner(&app, &group.id), both.clone()),
        (administrator(&app), both),
        (app.administrator(), vec![of_plant.clone(), whole.clone()]),
        (managing_partner(&app, &group.plants[0]), vec![of_plant.clone()]),
        (managing_partner(&app, &subsidiary.plants[0]), vec![of_plant.clone()]),
        (managing_partner(&app, &subsidiary.plants[1]), vec![]),
        (managing_partner(&app, &other.id), vec![]),
    ] {
        assert_eq!(ids(&client), told);
        for id in [&of_plant, &whole] {
            client.get(&format!("/disclosures/{id}")).expect(if told.contains(id) { 200 } else { 404 });
        }
    }
    for client in [app.coordinator(), app.auditor(), app.partner(&group.id)] {
        client.get("/disclosures").expect(403);
    }
    let narrowed = app.client_for(
        Role::Administrator,
        None,
        None,
        TokenOptions { intake: Some(seed::course_called(&app, "X", "X").intake), ..TokenOptions::default() },
    );
    narrowed.get("/disclosures").expect(403);
}

#[test]
fn a_disclosure_leads_from_one_house_to_another_from_now_or_later_on() {
    let app = spawn_app();
    let (subsidiary, group) = houses(&app);
    let (manager, root) = (managing_partner(&app, &subsidiary.id), administrator(&app));
    let (early, late) = ("2090-01-01T00:00:00Z", "2091-01-01T00:00:00Z");
    let refused = |client: &Client, body: Value, pointer: &str, code: &str| {
        app.unchanged(|| client.post("/disclosures", body.clone())).expect(422).fault(pointer, code);
    };
    for client in [&manager, &root] {
        refused(client, body(&subsidiary.id, &subsidiary.id), "/recipient_id", "own_house");
        refused(client, body(&subsidiary.id, &subsidiary.plants[0]), "/recipient_id", "own_house");
        refused(client, body(&subsidiary.plants[1], &subsidiary.plants[0]), "/recipient_id", "own_house");
        refused(client, body(&subsidiary.id, &app.absent_id()), "/recipient_id", "unknown_organization");
        refused(client, body(&app.absent_id(), &group.id), "/organization_id", "unknown_organization");
        refused(client, dated(&subsidiary.id, &group.id, "2020-01-01T00:00:00Z", None), "/from_at", "from_past");
        refused(client, dated(&subsidiary.id, &group.id, late, Some(early)), "/until_at", "until_past");
        refused(client, dated(&subsidiary.id, &group.id, early, Some(early)), "/until_at", "until_past");
    }
    let mut without_end = body(&subsidiary.id, &group.id);
    without_end["until_at"] = json!("2020-01-01T00:00:00Z");
    refused(&manager, without_end, "/until_at", "until_past");
    let mut unexplained = body(&subsidiary.id, &group.id);
    unexplained["reason"] = Value::Null;
    manager.post("/disclosures", unexplained).expect(422);
    let id = manager.post("/disclosures", body(&subsidiary.id, &group.id)).expect(201).id();
    manager.post(&format!("/disclosures/{id}/end"), json!({})).expect(422);
}

#[test]
fn the_same_people_are_shown_to_the_same_house_once_at_a_time() {
    let app = spawn_app();
    let (subsidiary, group) = houses(&app);
    let manager = managing_partner(&app, &subsidiary.id);
    let [one, two, three, four] = [2090, 2091, 2092, 2093].map(|year| format!("{year}-01-01T00:00:00Z"));
    let post = |from: &str, until: Option<&str>| manager.post("/disclosures", dated(&subsidiary.id, &group.id, from, until));
    let second = post(&two, Some(&three)).expect(201).id();
    for (from, until) in [(&one, None), (&one, Some(&four)), (&two, Some(&three)), (&two, None)] {
        let until = until.map(String::as_str);
        app.unchanged(|| post(from, until)).expect(409).problem("disclosed_already");
    }
    app.unchanged(|| manager.post("/disclosures", body(&subsidiary.id, &group.id))).expect(409).problem("disclosed_already");
    // One ends as the next begins; and another pair is another matter.
    let first = post(&one, Some(&two)).expect(201).id();
    post(&three, None).expect(201);
    manager.post("/disclosures", body(&subsidiary.plants[0], &group.id)).expect(201);
    manager.post("/disclosures", body(&subsidiary.id, &group.plants[0])).expect(201);
    // One that was ended before it began never does, and is in nobody's way.
    let ended = end(&manager, &second).expect(200);
    assert_eq!(ended.body["until_at"], ended.body["from_at"]);
    assert_eq!(app.unchanged(|| end(&manager, &second)).expect(200).body, ended.body);
    end(&manager, &first).expect(200);
    post(&one, Some(&three)).expect(201);
}

#[test]
fn the_database_refuses_what_the_rules_refuse() {
    let app = spawn_app();
    let (subsidiary, group) = houses(&app);
    let manager = managing_partner(&app, &subsidiary.id);
    let made =
        manager.post("/disclosures", dated(&subsidiary.id, &group.id, "2090-01-01T00:00:00Z", Some("2092-01-01T00:00:00Z"))).expect(201);
    let [id, whose, to, another] = [&made.id(), &subsidiary.id, &group.id, &group.plants[0]].map(|id| app.hex(id));
    let at = |year: i32| app.instant(&format!("{year}-01-01T00:00:00Z"));
    let insert = |whose: &str, to: &str, from: &str, until: &str| {
        let values = format!("{}, {whose}, {to}, {from}, {until}, 'because', NULL, {from}", app.hex(&app.absent_id()));
        format!(
            "INSERT INTO disclosures (id, organization_id, recipient_id, from_at, until_at, reason, user_id, created_at) VALUES ({values})"
        )
    };
    let plant = app.hex(&subsidiary.plants[0]);
    let refusals = [
        (insert(&whose, &to, &at(2091), "NULL"), "muster:disclosed_already"),
        (insert(&whose, &to, &at(2080), &at(2091)), "muster:disclosed_already"),
        (insert(&whose, &to, &at(2080), "NULL"), "muster:disclosed_already"),
        (insert(&whose, &whose, &at(2080), "NULL"), "muster:own_house"),
        (insert(&whose, &plant, &at(2080), "NULL"), "muster:own_house"),
        (insert(&whose, &another, &at(2080), &at(2079)), "check"),
        (format!("UPDATE disclosures SET until_at = {} WHERE id = {id}", at(2093)), "muster:immutable"),
        (format!("UPDATE disclosures SET until_at = NULL WHERE id = {id}"), "muster:immutable"),
        (format!("UPDATE disclosures SET from_at = {} WHERE id = {id}", at(2080)), "muster:immutable"),
        (format!("UPDATE disclosures SET recipient_id = {another} WHERE id = {id}"), "muster:immutable"),
        (format!("UPDATE disclosures SET reason = 'another' WHERE id = {id}"), "muster:immutable"),
        (format!("DELETE FROM disclosures WHERE id = {id}"), "muster:immutable"),
    ];
    for (statement, why) in refusals {
        let message = app.refusal(&statement).to_lowercase();
        assert!(message.contains(why), "{statement}: {message}");
    }
    for statement in [
        format!("UPDATE disclosures SET until_at = {} WHERE id = {id}", at(2091)),
        insert(&whose, &to, &at(2091), "NULL"),
        insert(&whose, &another, &at(2091), "NULL"),
    ] {
        app.sql(&statement).unwrap();
    }
}

/// Who asks is known before the role ends, and nothing is written in it after that.
#[test]
fn whoever_shows_people_still_has_the_role_when_that_is_written() {
    let app = spawn_app();
    let (subsidiary, group) = houses(&app);
    let manager = managing_partner(&app, &subsidiary.id);
    let user = manager.get("/account").expect(200).text_at("/user_id");
    let ending = format!("UPDATE role_grants SET until_at = from_at WHERE user_id = {};", app.hex(&user));
    let mut holder = app.database.connect();
    let reply = thread::scope(|scope| {
        if app.database.kind() == Kind::Sqlite {
            holder.batch_execute(&ending).unwrap();
            return manager.post("/disclosures", body(&subsidiary.id, &group.id));
        }
        let lock = format!("SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ':user:{user}', 0));");
        holder.batch_execute(&format!("BEGIN; {lock}")).unwrap();
        let sent = scope.spawn(|| manager.post("/disclosures", body(&subsidiary.id, &group.id)));
        thread::sleep(Duration::from_millis(500));
        holder.batch_execute(&format!("{ending} COMMIT")).unwrap();
        sent.join().unwrap()
    });
    reply.expect(401);
    assert_eq!(app.count("SELECT count(*) FROM disclosures"), 0);
}

#[test]
fn of_two_who_show_the_same_at_once_one_does_and_two_may_end_it() {
    let app = spawn_app();
    let (subsidiary, group) = houses(&app);
    let managers = [(); 4].map(|()| administrator(&app));
    for _ in 0..rounds().min(20) {
        let replies = at_once(managers.len(), |index| managers[index].post("/disclosures", body(&subsidiary.id, &group.id)));
        let made = replies.iter().find(|reply| reply.status == 201).map(|reply| reply.id());
        assert_winners(replies, 1, "disclosed_already");
        let ended = at_once(managers.len(), |index| end(&managers[index], made.as_ref().unwrap()));
        for reply in ended {
            assert!(reply.expect(200).body["until_at"].is_string());
        }
    }
    assert_eq!(app.count("SELECT count(*) FROM disclosures WHERE until_at IS NULL"), 0);
    assert_eq!(app.findings(), Vec::<String>::new());
}
