//! `GET /enrollments/{id}/progress/explain` and `GET /hour-entries/{id}/explain`.

use serde_json::{Value, json};

use super::{row, taught};
use crate::support::{Client, seed, seed::Enrolled, spawn_app};

fn explained(client: &Client, of: &Enrolled) -> Value {
    client.get(&format!("/enrollments/{}/progress/explain", of.id)).expect(200).body
}

fn number<'a>(explanation: &'a Value, name: &str) -> &'a Value {
    explanation["numbers"].as_array().unwrap().iter().find(|one| one["number"] == name).unwrap()
}

fn amounts(explanation: &Value) -> Vec<(String, i64)> {
    let amount = |one: &Value| (one["name"].as_str().unwrap().to_owned(), one["minutes"].as_i64().unwrap());
    explanation["amounts"].as_array().unwrap().iter().map(amount).collect()
}

#[test]
fn every_number_of_a_row_is_followed_to_its_entries_and_from_there_to_session_and_author() {
    let app = spawn_app();
    let taught = taught(&app);
    let coordinator = &taught.course.coordinator;
    let report = coordinator.get(&super::path(&taught.course)).expect(200).body;
    for who in [&taught.anna, &taught.bao, &taught.chen, &taught.deng, &taught.elif] {
        let explanation = explained(coordinator, who);
        assert_eq!(&explanation["row"], row(&report, who));
        let entries = explanation["entries"].as_array().unwrap();
        for one in explanation["numbers"].as_array().unwrap() {
            let name = one["number"].as_str().unwrap();
            // Minutes are numbers in the row, and words beside the ratios here.
            let value = &explanation["row"][name];
            assert_eq!(
                one["value"].as_str().map(ToOwned::to_owned),
                value.as_str().map_or_else(|| value.as_i64().map(|m| m.to_string()), |text| Some(text.to_owned())),
                "{name}"
            );
            let kinds = one["kinds"].as_array().unwrap();
            if kinds.is_empty() {
                continue;
            }
            let sum: i64 =
                entries.iter().filter(|entry| kinds.contains(&entry["kind"])).map(|entry| entry["minutes"].as_i64().unwrap()).sum();
            assert_eq!((value.as_i64().unwrap(), amounts(one).iter().map(|(_, minutes)| minutes).sum::<i64>()), (sum, sum), "{name}");
        }
        for entry in entries {
            assert!(entry["session_id"].is_string() && entry["closing"] == 1 && entry["user_id"].is_string(), "{entry}");
        }
        let open: i64 = explanation["modules"].as_array().unwrap().iter().map(|module| module["open_minutes"].as_i64().unwrap()).sum();
        assert_eq!(amounts(number(&explanation, "best_reachable"))[2], ("still to come".to_owned(), open));
    }
    coordinator.post(&format!("/enrollments/{}/withdraw", taught.chen.id), json!({ "reason": "as agreed" })).expect(200);
    let left = explained(coordinator, &taught.chen);
    assert!(left["modules"].as_array().unwrap().iter().all(|module| module["open_minutes"] == 0));
    assert_eq!(amounts(number(&left, "best_reachable"))[2], ("still to come".to_owned(), 0));
    let bao = explained(coordinator, &taught.bao);
    assert_eq!(amounts(number(&bao, "rate")), [("present".to_owned(), 240), ("counted as expected".to_owned(), 270)]);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn an_entry_says_the_session_the_line_and_the_amounts() {
    let app = spawn_app();
    let taught = taught(&app);
    let coordinator = &taught.course.coordinator;
    let entries = explained(coordinator, &taught.bao)["entries"].as_array().unwrap().clone();
    let missed = entries.iter().find(|entry| entry["kind"] == "unauthorized_absence").unwrap();
    let path = format!("/hour-entries/{}/explain", missed["id"].as_str().unwrap());
    let explanation = coordinator.get(&path).expect(200).body;
    assert_eq!((&explanation["session"]["code"], &explanation["session"]["minutes"]), (&json!("MET-01"), &json!(90)));
    assert_eq!((&explanation["attendance"]["code"], &explanation["attendance"]["minutes"]), (&json!("late"), &json!(60)));
    let expected = [("minutes of the session, as held", 90), ("present", 60), ("missed or not owed", 30)];
    assert_eq!(amounts(&explanation), expected.map(|(name, minutes)| (name.to_owned(), minutes)));
    assert_eq!((&explanation["entry"]["minutes"], &explanation["reversed_by_id"]), (&json!(30), &Value::Null));
    // Once the roll call was corrected, the entry is explained by what took it back.
    let session = explanation["session"]["id"].as_str().unwrap().to_owned();
    seed::step_roll_call(&taught.course, &session, "reopen", Some("he was there")).expect(200);
    let lines = [&taught.anna, &taught.bao, &taught.chen, &taught.elif].map(|who| seed::line(who, "present"));
    seed::put_roll_call(&taught.course, &session, &lines).expect(200);
    seed::step_roll_call(&taught.course, &session, "close", None).expect(200);
    let explanation = coordinator.get(&path).expect(200).body;
    assert!(explanation["reversed_by_id"].is_string() && explanation["attendance"].is_null());
    let reversal = coordinator.get(&format!("/hour-entries/{}/explain", explanation["reversed_by_id"].as_str().unwrap())).expect(200).body;
    assert_eq!((&reversal["entry"]["minutes"], &reversal["entry"]["reverses_id"]), (&json!(-30), &missed["id"]));
    assert_eq!(reversal["rule"], "takes back another entry, with the same minutes, negative");
    assert_eq!(reversal["closing_of"], json!({ "id": session, "code": "MET-01" }));
}

#[test]
fn an_entry_says_the_session_as_it_was_posted_whatever_was_corrected_since() {
    let app = spawn_app();
    let taught = taught(&app);
    let coordinator = &taught.course.coordinator;
    let entry = explained(coordinator, &taught.anna)["entries"][0]["id"].as_str().unwrap().to_owned();
    let session_of = || coordinator.get(&format!("/hour-entries/{entry}/explain")).expect(200).body["session"].clone();
    let posted = session_of();
    let modules = || explained(coordinator, &taught.anna)["modules"].clone();
    let (id, covered) = (posted["id"].as_str().unwrap(), modules());
    seed::step_roll_call(&taught.course, id, "reopen", Some("over earlier")).expect(200);
    let corrected = json!({ "ends_at": seed::after(posted["starts_at"].as_str().unwrap(), 80), "break_minutes": 10,
        "difference_reason": "over earlier, with a break" });
    coordinator.if_match("*").patch(&format!("/sessions/{id}/hold"), corrected).expect(200);
    assert_eq!((session_of(), modules()), (posted.clone(), covered));
    assert_eq!((&posted["minutes"], &posted["break_minutes"]), (&json!(90), &json!(0)));
    let lines = [&taught.anna, &taught.bao, &taught.chen, &taught.elif].map(|who| seed::line(who, "present"));
    seed::put_roll_call(&taught.course, id, &lines).expect(200);
    seed::step_roll_call(&taught.course, id, "close", None).expect(200);
    let entries = explained(coordinator, &taught.anna)["entries"].clone();
    let now = entries.as_array().unwrap().iter().find(|one| one["session_id"] == id).unwrap()["id"].as_str().unwrap().to_owned();
    let now = coordinator.get(&format!("/hour-entries/{now}/explain")).expect(200).body["session"].clone();
    assert_eq!((&now["minutes"], &now["break_minutes"]), (&json!(70), &json!(10)));
    // What was taken back was posted by another length than it has by now.
    let taken_back = session_of();
    assert_eq!((&taken_back["code"], &taken_back["starts_at"], &taken_back["minutes"]), (&posted["code"], &Value::Null, &Value::Null));
}

#[test]
fn what_is_recorded_has_no_breaks() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let mut body = seed::session_body(&course, "REC-01", &seed::morning(1));
    (body["mode"], body["length_minutes"]) = (json!("recorded"), json!(45));
    let session = seed::held_session_as(&course, body);
    seed::put_roll_call(&course, &session, &[seed::line(&member, "present")]).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    let entry = explained(&course.coordinator, &member)["entries"][0]["id"].as_str().unwrap().to_owned();
    let told = course.coordinator.get(&format!("/hour-entries/{entry}/explain")).expect(200).body["session"].clone();
    assert_eq!((&told["minutes"], &told["break_minutes"]), (&json!(45), &Value::Null));
}

#[test]
fn a_partner_is_told_the_minutes_of_its_own_and_neither_reasons_nor_authors() {
    let app = spawn_app();
    let taught = taught(&app);
    let adjusted = json!({ "module_id": taught.course.program.common_module, "minutes": 5, "reason": "was ill" });
    taught.course.coordinator.post(&format!("/enrollments/{}/hours", taught.chen.id), adjusted).expect(201);
    let partner = app.partner(&taught.course.sponsor.id);
    let own = explained(&partner, &taught.chen);
    let entry = own["entries"].as_array().unwrap().iter().find(|entry| entry["kind"] == "adjustment").unwrap();
    assert_eq!((&entry["minutes"], &entry["reason"], &entry["user_id"]), (&json!(5), &Value::Null, &Value::Null));
    let entry = partner.get(&format!("/hour-entries/{}/explain", entry["id"].as_str().unwrap())).expect(200);
    assert!(!entry.text.contains("was ill"), "{}", entry.text);
    let fits = [("expected in the module", 180), ("present in the module by now, with it", 105)];
    assert_eq!(amounts(&entry.body), fits.map(|(name, minutes)| (name.to_owned(), minutes)));
    let others = explained(&taught.course.coordinator, &taught.elif)["entries"][0]["id"].as_str().unwrap().to_owned();
    partner.get(&format!("/hour-entries/{others}/explain")).expect(404);
    partner.get(&format!("/enrollments/{}/progress/explain", taught.elif.id)).expect(404);
    app.trainee(&taught.chen.trainee).get(&format!("/enrollments/{}/progress/explain", taught.chen.id)).expect(200);
    app.instructor(&taught.course.instructor).get(&format!("/enrollments/{}/progress/explain", taught.chen.id)).expect(403);
}
