use serde_json::json;

use super::{path, taught};
use crate::support::{Client, seed, spawn_app};

#[test]
fn who_has_the_report_already_is_not_sent_it_again() {
    let app = spawn_app();
    let taught = taught(&app);
    let (client, path) = (&taught.course.coordinator, path(&taught.course));
    let tag = client.get(&path).expect(200).etag();
    assert!(tag.starts_with("W/\""), "{tag}");
    let reply = client.if_none_match(&tag).get(&path).expect(304);
    assert_eq!((reply.text.as_str(), reply.etag()), ("", tag.clone()));
    assert_eq!(client.head(&path).expect(200).etag(), tag);
    // Pulling it is journaled, being told that nothing is new is not.
    let pulled = "SELECT count(*) FROM journal_entries WHERE action = 'report.pulled'";
    let before = app.count(pulled);
    client.if_none_match(&tag).get(&path).expect(304);
    assert_eq!(app.count(pulled), before);
    client.get(&path).expect(200);
    assert_eq!(app.count(pulled), before + 1);
}

#[test]
fn each_form_of_a_report_has_a_tag_of_its_own() {
    let app = spawn_app();
    let taught = taught(&app);
    let (client, path) = (&taught.course.coordinator, path(&taught.course));
    let csv = client.with_header("accept", "text/csv");
    let mut tags = vec![
        client.get(&path).etag(),
        csv.get(&path).etag(),
        client.get(&format!("{path}?by=module")).etag(),
        client.get(&format!("{path}?by=discipline")).etag(),
        app.partner(&taught.course.sponsor.id).get(&path).etag(),
        app.partner(&taught.course.sponsor.plants[0]).get(&path).etag(),
        app.partner(&taught.other.id).get(&path).etag(),
    ];
    // Two of the same scope share it.
    assert_eq!(app.coordinator().get(&path).etag(), tags[0]);
    let count = tags.len();
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), count);
}

#[test]
fn the_tag_changes_when_and_only_when_what_is_shown_changes() {
    let app = spawn_app();
    let taught = taught(&app);
    let (course, path) = (&taught.course, path(&taught.course));
    let coordinator = &course.coordinator;
    let readers = [coordinator.clone(), app.partner(&course.sponsor.id), app.partner(&taught.other.id)];
    let tags = |readers: &[Client; 3]| readers.each_ref().map(|reader| reader.get(&path).expect(200).etag());
    let assert_changed = |what: &str, expected: [bool; 3], work: &dyn Fn()| {
        let before = tags(&readers);
        work();
        let after = tags(&readers);
        assert_eq!(std::array::from_fn::<_, 3, _>(|index| before[index] != after[index]), expected, "{what}");
    };
    let (all, none, own, others) = ([true; 3], [false; 3], [true, true, false], [true, false, true]);
    let patch = |path: String, body| coordinator.if_match("*").patch(&path, body).expect(200);
    assert_changed("nothing", none, &|| ());
    assert_changed("a phone", none, &|| drop(patch(format!("/trainees/{}", taught.anna.trainee), json!({ "phone": "1" }))));
    assert_changed("a name", own, &|| drop(patch(format!("/trainees/{}", taught.anna.trainee), json!({ "name": "改名" }))));
    assert_changed("a latin name", others, &|| drop(patch(format!("/trainees/{}", taught.elif.trainee), json!({ "latin_name": "Elif" }))));
    assert_changed("an instructor's name", none, &|| drop(patch(format!("/instructors/{}", course.instructor), json!({ "name": "改名" }))));
    assert_changed("an enrollment", own, &|| drop(seed::enrolled(course, 1)));
    let theirs = (course.program.metallurgy.as_str(), course.metallurgy.as_str());
    assert_changed("another's enrollment", others, &|| drop(seed::enrolled_at(course, &taught.other.plants[1], theirs, 1)));
    let withdrawal = format!("/enrollments/{}/withdraw", taught.deng.id);
    assert_changed("a withdrawal", own, &|| drop(coordinator.post(&withdrawal, json!({ "reason": "ill" })).expect(200)));
    assert_changed("a draft", none, &|| drop(seed::session(course, "MET-09", &seed::morning(30))));
    let session = std::cell::OnceCell::new();
    assert_changed("publishing", all, &|| session.set(seed::published_session(course, "MET-10", &seed::morning(31))).unwrap());
    let session = session.get().unwrap();
    assert_changed("holding", all, &|| drop(coordinator.post(&format!("/sessions/{session}/hold"), json!({})).expect(200)));
    let roll = coordinator.get(&format!("/sessions/{session}/roll-call")).expect(200);
    let lines: Vec<_> = roll.body["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| json!({ "enrollment_id": line["enrollment_id"], "code": "present" }))
        .collect();
    assert_changed("a roll call put", none, &|| drop(seed::put_roll_call(course, session, &lines).expect(200)));
    assert_changed("a roll call closed", all, &|| drop(seed::step_roll_call(course, session, "close", None).expect(200)));
    assert_changed("a roll call reopened", all, &|| drop(seed::step_roll_call(course, session, "reopen", Some("late note")).expect(200)));
    assert_changed("the intake's name", all, &|| drop(patch(format!("/intakes/{}", course.intake), json!({ "name": "改名" }))));
    assert_changed("another course", none, &|| {
        let other = seed::course_called(&app, "OTHER", "OTHER");
        let member = seed::enrolled(&other, 1).remove(0);
        seed::closed_session(&other, "MET-01", &seed::morning(1), &[seed::line(&member, "present")]);
    });
}
