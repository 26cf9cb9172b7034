//! Every error is a problem document, whoever made it.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use serde_json::{Value, json};

use crate::support::{App, Client, Reply, TokenOptions, seed, spawn_app};

/// Holds a reply to RFC 9457 and to the fields that ours have.
#[track_caller]
fn assert_problem(reply: Reply, status: u16, code: &str) {
    let reply = reply.expect(status).problem(code);
    assert!(!reply.text_at("/title").is_empty() && !reply.text_at("/detail").is_empty(), "{}", reply.text);
    assert_eq!(reply.body["type"], "about:blank");
    assert!(uuid::Uuid::try_parse(&reply.text_at("/instance")).is_ok(), "{}", reply.text);
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(reply.header("content-length"), reply.bytes.len().to_string());
    assert_eq!(reply.header("www-authenticate").starts_with("Bearer"), status == 401, "{:?}", reply.headers);
    assert_eq!(reply.headers.contains_key("retry-after"), status == 503, "{:?}", reply.headers);
    let known = ["type", "title", "status", "detail", "instance", "code", "errors"];
    assert!(reply.body.as_object().unwrap().keys().all(|field| known.contains(&field.as_str())), "{}", reply.text);
}

#[test]
fn every_error_is_a_problem_document() {
    let app = spawn_app();
    let admin = app.administrator();
    let body = json!({ "code": "X", "name": "X", "kind": "college" });
    let id = admin.post("/organizations", body.clone()).expect(201).id();
    let path = format!("/organizations/{id}");
    assert_problem(admin.post_bytes("/organizations", "application/json", b"{"), 400, "json_malformed");
    assert_problem(admin.get("/organizations?limit=x"), 400, "query_malformed");
    assert_problem(admin.get("/audit?action=%00"), 400, "query_malformed");
    assert_problem(admin.get("/organizations?limit=0"), 400, "limit_out_of_range");
    assert_problem(app.anonymous().get("/organizations"), 401, "unauthenticated");
    assert_problem(app.coordinator().post("/organizations", body.clone()), 403, "forbidden");
    assert_problem(admin.get("/organizations/x"), 404, "not_found");
    assert_problem(admin.get("/nothing"), 404, "not_found");
    assert_problem(admin.get("/api/nothing"), 404, "not_found");
    assert_problem(admin.get("/api/v2/organizations"), 404, "not_found");
    assert_problem(admin.delete("/organizations"), 405, "method_not_allowed");
    assert_problem(admin.delete("/healthz"), 405, "method_not_allowed");
    assert_problem(admin.post("/organizations", body.clone()), 409, "already_exists");
    assert_problem(admin.if_match("\"v9\"").patch(&path, json!({ "name": "Y" })), 412, "stale");
    let large = vec![b' '; 1024 * 1024 + 1];
    assert_problem(admin.post_bytes("/organizations", "application/json", &large), 413, "body_too_large");
    assert_problem(admin.post_bytes("/organizations", "text/plain", b"X"), 415, "unsupported_media_type");
    assert_problem(admin.post("/organizations", json!({})), 422, "invalid");
    assert_problem(admin.patch(&path, json!({ "name": "Y" })), 428, "if_match_missing");
}

#[test]
fn who_is_refused_is_told_in_plain_words_what_may_not_be_done() {
    let app = spawn_app();
    let course = seed::course(&app);
    let session = seed::published_session(&course, "S-1", &seed::morning(1));
    let partner = app.partner(&course.sponsor.id);
    let options = TokenOptions { intake: Some(course.intake.clone()), ..TokenOptions::default() };
    let narrowed = app.client_for(muster::access::Role::Coordinator, Some(&app.provider().id), None, options);
    let auditor = app.auditor();
    let program = json!({ "code": "P", "name": "P" });
    for (reply, detail) in [
        (
            app.coordinator().post("/organizations", json!({ "code": "X", "name": "X", "kind": "college" })),
            "a coordinator may not create or change organizations",
        ),
        (auditor.post(&format!("/sessions/{session}/hold"), json!({})), "an auditor may not hold a session"),
        (partner.get("/audit"), "a partner may not read the journal"),
        (
            narrowed.post("/programs", program),
            "this token is good for one intake or program and may not create or change programs where that serves others too",
        ),
    ] {
        assert_eq!(reply.expect(403).problem("forbidden").text_at("/detail"), detail);
    }
}

#[test]
fn an_accept_that_rules_everything_out_is_told_what_there_is() {
    let app = spawn_app();
    let course = seed::course(&app);
    let accepting = |accept: &str| course.coordinator.with_header("accept", accept);
    let progress = format!("/intakes/{}/progress", course.intake);
    let template = "/import-templates/roster".to_owned();
    const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    let types = |path: &str| match path {
        "/programs" => "application/json".to_owned(),
        path if path == progress => "application/json, text/csv".to_owned(),
        _ => format!("text/csv, {XLSX}"),
    };
    for (path, accept) in [
        ("/programs", "image/png"),
        ("/programs", "text/csv"),
        ("/programs", "*/*;q=0"),
        ("/programs", "application/json;q=0, text/*"),
        (&progress, "text/html, application/xml;q=0.9"),
        (&template, "application/json"),
    ] {
        let reply = accepting(accept).get(path);
        let detail = format!("Accept rules out all that is answered here: {}", types(path));
        assert_eq!(reply.text_at("/detail"), detail, "{path} {accept}");
        assert_problem(reply, 406, "not_acceptable");
    }
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8";
    for (path, accept, answered) in [
        ("/programs", "*/*", "application/json"),
        ("/programs", "application/*", "application/json"),
        ("/programs", "", "application/json"),
        ("/programs", "text/csv, application/json;q=0.1", "application/json"),
        ("/programs", "application/problem+json", "application/json"),
        ("/programs", browser, "application/json"),
        (&progress, browser, "application/json"),
        (&progress, "text/csv;q=0.5, application/json", "application/json"),
        (&progress, "text/*", "text/csv; charset=utf-8"),
        (&template, browser, XLSX),
        (&template, "text/csv", "text/csv; charset=utf-8"),
    ] {
        assert_eq!(accepting(accept).get(path).expect(200).header("content-type"), answered, "{path} {accept}");
    }
    // A list may be sent in several lines.
    let token = course.coordinator.token.as_deref().unwrap();
    let lines = "Accept: image/png\r\nAccept: application/json\r\nConnection: close";
    let request = format!("GET /api/v1/programs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{lines}\r\n\r\n");
    assert!(raw(&app, request.as_bytes()).starts_with("HTTP/1.1 200 "));
    // Nothing is done for whom the answer would say nothing.
    let body = json!({ "code": "P", "name": "P" });
    app.unchanged(|| assert_problem(accepting("image/png").post("/programs", body), 406, "not_acceptable"));
}

#[test]
fn a_misspelled_step_is_answered_with_those_that_there_are() {
    let app = spawn_app();
    let course = seed::course(&app);
    let id = app.absent_id();
    for (path, detail) in [
        (
            format!("/sessions/{id}/publsh"),
            "there is no `publsh` here; there are: correction-requests, cut, guests, hold, move, split, substitute, waivers, publish, cancel",
        ),
        (format!("/sessions/{id}/roll-call/clsoe"), "there is no `clsoe` here; there are: submit, close, reopen"),
        (format!("/program-versions/{id}/confrim"), "there is no `confrim` here; there are: confirm, retire"),
        (format!("/imports/{id}/und"), "there is no `und` here; there are: undo"),
        (
            format!("/intakes/{id}/cohort"),
            "there is no `cohort` here; there are: amendments, cohorts, enrollments, leave-requests, nominations, series, sessions, open-enrollment, \
             approve-opening, start, complete, cancel",
        ),
        (format!("/intakes/{id}/sessions/bluk"), "there is no `bluk` here; there are: bulk, check, import, publish"),
        (
            format!("/sessions/{id}/waiver"),
            "there is no `waiver` here; there are: correction-requests, cut, guests, hold, move, split, substitute, waivers, publish, cancel",
        ),
    ] {
        let reply = course.coordinator.post(&path, json!({}));
        assert_eq!(reply.text_at("/detail"), detail);
        assert_problem(reply, 404, "not_found");
        assert_eq!(course.coordinator.get(&format!("{path}/x")).text_at("/detail"), "there is no such thing, or it is not visible to you");
    }
    assert_problem(app.anonymous().post(&format!("/sessions/{id}/publsh"), json!({})), 401, "unauthenticated");
    let kinds = course.coordinator.get("/import-templates/choir");
    assert_eq!(
        kinds.text_at("/detail"),
        "there is no `choir` here; there are: organizations, instructors, program, roster, schedule, holidays, shifts, evidence"
    );
    let id_of_nothing = course.coordinator.post("/sessions/x/publish", json!({}));
    assert_eq!(id_of_nothing.text_at("/detail"), "there is no such thing, or it is not visible to you");
}

#[test]
fn who_has_no_valid_token_is_told_to_show_one() {
    let app = spawn_app();
    let admin = app.administrator();
    let token = admin.token.clone().unwrap();
    let anonymous = app.anonymous();
    for authorization in [
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Basic bXVzdGVyOm11c3Rlcg==",
        &token,
        &format!("Bearer {}0", token),
        &format!("Bearer {}", token.to_uppercase()),
        &format!("Bearer {token} {token}"),
        &format!("Bearer muster_{}", "0".repeat(64)),
    ] {
        let client = anonymous.with_header("authorization", authorization);
        assert_problem(client.get("/organizations"), 401, "unauthenticated");
        let body = json!({ "code": "X", "name": "X", "kind": "college" });
        assert_problem(client.post("/organizations", body), 401, "unauthenticated");
    }
    anonymous.with_header("authorization", &format!("bearer  {token}")).get("/organizations").expect(200);
}

/// The answer to a client whose token was just made worthless by these statements.
fn after(app: &App, statements: impl Fn(&App, &str) -> String) -> Reply {
    let client = app.coordinator();
    client.get("/organizations").expect(200);
    let user = app.hex(client.user_id.as_deref().unwrap());
    app.forge("role_grants", &statements(app, &user));
    client.get("/organizations")
}

#[test]
fn a_right_that_ends_ends_at_once() {
    const TOKENS: &str = "role_grant_id IN (SELECT id FROM role_grants WHERE user_id =";
    let app = spawn_app();
    let past = app.instant("2020-01-01T00:00:00Z");
    let set = |column: &'static str| {
        let past = past.clone();
        move |_: &App, user: &str| format!("UPDATE tokens SET {column} = {past} WHERE {TOKENS} {user})")
    };
    assert_problem(after(&app, set("expires_at")), 401, "unauthenticated");
    assert_problem(after(&app, set("revoked_at")), 401, "unauthenticated");
    assert_problem(after(&app, |_, user| format!("UPDATE users SET disabled_at = {past} WHERE id = {user}")), 401, "unauthenticated");
    let future = app.instant("2200-01-01T00:00:00Z");
    let not_yet = |_: &App, user: &str| format!("UPDATE role_grants SET from_at = {future} WHERE user_id = {user}");
    assert_problem(after(&app, not_yet), 401, "unauthenticated");
    let client = app.coordinator();
    app.end_grant(&client);
    assert_problem(client.get("/organizations"), 401, "unauthenticated");
}

#[test]
fn a_token_lives_as_long_as_it_was_given() {
    let app = spawn_app();
    let options = TokenOptions { expires_in: Some(Duration::from_millis(300)), ..TokenOptions::default() };
    let client = app.client_for(muster::access::Role::Administrator, None, None, options);
    std::thread::sleep(Duration::from_millis(350));
    assert_problem(client.get("/organizations"), 401, "unauthenticated");
}

#[test]
fn the_first_use_of_a_token_is_noted() {
    let app = spawn_app();
    let admin = app.administrator();
    app.sql("UPDATE tokens SET last_used_at = NULL").unwrap();
    let unused = || app.count("SELECT count(*) FROM tokens WHERE last_used_at IS NULL");
    assert_eq!(unused(), 1);
    admin.get("/organizations").expect(200);
    let noted = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        unused() == 0
    });
    assert!(noted);
}

#[test]
fn a_header_that_is_no_text_is_malformed() {
    let app = spawn_app();
    let token = app.administrator().token.unwrap();
    for header in ["Idempotency-Key", "If-Match", "Accept"] {
        let mut request =
            format!("GET /api/v1/organizations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{header}: ").into_bytes();
        request.extend_from_slice(b"\xff\xfe\r\nConnection: close\r\n\r\n");
        let answer = raw(&app, &request);
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("\"code\":\"header_malformed\""), "{answer}");
    }
}

#[test]
fn what_is_no_http_is_answered_400_and_the_server_goes_on() {
    let app = spawn_app();
    // No request, so no handler and no problem document: actix-http answers these before any of ours.
    for nonsense in ["nonsense\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n"] {
        let answer = raw(&app, nonsense.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 400 "), "{nonsense:?}: {answer}");
    }
    app.anonymous().get("/healthz").expect(200);
}

/// Sends bytes on a connection of their own and reads what comes until it is closed.
fn raw(app: &App, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(&app.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn the_server_says_that_it_is_up_and_ready() {
    let app = spawn_app();
    assert_eq!(app.anonymous().get("/healthz").expect(200).body, json!({ "status": "ok" }));
    assert_eq!(app.anonymous().get("/readyz").expect(200).body, json!({ "status": "ready" }));
    // As if the binary were newer than the database.
    app.sql("DELETE FROM __diesel_schema_migrations WHERE version = (SELECT max(version) FROM __diesel_schema_migrations)").unwrap();
    assert_problem(app.anonymous().get("/readyz"), 503, "unavailable");
}

#[test]
fn a_fault_of_ours_says_nothing_of_its_cause() {
    let app = spawn_app();
    let admin = app.administrator();
    app.sql("ALTER TABLE organizations RENAME TO organizations_elsewhere").unwrap();
    let reply = admin.get("/organizations");
    assert!(!reply.text.contains("organizations"), "{}", reply.text);
    assert_problem(reply, 500, "internal");
    app.sql("ALTER TABLE organizations_elsewhere RENAME TO organizations").unwrap();
    admin.get("/organizations").expect(200);
}

#[test]
fn a_wrong_field_has_pointer_code_and_detail() {
    let app = spawn_app();
    let reply = app.administrator().post("/organizations", json!({ "code": "X", "name": 7 })).expect(422);
    for fault in reply.body["errors"].as_array().unwrap() {
        let keys: Vec<&String> = fault.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["code", "detail", "pointer"]);
        assert!(fault.as_object().unwrap().values().all(Value::is_string));
    }
}

#[test]
fn a_wrong_parameter_is_named_with_what_is_wanted() {
    const INSTANT: &str = "must be an RFC 3339 instant such as 2020-05-27T11:00:00Z";
    let app = spawn_app();
    let course = seed::course(&app);
    let sessions = format!("/intakes/{}/sessions", course.intake);
    for (path, detail) in [
        (format!("{sessions}?limit=x"), "limit: must be a whole number from 1 to 500".to_owned()),
        (format!("{sessions}?from=2020-05-27T19:00:00"), format!("from: {INSTANT}")),
        (format!("{sessions}?cohort_id=1"), "cohort_id: must be an id such as 01936f3e-0000-7000-8000-000000000001".to_owned()),
        (
            format!("{sessions}?colour=red"),
            "colour: unknown; the parameters are cohort_id, series_id, from, until, state, code, cursor, limit".to_owned(),
        ),
        (format!("{sessions}?limit=1&limit=2"), "duplicate field `limit`".to_owned()),
        (format!("/intakes/{}?colour=red", course.intake), "colour: there are no parameters here".to_owned()),
        (
            format!("/intakes/{}/progress?by=x", course.intake),
            "by: there is no value `x`; there are: discipline, module, cohort, unit".to_owned(),
        ),
    ] {
        let reply = course.coordinator.get(&path).expect(400).problem("query_malformed");
        assert_eq!(reply.text_at("/detail"), detail);
    }
    let mut body = seed::session_body(&course, "N-1", &seed::morning(1));
    body["starts_at"] = json!("2020-05-27T19:00:30");
    let reply = course.coordinator.post(&sessions, body);
    assert_eq!(reply.text_at("/errors/0/detail"), format!("{INSTANT}, or a local time such as 2020-05-27T19:00"));
    reply.fault("/starts_at", "wrong_value");
}

#[test]
fn an_error_has_the_length_and_headers_of_its_own_body_whatever_is_accepted() {
    let app = spawn_app();
    seed::sponsor(&app, "JISCO");
    let gzip = |client: &Client| client.with_header("accept-encoding", "gzip, zstd");
    let reply = gzip(&app.administrator()).get("/organizations/x").expect(404);
    assert!(reply.headers.get("content-encoding").is_none() || !reply.bytes.starts_with(b"{"), "{:?} {:?}", reply.headers, reply.text);
    let list = gzip(&app.administrator()).get("/organizations").expect(200);
    assert!(["gzip", "zstd"].contains(&list.header("content-encoding")), "{:?}", list.headers);
    assert!(list.header("vary").to_lowercase().contains("accept-encoding"), "{:?}", list.headers);
}

#[test]
fn whoever_asks_says_so_once() {
    let app = spawn_app();
    let twice = app.coordinator().with_header("authorization", "Bearer muster_0123456789abcdef");
    twice.get("/organizations").expect(400).problem("header_repeated");
    // Nor is one state taken for another.
    let course = seed::course(&app);
    let path = format!("/intakes/{}", course.intake);
    let named = |tags: &str| course.coordinator.with_header("if-match", tags);
    named("*").with_header("if-match", "\"v1\"").patch(&path, json!({ "name": "x" })).expect(400).problem("header_repeated");
    named("\"v999\", *").patch(&path, json!({ "name": "x" })).expect(412);
    named("\"v999\", *").post(&format!("{path}/start"), json!({})).expect(400).problem("if_match_unsupported");
}
