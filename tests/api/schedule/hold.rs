use insta::assert_json_snapshot;
use serde_json::json;

use crate::support::{seed, spawn_app};

#[test]
fn a_session_is_held_as_planned() {
    let app = spawn_app();
    let course = seed::course(&app);
    let id = seed::published_session(&course, "P-1", &seed::morning(1));
    let reply = course.coordinator.post(&format!("/sessions/{id}/hold"), json!({})).expect(200);
    assert_json_snapshot!(reply.redacted());
    // Its title is pinned: a later promotion does not change the past.
    assert_eq!(reply.body["instructors"][0]["title"], "教授");
    assert_eq!(app.count("SELECT count(*) FROM claims"), 2);
    let again = app.unchanged(|| course.coordinator.post(&format!("/sessions/{id}/hold"), json!({})).expect(409));
    let told = "session P-1 was confirmed as held before; what was said wrongly is corrected with PATCH /sessions/{id}/hold";
    assert_eq!(again.problem("illegal_transition").text_at("/detail"), told);
}

#[test]
fn the_title_that_is_pinned_is_that_of_the_latest_post_of_the_day_at_the_provider() {
    let app = spawn_app();
    let course = seed::course(&app);
    let second = seed::instructor(&app, &course.coordinator, "P2");
    app.sql("DELETE FROM affiliations WHERE title IS NOT NULL").unwrap();
    let post = |person: &str, organization: &str, title: &str, from: &str, until: &str| {
        let [id, person, organization] = [&app.absent_id(), person, organization].map(|id| app.hex(id));
        app.sql(&format!(
            "INSERT INTO affiliations (id, person_id, organization_id, unit_id, kind, title, from_date, until_date)
             VALUES ({id}, {person}, {organization}, {organization}, 'staff', {title}, {from}, {until})"
        ))
        .unwrap();
    };
    let (house, elsewhere) = (&app.provider().id, &course.sponsor.id);
    post(&course.instructor, house, "'讲师'", "NULL", "NULL");
    post(&course.instructor, house, "'副教授'", "'2018-01-01'", "NULL");
    post(&course.instructor, house, "NULL", "'2020-01-01'", "NULL");
    post(&course.instructor, house, "'教授'", "'2021-01-01'", "NULL");
    post(&course.instructor, house, "'院士'", "'2019-01-01'", "'2020-01-01'");
    post(&course.instructor, elsewhere, "'总工程师'", "'2020-01-01'", "NULL");
    post(&second, elsewhere, "'工程师'", "'2010-01-01'", "NULL");
    post(&second, elsewhere, "'高级工程师'", "'2015-01-01'", "NULL");
    let mut body = seed::session_body(&course, "P-1", &seed::morning(1));
    body["instructor_ids"] = json!([course.instructor, second]);
    let held = seed::held_session_as(&course, body);
    let instructors = course.coordinator.get(&format!("/sessions/{held}")).expect(200).body["instructors"].clone();
    assert_eq!([&instructors[0]["title"], &instructors[1]["title"]], ["副教授", "高级工程师"]);
}

#[test]
fn what_differs_from_the_plan_needs_a_reason() {
    let app = spawn_app();
    let course = seed::course(&app);
    let id = seed::published_session(&course, "P-1", &seed::morning(1));
    let path = format!("/sessions/{id}/hold");
    let late = seed::after(&seed::morning(1), 10);
    app.unchanged(|| {
        for body in [json!({ "starts_at": late }), json!({ "break_minutes": 5 }), json!({ "instructor_ids": [] })] {
            course.coordinator.post(&path, body).fault("/difference_reason", "reason_missing");
        }
    });
    let reply = course.coordinator.post(&path, json!({ "starts_at": late, "break_minutes": 5, "difference_reason": "fog" })).expect(200);
    // The plan stays beside it.
    assert_eq!((&reply.body["minutes"], &reply.body["held"]["minutes"]), (&json!(90), &json!(75)));
    assert_eq!(reply.body["held"]["difference_reason"], "fog");
    let report = course.coordinator.get(&format!("/intakes/{}/progress", course.intake)).expect(200).body;
    assert_eq!((&report["scheduled_minutes"], &report["held_minutes"]), (&json!(75), &json!(75)));
}

#[test]
fn a_substitute_is_recorded_unless_they_were_elsewhere() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (substitute, busy) = (seed::instructor(&app, &course.coordinator, "P-2"), seed::instructor(&app, &course.coordinator, "P-3"));
    let mut elsewhere = seed::session_body(&course, "P-9", &seed::morning(1));
    elsewhere["cohort_ids"] = json!([course.mechanics]);
    elsewhere["module_id"] = json!(course.program.mechanics_module);
    elsewhere["instructor_ids"] = json!([busy]);
    seed::published_session_as(&course, elsewhere);
    let id = seed::published_session(&course, "P-1", &seed::morning(1));
    let hold = |who: &str| {
        course.coordinator.post(&format!("/sessions/{id}/hold"), json!({ "instructor_ids": [who], "difference_reason": "ill" }))
    };
    app.unchanged(|| {
        hold(&busy).expect(409).problem("session_conflict");
        hold(&app.absent_id()).expect(404);
    });
    let reply = hold(&substitute).expect(200);
    assert_eq!(reply.body["instructors"].as_array().unwrap().len(), 1);
    assert_eq!((&reply.body["instructors"][0]["id"], &reply.body["instructors"][0]["lead"]), (&json!(substitute), &json!(true)));
    // Who did not teach is no longer expected to have.
    app.instructor(&course.instructor).get(&format!("/sessions/{id}")).expect(404);
}

#[test]
fn whoever_leads_a_session_confirms_it_and_no_other_instructor() {
    let app = spawn_app();
    let course = seed::course(&app);
    let second = seed::instructor(&app, &course.coordinator, "P-2");
    let mut body = seed::session_body(&course, "P-1", &seed::morning(1));
    body["instructor_ids"] = json!([course.instructor, second]);
    let id = seed::published_session_as(&course, body);
    let path = format!("/sessions/{id}/hold");
    app.unchanged(|| {
        app.instructor(&second).post(&path, json!({})).expect(403).problem("forbidden");
    });
    // Who leads is who leads now.
    let exchanged = json!({ "instructor_ids": [second, course.instructor], "reason": "as agreed" });
    course.coordinator.if_match("*").patch(&format!("/sessions/{id}"), exchanged).expect(200);
    app.unchanged(|| {
        app.instructor(&course.instructor).post(&path, json!({})).expect(403).problem("forbidden");
    });
    app.instructor(&second).post(&path, json!({})).expect(200);
}

#[test]
fn a_draft_or_a_cancelled_session_is_not_held() {
    let app = spawn_app();
    let course = seed::course(&app);
    let draft = seed::session(&course, "D-1", &seed::morning(1));
    app.unchanged(|| course.coordinator.post(&format!("/sessions/{draft}/hold"), json!({})).expect(409).problem("illegal_transition"));
    course.coordinator.post(&format!("/sessions/{draft}/cancel"), json!({ "reason": "a mistake" })).expect(200);
    app.unchanged(|| course.coordinator.post(&format!("/sessions/{draft}/hold"), json!({})).expect(409).problem("illegal_transition"));
}

#[test]
fn a_session_is_confirmed_once_it_is_over() {
    let app = spawn_app();
    let course = seed::course(&app);
    let patch = json!({ "closes_on": "2199-12-31" });
    course.coordinator.if_match("*").patch(&format!("/intakes/{}", course.intake), patch).expect(200);
    // Begun half an hour ago, and an hour to go.
    let begun = (muster::clock::now().utc() - chrono::TimeDelta::minutes(30)).format("%FT%H:%M:00Z").to_string();
    let id = seed::published_session(&course, "P-1", &begun);
    let path = format!("/sessions/{id}/hold");
    app.unchanged(|| {
        course.coordinator.post(&path, json!({})).expect(409).problem("session_not_over");
        let longer = json!({ "ends_at": seed::after(&begun, 100), "difference_reason": "questions" });
        course.coordinator.post(&path, longer).expect(409).problem("session_not_over");
        let early = json!({ "starts_at": "2020-05-26T00:00:00Z", "ends_at": "2020-05-26T01:00:00Z", "difference_reason": "moved" });
        course.coordinator.post(&path, early).fault("/starts_at", "outside_intake");
    });
    let shorter = json!({ "ends_at": seed::after(&begun, 20), "difference_reason": "a fire drill" });
    course.coordinator.post(&path, shorter).expect(200);
}

#[test]
fn nobody_was_taught_in_two_places_at_the_actual_times() {
    let app = spawn_app();
    let course = seed::course(&app);
    let id = seed::published_session(&course, "P-1", &seed::morning(1));
    let next = seed::held_session(&course, "P-2", &seed::after(&seed::morning(1), 90));
    let overrun = json!({ "ends_at": seed::after(&seed::morning(1), 100), "difference_reason": "questions" });
    let hold = |session: &str| course.coordinator.post(&format!("/sessions/{session}/hold"), overrun.clone());
    app.unchanged(|| {
        let detail = hold(&id).expect(409).problem("session_conflict").text_at("/detail");
        assert!(detail.contains("P-2"), "{detail}");
    });
    let held =
        "UPDATE sessions SET state = 'held', held_starts_at = starts_at, held_break_minutes = 0, held_minutes = 100, held_ends_at = ";
    let end = app.instant(&seed::after(&seed::morning(1), 100));
    assert!(app.refusal(&format!("{held}{end} WHERE id = {}", app.hex(&id))).contains("session_conflict"));
    let waiver = json!({ "other_session_id": next, "reason": "the last questions were asked on the way out" });
    course.coordinator.post(&format!("/sessions/{id}/waivers"), waiver).expect(201);
    hold(&id).expect(200);
    assert_eq!(app.count(&format!("SELECT count(*) FROM claims WHERE ends_at = {end}")), 2, "claims are at the actual times");
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_substitute_is_claimed_for_the_time_at_which_they_taught() {
    let app = spawn_app();
    let course = seed::course(&app);
    let substitute = seed::instructor(&app, &course.coordinator, "P-2");
    let mut elsewhere = seed::session_body(&course, "P-9", &seed::morning(1));
    elsewhere["cohort_ids"] = json!([course.mechanics]);
    elsewhere["module_id"] = json!(course.program.mechanics_module);
    elsewhere["instructor_ids"] = json!([substitute]);
    seed::published_session_as(&course, elsewhere);
    let id = seed::published_session(&course, "P-1", &seed::morning(1));
    let actual = seed::after(&seed::morning(1), 300);
    let body =
        json!({ "instructor_ids": [substitute], "starts_at": actual, "ends_at": seed::after(&actual, 60), "difference_reason": "ill" });
    let reply = course.coordinator.post(&format!("/sessions/{id}/hold"), body).expect(200);
    assert_eq!((&reply.body["starts_at"], &reply.body["minutes"]), (&json!(seed::morning(1)), &json!(90)), "the plan stays beside it");
    assert_eq!((&reply.body["held"]["starts_at"], &reply.body["held"]["minutes"]), (&json!(actual), &json!(60)));
    let claims = format!("SELECT count(*) FROM claims WHERE session_id = {} AND starts_at = {}", app.hex(&id), app.instant(&actual));
    assert_eq!(app.count(&claims), 2);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn new_dates_of_an_intake_leave_what_was_held_where_it_was() {
    let app = spawn_app();
    let course = seed::course(&app);
    let id = seed::published_session(&course, "P-1", &seed::morning(1));
    let body = json!({ "starts_at": seed::morning(40), "ends_at": seed::after(&seed::morning(40), 90), "difference_reason": "flood" });
    course.coordinator.post(&format!("/sessions/{id}/hold"), body).expect(200);
    seed::published_session(&course, "P-2", &seed::morning(35));
    let close = |day: &str| course.coordinator.if_match("*").patch(&format!("/intakes/{}", course.intake), json!({ "closes_on": day }));
    let outside = |day: &str| app.unchanged(|| close(day).expect(409).problem("sessions_outside").text_at("/detail"));
    // Told at the time at which it was, and in that order.
    assert_eq!(outside("2020-07-08"), "1 session would lie outside the new dates; the first is P-1 at 2020-07-11 09:00+08:00");
    assert_eq!(outside("2020-07-01"), "2 sessions would lie outside the new dates; the first is P-2 at 2020-07-06 09:00+08:00");
    close("2020-07-12").expect(200);
}

#[test]
fn somebody_taught_what_was_held() {
    let app = spawn_app();
    let course = seed::course(&app);
    let id = seed::published_session(&course, "P-1", &seed::morning(1));
    let nobody = json!({ "instructor_ids": [], "difference_reason": "the projector taught" });
    app.unchanged(|| course.coordinator.post(&format!("/sessions/{id}/hold"), nobody).fault("/instructor_ids", "instructor_missing"));
}

#[test]
fn nothing_is_held_before_the_opening_is_approved() {
    let app = spawn_app();
    let coordinator = app.coordinator();
    let program = seed::program(&coordinator, "OPENING");
    let mut body = seed::intake_body(&program.version, "OPENING-3");
    body["opening_approval_required"] = json!(true);
    let intake = coordinator.post("/intakes", body).expect(201).id();
    let cohort = seed::cohort(&coordinator, &intake, &program.metallurgy, "MET-1");
    let step = |step: &str| coordinator.post(&format!("/intakes/{intake}/{step}"), json!({})).expect(200);
    let body = json!({ "code": "P-1", "module_id": program.metallurgy_module, "starts_at": seed::morning(1),
        "ends_at": seed::after(&seed::morning(1), 90), "cohort_ids": [cohort] });
    let id = coordinator.post(&format!("/intakes/{intake}/sessions"), body).expect(201).id();
    coordinator.post(&format!("/sessions/{id}/publish"), json!({})).expect(200);
    let hold = || coordinator.post(&format!("/sessions/{id}/hold"), json!({}));
    app.unchanged(|| hold().expect(409).problem("intake_not_open"));
    step("open-enrollment");
    app.unchanged(|| hold().expect(409).problem("opening_not_approved"));
    step("approve-opening");
    hold().expect(200);
}

#[test]
fn what_was_taught_on_another_day_is_confirmed_even_once_its_roll_was_called() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let id = seed::published_session(&course, "P-1", &seed::morning(10));
    seed::put_roll_call(&course, &id, &[seed::line(&member, "present")]).expect(200);
    seed::step_roll_call(&course, &id, "submit", None).expect(200);
    let hold = |from: &str, until: &str| {
        let body = json!({ "starts_at": from, "ends_at": until, "difference_reason": "the furnace was down" });
        course.coordinator.post(&format!("/sessions/{id}/hold"), body)
    };
    app.unchanged(|| {
        hold(&seed::morning(10), &seed::morning(12)).fault("/ends_at", "too_long");
        course
            .coordinator
            .if_match("*")
            .patch(&format!("/sessions/{id}"), json!({ "break_minutes": 5 }))
            .expect(409)
            .problem("roll_call_begun");
    });
    hold(&seed::morning(12), &seed::after(&seed::morning(12), 90)).expect(200);
    seed::step_roll_call(&course, &id, "close", None).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
}
