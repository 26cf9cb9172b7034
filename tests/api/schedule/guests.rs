//! What is told of guests when a session changes.

use serde_json::{Value, json};

use crate::support::{App, Reply, seed, seed::Course, seed::Enrolled, spawn_app, statements};

/// Two classes that are taught a common module apart. The guest, of the first class, comes to the session of the second on day 2, to make up
/// that of the own class on day 1; on day 3 the own class has another one.
struct Guests {
    course: Course,
    guest: Enrolled,
    missed: String,
    there: String,
    own: String,
}

fn body(course: &Course, code: &str, start: &str, cohort: &str) -> Value {
    let mut body = seed::session_body(course, code, start);
    (body["module_id"], body["cohort_ids"], body["instructor_ids"]) = (json!(course.program.common_module), json!([cohort]), json!([]));
    body
}

fn published(course: &Course, code: &str, day: u32, cohort: &str) -> String {
    seed::published_session_as(course, body(course, code, &seed::morning(day), cohort))
}

fn at(day: u32) -> Value {
    json!({ "starts_at": seed::morning(day), "ends_at": seed::after(&seed::morning(day), 90), "reason": "the hall is closed" })
}

fn invite(course: &Course, session: &str, guest: &Enrolled, missed: &str) {
    let invitation = json!({ "enrollment_id": guest.id, "missed_session_id": missed });
    course.coordinator.post(&format!("/sessions/{session}/guests"), invitation).expect(201);
}

fn guests(app: &App) -> Guests {
    let course = seed::course(app);
    let guest = seed::enrolled(&course, 2).remove(0);
    seed::enrolled_at(&course, &course.sponsor.plants[0], (&course.program.mechanics, &course.mechanics), 1);
    let missed = published(&course, "MISSED", 1, &course.metallurgy);
    let there = published(&course, "THERE", 2, &course.mechanics);
    let own = published(&course, "OWN", 3, &course.metallurgy);
    invite(&course, &there, &guest, &missed);
    Guests { course, guest, missed, there, own }
}

impl Guests {
    fn check(&self, proposed: Value) -> Vec<Value> {
        let reply = self.course.coordinator.post(&format!("/intakes/{}/sessions/check", self.course.intake), proposed).expect(200);
        assert_eq!(reply.body["fits"], true, "{}", reply.text);
        of_kind(&reply.body["conflicts"], "trainee")
    }

    fn moved(&self, session: &str, day: u32) -> Vec<Value> {
        self.check(json!({ "changes": [{ "id": session, "change": at(day) }] }))
    }

    fn patch(&self, session: &str, change: Value) -> Reply {
        self.course.coordinator.if_match("*").patch(&format!("/sessions/{session}"), change).expect(200)
    }

    fn cancel(&self, session: &str) -> Vec<Value> {
        let reply = self.course.coordinator.post(&format!("/sessions/{session}/cancel"), json!({ "reason": "storm" })).expect(200);
        of_kind(&reply.body["warnings"], "guests")
    }
}

fn of_kind(conflicts: &Value, kind: &str) -> Vec<Value> {
    conflicts.as_array().unwrap().iter().filter(|one| one["kind"] == kind).cloned().collect()
}

/// The codes of both sessions of each conflict, sorted.
fn pairs(conflicts: &[Value]) -> Vec<(&str, &str)> {
    let code = |one: usize, of: &str| conflicts[one][of]["code"].as_str().unwrap_or_default();
    let mut pairs: Vec<(&str, &str)> = (0..conflicts.len()).map(|one| (code(one, "session"), code(one, "other"))).collect();
    pairs.sort_unstable();
    pairs
}

#[test]
fn a_session_that_comes_upon_what_its_guest_owes_or_is_a_guest_of_is_warned_of() {
    let app = spawn_app();
    let of = guests(&app);
    let other_class = seed::cohort(&of.course.coordinator, &of.course.intake, &of.course.program.mechanics, "MEC-2");
    let third = published(&of.course, "THIRD", 5, &other_class);
    invite(&of.course, &third, &of.guest, &of.missed);
    app.unchanged(|| {
        let told = of.moved(&of.there, 3);
        assert_eq!(pairs(&told), [("THERE", "OWN")]);
        assert_eq!((&told[0]["severity"], &told[0]["other"]["id"]), (&json!("warn"), &json!(of.own)));
        assert_eq!((told[0]["subjects"].as_array().unwrap().len(), &told[0]["subjects"][0]["id"]), (1, &json!(of.guest.trainee)));
        assert_eq!(
            told[0]["detail"],
            "session THERE overlaps session OWN (2020-06-04 09:00+08:00 to 2020-06-04 10:30+08:00): both expect 1 of its trainees, 1 as a guest of one"
        );
        assert_eq!(pairs(&of.moved(&of.there, 5)), [("THERE", "THIRD")]);
        assert_eq!(pairs(&of.moved(&third, 2)), [("THIRD", "THERE")]);
        // To make a session up is to be elsewhere than in it.
        assert_eq!(pairs(&of.moved(&of.there, 1)), []);
        assert_eq!(pairs(&of.moved(&of.missed, 2)), []);
        assert_eq!(pairs(&of.moved(&of.there, 8)), []);
        // Two that move together are told once.
        let both = json!({ "changes": [{ "id": of.there, "change": at(8) }, { "id": of.own, "change": at(8) }] });
        assert_eq!(pairs(&of.check(both)), [("THERE", "OWN")]);
        let apart = json!({ "changes": [{ "id": of.there, "change": at(3) }, { "id": of.own, "change": at(8) }] });
        assert_eq!(pairs(&of.check(apart)), []);
    });
    // Of every time the placements tell it, and changing the session.
    let query = "from=2020-06-04&until=2020-06-04&earliest=09:00&latest=10:30&step=60";
    let placed = of.course.coordinator.get(&format!("/sessions/{}/placements?{query}", of.there)).expect(200);
    assert_eq!(pairs(&of_kind(&placed.body["times"][0]["conflicts"], "trainee")), [("THERE", "OWN")]);
    assert_eq!(pairs(&of_kind(&of.patch(&of.there, at(3)).body["warnings"], "trainee")), [("THERE", "OWN")]);
    let moved = json!({ "starts_at": seed::morning(3), "reason": "the hall is closed" });
    let moved = of.course.coordinator.post(&format!("/sessions/{third}/move"), moved).expect(200);
    assert_eq!(pairs(&of_kind(&moved.body["warnings"], "trainee")), [("THIRD", "OWN"), ("THIRD", "THERE")]);
    // Whoever has left comes to nothing any more.
    let left = json!({ "reason": "ill", "effective_at": seed::morning(3) });
    of.course.coordinator.post(&format!("/enrollments/{}/withdraw", of.guest.id), left).expect(200);
    assert_eq!(pairs(&of_kind(&of.patch(&third, json!({ "place": "Hall 2", "reason": "larger" })).body["warnings"], "trainee")), []);
}

#[test]
fn a_session_of_the_guests_own_class_that_comes_upon_the_one_they_attend_is_warned_of() {
    let app = spawn_app();
    let of = guests(&app);
    let (course, start) = (&of.course, seed::after(&seed::morning(2), 60));
    let new = |code: &str| body(course, code, &start, &course.metallurgy);
    app.unchanged(|| {
        let told = of.check(json!({ "sessions": [new("N-1")] }));
        assert_eq!(pairs(&told), [("N-1", "THERE")]);
        assert_eq!((&told[0]["subjects"][0]["id"], told[0]["subjects"].as_array().unwrap().len()), (&json!(of.guest.trainee), 1));
        assert_eq!(pairs(&of.moved(&of.own, 2)), [("OWN", "THERE")]);
        let file = format!("code,module,cohorts,date,start,end\nN-1,COM-01,MET-1,{},9:00,10:30\n", &seed::morning(2)[..10]);
        let path = format!("/intakes/{}/sessions/import?dry_run=true", course.intake);
        let dry = course.coordinator.post_file(&path, "s.csv", file.as_bytes()).expect(200);
        assert_eq!(pairs(&of_kind(&dry.body["rows"][0]["conflicts"], "trainee")), [("N-1", "THERE")], "{}", dry.text);
    });
    let draft = seed::session_as(course, new("N-2"));
    let answered = course.coordinator.post(&format!("/sessions/{draft}/publish"), json!({})).expect(200);
    assert_eq!(pairs(&of_kind(&answered.body["warnings"], "trainee")), [("N-2", "THERE")]);
    course.coordinator.post(&format!("/sessions/{draft}/cancel"), json!({ "reason": "storm" })).expect(200);
    // A recording is watched at any time; who does not come any more is nowhere.
    let mut recorded = new("N-3");
    (recorded["mode"], recorded["length_minutes"]) = (json!("recorded"), json!(45));
    assert_eq!(pairs(&of.check(json!({ "sessions": [recorded] }))), []);
    let dismiss = format!("/sessions/{}/guests/{}/dismiss", of.there, of.guest.id);
    course.coordinator.post(&dismiss, json!({ "reason": "comes another day" })).expect(200);
    assert_eq!(pairs(&of.check(json!({ "sessions": [new("N-4")] }))), []);
}

#[test]
fn a_guest_who_is_enrolled_twice_is_warned_of_in_the_other_intake_too() {
    let app = spawn_app();
    let of = guests(&app);
    let other = seed::course_called(&app, "SECOND", "BAOWU");
    let mut enrollment = seed::enrollment_body(&other, &of.guest.trainee);
    enrollment["unit_id"] = json!(of.course.sponsor.plants[0]);
    other.coordinator.post(&format!("/intakes/{}/enrollments", other.intake), enrollment).expect(201);
    seed::published_session(&other, "S-1", &seed::morning(4));
    assert_eq!(pairs(&of.moved(&of.there, 4)), [("THERE", "S-1")]);
    let new = json!({ "sessions": [seed::session_body(&other, "S-2", &seed::morning(2))] });
    let told = other.coordinator.post(&format!("/intakes/{}/sessions/check", other.intake), new).expect(200);
    assert_eq!(pairs(&of_kind(&told.body["conflicts"], "trainee")), [("S-2", "THERE")]);
}

#[test]
fn a_guest_on_shift_is_warned_of() {
    let app = spawn_app();
    let of = guests(&app);
    of.course.coordinator.if_match("*").patch(&format!("/enrollments/{}", of.guest.id), json!({ "crew": "甲" })).expect(200);
    let rota = json!({ "kind": "shifts", "code": "ROTA", "name": "四班三倒", "time_zone": "Asia/Shanghai",
        "organization_id": of.course.sponsor.id });
    let rota = app.coordinator().post("/calendars", rota).expect(201).id();
    let file = format!("crew,date,start,end,shift\n甲,{},08:00,16:00,早班\n", &seed::morning(6)[..10]);
    app.coordinator().post_file(&format!("/calendars/{rota}/shifts/import"), "rota.csv", file.as_bytes()).expect(200);
    let moved = of.patch(&of.there, at(6));
    let told = of_kind(&moved.body["warnings"], "on_shift");
    assert_eq!((told.len(), &told[0]["subjects"][0]["id"]), (1, &json!(of.guest.trainee)), "{}", moved.text);
    assert_eq!(told[0]["detail"], "session THERE is during a shift of 1 of its trainees: crew 甲 (早班)");
}

#[test]
fn cancelling_a_session_tells_of_its_guests_and_of_those_who_make_it_up() {
    let app = spawn_app();
    let of = guests(&app);
    let told = of.cancel(&of.missed);
    assert_eq!(pairs(&told), [("MISSED", "THERE")]);
    assert_eq!((&told[0]["severity"], &told[0]["subjects"][0]["id"]), (&json!("warn"), &json!(of.guest.trainee)));
    assert_eq!(
        told[0]["detail"],
        "session MISSED was to be made up by 1 guest of session THERE (2020-06-03 09:00+08:00 to 2020-06-03 10:30+08:00); take them out"
    );
    let told = of.cancel(&of.there);
    assert_eq!(pairs(&told), [("THERE", "")]);
    assert_eq!(told[0]["subjects"][0]["id"], json!(of.guest.trainee));
    assert_eq!(of.cancel(&of.own), Vec::<Value>::new());
}

#[test]
fn nobody_makes_up_what_is_cancelled_in_what_is_cancelled_too() {
    let app = spawn_app();
    let of = guests(&app);
    of.cancel(&of.there);
    assert_eq!(of.cancel(&of.missed), Vec::<Value>::new());
}

#[test]
fn a_guest_who_comes_to_owe_the_session_is_told() {
    let app = spawn_app();
    let of = guests(&app);
    let cohorts = json!({ "cohort_ids": [of.course.mechanics, of.course.metallurgy], "reason": "taught together" });
    let told = of_kind(&of.patch(&of.there, cohorts).body["warnings"], "guests");
    assert_eq!((told.len(), &told[0]["subjects"][0]["id"]), (1, &json!(of.guest.trainee)));
    assert_eq!(told[0]["detail"], "session THERE is owed by 1 trainee who came as a guest; what they attend makes up nothing");
}

#[test]
fn guests_cost_a_check_no_more_statements_however_many_they_are() {
    let app = spawn_app();
    let of = guests(&app);
    let cost = || {
        let moved = json!({ "changes": [{ "id": of.there, "change": at(3) }] });
        statements::count(|| drop(of.check(moved.clone()))).1
    };
    let one = cost();
    for guest in seed::enrolled(&of.course, 12) {
        invite(&of.course, &of.there, &guest, &of.missed);
    }
    assert_eq!(of.moved(&of.there, 3)[0]["subjects"].as_array().unwrap().len(), 13);
    assert_eq!(cost(), one);
}
