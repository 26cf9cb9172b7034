use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::{Client, Reply, assert_winners, at_once, rounds, seed, seed::Course, spawn_app};

fn body(course: &Course) -> Value {
    json!({ "trainee": seed::nomination_body(course)["trainee"], "reason": "needed at the plant" })
}

fn replace(client: &Client, id: &str, body: Value) -> Reply {
    client.post(&format!("/enrollments/{id}/replace"), body)
}

fn begin(course: &Course, state: &str) -> String {
    let mut body = seed::enrollment_body(course, &seed::recruit(course));
    (body["state"], body["crew"], body["payer_id"]) = (json!(state), json!("甲"), json!(course.sponsor.id));
    course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), body).expect(201).id()
}

#[test]
fn a_place_passes_with_its_seat_even_where_all_is_full() {
    let app = spawn_app();
    let course = seed::course(&app);
    let id = begin(&course, "enrolled");
    let path = format!("/intakes/{}", course.intake);
    // More is taken than there is: whoever comes is refused, and yet a place may pass.
    course.coordinator.if_match("*").patch(&path, json!({ "capacity": 0 })).expect(200);
    course.coordinator.put(&format!("{path}/seat-quotas/{}", course.sponsor.id), json!({ "seats": 0 })).expect(200);
    let place = replace(&course.coordinator, &id, body(&course)).expect(201);
    assert_json_snapshot!(place.redacted());
    assert_eq!(place.header("location"), format!("/api/v1/enrollments/{}", place.id()));
    let before = course.coordinator.get(&format!("/enrollments/{id}")).expect(200).body;
    assert_eq!((&before["state"], &before["withdrawal"]), (&json!("withdrawn"), &json!("replaced")));
    let same = ["intake_id", "discipline_id", "sponsor_id", "unit_id", "cohort_id", "payer_id", "funding", "crew"];
    assert!(same.iter().all(|field| before[field] == place.body[field]), "{before} {}", place.text);
    assert_eq!(app.count("SELECT seats_taken FROM intakes"), 1);
    assert_eq!(app.count("SELECT seats_taken FROM intake_sponsors"), 1);
    // The place may pass again, and whoever gave it away takes no step more.
    app.unchanged(|| replace(&course.coordinator, &id, body(&course)).expect(409).problem("illegal_transition"));
    replace(&course.coordinator, &place.id(), body(&course)).expect(201);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_nominee_is_replaced_by_a_nominee() {
    let app = spawn_app();
    let course = seed::course(&app);
    for state in ["nominated", "applied", "approved"] {
        let place = replace(&course.coordinator, &begin(&course, state), body(&course)).expect(201);
        assert_eq!(place.body["state"], state);
    }
    assert_eq!(app.count("SELECT seats_taken FROM intakes"), 1);
    for step in ["suspend", "complete", "withdraw"] {
        let id = begin(&course, "enrolled");
        course.coordinator.post(&format!("/enrollments/{id}/{step}"), json!({ "reason": "as decided" })).expect(200);
        app.unchanged(|| replace(&course.coordinator, &id, body(&course)).expect(409).problem("illegal_transition"));
    }
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_partner_replaces_its_own_by_its_own() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (id, other) = (begin(&course, "approved"), seed::sponsor(&app, "BAOWU"));
    let stranger = seed::recruit_of(&course, &other.plants[0]);
    let (partner, plant) = (app.partner(&course.sponsor.plants[0]), app.partner(&course.sponsor.plants[1]));
    let named = |trainee: &str| json!({ "trainee_id": trainee, "reason": "needed at the plant" });
    app.unchanged(|| {
        for stranger in [&app.partner(&other.id), &plant] {
            replace(stranger, &id, body(&course)).expect(404).problem("not_found");
        }
        replace(&partner, &id, named(&stranger)).expect(404).problem("not_found");
        let mut unexplained = body(&course);
        unexplained.as_object_mut().unwrap().remove("reason");
        replace(&partner, &id, unexplained).fault("/reason", "missing_field");
    });
    let place = replace(&partner, &id, body(&course)).expect(201);
    // Whoever has a place already does not get a second one.
    let (trainee, second) = (place.text_at("/trainee_id"), begin(&course, "approved"));
    app.unchanged(|| replace(&partner, &second, named(&trainee)).expect(409).problem("already_enrolled"));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_place_of_which_something_was_counted_stays() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 2);
    let held = seed::held_session(&course, "S-1", &seed::morning(1));
    // What was held and not closed is owed by whoever was there.
    let place = replace(&course.coordinator, &members[0].id, body(&course)).expect(201).id();
    let owing = |session: &str| {
        let roll_call = course.coordinator.get(&format!("/sessions/{session}/roll-call")).expect(200);
        roll_call.body["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line["enrollment_id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(owing(&held), [members[0].id.clone(), members[1].id.clone()]);
    seed::put_roll_call(&course, &held, &members.iter().map(|one| seed::line(one, "present")).collect::<Vec<_>>()).expect(200);
    seed::step_roll_call(&course, &held, "close", None).expect(200);
    app.unchanged(|| replace(&course.coordinator, &members[1].id, body(&course)).expect(409).problem("owed_session_closed"));
    seed::step_roll_call(&course, &held, "reopen", Some("one was late")).expect(200);
    app.unchanged(|| replace(&course.coordinator, &members[1].id, body(&course)).expect(409).problem("owed_session_closed"));
    replace(&course.coordinator, &place, body(&course)).expect(201);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn of_a_replacement_and_a_withdrawal_at_once_one_is_done() {
    let app = spawn_app();
    let course = seed::course(&app);
    let path = format!("/intakes/{}", course.intake);
    for _ in 0..rounds() {
        let id = begin(&course, "approved");
        let seats = app.count("SELECT seats_taken FROM intakes");
        course.coordinator.if_match("*").patch(&path, json!({ "capacity": seats })).expect(200);
        let bodies = [body(&course), body(&course), body(&course)];
        let replies = at_once(4, |index| match index {
            0 => course.coordinator.post(&format!("/enrollments/{id}/withdraw"), json!({ "reason": "ill" })),
            index => replace(&course.coordinator, &id, bodies[index - 1].clone()),
        });
        let passed = replies[1..].iter().filter(|reply| reply.status == 201).count();
        assert_winners(replies, 1, "illegal_transition");
        assert_eq!(app.count("SELECT seats_taken FROM intakes"), seats - 1 + i64::try_from(passed).unwrap());
        course.coordinator.if_match("*").patch(&path, json!({ "capacity": null })).expect(200);
    }
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_place_that_is_to_begin_on_a_day_to_come_passes_from_then() {
    let app = spawn_app();
    let course = seed::course(&app);
    let first = seed::enrolled(&course, 1).remove(0);
    seed::closed_session(&course, "MET-1", &seed::morning(1), &[seed::line(&first, "present")]);
    let mut place = seed::enrollment_body(&course, &seed::recruit(&course));
    place["from"] = json!("2090-01-01T00:00:00Z");
    let place = course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), place).expect(201).id();
    let partner = app.partner(&course.sponsor.id);
    let mut early = body(&course);
    early["effective_at"] = json!(seed::morning(0));
    app.unchanged(|| replace(&partner, &place, early).fault("/effective_at", "before_present_state"));
    let new = replace(&partner, &place, body(&course)).expect(201);
    assert_eq!((&new.body["state"], &new.body["unsettled_sessions"]), (&json!("enrolled"), &json!([])));
    let begins = format!("from_at = {}", app.instant("2090-01-01T00:00:00Z"));
    assert_eq!(app.count(&format!("SELECT count(*) FROM enrollment_periods WHERE {begins}")), 2);
    // Nor does whoever has not been enrolled so far, though that may be recorded late.
    let mut place = seed::enrollment_body(&course, &seed::recruit(&course));
    (place["from"], place["state"]) = (json!("2090-01-01T00:00:00Z"), json!("approved"));
    let place = course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), place).expect(201).id();
    let mut early = body(&course);
    early["effective_at"] = json!(seed::morning(0));
    app.unchanged(|| replace(&partner, &place, early).fault("/effective_at", "before_present_state"));
    let new = replace(&partner, &place, body(&course)).expect(201).id();
    let own = format!("enrollment_id = {}", app.hex(&new));
    assert_eq!(app.count(&format!("SELECT count(*) FROM enrollment_periods WHERE {own} AND {begins}")), 1);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_place_passes_with_the_day_from_which_it_is_in_its_cohort() {
    let app = spawn_app();
    let course = seed::course(&app);
    let second = seed::cohort(&course.coordinator, &course.intake, &course.program.metallurgy, "MET-2");
    let mut body = seed::enrollment_body(&course, &seed::recruit(&course));
    body["state"] = json!("approved");
    let first = course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), body).expect(201).id();
    let step = |id: &str, verb: &str, body: Value| course.coordinator.post(&format!("/enrollments/{id}/{verb}"), body);
    step(&first, "move", json!({ "cohort_id": second, "reason": "as agreed", "effective_at": seed::morning(9) })).expect(200);
    let new = json!({ "trainee_id": seed::recruit(&course), "reason": "another one is sent" });
    let new = step(&first, "replace", new).expect(201);
    assert_eq!((&new.body["cohort_from_at"], &new.body["state"]), (&json!(seed::morning(9)), &json!("approved")));
    let enroll = |day: u32| step(&new.id(), "enroll", json!({ "effective_at": seed::morning(day) }));
    app.unchanged(|| enroll(4).fault("/effective_at", "before_cohort_move"));
    enroll(9).expect(200);
    // Of whoever is enrolled by then it says nothing more.
    let next = json!({ "trainee_id": seed::recruit(&course), "reason": "a third one is sent" });
    assert_eq!(step(&new.id(), "replace", next).expect(201).body["cohort_from_at"], Value::Null);
    assert_eq!(app.findings(), Vec::<String>::new());
}
