use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::{Reply, at_once, rounds, seed, seed::Course, spawn_app};

/// Changes the settings of the intake.
fn set(course: &Course, settings: Value) -> Reply {
    course.coordinator.if_match("*").patch(&format!("/intakes/{}", course.intake), settings).expect(200)
}

fn begin(course: &Course, unit: &str, state: &str) -> String {
    let mut body = seed::enrollment_body(course, &seed::recruit_of(course, unit));
    (body["state"], body["unit_id"]) = (json!(state), json!(unit));
    course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), body).expect(201).id()
}

fn step(course: &Course, id: &str, step: &str) -> Reply {
    course.coordinator.post(&format!("/enrollments/{id}/{step}"), json!({ "reason": "as decided" }))
}

/// Somebody of a unit who waits, or was given a seat at once.
fn wait(course: &Course, unit: &str, priority: i16) -> String {
    let id = begin(course, unit, "nominated");
    course.coordinator.post(&format!("/enrollments/{id}/waitlist"), json!({ "priority": priority })).expect(200).id()
}

fn states(course: &Course, ids: &[&String]) -> Vec<String> {
    ids.iter().map(|id| course.coordinator.get(&format!("/enrollments/{id}")).expect(200).text_at("/state")).collect()
}

fn quota(course: &Course, organization: &str, seats: Option<i32>) {
    let path = format!("/intakes/{}/seat-quotas/{organization}", course.intake);
    course.coordinator.if_match("*").put(&path, json!({ "seats": seats })).expect(200);
}

fn explanation(course: &Course, id: &str) -> Value {
    course.coordinator.get(&format!("/enrollments/{id}/explain")).expect(200).body
}

#[test]
fn the_highest_priority_goes_first_and_of_one_whoever_waits_longest() {
    let app = spawn_app();
    let course = seed::course(&app);
    set(&course, json!({ "capacity": 1, "waitlist": true }));
    let (plant, seated) = (&course.sponsor.plants[0], begin(&course, &course.sponsor.plants[0], "approved"));
    let (early, urgent, late) = (wait(&course, plant, 0), wait(&course, plant, 5), wait(&course, plant, 0));
    let all = [&early, &urgent, &late];
    assert_eq!(states(&course, &all), ["waitlisted", "waitlisted", "waitlisted"]);
    let waits = course.coordinator.get(&format!("/enrollments/{urgent}")).expect(200).body;
    assert_eq!((&waits["priority"], &waits["position"]), (&json!(5), &json!(2)));
    assert_eq!(explanation(&course, &late)["before"], 2);

    step(&course, &seated, "withdraw").expect(200);
    assert_eq!(states(&course, &all), ["waitlisted", "approved", "waitlisted"]);
    set(&course, json!({ "capacity": 2 }));
    assert_eq!(states(&course, &all), ["approved", "approved", "waitlisted"]);
    set(&course, json!({ "capacity": null }));
    assert_eq!(states(&course, &all), ["approved", "approved", "approved"]);
    let audit = app.auditor().get(&format!("/audit?subject_id={urgent}&action=enrollment.changed_state")).expect(200);
    assert_json_snapshot!(audit.redacted());
    assert_eq!(app.count("SELECT count(*) FROM enrollment_steps WHERE reason = 'a seat became free'"), 3);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn whoever_cannot_take_the_seat_is_passed_over_and_stays() {
    let app = spawn_app();
    let course = seed::course(&app);
    let other = seed::sponsor(&app, "BAOWU");
    let (ours, theirs) = (&course.sponsor.plants[0], &other.plants[0]);
    set(&course, json!({ "capacity": 2, "waitlist": true }));
    let (first, second) = (begin(&course, ours, "approved"), begin(&course, theirs, "approved"));
    quota(&course, &course.sponsor.id, Some(1));
    let (own, foreign) = (wait(&course, ours, 9), wait(&course, theirs, 0));
    assert_eq!(explanation(&course, &own)["obstacles"], json!(["capacity_full", "quota_full"]));
    step(&course, &second, "withdraw").expect(200);
    assert_eq!(states(&course, &[&own, &foreign]), ["waitlisted", "approved"]);
    // The quota would let them in now, the capacity does not.
    quota(&course, &course.sponsor.id, Some(2));
    assert_eq!(explanation(&course, &own)["obstacles"], json!(["capacity_full"]));
    step(&course, &first, "withdraw").expect(200);
    assert_eq!(states(&course, &[&own]), ["approved"]);
    // A quota that is raised lets in whoever waited for it alone.
    set(&course, json!({ "capacity": null }));
    quota(&course, &course.sponsor.id, Some(1));
    let next = wait(&course, ours, 0);
    assert_eq!(explanation(&course, &next)["obstacles"], json!(["quota_full"]));
    quota(&course, &course.sponsor.id, None);
    assert_eq!(states(&course, &[&next]), ["approved"]);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn nobody_waits_where_there_is_room_or_no_waitlist() {
    let app = spawn_app();
    let course = seed::course(&app);
    let plant = &course.sponsor.plants[0];
    let nominee = begin(&course, plant, "nominated");
    let path = format!("/enrollments/{nominee}/waitlist");
    app.unchanged(|| course.coordinator.post(&path, json!({})).expect(409).problem("waitlist_off"));
    set(&course, json!({ "capacity": 1, "waitlist": true }));
    assert_eq!(course.coordinator.post(&path, json!({})).expect(200).body["state"], "approved");
    let waiting = wait(&course, plant, 0);
    app.unchanged(|| {
        course.coordinator.post(&format!("/enrollments/{waiting}/waitlist"), json!({})).expect(409).problem("illegal_transition");
        let intake = course.coordinator.if_match("*");
        intake.patch(&format!("/intakes/{}", course.intake), json!({ "waitlist": false })).expect(409).problem("waitlist_in_use");
        step(&course, &waiting, "approve").expect(409).problem("capacity_full");
    });
    step(&course, &waiting, "reject").expect(200);
    set(&course, json!({ "waitlist": false }));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_partner_is_told_of_its_own_and_of_no_other_sponsor() {
    let app = spawn_app();
    let course = seed::course(&app);
    let other = seed::sponsor(&app, "BAOWU");
    let (ours, theirs) = (&course.sponsor.plants[0], &other.plants[0]);
    set(&course, json!({ "capacity": 1, "waitlist": true }));
    begin(&course, theirs, "approved");
    quota(&course, &course.sponsor.id, Some(7));
    quota(&course, &other.id, Some(8));
    let (before, own) = (wait(&course, theirs, 0), wait(&course, ours, 0));
    let path = format!("/enrollments/{own}/explain");
    assert_json_snapshot!(app.partner(&course.sponsor.id).get(&path).expect(200).redacted());
    assert_eq!(app.partner(&course.sponsor.plants[0]).get(&path).expect(200).body["quotas"], json!([]));
    let trainee = course.coordinator.get(&format!("/enrollments/{own}")).expect(200).text_at("/trainee_id");
    let told = app.trainee(&trainee).get(&path).expect(200).body;
    assert_eq!((&told["before"], &told["position"], &told["quotas"]), (&json!(null), &json!(2), &json!([])));
    let provider = explanation(&course, &own);
    assert_eq!((&provider["before"], &provider["capacity"], &provider["seats_taken"]), (&json!(1), &json!(1), &json!(1)));
    app.partner(&course.sponsor.id).get(&format!("/enrollments/{before}/explain")).expect(404);
    course.coordinator.post(&format!("/enrollments/{own}/reject"), json!({ "reason": "no welder" })).expect(200);
    let rejected = explanation(&course, &own);
    assert_eq!((&rejected["obstacles"], &rejected["last_step"]["from_state"]), (&json!([]), &json!("waitlisted")));
    assert_eq!(rejected["last_step"]["reason"], "no welder");
    for told in [app.partner(&course.sponsor.id), app.trainee(&trainee)] {
        assert_eq!(told.get(&path).expect(200).body["last_step"]["reason"], "no welder");
    }
    let adviser = seed::instructor(&app, &course.coordinator, "ADVISER");
    let (person, cohort) = (app.hex(&adviser), app.hex(&course.metallurgy));
    app.sql(&format!("UPDATE cohorts SET adviser_id = {person} WHERE id = {cohort}")).unwrap();
    let told = app.class_adviser(&adviser).get(&path).expect(200).body;
    assert_eq!((&told["state"], &told["last_step"]["reason"]), (&json!("rejected"), &json!(null)));
}

#[test]
fn a_place_on_the_waitlist_passes_to_somebody_else() {
    let app = spawn_app();
    let course = seed::course(&app);
    set(&course, json!({ "capacity": 0, "waitlist": true }));
    let id = wait(&course, &course.sponsor.plants[0], 3);
    let body = json!({ "trainee": seed::nomination_body(&course)["trainee"], "reason": "needed at the plant" });
    let place = course.coordinator.post(&format!("/enrollments/{id}/replace"), body).expect(201).body;
    assert_eq!((&place["state"], &place["priority"], &place["position"]), (&json!("waitlisted"), &json!(3), &json!(1)));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn seats_that_become_free_at_once_go_to_the_first_who_wait() {
    let app = spawn_app();
    let course = seed::course(&app);
    let plant = &course.sponsor.plants[0];
    for round in 0..rounds() {
        set(&course, json!({ "capacity": 0, "waitlist": true }));
        let taken = app.count("SELECT seats_taken FROM intakes");
        set(&course, json!({ "capacity": taken + 4 }));
        let seated: Vec<String> = (0..4).map(|_| begin(&course, plant, "approved")).collect();
        let length = 2 + usize::try_from(round).unwrap() % 4;
        let waiting: Vec<String> = (0..length).map(|index| wait(&course, plant, i16::from(index == length - 1))).collect();
        for reply in at_once(3, |index| step(&course, &seated[index], "withdraw")) {
            reply.expect(200);
        }
        // Three seats for so many: the last one has the highest priority, the others come in their order.
        let order: Vec<&String> = waiting.last().into_iter().chain(&waiting[..length - 1]).collect();
        let expected: Vec<&str> = (0..length).map(|index| if index < 3 { "approved" } else { "waitlisted" }).collect();
        assert_eq!(states(&course, &order), expected);
        for id in order.iter().skip(3) {
            step(&course, id, "reject").expect(200);
        }
    }
    // Nobody decided these steps.
    let promoted = "SELECT count(*) FROM enrollment_steps WHERE reason = 'a seat became free'";
    assert!(app.count(promoted) > 0);
    assert_eq!(app.count(&format!("{promoted} AND user_id IS NOT NULL")), 0);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn whoever_does_not_wait_is_told_what_their_state_means() {
    let app = spawn_app();
    let course = seed::course(&app);
    let id = begin(&course, &course.sponsor.plants[0], "nominated");
    let told = || explanation(&course, &id)["rule"].as_str().unwrap().to_owned();
    assert_eq!(told(), "it takes no seat until it is approved, or offered a seat");
    for (verb, rule) in [
        ("approve", "it has a seat, and owes nothing until it is enrolled"),
        ("enroll", "it has a seat, and owes what its cohorts are taught while it is enrolled in them"),
        ("suspend", "it keeps its seat, and owes nothing until it is resumed"),
        ("withdraw", "it was withdrawn; the last step says by what reason"),
    ] {
        step(&course, &id, verb).expect(200);
        assert_eq!(told(), rule, "{verb}");
    }
}
