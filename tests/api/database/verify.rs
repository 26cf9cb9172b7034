//! What was changed behind the rules is found by the check whose business it is.

mod evidence;
mod imports;
mod journal;
mod roll_calls;
mod schedule;
mod steps;

use serde_json::json;

use crate::support::{App, seed, seed::Course, seed::Enrolled, spawn_app};

/// A class of three with one closed session, in which the second was late and the third excused for a part.
fn taught(app: &App) -> (Course, Vec<Enrolled>, String) {
    let course = seed::course(app);
    let members = seed::enrolled(&course, 3);
    let lines = [seed::line(&members[0], "present"), seed::line_of(&members[1], "late", 60), seed::line_of(&members[2], "excused", 30)];
    let session = seed::closed_session(&course, "MET-01", &seed::morning(1), &lines);
    assert_eq!(app.findings(), Vec::<String>::new());
    (course, members, session)
}

/// Asserts that exactly these checks find something, and that something names all of `says`.
#[track_caller]
fn assert_found(app: &App, checks: &[&str], says: &[&str]) {
    let findings = app.findings();
    let mut found: Vec<&str> = findings.iter().filter_map(|finding| finding.split(':').next()).collect();
    found.dedup();
    assert_eq!(found, checks, "{findings:#?}");
    assert!(findings.iter().any(|finding| says.iter().all(|word| finding.contains(word))), "{says:?}: {findings:#?}");
}

#[test]
fn a_claim_that_is_missing_too_many_or_elsewhere_is_found() {
    for (statement, says) in [
        ("DELETE FROM claims WHERE kind = 'cohort'", "is not claimed"),
        ("UPDATE claims SET kind = 'room' WHERE kind = 'cohort'", "room"),
        ("UPDATE sessions SET mode = 'recorded', length_minutes = minutes", "does not occupy it"),
    ] {
        let app = spawn_app();
        let (course, _, session) = taught(&app);
        let table = if statement.contains("sessions") { "sessions" } else { "claims" };
        app.forge(table, statement);
        let checks = if table == "sessions" { &["claims", "sessions"][..] } else { &["claims"] };
        assert_found(&app, checks, &[says, &session]);
        assert!(app.findings().iter().any(|finding| finding.contains(&course.metallurgy)));
    }
}

#[test]
fn a_session_held_or_cancelled_by_hand_is_found() {
    let app = spawn_app();
    let (course, _, _) = taught(&app);
    let [held, cancelled, proper] = [2, 3, 4].map(|day| seed::published_session(&course, &format!("P-{day}"), &seed::morning(day)));
    course.coordinator.post(&format!("/sessions/{proper}/cancel"), json!({ "reason": "storm" })).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
    let actual = "held_starts_at = starts_at, held_ends_at = ends_at, held_break_minutes = break_minutes, held_minutes = minutes";
    let counted = "cancel_reason = 'storm', sequence = 1";
    for (session, state, change, rooms) in
        [(&held, "held", actual, &["sessions"][..]), (&cancelled, "cancelled", counted, &["sessions", "changes"])]
    {
        app.sql(&format!("UPDATE sessions SET state = '{state}', {change} WHERE id = {}", app.hex(session))).unwrap();
        assert_found(&app, rooms, &[session, state]);
    }
    assert_eq!(app.findings().len(), 4, "the times of the held one are not the journal's either");
}

#[test]
fn an_organization_below_another_than_its_parents_is_found() {
    let app = spawn_app();
    let (ours, theirs) = (seed::sponsor(&app, "JISCO"), seed::sponsor(&app, "BAOWU"));
    assert_eq!(app.findings(), Vec::<String>::new());
    let pair = format!("({}, {})", app.hex(&theirs.id), app.hex(&ours.plants[0]));
    app.sql(&format!("INSERT INTO organization_tree (ancestor_id, descendant_id) VALUES {pair}")).unwrap();
    assert_found(&app, &["tree"], &[&theirs.id, &ours.plants[0], "not by its parents"]);
    app.sql(&format!("DELETE FROM organization_tree WHERE (ancestor_id, descendant_id) = {pair}")).unwrap();
    assert_eq!(app.findings(), Vec::<String>::new());
    let (root, plant) = (app.hex(&ours.id), app.hex(&ours.plants[0]));
    app.sql(&format!("DELETE FROM organization_tree WHERE ancestor_id = {root} AND descendant_id = {plant}")).unwrap();
    assert_found(&app, &["tree"], &[&ours.id, &ours.plants[0], "is missing"]);
    assert_eq!(app.findings().len(), 1);
}

#[test]
fn an_overlap_without_a_waiver_is_found() {
    let app = spawn_app();
    let course = seed::course(&app);
    let first = seed::published_session(&course, "P-1", &seed::morning(1));
    let second = seed::session(&course, "P-2", &seed::after(&seed::morning(1), 30));
    let publish = format!("UPDATE sessions SET state = 'published' WHERE id = {}", app.hex(&second));
    app.forge("claims", &publish);
    assert_found(&app, &["claims", "sessions"], &[&first, &second, "at once"]);
}

#[test]
fn an_overlap_with_a_waiver_is_none() {
    let app = spawn_app();
    let course = seed::course(&app);
    let first = seed::published_session(&course, "P-1", &seed::morning(1));
    let second = seed::session(&course, "P-2", &seed::morning(1));
    let waiver = json!({ "other_session_id": first, "reason": "one laboratory" });
    course.coordinator.post(&format!("/sessions/{second}/waivers"), waiver).expect(201);
    course.coordinator.post(&format!("/sessions/{second}/publish"), json!({})).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn an_attendance_that_says_something_else_than_the_ledger_is_found() {
    let app = spawn_app();
    let (_, members, session) = taught(&app);
    let set = |index: usize, change: &str| {
        let key = app.hex(&members[index].id);
        app.forge("attendances", &format!("UPDATE attendances SET {change} WHERE enrollment_id = {key}"));
    };
    for (index, change, back, says) in [
        (0, "code = 'absent'", "code = 'present'", "unauthorized_absence 90, the ledger says attended 90"),
        (0, "minutes = 89", "minutes = NULL", "does not fit"),
        (1, "minutes = 61", "minutes = 60", "attended 61 + unauthorized_absence 29, the ledger says attended 60 + unauthorized_absence 30"),
        (2, "code = 'exempt'", "code = 'excused'", "attended 30 + exempt 60, the ledger says attended 30 + authorized_absence 60"),
    ] {
        set(index, change);
        assert_found(&app, &["postings", "marks"], &[&session, &members[index].id, says]);
        set(index, back);
    }
    assert_eq!(app.findings(), Vec::<String>::new());
    app.forge("attendances", &format!("DELETE FROM attendances WHERE enrollment_id = {}", app.hex(&members[2].id)));
    assert_found(&app, &["postings", "marks"], &[&members[2].id, "no attendance"]);
}

#[test]
fn who_was_expected_and_has_no_posting_is_found() {
    let app = spawn_app();
    let (_, members, session) = taught(&app);
    let key = app.hex(&members[1].id);
    app.forge("hour_entries", &format!("DELETE FROM hour_entries WHERE enrollment_id = {key}"));
    app.sql(&format!(
        "DELETE FROM hour_balances WHERE enrollment_id = {key}; DELETE FROM module_hour_balances WHERE enrollment_id = {key}"
    ))
    .unwrap();
    assert_found(&app, &["postings", "unsettled"], &[&session, &members[1].id, "nothing is posted"]);
}

#[test]
fn a_posting_for_somebody_who_was_not_expected_is_found() {
    let app = spawn_app();
    let (course, members, session) = taught(&app);
    let other = seed::enrolled_at(&course, &course.sponsor.plants[0], (&course.program.mechanics, &course.mechanics), 1).remove(0);
    let (theirs, own, posted) = (app.hex(&other.id), app.hex(&members[0].id), app.hex(&app.absent_id()));
    let entry = "enrollment_id, module_id, session_id, kind, minutes, closing, posting_id, recorded_at";
    app.sql(&format!(
        "INSERT INTO hour_entries (id, {entry})
         SELECT {posted}, {theirs}, module_id, session_id, kind, minutes, closing, id, recorded_at FROM hour_entries WHERE enrollment_id = {own};
         INSERT INTO hour_balances SELECT {theirs}, intake_id, attended, authorized_absence, unauthorized_absence, exempt, make_up, adjustment, carried_in
         FROM hour_balances WHERE enrollment_id = {own};
         INSERT INTO module_hour_balances SELECT {theirs}, module_id, attended, authorized_absence, unauthorized_absence, exempt, make_up, adjustment, carried_in
         FROM module_hour_balances WHERE enrollment_id = {own}"
    ))
    .unwrap();
    assert_found(&app, &["postings", "unsettled", "hours"], &[&session, &other.id, "was not expected"]);
}

#[test]
fn an_attendance_of_somebody_who_was_not_expected_is_found() {
    let app = spawn_app();
    let (course, _, session) = taught(&app);
    let other = seed::enrolled_at(&course, &course.sponsor.plants[0], (&course.program.mechanics, &course.mechanics), 1).remove(0);
    app.forge(
        "attendances",
        &format!(
            "INSERT INTO attendances (session_id, enrollment_id, code, source, recorded_at) VALUES ({}, {}, 'present', 'called', {})",
            app.hex(&session),
            app.hex(&other.id),
            app.instant("2020-06-02T03:00:00Z")
        ),
    );
    assert_found(
        &app,
        &["postings", "marks"],
        &[&session, &other.id, "was not expected when the roll call was closed, but has an attendance"],
    );
}

#[test]
fn more_than_the_plan_is_found_whichever_of_the_two_was_changed() {
    let app = spawn_app();
    let (course, _, _) = taught(&app);
    // Another intake with less of the module has a plan of its own.
    let other = seed::intake(&course.coordinator, &course.program.version, "OTHER");
    for (intake, minutes) in [(&course.intake, 180), (&other, 30)] {
        let amend = json!({ "module_id": course.program.metallurgy_module, "delta_minutes": minutes - seed::OWN, "reason": "as agreed" });
        course.coordinator.post(&format!("/intakes/{intake}/amendments"), amend).expect(201);
    }
    let second = seed::published_session(&course, "MET-02", &seed::morning(2));
    // What was taught longer than planned is beside the plan, and no fault.
    let longer = json!({ "ends_at": seed::after(&seed::morning(2), 120), "difference_reason": "many questions" });
    course.coordinator.post(&format!("/sessions/{second}/hold"), longer).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
    let third = seed::session(&course, "MET-03", &seed::morning(3));
    app.sql(&format!("UPDATE sessions SET state = 'published' WHERE id = {}", app.hex(&third))).unwrap();
    let (cohort, module) = (course.metallurgy.as_str(), course.program.metallurgy_module.as_str());
    assert_found(&app, &["plan", "sessions"], &[cohort, module, "270 minutes", "180 planned"]);
    course.coordinator.post(&format!("/sessions/{third}/cancel"), json!({ "reason": "storm" })).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
    app.sql(&format!(
        "INSERT INTO amendments (id, intake_id, program_version_id, module_id, delta_minutes, reason, created_at)
         SELECT {}, intake_id, program_version_id, module_id, -1, reason, created_at FROM amendments WHERE intake_id = {}",
        app.hex(&app.absent_id()),
        app.hex(&course.intake)
    ))
    .unwrap();
    assert_found(&app, &["plan"], &[cohort, module, "180 minutes", "179 planned"]);
    assert_eq!(app.findings().len(), 2, "the plan, and that the journal knows one amendment less");
}

#[test]
fn what_is_recorded_after_the_close_is_no_fault_of_it() {
    let app = spawn_app();
    let (course, members, session) = taught(&app);
    // Somebody who was enrolled from the opening on, as was told too late; and somebody who had left, as was told too late.
    seed::enrolled(&course, 1);
    let left = json!({ "reason": "had left", "effective_at": seed::morning(0) });
    course.coordinator.post(&format!("/enrollments/{}/withdraw", members[1].id), left).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
    // The next close posts as things stand then.
    seed::step_roll_call(&course, &session, "reopen", Some("to look again")).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
    let members = course.coordinator.get(&format!("/sessions/{session}/roll-call")).expect(200).body["entries"].clone();
    let lines: Vec<_> =
        members.as_array().unwrap().iter().map(|line| json!({ "enrollment_id": line["enrollment_id"], "code": "present" })).collect();
    assert_eq!(lines.len(), 3);
    seed::put_roll_call(&course, &session, &lines).expect(200);
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_period_counts_by_the_order_of_the_journal_and_not_by_its_clock() {
    // As when an enrollment waits for the close, with the time at which it began to wait.
    let app = spawn_app();
    let (course, _, _) = taught(&app);
    let late = seed::enrolled(&course, 1).remove(0);
    let (key, early) = (app.hex(&late.id), app.instant("2020-06-01T00:00:00Z"));
    app.sql(&format!("UPDATE enrollment_periods SET recorded_at = {early} WHERE enrollment_id = {key}")).unwrap();
    app.forge("enrollment_steps", &format!("UPDATE enrollment_steps SET recorded_at = {early} WHERE enrollment_id = {key}"));
    app.forge("journal_entries", &format!("UPDATE journal_entries SET recorded_at = {early} WHERE subject_id = {key}"));
    let findings: Vec<String> = app.findings().into_iter().filter(|finding| !finding.starts_with("journal: ")).collect();
    assert_eq!(findings, Vec::<String>::new());
}

#[test]
fn a_wrong_number_of_closings_is_found() {
    let app = spawn_app();
    let (course, _, session) = taught(&app);
    app.forge("roll_calls", "UPDATE roll_calls SET closings = 2");
    assert_found(&app, &["closings"], &[&session, "closed 2 times, the journal says 1"]);
    app.forge("roll_calls", "UPDATE roll_calls SET closings = 0");
    assert_found(&app, &["closings", "unsettled"], &[&session, "closed 0 times"]);
    app.forge("roll_calls", "UPDATE roll_calls SET closings = 1");
    // A second close of the same class posts nothing, and is one all the same.
    seed::step_roll_call(&course, &session, "reopen", Some("to look again")).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
    seed::step_roll_call(&course, &session, "submit", None).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
    seed::step_roll_call(&course, &session, "close", None).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_roll_call_reopened_and_closed_again_by_hand_is_found() {
    let app = spawn_app();
    let (_, members, session) = taught(&app);
    app.sql(
        "UPDATE roll_calls SET state = 'reopened', submitted_at = NULL, closed_at = NULL, corrections_until = NULL, reopen_reason = 'x'",
    )
    .unwrap();
    assert_found(&app, &["closings", "roll-calls"], &[&session, "reopened 1 times, the journal says 0"]);
    // Attendance, ledger and balances agree, and the entries name a closing that was.
    let (key, reversal, anew) = (app.hex(&members[0].id), app.hex(&app.absent_id()), app.hex(&app.absent_id()));
    let columns = "id, enrollment_id, module_id, session_id, kind, minutes, closing, reverses_id, posting_id, recorded_at";
    let balances = ["hour_balances", "module_hour_balances"]
        .map(|table| format!("UPDATE {table} SET attended = 0, unauthorized_absence = 90 WHERE enrollment_id = {key}"));
    app.sql(&format!(
        "UPDATE attendances SET code = 'absent' WHERE enrollment_id = {key};
         INSERT INTO hour_entries ({columns}) SELECT {anew}, enrollment_id, module_id, session_id, 'unauthorized_absence', 90, 1, NULL, id, recorded_at
         FROM hour_entries WHERE enrollment_id = {key};
         INSERT INTO hour_entries ({columns}) SELECT {reversal}, enrollment_id, module_id, session_id, kind, -minutes, 1, id, id, recorded_at
         FROM hour_entries WHERE enrollment_id = {key} AND kind = 'attended';
         {}",
        balances.join("; ")
    ))
    .unwrap();
    assert!(app.refusal("UPDATE roll_calls SET state = 'closed'").contains("muster:illegal_transition"));
    let now = app.instant("2020-06-02T03:00:00Z");
    app.sql(&format!("UPDATE roll_calls SET state = 'closed', closings = 2, submitted_at = {now}, closed_at = {now}")).unwrap();
    assert_found(&app, &["marks", "closings", "roll-calls", "hours"], &[&session, "closed 2 times, the journal says 1"]);
}

#[test]
fn an_entry_that_no_closing_posted_is_found() {
    let app = spawn_app();
    let (_, members, _) = taught(&app);
    let (key, entry) = (app.hex(&members[1].id), app.absent_id());
    app.sql(&format!(
        "INSERT INTO hour_entries (id, enrollment_id, module_id, kind, minutes, reason, posting_id, recorded_at)
         SELECT {}, enrollment_id, module_id, 'adjustment', 30, 'by hand', id, recorded_at FROM hour_entries WHERE enrollment_id = {key} AND kind = 'attended';
         UPDATE hour_balances SET adjustment = 30 WHERE enrollment_id = {key};
         UPDATE module_hour_balances SET adjustment = 30 WHERE enrollment_id = {key}",
        app.hex(&entry)
    ))
    .unwrap();
    assert_found(&app, &["hours"], &[&entry, &members[1].id, "adjustment", "posted by no closing"]);
    assert_eq!(app.findings().len(), 1);
}

#[test]
fn an_entry_of_another_author_or_time_than_the_journal_says_is_found() {
    let app = spawn_app();
    let (_, members, _) = taught(&app);
    let key = app.hex(&members[0].id);
    let [before, later] = ["2020-06-02T03:00:00Z", "2100-01-01T00:00:00Z"].map(|at| format!("recorded_at = {}", app.instant(at)));
    for change in ["user_id = NULL".to_owned(), before, later] {
        app.forge("hour_entries", &format!("UPDATE hour_entries SET {change} WHERE enrollment_id = {key}"));
        let found = app.findings_of("hours");
        assert!(found.len() == 1 && found[0].contains("by no closing and no coordinator as it says"), "{change}: {found:?}");
        app.forge(
            "hour_entries",
            &format!(
                "UPDATE hour_entries SET user_id = (SELECT j.user_id FROM journal_entries j WHERE j.id = posting_id),
                    recorded_at = (SELECT j.recorded_at FROM journal_entries j WHERE j.id = posting_id) WHERE enrollment_id = {key}"
            ),
        );
        assert_eq!(app.findings(), Vec::<String>::new());
    }
}

#[test]
fn what_was_made_up_by_hand_is_found() {
    let app = spawn_app();
    let (course, members, session) = taught(&app);
    // The second missed 30 minutes, and no guest of any session made them up.
    let other = seed::held_session(&course, "MET-02", &seed::morning(2));
    let (key, entry) = (app.hex(&members[1].id), app.hex(&app.absent_id()));
    app.sql(&format!(
        "INSERT INTO hour_entries (id, enrollment_id, module_id, session_id, kind, minutes, made_up_in_id, posting_id, recorded_at)
         SELECT {entry}, enrollment_id, module_id, session_id, 'make_up', 30, {}, id, recorded_at FROM hour_entries
         WHERE enrollment_id = {key} AND kind = 'attended';
         UPDATE hour_balances SET make_up = 30 WHERE enrollment_id = {key};
         UPDATE module_hour_balances SET make_up = 30 WHERE enrollment_id = {key}",
        app.hex(&other)
    ))
    .unwrap();
    assert_found(&app, &["make-ups", "hours"], &[&members[1].id, &session, &other, "which come to 0"]);
    assert_eq!(app.findings().len(), 2);
}

#[test]
fn an_entry_of_another_module_than_its_session_is_found() {
    let app = spawn_app();
    let (course, members, _) = taught(&app);
    let (key, module) = (app.hex(&members[0].id), app.hex(&course.program.common_module));
    app.forge("hour_entries", &format!("UPDATE hour_entries SET module_id = {module} WHERE enrollment_id = {key}"));
    app.forge("module_hour_balances", &format!("UPDATE module_hour_balances SET module_id = {module} WHERE enrollment_id = {key}"));
    assert_found(&app, &["hours"], &[&members[0].id, "another module than its session"]);
    assert_eq!(app.findings().len(), 1);
}

#[test]
fn an_enrollment_that_stands_elsewhere_than_its_periods_and_steps_say_is_found() {
    let app = spawn_app();
    let (course, members, _) = taught(&app);
    let key = app.hex(&members[0].id);
    let set = |table: &str, change: &str| app.forge(table, &format!("UPDATE {table} SET {change} WHERE enrollment_id = {key}"));
    let state = |state: &str| app.forge("enrollments", &format!("UPDATE enrollments SET state = '{state}' WHERE id = {key}"));
    state("suspended");
    assert_found(&app, &["steps"], &[&members[0].id, "is suspended, its last step led to enrolled"]);
    state("enrolled");
    set("enrollment_periods", "cohort_id = NULL");
    assert_found(&app, &["periods", "postings", "unsettled"], &["periods", &members[0].id, "name different cohorts"]);
    set("enrollment_periods", &format!("cohort_id = {}", app.hex(&course.metallurgy)));
    set("enrollment_periods", &format!("from_at = {}", app.instant("2020-05-28T00:00:00Z")));
    assert_found(
        &app,
        &["periods"],
        &[
            &members[0].id,
            "stands enrolled from 2020-05-28T00:00:00Z on, recorded ",
            "; its steps lead to enrolled from 2020-05-26T16:00:00Z on, ",
        ],
    );
}

#[test]
fn steps_of_one_time_are_in_the_order_of_the_journal_whatever_their_keys_say() {
    // As when another process, whose clock is behind, takes the second step.
    let app = spawn_app();
    let course = seed::course(&app);
    let mut body = seed::enrollment_body(&course, &seed::recruit(&course));
    body["from"] = json!("2090-01-01T00:00:00Z");
    let id = course.coordinator.post(&format!("/intakes/{}/enrollments", course.intake), body).expect(201).id();
    for step in ["suspend", "resume", "withdraw"] {
        course.coordinator.post(&format!("/enrollments/{id}/{step}"), json!({ "reason": "ill" })).expect(200);
    }
    let at = format!("enrollment_id = {}", app.hex(&id));
    assert_eq!(app.count(&format!("SELECT count(DISTINCT effective_at) FROM enrollment_steps WHERE {at}")), 1);
    let early = app.hex("00000000-0000-7000-8000-000000000001");
    app.forge("enrollment_steps", &format!("UPDATE enrollment_steps SET id = {early} WHERE {at} AND to_state = 'withdrawn'"));
    assert_eq!(app.findings(), Vec::<String>::new());
    app.forge("enrollment_steps", &format!("UPDATE enrollment_steps SET from_state = 'approved' WHERE {at} AND to_state = 'withdrawn'"));
    assert_found(&app, &["steps"], &["steps", &id, "from approved to withdrawn, but stood at enrolled"]);
}

#[test]
fn a_forged_journal_entry_is_told_as_such_and_still_shown() {
    let app = spawn_app();
    let course = seed::course(&app);
    assert_eq!(app.findings(), Vec::<String>::new());
    let key = app.hex(&course.intake);
    app.forge(
        "journal_entries",
        &format!(
            "UPDATE journal_entries SET role = 'king', action = 'intake.crowned' WHERE subject_id = {key} AND action = 'intake.created'"
        ),
    );
    assert_found(&app, &["journal"], &["does not match its hash"]);
    let audit = app.auditor().get(&format!("/audit?subject_id={}", course.intake)).expect(200);
    assert_eq!(audit.column("role")[0], "king");
}

#[test]
fn verify_is_not_cut_off_by_a_timeout() {
    use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::Text};
    #[derive(QueryableByName)]
    struct Setting {
        #[diesel(sql_type = Text)]
        value: String,
    }
    let app = spawn_app();
    if app.database.kind() == crate::support::Kind::Sqlite {
        // It has no such timeout.
        return;
    }
    let query = "SELECT current_setting('statement_timeout') || ' ' || current_setting('transaction_read_only') AS value";
    let settings = app.db.examine(|conn| Ok(sql_query(query).get_result::<Setting>(conn)?)).unwrap();
    assert_eq!(settings.value, "0 on");
}
