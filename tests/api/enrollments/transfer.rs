mod decided;

use std::collections::BTreeSet;

use insta::assert_json_snapshot;
use muster::access::Role;
use serde_json::{Value, json};

use crate::support::{App, Client, Reply, TokenOptions, seed, seed::Course, seed::Enrolled, spawn_app};

/// Another intake of the course's version, with a cohort in each discipline.
fn next(course: &Course, code: &str) -> String {
    let intake = seed::intake(&course.coordinator, &course.program.version, code);
    seed::cohort(&course.coordinator, &intake, &course.program.metallurgy, "MET-1");
    seed::cohort(&course.coordinator, &intake, &course.program.mechanics, "MEC-1");
    intake
}

fn transfer(course: &Course, id: &str, intake: &str) -> Reply {
    course.coordinator.post(&format!("/enrollments/{id}/transfer"), json!({ "intake_id": intake, "reason": "another shift" }))
}

fn carried(course: &Course, id: &str) -> Value {
    course.coordinator.get(&format!("/enrollments/{id}/hours")).expect(200).body["balance"]["carried_in_minutes"].clone()
}

/// Somebody with 90 minutes of the own module and 90 of the common one, in closed sessions.
fn taught(course: &Course) -> (Enrolled, [String; 2]) {
    let member = seed::enrolled(course, 1).remove(0);
    let own = seed::closed_session(course, "S-1", &seed::morning(1), &[seed::line(&member, "present")]);
    let mut body = seed::session_body(course, "C-1", &seed::morning(2));
    body["module_id"] = json!(course.program.common_module);
    let common = seed::held_session_as(course, body);
    seed::put_roll_call(course, &common, &[seed::line(&member, "present")]).expect(200);
    seed::step_roll_call(course, &common, "close", None).expect(200);
    (member, [own, common])
}

/// Closes a roll call once more, with somebody present for so many minutes.
fn correct(course: &Course, session: &str, member: &Enrolled, minutes: i64) {
    seed::step_roll_call(course, session, "reopen", Some("was late")).expect(200);
    seed::put_roll_call(course, session, &[seed::line_of(member, "late", minutes)]).expect(200);
    seed::step_roll_call(course, session, "close", None).expect(200);
}

#[test]
fn whoever_is_transferred_takes_along_what_they_were_present_for() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (member, _) = taught(&course);
    let intake = next(&course, "HONGXING-4");
    let hours = |id: &str| course.coordinator.get(&format!("/enrollments/{id}/hours")).expect(200);
    let before = hours(&member.id).body;
    let new = transfer(&course, &member.id, &intake).expect(201);
    assert_json_snapshot!(new.redacted());
    let old = course.coordinator.get(&format!("/enrollments/{}", member.id)).expect(200).body;
    assert_eq!((&old["state"], &new.body["transferred_from_id"]), (&json!("transferred"), &json!(member.id)));
    assert_eq!(hours(&member.id).body, before, "the origin's sums stay");
    let entries = hours(&new.id());
    let of = |items: &[Value], field: &str| items.iter().map(|entry| entry[field].to_string()).collect::<BTreeSet<_>>();
    assert_eq!(of(entries.items(), "origin_id"), of(before["items"].as_array().unwrap(), "id"));
    assert_eq!(carried(&course, &new.id()), 180);
    let why = course.coordinator.get(&format!("/hour-entries/{}/explain", entries.items()[0]["id"].as_str().unwrap())).expect(200).body;
    let planned = why["amounts"][1]["minutes"].as_i64().unwrap();
    let amounts = [
        ("posted where the trainee was transferred from", 90),
        ("planned of the module at the transfer", planned),
        ("carried of the module in all", 90),
    ];
    assert_eq!(why["amounts"], json!(amounts.map(|(name, minutes)| json!({ "name": name, "minutes": minutes }))));
    assert!(planned > 90 && why["session"].is_null() && why["attendance"].is_null(), "{why}");
    // The seat is where they are now, and what they bring is in no total of the intake.
    assert_eq!(app.count("SELECT sum(seats_taken) FROM intakes"), 1);
    let totals = course.coordinator.get(&format!("/intakes/{intake}/progress")).expect(200).body["totals"].clone();
    assert_eq!((&totals["present_minutes"], &totals["expected_minutes"]), (&json!(0), &json!(0)));
    let now = entries.items()[0]["recorded_at"].as_str().unwrap().to_owned();
    assert_eq!(
        course.coordinator.get(&format!("/enrollments/{}/hours?as_of={now}", member.id)).expect(200).body["balance"],
        before["balance"]
    );
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn what_has_no_module_there_stays_behind() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (member, _) = taught(&course);
    let path = format!("/enrollments/{}/transfer", member.id);
    let body = json!({ "intake_id": course.intake, "discipline_id": course.program.mechanics, "reason": "wants to be a fitter" });
    app.unchanged(|| {
        let same = json!({ "intake_id": course.intake, "reason": "x" });
        course.coordinator.post(&path, same).fault("/discipline_id", "same_place");
    });
    let new = course.coordinator.post(&path, body).expect(201).body;
    assert_eq!(new["carried"], json!([{ "module_id": course.program.common_module, "minutes": 90 }]));
    assert_eq!(new["left_behind"], json!([{ "module_id": course.program.metallurgy_module, "minutes": 90 }]));
    assert_eq!((&new["cohort_id"], &new["state"]), (&json!(course.mechanics), &json!("enrolled")));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn no_more_is_carried_than_is_planned_there() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (member, _) = taught(&course);
    let intake = next(&course, "HONGXING-4");
    let less = json!({ "module_id": course.program.metallurgy_module, "delta_minutes": 60 - seed::OWN, "reason": "shortened" });
    course.coordinator.post(&format!("/intakes/{intake}/amendments"), less).expect(201);
    let new = transfer(&course, &member.id, &intake).expect(201);
    assert_eq!(new.body["left_behind"], json!([{ "module_id": course.program.metallurgy_module, "minutes": 30 }]));
    assert_eq!(carried(&course, &new.id()), 150);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn what_was_carried_follows_its_origin() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (member, [own, common]) = taught(&course);
    let second = transfer(&course, &member.id, &next(&course, "HONGXING-4")).expect(201).id();
    let last = next(&course, "HONGXING-5");
    let third = transfer(&course, &second, &last).expect(201).id();
    let report = format!("/intakes/{last}/progress");
    let tag = course.coordinator.get(&report).expect(200).etag();
    let stand = |minutes: i32| {
        assert_eq!([carried(&course, &second), carried(&course, &third)], [json!(minutes), json!(minutes)]);
        assert_eq!(app.findings(), Vec::<String>::new());
    };
    stand(180);
    correct(&course, &own, &member, 30);
    stand(120);
    let told = course.coordinator.with_header("if-none-match", &tag).get(&report).expect(200);
    assert_eq!(told.body["rows"][0]["carried_in_minutes"], 120);
    // Whoever reads the journal of the one intake is told, too, and of which act in the other it followed.
    let audit = app.auditor().get(&format!("/audit?intake_id={last}&action=hours.followed")).expect(200);
    let followed = &audit.items()[0];
    assert_eq!((audit.items().len(), &followed["subject_id"], &followed["to"]["modules"][0]["minutes"]), (1, &json!(third), &json!(-60)));
    let closed = app.auditor().get(&format!("/audit?subject_id={own}&action=roll_call.closed")).expect(200);
    assert_eq!(followed["to"]["act"], closed.items().last().unwrap()["id"]);
    correct(&course, &common, &member, 80);
    stand(110);
    let path = format!("/enrollments/{}/hours", member.id);
    let less = json!({ "session_id": common, "minutes": -20, "reason": "left for the plant" });
    let adjusted = course.coordinator.post(&path, less).expect(201).id();
    stand(90);
    course.coordinator.post(&format!("/hour-entries/{adjusted}/reverse"), json!({ "reason": "did not" })).expect(201);
    stand(110);
}

#[test]
fn somebody_is_transferred_within_the_provider_where_there_is_room() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 2);
    let intake = next(&course, "HONGXING-4");
    let elsewhere = seed::organization(&app, "NEU", "东北大学", "university", None);
    let foreign = seed::course_of(&app, app.coordinator_of(&elsewhere), "NEU", "ANSTEEL");
    let mut nominee = seed::enrollment_body(&course, &seed::recruit(&course));
    nominee["state"] = json!("nominated");
    let nominee = course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), nominee).expect(201).id();
    course.coordinator.if_match("*").patch(&format!("/intakes/{intake}"), json!({ "capacity": 1 })).expect(200);
    let there = transfer(&course, &members[0].id, &intake).expect(201);
    let partner = app.partner(&course.sponsor.id);
    app.unchanged(|| {
        transfer(&course, &members[1].id, &foreign.intake).expect(404).problem("not_found");
        transfer(&course, &nominee, &intake).expect(409).problem("illegal_transition");
        transfer(&course, &members[0].id, &intake).expect(409).problem("illegal_transition");
        transfer(&course, &members[1].id, &intake).expect(409).problem("capacity_full");
        let body = json!({ "intake_id": intake, "reason": "mine" });
        partner.post(&format!("/enrollments/{}/transfer", members[1].id), body).expect(403).problem("forbidden");
    });
    // Back again, where the first enrollment has ended.
    let back = transfer(&course, &there.id(), &course.intake).expect(201);
    assert_eq!(back.body["state"], "enrolled");
    assert_eq!(app.findings(), Vec::<String>::new());
}

/// An entry that claims to be carried, with this origin and so many minutes.
fn claim(app: &App, to: &str, origin: &str, minutes: i32) -> String {
    format!(
        "INSERT INTO hour_entries (id, enrollment_id, module_id, kind, minutes, origin_id, posting_id, recorded_at)
         SELECT {}, {}, module_id, 'carried_in', {minutes}, id, {}, recorded_at FROM hour_entries WHERE id = {}",
        app.hex(&app.absent_id()),
        app.hex(to),
        app.hex(&app.absent_id()),
        app.hex(origin)
    )
}

#[test]
fn the_database_lets_nothing_be_carried_twice_or_from_nowhere() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (member, [own, _]) = taught(&course);
    // Of another cohort, who owes none of it.
    let mechanics = (course.program.mechanics.as_str(), course.mechanics.as_str());
    let other = seed::enrolled_at(&course, &course.sponsor.plants[0], mechanics, 1).remove(0);
    let origin = course.coordinator.get(&format!("/enrollments/{}/hours", member.id)).expect(200).text_at("/items/0/id");
    let differs = |statement: &str| {
        let message = app.refusal(statement);
        assert!(message.contains("muster:carried_differs"), "{message}");
    };
    differs(&claim(&app, &other.id, &origin, 90));
    let new = transfer(&course, &member.id, &next(&course, "HONGXING-4")).expect(201).id();
    differs(&claim(&app, &new, &origin, 90));
    correct(&course, &own, &member, 30);
    differs(&claim(&app, &new, &origin, 1));
    let key = app.hex(&new);
    app.refusal(&format!("UPDATE enrollments SET transferred_from_id = NULL WHERE id = {key}"));
    let stranger = app.hex(&other.id);
    app.refusal(&format!("UPDATE enrollments SET transferred_from_id = {stranger} WHERE id = {key}"));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn what_is_carried_by_hand_is_no_more_than_its_origin_and_is_found() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (member, _) = taught(&course);
    let origin = course.coordinator.get(&format!("/enrollments/{}/hours", member.id)).expect(200).text_at("/items/0/id");
    let intake = next(&course, "HONGXING-4");
    let modules = [(&course.program.metallurgy_module, seed::OWN), (&course.program.common_module, seed::COMMON)];
    for (module, minutes) in modules {
        let none = json!({ "module_id": module, "delta_minutes": -minutes, "reason": "taught before" });
        course.coordinator.post(&format!("/intakes/{intake}/amendments"), none).expect(201);
    }
    // Nothing of it is planned there, so nothing is carried.
    let new = transfer(&course, &member.id, &intake).expect(201).id();
    let of_another_module = format!(", {}, 'carried_in'", app.hex(&course.program.common_module));
    for differing in
        [claim(&app, &new, &origin, 91), claim(&app, &new, &origin, 90).replace(", module_id, 'carried_in'", &of_another_module)]
    {
        let message = app.refusal(&differing);
        assert!(message.contains("muster:carried_differs"), "{message}");
    }
    app.sql(&claim(&app, &new, &origin, 90)).unwrap();
    assert!(app.findings_of("carried").iter().any(|finding| finding.contains(&new)), "{:?}", app.findings());
}

/// Everybody in an intake withdraws and its sessions are closed by now: it is completed.
fn complete(course: &Course, intake: &str, enrollment: &str) {
    let step = |path: String| course.coordinator.post(&path, json!({ "reason": "it is over" })).expect(200);
    step(format!("/intakes/{intake}/start"));
    step(format!("/enrollments/{enrollment}/withdraw"));
    step(format!("/intakes/{intake}/complete"));
}

#[test]
fn what_was_planned_at_the_transfer_stays_the_measure() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (member, [own, _]) = taught(&course);
    let intake = next(&course, "HONGXING-4");
    let new = transfer(&course, &member.id, &intake).expect(201).id();
    let less = json!({ "module_id": course.program.metallurgy_module, "delta_minutes": 60 - seed::OWN, "reason": "shortened" });
    course.coordinator.post(&format!("/intakes/{intake}/amendments"), less).expect(201);
    assert_eq!(carried(&course, &new), 180);
    assert_eq!(app.findings(), Vec::<String>::new());
    correct(&course, &own, &member, 80);
    assert_eq!(carried(&course, &new), 170);
    assert_eq!(app.findings(), Vec::<String>::new());
    for statement in ["UPDATE carried_modules SET planned_minutes = 1", "DELETE FROM carried_modules"] {
        assert!(app.refusal(statement).contains("muster:immutable"), "{statement}");
    }
}

#[test]
fn what_was_taken_along_into_a_completed_intake_stays_as_it_is() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (member, [own, common]) = taught(&course);
    let intake = next(&course, "HONGXING-4");
    let new = transfer(&course, &member.id, &intake).expect(201).id();
    let path = format!("/enrollments/{}/hours", member.id);
    let less = json!({ "session_id": common, "minutes": -20, "reason": "left for the plant" });
    let adjusted = course.coordinator.post(&path, less.clone()).expect(201).id();
    complete(&course, &intake, &new);
    // What its origin comes to is corrected all the same, and nobody there is barred by it.
    correct(&course, &own, &member, 30);
    course.coordinator.post(&path, less).expect(201);
    course.coordinator.post(&format!("/hour-entries/{adjusted}/reverse"), json!({ "reason": "did not" })).expect(201);
    assert_eq!(carried(&course, &new), 160);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn whoever_had_not_begun_begins_at_once_where_they_go_on() {
    let app = spawn_app();
    let course = seed::course(&app);
    let later = next(&course, "HONGXING-9");
    let days = json!({ "opens_on": "2090-01-08", "closes_on": "2090-06-30" });
    course.coordinator.if_match("*").patch(&format!("/intakes/{later}"), days).expect(200);
    let mut body = seed::enrollment_body(&course, &seed::recruit(&course));
    body.as_object_mut().unwrap().remove("cohort_id");
    let member = course.coordinator.post(&format!("/intakes/{later}/enrollments"), body).expect(201).id();
    app.unchanged(|| {
        let early = json!({ "intake_id": course.intake, "reason": "another shift", "effective_at": seed::morning(1) });
        course.coordinator.post(&format!("/enrollments/{member}/transfer"), early).fault("/effective_at", "before_present_state");
    });
    let new = transfer(&course, &member, &course.intake).expect(201).id();
    let begun = format!(
        "SELECT count(*) FROM enrollment_periods p JOIN enrollments e ON e.id = p.enrollment_id
         WHERE e.id = {} AND p.state = 'enrolled' AND p.from_at <= e.created_at",
        app.hex(&new)
    );
    assert_eq!(app.count(&begun), 1);
    // Nobody taught them anywhere, so that they may be missed here.
    course.coordinator.post(&format!("/enrollments/{new}/never-arrived"), json!({ "reason": "not seen" })).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn whoever_went_on_elsewhere_arrived_and_takes_steps_there_whichever_clock_recorded_it() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (with_hours, _) = taught(&course);
    let (later, without) = (next(&course, "P2"), seed::enrolled(&course, 1).remove(0));
    for member in [with_hours, without] {
        let id = transfer(&course, &member.id, &later).expect(201).id();
        let step = |verb: &str| course.coordinator.post(&format!("/enrollments/{id}/{verb}"), json!({ "reason": "as agreed" }));
        app.unchanged(|| step("never-arrived").expect(409).problem("was_present"));
        // As if what they left had ended by a clock ahead, which this begins after.
        let (ahead, own) = (app.instant("2090-01-01T00:00:00Z"), format!("enrollment_id = {}", app.hex(&id)));
        app.forge("enrollment_periods", &format!("UPDATE enrollment_periods SET from_at = {ahead} WHERE {own}"));
        step("suspend").expect(200);
        step("withdraw").expect(200);
        let stood = |state: &str| app.count(&format!("SELECT count(*) FROM enrollment_periods WHERE {own} AND state = '{state}'"));
        assert_eq!([stood("enrolled"), stood("suspended"), stood("withdrawn")], [1, 1, 1]);
    }
}

#[test]
fn whose_hours_were_carried_is_told_with_the_closing_they_follow_to_whoever_sees_it() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (member, [own, _]) = taught(&course);
    let later = next(&course, "P3");
    let new = transfer(&course, &member.id, &later).expect(201).id();
    let of_module = || {
        let entries = course.coordinator.get(&format!("/enrollments/{new}/hours")).expect(200);
        let standing = |entry: &&Value| entry["module_id"] == course.program.metallurgy_module && entry["reverses_id"].is_null();
        entries.items().iter().filter(standing).map(|entry| entry["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = of_module();
    correct(&course, &own, &member, 30);
    let followed: Vec<String> = of_module().into_iter().filter(|id| !first.contains(id)).collect();
    let [followed] = followed.try_into().unwrap();
    let why = |client: &Client, entry: &str| client.get(&format!("/hour-entries/{entry}/explain")).expect(200);
    assert_eq!(why(&course.coordinator, &followed).body["closing_of"], json!({ "id": own, "code": "S-1" }));
    assert_eq!(why(&course.coordinator, &first[0]).body["closing_of"], Value::Null, "the transfer posted it");
    let narrowed = TokenOptions { intake: Some(later), ..TokenOptions::default() };
    let narrowed = app.client_for(Role::Coordinator, Some(&app.provider().id), None, narrowed);
    let told = why(&narrowed, &followed);
    assert_eq!((&told.body["entry"]["minutes"], &told.body["closing_of"]), (&json!(30), &Value::Null));
    assert!(!told.text.contains(&own) && !told.text.contains("S-1"), "{}", told.text);
    narrowed.get(&format!("/sessions/{own}")).expect(404);
}

#[test]
fn what_was_carried_is_corrected_where_it_came_from() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (member, _) = taught(&course);
    let new = transfer(&course, &member.id, &next(&course, "HONGXING-4")).expect(201).id();
    let entry = course.coordinator.get(&format!("/enrollments/{new}/hours")).expect(200).text_at("/items/0/id");
    let reversed = course.coordinator.post(&format!("/hour-entries/{entry}/reverse"), json!({ "reason": "wrong" }));
    reversed.expect(409).problem("carried_from_elsewhere");
}

#[test]
fn whoever_comes_back_to_a_discipline_has_its_hours_again() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (member, [own, _]) = taught(&course);
    let to = |id: &str, discipline: &str| {
        let body = json!({ "intake_id": course.intake, "discipline_id": discipline, "reason": "as agreed" });
        course.coordinator.post(&format!("/enrollments/{id}/transfer"), body).expect(201).id()
    };
    let fitter = to(&member.id, &course.program.mechanics);
    assert_eq!(carried(&course, &fitter), 90, "the common module alone");
    let back = to(&fitter, &course.program.metallurgy);
    assert_eq!(carried(&course, &back), 180, "each minute once");
    // What is corrected where it was posted follows past the place in between.
    correct(&course, &own, &member, 40);
    assert_eq!((carried(&course, &fitter), carried(&course, &back)), (json!(90), json!(130)));
    assert_eq!(app.findings(), Vec::<String>::new());
    let columns = "enrollment_id, from_enrollment_id, from_module_id, module_id, planned_minutes";
    let stranger = seed::enrolled(&course, 1).remove(0);
    let [stranger, back, own_module] = [&stranger.id, &back, &course.program.mechanics_module].map(|id| app.hex(id));
    let message =
        app.refusal(&format!("INSERT INTO carried_modules ({columns}) VALUES ({back}, {stranger}, {own_module}, {own_module}, 90)"));
    assert!(message.contains("muster:carried_differs"), "{message}");
}

#[test]
fn another_discipline_of_the_intake_takes_the_seat_along() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 2);
    let unit = &course.sponsor.plants[0];
    for of in [&course.sponsor.id, unit] {
        course.coordinator.if_match("*").put(&format!("/intakes/{}/seat-quotas/{of}", course.intake), json!({ "seats": 1 })).expect(200);
    }
    course.coordinator.if_match("*").patch(&format!("/intakes/{}", course.intake), json!({ "capacity": 1 })).expect(200);
    let body = json!({ "intake_id": course.intake, "discipline_id": course.program.mechanics, "reason": "wants to be a fitter" });
    course.coordinator.post(&format!("/enrollments/{}/transfer", members[0].id), body).expect(201);
    assert_eq!(app.count("SELECT sum(seats_taken) FROM intakes"), 2);
    assert_eq!(app.count("SELECT sum(seats_taken) FROM unit_quotas"), 2);
    assert_eq!(app.findings(), Vec::<String>::new());
}
