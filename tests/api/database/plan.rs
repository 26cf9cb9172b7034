//! What verify finds of the plan, against a plain model of it.

use serde_json::json;

use crate::support::{Random, seed, spawn_app};

/// What is planned of the common module.
const COMMON: i64 = 180;

#[test]
fn what_goes_beyond_the_plan_is_found_as_a_plain_model_counts_it() {
    let app = spawn_app();
    let mut random = Random::seeded();
    let mut body = seed::version_body();
    body["modules"][2]["planned_minutes"] = json!(COMMON);
    body["total_minutes"] = json!(2 * seed::OWN + COMMON);
    let coordinator = app.coordinator();
    let program = seed::program_of(&coordinator, "PLAN", body);
    let course = seed::course_on(&app, coordinator, program, "PLAN", "JISCO");
    let module = &course.program.common_module;
    let mut planned = COMMON;
    for delta_minutes in [-30, 60] {
        let amendment = json!({ "module_id": module, "delta_minutes": delta_minutes, "reason": "one experiment" });
        course.coordinator.post(&format!("/intakes/{}/amendments", course.intake), amendment).expect(201);
        planned += delta_minutes;
    }
    let mut scheduled = [(&course.metallurgy, 0), (&course.mechanics, 0)];
    for index in 0..16 {
        let day = u32::try_from(index).unwrap();
        let start = seed::morning(day);
        let mut body = seed::session_body(&course, &format!("S-{day}"), &start);
        body["module_id"] = json!(module);
        let both = random.below(2) == 0;
        body["cohort_ids"] = if both { json!([course.metallurgy, course.mechanics]) } else { json!([course.metallurgy]) };
        let key = app.hex(&seed::session_as(&course, body));
        // The first four are one of each, so that none is left to chance.
        let is_first = index < 4;
        let held = [None, Some(30), Some(90), Some(150)][if is_first { index } else { random.below(4) }];
        // A draft and what is cancelled take nothing.
        let state = if is_first { "published" } else { ["draft", "cancelled", "published", "published"][random.below(4)] };
        let reason = if state == "cancelled" { "'storm'" } else { "NULL" };
        app.sql(&format!("UPDATE sessions SET state = '{state}', cancel_reason = {reason} WHERE id = {key}")).unwrap();
        if state == "published" {
            if let Some(minutes) = held {
                let ends_at = app.instant(&seed::after(&start, minutes));
                let times =
                    format!("held_starts_at = starts_at, held_ends_at = {ends_at}, held_break_minutes = 0, held_minutes = {minutes}");
                app.sql(&format!("UPDATE sessions SET state = 'held', {times} WHERE id = {key}")).unwrap();
            }
            // Taught longer than planned it takes what was planned, and else what was taught.
            let takes = held.unwrap_or(90).min(90);
            scheduled.iter_mut().take(if both { 2 } else { 1 }).for_each(|(_, minutes)| *minutes += takes);
        }
        let mut expected: Vec<String> = scheduled
            .iter()
            .filter(|(_, minutes)| *minutes > planned)
            .map(|(cohort, minutes)| {
                format!("plan: cohort {cohort} has {minutes} minutes of module {module} scheduled and {planned} planned")
            })
            .collect();
        expected.sort();
        let mut findings = app.findings();
        findings.retain(|finding| finding.starts_with("plan: "));
        findings.sort();
        assert_eq!(findings, expected, "after S-{day}");
    }
}
