//! `POST /feeds`, `GET /feeds` and `POST /feeds/{id}/revoke`.

use muster::{access::Role, config::Settings};
use serde_json::json;

use super::{calendar_of, codes, feed};
use crate::support::{TestDatabase, TokenOptions, seed, spawn_app, spawn_app_with};

#[test]
fn a_coordinator_makes_a_feed_of_anything_and_sees_its_address_once() {
    let app = spawn_app();
    let course = seed::course(&app);
    let trainee = seed::enrolled(&course, 1).remove(0).trainee;
    let room = course.coordinator.post("/rooms", json!({ "code": "A-301", "name": "301", "kind": "on_site" })).expect(201).id();
    let subjects = [
        ("instructor", &course.instructor),
        ("trainee", &trainee),
        ("cohort", &course.metallurgy),
        ("room", &room),
        ("intake", &course.intake),
    ];
    for (kind, subject) in subjects {
        let made = course.coordinator.post("/feeds", json!({ "kind": kind, "subject_id": subject })).expect(201);
        assert_eq!(
            (&made.body["kind"], &made.body["subject_id"], &made.body["role"]),
            (&json!(kind), &json!(subject), &json!("coordinator"))
        );
        assert!(made.text_at("/subject_name").len() > 2, "{}", made.text);
        let (address, webcal) = (made.text_at("/address"), made.text_at("/webcal_address"));
        assert!(address.starts_with(&format!("http://{}/api/v1/schedules/muster_", app.address)), "{address}");
        assert_eq!(webcal.strip_prefix("webcal"), address.strip_prefix("http"));
        let found = course.coordinator.get(made.header("location")).expect(200).items().last().unwrap().clone();
        let named = |feed: &serde_json::Value| [&feed["id"], &feed["subject_name"]].map(ToString::to_string);
        assert_eq!(named(&found), named(&made.body));
        assert_eq!(app.anonymous().get(&calendar_of(&made)).expect(200).header("content-type"), "text/calendar; charset=utf-8");
        let entry = &app.auditor().get(&format!("/audit?subject_id={}", made.id())).expect(200).body["items"][0];
        assert_eq!((&entry["action"], &entry["to"]["kind"]), (&json!("feed.created"), &json!(kind)));
    }
    let listed = course.coordinator.get("/feeds").expect(200);
    assert_eq!(listed.column("kind"), subjects.map(|(kind, _)| kind));
    assert_eq!(listed.column("subject_name"), ["教授 HONGXING-P1", "学员 0001", "MET-1 班", "301", "第三期"]);
    assert!(!listed.text.contains("address") && !listed.text.contains("hash"), "{}", listed.text);
}

#[test]
fn an_address_begins_as_a_trusted_proxy_says_and_as_nobody_else_does() {
    let trusted = Settings { trusted_proxies: "127.0.0.0/8".to_owned().try_into().unwrap(), ..Settings::default() };
    for (settings, begins) in [(trusted, "https://muster.example.org/"), (Settings::default(), "http://127.0.0.1:")] {
        let app = spawn_app_with(TestDatabase::create(), settings);
        let course = seed::course(&app);
        let proxied = course.coordinator.with_header("x-forwarded-proto", "https").with_header("x-forwarded-host", "muster.example.org");
        let made = proxied.post("/feeds", json!({ "kind": "intake", "subject_id": course.intake })).expect(201);
        assert!(made.text_at("/address").starts_with(begins), "{}", made.text);
        let webcal = begins.replace("https:", "webcal:").replace("http:", "webcal:");
        assert!(made.text_at("/webcal_address").starts_with(&webcal), "{}", made.text);
    }
}

#[test]
fn the_secret_is_kept_nowhere() {
    let app = spawn_app();
    let course = seed::course(&app);
    let once = course.coordinator.idempotency_key("one telephone");
    let body = json!({ "kind": "intake", "subject_id": course.intake });
    let made = once.post("/feeds", body.clone()).expect(201);
    let again = once.post("/feeds", body).expect(201);
    assert_eq!((again.id(), again.header("idempotency-replayed")), (made.id(), "true"));
    assert_eq!((&again.body["address"], &again.body["webcal_address"]), (&json!(null), &json!(null)));
    let address = made.text_at("/address");
    let secret = address.rsplit('/').next().unwrap().trim_end_matches(".ics");
    for query in ["SELECT body FROM idempotency_keys", "SELECT prefix FROM feeds", "SELECT body FROM journal_payloads"] {
        let texts: Vec<String> = app.database.texts(query).into_iter().flatten().collect();
        assert!(!texts.is_empty() && texts.iter().all(|text| !text.contains(secret)), "{query}");
    }
}

#[test]
fn an_instructor_and_a_trainee_make_feeds_of_themselves() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 2);
    let (own, other) = (&members[0].trainee, &members[1].trainee);
    let (instructor, trainee) = (app.instructor(&course.instructor), app.trainee(own));
    let colleague = seed::instructor(&app, &course.coordinator, "P2");
    seed::published_session(&course, "P-1", &seed::morning(1));
    feed(&instructor, "instructor", &course.instructor);
    feed(&trainee, "trainee", own);
    feed(&course.coordinator, "trainee", own);
    feed(&course.coordinator, "trainee", other);
    app.unchanged(|| {
        let ask = |kind: &str, id: &str| json!({ "kind": kind, "subject_id": id });
        for (kind, subject, status) in [
            ("trainee", own, 403),
            ("intake", &course.intake, 403),
            ("cohort", &course.metallurgy, 403),
            ("cohort", &course.mechanics, 404),
            ("instructor", &colleague, 404),
        ] {
            instructor.post("/feeds", ask(kind, subject)).expect(status);
        }
        for (kind, subject, status) in
            [("trainee", other, 404), ("instructor", &course.instructor, 404), ("intake", &course.intake, 403), ("instructor", own, 404)]
        {
            trainee.post("/feeds", ask(kind, subject)).expect(status);
        }
        // An instructor is no trainee, nor a room an intake.
        course.coordinator.post("/feeds", ask("trainee", &course.instructor)).expect(404);
        course.coordinator.post("/feeds", ask("room", &course.intake)).expect(404);
    });
    assert_eq!(instructor.get("/feeds").expect(200).column("subject_id"), [course.instructor.as_str()]);
    assert_eq!(trainee.get("/feeds").expect(200).column("role"), ["trainee", "coordinator"]);
}

#[test]
fn a_revoked_address_and_one_that_never_was_are_not_told_apart() {
    let app = spawn_app();
    let course = seed::course(&app);
    let made = course.coordinator.post("/feeds", json!({ "kind": "intake", "subject_id": course.intake })).expect(201);
    let path = calendar_of(&made);
    app.anonymous().get(&path).expect(200);
    let revoke = format!("/feeds/{}/revoke", made.id());
    let revoked = course.coordinator.post(&revoke, json!({ "reason": "lost" })).expect(200);
    assert!(revoked.body["revoked_at"].is_string());
    // Again it is what it was.
    assert_eq!(course.coordinator.post(&revoke, json!({})).expect(200).body["revoked_at"], revoked.body["revoked_at"]);
    assert_eq!(app.auditor().get("/audit?action=feed.revoked").expect(200).items().len(), 1);
    let gone = |path: &str| {
        let mut body = app.anonymous().get(path).expect(404).problem("not_found").body;
        body.as_object_mut().unwrap().remove("instance");
        body
    };
    let other = path.replace("muster_", "muster-");
    for unknown in [&other, path.trim_end_matches(".ics"), "/schedules/x.ics", "/schedules/.ics"] {
        assert_eq!(gone(&path), gone(unknown), "{unknown}");
    }
}

#[test]
fn a_feed_of_the_own_schedule_ends_with_the_role() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let past = app.instant("2020-01-01T00:00:00Z");
    let trainee = app.trainee(&member.trainee);
    let (own, given) = (feed(&trainee, "trainee", &member.trainee), feed(&course.coordinator, "trainee", &member.trainee));
    app.anonymous().get(&own).expect(200);
    app.end_grant(&trainee);
    app.anonymous().get(&own).expect(404);
    let instructor = app.instructor(&course.instructor);
    let own = feed(&instructor, "instructor", &course.instructor);
    let user = app.hex(instructor.user_id.as_deref().unwrap());
    app.sql(&format!("UPDATE users SET disabled_at = {past} WHERE id = {user}")).unwrap();
    app.anonymous().get(&own).expect(404);
    // What the provider gave out is the provider's, whoever acted for it.
    app.end_grant(&course.coordinator);
    app.anonymous().get(&given).expect(200);
    // Whoever follows sees whose it was, and ends it.
    let successor = app.coordinator_of(&app.provider().id);
    let feeds = successor.get("/feeds").expect(200);
    let outlived = feeds.items().iter().find(|feed| feed["role"] == "coordinator").unwrap();
    let maker = app.hex(course.coordinator.user_id.as_deref().unwrap());
    let name = app.database.texts(&format!("SELECT name FROM users WHERE id = {maker}"));
    assert_eq!(json!([outlived["made_by"]]), json!(name));
    successor.post(&format!("/feeds/{}/revoke", outlived["id"].as_str().unwrap()), json!({})).expect(200);
    app.anonymous().get(&given).expect(404);
}

#[test]
fn a_feed_of_a_trainee_ends_with_what_its_provider_has_to_do_with_them() {
    let app = spawn_app();
    let unit = app.provider().units[0].clone();
    let course = seed::course_of(&app, app.coordinator_of(&unit), "UNIT", "UNIT");
    // Completed is open; what ends an enrollment ends the feed (DOMAIN 2.2).
    for (state, step, status) in [("enrolled", "complete", 200), ("enrolled", "withdraw", 404), ("nominated", "reject", 404)] {
        let trainee = seed::recruit(&course);
        let mut body = seed::enrollment_body(&course, &trainee);
        body["state"] = json!(state);
        let enrollment = course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), body).expect(201).id();
        // Recorded by the house, the trainee is the unit's by the enrollment alone.
        let (house, key) = (app.hex(&app.provider().id), app.hex(&trainee));
        app.sql(&format!("UPDATE people SET provider_id = {house} WHERE id = {key}")).unwrap();
        let given = feed(&course.coordinator, "trainee", &trainee);
        let of_house = feed(&app.coordinator(), "trainee", &trainee);
        app.anonymous().get(&given).expect(200);
        course.coordinator.post(&format!("/enrollments/{enrollment}/{step}"), json!({ "reason": "so it is" })).expect(200);
        app.anonymous().get(&given).expect(status);
        app.anonymous().get(&of_house).expect(200);
        // Nor is one made that would be read by nobody.
        let again = course.coordinator.post("/feeds", json!({ "kind": "trainee", "subject_id": trainee }));
        if status == 200 {
            again.expect(201)
        } else {
            again.expect(409).problem("not_enrolled")
        };
    }
    assert_eq!(app.findings_of("feeds"), Vec::<String>::new());
}

#[test]
fn a_trainees_own_feed_shows_the_provider_for_which_the_role_is() {
    let app = spawn_app();
    let course = seed::course(&app);
    let provider = seed::organization(&app, "NEU", "东北大学", "university", None);
    let theirs = seed::course_of(&app, app.coordinator_of(&provider), "NEU", "BAOWU");
    let trainee = seed::recruit(&course);
    let lend = |to: &str| {
        let (person, to) = (app.hex(&trainee), app.hex(to));
        app.sql(&format!("UPDATE people SET provider_id = {to} WHERE id = {person}")).unwrap();
    };
    for (of, owner) in [(&course, &app.provider().id), (&theirs, &provider)] {
        let mut body = seed::enrollment_body(of, &trainee);
        body["unit_id"] = json!(course.sponsor.plants[0]);
        lend(owner);
        of.coordinator.post(&format!("/intakes/{}/enrollments", of.intake), body).expect(201);
    }
    lend(&app.provider().id);
    seed::published_session(&course, "OWN", &seed::morning(1));
    seed::published_session(&theirs, "THEIRS", &seed::morning(2));
    let at = |provider: &str| app.client_for(Role::Trainee, Some(provider), Some(&trainee), TokenOptions::default());
    let (here, there) = (at(&app.provider().id), at(&provider));
    let make = |client: &crate::support::Client| client.post("/feeds", json!({ "kind": "trainee", "subject_id": trainee })).expect(201);
    let (made, of_theirs) = (make(&here), make(&there));
    let own = calendar_of(&made);
    assert_eq!(codes(&app, &own), ["OWN"]);
    assert_eq!(codes(&app, &calendar_of(&of_theirs)), ["THEIRS"]);
    // What a provider gives out shows its own sessions too.
    assert_eq!(codes(&app, &feed(&theirs.coordinator, "trainee", &trainee)), ["THEIRS"]);
    // It is the provider's of the role, whoever recorded or enrolled the trainee.
    let ids = |client: &crate::support::Client| client.get("/feeds").expect(200).column("id");
    assert_eq!(ids(&course.coordinator), [made.id()]);
    assert!(ids(&theirs.coordinator).contains(&of_theirs.id()) && !ids(&theirs.coordinator).contains(&made.id()));
    let revoke = format!("/feeds/{}/revoke", made.id());
    theirs.coordinator.post(&revoke, json!({})).expect(404);
    course.coordinator.post(&revoke, json!({ "reason": "lost" })).expect(200);
    app.anonymous().get(&own).expect(404);
    // The role is what the own feed hangs on.
    let again = feed(&here, "trainee", &trainee);
    app.anonymous().get(&again).expect(200);
    app.end_grant(&here);
    app.anonymous().get(&again).expect(404);
}

#[test]
fn an_instructors_own_feed_shows_the_provider_for_which_the_role_is() {
    let app = spawn_app();
    let course = seed::course(&app);
    let provider = seed::organization(&app, "NEU", "东北大学", "university", None);
    let theirs = seed::course_of(&app, app.coordinator_of(&provider), "NEU", "BAOWU");
    seed::published_session(&course, "OWN", &seed::morning(1));
    let lend = |to: &str| {
        let (person, to) = (app.hex(&course.instructor), app.hex(to));
        app.sql(&format!("UPDATE people SET provider_id = {to} WHERE id = {person}")).unwrap();
    };
    lend(&provider);
    let mut body = seed::session_body(&theirs, "THEIRS", &seed::morning(2));
    body["instructor_ids"] = json!([course.instructor]);
    seed::published_session_as(&theirs, body);
    lend(&app.provider().id);
    let at = |organization: &str| app.client_for(Role::Instructor, Some(organization), Some(&course.instructor), TokenOptions::default());
    let (here, there, nowhere) = (at(&app.provider().id), at(&provider), at(&course.sponsor.id));
    assert_eq!(codes(&app, &feed(&here, "instructor", &course.instructor)), ["OWN"]);
    assert_eq!(codes(&app, &feed(&there, "instructor", &course.instructor)), ["THEIRS"]);
    // A role at an organization that teaches nothing opens nothing.
    assert_eq!(codes(&app, &feed(&nowhere, "instructor", &course.instructor)), [""; 0]);
    // All are of a person whom the one provider recorded; the other sees what shows its sessions.
    assert_eq!(course.coordinator.get("/feeds").expect(200).items().len(), 3);
    assert_eq!(theirs.coordinator.get("/feeds").expect(200).items().len(), 1);
    assert_eq!(there.get("/feeds").expect(200).items().len(), 1);
}

#[test]
fn a_token_for_one_intake_sees_its_feeds_and_makes_none() {
    let app = spawn_app();
    let course = seed::course(&app);
    let other = seed::course_called(&app, "OTHER", "OTHER");
    for (kind, subject) in
        [("intake", &course.intake), ("cohort", &course.metallurgy), ("intake", &other.intake), ("instructor", &course.instructor)]
    {
        feed(&course.coordinator, kind, subject);
    }
    let options = TokenOptions { intake: Some(course.intake.clone()), ..TokenOptions::default() };
    let narrowed = app.client_for(Role::Coordinator, Some(&app.provider().id), None, options);
    assert_eq!(narrowed.get("/feeds").expect(200).column("kind"), ["intake", "cohort"]);
    app.unchanged(|| narrowed.post("/feeds", json!({ "kind": "intake", "subject_id": course.intake })).expect(403));
}
