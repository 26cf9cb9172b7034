//! What `muster verify` says of payloads that are gone, and of erasures.

use serde_json::json;

use super::{FUTURE, PAST, erase, erased, restrict};
use crate::support::{App, seed, seed::Course, seed::Enrolled, spawn_app};

/// Two who took part and have withdrawn.
fn former(app: &App) -> (Course, Vec<Enrolled>) {
    let course = seed::course(app);
    let members = seed::enrolled(&course, 2);
    for member in &members {
        course.coordinator.post(&format!("/enrollments/{}/withdraw", member.id), json!({ "reason": "moved away" })).expect(200);
    }
    (course, members)
}

#[test]
fn a_payload_that_went_without_an_erasure_is_missed() {
    let app = spawn_app();
    let (_, members) = former(&app);
    erased(&app, &members[0].trainee);
    assert_eq!(app.findings(), Vec::<String>::new());
    let one = "(SELECT min(e.seq) FROM journal_entries e JOIN journal_payloads p ON p.entry_id = e.id)";
    app.forge(
        "journal_payloads",
        &format!("DELETE FROM journal_payloads WHERE entry_id = (SELECT id FROM journal_entries WHERE seq = {one})"),
    );
    let findings = app.findings();
    assert!(
        findings.len() == 1 && findings[0].starts_with("journal: the payload at position ") && findings[0].ends_with("is missing"),
        "{findings:?}"
    );
}

#[test]
fn an_erasure_that_took_more_than_it_said_is_found() {
    let app = spawn_app();
    let (_, members) = former(&app);
    erased(&app, &members[0].trainee);
    // Somebody else's payload, said to be of that erasure.
    let other = app.hex(&members[1].trainee);
    let entry = format!("(SELECT id FROM journal_entries WHERE subject_id = {other} LIMIT 1)");
    app.forge("erased_payloads", &format!("INSERT INTO erased_payloads (entry_id, erasure_id) SELECT {entry}, id FROM erasures"));
    app.forge("journal_payloads", &format!("DELETE FROM journal_payloads WHERE entry_id = {entry}"));
    let expected = format!("erasures: the erasure of person {} took other payloads than the journal says", members[0].trainee);
    assert_eq!(app.findings(), [expected]);
}

#[test]
fn an_erasure_that_the_journal_does_not_know_is_found() {
    let app = spawn_app();
    let (_, members) = former(&app);
    restrict(&app, &members[0].trainee, FUTURE).unwrap();
    let (id, person) = (app.hex(&app.absent_id()), app.hex(&members[0].trainee));
    app.sql(&format!("INSERT INTO erasures (id, person_id, created_at) VALUES ({id}, {person}, {})", app.instant("2026-01-01T00:00:00Z")))
        .unwrap();
    assert_eq!(app.findings(), [format!("erasures: the erasure of person {} is not in the journal", members[0].trainee)]);
}

#[test]
fn somebody_who_was_made_to_look_erased_is_found() {
    let app = spawn_app();
    let (_, members) = former(&app);
    restrict(&app, &members[0].trainee, PAST).unwrap();
    app.forge("people", &format!("UPDATE people SET erased_at = created_at WHERE id = {}", app.hex(&members[0].trainee)));
    let expected = format!("erasures: person {} is said to be erased, and there is no erasure", members[0].trainee);
    assert_eq!(app.findings_of("erasures"), [expected]);
}

#[test]
fn entries_about_others_keep_their_payloads_unless_they_name_the_erased() {
    let app = spawn_app();
    let (course, members) = former(&app);
    let (_, cohort) = seed::advised_cohort(&app, &course);
    let class = seed::enrolled_at(&course, &course.sponsor.plants[0], (&course.program.metallurgy, &cohort), 2);
    let mut body = seed::session_body(&course, "MET-1", &seed::morning(1));
    body["cohort_ids"] = json!([cohort]);
    let session = seed::held_session_as(&course, body);
    let lines = [seed::line(&class[0], "present"), seed::line(&class[1], "present")];
    seed::put_roll_call(&course, &session, &lines).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    for member in &class {
        course.coordinator.post(&format!("/enrollments/{}/withdraw", member.id), json!({ "reason": "moved away" })).expect(200);
    }
    let told = |subject: &str| {
        let audit = app.auditor().get(&format!("/audit?subject_id={subject}")).expect(200);
        audit.items().iter().map(|entry| !entry["to"].is_null()).collect::<Vec<_>>()
    };
    erased(&app, &members[0].trainee);
    assert_eq!(told(&members[1].id), [true, true]);
    assert_eq!(told(&members[0].id), [false, false]);
    assert!(told(&session).iter().all(|told| *told));
    // A roll call is about many; it goes as a whole.
    erased(&app, &class[0].trainee);
    let entries = app.auditor().get(&format!("/audit?subject_id={session}&action=roll_call.put")).expect(200);
    assert_eq!(entries.items()[0]["to"], json!(null));
    assert_eq!(told(&class[1].id), [true, true]);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn an_erasure_that_fails_leaves_everything() {
    let app = spawn_app();
    let (course, members) = former(&app);
    restrict(&app, &members[0].trainee, PAST).unwrap();
    // The last table that an erasure writes refuses it.
    let refuse = match app.database.kind() {
        crate::support::Kind::Sqlite => {
            "CREATE TRIGGER stop BEFORE UPDATE OF erased_at ON people BEGIN SELECT RAISE(ABORT, 'muster:immutable'); END"
        }
        crate::support::Kind::Postgres => {
            "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'muster:immutable'; END $$;
             CREATE TRIGGER stop BEFORE UPDATE OF erased_at ON people FOR EACH ROW EXECUTE FUNCTION stop()"
        }
    };
    app.sql(refuse).unwrap();
    let payloads = app.count("SELECT count(*) FROM journal_payloads");
    app.unchanged(|| assert_eq!(erase(&app, &members[0].trainee).unwrap_err().code(), "immutable"));
    assert_eq!(app.count("SELECT count(*) FROM journal_payloads"), payloads);
    assert_eq!(app.count("SELECT count(*) FROM erasures"), 0);
    let name = course.coordinator.get(&format!("/trainees/{}", members[0].trainee)).expect(200).body["name"].clone();
    assert!(name.as_str().unwrap().starts_with("学员"), "{name}");
    assert_eq!(app.findings(), Vec::<String>::new());
}
