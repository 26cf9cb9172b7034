use serde_json::json;

use crate::support::{App, Client, Reply, at_once, rounds, seed, seed::Course, spawn_app};

/// A course of one seat that is offered for a week to whoever waits.
fn course_with_offers(app: &App) -> Course {
    let course = seed::course(app);
    let settings = json!({ "capacity": 1, "waitlist": true, "offer_days": 7 });
    course.coordinator.if_match("*").patch(&format!("/intakes/{}", course.intake), settings).expect(200);
    course
}

fn nominate(course: &Course) -> String {
    course.coordinator.post(&format!("/intakes/{}/nominations", course.intake), seed::nomination_body(course)).expect(201).id()
}

fn step(client: &Client, id: &str, step: &str) -> Reply {
    client.post(&format!("/enrollments/{id}/{step}"), json!({}))
}

fn state(course: &Course, id: &str) -> String {
    course.coordinator.get(&format!("/enrollments/{id}")).expect(200).text_at("/state")
}

/// Lets an offer expire, as time would.
fn expire(app: &App, id: &str) {
    let (key, past) = (app.hex(id), app.instant("2020-06-01T00:00:00Z"));
    app.sql(&format!("UPDATE enrollments SET offer_expires_at = {past} WHERE id = {key}")).unwrap();
}

#[test]
fn a_seat_is_offered_and_accepted_or_declined() {
    let app = spawn_app();
    let course = course_with_offers(&app);
    let (first, second) = (nominate(&course), nominate(&course));
    for id in [&first, &second] {
        step(&course.coordinator, id, "waitlist").expect(200);
    }
    let offered = course.coordinator.get(&format!("/enrollments/{first}")).expect(200);
    assert_eq!((state(&course, &first).as_str(), state(&course, &second).as_str()), ("offered", "waitlisted"));
    // A week from when it was offered.
    let key = app.hex(&first);
    let week = app.count(&format!("SELECT count(*) FROM enrollments WHERE id = {key} AND offer_expires_at IS NOT NULL"));
    assert!(week == 1 && offered.text_at("/offer_expires_at") > offered.text_at("/created_at"), "{}", offered.text);

    let (partner, other) = (app.partner(&course.sponsor.plants[0]), app.partner(&seed::sponsor(&app, "BAOWU").id));
    app.unchanged(|| {
        step(&other, &first, "accept").expect(404).problem("not_found");
        step(&partner, &first, "approve").expect(403).problem("forbidden");
        step(&partner, &second, "accept").expect(409).problem("illegal_transition");
        step(&app.auditor(), &first, "accept").expect(403).problem("forbidden");
    });
    let declined = step(&partner, &first, "decline").expect(200).body;
    assert_eq!((&declined["state"], &declined["withdrawal"]), (&json!("withdrawn"), &json!("declined")));
    assert_eq!(state(&course, &second), "offered");
    let trainee = app.trainee(&course.coordinator.get(&format!("/enrollments/{second}")).expect(200).text_at("/trainee_id"));
    let accepted = step(&trainee, &second, "accept").expect(200).body;
    assert_eq!((&accepted["state"], &accepted["offer_expires_at"]), (&json!("approved"), &json!(null)));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn whoever_gets_a_seat_by_asking_accepts_it_from_an_earlier_day() {
    let app = spawn_app();
    let course = course_with_offers(&app);
    let (first, second) = (nominate(&course), nominate(&course));
    for id in [&first, &second] {
        step(&course.coordinator, id, "waitlist").expect(200);
    }
    expire(&app, &first);
    let partner = app.partner(&course.sponsor.id);
    let refused = |id: &str| partner.get(&format!("/enrollments/{id}/explain")).expect(200).body["refused_steps"].clone();
    let told = refused(&first);
    // As it is answered, with everything undone.
    for (number, verb) in ["accept", "decline"].into_iter().enumerate() {
        let answered = app.unchanged(|| step(&partner, &first, verb).expect(409));
        assert_eq!(told[number], json!({ "step": verb, "code": answered.body["code"], "detail": answered.body["detail"] }));
    }
    assert_eq!((&told[0]["code"], &told[1]["code"]), (&json!("offer_expired"), &json!("illegal_transition")));
    // Asking counts seats: two steps in one transaction, of which the second takes effect before the first.
    partner.post(&format!("/enrollments/{second}/accept"), json!({ "effective_at": "2020-06-02T00:00:00Z" })).expect(200);
    assert_eq!((state(&course, &first).as_str(), state(&course, &second).as_str()), ("withdrawn", "approved"));
    let last = course.coordinator.get(&format!("/enrollments/{second}/explain")).expect(200).body["last_step"].clone();
    assert_eq!((&last["from_state"], &last["to_state"]), (&json!("offered"), &json!("approved")));
    let after = json!({ "reason": "as agreed" });
    assert_eq!(course.coordinator.post(&format!("/enrollments/{second}/withdraw"), after).expect(200).body["state"], "withdrawn");
    let lapsed = expired_findings(&app, &first);
    assert_eq!(lapsed, Vec::<String>::new());
}

/// What verify finds, but of an offer that the test had expire.
fn expired_findings(app: &App, id: &str) -> Vec<String> {
    app.findings().into_iter().filter(|finding| !(finding.starts_with("enrollments: ") && finding.contains(id))).collect()
}

#[test]
fn an_offer_that_expired_is_ended_by_whoever_next_counts_seats() {
    let app = spawn_app();
    let course = course_with_offers(&app);
    let ids = [nominate(&course), nominate(&course), nominate(&course)];
    step(&course.coordinator, &ids[0], "offer").expect(200);
    step(&course.coordinator, &ids[1], "waitlist").expect(200);
    app.unchanged(|| step(&course.coordinator, &ids[2], "approve").expect(409).problem("capacity_full"));
    expire(&app, &ids[0]);
    app.unchanged(|| {
        step(&course.coordinator, &ids[0], "accept").expect(409).problem("offer_expired");
        // Its seat is for whoever waits, not for whoever happens to ask.
        step(&course.coordinator, &ids[2], "approve").expect(409).problem("capacity_full");
    });
    step(&course.coordinator, &ids[2], "waitlist").expect(200);
    let lapsed = course.coordinator.get(&format!("/enrollments/{}", ids[0])).expect(200).body;
    assert_eq!((&lapsed["state"], &lapsed["withdrawal"]), (&json!("withdrawn"), &json!("offer_expired")));
    assert_eq!((state(&course, &ids[1]).as_str(), state(&course, &ids[2]).as_str()), ("offered", "waitlisted"));
    let audit = app.auditor().get(&format!("/audit?subject_id={}&action=enrollment.changed_state", ids[0])).expect(200);
    assert!(audit.items().iter().any(|entry| entry["reason"] == "the offer expired"), "{}", audit.text);
    assert_eq!(app.count("SELECT count(*) FROM enrollment_steps WHERE reason = 'the offer expired'"), 1);

    // A roster counts seats as well.
    course.coordinator.post(&format!("/enrollments/{}/reject", ids[2]), json!({ "reason": "too few seats" })).expect(200);
    expire(&app, &ids[1]);
    let file = "name,employee_number,organization,discipline,cohort\n新人,9001,JISCO-IRON,MET,MET-1";
    course.coordinator.post_file(&format!("/intakes/{}/enrollments/import", course.intake), "x.csv", file.as_bytes()).expect(200);
    assert_eq!((state(&course, &ids[1]).as_str(), app.count("SELECT seats_taken FROM intakes")), ("withdrawn", 1));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn offers_are_made_where_an_intake_makes_them() {
    let app = spawn_app();
    let course = seed::course(&app);
    let path = format!("/intakes/{}", course.intake);
    let id = nominate(&course);
    app.unchanged(|| {
        step(&course.coordinator, &id, "offer").expect(409).problem("offers_off");
        for days in [0, 366] {
            course.coordinator.if_match("*").patch(&path, json!({ "offer_days": days })).fault("/offer_days", "out_of_range");
        }
    });
    course.coordinator.if_match("*").patch(&path, json!({ "offer_days": 1 })).expect(200);
    step(&course.coordinator, &id, "offer").expect(200);
    app.unchanged(|| course.coordinator.if_match("*").patch(&path, json!({ "offer_days": null })).expect(409).problem("offers_in_use"));
    // One that has expired keeps nothing on.
    expire(&app, &id);
    course.coordinator.if_match("*").patch(&path, json!({ "offer_days": null })).expect(200);
    assert_eq!(state(&course, &id), "withdrawn");
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn an_offer_that_expired_is_not_accepted_however_many_count_at_once() {
    let app = spawn_app();
    let course = course_with_offers(&app);
    for _ in 0..rounds() {
        let (offered, waiting) = (nominate(&course), nominate(&course));
        step(&course.coordinator, &offered, "offer").expect(200);
        step(&course.coordinator, &waiting, "waitlist").expect(200);
        expire(&app, &offered);
        let replies = at_once(4, |index| match index {
            0 | 1 => step(&course.coordinator, &offered, "accept"),
            2 => course.coordinator.if_match("*").patch(&format!("/enrollments/{waiting}"), json!({ "crew": "A" })),
            _ => course.coordinator.if_match("*").patch(&format!("/intakes/{}", course.intake), json!({ "name": "第三期" })),
        });
        assert!(replies[..2].iter().all(|reply| reply.status == 409), "{replies:#?}");
        // Whether the seat was counted by then or is now.
        step(&course.coordinator, &waiting, "accept").expect(200);
        assert_eq!((state(&course, &offered).as_str(), state(&course, &waiting).as_str()), ("withdrawn", "approved"));
        course.coordinator.post(&format!("/enrollments/{waiting}/withdraw"), json!({ "reason": "the next round" })).expect(200);
    }
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn nobody_is_offered_a_seat_where_offers_have_just_ended() {
    let app = spawn_app();
    let course = course_with_offers(&app);
    let intake = format!("/intakes/{}", course.intake);
    let quota = format!("{intake}/seat-quotas/{}", course.sponsor.id);
    let set = |settings: serde_json::Value| course.coordinator.if_match("*").patch(&intake, settings);
    let seats = |seats: u32| course.coordinator.if_match("*").put(&quota, json!({ "seats": seats }));
    set(json!({ "capacity": null })).expect(200);
    seats(0).expect(200);
    for round in 0..rounds() {
        set(json!({ "offer_days": 7 })).expect(200);
        let id = nominate(&course);
        step(&course.coordinator, &id, "waitlist").expect(200);
        let replies = at_once(2, |index| if index == 0 { set(json!({ "offer_days": null })) } else { seats(round + 1) });
        replies[1].clone().expect(200);
        match (replies[0].status, state(&course, &id).as_str()) {
            (200, "approved") => {}
            (409, "offered") => drop(step(&course.coordinator, &id, "accept").expect(200)),
            other => panic!("{other:?}: {replies:#?}"),
        }
    }
    assert_eq!(app.findings(), Vec::<String>::new());
}
