//! Intakes, marks and periods beside the journal.

use serde_json::json;

use super::{assert_found, taught};
use crate::support::{Kind, seed, spawn_app};

#[test]
fn an_intake_that_is_not_as_the_journal_says_is_found() {
    let app = spawn_app();
    let course = seed::course(&app);
    let other = seed::intake(&course.coordinator, &course.program.version, "OTHER");
    course.coordinator.if_match("*").patch(&format!("/intakes/{other}"), json!({ "name": "第四期" })).expect(200);
    course.coordinator.post(&format!("/intakes/{other}/cancel"), json!({ "reason": "too few" })).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
    let set = |change: &str| app.forge("intakes", &format!("UPDATE intakes SET {change} WHERE id = {}", app.hex(&other)));
    for (change, back, says) in [
        ("state = 'running'", "state = 'cancelled'", "state"),
        ("capacity = 9, name = '第五期'", "capacity = NULL, name = '第四期'", "capacity, name"),
    ] {
        set(change);
        assert_eq!(app.findings(), [format!("intakes: intake {other} is not as the journal says: other {says}")]);
        set(back);
        assert_eq!(app.findings(), Vec::<String>::new());
    }
    set("capacity = 9");
    let told = format!("subject_id = {} AND action LIKE 'intake.%'", app.hex(&other));
    let erase = "UPDATE journal_payloads SET body = 'erased' WHERE entry_id IN (SELECT id FROM journal_entries WHERE";
    app.forge("journal_payloads", &format!("{erase} {told})"));
    assert_found(&app, &["journal", "intakes"], &["told of by the journal in words that cannot be read"]);
    app.forge("journal_entries", &format!("UPDATE journal_entries SET subject_id = {} WHERE {told}", app.hex(&app.absent_id())));
    assert_found(&app, &["journal", "intakes"], &[&format!("intakes: intake {other} is not in the journal")]);
}

#[test]
fn seats_that_are_kept_for_a_sponsor_otherwise_than_the_journal_says_are_found() {
    let app = spawn_app();
    let course = seed::course(&app);
    seed::enrolled(&course, 1);
    let (sponsor, other) = (&course.sponsor.id, &seed::sponsor(&app, "BAOWU").id);
    let quota = format!("/intakes/{}/seat-quotas/{sponsor}", course.intake);
    course.coordinator.put(&quota, json!({ "seats": 9 })).expect(200);
    course.coordinator.if_match("*").put(&quota, json!({ "seats": 5 })).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
    let set = |seats: &str| format!("UPDATE intake_sponsors SET seats = {seats} WHERE sponsor_id = {}", app.hex(sponsor));
    let (intake, theirs) = (app.hex(&course.intake), app.hex(other));
    let finding = |sponsor: &str, kept: &str, told: &str| {
        format!("intakes: intake {} has {kept} seats for sponsor {sponsor}, the journal says {told}", course.intake)
    };
    for (edit, back, says) in [
        (set("6"), set("5"), finding(sponsor, "6", "5")),
        (set("NULL"), set("5"), finding(sponsor, "any number of", "5")),
        (
            format!("INSERT INTO intake_sponsors (intake_id, sponsor_id, seats) VALUES ({intake}, {theirs}, 1)"),
            format!("DELETE FROM intake_sponsors WHERE sponsor_id = {theirs}"),
            finding(other, "1", "any number of"),
        ),
    ] {
        app.sql(&edit).unwrap();
        assert_eq!(app.findings(), [says], "{edit}");
        app.sql(&back).unwrap();
        assert_eq!(app.findings(), Vec::<String>::new(), "{back}");
    }
    course.coordinator.if_match("*").put(&quota, json!({ "seats": null })).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
    app.sql(&set("6")).unwrap();
    let told =
        "UPDATE journal_payloads SET body = 'erased' WHERE entry_id IN (SELECT id FROM journal_entries WHERE action = 'seat_quota.set')";
    app.forge("journal_payloads", told);
    assert_found(&app, &["journal", "intakes"], &["what the journal says of the seats", "cannot be read"]);
}

#[test]
fn an_enrollment_that_is_not_as_the_journal_says_is_found() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let path = format!("/enrollments/{}", member.id);
    course.coordinator.if_match("*").patch(&path, json!({ "crew": "甲" })).expect(200);
    course.coordinator.post(&format!("{path}/suspend"), json!({ "reason": "ill" })).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
    let (key, other) = (app.hex(&member.id), seed::sponsor(&app, "BAOWU"));
    let [sponsor, unit, theirs] = [&course.sponsor.id, &course.sponsor.plants[0], &other.id].map(|id| app.hex(id));
    let [own, second] = [&member.trainee, &seed::recruit(&course)].map(|id| app.hex(id));
    let set = |change: &str| format!("UPDATE enrollments SET {change} WHERE id = {key}");
    for (edit, back, says) in [
        (set("crew = '乙'"), set("crew = '甲'"), "crew"),
        (set(&format!("payer_id = {theirs}, funding = 'x'")), set("payer_id = NULL, funding = NULL"), "funding, payer_id"),
        (
            set(&format!("sponsor_id = {theirs}, unit_id = {theirs}")),
            set(&format!("sponsor_id = {sponsor}, unit_id = {unit}")),
            "sponsor_id, unit_id",
        ),
        (set(&format!("person_id = {second}")), set(&format!("person_id = {own}")), "trainee_id"),
    ] {
        app.sql(&edit).unwrap();
        assert_eq!(app.findings(), [format!("enrollments: enrollment {} is not as the journal says: other {says}", member.id)], "{edit}");
        app.sql(&back).unwrap();
        assert_eq!(app.findings(), Vec::<String>::new(), "{back}");
    }
}

#[test]
fn somebody_who_is_called_otherwise_than_the_journal_says_is_found() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (trainee, instructor) = (seed::recruit(&course), &course.instructor);
    course.coordinator.if_match("*").patch(&format!("/trainees/{trainee}"), json!({ "name": "沈岚" })).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
    for (person, change, says) in [(&trainee, "name = '张伟'", "name"), (instructor, "latin_name = 'X'", "latin_name")] {
        app.sql(&format!("UPDATE people SET {change} WHERE id = {}", app.hex(person))).unwrap();
        let says = format!("people: person {person} is not as the journal says: other {says}");
        assert!(app.findings().contains(&says), "{:?}", app.findings());
    }
    assert_eq!(app.findings().len(), 2);
}

#[test]
fn a_mark_that_the_journal_does_not_know_is_found() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 2);
    let session = seed::held_session(&course, "H-1", &seed::morning(1));
    let put = |lines: &[serde_json::Value]| seed::put_roll_call(&course, &session, lines).expect(200);
    put(&[seed::line(&members[0], "present")]);
    put(&[seed::line(&members[0], "absent"), seed::line(&members[1], "present")]);
    put(&[seed::line_of(&members[0], "late", 60)]);
    assert_eq!(app.findings(), Vec::<String>::new());
    let (first, second) = (&members[0].id, &members[1].id);
    let insert = format!(
        "INSERT INTO attendances (session_id, enrollment_id, code, source, recorded_at) VALUES ({}, {}, 'present', 'called', {})",
        app.hex(&session),
        app.hex(second),
        app.instant("2020-06-02T03:00:00Z")
    );
    let set = |change: &str| format!("UPDATE attendances SET {change} WHERE enrollment_id = {}", app.hex(first));
    for (edit, back, whose, says) in [
        (set("minutes = 61"), set("minutes = 60"), first, "the roll call says late with 61 minutes, the journal says late with 60 minutes"),
        (
            set("note = 'ill'"),
            set("note = NULL"),
            first,
            "other segments, source, leave, mode or note of late with 60 minutes than the journal says",
        ),
        (
            insert,
            format!("DELETE FROM attendances WHERE enrollment_id = {}", app.hex(second)),
            second,
            "the roll call says present, the journal says nothing",
        ),
    ] {
        app.sql(&edit).unwrap();
        assert_eq!(app.findings(), [format!("marks: session {session}, enrollment {whose}: {says}")]);
        app.sql(&back).unwrap();
        assert_eq!(app.findings(), Vec::<String>::new());
    }
    app.sql("DELETE FROM attendances").unwrap();
    assert_found(&app, &["marks"], &[first, "the roll call says nothing, the journal says late with 60 minutes"]);
}

#[test]
fn what_stands_of_a_reopened_roll_call_is_held_against_its_last_closing() {
    let app = spawn_app();
    let (course, members, session) = taught(&app);
    seed::step_roll_call(&course, &session, "reopen", Some("to look again")).expect(200);
    let lines = [seed::line(&members[0], "absent"), seed::line_of(&members[1], "late", 60), seed::line_of(&members[2], "excused", 30)];
    seed::put_roll_call(&course, &session, &lines).expect(200);
    // What was posted stands until the next close.
    assert_eq!(app.findings(), Vec::<String>::new());
    let key = app.hex(&members[0].id);
    let post = |kind: &str, was: &str| {
        app.forge("hour_entries", &format!("UPDATE hour_entries SET kind = '{kind}' WHERE enrollment_id = {key}"));
        for table in ["hour_balances", "module_hour_balances"] {
            app.sql(&format!("UPDATE {table} SET {was} = 0, {kind} = 90 WHERE enrollment_id = {key}")).unwrap();
        }
    };
    post("exempt", "attended");
    let (member, says) = (&members[0].id, "as last closed: the attendance comes to attended 90, the ledger says exempt 90");
    assert_eq!(app.findings(), [format!("marks: session {session}, enrollment {member}, {says}")]);
    post("attended", "exempt");
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_closing_that_cannot_be_read_is_told_and_no_more_of_its_marks() {
    let app = spawn_app();
    let (course, _, session) = taught(&app);
    seed::step_roll_call(&course, &session, "reopen", Some("to look again")).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
    let closing = format!("SELECT id FROM journal_entries WHERE subject_id = {} AND action = 'roll_call.closed'", app.hex(&session));
    for body in ["{\"from\": {}, \"to\": {}}", "{\"from\": {\"mark\": null}}", "erased"] {
        app.forge("journal_payloads", &format!("UPDATE journal_payloads SET body = '{body}' WHERE entry_id IN ({closing})"));
        assert_found(&app, &["journal", "marks"], &[&session, "cannot be read"]);
        assert_eq!(app.findings().len(), 2);
    }
}

#[test]
fn a_guest_who_came_or_went_by_hand_is_found() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let [missed, other] = [1, 2].map(|day| {
        let mut body = seed::session_body(&course, &format!("COM-{day}"), &seed::morning(day));
        body["module_id"] = json!(course.program.common_module);
        body["cohort_ids"] = json!([if day == 1 { &course.metallurgy } else { &course.mechanics }]);
        seed::published_session_as(&course, body)
    });
    let invite = json!({ "enrollment_id": member.id, "missed_session_id": missed });
    course.coordinator.post(&format!("/sessions/{other}/guests"), invite).expect(201);
    assert_eq!(app.findings(), Vec::<String>::new());
    app.sql("DELETE FROM guests").unwrap();
    let finding = format!("marks: session {other} has other guests than the journal says");
    assert_eq!(app.findings(), std::slice::from_ref(&finding));
    let [session, missed, intake] = [&other, &missed, &course.intake].map(|id| app.hex(id));
    let (enrollment, now) = (app.hex(&member.id), app.instant("2020-06-02T03:00:00Z"));
    let come = format!(
        "INSERT INTO guests (session_id, enrollment_id, missed_session_id, intake_id, created_at)
         VALUES ({session}, {enrollment}, {missed}, {intake}, {now})"
    );
    app.sql(&come).unwrap();
    assert_eq!(app.findings(), Vec::<String>::new());
    let dismiss = format!("/sessions/{other}/guests/{}/dismiss", member.id);
    course.coordinator.post(&dismiss, json!({ "reason": "comes another day" })).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
    app.sql(&come).unwrap();
    assert_eq!(app.findings(), [finding]);
}

#[test]
fn an_enrollment_in_another_cohort_than_the_journal_says_is_found() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    app.sql("UPDATE enrollment_periods SET cohort_id = NULL; UPDATE enrollments SET cohort_id = NULL").unwrap();
    let found = app.findings();
    let all = format!("enrollments: enrollment {} is not as the journal says: other cohort_id", member.id);
    assert!(found.len() == 2 && found.contains(&all) && found.iter().any(|one| one.contains("in another cohort")), "{found:?}");
}

#[test]
fn a_past_period_in_another_cohort_is_found() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let suspend = json!({ "reason": "ill", "effective_at": "2020-07-01T00:00:00Z" });
    course.coordinator.post(&format!("/enrollments/{}/suspend", member.id), suspend).expect(200);
    let set = |cohort: &str| {
        let key = app.hex(&member.id);
        let change = format!("UPDATE enrollment_periods SET cohort_id = {} WHERE enrollment_id = {key}", app.hex(cohort));
        app.forge("enrollment_periods", &format!("{change} AND state = 'enrolled'"));
    };
    set(&course.mechanics);
    let said = format!("periods: enrollment {} is from 2020-05-26T16:00:00Z on in another cohort than the journal says", member.id);
    assert_eq!(app.findings(), [said]);
    set(&course.metallurgy);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_sequence_of_the_journal_that_was_set_back_is_found() {
    let app = spawn_app();
    seed::course(&app);
    assert_eq!(app.findings(), Vec::<String>::new());
    if app.database.kind() == Kind::Sqlite {
        // It counts from the last entry.
        return;
    }
    app.sql("SELECT setval('journal_entries_seq_seq', 1)").unwrap();
    assert_found(&app, &["journal"], &["the next entry would not get a number after"]);
}
