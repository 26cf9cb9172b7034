use serde_json::json;

use crate::support::{assert_winners, at_once, rounds, seed, seed::Course, spawn_app};

const THREADS: usize = 4;

fn path(course: &Course) -> String {
    format!("/intakes/{}/enrollments", course.intake)
}

#[test]
fn the_last_seat_is_taken_once() {
    let app = spawn_app();
    let course = seed::course(&app);
    for round in 0..rounds() {
        let trainees: Vec<String> = (0..THREADS).map(|_| seed::recruit(&course)).collect();
        let capacity = json!({ "capacity": round + 1 });
        course.coordinator.if_match("*").patch(&format!("/intakes/{}", course.intake), capacity).expect(200);
        let replies = at_once(THREADS, |index| course.coordinator.post(&path(&course), seed::enrollment_body(&course, &trainees[index])));
        assert_winners(replies, 1, "capacity_full");
    }
    assert_eq!(app.count("SELECT seats_taken FROM intakes"), i64::from(rounds()));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn the_last_seat_of_a_sponsor_is_taken_once() {
    let app = spawn_app();
    let course = seed::course(&app);
    let quota = format!("/intakes/{}/seat-quotas/{}", course.intake, course.sponsor.id);
    for round in 0..rounds() {
        let trainees: Vec<String> = (0..THREADS).map(|_| seed::recruit(&course)).collect();
        course.coordinator.if_match("*").put(&quota, json!({ "seats": 2 * round + 2 })).expect(200);
        // From two plants of the sponsor: the quota is of both together.
        let replies = at_once(THREADS, |index| {
            let mut body = seed::enrollment_body(&course, &trainees[index]);
            body["unit_id"] = json!(course.sponsor.plants[index % 2]);
            course.coordinator.post(&path(&course), body)
        });
        assert_winners(replies, 2, "quota_full");
    }
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn of_two_steps_of_somebody_with_hours_each_is_taken_or_not_possible_any_more() {
    let app = spawn_app();
    let course = seed::course(&app);
    let members = seed::enrolled(&course, 2);
    seed::closed_session(&course, "MET-1", &seed::morning(1), &members.iter().map(|one| seed::line(one, "present")).collect::<Vec<_>>());
    let step = |index: usize| ["suspend", "resume"][index / 2];
    for _ in 0..rounds() {
        let replies = at_once(THREADS, |index| {
            let path = format!("/enrollments/{}/{}", members[index % 2].id, step(index));
            course.coordinator.post(&path, json!({ "reason": "as agreed" }))
        });
        // Wherever somebody stands, one of both leads on.
        for member in 0..members.len() {
            assert!(replies.iter().skip(member).step_by(2).any(|reply| reply.status == 200), "{replies:#?}");
        }
        for reply in replies.into_iter().filter(|reply| reply.status != 200) {
            reply.expect(409).problem("illegal_transition");
        }
    }
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn nobody_is_enrolled_twice_at_once() {
    let app = spawn_app();
    let course = seed::course(&app);
    for _ in 0..rounds() {
        let trainee = seed::recruit(&course);
        let replies = at_once(THREADS, |_| course.coordinator.post(&path(&course), seed::enrollment_body(&course, &trainee)));
        assert_winners(replies, 1, "already_enrolled");
    }
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn one_request_sent_several_times_enrolls_once() {
    let app = spawn_app();
    let course = seed::course(&app);
    for round in 0..rounds() {
        let trainee = seed::recruit(&course);
        let client = course.coordinator.idempotency_key(&format!("enroll-{round}"));
        let replies = at_once(THREADS, |_| client.post(&path(&course), seed::enrollment_body(&course, &trainee)));
        let first = replies[0].clone().expect(201);
        assert!(replies.iter().all(|reply| (reply.status, &reply.text) == (201, &first.text)), "{replies:#?}");
        assert_eq!(replies.iter().filter(|reply| reply.header("idempotency-replayed").is_empty()).count(), 1);
    }
    assert_eq!(app.count("SELECT seats_taken FROM intakes"), i64::from(rounds()));
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn of_several_steps_at_once_one_is_taken() {
    let app = spawn_app();
    let course = seed::course(&app);
    for _ in 0..rounds() {
        let member = seed::enrolled(&course, 1).remove(0);
        // None of these can follow another one of them.
        let replies = at_once(THREADS, |index| {
            let step = ["complete", "fail", "withdraw", "complete"][index];
            course.coordinator.post(&format!("/enrollments/{}/{step}", member.id), json!({ "reason": "as decided" }))
        });
        assert_winners(replies, 1, "illegal_transition");
    }
    assert_eq!(app.findings(), Vec::<String>::new());
}

#[test]
fn nobody_slips_into_an_intake_that_is_being_cancelled() {
    let app = spawn_app();
    let course = seed::course(&app);
    for round in 0..rounds() {
        let intake = seed::intake(&course.coordinator, &course.program.version, &format!("R-{round}"));
        let trainees: Vec<String> = (1..THREADS).map(|_| seed::recruit(&course)).collect();
        let replies = at_once(THREADS, |index| match index {
            0 => course.coordinator.post(&format!("/intakes/{intake}/cancel"), json!({ "reason": "too few" })),
            index => {
                let mut body = seed::enrollment_body(&course, &trainees[index - 1]);
                body["cohort_id"] = json!(null);
                course.coordinator.post(&format!("/intakes/{intake}/enrollments"), body)
            }
        });
        let cancelled = replies[0].clone().expect(200);
        let journal = |action: &str, subject: &str| {
            let subject = app.hex(subject);
            app.count(&format!("SELECT coalesce(max(seq), 0) FROM journal_entries WHERE action = '{action}' AND subject_id = {subject}"))
        };
        let ended = journal("intake.changed_state", &cancelled.id());
        for reply in &replies[1..] {
            if reply.status == 201 {
                assert!(journal("enrollment.created", &reply.id()) < ended, "enrolled after the intake was cancelled");
            } else {
                reply.clone().expect(409).problem("intake_not_open");
            }
        }
    }
}

#[test]
fn corrections_of_two_intakes_that_exchanged_people_do_not_bar_each_other() {
    let app = spawn_app();
    let courses = [seed::course(&app), seed::course_called(&app, "JINGTIE", "BAOWU")];
    let exchanged: Vec<_> = (0..2)
        .map(|index| {
            let member = seed::enrolled(&courses[index], 1).remove(0);
            let session = seed::closed_session(&courses[index], "MET-1", &seed::morning(1), &[seed::line(&member, "present")]);
            let body = json!({ "intake_id": courses[1 - index].intake, "reason": "another shift" });
            let new = courses[index].coordinator.post(&format!("/enrollments/{}/transfer", member.id), body).expect(201).id();
            (member, session, new)
        })
        .collect();
    for round in 0..rounds() {
        let minutes = 10 + i64::from(round % 70);
        let steps: Vec<String> =
            (0..2).map(|index| correction(&courses[index], &exchanged[index].0, &exchanged[index].1, minutes, round)).collect();
        for reply in at_once(2, |index| courses[index].coordinator.post(&steps[index], json!({}))) {
            reply.expect(200);
        }
        for (course, (_, _, new)) in courses.iter().zip(&exchanged) {
            let hours = course.coordinator.get(&format!("/enrollments/{new}/hours?limit=1")).expect(200).body;
            assert_eq!(hours["balance"]["carried_in_minutes"], minutes);
        }
    }
    assert_eq!(app.findings(), Vec::<String>::new());
}

/// Has somebody called late with so many minutes; says by which step that is posted: a closing, and every other time the acceptance of what
/// was asked for.
fn correction(course: &Course, member: &seed::Enrolled, session: &str, minutes: i64, round: u32) -> String {
    if round.is_multiple_of(2) {
        let mut body = seed::line_of(member, "late", minutes);
        body["statement"] = json!("came late");
        let asked = course.coordinator.post(&format!("/sessions/{session}/correction-requests"), body).expect(201).id();
        return format!("/correction-requests/{asked}/accept");
    }
    seed::step_roll_call(course, session, "reopen", Some("was late")).expect(200);
    seed::put_roll_call(course, session, &[seed::line_of(member, "late", minutes)]).expect(200);
    format!("/sessions/{session}/roll-call/close")
}
