//! Versions, intakes and amendments.

use serde_json::json;

use crate::support::{App, Kind, seed, seed::Course, spawn_app};

fn amendment(app: &App, course: &Course, minutes: i64, reason: &str) -> String {
    format!(
        "INSERT INTO amendments (id, intake_id, program_version_id, module_id, delta_minutes, reason, created_at)
         VALUES ({}, {}, {}, {}, {minutes}, '{reason}', {})",
        app.hex(&app.absent_id()),
        app.hex(&course.intake),
        app.hex(&course.program.version),
        app.hex(&course.program.metallurgy_module),
        app.instant("2020-05-27T00:00:00Z"),
    )
}

#[test]
fn the_content_of_a_confirmed_version_is_refused_every_change() {
    let app = spawn_app();
    let course = seed::course(&app);
    let version = app.hex(&course.program.version);
    let module = format!("{}, {version}, 9, 'NEW', '新', 'theory', 45", app.hex(&app.absent_id()));
    for statement in [
        "UPDATE modules SET planned_minutes = planned_minutes + 45".to_owned(),
        "UPDATE modules SET name = '改名'".to_owned(),
        "UPDATE modules SET discipline_id = NULL".to_owned(),
        "DELETE FROM modules".to_owned(),
        format!("INSERT INTO modules (id, program_version_id, position, code, name, kind, planned_minutes) VALUES ({module})"),
        "UPDATE disciplines SET name = '改名'".to_owned(),
        "UPDATE program_versions SET total_minutes = total_minutes + 45".to_owned(),
        "UPDATE program_versions SET minutes_per_hour = 60".to_owned(),
        "UPDATE program_versions SET minimum_attendance_percent = 50".to_owned(),
        format!("UPDATE program_versions SET authorized_absence_counts = {}", app.truth(false)),
        "UPDATE program_versions SET number = 9".to_owned(),
    ] {
        let message = app.refusal(&statement);
        assert!(message.contains("muster:version_confirmed"), "{statement}: {message}");
    }
    for statement in ["UPDATE program_versions SET state = 'draft'", "DELETE FROM disciplines", "DELETE FROM program_versions"] {
        app.refusal(statement);
    }
    app.sql("UPDATE program_versions SET state = 'retired'").unwrap();
    app.refusal("UPDATE modules SET name = '改名'");
}

#[test]
fn hours_that_do_not_add_up_are_not_confirmed() {
    let app = spawn_app();
    let course = seed::course(&app);
    let mut body = seed::version_body();
    body["total_minutes"] = json!(seed::TOTAL - 1);
    let draft = course.coordinator.post(&format!("/programs/{}/versions", course.program.id), body).expect(201).id();
    let message = app.refusal(&format!("UPDATE program_versions SET state = 'confirmed' WHERE id = {}", app.hex(&draft)));
    assert!(message.contains("muster:hours_do_not_add_up"), "{message}");
    app.refusal(&format!("UPDATE program_versions SET state = 'retired' WHERE id = {}", app.hex(&draft)));
}

#[test]
fn an_intake_rests_on_a_confirmed_version_and_keeps_it() {
    let app = spawn_app();
    let course = seed::course(&app);
    let draft = course.coordinator.post(&format!("/programs/{}/versions", course.program.id), seed::version_body()).expect(201).id();
    let insert = format!(
        "INSERT INTO intakes (id, program_version_id, provider_id, code, name, state, time_zone, opens_on, closes_on, mode, opening_approval_required, created_at)
         VALUES ({}, {}, {}, 'X', 'X', 'planned', 'Asia/Shanghai', '2020-05-27', '2020-10-30', 'mixed', {}, {})",
        app.hex(&app.absent_id()),
        app.hex(&draft),
        app.hex(&app.provider().id),
        app.truth(false),
        app.instant("2020-05-27T00:00:00Z"),
    );
    let message = app.refusal(&insert);
    assert!(message.contains("muster:version_not_confirmed"), "{message}");
    course.coordinator.post(&format!("/program-versions/{draft}/confirm"), json!({})).expect(200);
    let message = app.refusal(&format!("UPDATE intakes SET program_version_id = {}", app.hex(&draft)));
    assert!(message.contains("muster:version_pinned") || message.to_lowercase().contains("foreign key"), "{message}");
    let message = app.refusal(&format!("UPDATE intakes SET provider_id = {}", app.hex(&course.sponsor.id)));
    assert!(message.contains("muster:version_pinned"), "{message}");
    app.refusal("UPDATE intakes SET closes_on = '2020-05-26'");
    app.refusal("UPDATE intakes SET seats_taken = -1");
}

#[test]
fn an_amendment_is_neither_changed_nor_deleted_and_counts_in_reports() {
    let app = spawn_app();
    let course = seed::course(&app);
    seed::enrolled(&course, 1);
    app.sql(&amendment(&app, &course, 90, "one more experiment")).unwrap();
    app.refusal(&amendment(&app, &course, 0, "nothing"));
    app.refusal(&amendment(&app, &course, 90, ""));
    for statement in ["UPDATE amendments SET delta_minutes = 45", "UPDATE amendments SET reason = 'x'", "DELETE FROM amendments"] {
        let message = app.refusal(statement);
        assert!(message.contains("muster:immutable"), "{message}");
    }
    let report = course.coordinator.get(&format!("/intakes/{}/progress", course.intake)).expect(200).body;
    assert_eq!((&report["planned_minutes"], &report["rows"][0]["plan_minutes"]), (&json!(seed::TOTAL + 90), &json!(seed::PLAN + 90)));
}

#[test]
fn an_intake_takes_no_illegal_step() {
    let app = spawn_app();
    let course = seed::course(&app);
    let key = app.hex(&course.intake);
    let step = |to: &str| format!("UPDATE intakes SET state = '{to}' WHERE id = {key}");
    for (state, legal) in [("enrolling", "running"), ("running", "completed"), ("completed", "")] {
        assert_eq!(app.database.texts(&format!("SELECT state FROM intakes WHERE id = {key}")), [Some(state.to_owned())]);
        for to in ["planned", "enrolling", "running", "completed", "cancelled"] {
            if to != state && to != legal && (to != "cancelled" || state == "completed") {
                let message = app.refusal(&step(to));
                assert!(message.contains("muster:illegal_transition"), "{state} > {to}: {message}");
            }
        }
        if !legal.is_empty() {
            app.sql(&step(legal)).unwrap();
        }
    }
    let other = seed::course_called(&app, "OTHER", "OTHER").intake;
    let cancel = |to: &str| format!("UPDATE intakes SET state = '{to}' WHERE id = {}", app.hex(&other));
    app.sql(&cancel("cancelled")).unwrap();
    assert!(app.refusal(&cancel("running")).contains("muster:illegal_transition"));
    let born = format!(
        "INSERT INTO intakes (id, program_version_id, provider_id, code, name, state, time_zone, opens_on, closes_on, mode, opening_approval_required, created_at)
         SELECT {}, program_version_id, provider_id, 'X', 'X', 'running', time_zone, opens_on, closes_on, mode, opening_approval_required, created_at
         FROM intakes WHERE id = {key}",
        app.hex(&app.absent_id())
    );
    assert!(app.refusal(&born).contains("muster:illegal_transition"));
}

#[test]
fn a_version_is_not_confirmed_or_retired_while_something_is_built_on_it() {
    use diesel::connection::SimpleConnection;
    let app = spawn_app();
    if app.database.kind() == Kind::Sqlite {
        // It has one writer at a time.
        return;
    }
    let course = seed::course(&app);
    let draft = course.coordinator.post(&format!("/programs/{}/versions", course.program.id), seed::version_body()).expect(201).id();
    let (draft, confirmed) = (app.hex(&draft), app.hex(&course.program.version));
    let module = format!(
        "INSERT INTO modules (id, program_version_id, position, code, name, kind, planned_minutes) VALUES ({}, {draft}, 9, 'NEW', '新', 'theory', 45)",
        app.hex(&app.absent_id())
    );
    let intake = format!(
        "INSERT INTO intakes (id, program_version_id, provider_id, code, name, state, time_zone, opens_on, closes_on, mode, opening_approval_required, created_at)
         SELECT {}, program_version_id, provider_id, 'X', 'X', 'planned', time_zone, opens_on, closes_on, mode, opening_approval_required, created_at FROM intakes",
        app.hex(&app.absent_id())
    );
    for (build, step) in [(module, ("confirmed", &draft)), (intake, ("retired", &confirmed))] {
        let mut first = app.database.connect();
        first.batch_execute(&format!("BEGIN; {build}")).unwrap();
        let (state, version) = step;
        let step = format!("SET lock_timeout = '100ms'; UPDATE program_versions SET state = '{state}' WHERE id = {version}");
        let message = app.refusal(&step);
        assert!(message.contains("lock timeout"), "{state}: {message}");
        first.batch_execute("ROLLBACK").unwrap();
        app.sql(&step).unwrap();
    }
}
