//! Seats, open enrollments, periods and steps.

use serde_json::json;

use crate::support::{App, seed, seed::Course, spawn_app};

/// An insert of an enrollment of a new trainee, or of `person`.
fn insert(app: &App, course: &Course, person: &str, state: &str) -> String {
    let id = app.absent_id();
    let withdrawal = if state == "withdrawn" { "'left'" } else { "NULL" };
    let position = if state == "waitlisted" { "1" } else { "NULL" };
    let offered = |state: &str| if state == "offered" { app.instant("2020-06-01T00:00:00Z") } else { "NULL".to_owned() };
    format!(
        "INSERT INTO enrollments (id, intake_id, program_version_id, person_id, discipline_id, sponsor_id, unit_id, state, withdrawal, priority, position,
            offer_expires_at, version, created_at)
         VALUES ({}, {}, {}, {}, {}, {}, {}, '{state}', {withdrawal}, {position}, {position}, {}, 1, {})",
        app.hex(&id),
        app.hex(&course.intake),
        app.hex(&course.program.version),
        app.hex(person),
        app.hex(&course.program.metallurgy),
        app.hex(&course.sponsor.id),
        app.hex(&course.sponsor.plants[0]),
        offered(state),
        app.instant("2020-05-27T00:00:00Z"),
    )
}

const SEATED: [&str; 6] = ["offered", "approved", "enrolled", "suspended", "completed", "failed"];

#[test]
fn a_seat_above_the_capacity_or_the_quota_is_refused() {
    let app = spawn_app();
    let course = seed::course(&app);
    seed::enrolled(&course, 1);
    let newcomer = seed::recruit(&course);
    app.sql(&insert(&app, &course, &newcomer, "nominated")).unwrap();
    let (intake, plant) = (app.hex(&course.intake), app.hex(&course.sponsor.plants[0]));
    app.sql(&format!("INSERT INTO unit_quotas (intake_id, unit_id) VALUES ({intake}, {plant})")).unwrap();
    for (limit, code) in [
        ("UPDATE intakes SET capacity = 1 WHERE id", "capacity_full"),
        ("UPDATE intake_sponsors SET seats = 1 WHERE intake_id", "quota_full"),
        ("UPDATE intake_sponsors SET seats = NULL; UPDATE unit_quotas SET seats = 1 WHERE intake_id", "unit_quota_full"),
    ] {
        app.sql(&format!("{limit} = {intake}")).unwrap();
        let person = seed::recruit(&course);
        for state in SEATED {
            let message = app.refusal(&insert(&app, &course, &person, state));
            assert!(message.contains(&format!("muster:{code}")), "{state}: {message}");
            // No step leads from being nominated to the others.
            if !matches!(state, "offered" | "approved") {
                continue;
            }
            let until = if state == "offered" { app.instant("2020-06-01T00:00:00Z") } else { "NULL".to_owned() };
            let person = app.hex(&newcomer);
            let update = format!("UPDATE enrollments SET state = '{state}', offer_expires_at = {until} WHERE person_id = {person}");
            let message = app.refusal(&update);
            assert!(message.contains(&format!("muster:{code}")), "{state}: {message}");
        }
        // Whoever takes no seat may wait.
        app.sql(&insert(&app, &course, &person, "waitlisted")).unwrap();
        app.sql("UPDATE enrollments SET state = 'rejected' WHERE state = 'waitlisted'").unwrap();
        app.sql("UPDATE intakes SET capacity = NULL").unwrap();
    }
}

#[test]
fn seats_follow_the_rows() {
    let app = spawn_app();
    let course = seed::course(&app);
    let other = seed::sponsor(&app, "BAOWU");
    let person = seed::recruit(&course);
    let seats = |expected: [i64; 2]| {
        assert_eq!(app.count("SELECT coalesce(sum(seats_taken), 0) FROM intakes"), expected[0]);
        assert_eq!(app.count("SELECT coalesce(sum(seats_taken), 0) FROM intake_sponsors"), expected[1]);
        assert_eq!(app.findings_of("seats"), Vec::<String>::new());
    };
    app.sql(&insert(&app, &course, &person, "enrolled")).unwrap();
    seats([1, 1]);
    let (theirs, unit) = (app.hex(&other.id), app.hex(&other.plants[0]));
    app.sql(&format!("UPDATE enrollments SET sponsor_id = {theirs}, unit_id = {unit}")).unwrap();
    assert_eq!(app.count(&format!("SELECT seats_taken FROM intake_sponsors WHERE sponsor_id = {theirs}")), 1);
    seats([1, 1]);
    app.sql("UPDATE enrollments SET state = 'withdrawn', withdrawal = 'left'").unwrap();
    seats([0, 0]);
    app.sql("DELETE FROM enrollments").unwrap();
    app.sql(&insert(&app, &course, &person, "completed")).unwrap();
    seats([1, 1]);
    app.sql("DELETE FROM enrollments").unwrap();
    seats([0, 0]);
}

#[test]
fn a_second_open_enrollment_is_refused() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    for state in ["nominated", "applied", "waitlisted", "enrolled", "completed", "failed"] {
        app.refusal(&insert(&app, &course, &member.trainee, state));
    }
    for state in ["rejected", "withdrawn", "transferred"] {
        app.sql(&insert(&app, &course, &member.trainee, state)).unwrap();
    }
    app.refusal("UPDATE enrollments SET state = 'applied' WHERE state = 'rejected'");
}

#[test]
fn an_enrollment_fits_its_intake_its_cohort_and_its_sponsor() {
    let app = spawn_app();
    let course = seed::course(&app);
    let other = seed::course_called(&app, "OTHER", "OTHER");
    seed::enrolled(&course, 1);
    for (column, id) in [
        ("cohort_id", &course.mechanics),
        ("cohort_id", &other.metallurgy),
        ("discipline_id", &other.program.metallurgy),
        ("unit_id", &other.sponsor.plants[0]),
        ("sponsor_id", &other.sponsor.id),
        ("person_id", &course.intake),
    ] {
        app.refusal(&format!("UPDATE enrollments SET {column} = {}", app.hex(id)));
    }
}

#[test]
fn periods_of_one_enrollment_do_not_overlap() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 2).remove(0);
    let key = app.hex(&member.id);
    let at = |day: &str| app.instant(&format!("2020-{day}T00:00:00Z"));
    let insert = |from: String, until: String| {
        format!(
            "INSERT INTO enrollment_periods (id, enrollment_id, state, from_at, until_at, recorded_at)
             VALUES ({}, {key}, 'suspended', {from}, {until}, {from})",
            app.hex(&app.absent_id())
        )
    };
    // One is open from the opening on.
    for statement in [insert(at("06-01"), "NULL".to_owned()), insert(at("06-01"), at("07-01")), insert(at("05-01"), "NULL".to_owned())] {
        let message = app.refusal(&statement);
        assert!(message.contains("muster:periods_overlap"), "{message}");
    }
    app.sql(&insert(at("05-01"), at("05-02"))).unwrap();
    let until = at("06-01");
    app.sql(&format!("UPDATE enrollment_periods SET until_at = {until} WHERE enrollment_id = {key} AND until_at IS NULL")).unwrap();
    app.sql(&insert(at("06-01"), at("07-01"))).unwrap();
    app.refusal(&insert(at("06-30"), at("07-02")));
    app.refusal(&insert(at("08-01"), at("08-01")));
    let message = app.refusal(&format!("UPDATE enrollment_periods SET from_at = {} WHERE from_at = {until}", at("05-31")));
    assert!(message.contains("muster:periods_overlap"), "{message}");
}

#[test]
fn steps_are_not_changed_and_go_only_while_nothing_rests_on_them() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 2);
    for statement in ["UPDATE enrollment_steps SET reason = 'another'", "UPDATE enrollment_steps SET effective_at = recorded_at"] {
        let message = app.refusal(statement);
        assert!(message.contains("muster:immutable"), "{message}");
    }
    let session = seed::held_session(&course, "MET-01", &seed::morning(1));
    seed::put_roll_call(&course, &session, &[seed::line(&members[0], "present"), seed::line(&members[1], "absent")]).expect(200);
    let refused = || {
        for table in ["enrollment_steps", "enrollment_periods", "enrollments"] {
            let message = app.refusal(&format!("DELETE FROM {table}"));
            assert!(message.contains("muster:immutable"), "{table}: {message}");
        }
    };
    refused();
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    refused();
    let newcomer = seed::enrolled(&course, 1).remove(0).id;
    for (table, key) in [("enrollment_steps", "enrollment_id"), ("enrollment_periods", "enrollment_id"), ("enrollments", "id")] {
        app.sql(&format!("DELETE FROM {table} WHERE {key} = {}", app.hex(&newcomer))).unwrap();
    }
    assert_eq!(app.findings(), [format!("steps: enrollment {newcomer} is gone, though the journal does not say so")]);
}

#[test]
fn hours_are_not_given_to_somebody_else() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let other = seed::sponsor(&app, "BAOWU");
    let intake = seed::intake(&course.coordinator, &course.program.version, "OTHER");
    let changes = [
        format!("person_id = {}", app.hex(&seed::recruit(&course))),
        format!("unit_id = {}", app.hex(&course.sponsor.plants[1])),
        format!("sponsor_id = {}, unit_id = {}", app.hex(&other.id), app.hex(&other.plants[0])),
        format!("discipline_id = {}, cohort_id = NULL", app.hex(&course.program.mechanics)),
        format!("intake_id = {}, cohort_id = NULL", app.hex(&intake)),
    ]
    .map(|change| format!("UPDATE enrollments SET {change} WHERE id = {}", app.hex(&member.id)));
    for change in &changes {
        app.sql(&format!("SAVEPOINT before; {change}; ROLLBACK TO before")).unwrap();
    }
    seed::closed_session(&course, "MET-01", &seed::morning(1), &[seed::line(&member, "present")]);
    for change in &changes {
        let message = app.refusal(change);
        assert!(message.contains("muster:immutable"), "{change}: {message}");
    }
    app.sql("UPDATE enrollments SET crew = '甲', unit_id = unit_id").unwrap();
}

#[test]
fn whoever_takes_over_a_place_has_what_was_there() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let newcomer = seed::recruit(&course);
    let (key, person) = (app.hex(&member.id), app.hex(&newcomer));
    let take_over = |state: &str, person: &str| {
        format!(
            "INSERT INTO enrollments (id, intake_id, program_version_id, person_id, discipline_id, sponsor_id, unit_id, cohort_id, state,
                replaces_id, version, created_at)
             SELECT {}, intake_id, program_version_id, {person}, discipline_id, sponsor_id, unit_id, cohort_id, '{state}', id, 1, created_at
             FROM enrollments WHERE id = {key}",
            app.hex(&app.absent_id())
        )
    };
    let differs = |statement: &str| {
        let message = app.refusal(statement);
        assert!(message.contains("muster:replacement_differs"), "{message}");
    };
    differs(&take_over("enrolled", &person));
    course.coordinator.post(&format!("/enrollments/{}/suspend", member.id), json!({ "reason": "a while away" })).expect(200);
    course.coordinator.post(&format!("/enrollments/{}/withdraw", member.id), json!({ "reason": "ill" })).expect(200);
    differs(&take_over("suspended", &person));
    app.sql(&format!("UPDATE enrollments SET withdrawal = 'replaced' WHERE id = {key}")).unwrap();
    for state in ["enrolled", "nominated", "completed"] {
        differs(&take_over(state, &person));
    }
    differs(&take_over("suspended", "person_id"));
    app.sql(&take_over("suspended", &person)).unwrap();
    app.refusal(&take_over("suspended", &app.hex(&seed::recruit(&course))));
    let message = app.refusal(&format!("UPDATE enrollments SET replaces_id = NULL WHERE person_id = {person}"));
    assert!(message.contains("muster:immutable"), "{message}");
    app.refusal("UPDATE enrollments SET withdrawal = NULL WHERE state = 'withdrawn'");
    app.refusal("UPDATE enrollments SET withdrawal = 'left' WHERE state <> 'withdrawn'");
}

#[test]
fn a_place_on_the_waitlist_is_given_once() {
    let app = spawn_app();
    let course = seed::course(&app);
    let waiting = insert(&app, &course, &seed::recruit(&course), "waitlisted");
    app.sql(&waiting).unwrap();
    app.refusal(&insert(&app, &course, &seed::recruit(&course), "waitlisted"));
    let fixed = |change: &str| {
        let message = app.refusal(&format!("UPDATE enrollments SET {change}"));
        assert!(message.contains("muster:immutable"), "{message}");
    };
    fixed("position = 2");
    fixed("priority = 2");
    app.sql("UPDATE enrollments SET state = 'approved'").unwrap();
    fixed("position = NULL, priority = NULL");
    // Who waits has a place, who has an offer has an end of it, and nobody else.
    let newcomer = seed::recruit(&course);
    app.sql(&insert(&app, &course, &newcomer, "nominated")).unwrap();
    let until = app.instant("2020-06-01T00:00:00Z");
    for change in ["state = 'waitlisted'", "position = 7", "state = 'offered'", &format!("offer_expires_at = {until}")] {
        app.refusal(&format!("UPDATE enrollments SET {change} WHERE person_id = {}", app.hex(&newcomer)));
    }
    app.refusal("UPDATE intakes SET offer_days = 0");
}
