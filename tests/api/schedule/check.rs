use serde_json::{Value, json};

use muster::access::Role;

use crate::support::{
    App, Client, Reply, TokenOptions, seed,
    seed::{Course, Enrolled},
    spawn_app,
};

pub(super) fn check(course: &Course, body: Value) -> Reply {
    course.coordinator.post(&format!("/intakes/{}/sessions/check", course.intake), body)
}

/// Kind, severity and pointer of each conflict.
pub(super) fn told(reply: &Reply) -> Vec<(String, String, String)> {
    let text = |conflict: &Value, at: &str| conflict.pointer(at).unwrap().as_str().unwrap().to_owned();
    let conflicts = reply.body["conflicts"].as_array().unwrap();
    conflicts.iter().map(|one| (text(one, "/kind"), text(one, "/severity"), text(one, "/session/pointer"))).collect()
}

fn blocks(kind: &str, pointer: &str) -> (String, String, String) {
    (kind.to_owned(), "block".to_owned(), pointer.to_owned())
}

pub(super) fn column<'a>(conflicts: &'a Value, field: &str) -> Vec<&'a Value> {
    conflicts.as_array().unwrap().iter().map(|one| &one[field]).collect()
}

/// On the other cohort, by nobody.
pub(super) fn elsewhere(course: &Course, code: &str, starts_at: &str) -> Value {
    let mut body = seed::session_body(course, code, starts_at);
    body["cohort_ids"] = json!([course.mechanics]);
    body["module_id"] = json!(course.program.mechanics_module);
    body["instructor_ids"] = json!([]);
    body
}

#[test]
fn what_is_in_the_way_is_told_and_nothing_is_stored() {
    let app = spawn_app();
    let course = seed::course(&app);
    let start = seed::morning(1);
    let standing = seed::published_session(&course, "P-1", &start);
    app.unchanged(|| {
        let reply = check(&course, json!({ "sessions": [seed::session_body(&course, "N-1", &seed::after(&start, 89))] })).expect(200);
        assert_eq!(reply.body["fits"], false);
        assert_eq!(told(&reply), [blocks("cohort", "/sessions/0"), blocks("instructor", "/sessions/0")]);
        for (conflict, subject) in [(0, &course.metallurgy), (1, &course.instructor)] {
            let conflict = &reply.body["conflicts"][conflict];
            assert_eq!(conflict["subjects"][0]["id"], json!(subject));
            assert_eq!(conflict["other"]["id"], json!(standing));
            assert_eq!(conflict["other"]["code"], "P-1");
            assert_eq!(conflict["other"]["starts_at"], json!(start));
            let in_the_way = "session N-1 overlaps session P-1 (2020-06-02 09:00+08:00 to 2020-06-02 10:30+08:00)";
            assert!(conflict["detail"].as_str().unwrap().starts_with(in_the_way), "{conflict}");
        }
        // Half-open: what touches does not overlap, and whoever is elsewhere is not in the way.
        let fits = json!({ "sessions": [seed::session_body(&course, "N-1", &seed::after(&start, 90)), elsewhere(&course, "N-2", &start)] });
        let reply = check(&course, fits).expect(200);
        assert_eq!((&reply.body["fits"], told(&reply)), (&json!(true), vec![]));
        let mut recorded = seed::session_body(&course, "N-1", &start);
        recorded["mode"] = json!("recorded");
        recorded["length_minutes"] = json!(45);
        assert_eq!(check(&course, json!({ "sessions": [recorded] })).expect(200).body["fits"], true);
    });
}

#[test]
fn proposed_sessions_are_looked_at_together_and_as_they_are_to_be() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (one, two) = (seed::morning(1), seed::morning(2));
    let standing = seed::published_session(&course, "P-1", &one);
    let draft = seed::session(&course, "P-2", &two);
    app.unchanged(|| {
        let at = |start: &str| json!({ "starts_at": start, "ends_at": seed::after(start, 90) });
        // Neither is in its own way, and they may exchange their times.
        let exchanged = json!({ "changes": [{ "id": standing, "change": at(&two) }, { "id": draft, "change": at(&one) }] });
        assert_eq!(check(&course, exchanged).expect(200).body["fits"], true);
        assert_eq!(check(&course, json!({ "changes": [{ "id": draft }] })).expect(200).body["fits"], true);
        let both = json!({ "changes": [{ "id": draft, "change": at(&one) }], "sessions": [seed::session_body(&course, "N-1", &two)] });
        let reply = check(&course, both).expect(200);
        assert_eq!(told(&reply), [blocks("cohort", "/changes/0"), blocks("instructor", "/changes/0")]);
        let clash = json!({ "changes": [{ "id": draft }], "sessions": [seed::session_body(&course, "N-1", &two)] });
        let reply = check(&course, clash).expect(200);
        assert_eq!(told(&reply).len(), 2, "{}", reply.body);
        let conflict = &reply.body["conflicts"][0];
        let mut pointers = [conflict["session"]["pointer"].as_str().unwrap(), conflict["other"]["pointer"].as_str().unwrap()];
        pointers.sort_unstable();
        assert_eq!(pointers, ["/changes/0", "/sessions/0"]);
    });
}

#[test]
fn a_waived_conflict_is_told_with_its_author_and_does_not_block() {
    let app = spawn_app();
    let course = seed::course(&app);
    let first = seed::published_session(&course, "P-1", &seed::morning(1));
    let second = seed::session(&course, "P-2", &seed::morning(1));
    let waiver = json!({ "other_session_id": first, "reason": "one laboratory" });
    course.coordinator.post(&format!("/sessions/{second}/waivers"), waiver).expect(201);
    let reply = check(&course, json!({ "changes": [{ "id": second }] })).expect(200);
    assert_eq!(reply.body["fits"], true);
    let conflict = &reply.body["conflicts"][0];
    assert_eq!(conflict["severity"], "warn");
    assert_eq!(conflict["waiver"]["reason"], "one laboratory");
    assert!(conflict["waiver"]["granted_by"].is_string(), "{conflict}");
    // Publishing tells the same, but for where it was proposed.
    let path = format!("/intakes/{}/sessions/publish", course.intake);
    let published = course.coordinator.post(&path, json!({ "session_ids": [second] })).expect(200);
    let mut expected = reply.body["conflicts"].clone();
    for conflict in expected.as_array_mut().unwrap() {
        conflict["session"]["pointer"].take();
    }
    assert_eq!(published.body["warnings"], expected);
    // A third is in the way of both, waiver or not.
    let third = json!({ "sessions": [seed::session_body(&course, "N-1", &seed::morning(1))] });
    assert_eq!(check(&course, third).expect(200).body["fits"], false);
}

#[test]
fn two_stored_sessions_that_the_caller_sees_can_be_waived_once() {
    let app = spawn_app();
    let (course, next) = (seed::course(&app), seed::course_called(&app, "NEXT", "HBIS"));
    let standing = seed::published_session(&course, "P-1", &seed::morning(1));
    let draft = seed::session(&course, "P-2", &seed::morning(1));
    let mut hidden = seed::session_body(&next, "SECRET", &seed::morning(3));
    hidden["instructor_ids"] = json!([course.instructor]);
    seed::published_session_as(&next, hidden);
    let can_be_waived = |client: &Client, body: Value| -> Vec<bool> {
        let reply = client.post(&format!("/intakes/{}/sessions/check", course.intake), body).expect(200);
        reply.body["conflicts"].as_array().unwrap().iter().map(|one| one["can_be_waived"].as_bool().unwrap()).collect()
    };
    let new = |day: u32| seed::session_body(&course, "N-1", &seed::morning(day));
    let moved = |day: u32| {
        let change = json!({ "starts_at": seed::morning(day), "ends_at": seed::after(&seed::morning(day), 90) });
        json!([{ "id": draft, "change": change }])
    };
    assert_eq!(can_be_waived(&course.coordinator, json!({ "changes": moved(1) })), [true, true]);
    // This one is not stored, and what it has in common with the draft blocks nothing.
    assert_eq!(can_be_waived(&course.coordinator, json!({ "sessions": [new(1)] })), [false; 4]);
    // One of the two is not, whichever comes first.
    assert_eq!(can_be_waived(&course.coordinator, json!({ "sessions": [new(2)], "changes": moved(2) })), [false, false]);
    // Who does not see the other one cannot name it.
    let options = TokenOptions { intake: Some(course.intake.clone()), ..TokenOptions::default() };
    let narrowed = app.client_for(Role::Coordinator, Some(&app.provider().id), None, options);
    assert_eq!(can_be_waived(&course.coordinator, json!({ "changes": moved(3) })), [true]);
    assert_eq!(can_be_waived(&narrowed, json!({ "changes": moved(3) })), [false]);
    let waiver = json!({ "other_session_id": standing, "reason": "one laboratory" });
    course.coordinator.post(&format!("/sessions/{draft}/waivers"), waiver).expect(201);
    assert_eq!(can_be_waived(&course.coordinator, json!({ "changes": moved(1) })), [false, false]);
}

#[test]
fn what_is_refused_is_told_as_the_check_of_the_same_tells_it() {
    let app = spawn_app();
    let course = seed::short_course(&app, 180);
    seed::published_session(&course, "P-1", &seed::morning(1));
    let new = |code: &str, starts_at: &str| seed::session_body(&course, code, starts_at);
    let (late, next) = (seed::after(&seed::morning(1), 60), seed::morning(2));
    let sessions = json!([new("N-1", &late), new("N-2", &next), new("N-3", &next)]);
    let checked = check(&course, json!({ "sessions": sessions })).expect(200);
    let kinds = ["cohort", "instructor", "plan_exceeded"];
    assert!(kinds.iter().all(|kind| told(&checked).iter().any(|(told, ..)| told == kind)), "{}", checked.text);
    let path = format!("/intakes/{}/sessions/bulk", course.intake);
    let bulk = json!({ "sessions": sessions, "publish": true });
    let refused = app.unchanged(|| course.coordinator.post(&path, bulk)).expect(409).problem("session_conflict");
    assert_eq!(refused.body["conflicts"], checked.body["conflicts"]);
}

#[test]
fn the_plan_and_the_days_of_the_intake_are_part_of_the_answer() {
    let app = spawn_app();
    let course = seed::short_course(&app, 180);
    let standing = seed::published_session(&course, "P-1", &seed::morning(1));
    let new = |code: &str, day: u32| seed::session_body(&course, code, &seed::morning(day));
    app.unchanged(|| {
        let reply = check(&course, json!({ "sessions": [new("N-1", 2), new("N-2", 3)] })).expect(200);
        assert_eq!(told(&reply), [blocks("plan_exceeded", "/sessions/1")]);
        let detail = reply.text_at("/conflicts/0/detail");
        assert!(detail.starts_with("with session N-2 cohort MET-1 has 270 of 180"), "{detail}");
        assert_eq!(reply.body["conflicts"][0]["can_be_waived"], false);
        // What moves takes what it takes once.
        let moved = json!({ "changes": [{ "id": standing, "change": { "break_minutes": 10 } }], "sessions": [new("N-1", 2)] });
        assert_eq!(check(&course, moved).expect(200).body["fits"], true);
        let reply = check(&course, json!({ "sessions": [new("N-1", 500)] })).expect(200);
        assert_eq!(told(&reply), [blocks("outside_intake", "/sessions/0")]);
    });
}

/// Two courses of one house, and a trainee who is in a cohort of each; the id is that of the second enrollment.
fn twice_enrolled(app: &App) -> (Course, Course, Enrolled) {
    let (course, other) = (seed::course(app), seed::course_called(app, "SECOND", "BAOWU"));
    let trainee = seed::enrolled(&course, 1).remove(0).trainee;
    let mut enrollment = seed::enrollment_body(&other, &trainee);
    enrollment["unit_id"] = json!(course.sponsor.plants[0]);
    let id = other.coordinator.post(&format!("/intakes/{}/enrollments", other.intake), enrollment).expect(201).id();
    (course, other, Enrolled { id, trainee })
}

#[test]
fn a_trainee_expected_in_two_sessions_is_warned_of() {
    let app = spawn_app();
    let (course, other, second) = twice_enrolled(&app);
    let standing = seed::published_session(&other, "S-1", &seed::morning(1));
    let proposed = json!({ "sessions": [seed::session_body(&course, "N-1", &seed::after(&seed::morning(1), 60))] });
    app.unchanged(|| {
        let reply = check(&course, proposed.clone()).expect(200);
        assert_eq!(reply.body["fits"], true);
        assert_eq!(told(&reply), [("trainee".to_owned(), "warn".to_owned(), "/sessions/0".to_owned())]);
        let conflict = &reply.body["conflicts"][0];
        assert_eq!((&conflict["subjects"][0]["id"], &conflict["other"]["id"]), (&json!(second.trainee), &json!(standing)));
        let there = "session N-1 overlaps session S-1 (2020-06-02 09:00+08:00 to 2020-06-02 10:30+08:00): both expect 1 of its trainees";
        assert!(conflict["detail"].as_str().unwrap().starts_with(there), "{conflict}");
        let later = json!({ "sessions": [seed::session_body(&course, "N-1", &seed::after(&seed::morning(1), 90))] });
        assert_eq!(told(&check(&course, later).expect(200)), []);
    });
    // Who has left is expected in one only.
    let left = json!({ "reason": "ill", "effective_at": seed::morning(0) });
    other.coordinator.post(&format!("/enrollments/{}/withdraw", second.id), left).expect(200);
    assert_eq!(told(&check(&course, proposed).expect(200)).len(), 0);
}

#[test]
fn what_is_published_at_once_is_warned_of_and_so_is_a_draft() {
    let app = spawn_app();
    let (course, other, second) = twice_enrolled(&app);
    seed::published_session(&other, "S-1", &seed::morning(1));
    let bulk = |code: &str, publish: bool| {
        let body = json!({ "sessions": [seed::session_body(&course, code, &seed::morning(1))], "publish": publish });
        course.coordinator.post(&format!("/intakes/{}/sessions/bulk", course.intake), body).expect(201).body["warnings"].clone()
    };
    for (code, publish) in [("N-1", false), ("N-2", true)] {
        let warnings = bulk(code, publish);
        let of_trainee = warnings.as_array().unwrap().iter().find(|one| one["kind"] == "trainee").unwrap();
        assert_eq!((&of_trainee["severity"], &of_trainee["subjects"][0]["id"]), (&json!("warn"), &json!(second.trainee)), "{warnings}");
    }
}

#[test]
fn english_sentences_have_the_latin_name_of_whoever_has_one() {
    let app = spawn_app();
    let course = seed::course(&app);
    seed::published_session(&course, "P-1", &seed::morning(1));
    let path = format!("/instructors/{}", course.instructor);
    course.coordinator.if_match("*").patch(&path, json!({ "latin_name": "Ouyang Xu" })).expect(200);
    let profile = json!({ "time_zone": "Asia/Shanghai", "daily_minutes": 1, "weekly_minutes": null, "disciplines": [], "hours": [],
        "exceptions": [] });
    course.coordinator.put(&format!("{path}/profile"), profile).expect(200);
    let reply = check(&course, json!({ "sessions": [seed::session_body(&course, "N-1", &seed::morning(1))] })).expect(200);
    for kind in ["instructor", "daily_cap"] {
        let conflict = reply.body["conflicts"].as_array().unwrap().iter().find(|one| one["kind"] == kind).unwrap();
        assert!(conflict["detail"].as_str().unwrap().contains("Ouyang Xu"), "{conflict}");
        assert_eq!(conflict["subjects"][0]["latin_name"], "Ouyang Xu");
    }
}

#[test]
fn what_is_published_and_changes_to_a_time_that_is_over_is_warned_of() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (draft, published) = (seed::session(&course, "D-1", &seed::morning(1)), seed::published_session(&course, "P-1", &seed::morning(2)));
    let change = json!({ "starts_at": seed::morning(3), "ends_at": seed::after(&seed::morning(3), 90), "reason": "as it was" });
    let both = json!({ "changes": [{ "id": draft }, { "id": published, "change": change }] });
    let expected = vec![("in_the_past".to_owned(), "warn".to_owned(), "/changes/1".to_owned())];
    assert_eq!(told(&check(&course, both).expect(200)), expected);
    // Neither what nobody changes, nor what keeps its time.
    for unmoved in [json!({ "id": published }), json!({ "id": published, "change": { "place": "Hall 3", "reason": "x" } })] {
        assert_eq!(told(&check(&course, json!({ "changes": [unmoved] })).expect(200)), []);
    }
    // Nor a draft, and what nobody was told another time of.
    assert_eq!(told(&check(&course, json!({ "changes": [{ "id": draft, "change": change }] })).expect(200)), []);
    let draft = course.coordinator.post(&format!("/sessions/{draft}/publish"), json!({})).expect(200);
    assert_eq!(draft.body["warnings"], json!([]));
    let moved = course.coordinator.if_match("*").patch(&format!("/sessions/{published}"), change).expect(200);
    assert_eq!(moved.body["warnings"][0]["kind"], "in_the_past");
    let detail = moved.text_at("/warnings/0/detail");
    assert!(detail.starts_with("session P-1 is published and was over at 2020-06-04 10:30+08:00"), "{detail}");
    // What is to come is not.
    let next = seed::course_called(&app, "NEXT", "HBIS");
    next.coordinator.if_match("*").patch(&format!("/intakes/{}", next.intake), json!({ "closes_on": "2150-12-31" })).expect(200);
    let (begin, there) = ("2150-06-01T01:00:00Z", "2150-06-02T01:00:00Z");
    let published = seed::published_session(&next, "P-1", begin);
    let moved = next.coordinator.post(&format!("/sessions/{published}/move"), json!({ "starts_at": there, "reason": "x" })).expect(200);
    assert_eq!(moved.body["warnings"], json!([]));
}

#[test]
fn a_code_that_is_taken_is_told_as_creating_tells_it() {
    let app = spawn_app();
    let course = seed::course(&app);
    let draft = seed::session(&course, "D-1", &seed::morning(1));
    seed::session(&course, "D-2", &seed::morning(2));
    app.unchanged(|| {
        let new = |code: &str| seed::session_body(&course, code, &seed::morning(3));
        let created = course.coordinator.post(&format!("/intakes/{}/sessions", course.intake), new("D-1")).expect(409);
        let created = created.problem("already_exists").text_at("/detail");
        let refused = |body: Value| check(&course, body).expect(409).problem("already_exists").text_at("/detail");
        assert_eq!(refused(json!({ "sessions": [new("D-1")] })), created);
        refused(json!({ "sessions": [new("N-1"), new("N-1")] }));
        refused(json!({ "changes": [{ "id": draft, "change": { "code": "D-2" } }] }));
        check(&course, json!({ "changes": [{ "id": draft, "change": { "code": "D-1" } }] })).expect(200);
    });
}

#[test]
fn a_move_out_of_the_intake_is_refused_as_its_check_tells_it() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (draft, published) = (seed::session(&course, "D-1", &seed::morning(1)), seed::published_session(&course, "P-1", &seed::morning(2)));
    app.unchanged(|| {
        for id in [draft, published] {
            let change = json!({ "starts_at": "2020-11-01T01:00:00Z", "ends_at": "2020-11-01T02:30:00Z", "reason": "x" });
            let mut expected = check(&course, json!({ "changes": [{ "id": id, "change": change }] })).expect(200).body["conflicts"].clone();
            expected[0]["session"]["pointer"].take();
            // What keeps nobody from it is no part of a refusal.
            expected.as_array_mut().unwrap().retain(|one| one["severity"] == "block");
            let patched = course.coordinator.if_match("*").patch(&format!("/sessions/{id}"), change).expect(409);
            assert_eq!(patched.problem("outside_intake").body["conflicts"], expected);
            let there = json!({ "starts_at": "2020-11-01T01:00:00Z", "reason": "x" });
            let moved = course.coordinator.post(&format!("/sessions/{id}/move"), there).expect(409).problem("outside_intake");
            assert_eq!(moved.body["conflicts"], expected);
        }
    });
}

#[test]
fn only_what_may_change_can_be_proposed() {
    let app = spawn_app();
    let course = seed::course(&app);
    let other = seed::course_called(&app, "SECOND", "BAOWU");
    let held = seed::held_session(&course, "P-1", &seed::morning(1));
    let (draft, theirs) = (seed::session(&course, "P-2", &seed::morning(2)), seed::session(&other, "P-2", &seed::morning(2)));
    app.unchanged(|| {
        check(&course, json!({})).fault("", "nothing_proposed");
        check(&course, json!({ "changes": [{ "id": held }] })).expect(409).problem("session_closed");
        check(&course, json!({ "changes": [{ "id": theirs }] })).expect(404);
        check(&course, json!({ "changes": [{ "id": app.absent_id() }] })).expect(404);
        check(&course, json!({ "changes": [{ "id": draft }, { "id": draft }] })).fault("/changes/1/id", "duplicate");
        check(&course, json!({ "changes": [{ "id": draft, "change": { "break_minutes": -1 } }] }))
            .fault("/changes/0/break_minutes", "out_of_range");
        check(&course, json!({ "sessions": [{ "code": "N-1" }] })).fault("/sessions/0/module_id", "missing_field");
        let mut stranger = seed::session_body(&course, "N-1", &seed::morning(3));
        stranger["instructor_ids"] = json!([app.absent_id()]);
        check(&course, json!({ "sessions": [stranger] })).expect(404);
    });
}

#[test]
fn a_thousand_sessions_at_one_time_are_answered_in_bounds() {
    let app = spawn_app();
    let course = seed::course(&app);
    let instructors: Vec<String> = (0..10).map(|index| seed::instructor(&app, &course.coordinator, &format!("I-{index}"))).collect();
    let alike = |index: usize| {
        let mut body = seed::session_body(&course, &format!("N-{index}"), &seed::morning(1));
        body["instructor_ids"] = json!(instructors);
        body
    };
    let sessions: Vec<_> = (0..1000).map(alike).collect();
    let conflicts = |reply: &Reply| reply.body["conflicts"].as_array().unwrap().len();
    // Of millions of pairs the first are told, and that there are more.
    let reply = check(&course, json!({ "sessions": sessions })).expect(200);
    assert_eq!((conflicts(&reply), &reply.body["fits"], &reply.body["truncated"]), (1000, &json!(false), &json!(true)));
    let two = check(&course, json!({ "sessions": sessions[..2] })).expect(200);
    assert_eq!((conflicts(&two), &two.body["truncated"]), (11, &json!(false)));
    let path = format!("/intakes/{}/sessions/bulk", course.intake);
    let publish = |sessions: &[Value]| app.unchanged(|| course.coordinator.post(&path, json!({ "sessions": sessions, "publish": true })));
    let refused = publish(&sessions).expect(409).problem("session_conflict");
    assert_eq!((conflicts(&refused), &refused.body["truncated"]), (100, &json!(true)));
    assert!(refused.text_at("/detail").ends_with("; and more than 95 others"), "{}", refused.text);
    let refused = publish(&sessions[..2]).expect(409).problem("session_conflict");
    assert_eq!((conflicts(&refused), refused.body.get("truncated")), (11, None));
    assert!(refused.text_at("/detail").ends_with("; and 6 more"), "{}", refused.text);
}
