//! A trainee of whom something stands wherever the API lets something stand, and of whom nothing is left.

use chrono::TimeDelta;
use muster::access::{self, Credentials, NewRoleGrant, NewToken, NewUser, Role};
use serde_json::{Value, json};

use super::{FUTURE, PAST, columns_with, erase, erased, restrict};
use crate::support::{App, Client, Reply, seed, seed::Course, seed::Enrolled, spawn_app};

/// In every text about the trainee stands one of these.
const CANARY: [&str; 3] = ["canary", "金丝雀", "5550101"];

/// A course in which the trainee took part in everything, and all is over.
struct Life {
    app: App,
    course: Course,
    canary: Enrolled,
    other: Enrolled,
    import: String,
    address: String,
    leave: String,
}

const ROSTER: &str = "name,latin_name,employee_number,organization,discipline,cohort,phone,email";

fn life() -> Life {
    let app = spawn_app();
    let course = seed::course(&app);
    let other = seed::enrolled(&course, 1).remove(0);
    let row = "金丝雀,Canary Li,CANARY-1,JISCO-IRON,MET,MET-1,+86 931 5550101,canary@example.org";
    let path = format!("/intakes/{}/enrollments/import", course.intake);
    let import = course.coordinator.post_file(&path, "canary.csv", format!("{ROSTER}\n{row}").as_bytes()).expect(200).text_at("/import_id");
    let enrollments = course.coordinator.get(&format!("/intakes/{}/enrollments", course.intake)).expect(200);
    let found = enrollments.items().iter().find(|one| one["name"] == "金丝雀").unwrap();
    let text = |field: &str| found[field].as_str().unwrap().to_owned();
    let canary = Enrolled { id: text("id"), trainee: text("trainee_id") };
    let own = user(&app, &canary);
    let mut life = Life { app, course, canary, other, import, address: String::new(), leave: String::new() };
    life.be_somebody(&own);
    life.be_taught(&own);
    life.be_a_guest();
    life.be_nominated();
    life.leave();
    assert_eq!(life.app.findings(), Vec::<String>::new());
    life
}

/// The trainee's own user, with a token, a password, a sign-in and a failed one.
fn user(app: &App, canary: &Enrolled) -> Client {
    let (person, provider) = (canary.trainee.parse().unwrap(), app.provider().id.parse().unwrap());
    let (token, secret) = app
        .db
        .write_blocking(Credentials::Operator, move |conn, actor, now| {
            let user = access::create_user(conn, actor, now, NewUser { name: "canary user".parse().unwrap(), person_id: Some(person) })?;
            let grant = access::grant_role(conn, actor, now, user.id, NewRoleGrant::lasting(Role::Trainee, Some(provider)))?;
            let new = NewToken {
                role_grant_id: grant.id,
                name: "canary token".parse().unwrap(),
                read_only: false,
                intake_id: None,
                program_id: None,
                expires_at: now.plus(TimeDelta::days(1)),
            };
            let token = access::issue_token(conn, actor, now, new)?;
            let invitation = muster::accounts::invite(conn, actor, now, grant.id, TimeDelta::hours(1))?;
            Ok((token.token.expose().to_owned(), invitation.secret.expose().to_owned()))
        })
        .unwrap();
    let password = json!({ "secret": secret, "password": crate::support::PASSWORD });
    app.anonymous().post("/invitations/accept", password).expect(200);
    let browser = app.anonymous().with_header("user-agent", "canary browser");
    let signed_in = browser.sign_in("canary user", crate::support::PASSWORD).expect(201);
    browser.keeping(&signed_in).sets_second_factor();
    browser.sign_in("canary user", "the password of another canary").expect(401);
    Client::at(&app.address, &token)
}

impl Life {
    fn post(&self, path: &str, body: Value) -> Reply {
        self.course.coordinator.post(path, body).expect(200)
    }

    fn be_somebody(&mut self, own: &Client) {
        let person = format!("/trainees/{}", self.canary.trainee);
        self.course.coordinator.if_match("*").patch(&person, json!({ "latin_name": "Canary Xu" })).expect(200);
        let number = json!({ "identity_number": "CANARY1", "reason": "the canary's card" });
        self.post(&format!("/people/{}/identity-number", self.canary.trainee), number);
        let enrollment = format!("/enrollments/{}", self.canary.id);
        self.course.coordinator.if_match("*").patch(&enrollment, json!({ "funding": "canary fund" })).expect(200);
        let feed = own.post("/feeds", json!({ "kind": "trainee", "subject_id": self.canary.trainee })).expect(201);
        self.address = feed.text_at("/address").split("/api/v1").nth(1).unwrap().to_owned();
    }

    /// Two sessions with a note, leave and corrections, and hours by hand.
    fn be_taught(&mut self, own: &Client) {
        let path = format!("/intakes/{}/leave-requests", self.course.intake);
        let mut leave = seed::leave_body(&self.canary.id, &seed::morning(1), 30);
        leave["reason"] = json!("the canary is ill");
        self.leave = own.post(&path, leave).expect(201).id();
        self.post(&format!("/leave-requests/{}/grant", self.leave), json!({ "reason": "get well, canary" }));
        let mut line = seed::line_of(&self.canary, "late", 30);
        line["note"] = json!("canary overslept");
        let sessions = [1, 2].map(|day| {
            let (code, at) = (format!("MET-{day}"), seed::morning(day));
            seed::closed_session(&self.course, &code, &at, &[line.clone(), seed::line(&self.other, "present")])
        });
        for (session, step) in sessions.iter().zip(["accept", "refuse"]) {
            let asked =
                json!({ "enrollment_id": self.canary.id, "code": "late", "minutes": 45, "statement": "the canary was there sooner" });
            let asked = own.post(&format!("/sessions/{session}/correction-requests"), asked).expect(201).id();
            self.post(&format!("/correction-requests/{asked}/{step}"), json!({ "reason": format!("{step} the canary") }));
        }
        // Opened again for somebody else: what was before is told of it.
        let [first, second] = sessions;
        seed::step_roll_call(&self.course, &first, "reopen", Some("one minute")).expect(200);
        seed::step_roll_call(&self.course, &first, "close", None).expect(200);
        let adjustment = json!({ "session_id": second, "minutes": 5, "reason": "the canary stayed on" });
        let hours = format!("/enrollments/{}/hours", self.canary.id);
        self.course.coordinator.idempotency_key("for the canary").post(&hours, adjustment).expect(201);
    }

    fn be_a_guest(&self) {
        let missed = seed::closed_session(
            &self.course,
            "MET-3",
            &seed::morning(3),
            &[seed::line(&self.canary, "absent"), seed::line(&self.other, "present")],
        );
        let (_, cohort) = seed::advised_cohort(&self.app, &self.course);
        let mut body = seed::session_body(&self.course, "MET-2-3", &seed::morning(4));
        body["cohort_ids"] = json!([cohort]);
        let session = seed::published_session_as(&self.course, body);
        let invitation = json!({ "enrollment_id": self.canary.id, "missed_session_id": missed, "note": "canary comes again" });
        self.course.coordinator.post(&format!("/sessions/{session}/guests"), invitation).expect(201);
        self.post(&format!("/sessions/{session}/hold"), json!({}));
        seed::put_roll_call(&self.course, &session, &[seed::line(&self.canary, "present")]).expect(200);
        seed::step_roll_call(&self.course, &session, "close", None).expect(200);
    }

    /// For another intake, by a partner, in vain.
    fn be_nominated(&self) {
        let intake = seed::intake(&self.course.coordinator, &self.course.program.version, "HONGXING-4");
        let quota = format!("/intakes/{intake}/seat-quotas/{}", self.course.sponsor.id);
        self.course.coordinator.put(&quota, json!({ "seats": 9 })).expect(200);
        let nominee = json!({ "name": "金丝雀", "employee_number": "CANARY-1" });
        let unit = &self.course.sponsor.plants[0];
        let body = json!({ "trainee": nominee, "discipline_id": self.course.program.metallurgy, "unit_id": unit });
        let nominated = self.app.partner(&self.course.sponsor.id).post(&format!("/intakes/{intake}/nominations"), body).expect(201);
        assert_eq!(nominated.text_at("/trainee_id"), self.canary.trainee);
        self.post(&format!("/enrollments/{}/reject", nominated.id()), json!({ "reason": "no canary twice" }));
    }

    fn leave(&self) {
        for step in ["suspend", "resume", "withdraw"] {
            self.post(&format!("/enrollments/{}/{step}", self.canary.id), json!({ "reason": format!("{step} the canary") }));
        }
    }

    /// What everybody else's hours are, and the sums of all, without what they are called.
    fn sums(&self) -> [String; 4] {
        let coordinator = &self.course.coordinator;
        let mut progress = coordinator.get(&format!("/intakes/{}/progress", self.course.intake)).expect(200).body;
        unnamed(&mut progress);
        let mut hours = coordinator.get(&format!("/enrollments/{}/hours", self.canary.id)).expect(200).body;
        hours["items"].as_array_mut().unwrap().iter_mut().for_each(|entry| entry["reason"] = Value::Null);
        let text = |path: &str| coordinator.get(&format!("/enrollments/{}/{path}", self.other.id)).expect(200).text;
        [progress.to_string(), hours.to_string(), text("hours"), text("explain")]
    }
}

/// Takes out what rows are called.
fn unnamed(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for called in ["name", "latin_name", "as_of", "at"] {
                fields.remove(called);
            }
            fields.values_mut().for_each(unnamed);
        }
        Value::Array(values) => values.iter_mut().for_each(unnamed),
        _ => {}
    }
}

#[test]
fn of_whoever_is_erased_no_word_is_left_and_every_sum() {
    let life = life();
    let held = columns_with(&life.app, &CANARY);
    for expected in [
        "affiliations.employee_number",
        "attendances.note",
        "correction_requests.reason",
        "correction_requests.statement",
        "enrollment_steps.reason",
        "enrollments.funding",
        "guests.note",
        "hour_entries.reason",
        "idempotency_keys.key",
        "imports.file_name",
        "journal_payloads.body",
        "leave_requests.reason",
        "leave_steps.reason",
        "people.email",
        "people.latin_name",
        "people.name",
        "people.phone",
        "tokens.name",
        "users.name",
    ] {
        assert!(held.iter().any(|column| column == expected), "nothing was planted in {expected}: {held:?}");
    }
    let sums = life.sums();
    let tag = life.course.coordinator.get(&format!("/intakes/{}/progress", life.course.intake)).expect(200).etag();
    let entries = life.app.count("SELECT count(*) FROM journal_entries");
    let erased = erased(&life.app, &life.canary.trainee);
    assert!(erased.taken.gone.payloads > 20 && erased.taken.imports == 1 && erased.taken.answers == 1, "{erased:?}");
    assert_eq!(columns_with(&life.app, &CANARY), Vec::<String>::new());
    for sealed in ["identity_numbers", "second_factors", "recovery_codes", "passwords"] {
        assert_eq!(life.app.count(&format!("SELECT count(*) FROM {sealed}")), 0, "{sealed}");
    }
    assert_eq!(life.sums(), sums);
    assert!(life.app.count("SELECT count(*) FROM journal_entries") > entries, "entries stay");
    assert_eq!(life.app.findings(), Vec::<String>::new());
    // What reports show is another name.
    let progress = life.course.coordinator.get(&format!("/intakes/{}/progress", life.course.intake)).expect(200);
    assert_ne!(progress.etag(), tag);
    assert!(progress.text.contains("已删除"), "{}", progress.text);
    let person = life.course.coordinator.get(&format!("/trainees/{}", life.canary.trainee)).expect(200).body;
    assert_eq!((&person["name"], &person["latin_name"], &person["phone"]), (&json!("已删除"), &json!("erased"), &Value::Null));
}

#[test]
fn whatever_they_came_in_by_has_ended() {
    let life = life();
    life.app.anonymous().get(&life.address).expect(200);
    restrict(&life.app, &life.canary.trainee, FUTURE).unwrap();
    life.app.anonymous().get(&life.address).expect(404);
    let live = "SELECT count(*) FROM tokens t JOIN role_grants g ON g.id = t.role_grant_id JOIN users u ON u.id = g.user_id
        WHERE u.person_id IS NOT NULL AND (t.revoked_at IS NULL OR u.disabled_at IS NULL)";
    assert_eq!(life.app.count(live), 0);
    assert!(!columns_with(&life.app, &CANARY).is_empty(), "nothing is erased before its day");
    life.app.anonymous().sign_in("canary user", crate::support::PASSWORD).expect(401);
    assert_eq!(life.app.findings(), Vec::<String>::new());
}

#[test]
fn an_import_of_the_erased_is_not_taken_back_and_its_counts_stay() {
    let life = life();
    let path = format!("/imports/{}", life.import);
    let before = life.course.coordinator.get(&path).expect(200).body;
    erased(&life.app, &life.canary.trainee);
    let after = life.course.coordinator.get(&path).expect(200).body;
    assert_eq!(after["file_name"], "已删除");
    for kept in ["file_sha256", "rows", "state", "created_at"] {
        assert_eq!(after[kept], before[kept], "{kept}");
    }
    let undo = || life.course.coordinator.post(&format!("{path}/undo"), json!({ "reason": "the wrong list" }));
    life.app.unchanged(|| undo().expect(409).problem("import_erased"));
}

#[test]
fn what_was_done_for_the_erased_is_not_answered_again() {
    let life = life();
    let adjust = |minutes: i64| {
        let body = json!({ "module_id": life.course.program.metallurgy_module, "minutes": minutes, "reason": "as before" });
        life.course.coordinator.idempotency_key("again").post(&format!("/enrollments/{}/hours", life.canary.id), body)
    };
    let first = adjust(1).expect(201).id();
    assert_eq!(adjust(1).expect(201).id(), first);
    restrict(&life.app, &life.canary.trainee, PAST).unwrap();
    assert_eq!(erase(&life.app, &life.canary.trainee).unwrap().taken.answers, 2);
    assert_ne!(adjust(1).expect(201).id(), first, "the answer of before is gone");
}

#[test]
fn the_audit_lists_what_was_done_without_what_was_said() {
    let life = life();
    restrict(&life.app, &life.canary.trainee, PAST).unwrap();
    let path = format!("/audit?subject_id={}&limit=500", life.canary.trainee);
    let before = life.app.auditor().get(&path).expect(200);
    let restricted = before.items().iter().find(|entry| entry["action"] == "person.restricted").unwrap().clone();
    assert_eq!((&restricted["to"], &restricted["reason"]), (&json!({ "retained_until": PAST }), &json!("asked for in writing")));
    erase(&life.app, &life.canary.trainee).unwrap();
    let after = life.app.auditor().get(&path).expect(200);
    let (last, erased) = after.items().split_last().unwrap();
    assert_eq!((&last["action"], &last["reason"]), (&json!("person.erased"), &json!("asked for in writing")));
    assert_eq!(erased.len(), before.items().len());
    for (entry, told) in erased.iter().zip(before.items()) {
        assert_eq!((&entry["from"], &entry["to"], &entry["reason"]), (&Value::Null, &Value::Null, &Value::Null));
        for kept in ["position", "id", "action", "hash", "recorded_at", "user_id"] {
            assert_eq!(entry[kept], told[kept]);
        }
    }
    let leave = life.app.auditor().get(&format!("/audit?subject_id={}", life.leave)).expect(200);
    assert!(leave.items().len() == 2 && leave.items().iter().all(|entry| entry["to"].is_null()), "{}", leave.text);
}
