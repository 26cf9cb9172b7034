//! Attendances, the ledger and its balances.

use crate::support::{App, Kind, seed, seed::Course, seed::Enrolled, spawn_app};

/// A class of two with one closed session, in which the second was late.
fn taught(app: &App) -> (Course, Vec<Enrolled>, String) {
    let course = seed::course(app);
    let members = seed::enrolled(&course, 2);
    let lines = [seed::line(&members[0], "present"), seed::line_of(&members[1], "late", 60)];
    let session = seed::closed_session(&course, "MET-01", &seed::morning(1), &lines);
    (course, members, session)
}

fn attendance(app: &App, session: &str, enrollment: &str) -> String {
    let (session, enrollment, now) = (app.hex(session), app.hex(enrollment), app.instant("2020-06-02T03:00:00Z"));
    format!(
        "INSERT INTO attendances (session_id, enrollment_id, code, source, recorded_at) VALUES ({session}, {enrollment}, 'present', 'called', {now})"
    )
}

/// By what it closes: the session as it was held.
const POSTED: &str = "posted_minutes = 90, posted_starts_at = (SELECT s.held_starts_at FROM sessions s WHERE s.id = roll_calls.session_id),
    posted_ends_at = (SELECT s.held_ends_at FROM sessions s WHERE s.id = roll_calls.session_id)";

#[test]
fn a_second_attendance_is_refused() {
    let app = spawn_app();
    let (course, members, _) = taught(&app);
    let session = seed::held_session(&course, "MET-02", &seed::morning(2));
    seed::put_roll_call(&course, &session, &[seed::line(&members[0], "present")]).expect(200);
    app.refusal(&attendance(&app, &session, &members[0].id));
    app.sql(&attendance(&app, &session, &members[1].id)).unwrap();
}

#[test]
fn after_the_close_attendances_stay() {
    let app = spawn_app();
    let (course, _, session) = taught(&app);
    let newcomer = seed::enrolled(&course, 1).remove(0);
    for statement in [
        attendance(&app, &session, &newcomer.id),
        "UPDATE attendances SET code = 'absent'".to_owned(),
        "UPDATE attendances SET minutes = 89".to_owned(),
        "DELETE FROM attendances".to_owned(),
        "DELETE FROM roll_calls".to_owned(),
    ] {
        let message = app.refusal(&statement);
        assert!(message.contains("muster:roll_call_closed"), "{statement}: {message}");
    }
}

#[test]
fn a_roll_call_takes_no_illegal_step() {
    let app = spawn_app();
    let (course, members, _) = taught(&app);
    let published = seed::published_session(&course, "MET-02", &seed::morning(2));
    seed::put_roll_call(&course, &published, &[seed::line(&members[0], "present")]).expect(200);
    let submitted = seed::held_session(&course, "MET-03", &seed::morning(3));
    seed::put_roll_call(&course, &submitted, &[seed::line(&members[0], "present"), seed::line(&members[1], "present")]).expect(200);
    seed::step_roll_call(&course, &submitted, "submit", None).expect(200);
    for (from, to) in [
        ("closed", "open"),
        ("closed", "submitted"),
        ("closed", "not_open"),
        ("open", "reopened"),
        ("open", "not_open"),
        ("submitted", "open"),
        ("submitted", "reopened"),
    ] {
        let message = app.refusal(&format!("UPDATE roll_calls SET state = '{to}' WHERE state = '{from}'"));
        assert!(message.contains("muster:illegal_transition"), "{from} > {to}: {message}");
    }
    let message = app.refusal("UPDATE roll_calls SET state = 'closed', closings = 1 WHERE state = 'open'");
    assert!(message.contains("muster:session_not_held"), "{message}");
    // Each close counts, and nothing else does.
    for change in [
        "closings = closings - 1 WHERE state = 'closed'",
        "closings = closings + 1 WHERE state = 'closed'",
        "closed_at = submitted_at, version = version + 1 WHERE state = 'closed'",
        "closed_at = NULL WHERE state = 'closed'",
        "submitted_at = NULL WHERE state = 'closed'",
        "reopen_reason = 'to look again' WHERE state = 'closed'",
        "closings = 1 WHERE state = 'open'",
        "state = 'reopened', closings = closings + 1 WHERE state = 'closed'",
        "posted_minutes = 80 WHERE state = 'closed'",
        "posted_minutes = 80, posted_starts_at = submitted_at, posted_ends_at = submitted_at WHERE state = 'submitted'",
    ] {
        let message = app.refusal(&format!("UPDATE roll_calls SET {change}"));
        assert!(message.contains("muster:illegal_transition"), "{change}: {message}");
    }
    for closings in ["state = 'closed'", "state = 'closed', closings = 2"] {
        let change = format!("{closings}, {POSTED} WHERE state = 'submitted'");
        let message = app.refusal(&format!("UPDATE roll_calls SET {change}"));
        assert!(message.contains("muster:illegal_transition"), "{change}: {message}");
    }
}

#[test]
fn a_roll_call_that_was_closed_or_has_a_line_or_a_guest_stays() {
    let app = spawn_app();
    let course = seed::course(&app);
    let closed = seed::closed_session(&course, "MET-01", &seed::morning(1), &[]);
    let members = seed::enrolled(&course, 1);
    let called = seed::held_session(&course, "MET-02", &seed::morning(2));
    seed::put_roll_call(&course, &called, &[seed::line(&members[0], "present")]).expect(200);
    let [visited, empty] = [3, 4].map(|day| {
        let session = seed::held_session(&course, &format!("MET-0{day}"), &seed::morning(day));
        seed::put_roll_call(&course, &session, &[]).expect(200);
        session
    });
    app.sql(&format!(
        "INSERT INTO guests (session_id, enrollment_id, missed_session_id, intake_id, created_at) VALUES ({}, {}, {}, {}, {})",
        app.hex(&visited),
        app.hex(&members[0].id),
        app.hex(&called),
        app.hex(&course.intake),
        app.instant("2020-06-02T03:00:00Z")
    ))
    .unwrap();
    let delete = |session: &str| format!("DELETE FROM roll_calls WHERE session_id = {}", app.hex(session));
    for session in [&closed, &called, &visited] {
        assert!(app.refusal(&delete(session)).contains("muster:roll_call_closed"), "{session}");
    }
    app.sql(&delete(&empty)).unwrap();
}

#[test]
fn a_roll_call_says_when_it_was_submitted_and_closed_exactly_while_it_is() {
    let app = spawn_app();
    let (course, members, _) = taught(&app);
    let held = seed::held_session(&course, "MET-02", &seed::morning(2));
    seed::put_roll_call(&course, &held, &[seed::line(&members[0], "present"), seed::line(&members[1], "present")]).expect(200);
    let now = app.instant("2020-06-03T03:00:00Z");
    let (submitted, closed) = (format!("submitted_at = {now}"), format!("closed_at = {now}"));
    let steps = |from: &str, refused: &[String], taken: &str| {
        let key = app.hex(&held);
        for change in refused {
            let message = app.refusal(&format!("UPDATE roll_calls SET {change} WHERE session_id = {key}"));
            assert!(message.to_lowercase().contains("check constraint"), "{from}: {change}: {message}");
        }
        app.sql(&format!("UPDATE roll_calls SET {taken} WHERE session_id = {key}")).unwrap();
    };
    let both = format!("{submitted}, {closed}");
    let cleared = "submitted_at = NULL, closed_at = NULL";
    steps(
        "open",
        &[submitted.clone(), closed.clone(), "state = 'submitted'".to_owned(), format!("state = 'submitted', {both}")],
        &format!("state = 'submitted', {submitted}"),
    );
    steps(
        "submitted",
        &[closed, "submitted_at = NULL".to_owned(), format!("state = 'closed', closings = 1, {POSTED}")],
        &format!("state = 'closed', closings = 1, {POSTED}, {both}"),
    );
    steps(
        "closed",
        &["state = 'reopened', reopen_reason = 'x'".to_owned(), format!("state = 'reopened', {cleared}")],
        &format!("state = 'reopened', reopen_reason = 'x', {cleared}"),
    );
    let anew = "state = 'closed', closings = 2";
    steps("reopened", &[submitted.clone(), format!("{anew}, {submitted}")], &format!("{anew}, {both}"));
}

#[test]
fn hour_entries_are_neither_changed_nor_deleted() {
    let app = spawn_app();
    taught(&app);
    assert_eq!(app.count("SELECT count(*) FROM hour_entries"), 3);
    for statement in [
        "UPDATE hour_entries SET minutes = 45",
        "UPDATE hour_entries SET kind = 'exempt'",
        "UPDATE hour_entries SET reason = 'x'",
        "UPDATE hour_entries SET minutes = minutes",
        "DELETE FROM hour_entries",
    ] {
        let message = app.refusal(statement);
        assert!(message.contains("muster:immutable"), "{statement}: {message}");
    }
}

#[test]
fn a_reversal_mirrors_what_it_takes_back_and_only_once() {
    let app = spawn_app();
    let (course, members, session) = taught(&app);
    let common = app.hex(&course.program.common_module);
    let other = app.hex(&members[1].id);
    let reversal = |enrollment: &str, module: &str, kind: &str, minutes: i64| {
        format!(
            "INSERT INTO hour_entries (id, enrollment_id, module_id, session_id, kind, minutes, closing, reverses_id, posting_id, recorded_at)
             SELECT {}, {enrollment}, {module}, session_id, {kind}, {minutes}, 2, id, id, recorded_at FROM hour_entries WHERE minutes = 90",
            app.hex(&app.absent_id())
        )
    };
    for statement in [
        reversal(&other, "module_id", "kind", -90),
        reversal("enrollment_id", &common, "kind", -90),
        reversal("enrollment_id", "module_id", "'exempt'", -90),
        reversal("enrollment_id", "module_id", "kind", -89),
    ] {
        let message = app.refusal(&statement);
        assert!(message.contains("muster:reversal_differs"), "{statement}: {message}");
    }
    app.refusal(&reversal("enrollment_id", "module_id", "kind", 90));
    app.sql(&reversal("enrollment_id", "module_id", "kind", -90)).unwrap();
    app.refusal(&reversal("enrollment_id", "module_id", "kind", -90));
    // Nobody moved the balance along with it, and verify says so.
    assert!(app.findings().iter().any(|finding| finding.contains("attended") && finding.contains(&members[0].id)), "{:?}", app.findings());
    // A negative entry that takes nothing back, one of zero, one without its session; one that no closing posts, in a closing; hours
    // carried in from nowhere.
    let (enrollment, session) = (app.hex(&members[0].id), app.hex(&session));
    let module = app.hex(&course.program.metallurgy_module);
    for (session, kind, minutes, closing) in [
        (session.as_str(), "attended", -90, "2"),
        (&session, "attended", 0, "2"),
        ("NULL", "attended", 90, "NULL"),
        ("NULL", "attended", 90, "2"),
        (&session, "attended", 90, "NULL"),
        (&session, "make_up", 90, "2"),
        (&session, "make_up", 90, "NULL"),
        ("NULL", "carried_in", 90, "NULL"),
    ] {
        app.refusal(&format!(
            "INSERT INTO hour_entries (id, enrollment_id, module_id, session_id, kind, minutes, closing, posting_id, recorded_at)
             VALUES ({}, {enrollment}, {module}, {session}, '{kind}', {minutes}, {closing}, {enrollment}, {})",
            app.hex(&app.absent_id()),
            app.instant("2020-06-02T03:00:00Z"),
        ));
    }
}

#[test]
fn a_balance_never_exceeds_what_was_expected() {
    let app = spawn_app();
    let (_, members, _) = taught(&app);
    for table in ["hour_balances", "module_hour_balances"] {
        // The second missed 30 of 90 minutes.
        let key = app.hex(&members[1].id);
        for change in
            ["make_up = 31", "adjustment = 31", "make_up = 20, adjustment = 11", "adjustment = -61", "attended = -1", "exempt = -1"]
        {
            app.refusal(&format!("UPDATE {table} SET {change} WHERE enrollment_id = {key}"));
        }
        app.sql(&format!("UPDATE {table} SET make_up = 20, adjustment = 10 WHERE enrollment_id = {key}")).unwrap();
    }
    // Allowed by the checks, but not by the entries.
    assert_eq!(app.findings().len(), 4, "{:?}", app.findings());
}

#[test]
fn balances_stay_with_their_entries() {
    let app = spawn_app();
    taught(&app);
    for table in ["hour_balances", "module_hour_balances"] {
        assert!(app.refusal(&format!("DELETE FROM {table}")).contains("muster:immutable"), "{table}");
        let other = app.hex(&app.absent_id());
        let moved = format!("UPDATE {table} SET enrollment_id = {other}");
        assert!(app.refusal(&moved).contains("muster:immutable"), "{table}");
    }
}

#[test]
fn where_somebody_with_hours_stood_is_only_ended() {
    let app = spawn_app();
    let (course, members, _) = taught(&app);
    let (key, earlier, later) = (app.hex(&members[0].id), app.instant("2020-06-01T00:00:00Z"), app.instant("2020-07-01T00:00:00Z"));
    let mechanics = app.hex(&course.mechanics);
    let alter = |change: &str| format!("UPDATE enrollment_periods SET {change} WHERE enrollment_id = {key}");
    let cohort = format!("cohort_id = {mechanics}");
    let (from, recorded) = (format!("from_at = {earlier}"), format!("recorded_at = {earlier}"));
    let changes = [cohort.as_str(), "cohort_id = NULL", "state = 'suspended'", from.as_str(), recorded.as_str()];
    for change in changes {
        assert!(app.refusal(&alter(change)).contains("muster:immutable"), "{change}");
    }
    // What goes on does so where it ended.
    let before = format!(
        "INSERT INTO enrollment_periods (id, enrollment_id, cohort_id, state, from_at, until_at, recorded_at)
         SELECT {}, enrollment_id, cohort_id, state, {}, {}, recorded_at FROM enrollment_periods WHERE enrollment_id = {key}",
        app.hex(&app.absent_id()),
        app.instant("2019-01-01T00:00:00Z"),
        app.instant("2019-02-01T00:00:00Z"),
    );
    assert!(app.refusal(&before).contains("muster:immutable"));
    app.sql(&alter(&format!("until_at = {later}"))).unwrap();
    for change in changes.into_iter().chain(["until_at = NULL", &format!("until_at = {earlier}")]) {
        assert!(app.refusal(&alter(change)).contains("muster:immutable"), "{change}");
    }
}

#[test]
fn a_roll_call_is_not_born_closed() {
    let app = spawn_app();
    let course = seed::course(&app);
    let session = app.hex(&seed::published_session(&course, "S-1", &seed::morning(1)));
    let born = |state: &str, closings: i32| {
        app.refusal(&format!(
            "INSERT INTO roll_calls (session_id, intake_id, state, closings, version)
             SELECT id, intake_id, '{state}', {closings}, 1 FROM sessions WHERE id = {session}"
        ))
    };
    assert!(born("closed", 1).contains("illegal_transition"));
    assert!(born("not_open", 1).contains("illegal_transition"));
}

#[test]
fn what_is_kept_is_not_emptied_at_one_blow() {
    let app = spawn_app();
    if app.database.kind() == Kind::Sqlite {
        // It has no TRUNCATE; its DELETE fires the row triggers.
        return;
    }
    for table in [
        "program_versions",
        "disciplines",
        "modules",
        "amendments",
        "enrollments",
        "enrollment_periods",
        "enrollment_steps",
        "sessions",
        "session_cohorts",
        "session_instructors",
        "claims",
        "claim_waivers",
        "series",
        "session_changes",
        "session_change_audience",
        "feeds",
        "roll_calls",
        "attendances",
        "guests",
        "unsettled_sessions",
        "hour_entries",
        "hour_balances",
        "module_hour_balances",
        "calendar_days",
        "crew_shifts",
        "journal_entries",
        "journal_payloads",
        "journal_seals",
        "journal_audiences",
    ] {
        assert!(app.refusal(&format!("TRUNCATE {table} CASCADE")).contains("immutable"), "{table}");
    }
}

#[test]
fn who_came_as_a_guest_to_a_closed_session_stays_so() {
    let app = spawn_app();
    let (course, members, session) = taught(&app);
    let (session, enrollment) = (app.hex(&session), app.hex(&members[0].id));
    let missed = app.hex(&seed::session(&course, "MET-09", &seed::morning(9)));
    let (intake, now) = (app.hex(&course.intake), app.instant("2020-06-02T03:00:00Z"));
    let guest = |session: &str, missed: &str| {
        format!(
            "INSERT INTO guests (session_id, enrollment_id, missed_session_id, intake_id, created_at)
             VALUES ({session}, {enrollment}, {missed}, {intake}, {now})"
        )
    };
    assert!(app.refusal(&guest(&session, &missed)).contains("muster:roll_call_closed"));
    app.sql(
        "UPDATE roll_calls SET state = 'reopened', submitted_at = NULL, closed_at = NULL, corrections_until = NULL, reopen_reason = 'x'",
    )
    .unwrap();
    app.refusal(&guest(&session, &session));
    app.sql(&guest(&session, &missed)).unwrap();
    app.refusal(&guest(&session, &missed));
    for statement in ["UPDATE guests SET note = 'x'", "UPDATE guests SET missed_session_id = missed_session_id"] {
        assert!(app.refusal(statement).contains("muster:immutable"), "{statement}");
    }
    app.sql(&format!("UPDATE roll_calls SET state = 'closed', closings = 2, submitted_at = {now}, closed_at = {now}")).unwrap();
    assert!(app.refusal("DELETE FROM guests").contains("muster:roll_call_closed"));
}
