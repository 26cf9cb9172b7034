//! Nobody is present in two sessions at one time.

use serde_json::{Value, json};

use crate::support::{App, seed, seed::Course, seed::Enrolled, spawn_app};

/// A session of the second class until eleven, at which a guest of the first made up what they missed, and one of the guest's own class, which was
/// to begin at half past ten; both held, that one so.
struct Overlap {
    course: Course,
    guest: Enrolled,
    other: Enrolled,
    there: String,
    own: String,
}

fn overlap(app: &App, held: Value) -> Overlap {
    let course = seed::course(app);
    let guest = seed::enrolled(&course, 1).remove(0);
    let mechanic = (course.program.mechanics.as_str(), course.mechanics.as_str());
    let other = seed::enrolled_at(&course, &course.sponsor.plants[0], mechanic, 1).remove(0);
    let published = |code: &str, starts_at: &str, cohort: &str| {
        let mut body = seed::session_body(&course, code, starts_at);
        (body["module_id"], body["cohort_ids"], body["instructor_ids"]) = (json!(course.program.common_module), json!([cohort]), json!([]));
        if code == "OWN" {
            body["instructor_ids"] = json!([course.instructor]);
        }
        seed::published_session_as(&course, body)
    };
    let morning = seed::morning(2);
    let missed = published("MISSED", &seed::morning(1), &course.metallurgy);
    let there = published("THERE", &morning, &course.mechanics);
    let own = published("OWN", &seed::after(&morning, 90), &course.metallurgy);
    let invited = json!({ "enrollment_id": guest.id, "missed_session_id": missed });
    course.coordinator.post(&format!("/sessions/{there}/guests"), invited).expect(201);
    course.coordinator.post(&format!("/sessions/{missed}/hold"), json!({})).expect(200);
    seed::put_roll_call(&course, &missed, &[seed::line(&guest, "absent")]).expect(200);
    seed::step_roll_call(&course, &missed, "close", None).expect(200);
    let late = json!({ "ends_at": seed::after(&morning, 120), "difference_reason": "went on for half an hour" });
    course.coordinator.post(&format!("/sessions/{there}/hold"), late).expect(200);
    course.coordinator.post(&format!("/sessions/{own}/hold"), held).expect(200);
    Overlap { course, guest, other, there, own }
}

impl Overlap {
    fn put(&self, session: &str, lines: &[Value]) {
        seed::put_roll_call(&self.course, session, lines).expect(200);
    }

    fn close(&self, session: &str) -> crate::support::Reply {
        seed::step_roll_call(&self.course, session, "close", None)
    }
}

#[test]
fn whoever_is_present_elsewhere_meanwhile_is_not_counted_twice() {
    let app = spawn_app();
    let of = overlap(&app, json!({}));
    of.put(&of.there, &[seed::line(&of.other, "present"), seed::line(&of.guest, "present")]);
    of.put(&of.own, &[seed::line(&of.guest, "present")]);
    of.close(&of.there).expect(200);
    let refused = app.unchanged(|| of.close(&of.own).expect(409).problem("attended_elsewhere"));
    assert_eq!(
        refused.body["detail"],
        "1 trainee cannot have been here so long and in session THERE (2020-06-03 09:00+08:00 to 2020-06-03 11:00+08:00) as its roll call \
         was closed: 学员 0001 (90 minutes here and 120 there, while 180 passed); say how long each was here, or reopen that roll call and \
         close it without them"
    );
    let told = of.course.coordinator.get(&format!("/sessions/{}/roll-call/explain", of.own)).expect(200).body["obstacles"].clone();
    let amount = |name: &str, minutes: i64| json!({ "name": name, "minutes": minutes });
    let amounts = [amount("present here", 90), amount("present there", 120), amount("passed while they can have been in either", 180)];
    assert_eq!(
        told,
        json!([{ "code": "attended_elsewhere", "enrollment_id": of.guest.id, "amounts": amounts,
            "detail": "present in session THERE (2020-06-03 09:00+08:00 to 2020-06-03 11:00+08:00) as well" }])
    );
    // Whoever does not see that session is told that there is one.
    let instructor = app.instructor(&of.course.instructor).get(&format!("/sessions/{}/roll-call/explain", of.own)).expect(200);
    let obstacle = json!({ "code": "attended_elsewhere", "detail": "present in another session meanwhile as well",
        "enrollment_id": of.guest.id, "amounts": [amount("present here", 90)] });
    assert_eq!(instructor.body["obstacles"], json!([obstacle]));
    // Three hours passed from nine to twelve, and two of them are counted there.
    of.put(&of.own, &[seed::line_of(&of.guest, "late", 61)]);
    of.close(&of.own).expect(409).problem("attended_elsewhere");
    of.put(&of.own, &[seed::line_of(&of.guest, "late", 60)]);
    of.close(&of.own).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
    app.forge("attendances", "UPDATE attendances SET minutes = 80 WHERE minutes = 60");
    assert_eq!(app.findings_of("presence").len(), 1, "each pair once: {:?}", app.findings());
}

#[test]
fn by_segments_somebody_is_in_each_while_they_say() {
    let app = spawn_app();
    let of = overlap(&app, json!({}));
    let segments = |from: i64, until: i64| {
        let at = |minute: i64| seed::after(&seed::morning(2), minute);
        json!({ "enrollment_id": of.guest.id, "code": "late", "segments": [{ "starts_at": at(from), "ends_at": at(until) }] })
    };
    of.put(&of.own, &[segments(110, 180)]);
    of.close(&of.own).expect(200);
    let other = seed::line(&of.other, "present");
    of.put(&of.there, &[other.clone(), segments(20, 120)]);
    let refused = app.unchanged(|| of.close(&of.there).expect(409).problem("attended_elsewhere"));
    assert!(refused.text_at("/detail").contains("session OWN"), "{}", refused.text);
    of.put(&of.there, &[other, segments(20, 110)]);
    of.close(&of.there).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn what_a_reopened_roll_call_posted_counts_until_it_is_closed_again() {
    let app = spawn_app();
    let morning = seed::morning(2);
    let held = json!({ "starts_at": morning, "ends_at": seed::after(&morning, 60), "difference_reason": "went before" });
    let of = overlap(&app, held);
    let there = |code: &str| of.put(&of.there, &[seed::line(&of.other, "present"), seed::line(&of.guest, code)]);
    there("present");
    of.put(&of.own, &[seed::line(&of.guest, "present")]);
    of.close(&of.there).expect(200);
    seed::step_roll_call(&of.course, &of.there, "reopen", Some("to look again")).expect(200);
    there("absent");
    app.unchanged(|| of.close(&of.own).expect(409).problem("attended_elsewhere"));
    let complete = || of.course.coordinator.post(&format!("/enrollments/{}/complete", of.guest.id), json!({ "reason": "in time" }));
    let refused = app.unchanged(|| complete().expect(409).problem("roll_calls_open"));
    assert!(refused.text_at("/detail").ends_with(": THERE, OWN"), "{}", refused.text);
    of.close(&of.there).expect(200);
    of.close(&of.own).expect(200);
    complete().expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn in_three_sessions_at_once_nobody_is_longer_than_they_lasted() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let sessions = [1, 2, 3].map(|day| {
        let mut body = seed::session_body(&course, &format!("MET-{day}"), &seed::morning(day));
        body["instructor_ids"] = json!([]);
        seed::published_session_as(&course, body)
    });
    for (one, other) in [(0, 1), (0, 2), (1, 2)] {
        let waiver = json!({ "other_session_id": sessions[other], "reason": "in the hall and in the lab by turns" });
        course.coordinator.post(&format!("/sessions/{}/waivers", sessions[one]), waiver).expect(201);
    }
    let line = |minutes: i64| [seed::line_of(&member, "excused", minutes)];
    let close = |session: &str| seed::step_roll_call(&course, session, "close", None);
    let (from, until) = (seed::morning(1), seed::after(&seed::morning(1), 90));
    for session in &sessions {
        let held = json!({ "starts_at": from, "ends_at": until, "difference_reason": "all in one morning" });
        course.coordinator.post(&format!("/sessions/{session}/hold"), held).expect(200);
        seed::put_roll_call(&course, session, &line(45)).expect(200);
    }
    close(&sessions[0]).expect(200);
    close(&sessions[1]).expect(200);
    let refused = app.unchanged(|| close(&sessions[2]).expect(409).problem("attended_elsewhere"));
    assert!(refused.text_at("/detail").contains("(45 minutes here and 90 there, while 90 passed)"), "{}", refused.text);
    assert!(refused.text_at("/detail").contains("session MET-1 (") && refused.text_at("/detail").contains(" and MET-2 ("));
    seed::put_roll_call(&course, &sessions[2], &[seed::line(&member, "excused")]).expect(200);
    close(&sessions[2]).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
    app.forge("attendances", &format!("UPDATE attendances SET minutes = 45 WHERE session_id = {}", app.hex(&sessions[2])));
    assert_eq!(app.findings_of("presence").len(), 1, "{:?}", app.findings());
}

#[test]
fn segments_of_a_session_that_was_shorter_after_all_are_held_against_others_by_what_is_left_of_them() {
    let app = spawn_app();
    let of = overlap(&app, json!({}));
    of.put(&of.there, &[seed::line(&of.other, "present"), seed::line(&of.guest, "present")]);
    of.close(&of.there).expect(200);
    // An hour from eleven to twelve, after the other one.
    let at = |minute: i64| seed::after(&seed::morning(2), minute);
    let segments = json!([{ "starts_at": at(120), "ends_at": at(180) }]);
    of.put(&of.own, &[json!({ "enrollment_id": of.guest.id, "code": "late", "segments": segments })]);
    let shorter = json!({ "ends_at": at(150), "difference_reason": "over at half past eleven" });
    of.course.coordinator.if_match("*").patch(&format!("/sessions/{}/hold", of.own), shorter).expect(200);
    let told = of.course.coordinator.get(&format!("/sessions/{}/roll-call/explain", of.own)).expect(200);
    assert_eq!(told.body["obstacles"], json!([]));
    of.close(&of.own).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn what_a_reopened_roll_call_posted_was_meanwhile_as_it_was_posted() {
    let app = spawn_app();
    let morning = seed::morning(2);
    let held = json!({ "starts_at": morning, "ends_at": seed::after(&morning, 60), "difference_reason": "went before" });
    let of = overlap(&app, held);
    of.put(&of.own, &[seed::line(&of.guest, "present")]);
    of.close(&of.own).expect(200);
    of.put(&of.there, &[seed::line(&of.other, "present"), seed::line_of(&of.guest, "late", 60)]);
    of.close(&of.there).expect(200);
    // From ten to eleven there and from nine to ten here, though it is said by now that there all went at ten to ten.
    seed::step_roll_call(&of.course, &of.there, "reopen", Some("it was over earlier")).expect(200);
    let corrected = json!({ "ends_at": seed::after(&morning, 50), "difference_reason": "over at ten to ten" });
    of.course.coordinator.if_match("*").patch(&format!("/sessions/{}/hold", of.there), corrected).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
    seed::step_roll_call(&of.course, &of.own, "reopen", Some("to look again")).expect(200);
    of.close(&of.own).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
}
