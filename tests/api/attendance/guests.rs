mod sums;

use serde_json::{Value, json};

use super::{entries, ledger, path, reason};
use crate::support::{App, Reply, seed, seed::Course, seed::Enrolled, spawn_app};

/// Two classes that are taught a common module apart: the first class of two missed (or is to miss) its session, the second of one
/// holds its own on the next day. Both are held, neither is called.
struct Classes {
    course: Course,
    first: Vec<Enrolled>,
    second: Vec<Enrolled>,
    missed: String,
    other: String,
}

pub(super) fn common(course: &Course, code: &str, day: u32, cohort: &str) -> String {
    let mut body = seed::session_body(course, code, &seed::morning(day));
    body["module_id"] = json!(course.program.common_module);
    body["cohort_ids"] = json!([cohort]);
    seed::held_session_as(course, body)
}

fn classes(app: &App) -> Classes {
    let course = seed::course(app);
    let first = seed::enrolled(&course, 2);
    let second = seed::enrolled_at(&course, &course.sponsor.plants[0], (&course.program.mechanics, &course.mechanics), 1);
    let missed = common(&course, "COM-MET", 1, &course.metallurgy);
    let other = common(&course, "COM-MEC", 2, &course.mechanics);
    Classes { course, first, second, missed, other }
}

impl Classes {
    fn invite(&self, guest: &Enrolled) -> Reply {
        self.invite_to(&self.other, guest, &self.missed)
    }

    fn invite_to(&self, session: &str, guest: &Enrolled, missed: &str) -> Reply {
        let body = json!({ "enrollment_id": guest.id, "missed_session_id": missed, "note": "on shift" });
        self.course.coordinator.post(&format!("/sessions/{session}/guests"), body)
    }

    fn dismiss(&self, guest: &Enrolled) -> Reply {
        self.course.coordinator.post(&format!("/sessions/{}/guests/{}/dismiss", self.other, guest.id), reason("came to the own session"))
    }

    /// Closes the first class's session: the first member with this line, the second present.
    fn close_missed(&self, line: Value) {
        seed::put_roll_call(&self.course, &self.missed, &[line, seed::line(&self.first[1], "present")]).expect(200);
        seed::step_roll_call(&self.course, &self.missed, "close", None).expect(200);
    }

    /// Closes the second class's session: its member present, and these guests.
    fn close_other(&self, guests: &[Value]) {
        let lines: Vec<Value> = std::iter::once(seed::line(&self.second[0], "present")).chain(guests.iter().cloned()).collect();
        seed::put_roll_call(&self.course, &self.other, &lines).expect(200);
        seed::step_roll_call(&self.course, &self.other, "close", None).expect(200);
    }

    fn reopen(&self, session: &str) {
        seed::step_roll_call(&self.course, session, "reopen", Some("a late note")).expect(200);
    }

    fn made_up(&self) -> i64 {
        let hours = self.course.coordinator.get(&format!("/enrollments/{}/hours", self.first[0].id)).expect(200).body;
        hours["balance"]["make_up_minutes"].as_i64().unwrap()
    }
}

#[test]
fn a_guest_makes_up_what_they_missed() {
    let app = spawn_app();
    let of = classes(&app);
    let guest = &of.first[0];
    of.close_missed(seed::line_of(guest, "late", 30));
    let invited = of.invite(guest).expect(201);
    let entry = invited.body["entries"].as_array().unwrap().iter().find(|entry| entry["enrollment_id"] == guest.id.as_str()).unwrap();
    assert_eq!(entry["makes_up"], json!({ "id": of.missed, "code": "COM-MET", "note": "on shift" }));
    // The guest is called with the class, and nobody closes it without.
    seed::put_roll_call(&of.course, &of.other, &[seed::line(&of.second[0], "present")]).expect(200);
    seed::step_roll_call(&of.course, &of.other, "close", None).expect(409).problem("roll_call_incomplete");
    of.close_other(&[seed::line(guest, "present")]);
    // 90 minutes were attended; 60 had been missed.
    assert_eq!(ledger(&of.course.coordinator, guest), entries(&[("attended", 30), ("unauthorized_absence", 60), ("make_up", 60)]));
    let hours = of.course.coordinator.get(&format!("/enrollments/{}/hours", guest.id)).expect(200);
    let made_up = &hours.items()[2];
    assert_eq!((&made_up["session_id"], &made_up["made_up_in_id"]), (&json!(of.missed), &json!(of.other)));
    let why = of.course.coordinator.get(&format!("/hour-entries/{}/explain", made_up["id"].as_str().unwrap())).expect(200).body;
    let amounts = [
        ("attended as a guest", 90),
        ("missed of the session that is made up", 60),
        ("of the session that is made up credited otherwise", 0),
        ("missed of the module", 60),
        ("of the module credited otherwise", 0),
    ];
    assert_eq!(why["amounts"], json!(amounts.map(|(name, minutes)| json!({ "name": name, "minutes": minutes }))));
    assert_eq!((&why["session"]["code"], &why["made_up_in"]["code"]), (&json!("COM-MET"), &json!("COM-MEC")));
    assert_eq!(why["closing_of"]["code"], "COM-MEC");
    assert_eq!((&why["attendance"]["code"], &why["closed_by_system"]), (&json!("present"), &json!(false)));
    let progress = of.course.coordinator.get(&format!("/enrollments/{}/progress", guest.id)).expect(200).body;
    assert_eq!((&progress["expected_minutes"], &progress["present_minutes"]), (&json!(90), &json!(90)));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn what_was_made_up_before_the_miss_is_known_counts_once_it_is() {
    let app = spawn_app();
    let of = classes(&app);
    of.invite(&of.first[0]).expect(201);
    of.close_other(&[seed::line_of(&of.first[0], "left_early", 45)]);
    assert_eq!(of.made_up(), 0);
    of.close_missed(seed::line(&of.first[0], "absent"));
    assert_eq!(of.made_up(), 45);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_correction_of_either_roll_call_corrects_what_was_made_up() {
    let app = spawn_app();
    let of = classes(&app);
    let guest = &of.first[0];
    of.close_missed(seed::line(guest, "absent"));
    of.invite(guest).expect(201);
    of.close_other(&[seed::line(guest, "present")]);
    assert_eq!(of.made_up(), 90);
    // They had been there for 70 minutes after all.
    of.reopen(&of.missed);
    of.close_missed(seed::line_of(guest, "late", 70));
    assert_eq!(of.made_up(), 20);
    // What is reopened stands until it is closed again, whatever else is closed meanwhile.
    of.reopen(&of.other);
    of.dismiss(guest).expect(200);
    of.reopen(&of.missed);
    of.close_missed(seed::line_of(guest, "late", 60));
    assert_eq!(of.made_up(), 20);
    // But never above what was missed.
    of.reopen(&of.missed);
    of.close_missed(seed::line_of(guest, "late", 80));
    assert_eq!(of.made_up(), 10);
    assert_eq!(app.findings(), Vec::<String>::new());
    of.close_other(&[]);
    assert_eq!(of.made_up(), 0);
    // Missing nothing, there is nothing to make up.
    of.reopen(&of.other);
    of.invite(guest).expect(201);
    of.close_other(&[seed::line(guest, "present")]);
    assert_eq!(of.made_up(), 10);
    of.reopen(&of.missed);
    of.close_missed(seed::line(guest, "present"));
    assert_eq!(of.made_up(), 0);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_miss_is_made_up_once_however_often_it_is_tried() {
    let app = spawn_app();
    let of = classes(&app);
    let guest = &of.first[0];
    of.close_missed(seed::line_of(guest, "late", 30));
    let third = common(&of.course, "COM-MEC-2", 3, &of.course.mechanics);
    of.invite(guest).expect(201);
    of.invite_to(&third, guest, &of.missed).expect(201);
    // Closed in the other order than they were held.
    seed::put_roll_call(&of.course, &third, &[seed::line(&of.second[0], "present"), seed::line(guest, "present")]).expect(200);
    seed::step_roll_call(&of.course, &third, "close", None).expect(200);
    assert_eq!(of.made_up(), 60);
    of.close_other(&[seed::line_of(guest, "late", 50)]);
    assert_eq!(of.made_up(), 60);
    let hours = of.course.coordinator.get(&format!("/enrollments/{}/hours", guest.id)).expect(200);
    let in_session = |session: &str| -> i64 {
        hours.items().iter().filter(|entry| entry["made_up_in_id"] == session).map(|entry| entry["minutes"].as_i64().unwrap()).sum()
    };
    // What was held first counts first.
    assert_eq!((in_session(&of.other), in_session(&third)), (50, 10));
    // An adjustment has its share of what was missed, and no more is left to be adjusted.
    let adjust = json!({ "session_id": of.missed, "minutes": 1, "reason": "by order" });
    of.course.coordinator.post(&format!("/enrollments/{}/hours", guest.id), adjust).expect(409).problem("hours_out_of_bounds");
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn only_a_closing_takes_back_what_it_made_up() {
    let app = spawn_app();
    let of = classes(&app);
    let guest = &of.first[0];
    of.close_missed(seed::line(guest, "absent"));
    of.invite(guest).expect(201);
    of.close_other(&[seed::line(guest, "present")]);
    let hours = of.course.coordinator.get(&format!("/enrollments/{}/hours", guest.id)).expect(200);
    let entry = hours.items().iter().find(|entry| entry["kind"] == "make_up").unwrap()["id"].as_str().unwrap().to_owned();
    app.unchanged(|| {
        of.course.coordinator.post(&format!("/hour-entries/{entry}/reverse"), reason("no")).expect(409).problem("posted_by_a_closing");
        of.dismiss(guest).expect(409).problem("roll_call_closed");
        of.invite(&of.first[1]).expect(409).problem("roll_call_closed");
    });
}

#[test]
fn who_can_be_a_guest_and_what_they_can_make_up() {
    let app = spawn_app();
    let of = classes(&app);
    let (guest, own) = (&of.first[0], seed::held_session(&of.course, "MET-01", &seed::morning(4)));
    let invite = |session: &str, guest: &Enrolled, missed: &str| of.invite_to(session, guest, missed);
    let again = common(&of.course, "COM-MET-2", 5, &of.course.metallurgy);
    let draft = seed::session(&of.course, "MET-02", &seed::morning(6));
    app.unchanged(|| {
        invite(&of.other, guest, &app.absent_id()).fault("/missed_session_id", "unknown_session");
        invite(&of.other, guest, &of.other).fault("/missed_session_id", "same_session");
        invite(&of.other, guest, &own).fault("/missed_session_id", "other_module");
        invite(&of.other, &of.second[0], &of.missed).fault("/missed_session_id", "not_owed");
        invite(&again, guest, &of.missed).fault("/enrollment_id", "expected");
        invite(&draft, guest, &own).expect(409).problem("session_not_published");
        invite(&own, guest, &draft).fault("/missed_session_id", "session_not_published");
        of.dismiss(guest).expect(404);
    });
    of.invite(guest).expect(201);
    app.unchanged(|| {
        of.invite(guest).expect(409).problem("already_exists");
        let excused = [seed::line(&of.second[0], "present"), seed::line(guest, "excused")];
        seed::put_roll_call(&of.course, &of.other, &excused).fault("/entries/1/code", "owes_nothing");
    });
    // Suspended before the session began, they are no guest any more; what is closed says who was.
    let suspension = json!({ "reason": "ill", "effective_at": seed::morning(2) });
    of.course.coordinator.post(&format!("/enrollments/{}/suspend", guest.id), suspension).expect(200);
    assert_eq!(of.course.coordinator.get(&path(&of.other)).expect(200).body["entries"].as_array().unwrap().len(), 1);
    let listed = of.course.coordinator.get("/roll-calls?open=true").expect(200);
    assert_eq!(listed.items().iter().find(|one| one["session_id"] == of.other.as_str()).unwrap()["expected"], 1);
    of.close_other(&[]);
    assert_eq!(app.count("SELECT count(*) FROM guests"), 0);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn nobody_is_a_guest_of_what_they_did_not_miss_or_in_two_places() {
    let app = spawn_app();
    let of = classes(&app);
    let mut at_once = seed::session_body(&of.course, "COM-AT-ONCE", &seed::morning(2));
    at_once["module_id"] = json!(of.course.program.common_module);
    at_once["cohort_ids"] = json!([seed::cohort(&of.course.coordinator, &of.course.intake, &of.course.program.mechanics, "MEC-2")]);
    at_once["instructor_ids"] = json!([]);
    let at_once = seed::published_session_as(&of.course, at_once);
    let mut own = seed::session_body(&of.course, "MET-AT-ONCE", &seed::morning(7));
    own["instructor_ids"] = json!([]);
    seed::published_session_as(&of.course, own);
    let busy = common(&of.course, "COM-BUSY", 7, &of.course.mechanics);
    of.close_missed(seed::line(&of.first[0], "absent"));
    app.unchanged(|| {
        of.invite(&of.first[1]).fault("/missed_session_id", "nothing_missed");
        let refused = of.invite_to(&busy, &of.first[0], &of.missed).expect(409).problem("guest_elsewhere");
        let detail = "the enrollment is in session MET-AT-ONCE (2020-06-08 09:00+08:00 to 2020-06-08 10:30+08:00)";
        assert_eq!(refused.text_at("/detail"), detail);
    });
    of.invite(&of.first[0]).expect(201);
    app.unchanged(|| drop(of.invite_to(&at_once, &of.first[0], &of.missed).expect(409).problem("guest_elsewhere")));
}

#[test]
fn whoever_was_excused_missed_something_and_whoever_was_there_after_all_did_not() {
    let app = spawn_app();
    let of = classes(&app);
    let guest = &of.first[0];
    of.close_missed(seed::line(guest, "excused"));
    of.invite(guest).expect(201);
    of.dismiss(guest).expect(200);
    of.reopen(&of.missed);
    of.close_missed(seed::line(guest, "present"));
    app.unchanged(|| of.invite(guest).fault("/missed_session_id", "nothing_missed"));
    // What is reopened may turn out otherwise.
    of.reopen(&of.missed);
    of.invite(guest).expect(201);
}

#[test]
fn a_guest_comes_while_the_own_session_goes_on_and_between_others() {
    let app = spawn_app();
    let of = classes(&app);
    let course = &of.course;
    let at = |code: &str, start: &str, cohort: &str| {
        let mut body = seed::session_body(course, code, start);
        (body["module_id"], body["cohort_ids"], body["instructor_ids"]) = (json!(course.program.common_module), json!([cohort]), json!([]));
        body
    };
    let at_once = seed::published_session_as(course, at("AT-ONCE", &seed::morning(1), &course.mechanics));
    of.invite_to(&at_once, &of.first[0], &of.missed).expect(201);
    let start = seed::morning(8);
    let own = |code: &str, start: &str| at(code, start, &course.metallurgy);
    seed::session_as(course, own("DRAFT", &start));
    let cancelled = seed::published_session_as(course, own("CANCELLED", &start));
    course.coordinator.post(&format!("/sessions/{cancelled}/cancel"), reason("storm")).expect(200);
    let mut recorded = own("RECORDED", &start);
    (recorded["mode"], recorded["length_minutes"]) = (json!("recorded"), json!(45));
    seed::published_session_as(course, recorded);
    seed::published_session_as(course, own("BEFORE", &seed::after(&start, -90)));
    seed::published_session_as(course, own("AFTER", &seed::after(&start, 90)));
    let between = seed::published_session_as(course, at("BETWEEN", &start, &course.mechanics));
    of.invite_to(&between, &of.first[0], &of.missed).expect(201);
    // What began while they were suspended they do not owe, and so they are not in it.
    let start = seed::morning(9);
    seed::published_session_as(course, own("LONG", &start));
    for (step, minutes) in [("suspend", -60), ("resume", 30)] {
        let change = json!({ "reason": "ill", "effective_at": seed::after(&start, minutes) });
        course.coordinator.post(&format!("/enrollments/{}/{step}", of.first[1].id), change).expect(200);
    }
    let meanwhile = seed::published_session_as(course, at("MEANWHILE", &seed::after(&start, 60), &course.mechanics));
    of.invite_to(&meanwhile, &of.first[0], &of.missed).expect(409).problem("guest_elsewhere");
    // What is recorded can be viewed at another time.
    let mut viewed = at("VIEWED", &start, &course.mechanics);
    (viewed["mode"], viewed["length_minutes"]) = (json!("recorded"), json!(45));
    let viewed = seed::published_session_as(course, viewed);
    of.invite_to(&viewed, &of.first[0], &of.missed).expect(201);
    of.invite_to(&meanwhile, &of.first[1], &of.missed).expect(201);
}

#[test]
fn a_class_adviser_calls_the_guests_with_the_own_cohort() {
    let app = spawn_app();
    let of = classes(&app);
    let person = seed::instructor(&app, &of.course.coordinator, "ADV");
    let body = json!({ "discipline_id": of.course.program.mechanics, "code": "MEC-2", "name": "二班", "adviser_id": person });
    let cohort = of.course.coordinator.post(&format!("/intakes/{}/cohorts", of.course.intake), body).expect(201).id();
    let place = (of.course.program.mechanics.as_str(), cohort.as_str());
    let own = seed::enrolled_at(&of.course, &of.course.sponsor.plants[0], place, 1).remove(0);
    let session = common(&of.course, "COM-MEC-2", 3, &cohort);
    of.invite_to(&session, &of.first[0], &of.missed).expect(201);
    let adviser = app.class_adviser(&person);
    let counts = || {
        let listed = adviser.get("/roll-calls?open=true").expect(200);
        (listed.items()[0]["expected"].clone(), listed.items()[0]["called"].clone())
    };
    assert_eq!(counts(), (json!(2), json!(0)));
    let lines = json!({ "entries": [seed::line(&own, "present"), seed::line(&of.first[0], "present")] });
    adviser.put(&path(&session), lines).expect(200);
    adviser.post(&format!("{}/submit", path(&session)), json!({})).expect(200);
    assert_eq!(counts(), (json!(2), json!(2)));
}

#[test]
fn a_guest_who_left_before_the_session_is_to_be_settled() {
    let app = spawn_app();
    let of = classes(&app);
    let guest = &of.first[0];
    of.close_missed(seed::line(guest, "absent"));
    of.invite(guest).expect(201);
    of.close_other(&[seed::line(guest, "present")]);
    let suspension = json!({ "reason": "ill", "effective_at": seed::morning(2) });
    of.course.coordinator.post(&format!("/enrollments/{}/suspend", guest.id), suspension).expect(200);
    let unsettled = of.course.coordinator.get(&format!("/enrollments/{}", guest.id)).expect(200).body["unsettled_sessions"].clone();
    assert_eq!(
        (unsettled.as_array().unwrap().len(), &unsettled[0]["session_id"], &unsettled[0]["kind"]),
        (1, &json!(of.other), &json!("not_owed"))
    );
    assert_eq!(app.findings(), Vec::<String>::new());
    of.reopen(&of.other);
    of.close_other(&[]);
    assert_eq!(of.made_up(), 0);
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_guest_who_had_left_by_when_it_was_held_as_is_said_now_is_to_be_settled() {
    let app = spawn_app();
    let of = classes(&app);
    let guest = &of.first[0];
    of.close_missed(seed::line(guest, "absent"));
    of.invite(guest).expect(201);
    // Nothing is made up that would keep them from being decided by itself.
    of.close_other(&[seed::line(guest, "absent")]);
    let left = json!({ "intake_id": of.course.intake, "discipline_id": of.course.program.mechanics, "reason": "as agreed",
        "effective_at": seed::morning(3) });
    let new = of.course.coordinator.post(&format!("/enrollments/{}/transfer", guest.id), left).expect(201).id();
    of.reopen(&of.other);
    let held_on = |day: u32| {
        let times =
            json!({ "starts_at": seed::morning(day), "ends_at": seed::after(&seed::morning(day), 90), "difference_reason": "that day" });
        of.course.coordinator.if_match("*").patch(&format!("/sessions/{}/hold", of.other), times).expect(200);
        assert_eq!(app.findings(), Vec::<String>::new());
    };
    held_on(4);
    let kinds = of.course.coordinator.get(&format!("/enrollments/{}", guest.id)).expect(200).body["unsettled_sessions"].clone();
    assert_eq!((&kinds[0]["session_id"], &kinds[0]["kind"]), (&json!(of.other), &json!("not_owed")));
    let fail = || of.course.coordinator.post(&format!("/enrollments/{new}/fail"), json!({ "reason": "as examined" }));
    app.unchanged(|| fail().expect(409).problem("sessions_unsettled"));
    held_on(2);
    app.unchanged(|| fail().expect(409).problem("roll_calls_open"));
    of.close_other(&[seed::line(guest, "absent")]);
    fail().expect(200);
}

#[test]
fn the_rest_of_a_series_is_parted_once_no_guest_comes_to_any_of_it() {
    let app = spawn_app();
    let of = classes(&app);
    let (course, guest) = (&of.course, &of.first[0]);
    let slot = json!({ "weekday": "monday", "starts": "09:00", "ends": "10:30" });
    let series = json!({ "code": "COM", "module_id": course.program.common_module, "cohort_ids": [course.mechanics],
        "instructor_ids": [course.instructor], "pattern": [slot], "from": "2020-06-08", "until": "2020-06-15" });
    let series = course.coordinator.post(&format!("/intakes/{}/series", course.intake), series).expect(201);
    course.coordinator.post(&format!("/intakes/{}/sessions/publish", course.intake), json!({})).expect(200);
    let [first, second] = [0, 1].map(|index| series.text_at(&format!("/sessions/{index}/id")));
    of.invite_to(&second, guest, &of.missed).expect(201);
    let split = json!({ "at": "2020-06-08T01:45:00Z", "code": "B", "scope": "rest", "reason": "too long" });
    let split = || course.coordinator.post(&format!("/sessions/{first}/split"), split.clone());
    app.unchanged(|| assert!(split().expect(409).problem("has_guests").text.contains("another session in COM-02")));
    course.coordinator.post(&format!("/sessions/{second}/guests/{}/dismiss", guest.id), reason("comes another day")).expect(200);
    split().expect(200);
}

#[test]
fn a_guests_minutes_fit_the_session_as_it_was_held() {
    let app = spawn_app();
    let course = seed::course(&app);
    let first = seed::enrolled(&course, 1);
    let second = seed::enrolled_at(&course, &course.sponsor.plants[0], (&course.program.mechanics, &course.mechanics), 1);
    let missed = common(&course, "COM-MET", 1, &course.metallurgy);
    let mut body = seed::session_body(&course, "COM-MEC", &seed::morning(2));
    (body["module_id"], body["cohort_ids"]) = (json!(course.program.common_module), json!([course.mechanics]));
    let other = seed::published_session_as(&course, body);
    let invitation = json!({ "enrollment_id": first[0].id, "missed_session_id": missed });
    course.coordinator.post(&format!("/sessions/{other}/guests"), invitation).expect(201);
    // Called while 90 minutes were planned; it ended after 60.
    let lines = |minutes: i64| [seed::line(&second[0], "present"), seed::line_of(&first[0], "late", minutes)];
    seed::put_roll_call(&course, &other, &lines(75)).expect(200);
    let short = json!({ "ends_at": seed::after(&seed::morning(2), 60), "difference_reason": "power cut" });
    course.coordinator.post(&format!("/sessions/{other}/hold"), short).expect(200);
    app.unchanged(|| {
        let refused = seed::step_roll_call(&course, &other, "close", None).expect(409).problem("minutes_do_not_fit");
        assert!(refused.text_at("/detail").contains(&first[0].id), "{}", refused.text);
    });
    seed::put_roll_call(&course, &other, &lines(45)).expect(200);
    seed::step_roll_call(&course, &other, "close", None).expect(200);
    assert_eq!(app.findings(), Vec::<String>::new());
    app.forge("attendances", &format!("UPDATE attendances SET minutes = 61 WHERE enrollment_id = {}", app.hex(&first[0].id)));
    assert!(app.findings_of("postings").iter().any(|one| one.contains("does not fit")), "{:?}", app.findings());
}
