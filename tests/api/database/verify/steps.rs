//! The steps of enrollments beside the journal.

use serde_json::json;

use super::assert_found;
use crate::support::{seed, spawn_app};

#[test]
fn a_step_with_its_period_that_the_journal_does_not_know_is_found() {
    for copied in [false, true] {
        let app = spawn_app();
        let course = seed::course(&app);
        let member = seed::enrolled(&course, 1).remove(0);
        let (key, at, now) = (app.hex(&member.id), app.instant("2020-07-01T00:00:00Z"), app.instant("2020-07-02T00:00:00Z"));
        // At a time of its own, or at that of an entry about the same enrollment.
        let recorded = if copied { "recorded_at".to_owned() } else { now };
        app.sql(&format!(
            "UPDATE enrollment_periods SET until_at = {at} WHERE enrollment_id = {key};
             INSERT INTO enrollment_periods (id, enrollment_id, cohort_id, state, from_at, recorded_at)
             SELECT {}, enrollment_id, cohort_id, 'suspended', {at}, {recorded} FROM enrollment_periods WHERE enrollment_id = {key};
             INSERT INTO enrollment_steps (id, enrollment_id, from_state, to_state, effective_at, recorded_at)
             SELECT {}, enrollment_id, 'enrolled', 'suspended', {at}, {recorded} FROM enrollment_steps WHERE enrollment_id = {key};
             UPDATE enrollments SET state = 'suspended' WHERE id = {key}",
            app.hex(&app.absent_id()),
            app.hex(&app.absent_id())
        ))
        .unwrap();
        assert_found(
            &app,
            &["steps"],
            &[&member.id, "from enrolled to suspended from 2020-07-01T00:00:00Z on", "the journal does not say so"],
        );
        assert_eq!(app.findings().len(), 1);
    }
}

#[test]
fn a_step_that_says_something_else_than_the_journal_is_found() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let suspend = json!({ "reason": "ill", "effective_at": "2020-07-01T00:00:00Z" });
    course.coordinator.post(&format!("/enrollments/{}/suspend", member.id), suspend).expect(200);
    let (key, early) = (app.hex(&member.id), app.instant("2020-06-01T00:00:00Z"));
    let at = format!("WHERE enrollment_id = {key} AND ");
    app.sql(&format!("UPDATE enrollment_periods SET until_at = {early} {at} state = 'enrolled'")).unwrap();
    app.sql(&format!("UPDATE enrollment_periods SET from_at = {early} {at} state = 'suspended'")).unwrap();
    app.forge("enrollment_steps", &format!("UPDATE enrollment_steps SET effective_at = {early} {at} to_state = 'suspended'"));
    assert_found(&app, &["steps"], &[&member.id, "from 2020-06-01T00:00:00Z", "the journal does not say so"]);
    assert_found(&app, &["steps"], &[&member.id, "from 2020-07-01T00:00:00Z", "no step does"]);
}

#[test]
fn a_payload_that_is_gone_or_unreadable_is_no_fault_of_the_step() {
    for change in ["DELETE FROM journal_payloads", "UPDATE journal_payloads SET body = '{}'", "UPDATE journal_payloads SET body = 'erased'"]
    {
        let app = spawn_app();
        let course = seed::course(&app);
        let member = seed::enrolled(&course, 1).remove(0);
        course.coordinator.post(&format!("/enrollments/{}/suspend", member.id), json!({ "reason": "ill" })).expect(200);
        let key = app.hex(&member.id);
        let of = format!("entry_id IN (SELECT id FROM journal_entries WHERE subject_id = {key})");
        app.forge("journal_payloads", &format!("{change} WHERE {of}"));
        let is_gone = change.starts_with("DELETE");
        let beside =
            |checks: &[&'static str]| -> Vec<&str> { checks.iter().copied().filter(|check| !is_gone || *check != "enrollments").collect() };
        assert_found(&app, &beside(&["journal", "enrollments"]), &["the payload at position"]);
        // Such an entry stands for one step of its time and no more, and for that step it still asks.
        app.sql(&format!(
            "INSERT INTO enrollment_steps (id, enrollment_id, from_state, to_state, effective_at, recorded_at)
             SELECT {}, enrollment_id, 'enrolled', 'suspended', effective_at, recorded_at FROM enrollment_steps
             WHERE enrollment_id = {key} AND to_state = 'suspended'",
            app.hex(&app.absent_id())
        ))
        .unwrap();
        assert_found(&app, &beside(&["journal", "enrollments", "steps"]), &["steps", &member.id, "the journal does not say so"]);
        app.sql(&format!(
            "DELETE FROM enrollment_periods WHERE enrollment_id = {key} AND state = 'suspended';
             DELETE FROM enrollment_steps WHERE enrollment_id = {key} AND to_state = 'suspended';
             UPDATE enrollment_periods SET until_at = NULL WHERE enrollment_id = {key};
             UPDATE enrollments SET state = 'enrolled' WHERE id = {key}"
        ))
        .unwrap();
        assert_found(&app, &beside(&["journal", "enrollments", "steps"]), &["steps", &member.id, "has no step for the entry"]);
    }
}

#[test]
fn a_step_taken_away_with_its_period_or_its_enrollment_is_found() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 2);
    course.coordinator.post(&format!("/enrollments/{}/suspend", members[0].id), json!({ "reason": "ill" })).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
    let [first, second] = [0, 1].map(|index| app.hex(&members[index].id));
    app.sql(&format!(
        "DELETE FROM enrollment_periods WHERE enrollment_id = {first} AND state = 'suspended';
         DELETE FROM enrollment_steps WHERE enrollment_id = {first} AND to_state = 'suspended';
         UPDATE enrollment_periods SET until_at = NULL WHERE enrollment_id = {first};
         UPDATE enrollments SET state = 'enrolled' WHERE id = {first}"
    ))
    .unwrap();
    assert_found(&app, &["steps"], &[&members[0].id, "from enrolled to suspended", "no step does"]);
    assert_eq!(app.findings().len(), 1);
    app.sql(&format!(
        "DELETE FROM enrollment_periods WHERE enrollment_id = {second}; DELETE FROM enrollment_steps WHERE enrollment_id = {second};
         DELETE FROM enrollments WHERE id = {second}"
    ))
    .unwrap();
    assert_found(&app, &["steps"], &[&members[1].id, "is gone"]);
    assert_eq!(app.findings().len(), 2);
}

#[test]
fn a_stay_that_is_taken_away_or_made_longer_is_found() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let step = |verb: &str, day: u32| {
        let body = json!({ "reason": "ill", "effective_at": seed::morning(day) });
        course.coordinator.post(&format!("/enrollments/{}/{verb}", member.id), body).expect(200);
    };
    step("suspend", 4);
    step("resume", 6);
    let (key, [from, until]) = (app.hex(&member.id), [4, 6].map(|day| app.instant(&seed::morning(day))));
    // Nothing was posted for them, so that no trigger keeps it, and the periods go on one after the other.
    let last = format!("WHERE enrollment_id = {key} AND until_at IS NULL");
    app.sql(&format!("CREATE TABLE taken AS SELECT * FROM enrollment_periods {last}; DELETE FROM enrollment_periods {last}")).unwrap();
    assert_found(&app, &["periods"], &[&member.id, "stands nowhere else; its steps lead to enrolled from 2020-06-07T01:00:00Z on"]);
    app.sql("INSERT INTO enrollment_periods SELECT * FROM taken; DROP TABLE taken").unwrap();
    assert_eq!(app.findings(), Vec::<String>::new());
    app.sql(&format!("DELETE FROM enrollment_periods WHERE enrollment_id = {key} AND from_at = {from}")).unwrap();
    app.sql(&format!("UPDATE enrollment_periods SET until_at = {until} WHERE enrollment_id = {key} AND until_at = {from}")).unwrap();
    assert_found(
        &app,
        &["periods"],
        &[
            &member.id,
            "stands enrolled from 2020-05-26T16:00:00Z until 2020-06-07",
            "; its steps lead to enrolled from 2020-05-26T16:00:00Z until 2020-06-05",
        ],
    );
}

#[test]
fn a_gap_and_an_overlap_of_periods_are_found() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let key = app.hex(&member.id);
    let suspend = json!({ "reason": "ill", "effective_at": "2020-07-01T00:00:00Z" });
    course.coordinator.post(&format!("/enrollments/{}/suspend", member.id), suspend).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
    let first = |until: &str| {
        let until = app.instant(until);
        app.forge(
            "enrollment_periods",
            &format!("UPDATE enrollment_periods SET until_at = {until} WHERE enrollment_id = {key} AND state = 'enrolled'"),
        );
    };
    for until in ["2020-06-30T00:00:00Z", "2020-07-02T00:00:00Z"] {
        first(until);
        assert_found(
            &app,
            &["periods"],
            &[&member.id, &format!("stands enrolled from 2020-05-26T16:00:00Z until {until}"), "until 2020-07-01T00:00:00Z, recorded"],
        );
    }
    first("2020-07-01T00:00:00Z");
    app.forge(
        "enrollment_steps",
        &format!("UPDATE enrollment_steps SET from_state = 'approved' WHERE enrollment_id = {key} AND to_state = 'suspended'"),
    );
    assert_found(&app, &["steps"], &[&member.id, "from approved to suspended, but stood at enrolled"]);
}
