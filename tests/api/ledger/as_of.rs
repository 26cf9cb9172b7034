use serde_json::{Value, json};

use crate::support::{App, Kind, Reply, seed, seed::Course, seed::Enrolled, spawn_app};

/// A trainee present in a closed session, and the instant of that closing.
fn closed(app: &App) -> (Course, Enrolled, String) {
    let course = seed::course(app);
    let member = seed::enrolled(&course, 1).remove(0);
    seed::closed_session(&course, "MET-01", &seed::morning(1), &[seed::line_of(&member, "late", 60)]);
    let at = hours(&course, &member, None).column("recorded_at").remove(0);
    (course, member, at)
}

fn hours(course: &Course, member: &Enrolled, as_of: Option<&str>) -> Reply {
    let query = as_of.map(|at| format!("?as_of={at}")).unwrap_or_default();
    course.coordinator.get(&format!("/enrollments/{}/hours{query}", member.id)).expect(200)
}

fn adjust(course: &Course, member: &Enrolled, minutes: i64) -> Reply {
    let body = json!({ "module_id": course.program.metallurgy_module, "minutes": minutes, "reason": "by order" });
    course.coordinator.post(&format!("/enrollments/{}/hours", member.id), body).expect(201)
}

/// What a ledger comes to: minutes of the entries, attended and adjusted.
fn sums(reply: &Reply) -> (Vec<String>, &Value, &Value) {
    (reply.column("minutes"), &reply.body["balance"]["attended_minutes"], &reply.body["balance"]["adjustment_minutes"])
}

#[test]
fn the_hours_are_told_as_they_were() {
    let app = spawn_app();
    let (course, member, at) = closed(&app);
    let first = hours(&course, &member, Some(&at));
    assert_eq!((&first.body["as_of"], sums(&first)), (&json!(at), (vec!["60".into(), "30".into()], &json!(60), &json!(0))));
    let adjusted = adjust(&course, &member, 10);
    let again = hours(&course, &member, Some(&at));
    assert_eq!(again.body, first.body);
    let then = hours(&course, &member, Some(&adjusted.text_at("/recorded_at")));
    assert_eq!(sums(&then), (vec!["60".into(), "30".into(), "10".into()], &json!(60), &json!(10)));
    assert!(then.body["position"].as_i64() > first.body["position"].as_i64(), "{}", then.text);
    // What the audit lists there is the act.
    let position = then.body["position"].as_i64().unwrap();
    let entry = app.auditor().get(&format!("/audit?cursor={}&limit=1", position - 1)).expect(200).items()[0].clone();
    assert_eq!((&entry["action"], &entry["subject_id"]), (&json!("hours.adjusted"), &json!(adjusted.id())));
    let before = hours(&course, &member, Some("2020-05-27T00:00:00Z"));
    assert_eq!((sums(&before), &before.body["position"]), ((vec![], &json!(0), &json!(0)), &json!(0)));
    let now = hours(&course, &member, None);
    assert_eq!((sums(&now), &now.body["as_of"], &now.body["position"]), (sums(&then), &json!(null), &json!(null)));
    let page = course.coordinator.get(&format!("/enrollments/{}/hours?as_of={at}&limit=1", member.id)).expect(200);
    let next = page.body["next"].as_str().unwrap();
    let rest = course.coordinator.get(&format!("/enrollments/{}/hours?as_of={at}&cursor={next}", member.id)).expect(200);
    assert_eq!((page.column("minutes"), rest.column("minutes"), &rest.body["next"]), (vec!["60".into()], vec!["30".into()], &json!(null)));
}

#[test]
fn what_was_under_way_when_it_was_asked_counts_later() {
    let app = spawn_app();
    let (course, member, at) = closed(&app);
    let told = hours(&course, &member, Some(&at));
    // As a transaction leaves it that began before the instant that was asked for and ends after.
    let columns = "recorded_at, role, subject_kind, subject_id, payload_digest";
    let [entry, line] = [(); 2].map(|()| app.hex(&app.absent_id()));
    let act = |id: &str| {
        format!(
            "INSERT INTO journal_entries (id, action, {columns}) SELECT {id}, 'hours.adjusted', {columns} FROM journal_entries
             WHERE action = 'roll_call.closed'"
        )
    };
    let columns = "enrollment_id, module_id, recorded_at";
    let id = app.hex(&member.id);
    let post = format!(
        "INSERT INTO hour_entries (id, kind, minutes, posting_id, reason, {columns}) SELECT {line}, 'adjustment', 5, {entry}, 'x', {columns}
         FROM hour_entries WHERE enrollment_id = {id} AND kind = 'attended'"
    );
    app.sql(&post).unwrap();
    app.sql(&act(&entry)).unwrap();
    // What is posted for an act that is over would change what was told.
    let late = post.replacen(&line, &app.hex(&app.absent_id()), 1);
    assert!(app.refusal(&late).contains("immutable"));
    assert_eq!(hours(&course, &member, None).items().len(), 3);
    assert_eq!(hours(&course, &member, Some(&at)).body, told.body);
    let later = adjust(&course, &member, 1).text_at("/recorded_at");
    assert_eq!(hours(&course, &member, Some(&at)).body, told.body);
    assert_eq!(hours(&course, &member, Some(&later)).column("minutes"), ["60", "30", "5", "1"]);
    // Nor does the database take it otherwise.
    let another = app.hex(&app.absent_id());
    app.sql(&act(&another)).unwrap();
    let seal = format!(
        "INSERT INTO journal_seals (position, hash, entry_id, subject_id, action, counts_from)
         SELECT (SELECT max(position) FROM journal_seals) + 1, hash, {another}, subject_id, action, counts_from FROM journal_seals WHERE position = 1"
    );
    assert!(app.refusal(&seal).contains("journal_out_of_order"));
    assert!(app.refusal("DELETE FROM journal_horizon").contains("immutable"));
    let earlier = if app.database.kind() == Kind::Sqlite { "told_until - 1" } else { "told_until - interval '1 second'" };
    assert!(app.refusal(&format!("UPDATE journal_horizon SET told_until = {earlier}")).contains("immutable"));
}

#[test]
fn only_what_is_over_and_ones_own_is_told() {
    let app = spawn_app();
    let (course, member, at) = closed(&app);
    let path = format!("/enrollments/{}/hours", member.id);
    for (as_of, detail) in [
        ("2199-01-01T00:00:00Z", "as_of: must not lie in the future"),
        ("2020-05-27", "as_of: must be an RFC 3339 instant such as 2020-05-27T11:00:00Z"),
    ] {
        let refused = course.coordinator.get(&format!("{path}?as_of={as_of}")).expect(400).problem("query_malformed");
        assert_eq!(refused.text_at("/detail"), detail);
    }
    app.partner(&seed::sponsor(&app, "BAOWU").id).get(&format!("{path}?as_of={at}")).expect(404);
    app.instructor(&course.instructor).get(&format!("{path}?as_of={at}")).expect(403);
    let own = app.trainee(&member.trainee).get(&format!("{path}?as_of={at}")).expect(200);
    // How much is written in all is nothing to a trainee or a partner.
    assert_eq!((own.column("minutes"), &own.body["position"]), (vec!["60".into(), "30".into()], &json!(null)));
}
