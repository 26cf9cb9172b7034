//! OR REPLACE, by which SQLite deletes the row in the way without telling a trigger, takes nothing away that is final.

use diesel::connection::SimpleConnection;
use serde_json::json;

use crate::support::{App, Kind, seed, seed::Course, spawn_app};

/// An app with something final in every table; nothing on Postgres, which has no OR REPLACE.
fn app_with_history() -> Option<(App, Course)> {
    let app = spawn_app();
    if app.database.kind() == Kind::Postgres {
        return None;
    }
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let mechanics = (course.program.mechanics.as_str(), course.mechanics.as_str());
    seed::enrolled_at(&course, &course.sponsor.plants[0], mechanics, 1);
    let first = seed::closed_session(&course, "H-1", &seed::morning(1), &[seed::line(&member, "present")]);
    let second = seed::session(&course, "D-1", &seed::morning(1));
    let waiver = json!({ "other_session_id": first, "reason": "one laboratory" });
    course.coordinator.post(&format!("/sessions/{second}/waivers"), waiver).expect(201);
    seed::room(&course, "A-301");
    let file = b"name,employee_number\nimported,P-9";
    course.coordinator.post_file(&format!("/instructors/import?organization_id={}", app.provider().id), "a.csv", file).expect(200);
    let calendar = json!({ "kind": "holidays", "code": "CN-2020", "name": "节假日", "time_zone": "Asia/Shanghai" });
    course.coordinator.post("/calendars", calendar).expect(201);
    course.coordinator.post("/feeds", json!({ "kind": "intake", "subject_id": course.intake })).expect(201);
    let amendment = json!({ "module_id": course.program.metallurgy_module, "delta_minutes": 90, "reason": "one more experiment" });
    course.coordinator.post(&format!("/intakes/{}/amendments", course.intake), amendment).expect(201);
    course.coordinator.post(&format!("/programs/{}/versions", course.program.id), seed::version_body()).expect(201);
    let called = seed::held_session(&course, "H-2", &seed::morning(2));
    seed::put_roll_call(&course, &called, &[seed::line(&member, "present")]).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
    Some((app, course))
}

/// Asserts that a connection with none of our settings is refused these statements, and that nothing is gone.
#[track_caller]
fn assert_refused(app: &App, statements: &[String]) {
    let mut conn = app.database.connect();
    conn.batch_execute("PRAGMA foreign_keys = OFF").unwrap();
    for statement in statements {
        let before = app.state();
        let message = conn.batch_execute(statement).map_err(|error| error.to_string()).unwrap_err();
        assert!(message.contains("muster:"), "{statement}: {message}");
        assert_eq!(app.state(), before, "{statement}");
    }
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn what_is_final_is_not_replaced_by_an_insert_of_the_same() {
    let Some((app, _)) = app_with_history() else { return };
    let same = [
        "organizations",
        "intakes",
        "enrollments",
        "amendments",
        "enrollment_steps",
        "enrollment_periods",
        "session_cohorts",
        "session_instructors",
        "claims",
        "claim_waivers",
        "rooms",
        "calendars",
        "feeds",
        "attendances",
        "imports",
        "import_effects",
        "hour_entries",
        "journal_entries",
        "journal_payloads",
        "journal_seals",
    ];
    let same = same.map(|table| {
        assert!(app.count(&format!("SELECT count(*) FROM {table}")) > 0, "{table}");
        format!("INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
    });
    assert_refused(&app, &same);
}

#[test]
fn what_is_final_is_not_replaced_by_an_insert_of_something_new() {
    let Some((app, _)) = app_with_history() else { return };
    let new = app.hex(&app.absent_id());
    let draft = "(SELECT id FROM program_versions WHERE state = 'draft')";
    let version = "total_minutes, minutes_per_hour, authorized_absence_counts, created_at";
    let session = "intake_id, program_version_id, module_id, mode, starts_at, ends_at, break_minutes, minutes, created_at";
    assert_refused(
        &app,
        &[
            format!(
                "REPLACE INTO hour_balances SELECT enrollment_id, {new}, attended, authorized_absence, unauthorized_absence, exempt,
                     make_up, adjustment, carried_in FROM hour_balances"
            ),
            format!(
                "REPLACE INTO program_versions (id, program_id, number, state, {version})
                 SELECT {new}, program_id, number, 'draft', {version} FROM program_versions WHERE state = 'confirmed'"
            ),
            format!(
                "REPLACE INTO program_versions (id, program_id, number, state, {version})
                 SELECT id, program_id, 9, 'draft', {version} FROM program_versions WHERE state = 'confirmed'"
            ),
            format!(
                "REPLACE INTO modules (id, program_version_id, position, code, name, kind, planned_minutes)
                 SELECT id, {draft}, 9, 'NEW', name, kind, planned_minutes FROM modules WHERE program_version_id <> {draft}"
            ),
            format!(
                "REPLACE INTO disciplines (id, program_version_id, position, code, name)
                 SELECT id, {draft}, 9, 'NEW', name FROM disciplines WHERE program_version_id <> {draft}"
            ),
            format!(
                "REPLACE INTO sessions (id, code, state, {session}) SELECT {new}, code, 'draft', {session} FROM sessions WHERE state = 'held'"
            ),
            format!(
                "REPLACE INTO sessions (id, code, state, {session}) SELECT id, 'X', 'draft', {session} FROM sessions WHERE state = 'held'"
            ),
            "REPLACE INTO enrollment_periods (id, enrollment_id, state, from_at, until_at, recorded_at)
             SELECT p.id, e.id, 'applied', 1, 2, 3 FROM enrollment_periods p, enrollments e WHERE e.id <> p.enrollment_id"
                .to_owned(),
            format!(
                "REPLACE INTO enrollments SELECT {new}, intake_id, program_version_id, person_id, discipline_id, sponsor_id, unit_id, cohort_id,
                 payer_id, funding, crew, state, withdrawal, replaces_id, transferred_from_id, priority, position, offer_expires_at, cohort_from_at, version, created_at FROM enrollments"
            ),
            "REPLACE INTO roll_calls (session_id, state) SELECT session_id, 'not_open' FROM roll_calls WHERE state = 'closed'".to_owned(),
        ],
    );
}

#[test]
fn what_is_final_is_not_replaced_by_an_update() {
    let Some((app, course)) = app_with_history() else { return };
    let draft = "(SELECT id FROM program_versions WHERE state = 'draft')";
    assert_refused(
        &app,
        &[
            "UPDATE OR REPLACE program_versions SET number = 1 WHERE state = 'draft'".to_owned(),
            format!("UPDATE OR REPLACE program_versions SET id = {} WHERE state = 'draft'", app.hex(&course.program.version)),
            format!(
                "UPDATE OR REPLACE modules SET id = {} WHERE code = 'COM-01' AND program_version_id = {draft}",
                app.hex(&course.program.common_module)
            ),
            format!(
                "UPDATE OR REPLACE disciplines SET id = {} WHERE code = 'MET' AND program_version_id = {draft}",
                app.hex(&course.program.metallurgy)
            ),
            "UPDATE OR REPLACE enrollment_periods SET id = (SELECT max(id) FROM enrollment_periods) WHERE id < (SELECT max(id) FROM enrollment_periods)"
                .to_owned(),
            "UPDATE OR REPLACE enrollments SET person_id = (SELECT max(person_id) FROM enrollments)".to_owned(),
            "UPDATE OR REPLACE organizations SET code = 'USTB' WHERE code = 'JISCO'".to_owned(),
            format!("UPDATE OR REPLACE organizations SET id = {} WHERE code = 'JISCO'", app.hex(&app.provider().id)),
            "UPDATE OR REPLACE sessions SET code = 'H-1' WHERE code = 'D-1'".to_owned(),
            "UPDATE OR REPLACE sessions SET id = (SELECT id FROM sessions WHERE code = 'H-1') WHERE code = 'D-1'".to_owned(),
            "UPDATE OR REPLACE roll_calls SET session_id = (SELECT session_id FROM roll_calls WHERE state = 'closed') WHERE state = 'open'"
                .to_owned(),
            "UPDATE OR REPLACE attendances SET session_id = (SELECT session_id FROM roll_calls WHERE state = 'closed')".to_owned(),
        ],
    );
}

#[test]
fn a_full_quota_is_not_passed_by_replacing() {
    let Some((app, course)) = app_with_history() else { return };
    let quota = format!("/intakes/{}/seat-quotas/{}", course.intake, course.sponsor.id);
    course.coordinator.if_none_match("*").put(&quota, json!({ "seats": 2 })).expect(200);
    let new = app.hex(&app.absent_id());
    let trainee = app.hex(&seed::recruit(&course));
    let row = "intake_id, program_version_id, discipline_id, sponsor_id, unit_id, cohort_id, state, created_at";
    let more = format!(
        "INSERT OR REPLACE INTO enrollments (id, person_id, version, {row}) SELECT {new}, {trainee}, 1, {row} FROM enrollments LIMIT 1"
    );
    assert_refused(&app, &[more]);
}

#[test]
fn what_is_not_final_is_replaced_and_renamed_as_before() {
    let Some((app, course)) = app_with_history() else { return };
    for (code, other) in [("D-1", "D-2"), ("D-2", "D-1")] {
        app.sql(&format!("UPDATE sessions SET code = '{other}' WHERE code = '{code}'")).unwrap();
    }
    seed::put_roll_call(&course, &app_session(&app, "H-2"), &[]).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
}

fn app_session(app: &App, code: &str) -> String {
    let id = app.database.texts(&format!("SELECT lower(hex(id)) FROM sessions WHERE code = '{code}'")).remove(0).unwrap();
    uuid::Uuid::try_parse(&id).unwrap().to_string()
}
