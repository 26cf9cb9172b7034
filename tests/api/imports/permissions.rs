//! Who may import: first whether the object is there, then whether the action is theirs, and only then what is in the file.

use serde_json::json;

use muster::access::Role;

use super::{ROSTER, csv, import_roster, import_schedule, roster_path, schedule_path};
use crate::support::{Client, TokenOptions, seed, spawn_app};

const JUNK: &[u8] = b"PK\x03\x04 no workbook";

#[test]
fn the_object_comes_first_then_the_right_and_then_the_file() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    seed::held_session(&course, "H-1", &seed::morning(1));
    let (partner, stranger) = (app.partner(&course.sponsor.id), app.partner(&seed::sponsor(&app, "HBIS").id));
    let instructor = app.instructor(&course.instructor);
    let other = seed::organization(&app, "NEU", "东北大学", "university", None);
    let foreign = app.coordinator_of(&other);
    let (trainee, auditor, administrator) = (app.trainee(&member.trainee), app.auditor(), app.administrator());
    app.unchanged(|| {
        for path in [roster_path(&course), schedule_path(&course)] {
            for client in [&stranger, &foreign] {
                client.post_file(&path, "a.csv", JUNK).expect(404).problem("not_found");
            }
            for client in [&partner, &instructor, &trainee, &auditor, &administrator] {
                client.post_file(&path, "a.csv", JUNK).expect(403).problem("forbidden");
                client.post_file(&format!("{path}?dry_run=true"), "a.csv", JUNK).expect(403).problem("forbidden");
            }
            app.anonymous().post_file(&path, "a.csv", JUNK).expect(401);
            course.coordinator.post_file(&path, "a.csv", JUNK).expect(422).problem("workbook_unreadable");
        }
        for client in [&partner, &instructor, &course.coordinator, &auditor] {
            client.post_file("/organizations/import", "a.csv", JUNK).expect(403);
        }
        for client in [&partner, &instructor, &auditor, &administrator] {
            client.post_file("/instructors/import", "a.csv", JUNK).expect(403);
        }
    });
}

#[test]
fn an_import_is_its_providers_own() {
    let app = spawn_app();
    let course = seed::course(&app);
    let import = import_roster(&course, &course.coordinator, "", &["张伟,,0001,JISCO,MET,,"]).expect(200).text_at("/import_id");
    let (read, undo) = (format!("/imports/{import}"), format!("/imports/{import}/undo"));
    for client in [&course.coordinator, &app.auditor(), &app.administrator()] {
        client.get(&read).expect(200);
    }
    let foreign = app.coordinator_of(&seed::organization(&app, "NEU", "东北大学", "university", None));
    for client in [&foreign, &app.partner(&course.sponsor.id), &app.instructor(&course.instructor)] {
        client.get(&read).expect(404);
        client.post(&undo, json!({})).expect(404);
    }
    for client in [&app.auditor(), &app.administrator()] {
        client.post(&undo, json!({})).expect(403);
    }
    course.coordinator.get(&format!("/imports/{}", app.absent_id())).expect(404);
}

#[test]
fn a_narrowed_token_undoes_no_more_than_it_may_import() {
    let app = spawn_app();
    let course = seed::course(&app);
    let next = seed::course_called(&app, "NEXT", "HBIS");
    let roster = import_roster(&course, &course.coordinator, "", &["张伟,,0001,JISCO,MET,,"]).expect(200).text_at("/import_id");
    let row = "D-1,MET-01,MET-1,,2020-06-03,14:00,15:00,,,";
    let schedule = import_schedule(&course, &course.coordinator, "", &[row]).expect(200).text_at("/import_id");
    let file = csv("姓名,工号", &["王芳,B9"]);
    let people = course.coordinator.post_file("/instructors/import", "a.csv", &file).expect(200).text_at("/import_id");
    let coordinator = |options| app.client_for(Role::Coordinator, Some(&app.provider().id), None, options);
    let narrowed = |intake: &str| coordinator(TokenOptions { intake: Some(intake.to_owned()), ..TokenOptions::default() });
    let (here, elsewhere) = (narrowed(&course.intake), narrowed(&next.intake));
    let read_only = coordinator(TokenOptions { read_only: true, ..TokenOptions::default() });
    let undo = |client: &Client, import: &str| client.post(&format!("/imports/{import}/undo"), json!({}));
    app.unchanged(|| {
        for import in [&roster, &schedule, &people] {
            undo(&elsewhere, import).expect(404);
            undo(&read_only, import).expect(403).problem("forbidden");
        }
        undo(&here, &people).expect(404);
        // The people of a roster are not the intake's alone.
        undo(&here, &roster).expect(403).problem("forbidden");
    });
    assert_eq!(here.get("/imports").expect(200).column("id"), [roster, schedule.clone()]);
    assert_eq!(elsewhere.get("/imports").expect(200).items().len(), 0);
    undo(&here, &schedule).expect(200);
}

#[test]
fn the_form_has_one_file() {
    let app = spawn_app();
    let course = seed::course(&app);
    let path = roster_path(&course);
    let form = |parts: &str| (format!("{parts}--x--\r\n"), "multipart/form-data; boundary=x");
    let part = |name: &str| format!("--x\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"a.csv\"\r\n\r\n{ROSTER}\r\n");
    let send = |(body, content_type): (String, &str)| course.coordinator.post_bytes(&path, content_type, body.as_bytes());
    app.unchanged(|| {
        send(form(&part("files"))).fault("/files", "unknown_field");
        send(form(&(part("file") + &part("note")))).fault("/note", "unknown_field");
        send(form(&(part("file") + &part("file")))).fault("/file", "duplicate_field");
        send(form("")).expect(400).problem("multipart_malformed");
        send(("junk".to_owned(), "multipart/form-data; boundary=x")).expect(400).problem("multipart_malformed");
        send(("{}".to_owned(), "application/json")).expect(415).problem("unsupported_media_type");
        course.coordinator.post_file(&path, "a.csv", &vec![b'a'; 8 * 1024 * 1024 + 1]).expect(413).problem("file_too_large");
        course.coordinator.post_file(&path, "a.csv", &vec![b'a'; 9 * 1024 * 1024]).expect(413).problem("body_too_large");
        course.coordinator.post_file(&format!("{path}?dry_run=maybe"), "a.csv", &csv(ROSTER, &[])).expect(400);
        course.coordinator.post_file(&format!("{path}?colour=red"), "a.csv", &csv(ROSTER, &[])).expect(400);
    });
    send(form(&part("file"))).expect(200);
}
