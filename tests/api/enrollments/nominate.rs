use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::{App, Client, Reply, TokenOptions, seed, seed::Course, spawn_app};

fn path(course: &Course) -> String {
    format!("/intakes/{}/nominations", course.intake)
}

/// The course, which its sponsor sees by its quota, and the sponsor's partner.
fn course_with_partner(app: &App) -> (Course, Client) {
    let course = seed::course(app);
    course.coordinator.put(&format!("/intakes/{}/seat-quotas/{}", course.intake, course.sponsor.id), json!({ "seats": 9 })).expect(200);
    let partner = app.partner(&course.sponsor.id);
    (course, partner)
}

fn withdraw(client: &Client, id: &str) -> Reply {
    client.post(&format!("/enrollments/{id}/withdraw"), json!({ "reason": "needed at the plant" }))
}

#[test]
fn a_partner_nominates_somebody_new_and_a_coordinator_decides() {
    let app = spawn_app();
    let (course, partner) = course_with_partner(&app);
    let nominated = partner.post(&path(&course), seed::nomination_body(&course)).expect(201);
    assert_json_snapshot!(nominated.redacted());
    assert_eq!(app.count("SELECT seats_taken FROM intakes"), 0, "who is nominated takes no seat");
    let audit = app.auditor().get(&format!("/audit?subject_id={}", nominated.id())).expect(200);
    assert_eq!((audit.column("action"), audit.column("role")), (vec!["enrollment.created".to_owned()], vec!["partner".to_owned()]));

    // The provider knows the person now, and the partner sees them.
    let trainee = nominated.text_at("/trainee_id");
    for client in [&partner, &course.coordinator] {
        assert_eq!(client.get(&format!("/trainees/{trainee}")).expect(200).body["affiliations"][0]["employee_number"], "0001");
    }
    let step = |client: &Client, step: &str| client.post(&format!("/enrollments/{}/{step}", nominated.id()), json!({ "reason": "fits" }));
    app.unchanged(|| {
        for verb in ["approve", "reject", "enroll"] {
            step(&partner, verb).expect(403).problem("forbidden");
        }
    });
    assert_eq!(step(&course.coordinator, "approve").expect(200).body["state"], "approved");
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_partner_nominates_for_its_own_units_only() {
    let app = spawn_app();
    let (course, partner) = course_with_partner(&app);
    let (plant, other) = (app.partner(&course.sponsor.plants[0]), seed::sponsor(&app, "BAOWU"));
    let of = |unit: &str| {
        let mut body = seed::nomination_body(&course);
        body["unit_id"] = json!(unit);
        body
    };
    app.unchanged(|| {
        for (client, unit) in [
            (&partner, &other.id),
            (&partner, &other.plants[0]),
            (&partner, &app.provider().id),
            (&plant, &course.sponsor.plants[1]),
            (&plant, &course.sponsor.id),
            (&plant, &app.absent_id()),
        ] {
            client.post(&path(&course), of(unit)).fault("/unit_id", "unknown_organization");
        }
        let mut paid = of(&course.sponsor.plants[0]);
        paid["payer_id"] = json!(other.id);
        partner.post(&path(&course), paid).fault("/payer_id", "unknown_organization");
        // Whoever has nothing to do with the intake does not see it.
        app.partner(&other.id).post(&path(&course), of(&other.id)).expect(404).problem("not_found");
    });
    for (client, unit) in [(&partner, &course.sponsor.id), (&partner, &course.sponsor.plants[1]), (&plant, &course.sponsor.plants[0])] {
        client.post(&path(&course), of(unit)).expect(201);
    }
}

#[test]
fn a_nomination_names_somebody_known_or_describes_somebody_new() {
    let app = spawn_app();
    let (course, partner) = course_with_partner(&app);
    let next = seed::intake(&course.coordinator, &course.program.version, "HONGXING-4");
    course.coordinator.put(&format!("/intakes/{next}/seat-quotas/{}", course.sponsor.id), json!({ "seats": 9 })).expect(200);
    let known = seed::enrolled(&course, 1).remove(0).trainee;
    let stranger = seed::recruit_of(&course, &seed::sponsor(&app, "BAOWU").plants[0]);
    let body =
        |trainee: &str| json!({ "trainee_id": trainee, "discipline_id": course.program.metallurgy, "unit_id": course.sponsor.plants[0] });
    let path = format!("/intakes/{next}/nominations");
    app.unchanged(|| {
        partner.post(&path, body(&stranger)).expect(404).problem("not_found");
        partner.post(&path, body(&app.absent_id())).expect(404).problem("not_found");
        let mut both = seed::nomination_body(&course);
        both["trainee_id"] = json!(known);
        course.coordinator.post(&path, both).fault("/trainee_id", "named_twice");
        let mut neither = body(&known);
        neither.as_object_mut().unwrap().remove("trainee_id");
        course.coordinator.post(&path, neither).fault("/trainee_id", "missing_field");
    });
    partner.post(&path, body(&known)).expect(201);
    app.unchanged(|| partner.post(&path, body(&known)).expect(409).problem("already_enrolled"));
    // A coordinator nominates for a sponsor.
    course.coordinator.post(&path, body(&stranger)).expect(201);
}

#[test]
fn an_employee_number_that_is_known_names_whoever_has_it() {
    let app = spawn_app();
    let (course, partner) = course_with_partner(&app);
    let plant = app.partner(&course.sponsor.plants[1]);
    let known = seed::recruit(&course);
    let body = |name: &str, unit: &str| {
        let nominee = json!({ "name": name, "employee_number": "0001" });
        json!({ "trainee": nominee, "discipline_id": course.program.metallurgy, "cohort_id": course.metallurgy, "unit_id": unit })
    };
    let plants = &course.sponsor.plants;
    app.unchanged(|| {
        partner.post(&path(&course), body("另一个人", &plants[0])).expect(409).problem("employee_number_taken");
        // Whose it is at another plant is not told.
        plant.post(&path(&course), body("学员 0001", &plants[1])).expect(409).problem("employee_number_taken");
    });
    assert_eq!(partner.post(&path(&course), body("学员 0001", &plants[0])).expect(201).text_at("/trainee_id"), known);
    assert_eq!(app.count("SELECT count(*) FROM people WHERE trainee"), 1);
}

#[test]
fn a_partner_takes_its_own_nomination_back_while_nothing_is_decided() {
    let app = spawn_app();
    let (course, partner) = course_with_partner(&app);
    let nominate = || partner.post(&path(&course), seed::nomination_body(&course)).expect(201).id();
    let (first, second) = (nominate(), nominate());
    let client = partner.idempotency_key("take-back");
    assert_eq!(withdraw(&client, &first).expect(200).body["state"], "withdrawn");
    assert_eq!(withdraw(&client, &first).expect(200).header("idempotency-replayed"), "true");
    course.coordinator.post(&format!("/enrollments/{second}/approve"), json!({})).expect(200);
    let other = app.partner(&seed::sponsor(&app, "BAOWU").id);
    let trainee = app.trainee(&course.coordinator.get(&format!("/enrollments/{second}")).expect(200).text_at("/trainee_id"));
    app.unchanged(|| {
        let refused = withdraw(&partner, &second).expect(403).problem("forbidden").text_at("/detail");
        assert_eq!(refused, "a partner withdraws what nobody has decided on, and this enrollment is approved");
        let refused = withdraw(&trainee, &second).expect(403).problem("forbidden").text_at("/detail");
        assert!(refused.starts_with("a trainee may not withdraw an enrollment: a coordinator does"), "{refused}");
        withdraw(&partner, &first).expect(403).problem("forbidden");
        withdraw(&other, &second).expect(404).problem("not_found");
    });
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn a_read_only_partner_and_a_closed_intake_nominate_nobody() {
    let app = spawn_app();
    let (course, partner) = course_with_partner(&app);
    let options = TokenOptions { read_only: true, ..TokenOptions::default() };
    let reader = app.client_for(muster::access::Role::Partner, Some(&course.sponsor.id), None, options);
    let body: Value = seed::nomination_body(&course);
    app.unchanged(|| reader.post(&path(&course), body.clone()).expect(403).problem("forbidden"));
    course.coordinator.post(&format!("/intakes/{}/cancel", course.intake), json!({ "reason": "too few" })).expect(200);
    app.unchanged(|| partner.post(&path(&course), body.clone()).expect(409).problem("intake_not_open"));
}
