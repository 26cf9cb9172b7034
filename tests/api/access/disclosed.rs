//! What a disclosure opens to the partners of the group: all that is read of the subsidiary's people, as its own partner reads it, while it is
//! in force, and nothing that is written.

use serde_json::{Value, json};

use super::managing_partner;
use crate::support::{
    App, Client, Reply, TokenOptions, seed,
    seed::{Course, Enrolled, Sponsor},
    spawn_app, statements,
};

/// A course to which a subsidiary sends two people, both of whom missed something; and the group, which sends nobody.
struct Stage {
    app: App,
    course: Course,
    members: Vec<Enrolled>,
    /// Held and closed; and to come.
    sessions: [String; 2],
    leave: String,
    correction: String,
    group: Sponsor,
    manager: Client,
}

fn stage() -> Stage {
    let app = spawn_app();
    let course = seed::course(&app);
    let group = seed::sponsor(&app, "GROUP");
    let members = seed::enrolled(&course, 2);
    let path = format!("/intakes/{}", course.intake);
    course.coordinator.put(&format!("{path}/seat-quotas/{}", course.sponsor.id), json!({ "seats": 9 })).expect(200);
    let lines = [seed::line_of(&members[0], "late", 60), seed::line(&members[1], "absent")];
    let closed = seed::closed_session(&course, "MET-01", &seed::morning(1), &lines);
    let coming = seed::published_session(&course, "MET-02", &seed::morning(2));
    let moved = json!({ "place": "Hall 2", "reason": "the first is painted" });
    course.coordinator.if_match("*").patch(&format!("/sessions/{coming}"), moved).expect(200);
    let leave = seed::leave_asked(&course, &members[0], &seed::morning(2), 30);
    let disputed = json!({ "enrollment_id": members[1].id, "code": "late", "minutes": 5, "statement": "the gate was shut" });
    let correction = course.coordinator.post(&format!("/sessions/{closed}/correction-requests"), disputed).expect(201).id();
    let manager = managing_partner(&app, &course.sponsor.id);
    Stage { app, course, members, sessions: [closed, coming], leave, correction, group, manager }
}

impl Stage {
    fn disclose(&self, organization: &str, recipient: &str) -> String {
        let body = json!({ "organization_id": organization, "recipient_id": recipient, "reason": "the group reports on all" });
        self.manager.post("/disclosures", body).expect(201).id()
    }

    fn end(&self, id: &str) {
        self.manager.post(&format!("/disclosures/{id}/end"), json!({ "reason": "sold" })).expect(200);
    }

    /// Lets a disclosure begin or end at another time, as time does.
    fn date(&self, id: &str, column: &str, at: &str) {
        let (id, at) = (self.app.hex(id), self.app.instant(at));
        self.app.forge("disclosures", &format!("UPDATE disclosures SET {column} = {at} WHERE id = {id}"));
    }

    /// What a partner is told of the subsidiary's people, by path.
    fn paths(&self) -> Vec<String> {
        let (intake, [closed, coming]) = (format!("/intakes/{}", self.course.intake), &self.sessions);
        let mut paths = vec![intake.clone(), "/trainees?q=000".to_owned(), "/trainees?employee_number=0001".to_owned()];
        paths.extend(["/intakes", "/programs", "/trainees", "/instructors"].map(str::to_owned));
        let lists = ["enrollments", "sessions", "cohorts", "amendments", "leave-requests", "correction-requests", "progress"];
        paths.extend(lists.map(|list| format!("{intake}/{list}")));
        paths.extend(["module", "cohort", "unit", "discipline"].map(|by| format!("{intake}/progress?by={by}")));
        paths.extend([format!("/programs/{}", self.course.program.id), format!("/programs/{}/versions", self.course.program.id)]);
        paths.push(format!("/program-versions/{}", self.course.program.version));
        paths.push(format!("/cohorts/{}", self.course.metallurgy));
        for session in [closed, coming] {
            paths.extend([format!("/sessions/{session}"), format!("/sessions/{session}/changes")]);
        }
        paths.extend([format!("/leave-requests/{}", self.leave), format!("/correction-requests/{}", self.correction)]);
        for Enrolled { id, trainee } in &self.members {
            paths.push(format!("/trainees/{trainee}"));
            let whats = ["", "/hours", "/hours?as_of=2020-09-01T00:00:00Z", "/progress", "/progress/explain"];
            paths.extend(whats.map(|what| format!("/enrollments/{id}{what}")));
            let entry = self.course.coordinator.get(&format!("/enrollments/{id}/hours")).expect(200).text_at("/items/0/id");
            paths.push(format!("/hour-entries/{entry}/explain"));
        }
        for unit in [&self.course.sponsor.id, &self.course.sponsor.plants[0]] {
            paths.push(format!("/organizations/{unit}"));
        }
        paths
    }

    fn told(&self, client: &Client) -> Vec<(String, u16, Value)> {
        self.paths()
            .into_iter()
            .map(|path| (path.clone(), told(&client.get(&path))))
            .map(|(path, (status, body))| (path, status, body))
            .collect()
    }

    fn is_shown(&self, client: &Client) -> bool {
        let found = client.get(&format!("/enrollments/{}", self.members[0].id)).status;
        let listed = client.get("/trainees").expect(200).items().len();
        match (found, listed) {
            (200, 2) => true,
            (404, 0) => false,
            other => panic!("{other:?}"),
        }
    }
}

/// An answer without when it was given and to which request.
fn told(reply: &Reply) -> (u16, Value) {
    let mut body = reply.body.clone();
    if let Some(fields) = body.as_object_mut() {
        for field in ["as_of", "instance"] {
            fields.remove(field);
        }
    }
    (reply.status, body)
}

#[test]
fn while_it_is_in_force_the_group_reads_what_the_subsidiary_reads() {
    let stage = stage();
    let (group, own) = (stage.app.partner(&stage.group.id), stage.app.partner(&stage.course.sponsor.id));
    let before = stage.told(&group);
    assert!(before.iter().all(|(path, status, _)| *status == 404 || !path[1..].contains('/')), "{before:?}");
    let id = stage.disclose(&stage.course.sponsor.id, &stage.group.id);
    let (seen, expected) = (stage.told(&group), stage.told(&own));
    for (ours, theirs) in seen.iter().zip(&expected) {
        assert_eq!(ours, theirs);
        assert_eq!(ours.1, 200, "{ours:?}");
    }
    // The table, without when it was made.
    let csv = |client: &Client| -> Vec<String> {
        let path = format!("/intakes/{}/progress", stage.course.intake);
        let text = client.with_header("accept", "text/csv").get(&path).expect(200).text;
        text.split(',').filter(|cell| !cell.ends_with('Z')).map(ToOwned::to_owned).collect()
    };
    assert_eq!(csv(&group), csv(&own));
    // Whoever acts by a token that may read alone is told the same.
    let options = TokenOptions { read_only: true, intake: Some(stage.course.intake.clone()), ..TokenOptions::default() };
    let narrowed = stage.app.client_for(muster::access::Role::Partner, Some(&stage.group.id), None, options);
    assert_eq!(csv(&narrowed), csv(&own));
    stage.end(&id);
    assert_eq!(stage.told(&group), before);
    narrowed.get(&format!("/intakes/{}/progress", stage.course.intake)).expect(404);
    assert_eq!(stage.app.findings(), Vec::<String>::new());
}

#[test]
fn it_is_in_force_from_its_beginning_to_its_end() {
    let stage = stage();
    let group = stage.app.partner(&stage.group.id);
    let (past, future) = ("2020-01-01T00:00:00Z", "2090-01-01T00:00:00Z");
    let body = json!({ "organization_id": stage.course.sponsor.id, "recipient_id": stage.group.id, "from_at": future,
        "until_at": "2091-01-01T00:00:00Z", "reason": "for a year" });
    let id = stage.manager.post("/disclosures", body).expect(201).id();
    assert!(!stage.is_shown(&group));
    stage.date(&id, "from_at", past);
    assert!(stage.is_shown(&group));
    stage.date(&id, "until_at", "2020-02-01T00:00:00Z");
    assert!(!stage.is_shown(&group));
    // One that is ended before it begins is never in force.
    let later = json!({ "organization_id": stage.course.sponsor.id, "recipient_id": stage.group.id, "from_at": future, "reason": "later" });
    let later = stage.manager.post("/disclosures", later).expect(201).id();
    stage.end(&later);
    assert!(!stage.is_shown(&group));
    stage.disclose(&stage.course.sponsor.id, &stage.group.id);
    assert!(stage.is_shown(&group));
}

#[test]
fn it_shows_what_is_below_to_whoever_is_at_the_recipient_or_above_it() {
    let stage = stage();
    let (subsidiary, group) = (&stage.course.sponsor, &stage.group);
    let (partner, of_plant) = (stage.app.partner(&group.id), stage.app.partner(&group.plants[0]));
    let (of_other_plant, stranger) = (stage.app.partner(&group.plants[1]), stage.app.partner(&seed::sponsor(&stage.app, "OTHER").id));
    let shown = || [&partner, &of_plant, &of_other_plant, &stranger].map(|client| stage.is_shown(client));
    // Of the plant that sends nobody; of the whole house, to a plant of the group; and to the group.
    let empty = stage.disclose(&subsidiary.plants[1], &group.id);
    assert_eq!(shown(), [false; 4]);
    let to_plant = stage.disclose(&subsidiary.id, &group.plants[0]);
    assert_eq!(shown(), [true, true, false, false]);
    stage.end(&to_plant);
    stage.disclose(&subsidiary.plants[0], &group.id);
    assert_eq!(shown(), [true, false, false, false]);
    assert_eq!(partner.get("/organizations").expect(200).items().len(), 3 + 2);
    stage.end(&empty);
    assert_eq!(partner.get("/organizations").expect(200).items().len(), 3 + 1);
    // The subsidiary is not shown the group, nor is whoever the group shows its own people to.
    let back = stage.app.partner(&subsidiary.id);
    back.get(&format!("/organizations/{}", group.id)).expect(404);
    let of_group = managing_partner(&stage.app, &group.id);
    let onward = json!({ "organization_id": group.id, "recipient_id": stranger_house(&stage), "reason": "onward" });
    of_group.post("/disclosures", onward).expect(201);
    assert_eq!(shown(), [true, false, false, false]);
}

fn stranger_house(stage: &Stage) -> String {
    let all = stage.app.administrator().get("/organizations?limit=500").expect(200);
    let other = all.items().iter().find(|one| one["code"] == "OTHER").unwrap();
    other["id"].as_str().unwrap().to_owned()
}

/// What a partner does with its own people, tried on those of the subsidiary, in an intake to which the group sends nobody.
fn tries(stage: &Stage) -> Vec<(String, Value)> {
    let intake = format!("/intakes/{}", stage.course.intake);
    let (enrollment, why) = (&stage.members[0].id, json!({ "reason": "as agreed" }));
    let nomination = |unit: &str| {
        let mut body = seed::nomination_body(&stage.course);
        body["unit_id"] = json!(unit);
        (format!("{intake}/nominations"), body)
    };
    let person = json!({ "name": "新人", "employee_number": "N-1" });
    let mut of_crew = seed::leave_body(enrollment, &seed::morning(2), 30);
    (of_crew["enrollment_id"], of_crew["crew"]) = (Value::Null, json!("A"));
    vec![
        nomination(&stage.course.sponsor.plants[0]),
        nomination(&stage.group.id),
        (format!("/enrollments/{enrollment}/replace"), json!({ "trainee": person, "reason": "as agreed" })),
        (format!("/enrollments/{enrollment}/withdraw"), why.clone()),
        (format!("/enrollments/{enrollment}/accept"), why.clone()),
        (format!("/enrollments/{enrollment}/decline"), why.clone()),
        (format!("/enrollments/{enrollment}/suspend"), why.clone()),
        (format!("{intake}/leave-requests"), seed::leave_body(enrollment, &seed::morning(2), 30)),
        (format!("{intake}/leave-requests"), of_crew),
        (format!("/leave-requests/{}/endorse", stage.leave), why.clone()),
        (format!("/leave-requests/{}/withdraw", stage.leave), why.clone()),
        (
            format!("/sessions/{}/correction-requests", stage.sessions[0]),
            json!({ "enrollment_id": enrollment, "code": "present", "statement": "was there" }),
        ),
        (format!("/correction-requests/{}/withdraw", stage.correction), why),
        ("/feeds".to_owned(), json!({ "kind": "intake", "subject_id": stage.course.intake })),
        ("/feeds".to_owned(), json!({ "kind": "trainee", "subject_id": stage.members[0].trainee })),
    ]
}

#[test]
fn nothing_of_what_is_shown_is_written() {
    let stage = stage();
    stage.disclose(&stage.course.sponsor.id, &stage.group.id);
    let group = stage.app.partner(&stage.group.id);
    let crew = json!({ "crew": "A" });
    stage.course.coordinator.if_match("*").patch(&format!("/enrollments/{}", stage.members[0].id), crew).expect(200);
    for (path, body) in tries(&stage) {
        stage.app.unchanged(|| group.post(&path, body.clone())).expect(403);
    }
    for path in [format!("/organizations/{}", stage.course.sponsor.id), format!("/trainees/{}", stage.members[0].trainee)] {
        stage.app.unchanged(|| group.if_match("*").patch(&path, json!({ "name": "改名" }))).expect(403);
    }
    // Nor does the group's manager give roles or tokens in the house that is shown, or tie a user to one of its people.
    let manager = managing_partner(&stage.app, &stage.group.id);
    let user = |house: &str, person: Option<&str>| json!({ "name": "x", "role": "partner", "organization_id": house, "person_id": person });
    let refused = |body: Value| stage.app.unchanged(|| manager.post("/users", body)).expect(422);
    refused(user(&stage.course.sponsor.id, None)).fault("/organization_id", "unknown_organization");
    refused(user(&stage.group.id, Some(&stage.members[0].trainee))).fault("/person_id", "unknown_person");
    assert_eq!(manager.get("/users").expect(200).items().len(), 2);
    // Where the subsidiary's own partner does all of it.
    stage.app.partner(&stage.course.sponsor.id).post(&format!("/leave-requests/{}/endorse", stage.leave), json!({})).expect(200);
}

#[test]
fn where_the_group_sends_people_too_it_acts_for_these_alone() {
    let stage = stage();
    let (plant, group) = (&stage.group.plants[0], stage.app.partner(&stage.group.id));
    let discipline = (stage.course.program.metallurgy.as_str(), stage.course.metallurgy.as_str());
    let own = seed::enrolled_at(&stage.course, plant, discipline, 1).remove(0);
    for id in [&own.id, &stage.members[0].id] {
        stage.course.coordinator.if_match("*").patch(&format!("/enrollments/{id}"), json!({ "crew": "A" })).expect(200);
    }
    let intake = format!("/intakes/{}", stage.course.intake);
    let id = stage.disclose(&stage.course.sponsor.id, &stage.group.id);
    assert_eq!(group.get(&format!("{intake}/enrollments")).expect(200).items().len(), 3);
    let enrollment = &stage.members[0].id;
    let correction = json!({ "enrollment_id": enrollment, "code": "present", "statement": "was there" });
    let person = json!({ "trainee": { "name": "新人", "employee_number": "N-1" }, "reason": "as agreed" });
    let shared = stage.course.coordinator.post(&format!("{intake}/leave-requests"), crew_leave(None)).expect(422);
    shared.fault("/sponsor_id", "sponsor_missing");
    for (path, body) in [
        (format!("{intake}/leave-requests"), seed::leave_body(enrollment, &seed::morning(2), 30)),
        (format!("/sessions/{}/correction-requests", stage.sessions[0]), correction),
        (format!("/enrollments/{enrollment}/replace"), person.clone()),
        (format!("/leave-requests/{}/endorse", stage.leave), json!({})),
    ] {
        stage.app.unchanged(|| group.post(&path, body.clone())).expect(403);
    }
    let mut nomination = seed::nomination_body(&stage.course);
    nomination["unit_id"] = json!(stage.course.sponsor.plants[0]);
    stage
        .app
        .unchanged(|| group.post(&format!("{intake}/nominations"), nomination.clone()))
        .expect(422)
        .fault("/unit_id", "unknown_organization");
    let known =
        json!({ "trainee_id": stage.members[0].trainee, "discipline_id": discipline.0, "cohort_id": discipline.1, "unit_id": plant });
    stage.app.unchanged(|| group.post(&format!("{intake}/nominations"), known.clone())).expect(404);
    // A crew is the own one, whatever another house calls its own.
    let asked = group.post(&format!("{intake}/leave-requests"), crew_leave(None)).expect(201);
    assert_eq!(asked.body["enrollment_ids"], json!([own.id]));
    let elses = crew_leave(Some(&stage.course.sponsor.id));
    group.post(&format!("{intake}/leave-requests"), elses).expect(422).fault("/crew", "unknown_crew");
    nomination["unit_id"] = json!(plant);
    group.post(&format!("{intake}/nominations"), nomination).expect(201);
    group.post(&format!("/enrollments/{}/replace", own.id), person).expect(409).problem("owed_session_closed");
    stage.end(&id);
    assert_eq!(group.get(&format!("{intake}/enrollments")).expect(200).items().len(), 2);
}

fn crew_leave(sponsor: Option<&str>) -> Value {
    let mut body = seed::leave_body("", &seed::morning(2), 30);
    (body["enrollment_id"], body["crew"], body["sponsor_id"]) = (Value::Null, json!("A"), json!(sponsor));
    body
}

#[test]
fn seats_are_told_to_the_house_alone_that_has_them() {
    let stage = stage();
    let intake = format!("/intakes/{}", stage.course.intake);
    let full = json!({ "seats": 2 });
    let quota = format!("{intake}/seat-quotas/{}", stage.course.sponsor.id);
    stage.course.coordinator.if_match("*").put(&quota, full.clone()).expect(200);
    let plants = format!("{intake}/seat-quotas/{}", stage.course.sponsor.plants[0]);
    stage.course.coordinator.put(&plants, full).expect(200);
    let nominated = stage.course.coordinator.post(&format!("{intake}/nominations"), seed::nomination_body(&stage.course)).expect(201).id();
    stage.disclose(&stage.course.sponsor.id, &stage.group.id);
    let (group, own) = (stage.app.partner(&stage.group.id), stage.app.partner(&stage.course.sponsor.id));
    assert_eq!(group.get(&format!("{intake}/seat-quotas")).expect(200).body, json!([]));
    assert_eq!(own.get(&format!("{intake}/seat-quotas")).expect(200).body.as_array().unwrap().len(), 2);
    group.get(&quota).expect(404);
    group.get(&plants).expect(404);
    // Why somebody has no seat is told, how many there are is not.
    let explained = |client: &Client, id: &str| client.get(&format!("/enrollments/{id}/explain")).expect(200).body;
    let (ours, theirs) = (explained(&group, &nominated), explained(&own, &nominated));
    assert_eq!((&ours["obstacles"], &theirs["obstacles"]), (&json!(["quota_full"]), &json!(["quota_full"])));
    assert_eq!((ours["quotas"].as_array().unwrap().len(), theirs["quotas"].as_array().unwrap().len()), (0, 2));
    // Nor are the steps that would be refused: the group takes none.
    let (ours, theirs) = (explained(&group, &stage.members[0].id), explained(&own, &stage.members[0].id));
    assert_eq!((&ours["refused_steps"], &theirs["refused_steps"][0]["step"]), (&json!([]), &json!("replace")));
    // A quota of the subsidiary without anybody enrolled shows the group no intake.
    let other = seed::course_called(&stage.app, "OTHER", "OTHER");
    let quota = format!("/intakes/{}/seat-quotas/{}", other.intake, stage.course.sponsor.id);
    other.coordinator.put(&quota, json!({ "seats": 9 })).expect(200);
    own.get(&format!("/intakes/{}", other.intake)).expect(200);
    group.get(&format!("/intakes/{}", other.intake)).expect(404);
}

#[test]
fn a_report_has_another_tag_when_a_disclosure_begins_and_the_old_one_when_it_ends() {
    let stage = stage();
    let discipline = (stage.course.program.metallurgy.as_str(), stage.course.metallurgy.as_str());
    seed::enrolled_at(&stage.course, &stage.group.id, discipline, 1);
    seed::enrolled_at(&stage.course, &stage.course.sponsor.plants[1], discipline, 1);
    let (group, path) = (stage.app.partner(&stage.group.id), format!("/intakes/{}/progress", stage.course.intake));
    let tag = |rows: usize| {
        let report = group.get(&path).expect(200);
        assert_eq!(report.body["rows"].as_array().unwrap().len(), rows);
        group.if_none_match(&report.etag()).get(&path).expect(304);
        report.etag()
    };
    let own = tag(1);
    let first = stage.disclose(&stage.course.sponsor.plants[0], &stage.group.id);
    group.if_none_match(&own).get(&path).expect(200);
    let with_two = tag(3);
    // Another part of the same house, with the same version of its report.
    stage.end(&first);
    assert_eq!(tag(1), own);
    stage.disclose(&stage.course.sponsor.plants[1], &stage.group.id);
    let with_one = tag(2);
    assert!(own != with_two && own != with_one && with_one != with_two);
    // Whoever comes to those who are shown changes the report, too.
    seed::enrolled_at(&stage.course, &stage.course.sponsor.plants[1], discipline, 1);
    let with_one_more = tag(3);
    assert!(with_one_more != with_one && with_one_more != with_two);
}

#[test]
fn what_is_shown_costs_no_statement_more() {
    let stage = stage();
    let (partner, own) = (stage.app.partner(&stage.group.id), stage.app.partner(&stage.course.sponsor.id));
    stage.disclose(&stage.course.sponsor.id, &stage.group.id);
    for path in stage.paths() {
        // What was never asked before may have to be sealed first.
        own.get(&path).expect(200);
        let (reply, ours) = statements::count(|| partner.get(&path));
        reply.expect(200);
        assert_eq!(ours, statements::count(|| own.get(&path)).1, "{path}");
    }
}
