//! `POST /calendars/{id}/days/import` and `POST /calendars/{id}/shifts/import`.

use serde_json::{Value, json};

use super::{csv, example, said, verdicts};
use crate::support::{App, Client, Reply, seed, spawn_app};

const DAYS: &str = "日期,类型,名称";
const SHIFTS: &str = "班组,日期,开始,结束,班次";

fn holidays(app: &App) -> String {
    let body = json!({ "kind": "holidays", "code": "CN-2020", "name": "节假日", "time_zone": "Asia/Shanghai" });
    format!("/calendars/{}", app.coordinator().post("/calendars", body).expect(201).id())
}

fn rota(app: &App) -> String {
    let sponsor = seed::sponsor(app, "JISCO");
    let body = json!({ "kind": "shifts", "code": "ROTA", "name": "四班三倒", "time_zone": "Asia/Shanghai", "organization_id": sponsor.id });
    format!("/calendars/{}", app.coordinator().post("/calendars", body).expect(201).id())
}

fn import(coordinator: &Client, path: &str, header: &str, rows: &[&str]) -> Reply {
    coordinator.post_file(path, "calendar.csv", &csv(header, rows))
}

fn undo(coordinator: &Client, import: &Reply) -> Reply {
    coordinator.post(&format!("/imports/{}/undo", import.text_at("/import_id")), json!({ "reason": "last year's" }))
}

fn listed(coordinator: &Client, path: &str) -> Vec<Value> {
    coordinator.get(&format!("{path}?limit=500")).expect(200).items().clone()
}

#[test]
fn days_are_listed_corrected_taken_out_and_taken_back() {
    let app = spawn_app();
    let (coordinator, calendar) = (app.coordinator(), holidays(&app));
    let (days, path) = (format!("{calendar}/days"), format!("{calendar}/days/import"));
    let first = ["2020-06-25,放假,端午节", "2020/6/26,holiday,", "2020年6月28日,上班,"];
    let created = said(&[(2, "create", &[]), (3, "create", &[]), (4, "create", &[])]);
    app.unchanged(|| assert_eq!(verdicts(&import(&coordinator, &format!("{path}?dry_run=true"), DAYS, &first).expect(200)), created));
    assert_eq!(verdicts(&import(&coordinator, &path, DAYS, &first).expect(200)), created);
    let before = listed(&coordinator, &days);
    assert_eq!(before[0], json!({ "date": "2020-06-25", "kind": "holiday", "name": "端午节" }));
    assert_eq!(before[2], json!({ "date": "2020-06-28", "kind": "working", "name": null }));
    let tag = coordinator.get(&calendar).expect(200).etag();
    app.unchanged(|| assert_eq!(import(&coordinator, &path, DAYS, &first).expect(200).body["outcome"], "nothing_new"));
    let second = ["2020-06-25,休,", "2020-06-26,working,", "2020-06-28,正常,", "2020-07-01,normal,", "2020-07-02,放假,纪念日"];
    let corrected = import(&coordinator, &path, DAYS, &second).expect(200);
    let expected =
        [(2, "unchanged"), (3, "update"), (4, "update"), (5, "unchanged"), (6, "create")].map(|(row, verdict)| (row, verdict, &[][..]));
    assert_eq!(verdicts(&corrected), said(&expected));
    assert_eq!(corrected.body["rows"][1]["what"], json!([{ "field": "kind", "from": "holiday", "to": "working" }]));
    assert_eq!(corrected.body["counts"]["removed"], 1);
    let dates: Vec<Value> = listed(&coordinator, &days).into_iter().map(|day| day["date"].clone()).collect();
    assert_eq!(dates, ["2020-06-25", "2020-06-26", "2020-07-02"]);
    // Whoever has read the calendar sees that it lists something else.
    assert_ne!(coordinator.get(&calendar).expect(200).etag(), tag);
    assert_eq!(undo(&coordinator, &corrected).expect(200).body["state"], "undone");
    assert_eq!(listed(&coordinator, &days), before);
    let again = import(&coordinator, &path, DAYS, &second).expect(200);
    import(&coordinator, &path, DAYS, &["2020-08-01,放假,"]).expect(200);
    app.unchanged(|| undo(&coordinator, &again).expect(409).problem("import_in_use"));
    assert_eq!(app.findings(), Vec::<String>::new());
}

/// Begins a calendar with a file, as the command line does it: the import.
fn begun(app: &App) -> String {
    begun_for(app, "CN-2021", None)
}

/// As [`begun`], for an intake that keeps its days off from then on.
fn begun_for(app: &App, code: &str, keeper: Option<&str>) -> String {
    let new = json!({ "kind": "holidays", "code": code, "name": "节假日", "time_zone": "Asia/Shanghai", "provider_id": app.provider().id });
    let new = serde_json::from_value(new).unwrap();
    let file = muster::imports::read_table("days.csv", &csv(DAYS, &["2020-06-25,放假,端午节"])).unwrap();
    let options = muster::imports::Options { keeper: keeper.map(|id| id.parse().unwrap()), ..Default::default() };
    let begin = move |conn: &mut muster::db::Conn, actor: &muster::access::Actor, now| {
        muster::imports::begin_calendar(conn, actor, now, new, &file, &options)
    };
    app.db.write_blocking(muster::access::Credentials::Operator, begin).unwrap().import_id.unwrap().to_string()
}

#[test]
fn a_calendar_that_an_import_began_goes_with_it_unless_an_intake_keeps_it() {
    let app = spawn_app();
    let course = seed::course(&app);
    let take_back = |import: &str| course.coordinator.post(&format!("/imports/{import}/undo"), json!({ "reason": "last year's" }));
    let before = course.coordinator.get("/calendars").expect(200).body;
    let import = begun(&app);
    assert_eq!(take_back(&import).expect(200).body["notes"], json!([]));
    assert_eq!(course.coordinator.get("/calendars").expect(200).body, before);
    let removed = app.auditor().get("/audit?action=calendar.removed").expect(200);
    assert_eq!(removed.items()[0]["from"]["code"], "CN-2021");
    // What somebody has filled since stays as it is.
    let import = begun(&app);
    let calendar = course.coordinator.get("/calendars").expect(200).column("id").pop().unwrap();
    let days = format!("/calendars/{calendar}/days");
    let other = self::import(&course.coordinator, &format!("{days}/import"), DAYS, &["2020-08-01,放假,"]).expect(200);
    app.unchanged(|| take_back(&import).expect(409).problem("import_in_use"));
    assert_eq!(listed(&course.coordinator, &days).len(), 2);
    undo(&course.coordinator, &other).expect(200);
    course.coordinator.if_match("*").patch(&format!("/calendars/{calendar}"), json!({ "code": "CN-2021-OLD" })).expect(200);
    // An intake that keeps it is not left with a calendar that is not there.
    let import = begun(&app);
    let calendar = course.coordinator.get("/calendars").expect(200).column("id").pop().unwrap();
    let intake = format!("/intakes/{}", course.intake);
    course.coordinator.if_match("*").patch(&intake, json!({ "holiday_calendar_id": calendar })).expect(200);
    assert_eq!(take_back(&import).expect(200).body["notes"], json!(["the calendar CN-2021 stays, empty, for 1 intake names it"]));
    assert_eq!(listed(&course.coordinator, &format!("/calendars/{calendar}/days")), Vec::<Value>::new());
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn an_intake_keeps_the_days_off_again_that_it_kept_before_an_import() {
    let app = spawn_app();
    let course = seed::course(&app);
    let coordinator = &course.coordinator;
    let kept = || coordinator.get(&format!("/intakes/{}", course.intake)).expect(200).body["holiday_calendar_id"].clone();
    let calendars = || coordinator.get("/calendars").expect(200).column("id");
    let take_back = |import: &str| {
        let undone = coordinator.post(&format!("/imports/{import}/undo"), json!({ "reason": "last year's" })).expect(200);
        assert_eq!(undone.body["notes"], json!([]));
    };
    let first = begun_for(&app, "CN-2020", Some(&course.intake));
    let before = calendars();
    assert_eq!(kept(), before[0]);
    let second = begun_for(&app, "CN-2021", Some(&course.intake));
    assert_eq!(kept(), calendars()[1]);
    take_back(&second);
    assert_eq!((kept(), calendars()), (json!(before[0]), before));
    // What has been named since stays named, and what is gone by then is not named again.
    let third = begun_for(&app, "CN-2022", Some(&course.intake));
    let named = kept();
    take_back(&first);
    assert_eq!((kept(), calendars().len()), (named, 1));
    take_back(&third);
    assert_eq!((kept(), calendars().len()), (Value::Null, 0));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn what_is_wrong_with_days_is_told() {
    let app = spawn_app();
    let (coordinator, calendar) = (app.coordinator(), holidays(&app));
    let rows = ["2020-06-25,放假,", "2020-06-25,上班,", "2020-02-30,放假,", "2020-06-27,maybe,", ",放假,"];
    let path = format!("{calendar}/days/import");
    app.unchanged(|| {
        let reply = import(&coordinator, &format!("{path}?dry_run=true"), DAYS, &rows).expect(200);
        let expected: &[(u64, &str, &[&str])] = &[
            (2, "create", &[]),
            (3, "duplicate_in_file", &["duplicate_in_file"]),
            (4, "invalid", &["date_malformed"]),
            (5, "invalid", &["unknown_value"]),
            (6, "invalid", &["cell_missing"]),
        ];
        assert_eq!(verdicts(&reply), said(expected));
        import(&coordinator, &path, DAYS, &rows).expect(422).problem("import_rows_invalid");
        import(&coordinator, &path, "日期", &["2020-06-25"]).expect(422).problem("columns_missing");
        import(&coordinator, &format!("{calendar}/shifts/import"), SHIFTS, &[]).expect(409).problem("calendar_of_another_kind");
        import(&coordinator, &format!("/calendars/{}/days/import", app.absent_id()), DAYS, &rows).expect(404);
    });
    import(&coordinator, &format!("{path}?partial=true"), DAYS, &rows).expect(200);
    assert_eq!(listed(&coordinator, &format!("{calendar}/days")).len(), 1);
}

#[test]
fn shifts_cross_midnight_are_corrected_and_taken_out_by_a_rest() {
    let app = spawn_app();
    let (coordinator, calendar) = (app.coordinator(), rota(&app));
    let (shifts, path) = (format!("{calendar}/shifts"), format!("{calendar}/shifts/import"));
    let first = ["甲,2020-06-01,8:00,16:00,早班", "甲,2020-06-02,16:00,0:00,中班", "甲,2020-06-03,20:00,08:00,夜班", "甲,2020-06-04,,,休"];
    let imported = import(&coordinator, &path, SHIFTS, &first).expect(200);
    let expected: &[(u64, &str, &[&str])] = &[(2, "create", &[]), (3, "create", &[]), (4, "create", &[]), (5, "unchanged", &[])];
    assert_eq!(verdicts(&imported), said(expected));
    let before = listed(&coordinator, &shifts);
    let times = |shift: &Value| (shift["starts_at"].as_str().unwrap().to_owned(), shift["ends_at"].as_str().unwrap().to_owned());
    assert_eq!(times(&before[1]), ("2020-06-02T08:00:00Z".to_owned(), "2020-06-02T16:00:00Z".to_owned()));
    assert_eq!(times(&before[2]), ("2020-06-03T12:00:00Z".to_owned(), "2020-06-04T00:00:00Z".to_owned()));
    // A longer one, a rest, and nothing new.
    let second = ["甲,2020-06-01,8:00,17:00,", "甲,2020-06-02,,,休", "甲,2020-06-03,20:00,08:00,夜班", "乙,2020-06-03,20:00,08:00,"];
    let corrected = import(&coordinator, &path, SHIFTS, &second).expect(200);
    let expected: &[(u64, &str, &[&str])] = &[(2, "update", &[]), (3, "update", &[]), (4, "unchanged", &[]), (5, "create", &[])];
    assert_eq!(verdicts(&corrected), said(expected));
    let after = listed(&coordinator, &shifts);
    assert_eq!((after.len(), &after[0]["ends_at"], &after[0]["name"]), (3, &json!("2020-06-01T09:00:00Z"), &json!("早班")));
    undo(&coordinator, &corrected).expect(200);
    assert_eq!(listed(&coordinator, &shifts), before);
    app.unchanged(|| {
        let wrong = [
            "甲,2020-06-05,8:00,,早班",
            "甲,2020-06-06,8:00,16:00,",
            "甲,2020-06-06,8:00,12:00,",
            "甲,2020-06-06,,,休",
            "甲,2020-06-06,7,8:00,",
        ];
        let reply = import(&coordinator, &format!("{path}?dry_run=true"), SHIFTS, &wrong).expect(200);
        let expected: &[(u64, &str, &[&str])] = &[
            (2, "invalid", &["cell_missing"]),
            (3, "create", &[]),
            (4, "duplicate_in_file", &["duplicate_in_file"]),
            (5, "duplicate_in_file", &["duplicate_in_file"]),
            (6, "invalid", &["time_malformed"]),
        ];
        assert_eq!(verdicts(&reply), said(expected));
    });
}

/// The crew and the start of each listed shift.
fn starts(coordinator: &Client, shifts: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    listed(coordinator, shifts).iter().map(|shift| (text(&shift["crew"]), text(&shift["starts_at"]))).collect()
}

#[test]
fn a_corrected_start_replaces_the_wrong_one_and_what_a_rota_has_no_more_is_taken_out() {
    let app = spawn_app();
    let (coordinator, calendar) = (app.coordinator(), rota(&app));
    let (shifts, path) = (format!("{calendar}/shifts"), format!("{calendar}/shifts/import"));
    let first = [
        "甲,2020-06-01,8:00,16:00,早班",
        "甲,2020-06-02,8:00,12:00,",
        "甲,2020-06-02,14:00,18:00,",
        "甲,2020-06-03,20:00,23:00,夜班",
        "甲,2020-06-05,8:00,16:00,",
        "甲,2020-06-06,8:00,16:00,",
        "乙,2020-06-03,8:00,16:00,",
    ];
    import(&coordinator, &path, SHIFTS, &first).expect(200);
    let before = listed(&coordinator, &shifts);
    // The early shift begins an hour later, so does the second of a day; the night shift begins on the day after, and the 5th is free.
    let second = [
        "甲,2020-06-01,9:00,16:00,",
        "甲,2020-06-02,8:00,12:00,",
        "甲,2020-06-02,15:00,18:00,",
        "甲,2020-06-04,0:30,8:00,夜班",
        "甲,2020-06-06,8:00,16:00,",
    ];
    let dry = app.unchanged(|| import(&coordinator, &format!("{path}?dry_run=true"), SHIFTS, &second).expect(200));
    let expected: &[(u64, &str, &[&str])] =
        &[(2, "update", &[]), (3, "unchanged", &[]), (4, "update", &[]), (5, "update", &[]), (6, "unchanged", &[])];
    assert_eq!(verdicts(&dry), said(expected));
    let what = |row: usize| dry.body["rows"][row]["what"].clone();
    let corrected = json!([{ "field": "shift", "from": "2020-06-01 08:00+08:00 to 2020-06-01 16:00+08:00 早班", "to": "2020-06-01 09:00+08:00 to 2020-06-01 16:00+08:00 早班" }]);
    assert_eq!(what(0), corrected);
    // The night shift of the 3rd and the shift of the 5th, each in the row before it.
    let taken_out = |day: &str, times: &str| json!({ "field": "shift", "from": format!("2020-06-{day} {times}"), "to": null });
    assert_eq!(what(2)[1], taken_out("03", "20:00+08:00 to 2020-06-03 23:00+08:00 夜班"));
    assert_eq!(what(3)[1], taken_out("05", "08:00+08:00 to 2020-06-05 16:00+08:00"));
    assert_eq!(dry.body["counts"]["removed"], 2);
    let imported = import(&coordinator, &path, SHIFTS, &second).expect(200);
    assert_eq!((&imported.body["rows"], &imported.body["counts"]), (&dry.body["rows"], &dry.body["counts"]));
    let entry = |action: &str| app.auditor().get(&format!("/audit?action={action}")).expect(200).items().last().unwrap().clone();
    assert_eq!(entry("import.committed")["to"]["counts"]["removed"], 2);
    let (was, is) = (entry("calendar.filled")["from"].clone(), entry("calendar.filled")["to"].clone());
    assert_eq!((was.as_array().unwrap().len(), is.as_array().unwrap().len()), (4, 3));
    assert_eq!(was[3]["starts_at"], "2020-06-05T00:00:00Z");
    let start = |crew: &str, at: &str| (crew.to_owned(), format!("2020-06-{at}:00Z"));
    let after = [
        start("甲", "01T01:00"),
        start("甲", "02T00:00"),
        start("甲", "02T07:00"),
        // Another crew's is not touched.
        start("乙", "03T00:00"),
        start("甲", "03T16:30"),
        start("甲", "06T00:00"),
    ];
    assert_eq!(starts(&coordinator, &shifts), after);
    undo(&coordinator, &imported).expect(200);
    assert_eq!(listed(&coordinator, &shifts), before);
    // A row that cannot be read may have been about any day, so that only days which are named lose a shift.
    let broken = ["甲,2020-06-01,9:00,16:00,", "甲,2020-06-0,8:00,16:00,", "甲,2020-06-06,8:00,16:00,"];
    import(&coordinator, &format!("{path}?partial=true"), SHIFTS, &broken).expect(200);
    assert_eq!(starts(&coordinator, &shifts).len(), before.len());
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_shift_that_the_clocks_show_twice_can_be_said_in_full() {
    let app = spawn_app();
    let sponsor = seed::sponsor(&app, "WERK");
    let body = json!({ "kind": "shifts", "code": "WERK", "name": "Werk", "time_zone": "Europe/Berlin", "organization_id": sponsor.id });
    let calendar = format!("/calendars/{}", app.coordinator().post("/calendars", body).expect(201).id());
    let (coordinator, path) = (app.coordinator(), format!("{calendar}/shifts/import"));
    let asked = import(&coordinator, &format!("{path}?dry_run=true"), SHIFTS, &["A,2027-10-30,20:00,02:30,"]).expect(200);
    assert_eq!(verdicts(&asked), said(&[(2, "invalid", &["local_time_ambiguous"])]));
    let wrong = [
        "A,2027-10-30,2027-10-31T20:00+01:00,23:00,",
        "B,2027-10-30,20:00,2027-10-30T19:00+02:00,",
        "C,2027-10-30,20:00,2027-11-01T19:00Z,",
    ];
    let refused = import(&coordinator, &format!("{path}?dry_run=true"), SHIFTS, &wrong).expect(200);
    assert_eq!(
        verdicts(&refused),
        said(&[(2, "invalid", &["date_differs"]), (3, "invalid", &["end_before_start"]), (4, "invalid", &["too_long"])])
    );
    import(&coordinator, &path, SHIFTS, &["A,2027-10-30,20:00,2027-10-31T02:30+01:00,"]).expect(200);
    assert_eq!(listed(&coordinator, &format!("{calendar}/shifts"))[0]["ends_at"], "2027-10-31T01:30:00Z");
}

#[test]
fn the_example_files_are_taken() {
    let app = spawn_app();
    let coordinator = app.coordinator();
    for (calendar, part, file, rows) in [(holidays(&app), "days", "holidays.csv", 21), (rota(&app), "shifts", "shifts.csv", 632)] {
        let reply = coordinator.post_file(&format!("{calendar}/{part}/import"), file, &example(file)).expect(200);
        assert_eq!(reply.body["rows"].as_array().unwrap().len(), rows, "{file}");
        assert_eq!((reply.body["outcome"].as_str(), &reply.body["unknown_columns"]), (Some("committed"), &json!([])), "{file}");
    }
}
