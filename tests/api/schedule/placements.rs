//! When a session would fit.

use serde_json::{Value, json};

use crate::support::{App, Reply, seed, seed::Course, spawn_app, statements};

fn placements(course: &Course, session: &str, query: &str) -> Reply {
    course.coordinator.get(&format!("/sessions/{session}/placements?{query}"))
}

/// The local starts in Shanghai of one day that fit, and those that do not with the kinds of what is in the way; but for all of them being
/// over by now.
fn told(reply: &Reply) -> Vec<(String, bool, Vec<String>)> {
    let kinds = |time: &Value| {
        let kinds = time["conflicts"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap());
        kinds.filter(|kind| *kind != "in_the_past").map(ToOwned::to_owned).collect()
    };
    let start = |time: &Value| time["starts_at"].as_str().unwrap()[11..16].to_owned();
    let times = reply.body["times"].as_array().unwrap().iter();
    times.map(|time| (start(time), time["fits"].as_bool().unwrap(), kinds(time))).collect()
}

fn at(start: &str, kinds: &[&str]) -> (String, bool, Vec<String>) {
    (start.to_owned(), kinds.is_empty(), kinds.iter().map(ToString::to_string).collect())
}

#[test]
fn the_times_that_fit_are_told_and_of_the_others_what_is_in_the_way() {
    let app = spawn_app();
    let course = seed::course(&app);
    // At nine and at eleven in Shanghai.
    let session = seed::published_session(&course, "P-1", &seed::morning(1));
    let other = seed::published_session(&course, "P-2", &seed::after(&seed::morning(1), 120));
    let query = "from=2020-06-02&until=2020-06-02&earliest=08:00&latest=13:30&step=60";
    app.unchanged(|| {
        let reply = placements(&course, &session, query).expect(200);
        // Its own time is free, for its own claims are thought away; and so it is until the other begins.
        let both = ["cohort", "instructor"];
        let expected = [at("00:00", &[]), at("01:00", &[]), at("02:00", &both), at("03:00", &both), at("04:00", &both)];
        assert_eq!(told(&reply), expected);
        let conflict = &reply.body["times"][2]["conflicts"][0];
        assert_eq!((&conflict["session"]["id"], &conflict["session"]["starts_at"]), (&json!(session), &json!("2020-06-02T02:00:00Z")));
        assert_eq!((&conflict["other"]["id"], &conflict["other"]["code"]), (&json!(other), &json!("P-2")));
    });
    // What was waived is told and blocks nothing.
    course
        .coordinator
        .post(&format!("/sessions/{session}/waivers"), json!({ "other_session_id": other, "reason": "one hall" }))
        .expect(201);
    let reply = placements(&course, &session, query).expect(200);
    assert_eq!((&reply.body["times"][2]["fits"], &reply.body["times"][2]["conflicts"][0]["severity"]), (&json!(true), &json!("warn")));
}

#[test]
fn the_week_of_the_session_is_looked_at_unless_said() {
    let app = spawn_app();
    let course = seed::course(&app);
    // A Wednesday; the intake opened on one, too.
    let session = seed::session(&course, "D-1", "2020-05-27T01:00:00Z");
    let reply = placements(&course, &session, "").expect(200);
    let times = reply.body["times"].as_array().unwrap();
    // From eight to eight, for it lasts 90 minutes and none ends after half past nine.
    assert_eq!(times.len(), 7 * 25);
    assert_eq!((&times[0]["starts_at"], &times[174]["starts_at"]), (&json!("2020-05-25T00:00:00Z"), &json!("2020-05-31T12:00:00Z")));
    assert_eq!(times[0]["conflicts"][0]["kind"], "outside_intake");
    assert!(times.iter().all(|time| time["fits"] == (time["starts_at"].as_str().unwrap() > "2020-05-27")));
}

#[test]
fn times_pass_midnight_where_the_session_or_the_caller_does() {
    let app = spawn_app();
    let course = seed::course(&app);
    let session = seed::session(&course, "D-1", &seed::morning(1));
    // From nine in the evening to one in Shanghai; the nine in the morning at which it begins now is not within.
    let night = placements(&course, &session, "from=2020-06-02&until=2020-06-02&earliest=21:00&latest=01:00&step=60").expect(200);
    assert_eq!(told(&night), ["13:00", "14:00", "15:00"].map(|start| at(start, &[])));
    assert_eq!(night.body["times"][2]["ends_at"], "2020-06-02T16:30:00Z");
    let until_midnight = placements(&course, &session, "from=2020-06-02&until=2020-06-02&earliest=21:00&latest=24:00&step=60").expect(200);
    assert_eq!(told(&until_midnight), ["13:00", "14:00"].map(|start| at(start, &[])));
    // One that begins at ten past eleven in the evening can be at that time on any day, whatever the step.
    let late = seed::session(&course, "D-2", "2020-06-02T15:10:00Z");
    let times = placements(&course, &late, "from=2020-06-02&until=2020-06-03&step=480").expect(200);
    let starts: Vec<&str> = times.body["times"].as_array().unwrap().iter().map(|time| time["starts_at"].as_str().unwrap()).collect();
    let expected = ["02T00:00", "02T08:00", "02T15:10", "03T00:00", "03T08:00", "03T15:10"].map(|start| format!("2020-06-{start}:00Z"));
    assert_eq!(starts, expected);
}

#[test]
fn each_time_is_looked_at_alone() {
    let app = spawn_app();
    // The plan holds this one session, at whatever time it is.
    let course = seed::short_course(&app, 90);
    let session = seed::session(&course, "D-1", &seed::morning(1));
    let query = "from=2020-06-02&until=2020-06-02&earliest=09:00&latest=12:00&step=30";
    assert_eq!(told(&placements(&course, &session, query).expect(200)), ["01:00", "01:30", "02:00", "02:30"].map(|start| at(start, &[])));
    // Of a draft the plan is in the way at every time.
    let second = seed::published_session(&course, "P-1", &seed::morning(9));
    let times = told(&placements(&course, &session, query).expect(200));
    assert_eq!(times, ["01:00", "01:30", "02:00", "02:30"].map(|start| at(start, &["plan_exceeded"])));
    assert!(told(&placements(&course, &second, query).expect(200)).iter().all(|(_, fits, _)| *fits));
}

#[test]
fn a_time_that_the_clocks_skip_is_not_among_them() {
    let app = spawn_app();
    let course = seed::course(&app);
    let mut intake = seed::intake_body(&course.program.version, "BERLIN");
    intake["time_zone"] = json!("Europe/Berlin");
    let intake = course.coordinator.post("/intakes", intake).expect(201).id();
    let cohort = seed::cohort(&course.coordinator, &intake, &course.program.metallurgy, "B-1");
    let mut body = seed::session_body(&course, "B-1", "2020-10-20T07:00:00Z");
    body["cohort_ids"] = json!([cohort]);
    let session = course.coordinator.post(&format!("/intakes/{intake}/sessions"), body).expect(201).id();
    let reply = placements(&course, &session, "from=2020-10-25&until=2020-10-25&earliest=01:00&latest=05:00&step=60").expect(200);
    // One, three; two is there twice; the session of 90 minutes from half past three on would end too late.
    assert_eq!(told(&reply), [at("23:00", &[]), at("02:00", &[])]);
}

#[test]
fn more_times_cost_no_more_statements() {
    let app = spawn_app();
    let course = seed::course(&app);
    let session = seed::published_session(&course, "P-1", &seed::morning(1));
    seed::published_session(&course, "P-2", &seed::after(&seed::morning(1), 120));
    let cost = |query: &str| {
        let (reply, count) = statements::count(|| placements(&course, &session, query));
        (reply.expect(200).body["times"].as_array().unwrap().len(), count)
    };
    let (few, many) = (cost("from=2020-06-02&until=2020-06-02"), cost("from=2020-06-01&until=2020-06-14&step=20"));
    assert!(few.0 * 20 < many.0, "{few:?} {many:?}");
    assert_eq!((few.1, many.1), (24, 24));
}

fn refused(app: &App, reply: impl Fn() -> Reply) {
    app.unchanged(|| reply().expect(400).problem("query_malformed"));
}

#[test]
fn no_more_than_a_month_and_a_thousand_times_are_looked_at_and_only_of_what_can_move() {
    let app = spawn_app();
    let course = seed::course(&app);
    let session = seed::session(&course, "D-1", &seed::morning(1));
    for query in [
        "from=2020-06-01&until=2020-07-02",
        "from=2020-06-02&until=2020-06-01",
        "step=0",
        "step=1441",
        "step=1",
        "earliest=8",
        "from=tomorrow",
        "colour=red",
    ] {
        refused(&app, || placements(&course, &session, query));
    }
    let month = placements(&course, &session, "from=2020-06-01&until=2020-07-01").expect(200);
    assert_eq!(month.body["times"].as_array().unwrap().len(), 31 * 25);
    let held = seed::held_session(&course, "H-1", &seed::morning(2));
    app.unchanged(|| placements(&course, &held, "").expect(409).problem("session_closed"));
    let mut recorded = seed::session_body(&course, "R-1", &seed::morning(3));
    recorded["mode"] = json!("recorded");
    recorded["length_minutes"] = json!(45);
    let recorded = seed::session_as(&course, recorded);
    let reply = app.unchanged(|| placements(&course, &recorded, "").expect(409).problem("session_recorded"));
    assert!(reply.text_at("/detail").starts_with("session R-1 is recorded: it occupies nobody"), "{}", reply.text);
    course.coordinator.post(&format!("/intakes/{}/cancel", course.intake), json!({ "reason": "storm" })).expect(200);
    app.unchanged(|| placements(&course, &session, "").expect(409).problem("intake_not_live"));
}
