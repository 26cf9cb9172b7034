use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use crate::support::{App, Kind, Reply, seed, spawn_app};

/// Sends `work` while another transaction is about to cancel the intake, and lets that one end as soon as `work` waits for it.
fn while_it_is_cancelled(app: &App, intake: &str, work: impl FnOnce() -> Reply + Send) -> Reply {
    let key = format!("hashtextextended(current_schema() || ':intake:{intake}', 0)");
    let mut other = app.database.connect();
    let cancel = format!("UPDATE intakes SET state = 'cancelled', version = version + 1 WHERE id = {}", app.hex(intake));
    other.batch_execute(&format!("BEGIN; SELECT pg_advisory_xact_lock({key}); {cancel}")).unwrap();
    std::thread::scope(|scope| {
        let work = scope.spawn(work);
        let waiting = format!(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
             AND (CAST(classid AS bigint) << 32) | CAST(objid AS bigint) = {key}"
        );
        let waits = (0..200).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            app.count(&waiting) > 0
        });
        other.batch_execute("COMMIT").unwrap();
        assert!(waits, "nothing waited for the intake");
        work.join().unwrap()
    })
}

#[test]
fn nothing_is_added_to_an_intake_that_is_being_ended() {
    // SQLite has one writer: what it reads in a write stands until it commits.
    if Kind::of_the_suite() != Kind::Postgres {
        return;
    }
    for what in ["cohorts", "amendments"] {
        let app = spawn_app();
        let course = seed::course(&app);
        let body: Value = match what {
            "cohorts" => json!({ "discipline_id": course.program.metallurgy, "code": "LATE", "name": "LATE" }),
            _ => json!({ "module_id": course.program.mechanics_module, "delta_minutes": 45, "reason": "late" }),
        };
        let path = format!("/intakes/{}/{what}", course.intake);
        while_it_is_cancelled(&app, &course.intake, || course.coordinator.post(&path, body)).expect(409).problem("intake_not_live");
    }
}
