//! What the database itself refuses of feeds.

use crate::support::{seed, spawn_app};

#[test]
fn a_feed_stays_what_it_was_made_for_and_what_was_revoked_stays_so() {
    let app = spawn_app();
    let course = seed::course(&app);
    super::feed(&course.coordinator, "cohort", &course.metallurgy);
    let (now, other, elsewhere) = (app.instant("2020-06-01T00:00:00Z"), app.hex(&course.mechanics), app.hex(&course.sponsor.id));
    for change in
        [format!("cohort_id = {other}"), format!("organization_id = {elsewhere}"), "prefix = 'x'".to_owned(), format!("created_at = {now}")]
    {
        assert!(app.refusal(&format!("UPDATE feeds SET {change}")).contains("muster:immutable"), "{change}");
    }
    app.sql(&format!("UPDATE feeds SET revoked_at = {now}, last_used_at = {now}")).unwrap();
    assert!(app.refusal("UPDATE feeds SET revoked_at = NULL").contains("muster:immutable"));
    assert!(app.refusal("DELETE FROM feeds").contains("muster:immutable"));
}

#[test]
fn a_feed_is_of_one_thing_and_that_of_its_kind() {
    let app = spawn_app();
    let course = seed::course(&app);
    super::feed(&course.coordinator, "cohort", &course.metallurgy);
    let (id, cohort, intake) = (app.hex(&app.absent_id()), app.hex(&course.metallurgy), app.hex(&course.intake));
    let hash = match app.database.kind() {
        crate::support::Kind::Sqlite => format!("x'{}'", "ab".repeat(32)),
        crate::support::Kind::Postgres => format!("'\\x{}'::bytea", "ab".repeat(32)),
    };
    let insert = |kind: &str, cohort: &str, intake: &str, role: &str| {
        format!(
            "INSERT INTO feeds (id, provider_id, organization_id, kind, cohort_id, intake_id, prefix, secret_hash, role, created_at)
             SELECT {id}, provider_id, organization_id, '{kind}', {cohort}, {intake}, prefix, {hash}, '{role}', created_at FROM feeds"
        )
    };
    for (kind, cohort, intake, role) in [
        ("cohort", "NULL", "NULL", "coordinator"),
        ("cohort", "NULL", intake.as_str(), "coordinator"),
        ("cohort", cohort.as_str(), intake.as_str(), "coordinator"),
        ("intake", cohort.as_str(), "NULL", "coordinator"),
        ("trainee", "NULL", "NULL", "trainee"),
        ("cohort", cohort.as_str(), "NULL", "cohort"),
        ("cohort", cohort.as_str(), "NULL", "administrator"),
    ] {
        app.refusal(&insert(kind, cohort, intake, role));
    }
    app.sql(&insert("cohort", &cohort, "NULL", "coordinator")).unwrap();
}
