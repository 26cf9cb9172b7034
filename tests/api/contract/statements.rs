//! What a request costs in statements does not grow: neither with the class nor with what else is in the database.

use std::collections::BTreeMap;

use serde_json::json;

use crate::support::{App, Client, Kind, Reply, seed, seed::Course, spawn_app, statements};

/// What is measured: how many statements each request cost.
type Costs = BTreeMap<&'static str, usize>;

/// The splits of a report.
const SPLITS: [(&str, &str); 4] =
    [("report by module", "module"), ("report by cohort", "cohort"), ("report by unit", "unit"), ("report by discipline", "discipline")];
/// What is not of one intake.
const LISTS: [(&str, &str); 4] = [
    ("list of trainees", "/trainees"),
    ("list of instructors", "/instructors"),
    ("list of intakes", "/intakes"),
    ("list of programs", "/programs"),
];

/// A class of this size, two sessions of which are held and one is closed.
struct Class {
    /// The calendars of its intake and of one of its trainees.
    calendars: [String; 2],
    course: Course,
    members: Vec<seed::Enrolled>,
    open: String,
    draft: String,
}

fn class(app: &App, code: &str, size: usize) -> Class {
    let course = seed::course_called(app, code, code);
    let members = seed::enrolled(&course, size);
    let lines: Vec<_> = members.iter().map(|member| seed::line(member, "present")).collect();
    seed::closed_session(&course, "MET-01", &seed::morning(1), &lines);
    let open = seed::held_session(&course, "MET-02", &seed::morning(2));
    let calendar = |kind: &str, id: &str| {
        let made = course.coordinator.post("/feeds", json!({ "kind": kind, "subject_id": id })).expect(201);
        format!("/schedules/{}", made.text_at("/address").rsplit('/').next().unwrap())
    };
    let calendars = [calendar("intake", &course.intake), calendar("trainee", &members[0].trainee)];
    // Else the first look would note its time in the background, at any time during the test.
    app.sql(&format!("UPDATE feeds SET last_used_at = {}", app.instant("2100-01-01T00:00:00Z"))).unwrap();
    let draft = seed::session(&course, "MET-03", &seed::morning(3));
    for member in &members {
        seed::leave_granted(&course, member, &seed::morning(2), 30);
    }
    Class { calendars, course, members, open, draft }
}

/// The requests of a day with this class.
fn costs(app: &App, class: &Class) -> Costs {
    let (coordinator, intake) = (&class.course.coordinator, &class.course.intake);
    let partner = app.partner(&class.course.sponsor.id);
    let trainee = app.trainee(&class.members[0].trainee);
    let (lines, changed) = (roll(class, "present"), roll(class, "late"));
    let path = format!("/sessions/{}/roll-call", class.open);
    let put = |lines: &serde_json::Value| coordinator.if_match("*").put(&path, lines.clone());
    let step = |step: &str| coordinator.post(&format!("{path}/{step}"), json!({ "reason": "to look again" }));
    let get = |client: &Client, path: String| client.get(&path);
    let mut costs = Costs::new();
    let mut measure = |name: &'static str, request: &dyn Fn() -> Reply| {
        let (reply, count) = statements::count(request);
        reply.expect(200);
        assert!(count > 2, "{name} cost {count} statements");
        costs.insert(name, count);
    };
    measure("report", &|| get(coordinator, format!("/intakes/{intake}/progress")));
    for (name, by) in SPLITS {
        measure(name, &|| get(coordinator, format!("/intakes/{intake}/progress?by={by}")));
    }
    measure("a partner's report", &|| get(&partner, format!("/intakes/{intake}/progress")));
    measure("one's own progress", &|| get(&trainee, format!("/enrollments/{}/progress", class.members[0].id)));
    measure("one's own hours", &|| get(&trainee, format!("/enrollments/{}/hours", class.members[0].id)));
    measure("one trainee", &|| get(coordinator, format!("/trainees/{}", class.members[0].trainee)));
    measure("one enrollment", &|| get(coordinator, format!("/enrollments/{}", class.members[0].id)));
    measure("one enrollment explained", &|| get(coordinator, format!("/enrollments/{}/explain", class.members[0].id)));
    measure("one cohort", &|| get(coordinator, format!("/cohorts/{}", class.course.metallurgy)));
    measure("one session", &|| get(coordinator, format!("/sessions/{}", class.open)));
    for (name, path) in LISTS {
        measure(name, &|| get(coordinator, format!("{path}?limit=500")));
    }
    measure("list of a partner's trainees", &|| get(&partner, "/trainees?limit=500".to_owned()));
    measure("list of enrollments", &|| get(coordinator, format!("/intakes/{intake}/enrollments?limit=500")));
    measure("list of sessions", &|| get(coordinator, format!("/intakes/{intake}/sessions?limit=500")));
    measure("list of series", &|| get(coordinator, format!("/intakes/{intake}/series?limit=500")));
    let proposed = serde_json::json!({ "sessions": [seed::session_body(&class.course, "N-1", &seed::morning(1))] });
    measure("session checked", &|| coordinator.post(&format!("/intakes/{intake}/sessions/check"), proposed.clone()));
    measure("session placed", &|| get(coordinator, format!("/sessions/{}/placements?from=2020-06-01&until=2020-06-14", class.draft)));
    measure("list of cohorts", &|| get(coordinator, format!("/intakes/{intake}/cohorts")));
    measure("list of quotas", &|| get(coordinator, format!("/intakes/{intake}/seat-quotas")));
    measure("changes of a trainee", &|| get(&trainee, format!("/people/{}/changes", class.members[0].trainee)));
    measure("list of leave", &|| get(coordinator, format!("/intakes/{intake}/leave-requests?limit=500")));
    measure("a trainee's leave", &|| get(&trainee, format!("/intakes/{intake}/leave-requests?limit=500")));
    measure("calendar of an intake", &|| get(&app.anonymous(), class.calendars[0].clone()));
    measure("calendar of a trainee", &|| get(&app.anonymous(), class.calendars[1].clone()));
    measure("roll calls left to do", &|| get(coordinator, format!("/roll-calls?open=true&intake_id={intake}&limit=500")));
    measure("roll call read", &|| get(coordinator, path.clone()));
    measure("roll call put", &|| put(&lines));
    measure("roll call put again", &|| put(&changed));
    measure("roll call explained", &|| get(coordinator, format!("{path}/explain")));
    measure("roll call submitted", &|| step("submit"));
    measure("roll call closed", &|| step("close"));
    measure("roll call reopened", &|| step("reopen"));
    put(&lines).expect(200);
    measure("roll call closed again", &|| step("close"));
    let auditor = app.auditor();
    // What waits is sealed first; how much that is depends on what happened.
    auditor.get("/audit").expect(200);
    measure("journal", &|| get(&auditor, "/audit".to_owned()));
    measure("journal of an intake", &|| get(&auditor, format!("/audit?intake_id={intake}&action=report.pulled")));
    measure("journal of a session", &|| get(&auditor, format!("/audit?subject_id={}", class.open)));
    costs
}

fn roll(class: &Class, code: &str) -> serde_json::Value {
    let line = |member| if code == "late" { seed::line_of(member, code, 60) } else { seed::line(member, code) };
    json!({ "entries": class.members.iter().map(line).collect::<Vec<_>>() })
}

#[test]
fn no_request_costs_more_for_a_larger_class() {
    let app = spawn_app();
    let few = costs(&app, &class(&app, "FEW", 3));
    let many = costs(&app, &class(&app, "MANY", 30));
    assert_eq!(few, many);
}

#[test]
fn no_request_costs_more_beside_other_intakes() {
    let app = spawn_app();
    let own = class(&app, "OWN", 3);
    let alone = costs(&app, &own);
    for code in ["B", "C", "D"] {
        let other = class(&app, code, 5);
        costs(&app, &other);
    }
    assert_eq!(costs(&app, &class(&app, "LATE", 3)), alone);
}

#[test]
fn a_whole_class_is_enrolled_and_scheduled_in_as_many_statements_as_a_few() {
    let app = spawn_app();
    let course = seed::course(&app);
    let enroll = |count: usize| {
        let bodies: Vec<_> = (0..count).map(|_| seed::enrollment_body(&course, &seed::recruit(&course))).collect();
        let path = format!("/intakes/{}/enrollments/bulk", course.intake);
        let (reply, count) = statements::count(|| course.coordinator.post(&path, json!({ "enrollments": bodies })));
        reply.expect(201);
        count
    };
    assert_eq!(enroll(3), enroll(30));
    let schedule = |from: u32, until: u32| {
        let bodies: Vec<_> = (from..until).map(|day| seed::session_body(&course, &format!("S-{day}"), &seed::morning(day))).collect();
        let path = format!("/intakes/{}/sessions/bulk", course.intake);
        let (reply, count) = statements::count(|| course.coordinator.post(&path, json!({ "sessions": bodies, "publish": true })));
        reply.expect(201);
        count
    };
    // The databases lock in different ways. The warnings about what is published ask for neither modules nor cohorts once more.
    let cost = if app.database.kind() == Kind::Sqlite { 46 } else { 47 };
    assert_eq!((schedule(1, 4), schedule(10, 40)), (cost, cost));
}

#[test]
fn a_whole_class_ends_in_as_many_statements_as_a_few_whenever_each_was_to_begin_or_began() {
    let end = |count: usize, is_begun: bool| {
        let app = spawn_app();
        let course = seed::course(&app);
        let from = |number: usize| {
            let mut body = seed::enrollment_body(&course, &seed::recruit(&course));
            body["from"] = json!(format!("2090-01-{:02}T00:00:00Z", number + 1));
            body
        };
        let bodies: Vec<_> = (0..count).map(from).collect();
        course.coordinator.post(&format!("/intakes/{}/enrollments/bulk", course.intake), json!({ "enrollments": bodies })).expect(201);
        if is_begun {
            // As if another process, whose clock is ahead, had enrolled each.
            app.forge("enrollment_periods", "UPDATE enrollment_periods SET recorded_at = from_at");
        }
        let cancel = || course.coordinator.post(&format!("/intakes/{}/cancel", course.intake), json!({ "reason": "floods" }));
        let (reply, count) = statements::count(cancel);
        reply.expect(200);
        count
    };
    assert_eq!(end(3, false), end(30, false));
    assert_eq!(end(3, true), end(30, true));
}

#[test]
fn a_file_of_organizations_or_of_sessions_is_written_in_as_many_statements_however_long_it_is() {
    let app = spawn_app();
    let course = seed::course(&app);
    let cost = |client: &Client, path: &str, file: String| {
        let (reply, count) = statements::count(|| client.post_file(path, "file.csv", file.as_bytes()));
        assert_eq!(reply.expect(200).body["outcome"], "committed");
        count
    };
    let administrator = app.administrator();
    let organizations = |from: usize, until: usize, name: &str| {
        let rows: String = (from..until).map(|one| format!("E{one},{name}{one},enterprise,\nE{one}-1,{name},unit,E{one}\n")).collect();
        cost(&administrator, "/organizations/import", format!("code,name,kind,parent\n{rows}"))
    };
    assert_eq!(organizations(0, 2, "厂"), organizations(10, 160, "厂"));
    assert_eq!(organizations(0, 2, "新厂"), organizations(10, 160, "新厂"));
    let path = format!("/intakes/{}/sessions/import?reason=as+agreed", course.intake);
    let sessions = |from: u32, until: u32, minute: u32, publish: &str| {
        let row = |one: u32| {
            let day = chrono::NaiveDate::from_ymd_opt(2020, 5, 28).unwrap() + chrono::Days::new(u64::from(one % 150));
            let hour = 8 + one / 150;
            format!("S{one},MET-01,MET-1,,{day},{hour}:{minute:02},{hour}:{:02}\n", minute + 15)
        };
        let rows: String = (from..until).map(row).collect();
        cost(&course.coordinator, &format!("{path}{publish}"), format!("code,module,cohorts,instructors,date,start,end\n{rows}"))
    };
    // The first finds nothing beside it.
    sessions(0, 1, 0, "&publish=true");
    assert_eq!(sessions(1, 4, 0, "&publish=true"), sessions(4, 150, 0, "&publish=true"));
    assert_eq!(sessions(1, 4, 20, ""), sessions(4, 150, 20, ""));
}

#[test]
fn the_rest_of_a_series_changes_in_as_many_statements_however_long_it_is() {
    let app = spawn_app();
    let costs = |code: &str, until: &str| {
        let course = seed::course_called(&app, code, code);
        let slot = |weekday: &str| json!({ "weekday": weekday, "starts": "08:00", "ends": "08:30" });
        let pattern = ["monday", "tuesday", "wednesday", "thursday", "friday"].map(slot);
        let series = json!({ "code": "S", "module_id": course.program.metallurgy_module, "cohort_ids": [course.metallurgy],
            "instructor_ids": [course.instructor], "pattern": pattern, "from": "2020-06-01", "until": until });
        let made = course.coordinator.post(&format!("/intakes/{}/series", course.intake), series).expect(201);
        let publish = format!("/intakes/{}/sessions/publish", course.intake);
        course.coordinator.post(&publish, json!({ "series_id": made.id() })).expect(200);
        let by = seed::instructor(&app, &course.coordinator, code);
        let changes = [
            ("move", json!({ "starts_at": "2020-06-01T09:00", "room_id": seed::room(&course, code) })),
            ("cut", json!({ "minutes": 5 })),
            ("split", json!({ "at": "2020-06-01T09:10", "code": "B" })),
            ("substitute", json!({ "instructor_id": course.instructor, "by_instructor_id": by })),
            ("cancel", json!({})),
        ];
        let cost = |(step, mut body): (&str, serde_json::Value)| {
            (body["scope"], body["reason"]) = (json!("rest"), json!("as agreed"));
            let path = format!("/sessions/{}/{step}", made.text_at("/sessions/0/id"));
            let (reply, count) = statements::count(|| course.coordinator.post(&path, body));
            reply.expect(200);
            (step.to_owned(), count)
        };
        (made.body["sessions"].as_array().unwrap().len(), changes.map(cost))
    };
    let ((few, of_few), (many, of_many)) = (costs("FEW", "2020-06-05"), costs("MANY", "2020-08-07"));
    assert_eq!((few, many), (5, 50));
    assert_eq!(of_few, of_many);
}

#[test]
fn what_is_to_be_thought_over_is_looked_up_in_sets() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 2);
    let check = |days: std::ops::Range<u32>| {
        let bodies: Vec<_> = days.map(|day| seed::session_body(&course, &format!("N-{day}"), &seed::morning(day))).collect();
        let path = format!("/intakes/{}/sessions/check", course.intake);
        let (reply, count) = statements::count(|| course.coordinator.post(&path, json!({ "sessions": bodies })));
        (reply.expect(200).body["conflicts"].as_array().unwrap().len(), count)
    };
    let (_, without) = check(1..2);
    let begin = |kind: &str, organization: Option<&String>| {
        let week = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        let body = json!({ "kind": kind, "code": kind, "name": kind, "time_zone": "Asia/Shanghai", "organization_id": organization,
            "weekend_days": if organization.is_none() { week.to_vec() } else { Vec::new() } });
        course.coordinator.post("/calendars", body).expect(201).id()
    };
    let (holidays, rota) = (begin("holidays", None), begin("shifts", Some(&course.sponsor.id)));
    let intake = format!("/intakes/{}", course.intake);
    course.coordinator.if_match("*").patch(&intake, json!({ "holiday_calendar_id": holidays })).expect(200);
    course.coordinator.if_match("*").patch(&format!("/enrollments/{}", members[0].id), json!({ "crew": "A" })).expect(200);
    let shifts: String = (2..=30).map(|day| format!("\nA,2020-06-{day:02},08:00,16:00")).collect();
    let file = format!("crew,date,start,end{shifts}");
    course.coordinator.post_file(&format!("/calendars/{rota}/shifts/import"), "rota.csv", file.as_bytes()).expect(200);
    let profile = json!({ "time_zone": "Asia/Shanghai", "daily_minutes": 1, "weekly_minutes": 1, "disciplines": ["MEC"],
        "hours": [{ "weekday": "monday", "from_time": "00:00", "until_time": "00:01" }], "exceptions": [] });
    course.coordinator.put(&format!("/instructors/{}/profile", course.instructor), profile).expect(200);
    // A holiday, on shift, not available, not qualified, too much on the day and in the week.
    let (conflicts, one) = check(1..2);
    assert_eq!(conflicts, 6);
    assert_eq!(check(1..25), (24 * 6, one));
    // Two looks where there is nothing: for profiles and for calendars of shifts.
    assert_eq!((without, one), (22, 33));
}

#[test]
fn verify_asks_no_more_of_many_intakes_than_of_one() {
    let app = spawn_app();
    let verified = || {
        // What waits is sealed first; how much that is depends on what happened.
        assert_eq!(app.findings(), Vec::<String>::new());
        statements::count(|| app.findings()).1
    };
    class(&app, "ONE", 2);
    let one = verified();
    for code in ["B", "C", "D"] {
        class(&app, code, 3);
    }
    assert_eq!(verified(), one);
}

#[test]
fn who_has_a_report_already_costs_less() {
    let app = spawn_app();
    let class = class(&app, "OWN", 3);
    let path = format!("/intakes/{}/progress", class.course.intake);
    let (reply, whole) = statements::count(|| class.course.coordinator.get(&path));
    let known = class.course.coordinator.if_none_match(&reply.etag());
    let (reply, unchanged) = statements::count(|| known.get(&path));
    reply.expect(304);
    assert!(unchanged <= 6 && unchanged < whole, "{unchanged} of {whole}: who asks, in whose scope, what they see, the tag");
}
