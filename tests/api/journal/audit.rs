use insta::assert_json_snapshot;
use muster::access::{Credentials, Role};
use serde_json::json;

use crate::support::{App, Client, Kind, TokenOptions, seed, spawn_app, statements};

#[test]
fn an_entry_says_who_when_what_from_to_and_why() {
    let app = spawn_app();
    let course = seed::course(&app);
    let session = seed::published_session(&course, "P-1", &seed::morning(1));
    course.coordinator.post(&format!("/sessions/{session}/cancel"), json!({ "reason": "storm" })).expect(200);
    let audit = app.auditor().get(&format!("/audit?subject_id={session}&action=session.cancelled")).expect(200);
    assert_eq!(audit.items()[0]["user_id"], course.coordinator.user_id.clone().unwrap());
    assert_eq!(audit.items()[0]["reason"], "storm");
    assert_json_snapshot!(audit.redacted());
}

#[test]
fn pulling_a_report_is_journaled_with_what_was_asked_for() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    let partner = app.partner(&course.sponsor.id);
    let whole = format!("/intakes/{}/progress", course.intake);
    partner.get(&whole).expect(200);
    course.coordinator.with_header("Accept", "text/csv").get(&whole).expect(200);
    course.coordinator.get(&format!("{whole}?by=module")).expect(200);
    // One trainee's leaves the house where a partner pulls it; the trainee and the house only look.
    let one = format!("/enrollments/{}/progress", member.id);
    partner.get(&one).expect(200);
    course.coordinator.get(&one).expect(200);
    app.trainee(&member.trainee).get(&one).expect(200);
    let audit = app.auditor().get("/audit?action=report.pulled").expect(200);
    let (pulled, looked) = (partner.user_id.unwrap(), course.coordinator.user_id.clone().unwrap());
    assert_eq!(audit.column("user_id"), [pulled.clone(), looked.clone(), looked, pulled]);
    assert_eq!(audit.column("subject_id")[2..], [course.intake.clone(), member.id]);
    assert_eq!(audit.column("intake_id"), vec![course.intake; 4]);
    let asked: Vec<_> = audit.items().iter().map(|entry| entry["to"].clone()).collect();
    let json = json!({ "format": "json" });
    assert_eq!(asked, [json.clone(), json!({ "format": "csv" }), json!({ "format": "json", "by": "module" }), json]);
}

#[test]
fn roles_and_tokens_are_known_to_the_auditors_of_where_they_are_held() {
    let app = spawn_app();
    let course = seed::course(&app);
    let auditor = app.auditor();
    let options = TokenOptions { intake: Some(course.intake.clone()), ..TokenOptions::default() };
    let narrowed = app.client_for(Role::Coordinator, Some(&app.provider().units[0]), None, options);
    let partner = app.partner(&course.sponsor.id);
    let (ours, theirs) = (narrowed.user_id.clone().unwrap(), partner.user_id.clone().unwrap());
    let granted = auditor.get(&format!("/audit?action=role.granted&subject_id={ours}")).expect(200);
    assert_eq!((&granted.items()[0]["to"]["role"], &granted.items()[0]["role"]), (&json!("coordinator"), &json!("operator")));
    assert_eq!(auditor.get(&format!("/audit?subject_id={theirs}")).expect(200).items().len(), 0);
    let grants = app.administrator().get(&format!("/audit?action=role.granted&subject_id={theirs}")).expect(200);
    assert_eq!(grants.column("provider_id"), std::slice::from_ref(&course.sponsor.id));
    // The token that is good for one intake is found with it.
    let of_intake = format!("/audit?intake_id={}", course.intake);
    let issued = auditor.get(&format!("{of_intake}&action=token.issued")).expect(200);
    let prefix = issued.items()[0]["to"]["prefix"].as_str().unwrap().to_owned();
    assert_eq!((issued.items().len(), &issued.items()[0]["to"]["intake_id"]), (1, &json!(course.intake)));
    app.db
        .write_blocking(Credentials::Operator, {
            let prefix = prefix.clone();
            move |conn, actor, now| {
                let id = muster::access::named_token(conn, actor, &prefix)?;
                muster::access::revoke_token(conn, actor, now, id, None)
            }
        })
        .unwrap();
    let revoked = auditor.get(&format!("{of_intake}&action=token.revoked")).expect(200);
    assert_eq!(revoked.items()[0]["from"]["prefix"], prefix);
}

#[test]
fn a_change_of_a_person_is_filed_where_the_person_belongs() {
    let app = spawn_app();
    let faculty = app.provider().units[0].clone();
    let sponsor = seed::sponsor(&app, "JISCO");
    let trainee = seed::trainee(&app.coordinator_of(&faculty), &sponsor.plants[0], "0001");
    let university = app.coordinator();
    university.if_match("*").patch(&format!("/trainees/{trainee}"), json!({ "phone": "1" })).expect(200);
    let auditor = app.client_for(Role::Auditor, Some(&faculty), None, TokenOptions::default());
    let audit = auditor.get(&format!("/audit?subject_id={trainee}")).expect(200);
    assert_eq!(audit.column("provider_id"), [faculty.clone(), faculty]);
    assert_eq!(audit.items()[1]["user_id"], university.user_id.unwrap());
}

#[test]
fn the_document_shows_an_action_that_there_is() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    course.coordinator.post(&format!("/enrollments/{}/withdraw", member.id), json!({ "reason": "ill" })).expect(200);
    let document = serde_json::to_value(muster::app::document()).unwrap();
    let example = document.pointer("/components/schemas/SealedEntry/properties/action/example").unwrap().as_str().unwrap().to_owned();
    assert_eq!(app.auditor().get(&format!("/audit?action={example}")).expect(200).column("subject_id"), [member.id]);
}

#[test]
fn only_auditors_and_administrators_read_the_journal() {
    let app = spawn_app();
    let course = seed::course(&app);
    let member = seed::enrolled(&course, 1).remove(0);
    for client in
        [course.coordinator.clone(), app.partner(&course.sponsor.id), app.trainee(&member.trainee), app.instructor(&course.instructor)]
    {
        client.get("/audit").expect(403).problem("forbidden");
    }
    app.anonymous().get("/audit").expect(401);
    assert!(!app.administrator().get("/audit").expect(200).items().is_empty());
}

#[test]
fn an_auditor_reads_the_journal_of_the_own_provider() {
    let app = spawn_app();
    let course = seed::course(&app);
    let provider = seed::organization(&app, "NEU", "东北大学", "university", None);
    let theirs = seed::course_of(&app, app.coordinator_of(&provider), "NEU", "BAOWU");
    let ours = app.auditor().get("/audit?limit=500").expect(200);
    assert!(ours.column("subject_id").contains(&course.intake));
    for id in [&theirs.intake, &theirs.program.id, &theirs.instructor] {
        assert!(!ours.text.contains(id.as_str()), "{id}");
    }
    assert_eq!(app.auditor().get(&format!("/audit?subject_id={}", theirs.intake)).expect(200).items().len(), 0);
}

#[test]
fn the_journal_of_one_intake_is_found_in_pages() {
    let app = spawn_app();
    let course = seed::course(&app);
    seed::enrolled(&course, 5);
    let other = seed::course_called(&app, "OTHER", "OTHER");
    let path = format!("/audit?intake_id={}", course.intake);
    let auditor = app.auditor();
    let all = auditor.get(&path).expect(200);
    assert!(!all.text.contains(&other.intake));
    assert_eq!(all.column("action").iter().filter(|action| *action == "enrollment.created").count(), 5);
    let (mut found, mut next) = (Vec::new(), format!("{path}&limit=3"));
    for _ in 0..20 {
        let page = auditor.get(&next).expect(200);
        found.extend(page.column("position"));
        next = match page.body["next"].as_str() {
            Some(cursor) => format!("{path}&limit=3&cursor={cursor}"),
            None => break,
        };
    }
    assert_eq!(found, all.column("position"));
    for query in ["limit=0", "cursor=x", "subject_id=x", "colour=red"] {
        assert_eq!(auditor.get(&format!("/audit?{query}")).status, 400, "{query}");
    }
}

#[test]
fn a_token_for_one_intake_reads_that_intakes_journal() {
    let app = spawn_app();
    let course = seed::course(&app);
    let other = seed::course_called(&app, "OTHER", "OTHER");
    let options = TokenOptions { intake: Some(course.intake.clone()), ..TokenOptions::default() };
    let narrowed = app.client_for(Role::Auditor, Some(&app.provider().id), None, options);
    let audit = narrowed.get("/audit?limit=500").expect(200);
    assert!(!audit.items().is_empty());
    assert!(audit.column("intake_id").iter().all(|intake| *intake == course.intake));
    assert_eq!(narrowed.get(&format!("/audit?intake_id={}", other.intake)).expect(200).items().len(), 0);
}

#[test]
fn what_is_refused_is_not_in_the_journal() {
    let app = spawn_app();
    let course = seed::course(&app);
    let before = app.count("SELECT count(*) FROM journal_entries");
    course.coordinator.post("/trainees", json!({ "name": "" })).expect(422);
    course.coordinator.post("/programs", json!({ "code": "HONGXING", "name": "again" })).expect(409);
    course.coordinator.post("/organizations", json!({ "code": "X", "name": "X", "kind": "college" })).expect(403);
    let changes = "SELECT count(*) FROM journal_entries WHERE action <> 'action.refused'";
    assert_eq!(app.count(changes), before);
    // But for that somebody tried what is privileged.
    assert_eq!(app.count("SELECT count(*) FROM journal_entries"), before + 1);
}

#[test]
fn a_long_journal_is_sealed_a_thousand_at_a_time() {
    let app = spawn_app();
    let course = seed::course(&app);
    app.auditor().get("/audit").expect(200);
    let (first, provider) = (app.count("SELECT count(*) FROM journal_seals"), app.hex(&app.provider().id));
    let (id, digest) = match app.database.kind() {
        Kind::Sqlite => ("randomblob(16)", "zeroblob(32)"),
        Kind::Postgres => ("gen_random_uuid()", "decode(repeat('00', 32), 'hex')"),
    };
    app.sql(&format!(
        "INSERT INTO journal_entries (id, recorded_at, role, action, subject_kind, subject_id, provider_id, payload_digest)
         WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2001)
         SELECT {id}, {}, 'operator', 'intake.counted', 'intake', {}, {provider}, {digest} FROM numbers",
        app.instant("2020-06-01T00:00:00Z"),
        app.hex(&course.intake),
    ))
    .unwrap();
    let seal = || app.db.write_blocking(Credentials::Operator, |conn, _, now| muster::journal::seal(conn, now)).unwrap();
    assert!(seal());
    assert_eq!(app.count("SELECT count(*) FROM journal_seals"), first + 1000);
    // A reader finds it whole all the same, in the order of what happened.
    let page = app.auditor().get("/audit?action=intake.counted&limit=500").expect(200);
    assert_eq!((page.items().len(), page.items()[0]["position"].as_i64()), (500, Some(first + 1)));
    assert_eq!(app.count("SELECT count(*) FROM journal_unsealed"), 0);
    assert!(!seal());
    let findings = app.findings_of("journal");
    assert!(findings.iter().all(|finding| finding.contains("payload")), "they have no payloads, and that is all: {:?}", findings.first());
}

/// How the database goes about the statement that finds a page of the audit.
fn plan(app: &App, client: &Client, query: &str) -> String {
    use diesel::{QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::Text};
    use muster::db::Conn;
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        detail: String,
    }
    #[derive(QueryableByName)]
    struct PostgresLine {
        #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
        detail: String,
    }
    client.get("/audit").expect(200);
    let (reply, heard) = statements::record(|| client.get(&format!("/audit?{query}")));
    reply.expect(200);
    let statement = heard.iter().find(|statement| statement.contains("k.position")).unwrap().split(" -- binds").next().unwrap();
    let lines: Vec<String> = match &mut app.database.connect() {
        Conn::Sqlite(conn) => {
            let lines: Vec<Line> = sql_query(format!("EXPLAIN QUERY PLAN {statement}")).load(conn).unwrap();
            lines.into_iter().map(|line| line.detail).collect()
        }
        Conn::Postgres(conn) => {
            // So few rows it would rather read at once and sort: whether the index could do without is asked.
            let settings = "SET enable_seqscan = off; SET enable_bitmapscan = off; SET plan_cache_mode = force_generic_plan";
            conn.batch_execute(&format!("{settings}; PREPARE page AS {statement}")).unwrap();
            let values = vec!["NULL"; statement.matches('$').count()].join(", ");
            let lines: Vec<PostgresLine> = sql_query(format!("EXPLAIN EXECUTE page({values})")).load(conn).unwrap();
            lines.into_iter().map(|line| line.detail).collect()
        }
    };
    lines.join("\n")
}

#[test]
fn a_page_of_the_journal_is_one_range_of_an_index() {
    let app = spawn_app();
    let course = seed::course(&app);
    let (intake, subject) = (format!("intake_id={}", course.intake), format!("subject_id={}", course.intake));
    let (action, both) = ("action=intake.created", format!("intake_id={}&action=intake.created", course.intake));
    let (auditor, administrator) = (app.auditor(), app.administrator());
    for (client, query, begins) in [
        (&auditor, "", ["organization_id=? AND position>?", "(organization_id = $2)"]),
        (&auditor, action, ["organization_id=? AND action=? AND position>?", "(organization_id = $2) AND (action = $3)"]),
        (&auditor, &intake, ["intake_id=? AND position>?", "(intake_id = $3)"]),
        (&auditor, &both, ["intake_id=? AND position>?", "(intake_id = $3)"]),
        (&auditor, &subject, ["subject_id=? AND position>?", "(subject_id = $3)"]),
        (&administrator, action, ["journal_seals_action (action=? AND position>?", "(action = $2)"]),
        (&administrator, &both, ["intake_id=? AND position>?", "(intake_id = $2)"]),
    ] {
        let plan = plan(&app, client, query);
        assert!(begins.iter().any(|range| plan.contains(range)), "{query}: {plan}");
        for costly in ["SCAN", "TEMP B-TREE", "Seq Scan", "Sort"] {
            assert!(!plan.contains(costly), "{query}: {plan}");
        }
    }
}

#[test]
fn an_entry_is_filed_where_its_auditors_look() {
    let app = spawn_app();
    let course = seed::course(&app);
    let unit = app.provider().units[0].clone();
    let below = seed::course_of(&app, app.coordinator_of(&unit), "UNIT", "BAOWU");
    // The university's auditor sees what its faculty does; the faculty's does not see what the university does.
    let auditor_of = |organization: &str| app.client_for(Role::Auditor, Some(organization), None, TokenOptions::default());
    let (house, faculty) = (auditor_of(&app.provider().id), auditor_of(&unit));
    let seen = |client: &Client| client.get("/audit?action=intake.created").expect(200).column("intake_id");
    assert_eq!(seen(&house), [course.intake.clone(), below.intake.clone()]);
    assert_eq!(seen(&faculty), std::slice::from_ref(&below.intake));
    assert_eq!(faculty.get(&format!("/audit?intake_id={}", course.intake)).expect(200).items().len(), 0);
    assert_eq!(app.findings(), Vec::<String>::new());
    let misfiled = |forgery: &str| {
        app.forge("journal_audiences", forgery);
        let findings = app.findings();
        assert!(findings.iter().any(|finding| finding.contains("filed where it does not belong")), "{findings:?}");
    };
    misfiled(&format!("INSERT INTO journal_audiences SELECT {}, max(position), 'x' FROM journal_seals", app.hex(&course.sponsor.id)));
    app.forge("journal_audiences", &format!("DELETE FROM journal_audiences WHERE organization_id = {}", app.hex(&course.sponsor.id)));
    assert_eq!(app.findings(), Vec::<String>::new());
    misfiled("UPDATE journal_audiences SET action = 'intake.crowned' WHERE action = 'intake.created'");
    app.forge("journal_audiences", "UPDATE journal_audiences SET action = 'intake.created' WHERE action = 'intake.crowned'");
    assert_eq!(app.findings(), Vec::<String>::new());
    misfiled(&format!("DELETE FROM journal_audiences WHERE organization_id = {}", app.hex(&unit)));
}
