//! `/sessions/{id}/waivers`.

use muster::access::Role;
use serde_json::json;

use crate::support::{Client, Reply, TokenOptions, at_once, rounds, seed, seed::Course, spawn_app};

fn publish(course: &Course, id: &str) -> Reply {
    course.coordinator.post(&format!("/sessions/{id}/publish"), json!({}))
}

fn waive(course: &Course, one: &str, other: &str) -> Reply {
    course.coordinator.post(&format!("/sessions/{one}/waivers"), json!({ "other_session_id": other, "reason": "one laboratory" }))
}

fn revoke(course: &Course, one: &str, other: &str) -> Reply {
    course.coordinator.post(&format!("/sessions/{one}/waivers/{other}/revoke"), json!({ "reason": "a second laboratory" }))
}

#[test]
fn a_waiver_is_good_for_one_pair() {
    let app = spawn_app();
    let course = seed::course(&app);
    let first = seed::published_session(&course, "P-1", &seed::morning(1));
    let (second, third) = (seed::session(&course, "P-2", &seed::morning(1)), seed::session(&course, "P-3", &seed::morning(1)));
    publish(&course, &second).expect(409).problem("session_conflict");
    let waiver = waive(&course, &second, &first).expect(201);
    assert_eq!(waiver.body["reason"], "one laboratory");
    assert!(waiver.body["granted_by"].is_string(), "{}", waiver.text);
    publish(&course, &second).expect(200);
    // The waived two are guarded against a third.
    app.unchanged(|| publish(&course, &third).expect(409).problem("session_conflict"));
    waive(&course, &first, &third).expect(201);
    app.unchanged(|| {
        let detail = publish(&course, &third).expect(409).problem("session_conflict").text_at("/detail");
        assert!(detail.contains("P-2") && !detail.contains("P-1 "), "{detail}");
    });
    waive(&course, &third, &second).expect(201);
    publish(&course, &third).expect(200);
    assert_eq!(app.count("SELECT count(*) FROM claims"), 6);
}

#[test]
fn a_waiver_is_granted_once_with_a_reason_by_a_coordinator() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (one, other) = (seed::session(&course, "P-1", &seed::morning(1)), seed::session(&course, "P-2", &seed::morning(1)));
    let path = format!("/sessions/{one}/waivers");
    app.unchanged(|| {
        course.coordinator.post(&path, json!({ "other_session_id": one, "reason": "x" })).fault("/other_session_id", "same_session");
        course.coordinator.post(&path, json!({ "other_session_id": other })).fault("/reason", "missing_field");
        course.coordinator.post(&path, json!({ "other_session_id": app.absent_id(), "reason": "x" })).expect(404);
        app.auditor().post(&path, json!({ "other_session_id": other, "reason": "x" })).expect(403);
    });
    let granted = course.coordinator.post(&path, json!({ "other_session_id": other, "reason": "one laboratory" })).expect(201);
    app.unchanged(|| {
        let detail = waive(&course, &other, &one).expect(409).problem("already_exists").text_at("/detail");
        for told in ["P-1", "P-2", "one laboratory", &granted.text_at("/granted_by")] {
            assert!(detail.contains(told), "{detail}");
        }
    });
}

#[test]
fn what_is_cancelled_needs_no_waiver() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (one, other) = (seed::session(&course, "P-1", &seed::morning(1)), seed::published_session(&course, "P-2", &seed::morning(1)));
    course.coordinator.post(&format!("/sessions/{other}/cancel"), json!({ "reason": "storm" })).expect(200);
    app.unchanged(|| {
        for (id, with) in [(&one, &other), (&other, &one)] {
            let detail = waive(&course, id, with).expect(409).problem("session_closed").text_at("/detail");
            assert!(detail.contains("P-2 is cancelled"), "{detail}");
        }
    });
}

#[test]
fn a_pair_that_shares_nothing_yet_is_waived_before_it_does() {
    let app = spawn_app();
    let course = seed::course(&app);
    let first = seed::published_session(&course, "P-1", &seed::morning(1));
    let mut apart = seed::session_body(&course, "P-2", &seed::morning(1));
    apart["cohort_ids"] = json!([course.mechanics]);
    apart["module_id"] = json!(course.program.mechanics_module);
    apart["instructor_ids"] = json!([]);
    let second = seed::published_session_as(&course, apart);
    let join = || {
        let patch = json!({ "instructor_ids": [course.instructor], "reason": "nobody else" });
        course.coordinator.if_match("*").patch(&format!("/sessions/{second}"), patch)
    };
    app.unchanged(|| join().expect(409).problem("session_conflict"));
    waive(&course, &second, &first).expect(201);
    join().expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn the_waivers_of_a_session_are_listed_with_what_rests_on_them() {
    let app = spawn_app();
    let course = seed::course(&app);
    let first = seed::published_session(&course, "P-1", &seed::morning(1));
    let (second, third) = (seed::session(&course, "P-2", &seed::morning(1)), seed::session(&course, "P-3", &seed::morning(1)));
    // Touches the first one, and does not overlap it.
    let after = seed::published_session(&course, "P-4", &seed::after(&seed::morning(1), 90));
    for (one, other) in [(&second, &first), (&third, &first), (&after, &first), (&second, &third)] {
        waive(&course, one, other).expect(201);
    }
    publish(&course, &second).expect(200);
    let listed = |client: &Client, id: &str| client.get(&format!("/sessions/{id}/waivers")).expect(200);
    let told = listed(&course.coordinator, &first);
    assert_eq!(told.column("other_code"), ["P-2", "P-3", "P-4"]);
    assert_eq!(told.column("overlaps"), ["true", "false", "false"]);
    assert_eq!((told.column("session_id"), told.column("reason")), (vec![first.clone(); 3], vec!["one laboratory".to_owned(); 3]));
    assert!(told.items().iter().all(|one| one["granted_by"].is_string() && one["granted_at"].is_string()), "{}", told.text);
    assert_eq!(listed(&app.auditor(), &first).body, told.body);
    assert_eq!(listed(&course.coordinator, &second).column("other_session_id"), [first.clone(), third.clone()]);
    // A page at a time comes to the same, from either side of a pair.
    for id in [&first, &second, &third] {
        let all = listed(&course.coordinator, id).column("other_session_id");
        let (mut seen, mut next) = (Vec::new(), String::new());
        while seen.len() < all.len() {
            let page = course.coordinator.get(&format!("/sessions/{id}/waivers?limit=1{next}")).expect(200);
            assert_eq!(page.items().len(), 1);
            seen.extend(page.column("other_session_id"));
            next = page.body["next"].as_str().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        }
        assert_eq!((seen, next.as_str()), (all, ""));
    }
    app.unchanged(|| app.instructor(&course.instructor).get(&format!("/sessions/{first}/waivers")).expect(403));
}

#[test]
fn who_sees_one_of_the_two_is_not_told_why_they_may_overlap() {
    let app = spawn_app();
    let course = seed::course(&app);
    let next = seed::course_called(&app, "NEXT", "HBIS");
    let (here, there) = (seed::session(&course, "P-1", &seed::morning(1)), seed::session(&next, "SECRET", &seed::morning(1)));
    waive(&course, &here, &there).expect(201);
    let options = TokenOptions { intake: Some(course.intake.clone()), ..TokenOptions::default() };
    let narrowed = app.client_for(Role::Coordinator, Some(&app.provider().id), None, options);
    let one = &narrowed.get(&format!("/sessions/{here}/waivers")).expect(200).items()[0].clone();
    assert_eq!((&one["other_code"], &one["reason"], &one["granted_by"]), (&json!(null), &json!(null), &json!(null)));
    app.unchanged(|| narrowed.post(&format!("/sessions/{here}/waivers/{there}/revoke"), json!({ "reason": "x" })).expect(404));
}

#[test]
fn a_waiver_is_revoked_while_nothing_rests_on_it() {
    let app = spawn_app();
    let course = seed::course(&app);
    let first = seed::published_session(&course, "P-1", &seed::morning(1));
    let second = seed::session(&course, "P-2", &seed::morning(1));
    waive(&course, &first, &second).expect(201);
    app.unchanged(|| {
        let path = format!("/sessions/{first}/waivers/{second}/revoke");
        course.coordinator.post(&path, json!({})).fault("/reason", "missing_field");
        app.auditor().post(&path, json!({ "reason": "x" })).expect(403);
        revoke(&course, &first, &app.absent_id()).expect(404);
        revoke(&course, &first, &first).expect(404);
    });
    publish(&course, &second).expect(200);
    let refused = || {
        for (one, other) in [(&first, &second), (&second, &first)] {
            let detail = revoke(&course, one, other).expect(409).problem("waiver_in_use").text_at("/detail");
            assert!(detail.contains("P-1") && detail.contains("P-2"), "{detail}");
        }
    };
    app.unchanged(refused);
    course.coordinator.post(&format!("/sessions/{first}/hold"), json!({})).expect(200);
    app.unchanged(refused);
    let away = json!({ "starts_at": seed::after(&seed::morning(1), 90), "reason": "x" });
    course.coordinator.post(&format!("/sessions/{second}/move"), away).expect(200);
    let revoked = revoke(&course, &second, &first).expect(200);
    assert_eq!((&revoked.body["other_code"], &revoked.body["overlaps"]), (&json!("P-1"), &json!(false)));
    let entry = &app.auditor().get(&format!("/audit?subject_id={second}&action=waiver.revoked")).expect(200).body["items"][0];
    assert_eq!((&entry["reason"], &entry["from"]["reason"]), (&json!("a second laboratory"), &json!("one laboratory")));
    assert_eq!(course.coordinator.get(&format!("/sessions/{first}/waivers")).expect(200).items().len(), 0);
    app.unchanged(|| {
        revoke(&course, &first, &second).expect(404);
        let back = json!({ "starts_at": seed::morning(1), "reason": "x" });
        course.coordinator.post(&format!("/sessions/{second}/move"), back).expect(409).problem("session_conflict");
    });
    waive(&course, &first, &second).expect(201);
}

#[test]
fn the_rest_of_a_parted_session_overlaps_what_the_session_may_and_nothing_else() {
    let app = spawn_app();
    let course = seed::course(&app);
    let first = seed::published_session(&course, "P-1", &seed::morning(1));
    let away = seed::published_session(&course, "P-2", &seed::morning(2));
    seed::published_session(&course, "P-3", &seed::morning(3));
    let parted = seed::session(&course, "P-4", &seed::morning(1));
    waive(&course, &parted, &first).expect(201);
    waive(&course, &parted, &away).expect(201);
    publish(&course, &parted).expect(200);
    let split = |resumes_at: &str, code: &str| {
        let at = seed::after(&seed::morning(1), 60);
        let change = json!({ "at": at, "resumes_at": resumes_at, "code": code, "reason": "too long" });
        course.coordinator.post(&format!("/sessions/{parted}/split"), change)
    };
    app.unchanged(|| split(&seed::morning(3), "X").expect(409).problem("session_conflict"));
    let rest = split(&seed::after(&seed::morning(1), 60), "P-4B").expect(200).text_at("/sessions/1/id");
    let waivers = course.coordinator.get(&format!("/sessions/{rest}/waivers")).expect(200);
    assert_eq!((waivers.column("other_code"), waivers.column("overlaps")), (vec!["P-1".to_owned()], vec!["true".to_owned()]));
    assert_eq!(waivers.column("reason"), ["one laboratory"]);
    let entries = app.auditor().get(&format!("/audit?subject_id={rest}&action=waiver.granted")).expect(200);
    assert_eq!(entries.column("reason"), ["one laboratory"]);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn the_rests_of_a_series_overlap_what_their_sessions_may_and_each_other_too() {
    let app = spawn_app();
    let course = seed::course(&app);
    let slot = json!({ "weekday": "monday", "starts": "09:00", "ends": "10:30" });
    let body = json!({ "code": "MET", "module_id": course.program.metallurgy_module, "cohort_ids": [course.metallurgy],
        "instructor_ids": [course.instructor], "pattern": [slot], "from": "2020-06-01", "until": "2020-06-15" });
    let series = course.coordinator.post(&format!("/intakes/{}/series", course.intake), body).expect(201);
    let [one, two, three] = [0, 1, 2].map(|index| series.text_at(&format!("/sessions/{index}/id")));
    let there = seed::published_session(&course, "P-1", &seed::morning(14));
    // The first two at one time, the third beside another session.
    let moved = json!({ "starts_at": seed::morning(0), "ends_at": seed::after(&seed::morning(0), 90) });
    course.coordinator.if_match("*").patch(&format!("/sessions/{two}"), moved).expect(200);
    for (one, other) in [(&one, &two), (&three, &there)] {
        waive(&course, one, other).expect(201);
    }
    course.coordinator.post(&format!("/intakes/{}/sessions/publish", course.intake), json!({})).expect(200);
    let change = json!({ "at": seed::after(&seed::morning(0), 45), "code": "B", "scope": "rest", "reason": "too long" });
    let parts = course.coordinator.post(&format!("/sessions/{one}/split"), change).expect(200).body["sessions"].clone();
    let waived = |code: &str| {
        let part = parts.as_array().unwrap().iter().find(|part| part["code"] == code).unwrap();
        course.coordinator.get(&format!("/sessions/{}/waivers", part["id"].as_str().unwrap())).expect(200).column("other_code")
    };
    assert_eq!((waived("MET-01-B"), waived("MET-02-B")), (vec!["MET-02-B".to_owned()], vec!["MET-01-B".to_owned()]));
    assert_eq!(waived("MET-03-B"), ["P-1"]);
    assert_eq!(app.auditor().get("/audit?action=waiver.granted").expect(200).items().len(), 4);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_waiver_is_revoked_or_the_session_that_needs_it_is_published() {
    let app = spawn_app();
    let courses = [seed::long_course(&app, "ONE"), seed::long_course(&app, "TWO")];
    for round in 0..rounds() {
        let [first, second] = [0, 1].map(|index| {
            let mut body = seed::session_body(&courses[index], &format!("R-{round}-{index}"), &seed::morning(round));
            body["instructor_ids"] = json!([courses[0].instructor]);
            seed::session_as(&courses[index], body)
        });
        publish(&courses[0], &first).expect(200);
        waive(&courses[0], &first, &second).expect(201);
        // From either side, for each session is of an intake of its own.
        let (one, other) = if round % 2 == 0 { (&first, &second) } else { (&second, &first) };
        let replies = at_once(2, |index| if index == 0 { publish(&courses[1], &second) } else { revoke(&courses[0], one, other) });
        match [replies[0].status, replies[1].status] {
            [200, 409] => assert_eq!(replies[1].text_at("/code"), "waiver_in_use"),
            [409, 200] => assert_eq!(replies[0].text_at("/code"), "session_conflict"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(app.findings(), Vec::<String>::new());
}
