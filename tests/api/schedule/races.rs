use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Client, Reply, at_once, rounds, seed, seed::Course, spawn_app};

/// A request that takes part in a race.
struct Entrant {
    session: String,
    code: String,
    path: String,
    body: Value,
}

impl Entrant {
    /// Publishes a new draft.
    fn publishing(course: &Course, body: Value) -> Self {
        let code = body["code"].as_str().unwrap().to_owned();
        let session = seed::session_as(course, body);
        Self { path: format!("/sessions/{session}/publish"), session, code, body: json!({}) }
    }
}

/// Who won, by their numbers. Whoever lost was told what blocks: another entrant that won. Drafts that lost are cancelled, for they are
/// in nobody's way.
fn race(client: &Client, entrants: &[Entrant]) -> BTreeSet<usize> {
    let replies = at_once(entrants.len(), |index| {
        let Entrant { session, path, body, .. } = &entrants[index];
        if path.ends_with("/publish") {
            client.post(path, body.clone())
        } else {
            client.if_match("*").patch(&format!("/sessions/{session}"), body.clone())
        }
    });
    let (won, lost): (Vec<_>, Vec<_>) = replies.into_iter().enumerate().partition(|(_, reply)| reply.status == 200);
    let winners: BTreeSet<&str> = won.iter().map(|(index, _)| entrants[*index].code.as_str()).collect();
    for (index, reply) in lost {
        assert_blocked(reply, &winners);
        if entrants[index].path.ends_with("/publish") {
            client.post(&format!("/sessions/{}/cancel", entrants[index].session), json!({ "reason": "too late" })).expect(200);
        }
    }
    won.into_iter().map(|(index, _)| index).collect()
}

#[track_caller]
fn assert_blocked(reply: Reply, winners: &BTreeSet<&str>) {
    let problem = reply.expect(409).problem("session_conflict");
    let others: Vec<&str> = problem.body["conflicts"].as_array().unwrap().iter().filter_map(|one| one["other"]["code"].as_str()).collect();
    assert!(!others.is_empty() && others.iter().all(|code| winners.contains(code)), "{others:?} {winners:?}");
    assert!(others.iter().any(|code| problem.text_at("/detail").contains(code)), "{}", problem.text_at("/detail"));
}

#[test]
fn an_instructor_is_published_once_for_one_time() {
    let app = spawn_app();
    // Two intakes, so that no lock on one of them decides.
    let courses = [seed::long_course(&app, "ONE"), seed::long_course(&app, "TWO")];
    for round in 0..rounds() {
        let entrants: Vec<Entrant> = (0..4)
            .map(|index| {
                let of = &courses[index % 2];
                let start = seed::after(&seed::morning(round), 10 * i64::try_from(index).unwrap());
                let mut body = seed::session_body(of, &format!("R-{round}-{index}"), &start);
                body["instructor_ids"] = json!([courses[0].instructor]);
                Entrant::publishing(of, body)
            })
            .collect();
        assert_eq!(race(&courses[0].coordinator, &entrants).len(), 1);
    }
    assert_eq!(app.count("SELECT count(*) FROM claims WHERE kind = 'instructor'"), i64::from(rounds()));
}

#[test]
fn a_room_is_published_once_for_one_time() {
    let app = spawn_app();
    let courses = [seed::long_course(&app, "ONE"), seed::long_course(&app, "TWO")];
    let room = seed::room(&courses[0], "A-301");
    for round in 0..rounds() {
        let entrants: Vec<Entrant> = (0..4)
            .map(|index| {
                let of = &courses[index % 2];
                let start = seed::after(&seed::morning(round), 10 * i64::try_from(index).unwrap());
                let mut body = seed::session_body(of, &format!("R-{round}-{index}"), &start);
                body["room_id"] = json!(room);
                body["instructor_ids"] = json!([]);
                // One cohort in each intake holds one of the two.
                if index > 1 {
                    body["cohort_ids"] = json!([of.mechanics]);
                    body["module_id"] = json!(of.program.mechanics_module);
                }
                Entrant::publishing(of, body)
            })
            .collect();
        assert_eq!(race(&courses[0].coordinator, &entrants).len(), 1);
    }
    assert_eq!(app.count("SELECT count(*) FROM claims WHERE kind = 'room'"), i64::from(rounds()));
}

#[test]
fn a_cohort_is_published_once_for_one_time() {
    let app = spawn_app();
    let course = seed::long_course(&app, "ONE");
    for round in 0..rounds() {
        let entrants: Vec<Entrant> = (0..4)
            .map(|index| {
                let start = seed::after(&seed::morning(round), 10 * i64::from(index));
                let mut body = seed::session_body(&course, &format!("R-{round}-{index}"), &start);
                body["instructor_ids"] = json!([]);
                Entrant::publishing(&course, body)
            })
            .collect();
        assert_eq!(race(&course.coordinator, &entrants).len(), 1);
    }
    assert_eq!(app.count("SELECT count(*) FROM claims WHERE kind = 'cohort'"), i64::from(rounds()));
}

#[test]
fn one_of_publishing_there_and_moving_there_is_done() {
    let app = spawn_app();
    let courses = [seed::long_course(&app, "ONE"), seed::long_course(&app, "TWO")];
    let mut moved = 0;
    for round in 0..rounds() {
        let (from, to) = (seed::morning(2 * round), seed::morning(2 * round + 1));
        let code = format!("M-{round}");
        let session = seed::published_session(&courses[0], &code, &from);
        let body = json!({ "starts_at": to, "ends_at": seed::after(&to, 90), "reason": "x" });
        let moving = Entrant { path: format!("/sessions/{session}"), session, code, body };
        let mut body = seed::session_body(&courses[1], &format!("P-{round}"), &seed::after(&to, 30));
        body["instructor_ids"] = json!([courses[0].instructor]);
        let winners = race(&courses[0].coordinator, &[moving, Entrant::publishing(&courses[1], body)]);
        assert_eq!(winners.len(), 1);
        moved += i64::from(winners.contains(&0));
    }
    // Whoever did not move stands where it was, beside the one that was published.
    assert_eq!(app.count("SELECT count(*) FROM sessions WHERE sequence = 1"), moved);
    let published = app.count("SELECT count(*) FROM sessions WHERE state = 'published'");
    assert_eq!(published, 2 * i64::from(rounds()) - moved);
}

#[test]
fn two_that_may_overlap_are_published_both_or_the_third_alone() {
    let app = spawn_app();
    let courses = [seed::long_course(&app, "ONE"), seed::long_course(&app, "TWO"), seed::long_course(&app, "THREE")];
    for round in 0..rounds() {
        let entrants: Vec<Entrant> = (0..3)
            .map(|index| {
                let mut body = seed::session_body(&courses[index], &format!("R-{round}-{index}"), &seed::morning(round));
                body["instructor_ids"] = json!([courses[0].instructor]);
                Entrant::publishing(&courses[index], body)
            })
            .collect();
        let waiver = json!({ "other_session_id": entrants[1].session, "reason": "one laboratory" });
        courses[0].coordinator.post(&format!("/sessions/{}/waivers", entrants[0].session), waiver).expect(201);
        let winners = race(&courses[0].coordinator, &entrants);
        assert!(winners == BTreeSet::from([0, 1]) || winners == BTreeSet::from([2]), "{winners:?}");
    }
}

#[test]
fn of_several_steps_at_once_one_is_taken() {
    let app = spawn_app();
    let course = seed::long_course(&app, "ONE");
    for round in 0..rounds() {
        let session = seed::published_session(&course, &format!("P-{round}"), &seed::morning(round));
        let replies = at_once(4, |index| {
            let (step, body) = if index % 2 == 0 { ("hold", json!({})) } else { ("cancel", json!({ "reason": "storm" })) };
            course.coordinator.post(&format!("/sessions/{session}/{step}"), body)
        });
        crate::support::assert_winners(replies, 1, "illegal_transition");
    }
}

#[test]
fn two_sessions_that_share_instructors_in_other_orders_never_deadlock() {
    let app = spawn_app();
    let course = seed::long_course(&app, "ONE");
    let second = seed::instructor(&app, &course.coordinator, "P-2");
    for round in 0..rounds() {
        let entrants: Vec<Entrant> = [[&course.instructor, &second], [&second, &course.instructor]]
            .iter()
            .enumerate()
            .map(|(index, instructors)| {
                let mut body = seed::session_body(&course, &format!("R-{round}-{index}"), &seed::morning(round));
                body["instructor_ids"] = json!(instructors);
                Entrant::publishing(&course, body)
            })
            .collect();
        assert_eq!(race(&course.coordinator, &entrants).len(), 1);
    }
}

#[test]
fn whoever_enters_a_room_while_it_is_renamed_is_told_or_enters_the_renamed_one() {
    let app = spawn_app();
    let courses = ["ONE", "TWO", "THREE"].map(|code| seed::long_course(&app, code));
    let [standing, drafting, creating] = &courses;
    let coordinator = &standing.coordinator;
    for course in &courses {
        coordinator.if_match("*").patch(&format!("/intakes/{}", course.intake), json!({ "closes_on": "2199-12-31" })).expect(200);
    }
    for round in 0..rounds() {
        // Nobody was there before, so that no intake is known to be concerned.
        let room = seed::room(standing, &format!("A-{round}"));
        // In the 22nd century, for what is over is told to nobody.
        let day = |number: u32| seed::morning(30_000 + 3 * round + number);
        let inside = |course: &Course, code: String, number: u32| {
            let mut body = seed::session_body(course, &code, &day(number));
            body["room_id"] = json!(room);
            body
        };
        let moving = seed::published_session(standing, &format!("M-{round}"), &day(0));
        let publishing = seed::session_as(drafting, inside(drafting, format!("P-{round}"), 1));
        let new = json!({ "publish": true, "sessions": [inside(creating, format!("C-{round}"), 2)] });
        let replies = at_once(4, |index| match index {
            0 => coordinator.if_match("*").patch(&format!("/sessions/{moving}"), json!({ "room_id": room, "reason": "rain" })),
            1 => coordinator.post(&format!("/sessions/{publishing}/publish"), json!({})),
            2 => coordinator.post(&format!("/intakes/{}/sessions/bulk", creating.intake), new.clone()),
            _ => coordinator.if_match("*").patch(&format!("/rooms/{room}"), json!({ "name": "Hall", "reason": "a new wing" })),
        });
        let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
        // Whoever renames gives way to a session of an intake that had none there.
        assert!(statuses[..3] == [200, 200, 201] && [200, 503].contains(&statuses[3]), "{replies:?}");
    }
    // Each heard of its own move, if it moved there, and of the other name if that came after.
    let entered = |prefix: &str, action: &str, own: u32| {
        let since = format!("SELECT min(seq) FROM journal_entries e WHERE e.subject_id = s.id AND e.action = '{action}'");
        app.count(&format!(
            "SELECT count(*) FROM sessions s WHERE s.code LIKE '{prefix}-%' AND (SELECT count(*) FROM session_changes c WHERE c.session_id = s.id)
                = {own} + (SELECT count(*) FROM journal_entries r WHERE r.subject_id = s.room_id AND r.action = 'room.updated' AND r.seq > ({since}))"
        ))
    };
    let told = [entered("M", "session.changed", 1), entered("P", "session.published", 0), entered("C", "session.published", 0)];
    assert_eq!(told, [i64::from(rounds()); 3]);
    assert_eq!(app.findings(), Vec::<String>::new());
}
