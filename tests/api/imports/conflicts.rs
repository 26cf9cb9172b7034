//! What stands in the way of the rows of a schedule, as the check of sessions tells it.

use serde_json::{Value, json};

use super::{import_schedule, said, verdicts};
use crate::support::{Reply, seed, spawn_app};

/// The conflicts of one row, and of the session that a check proposes: all but where each was said.
fn conflicts(of: &Value) -> Vec<Value> {
    let mut conflicts = of["conflicts"].as_array().cloned().unwrap_or_default();
    for conflict in &mut conflicts {
        for end in ["session", "other"] {
            if let Some(pointer) = conflict[end].get_mut("pointer") {
                pointer.take();
            }
        }
    }
    conflicts
}

fn row(reply: &Reply, index: usize) -> Value {
    reply.body["rows"][index].clone()
}

#[test]
fn a_row_is_told_what_a_check_of_the_session_tells() {
    let app = spawn_app();
    let course = seed::course(&app);
    seed::published_session(&course, "OLD", &seed::morning(1));
    let rows = ["NEW,MET-01,MET-1,HONGXING-P1,2020-06-02,10:00,11:00,,,Hall 1"];
    app.unchanged(|| {
        let dry = import_schedule(&course, &course.coordinator, "?dry_run=true&publish=true", &rows).expect(200);
        assert_eq!(verdicts(&dry), said(&[(2, "invalid", &["session_conflict"])]));
        let mut body = seed::session_body(&course, "NEW", "2020-06-02T02:00:00Z");
        body["ends_at"] = json!("2020-06-02T03:00:00Z");
        let checked = course.coordinator.post(&format!("/intakes/{}/sessions/check", course.intake), json!({ "sessions": [body] }));
        let checked = checked.expect(200);
        assert_eq!(checked.body["conflicts"].as_array().unwrap().len(), 2, "{}", checked.text);
        assert_eq!(conflicts(&row(&dry, 0)), conflicts(&checked.body));
        assert_eq!(dry.body["rows"][0]["conflicts"][0]["session"]["pointer"], "/rows/2");
        // The words of the refusal are those of its first conflict.
        assert_eq!(dry.body["rows"][0]["reasons"][0]["detail"], checked.body["conflicts"][0]["detail"]);
        let refused = import_schedule(&course, &course.coordinator, "?publish=true", &rows).expect(422).problem("import_rows_invalid");
        assert_eq!(conflicts(&refused.body), conflicts(&checked.body));
        // Of a draft the same is told, and keeps nobody from importing it.
        let draft = import_schedule(&course, &course.coordinator, "?dry_run=true", &rows).expect(200);
        assert_eq!((row(&draft, 0)["verdict"].clone(), conflicts(&row(&draft, 0))), (json!("create"), conflicts(&checked.body)));
        let told = import_schedule(&course, &course.coordinator, "?dry_run=true&verdicts=csv", &rows).expect(200).text;
        assert!(told.contains("keeps it from being published: session NEW overlaps session OLD"), "{told}");
    });
}

#[test]
fn a_row_is_taken_with_its_warnings() {
    let app = spawn_app();
    let course = seed::course(&app);
    let first = seed::published_session(&course, "P-1", &seed::morning(1));
    let second = seed::session(&course, "P-2", &seed::morning(1));
    let waiver = json!({ "other_session_id": first, "reason": "one laboratory" });
    course.coordinator.post(&format!("/sessions/{second}/waivers"), waiver).expect(201);
    let rows = ["P-2,MET-01,MET-1,,2020-06-02,9:00,10:30,,,Hall 1", "N-1,MET-01,MET-1,,2020-06-02,10:00,11:00,,,Hall 1"];
    let dry = import_schedule(&course, &course.coordinator, "?dry_run=true&publish=true", &rows).expect(200);
    assert_eq!(verdicts(&dry), said(&[(2, "update", &[]), (3, "invalid", &["session_conflict"])]));
    // The other row is refused, and so in nobody's way: what is left of its conflicts is what was waived.
    let warned = row(&dry, 0);
    assert!(
        warned["conflicts"].as_array().unwrap().iter().all(|one| one["severity"] == "warn" && one["other"]["code"] == "P-1"),
        "{warned}"
    );
    assert_eq!((warned["conflicts"].as_array().unwrap().len(), &warned["conflicts"][0]["waiver"]["reason"]), (2, &json!("one laboratory")));
    assert_eq!(row(&dry, 1)["conflicts"][0]["severity"], "block");
    let told = import_schedule(&course, &course.coordinator, "?dry_run=true&publish=true&verdicts=csv", &rows).expect(200).text;
    assert!(told.contains("warning: session P-2 overlaps session P-1"), "{told}");
    let taken = import_schedule(&course, &course.coordinator, "?partial=true&publish=true", &rows).expect(200);
    assert_eq!(conflicts(&row(&taken, 0)), conflicts(&row(&dry, 0)));
    assert_eq!(app.count("SELECT count(*) FROM sessions WHERE state = 'published'"), 2);
}

#[test]
fn of_drafts_at_one_time_and_of_what_stays_as_it_is_each_row_is_told() {
    let app = spawn_app();
    let course = seed::course(&app);
    seed::published_session(&course, "P-1", &seed::morning(1));
    let (first, second) = ("D-1,MET-01,MET-1,,2020-06-02,9:30,11:00,,,Hall 1", "D-2,MET-01,MET-1,,2020-06-02,10:30,11:30,,,Hall 1");
    let told = |reply: &Reply| -> Vec<Vec<Value>> {
        let of_row = |row: &Value| {
            let conflicts = row["conflicts"].as_array().into_iter().flatten();
            conflicts.map(|one| json!([one["kind"], one["severity"], one["other"]["code"], one["other"]["pointer"]])).collect()
        };
        reply.body["rows"].as_array().unwrap().iter().map(of_row).collect()
    };
    let beside = |other: &str, row: u32| json!(["cohort", "warn", other, format!("/rows/{row}")]);
    let expected =
        [vec![json!(["cohort", "block", "P-1", null]), beside("D-2", 3)], vec![beside("D-1", 2)]].map(|mut of_row: Vec<Value>| {
            of_row.sort_by_key(Value::to_string);
            of_row
        });
    let sorted = |mut told: Vec<Vec<Value>>| {
        told.iter_mut().for_each(|of_row| of_row.sort_by_key(Value::to_string));
        told
    };
    let made = import_schedule(&course, &course.coordinator, "", &[first, second]).expect(200);
    assert!(made.text.contains("; both cannot be published"), "{}", made.text);
    assert_eq!((verdicts(&made), sorted(told(&made))), (said(&[(2, "create", &[]), (3, "create", &[])]), expected.to_vec()));
    // The same file again, alone and beside a row that is refused: its rows change nothing, and what is in their way is there still.
    let again = import_schedule(&course, &course.coordinator, "", &[first, second]).expect(200);
    assert_eq!((verdicts(&again), sorted(told(&again))), (said(&[(2, "unchanged", &[]), (3, "unchanged", &[])]), expected.to_vec()));
    let refused = "N-1,MET-01,MET-1,,2020-05-01,9:00,10:30,,,Hall 1";
    let beside = import_schedule(&course, &course.coordinator, "?dry_run=true", &[first, second, refused]).expect(200);
    assert_eq!(sorted(told(&beside))[..2], expected);
}

#[test]
fn of_two_published_rows_that_may_overlap_each_is_told() {
    let app = spawn_app();
    let course = seed::course(&app);
    let first = seed::published_session(&course, "P-1", &seed::morning(1));
    let second = seed::session(&course, "P-2", &seed::morning(1));
    let waiver = json!({ "other_session_id": first, "reason": "one laboratory" });
    course.coordinator.post(&format!("/sessions/{second}/waivers"), waiver).expect(201);
    course.coordinator.post(&format!("/sessions/{second}/publish"), json!({})).expect(200);
    let rows = ["P-1,MET-01,MET-1,,2020-06-02,9:00,10:30,,,Hall 2", "P-2,MET-01,MET-1,,2020-06-02,9:00,10:30,,,Hall 2"];
    let dry = import_schedule(&course, &course.coordinator, "?dry_run=true&reason=x", &rows).expect(200);
    for (index, other) in [(0, "P-2"), (1, "P-1")] {
        let told = conflicts(&row(&dry, index)).into_iter().find(|one| one["kind"] == "cohort").unwrap();
        assert_eq!((&told["other"]["code"], &told["severity"]), (&json!(other), &json!("warn")));
        assert!(told["detail"].as_str().unwrap().ends_with("; waived: one laboratory"), "{told}");
    }
}

#[test]
fn of_the_plan_the_first_take_first_however_the_file_lists_them() {
    let app = spawn_app();
    let course = seed::short_course(&app, 180);
    let rows = [(3, "N-3"), (1, "N-1"), (2, "N-2")].map(|(day, code)| format!("{code},MET-01,MET-1,,2020-06-0{day},9:00,10:30,,,Hall 1"));
    let [last, first, middle] = &rows;
    let exceeding = |reply: &Reply| -> Vec<String> {
        let rows = reply.body["rows"].as_array().unwrap().iter();
        let exceeds = |row: &&Value| row["conflicts"].as_array().into_iter().flatten().any(|one| one["kind"] == "plan_exceeded");
        rows.filter(exceeds).map(|row| row["key"].as_str().unwrap().to_owned()).collect()
    };
    import_schedule(&course, &course.coordinator, "", &[first]).expect(200);
    for _ in 0..2 {
        let told = import_schedule(&course, &course.coordinator, "", &[last, first, middle]).expect(200);
        assert_eq!(exceeding(&told), ["N-3"]);
    }
}

#[test]
fn who_is_refused_is_in_the_way_where_it_stays() {
    let app = spawn_app();
    let course = seed::course(&app);
    seed::published_session(&course, "WALL", &seed::morning(3));
    seed::published_session(&course, "A", &seed::morning(1));
    seed::published_session(&course, "B", &seed::morning(2));
    // A cannot go where the wall is, so that B cannot take its place, though neither overlaps the other as proposed.
    let rows = ["A,MET-01,MET-1,,2020-06-04,9:00,10:30,,,Hall 1", "B,MET-01,MET-1,,2020-06-02,9:00,10:30,,,Hall 1"];
    let dry = import_schedule(&course, &course.coordinator, "?dry_run=true&reason=x", &rows).expect(200);
    assert_eq!(verdicts(&dry), said(&[(2, "invalid", &["session_conflict"]), (3, "invalid", &["session_conflict"])]));
    let told = row(&dry, 1);
    let other = &told["conflicts"][0]["other"];
    assert_eq!((&other["code"], &other["starts_at"]), (&json!("A"), &json!(seed::morning(1))), "{told}");
    // It is over by now, of which it is warned.
    let kinds: Vec<&Value> = told["conflicts"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["cohort", "in_the_past"], "{told}");
    assert_eq!(told["reasons"][0]["detail"], told["conflicts"][0]["detail"]);
}

#[test]
fn a_file_says_when_more_is_in_the_way_than_it_tells() {
    let app = spawn_app();
    let course = seed::course(&app);
    let rows: Vec<String> = (0..46).map(|index| format!("N-{index},MET-01,MET-1,,2020-06-02,9:00,10:30,,,Hall 1")).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    app.unchanged(|| {
        // 32 sessions at one time make 496 pairs, 33 of them 528, and 46 of them 1,035; of drafts each side is told.
        for (count, truncated) in [(32, false), (33, true)] {
            let dry = import_schedule(&course, &course.coordinator, "?dry_run=true", &rows[..count]).expect(200);
            assert_eq!(dry.body["truncated"], truncated);
        }
        let refused = import_schedule(&course, &course.coordinator, "?publish=true", &rows).expect(422).problem("import_rows_invalid");
        assert_eq!(refused.body["truncated"], true);
    });
}
