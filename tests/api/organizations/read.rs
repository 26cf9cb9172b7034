use serde_json::json;

use crate::support::{Reply, seed, spawn_app};

#[test]
fn an_organization_is_read_with_its_tag() {
    let app = spawn_app();
    let sponsor = seed::sponsor(&app, "JISCO");
    let reply = app.administrator().get(&format!("/organizations/{}", sponsor.plants[0])).expect(200);
    assert!(reply.etag().starts_with("\"v1-"), "the version, and a hash of what is shown: {}", reply.etag());
    assert_eq!(reply.header("cache-control"), "private, no-cache");
    insta::assert_json_snapshot!(reply.redacted());
}

#[test]
fn who_has_it_already_is_not_sent_it_again() {
    let app = spawn_app();
    let path = format!("/organizations/{}", seed::sponsor(&app, "JISCO").id);
    let admin = app.administrator();
    let etag = admin.get(&path).etag();
    for known in [etag.clone(), format!("\"other\", {etag}"), format!("W/{etag}"), "*".to_owned()] {
        let reply = admin.if_none_match(&known).get(&path).expect(304);
        assert_eq!((reply.text.as_str(), reply.etag()), ("", etag.clone()));
    }
    admin.if_none_match("\"other\"").get(&path).expect(200);
}

#[test]
fn what_is_missing_malformed_or_invisible_is_answered_alike() {
    let app = spawn_app();
    let (ours, theirs) = (seed::sponsor(&app, "JISCO"), seed::sponsor(&app, "BAOWU"));
    let partner = app.partner(&ours.id);
    let problem = |reply: Reply| {
        let mut reply = reply.expect(404).problem("not_found");
        reply.body["instance"].take();
        reply.body
    };
    let answer = |id: &str| problem(partner.get(&format!("/organizations/{id}")));
    let missing = answer(&app.absent_id());
    for id in ["x", "1", "%00", "0190b5a0", &theirs.id, &theirs.plants[0]] {
        assert_eq!(answer(id), missing, "{id}");
    }
    insta::assert_json_snapshot!(missing);
}

#[test]
fn a_partner_sees_its_own_house_and_at_a_unit_only_that() {
    let app = spawn_app();
    let sponsor = seed::sponsor(&app, "JISCO");
    let house = app.partner(&sponsor.id);
    for id in [&sponsor.id, &sponsor.plants[0], &sponsor.plants[1]] {
        house.get(&format!("/organizations/{id}")).expect(200);
    }
    let plant = app.partner(&sponsor.plants[0]);
    plant.get(&format!("/organizations/{}", sponsor.plants[0])).expect(200);
    plant.get(&format!("/organizations/{}", sponsor.plants[1])).expect(404);
    plant.get(&format!("/organizations/{}", sponsor.id)).expect(404);
    // A coordinator sees the directory.
    app.coordinator().get(&format!("/organizations/{}", sponsor.id)).expect(200);
}

#[test]
fn head_answers_as_get_without_the_body() {
    let app = spawn_app();
    let path = format!("/organizations/{}", seed::sponsor(&app, "JISCO").id);
    let (get, head) = (app.administrator().get(&path).expect(200), app.administrator().head(&path).expect(200));
    assert_eq!(head.text, "");
    for header in ["etag", "content-type", "content-length", "cache-control"] {
        assert_eq!(head.header(header), get.header(header), "{header}");
    }
    app.administrator().head("/organizations/x").expect(404);
    app.anonymous().head(&path).expect(401);
}

#[test]
fn another_method_is_refused_with_those_that_are_known() {
    let app = spawn_app();
    let path = format!("/organizations/{}", seed::sponsor(&app, "JISCO").id);
    let admin = app.administrator();
    for method in ["DELETE", "POST", "PUT", "OPTIONS", "TRACE", "PURGE"] {
        let reply = admin.send(method, &path, None).expect(405).problem("method_not_allowed");
        assert_eq!(reply.header("allow"), "GET, HEAD, PATCH", "{method}");
    }
    admin.put(&path, json!({})).expect(405);
    assert_eq!(admin.delete("/organizations").expect(405).header("allow"), "GET, HEAD, POST");
}
